//! Hybrid classical-quantum transfer learning under device noise: the main job.
//!
//! Images → features of a frozen backbone → heads trained side by side over seeds → every circuit head judged ideal,
//! under calibrated devices and with shots → one honest report. Reference: "Hybrid Classical-Quantum Transfer Learning
//! with Noisy Quantum Circuits", arXiv 2603.16973.
//!
//! * [`Spec`]: everything that decides the result; [`PRESETS`] are ready ones.
//! * [`run`]: the whole river, into one run folder. [`SavedHead`]: its trained circuit, read back.

mod artifacts;
pub mod battery;
mod card;
mod experiment;
mod judge;
mod kernel;
mod presets;
mod saved;
mod setting;
mod spec;

pub use crate::systems::Workplace;
pub use crate::systems::spec::{Backbone, Circuit, Data, DataKind};
pub use presets::{PRESETS, PresetRow, quick};
pub use saved::SavedHead;
pub use setting::Setting;
pub use spec::{FORMAT, HeadChoice, Judge, Spec};

use std::path::PathBuf;

use crate::data::Part;
use crate::study::energy::{EnergySource, Meter};
use crate::study::report::{Environment, Report};
use crate::study::{Observer, StudyError};
use crate::systems::{SystemRow, inputs};

use artifacts::Exported;
use experiment::{Executions, Table, Trained};

/// Its row in the table of systems.
pub const ROW: SystemRow = SystemRow {
    name: "qtl",
    doc: "Quantum and classical heads on a frozen backbone, judged under calibrated noise (arXiv 2603.16973)",
    card: &card::CARD,
};

/// What a run leaves behind.
#[derive(Debug)]
pub struct Outcome {
    /// The report.
    pub report: Report,
    /// The run folder.
    pub folder: PathBuf,
}

/// Runs the study and writes its folder.
///
/// # Errors
/// On a bad spec, unreadable data or weights, a training that diverges, a folder that cannot be written, or when
/// `progress` says stop; nothing half-written is left behind.
pub fn run(spec: &Spec, place: &Workplace<'_>, progress: &dyn Observer) -> Result<Outcome, StudyError> {
    spec.check()?;
    // A folder that is taken should be said before the work, not after.
    artifacts::check_free(place.out)?;
    let source = EnergySource::default();
    let meter = Meter::start(&source);
    let inputs = inputs::load(&spec.data, &spec.backbone, place, progress)?;
    let table = Table::of(&inputs.features)?;
    let heads = spec.choices()?;
    let shape = spec.shape(inputs.features.values.ncols(), table.classes);
    let executions = Executions::compile(spec, &heads, &shape)?;
    let mut trained = experiment::run(spec, &heads, &table, &executions, place.threads, progress)?;
    progress.done();

    let samples = &inputs.features.samples;
    let labels: Vec<usize> = samples.of(Part::Validation).into_iter().map(|i| samples.labels[i]).collect();
    let mut report = judge::report(&judge::Judged {
        heads: &heads,
        trained: &trained,
        labels: &labels,
        classes: &samples.classes,
        training_rows: table.training.len(),
    })?;
    let exported = Exported::find(spec, &heads, &mut trained, &table, &executions)?;
    report.title = format!("{} · {}", inputs.title, spec.circuit.ansatz);
    report.circuit = exported.as_ref().map(Exported::drawing);
    report.environment = environment(spec, &trained, &executions)?;
    report.settings = settings(spec);
    report.notices = inputs.notices.iter().chain(&executions.notices).cloned().collect();
    report.timing.threads = place.threads;
    report.timing.total = meter.stop();
    report.timing.co2_grams = source.grams_of_co2(report.timing.total.joules);
    report.timing.basis = format!("{} W per core, {} g CO2e per kWh", source.watts_per_core, source.grid_grams_per_kwh);
    let folder = artifacts::write(place.out, spec, &heads, &trained, samples, report.clone(), exported.as_ref())?;
    Ok(Outcome { report, folder })
}

fn environment(spec: &Spec, trained: &[Trained], executions: &Executions) -> Result<Environment, StudyError> {
    let circuits = trained.iter().any(|run| run.judged.len() > 1);
    Ok(Environment {
        engine: if circuits { executions.engines(spec.train.batch) } else { "no head runs a circuit".into() },
        precision: "f32 features and heads, f64 circuits".into(),
        device: format!("cpu ({})", std::env::consts::ARCH),
        versions: vec![("qgraft".into(), env!("CARGO_PKG_VERSION").into())],
    })
}

/// The spec as name and value, for people.
fn settings(spec: &Spec) -> Vec<(String, String)> {
    fn flatten(prefix: &str, value: &toml::Value, found: &mut Vec<(String, String)>) {
        match value {
            toml::Value::Table(table) => {
                for (key, inner) in table {
                    let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                    flatten(&name, inner, found);
                }
            }
            toml::Value::String(text) => found.push((prefix.into(), text.clone())),
            other => found.push((prefix.into(), other.to_string())),
        }
    }
    let mut found = Vec::new();
    // A spec is plain data, as in `Spec::to_toml`.
    flatten("", &toml::Value::try_from(spec).expect("a spec is plain data"), &mut found);
    found
}
