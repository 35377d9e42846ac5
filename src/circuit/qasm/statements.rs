//! The statements, one function each.

use super::cursor::{Parser, Version};
use super::error::{Fault, ReadResult};
use super::expression::Expression;
use super::parse::Shared;
use super::syntax::{ForRange, Index, Modifier, Name, Operand, Range, StatementKind as Kind, Type};
use super::token::Token;

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
        while self.accept(Token::Comma) {
            qubits.push(self.name("the name of an operand")?);
        }
        let body = Some(self.block(shared)?);
        Ok(Kind::Gate { name, params, qubits, body })
    }

    /// `qreg q[2];` `creg c[2];`, in OpenQASM 3 also without a size.
    pub fn old_register(&mut self) -> ReadResult<Kind> {
        let quantum = self.word() == "qreg";
        self.next();
        let name = self.name("the name of the register")?;
        let size = self.bracketed()?;
        if size.is_none() && self.version == Version::Two {
            return Err(self.unexpected("`[` and the size of the register"));
        }
        self.end(if quantum { Kind::Qubits { name, size } } else { Kind::Bits { name, size, measured: None } })
    }

    fn bracketed(&mut self) -> ReadResult<Option<Expression>> {
        if !self.accept(Token::OpenBracket) {
            return Ok(None);
        }
        let inner = self.expression()?;
        self.expect(Token::CloseBracket, "`]`")?;
        Ok(Some(inner))
    }

    /// `qubit[2] q;` `bit[2] c;` `bit c = measure q[0];` `bit[2] c = "00";`
    pub fn register(&mut self, shared: &mut Shared) -> ReadResult<Kind> {
        let start = self.span();
        let quantum = self.word() == "qubit";
        if self.version == Version::Two {
            let old = if quantum { "qreg q[2];" } else { "creg c[2];" };
            let fault = Fault::new(format!("`{}` is a word of OpenQASM 3", self.word()));
            return Err(fault.hint(format!("write {old} or OPENQASM 3.0;")).at(start));
        }
        self.next();
        let size = self.bracketed()?;
        let name = self.name("the name of the register")?;
        if quantum {
            return self.end(Kind::Qubits { name, size });
        }
        let mut measured = None;
        if self.accept(Token::Assign) {
            if self.word() == "measure" {
                self.next();
                measured = Some(self.operand()?);
            } else {
                if self.peek() == Token::Invalid {
                    return Err(self.unexpected("a value"));
                }
                let (token, span) = self.next();
                let zero = match token {
                    Token::Text | Token::Integer => self.slice(span).bytes().all(|b| b"\"'0_".contains(&b)),
                    Token::Word => self.slice(span) == "false",
                    _ => false,
                };
                if !zero {
                    let hint = "classical bits start at 0 and change by measurement only";
                    return Err(Fault::new("bits cannot be given a value").hint(hint).at(span));
                }
                shared.receiver.notice(start, format!("{} starts at zero anyway", name.text));
            }
        }
        self.end(Kind::Bits { name, size, measured })
    }

    pub fn input(&mut self) -> ReadResult<Kind> {
        self.next();
        let mut kind = self.name("a type")?;
        let mut size = None;
        if kind.text == "array" {
            self.expect(Token::OpenBracket, "`[`")?;
            kind = self.name("a type")?;
            self.bracketed()?;
            self.expect(Token::Comma, "`,`")?;
            size = Some(self.expression()?);
            if self.peek() == Token::Comma {
                let fault = Fault::new("arrays of more than one dimension are not supported");
                return Err(fault.hint("write one size, as in input array[float, 6] x;").at(self.span()));
            }
            self.expect(Token::CloseBracket, "`]`")?;
        } else {
            self.bracketed()?;
        }
        if !["float", "angle"].contains(&kind.text.as_str()) {
            let fault = Fault::new(format!("inputs of type {} are not supported", kind.text));
            return Err(fault.hint("write input float x; or input array[float, 3] x;").at(kind.span));
        }
        let name = self.name("the name of the input")?;
        self.end(Kind::Input { name, size })
    }

    pub fn constant(&mut self) -> ReadResult<Kind> {
        self.next();
        let kind = self.name("a type")?;
        let Some(kind) = Type::named(&kind.text) else {
            let fault = Fault::new(format!("constants of type {} are not supported", kind.text));
            return Err(fault.hint("use float, angle, int, uint, bool, bit or duration").at(kind.span));
        };
        let width = self.bracketed()?;
        let name = self.name("the name of the constant")?;
        self.expect(Token::Assign, "`=`")?;
        let value = self.expression()?;
        self.end(Kind::Constant { kind, width, name, value })
    }

    pub fn operand(&mut self) -> ReadResult<Operand> {
        self.piece()?;
        let span = self.span();
        if self.accept(Token::Physical) {
            let name = Name { text: self.slice(span).into(), span };
            return Ok(Operand { name, index: Index::All, span });
        }
        let name = self.name("a qubit or bit")?;
        let index = if self.accept(Token::OpenBracket) {
            let index = self.index()?;
            self.expect(Token::CloseBracket, "`]`")?;
            index
        } else {
            Index::All
        };
        Ok(Operand { name, index, span: span.to(self.taken()) })
    }

    pub fn index(&mut self) -> ReadResult<Index> {
        if self.peek() == Token::OpenBrace {
            return Err(Fault::new("sets of indices are not supported").hint("name each element").at(self.span()));
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
        let second = if self.peek() == end { None } else { Some(self.expression()?) };
        if !self.accept(Token::Colon) {
            return Ok(Range { start, step: None, stop: second });
        }
        let stop = if self.peek() == end { None } else { Some(self.expression()?) };
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
        if self.word() != "in" {
            if !["int", "uint"].contains(&variable.text.as_str()) {
                let fault = Fault::new(format!("loops over {} are not supported", variable.text));
                return Err(fault.hint("write for int i in [0:3] { ... }").at(variable.span));
            }
            self.bracketed()?;
            variable = self.name("the loop variable")?;
        }
        if self.word() != "in" {
            return Err(self.unexpected("`in`"));
        }
        self.next();
        let range = match self.peek() {
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
            _ => return Err(self.unexpected("a range like [0:3] or a set like {0, 2}")),
        };
        Ok(Kind::For { variable, range, body: self.body(shared)? })
    }

    pub fn boxed(&mut self, shared: &mut Shared) -> ReadResult<Kind> {
        let start = self.next().1;
        if self.peek() == Token::OpenBracket {
            let fault = Fault::new("a box with a duration is not supported");
            return Err(fault.hint("leave the duration out, or write delays").at(self.span()));
        }
        let body = self.block(shared)?;
        shared.receiver.notice(start, "a box was dissolved; what it holds is kept in its order".into());
        Ok(Kind::Block(body))
    }

    /// Skips pulses: `cal { ... }`, `defcal x $0 { ... }`. Their language is another one, so only what hides a brace is
    /// understood: comments and quoted text.
    pub fn calibration(&mut self, shared: &mut Shared) -> ReadResult<()> {
        let start = self.span();
        let what = self.word().to_string();
        let Some(end) = end_of_block(&self.text[start.start as usize..]) else {
            return Err(Fault::new(format!("this {what} is never closed")).hint("add a }").at(start));
        };
        self.seek(start.start as usize + end);
        shared.receiver.notice(start, format!("a {what} block was skipped: pulses are not simulated"));
        Ok(())
    }

    pub fn call_or_assignment(&mut self) -> ReadResult<Kind> {
        if matches!(self.peek_after(), Token::Assign | Token::OpenBracket) && self.modifier_word().is_none() {
            return self.assignment();
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
        let operands = self.list(Token::Semicolon, ";", Self::operand)?;
        Ok(Kind::Call { modifiers, name, arguments, operands })
    }

    /// `c[0] = measure q[0];`
    fn assignment(&mut self) -> ReadResult<Kind> {
        let to = self.operand()?;
        if self.peek() != Token::Assign {
            let fault = Fault::new(format!("`{}` is not followed by an assignment", to.name.text));
            return Err(fault.hint("a gate is followed by its operands, a bit by = measure").at(to.span));
        }
        self.next();
        if self.word() != "measure" {
            let hint = "classical bits change by measurement only, constants are declared with const";
            return Err(Fault::new("only measurements can be assigned").hint(hint).at(self.span()));
        }
        self.next();
        let from = self.operand()?;
        self.end(Kind::Measure { from, to })
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
