//! Arrays: their declaration, their parts and assignments to them.

use std::ops::Range as Indices;

use super::build::{Builder, Symbol};
use super::condition::Guard;
use super::contents::{Array, Content, MACHINE, Register, zero};
use super::error::{Fault, ReadResult, Span};
use super::expression::{Expression, ExpressionKind};
use super::scope::element;
use super::syntax::{Index, Name, Operand, Source, Type};

/// Elements of an array at most.
const ARRAY: usize = 1_000_000;

impl Array {
    /// The run of items that these indices select.
    pub fn run(&self, name: &str, path: &[i128]) -> Result<Indices<usize>, Fault> {
        let mut run = 0..self.items.len();
        for (index, size) in path.iter().zip(&self.sizes) {
            let position = element(name, &Register::Run(0..*size), *index, true)?;
            let part = run.len() / size;
            run = run.start + position * part..run.start + (position + 1) * part;
        }
        Ok(run)
    }
}

impl Builder<'_> {
    pub fn declare_array(
        &mut self,
        (kind, width): (Type, Option<u32>),
        sizes: &[Expression],
        name: &Name,
        initial: Option<&Source>,
        guard: &Guard,
        span: Span,
    ) -> ReadResult<()> {
        let mut count = 1usize;
        let mut found = Vec::with_capacity(sizes.len());
        for size in sizes {
            let value = size.integer(self)?;
            let Ok(size @ 1..) = usize::try_from(value) else {
                return Err(Fault::new(format!("an array of {value}")).hint("use 1 or more").at(size.span));
            };
            count = count.saturating_mul(size);
            found.push(size);
        }
        if count > ARRAY {
            let fault = Fault::new(format!("an array of {count} elements"));
            return Err(fault.hint(format!("use at most {ARRAY}")).at(span));
        }
        // An element takes as much as a few operations.
        let item = zero(kind, width);
        self.work(count.saturating_mul(1 + item.weight()), span)?;
        let items = vec![item; count];
        let mut array = Array { kind, width, sizes: found, items, depth: guard.depth() };
        if let Some(source) = initial {
            let new = self.array_source(source, (kind, width), &array.sizes, guard, span)?;
            array.items = new;
        }
        self.declare(name, Symbol::Array(Box::new(array)))
    }

    /// The elements of an array of these sizes.
    fn array_source(
        &mut self,
        source: &Source,
        element: (Type, Option<u32>),
        sizes: &[usize],
        guard: &Guard,
        span: Span,
    ) -> ReadResult<Vec<Content>> {
        match (source, sizes) {
            (source, []) => self.incoming(source, element, guard, span).map(|item| vec![item]),
            (Source::List(items, at), [size, rest @ ..]) => {
                if items.len() != *size {
                    let fault = Fault::new(format!("{} elements are given for {size}", items.len()));
                    return Err(fault.at(*at));
                }
                let mut all = Vec::new();
                for item in items {
                    all.extend(self.array_source(item, element, rest, guard, span)?);
                }
                Ok(all)
            }
            (Source::Expression(expression), sizes) => {
                let found = self.array_part(expression)?;
                let Some((items, found)) = found else {
                    let fault = Fault::new("this is no array").hint("write its elements, as in {1, 2}");
                    return Err(fault.at(expression.span));
                };
                if found != sizes {
                    let fault = Fault::new(format!("an array of sizes {found:?} where {sizes:?} are needed"));
                    return Err(fault.at(expression.span));
                }
                Ok(items)
            }
            (Source::Joined(parts, at), [size, rest @ ..]) => {
                let mut all = Vec::new();
                let mut joined = 0;
                for part in parts {
                    let Some((items, found)) = self.array_part(part)?.filter(|(_, found)| !found.is_empty()) else {
                        return Err(Fault::new("this is no array").hint("join whole arrays or slices").at(part.span));
                    };
                    if found[1..] != *rest {
                        let fault = Fault::new(format!("an array of sizes {found:?} does not fit behind the others"));
                        return Err(fault.at(part.span));
                    }
                    joined += found[0];
                    all.extend(items);
                }
                if joined != *size {
                    return Err(Fault::new(format!("{joined} elements are given for {size}")).at(*at));
                }
                Ok(all)
            }
            (Source::Measure(operand), _) => {
                Err(Fault::new("a measurement is no array").hint("measure into its elements").at(operand.span))
            }
        }
    }

    /// An array or a part of one, and its sizes.
    fn array_part(&self, expression: &Expression) -> ReadResult<Option<(Vec<Content>, Vec<usize>)>> {
        let (name, index) = match &expression.kind {
            ExpressionKind::Name(name) => (name, &Index::All),
            ExpressionKind::Element(name, index) => (name, &**index),
            _ => return Ok(None),
        };
        let Some((_, Symbol::Array(array))) = self.found(name) else { return Ok(None) };
        let (runs, sizes) = self.array_runs(name, &array.sizes, index, expression.span)?;
        for run in &runs {
            self.count_copy(&array.items[run.clone()], expression.span)?;
        }
        Ok(Some((runs.into_iter().flat_map(|run| array.items[run].iter().cloned()).collect(), sizes)))
    }

    /// Counts a copy of these as work, before it is made.
    pub fn count_copy(&self, items: &[Content], span: Span) -> ReadResult<()> {
        self.work(items.len(), span)?;
        self.work(items.iter().map(Content::weight).sum(), span)
    }

    /// The runs of items that an index selects, and the sizes of what it selects.
    fn array_runs(
        &self,
        name: &str,
        of: &[usize],
        index: &Index,
        span: Span,
    ) -> ReadResult<(Vec<Indices<usize>>, Vec<usize>)> {
        let located = |fault: Fault| fault.at(span);
        let steps = match index {
            Index::All => &[][..],
            Index::Path(path) => path,
            one => std::slice::from_ref(one),
        };
        let whole = 0..of.iter().product();
        let (mut runs, mut sizes) = (vec![whole], Vec::new());
        for (depth, step) in steps.iter().enumerate() {
            let Some(&size) = of.get(depth) else {
                return Err(located(Fault::new(format!("{name} has {} dimensions", of.len()))));
            };
            let (chosen, kept) = match step {
                Index::One(one) => (vec![one.integer(self)?], false),
                Index::Range(range) => (range.elements(self, size, span)?, true),
                Index::Set(set) => (set.iter().map(|one| one.integer(self)).collect::<ReadResult<_>>()?, true),
                _ => return Err(located(Fault::new("this is no index of an array"))),
            };
            if kept {
                sizes.push(chosen.len());
            }
            self.work(runs.len() * chosen.len(), span)?;
            let mut parts = Vec::with_capacity(runs.len() * chosen.len());
            for run in runs {
                let part = run.len() / size;
                for index in &chosen {
                    let at = element(name, &Register::Run(0..size), *index, true).map_err(located)?;
                    parts.push(run.start + at * part..run.start + (at + 1) * part);
                }
            }
            runs = parts;
        }
        sizes.extend(of.iter().skip(steps.len()));
        Ok((runs, sizes))
    }

    pub fn assign_to_array(
        &mut self,
        to: &Operand,
        (element, sizes, depth): ((Type, Option<u32>), &[usize], usize),
        source: &Source,
        guard: &Guard,
        span: Span,
    ) -> ReadResult<()> {
        let name = &to.name.text;
        // An index behind the last dimension is one of a bit.
        let (index, bit) = match &to.index {
            Index::Path(path) if path.len() == sizes.len() + 1 => {
                let (bit, path) = path.split_last().expect("it is longer than the list of sizes");
                (Index::Path(path.to_vec()), Some(bit.clone()))
            }
            index => (index.clone(), None),
        };
        let (runs, part_sizes) = self.array_runs(name, sizes, &index, to.span)?;
        let new = match &bit {
            None => self.array_source(source, element, &part_sizes, guard, span)?,
            Some(bit) => {
                let size = element.1.unwrap_or(MACHINE) as usize;
                let positions = self.positions(name, bit, size, to.span)?;
                let part = self.incoming_bits(source, positions.len(), guard, span)?;
                let Some(Symbol::Array(held)) = self.found(name).map(|(_, symbol)| symbol) else { return Ok(()) };
                let old = held.items[runs[0].start].clone();
                vec![self.with_bits(&old, element, &positions, &part, span)?]
            }
        };
        let mut new = new.into_iter();
        for at in runs.into_iter().flatten() {
            let Some(item) = new.next() else { break };
            let Some(Symbol::Array(held)) = self.found(name).map(|(_, symbol)| symbol) else { return Ok(()) };
            let old = held.items[at].clone();
            self.work(old.weight(), span)?;
            let merged = self.merged(name, old, item, depth, guard, span)?;
            if let Some(Symbol::Array(held)) = self.found_mut(name) {
                held.items[at] = merged;
            }
        }
        Ok(())
    }
}
