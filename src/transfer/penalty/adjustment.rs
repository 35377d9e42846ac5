//! Adjustment for confounders: what a label would be if the input were set, not seen (Pearl, Glymour & Jewell 2016, Causal
//! Inference in Statistics, sections 3.3 and 3.4).
//!
//! Both methods train a read-out of their own and teach what it says after adjustment to the network's read-out. The network
//! is therefore used as before, and neither needs the confounder then.

use candle_core::{D, DType, Tensor};

use crate::math::Stream;
use crate::nn::init::Init;
use crate::nn::layer::Linear;
use crate::nn::loss::{divergence, mean, squares};
use crate::nn::{Mode, NnError, Output, Params};
use crate::transfer::penalty::{risk, rows_of, visit_training};
use crate::transfer::{Batch, FitContext, Transfer};

/// Adjustment for the domain as an observed confounder: P(y | do(x)) = Σ_c P(y | x, c) P(c). A read-out W f + v_c with an
/// offset for each domain c learns on the features f of rows with their own domain. The network's read-out learns the mean of
/// its softmax outputs over all domains. Offsets start at the logarithms of the classes' shares in each domain, so that features
/// need not say what the domain says already. Parameters are `backdoor.feature.*` and `backdoor.offset`.
#[derive(Clone, Debug, Default)]
pub struct Backdoor {
    /// Whether P(c) is the same for all domains; else it is their share of the training rows.
    pub is_uniform: bool,
    layers: Option<(Linear, Tensor)>,
    /// P(c).
    prior: Vec<f64>,
}

impl Backdoor {
    /// P(c), once prepared.
    pub fn prior(&self) -> &[f64] {
        &self.prior
    }
}

/// (features, outputs) of the network.
fn widths(context: &FitContext, params: &mut Params) -> Result<(usize, usize), NnError> {
    let examples = context.training.rows(&[0], Mode::Eval)?;
    let output = context.model.build(params)?.forward(&examples.inputs, Mode::Eval)?;
    let Ok((_, outputs)) = output.logits.dims2() else {
        let reason = "an adjustment needs outputs (rows, classes)";
        return Err(NnError::Setting { field: "outputs", value: format!("{:?}", output.logits.dims()), reason });
    };
    Ok((output.features.flatten_from(1)?.dim(1)?, outputs))
}

/// The loss of a read-out's logits on the batch.
fn own_risk(batch: &Batch, logits: Tensor) -> Result<Tensor, NnError> {
    let output = Output::new(batch.output.features.clone(), logits);
    mean(&batch.objective.losses(&output, &batch.examples.targets)?, batch.examples.weights.as_ref())
}

/// What is added to the loss: the loss of the own read-out and the distance of the network's outputs from the adjusted ones,
/// less the loss of the network. Adjusted outputs are means of softmax outputs in a classifier, else means of outputs.
fn taught(batch: &Batch, own: Tensor, adjusted: &Tensor, is_classifier: bool) -> Result<Tensor, NnError> {
    let logits = &batch.output.logits;
    let distances =
        if is_classifier { divergence(logits, &adjusted.detach())? } else { squares(logits, &adjusted.detach())? };
    Ok(((own + mean(&distances, None)?)? - risk(batch)?)?)
}

/// Whether rows are right or wrong.
fn is_classifier(batch: &Batch) -> Result<bool, NnError> {
    Ok(batch.objective.right(batch.output, &batch.examples.targets)?.is_some())
}

/// Softmax outputs of a classifier, else outputs.
fn answers(logits: &Tensor, is_classifier: bool) -> candle_core::Result<Tensor> {
    if is_classifier { candle_nn::ops::softmax(logits, D::Minus1) } else { Ok(logits.clone()) }
}

impl Transfer for Backdoor {
    fn prepare(&mut self, context: &FitContext, params: &mut Params) -> Result<(), NnError> {
        let (features, outputs) = widths(context, params)?;
        let mut counts: Vec<f64> = Vec::new();
        // Rows of each class in each domain, where targets are classes.
        let mut of_class: Vec<Vec<f64>> = Vec::new();
        visit_training(context, |examples| {
            let classes =
                examples.targets.first().filter(|targets| targets.dtype() == DType::U32 && targets.rank() == 1);
            let classes: Option<Vec<u32>> = classes.map(|targets| targets.to_vec1()).transpose()?;
            for (row, domain) in examples.domains()?.into_iter().enumerate() {
                let needed = counts.len().max(domain as usize + 1);
                counts.resize(needed, 0.0);
                of_class.resize(needed, vec![0.0; outputs]);
                counts[domain as usize] += 1.0;
                let class = classes.as_ref().map_or(outputs, |classes| classes[row] as usize);
                if let Some(count) = of_class[domain as usize].get_mut(class) {
                    *count += 1.0;
                }
            }
            Ok(())
        })?;
        let (total, known) = (counts.iter().sum::<f64>(), counts.iter().filter(|count| **count > 0.0).count() as f64);
        let share = |count: f64| if self.is_uniform { f64::from(u8::from(count > 0.0)) / known } else { count / total };
        self.prior = counts.iter().map(|count| share(*count)).collect();
        let layer = Linear::new(params, "backdoor.feature", (features, outputs), true)?;
        let offsets = params.get("backdoor.offset", &[counts.len(), outputs], Init::Constant(0.0))?;
        if let Some(var) = params.find("backdoor.offset") {
            // One row more of each class, so that none has a logarithm of 0.
            let start = |count: &Vec<f64>| {
                let total = count.iter().sum::<f64>() + outputs as f64;
                count.iter().map(|count| ((count + 1.0) / total * outputs as f64).ln()).collect::<Vec<f64>>()
            };
            let start: Vec<f64> = of_class.iter().flat_map(start).collect();
            var.set(&Tensor::from_vec(start, var.shape(), var.device())?.to_dtype(var.dtype())?)?;
        }
        self.layers = Some((layer, offsets));
        Ok(())
    }

