//! From a circuit and a setting to something that can be run: transpiled, with its noise, on an engine.

use std::sync::Arc;

use crate::circuit::{Ansatz, Observable};
use crate::device::{Device, Target, transpile};
use crate::nn::NnError;
use crate::noise::Program;
use crate::noise::model::NoiseModel;
use crate::sim::Simulator;

/// What a circuit is run as: the program (ideal or noisy), what is measured, and by which engine.
#[derive(Clone)]
pub struct Execution {
    /// The circuit with its noise.
    pub program: Arc<Program>,
    /// What is measured, on the program's qubits.
    pub observables: Arc<[Observable]>,
    /// The engine.
    pub simulator: Arc<dyn Simulator>,
}

impl Execution {
    /// Without noise: what the ansatz measures, on `simulator`.
    pub fn ideal(ansatz: &Ansatz, simulator: Arc<dyn Simulator>) -> Self {
        let width = ansatz.circuit.qubits();
        let keep: Vec<usize> = (0..width).collect();
        let program = Program::ideal(&ansatz.circuit, &keep);
        Self { program: Arc::new(program), observables: ansatz.observables.clone().into(), simulator }
    }

    /// As on `device` under `model`: transpiled to its native gates and couplings, every gate followed by its noise,
    /// what the ansatz measures with readout error.
    ///
    /// # Errors
    /// If the circuit does not fit the device or the model refuses it.
    pub fn on_device(
        ansatz: &Ansatz,
        device: &Device,
        model: &NoiseModel,
        simulator: Arc<dyn Simulator>,
    ) -> Result<Self, NnError> {
        let transpiled = transpile(&ansatz.circuit, &Target::of(device), &Default::default())?;
        let program = model.apply(&transpiled.circuit, device, &transpiled.final_layout)?;
        let observables = ansatz
            .observables
            .iter()
            .map(|observable| program.relabel(observable, &transpiled.final_layout).expect("kept qubits are active"))
            .collect();
        Ok(Self { program: Arc::new(program), observables, simulator })
    }

    /// The same run with another engine.
    pub fn with_simulator(&self, simulator: Arc<dyn Simulator>) -> Self {
        Self { simulator, ..self.clone() }
    }
}
