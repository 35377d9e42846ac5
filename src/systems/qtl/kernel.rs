//! The quantum-kernel classifier: fidelities of encoded states, then support vectors.
//!
//! Without noise n rows cost n circuit runs: the states are kept and their overlaps taken. Under the noise of a device and
//! from shots each pair of rows is a run.

use std::path::Path;

use ndarray::{Array1, Array2, ArrayView2};
use serde::{Deserialize, Serialize};

use crate::circuit::ansatz::{AnsatzRow, Encoding, zz_feature_map};
use crate::circuit::{Ansatz, Circuit};
use crate::classic::{Pca, SupportVectors};
use crate::data::FeatureRows;
use crate::lab::{Applied, ApplyOptions, Context, Measurement, SavedTrial};
use crate::nn::NnError;
use crate::nn::head::{CircuitConfig, HeadRow};
use crate::sim::{Condition, Executions};
use crate::study::kernel::{FidelityKernel, TrainedEmbedding, target_alignment};
use crate::study::train::TrainConfig;
use crate::study::{Observer, StudyError};
use crate::systems::conditions::add_notices;
use crate::systems::inputs::{self, NewData};
use crate::systems::qtl::spec::Spec;
use crate::systems::saved_head::{KERNEL_FILE, answers};

/// Repetitions of the feature map, as in Havlíček et al. 2019 (arXiv 1804.11326).
const REPETITIONS: usize = 2;
/// Angle of one standard deviation of a principal component, radians. A narrow band keeps fidelities away from the
/// concentration at 2⁻ⁿ that a full turn would bring (Shaydulin & Wild 2022, arXiv 2111.05451).
const BANDWIDTH: f64 = 0.4;
/// C of the support vector machine.
const PENALTY: f64 = 1.0;

/// What turns principal components into the angles of an embedding.
enum Embedding {
    /// The ZZ feature map with linear couplings: nothing is trained.
    Fixed { qubits: usize },
    /// Trained by kernel-target alignment.
    Trained(Box<TrainedEmbedding>),
}

/// A fitted classifier.
pub struct KernelHead {
    pca: Pca,
    embedding: Embedding,
    kernel: FidelityKernel,
    weights: Array1<f64>,
    /// Input angles of the training rows.
    known: Array2<f64>,
    machine: SupportVectors,
}

/// Name and version of the file.
const FORMAT: &str = "qgraft.kernel/1";

/// A fitted classifier as a file.
#[derive(Serialize, Deserialize)]
struct KernelFile {
    format: String,
    /// Row of the table of heads.
    head: String,
    circuit: CircuitConfig,
    classes: Vec<String>,
    /// The embedding as circuit JSON: a later version runs it unchanged.
    program: String,
    pca: Pca,
    weights: Array1<f64>,
    scales: Option<Vec<f64>>,
    known: Array2<f64>,
    machine: SupportVectors,
}

/// What the kernel of a trial predicts for new data.
///
/// # Errors
/// If the file or the data cannot be read, or the circuit cannot be compiled for the condition.
pub fn apply(trial: &SavedTrial, options: &ApplyOptions, observer: &dyn Observer) -> Result<Applied, StudyError> {
    let (head, classes) = KernelHead::from_bytes(&trial.file(KERNEL_FILE)?, &trial.path(KERNEL_FILE))?;
    let places = (options.cache.as_path(), options.threads);
    let new = NewData { paths: &options.data, classes: &classes, skip_bad: options.skip_bad };
    let backbone = trial.settings::<Spec>()?.backbone;
    trial.check_contents("backbone.weights", backbone.weights.as_deref())?;
    let rows = inputs::load_new(&new, &backbone, places, observer)?;
    let mut found = Measurement::default();
    let (condition, seed) = (&options.condition, trial.point.seed());
    let scores = head.scores(rows.values.view(), (&Executions::default(), condition, seed), &mut found)?;
    let title = format!("{}, seed {seed}; {condition}", trial.point.get("head"));
    let mut applied = answers(title, &classes, &rows, &scores)?;
    applied.notices.extend(found.notices);
    Ok(applied)
}

/// What a kernel is fitted with.
pub struct Fit<'a> {
    /// Row of the table of heads.
    pub row: &'static HeadRow,
    /// Sizes of the circuit.
    pub circuit: &'a CircuitConfig,
    /// How an embedding is trained.
    pub train: &'a TrainConfig,
    /// Under which the training fidelities are found.
    pub home: &'a Condition,
    /// Compiles circuits.
    pub executions: &'a Executions,
    /// Seed of components, weights, batches and shots.
    pub seed: u64,
}

