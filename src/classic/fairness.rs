//! Decisions that groups share alike: a reduction to weighted rows, and offsets for each group after training.

use ndarray::{Array2, ArrayView2};

use crate::math::order::argmax;

/// Demographic parity as a game between a learner and multipliers of the constraints
/// ±(P(decision = c | g) - P(decision = c)) ≤ ε (exponentiated-gradient reduction; Agarwal et al. 2018, arXiv:1803.02453, algorithm
/// 1, with a fixed number of rounds and the plain mean over them; for several classes one constraint each).
///
/// Each round the learner is fitted to [`Reduction::rows`], and its decisions are given to [`Reduction::update`]. The answer is
/// the randomised classifier that draws one of the rounds.
#[derive(Clone, Debug)]
pub struct Reduction {
    labels: Vec<usize>,
    groups: Vec<usize>,
    /// (groups): rows of each.
    sizes: Vec<f64>,
    /// Slack ε of the constraints.
    slack: f64,
    /// Bound B of the sum of the multipliers.
    bound: f64,
    /// Step η of the multipliers' logarithms.
    rate: f64,
    /// (groups, classes), of the constraints with + and with -.
    logs: [Array2<f64>; 2],
}

impl Reduction {
    /// Multipliers that are equal and small. `slack` is in 0..1, `bound` and `rate` are above 0.
    pub fn new(labels: &[usize], groups: &[usize], classes: usize, slack: f64, bound: f64, rate: f64) -> Self {
        let count = groups.iter().max().map_or(0, |last| last + 1);
        let mut sizes = vec![0.0; count];
        groups.iter().for_each(|group| sizes[*group] += 1.0);
        let logs = [Array2::zeros((count, classes)), Array2::zeros((count, classes))];
        Self { labels: labels.to_vec(), groups: groups.to_vec(), sizes, slack, bound, rate, logs }
    }

    /// λ of the constraints with + minus that with -, (groups, classes): B e^θ / (1 + Σ e^θ).
    pub fn multipliers(&self) -> Array2<f64> {
        let total = 1.0 + self.logs.iter().flat_map(|own| own.iter()).map(|log| log.exp()).sum::<f64>();
        let [plus, minus] = &self.logs;
        (plus.mapv(f64::exp) - minus.mapv(f64::exp)) * (self.bound / total)
    }

    /// What each decision costs each row under these multipliers, (rows, classes): 1 for a wrong class, plus
    /// λ_gc n / n_g - Σ_g λ_gc.
    pub fn costs(&self, multipliers: ArrayView2<f64>) -> Array2<f64> {
        let rows = self.labels.len() as f64;
        let sums = multipliers.sum_axis(ndarray::Axis(0));
        Array2::from_shape_fn((self.labels.len(), multipliers.ncols()), |(row, class)| {
            let group = self.groups[row];
            let wrong = f64::from(u8::from(self.labels[row] != class));
            wrong + multipliers[[group, class]] * rows / self.sizes[group] - sums[class]
        })
    }

    /// Class and weight of each row for a learner of weighted classes: the cheapest class, and how much the next one costs more.
    pub fn rows(&self) -> (Vec<usize>, Vec<f64>) {
        let costs = self.costs(self.multipliers().view());
        let of = |row: ndarray::ArrayView1<f64>| {
            let best = argmax(row.mapv(|cost| -cost).view());
            let others = (0..row.len()).filter(|class| *class != best).map(|class| row[class]);
            (best, others.fold(f64::INFINITY, f64::min) - row[best])
        };
        costs.rows().into_iter().map(of).unzip()
    }

    /// Raises the multipliers of the constraints that these decisions violate.
    pub fn update(&mut self, decisions: &[usize]) {
        let (groups, classes) = self.logs[0].dim();
        let mut counts = Array2::<f64>::zeros((groups, classes));
        decisions.iter().zip(&self.groups).for_each(|(class, group)| counts[[*group, *class]] += 1.0);
        let rows = decisions.len().max(1) as f64;
        for class in 0..classes {
            let all = counts.column(class).sum() / rows;
            for group in (0..groups).filter(|group| self.sizes[*group] > 0.0) {
                let gap = counts[[group, class]] / self.sizes[group] - all;
                self.logs[0][[group, class]] += self.rate * (gap - self.slack);
                self.logs[1][[group, class]] += self.rate * (-gap - self.slack);
            }
        }
    }
}

/// Steps in which offsets are looked for.
const STEPS: usize = 200;

/// Offsets (groups, classes) on the logarithms of probabilities under which each group has the shares of decisions of all rows
/// (thresholds for each group after training; after Hardt, Price & Srebro 2016, arXiv:1610.02413, for several classes and without
/// randomised decisions). Classes are not read, so that `probabilities` (rows, classes) may be
/// of rows that were learned from. Of all steps the offsets with the
/// least difference of shares are kept, the first of equals.
pub fn group_offsets(probabilities: ArrayView2<f64>, groups: &[usize]) -> Array2<f64> {
    let (rows, classes) = probabilities.dim();
    let count = groups.iter().max().map_or(0, |last| last + 1);
    let mut sizes = vec![0.0f64; count];
    groups.iter().for_each(|group| sizes[*group] += 1.0);
    let shares = |offsets: &Array2<f64>| -> Array2<f64> {
        let mut found = Array2::zeros((count, classes));
        for (class, group) in offset_decisions(probabilities, groups, offsets).into_iter().zip(groups) {
            found[[*group, class]] += 1.0 / sizes[*group];
        }
        found
    };
    let mut offsets = Array2::zeros((count, classes));
    let start = shares(&offsets);
    let weight = |group: usize| sizes[group] / rows.max(1) as f64;
    let target: Vec<f64> =
        (0..classes).map(|class| (0..count).map(|group| weight(group) * start[[group, class]]).sum()).collect();
    let mut best = (f64::INFINITY, offsets.clone());
    for step in 0..STEPS {
        let own = shares(&offsets);
        let held = (0..count).filter(|group| sizes[*group] > 0.0);
        let gaps = held.flat_map(|group| (0..classes).map(move |class| (group, class)));
        let gap = gaps.map(|(group, class)| (own[[group, class]] - target[class]).abs()).fold(0.0, f64::max);
        if gap < best.0 {
            best = (gap, offsets.clone());
        }
        // Steps that shrink, because shares jump with single rows.
        let rate = 1.0 / (1.0 + 0.05 * step as f64);
        for ((group, class), offset) in offsets.indexed_iter_mut() {
            let small = 0.5 / sizes[group].max(1.0);
            *offset += rate * ((target[class] + small) / (own[[group, class]] + small)).ln();
        }
    }
    best.1
}

/// The class with the largest log p + offset of the row's group, the first of equals.
pub fn offset_decisions(probabilities: ArrayView2<f64>, groups: &[usize], offsets: &Array2<f64>) -> Vec<usize> {
    let of = |(row, group): (ndarray::ArrayView1<f64>, &usize)| {
        let scores = row.mapv(|p| p.max(1e-300).ln());
        argmax((scores + offsets.row(*group)).view())
    };
    probabilities.rows().into_iter().zip(groups).map(of).collect()
}
