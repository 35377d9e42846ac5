//! The command line: one file per subcommand.
//!
//! Data goes to stdout. Progress, notices and paths of files go to stderr. Exit codes:
//! 0 done, 1 the work failed, 2 the command line was wrong (clap's), 130 interrupted.

mod bench;
mod circuit_file;
mod convert;
mod draw;
mod export;
mod features;
mod judge;
mod list;
mod noise;
mod predict;
mod progress;
mod run;
mod simulate;
mod study;
mod transpile;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::study::StudyError;

/// Trains variational quantum classifiers on frozen pretrained networks and evaluates them under calibrated noise.
#[derive(Parser)]
#[command(name = "qgraft", version, max_term_width = 110)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(run::Arguments),
    Study(study::Arguments),
    List(list::Arguments),
    Draw(draw::Arguments),
    Convert(convert::Arguments),
    Predict(predict::Arguments),
    Export(export::Arguments),
    Features(features::Arguments),
    Judge(judge::Arguments),
    Simulate(Box<simulate::Arguments>),
    Bench(bench::Arguments),
    Transpile(transpile::Arguments),
    Noise(noise::Arguments),
}

/// Runs the program on the process's arguments.
pub fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Study(arguments) => study::run(&arguments),
        Command::List(arguments) => list::run(&arguments),
        Command::Draw(arguments) => draw::run(&arguments),
        Command::Convert(arguments) => convert::run(&arguments),
        Command::Predict(arguments) => predict::run(&arguments),
        Command::Export(arguments) => export::run(&arguments),
        Command::Features(arguments) => features::run(&arguments),
        Command::Judge(arguments) => judge::run(&arguments),
        Command::Simulate(arguments) => simulate::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Transpile(arguments) => transpile::run(&arguments),
        Command::Noise(arguments) => noise::run(&arguments),
    };
    // What waits in the buffer of stdout may fail too, on a full disk for example.
    match done.and_then(|()| Ok(std::io::stdout().flush()?)) {
        Ok(()) => ExitCode::SUCCESS,
        // The reader closed the pipe (`qgraft list gates | head`).
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            note(format_args!("qgraft: {}", message(&error)));
            let interrupted = matches!(error.downcast_ref(), Some(StudyError::Interrupted | StudyError::Paused { .. }));
            ExitCode::from(if interrupted { 130 } else { 1 })
        }
    }
}

/// A line on stderr. Where stderr is closed or full there is nobody to report that to, and the work goes on.
fn note(line: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// An error and its causes, without those that it quotes itself.
fn message(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |text, cause| match text.contains(&cause) {
        true => text,
        false if text.is_empty() => cause,
        false => format!("{text}: {cause}"),
    })
}

/// A pool of `threads` threads, or of as many as the machine has.
fn workers(threads: Option<usize>) -> anyhow::Result<rayon::ThreadPool> {
    anyhow::ensure!(threads != Some(0), "--threads 0 cannot work; give 1 or more");
    // Zero selects rayon's default, the number of cores.
    Ok(rayon::ThreadPoolBuilder::new().num_threads(threads.unwrap_or(0)).build()?)
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let is_broken = |e: &std::io::Error| e.kind() == std::io::ErrorKind::BrokenPipe;
    error.chain().any(|cause| cause.downcast_ref().is_some_and(is_broken))
}
