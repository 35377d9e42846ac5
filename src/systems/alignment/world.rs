//! Pairs, unpaired targets, maps of sources and test rows of one task.

use ndarray::{Array1, Array2, Axis, s};

use crate::circuit::ansatz::{Encoding, uploading_feature_map};
use crate::circuit::{Ansatz, Observable, PauliString};
use crate::classic::alignment::{Affine, PairedRows, RidgePath};
use crate::lab::Measurement;
use crate::math::Stream;
use crate::nn::NnError;
use crate::sim::{Angles, Condition, Executions};
use crate::study::StudyError;
use crate::systems::alignment::spec::Spec;
use crate::systems::conditions::add_notices;

/// A task.
#[derive(Clone, Debug)]
pub struct World {
    /// Inputs of all pairs that may be learned from.
    pub x: Array2<f64>,
    /// Their targets.
    pub y: Array2<f64>,
    /// Targets without inputs.
    pub pool: Array2<f64>,
    /// Maps of sources on the same inputs.
    pub sources: Vec<Affine>,
    /// Of them, those that are like the target: the first ones.
    pub related: usize,
    /// Inputs of test rows.
    pub test_x: Array2<f64>,
    /// Their targets.
    pub test_y: Array2<f64>,
    /// Further predictions of the test rows, by name.
    pub others: Vec<(&'static str, Array2<f64>)>,
    /// What inputs and targets were divided by.
    pub units: (f64, f64),
}

/// What is wrong with a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Nothing.
    None,
    /// Unpaired targets of another law.
    Pool,
}

impl World {
    /// x = B·y + noise. Targets are independent normal numbers whose deviations fall with their number.
    ///
    /// # Errors
    /// If a map of a source cannot be fitted.
    pub fn simulated(
        spec: &Spec,
        decay: f64,
        (rows, related, flaw): (usize, usize, Flaw),
        seed: u64,
    ) -> Result<Self, StudyError> {
        let mut stream = Stream::named(seed, "subject");
        let deviations: Vec<f64> = (1..=spec.outputs).map(|k| (k as f64).powf(-decay)).collect();
        let encoder = Array2::from_shape_simple_fn((spec.outputs, spec.inputs), || stream.normal());
        let variance: f64 = deviations.iter().map(|d| d * d).sum();
        let noise = (variance / spec.signal_to_noise).sqrt();
        let targets = |rows: usize, deviations: &[f64], purpose: &str| {
            let mut stream = Stream::named(seed, purpose);
            Array2::from_shape_fn((rows, deviations.len()), |(_, k)| deviations[k] * stream.normal())
        };
        let inputs = |y: &Array2<f64>, encoder: &Array2<f64>, purpose: &str| {
            let mut stream = Stream::named(seed, purpose);
            y.dot(encoder) + Array2::from_shape_simple_fn((y.nrows(), spec.inputs), || noise * stream.normal())
        };
        let (y, test_y) = (targets(rows, &deviations, "targets"), targets(spec.test_rows, &deviations, "test targets"));
        let (x, test_x) = (inputs(&y, &encoder, "noise"), inputs(&test_y, &encoder, "test noise"));
        // The order of deviations turned by half: what varies most does hardly.
        let turned: Vec<f64> = (0..spec.outputs).map(|k| deviations[(k + spec.outputs / 2) % spec.outputs]).collect();
        let law = if flaw == Flaw::Pool { &turned } else { &deviations };
        let pool = targets(spec.pool_rows, law, "pool");
        let mut sources = Vec::new();
        for source in 0..spec.sources {
            let mut stream = Stream::numbered(Stream::named(seed, "sources").bits(), source as u64);
            let mut other = Array2::from_shape_simple_fn(encoder.dim(), || stream.normal());
            if source < related {
                other = &encoder + &(other * spec.distance);
            }
            let purpose = format!("source {source}");
            let y = targets(spec.source_rows, &deviations, &purpose);
            let x = inputs(&y, &other, &format!("{purpose} noise"));
            // Enough rows that no penalty needs to be chosen.
            sources.push(RidgePath::new(PairedRows { x: x.view(), y: y.view() }).fit(1.0)?);
        }
        Ok(Self { x, y, pool, sources, related, test_x, test_y, others: Vec::new(), units: (1.0, 1.0) })
    }

