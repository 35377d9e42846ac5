//! A circuit ready to run: transpiled, with its noise, prepared on an engine.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::circuit::{Ansatz, Circuit, Observable};
use crate::device::{Device, Target, TranspileOptions, TranspiledCircuit, transpile};
use crate::noise::{NoiseModel, Program, Step};
use crate::sim::derived::prepare;
use crate::sim::mitigate::all_twirled;
use crate::sim::{Error, Prepared, SimError, Simulator};

/// Classical registers up to this many bits are kept whole; of a wider one only the bits in use.
const WHOLE_BITS: usize = 16;

/// A circuit with what is measured of it.
#[derive(Clone, Debug, PartialEq)]
pub struct ObservedCircuit {
    /// The circuit; its first `inputs` slots differ by row.
    pub circuit: Circuit,
    /// Number of input slots.
    pub inputs: usize,
    /// Qubits of the circuit that are simulated even if nothing acts on them. They index outcomes: bit k is `qubits[k]`.
    pub qubits: Vec<usize>,
    /// What is measured; qubit k of an observable is `qubits[k]`.
    pub observables: Vec<Observable>,
}

impl ObservedCircuit {
    /// Qubits of the circuit that are read at its end without a measurement of its own: those of the observables. If there
    /// are none, those that index outcomes, unless the circuit measures.
    pub fn read(&self) -> Vec<usize> {
        if self.observables.is_empty() {
            let measures =
                self.circuit.ops().iter().any(|op| op.written_bit().is_some_and(|bit| bit < self.circuit.bits()));
            return if measures { Vec::new() } else { self.qubits.clone() };
        }
        let support: BTreeSet<usize> = self.observables.iter().flat_map(Observable::support).collect();
        support.into_iter().filter_map(|k| self.qubits.get(k).copied()).collect()
    }
}

impl From<&Ansatz> for ObservedCircuit {
    fn from(ansatz: &Ansatz) -> Self {
        let Ansatz { circuit, inputs, observables, .. } = ansatz.clone();
        Self { qubits: (0..circuit.qubits()).collect(), circuit, inputs, observables }
    }
}

/// A circuit ready to run: transpiled if it runs on a device, with its noise, prepared on an engine.
#[derive(Clone)]
pub struct Execution {
    /// The circuit in the gates of the device; `None` if it was not transpiled.
    pub transpiled: Option<Arc<TranspiledCircuit>>,
    /// The circuit with its noise.
    pub program: Arc<Program>,
    /// What is measured, on the program's qubits.
    pub observables: Arc<[Observable]>,
    /// The engine, with shots and mitigation.
    pub simulator: Arc<dyn Simulator>,
    /// Number of input slots.
    pub inputs: usize,
    /// The program on the engine.
    pub prepared: Arc<dyn Prepared>,
    /// Position in the program's register of each qubit that indexes outcomes.
    pub positions: Arc<[usize]>,
    /// Classical bits of the circuit that index outcomes, ascending; empty if it does not measure.
    pub bits: Arc<[usize]>,
}

impl Execution {
    /// `observables` of a program that was put together by hand, whose first `inputs` slots differ by row, on
    /// `simulator`. All qubits index outcomes.
    ///
    /// # Errors
    /// If the engine refuses the program.
    pub fn new(
        program: Program,
        observables: Vec<Observable>,
        inputs: usize,
        simulator: Arc<dyn Simulator>,
    ) -> Result<Self, SimError> {
        let positions = (0..program.qubits()).collect();
        let bits = bits_of(&program);
        let compiled = CompiledProgram { transpiled: None, program: Arc::new(program), positions, bits };
        compiled.on(observables, inputs, simulator)
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
    ) -> Result<Self, Error> {
        let options = TranspileOptions { read: ObservedCircuit::from(ansatz).read(), ..TranspileOptions::default() };
        let target = Target::of(device);
        let transpiled = transpile(&ansatz.circuit, &target, &options)?;
        let mut program = model.apply(&transpiled.circuit, device, &transpiled.final_layout)?;
        add_notices(&mut program, device, Some(&target));
        let compiled = CompiledProgram::new(program, &transpiled.final_layout.clone(), Some(Arc::new(transpiled)));
        Ok(compiled.on(compiled.relabel(&ansatz.observables)?, ansatz.inputs, simulator)?)
    }

