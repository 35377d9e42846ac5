//! Trials: a head is trained, or taken as it is, and its circuit evaluated under every condition; gradients; controls.

use ndarray::Array2;

use crate::lab::{Context, Measurement, Point, StudyError};
use crate::sim::{Condition, Execution, Executions, ObservedCircuit};
use crate::study::TrainedHead;
use crate::study::landscape::{self, StartRow};
use crate::study::metric::probability::{calibration_error, log_loss};
use crate::systems::conditions::add_notices;
use crate::systems::hold_out::Rows;
use crate::systems::noise_robustness::arms::ArmRow;
use crate::systems::noise_robustness::batch::{CircuitBatch, attenuation};
use crate::systems::noise_robustness::conditions::{conditions, is_exact_and_unmitigated, on_device};
use crate::systems::noise_robustness::controls;
use crate::systems::noise_robustness::source::{CircuitSource, with_weights};
use crate::systems::noise_robustness::spec::Spec;
use crate::systems::saved_head::HEAD_FILE;

/// Random sets of weights over which the variance of gradients is taken.
const STARTS: usize = 64;
/// Number of shots of the controls where the settings have none.
const CONTROL_SHOTS: usize = 1024;

/// What every trial reads.
pub struct Inputs {
    /// Where circuits come from.
    pub(super) source: CircuitSource,
    /// Compiled circuits.
    pub(super) executions: Executions,
}

/// A circuit evaluated under every condition. The head is kept as a file.
///
/// # Errors
/// If a training diverges, a simulator or a noise model refuses the circuit, or the user wants to stop.
pub fn evaluate(spec: &Spec, inputs: &Inputs, at: &Point, context: &Context) -> Result<Measurement, StudyError> {
    let Inputs { source, executions } = inputs;
    let of_head = |head: &TrainedHead, rows: &Rows| -> Result<(Measurement, CircuitBatch), StudyError> {
        Ok((Measurement::default().file(HEAD_FILE, head.to_bytes()?), CircuitBatch::of_head(head, rows)?))
    };
    let (mut found, batch) = match source {
        CircuitSource::File(batch) => (Measurement::default(), batch.clone()),
        CircuitSource::Run(run, rows) => of_head(&run.head, rows)?,
        CircuitSource::Training(rows) => {
            let arm = ArmRow::named(at.get("arm"))?;
            of_head(&arm.train(spec, (rows, executions), at.seed(), context.observer)?, rows)?
        }
    };
    let (observed, seed) = (ObservedCircuit::from(&batch.ansatz), source.seed(at));
    let execution = executions.compile(&observed, &Condition::default(), seed)?;
    let ideal = batch.expectations(&execution)?;
    for (metric, value) in classification(&batch, &ideal, Some(&execution))? {
        found = found.value(metric, value);
    }
    if attenuation(&ideal, &ideal).is_none() {
        let reason = "every expectation value is 0 without noise, by a symmetry perhaps: nothing can be attenuated";
        found = found.notice(reason);
    }
    for evaluated in conditions(spec) {
        context.proceed()?;
        let execution = executions.compile(&observed, &evaluated.condition, seed)?;
        add_notices(&mut found, &execution, &evaluated.condition);
        let noisy = batch.expectations(&execution)?;
        let refitted = is_exact_and_unmitigated(&evaluated.condition).then_some(&execution);
        let mut values = classification(&batch, &noisy, refitted)?;
        if let Some((slope, offset)) = attenuation(&ideal, &noisy) {
            values.extend([("attenuation", slope), ("offset", offset)]);
        }
        for (metric, value) in values {
            found = found.under(&evaluated.at(), metric, value);
        }
    }
    Ok(found)
}

/// Metrics of the predictions from expectation values (rows, observables), and the accuracy of a read-out that is fitted
/// anew under `refitted`; none for a circuit alone.
fn classification(
    batch: &CircuitBatch,
    expectations: &Array2<f64>,
    refitted: Option<&Execution>,
) -> Result<Vec<(&'static str, f64)>, StudyError> {
    let Some(read_out) = &batch.read_out else { return Ok(Vec::new()) };
    let predictions = read_out.predictions(expectations)?;
    let mut found = vec![("accuracy", predictions.accuracy())];
    let others = [("log_loss", log_loss(&predictions)), ("calibration_error", calibration_error(&predictions))];
    found.extend(others.into_iter().filter_map(|(metric, value)| Some((metric, value.ok()?))));
    if let Some(execution) = refitted {
        let refitted = read_out.refit(batch, execution)?;
        found.push(("refitted", read_out.accuracy_of(&refitted, expectations)));
    }
    Ok(found)
}

/// Variance of gradients over random weights, without noise and under all noise of every device.
///
/// # Errors
/// If a simulator or a noise model refuses the circuit, or the user wants to stop.
pub fn gradients(spec: &Spec, executions: &Executions, context: &Context) -> Result<Measurement, StudyError> {
    let mut found = Measurement::default();
    let Some(ansatz) = with_weights(spec)? else { return Ok(found) };
    let weights = StartRow::named("uniform")?.weights(&ansatz, spec.circuit.depth, STARTS, 0);
    let observed = ObservedCircuit::from(&ansatz);
    let variance = |condition: &Condition| -> Result<f64, StudyError> {
        context.proceed()?;
        let execution = executions.compile(&observed, condition, 0)?;
        Ok(landscape::gradients(&execution, ansatz.inputs, &weights, 0)?.variance)
    };
    found = found.value("gradient_variance", variance(&Condition::default())?);
    for device in &spec.devices {
        for &scale in &spec.scales {
            let at = [("device", device.as_str()), ("scale", &scale.to_string())];
            found = found.under(&at, "gradient_variance", variance(&on_device(spec, device, scale))?);
        }
    }
    Ok(found)
}

/// The controls on the circuit of a finished trial.
///
/// # Errors
/// If its head cannot be read, or the simulator refuses the circuit.
pub fn control(spec: &Spec, source: &CircuitSource, at: &Point, context: &Context) -> Result<Measurement, StudyError> {
    let batch = match source {
        CircuitSource::File(batch) => batch.clone(),
        CircuitSource::Run(_, rows) | CircuitSource::Training(rows) => {
            let before = evaluated_before(at);
            let trial = context.finished(&before)?;
            let missing = || StudyError::MissingTrial { trial: format!("{HEAD_FILE} of {before}") };
            let bytes = trial.files.get(HEAD_FILE).ok_or_else(missing)?;
            CircuitBatch::of_head(&TrainedHead::from_bytes(bytes, HEAD_FILE.as_ref())?, rows)?
        }
    };
    controls::run(&batch, spec.shots.first().copied().unwrap_or(CONTROL_SHOTS), source.seed(at))
}

/// The evaluation whose circuit the controls of this point take.
pub fn evaluated_before(at: &Point) -> Point {
    Point { grid: super::MAIN.into(), ..at.clone() }
}
