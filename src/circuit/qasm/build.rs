//! From statements to a circuit: names are looked up, numbers computed, gates and loops expanded.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::ops::Range as Indices;
use std::rc::Rc;

use super::condition::Guard;
use super::error::{Fault, Read, SourceFile, Span};
use super::expression::{Expression, Scope, Value};
use super::library;
use super::parse::{Parsed, Version, parse};
use super::read::ReadOptions;
use super::syntax::{ForRange, Index, Modifier, Name, Operand, Range, Statement, StatementKind as Kind, Time};
use super::unitary::{controlled, inverse, is_gate, power};
use crate::circuit::{Circuit, Gate, Op, OpKind, Param};
use crate::math::Seconds;

/// Gates defined by gates defined by gates: each level is a level of the stack.
const DEFINITION_DEPTH: usize = 64;

/// The circuit of a parsed text, and its notices.
pub(super) fn circuit(parsed: Parsed, options: &ReadOptions) -> Read<(Circuit, Vec<(Span, String)>)> {
    let mut builder = Builder::new(&parsed, options);
    builder.notices = parsed.notices;
    for statement in &parsed.statements {
        builder.statement(statement, &Guard::always())?;
    }
    builder.finish()
}

/// The built-in definitions, which need the table only.
fn extensions() -> HashMap<String, Rc<Definition>> {
    let options = ReadOptions::default();
    let text = format!("OPENQASM 2.0; include \"qelib1.inc\"; {}", library::EXTENSIONS);
    let mut files = vec![SourceFile { name: "built-in gates".into(), text: text.into() }];
    // Our own text, read by every test; were it broken, its gates would be reported as unknown.
    let Ok(parsed) = parse(&mut files, &options) else { return HashMap::new() };
    let mut builder = Builder::new(&parsed, &options);
    let defined = parsed.statements.iter().try_for_each(|statement| builder.statement(statement, &Guard::always()));
    defined.map(|()| builder.gates).unwrap_or_default()
}

/// What a name stands for.
#[derive(Clone, Debug)]
pub(super) enum Symbol {
    Qubits(Indices<usize>),
    Bits(Indices<usize>),
    Value(Value),
}

/// A declared gate.
struct Definition {
    params: Vec<Name>,
    qubits: Vec<Name>,
    /// `None` for opaque gates.
    body: Option<Vec<Statement>>,
    /// The gate of the table that this is, and whether its phase agrees too.
    native: Option<(Gate, bool)>,
    depth: usize,
}

/// What a call calls.
#[derive(Clone)]
enum Callee {
    Native(Gate),
    Declared(Rc<Definition>),
    GlobalPhase,
    /// The delay that our writer declares in OpenQASM 2.
    Delay,
}

/// A modifier with its numbers computed.
enum Effect {
    Inverse,
    Power(f64),
    Control(usize, bool),
}

pub(super) struct Builder<'a> {
    options: &'a ReadOptions,
    version: Version,
    library: bool,
    /// Innermost last; the first is the global one.
    scopes: Vec<HashMap<String, Symbol>>,
    /// Whether a gate's body is being expanded: inputs are out of reach there.
    inside_gate: bool,
    gates: HashMap<String, Rc<Definition>>,
    /// Read when a gate is called that only they have.
    extensions: OnceCell<HashMap<String, Rc<Definition>>>,
    qubits: usize,
    physical: bool,
    bits: usize,
    slots: Vec<String>,
    ops: Vec<(Op, Span)>,
    steps: usize,
    notices: Vec<(Span, String)>,
}

impl Scope for Builder<'_> {
    fn value(&self, name: &str, index: Option<i128>) -> Result<Value, Fault> {
        let (depth, symbol) = self.symbol(name)?;
        match symbol {
            Symbol::Value(Value::Angle(_)) if self.inside_gate && depth == 0 => {
                Err(Fault::new(format!("the input {name} is out of reach inside a gate"))
                    .hint("hand it to the gate as a parameter"))
            }
            Symbol::Value(_) if index.is_some() => Err(Fault::new(format!("{name} is a number and has no elements"))),
            Symbol::Value(value) => Ok(*value),
            Symbol::Qubits(_) => Err(Fault::new(format!("{name} is a qubit, not a number"))),
            Symbol::Bits(_) => Err(Fault::new(format!("{name} is only known when the circuit runs"))
                .hint("classical bits may stand in the condition of an if, nowhere else")),
        }
    }

    fn real_division(&self) -> bool {
        self.version == Version::Two
    }
}

