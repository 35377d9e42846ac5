//! `qgraft export RUN`: a trained circuit as OpenQASM or as a folder for hardware, or a trained network as an ONNX file.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::circuit::qasm::{WriteOptions, write2, write3};
use crate::cli::circuit_file;
use crate::cli::predict::system_of;
use crate::cli::progress::{Bar, catch_interrupts};
use crate::cli::{note, quoted, threads};
use crate::device::TranspiledCircuit;
use crate::lab::{ModelChoice, SavedRun};
use crate::math::words::pluralise;
use crate::study::files::write_whole;
use crate::study::hardware::{HardwareJob, JobRows};
use crate::study::{Observer, StudyError};
use crate::systems::saved_head::SavedHead;

/// Exports the trained circuit of a run folder: as OpenQASM, every qubit measured, or with --rows as a folder for hardware.
/// Exports a trained network without a circuit as an ONNX file, its backbone included.
///
/// The folder holds a circuit for each measurement basis, a table of angles, and two Python programs: submit.py runs the
/// circuits with Qiskit Runtime, rebuild.py repeats the predictions without qgraft. `qgraft judge` reads the counts.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  qgraft export runs/qtl-1 --format qasm3 -o head.qasm                     features stay `input float`
  qgraft export runs/qtl-1 --format qasm2 --sample 7 -o row7.qasm          bound to evaluated row 7
  qgraft export runs/qtl-1 --format qasm3 --device torino -o torino.qasm   native gates on physical qubits
  qgraft export runs/qtl-1 --head mlp_b --format onnx -o flowers.onnx      pictures to probabilities, without a circuit
  qgraft export runs/rotation-1 --format onnx -o angle.onnx                pictures to the code of an angle
  qgraft export runs/qtl-1 --device torino --rows test -o jobs/            a folder for hardware
  qgraft export runs/qtl-1 --device torino --rows 0-9 --bound -o jobs/     and one bound circuit a row")]
