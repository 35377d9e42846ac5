//! Words and signs of both versions.

use std::ops::Range;

use logos::{Lexer, Logos};

use super::error::{Fault, Span};

#[derive(Logos, Clone, Copy, Debug, PartialEq)]
#[logos(skip r"[ \t\r\n\f\u{feff}]+")]
#[logos(skip(r"//[^\n]*", allow_greedy = true))]
pub(super) enum Token {
    /// Names and keywords; which is which depends on the context.
    #[regex(r"[\p{L}_][\p{L}\p{Nd}_]*")]
    Word,
    #[regex(r"[0-9][0-9_]*")]
    #[regex(r"0[xX][0-9a-fA-F_]+")]
    #[regex(r"0[bB][01_]+")]
    #[regex(r"0[oO][0-7_]+")]
    Integer,
    #[regex(r"[0-9][0-9_]*\.[0-9_]*([eE][+-]?[0-9]+)?")]
    #[regex(r"\.[0-9][0-9_]*([eE][+-]?[0-9]+)?")]
    #[regex(r"[0-9][0-9_]*[eE][+-]?[0-9]+")]
    Real,
    /// In either kind of quotes.
    #[regex(r#""[^"\n]*""#)]
    #[regex(r"'[^'\n]*'")]
    Text,
    #[regex(r"\$[0-9]+")]
    Physical,
    #[regex(r"#[^\n]*", allow_greedy = true)]
    Pragma,
    #[token(";")]
    Semicolon,
    #[token(",")]
    Comma,
    #[token(":")]
    Colon,
    #[token("(")]
    Open,
    #[token(")")]
    Close,
    #[token("[")]
    OpenBracket,
    #[token("]")]
    CloseBracket,
    #[token("{")]
    OpenBrace,
    #[token("}")]
    CloseBrace,
    /// Of a comment, which is passed over by hand: where it is never closed, the text is searched once.
    #[token("/*")]
    OpenComment,
    #[token("->")]
    Arrow,
    #[token("@")]
    At,
    #[token("=")]
    Assign,
    #[token("+")]
    Plus,
    #[token("-")]
    Minus,
    #[token("*")]
    Star,
    #[token("**")]
    StarStar,
    #[token("/")]
    Slash,
    #[token("%")]
    Percent,
    #[token("^")]
    Caret,
    #[token("==")]
    Equal,
    #[token("!=")]
    Different,
    #[token("<")]
    Less,
    #[token("<=")]
    LessEqual,
    #[token(">")]
    Greater,
    #[token(">=")]
    GreaterEqual,
    #[token("!")]
    Not,
    #[token("&&")]
    And,
    #[token("||")]
    Or,
    #[token("&")]
    BitAnd,
    #[token("|")]
    BitOr,
    #[token("~")]
    Tilde,
    #[token("<<")]
    ShiftLeft,
    #[token(">>")]
    ShiftRight,
    #[token("++")]
    Concat,
    /// An operator and an assignment.
    #[token("+=")]
    #[token("-=")]
    #[token("*=")]
    #[token("/=")]
    #[token("%=")]
    #[token("**=")]
    #[token("&=")]
    #[token("|=")]
    #[token("^=")]
    #[token("~=")]
    #[token("<<=")]
    #[token(">>=")]
    Compound,
    /// No word or sign of the language; [`fault_of`] says why. Reported where it is met, because calibrations, pragmas
    /// and annotations may hold anything.
    Invalid,
    /// Behind the last token.
    End,
}

/// The tokens of one text, one at a time.
pub(super) struct Tokens<'a> {
    text: &'a str,
    file: u16,
    lexer: Lexer<'a, Token>,
    /// No comment is closed from here on.
    unclosed: bool,
}

impl<'a> Tokens<'a> {
    /// From the first byte on.
    pub fn new(text: &'a str, file: u16) -> Self {
        Self { text, file, lexer: Token::lexer(text), unclosed: false }
    }

    /// The next token. Behind the last there are `End`s.
    pub fn next(&mut self) -> (Token, Span) {
        loop {
            let token = match self.lexer.next() {
                None => return (Token::End, self.span(self.text.len()..self.text.len())),
                Some(Ok(Token::OpenComment)) => {
                    let start = self.lexer.span().start;
                    let end = if self.unclosed { None } else { self.lexer.remainder().find("*/") };
                    let Some(end) = end else {
                        self.unclosed = true;
                        return (Token::Invalid, self.span(start..start + 1));
                    };
                    self.lexer.bump(end + 2);
                    continue;
                }
                Some(token) => token.unwrap_or(Token::Invalid),
            };
            return (token, self.span(self.lexer.span()));
        }
    }

    /// Continues at this byte, the first of a character.
    pub fn seek(&mut self, at: usize) {
        self.lexer = Token::lexer(self.text);
        self.lexer.bump(at);
    }

    fn span(&self, range: Range<usize>) -> Span {
        Span { file: self.file, start: range.start as u32, end: range.end as u32 }
    }
}

/// What is wrong with an [`Token::Invalid`] piece of a text.
pub(super) fn fault_of(piece: &str) -> Fault {
    match piece.as_bytes() {
        [b'/', ..] => Fault::new("this comment is never closed").hint("end it with */"),
        [b'"' | b'\'', ..] => Fault::new("this text has no closing quote").hint("close it on the same line"),
        _ => {
            let piece: String = piece.chars().take(20).collect();
            Fault::new(format!("{piece:?} is no sign of OpenQASM")).hint("remove it")
        }
    }
}
