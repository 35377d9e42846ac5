//! A position in the tokens of one text, and how to advance it. Tokens are made as they are needed.

use std::borrow::Cow;

use super::error::{Fault, FaultAt, ReadResult, Span};
use super::syntax::Name;
use super::token::{Token, Tokens, fault_of};

/// The language version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Two,
    Three,
}

/// Statements, blocks and parentheses within each other; far above any real file, far below the stack.
pub(super) const NESTING: usize = 64;
/// Nodes of the tree of one statement, blocks included: about 150 bytes each.
const PIECES: usize = 5_000_000;

pub(super) struct Parser<'a> {
    pub text: &'a str,
    pub version: Version,
    tokens: Tokens<'a>,
    /// The next two tokens.
    ahead: [(Token, Span); 2],
    taken: Span,
    /// Tokens taken so far.
    pub count: usize,
    /// Nodes of the tree of the statement that is parsed.
    pub pieces: usize,
    /// Expressions within each other that are parsed.
    pub depth: usize,
    /// Whether names of the gate that is parsed are those of constants.
    pub hides_constants: bool,
    /// What is to be noticed about the statement that is parsed, and where.
    pub remarks: Vec<(Span, Cow<'static, str>)>,
    /// Whether the block of a `durationof` is parsed.
    pub is_timing: bool,
}

impl<'a> Parser<'a> {
    /// At the first token of a text.
    pub fn new(text: &'a str, file: u16, version: Version) -> Self {
        let mut tokens = Tokens::new(text, file);
        let ahead = [tokens.next(), tokens.next()];
        Self {
            text,
            version,
            tokens,
            ahead,
            taken: Span { file, ..Span::default() },
            count: 0,
            pieces: 0,
            depth: 0,
            hides_constants: false,
            remarks: Vec::new(),
            is_timing: false,
        }
    }
}

/// A place in a text, to go back to.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    at: usize,
    taken: Span,
    count: usize,
}

impl<'a> Parser<'a> {
    pub fn peek(&self) -> Token {
        self.ahead[0].0
    }

    pub fn peek_after(&self) -> Token {
        self.ahead[1].0
    }

    pub fn span(&self) -> Span {
        self.ahead[0].1
    }

    /// The last token taken.
    pub fn taken(&self) -> Span {
        self.taken
    }

    /// Continues with the first token from this byte on.
    pub fn seek(&mut self, at: usize) {
        self.tokens.seek(at);
        self.ahead = [self.tokens.next(), self.tokens.next()];
    }

    /// The place of the token ahead.
    pub fn mark(&self) -> Mark {
        Mark { at: self.span().start as usize, taken: self.taken, count: self.count }
    }

    /// Continues with the token that was ahead there, in the same statement.
    pub fn back_to(&mut self, mark: Mark) {
        self.seek(mark.at);
        (self.taken, self.count) = (mark.taken, mark.count);
        self.remarks.clear();
    }

    pub fn slice(&self, span: Span) -> &'a str {
        &self.text[span.start as usize..span.end as usize]
    }

    /// The word ahead, empty if it is none.
    pub fn word(&self) -> &'a str {
        if self.peek() == Token::Word { self.slice(self.span()) } else { "" }
    }

    pub fn next(&mut self) -> (Token, Span) {
        let taken = self.ahead[0];
        self.ahead = [self.ahead[1], self.tokens.next()];
        // `End` is never passed.
        if taken.0 != Token::End {
            self.taken = taken.1;
            self.count += 1;
        }
        taken
    }

    pub fn accept(&mut self, token: Token) -> bool {
        let there = self.peek() == token;
        if there {
            self.next();
        }
        there
    }

    pub fn expect(&mut self, token: Token, sign: &str) -> ReadResult<Span> {
        if self.peek() == token {
            return Ok(self.next().1);
        }
        // A missing semicolon is reported where the line ends, not where the next begins.
        let (before, after) = (self.taken(), self.span());
        if token == Token::Semicolon && self.text[before.end as usize..after.start as usize].contains('\n') {
            let end = Span { start: before.end.saturating_sub(1), ..before };
            return Err(Fault::new("expected `;` at the end of this line").at(end));
        }
        Err(self.unexpected(sign))
    }

    /// Counts a node of the tree.
    pub fn piece(&mut self) -> ReadResult<()> {
        self.pieces += 1;
        if self.pieces > PIECES {
            let fault = Fault::new(format!("this statement holds more than {PIECES} names, numbers and statements"));
            return Err(fault.hint("write what it holds as statements of their own").at(self.span()));
        }
        Ok(())
    }

    pub fn unexpected(&self, wanted: &str) -> FaultAt {
        let found = match self.peek() {
            Token::Invalid => return fault_of(self.slice(self.span())).at(self.span()),
            Token::End => "the text ends".to_string(),
            _ => format!("there is `{}`", self.slice(self.span()).chars().take(30).collect::<String>()),
        };
        Fault::new(format!("expected {wanted}, but {found}")).at(self.span())
    }

    pub fn name(&mut self, wanted: &str) -> ReadResult<Name> {
        if self.peek() != Token::Word {
            return Err(self.unexpected(wanted));
        }
        let span = self.next().1;
        Ok(Name { text: self.slice(span).into(), span })
    }

    pub fn list<T>(&mut self, end: Token, sign: &str, item: impl Fn(&mut Self) -> ReadResult<T>) -> ReadResult<Vec<T>> {
        let mut items = Vec::new();
        while self.peek() != end {
            items.push(item(self)?);
            if !self.accept(Token::Comma) {
                break;
            }
        }
        if !self.accept(end) {
            self.expect(end, &format!("`,` or `{sign}`"))?;
        }
        Ok(items)
    }
}

/// The version line decides; without one OpenQASM 3, unless the text includes qelib1.inc or declares a qreg first.
pub(super) fn version_of(text: &str) -> Version {
    let slice = |span: Span| &text[span.start as usize..span.end as usize];
    let mut tokens = Tokens::new(text, 0);
    let mut token = tokens.next();
    if slice(token.1) == "OPENQASM" {
        return if slice(tokens.next().1).starts_with('2') { Version::Two } else { Version::Three };
    }
    while token.0 != Token::End {
        let next = tokens.next();
        match (slice(token.1), next.0) {
            ("include", Token::Text) if unquoted(slice(next.1)) == "qelib1.inc" => return Version::Two,
            ("qreg" | "creg", _) => return Version::Two,
            ("qubit" | "bit" | "input" | "const" | "def" | "extern" | "int" | "uint" | "float" | "let", _) => {
                return Version::Three;
            }
            _ => token = next,
        }
    }
    Version::Three
}

/// A text without its quotes.
pub(super) fn unquoted(text: &str) -> &str {
    text.get(1..text.len().saturating_sub(1)).unwrap_or_default()
}
