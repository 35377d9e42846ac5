//! A circuit during rewriting: runs of one-qubit gates, CZ, ZZ rotations, swaps, and operations that stay as they are.

use std::f64::consts::{FRAC_PI_2, PI};

use crate::circuit::{Condition, Op, OpKind, Param};
use crate::device::transpile::one_qubit_run::{CLOSE, OneQubitRun, hadamard, phase};

/// One step of a circuit under rewriting.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub kind: StepKind,
    /// Done only if the classical bits hold this value. Such steps are never merged with others.
    pub condition: Option<Condition>,
}

/// CZ represents every entangler: cx, cz and ecr are one CZ each between one-qubit runs, it has no direction, and what commutes
/// with it is what is diagonal.
#[derive(Clone, Debug)]
pub(super) enum StepKind {
    OneQubitRun(usize, OneQubitRun),
    Cz(usize, usize),
    /// `exp(-i angle ZZ/2)`, where the device has it as one gate. The angle is a number: one left open could leave the
    /// range that the hardware allows.
    Zz(usize, usize, f64),
    Swap(usize, usize),
    /// Measurement, reset, delay, barrier.
    Rest(Op),
}

impl Step {
    pub fn new(kind: StepKind) -> Self {
        Self { kind, condition: None }
    }

    /// The two qubits that must be neighbours, if there are.
    pub fn pair(&self) -> Option<(usize, usize)> {
        match self.kind {
            StepKind::Cz(a, b) | StepKind::Zz(a, b, _) | StepKind::Swap(a, b) => Some((a, b)),
            _ => None,
        }
    }

    /// Calls `visit` with every qubit.
    pub fn each_qubit(&self, mut visit: impl FnMut(usize)) {
        match &self.kind {
            StepKind::OneQubitRun(q, _) => visit(*q),
            StepKind::Cz(a, b) | StepKind::Zz(a, b, _) | StepKind::Swap(a, b) => {
                visit(*a);
                visit(*b);
            }
            StepKind::Rest(op) => op.qubits.iter().copied().for_each(visit),
        }
    }

    /// Calls `visit` with every classical bit read or written.
    pub fn each_bit(&self, mut visit: impl FnMut(usize)) {
        if let StepKind::Rest(op) = &self.kind {
            op.written_bit().into_iter().for_each(&mut visit);
        }
        self.condition.iter().flat_map(|c| &c.bits).copied().for_each(visit);
    }

    /// The same step with every qubit q renamed to `to(q)`.
    pub fn moved(&self, to: impl Fn(usize) -> usize) -> Self {
        let kind = match &self.kind {
            StepKind::OneQubitRun(q, run) => StepKind::OneQubitRun(to(*q), run.clone()),
            StepKind::Cz(a, b) => StepKind::Cz(to(*a), to(*b)),
            StepKind::Zz(a, b, angle) => StepKind::Zz(to(*a), to(*b), *angle),
            StepKind::Swap(a, b) => StepKind::Swap(to(*a), to(*b)),
            StepKind::Rest(op) => {
                StepKind::Rest(Op { qubits: op.qubits.iter().map(|&q| to(q)).collect(), ..op.clone() })
            }
        };
        Self { kind, condition: self.condition.clone() }
    }
}

/// Whether an operation that stays as it is acts on all qubits: a barrier that names none.
pub(super) fn is_full_barrier(op: &Op) -> bool {
    matches!(op.kind, OpKind::Barrier) && op.qubits.is_empty()
}

/// CX as H on the target, CZ, H on the target.
pub(super) fn cx(control: usize, target: usize) -> [StepKind; 3] {
    let h = || StepKind::OneQubitRun(target, OneQubitRun::fixed(hadamard()));
    [h(), StepKind::Cz(control, target), h()]
}

/// `exp(-i angle ZZ/2)` as a rotation between two CX, which any entangler can build.
pub(super) fn zz_by_cx(a: usize, b: usize, angle: Param) -> impl Iterator<Item = StepKind> {
    cx(a, b).into_iter().chain([StepKind::OneQubitRun(b, OneQubitRun::rz(angle))]).chain(cx(a, b))
}

/// `exp(-i angle ZZ/2)` up to phase as at most one entangler: nothing, Z on both, or a CZ where the angle is a multiple of
/// π/2, else one ZZ rotation in (-π, π).
pub(super) fn zz(a: usize, b: usize, angle: f64) -> Vec<StepKind> {
    let both = |matrix| [a, b].map(|q| StepKind::OneQubitRun(q, OneQubitRun::fixed(matrix)));
    let angle = angle - 2.0 * PI * (angle / (2.0 * PI)).round();
    match angle.abs() {
        size if size < CLOSE => Vec::new(),
        // exp(-iπ/2 ZZ) = -i ZZ.
        size if PI - size < CLOSE => both(phase(PI)).into(),
        // exp(∓iπ/4 ZZ) is CZ behind S or S† on both.
        size if (size - FRAC_PI_2).abs() < CLOSE => {
            [StepKind::Cz(a, b)].into_iter().chain(both(phase(FRAC_PI_2.copysign(angle)))).collect()
        }
        _ => vec![StepKind::Zz(a, b, angle)],
    }
}

/// SWAP as three CX, the outer two on target `outer`.
pub(super) fn swap(inner: usize, outer: usize) -> impl Iterator<Item = StepKind> {
    cx(inner, outer).into_iter().chain(cx(outer, inner)).chain(cx(inner, outer))
}

/// Number of entanglers, a swap counted as three.
pub(super) fn entanglers(steps: &[Step]) -> usize {
    steps
        .iter()
        .map(|step| match step.kind {
            StepKind::Cz(..) | StepKind::Zz(..) => 1,
            StepKind::Swap(..) => 3,
            _ => 0,
        })
        .sum()
}
