//! From tokens to statements: recursive descent, one function per construct, with a bound on nesting.

use super::error::{Fault, Notice, Read, SourceFile, Span};
use super::expression::{Binary, Expression, ExpressionKind, Unary, Value};
use super::library;
use super::read::ReadOptions;
use super::syntax::{ForRange, Index, Modifier, Name, Operand, Range, Statement, StatementKind as Kind, Time};
use super::token::{Token, tokens};

/// Which language is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Two,
    Three,
}

/// Statements, blocks and parentheses within each other; far above any real file, far below the stack.
const NESTING: usize = 64;
/// Height of an expression's tree: a sum of that many terms.
const HEIGHT: u16 = 400;

/// What a whole text says.
pub(super) struct Parsed {
    pub version: Version,
    pub statements: Vec<Statement>,
    pub notices: Vec<(Span, String)>,
    /// Whether a gate library was included.
    pub library: bool,
}

/// Parses `files[0]` and what it includes; included files are added to `files`.
pub(super) fn parse(files: &mut Vec<SourceFile>, options: &ReadOptions) -> Read<Parsed> {
    let mut state = Shared { options, notices: Vec::new(), library: false, nesting: 0, statements: 0 };
    let tokens = tokens(&files[0].text, 0)?;
    let text = files[0].text.clone();
    let version = Parser { text: &text, tokens: &tokens, at: 0, version: Version::Three }.detect();
    let mut statements = Vec::new();
    state.file(files, 0, version, &mut statements)?;
    Ok(Parsed { version, statements, notices: state.notices, library: state.library })
}

/// Notices as a caller sees them.
pub(super) fn notice(files: &[SourceFile], (span, message): (Span, String)) -> Notice {
    let text = &files[span.file as usize].text;
    Notice { line: text.as_bytes()[..span.start as usize].iter().filter(|&&b| b == b'\n').count() + 1, message }
}

/// What holds across included files.
struct Shared<'a> {
    options: &'a ReadOptions,
    notices: Vec<(Span, String)>,
    library: bool,
    nesting: usize,
    statements: usize,
}

