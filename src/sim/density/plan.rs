//! What is worked out of a noisy or dynamic program once, and its forward and backward run over some rows.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use ndarray::ArrayView2;

use crate::circuit::Observable;
use crate::noise::Program;
use crate::sim::cost::{Call, Outline, Request, WantedBits, Workload};
use crate::sim::density::NAME;
use crate::sim::density::cost::{lanes, most_branches};
use crate::sim::kernel::chunks;
use crate::sim::kernel::float::Float;
use crate::sim::kernel::pauli::block::{Block, BlockMatrices};
use crate::sim::kernel::pauli::sweep::{self, BlockGradients};
use crate::sim::kernel::strings::{PauliMasks, Terms};
use crate::sim::kernel::vector::Vectors;
use crate::sim::needed::Needed;
use crate::sim::readout::recorded;
use crate::sim::stages::{Action, Stage, Stages, assigned, meets};
use crate::sim::{AngleGradient, Angles, EngineOptions, Precision, SimError, check};

/// A program and its observables, apart from angles.
pub struct Plan<F> {
    pub stages: Stages<F>,
    outline: Outline,
    pub slots: usize,
    pub input_slots: usize,
    /// Each observable of the recorded bits as one of the true state.
    pub terms: Vec<Terms>,
    /// What decides its cost.
    pub workload: Workload,
    /// Whether every step has a derivative.
    pub differentiable: Result<(), SimError>,
}

/// The matrices of the blocks of a stage, `None` for blocks that differ by row.
pub type Matrices<F> = Vec<Option<Arc<BlockMatrices<F>>>>;

/// The unnormalised state in every lane for each value of the classical register.
pub type Branches<F> = BTreeMap<u64, Vec<F>>;

impl<F: Vectors> Plan<F> {
    /// For values and outcomes.
    pub fn new(program: &Program, observables: &[Observable], input_slots: usize) -> Result<Self, SimError> {
        let mut plan = Self::whole(program, observables, input_slots, Request::Values)?;
        if let Some(needed) = Needed::of(program, observables) {
            plan.outline = needed.outline(input_slots);
            plan.stages = Stages::narrowing(&needed.program, input_slots, needed.end);
            let moved =
                |mask: u64| needed.number.iter().enumerate().fold(0, |all, (q, to)| all | (mask >> q & 1) << to);
            for (_, string) in plan.terms.iter_mut().flatten() {
                *string = PauliMasks { x: moved(string.x), z: moved(string.z) };
            }
        }
        Ok(plan)
    }

    /// For final states, which no qubit is left out of.
    pub fn of_states(program: &Program, input_slots: usize) -> Result<Self, SimError> {
        Self::whole(program, &[], input_slots, Request::States)
    }

    fn whole(
        program: &Program,
        observables: &[Observable],
        input_slots: usize,
        request: Request,
    ) -> Result<Self, SimError> {
        let workload = Workload::new(program, observables, input_slots);
        workload.check(NAME, &call::<F>(request, 1))?;
        if program.bits > 62 {
            let step = format!("a register of {} classical bits", program.bits);
            return Err(SimError::Unsupported {
                engine: NAME,
                step,
                instead: "use trajectory; on wide registers mps, or stabilizer for Clifford gates",
            });
        }
        let stages = Stages::of(program, input_slots);
        let terms = recorded(NAME, program, observables, &stages.measurements)?;
        let differentiable = check::differentiable(program);
        let outline = workload.outline.clone();
        Ok(Self { stages, outline, slots: program.slots, input_slots, terms, workload, differentiable })
    }

    /// Runs of rows that are computed together.
    pub fn chunks(&self, batch: usize) -> Vec<Range<usize>> {
        chunks(batch, lanes(F::WIDTH, size_of::<F>() as f64 * self.workload.mixed(), batch))
    }

    /// A call for so many rows.
    pub fn call(&self, request: Request, rows: usize) -> Call {
        call::<F>(request, rows)
    }

