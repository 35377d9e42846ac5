//! Conditions on classical bits as lists of values they may have: comparisons of a register with a number, any
//! expression over few bits, and `!`, `&&` and `||` of these.

use super::build::Builder;
use super::contents::Read;
use super::error::{Fault, ReadResult, Span};
use super::expression::{Binary, Expression, ExpressionKind, Scope, Selection, Unary};
use super::logic::Signal;
use super::syntax::Type;
use super::value::Value;
use super::words::WordKind;
use crate::circuit::{Condition, Operation, Param};

/// Bits whose values are tried one by one.
pub(super) const TRIED: usize = 6;
/// Alternatives of nested branches: each operation is written once per alternative.
const ALTERNATIVES: usize = 64;

/// When something is done: at least one of these holds, and no two can at once. A condition on no bits always holds.
#[derive(Clone, Debug)]
pub(super) struct Guard {
    cases: Vec<Condition>,
    /// How many branches that depend on measurements it is within.
    depth: usize,
}

impl Guard {
    pub fn always() -> Self {
        Self::new(vec![Condition { bits: vec![], value: 0 }])
    }

    fn new(cases: Vec<Condition>) -> Self {
        Self { cases, depth: 0 }
    }

    /// Where a signal holds.
    pub fn on(signal: Signal) -> Self {
        match signal {
            Signal::Known(true) => Self::always(),
            Signal::Known(false) => Self::new(Vec::new()),
            Signal::Bit { bit, inverted } => {
                Self::new(vec![Condition { bits: vec![bit], value: u64::from(!inverted) }])
            }
        }
    }

    /// Where these bits hold one of these values.
    pub fn values(bits: &[usize], values: &[u64]) -> Self {
        Self::new(simplified(bits, values))
    }

    pub fn cases(&self) -> &[Condition] {
        &self.cases
    }

    pub fn depth(&self) -> usize {
        self.depth
    }

    pub fn at_depth(self, depth: usize) -> Self {
        Self { depth, ..self }
    }

    /// One condition for each time an operation has to be written down.
    pub fn conditions(&self) -> impl Iterator<Item = Option<Condition>> + use<> {
        self.cases.clone().into_iter().map(|c| if c.bits.is_empty() { None } else { Some(c) })
    }

    /// Whether it holds without any test.
    pub fn is_always(&self) -> bool {
        matches!(&self.cases[..], [condition] if condition.bits.is_empty())
    }

    /// Whether it never holds.
    pub fn is_never(&self) -> bool {
        self.cases.is_empty()
    }

    /// Both this and the other; `None` if that takes too many cases.
    fn and(&self, other: &Self) -> Option<Self> {
        let mut all = Vec::new();
        for first in &self.cases {
            all.extend(other.cases.iter().filter_map(|second| both(first, second)));
            if all.len() > ALTERNATIVES || all.iter().any(|c| c.bits.len() > 64) {
                return None;
            }
        }
        Some(Self { cases: all, depth: self.depth })
    }

    /// Within a branch of this guard; `None` if that takes too many cases.
    pub fn within(&self, inner: &Self) -> Option<Self> {
        self.and(inner).map(|guard| guard.at_depth(self.depth + 1))
    }

    /// One of two that never hold at once.
    fn or(self, other: Self) -> Option<Self> {
        let all = [self.cases, other.cases].concat();
        (all.len() <= ALTERNATIVES).then_some(Self { cases: all, depth: self.depth })
    }
}

/// When a condition holds and when it does not, `None` where that takes too many cases.
pub(super) struct Cases {
    pub yes: Option<Guard>,
    pub no: Option<Guard>,
    /// The bits that it tests.
    pub bits: Vec<usize>,
}

impl Cases {
    pub fn of(condition: &Expression, builder: &Builder) -> ReadResult<Self> {
        let mut bits = Vec::new();
        tested(condition, builder, &mut bits)?;
        let [yes, no] = cases(condition, builder)?;
        Ok(Self { yes, no, bits })
    }
}

fn cases(condition: &Expression, builder: &Builder) -> ReadResult<[Option<Guard>; 2]> {
    if let Some(cases) = comparison(condition, builder)? {
        return Ok(cases);
    }
    let mut bits = Vec::new();
    tested(condition, builder, &mut bits)?;
    if bits.len() > TRIED {
        return combination(condition, builder, bits.len());
    }
    let (mut yes, mut no) = (Vec::new(), Vec::new());
    for value in 0..1u64 << bits.len() {
        let trial = Trial { builder, bits: &bits, value };
        let holds = condition.evaluate(&trial)?.truth().map_err(|fault| fault.at(condition.span))?;
        if holds { &mut yes } else { &mut no }.push(value);
    }
    let tried = [yes, no].map(|values| Guard::values(&bits, &values));
    if !is_combination(condition) || tried.iter().all(|guard| guard.cases.len() <= 1) {
        return Ok(tried.map(Some));
    }
    // Of two ways to say the same the shorter: each case is an operation of its own.
    let combined = combination(condition, builder, bits.len())?;
    let shorter = |tried: Guard, combined: Option<Guard>| match combined {
        Some(combined) if combined.cases.len() < tried.cases.len() => Some(combined),
        _ => Some(tried),
    };
    let [yes, no] = tried;
    let [combined_yes, combined_no] = combined;
    Ok([shorter(yes, combined_yes), shorter(no, combined_no)])
}

