//! Functions of classical bits as assignments under conditions: a scratch bit is 0, and set where others hold certain
//! values.

use std::collections::{HashMap, HashSet};
use std::ops::Not;
use std::rc::Rc;

use super::build::Builder;
use super::condition::Guard;
use super::error::{ReadResult, Span};
use crate::circuit::{Condition, Op, OpKind};

/// A bit that is known while the text is read, or when the circuit runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    Known(bool),
    Bit { bit: usize, inverted: bool },
}

impl Signal {
    pub fn of(bit: usize) -> Self {
        Self::Bit { bit, inverted: false }
    }

    /// The bit that it reads when the circuit runs.
    pub fn bit(self) -> Option<usize> {
        if let Self::Bit { bit, .. } = self { Some(bit) } else { None }
    }
}

impl Not for Signal {
    type Output = Self;
    fn not(self) -> Self {
        match self {
            Self::Known(value) => Self::Known(!value),
            Self::Bit { bit, inverted } => Self::Bit { bit, inverted: !inverted },
        }
    }
}

/// Scratch bits have these numbers while a text is read, behind any register of it.
pub(super) const SCRATCH: usize = 1 << 40;
/// Inputs of a table at most.
pub(super) const INPUTS: usize = 6;

/// The scratch bits of a circuit. Each is used once while the text is read; `scratch` lets them share afterwards.
#[derive(Default)]
pub(super) struct Scratch {
    pub count: usize,
    covers: HashMap<(usize, u64), Rc<Cover>>,
}

/// A truth table as a first value and the cubes on which it changes.
struct Cover {
    first: bool,
    /// Which inputs a cube tests, and what they hold.
    cubes: Vec<(u64, u64)>,
}

impl Cover {
    /// Of a table of so many inputs; entry k of it is bit k of `truth`.
    fn of(inputs: usize, truth: u64) -> Self {
        let all = all_ones(inputs);
        let [set, clear] = [truth, all & !truth].map(|wanted| cubes(inputs, wanted));
        if clear.len() + 1 < set.len() { Self { first: true, cubes: clear } } else { Self { first: false, cubes: set } }
    }
}

fn all_ones(inputs: usize) -> u64 {
    u64::MAX >> (64 - (1u32 << inputs))
}

/// Cubes that together are the entries of `wanted`, the largest first: short, not always the shortest.
fn cubes(inputs: usize, wanted: u64) -> Vec<(u64, u64)> {
    let entries = |care: u64, value: u64| {
        (0..1u64 << inputs).filter(|entry| entry & care == value).fold(0u64, |all, entry| all | 1 << entry)
    };
    let mut left = wanted;
    let mut found = Vec::new();
    let mut masks: Vec<u64> = (0..1u64 << inputs).collect();
    masks.sort_by_key(|mask| mask.count_ones());
    for care in masks {
        for value in (0..1u64 << inputs).filter(|value| value & !care == 0) {
            let cube = entries(care, value);
            if cube & !wanted == 0 && cube & left != 0 {
                left &= !cube;
                found.push((care, value));
            }
        }
    }
    found
}

