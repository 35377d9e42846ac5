//! What the engine takes.

use crate::sim::cost::{Call, Cost, Outline, Request, WantedBits, Workload, side_by_side};
use crate::sim::kernel::pauli::sweep;

/// Bytes that the lanes of one run of rows may fill, so that wide programs run row by row.
const CHUNK: f64 = (2u64 << 30) as f64;
/// Bytes of branches that run side by side. Beyond, one after the other runs to the end.
const BRANCHES: f64 = (128u64 << 20) as f64;
/// Time to take a number of a state through a block, seconds.
const STEP: f64 = 2e-9;
/// Bytes of a planned block: three real 16 × 16 matrices at least.
const BLOCK: f64 = 10e3;

/// Rows of `batch` that run together, of states of so many bytes: they fill a register of so many numbers. They depend on
/// the program alone.
pub fn lanes(register: usize, state: f64, batch: usize) -> usize {
    let fitting = (CHUNK / state).max(1.0) as usize;
    // A power of two, so that a register holds whole lanes.
    register.min(1 << fitting.ilog2()).min(batch.max(1))
}

/// Branches of so many bytes that run side by side, a power of two.
pub fn most_branches(bytes: f64) -> usize {
    1 << ((BRANCHES / bytes).max(2.0).log2() as usize).min(20)
}

/// Bytes of the plan of a program, for any engine that keeps states or observables in the Pauli basis.
pub fn plan_bytes(w: &Workload) -> f64 {
    let entries = 16.0 * w.wide.iter().sum::<f64>();
    BLOCK * w.outline.blocks() as f64 + entries + w.outline.index_bytes
}

/// Bytes and seconds of a call; `None` for more classical bits than the engine keeps.
pub fn cost(w: &Workload, call: &Call) -> Option<Cost> {
    let differentiable = !w.dynamic || call.request != Request::Gradient;
    if w.bits > 62 || !differentiable {
        return None;
    }
    let (_, chunk) = chunk(w, call);
    let branching = outline(w, call).branching(wanted(call), most_branches(chunk));
    let runs = at_a_time(w, call) as f64;
    let passes = if call.request == Request::Gradient { 3.0 } else { 1.0 };
    let outcomes = match wanted(call) {
        WantedBits::Nothing => 0.0,
        WantedBits::Outcomes => branching.last * (branching.last_share.sqrt() * w.pure() + w.outcomes() / 8.0),
    };
    let numbers = w.mixed() * (1.0 + branching.work) * passes + outcomes;
    let (during, after) = w.results(call);
    Some(Cost {
        bytes: plan_bytes(w) + after.max(during + runs * held(w, call)),
        seconds: call.rows as f64 * STEP * numbers + call.drawing(),
    })
}

/// What a call runs: for final states all of the program, else what results depend on.
fn outline<'a>(w: &'a Workload, call: &Call) -> &'a Outline {
    w.needed.as_ref().filter(|_| call.request != Request::States).unwrap_or(&w.outline)
}

/// Rows that run together, and bytes of their states.
fn chunk(w: &Workload, call: &Call) -> (usize, f64) {
    let state = call.number() * w.mixed();
    let lanes = lanes(call.register(), state, call.rows);
    (lanes, state * lanes as f64)
}

fn wanted(call: &Call) -> WantedBits {
    match call.request {
        Request::Values | Request::Gradient | Request::States => WantedBits::Nothing,
        Request::Probabilities | Request::Sample => WantedBits::Outcomes,
    }
}

/// Bytes that the rows of a chunk hold while they run.
fn held(w: &Workload, call: &Call) -> f64 {
    let (lanes, chunk) = chunk(w, call);
    let scratch = 16.0 * w.wide.iter().copied().fold(0.0, f64::max);
    let branches = || outline(w, call).branching(wanted(call), most_branches(chunk)).states * chunk;
    scratch
        + match call.request {
            Request::Values => branches(),
            // Complex letters, and the matrix that they become.
            Request::States => branches().max(chunk + 16.0 * w.mixed()) + 16.0 * w.mixed(),
            Request::Gradient => gradient_states(w.outline.blocks(), chunk) * chunk,
            // Of each row what it returns; of one the outcomes of its qubits and measurements.
            Request::Probabilities | Request::Sample => branches() + (lanes + 1) as f64 * w.outcomes() + 8.0 * w.pure(),
        }
}

/// How many chunks of a batch run side by side.
pub fn at_a_time(w: &Workload, call: &Call) -> usize {
    let (lanes, _) = chunk(w, call);
    side_by_side(call.rows.div_ceil(lanes), held(w, call), call.threads)
}

/// States and bras that a reverse run over a chunk holds.
fn gradient_states(blocks: usize, chunk: f64) -> f64 {
    let stride = sweep::stride(blocks, chunk as usize);
    (blocks.div_ceil(stride) + stride.min(blocks.max(1)) + 1) as f64
}