pub struct Arguments {
    /// The folder of a run.
    folder: PathBuf,
    /// Which head of the run; the best on validation rows by default.
    #[arg(long, value_name = "NAME")]
    head: Option<String>,
    /// Which seed of it; the best on validation rows by default.
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// A level that tells the model from others of the run, such as readout=mlp; for onnx.
    #[arg(long, value_name = "FACTOR=LEVEL")]
    only: Vec<String>,
    /// OpenQASM 2 has numbers only, so it needs --sample. An ONNX file holds a network without a circuit.
    #[arg(long, value_name = "FORMAT", required_unless_present = "rows")]
    format: Option<Format>,
    /// Bind the input angles of this evaluated row, counted from 0 as in predictions.csv.
    #[arg(long, value_name = "I", conflicts_with = "rows")]
    sample: Option<usize>,
    /// Write a folder for hardware with the angles of these rows: test, validation, training, or numbers of test rows such
    /// as 0-9,12. Without test rows in the run, test means validation.
    #[arg(long, value_name = "ROWS", requires = "device", requires = "output", conflicts_with = "format")]
    rows: Option<String>,
    /// Also write one circuit for each row and basis, without open angles.
    #[arg(long, requires = "rows")]
    bound: bool,
    /// Rewrite the circuit for this device: a name (see `qgraft list devices`) or a file.
    #[arg(long, value_name = "NAME|FILE")]
    device: Option<String>,
    /// Where to write; - is stdout, the default.
    #[arg(short, long, value_name = "PATH")]
    output: Option<PathBuf>,
    /// Folder of cached features, for --sample and --rows.
    #[arg(long, value_name = "DIR", default_value = ".qgraft-cache")]
    cache: PathBuf,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Format {
    Qasm2,
    Qasm3,
    Onnx,
}

/// Exports the circuit.
pub fn run(arguments: &Arguments) -> Result<()> {
    if arguments.format == Some(Format::Qasm2) && arguments.sample.is_none() {
        bail!("OpenQASM 2 cannot keep the features open: bind a row with --sample I, or use --format qasm3");
    }
    let choice = ModelChoice { label: arguments.head.clone(), seed: arguments.seed, only: arguments.only.clone() };
    if arguments.format == Some(Format::Onnx) {
        return write_onnx(arguments, &choice);
    }
    let saved = SavedHead::with_circuit(&arguments.folder, &choice)?;
    note(format_args!("{}", saved.title()));
    let job = match &arguments.device {
        Some(device) => {
            let job = HardwareJob::new(&saved.head, (&saved.label, saved.seed), device, &saved.executions()?)?;
            describe(device, &job.transpiled);
            Some(job)
        }
        None => None,
    };
    if let (Some(job), Some(rows), Some(folder)) = (&job, &arguments.rows, &arguments.output) {
        return write_job(arguments, &saved, (job, rows), folder);
    }
    let mut circuit = match job.as_ref().map(|job| &job.circuits[..]) {
        Some([only]) => only.circuit.clone(),
        // Of several bases a file holds one; it says so.
        Some(several) => {
            note(format_args!("the head reads {} bases; this is the first, and --rows writes all", several.len()));
            several[0].circuit.clone()
        }
        None => {
            let mut circuit = saved.head.circuit()?;
            circuit.measure_all()?;
            circuit
        }
    };
    if let Some(sample) = arguments.sample {
        let angles = with_bar(arguments, |places, bar| saved.angles_of(sample, places, bar))?;
        circuit = circuit.bind(&angles)?;
    }
    let text = match arguments.format {
        Some(Format::Qasm2) => write2(&circuit)?,
        _ => write3(&circuit, &WriteOptions { physical_qubits: arguments.device.is_some(), ..WriteOptions::default() }),
    };
    circuit_file::write(arguments.output.as_deref(), &text)
}

/// Writes a network as an ONNX file.
fn write_onnx(arguments: &Arguments, choice: &ModelChoice) -> Result<()> {
    if arguments.device.is_some() || arguments.sample.is_some() {
        bail!("--device and --sample belong to circuits; an ONNX file holds a network without one");
    }
    let run = SavedRun::open(&arguments.folder)?;
    let model = system_of(&run)?.onnx(&run, choice)?;
    note(format_args!("{}", model.title));
    circuit_file::write_bytes(arguments.output.as_deref().unwrap_or(Path::new("-")), &model.bytes)
}

/// Gates, depth and layout, on stderr.
fn describe(device: &str, transpiled: &TranspiledCircuit) {
    let TranspiledCircuit { two_qubit_gates, depth, final_layout, .. } = transpiled;
    let layout: Vec<String> =
        final_layout.iter().enumerate().map(|(k, physical)| format!("{k} on {physical}")).collect();
    note(format_args!(
        "{device}: {two_qubit_gates} two-qubit gates, depth {depth} before measurement; qubits measured: {}",
        layout.join(", ")
    ));
}

/// Reads data of the run under a progress bar.
fn with_bar<T>(arguments: &Arguments, read: impl FnOnce((&Path, usize), &Bar) -> Result<T, StudyError>) -> Result<T> {
    catch_interrupts();
    let threads = threads::available();
    let bar = Bar::new();
    let found = read((&arguments.cache, threads), &bar);
    bar.done();
    Ok(found?)
}

/// Writes the folder for hardware.
fn write_job(arguments: &Arguments, saved: &SavedHead, (job, rows): (&HardwareJob, &str), folder: &Path) -> Result<()> {
    if folder.is_file() {
        bail!("{}: a file; --rows writes a folder", folder.display());
    }
    let (all, ..) = with_bar(arguments, |places, bar| saved.rows(places, bar))?;
    let chosen = match rows {
        "test" => all.evaluated,
        "validation" => all.split.validation,
        "training" => all.split.training,
        numbers => {
            let numbers = row_numbers(numbers, all.evaluated.len())?;
            all.evaluated.select(&numbers)
        }
    };
    let predicted = saved.head.predict(chosen.values.view())?;
    let angles = saved.head.input_angles(chosen.values.view())?;
    let inputs = job.manifest.inputs.len();
    let rows = JobRows {
        angles: ndarray::Array2::from_shape_vec((chosen.len(), inputs), angles)?,
        labels: chosen.labels.iter().copied().map(Some).collect(),
        ids: chosen.ids,
    };
    for (name, bytes) in job.files(&rows, predicted.view(), arguments.bound)? {
        write_whole(&folder.join(name), &bytes)?;
    }
    let shown = |path: &Path| quoted(&path.display().to_string());
    note(format_args!(
        "{}: {} and {}; python {} runs them, and qgraft judge {} {} reads the counts",
        folder.display(),
        pluralise(job.circuits.len(), "circuit"),
        pluralise(rows.ids.len(), "row"),
        shown(&folder.join("submit.py")),
        shown(&arguments.folder),
        shown(&folder.join("counts.json")),
    ));
    Ok(())
}

/// `0-9,12` as numbers below `count`.
fn row_numbers(text: &str, count: usize) -> Result<Vec<usize>> {
    let expected = || {
        format!(
            "--rows {text}: expected test, validation, training or numbers of test rows below {count}, such as 0-9,12"
        )
    };
    let number = |text: &str| text.trim().parse::<usize>().ok().filter(|row| *row < count);
    let mut found = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = number(first).zip(number(last)).with_context(expected)?;
        found.extend(first..=last);
    }
    if found.is_empty() {
        bail!(expected())
    }
    Ok(found)
}
