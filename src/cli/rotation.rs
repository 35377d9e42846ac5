//! `qgraft run rotation`: the rotation angle of a picture, by heads that know the circle and one that does not.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use comfy_table::{ContentArrangement, Table, presets};

use crate::cli::progress::{Bar, catch_interrupts};
use crate::cli::run::{next_free, set};
use crate::systems::rotation::{self, Findings, Spec};
use crate::systems::{Progress, Workplace};

/// The rotation angle of drawn scenes, told by six heads on the same network.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  qgraft run rotation --quick
  qgraft run rotation --heads unit_vector,gaussian --seeds 5")]
pub struct Rotation {
    /// Heads, separated by commas: naive, direct, bins, unit_vector, phase_shift, gaussian.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    heads: Option<Vec<String>>,
    /// Number of seeds: 0, 1, …
    #[arg(long, value_name = "N")]
    seeds: Option<u64>,
    /// Epochs of training.
    #[arg(long, value_name = "N")]
    epochs: Option<usize>,
    /// A quick cut: one seed, few epochs and scenes.
    #[arg(long)]
    quick: bool,
    /// The run folder to make; runs/rotation-N by default.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Number of threads; all cores by default. Results do not depend on it.
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Print metrics.json instead of the table.
    #[arg(long)]
    json: bool,
}

impl Rotation {
    fn spec(&self) -> Result<Spec> {
        let mut spec = Spec::default();
        if self.quick {
            spec.quick();
        }
        set(&mut spec.heads, &self.heads);
        set(&mut spec.seeds, &self.seeds.map(|count| (0..count).collect()));
        set(&mut spec.train.epochs, &self.epochs);
        spec.check().context("in the resolved spec")?;
        Ok(spec)
    }

    /// Runs the comparison.
    pub fn run(&self) -> Result<()> {
        let spec = self.spec()?;
        let out = self.out.clone().unwrap_or_else(|| next_free(Path::new("runs"), "rotation"));
        let threads = self.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
        catch_interrupts();
        let bar = Bar::new();
        let place = Workplace { out: &out, cache: Path::new(".qgraft-cache"), threads: threads.max(1) };
        let outcome = rotation::run(&spec, &place, &bar);
        bar.done();
        let outcome = outcome?;
        let text = if self.json { outcome.findings.to_json()? } else { told(&outcome.findings) };
        std::io::stdout().lock().write_all(text.as_bytes())?;
        eprintln!("report: {}", outcome.folder.join("report.html").display());
        Ok(())
    }
}

fn told(findings: &Findings) -> String {
    let plain = rotation::table(findings);
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_header(plain.header);
    table.add_rows(plain.rows);
    format!("{}\n\n{table}\n", plain.caption)
}
