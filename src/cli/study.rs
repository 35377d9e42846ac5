//! `qgraft study FILE`: a suite of runs of any systems into one folder.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::cli::console::{note, stdout};
use crate::cli::progress::{Workers, catch_interrupts};
use crate::cli::{quoted, threads};
use crate::lab::suite::{self, Ready, Suite};
use crate::lab::{Outcome, Part, RunOptions, only_of};
use crate::math::words::pluralise;
use crate::systems::SYSTEMS;

/// Runs a suite: a file that names runs of any systems, with their settings and what is varied.
///
/// Results are kept as they come: after a crash, a full disk or Ctrl-C, --resume continues where it stopped. Several
/// processes may work on one folder. At the end the folder holds report.html, tables.tex, and a run folder for each run.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  qgraft study examples/studies/qtl_quick.toml
  qgraft study examples/studies/qtl_paper.toml --dry-run
  qgraft study examples/studies/qtl_paper.toml --only run=main,head=quantum --jobs 8 --out paper
  qgraft study examples/studies/qtl_paper.toml --out paper --resume")]
pub struct Arguments {
    /// The suite, a TOML file.
    file: PathBuf,
    /// List the runs with their numbers of trials; run nothing.
    #[arg(long)]
    dry_run: bool,
    /// Run only these trials: keys are run, id and the factors of the runs (head, seed, qubits, …); values of one key are
    /// alternatives.
    #[arg(long, value_name = "KEY=VALUE,…")]
    only: Vec<String>,
    /// Trials at a time, each on one thread; all cores by default. Results do not depend on it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=threads::MOST as i64))]
    jobs: Option<u16>,
    /// Continue in a folder that holds finished trials.
    #[arg(long)]
    resume: bool,
    /// Run the K-th of N parts of the trials, which other machines run the rest of.
    #[arg(long, value_name = "K/N")]
    part: Vec<String>,
    /// Take over the finished trials of this folder of a suite first, such as that of a part.
    #[arg(long, value_name = "DIR")]
    merge: Vec<PathBuf>,
    /// The folder; studies/FILE's name by default.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Folder of cached features.
    #[arg(long, value_name = "DIR", default_value = ".qgraft-cache")]
    cache: PathBuf,
}

/// Runs the suite.
pub fn run(arguments: &Arguments) -> Result<()> {
    let suite = Suite::read(&arguments.file)?;
    let mut only = only_of(&arguments.only);
    for part in &arguments.part {
        Part::parse(part)?;
        only.push(format!("part={part}"));
    }
    let ready = suite::resolve(&suite, SYSTEMS, &only)?;
    let mut stdout = stdout();
    if arguments.dry_run {
        return Ok(write!(stdout, "{}", plan(&ready)?)?);
    }
    let name = arguments.file.file_stem().unwrap_or_default();
    let mut options = RunOptions::new(arguments.out.clone().unwrap_or_else(|| Path::new("studies").join(name)));
    options.cache.clone_from(&arguments.cache);
    options.resume = arguments.resume;
    options.jobs = arguments.jobs.map_or_else(threads::available, usize::from);
    options.only = only;
    options.merge.clone_from(&arguments.merge);
    options.command = format!("qgraft study {}", quoted(&arguments.file.display().to_string()));
    catch_interrupts();
    let observer = Workers::new();
    let outcomes = suite::run(&suite, &ready, &options, &observer);
    observer.finish();
    let outcomes = outcomes?;
    for (name, outcome) in &outcomes {
        let trials = pluralise(outcome.results.planned, "trial");
        writeln!(stdout, "{name}: {trials}, {}", pluralise(outcome.results.failures.len(), "failure"))?;
        for line in &outcome.verdict {
            writeln!(stdout, "  {}", line.trim())?;
        }
    }
    writeln!(stdout, "report: {}", options.out.join("report.html").display())?;
    let repeat = format!("{} --out {} --resume", options.command, quoted(&options.out.display().to_string()));
    failures(&outcomes, &repeat)
}

/// One line for each run: its trials.
fn plan(ready: &[Ready<'_>]) -> Result<String> {
    let mut text = String::new();
    let mut total = 0;
    for Ready { run, system, request, only } in ready {
        let Some(only) = only else { continue };
        let trials = system.plan(request, only)?.len();
        total += trials;
        text += &format!("{}: {} of {}\n", run.name, pluralise(trials, "trial"), run.system);
    }
    Ok(format!("{text}{}\n", pluralise(total, "trial")))
}

/// Names failed trials with the command that repeats each.
fn failures(outcomes: &[(String, Outcome)], repeat: &str) -> Result<()> {
    let failed: Vec<_> =
        outcomes.iter().flat_map(|(name, o)| o.results.failures.iter().map(move |f| (name, f))).collect();
    for (name, failure) in &failed {
        note(format_args!("failed: {name}: {}: {}", failure.title, failure.reason));
        note(format_args!("  repeat: {repeat} --only run={name},id={}", failure.id));
    }
    match failed.len() {
        0 => Ok(()),
        count => bail!("{} failed; the others are finished", pluralise(count, "trial")),
    }
}
