//! `qgraft bench grad`: a batched forward pass and the full gradient.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use ndarray::{Array1, Array2};

use super::{Outcome, Setting, timed, values_checksum};
use crate::circuit::{Circuit, Gate, Observable, Param};
use crate::math::input;
use crate::noise::{NoiseList, Program};
use crate::sim::{Angles, EngineOptions, Precision, engine};

/// RY of each input, then layers of trained RY and a chain of CX; all ⟨Z⟩ and the gradient of their sum by all angles.
#[derive(clap::Args)]
pub struct Arguments {
    /// Number of qubits, and of inputs.
    #[arg(long, value_name = "n")]
    qubits: usize,
    /// Trained layers.
    #[arg(long, value_name = "L")]
    layers: usize,
    /// Rows of inputs.
    #[arg(long, value_name = "B")]
    batch: usize,
    /// The noise after each gate, JSON as for `noisy`; without it the circuit is ideal.
    #[arg(long, value_name = "FILE")]
    noise: Option<PathBuf>,
    /// Width of the numbers, double or single.
    #[arg(long, value_name = "P", default_value = "double")]
    precision: Precision,
    #[command(flatten)]
    pub setting: Setting,
}

/// The circuit: slots `0..qubits` are inputs, then come the weights layer by layer.
fn circuit(qubits: usize, layers: usize) -> Result<Circuit> {
    let mut circuit = Circuit::new(qubits);
    let slots: Vec<Param> = (0..qubits * (layers + 1)).map(|k| circuit.slot(format!("angle{k}"))).collect();
    for (layer, slots) in slots.chunks(qubits).enumerate() {
        for (qubit, &slot) in slots.iter().enumerate() {
            circuit.push(Gate::Ry, &[qubit], &[slot])?;
        }
        for qubit in (1..qubits).filter(|_| layer > 0) {
            circuit.push(Gate::Cx, &[qubit - 1, qubit], &[])?;
        }
    }
    Ok(circuit)
}

/// Times it.
pub fn run(arguments: &Arguments, budget: Duration) -> Result<Outcome> {
    let &Arguments { qubits, layers, batch, precision, .. } = arguments;
    let bounds = [("qubits", qubits, 1, 40), ("layers", layers, 0, 1000), ("batch", batch, 1, 1_000_000)];
    for (name, value, least, most) in bounds {
        ensure!((least..=most).contains(&value), "--{name} {value}: expected {least} to {most}");
    }
    let circuit = circuit(qubits, layers)?;
    let (program, name, ending) = match &arguments.noise {
        Some(path) => {
            let named = || path.display().to_string();
            let noise = NoiseList::from_json(&input::read_text(path, input::LARGEST_TEXT).with_context(named)?)
                .with_context(named)?;
            (noise.apply(&circuit, &Vec::from_iter(0..qubits)), "auto", "_noisy")
        }
        None => (Program::ideal(&circuit, &[]), "statevector", ""),
    };
    let engine = engine(name, EngineOptions { precision, ..EngineOptions::default() })?;
    let input = |(b, i): (usize, usize)| 1.5 * (0.7 * (b * qubits + i) as f64 + 0.1).sin();
    let inputs = Array2::from_shape_fn((batch, qubits), input);
    let weights = Array1::from_shape_fn(layers * qubits, |k| 1.2 * (0.9 * k as f64 + 0.3).cos());
    // Weights change in training: what an engine caches for the last ones must not count, so every other call has
    // others.
    let mut changed = weights.clone();
    changed.iter_mut().take(1).for_each(|first| *first += 1e-9);
    let mut alternating = [&weights, &changed].into_iter().cycle();
    let observables = Observable::all_z(qubits);
    let cotangent = Array2::ones((batch, qubits));
    let prepared = engine.prepare(&program, &observables, qubits)?;
    let ((values, gradient), seconds) = timed(budget, || {
        let weights = alternating.next().expect("a cycle has no end").view();
        let angles = Angles { inputs: inputs.view(), weights };
        Ok(prepared.value_and_gradient(angles, cotangent.view())?)
    })?;
    Ok(Outcome {
        case: format!("grad_n{qubits:02}_l{layers}_b{batch}{ending}"),
        qubits,
        checksum: values_checksum(&values) + values_checksum(&gradient.inputs) + values_checksum(&gradient.weights),
        precision: engine.precision(),
        seconds,
    })
}
