//! Circuits from files: OpenQASM 2 or 3, or our own JSON by its name.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use clap::ValueEnum;

use crate::circuit::qasm::{ReadOptions, WriteOptions, write2, write3};
use crate::circuit::{Circuit, CircuitFileError};
use crate::math::Seconds;

/// Reads a circuit; what the reader skipped is reported on stderr. `include` are folders searched for included files;
/// `cycle` is the time step of the device in use, in which delays may be written as `dt`.
pub fn read(path: &Path, include: &[PathBuf], cycle: Option<Seconds>) -> Result<Circuit> {
    read_with(path, ReadOptions { include: include.to_vec(), cycle, ..ReadOptions::default() })
}

fn read_with(path: &Path, options: ReadOptions) -> Result<Circuit> {
    let (circuit, notices) = Circuit::open_with(path, &options).map_err(|error| match error {
        // The report underlines the position in the source. The error alone would only name it.
        CircuitFileError::Qasm(error) => anyhow!("{}", error.report()),
        error => error.into(),
    })?;
    for notice in &notices {
        eprintln!("{}:{}: {}", path.display(), notice.line, notice.message);
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

/// Writes `text` to `path` as a whole, or to stdout without one.
pub fn write(path: Option<&Path>, text: &str) -> Result<()> {
    let Some(path) = path else {
        std::io::stdout().lock().write_all(text.as_bytes())?;
        return Ok(());
    };
    write_bytes(path, text.as_bytes())
}

/// Writes `bytes` to `path` as a whole.
pub fn write_bytes(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = || path.display().to_string();
    let mut file = tempfile::NamedTempFile::new_in(folder).with_context(name)?;
    file.write_all(bytes).with_context(name)?;
    file.persist(path).map_err(|e| e.error).with_context(name)?;
    Ok(())
}
