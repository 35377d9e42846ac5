//! Numbers that describe a segment of one channel.

use std::f64::consts::PI;
use std::ops::Range;

/// Bands of frequency with names, from and to (exclusive), Hz.
pub const BANDS: [(&str, f64, f64); 8] = [
    ("0.5 to 2 Hz", 0.5, 2.0),
    ("2 to 4 Hz", 2.0, 4.0),
    ("4 to 6 Hz", 4.0, 6.0),
    ("6 to 8 Hz", 6.0, 8.0),
    ("8 to 12 Hz", 8.0, 12.0),
    ("12 to 18 Hz", 12.0, 18.0),
    ("18 to 24 Hz", 18.0, 24.0),
    ("24 to 30 Hz", 24.0, 30.0),
];

/// Names of [`statistics`].
pub const STATISTICS: [&str; 12] = [
    "log line length",
    "log activity",
    "mobility",
    "complexity",
    "kurtosis",
    "zero crossings",
    "AR 1",
    "AR 2",
    "AR 3",
    "AR 4",
    "log RMS",
    "log peak to peak",
];

/// Added to what a logarithm is taken of: far below the noise of an amplifier, in squared microvolts.
const FLOOR: f64 = 1e-6;

/// The natural logarithm of the mean power in each of [`BANDS`], squared units a bin: 2|X|²/n² over the discrete frequencies of
/// the band, the mean of the segment removed. A band without a discrete frequency takes the nearest one.
pub fn band_powers(samples: &[f64], rate: f64) -> Vec<f64> {
    let count = samples.len() as f64;
    let power = |bin: usize| 2.0 * squared_coefficient(samples, bin) / (count * count);
    let last = samples.len() / 2;
    let band = |&(_, from, to): &(&str, f64, f64)| {
        let bin = |frequency: f64| frequency * count / rate;
        let mut bins: Vec<usize> = (bin(from).ceil() as usize..=last).take_while(|k| (*k as f64) < bin(to)).collect();
        if bins.is_empty() {
            bins.push((bin((from + to) / 2.0).round() as usize).clamp(1, last.max(1)));
        }
        let sum: f64 = bins.iter().map(|k| power(*k)).sum();
        (sum / bins.len() as f64 + FLOOR).ln()
    };
    BANDS.iter().map(band).collect()
}

/// The amplitudes 2|X|/n of the discrete frequencies `bins`, in units of the samples.
pub fn amplitudes(samples: &[f64], bins: Range<usize>) -> Vec<f64> {
    bins.map(|bin| 2.0 * squared_coefficient(samples, bin).sqrt() / samples.len() as f64).collect()
}

/// |X|² of a discrete frequency, the mean of the samples removed.
fn squared_coefficient(samples: &[f64], bin: usize) -> f64 {
    let count = samples.len() as f64;
    let mean = samples.iter().sum::<f64>() / count;
    let turn = 2.0 * PI * bin as f64 / count;
    // A rotation for each sample instead of two trigonometric functions.
    let (step_sin, step_cos) = turn.sin_cos();
    let (mut cos, mut sin) = (1.0, 0.0);
    let (mut real, mut imaginary) = (0.0, 0.0);
    for sample in samples {
        real += (sample - mean) * cos;
        imaginary -= (sample - mean) * sin;
        (cos, sin) = (cos * step_cos - sin * step_sin, sin * step_cos + cos * step_sin);
    }
    real * real + imaginary * imaginary
}

/// Line length, Hjorth's activity, mobility and complexity (1970, doi 10.1016/0013-4694(70)90143-4), excess kurtosis, zero
/// crossings a sample, four autoregressive coefficients (Yule–Walker), root mean square and range; logarithms of those with a
/// unit. In the order of [`STATISTICS`].
pub fn statistics(samples: &[f64]) -> Vec<f64> {
    let count = samples.len() as f64;
    let mean = samples.iter().sum::<f64>() / count;
    let centred: Vec<f64> = samples.iter().map(|sample| sample - mean).collect();
    let steps = |values: &[f64]| -> Vec<f64> { values.windows(2).map(|pair| pair[1] - pair[0]).collect() };
    let variance = |values: &[f64]| {
        let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
        values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / values.len().max(1) as f64
    };
    let (first, second) = (steps(&centred), steps(&steps(&centred)));
    let (v0, v1, v2) = (variance(&centred), variance(&first), variance(&second));
    let ratio = |a: f64, b: f64| if b > 0.0 { (a / b).sqrt() } else { 0.0 };
    let mobility = ratio(v1, v0);
    let complexity = if mobility > 0.0 { ratio(v2, v1) / mobility } else { 0.0 };
    let fourth = centred.iter().map(|value| value.powi(4)).sum::<f64>() / count;
    let kurtosis = if v0 > 0.0 { fourth / (v0 * v0) - 3.0 } else { 0.0 };
    let crossings = centred.windows(2).filter(|pair| (pair[0] < 0.0) != (pair[1] < 0.0)).count() as f64 / count;
    let line = first.iter().map(|step| step.abs()).sum::<f64>() / count;
    let rms = (samples.iter().map(|sample| sample * sample).sum::<f64>() / count).sqrt();
    let (low, high) = samples.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), &s| (a.min(s), b.max(s)));
    let log = |value: f64| (value + FLOOR).ln();
    let mut found = vec![log(line), log(v0), mobility, complexity, kurtosis, crossings];
    found.extend(autoregression(&centred));
    found.extend([log(rms), log(high - low)]);
    found
}

/// The coefficients a of x_t ≈ Σ a_k x_{t-k}, k = 1 to 4, by the recursion of Levinson and Durbin.
fn autoregression(centred: &[f64]) -> [f64; 4] {
    let lag = |k: usize| centred.iter().zip(&centred[k.min(centred.len())..]).map(|(a, b)| a * b).sum::<f64>();
    let correlations: Vec<f64> = (0..=4).map(lag).collect();
    let mut coefficients = [0.0; 4];
    let mut error = correlations[0];
    for order in 0..4 {
        if !(error > 0.0) {
            break;
        }
        let known: f64 = (0..order).map(|k| coefficients[k] * correlations[order - k]).sum();
        let reflection = (correlations[order + 1] - known) / error;
        let before = coefficients;
        coefficients[order] = reflection;
        for k in 0..order {
            coefficients[k] = before[k] - reflection * before[order - 1 - k];
        }
        error *= 1.0 - reflection * reflection;
    }
    coefficients
}
