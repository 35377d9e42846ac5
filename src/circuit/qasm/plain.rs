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

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::super::cursor::Version;
    use super::super::error::{FaultAt, Notice, QasmError, ReadResult, SourceFile, Span};
    use super::super::parse::{notices, parse};
    use super::super::read::ReadOptions;
    use super::super::registers::Finished;
    use super::super::syntax::Statement;
    use super::*;
    use crate::circuit::Circuit;

    /// Reads every statement in the general way.
    struct General<'a>(Builder<'a>);

    impl Receiver for General<'_> {
        fn version(&mut self, version: Version) {
            self.0.version(version);
        }
        fn library(&mut self) {
            self.0.library();
        }
        fn statement(&mut self, statement: Statement) -> ReadResult<()> {
            self.0.statement(statement)
        }
        fn notice(&mut self, span: Span, message: String) {
            self.0.notice(span, message);
        }
    }

    /// The circuit with its notices and the steps that it took, or the whole message.
    type Outcome = Result<(Circuit, Vec<(usize, String)>, usize), String>;

    fn outcome(text: &str, options: &ReadOptions, is_plain: bool) -> Outcome {
        let mut files = vec![SourceFile { name: "text".into(), text: Cow::Borrowed(text) }];
        let mut general = General(Builder::new(options, text.len()));
        let receiver: &mut dyn Receiver = if is_plain { &mut general.0 } else { &mut general };
        let read = parse(&mut files, options, receiver).and_then(|()| {
            let steps = general.0.steps.get();
            general.0.finish().map(|found| (found, steps))
        });
        match read {
            Ok((Finished { circuit, notices: found, .. }, steps)) => {
                let told = notices(&files, found).into_iter().map(|Notice { line, message }| (line, message));
                Ok((circuit, told.collect(), steps))
            }
            Err(FaultAt(found)) => Err(QasmError::new(&files[found.1.file as usize], found.1, found.0).report()),
        }
    }

    #[rustfmt::skip]
    const STATEMENTS: &[&str] = &[
        // Angles.
        "rz(0.25) q[3];", "rz(-0.25) q[3];", "rz(-0) q[3];", "rz(-0.0) q[3];", "rz(- 2) q[3];", "rz(+2) q[3];", "rz(--2) q[3];",
        "rz(pi/2) q[3];", "rz(-pi) q[3];", "rz(-2*pi) q[3];", "rz(3*pi/4 - 0.1) q[3];", "rz(1/2) q[3];", "rz(-1/2) q[3];",
        "rz(4/2) q[3];", "rz(2**0.5) q[3];", "rz(2^3) q[3];", "rz(0x10) q[3];", "rz(1_000.5) q[3];", "rz(18446744073709551616) q[3];",
        "rz(1e999) q[3];", "rz(1/0) q[3];", "rz(1.0/0) q[3];", "rz(1e308*10) q[3];", "rz(sin(pi/4)) q[3];", "rz(tau) q[3];",
        "rz(euler) q[3];", "rz(true) q[3];", "rz(\"01\") q[3];", "rz(5ns) q[3];", "rz(5 ns/1ns) q[3];", "rz(2im) q[3];",
        "rz(durationof({x $0;})/1ns) q[3];", "rz(k) q[3];", "rz(a) q[3];", "rz(2*a+1) q[3];", "rz(-a) q[3];", "rz(nothing) q[3];",
        "u(0.1, -pi, 3) q[3];", "u(0.1, -pi, a) q[3];", "U(0.1, 0.2, 0.3) q[3];", "u3(1, 2, 3) q[3];", "u2(1, 2) q[3];", "u0(1) q[3];",
        "rz() q[3];", "rz q[3];", "rz(1, 2) q[3];", "rz(1,) q[3];", "u(1, 2, 3,) q[3];", "h() q[3];", "h(1) q[3];", "gphase(0.5);",
        // Operands.
        "h q[0];", "h q[ 0 ] ;", "h q[-1];", "h q[12];", "h q[99999999999999999999];", "h q[0x3];", "h q[0b11];", "h q[1_0];", "h q[1+2];",
        "h q[03];", "h q[k];", "h q[1.0];", "h q[];", "h q[0", "h q[0]", "h q[0],;", "h q[0], q[1];", "h q;", "h r;", "h q[0:2];", "h q[{0,2}];",
        "h q[0][1];", "h q[0,1];", "h s[0];", "h s[-1];", "h one;", "h one[0];", "h c[0];", "h c;", "h k[0];", "h t[0];", "h $0;", "h $1[0];",
        "cx q[0], q[1];", "cx q[0], q[0];", "cx q[0];", "cx q[0] q[1];", "cx q[0],, q[1];", "cx q[0], r;", "cx r, s;", "cx q, r;", "CX q[0], q[1];",
        "ccx q[2], q[0], q[1];", "swap q[2], r[1];", "c4x q[0], q[1], q[2], q[3], q[4];",
        // Names that are none of the table, or no longer.
        "hh q[0];", "gate h2 x { h x; } h2 q[0]; h q[1];", "gate h x { x x; } h q[0];", "h q[0]; gate h x { U(0,0,1) x; } h q[0];",
        "gate rz(t) x { rx(t) x; } rz(0.5) q[0];", "gate rz(t, s) x { rx(t+s) x; } rz(0.5, 1) q[0];", "gate rz(t) x { U(0,0,t) x; } rz(0.5) q[0];",
        "gate log(t) x { rx(t) x; } log(0.5) q[0];", "gate g(tau) x { rx(tau) x; } g(0.5) q[0]; rx(tau) q[1];", "opaque rz(t) x; rz(0.5) q[0];",
        "def h(qubit x) { x x; } h(q[0]); h q[0];", "def x(int n) -> int { return n; } x(3); x q[0];", "extern h(int); h(3); h q[0];", "h q[0]; gate h2 x { h x; } h2 q[0]; h q[0];",
        // Beside other statements and comments.
        "h /* q[9] */ q // ]\n[ 1 ] ;", "/* h q[0]; */ h q[1];", "h q[1]; /* open", "// h q[0];\nh q[1]; x q[99];", "x q[0]; h q[0]; OPENQASM 3.0;",
        "if (c[0] == 1) h q[0]; h q[1];", "if (c == 1) h q[0]; h q[1];", "if (true) h q[0]; h q[1];", "if (true) end; h q[1];", "end; h q[1]; h q[99];",
        "c[0] = measure q[0]; if (c[0]) end; h q[1]; cx q[0], q[1];", "for int i in [0:2] h q[i]; h q[3];", "for int i in [0:2] { h q[0]; } h q[3];", "{ h q[0]; } h q[1];",
        "box { h q[0]; } h q[1];", "inv @ h q[0];", "ctrl @ h q[0], q[1];", "pow(2) @ h q[0];", "h[100ns] q[0];", "rz(0.5)[100ns] q[0];", "@note\nh q[0];", "#pragma x\nh q[0];",
        "measure q[0] -> c[0]; h q[0];", "barrier q[0]; h q[0];", "reset q[0]; h q[0];", "delay[5ns] q[0]; h q[0];", "h = 3;", "h += 1;", "h + 1;", "h(2) + 1;", "h; h q[0];",
        "include \"own.inc\"; h q[0]; own q[0]; h q[99];", "h q[0]; include \"own.inc\"; h q[0];", "include \"wrong.inc\"; h q[0];", "include \"stdgates.inc\"; h q[0];", "ö q[0];", "h q[0] ü;",
    ];

    #[test]
    fn both_ways_give_the_same_circuits_and_messages() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("own.inc"), "gate own x { h x; h x; }\ngate h x { U(0, 0, 1) x; }\nh q[1];")
            .unwrap();
        std::fs::write(folder.path().join("wrong.inc"), "h q[0];\n  h q[12];").unwrap();
        let options = ReadOptions { include: vec![folder.path().into()], ..ReadOptions::default() };
        let two = "qreg q[12]; qreg r[2]; qreg t[1]; creg c[2];\n";
        let three = "qubit[12] q; qubit[2] r; qubit one; let s = r; bit[2] c; const int k = 1; input float a;\n";
        let heads = [
            format!("OPENQASM 2.0; include \"qelib1.inc\"; {two}"),
            format!("OPENQASM 2.0; {two}"),
            format!("OPENQASM 3.0; include \"stdgates.inc\"; {three}"),
            format!("OPENQASM 3.0; {three}"),
            "OPENQASM 3.0; include \"stdgates.inc\";\n".to_string(),
        ];
        let mut read = 0;
        for head in &heads {
            for statement in STATEMENTS {
                let text = format!("{head}{statement}\nx q[0]; u1(0.5) r[1];");
                // Steps differ by one where a subroutine has the name of a gate; below they count.
                let found = [true, false]
                    .map(|is_plain| outcome(&text, &options, is_plain).map(|(circuit, notices, _)| (circuit, notices)));
                read += usize::from(found[0].is_ok());
                assert_eq!(found[0], found[1], "{text}");
            }
        }
        assert!((150..500).contains(&read), "{read} of {} texts were read", heads.len() * STATEMENTS.len());
        // Limits end both at the same statement, which one way points at and the other at a word of: limits of operations, and
        // of steps that a loop has used up before.
        let end = |text: &str, options: &ReadOptions, is_plain: bool| {
            outcome(text, options, is_plain).map_err(|message| {
                let place = message.split_once("text:").expect("a message names its place").1;
                let mut numbers = place.split([':', ']']).map(|number| number.parse::<usize>().expect("a number"));
                let (line, column) = (numbers.next().unwrap(), numbers.next().unwrap());
                let before = &text.lines().nth(line - 1).unwrap()[..column - 1];
                (line, before.matches(';').count(), message.contains("expands to more than"))
            })
        };
        let many = "rz(0.5) q[0]; u(1, 2, 3) q[1]; cx q[0], q[1]; ccx q[0], q[1], q[2]; h q[3];\n".repeat(4);
        for most in 0..60 {
            let options = ReadOptions { max_operations: most, ..ReadOptions::default() };
            let spent = format!("{}for int i in [0:{}] {{ }}\n{many}", heads[2], 2 * many.len() / 3);
            for text in [format!("{}{many}", heads[2]), spent] {
                assert_eq!(end(&text, &options, true), end(&text, &options, false), "{most} operations: {text}");
            }
        }
    }
}
