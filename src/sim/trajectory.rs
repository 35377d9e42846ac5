//! Trajectories: noise as random jumps of a pure state, one state vector per shot.
//!
//! A channel with Kraus operators K picks `K_k|ψ⟩` with probability `‖K_k|ψ⟩‖²` (Dalibard, Castin and Mølmer 1992,
//! doi 10.1103/PhysRevLett.68.580). The smallest eigenvalue of `K_k†K_k` bounds that probability from below, so a draw
//! that falls under the bounds picks an operator without reading the state (qsim does the same).

use std::ops::Range;
use std::sync::Arc;

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use crate::circuit::{Condition, Observable};
use crate::math::matrix::dagger;
use crate::math::{C64, Matrix, Stream};
use crate::noise::{Confusion, Program, Step};
use crate::sim::density::{chunks, meets};
use crate::sim::memo::Memo;
use crate::sim::readout::{Ending, Read, record, recorded};
use crate::sim::statevector::gates::{Bound, Gate};
use crate::sim::statevector::kernel::{Entries, Kind, Places, State, apply, overlaps};
use crate::sim::statevector::strings::Strings;
use crate::sim::statevector::{norms, outcomes};
use crate::sim::{AngleGradient, Angles, Gradient, SimError, Simulator, check};

const NAME: &str = "trajectory";
/// Shots that run together as lanes of the vector unit.
const LANES: usize = 8;

/// The sampling engine, for noisy and dynamic programs too wide for a density matrix: memory grows with 2ⁿ, the error
/// falls with the square root of `shots`.
///
/// Shot s of row b draws from its own random stream, so results do not depend on threads. Expectation values and
/// probabilities are means over the shots' exact ones, with less variance than counting outcomes; `vjp` is the
/// parameter-shift rule with the same streams in all runs.
pub struct Trajectory {
    /// Trajectories per row.
    pub shots: usize,
    /// Seed of all randomness.
    pub seed: u64,
    memo: Memo<Plan>,
}

struct Plan {
    qubits: usize,
    steps: Vec<Jump>,
    /// Steps at the start that are the same for all shots.
    certain: usize,
    reads: Vec<Read>,
    bits: usize,
    measures: bool,
}

/// A step, done in the lanes whose classical bits meet the condition.
struct Jump {
    condition: Option<Condition>,
    action: Action,
}

enum Action {
    Gate(Box<Gate>),
    /// Picks one of some operators K by chance.
    Operators {
        places: Places,
        choices: Vec<Choice>,
        record: Option<(usize, Option<Confusion>)>,
    },
}

/// One operator of a channel or measurement.
struct Choice {
    /// Entries of K, real and imaginary part by turns.
    entries: Vec<f64>,
    /// Entries of K†K.
    weight: Vec<C64>,
    /// No state gives K a smaller probability.
    bound: f64,
    /// K is a multiple of the identity.
    trivial: bool,
}

impl Choice {
    fn new(k: &Matrix) -> Self {
        let weight = dagger(k).dot(k);
        let trivial = k.indexed_iter().all(|((i, j), z)| if i == j { *z == k[[0, 0]] } else { *z == C64::from(0.0) });
        Self {
            entries: k.iter().flat_map(|z| [z.re, z.im]).collect(),
            bound: smallest_eigenvalue(&weight),
            weight: weight.iter().copied().collect(),
            trivial,
        }
    }

    /// `⟨ψ|K†K|ψ⟩` of one lane, from the overlaps of its amplitudes.
    fn probability(&self, overlaps: &[f64], lane: usize) -> f64 {
        let part = |index: usize| overlaps[index * LANES + lane];
        self.weight.iter().enumerate().map(|(e, w)| w.re * part(2 * e) - w.im * part(2 * e + 1)).sum()
    }
}

/// A lower bound by Gershgorin's circles: each eigenvalue lies within the off-diagonal sum of a row around its diagonal.
fn smallest_eigenvalue(m: &Matrix) -> f64 {
    let circle = |i: usize| 2.0 * m[[i, i]].re - m.row(i).iter().map(|z| z.norm()).sum::<f64>();
    (0..m.nrows()).map(circle).fold(f64::INFINITY, f64::min).max(0.0)
}

