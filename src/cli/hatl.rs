//! `qgraft run hatl`: blocks released by the validation metric, on simulated signing.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use comfy_table::{ContentArrangement, Table, presets};

use crate::cli::progress::{Bar, catch_interrupts};
use crate::cli::run::{next_free, set};
use crate::systems::hatl::{self, Findings, Spec};
use crate::systems::{Progress, Workplace};

/// Hierarchical adaptive transfer from gross motions to signed sentences, beside other schedules.
///
/// Without arguments: every schedule under one seed with few sentences, in less than a minute.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  qgraft run hatl
  qgraft run hatl --arms hatl,frozen,full --seeds 3
  qgraft run hatl --full
  qgraft run hatl --head quantum --arms hatl,frozen,full")]
pub struct Hatl {
    /// Start from the spec in this TOML file.
    #[arg(long, value_name = "FILE", conflicts_with = "full")]
    spec: Option<PathBuf>,
    /// Schedules, separated by commas: hatl, no_restore, one_rate, bottom_up, fixed, frozen, full, gradual, chain_thaw,
    /// layer_rates, scratch.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    arms: Option<Vec<String>>,
    /// `translator`, or a head that tells single glosses apart (see `qgraft list heads`).
    #[arg(long, value_name = "NAME")]
    head: Option<String>,
    /// Number of seeds: 0, 1, …
    #[arg(long, value_name = "N")]
    seeds: Option<u64>,
    /// Sentences to learn from.
    #[arg(long, value_name = "N")]
    sentences: Option<usize>,
    /// Epochs of the target task.
    #[arg(long, value_name = "N")]
    epochs: Option<usize>,
    /// Five seeds, 300 sentences and enough epochs to release every block.
    #[arg(long)]
    full: bool,
    /// The quick cut, which is the default.
    #[arg(long, conflicts_with_all = ["full", "spec"])]
    quick: bool,
    /// The run folder to make; runs/hatl-N by default.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Number of threads; all cores by default. Results do not depend on it.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Print metrics.json instead of the tables.
    #[arg(long)]
    json: bool,
}

impl Hatl {
    fn spec(&self) -> Result<Spec> {
        let mut spec = match &self.spec {
            Some(path) => Spec::read(path)?,
            None => Spec::default(),
        };
        if self.full {
            spec.full();
        }
        set(&mut spec.arms, &self.arms);
        set(&mut spec.head, &self.head);
        set(&mut spec.seeds, &self.seeds.map(|count| (0..count).collect()));
        set(&mut spec.sentences, &self.sentences);
        set(&mut spec.target.epochs, &self.epochs);
        spec.check().context("in the resolved spec")?;
        Ok(spec)
    }

    /// Runs the comparison.
    pub fn run(&self) -> Result<()> {
        let spec = self.spec()?;
        let out = self.out.clone().unwrap_or_else(|| next_free(Path::new("runs"), "hatl"));
        let threads = self.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
        catch_interrupts();
        let bar = Bar::new();
        let place = Workplace { out: &out, cache: Path::new(".qgraft-cache"), threads: threads.max(1) };
        let outcome = hatl::run(&spec, &place, &bar);
        bar.done();
        let outcome = outcome?;
        let text = if self.json { outcome.findings.to_json()? } else { told(&outcome.findings) };
        std::io::stdout().lock().write_all(text.as_bytes())?;
        eprintln!("report: {}", outcome.folder.join("report.html").display());
        Ok(())
    }
}

fn told(findings: &Findings) -> String {
    let tables = [hatl::table(findings), hatl::checks(findings)].map(|plain| {
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
