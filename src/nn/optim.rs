//! Optimisers with a rate per parameter, and the schedules of the rate.

use candle_core::backprop::GradStore;
use candle_core::{DType, Tensor, Var, WithDType};
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
///
/// Moments are plain vectors walked once a step: as tensor operations the same update would allocate a dozen
/// temporaries per parameter, which for a head of 10⁵ weights costs more than its gradient.
#[derive(Debug)]
pub struct Optimizer {
    method: Method,
    steps: i32,
    /// First and second moment of each parameter, in the order of the parameters; made at its first step.
    moments: Vec<Option<[Vec<f64>; 2]>>,
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
            let rate = rate * plan.rate(name);
            let (values, gradient) = (var.flatten_all()?, gradient.flatten_all()?);
            let moved = match var.dtype() {
                DType::F32 => self.moved::<f32>(index, values.to_vec1()?, gradient.to_vec1()?, rate, var)?,
                _ => self.moved::<f64>(index, values.to_vec1()?, gradient.to_vec1()?, rate, var)?,
            };
            var.set(&moved)?;
        }
        Ok(())
    }

    /// The parameter after its step; moments are kept in double precision, values and step in the parameter's own.
    fn moved<T: WithDType>(
        &mut self,
        index: usize,
        mut values: Vec<T>,
        gradient: Vec<T>,
        rate: f64,
        like: &Var,
    ) -> Result<Tensor, NnError> {
        let count = values.len();
        let [first, second] = self.moments[index].get_or_insert_with(|| [vec![0.0; count], vec![0.0; count]]);
        match self.method {
            Method::Adam { beta1, beta2, epsilon, weight_decay } => {
                let (unbias1, unbias2) = (1.0 - beta1.powi(self.steps), 1.0 - beta2.powi(self.steps));
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
