//! `qgraft convert FILE`: a circuit from one format to another.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::circuit::qasm::{WriteOptions, write2, write3};
use crate::cli::circuit_file;

/// Converts a circuit between OpenQASM 2, OpenQASM 3 and circuit JSON.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  qgraft convert circuits/qft.qasm --to qasm3 -o qft3.qasm
  qgraft convert circuit3.qasm --to json")]
pub struct Arguments {
    /// OpenQASM 2 or 3, or circuit JSON.
    file: PathBuf,
    /// The format to write.
    #[arg(long, value_name = "FORMAT", default_value = "qasm3")]
    to: Format,
    /// Where to write; stdout by default.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Folder searched for included files.
    #[arg(long, value_name = "DIR")]
    include: Vec<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Qasm2,
    Qasm3,
    Json,
}

/// Converts the circuit.
pub fn run(arguments: &Arguments) -> Result<()> {
    let circuit = circuit_file::read(&arguments.file, &arguments.include)?;
    let text = match arguments.to {
        Format::Qasm2 => write2(&circuit).with_context(|| arguments.file.display().to_string())?,
        Format::Qasm3 => write3(&circuit, &WriteOptions::default()),
        Format::Json => circuit.to_json() + "\n",
    };
    circuit_file::write(arguments.output.as_deref(), &text)
}
