//! `qgraft features FOLDER`: what a frozen backbone makes of pictures, as a file.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use crate::cli::progress::{Bar, catch_interrupts};
use crate::cli::{note, threads};
use crate::data::Part;
use crate::lab::Validation;
use crate::math::words::join_and;
use crate::study::Observer;
use crate::systems::inputs::{Backbone, Data, load};

/// Passes a folder of pictures through a frozen backbone and writes features and labels, which `--features` reads.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  qgraft features pictures/ -o pictures.safetensors
  qgraft features pictures/ -o pictures.safetensors --backbone resnet18 --weights resnet18.pth
  qgraft run qtl --features pictures.safetensors")]
pub struct Arguments {
    /// Pictures in a folder for each class; train/, val/ and test/ are kept as parts.
    folder: PathBuf,
    /// The safetensors file to write.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Frozen network (see `qgraft list backbones`).
    #[arg(long, value_name = "NAME", default_value_t = Backbone::default().name)]
    backbone: String,
    /// Its weights.
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Share of each class held out where the folder has no parts.
    #[arg(long, value_name = "SHARE", default_value_t = Data::default().held_out)]
    held_out: f64,
    /// Seed of that split.
    #[arg(long, value_name = "S", default_value_t = Data::default().split_seed)]
    split_seed: u64,
    /// Leave out pictures that cannot be read.
    #[arg(long)]
    skip_bad: bool,
    /// Folder of cached features.
    #[arg(long, value_name = "DIR", default_value = ".qgraft-cache")]
    cache: PathBuf,
}

/// Writes the features.
pub fn run(arguments: &Arguments) -> Result<()> {
    let Arguments { folder, output, backbone, weights, held_out, split_seed, skip_bad, cache } = arguments;
    let backbone = Backbone { name: backbone.clone(), weights: weights.clone() };
    let mut data = Data { skip_bad: *skip_bad, held_out: *held_out, split_seed: *split_seed, ..Data::default() };
    let name = folder.to_str().with_context(|| format!("{}: the name is not UTF-8; rename it", folder.display()))?;
    data.set_folder(name);
    let mut check = Validation::default();
    data.validate("data", &backbone, &mut check);
    backbone.validate("backbone", &mut check);
    let violations: Vec<String> = check.violations().iter().map(ToString::to_string).collect();
    ensure!(violations.is_empty(), "{}", violations.join("\n"));
    catch_interrupts();
    let bar = Bar::new();
    let loaded = load(&data, &backbone, (cache, threads::available()), &bar);
    bar.done();
    let loaded = loaded?;
    for notice in &loaded.notices {
        note(format_args!("notice: {notice}"));
    }
    let samples = &loaded.features.samples;
    let counts =
        Part::ALL.into_iter().map(|part| (samples.of(part).len(), part.name())).filter(|(count, _)| *count > 0);
    let counts: Vec<String> = counts.map(|(count, part)| format!("{count} {part} rows")).collect();
    let (width, classes) = (loaded.features.values.ncols(), samples.classes.len());
    loaded.features.write(output)?;
    note(format_args!("{}: {}, {width} wide, {classes} classes", output.display(), join_and(&counts)));
    Ok(())
}
