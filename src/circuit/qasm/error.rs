//! What is wrong with a text, and where.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use miette::{
    GraphicalReportHandler, GraphicalTheme, MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents,
};

use crate::math::words::shortened;

/// A text that is not a circuit qgraft can hold: what, where, and what to write instead.
///
/// The one-line form (`Display`) is `file:line:column: message`; [`QasmError::report`] adds the source line, and as a
/// [`miette::Diagnostic`] it can be shown by any handler.
#[derive(Clone, Debug, thiserror::Error, miette::Diagnostic)]
#[error("{}:{line}:{column}: {message}", source_text.name)]
pub struct QasmError {
    /// What is wrong, without the position.
    pub message: String,
    /// What to write instead, if known.
    #[help]
    pub hint: Option<String>,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    #[source_code]
    source_text: Arc<Excerpt>,
    #[label("here")]
    span: SourceSpan,
}

impl QasmError {
    pub(super) fn new(file: &SourceFile, span: Span, fault: Fault) -> Self {
        let text = &file.text;
        let start = text.floor_char_boundary(span.start as usize);
        let end = text.floor_char_boundary(span.end as usize).max(start);
        let before = &text[..start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = before.matches('\n').count() + 1;
        let (source_text, span) = Excerpt::new(&shortened(&file.name), text, line, start..end);
        Self {
            message: shortened(&fault.message),
            hint: fault.hint.as_deref().map(shortened),
            line,
            column: before[line_start..].chars().count() + 1,
            source_text: Arc::new(source_text),
            span,
        }
    }

    /// Message, source line with the position underlined, and hint, in plain characters without colour. Of a long line
    /// it shows what stands around the position.
    pub fn report(&self) -> String {
        let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor()).with_width(100);
        let mut out = String::new();
        // Writing into a string cannot fail. If the handler fails, the one-line form has the same content.
        if handler.render_report(&mut out, self).is_err() {
            return self.to_string();
        }
        out
    }
}

/// The lines around an error, each cut to what a person can read: a handler pads a line by as many characters as stand
/// before the position, and panics beyond 65,535.
#[derive(Debug)]
struct Excerpt {
    name: String,
    text: String,
    /// Lines of the whole text before the excerpt.
    lines_before: usize,
    /// Bytes of the error's line before the excerpt begins.
    bytes_before: usize,
}

/// Longest line that is shown whole, characters.
const WHOLE: usize = 160;
/// Characters shown on either side of a position in a longer one.
const AROUND: usize = 40;

impl Excerpt {
    /// The excerpt around `at`, and the position in it.
    fn new(name: &str, text: &str, line: usize, at: Range<usize>) -> (Self, SourceSpan) {
        let start = text[..at.start].rfind('\n').map_or(0, |newline| newline + 1);
        let end = text[at.start..].find('\n').map_or(text.len(), |newline| at.start + newline);
        let mut found = String::new();
        if line > 1 {
            let before = text[..start - 1].rfind('\n').map_or(0, |newline| newline + 1);
            found += &beginning(&text[before..start - 1]);
            found.push('\n');
        }
        let (mut low, mut high) = (start, end);
        if text[start..end].chars().count() > WHOLE {
            low = text[start..at.start].char_indices().rev().nth(AROUND - 1).map_or(start, |(k, _)| start + k);
            high = text[at.start..end].char_indices().nth(2 * AROUND).map_or(end, |(k, _)| at.start + k);
        }
        let position = found.len() + at.start - low;
        let length = at.end.min(high).saturating_sub(at.start);
        found += &text[low..high];
        if end + 1 < text.len() {
            let rest = &text[end + 1..];
            found.push('\n');
            found += &beginning(rest.split('\n').next().unwrap_or_default());
            found.push('\n');
        }
        let lines_before = line.saturating_sub(2);
        let excerpt = Self { name: name.into(), text: found, lines_before, bytes_before: low - start };
        (excerpt, (position, length).into())
    }
}

impl SourceCode for Excerpt {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        lines_before: usize,
        lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let found = self.text.read_span(span, lines_before, lines_after)?;
        // A span that begins a line has no column to be moved.
        let column = if lines_before == 0 { found.column() + self.bytes_before } else { found.column() };
        let (line, count) = (found.line() + self.lines_before, found.line_count());
        let named = MietteSpanContents::new_named(self.name.clone(), found.data(), *found.span(), line, column, count);
        Ok(Box::new(named))
    }
}

fn beginning(line: &str) -> String {
    line.chars().take(WHOLE).collect()
}

/// Something the reader skipped or changed on purpose; see [`super::Reading`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Line, from 1.
    pub line: usize,
    /// What was done.
    pub message: String,
}

/// A text with its name in messages.
#[derive(Clone, Debug)]
pub(super) struct SourceFile<'t> {
    pub name: String,
    pub text: Cow<'t, str>,
}

/// Bytes of one of the source files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) struct Span {
    pub file: u16,
    pub start: u32,
    pub end: u32,
}

impl Span {
    /// From the start of this to the end of the other.
    pub fn to(self, end: Self) -> Self {
        Self { end: end.end.max(self.start), ..self }
    }
}

/// An error whose position is not known yet.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub message: String,
    pub hint: Option<String>,
}

impl Fault {
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    pub fn at(self, span: Span) -> FaultAt {
        FaultAt(Box::new((self, span)))
    }
}

/// An error and its position; boxed because every `Result` of the reader holds one.
#[derive(Clone, Debug)]
pub(super) struct FaultAt(pub Box<(Fault, Span)>);

/// What the reader's own functions return.
pub(super) type ReadResult<T> = Result<T, FaultAt>;
