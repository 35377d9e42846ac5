//! The grammar of expressions, the same for both versions but for `^`.

use super::cursor::{NESTING, Parser, Version};
use super::error::{Fault, ReadResult, Span};
use super::expression::{Binary, Expression, ExpressionKind, Unary, Value};
use super::token::Token;

/// Height of an expression's tree: a sum of that many terms.
const HEIGHT: u16 = 400;
/// How tightly signs bind: above products, below powers.
const SIGN: u8 = 7;

impl Parser<'_> {
    pub fn expression(&mut self) -> ReadResult<Expression> {
        self.operation(0, 0)
    }

    /// Precedence climbing: everything that binds at least as tightly as `weakest`.
    fn operation(&mut self, weakest: u8, nesting: usize) -> ReadResult<Expression> {
        if nesting > NESTING {
            let fault = Fault::new(format!("more than {NESTING} parentheses or signs within each other"));
            return Err(fault.hint("name a part with const float").at(self.span()));
        }
        let mut left = self.term(nesting)?;
        loop {
            let Some((operator, strength)) = self.operator()? else { return Ok(left) };
            if strength < weakest {
                return Ok(left);
            }
            self.next();
            // Powers group to the right, everything else to the left.
            let right = self.operation(if operator == Binary::Power { strength } else { strength + 1 }, nesting + 1)?;
            let (span, height) = (left.span.to(right.span), left.height.max(right.height));
            left = node(ExpressionKind::Binary(operator, Box::new(left), Box::new(right)), span, height)?;
        }
    }

    fn operator(&self) -> ReadResult<Option<(Binary, u8)>> {
        Ok(Some(match self.peek() {
            Token::Or => (Binary::Or, 1),
            Token::And => (Binary::And, 2),
            Token::Equal => (Binary::Equal, 3),
            Token::Different => (Binary::Different, 3),
            Token::Less => (Binary::Less, 4),
            Token::LessEqual => (Binary::LessEqual, 4),
            Token::Greater => (Binary::Greater, 4),
            Token::GreaterEqual => (Binary::GreaterEqual, 4),
            Token::Plus => (Binary::Add, 5),
            Token::Minus => (Binary::Subtract, 5),
            Token::Star => (Binary::Multiply, 6),
            Token::Slash => (Binary::Divide, 6),
            Token::Percent => (Binary::Remainder, 6),
            Token::StarStar => (Binary::Power, SIGN + 1),
            Token::Caret if self.version == Version::Two => (Binary::Power, SIGN + 1),
            Token::Caret => {
                let fault = Fault::new("`^` is exclusive or in OpenQASM 3, which is not supported");
                return Err(fault.hint("write ** for a power").at(self.span()));
            }
            _ => return Ok(None),
        }))
    }

    fn term(&mut self, nesting: usize) -> ReadResult<Expression> {
        let (token, span) = (self.peek(), self.span());
        let value = |value| Expression { kind: ExpressionKind::Value(value), span, height: 0 };
        match token {
            Token::Integer => {
                self.next();
                Ok(value(self.integer(span)?))
            }
            Token::Real => {
                self.next();
                Ok(value(Value::Real(self.real(span)?)))
            }
            Token::Open => {
                self.next();
                let inner = self.operation(0, nesting + 1)?;
                self.expect(Token::Close, "`)`")?;
                Ok(Expression { span: span.to(self.taken()), ..inner })
            }
            Token::Plus => {
                self.next();
                self.operation(SIGN, nesting + 1)
            }
            Token::Minus | Token::Not => {
                self.next();
                let inner = self.operation(SIGN, nesting + 1)?;
                let (span, height) = (span.to(inner.span), inner.height);
                let unary = if token == Token::Minus { Unary::Minus } else { Unary::Not };
                node(ExpressionKind::Unary(unary, Box::new(inner)), span, height)
            }
            Token::Word => self.named(nesting),
            _ => Err(self.unexpected("a number, a name or `(`")),
        }
    }

    pub fn named(&mut self, nesting: usize) -> ReadResult<Expression> {
        let name = self.name("a name")?;
        if ["true", "false"].contains(&name.text.as_str()) {
            let kind = ExpressionKind::Value(Value::Boolean(name.text == "true"));
            return Ok(Expression { kind, span: name.span, height: 0 });
        }
        if self.accept(Token::Open) {
            let arguments = self.list(Token::Close, ")", |parser| parser.operation(0, nesting + 1))?;
            let height = arguments.iter().map(|a| a.height).max().unwrap_or(0);
            return node(ExpressionKind::Call(name.text, arguments), name.span.to(self.taken()), height);
        }
        if self.accept(Token::OpenBracket) {
            let index = self.operation(0, nesting + 1)?;
            self.expect(Token::CloseBracket, "`]`")?;
            let (span, height) = (name.span.to(self.taken()), index.height);
            return node(ExpressionKind::Element(name.text, Box::new(index)), span, height);
        }
        Ok(Expression { kind: ExpressionKind::Name(name.text), span: name.span, height: 0 })
    }

    pub fn integer(&self, span: Span) -> ReadResult<Value> {
        let text = self.slice(span).replace('_', "");
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
        match self.slice(span).replace('_', "").parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(value),
            _ => Err(Fault::new("this number is too large").hint("the largest is about 1.8e308").at(span)),
        }
    }
}

fn node(kind: ExpressionKind, span: Span, height: u16) -> ReadResult<Expression> {
    if height >= HEIGHT {
        let fault = Fault::new(format!("this expression is more than {HEIGHT} operations deep"));
        return Err(fault.hint("name parts of it with const float").at(span));
    }
    Ok(Expression { kind, span, height: height + 1 })
}
