//! `qgraft export RUN_DIR`: a trained circuit as OpenQASM.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::circuit::qasm::{WriteOptions, write2, write3};
use crate::cli::circuit_file;
use crate::cli::progress::{Bar, catch_interrupts};
use crate::device::transpile::{TranspileOptions, transpile};
use crate::device::{Device, Target};
use crate::study::Observer;
use crate::systems::saved_head::{HeadQuery, SavedHead};

/// Exports the trained circuit of a run folder as OpenQASM, every qubit measured.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  qgraft export runs/qtl-1 --format qasm3 -o head.qasm                     features stay `input float`
  qgraft export runs/qtl-1 --format qasm2 --sample 7 -o row7.qasm          bound to evaluated row 7
  qgraft export runs/qtl-1 --format qasm3 --device torino -o torino.qasm   native gates on physical qubits")]
pub struct Arguments {
    /// The folder of a `qgraft run qtl`.
    folder: PathBuf,
    /// Which head of the run; the best on validation rows by default.
    #[arg(long, value_name = "NAME")]
    head: Option<String>,
    /// Which seed of it; the best on validation rows by default.
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// OpenQASM 2 has numbers only, so it needs --sample.
    #[arg(long, value_name = "FORMAT")]
    format: Format,
    /// Bind the input angles of this evaluated row, counted from 0 as in predictions.csv.
    #[arg(long, value_name = "I")]
    sample: Option<usize>,
    /// Rewrite the circuit for this device: a name (see `qgraft list devices`) or a file.
    #[arg(long, value_name = "NAME|FILE")]
    device: Option<String>,
    /// Effort of that rewriting, 0 to 3.
    #[arg(long, value_name = "LEVEL", default_value_t = 3, requires = "device")]
    level: u8,
    /// Where to write; stdout by default.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Folder of cached features, for --sample.
    #[arg(long, value_name = "DIR", default_value = ".qgraft-cache")]
    cache: PathBuf,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Format {
    Qasm2,
    Qasm3,
}

/// Exports the circuit.
pub fn run(arguments: &Arguments) -> Result<()> {
    if arguments.format == Format::Qasm2 && arguments.sample.is_none() {
        bail!("OpenQASM 2 cannot keep the features open: bind a row with --sample I, or use --format qasm3");
    }
    let query = HeadQuery { label: arguments.head.as_deref(), seed: arguments.seed, with_circuit: true };
    let saved = SavedHead::read(&arguments.folder, &query)?;
    eprintln!("{}", saved.title());
    let mut circuit = saved.head.circuit()?;
    circuit.measure_all()?;
    if let Some(name) = &arguments.device {
        let target = Target::of(&Device::load(name)?);
        let transpiled =
            transpile(&circuit, &target, &TranspileOptions { level: arguments.level, ..TranspileOptions::default() })
                .with_context(|| format!("rewriting for {name}"))?;
        let layout = transpiled.final_layout.iter().enumerate().map(|(k, physical)| format!("{k} on {physical}"));
        eprintln!(
            "{name}: {} two-qubit gates, depth {}; qubits measured: {}",
            transpiled.two_qubit_gates,
            transpiled.depth,
            layout.collect::<Vec<_>>().join(", ")
        );
        circuit = transpiled.circuit;
    }
    if let Some(sample) = arguments.sample {
        catch_interrupts();
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let bar = Bar::new();
        let angles = saved.angles_of(sample, (&arguments.cache, threads), &bar);
        bar.done();
        circuit = circuit.bind(&angles?)?;
    }
    let text = match arguments.format {
        Format::Qasm2 => write2(&circuit)?,
        Format::Qasm3 => write3(&circuit, &WriteOptions { physical_qubits: arguments.device.is_some() }),
    };
    circuit_file::write(arguments.output.as_deref(), &text)
}
