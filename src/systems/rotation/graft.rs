//! Heads on a frozen backbone, circuits among them: a qubit is an angle by itself. The expectations of X and Y of one qubit
//! are a vector whose length cannot exceed 1, those of Z of several qubits are phases; nothing stands behind the circuit.

use std::f64::consts::TAU;

use candle_core::{DType, Device, Tensor};
use serde::Serialize;

use crate::circuit::{Observable, PauliString};
use crate::math::circular::Code;
use crate::nn::head::CircuitConfig;
use crate::nn::head::EncodedCircuit;
use crate::nn::head::{HeadConfig, HeadModel};
use crate::nn::model::first;
use crate::nn::{Examples, Mode, Model, Network, NnError, Output, Params};
use crate::study::train::TrainingLoop;
use crate::study::{Observer, StudyError};
use crate::systems::rotation::errors::{Errors, Told};
use crate::systems::rotation::heads::{Form, HeadRow};
use crate::systems::rotation::network::{FEATURES, SIZE};
use crate::systems::rotation::spec::Spec;
use crate::systems::rotation::views::Gallery;

/// A head with a code under one seed.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Grafted {
    /// On clear scenes.
    pub clear: Errors,
    /// Mean length of the vector, or amplitude of the phases, on clear and on ambiguous scenes.
    pub length: (f64, f64),
    /// How many numbers are trained.
    pub parameters: usize,
}

/// A row of the common table of heads, whose numbers are read as a code; of a circuit the expectations themselves.
struct Graft(HeadModel);

/// What is measured so that expectations are a code: X and Y of the first qubit, or Z of the first qubits.
fn observables(said: &HeadRow) -> Vec<Observable> {
    let letter = |x, z| Observable { terms: vec![(1.0, PauliString { x, z })] };
    match said.form {
        Form::Values(Code::UnitVector) => vec![letter(1, 0), letter(1, 1)],
        _ => Observable::all_z(said.width()),
    }
}

impl Graft {
    fn new(name: &str, said: &'static HeadRow, circuit: &CircuitConfig) -> Result<Self, StudyError> {
        let mut head = HeadConfig::named(name)?.circuit(circuit.clone()).model(FEATURES, said.width())?;
        if let Some(execution) = &mut head.execution {
            execution.observables = observables(said).into();
        }
        Ok(Self(head))
    }
}

struct Read(EncodedCircuit);

impl Network for Read {
    fn forward(&self, inputs: &[Tensor], _mode: Mode) -> Result<Output, NnError> {
        let features = first(inputs)?;
        Ok(Output::new(features.clone(), self.0.expectations(features)?))
    }
}

impl Model for Graft {
    fn build<'a>(&'a self, params: &mut Params) -> Result<Box<dyn Network + 'a>, NnError> {
        Ok(match self.0.circuit(params)? {
            Some(circuit) => Box::new(Read(circuit)),
            None => Box::new(self.0.build(params)?),
        })
    }
}

/// Features of a gallery: (rows, width), each picture under its own angle and under `views - 1` others
/// around the circle, and those angles (radians).
fn features(backbone: &dyn Network, gallery: &Gallery, views: usize) -> Result<(Tensor, Vec<f64>), StudyError> {
    let (mut all, mut angles) = (Vec::new(), Vec::new());
    let turned = (0..views).flat_map(|view| (0..gallery.sights.len()).map(move |row| (view, row)));
    let turned: Vec<(usize, f64)> =
        turned.map(|(view, row)| (row, gallery.angles[row] + TAU * view as f64 / views as f64)).collect();
    for part in turned.chunks(100) {
        let pixels: Vec<f32> = part.iter().flat_map(|&(row, angle)| gallery.sights[row].view(angle, SIZE)).collect();
        let pixels = Tensor::from_vec(pixels, (part.len(), 3, SIZE, SIZE), &Device::Cpu)?;
        all.push(backbone.forward(&[pixels], Mode::Eval)?.features.detach());
        angles.extend(part.iter().map(|(_, angle)| *angle));
    }
    Ok((Tensor::cat(&all, 0)?, angles))
}

/// Trains every head with every code on features of the frozen `backbone`: by code, then head.
///
/// # Errors
/// If a training diverges or a simulator refuses.
pub fn grafts(
    spec: &Spec,
    backbone: &dyn Network,
    [training, clear, ambiguous]: [&Gallery; 3],
    seed: u64,
    progress: &dyn Observer,
) -> Result<Vec<Grafted>, StudyError> {
    if spec.grafts.heads.is_empty() {
        return Ok(Vec::new());
    }
    let (rows, angles) = features(backbone, training, spec.grafts.views)?;
    let (clear, truth) = features(backbone, clear, 1)?;
    let (ambiguous, _) = features(backbone, ambiguous, 1)?;
    let mut found = Vec::new();
    for code in &spec.grafts.codes {
        let said = HeadRow::named(code)?;
        let targets: Vec<f64> = angles.iter().flat_map(|angle| said.target(*angle)).collect();
        let targets = Tensor::from_vec(targets, (angles.len(), said.width()), &Device::Cpu)?.to_dtype(DType::F32)?;
        let examples = Examples::new(rows.clone(), targets);
        for name in &spec.grafts.heads {
            let model = Graft::new(name, said, &spec.grafts.circuit)?;
            let mut params = Params::new(seed, DType::F32);
            model.build(&mut params)?;
            let trainer = TrainingLoop {
                observer: progress,
                ..TrainingLoop::new(&model, &examples, said, &spec.grafts.train, seed)
            };
            trainer.run(&mut params, &mut model.0.row.learning_rates())?;
            let network = model.build(&mut params)?;
            let told = Told::of_rows(network.as_ref(), said, clear.clone())?;
            let blurred = Told::of_rows(network.as_ref(), said, ambiguous.clone())?;
            found.push(Grafted {
                clear: told.errors(&truth)?,
                length: (told.doubt().unwrap_or(f64::NAN), blurred.doubt().unwrap_or(f64::NAN)),
                parameters: params.count(|_| true),
            });
        }
    }
    Ok(found)
}
