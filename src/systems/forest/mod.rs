//! Random forests into networks: by distillation, and by exact conversion (after Sung et al. 2026, arXiv:2603.25699).
//!
//! A table → rows to learn from, to choose on, to judge on → a forest → students on [`TARGETS`] → the best of them, by
//! validation or [`Guided`] by other tables; a student behind a linear stage ([`Joined`]); and the forest itself as
//! [`ForestNetwork`], exact or with sigmoids and trained on.
//!
//! * [`Spec`]: everything that decides the result. [`run`]: the whole, into one run folder. [`Findings`]: what it found.

mod card;
mod describe;
mod findings;
mod guided;
mod measure;
mod network;
mod page;
mod pipeline;
mod spec;
mod student;
mod targets;
mod task;

pub use describe::{DESCRIBED, DescribedRow};
pub use findings::{CHECKS, Findings};
pub use guided::Guided;
pub use measure::{Conversion, Found, Learned, Quality, quality};
pub use network::{ForestNetwork, Gate};
pub use page::{checks, choices, means, table};
pub use pipeline::Joined;
pub use spec::{Converted, FORMAT, Shape, Spec};
pub use student::predict;
pub use targets::{Imitation, TARGETS, TargetRow, mixed, swapped};
pub use task::{Rows, Task};

use std::path::PathBuf;

use crate::study::files::RunFolder;
use crate::study::{Observer, StudyError};
use crate::systems::{SystemRow, Workplace};

/// Its row in the table of systems.
pub const ROW: SystemRow = SystemRow {
    name: "forest",
    doc: "Random forests into networks by distillation and by exact conversion (after Sung et al. 2026, arXiv 2603.25699)",
    card: &card::CARD,
};

/// What a run leaves behind.
#[derive(Debug)]
pub struct Outcome {
    /// What was found.
    pub findings: Findings,
    /// The run folder.
    pub folder: PathBuf,
}

/// Trains and judges every student and writes a folder: report.html, metrics.json, spec.toml.
///
/// # Errors
/// On a bad spec or table, a training that diverges, a folder that cannot be written, or when `progress` says stop;
/// nothing half-written is left behind.
pub fn run(spec: &Spec, place: &Workplace<'_>, progress: &dyn Observer) -> Result<Outcome, StudyError> {
    spec.check()?;
    // Made and dropped again: a folder that is taken should be said before the work, not after.
    RunFolder::create(place.out).map(drop)?;
    let tables = task::tables(spec)?;
    let findings = Findings::of(spec, measure::measure(spec, &tables, place.threads, progress)?);
    let folder = RunFolder::create(place.out)?;
    folder.write("spec.toml", spec.to_toml().as_bytes())?;
    folder.write("metrics.json", findings.to_json()?.as_bytes())?;
    folder.write("report.html", page::page(&findings).html().as_bytes())?;
    Ok(Outcome { findings, folder: folder.finish()? })
}
