//! How results grow with the number of labels: sizes × seeds × arms.

use crate::math::Stream;
use crate::study::{StudyError, parallel, stats};

/// One training of one arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// Index of the arm.
    pub arm: usize,
    /// Number of labelled rows.
    pub labels: usize,
    /// Seed.
    pub seed: u64,
}

/// What every arm reached at every size under every seed.
#[derive(Clone, Debug, PartialEq)]
pub struct LearningCurve {
    /// Numbers of labelled rows.
    pub sizes: Vec<usize>,
    /// Seeds.
    pub seeds: Vec<u64>,
    /// `values[arm][size][seed]`.
    pub values: Vec<Vec<Vec<f64>>>,
}

impl LearningCurve {
    /// Runs `work` for every arm, size and seed, `threads` at a time; the result does not depend on `threads`.
    ///
    /// # Errors
    /// That of the first run that fails.
    pub fn run(
        arms: usize,
        sizes: &[usize],
        seeds: &[u64],
        threads: usize,
        work: impl Fn(Point) -> Result<f64, StudyError> + Sync,
    ) -> Result<Self, StudyError> {
        let per_arm = sizes.len() * seeds.len();
        let reached = parallel::jobs(arms * per_arm, threads, |job| {
            let (arm, rest) = (job / per_arm, job % per_arm);
            work(Point { arm, labels: sizes[rest / seeds.len()], seed: seeds[rest % seeds.len()] })
        })?;
        let by_size = |arm: &[f64]| arm.chunks(seeds.len()).map(<[f64]>::to_vec).collect();
        let values = reached.chunks(per_arm.max(1)).map(by_size).collect();
        Ok(Self { sizes: sizes.to_vec(), seeds: seeds.to_vec(), values })
    }

    /// Mean over seeds of an arm at each size.
    pub fn means(&self, arm: usize) -> Vec<f64> {
        self.values[arm].iter().map(|seeds| stats::mean(seeds).unwrap_or(f64::NAN)).collect()
    }

    /// Differences between two arms at a size, one per seed, for the paired tests of [`stats`].
    pub fn differences(&self, arm: usize, baseline: usize, size: usize) -> Vec<f64> {
        self.values[arm][size].iter().zip(&self.values[baseline][size]).map(|(a, b)| a - b).collect()
    }
}

/// `count` rows with as equal numbers of each class as there are, under `seed`; the rows of a smaller count are among
/// those of a larger one, so that a curve compares sizes and not draws.
///
/// ```
/// use qgraft::study::learning_curve::labelled;
/// let labels = [0, 0, 0, 1, 1, 1];
/// let (few, more) = (labelled(&labels, 2, 7), labelled(&labels, 4, 7));
/// assert_eq!(few.iter().map(|row| labels[*row]).sum::<usize>(), 1);
/// assert!(few.iter().all(|row| more.contains(row)));
/// ```
pub fn labelled(labels: &[usize], count: usize, seed: u64) -> Vec<usize> {
    let order = Stream::named(seed, "labelled").permutation(labels.len());
    let classes = labels.iter().max().map_or(0, |last| last + 1);
    let mut seen = vec![0usize; classes];
    // Each row's turn in its class: taking rows turn by turn keeps the classes level.
    let mut turns: Vec<(usize, usize)> = order
        .into_iter()
        .map(|row| {
            seen[labels[row]] += 1;
            (seen[labels[row]], row)
        })
        .collect();
    turns.sort_by_key(|(turn, _)| *turn);
    turns.into_iter().take(count).map(|(_, row)| row).collect()
}
