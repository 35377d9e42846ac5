//! What the names of a text stand for, and how much work it may take.

use std::ops::Range as Indices;

use super::build::{Builder, Symbol};
use super::cursor::Version;
use super::error::Fault;
use super::expression::{Scope, Selection};
use super::value::Value;
use crate::circuit::Param;

impl Scope for Builder<'_> {
    fn value(&self, name: &str, part: Selection) -> Result<Value, Fault> {
        let (depth, symbol) = self.symbol(name)?;
        match symbol {
            Symbol::Value(Value::Angle(_)) | Symbol::Inputs(_) if self.inside_gate && depth == 0 => {
                Err(Fault::new(format!("the input {name} is out of reach inside a gate"))
                    .hint("hand it to the gate as a parameter"))
            }
            Symbol::Value(_) if !matches!(part, Selection::All) => {
                Err(Fault::new(format!("{name} is a number and has no elements")))
            }
            Symbol::Value(value) => Ok(*value),
            Symbol::Inputs(slots) => {
                let size = slots.len();
                let index = if let Selection::One(index) = part { Some(index) } else { None };
                let element = index.and_then(|index| {
                    let index = if index < 0 { index.checked_add(size as i128)? } else { index };
                    slots.clone().nth(usize::try_from(index).ok()?)
                });
                let number = index.map_or(String::new(), |index| format!("[{index}]"));
                let fault = || Fault::new(format!("{name}{number} is no element of the {size} inputs {name}"));
                let slot = element.ok_or_else(|| fault().hint(format!("write {name}[0] to {name}[{}]", size - 1)))?;
                Ok(Value::Angle(Param::slot(slot)))
            }
            Symbol::Qubits(_) => Err(Fault::new(format!("{name} is a qubit, not a number"))),
            Symbol::Bits(_) => Err(Fault::new(format!("{name} is only known when the circuit runs"))
                .hint("use classical bits only in the condition of an if")),
        }
    }

    fn size(&self, name: &str) -> Result<usize, Fault> {
        match self.symbol(name)?.1 {
            Symbol::Qubits(range) | Symbol::Bits(range) | Symbol::Inputs(range) => Ok(range.len()),
            Symbol::Value(_) => Err(Fault::new(format!("{name} is a number and has no size"))),
        }
    }

    fn real_division(&self) -> bool {
        self.version == Version::Two
    }

    /// Counts work, so that a short text cannot expand without bound.
    fn spend(&self, steps: usize) -> Result<(), Fault> {
        self.steps.set(self.steps.get().saturating_add(steps));
        if self.steps.get() <= self.most_steps {
            return Ok(());
        }
        let most = self.options.max_operations;
        let fault = Fault::new(format!("the circuit expands to more than {most} steps"));
        Err(fault.hint("write a smaller circuit, or read it with larger ReadOptions::max_operations"))
    }
}

impl Builder<'_> {
    /// The symbol and the depth of its scope.
    pub fn found(&self, name: &str) -> Option<(usize, &Symbol)> {
        self.scopes.iter().enumerate().rev().find_map(|(depth, scope)| Some((depth, scope.get(name)?)))
    }

    /// The same, or what else the name could be.
    pub fn symbol(&self, name: &str) -> Result<(usize, &Symbol), Fault> {
        self.found(name).ok_or_else(|| {
            let known = self.scopes.iter().flat_map(|scope| scope.keys()).map(String::as_str);
            suggest(Fault::new(format!("nothing is called {name}")), name, known)
        })
    }
}

/// Element `index` of a register; `from_end` if negative indices count from its end, as in OpenQASM 3.
pub(super) fn element(name: &str, register: &Indices<usize>, index: i128, from_end: bool) -> Result<usize, Fault> {
    let length = register.len() as i128;
    let position = if index < 0 && from_end { index.saturating_add(length) } else { index };
    match usize::try_from(position) {
        Ok(position) if position < register.len() => Ok(register.start + position),
        _ => {
            let fault = Fault::new(format!("{name}[{index}] is outside the register of {length}"));
            Err(fault.hint(format!("use 0 to {}", length - 1)))
        }
    }
}

/// Adds the nearest known name as a hint, if one is near.
pub(super) fn suggest<'n>(fault: Fault, name: &str, known: impl Iterator<Item = &'n str>) -> Fault {
    // Names within two letters of each other differ in length by two at most. The distance takes their product.
    const COMPARED: usize = 10_000;
    if name.len() > 64 {
        return fault;
    }
    let near = known.filter(|other| other.len().abs_diff(name.len()) <= 8).take(COMPARED);
    let near = near.map(|other| (strsim::damerau_levenshtein(name, other), other)).min();
    match near {
        Some((distance, other)) if distance <= 2 && distance < name.chars().count() => {
            fault.hint(format!("did you mean {other}?"))
        }
        _ => fault,
    }
}
