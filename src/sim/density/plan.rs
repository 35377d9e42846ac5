//! What is worked out of a noisy or dynamic program once, and its forward and backward run over some rows.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use ndarray::ArrayView2;

use crate::circuit::Observable;
use crate::noise::Program;
use crate::sim::density::{INSTEAD, NAME};
use crate::sim::kernel::chunks;
use crate::sim::kernel::float::Float;
use crate::sim::kernel::pauli::block::{Block, BlockMatrices};
use crate::sim::kernel::pauli::sweep::{self, BlockGradients};
use crate::sim::kernel::strings::Terms;
use crate::sim::kernel::vector::Vectors;
use crate::sim::readout::recorded;
use crate::sim::stages::{Action, Stage, Stages, meets};
use crate::sim::{AngleGradient, Angles, SimError, check};

/// A program and its observables, apart from angles.
pub struct Plan<F> {
    pub stages: Stages<F>,
    pub slots: usize,
    pub input_slots: usize,
    /// Each observable of the recorded bits as one of the true state.
    pub terms: Vec<Terms>,
    /// Whether every step has a derivative.
    pub differentiable: Result<(), SimError>,
}

/// The matrices of the blocks of a stage, `None` for blocks that differ by row.
pub type Matrices<F> = Vec<Option<Arc<BlockMatrices<F>>>>;

/// The unnormalised state in every lane for each value of the classical register.
pub type Branches<F> = BTreeMap<u64, Vec<F>>;

impl<F: Vectors> Plan<F> {
    /// Rows of a batch that run together: every loop fills a register of any machine.
    const LANES: usize = F::WIDTH;

    pub fn new(program: &Program, observables: &[Observable], input_slots: usize) -> Result<Self, SimError> {
        let qubits = program.qubits();
        check::memory(NAME, qubits, (2 * size_of::<F>() * Self::LANES) as f64 * 4f64.powi(qubits as i32), INSTEAD)?;
        if program.bits > 62 {
            let step = format!("a register of {} classical bits", program.bits);
            return Err(SimError::Unsupported { engine: NAME, step, instead: "use trajectory" });
        }
        let stages = Stages::of(program, input_slots);
        let terms = recorded(NAME, program, observables, &stages.measurements)?;
        let differentiable = check::differentiable(program);
        Ok(Self { stages, slots: program.slots, input_slots, terms, differentiable })
    }

    /// Runs of rows that are computed together.
    pub fn chunks(batch: usize) -> Vec<Range<usize>> {
        chunks(batch, Self::LANES)
    }

    /// The matrices of every stage with these weights.
    pub fn bind(&self, angles: &Angles) -> Vec<Matrices<F>> {
        let blocks = self.stages.list.iter().map(|stage| match &stage.action {
            Action::Blocks(blocks) => sweep::bind(blocks, angles),
            Action::Measure { .. } => Vec::new(),
        });
        blocks.collect()
    }

    /// The blocks of a program without conditions and measurements.
    pub fn blocks(&self) -> &[Block<F>] {
        match self.stages.list.as_slice() {
            [Stage { action: Action::Blocks(blocks), .. }] => blocks,
            _ => unreachable!("a program without conditions and measurements is one stage"),
        }
    }

    /// The unnormalised states of some rows at the end, by the value of the classical register.
    pub fn run(
        &self,
        all_matrices: &[Vec<Option<Arc<BlockMatrices<F>>>>],
        angles: &Angles,
        rows: Range<usize>,
    ) -> BTreeMap<u64, Vec<F>> {
        let lanes = rows.len();
        let mut branches = BTreeMap::from([(0u64, sweep::ground(self.stages.qubits, lanes))]);
        for (stage, all_matrices) in self.stages.list.iter().zip(all_matrices) {
            let holds = |bits: u64| meets(&stage.condition, bits);
            match &stage.action {
                Action::Blocks(blocks) => {
                    for (_, v) in branches.iter_mut().filter(|(bits, _)| holds(**bits)) {
                        for (block, matrices) in blocks.iter().zip(all_matrices) {
                            sweep::step(v, block, matrices, angles, rows.clone());
                        }
                    }
                }
                &Action::Measure { qubit, bit, confusion } => {
                    let mut after: BTreeMap<u64, Vec<F>> = BTreeMap::new();
                    for (bits, v) in branches {
                        if !holds(bits) {
                            add(&mut after, bits, v);
                            continue;
                        }
                        let [up, down] =
                            confusion.map_or([0.0; 2], |c| [c.one_given_zero.get(), c.zero_given_one.get()]);
                        for (value, weights) in [(0, [1.0 - up, down]), (1, [up, 1.0 - down])] {
                            let recorded = bits & !(1 << bit) | value << bit;
                            let branch = project(&v, lanes, qubit, weights);
                            // Traces are never negative: a branch with none has probability 0 in every row.
                            if branch[..lanes].iter().any(|trace| trace.double() > 0.0) {
                                add(&mut after, recorded, branch);
                            }
                        }
                    }
                    branches = after;
                }
            }
        }
        debug_assert!(
            (0..lanes).all(|lane| {
                let trace: f64 = branches.values().map(|v| v[lane].double()).sum();
                (trace - 1.0).abs() < 1e-3
            }),
            "the trace has drifted"
        );
        branches
    }

