//! Words and signs of both versions.

use logos::Logos;

use super::error::{Fault, ReadResult, Span};

#[derive(Logos, Clone, Copy, Debug, PartialEq)]
#[logos(skip r"[ \t\r\n\f\u{feff}]+")]
#[logos(skip(r"//[^\n]*", allow_greedy = true))]
#[logos(skip r"/\*([^*]|\*+[^*/])*\*+/")]
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
    #[regex(r#""[^"\n]*""#)]
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
    /// Signs of the language that no supported statement uses.
    #[token("&")]
    #[token("|")]
    #[token("~")]
    #[token("<<")]
    #[token(">>")]
    #[token("++")]
    #[token("+=")]
    #[token("-=")]
    #[token("*=")]
    #[token("/=")]
    OtherSign,
    /// Behind the last token.
    End,
}

/// All tokens with their positions, and an `End`.
pub(super) fn tokens(text: &str, file: u16) -> ReadResult<Vec<(Token, Span)>> {
    let span = |range: std::ops::Range<usize>| Span { file, start: range.start as u32, end: range.end as u32 };
    let mut all = Vec::new();
    for (token, range) in Token::lexer(text).spanned() {
        match token {
            Ok(Token::Slash) if text[range.end..].starts_with('*') => {
                return Err(Fault::new("this comment is never closed").hint("end it with */").at(span(range)));
            }
            Ok(token) => all.push((token, span(range))),
            Err(()) => {
                let piece: String = text[range.clone()].chars().take(20).collect();
                let fault = match piece.as_bytes() {
                    [b'"', ..] => Fault::new("this text has no closing quote").hint("close it on the same line"),
                    _ => Fault::new(format!("{piece:?} is no sign of OpenQASM")).hint("remove it"),
                };
                return Err(fault.at(span(range)));
            }
        }
    }
    all.push((Token::End, span(text.len()..text.len())));
    Ok(all)
}
