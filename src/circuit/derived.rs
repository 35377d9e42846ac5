//! Angles that are computed of other angles before a circuit runs.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::circuit::{Op, Param, qasm};

/// An angle made of two others by one operation. The circuit knows it as one further slot, behind its own and behind those
/// made before it: engines, noise and transpilation see an angle like any other, and derivatives follow by the chain rule.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Derived {
    /// What is computed.
    pub operation: Operation,
    /// Of what; a function of one angle has 0 as its second.
    pub operands: [Param; 2],
}

/// An operation on angles. Its row in [`OPERATIONS`] says what it computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "the rows of the table say what they are")]
pub enum Operation {
    Add,
    Multiply,
    Divide,
    Power,
    Sin,
    Cos,
    Tan,
    Exp,
    Ln,
    Sqrt,
    Asin,
    Acos,
    Atan,
}

/// How an operation is written in OpenQASM 3, its value and its derivatives.
#[derive(Clone, Copy, Debug)]
pub struct OperationRow {
    /// The operation.
    pub operation: Operation,
    /// The sign between two operands, or the name of a function of one.
    pub sign: &'static str,
    /// Whether it has two operands.
    pub is_binary: bool,
    /// The value at two numbers.
    pub value: fn(f64, f64) -> f64,
    /// The derivatives by both.
    pub slopes: fn(f64, f64) -> [f64; 2],
}

/// A row for two operands.
const fn binary(
    operation: Operation,
    sign: &'static str,
    value: fn(f64, f64) -> f64,
    slopes: fn(f64, f64) -> [f64; 2],
) -> OperationRow {
    OperationRow { operation, sign, is_binary: true, value, slopes }
}

/// A row for one.
const fn unary(
    operation: Operation,
    sign: &'static str,
    value: fn(f64, f64) -> f64,
    slopes: fn(f64, f64) -> [f64; 2],
) -> OperationRow {
    OperationRow { operation, sign, is_binary: false, value, slopes }
}

/// All operations, in the order of the enumeration.
pub static OPERATIONS: [OperationRow; 13] = [
    binary(Operation::Add, "+", |a, b| a + b, |_, _| [1.0, 1.0]),
    binary(Operation::Multiply, "*", |a, b| a * b, |a, b| [b, a]),
    binary(Operation::Divide, "/", |a, b| a / b, |a, b| [1.0 / b, -a / (b * b)]),
    binary(Operation::Power, "**", f64::powf, power_slopes),
    unary(Operation::Sin, "sin", |a, _| a.sin(), |a, _| [a.cos(), 0.0]),
    unary(Operation::Cos, "cos", |a, _| a.cos(), |a, _| [-a.sin(), 0.0]),
    unary(Operation::Tan, "tan", |a, _| a.tan(), |a, _| [1.0 / a.cos().powi(2), 0.0]),
    unary(Operation::Exp, "exp", |a, _| a.exp(), |a, _| [a.exp(), 0.0]),
    unary(Operation::Ln, "log", |a, _| a.ln(), |a, _| [1.0 / a, 0.0]),
    unary(Operation::Sqrt, "sqrt", |a, _| a.sqrt(), |a, _| [0.5 / a.sqrt(), 0.0]),
    unary(Operation::Asin, "arcsin", |a, _| a.asin(), |a, _| [1.0 / (1.0 - a * a).sqrt(), 0.0]),
    unary(Operation::Acos, "arccos", |a, _| a.acos(), |a, _| [-1.0 / (1.0 - a * a).sqrt(), 0.0]),
    unary(Operation::Atan, "arctan", |a, _| a.atan(), |a, _| [1.0 / (1.0 + a * a), 0.0]),
];

/// The derivatives of `a ** b`. Where they are limits they are 0, as in PyTorch: by `a` at b = 0, by `b` at a = 0 with b ≥ 0.
fn power_slopes(a: f64, b: f64) -> [f64; 2] {
    let by_base = if b == 0.0 { 0.0 } else { b * a.powf(b - 1.0) };
    let by_exponent = if a == 0.0 && b >= 0.0 { 0.0 } else { a.powf(b) * a.ln() };
    [by_base, by_exponent]
}

impl Operation {
    /// Its row.
    pub fn row(self) -> &'static OperationRow {
        &OPERATIONS[self as usize]
    }

    /// What it makes of angles where that is a number or an affine function of one slot.
    pub(super) fn affine(self, [a, b]: [Param; 2]) -> Option<Param> {
        use Param::{Fixed, Slot};
        Some(match (self, a, b) {
            (_, Fixed(a), Fixed(b)) => Fixed((self.row().value)(a, b)),
            (Self::Add, a, Fixed(b)) => a + b,
            (Self::Add, Fixed(a), b) => b + a,
            (Self::Add, Slot { slot, scale: s, offset: x }, Slot { slot: other, scale: t, offset: y })
                if slot == other =>
            {
                Slot { slot, scale: s + t, offset: x + y }
            }
            (Self::Multiply, a, Fixed(b)) => a * b,
            (Self::Multiply, Fixed(a), b) => b * a,
            (Self::Divide, Slot { slot, scale, offset }, Fixed(b)) => {
                Slot { slot, scale: scale / b, offset: offset / b }
            }
            _ => return None,
        })
    }
}

