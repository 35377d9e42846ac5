//! The statements that the next one follows in any case.

use std::borrow::Cow;
use std::collections::HashSet;

use super::build::{Builder, Symbol};
use super::condition::Guard;
use super::contents::Register;
use super::error::{Fault, ReadResult, Span};
use super::expression::{Expression, ExpressionKind};
use super::syntax::{Index, Operand, Source, Statement, StatementKind as Kind, Type};
use super::timing::DelayTime;
use super::value::Value;
use crate::circuit::{Op, OpKind};
use crate::math::Seconds;

/// What is noticed of `n + 1;`.
const UNUSED: &str = "the value of this expression is not used";

impl Builder<'_> {
    /// A statement that the next one follows in any case.
    pub fn act(&mut self, statement: &Statement, guard: &Guard) -> ReadResult<()> {
        let span = statement.span;
        let declares = match &statement.kind {
            Kind::Gate { .. } | Kind::Qubits { .. } | Kind::Input { .. } | Kind::Subroutine(_) | Kind::Extern(_) => {
                true
            }
            Kind::Bits { output, .. } | Kind::Variable { output, .. } => *output,
            _ => false,
        };
        if declares && self.scopes.len() > 1 {
            return Err(Fault::new("this declaration must be outside of blocks").at(span));
        }
        match &statement.kind {
            Kind::Gate { name, params, qubits, body } => self.define(name, params, qubits, body.as_deref()),
            Kind::Subroutine(subroutine) => self.define_subroutine(subroutine),
            Kind::Extern(function) => self.define_extern(function),
            Kind::Qubits { name, size } => {
                if self.physical {
                    let fault = Fault::new("physical qubits and registers do not mix");
                    return Err(fault.hint("use $0, $1, ... or a register throughout").at(span));
                }
                let range = self.grow(self.circuit.qubits(), self.register_size(size.as_ref())?, "qubits", span)?;
                self.circuit.widen(range.end, 0);
                self.declare(name, Symbol::Qubits(Register::Run(range)))
            }
            Kind::Bits { name, size, initial, output } => {
                self.bits(name, size.as_ref(), initial.as_ref(), *output, guard, span)
            }
            Kind::Input { kind, width, name, size } => self.input(*kind, width.as_ref(), name, size.as_ref(), span),
            Kind::Variable { declared, name, initial, output } => {
                if *output && !declared.sizes.is_empty() {
                    let fault = Fault::new(format!("the output {} is an array", name.text));
                    return Err(fault.hint("declare an output for each of its elements").at(span));
                }
                if *output {
                    self.outputs.push(name.clone());
                }
                self.declare_variable(declared, name, initial.as_ref(), guard, span)
            }
            Kind::Alias { name, parts } => self.alias(name, parts),
            Kind::Constant { kind, width, name, value } => {
                let width = width.as_ref().map(|width| width.width(self)).transpose()?;
                // A number with a point is no integer by accident: that takes a cast.
                let value = &*self.timed(value, guard)?;
                let given = match (kind, value.evaluate(self)?) {
                    (Type::Int | Type::Uint | Type::Bit, Value::Real(number)) => {
                        Value::Real(number).integer().map(Value::Integer)
                    }
                    (_, given) => Ok(given),
                };
                let value = given.and_then(|given| given.cast(*kind, width)).map_err(|fault| fault.at(value.span))?;
                self.declare(name, Symbol::Value(value))
            }
            Kind::Call { modifiers, name, arguments, operands } => {
                let is_bare = modifiers.is_empty() && arguments.is_empty() && operands.is_empty();
                if is_bare && self.found(&name.text).is_some_and(|(_, symbol)| !matches!(symbol, Symbol::Qubits(_))) {
                    self.note_late(name.span, UNUSED.into());
                    return Ok(());
                }
                if self.skips_extern(&name.text, name.span)? {
                    return Ok(());
                }
                if let Some(subroutine) = self.subroutines.get(&name.text).cloned() {
                    if !modifiers.is_empty() {
                        let fault = Fault::new(format!("modifiers act on gates only, {} is a subroutine", name.text));
                        return Err(fault.at(span));
                    }
                    let mut all = Vec::with_capacity(arguments.len() + operands.len());
                    for argument in arguments {
                        all.push(self.hoist(argument, guard)?.into_owned());
                    }
                    // Older texts have the qubits behind the parentheses.
                    all.extend(operands.iter().map(as_expression));
                    return self.invoke(&subroutine, &all, guard, span).map(|_| ());
                }
                let mut hoisted = Vec::with_capacity(arguments.len());
                for argument in arguments {
                    hoisted.push(self.hoist(argument, guard)?);
                }
                let changed;
                let statement = if hoisted.iter().any(|argument| matches!(argument, Cow::Owned(_))) {
                    let arguments = hoisted.into_iter().map(Cow::into_owned).collect();
                    let (modifiers, name, operands) = (modifiers.clone(), name.clone(), operands.clone());
                    let kind = Kind::Call { modifiers, name, arguments, operands };
                    changed = Statement { kind, span };
                    &changed
                } else {
                    statement
                };
                let Kind::Call { arguments, .. } = &statement.kind else { return Ok(()) };
                if arguments.iter().any(|argument| self.depends(argument)) {
                    return self.call_by_values(statement, guard);
                }
                self.call(statement, guard)
            }
            Kind::Measure { from, to } => match self.symbol(&to.name.text).map_err(|fault| fault.at(to.name.span))?.1 {
                Symbol::Variable(_) | Symbol::Array(_) => {
                    self.assign_source(to, None, &Source::Measure(from.clone()), guard, span)
                }
                _ => {
                    let bits = self.elements(to, false)?;
                    self.measure(from, &bits, guard, span)
                }
            },
            Kind::MeasureAway(from) => {
                for qubit in self.elements(from, true)? {
                    let bit = self.fresh(span)?;
                    self.emit(Op::of(OpKind::Measure { bit }, &[qubit]), guard, span)?;
                }
                Ok(())
            }
            Kind::Assign { to, operator, source } => self.assign_source(to, *operator, source, guard, span),
            Kind::Reset(operand) => {
                for qubit in self.elements(operand, true)? {
                    self.emit(Op::of(OpKind::Reset, &[qubit]), guard, span)?;
                }
                Ok(())
            }
            Kind::Barrier(operands) => {
                let qubits = self.barrier(operands)?;
                self.work(qubits.len(), span)?;
                // A barrier does nothing, so no condition changes what it does.
                self.emit(Op::of(OpKind::Barrier, &qubits), &Guard::always(), span)
            }
            Kind::Expression(value) => {
                // An extern or a subroutine may have the name of a function of numbers.
                if let ExpressionKind::Call(name, arguments) = &value.kind {
                    if self.skips_extern(name, value.span)? {
                        return Ok(());
                    }
                    if let Some(subroutine) = self.subroutines.get(name).cloned() {
                        let mut all = Vec::with_capacity(arguments.len());
                        for argument in arguments {
                            all.push(self.hoist(argument, guard)?.into_owned());
                        }
                        return self.invoke(&subroutine, &all, guard, span).map(|_| ());
                    }
                }
                self.note_late(value.span, UNUSED.into());
                let value = self.hoist(value, guard)?;
                self.content(&value).map(|_| ())
            }
            Kind::Stretch { name, initial } => self.declare_stretch(name, initial.as_ref(), guard),
            Kind::Nop(operands) => self.idle(operands),
            Kind::Pragma(text) => self.pragma(text, span),
            Kind::Delay { time, operands } => {
                let time = self.hoist(time, guard)?;
                self.delay(&time, operands, guard, span)
            }
            _ => Ok(()),
        }
    }

    /// Qubits of a barrier, ascending. Operands may name a qubit many times.
    fn barrier(&mut self, operands: &[Operand]) -> ReadResult<Vec<usize>> {
        if operands.is_empty() {
            return Ok((0..self.circuit.qubits()).collect());
        }
        let mut whole: HashSet<&str> = HashSet::new();
        let mut qubits = Vec::new();
        for operand in operands {
            if matches!(operand.index, Index::All) && !whole.insert(&operand.name.text) {
                continue;
            }
            qubits.extend(self.elements(operand, true)?);
        }
        qubits.sort_unstable();
        qubits.dedup();
        Ok(qubits)
    }

    pub fn measure(&mut self, from: &Operand, bits: &[usize], guard: &Guard, span: Span) -> ReadResult<()> {
        let qubits = self.elements(from, true)?;
        if qubits.len() != bits.len() {
            let fault = Fault::new(format!("{} qubits are measured into {} bits", qubits.len(), bits.len()));
            return Err(fault.hint("name as many bits as qubits").at(span));
        }
        for (&qubit, &bit) in qubits.iter().zip(bits) {
            self.emit(Op::of(OpKind::Measure { bit }, &[qubit]), guard, span)?;
        }
        Ok(())
    }

    fn delay(&mut self, time: &Expression, operands: &[Operand], guard: &Guard, span: Span) -> ReadResult<()> {
        let value = time.evaluate(self)?;
        let first = self.operations();
        // What depends on stretches gets its time when the text has ended.
        let (seconds, stretched) = match self.delay_time(value, time.span)? {
            DelayTime::Seconds(seconds) => (seconds, None),
            DelayTime::Stretched(stretched) => (0.0, Some(stretched)),
        };
        if operands.is_empty() {
            for qubit in 0..self.circuit.qubits() {
                self.emit(Op::of(OpKind::Delay(Seconds(seconds)), &[qubit]), guard, span)?;
            }
        }
        for operand in operands {
            for qubit in self.elements(operand, true)? {
                self.emit(Op::of(OpKind::Delay(Seconds(seconds)), &[qubit]), guard, span)?;
            }
        }
        if let Some(stretched) = stretched {
            let ops = first..self.operations();
            self.stretches.get_mut().timeline.delay(ops, stretched, span);
        }
        Ok(())
    }
}

/// An operand as what is handed to a subroutine.
fn as_expression(operand: &Operand) -> Expression {
    let name = operand.name.text.clone();
    let kind = match &operand.index {
        Index::All => ExpressionKind::Name(name),
        index => ExpressionKind::Element(name, Box::new(index.clone())),
    };
    Expression { kind, span: operand.span, height: 0 }
}
