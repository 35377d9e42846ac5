//! Gates under many controls as gates on at most three qubits, and how many that takes.
//!
//! Up to five controls of a rotation are walked in Gray-code order, one CX for each pattern. Above, costs stay linear for
//! X with at least one further qubit and for rotations, and quadratic for phases and for X without a further qubit.
//! A further ("borrowed") qubit may be in any state and is returned to it.

use std::f64::consts::PI;

use crate::circuit::{Gate, Param};

/// Gates in the order they are applied: which, on which qubits, with which angles.
pub type Steps = Vec<(Gate, Vec<usize>, Vec<Param>)>;

/// Controls of a rotation up to which patterns are walked one by one.
const WALKED: usize = 5;
/// Two-qubit gates of a `ccx`, and of the `rccx` that has a relative phase.
const CCX: u64 = 6;
const RCCX: u64 = 3;

/// A phase on the state in which all of `qubits` are 1; nothing for none of them, as a global phase is no gate.
///
/// The phase of an AND is a rotation of the last qubit, controlled by the others, and half the phase on these
/// (Barenco et al. 1995, arXiv quant-ph/9503016, lemma 7.9).
pub fn phase(angle: Param, qubits: &[usize], free: &[usize], out: &mut Steps) {
    let Some((&target, controls)) = qubits.split_last() else { return };
    match controls {
        [] => out.push((Gate::P, vec![target], vec![angle])),
        &[control] => out.push((Gate::Cp, vec![control, target], vec![angle])),
        _ if is_pi(angle) && flip_cost(controls.len(), free.len()) < phase_cost(qubits.len()) => {
            out.push((Gate::H, vec![target], vec![]));
            flip(controls, target, free, out);
            out.push((Gate::H, vec![target], vec![]));
        }
        _ => {
            rotation(angle, controls, target, out);
            phase(angle * 0.5, controls, free, out);
        }
    }
}

fn is_pi(angle: Param) -> bool {
    matches!(angle, Param::Fixed(value) if (value.abs() - PI).abs() < 1e-15)
}

/// X on `target` where all controls are 1, with `free` qubits to borrow.
pub fn flip(controls: &[usize], target: usize, free: &[usize], out: &mut Steps) {
    let count = controls.len();
    match controls {
        [] => return out.push((Gate::X, vec![target], vec![])),
        &[control] => return out.push((Gate::Cx, vec![control, target], vec![])),
        &[first, second] => return out.push((Gate::Ccx, vec![first, second, target], vec![])),
        _ => {}
    }
    match cheapest_flip(count, free.len()).0 {
        Flip::Phase => {
            // Not through `phase`, which might choose a flip again.
            out.push((Gate::H, vec![target], vec![]));
            rotation(Param::Fixed(PI), controls, target, out);
            phase(Param::Fixed(PI / 2.0), controls, &[], out);
            out.push((Gate::H, vec![target], vec![]));
        }
        Flip::Ladder => ladder(controls, target, &free[..count - 2], out),
        Flip::Halves => {
            // Lemma 7.3: the AND of the first half is put onto a borrowed qubit and taken off again.
            let (low, high) = controls.split_at(count.div_ceil(2));
            let (&borrowed, rest) = free.split_first().expect("this way is chosen with a free qubit only");
            let upper: Vec<usize> = high.iter().copied().chain([borrowed]).collect();
            let around_low: Vec<usize> = high.iter().copied().chain([target]).chain(rest.iter().copied()).collect();
            let around_high: Vec<usize> = low.iter().chain(rest).copied().collect();
            for _ in 0..2 {
                flip(low, borrowed, &around_low, out);
                flip(&upper, target, &around_high, out);
            }
        }
    }
}

/// The ways to build a flip under three and more controls.
#[derive(Clone, Copy)]
enum Flip {
    Phase,
    Ladder,
    Halves,
}

fn cheapest_flip(controls: usize, free: usize) -> (Flip, u64) {
    // With a qubit to borrow and many controls this is never the best, and the sum is long.
    let walked = if free == 0 || controls < 2 * WALKED { phase_cost(controls + 1) } else { u64::MAX };
    let mut best = (Flip::Phase, walked);
    let mut offer = |way: Flip, cost: u64| {
        if cost < best.1 {
            best = (way, cost);
        }
    };
    if free >= controls - 2 {
        offer(Flip::Ladder, ladder_cost(controls));
    }
    if free >= 1 && controls > WALKED - 1 {
        let (low, high) = (controls.div_ceil(2), controls / 2 + 1);
        let cost = flip_cost(low, high + free - 1) + flip_cost(high, low + free - 1);
        offer(Flip::Halves, 2 * cost);
    }
    best
}

