//! Expressions: one grammar and one evaluator for both versions.

use std::f64::consts::{E, PI, TAU};
use std::rc::Rc;

use super::binary::{binary, nonlinear, rounded_down};
use super::contents::{MACHINE, Register};
use super::error::{Fault, ReadResult, Span};
use super::scope::element;
use super::syntax::{Index, Range, Statement, Type};
use super::value::{Value, WIDEST};
use super::words::{Word, WordKind};
use crate::circuit::{Operation, Param};

/// An expression and its position.
#[derive(Clone, Debug)]
pub(super) struct Expression {
    pub kind: ExpressionKind,
    pub span: Span,
    /// Height of the tree, bounded so that no recursion over it can exhaust the stack.
    pub height: u16,
}

#[derive(Clone, Debug)]
pub(super) enum ExpressionKind {
    Value(Value),
    /// A whole number of more than 64 bits: its value as a real number, and its bits, 64 in each element, the least
    /// significant first. Registers are as wide.
    Long {
        real: f64,
        bits: Rc<[u64]>,
    },
    Name(String),
    /// `c[1]`, `c[0:2]`.
    Element(String, Box<Index>),
    /// `bit[8](x)[2:4]`: bits of a value that has no name.
    Part(Box<Expression>, Box<Index>),
    Unary(Unary, Box<Expression>),
    Binary(Binary, Box<Expression>, Box<Expression>),
    Call(String, Vec<Expression>),
    /// `durationof({ ... })`
    DurationOf(Rc<[Statement]>),
    /// `int(x)`, `uint[4](c)`.
    Cast {
        kind: Type,
        width: Option<Box<Expression>>,
        inner: Box<Expression>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Unary {
    Minus,
    Not,
    Complement,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Power,
    Equal,
    Different,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    And,
    Or,
    BitAnd,
    BitOr,
    BitXor,
    ShiftLeft,
    ShiftRight,
}

impl Binary {
    /// Whether the result is of the type of its operands.
    pub fn is_arithmetic(self) -> bool {
        matches!(self, Self::Add | Self::Subtract | Self::Multiply | Self::Divide | Self::Remainder)
    }
}

type Function = fn(f64) -> f64;

/// Functions of one real number, all names of both versions, and the operation on angles that are inputs.
const FUNCTIONS: &[(&str, Function, Option<Operation>)] = &[
    ("sin", f64::sin, Some(Operation::Sin)),
    ("cos", f64::cos, Some(Operation::Cos)),
    ("tan", f64::tan, Some(Operation::Tan)),
    ("exp", f64::exp, Some(Operation::Exp)),
    ("ln", f64::ln, Some(Operation::Ln)),
    ("log", f64::ln, Some(Operation::Ln)),
    ("sqrt", f64::sqrt, Some(Operation::Sqrt)),
    ("asin", f64::asin, Some(Operation::Asin)),
    ("acos", f64::acos, Some(Operation::Acos)),
    ("atan", f64::atan, Some(Operation::Atan)),
    ("arcsin", f64::asin, Some(Operation::Asin)),
    ("arccos", f64::acos, Some(Operation::Acos)),
    ("arctan", f64::atan, Some(Operation::Atan)),
    ("floor", f64::floor, None),
    ("ceiling", f64::ceil, None),
];

/// The operation on angles that a function of these values is, if one of them depends on inputs.
fn of_inputs(name: &str, values: &[Value]) -> Option<(Operation, [Param; 2])> {
    if !values.iter().any(|value| matches!(value, Value::Angle(Param::Slot { .. }))) {
        return None;
    }
    match (name, values) {
        ("pow", [a, b]) => Some((Operation::Power, [a.angle().ok()?, b.angle().ok()?])),
        (_, [x]) => {
            let (_, _, operation) = FUNCTIONS.iter().find(|(known, ..)| *known == name)?;
            Some(((*operation)?, [x.angle().ok()?, Param::Fixed(0.0)]))
        }
        _ => None,
    }
}

/// The constants of both versions.
pub(super) fn constant(name: &str) -> Option<f64> {
    match name {
        "pi" | "π" => Some(PI),
        "tau" | "τ" => Some(TAU),
        "euler" | "ℇ" => Some(E),
        _ => None,
    }
}

/// Which part of what a name stands for.
#[derive(Clone, Copy)]
pub(super) enum Selection<'a> {
    All,
    One(i128),
    /// In this order, the first least significant.
    Many(&'a [i128]),
    /// One index for each dimension.
    Path(&'a [i128]),
}

impl Index {
    /// Calls `take` with what is selected of a name.
    pub fn select<T>(
        &self,
        scope: &dyn Scope,
        name: &str,
        span: Span,
        take: impl FnOnce(Selection) -> ReadResult<T>,
    ) -> ReadResult<T> {
        match self {
            Self::All => take(Selection::All),
            Self::One(index) => {
                let index = index.integer(scope)?;
                take(Selection::One(index))
            }
            Self::Range(range) => {
                let size = scope.size(name, 0).map_err(|fault| fault.at(span))?;
                let many = range.elements(scope, size, span)?;
                take(Selection::Many(&many))
            }
            Self::Set(set) => {
                let many: Vec<i128> = set.iter().map(|index| index.integer(scope)).collect::<ReadResult<_>>()?;
                take(Selection::Many(&many))
            }
            Self::Path(path) => {
                let one = |index: &Self| match index {
                    Self::One(index) => index.integer(scope),
                    _ => {
                        let fault = Fault::new(format!("an expression takes one element of {name}"));
                        Err(fault.hint("write one number for each dimension").at(span))
                    }
                };
                let path: Vec<i128> = path.iter().map(one).collect::<ReadResult<_>>()?;
                take(Selection::Path(&path))
            }
        }
    }
}

/// `left operator right`, of which the parser never sees the whole.
pub(super) fn binary_of(operator: Binary, left: Expression, right: Expression, span: Span) -> Expression {
    let height = 1 + left.height.max(right.height);
    Expression { kind: ExpressionKind::Binary(operator, Box::new(left), Box::new(right)), span, height }
}

/// The meaning of names in a scope, and the version of its arithmetic.
pub(super) trait Scope {
    /// The value of a name, or of a part of it.
    fn value(&self, name: &str, part: Selection) -> Result<Value, Fault>;
    /// The number of elements of a register, or in a dimension of an array.
    fn size(&self, name: &str, dimension: usize) -> Result<usize, Fault>;
    /// Whether `1/2` is one half, as in OpenQASM 2.
    fn real_division(&self) -> bool;
    /// Whether a division of integers that leaves a rest is rounded down; if so it is noticed here.
    fn rounds_divisions(&self, at: Span) -> bool;
    /// Counts work, so that a short text cannot take without bound.
    fn spend(&self, steps: usize) -> Result<(), Fault>;
    /// The angle that an operation makes of angles that depend on inputs.
    fn derive(&self, operation: Operation, operands: [Param; 2]) -> Result<Param, Fault>;
    /// What a `durationof` is that has not been replaced by its value.
    fn untimed(&self, at: Span) -> Result<Value, Fault>;
    /// `left operator right`, one of which is a time that depends on stretches.
    fn stretch(&self, operator: Binary, left: Value, right: Value) -> Result<Value, Fault>;
}

impl Expression {
    /// One that is nothing but a value.
    pub fn value(value: Value, span: Span) -> Self {
        Self { kind: ExpressionKind::Value(value), span, height: 0 }
    }

    /// The value, or what is wrong and where.
    pub fn evaluate(&self, scope: &dyn Scope) -> ReadResult<Value> {
        let located = |fault: Fault| fault.at(self.span);
        scope.spend(1).map_err(located)?;
        let value = match &self.kind {
            ExpressionKind::Value(value) => *value,
            ExpressionKind::Long { real, .. } => Value::Real(*real),
            // What a text declares comes before the constants of the language.
            ExpressionKind::Name(name) => match (scope.value(name, Selection::All), constant(name)) {
                (Err(_), Some(value)) => Value::Real(value),
                (value, _) => value.map_err(located)?,
            },
            ExpressionKind::Element(name, index) => {
                index.select(scope, name, self.span, |part| scope.value(name, part).map_err(located))?
            }
            ExpressionKind::Part(inner, index) => {
                let word = Word::of(inner.evaluate(scope)?).map_err(located)?;
                let part = inner.part(word, index, scope)?;
                let refused = || Fault::new(format!("a part of {} bits", part.bits.len())).hint("use 1 to 64");
                part.known().ok_or_else(|| located(refused()))?
            }
            ExpressionKind::Unary(operator, inner) => {
                let value = inner.evaluate(scope)?;
                let result = match operator {
                    Unary::Not => value.truth().map(|truth| Value::Boolean(!truth)),
                    Unary::Minus if let Value::Stretch(_) = value => {
                        scope.stretch(Binary::Multiply, value, Value::Real(-1.0))
                    }
                    Unary::Minus => value.negated(),
                    Unary::Complement => value.complement(),
                };
                result.map_err(|fault| fault.at(inner.span))?
            }
            ExpressionKind::Binary(operator, left, right) => {
                let (a, b) = (left.evaluate(scope)?, right.evaluate(scope)?);
                let (a, b) = (left.beside(a, b, *operator), right.beside(b, a, *operator));
                match nonlinear(*operator, a, b) {
                    _ if matches!((a, b), (Value::Stretch(_), _) | (_, Value::Stretch(_))) => {
                        scope.stretch(*operator, a, b).map_err(located)?
                    }
                    Some((operation, operands)) => Value::Angle(scope.derive(operation, operands).map_err(located)?),
                    None if let Some(whole) = rounded_down(*operator, a, b)
                        && scope.rounds_divisions(self.span) =>
                    {
                        Value::Integer(whole)
                    }
                    None => binary(*operator, a, b, scope.real_division()).map_err(located)?,
                }
            }
            ExpressionKind::Call(name, arguments) if name == "sizeof" => size_of(arguments, scope, self.span)?,
            ExpressionKind::Call(name, arguments) => {
                let values: Vec<Value> = arguments.iter().map(|a| a.evaluate(scope)).collect::<ReadResult<_>>()?;
                match of_inputs(name, &values) {
                    Some((operation, operands)) => Value::Angle(scope.derive(operation, operands).map_err(located)?),
                    None => call(name, &values, scope.real_division()).map_err(located)?,
                }
            }
            ExpressionKind::DurationOf(_) => scope.untimed(self.span).map_err(located)?,
            ExpressionKind::Cast { kind, width, inner } => {
                let width = width.as_ref().map(|width| width.width(scope)).transpose()?;
                match inner.evaluate(scope)? {
                    // A single bit is a truth value.
                    Value::Bits { value, width: 1, .. } if *kind == Type::Bit => Value::Boolean(value == 1),
                    value => value,
                }
                .cast(*kind, width)
                .map_err(located)?
            }
        };
        if value.is_finite() {
            Ok(value)
        } else {
            let hint = "check for divisions by zero, roots and logarithms of negative numbers, overflow";
            Err(located(Fault::new("this is not a finite number").hint(hint)))
        }
    }

    /// Its value beside another operand: a literal is of the type of an unsigned integer that it is combined with.
    fn beside(&self, value: Value, other: Value, operator: Binary) -> Value {
        match (&self.kind, value, other) {
            (ExpressionKind::Value(_), Value::Integer(number), Value::Bits { width, register: false, .. })
                if operator.is_arithmetic() && number >= 0 && number >> width == 0 =>
            {
                Value::unsigned(number as u64, width)
            }
            _ => value,
        }
    }

    /// Bits of what it is as a word.
    pub fn part(&self, word: Word, index: &Index, scope: &dyn Scope) -> ReadResult<Word> {
        let size = match (&self.kind, word.kind) {
            (ExpressionKind::Cast { width: Some(width), .. }, _) => width.width(scope)? as usize,
            (_, WordKind::Signed) => word.bits.len().max(MACHINE as usize),
            _ => word.bits.len(),
        };
        let word = word.extended(size);
        let register = Register::Run(0..size);
        let one = |index: i128| element("this value", &register, index, true).map_err(|fault| fault.at(self.span));
        let chosen: Vec<usize> = match index {
            Index::One(index) => vec![one(index.integer(scope)?)?],
            Index::Range(range) => {
                range.elements(scope, size, self.span)?.into_iter().map(one).collect::<ReadResult<_>>()?
            }
            Index::Set(set) => set.iter().map(|index| index.integer(scope).and_then(one)).collect::<ReadResult<_>>()?,
            Index::All | Index::Path(_) => return Err(Fault::new("this value has one dimension").at(self.span)),
        };
        let bits = chosen.into_iter().map(|at| word.bits[at]).collect();
        Ok(Word { bits, kind: WordKind::Register })
    }

    /// The value, which has to be an integer.
    pub fn integer(&self, scope: &dyn Scope) -> ReadResult<i128> {
        self.evaluate(scope)?.integer().map_err(|fault| fault.at(self.span))
    }

    /// The value as the number of bits of a type.
    pub fn width(&self, scope: &dyn Scope) -> ReadResult<u32> {
        match self.integer(scope)? {
            width if (1..=WIDEST as i128).contains(&width) => Ok(width as u32),
            width => {
                let fault = Fault::new(format!("a type of {width} bits"));
                Err(fault.hint(format!("use 1 to {WIDEST}")).at(self.span))
            }
        }
    }
}

impl Range {
    /// The integers of the range, both ends included; `ends` where the text leaves them out.
    pub fn integers(
        &self,
        scope: &dyn Scope,
        ends: (i128, i128),
        span: Span,
    ) -> ReadResult<impl Iterator<Item = i128> + use<>> {
        let integer = |part: &Option<Expression>, other: i128| match part {
            None => Ok(other),
            Some(part) => part.integer(scope),
        };
        let step = integer(&self.step, 1)?;
        let (start, stop) = (integer(&self.start, ends.0)?, integer(&self.stop, ends.1)?);
        if step == 0 {
            return Err(Fault::new("a range with step 0 has no end").at(span));
        }
        let count = if (stop > start) == (step > 0) || stop == start {
            stop.saturating_sub(start).checked_div(step).map_or(0, |steps| steps.saturating_add(1))
        } else {
            0
        };
        scope.spend(usize::try_from(count).unwrap_or(usize::MAX)).map_err(|fault| fault.at(span))?;
        Ok((0..count).map(move |k| start + k * step))
    }

    /// The same as elements of a register of so many, none of them twice.
    pub fn elements(&self, scope: &dyn Scope, length: usize, span: Span) -> ReadResult<Vec<i128>> {
        let found: Vec<i128> = self.integers(scope, (0, length as i128 - 1), span)?.take(length + 1).collect();
        if found.len() > length {
            let fault = Fault::new(format!("this range has more elements than the register, which has {length}"));
            return Err(fault.hint(format!("use 0 to {}", length.saturating_sub(1))).at(span));
        }
        Ok(found)
    }
}

/// `sizeof(q)`, `sizeof(a, 1)`.
fn size_of(arguments: &[Expression], scope: &dyn Scope, span: Span) -> ReadResult<Value> {
    let (name, dimension) = match arguments {
        [Expression { kind: ExpressionKind::Name(name), .. }] => (name, 0),
        [Expression { kind: ExpressionKind::Name(name), .. }, dimension] => (name, dimension.integer(scope)?),
        _ => return Err(Fault::new("sizeof takes the name of a register").at(span)),
    };
    let Ok(dimension) = usize::try_from(dimension) else {
        return Err(Fault::new(format!("{name} has no dimension {dimension}")).hint("use 0").at(span));
    };
    Ok(Value::Integer(scope.size(name, dimension).map_err(|fault| fault.at(span))? as i128))
}

/// Functions of other values than one real number.
const OTHER_FUNCTIONS: [&str; 8] = ["pow", "mod", "sizeof", "popcount", "rotl", "rotr", "real", "imag"];

/// Whether a name is that of a function.
pub(super) fn is_function(name: &str) -> bool {
    FUNCTIONS.iter().map(|(known, ..)| *known).chain(OTHER_FUNCTIONS).any(|known| known == name)
}

fn call(name: &str, values: &[Value], real_division: bool) -> Result<Value, Fault> {
    if let Some((_, function, _)) = FUNCTIONS.iter().find(|(known, ..)| *known == name) {
        return match values {
            [x] => Ok(Value::Real(function(x.real()?))),
            _ => Err(Fault::new(format!("{name} takes one number, {} were given", values.len()))),
        };
    }
    match (name, values) {
        ("pow", [a, b]) => binary(Binary::Power, *a, *b, real_division),
        ("mod", [a, b]) => binary(Binary::Remainder, *a, *b, real_division),
        ("popcount", [Value::Bits { value, .. }]) => Ok(Value::Integer(value.count_ones().into())),
        ("real", [Value::Complex { re, .. }]) => Ok(Value::Real(*re)),
        ("imag", [Value::Complex { im, .. }]) => Ok(Value::Real(*im)),
        ("rotl" | "rotr", [Value::Bits { value, width, .. }, count]) => {
            let count = count.integer()?.rem_euclid(i128::from(*width)) as u32;
            let left = if name == "rotl" { count } else { (width - count) % width };
            let low = value.checked_shr(width - left).unwrap_or(0);
            Ok(Value::bits(value << left | low, *width))
        }
        _ => {
            let known: Vec<&str> =
                OTHER_FUNCTIONS.into_iter().chain(FUNCTIONS.iter().map(|(name, ..)| *name)).collect();
            Err(Fault::new(format!("there is no function {name} of {} arguments", values.len()))
                .hint(format!("known are {}", known.join(", "))))
        }
    }
}
