//! What the engine takes.

use super::pulled::MOST_TERMS;
use super::steps::{Action, CliffordProgram, Sampling};
use super::tableau;
use crate::sim::cost::{Call, Cost, Request, Workload};

/// Shots that run side by side.
pub const SHOTS_TOGETHER: usize = 1024;
/// Time to set up a call, seconds: dense engines are faster on small programs.
const SETUP: f64 = 5e-5;
/// Time to read a step of a program, and to take a term back through one, seconds.
const READ: f64 = 2e-7;
const TERM: f64 = 6e-9;
/// Time to take a word of a plane through a step, and to draw an error, seconds.
const WORD: f64 = 5e-10;
const ERROR: f64 = 3e-8;
/// Share of the shots in which a step with noise has an error, a guess.
const USUAL: f64 = 0.01;
/// Bytes of a step that has been read.
const STEP: f64 = 120.0;

/// Bytes and seconds of a call; `None` for programs that are not Clifford operations and Pauli noise whatever their angles
/// are, for states, and for exact values under many conditions. A program that is prepared without observables is asked for outcomes.
pub fn cost(w: &Workload, call: &Call) -> Option<Cost> {
    if w.stabilizer.is_none() || call.request == Request::States || w.dynamic && call.request == Request::Gradient {
        return None;
    }
    // It might refuse them while it runs.
    if w.splits_by_conditions > MOST_TERMS.ilog2() as usize && call.request != Request::Sample {
        return None;
    }
    let of_nothing = w.observables == 0 && matches!(call.request, Request::Values | Request::Gradient);
    let request = if of_nothing { Request::Probabilities } else { call.request };
    Some(at_these_angles(w, &Call { request, ..*call }))
}

fn at_these_angles(w: &Workload, call: &Call) -> Cost {
    let rows = call.rows as f64;
    let split = 2f64.powi(w.splits_by_conditions.min(1000) as i32);
    let steps = (w.steps + w.width) as f64;
    let (results, _) = w.results(call);
    let (terms, gradients) = match call.request {
        Request::Values | Request::States => (w.terms as f64, 1.0),
        // Two or four runs for each angle.
        Request::Gradient => (w.terms as f64, 1.0 + 4.0 * w.angles as f64),
        Request::Probabilities => (2f64.powi(w.width as i32), 1.0),
        Request::Sample => (0.0, 1.0),
    };
    let drawing = match call.request {
        Request::Sample => Drawing::of_workload(w).cost(call.shots, call.threads),
        _ => Cost { bytes: 0.0, seconds: 0.0 },
    };
    // Mean signs of all sets of bits, in runs and in one list.
    let signs = if call.request == Request::Probabilities { 2.0 * w.outcomes() } else { 0.0 };
    Cost {
        bytes: results + signs + STEP * steps + drawing.bytes,
        seconds: SETUP + rows * (gradients * steps * (READ + TERM * terms * split) + drawing.seconds),
    }
}

/// What of a program decides what drawing its shots takes.
pub struct Drawing {
    qubits: usize,
    /// Classical bits, those behind the register included.
    bits: usize,
    /// Bits of an outcome.
    width: usize,
    /// Those that measure at the end included.
    steps: usize,
    /// Steps with noise, or a reset.
    noisy_steps: usize,
    measurements: usize,
    sampling: Sampling,
    /// Share of the strings of a state that a random outcome changes.
    changed: f64,
}

/// The outcomes of terminal measurements are found without a new state.
const TERMINAL: f64 = 0.125;

impl Drawing {
    /// Of a program that is not read yet.
    fn of_workload(w: &Workload) -> Self {
        Self {
            qubits: w.qubits,
            bits: if w.measures { w.bits } else { w.bits + w.qubits },
            width: w.width,
            steps: w.steps + w.width,
            noisy_steps: w.noisy_steps,
            measurements: w.width + w.outline.measurements(),
            sampling: w.stabilizer.unwrap_or(Sampling::Frames),
            changed: if w.outline.measurements() == 0 { TERMINAL } else { 1.0 },
        }
    }

    /// Of a program with its outcomes.
    pub fn of(program: &CliffordProgram) -> Self {
        let count = |is: fn(&Action) -> bool| program.steps.iter().filter(|step| is(&step.action)).count();
        let changes = program.changes();
        let before = &program.steps[..changes];
        let is_terminal = !before.iter().any(|step| matches!(step.action, Action::Measure { .. } | Action::Reset));
        Self {
            qubits: program.qubits,
            bits: program.bits,
            width: program.outcome.len(),
            steps: program.steps.len(),
            noisy_steps: count(|action| matches!(action, Action::Noise(_) | Action::Reset)),
            measurements: count(|action| matches!(action, Action::Measure { .. })),
            sampling: program.sampling(),
            changed: if is_terminal { TERMINAL } else { 1.0 },
        }
    }

    /// Drawing so many shots of one row as rows of bits.
    pub fn cost(&self, shots: usize, threads: usize) -> Cost {
        let (qubits, shots, bits) = (self.qubits as f64, shots as f64, self.bits as f64);
        let (steps, noisy, measured) = (self.steps as f64, self.noisy_steps as f64, self.measurements as f64);
        let together = shots.min(SHOTS_TOGETHER as f64);
        let words = (together / 64.0).ceil();
        let runs = (shots / SHOTS_TOGETHER as f64).ceil();
        // The reference is there while frames run.
        let threads = runs.min(threads as f64);
        let rows = 2.0 * 8.0 * shots * (self.width as f64 / 64.0).ceil();
        // Each qubit has one outcome that is random and takes work on all strings; how many more there are is not known.
        let collapses = self.changed * qubits * qubits / 4.0 * measured.min(2.0 * qubits);
        let reference = collapses + qubits / 16.0 * (steps + measured);
        let frames = runs * words * (2.0 * steps + 2.0 * qubits) + shots * measured / 64.0;
        let alone = if self.sampling == Sampling::Tableaux { shots * reference } else { 0.0 };
        // Strings with known outcomes, half a tableau, come to it.
        let tableau = 1.5 * tableau::bytes(self.qubits);
        Cost {
            bytes: tableau * if alone > 0.0 { 1.0 + threads } else { 1.0 }
                + threads * 8.0 * words * (2.0 * qubits + bits)
                + rows,
            seconds: WORD * (reference + frames + alone) + ERROR * noisy * (runs + USUAL * shots),
        }
    }
}
