//! Views of a segment as arrays, which convolutions read: samples, amplitudes over frequency, energies over frequency and time.

use crate::data::signal::{amplitudes, resample};
use crate::systems::seizure::views::packet;

/// Samples a second that arrays are made of. They hold what is below 32 Hz; the other views reach to 30 Hz.
pub const ARRAY_RATE: f64 = 64.0;

/// Frequencies of the amplitudes, Hz.
const FREQUENCIES: (f64, f64) = (3.0, 29.0);

/// Added to what a logarithm is taken of: far below the noise of an amplifier, in microvolts.
const FLOOR: f64 = 1e-3;

/// A view of a segment as one plane for each channel (after Tian et al. 2019, doi 10.1109/TNSRE.2019.2940485).
pub struct ArrayRow {
    /// Its name.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// Height and width of the plane of a channel with so many samples, [`ARRAY_RATE`] a second.
    pub size: fn(usize) -> (usize, usize),
    /// The plane of the samples of a channel, row by row.
    pub values: fn(&[f64]) -> Vec<f64>,
}

/// Every view that convolutions read.
pub static ARRAYS: &[ArrayRow] = &[
    ArrayRow {
        name: "time",
        doc: "the samples, 64 a second",
        size: |samples| (1, samples),
        values: |samples| samples.to_vec(),
    },
    ArrayRow {
        name: "frequency",
        doc: "logarithms of the amplitudes from 3 to 29 Hz",
        size: |samples| (1, bins(samples).len()),
        values: |samples| amplitudes(samples, bins(samples.len())).into_iter().map(|own| (own + FLOOR).ln()).collect(),
    },
    ArrayRow {
        name: "time_frequency",
        doc: "logarithms of the energies of the db4 wavelet packet's coefficients: nodes from 2 to 30 Hz, over time",
        size: |samples| {
            let (packet, nodes, _) = packet(ARRAY_RATE);
            (nodes.len(), packet.width(samples))
        },
        values: |samples| {
            let (packet, nodes, _) = packet(ARRAY_RATE);
            let all = packet.coefficients(samples, nodes).into_iter().flatten();
            all.map(|own| (own * own + FLOOR * FLOOR).ln()).collect()
        },
    },
];

/// The discrete frequencies of [`FREQUENCIES`]: of a second the bins 3 to 29.
fn bins(samples: usize) -> std::ops::Range<usize> {
    let bin = |frequency: f64| frequency * samples as f64 / ARRAY_RATE;
    // Half a second is the shortest segment: it has bins 2 to 14.
    bin(FREQUENCIES.0).ceil() as usize..bin(FREQUENCIES.1).floor() as usize + 1
}

/// Samples of a segment that lasts so many seconds.
pub fn array_samples(seconds: f64) -> usize {
    (seconds * ARRAY_RATE).floor().max(1.0) as usize
}

/// A channel at [`ARRAY_RATE`], cut into `count` segments, each of `length` samples at `rate`.
pub fn array_segments(channel: &[f64], rate: f64, (count, length): (usize, usize)) -> Vec<Vec<f32>> {
    let single: Vec<f32> = channel.iter().map(|sample| *sample as f32).collect();
    let all = resample(&single, rate, ARRAY_RATE);
    let own = array_samples(length as f64 / rate);
    let last = all.len().saturating_sub(1);
    let one = |segment: usize| {
        let start = (segment as f64 * length as f64 / rate * ARRAY_RATE).round() as usize;
        (start..start + own).map(|k| all[k.min(last)]).collect()
    };
    (0..count).map(one).collect()
}
