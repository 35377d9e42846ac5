//! When operations happen, as a linear program of the stretches.
//!
//! A qubit goes from one meeting to the next: an operation on several qubits, a barrier, the begin or end of a box, a wait
//! for a classical bit. Times between meetings add up. A meeting is when all have come. Where a delay on the way depends
//! on a stretch, the qubit comes exactly then: the delay fills the time. Elsewhere it may wait, which the text leaves open.
//!
//! Least are: the length of every part between barriers on all qubits; then the begins of delays on several qubits, which
//! begin when the last of them is free; then the stretches, in the order of their declaration. The specification
//! (OpenQASM 3, "Circuit timing") says only that stretches grow as necessary.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Range;

use super::error::{Fault, ReadResult, Span};
use super::timing::StretchTime;
use crate::circuit::{Op, OpKind};
use crate::math::Seconds;
use crate::math::lexicographic::{Relation, Row, Unsolved, minimise};

/// Times are computed in nanoseconds: their numbers are then near 1 to a million.
const NANO: f64 = 1e9;
/// Times that differ by less are equal: a millionth of a nanosecond.
const EQUAL: f64 = 1e-6;

/// The operations of a delay that depends on stretches.
struct StretchedDelay {
    ops: Range<usize>,
    time: StretchTime,
    span: Span,
}

struct TimedBox {
    ops: Range<usize>,
    time: Option<StretchTime>,
    /// Qubits that it holds beside those of its operations.
    idle: Vec<usize>,
    span: Span,
}

/// Before the operation of this index a box begins or ends.
#[derive(Clone, Copy)]
struct Edge {
    at: usize,
    number: usize,
    begins: bool,
}

/// What a text says about times.
#[derive(Default)]
pub(super) struct Timeline {
    delays: Vec<StretchedDelay>,
    boxes: Vec<TimedBox>,
    /// In the order of the text.
    edges: Vec<Edge>,
}

/// A text with its times.
pub(super) struct Resolved {
    pub ops: Vec<Op>,
    /// Seconds of each stretch.
    pub stretches: Vec<f64>,
    /// Where each operation was before stands now, and what is behind the last.
    pub moved: Vec<usize>,
}

impl Timeline {
    pub fn delay(&mut self, ops: Range<usize>, time: StretchTime, span: Span) {
        self.delays.push(StretchedDelay { ops, time, span });
    }

    pub fn open_box(&mut self, at: usize, time: Option<StretchTime>, span: Span) -> usize {
        let number = self.boxes.len();
        self.boxes.push(TimedBox { ops: at..at, time, idle: Vec::new(), span });
        self.edges.push(Edge { at, number, begins: true });
        number
    }

    pub fn close_box(&mut self, number: usize, at: usize, idle: Vec<usize>) {
        self.boxes[number].ops.end = at;
        self.boxes[number].idle = idle;
        self.edges.push(Edge { at, number, begins: false });
    }

    pub fn depends_on_stretches(&self) -> bool {
        let stretches = |found: &TimedBox| found.time.as_ref().is_some_and(|time| !time.factors.is_empty());
        !self.delays.is_empty() || self.boxes.iter().any(stretches)
    }

    /// Whether there is anything to resolve.
    pub fn is_timed(&self) -> bool {
        !self.delays.is_empty() || self.boxes.iter().any(|found| found.time.is_some())
    }

    /// Whether a box has a time or holds a delay that depends on stretches: then it stands between barriers.
    fn is_kept(&self, found: &TimedBox) -> bool {
        let next = self.delays.partition_point(|delay| delay.ops.start < found.ops.start);
        found.time.is_some() || self.delays.get(next).is_some_and(|delay| delay.ops.start < found.ops.end)
    }

    fn qubits_of(&self, found: &TimedBox, ops: &[Op]) -> Vec<usize> {
        let held = ops[found.ops.clone()].iter().filter(|op| !matches!(op.kind, OpKind::Barrier));
        let all: BTreeSet<usize> =
            held.flat_map(|op| op.qubits.iter().copied()).chain(found.idle.iter().copied()).collect();
        all.into_iter().collect()
    }

