//! Fewer entanglers: pairs that cancel, and blocks on two qubits built anew.

use std::collections::BTreeMap;
use std::f64::consts::PI;

use crate::circuit::OpKind;
use crate::device::transpile::kak;
use crate::device::transpile::one_qubit_run::{OneQubitRun, flip, hadamard, phase};
use crate::device::transpile::step::{Step, StepKind, entanglers, is_full_barrier, swap, zz};
use crate::math::matrix::C64;
use crate::math::small::{Small, one};

/// How far [`simplify`] goes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Effort {
    /// Neighbouring runs are joined.
    Join,
    /// CZ pairs with nothing but diagonal gates between them cancel.
    Cancel,
    /// Blocks on two qubits are built anew where that saves entanglers.
    Blocks,
    /// What only changes phases before a measurement is left out.
    Measured,
}

/// Rewrites `steps` on `qubits` wires until no pass saves an entangler. `has_zz`: the device has ZZ rotations.
pub(super) fn simplify(mut steps: Vec<Step>, qubits: usize, effort: Effort, has_zz: bool) -> Vec<Step> {
    loop {
        let before = entanglers(&steps);
        steps = cancel(steps, qubits, effort);
        if effort >= Effort::Blocks {
            steps = resynthesise(steps, qubits, |block, a, b| best(block, a, b, has_zz));
        }
        // The last round also joins the runs that the one before it left behind.
        if effort < Effort::Blocks || entanglers(&steps) == before {
            return steps;
        }
    }
}

/// One pass that joins runs, moves diagonal ones behind CZ and cancels pairs of CZ.
///
/// A run waits on its wire until a CZ comes. What is diagonal then continues to wait behind it, and only the rest is
/// written. As long as nothing is written on a wire its CZ commute, so a CZ that finds an equal one among them on both
/// wires cancels with it.
fn cancel(steps: Vec<Step>, qubits: usize, effort: Effort) -> Vec<Step> {
    let mut out: Vec<Option<Step>> = Vec::with_capacity(steps.len());
    let mut waiting = vec![OneQubitRun::identity(); qubits];
    // Per wire, the CZ in `out` that a new CZ would commute with, and whether the other qubit was measured since.
    let mut near: Vec<Vec<usize>> = vec![Vec::new(); qubits];
    let mut measured_once: Vec<usize> = Vec::new();
    for step in steps {
        if step.condition.is_none() {
            match step.kind {
                StepKind::OneQubitRun(q, run) => {
                    waiting[q].push(&run);
                    continue;
                }
                StepKind::Swap(a, b) => {
                    // What waited before the swap follows it on the other wire.
                    waiting.swap(a, b);
                    near[a].clear();
                    near[b].clear();
                    out.push(Some(Step::new(StepKind::Swap(a, b))));
                    continue;
                }
                StepKind::Cz(a, b) | StepKind::Zz(a, b, _) if effort >= Effort::Cancel => {
                    let mut angle = if let StepKind::Zz(_, _, angle) = step.kind { Some(angle) } else { None };
                    for (q, other) in [(a, b), (b, a)] {
                        let moved = waiting[q].pull_diagonal();
                        let kept = std::mem::replace(&mut waiting[q], moved.run);
                        if !kept.is_identity() {
                            near[q].clear();
                            out.push(Some(Step::new(StepKind::OneQubitRun(q, kept))));
                        }
                        match &mut angle {
                            // X before a ZZ rotation turns it back and is X behind it.
                            Some(angle) if moved.flips => *angle = -*angle,
                            // X before a CZ is X behind it and Z on the other qubit.
                            None if moved.flips => waiting[other].push_fixed(&phase(PI)),
                            _ => {}
                        }
                    }
                    let same_kind = |k: &usize| match &out[*k] {
                        Some(Step { kind: StepKind::Zz(..), .. }) => angle.is_some(),
                        _ => angle.is_none(),
                    };
                    let met = near[a].iter().find(|k| near[b].contains(k) && same_kind(k)).copied();
                    let kinds = match (met.and_then(|k| out[k].take()), angle) {
                        (Some(Step { kind: StepKind::Zz(_, _, earlier), .. }), Some(angle)) => {
                            zz(a, b, earlier + angle)
                        }
                        (Some(_), _) => Vec::new(),
                        (None, Some(angle)) => vec![StepKind::Zz(a, b, angle)],
                        (None, None) => vec![StepKind::Cz(a, b)],
                    };
                    if let Some(k) = met {
                        near[a].retain(|&j| j != k);
                        near[b].retain(|&j| j != k);
                    }
                    for kind in kinds {
                        match kind {
                            // It belongs to the rotation, before what waits.
                            StepKind::OneQubitRun(q, run) => {
                                let behind = std::mem::replace(&mut waiting[q], run);
                                waiting[q].push(&behind);
                            }
                            kind => {
                                near[a].push(out.len());
                                near[b].push(out.len());
                                out.push(Some(Step::new(kind)));
                            }
                        }
                    }
                    continue;
                }
                StepKind::Rest(ref op) if effort >= Effort::Measured && matches!(op.kind, OpKind::Measure { .. }) => {
                    let q = op.qubits[0];
                    let flips = waiting[q].pull_diagonal().flips;
                    if flips {
                        waiting[q].push_fixed(&flip());
                    }
                    if waiting[q].is_identity() {
                        for k in std::mem::take(&mut near[q]) {
                            // A CZ directly before the measurement of both its qubits changes no outcome.
                            if measured_once.contains(&k) {
                                out[k] = None;
                            }
                            measured_once.push(k);
                        }
                    }
                }
                _ => {}
            }
        }
        match &step.kind {
            StepKind::Rest(op) if is_full_barrier(op) => {
                (0..qubits).for_each(|q| flush(q, &mut waiting, &mut near, &mut out));
            }
            _ => step.each_qubit(|q| flush(q, &mut waiting, &mut near, &mut out)),
        }
        out.push(Some(step));
    }
    (0..qubits).for_each(|q| flush(q, &mut waiting, &mut near, &mut out));
    out.into_iter().flatten().collect()
}

