//! What the modifiers `inv`, `ctrl` and `pow` make of a list of unitary operations. Phases are exact throughout.

use std::f64::consts::PI;

use super::error::Fault;
use super::lower::{angles_of, apply, definition_phase, simplest};
use crate::circuit::gate::GATES;
use crate::circuit::{Gate, Op, OpKind, Param, Params};
use crate::math::Matrix;
use crate::math::matrix::{C64, distance, distance_up_to_phase, identity};
use crate::math::words::number;

/// The operations in reverse, each inverted.
pub(super) fn inverse(ops: Vec<Op>) -> Result<Vec<Op>, Fault> {
    let mut inverted = Vec::with_capacity(ops.len());
    for op in ops.into_iter().rev() {
        let kind = match op.kind {
            OpKind::Gate { gate, params, controls } => match (gate.row().inverse)(&params) {
                Some((gate, params)) => OpKind::Gate { gate, params: params.into(), controls },
                None => {
                    inverted.extend(inverse_by_definition(gate, controls, &op.qubits)?);
                    continue;
                }
            },
            OpKind::GlobalPhase(phase) => OpKind::GlobalPhase(-phase),
            other => other,
        };
        inverted.push(Op { kind, ..op });
    }
    Ok(inverted)
}

/// Of a gate without angles whose inverse is no row of the table.
fn inverse_by_definition(gate: Gate, controls: usize, qubits: &[usize]) -> Result<Vec<Op>, Fault> {
    let (own, base) = gate.as_controlled();
    if own > 0 {
        let kind = OpKind::Gate { gate: base, params: Params::new(), controls: controls + own };
        return inverse(vec![Op::of(kind, qubits)]);
    }
    let (over, targets) = qubits.split_at(controls);
    let on_targets = |(gate, operands, params): (Gate, Vec<usize>, Vec<Param>)| {
        let qubits: Vec<usize> = operands.iter().map(|&p| targets[p]).collect();
        Op::gate(gate, &qubits, &params)
    };
    let mut steps: Vec<Op> = (gate.row().definition)(&[]).into_iter().map(on_targets).collect();
    let phase = definition_phase(gate, &[]);
    if phase != 0.0 {
        steps.push(Op::of(OpKind::GlobalPhase(Param::Fixed(phase)), &[]));
    }
    controlled(inverse(steps)?, over)
}

/// The operations, each under these controls.
pub(super) fn controlled(ops: Vec<Op>, over: &[usize]) -> Result<Vec<Op>, Fault> {
    if over.is_empty() {
        return Ok(ops);
    }
    let mut all = Vec::with_capacity(ops.len());
    for op in ops {
        let (gate, params, controls) = match op.kind {
            OpKind::Gate { gate, params, controls } => (gate, params, controls + over.len()),
            // A phase under controls is a phase gate on one of them.
            OpKind::GlobalPhase(phase) => (Gate::P, Params::from_slice(&[phase]), over.len() - 1),
            _ => continue,
        };
        let qubits = [over, &op.qubits].concat();
        all.push(simplest(Op::of(OpKind::Gate { gate, params, controls }, &qubits)));
    }
    Ok(all)
}

/// The operations to a power.
pub(super) fn power(ops: Vec<Op>, exponent: f64, limit: usize) -> Result<Vec<Op>, Fault> {
    if exponent.fract() == 0.0 {
        let times = exponent.abs();
        if times * ops.len() as f64 > limit as f64 {
            return Err(Fault::new(format!("pow({}) expands to more than {limit} operations", number(exponent))));
        }
        let once = if exponent < 0.0 { inverse(ops)? } else { ops };
        return Ok((0..times as usize).flat_map(|_| once.iter().cloned()).collect());
    }
    let hint = "only whole powers of composite gates are supported: give the gate a smaller angle instead";
    let [Op { kind: OpKind::Gate { gate, params, controls }, qubits, .. }] = &ops[..] else {
        return Err(Fault::new(format!("pow({}) of a gate that is made of others", number(exponent))).hint(hint));
    };
    let (own, base) = gate.as_controlled();
    let fixed: Option<Vec<f64>> = params.iter().map(|p| p.dependence().is_none().then(|| p.value(&[]))).collect();
    match fixed {
        Some(values) if base.row().qubits == 1 => {
            let (over, target) = qubits.split_at(own + controls);
            controlled(root((base.row().matrix)(&values), exponent, target), over)
        }
        Some(_) => Err(Fault::new(format!("pow({}) of {}", number(exponent), gate.name())).hint(hint)),
        None => Err(Fault::new(format!("pow({}) of a gate whose angle is an input", number(exponent)))
            .hint("scale the angle instead")),
    }
}

/// The principal power of a one-qubit unitary, eigenvalue by eigenvalue: `f(U) = a + b U`.
fn root(m: Matrix, exponent: f64, target: &[usize]) -> Vec<Op> {
    let (trace, determinant) = (m[[0, 0]] + m[[1, 1]], m[[0, 0]] * m[[1, 1]] - m[[0, 1]] * m[[1, 0]]);
    let half_gap = (trace * trace - determinant * 4.0).sqrt() / 2.0;
    let (first, second) = (trace / 2.0 + half_gap, trace / 2.0 - half_gap);
    let raised = |value: C64| {
        let angle = value.arg();
        // -1 has the angle pi, on whichever side rounding left it.
        let angle = if angle < -PI + 1e-12 { PI } else { angle };
        C64::from_polar(1.0, angle * exponent)
    };
    let slope =
        if (first - second).norm() < 1e-9 { C64::ZERO } else { (raised(first) - raised(second)) / (first - second) };
    let result = &m * slope + identity(2) * (raised(first) - slope * first);
    let known = |row: &&crate::circuit::GateRow| {
        row.qubits == 1 && row.params.is_empty() && distance(&(row.matrix)(&[]), &result) < 1e-14
    };
    if let Some(row) = GATES.iter().find(known) {
        return vec![Op::gate(row.gate, target, &[])];
    }
    let [phase, theta, phi, lambda] = angles_of(&result);
    let gate = Op::gate(Gate::U, target, &[theta, phi, lambda].map(Param::Fixed));
    vec![Op::of(OpKind::GlobalPhase(Param::Fixed(phase)), &[]), gate]
}

/// Whether operations with fixed angles on `gate`'s own operands are that gate: `Some(exactly)` if so at least up to a
/// global phase.
pub(super) fn is_gate(ops: &[Op], gate: Gate, values: &[f64]) -> Option<bool> {
    let mut built = identity(1 << gate.row().qubits);
    for op in ops {
        match &op.kind {
            OpKind::GlobalPhase(phase) => built *= C64::from_polar(1.0, phase.value(&[])),
            _ => apply(&op.matrix(&[])?, &op.qubits, &mut built),
        }
    }
    let expected = (gate.row().matrix)(values);
    // Definitions of some thirty steps, each good to 1e-16, and constants that people typed with 15 digits.
    let close = 1e-10;
    (distance_up_to_phase(&built, &expected) < close).then(|| distance(&built, &expected) < close)
}
