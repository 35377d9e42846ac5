//! From tokens to statements: recursive descent with a bound on nesting. Here: files, blocks and which statement it is.

use std::collections::HashMap;

use super::cursor::{NESTING, Parser, Version, unquoted, version_of};
use super::error::{Fault, Notice, ReadResult, SourceFile, Span};
use super::library;
use super::read::ReadOptions;
use super::syntax::{Name, Statement, StatementKind as Kind};
use super::token::Token;
use crate::circuit::{Gate, Op};
use crate::math::input;

/// What a parser gives its findings to, in the order of the text: a long text is never held as a tree.
pub(super) trait Receiver {
    /// The language version, before anything else.
    fn version(&mut self, version: Version);
    /// A gate library is included.
    fn library(&mut self);
    /// A statement outside of blocks.
    fn statement(&mut self, statement: Statement) -> ReadResult<()>;
    /// The gate of the table that a name calls without further ado, if it does. By default none: everything is a statement.
    fn plain_gate(&mut self, _name: &str) -> Option<Gate> {
        None
    }
    /// The qubit that an element of a register is.
    fn qubit(&self, _register: &str, _index: usize) -> Option<usize> {
        None
    }
    /// A gate found by these two; whether it could be appended.
    fn plain(&mut self, _op: Op) -> bool {
        false
    }
    /// Something is skipped.
    fn notice(&mut self, span: Span, message: String);
}

/// Parses `files[0]` and what it includes. Included files are added to `files`.
pub(super) fn parse(files: &mut Vec<SourceFile>, options: &ReadOptions, receiver: &mut dyn Receiver) -> ReadResult<()> {
    let version = version_of(&files[0].text);
    receiver.version(version);
    Shared { options, receiver, nesting: 0 }.file(files, 0, version)
}

/// Notices as a caller sees them.
pub(super) fn notices(files: &[SourceFile], mut found: Vec<(Span, String)>) -> Vec<Notice> {
    found.sort_by_key(|(span, _)| (span.file, span.start));
    // Lines are counted from one notice to the next, not from the beginning for each.
    let mut reached: HashMap<u16, (usize, usize)> = HashMap::new();
    let numbered = found.into_iter().map(|(span, message)| {
        let (at, line) = reached.entry(span.file).or_insert((0, 1));
        let between = &files[span.file as usize].text.as_bytes()[*at..span.start as usize];
        *line += between.iter().filter(|&&b| b == b'\n').count();
        *at = span.start as usize;
        Notice { line: *line, message }
    });
    numbered.collect()
}

/// What holds across included files.
pub(super) struct Shared<'a> {
    options: &'a ReadOptions,
    pub receiver: &'a mut dyn Receiver,
    nesting: usize,
}

impl Shared<'_> {
    fn file(&mut self, files: &mut Vec<SourceFile>, file: u16, version: Version) -> ReadResult<()> {
        let text = files[file as usize].text.clone();
        let mut parser = Parser::new(&text, file, version);
        while parser.peek() != Token::End {
            parser.pieces = 0;
            if parser.plain_call(self.receiver) {
                continue;
            }
            if parser.word() == "include" {
                self.include(&mut parser, files, version)?;
                continue;
            }
            parser.pieces = 0;
            let statement = parser.statement(self)?;
            for (span, remark) in parser.remarks.drain(..) {
                self.receiver.notice(span, remark.into_owned());
            }
            if let Some(statement) = statement {
                self.receiver.statement(statement)?;
            }
        }
        Ok(())
    }

    fn include(&mut self, parser: &mut Parser, files: &mut Vec<SourceFile>, version: Version) -> ReadResult<()> {
        parser.next();
        let span = parser.span();
        match parser.peek() {
            Token::Text => parser.next(),
            Token::Invalid => return Err(parser.unexpected("a file name")),
            _ => return Err(Fault::new("expected a quoted file name after `include`").at(span)),
        };
        let name = unquoted(parser.slice(span)).to_string();
        parser.expect(Token::Semicolon, ";")?;
        if library::FILES.contains(&name.as_str()) {
            self.receiver.library();
            return Ok(());
        }
        // A name, never a path: a text may not reach outside the folders it was given.
        let plain = !name.is_empty() && !name.contains(['/', '\\']) && name != "..";
        let found = self.options.include.iter().map(|folder| folder.join(&name)).find(|path| plain && path.is_file());
        let Some(path) = found else {
            let hint = if self.options.include.is_empty() {
                "built in are qelib1.inc and stdgates.inc; other files need a folder to look in"
            } else {
                "it must lie directly in one of the include folders"
            };
            return Err(Fault::new(format!("cannot include {name:?}")).hint(hint).at(span));
        };
        if files.len() >= 32 {
            return Err(Fault::new("more than 32 included files").hint("does a file include itself?").at(span));
        }
        let text = input::read_text(&path, self.options.max_bytes as u64);
        let text = text.map_err(|error| Fault::new(format!("cannot read {name}: {error}")).at(span))?;
        files.push(SourceFile { name, text: text.into() });
        self.file(files, files.len() as u16 - 1, version)
    }
}

