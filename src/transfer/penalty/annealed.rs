//! The weight of a penalty over a training.

use candle_core::Tensor;

use crate::nn::{LearningRates, NnError, Params};
use crate::transfer::penalty::risk;
use crate::transfer::{After, Batch, FitContext, Transfer};

/// A method whose penalty counts `before` until a share of the training and `weight` from then on, with a penalty on the
/// parameters. While the weight is above 1 the whole loss can be divided by it, so that steps keep their size (Arjovsky et
/// al. 2019, arXiv:1907.02893, code of their coloured digits).
pub struct Annealed {
    /// The method, with a weight of 1 of its own.
    pub method: Box<dyn Transfer>,
    /// Factor on its penalty at the start.
    pub before: f64,
    /// Factor on its penalty from `from` on.
    pub weight: f64,
    /// Share of the training, in 0..=1.
    pub from: f64,
    /// Factor on the sum of the squares of all trained parameters.
    pub decay: f64,
    /// Whether the loss is divided by a weight above 1.
    pub is_rescaled: bool,
}

impl Transfer for Annealed {
    fn prepare(&mut self, context: &FitContext, params: &mut Params) -> Result<(), NnError> {
        self.method.prepare(context, params)
    }

    fn before_epoch(&mut self, context: &FitContext, params: &mut Params, epoch: usize) -> Result<(), NnError> {
        self.method.before_epoch(context, params, epoch)
    }

    fn learning_rates(&self, params: &Params, epoch: usize) -> LearningRates {
        self.method.learning_rates(params, epoch)
    }

    fn penalty(&self, params: &Params, batch: &Batch) -> Result<Option<Tensor>, NnError> {
        let weight = if batch.progress < self.from { self.before } else { self.weight };
        let mut added = match self.method.penalty(params, batch)? {
            Some(penalty) => Some((penalty * weight)?),
            None => None,
        };
        if self.decay > 0.0 {
            for (_, var) in params.trainable().filter(|(name, _)| params.is_trainable(name)) {
                let term = (var.as_tensor().sqr()?.sum_all()? * self.decay)?;
                added = Some(match added {
                    Some(added) => (added + term)?,
                    None => term,
                });
            }
        }
        match added {
            Some(added) if self.is_rescaled && weight > 1.0 => {
                let risk = risk(batch)?;
                Ok(Some((((&risk + added)? / weight)? - risk)?))
            }
            added => Ok(added),
        }
    }

    fn after_epoch(&mut self, epoch: usize, metric: f64) -> After {
        self.method.after_epoch(epoch, metric)
    }

    fn is_resumable(&self) -> bool {
        self.method.is_resumable()
    }

    fn log(&self) -> Vec<&'static str> {
        self.method.log()
    }
}
