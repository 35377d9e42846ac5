//! What the engine takes.

use crate::sim::cost::{Call, Cost, Request, Workload, side_by_side};

/// Time to take an amplitude through a gate, seconds.
const STEP: f64 = 4e-9;
/// Bytes of a planned gate.
const GATE: f64 = 1e3;

/// Rows that run together: enough to fill registers and to make little of what is done once a gate, few enough for ket
/// and bra of a narrow program to stay in the first-level cache.
pub fn lanes(register: usize, qubits: usize, batch: usize) -> usize {
    match qubits {
        0..=5 => 32,
        6 => 16,
        7..=18 if batch >= register => register,
        _ => 1,
    }
}

/// Bytes and seconds of a call; `None` for noise, conditions, resets and measurements before the end.
pub fn cost(w: &Workload, call: &Call) -> Option<Cost> {
    if !w.ideal() {
        return None;
    }
    let (lanes, runs) = (rows_together(w, call) as f64, at_a_time(w, call) as f64);
    let passes = if call.request == Request::Gradient { 3.0 } else { 1.0 };
    let (during, after) = w.results(call);
    // The table of a single row is the result.
    let is_table = call.rows == 1 && matches!(call.request, Request::Probabilities | Request::Sample);
    let during = if is_table { 0.0 } else { during };
    Some(Cost {
        bytes: GATE * w.steps as f64 + after.max(during + runs * lanes * held(w, call)),
        seconds: call.rows as f64 * (STEP * w.pure() * (1 + w.outline.blocks()) as f64 * passes) + call.drawing(),
    })
}

fn rows_together(w: &Workload, call: &Call) -> usize {
    lanes(call.register(), w.qubits, call.rows).min(call.rows.max(1))
}

/// How many runs of rows go side by side.
pub fn at_a_time(w: &Workload, call: &Call) -> usize {
    let lanes = rows_together(w, call);
    side_by_side(call.rows.div_ceil(lanes), held(w, call) * lanes as f64, call.threads)
}

/// Bytes of a row while it runs.
fn held(w: &Workload, call: &Call) -> f64 {
    let state = 2.0 * call.number() * w.pure();
    // Products of amplitudes, in double precision, for strings with and without X or Y.
    let strings = if w.observables == 0 { 0.0 } else { 8.0 * w.pure() * if w.flips { 2.0 } else { 1.0 } };
    match call.request {
        Request::Values => state + strings,
        Request::States => state,
        Request::Gradient => 2.0 * state + strings,
        Request::Probabilities | Request::Sample => {
            state + w.outcomes() + if w.measures { 8.0 * w.pure() + w.outcomes() } else { 0.0 }
        }
    }
}
