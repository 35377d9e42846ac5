//! Values, gradients and accounts of the observables of a program.

use std::sync::{Arc, Mutex, PoisonError};

use ndarray::{Array2, ArrayView2};

use super::estimate::estimated;
use super::map::Action;
use super::plan::Plan;
use super::product;
use super::sum::{Decide, Key, Ledger, Sum};
use super::tape::{Event, Mixed, reverse};
use super::{Cut, NAME, Sparse};
use crate::sim::account::{Account, Estimate, LastEstimates};
use crate::sim::kernel::each_in_order;
use crate::sim::prepared::Prepared;
use crate::sim::{AngleGradient, Angles, SimError, Simulator, check, cost};

/// Recordings of a gradient that are taken to be held side by side, at most: the threads of a large machine.
const SIDE_BY_SIDE: usize = 16;

/// A program with its observables, each on its cone.
pub struct SparseProgram {
    pub engine: Sparse,
    pub plans: Vec<Plan>,
    pub slots: usize,
    pub input_slots: usize,
    pub differentiable: Result<(), SimError>,
    /// Pulled-back sums of the last weights, one for each observable whose sum all rows share.
    pub known: Mutex<Option<Known>>,
    /// Values with the errors that were asked for, at the last angles.
    pub estimated: LastEstimates,
}

/// Sums under certain weights.
pub struct Known {
    weights: Vec<f64>,
    sums: Arc<Vec<Option<Pulled>>>,
}

/// A sum at the start of the program, by the width of its strings.
pub enum Pulled {
    Two(Sum<2>),
    Four(Sum<4>),
    Six(Sum<6>),
}

/// (row, slot, value) of a gradient.
type Slopes = Vec<(usize, usize, f64)>;

macro_rules! by_width {
    ($pulled:expr, $sum:ident => $body:expr) => {
        match $pulled {
            Pulled::Two($sum) => $body,
            Pulled::Four($sum) => $body,
            Pulled::Six($sum) => $body,
        }
    };
}

impl Pulled {
    /// The observable of a plan at the start of the program.
    pub fn new(plan: &Plan, angles: &[f64], cut: &Cut) -> Self {
        match plan.qubits {
            0..=64 => Self::Two(pull_back(plan, angles, cut)),
            65..=128 => Self::Four(pull_back(plan, angles, cut)),
            _ => Self::Six(pull_back(plan, angles, cut)),
        }
    }

    /// The same by roulette under a seed; `None` if there are more strings than the cut allows.
    pub fn drawn(plan: &Plan, angles: &[f64], cut: &Cut, seed: u64) -> Option<Self> {
        Some(match plan.qubits {
            0..=64 => Self::Two(draw_back(plan, angles, cut, seed)?),
            65..=128 => Self::Four(draw_back(plan, angles, cut, seed)?),
            _ => Self::Six(draw_back(plan, angles, cut, seed)?),
        })
    }

    pub fn ledger(&self) -> Ledger {
        by_width!(self, sum => sum.ledger)
    }

    pub fn value(&self, bloch: &product::Bloch) -> f64 {
        by_width!(self, sum => value(sum, bloch))
    }
}

fn value<const N: usize>(sum: &Sum<N>, bloch: &product::Bloch) -> f64 {
    sum.keys
        .iter()
        .zip(&sum.coefficients)
        .filter(|(_, c)| **c != 0.0)
        .map(|(key, c)| c * product::value(key, bloch))
        .sum()
}

fn pull_back<const N: usize>(plan: &Plan, angles: &[f64], cut: &Cut) -> Sum<N> {
    let mut sum = Sum::of(plan.qubits, &plan.terms, cut.below);
    sum.keep_at_most(cut.terms);
    for level in plan.levels.iter().rev() {
        let step = &plan.steps[level.steps.start];
        match &step.action {
            Action::Mix(mixing) => {
                let (transfer, norm) = (step.map.bind(angles), step.map.norm());
                sum.mix(&step.map.qubits, mixing, &transfer, norm, cut, Decide::Cut);
                sum.keep_at_most(cut.terms);
                sum.compact();
            }
            _ => sum.level(&plan.steps, level),
        }
    }
    sum
}

