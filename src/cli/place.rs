//! Where a system runs and what it leaves behind: options that every system has.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Result;
use comfy_table::{ContentArrangement, presets};

use crate::cli::progress::{Bar, catch_interrupts};
use crate::report::Table;
use crate::study::Observer;
use crate::study::StudyError;
use crate::systems::Workplace;

/// Options of every system.
#[derive(clap::Args)]
pub struct Place {
    /// The run folder to make; runs/SYSTEM-N by default. A folder with something in it is refused.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Folder of cached features.
    #[arg(long, value_name = "DIR", default_value = ".qgraft-cache")]
    cache: PathBuf,
    /// Number of threads; all cores by default. Results do not depend on it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Print metrics.json instead of the tables.
    #[arg(long)]
    json: bool,
}

impl Place {
    /// Runs system `name` as `work`, which gives what was found and the run folder, and prints that: `json` for machines,
    /// `told` for people.
    pub fn run<Found>(
        &self,
        name: &str,
        work: impl FnOnce(&Workplace, &Bar) -> Result<(Found, PathBuf), StudyError>,
        json: impl FnOnce(&Found) -> Result<String, StudyError>,
        told: impl FnOnce(&Found) -> String,
    ) -> Result<()> {
        let out = self.out.clone().unwrap_or_else(|| next_free(Path::new("runs"), name));
        let all = || std::thread::available_parallelism().map_or(1, usize::from);
        let threads = self.threads.map_or_else(all, usize::from);
        catch_interrupts();
        let bar = Bar::new();
        let outcome = work(&Workplace { out: &out, cache: &self.cache, threads }, &bar);
        bar.done();
        let (found, folder) = outcome?;
        let text = if self.json { json(&found)? } else { told(&found) };
        std::io::stdout().lock().write_all(text.as_bytes())?;
        eprintln!("report: {}", folder.join("report.html").display());
        Ok(())
    }
}

/// `parent/name-1`, or the first number after it that is not taken.
pub fn next_free(parent: &Path, name: &str) -> PathBuf {
    let candidate = |number: usize| parent.join(format!("{name}-{number}"));
    (1..).map(candidate).find(|path| !path.exists()).expect("numbers do not run out")
}

/// Tables as text, each under its caption.
pub fn shown(tables: impl IntoIterator<Item = Table>) -> String {
    let one = |plain: Table| {
        let mut table = comfy_table::Table::new();
        table
            .load_style(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_header(plain.header);
        table.add_rows(plain.rows);
        format!("{}\n\n{table}\n", plain.caption)
    };
    tables.into_iter().map(one).collect::<Vec<_>>().join("\n")
}
