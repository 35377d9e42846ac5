//! A circuit and how it is put together.

use crate::circuit::derived::{Derived, substituted};
use crate::circuit::slots::UNNUMBERED;
use crate::circuit::{CircuitError, Condition, Directive, Gate, Op, OpKind, Param};
use crate::math::Matrix;

/// Operations on a register of qubits and classical bits, with slots for angles.
///
/// ```
/// use qgraft::circuit::{Circuit, Gate, Param};
/// let mut bell = Circuit::new(2);
/// bell.push(Gate::H, &[0], &[])?.push(Gate::Cx, &[0, 1], &[])?;
/// let theta = bell.slot("theta");
/// bell.push(Gate::Ry, &[1], &[theta])?;
/// assert_eq!((bell.ops().len(), bell.slots()), (3, 1));
/// # Ok::<(), qgraft::circuit::CircuitError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Circuit {
    qubits: usize,
    bits: usize,
    scratch: usize,
    pub(super) slot_names: Vec<String>,
    pub(super) derived: Vec<Derived>,
    pub(super) ops: Vec<Op>,
    /// Ascending by the operation before which they stand.
    pub(super) directives: Vec<Directive>,
}

impl Circuit {
    /// An empty circuit on `qubits` qubits, without classical bits or slots.
    pub fn new(qubits: usize) -> Self {
        let (slot_names, derived, ops, directives) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { qubits, bits: 0, scratch: 0, slot_names, derived, ops, directives }
    }

    /// The same with `bits` classical bits.
    pub fn with_bits(qubits: usize, bits: usize) -> Self {
        Self { bits, ..Self::new(qubits) }
    }

    /// The same with so many scratch bits more: they have the indices behind [`Circuit::bits`], hold what a circuit computes
    /// on its way, and are no part of an outcome.
    pub fn with_scratch(self, scratch: usize) -> Self {
        Self { scratch, ..self }
    }

    /// Makes the registers at least this wide.
    pub(super) fn widen(&mut self, qubits: usize, bits: usize) {
        self.qubits = self.qubits.max(qubits);
        let more = bits.saturating_sub(self.bits);
        if more > 0 && self.scratch > 0 {
            let first = self.bits;
            let scratch = self.ops.iter_mut().flat_map(Op::bits_mut).filter(|bit| **bit >= first);
            scratch.for_each(|bit| *bit += more);
        }
        self.bits += more;
    }

    /// The same registers and slots without operations.
    pub(super) fn without_ops(&self) -> Self {
        let (slot_names, derived) = (self.slot_names.clone(), self.derived.clone());
        Self { slot_names, derived, ..Self::with_bits(self.qubits, self.bits).with_scratch(self.scratch) }
    }

    /// Width of the quantum register.
    pub fn qubits(&self) -> usize {
        self.qubits
    }

    /// Width of the classical register.
    pub fn bits(&self) -> usize {
        self.bits
    }

    /// Number of scratch bits behind the classical register.
    pub fn scratch(&self) -> usize {
        self.scratch
    }

    /// The operations in order.
    pub fn ops(&self) -> &[Op] {
        &self.ops
    }

    /// Longest chain of operations on shared qubits or classical bits. Barriers do not count.
    pub fn depth(&self) -> usize {
        let mut reached = vec![0usize; self.qubits + self.bits + self.scratch];
        for op in self.ops.iter().filter(|op| !matches!(op.kind, OpKind::Barrier | OpKind::GlobalPhase(_))) {
            let written = op.written_bit();
            let read = op.condition.iter().flat_map(|condition| condition.bits.iter().copied());
            let bits = written.into_iter().chain(read).map(|bit| self.qubits + bit);
            let wires: Vec<usize> = op.qubits.iter().copied().chain(bits).collect();
            let layer = 1 + wires.iter().map(|&wire| reached[wire]).max().unwrap_or(0);
            wires.iter().for_each(|&wire| reached[wire] = layer);
        }
        reached.into_iter().max().unwrap_or(0)
    }

    /// Appends a gate.
    ///
    /// # Errors
    /// On wrong operands, angle counts, non-finite numbers or undeclared slots.
    pub fn push(&mut self, gate: Gate, qubits: &[usize], params: &[Param]) -> Result<&mut Self, CircuitError> {
        self.append(Op::gate(gate, qubits, params))
    }

