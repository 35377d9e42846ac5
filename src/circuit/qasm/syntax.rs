//! The statements of both versions as a tree.

use super::error::Span;
use super::expression::Expression;

/// A name and its position.
#[derive(Clone, Debug)]
pub(super) struct Name {
    pub text: String,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub(super) struct Statement {
    pub kind: StatementKind,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub(super) enum StatementKind {
    /// `gate name(params) qubits { body }`; without a body `opaque`.
    Gate {
        name: Name,
        params: Vec<Name>,
        qubits: Vec<Name>,
        body: Option<Vec<Statement>>,
    },
    /// `qreg q[2];`, `qubit[2] q;`, `qubit q;`
    Qubits {
        name: Name,
        size: Option<Expression>,
    },
    /// `creg c[2];`, `bit[2] c;`, `bit c = measure q;`
    Bits {
        name: Name,
        size: Option<Expression>,
        measured: Option<Operand>,
    },
    /// `input float x;`, `input array[float, 3] x;`
    Input {
        name: Name,
        size: Option<Expression>,
    },
    /// `const float a = 2;`, `const uint[4] n = 3;`
    Constant {
        kind: Type,
        width: Option<Expression>,
        name: Name,
        value: Expression,
    },
    /// A gate on operands.
    Call {
        modifiers: Vec<Modifier>,
        name: Name,
        arguments: Vec<Expression>,
        operands: Vec<Operand>,
    },
    /// `measure q -> c;`, `c = measure q;`
    Measure {
        from: Operand,
        to: Operand,
    },
    Reset(Operand),
    /// No operands: all qubits.
    Barrier(Vec<Operand>),
    Delay {
        time: Expression,
        operands: Vec<Operand>,
    },
    If {
        condition: Expression,
        then: Vec<Statement>,
        otherwise: Vec<Statement>,
    },
    For {
        variable: Name,
        range: ForRange,
        body: Vec<Statement>,
    },
    /// A scope of its own: `{ ... }` or `box { ... }`.
    Block(Vec<Statement>),
}

/// `q`, `q[1]`, `q[0:2]`, `$3`.
#[derive(Clone, Debug)]
pub(super) struct Operand {
    pub name: Name,
    pub index: Index,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub(super) enum Index {
    All,
    One(Expression),
    /// First, step, last, both ends included.
    Range(Range),
}

/// `start:stop` or `start:step:stop`, both ends included; a missing end is the register's.
#[derive(Clone, Debug)]
pub(super) struct Range {
    pub start: Option<Expression>,
    pub step: Option<Expression>,
    pub stop: Option<Expression>,
}

#[derive(Clone, Debug)]
pub(super) enum ForRange {
    Range(Range),
    Set(Vec<Expression>),
}

#[derive(Clone, Debug)]
pub(super) enum Modifier {
    Inverse,
    Power(Expression),
    /// How many qubits, and the value they must have.
    Control {
        count: Option<Expression>,
        value: bool,
    },
}

/// Types of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Float,
    Angle,
    Int,
    Uint,
    Bool,
    Bit,
    Duration,
}

/// The types with their names.
const TYPES: [(&str, Type); 7] = [
    ("float", Type::Float),
    ("angle", Type::Angle),
    ("int", Type::Int),
    ("uint", Type::Uint),
    ("bool", Type::Bool),
    ("bit", Type::Bit),
    ("duration", Type::Duration),
];

impl Type {
    /// The type of this name.
    pub fn named(name: &str) -> Option<Self> {
        TYPES.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        TYPES.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }
}
