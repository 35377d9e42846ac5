//! Variables: how they are declared, read and assigned to.

use std::cell::Cell;

use super::build::{Builder, Symbol};
use super::condition::Guard;
use super::contents::{Content, MACHINE, Read, Register, Variable, zero};
use super::error::{Fault, ReadResult, Span};
use super::expression::{Expression, ExpressionKind, Scope, Selection, binary_of};
use super::logic::Signal;
use super::scope::element;
use super::syntax::{DeclaredType, Index, Name, Operand, Source, Type};
use super::value::Value;
use super::words::{Word, WordKind};
use crate::circuit::{Op, OpKind};

impl Builder<'_> {
    /// What a classical name holds now; `None` for names of another kind.
    pub fn read(&self, name: &str, part: Selection) -> Result<Option<Read>, Fault> {
        match self.found(name).map(|(_, symbol)| symbol) {
            Some(Symbol::Bits(register)) => {
                let three = self.counts_from_end();
                self.spend(match part {
                    Selection::All => register.len() / 2,
                    Selection::One(_) => 0,
                    Selection::Many(many) | Selection::Path(many) => many.len() / 2,
                })?;
                let chosen: Vec<usize> = match part {
                    Selection::All => register.iter().collect(),
                    Selection::One(index) => vec![element(name, register, index, three)?],
                    Selection::Many(many) | Selection::Path(many) => {
                        if matches!(part, Selection::Path(_)) {
                            return Err(Fault::new(format!("{name} has one dimension")));
                        }
                        many.iter().map(|index| element(name, register, *index, three)).collect::<Result<_, _>>()?
                    }
                };
                let bits = chosen.iter().map(|bit| match self.known.get(bit) {
                    Some(value) => Signal::Known(*value),
                    None => Signal::of(*bit),
                });
                Ok(Some(Read::Word(Word { bits: bits.collect(), kind: WordKind::Register })))
            }
            Some(Symbol::Variable(variable)) => {
                if variable.unset.replace(false) {
                    let message = format!("{name} is read before it has a value; 0 was taken");
                    self.note_late(variable.span, message);
                }
                self.spend(variable.content.weight())?;
                part_of(name, &variable.content, (variable.kind, variable.width), part).map(Some)
            }
            Some(Symbol::Array(array)) => {
                let one;
                let path = match part {
                    Selection::Path(path) => path,
                    Selection::One(index) => {
                        one = [index];
                        &one[..]
                    }
                    _ => &[],
                };
                let run = array.run(name, path)?;
                if path.len() < array.sizes.len() {
                    let fault = Fault::new(format!("{name} is an array of {} dimensions", array.sizes.len()));
                    return Err(fault.hint("name one element of it"));
                }
                let bit = match path[array.sizes.len()..] {
                    [] => Selection::All,
                    [bit] => Selection::One(bit),
                    _ => return Err(Fault::new(format!("{name} has {} dimensions", array.sizes.len()))),
                };
                self.spend(array.items[run.start].weight())?;
                part_of(name, &array.items[run.start], (array.kind, array.width), bit).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// The same of an expression that is nothing but a name or a part of one.
    pub fn read_expression(&self, expression: &Expression) -> ReadResult<Option<Read>> {
        let located = |fault: Fault| fault.at(expression.span);
        match &expression.kind {
            ExpressionKind::Name(name) => self.read(name, Selection::All).map_err(located),
            ExpressionKind::Element(name, index) => {
                if !matches!(self.found(name), Some((_, Symbol::Bits(_) | Symbol::Variable(_) | Symbol::Array(_)))) {
                    return Ok(None);
                }
                index.select(self, name, expression.span, |part| self.read(name, part).map_err(located))
            }
            _ => Ok(None),
        }
    }

    /// Whether a value is known only when the circuit runs.
    pub fn depends(&self, expression: &Expression) -> bool {
        match &expression.kind {
            ExpressionKind::Value(_) | ExpressionKind::Long { .. } | ExpressionKind::DurationOf(_) => false,
            ExpressionKind::Name(_) | ExpressionKind::Element(..) => {
                let open = |word: &Word| word.bits.iter().any(|signal| signal.bit().is_some());
                let index = match &expression.kind {
                    ExpressionKind::Element(_, index) => index.expressions().iter().any(|part| self.depends(part)),
                    _ => false,
                };
                index || matches!(self.read_expression(expression), Ok(Some(Read::Word(word))) if open(&word))
            }
            ExpressionKind::Unary(_, inner) | ExpressionKind::Cast { inner, .. } => self.depends(inner),
            ExpressionKind::Part(inner, index) => {
                self.depends(inner) || index.expressions().iter().any(|part| self.depends(part))
            }
            ExpressionKind::Binary(_, left, right) => self.depends(left) || self.depends(right),
            ExpressionKind::Call(name, _) if name == "sizeof" => false,
            ExpressionKind::Call(_, arguments) => arguments.iter().any(|argument| self.depends(argument)),
        }
    }

    /// What an expression holds.
    pub fn content(&mut self, expression: &Expression) -> ReadResult<Content> {
        if self.depends(expression) {
            return self.word(expression).map(Content::of);
        }
        Ok(Content::Known(expression.evaluate(self)?))
    }

    /// The number of bits of a type as it is declared.
    pub fn type_width(&self, kind: Type, width: Option<&Expression>) -> ReadResult<Option<u32>> {
        match (kind, width) {
            (_, None) => Ok(None),
            // As wide as a register may be.
            (Type::Bit, width) => Ok(Some(self.register_size(width)? as u32)),
            (_, Some(width)) => width.width(self).map(Some),
        }
    }

    pub fn declare_variable(
        &mut self,
        declared: &DeclaredType,
        name: &Name,
        initial: Option<&Source>,
        guard: &Guard,
        span: Span,
    ) -> ReadResult<()> {
        let DeclaredType { kind, width, sizes } = declared;
        let width = self.type_width(*kind, width.as_ref())?;
        if !sizes.is_empty() {
            return self.declare_array((*kind, width), sizes, name, initial, guard, span);
        }
        let content = match initial {
            None => zero(*kind, width),
            Some(source) => self.incoming(source, (*kind, width), guard, span)?,
        };
        self.work(content.weight(), span)?;
        let unset = Cell::new(initial.is_none());
        let variable = Variable { kind: *kind, width, content, depth: guard.depth(), unset, span: name.span };
        self.declare(name, Symbol::Variable(Box::new(variable)))
    }

    /// What a source gives to something of a type.
    pub fn incoming(
        &mut self,
        source: &Source,
        (kind, width): (Type, Option<u32>),
        guard: &Guard,
        span: Span,
    ) -> ReadResult<Content> {
        let content = match source {
            Source::Expression(expression) => {
                let hoisted = self.hoist(expression, guard)?;
                let content = self.content(&hoisted)?;
                if let (Content::Word(word), None, Type::Int | Type::Uint) = (&content, width, kind) {
                    self.check_machine_width(&hoisted, word)?;
                }
                content
            }
            Source::Measure(from) => {
                let qubits = self.elements(from, true)?;
                let mut bits = Vec::with_capacity(qubits.len());
                for qubit in qubits {
                    let bit = self.fresh(span)?;
                    self.emit(Op::of(OpKind::Measure { bit }, &[qubit]), guard, span)?;
                    bits.push(Signal::of(bit));
                }
                Content::Word(Word { bits, kind: WordKind::Register })
            }
            Source::List(_, at) => {
                return Err(Fault::new("these are several values").hint("declare an array").at(*at));
            }
            Source::Joined(_, at) => {
                let fault = Fault::new("`++` joins arrays, and registers in an alias");
                return Err(fault.hint("declare an alias, as in let both = a ++ b;").at(*at));
            }
        };
        self.converted(content, (kind, width), span)
    }

    /// Refuses to cut what is wider than an integer without a width is where it depends on measurements. Sums and products
    /// of narrower ones wrap around as those of any such type do.
    fn check_machine_width(&self, expression: &Expression, result: &Word) -> ReadResult<()> {
        let size = |word: Word| word.signed().bits.len();
        // One more than signed integers have: an unsigned one may use it.
        if size(result.clone()) <= MACHINE as usize + 1 {
            return Ok(());
        }
        let mut open = vec![expression];
        while let Some(part) = open.pop() {
            let word = match &part.kind {
                ExpressionKind::Value(value) => Word::of(*value).ok(),
                ExpressionKind::Long { bits, .. } => Some(Word::of_long(bits)),
                ExpressionKind::Name(_) | ExpressionKind::Element(..) => match self.read_expression(part)? {
                    Some(Read::Word(word)) => Some(word),
                    Some(Read::Value(value)) => Word::of(value).ok(),
                    None => None,
                },
                ExpressionKind::Unary(_, inner) => {
                    open.push(inner);
                    continue;
                }
                ExpressionKind::Binary(_, left, right) => {
                    open.extend([&**left, &**right]);
                    continue;
                }
                // A cast states its width, a function counts bits.
                ExpressionKind::Cast { .. }
                | ExpressionKind::Part(..)
                | ExpressionKind::Call(..)
                | ExpressionKind::DurationOf(_) => None,
            };
            if word.map_or(0, size) > MACHINE as usize + 1 {
                let message = format!("an integer without a width has {MACHINE} bits where it depends on measurements");
                return Err(Fault::new(message)
                    .hint("declare it with as many bits as it needs, as in int[64]")
                    .at(part.span));
            }
        }
        Ok(())
    }

    /// As something of a type, as an assignment converts it. Bits of registers are copied.
    pub fn converted(
        &mut self,
        content: Content,
        (kind, width): (Type, Option<u32>),
        span: Span,
    ) -> ReadResult<Content> {
        match content {
            // A number with a point is no integer by accident: that takes a cast.
            Content::Known(value @ Value::Real(_)) if matches!(kind, Type::Int | Type::Uint | Type::Bit) => {
                value.integer().map_err(|fault| fault.at(span))?;
                Ok(Content::Known(value))
            }
            Content::Known(value) if kind == Type::Bit && width.unwrap_or(1) > 64 => {
                let word = Word::of(value).map_err(|fault| fault.at(span))?;
                Ok(Content::Word(Word { kind: WordKind::Register, ..word.extended(width.unwrap_or(1) as usize) }))
            }
            Content::Known(value) => value.cast(kind, width).map(Content::Known).map_err(|fault| fault.at(span)),
            Content::Word(word) => {
                let mut word = self.cast_word(word, kind, width, span)?;
                if width.is_none() && matches!(kind, Type::Int | Type::Uint) {
                    word = word.extended(MACHINE as usize);
                    word.bits.truncate(MACHINE as usize);
                }
                self.settle(&mut word.bits, span)?;
                Ok(Content::of(word))
            }
        }
    }

    /// `to = source`, `to += source`.
    pub fn assign_source(
        &mut self,
        to: &Operand,
        operator: Option<super::expression::Binary>,
        source: &Source,
        guard: &Guard,
        span: Span,
    ) -> ReadResult<()> {
        let name = &to.name.text;
        let combined;
        let source = match (operator, source) {
            (None, source) => source,
            (Some(operator), Source::Expression(value)) => {
                let whole = match &to.index {
                    Index::All => ExpressionKind::Name(name.clone()),
                    index => ExpressionKind::Element(name.clone(), Box::new(index.clone())),
                };
                let left = Expression { kind: whole, span: to.span, height: 0 };
                combined = Source::Expression(binary_of(operator, left, value.clone(), span));
                &combined
            }
            (Some(_), _) => return Err(Fault::new("this operator takes a value").at(span)),
        };
        let symbol = self.symbol(name).map_err(|fault| fault.at(to.name.span))?.1;
        match symbol {
            Symbol::Bits(_) => {
                let targets = self.elements(to, false)?;
                let content = self.incoming_bits(source, targets.len(), guard, span)?;
                let word = content.word().map_err(|fault| fault.at(span))?;
                self.assign_bits(&targets, &word.bits, guard, span)
            }
            Symbol::Variable(variable) => {
                let (kind, width, depth) = (variable.kind, variable.width, variable.depth);
                self.work(variable.content.weight(), span)?;
                let old = variable.content.clone();
                let new = match &to.index {
                    Index::All => self.incoming(source, (kind, width), guard, span)?,
                    index => {
                        let size = self.size(name, 0).map_err(|fault| fault.at(to.span))?;
                        let positions = self.positions(name, index, size, to.span)?;
                        let part = self.incoming_bits(source, positions.len(), guard, span)?;
                        self.with_bits(&old, (kind, width), &positions, &part, span)?
                    }
                };
                let merged = self.merged(name, old, new, depth, guard, span)?;
                if let Some(Symbol::Variable(variable)) = self.found_mut(name) {
                    variable.content = merged;
                    variable.unset.set(false);
                }
                Ok(())
            }
            Symbol::Array(array) => {
                let (element, sizes, depth) = ((array.kind, array.width), array.sizes.clone(), array.depth);
                self.assign_to_array(to, (element, &sizes, depth), source, guard, span)
            }
            Symbol::Value(_) | Symbol::Inputs(_) => {
                let fault = Fault::new(format!("{name} cannot change"));
                Err(fault.hint("declare a variable, without const or input").at(to.span))
            }
            Symbol::Qubits(_) => Err(Fault::new(format!("{name} is a qubit, not a number")).at(to.span)),
        }
    }

    pub fn incoming_bits(&mut self, source: &Source, count: usize, guard: &Guard, span: Span) -> ReadResult<Content> {
        let Ok(width @ 1..) = u32::try_from(count) else {
            return Err(Fault::new("nothing is assigned here: this range is empty").at(span));
        };
        self.incoming(source, (Type::Bit, Some(width)), guard, span)
    }

    /// The positions of an index among so many bits.
    pub fn positions(&self, name: &str, index: &Index, size: usize, span: Span) -> ReadResult<Vec<usize>> {
        let register = Register::Run(0..size);
        index.select(self, name, span, |part| {
            let one;
            let many = match part {
                Selection::One(index) => {
                    one = [index];
                    &one[..]
                }
                Selection::Many(many) => many,
                _ => return Err(Fault::new(format!("{name} has one dimension")).at(span)),
            };
            let found = many.iter().map(|index| element(name, &register, *index, true));
            found.collect::<Result<Vec<_>, _>>().map_err(|fault| fault.at(span))
        })
    }

    /// A value with some of its bits replaced.
    pub fn with_bits(
        &mut self,
        old: &Content,
        (kind, width): (Type, Option<u32>),
        positions: &[usize],
        part: &Content,
        span: Span,
    ) -> ReadResult<Content> {
        let located = |fault: Fault| fault.at(span);
        let size = width.unwrap_or(if matches!(kind, Type::Int | Type::Uint) { MACHINE } else { 1 }) as usize;
        let mut word = old.word().map_err(located)?.extended(size);
        word.bits.truncate(size);
        let mut bits = part.word().map_err(located)?.bits;
        bits.resize(positions.len(), Signal::Known(false));
        positions.iter().zip(bits).for_each(|(&at, bit)| word.bits[at] = bit);
        word.kind = WordKind::of(kind).ok_or_else(|| located(Fault::new("this type has no bits")))?;
        Ok(Content::of(word))
    }

    /// What a variable declared at a depth holds behind an assignment where the guard holds.
    pub fn merged(
        &mut self,
        name: &str,
        old: Content,
        new: Content,
        depth: usize,
        guard: &Guard,
        span: Span,
    ) -> ReadResult<Content> {
        if guard.depth() == depth {
            return Ok(new);
        }
        if let (Content::Known(old), Content::Known(new)) = (&old, &new)
            && old == new
        {
            return Ok(Content::Known(*new));
        }
        let word = |content: &Content| {
            content.word().map_err(|_| {
                let fault = Fault::new(format!("{name} changes in a branch that depends on measurements"));
                fault.hint("only bits, integers, truth values and angles with a width can").at(span)
            })
        };
        let (old, new) = (word(&old)?, word(&new)?);
        let size = match (&old.kind, &new.kind) {
            // Integers without a width, known so far.
            (WordKind::Signed, WordKind::Signed) => old.bits.len().max(new.bits.len()).max(MACHINE as usize),
            _ => old.bits.len().max(new.bits.len()),
        };
        let (old, new) = (old.extended(size), new.extended(size));
        let mut bits = Vec::with_capacity(size);
        let mut last: Option<(Signal, Signal, Signal)> = None;
        for (&new, &old) in new.bits.iter().zip(&old.bits) {
            // The bits of a sign are the same many times.
            let bit = match last {
                Some((n, o, bit)) if (n, o) == (new, old) => bit,
                _ => self.choose(guard, new, old, span)?,
            };
            last = Some((new, old, bit));
            bits.push(bit);
        }
        Ok(Content::of(Word { bits, kind: new.kind }))
    }
}

/// A whole number or some of its bits.
pub(super) fn part_of(
    name: &str,
    content: &Content,
    (kind, width): (Type, Option<u32>),
    part: Selection,
) -> Result<Read, Fault> {
    let one;
    let many = match part {
        Selection::All => return Ok(content.clone().into()),
        Selection::One(index) => {
            one = [index];
            &one[..]
        }
        Selection::Many(many) => many,
        Selection::Path(_) => return Err(Fault::new(format!("{name} has one dimension"))),
    };
    let Some(size) = bits_of(kind, width) else {
        return Err(Fault::new(format!("{name} is a number and has no elements")));
    };
    let word = content.word()?.extended(size);
    let register = Register::Run(0..size);
    let mut bits = Vec::with_capacity(many.len());
    for index in many {
        bits.push(word.bits[element(name, &register, *index, true)?]);
    }
    Ok(Content::of(Word { bits, kind: WordKind::Register }).into())
}

/// Number of bits of a type that has some.
pub(super) fn bits_of(kind: Type, width: Option<u32>) -> Option<usize> {
    match kind {
        Type::Int | Type::Uint => Some(width.unwrap_or(MACHINE) as usize),
        Type::Bit | Type::Bool => Some(width.unwrap_or(1) as usize),
        Type::Angle => width.map(|width| width as usize),
        Type::Float | Type::Complex | Type::Duration => None,
    }
}
