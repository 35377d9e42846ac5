//! Pragmas and annotations, kept beside the operations.

use std::collections::HashSet;

use super::build::Builder;
use super::error::{ReadResult, Span};
use super::syntax::Name;
use crate::circuit::{Circuit, Condition, Op, OpKind};

/// What stands before which operation.
#[derive(Default)]
pub(super) struct Directives {
    found: Vec<(usize, String)>,
    /// Pragmas of loops and subroutines are kept once.
    pragmas: HashSet<Span>,
}

/// Directives by the number of operations before them that are no assignments.
pub(super) struct Counted(Vec<(usize, String)>);

impl Directives {
    /// Operations have been moved.
    pub fn move_to(&mut self, moved: impl Fn(usize) -> usize) {
        self.found.iter_mut().for_each(|(at, _)| *at = moved(*at));
    }

    pub fn counted(&mut self, ops: &[Op]) -> Counted {
        let mut found = std::mem::take(&mut self.found);
        // Those of a statement within another come before those of the other.
        found.sort_by_key(|(at, _)| *at);
        let (mut reached, mut count) = (0, 0);
        for (at, _) in &mut found {
            count += ops[reached..*at].iter().filter(|op| !is_assignment(op)).count();
            reached = *at;
            *at = count;
        }
        Counted(found)
    }
}

impl Counted {
    /// Puts them into the circuit.
    pub fn place(self, circuit: &mut Circuit) {
        if self.0.is_empty() {
            return;
        }
        let ops = circuit.ops().iter().enumerate();
        let kept: Vec<usize> = ops.filter(|(_, op)| !is_assignment(op)).map(|(at, _)| at).collect();
        let end = circuit.ops().len();
        for (count, text) in self.0 {
            let at = kept.get(count).copied().unwrap_or(end);
            // Pragmas and annotations of a text are lines with names, and annotations have operations.
            let _ = circuit.add_directive(at, &text);
        }
    }
}

fn is_assignment(op: &Op) -> bool {
    matches!(op.kind, OpKind::Assign { .. })
}

impl Builder<'_> {
    /// `pragma vendor.name …`
    pub fn pragma(&mut self, text: &str, span: Span) -> ReadResult<()> {
        if self.stretches.get_mut().asked > 0 || !self.directives.pragmas.insert(span) {
            return Ok(());
        }
        self.work(1 + text.len() / 64, span)?;
        self.note_late(span, "a pragma is kept for exports; nothing here acts on it".into());
        let text = text.strip_prefix("pragma").unwrap_or(text);
        if !text.trim().is_empty() {
            self.directives.found.push((self.operations(), format!("pragma {}", one_line(text))));
        }
        Ok(())
    }

    /// Gives the operations from `first` on their annotations: those of a statement that is one operation, or the same one
    /// for each of its qubits.
    pub fn annotate(&mut self, annotations: &[Name], first: usize) -> ReadResult<()> {
        if self.stretches.get_mut().asked > 0 {
            return Ok(());
        }
        let ops = first..self.operations();
        let is_one = is_one(&self.circuit.ops()[ops.clone()]);
        for annotation in annotations {
            let message = match is_one {
                true => "an annotation is kept for exports; nothing here acts on it",
                false => "an annotation is left out: its statement is not one operation of the circuit",
            };
            self.note_late(annotation.span, message.into());
        }
        if is_one {
            for at in ops {
                for annotation in annotations {
                    self.work(1 + annotation.text.len() / 64, annotation.span)?;
                    self.directives.found.push((at, one_line(&annotation.text)));
                }
            }
        }
        Ok(())
    }
}

/// Without what ends a line.
fn one_line(text: &str) -> String {
    text.trim().replace('\r', " ")
}

/// Whether operations are one that is repeated on further qubits or under further conditions.
fn is_one(ops: &[Op]) -> bool {
    let Some(first) = ops.first().filter(|op| !is_assignment(op)) else { return false };
    let mut qubits: HashSet<(usize, Option<&Condition>)> = HashSet::new();
    ops.iter().all(|op| {
        let condition = op.condition.as_ref();
        op.name() == first.name() && op.qubits.iter().all(|&qubit| qubits.insert((qubit, condition)))
    })
}
