//! Files of the run folder besides those that every run has.

use crate::circuit::qasm::{WriteOptions, write2, write3};
use crate::lab::{Files, Results, TrialFiles};
use crate::nn::NnError;
use crate::study::files::append_rows;
use crate::study::{StudyError, TrainedHead};
use crate::systems::head_choice::HeadChoice;
use crate::systems::qtl::spec::Spec;
use crate::systems::qtl::trial::{EVALUATED, Kept, PREDICTIONS_FILE};
use crate::systems::saved_head::HEAD_FILE;

/// predictions.csv of all trials; and of the first head with a circuit under its first seed its parameters, and its circuit
/// as circuit JSON (open), OpenQASM 2 (bound to the first evaluated row) and OpenQASM 3 (features as `input float`).
///
/// # Errors
/// If a stored file cannot be read.
pub fn artifacts(spec: &Spec, results: &Results, files: &TrialFiles) -> Result<Files, StudyError> {
    let mut found = Vec::new();
    let mut predictions: Vec<u8> = Vec::new();
    let mut exported = None;
    for trial in results.trials("main") {
        let choice = HeadChoice::named(trial.point.get("head"), &spec.circuit)?;
        for (name, bytes) in files(&trial.point)? {
            match name.as_str() {
                PREDICTIONS_FILE => append_rows(&mut predictions, &bytes),
                HEAD_FILE if exported.is_none() && choice.has_circuit() => exported = Some((trial, bytes)),
                _ => {}
            }
        }
    }
    if !predictions.is_empty() {
        found.push((PREDICTIONS_FILE.into(), predictions));
    }
    if let Some((trial, bytes)) = exported {
        let head = TrainedHead::from_bytes(&bytes, HEAD_FILE.as_ref())?;
        let mut circuit = head.circuit()?;
        circuit.measure_all().map_err(NnError::from)?;
        found.push(("circuit3.qasm".into(), write3(&circuit, &WriteOptions::default()).into_bytes()));
        let kept: Option<Kept> = trial.measurement.kept(EVALUATED);
        if let Some(kept) = kept {
            let bound = circuit.bind(&kept.inputs).map_err(NnError::from)?;
            found.push(("circuit.qasm".into(), write2(&bound).map_err(NnError::from)?.into_bytes()));
        }
        if let Some(ansatz) = &head.model.ansatz {
            found.push(("circuit.json".into(), ansatz.circuit.to_json().into_bytes()));
        }
        found.push((HEAD_FILE.into(), bytes));
    }
    Ok(found)
}