impl Plan {
    fn of(program: &Program) -> Result<Self, SimError> {
        let total = program.qubits();
        if program.bits > 63 {
            let step = format!("a register of {} classical bits", program.bits);
            return Err(SimError::Unsupported { engine: NAME, step, instead: "use at most 63" });
        }
        let ending = Ending::of(program);
        let operators = |kraus: &[Matrix], qubits: &[usize], record| Action::Operators {
            places: Places::new(total, &[], qubits),
            choices: kraus.iter().map(Choice::new).collect(),
            record,
        };
        let unit = |row: usize, column: usize| {
            let mut m = Matrix::zeros((2, 2));
            m[[row, column]] = C64::from(1.0);
            m
        };
        let steps = ending.body.iter().map(|step| match step {
            // Rows run one at a time, so no slot differs between lanes.
            Step::Gate(op) => {
                Jump { condition: op.condition.clone(), action: Action::Gate(Box::new(Gate::new(op, total, 0))) }
            }
            Step::Noise { channel, qubits, condition } => {
                Jump { condition: condition.clone(), action: operators(channel.operators(), qubits, None) }
            }
            Step::Measure { qubit, bit, confusion, condition } => Jump {
                condition: condition.clone(),
                action: operators(&[unit(0, 0), unit(1, 1)], &[*qubit], Some((*bit, *confusion))),
            },
            Step::Reset { qubit, condition } => {
                Jump { condition: condition.clone(), action: operators(&[unit(0, 0), unit(0, 1)], &[*qubit], None) }
            }
        });
        let steps: Vec<Jump> = steps.collect();
        let certain = steps.iter().take_while(|s| s.condition.is_none() && matches!(s.action, Action::Gate(_))).count();
        let measures = program.steps.iter().any(|step| matches!(step, Step::Measure { .. }));
        Ok(Self { qubits: total, steps, certain, reads: ending.reads, bits: program.bits, measures })
    }

    fn bind(&self, angles: &Angles) -> Vec<Option<Bound>> {
        let bound = |step: &Jump| if let Action::Gate(gate) = &step.action { gate.bind(angles) } else { None };
        self.steps.iter().map(bound).collect()
    }
}

/// Shots that run together; surplus lanes of the last group run and are not looked at.
struct Group {
    state: State,
    bits: [u64; LANES],
    streams: [Stream; LANES],
}

impl Group {
    fn step(&mut self, step: &Jump, bound: &Option<Bound>, angles: &Angles) {
        let met: [bool; LANES] =
            std::array::from_fn(|lane| step.condition.as_ref().is_none_or(|c| meets(c, self.bits[lane])));
        match &step.action {
            Action::Gate(gate) if met == [true; LANES] => gate.apply(&mut self.state, bound, angles, 0..LANES),
            Action::Gate(gate) => {
                let before = self.state.clone();
                gate.apply(&mut self.state, bound, angles, 0..LANES);
                for (lane, _) in met.iter().enumerate().filter(|(_, met)| !**met) {
                    for at in (lane..before.re.len()).step_by(LANES) {
                        (self.state.re[at], self.state.im[at]) = (before.re[at], before.im[at]);
                    }
                }
            }
            Action::Operators { places, choices, record } => {
                let picked = self.pick(places, choices, met);
                self.project(places, choices, picked);
                if let Some((bit, confusion)) = *record {
                    self.write(bit, confusion, picked);
                }
            }
        }
    }

    /// The operator of each lane with, where the state was read, the square of its norm after the operator.
    fn pick(&mut self, places: &Places, choices: &[Choice], met: [bool; LANES]) -> [Option<(usize, f64)>; LANES] {
        let mut read: Option<Vec<f64>> = None;
        let bounded: f64 = choices.iter().map(|choice| choice.bound).sum();
        std::array::from_fn(|lane| {
            if !met[lane] {
                return None;
            }
            let mut draw = self.streams[lane].uniform();
            for (k, choice) in choices.iter().enumerate() {
                if draw < choice.bound {
                    return Some((k, 1.0));
                }
                draw -= choice.bound;
            }
            let overlaps = read.get_or_insert_with(|| overlaps(&self.state, places));
            // The trace of the overlaps is the norm: lanes are normalised only when they are read.
            let side = choices[0].weight.len().isqrt();
            let norm: f64 = (0..side).map(|i| overlaps[2 * i * (side + 1) * LANES + lane]).sum();
            let mut rest = choices.iter().map(|choice| (choice.probability(overlaps, lane), choice.bound));
            // A channel that loses trace leaves the draw beyond all operators: then the likeliest is taken.
            let likeliest = rest.clone().enumerate().max_by(|a, b| a.1.0.total_cmp(&b.1.0)).map_or(0, |(k, _)| k);
            debug_assert!(bounded <= 1.0 + 1e-9, "bounds of probabilities sum to {bounded}");
            let found = rest.position(|(p, bound)| {
                draw -= p / norm - bound;
                draw < 0.0 && p > 0.0
            });
            let k = found.unwrap_or(likeliest);
            Some((k, choices[k].probability(overlaps, lane)))
        })
    }