    /// Appends a unitary matrix on 1 to 5 qubits, the first operand its least significant bit.
    ///
    /// # Errors
    /// If the matrix is not unitary to 1e-8 or does not fit the operands.
    pub fn unitary(&mut self, matrix: Matrix, qubits: &[usize]) -> Result<&mut Self, CircuitError> {
        self.append(Op::unitary(matrix, qubits)?)
    }

    /// Appends a measurement of `qubit` into classical bit `bit`.
    ///
    /// # Errors
    /// If either lies outside its register.
    pub fn measure(&mut self, qubit: usize, bit: usize) -> Result<&mut Self, CircuitError> {
        self.append(Op::of(OpKind::Measure { bit }, &[qubit]))
    }

    /// Adds classical bits until there is one per qubit and measures qubit k into bit k. Scratch bits stay behind them.
    ///
    /// # Errors
    /// None: every operand is inside the register by construction.
    pub fn measure_all(&mut self) -> Result<&mut Self, CircuitError> {
        self.widen(0, self.qubits);
        for qubit in 0..self.qubits {
            self.measure(qubit, qubit)?;
        }
        Ok(self)
    }

    /// Appends any operation after checking it.
    ///
    /// # Errors
    /// On wrong operands, angle counts, non-finite numbers, undeclared slots or bits.
    pub fn append(&mut self, op: Op) -> Result<&mut Self, CircuitError> {
        self.check(&op)?;
        self.ops.push(op);
        Ok(self)
    }

    /// Appends all of `other`, its qubit k on `qubits[k]`, its bits and slots keeping their indices. Its scratch bits become
    /// further ones of this circuit.
    ///
    /// # Errors
    /// As [`Circuit::append`].
    pub fn extend(&mut self, other: &Self, qubits: &[usize]) -> Result<&mut Self, CircuitError> {
        if qubits.len() != other.qubits {
            return Err(CircuitError::OperandCount {
                op: "a sub-circuit".into(),
                expected: other.qubits,
                got: qubits.len(),
            });
        }
        let first = self.bits + self.scratch;
        let before = self.ops.len();
        let slots = self.slots_of(other, |slot| slot)?;
        self.scratch += other.scratch;
        for op in &other.ops {
            let mut placed = op.clone();
            placed.params_mut().iter_mut().for_each(|param| *param = substituted(*param, &slots));
            placed.qubits.iter_mut().for_each(|qubit| *qubit = qubits[*qubit]);
            for bit in placed.bits_mut() {
                match bit.checked_sub(other.bits) {
                    Some(scratch) => *bit = first + scratch,
                    // What is behind the register here is scratch of this circuit.
                    None if *bit >= self.bits => {
                        return Err(CircuitError::BitOutOfRange { op: op.name(), bit: *bit, width: self.bits });
                    }
                    None => {}
                }
            }
            self.append(placed)?;
        }
        let placed =
            other.directives.iter().map(|directive| Directive { at: before + directive.at, ..directive.clone() });
        self.directives.extend(placed);
        Ok(self)
    }

    /// The inverse circuit: operations in reverse, each inverted.
    ///
    /// # Errors
    /// If it measures, resets, delays or acts under a condition.
    pub fn inverse(&self) -> Result<Self, CircuitError> {
        let ops = Vec::with_capacity(self.ops.len());
        let mut inverse = Self { ops, directives: Vec::new(), ..self.clone() };
        for op in self.ops.iter().rev() {
            inverse.ops.push(op.inverse().ok_or_else(|| CircuitError::NotInvertible { op: op.name() })?);
        }
        Ok(inverse)
    }

    /// Appends an operation of which only the classical bits and derived angles are not numbered yet.
    pub(super) fn append_unnumbered(&mut self, op: Op) -> Result<(), CircuitError> {
        let slots = self.slots();
        self.check_operands(&op, |slot| slot < slots || slot >= UNNUMBERED)?;
        self.ops.push(op);
        Ok(())
    }

    /// Exchanges the operations, with all classical bits numbered: so many of the outcome, then so many scratch bits.
    pub(super) fn renumber(&mut self, bits: usize, scratch: usize, ops: Vec<Op>) {
        (self.bits, self.scratch, self.ops) = (bits, scratch, ops);
    }