/// Writes what waits on wire `q`.
fn flush(q: usize, waiting: &mut [OneQubitRun], near: &mut [Vec<usize>], out: &mut Vec<Option<Step>>) {
    near[q].clear();
    let run = std::mem::replace(&mut waiting[q], OneQubitRun::identity());
    if !run.is_identity() {
        out.push(Some(Step::new(StepKind::OneQubitRun(q, run))));
    }
}

/// A run of steps on two qubits only, without slots.
struct Block {
    qubits: (usize, usize),
    steps: Vec<Step>,
}

/// The same with as many entanglers, and blocks on two qubits built anew where fewer pulses then lie between these. What
/// lies before and behind a block is not known here, so the whole may have more pulses.
pub(super) fn with_fewer_pulses(steps: &[Step], qubits: usize) -> Vec<Step> {
    cancel(resynthesise(steps.to_vec(), qubits, fewest_pulses), qubits, Effort::Blocks)
}

/// Rewrites every maximal block on two qubits.
fn resynthesise(steps: Vec<Step>, qubits: usize, rewrite: impl Fn(Vec<Step>, usize, usize) -> Vec<Step>) -> Vec<Step> {
    let mut out = Vec::with_capacity(steps.len());
    let mut blocks: Vec<Block> = Vec::new();
    let mut open: Vec<Option<usize>> = vec![None; qubits];
    let close = |q: usize, open: &mut [Option<usize>], blocks: &mut [Block], out: &mut Vec<Step>| {
        if let Some(k) = open[q] {
            let (a, b) = blocks[k].qubits;
            (open[a], open[b]) = (None, None);
            out.extend(rewrite(std::mem::take(&mut blocks[k].steps), a, b));
        }
    };
    for step in steps {
        match (&step.kind, &step.condition) {
            (StepKind::OneQubitRun(q, run), None) if run.fixed_matrix().is_some() => match open[*q] {
                Some(k) => blocks[k].steps.push(step),
                None => out.push(step),
            },
            (StepKind::Cz(a, b) | StepKind::Zz(a, b, _) | StepKind::Swap(a, b), None) => {
                let (a, b) = (*a, *b);
                let k = match open[a] {
                    Some(k) if open[b] == Some(k) => k,
                    _ => {
                        close(a, &mut open, &mut blocks, &mut out);
                        close(b, &mut open, &mut blocks, &mut out);
                        blocks.push(Block { qubits: (a, b), steps: Vec::new() });
                        (open[a], open[b]) = (Some(blocks.len() - 1), Some(blocks.len() - 1));
                        blocks.len() - 1
                    }
                };
                blocks[k].steps.push(step);
            }
            (StepKind::Rest(op), _) if is_full_barrier(op) => {
                (0..qubits).for_each(|q| close(q, &mut open, &mut blocks, &mut out));
                out.push(step);
            }
            _ => {
                step.each_qubit(|q| close(q, &mut open, &mut blocks, &mut out));
                out.push(step);
            }
        }
    }
    (0..qubits).for_each(|q| close(q, &mut open, &mut blocks, &mut out));
    out
}

/// The block, or its unitary built anew if that takes fewer entanglers.
fn best(steps: Vec<Step>, a: usize, b: usize, has_zz: bool) -> Vec<Step> {
    let count = entanglers(&steps);
    if count < 2 {
        return steps;
    }
    let unitary = unitary(&steps, a);
    let least = match kak::least_entanglers(&unitary) {
        2 if has_zz && kak::is_one_rotation(&unitary) => 1,
        least => least,
    };
    if least >= count {
        return steps;
    }
    let anew: Vec<Step> = kak::synthesise(&unitary, a, b, has_zz).into_iter().map(Step::new).collect();
    if entanglers(&anew) < count { anew } else { steps }
}

