//! Which rows make up the steps of an epoch.

use crate::data::DataError;
use crate::math::Stream;

/// How the rows of an epoch are drawn.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Sampler {
    /// Every row once, in random order.
    #[default]
    Shuffled,
    /// As many rows as there are, with replacement, each in proportion to its weight (≥ 0; one per row). An epoch misses about 37 %
    /// of equally heavy rows.
    Weighted(Vec<f64>),
    /// Every step has equally many rows of each group (domain, class). `groups[row]` is a row's group. Small groups are
    /// gone through several times while the largest is gone through once.
    Balanced(Vec<u32>),
    /// Every row once, and every step has each group in proportion to its size, up to one row. `groups[row]` is a row's group.
    Proportional(Vec<u32>),
}

impl Sampler {
    /// Whether it can draw from so many rows.
    ///
    /// # Errors
    /// If there is not one weight or group per row, or weights are negative, not finite, or all 0.
    pub fn check(&self, rows: usize) -> Result<(), DataError> {
        let wrong = |reason: String| Err(DataError::malformed("the rows of a step", reason));
        let (given, what) = match self {
            Self::Shuffled => return Ok(()),
            Self::Weighted(weights) => (weights.len(), "weights"),
            Self::Balanced(groups) | Self::Proportional(groups) => (groups.len(), "groups"),
        };
        if given != rows {
            return wrong(format!("{given} {what} for {rows} rows; give one per row"));
        }
        if let Self::Weighted(weights) = self {
            if let Some(weight) = weights.iter().find(|weight| !(**weight >= 0.0 && weight.is_finite())) {
                return wrong(format!("a weight of {weight}; use finite numbers, at least 0"));
            }
            if weights.iter().sum::<f64>() == 0.0 && rows > 0 {
                return wrong("all weights are 0, so that no row can be drawn".into());
            }
        }
        Ok(())
    }

    /// The rows of each step of one epoch over `rows` rows, about `batch` a step; [`check`](Self::check) must have
    /// accepted the number of rows.
    ///
    /// ```
    /// use qgraft::data::Sampler;
    /// use qgraft::math::Stream;
    /// let steps = Sampler::Balanced(vec![0, 0, 0, 0, 1]).epoch(5, 4, &mut Stream::named(0, "batches"));
    /// assert_eq!(steps.len(), 2);
    /// assert!(steps.iter().all(|step| step.len() == 4 && step.iter().filter(|row| **row == 4).count() == 2));
    /// ```
    pub fn epoch(&self, rows: usize, batch: usize, stream: &mut Stream) -> Vec<Vec<u32>> {
        let batch = batch.max(1);
        let in_steps = |order: Vec<usize>| -> Vec<Vec<u32>> {
            order.chunks(batch).map(|step| step.iter().map(|&row| row as u32).collect()).collect()
        };
        match self {
            Self::Shuffled => in_steps(stream.permutation(rows)),
            Self::Weighted(weights) => {
                let sums: Vec<f64> = weights
                    .iter()
                    .scan(0.0, |sum, weight| {
                        *sum += weight;
                        Some(*sum)
                    })
                    .collect();
                let total = sums.last().copied().unwrap_or(0.0);
                let mut draw = || {
                    let position = total * stream.uniform();
                    sums.partition_point(|sum| *sum <= position).min(rows - 1)
                };
                in_steps((0..rows).map(|_| draw()).collect())
            }
            Self::Balanced(groups) => {
                let count = groups.iter().max().map_or(0, |last| *last as usize + 1);
                let mut members = vec![Vec::new(); count];
                for (row, &group) in groups.iter().enumerate() {
                    members[group as usize].push(row);
                }
                members.retain(|rows| !rows.is_empty());
                let share = (batch / members.len().max(1)).max(1);
                let steps = members.iter().map(|rows| rows.len().div_ceil(share)).max().unwrap_or(0);
                let mut epoch = vec![Vec::with_capacity(batch); steps];
                for rows in &members {
                    let mut order: Vec<usize> = Vec::new();
                    for step in &mut epoch {
                        while order.len() < share {
                            order.extend(stream.permutation(rows.len()));
                        }
                        step.extend(order.drain(..share).map(|k| rows[k] as u32));
                    }
                }
                epoch
            }
            Self::Proportional(groups) => {
                let count = groups.iter().max().map_or(0, |last| *last as usize + 1);
                let mut placed: Vec<(f64, usize)> = Vec::with_capacity(rows);
                for group in 0..count {
                    let own: Vec<usize> = (0..rows).filter(|&row| groups[row] as usize == group).collect();
                    let order = stream.permutation(own.len());
                    let at = |k: usize| (k as f64 + 0.5) / own.len() as f64;
                    placed.extend(order.into_iter().enumerate().map(|(k, row)| (at(k), own[row])));
                }
                placed.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
                in_steps(placed.into_iter().map(|(_, row)| row).collect())
            }
        }
    }
}

/// A weight per class, (N / (K n_c))^`power` with n_c rows of N in class c of K: at power 1 every class counts alike,
/// at 0 every row. An empty class is counted as one row.
pub fn class_weights(labels: &[usize], classes: usize, power: f64) -> Vec<f64> {
    let mut counts = vec![0usize; classes];
    for &label in labels {
        counts[label] += 1;
    }
    let even = labels.len() as f64 / classes as f64;
    counts.into_iter().map(|count| (even / count.max(1) as f64).powf(power)).collect()
}

/// A weight per class, (1 - β) / (1 - β^{n_c}) with n_c rows of the class, scaled to a mean of 1 (the effective number of rows; Cui
/// et al. 2019, arXiv:1901.05555, eq. 2). β in 0..1: at 0 every class has 1. An empty class is counted as one row.
///
/// ```
/// use qgraft::data::effective_number_weights;
/// let weights = effective_number_weights(&[0, 0, 0, 1], 2, 0.5);
/// // Effective numbers 1.75 and 1.
/// assert!((weights[1] / weights[0] - 1.75).abs() < 1e-12 && (weights[0] + weights[1] - 2.0).abs() < 1e-12);
/// ```
pub fn effective_number_weights(labels: &[usize], classes: usize, beta: f64) -> Vec<f64> {
    let mut counts = vec![0i32; classes];
    for &label in labels {
        counts[label] += 1;
    }
    let raw: Vec<f64> = counts.iter().map(|&count| (1.0 - beta) / (1.0 - beta.powi(count.max(1)))).collect();
    let mean = raw.iter().sum::<f64>() / classes.max(1) as f64;
    raw.into_iter().map(|weight| weight / mean).collect()
}

/// How often to draw each picture so that rare classes are seen more: the mean over its things of 1 / share of the thing's
/// class, to the power 1 / `temperature`; a picture without things counts 1. For [`Sampler::Weighted`].
///
/// ```
/// use qgraft::data::picture_weights;
/// let weights = picture_weights(&[vec![0, 0, 0], vec![0, 1], vec![]], 2, 1.0);
/// assert_eq!(weights, [1.25, 3.125, 1.0]);
/// ```
pub fn picture_weights(labels: &[Vec<usize>], classes: usize, temperature: f64) -> Vec<f64> {
    // class_weights at power 1 is N / (K n_c); a share is n_c / N.
    let weights = class_weights(&labels.concat(), classes, 1.0);
    let weight = |things: &Vec<usize>| match things.len() {
        0 => 1.0,
        count => things.iter().map(|&label| weights[label] * classes as f64).sum::<f64>() / count as f64,
    };
    labels.iter().map(|things| weight(things).powf(temperature.recip())).collect()
}
