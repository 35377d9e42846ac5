//! Arithmetic and comparisons of bits that are known only when the circuit runs.

use super::build::Builder;
use super::error::{Fault, ReadResult, Span};
use super::expression::Binary;
use super::logic::{INPUTS, Signal};
use super::value::Value;
use super::words::{Word, WordKind, boolean};

/// Bits of an intermediate result at most.
const WIDEST_RESULT: usize = 256;

impl Builder<'_> {
    pub fn combined(&mut self, operator: Binary, left: Word, right: Word, span: Span) -> ReadResult<Word> {
        use Binary as B;
        Self::check_angles(operator, &left, &right, span)?;
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

    /// Whether an operation on measured angles is one on their parts of a turn: in radians it could not be computed.
    fn check_angles(operator: Binary, left: &Word, right: &Word, span: Span) -> ReadResult<()> {
        use Binary as B;
        let is_angle = |word: &Word| word.kind == WordKind::Turn;
        let allowed = match (is_angle(left), is_angle(right), operator) {
            (false, false, _) => true,
            (_, _, B::And | B::Or | B::BitAnd | B::BitOr | B::BitXor | B::ShiftLeft | B::ShiftRight) => true,
            (true, true, B::Multiply | B::Divide | B::Remainder | B::Power) => false,
            (true, true, _) => left.bits.len() == right.bits.len(),
            (_, _, B::Multiply) | (true, false, B::Divide) => true,
            _ => false,
        };
        if allowed {
            return Ok(());
        }
        let fault = Fault::new("a measured angle cannot be combined like this");
        Err(fault.hint("add and compare angles of one width; multiply and divide them by integers").at(span))
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
        let beyond = |word: &Word| word.bits.iter().skip(size).any(|bit| *bit != Signal::Known(false));
        if operator != Binary::BitAnd && (beyond(&left) || beyond(&right)) {
            let fault = Fault::new(format!("an operand may have more than the {size} bits of the other"));
            return Err(fault.hint("cast the register to a wider integer").at(span));
        }
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
            return self.moved(&word, left, count, span);
        }
        if count.is_signed() && count.bits.last() != Some(&Signal::Known(false)) {
            let fault = Fault::new("a shift by what may be negative");
            return Err(fault.hint("shift by an unsigned integer, or by bits").at(span));
        }
        let mut word = word;
        for (k, &bit) in count.bits.iter().enumerate().filter(|(_, bit)| **bit != Signal::Known(false)) {
            let go = self.moved(&word, left, 1usize.checked_shl(k as u32).unwrap_or(usize::MAX), span)?;
            let size = word.bits.len().max(go.bits.len());
            let (stay, go) = (word.extended(size), go.extended(size));
            let mut bits = Vec::with_capacity(size);
            for (&stay, &go) in stay.bits.iter().zip(&go.bits) {
                bits.push(self.select(bit, go, stay, span)?);
            }
            word = Word { bits, kind: stay.kind };
        }
        Ok(word)
    }

    /// The bits moved by a known number of positions. Integers without a width grow.
    fn moved(&self, word: &Word, left: bool, count: usize, span: Span) -> ReadResult<Word> {
        let size = word.bits.len();
        let fill = |bits: Vec<Signal>| Ok(Word { bits, kind: word.kind });
        let zero = Signal::Known(false);
        if left && word.is_signed() {
            let word = word.clone().trimmed();
            self.fits(word.bits.len().saturating_add(count), span)?;
            return fill([vec![zero; count], word.bits].concat());
        }
        let count = count.min(size);
        if left {
            fill([vec![zero; count], word.bits[..size - count].to_vec()].concat())
        } else {
            let sign = if word.is_signed() { word.bits.last().copied().unwrap_or(zero) } else { zero };
            fill([word.bits[count..].to_vec(), vec![sign; count]].concat())
        }
    }

    /// One signal or the other.
    fn select(&mut self, which: Signal, yes: Signal, no: Signal, span: Span) -> ReadResult<Signal> {
        self.table(&[which, yes, no], |v| if v & 1 == 1 { v >> 1 & 1 == 1 } else { v >> 2 == 1 }, span)
    }

    pub fn arithmetic(&mut self, operator: Binary, left: Word, right: Word, span: Span) -> ReadResult<Word> {
        use Binary as B;
        let (a, b) = (left.kind, right.kind);
        // Two integers of a width wrap around at it, angles at a turn.
        let wraps = match (a, b) {
            (WordKind::Turn, _) => Some((left.bits.len(), a)),
            (_, WordKind::Turn) => Some((right.bits.len(), b)),
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
        if size <= WIDEST_RESULT {
            return Ok(());
        }
        let fault = Fault::new(format!("this result has {size} bits"));
        Err(fault.hint(format!("cast what it is made of to fewer; {WIDEST_RESULT} are the most")).at(span))
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
}

const _: () = assert!(INPUTS >= 3, "tables of three inputs are used throughout");
