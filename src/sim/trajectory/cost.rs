//! What the engine takes.

use crate::sim::cost::{Call, Cost, Request, Workload};

/// Shots that run as one tree. More run tree after tree.
pub const TOGETHER: usize = 1 << 16;
/// Bytes of states that wait to be run. A state is split off before its own shots continue.
const WAITING: f64 = (1u64 << 30) as f64;
/// Branches that wait at most, before they run on several threads.
const MOST: usize = 64;
/// Waiting branches are run as so many pieces of work at most, each on one thread.
pub const PARTS: usize = 16;
/// Time to take an amplitude of one branch through a block, and to set up and follow a shot, seconds.
const STEP: f64 = 1e-9;
const SHOT: f64 = 3e-7;
/// Bytes of a shot with its random stream: in the tree, in the list of its branch and while that grows.
const SHOT_BYTES: f64 = 3.0 * 320.0;
/// Bytes of a planned block with noise, and of one without.
const NOISE: f64 = 40e3;
const GATE: f64 = 12e3;

/// Branches that wait at most, if a state has so many bytes.
pub fn waiting(state: f64) -> usize {
    ((WAITING / state) as usize).clamp(1, MOST)
}

/// The same for the branches of branches. Those of wide programs run one after the other, so that memory stays bounded.
pub fn waiting_below(amplitudes: f64) -> usize {
    if amplitudes <= 4096.0 { 8 } else { 1 }
}

/// Bytes and seconds of a call; `None` for more classical bits than the engine keeps.
pub fn cost(w: &Workload, call: &Call) -> Option<Cost> {
    let differentiable = !w.dynamic || call.request != Request::Gradient;
    if w.bits > 63 || !differentiable || call.request == Request::States {
        return None;
    }
    // A noisy block of two qubits has at most 16 operators, a measurement has two.
    let measurements = w.outline.measurements() as f64;
    let (events, splits) = (4.0 * w.noisy_steps as f64 + measurements, 15.0 * w.noisy_steps as f64 + measurements);
    let shots = call.shots as f64;
    let branches = shots.min(2f64.powf(events)).max(1.0);
    let (pure, outcomes) = (w.pure().max(call.register() as f64), w.outcomes());
    let state = 2.0 * call.number() * pure;
    let most = waiting(state);
    let parts = PARTS.min(most) as f64;
    let threads = parts.min(call.threads as f64);
    // Each branch has at most half of the shots of the one it was split off.
    let levels = branches.min(TOGETHER as f64).log2().floor().min(events);
    let below = if events > 0.0 { threads * levels * waiting_below(pure) as f64 } else { 0.0 };
    let states = 1.0 + (branches - 1.0).min(splits.min(most as f64) + below);
    let (leaf, sum) = match call.request {
        Request::Values | Request::Gradient | Request::States => {
            (8.0 * pure * if w.flips { 2.0 } else { 1.0 }, 8.0 * w.observables as f64)
        }
        Request::Probabilities | Request::Sample => {
            (8.0 * pure + outcomes * if w.measures { 2.0 } else { 1.0 }, outcomes)
        }
    };
    let running = if branches > 1.0 { threads } else { 1.0 };
    let sums = if branches > 1.0 { sum * parts } else { 0.0 };
    let plan = w.outline.blocks() as f64 * if w.noisy_steps > 0 { NOISE } else { GATE };
    // Two or four runs for each angle.
    let runs = if call.request == Request::Gradient { 4.0 * w.angles as f64 } else { 1.0 };
    let amplitudes = pure * (1 + w.outline.blocks()) as f64 + leaf / 8.0;
    let run = states * state + running * leaf + sums + SHOT_BYTES * shots.min(TOGETHER as f64);
    // Sums for each row while shots run, and counts made of them at the end.
    let results = call.rows as f64 * sum;
    Some(Cost {
        bytes: plan + results + if call.request == Request::Sample { run.max(results) } else { run },
        seconds: call.rows as f64 * runs * (branches * STEP * amplitudes + shots * SHOT),
    })
}
