//! `qgraft run soh`: battery state of health with intervals, on cells of another domain.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use comfy_table::{ContentArrangement, Table, presets};

use crate::cli::progress::{Bar, catch_interrupts};
use crate::cli::run::{next_free, set};
use crate::systems::soh::{self, Findings, Spec};
use crate::systems::{Progress, Workplace};

/// State of health of battery cells of another domain, forecast with conformal intervals.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  qgraft run soh --quick
  qgraft run soh --full --json > soh.json
  qgraft run soh --targets hard --arms source_only,fine_tune --head quantum
  qgraft run soh --data data/cells/pybamm.csv")]
pub struct Soh {
    /// Head of the network (see `qgraft list heads`): linear, quantum, …; any but the first is judged beside linear and
    /// mlp_a.
    #[arg(long, value_name = "NAME")]
    head: Option<String>,
    /// A CSV file of lives to go to, in place of the target domains: columns cell, charge, discharge (C-rates), throughput
    /// (Ah, in steps of 500) and health.
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// Target domains, separated by commas: hard, mild, pybamm, none.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    targets: Option<Vec<String>>,
    /// Arms, separated by commas: source_only, fine_tune, prefix, mmd, coral.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    arms: Option<Vec<String>>,
    /// Weights of the penalty to choose from without the target, separated by commas.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    lambdas: Option<Vec<f64>>,
    /// Share of points that intervals may miss.
    #[arg(long, value_name = "SHARE")]
    alpha: Option<f64>,
    /// Number of seeds: 0, 1, …
    #[arg(long, value_name = "N")]
    seeds: Option<u64>,
    /// Epochs of training.
    #[arg(long, value_name = "N")]
    epochs: Option<usize>,
    /// A quick cut: one seed, two targets, a small network, few epochs.
    #[arg(long, conflicts_with = "full")]
    quick: bool,
    /// Five seeds and the whole grid of penalties.
    #[arg(long)]
    full: bool,
    /// The run folder to make; runs/soh-N by default.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Number of threads; all cores by default. Results do not depend on it.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Print metrics.json instead of the table.
    #[arg(long)]
    json: bool,
}

impl Soh {
    fn spec(&self) -> Result<Spec> {
        let mut spec = Spec::default();
        if self.quick {
            spec.quick();
        }
        if self.full {
            spec.full();
        }
        set(&mut spec.head, &self.head);
        if spec.head != "linear" {
            spec.beside = ["linear", "mlp_a"].into_iter().filter(|name| *name != spec.head).map(String::from).collect();
        }
        if self.data.is_some() {
            spec.data.clone_from(&self.data);
            spec.targets.clear();
        }
        set(&mut spec.targets, &self.targets);
        set(&mut spec.arms, &self.arms);
        set(&mut spec.lambdas, &self.lambdas);
        set(&mut spec.alpha, &self.alpha);
        set(&mut spec.seeds, &self.seeds.map(|count| (0..count).collect()));
        set(&mut spec.train.epochs, &self.epochs);
        spec.check().context("in the resolved spec")?;
        Ok(spec)
    }

    /// Runs the comparison.
    pub fn run(&self) -> Result<()> {
        let spec = self.spec()?;
        let out = self.out.clone().unwrap_or_else(|| next_free(Path::new("runs"), "soh"));
        let threads = self.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
        catch_interrupts();
        let bar = Bar::new();
        let place = Workplace { out: &out, cache: Path::new(".qgraft-cache"), threads: threads.max(1) };
        let outcome = soh::run(&spec, &place, &bar);
        bar.done();
        let outcome = outcome?;
        let text = if self.json { outcome.findings.to_json()? } else { told(&outcome.findings) };
        std::io::stdout().lock().write_all(text.as_bytes())?;
        eprintln!("report: {}", outcome.folder.join("report.html").display());
        Ok(())
    }
}

fn told(findings: &Findings) -> String {
    let shown = |plain: crate::study::battery::Table| {
        let mut table = Table::new();
        table
            .load_style(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_header(plain.header);
        table.add_rows(plain.rows);
        format!("{}\n\n{table}\n\n", plain.caption)
    };
    let criterion = |c: &soh::Criterion| {
        let verdict = if c.holds { "holds" } else { "does not hold" };
        format!("{}: {:.3}, {verdict} ({:.3} to {:.3})\n", c.what, c.measured, c.range.0, c.range.1)
    };
    let criteria: String = findings.criteria.iter().map(criterion).collect();
    format!("{}{}{criteria}", shown(soh::table(findings)), shown(soh::heads(findings)))
}
