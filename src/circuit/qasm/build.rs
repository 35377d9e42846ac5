//! From statements to a circuit: names are looked up, numbers computed, gates and loops expanded.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{HashMap, HashSet};
use std::ops::Range as Indices;
use std::rc::Rc;

use super::condition::Guard;
use super::cursor::Version;
use super::error::{Fault, ReadResult, Span};
use super::expression::{Expression, ExpressionKind, Scope};
use super::flow::{Flow, Frame, Interrupt};
use super::gates::Definition;
use super::logic::{SCRATCH, Scratch, Signal};
use super::parse::Receiver;
use super::read::ReadOptions;
use super::scope::element;
use super::scratch;
use super::syntax::{
    DeclaredType, ForRange, Index, Name, Operand, Source, Statement, StatementKind as Kind, Subroutine, Type,
};
use super::value::Value;
use super::variables::{Array, Content, Register, Variable, bits_of};
use super::words::Word;
use crate::circuit::{Circuit, Op, OpKind};
use crate::math::Seconds;

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
    /// Read when a gate is called that only they have.
    pub extensions: OnceCell<HashMap<String, Rc<Definition>>>,
    physical: bool,
    circuit: Circuit,
    /// Scopes below this, but for the global one, are out of reach: those of callers.
    pub base: usize,
    pub subroutines: HashMap<String, Rc<Subroutine>>,
    pub externs: HashSet<String>,
    pub scratch: Scratch,
    /// Bits of registers whose value is known here.
    pub known: HashMap<usize, bool>,
    pub frames: Vec<Frame>,
    pub interrupts: Vec<Interrupt>,
    /// Names of values that subroutines returned to the statements that are performed.
    pub hoisted: Vec<String>,
    /// Registers of bits, and whether they are declared as output.
    registers: Vec<(Indices<usize>, bool)>,
    /// Variables that are declared as output.
    outputs: Vec<Name>,
    /// Statements within each other that are performed.
    depth: usize,
    /// Whether the text has ended for every run.
    ended: bool,
    /// Notices found where only reading is possible.
    pub late_notices: RefCell<Vec<(Span, String)>>,
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
        if self.ended {
            return Ok(());
        }
        let guard = self.without_interrupts(&Guard::always(), 0, statement.span)?;
        match self.perform(&statement, &guard)? {
            Flow::End => self.ended = true,
            _ => {}
        }
        Ok(())
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
            base: 0,
            subroutines: HashMap::new(),
            externs: HashSet::new(),
            scratch: Scratch::default(),
            known: HashMap::new(),
            frames: Vec::new(),
            interrupts: Vec::new(),
            hoisted: Vec::new(),
            registers: Vec::new(),
            outputs: Vec::new(),
            depth: 0,
            ended: false,
            late_notices: RefCell::new(Vec::new()),
            steps: Cell::new(0),
            most_steps: options.max_operations.saturating_add(bytes),
            notices: Vec::new(),
        }
    }

    /// The circuit and the notices.
    pub fn finish(mut self) -> ReadResult<(Circuit, Vec<(Span, String)>)> {
        let declared = self.circuit.bits();
        let outputs = std::mem::take(&mut self.outputs);
        // With an output declared, everything else is none.
        let some = !outputs.is_empty() || self.registers.iter().any(|(_, output)| *output);
        let mut order: Vec<usize> = Vec::new();
        for (run, output) in &self.registers {
            if *output || !some {
                order.extend(run.clone());
            }
        }
        let mut width = declared;
        for name in outputs {
            let Some(Symbol::Variable(variable)) = self.scopes[0].get(&name.text) else { continue };
            let (kind, content) = (variable.kind, variable.content.clone());
            let size = bits_of(kind, variable.width);
            let word = match (content, size) {
                (Content::Word(word), _) => word,
                (Content::Known(value), Some(size)) => {
                    Word::of(value).map_err(|fault| fault.at(name.span))?.extended(size)
                }
                (Content::Known(value), None) => {
                    let message = format!("the output {} is {value:?} in every run; outcomes hold bits", name.text);
                    self.notices.push((name.span, message));
                    continue;
                }
            };
            let size = word.bits.len().min(size.unwrap_or(word.bits.len()));
            let run = self.grow(width, size, "classical bits", name.span)?;
            width = run.end;
            let message = format!("the output {} is bits {} to {}", name.text, order.len(), order.len() + size - 1);
            self.notices.push((name.span, message));
            order.extend(run.clone());
            let targets: Vec<usize> = run.collect();
            for (&target, &signal) in targets.iter().zip(&word.bits) {
                // They have never held anything but 0.
                if signal != Signal::Known(false) {
                    self.emit(Op::of(OpKind::Assign { bit: target, value: true }, &[]), &Guard::on(signal), name.span)?;
                }
            }
        }
        // A circuit that computes has an outcome, if only a bit that is always 0.
        if order.is_empty() && self.scratch.count + width > 0 {
            order.push(width);
            width += 1;
        }
        self.notices.append(&mut self.late_notices.take());
        let plain = width == declared && order.len() == declared && self.scratch.count == 0;
        if !plain {
            let mut number = vec![usize::MAX; width];
            order.iter().enumerate().for_each(|(at, &bit)| number[bit] = at);
            let mut next = order.len();
            for at in number.iter_mut().filter(|at| **at == usize::MAX) {
                *at = next;
                next += 1;
            }
            let outcome = order.len();
            let numbered = |bit: usize| match bit.checked_sub(SCRATCH) {
                Some(scratch) => next + scratch,
                None => number[bit],
            };
            let scratch = scratch::share(&mut self.circuit, outcome, next, numbered);
            if scratch > self.options.max_register {
                let most = self.options.max_register;
                let fault =
                    Fault::new(format!("what is computed of measurements takes more than {most} bits at a time"));
                return Err(fault.hint("use smaller integers, or compute less of them").at(Span::default()));
            }
        }
        Ok((self.circuit, self.notices))
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

    fn grow(&self, held: usize, more: usize, what: &str, span: Span) -> ReadResult<Indices<usize>> {
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
            Kind::Break => return self.leave(Flow::Break, guard, span),
            Kind::Continue => return self.leave(Flow::Continue, guard, span),
            Kind::End => return self.leave(Flow::End, guard, span),
            Kind::Return(source) => return self.give_back(source.as_ref(), guard, span),
            _ => {}
        }
        self.act(statement, guard)?;
        Ok(Flow::Next)
    }

    /// A statement that the next one follows in any case.
    fn act(&mut self, statement: &Statement, guard: &Guard) -> ReadResult<()> {
        let span = statement.span;
        let declares = match &statement.kind {
            Kind::Gate { .. } | Kind::Qubits { .. } | Kind::Input { .. } | Kind::Subroutine(_) | Kind::Extern(_) => {
                true
            }
            Kind::Bits { output, .. } | Kind::Variable { output, .. } => *output,
            _ => false,
        };
        if declares && self.scopes.len() > 1 {
            return Err(Fault::new("this declaration must be outside of blocks").at(span));
        }
        match &statement.kind {
            Kind::Gate { name, params, qubits, body } => self.define(name, params, qubits, body.as_deref()),
            Kind::Subroutine(subroutine) => self.define_subroutine(subroutine),
            Kind::Extern(name) => {
                if !self.externs.insert(name.text.clone()) {
                    return Err(Fault::new(format!("{} is declared twice", name.text)).at(name.span));
                }
                Ok(())
            }
            Kind::Qubits { name, size } => {
                if self.physical {
                    let fault = Fault::new("physical qubits and registers do not mix");
                    return Err(fault.hint("use $0, $1, ... or a register throughout").at(span));
                }
                let range = self.grow(self.circuit.qubits(), self.register_size(size.as_ref())?, "qubits", span)?;
                self.circuit.widen(range.end, 0);
                self.declare(name, Symbol::Qubits(Register::Run(range)))
            }
            Kind::Bits { name, size, initial, output } => {
                self.bits(name, size.as_ref(), initial.as_ref(), *output, guard, span)
            }
            Kind::Input { kind, width, name, size } => self.input(*kind, width.as_ref(), name, size.as_ref(), span),
            Kind::Variable { declared, name, initial, output } => {
                if *output {
                    self.outputs.push(name.clone());
                }
                self.declare_variable(declared, name, initial.as_ref(), guard, span)
            }
            Kind::Alias { name, parts } => self.alias(name, parts),
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
            Kind::Call { modifiers, name, arguments, operands } => {
                self.refuse_extern(&name.text, name.span)?;
                if let Some(subroutine) = self.subroutines.get(&name.text).cloned() {
                    if !modifiers.is_empty() {
                        let fault = Fault::new(format!("modifiers act on gates only, {} is a subroutine", name.text));
                        return Err(fault.at(span));
                    }
                    let mut all = Vec::with_capacity(arguments.len() + operands.len());
                    for argument in arguments {
                        all.push(self.hoist(argument, guard)?.into_owned());
                    }
                    // Older texts have the qubits behind the parentheses.
                    all.extend(operands.iter().map(as_expression));
                    return self.invoke(&subroutine, &all, guard, span).map(|_| ());
                }
                if arguments.iter().any(|argument| self.depends(argument)) {
                    return self.call_by_values(statement, guard);
                }
                self.call(statement, guard)
            }
            Kind::Measure { from, to } => match self.symbol(&to.name.text).map_err(|fault| fault.at(to.name.span))?.1 {
                Symbol::Variable(_) | Symbol::Array(_) => {
                    self.assign_source(to, None, &Source::Measure(from.clone()), guard, span)
                }
                _ => {
                    let bits = self.elements(to, false)?;
                    self.measure(from, &bits, guard, span)
                }
            },
            Kind::MeasureAway(from) => {
                for qubit in self.elements(from, true)? {
                    let bit = self.fresh(span)?;
                    self.emit(Op::of(OpKind::Measure { bit }, &[qubit]), guard, span)?;
                }
                Ok(())
            }
            Kind::Assign { to, operator, source } => self.assign_source(to, *operator, source, guard, span),
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
            Kind::Delay { time, operands } => {
                let time = self.hoist(time, guard)?;
                self.delay(&time, operands, guard, span)
            }
            _ => Ok(()),
        }
    }

    /// A register of bits; within blocks and subroutines a variable.
    fn bits(
        &mut self,
        name: &Name,
        size: Option<&Expression>,
        initial: Option<&Source>,
        output: bool,
        guard: &Guard,
        span: Span,
    ) -> ReadResult<()> {
        if self.scopes.len() > 1 {
            let declared = DeclaredType { kind: Type::Bit, width: size.cloned(), sizes: Vec::new() };
            return self.declare_variable(&declared, name, initial, guard, span);
        }
        let range = self.grow(self.circuit.bits(), self.register_size(size)?, "classical bits", span)?;
        self.circuit.widen(0, range.end);
        self.registers.push((range.clone(), output));
        let targets: Vec<usize> = range.clone().collect();
        match initial {
            Some(Source::Measure(from)) => {
                self.declare(name, Symbol::Bits(Register::Run(range)))?;
                self.measure(from, &targets, guard, span)
            }
            Some(source) => {
                let content = self.incoming(source, (Type::Bit, Some(targets.len() as u32)), guard, span)?;
                self.declare(name, Symbol::Bits(Register::Run(range)))?;
                let word = match content {
                    Content::Known(value) => Word::of(value).map_err(|fault| fault.at(span))?,
                    Content::Word(word) => word,
                };
                if guard.is_always() && word.bits.iter().all(|bit| bit.bit().is_none()) {
                    // They hold 0 already.
                    self.known.extend(targets.iter().map(|&target| (target, false)));
                }
                let open: Vec<(usize, Signal)> =
                    targets.into_iter().zip(word.bits).filter(|(_, bit)| *bit != Signal::Known(false)).collect();
                let (targets, bits): (Vec<usize>, Vec<Signal>) = open.into_iter().unzip();
                self.assign_bits(&targets, &bits, guard, span)
            }
            None => self.declare(name, Symbol::Bits(Register::Run(range))),
        }
    }

    fn input(
        &mut self,
        kind: Type,
        width: Option<&Expression>,
        name: &Name,
        size: Option<&Expression>,
        span: Span,
    ) -> ReadResult<()> {
        let width = self.type_width(kind, width)?;
        if let Some((_, given)) = self.options.inputs.iter().find(|(given, _)| *given == name.text) {
            if size.is_some() {
                return Err(Fault::new(format!("{} is an array and is given one value", name.text)).at(span));
            }
            let value = input_value(given, kind).ok_or_else(|| {
                let fault = Fault::new(format!("the input {} of type {} is given {given:?}", name.text, kind.name()));
                fault.hint("write a number, true, false or bits as in 0110").at(name.span)
            })?;
            let value = value.cast(kind, width).map_err(|fault| fault.at(name.span))?;
            return self.declare(name, Symbol::Value(value));
        }
        if !matches!(kind, Type::Float | Type::Angle) {
            let fault = Fault::new(format!("the input {} of type {} has no value", name.text, kind.name()));
            return Err(fault
                .hint("give it one in ReadOptions::inputs; inputs of type float and angle need none")
                .at(span));
        }
        match size {
            None => {
                let slot = self.circuit.slot(name.text.clone());
                self.declare(name, Symbol::Value(Value::Angle(slot)))
            }
            size => {
                let slots = self.grow(self.circuit.slots(), self.register_size(size)?, "inputs", span)?;
                (0..slots.len()).for_each(|k| _ = self.circuit.slot(format!("{}[{k}]", name.text)));
                self.declare(name, Symbol::Inputs(slots))
            }
        }
    }

    /// `let a = q[0:2] ++ r;`
    fn alias(&mut self, name: &Name, parts: &[Operand]) -> ReadResult<()> {
        let first = &parts[0];
        let symbol = if first.name.text.starts_with('$') {
            None
        } else {
            Some(self.symbol(&first.name.text).map_err(|fault| fault.at(first.span))?.1)
        };
        let quantum = match symbol {
            None | Some(Symbol::Qubits(_)) => true,
            Some(Symbol::Bits(_)) => false,
            Some(_) => {
                let fault = Fault::new(format!("{} is no register", first.name.text));
                return Err(fault
                    .hint("an alias stands for qubits, or for bits declared outside of blocks")
                    .at(first.span));
            }
        };
        let mut all = Vec::new();
        for part in parts {
            all.extend(self.elements(part, quantum)?);
            if all.len() > 2 * self.options.max_register {
                return Err(Fault::new("this alias is longer than any register").at(part.span));
            }
        }
        let list = Register::List(all.into());
        let symbol = if quantum { Symbol::Qubits(list) } else { Symbol::Bits(list) };
        // An alias may be given anew.
        let scope = self.scopes.last_mut().expect("the global scope is never left");
        match scope.get(&name.text) {
            None => _ = scope.insert(name.text.clone(), symbol),
            Some(_) => return Err(Fault::new(format!("{} is declared twice", name.text)).at(name.span)),
        }
        Ok(())
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
        if operands.is_empty() {
            for qubit in 0..self.circuit.qubits() {
                self.emit(Op::of(OpKind::Delay(Seconds(seconds)), &[qubit]), guard, span)?;
            }
        }
        for operand in operands {
            for qubit in self.elements(operand, true)? {
                self.emit(Op::of(OpKind::Delay(Seconds(seconds)), &[qubit]), guard, span)?;
            }
        }
        Ok(())
    }
}

/// A value that comes with the run, as a text.
fn input_value(given: &str, kind: Type) -> Option<Value> {
    let given = given.trim();
    match kind {
        Type::Bool => match given {
            "true" | "1" => Some(Value::Boolean(true)),
            "false" | "0" => Some(Value::Boolean(false)),
            _ => None,
        },
        Type::Bit => {
            let width = u32::try_from(given.len()).ok().filter(|width| (1..=64).contains(width))?;
            u64::from_str_radix(given, 2).ok().map(|value| Value::bits(value, width))
        }
        Type::Int | Type::Uint => given.parse().ok().map(Value::Integer),
        Type::Float | Type::Angle => given.parse().ok().filter(|value: &f64| value.is_finite()).map(Value::Real),
        Type::Complex | Type::Duration => None,
    }
}

/// An operand as what is handed to a subroutine.
fn as_expression(operand: &Operand) -> Expression {
    let name = operand.name.text.clone();
    let kind = match &operand.index {
        Index::All => ExpressionKind::Name(name),
        index => ExpressionKind::Element(name, Box::new(index.clone())),
    };
    Expression { kind, span: operand.span, height: 0 }
}
