//! A program made ready for values, probabilities and shots.

use std::sync::Arc;

use ndarray::{Array1, Array2, ArrayView2};

use super::chain::{Chain, Losses};
use super::cost::MOST_LISTED;
use super::steps::ChainProgram;
use super::{Bond, MOST_BOND, Mps, NAME};
use crate::circuit::Observable;
use crate::math::Stream;
use crate::noise::Program;
use crate::sim::account::{Estimate, LastEstimates, half_width};
use crate::sim::cost::{Call, Request, Workload};
use crate::sim::kernel::each_in_order;
use crate::sim::prepared::Prepared;
use crate::sim::readout::{WideTerms, record, recorded_strings};
use crate::sim::{Account, AngleGradient, Angles, Gradient, ShotRecords, SimError, Simulator, check, sample};

/// Runs that one thread does in a row; sums over them do not depend on the number of threads.
const RUN: usize = 16;

/// A program with its observables.
pub struct MpsProgram {
    engine: Mps,
    program: Program,
    observables: Vec<Observable>,
    input_slots: usize,
    workload: Workload,
    plan: ChainProgram,
    /// The observables at the end, readout error included.
    terms: Vec<WideTerms>,
    norms: Vec<f64>,
    estimated: LastEstimates,
}

impl MpsProgram {
    pub fn new(
        engine: Mps,
        program: &Program,
        observables: &[Observable],
        input_slots: usize,
    ) -> Result<Self, SimError> {
        let Bond { most, weight } = engine.bond;
        if !(1..=MOST_BOND).contains(&most) || !(0.0..=1.0).contains(&weight) {
            let step = format!("with bonds up to {most} and a dropped weight of {weight}");
            let instead = "give bonds from 1 to 4096 and a weight from 0 to 1";
            return Err(SimError::Unsupported { engine: NAME, step, instead });
        }
        check::observables(program, observables)?;
        let plan = ChainProgram::new(program)?;
        let terms = recorded_strings(NAME, program, observables, &plan.measurements)?;
        let workload = Workload::new(program, observables, input_slots);
        if !observables.is_empty() {
            workload.check(NAME, &engine.call(Request::Values, 1))?;
        }
        let norm = |observable: &Observable| observable.terms.iter().map(|(weight, _)| weight.abs()).sum();
        Ok(Self {
            norms: observables.iter().map(norm).collect(),
            program: program.clone(),
            observables: observables.to_vec(),
            engine,
            input_slots,
            workload,
            plan,
            terms,
            estimated: LastEstimates::default(),
        })
    }

    fn check(&self, angles: &Angles, request: Request, shots: usize) -> Result<(), SimError> {
        check::angles(self.program.slots, self.input_slots, angles)?;
        self.check_cost(&Call { shots, ..self.engine.call(request, angles.batch()) })
    }

    fn check_cost(&self, call: &Call) -> Result<(), SimError> {
        self.workload.check(NAME, call)
    }

    /// What `each` makes of the final chain, the classical bits and the draws of each of so many runs, in order.
    fn runs<T: Send>(
        &self,
        angles: &[f64],
        (runs, seed): (usize, u64),
        each: impl Fn(&mut Chain, Vec<bool>, &mut Stream) -> T + Send + Sync,
    ) -> Vec<T> {
        let matrices = self.plan.bind(angles);
        let one = |run: usize| {
            let mut stream = Stream::numbered(seed, run as u64);
            let mut chain = Chain::new(self.program.qubits(), self.engine.bond);
            let bits = self.plan.run(&matrices, &mut chain, &mut stream);
            each(&mut chain, bits, &mut stream)
        };
        let together: Vec<_> = (0..runs).step_by(RUN).map(|first| first..runs.min(first + RUN)).collect();
        each_in_order(together, |runs| runs.map(one).collect::<Vec<T>>()).into_iter().flatten().collect()
    }