impl Derived {
    /// As OpenQASM 3 has it, `names[slot]` standing for a slot: `(-x0 + pi)*(-x1 + pi)`, `sin(x0)`.
    pub(crate) fn formula(&self, names: &[String]) -> String {
        qasm::formula(self, names)
    }

    /// The numbers of its operands.
    fn at(&self, angles: &[f64]) -> [f64; 2] {
        self.operands.map(|param| param.value(angles))
    }
}

/// The angles of all slots, of the first ones and what is made of them.
pub fn expand(derived: &[Derived], mut angles: Vec<f64>) -> Vec<f64> {
    angles.reserve(derived.len());
    for made in derived {
        let [a, b] = made.at(&angles);
        angles.push((made.operation.row().value)(a, b));
    }
    angles
}

/// Longest formula that is written whole within another one, characters.
const SHOWN: usize = 60;

/// What the angles of all slots are called, from the names of the first ones: derived ones by their formulas.
pub(crate) fn formulas(mut names: Vec<String>, derived: &[Derived]) -> Vec<String> {
    for made in derived {
        let text = made.formula(&names);
        names.push(if text.len() <= SHOWN { format!("({text})") } else { "(…)".into() });
    }
    names
}

/// How fast the angles of all slots change at the first ones' `angles`, where these change at `rates`: the chain rule
/// forwards.
pub fn push_forward(derived: &[Derived], angles: &[f64], mut rates: Vec<f64>) -> Vec<f64> {
    let all = expand(derived, angles.to_vec());
    for made in derived {
        let [a, b] = made.at(&all);
        let inner = made.operands.iter().zip((made.operation.row().slopes)(a, b));
        let rate = inner.filter_map(|(operand, slope)| {
            let (slot, scale) = operand.dependence().filter(|(slot, _)| rates[*slot] != 0.0)?;
            Some(slope * scale * rates[slot])
        });
        rates.push(rate.sum());
    }
    rates
}

/// The derivatives by the first slots, of those by all slots at the angles of all slots: the chain rule backwards.
pub fn pull_back(derived: &[Derived], angles: &[f64], mut gradient: Vec<f64>) -> Vec<f64> {
    let first = angles.len() - derived.len();
    for (k, made) in derived.iter().enumerate().rev() {
        let outer = gradient[first + k];
        if outer == 0.0 {
            continue;
        }
        let [a, b] = made.at(angles);
        for (operand, inner) in made.operands.iter().zip((made.operation.row().slopes)(a, b)) {
            if let Some((slot, scale)) = operand.dependence() {
                gradient[slot] += outer * inner * scale;
            }
        }
    }
    gradient.truncate(first);
    gradient
}

/// An angle with others in the place of its slot.
pub(super) fn substituted(param: Param, slots: &[Param]) -> Param {
    match param {
        Param::Fixed(_) => param,
        // Without changing the sign of a zero.
        Param::Slot { slot, scale, offset } if (scale, offset) == (1.0, 0.0) => slots[slot],
        Param::Slot { slot, scale, offset } => slots[slot] * scale + offset,
    }
}

/// Derived angles as they are found, each once; the first is slot `first`.
#[derive(Debug, Default)]
pub(super) struct DerivedList {
    first: usize,
    list: Vec<Derived>,
    known: HashMap<(Operation, [[u64; 3]; 2]), usize>,
}

impl DerivedList {
    pub fn new(first: usize) -> Self {
        Self { first, ..Self::default() }
    }

    /// The angle that an operation makes.
    pub fn derive(&mut self, operation: Operation, operands: [Param; 2]) -> Param {
        if let Some(affine) = operation.affine(operands) {
            return affine;
        }
        let key = operands.map(|param| match param {
            Param::Fixed(value) => [0, value.to_bits(), 0],
            Param::Slot { slot, scale, offset } => [1 + slot as u64, scale.to_bits(), (offset + 0.0).to_bits()],
        });
        let (first, list) = (self.first, &mut self.list);
        let slot = *self.known.entry((operation, key)).or_insert_with(|| {
            list.push(Derived { operation, operands });
            first + list.len() - 1
        });
        Param::slot(slot)
    }

    pub fn into_list(self) -> Vec<Derived> {
        self.list
    }
}

/// Positions of the derived angles that operations use, each behind those that it is made of; the first derived angle is
/// slot `first`.
pub(super) fn in_use(ops: &[Op], first: usize, derived: &[Derived]) -> Vec<usize> {
    let mut seen = vec![false; derived.len()];
    let mut order = Vec::new();
    let mut open: Vec<(usize, usize)> = Vec::new();
    let position = |param: &Param| param.dependence().and_then(|(slot, _)| slot.checked_sub(first));
    for at in ops.iter().flat_map(Op::params).filter_map(position) {
        open.push((at, 0));
        // Not by recursion: a text can make chains of any length.
        while let Some((at, operand)) = open.pop() {
            if operand == 0 && std::mem::replace(&mut seen[at], true) {
                continue;
            }
            match derived[at].operands.get(operand) {
                Some(param) => {
                    open.push((at, operand + 1));
                    open.extend(position(param).map(|inner| (inner, 0)));
                }
                None => order.push(at),
            }
        }
    }
    order
}
