//! Counter-based random numbers: a draw is a function of (seed, sample, shot), never of thread or order.
//!
//! A [`Stream`] is ChaCha8 keyed by the seed, positioned on one of 2^64 independent streams. Code that needs
//! randomness receives a seed and names its stream, so the same seed gives the same bytes at any thread count.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// One independent stream of random numbers.
#[derive(Clone, Debug)]
pub struct Stream(ChaCha8Rng);

impl Stream {
    /// The stream of `purpose` under `seed`. Purposes are short fixed texts ("init", "batches"), so that adding a new
    /// user of randomness never shifts the numbers of another.
    pub fn named(seed: u64, purpose: &str) -> Self {
        // FNV-1a, 64 bits: stable across releases, which std's hasher does not guarantee.
        let stream =
            purpose.bytes().fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
        Self::numbered(seed, stream)
    }

    /// The stream with this number: one per shot, trajectory or sample.
    pub fn numbered(seed: u64, stream: u64) -> Self {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(stream);
        Self(generator)
    }

    /// Uniform in [0, 1).
    pub fn uniform(&mut self) -> f64 {
        self.0.random()
    }

    /// Standard normal.
    pub fn normal(&mut self) -> f64 {
        StandardNormal.sample(&mut self.0)
    }

    /// Uniform in 0..`end`; `end` must not be 0.
    pub fn below(&mut self, end: usize) -> usize {
        self.0.random_range(0..end)
    }

    /// 64 random bits, for seeding a stream below.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A random order of 0..`count` (Fisher–Yates).
    pub fn permutation(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for last in (1..count).rev() {
            order.swap(last, self.below(last + 1));
        }
        order
    }
}
