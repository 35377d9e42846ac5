//! Density matrices, exact for every program: noise, measurement, reset, conditions.
//!
//! ρ is kept as the 4ⁿ real numbers `tr(P ρ)`, in which gates and channels are real matrices and noise is sparse. Mid-circuit
//! measurements split it into one unnormalised ρ per value of the classical register, so the result is exact.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use ndarray::{Array1, Array2, ArrayView2};
use rayon::prelude::*;

use crate::circuit::Observable;
use crate::noise::Program;
use crate::sim::kernel::chunks;
use crate::sim::kernel::float::Float;
use crate::sim::kernel::pauli::block::{Block, BlockMatrices};
use crate::sim::kernel::pauli::sweep::{self, BlockGradients};
use crate::sim::kernel::strings::Terms;
use crate::sim::kernel::vector::Vectors;
use crate::sim::memo::{Memo, at_precision};
use crate::sim::readout::{record, recorded};
use crate::sim::stages::{Action, Stage, Stages, meets};
use crate::sim::{AngleGradient, Angles, Precision, SimError, Simulator, check};

const NAME: &str = "density";
const INSTEAD: &str = "use trajectory (or statevector if the program is ideal)";

/// The exact engine for noisy and dynamic programs: time and memory grow with 4ⁿ.
///
/// `vjp` is reverse mode through gates and channels alike: it costs about three forward runs, whatever the number of
/// angles and observables.
#[derive(Default)]
pub struct Density {
    precision: Precision,
    double: Memo<Plan<f64>>,
    single: Memo<Plan<f32>>,
}

struct Plan<F> {
    stages: Stages<F>,
}

impl<F: Vectors> Plan<F> {
    /// Rows of a batch that run together: every loop fills a register of any machine.
    const LANES: usize = F::WIDTH;

    fn of(program: &Program, input_slots: usize) -> Result<Self, SimError> {
        let qubits = program.qubits();
        check::memory(NAME, qubits, (2 * size_of::<F>() * Self::LANES) as f64 * 4f64.powi(qubits as i32), INSTEAD)?;
        if program.bits > 62 {
            let step = format!("a register of {} classical bits", program.bits);
            return Err(SimError::Unsupported { engine: NAME, step, instead: "use trajectory" });
        }
        Ok(Self { stages: Stages::of(program, input_slots) })
    }

    fn bind(&self, angles: &Angles) -> Vec<Vec<Option<Arc<BlockMatrices<F>>>>> {
        let blocks = self.stages.list.iter().map(|stage| match &stage.action {
            Action::Blocks(blocks) => sweep::bind(blocks, angles),
            Action::Measure { .. } => Vec::new(),
        });
        blocks.collect()
    }

