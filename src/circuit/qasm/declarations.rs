//! The statements of OpenQASM 3 about numbers, subroutines and the flow of control.

use std::rc::Rc;

use super::cursor::Parser;
use super::error::{Fault, ReadResult};
use super::expression::Expression;
use super::library;
use super::parse::Shared;
use super::syntax::{
    Binding, DeclaredType, Extern, Name, Operand, Parameter, ParameterKind, Source, Statement, StatementKind as Kind,
    Subroutine, Type,
};
use super::token::Token;

impl Parser<'_> {
    /// A statement that begins with one of these words; `None` for those that do nothing.
    pub fn classical(&mut self, shared: &mut Shared) -> ReadResult<Option<Kind>> {
        let start = self.span();
        let word = self.word().to_string();
        match word.as_str() {
            "input" => self.input().map(Some),
            "const" => self.constant().map(Some),
            "output" => {
                self.next();
                self.declaration(true).map(Some)
            }
            "let" => self.alias().map(Some),
            "def" => self.subroutine(shared).map(Some),
            "extern" => self.foreign().map(Some),
            "return" => {
                self.next();
                let source = if self.peek() == Token::Semicolon { None } else { Some(self.source()?) };
                self.end(Kind::Return(source)).map(Some)
            }
            "break" | "continue" | "end" | "nop" => {
                self.next();
                match word.as_str() {
                    "break" => self.end(Kind::Break).map(Some),
                    "continue" => self.end(Kind::Continue).map(Some),
                    "end" => self.end(Kind::End).map(Some),
                    _ => Ok(Some(Kind::Nop(self.list(Token::Semicolon, ";", Self::operand)?))),
                }
            }
            "while" => {
                self.next();
                self.expect(Token::Open, "`(`")?;
                let condition = self.expression()?;
                self.expect(Token::Close, "`)`")?;
                Ok(Some(Kind::While { condition, body: self.body(shared)? }))
            }
            "switch" => self.switch(shared).map(Some),
            "stretch" => {
                self.next();
                let name = self.declared_name("the name of the stretch")?;
                let initial = if self.accept(Token::Assign) { Some(self.expression()?) } else { None };
                self.end(Kind::Stretch { name, initial }).map(Some)
            }
            "readonly" | "mutable" | "case" | "default" | "else" => {
                Err(Fault::new(format!("`{word}` cannot begin a statement")).at(start))
            }
            _ => self.declaration(false).map(Some),
        }
    }

    /// A name that the text gives to something.
    pub fn declared_name(&mut self, wanted: &str) -> ReadResult<Name> {
        let name = self.name(wanted)?;
        if library::is_keyword(&name.text) {
            let fault = Fault::new(format!("`{}` is a word of the language", name.text));
            return Err(fault.hint("choose another name").at(name.span));
        }
        Ok(name)
    }

    /// `= ...` behind a declaration.
    pub fn initial(&mut self) -> ReadResult<Option<Source>> {
        if self.accept(Token::Assign) { self.source().map(Some) } else { Ok(None) }
    }

    /// What is assigned: an expression, a measurement or the elements of an array.
    pub fn source(&mut self) -> ReadResult<Source> {
        if self.word() == "measure" {
            self.next();
            return self.operand().map(Source::Measure);
        }
        if self.peek() != Token::OpenBrace {
            let first = self.expression()?;
            if self.peek() != Token::Concat {
                return Ok(Source::Expression(first));
            }
            let mut parts = vec![first];
            while self.accept(Token::Concat) {
                parts.push(self.expression()?);
            }
            let span = parts[0].span.to(self.taken());
            return Ok(Source::Joined(parts, span));
        }
        let start = self.span();
        self.nested(|parser| {
            parser.next();
            let items = parser.list(Token::CloseBrace, "}", Self::source)?;
            Ok(Source::List(items, start.to(parser.taken())))
        })
    }

    /// The width of a type in brackets; of a complex number that of its parts.
    pub fn width(&mut self, kind: Type) -> ReadResult<Option<Expression>> {
        if kind != Type::Complex || self.peek() != Token::OpenBracket {
            return self.bracketed();
        }
        self.next();
        if self.word() != "float" {
            return Err(self.unexpected("float, the type of the parts of a complex number"));
        }
        self.next();
        let width = self.bracketed()?;
        self.expect(Token::CloseBracket, "`]`")?;
        Ok(width)
    }

    /// `int[8]`, `array[float[64], 2, 3]`; not `bit` registers.
    fn declared_type(&mut self) -> ReadResult<DeclaredType> {
        let word = self.name("a type")?;
        if word.text != "array" {
            let Some(kind) = Type::named(&word.text) else {
                return Err(Fault::new(format!("there is no type {}", word.text)).at(word.span));
            };
            return Ok(DeclaredType { kind, width: self.width(kind)?, sizes: Vec::new() });
        }
        self.expect(Token::OpenBracket, "`[` and the type of the elements")?;
        let word = self.name("a type")?;
        let Some(kind) = Type::named(&word.text) else {
            return Err(Fault::new(format!("there is no type {}", word.text)).at(word.span));
        };
        let width = self.width(kind)?;
        self.expect(Token::Comma, "`,` and the size of the array")?;
        let sizes = self.list(Token::CloseBracket, "]", Self::expression)?;
        if sizes.is_empty() {
            return Err(Fault::new("this array has no size").hint("write array[int[8], 4] a;").at(self.taken()));
        }
        Ok(DeclaredType { kind, width, sizes })
    }

    fn declaration(&mut self, output: bool) -> ReadResult<Kind> {
        let (start, first) = (self.span(), self.mark());
        let declared = self.declared_type()?;
        if !output && declared.sizes.is_empty() && self.peek() == Token::Open {
            return self.unused_value_from(first);
        }
        let name = self.declared_name("the name of the variable")?;
        let initial = self.initial()?;
        if output && initial.is_some() {
            return Err(Fault::new("an output is declared without a value").hint("assign it below").at(start));
        }
        if declared.kind == Type::Bit && declared.sizes.is_empty() {
            return self.end(Kind::Bits { name, size: declared.width, initial, output });
        }
        if let (Type::Bool | Type::Duration, Some(width)) = (declared.kind, &declared.width) {
            return Err(Fault::new(format!("a {} has no width", declared.kind.name())).at(width.span));
        }
        self.end(Kind::Variable { declared, name, initial, output })
    }

    fn input(&mut self) -> ReadResult<Kind> {
        let start = self.next().1;
        let DeclaredType { kind, width, mut sizes } = self.declared_type()?;
        if sizes.len() > 1 {
            let fault = Fault::new("arrays of more than one dimension are not supported");
            return Err(fault.hint("write one size, as in input array[float, 6] x;").at(sizes[1].span));
        }
        let name = self.declared_name("the name of the input")?;
        if self.peek() == Token::Assign {
            let fault = Fault::new("an input is declared without a value");
            return Err(fault.hint("its value comes with the run").at(start));
        }
        self.end(Kind::Input { kind, width, name, size: sizes.pop() })
    }

    fn constant(&mut self) -> ReadResult<Kind> {
        self.next();
        let word = self.name("a type")?;
        let Some(kind) = Type::named(&word.text) else {
            let fault = Fault::new(format!("constants of type {} are not supported", word.text));
            return Err(fault.hint("use float, angle, int, uint, bool, bit, complex or duration").at(word.span));
        };
        let width = self.width(kind)?;
        let name = self.declared_name("the name of the constant")?;
        self.expect(Token::Assign, "`=`")?;
        let value = self.expression()?;
        self.end(Kind::Constant { kind, width, name, value })
    }

    /// `let a = q[0:2] ++ r;`
    fn alias(&mut self) -> ReadResult<Kind> {
        self.next();
        let name = self.declared_name("the name of the alias")?;
        self.expect(Token::Assign, "`=`")?;
        let mut parts: Vec<Operand> = vec![self.operand()?];
        while self.accept(Token::Concat) {
            parts.push(self.operand()?);
        }
        self.end(Kind::Alias { name, parts })
    }

    fn subroutine(&mut self, shared: &mut Shared) -> ReadResult<Kind> {
        self.next();
        let name = self.declared_name("the name of the subroutine")?;
        self.expect(Token::Open, "`(`")?;
        let params = self.list(Token::Close, ")", Self::parameter)?;
        let returns = if self.accept(Token::Arrow) { Some(self.scalar()?) } else { None };
        let body = self.block(shared)?;
        Ok(Kind::Subroutine(Rc::new(Subroutine { name, params, returns, body })))
    }

    fn scalar(&mut self) -> ReadResult<(Type, Option<Expression>)> {
        let word = self.name("a type")?;
        let Some(kind) = Type::named(&word.text) else {
            return Err(Fault::new(format!("there is no type {}", word.text)).at(word.span));
        };
        Ok((kind, self.width(kind)?))
    }

    fn parameter(&mut self) -> ReadResult<Parameter> {
        let word = self.word().to_string();
        let kind = match word.as_str() {
            // The older words have the size behind the name.
            "qreg" | "creg" => {
                self.next();
                let name = self.declared_name("the name of the parameter")?;
                let size = self.bracketed()?;
                let kind = match word.as_str() {
                    "qreg" => ParameterKind::Qubits(size),
                    _ => ParameterKind::Scalar { kind: Type::Bit, width: size },
                };
                return Ok(Parameter { name, kind });
            }
            _ => self.parameter_kind()?,
        };
        Ok(Parameter { name: self.declared_name("the name of the parameter")?, kind })
    }

    fn parameter_kind(&mut self) -> ReadResult<ParameterKind> {
        let word = self.word().to_string();
        Ok(match word.as_str() {
            "qubit" | "qreg" => {
                self.next();
                ParameterKind::Qubits(self.bracketed()?)
            }
            "creg" => {
                self.next();
                ParameterKind::Scalar { kind: Type::Bit, width: self.bracketed()? }
            }
            "readonly" | "mutable" => {
                self.next();
                self.array_of_any_size()?;
                ParameterKind::Array { mutable: word == "mutable" }
            }
            _ => {
                let (kind, width) = self.scalar()?;
                ParameterKind::Scalar { kind, width }
            }
        })
    }

    /// `array[int[8], 3]`, `array[int[8], #dim = 2]`.
    fn array_of_any_size(&mut self) -> ReadResult<()> {
        if self.word() != "array" {
            return Err(self.unexpected("`array`"));
        }
        self.next();
        self.expect(Token::OpenBracket, "`[` and the type of the elements")?;
        self.scalar()?;
        self.expect(Token::Comma, "`,` and the size of the array")?;
        if self.peek() == Token::Pragma && self.slice(self.span()).starts_with("#dim") {
            self.seek(self.span().start as usize + "#dim".len());
            self.expect(Token::Assign, "`=`")?;
            self.expression()?;
            return self.expect(Token::CloseBracket, "`]`").map(|_| ());
        }
        self.list(Token::CloseBracket, "]", Self::expression).map(|_| ())
    }

    /// `extern f(int[8]) -> bit;`
    fn foreign(&mut self) -> ReadResult<Kind> {
        self.next();
        let name = self.declared_name("the name of the function")?;
        self.expect(Token::Open, "`(`")?;
        let params = self.list(Token::Close, ")", Self::parameter_kind)?;
        let returns = if self.accept(Token::Arrow) { Some(self.scalar()?) } else { None };
        self.end(Kind::Extern(Rc::new(Extern { name, params, returns })))
    }

    /// All of a text that says what an extern computes: `vote(a) = popcount(a) > 1`.
    pub fn binding(&mut self) -> ReadResult<Binding> {
        let name = self.declared_name("the name of the function")?;
        self.expect(Token::Open, "`(`")?;
        let params = self.list(Token::Close, ")", |parser| parser.declared_name("the name of a parameter"))?;
        self.expect(Token::Assign, "`=` and what the function computes")?;
        let value = self.expression()?;
        if self.peek() != Token::End {
            return Err(self.unexpected("nothing more"));
        }
        Ok(Binding { name, params, value })
    }

    fn switch(&mut self, shared: &mut Shared) -> ReadResult<Kind> {
        let start = self.next().1;
        self.expect(Token::Open, "`(`")?;
        let on = self.expression()?;
        self.expect(Token::Close, "`)`")?;
        self.expect(Token::OpenBrace, "`{`")?;
        let (mut cases, mut otherwise): (Vec<(Vec<Expression>, Vec<Statement>)>, _) = (Vec::new(), None);
        while !self.accept(Token::CloseBrace) {
            match self.word() {
                "case" if otherwise.is_none() => {
                    self.next();
                    let mut values = vec![self.expression()?];
                    while self.accept(Token::Comma) && self.peek() != Token::OpenBrace {
                        values.push(self.expression()?);
                    }
                    self.accept(Token::Colon);
                    cases.push((values, self.block(shared)?));
                }
                "default" if otherwise.is_none() => {
                    self.next();
                    self.accept(Token::Colon);
                    otherwise = Some(self.block(shared)?);
                }
                _ if otherwise.is_some() => return Err(self.unexpected("`}`: nothing comes behind default")),
                _ => return Err(self.unexpected("case or default")),
            }
        }
        if cases.is_empty() {
            return Err(Fault::new("this switch has no case").hint("write case 0 { ... }").at(start));
        }
        Ok(Kind::Switch { on, cases, otherwise: otherwise.unwrap_or_default() })
    }
}