    /// The operations with the times of all delays. `times` are their seconds.
    pub fn resolve(self, mut ops: Vec<Op>, times: &[f64], stretches: usize, qubits: usize) -> ReadResult<Resolved> {
        let mut model = Model::new(stretches, qubits, &ops);
        model.run(&self, &ops, times)?;
        let values = model.solved()?;
        for delay in &self.delays {
            let seconds = seconds(&delay.time, &values);
            ops[delay.ops.clone()].iter_mut().for_each(|op| op.kind = OpKind::Delay(Seconds(seconds)));
        }
        let waits: Vec<Vec<(usize, f64)>> = (model.waits.iter())
            .map(|waits| waits.iter().map(|(qubit, time)| (*qubit, time.value(&values))).collect())
            .collect();
        let stretches = values[..stretches].iter().map(|value| value / NANO).collect();
        let (ops, moved) = self.with_boxes(ops, &waits);
        Ok(Resolved { ops, stretches, moved })
    }

    /// With barriers around the boxes that are kept, and what their qubits wait at their ends.
    fn with_boxes(&self, ops: Vec<Op>, waits: &[Vec<(usize, f64)>]) -> (Vec<Op>, Vec<usize>) {
        let qubits: Vec<Vec<usize>> = self.boxes.iter().map(|found| self.qubits_of(found, &ops)).collect();
        let mut edges = self.edges.iter().peekable();
        let mut all = Vec::with_capacity(ops.len() + 2 * self.edges.len());
        let count = ops.len();
        let mut moved = Vec::with_capacity(count + 1);
        let mut ops = ops.into_iter();
        for at in 0..=count {
            while let Some(edge) = edges.next_if(|edge| edge.at == at) {
                if !self.is_kept(&self.boxes[edge.number]) || qubits[edge.number].is_empty() {
                    continue;
                }
                if !edge.begins {
                    for &(qubit, wait) in waits[edge.number].iter().filter(|(_, wait)| *wait > EQUAL) {
                        all.push(Op::of(OpKind::Delay(Seconds(rounded(wait) / NANO)), &[qubit]));
                    }
                }
                all.push(Op::of(OpKind::Barrier, &qubits[edge.number]));
            }
            moved.push(all.len());
            all.extend(ops.next());
        }
        (all, moved)
    }
}

/// Seconds from the first operation to the last where nothing depends on stretches.
pub(super) fn length(ops: &[Op], times: &[f64], timeline: &Timeline, qubits: usize) -> Result<f64, String> {
    let mut model = Model::new(0, qubits, ops);
    model.run(timeline, ops, times).map_err(|found| found.0.0.message)?;
    Ok(model.end / NANO)
}

fn rounded(value: f64) -> f64 {
    (value / EQUAL).round() * EQUAL
}

fn seconds(time: &StretchTime, values: &[f64]) -> f64 {
    let stretched: f64 = time.factors.iter().map(|&(stretch, factor)| factor * values[stretch]).sum();
    rounded(time.seconds * NANO + stretched).max(0.0) / NANO
}

/// Nanoseconds since the last barrier on all qubits, of the unknowns: stretches, then meetings.
#[derive(Clone, Debug, Default, PartialEq)]
struct Time {
    known: f64,
    factors: Vec<(usize, f64)>,
}

impl Time {
    fn of(time: &StretchTime) -> Self {
        Self { known: time.seconds * NANO, factors: time.factors.clone() }
    }

    fn plus(&self, other: &Self, sign: f64) -> Self {
        let mut factors = self.factors.clone();
        for &(unknown, factor) in &other.factors {
            match factors.binary_search_by_key(&unknown, |(unknown, _)| *unknown) {
                Ok(at) => factors[at].1 += sign * factor,
                Err(at) => factors.insert(at, (unknown, sign * factor)),
            }
        }
        factors.retain(|(_, factor)| factor.abs() > 1e-12);
        Self { known: self.known + sign * other.known, factors }
    }

