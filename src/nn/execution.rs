//! From a circuit and a setting to something that can be run: transpiled, with its noise, on an engine.

use std::sync::Arc;

use crate::circuit::{Ansatz, Observable};
use crate::device::{Device, Target, transpile};
use crate::nn::NnError;
use crate::noise::Program;
use crate::noise::model::NoiseModel;
use crate::sim::{Prepared, SimError, Simulator};

/// A circuit ready to run: the program (ideal or noisy), what is measured, and the engine that it is prepared on.
#[derive(Clone)]
pub struct Execution {
    /// The circuit with its noise.
    pub program: Arc<Program>,
    /// What is measured, on the program's qubits.
    pub observables: Arc<[Observable]>,
    /// The engine.
    pub simulator: Arc<dyn Simulator>,
    /// Number of input slots.
    pub inputs: usize,
    /// The program on the engine.
    pub prepared: Arc<dyn Prepared>,
}

impl Execution {
    /// `observables` of `program`, whose first `inputs` slots differ by row, on `simulator`.
    ///
    /// # Errors
    /// If the engine refuses the program.
    pub fn new(
        program: Program,
        observables: Vec<Observable>,
        inputs: usize,
        simulator: Arc<dyn Simulator>,
    ) -> Result<Self, SimError> {
        let prepared = simulator.prepare(&program, &observables, inputs)?;
        Ok(Self { program: Arc::new(program), observables: observables.into(), simulator, inputs, prepared })
    }

    /// Without noise: what the ansatz measures, on `simulator`.
    ///
    /// # Errors
    /// If the engine refuses the program.
    pub fn ideal(ansatz: &Ansatz, simulator: Arc<dyn Simulator>) -> Result<Self, SimError> {
        let keep: Vec<usize> = (0..ansatz.circuit.qubits()).collect();
        let program = Program::ideal(&ansatz.circuit, &keep);
        Self::new(program, ansatz.observables.clone(), ansatz.inputs, simulator)
    }

    /// As on `device` under `model`: transpiled to its native gates and couplings, every gate followed by its noise,
    /// what the ansatz measures with readout error.
    ///
    /// # Errors
    /// If the circuit does not fit the device, or the model or the engine refuses it.
    pub fn on_device(
        ansatz: &Ansatz,
        device: &Device,
        model: &NoiseModel,
        simulator: Arc<dyn Simulator>,
    ) -> Result<Self, NnError> {
        let transpiled = transpile(&ansatz.circuit, &Target::of(device), &Default::default())?;
        let program = model.apply(&transpiled.circuit, device, &transpiled.final_layout)?;
        let relabel = |observable| program.relabel(observable, &transpiled.final_layout);
        let relabel = |observable| relabel(observable).expect("kept qubits are active");
        let observables = ansatz.observables.iter().map(relabel).collect();
        Ok(Self::new(program, observables, ansatz.inputs, simulator)?)
    }

    /// The same run with another engine.
    ///
    /// # Errors
    /// If the engine refuses the program.
    pub fn with_simulator(&self, simulator: Arc<dyn Simulator>) -> Result<Self, SimError> {
        let prepared = simulator.prepare(&self.program, &self.observables, self.inputs)?;
        Ok(Self { simulator, prepared, ..self.clone() })
    }
}
