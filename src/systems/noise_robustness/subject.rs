//! What is judged: a trained head as plain numbers, or a circuit alone.

use std::path::Path;
use std::sync::Arc;

use candle_core::{DType, Tensor};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2};
use serde::Deserialize;

use crate::circuit::qasm::{ReadOptions, read};
use crate::circuit::{Ansatz, Circuit, Observable, OpKind};
use crate::data::{Features, Part};
use crate::math::Stream;
use crate::math::order::argmax;
use crate::nn::head::{Body, DressedHead, HeadRow, HeadShape};
use crate::nn::{Head, NnError, Params};
use crate::sim::Angles;
use crate::sim::Execution;
use crate::study::train::train;
use crate::study::{Observer, StudyError, parallel};
use crate::systems::inputs;
use crate::systems::noise_robustness::Spec;
use crate::systems::noise_robustness::bench::{Bench, Condition};
use crate::systems::noise_robustness::environment::Environment;
use crate::systems::spec::{Backbone, Circuit as CircuitSpec, Data};

/// Input angles with the true class of each row.
pub struct Sheet {
    /// (rows, inputs), radians.
    pub angles: Array2<f64>,
    /// One per row.
    pub labels: Vec<usize>,
}

/// The trained linear read-out and the rows it learned from and is judged on.
pub struct Classifier {
    /// Rows to fit another read-out on.
    pub training: Sheet,
    /// True classes of the judged rows.
    pub labels: Vec<usize>,
    /// (classes, observables).
    weight: Array2<f64>,
    /// (classes).
    bias: Array1<f64>,
}

impl Classifier {
    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.bias.len()
    }

    /// Class probabilities (rows, classes) for expectation values (rows, observables).
    pub fn probabilities(&self, expectations: &Array2<f64>) -> Array2<f64> {
        let mut scores = expectations.dot(&self.weight.t()) + &self.bias;
        for mut row in scores.rows_mut() {
            let most = row.fold(f64::NEG_INFINITY, |most, s| most.max(*s));
            row.mapv_inplace(|s| (s - most).exp());
            let total = row.sum();
            row /= total;
        }
        scores
    }
}

/// One circuit with its weights and the rows it is judged on.
pub struct Subject {
    /// How it was trained, in words for tables.
    pub name: String,
    /// Its seed.
    pub seed: u64,
    /// Input angles (rows, inputs), radians.
    pub angles: Array2<f64>,
    /// Trained weights, radians.
    pub weights: Array1<f64>,
    /// `None` for a circuit alone.
    pub classifier: Option<Classifier>,
}

impl Subject {
    /// ⟨Z⟩ of every qubit (rows, qubits) on the judged rows.
    ///
    /// # Errors
    /// If the simulator refuses.
    pub fn expectations(&self, execution: &Execution) -> Result<Array2<f64>, StudyError> {
        run(execution, self.angles.view(), self.weights.view())
    }
}

/// ⟨Z⟩ of every qubit (rows, qubits) for `angles` (rows, inputs) under common weights.
///
/// # Errors
/// If the simulator refuses.
pub fn run(
    execution: &Execution,
    angles: ArrayView2<f64>,
    weights: ArrayView1<f64>,
) -> Result<Array2<f64>, StudyError> {
    let angles = Angles { inputs: angles, weights };
    Ok(execution.prepared.expect(angles).map_err(NnError::from)?)
}

/// A circuit from a file as a family of one: measurements are left out, open angles are weights. Drawn angles, one set
/// per row, stand for what is not known of its use.
///
/// # Errors
/// If the file cannot be read, or the circuit measures before its end, resets or acts under a condition.
pub fn from_file(path: &Path, rows: usize) -> Result<(Ansatz, Subject), StudyError> {
    let bad = |reason: String| StudyError::Spec { path: path.into(), reason };
    let text = std::fs::read_to_string(path).map_err(|e| bad(e.to_string()))?;
    let source = match path.extension().is_some_and(|e| e == "json") {
        true => Circuit::from_json(&text).map_err(|e| bad(e.to_string()))?,
        false => read(&text, &ReadOptions { name: path.display().to_string(), ..ReadOptions::default() })
            .map_err(|e| bad(e.to_string()))?,
    };
    let mut circuit = Circuit::new(source.qubits());
    for name in source.slot_names() {
        circuit.slot(name.as_str());
    }
    let mut measured = vec![false; source.qubits()];
    for op in source.ops() {
        match op.kind {
            OpKind::Measure { .. } if op.condition.is_none() => measured[op.qubits[0]] = true,
            _ if op.is_unitary() && op.qubits.iter().all(|&q| !measured[q]) => drop(circuit.append(op.clone())),
            OpKind::Barrier | OpKind::Delay(_) => {}
            _ => return Err(bad(format!("{} is not part of a circuit of gates measured at its end", op.name()))),
        }
    }
    let mut stream = Stream::named(0, "angles");
    let angles = Array2::from_shape_simple_fn((rows, circuit.slots()), || std::f64::consts::TAU * stream.uniform());
    let subject = Subject {
        name: path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
        seed: 0,
        angles,
        weights: Array1::zeros(0),
        classifier: None,
    };
    let observables = Observable::all_z(circuit.qubits());
    Ok((Ansatz { inputs: circuit.slots(), circuit, observables }, subject))
}

