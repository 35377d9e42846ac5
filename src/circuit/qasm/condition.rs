//! Conditions on classical bits: any expression over few bits as a list of values they may have.

use super::build::{Builder, Symbol};
use super::error::{Fault, ReadResult, Span};
use super::expression::{Binary, Expression, ExpressionKind, Scope, Value};
use crate::circuit::Condition;

/// Bits whose values are tried one by one.
const TRIED: usize = 6;
/// Alternatives of nested branches: each operation is written once per alternative.
const ALTERNATIVES: usize = 64;

/// When something is done: at least one of these holds, and no two can at once. A condition on no bits always holds.
#[derive(Clone, Debug)]
pub(super) struct Guard(Vec<Condition>);

impl Guard {
    pub fn always() -> Self {
        Self(vec![Condition { bits: vec![], value: 0 }])
    }

    /// One condition for each time an operation has to be written down.
    pub fn conditions(&self) -> impl Iterator<Item = Option<Condition>> + use<> {
        self.0.clone().into_iter().map(|c| if c.bits.is_empty() { None } else { Some(c) })
    }

    /// Both this and the other.
    pub fn and(&self, other: &Self, span: Span) -> ReadResult<Self> {
        let mut all = Vec::new();
        for first in &self.0 {
            all.extend(other.0.iter().filter_map(|second| both(first, second)));
            if all.len() > ALTERNATIVES || all.iter().any(|c| c.bits.len() > 64) {
                let fault = Fault::new(format!("these branches distinguish more than {ALTERNATIVES} cases"));
                return Err(fault.hint("test fewer bits, or test them for equality").at(span));
            }
        }
        Ok(Self(all))
    }

    /// When a condition holds, when it does not (`None` where that takes too many cases), and the bits it tests.
    pub fn of(condition: &Expression, builder: &Builder) -> ReadResult<(Self, Option<Self>, Vec<usize>)> {
        let mut bits = Vec::new();
        tested(condition, builder, &mut bits)?;
        if bits.len() > TRIED {
            return wide_equality(condition, builder, bits);
        }
        let (mut yes, mut no) = (Vec::new(), Vec::new());
        for value in 0..1u64 << bits.len() {
            let trial = Trial { builder, bits: &bits, value };
            let holds = condition.evaluate(&trial)?.truth().map_err(|fault| fault.at(condition.span))?;
            if holds { &mut yes } else { &mut no }.push(value);
        }
        Ok((Self(simplified(&bits, &yes)), Some(Self(simplified(&bits, &no))), bits))
    }
}

/// The conjunction, `None` if it can never hold.
fn both(first: &Condition, second: &Condition) -> Option<Condition> {
    let mut joint = first.clone();
    for (k, bit) in second.bits.iter().enumerate() {
        let value = second.value >> k & 1;
        match joint.bits.iter().position(|b| b == bit) {
            Some(at) if joint.value >> at & 1 != value => return None,
            Some(_) => {}
            None => {
                // Past 64 the shift would overflow. The caller refuses such conditions.
                joint.value |= value.checked_shl(joint.bits.len() as u32).unwrap_or(0);
                joint.bits.push(*bit);
            }
        }
    }
    Some(joint)
}

/// Values as conditions: one on the bits that agree if those alone decide, otherwise one per value.
fn simplified(bits: &[usize], values: &[u64]) -> Vec<Condition> {
    let (ones, zeros) = values.iter().fold((u64::MAX, u64::MAX), |(ones, zeros), v| (ones & v, zeros & !v));
    let agreed: Vec<usize> = (0..bits.len()).filter(|k| (ones | zeros) >> k & 1 == 1).collect();
    if !values.is_empty() && values.len() == 1 << (bits.len() - agreed.len()) {
        let value = agreed.iter().enumerate().map(|(at, k)| (ones >> k & 1) << at).sum();
        return vec![Condition { bits: agreed.iter().map(|&k| bits[k]).collect(), value }];
    }
    values.iter().map(|&value| Condition { bits: bits.to_vec(), value }).collect()
}

