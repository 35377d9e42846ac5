//! From statements to a circuit: names are looked up, numbers computed, gates and loops expanded.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{HashMap, HashSet};
use std::ops::Range as Indices;
use std::rc::Rc;

use super::condition::Guard;
use super::contents::{Array, Register, Variable};
use super::cursor::Version;
use super::directives::Directives;
use super::error::{Fault, ReadResult, Span};
use super::expression::{Expression, Scope};
use super::flow::{Flow, Frame, Interrupt};
use super::gates::Definition;
use super::logic::Scratch;
use super::parse::Receiver;
use super::plain::PlainGates;
use super::read::{OutcomeRegister, ReadOptions};
use super::scope::element;
use super::syntax::{Binding, Extern, ForRange, Index, Name, Operand, Statement, StatementKind as Kind, Subroutine};
use super::timing::Stretches;
use super::value::Value;
use crate::circuit::derived::DerivedList;
use crate::circuit::slots::UNNUMBERED;
use crate::circuit::{Circuit, Gate, Op, OpKind};

/// Statements within each other, those of subroutines that are called included: far below the stack.
const PERFORMED: usize = 128;

/// The meaning of a name.
#[derive(Clone, Debug)]
pub(super) enum Symbol {
    Qubits(Register),
    /// Bits of the circuit's register, or an alias of some.
    Bits(Register),
    /// Slots of an array of inputs.
    Inputs(Indices<usize>),
    /// A constant.
    Value(Value),
    Variable(Box<Variable>),
    Array(Box<Array>),
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
    pub plain_gates: PlainGates,
    /// Read when a gate is called that only they have.
    pub extensions: OnceCell<HashMap<String, Rc<Definition>>>,
    pub physical: bool,
    pub circuit: Circuit,
    /// Scopes below this, but for the global one, are out of reach: those of callers.
    pub base: usize,
    pub subroutines: HashMap<String, Rc<Subroutine>>,
    /// Functions that are declared and have no text.
    pub externs: HashMap<String, Rc<Extern>>,
    /// What the caller gives externs to compute, until they are declared.
    pub bindings: HashMap<String, Binding>,
    pub scratch: Scratch,
    pub stretches: RefCell<Stretches>,
    pub directives: Directives,
    /// Bits of registers whose value is known here.
    pub known: HashMap<usize, bool>,
    pub frames: Vec<Frame>,
    pub interrupts: Vec<Interrupt>,
    /// Names of values that subroutines returned to the statements that are performed.
    pub hoisted: Vec<String>,
    /// Registers of bits with their names, and whether they are declared as output.
    pub registers: Vec<(OutcomeRegister, bool)>,
    /// Angles that are computed of inputs.
    pub derived: RefCell<DerivedList>,
    /// Names that are declared as input.
    pub inputs: Vec<String>,
    /// Variables that are declared as output.
    pub outputs: Vec<Name>,
    /// Levels of expressions within which subroutines are being called.
    pub levels: usize,
    /// Statements within each other that are performed.
    depth: usize,
    /// Whether the text has ended for every run.
    ended: bool,
    /// Notices found where only reading is possible, each once however often a loop comes by.
    late_notices: RefCell<HashSet<(Span, String)>>,
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
        self.plain_gates.forget();
    }

    fn statement(&mut self, statement: Statement) -> ReadResult<()> {
        if self.ended {
            return Ok(());
        }
        let guard = self.without_interrupts(&Guard::always(), 0, statement.span)?;
        if matches!(statement.bare().kind, Kind::Gate { .. } | Kind::Subroutine(_) | Kind::Extern(_)) {
            self.plain_gates.forget();
        }
        if self.perform(&statement, &guard)? == Flow::End {
            self.ended = true;
        }
        Ok(())
    }

    fn plain_gate(&mut self, name: &str) -> Option<Gate> {
        self.find_plain_gate(name)
    }

    fn qubit(&self, register: &str, index: usize) -> Option<usize> {
        self.find_qubit(register, index)
    }

    fn plain(&mut self, op: Op) -> bool {
        self.append_plain(op)
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
            plain_gates: PlainGates::default(),
            extensions: OnceCell::new(),
            physical: false,
            circuit: Circuit::new(0),
            base: 0,
            subroutines: HashMap::new(),
            externs: HashMap::new(),
            bindings: HashMap::new(),
            scratch: Scratch::default(),
            stretches: RefCell::default(),
            directives: Directives::default(),
            known: HashMap::new(),
            frames: Vec::new(),
            interrupts: Vec::new(),
            hoisted: Vec::new(),
            registers: Vec::new(),
            derived: RefCell::new(DerivedList::new(UNNUMBERED)),
            inputs: Vec::new(),
            outputs: Vec::new(),
            levels: 0,
            depth: 0,
            ended: false,
            late_notices: RefCell::default(),
            steps: Cell::new(0),
            most_steps: options.max_operations.saturating_add(bytes),
            notices: Vec::new(),
        }
    }

    /// Reports something while the text is only looked at.
    pub fn note_late(&self, span: Span, message: String) {
        self.late_notices.borrow_mut().insert((span, message));
    }

    /// All notices; a caller sorts them.
    pub fn take_notices(&mut self) -> Vec<(Span, String)> {
        let mut late: Vec<(Span, String)> = self.late_notices.take().into_iter().collect();
        late.sort();
        self.notices.append(&mut late);
        std::mem::take(&mut self.notices)
    }

    /// Whether the text has ended for every run.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// Operations so far.
    pub fn operations(&self) -> usize {
        self.circuit.ops().len()
    }

    /// [`Scope::spend`] at a position.
    pub fn work(&self, steps: usize, span: Span) -> ReadResult<()> {
        self.spend(steps).map_err(|fault| fault.at(span))
    }

    /// Whether -1 is the last element of a register.
    pub fn counts_from_end(&self) -> bool {
        self.version == Version::Three
    }

    pub fn declare(&mut self, name: &Name, symbol: Symbol) -> ReadResult<()> {
        let scope = self.scopes.last_mut().expect("the global scope is never left");
        match scope.insert(name.text.clone(), symbol) {
            None => Ok(()),
            Some(_) => Err(Fault::new(format!("{} is declared twice", name.text)).at(name.span)),
        }
    }

    pub fn register_size(&self, size: Option<&Expression>) -> ReadResult<usize> {
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

    pub fn grow(&self, held: usize, more: usize, what: &str, span: Span) -> ReadResult<Indices<usize>> {
        if held + more > self.options.max_register {
            let fault = Fault::new(format!("more than {} {what}", self.options.max_register));
            return Err(fault.hint("declare fewer, or read it with larger ReadOptions::max_register").at(span));
        }
        Ok(held..held + more)
    }

    /// Performs a statement where the guard holds.
    pub fn perform(&mut self, statement: &Statement, guard: &Guard) -> ReadResult<Flow> {
        let span = statement.span;
        self.work(1, span)?;
        if self.depth >= PERFORMED {
            let fault = Fault::new(format!("more than {PERFORMED} statements within each other, calls included"));
            return Err(fault.hint("call fewer subroutines from each other").at(span));
        }
        self.depth += 1;
        let hoisted = self.hoisted.len();
        let done = self.perform_kind(statement, guard);
        for name in self.hoisted.drain(hoisted..) {
            self.scopes.last_mut().expect("the global scope is never left").remove(&name);
        }
        self.depth -= 1;
        done
    }

    fn perform_kind(&mut self, statement: &Statement, guard: &Guard) -> ReadResult<Flow> {
        let span = statement.span;
        match &statement.kind {
            Kind::If { condition, then, otherwise } => return self.branch(condition, then, otherwise, guard, span),
            Kind::For { variable, kind, range, body } => {
                let kind = match kind {
                    Some((kind, width)) => Some((*kind, self.type_width(*kind, width.as_ref())?)),
                    None => None,
                };
                return self.for_each(&variable.text, kind, range, body, guard, span);
            }
            Kind::While { condition, body } => return self.repeat(condition, body, guard, span),
            Kind::Switch { on, cases, otherwise } => return self.switch(on, cases, otherwise, guard, span),
            Kind::Block(body) => return self.scoped(HashMap::new(), |builder| builder.all(body, guard)),
            Kind::Box { time, body } => return self.boxed(time.as_ref(), body, guard, span),
            Kind::Annotated { annotations, statement } => {
                let first = self.operations();
                let flow = self.perform(statement, guard)?;
                self.annotate(annotations, first)?;
                return Ok(flow);
            }
            Kind::Break => return self.leave(Flow::Break, guard, span),
            Kind::Continue => return self.leave(Flow::Continue, guard, span),
            Kind::End => return self.leave(Flow::End, guard, span),
            Kind::Return(source) => return self.give_back(source.as_ref(), guard, span),
            _ => {}
        }
        self.act(statement, guard)?;
        Ok(Flow::Next)
    }

    pub fn scoped(
        &mut self,
        scope: HashMap<String, Symbol>,
        work: impl FnOnce(&mut Self) -> ReadResult<Flow>,
    ) -> ReadResult<Flow> {
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

    pub fn append(&mut self, op: Op, span: Span) -> ReadResult<()> {
        // The lists of an operation are memory: they count as more work.
        let listed = op.qubits.len() + op.condition.as_ref().map_or(0, |condition| condition.bits.len());
        self.work(1 + listed / 4, span)?;
        if self.circuit.ops().len() >= self.options.max_operations {
            let fault = Fault::new(format!("the circuit has more than {} operations", self.options.max_operations));
            let hint = "write a smaller circuit, or read it with larger ReadOptions::max_operations";
            return Err(fault.hint(hint).at(span));
        }
        if let OpKind::Measure { bit } = op.kind {
            self.known.remove(&bit);
        }
        self.circuit.append_unnumbered(op).map_err(|error| Fault::new(error.to_string()).at(span))?;
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
                Ok(register.iter().collect())
            }
            Index::One(index) => one(index.integer(self)?, index.span).map(|found| vec![found]),
            Index::Set(set) => set.iter().map(|index| one(index.integer(self)?, index.span)).collect(),
            Index::Path(_) => Err(located(Fault::new(format!("{name} has one dimension")))),
            Index::Range(range) => {
                let values = range.elements(self, register.len(), operand.span)?;
                values.into_iter().map(|value| one(value, operand.span)).collect()
            }
        }
    }

    pub fn physical_qubit(&mut self, number: &str, span: Span) -> ReadResult<usize> {
        if self.circuit.qubits() > 0 && !self.physical && self.stretches.get_mut().asked == 0 {
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
            ForRange::Elements(operand) => {
                let fault = Fault::new("a gate's body goes through ranges and sets only");
                Err(fault.hint("write a range like [0:3]").at(operand.span))
            }
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
}
