//! The slots of a circuit: declared, derived of others, given numbers.

use crate::circuit::derived::{self, Derived, DerivedList, Operation, formulas, in_use, substituted};
use crate::circuit::{Circuit, CircuitError, Op, Param};

/// Slots from here on are those of derived angles that are not numbered yet.
pub(super) const UNNUMBERED: usize = 1 << 40;

impl Circuit {
    /// Number of slots: the length of the angle vector it runs with. Derived angles have the indices behind them.
    pub fn slots(&self) -> usize {
        self.slot_names.len()
    }

    /// Names of the slots in order. They become `input float` names in OpenQASM 3.
    pub fn slot_names(&self) -> &[String] {
        &self.slot_names
    }

    /// Angles that are computed of the slots; the first has the index [`Circuit::slots`].
    pub fn derived(&self) -> &[Derived] {
        &self.derived
    }

    /// Declares a slot and returns its angle.
    pub fn slot(&mut self, name: impl Into<String>) -> Param {
        let new = self.slots();
        self.slot_names.push(name.into());
        if !self.derived.is_empty() {
            let operands = self.derived.iter_mut().flat_map(|made| &mut made.operands);
            for param in operands.chain(self.ops.iter_mut().flat_map(Op::params_mut)) {
                if let Param::Slot { slot, .. } = param
                    && *slot >= new
                {
                    *slot += 1;
                }
            }
        }
        Param::slot(new)
    }

    /// The angle that an operation makes of two others; equal ones are one slot. A function of one angle gets 0 as its
    /// second. Declaring further slots moves the index of a derived angle, so declare them first.
    ///
    /// ```
    /// use std::f64::consts::PI;
    /// use qgraft::circuit::{Circuit, Gate, Operation};
    /// let mut circuit = Circuit::new(1);
    /// let (x, y) = (circuit.slot("x"), circuit.slot("y"));
    /// let product = circuit.derive(Operation::Multiply, [-x + PI, -y + PI])?;
    /// circuit.push(Gate::Rz, &[0], &[product * 2.0])?;
    /// let bound = circuit.bind(&[1.0, 2.0])?;
    /// assert_eq!(bound.ops()[0].params()[0].value(&[]), 2.0 * (PI - 1.0) * (PI - 2.0));
    /// # Ok::<(), qgraft::circuit::CircuitError>(())
    /// ```
    ///
    /// # Errors
    /// On an undeclared slot, or a number that is not finite.
    pub fn derive(&mut self, operation: Operation, operands: [Param; 2]) -> Result<Param, CircuitError> {
        let (slots, name) = (self.slots() + self.derived.len(), || operation.row().sign.to_string());
        for param in operands {
            self.check_angle(param, |slot| slot < slots, name)?;
        }
        if let Some(affine) = operation.affine(operands) {
            return self.check_angle(affine, |_| true, name).map(|()| affine);
        }
        let made = Derived { operation, operands };
        let at = self.derived.iter().position(|known| *known == made).unwrap_or_else(|| {
            self.derived.push(made);
            self.derived.len() - 1
        });
        Ok(Param::slot(self.slots() + at))
    }

    /// Declares the slots of another circuit, derived angles included, in one that has none: their indices stay.
    pub fn copy_slots(&mut self, other: &Self) {
        debug_assert!(self.slots() == 0 && self.derived.is_empty(), "slots have been declared before");
        self.slot_names.clone_from(&other.slot_names);
        self.derived.clone_from(&other.derived);
    }

    /// Appends the operations of a circuit on as many qubits and bits, whose slot k is slot `slot_of(k)` here.
    ///
    /// # Errors
    /// As [`Circuit::append`].
    pub fn append_with_slots(&mut self, other: &Self, slot_of: impl Fn(usize) -> usize) -> Result<(), CircuitError> {
        let slots = self.slots_of(other, slot_of)?;
        for op in &other.ops {
            let mut op = op.clone();
            op.params_mut().iter_mut().for_each(|param| *param = substituted(*param, &slots));
            self.append(op)?;
        }
        Ok(())
    }

