//! `qgraft run SYSTEM`: a whole study into a run folder.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Subcommand;

use crate::cli::forest::Forest;
use crate::cli::noise_robustness::NoiseRobustness;
use crate::cli::place::Place;
use crate::cli::smear::Smear;
use crate::cli::soh::Soh;
use crate::study::report::{json, table};
use crate::systems::qtl::{self, DataKind, PresetRow, Spec};

/// Runs a system and writes a run folder.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    system: System,
}

#[derive(Subcommand)]
enum System {
    Qtl(Box<Qtl>),
    #[command(name = "noise_robustness")]
    NoiseRobustness(Box<NoiseRobustness>),
    Forest(Box<Forest>),
    Smear(Box<Smear>),
    Soh(Box<Soh>),
}

/// Quantum and classical heads on a frozen backbone, judged under calibrated noise.
///
/// Without arguments: the embedded Fashion-MNIST shirts, EfficientNet-Lite0 features, seven heads, five seeds, two
/// devices. Options change the spec (--spec FILE, else the default, then --preset); the resolved spec is written beside
/// the results.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  qgraft run qtl
  qgraft run qtl --data photos --heads linear,mlp_a,quantum,quantum@torino --devices torino,fez
  qgraft run qtl --features ants_bees.safetensors --preset mari --seeds 10
  qgraft run qtl --spec runs/qtl-1/spec.toml")]
struct Qtl {
    /// Read the spec from this TOML file.
    #[arg(long, value_name = "FILE")]
    spec: Option<PathBuf>,
    /// Start from a ready spec (see `qgraft list presets`).
    #[arg(long, value_name = "NAME", conflicts_with = "spec")]
    preset: Option<String>,
    /// A quick cut: two seeds, few epochs, rows and noise scales.
    #[arg(long)]
    quick: bool,
    /// Learn from a folder of class folders of JPEG or PNG images; train/ and val/ inside it are honoured.
    #[arg(long, value_name = "DIR", conflicts_with = "features")]
    data: Option<PathBuf>,
    /// Learn from a safetensors file: features and labels, or train.features, train.labels, val.features, val.labels.
    #[arg(long, value_name = "FILE")]
    features: Option<PathBuf>,
    /// Leave out images that cannot be read, instead of refusing them.
    #[arg(long)]
    skip_bad: bool,
    /// Backbone (see `qgraft list backbones`).
    #[arg(long, value_name = "NAME")]
    backbone: Option<String>,
    /// Its weights: .safetensors or zip-format .pth with torchvision's names, or .onnx for the backbone `onnx`.
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Heads to train, separated by commas; NAME@DEVICE trains under that device's noise (see `qgraft list heads`).
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    heads: Option<Vec<String>>,
    /// Devices to judge under, separated by commas (see `qgraft list devices`).
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    devices: Option<Vec<String>>,
    /// Numbers of shots to judge with, separated by commas.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    shots: Option<Vec<u64>>,
    /// Number of seeds: 0, 1, …
    #[arg(long, value_name = "N")]
    seeds: Option<u64>,
    /// Epochs of training.
    #[arg(long, value_name = "N")]
    epochs: Option<usize>,
    /// Number of qubits.
    #[arg(long, value_name = "N")]
    qubits: Option<usize>,
    /// Layers of the circuit.
    #[arg(long, value_name = "N")]
    depth: Option<usize>,
    #[command(flatten)]
    place: Place,
}

/// Runs the system.
pub fn run(arguments: &Arguments) -> Result<()> {
    match &arguments.system {
        System::Qtl(options) => options.run(),
        System::NoiseRobustness(options) => options.run(),
        System::Forest(options) => options.run(),
        System::Smear(options) => options.run(),
        System::Soh(options) => options.run(),
    }
}

impl Qtl {
    fn run(&self) -> Result<()> {
        let spec = self.spec()?;
        self.place.run(
            "qtl",
            |place, bar| qtl::run(&spec, place, bar).map(|outcome| (outcome.report, outcome.folder)),
            json,
            |report| table(report) + "\n",
        )
    }

    /// The spec with the options put in.
    fn spec(&self) -> Result<Spec> {
        let mut spec = match &self.spec {
            Some(path) => Spec::read(path)?,
            None => Spec::default(),
        };
        if let Some(preset) = &self.preset {
            (PresetRow::named(preset)?.apply)(&mut spec);
        }
        if self.quick {
            qtl::quick(&mut spec);
        }
        if let Some(path) = self.data.as_ref().or(self.features.as_ref()) {
            spec.data.source = if self.data.is_some() { DataKind::Folder } else { DataKind::Features };
            spec.data.path = Some(path.clone());
        }
        spec.data.skip_bad |= self.skip_bad;
        set(&mut spec.backbone.name, &self.backbone);
        if self.weights.is_some() {
            spec.backbone.weights.clone_from(&self.weights);
        }
        set(&mut spec.heads, &self.heads);
        set(&mut spec.judge.devices, &self.devices);
        set(&mut spec.judge.shots, &self.shots);
        set(&mut spec.seeds, &self.seeds.map(|count| (0..count).collect()));
        set(&mut spec.train.epochs, &self.epochs);
        set(&mut spec.circuit.qubits, &self.qubits);
        set(&mut spec.circuit.depth, &self.depth);
        spec.check().context("in the resolved spec")?;
        Ok(spec)
    }
}

/// Puts an option into a field, if it was given.
pub fn set<T: Clone>(field: &mut T, option: &Option<T>) {
    if let Some(value) = option {
        field.clone_from(value);
    }
}
