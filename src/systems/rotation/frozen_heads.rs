//! Heads on a frozen backbone, circuits among them: the state of a qubit is an angle by itself. The expectations of X and Y of
//! one qubit are a vector whose length cannot exceed 1, those of Z of several qubits are phases. Nothing follows the
//! circuit.

use std::f64::consts::TAU;

use candle_core::{DType, Device, Tensor};

use crate::circuit::{Observable, PauliString};
use crate::lab::{Context, Measurement};
use crate::math::circular::Code;
use crate::nn::head::{EncodedCircuit, HeadModel};
use crate::nn::model::first;
use crate::nn::{Examples, Mode, Model, Network, NnError, Output, Params};
use crate::study::StudyError;
use crate::study::train::TrainingLoop;
use crate::systems::conditions::evaluate_under;
use crate::systems::head_choice::HeadChoice;
use crate::systems::rotation::encodings::{AngleHead, Encoding};
use crate::systems::rotation::network::{FEATURES, SIZE};
use crate::systems::rotation::predictions::AnglePredictions;
use crate::systems::rotation::spec::Spec;
use crate::systems::rotation::training::{Inputs, TRAINING};
use crate::systems::rotation::views::PictureSet;

/// Rows that pass through the backbone at once.
const BATCH: usize = 100;

/// A row of the common table of heads whose output is a code; of a circuit the expectations themselves.
struct CodeHead(HeadModel);

/// Observables whose expectations are a code: X and Y of the first qubit, or Z of the first qubits.
fn observables(code: &AngleHead) -> Vec<Observable> {
    let letter = |x, z| Observable { terms: vec![(1.0, PauliString::from_masks(x, z))] };
    match code.encoding {
        Encoding::Values(Code::UnitVector) => vec![letter(1, 0), letter(1, 1)],
        _ => Observable::all_z(code.width()),
    }
}

impl CodeHead {
    /// The head without noise, whatever device its label names.
    fn new(choice: &HeadChoice, code: &AngleHead) -> Result<Self, StudyError> {
        let mut head = choice.config.model(FEATURES, code.width())?;
        if let Some(execution) = &mut head.execution {
            *execution = execution.with_observables(observables(code)).map_err(NnError::from)?;
        }
        // What is compiled for a device measures the same.
        if let Some(ansatz) = &mut head.ansatz {
            ansatz.observables = observables(code);
        }
        Ok(Self(head))
    }
}

struct Expectations(EncodedCircuit);

impl Network for Expectations {
    fn forward(&self, inputs: &[Tensor], _mode: Mode) -> Result<Output, NnError> {
        let features = first(inputs)?;
        Ok(Output::new(features.clone(), self.0.expectations(features)?))
    }
}

impl Model for CodeHead {
    fn build<'a>(&'a self, params: &mut Params) -> Result<Box<dyn Network + 'a>, NnError> {
        Ok(match self.0.circuit(params)? {
            Some(circuit) => Box::new(Expectations(circuit)),
            None => Box::new(self.0.build(params)?),
        })
    }
}

/// Features (rows, width) of views with their angles (radians), by a frozen backbone.
pub(super) struct Features {
    training: (Tensor, Vec<f64>),
    clear: (Tensor, Vec<f64>),
    ambiguous: Tensor,
}

impl Features {
    /// Of the training scenes of a seed and of the test scenes.
    pub fn of(spec: &Spec, inputs: &Inputs, backbone: &dyn Network, seed: u64) -> Result<Self, StudyError> {
        let training = PictureSet::scenes(TRAINING + seed, spec.training_scenes, 0.0);
        Ok(Self {
            training: extract(backbone, &training, spec.frozen_heads.views)?,
            clear: extract(backbone, &inputs.clear, 1)?,
            ambiguous: extract(backbone, &inputs.ambiguous, 1)?.0,
        })
    }
}

/// Features of each picture under its own angle and under `views - 1` others around the circle.
fn extract(backbone: &dyn Network, set: &PictureSet, views: usize) -> Result<(Tensor, Vec<f64>), StudyError> {
    let (mut all, mut angles) = (Vec::new(), Vec::new());
    let rotated = (0..views).flat_map(|view| (0..set.pictures.len()).map(move |row| (view, row)));
    let rotated: Vec<(usize, f64)> =
        rotated.map(|(view, row)| (row, set.angles[row] + TAU * view as f64 / views as f64)).collect();
    for part in rotated.chunks(BATCH) {
        let pixels: Vec<f32> = part.iter().flat_map(|&(row, angle)| set.pictures[row].view(angle, SIZE)).collect();
        let pixels = Tensor::from_vec(pixels, (part.len(), 3, SIZE, SIZE), &Device::Cpu)?;
        all.push(backbone.forward(&[pixels], Mode::Eval)?.features.detach());
        angles.extend(part.iter().map(|(_, angle)| *angle));
    }
    Ok((Tensor::cat(&all, 0)?, angles))
}

/// Trains the head `name` to output a code.
pub fn trial(
    spec: &Spec,
    features: &Features,
    name: &str,
    code: &'static AngleHead,
    seed: u64,
    context: &Context,
) -> Result<Measurement, StudyError> {
    let (rows, angles) = &features.training;
    let targets: Vec<f64> = angles.iter().flat_map(|angle| code.target(*angle)).collect();
    let targets = Tensor::from_vec(targets, (angles.len(), code.width()), &Device::Cpu)?.to_dtype(DType::F32)?;
    let examples = Examples::new(rows.clone(), targets);
    let choice = HeadChoice::named(name, &spec.frozen_heads.circuit)?;
    let model = CodeHead::new(&choice, code)?;
    let noisy = CodeHead(choice.trained(&model.0, context.executions, seed)?);
    let observer = context.observer;
    let mut params = Params::new(seed, DType::F32);
    model.build(&mut params)?;
    let training =
        TrainingLoop { observer, ..TrainingLoop::new(&noisy, &examples, code, &spec.frozen_heads.train, seed) };
    training.run(&mut params, &mut model.0.row.learning_rates())?;
    let network = model.build(&mut params)?;
    let ambiguous = features.ambiguous.clone();
    let predict = |rows: &Tensor| AnglePredictions::of_rows(network.as_ref(), code, rows.clone());
    let (rows, truth) = &features.clear;
    let clear = predict(rows)?;
    let errors = clear.errors(truth)?;
    let found = Measurement::default()
        .value("error", errors.mean)
        .value("median_error", errors.median)
        .value("within_10", errors.within_10)
        .value_if("length_clear", clear.length())
        .value_if("length_ambiguous", predict(&ambiguous)?.length())
        .value("parameters", params.count(|_| true) as f64);
    evaluate_under(&spec.evaluate.all(), &model.0, seed, context, found, &mut |under| {
        let model = CodeHead(under);
        let network = model.build(&mut params)?;
        let errors = AnglePredictions::of_rows(network.as_ref(), code, rows.clone())?.errors(truth)?;
        Ok(vec![("error", errors.mean), ("median_error", errors.median), ("within_10", errors.within_10)])
    })
}
