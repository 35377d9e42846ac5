//! From the gate table, controls and matrices to runs, CZ and swaps.

use crate::circuit::gate::Body;
use crate::circuit::{Circuit, Gate, Op, OpKind, Param};
use crate::device::transpile::one_qubit_run::{OneQubitRun, numbers, phase};
use crate::device::transpile::step::{Step, StepKind, cx, zz, zz_by_cx};
use crate::device::transpile::{kak, shannon};
use crate::math::matrix::C64;
use crate::math::small::{Small, adjoint, from_matrix};

/// The circuit in steps. A global phase is left out.
///
/// With `elide`, an unconditional `swap` costs nothing: from there on the two qubits have each other's names. With
/// `has_zz`, ZZ rotations stay whole. The second result is the wire that carries each of the circuit's qubits at the end.
pub(super) fn unroll(circuit: &Circuit, elide: bool, has_zz: bool) -> (Vec<Step>, Vec<usize>) {
    let mut wire: Vec<usize> = (0..circuit.qubits()).collect();
    let mut steps = Vec::with_capacity(2 * circuit.ops().len());
    let mut kinds = Vec::new();
    for op in circuit.ops() {
        let qubits: Vec<usize> = op.qubits.iter().map(|&q| wire[q]).collect();
        match &op.kind {
            OpKind::Gate { gate: Gate::Swap, controls: 0, .. } if elide && op.condition.is_none() => {
                wire.swap(op.qubits[0], op.qubits[1]);
            }
            OpKind::Gate { gate, params, controls } => controlled(*gate, params, *controls, &qubits, &mut kinds),
            OpKind::Unitary(matrix) => match matrix.nrows() {
                2 => kinds.push(StepKind::OneQubitRun(qubits[0], OneQubitRun::fixed(from_matrix(matrix)))),
                4 => kinds.extend(kak::synthesise(&from_matrix(matrix), qubits[0], qubits[1], has_zz)),
                _ => kinds.extend(shannon::synthesise(matrix, &qubits)),
            },
            OpKind::GlobalPhase(_) => {}
            OpKind::Measure { .. } | OpKind::Reset | OpKind::Delay(_) | OpKind::Barrier => {
                kinds.push(StepKind::Rest(Op { qubits, condition: None, ..op.clone() }));
            }
        }
        let step = |kind| Step { kind, condition: op.condition.clone() };
        for kind in kinds.drain(..) {
            match kind {
                StepKind::Zz(a, b, angle) if !has_zz => {
                    steps.extend(zz_by_cx(a, b, Param::Fixed(angle)).map(step));
                }
                kind => steps.push(step(kind)),
            }
        }
    }
    (steps, wire)
}

/// Gates that are another gate on their last operand under the control of all others: extra controls join those.
const CONTROLLED: [(Gate, Gate); 14] = [
    (Gate::Cx, Gate::X),
    (Gate::Cy, Gate::Y),
    (Gate::Cz, Gate::Z),
    (Gate::Ch, Gate::H),
    (Gate::Csx, Gate::Sx),
    (Gate::Cp, Gate::P),
    (Gate::Crx, Gate::Rx),
    (Gate::Cry, Gate::Ry),
    (Gate::Crz, Gate::Rz),
    (Gate::Ccx, Gate::X),
    (Gate::Ccz, Gate::Z),
    (Gate::C3x, Gate::X),
    (Gate::C3sx, Gate::Sx),
    (Gate::C4x, Gate::X),
];

/// What `gate` does on its last operand if all others are 1, if it is such a gate.
fn controlled_gate(gate: Gate) -> Option<Gate> {
    CONTROLLED.iter().find(|(row, _)| *row == gate).map(|&(_, own)| own)
}

