//! The quantum-kernel classifier: fidelities of encoded states, then support vectors.
//!
//! Without noise n rows cost n circuit runs: the states are kept and their overlaps taken. Under the noise of a device and
//! from shots each pair of rows is a run.

use ndarray::{Array1, Array2};

use crate::circuit::Ansatz;
use crate::circuit::ansatz::{AnsatzRow, Encoding, zz_feature_map};
use crate::classic::{Pca, SupportVectors};
use crate::data::FeatureRows;
use crate::lab::{Context, Measurement};
use crate::nn::NnError;
use crate::nn::head::{CircuitConfig, HeadRow};
use crate::sim::{Condition, Executions};
use crate::study::StudyError;
use crate::study::kernel::{FidelityKernel, TrainedEmbedding, target_alignment};
use crate::study::train::TrainConfig;
use crate::systems::conditions::add_notices;

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

    /// Class scores (rows, classes) of `evaluated` as a softmax of decision values, which ranks classes rightly but is not
    /// calibrated. The fidelities with the training rows are found under `condition`.
    ///
    /// # Errors
    /// If the circuit cannot be compiled or the simulator refuses.
    pub fn scores(
        &self,
        evaluated: &FeatureRows,
        (executions, condition, seed): (&Executions, &Condition, u64),
        found: &mut Measurement,
    ) -> Result<Array2<f64>, StudyError> {
        let kernel = self.kernel.under(executions, condition, seed)?;
        if let Some(execution) = kernel.execution() {
            add_notices(found, execution, condition);
        }
        let components = self.pca.transform(evaluated.values.mapv(f64::from).view()) * BANDWIDTH;
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
