//! Programs with derived angles: these are computed before an engine runs, and derivatives by them are carried back.

use std::sync::Arc;

use ndarray::{Array1, Array2, ArrayView2, Axis};

use crate::circuit::Observable;
use crate::circuit::derived::{Derived, expand, formulas, pull_back};
use crate::noise::Program;
use crate::sim::angles::OwnedAngles;
use crate::sim::prepared::{Recorded, Tape};
use crate::sim::{Account, AngleGradient, Angles, Prepared, SimError, Simulator, check};

/// [`Simulator::prepare`] for angles of the declared slots alone.
pub fn prepare<S: Simulator + ?Sized>(
    simulator: &S,
    program: &Program,
    observables: &[Observable],
    inputs: usize,
) -> Result<Arc<dyn Prepared>, SimError> {
    let Some(slots) = Slots::of(program, inputs) else { return simulator.prepare(program, observables, inputs) };
    // What is computed of inputs differs by row, so all slots do.
    let inner = simulator.prepare(&flat(program), observables, if inputs > 0 { program.slots } else { 0 })?;
    Ok(Arc::new(DerivedProgram { inner, slots }))
}

/// The angles of all slots of a program, for those of its declared slots.
pub fn all_angles(program: &Program, angles: &Angles) -> Result<OwnedAngles, SimError> {
    match Slots::of(program, angles.inputs.ncols()) {
        Some(slots) => slots.all(angles),
        None => Ok(OwnedAngles::of(angles)),
    }
}

/// The gradient by the declared slots, from one by all slots of a program that has no others; `None` without derived angles.
pub fn gradient(
    program: &Program,
    angles: &Angles,
    by_all: impl FnOnce(&Program, Angles) -> Result<AngleGradient, SimError>,
) -> Option<Result<AngleGradient, SimError>> {
    let slots = Slots::of(program, angles.inputs.ncols())?;
    Some(slots.all(angles).and_then(|all| Ok(slots.carried_back(&all.view(), &by_all(&flat(program), all.view())?))))
}

/// The program whose angles are all declared.
fn flat(program: &Program) -> Program {
    Program { derived: Vec::new(), ..program.clone() }
}

struct DerivedProgram {
    inner: Arc<dyn Prepared>,
    slots: Slots,
}

#[derive(Clone)]
struct Slots {
    derived: Arc<[Derived]>,
    declared: usize,
    inputs: usize,
}

impl Slots {
    /// `None` without derived angles.
    fn of(program: &Program, inputs: usize) -> Option<Self> {
        let declared = program.declared_slots();
        let derived = program.derived.as_slice().into();
        (!program.derived.is_empty()).then_some(Self { derived, declared, inputs })
    }

    /// The angles of all slots: one row without inputs is one vector of weights.
    fn all(&self, angles: &Angles) -> Result<OwnedAngles, SimError> {
        check::angles(self.declared, self.inputs, angles)?;
        if self.inputs == 0 {
            let weights = self.expanded(0, angles.weights.to_vec())?;
            return Ok(OwnedAngles::new(angles.inputs.to_owned(), weights.into()));
        }
        let total = self.declared + self.derived.len();
        let mut rows = Array2::zeros((angles.batch(), total));
        for (row, mut all) in rows.axis_iter_mut(Axis(0)).enumerate() {
            all.assign(&Array1::from(self.expanded(row, angles.row(row))?));
        }
        Ok(OwnedAngles::new(rows, Array1::zeros(0)))
    }

    /// The angles of all slots of a row.
    fn expanded(&self, row: usize, declared: Vec<f64>) -> Result<Vec<f64>, SimError> {
        let all = expand(&self.derived, declared);
        let found = all.iter().zip(0..).skip(self.declared).find(|(value, _)| !value.is_finite());
        let Some((&value, slot)) = found else { return Ok(all) };
        // A program has numbers in place of names. What stands before the first formula without a value has one.
        let shown = |slot: usize| format!("x{slot}");
        let names = formulas((0..self.declared).map(shown).collect(), &self.derived[..slot - self.declared]);
        let formula = self.derived[slot - self.declared].formula(&names);
        let used: Vec<usize> = (0..self.declared).filter(|&slot| is_named(&formula, &shown(slot))).collect();
        let values: Vec<String> = used.iter().map(|&slot| format!("{} = {}", shown(slot), all[slot])).collect();
        let formula = if values.is_empty() { formula } else { format!("{formula} with {}", values.join(", ")) };
        Err(SimError::OutsideDomain { formula, row, value })
    }

