//! `qgraft bench sv`: a circuit from the zero state to its final state.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use ndarray::{Array1, Array2};

use super::{Outcome, Setting, outcomes_checksum, stem, timed};
use crate::cli::circuit_file;
use crate::noise::Program;
use crate::sim::{Angles, Precision, Simulator, Statevector};

/// A circuit from the zero state to its final state vector.
#[derive(clap::Args)]
pub struct Arguments {
    /// OpenQASM 2 or 3, or circuit JSON.
    #[arg(long, value_name = "FILE")]
    circuit: PathBuf,
    /// Width of numbers; the line says what truly ran.
    #[arg(long, value_name = "P", default_value = "double")]
    precision: Precision,
    #[command(flatten)]
    pub setting: Setting,
}

/// Times it.
pub fn run(arguments: &Arguments, budget: Duration) -> Result<Outcome> {
    let circuit = circuit_file::read(&arguments.circuit, &[])?;
    let program = Program::ideal(&circuit, &Vec::from_iter(0..circuit.qubits()));
    let engine = Statevector::default();
    let (rows, shared) = (Array2::zeros((1, 0)), Array1::zeros(0));
    let angles = Angles { rows: rows.view(), shared: shared.view() };
    let (states, seconds) = timed(budget, || Ok(engine.states(&program, angles)?))
        .with_context(|| arguments.circuit.display().to_string())?;
    Ok(Outcome {
        case: stem(&arguments.circuit),
        qubits: circuit.qubits(),
        checksum: outcomes_checksum(states.iter().map(|z| z.norm_sqr())),
        precision: engine.precision(),
        seconds,
    })
}
