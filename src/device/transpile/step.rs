//! What a circuit is while it is being rewritten: turns of single qubits, CZ, swaps, and what passes through.

use crate::circuit::{Condition, Op, OpKind};
use crate::device::transpile::turn::{Turn, hadamard};

/// One step of a circuit under rewriting.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub kind: Kind,
    /// Done only if the classical bits hold this value; such steps are never merged with others.
    pub condition: Option<Condition>,
}

/// CZ stands for every entangler: cx, cz and ecr are one CZ each between turns, it has no direction, and what commutes
/// with it is what is diagonal.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    Turn(usize, Turn),
    Cz(usize, usize),
    Swap(usize, usize),
    /// Measurement, reset, delay, barrier.
    Rest(Op),
}

impl Step {
    pub fn new(kind: Kind) -> Self {
        Self { kind, condition: None }
    }

    /// The two qubits that must be neighbours, if there are.
    pub fn pair(&self) -> Option<(usize, usize)> {
        match self.kind {
            Kind::Cz(a, b) | Kind::Swap(a, b) => Some((a, b)),
            _ => None,
        }
    }

    /// Calls `visit` with every qubit.
    pub fn each_qubit(&self, mut visit: impl FnMut(usize)) {
        match &self.kind {
            Kind::Turn(q, _) => visit(*q),
            Kind::Cz(a, b) | Kind::Swap(a, b) => {
                visit(*a);
                visit(*b);
            }
            Kind::Rest(op) => op.qubits.iter().copied().for_each(visit),
        }
    }

    /// Calls `visit` with every classical bit read or written.
    pub fn each_bit(&self, mut visit: impl FnMut(usize)) {
        if let Kind::Rest(Op { kind: OpKind::Measure { bit }, .. }) = self.kind {
            visit(bit);
        }
        self.condition.iter().flat_map(|c| &c.bits).copied().for_each(visit);
    }

    /// The same step with every qubit q moved to `place(q)`.
    pub fn moved(&self, place: impl Fn(usize) -> usize) -> Self {
        let kind = match &self.kind {
            Kind::Turn(q, turn) => Kind::Turn(place(*q), turn.clone()),
            Kind::Cz(a, b) => Kind::Cz(place(*a), place(*b)),
            Kind::Swap(a, b) => Kind::Swap(place(*a), place(*b)),
            Kind::Rest(op) => Kind::Rest(Op { qubits: op.qubits.iter().map(|&q| place(q)).collect(), ..op.clone() }),
        };
        Self { kind, condition: self.condition.clone() }
    }
}

/// CX as H on the target, CZ, H on the target.
pub(super) fn cx(control: usize, target: usize) -> [Kind; 3] {
    let h = || Kind::Turn(target, Turn::fixed(hadamard()));
    [h(), Kind::Cz(control, target), h()]
}

/// SWAP as three CX, the outer two on target `outer`.
pub(super) fn swap(inner: usize, outer: usize) -> impl Iterator<Item = Kind> {
    cx(inner, outer).into_iter().chain(cx(outer, inner)).chain(cx(inner, outer))
}

/// Number of entanglers, a swap counted as three.
pub(super) fn entanglers(steps: &[Step]) -> usize {
    steps
        .iter()
        .map(|step| match step.kind {
            Kind::Cz(..) => 1,
            Kind::Swap(..) => 3,
            _ => 0,
        })
        .sum()
}