    /// What the slots of another circuit are here, whose slot k is `slot_of(k)`: derived angles in use are derived here.
    pub(super) fn slots_of(
        &mut self,
        other: &Self,
        slot_of: impl Fn(usize) -> usize,
    ) -> Result<Vec<Param>, CircuitError> {
        let mut slots: Vec<Param> = Vec::with_capacity(other.slots() + other.derived.len());
        // One that is not declared here must not have the index of a derived angle.
        let taken = self.slots()..self.slots() + self.derived.len() + other.derived.len();
        let index = |slot: usize| if taken.contains(&slot) { UNNUMBERED + slot } else { slot };
        slots.extend((0..other.slots()).map(|slot| Param::slot(index(slot_of(slot)))));
        slots.resize(other.slots() + other.derived.len(), Param::Fixed(0.0));
        for at in in_use(&other.ops, other.slots(), &other.derived) {
            let Derived { operation, operands } = other.derived[at];
            slots[other.slots() + at] = self.derive(operation, operands.map(|param| substituted(param, &slots)))?;
        }
        Ok(slots)
    }

    /// The numbers of all slots, derived angles included, for those of the declared ones.
    ///
    /// # Panics
    /// If there is not one number for each declared slot.
    pub fn expand(&self, angles: &[f64]) -> Vec<f64> {
        assert_eq!(angles.len(), self.slots(), "one number for each slot");
        derived::expand(&self.derived, angles.to_vec())
    }

    /// What the angles of all slots are called: derived ones by their formulas.
    pub(super) fn formulas(&self) -> Vec<String> {
        formulas(self.slot_names.clone(), &self.derived)
    }

    /// Positions of the derived angles that operations use, each behind those that it is made of.
    pub(super) fn derived_in_use(&self) -> Vec<usize> {
        in_use(&self.ops, self.slots(), &self.derived)
    }

    /// Numbers derived angles that so far have the indices from [`UNNUMBERED`] on, and leaves out those that nothing uses.
    pub(super) fn number_derived(&mut self, derived: &[Derived]) {
        if derived.is_empty() {
            return;
        }
        let order = in_use(&self.ops, UNNUMBERED, derived);
        let mut number = vec![0; derived.len()];
        order.iter().zip(self.slots()..).for_each(|(&at, slot)| number[at] = slot);
        let numbered = |param: &mut Param| {
            if let Param::Slot { slot, .. } = param
                && *slot >= UNNUMBERED
            {
                *slot = number[*slot - UNNUMBERED];
            }
        };
        self.ops.iter_mut().flat_map(Op::params_mut).for_each(numbered);
        self.derived = order.into_iter().map(|at| derived[at]).collect();
        self.derived.iter_mut().flat_map(|made| &mut made.operands).for_each(numbered);
    }

    /// The circuit with numbers in place of its slots.
    ///
    /// # Errors
    /// If `angles` has the wrong length or holds a non-finite number.
    pub fn bind(&self, angles: &[f64]) -> Result<Self, CircuitError> {
        self.bind_last(angles, 0)
    }

    /// The circuit with numbers in place of its slots from `first` on. The slots before stay. A trained circuit keeps
    /// its inputs open this way.
    ///
    /// # Errors
    /// If `angles` does not reach from `first` to the last slot or holds a non-finite number, or a formula of them is none.
    pub fn bind_last(&self, angles: &[f64], first: usize) -> Result<Self, CircuitError> {
        if first + angles.len() != self.slots() {
            return Err(CircuitError::AngleCount { slots: self.slots(), got: first + angles.len() });
        }
        let mut slots: Vec<Param> =
            (0..first).map(Param::slot).chain(angles.iter().copied().map(Param::Fixed)).collect();
        let mut derived = DerivedList::new(first);
        for made in &self.derived {
            let operands = made.operands.map(|param| substituted(param, &slots));
            let value = derived.derive(made.operation, operands);
            if let Param::Fixed(value) = value
                && !value.is_finite()
                && angles.iter().all(|angle| angle.is_finite())
            {
                let formula = made.formula(&self.formulas());
                return Err(CircuitError::OutsideDomain { formula, value });
            }
            slots.push(value);
        }
        let mut bound = Self::with_bits(self.qubits(), self.bits()).with_scratch(self.scratch());
        bound.slot_names = self.slot_names[..first].to_vec();
        bound.derived = derived.into_list();
        bound.ops.reserve(self.ops.len());
        for op in &self.ops {
            let mut op = op.clone();
            op.params_mut().iter_mut().for_each(|param| *param = substituted(*param, &slots));
            bound.append(op)?;
        }
        bound.directives = self.directives.clone();
        Ok(bound)
    }
}
