//! Branches, and what leaves loops and subroutines. What depends on measurements becomes conditions.

use std::collections::{HashMap, HashSet};

use super::build::{Builder, Symbol};
use super::condition::{Cases, Guard, TRIED, Trial, tested};
use super::error::{Fault, ReadResult, Span};
use super::expression::{Expression, ExpressionKind};
use super::logic::{SCRATCH, Signal};
use super::syntax::{Operand, Source, Statement, StatementKind as Kind};
use super::value::Value;
use super::words::{Word, WordKind};
use crate::circuit::{Op, OpKind};

/// What comes behind a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    Next,
    Break,
    Continue,
    Return,
    End,
}

/// What a statement can leave.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub is_loop: bool,
    /// The guard's depth in it: at the same depth, all runs leave it together.
    pub depth: usize,
}

/// A bit that is 1 in the runs that have left something.
#[derive(Clone, Copy, Debug)]
pub(super) struct Interrupt {
    pub bit: usize,
    /// Position of the frame that is left; that of the text is none.
    frame: Option<usize>,
    flow: Flow,
}

impl Builder<'_> {
    /// Statements one after another. Behind one that some runs leave by, the others go on alone.
    pub fn all(&mut self, statements: &[Statement], guard: &Guard) -> ReadResult<Flow> {
        let known = self.interrupts.len();
        let mut here = guard.clone();
        let mut seen = known;
        for statement in statements {
            if self.interrupts.len() > seen {
                here = self.without_interrupts(&here, seen, statement.span)?;
                seen = self.interrupts.len();
            }
            let flow = self.perform(statement, &here)?;
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        Ok(Flow::Next)
    }

    /// The runs of a guard that none of the interrupts from this number on has taken.
    pub fn without_interrupts(&mut self, guard: &Guard, from: usize, span: Span) -> ReadResult<Guard> {
        let bits: Vec<usize> = self.interrupts[from.min(self.interrupts.len())..].iter().map(|i| i.bit).collect();
        let mut guard = guard.clone();
        for bit in bits {
            guard = self.narrow(&guard, &Guard::on(!Signal::of(bit)), span)?;
        }
        Ok(guard)
    }

    /// `break`, `continue`, `return`, `end`.
    pub fn leave(&mut self, flow: Flow, guard: &Guard, span: Span) -> ReadResult<Flow> {
        let frame = match flow {
            Flow::Break | Flow::Continue => {
                let Some(at) = self.frames.iter().rposition(|frame| frame.is_loop) else {
                    return Err(Fault::new("this is outside of any loop").at(span));
                };
                if self.frames[at..].iter().any(|frame| !frame.is_loop) {
                    return Err(Fault::new("this is outside of any loop of its subroutine").at(span));
                }
                Some(at)
            }
            Flow::Return => match self.frames.iter().rposition(|frame| !frame.is_loop) {
                Some(at) => Some(at),
                None => return Err(Fault::new("return is outside of any subroutine").at(span)),
            },
            Flow::End | Flow::Next => None,
        };
        let depth = frame.map_or(0, |at| self.frames[at].depth);
        if guard.depth() == depth {
            return Ok(flow);
        }
        // A guard that holds a copy of the bit would not see that it is set again.
        let tested = |bit| guard.cases().iter().all(|case| case.bits.contains(&bit));
        let known =
            self.interrupts.iter().find(|known| known.frame == frame && known.flow == flow && tested(known.bit));
        let bit = match known {
            Some(known) => known.bit,
            None => {
                let bit = self.fresh(span)?;
                self.interrupts.push(Interrupt { bit, frame, flow });
                bit
            }
        };
        self.emit(Op::of(OpKind::Assign { bit, value: true }, &[]), guard, span)?;
        Ok(Flow::Next)
    }

    /// Forgets what left a frame, or only the rounds of its loop.
    pub fn forget(&mut self, frame: usize, rounds_only: bool) {
        self.interrupts.retain(|interrupt| {
            let is_inner = interrupt.frame.is_some_and(|of| of > frame);
            let is_own = interrupt.frame == Some(frame) && (!rounds_only || interrupt.flow == Flow::Continue);
            !(is_inner || is_own)
        });
    }

    pub fn branch(
        &mut self,
        condition: &Expression,
        then: &[Statement],
        otherwise: &[Statement],
        guard: &Guard,
        span: Span,
    ) -> ReadResult<Flow> {
        let condition = self.hoist(condition, guard)?;
        let bodies = [then, otherwise];
        if !self.depends(&condition) {
            let holds = condition.evaluate(self)?.truth().map_err(|fault| fault.at(condition.span))?;
            let body = if holds { then } else { otherwise };
            return self.scoped(HashMap::new(), |builder| builder.all(body, guard));
        }
        let [yes, no] = self.cases(&condition, &bodies, span)?;
        for (case, body) in [yes, no].into_iter().zip(bodies) {
            if body.is_empty() || case.is_never() {
                continue;
            }
            let inner = self.narrow(guard, &case, span)?;
            self.scoped(HashMap::new(), |builder| builder.all(body, &inner))?;
        }
        Ok(Flow::Next)
    }

    /// When a condition holds and when it does not, whatever these statements do to what it tests.
    fn cases(&mut self, condition: &Expression, bodies: &[&[Statement]], span: Span) -> ReadResult<[Guard; 2]> {
        let mut bits = Vec::new();
        // Those of few bits are wrong for a reason that computing with them does not change.
        let few = tested(condition, self, &mut bits).is_ok() && bits.len() <= TRIED;
        let direct = match Cases::of(condition, self) {
            Err(error) if few => return Err(error),
            found => found,
        };
        let whole = |cases: &Cases| {
            let needed = [cases.yes.as_ref(), cases.no.as_ref()].into_iter().zip(bodies);
            needed.into_iter().all(|(case, body)| case.is_some() || body.is_empty())
        };
        let [yes, no] = match direct {
            Ok(cases) if whole(&cases) => {
                let never = || Guard::on(Signal::Known(false));
                let decided = [&cases.yes, &cases.no].into_iter().flatten().any(Guard::is_never);
                let bits = cases.bits;
                let pair = [cases.yes.unwrap_or_else(never), cases.no.unwrap_or_else(never)];
                if decided || !self.overwrites(bodies, &bits, &pair)? {
                    return Ok(pair);
                }
                let used = if bodies[0].is_empty() { 1 } else { 0 };
                let bit = Signal::of(self.freeze(&pair[used], span)?);
                let [first, second] = [Guard::on(bit), Guard::on(!bit)];
                return Ok(if used == 0 { [first, second] } else { [second, first] });
            }
            // Too many bits or cases for a table.
            _ => {
                let signal = self.truth_of(condition)?;
                [signal, !signal]
            }
        };
        if let Signal::Bit { bit, .. } = yes
            && bit < SCRATCH
        {
            let mut copy = [yes];
            self.settle(&mut copy, span)?;
            return Ok([Guard::on(copy[0]), Guard::on(!copy[0])]);
        }
        Ok([Guard::on(yes), Guard::on(no)])
    }

    pub fn truth_of(&mut self, condition: &Expression) -> ReadResult<Signal> {
        let word = self.word(condition)?;
        if word.kind == WordKind::Turn {
            return Err(Fault::new("this is not a truth value").hint("compare it with an angle").at(condition.span));
        }
        self.truth(&word, condition.span)
    }

    /// Whether statements change bits that a condition around them tests, but for a measurement as the very last thing.
    fn overwrites(&mut self, bodies: &[&[Statement]], bits: &[usize], cases: &[Guard; 2]) -> ReadResult<bool> {
        let mut writes = Writes::default();
        let may_end = bodies[1].is_empty() && cases[0].cases().len() == 1;
        for body in bodies {
            let body = if may_end { self.before_last(body, &mut writes) } else { *body };
            writes.add(body);
        }
        self.work(writes.seen, Span::default())?;
        if writes.calls && !self.subroutines.is_empty() {
            return Ok(true);
        }
        for name in &writes.names {
            if let Some((_, Symbol::Bits(register))) = self.found(name) {
                self.work(register.len() / 4, Span::default())?;
                if register.iter().any(|bit| bits.contains(&bit)) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// The statements before one that changes one bit by one operation; adds what those around it change.
    fn before_last<'s>(&mut self, mut body: &'s [Statement], writes: &mut Writes) -> &'s [Statement] {
        loop {
            let Some((last, rest)) = body.split_last() else { return body };
            match &last.kind {
                Kind::Measure { from, to } if self.is_one(from) && self.is_one(to) => return rest,
                Kind::Assign { to, operator: None, source: Source::Expression(value) }
                    if matches!(value.kind, ExpressionKind::Value(_)) && self.is_one(to) =>
                {
                    return rest;
                }
                Kind::If { condition, then, otherwise } if otherwise.is_empty() => {
                    writes.expression(condition);
                    writes.add(rest);
                    body = then;
                }
                _ => return body,
            }
        }
    }

    fn is_one(&mut self, operand: &Operand) -> bool {
        let quantum = matches!(self.found(&operand.name.text), Some((_, Symbol::Qubits(_))) | None);
        self.elements(operand, quantum).is_ok_and(|found| found.len() == 1)
    }

    pub fn switch(
        &mut self,
        on: &Expression,
        cases: &[(Vec<Expression>, Vec<Statement>)],
        otherwise: &[Statement],
        guard: &Guard,
        span: Span,
    ) -> ReadResult<Flow> {
        let on = self.hoist(on, guard)?;
        let mut case_of: HashMap<i128, usize> = HashMap::new();
        let mut values: Vec<Vec<i128>> = Vec::with_capacity(cases.len());
        for (k, (list, _)) in cases.iter().enumerate() {
            let mut numbers = Vec::with_capacity(list.len());
            for value in list {
                let number = value.integer(self)?;
                if case_of.insert(number, k).is_some() {
                    let fault = Fault::new(format!("case {number} stands twice in this switch"));
                    return Err(fault.at(value.span));
                }
                numbers.push(number);
            }
            values.push(numbers);
        }
        let case_of = |number: i128| case_of.get(&number).copied();
        let bodies: Vec<&[Statement]> = cases.iter().map(|(_, body)| &body[..]).chain([otherwise]).collect();
        if !self.depends(&on) {
            let number = on.integer(self)?;
            let body = bodies[case_of(number).unwrap_or(cases.len())];
            return self.scoped(HashMap::new(), |builder| builder.all(body, guard));
        }
        // Bodies may change what was tested.
        let writes = Writes::of(bodies.iter().copied());
        self.work(writes.seen, span)?;
        let mut word = self.word(&on)?;
        if word.kind == WordKind::Turn {
            let fault = Fault::new("an angle is not an integer");
            return Err(fault.hint("cast it to bits first").at(on.span));
        }
        if (writes.calls && !self.subroutines.is_empty()) || !writes.names.is_empty() {
            self.settle(&mut word.bits, span)?;
        }
        let mut seen = HashSet::new();
        let bits = word.bits.iter().filter_map(|signal| signal.bit());
        let bits: Vec<usize> = bits.filter(|bit| seen.insert(*bit)).collect();
        let mut guards = Vec::with_capacity(bodies.len());
        if bits.len() <= TRIED {
            let mut taken = vec![Vec::new(); bodies.len()];
            for trial in 0..1u64 << bits.len() {
                let value = word.value(|signal| match signal {
                    Signal::Known(value) => value,
                    Signal::Bit { bit, inverted } => {
                        let at = bits.iter().position(|other| *other == bit).unwrap_or(0);
                        (trial >> at & 1 == 1) != inverted
                    }
                });
                let number = value.and_then(|value| value.integer().ok()).and_then(case_of);
                taken[number.unwrap_or(cases.len())].push(trial);
            }
            guards.extend(taken.iter().map(|values| Guard::values(&bits, values)));
        } else {
            let mut any = Vec::new();
            for numbers in values {
                let mut found = Vec::with_capacity(numbers.len());
                for number in numbers {
                    let number = Word::of(Value::Integer(number)).map_err(|fault| fault.at(span))?;
                    found.push(self.equal(word.clone(), number, span)?);
                }
                let signal = self.any_of(&found, span)?;
                any.push(signal);
                guards.push(Guard::on(signal));
            }
            let signal = self.any_of(&any, span)?;
            guards.push(Guard::on(!signal));
        }
        for (case, body) in guards.into_iter().zip(bodies) {
            if body.is_empty() || case.is_never() {
                continue;
            }
            let inner = self.narrow(guard, &case, span)?;
            self.scoped(HashMap::new(), |builder| builder.all(body, &inner))?;
        }
        Ok(Flow::Next)
    }

    /// A call whose angles depend on measurements, once for each of their values.
    pub fn call_by_values(&mut self, statement: &Statement, guard: &Guard) -> ReadResult<()> {
        /// Bits that angles may depend on.
        const ANGLE_BITS: usize = 10;
        let Kind::Call { modifiers, name, arguments, operands } = &statement.kind else { return Ok(()) };
        let mut bits = Vec::new();
        for argument in arguments {
            tested(argument, self, &mut bits)?;
        }
        if bits.len() > ANGLE_BITS {
            let fault = Fault::new(format!("the angles of {} depend on {} bits", name.text, bits.len()));
            let hint = format!("at most {ANGLE_BITS} can be distinguished: apply the gate once for each bit instead");
            return Err(fault.hint(hint).at(statement.span));
        }
        for value in 0..1u64 << bits.len() {
            let trial = Trial { builder: self, bits: &bits, value };
            let mut fixed = Vec::with_capacity(arguments.len());
            for argument in arguments {
                fixed.push(Expression::value(argument.evaluate(&trial)?, argument.span));
            }
            let kind = Kind::Call {
                modifiers: modifiers.clone(),
                name: name.clone(),
                arguments: fixed,
                operands: operands.clone(),
            };
            let inner = self.narrow(guard, &Guard::values(&bits, &[value]), statement.span)?;
            if !inner.is_never() {
                self.call(&Statement { kind, span: statement.span }, &inner)?;
            }
        }
        Ok(())
    }
}

/// What statements change: the names that they assign or measure into, and whether they may call a subroutine.
#[derive(Default)]
struct Writes {
    names: HashSet<String>,
    calls: bool,
    /// Statements and parts of expressions that were looked at.
    seen: usize,
}

impl Writes {
    fn of<'s>(bodies: impl IntoIterator<Item = &'s [Statement]>) -> Self {
        let mut writes = Self::default();
        bodies.into_iter().for_each(|body| writes.add(body));
        writes
    }

    fn add(&mut self, statements: &[Statement]) {
        self.seen += statements.len();
        for statement in statements {
            match &statement.bare().kind {
                Kind::Measure { to, .. } => _ = self.names.insert(to.name.text.clone()),
                Kind::Assign { to, source, .. } => {
                    self.names.insert(to.name.text.clone());
                    self.source(source);
                }
                // Who writes to an alias writes to what it stands for.
                Kind::Alias { parts, .. } => self.names.extend(parts.iter().map(|part| part.name.text.clone())),
                Kind::Call { .. } => self.calls = true,
                Kind::Variable { initial: Some(source), .. }
                | Kind::Bits { initial: Some(source), .. }
                | Kind::Return(Some(source)) => self.source(source),
                Kind::Delay { time: value, .. } | Kind::Expression(value) => self.expression(value),
                Kind::If { condition, then, otherwise } => {
                    self.expression(condition);
                    self.add(then);
                    self.add(otherwise);
                }
                Kind::While { condition, body } => {
                    self.expression(condition);
                    self.add(body);
                }
                Kind::For { body, .. } | Kind::Block(body) | Kind::Box { body, .. } => self.add(body),
                Kind::Switch { on, cases, otherwise } => {
                    self.expression(on);
                    cases.iter().for_each(|(_, body)| self.add(body));
                    self.add(otherwise);
                }
                _ => {}
            }
        }
    }

    fn source(&mut self, source: &Source) {
        match source {
            Source::Expression(expression) => self.expression(expression),
            Source::Measure(_) => {}
            Source::List(items, _) => items.iter().for_each(|item| self.source(item)),
            Source::Joined(parts, _) => parts.iter().for_each(|part| self.expression(part)),
        }
    }

    fn expression(&mut self, expression: &Expression) {
        self.seen += 1;
        match &expression.kind {
            ExpressionKind::Value(_)
            | ExpressionKind::Long { .. }
            | ExpressionKind::Name(_)
            | ExpressionKind::DurationOf(_) => {}
            ExpressionKind::Element(_, index) => index.expressions().into_iter().for_each(|part| self.expression(part)),
            ExpressionKind::Part(inner, index) => {
                self.expression(inner);
                index.expressions().into_iter().for_each(|part| self.expression(part));
            }
            ExpressionKind::Unary(_, inner) | ExpressionKind::Cast { inner, .. } => self.expression(inner),
            ExpressionKind::Binary(_, left, right) => {
                self.expression(left);
                self.expression(right);
            }
            ExpressionKind::Call(..) => self.calls = true,
        }
    }
}
