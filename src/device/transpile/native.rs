//! The last rewriting: CZ and runs in the gates of the device.

use std::f64::consts::{FRAC_PI_2, PI};

use crate::circuit::{Circuit, Condition, Gate, Op, OpKind, Param};
use crate::device::transpile::TranspileError;
use crate::device::transpile::basis::{Angle, Basis, Gates, wrapped};
use crate::device::transpile::coupling::{Coupling, ZzLink};
use crate::device::transpile::one_qubit_run::{CLOSE, OneQubitRun, flip, is_antidiagonal, phase};
use crate::device::transpile::simplify::Effort;
use crate::device::transpile::step::{Step, StepKind, is_full_barrier, swap, zz_by_cx};
use crate::math::small::{from_matrix, product};

/// A native two-qubit gate from which CZ is built with runs.
#[derive(Debug)]
pub(super) struct EntanglerRow {
    pub gate: Gate,
    /// Its angles.
    pub angles: &'static [Param],
    /// Gates before it on its first and second operand, in time order, such that all together are a CZ.
    pub before: [&'static [Gate]; 2],
    /// Gates after it.
    pub after: [&'static [Gate]; 2],
    /// What a Z rotation before it, on its first and second operand, is behind it.
    pub passing: [Passing; 2],
}

/// Whether a Z rotation may be written behind a gate instead of before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Passing {
    Same,
    /// By the negative angle.
    Reversed,
    /// Only by half a turn, which is then half a turn on both operands.
    HalfOnBoth,
    No,
}

pub(super) type Entangler = &'static EntanglerRow;

static ENTANGLERS: [EntanglerRow; 4] = [
    EntanglerRow { gate: Gate::Cz, angles: &[], before: [&[], &[]], after: [&[], &[]], passing: [Passing::Same; 2] },
    EntanglerRow {
        gate: Gate::Cx,
        angles: &[],
        before: [&[], &[Gate::H]],
        after: [&[], &[Gate::H]],
        passing: [Passing::Same, Passing::HalfOnBoth],
    },
    EntanglerRow {
        gate: Gate::Ecr,
        angles: &[],
        before: [&[Gate::Sdg], &[Gate::H, Gate::Sxdg]],
        after: [&[Gate::X], &[Gate::H]],
        passing: [Passing::Reversed, Passing::No],
    },
    EntanglerRow {
        gate: Gate::Rzz,
        angles: &[Param::Fixed(FRAC_PI_2)],
        before: [&[], &[]],
        after: [&[Gate::Sdg], &[Gate::Sdg]],
        passing: [Passing::Same; 2],
    },
];

/// Names of the two-qubit gates that the transpiler can build on.
pub(super) fn known_entanglers() -> String {
    ENTANGLERS.iter().map(|row| row.gate.name()).collect::<Vec<_>>().join(", ")
}

/// The row of a native gate, if CZ can be built on it.
pub(super) fn entangler(gate: Gate) -> Option<Entangler> {
    ENTANGLERS.iter().find(|row| row.gate == gate)
}

fn run_of(gates: &[Gate]) -> OneQubitRun {
    gates.iter().fold(OneQubitRun::identity(), |mut run, &gate| {
        run.push(&OneQubitRun::gate(gate, &[]));
        run
    })
}

/// The steps in native gates. From `Effort::Cancel` on, Z rotations go behind entanglers where they may and join the next
/// run; with `Effort::Measured`, runs before a measurement lose what only changes phases.
///
/// # Errors
/// If the circuit refuses a gate, which would be a defect of this module.
pub(super) fn write(
    steps: &[Step],
    source: &Circuit,
    coupling: &Coupling,
    basis: Basis,
    effort: Effort,
) -> Result<Circuit, TranspileError> {
    let mut circuit = Circuit::with_bits(coupling.qubits(), source.bits()).with_scratch(source.scratch());
    circuit.copy_slots(source);
    let waiting = vec![OneQubitRun::identity(); coupling.qubits()];
    let mut writer = Writer { circuit, basis, coupling, effort, waiting };
    let absorbing = absorbing(steps, coupling.qubits());
    for (k, Step { kind, condition }) in steps.iter().enumerate() {
        match (kind, condition) {
            (StepKind::Cz(a, b), None) => writer.cz([*a, *b], absorbing[k], &steps[k + 1..])?,
            _ => writer.step(kind, condition.as_ref())?,
        }
    }
    for q in 0..coupling.qubits() {
        writer.flush(q)?;
    }
    Ok(writer.circuit)
}

/// For every CZ, by operand, whether a run that takes pulses comes before anything else but CZ: a bit flip behind the CZ is
/// then no pulse of its own.
fn absorbing(steps: &[Step], qubits: usize) -> Vec<[bool; 2]> {
    let mut absorbs = vec![false; qubits];
    let mut found = vec![[false; 2]; steps.len()];
    for (k, step) in steps.iter().enumerate().rev() {
        match (&step.kind, &step.condition) {
            (StepKind::Cz(a, b), None) => found[k] = [absorbs[*a], absorbs[*b]],
            (StepKind::OneQubitRun(q, run), None) => absorbs[*q] |= !run.is_diagonal(),
            (StepKind::Rest(op), _) if is_full_barrier(op) => absorbs.fill(false),
            _ => step.each_qubit(|q| absorbs[q] = false),
        }
    }
    found
}

/// The one-qubit run on `q` before anything else acts on it.
fn next_run(q: usize, later: &[Step]) -> Option<&OneQubitRun> {
    let touches = |step: &&Step| {
        let mut found = false;
        step.each_qubit(|other| found |= other == q);
        found
    };
    match later.iter().find(touches) {
        Some(Step { kind: StepKind::OneQubitRun(_, run), condition: None }) => Some(run),
        _ => None,
    }
}

struct Writer<'a> {
    circuit: Circuit,
    basis: Basis,
    coupling: &'a Coupling,
    effort: Effort,
    /// What each qubit does before its next other step.
    waiting: Vec<OneQubitRun>,
}

