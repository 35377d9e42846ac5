//! Training under another condition in every batch.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use candle_core::Tensor;

use crate::math::Stream;
use crate::nn::{Head, NnError};

/// A head that runs each batch under one of several conditions, drawn at random.
pub struct RandomCondition {
    /// The head on the same parameters under each condition.
    heads: Vec<Arc<dyn Head>>,
    /// Key of the draws.
    seed: u64,
    /// Number of batches so far.
    batches: AtomicU64,
}

impl RandomCondition {
    /// Of the same head under at least one condition; conditions are drawn under `seed`.
    pub fn new(heads: Vec<Arc<dyn Head>>, seed: u64) -> Self {
        Self { heads, seed: Stream::named(seed, "environment").bits(), batches: AtomicU64::new(0) }
    }
}

impl Head for RandomCondition {
    fn logits(&self, features: &Tensor) -> Result<Tensor, NnError> {
        // A training runs its batches one after the other, so the draw of a batch depends on its number alone.
        let batch = self.batches.fetch_add(1, Ordering::Relaxed);
        let drawn = Stream::numbered(self.seed, batch).below(self.heads.len());
        self.heads[drawn].logits(features)
    }
}