    fn project(&mut self, places: &Places, choices: &[Choice], picked: [Option<(usize, f64)>; LANES]) {
        let common = picked[0].filter(|&(k, norm)| norm == 1.0 && picked.iter().all(|p| *p == Some((k, norm))));
        if let Some((k, _)) = common {
            if !choices[k].trivial {
                let entries = Entries { list: &choices[k].entries, by_row: false };
                apply(&mut self.state, places, &Kind::Complex, entries);
            }
            return;
        }
        let size = choices[0].entries.len();
        let side = (size / 2).isqrt();
        let mut list = vec![0.0; size * LANES];
        for (lane, picked) in picked.iter().enumerate() {
            for e in 0..size {
                list[e * LANES + lane] = match *picked {
                    Some((k, norm)) => choices[k].entries[e] / norm.sqrt(),
                    None => f64::from(u8::from(e % (2 * (side + 1)) == 0)),
                };
            }
        }
        apply(&mut self.state, places, &Kind::Complex, Entries { list: &list, by_row: true });
    }

    fn write(&mut self, bit: usize, confusion: Option<Confusion>, picked: [Option<(usize, f64)>; LANES]) {
        for (lane, picked) in picked.iter().enumerate() {
            let Some((outcome, _)) = *picked else { continue };
            let flip = confusion.map_or(0.0, |c| [c.one_given_zero, c.zero_given_one][outcome].get());
            let flipped = flip > 0.0 && self.streams[lane].uniform() < flip;
            self.bits[lane] = self.bits[lane] & !(1 << bit) | ((outcome as u64) ^ u64::from(flipped)) << bit;
        }
    }
}

impl Trajectory {
    /// An engine of `shots` trajectories per row.
    pub fn new(shots: usize, seed: u64) -> Self {
        Self { shots, seed, memo: Memo::default() }
    }

    fn plan(&self, program: &Program, angles: &Angles) -> Result<Arc<Plan>, SimError> {
        check::angles(program, angles)?;
        let qubits = program.qubits();
        let states = 32.0 * (LANES * rayon::current_num_threads()) as f64;
        check::memory(NAME, qubits, states * 2f64.powi(qubits as i32), "use fewer qubits or threads")?;
        // About a nanosecond for each amplitude and step.
        check::time(NAME, self.shots, 1e-9 * (program.steps.len() + 1) as f64 * 2f64.powi(qubits as i32))?;
        self.memo.get(program, 0, || Plan::of(program))
    }

    /// `each` for every group of shots of one row, in order; it sees how many lanes count.
    fn groups<T: Send>(
        &self,
        plan: &Plan,
        angles: &Angles,
        row: usize,
        each: impl Fn(Group, usize) -> T + Send + Sync,
    ) -> Vec<T> {
        let full = ndarray::Array1::from(angles.row(row));
        let none = Array2::zeros((1, 0));
        let angles = Angles { rows: none.view(), shared: full.view() };
        let bounds = plan.bind(&angles);
        let mut start = State::ground(plan.qubits, 1);
        for (step, bound) in plan.steps[..plan.certain].iter().zip(&bounds) {
            if let Action::Gate(gate) = &step.action {
                gate.apply(&mut start, bound, &angles, 0..1);
            }
        }
        let seed = Stream::numbered(self.seed, row as u64).bits();
        chunks(self.shots, LANES)
            .into_par_iter()
            .map(|shots: Range<usize>| {
                let spread = |v: &[f64]| v.iter().flat_map(|&x| [x; LANES]).collect();
                let mut group = Group {
                    state: State { re: spread(&start.re), im: spread(&start.im), lanes: LANES },
                    bits: [0; LANES],
                    streams: std::array::from_fn(|lane| Stream::numbered(seed, (shots.start + lane) as u64)),
                };
                for (step, bound) in plan.steps.iter().zip(&bounds).skip(plan.certain) {
                    group.step(step, bound, &angles);
                }
                group.normalise();
                each(group, shots.len())
            })
            .collect()
    }

