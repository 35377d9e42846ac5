//! Shots as a tree: those that have picked the same operators so far share one state.
//!
//! Between jumps a state runs under the likeliest operators K₀, unnormalised: its square norm N is the probability that
//! no jump has happened. A shot draws r uniformly from (0, 1) and jumps where N falls below it (Dalibard, Castin and
//! Mølmer 1992, doi 10.1103/PhysRevLett.68.580), so most operators are never chosen among: as long as the least that
//! N can have come to is above all shots' r, the state is not even read (qsim bounds probabilities in the same way).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

use crate::circuit::Condition;
use crate::math::Stream;
use crate::sim::kernel::amplitudes::State;
use crate::sim::kernel::vector::Vectors;
use crate::sim::stages::{assigned, meets};
use crate::sim::trajectory::cost::{PARTS, waiting, waiting_below};
use crate::sim::trajectory::norm::{norm, scale};
use crate::sim::trajectory::operators::KrausOperators;

/// What is done where the classical bits meet the condition.
pub struct Jump<F> {
    pub condition: Option<Condition>,
    pub act: Act<F>,
}

pub enum Act<F> {
    /// One of these operators is picked and applied.
    Operators(Arc<KrausOperators<F>>),
    /// A classical bit is given a value.
    Assign { bit: usize, value: bool },
}

/// One repetition of the program.
pub struct Shot {
    pub stream: Stream,
    /// The square norm at which it jumps.
    threshold: f64,
}

impl Shot {
    pub fn new(mut stream: Stream) -> Self {
        let threshold = stream.uniform();
        Self { stream, threshold }
    }
}

/// Shots with the same past.
pub struct Branch<F> {
    pub state: State<F>,
    /// The classical register.
    pub bits: u64,
    pub shots: Vec<Shot>,
    /// The next step.
    at: usize,
    /// The square norm of the state is at least this.
    norm: f64,
}

impl<F: Vectors> Branch<F> {
    /// All `shots` at the start of a program of `width` qubits.
    pub fn new(width: usize, shots: Vec<Shot>) -> Self {
        Self { state: State::ground(width, 1), bits: 0, shots, at: 0, norm: 1.0 }
    }

    /// The branch itself, an empty one in its place.
    fn take(&mut self) -> Self {
        let empty = State::zeros(0, 1);
        Self { state: std::mem::replace(&mut self.state, empty), shots: std::mem::take(&mut self.shots), ..*self }
    }

    /// One step of the largest group of shots that pick the same. `split` gets each of the others as a branch of its own.
    fn step(&mut self, operators: &KrausOperators<F>, spare: &StatePool<F>, mut split: impl FnMut(Self)) {
        let main = &operators.choices[0];
        let highest = self.shots.iter().map(|shot| shot.threshold).fold(0.0, f64::max);
        if operators.record.is_none() && self.norm * main.least > highest {
            self.norm *= main.least;
            operators.apply(&mut self.state, 0);
            return;
        }
        let probabilities = operators.probabilities(&self.state);
        let mut groups: BTreeMap<(usize, u64), Vec<Shot>> = BTreeMap::new();
        for mut shot in self.shots.drain(..) {
            let picked = shot.pick(&probabilities);
            let bits = operators.record.map_or(self.bits, |(bit, confusion)| {
                let flip = confusion.map_or(0.0, |c| [c.one_given_zero, c.zero_given_one][picked].get());
                let flipped = flip > 0.0 && shot.stream.uniform() < flip;
                self.bits & !(1 << bit) | ((picked as u64) ^ u64::from(flipped)) << bit
            });
            groups.entry((picked, bits)).or_default().push(shot);
        }
        // The largest group stays, so that branches of branches halve their shots each time.
        let largest = groups.iter().max_by_key(|(_, shots)| shots.len()).map(|(key, _)| *key);
        let staying = largest.and_then(|key| Some((key, groups.remove(&key)?)));
        for ((picked, bits), shots) in groups {
            let mut branch = Self { state: spare.copy(&self.state), bits, shots, at: self.at, norm: self.norm };
            branch.apply(operators, picked, probabilities[picked]);
            split(branch);
        }
        if let Some(((picked, bits), shots)) = staying {
            (self.bits, self.shots) = (bits, shots);
            self.apply(operators, picked, probabilities[picked]);
        }
    }

