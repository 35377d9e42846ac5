//! Circuits from files: OpenQASM 2 or 3, or our own JSON by its name.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use clap::ValueEnum;

use crate::circuit::qasm::{ReadOptions, WriteOptions, write2, write3};
use crate::circuit::{Circuit, CircuitFileError};
use crate::cli::note;
use crate::data::write_file;
use crate::math::Seconds;

/// Notices that are shown. A file of another tool can have one for each gate.
const NOTICES: usize = 20;

/// Reads a circuit; what the reader skipped is reported on stderr. `include` are folders searched for included files;
/// `cycle` is the time step of the device in use, in which delays may be written as `dt`.
pub fn read(path: &Path, include: &[PathBuf], cycle: Option<Seconds>) -> Result<Circuit> {
    read_given(path, include, &[], cycle)
}

/// As [`read`], with values for inputs by name.
pub fn read_given(
    path: &Path,
    include: &[PathBuf],
    inputs: &[(String, String)],
    cycle: Option<Seconds>,
) -> Result<Circuit> {
    read_with(path, ReadOptions { include: include.to_vec(), inputs: inputs.to_vec(), cycle, ..ReadOptions::default() })
}

/// `NAME=VALUE`.
pub fn input(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().into(), value.trim().into())),
        _ => Err("expected NAME=VALUE, as in n=3".into()),
    }
}

fn read_with(path: &Path, options: ReadOptions) -> Result<Circuit> {
    let (circuit, notices) = Circuit::open_with(path, &options).map_err(|error| match error {
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
    Ok(circuit)
}

/// The formats circuits are written in.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Qasm2,
    Qasm3,
    Json,
}

impl Format {
    /// The circuit in this format. `options` are those of OpenQASM 3.
    pub fn text(self, circuit: &Circuit, options: &WriteOptions) -> Result<String> {
        Ok(match self {
            Self::Qasm2 => write2(circuit)?,
            Self::Qasm3 => write3(circuit, options),
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
