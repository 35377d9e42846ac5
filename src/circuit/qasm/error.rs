//! What is wrong with a text, and where.

use std::sync::Arc;

use miette::{GraphicalReportHandler, GraphicalTheme, NamedSource, SourceSpan};

/// A text that is not a circuit qgraft can hold: what, where, and what to write instead.
///
/// The one-line form (`Display`) is `file:line:column: message`; [`QasmError::report`] adds the source line, and as a
/// [`miette::Diagnostic`] it can be shown by any handler.
#[derive(Clone, Debug, thiserror::Error, miette::Diagnostic)]
#[error("{}:{line}:{column}: {message}", source_text.name())]
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
    source_text: Arc<NamedSource<Arc<str>>>,
    #[label("here")]
    span: SourceSpan,
}

impl QasmError {
    pub(super) fn new(file: &SourceFile, span: Span, fault: Fault) -> Self {
        let text = &file.text;
        let start = floor_boundary(text, span.start as usize);
        let end = floor_boundary(text, span.end as usize).max(start);
        let before = &text[..start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self {
            message: fault.message,
            hint: fault.hint,
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            source_text: Arc::new(NamedSource::new(&file.name, text.clone())),
            span: (start, end - start).into(),
        }
    }

    /// Message, source line with the position underlined, and hint, in plain characters without colour.
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

fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
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
pub(super) struct SourceFile {
    pub name: String,
    pub text: Arc<str>,
}

/// Bytes of one of the source files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
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
