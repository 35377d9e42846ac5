//! The grammar of expressions, the same for both versions but for `^`.

use std::borrow::Cow;
use std::rc::Rc;

use super::binary::binary;
use super::cursor::{Mark, NESTING, Parser, Version, unquoted};
use super::error::{Fault, ReadResult, Span};
use super::expression::{Binary, Expression, ExpressionKind, Unary, constant};
use super::syntax::{StatementKind as Kind, Type};
use super::token::Token;
use super::value::{Value, WIDEST};

/// Height of an expression's tree: a sum of that many terms.
const HEIGHT: u16 = 400;
/// How tightly signs bind: above products, below powers.
const SIGN: u8 = 11;

/// Binary operators from the loosest to the tightest, as in the OpenQASM 3 specification.
static OPERATORS: [(Token, Binary, u8); 19] = [
    (Token::Or, Binary::Or, 1),
    (Token::And, Binary::And, 2),
    (Token::BitOr, Binary::BitOr, 3),
    (Token::Caret, Binary::BitXor, 4),
    (Token::BitAnd, Binary::BitAnd, 5),
    (Token::Equal, Binary::Equal, 6),
    (Token::Different, Binary::Different, 6),
    (Token::Less, Binary::Less, 7),
    (Token::LessEqual, Binary::LessEqual, 7),
    (Token::Greater, Binary::Greater, 7),
    (Token::GreaterEqual, Binary::GreaterEqual, 7),
    (Token::ShiftLeft, Binary::ShiftLeft, 8),
    (Token::ShiftRight, Binary::ShiftRight, 8),
    (Token::Plus, Binary::Add, 9),
    (Token::Minus, Binary::Subtract, 9),
    (Token::Star, Binary::Multiply, 10),
    (Token::Slash, Binary::Divide, 10),
    (Token::Percent, Binary::Remainder, 10),
    (Token::StarStar, Binary::Power, SIGN + 1),
];

/// The row of an operator.
pub(super) fn operator_of(token: Token) -> Option<&'static (Token, Binary, u8)> {
    OPERATORS.iter().find(|(known, ..)| *known == token)
}

/// Units of time and how many make a second; `None` for cycles of the device.
const UNITS: [(&str, Option<f64>); 7] = [
    ("ns", Some(1e9)),
    ("us", Some(1e6)),
    ("µs", Some(1e6)),
    ("μs", Some(1e6)),
    ("ms", Some(1e3)),
    ("s", Some(1.0)),
    ("dt", None),
];

