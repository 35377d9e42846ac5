//! Trials: the low level, the high level in several ways, readouts with a circuit.

use candle_core::DType;

use crate::data::structure::{Labels, Structure};
use crate::lab::{Context, Measurement};
use crate::math::Stream;
use crate::nn::{Dataset, Model, Params};
use crate::study::StudyError;
use crate::study::train::{EpochRecord, HeldOutEvaluator, TrainConfig, TrainingLoop};
use crate::systems::potential::arms::{ArmRow, Start};
use crate::systems::potential::frames::{Draws, Frames, PotentialLoss, combined, errors, reference, references};
use crate::systems::potential::network::{Beside, PotentialNet};
use crate::systems::potential::saved::{MODEL_FILE, Potential};
use crate::systems::potential::sources::{Material, Parts};
use crate::systems::potential::spec::Spec;
use crate::transfer::Transfer;

/// Frames that a loss is evaluated on at once.
const EVALUATED: usize = 64;

/// Own labels of frames that have been read with them.
fn own(frame: &Structure) -> Labels {
    frame.labels.clone().unwrap_or_else(|| Labels { energy: 0.0, forces: vec![[0.0; 3]; frame.len()] })
}

/// Labels of the low level at the frames of the high one, or nothing.
fn low(frame: &Structure) -> Option<Labels> {
    frame.low.clone()
}

/// A training with what it needs.
struct Training<'a> {
    spec: &'a Spec,
    net: &'a PotentialNet,
    seed: u64,
    context: &'a Context<'a>,
}

impl Training<'_> {
    /// The rows of frames with labels less the energies of single atoms.
    fn rows(&self, frames: &[&Structure], labels: Vec<Labels>, references: &[f64]) -> Result<Frames, StudyError> {
        let elements = &self.net.elements;
        let less = |(frame, labels): (&&Structure, Labels)| Labels {
            energy: labels.energy - reference(frame, elements, references),
            forces: labels.forces,
        };
        let labels = frames.iter().zip(labels).map(less).collect();
        Frames::new(frames, labels, (elements, &self.spec.size.of_layer(elements.len()), DType::F32))
    }

    fn run(
        &self,
        params: &mut Params,
        (training, validation): (&dyn Dataset, &Frames),
        config: &TrainConfig,
        transfer: &mut dyn Transfer,
    ) -> Result<Vec<EpochRecord>, StudyError> {
        let loss = PotentialLoss { energy: self.spec.energy_weight, force: self.spec.force_weight };
        let evaluator = HeldOutEvaluator { source: validation, objective: &loss, batch: EVALUATED };
        let training = TrainingLoop {
            evaluator: &evaluator,
            observer: self.context.observer,
            ..TrainingLoop::new(self.net, training, &loss, config, self.seed)
        };
        training.run(params, transfer)
    }
}

/// Errors in meV and meV/Å, the last validation loss, and its curve.
fn measured(found: &[Labels], truth: &[Labels], history: &[EpochRecord]) -> Measurement {
    let (energy, force) = errors(found, truth);
    let losses: Vec<f64> = history.iter().map(|record| record.evaluation.loss).collect();
    let last = losses.last().copied();
    let measured = Measurement::default().value("force_mae", 1000.0 * force).value("energy_mae", 1000.0 * energy);
    let measured = measured.value_if("validation", last);
    if losses.is_empty() { measured } else { measured.curve("validation", losses) }
}

/// Energies of single atoms, fitted to what the network at its start leaves of the energies of frames: a network that was trained
/// keeps what it knows, and one that was not has no offset to learn.
fn left_over(
    net: &PotentialNet,
    params: &Params,
    frames: &[&Structure],
    energies: &[f64],
) -> Result<Vec<f64>, StudyError> {
    let own = net.predict(params, &vec![0.0; net.elements.len()], frames)?;
    let left: Vec<f64> = energies.iter().zip(own).map(|(energy, own)| energy - own.energy).collect();
    Ok(references(frames, &net.elements, &left))
}

