//! From statements to a circuit: names are looked up, numbers computed, gates and loops expanded.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::ops::Range as Indices;
use std::rc::Rc;

use super::condition::Guard;
use super::cursor::Version;
use super::error::{Fault, ReadResult, Span};
use super::expression::{Expression, Scope, Value};
use super::gates::Definition;
use super::parse::SyntaxTree;
use super::read::ReadOptions;
use super::syntax::{ForRange, Index, Name, Operand, Range, Statement, StatementKind as Kind, Time};
use crate::circuit::{Circuit, Op, OpKind, Param};
use crate::math::Seconds;

/// The circuit of a parsed text, and its notices.
pub(super) fn circuit(parsed: SyntaxTree, options: &ReadOptions) -> ReadResult<(Circuit, Vec<(Span, String)>)> {
    let mut builder = Builder::new(&parsed, options);
    builder.notices = parsed.notices;
    for statement in &parsed.statements {
        builder.statement(statement, &Guard::always())?;
    }
    builder.finish()
}

/// The meaning of a name.
#[derive(Clone, Debug)]
pub(super) enum Symbol {
    Qubits(Indices<usize>),
    Bits(Indices<usize>),
    /// Slots of an array of inputs.
    Inputs(Indices<usize>),
    Value(Value),
}

pub(super) struct Builder<'a> {
    pub options: &'a ReadOptions,
    pub version: Version,
    pub library: bool,
    /// Innermost last; the first is the global one.
    pub scopes: Vec<HashMap<String, Symbol>>,
    /// Whether a gate's body is being expanded: inputs are out of reach there.
    pub inside_gate: bool,
    pub gates: HashMap<String, Rc<Definition>>,
    /// Read when a gate is called that only they have.
    pub extensions: OnceCell<HashMap<String, Rc<Definition>>>,
    qubits: usize,
    physical: bool,
    bits: usize,
    slots: Vec<String>,
    ops: Vec<(Op, Span)>,
    steps: usize,
    pub notices: Vec<(Span, String)>,
}

impl Scope for Builder<'_> {
    fn value(&self, name: &str, index: Option<i128>) -> Result<Value, Fault> {
        let (depth, symbol) = self.symbol(name)?;
        match symbol {
            Symbol::Value(Value::Angle(_)) | Symbol::Inputs(_) if self.inside_gate && depth == 0 => {
                Err(Fault::new(format!("the input {name} is out of reach inside a gate"))
                    .hint("hand it to the gate as a parameter"))
            }
            Symbol::Value(_) if index.is_some() => Err(Fault::new(format!("{name} is a number and has no elements"))),
            Symbol::Value(value) => Ok(*value),
            Symbol::Inputs(slots) => {
                let size = slots.len();
                let element = index.and_then(|index| {
                    let index = if index < 0 { index.checked_add(size as i128)? } else { index };
                    slots.clone().nth(usize::try_from(index).ok()?)
                });
                let number = index.map_or(String::new(), |index| format!("[{index}]"));
                let fault = || Fault::new(format!("{name}{number} is no element of the {size} inputs {name}"));
                let slot = element.ok_or_else(|| fault().hint(format!("write {name}[0] to {name}[{}]", size - 1)))?;
                Ok(Value::Angle(Param::slot(slot)))
            }
            Symbol::Qubits(_) => Err(Fault::new(format!("{name} is a qubit, not a number"))),
            Symbol::Bits(_) => Err(Fault::new(format!("{name} is only known when the circuit runs"))
                .hint("use classical bits only in the condition of an if")),
        }
    }

    fn real_division(&self) -> bool {
        self.version == Version::Two
    }
}

impl<'a> Builder<'a> {
    pub fn new(parsed: &SyntaxTree, options: &'a ReadOptions) -> Self {
        Self {
            options,
            version: parsed.version,
            library: parsed.library,
            scopes: vec![HashMap::new()],
            inside_gate: false,
            gates: HashMap::new(),
            extensions: OnceCell::new(),
            qubits: 0,
            physical: false,
            bits: 0,
            slots: Vec::new(),
            ops: Vec::new(),
            steps: 0,
            notices: Vec::new(),
        }
    }

    fn finish(self) -> ReadResult<(Circuit, Vec<(Span, String)>)> {
        let mut circuit = Circuit::with_bits(self.qubits, self.bits);
        for name in self.slots {
            circuit.slot(name);
        }
        for (op, span) in self.ops {
            circuit.append(op).map_err(|error| Fault::new(error.to_string()).at(span))?;
        }
        Ok((circuit, self.notices))
    }