    fn apply(&mut self, operators: &KrausOperators<F>, picked: usize, probability: f64) {
        operators.apply(&mut self.state, picked);
        if picked == 0 {
            self.norm = probability;
        } else {
            self.norm = 1.0;
            scale(&mut self.state, 1.0 / probability.sqrt());
        }
    }
}

impl Shot {
    /// The operator it picks: the first while the norm stays above its threshold, else one of the others, after which it
    /// waits for its next jump.
    fn pick(&mut self, probabilities: &[f64]) -> usize {
        let others = &probabilities[1..];
        let total: f64 = others.iter().map(|p| p.max(0.0)).sum();
        // A channel that loses trace may leave nothing to jump to.
        if self.threshold < probabilities[0] || total <= 0.0 {
            return 0;
        }
        let mut draw = self.stream.uniform() * total;
        self.threshold = self.stream.uniform();
        let found = others.iter().position(|p| {
            draw -= p.max(0.0);
            draw < 0.0
        });
        let likeliest = || (0..others.len()).max_by(|&a, &b| others[a].total_cmp(&others[b]));
        1 + found.or_else(likeliest).expect("the total of the others is not zero")
    }
}

/// A program being run, and what is done with its final states.
pub struct ShotRunner<'a, F, L> {
    pub jumps: &'a [Jump<F>],
    /// Adds what it makes of a state and its shots to a sum.
    pub leaf: L,
    spare: StatePool<F>,
}

impl<'a, F: Vectors, L: Fn(&mut Branch<F>, &mut [f64]) + Sync> ShotRunner<'a, F, L> {
    pub fn new(jumps: &'a [Jump<F>], leaf: L) -> Self {
        Self { jumps, leaf, spare: StatePool(Mutex::default()) }
    }

    /// Runs all shots of a branch to the end. The order of the sum depends on the shots alone, not on threads.
    pub fn add(&self, branch: Branch<F>, sum: &mut [f64]) {
        let most = waiting((2 * size_of::<F>() * branch.state.re.len()) as f64);
        self.run(branch, most, sum);
    }

    /// Runs a branch to the end. At most so many branches that are split off wait before they are run.
    fn run(&self, mut branch: Branch<F>, most: usize, sum: &mut [f64]) {
        let mut waiting = Vec::new();
        while let Some(jump) = self.jumps.get(branch.at) {
            branch.at += 1;
            if !meets(&jump.condition, branch.bits) {
                continue;
            }
            let operators = match &jump.act {
                Act::Operators(operators) => operators,
                &Act::Assign { bit, value } => {
                    branch.bits = assigned(branch.bits, bit, value);
                    continue;
                }
            };
            branch.step(operators, &self.spare, |other| {
                waiting.push(other);
                if waiting.len() == most {
                    self.run_all(std::mem::take(&mut waiting), sum);
                }
            });
        }
        self.run_all(waiting, sum);
        let factor = 1.0 / norm(&branch.state).sqrt();
        scale(&mut branch.state, factor);
        (self.leaf)(&mut branch, sum);
        self.spare.put(branch.state);
    }

    fn run_all(&self, mut branches: Vec<Branch<F>>, sum: &mut [f64]) {
        let Some(first) = branches.first() else { return };
        let below = waiting_below(first.state.re.len() as f64);
        if branches.len() == 1 {
            return branches.into_iter().for_each(|branch| self.run(branch, below, sum));
        }
        let size = sum.len();
        let together = branches.len().div_ceil(PARTS);
        let parts = branches.par_chunks_mut(together).map(|branches| {
            let mut part = vec![0.0; size];
            branches.iter_mut().for_each(|branch| self.run(branch.take(), below, &mut part));
            part
        });
        for part in parts.collect::<Vec<Vec<f64>>>() {
            sum.iter_mut().zip(part).for_each(|(s, x)| *s += x);
        }
    }
}

/// States that have been run to their end. Fresh memory has to be cleared page by page, which takes longer than a gate.
struct StatePool<F>(Mutex<Vec<State<F>>>);

impl<F: Vectors> StatePool<F> {
    fn put(&self, state: State<F>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(state);
    }

    fn copy(&self, state: &State<F>) -> State<F> {
        let spare = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let Some(mut copy) = spare else { return state.clone() };
        copy.re.copy_from_slice(&state.re);
        copy.im.copy_from_slice(&state.im);
        copy
    }
}