impl Builder<'_> {
    /// A scratch bit that holds 0.
    pub fn fresh(&mut self, span: Span) -> ReadResult<usize> {
        self.work(1, span)?;
        self.scratch.count += 1;
        Ok(SCRATCH + self.scratch.count - 1)
    }

    /// A function of at most six bits, given as a table: `function` gets input k as bit k.
    pub fn table(&mut self, inputs: &[Signal], function: impl Fn(u64) -> bool, span: Span) -> ReadResult<Signal> {
        let mut bits: Vec<usize> = Vec::new();
        for bit in inputs.iter().filter_map(|input| input.bit()) {
            if !bits.contains(&bit) {
                bits.push(bit);
            }
        }
        debug_assert!(bits.len() <= INPUTS);
        let count = bits.len();
        self.work(1 << count, span)?;
        let packed = |entry: u64| {
            inputs.iter().enumerate().fold(0, |packed, (k, input)| {
                let value = match *input {
                    Signal::Known(value) => value,
                    Signal::Bit { bit, inverted } => {
                        let at = bits.iter().position(|other| *other == bit).unwrap_or(0);
                        (entry >> at & 1 == 1) != inverted
                    }
                };
                packed | u64::from(value) << k
            })
        };
        let truth =
            (0..1u64 << count).filter(|&entry| function(packed(entry))).fold(0u64, |all, entry| all | 1 << entry);
        let all = all_ones(count);
        if truth == 0 || truth == all {
            return Ok(Signal::Known(truth != 0));
        }
        for (at, &bit) in bits.iter().enumerate() {
            let same =
                (0..1u64 << count).filter(|entry| entry >> at & 1 == 1).fold(0u64, |all, entry| all | 1 << entry);
            if truth == same || truth == all & !same {
                return Ok(Signal::Bit { bit, inverted: truth != same });
            }
        }
        let known = self.scratch.covers.entry((count, truth)).or_insert_with(|| Rc::new(Cover::of(count, truth)));
        let cover = Rc::clone(known);
        let target = self.fresh(span)?;
        if cover.first {
            self.append(Op::of(OpKind::Assign { bit: target, value: true }, &[]), span)?;
        }
        for (care, value) in &cover.cubes {
            let chosen: Vec<usize> = (0..count).filter(|at| care >> at & 1 == 1).collect();
            let value = chosen.iter().enumerate().fold(0, |all, (k, at)| all | (value >> at & 1) << k);
            let condition = Condition { bits: chosen.iter().map(|&at| bits[at]).collect(), value };
            let kind = OpKind::Assign { bit: target, value: !cover.first };
            self.append(Op { condition: Some(condition), ..Op::of(kind, &[]) }, span)?;
        }
        Ok(Signal::of(target))
    }

    /// Whether all of these hold.
    pub fn all_of(&mut self, signals: &[Signal], span: Span) -> ReadResult<Signal> {
        if signals.contains(&Signal::Known(false)) {
            return Ok(Signal::Known(false));
        }
        let mut open: Vec<Signal> = Vec::new();
        for signal in signals.iter().filter(|signal| signal.bit().is_some()) {
            if !open.contains(signal) {
                open.push(*signal);
            }
        }
        // One case however many it tests: every level takes as many as a condition can.
        while open.len() > 1 {
            let mut next = Vec::new();
            for part in open.chunks(60) {
                next.push(match part {
                    [one] => *one,
                    part if part.len() <= INPUTS => {
                        let every = (1u64 << part.len()) - 1;
                        self.table(part, |value| value == every, span)?
                    }
                    part => {
                        let target = self.fresh(span)?;
                        let bits: Vec<usize> = part.iter().filter_map(|signal| signal.bit()).collect();
                        let holds = |signal: &Signal| !matches!(signal, Signal::Bit { inverted: true, .. });
                        let value = part.iter().enumerate().fold(0, |all, (k, s)| all | u64::from(holds(s)) << k);
                        let kind = OpKind::Assign { bit: target, value: true };
                        let condition = Some(Condition { bits, value });
                        self.append(Op { condition, ..Op::of(kind, &[]) }, span)?;
                        Signal::of(target)
                    }
                });
            }
            open = next;
        }
        Ok(open.first().copied().unwrap_or(Signal::Known(true)))
    }

    /// Whether any of these holds.
    pub fn any_of(&mut self, signals: &[Signal], span: Span) -> ReadResult<Signal> {
        let inverted: Vec<Signal> = signals.iter().map(|&signal| !signal).collect();
        self.all_of(&inverted, span).map(|none| !none)
    }

    /// A scratch bit that is 1 where the guard holds now, whatever happens to the bits that it tests.
    pub fn freeze(&mut self, guard: &Guard, span: Span) -> ReadResult<usize> {
        let target = self.fresh(span)?;
        self.emit(Op::of(OpKind::Assign { bit: target, value: true }, &[]), guard, span)?;
        Ok(target)
    }

    /// Copies of the bits of registers, which a later measurement may change.
    pub fn settle(&mut self, signals: &mut [Signal], span: Span) -> ReadResult<()> {
        let mut copies: HashMap<usize, usize> = HashMap::new();
        for signal in signals {
            let Signal::Bit { bit, .. } = signal else { continue };
            if *bit >= SCRATCH {
                continue;
            }
            let copy = match copies.get(bit) {
                Some(copy) => *copy,
                None => {
                    let copy = self.fresh(span)?;
                    let condition = Some(Condition { bits: vec![*bit], value: 1 });
                    let kind = OpKind::Assign { bit: copy, value: true };
                    self.append(Op { condition, ..Op::of(kind, &[]) }, span)?;
                    copies.insert(*bit, copy);
                    copy
                }
            };
            *bit = copy;
        }
        Ok(())
    }

    /// Gives bits of registers values where the guard holds.
    pub fn assign_bits(&mut self, targets: &[usize], signals: &[Signal], guard: &Guard, span: Span) -> ReadResult<()> {
        let mut signals = signals.to_vec();
        let itself = |(target, signal): (&usize, &Signal)| *signal == Signal::of(*target);
        let written: HashSet<usize> = targets.iter().copied().collect();
        let crosses = |(target, signal): (&usize, &Signal)| {
            !itself((target, signal)) && signal.bit().is_some_and(|bit| written.contains(&bit))
        };
        if targets.iter().zip(&signals).any(crosses) {
            self.settle(&mut signals, span)?;
        }
        for (&target, &signal) in targets.iter().zip(&signals) {
            if itself((&target, &signal)) {
                continue;
            }
            match signal {
                // Only of registers that are declared with a value: others are for outcomes.
                Signal::Known(value) if guard.is_always() && self.known.contains_key(&target) => {
                    self.known.insert(target, value);
                }
                _ => _ = self.known.remove(&target),
            }
            self.assign(target, signal, guard, span)?;
        }
        Ok(())
    }

    /// One bit where the guard holds.
    pub fn assign(&mut self, bit: usize, signal: Signal, guard: &Guard, span: Span) -> ReadResult<()> {
        let become_ = |value| Op::of(OpKind::Assign { bit, value }, &[]);
        match signal {
            Signal::Known(value) => self.emit(become_(value), guard, span),
            Signal::Bit { .. } => {
                if guard.is_always() {
                    self.emit(become_(false), guard, span)?;
                } else {
                    let off = self.narrow(guard, &Guard::on(!signal), span)?;
                    self.emit(become_(false), &off, span)?;
                }
                let on = self.narrow(guard, &Guard::on(signal), span)?;
                self.emit(become_(true), &on, span)
            }
        }
    }

    /// `new` where the guard holds, else `old`.
    pub fn choose(&mut self, guard: &Guard, new: Signal, old: Signal, span: Span) -> ReadResult<Signal> {
        if new == old {
            return Ok(old);
        }
        let target = self.fresh(span)?;
        match old {
            Signal::Known(false) => {}
            old => self.emit(Op::of(OpKind::Assign { bit: target, value: true }, &[]), &Guard::on(old), span)?,
        }
        self.assign(target, new, guard, span)?;
        Ok(Signal::of(target))
    }

    /// Within a branch of a guard.
    pub fn narrow(&mut self, outer: &Guard, inner: &Guard, span: Span) -> ReadResult<Guard> {
        match outer.within(inner) {
            Some(guard) => Ok(guard),
            // Too many cases, or bits, to write each operation down for each.
            None => {
                let outer_bit = Guard::on(Signal::of(self.freeze(outer, span)?));
                // One case stays: what tests whether runs have left something must see them leave.
                let short = if inner.cases().len() == 1 { outer_bit.within(inner) } else { None };
                let both = match short {
                    Some(both) => both,
                    None => {
                        let inner_bit = self.freeze(inner, span)?;
                        outer_bit.within(&Guard::on(Signal::of(inner_bit))).expect("two bits are one case")
                    }
                };
                Ok(both.at_depth(outer.depth() + 1))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cubes_cover_their_table_and_nothing_else() {
        for inputs in 0..=3usize {
            for truth in 0..=all_ones(inputs) {
                let cover = Cover::of(inputs, truth);
                for entry in 0..1u64 << inputs {
                    let met = cover.cubes.iter().any(|(care, value)| entry & care == *value);
                    assert_eq!(cover.first != met, truth >> entry & 1 == 1, "{inputs} {truth:b} {entry}");
                }
            }
        }
    }
}
