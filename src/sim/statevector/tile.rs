//! Wide states of a single row: many gates per pass over memory, tiles spread over threads.
//!
//! A tile is the amplitudes that agree in all qubits but the lowest [`NEAR`] and a few gathered ones; it fits into the
//! second-level cache. A pass copies each tile out, applies every gate whose operands lie inside, and copies it back.
//! Gates move into an earlier pass if none of those left behind shares a qubit with them.

use rayon::prelude::*;

use crate::sim::Angles;
use crate::sim::float::Float;
use crate::sim::statevector::gates::{Bound, Gate, Placed};
use crate::sim::statevector::kernel::State;

/// Qubits whose amplitudes lie side by side: 1,024 of them are copied at a time.
const NEAR: usize = 10;
/// Higher qubits gathered into one tile: 32,768 amplitudes, 512 KiB.
const GATHERED: usize = 5;

/// From this width on tiles pay, and one row is worth more than one thread.
pub const WIDE: usize = 16;

/// The state after `gates`, for one row of the batch.
pub fn run<F: Float>(
    gates: &[Gate],
    bounds: &[Option<Bound<F>>],
    total: usize,
    angles: &Angles,
    row: usize,
) -> State<F> {
    let mut state = State::ground(total, 1);
    let mut left: Vec<usize> = (0..gates.len()).collect();
    while let Some(&first) = left.first() {
        let (inside, outside, mut high) = pass(gates, &left);
        if inside.is_empty() {
            // More operands than a tile has room for.
            gates[first].apply(&mut state, &bounds[first], angles, row..row + 1);
            left.remove(0);
            continue;
        }
        // A tile of full size, whatever the gates need.
        high.extend((NEAR..total).filter(|q| !high.contains(q)).take(GATHERED - high.len()).collect::<Vec<_>>());
        high.sort_unstable();
        let place = |qubit: usize| high.iter().position(|&h| h == qubit).map_or(qubit, |k| NEAR + k);
        let placed: Vec<Placed<F>> =
            inside.iter().map(|&g| gates[g].placed(&bounds[g], angles, row, NEAR + high.len(), place)).collect();
        sweep(&mut state, &high, &placed);
        left = outside;
    }
    state
}

/// The gates of the next pass, those left for later, and the high qubits of the pass.
fn pass(gates: &[Gate], left: &[usize]) -> (Vec<usize>, Vec<usize>, Vec<usize>) {
    let (mut inside, mut outside) = (Vec::new(), Vec::new());
    let (mut high, mut blocked) = (0u64, 0u64);
    for &gate in left {
        let qubits = gates[gate].operands();
        let wanted = high | qubits >> NEAR << NEAR;
        if qubits & blocked == 0 && wanted.count_ones() as usize <= GATHERED {
            high = wanted;
            inside.push(gate);
        } else {
            blocked |= qubits;
            outside.push(gate);
        }
    }
    (inside, outside, (NEAR..64).filter(|q| high >> q & 1 == 1).collect())
}

/// Applies gates that stay inside tiles of the low qubits and `high`.
fn sweep<F: Float>(state: &mut State<F>, high: &[usize], gates: &[Placed<F>]) {
    let segment = 1 << NEAR;
    let gathered: usize = high.iter().map(|q| 1 << (q - NEAR)).sum();
    let count = state.re.len() >> (NEAR + high.len());
    let mut tiles: Vec<Vec<(&mut [F], &mut [F])>> = (0..count).map(|_| Vec::with_capacity(1 << high.len())).collect();
    // Segments come in ascending order, so that each tile sees its own in the order of the gathered bits.
    for (index, parts) in state.re.chunks_exact_mut(segment).zip(state.im.chunks_exact_mut(segment)).enumerate() {
        tiles[squeeze(index, gathered)].push(parts);
    }
    let size = segment << high.len();
    let scratch = || State { re: vec![F::ZERO; size], im: vec![F::ZERO; size], lanes: 1 };
    tiles.into_par_iter().for_each_init(scratch, |tile, mut parts| {
        for (k, (re, im)) in parts.iter().enumerate() {
            tile.re[k * segment..][..segment].copy_from_slice(re);
            tile.im[k * segment..][..segment].copy_from_slice(im);
        }
        gates.iter().for_each(|gate| gate.apply(tile));
        for (k, (re, im)) in parts.iter_mut().enumerate() {
            re.copy_from_slice(&tile.re[k * segment..][..segment]);
            im.copy_from_slice(&tile.im[k * segment..][..segment]);
        }
    });
}

/// `index` without the bits of `mask`, the others moved together.
fn squeeze(index: usize, mask: usize) -> usize {
    let kept = (0..usize::BITS - index.leading_zeros()).filter(|bit| mask >> bit & 1 == 0);
    kept.enumerate().fold(0, |out, (to, bit)| out | (index >> bit & 1) << to)
}
