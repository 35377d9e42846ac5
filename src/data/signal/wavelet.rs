//! Coefficients and energies of a wavelet packet.

use std::ops::Range;

/// The low-pass filter of Daubechies' wavelet with four vanishing moments, as PyWavelets' `db4` decomposes (Daubechies 1992,
/// table 6.1).
const LOW: [f64; 8] = [
    -0.010597401784997278,
    0.032883011666982945,
    0.030841381835986965,
    -0.18703481171888114,
    -0.02798376941698385,
    0.6308807679295904,
    0.7148465705525415,
    0.23037781330885523,
];

/// Its quadrature mirror.
const HIGH: [f64; 8] = [-LOW[7], LOW[6], -LOW[5], LOW[4], -LOW[3], LOW[2], -LOW[1], LOW[0]];

/// A wavelet packet of `db4` with mirrored ends: a full tree of filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaveletPacket {
    /// Levels of the tree; it has 2^levels leaves.
    pub levels: usize,
}

impl WaveletPacket {
    /// The sum of squared coefficients of each of these leaves, in the order of [`WaveletPacket::coefficients`].
    pub fn energies(&self, samples: &[f64], leaves: Range<usize>) -> Vec<f64> {
        let leaves = self.coefficients(samples, leaves);
        leaves.iter().map(|leaf| leaf.iter().map(|value| value * value).sum()).collect()
    }

    /// Coefficients that a leaf has of so many samples.
    pub fn width(&self, samples: usize) -> usize {
        (0..self.levels).fold(samples, |count, _| (count + LOW.len() - 1) / 2)
    }

    /// The coefficients of these leaves, by rising frequency: leaf k of n covers k/n to (k + 1)/n of half the sampling rate.
    /// Filters of a high-pass branch mirror frequencies, so below it low and high change places: the order of a Gray code,
    /// `order="freq"` of PyWavelets.
    pub fn coefficients(&self, samples: &[f64], leaves: Range<usize>) -> Vec<Vec<f64>> {
        let mut nodes = vec![(0, samples.to_vec())];
        for level in 1..=self.levels {
            let shift = self.levels - level;
            let is_above =
                |position: usize| (position << shift) < leaves.end && ((position + 1) << shift) > leaves.start;
            let mut children = Vec::with_capacity(2 * nodes.len());
            for (position, node) in nodes {
                let mirrored = mirrored(&node);
                for child in [2 * position, 2 * position + 1].into_iter().filter(|child| is_above(*child)) {
                    let filter = if (child + position) % 2 == 0 { &LOW } else { &HIGH };
                    children.push((child, filtered(&mirrored, filter)));
                }
            }
            nodes = children;
        }
        nodes.into_iter().map(|(_, node)| node).collect()
    }
}

/// The signal with its ends mirrored, the last sample repeated: as many samples on each side as the filter reaches.
fn mirrored(samples: &[f64]) -> Vec<f64> {
    let (count, reach) = (samples.len() as isize, LOW.len() as isize);
    let at = |k: isize| {
        // A short signal is mirrored several times.
        let k = k.rem_euclid(2 * count);
        samples[if k < count { k } else { 2 * count - 1 - k } as usize]
    };
    (1 - reach..count + reach).map(at).collect()
}

/// Every second sample of a filtered signal, whose mirrored ends are part of `mirrored`.
fn filtered(mirrored: &[f64], filter: &[f64; 8]) -> Vec<f64> {
    let count = mirrored.len() + 1 - 2 * LOW.len();
    let one = |k: usize| -> f64 {
        // Sample 2k + 1 - tap of the signal; the first of `mirrored` is sample 1 - 8.
        let end = 2 * k + LOW.len();
        filter.iter().enumerate().map(|(tap, weight)| weight * mirrored[end - tap]).sum()
    };
    (0..(count + LOW.len() - 1) / 2).map(one).collect()
}
