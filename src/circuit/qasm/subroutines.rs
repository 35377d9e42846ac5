//! Subroutines, written out where they are called.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::build::{Builder, Symbol};
use super::condition::Guard;
use super::contents::{Register, Variable, zero};
use super::error::{Fault, ReadResult, Span};
use super::expression::{Expression, ExpressionKind};
use super::flow::{Flow, Frame};
use super::syntax::{
    Binding, Extern, Index, Name, Operand, Parameter, ParameterKind, Source, Statement, StatementKind, Subroutine,
};

/// Calls within each other at most.
const CALLS: usize = 24;
/// Levels of expressions around a call at most, those around the calls that led to it included: far below the stack.
const LEVELS: usize = 500;
/// What a subroutine returns, in its scope: no name of a text.
const RETURNED: &str = "return value";

impl Builder<'_> {
    pub fn define_subroutine(&mut self, subroutine: &Rc<Subroutine>) -> ReadResult<()> {
        let name = &subroutine.name;
        let known = self.gates.contains_key(&name.text) || self.externs.contains_key(&name.text);
        if known || self.subroutines.insert(name.text.clone(), Rc::clone(subroutine)).is_some() {
            return Err(Fault::new(format!("{} is declared twice", name.text)).at(name.span));
        }
        let mut seen = HashSet::new();
        for param in &subroutine.params {
            if !seen.insert(&param.name.text) {
                let fault = Fault::new(format!("{} names two things of this subroutine", param.name.text));
                return Err(fault.at(param.name.span));
            }
        }
        Ok(())
    }

    /// The expression with what its subroutines return in their place.
    pub fn hoist<'e>(&mut self, expression: &'e Expression, guard: &Guard) -> ReadResult<Cow<'e, Expression>> {
        let any = self.options.times.is_some() || !(self.subroutines.is_empty() && self.externs.is_empty());
        if !any || !self.calls(expression)? {
            return Ok(Cow::Borrowed(expression));
        }
        let mut changed = expression.clone();
        self.replace_calls(&mut changed, guard)?;
        Ok(Cow::Owned(changed))
    }

    /// The expression with times in place of `durationof`, where it calls no subroutine.
    pub fn timed<'e>(&mut self, expression: &'e Expression, guard: &Guard) -> ReadResult<Cow<'e, Expression>> {
        if self.options.times.is_some() { self.hoist(expression, guard) } else { Ok(Cow::Borrowed(expression)) }
    }

    fn calls(&self, expression: &Expression) -> ReadResult<bool> {
        self.work(1, expression.span)?;
        let any = |parts: &[&Expression]| -> ReadResult<bool> {
            for part in parts {
                if self.calls(part)? {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        match &expression.kind {
            ExpressionKind::Value(_) | ExpressionKind::Long { .. } | ExpressionKind::Name(_) => Ok(false),
            ExpressionKind::DurationOf(_) => Ok(true),
            ExpressionKind::Element(_, index) => any(&index.expressions()),
            ExpressionKind::Part(inner, index) => Ok(self.calls(inner)? || any(&index.expressions())?),
            ExpressionKind::Unary(_, inner) | ExpressionKind::Cast { inner, .. } => any(&[inner]),
            ExpressionKind::Binary(_, left, right) => any(&[left, right]),
            ExpressionKind::Call(name, arguments) => {
                if self.externs.contains_key(name) || self.subroutines.contains_key(name) {
                    return Ok(true);
                }
                any(&arguments.iter().collect::<Vec<_>>())
            }
        }
    }

    fn replace_calls(&mut self, expression: &mut Expression, guard: &Guard) -> ReadResult<()> {
        if self.levels >= LEVELS {
            let fault = Fault::new(format!("calls within more than {LEVELS} levels of expressions"));
            return Err(fault.hint("give what is called to a variable first").at(expression.span));
        }
        self.levels += 1;
        let done = self.replace_calls_in(expression, guard);
        self.levels -= 1;
        done
    }

    fn replace_calls_in(&mut self, expression: &mut Expression, guard: &Guard) -> ReadResult<()> {
        let span = expression.span;
        match &mut expression.kind {
            ExpressionKind::Value(_) | ExpressionKind::Long { .. } | ExpressionKind::Name(_) => Ok(()),
            ExpressionKind::DurationOf(body) => {
                let body = Rc::clone(body);
                expression.kind = ExpressionKind::Value(self.duration_of(&body, span)?);
                Ok(())
            }
            ExpressionKind::Part(inner, index) => {
                self.replace_calls(inner, guard)?;
                match &mut **index {
                    Index::One(one) => self.replace_calls(one, guard),
                    _ => Ok(()),
                }
            }
            ExpressionKind::Element(_, index) => match &mut **index {
                Index::One(one) => self.replace_calls(one, guard),
                Index::Path(path) => path.iter_mut().try_for_each(|index| match index {
                    Index::One(one) => self.replace_calls(one, guard),
                    _ => Ok(()),
                }),
                _ => Ok(()),
            },
            ExpressionKind::Unary(_, inner) | ExpressionKind::Cast { inner, .. } => self.replace_calls(inner, guard),
            ExpressionKind::Binary(_, left, right) => {
                self.replace_calls(left, guard)?;
                self.replace_calls(right, guard)
            }
            ExpressionKind::Call(name, arguments) => {
                self.refuse_extern(name, span)?;
                let Some(subroutine) = self.subroutines.get(name).cloned() else {
                    return arguments.iter_mut().try_for_each(|argument| self.replace_calls(argument, guard));
                };
                let Some(returned) = self.invoke(&subroutine, arguments, guard, span)? else {
                    return Err(Fault::new(format!("{} returns nothing", subroutine.name.text)).at(span));
                };
                let temporary = format!("value {}", self.hoisted.len());
                self.scopes.last_mut().expect("the global scope is never left").insert(temporary.clone(), returned);
                self.hoisted.push(temporary.clone());
                expression.kind = ExpressionKind::Name(temporary);
                Ok(())
            }
        }
    }

    /// An extern; with what the caller gives it to compute a subroutine.
    pub fn define_extern(&mut self, function: &Rc<Extern>) -> ReadResult<()> {
        let name = &function.name;
        let known = self.gates.contains_key(&name.text) || self.subroutines.contains_key(&name.text);
        if known || self.externs.contains_key(&name.text) {
            return Err(Fault::new(format!("{} is declared twice", name.text)).at(name.span));
        }
        let Some(Binding { name: given, params, value }) = self.bindings.remove(&name.text) else {
            self.externs.insert(name.text.clone(), Rc::clone(function));
            return Ok(());
        };
        if params.len() != function.params.len() {
            let (wanted, given_count) = (function.params.len(), params.len());
            let message = format!("{} is declared with {wanted} arguments, here it has {given_count}", name.text);
            return Err(Fault::new(message).at(given.span));
        }
        if function.returns.is_none() {
            let fault = Fault::new(format!("{} is declared to return nothing", name.text));
            return Err(fault.hint("it needs no function: its calls are left out").at(given.span));
        }
        let kinds = function.params.iter().cloned();
        let params = params.into_iter().zip(kinds).map(|(name, kind)| Parameter { name, kind }).collect();
        let span = value.span;
        let body = vec![Statement { kind: StatementKind::Return(Some(Source::Expression(value))), span }];
        let returns = function.returns.clone();
        self.define_subroutine(&Rc::new(Subroutine { name: name.clone(), params, returns, body }))
    }

    /// Whether a call is one of an extern that changes nothing here: it returns nothing and gets copies.
    pub fn skips_extern(&self, name: &str, span: Span) -> ReadResult<bool> {
        let Some(function) = self.externs.get(name) else { return Ok(false) };
        let changes =
            |kind: &ParameterKind| matches!(kind, ParameterKind::Qubits(_) | ParameterKind::Array { mutable: true });
        if function.returns.is_some() || function.params.iter().any(changes) {
            self.refuse_extern(name, span)?;
        }
        self.note_late(function.name.span, format!("{name} is extern and returns nothing: its calls are left out"));
        Ok(true)
    }

    fn refuse_extern(&self, name: &str, span: Span) -> ReadResult<()> {
        if !self.externs.contains_key(name) {
            return Ok(());
        }
        let fault = Fault::new(format!("{name} is extern: the text does not say what it computes"));
        let hint = format!(
            "give it a function, as in --extern \"{name}(a)=popcount(a)>1\", or write it as a subroutine with def"
        );
        Err(fault.hint(hint).at(span))
    }

    /// A subroutine in place of its call.
    pub fn invoke(
        &mut self,
        subroutine: &Rc<Subroutine>,
        arguments: &[Expression],
        guard: &Guard,
        span: Span,
    ) -> ReadResult<Option<Symbol>> {
        let name = &subroutine.name.text;
        self.work(1 + arguments.len(), span)?;
        if arguments.len() != subroutine.params.len() {
            let (wanted, given) = (subroutine.params.len(), arguments.len());
            return Err(Fault::new(format!("{name} takes {wanted} arguments, {given} are given")).at(span));
        }
        if self.frames.iter().filter(|frame| !frame.is_loop).count() >= CALLS {
            let fault = Fault::new(format!("subroutines call each other more than {CALLS} levels deep"));
            return Err(fault.hint("write a loop instead of a recursion").at(span));
        }
        let mut scope = HashMap::new();
        let mut returned_arrays = Vec::new();
        for (param, argument) in subroutine.params.iter().zip(arguments) {
            let symbol = self.argument(param, argument, guard)?;
            if let (ParameterKind::Array { mutable: true }, ExpressionKind::Name(outer)) = (&param.kind, &argument.kind)
            {
                returned_arrays.push((param.name.text.clone(), outer.clone()));
            }
            scope.insert(param.name.text.clone(), symbol);
        }
        if let Some((kind, width)) = &subroutine.returns {
            let width = self.type_width(*kind, width.as_ref())?;
            let unset = Cell::new(true);
            let variable =
                Variable { kind: *kind, width, content: zero(*kind, width), depth: guard.depth(), unset, span };
            scope.insert(RETURNED.into(), Symbol::Variable(Box::new(variable)));
        }
        let frame = self.frames.len();
        self.frames.push(Frame { is_loop: false, depth: guard.depth() });
        let base = std::mem::replace(&mut self.base, self.scopes.len());
        self.scopes.push(scope);
        let done = self.all(&subroutine.body, guard);
        let scope = self.scopes.pop().unwrap_or_default();
        self.base = base;
        self.frames.pop();
        self.forget(frame, false);
        if done? == Flow::End {
            return Err(Fault::new(format!("{name} ends the whole program")).hint("write end outside of def").at(span));
        }
        for (inner, outer) in returned_arrays {
            if let (Some(Symbol::Array(new)), Some(Symbol::Array(old))) = (scope.get(&inner), self.found_mut(&outer)) {
                old.items.clone_from(&new.items);
            }
        }
        let mut scope = scope;
        match scope.remove(RETURNED) {
            Some(Symbol::Variable(variable)) if variable.unset.get() => {
                Err(Fault::new(format!("{name} ends without a return")).hint("add a return at its end").at(span))
            }
            returned => Ok(returned),
        }
    }

    fn argument(&mut self, param: &Parameter, argument: &Expression, guard: &Guard) -> ReadResult<Symbol> {
        let span = argument.span;
        match &param.kind {
            ParameterKind::Qubits(size) => {
                let (name, index) = match &argument.kind {
                    ExpressionKind::Name(name) => (name, Index::All),
                    ExpressionKind::Element(name, index) => (name, (**index).clone()),
                    _ => return Err(Fault::new("this is not a qubit").at(span)),
                };
                let operand = Operand { name: Name { text: name.clone(), span }, index, span };
                let qubits = self.elements(&operand, true)?;
                let wanted = match size {
                    Some(size) => size.integer(self)?,
                    None => 1,
                };
                if qubits.len() as i128 != wanted {
                    let fault =
                        Fault::new(format!("{} takes {wanted} qubits, {} are given", param.name.text, qubits.len()));
                    return Err(fault.at(span));
                }
                Ok(Symbol::Qubits(Register::List(qubits.into())))
            }
            ParameterKind::Scalar { kind, width } => {
                let width = self.type_width(*kind, width.as_ref())?;
                let source = Source::Expression(argument.clone());
                let content = self.incoming(&source, (*kind, width), guard, span)?;
                let unset = Cell::new(false);
                let variable = Variable { kind: *kind, width, content, depth: guard.depth(), unset, span };
                Ok(Symbol::Variable(Box::new(variable)))
            }
            ParameterKind::Array { mutable } => {
                let ExpressionKind::Name(name) = &argument.kind else {
                    return Err(Fault::new("an array is handed over by its name").at(span));
                };
                let Some((_, Symbol::Array(array))) = self.found(name) else {
                    return Err(Fault::new(format!("{name} is no array")).at(span));
                };
                // It is copied into the subroutine, and back if it may change there.
                self.count_copy(&array.items, span)?;
                self.count_copy(&array.items, span)?;
                let mut array = array.clone();
                if *mutable && array.depth != guard.depth() {
                    let fault = Fault::new(format!("{name} may change in a branch that depends on measurements"));
                    return Err(fault.hint("assign its elements in the branch itself").at(span));
                }
                array.depth = guard.depth();
                Ok(Symbol::Array(array))
            }
        }
    }

    /// `return value;`
    pub fn give_back(&mut self, source: Option<&Source>, guard: &Guard, span: Span) -> ReadResult<Flow> {
        if self.frames.iter().all(|frame| frame.is_loop) {
            return Err(Fault::new("return is outside of any subroutine").at(span));
        }
        let Some(source) = source else { return self.leave(Flow::Return, guard, span) };
        if !matches!(self.found(RETURNED), Some((_, Symbol::Variable(_)))) {
            let fault = Fault::new("this subroutine declares no type of what it returns");
            return Err(fault.hint("write def name(...) -> type { ... }").at(span));
        }
        let to = Operand { name: Name { text: RETURNED.into(), span }, index: Index::All, span };
        self.assign_source(&to, None, source, guard, span)?;
        self.leave(Flow::Return, guard, span)
    }
}
