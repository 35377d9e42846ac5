//! Trajectories: noise as random jumps of pure states, which shots with the same jumps share.
//!
//! * [`operators`]: blocks of gates and noise as Kraus operators of which one is picked;
//! * [`tree`]: shots that run together until they pick differently;
//! * [`loops`], [`norm`]: loops over amplitudes.

mod loops;
mod norm;
mod operators;
mod tree;

use std::sync::Arc;

use ndarray::{Array1, Array2, ArrayView2};

use crate::circuit::Observable;
use crate::math::Stream;
use crate::noise::Program;
use crate::sim::kernel::amplitudes::State;
use crate::sim::kernel::strings::Strings;
use crate::sim::kernel::vector::Vectors;
use crate::sim::memo::{Memo, at_precision};
use crate::sim::readout::{record, recorded};
use crate::sim::stages::{Action, Stages};
use crate::sim::{AngleGradient, Angles, Gradient, Precision, SimError, Simulator, check};
use operators::KrausOperators;
use tree::{Branch, Jump, Shot, ShotRunner};

const NAME: &str = "trajectory";

/// The sampling engine, for noisy and dynamic programs too wide for a density matrix: memory grows with 2ⁿ, the error
/// falls with the square root of `shots`. Time grows with the number of different pasts that shots have: under weak noise
/// most have none, so a thousand shots cost far less than a thousand runs.
///
/// Shot s of row b draws from its own random stream, so results do not depend on threads. Expectation values and
/// probabilities are means over the shots' exact ones, with less variance than counting outcomes; `vjp` is the
/// parameter-shift rule with the same streams in all runs.
pub struct Trajectory {
    /// Trajectories per row.
    pub shots: usize,
    /// Seed of all randomness.
    pub seed: u64,
    precision: Precision,
    /// Shared by engines that differ in shots and seed alone.
    double: Arc<Memo<Plan<f64>>>,
    single: Arc<Memo<Plan<f32>>>,
}

struct Plan<F> {
    stages: Stages,
    /// The operators of each stage, `None` where they depend on angles.
    known: Vec<Vec<Option<Arc<KrausOperators<F>>>>>,
    /// Qubits of a state: those of the program, and idle ones if they would not fill a register.
    width: usize,
}

impl<F: Vectors> Plan<F> {
    fn of(program: &Program) -> Result<Self, SimError> {
        if program.bits > 63 {
            let step = format!("a register of {} classical bits", program.bits);
            return Err(SimError::Unsupported { engine: NAME, step, instead: "use at most 63" });
        }
        let width = program.qubits().max(F::LOW);
        // Rows run one at a time, so no slot differs between lanes.
        let stages = Stages::of(program, 0);
        let nothing = Array2::zeros((1, 0));
        let none = Angles { inputs: nothing.view(), weights: nothing.row(0) };
        let known = stages.list.iter().map(|stage| match &stage.action {
            Action::Blocks(blocks) => blocks
                .iter()
                .map(|block| block.is_fixed().then(|| Arc::new(KrausOperators::block(block, width, &none))))
                .collect(),
            &Action::Measure { qubit, bit, confusion } => {
                vec![Some(Arc::new(KrausOperators::measurement(qubit, width, bit, confusion)))]
            }
        });
        Ok(Self { known: known.collect(), stages, width })
    }

    /// The program with the angles of a row put in.
    fn bind(&self, angles: &Angles) -> Vec<Jump<F>> {
        let mut jumps = Vec::new();
        for (stage, known) in self.stages.list.iter().zip(&self.known) {
            for (k, operators) in known.iter().enumerate() {
                let operators = match (operators, &stage.action) {
                    (None, Action::Blocks(blocks)) => Arc::new(KrausOperators::block(&blocks[k], self.width, angles)),
                    (Some(operators), _) => Arc::clone(operators),
                    (None, Action::Measure { .. }) => unreachable!("measurements do not depend on angles"),
                };
                jumps.push(Jump { condition: stage.condition.clone(), operators });
            }
        }
        jumps
    }

    /// Number of outcomes, after checking that tables of them fit.
    fn outcomes(&self, batch: usize) -> Result<usize, SimError> {
        let bytes = 8.0 * batch as f64 * 2f64.powi(self.stages.width() as i32);
        check::memory(NAME, self.stages.qubits, bytes, "measure fewer bits")?;
        Ok(1 << self.stages.width())
    }

    /// The distribution of what a shot of this branch records.
    fn recorded(&self, branch: &Branch<F>) -> Vec<f64> {
        let mut p = vec![0.0; 1 << self.stages.qubits];
        add_outcomes(&branch.state, 1.0, &mut p);
        if !self.stages.measures {
            return p;
        }
        let mut out = vec![0.0; 1 << self.stages.bits];
        record(&self.stages.measurements, &p, branch.bits as usize, &mut out);
        out
    }
}

/// Adds `weight |ψ_i|²` to as many numbers as there are.
fn add_outcomes<F: Vectors>(state: &State<F>, weight: f64, sum: &mut [f64]) {
    for (sum, (re, im)) in sum.iter_mut().zip(state.re.iter().zip(&*state.im)) {
        *sum += weight * (re.double() * re.double() + im.double() * im.double());
    }
}

impl Trajectory {
    /// An engine of `shots` trajectories per row.
    pub fn new(shots: usize, seed: u64) -> Self {
        Self::with_precision(shots, seed, Precision::Double)
    }

    /// The same with amplitudes of this width; angles and results are f64 in both.
    pub fn with_precision(shots: usize, seed: u64, precision: Precision) -> Self {
        Self { shots, seed, precision, double: Arc::default(), single: Arc::default() }
    }