    /// Expectation values ⟨Z⟩ of every qubit and ⟨ZZ⟩ of every pair of random circuits: from shots on a device as inputs, ideal ones
    /// as targets. Sources are maps of other devices. `others` are mitigation methods of the device with as many shots.
    ///
    /// # Errors
    /// If the circuit cannot be compiled.
    pub fn readout(spec: &Spec, rows: usize, seed: u64, found: &mut Measurement) -> Result<Self, StudyError> {
        let features = spec.qubits * spec.layers;
        let circuit = uploading_feature_map(spec.qubits, features).map_err(NnError::from)?;
        let observables = observables(spec.qubits);
        let ansatz = Ansatz { inputs: circuit.slots(), circuit, encoding: Encoding::Direct, observables };
        let compiler = Executions::default();
        let mut expectations =
            |angles: &Array2<f64>, condition: &Condition, seed: u64| -> Result<Array2<f64>, StudyError> {
                let execution = compiler.compile(&(&ansatz).into(), condition, seed)?;
                add_notices(found, &execution, condition);
                let weights = Array1::zeros(0);
                let angles = Angles { inputs: angles.view(), weights: weights.view() };
                Ok(execution.prepared.expect(angles).map_err(NnError::from)?)
            };
        let mut stream = Stream::named(seed, "angles");
        let mut angles = |rows: usize| {
            Array2::from_shape_simple_fn((rows, features), || std::f64::consts::PI * (2.0 * stream.uniform() - 1.0))
        };
        let on = |device: &str, mitigation: Option<&str>, shots: usize| Condition {
            shots: Some(shots),
            mitigation: mitigation.map(String::from),
            ..Condition::on_device(device)
        };
        let (own, test, pool) = (angles(rows), angles(spec.test_rows), angles(spec.pool_rows));
        let ideal = Condition::default();
        let noisy = on(&spec.device, None, spec.shots);
        let (x, y) = (expectations(&own, &noisy, seed)?, expectations(&own, &ideal, seed)?);
        let (test_x, test_y) = (expectations(&test, &noisy, seed ^ 1)?, expectations(&test, &ideal, seed)?);
        let pool = expectations(&pool, &ideal, seed)?;
        let mut sources = Vec::new();
        for (k, device) in spec.other_devices.iter().enumerate() {
            let own = angles(spec.source_rows.min(500));
            let x = expectations(&own, &on(device, None, spec.shots), seed ^ (2 + k as u64))?;
            let y = expectations(&own, &ideal, seed)?;
            sources.push(RidgePath::new(PairedRows { x: x.view(), y: y.view() }).fit(1.0)?);
        }
        // Three scales of noise share the shots.
        let methods = [("readout_inversion", spec.shots), ("zero_noise_linear", spec.shots.div_ceil(3))];
        let mut others = vec![("unmitigated", test_x.clone())];
        for (name, shots) in methods {
            others.push((name, expectations(&test, &on(&spec.device, Some(name), shots), seed ^ 1)?));
        }
        Ok(Self { x, y, pool, sources, related: 0, test_x, test_y, others, units: (1.0, 1.0) })
    }

    /// Pairs, of which a share is tested on. Penalties are absolute, so inputs and targets are divided by the deviation of a
    /// column of the pairs that are learned from.
    pub fn own(x: &Array2<f64>, y: &Array2<f64>, pool: &Array2<f64>, test_share: f64, seed: u64) -> Self {
        let order = Stream::named(seed, "split of pairs").permutation(x.nrows());
        let (test, training) = order.split_at(Self::tested(x.nrows(), test_share));
        let unit = |a: &Array2<f64>| {
            let deviation = a.select(Axis(0), training).var_axis(Axis(0), 0.0).mean().unwrap_or(0.0).sqrt();
            if deviation > 0.0 && deviation.is_finite() { deviation } else { 1.0 }
        };
        let units = (unit(x), unit(y));
        let pick = |a: &Array2<f64>, rows: &[usize], unit: f64| a.select(Axis(0), rows) / unit;
        let (test_x, test_y) = (pick(x, test, units.0), pick(y, test, units.1));
        let (x, y) = (pick(x, training, units.0), pick(y, training, units.1));
        let (sources, others) = (Vec::new(), Vec::new());
        Self { x, y, pool: pool / units.1, sources, related: 0, test_x, test_y, others, units }
    }

    /// How many of so many pairs are tested on.
    pub fn tested(pairs: usize, test_share: f64) -> usize {
        ((pairs as f64 * test_share).round() as usize).clamp(1, pairs.saturating_sub(1).max(1))
    }

    /// A map of what was divided by units as one of the numbers themselves.
    pub fn in_units(&self, map: &Affine) -> Affine {
        let (of_x, of_y) = self.units;
        Affine { weights: &map.weights * (of_y / of_x), intercepts: &map.intercepts * of_y }
    }

    /// The first pairs.
    pub fn pairs(&self, rows: usize) -> PairedRows<'_> {
        let rows = rows.min(self.x.nrows());
        PairedRows { x: self.x.slice(s![..rows, ..]), y: self.y.slice(s![..rows, ..]) }
    }
}

fn observables(qubits: usize) -> Vec<Observable> {
    let string = |z: u64| Observable { terms: vec![(1.0, PauliString::from_masks(0, z))] };
    let pairs = (0..qubits).flat_map(|a| (a + 1..qubits).map(move |b| string(1 << a | 1 << b)));
    (0..qubits).map(|q| string(1 << q)).chain(pairs).collect()
}