fn is_combination(condition: &Expression) -> bool {
    matches!(
        condition.kind,
        ExpressionKind::Unary(Unary::Not, _) | ExpressionKind::Binary(Binary::And | Binary::Or, ..)
    )
}

/// `!`, `&&` and `||` of conditions, each by itself.
fn combination(condition: &Expression, builder: &Builder, tested: usize) -> ReadResult<[Option<Guard>; 2]> {
    match &condition.kind {
        ExpressionKind::Unary(Unary::Not, inner) => {
            let [yes, no] = cases(inner, builder)?;
            Ok([no, yes])
        }
        ExpressionKind::Binary(operator @ (Binary::And | Binary::Or), left, right) => {
            let [mut left, mut right] = [cases(left, builder)?, cases(right, builder)?];
            let is_or = *operator == Binary::Or;
            // not (a or b) = not a and not b
            if is_or {
                left.reverse();
                right.reverse();
            }
            let [yes, no] = left;
            let both = yes.as_ref().zip(right[0].as_ref()).and_then(|(a, b)| a.and(b));
            let rest = yes.zip(right[1].as_ref()).and_then(|(a, b)| a.and(b));
            let other = no.zip(rest).and_then(|(a, b)| a.or(b));
            Ok(if is_or { [other, both] } else { [both, other] })
        }
        _ => {
            let fault = Fault::new(format!("this condition tests {tested} bits"));
            let hint = format!("compare a whole register with a number, or test at most {TRIED} bits at once");
            Err(fault.hint(hint).at(condition.span))
        }
    }
}

/// `c == 5`, `3 < c`, `c[0:8] != "01..."`: a register and a number, at any width.
fn comparison(condition: &Expression, builder: &Builder) -> ReadResult<Option<[Option<Guard>; 2]>> {
    use Binary as B;
    let ExpressionKind::Binary(operator, left, right) = &condition.kind else { return Ok(None) };
    let (bits, number, operator) = match (register(left, builder)?, register(right, builder)?, operator) {
        (Some(bits), None, operator) => (bits, right, *operator),
        (None, Some(bits), B::Less) => (bits, left, B::Greater),
        (None, Some(bits), B::LessEqual) => (bits, left, B::GreaterEqual),
        (None, Some(bits), B::Greater) => (bits, left, B::Less),
        (None, Some(bits), B::GreaterEqual) => (bits, left, B::LessEqual),
        (None, Some(bits), operator) => (bits, left, *operator),
        _ => return Ok(None),
    };
    if !matches!(operator, B::Equal | B::Different | B::Less | B::LessEqual | B::Greater | B::GreaterEqual) {
        return Ok(None);
    }
    let mut others = Vec::new();
    tested(number, builder, &mut others)?;
    // Bits on both sides, and numbers with a point: by trying.
    if !others.is_empty() {
        return Ok(None);
    }
    let Ok(value) = number.evaluate(builder)?.integer() else { return Ok(None) };
    let [less, equal, greater] = compared(&bits, value);
    let holds_for = |wanted: &dyn Fn(Binary) -> bool| {
        let parts = [(&less, B::Less), (&equal, B::Equal), (&greater, B::Greater)];
        Some(Guard::new(parts.iter().filter(|(_, part)| wanted(*part)).flat_map(|(list, _)| (*list).clone()).collect()))
    };
    let holds = |part: Binary| match operator {
        B::Different => part != B::Equal,
        B::LessEqual => part != B::Greater,
        B::GreaterEqual => part != B::Less,
        operator => part == operator,
    };
    Ok(Some([holds_for(&holds), holds_for(&|part| !holds(part))]))
}

/// When the integer of these bits is less than a value, equal to it, and greater. It is less if it has a 0 where the
/// value has a 1 and agrees with it on all higher bits.
fn compared(bits: &[usize], value: i128) -> [Vec<Condition>; 3] {
    let always = vec![Condition { bits: vec![], value: 0 }];
    if value < 0 {
        return [vec![], vec![], always];
    }
    if value >> bits.len() != 0 {
        return [always, vec![], vec![]];
    }
    let value = value as u64;
    let (mut less, mut greater) = (Vec::new(), Vec::new());
    for k in (0..bits.len()).rev() {
        let other = value >> k ^ 1;
        let differs = Condition { bits: bits[k..].to_vec(), value: other };
        if other & 1 == 0 { &mut less } else { &mut greater }.push(differs);
    }
    [less, vec![Condition { bits: bits.to_vec(), value }], greater]
}

