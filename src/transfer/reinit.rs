//! Drawing the least useful weights of a trunk anew before it is fine-tuned (Coetzer et al. 2026, arXiv:2603.20860,
//! known here by its abstract. Utilities, selections and values are those of selective weight reinitialisation,
//! Hernandez-Garcia et al. 2025, arXiv:2508.00212).

use std::ops::Range;

use candle_core::{DType, Tensor};
use serde::{Deserialize, Serialize};

use crate::math::Stream;
use crate::nn::init::Init;
use crate::nn::loss::mean;
use crate::nn::{LayerGroups, LearningRates, Mode, NnError, Params};
use crate::transfer::schedule::only;
use crate::transfer::{FitContext, Transfer};

/// How useful a weight w is. Compared only within a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Utility {
    /// |w|.
    Magnitude,
    /// |w ḡ| with ḡ the mean gradient: to first order, the change of the loss on deleting the weight.
    Gradient,
    /// Uniform in 0..1: the control.
    Random,
}

impl Utility {
    /// How useful each weight of a tensor is. It reads what it needs of the gradients and the stream.
    pub fn of(self, weights: &[f64], gradients: &[f64], stream: &mut Stream) -> Vec<f64> {
        match self {
            Self::Magnitude => weights.iter().map(|w| w.abs()).collect(),
            Self::Gradient => weights.iter().zip(gradients).map(|(w, g)| (w * g).abs()).collect(),
            Self::Random => weights.iter().map(|_| stream.uniform()).collect(),
        }
    }
}

/// Which weights of a tensor are drawn anew.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Selection {
    /// This share of lowest utility. What is left of a whole weight is one weight by chance.
    Share(f64),
    /// All with at most this many times the mean utility.
    Threshold(f64),
}

/// What they become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// A draw from what the parameter started from.
    Resample,
    /// A draw from a normal with mean 0 and the root mean square of the weights of the tensor that stay.
    Matched,
    /// 0.
    Zero,
}

/// Draws the least useful entries of each matrix and kernel of the trunk anew, once.
#[derive(Clone, Debug)]
pub struct Reinit {
    /// The layers; the last is the head.
    pub groups: LayerGroups,
    /// How useful a weight is.
    pub utility: Utility,
    /// Which weights.
    pub selection: Selection,
    /// What they become.
    pub value: Value,
    /// The layers of the trunk to which it is done, by their index in `groups`; the head never is.
    pub layers: Range<usize>,
    /// Epochs in which the head alone learns first: gradients through an untrained head are noise.
    pub head_first: usize,
    /// Batches whose gradients are averaged.
    pub batches: usize,
    /// Batches by which running statistics, if there are any, are brought in line with the new weights.
    pub calibration: usize,
    /// Share of entries that were drawn anew; known after it happened.
    pub redrawn: Option<f64>,
}

impl Reinit {
    /// One epoch of the head, then 10 % of every layer by gradient over 16 batches, and 32 batches for the statistics.
    pub fn new(groups: &LayerGroups) -> Self {
        Self {
            groups: groups.clone(),
            utility: Utility::Gradient,
            selection: Selection::Share(0.1),
            value: Value::Resample,
            layers: 0..groups.len().saturating_sub(1),
            head_first: 1,
            batches: 16,
            calibration: 32,
            redrawn: None,
        }
    }
}

/// Positions of the entries to draw anew, for utilities of one tensor; of equal utilities the first.
pub fn select(utilities: &[f64], selection: Selection, stream: &mut Stream) -> Vec<usize> {
    match selection {
        Selection::Share(share) => {
            let exact = share * utilities.len() as f64;
            let one_more = stream.uniform() < exact.fract();
            let count = (exact.floor() as usize + usize::from(one_more)).min(utilities.len());
            let mut order: Vec<usize> = (0..utilities.len()).collect();
            if count < order.len() {
                // Only the set of the lowest is needed, not their order: a fraction of the time of sorting them all.
                order.select_nth_unstable_by(count, |&a, &b| utilities[a].total_cmp(&utilities[b]).then(a.cmp(&b)));
                order.truncate(count);
                order.sort_unstable();
            }
            order
        }
        Selection::Threshold(factor) => {
            let mean = utilities.iter().sum::<f64>() / utilities.len() as f64;
            (0..utilities.len()).filter(|&k| utilities[k] <= factor * mean).collect()
        }
    }
}

impl Transfer for Reinit {
    fn before_epoch(&mut self, context: &FitContext, params: &mut Params, epoch: usize) -> Result<(), NnError> {
        if epoch != self.head_first {
            return Ok(());
        }
        let (mut redrawn, mut all) = (0, 0);
        for (name, indices) in self.chosen(context, params)? {
            let Some(var) = params.find(&name) else { continue };
            let mut values: Vec<f64> = var.to_dtype(DType::F64)?.flatten_all()?.to_vec1()?;
            let init = match self.value {
                Value::Resample => params.init(&name).unwrap_or(Init::Constant(0.0)),
                Value::Matched => Init::Normal { sd: rest(&values, &indices) },
                Value::Zero => Init::Constant(0.0),
            };
            let mut stream = Stream::named(context.seed, &format!("reinit values {name}"));
            for (&index, fresh) in indices.iter().zip(init.draw(&mut stream, indices.len())) {
                values[index] = fresh;
            }
            (redrawn, all) = (redrawn + indices.len(), all + values.len());
            var.set(&Tensor::from_vec(values, var.shape(), var.device())?.to_dtype(var.dtype())?)?;
        }
        self.redrawn = Some(redrawn as f64 / all.max(1) as f64);
        if redrawn > 0 { calibrate(context, params, self.calibration) } else { Ok(()) }
    }

