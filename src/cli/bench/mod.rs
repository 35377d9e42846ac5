//! `qgraft bench CASE`: one measured time with a checksum, for comparisons with other simulators.

mod grad;
mod noisy;
mod sv;

use std::hint::black_box;
use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Subcommand;
use serde::Serialize;

use crate::cli::{console, threads};
use crate::sim::Precision;

/// Times one simulation and prints a checksum by which it can be compared with other programs.
///
/// What a user does once per circuit (parsing, planning) is not timed. The same call is repeated until the budget is
/// spent; the median and the fastest are printed.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  qgraft bench sv --circuit circuits/qft.qasm --threads 1 --json
  qgraft bench grad --qubits 8 --layers 6 --batch 32 --threads 1 --precision double --budget 3 --json
  qgraft bench grad --qubits 4 --layers 3 --batch 16 --noise F.json --threads 1 --json
  qgraft bench noisy --circuit F.qasm --noise F.json --engine trajectory --shots 1024 --threads 1 --budget 3 --json")]
pub struct Arguments {
    #[command(subcommand)]
    case: Case,
}

#[derive(Subcommand)]
enum Case {
    Sv(sv::Arguments),
    Grad(grad::Arguments),
    Noisy(noisy::Arguments),
}

/// Budget, threads and output of every case.
#[derive(clap::Args)]
struct Setting {
    /// Threads; by default as many as the machine has.
    #[arg(long, value_name = "T")]
    threads: Option<usize>,
    /// Seconds to spend on repetitions; there is always one.
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0)]
    budget: f64,
    /// Print one JSON line.
    #[arg(long)]
    json: bool,
}

/// What a case did: the printed line without its times.
struct Outcome {
    case: String,
    qubits: usize,
    checksum: f64,
    precision: Precision,
    seconds: Vec<f64>,
}

/// The printed line; its keys are what comparison scripts read.
#[derive(Serialize)]
struct Line {
    tool: &'static str,
    case: String,
    n: usize,
    seconds_median: f64,
    seconds_min: f64,
    reps: usize,
    checksum: f64,
    threads: usize,
    precision: Precision,
}

/// Runs the case and prints its line.
pub fn run(arguments: &Arguments) -> Result<()> {
    let setting = match &arguments.case {
        Case::Sv(case) => &case.setting,
        Case::Grad(case) => &case.setting,
        Case::Noisy(case) => &case.setting,
    };
    let Ok(budget) = Duration::try_from_secs_f64(setting.budget) else {
        bail!("--budget {} is no time; give seconds, 0 or more", setting.budget);
    };
    let workers = threads::pool(setting.threads)?;
    let outcome = workers.install(|| match &arguments.case {
        Case::Sv(case) => sv::run(case, budget),
        Case::Grad(case) => grad::run(case, budget),
        Case::Noisy(case) => noisy::run(case, budget),
    })?;
    let mut seconds = outcome.seconds;
    seconds.sort_by(f64::total_cmp);
    let line = Line {
        tool: "qgraft",
        case: outcome.case,
        n: outcome.qubits,
        seconds_median: (seconds[(seconds.len() - 1) / 2] + seconds[seconds.len() / 2]) / 2.0,
        seconds_min: seconds[0],
        reps: seconds.len(),
        checksum: outcome.checksum,
        threads: workers.current_num_threads(),
        precision: outcome.precision,
    };
    let mut out = console::stdout();
    if setting.json {
        console::print_json(&serde_json::to_string(&line)?)?;
    } else {
        let Line { case, n, seconds_median, seconds_min, reps, checksum, threads, precision, .. } = line;
        writeln!(out, "{case}: {n} qubits, {threads} threads, {precision} precision")?;
        writeln!(out, "median {seconds_median:.3e} s, fastest {seconds_min:.3e} s of {reps}; checksum {checksum}")?;
    }
    Ok(())
}

/// The result of `work`, and the seconds of each further call until `budget` is spent. The first call makes plans,
/// touches memory for the first time and is not counted.
fn timed<T>(budget: Duration, mut work: impl FnMut() -> Result<T>) -> Result<(T, Vec<f64>)> {
    let first = work()?;
    let (begun, mut seconds) = (Instant::now(), Vec::new());
    while seconds.is_empty() || begun.elapsed() < budget {
        let call = Instant::now();
        let result = black_box(work()?);
        seconds.push(call.elapsed().as_secs_f64());
        // Freeing memory is not part of the time.
        drop(result);
    }
    Ok((first, seconds))
}

/// `Σ_k p_k cos(k mod 97)`: exchanging two outcomes changes it.
fn outcomes_checksum(probabilities: impl IntoIterator<Item = f64>) -> f64 {
    probabilities.into_iter().enumerate().map(|(k, p)| p * ((k % 97) as f64).cos()).sum()
}

/// `Σ_i v_i cos(i)`.
fn values_checksum<'a>(values: impl IntoIterator<Item = &'a f64>) -> f64 {
    values.into_iter().enumerate().map(|(i, v)| v * (i as f64).cos()).sum()
}

/// The name of a file without folder and ending.
fn stem(path: &std::path::Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}
