//! `qgraft run noise_robustness`: how robust a trained circuit is, and whether that is real.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::cli::old_run::set;
use crate::cli::place::{Place, shown};
use crate::systems::inputs::DataKind;
use crate::systems::noise_robustness::{self, Findings, Spec};

/// Trained circuits under scaled calibrated noise, with mitigation and three analytic controls.
///
/// Without --head or --circuit three kinds of head are trained on the embedded pictures: without noise, under the noise of
/// the first device, and under another strength of it in every batch.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  qgraft run noise_robustness --quick
  qgraft run noise_robustness --features ants_bees.safetensors --devices torino
  qgraft run noise_robustness --head runs/qtl-1 --devices torino,fez
  qgraft run noise_robustness --circuit circuits/hardware_efficient.qasm --scales 0,1,2,4,8
  qgraft run noise_robustness --mitigation readout_inversion,zero_noise_exponential --shots 256,4096")]
pub struct NoiseRobustness {
    /// A run folder of `qgraft run qtl`: its exported head is judged.
    #[arg(long, value_name = "RUN_DIR", conflicts_with = "circuit")]
    head: Option<PathBuf>,
    /// A circuit (OpenQASM 2 or 3, or circuit JSON) judged without a classifier; open angles are drawn.
    #[arg(long, value_name = "FILE")]
    circuit: Option<PathBuf>,
    /// Learn from a folder of class folders of JPEG or PNG images.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["head", "circuit", "features"])]
    data: Option<PathBuf>,
    /// Learn from a safetensors file of features and labels.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["head", "circuit"])]
    features: Option<PathBuf>,
    /// Devices, separated by commas; heads are trained under the first.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    devices: Option<Vec<String>>,
    /// Noise model (see `qgraft list models`).
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Factors on the noise, separated by commas; 1 and 2 must be among them.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    scales: Option<Vec<f64>>,
    /// Numbers of shots, separated by commas; exact expectation values are always judged.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    shots: Option<Vec<u64>>,
    /// Mitigation methods, separated by commas (see `qgraft list mitigations`).
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    mitigation: Option<Vec<String>>,
    /// Number of seeds: 0, 1, …
    #[arg(long, value_name = "N")]
    seeds: Option<u64>,
    /// Epochs of training.
    #[arg(long, value_name = "N")]
    epochs: Option<usize>,
    /// A quick cut: one device, two seeds, few epochs and rows.
    #[arg(long)]
    quick: bool,
    #[command(flatten)]
    place: Place,
}

impl NoiseRobustness {
    fn spec(&self) -> Result<Spec> {
        let mut spec = Spec::default();
        if self.quick {
            spec.quick();
        }
        if let Some(path) = self.data.as_ref().or(self.features.as_ref()) {
            spec.data.source = if self.data.is_some() { DataKind::Folder } else { DataKind::Features };
            spec.data.path = Some(path.clone());
        }
        spec.head.clone_from(&self.head);
        spec.circuit_file.clone_from(&self.circuit);
        set(&mut spec.devices, &self.devices);
        set(&mut spec.model, &self.model);
        set(&mut spec.scales, &self.scales);
        set(&mut spec.shots, &self.shots);
        set(&mut spec.mitigations, &self.mitigation);
        set(&mut spec.seeds, &self.seeds.map(|count| (0..count).collect()));
        set(&mut spec.train.epochs, &self.epochs);
        spec.check().context("in the resolved spec")?;
        Ok(spec)
    }

    /// Runs the benchmark.
    pub fn run(&self) -> Result<()> {
        let spec = self.spec()?;
        self.place.run(
            "noise_robustness",
            |place, bar| noise_robustness::run(&spec, place, bar).map(|outcome| (outcome.findings, outcome.folder)),
            Findings::to_json,
            told,
        )
    }
}

/// The table of accuracies, and the sentences below it.
fn told(findings: &Findings) -> String {
    let sentences: String = findings.sentences.iter().map(|sentence| format!("\n{sentence}\n")).collect();
    let notices: String = findings.notices.iter().map(|notice| format!("\nnotice: {notice}\n")).collect();
    format!("{}\n{}{sentences}{notices}", findings.title, shown([noise_robustness::table(findings)]))
}
