//! From a file to a program, and what its qubits and bits are called in the file.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};

use super::Arguments;
use crate::circuit::qasm::OutcomeRegister;
use crate::circuit::{Circuit, Observable};
use crate::device::{Device, LayoutMethod, TranspileOptions};
use crate::math::input;
use crate::noise::{NoiseList, Program};
use crate::sim::mitigate::{Apply, MitigationRow};
use crate::sim::{
    CompileOptions, Condition, EngineOptions, ObservedCircuit, compile, observed_qubits, with_outcome_bits,
    with_twirled_noise,
};

/// A program and the names of its parts.
pub struct Setup {
    /// The circuit with its noise, all angles bound.
    pub program: Arc<Program>,
    /// Qubits of the file that index outcomes and states: bit k is `qubits[k]`.
    pub qubits: Vec<usize>,
    /// The qubit of the program on which each of `qubits` ends.
    pub positions: Arc<[usize]>,
    /// Classical bits of the file that index outcomes, empty if the circuit does not measure.
    pub bits: Arc<[usize]>,
    /// What an outcome of classical bits consists of, as the file names it.
    pub registers: Vec<OutcomeRegister>,
    /// The width of the file's own register.
    pub width: usize,
    /// On the program's qubits.
    pub observables: Arc<[Observable]>,
}

impl Setup {
    /// Reads the circuit, and the device if there is one; a method of mitigation that changes circuits has changed it.
    pub fn of(arguments: &Arguments) -> Result<Self> {
        Self::under(arguments, arguments.changes_circuit())
    }

    /// The same with this method of mitigation in the circuit, or none.
    pub fn under(arguments: &Arguments, change: Option<&str>) -> Result<Self> {
        let device = arguments.device.as_deref().map(Device::load).transpose()?;
        // Without transpiling qubit k is the device's qubit k.
        let layout = if arguments.transpile { LayoutMethod::NoiseAware } else { LayoutMethod::Trivial };
        let placed = device.as_ref().map(|device| (device, layout));
        let file = || arguments.file.display().to_string();
        let (circuit, registers) = arguments.reading.read_registers(&arguments.file, placed)?;
        let circuit = bound(&circuit, &arguments.angles).with_context(file)?;
        let mut wanted = arguments.keep.clone();
        for text in &arguments.observable {
            wanted.extend(Observable::qubits_named(text)?);
        }
        let width = circuit.qubits();
        if let Some(qubit) = wanted.iter().find(|&&qubit| qubit >= width) {
            anyhow::bail!("{}: there is no qubit {qubit}; the circuit has {width}", file());
        }
        // Without transpiling, qubit k of the circuit must be one of the device.
        let available = device.as_ref().filter(|_| !arguments.transpile).map_or(width, |d| d.calibration.qubits.len());
        let qubits = observed_qubits(&circuit, &wanted, available);
        let read = |text: &String| Observable::read_on(text, &qubits);
        let observables: Vec<Observable> = arguments.observable.iter().map(read).collect::<Result<_, _>>()?;
        if let Some(path) = &arguments.noise {
            return Self::with_list((path, arguments.twirl), &circuit, registers, qubits, observables);
        }
        let observed = ObservedCircuit { circuit, inputs: 0, qubits: qubits.clone(), observables };
        let run = compile(&observed, &arguments.condition(change), &arguments.compile_options(), arguments.seed);
        let run = run.with_context(file)?;
        let (program, positions, bits, observables) = (run.program, run.positions, run.bits, run.observables);
        Ok(Self { program, qubits, positions, bits, registers, width, observables })
    }

    /// The circuit with the noise that the file at `path` lists, or with its twirl.
    fn with_list(
        (path, twirl): (&Path, bool),
        circuit: &Circuit,
        registers: Vec<OutcomeRegister>,
        qubits: Vec<usize>,
        observables: Vec<Observable>,
    ) -> Result<Self> {
        let file = || path.display().to_string();
        let list = NoiseList::from_json(&input::read_text(path, input::LARGEST_TEXT).with_context(file)?)
            .with_context(file)?;
        let program = list.apply(circuit, &qubits);
        let (program, bits) = with_outcome_bits(if twirl { with_twirled_noise(&program) } else { program });
        let position = |qubit| program.active.binary_search(qubit).expect("qubits that are kept stay in the program");
        let positions: Vec<usize> = qubits.iter().map(position).collect();
        let observables = observables.iter().map(|observable| observable.relabel(&positions)).collect();
        let width = circuit.qubits();
        let (program, positions) = (Arc::new(program), positions.into());
        Ok(Self { program, qubits, positions, bits, registers, width, observables })
    }