    /// Expectation values of `lanes` rows, one list for each observable.
    pub fn expectations(&self, branches: &Branches<F>, lanes: usize) -> Vec<Vec<f64>> {
        let of = |terms: &Terms| {
            branches.values().fold(vec![0.0; lanes], |mut sum, v| {
                let part = sweep::expectation(v, lanes, self.stages.qubits, terms);
                sum.iter_mut().zip(part).for_each(|(s, x)| *s += x);
                sum
            })
        };
        self.terms.iter().map(of).collect()
    }

    /// `Σ_o cotangent[row][o] O_o` for every row, as a vector in the Pauli basis.
    pub fn bra(&self, rows: Range<usize>, cotangent: ArrayView2<f64>) -> Vec<F> {
        let (qubits, lanes) = (self.stages.qubits, rows.len());
        let mut bra = vec![F::ZERO; lanes << (2 * qubits)];
        for (o, terms) in self.terms.iter().enumerate() {
            for &(weight, string) in terms {
                let at = sweep::component(string, qubits) * lanes;
                for (lane, row) in rows.clone().enumerate() {
                    bra[at + lane] += F::of(weight * cotangent[[row, o]]);
                }
            }
        }
        bra
    }

    /// The gradient of the whole batch from the parts of its runs of rows, in order.
    pub fn gradient(&self, angles: &Angles, matrices: &Matrices<F>, parts: Vec<BlockGradients>) -> AngleGradient {
        let blocks = self.blocks();
        let mut gradient = AngleGradient::zeros(angles);
        let mut total = BlockGradients::new(blocks);
        for part in parts {
            for (sum, d) in total.shared.iter_mut().zip(part.shared) {
                sum.iter_mut().zip(d).for_each(|(s, x)| *s += x);
            }
            part.rows.into_iter().for_each(|(row, slot, value)| gradient.add(row, slot, value));
        }
        for ((block, matrices), d) in blocks.iter().zip(matrices).zip(total.shared) {
            if let Some(matrices) = matrices {
                block.gradient(angles, 0..1, matrices, d, |row, slot, value| gradient.add(row, slot, value));
            }
        }
        gradient
    }
}

fn add<F: Float>(branches: &mut BTreeMap<u64, Vec<F>>, bits: u64, v: Vec<F>) {
    match branches.get_mut(&bits) {
        Some(sum) => sum.iter_mut().zip(v).for_each(|(s, x)| *s += x),
        None => drop(branches.insert(bits, v)),
    }
}

/// `w₀ Π₀ρΠ₀ + w₁ Π₁ρΠ₁` with the projectors of one qubit.
fn project<F: Float>(v: &[F], lanes: usize, qubit: usize, weights: [f64; 2]) -> Vec<F> {
    let [half0, half1] = weights.map(|weight| F::of(weight / 2.0));
    let step = lanes << (2 * qubit);
    let mut out = vec![F::ZERO; v.len()];
    for (from, to) in v.chunks_exact(4 * step).zip(out.chunks_exact_mut(4 * step)) {
        for i in 0..step {
            let (one, z) = (from[i], from[i + 3 * step]);
            let (p0, p1) = (half0 * (one + z), half1 * (one - z));
            (to[i], to[i + 3 * step]) = (p0 + p1, p0 - p1);
        }
    }
    out
}