    /// The matrices of every stage with these weights.
    pub fn bind(&self, angles: &Angles) -> Vec<Matrices<F>> {
        let blocks = self.stages.list.iter().map(|stage| match &stage.action {
            Action::Blocks(blocks) => sweep::bind(blocks, angles),
            Action::Measure { .. } | Action::Assign { .. } => Vec::new(),
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

    /// Gives `leaf` the unnormalised states of some rows at the end, each with the value of the classical register. States
    /// whose registers differ only in bits that nobody wants are added; a value may come more than once.
    pub fn run(
        &self,
        all_matrices: &[Matrices<F>],
        angles: &Angles,
        rows: Range<usize>,
        wanted: WantedBits,
        mut leaf: impl FnMut(u64, Vec<F>),
    ) {
        let ground: Vec<F> = sweep::ground(self.stages.qubits, rows.len());
        let most = most_branches((size_of::<F>() * rows.len()) as f64 * self.workload.mixed());
        let live = self.outline.live(wanted);
        let mut trace = 0.0;
        let run = Descent { plan: self, all_matrices, angles, rows, live, most };
        run.descend(0, Branches::from([(0u64, ground)]), &mut |bits, v| {
            trace += v[0].double();
            leaf(bits, v);
        });
        debug_assert!((trace - 1.0).abs() < 1e-3, "the trace has drifted to {trace}");
    }

    /// Adds the expectation values of a state of `lanes` rows to one list for each observable.
    pub fn add_expectations(&self, v: &[F], lanes: usize, sums: &mut [Vec<f64>]) {
        for (sum, terms) in sums.iter_mut().zip(&self.terms) {
            let part = sweep::expectation(v, lanes, self.stages.qubits, terms);
            sum.iter_mut().zip(part).for_each(|(s, x)| *s += x);
        }
    }

    /// Zeros for [`Plan::add_expectations`].
    pub fn no_expectations(&self, lanes: usize) -> Vec<Vec<f64>> {
        vec![vec![0.0; lanes]; self.terms.len()]
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
        for ((block, matrices), mut d) in blocks.iter().zip(matrices).zip(total.shared) {
            if let Some(matrices) = matrices {
                block.gradient(angles, 0..1, matrices, &mut d, |row, slot, value| gradient.add(row, slot, value));
            }
        }
        gradient
    }
}

fn call<F>(request: Request, rows: usize) -> Call {
    let precision = if size_of::<F>() == 8 { Precision::Double } else { Precision::Single };
    Call::new(request, &EngineOptions { precision, ..EngineOptions::default() }).rows(rows)
}

/// A run of some rows through the stages.
struct Descent<'a, 'b, F> {
    plan: &'a Plan<F>,
    all_matrices: &'a [Matrices<F>],
    angles: &'a Angles<'b>,
    rows: Range<usize>,
    /// The bits that are still read after each stage.
    live: Vec<u64>,
    /// Branches that run side by side.
    most: usize,
}

impl<F: Vectors> Descent<'_, '_, F> {
    /// Runs branches from stage number `from` to the end. Where they become too many, each goes on alone.
    fn descend(&self, from: usize, mut branches: Branches<F>, leaf: &mut dyn FnMut(u64, Vec<F>)) {
        for (at, stage) in self.plan.stages.list.iter().enumerate().skip(from) {
            let holds = |bits: u64| meets(&stage.condition, bits);
            // The digits of the highest qubit come first: components without a letter there are the first quarter.
            let size = self.rows.len() << (2 * stage.qubits);
            for v in branches.values_mut().filter(|v| v.len() > size) {
                v.truncate(size);
                v.shrink_to_fit();
            }
            match &stage.action {
                Action::Blocks(blocks) => {
                    for (_, v) in branches.iter_mut().filter(|(bits, _)| holds(**bits)) {
                        for (block, matrices) in blocks.iter().zip(&self.all_matrices[at]) {
                            sweep::step(v, block, matrices, self.angles, self.rows.clone());
                        }
                    }
                }
                Action::Measure { .. } if branches.len() > 1 && 2 * branches.len() > self.most => {
                    for (bits, v) in branches {
                        self.descend(at, Branches::from([(bits, v)]), leaf);
                    }
                    return;
                }
                &Action::Measure { qubit, bit, confusion } => {
                    let mut after = Branches::new();
                    for (bits, v) in branches {
                        if !holds(bits) {
                            add(&mut after, bits & self.live[at], v);
                            continue;
                        }
                        let [up, down] =
                            confusion.map_or([0.0; 2], |c| [c.one_given_zero.get(), c.zero_given_one.get()]);
                        for (value, weights) in [(0, [1.0 - up, down]), (1, [up, 1.0 - down])] {
                            let recorded = (bits & !(1 << bit) | value << bit) & self.live[at];
                            let branch = project(&v, self.rows.len(), qubit, weights);
                            // Traces are never negative: a branch with none has probability 0 in every row.
                            if branch[..self.rows.len()].iter().any(|trace| trace.double() > 0.0) {
                                add(&mut after, recorded, branch);
                            }
                        }
                    }
                    branches = after;
                }
                &Action::Assign { bit, value } => {
                    let mut after = Branches::new();
                    for (bits, v) in branches {
                        let bits = if holds(bits) { assigned(bits, bit, value) } else { bits };
                        add(&mut after, bits & self.live[at], v);
                    }
                    branches = after;
                }
            }
            if branches.keys().any(|bits| bits & !self.live[at] != 0) {
                let mut merged = Branches::new();
                branches.into_iter().for_each(|(bits, v)| add(&mut merged, bits & self.live[at], v));
                branches = merged;
            }
        }
        branches.into_iter().for_each(|(bits, v)| leaf(bits, v));
    }
}

/// Adds a state to the branch of its bits.
fn add<F: Float>(branches: &mut Branches<F>, bits: u64, v: Vec<F>) {
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