/// `c == 5` on a register too wide to try all its values.
fn wide_equality(
    condition: &Expression,
    builder: &Builder,
    bits: Vec<usize>,
) -> ReadResult<(Guard, Option<Guard>, Vec<usize>)> {
    let fault = || {
        Fault::new(format!("this condition tests {} bits", bits.len()))
            .hint(format!("more than {TRIED} bits can only be compared as a whole register with ==, without else"))
            .at(condition.span)
    };
    let ExpressionKind::Binary(Binary::Equal, left, right) = &condition.kind else { return Err(fault()) };
    let (register, number) = match (&left.kind, &right.kind) {
        (ExpressionKind::Name(_), _) => (left, right),
        _ => (right, left),
    };
    if !matches!(register.kind, ExpressionKind::Name(_)) {
        return Err(fault());
    }
    let value = number.evaluate(builder)?.integer().map_err(|fault| fault.at(number.span))?;
    let fits = u64::try_from(value).ok().filter(|value| bits.len() == 64 || value >> bits.len() == 0);
    // A number that does not fit is never equal.
    let yes = fits.map(|value| Condition { bits: bits.clone(), value }).into_iter().collect();
    Ok((Guard(yes), None, bits))
}

/// The bits an expression reads, in order of appearance.
fn tested(expression: &Expression, builder: &Builder, bits: &mut Vec<usize>) -> ReadResult<()> {
    let mut add = |found: &mut dyn Iterator<Item = usize>| {
        for bit in found {
            if !bits.contains(&bit) {
                bits.push(bit);
            }
        }
    };
    match &expression.kind {
        ExpressionKind::Value(_) => {}
        ExpressionKind::Name(name) => {
            if let Ok((_, Symbol::Bits(range))) = builder.symbol(name) {
                if range.len() > 64 {
                    let fault = Fault::new(format!("{name} has {} bits, too many for a condition", range.len()));
                    return Err(fault.hint("test registers of at most 64 bits, or single bits").at(expression.span));
                }
                add(&mut range.clone());
            }
        }
        ExpressionKind::Element(name, index) => {
            if let Ok((_, Symbol::Bits(range))) = builder.symbol(name) {
                let value = index.evaluate(builder)?.integer().map_err(|fault| fault.at(index.span))?;
                let one = element(name, range, value).map_err(|fault| fault.at(expression.span))?;
                add(&mut std::iter::once(one));
            }
        }
        ExpressionKind::Unary(_, inner) => tested(inner, builder, bits)?,
        ExpressionKind::Binary(_, left, right) => {
            tested(left, builder, bits)?;
            tested(right, builder, bits)?;
        }
        ExpressionKind::Call(_, arguments) => {
            for argument in arguments {
                tested(argument, builder, bits)?;
            }
        }
    }
    Ok(())
}

fn element(name: &str, range: &std::ops::Range<usize>, index: i128) -> Result<usize, Fault> {
    match usize::try_from(index) {
        Ok(index) if index < range.len() => Ok(range.start + index),
        _ => Err(Fault::new(format!("{name}[{index}] is outside the register of {}", range.len()))
            .hint(format!("use 0 to {}", range.len() - 1))),
    }
}

/// The names of a builder with some values for the bits.
struct Trial<'a> {
    builder: &'a Builder<'a>,
    bits: &'a [usize],
    value: u64,
}

impl Scope for Trial<'_> {
    fn value(&self, name: &str, index: Option<i128>) -> Result<Value, Fault> {
        let Ok((_, Symbol::Bits(range))) = self.builder.symbol(name) else {
            return self.builder.value(name, index);
        };
        let bit = |bit: usize| {
            let at = self.bits.iter().position(|b| *b == bit).unwrap_or(0);
            i128::from(self.value >> at & 1)
        };
        match index {
            Some(index) => Ok(Value::Integer(bit(element(name, range, index)?))),
            None => Ok(Value::Integer(range.clone().enumerate().map(|(k, b)| bit(b) << k).sum())),
        }
    }

    fn real_division(&self) -> bool {
        self.builder.real_division()
    }
}