    fn after(&self, nanoseconds: f64) -> Self {
        Self { known: self.known + nanoseconds, factors: self.factors.clone() }
    }

    fn value(&self, values: &[f64]) -> f64 {
        self.known + self.factors.iter().map(|&(unknown, factor)| factor * values[unknown]).sum::<f64>()
    }
}

/// When something comes to a meeting, and whether it may not wait there.
#[derive(Clone, Default)]
struct Arrival {
    time: Time,
    is_exact: bool,
}

struct Model {
    stretches: usize,
    unknowns: usize,
    rows: Vec<Row>,
    /// Where the text says so.
    spans: Vec<Span>,
    wires: Vec<Arrival>,
    bits: HashMap<usize, Time>,
    /// Qubits that anything is done to.
    used: HashSet<usize>,
    /// Ends of the parts between barriers on all qubits.
    ends: Vec<usize>,
    /// Begins of delays on several qubits.
    begins: Vec<usize>,
    /// What each qubit of a box waits at its end.
    waits: Vec<Vec<(usize, Time)>>,
    /// The end of everything, where it is known.
    end: f64,
    /// Unknowns and rows before the part that is at work, and whether it depends on stretches or boxes.
    part: (usize, usize),
    is_timed: bool,
}

impl Model {
    fn new(stretches: usize, qubits: usize, ops: &[Op]) -> Self {
        let acting = ops.iter().filter(|op| !matches!(op.kind, OpKind::Barrier));
        Self {
            stretches,
            unknowns: stretches,
            rows: Vec::new(),
            spans: Vec::new(),
            wires: vec![Arrival::default(); qubits],
            bits: HashMap::new(),
            used: acting.flat_map(|op| op.qubits.iter().copied()).collect(),
            ends: Vec::new(),
            begins: Vec::new(),
            waits: Vec::new(),
            end: 0.0,
            part: (stretches, 0),
            is_timed: false,
        }
    }

    fn run(&mut self, timeline: &Timeline, ops: &[Op], times: &[f64]) -> ReadResult<()> {
        self.waits = vec![Vec::new(); timeline.boxes.len()];
        let mut begun: Vec<(usize, Time)> = Vec::new();
        let mut edges = timeline.edges.iter().peekable();
        let mut delays = timeline.delays.iter().peekable();
        let mut at = 0;
        let mut here = Span::default();
        while at <= ops.len() {
            while let Some(edge) = edges.next_if(|edge| edge.at == at) {
                let found = &timeline.boxes[edge.number];
                here = found.span;
                let qubits = timeline.qubits_of(found, ops);
                if edge.begins {
                    self.is_timed |= found.time.is_some();
                    let time = self.meeting(&qubits, &[], found.span)?;
                    self.leave(&qubits, &time, false);
                    begun.push((edge.number, time));
                } else if let Some((number, begin)) = begun.pop() {
                    self.close(number, found, &qubits, &begin)?;
                }
            }
            let Some(op) = ops.get(at) else { break };
            if let Some(delay) = delays.next_if(|delay| delay.ops.start <= at) {
                here = delay.span;
                self.delay(delay, &ops[delay.ops.clone()])?;
                at = delay.ops.end.max(at);
                continue;
            }
            self.op(op, times[at] * NANO, here, begun.is_empty())?;
            at += 1;
        }
        self.finish_part(false, here)
    }

