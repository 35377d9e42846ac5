//! `qgraft study FILE`: a battery of runs into one folder.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use comfy_table::{Table, presets};

use crate::cli::progress::{Workers, catch_interrupts};
use crate::math::words::pluralise;
use crate::systems::qtl::battery::{self, File, Only, Place, Planned, STUDIES, Summary};

/// Runs a battery: lists of data, backbones, heads, devices … and the studies that go through them.
///
/// Results are kept as they come: after a crash, a full disk or Ctrl-C, --resume goes on where it stopped. Several
/// processes may work on one folder. At the end the folder holds report.html, tables.tex, runs.csv and other tables.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  qgraft study examples/studies/qtl_quick.toml
  qgraft study examples/studies/qtl_paper.toml --dry-run
  qgraft study examples/studies/qtl_paper.toml --only study=main,head=quantum --jobs 8 --out paper
  qgraft study examples/studies/qtl_paper.toml --out paper --resume")]
pub struct Arguments {
    /// The battery, a TOML file.
    file: PathBuf,
    /// Print the plan with its counts; run nothing.
    #[arg(long)]
    dry_run: bool,
    /// Run only what matches: keys are study, id, dataset, backbone, head, seed, qubits … Values of one key are
    /// alternatives. The tables tell everything that is finished, whatever is run now.
    #[arg(long, value_name = "KEY=VALUE,…", value_delimiter = ',')]
    only: Vec<String>,
    /// Runs at a time, each on one thread; all cores by default. Results do not depend on it.
    #[arg(long, value_name = "N")]
    jobs: Option<usize>,
    /// Go on in a folder that holds results already; what is finished is not repeated.
    #[arg(long)]
    resume: bool,
    /// The folder; studies/FILE's name by default.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Folder of cached features.
    #[arg(long, value_name = "DIR", default_value = ".qgraft-cache")]
    cache: PathBuf,
}

/// Runs the battery.
pub fn run(arguments: &Arguments) -> Result<()> {
    let file = File::read(&arguments.file)?;
    let plan = battery::resolve(&file)?;
    let only = Only::parse(&arguments.only)?;
    let chosen = plan.iter().filter(|run| only.keeps(run)).count();
    if chosen == 0 {
        bail!("--only {} leaves nothing of {}", arguments.only.join(","), pluralise(plan.len(), "run"));
    }
    let mut stdout = std::io::stdout().lock();
    if arguments.dry_run {
        return Ok(write!(stdout, "{}", told(&plan, &only))?);
    }
    let name = arguments.file.file_stem().unwrap_or_default();
    let out = arguments.out.clone().unwrap_or_else(|| Path::new("studies").join(name));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let command = format!("qgraft study {} --out {} --resume", quoted(&arguments.file), quoted(&out));
    catch_interrupts();
    let workers = Workers::new();
    let place = Place {
        out: &out,
        cache: &arguments.cache,
        jobs: arguments.jobs.unwrap_or(cores).max(1),
        resume: arguments.resume,
        command: &command,
    };
    let summary = battery::run(&file, &plan, &only, &place, &workers);
    workers.finish();
    let Summary { planned, finished, failures } = summary?;
    for (title, reason, repeat) in &failures {
        eprintln!("failed: {title}: {reason}\n  repeat: {repeat}");
    }
    writeln!(stdout, "{finished} of {} finished, {}", pluralise(planned, "run"), pluralise(failures.len(), "failure"))?;
    writeln!(stdout, "report: {}", out.join("report.html").display())?;
    if !failures.is_empty() {
        bail!("{} failed; the others are finished", pluralise(failures.len(), "run"));
    }
    Ok(())
}

/// The plan by study: how many runs, and what they go through.
fn told(plan: &[Planned], only: &Only) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["study", "runs", "goes through"]);
    let mut ids = std::collections::BTreeSet::new();
    let mut total = 0;
    for study in STUDIES {
        let runs: Vec<&Planned> = plan.iter().filter(|run| run.study == study.name && only.keeps(run)).collect();
        let Some(first) = runs.first() else { continue };
        total += runs.len();
        ids.extend(runs.iter().map(|run| &run.id));
        let through = first.labels.0.iter().map(|(key, _)| {
            let mut values: Vec<&str> = Vec::new();
            for run in &runs {
                let value = run.labels.get(key);
                if !values.contains(&value) {
                    values.push(value);
                }
            }
            format!("{key}: {}", values.join(" "))
        });
        table.add_row([study.name.to_string(), runs.len().to_string(), through.collect::<Vec<_>>().join("\n")]);
    }
    format!("{table}\n\n{}, {} computations\n", pluralise(total, "run"), ids.len())
}

/// A path as a shell reads it back.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = text.chars().all(|c| c.is_alphanumeric() || "/._-+@".contains(c));
    if plain { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