    fn penalty(&self, _params: &Params, batch: &Batch) -> Result<Option<Tensor>, NnError> {
        let Some((layer, offsets)) = &self.layers else { return Ok(None) };
        let domains = batch.examples.domains()?;
        if let Some(domain) = domains.iter().find(|domain| **domain as usize >= self.prior.len()) {
            let reason = "the adjustment was prepared on fewer domains";
            return Err(NnError::Setting { field: "domains", value: domain.to_string(), reason });
        }
        let shared = layer.forward(&batch.output.features.flatten_from(1)?)?;
        let own = own_risk(batch, (&shared + rows_of(offsets, &domains)?)?)?;
        let is_classifier = is_classifier(batch)?;
        let mut adjusted = shared.zeros_like()?;
        for (domain, share) in self.prior.iter().enumerate().filter(|(_, share)| **share > 0.0) {
            let logits = shared.detach().broadcast_add(&offsets.detach().narrow(0, domain, 1)?)?;
            adjusted = (adjusted + (answers(&logits, is_classifier)? * *share)?)?;
        }
        Ok(Some(taught(batch, own, &adjusted, is_classifier)?))
    }
}

/// Adjustment through a mediator when the confounder is not observed: P(y | do(x)) = Σ_m P(m | x) Σ_x' P(y | x', m) P(x').
/// The mediator m are the network's features, x' inputs of other rows of the batch. A read-out of both learns on the input of
/// the row itself; the network's read-out learns the mean of its outputs over `contexts` shuffled inputs. Parameters are
/// `front_door.*`.
#[derive(Clone, Debug)]
pub struct FrontDoor {
    /// Shuffled inputs for each row.
    pub contexts: usize,
    /// Width of the hidden layer.
    pub hidden: usize,
    seed: u64,
    layers: Option<[Linear; 3]>,
}

impl Default for FrontDoor {
    /// 8 contexts, 32 hidden units.
    fn default() -> Self {
        Self { contexts: 8, hidden: 32, seed: 0, layers: None }
    }
}

impl FrontDoor {
    /// Inputs as rows of numbers.
    fn context_of(inputs: &[Tensor]) -> Result<Tensor, NnError> {
        let reason = "the front door reads the first input of the network";
        let input = inputs.first().ok_or(NnError::Setting { field: "inputs", value: "none".into(), reason })?;
        Ok(input.flatten_from(1)?)
    }
}

impl Transfer for FrontDoor {
    fn prepare(&mut self, context: &FitContext, params: &mut Params) -> Result<(), NnError> {
        let (features, outputs) = widths(context, params)?;
        let width = Self::context_of(&context.training.rows(&[0], Mode::Eval)?.inputs)?.dim(1)?;
        self.seed = context.seed;
        self.layers = Some([
            Linear::new(params, "front_door.mediator", (features, self.hidden), true)?,
            Linear::new(params, "front_door.context", (width, self.hidden), false)?,
            Linear::new(params, "front_door.answer", (self.hidden, outputs), true)?,
        ]);
        Ok(())
    }

    fn penalty(&self, _params: &Params, batch: &Batch) -> Result<Option<Tensor>, NnError> {
        let Some([mediator, context, answer]) = &self.layers else { return Ok(None) };
        let features = batch.output.features.flatten_from(1)?;
        let own_context = context.forward(&Self::context_of(&batch.examples.inputs)?.to_dtype(features.dtype())?)?;
        let own_mediator = mediator.forward(&features)?;
        let read = |mediator: &Tensor, context: &Tensor| answer.forward(&(mediator + context)?.relu()?);
        let own = own_risk(batch, read(&own_mediator, &own_context)?)?;
        let is_classifier = is_classifier(batch)?;
        // A function of the step, so that a training that continues draws the same.
        let mut stream = Stream::numbered(self.seed, batch.progress.to_bits() ^ 0x0066_726f_6e74);
        let count = features.dim(0)?;
        let mut adjusted: Option<Tensor> = None;
        for _ in 0..self.contexts.max(1) {
            let order: Vec<u32> = stream.permutation(count).into_iter().map(|row| row as u32).collect();
            let logits = read(&own_mediator.detach(), &rows_of(&own_context.detach(), &order)?)?.detach();
            let part = (answers(&logits, is_classifier)? / self.contexts.max(1) as f64)?;
            adjusted = Some(match adjusted {
                Some(adjusted) => (adjusted + part)?,
                None => part,
            });
        }
        adjusted.map(|adjusted| taught(batch, own, &adjusted, is_classifier)).transpose()
    }
}