/// The same by roulette; `None` if there are more strings than the cut allows.
fn draw_back<const N: usize>(plan: &Plan, angles: &[f64], cut: &Cut, seed: u64) -> Option<Sum<N>> {
    let mut sum = Sum::of(plan.qubits, &plan.terms, cut.below);
    for level in plan.levels.iter().rev() {
        if sum.live() > cut.terms {
            return None;
        }
        let step = &plan.steps[level.steps.start];
        match &step.action {
            Action::Mix(mixing) => {
                let transfer = step.map.bind(angles);
                sum.mix(&step.map.qubits, mixing, &transfer, 1.0, cut, Decide::Roulette(seed));
                sum.compact();
            }
            _ => sum.level(&plan.steps, level),
        }
    }
    (sum.live() <= cut.terms).then_some(sum)
}

/// The same as [`pull_back`] with what happened, in at most so many bytes.
fn record<const N: usize>(
    plan: &Plan,
    angles: &[f64],
    cut: &Cut,
    most: usize,
) -> Result<(Sum<N>, Vec<Event>), SimError> {
    let mut sum = Sum::of(plan.qubits, &plan.terms, cut.below);
    let (mut events, mut bytes) = (vec![Event::Drop(sum.keep_at_most(cut.terms))], 0);
    for (run, level) in plan.levels.iter().enumerate().rev() {
        let number = level.steps.start;
        let step = &plan.steps[number];
        match &step.action {
            Action::Mix(mixing) => {
                let (transfer, norm) = (step.map.bind(angles), step.map.norm());
                let mut mixed = Mixed { length: sum.keys.len(), ..Mixed::default() };
                let mut dropped = sum.mix(&step.map.qubits, mixing, &transfer, norm, cut, Decide::Record(&mut mixed));
                bytes += mixed.bytes();
                events.push(Event::Mix(number, mixed));
                dropped.extend(sum.keep_at_most(cut.terms));
                if !dropped.is_empty() {
                    events.push(Event::Drop(dropped));
                }
                if bytes > most {
                    return Err(SimError::TooLarge {
                        engine: NAME,
                        qubits: plan.qubits,
                        needed: format!("more than {}", cost::size(most as f64)),
                        there: "no more for one gradient".into(),
                        instead: format!("use a larger cut than {:e}, or fewer terms", cut.below),
                    });
                }
            }
            _ => {
                sum.level(&plan.steps, level);
                events.push(Event::Level(run));
            }
        }
    }
    Ok((sum, events))
}

/// Pulls back with the decisions of a recording, at other angles.
#[cfg(test)]
fn repeat<const N: usize>(plan: &Plan, angles: &[f64], cut: &Cut, events: &[Event]) -> Sum<N> {
    let mut sum = Sum::of(plan.qubits, &plan.terms, cut.below);
    for event in events {
        match event {
            Event::Drop(places) => sum.drop_places(places),
            Event::Level(run) => sum.level(&plan.steps, &plan.levels[*run]),
            Event::Mix(number, mixed) => {
                let step = &plan.steps[*number];
                if let Action::Mix(mixing) = &step.action {
                    let transfer = step.map.bind(angles);
                    sum.mix(&step.map.qubits, mixing, &transfer, 1.0, cut, Decide::Repeat(mixed));
                }
            }
        }
    }
    sum
}

