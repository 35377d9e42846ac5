//! A program made ready to be run shot by shot.

use std::sync::Arc;

use ndarray::{Array2, ArrayView2};

use crate::circuit::Observable;
use crate::math::Stream;
use crate::noise::Program;
use crate::sim::account::{Estimate, LastEstimates, half_width};
use crate::sim::cost::{Call, Request, Workload};
use crate::sim::kernel::strings::Strings;
use crate::sim::kernel::vector::Vectors;
use crate::sim::prepared::Prepared;
use crate::sim::readout::recorded;
use crate::sim::trajectory::cost::TOGETHER;
use crate::sim::trajectory::plan::{Plan, add_outcomes};
use crate::sim::trajectory::tree::{Branch, Shot, ShotRunner};
use crate::sim::trajectory::{NAME, Trajectory};
use crate::sim::{Account, AngleGradient, Angles, Gradient, SimError, Simulator, check};

/// A plan that runs under the seed of its engine.
pub struct TrajectoryProgram<F> {
    engine: Trajectory,
    program: Program,
    observables: Vec<Observable>,
    input_slots: usize,
    plan: Plan<F>,
    strings: Strings,
    workload: Workload,
    estimated: LastEstimates,
}

impl<F: Vectors> TrajectoryProgram<F> {
    pub fn new(
        engine: Trajectory,
        program: &Program,
        observables: &[Observable],
        input_slots: usize,
    ) -> Result<Self, SimError> {
        let workload = Workload::new(program, observables, 0);
        workload.check(NAME, &engine.call(Request::Values, 1))?;
        let plan = Plan::new(program)?;
        let strings = Strings::new(&recorded(NAME, program, observables, &plan.stages.measurements)?);
        let (program, observables) = (program.clone(), observables.to_vec());
        let estimated = LastEstimates::default();
        Ok(Self { engine, program, observables, input_slots, plan, strings, workload, estimated })
    }

    /// The angles fit the program, and so many shots of every row the memory and the time there is.
    fn check(&self, angles: &Angles, request: Request, shots: usize) -> Result<(), SimError> {
        check::angles(self.program.slots, self.input_slots, angles)?;
        self.workload.check(NAME, &Call { shots, ..self.engine.call(request, angles.batch()) })
    }

    /// For each row the sum of what `leaf` makes of each branch at its end, (batch, `size`).
    fn sums(
        &self,
        angles: &Angles,
        size: usize,
        (shots, seed): (usize, u64),
        leaf: impl Fn(&mut Branch<F>, &mut [f64]) + Sync,
    ) -> Array2<f64> {
        let mut out = Array2::zeros((angles.batch(), size));
        for (row, mut sums) in out.rows_mut().into_iter().enumerate() {
            let jumps = self.plan.bind(&Angles::of_weights(&angles.row(row)));
            let seed = Stream::numbered(seed, row as u64).bits();
            let runner = ShotRunner::new(&jumps, &leaf);
            let sum = sums.as_slice_mut().expect("rows of a new array are contiguous");
            for first in (0..shots).step_by(TOGETHER) {
                let together = first..shots.min(first + TOGETHER);
                let shots = together.map(|s| Shot::new(Stream::numbered(seed, s as u64))).collect();
                runner.add(Branch::new(self.plan.width, shots), sum);
            }
        }
        out
    }

    /// Means over the shots, with the interval of each.
    fn estimates(&self, angles: &Angles) -> Result<Arc<Array2<Estimate>>, SimError> {
        self.check(angles, Request::Values, self.engine.shots)?;
        let norm = |observable: &Observable| observable.terms.iter().map(|(weight, _)| weight.abs()).sum();
        let norms: Vec<f64> = self.observables.iter().map(norm).collect();
        let count = norms.len();
        self.estimated.get(angles, || {
            // Sums of values, and behind them those of their squares.
            let sums = self.sums(angles, 2 * count, self.draws(), |branch, sum| {
                let (values, squares) = sum.split_at_mut(count);
                let weight = branch.shots.len() as f64;
                let found = self.strings.expectations(&branch.state, count);
                for ((value, square), found) in values.iter_mut().zip(squares).zip(found) {
                    *value += weight * found;
                    *square += weight * found * found;
                }
            });
            let shots = self.engine.shots.max(1) as f64;
            let estimate = |(row, o)| {
                let value = sums[[row, o]] / shots;
                let spread = (sums[[row, count + o]] - shots * value * value).max(0.0);
                let interval = (!self.workload.ideal()).then(|| half_width(spread, shots, norms[o]));
                Estimate { value, account: Account { norm: norms[o], interval, ..Account::default() } }
            };
            Ok(Array2::from_shape_fn((sums.nrows(), count), estimate))
        })
    }

    /// The engine's own shots and seed.
    fn draws(&self) -> (usize, u64) {
        (self.engine.shots, self.engine.seed)
    }
}

impl<F: Vectors> Prepared for TrajectoryProgram<F> {
    fn resolved_name(&self, _batch: usize) -> String {
        self.engine.name()
    }

    fn draws(&self, _batch: usize) -> bool {
        true
    }

    fn expect(&self, angles: Angles) -> Result<Array2<f64>, SimError> {
        Ok(self.estimates(&angles)?.map(|estimate| estimate.value))
    }

    fn account(&self, angles: Angles) -> Result<Option<Array2<Account>>, SimError> {
        Ok(Some(self.estimates(&angles)?.map(|estimate| estimate.account)))
    }

    fn vjp(&self, angles: Angles, cotangent: ArrayView2<f64>) -> Result<AngleGradient, SimError> {
        self.check(&angles, Request::Gradient, self.engine.shots)?;
        Gradient::Shift.vjp(&self.engine, &self.program, angles, &self.observables, cotangent)
    }

    fn probabilities(&self, angles: Angles) -> Result<Array2<f64>, SimError> {
        self.check(&angles, Request::Probabilities, self.engine.shots)?;
        let size = 1 << self.plan.stages.width();
        let sums = self.sums(&angles, size, self.draws(), |branch, sum| {
            let weight = branch.shots.len() as f64;
            if self.plan.stages.measures {
                sum.iter_mut().zip(self.plan.recorded(branch)).for_each(|(s, p)| *s += weight * p);
            } else {
                add_outcomes(&branch.state, weight, sum);
            }
        });
        Ok(sums / self.engine.shots.max(1) as f64)
    }

    /// One outcome of each of `shots` trajectories: drawing from their mean distribution would err twice.
    fn sample(&self, angles: Angles, shots: usize, seed: u64) -> Result<Array2<u64>, SimError> {
        self.check(&angles, Request::Sample, shots)?;
        let size = 1 << self.plan.stages.width();
        let counts = self.sums(&angles, size, (shots, seed), |branch, sum| {
            let p = self.plan.recorded(branch);
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
}
