//! The circuit on every device: transpiled once, compiled for each source and strength of noise.

use std::sync::Arc;

use crate::circuit::{Ansatz, Observable};
use crate::device::{Device, Target, TranspiledCircuit, transpile};
use crate::nn::NnError;
use crate::noise::model::{NoiseModel, NoiseOptions, Scale};
use crate::sim::Execution;
use crate::sim::mitigate::{Apply, MitigationRow};
use crate::sim::{self, Auto, Shots, Simulator};
use crate::study::StudyError;
use crate::systems::noise_robustness::Spec;

/// A source of noise and how its strength is set.
pub struct SourceRow {
    /// Name in tables.
    pub name: &'static str,
    /// What it is.
    pub doc: &'static str,
    /// The factors for a strength.
    pub scale: fn(f64) -> Scale,
}

/// Every source, all together first.
pub static SOURCES: &[SourceRow] = &[
    SourceRow { name: "all", doc: "everything the model knows", scale: Scale::all },
    SourceRow {
        name: "gate_error",
        doc: "the depolarizing part of gate errors alone",
        scale: |factor| Scale { gate_error: factor, ..Scale::all(0.0) },
    },
    SourceRow {
        name: "relaxation",
        doc: "relaxation (T1, T2) alone",
        scale: |factor| Scale { relaxation: factor, ..Scale::all(0.0) },
    },
    SourceRow {
        name: "readout",
        doc: "readout errors alone",
        scale: |factor| Scale { readout: factor, ..Scale::all(0.0) },
    },
];

/// How the circuit is run once.
#[derive(Clone, Copy)]
pub struct Condition {
    /// Number of the device.
    pub device: usize,
    /// Which noise.
    pub source: &'static SourceRow,
    /// Factor on it.
    pub scale: f64,
    /// What is done against it.
    pub mitigation: Option<&'static MitigationRow>,
    /// Shots; `None` takes exact expectation values.
    pub shots: Option<u64>,
}

impl Condition {
    /// Calibrated kinds of noise all together at some strength, exact and without mitigation.
    pub fn plain(device: usize, scale: f64) -> Self {
        Self { device, source: &SOURCES[0], scale, mitigation: None, shots: None }
    }
}

/// One circuit on all devices of a run.
pub struct Bench {
    ansatz: Ansatz,
    model: NoiseModel,
    devices: Vec<(Device, TranspiledCircuit)>,
}

impl Bench {
    /// Transpiles the circuit for every device.
    ///
    /// # Errors
    /// If it does not fit one.
    pub fn new(spec: &Spec, ansatz: Ansatz) -> Result<Self, StudyError> {
        let model = NoiseModel::named(&spec.model).map_err(NnError::from)?;
        let placed = |name: &String| -> Result<(Device, TranspiledCircuit), StudyError> {
            let device = spec.device(name)?;
            let transpiled = transpile(&ansatz.circuit, &Target::of(&device), &Default::default());
            Ok((device, transpiled.map_err(NnError::from)?))
        };
        let devices = spec.devices.iter().map(placed).collect::<Result<_, _>>()?;
        Ok(Self { ansatz, model, devices })
    }

    /// The circuit without noise.
    pub fn ideal(&self) -> Result<Execution, StudyError> {
        let engine = Arc::new(Auto::new(sim::EngineOptions::default()));
        Ok(Execution::ideal(&self.ansatz, engine).map_err(NnError::from)?)
    }

    /// The circuit under a condition; shots and random choices are drawn under `seed`.
    ///
    /// # Errors
    /// If the model refuses the circuit.
    pub fn execution(&self, condition: &Condition, seed: u64) -> Result<Execution, StudyError> {
        let (device, transpiled) = &self.devices[condition.device];
        let scaled = NoiseOptions { scale: (condition.source.scale)(condition.scale), ..NoiseOptions::default() };
        let model = self.model.with(scaled).map_err(NnError::from)?;
        let apply = condition.mitigation.map(|row| row.apply);
        let filled = match apply {
            Some(Apply::Circuit(change)) => Some(change(&transpiled.circuit, device)),
            _ => None,
        };
        let circuit = filled.as_ref().unwrap_or(&transpiled.circuit);
        let program = model.apply(circuit, device, &transpiled.final_layout).map_err(NnError::from)?;
        let observables = Observable::all_z(transpiled.final_layout.len())
            .iter()
            .map(|z| program.relabel(z, &transpiled.final_layout).expect("kept qubits are active"))
            .collect();
        let inner = Auto::new(sim::EngineOptions::default());
        let engine: Arc<dyn Simulator> = match condition.shots {
            None => Arc::new(inner),
            Some(shots) => Arc::new(Shots { inner, shots: shots as usize, seed }),
        };
        let simulator = match apply {
            Some(Apply::Executor(wrap)) => wrap(engine, seed),
            _ => engine,
        };
        Ok(Execution::new(program, observables, self.ansatz.inputs, simulator).map_err(NnError::from)?)
    }

    /// What the model mended, by device, each sentence once.
    ///
    /// # Errors
    /// If the model refuses the circuit.
    pub fn notices(&self) -> Result<Vec<String>, StudyError> {
        let mut told = Vec::new();
        for (k, (device, _)) in self.devices.iter().enumerate() {
            let program = self.execution(&Condition::plain(k, 1.0), 0)?.program;
            told.extend(program.notices.iter().map(|notice| format!("{}: {notice}", device.name)));
        }
        Ok(told)
    }
}
