//! `qgraft bench sv`: a circuit from the zero state to its final state.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};

use super::{Outcome, Setting, outcomes_checksum, stem, timed};
use crate::cli::circuit_file::ReadArguments;
use crate::noise::Program;
use crate::sim::{Precision, Simulator, Statevector};

/// A circuit from the zero state to its final state vector.
#[derive(clap::Args)]
pub struct Arguments {
    /// OpenQASM 2 or 3, or circuit JSON.
    #[arg(long, value_name = "FILE")]
    circuit: PathBuf,
    /// Width of the numbers, double or single.
    #[arg(long, value_name = "P", default_value = "double")]
    precision: Precision,
    #[command(flatten)]
    reading: ReadArguments,
    #[command(flatten)]
    pub setting: Setting,
}

/// Times it.
pub fn run(arguments: &Arguments, budget: Duration) -> Result<Outcome> {
    let circuit = arguments.reading.read(&arguments.circuit, None)?;
    let program = Program::ideal(&circuit, &Vec::from_iter(0..circuit.qubits()));
    let engine = Statevector::new(arguments.precision);
    let named = || arguments.circuit.display().to_string();
    let mut runner = engine.runner(&program).with_context(named)?;
    let ((), seconds) = timed(budget, || Ok(runner.run(&[])?)).with_context(named)?;
    Ok(Outcome {
        case: stem(&arguments.circuit),
        qubits: circuit.qubits(),
        checksum: outcomes_checksum(runner.probabilities()),
        precision: engine.precision(),
        seconds,
    })
}