/// The low level learned from many frames.
///
/// # Errors
/// If training fails.
pub fn pretraining(
    spec: &Spec,
    material: &Material,
    is_shuffled: bool,
    seed: u64,
    context: &Context,
) -> Result<Measurement, StudyError> {
    let Parts { training, validation, test } = material.of_low(spec)?;
    let net = PotentialNet::new(material.elements.clone(), &spec.size, Beside::Nothing)?;
    let job = Training { spec, net: &net, seed, context };
    let labels = |frames: &[&Structure]| -> Vec<Labels> { frames.iter().map(|frame| own(frame)).collect() };
    let mut learned = labels(&training);
    if is_shuffled {
        // Among frames of one molecule, so that every label still has a force for each atom.
        let order = Stream::named(seed, "shuffled").permutation(training.len());
        let mut others: Vec<(String, Labels)> =
            order.iter().map(|&k| (training[k].group.clone(), learned[k].clone())).collect();
        for (frame, labels) in training.iter().zip(&mut learned) {
            let is_like = |other: &(String, Labels)| other.0 == frame.group && other.1.forces.len() == frame.len();
            if let Some(at) = others.iter().position(is_like) {
                *labels = others.remove(at).1;
            }
        }
    }
    let energies: Vec<f64> = training.iter().map(|frame| own(frame).energy).collect();
    let mut params = Params::new(seed, DType::F32);
    net.build(&mut params)?;
    let references = left_over(&net, &params, &training, &energies)?;
    let rows = job.rows(&training, learned, &references)?;
    let chosen = job.rows(&validation, labels(&validation), &references)?;
    let mut all = crate::transfer::schedule::Full;
    let history = job.run(&mut params, (&rows, &chosen), &spec.pretrain, &mut all)?;
    let potential = Potential { net, params, references };
    let found = potential.labels(&test)?;
    Ok(measured(&found, &labels(&test), &history)
        .value("parameters", potential.params.count(|_| true) as f64)
        .file(MODEL_FILE, potential.to_bytes()?))
}

/// What the high level is learned from: the network of the low level, if the arm starts there, and the validation loss of
/// every epoch from scratch, if that was learned before.
pub struct Before {
    /// The low level.
    pub low: Option<Potential>,
    /// Validation losses from scratch.
    pub scratch: Option<Vec<f64>>,
}

/// The high level learned from few frames.
///
/// # Errors
/// If training fails.
pub fn tuning(
    spec: &Spec,
    material: &Material,
    (arm, beside, rows): (&ArmRow, Beside, usize),
    before: Before,
    seed: u64,
    context: &Context,
) -> Result<Measurement, StudyError> {
    let Parts { training, validation, test } = material.of_high(spec, rows, seed)?;
    if arm.is_difference && material.high.iter().any(|frame| frame.low.is_none()) {
        let reason = "the frames of the high level have no energies and forces of the low one (low_energy, low_forces)";
        return Ok(Measurement::default().inapplicable(reason));
    }
    // What is to be learned of a frame: its labels, or what they have beyond the low level.
    let wanted = |frame: &Structure| match low(frame).filter(|_| arm.is_difference) {
        Some(low) => combined(&own(frame), -1.0, &low),
        None => own(frame),
    };
    let all = |frames: &[&Structure]| -> Vec<Labels> { frames.iter().map(|frame| wanted(frame)).collect() };
    let truth: Vec<Labels> = test.iter().map(|frame| own(frame)).collect();
    let energies: Vec<f64> = training.iter().map(|frame| wanted(frame).energy).collect();
    if arm.start.is_none() {
        let elements = &material.elements;
        let alone = references(&training, elements, &energies);
        let found: Vec<Labels> = test
            .iter()
            .map(|frame| {
                let low = low(frame).unwrap_or_else(|| own(frame));
                Labels { energy: low.energy + reference(frame, elements, &alone), forces: low.forces }
            })
            .collect();
        return Ok(measured(&found, &truth, &[]));
    }
    let net = PotentialNet::new(material.elements.clone(), &spec.size, beside)?;
    let mut params = Params::new(seed, DType::F32);
    net.build(&mut params)?;
    if let (Some(low), Some(Start::Low | Start::Shuffled)) = (&before.low, arm.start) {
        params.copy_prefix_from(&low.params, "")?;
    }
    let references = left_over(&net, &params, &training, &energies)?;
    let job = Training { spec, net: &net, seed, context };
    let mut history = Vec::new();
    if arm.method.is_some() {
        let rows = job.rows(&training, all(&training), &references)?;
        let chosen = job.rows(&validation, all(&validation), &references)?;
        let draws = Draws { frames: &rows, count: spec.draws };
        let mut transfer = arm.transfer(&net.groups(&params))?;
        history = job.run(&mut params, (&draws, &chosen), &spec.tune, transfer.as_mut())?;
    }
    let potential = Potential { net, params, references };
    let mut found = potential.labels(&test)?;
    if arm.is_difference {
        for (labels, frame) in found.iter_mut().zip(&test) {
            if let Some(low) = low(frame) {
                *labels = combined(&low, 1.0, labels);
            }
        }
    }
    let mut result = measured(&found, &truth, &history).value("parameters", potential.params.count(|_| true) as f64);
    if let Some(last) = before.scratch.as_ref().and_then(|losses| losses.last()) {
        let epochs = history.iter().position(|record| record.evaluation.loss <= *last);
        let share = epochs.map_or(1.0, |epoch| (epoch + 1) as f64 / history.len() as f64);
        result = result.value("steps_to_scratch", share);
    }
    Ok(match arm.is_difference {
        true => result,
        false => result.file(MODEL_FILE, potential.to_bytes()?),
    })
}
