//! Weights of source models by how well they order what is measured now: RGPE (Feurer, Letham, Hutter & Bakshy 2018,
//! arXiv:1802.02219).

use crate::classic::tuning::acquisition::Prediction;
use crate::math::Stream;

/// Pairs of which one list says the other order than the other, out of all ordered pairs.
pub fn misordered(one: &[f64], two: &[f64]) -> usize {
    let pair = |i: usize| (0..one.len()).filter(move |&j| (one[i] < one[j]) != (two[i] < two[j])).count();
    (0..one.len()).map(pair).sum()
}

/// The share of pairs in one order, from 0 to 1; pairs that are tied in either count a half. `None` of fewer than two.
pub fn concordance(one: &[f64], two: &[f64]) -> Option<f64> {
    let (mut sum, mut pairs) = (0.0, 0.0);
    for i in 0..one.len() {
        for j in 0..i {
            let product = (one[i] - one[j]) * (two[i] - two[j]);
            sum += if product > 0.0 {
                1.0
            } else if product < 0.0 {
                0.0
            } else {
                0.5
            };
            pairs += 1.0;
        }
    }
    (pairs > 0.0).then(|| sum / pairs)
}

/// Draws of the predictions.
const DRAWS: usize = 50;
/// Below so many values, members weigh the same.
pub const LEAST_VALUES: usize = 5;

/// RGPE's weights, those of `members` first and that of the target last.
///
/// Predictions of each member at the measured points, and those of the target's own model where it did not see the point, are
/// drawn 50 times. A weight is the share of draws in which a member misorders the fewest pairs; where the target is among the
/// best, it gets the draw. A member whose median is above the 95th percentile of the target's is left out. The target's weight
/// is at least `least`, its last one. `variance_is_deviation` draws with the variance where the standard deviation belongs, as
/// the public code of MFTune does.
pub fn ranking_weights(
    members: &[Vec<Prediction>],
    target: &[Prediction],
    values: &[f64],
    least: f64,
    variance_is_deviation: bool,
    stream: &mut Stream,
) -> Vec<f64> {
    let count = members.len() + 1;
    if values.len() < LEAST_VALUES {
        return vec![1.0 / count as f64; count];
    }
    let mut losses = vec![vec![0usize; DRAWS]; count];
    for (predictions, own) in members.iter().map(Vec::as_slice).chain([target]).zip(&mut losses) {
        for loss in own.iter_mut() {
            let draw = |prediction: &Prediction| {
                let spread = if variance_is_deviation { prediction.variance } else { prediction.variance.sqrt() };
                prediction.mean + spread * stream.normal()
            };
            *loss = misordered(&predictions.iter().map(draw).collect::<Vec<f64>>(), values);
        }
    }
    let sorted = |own: &[usize]| {
        let mut own = own.to_vec();
        own.sort_unstable();
        own
    };
    let limit = sorted(&losses[count - 1])[(DRAWS * 95).div_ceil(100) - 1];
    let stays: Vec<bool> = (0..count).map(|k| k + 1 == count || sorted(&losses[k])[DRAWS / 2] <= limit).collect();
    let mut weights = vec![0.0; count];
    for draw in 0..DRAWS {
        let kept = || (0..count).filter(|&k| stays[k]);
        // The target always stays.
        let best = kept().map(|k| losses[k][draw]).min().unwrap_or(0);
        let winner = if losses[count - 1][draw] == best {
            count - 1
        } else {
            kept().find(|&k| losses[k][draw] == best).unwrap_or(count - 1)
        };
        weights[winner] += 1.0 / DRAWS as f64;
    }
    let own = weights[count - 1].max(least);
    let others: f64 = weights[..count - 1].iter().sum();
    if others > 0.0 {
        weights[..count - 1].iter_mut().for_each(|weight| *weight *= (1.0 - own) / others);
        weights[count - 1] = own;
    } else {
        weights[count - 1] = 1.0;
    }
    weights
}
