//! `qgraft convert FILE`: a circuit from one format to another.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::circuit::qasm::WriteOptions;
use crate::cli::circuit_file::{self, Format, ReadArguments};
use crate::cli::note;

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
    /// Where to write; - is stdout, the default.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    reading: ReadArguments,
}

/// Converts the circuit.
pub fn run(arguments: &Arguments) -> Result<()> {
    let circuit = arguments.reading.read(&arguments.file, None)?;
    if arguments.to == Format::Qasm2 && !circuit.directives().is_empty() {
        note(format_args!(
            "{}: OpenQASM 2 has no annotations and pragmas; they are left out",
            arguments.file.display()
        ));
    }
    let text = arguments.to.text(&circuit, &WriteOptions::default());
    let text = text.with_context(|| arguments.file.display().to_string())?;
    circuit_file::write(arguments.output.as_deref(), &text)
}
