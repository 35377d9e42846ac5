//! Waking dormant units before fine-tuning: the reset of whole units (Sokar et al. 2023, arXiv:2302.12902) beside the
//! reset of weights.

use candle_core::{DType, Tensor};

use crate::math::Stream;
use crate::nn::init::Init;
use crate::nn::{LayerGroups, LearningRates, Mode, NnError, Params};
use crate::systems::plasticity::health::{activity, dormant};
use crate::transfer::schedule::Frozen;
use crate::transfer::{FitContext, Transfer};

/// Draws what goes into each dormant unit anew and sets what comes out of it to 0, once, after the head has learned
/// alone.
pub struct WakeUnits {
    /// The layers; the last is the head.
    pub groups: LayerGroups,
    /// Names of what goes into the units of each layer, and of what comes out of them.
    pub units: Vec<[String; 2]>,
    /// Epochs in which the head alone learns first.
    pub head_first: usize,
    /// Share of weights touched, one between two dormant units counted twice; known after it happened.
    pub touched: Option<f64>,
}

impl Transfer for WakeUnits {
    fn before_epoch(&mut self, context: &FitContext, params: &mut Params, epoch: usize) -> Result<(), NnError> {
        if epoch != self.head_first {
            return Ok(());
        }
        let rows: Vec<u32> = (0..context.training.len() as u32).collect();
        let network = context.model.build(params)?;
        let layers = activity(network.as_ref(), &context.training.rows(&rows, Mode::Eval)?.inputs)?;
        let (mut touched, mut all) = (0, 0);
        for (layer, [incoming, outgoing]) in layers.iter().zip(&self.units) {
            let units = dormant(layer);
            let init = params.init(incoming).unwrap_or(Init::Constant(0.0));
            let mut stream = Stream::named(context.seed, &format!("wake {incoming}"));
            let mut change = |name: &str, new: &mut dyn FnMut(&mut Vec<f64>, &[usize]) -> usize| {
                let Some(var) = params.find(name).filter(|_| params.is_trainable(name)) else {
                    return Ok::<(), NnError>(());
                };
                let mut values: Vec<f64> = var.to_dtype(DType::F64)?.flatten_all()?.to_vec1()?;
                touched += new(&mut values, var.dims());
                Ok(var.set(&Tensor::from_vec(values, var.shape(), var.device())?.to_dtype(var.dtype())?)?)
            };
            change(incoming, &mut |values, shape| {
                let width = values.len() / shape[0];
                for &unit in &units {
                    values[unit * width..(unit + 1) * width].copy_from_slice(&init.draw(&mut stream, width));
                }
                units.len() * width
            })?;
            change(outgoing, &mut |values, shape| {
                let (inside, taps) = (shape[1], shape[2..].iter().product::<usize>());
                for (index, value) in values.iter_mut().enumerate() {
                    if units.contains(&(index / taps % inside)) {
                        *value = 0.0;
                    }
                }
                units.len() * shape[0] * taps
            })?;
            all += params.find(incoming).map_or(0, |var| var.elem_count());
        }
        self.touched = Some(touched as f64 / all.max(1) as f64);
        Ok(())
    }

    fn learning_rates(&self, params: &Params, epoch: usize) -> LearningRates {
        if epoch < self.head_first {
            Frozen::new(&self.groups).learning_rates(params, epoch)
        } else {
            LearningRates::default()
        }
    }
}
