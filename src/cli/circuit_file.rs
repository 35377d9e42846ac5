//! Circuits from files: OpenQASM 2 or 3, or our own JSON by its name.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use clap::ValueEnum;

use crate::circuit::qasm::{OperationTimes, OutcomeRegister, ReadOptions, Reading, WriteOptions, write2, write3};
use crate::circuit::{Circuit, CircuitFileError};
use crate::cli::note;
use crate::data::write_file;
use crate::device::{Device, DeviceTimes, LayoutMethod};

/// Notices that are shown. A file of another tool can have one for each gate.
const NOTICES: usize = 20;

/// How a circuit file is read: options of every command that reads one.
#[derive(clap::Args, Default)]
pub struct ReadArguments {
    /// Folder searched for the files that an OpenQASM file includes.
    #[arg(long, value_name = "DIR")]
    include: Vec<PathBuf>,
    /// A value for an input of an OpenQASM 3 file; inputs of type float and angle need none.
    #[arg(long = "input", value_name = "NAME=VALUE", value_parser = input)]
    inputs: Vec<(String, String)>,
    /// What a function that an OpenQASM 3 file declares as extern computes, as in "vote(a)=popcount(a)>1".
    #[arg(long = "extern", value_name = "F(A,…)=EXPRESSION")]
    externs: Vec<String>,
}

impl ReadArguments {
    /// Whether none of the options is given.
    pub fn is_empty(&self) -> bool {
        self.include.is_empty() && self.inputs.is_empty() && self.externs.is_empty()
    }

    /// Reads a circuit; what the reader skipped is reported on stderr. `device` is the one in use, and where qubits start on
    /// it: delays may be written in its time steps, and its times resolve stretches.
    pub fn read(&self, path: &Path, device: Option<(&Device, LayoutMethod)>) -> Result<Circuit> {
        self.read_registers(path, device).map(|(circuit, _)| circuit)
    }

    /// The same with the names of the registers that make up an outcome.
    pub fn read_registers(
        &self,
        path: &Path,
        device: Option<(&Device, LayoutMethod)>,
    ) -> Result<(Circuit, Vec<OutcomeRegister>)> {
        let cycle = device.as_ref().and_then(|(device, _)| device.dt);
        let times =
            device.map(|(device, layout)| -> Arc<dyn OperationTimes> { Arc::new(DeviceTimes::of(device, layout)) });
        let (include, inputs, externs) = (self.include.clone(), self.inputs.clone(), self.externs.clone());
        let given = ReadOptions { include, inputs, externs, ..ReadOptions::default() };
        let options = ReadOptions { cycle, times, rounds_divisions: true, ..given };
        let Reading { circuit, registers, notices } =
            Circuit::open_with(path, &options).map_err(|error| match error {
                // The report underlines the position in the source. The error alone would only name it.
                CircuitFileError::Qasm(error) => anyhow!("{}", error.report()),
                error => error.into(),
            })?;
        for notice in notices.iter().take(NOTICES) {
            note(format_args!("{}:{}: {}", path.display(), notice.line, notice.message));
        }
        if notices.len() > NOTICES {
            note(format_args!("{}: {} further notices", path.display(), notices.len() - NOTICES));
        }
        Ok((circuit, registers))
    }
}

/// `NAME=VALUE`.
fn input(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().into(), value.trim().into())),
        _ => Err("expected NAME=VALUE, as in n=3".into()),
    }
}

/// The formats circuits are written in.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// OpenQASM 2.
    Qasm2,
    /// OpenQASM 3.
    Qasm3,
    /// OpenQASM 3 without what qiskit-qasm3-import lacks: assignments measure two further qubits.
    Qasm3Qiskit,
    /// The circuit JSON of this program.
    Json,
}

impl Format {
    /// The circuit in this format. `options` are those of OpenQASM 3.
    pub fn text(self, circuit: &Circuit, options: &WriteOptions) -> Result<String> {
        Ok(match self {
            Self::Qasm2 => write2(circuit)?,
            Self::Qasm3 => write3(circuit, options),
            Self::Qasm3Qiskit => write3(circuit, &WriteOptions { for_qiskit: true, ..*options }),
            Self::Json => circuit.to_json() + "\n",
        })
    }
}

/// Writes `text` to `path`, or to stdout without one.
pub fn write(path: Option<&Path>, text: &str) -> Result<()> {
    write_bytes(path.unwrap_or(Path::new("-")), text.as_bytes())
}

/// Writes `bytes` to `path` as [`write_file`] does; `-` is stdout.
pub fn write_bytes(path: &Path, bytes: &[u8]) -> Result<()> {
    if [Path::new("-"), Path::new("/dev/stdout")].contains(&path) {
        let mut stdout = std::io::stdout().lock();
        stdout.write_all(bytes)?;
        return Ok(stdout.flush()?);
    }
    write_file(path, bytes).with_context(|| path.display().to_string())
}
