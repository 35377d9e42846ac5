//! From the gate table, controls and matrices to runs, CZ and swaps.

use crate::circuit::gate::Body;
use crate::circuit::gate::controls::{Steps, gates, phase as all_ones, rotation};
use crate::circuit::{Circuit, Gate, Op, OpKind, Param};
use crate::device::transpile::one_qubit_run::{OneQubitRun, numbers, phase};
use crate::device::transpile::step::{Step, StepKind, cx, zz, zz_by_cx};
use crate::device::transpile::{kak, shannon};
use crate::math::matrix::C64;
use crate::math::small::{Small, adjoint, from_matrix};

/// How many steps [`unroll`] makes of the gates under controls at most.
pub(super) fn count(circuit: &Circuit) -> u64 {
    let of = |op: &Op| match &op.kind {
        OpKind::Gate { gate, controls, .. } if op.qubits.len() > 5 => {
            gates(*gate, *controls, circuit.qubits() - op.qubits.len())
        }
        _ => 0,
    };
    circuit.ops().iter().map(of).fold(0, u64::saturating_add)
}

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
            OpKind::Gate { gate, params, controls } => {
                // Few controls borrow nothing, and a list of free qubits is as long as the register.
                let free: Vec<usize> = match qubits.len() {
                    0..4 => Vec::new(),
                    most => (0..circuit.qubits()).filter(|wire| !qubits.contains(wire)).take(most).collect(),
                };
                controlled(*gate, params, *controls, &qubits, &free, &mut kinds);
            }
            OpKind::Unitary(matrix) => match matrix.nrows() {
                2 => kinds.push(StepKind::OneQubitRun(qubits[0], OneQubitRun::fixed(from_matrix(matrix)))),
                4 => kinds.extend(kak::synthesise(&from_matrix(matrix), qubits[0], qubits[1], has_zz)),
                _ => kinds.extend(shannon::synthesise(matrix, &qubits)),
            },
            OpKind::GlobalPhase(_) => {}
            OpKind::Measure { .. } | OpKind::Assign { .. } | OpKind::Reset | OpKind::Delay(_) | OpKind::Barrier => {
                kinds.push(StepKind::Rest(Op { qubits: qubits.into(), condition: None, ..op.clone() }));
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

/// A gate whose first `controls` operands control it. Any of `free` may be borrowed.
fn controlled(
    gate: Gate,
    params: &[Param],
    controls: usize,
    qubits: &[usize],
    free: &[usize],
    out: &mut Vec<StepKind>,
) {
    let (switch, own) = qubits.split_at(controls);
    // A rotation under one control by a number is one ZZ rotation, or two CX where the device has none.
    if let ([], &[control, target]) = (switch, own)
        && !matches!(gate, Gate::Cx | Gate::Cz)
        && numbers(params).is_some()
        && let Some(rotation) = controlled_gate(gate)
    {
        return controlled_one_qubit(rotation, params, &[control], target, free, out);
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
        (_, _, &[target]) => controlled_one_qubit(gate, params, switch, target, free, out),
        _ => {
            if let Some(own) = controlled_gate(gate).filter(|_| controls > 0) {
                let (target, all) = qubits.split_last().expect("a gate has operands");
                return controlled_one_qubit(own, params, all, *target, free, out);
            }
            let body = (gate.row().definition)(params);
            let core = if controls == 0 { 0..body.len() } else { core_of(&body) };
            for (k, (gate, operands, params)) in body.iter().enumerate() {
                let operands = operands.iter().map(|&p| own[p]);
                if core.contains(&k) {
                    let all: Vec<usize> = switch.iter().copied().chain(operands).collect();
                    controlled(*gate, params, controls, &all, free, out);
                } else {
                    controlled(*gate, params, 0, &operands.collect::<Vec<_>>(), &[], out);
                }
            }
            if controls > 0 {
                let lead = leading_phase(gate, &body);
                all_ones_phase(switch, Param::Fixed(lead), free, out);
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
fn controlled_one_qubit(
    gate: Gate,
    params: &[Param],
    controls: &[usize],
    target: usize,
    free: &[usize],
    out: &mut Vec<StepKind>,
) {
    if let Some(values) = numbers(params) {
        let (vectors, [low, high]) = eigen(&from_matrix(&(gate.row().matrix)(&values)));
        return in_basis(&vectors, [low, high - low].map(Param::Fixed), controls, target, free, out);
    }
    let x = eigen(&from_matrix(&(Gate::X.row().matrix)(&[]))).0;
    let y = eigen(&from_matrix(&(Gate::Y.row().matrix)(&[]))).0;
    let z = phase(0.0);
    let mut rotate =
        |basis: &Small<2>, angle: Param| in_basis(basis, [angle * -0.5, angle], controls, target, free, out);
    match (gate, params) {
        (Gate::Rx, &[theta]) => rotate(&x, theta),
        (Gate::Ry, &[theta]) => rotate(&y, theta),
        (Gate::Rz, &[theta]) => rotate(&z, theta),
        (Gate::P, &[lambda]) => in_basis(&z, [Param::Fixed(0.0), lambda], controls, target, free, out),
        (Gate::R, &[theta, phi]) => {
            rotate(&z, -phi);
            rotate(&x, theta);
            rotate(&z, phi);
        }
        // U(θ, φ, λ) = P(φ) Ry(θ) P(λ) exactly.
        (Gate::U, &[theta, phi, lambda]) => {
            in_basis(&z, [Param::Fixed(0.0), lambda], controls, target, free, out);
            in_basis(&y, [theta * -0.5, theta], controls, target, free, out);
            in_basis(&z, [Param::Fixed(0.0), phi], controls, target, free, out);
        }
        (Gate::U2, &[phi, lambda]) => {
            let theta = Param::Fixed(std::f64::consts::FRAC_PI_2);
            controlled_one_qubit(Gate::U, &[theta, phi, lambda], controls, target, free, out);
        }
        _ => {
            let body = (gate.row().definition)(params);
            for (gate, _, params) in &body {
                controlled_one_qubit(*gate, params, controls, target, free, out);
            }
            all_ones_phase(controls, Param::Fixed(leading_phase(gate, &body)), free, out);
        }
    }
}

/// `v · diag(e^{i low}, e^{i (low + gap)}) · v†` on `target`, controlled.
fn in_basis(
    v: &Small<2>,
    [low, gap]: [Param; 2],
    controls: &[usize],
    target: usize,
    free: &[usize],
    out: &mut Vec<StepKind>,
) {
    let all: Vec<usize> = controls.iter().copied().chain([target]).collect();
    out.push(StepKind::OneQubitRun(target, OneQubitRun::fixed(adjoint(v))));
    if controls.len() < 2 || low == Param::Fixed(0.0) {
        all_ones_phase(&all, gap, free, out);
        out.push(StepKind::OneQubitRun(target, OneQubitRun::fixed(*v)));
        return all_ones_phase(controls, low, free, out);
    }
    // A rotation is cheaper than two phases.
    let mut steps = Steps::new();
    rotation(gap, controls, target, &mut steps);
    emit(&steps, out);
    out.push(StepKind::OneQubitRun(target, OneQubitRun::fixed(*v)));
    let mean = match (low, gap) {
        (low, Param::Fixed(gap)) => low + gap / 2.0,
        // A rotation by a slot: its phases are opposite.
        _ => Param::Fixed(0.0),
    };
    let is_none = matches!(mean, Param::Fixed(value) if value.abs() < super::one_qubit_run::CLOSE);
    if !is_none {
        all_ones_phase(controls, mean, free, out);
    }
}

/// A phase on the state in which all of `qubits` are 1. On two qubits and by half a turn it is one CZ.
fn all_ones_phase(qubits: &[usize], angle: Param, free: &[usize], out: &mut Vec<StepKind>) {
    if angle == Param::Fixed(0.0) || qubits.is_empty() {
        return;
    }
    let mut steps = Steps::new();
    all_ones(angle, qubits, free, &mut steps);
    emit(&steps, out);
}

/// Gates on at most three qubits as runs and CZ.
fn emit(steps: &Steps, out: &mut Vec<StepKind>) {
    for (gate, qubits, params) in steps {
        match (gate, &qubits[..], &params[..]) {
            (Gate::Cx, &[control, target], _) => out.extend(cx(control, target)),
            (Gate::Cp, &[a, b], &[Param::Fixed(angle)])
                if (angle.abs() - std::f64::consts::PI).abs() < super::one_qubit_run::CLOSE =>
            {
                out.push(StepKind::Cz(a, b));
            }
            // |11⟩⟨11| = (1 - Z - Z + ZZ)/4.
            (Gate::Cp, &[a, b], &[angle]) => {
                out.extend([a, b].map(|q| StepKind::OneQubitRun(q, OneQubitRun::rz(angle * 0.5))));
                match angle {
                    Param::Fixed(value) => out.extend(zz(a, b, -0.5 * value)),
                    _ => out.extend(zz_by_cx(a, b, angle * -0.5)),
                }
            }
            (Gate::P | Gate::Rz, &[qubit], &[angle]) => {
                out.push(StepKind::OneQubitRun(qubit, OneQubitRun::rz(angle)));
            }
            (_, &[qubit], _) => out.push(StepKind::OneQubitRun(qubit, OneQubitRun::gate(*gate, params))),
            _ => controlled(*gate, params, 0, qubits, &[], out),
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