    /// The registers of the file, the lowest first, each with where an outcome, a bit string, has its digits: the highest bit
    /// first, `None` for bits that nothing is written to.
    pub fn digits(&self) -> impl Iterator<Item = (&OutcomeRegister, Vec<Option<usize>>)> {
        let last = self.bits.len().saturating_sub(1);
        // The bits are ascending, as registers are, and the string has the highest first.
        let digit = move |bit: usize| Some(last - self.bits.binary_search(&bit).ok()?);
        self.registers.iter().map(move |register| (register, register.bits.clone().rev().map(digit).collect()))
    }

    /// The digits of each register of the file in an outcome, a bit string, the lowest register first.
    pub fn by_register(&self, outcome: &str) -> impl Iterator<Item = String> {
        self.digits().map(move |(_, digits)| digits_at(outcome, &digits))
    }

    /// Where the listed qubits of the file are in the program.
    pub fn positions_of(&self, listed: &[usize]) -> Result<Vec<usize>> {
        for (k, qubit) in listed.iter().enumerate() {
            ensure!(!listed[..k].contains(qubit), "--keep lists qubit {qubit} twice");
        }
        let position = |qubit| self.qubits.iter().position(|q| q == qubit).map(|k| self.positions[k]);
        Ok(listed.iter().map(|qubit| position(qubit).expect("kept qubits are among those simulated")).collect())
    }

    /// Qubits or classical bits that index outcomes, least significant first.
    pub fn outcome_bits(&self) -> &[usize] {
        if self.bits.is_empty() { &self.qubits } else { &self.bits }
    }
}

/// The digits of a bit string at these places, 0 at none.
pub fn digits_at(outcome: &str, places: &[Option<usize>]) -> String {
    let outcome = outcome.as_bytes();
    let digits = places.iter().map(|place| place.map_or(b'0', |at| outcome[at]));
    String::from_utf8(digits.collect()).expect("0 and 1 are text")
}

/// The circuit with numbers in place of its open angles.
fn bound(circuit: &Circuit, angles: &[f64]) -> Result<Circuit> {
    ensure!(
        angles.len() == circuit.slots(),
        "the circuit has {} open angles ({}), {} were given; use --angles",
        circuit.slots(),
        circuit.slot_names().join(", "),
        angles.len()
    );
    Ok(circuit.bind(angles)?)
}

impl Arguments {
    /// The method of mitigation that changes the circuit; the others wrap engines.
    pub fn changes_circuit(&self) -> Option<&str> {
        let changes =
            |name: &&String| MitigationRow::named(name).is_ok_and(|row| matches!(row.apply, Apply::Circuit(_)));
        self.mitigation.iter().find(changes).map(String::as_str)
    }

    /// The device with its noise, exact: shots are drawn from its result.
    fn condition(&self, change: Option<&str>) -> Condition {
        let mitigation = change.map(String::from);
        Condition { device: self.device.clone(), model: self.model.clone(), mitigation, ..Condition::default() }
    }

    fn compile_options(&self) -> CompileOptions {
        // The highest level leaves out phases that measurements cannot see. A saved state shows them.
        let level = if self.save.is_some() { 2 } else { 3 };
        let options = TranspileOptions { level, seed: self.seed, ..TranspileOptions::default() };
        CompileOptions {
            engine: self.engine.clone(),
            precision: self.precision,
            trajectories: self.shots.unwrap_or(EngineOptions::default().shots),
            cut: self.cut(),
            bond: self.bond(),
            transpile: self.transpile.then_some(options),
            twirl: self.twirl,
            ..CompileOptions::default()
        }
    }
}