/// A gate whose first `controls` operands control it.
fn controlled(gate: Gate, params: &[Param], controls: usize, qubits: &[usize], out: &mut Vec<StepKind>) {
    let (switch, own) = qubits.split_at(controls);
    // A rotation under one control by a number is one ZZ rotation, or two CX where the device has none.
    if let ([], &[control, target]) = (switch, own)
        && !matches!(gate, Gate::Cx | Gate::Cz)
        && numbers(params).is_some()
        && let Some(rotation) = controlled_gate(gate)
    {
        return controlled_one_qubit(rotation, params, &[control], target, out);
    }
    match (gate, switch, own) {
        (Gate::Cz, [], &[a, b]) => out.push(StepKind::Cz(a, b)),
        (Gate::Swap, [], &[a, b]) => out.push(StepKind::Swap(a, b)),
        (Gate::Cx, [], &[control, target]) => out.extend(cx(control, target)),
        (Gate::Rzz, [], &[a, b]) => match params {
            &[Param::Fixed(angle)] => out.extend(zz(a, b, angle)),
            _ => out.extend(zz_by_cx(a, b, params[0])),
        },
        (_, [], &[qubit]) => out.push(StepKind::OneQubitRun(qubit, OneQubitRun::gate(gate, params))),
        (_, _, &[target]) => controlled_one_qubit(gate, params, switch, target, out),
        _ => {
            if let Some(own) = controlled_gate(gate).filter(|_| controls > 0) {
                let (target, all) = qubits.split_last().expect("a gate has operands");
                return controlled_one_qubit(own, params, all, *target, out);
            }
            let body = (gate.row().definition)(params);
            let core = if controls == 0 { 0..body.len() } else { core_of(&body) };
            for (k, (gate, operands, params)) in body.iter().enumerate() {
                let operands = operands.iter().map(|&p| own[p]);
                if core.contains(&k) {
                    let all: Vec<usize> = switch.iter().copied().chain(operands).collect();
                    controlled(*gate, params, controls, &all, out);
                } else {
                    controlled(*gate, params, 0, &operands.collect::<Vec<_>>(), out);
                }
            }
            if controls > 0 {
                let lead = leading_phase(gate, &body);
                all_ones_phase(switch, Param::Fixed(lead), out);
            }
        }
    }
}

/// The part of a definition that must be controlled: first and last steps that undo each other need not be.
fn core_of(body: &Body) -> std::ops::Range<usize> {
    let (mut first, mut last) = (0, body.len());
    while last - first > 1 {
        let (start, end) = (&body[first], &body[last - 1]);
        let undoes =
            (start.0.row().inverse)(&start.2).is_some_and(|(gate, params)| (gate, params) == (end.0, end.2.clone()));
        if !undoes || start.1 != end.1 {
            break;
        }
        first += 1;
        last -= 1;
    }
    first..last
}

/// The phase by which a gate leads its definition. It is the same for all angles, so any will do.
fn leading_phase(gate: Gate, body: &Body) -> f64 {
    let row = gate.row();
    let at: Vec<f64> = (0..row.params.len()).map(|k| 0.3 + 0.2 * k as f64).collect();
    let fixed: Vec<Param> = at.iter().map(|&v| Param::Fixed(v)).collect();
    let same_shape: Body = (row.definition)(&fixed);
    debug_assert_eq!(same_shape.len(), body.len());
    let target = (row.matrix)(&at);
    // The image of |0…0⟩ under both. Their overlap is the phase.
    let mut state = vec![C64::ZERO; target.nrows()];
    state[0] = C64::ONE;
    for (gate, operands, params) in &same_shape {
        let values: Vec<f64> = params.iter().map(|p| p.value(&[])).collect();
        let matrix = (gate.row().matrix)(&values);
        let mut next = vec![C64::ZERO; state.len()];
        for (from, &amplitude) in state.iter().enumerate() {
            let inner = operands.iter().enumerate().fold(0, |acc, (k, &q)| acc | ((from >> q & 1) << k));
            let rest = operands.iter().fold(from, |acc, &q| acc & !(1 << q));
            for row in 0..matrix.nrows() {
                let to = operands.iter().enumerate().fold(rest, |acc, (k, &q)| acc | ((row >> k & 1) << q));
                next[to] += matrix[[row, inner]] * amplitude;
            }
        }
        state = next;
    }
    state.iter().zip(target.column(0)).map(|(built, wanted)| wanted * built.conj()).sum::<C64>().arg()
}

/// A one-qubit gate under at least one control: in its eigenbasis it is a phase on the AND of controls and target.
fn controlled_one_qubit(gate: Gate, params: &[Param], controls: &[usize], target: usize, out: &mut Vec<StepKind>) {
    if let Some(values) = numbers(params) {
        let (vectors, [low, high]) = eigen(&from_matrix(&(gate.row().matrix)(&values)));
        return in_basis(&vectors, Param::Fixed(low), Param::Fixed(high - low), controls, target, out);
    }
    let x = eigen(&from_matrix(&(Gate::X.row().matrix)(&[]))).0;
    let y = eigen(&from_matrix(&(Gate::Y.row().matrix)(&[]))).0;
    let z = phase(0.0);
    let mut rotate = |basis: &Small<2>, angle: Param| in_basis(basis, angle * -0.5, angle, controls, target, out);
    match (gate, params) {
        (Gate::Rx, &[theta]) => rotate(&x, theta),
        (Gate::Ry, &[theta]) => rotate(&y, theta),
        (Gate::Rz, &[theta]) => rotate(&z, theta),
        (Gate::P, &[lambda]) => in_basis(&z, Param::Fixed(0.0), lambda, controls, target, out),
        (Gate::R, &[theta, phi]) => {
            rotate(&z, -phi);
            rotate(&x, theta);
            rotate(&z, phi);
        }
        // U(θ, φ, λ) = P(φ) Ry(θ) P(λ) exactly.
        (Gate::U, &[theta, phi, lambda]) => {
            in_basis(&z, Param::Fixed(0.0), lambda, controls, target, out);
            in_basis(&y, theta * -0.5, theta, controls, target, out);
            in_basis(&z, Param::Fixed(0.0), phi, controls, target, out);
        }
        (Gate::U2, &[phi, lambda]) => {
            let theta = Param::Fixed(std::f64::consts::FRAC_PI_2);
            controlled_one_qubit(Gate::U, &[theta, phi, lambda], controls, target, out);
        }
        _ => {
            let body = (gate.row().definition)(params);
            for (gate, _, params) in &body {
                controlled_one_qubit(*gate, params, controls, target, out);
            }
            all_ones_phase(controls, Param::Fixed(leading_phase(gate, &body)), out);
        }
    }
}

