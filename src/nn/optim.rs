//! Optimisers with a rate per parameter, and the schedules of the rate.

use candle_core::backprop::GradStore;
use candle_core::{Tensor, Var};
use serde::{Deserialize, Serialize};

use crate::nn::{NnError, Params};

/// Who moves, and how fast: a factor on the learning rate per parameter name. Parameters it does not name move at the
/// full rate; 0 freezes one (no step, no weight decay, no momentum).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan(pub Vec<(String, f64)>);

impl Plan {
    /// Everything moves at the full rate except the named, which stay as they are.
    pub fn freezing(names: &[&str]) -> Self {
        Self(names.iter().map(|&name| (name.to_string(), 0.0)).collect())
    }

    /// The factor on `name`'s rate.
    pub fn rate(&self, name: &str) -> f64 {
        self.0.iter().find(|(known, _)| known == name).map_or(1.0, |&(_, rate)| rate)
    }

    /// Whether `name` moves at all.
    pub fn moves(&self, name: &str) -> bool {
        self.rate(name) != 0.0
    }
}

/// Which optimiser, with its constants.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case", deny_unknown_fields)]
pub enum Method {
    /// Adam with decoupled weight decay (Kingma & Ba 2015, Loshchilov & Hutter 2019); decay 0 is plain Adam.
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
    pub const ADAM: Self = Self::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0 };
}

/// How the learning rate falls: multiplied by `factor` every `every` epochs (PyTorch's `StepLR`).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepSchedule {
    /// Epochs between steps.
    pub every: usize,
    /// Factor of a step.
    pub factor: f64,
}

impl StepSchedule {
    /// The factor in epoch `epoch`, counted from 0.
    pub fn at(self, epoch: usize) -> f64 {
        self.factor.powi((epoch / self.every.max(1)) as i32)
    }
}

/// The state of an optimiser over one set of parameters.
#[derive(Debug)]
pub struct Optimizer {
    method: Method,
    steps: i32,
    /// First and second moment of each parameter, in the order of the parameters; made at its first step.
    moments: Vec<Option<(Tensor, Tensor)>>,
}

impl Optimizer {
    /// A fresh optimiser.
    pub fn new(method: Method) -> Self {
        Self { method, steps: 0, moments: Vec::new() }
    }

    /// One step at learning rate `rate` for every parameter that `plan` moves and `gradients` knows.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn step(&mut self, params: &Params, gradients: &GradStore, plan: &Plan, rate: f64) -> Result<(), NnError> {
        self.steps += 1;
        for (index, (name, var)) in params.iter().enumerate() {
            if self.moments.len() <= index {
                self.moments.push(None);
            }
            let Some(gradient) = gradients.get(var.as_tensor()).filter(|_| plan.moves(name)) else { continue };
            self.update(index, var, gradient, rate * plan.rate(name))?;
        }
        Ok(())
    }

    fn update(&mut self, index: usize, var: &Var, gradient: &Tensor, rate: f64) -> Result<(), NnError> {
        let zero = || var.as_tensor().zeros_like();
        let (first, second) = match self.moments[index].take() {
            Some(moments) => moments,
            None => (zero()?, zero()?),
        };
        let (first, second, step) = match self.method {
            Method::Adam { beta1, beta2, epsilon, weight_decay } => {
                let first = ((first * beta1)? + (gradient * (1.0 - beta1))?)?;
                let second = ((second * beta2)? + (gradient.sqr()? * (1.0 - beta2))?)?;
                let (unbias1, unbias2) = (1.0 - beta1.powi(self.steps), 1.0 - beta2.powi(self.steps));
                let size = ((&second / unbias2)?.sqrt()? + epsilon)?;
                let step = ((&first * (rate / unbias1))? / size)?;
                let step = if weight_decay > 0.0 { (step + (var.as_tensor() * (rate * weight_decay))?)? } else { step };
                (first, second, step)
            }
            Method::Sgd { momentum } => {
                let first = ((first * momentum)? + gradient)?;
                let step = (&first * rate)?;
                (first, second, step)
            }
        };
        var.set(&(var.as_tensor() - step)?)?;
        self.moments[index] = Some((first.detach(), second.detach()));
        Ok(())
    }
}