    /// Counts work, so that a short text cannot expand without bound.
    pub fn spend(&mut self, steps: usize, span: Span) -> ReadResult<()> {
        self.steps = self.steps.saturating_add(steps);
        if self.steps > self.options.max_operations {
            let fault = Fault::new(format!("the circuit expands to more than {} steps", self.options.max_operations));
            return Err(fault.hint("raise max_operations if you trust the text").at(span));
        }
        Ok(())
    }

    /// The symbol and the depth of its scope.
    pub fn symbol(&self, name: &str) -> Result<(usize, &Symbol), Fault> {
        let found = self.scopes.iter().enumerate().rev().find_map(|(depth, scope)| Some((depth, scope.get(name)?)));
        found.ok_or_else(|| {
            let known = self.scopes.iter().flat_map(|scope| scope.keys()).map(String::as_str);
            suggest(Fault::new(format!("nothing is called {name}")), name, known)
        })
    }

    fn declare(&mut self, name: &Name, symbol: Symbol) -> ReadResult<()> {
        let scope = self.scopes.last_mut().expect("the global scope is never left");
        match scope.insert(name.text.clone(), symbol) {
            None => Ok(()),
            Some(_) => Err(Fault::new(format!("{} is declared twice", name.text)).at(name.span)),
        }
    }

    fn size(&self, size: Option<&Expression>) -> ReadResult<usize> {
        let Some(size) = size else { return Ok(1) };
        let value = size.evaluate(self)?.integer().map_err(|fault| fault.at(size.span))?;
        let limit = self.options.max_register;
        match usize::try_from(value) {
            Ok(0) | Err(_) => Err(Fault::new(format!("a register of {value}")).hint("use 1 or more").at(size.span)),
            Ok(value) if value > limit => {
                let fault = Fault::new(format!("a register of {value} is larger than the limit of {limit}"));
                Err(fault.hint("raise max_register if you trust the text").at(size.span))
            }
            Ok(value) => Ok(value),
        }
    }

    fn grow(&self, held: usize, more: usize, what: &str, span: Span) -> ReadResult<Indices<usize>> {
        if held + more > self.options.max_register {
            let fault = Fault::new(format!("more than {} {what}", self.options.max_register));
            return Err(fault.hint("raise max_register if you trust the text").at(span));
        }
        Ok(held..held + more)
    }

    pub fn statement(&mut self, statement: &Statement, guard: &Guard) -> ReadResult<()> {
        let span = statement.span;
        self.spend(1, span)?;
        let declares = matches!(statement.kind, Kind::Gate { .. } | Kind::Qubits { .. } | Kind::Input { .. });
        if declares && self.scopes.len() > 1 {
            return Err(Fault::new("this declaration must be outside of blocks").at(span));
        }
        match &statement.kind {
            Kind::Gate { name, params, qubits, body } => self.define(name, params, qubits, body.as_deref()),
            Kind::Qubits { name, size } => {
                if self.physical {
                    let fault = Fault::new("physical qubits and registers do not mix");
                    return Err(fault.hint("use $0, $1, ... or a register throughout").at(span));
                }
                let range = self.grow(self.qubits, self.size(size.as_ref())?, "qubits", span)?;
                self.qubits = range.end;
                self.declare(name, Symbol::Qubits(range))
            }
            Kind::Bits { name, size, measured } => {
                let range = self.grow(self.bits, self.size(size.as_ref())?, "classical bits", span)?;
                self.bits = range.end;
                self.declare(name, Symbol::Bits(range.clone()))?;
                match measured {
                    Some(from) => self.measure(from, &range.collect::<Vec<_>>(), guard, span),
                    None => Ok(()),
                }
            }
            Kind::Input { name, size: None } => {
                self.slots.push(name.text.clone());
                self.declare(name, Symbol::Value(Value::Angle(Param::slot(self.slots.len() - 1))))
            }
            Kind::Input { name, size } => {
                let slots = self.grow(self.slots.len(), self.size(size.as_ref())?, "inputs", span)?;
                self.slots.extend((0..slots.len()).map(|k| format!("{}[{k}]", name.text)));
                self.declare(name, Symbol::Inputs(slots))
            }
            Kind::Constant { name, value } => {
                let value = value.evaluate(self)?;
                self.declare(name, Symbol::Value(value))
            }
            Kind::Call { .. } => self.call(statement, guard),
            Kind::Measure { from, to } => {
                let bits = self.elements(to, false)?;
                self.measure(from, &bits, guard, span)
            }
            Kind::Reset(operand) => {
                for qubit in self.elements(operand, true)? {
                    self.emit(Op::of(OpKind::Reset, &[qubit]), guard, span)?;
                }
                Ok(())
            }
            Kind::Barrier(operands) => {
                let mut qubits = Vec::new();
                for operand in operands {
                    qubits.extend(self.elements(operand, true)?);
                }
                qubits.sort_unstable();
                qubits.dedup();
                if operands.is_empty() {
                    qubits = (0..self.qubits).collect();
                }
                self.spend(qubits.len(), span)?;
                // A barrier does nothing, so no condition changes what it does.
                self.emit(Op::of(OpKind::Barrier, &qubits), &Guard::always(), span)
            }
            Kind::Delay { time, operands } => self.delay(*time, operands, guard, span),
            Kind::If { condition, then, otherwise } => self.branch(condition, then, otherwise, guard, span),
            Kind::For { variable, range, body } => {
                for value in self.range_values(range, span)? {
                    self.spend(1, span)?;
                    let inner = HashMap::from([(variable.text.clone(), Symbol::Value(value))]);
                    self.scoped(inner, |builder| builder.all(body, guard))?;
                }
                Ok(())
            }
            Kind::Block(body) => self.scoped(HashMap::new(), |builder| builder.all(body, guard)),
        }
    }

