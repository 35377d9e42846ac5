//! Plasticity lost and restored: weights drawn anew before fine-tuning (after Coetzer, Schreuder & Bosman 2026,
//! arXiv:2603.20860, known here by its abstract).
//!
//! A source phase → the trunk under a new head → weights of low utility replaced, or one of the controls → fine-tuning →
//! learning curves of all arms from the same start.
//!
//! * [`SETTINGS`]: the transfers. [`CONTROLS`] and [`Spec`]: what is compared, and everything that decides the result.
//! * [`run`]: the whole comparison, into one run folder. [`Findings`]: what it found.

mod arms;
mod card;
mod findings;
mod health;
mod measure;
mod network;
mod page;
mod pictures;
mod spec;
mod stand_ins;
mod units;

pub use arms::{Arm, CONTROLS, Treatment, arms};
pub use findings::{ArmFound, CHECKS, Findings, SettingFound};
pub use health::{DORMANT, Health, dormant, effective_rank};
pub use page::{checks, table};
pub use pictures::Collection;
pub use spec::{Digits, FORMAT, Layers, Pictures, Spec};
pub use stand_ins::{SETTINGS, SettingRow};

use std::path::PathBuf;

use crate::study::files::RunFolder;
use crate::study::{Observer, StudyError};
use crate::systems::{SystemRow, Workplace};

/// Its row in the table of systems.
pub const ROW: SystemRow = SystemRow {
    name: "plasticity",
    doc: "Plasticity restored before fine-tuning: weights of low utility drawn anew (after Coetzer et al. 2026, arXiv \
          2603.20860)",
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

/// Trains and judges every arm and writes a folder: report.html, metrics.json, spec.toml.
///
/// # Errors
/// On a bad spec, a training that diverges, a folder that cannot be written, or when `progress` says stop; nothing
/// half-written is left behind.
pub fn run(spec: &Spec, place: &Workplace<'_>, progress: &dyn Observer) -> Result<Outcome, StudyError> {
    spec.check()?;
    // Made and dropped again: a folder that is taken should be said before the work, not after.
    RunFolder::create(place.out).map(drop)?;
    let arms = arms(spec);
    let findings = Findings::of(spec, &arms, &measure::measure(spec, &arms, place.threads, progress)?);
    let folder = RunFolder::create(place.out)?;
    folder.write("spec.toml", spec.to_toml().as_bytes())?;
    folder.write("metrics.json", findings.to_json()?.as_bytes())?;
    folder.write("report.html", page::page(spec, &findings).html().as_bytes())?;
    Ok(Outcome { findings, folder: folder.finish()? })
}
