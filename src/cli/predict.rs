//! `qgraft predict RUN DATA`: a trained model of a run folder applied to new data.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::cli::progress::{Bar, catch_interrupts};
use crate::cli::{circuit_file, console, note, threads};
use crate::lab::{Applied, ApplyOptions, ModelChoice, SavedRun, System};
use crate::math::words::pluralise;
use crate::sim::Condition;
use crate::study::Observer;
use crate::study::files::write_whole;
use crate::systems::SYSTEMS;

/// Applies a trained model of a run folder to new data: one line for each sample, with class, confidence and probabilities.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  qgraft predict runs/qtl-1 photos/                                   every picture of a folder
  qgraft predict runs/qtl-1 a.png b.jpg --json
  qgraft predict runs/qtl-1 features.safetensors --head linear --seed 3
  qgraft predict runs/rotation-1 scans/ --out-files upright/          angles, and the pictures turned upright
  qgraft predict runs/qtl-1 photos/ --head quantum --device torino --shots 1024 --mitigation readout_inversion
  qgraft predict runs/genome-1 variants.vcf genome.fa                 a score for each single-base variant
  qgraft predict runs/genome-1 promoters.fa others.fa -o embedded.safetensors
  qgraft predict runs/potential-1 frames.xyz --out-files labelled/    energies, and the frames with forces
  qgraft predict runs/pricing-1 choices.csv                           probabilities and best prices
  qgraft predict runs/alignment-1 new_x.npy --head isl                a row of targets for each row
  qgraft predict runs/tuner-1 times.csv                               configurations to measure next

A picture whose folder has the name of a class is counted as of that class, and metrics are then printed to stderr.")]
pub struct Arguments {
    /// The folder of a run or a suite.
    folder: PathBuf,
    /// Pictures, folders of pictures, one file of features; of a genome run, variants or sequences; of a
    /// potential run, frames; of a seizure run, recordings; of a run on a table, such as equivariance, a table;
    /// of a pricing run, a table of choices; of an alignment run, a matrix of inputs; of a tuner run, a table of
    /// measured times.
    #[arg(required = true)]
    data: Vec<PathBuf>,
    /// Which head of the run; the best on validation rows by default.
    #[arg(long, value_name = "NAME")]
    head: Option<String>,
    /// Which seed of it; the best on validation rows by default.
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// A level that tells the model from others of the run, such as setting=near.
    #[arg(long, value_name = "FACTOR=LEVEL")]
    only: Vec<String>,
    /// Run the circuit under the noise of this device: a name (see `qgraft list devices`) or a file.
    #[arg(long, value_name = "NAME|FILE")]
    device: Option<String>,
    /// Noise model (see `qgraft list models`).
    #[arg(long, value_name = "NAME", default_value = "aer", requires = "device")]
    model: String,
    /// Factor on the noise.
    #[arg(long, value_name = "X", default_value_t = 1.0, requires = "device", allow_negative_numbers = true)]
    scale: f64,
    /// Estimate expectation values from so many shots for each basis and sample.
    #[arg(long, value_name = "N")]
    shots: Option<usize>,
    /// Mitigation method (see `qgraft list mitigations`).
    #[arg(long, value_name = "NAME")]
    mitigation: Option<String>,
    /// Leave out pictures that cannot be read.
    #[arg(long)]
    skip_bad: bool,
    /// Where to write; stdout by default. A name in .safetensors receives embeddings, where the model has them.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Folder for what the system makes of each picture: a run of rotation writes it upright, one of smear with its boxes, one
    /// of potential frames with their forces.
    #[arg(long, value_name = "DIR")]
    out_files: Option<PathBuf>,
    /// Write one JSON object with rows and metrics in place of CSV.
    #[arg(long)]
    json: bool,
    /// Folder of cached features.
    #[arg(long, value_name = "DIR", default_value = ".qgraft-cache")]
    cache: PathBuf,
}

/// Applies the model.
pub fn run(arguments: &Arguments) -> Result<()> {
    let run = SavedRun::open(&arguments.folder)?;
    let system = system_of(&run)?;
    let Arguments { device, model, scale, shots, mitigation, .. } = arguments;
    let options = ApplyOptions {
        data: arguments.data.clone(),
        choice: ModelChoice { label: arguments.head.clone(), seed: arguments.seed, only: arguments.only.clone() },
        condition: Condition {
            device: device.clone(),
            model: model.clone(),
            scale: *scale,
            shots: *shots,
            mitigation: mitigation.clone(),
            ..Condition::default()
        },
        skip_bad: arguments.skip_bad,
        cache: arguments.cache.clone(),
        threads: threads::available(),
        out_files: arguments.out_files.clone(),
    };
    catch_interrupts();
    let bar = Bar::new();
    let applied = system.apply(&run, &options, &bar);
    bar.done();
    let applied = applied?;
    if let Some(path) = arguments.output.as_ref().filter(|path| path.extension().is_some_and(|e| e == "safetensors")) {
        let features = applied.features.as_ref();
        let reason = "this model gives no embeddings of these data, so there is nothing for a .safetensors file";
        features.with_context(|| format!("{}: {reason}", path.display()))?.write(path)?;
        summary(&applied);
        return Ok(());
    }
    match (&arguments.output, arguments.json) {
        (Some(path), true) => write_whole(path, (applied.json()? + "\n").as_bytes())?,
        (Some(path), false) => write_whole(path, &applied.csv())?,
        (None, true) => console::print_json(&applied.json()?).context("stdout")?,
        (None, false) => circuit_file::write_bytes(Path::new("-"), &applied.csv()).context("stdout")?,
    }
    summary(&applied);
    Ok(())
}

/// The system that made the run.
pub(super) fn system_of(run: &SavedRun) -> Result<&'static dyn System> {
    let mut formats: Vec<&str> = run.trials.iter().map(|trial| trial.format.as_str()).collect();
    formats.dedup();
    let known = |format: &str| SYSTEMS.iter().copied().find(|system| system.format() == format);
    match formats[..] {
        [format] => {
            known(format).with_context(|| format!("{}: this version does not read {format}", run.folder.display()))
        }
        _ => bail!("{}: a suite of several systems; name the run folder of one of its runs", run.folder.display()),
    }
}

/// Which model it was and how good, on stderr.
fn summary(applied: &Applied) {
    note(format_args!("{}", applied.model));
    for notice in &applied.notices {
        note(format_args!("notice: {notice}"));
    }
    if applied.known > 0 {
        let metrics: Vec<String> = applied.metrics.iter().map(|(name, value)| format!("{name} {value:.4}")).collect();
        note(format_args!("{} with a known answer: {}", pluralise(applied.known, "sample"), metrics.join(", ")));
    }
}