impl Parser<'_> {
    pub fn expression(&mut self) -> ReadResult<Expression> {
        self.operation(0)
    }

    /// Precedence climbing: everything that binds at least as tightly as `weakest`.
    fn operation(&mut self, weakest: u8) -> ReadResult<Expression> {
        self.nested(|parser| parser.operands(weakest))
    }

    /// Parses something that may hold its like.
    pub fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> ReadResult<T>) -> ReadResult<T> {
        if self.depth > NESTING {
            let fault = Fault::new(format!("more than {NESTING} parentheses or signs within each other"));
            return Err(fault.hint("name a part with const float").at(self.span()));
        }
        self.depth += 1;
        let found = parse(self);
        self.depth -= 1;
        found
    }

    /// [`Parser::unused_value`] from there on.
    pub fn unused_value_from(&mut self, start: Mark) -> ReadResult<Kind> {
        self.back_to(start);
        self.unused_value()
    }

    /// `n + 1;`, a value that nothing uses: only subroutines that it calls do anything.
    pub fn unused_value(&mut self) -> ReadResult<Kind> {
        let value = self.expression()?;
        self.end(Kind::Expression(value))
    }

    /// A term and the operators behind it.
    fn operands(&mut self, weakest: u8) -> ReadResult<Expression> {
        let mut left = self.term()?;
        while self.peek() == Token::OpenBracket {
            let index = self.nested(Self::indices)?;
            let span = left.span.to(self.taken());
            let height = index.expressions().iter().map(|part| part.height).fold(left.height, u16::max);
            left = node(ExpressionKind::Part(Box::new(left), Box::new(index)), span, height)?;
        }
        loop {
            let Some((operator, strength)) = self.operator() else { return Ok(left) };
            if strength < weakest {
                return Ok(left);
            }
            self.next();
            // Powers group to the right, everything else to the left.
            let right = self.operation(if operator == Binary::Power { strength } else { strength + 1 })?;
            let (span, height) = (left.span.to(right.span), left.height.max(right.height));
            if let Some(value) = self.folded(operator, &left, &right) {
                left = Expression { kind: ExpressionKind::Value(value), span, height: 0 };
                continue;
            }
            left = node(ExpressionKind::Binary(operator, Box::new(left), Box::new(right)), span, height)?;
        }
    }

    /// The real number that an operation on real and whole numbers is. Long texts are full of `3*pi/4`. Whole numbers
    /// alone are computed later: what they are depends on what stands beside them.
    fn folded(&self, operator: Binary, left: &Expression, right: &Expression) -> Option<Value> {
        let (ExpressionKind::Value(a), ExpressionKind::Value(b)) = (&left.kind, &right.kind) else { return None };
        let is_real = |value: &Value| matches!(value, Value::Real(_));
        let is_number = |value: &Value| matches!(value, Value::Real(_) | Value::Integer(_));
        if !operator.is_arithmetic() || !(is_number(a) && is_number(b) && (is_real(a) || is_real(b))) {
            return None;
        }
        binary(operator, *a, *b, self.version == Version::Two).ok().filter(|value| value.is_finite())
    }

    pub fn operator(&self) -> Option<(Binary, u8)> {
        if self.peek() == Token::Caret && self.version == Version::Two {
            return Some((Binary::Power, SIGN + 1));
        }
        operator_of(self.peek()).map(|&(_, operator, strength)| (operator, strength))
    }

    fn term(&mut self) -> ReadResult<Expression> {
        self.piece()?;
        let (token, span) = (self.peek(), self.span());
        let value = |value| Expression { kind: ExpressionKind::Value(value), span, height: 0 };
        match token {
            Token::Integer | Token::Real => {
                self.next();
                if self.word() == "im" {
                    let number = Value::Complex { re: 0.0, im: self.real(span)? };
                    return Ok(Expression { span: span.to(self.next().1), ..value(number) });
                }
                if let Some(unit) = self.unit() {
                    let time = self.duration(span, unit)?;
                    return Ok(Expression { span: span.to(self.next().1), ..value(time) });
                }
                if token == Token::Real {
                    return Ok(value(Value::Real(self.real(span)?)));
                }
                match self.integer(span)? {
                    Value::Real(real) => {
                        let bits = long(&without_underscores(self.slice(span)));
                        Ok(Expression { kind: ExpressionKind::Long { real, bits }, span, height: 0 })
                    }
                    number => Ok(value(number)),
                }
            }
            Token::Text => {
                self.next();
                Ok(value(self.bits(span)?))
            }
            Token::Open => {
                self.next();
                let inner = self.operation(0)?;
                self.expect(Token::Close, "`)`")?;
                Ok(Expression { span: span.to(self.taken()), ..inner })
            }
            Token::Plus => {
                self.next();
                self.operation(SIGN)
            }
            Token::Minus | Token::Not | Token::Tilde => {
                self.next();
                let inner = self.operation(SIGN)?;
                if let (Token::Minus, ExpressionKind::Value(Value::Real(number))) = (token, &inner.kind) {
                    return Ok(Expression { span: span.to(inner.span), ..value(Value::Real(-number)) });
                }
                let (span, height) = (span.to(inner.span), inner.height);
                let unary = match token {
                    Token::Minus => Unary::Minus,
                    Token::Not => Unary::Not,
                    _ => Unary::Complement,
                };
                node(ExpressionKind::Unary(unary, Box::new(inner)), span, height)
            }
            Token::Physical => {
                self.next();
                let kind = ExpressionKind::Name(self.slice(span).into());
                Ok(Expression { kind, span, height: 0 })
            }
            Token::Word if self.word() == "measure" => {
                let fault = Fault::new("a measurement cannot be part of an expression");
                Err(fault.hint("measure into a bit first").at(span))
            }
            Token::Word => self.named(),
            _ => Err(self.unexpected("a number, a name or `(`")),
        }
    }

    pub fn named(&mut self) -> ReadResult<Expression> {
        // In OpenQASM 2 the other names are free.
        if let Some(number) = constant(self.word()).filter(|_| self.version == Version::Three || self.word() == "pi")
            && !self.hides_constants
            && !matches!(self.peek_after(), Token::Open | Token::OpenBracket)
        {
            return Ok(Expression::value(Value::Real(number), self.next().1));
        }
        let name = self.name("a name")?;
        if ["true", "false"].contains(&name.text.as_str()) {
            let kind = ExpressionKind::Value(Value::Boolean(name.text == "true"));
            return Ok(Expression { kind, span: name.span, height: 0 });
        }
        if let Some(kind) = Type::named(&name.text).filter(|_| self.peek() == Token::OpenBracket) {
            return self.cast(kind, name.span);
        }
        if name.text == "durationof" && self.peek() == Token::Open {
            return self.duration_of(name.span);
        }
        if self.accept(Token::Open) {
            let arguments = self.list(Token::Close, ")", |parser| parser.operation(0))?;
            let height = arguments.iter().map(|a| a.height).max().unwrap_or(0);
            let span = name.span.to(self.taken());
            let kind = match (Type::named(&name.text), &arguments[..]) {
                (Some(kind), [_]) => {
                    let inner = arguments.into_iter().next().map(Box::new).expect("the pattern has one argument");
                    ExpressionKind::Cast { kind, width: None, inner }
                }
                _ => ExpressionKind::Call(name.text, arguments),
            };
            return node(kind, span, height);
        }
        if self.peek() == Token::OpenBracket {
            let index = self.nested(Self::indices)?;
            let span = name.span.to(self.taken());
            let height = index.expressions().iter().map(|part| part.height).max().unwrap_or(0);
            return node(ExpressionKind::Element(name.text, Box::new(index)), span, height);
        }
        Ok(Expression { kind: ExpressionKind::Name(name.text), span: name.span, height: 0 })
    }

    /// The rest of `durationof({ ... })`.
    fn duration_of(&mut self, start: Span) -> ReadResult<Expression> {
        self.next();
        if self.peek() != Token::OpenBrace {
            return Err(self.unexpected("a block, as in durationof({x $0;})"));
        }
        if self.is_timing {
            let fault = Fault::new("durationof within durationof");
            return Err(fault.hint("give the inner one to a duration first").at(start));
        }
        self.is_timing = true;
        let body = self.detached_block();
        self.is_timing = false;
        let body = body?;
        self.expect(Token::Close, "`)`")?;
        node(ExpressionKind::DurationOf(body.into()), start.to(self.taken()), 0)
    }

    /// The rest of `int[4](x)`.
    fn cast(&mut self, kind: Type, start: Span) -> ReadResult<Expression> {
        let Some(width) = self.width(kind)? else { return Err(self.unexpected("a width")) };
        self.expect(Token::Open, "`(` and what is cast")?;
        let inner = self.operation(0)?;
        self.expect(Token::Close, "`)`")?;
        let height = width.height.max(inner.height);
        let kind = ExpressionKind::Cast { kind, width: Some(Box::new(width)), inner: Box::new(inner) };
        node(kind, start.to(self.taken()), height)
    }

    /// The unit of time ahead.
    fn unit(&self) -> Option<Option<f64>> {
        UNITS.iter().find(|(name, _)| *name == self.word()).map(|(_, unit)| *unit)
    }

    fn duration(&self, number: Span, unit: Option<f64>) -> ReadResult<Value> {
        let number = self.real(number)?;
        Ok(match unit {
            // Divided: 120 / 1e9 is the double nearest to 120 ns, 120 * 1e-9 is not always.
            Some(unit) => Value::Duration { seconds: number / unit, cycles: 0.0 },
            None => Value::Duration { seconds: 0.0, cycles: number },
        })
    }

    /// `"0110"`: bits, the most significant first.
    fn bits(&self, span: Span) -> ReadResult<Value> {
        let digits = unquoted(self.slice(span)).replace('_', "");
        let width = digits.len();
        if !(1..=WIDEST).contains(&width) || !digits.bytes().all(|digit| b"01".contains(&digit)) {
            let fault = Fault::new("this text is no list of bits");
            return Err(fault.hint(format!("write 1 to {WIDEST} digits 0 and 1, as in \"0110\"")).at(span));
        }
        let value = u64::from_str_radix(&digits, 2).expect("at most 64 digits, all of them bits");
        Ok(Value::bits(value, width as u32))
    }

    pub fn integer(&self, span: Span) -> ReadResult<Value> {
        let text = without_underscores(self.slice(span));
        let (digits, radix) = match text.get(..2) {
            Some("0x" | "0X") => (&text[2..], 16),
            Some("0b" | "0B") => (&text[2..], 2),
            Some("0o" | "0O") => (&text[2..], 8),
            _ => (&text[..], 10),
        };
        match u64::from_str_radix(digits, radix) {
            Ok(value) => Ok(Value::Integer(value.into())),
            // Too long for an integer, but a fine real number.
            Err(_) if radix == 10 => self.real(span).map(Value::Real),
            Err(_) => Err(Fault::new("this integer does not fit into 64 bits").at(span)),
        }
    }

    pub fn real(&self, span: Span) -> ReadResult<f64> {
        match without_underscores(self.slice(span)).parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(value),
            _ => Err(Fault::new("this number is too large").hint("the largest is about 1.8e308").at(span)),
        }
    }
}

/// The digits of a number. Few texts group them, and long texts are full of numbers.
fn without_underscores(number: &str) -> Cow<'_, str> {
    if number.contains('_') { number.replace('_', "").into() } else { number.into() }
}

/// A whole number in decimal digits as bits, 64 in each element, the least significant first. At most 309 digits: more
/// are too large for a real number.
fn long(digits: &str) -> Rc<[u64]> {
    let mut parts: Vec<u64> = Vec::new();
    for digit in digits.bytes() {
        let mut carry = u128::from(digit - b'0');
        for part in &mut parts {
            let sum = u128::from(*part) * 10 + carry;
            (*part, carry) = (sum as u64, sum >> 64);
        }
        if carry > 0 {
            parts.push(carry as u64);
        }
    }
    parts.into()
}

fn node(kind: ExpressionKind, span: Span, height: u16) -> ReadResult<Expression> {
    if height >= HEIGHT {
        let fault = Fault::new(format!("this expression is more than {HEIGHT} operations deep"));
        return Err(fault.hint("name parts of it with const float").at(span));
    }
    Ok(Expression { kind, span, height: height + 1 })
}
