//! Cells in smears: one detector under three remedies for rare classes, fused (after Kogan & Rios 2026, arXiv:2603.23742).
//!
//! Drawn fields or photographs with boxes → a small detector under each remedy → boxes of all three, fused in every way of
//! [`FUSIONS`](crate::classic::boxes::FUSIONS) → average precision against the best of them. Beside it detectors that are
//! drawn instead of trained, whose errors are alike to a known degree.
//!
//! * [`REMEDIES`]: what is fused. [`Spec`]: everything that decides the result.
//! * [`run`]: the whole comparison, into one run folder. [`Findings`]: what it found.

mod card;
mod cells;
mod detector;
mod ensemble;
mod material;
mod measure;
mod members;
mod page;
mod picture;
mod simulate;
mod spec;
mod stage;

pub use cells::{CELLS, CellRow, Field, Slide};
pub use detector::{CentreLoss, Detector};
pub use ensemble::{fused, tuned};
pub use measure::{Findings, Judged, Second, Simulated};
pub use members::{REMEDIES, RemedyRow, loss_weights};
pub use page::{simulated, table};
pub use simulate::{Simulation, scenes};
pub use spec::{FORMAT, Spec};

use std::path::PathBuf;

use crate::study::files::RunFolder;
use crate::study::{Observer, StudyError};
use crate::systems::{SystemRow, Workplace};

/// Its row in the table of systems.
pub const ROW: SystemRow = SystemRow {
    name: "smear",
    doc: "Cells in smears: detectors under three remedies for rare classes, fused (after Kogan & Rios 2026, arXiv \
          2603.23742)",
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

/// Trains, simulates and judges, and writes a folder: report.html, fields.png, metrics.json, spec.toml.
///
/// # Errors
/// On a bad spec, data that cannot be read, a training that diverges, a folder that cannot be written, or when `progress`
/// says stop; nothing half-written is left behind.
pub fn run(spec: &Spec, place: &Workplace<'_>, progress: &dyn Observer) -> Result<Outcome, StudyError> {
    spec.check()?;
    // Made and dropped again: a folder that is taken should be said before the work, not after.
    RunFolder::create(place.out).map(drop)?;
    let material = material::Material::load(spec)?;
    let (findings, shown) = measure::findings(spec, &material, place.threads, progress)?;
    let png = picture::png(&material.test, &shown);
    let folder = RunFolder::create(place.out)?;
    folder.write("spec.toml", spec.to_toml().as_bytes())?;
    folder.write("metrics.json", findings.to_json()?.as_bytes())?;
    folder.write("fields.png", &png)?;
    folder.write("report.html", page::page(spec, &findings, png).html().as_bytes())?;
    Ok(Outcome { findings, folder: folder.finish()? })
}
