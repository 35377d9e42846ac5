//! From tokens to statements: recursive descent with a bound on nesting. Here: files, blocks and which statement it is.

use super::cursor::{NESTING, Parser, Version};
use super::error::{Fault, Notice, ReadResult, SourceFile, Span};
use super::library;
use super::read::ReadOptions;
use super::syntax::{Statement, StatementKind as Kind};
use super::token::{Token, tokens};

/// The syntax tree of a whole text.
pub(super) struct SyntaxTree {
    pub version: Version,
    pub statements: Vec<Statement>,
    pub notices: Vec<(Span, String)>,
    /// Whether a gate library was included.
    pub library: bool,
}

/// Parses `files[0]` and what it includes. Included files are added to `files`.
pub(super) fn parse(files: &mut Vec<SourceFile>, options: &ReadOptions) -> ReadResult<SyntaxTree> {
    let mut state = Shared { options, notices: Vec::new(), library: false, nesting: 0, statements: 0 };
    let tokens = tokens(&files[0].text, 0)?;
    let text = files[0].text.clone();
    let version = Parser { text: &text, tokens: &tokens, at: 0, version: Version::Three }.detect();
    let mut statements = Vec::new();
    state.file(files, 0, version, &mut statements)?;
    Ok(SyntaxTree { version, statements, notices: state.notices, library: state.library })
}

/// Notices as a caller sees them.
pub(super) fn notice(files: &[SourceFile], (span, message): (Span, String)) -> Notice {
    let text = &files[span.file as usize].text;
    Notice { line: text.as_bytes()[..span.start as usize].iter().filter(|&&b| b == b'\n').count() + 1, message }
}

/// What holds across included files.
pub(super) struct Shared<'a> {
    options: &'a ReadOptions,
    pub notices: Vec<(Span, String)>,
    library: bool,
    nesting: usize,
    statements: usize,
}

impl Shared<'_> {
    fn file(
        &mut self,
        files: &mut Vec<SourceFile>,
        file: u16,
        version: Version,
        out: &mut Vec<Statement>,
    ) -> ReadResult<()> {
        let text = files[file as usize].text.clone();
        let tokens = tokens(&text, file)?;
        let mut parser = Parser { text: &text, tokens: &tokens, at: 0, version };
        while parser.peek() != Token::End {
            if parser.word() == "include" {
                self.include(&mut parser, files, version, out)?;
            } else if let Some(statement) = parser.statement(self)? {
                out.push(statement);
            }
        }
        Ok(())
    }

    fn include(
        &mut self,
        parser: &mut Parser,
        files: &mut Vec<SourceFile>,
        version: Version,
        out: &mut Vec<Statement>,
    ) -> ReadResult<()> {
        parser.next();
        let (token, span) = parser.next();
        if token != Token::Text {
            return Err(Fault::new("expected a quoted file name after `include`").at(span));
        }
        let name = parser.slice(span).trim_matches('"').to_string();
        parser.expect(Token::Semicolon, ";")?;
        if library::FILES.contains(&name.as_str()) {
            self.library = true;
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
        let too_large = path.metadata().map_or(true, |m| m.len() > self.options.max_bytes as u64);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) if !too_large => text,
            Ok(_) => return Err(Fault::new(format!("{name} is larger than {} bytes", self.options.max_bytes)).at(span)),
            Err(error) => return Err(Fault::new(format!("cannot read {name}: {error}")).at(span)),
        };
        files.push(SourceFile { name, text: text.into() });
        self.file(files, files.len() as u16 - 1, version, out)
    }
}

impl Parser<'_> {
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
        shared.statements += 1;
        if shared.statements > shared.options.max_operations {
            let fault = Fault::new(format!("more than {} statements", shared.options.max_operations));
            return Err(fault.hint("raise max_operations if you trust the text").at(self.span()));
        }
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
                self.next();
                let line: String = self.slice(start).trim_end().chars().take(60).collect();
                shared.notices.push((start, format!("{line} was ignored")));
                return Ok(None);
            }
            Token::At => {
                self.rest_of_line();
                shared.notices.push((start, "an annotation was ignored".into()));
                return Ok(None);
            }
            Token::Word => {}
            _ => return Err(self.unexpected("a statement")),
        }
        let word = self.word().to_string();
        match word.as_str() {
            "OPENQASM" => self.version_line().map(|()| None),
            "include" => Err(Fault::new("include must be outside of blocks").at(start)),
            "gate" | "opaque" => self.gate(shared).map(Some),
            "qreg" | "creg" => self.old_register().map(Some),
            "qubit" | "bit" => self.register(shared).map(Some),
            "input" => self.input().map(Some),
            "const" => self.constant().map(Some),
            "measure" => {
                self.next();
                let from = self.operand()?;
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
            "pragma" => {
                self.rest_of_line();
                shared.notices.push((start, "a pragma was ignored".into()));
                Ok(None)
            }
            "defcal" | "cal" => self.calibration(shared).map(|()| None),
            "defcalgrammar" => {
                while !matches!(self.peek(), Token::Semicolon | Token::End) {
                    self.next();
                }
                self.expect(Token::Semicolon, "`;`")?;
                shared.notices.push((start, "defcalgrammar was ignored".into()));
                Ok(None)
            }
            word if let Some(hint) = library::refused(word) => {
                Err(Fault::new(format!("`{word}` is not supported")).hint(hint).at(start))
            }
            _ => self.call_or_assignment().map(Some),
        }
    }

    pub fn end(&mut self, kind: Kind) -> ReadResult<Kind> {
        self.expect(Token::Semicolon, "`;`").map(|_| kind)
    }

    /// Skips to the first token on a later line.
    fn rest_of_line(&mut self) {
        let from = self.span().start as usize;
        let stop = self.text[from..].find('\n').map_or(self.text.len(), |at| from + at);
        while self.peek() != Token::End && (self.span().start as usize) < stop {
            self.next();
        }
    }

    fn version_line(&mut self) -> ReadResult<()> {
        let start = self.next().1;
        let (_, span) = self.next();
        let number = self.slice(span).to_string();
        if self.at != 2 {
            return Err(Fault::new("the version must be the first statement").at(start));
        }
        if !["2", "2.0", "3", "3.0", "3.1"].contains(&number.as_str()) {
            let fault = Fault::new(format!("version {number:?} is unknown"));
            return Err(fault.hint("write OPENQASM 2.0; or OPENQASM 3.0;").at(span));
        }
        self.expect(Token::Semicolon, "`;`").map(|_| ())
    }
}