/// Values of rows and the gradient of `Σ cotangent[row] · value[row]`.
fn backward<const N: usize>(
    plan: &Plan,
    (cut, most): (&Cut, usize),
    angles: &Angles,
    rows: std::ops::Range<usize>,
    cotangent: &[f64],
) -> Result<(Vec<f64>, Slopes), SimError> {
    let first = angles.row(rows.start);
    let (sum, events) = record::<N>(plan, &first, cut, most)?;
    let mut slopes = Slopes::new();
    let (mut values, mut adjoint) = (Vec::new(), vec![0.0; sum.keys.len()]);
    for row in rows.clone() {
        let (all, weight) = (angles.row(row), cotangent[row]);
        let bloch = product::states(plan, &all);
        let mut by_state = vec![[0.0; 4]; bloch.len()];
        let mut total = 0.0;
        let terms: Vec<(&Key<N>, f64)> = sum.keys.iter().zip(sum.coefficients.iter().copied()).collect();
        for ((key, coefficient), adjoint) in terms.into_iter().zip(&mut adjoint) {
            let value = product::value(key, &bloch);
            total += coefficient * value;
            *adjoint += weight * value;
            if coefficient * weight != 0.0 {
                product::add_derivative(key, &bloch, coefficient * weight, &mut by_state);
            }
        }
        values.push(total);
        product::gradient(plan, &all, &by_state, |slot, value| slopes.push((row, slot, value)));
    }
    reverse(plan, &events, &first, sum.keys, adjoint, |slot, value| slopes.push((rows.start, slot, value)));
    Ok((values, slopes))
}

/// The cut that a drift is the difference to.
pub fn coarser(cut: &Cut) -> Cut {
    let weight = cut.weight.map(|most| most.saturating_sub(1));
    Cut { below: 4.0 * cut.below, weight, terms: (cut.terms / 4).max(1), ..*cut }
}

impl Ledger {
    /// What it says about the error of a value of an observable with this norm.
    pub fn account(&self, norm: f64, drift: Option<f64>) -> Account {
        let Self { bound, rms, dropped, terms, below, .. } = *self;
        // No error is larger than twice the norm.
        let rms = Some(rms.min(2.0 * norm));
        Account { norm, bound, rms, drift, dropped, terms, below, ..Account::default() }
    }
}

impl SparseProgram {
    fn check(&self, angles: &Angles) -> Result<(), SimError> {
        check::angles(self.slots, self.input_slots, angles)
    }

    /// The sums that all rows share.
    fn sums(&self, angles: &Angles, cut: &Cut) -> Arc<Vec<Option<Pulled>>> {
        let is_own = *cut == self.engine.cut;
        // A thread that panicked while it held the lock left a whole value behind.
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.as_ref().filter(|known| is_own && angles.weights.iter().eq(&known.weights)) {
            return Arc::clone(&known.sums);
        }
        drop(known);
        // A sum that all rows share reads weights alone, and a batch without rows has them too.
        let all = [vec![0.0; self.input_slots], angles.weights.to_vec()].concat();
        let pull = |plan: &Plan| (!plan.by_row).then(|| Pulled::new(plan, &all, cut));
        let sums = Arc::new(each_in_order(self.plans.iter().collect(), pull));
        if is_own {
            let weights = angles.weights.to_vec();
            let known = Known { weights, sums: Arc::clone(&sums) };
            *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(known);
        }
        sums
    }

    /// Values (batch, observables) and what was dropped for them.
    fn run(&self, angles: &Angles, cut: &Cut) -> (Array2<f64>, Vec<Ledger>) {
        let (batch, count) = (angles.batch(), self.plans.len());
        let sums = self.sums(angles, cut);
        let work = (0..batch * count).map(|k| (k / count.max(1), k % count.max(1))).collect();
        let of = |(row, o): (usize, usize)| {
            let (plan, all): (&Plan, _) = (&self.plans[o], angles.row(row));
            let bloch = product::states(plan, &all);
            match &sums[o] {
                Some(sum) => (sum.value(&bloch), sum.ledger()),
                None => {
                    let sum = Pulled::new(plan, &all, cut);
                    (sum.value(&bloch), sum.ledger())
                }
            }
        };
        let (values, ledgers): (Vec<f64>, Vec<Ledger>) = each_in_order(work, of).into_iter().unzip();
        let values = Array2::from_shape_vec((batch, count), values).expect("one value for each row and observable");
        (values, ledgers)
    }

