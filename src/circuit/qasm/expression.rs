//! Expressions: one grammar and one evaluator for both versions.

use std::f64::consts::{E, PI, TAU};

use super::error::{Fault, ReadResult, Span};
use crate::circuit::Param;

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
    Name(String),
    /// `c[1]`.
    Element(String, Box<Expression>),
    Unary(Unary, Box<Expression>),
    Binary(Binary, Box<Expression>, Box<Expression>),
    Call(String, Vec<Expression>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Unary {
    Minus,
    Not,
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
}

/// What an expression can be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value {
    Integer(i128),
    Real(f64),
    Boolean(bool),
    /// Affine in one input.
    Angle(Param),
}

type Function = fn(f64) -> f64;

/// Functions of one real number, all names of both versions.
const FUNCTIONS: &[(&str, Function)] = &[
    ("sin", f64::sin),
    ("cos", f64::cos),
    ("tan", f64::tan),
    ("exp", f64::exp),
    ("ln", f64::ln),
    ("log", f64::ln),
    ("sqrt", f64::sqrt),
    ("asin", f64::asin),
    ("acos", f64::acos),
    ("atan", f64::atan),
    ("arcsin", f64::asin),
    ("arccos", f64::acos),
    ("arctan", f64::atan),
    ("floor", f64::floor),
    ("ceiling", f64::ceil),
];

const NOT_AFFINE: &str = "an angle may be scaled and shifted but hold one input: declare one input for the whole expression and compute it outside";

/// The constants of both versions.
pub(super) fn constant(name: &str) -> Option<f64> {
    match name {
        "pi" | "π" => Some(PI),
        "tau" | "τ" => Some(TAU),
        "euler" | "ℇ" => Some(E),
        _ => None,
    }
}

impl Value {
    /// As an angle of a gate.
    pub fn angle(self) -> Result<Param, Fault> {
        match self {
            Self::Integer(value) => Ok(Param::Fixed(value as f64)),
            Self::Real(value) => Ok(Param::Fixed(value)),
            Self::Angle(param) => Ok(param),
            Self::Boolean(_) => Err(Fault::new("a truth value is no angle").hint("write a number in radians")),
        }
    }

    /// As a real number.
    pub fn real(self) -> Result<f64, Fault> {
        match self.angle()? {
            Param::Fixed(value) => Ok(value),
            Param::Slot { .. } => Err(Fault::new("this depends on an input, but a number is needed").hint(NOT_AFFINE)),
        }
    }

    /// As an integer.
    pub fn integer(self) -> Result<i128, Fault> {
        match self {
            Self::Integer(value) => Ok(value),
            Self::Boolean(value) => Ok(i128::from(value)),
            Self::Real(value) => {
                Err(Fault::new(format!("{value} is not an integer")).hint("write a whole number without a point"))
            }
            Self::Angle(_) => Err(Fault::new("an input is not an integer").hint("write a whole number")),
        }
    }

    /// As a truth value.
    pub fn truth(self) -> Result<bool, Fault> {
        match self {
            Self::Boolean(value) => Ok(value),
            Self::Integer(value) => Ok(value != 0),
            _ => Err(Fault::new("this is not a truth value").hint("compare bits with integers, as in c == 3")),
        }
    }
}

/// The meaning of names in a scope, and the version of its arithmetic.
pub(super) trait Scope {
    /// The value of a name, of an element of it when `index` is given.
    fn value(&self, name: &str, index: Option<i128>) -> Result<Value, Fault>;
    /// Whether `1/2` is one half, as in OpenQASM 2.
    fn real_division(&self) -> bool;
}

impl Expression {
    /// The value, or what is wrong and where.
    pub fn evaluate(&self, scope: &dyn Scope) -> ReadResult<Value> {
        let located = |fault: Fault| fault.at(self.span);
        let value = match &self.kind {
            ExpressionKind::Value(value) => *value,
            ExpressionKind::Name(name) => match constant(name) {
                Some(value) => Value::Real(value),
                None => scope.value(name, None).map_err(located)?,
            },
            ExpressionKind::Element(name, index) => {
                let index = index.evaluate(scope)?.integer().map_err(|fault| fault.at(index.span))?;
                scope.value(name, Some(index)).map_err(located)?
            }
            ExpressionKind::Unary(Unary::Not, inner) => {
                Value::Boolean(!inner.evaluate(scope)?.truth().map_err(|fault| fault.at(inner.span))?)
            }
            ExpressionKind::Unary(Unary::Minus, inner) => match inner.evaluate(scope)? {
                Value::Integer(value) => Value::Integer(value.saturating_neg()),
                other => Value::of(-other.angle().map_err(|fault| fault.at(inner.span))?),
            },
            ExpressionKind::Binary(operator, left, right) => {
                let (left, right) = (left.evaluate(scope)?, right.evaluate(scope)?);
                binary(*operator, left, right, scope.real_division()).map_err(located)?
            }
            ExpressionKind::Call(name, arguments) => {
                let values: Vec<Value> = arguments.iter().map(|a| a.evaluate(scope)).collect::<ReadResult<_>>()?;
                call(name, &values, scope.real_division()).map_err(located)?
            }
        };
        let finite = match value {
            Value::Real(x) | Value::Angle(Param::Fixed(x)) => x.is_finite(),
            Value::Angle(Param::Slot { scale, offset, .. }) => scale.is_finite() && offset.is_finite(),
            _ => true,
        };
        if finite {
            Ok(value)
        } else {
            let hint = "check for divisions by zero, roots and logarithms of negative numbers, overflow";
            Err(located(Fault::new("this is not a finite number").hint(hint)))
        }
    }
}