    fn learning_rates(&self, _params: &Params, epoch: usize) -> LearningRates {
        only(&self.groups, |group| epoch >= self.head_first || group + 1 == self.groups.len())
    }
}

impl Reinit {
    /// The matrices and kernels of its layers, each with the positions that it would draw anew, ascending.
    ///
    /// # Errors
    /// If the network fails.
    pub fn chosen(&self, context: &FitContext, params: &mut Params) -> Result<Vec<(String, Vec<usize>)>, NnError> {
        let layers = self.groups.0.iter().take(self.groups.len().saturating_sub(1)).enumerate();
        let names = layers.filter(|(layer, _)| self.layers.contains(layer)).flat_map(|(_, names)| names);
        // Another method may have frozen some of them.
        let is_matrix =
            |name: &&String| params.is_trainable(name) && params.find(name).is_some_and(|var| var.rank() > 1);
        let names: Vec<String> = names.filter(is_matrix).cloned().collect();
        let gradients = match self.utility {
            Utility::Gradient => mean_gradients(context, params, &names, self.batches)?,
            _ => Vec::new(),
        };
        let mut chosen = Vec::new();
        for (index, name) in names.into_iter().enumerate() {
            let Some(var) = params.find(&name) else { continue };
            let values: Vec<f64> = var.to_dtype(DType::F64)?.flatten_all()?.to_vec1()?;
            let mut stream = Stream::named(context.seed, &format!("reinit {name}"));
            let slopes = gradients.get(index).map_or(&[][..], Vec::as_slice);
            let utilities = self.utility.of(&values, slopes, &mut stream);
            let indices = select(&utilities, self.selection, &mut stream);
            chosen.push((name, indices));
        }
        Ok(chosen)
    }
}

/// How many numbers of the inputs are computed at once where the mean over many rows is computed: small rows by the
/// hundred, pictures of a large network batch by batch.
const AT_ONCE: usize = 1 << 16;

/// The mean gradient of each named parameter over so many batches, with the network in evaluation mode: no dropout, and
/// running statistics left alone.
///
/// # Errors
/// If the network fails.
pub(super) fn mean_gradients(
    context: &FitContext,
    params: &mut Params,
    names: &[String],
    batches: usize,
) -> Result<Vec<Vec<f64>>, NnError> {
    // No gradient for what is not requested, nor below the lowest parameter that is.
    let others: Vec<String> =
        params.trainable().map(|(name, _)| name.to_string()).filter(|n| !names.contains(n)).collect();
    let rates = params.rates().clone();
    params.set_rates(&LearningRates::freezing(&others));
    let network = context.model.build(params)?;
    let batch = context.batch.max(1);
    let order = Stream::named(context.seed, "reinit batches").permutation(context.training.len());
    let order: Vec<u32> = order.into_iter().take(batches.saturating_mul(batch)).map(|row| row as u32).collect();
    let mut sums: Vec<Vec<f64>> =
        names.iter().map(|name| vec![0.0; params.find(name).map_or(0, |var| var.elem_count())]).collect();
    let width: usize = match order.first() {
        Some(row) => context.training.rows(&[*row], Mode::Eval)?.inputs.iter().map(Tensor::elem_count).sum(),
        None => 0,
    };
    for rows in order.chunks(batch.max(AT_ONCE / width.max(1))) {
        let examples = context.training.rows(rows, Mode::Eval)?;
        let output = network.forward(&examples.inputs, Mode::Eval)?;
        let losses = context.objective.losses(&output, &examples.targets)?;
        let gradients = mean(&losses, examples.weights.as_ref())?.backward()?;
        let share = rows.len() as f64 / order.len() as f64;
        for (sum, name) in sums.iter_mut().zip(names) {
            let Some(gradient) = params.find(name).and_then(|var| gradients.get(var.as_tensor())) else { continue };
            let gradient: Vec<f64> = gradient.to_dtype(DType::F64)?.flatten_all()?.to_vec1()?;
            sum.iter_mut().zip(gradient).for_each(|(s, g)| *s += share * g);
        }
    }
    params.set_rates(&rates);
    Ok(sums)
}

/// Root mean square of the values that are not at `indices` (ascending); 0 of none.
fn rest(values: &[f64], indices: &[usize]) -> f64 {
    let kept = (0..values.len()).filter(|index| indices.binary_search(index).is_err());
    let squares: f64 = kept.map(|index| values[index].powi(2)).sum();
    (squares / (values.len() - indices.len()).max(1) as f64).sqrt()
}

/// Lets the running statistics of a network see `batches` batches, without a step: those of other weights would
/// normalise wrongly wherever they are used before training has replaced them.
fn calibrate(context: &FitContext, params: &mut Params, batches: usize) -> Result<(), NnError> {
    if params.iter().count() == params.trainable().count() {
        return Ok(());
    }
    let network = context.model.build(params)?;
    let mut stream = Stream::named(context.seed, "reinit calibration");
    let (count, mut order) = (context.training.len(), Vec::new());
    for _ in 0..batches {
        if order.len() < context.batch.min(count) {
            order = stream.permutation(count);
        }
        let rows: Vec<u32> = order.drain(..context.batch.min(count)).map(|row| row as u32).collect();
        let mode = Mode::Train { seed: stream.bits() };
        network.forward(&context.training.rows(&rows, mode)?.inputs, mode)?;
    }
    Ok(())
}