/// Where a block within an expression leaves what is skipped in it.
#[derive(Default)]
struct Skipped(Vec<(Span, String)>);

impl Receiver for Skipped {
    fn version(&mut self, _: Version) {}

    fn library(&mut self) {}

    fn statement(&mut self, _: Statement) -> ReadResult<()> {
        Ok(())
    }

    fn notice(&mut self, span: Span, message: String) {
        self.0.push((span, message));
    }
}

impl Parser<'_> {
    /// A block within an expression.
    pub fn detached_block(&mut self) -> ReadResult<Vec<Statement>> {
        let (options, mut skipped) = (ReadOptions::default(), Skipped::default());
        // An expression may hold one alone, which keeps the nesting bounded.
        let body = self.block(&mut Shared { options: &options, receiver: &mut skipped, nesting: NESTING / 2 })?;
        self.remarks.extend(skipped.0.into_iter().map(|(span, message)| (span, message.into())));
        Ok(body)
    }

    pub fn block(&mut self, shared: &mut Shared) -> ReadResult<Vec<Statement>> {
        let open = self.expect(Token::OpenBrace, "`{`")?;
        let mut statements = Vec::new();
        while self.peek() != Token::CloseBrace {
            if self.peek() == Token::End {
                return Err(Fault::new("this block is never closed").hint("add a }").at(open));
            }
            statements.extend(self.statement(shared)?);
        }
        self.next();
        Ok(statements)
    }

    /// A block or one statement.
    pub fn body(&mut self, shared: &mut Shared) -> ReadResult<Vec<Statement>> {
        match self.peek() {
            Token::OpenBrace => self.block(shared),
            Token::Semicolon => {
                let fault = Fault::new("`;` alone is no statement");
                Err(fault.hint("write { } where nothing is to be done").at(self.span()))
            }
            _ => Ok(self.statement(shared)?.into_iter().collect()),
        }
    }

    /// One statement; `None` for those that do not affect the circuit.
    pub fn statement(&mut self, shared: &mut Shared) -> ReadResult<Option<Statement>> {
        shared.nesting += 1;
        if shared.nesting > NESTING {
            let fault = Fault::new(format!("more than {NESTING} blocks within each other"));
            return Err(fault.hint("write the statements one after another").at(self.span()));
        }
        self.piece()?;
        let start = self.span();
        let kind = self.statement_kind(shared);
        shared.nesting -= 1;
        Ok(kind?.map(|kind| Statement { kind, span: start.to(self.taken()) }))
    }

    fn statement_kind(&mut self, shared: &mut Shared) -> ReadResult<Option<Kind>> {
        let start = self.span();
        match self.peek() {
            Token::Semicolon => {
                self.next();
                return Ok(None);
            }
            Token::OpenBrace => return Ok(Some(Kind::Block(self.block(shared)?))),
            Token::Pragma => {
                let text = self.slice(start);
                if !text
                    .strip_prefix("#pragma")
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r']))
                {
                    let fault = Fault::new("`#` begins nothing but a #pragma");
                    return Err(fault.hint("write // for a comment").at(start));
                }
                let rest = text.strip_prefix('#').unwrap_or(text).to_string();
                self.next();
                return Ok(Some(Kind::Pragma(rest)));
            }
            Token::At => return self.annotated(shared),
            Token::Word => {}
            Token::Integer | Token::Real | Token::Text | Token::Open | Token::Minus | Token::Not | Token::Tilde
                if self.version == Version::Three =>
            {
                return self.unused_value().map(Some);
            }
            _ => return Err(self.unexpected("a statement")),
        }
        match self.word() {
            "OPENQASM" => self.version_line().map(|()| None),
            "include" => Err(Fault::new("include must be outside of blocks").at(start)),
            "gate" | "opaque" => self.gate(shared).map(Some),
            "qreg" | "creg" => self.old_register().map(Some),
            "qubit" | "bit" => self.register().map(Some),
            "measure" => {
                self.next();
                let from = self.operand()?;
                if self.peek() == Token::Semicolon && self.version == Version::Three {
                    return self.end(Kind::MeasureAway(from)).map(Some);
                }
                if self.peek() == Token::Semicolon {
                    let hint = "write c[0] = measure q[0]; a measurement without a bit only destroys phases";
                    return Err(Fault::new("this measurement goes nowhere").hint(hint).at(start.to(self.span())));
                }
                self.expect(Token::Arrow, "`->`")?;
                let to = self.operand()?;
                self.end(Kind::Measure { from, to }).map(Some)
            }
            "reset" => {
                self.next();
                let operand = self.operand()?;
                self.end(Kind::Reset(operand)).map(Some)
            }
            "barrier" => {
                self.next();
                let operands = self.list(Token::Semicolon, ";", Self::operand)?;
                Ok(Some(Kind::Barrier(operands)))
            }
            "delay" if self.peek_after() == Token::OpenBracket => self.delay().map(Some),
            "if" => self.condition(shared).map(Some),
            "for" => self.for_loop(shared).map(Some),
            "box" => self.boxed(shared).map(Some),
            "pragma" => Ok(Some(Kind::Pragma(self.rest_of_line().to_string()))),
            "defcal" | "cal" => self.calibration(shared).map(|()| None),
            "defcalgrammar" => {
                self.next();
                if self.peek() != Token::Text {
                    return Err(self.unexpected("the name of a grammar in quotes"));
                }
                self.next();
                self.expect(Token::Semicolon, "`;`")?;
                shared.receiver.notice(start, "defcalgrammar was ignored".into());
                Ok(None)
            }
            word if self.version == Version::Two && library::is_classical(word) => {
                let fault = Fault::new(format!("`{word}` is a word of OpenQASM 3"));
                Err(fault.hint("begin the text with OPENQASM 3.0;").at(start))
            }
            word if library::is_classical(word) => self.classical(shared),
            _ => self.call_or_assignment().map(Some),
        }
    }

    pub fn end(&mut self, kind: Kind) -> ReadResult<Kind> {
        self.expect(Token::Semicolon, "`;`").map(|_| kind)
    }

    /// Skips to the first token on a later line, whatever stands on this one.
    fn rest_of_line(&mut self) -> &str {
        let from = self.span().start as usize;
        let end = self.text[from..].find('\n').map_or(self.text.len(), |at| from + at);
        self.seek(end);
        &self.text[from..end]
    }

    /// `@vendor.name …` on lines of their own, and the statement that they belong to.
    fn annotated(&mut self, shared: &mut Shared) -> ReadResult<Option<Kind>> {
        let mut annotations = Vec::new();
        while self.peek() == Token::At {
            let span = self.span();
            self.piece()?;
            if !self.text[span.end as usize..].starts_with(|first: char| first.is_alphabetic() || first == '_') {
                let fault = Fault::new("an annotation begins with `@` and a name");
                return Err(fault.hint("write for example @vendor.name").at(span));
            }
            annotations.push(Name { text: self.rest_of_line().to_string(), span });
        }
        // An included file has statements of its own.
        let is_followed = !matches!(self.peek(), Token::End | Token::CloseBrace) && self.word() != "include";
        if is_followed && let Some(statement) = self.statement(shared)? {
            return Ok(Some(Kind::Annotated { annotations, statement: Box::new(statement) }));
        }
        for annotation in annotations {
            shared.receiver.notice(annotation.span, "an annotation of nothing that a circuit holds is left out".into());
        }
        Ok(None)
    }

    fn version_line(&mut self) -> ReadResult<()> {
        let start = self.next().1;
        if self.peek() == Token::Invalid {
            return Err(self.unexpected("a version"));
        }
        let (_, span) = self.next();
        let number = self.slice(span).to_string();
        if self.count != 2 {
            return Err(Fault::new("the version must be the first statement").at(start));
        }
        if !["2", "2.0", "3", "3.0", "3.1"].contains(&number.as_str()) {
            let fault = Fault::new(format!("version {number:?} is unknown"));
            return Err(fault.hint("write OPENQASM 2.0; or OPENQASM 3.0;").at(span));
        }
        self.expect(Token::Semicolon, "`;`").map(|_| ())
    }
}