impl KernelHead {
    /// Fits components, embedding and support vectors on the training rows. Features are standardised and projected on one
    /// principal component for each feature of the embedding.
    ///
    /// # Errors
    /// If the training diverges, the circuit cannot be compiled, or the simulator refuses the width.
    pub fn fit(training: &FeatureRows, fit: &Fit<'_>, context: &Context) -> Result<(Self, Measurement), StudyError> {
        let mut found = Measurement::default();
        let values = training.values.mapv(f64::from);
        let pca = Pca::fit(values.view(), fit.circuit.qubits, fit.seed);
        let components = pca.transform(values.view()) * BANDWIDTH;
        let (embedding, ansatz, weights) = match fit.row.circuit.and_then(AnsatzRow::named) {
            None => {
                let qubits = fit.circuit.qubits;
                (Embedding::Fixed { qubits }, zz_embedding(qubits)?, Array1::zeros(0))
            }
            Some(family) => {
                let ansatz = fit.circuit.build(Some(family), true)?;
                let mut trained = TrainedEmbedding::new(ansatz.clone(), fit.circuit.weight_sd, fit.seed)?;
                let history =
                    trained.align(components.view(), &training.labels, fit.train, fit.seed, context.observer)?;
                found = found
                    .curve("train_loss", history.iter().map(|epoch| epoch.loss).collect())
                    .value("parameters", trained.parameters() as f64)
                    .value("quantum_parameters", trained.parameters() as f64);
                let weights = trained.weights()?;
                (Embedding::Trained(Box::new(trained)), ansatz, weights)
            }
        };
        let kernel = FidelityKernel::new(ansatz).under(fit.executions, fit.home, fit.seed)?;
        if let Some(execution) = kernel.execution() {
            add_notices(&mut found, execution, fit.home);
        }
        let known = embedding.angles(&components)?;
        let gram = kernel.gram(known.view(), weights.view())?;
        found = found.value("target_alignment", target_alignment(gram.view(), &training.labels));
        let labels: Vec<u32> = training.labels.iter().map(|&label| label as u32).collect();
        let machine = SupportVectors::fit(gram.view(), &labels, training.classes.len(), PENALTY, 1e-6);
        Ok((Self { pca, embedding, kernel, weights, known, machine }, found))
    }

