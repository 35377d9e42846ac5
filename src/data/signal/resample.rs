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
    (0..count)
        .map(|k| {
            let at = k as f64 * from / to;
            let (first, end) = ((at - reach).ceil() as isize, (at + reach).floor() as isize);
            let (mut sum, mut weights) = (0.0, 0.0);
            for near in first..=end {
                let distance = near as f64 - at;
                let x = PI * cutoff * distance;
                let sinc = if x.abs() < 1e-12 { 1.0 } else { x.sin() / x };
                let weight = sinc * (0.5 + 0.5 * (PI * distance / reach).cos());
                sum += weight * f64::from(samples[near.clamp(0, last) as usize]);
                weights += weight;
            }
            (sum / weights) as f32
        })
        .collect()
}
