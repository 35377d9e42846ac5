//! Times of operations while a text is read: stretches, boxes and `durationof`. What they become is computed in `timeline`.

use std::collections::HashMap;
use std::fmt;

use super::build::{Builder, Symbol};
use super::condition::Guard;
use super::error::{Fault, ReadResult, Span};
use super::expression::{Binary, Expression};
use super::syntax::{Name, Operand, Statement, StatementKind as Kind};
use super::timeline::{Timeline, length};
use super::value::Value;
use crate::circuit::{Op, OpKind};
use crate::math::Seconds;

/// How long operations take on a device: with it a reader resolves `stretch` and `durationof`.
pub trait OperationTimes: fmt::Debug + Send + Sync {
    /// The time of a gate, a measurement or a reset; `None` if it is not known. With `physical` its operands are qubits of
    /// the device, written `$3` in the text; otherwise they are those of the circuit. Its condition and its angles' slots
    /// do not matter.
    fn time(&self, op: &Op, physical: bool) -> Option<Seconds>;
}

/// A time that depends on stretches: `seconds + cycles dt + Σ factor × stretch`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct StretchTime {
    pub seconds: f64,
    pub cycles: f64,
    /// Ascending by stretch, no factor 0.
    pub factors: Vec<(usize, f64)>,
}

impl StretchTime {
    fn plus(&self, other: &Self, factor: f64) -> Self {
        let mut factors = self.factors.clone();
        for &(stretch, given) in &other.factors {
            match factors.binary_search_by_key(&stretch, |(stretch, _)| *stretch) {
                Ok(at) => factors[at].1 += factor * given,
                Err(at) => factors.insert(at, (stretch, factor * given)),
            }
        }
        factors.retain(|(_, factor)| *factor != 0.0);
        Self { seconds: self.seconds + factor * other.seconds, cycles: self.cycles + factor * other.cycles, factors }
    }
}

/// The times that depend on stretches, and where they stand.
#[derive(Default)]
pub(super) struct Stretches {
    /// What a [`Value::Stretch`] numbers.
    times: Vec<StretchTime>,
    /// Parts of them.
    held: usize,
    /// The stretches, in the order of their declaration.
    names: Vec<Name>,
    pub timeline: Timeline,
    /// Qubits that `nop` adds to the boxes that are open.
    idle: Vec<Vec<usize>>,
    /// Within how many `durationof` the text is.
    pub asked: usize,
}

/// Parts of all times that depend on stretches, at most.
const FACTORS: usize = 1_000_000;

impl Stretches {
    fn add(&mut self, time: StretchTime) -> Value {
        if time.factors.is_empty() {
            return Value::Duration { seconds: time.seconds, cycles: time.cycles };
        }
        self.times.push(time);
        Value::Stretch(self.times.len() - 1)
    }

    fn of(&self, value: Value) -> Option<StretchTime> {
        match value {
            Value::Stretch(number) => Some(self.times[number].clone()),
            Value::Duration { seconds, cycles } => Some(StretchTime { seconds, cycles, factors: Vec::new() }),
            _ => None,
        }
    }

    /// `left operator right`, one of which depends on stretches.
    pub fn combined(&mut self, operator: Binary, left: Value, right: Value) -> Result<Value, Fault> {
        let scaled = |time: &StretchTime, factor: f64| StretchTime::default().plus(time, factor);
        let time = match (operator, self.of(left), self.of(right)) {
            (Binary::Add, Some(a), Some(b)) => a.plus(&b, 1.0),
            (Binary::Subtract, Some(a), Some(b)) => a.plus(&b, -1.0),
            (Binary::Multiply, Some(time), None) => scaled(&time, right.real()?),
            (Binary::Multiply, None, Some(time)) => scaled(&time, left.real()?),
            (Binary::Divide, Some(time), None) => scaled(&time, 1.0 / right.real()?),
            _ => {
                let fault = Fault::new("a stretch has its value only when the whole text is read");
                return Err(fault.hint("add and subtract durations, multiply and divide by numbers"));
            }
        };
        if !(time.seconds.is_finite() && time.factors.iter().all(|(_, factor)| factor.is_finite())) {
            return Err(Fault::new("this is not a finite number").hint("check for divisions by zero"));
        }
        self.held += 1 + time.factors.len();
        if self.held > FACTORS {
            return Err(Fault::new("too many times depend on stretches").hint("use fewer stretches"));
        }
        Ok(self.add(time))
    }
}

