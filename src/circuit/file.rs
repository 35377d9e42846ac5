//! Circuits from files.

use std::path::{Path, PathBuf};

use crate::circuit::qasm::{QasmError, ReadOptions, Reading, read_with_notices};
use crate::circuit::{Circuit, CircuitError, OpKind};
use crate::math::input;

/// A circuit file that cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the message names every field")]
pub enum CircuitFileError {
    /// A file that cannot be opened or is not text.
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    /// A text that is not OpenQASM 2 or 3. [`QasmError::report`] underlines the position.
    #[error(transparent)]
    Qasm(#[from] QasmError),
    /// A text that is not circuit JSON.
    #[error("{}: {source}", path.display())]
    Json { path: PathBuf, source: CircuitError },
    /// Circuit JSON with values for inputs, or with functions.
    #[error("{}: circuit JSON declares no inputs and no functions, but {input} is given; leave it out", path.display())]
    NoInputs { path: PathBuf, input: String },
}

impl Circuit {
    /// The circuit of a file: OpenQASM 2 or 3, or circuit JSON if the name ends in `.json` or the text begins with `{`.
    ///
    /// ```
    /// use qgraft::circuit::Circuit;
    /// let circuit = Circuit::open("circuits/ghz.qasm")?;
    /// assert!(circuit.qubits() > 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the file cannot be read or is not a circuit.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, CircuitFileError> {
        Self::open_with(path, &ReadOptions::default()).map(|reading| reading.circuit)
    }

    /// As [`Circuit::open`], with options for OpenQASM (the name of the text is the path), the names of registers and what
    /// the reader skipped.
    ///
    /// # Errors
    /// As [`Circuit::open`].
    pub fn open_with(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Reading, CircuitFileError> {
        let path = path.as_ref();
        let failed = |source| CircuitFileError::Io { path: path.into(), source };
        let text = input::read_text(path, options.max_bytes.min(u32::MAX as usize) as u64).map_err(failed)?;
        if path.extension().is_some_and(|ending| ending == "json") || text.trim_start().starts_with('{') {
            if let Some(input) = options.inputs.first().map(|(name, _)| name).or(options.externs.first()) {
                return Err(CircuitFileError::NoInputs { path: path.into(), input: input.clone() });
            }
            let circuit = Self::from_json(&text);
            let circuit = circuit.map_err(|source| CircuitFileError::Json { path: path.into(), source })?;
            return Ok(Reading { circuit, registers: Vec::new(), notices: Vec::new() });
        }
        let options = ReadOptions { name: path.display().to_string(), ..options.clone() };
        Ok(read_with_notices(&text, &options)?)
    }

    /// The circuit without its final measurements, barriers and delays, on no classical bits: what expectation values and
    /// gradients are computed of. Slots stay.
    ///
    /// ```
    /// use qgraft::circuit::{Circuit, Gate};
    /// let mut circuit = Circuit::with_bits(1, 1);
    /// circuit.push(Gate::H, &[0], &[])?.measure(0, 0)?;
    /// assert_eq!(circuit.without_measurements()?.ops().len(), 1);
    /// # Ok::<(), qgraft::circuit::CircuitError>(())
    /// ```
    ///
    /// # Errors
    /// If it resets a qubit, acts under a condition, or acts on a qubit after measuring it. The message names the
    /// operation.
    pub fn without_measurements(&self) -> Result<Self, CircuitError> {
        let mut unitary = Self::new(self.qubits());
        unitary.copy_slots(self);
        let mut measured = vec![false; self.qubits()];
        for op in self.ops() {
            let refuse = |reason: String| Err(CircuitError::NotUnitaryCircuit { op: op.name(), reason });
            if op.condition.is_some() {
                return refuse("acts under a condition".into());
            }
            match op.kind {
                OpKind::Barrier | OpKind::Delay(_) | OpKind::Assign { .. } => {}
                OpKind::Measure { .. } => measured[op.qubits[0]] = true,
                OpKind::Reset => return refuse(format!("acts on qubit {}", op.qubits[0])),
                _ => match op.qubits.iter().find(|&&qubit| measured[qubit]) {
                    Some(qubit) => return refuse(format!("follows the measurement of qubit {qubit}")),
                    None => drop(unitary.append(op.clone())?),
                },
            }
        }
        Ok(unitary)
    }
}