/// Two-qubit gates of [`flip`] with so many qubits to borrow.
pub fn flip_cost(controls: usize, free: usize) -> u64 {
    match controls {
        0 => 0,
        1 => 1,
        2 => CCX,
        _ => cheapest_flip(controls, free).1,
    }
}

/// Lemma 7.2: a ladder of Toffoli gates over as many borrowed qubits as controls less two, up and down twice. Those that
/// do not touch the target come in pairs that undo each other's relative phases.
fn ladder(controls: &[usize], target: usize, borrowed: &[usize], out: &mut Steps) {
    let last = controls.len() - 1;
    let top = (Gate::Ccx, vec![controls[last], borrowed[last - 2], target], vec![]);
    let rung = |k: usize| (Gate::Rccx, vec![controls[k], borrowed[k - 2], borrowed[k - 1]], vec![]);
    let bottom = (Gate::Rccx, vec![controls[0], controls[1], borrowed[0]], vec![]);
    for _ in 0..2 {
        out.push(top.clone());
        out.extend((2..last).rev().map(rung));
        out.push(bottom.clone());
        out.extend((2..last).map(rung));
    }
}

fn ladder_cost(controls: usize) -> u64 {
    2 * CCX + 2 * (2 * (controls as u64 - 3) + 1) * RCCX
}

/// `Rz(angle)` on `target` where all controls are 1.
pub fn rotation(angle: Param, controls: &[usize], target: usize, out: &mut Steps) {
    if controls.is_empty() {
        return out.push((Gate::Rz, vec![target], vec![angle]));
    }
    if controls.len() <= WALKED {
        return walk(angle, controls, target, out);
    }
    // Each half of the controls is flipped with the other half borrowed. Only where both flip do the four quarters add
    // up (Vale et al. 2023, arXiv 2302.06377, theorem 1).
    let (low, high) = controls.split_at(controls.len().div_ceil(2));
    for (part, others, quarter) in [(low, high, -0.25), (high, low, 0.25), (low, high, -0.25), (high, low, 0.25)] {
        flip(part, target, others, out);
        out.push((Gate::Rz, vec![target], vec![angle * quarter]));
    }
}

fn rotation_cost(controls: usize) -> u64 {
    match controls {
        0 => 0,
        1..=WALKED => 1 << controls,
        _ => {
            let (low, high) = (controls.div_ceil(2), controls / 2);
            2 * (flip_cost(low, high) + flip_cost(high, low))
        }
    }
}

/// The rotation as `2^-c Σ (-1)^{|S|}` rotations by the parities of target and subsets S of the controls, walked in
/// Gray-code order.
fn walk(angle: Param, controls: &[usize], target: usize, out: &mut Steps) {
    let patterns = 1usize << controls.len();
    let step = angle * (1.0 / patterns as f64);
    let gray = |count: usize| count ^ (count >> 1);
    for count in 0..patterns {
        let sign = if gray(count).count_ones().is_multiple_of(2) { 1.0 } else { -1.0 };
        out.push((Gate::Rz, vec![target], vec![step * sign]));
        // The last step closes the cycle.
        let changed = gray(count) ^ gray((count + 1) % patterns);
        out.push((Gate::Cx, vec![controls[changed.trailing_zeros() as usize], target], vec![]));
    }
}

/// Two-qubit gates of [`phase`] without qubits to borrow.
pub fn phase_cost(qubits: usize) -> u64 {
    match qubits {
        0 | 1 => 0,
        // A controlled phase is two CX.
        _ => (1..qubits).map(rotation_cost).sum(),
    }
}

