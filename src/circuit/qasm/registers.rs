//! Registers, inputs, aliases, and what a text has in the end.

use std::collections::HashSet;

use super::build::{Builder, Symbol};
use super::condition::Guard;
use super::contents::{Content, Register};
use super::cursor::{Parser, Version};
use super::error::{Fault, ReadResult, Span};
use super::expression::{Expression, Scope};
use super::logic::{SCRATCH, Signal};
use super::read::OutcomeRegister;
use super::scratch;
use super::syntax::{DeclaredType, Name, Operand, Source, Type};
use super::token::Token;
use super::value::Value;
use super::variables::bits_of;
use super::words::Word;
use crate::circuit::{Circuit, Op, OpKind};
use crate::math::words::join_and;

/// What a text says.
pub struct Finished {
    pub circuit: Circuit,
    /// What its outcome consists of.
    pub registers: Vec<OutcomeRegister>,
    /// What is to be noticed, and where.
    pub notices: Vec<(Span, String)>,
}

impl Builder<'_> {
    /// A register of bits; within blocks and subroutines a variable.
    pub fn bits(
        &mut self,
        name: &Name,
        size: Option<&Expression>,
        initial: Option<&Source>,
        output: bool,
        guard: &Guard,
        span: Span,
    ) -> ReadResult<()> {
        if self.scopes.len() > 1 {
            let declared = DeclaredType { kind: Type::Bit, width: size.cloned(), sizes: Vec::new() };
            return self.declare_variable(&declared, name, initial, guard, span);
        }
        let range = self.grow(self.circuit.bits(), self.register_size(size)?, "classical bits", span)?;
        self.circuit.widen(0, range.end);
        self.registers.push((OutcomeRegister { name: name.text.clone(), bits: range.clone() }, output));
        let targets: Vec<usize> = range.clone().collect();
        match initial {
            Some(Source::Measure(from)) => {
                self.declare(name, Symbol::Bits(Register::Run(range)))?;
                self.measure(from, &targets, guard, span)
            }
            Some(source) => {
                let content = self.incoming(source, (Type::Bit, Some(targets.len() as u32)), guard, span)?;
                self.declare(name, Symbol::Bits(Register::Run(range)))?;
                let word = match content {
                    Content::Known(value) => Word::of(value).map_err(|fault| fault.at(span))?,
                    Content::Word(word) => word,
                };
                if guard.is_always() && word.bits.iter().all(|bit| bit.bit().is_none()) {
                    // They hold 0 already.
                    self.known.extend(targets.iter().map(|&target| (target, false)));
                }
                let open: Vec<(usize, Signal)> =
                    targets.into_iter().zip(word.bits).filter(|(_, bit)| *bit != Signal::Known(false)).collect();
                let (targets, bits): (Vec<usize>, Vec<Signal>) = open.into_iter().unzip();
                self.assign_bits(&targets, &bits, guard, span)
            }
            None => self.declare(name, Symbol::Bits(Register::Run(range))),
        }
    }

    pub fn input(
        &mut self,
        kind: Type,
        width: Option<&Expression>,
        name: &Name,
        size: Option<&Expression>,
        span: Span,
    ) -> ReadResult<()> {
        let width = self.type_width(kind, width)?;
        self.inputs.push(name.text.clone());
        if let Some((_, given)) = self.options.inputs.iter().find(|(given, _)| *given == name.text) {
            if size.is_some() {
                return Err(Fault::new(format!("{} is an array and is given one value", name.text)).at(span));
            }
            let value = input_value(given, kind, self).ok_or_else(|| {
                let fault = Fault::new(format!("the input {} of type {} is given {given:?}", name.text, kind.name()));
                fault.hint("write a number, true, false, bits as in 0110, a time as in 5ns").at(name.span)
            })?;
            if let (Value::Integer(number), Some(width)) = (value, width) {
                let (low, high) = match kind {
                    Type::Int => (-1i128 << (width - 1), 1i128 << (width - 1)),
                    _ => (0, 1i128 << width),
                };
                if !(low..high).contains(&number) {
                    let declared = format!("{}[{width}]", kind.name());
                    let fault = Fault::new(format!("the input {} of type {declared} is given {number}", name.text));
                    return Err(fault.hint(format!("use {low} to {}", high - 1)).at(name.span));
                }
            }
            let value = value.cast(kind, width).map_err(|fault| fault.at(name.span))?;
            return self.declare(name, Symbol::Value(value));
        }
        if !matches!(kind, Type::Float | Type::Angle) {
            let fault = Fault::new(format!("the input {} of type {} has no value", name.text, kind.name()));
            return Err(fault
                .hint(format!("give it one, as in --input {}=1, or in ReadOptions::inputs", name.text))
                .at(span));
        }
        match size {
            None => {
                let slot = self.circuit.slot(name.text.clone());
                self.declare(name, Symbol::Value(Value::Angle(slot)))
            }
            size => {
                let slots = self.grow(self.circuit.slots(), self.register_size(size)?, "inputs", span)?;
                (0..slots.len()).for_each(|k| _ = self.circuit.slot(format!("{}[{k}]", name.text)));
                self.declare(name, Symbol::Inputs(slots))
            }
        }
    }

    /// `let a = q[0:2] ++ r;`
    pub fn alias(&mut self, name: &Name, parts: &[Operand]) -> ReadResult<()> {
        let first = &parts[0];
        let symbol = if first.name.text.starts_with('$') {
            None
        } else {
            Some(self.symbol(&first.name.text).map_err(|fault| fault.at(first.span))?.1)
        };
        let quantum = match symbol {
            None | Some(Symbol::Qubits(_)) => true,
            Some(Symbol::Bits(_)) => false,
            Some(_) => {
                let fault = Fault::new(format!("{} is no register", first.name.text));
                return Err(fault
                    .hint("an alias stands for qubits, or for bits declared outside of blocks")
                    .at(first.span));
            }
        };
        let mut all = Vec::new();
        for part in parts {
            all.extend(self.elements(part, quantum)?);
            if all.len() > 2 * self.options.max_register {
                return Err(Fault::new("this alias is longer than any register").at(part.span));
            }
        }
        let list = Register::List(all.into());
        let symbol = if quantum { Symbol::Qubits(list) } else { Symbol::Bits(list) };
        // An alias may be given anew.
        let scope = self.scopes.last_mut().expect("the global scope is never left");
        match scope.get(&name.text) {
            None => _ = scope.insert(name.text.clone(), symbol),
            Some(_) => return Err(Fault::new(format!("{} is declared twice", name.text)).at(name.span)),
        }
        Ok(())
    }

    /// Refuses values for inputs and functions for externs that the text does not declare, and two values for one input.
    fn check_given(&self) -> Result<(), Fault> {
        if let Some(name) = self.bindings.keys().min() {
            let fault =
                Fault::new(format!("a function is given for {name}, which the text does not declare as extern"));
            return Err(fault.hint("leave it out, or check its name"));
        }
        let mut seen = HashSet::new();
        for (name, _) in &self.options.inputs {
            if !seen.insert(name) {
                return Err(Fault::new(format!("the input {name} is given two values")).hint("give it one"));
            }
            if !self.inputs.contains(name) {
                let fault =
                    Fault::new(format!("a value is given for {name}, which the text does not declare as input"));
                return Err(match &self.inputs[..] {
                    [] => fault.hint("it declares no input"),
                    declared => fault.hint(format!("it declares {}", join_and(declared))),
                });
            }
        }
        Ok(())
    }

    /// What the text says.
    pub fn finish(mut self) -> ReadResult<Finished> {
        self.check_given().map_err(|fault| fault.at(Span::default()))?;
        self.resolve_stretches()?;
        let declared = self.circuit.bits();
        let outputs = std::mem::take(&mut self.outputs);
        // With an output declared, everything else is none.
        let some = !outputs.is_empty() || self.registers.iter().any(|(_, output)| *output);
        let mut order: Vec<usize> = Vec::new();
        let mut registers: Vec<OutcomeRegister> = Vec::new();
        for (register, output) in &self.registers {
            if *output || !some {
                let start = order.len();
                order.extend(register.bits.clone());
                registers.push(OutcomeRegister { name: register.name.clone(), bits: start..order.len() });
            }
        }
        let mut width = declared;
        for name in outputs {
            let Some(Symbol::Variable(variable)) = self.scopes[0].get(&name.text) else { continue };
            let (kind, content) = (variable.kind, variable.content.clone());
            let size = bits_of(kind, variable.width);
            let word = match (content, size) {
                (Content::Word(word), _) => word,
                (Content::Known(value), Some(size)) => {
                    Word::of(value).map_err(|fault| fault.at(name.span))?.extended(size)
                }
                (Content::Known(value), None) => {
                    let message = format!("the output {} is {value} in every run; outcomes hold bits", name.text);
                    self.notices.push((name.span, message));
                    continue;
                }
            };
            let size = word.bits.len().min(size.unwrap_or(word.bits.len()));
            let run = self.grow(width, size, "classical bits", name.span)?;
            width = run.end;
            let message = format!("the output {} is bits {} to {}", name.text, order.len(), order.len() + size - 1);
            self.notices.push((name.span, message));
            registers.push(OutcomeRegister { name: name.text.clone(), bits: order.len()..order.len() + size });
            order.extend(run.clone());
            let targets: Vec<usize> = run.collect();
            for (&target, &signal) in targets.iter().zip(&word.bits) {
                // They have never held anything but 0.
                if signal != Signal::Known(false) {
                    self.emit(Op::of(OpKind::Assign { bit: target, value: true }, &[]), &Guard::on(signal), name.span)?;
                }
            }
        }
        // A circuit that computes has an outcome, if only a bit that is always 0.
        if order.is_empty() && self.scratch.count + width > 0 {
            order.push(width);
            width += 1;
        }
        // Below operations that are no assignments stay as they are: those before a directive are counted.
        let counted = self.directives.counted(self.circuit.ops());
        let plain = width == declared && order.len() == declared && self.scratch.count == 0;
        if !plain {
            let mut number = vec![usize::MAX; width];
            order.iter().enumerate().for_each(|(at, &bit)| number[bit] = at);
            let mut next = order.len();
            for at in number.iter_mut().filter(|at| **at == usize::MAX) {
                *at = next;
                next += 1;
            }
            let outcome = order.len();
            let numbered = |bit: usize| match bit.checked_sub(SCRATCH) {
                Some(scratch) => next + scratch,
                None => number[bit],
            };
            let scratch = scratch::share(&mut self.circuit, outcome, next, numbered);
            if scratch > self.options.max_register {
                let most = self.options.max_register;
                let fault =
                    Fault::new(format!("what is computed of measurements takes more than {most} bits at a time"));
                return Err(fault.hint("use smaller integers, or compute less of them").at(Span::default()));
            }
        }
        counted.place(&mut self.circuit);
        self.circuit.number_derived(&self.derived.take().into_list());
        let notices = self.take_notices();
        Ok(Finished { circuit: self.circuit, registers, notices })
    }
}

/// A value that comes with the run, as a text.
fn input_value(given: &str, kind: Type, scope: &dyn Scope) -> Option<Value> {
    let given = given.trim();
    match kind {
        Type::Bool => match given {
            "true" | "1" => Some(Value::Boolean(true)),
            "false" | "0" => Some(Value::Boolean(false)),
            _ => None,
        },
        Type::Bit => {
            let width = u32::try_from(given.len()).ok().filter(|width| (1..=64).contains(width))?;
            u64::from_str_radix(given, 2).ok().map(|value| Value::bits(value, width))
        }
        Type::Int | Type::Uint => given.parse().ok().map(Value::Integer),
        Type::Float | Type::Angle => given.parse().ok().filter(|value: &f64| value.is_finite()).map(Value::Real),
        // As the text itself would write it: `1 - 2im`, `5ns`.
        Type::Complex | Type::Duration => {
            let mut parser = Parser::new(given, 0, Version::Three);
            let value = parser.expression().ok().filter(|_| parser.peek() == Token::End)?;
            value.evaluate(scope).ok()
        }
    }
}
