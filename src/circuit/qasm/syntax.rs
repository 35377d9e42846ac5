//! The statements of both versions as a tree.

use std::rc::Rc;

use super::error::Span;
use super::expression::{Binary, Expression};

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

impl Statement {
    /// Without its annotations.
    pub fn bare(&self) -> &Self {
        match &self.kind {
            StatementKind::Annotated { statement, .. } => statement.bare(),
            _ => self,
        }
    }
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
    /// `def name(params) -> type { body }`
    Subroutine(Rc<Subroutine>),
    /// `extern name(types) -> type;`
    Extern(Rc<Extern>),
    /// `qreg q[2];`, `qubit[2] q;`, `qubit q;`
    Qubits {
        name: Name,
        size: Option<Expression>,
    },
    /// `creg c[2];`, `bit[2] c;`, `bit c = measure q;`, `output bit c;`
    Bits {
        name: Name,
        size: Option<Expression>,
        initial: Option<Source>,
        output: bool,
    },
    /// `input float x;`, `input array[float, 3] x;`, `input int[8] n;`
    Input {
        kind: Type,
        width: Option<Expression>,
        name: Name,
        size: Option<Expression>,
    },
    /// `int[8] n = 3;`, `array[uint[4], 2, 3] a;`, `output uint[4] n;`
    Variable {
        declared: DeclaredType,
        name: Name,
        initial: Option<Source>,
        output: bool,
    },
    /// `let a = q[0:2] ++ r;`
    Alias {
        name: Name,
        parts: Vec<Operand>,
    },
    /// `c = "01";`, `n += 2;`
    Assign {
        to: Operand,
        operator: Option<Binary>,
        source: Source,
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
    /// `measure q;`, whose outcome nobody keeps.
    MeasureAway(Operand),
    Reset(Operand),
    /// `nop q;`
    Nop(Vec<Operand>),
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
        /// The type that the text gives it.
        kind: Option<(Type, Option<Expression>)>,
        range: ForRange,
        body: Vec<Statement>,
    },
    While {
        condition: Expression,
        body: Vec<Statement>,
    },
    Switch {
        on: Expression,
        cases: Vec<(Vec<Expression>, Vec<Statement>)>,
        otherwise: Vec<Statement>,
    },
    /// `f(2) + 1;`
    Expression(Expression),
    Break,
    Continue,
    End,
    Return(Option<Source>),
    /// A scope of its own: `{ ... }`.
    Block(Vec<Statement>),
    /// `box { ... }`, `box[100ns] { ... }`
    Box {
        time: Option<Expression>,
        body: Vec<Statement>,
    },
    /// `pragma vendor.name …`
    Pragma(String),
    /// `@vendor.name …` on the lines before a statement.
    Annotated {
        annotations: Vec<Name>,
        statement: Box<Statement>,
    },
    /// `stretch a;`, `stretch b = 2 * a;`
    Stretch {
        name: Name,
        initial: Option<Expression>,
    },
}

/// What a variable is given.
#[derive(Clone, Debug)]
pub(super) enum Source {
    Expression(Expression),
    /// `= measure q`
    Measure(Operand),
    /// `= {1, 2}`
    List(Vec<Source>, Span),
    /// `= a ++ b[1:2]`, of arrays.
    Joined(Vec<Expression>, Span),
}

/// The type of a variable: a scalar, or an array of them.
#[derive(Clone, Debug)]
pub(super) struct DeclaredType {
    pub kind: Type,
    pub width: Option<Expression>,
    /// Sizes of an array; empty for a scalar.
    pub sizes: Vec<Expression>,
}

/// What a subroutine takes.
#[derive(Clone, Debug)]
pub(super) struct Parameter {
    pub name: Name,
    pub kind: ParameterKind,
}

#[derive(Clone, Debug)]
pub(super) enum ParameterKind {
    /// `qubit q`, `qubit[3] q`.
    Qubits(Option<Expression>),
    Scalar {
        kind: Type,
        width: Option<Expression>,
    },
    /// `readonly array[...] a`, `mutable array[...] a`.
    Array {
        mutable: bool,
    },
}

/// A function that the text does not define.
#[derive(Clone, Debug)]
pub(super) struct Extern {
    pub name: Name,
    pub params: Vec<ParameterKind>,
    pub returns: Option<(Type, Option<Expression>)>,
}

/// What a caller gives an extern to compute: `vote(a) = popcount(a) > 1`.
#[derive(Clone, Debug)]
pub(super) struct Binding {
    pub name: Name,
    pub params: Vec<Name>,
    pub value: Expression,
}

#[derive(Clone, Debug)]
pub(super) struct Subroutine {
    pub name: Name,
    pub params: Vec<Parameter>,
    pub returns: Option<(Type, Option<Expression>)>,
    pub body: Vec<Statement>,
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
    /// `q[{0, 3}]`
    Set(Vec<Expression>),
    /// `a[1, 2]`, `a[1][2]`: one for each dimension, the bits of a number behind them.
    Path(Vec<Index>),
}

impl Index {
    /// The expressions in it.
    pub fn expressions(&self) -> Vec<&Expression> {
        match self {
            Self::All => Vec::new(),
            Self::One(one) => vec![one],
            Self::Range(range) => [&range.start, &range.step, &range.stop].into_iter().flatten().collect(),
            Self::Set(set) => set.iter().collect(),
            Self::Path(path) => path.iter().flat_map(Self::expressions).collect(),
        }
    }
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
    /// Elements of an array, a register or the bits of a number.
    Elements(Operand),
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
    Complex,
}

/// The types with their names.
const TYPES: [(&str, Type); 8] = [
    ("float", Type::Float),
    ("angle", Type::Angle),
    ("int", Type::Int),
    ("uint", Type::Uint),
    ("bool", Type::Bool),
    ("bit", Type::Bit),
    ("duration", Type::Duration),
    ("complex", Type::Complex),
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
