//! `qgraft draw FILE`: a circuit as text, or as SVG.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::circuit::draw;
use crate::cli::circuit_file::{self, ReadArguments};
use crate::cli::console;

/// Draws a circuit in the terminal, qubit 0 on top, or as SVG.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  qgraft draw circuits/ghz.qasm
  qgraft draw runs/qtl-1/circuit.json --svg circuit.svg")]
pub struct Arguments {
    /// OpenQASM 2 or 3, or circuit JSON.
    file: PathBuf,
    /// Write an SVG file instead.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Width of the text, characters; longer circuits continue below.
    #[arg(long, value_name = "N", default_value_t = 100)]
    width: usize,
    #[command(flatten)]
    reading: ReadArguments,
}

/// Draws the circuit.
pub fn run(arguments: &Arguments) -> Result<()> {
    let circuit = arguments.reading.read(&arguments.file, None)?;
    draw::check(&circuit).with_context(|| arguments.file.display().to_string())?;
    match &arguments.svg {
        Some(path) => circuit_file::write(Some(path), &draw::svg(&circuit)),
        None => Ok(console::print(&draw::text(&circuit, arguments.width))?),
    }
}
