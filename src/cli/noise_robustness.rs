//! `qgraft run noise_robustness`: how robust a trained circuit is, and whether that is real.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use comfy_table::{ContentArrangement, Table, presets};

use crate::cli::progress::{Bar, catch_interrupts};
use crate::cli::run::{next_free, set};
use crate::systems::noise_robustness::{self, Findings, Spec};
use crate::systems::spec::Source;
use crate::systems::{Progress, Workplace};

/// Trained circuits under scaled calibrated noise, with mitigation and three analytic controls.
///
/// Without --head or --circuit three kinds of head are trained on the embedded pictures: without noise, under the noise of
/// the first device, and under another strength of it in every batch.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  qgraft run noise_robustness --quick
  qgraft run noise_robustness --features ants_bees.safetensors --devices torino
  qgraft run noise_robustness --head runs/qtl-1 --devices torino,fez
  qgraft run noise_robustness --circuit circuits/qaoa_ring.qasm --scales 0,1,2,4,8
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
    /// The run folder to make; runs/noise_robustness-N by default.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Folder of cached features.
    #[arg(long, value_name = "DIR", default_value = ".qgraft-cache")]
    cache: PathBuf,
    /// Number of threads; all cores by default. Results do not depend on it.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Print metrics.json instead of the table.
    #[arg(long)]
    json: bool,
}

impl NoiseRobustness {
    fn spec(&self) -> Result<Spec> {
        let mut spec = Spec::default();
        if self.quick {
            spec.quick();
        }
        if let Some(path) = self.data.as_ref().or(self.features.as_ref()) {
            spec.data.source = if self.data.is_some() { Source::Folder } else { Source::Features };
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
        let out = self.out.clone().unwrap_or_else(|| next_free(Path::new("runs"), "noise_robustness"));
        let threads = self.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
        catch_interrupts();
        let bar = Bar::new();
        let place = Workplace { out: &out, cache: &self.cache, threads: threads.max(1) };
        let outcome = noise_robustness::run(&spec, &place, &bar);
        bar.done();
        let outcome = outcome?;
        let text = if self.json { outcome.findings.to_json()? } else { told(&outcome.findings) };
        std::io::stdout().lock().write_all(text.as_bytes())?;
        eprintln!("report: {}", outcome.folder.join("report.html").display());
        Ok(())
    }
}

/// The table of accuracies, and the sentences below it.
fn told(findings: &Findings) -> String {
    let plain = noise_robustness::table(findings);
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_header(plain.header);
    table.add_rows(plain.rows);
    let sentences: String = findings.sentences.iter().map(|sentence| format!("\n{sentence}\n")).collect();
    let notices: String = findings.notices.iter().map(|notice| format!("\nnotice: {notice}\n")).collect();
    format!("{}\n{}\n\n{table}\n{sentences}{notices}", findings.title, plain.caption)
}