    fn all(&mut self, statements: &[Statement], guard: &Guard) -> ReadResult<()> {
        statements.iter().try_for_each(|statement| self.statement(statement, guard))
    }

    fn scoped(
        &mut self,
        scope: HashMap<String, Symbol>,
        work: impl FnOnce(&mut Self) -> ReadResult<()>,
    ) -> ReadResult<()> {
        self.scopes.push(scope);
        let done = work(self);
        self.scopes.pop();
        done
    }

    pub fn emit(&mut self, op: Op, guard: &Guard, span: Span) -> ReadResult<()> {
        for condition in guard.conditions() {
            self.spend(1, span)?;
            self.ops.push((Op { condition, ..op.clone() }, span));
        }
        Ok(())
    }

    fn branch(
        &mut self,
        condition: &Expression,
        then: &[Statement],
        otherwise: &[Statement],
        guard: &Guard,
        span: Span,
    ) -> ReadResult<()> {
        let (yes, no, tested) = Guard::of(condition, self)?;
        let first = self.ops.len();
        for (case, body) in [(Some(yes), then), (no, otherwise)] {
            if body.is_empty() {
                continue;
            }
            let Some(case) = case else {
                let fault = Fault::new(format!("the else of a condition on {} bits", tested.len()));
                return Err(fault.hint("test fewer bits, or write the other cases as branches of their own").at(span));
            };
            let guard = guard.and(&case, span)?;
            self.scoped(HashMap::new(), |builder| builder.all(body, &guard))?;
        }
        // Conditions are tested at each operation, the text tests once: the same unless a tested bit changes between.
        let last = self.ops.len().saturating_sub(1);
        for (position, (op, span)) in self.ops.iter().enumerate().skip(first) {
            if matches!(op.kind, OpKind::Measure { bit } if position < last && tested.contains(&bit)) {
                let fault = Fault::new("this measurement overwrites a bit that the branch around it has tested");
                return Err(fault.hint("measure into another bit, or last in the branch").at(*span));
            }
        }
        Ok(())
    }

