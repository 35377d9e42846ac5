//! Operations in simpler ones: controls as plain gates, matrices as controlled one-qubit gates.

use std::f64::consts::{FRAC_PI_2, PI};

use crate::circuit::gate::controls;
use crate::circuit::{Gate, Op, OpKind, Param};
use crate::math::Matrix;
use crate::math::matrix::{C64, dagger, identity};

/// A gate of one matrix, `e^{iα} U(θ, φ, λ)`: `[α, θ, φ, λ]`.
pub fn angles_of(m: &Matrix) -> [f64; 4] {
    let (a, b, c, d) = (m[[0, 0]], m[[0, 1]], m[[1, 0]], m[[1, 1]]);
    let theta = 2.0 * c.norm().atan2(a.norm());
    // Where one pair of entries vanishes its phases mean nothing. The other pair then fixes φ + λ or φ - λ.
    if a.norm() < 1e-9 {
        [c.arg(), theta, 0.0, (-b).arg() - c.arg()]
    } else if c.norm() < 1e-9 {
        [a.arg(), theta, 0.0, d.arg() - a.arg()]
    } else {
        [a.arg(), theta, c.arg() - a.arg(), (-b).arg() - a.arg()]
    }
}

/// Steps in the order they are applied.
#[derive(Default)]
struct Steps {
    ops: Vec<Op>,
    /// Qubits that no operand is, which may be borrowed.
    free: Vec<usize>,
}

impl Steps {
    fn gate(&mut self, gate: Gate, qubits: &[usize], params: &[f64]) {
        let params: Vec<Param> = params.iter().map(|&v| Param::Fixed(v)).collect();
        self.ops.push(Op::gate(gate, qubits, &params));
    }

    fn extend(&mut self, steps: controls::Steps) {
        self.ops.extend(steps.into_iter().map(|(gate, qubits, params)| Op::gate(gate, &qubits, &params)));
    }

    /// `P(angle)` controlled by all qubits but one, which one does not matter; a global phase if there is none.
    fn phase(&mut self, angle: f64, qubits: &[usize]) {
        if angle == 0.0 {
            return;
        }
        if qubits.is_empty() {
            return self.ops.push(Op::of(OpKind::GlobalPhase(Param::Fixed(angle)), &[]));
        }
        let mut steps = controls::Steps::new();
        controls::phase(Param::Fixed(angle), qubits, &self.free, &mut steps);
        self.extend(steps);
    }

    /// X controlled by `controls`.
    fn flip(&mut self, controls: &[usize], target: usize) {
        let mut steps = controls::Steps::new();
        controls::flip(controls, target, &self.free, &mut steps);
        self.extend(steps);
    }

    /// `U(θ, φ, λ)` controlled by `controls`: `U = e^{i(φ+λ)/2} A X B X C` with `ABC = 1` (Barenco et al., lemma 7.9).
    fn rotation(&mut self, controls: &[usize], target: usize, [theta, phi, lambda]: [f64; 3]) {
        self.gate(Gate::Rz, &[target], &[(lambda - phi) / 2.0]);
        self.flip(controls, target);
        self.gate(Gate::Rz, &[target], &[-(phi + lambda) / 2.0]);
        self.gate(Gate::Ry, &[target], &[-theta / 2.0]);
        self.flip(controls, target);
        self.gate(Gate::Ry, &[target], &[theta / 2.0]);
        self.gate(Gate::Rz, &[target], &[phi]);
        self.phase((phi + lambda) / 2.0, controls);
    }

    /// Any gate of the table controlled by `controls`.
    fn controlled(&mut self, gate: Gate, params: &[f64], controls: &[usize], targets: &[usize]) {
        let (own, base) = gate.as_controlled();
        let all = [controls, &targets[..own]].concat();
        let targets = &targets[own..];
        match (base, targets) {
            (Gate::Id, _) => {}
            (Gate::X, &[target]) => self.flip(&all, target),
            (Gate::Z, &[target]) => self.phase(PI, &[&all[..], &[target]].concat()),
            (Gate::P, &[target]) => self.phase(params[0], &[&all[..], &[target]].concat()),
            (_, &[target]) => {
                let [phase, angles @ ..] = angles_of(&(base.row().matrix)(params));
                self.rotation(&all, target, angles);
                self.phase(phase, &all);
            }
            _ => {
                let fixed: Vec<Param> = params.iter().map(|&v| Param::Fixed(v)).collect();
                for (inner, operands, params) in (base.row().definition)(&fixed) {
                    let operands: Vec<usize> = operands.iter().map(|&p| targets[p]).collect();
                    let values: Vec<f64> = params.iter().map(|p| p.value(&[])).collect();
                    self.controlled(inner, &values, &all, &operands);
                }
                // A definition is the gate up to a phase, and under controls that phase shows.
                self.phase(definition_phase(base, params), &all);
            }
        }
    }
}