/// Gates on at most three qubits, at most, that a gate of the table under so many controls becomes.
pub fn gates(gate: Gate, controls: usize, free: usize) -> u64 {
    let (own, base) = gate.as_controlled();
    let all = controls + own;
    if all <= 1 && base.row().qubits == 1 {
        // Five rotations around two CX, and up to two phases of the control.
        return 12;
    }
    // A two-qubit gate stands beside a rotation at most, and every step beside what surrounds it.
    let flip = 2 * flip_cost(all, free) + 4;
    let phase = 2 * phase_cost(all + 1) + 4;
    match base.row().qubits {
        1 if base == Gate::X => flip,
        1 if base == Gate::Z => phase.min(flip),
        1 if base == Gate::P => phase,
        1 => 2 * flip + 2 * phase + 8,
        _ => {
            let params = vec![Param::Fixed(0.5); base.row().params.len()];
            let inner = (base.row().definition)(&params);
            inner.iter().map(|(gate, ..)| gates(*gate, all, free)).sum::<u64>() + phase
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::circuit::Op;
    use crate::math::C64;

    /// The amplitude of basis state `to` after steps on basis state `from`: a sparse state vector, gate by gate. Most
    /// gates here permute basis states.
    fn amplitude(steps: &Steps, from: usize, to: usize) -> C64 {
        let mut state = BTreeMap::from([(from, C64::ONE)]);
        for (gate, qubits, params) in steps {
            let m = Op::gate(*gate, qubits, params).matrix(&[]).unwrap();
            let mask: usize = qubits.iter().map(|q| 1 << q).sum();
            let spread = |k: usize| -> usize { qubits.iter().enumerate().map(|(b, q)| (k >> b & 1) << q).sum() };
            let mut after = BTreeMap::new();
            for (at, z) in state {
                let column = qubits.iter().enumerate().fold(0, |k, (b, q)| k | (at >> q & 1) << b);
                for row in (0..m.nrows()).filter(|&row| m[[row, column]] != C64::ZERO) {
                    *after.entry(at & !mask | spread(row)).or_insert(C64::ZERO) += m[[row, column]] * z;
                }
            }
            // What has cancelled is rounding error.
            after.retain(|_, z: &mut C64| z.norm() > 1e-12);
            state = after;
        }
        state.get(&to).copied().unwrap_or(C64::ZERO)
    }

    fn two_qubit_gates(steps: &Steps) -> u64 {
        let cost = |gate: &Gate| match gate {
            Gate::Cx => 1,
            Gate::Cp => 2,
            Gate::Ccx => CCX,
            Gate::Rccx => RCCX,
            _ => 0,
        };
        steps.iter().map(|(gate, ..)| cost(gate)).sum()
    }

    /// All basis states of up to six controls, and around the one that matters for nine.
    fn states(total: usize, on: usize) -> Vec<usize> {
        if total <= 8 { (0..1 << total).collect() } else { vec![on, on | 1 << (total - 1), on ^ 1, on ^ 2, 0, 5] }
    }

    #[test]
    fn flips_rotations_and_phases_are_what_they_say_and_cost_what_they_count() {
        for controls in 0..=9usize {
            for free in [0, 1, 2, controls] {
                let total = controls + 1 + free;
                let (over, target): (Vec<usize>, usize) = ((0..controls).collect(), controls);
                let borrowed: Vec<usize> = (controls + 1..total).collect();
                let all = (1 << controls) - 1;
                let mut steps = Steps::new();
                flip(&over, target, &borrowed, &mut steps);
                assert_eq!(two_qubit_gates(&steps), flip_cost(controls, free), "{controls} controls, {free} free");
                for start in states(total, all) {
                    let to = if start & all == all { start ^ 1 << target } else { start };
                    let wrong = (amplitude(&steps, start, to) - C64::ONE).norm();
                    // A few hundred gates, each good to 1e-16.
                    assert!(wrong < 1e-12, "{controls} controls, {free} free, {start:b}: {wrong:e}");
                }
            }
            let (over, target): (Vec<usize>, usize) = ((0..controls).collect(), controls);
            let (all, total) = ((1 << controls) - 1, controls + 1);
            let angle = 0.7;
            let [mut turned, mut phased] = [Steps::new(), Steps::new()];
            rotation(Param::Fixed(angle), &over, target, &mut turned);
            phase(Param::Fixed(angle), &[&over[..], &[target]].concat(), &[], &mut phased);
            assert_eq!(two_qubit_gates(&turned), rotation_cost(controls), "{controls} controls");
            assert_eq!(two_qubit_gates(&phased), phase_cost(total), "{controls} controls");
            for start in states(total, all) {
                let is_on = start & all == all;
                let sign = if start >> target & 1 == 1 { 0.5 } else { -0.5 };
                let expected = C64::from_polar(1.0, if is_on { sign * angle } else { 0.0 });
                let wrong = (amplitude(&turned, start, start) - expected).norm();
                assert!(wrong < 1e-13, "rotation, {controls} controls, {start:b}: {wrong:e}");
                let expected = C64::from_polar(1.0, if start == (1 << total) - 1 { angle } else { 0.0 });
                let wrong = (amplitude(&phased, start, start) - expected).norm();
                assert!(wrong < 1e-13, "phase, {controls} controls, {start:b}: {wrong:e}");
            }
        }
    }

    #[test]
    fn costs_grow_as_promised() {
        // Linear with a qubit to borrow, and for rotations without one.
        for controls in [40, 400, 4000] {
            assert!(flip_cost(controls, 1) <= 24 * controls as u64, "{}", flip_cost(controls, 1));
            assert!(flip_cost(controls, controls) <= 12 * controls as u64);
            assert!(rotation_cost(controls) <= 24 * controls as u64);
            assert!(phase_cost(controls) <= 12 * (controls * controls) as u64);
            assert!(flip_cost(controls, 0) <= 13 * (controls * controls) as u64);
        }
        // No worse than the patterns of few controls.
        for controls in 2..=6 {
            assert!(phase_cost(controls) < 1 << controls);
        }
    }
}
