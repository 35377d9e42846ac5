//! What the names of a text stand for, and how much work it may take.

use super::build::{Builder, Symbol};
use super::contents::{Content, Read, Register};
use super::cursor::Version;
use super::error::{Fault, Span};
use super::expression::{Binary, Scope, Selection};
use super::syntax::Type;
use super::value::Value;
use super::variables::{bits_of, part_of};
use crate::circuit::{Operation, Param};

impl Scope for Builder<'_> {
    fn value(&self, name: &str, part: Selection) -> Result<Value, Fault> {
        let (depth, symbol) = self.symbol(name)?;
        match symbol {
            Symbol::Value(Value::Angle(_)) | Symbol::Inputs(_) if self.inside_gate && depth == 0 => {
                Err(Fault::new(format!("the input {name} is out of reach inside a gate"))
                    .hint("hand it to the gate as a parameter"))
            }
            Symbol::Value(value) => match part {
                Selection::All => Ok(*value),
                _ => {
                    let (kind, width) = match value {
                        Value::Integer(_) => (Type::Int, None),
                        Value::Bits { width, .. } => (Type::Bit, Some(*width)),
                        Value::Turn { width, .. } => (Type::Angle, Some(*width)),
                        _ => return Err(Fault::new(format!("{name} is a number and has no elements"))),
                    };
                    match part_of(name, &Content::Known(*value), (kind, width), part)? {
                        Read::Value(value) => Ok(value),
                        Read::Word(_) => Err(Fault::new(format!("{name} has no such part"))),
                    }
                }
            },
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
            Symbol::Bits(_) | Symbol::Variable(_) | Symbol::Array(_) => match self.read(name, part)? {
                Some(Read::Value(value)) => Ok(value),
                Some(Read::Word(word)) if let Some(value) = word.known() => Ok(value),
                _ => Err(Fault::new(format!("{name} is only known when the circuit runs"))
                    .hint("use it in conditions, angles of gates and assignments")),
            },
        }
    }

    fn size(&self, name: &str, dimension: usize) -> Result<usize, Fault> {
        let sizes = match self.symbol(name)?.1 {
            Symbol::Qubits(register) | Symbol::Bits(register) => vec![register.len()],
            Symbol::Inputs(range) => vec![range.len()],
            Symbol::Array(array) => array.sizes.clone(),
            Symbol::Variable(variable) => bits_of(variable.kind, variable.width).into_iter().collect(),
            Symbol::Value(Value::Bits { width, .. } | Value::Turn { width, .. }) => vec![*width as usize],
            Symbol::Value(_) => Vec::new(),
        };
        match sizes.get(dimension) {
            Some(size) => Ok(*size),
            None if sizes.is_empty() => Err(Fault::new(format!("{name} is a number and has no size"))),
            None => Err(Fault::new(format!("{name} has no dimension {dimension}")).hint("dimensions begin with 0")),
        }
    }

    fn real_division(&self) -> bool {
        self.version == Version::Two
    }

    fn rounds_divisions(&self, at: Span) -> bool {
        let rounds = self.options.rounds_divisions && !self.real_division();
        if rounds {
            let what =
                "a division of integers leaves a rest and is rounded down; write one with a point for the real number";
            self.note_late(at, what.into());
        }
        rounds
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

    fn derive(&self, operation: Operation, operands: [Param; 2]) -> Result<Param, Fault> {
        // It takes the memory of some operations.
        self.spend(2)?;
        Ok(self.derived.borrow_mut().derive(operation, operands))
    }

    fn untimed(&self, at: Span) -> Result<Value, Fault> {
        if self.options.times.is_some() {
            return Err(Fault::new("durationof has no value here").hint("give it to a duration first"));
        }
        self.note_late(at, "durationof is taken as 0: it needs the times of a device".into());
        Ok(Value::Duration { seconds: 0.0, cycles: 0.0 })
    }

    fn stretch(&self, operator: Binary, left: Value, right: Value) -> Result<Value, Fault> {
        self.spend(2)?;
        self.stretches.borrow_mut().combined(operator, left, right)
    }
}

impl Builder<'_> {
    /// The symbol and the depth of its scope.
    pub fn found(&self, name: &str) -> Option<(usize, &Symbol)> {
        let inner = self.scopes.iter().enumerate().skip(self.base).rev();
        inner.chain(self.scopes.iter().enumerate().take(1)).find_map(|(depth, scope)| Some((depth, scope.get(name)?)))
    }

    /// The symbol itself.
    pub fn found_mut(&mut self, name: &str) -> Option<&mut Symbol> {
        let (depth, _) = self.found(name)?;
        self.scopes[depth].get_mut(name)
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
pub(super) fn element(name: &str, register: &Register, index: i128, from_end: bool) -> Result<usize, Fault> {
    let length = register.len() as i128;
    let position = if index < 0 && from_end { index.saturating_add(length) } else { index };
    match usize::try_from(position).ok().and_then(|position| register.get(position)) {
        Some(found) => Ok(found),
        None => {
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
    // Other programs write gates in capitals.
    let lower = name.to_lowercase();
    let near = near.map(|other| (strsim::damerau_levenshtein(&lower, &other.to_lowercase()), other)).min();
    match near {
        Some((distance, other)) if distance <= 2 && distance < name.chars().count() => {
            fault.hint(format!("did you mean {other}?"))
        }
        _ => fault,
    }
}
