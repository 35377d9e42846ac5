//! What the engine takes.

use crate::sim::cost::{Call, Cost, Request, Workload, side_by_side};
use crate::sim::density;
use crate::sim::kernel::pauli::sweep;

/// Rows contracted together, at most.
const ROWS: usize = 16;
/// Bytes that their product states may fill.
const CHUNK: f64 = (1u64 << 30) as f64;
/// Time to take a number of an observable through a block, seconds.
const STEP: f64 = 2e-9;

/// Rows contracted together if one product state has so many bytes.
pub fn rows(state: f64) -> usize {
    ((CHUNK / state) as usize).clamp(1, ROWS)
}

/// Bytes and seconds of a call; `None` for measurements before the end and conditions.
pub fn cost(w: &Workload, call: &Call) -> Option<Cost> {
    if w.dynamic {
        return None;
    }
    if !w.splits || !matches!(call.request, Request::Values | Request::Gradient) {
        return density::cost(w, call);
    }
    let state = call.number() * w.mixed();
    let observables = state * w.observables.max(1) as f64;
    let blocks = w.outline.blocks();
    let every = every(blocks, observables);
    // Behind the last angle nothing is kept. Inputs come before the blocks.
    let kept = if w.weighted { 1.0 + blocks.div_ceil(every) as f64 } else { 1.0 };
    let backward = if call.request == Request::Gradient { observables * (2 + every) as f64 } else { 0.0 };
    let held = at_a_time(w, call) as f64 * held(w, call);
    let passes = if call.request == Request::Gradient { 3.0 } else { 1.0 };
    Some(Cost {
        bytes: density::plan_bytes(w) + w.results(call).0 + kept * observables + held.max(backward),
        seconds: STEP * w.mixed() * w.observables.max(1) as f64 * (1 + blocks) as f64 * passes,
    })
}

/// How many chunks of rows run side by side.
pub fn at_a_time(w: &Workload, call: &Call) -> usize {
    let rows = rows(call.number() * w.mixed()).min(call.rows.max(1));
    side_by_side(call.rows.div_ceil(rows), held(w, call), call.threads)
}

/// Bytes that a chunk of rows holds while it runs.
fn held(w: &Workload, call: &Call) -> f64 {
    let state = call.number() * w.mixed();
    // A product of n Bloch vectors and those of the first n - 1, n - 2, … of them.
    let product = 4.0 / 3.0 * state * rows(state).min(call.rows.max(1)) as f64;
    match call.request {
        Request::Gradient => 2.0 * product + state * w.observables.max(1) as f64,
        _ => product,
    }
}

/// How many blocks apart observables of so many bytes are kept.
pub fn every(blocks: usize, bytes: f64) -> usize {
    if sweep::stride(blocks, bytes as usize) >= blocks { 1 } else { blocks.isqrt() + 1 }
}
