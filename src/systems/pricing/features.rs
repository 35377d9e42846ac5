//! Features of items for a linear utility: what is observed itself, expectation values of a fixed circuit, or random features.

use ndarray::{Array1, Array2, ArrayView2, Axis, concatenate};

use crate::circuit::ansatz::{Encoding, uploading_feature_map};
use crate::circuit::{Ansatz, Observable, PauliString};
use crate::classic::choice::{Design, LinearUtility};
use crate::math::Stream;
use crate::nn::NnError;
use crate::sim::{Angles, Condition, Executions};
use crate::study::StudyError;
use crate::systems::pricing::spec::Spec;
use crate::systems::pricing::world::World;

/// Hidden units of the true utility.
const HIDDEN: usize = 12;
/// Of them, those that count differently in the sources.
const MOVED: usize = 2;

/// A map from what is observed of an item to features.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeatureMap {
    /// The observed numbers.
    Plain,
    /// ⟨X⟩, ⟨Z⟩ of every qubit and ⟨ZZ⟩ of every pair behind a feature map that reads the numbers layer by layer.
    Circuit,
    /// As many features cos(w·x + b) (Rahimi and Recht 2007).
    Random,
}

/// Every map with its name.
pub const MAPS: [(&str, &str, FeatureMap); 3] = [
    ("random", "as many random features cos(w·x + b)", FeatureMap::Random),
    ("plain", "the observed numbers themselves", FeatureMap::Plain),
    ("circuit", "expectation values of a fixed circuit", FeatureMap::Circuit),
];

impl FeatureMap {
    /// (rows, features) of `rows` (rows, numbers in -1 to 1); the last feature is 1.
    ///
    /// # Errors
    /// If the circuit cannot be compiled.
    pub fn features(self, spec: &Spec, rows: ArrayView2<'_, f64>, seed: u64) -> Result<Array2<f64>, StudyError> {
        let qubits = spec.qubits;
        let own = match self {
            Self::Plain => rows.to_owned(),
            Self::Random => {
                let count = observables(qubits).len();
                let mut stream = Stream::named(seed, "random features");
                let weights = Array2::from_shape_simple_fn((rows.ncols(), count), || {
                    spec.bandwidth * stream.normal() * std::f64::consts::SQRT_2
                });
                let shifts = Array1::from_shape_simple_fn(count, || 2.0 * std::f64::consts::PI * stream.uniform());
                (rows.dot(&weights) + shifts).mapv(f64::cos)
            }
            Self::Circuit => {
                // Each layer reads the numbers again, so the circuit has products of them.
                let angles = rows.mapv(|value| spec.bandwidth * value);
                let repeated: Vec<_> = (0..spec.uploads).map(|_| angles.view()).collect();
                let angles =
                    concatenate(Axis(1), &repeated).map_err(|e| StudyError::Settings { reason: e.to_string() })?;
                let circuit = uploading_feature_map(qubits, angles.ncols()).map_err(NnError::from)?;
                let ansatz = Ansatz {
                    inputs: circuit.slots(),
                    circuit,
                    encoding: Encoding::Direct,
                    observables: observables(qubits),
                };
                let execution = Executions::default().compile(&(&ansatz).into(), &Condition::default(), seed)?;
                let weights = Array1::zeros(0);
                let angles = Angles { inputs: angles.view(), weights: weights.view() };
                execution.prepared.expect(angles).map_err(NnError::from)?
            }
        };
        let ones = Array2::ones((rows.nrows(), 1));
        concatenate(Axis(1), &[own.view(), ones.view()]).map_err(|e| StudyError::Settings { reason: e.to_string() })
    }
}

fn observables(qubits: usize) -> Vec<Observable> {
    let string = |x: u64, z: u64| Observable { terms: vec![(1.0, PauliString::from_masks(x, z))] };
    let single = (0..qubits).flat_map(|q| [string(1 << q, 0), string(0, 1 << q)]);
    let pairs = (0..qubits).flat_map(|a| (a + 1..qubits).map(move |b| string(0, 1 << a | 1 << b)));
    single.chain(pairs).collect()
}

impl World {
    /// A world whose utilities are none of the maps: of u uniform in -1 to 1, one number a qubit, quality is a random network
    /// of one hidden layer, of which sources weigh two units differently. Only the constant is priced.
    ///
    /// # Errors
    /// If the circuit cannot be compiled.
    pub fn nonlinear(spec: &Spec, map: FeatureMap, seed: u64) -> Result<Self, StudyError> {
        let mut stream = Stream::named(seed, "nonlinear market");
        let weights = Array2::from_shape_simple_fn((spec.qubits, HIDDEN), || 2.0 * stream.normal());
        let shifts = Array1::from_shape_simple_fn(HIDDEN, || stream.normal());
        let top: Vec<f64> = (0..HIDDEN).map(|_| stream.normal()).collect();
        let mut source_top = top.clone();
        source_top.iter_mut().take(MOVED).for_each(|value| *value += spec.shift);
        let count = spec.rounds * spec.items;
        let raw = Array2::from_shape_simple_fn((count, spec.qubits), || 2.0 * stream.uniform() - 1.0);
        let hidden = (raw.dot(&weights) + shifts).mapv(f64::tanh);
        let utilities = |top: &[f64]| -> Vec<LinearUtility> {
            let quality = |row: ndarray::ArrayView1<'_, f64>| row.iter().zip(top).map(|(h, c)| h * c).sum();
            hidden
                .rows()
                .into_iter()
                .map(|row| LinearUtility { quality: quality(row), sensitivity: spec.sensitivity })
                .collect()
        };
        let features = map.features(spec, raw.view(), seed)?;
        let design = Design { features: features.ncols(), priced: vec![None] };
        let contexts: Vec<f64> = features.iter().copied().collect();
        let mut world = Self::new(spec, (design, spec.items), contexts.clone(), utilities(&top), seed);
        let others = utilities(&source_top);
        for source in 0..spec.sources {
            world.add_source(spec, &contexts, &others, (seed, source))?;
        }
        Ok(world)
    }
}
