//! Loops. One that measurements end is written out.

use std::collections::HashMap;

use super::build::{Builder, Symbol};
use super::condition::Guard;
use super::contents::{Content, Variable};
use super::error::{Fault, ReadResult, Span};
use super::expression::Expression;
use super::flow::{Flow, Frame};
use super::logic::Signal;
use super::syntax::{ForRange, Statement, Type};
use super::variables::bits_of;
use super::words::{Word, WordKind};
use crate::circuit::{Op, OpKind};

/// Rounds of a loop that measurements end.
const ROUNDS: usize = 64;
/// After this many operations such a loop has fewer rounds.
const LONG_LOOP: usize = 100_000;
const ROUNDS_OF_LONG_LOOP: usize = 16;

impl Builder<'_> {
    pub fn repeat(
        &mut self,
        condition: &Expression,
        body: &[Statement],
        guard: &Guard,
        span: Span,
    ) -> ReadResult<Flow> {
        let frame = self.frames.len();
        self.frames.push(Frame { is_loop: true, depth: guard.depth() });
        let done = self.rounds(condition, body, guard, span);
        self.frames.pop();
        self.forget(frame, false);
        done
    }

    fn rounds(&mut self, condition: &Expression, body: &[Statement], guard: &Guard, span: Span) -> ReadResult<Flow> {
        let (frame, known) = (self.frames.len() - 1, self.interrupts.len());
        let (mut rounds, start) = (0, self.operations());
        let mut active: Option<usize> = None;
        let mut within = guard.clone();
        loop {
            self.work(1, span)?;
            let here = self.without_interrupts(&within, known, span)?;
            let condition = self.hoist(condition, &here)?;
            let depends = self.depends(&condition);
            if depends || here.depth() > within.depth() {
                rounds += 1;
                let long = self.operations() - start > LONG_LOOP && rounds > ROUNDS_OF_LONG_LOOP;
                if rounds > ROUNDS || long {
                    let message = format!(
                        "a loop that measurements end is written out for {} rounds; runs that are still in it then go on \
                         behind it",
                        rounds - 1
                    );
                    self.note_late(span, message);
                    return Ok(Flow::Next);
                }
            }
            if !depends {
                if !condition.evaluate(self)?.truth().map_err(|fault| fault.at(condition.span))? {
                    return Ok(Flow::Next);
                }
            } else {
                match self.truth_of(&condition)? {
                    Signal::Known(false) => return Ok(Flow::Next),
                    Signal::Known(true) => {}
                    signal => match active {
                        None => {
                            let inner = self.narrow(&here, &Guard::on(signal), span)?;
                            let bit = self.freeze(&inner, span)?;
                            active = Some(bit);
                            within = Guard::on(Signal::of(bit)).at_depth(guard.depth() + 1);
                        }
                        Some(bit) => {
                            let off = self.narrow(&within, &Guard::on(!signal), span)?;
                            self.emit(Op::of(OpKind::Assign { bit, value: false }, &[]), &off, span)?;
                        }
                    },
                }
            }
            let here = self.without_interrupts(&within, known, span)?;
            if here.is_never() {
                return Ok(Flow::Next);
            }
            self.frames[frame].depth = here.depth();
            let flow = self.scoped(HashMap::new(), |builder| builder.all(body, &here))?;
            self.forget(frame, true);
            match flow {
                Flow::Next | Flow::Continue => {}
                Flow::Break => return Ok(Flow::Next),
                // All runs of this guard leave, but others may have left the loop before.
                flow if here.depth() == guard.depth() => return Ok(flow),
                flow => {
                    self.leave(flow, &here, span)?;
                    return Ok(Flow::Next);
                }
            }
        }
    }

    pub fn for_each(
        &mut self,
        name: &str,
        kind: Option<(Type, Option<u32>)>,
        range: &ForRange,
        body: &[Statement],
        guard: &Guard,
        span: Span,
    ) -> ReadResult<Flow> {
        let frame = self.frames.len();
        let known = self.interrupts.len();
        self.frames.push(Frame { is_loop: true, depth: guard.depth() });
        let mut left = Flow::Next;
        let mut done = Ok(());
        match self.contents(range, span) {
            Err(error) => done = Err(error),
            Ok(contents) => {
                for content in contents {
                    match self.round(name, kind, content, body, guard, (frame, known), span) {
                        Ok(Flow::Next | Flow::Continue) => {}
                        Ok(Flow::Break) => break,
                        Ok(flow) => {
                            left = flow;
                            break;
                        }
                        Err(error) => {
                            done = Err(error);
                            break;
                        }
                    }
                }
            }
        }
        self.frames.pop();
        self.forget(frame, false);
        done.map(|()| left)
    }

    #[allow(clippy::too_many_arguments, reason = "one round of one loop")]
    fn round(
        &mut self,
        name: &str,
        kind: Option<(Type, Option<u32>)>,
        content: Content,
        body: &[Statement],
        guard: &Guard,
        (frame, known): (usize, usize),
        span: Span,
    ) -> ReadResult<Flow> {
        self.work(1, span)?;
        let here = self.without_interrupts(guard, known, span)?;
        self.frames[frame].depth = here.depth();
        let content = match kind {
            Some(kind) => self.converted(content, kind, span)?,
            None => content,
        };
        let symbol = match content {
            Content::Known(value) => Symbol::Value(value),
            Content::Word(word) => {
                let (kind, width) = kind.unwrap_or((Type::Bit, Some(word.bits.len() as u32)));
                let unset = std::cell::Cell::new(false);
                let content = Content::Word(word);
                Symbol::Variable(Box::new(Variable { kind, width, content, depth: here.depth(), unset, span }))
            }
        };
        let flow = self.scoped(HashMap::from([(name.to_string(), symbol)]), |builder| builder.all(body, &here))?;
        self.forget(frame, true);
        match flow {
            Flow::Return | Flow::End if here.depth() > guard.depth() => {
                self.leave(flow, &here, span)?;
                Ok(Flow::Break)
            }
            flow => Ok(flow),
        }
    }

    /// What the variable of a loop holds, round by round.
    fn contents(&mut self, range: &ForRange, span: Span) -> ReadResult<Box<dyn Iterator<Item = Content>>> {
        let ForRange::Elements(operand) = range else {
            return Ok(Box::new(self.range_values(range, span)?.map(Content::Known)));
        };
        let name = &operand.name.text;
        let symbol = self.symbol(name).map_err(|fault| fault.at(operand.span))?.1;
        let of_bits = |bits: Vec<Signal>| -> Vec<Content> {
            bits.into_iter().map(|bit| Content::of(Word { bits: vec![bit], kind: WordKind::Register })).collect()
        };
        let whole = matches!(operand.index, super::syntax::Index::All);
        let contents = match symbol {
            Symbol::Array(array) if whole && array.sizes.len() == 1 => {
                self.count_copy(&array.items, span)?;
                array.items.clone()
            }
            Symbol::Bits(_) => {
                let found = self.elements(operand, false)?;
                let known = |bit: &usize| self.known.get(bit).map_or(Signal::of(*bit), |value| Signal::Known(*value));
                let mut bits: Vec<Signal> = found.iter().map(known).collect();
                self.settle(&mut bits, span)?;
                of_bits(bits)
            }
            Symbol::Variable(variable) if whole && variable.kind == Type::Bit => {
                let size = bits_of(variable.kind, variable.width).unwrap_or(1);
                match &variable.content {
                    Content::Word(word) => of_bits(word.bits.clone()),
                    Content::Known(value) => {
                        let word = Word::of(*value).map_err(|fault| fault.at(span))?;
                        of_bits(word.extended(size).bits)
                    }
                }
            }
            _ => {
                let fault = Fault::new(format!("{name} has no elements to go through"));
                return Err(fault
                    .hint("name a range like [0:3], a set like {0, 2}, an array or bits")
                    .at(operand.span));
            }
        };
        self.work(contents.len(), span)?;
        Ok(Box::new(contents.into_iter()))
    }
}