    /// The same run with another engine.
    ///
    /// # Errors
    /// If the engine refuses the program.
    pub fn with_simulator(&self, simulator: Arc<dyn Simulator>) -> Result<Self, SimError> {
        let prepared = prepare(&*simulator, &self.program, &self.observables, self.inputs)?;
        Ok(Self { simulator, prepared, ..self.clone() })
    }

    /// The program prepared for rows that differ in the first `inputs` slots.
    ///
    /// # Errors
    /// If the engine refuses the program.
    pub fn for_inputs(&self, inputs: usize) -> Result<Arc<dyn Prepared>, SimError> {
        prepare(&*self.simulator, &self.program, &self.observables, inputs)
    }

    /// The same run with other observables, on the program's qubits.
    ///
    /// # Errors
    /// If one reaches past the register, or the engine refuses it.
    pub fn with_observables(&self, observables: Vec<Observable>) -> Result<Self, SimError> {
        let prepared = prepare(&*self.simulator, &self.program, &observables, self.inputs)?;
        Ok(Self { observables: observables.into(), prepared, ..self.clone() })
    }

    /// What the noise model repaired or could not use, one sentence each.
    pub fn notices(&self) -> &[String] {
        &self.program.notices
    }

    /// Name of the engine that runs a batch of so many rows.
    pub fn engine(&self, batch: usize) -> String {
        self.prepared.resolved_name(batch)
    }
}

/// A circuit with its noise, before it is prepared on an engine.
pub struct CompiledProgram {
    transpiled: Option<Arc<TranspiledCircuit>>,
    pub program: Arc<Program>,
    positions: Arc<[usize]>,
    bits: Arc<[usize]>,
}

impl CompiledProgram {
    /// `ends` are the qubits on which the qubits that index outcomes end.
    pub fn new(program: Program, ends: &[usize], transpiled: Option<Arc<TranspiledCircuit>>) -> Self {
        let position = |end| program.active.binary_search(end).expect("qubits that are kept stay in the program");
        let positions = ends.iter().map(position).collect();
        let (program, bits) = with_outcome_bits(program);
        Self { transpiled, program: Arc::new(program), positions, bits }
    }

    /// Observables of the qubits that index outcomes, on the program's qubits.
    pub fn relabel(&self, observables: &[Observable]) -> Result<Vec<Observable>, SimError> {
        let qubits = self.positions.len();
        let relabel = |observable: &Observable| match observable.width() > qubits {
            true => Err(SimError::ObservableOutOfRange { observable: observable.to_string(), qubits }),
            false => Ok(observable.relabel(&self.positions)),
        };
        observables.iter().map(relabel).collect()
    }

    pub fn on(
        &self,
        observables: Vec<Observable>,
        inputs: usize,
        simulator: Arc<dyn Simulator>,
    ) -> Result<Execution, SimError> {
        Ok(Execution {
            prepared: prepare(&*simulator, &self.program, &observables, inputs)?,
            transpiled: self.transpiled.clone(),
            program: Arc::clone(&self.program),
            observables: observables.into(),
            simulator,
            inputs,
            positions: Arc::clone(&self.positions),
            bits: Arc::clone(&self.bits),
        })
    }
}

/// What was repaired in reading the device and in weighing its parts, before what its noise model repaired.
pub fn add_notices(program: &mut Program, device: &Device, target: Option<&Target>) {
    let earlier = device.notices.iter().chain(target.into_iter().flat_map(|target| &target.notices)).cloned();
    program.notices.splice(0..0, earlier.collect::<Vec<_>>());
}

/// The program with its noise twirled, which its notices say.
pub(crate) fn with_twirled_noise(program: &Program) -> Program {
    let mut twirled = all_twirled(program);
    let channels = program.steps.iter().filter(|step| matches!(step, Step::Noise { .. })).count();
    twirled.notices.push(format!("{channels} noise channels were replaced by their Pauli twirls"));
    twirled
}

/// A program whose classical register can index outcomes, and the circuit's bits in it, ascending; none if it does not
/// measure.
pub(crate) fn with_outcome_bits(program: Program) -> (Program, Arc<[usize]>) {
    match bits_of(&program) {
        bits if bits.len() <= WHOLE_BITS && program.bits <= 60 => (program, bits),
        _ => {
            let (program, bits) = program.with_used_bits();
            (program, bits.into())
        }
    }
}

/// All classical bits of a program that measures; none of one that does not.
fn bits_of(program: &Program) -> Arc<[usize]> {
    (0..if program.measures() { program.outcome_bits() } else { 0 }).collect()
}