    fn delay(&mut self, delay: &StretchedDelay, ops: &[Op]) -> ReadResult<()> {
        self.is_timed = true;
        let time = Time::of(&delay.time);
        if time.known < 0.0 || time.factors.iter().any(|(_, factor)| *factor < 0.0) {
            self.row(&time, Relation::AtLeast, delay.span)?;
        }
        let qubits: BTreeSet<usize> = ops.iter().flat_map(|op| op.qubits.iter().copied()).collect();
        let qubits: Vec<usize> = qubits.into_iter().collect();
        let before = self.unknowns;
        let waited: Vec<Time> = ops.iter().flat_map(|op| self.waited(op)).collect();
        let begin = match (&qubits[..], &waited[..]) {
            ([qubit], []) => self.wires[*qubit].time.clone(),
            _ => self.meeting(&qubits, &waited, delay.span)?,
        };
        self.begins.extend(before..self.unknowns);
        self.leave(&qubits, &begin.plus(&time, 1.0), true);
        Ok(())
    }

    fn close(&mut self, number: usize, found: &TimedBox, qubits: &[usize], begin: &Time) -> ReadResult<()> {
        let arrivals: Vec<Arrival> = qubits.iter().map(|&qubit| self.wires[qubit].clone()).collect();
        let (end, is_exact) = match &found.time {
            None => (self.meeting(qubits, &[], found.span)?, false),
            Some(time) => {
                let time = Time::of(time);
                self.row(&time, Relation::AtLeast, found.span)?;
                let end = begin.plus(&time, 1.0);
                for arrival in &arrivals {
                    let relation = if arrival.is_exact { Relation::Equal } else { Relation::AtLeast };
                    self.row(&end.plus(&arrival.time, -1.0), relation, found.span)?;
                }
                (end, !time.factors.is_empty())
            }
        };
        self.waits[number] =
            qubits.iter().zip(&arrivals).map(|(&qubit, arrival)| (qubit, end.plus(&arrival.time, -1.0))).collect();
        self.leave(qubits, &end, is_exact);
        Ok(())
    }

    fn op(&mut self, op: &Op, nanoseconds: f64, here: Span, is_outside: bool) -> ReadResult<()> {
        if matches!(op.kind, OpKind::Barrier) {
            if is_outside && self.used.iter().all(|qubit| op.qubits.contains(qubit)) {
                return self.finish_part(true, here);
            }
            let time = self.meeting(&op.qubits, &[], here)?;
            self.leave(&op.qubits, &time, false);
            return Ok(());
        }
        let waited = self.waited(op);
        if op.qubits.is_empty() && waited.is_empty() {
            return Ok(());
        }
        let end = match (&op.qubits[..], &waited[..]) {
            // Alone on its way: whether it may wait does not change.
            ([qubit], []) => {
                let wire = &mut self.wires[*qubit];
                wire.time.known += nanoseconds;
                wire.time.clone()
            }
            (qubits, waited) => {
                let end = self.meeting(qubits, waited, here)?.after(nanoseconds);
                self.leave(qubits, &end, false);
                end
            }
        };
        if let Some(bit) = op.written_bit() {
            self.bits.insert(bit, end);
        }
        Ok(())
    }

    /// When the bits that an operation waits for are known.
    fn waited(&self, op: &Op) -> Vec<Time> {
        let read = op.condition.iter().flat_map(|condition| condition.bits.iter());
        read.filter_map(|bit| self.bits.get(bit).cloned()).collect()
    }

    fn leave(&mut self, qubits: &[usize], time: &Time, is_exact: bool) {
        for &qubit in qubits {
            self.wires[qubit] = Arrival { time: time.clone(), is_exact };
        }
    }

    /// When these qubits meet, not before these times.
    fn meeting(&mut self, qubits: &[usize], waited: &[Time], span: Span) -> ReadResult<Time> {
        let waited = waited.iter().map(|time| Arrival { time: time.clone(), is_exact: false });
        let mut arrivals: Vec<Arrival> = Vec::new();
        for arrival in qubits.iter().map(|&qubit| self.wires[qubit].clone()).chain(waited) {
            // Of times that differ by a known one only the latest matters, where nothing has to come exactly.
            match arrivals.iter_mut().find(|other| other.time.factors == arrival.time.factors) {
                Some(other) if (other.time.known - arrival.time.known).abs() <= EQUAL => {
                    other.is_exact |= arrival.is_exact;
                }
                Some(other) if !other.is_exact && other.time.known < arrival.time.known => *other = arrival,
                Some(other) if !arrival.is_exact && other.time.known > arrival.time.known => {}
                _ => arrivals.push(arrival),
            }
        }
        match &arrivals[..] {
            [] => Ok(Time::default()),
            [only] => Ok(only.time.clone()),
            _ => self.meeting_of(&arrivals, span),
        }
    }