    /// The elements an operand names, as indices of qubits or bits.
    pub fn elements(&mut self, operand: &Operand, quantum: bool) -> ReadResult<Vec<usize>> {
        let located = |fault: Fault| fault.at(operand.span);
        let name = &operand.name.text;
        if let Some(number) = name.strip_prefix('$') {
            return self.physical_qubit(number, operand.span).map(|qubit| vec![qubit]);
        }
        let register = match self.symbol(name).map_err(located)?.1 {
            Symbol::Qubits(range) if quantum => range.clone(),
            Symbol::Bits(range) if !quantum => range.clone(),
            _ => {
                let wanted = if quantum { "a qubit" } else { "a classical bit" };
                return Err(located(Fault::new(format!("{name} is not {wanted}"))));
            }
        };
        let negative = self.version == Version::Three;
        let element = |index: i128, span: Span| {
            // OpenQASM 3 counts negative indices from the end.
            let from_end = if index < 0 && negative { register.len() as i128 } else { 0 };
            match usize::try_from(index + from_end) {
                Ok(index) if index < register.len() => Ok(register.start + index),
                _ => {
                    let fault = Fault::new(format!("{name}[{index}] is outside the register of {}", register.len()));
                    Err(fault.hint(format!("use 0 to {}", register.len() - 1)).at(span))
                }
            }
        };
        match &operand.index {
            Index::All => Ok(register.collect()),
            Index::One(index) => {
                let value = index.evaluate(self)?.integer().map_err(|fault| fault.at(index.span))?;
                element(value, index.span).map(|one| vec![one])
            }
            Index::Range(range) => {
                let values = self.integers_of(range, (0, register.len() as i128 - 1), operand.span)?;
                values.into_iter().map(|value| element(value, operand.span)).collect()
            }
        }
    }

    fn physical_qubit(&mut self, number: &str, span: Span) -> ReadResult<usize> {
        if self.qubits > 0 && !self.physical {
            let fault = Fault::new("physical qubits and registers do not mix");
            return Err(fault.hint("use $0, $1, ... or a register throughout").at(span));
        }
        self.physical = true;
        match number.parse::<usize>() {
            Ok(qubit) if qubit < self.options.max_register => {
                self.qubits = self.qubits.max(qubit + 1);
                Ok(qubit)
            }
            _ => {
                let fault = Fault::new(format!("qubit ${number} is beyond the limit of {}", self.options.max_register));
                Err(fault.hint("raise max_register if you trust the text").at(span))
            }
        }
    }

    pub fn range_values(&mut self, range: &ForRange, span: Span) -> ReadResult<Vec<Value>> {
        match range {
            ForRange::Set(items) => items.iter().map(|item| item.evaluate(self)).collect(),
            ForRange::Range(range) => {
                if range.stop.is_none() {
                    return Err(Fault::new("this range has no end").hint("write [0:3]").at(span));
                }
                Ok(self.integers_of(range, (0, 0), span)?.into_iter().map(Value::Integer).collect())
            }
        }
    }

    /// The integers of a range, both ends included.
    fn integers_of(&mut self, range: &Range, ends: (i128, i128), span: Span) -> ReadResult<Vec<i128>> {
        let integer = |part: &Option<Expression>, other: i128| match part {
            None => Ok(other),
            Some(part) => part.evaluate(self)?.integer().map_err(|fault| fault.at(part.span)),
        };
        let step = integer(&range.step, 1)?;
        let (start, stop) = (integer(&range.start, ends.0)?, integer(&range.stop, ends.1)?);
        if step == 0 {
            return Err(Fault::new("a range with step 0 has no end").at(span));
        }
        let count = if (stop > start) == (step > 0) || stop == start {
            stop.saturating_sub(start).checked_div(step).map_or(0, |steps| steps.saturating_add(1))
        } else {
            0
        };
        self.spend(usize::try_from(count).unwrap_or(usize::MAX), span)?;
        Ok((0..count).map(|k| start + k * step).collect())
    }

    fn measure(&mut self, from: &Operand, bits: &[usize], guard: &Guard, span: Span) -> ReadResult<()> {
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

    fn delay(&mut self, time: Time, operands: &[Operand], guard: &Guard, span: Span) -> ReadResult<()> {
        let seconds = match (time, self.options.cycle) {
            (Time::Seconds(time), _) => time,
            (Time::Cycles(cycles), Some(Seconds(cycle))) => Seconds(cycles * cycle),
            (Time::Cycles(_), None) => {
                let fault = Fault::new("the length of dt is not known");
                return Err(fault.hint("write the delay in ns, or name the device").at(span));
            }
        };
        for operand in operands {
            for qubit in self.elements(operand, true)? {
                self.emit(Op::of(OpKind::Delay(seconds), &[qubit]), guard, span)?;
            }
        }
        Ok(())
    }
}

/// Adds the nearest known name as a hint, if one is near.
pub(super) fn suggest<'n>(fault: Fault, name: &str, known: impl Iterator<Item = &'n str>) -> Fault {
    let near = known.map(|other| (strsim::damerau_levenshtein(name, other), other)).min();
    match near {
        Some((distance, other)) if distance <= 2 && distance < name.chars().count() => {
            fault.hint(format!("did you mean {other}?"))
        }
        _ => fault,
    }
}