impl<'a> Builder<'a> {
    fn new(parsed: &Parsed, options: &'a ReadOptions) -> Self {
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

    fn finish(self) -> Read<(Circuit, Vec<(Span, String)>)> {
        let mut circuit = Circuit::with_bits(self.qubits, self.bits);
        for name in self.slots {
            circuit.slot(name);
        }
        for (op, span) in self.ops {
            circuit.append(op).map_err(|error| Fault::new(error.to_string()).at(span))?;
        }
        Ok((circuit, self.notices))
    }

    /// Counts work, so that short texts cannot stand for endless circuits.
    fn spend(&mut self, steps: usize, span: Span) -> Read<()> {
        self.steps = self.steps.saturating_add(steps);
        if self.steps > self.options.max_operations {
            let fault = Fault::new(format!("the circuit expands to more than {} steps", self.options.max_operations));
            return Err(fault.hint("raise max_operations if you trust the text").at(span));
        }
        Ok(())
    }

    /// The symbol and the depth of its scope.
    pub(super) fn symbol(&self, name: &str) -> Result<(usize, &Symbol), Fault> {
        let found = self.scopes.iter().enumerate().rev().find_map(|(depth, scope)| Some((depth, scope.get(name)?)));
        found.ok_or_else(|| {
            let known = self.scopes.iter().flat_map(|scope| scope.keys()).map(String::as_str);
            suggest(Fault::new(format!("nothing is called {name}")), name, known)
        })
    }

    fn declare(&mut self, name: &Name, symbol: Symbol) -> Read<()> {
        let scope = self.scopes.last_mut().expect("the global scope is never left");
        match scope.insert(name.text.clone(), symbol) {
            None => Ok(()),
            Some(_) => Err(Fault::new(format!("{} is declared twice", name.text)).at(name.span)),
        }
    }

    fn size(&self, size: Option<&Expression>) -> Read<usize> {
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

    fn grow(&self, held: usize, more: usize, what: &str, span: Span) -> Read<Indices<usize>> {
        if held + more > self.options.max_register {
            let fault = Fault::new(format!("more than {} {what}", self.options.max_register));
            return Err(fault.hint("raise max_register if you trust the text").at(span));
        }
        Ok(held..held + more)
    }

    fn statement(&mut self, statement: &Statement, guard: &Guard) -> Read<()> {
        let span = statement.span;
        self.spend(1, span)?;
        let declares = matches!(statement.kind, Kind::Gate { .. } | Kind::Qubits { .. } | Kind::Input { .. });
        if declares && self.scopes.len() > 1 {
            return Err(Fault::new("this declaration must stand outside of blocks").at(span));
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
            Kind::Input { name } => {
                self.slots.push(name.text.clone());
                self.declare(name, Symbol::Value(Value::Angle(Param::slot(self.slots.len() - 1))))
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

    fn all(&mut self, statements: &[Statement], guard: &Guard) -> Read<()> {
        statements.iter().try_for_each(|statement| self.statement(statement, guard))
    }

    fn scoped(&mut self, scope: HashMap<String, Symbol>, work: impl FnOnce(&mut Self) -> Read<()>) -> Read<()> {
        self.scopes.push(scope);
        let done = work(self);
        self.scopes.pop();
        done
    }

    fn emit(&mut self, op: Op, guard: &Guard, span: Span) -> Read<()> {
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
    ) -> Read<()> {
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
        for (position, (op, place)) in self.ops.iter().enumerate().skip(first) {
            if matches!(op.kind, OpKind::Measure { bit } if position < last && tested.contains(&bit)) {
                let fault = Fault::new("this measurement overwrites a bit that the branch around it has tested");
                return Err(fault.hint("measure into another bit, or last in the branch").at(*place));
            }
        }
        Ok(())
    }

    /// The elements an operand names, as indices of qubits or bits.
    fn elements(&mut self, operand: &Operand, quantum: bool) -> Read<Vec<usize>> {
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
        let place = |index: i128, span: Span| {
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
                place(value, index.span).map(|one| vec![one])
            }
            Index::Range(range) => {
                let values = self.integers_of(range, (0, register.len() as i128 - 1), operand.span)?;
                values.into_iter().map(|value| place(value, operand.span)).collect()
            }
        }
    }

    fn physical_qubit(&mut self, number: &str, span: Span) -> Read<usize> {
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

    fn range_values(&mut self, range: &ForRange, span: Span) -> Read<Vec<Value>> {
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
    fn integers_of(&mut self, range: &Range, ends: (i128, i128), span: Span) -> Read<Vec<i128>> {
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

    fn measure(&mut self, from: &Operand, bits: &[usize], guard: &Guard, span: Span) -> Read<()> {
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

    fn delay(&mut self, time: Time, operands: &[Operand], guard: &Guard, span: Span) -> Read<()> {
        let seconds = match (time, self.options.cycle) {
            (Time::Seconds(seconds), _) => Seconds(seconds),
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

    fn define(&mut self, name: &Name, params: &[Name], qubits: &[Name], body: Option<&[Statement]>) -> Read<()> {
        let mut seen = HashMap::new();
        for formal in params.iter().chain(qubits) {
            if seen.insert(formal.text.clone(), ()).is_some() {
                let fault = Fault::new(format!("{} names two things of this gate", formal.text));
                return Err(fault.at(formal.span));
            }
        }
        if self.gates.contains_key(&name.text) {
            return Err(Fault::new(format!("gate {} is defined twice", name.text)).at(name.span));
        }
        let depth = 1 + self.check_body(body.unwrap_or_default(), qubits, name)?;
        if depth > DEFINITION_DEPTH {
            let fault = Fault::new(format!("gates are defined by gates more than {DEFINITION_DEPTH} levels deep"));
            return Err(fault.at(name.span));
        }
        let mut definition = Definition {
            params: params.to_vec(),
            qubits: qubits.to_vec(),
            body: body.map(<[_]>::to_vec),
            native: None,
            depth,
        };
        let same = |gate: &Gate| {
            let row = gate.row();
            (row.params.len(), row.qubits) == (params.len(), qubits.len())
        };
        if let Some(gate) = Gate::named(&name.text).filter(same) {
            definition = self.recognise(definition, gate, name)?;
        }
        self.gates.insert(name.text.clone(), Rc::new(definition));
        Ok(())
    }

    /// Whether a declared gate is the table's gate of that name: then it is kept as such instead of being expanded.
    fn recognise(&mut self, definition: Definition, gate: Gate, name: &Name) -> Read<Definition> {
        if definition.body.is_none() {
            return Ok(Definition { native: Some((gate, true)), ..definition });
        }
        // Off every special value, so that agreement is no accident.
        let values: Vec<f64> = (0..definition.params.len()).map(|k| 0.37 + 0.61 * k as f64).collect();
        let params: Vec<Param> = values.iter().map(|&v| Param::Fixed(v)).collect();
        let operands: Vec<usize> = (0..definition.qubits.len()).collect();
        let definition = Rc::new(definition);
        let mut ops = Vec::new();
        self.expand(&Callee::Declared(definition.clone()), &params, &operands, true, name.span, &mut ops)?;
        // Matching costs a matrix product per step; what is longer than any sensible definition is left as it is.
        let native = if ops.len() <= 2000 { is_gate(&ops, gate, &values) } else { None };
        if native.is_none() {
            let message = format!("{} is not the usual gate of that name; its definition in the text holds", name.text);
            self.notices.push((name.span, message));
        }
        let definition = Rc::try_unwrap(definition).unwrap_or_else(|_| unreachable!("the callee above is gone"));
        Ok(Definition { native: native.map(|exact| (gate, exact)), ..definition })
    }

    /// Checks that a gate's body holds gates on its operands only; returns how deep their definitions are.
    fn check_body(&self, body: &[Statement], qubits: &[Name], gate: &Name) -> Read<usize> {
        let mut depth = 0;
        for statement in body {
            let operands: &[Operand] = match &statement.kind {
                Kind::Call { name, arguments, operands, .. } => {
                    if name.text == gate.text {
                        let fault = Fault::new(format!("gate {} is defined by itself", name.text));
                        return Err(fault.hint("a gate can only use gates defined before it").at(name.span));
                    }
                    if let Some(definition) = self.gates.get(&name.text) {
                        depth = depth.max(definition.depth);
                    } else if self.named(name, arguments.len()).is_none() {
                        return Err(self.unknown_gate(name));
                    }
                    operands
                }
                Kind::Barrier(operands) => operands,
                Kind::For { body, .. } | Kind::Block(body) => {
                    depth = depth.max(self.check_body(body, qubits, gate)?);
                    &[]
                }
                _ => {
                    let fault = Fault::new("a gate's body holds gates and barriers only");
                    return Err(fault.hint("move this statement out of the gate").at(statement.span));
                }
            };
            for operand in operands {
                let formal = qubits.iter().any(|q| q.text == operand.name.text);
                if !formal || !matches!(operand.index, Index::All) {
                    let fault = Fault::new("a gate's body acts on the gate's own operands only");
                    return Err(fault.hint("name one of the operands, without index").at(operand.span));
                }
            }
        }
        Ok(depth)
    }

    /// A gate that needs no declaration.
    fn named(&self, name: &Name, arguments: usize) -> Option<Callee> {
        let text = name.text.as_str();
        if text == "gphase" && self.version == Version::Three {
            return Some(Callee::GlobalPhase);
        }
        let builtin = self.library || text == "U" || (text == "CX" && self.version == Version::Two);
        let native = Gate::named(text).filter(|gate| builtin && gate.row().params.len() == arguments);
        // `u0(gamma)` and `id` share a row, but not their angles: those with other arities are extensions.
        native
            .map(Callee::Native)
            .or_else(|| {
                let extensions = self.library.then(|| self.extensions.get_or_init(extensions))?;
                extensions.get(text).cloned().map(Callee::Declared)
            })
            .or_else(|| Gate::named(text).filter(|_| builtin).map(Callee::Native))
    }

    fn unknown_gate(&self, name: &Name) -> super::error::Located {
        let fault = Fault::new(format!("there is no gate {}", name.text));
        if !self.library && (Gate::named(&name.text).is_some() || name.text == "cu3") {
            let file = if self.version == Version::Two { "qelib1.inc" } else { "stdgates.inc" };
            return fault.hint(format!("add include \"{file}\"; before its first use")).at(name.span);
        }
        let table = crate::circuit::gate::GATES.iter().map(|row| row.name);
        let known = table.chain(self.gates.keys().map(String::as_str));
        suggest(fault, &name.text, known).at(name.span)
    }

    fn callee(&self, name: &Name, arguments: usize) -> Read<Callee> {
        match self.gates.get(&name.text) {
            Some(definition) if definition.body.is_none() && definition.native.is_none() => {
                if name.text == "delay" && definition.params.iter().map(|p| p.text.as_str()).eq(["seconds"]) {
                    return Ok(Callee::Delay);
                }
                let fault = Fault::new(format!("gate {} is opaque: the text does not say what it does", name.text));
                Err(fault.hint("define it with gate ... { ... }").at(name.span))
            }
            Some(definition) => Ok(Callee::Declared(definition.clone())),
            None => self.named(name, arguments).ok_or_else(|| self.unknown_gate(name)),
        }
    }

    /// A gate on operands, registers taken element by element.
    fn call(&mut self, statement: &Statement, guard: &Guard) -> Read<()> {
        let Kind::Call { operands, .. } = &statement.kind else { return Ok(()) };
        let lists: Vec<Vec<usize>> = operands.iter().map(|o| self.elements(o, true)).collect::<Read<_>>()?;
        let mut width = 1;
        for (list, operand) in lists.iter().zip(operands) {
            if list.len() != 1 && width != 1 && list.len() != width {
                let fault = Fault::new(format!("registers of {width} and {} do not fit together", list.len()));
                return Err(fault.hint("use registers of one size, or single qubits").at(operand.span));
            }
            // An empty slice means nothing is done.
            width = if list.len() == 1 { width } else { list.len() };
        }
        let mut ops = Vec::new();
        for k in 0..width {
            let qubits: Vec<usize> = lists.iter().map(|list| list[if list.len() == 1 { 0 } else { k }]).collect();
            self.single_call(statement, &qubits, false, &mut ops)?;
            for op in ops.drain(..) {
                self.emit(op, guard, statement.span)?;
            }
        }
        Ok(())
    }

    /// One application of a gate with its modifiers; `exact` if its phase matters to whoever calls.
    fn single_call(&mut self, statement: &Statement, qubits: &[usize], exact: bool, out: &mut Vec<Op>) -> Read<()> {
        let Kind::Call { modifiers, name, arguments, operands } = &statement.kind else { return Ok(()) };
        let span = statement.span;
        let callee = self.callee(name, arguments.len())?;
        let mut params = Vec::with_capacity(arguments.len());
        for argument in arguments {
            params.push(argument.evaluate(self)?.angle().map_err(|fault| fault.at(argument.span))?);
        }
        let mut effects = Vec::with_capacity(modifiers.len());
        for modifier in modifiers {
            effects.push(self.effect(modifier)?);
        }
        let controls: usize = effects.iter().map(|e| if let Effect::Control(count, _) = e { *count } else { 0 }).sum();
        let (wanted_params, wanted_qubits) = match &callee {
            Callee::Native(gate) => (gate.row().params.len(), gate.row().qubits),
            Callee::Declared(definition) => (definition.params.len(), definition.qubits.len()),
            Callee::GlobalPhase => (1, 0),
            Callee::Delay => (1, 1),
        };
        if params.len() != wanted_params {
            let text = format!("{} takes {}, {} given", name.text, count(wanted_params, "angle"), are(params.len()));
            return Err(Fault::new(text).at(span));
        }
        if qubits.len() != wanted_qubits + controls {
            let wanted = count(wanted_qubits + controls, "qubit");
            let text = format!("{} acts on {wanted}, {} given", name.text, are(qubits.len()));
            return Err(Fault::new(text).at(span));
        }
        for (k, (qubit, operand)) in qubits.iter().zip(operands).enumerate() {
            if qubits[..k].contains(qubit) {
                let fault = Fault::new(format!("{} gets one qubit twice", name.text));
                return Err(fault.hint("operands of a gate must differ").at(operand.span));
            }
        }
        let phase_matters = exact || effects.iter().any(|e| !matches!(e, Effect::Inverse));
        let mut ops = Vec::new();
        self.expand(&callee, &params, &qubits[controls..], phase_matters, span, &mut ops)?;
        let mut free = controls;
        for effect in effects.iter().rev() {
            let changed = match *effect {
                Effect::Inverse => inverse(ops),
                Effect::Power(exponent) => power(ops, exponent, self.options.max_operations),
                Effect::Control(count, value) => {
                    free -= count;
                    let over = &qubits[free..free + count];
                    controlled(ops, over).map(|ops| if value { ops } else { turned(over, ops) })
                }
            };
            ops = changed.map_err(|fault| fault.at(span))?;
            self.spend(ops.len(), span)?;
        }
        out.append(&mut ops);
        Ok(())
    }

    fn effect(&self, modifier: &Modifier) -> Read<Effect> {
        match modifier {
            Modifier::Inverse => Ok(Effect::Inverse),
            Modifier::Power(exponent) => {
                let value = exponent.evaluate(self)?.real().map_err(|fault| fault.at(exponent.span))?;
                Ok(Effect::Power(value))
            }
            Modifier::Control { count: None, value } => Ok(Effect::Control(1, *value)),
            Modifier::Control { count: Some(count), value } => {
                let number = count.evaluate(self)?.integer().map_err(|fault| fault.at(count.span))?;
                match usize::try_from(number) {
                    Ok(number) if (1..=self.options.max_register).contains(&number) => {
                        Ok(Effect::Control(number, *value))
                    }
                    _ => Err(Fault::new(format!("a gate cannot have {number} controls")).at(count.span)),
                }
            }
        }
    }

    /// The operations of a gate without modifiers.
    fn expand(
        &mut self,
        callee: &Callee,
        params: &[Param],
        qubits: &[usize],
        exact: bool,
        span: Span,
        out: &mut Vec<Op>,
    ) -> Read<()> {
        self.spend(1, span)?;
        let definition = match callee {
            Callee::Native(gate) => {
                out.push(Op::gate(*gate, qubits, params));
                return Ok(());
            }
            Callee::GlobalPhase => {
                out.push(Op::of(OpKind::GlobalPhase(params[0]), &[]));
                return Ok(());
            }
            Callee::Delay => {
                let fault = || Fault::new("a delay must be a number of seconds, 0 or more").at(span);
                let Param::Fixed(seconds) = params[0] else { return Err(fault()) };
                if seconds < 0.0 {
                    return Err(fault());
                }
                out.push(Op::of(OpKind::Delay(Seconds(seconds)), qubits));
                return Ok(());
            }
            Callee::Declared(definition) => definition,
        };
        if let Some((gate, same_phase)) = definition.native
            && (same_phase || !exact)
        {
            out.push(Op::gate(gate, qubits, params));
            return Ok(());
        }
        let numbers = params.iter().map(|&param| match param {
            Param::Fixed(value) => Value::Real(value),
            Param::Slot { .. } => Value::Angle(param),
        });
        let formal: HashMap<String, Symbol> = (definition.params.iter().zip(numbers))
            .map(|(name, value)| (name.text.clone(), Symbol::Value(value)))
            .chain(definition.qubits.iter().zip(qubits).map(|(name, &q)| (name.text.clone(), Symbol::Qubits(q..q + 1))))
            .collect();
        let outside = self.scopes.split_off(1);
        let was_inside = std::mem::replace(&mut self.inside_gate, true);
        self.scopes.push(formal);
        let done = self.body(definition.body.as_deref().unwrap_or_default(), exact, out);
        self.scopes.truncate(1);
        self.scopes.extend(outside);
        self.inside_gate = was_inside;
        done
    }

    /// Statements of a gate's body, with the gate's operands in scope.
    fn body(&mut self, statements: &[Statement], exact: bool, out: &mut Vec<Op>) -> Read<()> {
        for statement in statements {
            self.spend(1, statement.span)?;
            match &statement.kind {
                Kind::Call { operands, .. } => {
                    let mut qubits = Vec::with_capacity(operands.len());
                    for operand in operands {
                        qubits.extend(self.elements(operand, true)?);
                    }
                    self.single_call(statement, &qubits, exact, out)?;
                }
                Kind::For { variable, range, body } => {
                    for value in self.range_values(range, statement.span)? {
                        self.scopes.push(HashMap::from([(variable.text.clone(), Symbol::Value(value))]));
                        let done = self.body(body, exact, out);
                        self.scopes.pop();
                        done?;
                    }
                }
                Kind::Block(body) => self.body(body, exact, out)?,
                // Barriers inside a gate only speak to the compiler that expands it.
                _ => {}
            }
        }
        Ok(())
    }
}

/// Controls that must be 0: flipped before and after.
fn turned(over: &[usize], ops: Vec<Op>) -> Vec<Op> {
    let flips = || over.iter().map(|&qubit| Op::gate(Gate::X, &[qubit], &[]));
    flips().chain(ops).chain(flips()).collect()
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn are(number: usize) -> String {
    format!("{number} {}", if number == 1 { "is" } else { "are" })
}

/// Adds the nearest known name as a hint, if one is near.
fn suggest<'n>(fault: Fault, name: &str, known: impl Iterator<Item = &'n str>) -> Fault {
    let near = known.map(|other| (strsim::damerau_levenshtein(name, other), other)).min();
    match near {
        Some((distance, other)) if distance <= 2 && distance < name.chars().count() => {
            fault.hint(format!("did you mean {other}?"))
        }
        _ => fault,
    }
}