    fn meeting_of(&mut self, arrivals: &[Arrival], span: Span) -> ReadResult<Time> {
        let time = Time { known: 0.0, factors: vec![(self.unknowns, 1.0)] };
        self.unknowns += 1;
        for arrival in arrivals {
            let relation = if arrival.is_exact { Relation::Equal } else { Relation::AtLeast };
            self.row(&time.plus(&arrival.time, -1.0), relation, span)?;
        }
        Ok(time)
    }

    /// This time is 0, or not below it.
    fn row(&mut self, time: &Time, relation: Relation, span: Span) -> ReadResult<()> {
        if time.factors.is_empty() {
            let holds = match relation {
                Relation::Equal => time.known.abs() <= EQUAL,
                Relation::AtLeast => time.known >= -EQUAL,
            };
            if holds {
                return Ok(());
            }
            let missing = Seconds(time.known.abs() / NANO);
            let message = format!("these times do not fit: {missing} are missing where qubits have to meet");
            return Err(Fault::new(message).hint("give the box or the delays more time").at(span));
        }
        self.rows.push(Row { terms: time.factors.clone(), relation, bound: -time.known });
        self.spans.push(span);
        Ok(())
    }

    /// Ends a part: at a barrier on all qubits, where delays that depend on stretches have to end with the others, or at
    /// the end of the text.
    fn finish_part(&mut self, meets: bool, span: Span) -> ReadResult<()> {
        let known = self.wires.iter().map(|wire| wire.time.known).fold(0.0, f64::max);
        if self.is_timed {
            let mut arrivals = self.wires.clone();
            arrivals.iter_mut().for_each(|arrival| arrival.is_exact &= meets);
            arrivals.dedup_by(|a, b| a.time == b.time && a.is_exact == b.is_exact);
            let unknown = self.unknowns;
            self.meeting_of(&arrivals, span)?;
            self.ends.push(unknown);
        } else {
            self.unknowns = self.part.0;
            self.rows.truncate(self.part.1);
            self.spans.truncate(self.part.1);
        }
        self.end += known;
        self.wires.iter_mut().for_each(|wire| *wire = Arrival::default());
        self.bits.clear();
        self.part = (self.unknowns, self.rows.len());
        self.is_timed = false;
        Ok(())
    }

    /// Nanoseconds of all unknowns.
    fn solved(&self) -> ReadResult<Vec<f64>> {
        let sum = |unknowns: &[usize]| unknowns.iter().map(|&unknown| (unknown, 1.0)).collect::<Vec<_>>();
        let mut objectives = vec![sum(&self.ends), sum(&self.begins)];
        objectives.extend((0..self.stretches).map(|stretch| vec![(stretch, 1.0)]));
        minimise(self.unknowns, &self.rows, &objectives)
            .map(|values| values.into_iter().map(rounded).collect())
            .map_err(|unsolved| match unsolved {
                Unsolved::Impossible { row } => {
                    let fault = Fault::new("no stretches make these delays end where the text wants it");
                    let hint = "what they have to fill is too short, or two delays say different things";
                    fault.hint(hint).at(self.spans[row])
                }
                Unsolved::Unbounded | Unsolved::TooLarge => {
                    let fault = Fault::new("too many operations between barriers depend on stretches");
                    fault.hint("put barriers on all qubits around the parts that are aligned").at(Span::default())
                }
            })
    }
}
