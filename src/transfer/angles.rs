//! Redrawing the angles of a circuit that hardly change its output. The utilities of weights do not apply. An angle of
//! 0 and one of 2π are the same, so neither |θ| nor |θ ḡ| measures utility. The change of the loss with an angle does,
//! and so does the change of the state.

use candle_core::{DType, Tensor};

use crate::math::Stream;
use crate::nn::init::Init;
use crate::nn::{LayerGroups, LearningRates, Mode, NnError, Params};
use crate::sim::Execution;
use crate::sim::fisher::quantum_fisher_diagonal;
use crate::transfer::reinit::{Selection, mean_gradients, select};
use crate::transfer::schedule::only;
use crate::transfer::{FitContext, Transfer};

/// Of a network's parameters and inputs (rows, …), the angles (rows, input slots) in radians with which its circuit is run.
pub type InputAngles<'a> = &'a dyn Fn(&mut Params, &[Tensor]) -> Result<Tensor, NnError>;

/// Draws the least active trained angles of a circuit anew, once, uniformly from a small window around 0: there most
/// circuits are near the identity, where gradients do not vanish (Grant et al. 2019, arXiv:1903.05076).
#[derive(Clone)]
pub struct WakeAngles<'a> {
    /// The layers; the last is the head, which holds the circuit.
    pub groups: LayerGroups,
    /// Name of the parameter that holds the angles, one for each slot behind the inputs.
    pub angles: String,
    /// The circuit.
    pub execution: Execution,
    /// Its other slots.
    pub inputs: InputAngles<'a>,
    /// Without it angles are taken by chance: the control.
    pub informed: bool,
    /// Which angles.
    pub selection: Selection,
    /// Half width of the window, radians.
    pub window: f64,
    /// Epochs in which the head alone learns first.
    pub head_first: usize,
    /// Batches whose gradients are averaged.
    pub batches: usize,
    /// Rows whose quantum Fisher information is averaged.
    pub rows: usize,
    /// Share of angles that were drawn anew; known after it happened.
    pub redrawn: Option<f64>,
}

impl<'a> WakeAngles<'a> {
    /// One epoch of the head, then the 30 % least active angles of `circuit.weights`, over 8 batches and 16 rows.
    pub fn new(groups: &LayerGroups, execution: Execution, inputs: InputAngles<'a>) -> Self {
        Self {
            groups: groups.clone(),
            angles: "circuit.weights".into(),
            execution,
            inputs,
            informed: true,
            selection: Selection::Share(0.3),
            window: 0.1,
            head_first: 1,
            batches: 8,
            rows: 16,
            redrawn: None,
        }
    }

    /// How active each angle is: |dL/dθ| with L the mean loss over some batches, or the diagonal of the quantum Fisher
    /// information, mean over some rows; each in units of its mean over all angles, and the larger of the two. An angle is
    /// dormant only if neither the loss nor the state changes with it.
    ///
    /// # Errors
    /// If the network or the simulator fails, or there is no such parameter.
    pub fn activity(&self, context: &FitContext, params: &mut Params) -> Result<Vec<f64>, NnError> {
        let names = [self.angles.clone()];
        let slopes = mean_gradients(context, params, &names, self.batches)?.swap_remove(0);
        let reason = "the circuit has no trained angles under this name";
        let missing = || NnError::Setting { field: "angles", value: self.angles.clone(), reason };
        let weights: Vec<f64> = params.find(&self.angles).ok_or_else(missing)?.to_dtype(DType::F64)?.to_vec1()?;
        let order = Stream::named(context.seed, "angles rows").permutation(context.training.len());
        let rows: Vec<u32> = order.into_iter().take(self.rows.max(1)).map(|row| row as u32).collect();
        let inputs = (self.inputs)(params, &context.training.rows(&rows, Mode::Eval)?.inputs)?;
        let mut information = vec![0.0; weights.len()];
        for inputs in inputs.detach().to_dtype(DType::F64)?.to_vec2::<f64>()? {
            let all = [&inputs[..], &weights[..]].concat();
            let diagonal = quantum_fisher_diagonal(&self.execution.program, &all)?;
            information.iter_mut().zip(diagonal.iter().skip(inputs.len())).for_each(|(sum, f)| *sum += f);
        }
        let slopes: Vec<f64> = slopes.iter().map(|slope| slope.abs()).collect();
        let in_means = |values: Vec<f64>| {
            let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
            values.into_iter().map(move |value| if mean > 0.0 { value / mean } else { 0.0 })
        };
        Ok(in_means(slopes).zip(in_means(information)).map(|(slope, change)| slope.max(change)).collect())
    }
}

impl Transfer for WakeAngles<'_> {
    fn before_epoch(&mut self, context: &FitContext, params: &mut Params, epoch: usize) -> Result<(), NnError> {
        if epoch != self.head_first || !params.is_trainable(&self.angles) {
            return Ok(());
        }
        let mut stream = Stream::named(context.seed, "wake angles");
        let activity = match self.informed {
            true => self.activity(context, params)?,
            false => {
                (0..params.find(&self.angles).map_or(0, |var| var.elem_count())).map(|_| stream.uniform()).collect()
            }
        };
        let Some(var) = params.find(&self.angles) else { return Ok(()) };
        let mut values: Vec<f64> = var.to_dtype(DType::F64)?.to_vec1()?;
        let indices = select(&activity, self.selection, &mut stream);
        let fresh = Init::Uniform { bound: self.window }.draw(&mut stream, indices.len());
        indices.iter().zip(fresh).for_each(|(&index, fresh)| values[index] = fresh);
        self.redrawn = Some(indices.len() as f64 / values.len().max(1) as f64);
        Ok(var.set(&Tensor::from_vec(values, var.shape(), var.device())?.to_dtype(var.dtype())?)?)
    }

    fn learning_rates(&self, _params: &Params, epoch: usize) -> LearningRates {
        only(&self.groups, |group| epoch >= self.head_first || group + 1 == self.groups.len())
    }
}
