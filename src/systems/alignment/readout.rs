//! Noisy expectation values of a circuit and ideal ones, on a device today, on earlier days and on other devices.

use std::sync::Arc;

use ndarray::{Array1, Array2};
use serde::{Deserialize, Serialize};

use crate::circuit::ansatz::{Encoding, uploading_feature_map};
use crate::circuit::{Ansatz, Observable, PauliString};
use crate::device::{Device, LayoutMethod, TranspileOptions};
use crate::lab::Measurement;
use crate::math::{Seconds, Stream};
use crate::nn::NnError;
use crate::sim::mitigate::{Apply, MitigationRow};
use crate::sim::{Angles, CompileOptions, Condition, Execution, Executions};
use crate::study::StudyError;
use crate::systems::alignment::spec::Spec;
use crate::systems::alignment::world::{Mitigated, World, of_source};
use crate::systems::conditions::add_notices;

/// Where maps are borrowed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lender {
    /// The same device on other days.
    Days,
    /// Other devices.
    Devices,
}

impl Lender {
    /// Every one, with its name and one line for people.
    pub const ALL: [(Self, &'static str, &'static str); 2] = [
        (Self::Days, "days", "maps of the same device on other days"),
        (Self::Devices, "devices", "maps of other devices"),
    ];

    /// That of this name; the first without one.
    pub fn named(name: &str) -> Self {
        Self::ALL.into_iter().find(|(_, own, _)| *own == name).map_or(Self::Days, |(lender, ..)| lender)
    }
}

/// A conventional way to mitigate that maps are compared with.
#[derive(Debug)]
pub struct MethodRow {
    /// Name in tables.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// Rows of the table of mitigation methods, the innermost first.
    pub nested: &'static [&'static str],
    /// Programs that share the shots of a circuit.
    pub programs: usize,
}

/// Every method; the first is none.
pub static METHODS: [MethodRow; 4] = [
    MethodRow { name: "unmitigated", doc: "expectation values from shots as they are", nested: &[], programs: 1 },
    MethodRow {
        name: "readout_inversion",
        doc: "the inverse of each qubit's confusion matrix",
        nested: &["readout_inversion"],
        programs: 1,
    },
    MethodRow {
        name: "zero_noise_linear",
        doc: "three scales of noise, a line back to none",
        nested: &["zero_noise_linear"],
        programs: 3,
    },
    MethodRow {
        name: "inversion_zero_noise",
        doc: "the same of values whose readout is inverted",
        nested: &["readout_inversion", "zero_noise_linear"],
        programs: 3,
    },
];

/// Circuits of a source, at most: its map has as many parameters for each target as there are observables.
const SOURCE_CIRCUITS: usize = 500;

/// A circuit that is run with many angles.
struct Circuits {
    ansatz: Ansatz,
    features: usize,
}

impl Circuits {
    /// ⟨Z⟩ of every qubit and ⟨ZZ⟩ of every pair, behind a feature map.
    fn new(spec: &Spec) -> Result<Self, StudyError> {
        let features = spec.qubits * spec.layers;
        let circuit = uploading_feature_map(spec.qubits, features).map_err(NnError::from)?;
        let observables = observables(spec.qubits);
        let ansatz = Ansatz { inputs: circuit.slots(), circuit, encoding: Encoding::Direct, observables };
        Ok(Self { ansatz, features })
    }

    /// (rows, features) angles, uniform in -π to π.
    fn angles(&self, rows: usize, stream: &mut Stream) -> Array2<f64> {
        let angle = || std::f64::consts::PI * (2.0 * stream.uniform() - 1.0);
        Array2::from_shape_simple_fn((rows, self.features), angle)
    }

    /// (rows, observables) of (rows, features).
    fn expectations(&self, execution: &Execution, angles: &Array2<f64>) -> Result<Array2<f64>, StudyError> {
        let weights = Array1::zeros(0);
        let angles = Angles { inputs: angles.view(), weights: weights.view() };
        Ok(execution.prepared.expect(angles).map_err(NnError::from)?)
    }
}

