//! Integers of bits that are known only when the circuit runs.

use super::build::Builder;
use super::contents::Read;
use super::error::{Fault, ReadResult, Span};
use super::expression::{Binary, Expression, ExpressionKind, Unary};
use super::logic::Signal;
use super::syntax::Type;
use super::value::Value;

/// What the bits of a word are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WordKind {
    Boolean,
    /// `bit[n]`.
    Register,
    Unsigned,
    /// The last bit is the sign.
    Signed,
    /// `angle[n]`.
    Turn,
}

impl WordKind {
    /// Of a type; `None` for those that are no bits.
    pub fn of(kind: Type) -> Option<Self> {
        Some(match kind {
            Type::Bool => Self::Boolean,
            Type::Bit => Self::Register,
            Type::Uint => Self::Unsigned,
            Type::Int => Self::Signed,
            Type::Angle => Self::Turn,
            Type::Float | Type::Complex | Type::Duration => return None,
        })
    }
}

/// Bits, the least significant first.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Word {
    pub bits: Vec<Signal>,
    pub kind: WordKind,
}

impl Word {
    /// A value as bits.
    pub fn of(value: Value) -> Result<Self, Fault> {
        let bits =
            |value: i128, width: usize| (0..width).map(|k| Signal::Known(value >> k.min(127) & 1 == 1)).collect();
        Ok(match value {
            Value::Boolean(value) => Self { bits: vec![Signal::Known(value)], kind: WordKind::Boolean },
            Value::Integer(value) => {
                let size = 129 - if value < 0 { value.leading_ones() } else { value.leading_zeros() } as usize;
                Self { bits: bits(value, size), kind: WordKind::Signed }
            }
            Value::Bits { value, width, register } => {
                let kind = if register { WordKind::Register } else { WordKind::Unsigned };
                Self { bits: bits(value.into(), width as usize), kind }
            }
            Value::Turn { parts, width } => Self { bits: bits(parts.into(), width as usize), kind: WordKind::Turn },
            _ => {
                let fault = Fault::new("this number cannot be combined with what is measured");
                return Err(fault.hint("use bits, integers, truth values and angles with a width"));
            }
        })
    }

    /// A whole number, 64 bits in each element, the least significant first.
    pub fn of_long(bits: &[u64]) -> Self {
        let width = 64 * bits.len() - bits.last().map_or(0, |last| last.leading_zeros() as usize);
        let bit = |k: usize| Signal::Known(bits[k / 64] >> (k % 64) & 1 == 1);
        let bits = (0..width).map(bit).chain([Signal::Known(false)]).collect();
        Self { bits, kind: WordKind::Signed }
    }

    /// Its value with these values for its bits; `None` if that is wider than values are.
    pub fn value(&self, of: impl Fn(Signal) -> bool) -> Option<Value> {
        let most = if self.kind == WordKind::Signed { 127 } else { 64 };
        if self.bits.len() > most {
            return None;
        }
        let integer = self.bits.iter().enumerate().fold(0u128, |all, (k, bit)| all | u128::from(of(*bit)) << k);
        let width = self.bits.len() as u32;
        Some(match self.kind {
            WordKind::Boolean => Value::Boolean(integer != 0),
            WordKind::Register => Value::bits(integer as u64, width),
            WordKind::Unsigned => Value::unsigned(integer as u64, width),
            WordKind::Turn => Value::turn(integer as u64, width),
            WordKind::Signed => {
                let sign = self.bits.last().is_some_and(|bit| of(*bit));
                // With 127 bits, 2^127 is taken as -2^127, and the difference is right all the same.
                Value::Integer((integer as i128).wrapping_sub(if sign { 1i128 << width } else { 0 }))
            }
        })
    }

    /// Its value if all of its bits are known.
    pub fn known(&self) -> Option<Value> {
        if self.bits.is_empty() || self.bits.iter().any(|bit| bit.bit().is_some()) {
            return None;
        }
        self.value(|signal| signal == Signal::Known(true))
    }

    /// The same integer on at least so many bits.
    pub fn extended(mut self, size: usize) -> Self {
        let more = match self.bits.last() {
            Some(sign) if self.kind == WordKind::Signed => *sign,
            _ => Signal::Known(false),
        };
        if self.bits.len() < size {
            self.bits.resize(size, more);
        }
        self
    }

    pub fn is_signed(&self) -> bool {
        self.kind == WordKind::Signed
    }

