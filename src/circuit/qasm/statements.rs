//! The statements, one function each.

use super::cursor::{Mark, Parser, Version};
use super::error::{Fault, ReadResult};
use super::expression::{Binary, Expression, ExpressionKind, constant, is_function};
use super::formula::operator_of;
use super::library;
use super::parse::Shared;
use super::syntax::{ForRange, Index, Modifier, Name, Operand, Range, Source, StatementKind as Kind, Type};
use super::token::Token;
use super::value::Value;

/// What is noticed of `x[100ns] q;`.
const UNTIMED: &str = "the duration of this gate is left out: gates take the time that the device says";

impl Parser<'_> {
    pub fn gate(&mut self, shared: &mut Shared) -> ReadResult<Kind> {
        let opaque = self.word() == "opaque";
        self.next();
        let name = self.name("the name of the gate")?;
        let formal = |parser: &mut Self| parser.name("a name");
        let params = if self.accept(Token::Open) { self.list(Token::Close, ")", formal)? } else { vec![] };
        if opaque {
            let qubits = self.list(Token::Semicolon, ";", formal)?;
            return Ok(Kind::Gate { name, params, qubits, body: None });
        }
        let mut qubits = vec![self.name("the name of an operand")?];
        while self.accept(Token::Comma) && self.peek() != Token::OpenBrace {
            qubits.push(self.name("the name of an operand")?);
        }
        self.hides_constants = params.iter().any(|param| constant(&param.text).is_some());
        let body = self.block(shared).map(Some);
        self.hides_constants = false;
        let body = body?;
        Ok(Kind::Gate { name, params, qubits, body })
    }

    /// `qreg q[2];` `creg c[2];`, in OpenQASM 3 also without a size.
    pub fn old_register(&mut self) -> ReadResult<Kind> {
        let quantum = self.word() == "qreg";
        self.next();
        let wanted = "the name of the register";
        let name = if self.version == Version::Three { self.declared_name(wanted) } else { self.name(wanted) }?;
        let size = self.bracketed()?;
        if size.is_none() && self.version == Version::Two {
            return Err(self.unexpected("`[` and the size of the register"));
        }
        self.end(if quantum {
            Kind::Qubits { name, size }
        } else {
            Kind::Bits { name, size, initial: None, output: false }
        })
    }

    pub fn bracketed(&mut self) -> ReadResult<Option<Expression>> {
        if !self.accept(Token::OpenBracket) {
            return Ok(None);
        }
        let inner = self.expression()?;
        self.expect(Token::CloseBracket, "`]`")?;
        Ok(Some(inner))
    }

    /// `qubit[2] q;` `bit[2] c;` `bit c = measure q[0];` `bit[2] c = "00";`
    pub fn register(&mut self) -> ReadResult<Kind> {
        let start = self.span();
        let quantum = self.word() == "qubit";
        if self.version == Version::Two {
            let old = if quantum { "qreg q[2];" } else { "creg c[2];" };
            let fault = Fault::new(format!("`{}` is a word of OpenQASM 3", self.word()));
            return Err(fault.hint(format!("write {old} or OPENQASM 3.0;")).at(start));
        }
        let first = self.mark();
        self.next();
        let size = self.bracketed()?;
        if !quantum && self.peek() == Token::Open {
            return self.unused_value_from(first);
        }
        let name = self.declared_name("the name of the register")?;
        if quantum {
            return self.end(Kind::Qubits { name, size });
        }
        let initial = self.initial()?;
        self.end(Kind::Bits { name, size, initial, output: false })
    }

    pub fn operand(&mut self) -> ReadResult<Operand> {
        self.piece()?;
        let span = self.span();
        if self.accept(Token::Physical) {
            let name = Name { text: self.slice(span).into(), span };
            return Ok(Operand { name, index: Index::All, span });
        }
        let name = self.name("a qubit or bit")?;
        let index = self.indices()?;
        Ok(Operand { name, index, span: span.to(self.taken()) })
    }

    /// `[1]`, `[0:2]`, `[{0, 2}]`, `[1, 2]`, `[1][2]` or nothing.
    pub fn indices(&mut self) -> ReadResult<Index> {
        if !self.accept(Token::OpenBracket) {
            return Ok(Index::All);
        }
        if self.accept(Token::CloseBracket) {
            return Err(Fault::new("these brackets hold no index").at(self.taken()));
        }
        let first = self.index()?;
        let mut path = Vec::new();
        if self.accept(Token::Comma) {
            path = self.list(Token::CloseBracket, "]", Self::index)?;
        } else if !self.accept(Token::CloseBracket) {
            return Err(self.unexpected("`,` or `]`"));
        }
        while self.accept(Token::OpenBracket) {
            path.extend(self.list(Token::CloseBracket, "]", Self::index)?);
        }
        if path.is_empty() {
            return Ok(first);
        }
        path.insert(0, first);
        Ok(Index::Path(path))
    }

    fn index(&mut self) -> ReadResult<Index> {
        self.piece()?;
        if self.accept(Token::OpenBrace) {
            return Ok(Index::Set(self.list(Token::CloseBrace, "}", Self::expression)?));
        }
        let start = if self.peek() == Token::Colon { None } else { Some(self.expression()?) };
        match start {
            Some(one) if self.peek() != Token::Colon => Ok(Index::One(one)),
            start => Ok(Index::Range(self.range(start, Token::CloseBracket)?)),
        }
    }

    /// The rest of `start:stop` or `start:step:stop`.
    pub fn range(&mut self, start: Option<Expression>, end: Token) -> ReadResult<Range> {
        self.expect(Token::Colon, "`:`")?;
        let second = if [end, Token::Comma].contains(&self.peek()) { None } else { Some(self.expression()?) };
        if !self.accept(Token::Colon) {
            return Ok(Range { start, step: None, stop: second });
        }
        let stop = if [end, Token::Comma].contains(&self.peek()) { None } else { Some(self.expression()?) };
        Ok(Range { start, step: second, stop })
    }

    pub fn delay(&mut self) -> ReadResult<Kind> {
        self.next();
        self.expect(Token::OpenBracket, "`[`")?;
        let time = self.expression()?;
        self.expect(Token::CloseBracket, "`]`")?;
        let operands = self.list(Token::Semicolon, ";", Self::operand)?;
        Ok(Kind::Delay { time, operands })
    }

    pub fn condition(&mut self, shared: &mut Shared) -> ReadResult<Kind> {
        self.next();
        self.expect(Token::Open, "`(`")?;
        let condition = self.expression()?;
        if self.peek() == Token::Assign {
            return Err(Fault::new("`=` compares nothing").hint("write ==").at(self.span()));
        }
        self.expect(Token::Close, "`)`")?;
        let then = self.body(shared)?;
        let mut otherwise = Vec::new();
        if self.word() == "else" {
            self.next();
            otherwise = self.body(shared)?;
        }
        Ok(Kind::If { condition, then, otherwise })
    }

    pub fn for_loop(&mut self, shared: &mut Shared) -> ReadResult<Kind> {
        self.next();
        let mut variable = self.name("a type or the loop variable")?;
        let mut kind = None;
        if self.word() == "in" && library::is_keyword(&variable.text) {
            return Err(Fault::new(format!("`{}` is a word of the language", variable.text)).at(variable.span));
        }
        if self.word() != "in" {
            let Some(found) = Type::named(&variable.text) else {
                let fault = Fault::new(format!("there is no type {}", variable.text));
                return Err(fault.hint("write for int i in [0:3] { ... }").at(variable.span));
            };
            kind = Some((found, self.width(found)?));
            variable = self.declared_name("the loop variable")?;
        }
        if self.word() != "in" {
            return Err(self.unexpected("`in`"));
        }
        self.next();
        let range = match self.peek() {
            // Bits are indexed from the last on.
            Token::Text => {
                let bits = self.expression()?;
                let ExpressionKind::Value(Value::Bits { value, width, .. }) = bits.kind else {
                    return Err(Fault::new("this is no list of bits").at(bits.span));
                };
                let bit = |at: u32| Expression::value(Value::bits(value >> at & 1, 1), bits.span);
                ForRange::Set((0..width).map(bit).collect())
            }
            Token::OpenBracket => {
                self.next();
                let start = self.expression()?;
                let range = self.range(Some(start), Token::CloseBracket)?;
                self.expect(Token::CloseBracket, "`]`")?;
                ForRange::Range(range)
            }
            Token::OpenBrace => {
                self.next();
                ForRange::Set(self.list(Token::CloseBrace, "}", Self::expression)?)
            }
            Token::Word => ForRange::Elements(self.operand()?),
            _ => return Err(self.unexpected("a range like [0:3], a set like {0, 2} or a register")),
        };
        Ok(Kind::For { variable, kind, range, body: self.body(shared)? })
    }

    pub fn boxed(&mut self, shared: &mut Shared) -> ReadResult<Kind> {
        self.next();
        let time = self.bracketed()?;
        Ok(Kind::Box { time, body: self.block(shared)? })
    }

    /// Skips pulses: `cal { ... }`, `defcal x $0 { ... }`. Their language is another one, so only what hides a brace is
    /// understood: comments and quoted text.
    pub fn calibration(&mut self, shared: &mut Shared) -> ReadResult<()> {
        let start = self.span();
        let what = self.word().to_string();
        let Some(end) = end_of_block(&self.text[start.start as usize..]) else {
            return Err(Fault::new(format!("this {what} is never closed")).hint("add a }").at(start));
        };
        let block = &self.text[start.start as usize..start.start as usize + end];
        if block.split('{').next().is_some_and(|header| header.matches("->").count() > 1) {
            return Err(Fault::new(format!("this {what} returns twice")).hint("name one type behind ->").at(start));
        }
        self.seek(start.start as usize + end);
        shared.receiver.notice(start, format!("a {what} block was skipped: pulses are not simulated"));
        Ok(())
    }

    pub fn call_or_assignment(&mut self) -> ReadResult<Kind> {
        let start = self.mark();
        if matches!(self.peek_after(), Token::Assign | Token::Compound | Token::OpenBracket)
            && self.modifier_word().is_none()
        {
            return self.assignment(start);
        }
        let is_three = self.version == Version::Three;
        if is_three && operator_of(self.peek_after()).is_some() {
            return self.unused_value();
        }
        let mut modifiers = Vec::new();
        while let Some(modifier) = self.modifier()? {
            modifiers.push(modifier);
        }
        if !modifiers.is_empty() && ["measure", "reset", "barrier", "delay"].contains(&self.word()) {
            return Err(Fault::new("modifiers act on gates only").at(self.span()));
        }
        let name = self.name("the name of a gate")?;
        let mut arguments = Vec::new();
        if self.accept(Token::Open) {
            arguments = self.list(Token::Close, ")", Self::expression)?;
        }
        let is_function = self.peek() == Token::Semicolon && is_function(&name.text);
        if is_three && modifiers.is_empty() && (is_function || self.operator().is_some()) {
            return self.unused_value_from(start);
        }
        if self.peek() == Token::OpenBracket && is_three {
            self.bracketed()?;
            self.remarks.push((name.span, UNTIMED.into()));
        }
        let operands = self.list(Token::Semicolon, ";", Self::operand)?;
        Ok(Kind::Call { modifiers, name, arguments, operands })
    }

    /// `c[0] = measure q[0];`, `n += 2;`, which starts there.
    fn assignment(&mut self, start: Mark) -> ReadResult<Kind> {
        let to = self.operand()?;
        let operator = match self.peek() {
            Token::Assign => None,
            Token::Compound if self.slice(self.span()) == "~=" => {
                let fault = Fault::new("`~` has one operand, so `~=` says nothing");
                return Err(fault.hint(format!("write {0} = ~{0};", self.slice(to.span))).at(self.span()));
            }
            Token::Compound => Some(compound(self.slice(self.span()))),
            Token::Word | Token::Physical if matches!(to.index, Index::One(_)) && self.version == Version::Three => {
                self.remarks.push((to.name.span, UNTIMED.into()));
                let operands = self.list(Token::Semicolon, ";", Self::operand)?;
                return Ok(Kind::Call { modifiers: Vec::new(), name: to.name, arguments: Vec::new(), operands });
            }
            sign if self.version == Version::Three && (sign == Token::Semicolon || operator_of(sign).is_some()) => {
                return self.unused_value_from(start);
            }
            _ => {
                let fault = Fault::new(format!("`{}` is not followed by an assignment", to.name.text));
                return Err(fault.hint("a gate is followed by its operands, a bit by = measure").at(to.span));
            }
        };
        let sign = self.next().1;
        if self.version == Version::Two {
            let fault = Fault::new("assignments are of OpenQASM 3");
            return Err(fault.hint("write measure q[0] -> c[0]; or OPENQASM 3.0;").at(sign));
        }
        match (self.source()?, operator) {
            (Source::Measure(from), None) => self.end(Kind::Measure { from, to }),
            (Source::Measure(_), Some(_)) => Err(Fault::new("a measurement cannot be part of an expression")
                .hint("measure into a bit first")
                .at(sign)),
            (source, operator) => self.end(Kind::Assign { to, operator, source }),
        }
    }

    fn modifier_word(&self) -> Option<&str> {
        let follows = matches!(self.peek_after(), Token::At | Token::Open);
        Some(self.word()).filter(|word| follows && ["inv", "pow", "ctrl", "negctrl"].contains(word))
    }

    fn modifier(&mut self) -> ReadResult<Option<Modifier>> {
        let Some(word) = self.modifier_word().map(str::to_string) else { return Ok(None) };
        let start = self.next().1;
        let mut argument = None;
        if self.accept(Token::Open) {
            argument = Some(self.expression()?);
            self.expect(Token::Close, "`)`")?;
        }
        self.expect(Token::At, "`@`")?;
        match (word.as_str(), argument) {
            ("inv", None) => Ok(Some(Modifier::Inverse)),
            ("pow", Some(power)) => Ok(Some(Modifier::Power(power))),
            ("ctrl", count) => Ok(Some(Modifier::Control { count, value: true })),
            ("negctrl", count) => Ok(Some(Modifier::Control { count, value: false })),
            ("pow", None) => Err(Fault::new("pow needs an exponent").hint("write pow(2) @").at(start)),
            _ => Err(Fault::new("inv takes no argument").hint("write inv @").at(start)),
        }
    }
}

