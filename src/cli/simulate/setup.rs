//! From a file to a program, and what its qubits and bits are called in the file.

use anyhow::{Context, Result, ensure};

use super::Arguments;
use crate::circuit::{Circuit, Observable};
use crate::cli::circuit_file;
use crate::device::{Device, Target, TranspileOptions, transpile};
use crate::noise::{NoiseModel, Program, Step};

/// A register up to this many qubits is simulated as a whole, so that indices mean what they seem to; of a wider one only
/// the qubits that something acts on.
const WHOLE_QUBITS: usize = 10;
/// The same for classical bits, which cost less.
const WHOLE_BITS: usize = 16;

/// A program and the names of its parts.
pub struct Setup {
    /// The circuit with its noise, all angles bound.
    pub program: Program,
    /// Qubits of the file that index outcomes and states: bit k is `qubits[k]`.
    pub qubits: Vec<usize>,
    /// The qubit of the program on which each of `qubits` ends.
    pub places: Vec<usize>,
    /// Classical bits of the file that index outcomes, empty if the circuit does not measure.
    pub bits: Vec<usize>,
    /// The width of the file's own register.
    pub width: usize,
    /// On the program's qubits.
    pub observables: Vec<Observable>,
}

impl Setup {
    /// Reads the circuit, and the device if there is one.
    pub fn of(arguments: &Arguments) -> Result<Self> {
        let device = arguments.device.as_deref().map(Device::load).transpose()?;
        let cycle = device.as_ref().and_then(|device| device.dt);
        let file = || arguments.file.display().to_string();
        let circuit =
            bound(&circuit_file::read_timed(&arguments.file, cycle)?, &arguments.angles).with_context(file)?;
        let mut wanted = arguments.keep.clone();
        for text in &arguments.observable {
            wanted.extend(Observable::qubits_named(text)?);
        }
        let width = circuit.qubits();
        if let Some(qubit) = wanted.iter().find(|&&qubit| qubit >= width) {
            anyhow::bail!("{}: there is no qubit {qubit}; the circuit has {width}", file());
        }
        // Without transpiling, qubit k of the circuit must be one of the device.
        let room = device.as_ref().filter(|_| !arguments.transpile).map_or(width, |d| d.calibration.qubits.len());
        let qubits = match width {
            0..=WHOLE_QUBITS if width <= room => (0..width).collect(),
            _ => Program::ideal(&circuit, &wanted).active,
        };
        let (program, ends) = compile(arguments, circuit, device.as_ref(), &qubits).with_context(file)?;
        let places: Vec<usize> = ends
            .iter()
            .map(|end| program.active.binary_search(end).expect("qubits that are kept stay in the program"))
            .collect();
        let observables = arguments.observable.iter().map(|text| {
            let read = Observable::read_on(text, &qubits)?;
            Ok(read.relabel(&places))
        });
        let observables = observables.collect::<Result<_>>()?;
        let measures = program.steps.iter().any(|step| matches!(step, Step::Measure { .. }));
        let (program, bits) = match program.bits {
            _ if !measures => (program, Vec::new()),
            bits @ 0..=WHOLE_BITS => (program, (0..bits).collect()),
            _ => program.with_used_bits(),
        };
        Ok(Self { program, qubits, places, bits, width, observables })
    }

    /// Where the listed qubits of the file are in the program.
    pub fn places_of(&self, listed: &[usize]) -> Result<Vec<usize>> {
        for (k, qubit) in listed.iter().enumerate() {
            ensure!(!listed[..k].contains(qubit), "--keep lists qubit {qubit} twice");
        }
        let place = |qubit| self.qubits.iter().position(|q| q == qubit).map(|k| self.places[k]);
        Ok(listed.iter().map(|qubit| place(qubit).expect("kept qubits are among those simulated")).collect())
    }

    /// Qubits or classical bits that index outcomes, least significant first.
    pub fn outcome_bits(&self) -> &[usize] {
        if self.bits.is_empty() { &self.qubits } else { &self.bits }
    }
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

/// The program, and the circuit qubit on which each of `qubits` ends.
fn compile(
    arguments: &Arguments,
    circuit: Circuit,
    device: Option<&Device>,
    qubits: &[usize],
) -> Result<(Program, Vec<usize>)> {
    let Some(device) = device else { return Ok((Program::ideal(&circuit, qubits), qubits.to_vec())) };
    let model = NoiseModel::named(&arguments.model)?;
    if !arguments.transpile {
        return Ok((model.apply(&circuit, device, qubits)?, qubits.to_vec()));
    }
    // The highest level leaves out phases that measurements cannot see; a saved state shows them.
    let level = if arguments.save.is_some() { 2 } else { 3 };
    let options = TranspileOptions { level, seed: arguments.seed, ..TranspileOptions::default() };
    let transpiled = transpile(&circuit, &Target::of(device), &options)?;
    let ends: Vec<usize> = qubits.iter().map(|&q| transpiled.final_layout[q]).collect();
    Ok((model.apply(&transpiled.circuit, device, &ends)?, ends))
}