    /// Values with the errors that were asked for.
    fn estimated(&self, angles: &Angles) -> Result<Arc<Array2<Estimate>>, SimError> {
        self.estimated.get(angles, || {
            let batch = angles.batch();
            let parts = self.parts(batch);
            let of = |(o, rows): (usize, _)| estimated(&self.plans[o], &self.engine.cut, angles, rows);
            let found = each_in_order(parts.clone(), of);
            let mut list = Array2::from_elem((batch, self.plans.len()), Estimate::default());
            for ((o, rows), found) in parts.into_iter().zip(found) {
                rows.zip(found?).for_each(|(row, estimate)| list[[row, o]] = estimate);
            }
            Ok(list)
        })
    }

    /// Each observable with the rows that share its sum.
    fn parts(&self, batch: usize) -> Vec<(usize, std::ops::Range<usize>)> {
        let of = |o: usize| match self.plans[o].by_row {
            true => (0..batch).map(|row| (o, row..row + 1)).collect(),
            false if batch > 0 => vec![(o, 0..batch)],
            false => Vec::new(),
        };
        (0..self.plans.len()).flat_map(of).collect()
    }
}

impl Prepared for SparseProgram {
    fn resolved_name(&self, _batch: usize) -> String {
        self.engine.name()
    }

    fn expect(&self, angles: Angles) -> Result<Array2<f64>, SimError> {
        self.check(&angles)?;
        if self.engine.cut.estimates() {
            return Ok(self.estimated(&angles)?.map(|estimate| estimate.value));
        }
        Ok(self.run(&angles, &self.engine.cut).0)
    }

    fn vjp(&self, angles: Angles, cotangent: ArrayView2<f64>) -> Result<AngleGradient, SimError> {
        Ok(self.value_and_gradient(angles, cotangent)?.1)
    }

    fn value_and_gradient(
        &self,
        angles: Angles,
        cotangent: ArrayView2<f64>,
    ) -> Result<(Array2<f64>, AngleGradient), SimError> {
        self.differentiable.clone()?;
        self.check(&angles)?;
        let (batch, count) = (angles.batch(), self.plans.len());
        check::cotangent(batch, count, cotangent)?;
        if self.engine.cut.estimates() {
            let step = "a gradient to a tolerance or by roulette".into();
            return Err(SimError::Unsupported { engine: NAME, step, instead: "give a cut" });
        }
        // A sum that all rows share is pulled back once.
        let parts = self.parts(batch);
        let most = cost::MEMORY_LIMIT as usize / parts.len().clamp(1, SIDE_BY_SIDE);
        let found = each_in_order(parts.clone(), |(o, rows)| {
            let (plan, cut) = (&self.plans[o], &self.engine.cut);
            let column = cotangent.column(o).to_vec();
            match plan.qubits {
                0..=64 => backward::<2>(plan, (cut, most), &angles, rows, &column),
                65..=128 => backward::<4>(plan, (cut, most), &angles, rows, &column),
                _ => backward::<6>(plan, (cut, most), &angles, rows, &column),
            }
        });
        let (mut values, mut gradient) = (Array2::zeros((batch, count)), AngleGradient::zeros(&angles));
        for ((o, rows), found) in parts.into_iter().zip(found) {
            let (own, slopes) = found?;
            rows.zip(own).for_each(|(row, value)| values[[row, o]] = value);
            slopes.into_iter().for_each(|(row, slot, value)| gradient.add(row, slot, value));
        }
        Ok((values, gradient))
    }

    fn probabilities(&self, _angles: Angles) -> Result<Array2<f64>, SimError> {
        Err(SimError::Unsupported {
            engine: NAME,
            step: "probabilities of outcomes".into(),
            instead: "ask for expectation values, or use another engine",
        })
    }

