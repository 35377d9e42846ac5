//! `qgraft tune FILE`: settings of any system, tuned on validation rows.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::builder::{PossibleValue, PossibleValuesParser};

use crate::classic::tuning::STRATEGIES;
use crate::cli::console::{note, print_json, stdout};
use crate::cli::progress::{Workers, catch_interrupts};
use crate::cli::{quoted, threads};
use crate::lab::tune::{TuneOptions, TuneSpec, run as tune};
use crate::report::terminal;
use crate::systems::SYSTEMS;

/// Finds settings of any system by measuring few: cheap measurements first, chosen by a metric of validation rows.
///
/// The file names the system, the knobs with their ranges, the metric and the budget. A metric that is not of validation rows is
/// taken with a notice. The winner is compared with the default settings under seeds that were not tuned on. The folder receives
/// report.html, tune.json, measurements.csv, spec.toml of the winner for `qgraft run SYSTEM --spec`, and knowledge.jsonl, which later
/// tunings can start from. After a crash or Ctrl-C, --resume continues where it stopped.
#[derive(clap::Args)]
#[command(after_help = "A file:
  format = \"qgraft.tune/1\"
  system = \"qtl\"
  presets = [\"quick\"]            # as --preset of `qgraft run qtl`
  only = [\"head=quantum\"]        # as --only
  metric = \"validation_loss\"     # its mean over trials; a wrong name lists all
  test_metric = \"accuracy\"       # the winner and the defaults are compared by it
  seeds = 3                      # of a full measurement
  test_seeds = 5                 # of the comparison
  budget = 20                    # in full measurements
  fidelity = \"seeds\"             # of what cheap ones have fewer: seeds, none, or a field
  history = []                   # folders of earlier tunings of the same knobs

  [settings.hold_out]            # settings as in spec.toml of a run folder
  validation = 0.2

  [[knobs]]                      # low and high; log = true steps by factors
  field = \"train.rate\"
  low = 1e-4
  high = 0.1
  log = true

  [[knobs]]                      # or a list
  field = \"train.batch\"
  values = [4, 8, 16]

Examples:
  qgraft tune examples/studies/tune_qtl.toml
  qgraft tune examples/studies/tune_qtl.toml --budget 40 --out tuned
  qgraft tune examples/studies/tune_qtl.toml --out tuned --resume
  qgraft run qtl --spec tuned/spec.toml")]
pub struct Arguments {
    /// The file of the tuning, TOML.
    file: PathBuf,
    /// Budget in full measurements, in place of that of the file.
    #[arg(long, value_name = "N")]
    budget: Option<usize>,
    /// Strategy, in place of that of the file.
    #[arg(long, value_name = "NAME", value_parser = strategies())]
    strategy: Option<String>,
    /// Trials at a time, each on one thread; all cores by default. Results do not depend on it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=threads::MOST as i64))]
    jobs: Option<u16>,
    /// Continue in a folder that holds finished trials.
    #[arg(long)]
    resume: bool,
    /// The folder; tuned/FILE's name by default.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Folder of cached features.
    #[arg(long, value_name = "DIR", default_value = ".qgraft-cache")]
    cache: PathBuf,
    /// Print tune.json instead of tables.
    #[arg(long)]
    json: bool,
}

fn strategies() -> PossibleValuesParser {
    STRATEGIES.iter().map(|row| PossibleValue::new(row.name).help(row.doc)).collect::<Vec<_>>().into()
}

/// Tunes.
pub fn run(arguments: &Arguments) -> Result<()> {
    let mut spec = TuneSpec::read(&arguments.file)?;
    spec.budget = arguments.budget.unwrap_or(spec.budget);
    spec.strategy = arguments.strategy.clone().unwrap_or(spec.strategy);
    let system = spec.system(SYSTEMS)?;
    let name = arguments.file.file_stem().unwrap_or_default();
    let options = TuneOptions {
        out: arguments.out.clone().unwrap_or_else(|| Path::new("tuned").join(name)),
        cache: arguments.cache.clone(),
        jobs: arguments.jobs.map_or_else(threads::available, usize::from),
        resume: arguments.resume,
    };
    catch_interrupts();
    let observer = Workers::new();
    let outcome = tune(&spec, system, &options, &observer);
    observer.finish();
    let outcome = outcome?;
    if arguments.json {
        print_json(&serde_json::to_string_pretty(&outcome)?)?;
    } else {
        let tables: Vec<String> = outcome.tables.iter().map(terminal::render).collect();
        let lines = outcome.verdict.iter().chain(outcome.notices.iter()).map(|line| format!("{line}\n"));
        write!(stdout(), "{}\n{}", tables.join("\n"), lines.collect::<String>())?;
    }
    let place = |name: &str| quoted(&options.out.join(name).display().to_string());
    note(format_args!("report: {}", options.out.join("report.html").display()));
    note(format_args!("run the winner: qgraft run {} --spec {}", spec.system, place("spec.toml")));
    Ok(())
}
