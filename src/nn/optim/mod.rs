//! Optimisers with a rate per parameter, schedules of the rate, and averages of the parameters over training.

mod average;
mod schedule;

use candle_core::backprop::GradStore;
use candle_core::{DType, Tensor, Var, WithDType};
use serde::{Deserialize, Serialize};

pub use average::Average;
pub use schedule::{Schedule, StepSchedule, warm_up};

use crate::nn::{LearningRates, NnError, Params};

/// Which optimiser, with its constants.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case", deny_unknown_fields)]
pub enum Method {
    /// Adam with decoupled weight decay (Kingma & Ba 2015, Loshchilov & Hutter 2019). Decay 0 is plain Adam.
    Adam {
        /// Decay of the mean.
        beta1: f64,
        /// Decay of the mean square.
        beta2: f64,
        /// Added to the root mean square.
        epsilon: f64,
        /// Decoupled weight decay.
        weight_decay: f64,
    },
    /// Gradient descent with heavy-ball momentum.
    Sgd {
        /// Decay of the velocity.
        momentum: f64,
    },
}

impl Method {
    /// Adam with PyTorch's constants.
    pub const ADAM: Self = Self::adamw(0.0);

    /// Adam with PyTorch's constants and decoupled weight decay.
    pub const fn adamw(weight_decay: f64) -> Self {
        Self::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay }
    }
}

/// The state of an optimiser for one parameter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moments {
    /// Steps this parameter has taken. Its own count: one that is released late starts like one that starts early.
    pub steps: i32,
    /// Running mean of the gradient, or the velocity.
    pub first: Vec<f64>,
    /// Running mean of the squared gradient.
    pub second: Vec<f64>,
}

/// The state of an optimiser over one set of parameters.
///
/// Moments are plain vectors that one loop updates in each step. As tensor operations the same update would allocate a
/// dozen temporaries per parameter, which for a head of 10⁵ weights costs more than its gradient.
#[derive(Debug)]
pub struct Optimizer {
    method: Method,
    clip: Option<f64>,
    /// In the order of the parameters; made at a parameter's first step.
    moments: Vec<Option<Moments>>,
}

impl Optimizer {
    /// A fresh optimiser.
    pub fn new(method: Method) -> Self {
        Self { method, clip: None, moments: Vec::new() }
    }

    /// Gradients of all trained parameters together are scaled down to at most this norm (PyTorch's `clip_grad_norm_`).
    pub fn clipped(self, clip: Option<f64>) -> Self {
        Self { clip, ..self }
    }

    /// Its state, in the order of the parameters.
    pub fn moments(&self) -> &[Option<Moments>] {
        &self.moments
    }

    /// Continues from the state of another optimiser. An empty list makes it fresh.
    pub fn remember(&mut self, moments: Vec<Option<Moments>>) {
        self.moments = moments;
    }

    /// One step at learning rate `rate` for every parameter that `rates` train and `gradients` hold.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn step(
        &mut self,
        params: &Params,
        gradients: &GradStore,
        rates: &LearningRates,
        rate: f64,
    ) -> Result<(), NnError> {
        let trained =
            |name: &str, var: &Var| gradients.get(var.as_tensor()).filter(|_| rates.is_trainable(name)).cloned();
        let trained: Vec<_> = params.iter().map(|(name, var)| (name, var, trained(name, var))).collect();
        let shortened = match self.clip {
            Some(longest) => shortening(trained.iter().filter_map(|(_, _, gradient)| gradient.as_ref()), longest)?,
            None => 1.0,
        };
        self.moments.resize_with(self.moments.len().max(trained.len()), || None);
        for (index, (name, var, gradient)) in trained.into_iter().enumerate() {
            let Some(gradient) = gradient else { continue };
            let rate = rate * rates.rate(name);
            let (values, gradient) = (var.flatten_all()?, gradient.flatten_all()?);
            let gradient = if shortened < 1.0 { (gradient * shortened)? } else { gradient };
            let moved = match var.dtype() {
                DType::F32 => self.moved::<f32>(index, values.to_vec1()?, gradient.to_vec1()?, rate, var)?,
                _ => self.moved::<f64>(index, values.to_vec1()?, gradient.to_vec1()?, rate, var)?,
            };
            var.set(&moved)?;
        }
        Ok(())
    }

    /// The parameter after its step. Moments are kept in double precision, values and step in the parameter's own.
    fn moved<T: WithDType>(
        &mut self,
        index: usize,
        mut values: Vec<T>,
        gradient: Vec<T>,
        rate: f64,
        like: &Var,
    ) -> Result<Tensor, NnError> {
        let count = values.len();
        let fresh = || Moments { steps: 0, first: vec![0.0; count], second: vec![0.0; count] };
        let Moments { steps, first, second } = self.moments[index].get_or_insert_with(fresh);
        *steps += 1;
        match self.method {
            Method::Adam { beta1, beta2, epsilon, weight_decay } => {
                let (unbias1, unbias2) = (1.0 - beta1.powi(*steps), 1.0 - beta2.powi(*steps));
                for (((value, gradient), m), v) in values.iter_mut().zip(gradient).zip(first).zip(second) {
                    let (old, g) = (value.to_f64(), gradient.to_f64());
                    *m = beta1 * *m + (1.0 - beta1) * g;
                    *v = beta2 * *v + (1.0 - beta2) * g * g;
                    let step = *m / unbias1 / ((*v / unbias2).sqrt() + epsilon);
                    *value = T::from_f64(old - rate * (step + weight_decay * old));
                }
            }
            Method::Sgd { momentum } => {
                for ((value, gradient), velocity) in values.iter_mut().zip(gradient).zip(first) {
                    *velocity = momentum * *velocity + gradient.to_f64();
                    *value = T::from_f64(value.to_f64() - rate * *velocity);
                }
            }
        }
        Ok(Tensor::from_vec(values, like.shape(), like.device())?)
    }
}

/// The factor that brings gradients to at most the norm `longest`. PyTorch adds 1e-6 to the norm.
fn shortening<'a>(gradients: impl Iterator<Item = &'a Tensor>, longest: f64) -> Result<f64, NnError> {
    let mut squares = 0.0;
    for gradient in gradients {
        squares += gradient.to_dtype(DType::F64)?.sqr()?.sum_all()?.to_scalar::<f64>()?;
    }
    Ok((longest / (squares.sqrt() + 1e-6)).min(1.0))
}
