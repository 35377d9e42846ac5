//! Views of a segment: families of named features.

use crate::data::signal::{BANDS, STATISTICS, WaveletPacket, band_powers, statistics};
use crate::study::StudyError;

/// A family of features.
pub struct ViewRow {
    /// Name on the command line.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// Names of the features of one channel, at this sampling rate.
    pub features: fn(f64) -> Vec<String>,
    /// Their values for the samples of a segment of one channel.
    pub values: fn(&[f64], f64) -> Vec<f64>,
}

/// Every view that is computed from samples.
pub static VIEWS: &[ViewRow] = &[
    ViewRow {
        name: "statistics",
        doc: "line length, Hjorth's parameters, kurtosis, zero crossings, autoregression, RMS, range",
        features: |_| STATISTICS.map(String::from).to_vec(),
        values: |samples, _| statistics(samples),
    },
    ViewRow {
        name: "bands",
        doc: "logarithms of the power in eight bands from 0.5 to 30 Hz",
        features: |_| BANDS.iter().map(|(name, ..)| format!("log power {name}")).collect(),
        values: band_powers,
    },
    ViewRow {
        name: "wavelet",
        doc: "logarithms of the energies of the db4 wavelet packet's nodes from 2 to 30 Hz, and their entropy",
        features: |rate| {
            let (_, nodes, width) = packet(rate);
            let name = |node: usize| {
                format!("log energy {} to {} Hz", tenth(node as f64 * width), tenth((node + 1) as f64 * width))
            };
            nodes.map(name).chain(["entropy of energies".to_string()]).collect()
        },
        values: |samples, rate| {
            let (packet, nodes, _) = packet(rate);
            let energies = packet.energies(samples, nodes);
            let sum: f64 = energies.iter().sum::<f64>().max(f64::MIN_POSITIVE);
            let entropy = -energies.iter().map(|e| e / sum).filter(|p| *p > 0.0).map(|p| p * p.ln()).sum::<f64>();
            // Far below the noise of an amplifier, in squared microvolts.
            energies.iter().map(|energy| (energy + 1e-6).ln()).chain([entropy]).collect()
        },
    },
];

impl ViewRow {
    /// The view of this name.
    ///
    /// # Errors
    /// If there is none.
    pub fn named(name: &str) -> Result<&'static Self, StudyError> {
        let found = VIEWS.iter().find(|row| row.name == name);
        found.ok_or_else(|| StudyError::unknown("view", name, VIEWS.iter().map(|row| row.name)))
    }
}

/// The packet whose nodes are about 2 Hz wide at this rate, those from 2 to 30 Hz, and their width.
pub fn packet(rate: f64) -> (WaveletPacket, std::ops::Range<usize>, f64) {
    let levels = (rate / 4.0).log2().round().clamp(1.0, 12.0) as usize;
    let count = 1usize << levels;
    let width = rate / 2.0 / count as f64;
    let first = ((2.0 / width).round() as usize).min(count - 1);
    let end = ((30.0 / width).round() as usize).clamp(first + 1, count);
    (WaveletPacket { levels }, first..end, width)
}

fn tenth(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), String::from)
}
