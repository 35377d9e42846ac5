//! From statements to a circuit: names are looked up, numbers computed, gates and loops expanded.

use std::cell::{Cell, OnceCell};
use std::collections::{HashMap, HashSet};
use std::ops::Range as Indices;
use std::rc::Rc;

use super::condition::{Cases, Guard};
use super::cursor::Version;
use super::error::{Fault, ReadResult, Span};
use super::expression::{Expression, Scope};
use super::gates::Definition;
use super::parse::Receiver;
use super::read::ReadOptions;
use super::scope::element;
use super::syntax::{ForRange, Index, Name, Operand, Statement, StatementKind as Kind, Type};
use super::value::Value;
use crate::circuit::{Circuit, Op, OpKind};
use crate::math::Seconds;

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
    physical: bool,
    circuit: Circuit,
    /// Branches around the statement.
    branches: usize,
    /// Position and text of each measurement inside a branch.
    measurements: Vec<(usize, Span)>,
    pub steps: Cell<usize>,
    pub most_steps: usize,
    pub notices: Vec<(Span, String)>,
}

impl Receiver for Builder<'_> {
    fn version(&mut self, version: Version) {
        self.version = version;
    }

    fn library(&mut self) {
        self.library = true;
    }

    fn statement(&mut self, statement: Statement) -> ReadResult<()> {
        self.perform(&statement, &Guard::always())
    }

    fn notice(&mut self, span: Span, message: String) {
        self.notices.push((span, message));
    }
}

impl<'a> Builder<'a> {
    /// For a text of `bytes` bytes, each of which pays for a step: what a text writes out is never too much work.
    pub fn new(options: &'a ReadOptions, bytes: usize) -> Self {
        Self {
            options,
            version: Version::Three,
            library: false,
            scopes: vec![HashMap::new()],
            inside_gate: false,
            gates: HashMap::new(),
            extensions: OnceCell::new(),
            physical: false,
            circuit: Circuit::new(0),
            branches: 0,
            measurements: Vec::new(),
            steps: Cell::new(0),
            most_steps: options.max_operations.saturating_add(bytes),
            notices: Vec::new(),
        }
    }

    /// The circuit and the notices.
    pub fn finish(self) -> (Circuit, Vec<(Span, String)>) {
        (self.circuit, self.notices)
    }

    /// [`Scope::spend`] at a position.
    pub fn work(&self, steps: usize, span: Span) -> ReadResult<()> {
        self.spend(steps).map_err(|fault| fault.at(span))
    }

    /// Whether -1 is the last element of a register.
    pub fn counts_from_end(&self) -> bool {
        self.version == Version::Three
    }

    fn declare(&mut self, name: &Name, symbol: Symbol) -> ReadResult<()> {
        let scope = self.scopes.last_mut().expect("the global scope is never left");
        match scope.insert(name.text.clone(), symbol) {
            None => Ok(()),
            Some(_) => Err(Fault::new(format!("{} is declared twice", name.text)).at(name.span)),
        }
    }

    fn register_size(&self, size: Option<&Expression>) -> ReadResult<usize> {
        let Some(size) = size else { return Ok(1) };
        let value = size.integer(self)?;
        let limit = self.options.max_register;
        match usize::try_from(value) {
            Ok(0) | Err(_) => Err(Fault::new(format!("a register of {value}")).hint("use 1 or more").at(size.span)),
            Ok(value) if value > limit => {
                let fault = Fault::new(format!("a register of {value} is larger than the limit of {limit}"));
                Err(fault.hint("declare fewer, or read it with larger ReadOptions::max_register").at(size.span))
            }
            Ok(value) => Ok(value),
        }
    }

    fn grow(&self, held: usize, more: usize, what: &str, span: Span) -> ReadResult<Indices<usize>> {
        if held + more > self.options.max_register {
            let fault = Fault::new(format!("more than {} {what}", self.options.max_register));
            return Err(fault.hint("declare fewer, or read it with larger ReadOptions::max_register").at(span));
        }
        Ok(held..held + more)
    }

