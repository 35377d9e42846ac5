//! What names hold: registers, variables and arrays.

use std::cell::Cell;
use std::ops::Range as Indices;
use std::rc::Rc;

use super::error::{Fault, Span};
use super::logic::Signal;
use super::syntax::Type;
use super::value::Value;
use super::words::{Word, WordKind};

/// Bits of `int` and `uint` that are declared without a width, where they depend on measurements.
pub(super) const MACHINE: u32 = 32;

/// Qubits or bits that a name stands for.
#[derive(Clone, Debug)]
pub(super) enum Register {
    Run(Indices<usize>),
    List(Rc<[usize]>),
}

impl Register {
    pub fn len(&self) -> usize {
        match self {
            Self::Run(run) => run.len(),
            Self::List(list) => list.len(),
        }
    }

    pub fn get(&self, position: usize) -> Option<usize> {
        match self {
            Self::Run(run) => run.clone().nth(position),
            Self::List(list) => list.get(position).copied(),
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.len()).filter_map(|position| self.get(position))
    }
}

/// What a variable holds.
#[derive(Clone, Debug)]
pub(super) enum Content {
    Known(Value),
    Word(Word),
}

impl Content {
    /// A word whose bits are all known is a value.
    pub fn of(word: Word) -> Self {
        word.known().map_or(Self::Word(word), Self::Known)
    }

    /// Steps that a copy of it counts as, beside the first.
    pub fn weight(&self) -> usize {
        match self {
            Self::Known(_) => 0,
            Self::Word(word) => word.bits.len() / 4,
        }
    }

    pub fn word(&self) -> Result<Word, Fault> {
        match self {
            Self::Known(value) => Word::of(*value),
            Self::Word(word) => Ok(word.clone()),
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Variable {
    pub kind: Type,
    pub width: Option<u32>,
    pub content: Content,
    /// How deep in branches that depend on measurements it was declared.
    pub depth: usize,
    /// Whether it has been given no value, and its declaration.
    pub unset: Cell<bool>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub(super) struct Array {
    pub kind: Type,
    pub width: Option<u32>,
    pub sizes: Vec<usize>,
    /// The last index changes fastest.
    pub items: Vec<Content>,
    pub depth: usize,
}

/// The value 0 of a type.
pub(super) fn zero(kind: Type, width: Option<u32>) -> Content {
    let value = match (kind, width) {
        (Type::Int | Type::Uint, None) | (Type::Int, _) => Value::Integer(0),
        (Type::Uint, Some(width)) => Value::unsigned(0, width),
        (Type::Bool, _) => Value::Boolean(false),
        (Type::Bit, width) if width.unwrap_or(1) > 64 => {
            let bits = vec![Signal::Known(false); width.unwrap_or(1) as usize];
            return Content::Word(Word { bits, kind: WordKind::Register });
        }
        (Type::Bit, width) => Value::bits(0, width.unwrap_or(1)),
        (Type::Angle, Some(width)) => Value::turn(0, width),
        (Type::Float | Type::Angle, _) => Value::Real(0.0),
        (Type::Complex, _) => Value::Complex { re: 0.0, im: 0.0 },
        (Type::Duration, _) => Value::Duration { seconds: 0.0, cycles: 0.0 },
    };
    Content::Known(value)
}

/// What a name or a part of one reads as.
pub(super) enum Read {
    Value(Value),
    Word(Word),
}

impl From<Content> for Read {
    fn from(content: Content) -> Self {
        match content {
            Content::Known(value) => Self::Value(value),
            Content::Word(word) => Self::Word(word),
        }
    }
}
