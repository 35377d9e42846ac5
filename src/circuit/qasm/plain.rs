//! The most frequent statement, read without a tree: a gate of the table on single qubits, `rz(pi/4) q[3];`.
//!
//! Long texts hold little else. A statement that is not exactly of this form, or that would be refused, is begun anew by
//! `parse` in the general way, which also says what is wrong. Both ways give the same operations.

use std::collections::HashMap;

use super::build::{Builder, Symbol};
use super::cursor::Parser;
use super::expression::{ExpressionKind, Scope};
use super::parse::Receiver;
use super::token::Token;
use super::value::Value;
use crate::circuit::{Gate, Op, OpKind, Operands, Param, Params};

impl Parser<'_> {
    /// Reads and performs a statement of that form. Otherwise `false`, and the parser is where it was.
    pub fn plain_call(&mut self, receiver: &mut dyn Receiver) -> bool {
        if self.peek() != Token::Word || !matches!(self.peek_after(), Token::Word | Token::Open) {
            return false;
        }
        let Some(gate) = receiver.plain_gate(self.word()) else { return false };
        let start = self.mark();
        let done = self.plain_parts(gate, receiver).is_some_and(|op| receiver.plain(op));
        if !done {
            self.back_to(start);
        }
        done
    }

    fn plain_parts(&mut self, gate: Gate, receiver: &dyn Receiver) -> Option<Op> {
        let row = gate.row();
        self.next();
        let mut params = Params::new();
        for k in 0..row.params.len() {
            if !self.accept(if k == 0 { Token::Open } else { Token::Comma }) {
                return None;
            }
            params.push(self.plain_angle()?);
        }
        if !params.is_empty() && !self.accept(Token::Close) {
            return None;
        }
        let mut qubits = Operands::new();
        for k in 0..row.qubits {
            if k > 0 && !self.accept(Token::Comma) {
                return None;
            }
            let register = self.word();
            self.next();
            if !self.accept(Token::OpenBracket) || self.peek() != Token::Integer {
                return None;
            }
            let index = self.next().1;
            // Decimal digits alone: what is written in another way is left to the general way.
            qubits.push(receiver.qubit(register, self.slice(index).parse().ok()?)?);
            if !self.accept(Token::CloseBracket) {
                return None;
            }
        }
        let kind = OpKind::Gate { gate, params, controls: 0 };
        self.accept(Token::Semicolon).then_some(Op { kind, qubits, condition: None })
    }

    /// An angle of literals and constants.
    fn plain_angle(&mut self) -> Option<Param> {
        let start = self.mark();
        let is_negative = self.accept(Token::Minus);
        let ends = matches!(self.peek_after(), Token::Comma | Token::Close);
        match self.peek() {
            Token::Real if ends => {
                let span = self.next().1;
                let value = self.real(span).ok()?;
                Value::Real(if is_negative { -value } else { value }).angle().ok()
            }
            Token::Integer if ends && !is_negative => {
                let span = self.next().1;
                self.integer(span).ok()?.angle().ok()
            }
            _ => {
                if is_negative {
                    self.back_to(start);
                }
                let ExpressionKind::Value(value) = self.expression().ok()?.kind else { return None };
                value.angle().ok()
            }
        }
    }
}

/// Gates of the table by the names that a text has for them; `None` for names that call something else.
#[derive(Default)]
pub(super) struct PlainGates(HashMap<String, Option<Gate>>);

impl PlainGates {
    /// Names that are remembered at most: a text may have a new one in every statement.
    const MOST: usize = 1000;

    /// What names mean may have changed.
    pub fn forget(&mut self) {
        self.0.clear();
    }
}

impl Builder<'_> {
    /// [`Receiver::plain_gate`].
    pub fn find_plain_gate(&mut self, name: &str) -> Option<Gate> {
        // A statement that may not be performed, or under a condition alone, is none of this form.
        if self.has_ended() || !self.interrupts.is_empty() {
            return None;
        }
        if let Some(known) = self.plain_gates.0.get(name) {
            return *known;
        }
        let called_first = self.subroutines.contains_key(name) || self.externs.contains_key(name);
        let gate = if called_first { None } else { self.table_gate(name) };
        if self.plain_gates.0.len() < PlainGates::MOST {
            self.plain_gates.0.insert(name.to_string(), gate);
        }
        gate
    }

    /// [`Receiver::qubit`].
    pub fn find_qubit(&self, register: &str, index: usize) -> Option<usize> {
        match self.scopes[0].get(register)? {
            Symbol::Qubits(register) => register.get(index),
            _ => None,
        }
    }

    /// [`Receiver::plain`].
    pub fn append_plain(&mut self, op: Op) -> bool {
        self.operations() < self.options.max_operations
            && self.spend(3 + op.params().len() + op.qubits.len() + op.qubits.len() / 4).is_ok()
            && self.circuit.append_unnumbered(op).is_ok()
    }
}