    /// The classifier as a file.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn to_bytes(&self, fit: &Fit<'_>, classes: &[String]) -> Result<Vec<u8>, StudyError> {
        let file = KernelFile {
            format: FORMAT.into(),
            head: fit.row.name.into(),
            circuit: fit.circuit.clone(),
            classes: classes.to_vec(),
            program: self.kernel.embedding().circuit.to_json(),
            pca: self.pca.clone(),
            weights: self.weights.clone(),
            scales: match &self.embedding {
                Embedding::Fixed { .. } => None,
                Embedding::Trained(trained) => trained.scales()?,
            },
            known: self.known.clone(),
            machine: self.machine.clone(),
        };
        serde_json::to_vec(&file).map_err(|source| StudyError::Json { path: KERNEL_FILE.into(), source })
    }

    /// The classifier of a file that errors call `path`, and its classes. Its circuit runs without noise.
    ///
    /// # Errors
    /// If it is no such file.
    pub fn from_bytes(bytes: &[u8], path: &Path) -> Result<(Self, Vec<String>), StudyError> {
        let bad = |reason: String| StudyError::from(NnError::File { path: path.into(), reason });
        let file: KernelFile =
            serde_json::from_slice(bytes).map_err(|source| StudyError::Json { path: path.into(), source })?;
        if file.format != FORMAT {
            return Err(bad(format!("format {:?}; this version reads {FORMAT:?}", file.format)));
        }
        let circuit = Circuit::from_json(&file.program).map_err(|e| bad(format!("circuit: {e}")))?;
        let row = HeadRow::named(&file.head)?;
        if !(1..=CircuitConfig::MOST_AMPLITUDE_QUBITS).contains(&circuit.qubits()) {
            return Err(bad(format!("its circuit has {} qubits; expected 1 to 16", circuit.qubits())));
        }
        let (embedding, ansatz) = match row.circuit.and_then(AnsatzRow::named) {
            None => {
                let qubits = circuit.qubits();
                (Embedding::Fixed { qubits }, with_circuit(zz_embedding(qubits)?, circuit).map_err(bad)?)
            }
            Some(family) => {
                let ansatz = with_circuit(file.circuit.build(Some(family), true)?, circuit).map_err(bad)?;
                let weights = file.weights.to_vec();
                let trained = TrainedEmbedding::of(ansatz.clone(), &weights, file.scales.as_deref())?;
                (Embedding::Trained(Box::new(trained)), ansatz)
            }
        };
        let KernelFile { pca, weights, known, machine, classes, .. } = file;
        let features = match &embedding {
            Embedding::Fixed { qubits } => *qubits,
            Embedding::Trained(_) => ansatz.features(),
        };
        let fits = pca.is_sound()
            && weights.len() == ansatz.weights()
            && pca.components() == features
            && known.ncols() == ansatz.inputs
            && machine.sizes() == Some((known.nrows(), classes.len()))
            && classes.len() > 1;
        if !fits {
            return Err(bad("its components, weights, rows and classes do not fit each other".into()));
        }
        Ok((Self { pca, embedding, kernel: FidelityKernel::new(ansatz), weights, known, machine }, classes))
    }

    /// Class scores (rows, classes) of `evaluated` as a softmax of decision values, which ranks classes rightly but is not
    /// calibrated. The fidelities with the training rows are found under `condition`.
    ///
    /// # Errors
    /// If the circuit cannot be compiled or the simulator refuses.
    pub fn scores(
        &self,
        evaluated: ArrayView2<'_, f32>,
        (executions, condition, seed): (&Executions, &Condition, u64),
        found: &mut Measurement,
    ) -> Result<Array2<f64>, StudyError> {
        if evaluated.ncols() != self.pca.columns() {
            let value = format!("{} columns", evaluated.ncols());
            let reason = "the kernel was fitted on features of another width";
            return Err(NnError::Setting { field: "features", value, reason }.into());
        }
        let kernel = self.kernel.under(executions, condition, seed)?;
        if let Some(execution) = kernel.execution() {
            add_notices(found, execution, condition);
        }
        let components = self.pca.transform(evaluated.mapv(f64::from).view()) * BANDWIDTH;
        let fresh = self.embedding.angles(&components)?;
        let mut scores =
            self.machine.decide(kernel.matrix(fresh.view(), self.known.view(), self.weights.view())?.view());
        for mut row in scores.rows_mut() {
            let top = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            row.mapv_inplace(|v| (v - top).exp());
            let sum = row.sum();
            row.mapv_inplace(|v| v / sum);
        }
        Ok(scores)
    }
}

/// An ansatz with its circuit from a file.
fn with_circuit(built: Ansatz, circuit: Circuit) -> Result<Ansatz, String> {
    match (circuit.qubits(), circuit.slots()) == (built.circuit.qubits(), built.circuit.slots()) {
        true => Ok(Ansatz { circuit, ..built }),
        false => Err(format!("its circuit has {} slots, {} were expected", circuit.slots(), built.circuit.slots())),
    }
}

fn zz_embedding(qubits: usize) -> Result<Ansatz, NnError> {
    let circuit = zz_feature_map(qubits, REPETITIONS)?;
    Ok(Ansatz { inputs: circuit.slots(), circuit, encoding: Encoding::Direct, observables: Vec::new() })
}

impl Embedding {
    /// Input angles (rows, inputs) of components (rows, features).
    fn angles(&self, components: &Array2<f64>) -> Result<Array2<f64>, StudyError> {
        match self {
            // Slots: 2x_i, then 2 x_i x_{i+1} (as in Huang et al. 2021, arXiv 2011.01938). Havlíček's (π - x)(π - y) would
            // turn by 2π a unit of x even in a narrow band, and scatter neighbours over the sphere.
            Self::Fixed { qubits } => {
                let x = |row: usize, qubit: usize| components[[row, qubit]];
                let slots = 2 * qubits - 1;
                Ok(Array2::from_shape_fn((components.nrows(), slots), |(row, slot)| match slot.checked_sub(*qubits) {
                    None => 2.0 * x(row, slot),
                    Some(pair) => 2.0 * x(row, pair) * x(row, pair + 1),
                }))
            }
            Self::Trained(trained) => trained.angles(components.view()),
        }
    }
}
