//! Consequents learned from two domains, one of them with few labels.

use ndarray::{Array1, Array2, ArrayView1};
use serde::{Deserialize, Serialize};

use crate::classic::fuzzy::collaborative::{Consequents, Moments, Penalties, WeightedRows, alternate, combine};
use crate::math::order::argmax;

/// Which rows are from where, and what is known of them.
#[derive(Clone, Debug)]
pub struct Domains {
    /// The class of each row, `None` where it is not known.
    pub labels: Vec<Option<usize>>,
    /// Whether a row is of the source; the others are of the target.
    pub is_source: Vec<bool>,
    /// Number of classes.
    pub classes: usize,
}

impl Domains {
    /// Weights of rows whose products with outputs are distances between means of the domains: 1/n on rows of the source and
    /// -1/m on rows of the target, over all rows, and over those of each class. `guessed` are classes of rows without a label.
    /// A class without rows in one of the domains has none.
    pub fn contrasts(&self, guessed: &[Option<usize>]) -> Vec<Array1<f64>> {
        let Self { labels, is_source, classes } = self;
        let of = |is_member: &dyn Fn(usize) -> bool| -> Option<Array1<f64>> {
            let size =
                |source: bool| (0..labels.len()).filter(|&row| is_member(row) && is_source[row] == source).count();
            let (n, m) = (size(true), size(false));
            let weight = |row: usize| match (is_member(row), is_source[row]) {
                (false, _) => 0.0,
                (_, true) => 1.0 / n as f64,
                (_, false) => -1.0 / m as f64,
            };
            (n > 0 && m > 0).then(|| (0..labels.len()).map(weight).collect())
        };
        let whole = of(&|_| true);
        let of_class = |class: usize| of(&move |row: usize| labels[row].or(guessed[row]) == Some(class));
        whole.into_iter().chain((0..*classes).filter_map(of_class)).collect()
    }
}

/// How consequents are learned from two domains.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TransferOptions {
    /// What all labelled rows of the source count together, relative to all labelled rows of the target. Without labelled
    /// rows of the target each row of the source counts 1.
    pub source_weight: f64,
    /// Penalties relative to the summed weight of the labelled rows. The agreement counts every row alike.
    pub penalties: Penalties,
    /// The share of a class from which on it is taken for the label of an unlabelled row of the target.
    pub confidence: f64,
    /// Rounds of labelling at most. They end when fewer than one in 200 labels change.
    pub rounds: usize,
}

/// What was learned.
#[derive(Clone, Debug)]
pub struct Transferred {
    /// The consequents.
    pub consequents: Consequents,
    /// The class that each unlabelled row of the target was taken for; `None` for all others.
    pub pseudo_labels: Vec<Option<usize>>,
    /// Rounds until the labels settled.
    pub rounds: usize,
}

/// Alternations of views and weights within a round of labelling.
const ALTERNATIONS: usize = 5;

/// Fits the consequents of several views' rule features, each (rows, features), to both domains: labels of both, the agreement
/// of the views on all rows, and the distance between the domains' mean outputs, over all rows and within each class. Classes of
/// unlabelled rows of the target are what the views together are confident of, found anew in every round. A class without
/// rows in one of the domains has no distance.
///
/// The method after the abstract of Li et al. 2021 (arXiv:2111.08457); the objective is a reconstruction. `None` as
/// [`collaborate`](super::collaborate).
pub fn transfer(views: &[Array2<f64>], domains: &Domains, options: &TransferOptions) -> Option<Transferred> {
    let Domains { labels, is_source, classes } = domains;
    let count = labels.len();
    let labelled = |source: bool| (0..count).filter(|&row| labels[row].is_some() && is_source[row] == source).count();
    let (of_target, of_source) = (labelled(false) as f64, labelled(true) as f64);
    let source_row = if of_target > 0.0 { options.source_weight * of_target / of_source.max(1.0) } else { 1.0 };
    let fit: Array1<f64> = (0..count)
        .map(|row| match (labels[row], is_source[row]) {
            (None, _) => 0.0,
            (_, true) => source_row,
            (_, false) => 1.0,
        })
        .collect();
    let total = fit.sum();
    let targets = Array2::from_shape_fn((count, *classes), |(row, class)| f64::from(labels[row] == Some(class)));
    let agree = Array1::from_elem(count, total / count.max(1) as f64);
    let Penalties { ridge, agreement, entropy, mmd } = options.penalties;
    let penalties = Penalties { ridge: ridge * total, agreement, entropy: entropy * total, mmd: mmd * total };
    let moments: Vec<Moments> = {
        let rows = WeightedRows { targets: &targets, fit: &fit, agree: &agree, contrasts: &[] };
        views.iter().map(|view| Moments::of(view, &rows)).collect()
    };
    let fit_with = |contrasts: &[Array1<f64>], penalties: &Penalties, start: Option<&Consequents>, rounds: usize| {
        let rows = WeightedRows { targets: &targets, fit: &fit, agree: &agree, contrasts };
        alternate((views, &moments), &rows, penalties, start, rounds)
    };
    // Labels begin with each view on its own.
    let alone = Penalties { agreement: 0.0, mmd: 0.0, ..penalties };
    let mut consequents = fit_with(&[], &alone, None, 1)?;
    let mut pseudo_labels = vec![None; count];
    let mut rounds = 0;
    while rounds < options.rounds.max(1) {
        rounds += 1;
        let outputs: Vec<Array2<f64>> = views.iter().zip(&consequents.views).map(|(g, p)| g.dot(p)).collect();
        let scores = combine(&outputs, consequents.weights.view());
        let is_open = |row: usize| labels[row].is_none() && !is_source[row];
        let found: Vec<Option<usize>> = (0..count)
            .map(|row| if is_open(row) { confident(scores.row(row), options.confidence) } else { None })
            .collect();
        let changed = found.iter().zip(&pseudo_labels).filter(|(new, old)| new != old).count();
        let open = (0..count).filter(|&row| is_open(row)).count();
        let is_settled = rounds > 1 && changed * 200 < open.max(1);
        pseudo_labels = found;
        if is_settled {
            break;
        }
        let contrasts = if mmd > 0.0 { domains.contrasts(&pseudo_labels) } else { Vec::new() };
        consequents = fit_with(&contrasts, &penalties, Some(&consequents), ALTERNATIONS)?;
    }
    Some(Transferred { consequents, pseudo_labels, rounds })
}

/// The class of a row of scores, each limited to 0 to 1, if its share of their sum is above `threshold`.
pub fn confident(scores: ArrayView1<'_, f64>, threshold: f64) -> Option<usize> {
    let limited = scores.mapv(|score| score.clamp(0.0, 1.0));
    let (best, sum) = (argmax(limited.view()), limited.sum());
    (sum > 0.0 && limited[best] > threshold * sum).then_some(best)
}