impl Writer<'_> {
    /// A CZ without condition. `absorbs`: whether a bit flip behind it on each operand is no pulse of its own.
    fn cz(&mut self, pair: [usize; 2], absorbs: [bool; 2], later: &[Step]) -> Result<(), TranspileError> {
        let (row, mut ends, both_ways) = self.entangler(pair);
        if both_ways {
            let (other_way, next) = ([ends[1], ends[0]], ends.map(|q| next_run(q, later)));
            let next = |q: usize| if q == ends[0] { next[0] } else { next[1] };
            if self.pulses_around(row, other_way, next) < self.pulses_around(row, ends, next) {
                ends = other_way;
            }
        }
        let mut turned = [false; 2];
        for (k, &q) in ends.iter().enumerate() {
            self.waiting[q].push(&run_of(row.before[k]));
            let may_flip = row.gate == Gate::Cz && absorbs[usize::from(q != pair[0])];
            // A Z falls on the other operand: X before a CZ is X behind it and Z there.
            turned[1 - k] |= match may_flip && self.flush_before_flip(q)? {
                true => true,
                false => self.flush_before(q, row.passing[k])?,
            };
        }
        self.append(Op::gate(row.gate, &ends, row.angles), None)?;
        for (k, &q) in ends.iter().enumerate() {
            if turned[k] {
                self.waiting[q].push_fixed(&phase(PI));
            }
            self.waiting[q].push(&run_of(row.after[k]));
        }
        Ok(())
    }

    /// The native gate of a coupled pair, the pair in its direction, and whether the device has the other direction too.
    fn entangler(&self, [a, b]: [usize; 2]) -> (Entangler, [usize; 2], bool) {
        let link = self.coupling.link(a, b).expect("routing leaves CZ between neighbours only");
        (link.entangler, [link.from, link.to], link.both_ways)
    }

    fn step(&mut self, kind: &StepKind, condition: Option<&Condition>) -> Result<(), TranspileError> {
        match kind {
            StepKind::OneQubitRun(q, run) => self.run(*q, run, condition),
            StepKind::Cz(a, b) if condition.is_none() => self.cz([*a, *b], [false; 2], &[]),
            StepKind::Cz(a, b) => {
                let (row, ends, _) = self.entangler([*a, *b]);
                for (k, &q) in ends.iter().enumerate() {
                    self.run(q, &run_of(row.before[k]), condition)?;
                    self.flush(q)?;
                }
                self.append(Op::gate(row.gate, &ends, row.angles), condition)?;
                ends.iter().zip(row.after).try_for_each(|(&q, after)| self.run(q, &run_of(after), condition))
            }
            StepKind::Zz(a, b, angle) => {
                let link = self.coupling.link(*a, *b).expect("routing leaves ZZ between neighbours only");
                match link.zz {
                    Some(zz) => self.zz(zz, *angle, condition),
                    None => zz_by_cx(*a, *b, Param::Fixed(*angle)).try_for_each(|kind| self.step(&kind, condition)),
                }
            }
            StepKind::Swap(a, b) => swap(*a, *b).try_for_each(|kind| self.step(&kind, condition)),
            StepKind::Rest(op) => {
                if self.effort >= Effort::Measured && condition.is_none() && matches!(op.kind, OpKind::Measure { .. }) {
                    let q = op.qubits[0];
                    if self.waiting[q].pull_diagonal().flips {
                        self.waiting[q].push_fixed(&flip());
                    }
                }
                if is_full_barrier(op) {
                    (0..self.waiting.len()).try_for_each(|q| self.flush(q))?;
                }
                op.qubits.iter().try_for_each(|&q| self.flush(q))?;
                self.append(op.clone(), condition)
            }
        }
    }

    /// A native ZZ rotation. The hardware allows 0 ≤ angle ≤ π/2: half a turn more is Z on both qubits, and X on one of
    /// them before and after it reverses it.
    fn zz(&mut self, link: ZzLink, angle: f64, condition: Option<&Condition>) -> Result<(), TranspileError> {
        let mut angle = wrapped(angle);
        let ends = [link.from, link.to];
        if angle.abs() > FRAC_PI_2 + CLOSE {
            angle -= PI.copysign(angle);
            for q in ends {
                self.run(q, &run_of(&[Gate::Z]), condition)?;
            }
        }
        let more = |q: usize| {
            let mut flipped = self.waiting[q].clone();
            flipped.push_fixed(&flip());
            (flipped.pulses() + 2).saturating_sub(self.waiting[q].pulses())
        };
        let flipped = (angle < 0.0).then(|| if more(link.to) < more(link.from) { link.to } else { link.from });
        if let Some(q) = flipped {
            self.run(q, &run_of(&[Gate::X]), condition)?;
        }
        match condition {
            None => ends.into_iter().try_for_each(|q| self.flush_before(q, Passing::Same).map(drop))?,
            Some(_) => ends.into_iter().try_for_each(|q| self.flush(q))?,
        }
        let angle = Param::Fixed(angle.abs().min(FRAC_PI_2));
        self.append(Op::gate(Gate::Rzz, &ends, &[angle]), condition)?;
        flipped.map_or(Ok(()), |q| self.run(q, &run_of(&[Gate::X]), condition))
    }

    /// Pulses on both operands of an entangler, before and after it, if it acts on these.
    fn pulses_around<'a>(
        &self,
        row: Entangler,
        ends: [usize; 2],
        next: impl Fn(usize) -> Option<&'a OneQubitRun>,
    ) -> usize {
        let on = |(k, q): (usize, usize)| {
            let mut before = self.waiting[q].clone();
            before.push(&run_of(row.before[k]));
            let mut after = run_of(row.after[k]);
            next(q).into_iter().for_each(|run| after.push(run));
            before.pulses() + after.pulses()
        };
        ends.into_iter().enumerate().map(on).sum()
    }

    fn append(&mut self, op: Op, condition: Option<&Condition>) -> Result<(), TranspileError> {
        self.circuit.append(Op { condition: condition.cloned(), ..op })?;
        Ok(())
    }

    fn run(&mut self, q: usize, run: &OneQubitRun, condition: Option<&Condition>) -> Result<(), TranspileError> {
        if condition.is_none() {
            self.waiting[q].push(run);
            return Ok(());
        }
        self.flush(q)?;
        let (mut gates, mut angle) = self.pulses(run);
        self.basis.flush(&mut angle, &mut gates);
        self.append_all(q, gates, condition)
    }

    /// Writes what waits on `q`.
    fn flush(&mut self, q: usize) -> Result<(), TranspileError> {
        let run = std::mem::replace(&mut self.waiting[q], OneQubitRun::identity());
        let (mut gates, mut angle) = self.pulses(&run);
        self.basis.flush(&mut angle, &mut gates);
        self.append_all(q, gates, None)
    }

    /// Writes a run of one √X before a CZ without the Z before it that it may have: `√X Z = Z X √X` up to phase, and the bit
    /// flip goes on waiting. Returns whether that was possible.
    fn flush_before_flip(&mut self, q: usize) -> Result<bool, TranspileError> {
        if self.effort < Effort::Cancel || !matches!(self.basis, Basis::RootX { rx: None, .. }) {
            return Ok(false);
        }
        let Some(run) = self.waiting[q].fixed_matrix() else { return Ok(false) };
        let behind = product(run, &from_matrix(&(Gate::Sxdg.row().matrix)(&[])));
        if !is_antidiagonal(&behind) {
            return Ok(false);
        }
        self.waiting[q] = OneQubitRun::fixed(behind);
        self.append(Op::gate(Gate::Sx, &[q], &[]), None)?;
        Ok(true)
    }

    /// Writes what waits on `q` before an entangler; its last Z rotation goes on waiting where it may pass. Returns whether a
    /// Z on the other operand is left behind.
    fn flush_before(&mut self, q: usize, passing: Passing) -> Result<bool, TranspileError> {
        let may_pass = match passing {
            _ if self.effort < Effort::Cancel => false,
            Passing::Same | Passing::Reversed => true,
            Passing::HalfOnBoth => {
                let (_, Angle { slots, fixed }) = self.pulses(&self.waiting[q]);
                slots.is_empty() && PI - wrapped(fixed).abs() < CLOSE
            }
            Passing::No => false,
        };
        if !may_pass {
            return self.flush(q).map(|()| false);
        }
        let (gates, Angle { slots, fixed }) = self.pulses(&self.waiting[q]);
        let mut passed = OneQubitRun::identity();
        for angle in slots.into_iter().chain([Param::Fixed(fixed)]) {
            passed.push_rz(if passing == Passing::Reversed { -angle } else { angle });
        }
        self.waiting[q] = passed;
        self.append_all(q, gates, None)?;
        Ok(passing == Passing::HalfOnBoth)
    }

    fn append_all(&mut self, q: usize, gates: Gates, condition: Option<&Condition>) -> Result<(), TranspileError> {
        gates.into_iter().try_for_each(|(gate, params)| self.append(Op::gate(gate, &[q], &params), condition))
    }

    /// One run with the fewest pulses its basis allows, and the Z rotations behind them.
    fn pulses(&self, run: &OneQubitRun) -> (Gates, Angle) {
        let (mut gates, mut angle) = (Vec::new(), Angle::default());
        if run.is_identity() {
            return (gates, angle);
        }
        let mut last = run.first;
        for (param, matrix) in &run.rest {
            last = match self.basis.rotation_x(&last, *param, matrix, &mut angle, &mut gates) {
                Some(left) => left,
                None => {
                    self.basis.matrix(&last, &mut angle, &mut gates);
                    angle.add(*param);
                    *matrix
                }
            };
        }
        self.basis.matrix(&last, &mut angle, &mut gates);
        (gates, angle)
    }
}
