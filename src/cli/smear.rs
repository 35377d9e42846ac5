//! `qgraft run smear`: detectors of cells, fused.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use comfy_table::{ContentArrangement, Table, presets};

use crate::cli::progress::{Bar, catch_interrupts};
use crate::cli::run::{next_free, set};
use crate::systems::smear::{self, Findings, Spec};
use crate::systems::{Progress, Workplace};

/// One detector of cells under three remedies for rare classes, fused by weighted boxes fusion and its rivals.
///
/// Without arguments a quick run on drawn smears, one seed, in less than a minute.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  qgraft run smear
  qgraft run smear --full
  qgraft run smear --data bccd.zip --edge 120
  qgraft run smear --head quantum")]
pub struct Smear {
    /// Photographs with boxes: a folder or zip file in the layout of Pascal VOC, with the lists train, val and test.
    #[arg(long, value_name = "PATH")]
    data: Option<PathBuf>,
    /// The whole comparison: three seeds, more fields, a wider network.
    #[arg(long)]
    full: bool,
    /// A head that looks again at what was found, beside its classical twin (see `qgraft list heads`).
    #[arg(long, value_name = "NAME")]
    head: Option<String>,
    /// Number of seeds: 0, 1, …
    #[arg(long, value_name = "N")]
    seeds: Option<u64>,
    /// Epochs of training.
    #[arg(long, value_name = "N")]
    epochs: Option<usize>,
    /// Rows of pixels of a field, a multiple of 4.
    #[arg(long, value_name = "N")]
    edge: Option<usize>,
    /// The run folder to make; runs/smear-N by default.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Number of threads; all cores by default. Results do not depend on it.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Print metrics.json instead of the tables.
    #[arg(long)]
    json: bool,
}

impl Smear {
    fn spec(&self) -> Result<Spec> {
        let mut spec = Spec::default();
        if self.full {
            spec.full();
        }
        spec.data.clone_from(&self.data);
        if let Some(head) = &self.head {
            let twin = (head != "mlp_a").then(|| "mlp_a".to_string());
            spec.heads = twin.into_iter().chain([head.clone()]).collect();
        }
        set(&mut spec.seeds, &self.seeds.map(|count| (0..count).collect()));
        set(&mut spec.train.epochs, &self.epochs);
        set(&mut spec.edge, &self.edge);
        spec.check().context("in the resolved spec")?;
        Ok(spec)
    }

    /// Runs the comparison.
    pub fn run(&self) -> Result<()> {
        let spec = self.spec()?;
        let out = self.out.clone().unwrap_or_else(|| next_free(Path::new("runs"), "smear"));
        let threads = self.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
        catch_interrupts();
        let bar = Bar::new();
        let place = Workplace { out: &out, cache: Path::new(".qgraft-cache"), threads: threads.max(1) };
        let outcome = smear::run(&spec, &place, &bar);
        bar.done();
        let outcome = outcome?;
        let text = if self.json { outcome.findings.to_json()? } else { told(&outcome.findings) };
        std::io::stdout().lock().write_all(text.as_bytes())?;
        eprintln!("report: {}", outcome.folder.join("report.html").display());
        Ok(())
    }
}

fn told(findings: &Findings) -> String {
    let tables = [smear::table(findings), smear::simulated(findings)].map(|plain| {
        let mut table = Table::new();
        table
            .load_style(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_header(plain.header);
        table.add_rows(plain.rows);
        format!("{}\n\n{table}\n", plain.caption)
    });
    tables.join("\n")
}