/// `v · diag(e^{i low}, e^{i (low + gap)}) · v†` on `target`, controlled.
fn in_basis(v: &Small<2>, low: Param, gap: Param, controls: &[usize], target: usize, out: &mut Vec<StepKind>) {
    out.push(StepKind::OneQubitRun(target, OneQubitRun::fixed(adjoint(v))));
    let all: Vec<usize> = controls.iter().copied().chain([target]).collect();
    all_ones_phase(&all, gap, out);
    out.push(StepKind::OneQubitRun(target, OneQubitRun::fixed(*v)));
    all_ones_phase(controls, low, out);
}

/// A phase on the state in which all of `qubits` are 1.
///
/// The AND is a sum of parities, `2^{1-n} Σ_S (-1)^{|S|+1} ⊕_{i∈S} x_i`. Walking them in Gray-code order costs one CX
/// per parity (Barenco et al. 1995, arXiv quant-ph/9503016, lemma 7.1). A full run on two qubits is one CZ.
fn all_ones_phase(qubits: &[usize], angle: Param, out: &mut Vec<StepKind>) {
    if angle == Param::Fixed(0.0) || qubits.is_empty() {
        return;
    }
    if let (&[a, b], Param::Fixed(value)) = (qubits, angle)
        && (value.abs() - std::f64::consts::PI).abs() < super::one_qubit_run::CLOSE
    {
        return out.push(StepKind::Cz(a, b));
    }
    // |11⟩⟨11| = (1 - Z - Z + ZZ)/4.
    if let (&[a, b], Param::Fixed(value)) = (qubits, angle) {
        out.extend([a, b].map(|q| StepKind::OneQubitRun(q, OneQubitRun::rz(angle * 0.5))));
        return out.extend(zz(a, b, -0.5 * value));
    }
    let step = angle * (2.0 / (1u64 << qubits.len()) as f64);
    for top in 0..qubits.len() {
        let mut held = 0usize;
        for count in 0..1usize << top {
            let gray = count ^ (count >> 1);
            let changed = held ^ gray;
            if changed != 0 {
                out.extend(cx(qubits[changed.trailing_zeros() as usize], qubits[top]));
            }
            held = gray;
            let sign = if gray.count_ones() % 2 == 0 { 1.0 } else { -1.0 };
            out.push(StepKind::OneQubitRun(qubits[top], OneQubitRun::rz(step * sign)));
        }
        if held != 0 {
            out.extend(cx(qubits[held.trailing_zeros() as usize], qubits[top]));
        }
    }
}

/// Eigenvectors (columns) and phases of the eigenvalues of a one-qubit unitary.
fn eigen(u: &Small<2>) -> (Small<2>, [f64; 2]) {
    let half = (u[0][0] - u[1][1]) * 0.5;
    let root = (half * half + u[0][1] * u[1][0]).sqrt();
    let mean = (u[0][0] + u[1][1]) * 0.5;
    if root.norm() < super::one_qubit_run::CLOSE {
        return (phase(0.0), [mean.arg(), mean.arg()]);
    }
    // (u - λ₁) maps onto the eigenvector of λ₀. Its longer column is taken.
    let values = [mean + root, mean - root];
    let column = |other: C64| {
        let (a, b) = ([u[0][0] - other, u[1][0]], [u[0][1], u[1][1] - other]);
        let size = |v: [C64; 2]| v[0].norm_sqr() + v[1].norm_sqr();
        let v = if size(a) >= size(b) { a } else { b };
        v.map(|z| z / size(v).sqrt())
    };
    let [p, _] = [column(values[1]), column(values[0])];
    // The second is orthogonal to the first, exactly.
    let vectors = [[p[0], -p[1].conj()], [p[1], p[0].conj()]];
    (vectors, [values[0].arg(), values[1].arg()])
}
