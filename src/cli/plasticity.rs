//! `qgraft run plasticity`: weights drawn anew before fine-tuning.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use comfy_table::{ContentArrangement, Table, presets};

use crate::cli::progress::{Bar, catch_interrupts};
use crate::cli::run::{next_free, set};
use crate::systems::plasticity::{self, Findings, Spec};
use crate::systems::{Progress, Workplace};

/// Plasticity restored before fine-tuning: weights of low utility drawn anew, beside controls.
///
/// Without arguments: four settings, one seed, a few cells of the grid, in less than a minute.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  qgraft run plasticity
  qgraft run plasticity --settings useful_source --seeds 10
  qgraft run plasticity --full
  qgraft run plasticity --head quantum --settings random_labels")]
pub struct Plasticity {
    /// Settings, separated by commas: random_labels, useful_source, near, far.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    settings: Option<Vec<String>>,
    /// The head that target networks get (see `qgraft list heads`).
    #[arg(long, value_name = "NAME")]
    head: Option<String>,
    /// Number of seeds: 0, 1, …
    #[arg(long, value_name = "N")]
    seeds: Option<u64>,
    /// Shares of weights to replace, separated by commas.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    shares: Option<Vec<f64>>,
    /// The whole grid under ten seeds.
    #[arg(long)]
    full: bool,
    /// The run folder to make; runs/plasticity-N by default.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Number of threads; all cores by default. Results do not depend on it.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Print metrics.json instead of the tables.
    #[arg(long)]
    json: bool,
}

impl Plasticity {
    fn spec(&self) -> Result<Spec> {
        let mut spec = Spec::default();
        if self.full {
            spec.full();
        }
        set(&mut spec.settings, &self.settings);
        set(&mut spec.head, &self.head);
        set(&mut spec.seeds, &self.seeds.map(|count| (0..count).collect()));
        set(&mut spec.shares, &self.shares);
        spec.check().context("in the resolved spec")?;
        Ok(spec)
    }

    /// Runs the comparison.
    pub fn run(&self) -> Result<()> {
        let spec = self.spec()?;
        let out = self.out.clone().unwrap_or_else(|| next_free(Path::new("runs"), "plasticity"));
        let threads = self.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
        catch_interrupts();
        let bar = Bar::new();
        let place = Workplace { out: &out, cache: Path::new(".qgraft-cache"), threads: threads.max(1) };
        let outcome = plasticity::run(&spec, &place, &bar);
        bar.done();
        let outcome = outcome?;
        let text = if self.json { outcome.findings.to_json()? } else { told(&outcome.findings) };
        std::io::stdout().lock().write_all(text.as_bytes())?;
        eprintln!("report: {}", outcome.folder.join("report.html").display());
        Ok(())
    }
}

fn told(findings: &Findings) -> String {
    let tables = [plasticity::table(findings), plasticity::checks(findings)].map(|plain| {
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