impl Value {
    fn of(param: Param) -> Self {
        match param {
            Param::Fixed(value) => Self::Real(value),
            Param::Slot { .. } => Self::Angle(param),
        }
    }
}

fn binary(operator: Binary, left: Value, right: Value, real_division: bool) -> Result<Value, Fault> {
    use Binary as B;
    match operator {
        B::And => return Ok(Value::Boolean(left.truth()? && right.truth()?)),
        B::Or => return Ok(Value::Boolean(left.truth()? || right.truth()?)),
        B::Equal | B::Different | B::Less | B::LessEqual | B::Greater | B::GreaterEqual => {
            let (a, b) = (left.integer()?, right.integer()?);
            return Ok(Value::Boolean(match operator {
                B::Equal => a == b,
                B::Different => a != b,
                B::Less => a < b,
                B::LessEqual => a <= b,
                B::Greater => a > b,
                _ => a >= b,
            }));
        }
        _ => {}
    }
    if let (Value::Integer(a), Value::Integer(b)) = (left, right)
        && let Some(result) = integers(operator, a, b, real_division)?
    {
        return Ok(Value::Integer(result));
    }
    let (a, b) = (left.angle()?, right.angle()?);
    let result = match (operator, a, b) {
        (B::Add, a, Param::Fixed(b)) => a + b,
        (B::Add, Param::Fixed(a), b) => b + a,
        (B::Subtract, a, Param::Fixed(b)) => a + -b,
        (B::Subtract, Param::Fixed(a), b) => -b + a,
        (B::Multiply, a, Param::Fixed(b)) => a * b,
        (B::Multiply, Param::Fixed(a), b) => b * a,
        (B::Divide, Param::Fixed(a), Param::Fixed(b)) => Param::Fixed(a / b),
        (B::Divide, Param::Slot { slot, scale, offset }, Param::Fixed(b)) => {
            Param::Slot { slot, scale: scale / b, offset: offset / b }
        }
        (
            B::Add | B::Subtract,
            Param::Slot { slot: first, scale: s, offset: x },
            Param::Slot { slot: second, scale: t, offset: y },
        ) if first == second => {
            let sign = if operator == B::Add { 1.0 } else { -1.0 };
            Param::Slot { slot: first, scale: s + sign * t, offset: x + sign * y }
        }
        (B::Power, Param::Fixed(a), Param::Fixed(b)) => Param::Fixed(a.powf(b)),
        (B::Remainder, Param::Fixed(a), Param::Fixed(b)) => Param::Fixed(a % b),
        _ => return Err(Fault::new("this is not affine in one input").hint(NOT_AFFINE)),
    };
    Ok(Value::of(result))
}

/// Exact arithmetic of integers; `None` where real numbers are needed.
fn integers(operator: Binary, a: i128, b: i128, real_division: bool) -> Result<Option<i128>, Fault> {
    let too_large =
        || Fault::new("this integer is too large").hint("write it with a point to compute with real numbers");
    let checked = match operator {
        Binary::Add => a.checked_add(b),
        Binary::Subtract => a.checked_sub(b),
        Binary::Multiply => a.checked_mul(b),
        Binary::Remainder if b != 0 => a.checked_rem(b),
        Binary::Divide if b != 0 && a.checked_rem(b) == Some(0) => a.checked_div(b),
        Binary::Divide if !real_division && b != 0 => {
            let message =
                format!("{a}/{b} is a division of integers, which OpenQASM 3 rounds to {}", a.wrapping_div(b));
            return Err(Fault::new(message).hint(format!("write {a}.0/{b} for the real number")));
        }
        Binary::Power if b >= 0 => u32::try_from(b).ok().and_then(|b| a.checked_pow(b)),
        _ => return Ok(None),
    };
    if checked.is_none() && !real_division { Err(too_large()) } else { Ok(checked) }
}

fn call(name: &str, values: &[Value], real_division: bool) -> Result<Value, Fault> {
    if let Some((_, function)) = FUNCTIONS.iter().find(|(known, _)| *known == name) {
        return match values {
            [x] => Ok(Value::Real(function(x.real()?))),
            _ => Err(Fault::new(format!("{name} takes one number, {} were given", values.len()))),
        };
    }
    match (name, values) {
        ("pow", [a, b]) => binary(Binary::Power, *a, *b, real_division),
        ("mod", [a, b]) => binary(Binary::Remainder, *a, *b, real_division),
        // Casts of OpenQASM 3.
        ("float" | "angle", [x]) => Ok(Value::Real(x.real()?)),
        ("int" | "uint", [x]) => match x {
            Value::Real(x) => Ok(Value::Integer(x.trunc() as i128)),
            _ => Ok(Value::Integer(x.integer()?)),
        },
        _ => {
            let known: Vec<&str> = FUNCTIONS.iter().map(|(name, _)| *name).collect();
            Err(Fault::new(format!("there is no function {name} of {} arguments", values.len()))
                .hint(format!("known are pow, mod and {}", known.join(", "))))
        }
    }
}