    /// Values of a row with their errors.
    fn row(&self, angles: &[f64], seed: u64) -> Vec<Estimate> {
        let runs = if self.plan.draws { self.engine.shots.max(1) } else { 1 };
        let found = self.runs(angles, (runs, seed), |chain, _, _| (chain.expectations(&self.terms), chain.losses));
        let losses: Vec<Losses> = found.iter().map(|(_, losses)| *losses).collect();
        let count = runs as f64;
        let estimate = |(o, &norm): (usize, &f64)| {
            let value = found.iter().map(|(values, _)| values[o]).sum::<f64>() / count;
            let spread: f64 = found.iter().map(|(values, _)| (values[o] - value).powi(2)).sum();
            let interval = self.plan.draws.then(|| half_width(spread, count, norm));
            Estimate { value, account: Account { interval, ..self.account(&losses, norm) } }
        };
        self.norms.iter().enumerate().map(estimate).collect()
    }

    /// What truncations may have changed in a value of an observable with this norm.
    fn account(&self, losses: &[Losses], norm: f64) -> Account {
        let count = losses.len().max(1) as f64;
        // States of an ideal program are turned and never projected: their angles add up.
        let distance = |losses: &Losses| match self.plan.draws {
            true => losses.distance,
            false => 2.0 * losses.angle.min(std::f64::consts::FRAC_PI_2).sin(),
        };
        let dropped = losses.iter().map(|losses| losses.dropped).sum();
        Account {
            norm,
            bound: norm * losses.iter().map(distance).sum::<f64>() / count,
            fidelity: (dropped > 0).then(|| losses.iter().map(|losses| losses.fidelity).sum::<f64>() / count),
            dropped,
            terms: losses.iter().map(|losses| losses.widest).max().unwrap_or(1),
            ..Account::default()
        }
    }

    /// The final state of each row.
    pub fn states(&self, angles: &Angles) -> Result<Vec<Chain>, SimError> {
        let is_measured = self.program.measures();
        if self.plan.draws || is_measured {
            let step = format!("the state of a program with {}", if is_measured { "measurements" } else { "noise" });
            return Err(SimError::Unsupported { engine: NAME, step, instead: "take the circuit without them" });
        }
        self.check(angles, Request::Values, 1)?;
        let state = |row: usize| {
            let run = |chain: &mut Chain, _, _: &mut Stream| {
                chain.in_order();
                chain.clone()
            };
            self.runs(&angles.row(row), (1, self.engine.seed), run)
        };
        Ok(each_in_order((0..angles.batch()).collect(), state).into_iter().flatten().collect())
    }

    fn estimates(&self, angles: &Angles) -> Result<Arc<Array2<Estimate>>, SimError> {
        self.estimated.get(angles, || {
            self.check(angles, Request::Values, self.engine.shots)?;
            let seed = |row: usize| Stream::numbered(self.engine.seed, row as u64).bits();
            let rows = (0..angles.batch()).collect();
            let found = each_in_order(rows, |row: usize| self.row(&angles.row(row), seed(row)));
            let shape = (angles.batch(), self.norms.len());
            let flat = found.into_iter().flatten().collect();
            Ok(Array2::from_shape_vec(shape, flat).expect("one estimate for each row and observable"))
        })
    }

    /// Outcomes of shots at the angles of one row.
    pub fn records(&self, angles: &[f64], shots: usize, seed: u64) -> Result<(ShotRecords, Account), SimError> {
        self.check_cost(&Call { shots, ..self.engine.call(Request::Sample, 1) })?;
        let measures = self.program.measures();
        let width = if measures { self.program.outcome_bits() } else { self.program.qubits() };
        let shot = |chain: &Chain, mut bits: Vec<bool>, stream: &mut Stream| {
            let values = chain.sampled(stream);
            let outcome = match measures {
                true => {
                    self.plan.record(&values, &mut bits, stream);
                    bits
                }
                false => values,
            };
            ShotRecords::packed(&outcome[..width])
        };
        let (rows, losses): (Vec<Vec<u64>>, Vec<Losses>) = match self.plan.draws {
            true => {
                let each = |chain: &mut Chain, bits, stream: &mut Stream| {
                    chain.centre_at(0);
                    (shot(chain, bits, stream), chain.losses)
                };
                self.runs(angles, (shots, seed), each).into_iter().unzip()
            }
            false => {
                let mut chain = Chain::new(self.program.qubits(), self.engine.bond);
                let matrices = self.plan.bind(angles);
                let bits = self.plan.run(&matrices, &mut chain, &mut Stream::numbered(seed, 0));
                chain.centre_at(0);
                let draw = |k: usize| shot(&chain, bits.clone(), &mut Stream::numbered(seed, k as u64));
                (each_in_order((0..shots).collect(), draw), vec![chain.losses])
            }
        };
        // Half the trace distance bounds the probability of any set of outcomes.
        let account = self.account(&losses, 1.0);
        Ok((ShotRecords::of_rows(width, rows), Account { bound: account.bound / 2.0, ..account }))
    }
}

