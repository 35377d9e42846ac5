//! `qgraft bench noisy`: a circuit under the noise of a file, to outcome probabilities.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::ValueEnum;

use super::{Outcome, Setting, outcomes_checksum, stem, timed};
use crate::cli::circuit_file::ReadArguments;
use crate::math::input;
use crate::noise::NoiseList;
use crate::sim::{Angles, EngineOptions, Precision, engine};

/// A circuit under listed noise, from the zero state to the probabilities of outcomes, before readout error.
#[derive(clap::Args)]
pub struct Arguments {
    /// OpenQASM 2 or 3, or circuit JSON.
    #[arg(long, value_name = "FILE")]
    circuit: PathBuf,
    /// The noise after each gate, JSON: {"channels": {"cx 0 1": {"depol": λ, "relax": [[T1, T2, t], …]}}}.
    #[arg(long, value_name = "FILE")]
    noise: PathBuf,
    /// density: exact probabilities; trajectory: frequencies of outcomes, one a shot.
    #[arg(long, value_name = "ENGINE")]
    engine: Engine,
    /// Shots of the trajectory engine.
    #[arg(long, value_name = "N", default_value_t = 1024)]
    shots: usize,
    /// Seed of the trajectory engine.
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
    /// Width of the numbers, double or single.
    #[arg(long, value_name = "P", default_value = "double")]
    precision: Precision,
    #[command(flatten)]
    reading: ReadArguments,
    #[command(flatten)]
    pub setting: Setting,
}

#[derive(Clone, Copy, ValueEnum)]
enum Engine {
    Density,
    Trajectory,
}

/// Times it.
pub fn run(arguments: &Arguments, budget: Duration) -> Result<Outcome> {
    let circuit = arguments.reading.read(&arguments.circuit, None)?;
    let named = || arguments.noise.display().to_string();
    let text = input::read_text(&arguments.noise, input::LARGEST_TEXT).with_context(named)?;
    let noise = NoiseList::from_json(&text).with_context(named)?;
    let program = noise.apply(&circuit, &Vec::from_iter(0..circuit.qubits()));
    let angles = Angles::of_weights(&[]);
    let &Arguments { shots, seed, precision, .. } = arguments;
    let name = match arguments.engine {
        Engine::Density => "density",
        Engine::Trajectory => "trajectory",
    };
    let engine = engine(name, EngineOptions { precision, shots, seed, ..EngineOptions::default() })?;
    let named = || arguments.circuit.display().to_string();
    let prepared = engine.prepare(&program, &[], 0).with_context(named)?;
    let (probabilities, seconds) = timed(budget, || match arguments.engine {
        Engine::Density => Ok(prepared.probabilities(angles)?),
        Engine::Trajectory => {
            let counts = prepared.sample(angles, shots, seed)?;
            Ok(counts.mapv(|count| count as f64 / shots.max(1) as f64))
        }
    })
    .with_context(named)?;
    Ok(Outcome {
        case: format!("{}_{name}", stem(&arguments.circuit)),
        qubits: circuit.qubits(),
        checksum: outcomes_checksum(probabilities.iter().copied()),
        precision: engine.precision(),
        seconds,
    })
}