/// The phase by which a gate of the table differs from its definition.
pub fn definition_phase(gate: Gate, params: &[f64]) -> f64 {
    let fixed: Vec<Param> = params.iter().map(|&v| Param::Fixed(v)).collect();
    let mut built = identity(1 << gate.row().qubits);
    for (inner, operands, params) in (gate.row().definition)(&fixed) {
        let values: Vec<f64> = params.iter().map(|p| p.value(&[])).collect();
        apply(&(inner.row().matrix)(&values), &operands, &mut built);
    }
    let overlap: C64 = built.iter().zip(&(gate.row().matrix)(params)).map(|(b, g)| b.conj() * g).sum();
    // Below that it is rounding: no gate of several qubits has an angle-dependent phase in the table.
    if overlap.arg().abs() < 1e-12 { 0.0 } else { overlap.arg() }
}

/// Multiplies a matrix on a whole register from the left by a small one on the given qubits.
pub fn apply(small: &Matrix, operands: &[usize], total: &mut Matrix) {
    let spread = |inner: usize| operands.iter().enumerate().fold(0, |acc, (k, &q)| acc | ((inner >> k & 1) << q));
    let rows: Vec<usize> = (0..small.nrows()).map(spread).collect();
    let mask = rows[rows.len() - 1];
    for rest in (0..total.nrows()).filter(|state| state & mask == 0) {
        for column in 0..total.ncols() {
            let old: Vec<C64> = rows.iter().map(|row| total[[rest | row, column]]).collect();
            for (i, row) in rows.iter().enumerate() {
                total[[rest | row, column]] = old.iter().enumerate().map(|(j, z)| small[[i, j]] * z).sum();
            }
        }
    }
}

/// A gate with fixed angles under controls, in gates without controls. Any of `free` may be borrowed.
pub fn without_controls(gate: Gate, params: &[f64], controls: &[usize], targets: &[usize], free: &[usize]) -> Vec<Op> {
    let mut steps = Steps { ops: Vec::new(), free: free.to_vec() };
    steps.controlled(gate, params, controls, targets);
    steps.ops
}

/// A unitary as global phase and (controlled) `U` and X: rotations that each mix two basis states only
/// (Nielsen and Chuang, section 4.5.2), the pair made neighbours by a Gray code of controlled flips.
///
/// Exact and short enough for matrices of a few qubits: 4^n / 2 pairs.
pub fn synthesize(matrix: &Matrix, qubits: &[usize]) -> Vec<Op> {
    let mut steps = Steps::default();
    let size = matrix.nrows();
    if size == 2 {
        let [phase, angles @ ..] = angles_of(matrix);
        steps.phase(phase, &[]);
        steps.gate(Gate::U, qubits, &angles);
        return steps.ops;
    }
    let mut rest = matrix.clone();
    // rotations · matrix = diagonal, gathered column by column. Their inverses in reverse rebuild the matrix.
    let mut pairs: Vec<(usize, usize, Matrix)> = Vec::new();
    for column in 0..size - 1 {
        for row in column + 1..size {
            let (a, b) = (rest[[column, column]], rest[[row, column]]);
            let norm = a.norm().hypot(b.norm());
            if b.norm() < 1e-15 {
                continue;
            }
            let rotation = crate::math::matrix::square([[a.conj() / norm, b.conj() / norm], [b / norm, -a / norm]]);
            for k in 0..size {
                let (top, bottom) = (rest[[column, k]], rest[[row, k]]);
                rest[[column, k]] = rotation[[0, 0]] * top + rotation[[0, 1]] * bottom;
                rest[[row, k]] = rotation[[1, 0]] * top + rotation[[1, 1]] * bottom;
            }
            pairs.push((column, row, dagger(&rotation)));
        }
    }
    // What is left is a diagonal of phases: each basis state's phase on the pair (0, state).
    let base = rest[[0, 0]].arg();
    steps.phase(base, &[]);
    for state in 1..size {
        let phase = rest[[state, state]].arg() - base;
        if phase.abs() > 1e-15 {
            let diagonal = crate::math::matrix::diagonal(&[C64::ONE, C64::from_polar(1.0, phase)]);
            two_level(&mut steps, 0, state, &diagonal, qubits);
        }
    }
    for (low, high, m) in pairs.iter().rev() {
        two_level(&mut steps, *low, *high, m, qubits);
    }
    steps.ops
}

/// `m` on the plane of the basis states `low` and `high`.
fn two_level(steps: &mut Steps, low: usize, high: usize, m: &Matrix, qubits: &[usize]) {
    let count = qubits.len();
    let differing: Vec<usize> = (0..count).filter(|k| (low ^ high) >> k & 1 == 1).collect();
    let (&target, walked) = differing.split_last().expect("two different states differ in a bit");
    // Walk `low` towards `high` until they differ in `target` alone. The walk is undone afterwards.
    let mut state = low;
    let mut walk = Vec::new();
    for &bit in walked {
        walk.push((bit, state));
        state ^= 1 << bit;
    }
    let flips: Vec<Vec<Op>> = walk.iter().map(|&(bit, state)| selected(Gate::X, &[], bit, state, qubits)).collect();
    steps.ops.extend(flips.iter().flatten().cloned());
    // In the pair's plane the state with target bit 0 comes first.
    let turned =
        if state >> target & 1 == 0 { m.clone() } else { Matrix::from_shape_fn((2, 2), |(i, j)| m[[1 - i, 1 - j]]) };
    let [phase, angles @ ..] = angles_of(&turned);
    steps.ops.extend(selected(Gate::U, &[angles[0], angles[1], angles[2], phase], target, state, qubits));
    steps.ops.extend(flips.iter().rev().flatten().cloned());
}