    /// The same engine with other shots.
    fn drawn(&self, shots: usize, seed: u64) -> Self {
        let (double, single) = (Arc::clone(&self.double), Arc::clone(&self.single));
        Self { shots, seed, precision: self.precision, double, single }
    }

    fn plan<F: Vectors>(
        &self,
        memo: &Memo<Plan<F>>,
        program: &Program,
        angles: &Angles,
    ) -> Result<Arc<Plan<F>>, SimError> {
        check::angles(program, angles)?;
        let qubits = program.qubits();
        // One state for each halving of the shots and each thread.
        let states = (self.shots.max(1).ilog2() as usize + 2) * rayon::current_num_threads();
        let bytes = (2 * size_of::<F>() * states) as f64 * 2f64.powi(qubits as i32);
        check::memory(NAME, qubits, bytes, "use fewer qubits or threads")?;
        // About a nanosecond for each amplitude and step.
        check::time(NAME, self.shots, 1e-9 * (program.steps.len() + 1) as f64 * 2f64.powi(qubits as i32))?;
        memo.get(program, 0, || Plan::of(program))
    }

    /// For each row the sum of what `leaf` makes of each branch at its end, (batch, `size`).
    fn sums<F: Vectors>(
        &self,
        plan: &Plan<F>,
        angles: &Angles,
        size: usize,
        leaf: impl Fn(&mut Branch<F>, &mut [f64]) + Sync,
    ) -> Array2<f64> {
        let mut out = Array2::zeros((angles.batch(), size));
        let none = Array2::zeros((1, 0));
        for (row, mut sums) in out.rows_mut().into_iter().enumerate() {
            let full = Array1::from(angles.row(row));
            let jumps = plan.bind(&Angles { inputs: none.view(), weights: full.view() });
            let seed = Stream::numbered(self.seed, row as u64).bits();
            let shots: Vec<Shot> = (0..self.shots).map(|s| Shot::new(Stream::numbered(seed, s as u64))).collect();
            if !shots.is_empty() {
                let mut sum = vec![0.0; size];
                ShotRunner::new(&jumps, &leaf).add(Branch::new(plan.width, shots), &mut sum);
                sums.assign(&Array1::from(sum));
            }
        }
        out
    }

    /// Outcomes of `shots` shots for every row, (batch, 2^k) with columns as in [`Simulator::probabilities`].
    ///
    /// # Errors
    /// As [`Simulator::expect`].
    pub fn counts(&self, program: &Program, angles: Angles) -> Result<Array2<u64>, SimError> {
        at_precision!(self.counts_in(program, angles))
    }

    fn counts_in<F: Vectors>(
        &self,
        memo: &Memo<Plan<F>>,
        program: &Program,
        angles: Angles,
    ) -> Result<Array2<u64>, SimError> {
        let plan = self.plan(memo, program, &angles)?;
        let size = plan.outcomes(angles.batch())?;
        let counts = self.sums(&plan, &angles, size, |branch, sum| {
            let p = plan.recorded(branch);
            let mut total = 0.0;
            let cumulative: Vec<f64> = p.iter().map(|p| (total += p, total).1).collect();
            for shot in &mut branch.shots {
                let drawn = shot.stream.uniform() * total;
                sum[cumulative.partition_point(|&below| below <= drawn).min(size - 1)] += 1.0;
            }
        });
        // Sums of ones.
        Ok(counts.mapv(|count| count as u64))
    }

    fn expect_in<F: Vectors>(
        &self,
        memo: &Memo<Plan<F>>,
        program: &Program,
        angles: Angles,
        observables: &[Observable],
    ) -> Result<Array2<f64>, SimError> {
        let plan = self.plan(memo, program, &angles)?;
        let strings = Strings::new(&recorded(NAME, program, observables, &plan.stages.measurements)?);
        let sums = self.sums(&plan, &angles, observables.len(), |branch, sum| {
            let values = strings.expectations(&branch.state, observables.len());
            sum.iter_mut().zip(values).for_each(|(s, value)| *s += branch.shots.len() as f64 * value);
        });
        Ok(sums / self.shots.max(1) as f64)
    }

    fn probabilities_in<F: Vectors>(
        &self,
        memo: &Memo<Plan<F>>,
        program: &Program,
        angles: Angles,
    ) -> Result<Array2<f64>, SimError> {
        let plan = self.plan(memo, program, &angles)?;
        let size = plan.outcomes(angles.batch())?;
        let sums = self.sums(&plan, &angles, size, |branch, sum| {
            let weight = branch.shots.len() as f64;
            if plan.stages.measures {
                sum.iter_mut().zip(plan.recorded(branch)).for_each(|(s, p)| *s += weight * p);
            } else {
                add_outcomes(&branch.state, weight, sum);
            }
        });
        Ok(sums / self.shots.max(1) as f64)
    }
}

impl Simulator for Trajectory {
    fn name(&self) -> String {
        format!("trajectory, {} shots, {} precision", self.shots, self.precision)
    }

    fn precision(&self) -> Precision {
        self.precision
    }

    fn with_substream(&self, number: u64) -> Option<Box<dyn Simulator + '_>> {
        let seed = Stream::numbered(self.seed, number).bits();
        Some(Box::new(self.drawn(self.shots, seed)))
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
        Gradient::Shift.vjp(self, program, angles, observables, cotangent)
    }

    /// One outcome of each of `shots` trajectories: drawing from their mean distribution would err twice.
    fn sample(&self, program: &Program, angles: Angles, shots: usize, seed: u64) -> Result<Array2<u64>, SimError> {
        self.drawn(shots, seed).counts(program, angles)
    }

    fn probabilities(&self, program: &Program, angles: Angles) -> Result<Array2<f64>, SimError> {
        at_precision!(self.probabilities_in(program, angles))
    }
}
