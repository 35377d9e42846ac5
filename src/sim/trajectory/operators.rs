//! Blocks of gates and noise as operators of which a trajectory picks one by chance.

use crate::math::matrix::{dagger, identity};
use crate::math::{C64, Matrix};
use crate::noise::{Confusion, kraus_of};
use crate::sim::Angles;
use crate::sim::kernel::amplitudes::{Entries, MatrixKind, OperandLayout, State, apply};
use crate::sim::kernel::pauli::block::Block;
use crate::sim::kernel::vector::Vectors;
use crate::sim::trajectory::loops::TargetLayout;
use crate::sim::trajectory::norm::norm;

/// KrausOperators K with `Σ K†K = 1`, the likeliest first.
pub struct KrausOperators<F> {
    /// Where they act; `None` for three qubits and more and under controls, where there is one of them.
    group: Option<TargetLayout>,
    layout: OperandLayout,
    pub choices: Vec<KrausOperator<F>>,
    /// Where the number of the operator is recorded, if it is the outcome of a measurement.
    pub record: Option<(usize, Option<Confusion>)>,
    /// The probabilities, if they are the same for all states.
    pub mixture: Option<Vec<f64>>,
}

/// One operator K.
pub struct KrausOperator<F> {
    /// Its entries, in the order of its loop.
    numbers: Vec<F>,
    /// Entries of K†K, row major; empty for a unitary that nothing competes with.
    weight: Vec<C64>,
    /// No state gives K a smaller probability.
    pub least: f64,
}

impl<F: Vectors> KrausOperators<F> {
    /// A fused block in a register of `width` qubits, with the angles put in.
    pub fn block(block: &Block, width: usize, angles: &Angles) -> Self {
        let matrices = block.bind(angles, 0..1);
        let numbers = &matrices.numbers;
        let (controls, targets) = block.qubits.split_at(block.controls);
        let kraus = if block.is_wide() {
            let side = 1 << targets.len();
            vec![Matrix::from_shape_fn((side, side), |(i, j)| {
                let at = 2 * (i * side + j);
                C64::new(numbers[at], numbers[at + 1])
            })]
        } else {
            kraus_of(numbers)
        };
        Self::new(controls, targets, width, &kraus, None)
    }

    /// The measurement of a qubit: operator k projects on the outcome k.
    pub fn measurement(qubit: usize, width: usize, bit: usize, confusion: Option<Confusion>) -> Self {
        let projectors = [0, 1].map(|outcome| {
            let mut m = Matrix::zeros((2, 2));
            m[[outcome, outcome]] = C64::from(1.0);
            m
        });
        Self::new(&[], &[qubit], width, &projectors, Some((bit, confusion)))
    }

    /// `kraus` on the targets where all controls are 1; with controls there is one, a unitary.
    fn new(
        controls: &[usize],
        targets: &[usize],
        width: usize,
        kraus: &[Matrix],
        record: Option<(usize, Option<Confusion>)>,
    ) -> Self {
        let group = (controls.is_empty() && targets.len() <= 2).then(|| TargetLayout::new::<F>(width, targets));
        let mut mixture = Vec::new();
        let choices = kraus.iter().map(|k| {
            let weight = dagger(k).dot(k);
            let (mean, spread) = spectrum(&weight);
            // Kraus operators are known to about 1e-15.
            if spread < 1e-14 {
                mixture.push(mean);
            }
            let least = (mean - spread).max(0.0);
            let numbers = match &group {
                Some(group) => group.numbers(k),
                None => k.iter().flat_map(|z| [F::of(z.re), F::of(z.im)]).collect(),
            };
            KrausOperator { numbers, weight: weight.into_iter().collect(), least }
        });
        let choices: Vec<KrausOperator<F>> = choices.collect();
        let mixture = (mixture.len() == choices.len()).then_some(mixture);
        Self { group, layout: OperandLayout::new(width, controls, targets), choices, record, mixture }
    }

    /// `⟨ψ|K†K|ψ⟩` for each operator K.
    pub fn probabilities(&self, state: &State<F>) -> Vec<f64> {
        match (&self.group, &self.mixture) {
            (Some(group), None) => {
                let overlaps = group.overlaps(state);
                let along = |weight: &Vec<C64>| -> f64 {
                    weight.iter().zip(&overlaps).map(|(w, o)| w.re * o.re - w.im * o.im).sum()
                };
                self.choices.iter().map(|choice| along(&choice.weight)).collect()
            }
            (_, mixture) => {
                let norm = norm(state);
                mixture.as_ref().map_or(vec![norm], |mixture| mixture.iter().map(|p| p * norm).collect())
            }
        }
    }

    /// `ψ ← K ψ` with operator number `picked`.
    pub fn apply(&self, state: &mut State<F>, picked: usize) {
        let numbers = &self.choices[picked].numbers;
        match (&self.group, &self.layout) {
            (Some(group), _) => group.apply(state, numbers),
            (None, layout) => apply(state, layout, &MatrixKind::Complex, Entries { list: numbers, by_row: false }),
        }
    }
}

/// The mean of the eigenvalues of a Hermitian matrix, and a matrices of how far any of them lies from it: with D the matrix
/// less its mean, `max |λ(D)|⁴ ≤ Σ λ(D)⁴ = ‖D²‖²`.
fn spectrum(m: &Matrix) -> (f64, f64) {
    let mean = m.diag().sum().re / m.nrows() as f64;
    let d = m - identity(m.nrows()) * C64::from(mean);
    let fourth: f64 = d.dot(&d).iter().map(|z| z.norm_sqr()).sum();
    (mean, fourth.sqrt().sqrt())
}