/// What a delay waits.
pub(super) enum DelayTime {
    Seconds(f64),
    /// It depends on stretches.
    Stretched(StretchTime),
}

impl Builder<'_> {
    /// `stretch a;`, `stretch b = 2 * a + 100ns;`
    pub fn declare_stretch(&mut self, name: &Name, initial: Option<&Expression>, guard: &Guard) -> ReadResult<()> {
        let value = match initial {
            Some(initial) => {
                let hoisted = self.hoist(initial, guard)?;
                let value = hoisted.evaluate(self)?;
                if !matches!(value, Value::Stretch(_) | Value::Duration { .. }) {
                    let fault = Fault::new("a stretch is given no duration");
                    return Err(fault.hint("write a sum of durations and stretches").at(initial.span));
                }
                value
            }
            None if self.options.times.is_none() => {
                let message = format!("the stretch {} is taken as 0: it needs the times of a device", name.text);
                self.note_late(name.span, message);
                Value::Duration { seconds: 0.0, cycles: 0.0 }
            }
            None => {
                let stretches = self.stretches.get_mut();
                stretches.names.push(name.clone());
                let factors = vec![(stretches.names.len() - 1, 1.0)];
                stretches.add(StretchTime { factors, ..StretchTime::default() })
            }
        };
        self.declare(name, Symbol::Value(value))
    }

    /// `box { ... }`, `box[200ns] { ... }`
    pub fn boxed(
        &mut self,
        time: Option<&Expression>,
        body: &[Statement],
        guard: &Guard,
        span: Span,
    ) -> ReadResult<super::flow::Flow> {
        let time = match time {
            None => None,
            Some(expression) => {
                let expression = self.hoist(expression, guard)?;
                let value = expression.evaluate(self)?;
                match self.stretches.get_mut().of(value) {
                    Some(time) => Some(self.in_seconds(time, expression.span)?),
                    None => return Err(Fault::new("this is no duration").hint("write box[100ns]").at(expression.span)),
                }
            }
        };
        if self.options.times.is_none() {
            let rest = if time.is_some() { "; its duration needs the times of a device" } else { "" };
            self.note_late(span, format!("a box was dissolved; what it holds is kept in its order{rest}"));
            return self.scoped(HashMap::new(), |builder| builder.all(body, guard));
        }
        if !guard.is_always() && time.is_some() {
            let fault = Fault::new("a box with a duration in a branch that depends on measurements");
            return Err(fault.hint("leave out the duration of the box").at(span));
        }
        let at = self.operations();
        let stretches = self.stretches.get_mut();
        stretches.idle.push(Vec::new());
        let number = stretches.timeline.open_box(at, time, span);
        let flow = self.scoped(HashMap::new(), |builder| builder.all(body, guard));
        let at = self.operations();
        let stretches = self.stretches.get_mut();
        let idle = stretches.idle.pop().unwrap_or_default();
        if let Some(outer) = stretches.idle.last_mut() {
            outer.extend(&idle);
        }
        stretches.timeline.close_box(number, at, idle);
        flow
    }

    /// `nop q;`: the qubit belongs to the box.
    pub fn idle(&mut self, operands: &[Operand]) -> ReadResult<()> {
        if self.stretches.get_mut().idle.is_empty() {
            return Ok(());
        }
        for operand in operands {
            let qubits = self.elements(operand, true)?;
            if let Some(open) = self.stretches.get_mut().idle.last_mut() {
                open.extend(qubits);
            }
        }
        Ok(())
    }

    /// A time without cycles.
    fn in_seconds(&self, time: StretchTime, span: Span) -> ReadResult<StretchTime> {
        match self.options.cycle {
            _ if time.cycles == 0.0 => Ok(time),
            Some(Seconds(cycle)) => {
                Ok(StretchTime { seconds: time.seconds + time.cycles * cycle, cycles: 0.0, ..time })
            }
            None => {
                let fault = Fault::new("the length of dt is not known");
                Err(fault.hint("write the time in ns, or name the device").at(span))
            }
        }
    }

    /// What a delay of this value waits.
    pub fn delay_time(&mut self, value: Value, span: Span) -> ReadResult<DelayTime> {
        let hint = "write a number and ns, us, ms, s or dt, as in delay[100ns]";
        let no_duration = || Fault::new("this is no duration").hint(hint).at(span);
        let time = self.stretches.get_mut().of(value).ok_or_else(no_duration)?;
        let time = self.in_seconds(time, span)?;
        if !time.factors.is_empty() {
            return Ok(DelayTime::Stretched(time));
        }
        if time.seconds < 0.0 {
            return Err(Fault::new("this duration is negative").hint("a delay takes 0 or more").at(span));
        }
        Ok(DelayTime::Seconds(time.seconds))
    }

    /// `durationof({ ... })`: how long the block takes from its first operation to its last. Nothing of it is done.
    pub fn duration_of(&mut self, body: &[Statement], span: Span) -> ReadResult<Value> {
        check_timed(body)?;
        self.work(self.known.len() + self.circuit.qubits() / 4, span)?;
        let empty = self.circuit.without_ops();
        let circuit = std::mem::replace(&mut self.circuit, empty);
        let (known, physical) = (self.known.clone(), self.physical);
        let timeline = std::mem::take(&mut self.stretches.get_mut().timeline);
        self.stretches.get_mut().asked += 1;
        let done = self.scoped(HashMap::new(), |builder| builder.all(body, &Guard::always()));
        self.stretches.get_mut().asked -= 1;
        let asked = std::mem::replace(&mut self.stretches.get_mut().timeline, timeline);
        let timed = std::mem::replace(&mut self.circuit, circuit);
        self.known = known;
        let physical = std::mem::replace(&mut self.physical, physical);
        done?;
        if asked.depends_on_stretches() {
            let fault = Fault::new("durationof a block whose time depends on a stretch");
            return Err(fault.hint("name the stretch itself").at(span));
        }
        let times = self.times_of(timed.ops(), physical, span);
        let seconds =
            length(timed.ops(), &times, &asked, timed.qubits()).map_err(|message| Fault::new(message).at(span))?;
        Ok(Value::Duration { seconds, cycles: 0.0 })
    }

    /// Seconds of each operation; what is not known is noticed once and takes no time.
    pub fn times_of(&self, ops: &[Op], physical: bool, span: Span) -> Vec<f64> {
        let Some(times) = &self.options.times else { return vec![0.0; ops.len()] };
        let mut unknown: Vec<String> = Vec::new();
        let seconds = ops.iter().map(|op| match &op.kind {
            OpKind::Delay(time) => time.0,
            OpKind::Gate { .. } | OpKind::Unitary(_) | OpKind::Measure { .. } | OpKind::Reset => {
                let time = times.time(op, physical).map(|time| time.0);
                if time.is_none() && !unknown.contains(&op.name()) {
                    unknown.push(op.name());
                }
                time.unwrap_or(0.0)
            }
            _ => 0.0,
        });
        let seconds = seconds.collect();
        for name in unknown {
            self.note_late(span, format!("the device has no time of {name} on all of its qubits here; 0 was taken"));
        }
        seconds
    }

    /// Gives the delays that depend on stretches their times.
    pub fn resolve_stretches(&mut self) -> ReadResult<()> {
        let timeline = std::mem::take(&mut self.stretches.get_mut().timeline);
        if !timeline.is_timed() {
            return Ok(());
        }
        let times = self.times_of(self.circuit.ops(), self.physical, Span::default());
        let names = std::mem::take(&mut self.stretches.get_mut().names);
        let ops = self.circuit.take_ops();
        let resolved = timeline.resolve(ops, &times, names.len(), self.circuit.qubits())?;
        let (bits, scratch) = (self.circuit.bits(), self.circuit.scratch());
        self.circuit.renumber(bits, scratch, resolved.ops);
        self.directives.move_to(|at| resolved.moved[at]);
        for (name, seconds) in names.into_iter().zip(resolved.stretches) {
            self.note_late(name.span, format!("the stretch {} is {}", name.text, Seconds(seconds)));
        }
        Ok(())
    }
}

/// Refuses what has no time of its own.
fn check_timed(body: &[Statement]) -> ReadResult<()> {
    for statement in body {
        match &statement.bare().kind {
            Kind::Call { .. }
            | Kind::Measure { .. }
            | Kind::MeasureAway(_)
            | Kind::Reset(_)
            | Kind::Barrier(_)
            | Kind::Delay { .. }
            | Kind::Nop(_) => {}
            Kind::Block(body) | Kind::For { body, .. } | Kind::Box { body, .. } => check_timed(body)?,
            _ => {
                let fault = Fault::new("durationof times gates, measurements, resets and delays only");
                return Err(fault.hint("write only these into its block").at(statement.span));
            }
        }
    }
    Ok(())
}
