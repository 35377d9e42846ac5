//! Hierarchical adaptive transfer: blocks released by the validation metric (after Shahin & Ismail 2026,
//! arXiv:2603.19260), on simulated signing and on pictures.
//!
//! Gross motions of a drawn body → a temporal backbone that knows them → signed sentences and their text, learned under
//! one schedule per arm in equally many updates → BLEU-4. Or: a pretrained backbone → pictures under a quantum head.
//!
//! * [`TASKS`]: what is learned. [`ARMS`]: what is compared. [`Spec`]: everything that decides the result.
//! * [`run`]: the whole comparison, into one run folder. [`Findings`]: what it found.
//! * [`Sentence`] and [`signed`]: the language and its films; films of one's own are read as the page of the system says.
//!   [`Search`]: how texts are looked for. [`bleu`] and [`rouge_l`]: how translations are judged.

mod arms;
mod card;
mod corpus;
mod findings;
mod judge;
mod language;
mod measure;
mod network;
mod page;
mod pictures;
mod read;
mod score;
mod search;
mod signs;
mod spec;
mod task;

pub use arms::{ARMS, ArmRow, Schedule};
pub use corpus::Lexicon;
pub use findings::{ArmFound, CHECKS, Findings};
pub use language::{GLOSSES, LONGEST, Mood, Sentence, WORDS, foreign, numbered, sign, vocabulary};
pub use page::{checks, table};
pub use score::{bleu, rouge_l};
pub use search::Search;
pub use signs::{Action, Camera, Film, JOINTS, LOCATIONS, MOVEMENTS, SHAPES, Sign, Signer, acted, signed};
pub use spec::{FORMAT, First, Pictures, Sizes, Spec, Weights};
pub use task::{TASKS, TaskRow};

use std::path::PathBuf;

use crate::study::files::RunFolder;
use crate::study::{Observer, StudyError};
use crate::systems::{SystemRow, Workplace};

/// Its row in the table of systems.
pub const ROW: SystemRow = SystemRow {
    name: "hatl",
    doc: "Hierarchical adaptive transfer: blocks released by the validation metric, on simulated signing (after Shahin & \
          Ismail 2026, arXiv 2603.19260)",
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
    let findings = Findings::of(spec, &measure::measure(spec, place.threads, progress)?);
    let folder = RunFolder::create(place.out)?;
    folder.write("spec.toml", spec.to_toml().as_bytes())?;
    folder.write("metrics.json", findings.to_json()?.as_bytes())?;
    folder.write("report.html", page::page(spec, &findings).html().as_bytes())?;
    Ok(Outcome { findings, folder: folder.finish()? })
}
