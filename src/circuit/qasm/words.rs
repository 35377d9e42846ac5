//! Integers of bits that are known only when the circuit runs, and the arithmetic of them.

use super::build::Builder;
use super::error::{Fault, ReadResult, Span};
use super::expression::{Binary, Expression, ExpressionKind, Unary};
use super::logic::{INPUTS, Signal};
use super::syntax::Type;
use super::value::Value;
use super::variables::Read;

/// Bits of an intermediate result at most.
const WIDEST: usize = 256;

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
                Value::Integer(integer as i128 - if sign { 1i128 << width } else { 0 })
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

    fn is_signed(&self) -> bool {
        self.kind == WordKind::Signed
    }

    /// Without leading zeros, or more than one sign.
    fn trimmed(mut self) -> Self {
        while let [.., before, last] = self.bits[..]
            && if self.is_signed() { before == last } else { last == Signal::Known(false) }
        {
            self.bits.pop();
        }
        self
    }

    /// As a signed integer.
    fn signed(self) -> Self {
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
        if !self.depends(expression) {
            return Word::of(expression.evaluate(self)?).map_err(located);
        }
        match &expression.kind {
            ExpressionKind::Name(_) | ExpressionKind::Element(..) => {
                Word::of(expression.evaluate(self)?).map_err(located)
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
                self.cast_word(word, *kind, width, span)
            }
            ExpressionKind::Call(name, arguments) => self.function(name, arguments, span),
            ExpressionKind::Value(value) => Word::of(*value).map_err(located),
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

    fn combined(&mut self, operator: Binary, left: Word, right: Word, span: Span) -> ReadResult<Word> {
        use Binary as B;
        match operator {
            B::And | B::Or => {
                let both = [self.truth(&left, span)?, self.truth(&right, span)?];
                let found = if operator == B::And { self.all_of(&both, span) } else { self.any_of(&both, span) };
                found.map(boolean)
            }
            B::Equal => self.equal(left, right, span).map(boolean),
            B::Different => self.equal(left, right, span).map(|same| boolean(!same)),
            B::Less => self.less(left, right, span).map(boolean),
            B::GreaterEqual => self.less(left, right, span).map(|less| boolean(!less)),
            B::Greater => self.less(right, left, span).map(boolean),
            B::LessEqual => self.less(right, left, span).map(|less| boolean(!less)),
            B::BitAnd | B::BitOr | B::BitXor => self.bitwise(operator, left, right, span),
            B::ShiftLeft | B::ShiftRight => self.shifted(operator == B::ShiftLeft, left, right, span),
            _ => self.arithmetic(operator, left, right, span),
        }
    }

    /// Both as integers of one size.
    fn aligned(left: Word, right: Word) -> (Word, Word) {
        let (left, right) = (left.signed(), right.signed());
        let size = left.bits.len().max(right.bits.len());
        (left.extended(size), right.extended(size))
    }

    pub fn equal(&mut self, left: Word, right: Word, span: Span) -> ReadResult<Signal> {
        let (left, right) = Self::aligned(left, right);
        let mut same = Vec::with_capacity(left.bits.len());
        for (&a, &b) in left.bits.iter().zip(&right.bits) {
            same.push(self.table(&[a, b], |v| v == 0 || v == 3, span)?);
        }
        self.all_of(&same, span)
    }

    fn less(&mut self, left: Word, right: Word, span: Span) -> ReadResult<Signal> {
        let (mut left, mut right) = Self::aligned(left, right);
        // With their signs turned round, signed integers are in the order of unsigned ones.
        for word in [&mut left, &mut right] {
            if let Some(sign) = word.bits.last_mut() {
                *sign = !*sign;
            }
        }
        let mut less = Signal::Known(false);
        for (&a, &b) in left.bits.iter().zip(&right.bits) {
            less = self.table(&[a, b, less], |v| (v & 3 == 2) || (v & 3 != 1 && v >> 2 == 1), span)?;
        }
        Ok(less)
    }

    fn bitwise(&mut self, operator: Binary, left: Word, right: Word, span: Span) -> ReadResult<Word> {
        let fixed = |word: &Word| word.kind != WordKind::Signed;
        let (a, b) = (left.bits.len(), right.bits.len());
        if fixed(&left) && fixed(&right) && a != b {
            let fault = Fault::new(format!("{a} bits and {b} bits do not fit together"));
            return Err(fault.hint("cast one of them, or combine registers of one size").at(span));
        }
        let size = if fixed(&left) {
            a
        } else if fixed(&right) {
            b
        } else {
            a.max(b)
        };
        let kind = if fixed(&left) { left.kind } else { right.kind };
        let (left, right) = (left.extended(size), right.extended(size));
        let mut bits = Vec::with_capacity(size);
        for (&a, &b) in left.bits.iter().zip(&right.bits).take(size) {
            bits.push(match operator {
                Binary::BitAnd => self.table(&[a, b], |v| v == 3, span)?,
                Binary::BitOr => self.table(&[a, b], |v| v != 0, span)?,
                _ => self.table(&[a, b], |v| v == 1 || v == 2, span)?,
            });
        }
        Ok(Word { bits, kind })
    }

    fn shifted(&mut self, left: bool, word: Word, count: Word, span: Span) -> ReadResult<Word> {
        if let Some(value) = count.known() {
            let count = value.integer().ok().and_then(|count| usize::try_from(count).ok());
            let count = count.ok_or_else(|| Fault::new("a shift by this").hint("use 0 or more").at(span))?;
            return Ok(moved(&word, left, count));
        }
        let mut word = word;
        for (k, &bit) in count.bits.iter().enumerate() {
            let other = moved(&word, left, 1usize.checked_shl(k as u32).unwrap_or(usize::MAX));
            let mut bits = Vec::with_capacity(word.bits.len());
            for (&stay, &go) in word.bits.iter().zip(&other.bits) {
                bits.push(self.select(bit, go, stay, span)?);
            }
            word.bits = bits;
        }
        Ok(word)
    }

    /// One signal or the other.
    fn select(&mut self, which: Signal, yes: Signal, no: Signal, span: Span) -> ReadResult<Signal> {
        self.table(&[which, yes, no], |v| if v & 1 == 1 { v >> 1 & 1 == 1 } else { v >> 2 == 1 }, span)
    }

    fn arithmetic(&mut self, operator: Binary, left: Word, right: Word, span: Span) -> ReadResult<Word> {
        use Binary as B;
        let (a, b) = (left.kind, right.kind);
        // Two integers of a width wrap around at it, angles at a turn.
        let wraps = match (a, b) {
            (WordKind::Turn, WordKind::Turn) if left.bits.len() == right.bits.len() => Some((left.bits.len(), a)),
            (WordKind::Turn, _) => Some((left.bits.len(), a)),
            (_, WordKind::Turn) if operator != B::Divide => Some((right.bits.len(), b)),
            (WordKind::Unsigned, WordKind::Unsigned) => Some((left.bits.len().max(right.bits.len()), a)),
            _ => None,
        };
        let (left, right) = (left.signed(), right.signed());
        let found = match operator {
            B::Add | B::Subtract => self.sum(left, right, operator == B::Subtract, span)?,
            B::Multiply => self.product(left, right, span)?,
            B::Power => {
                let power = right.known().and_then(|value| value.integer().ok()).and_then(|p| u32::try_from(p).ok());
                let Some(power) = power.filter(|power| *power <= 16) else {
                    let fault = Fault::new("a power of what is only known when the circuit runs");
                    return Err(fault.hint("use whole exponents from 0 to 16").at(span));
                };
                let mut all = Word::of(Value::Integer(1)).map_err(|fault| fault.at(span))?;
                for _ in 0..power {
                    all = self.product(all, left.clone(), span)?;
                }
                all
            }
            B::Divide | B::Remainder => self.quotient(left, right, operator == B::Remainder, span)?,
            _ => return Err(Fault::new("this operator does not combine integers").at(span)),
        };
        match wraps {
            Some((size, kind)) => {
                let mut found = found.extended(size);
                found.bits.truncate(size);
                Ok(Word { kind, ..found })
            }
            None => Ok(found),
        }
    }

    fn fits(&self, size: usize, span: Span) -> ReadResult<()> {
        if size <= WIDEST {
            return Ok(());
        }
        let fault = Fault::new(format!("this result has {size} bits"));
        Err(fault.hint(format!("cast what it is made of to fewer; {WIDEST} are the most")).at(span))
    }

    /// The sum or difference of signed integers.
    fn sum(&mut self, left: Word, right: Word, minus: bool, span: Span) -> ReadResult<Word> {
        let size = left.bits.len().max(right.bits.len()) + 1;
        self.fits(size, span)?;
        let (left, right) = (left.extended(size), right.extended(size));
        let mut carry = Signal::Known(minus);
        let mut bits = Vec::with_capacity(size);
        for (k, (&a, &b)) in left.bits.iter().zip(&right.bits).enumerate() {
            let b = if minus { !b } else { b };
            bits.push(self.table(&[a, b, carry], |v| v.count_ones() & 1 == 1, span)?);
            if k + 1 < size {
                carry = self.table(&[a, b, carry], |v| v.count_ones() >= 2, span)?;
            }
        }
        Ok(Word { bits, kind: WordKind::Signed }.trimmed())
    }

    fn product(&mut self, left: Word, right: Word, span: Span) -> ReadResult<Word> {
        let size = left.bits.len() + right.bits.len();
        self.fits(size, span)?;
        // The fewer open bits one factor has, the fewer sums.
        let open = |word: &Word| word.bits.iter().filter(|bit| **bit != Signal::Known(false)).count();
        let (wide, narrow) = if open(&left) < open(&right) { (right, left) } else { (left, right) };
        let (wide, narrow) = (wide.extended(size), narrow.extended(size));
        let mut total = Word { bits: vec![Signal::Known(false)], kind: WordKind::Signed };
        for (k, &digit) in narrow.bits.iter().enumerate() {
            if digit == Signal::Known(false) {
                continue;
            }
            let mut bits = vec![Signal::Known(false); k];
            for &bit in wide.bits.iter().take(size - k) {
                bits.push(self.table(&[digit, bit], |v| v == 3, span)?);
            }
            total = self.sum(total, Word { bits, kind: WordKind::Signed }, false, span)?.extended(size);
            total.bits.truncate(size);
        }
        // Of two that are not negative, neither is the product.
        if [wide, narrow].iter().all(|word| word.bits.last() == Some(&Signal::Known(false))) {
            total = total.extended(size);
            total.bits[size - 1] = Signal::Known(false);
        }
        Ok(total.trimmed())
    }

    /// Quotient or remainder of integers that are not negative.
    fn quotient(&mut self, left: Word, right: Word, remainder: bool, span: Span) -> ReadResult<Word> {
        let negative = |word: &Word| word.bits.last() != Some(&Signal::Known(false));
        if negative(&left) || negative(&right) {
            let fault = Fault::new("this division may be of a negative integer, known only when the circuit runs");
            return Err(fault.hint("divide unsigned integers").at(span));
        }
        if right.known().is_some_and(|value| value.integer().is_ok_and(|value| value == 0)) {
            return Err(Fault::new("a division by zero").at(span));
        }
        let mut rest = Word { bits: vec![Signal::Known(false)], kind: WordKind::Signed };
        let mut quotient = vec![Signal::Known(false); left.bits.len()];
        for k in (0..left.bits.len()).rev() {
            rest.bits.insert(0, left.bits[k]);
            let less = self.less(rest.clone(), right.clone(), span)?;
            let difference = self.sum(rest.clone(), right.clone(), true, span)?;
            let size = rest.bits.len().max(difference.bits.len());
            let (kept, difference) = (rest.extended(size), difference.extended(size));
            let mut bits = Vec::with_capacity(size);
            for (&stay, &minus) in kept.bits.iter().zip(&difference.bits) {
                bits.push(self.select(less, stay, minus, span)?);
            }
            // It is less than the divisor, and not negative.
            bits.truncate(right.bits.len());
            bits.push(Signal::Known(false));
            rest = Word { bits, kind: WordKind::Signed }.trimmed();
            quotient[k] = !less;
        }
        let bits = if remainder { rest.bits } else { quotient };
        Ok(Word { bits, kind: WordKind::Signed }.extended(1).trimmed())
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
                    let mut word = word.extended(super::variables::MACHINE as usize);
                    word.bits.truncate(super::variables::MACHINE as usize);
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
                    _ => return refuse("use as many bits"),
                }
            }
            (WordKind::Boolean | WordKind::Signed | WordKind::Unsigned, WordKind::Register)
                if given > size
                    && !word.is_signed()
                    && word.bits[size..].iter().any(|b| *b != Signal::Known(false)) =>
            {
                return refuse("name as many bits as it needs");
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

fn boolean(signal: Signal) -> Word {
    Word { bits: vec![signal], kind: WordKind::Boolean }
}

fn inverted(word: &Word) -> Word {
    Word { bits: word.bits.iter().map(|&bit| !bit).collect(), kind: word.kind }
}

/// The bits moved by a known number of positions. Integers without a width grow.
fn moved(word: &Word, left: bool, count: usize) -> Word {
    let size = word.bits.len();
    let fill = |bits: Vec<Signal>| Word { bits, kind: word.kind };
    let zero = Signal::Known(false);
    if left && word.kind == WordKind::Signed && count <= WIDEST - size.min(WIDEST) {
        return fill([vec![zero; count], word.bits.clone()].concat());
    }
    let count = count.min(size);
    if left {
        fill([vec![zero; count], word.bits[..size - count].to_vec()].concat())
    } else {
        let sign = if word.kind == WordKind::Signed { word.bits.last().copied().unwrap_or(zero) } else { zero };
        fill([word.bits[count..].to_vec(), vec![sign; count]].concat())
    }
}

const _: () = assert!(INPUTS >= 3, "tables of three inputs are used throughout");
