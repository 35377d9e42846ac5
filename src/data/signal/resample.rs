//! Another sampling rate.

use std::f64::consts::PI;

/// Zero crossings of the kernel on each side.
const LOBES: f64 = 16.0;

/// `samples` at `from` samples a second as they would be at `to`: the band-limited signal through them, by a sinc kernel under a
/// Hann window. What lies above half of the lower rate is removed. Both rates must be above 0. Ends are continued by their
/// last value.
pub fn resample(samples: &[f32], from: f64, to: f64) -> Vec<f32> {
    if samples.is_empty() || (from - to).abs() < 1e-9 * to {
        return samples.to_vec();
    }
    let count = ((samples.len() as f64) * to / from).floor().max(1.0) as usize;
    // Cycles a sample of the old rate, relative to half of it.
    let cutoff = (to / from).min(1.0);
    let reach = LOBES / cutoff;
    let last = samples.len() as isize - 1;
    // The first old sample within reach of `at`, and the weights of all.
    let kernel = |at: f64| -> (isize, Vec<f64>) {
        let one = |near: isize| {
            let distance = near as f64 - at;
            let x = PI * cutoff * distance;
            let sinc = if x.abs() < 1e-12 { 1.0 } else { x.sin() / x };
            sinc * (0.5 + 0.5 * (PI * distance / reach).cos())
        };
        let first = (at - reach).ceil() as isize;
        (first, (first..=(at + reach).floor() as isize).map(one).collect())
    };
    // Where one rate is a multiple of the other, every new sample lies on an old one, and the weights are the same for all.
    let common = ((from / to).fract() == 0.0).then(|| kernel(0.0));
    (0..count)
        .map(|k| {
            let at = k as f64 * from / to;
            let own;
            let (first, weights) = match &common {
                Some((first, weights)) => (at.round() as isize + first, weights),
                None => {
                    own = kernel(at);
                    (own.0, &own.1)
                }
            };
            let (mut sum, mut total) = (0.0, 0.0);
            for (near, weight) in (first..).zip(weights) {
                sum += weight * f64::from(samples[near.clamp(0, last) as usize]);
                total += weight;
            }
            (sum / total) as f32
        })
        .collect()
}
