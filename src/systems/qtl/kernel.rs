//! The quantum-kernel classifier: fidelities of encoded states, then support vectors.
//!
//! n rows cost n circuit runs: the states are kept and their overlaps taken, instead of running one circuit per pair.

use ndarray::{Array2, ArrayView1, ArrayView2};

use crate::circuit::ansatz::zz_feature_map;
use crate::classic::{Pca, SupportVectors};
use crate::math::C64;
use crate::nn::NnError;
use crate::nn::head::HeadShape;
use crate::noise::Program;
use crate::sim::{Angles, Statevector};
use crate::study::StudyError;
use crate::study::train::Rows;
use crate::systems::qtl::experiment::Table;

/// Repetitions of the feature map, as in Havlíček et al. 2019 (arXiv 1804.11326).
const REPETITIONS: usize = 2;
/// Angle of one standard deviation of a principal component, radians. A narrow band keeps fidelities away from the
/// concentration at 2⁻ⁿ that a full turn would bring (Shaydulin & Wild 2022, arXiv 2111.05451).
const BANDWIDTH: f64 = 0.4;
/// C of the support vector machine.
const PENALTY: f64 = 1.0;

/// Class scores (validation rows, classes) as a softmax of decision values, which ranks classes rightly but is not
/// calibrated.
///
/// Features are standardised and projected on one principal component per qubit, fitted on the training rows.
///
/// # Errors
/// If the simulator refuses the width.
pub fn classify(table: &Table, shape: &HeadShape, seed: u64) -> Result<Array2<f64>, StudyError> {
    let (training, validation) = (numbers(&table.training)?, numbers(&table.validation)?);
    let pca = Pca::fit(training.view(), shape.qubits, seed);
    let states = |rows: &Array2<f64>| encoded(pca.transform(rows.view()).view(), shape.qubits);
    let (known, fresh) = (states(&training)?, states(&validation)?);
    let labels: Vec<u32> = table.training.labels.to_vec1()?;
    let machine = SupportVectors::fit(fidelities(&known, &known).view(), &labels, table.classes, PENALTY, 1e-6);
    let mut scores = machine.decide(fidelities(&fresh, &known).view());
    for mut row in scores.rows_mut() {
        let top = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        row.mapv_inplace(|v| (v - top).exp());
        let sum = row.sum();
        row.mapv_inplace(|v| v / sum);
    }
    Ok(scores)
}

fn numbers(rows: &Rows) -> Result<Array2<f64>, StudyError> {
    let (count, width) = rows.features.dims2()?;
    let values: Vec<f32> = rows.features.flatten_all()?.to_vec1()?;
    Ok(Array2::from_shape_fn((count, width), |(i, j)| f64::from(values[i * width + j])))
}

/// States (rows, 2ⁿ) of the ZZ feature map for scores (rows, qubits).
fn encoded(scores: ArrayView2<'_, f64>, qubits: usize) -> Result<Array2<C64>, StudyError> {
    let circuit = zz_feature_map(qubits, REPETITIONS).map_err(NnError::from)?;
    let keep: Vec<usize> = (0..qubits).collect();
    let program = Program::ideal(&circuit, &keep);
    // Slots: 2x_i, then 2 x_i x_{i+1} (as in Huang et al. 2021, arXiv 2011.01938). Havlíček's (π - x)(π - y) would turn
    // by 2π a unit of x even in a narrow band, and scatter neighbours over the sphere.
    let x = |row: usize, qubit: usize| BANDWIDTH * scores[[row, qubit]];
    let angles =
        Array2::from_shape_fn((scores.nrows(), circuit.slots()), |(row, slot)| match slot.checked_sub(qubits) {
            None => 2.0 * x(row, slot),
            Some(pair) => 2.0 * x(row, pair) * x(row, pair + 1),
        });
    let angles = Angles { inputs: angles.view(), weights: ArrayView1::from(&[]) };
    Ok(Statevector::default().states(&program, angles).map_err(NnError::from)?)
}

/// `|⟨a_i|b_j⟩|²`, (rows of a, rows of b).
fn fidelities(a: &Array2<C64>, b: &Array2<C64>) -> Array2<f64> {
    a.mapv(|z| z.conj()).dot(&b.t()).mapv(|z| z.norm_sqr())
}