    fn account(&self, angles: Angles) -> Result<Option<Array2<Account>>, SimError> {
        self.check(&angles)?;
        let cut = self.engine.cut;
        if cut.estimates() {
            return Ok(Some(self.estimated(&angles)?.map(|estimate| estimate.account)));
        }
        let (values, ledgers) = self.run(&angles, &cut);
        // Nothing was dropped: the values are exact to rounding.
        let coarse = match ledgers.iter().all(|ledger| ledger.dropped == 0) {
            true => values.clone(),
            false => self.run(&angles, &coarser(&cut)).0,
        };
        let account = |(row, o): (usize, usize)| {
            let ledger = &ledgers[row * self.plans.len() + o];
            ledger.account(self.plans[o].norm, Some((values[[row, o]] - coarse[[row, o]]).abs()))
        };
        Ok(Some(Array2::from_shape_fn(values.dim(), account)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::{Circuit, Gate, Observable, Param};
    use crate::noise::Program;
    use crate::noise::channel::{amplitude_damping, depolarizing};

    /// The gradient is that of the function that the recording defines: which strings stay, whatever the angles.
    #[test]
    fn the_gradient_is_that_of_the_truncated_function() {
        let (qubits, layers) = (12, 3);
        let mut circuit = Circuit::new(qubits);
        for layer in 0..=layers {
            for qubit in 0..qubits {
                let slot = circuit.slot(format!("s{layer}_{qubit}"));
                let gate = if layer % 2 == 0 { Gate::Ry } else { Gate::Rx };
                circuit.push(gate, &[qubit], &[slot]).unwrap();
            }
            for qubit in 0..if layer == 0 { 0 } else { qubits - 1 } {
                let gate = if qubit % 2 == 0 { Gate::Cz } else { Gate::Rzz };
                let angle: Vec<Param> = if gate == Gate::Rzz { vec![Param::Fixed(0.7)] } else { Vec::new() };
                circuit.push(gate, &[qubit, qubit + 1], &angle).unwrap();
            }
        }
        let noise = |op: &crate::circuit::Op| match op.qubits[..] {
            [qubit] => vec![(amplitude_damping(0.01).unwrap(), vec![qubit])],
            _ => vec![(depolarizing(0.01, 2).unwrap(), op.qubits.to_vec())],
        };
        let program = Program::compile(&circuit, &[], noise, |_| None);
        let observable: Observable = "Z6 + 0.5 X5 Z7".parse().unwrap();
        let plan = Plan::new(NAME, &program, &observable, 0).unwrap();
        let at: Vec<f64> = (0..circuit.slots()).map(|k| 0.9 * (1.7 * k as f64 + 0.4).sin()).collect();
        for cut in [Cut { below: 1e-3, ..Cut::default() }, Cut { below: 1e-4, terms: 300, ..Cut::default() }] {
            let (sum, events) = record::<2>(&plan, &at, &cut, usize::MAX).unwrap();
            assert!(sum.ledger.dropped > 100 && sum.keys.len() > 100, "{:?}", sum.ledger);
            let (values, slopes) =
                backward::<2>(&plan, (&cut, usize::MAX), &Angles::of_weights(&at), 0..1, &[1.0]).unwrap();
            let mut gradient = vec![0.0; at.len()];
            slopes.iter().for_each(|&(_, slot, value)| gradient[slot] += value);
            let f = |angles: &[f64]| value(&repeat::<2>(&plan, angles, &cut, &events), &product::states(&plan, angles));
            assert!((f(&at) - values[0]).abs() < 1e-14);
            for slot in 0..at.len() {
                // A rule of fourth order with steps of 1e-3: errors of 1e-12 and of rounding, 1e-13.
                let h = 1e-3;
                let shifted = |shift: f64| {
                    let mut angles = at.clone();
                    angles[slot] += shift;
                    f(&angles)
                };
                let slope = (8.0 * (shifted(h) - shifted(-h)) - (shifted(2.0 * h) - shifted(-2.0 * h))) / (12.0 * h);
                assert!((slope - gradient[slot]).abs() < 1e-9, "{cut:?}, slot {slot}: {slope} {}", gradient[slot]);
            }
        }
    }
}