/// What of a run folder's spec.toml decides its exported head.
#[derive(Default, Deserialize)]
#[serde(default)]
struct HeadSpec {
    heads: Vec<String>,
    seeds: Vec<u64>,
    data: Data,
    backbone: Backbone,
    circuit: CircuitSpec,
}

/// Puts the data, backbone and circuit of a run folder of `qgraft run qtl` into the spec, and returns the label of its
/// exported head and its seed.
///
/// # Errors
/// If there is no such folder, or no head of it runs an entangling circuit.
pub fn adopt(spec: &mut Spec, folder: &Path) -> Result<(String, u64), StudyError> {
    let path = folder.join("spec.toml");
    let bad = |reason: String| StudyError::Spec { path: path.clone(), reason };
    let text =
        std::fs::read_to_string(&path).map_err(|e| bad(format!("{e}; name a folder that qgraft run qtl made")))?;
    let made: HeadSpec = toml::from_str(&text).map_err(|e| bad(e.to_string()))?;
    let is_circuit = |label: &&String| {
        let name = label.split('@').next().unwrap_or_default();
        HeadRow::named(name).is_ok_and(|row| matches!(row.body, Body::Dressed { .. }))
    };
    let label = made.heads.iter().find(is_circuit).ok_or_else(|| bad("none of its heads runs a circuit".into()))?;
    let row = HeadRow::named(label.split('@').next().unwrap_or_default())?;
    if !matches!(row.body, Body::Dressed { entangle: true }) {
        return Err(bad(format!("its first circuit head is {label}, which does not entangle; put quantum before it")));
    }
    let seed = made.seeds.first().copied().unwrap_or_default();
    (spec.data, spec.backbone, spec.circuit) = (made.data, made.backbone, made.circuit);
    spec.seeds = vec![seed];
    Ok((label.clone(), seed))
}

/// How heads come to be trained.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Training {
    Ideal,
    Device,
    Environment,
}

/// Names of the trained heads: without noise, under the first device, in a changing environment.
pub fn names(spec: &Spec) -> [String; 3] {
    let device = &spec.devices[0];
    ["trained ideal".into(), format!("trained under {device}"), format!("trained under {device} × random")]
}

/// The work of getting heads.
pub struct Workshop<'a> {
    /// The spec.
    pub spec: &'a Spec,
    /// Features and labels.
    pub features: &'a Features,
    /// The circuit on the devices.
    pub bench: &'a Bench,
    /// Number of threads.
    pub threads: usize,
}

