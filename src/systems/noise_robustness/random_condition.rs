//! Training under another condition in every batch.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use candle_core::Tensor;

use crate::math::Stream;
use crate::nn::{Head, LearningRates, NnError, Params};
use crate::transfer::{After, Transfer};

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

/// The learning rates of a training of a [`RandomCondition`]. It sets the number of batches after each epoch, so that a
/// training that continues from a checkpoint draws as an uninterrupted one does.
pub struct CountedBatches<'a> {
    /// Learning rates of every epoch.
    pub rates: LearningRates,
    /// What is trained.
    pub head: &'a RandomCondition,
    /// Batches of an epoch, those of its evaluation included.
    pub per_epoch: u64,
}

impl Transfer for CountedBatches<'_> {
    fn learning_rates(&self, _params: &Params, _epoch: usize) -> LearningRates {
        self.rates.clone()
    }

    fn after_epoch(&mut self, epoch: usize, _metric: f64) -> After {
        self.head.batches.store((epoch as u64 + 1) * self.per_epoch, Ordering::Relaxed);
        After::GoOn
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