    /// The derivatives by the declared slots, of those by all slots at these angles.
    fn carried_back(&self, all: &Angles, gradient: &AngleGradient) -> AngleGradient {
        if self.inputs == 0 {
            let weights = pull_back(&self.derived, &all.weights.to_vec(), gradient.weights.to_vec());
            return AngleGradient { inputs: gradient.inputs.clone(), weights: weights.into() };
        }
        let mut inputs = Array2::zeros((all.batch(), self.inputs));
        let mut weights = Array1::zeros(self.declared - self.inputs);
        for (row, mut own) in inputs.axis_iter_mut(Axis(0)).enumerate() {
            let declared = pull_back(&self.derived, &all.row(row), gradient.inputs.row(row).to_vec());
            let (first, rest) = declared.split_at(self.inputs);
            own.iter_mut().zip(first).for_each(|(sum, value)| *sum = *value);
            weights.iter_mut().zip(rest).for_each(|(sum, value)| *sum += value);
        }
        AngleGradient { inputs, weights }
    }
}

/// Whether a name stands in a formula.
fn is_named(formula: &str, name: &str) -> bool {
    formula.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == name)
}

impl Prepared for DerivedProgram {
    fn resolved_name(&self, batch: usize) -> String {
        self.inner.resolved_name(batch)
    }

    fn expect(&self, angles: Angles) -> Result<Array2<f64>, SimError> {
        self.inner.expect(self.slots.all(&angles)?.view())
    }

    fn vjp(&self, angles: Angles, cotangent: ArrayView2<f64>) -> Result<AngleGradient, SimError> {
        let all = self.slots.all(&angles)?;
        Ok(self.slots.carried_back(&all.view(), &self.inner.vjp(all.view(), cotangent)?))
    }

    fn value_and_gradient(
        &self,
        angles: Angles,
        cotangent: ArrayView2<f64>,
    ) -> Result<(Array2<f64>, AngleGradient), SimError> {
        let all = self.slots.all(&angles)?;
        let (values, gradient) = self.inner.value_and_gradient(all.view(), cotangent)?;
        Ok((values, self.slots.carried_back(&all.view(), &gradient)))
    }

    fn record(&self, angles: Angles, most_bytes: usize) -> Result<Recorded, SimError> {
        let all = self.slots.all(&angles)?;
        let (values, tape) = self.inner.record(all.view(), most_bytes)?;
        let tape =
            tape.map(|inner| -> Box<dyn Tape> { Box::new(DerivedTape { inner, slots: self.slots.clone(), all }) });
        Ok((values, tape))
    }

    fn draws(&self, batch: usize) -> bool {
        self.inner.draws(batch)
    }

    fn account(&self, angles: Angles) -> Result<Option<Array2<Account>>, SimError> {
        self.inner.account(self.slots.all(&angles)?.view())
    }

    fn probabilities(&self, angles: Angles) -> Result<Array2<f64>, SimError> {
        self.inner.probabilities(self.slots.all(&angles)?.view())
    }

    fn sample(&self, angles: Angles, shots: usize, seed: u64) -> Result<Array2<u64>, SimError> {
        self.inner.sample(self.slots.all(&angles)?.view(), shots, seed)
    }
}

struct DerivedTape {
    inner: Box<dyn Tape>,
    slots: Slots,
    all: OwnedAngles,
}

impl Tape for DerivedTape {
    fn vjp(&self, cotangent: ArrayView2<f64>) -> Result<AngleGradient, SimError> {
        Ok(self.slots.carried_back(&self.all.view(), &self.inner.vjp(cotangent)?))
    }
}