/// The block, or its unitary built anew if that takes fewer pulses between as many entanglers.
fn fewest_pulses(steps: Vec<Step>, a: usize, b: usize) -> Vec<Step> {
    let count = entanglers(&steps);
    if count < 2 || steps.iter().any(|step| matches!(step.kind, StepKind::Zz(..))) {
        return steps;
    }
    let anew: Vec<Step> = kak::synthesise(&unitary(&steps, a), a, b, false).into_iter().map(Step::new).collect();
    if entanglers(&anew) == count && pulses_between(&anew) < pulses_between(&steps) { anew } else { steps }
}

/// Pulses between the first and the last entangler of a block.
fn pulses_between(steps: &[Step]) -> usize {
    let (mut total, mut since) = (0, BTreeMap::new());
    let mut is_inside = false;
    for step in steps {
        match &step.kind {
            StepKind::OneQubitRun(q, run) if is_inside => {
                since.entry(*q).or_insert_with(OneQubitRun::identity).push(run);
            }
            StepKind::OneQubitRun(..) => {}
            _ => {
                is_inside = true;
                total += std::mem::take(&mut since).values().map(OneQubitRun::pulses).sum::<usize>();
            }
        }
    }
    total
}

/// The unitary of steps on two qubits, `a` the less significant.
fn unitary(steps: &[Step], a: usize) -> Small<4> {
    let mut total: Small<4> = one();
    for step in steps {
        match &step.kind {
            StepKind::OneQubitRun(q, run) => {
                let bit = if *q == a { 1 } else { 2 };
                for low in [0, 3 - bit] {
                    let (upper, lower) = (total[low], total[low | bit]);
                    for (row, m) in [(low, run.first[0]), (low | bit, run.first[1])] {
                        total[row] = std::array::from_fn(|k| m[0] * upper[k] + m[1] * lower[k]);
                    }
                }
            }
            StepKind::Cz(..) => total[3] = total[3].map(|z| -z),
            StepKind::Zz(_, _, angle) => {
                for (k, row) in total.iter_mut().enumerate() {
                    let sign = if k == 0 || k == 3 { -0.5 } else { 0.5 };
                    *row = row.map(|z| z * C64::from_polar(1.0, sign * angle));
                }
            }
            StepKind::Swap(..) => total.swap(1, 2),
            StepKind::Rest(_) => {}
        }
    }
    total
}

/// Every swap as three CZ, turned such that one of them cancels with a neighbour where that is possible.
pub(super) fn expand_swaps(steps: &[Step]) -> Vec<Step> {
    let mut out: Vec<Step> = Vec::with_capacity(2 * steps.len());
    for (k, step) in steps.iter().enumerate() {
        let StepKind::Swap(a, b) = step.kind else {
            out.push(step.clone());
            continue;
        };
        // The outer CX of the swap have their H on `outer`: an outer CZ cancels with the next CZ of the pair if this H
        // leaves nothing but diagonal runs between them.
        let cancels = |runs: [OneQubitRun; 2], before: bool| {
            let [on_a, on_b] = runs;
            let with_h = |run: &OneQubitRun| {
                let mut sum = if before { run.clone() } else { OneQubitRun::fixed(hadamard()) };
                sum.push(&if before { OneQubitRun::fixed(hadamard()) } else { run.clone() });
                sum.is_diagonal()
            };
            match () {
                () if with_h(&on_b) && on_a.is_diagonal() => Some(b),
                () if with_h(&on_a) && on_b.is_diagonal() => Some(a),
                () => None,
            }
        };
        let join = |runs: Vec<&OneQubitRun>| {
            runs.into_iter().fold(OneQubitRun::identity(), |mut sum, run| {
                sum.push(run);
                sum
            })
        };
        let earlier = until_pair(out.iter().rev(), a, b).map(|runs| {
            runs.map(|mut list| {
                list.reverse();
                join(list)
            })
        });
        let later = || until_pair(steps[k + 1..].iter(), a, b).map(|runs| runs.map(join));
        let outer =
            earlier.and_then(|t| cancels(t, true)).or_else(|| later().and_then(|t| cancels(t, false))).unwrap_or(b);
        let inner = if outer == a { b } else { a };
        out.extend(swap(inner, outer).map(|kind| Step { kind, condition: step.condition.clone() }));
    }
    out
}

/// The runs on `a` and `b` up to the next CZ of the two, in the order of the pass; `None` if something else comes
/// first.
fn until_pair<'a>(steps: impl Iterator<Item = &'a Step>, a: usize, b: usize) -> Option<[Vec<&'a OneQubitRun>; 2]> {
    let mut runs = [Vec::new(), Vec::new()];
    for step in steps {
        match (&step.kind, &step.condition) {
            (StepKind::OneQubitRun(q, run), None) if *q == a => runs[0].push(run),
            (StepKind::OneQubitRun(q, run), None) if *q == b => runs[1].push(run),
            (StepKind::Cz(c, d), None) if (*c, *d) == (a, b) || (*c, *d) == (b, a) => return Some(runs),
            _ => {
                let mut touches = false;
                step.each_qubit(|q| touches |= q == a || q == b);
                if touches {
                    return None;
                }
            }
        }
    }
    None
}
