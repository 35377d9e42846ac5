//! The command line: one file per subcommand.
//!
//! Data goes to stdout. Progress, notices and paths of files go to stderr. Exit codes:
//! 0 done, 1 the work failed, 2 the command line was wrong (clap's), 130 interrupted.

mod bench;
mod circuit_file;
mod console;
mod convert;
mod draw;
mod export;
mod features;
mod fuse;
mod judge;
mod list;
mod noise;
mod predict;
mod progress;
mod run;
mod simulate;
mod study;
mod threads;
mod transpile;
mod tune;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;
use std::sync::OnceLock;

use clap::{Parser, Subcommand};

use crate::math::words::printable;
use crate::study::StudyError;
use console::note;
pub use list::listing;

/// The arguments that the program runs on.
static ARGUMENTS: OnceLock<Vec<OsString>> = OnceLock::new();

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
    Tune(tune::Arguments),
    List(list::Arguments),
    Draw(draw::Arguments),
    Convert(convert::Arguments),
    Predict(predict::Arguments),
    Export(export::Arguments),
    Features(features::Arguments),
    Fuse(fuse::Arguments),
    Judge(judge::Arguments),
    Simulate(Box<simulate::Arguments>),
    Bench(bench::Arguments),
    Transpile(transpile::Arguments),
    Noise(noise::Arguments),
}

/// Runs the program on the process's arguments. `threads` is the value of `RAYON_NUM_THREADS`, the default number of
/// threads.
pub fn main(threads: Option<&str>) -> ExitCode {
    main_with(std::env::args_os(), threads)
}

/// The same on these arguments, the first of which is the program's name: for a process whose own arguments are those of
/// an interpreter.
pub fn main_with(arguments: impl IntoIterator<Item = OsString>, threads: Option<&str>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    // A second call in one process keeps the first one's, which only reports name.
    let _ = ARGUMENTS.set(arguments.clone());
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => return refuse(&error),
    };
    threads::take_default(threads);
    let done = match arguments.command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Study(arguments) => study::run(&arguments),
        Command::Tune(arguments) => tune::run(&arguments),
        Command::List(arguments) => list::run(&arguments),
        Command::Draw(arguments) => draw::run(&arguments),
        Command::Convert(arguments) => convert::run(&arguments),
        Command::Predict(arguments) => predict::run(&arguments),
        Command::Export(arguments) => export::run(&arguments),
        Command::Features(arguments) => features::run(&arguments),
        Command::Fuse(arguments) => fuse::run(&arguments),
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

/// What the parser of the command line has to say: help, version, or what is wrong.
fn refuse(error: &clap::Error) -> ExitCode {
    let text = error.render().to_string();
    // A file name in a wrong argument may hold what steers a terminal; then the message is shown without colours.
    match printable(&text) {
        shown if shown != text => note(shown.trim_end()),
        // As clap itself, which takes no notice of a closed stderr.
        _ => _ = error.print(),
    }
    ExitCode::from(error.exit_code() as u8)
}

/// An argument as a shell takes it.
fn quoted(argument: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "_-./:=,@%+".contains(c);
    match !argument.is_empty() && argument.chars().all(is_plain) {
        true => argument.into(),
        false => format!("'{}'", argument.replace('\'', "'\\''")),
    }
}

/// An error and its causes, without those that it quotes itself.
fn message(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |text, cause| match text.contains(&cause) {
        true => text,
        false if text.is_empty() => cause,
        false => format!("{text}: {cause}"),
    })
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let is_broken = |e: &std::io::Error| e.kind() == std::io::ErrorKind::BrokenPipe;
    error.chain().any(|cause| cause.downcast_ref().is_some_and(is_broken))
}
