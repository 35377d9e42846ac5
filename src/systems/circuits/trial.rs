//! One trial: a circuit from its point, and what is measured of it.

use std::sync::Arc;

use crate::circuit::ansatz::AnsatzRow;
use crate::circuit::{Ansatz, Circuit, OpKind};
use crate::device::transpile::{TranspileOptions, transpile};
use crate::device::{Device, Target};
use crate::lab::{Measurement, Point, StudyError};
use crate::nn::NnError;
use crate::sim::{CompileOptions, Condition, Cut, Execution, Executions, ObservedCircuit};
use crate::study::landscape::{self, CostRow, StartRow};
use crate::systems::circuits::spec::{GradientConfig, LAYOUTS, Spec};

/// The level of a factor whose levels are numbers.
pub fn number(at: &Point, factor: &str) -> usize {
    // Levels of these factors are written from whole numbers.
    at.get(factor).parse().unwrap_or(0)
}

fn family(at: &Point) -> Result<&'static AnsatzRow, StudyError> {
    let name = at.get("ansatz");
    let unknown = || StudyError::unknown("ansatz", name, crate::circuit::ansatz::ANSATZE.iter().map(|row| row.name));
    AnsatzRow::named(name).ok_or_else(unknown)
}

fn build(at: &Point) -> Result<Ansatz, StudyError> {
    Ok(family(at)?.build(number(at, "qubits"), number(at, "depth"), true).map_err(NnError::from)?)
}

/// The circuit of a start with its cost.
fn with_cost(at: &Point) -> Result<Ansatz, StudyError> {
    let (qubits, depth) = (number(at, "qubits"), number(at, "depth"));
    let mut ansatz = StartRow::named(at.get("start"))?.circuit(family(at)?, qubits, depth).map_err(NnError::from)?;
    ansatz.observables = vec![(CostRow::named(at.get("cost"))?.observable)(qubits)];
    Ok(ansatz)
}

/// The circuit of a block of gradients, compiled for `device` if there is one.
pub fn compile(
    spec: &Spec,
    device: Option<&Device>,
    block: &Point,
) -> Result<(Option<Execution>, Measurement), StudyError> {
    let GradientConfig { engine, cut, noise_model, source, scale, twirl, .. } = spec.gradients.clone();
    let cut = Cut { below: cut, ..Cut::default() };
    let executions = Executions::new(CompileOptions { engine, cut, twirl, ..CompileOptions::default() });
    let name = block.get("device");
    let condition = match device {
        Some(device) => {
            executions.add_device(name, Arc::new(device.clone()));
            Condition { model: noise_model, source, scale, ..Condition::on_device(name) }
        }
        None => Condition::default(),
    };
    let execution = executions.compile(&ObservedCircuit::from(&with_cost(block)?), &condition, 0)?;
    let notices = execution.notices().iter().map(|notice| format!("{name}: {notice}"));
    let mut measurement = notices.fold(Measurement::default(), Measurement::notice);
    if execution.prepared.draws(1) {
        let about = "gradients on more qubits than an exact engine runs are means of trajectories, whose chance adds to \
                     their variance; gradients.engine = \"sparse\" has none";
        measurement = measurement.notice(format!("{name}: {about}"));
    }
    if execution.engine(1).contains("sparse") {
        let about = format!("gradients by sums of Pauli strings leave out coefficients below {:e}", cut.below);
        measurement = measurement.notice(format!("{name}: {about}"));
    }
    Ok((Some(execution), measurement))
}

/// Gradients over random starts.
pub fn gradients(spec: &Spec, execution: &Execution, at: &Point) -> Result<Measurement, StudyError> {
    let ansatz = with_cost(at)?;
    let start = StartRow::named(at.get("start"))?;
    let weights = start.weights(&ansatz, number(at, "depth"), spec.gradients.samples, at.seed());
    let found = landscape::gradients(execution, ansatz.inputs, &weights, at.seed())?;
    Ok(Measurement::default()
        .value("variance", found.variance)
        .value("variance_first_weight", found.first_weight)
        .value("mean_absolute", found.mean_size)
        .value("gradient_norm", found.norm))
}

/// The fitted decay of (number of qubits, variance).
pub fn decay_of(variances: &[(f64, f64)]) -> Measurement {
    match landscape::decay(variances) {
        Some((rate, _)) => Measurement::default().value("decay_rate", rate).value("decay_factor", (-rate).exp()),
        None => Measurement::default().notice("fewer than two variances above 0: no decay is fitted"),
    }
}

/// Expressibility and entangling capability.
pub fn expressibility(spec: &Spec, at: &Point) -> Result<Measurement, StudyError> {
    let ansatz = build(at)?;
    let found = landscape::reach(&ansatz, spec.expressibility.pairs, at.seed())?;
    Ok(Measurement::default()
        .value_if("expressibility", found.expressibility)
        .value("quantile_expressibility", found.quantile_expressibility)
        .value("entangling_capability", found.entangling)
        .value("parameters", ansatz.weights() as f64))
}

/// The circuit on a device, and as it is written.
pub fn transpilation(device: &Device, at: &Point) -> Result<Measurement, StudyError> {
    let circuit = build(at)?.circuit;
    let unknown = || StudyError::unknown("layout", at.get("layout"), LAYOUTS.iter().map(|row| row.name));
    let layout = LAYOUTS.iter().find(|row| row.name == at.get("layout")).ok_or_else(unknown)?;
    let level = number(at, "optimization_level") as u8;
    let (seed, method) = (at.seed(), layout.method.clone());
    let options = TranspileOptions { level, seed, layout: method, ..TranspileOptions::default() };
    let found = transpile(&circuit, &Target::of(device), &options).map_err(NnError::from)?;
    let (one, two) = gates(&circuit);
    Ok(Measurement::default()
        .value("two_qubit_gates", found.two_qubit_gates as f64)
        .value("success", found.success)
        .value("circuit_depth", found.depth as f64)
        .value("pulses", found.pulses as f64)
        .value_if("overhead", (two > 0).then(|| found.two_qubit_gates as f64 / two as f64))
        .value("written_two_qubit_gates", two as f64)
        .value("written_depth", circuit.depth() as f64)
        .value("written_one_qubit_gates", one as f64))
}

/// Gates on one qubit and on more.
fn gates(circuit: &Circuit) -> (usize, usize) {
    let gates = circuit.ops().iter().filter(|op| matches!(op.kind, OpKind::Gate { .. }));
    let (one, more): (Vec<_>, Vec<_>) = gates.partition(|op| op.qubits.len() == 1);
    (one.len(), more.len())
}
