//! Expectation values and outcomes of a sharded state.
//!
//! Sums go over pairs of amplitudes in the order of index bits, the lowest first, or over leaves that do not depend on the number
//! of ranks. So every rank count adds the same numbers in the same order.

use crate::math::Stream;
use crate::sim::SimError;
use crate::sim::kernel::strings::{Strings, quarter_turns, walsh};
use crate::sim::statevector::sharded::shard::Shard;

/// Most leaves of a state, from which outcomes are drawn, and so the most ranks.
pub const LEAVES: usize = 1 << 10;

/// Expectation values of observables, as [`Strings::expectations`] computes them on one rank.
pub fn expectations(shard: &Shard, strings: &Strings, observables: usize) -> Result<Vec<f64>, SimError> {
    let size = 1usize << shard.local;
    // The real and the imaginary sum of each string over the amplitudes of this rank.
    let mut own = Vec::new();
    for (x, strings) in strings.by_pattern() {
        let mut products = vec![vec![0.0; size]; if x == 0 { 1 } else { 2 }];
        shard.for_each_flipped(x, |k, [br, bi], [ar, ai]| {
            products[0][k] = ar * br + ai * bi;
            if x != 0 {
                products[1][k] = ar * bi - ai * br;
            }
        })?;
        products.iter_mut().for_each(|part| walsh(part));
        for &(z, ..) in strings {
            let at = z as usize & (size - 1);
            own.extend([products[0][at], products.get(1).map_or(0.0, |part| part[at])]);
        }
    }
    let all = shard.ranks.gather(&own)?;
    let of_ranks = |number: usize| (0..shard.ranks.size()).map(|rank| all[rank * own.len() + number]).collect();
    let mut out = vec![0.0; observables];
    let mut number = 0;
    for (x, strings) in strings.by_pattern() {
        for &(z, o, weight) in strings {
            let [re, im] = [number, number + 1].map(|number| signed_sum(of_ranks(number), z >> shard.local));
            let phase = quarter_turns(x & z);
            out[o] += weight * (phase.re * re - phase.im * im);
            number += 2;
        }
    }
    Ok(out)
}

/// `Σ_r (-1)^{|r & signs|} values[r]` in the order in which [`walsh`] adds.
fn signed_sum(mut values: Vec<f64>, mut signs: u64) -> f64 {
    while values.len() > 1 {
        let sum = |pair: &[f64]| if signs & 1 == 1 { pair[0] - pair[1] } else { pair[0] + pair[1] };
        values = values.chunks_exact(2).map(sum).collect();
        signs >>= 1;
    }
    values[0]
}

/// Outcome probabilities of all qubits, 2ⁿ, at every rank.
pub fn probabilities(shard: &Shard) -> Result<Vec<f64>, SimError> {
    let own: Vec<f64> = (0..shard.state.re.len()).map(|k| probability(shard, k)).collect();
    shard.ranks.gather(&own)
}

/// The probability of an amplitude of this rank.
fn probability(shard: &Shard, k: usize) -> f64 {
    shard.state.re[k] * shard.state.re[k] + shard.state.im[k] * shard.state.im[k]
}

/// Outcomes of all qubits, one shot after the other, at every rank.
///
/// A shot is drawn twice by one number: which leaf, from the probabilities of leaves, and which outcome of the leaf.
pub fn outcomes(shard: &Shard, qubits: usize, shots: usize, stream: &mut Stream) -> Result<Vec<u64>, SimError> {
    let leaves = LEAVES.min(1 << qubits);
    let (own, size) = (leaves / shard.ranks.size(), (1 << qubits) / leaves);
    let weights: Vec<f64> =
        (0..own).map(|leaf| (leaf * size..(leaf + 1) * size).map(|k| probability(shard, k)).sum()).collect();
    let weights = shard.ranks.gather(&weights)?;
    let ends: Vec<f64> = weights.iter().scan(0.0, |sum, weight| (*sum += weight, Some(*sum)).1).collect();
    let last = weights.iter().rposition(|&weight| weight > 0.0).unwrap_or(0);
    // The shots of each leaf of this rank, each with what of the leaf's probability lies below it.
    let mut drawn: Vec<Vec<(f64, usize)>> = vec![Vec::new(); own];
    let first = shard.ranks.rank() * own;
    for shot in 0..shots {
        let below = stream.uniform() * ends[leaves - 1];
        let leaf = ends.partition_point(|&end| end <= below).min(last);
        if (first..first + own).contains(&leaf) {
            drawn[leaf - first].push((if leaf == 0 { below } else { below - ends[leaf - 1] }, shot));
        }
    }
    let mut found = Vec::new();
    for (leaf, mut shots) in drawn.into_iter().enumerate() {
        shots.sort_by(|one, other| one.0.total_cmp(&other.0));
        let mut shots = shots.into_iter().peekable();
        let (mut sum, mut possible) = (0.0, leaf * size);
        for k in leaf * size..(leaf + 1) * size {
            let p = probability(shard, k);
            sum += p;
            possible = if p > 0.0 { k } else { possible };
            while let Some((_, shot)) = shots.next_if(|&(below, _)| below < sum) {
                found.extend([shot as f64, k as f64]);
            }
        }
        // Rounding may leave a shot behind the sum.
        shots.for_each(|(_, shot)| found.extend([shot as f64, possible as f64]));
    }
    // Numbers of amplitudes within a rank are exact as f64; the rank itself follows from the leaf.
    let counts = shard.ranks.gather(&[found.len() as f64])?;
    let all = shard.ranks.gather(&found)?;
    let mut out = vec![0; shots];
    let mut pairs = all.chunks_exact(2);
    for (rank, count) in counts.iter().enumerate() {
        for pair in pairs.by_ref().take(*count as usize / 2) {
            out[pair[0] as usize] = (rank << shard.local) as u64 | pair[1] as u64;
        }
    }
    Ok(out)
}
