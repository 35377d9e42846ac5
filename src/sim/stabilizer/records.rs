//! Outcomes of single shots, a row of bits each.

use std::collections::BTreeMap;

use super::cost::SHOTS_TOGETHER;
use super::frames::{Reference, run, run_alone};
use super::steps::{CliffordProgram, Sampling};
use crate::math::Stream;
use crate::sim::kernel::each_in_order;

/// What each of many shots recorded: a row of bits for each shot, however wide the register is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShotRecords {
    shots: usize,
    bits: usize,
    /// Words of a row, the lowest bits first.
    words: usize,
    rows: Vec<u64>,
}

impl ShotRecords {
    /// Number of shots.
    pub fn shots(&self) -> usize {
        self.shots
    }

    /// Bits of an outcome: the classical bits of a program that measures, else its qubits.
    pub fn bits(&self) -> usize {
        self.bits
    }

    /// The outcome of a shot, 64 bits a word, bit 0 the lowest of the first word; bits past the last are 0.
    ///
    /// # Panics
    /// If there is no such shot.
    pub fn row(&self, shot: usize) -> &[u64] {
        assert!(shot < self.shots, "there are {} shots, none has number {shot}", self.shots);
        &self.rows[shot * self.words..(shot + 1) * self.words]
    }

    /// One bit of a shot.
    ///
    /// # Panics
    /// If there is no such shot or bit.
    pub fn bit(&self, shot: usize, bit: usize) -> bool {
        assert!(bit < self.bits, "outcomes have {} bits, none has number {bit}", self.bits);
        self.row(shot)[bit / 64] >> (bit % 64) & 1 == 1
    }

    /// How often each outcome came up, in the order of the words.
    pub fn counts(&self) -> BTreeMap<&[u64], u64> {
        let mut rows: Vec<&[u64]> = (0..self.shots).map(|shot| self.row(shot)).collect();
        rows.sort_unstable();
        // A map is made faster of keys in order than key by key.
        rows.chunk_by(|a, b| a == b).map(|equal| (equal[0], equal.len() as u64)).collect()
    }

    /// Rows of so many bits each, packed by [`ShotRecords::packed`].
    pub(crate) fn of_rows(bits: usize, rows: Vec<Vec<u64>>) -> Self {
        Self { shots: rows.len(), bits, words: bits.div_ceil(64).max(1), rows: rows.concat() }
    }

    /// The bits of an outcome as words.
    pub(crate) fn packed(bits: &[bool]) -> Vec<u64> {
        let mut words = vec![0; bits.len().div_ceil(64).max(1)];
        bits.iter().enumerate().filter(|(_, bit)| **bit).for_each(|(k, _)| words[k / 64] |= 1 << (k % 64));
        words
    }

    /// Draws the outcomes of a program. Shots are drawn in runs of a fixed length, each from its own stream, so that threads
    /// do not matter.
    pub fn draw(program: &CliffordProgram, shots: usize, seed: u64) -> Self {
        let bits = program.outcome.len();
        let words = bits.div_ceil(64).max(1);
        let runs: Vec<(usize, usize)> =
            (0..shots).step_by(SHOTS_TOGETHER).map(|first| (first, SHOTS_TOGETHER.min(shots - first))).collect();
        let rows = if program.sampling() == Sampling::Frames {
            let reference = Reference::of(program);
            each_in_order(runs, |(first, count)| {
                let mut stream = Stream::numbered(seed, (first / SHOTS_TOGETHER) as u64);
                let width = count.div_ceil(64);
                let planes = run(program, &reference, width, &mut stream);
                rows_of(&planes[program.outcome.start * width..program.outcome.end * width], width, words, count)
            })
        } else {
            each_in_order(runs, |(first, count)| {
                let mut rows = vec![0u64; count * words];
                for (shot, row) in (first..).zip(rows.chunks_mut(words)) {
                    let recorded = run_alone(program, &mut Stream::numbered(seed, shot as u64));
                    for (k, _) in recorded[program.outcome.clone()].iter().enumerate().filter(|(_, bit)| **bit) {
                        row[k / 64] |= 1 << (k % 64);
                    }
                }
                rows
            })
        };
        Self { shots, bits, words, rows: rows.concat() }
    }
}

/// Planes of bits, `width` words each, as rows of shots.
fn rows_of(planes: &[u64], width: usize, words: usize, shots: usize) -> Vec<u64> {
    let mut rows = vec![0u64; 64 * width * words];
    let bits = planes.len() / width;
    for word in 0..width {
        for column in 0..bits.div_ceil(64) {
            let mut block = [0u64; 64];
            for (k, row) in block.iter_mut().enumerate().take(bits - 64 * column) {
                *row = planes[(64 * column + k) * width + word];
            }
            transpose(&mut block);
            block.iter().enumerate().for_each(|(shot, row)| rows[(64 * word + shot) * words + column] = *row);
        }
    }
    rows.truncate(shots * words);
    rows
}

/// Bit i of row k changes places with bit k of row i (Warren, Hacker's Delight, section 7-3).
fn transpose(block: &mut [u64; 64]) {
    let (mut width, mut mask) = (32, 0xffff_ffffu64);
    while width > 0 {
        for row in (0..64).filter(|row| row & width == 0) {
            let differ = (block[row] >> width ^ block[row | width]) & mask;
            block[row] ^= differ << width;
            block[row | width] ^= differ;
        }
        width /= 2;
        mask ^= mask << width;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_become_rows() {
        let mut stream = Stream::numbered(1, 0);
        for (bits, width, shots) in [(1, 1, 3), (64, 2, 128), (65, 1, 64), (130, 3, 150)] {
            let planes: Vec<u64> = (0..bits * width).map(|_| stream.bits()).collect();
            let words = usize::div_ceil(bits, 64);
            let rows = rows_of(&planes, width, words, shots);
            assert_eq!(rows.len(), shots * words);
            for shot in 0..shots {
                for bit in 0..bits {
                    let expected = planes[bit * width + shot / 64] >> (shot % 64) & 1;
                    assert_eq!(rows[shot * words + bit / 64] >> (bit % 64) & 1, expected, "shot {shot}, bit {bit}");
                }
            }
        }
    }
}