/// The operator of `+=` and the like.
fn compound(sign: &str) -> Binary {
    match sign {
        "+=" => Binary::Add,
        "-=" => Binary::Subtract,
        "*=" => Binary::Multiply,
        "/=" => Binary::Divide,
        "%=" => Binary::Remainder,
        "**=" => Binary::Power,
        "&=" => Binary::BitAnd,
        "|=" => Binary::BitOr,
        "^=" => Binary::BitXor,
        "<<=" => Binary::ShiftLeft,
        _ => Binary::ShiftRight,
    }
}

/// Behind the first block in braces of a text, blocks inside it included; `None` if there is none or it is never closed.
fn end_of_block(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut at, mut open, mut line_end) = (0, 0usize, 0);
    while at < bytes.len() {
        if at >= line_end {
            line_end = text[at..].find('\n').map_or(text.len(), |newline| at + newline + 1);
        }
        let rest = &text[at..];
        at += match bytes[at] {
            b'/' if rest.starts_with("//") => line_end - at,
            b'/' if rest.starts_with("/*") => rest[2..].find("*/")? + 4,
            // A quote that no other closes on its line hides nothing.
            quote @ (b'"' | b'\'') => text[at + 1..line_end].find(quote as char).map_or(1, |length| length + 2),
            b';' if open == 0 => return None,
            b'{' => {
                open += 1;
                1
            }
            b'}' if open <= 1 => return (open == 1).then_some(at + 1),
            b'}' => {
                open -= 1;
                1
            }
            _ => rest.chars().next().map_or(1, char::len_utf8),
        };
    }
    None
}
