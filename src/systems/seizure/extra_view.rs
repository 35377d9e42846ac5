//! A view computed from the others: expectation values of a circuit, or random features for comparison.

use ndarray::{Array1, Array2, ArrayView2, s};
use serde::{Deserialize, Serialize};

use crate::circuit::ansatz::{Encoding, uploading_feature_map};
use crate::circuit::{Ansatz, Observable, PauliString};
use crate::classic::Pca;
use crate::lab::Measurement;
use crate::math::Stream;
use crate::nn::NnError;
use crate::sim::{Angles, Condition, Executions};
use crate::study::StudyError;
use crate::systems::conditions::add_notices;
use crate::systems::seizure::spec::Spec;

/// Rows that principal components are fitted on, at most.
const FITTED: usize = 1_500;

/// What turns the components of all views into features.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Map {
    /// ⟨X⟩, ⟨Z⟩ of every qubit and ⟨ZZ⟩ of every pair behind a feature map that reads the components layer by layer.
    Circuit {
        /// Number of qubits.
        qubits: usize,
    },
    /// cos(w·x + b) (Rahimi and Recht 2007).
    Random {
        /// w, (inputs, features).
        weights: Array2<f64>,
        /// b.
        shifts: Array1<f64>,
    },
}

/// The view.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ExtraView {
    pca: Pca,
    /// Radians for a standard deviation of a component.
    bandwidth: f64,
    map: Map,
}

impl ExtraView {
    /// The view of a circuit or, with `is_random`, of as many random features, fitted to `rows` (rows, components of all views).
    pub fn fit(spec: &Spec, rows: ArrayView2<'_, f64>, is_random: bool, seed: u64) -> Self {
        let inputs = spec.qubits * spec.uploads;
        let stride = rows.nrows().div_ceil(FITTED).max(1);
        let pca = Pca::fit(rows.slice(s![..;stride, ..]), inputs, seed);
        let features = 2 * spec.qubits + spec.qubits * (spec.qubits - 1) / 2;
        let map = match is_random {
            false => Map::Circuit { qubits: spec.qubits },
            true => {
                let mut stream = Stream::named(seed, "random features");
                let weights = Array2::from_shape_simple_fn((inputs, features), || stream.normal());
                let shifts = Array1::from_shape_simple_fn(features, || 2.0 * std::f64::consts::PI * stream.uniform());
                Map::Random { weights, shifts }
            }
        };
        Self { pca, bandwidth: spec.bandwidth, map }
    }

    /// Whether a circuit makes it.
    pub fn is_circuit(&self) -> bool {
        matches!(self.map, Map::Circuit { .. })
    }

    /// Number of columns that it reads, if its parts agree.
    pub fn columns(&self) -> Option<usize> {
        let inputs = self.pca.components();
        let fits = match &self.map {
            Map::Circuit { qubits } => (1..=12).contains(qubits) && inputs > 0,
            Map::Random { weights, shifts } => weights.nrows() == inputs && weights.ncols() == shifts.len(),
        };
        (fits && self.pca.is_sound()).then_some(self.pca.columns())
    }

    /// Names of its features.
    pub fn names(&self) -> Vec<String> {
        match &self.map {
            Map::Circuit { qubits } => observables(*qubits).iter().map(|o| format!("⟨{o}⟩")).collect(),
            Map::Random { shifts, .. } => (1..=shifts.len()).map(|k| format!("random feature {k}")).collect(),
        }
    }

    /// (rows, features) of `rows` (rows, components of all views), under a condition where it is a circuit.
    ///
    /// # Errors
    /// If the circuit cannot be compiled for the condition.
    pub fn features(
        &self,
        rows: ArrayView2<'_, f64>,
        condition: &Condition,
        seed: u64,
        found: &mut Measurement,
    ) -> Result<Array2<f64>, StudyError> {
        let angles = self.pca.transform(rows) * self.bandwidth;
        match &self.map {
            Map::Random { weights, shifts } => Ok((angles.dot(weights) + shifts).mapv(f64::cos)),
            Map::Circuit { qubits } => {
                let circuit = uploading_feature_map(*qubits, angles.ncols()).map_err(NnError::from)?;
                let ansatz = Ansatz {
                    inputs: circuit.slots(),
                    circuit,
                    encoding: Encoding::Direct,
                    observables: observables(*qubits),
                };
                let execution = Executions::default().compile(&(&ansatz).into(), condition, seed)?;
                add_notices(found, &execution, condition);
                let weights = Array1::zeros(0);
                let angles = Angles { inputs: angles.view(), weights: weights.view() };
                Ok(execution.prepared.expect(angles).map_err(NnError::from)?)
            }
        }
    }
}

fn observables(qubits: usize) -> Vec<Observable> {
    let string = |x: u64, z: u64| Observable { terms: vec![(1.0, PauliString::from_masks(x, z))] };
    let single = (0..qubits).flat_map(|q| [string(1 << q, 0), string(0, 1 << q)]);
    let pairs = (0..qubits).flat_map(|a| (a + 1..qubits).map(move |b| string(0, 1 << a | 1 << b)));
    single.chain(pairs).collect()
}