impl World {
    /// Expectation values of random circuits: from shots on a device as inputs, ideal ones as targets. Sources are maps of the
    /// lender. `others` are mitigation methods of the device. They share among the circuits that are tested the shots of the
    /// pairs, too, so for each number of pairs all methods use as many shots of the device.
    ///
    /// # Errors
    /// If the circuit cannot be compiled.
    pub fn readout(spec: &Spec, lender: Lender, seed: u64, found: &mut Measurement) -> Result<Self, StudyError> {
        let circuits = Circuits::new(spec)?;
        let observed = (&circuits.ansatz).into();
        let own_seed = |purpose: &str| Stream::named(seed, purpose).bits();
        let angles = |rows: usize, purpose: &str| circuits.angles(rows, &mut Stream::named(seed, purpose));
        let most = spec.pairs.iter().copied().max().unwrap_or(0);
        let (own, test) = (angles(most, "pairs"), angles(spec.circuits, "test circuits"));
        let compiler = Executions::default();
        let exact = compiler.compile(&observed, &Condition::default(), seed)?;
        let noisy = |shots: usize| Condition { shots: Some(shots), ..Condition::on_device(&spec.device) };
        let condition = noisy(spec.shots);
        let today = compiler.compile(&observed, &condition, own_seed("shots of pairs"))?;
        add_notices(found, &today, &condition);
        let (x, y) = (circuits.expectations(&today, &own)?, circuits.expectations(&exact, &own)?);
        let pool = circuits.expectations(&exact, &angles(spec.pool_rows, "pool"))?;
        let test_y = circuits.expectations(&exact, &test)?;
        let for_test = compiler.compile(&observed, &condition, own_seed("shots of test circuits"))?;
        let test_x = circuits.expectations(&for_test, &test)?;

        let (mut sources, mut inverse_sources) = (Vec::new(), Vec::new());
        for (k, (name, compiler)) in lenders(spec, lender, &compiler, &today, own_seed("days"))?.iter().enumerate() {
            let own = angles(spec.source_rows.min(SOURCE_CIRCUITS), &format!("circuits of source {k}"));
            let condition = Condition { shots: Some(spec.shots), ..Condition::on_device(name) };
            let execution = compiler.compile(&observed, &condition, own_seed(&format!("shots of source {k}")))?;
            add_notices(found, &execution, &condition);
            let (x, y) = (circuits.expectations(&execution, &own)?, circuits.expectations(&exact, &own)?);
            let (map, inverse) = of_source(&x, &y)?;
            sources.push(map);
            inverse_sources.push(inverse);
        }
        let mut others = Vec::new();
        for &pairs in &spec.pairs {
            let total = spec.shots * (spec.circuits + pairs);
            for method in &METHODS {
                // Whole shots, never more than the map has.
                let shots = (total / (spec.circuits * method.programs)).max(1);
                let seed = own_seed(&format!("shots of {} beside {pairs} pairs", method.name));
                let execution = compiler.compile(&observed, &noisy(shots), seed)?;
                let execution = mitigated(&execution, method.nested, seed)?;
                let values = circuits.expectations(&execution, &test)?;
                others.push(Mitigated { method: method.name, pairs, values });
            }
        }
        Ok(Self { x, y, pool, sources, inverse_sources, related: 0, test_x, test_y, others, units: (1.0, 1.0) })
    }
}

/// An execution with rows of the table of mitigation methods around its engine.
fn mitigated(execution: &Execution, nested: &[&str], seed: u64) -> Result<Execution, StudyError> {
    let mut simulator = Arc::clone(&execution.simulator);
    for name in nested {
        if let Apply::Executor(wrap) = MitigationRow::named(name).map_err(NnError::from)?.apply {
            simulator = wrap(simulator, seed);
        }
    }
    Ok(execution.with_simulator(simulator).map_err(NnError::from)?)
}

/// Names of the devices that lend, each with what compiles for it. Other days are the device with a drifted calibration, on the
/// physical qubits of today.
fn lenders(
    spec: &Spec,
    lender: Lender,
    compiler: &Executions,
    today: &Execution,
    seed: u64,
) -> Result<Vec<(String, Executions)>, StudyError> {
    let of_days = || -> Result<Vec<_>, StudyError> {
        let device = compiler.device(&spec.device)?;
        let layout = today.transpiled.as_ref().map(|transpiled| transpiled.initial_layout.clone());
        let layout = layout.map_or(LayoutMethod::default(), LayoutMethod::Given);
        let day = |day: usize| {
            let transpile = Some(TranspileOptions { layout: layout.clone(), ..TranspileOptions::default() });
            let compiler = Executions::new(CompileOptions { transpile, ..CompileOptions::default() });
            let name = format!("{}, day {}", spec.device, day + 1);
            let mut stream = Stream::numbered(seed, day as u64);
            compiler.add_device(&name, Arc::new(drifted(&device, spec.drift, &mut stream)));
            (name, compiler)
        };
        Ok((0..spec.days).map(day).collect())
    };
    match lender {
        Lender::Days => of_days(),
        Lender::Devices => Ok(spec.other_devices.iter().map(|name| (name.clone(), Executions::default())).collect()),
    }
}

/// A calibration of another day: the logarithm of each T1 with its T2, of each gate error and of each readout error moves by a
/// normal number of this deviation. Transmons show 0.2 of T1 over hours (Burnett et al. 2019, arXiv 1901.04417); that of errors
/// is taken to be the same.
pub fn drifted(device: &Device, deviation: f64, stream: &mut Stream) -> Device {
    if deviation == 0.0 {
        return device.clone();
    }
    let mut device = device.clone();
    let mut factor = || (deviation * stream.normal()).exp();
    for qubit in &mut device.calibration.qubits {
        let of_times = factor();
        for time in [&mut qubit.t1, &mut qubit.t2] {
            *time = time.map(|time| Seconds(of_times * time.0));
        }
        let (of_zero, of_one) = (factor(), factor());
        let moved = |error: Option<f64>, by: f64| error.map(|error| (by * error).min(0.5));
        qubit.one_given_zero = moved(qubit.one_given_zero, of_zero);
        qubit.zero_given_one = moved(qubit.zero_given_one, of_one);
        // The assignment error is the mean of both.
        qubit.readout_error = match (qubit.one_given_zero, qubit.zero_given_one) {
            (Some(zero), Some(one)) => Some((zero + one) / 2.0),
            _ => moved(qubit.readout_error, of_zero),
        };
    }
    for gate in &mut device.calibration.gates {
        let by = factor();
        // An error of 1 means that the gate was not calibrated.
        gate.error = gate.error.map(|error| if error < 1.0 { (by * error).min(0.5) } else { error });
    }
    device
}

fn observables(qubits: usize) -> Vec<Observable> {
    let string = |z: u64| Observable { terms: vec![(1.0, PauliString::from_masks(0, z))] };
    let pairs = (0..qubits).flat_map(|a| (a + 1..qubits).map(move |b| string(1 << a | 1 << b)));
    (0..qubits).map(|q| string(1 << q)).chain(pairs).collect()
}
