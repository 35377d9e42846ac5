//! A plain evolution through `Op::matrix`, branching at every measurement: slow, obvious, no code of the simulators.

use std::collections::BTreeMap;

use qgraft::circuit::{Circuit, OpKind};
use qgraft::math::{C64, Matrix};

/// One history of outcomes: unnormalised amplitudes, classical bits.
struct Branch {
    amplitudes: Vec<C64>,
    bits: u64,
}

/// Final states by the classical bits' value, each an unnormalised density matrix as a list of pure states.
pub fn run(circuit: &Circuit, angles: &[f64]) -> BTreeMap<u64, Vec<Vec<C64>>> {
    let angles = &circuit.expand(angles)[..];
    let mut start = vec![C64::ZERO; 1 << circuit.qubits()];
    start[0] = C64::ONE;
    let mut branches = vec![Branch { amplitudes: start, bits: 0 }];
    for op in circuit.ops() {
        let mut after = Vec::new();
        for mut branch in branches {
            let holds = op.condition.as_ref().is_none_or(|condition| {
                condition.bits.iter().enumerate().all(|(k, bit)| branch.bits >> bit & 1 == condition.value >> k & 1)
            });
            if !holds {
                after.push(branch);
                continue;
            }
            match &op.kind {
                OpKind::Gate { .. } | OpKind::Unitary(_) => {
                    apply(&op.matrix(angles).unwrap(), &op.qubits, &mut branch.amplitudes);
                    after.push(branch);
                }
                OpKind::GlobalPhase(phase) => {
                    let factor = C64::from_polar(1.0, phase.value(angles));
                    branch.amplitudes.iter_mut().for_each(|a| *a *= factor);
                    after.push(branch);
                }
                OpKind::Measure { bit } => {
                    for (outcome, amplitudes) in projected(&branch.amplitudes, op.qubits[0]) {
                        after.push(Branch { amplitudes, bits: branch.bits & !(1 << bit) | (outcome << bit) });
                    }
                }
                OpKind::Reset => {
                    for (outcome, mut amplitudes) in projected(&branch.amplitudes, op.qubits[0]) {
                        if outcome == 1 {
                            for state in (0..amplitudes.len()).filter(|s| s >> op.qubits[0] & 1 == 0) {
                                amplitudes.swap(state, state | 1 << op.qubits[0]);
                            }
                        }
                        after.push(Branch { amplitudes, bits: branch.bits });
                    }
                }
                OpKind::Assign { bit, value } => {
                    branch.bits = branch.bits & !(1 << bit) | u64::from(*value) << bit;
                    after.push(branch);
                }
                OpKind::Barrier | OpKind::Delay(_) => after.push(branch),
            }
        }
        branches = after;
    }
    let mut by_bits: BTreeMap<u64, Vec<Vec<C64>>> = BTreeMap::new();
    for branch in branches {
        // Scratch bits are the highest, and no part of the outcome.
        by_bits.entry(branch.bits & ((1 << circuit.bits()) - 1)).or_default().push(branch.amplitudes);
    }
    by_bits
}

/// The state of a circuit whose measurements are left out.
pub fn state(circuit: &Circuit, angles: &[f64]) -> Vec<C64> {
    let mut silent = Circuit::with_bits(circuit.qubits(), circuit.bits());
    silent.copy_slots(circuit);
    for op in circuit.ops().iter().filter(|op| !matches!(op.kind, OpKind::Measure { .. })) {
        silent.append(op.clone()).unwrap();
    }
    run(&silent, angles).remove(&0).unwrap().remove(0)
}

/// The density matrix of a list of unnormalised pure states, normalised, row by row.
pub fn density(states: &[Vec<C64>]) -> Vec<C64> {
    let size = states[0].len();
    let mut rho = vec![C64::ZERO; size * size];
    for state in states {
        for (i, a) in state.iter().enumerate() {
            for (j, b) in state.iter().enumerate() {
                rho[i * size + j] += a * b.conj();
            }
        }
    }
    let trace: C64 = (0..size).map(|i| rho[i * size + i]).sum();
    rho.iter().map(|z| z / trace).collect()
}

/// How far two pure states are from being one: 1 - fidelity.
pub fn infidelity(a: &[C64], b: &[C64]) -> f64 {
    let overlap: C64 = a.iter().zip(b).map(|(x, y)| x.conj() * y).sum();
    (1.0 - overlap.norm_sqr()).abs()
}

/// Both outcomes that can happen at all.
fn projected(amplitudes: &[C64], qubit: usize) -> Vec<(u64, Vec<C64>)> {
    let mut outcomes = Vec::new();
    for outcome in 0..2 {
        let kept = |(state, a): (usize, &C64)| if state >> qubit & 1 == outcome { *a } else { C64::ZERO };
        let part: Vec<C64> = amplitudes.iter().enumerate().map(kept).collect();
        // What rounding leaves of an impossible outcome is about 1e-32.
        if part.iter().map(|a| a.norm_sqr()).sum::<f64>() > 1e-20 {
            outcomes.push((outcome as u64, part));
        }
    }
    outcomes
}

fn apply(matrix: &Matrix, qubits: &[usize], amplitudes: &mut [C64]) {
    let spread = |inner: usize| qubits.iter().enumerate().fold(0, |acc, (k, &q)| acc | ((inner >> k & 1) << q));
    let positions: Vec<usize> = (0..matrix.nrows()).map(spread).collect();
    let mask = positions[positions.len() - 1];
    for rest in (0..amplitudes.len()).filter(|state| state & mask == 0) {
        let old: Vec<C64> = positions.iter().map(|p| amplitudes[rest | p]).collect();
        for (i, p) in positions.iter().enumerate() {
            amplitudes[rest | p] = old.iter().enumerate().map(|(j, a)| matrix[[i, j]] * a).sum();
        }
    }
}