    pub fn perform(&mut self, statement: &Statement, guard: &Guard) -> ReadResult<()> {
        let span = statement.span;
        self.work(1, span)?;
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
                let range = self.grow(self.circuit.qubits(), self.register_size(size.as_ref())?, "qubits", span)?;
                self.circuit.widen(range.end, 0);
                self.declare(name, Symbol::Qubits(range))
            }
            Kind::Bits { name, size, measured } => {
                let range =
                    self.grow(self.circuit.bits(), self.register_size(size.as_ref())?, "classical bits", span)?;
                self.circuit.widen(0, range.end);
                self.declare(name, Symbol::Bits(range.clone()))?;
                match measured {
                    Some(from) => self.measure(from, &range.collect::<Vec<_>>(), guard, span),
                    None => Ok(()),
                }
            }
            Kind::Input { name, size: None } => {
                let slot = self.circuit.slot(name.text.clone());
                self.declare(name, Symbol::Value(Value::Angle(slot)))
            }
            Kind::Input { name, size } => {
                let slots = self.grow(self.circuit.slots(), self.register_size(size.as_ref())?, "inputs", span)?;
                (0..slots.len()).for_each(|k| _ = self.circuit.slot(format!("{}[{k}]", name.text)));
                self.declare(name, Symbol::Inputs(slots))
            }
            Kind::Constant { kind, width, name, value } => {
                let width = width.as_ref().map(|width| width.width(self)).transpose()?;
                // A number with a point is no integer by accident: that takes a cast.
                let given = match (kind, value.evaluate(self)?) {
                    (Type::Int | Type::Uint | Type::Bit, Value::Real(number)) => {
                        Value::Real(number).integer().map(Value::Integer)
                    }
                    (_, given) => Ok(given),
                };
                let value = given.and_then(|given| given.cast(*kind, width)).map_err(|fault| fault.at(value.span))?;
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
                let qubits = self.barrier(operands)?;
                self.work(qubits.len(), span)?;
                // A barrier does nothing, so no condition changes what it does.
                self.emit(Op::of(OpKind::Barrier, &qubits), &Guard::always(), span)
            }
            Kind::Delay { time, operands } => self.delay(time, operands, guard, span),
            Kind::If { condition, then, otherwise } => self.branch(condition, then, otherwise, guard, span),
            Kind::For { variable, range, body } => {
                for value in self.range_values(range, span)? {
                    self.work(1, span)?;
                    let inner = HashMap::from([(variable.text.clone(), Symbol::Value(value))]);
                    self.scoped(inner, |builder| builder.all(body, guard))?;
                }
                Ok(())
            }
            Kind::Block(body) => self.scoped(HashMap::new(), |builder| builder.all(body, guard)),
        }
    }

    fn all(&mut self, statements: &[Statement], guard: &Guard) -> ReadResult<()> {
        statements.iter().try_for_each(|statement| self.perform(statement, guard))
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
        if guard.is_always() {
            return self.append(op, span);
        }
        for condition in guard.conditions() {
            self.append(Op { condition, ..op.clone() }, span)?;
        }
        Ok(())
    }

    fn append(&mut self, op: Op, span: Span) -> ReadResult<()> {
        // The lists of an operation are memory: they count as more work.
        let listed = op.qubits.len() + op.condition.as_ref().map_or(0, |condition| condition.bits.len());
        self.work(1 + listed / 4, span)?;
        if self.circuit.ops().len() >= self.options.max_operations {
            let fault = Fault::new(format!("the circuit has more than {} operations", self.options.max_operations));
            let hint = "write a smaller circuit, or read it with larger ReadOptions::max_operations";
            return Err(fault.hint(hint).at(span));
        }
        if self.branches > 0 && matches!(op.kind, OpKind::Measure { .. }) {
            self.measurements.push((self.circuit.ops().len(), span));
        }
        self.circuit.append(op).map_err(|error| Fault::new(error.to_string()).at(span))?;
        Ok(())
    }

    /// Qubits of a barrier, ascending. Operands may name a qubit many times.
    fn barrier(&mut self, operands: &[Operand]) -> ReadResult<Vec<usize>> {
        if operands.is_empty() {
            return Ok((0..self.circuit.qubits()).collect());
        }
        let mut whole: HashSet<&str> = HashSet::new();
        let mut qubits = Vec::new();
        for operand in operands {
            if matches!(operand.index, Index::All) && !whole.insert(&operand.name.text) {
                continue;
            }
            qubits.extend(self.elements(operand, true)?);
        }
        qubits.sort_unstable();
        qubits.dedup();
        Ok(qubits)
    }

    fn branch(
        &mut self,
        condition: &Expression,
        then: &[Statement],
        otherwise: &[Statement],
        guard: &Guard,
        span: Span,
    ) -> ReadResult<()> {
        let Cases { yes, no, bits: tested } = Cases::of(condition, self)?;
        let (first, measured) = (self.circuit.ops().len(), self.measurements.len());
        self.branches += 1;
        for (case, body, part) in [(yes, then, "condition"), (no, otherwise, "else of a condition")] {
            if body.is_empty() {
                continue;
            }
            let Some(case) = case else {
                let fault = Fault::new(format!("the {part} on {} bits takes too many cases", tested.len()));
                return Err(fault.hint("test fewer bits, or write the cases as branches of their own").at(span));
            };
            let guard = guard.within(&case, span)?;
            self.scoped(HashMap::new(), |builder| builder.all(body, &guard))?;
        }
        self.branches -= 1;
        // Conditions are tested at each operation, the text tests once: the same unless a tested bit changes between.
        let last = self.circuit.ops().len().saturating_sub(1);
        for &(position, span) in &self.measurements[measured..] {
            let kind = &self.circuit.ops()[position].kind;
            if matches!(kind, OpKind::Measure { bit } if position < last && tested.contains(bit)) {
                debug_assert!(position >= first, "measured in this branch");
                let fault = Fault::new("this measurement overwrites a bit that the branch around it has tested");
                return Err(fault.hint("measure into another bit, or last in the branch").at(span));
            }
        }
        if self.branches == 0 {
            self.measurements.clear();
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
        let three = self.counts_from_end();
        let one = |index: i128, span: Span| element(name, &register, index, three).map_err(|fault| fault.at(span));
        match &operand.index {
            Index::All => {
                self.work(register.len() / 4, operand.span)?;
                Ok(register.collect())
            }
            Index::One(index) => one(index.integer(self)?, index.span).map(|found| vec![found]),
            Index::Range(range) => {
                let values = range.elements(self, register.len(), operand.span)?;
                values.into_iter().map(|value| one(value, operand.span)).collect()
            }
        }
    }

    fn physical_qubit(&mut self, number: &str, span: Span) -> ReadResult<usize> {
        if self.circuit.qubits() > 0 && !self.physical {
            let fault = Fault::new("physical qubits and registers do not mix");
            return Err(fault.hint("use $0, $1, ... or a register throughout").at(span));
        }
        self.physical = true;
        match number.parse::<usize>() {
            Ok(qubit) if qubit < self.options.max_register => {
                self.circuit.widen(qubit + 1, 0);
                Ok(qubit)
            }
            _ => {
                let fault = Fault::new(format!("qubit ${number} is beyond the limit of {}", self.options.max_register));
                Err(fault.hint("declare fewer, or read it with larger ReadOptions::max_register").at(span))
            }
        }
    }

    /// The values of a loop's variable, made as the loop goes on.
    pub fn range_values(&self, range: &ForRange, span: Span) -> ReadResult<Box<dyn Iterator<Item = Value>>> {
        match range {
            ForRange::Set(items) => {
                let values: Vec<Value> = items.iter().map(|item| item.evaluate(self)).collect::<ReadResult<_>>()?;
                Ok(Box::new(values.into_iter()))
            }
            ForRange::Range(range) => {
                if range.stop.is_none() {
                    return Err(Fault::new("this range has no end").hint("write [0:3]").at(span));
                }
                Ok(Box::new(range.integers(self, (0, 0), span)?.map(Value::Integer)))
            }
        }
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

    fn delay(&mut self, time: &Expression, operands: &[Operand], guard: &Guard, span: Span) -> ReadResult<()> {
        let located = |fault: Fault| fault.at(time.span);
        let Value::Duration { seconds, cycles } = time.evaluate(self)? else {
            let hint = "write a number and ns, us, ms, s or dt, as in delay[100ns]";
            return Err(located(Fault::new("this is no duration").hint(hint)));
        };
        let seconds = match self.options.cycle {
            _ if cycles == 0.0 => seconds,
            Some(Seconds(cycle)) => seconds + cycles * cycle,
            None => {
                let fault = Fault::new("the length of dt is not known");
                return Err(fault.hint("write the delay in ns, or name the device").at(span));
            }
        };
        if seconds < 0.0 {
            return Err(located(Fault::new("this duration is negative").hint("a delay takes 0 or more")));
        }
        for operand in operands {
            for qubit in self.elements(operand, true)? {
                self.emit(Op::of(OpKind::Delay(Seconds(seconds)), &[qubit]), guard, span)?;
            }
        }
        Ok(())
    }
}
