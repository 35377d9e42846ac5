//! A position in the tokens of one text, and how to advance it.

use super::error::{Fault, FaultAt, ReadResult, Span};
use super::syntax::Name;
use super::token::Token;

/// The language version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    Two,
    Three,
}

/// Statements, blocks and parentheses within each other; far above any real file, far below the stack.
pub(super) const NESTING: usize = 64;

pub(super) struct Parser<'a> {
    pub text: &'a str,
    pub tokens: &'a [(Token, Span)],
    pub at: usize,
    pub version: Version,
}

impl Parser<'_> {
    pub fn peek(&self) -> Token {
        self.tokens[self.at].0
    }

    pub fn peek_after(&self) -> Token {
        self.tokens.get(self.at + 1).map_or(Token::End, |(token, _)| *token)
    }

    pub fn span(&self) -> Span {
        self.tokens[self.at].1
    }

    /// The last token taken.
    pub fn taken(&self) -> Span {
        self.tokens[self.at.saturating_sub(1)].1
    }

    pub fn slice(&self, span: Span) -> &str {
        &self.text[span.start as usize..span.end as usize]
    }

    /// The word ahead, empty if it is none.
    pub fn word(&self) -> &str {
        if self.peek() == Token::Word { self.slice(self.span()) } else { "" }
    }

    pub fn next(&mut self) -> (Token, Span) {
        let taken = self.tokens[self.at];
        // `End` is never passed.
        if taken.0 != Token::End {
            self.at += 1;
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

    pub fn unexpected(&self, wanted: &str) -> FaultAt {
        let found = match self.peek() {
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

    /// The version line decides; without one OpenQASM 3, unless the text includes qelib1.inc or declares a qreg first.
    pub fn detect(&mut self) -> Version {
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

    pub fn list<T>(&mut self, end: Token, sign: &str, item: impl Fn(&mut Self) -> ReadResult<T>) -> ReadResult<Vec<T>> {
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
}