impl Shared<'_> {
    fn file(&mut self, files: &mut Vec<SourceFile>, file: u16, version: Version, out: &mut Vec<Statement>) -> Read<()> {
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
    ) -> Read<()> {
        parser.next();
        let (token, span) = parser.next();
        if token != Token::Text {
            return Err(Fault::new("include wants a file name in quotes").at(span));
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

struct Parser<'a> {
    text: &'a str,
    tokens: &'a [(Token, Span)],
    at: usize,
    version: Version,
}

impl Parser<'_> {
    fn peek(&self) -> Token {
        self.tokens[self.at].0
    }

    fn peek_after(&self) -> Token {
        self.tokens.get(self.at + 1).map_or(Token::End, |(token, _)| *token)
    }

    fn span(&self) -> Span {
        self.tokens[self.at].1
    }

    /// The last token taken.
    fn taken(&self) -> Span {
        self.tokens[self.at.saturating_sub(1)].1
    }

    fn slice(&self, span: Span) -> &str {
        &self.text[span.start as usize..span.end as usize]
    }

    /// The word ahead, empty if it is none.
    fn word(&self) -> &str {
        if self.peek() == Token::Word { self.slice(self.span()) } else { "" }
    }

    fn next(&mut self) -> (Token, Span) {
        let taken = self.tokens[self.at];
        // `End` is never passed.
        if taken.0 != Token::End {
            self.at += 1;
        }
        taken
    }

    fn accept(&mut self, token: Token) -> bool {
        let there = self.peek() == token;
        if there {
            self.next();
        }
        there
    }

    fn expect(&mut self, token: Token, sign: &str) -> Read<Span> {
        if self.peek() == token {
            return Ok(self.next().1);
        }
        // A semicolon is missed where the line ends, not where the next begins.
        let (before, after) = (self.taken(), self.span());
        if token == Token::Semicolon && self.text[before.end as usize..after.start as usize].contains('\n') {
            let place = Span { start: before.end.saturating_sub(1), ..before };
            return Err(Fault::new("expected `;` at the end of this line").at(place));
        }
        Err(self.unexpected(sign))
    }

    fn unexpected(&self, wanted: &str) -> super::error::Located {
        let found = match self.peek() {
            Token::End => "the text ends".to_string(),
            _ => format!("there is `{}`", self.slice(self.span()).chars().take(30).collect::<String>()),
        };
        Fault::new(format!("expected {wanted}, but {found}")).at(self.span())
    }

    fn name(&mut self, wanted: &str) -> Read<Name> {
        if self.peek() != Token::Word {
            return Err(self.unexpected(wanted));
        }
        let span = self.next().1;
        Ok(Name { text: self.slice(span).into(), span })
    }

    /// The version line decides; without one OpenQASM 3, unless the text includes qelib1.inc or declares a qreg first.
    fn detect(&mut self) -> Version {
        if self.word() == "OPENQASM" {
            let (_, span) = self.tokens[(self.at + 1).min(self.tokens.len() - 1)];
            return if self.slice(span).starts_with('2') { Version::Two } else { Version::Three };
        }
        for pair in self.tokens.windows(2) {
            match (self.slice(pair[0].1), pair[1].0) {
                ("include", Token::Text) if self.slice(pair[1].1) == "\"qelib1.inc\"" => return Version::Two,
                ("qreg" | "creg", _) => return Version::Two,
                ("qubit" | "bit" | "input", _) => return Version::Three,
                _ => {}
            }
        }
        Version::Three
    }

    fn list<T>(&mut self, end: Token, sign: &str, item: impl Fn(&mut Self) -> Read<T>) -> Read<Vec<T>> {
        let mut items = Vec::new();
        while self.peek() != end {
            items.push(item(self)?);
            if !self.accept(Token::Comma) {
                break;
            }
        }
        self.expect(end, &format!("`,` or `{sign}`"))?;
        Ok(items)
    }

    fn block(&mut self, shared: &mut Shared) -> Read<Vec<Statement>> {
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
    fn body(&mut self, shared: &mut Shared) -> Read<Vec<Statement>> {
        match self.peek() {
            Token::OpenBrace => self.block(shared),
            _ => Ok(self.statement(shared)?.into_iter().collect()),
        }
    }

    /// One statement; `None` for those that say nothing about the circuit.
    fn statement(&mut self, shared: &mut Shared) -> Read<Option<Statement>> {
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

    fn statement_kind(&mut self, shared: &mut Shared) -> Read<Option<Kind>> {
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
            "include" => Err(Fault::new("include must stand outside of blocks").at(start)),
            "gate" | "opaque" => self.gate(shared).map(Some),
            "qreg" | "creg" => self.old_register().map(Some),
            "qubit" | "bit" => self.register(shared).map(Some),
            "input" => self.input().map(Some),
            "const" => self.constant().map(Some),
            "measure" => {
                self.next();
                let from = self.operand()?;
                if self.peek() == Token::Semicolon {
                    let hint = "write c[0] = measure q[0]; a measurement nobody reads is a reset of phases";
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

    fn end(&mut self, kind: Kind) -> Read<Kind> {
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

    fn version_line(&mut self) -> Read<()> {
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

    fn gate(&mut self, shared: &mut Shared) -> Read<Kind> {
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
    fn old_register(&mut self) -> Read<Kind> {
        let quantum = self.word() == "qreg";
        self.next();
        let name = self.name("the name of the register")?;
        let size = self.bracketed()?;
        if size.is_none() && self.version == Version::Two {
            return Err(self.unexpected("`[` and the size of the register"));
        }
        self.end(if quantum { Kind::Qubits { name, size } } else { Kind::Bits { name, size, measured: None } })
    }

    fn bracketed(&mut self) -> Read<Option<Expression>> {
        if !self.accept(Token::OpenBracket) {
            return Ok(None);
        }
        let inner = self.expression()?;
        self.expect(Token::CloseBracket, "`]`")?;
        Ok(Some(inner))
    }

    /// `qubit[2] q;` `bit[2] c;` `bit c = measure q[0];` `bit[2] c = "00";`
    fn register(&mut self, shared: &mut Shared) -> Read<Kind> {
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
                let (token, span) = self.next();
                let zero = match token {
                    Token::Text | Token::Integer => self.slice(span).bytes().all(|b| b"\"0_".contains(&b)),
                    Token::Word => self.slice(span) == "false",
                    _ => false,
                };
                if !zero {
                    let hint = "classical bits start at 0 and change by measurement only";
                    return Err(Fault::new("bits cannot be given a value").hint(hint).at(span));
                }
                shared.notices.push((start, format!("{} starts at zero anyway", name.text)));
            }
        }
        self.end(Kind::Bits { name, size, measured })
    }

    fn input(&mut self) -> Read<Kind> {
        self.next();
        let kind = self.name("a type")?;
        if !["float", "angle"].contains(&kind.text.as_str()) {
            let fault = Fault::new(format!("inputs of type {} are not supported", kind.text));
            return Err(fault.hint("declare one `input float` per angle").at(kind.span));
        }
        self.bracketed()?;
        let name = self.name("the name of the input")?;
        self.end(Kind::Input { name })
    }

    fn constant(&mut self) -> Read<Kind> {
        self.next();
        let kind = self.name("a type")?;
        if !["float", "angle", "int", "uint", "bool"].contains(&kind.text.as_str()) {
            let fault = Fault::new(format!("constants of type {} are not supported", kind.text));
            return Err(fault.hint("use float, angle, int, uint or bool").at(kind.span));
        }
        self.bracketed()?;
        let name = self.name("the name of the constant")?;
        self.expect(Token::Assign, "`=`")?;
        let value = self.expression()?;
        self.end(Kind::Constant { name, value })
    }

    fn operand(&mut self) -> Read<Operand> {
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

    fn index(&mut self) -> Read<Index> {
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
    fn range(&mut self, start: Option<Expression>, end: Token) -> Read<Range> {
        self.expect(Token::Colon, "`:`")?;
        let second = if self.peek() == end { None } else { Some(self.expression()?) };
        if !self.accept(Token::Colon) {
            return Ok(Range { start, step: None, stop: second });
        }
        let stop = if self.peek() == end { None } else { Some(self.expression()?) };
        Ok(Range { start, step: second, stop })
    }

    fn delay(&mut self) -> Read<Kind> {
        self.next();
        self.expect(Token::OpenBracket, "`[`")?;
        let (token, span) = self.next();
        if !matches!(token, Token::Integer | Token::Real) {
            let hint = "write a number and ns, us, ms, s or dt, as in delay[100ns]";
            return Err(Fault::new("this is no duration").hint(hint).at(span));
        }
        let number = self.real(span)?;
        let unit = self.name("a unit of time")?;
        let time = match unit.text.as_str() {
            "ns" => Time::Seconds(number * 1e-9),
            "us" | "µs" | "μs" => Time::Seconds(number * 1e-6),
            "ms" => Time::Seconds(number * 1e-3),
            "s" => Time::Seconds(number),
            "dt" => Time::Cycles(number),
            _ => {
                let fault = Fault::new(format!("{} is no unit of time", unit.text));
                return Err(fault.hint("write ns, us, ms, s or dt").at(unit.span));
            }
        };
        self.expect(Token::CloseBracket, "`]`")?;
        let operands = self.list(Token::Semicolon, ";", Self::operand)?;
        Ok(Kind::Delay { time, operands })
    }

    fn condition(&mut self, shared: &mut Shared) -> Read<Kind> {
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

    fn for_loop(&mut self, shared: &mut Shared) -> Read<Kind> {
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

    fn boxed(&mut self, shared: &mut Shared) -> Read<Kind> {
        let start = self.next().1;
        if self.peek() == Token::OpenBracket {
            let fault = Fault::new("a box with a duration is not supported");
            return Err(fault.hint("leave the duration out, or write delays").at(self.span()));
        }
        let body = self.block(shared)?;
        shared.notices.push((start, "a box was dissolved; what it holds is kept in its order".into()));
        Ok(Kind::Block(body))
    }

    /// Skips pulses: `cal { ... }`, `defcal x $0 { ... }`.
    fn calibration(&mut self, shared: &mut Shared) -> Read<()> {
        let start = self.span();
        let what = self.word().to_string();
        while !matches!(self.peek(), Token::OpenBrace | Token::End) {
            self.next();
        }
        let mut open = 0usize;
        loop {
            match self.next().0 {
                Token::OpenBrace => open += 1,
                Token::CloseBrace if open == 1 => break,
                Token::CloseBrace => open -= 1,
                Token::End => return Err(Fault::new(format!("this {what} is never closed")).hint("add a }").at(start)),
                _ => {}
            }
        }
        shared.notices.push((start, format!("a {what} block was skipped: pulses are not simulated")));
        Ok(())
    }

    fn call_or_assignment(&mut self) -> Read<Kind> {
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
    fn assignment(&mut self) -> Read<Kind> {
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

    fn modifier(&mut self) -> Read<Option<Modifier>> {
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

    fn expression(&mut self) -> Read<Expression> {
        self.operation(0, 0)
    }

    /// Precedence climbing: everything that binds at least as tightly as `weakest`.
    fn operation(&mut self, weakest: u8, nesting: usize) -> Read<Expression> {
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

    fn operator(&self) -> Read<Option<(Binary, u8)>> {
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

    fn term(&mut self, nesting: usize) -> Read<Expression> {
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

    fn named(&mut self, nesting: usize) -> Read<Expression> {
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

    fn integer(&self, span: Span) -> Read<Value> {
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

    fn real(&self, span: Span) -> Read<f64> {
        match self.slice(span).replace('_', "").parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(value),
            _ => Err(Fault::new("this number is too large").hint("the largest is about 1.8e308").at(span)),
        }
    }
}

/// How tightly signs bind: above products, below powers.
const SIGN: u8 = 7;

fn node(kind: ExpressionKind, span: Span, height: u16) -> Read<Expression> {
    if height >= HEIGHT {
        let fault = Fault::new(format!("this expression is more than {HEIGHT} operations deep"));
        return Err(fault.hint("name parts of it with const float").at(span));
    }
    Ok(Expression { kind, span, height: height + 1 })
}