    /// The operations, to be given back by [`Circuit::renumber`].
    pub(super) fn take_ops(&mut self) -> Vec<Op> {
        std::mem::take(&mut self.ops)
    }

    fn check(&self, op: &Op) -> Result<(), CircuitError> {
        let slots = self.slots() + self.derived.len();
        self.check_operands(op, |slot| slot < slots)?;
        let read: &[usize] = op.condition.as_ref().map_or(&[], |Condition { bits, .. }| bits);
        let width = self.bits + self.scratch;
        match op.written_bit().iter().chain(read).find(|&&bit| bit >= width) {
            Some(&bit) => Err(CircuitError::BitOutOfRange { op: op.name(), bit, width }),
            None => Ok(()),
        }
    }

    /// Everything but which classical bits there are; `is_slot` tells which indices are those of slots.
    fn check_operands(&self, op: &Op, is_slot: impl Fn(usize) -> bool) -> Result<(), CircuitError> {
        let name = || op.name();
        let width = self.qubits;
        if let Some(&qubit) = op.qubits.iter().find(|&&qubit| qubit >= width) {
            return Err(CircuitError::QubitOutOfRange { op: name(), qubit, width });
        }
        if let Some(qubit) = repeated(&op.qubits) {
            return Err(CircuitError::RepeatedQubit { op: name(), qubit });
        }
        let expected = match &op.kind {
            OpKind::Gate { gate, controls, .. } => Some(gate.row().qubits.saturating_add(*controls)),
            OpKind::Unitary(matrix) => Some(matrix.nrows().trailing_zeros() as usize),
            OpKind::GlobalPhase(_) | OpKind::Assign { .. } => Some(0),
            OpKind::Measure { .. } | OpKind::Reset | OpKind::Delay(_) => Some(1),
            OpKind::Barrier => None,
        };
        if let Some(expected) = expected
            && expected != op.qubits.len()
        {
            return Err(CircuitError::OperandCount { op: name(), expected, got: op.qubits.len() });
        }
        if let OpKind::Gate { gate, params, .. } = &op.kind
            && params.len() != gate.row().params.len()
        {
            return Err(CircuitError::ParamCount { op: name(), expected: gate.row().params.len(), got: params.len() });
        }
        for param in op.params() {
            self.check_angle(*param, &is_slot, name)?;
        }
        if let OpKind::Delay(time) = &op.kind
            && !(time.0.is_finite() && time.0 >= 0.0)
        {
            return Err(CircuitError::NotFinite { op: name(), value: time.0 });
        }
        op.condition.as_ref().map_or(Ok(()), |condition| checked(condition, op))
    }

    /// An angle is finite and of a slot that there is.
    pub(super) fn check_angle(
        &self,
        param: Param,
        is_slot: impl Fn(usize) -> bool,
        op: impl Fn() -> String,
    ) -> Result<(), CircuitError> {
        let numbers = match param {
            Param::Fixed(value) => [value, 0.0],
            Param::Slot { slot, .. } if !is_slot(slot) => {
                return Err(CircuitError::UnknownSlot { op: op(), slot, slots: self.slots() });
            }
            Param::Slot { scale, offset, .. } => [scale, offset],
        };
        match numbers.iter().find(|v| !v.is_finite()) {
            Some(&value) => Err(CircuitError::NotFinite { op: op(), value }),
            None => Ok(()),
        }
    }
}

/// A condition is on at most 64 bits, of which one may be named twice, and its value has no others.
fn checked(Condition { bits, value }: &Condition, op: &Op) -> Result<(), CircuitError> {
    let refuse = |reason: String| Err(CircuitError::BadCondition { op: op.name(), reason });
    if bits.len() > 64 {
        return refuse(format!("tests {} classical bits; test at most 64", bits.len()));
    }
    if bits.len() < 64 && value >> bits.len() != 0 {
        return refuse(format!("compares {} classical bits with {value}, which they never hold", bits.len()));
    }
    Ok(())
}

/// The first number that stands in a list twice.
fn repeated(list: &[usize]) -> Option<usize> {
    if list.len() <= 32 {
        return (1..list.len()).map(|k| (k, list[k])).find(|(k, number)| list[..*k].contains(number)).map(|(_, n)| n);
    }
    // A list of thousands, as barriers have them, is compared once with itself in order.
    let mut sorted = list.to_vec();
    sorted.sort_unstable();
    sorted.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}