impl Prepared for MpsProgram {
    fn resolved_name(&self, _batch: usize) -> String {
        self.engine.name()
    }

    fn draws(&self, _batch: usize) -> bool {
        self.plan.draws
    }

    fn expect(&self, angles: Angles) -> Result<Array2<f64>, SimError> {
        check::angles(self.program.slots, self.input_slots, &angles)?;
        Ok(self.estimates(&angles)?.map(|estimate| estimate.value))
    }

    fn account(&self, angles: Angles) -> Result<Option<Array2<Account>>, SimError> {
        check::angles(self.program.slots, self.input_slots, &angles)?;
        Ok(Some(self.estimates(&angles)?.map(|estimate| estimate.account)))
    }

    fn vjp(&self, angles: Angles, cotangent: ArrayView2<f64>) -> Result<AngleGradient, SimError> {
        self.check(&angles, Request::Gradient, self.engine.shots)?;
        Gradient::Shift.vjp(&self.engine, &self.program, angles, &self.observables, cotangent)
    }

    fn probabilities(&self, angles: Angles) -> Result<Array2<f64>, SimError> {
        if self.program.qubits() > MOST_LISTED {
            return Err(SimError::Unsupported {
                engine: NAME,
                step: format!("probabilities of the outcomes of {} qubits", self.program.qubits()),
                instead: "draw shots, or ask for expectation values",
            });
        }
        self.check(&angles, Request::Probabilities, self.engine.shots)?;
        let measures = self.program.measures();
        let size = 1 << self.workload.width;
        let mut out = Array2::zeros((angles.batch(), size));
        for (row, mut p) in out.rows_mut().into_iter().enumerate() {
            let runs = if self.plan.draws { self.engine.shots.max(1) } else { 1 };
            let seed = Stream::numbered(self.engine.seed, row as u64).bits();
            let one = |chain: &mut Chain, bits: Vec<bool>, _: &mut Stream| {
                chain.centre_at(0);
                let of_qubits = chain.probabilities();
                if !measures {
                    return Array1::from(of_qubits);
                }
                let mut recorded = vec![0.0; size];
                let kept = bits.iter().take(self.program.outcome_bits()).enumerate();
                let held = kept.fold(0, |sum, (k, &bit)| sum | usize::from(bit) << k);
                record(&self.plan.measurements, &of_qubits, held, &mut recorded);
                Array1::from(recorded)
            };
            // A few runs at a time hold their lists.
            for first in (0..runs).step_by(RUN) {
                let seed = Stream::numbered(seed, first as u64).bits();
                for found in self.runs(&angles.row(row), (RUN.min(runs - first), seed), one) {
                    p += &found;
                }
            }
            p.mapv_inplace(|p| p / runs as f64);
        }
        Ok(out)
    }

    fn sample(&self, angles: Angles, shots: usize, seed: u64) -> Result<Array2<u64>, SimError> {
        sample::affordable(shots)?;
        let width = self.workload.width;
        if width > MOST_LISTED {
            let step = format!("a list of the counts of all outcomes of {width} bits");
            let instead = "draw rows of bits (`--shots`, `Mps::records`)";
            return Err(SimError::Unsupported { engine: NAME, step, instead });
        }
        self.check(&angles, Request::Sample, shots)?;
        let mut out = Array2::zeros((angles.batch(), 1 << width));
        for (row, mut counts) in out.rows_mut().into_iter().enumerate() {
            let seed = Stream::numbered(seed, row as u64).bits();
            let (records, _) = self.records(&angles.row(row), shots, seed)?;
            (0..shots).for_each(|shot| counts[records.row(shot)[0] as usize] += 1);
        }
        Ok(out)
    }
}