    /// Without leading zeros, or more than one sign.
    pub fn trimmed(mut self) -> Self {
        while let [.., before, last] = self.bits[..]
            && if self.is_signed() { before == last } else { last == Signal::Known(false) }
        {
            self.bits.pop();
        }
        self
    }

    /// As a signed integer.
    pub fn signed(self) -> Self {
        let size = self.bits.len() + usize::from(!self.is_signed());
        let extended = self.extended(size);
        Self { kind: WordKind::Signed, ..extended }.trimmed()
    }
}

impl Builder<'_> {
    /// An expression as bits.
    pub fn word(&mut self, expression: &Expression) -> ReadResult<Word> {
        let span = expression.span;
        let located = |fault: Fault| fault.at(span);
        self.work(1, span)?;
        // Registers of any width are words.
        if let Some(Read::Word(word)) = self.read_expression(expression)? {
            return Ok(word);
        }
        if let ExpressionKind::Long { bits, .. } = &expression.kind {
            return Ok(Word::of_long(bits));
        }
        if !self.depends(expression) {
            return Word::of(expression.evaluate(self)?).map_err(located);
        }
        match &expression.kind {
            ExpressionKind::Name(_) | ExpressionKind::Element(..) => {
                Word::of(expression.evaluate(self)?).map_err(located)
            }
            ExpressionKind::Part(inner, index) => {
                let word = self.word(inner)?;
                inner.part(word, index, self)
            }
            ExpressionKind::Unary(operator, inner) => {
                let word = self.word(inner)?;
                match operator {
                    Unary::Not => self.truth(&word, span).map(boolean).map(|word| inverted(&word)),
                    Unary::Complement if word.kind == WordKind::Signed => {
                        let fault = Fault::new("`~` needs to know the number of bits");
                        Err(located(fault.hint("cast to that many first, as in uint[4](n)")))
                    }
                    Unary::Complement => Ok(inverted(&word)),
                    Unary::Minus => {
                        let zero = Word { bits: vec![Signal::Known(false)], kind: word.kind };
                        let size = word.bits.len();
                        let zero = if word.kind == WordKind::Turn { zero.extended(size) } else { zero };
                        let found = self.arithmetic(Binary::Subtract, zero.signed_unless_turn(), word, span)?;
                        Ok(found)
                    }
                }
            }
            ExpressionKind::Binary(operator, left, right) => {
                let (mut a, mut b) = (self.word(left)?, self.word(right)?);
                if operator.is_arithmetic() {
                    // A literal is of the type of an unsigned integer that it is combined with.
                    let (first, second) = (a.clone(), b.clone());
                    for (expression, word, other) in [(left, &mut a, &second), (right, &mut b, &first)] {
                        let literal = matches!(expression.kind, ExpressionKind::Value(Value::Integer(0..)));
                        let size = other.bits.len();
                        if literal && other.kind == WordKind::Unsigned && word.bits.len() <= size + 1 {
                            let bits = std::mem::take(&mut word.bits);
                            *word = Word { bits, kind: WordKind::Unsigned }.extended(size);
                            word.bits.truncate(size);
                        }
                    }
                }
                self.combined(*operator, a, b, span)
            }
            ExpressionKind::Cast { kind, width, inner } => {
                let width = width.as_ref().map(|width| width.width(self)).transpose()?;
                let word = self.word(inner)?;
                // A single bit is a truth value.
                let is_truth = *kind == Type::Bit && word.bits.len() == 1;
                let word = if is_truth { Word { kind: WordKind::Boolean, ..word } } else { word };
                self.cast_word(word, *kind, width, span)
            }
            ExpressionKind::Call(name, arguments) => self.function(name, arguments, span),
            ExpressionKind::Value(_) | ExpressionKind::Long { .. } | ExpressionKind::DurationOf(_) => {
                Word::of(expression.evaluate(self)?).map_err(located)
            }
        }
    }

    fn function(&mut self, name: &str, arguments: &[Expression], span: Span) -> ReadResult<Word> {
        match (name, arguments) {
            ("mod", [a, b]) => {
                let (a, b) = (self.word(a)?, self.word(b)?);
                self.combined(Binary::Remainder, a, b, span)
            }
            ("popcount", [bits]) => {
                let word = self.word(bits)?;
                let mut parts: Vec<Word> =
                    word.bits.iter().map(|&bit| Word { bits: vec![bit], kind: WordKind::Register }.signed()).collect();
                while parts.len() > 1 {
                    let mut next = Vec::with_capacity(parts.len().div_ceil(2));
                    let mut pairs = parts.into_iter();
                    while let Some(first) = pairs.next() {
                        next.push(match pairs.next() {
                            Some(second) => self.arithmetic(Binary::Add, first, second, span)?,
                            None => first,
                        });
                    }
                    parts = next;
                }
                Ok(parts.pop().unwrap_or(Word { bits: vec![Signal::Known(false)], kind: WordKind::Signed }))
            }
            ("rotl" | "rotr", [bits, count]) if !self.depends(count) => {
                let mut word = self.word(bits)?;
                if word.bits.is_empty() {
                    return Err(Fault::new(format!("{name} of no bits")).hint("this range is empty").at(span));
                }
                let count = count.integer(self)?.rem_euclid(word.bits.len() as i128) as usize;
                if name == "rotl" {
                    word.bits.rotate_right(count)
                } else {
                    word.bits.rotate_left(count)
                }
                Ok(word)
            }
            _ => {
                let fault = Fault::new(format!("{name} of what is only known when the circuit runs"));
                Err(fault.hint("popcount, rotl, rotr and mod can be computed of measurements").at(span))
            }
        }
    }

    /// Whether a word is not 0.
    pub fn truth(&mut self, word: &Word, span: Span) -> ReadResult<Signal> {
        self.any_of(&word.bits, span)
    }

    /// A word as one of another type.
    pub fn cast_word(&mut self, word: Word, kind: Type, width: Option<u32>, span: Span) -> ReadResult<Word> {
        let name = || width.map_or_else(|| kind.name().to_string(), |width| format!("{}[{width}]", kind.name()));
        let given = word.bits.len();
        let Some(found) = WordKind::of(kind) else {
            let fault = Fault::new(format!("a {} of what is only known when the circuit runs", kind.name()));
            return Err(fault.hint("use bits, integers, truth values and angles with a width").at(span));
        };
        if kind == Type::Bool {
            return self.truth(&word, span).map(boolean);
        }
        let width = if kind == Type::Bit { Some(width.unwrap_or(1)) } else { width };
        let Some(size) = width.map(|width| width as usize) else {
            let fault = Fault::new(format!("an {} of bits needs a width", kind.name()));
            return match kind {
                Type::Int => Ok(word.signed()),
                Type::Uint if word.is_signed() => {
                    let mut word = word.extended(super::contents::MACHINE as usize);
                    word.bits.truncate(super::contents::MACHINE as usize);
                    Ok(Word { kind: found, ..word })
                }
                Type::Uint => Ok(Word { kind: found, ..word }),
                _ => Err(fault.hint("write angle[n] with as many bits").at(span)),
            };
        };
        let refuse =
            |hint: &str| Err(Fault::new(format!("{} cannot be made of {given} bits", name())).hint(hint).at(span));
        match (word.kind, found) {
            (WordKind::Register, _) | (_, WordKind::Turn) | (WordKind::Turn, _) if given != size => {
                match (word.kind, found) {
                    (WordKind::Turn, WordKind::Turn) => {
                        // The highest bits stay: an angle is a part of a turn.
                        let mut bits = word.bits;
                        while bits.len() < size {
                            bits.insert(0, Signal::Known(false));
                        }
                        bits.drain(..bits.len() - size);
                        return Ok(Word { bits, kind: found });
                    }
                    // A single bit is a truth value.
                    (WordKind::Register, WordKind::Signed | WordKind::Unsigned) if given == 1 => {}
                    _ => return refuse("use as many bits"),
                }
            }
            // Of an integer on more bits, those beyond have to be 0. On as many it keeps its pattern.
            (WordKind::Boolean | WordKind::Signed | WordKind::Unsigned, WordKind::Register) => {
                let short = word.clone().trimmed();
                if short.bits.iter().skip(size).any(|bit| *bit != Signal::Known(false)) {
                    return refuse(&format!(
                        "name as many bits as it needs, or cast it first: uint[{size}] keeps the lowest"
                    ));
                }
            }
            _ => {}
        }
        let mut word = word.extended(size);
        word.bits.truncate(size);
        Ok(Word { kind: found, ..word })
    }
}

impl Word {
    fn signed_unless_turn(self) -> Self {
        if self.kind == WordKind::Turn { self } else { self.signed() }
    }
}

pub(super) fn boolean(signal: Signal) -> Word {
    Word { bits: vec![signal], kind: WordKind::Boolean }
}

fn inverted(word: &Word) -> Word {
    Word { bits: word.bits.iter().map(|&bit| !bit).collect(), kind: word.kind }
}