impl Workshop<'_> {
    fn shape(&self) -> HeadShape {
        let CircuitSpec { qubits, depth, weight_sd, .. } = self.spec.circuit;
        let (features, classes) = (self.features.values.ncols(), self.features.samples.classes.len());
        HeadShape { features, classes, qubits, depth, weight_sd }
    }

    fn head(&self, params: &mut Params, execution: Execution) -> Result<DressedHead, StudyError> {
        Ok(DressedHead::new(params, &self.shape(), self.spec.family()?, execution)?)
    }

    /// The exported head of a run folder.
    ///
    /// # Errors
    /// If its parameters do not fit.
    pub fn load(&self, folder: &Path, label: &str, seed: u64) -> Result<Subject, StudyError> {
        let mut params = Params::new(seed, DType::F32);
        let head = self.head(&mut params, self.bench.ideal()?)?;
        params.load(&folder.join("head.safetensors"))?;
        self.subject(label, seed, &head, &params)
    }

    /// Every head trained under every seed, by way of training, then seed.
    ///
    /// # Errors
    /// If a training diverges or is stopped.
    pub fn train(&self, observer: &dyn Observer) -> Result<Vec<Subject>, StudyError> {
        let ways = [Training::Ideal, Training::Device, Training::Environment];
        let (names, count) = (names(self.spec), self.spec.seeds.len());
        let training = inputs::rows(&self.features.values, &self.features.samples, Part::Train)?;
        let validation = inputs::rows(&self.features.values, &self.features.samples, Part::Validation)?;
        parallel::jobs(ways.len() * count, self.threads, |job| {
            let (way, seed) = (ways[job / count], self.spec.seeds[job % count]);
            let mut params = Params::new(seed, DType::F32);
            let under = |scale: f64| self.bench.execution(&Condition::plain(0, scale), seed);
            let head: Arc<dyn Head> = match way {
                Training::Ideal => Arc::new(self.head(&mut params, self.bench.ideal()?)?),
                Training::Device => Arc::new(self.head(&mut params, under(1.0)?)?),
                Training::Environment => {
                    let mut heads: Vec<Arc<dyn Head>> = Vec::new();
                    for &scale in &self.spec.scales {
                        heads.push(Arc::new(self.head(&mut params, under(scale)?)?));
                    }
                    Arc::new(Environment::new(heads, seed))
                }
            };
            let rows = (&training, &validation);
            train(head.as_ref(), &params, &Default::default(), rows, &self.spec.train, seed, observer)?;
            let plain = self.head(&mut params, self.bench.ideal()?)?;
            self.subject(&names[job / count], seed, &plain, &params)
        })
    }

    /// A trained head as plain numbers.
    fn subject(&self, name: &str, seed: u64, head: &DressedHead, params: &Params) -> Result<Subject, StudyError> {
        let sheet = |part: Part| -> Result<Sheet, StudyError> {
            let rows = inputs::rows(&self.features.values, &self.features.samples, part)?;
            let labels = rows.labels.to_vec1::<u32>()?.into_iter().map(|label| label as usize).collect();
            Ok(Sheet { angles: matrix(&head.circuit().angles(&rows.features)?)?, labels })
        };
        let named = |wanted: &str| {
            let found = params.iter().find(|(name, _)| *name == wanted);
            found.map(|(_, var)| var.as_tensor().clone()).expect("a dressed head has a read-out")
        };
        let (training, judged) = (sheet(Part::Train)?, sheet(Part::Validation)?);
        let line = |tensor: &Tensor| -> Result<Array1<f64>, StudyError> {
            Ok(Array1::from(tensor.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>()?))
        };
        let classifier = Classifier {
            training,
            labels: judged.labels,
            weight: matrix(&named("classify.weight"))?,
            bias: line(&named("classify.bias"))?,
        };
        Ok(Subject {
            name: name.into(),
            seed,
            angles: judged.angles,
            weights: line(head.circuit().weights())?,
            classifier: Some(classifier),
        })
    }
}

fn matrix(tensor: &Tensor) -> Result<Array2<f64>, StudyError> {
    let (rows, columns) = tensor.dims2()?;
    let values = tensor.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>()?;
    Ok(Array2::from_shape_vec((rows, columns), values).expect("a tensor has as many values as its shape says"))
}

/// The line `noisy ≈ slope · ideal + offset` through all entries with the least squared error; a slope through zero where
/// the ideal values have no spread, `None` where they vanish.
pub fn contraction(ideal: &Array2<f64>, noisy: &Array2<f64>) -> Option<(f64, f64)> {
    let (x, y) = (ideal.mean()?, noisy.mean()?);
    let across = ideal.iter().map(|v| (v - x).powi(2)).sum::<f64>();
    let along: f64 = ideal.iter().zip(noisy).map(|(a, b)| (a - x) * (b - y)).sum();
    if across > 1e-12 {
        let slope = along / across;
        return Some((slope, y - slope * x));
    }
    let square = ideal.iter().map(|v| v * v).sum::<f64>();
    (square > 1e-12).then(|| (ideal.iter().zip(noisy).map(|(a, b)| a * b).sum::<f64>() / square, 0.0))
}

/// Share of rows predicted right.
pub fn accuracy(predicted: &[usize], labels: &[usize]) -> f64 {
    predicted.iter().zip(labels).filter(|(p, l)| p == l).count() as f64 / labels.len().max(1) as f64
}

/// The most probable class of each row, the first of equals.
pub fn predicted(probabilities: &Array2<f64>) -> Vec<usize> {
    probabilities.rows().into_iter().map(argmax).collect()
}