    /// Outcomes of `shots` shots for every row, (batch, 2^k) with columns as in [`Simulator::probabilities`].
    ///
    /// # Errors
    /// As [`Simulator::expect`].
    pub fn counts(&self, program: &Program, angles: Angles) -> Result<Array2<u64>, SimError> {
        let plan = self.plan(program, &angles)?;
        let mut out = Array2::zeros((angles.batch(), plan.outcomes(angles.batch())?));
        for row in 0..angles.batch() {
            let drawn = self.groups(&plan, &angles, row, |mut group, count| {
                let draw = |lane: usize| {
                    let p = plan.recorded(&group, lane);
                    let mut left = group.streams[lane].uniform() * p.iter().sum::<f64>();
                    let hit = p.iter().position(|p| {
                        left -= p;
                        left < 0.0
                    });
                    hit.unwrap_or(p.len() - 1)
                };
                (0..count).map(draw).collect::<Vec<usize>>()
            });
            drawn.into_iter().flatten().for_each(|outcome| out[[row, outcome]] += 1);
        }
        Ok(out)
    }
}

impl Group {
    fn normalise(&mut self) {
        let factors: Vec<f64> = norms(&self.state).into_iter().map(|norm| 1.0 / norm.sqrt()).collect();
        for part in [&mut self.state.re, &mut self.state.im] {
            part.iter_mut().enumerate().for_each(|(i, x)| *x *= factors[i % LANES]);
        }
    }
}

impl Plan {
    /// Number of outcomes, after checking that tables of them fit.
    fn outcomes(&self, batch: usize) -> Result<usize, SimError> {
        let width = if self.measures { self.bits } else { self.qubits };
        check::memory(NAME, self.qubits, 8.0 * batch as f64 * 2f64.powi(width as i32), "measure fewer bits")?;
        Ok(1 << width)
    }

    /// The distribution of what one shot records.
    fn recorded(&self, group: &Group, lane: usize) -> Vec<f64> {
        let p = outcomes(&group.state, lane);
        if !self.measures {
            return p;
        }
        let mut out = vec![0.0; 1 << self.bits];
        record(&self.reads, &p, group.bits[lane] as usize, &mut out);
        out
    }
}

impl Simulator for Trajectory {
    fn name(&self) -> String {
        format!("trajectory, {} shots, double precision", self.shots)
    }

    fn expect(&self, program: &Program, angles: Angles, observables: &[Observable]) -> Result<Array2<f64>, SimError> {
        let plan = self.plan(program, &angles)?;
        let strings = Strings::new(&recorded(NAME, program, observables, &plan.reads)?);
        let mut out = Array2::zeros((angles.batch(), observables.len()));
        for row in 0..angles.batch() {
            let each = self.groups(&plan, &angles, row, |group, count| {
                let mut values = strings.expectations(&group.state, observables.len());
                values.truncate(count * observables.len());
                values
            });
            for (i, value) in each.into_iter().flatten().enumerate() {
                out[[row, i % observables.len()]] += value / self.shots as f64;
            }
        }
        Ok(out)
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
        Self::new(shots, seed).counts(program, angles)
    }

    fn probabilities(&self, program: &Program, angles: Angles) -> Result<Array2<f64>, SimError> {
        let plan = self.plan(program, &angles)?;
        let mut out = Array2::zeros((angles.batch(), plan.outcomes(angles.batch())?));
        for row in 0..angles.batch() {
            let each = self.groups(&plan, &angles, row, |group, count| {
                (0..count)
                    .map(|lane| plan.recorded(&group, lane))
                    .reduce(|sum, p| sum.iter().zip(&p).map(|(a, b)| a + b).collect())
            });
            for p in each.into_iter().flatten() {
                out.row_mut(row).iter_mut().zip(p).for_each(|(sum, p)| *sum += p / self.shots as f64);
            }
        }
        Ok(out)
    }
}