/// The bits of an expression that is nothing but a register, a part of one, or one as an unsigned integer.
fn register(expression: &Expression, builder: &Builder) -> ReadResult<Option<Vec<usize>>> {
    let whole = match &expression.kind {
        ExpressionKind::Cast { kind: Type::Uint | Type::Bit, width: Some(width), inner } => {
            let bits = register(inner, builder)?;
            let width = width.width(builder)? as usize;
            return Ok(bits.filter(|bits| bits.len() == width));
        }
        ExpressionKind::Name(_) | ExpressionKind::Element(..) => expression,
        _ => return Ok(None),
    };
    let Some(Read::Word(word)) = builder.read_expression(whole)? else { return Ok(None) };
    if !matches!(word.kind, WordKind::Register | WordKind::Unsigned | WordKind::Boolean) || word.bits.len() > 64 {
        return Ok(None);
    }
    // Repeated elements are no integer of as many bits.
    let mut bits = Vec::with_capacity(word.bits.len());
    for signal in &word.bits {
        match signal {
            Signal::Bit { bit, inverted: false } if !bits.contains(bit) => bits.push(*bit),
            _ => return Ok(None),
        }
    }
    Ok((!bits.is_empty()).then_some(bits))
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

/// The bits an expression reads, in order of appearance.
pub(super) fn tested(expression: &Expression, builder: &Builder, bits: &mut Vec<usize>) -> ReadResult<()> {
    builder.spend(1).map_err(|fault| fault.at(expression.span))?;
    let mut add = |found: Vec<usize>| -> ReadResult<()> {
        for bit in found {
            if !bits.contains(&bit) {
                bits.push(bit);
            }
        }
        if bits.len() > 64 {
            let fault = Fault::new("this condition tests more than 64 bits");
            return Err(fault.hint("test registers of at most 64 bits, or single bits").at(expression.span));
        }
        Ok(())
    };
    match &expression.kind {
        ExpressionKind::Value(_) | ExpressionKind::Long { .. } | ExpressionKind::DurationOf(_) => Ok(()),
        ExpressionKind::Name(_) | ExpressionKind::Element(..) => {
            let word = match builder.read_expression(expression)? {
                Some(Read::Word(word)) => word.bits,
                _ => Vec::new(),
            };
            builder.spend(word.len() / 4).map_err(|fault| fault.at(expression.span))?;
            add(word.into_iter().filter_map(|signal| signal.bit()).collect())
        }
        ExpressionKind::Unary(_, inner) | ExpressionKind::Cast { inner, .. } => tested(inner, builder, bits),
        ExpressionKind::Part(inner, index) => {
            tested(inner, builder, bits)?;
            index.expressions().into_iter().try_for_each(|part| tested(part, builder, bits))
        }
        ExpressionKind::Binary(_, left, right) => {
            tested(left, builder, bits)?;
            tested(right, builder, bits)
        }
        // The size of a register is known without its bits.
        ExpressionKind::Call(name, _) if name == "sizeof" => Ok(()),
        ExpressionKind::Call(_, arguments) => arguments.iter().try_for_each(|argument| tested(argument, builder, bits)),
    }
}

/// The names of a builder with some values for the bits.
pub(super) struct Trial<'a> {
    pub builder: &'a Builder<'a>,
    pub bits: &'a [usize],
    pub value: u64,
}

impl Scope for Trial<'_> {
    fn value(&self, name: &str, part: Selection) -> Result<Value, Fault> {
        let Some(read) = self.builder.read(name, part)? else { return self.builder.value(name, part) };
        let word = match read {
            Read::Value(value) => return Ok(value),
            Read::Word(word) => word,
        };
        let bit =
            |bit: usize| self.bits.iter().position(|other| *other == bit).is_some_and(|k| self.value >> k & 1 == 1);
        let found = word.value(|signal| match signal {
            Signal::Known(value) => value,
            Signal::Bit { bit: number, inverted } => bit(number) != inverted,
        });
        let found = found.filter(|_| !word.bits.is_empty());
        found.ok_or_else(|| Fault::new(format!("a part of {} bits of {name}", word.bits.len())).hint("use 1 to 64"))
    }

    fn size(&self, name: &str, dimension: usize) -> Result<usize, Fault> {
        self.builder.size(name, dimension)
    }

    fn real_division(&self) -> bool {
        self.builder.real_division()
    }

    fn rounds_divisions(&self, at: Span) -> bool {
        self.builder.rounds_divisions(at)
    }

    fn spend(&self, steps: usize) -> Result<(), Fault> {
        self.builder.spend(steps)
    }

    fn derive(&self, operation: Operation, operands: [Param; 2]) -> Result<Param, Fault> {
        self.builder.derive(operation, operands)
    }

    fn untimed(&self, at: Span) -> Result<Value, Fault> {
        self.builder.untimed(at)
    }

    fn stretch(&self, operator: Binary, left: Value, right: Value) -> Result<Value, Fault> {
        self.builder.stretch(operator, left, right)
    }
}
