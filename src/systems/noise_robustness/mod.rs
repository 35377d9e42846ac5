//! How robust a trained circuit is against calibrated noise, and whether that robustness is real.
//!
//! A head from a run folder, a circuit from a file, or heads trained here three ways (without noise, under a device's noise,
//! and with noise of another strength in every batch) → every source, device, strength, mitigation and number of shots →
//! three analytic controls → one honest report.
//!
//! * [`Spec`]: everything that decides the result. [`SOURCES`]: what of the noise can be looked at alone.
//! * [`run`]: the whole benchmark, into one run folder. [`Findings`]: what it found.

mod bench;
mod card;
mod controls;
mod environment;
mod findings;
mod measure;
mod page;
mod spec;
mod subject;

pub use bench::{SOURCES, SourceRow};
pub use controls::{CONTRACTION_TOLERANCE, KnownContraction, Refit, Thresholds};
pub use findings::Findings;
pub use measure::{GradientPoint, Point};
pub use page::table;
pub use spec::{FORMAT, JUDGED_AT, Spec};

use std::path::PathBuf;

use crate::nn::NnError;
use crate::study::files::RunFolder;
use crate::study::{Observer, StudyError};
use crate::systems::{SystemRow, Workplace, inputs};

use bench::Bench;
use findings::Material;
use subject::Workshop;

/// Its row in the table of systems.
pub const ROW: SystemRow = SystemRow {
    name: "noise_robustness",
    doc: "Trained circuits under scaled calibrated noise, with mitigation and three analytic controls (after Wang et al. \
          2021, arXiv 2007.14384; Takagi et al. 2022, arXiv 2109.04457)",
    card: &card::CARD,
};

/// Rows of random angles that a circuit without a head is run with.
const DRAWN_ROWS: usize = 32;

/// What a run leaves behind.
#[derive(Debug)]
pub struct Outcome {
    /// What was found.
    pub findings: Findings,
    /// The run folder.
    pub folder: PathBuf,
}

/// Runs the benchmark and writes its folder: report.html, metrics.json, points.csv, spec.toml.
///
/// # Errors
/// On a bad spec, unreadable files, a training that diverges, a folder that cannot be written, or when `progress` says
/// stop; nothing half-written is left behind.
pub fn run(spec: &Spec, place: &Workplace<'_>, progress: &dyn Observer) -> Result<Outcome, StudyError> {
    let mut spec = spec.clone();
    spec.check()?;
    // Made and dropped again: a folder that is taken should be said before the work, not after.
    RunFolder::create(place.out).map(drop)?;
    let exported = spec.head.clone().map(|folder| subject::adopt(&mut spec, &folder).map(|(l, s)| (folder, l, s)));
    let exported = exported.transpose()?;
    let (ansatz, subjects, bench, title, mut notices) = match &spec.circuit_file {
        Some(path) => {
            let (ansatz, subject) = subject::from_file(path, DRAWN_ROWS)?;
            let bench = Bench::new(&spec, ansatz.clone())?;
            let title = format!("Noise robustness of {}", subject.name);
            (ansatz, vec![subject], bench, title, Vec::new())
        }
        None => {
            let inputs = inputs::load(&spec.data, &spec.backbone, (place.cache, place.threads), progress)?;
            let (qubits, depth) = (spec.circuit.qubits, spec.circuit.depth);
            let ansatz = spec.family()?.build(qubits, depth, true).map_err(NnError::from)?;
            let bench = Bench::new(&spec, ansatz.clone())?;
            let workshop = Workshop { spec: &spec, features: &inputs.features, bench: &bench, threads: place.threads };
            let subjects = match &exported {
                Some((folder, label, seed)) => vec![workshop.load(folder, label, *seed)?],
                None => {
                    let rows = inputs.features.samples.of(crate::data::Part::Train).len();
                    progress.stage("training", 3 * spec.seeds.len() * spec.train.epochs * rows);
                    workshop.train(progress)?
                }
            };
            let title = format!("Noise robustness: {} · {}", inputs.title, spec.circuit.ansatz);
            (ansatz, subjects, bench, title, inputs.notices)
        }
    };
    notices.extend(bench.notices()?);
    let points = measure::points(&spec, &bench, &subjects, place.threads, progress)?;
    let gradients = measure::gradient_points(&spec, &bench, &ansatz)?;
    let contractions = controls::contractions(&ansatz, &subjects[0])?;
    let shots = spec.shots.first().copied().unwrap_or(1024);
    let thresholds = controls::thresholds(&ansatz, &subjects[0], shots)?;
    progress.done();
    let material = Material { title, points, gradients, contractions, thresholds, notices };
    let findings = findings::tell(&spec, &subjects, material)?;

    let folder = RunFolder::create(place.out)?;
    folder.write("spec.toml", spec.to_toml().as_bytes())?;
    folder.write("metrics.json", findings.to_json()?.as_bytes())?;
    folder.write("points.csv", &page::points(&findings).csv())?;
    folder.write("report.html", page::page(&spec, &findings).html().as_bytes())?;
    Ok(Outcome { findings, folder: folder.finish()? })
}
