//! Noise as an environment: another strength in every batch.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use candle_core::Tensor;

use crate::math::Stream;
use crate::nn::{Head, NnError};

/// One head run several ways; each batch meets one of them, drawn anew.
pub struct Environment {
    /// The head on the same parameters under each noise.
    heads: Vec<Arc<dyn Head>>,
    /// Key of the draws.
    seed: u64,
    /// Number of batches so far.
    batches: AtomicU64,
}

impl Environment {
    /// Of the same head under several noises; draws are made under `seed`.
    pub fn new(heads: Vec<Arc<dyn Head>>, seed: u64) -> Self {
        Self { heads, seed: Stream::named(seed, "environment").bits(), batches: AtomicU64::new(0) }
    }
}

impl Head for Environment {
    fn logits(&self, features: &Tensor) -> Result<Tensor, NnError> {
        // One training asks one batch after the other, so the draw of a batch depends on its number alone.
        let batch = self.batches.fetch_add(1, Ordering::Relaxed);
        let drawn = Stream::numbered(self.seed, batch).below(self.heads.len());
        self.heads[drawn].logits(features)
    }
}