    /// The unnormalised states of some rows at the end, by the value of the classical register.
    fn run(
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

impl Density {
    /// An engine that computes with numbers of this width; angles and results are f64 in both.
    pub fn new(precision: Precision) -> Self {
        Self { precision, ..Self::default() }
    }

    fn plan<F: Vectors>(
        &self,
        memo: &Memo<Plan<F>>,
        program: &Program,
        angles: &Angles,
    ) -> Result<Arc<Plan<F>>, SimError> {
        check::angles(program, angles)?;
        let input_slots = angles.inputs.ncols();
        memo.get(program, input_slots, || Plan::of(program, input_slots))
    }

    /// The final state of the first row before terminal measurements, `tr(P ρ)`, summed over classical bits, in double
    /// precision.
    pub(super) fn vector(&self, program: &Program, angles: Angles) -> Result<Vec<f64>, SimError> {
        let plan = self.plan(&self.double, program, &angles)?;
        let branches = plan.run(&plan.bind(&angles), &angles, 0..1).into_values();
        let sum = branches.reduce(|sum, v| sum.iter().zip(&v).map(|(a, b)| a + b).collect());
        Ok(sum.expect("the branches hold all of the trace"))
    }

    fn expect_in<F: Vectors>(
        &self,
        memo: &Memo<Plan<F>>,
        program: &Program,
        angles: Angles,
        observables: &[Observable],
    ) -> Result<Array2<f64>, SimError> {
        let plan = self.plan(memo, program, &angles)?;
        let terms = recorded(NAME, program, observables, &plan.stages.measurements)?;
        let all_matrices = plan.bind(&angles);
        let mut out = Array2::zeros((angles.batch(), observables.len()));
        let parts: Vec<_> = chunks(angles.batch(), Plan::<F>::LANES)
            .into_par_iter()
            .map(|rows| (rows.clone(), plan.run(&all_matrices, &angles, rows)))
            .map(|(rows, branches)| {
                let each = terms.iter().map(|terms| {
                    branches.values().fold(vec![0.0; rows.len()], |mut sum, v| {
                        let part = sweep::expectation(v, rows.len(), plan.stages.qubits, terms);
                        sum.iter_mut().zip(part).for_each(|(s, x)| *s += x);
                        sum
                    })
                });
                (rows.start, each.collect::<Vec<_>>())
            })
            .collect();
        for (start, columns) in parts {
            for (o, column) in columns.iter().enumerate() {
                column.iter().enumerate().for_each(|(lane, value)| out[[start + lane, o]] = *value);
            }
        }
        Ok(out)
    }

    fn vjp_in<F: Vectors>(
        &self,
        memo: &Memo<Plan<F>>,
        program: &Program,
        angles: Angles,
        observables: &[Observable],
        cotangent: ArrayView2<f64>,
    ) -> Result<AngleGradient, SimError> {
        check::differentiable(program)?;
        check::cotangent(&angles, observables, cotangent)?;
        let plan = self.plan(memo, program, &angles)?;
        let terms = recorded(NAME, program, observables, &plan.stages.measurements)?;
        let blocks: &[Block<F>] = match plan.stages.list.as_slice() {
            [Stage { action: Action::Blocks(blocks), .. }] => blocks,
            _ => unreachable!("a program without conditions and measurements is one stage"),
        };
        Ok(gradient(plan.stages.qubits, blocks, &angles, &terms, cotangent))
    }

    fn probabilities_in<F: Vectors>(
        &self,
        memo: &Memo<Plan<F>>,
        program: &Program,
        angles: Angles,
    ) -> Result<Array2<f64>, SimError> {
        let plan = self.plan(memo, program, &angles)?;
        let all_matrices = plan.bind(&angles);
        let width = plan.stages.width();
        check::memory(
            NAME,
            plan.stages.qubits,
            angles.batch() as f64 * 8.0 * 2f64.powi(width as i32),
            "sample counts instead",
        )?;
        let mut out = Array2::zeros((angles.batch(), 1 << width));
        let rows: Vec<Vec<f64>> = chunks(angles.batch(), Plan::<F>::LANES)
            .into_par_iter()
            .map(|rows| (rows.clone(), plan.run(&all_matrices, &angles, rows)))
            .flat_map_iter(|(rows, branches)| {
                let plan = &plan;
                (0..rows.len())
                    .map(move |lane| {
                        let mut p = vec![0.0; 1 << width];
                        for (bits, v) in &branches {
                            let outcomes = sweep::outcomes(v, rows.len(), plan.stages.qubits, lane);
                            if plan.stages.measures {
                                record(&plan.stages.measurements, &outcomes, *bits as usize, &mut p);
                            } else {
                                p.iter_mut().zip(outcomes).for_each(|(sum, x)| *sum += x);
                            }
                        }
                        p
                    })
                    .collect::<Vec<_>>()
            })
            .collect();
        for (mut row, p) in out.rows_mut().into_iter().zip(rows) {
            row.assign(&Array1::from(p));
        }
        Ok(out)
    }
}

impl Simulator for Density {
    fn name(&self) -> String {
        format!("density, {} precision", self.precision)
    }

    fn precision(&self) -> Precision {
        self.precision
    }

    fn expect(&self, program: &Program, angles: Angles, observables: &[Observable]) -> Result<Array2<f64>, SimError> {
        at_precision!(self.expect_in(program, angles, observables))
    }

    fn vjp(
        &self,
        program: &Program,
        angles: Angles,
        observables: &[Observable],
        cotangent: ArrayView2<f64>,
    ) -> Result<AngleGradient, SimError> {
        at_precision!(self.vjp_in(program, angles, observables, cotangent))
    }

    fn probabilities(&self, program: &Program, angles: Angles) -> Result<Array2<f64>, SimError> {
        at_precision!(self.probabilities_in(program, angles))
    }
}

/// Reverse mode over all rows: the gradient of `Σ cotangent[b][o] ⟨O_o⟩_b`.
fn gradient<F: Vectors>(
    qubits: usize,
    blocks: &[Block<F>],
    angles: &Angles,
    terms: &[Terms],
    cotangent: ArrayView2<f64>,
) -> AngleGradient {
    let all_matrices = sweep::bind(blocks, angles);
    let parts: Vec<BlockGradients> = chunks(angles.batch(), Plan::<F>::LANES)
        .into_par_iter()
        .map(|rows| {
            let lanes = rows.len();
            let ground = sweep::ground(qubits, lanes);
            let mut bra = vec![F::ZERO; ground.len()];
            for (o, terms) in terms.iter().enumerate() {
                for &(weight, string) in terms {
                    let at = sweep::component(string, qubits) * lanes;
                    for (lane, row) in rows.clone().enumerate() {
                        bra[at + lane] += F::of(weight * cotangent[[row, o]]);
                    }
                }
            }
            let mut found = BlockGradients::new(blocks);
            sweep::reverse(blocks, &all_matrices, angles, rows, ground, bra, &mut found);
            found
        })
        .collect();
    let mut gradient = AngleGradient::zeros(angles);
    let mut total = BlockGradients::new(blocks);
    for part in parts {
        for (sum, d) in total.shared.iter_mut().zip(part.shared) {
            sum.iter_mut().zip(d).for_each(|(s, x)| *s += x);
        }
        part.rows.into_iter().for_each(|(row, slot, value)| gradient.add(row, slot, value));
    }
    for ((block, matrices), d) in blocks.iter().zip(&all_matrices).zip(total.shared) {
        if let Some(matrices) = matrices {
            block.gradient(angles, 0..1, matrices, d, |row, slot, value| gradient.add(row, slot, value));
        }
    }
    gradient
}
