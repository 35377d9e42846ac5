//! Shots as a tree: those that have picked the same operators so far share one state.
//!
//! Between jumps a state runs under the likeliest operators K₀, unnormalised: its square norm N is the probability that
//! no jump has happened. A shot draws r uniformly from (0, 1) and jumps where N falls below it (Dalibard, Castin and
//! Mølmer 1992, doi 10.1103/PhysRevLett.68.580), so most operators are never chosen among: as long as the least that
//! N can have come to is above all shots' r, the state is not even read (qsim bounds probabilities in the same way).

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;

use crate::circuit::Condition;
use crate::math::Stream;
use crate::sim::stages::meets;
use crate::sim::statevector::kernel::State;
use crate::sim::trajectory::operators::Operators;
use crate::sim::trajectory::overlaps::{norm, overlaps, scale};

/// Bytes of states that wait to be run; a state is split off before its own shots go on.
const WAITING: usize = 1 << 30;

/// Operators, picked and applied where the classical bits meet the condition.
pub struct Jump {
    pub condition: Option<Condition>,
    pub operators: Arc<Operators>,
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
pub struct Branch {
    pub state: State,
    /// The classical register.
    pub bits: u64,
    pub shots: Vec<Shot>,
    /// The next step.
    at: usize,
    /// The square norm of the state is at least this.
    norm: f64,
}

impl Branch {
    /// All `shots` at the start of a program of `width` qubits.
    pub fn new(width: usize, shots: Vec<Shot>) -> Self {
        Self { state: State::ground(width, 1), bits: 0, shots, at: 0, norm: 1.0 }
    }

    /// Runs all shots to the end and adds up what `leaf` makes of each state and its shots, `size` numbers. The order of
    /// the sum depends on the shots alone, not on threads.
    pub fn run(mut self, jumps: &[Jump], size: usize, leaf: &(impl Fn(Branch, &mut [f64]) + Sync)) -> Vec<f64> {
        let mut sum = vec![0.0; size];
        let mut waiting = Vec::new();
        let most = (WAITING / (16 * self.state.re.len())).clamp(1, 64);
        while let Some(jump) = jumps.get(self.at) {
            self.at += 1;
            if !meets(&jump.condition, self.bits) {
                continue;
            }
            for other in self.step(&jump.operators) {
                waiting.push(other);
                if waiting.len() == most {
                    add(&mut sum, std::mem::take(&mut waiting), jumps, leaf);
                }
            }
        }
        add(&mut sum, waiting, jumps, leaf);
        let factor = 1.0 / norm(&self.state).sqrt();
        scale(&mut self.state, factor);
        leaf(self, &mut sum);
        sum
    }

    /// One step of the largest group of shots that pick the same; the others are split off.
    fn step(&mut self, operators: &Operators) -> Vec<Self> {
        let main = &operators.choices[0];
        let highest = self.shots.iter().map(|shot| shot.threshold).fold(0.0, f64::max);
        if operators.record.is_none() && self.norm * main.least > highest {
            self.norm *= main.least;
            main.apply(&mut self.state);
            return Vec::new();
        }
        let probabilities = match &operators.mixture {
            Some(mixture) => {
                let norm = norm(&self.state);
                mixture.iter().map(|p| p * norm).collect()
            }
            None => operators.probabilities(&overlaps(&self.state, &operators.targets)),
        };
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
        let others = groups.into_iter().map(|((picked, bits), shots)| {
            let mut branch = Self { state: self.state.clone(), bits, shots, at: self.at, norm: self.norm };
            branch.apply(operators, picked, probabilities[picked]);
            branch
        });
        let others = others.collect();
        if let Some(((picked, bits), shots)) = staying {
            (self.bits, self.shots) = (bits, shots);
            self.apply(operators, picked, probabilities[picked]);
        }
        others
    }

    fn apply(&mut self, operators: &Operators, picked: usize, probability: f64) {
        operators.choices[picked].apply(&mut self.state);
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

fn add(sum: &mut [f64], branches: Vec<Branch>, jumps: &[Jump], leaf: &(impl Fn(Branch, &mut [f64]) + Sync)) {
    let size = sum.len();
    let parts: Vec<Vec<f64>> = branches.into_par_iter().map(|branch| branch.run(jumps, size, leaf)).collect();
    for part in parts {
        sum.iter_mut().zip(part).for_each(|(s, x)| *s += x);
    }
}