/// A gate on one qubit where all others hold their bits of `state`. `U` with a fourth angle carries that phase.
fn selected(gate: Gate, params: &[f64], target: usize, state: usize, qubits: &[usize]) -> Vec<Op> {
    let others: Vec<usize> = (0..qubits.len()).filter(|&k| k != target).collect();
    let zeros = || others.iter().filter(|&&k| state >> k & 1 == 0).map(|&k| Op::gate(Gate::X, &[qubits[k]], &[]));
    let operands: Vec<usize> = others.iter().chain([&target]).map(|&k| qubits[k]).collect();
    let (gate, extra) = if params.len() == 4 { (Gate::Cu, 1) } else { (gate, 0) };
    let params = params.iter().map(|&v| Param::Fixed(v)).collect();
    let kind = OpKind::Gate { gate, params, controls: others.len() - extra };
    zeros().chain([simplest(Op::of(kind, &operands))]).chain(zeros()).collect()
}

/// The same operation with as few controls as the table allows.
pub fn simplest(op: Op) -> Op {
    match op.kind {
        OpKind::Gate { gate, params, controls } => {
            let (controls, gate) = gate.controlled_by(controls);
            Op { kind: OpKind::Gate { gate, params, controls }, ..op }
        }
        _ => op,
    }
}

/// `cu` angles for a controlled `u` or `u2`: the form of them on whose phase all dialects agree.
pub fn as_cu(gate: Gate, params: &[Param]) -> Option<[Param; 4]> {
    match (gate, params) {
        (Gate::U, &[theta, phi, lambda]) => Some([theta, phi, lambda, Param::Fixed(0.0)]),
        (Gate::U2, &[phi, lambda]) => Some([Param::Fixed(FRAC_PI_2), phi, lambda, Param::Fixed(0.0)]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::gate::GATES;
    use crate::math::matrix::{controlled, distance};
    use crate::math::random::Stream;

    fn matrix_of(ops: &[Op], qubits: usize) -> Matrix {
        let mut total = identity(1 << qubits);
        for op in ops {
            match &op.kind {
                OpKind::GlobalPhase(phase) => total *= C64::from_polar(1.0, phase.value(&[])),
                _ => apply(&op.matrix(&[]).unwrap(), &op.qubits, &mut total),
            }
        }
        total
    }

    #[test]
    fn every_gate_under_controls_is_its_expansion_with_the_phase() {
        for row in GATES.iter().filter(|row| row.qubits <= 3) {
            let values: Vec<f64> = (0..row.params.len()).map(|k| 0.37 + 0.61 * k as f64).collect();
            for controls in 1..=3usize {
                let operands: Vec<usize> = (0..controls + row.qubits).collect();
                let ops = without_controls(row.gate, &values, &operands[..controls], &operands[controls..], &[]);
                assert!(ops.len() as u64 <= controls::gates(row.gate, controls, 0), "{}", row.name);
                let expected = controlled(&(row.matrix)(&values), controls);
                let worst = distance(&matrix_of(&ops, operands.len()), &expected);
                // Up to some hundred gates, each good to 1e-16.
                assert!(worst < 1e-13, "{} under {controls}: {worst:e}", row.name);
            }
        }
    }

    /// Gram-Schmidt on a matrix of normal numbers.
    fn random_unitary(size: usize, stream: &mut Stream) -> Matrix {
        let mut m = Matrix::from_shape_simple_fn((size, size), || C64::new(stream.normal(), stream.normal()));
        for j in 0..size {
            for k in 0..j {
                let overlap: C64 = (0..size).map(|i| m[[i, k]].conj() * m[[i, j]]).sum();
                for i in 0..size {
                    let shadow = overlap * m[[i, k]];
                    m[[i, j]] -= shadow;
                }
            }
            let norm = (0..size).map(|i| m[[i, j]].norm_sqr()).sum::<f64>().sqrt();
            for i in 0..size {
                m[[i, j]] /= norm;
            }
        }
        m
    }

    #[test]
    fn a_unitary_is_its_synthesis() {
        let mut stream = Stream::named(7, "unitaries");
        for qubits in 1..=4usize {
            let mut cases = vec![random_unitary(1 << qubits, &mut stream)];
            cases.extend(GATES.iter().filter(|r| r.qubits == qubits).map(|r| (r.matrix)(&[0.3, 0.7, 1.1, 1.9])));
            for m in cases {
                let operands: Vec<usize> = (0..qubits).collect();
                let built = matrix_of(&synthesize(&m, &operands), qubits);
                // A few hundred rotations, and Gram-Schmidt leaves 1e-15 of its own.
                assert!(distance(&built, &m) < 1e-12, "{qubits} qubits: {:e}", distance(&built, &m));
            }
        }
    }
}
