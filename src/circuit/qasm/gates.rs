//! Gates: what a name calls, what a declaration declares, and the expansion of both.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::build::{Builder, Symbol};
use super::condition::Guard;
use super::cursor::Version;
use super::error::{Fault, FaultAt, ReadResult, SourceFile, Span};
use super::library;
use super::parse::parse;
use super::read::ReadOptions;
use super::scope::suggest;
use super::syntax::{Index, Modifier, Name, Operand, Statement, StatementKind as Kind};
use super::unitary::{controlled, inverse, is_gate, power};
use super::value::Value;
use crate::circuit::{Gate, Op, OpKind, Operands, Param, Params};
use crate::math::Seconds;

/// Gates defined by gates defined by gates: each level is a level of the stack.
const DEFINITION_DEPTH: usize = 64;

/// Operations of a gate to a whole power at most.
const POWERED: usize = 1_000_000;

/// The built-in definitions, which need the table only.
fn extensions() -> HashMap<String, Rc<Definition>> {
    let options = ReadOptions::default();
    let text = format!("OPENQASM 2.0; include \"qelib1.inc\"; {}", library::EXTENSIONS);
    let mut files = vec![SourceFile { name: "built-in gates".into(), text: text.as_str().into() }];
    // Our own text, read by every test; were it broken, its gates would be reported as unknown.
    let mut builder = Builder::new(&options, text.len());
    parse(&mut files, &options, &mut builder).map(|()| builder.gates).unwrap_or_default()
}

/// A declared gate.
pub(super) struct Definition {
    params: Vec<Name>,
    qubits: Vec<Name>,
    /// Where each of them stands among them.
    positions: HashMap<String, usize>,
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

/// A call with its angles and modifiers computed: what is the same for every element of its registers.
struct Called {
    callee: Callee,
    params: Params,
    effects: Vec<Effect>,
    /// Operands that control it, which come first.
    controls: usize,
}

/// A modifier with its numbers computed.
enum Effect {
    Inverse,
    Power(f64),
    Control(usize, bool),
}

impl Builder<'_> {
    pub fn define(
        &mut self,
        name: &Name,
        params: &[Name],
        qubits: &[Name],
        body: Option<&[Statement]>,
    ) -> ReadResult<()> {
        let mut seen = HashSet::new();
        for formal in params.iter().chain(qubits) {
            if !seen.insert(formal.text.as_str()) {
                let fault = Fault::new(format!("{} names two things of this gate", formal.text));
                return Err(fault.at(formal.span));
            }
        }
        if self.gates.contains_key(&name.text) || self.subroutines.contains_key(&name.text) {
            return Err(Fault::new(format!("gate {} is defined twice", name.text)).at(name.span));
        }
        let operands: HashSet<&str> = qubits.iter().map(|qubit| qubit.text.as_str()).collect();
        let depth = 1 + self.check_body(body.unwrap_or_default(), &operands, name)?;
        if depth > DEFINITION_DEPTH {
            let fault = Fault::new(format!("gates are defined by gates more than {DEFINITION_DEPTH} levels deep"));
            return Err(fault.at(name.span));
        }
        let mut definition = Definition {
            params: params.to_vec(),
            qubits: qubits.to_vec(),
            positions: qubits.iter().enumerate().map(|(at, qubit)| (qubit.text.clone(), at)).collect(),
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
    fn recognise(&mut self, definition: Definition, gate: Gate, name: &Name) -> ReadResult<Definition> {
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
        // Matching costs a matrix product per step. What is longer than any sensible definition is left as it is.
        let native = if ops.len() <= 2000 { is_gate(&ops, gate, &values) } else { None };
        if native.is_none() {
            let message = format!("{} is not the usual gate of that name; its definition in the text holds", name.text);
            self.notices.push((name.span, message));
        }
        let definition = Rc::try_unwrap(definition).unwrap_or_else(|_| unreachable!("the callee above is gone"));
        Ok(Definition { native: native.map(|exact| (gate, exact)), ..definition })
    }

    /// Checks that a gate's body holds gates on its operands only; returns how deep their definitions are.
    fn check_body(&self, body: &[Statement], qubits: &HashSet<&str>, gate: &Name) -> ReadResult<usize> {
        let mut depth = 0;
        for statement in body {
            let operands: &[Operand] = match &statement.bare().kind {
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
                Kind::Barrier(operands) | Kind::Nop(operands) => operands,
                Kind::For { body, .. } | Kind::Block(body) | Kind::Box { time: None, body } => {
                    depth = depth.max(self.check_body(body, qubits, gate)?);
                    &[]
                }
                Kind::Pragma(_) => &[],
                _ => {
                    let fault = Fault::new("a gate's body holds gates and barriers only");
                    return Err(fault.hint("move this statement out of the gate").at(statement.span));
                }
            };
            for operand in operands {
                let formal = qubits.contains(operand.name.text.as_str());
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
        let builtin = self.is_builtin(text);
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

    fn is_builtin(&self, name: &str) -> bool {
        self.library || name == "U" || (name == "CX" && self.version == Version::Two)
    }

    /// The gate of the table that a name calls with as many angles as it takes, `None` where it calls something else.
    pub fn table_gate(&self, name: &str) -> Option<Gate> {
        match self.gates.get(name) {
            Some(definition) => definition.native.map(|(gate, _)| gate),
            None => Gate::named(name).filter(|_| self.is_builtin(name)),
        }
    }

    fn unknown_gate(&self, name: &Name) -> FaultAt {
        let fault = Fault::new(format!("there is no gate {}", name.text));
        if !self.library && (Gate::named(&name.text).is_some() || name.text == "cu3") {
            let file = if self.version == Version::Two { "qelib1.inc" } else { "stdgates.inc" };
            return fault.hint(format!("add include \"{file}\"; before its first use")).at(name.span);
        }
        let table = crate::circuit::gate::GATES.iter().flat_map(|row| row.aliases.iter().chain([&row.name]).copied());
        let known = table.chain(self.gates.keys().map(String::as_str));
        suggest(fault, &name.text, known).at(name.span)
    }

    fn callee(&self, name: &Name, arguments: usize) -> ReadResult<Callee> {
        match self.gates.get(&name.text) {
            Some(definition) if definition.body.is_none() && definition.native.is_none() => {
                if name.text == "delay" && definition.params.iter().map(|p| p.text.as_str()).eq(["seconds"]) {
                    return Ok(Callee::Delay);
                }
                let fault = Fault::new(format!("gate {} is opaque: the text has no definition of it", name.text));
                Err(fault.hint("define it with gate ... { ... }").at(name.span))
            }
            Some(definition) => Ok(Callee::Declared(definition.clone())),
            None => self.named(name, arguments).ok_or_else(|| self.unknown_gate(name)),
        }
    }

    /// A gate on operands, registers taken element by element.
    pub fn call(&mut self, statement: &Statement, guard: &Guard) -> ReadResult<()> {
        let Kind::Call { name, operands, .. } = &statement.kind else { return Ok(()) };
        let most = self.options.max_register;
        if operands.len() > most {
            let fault = Fault::new(format!("{} is given {} operands", name.text, operands.len()));
            return Err(fault.hint(format!("a circuit has at most {most} qubits")).at(statement.span));
        }
        let lists: Vec<Vec<usize>> = operands.iter().map(|o| self.elements(o, true)).collect::<ReadResult<_>>()?;
        let mut width = 1;
        for (list, operand) in lists.iter().zip(operands) {
            if list.len() != 1 && width != 1 && list.len() != width {
                let fault = Fault::new(format!("registers of {width} and {} do not fit together", list.len()));
                return Err(fault.hint("use registers of one size, or single qubits").at(operand.span));
            }
            // An empty slice means nothing is done.
            width = if list.len() == 1 { width } else { list.len() };
        }
        if width == 0 {
            return Ok(());
        }
        let called = self.called(statement, lists.len())?;
        let mut ops = Vec::new();
        for k in 0..width {
            let qubits: Operands = lists.iter().map(|list| list[if list.len() == 1 { 0 } else { k }]).collect();
            self.single_call(&called, statement, &qubits, false, &mut ops)?;
            for op in ops.drain(..) {
                self.emit(op, guard, statement.span)?;
            }
        }
        Ok(())
    }

    /// What a statement calls, on so many qubits at once.
    fn called(&self, statement: &Statement, qubits: usize) -> ReadResult<Called> {
        let Kind::Call { modifiers, name, arguments, .. } = &statement.kind else {
            unreachable!("callers match a call")
        };
        let span = statement.span;
        let callee = self.callee(name, arguments.len())?;
        let mut params = Params::with_capacity(arguments.len());
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
        if qubits != wanted_qubits + controls {
            let wanted = count(wanted_qubits + controls, "qubit");
            let text = format!("{} acts on {wanted}, {} given", name.text, are(qubits));
            return Err(Fault::new(text).at(span));
        }
        Ok(Called { callee, params, effects, controls })
    }

    /// One application of a gate with its modifiers; `exact` if its phase matters to the caller.
    fn single_call(
        &mut self,
        called: &Called,
        statement: &Statement,
        qubits: &[usize],
        exact: bool,
        out: &mut Vec<Op>,
    ) -> ReadResult<()> {
        let Kind::Call { name, operands, .. } = &statement.kind else { return Ok(()) };
        let Called { callee, params, effects, controls } = called;
        let (span, controls) = (statement.span, *controls);
        self.work(if qubits.len() > 8 { qubits.len() } else { 0 }, span)?;
        if let Some(k) = first_repeated(qubits) {
            let fault = Fault::new(format!("{} gets one qubit twice", name.text));
            return Err(fault.hint("operands of a gate must differ").at(operands.get(k).map_or(span, |o| o.span)));
        }
        let phase_matters = exact || effects.iter().any(|e| !matches!(e, Effect::Inverse));
        if effects.is_empty() {
            return self.expand(callee, params, qubits, phase_matters, span, out);
        }
        let mut ops = Vec::new();
        self.expand(callee, params, &qubits[controls..], phase_matters, span, &mut ops)?;
        let mut free = controls;
        for effect in effects.iter().rev() {
            let changed = match *effect {
                Effect::Inverse => inverse(ops),
                Effect::Power(exponent) => power(ops, exponent, POWERED),
                Effect::Control(count, value) => {
                    free -= count;
                    let over = &qubits[free..free + count];
                    controlled(ops, over).map(|ops| if value { ops } else { turned(over, ops) })
                }
            };
            ops = changed.map_err(|fault| fault.at(span))?;
            self.work(ops.len(), span)?;
        }
        out.append(&mut ops);
        Ok(())
    }

    fn effect(&self, modifier: &Modifier) -> ReadResult<Effect> {
        match modifier {
            Modifier::Inverse => Ok(Effect::Inverse),
            Modifier::Power(exponent) => {
                let value = exponent.evaluate(self)?.real().map_err(|fault| fault.at(exponent.span))?;
                Ok(Effect::Power(value))
            }
            Modifier::Control { count: None, value } => Ok(Effect::Control(1, *value)),
            Modifier::Control { count: Some(count), value } => {
                let number = count.integer(self)?;
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
    ) -> ReadResult<()> {
        self.work(1, span)?;
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
            .collect();
        let base = std::mem::replace(&mut self.base, self.scopes.len());
        let was_inside = std::mem::replace(&mut self.inside_gate, true);
        self.scopes.push(formal);
        let body = definition.body.as_deref().unwrap_or_default();
        let done = self.body(body, &definition.positions, qubits, exact, out);
        self.scopes.pop();
        self.base = base;
        self.inside_gate = was_inside;
        done
    }

    /// Statements of a gate's body on these operands, of which `positions` tells the names. Its angles are in scope.
    fn body(
        &mut self,
        statements: &[Statement],
        positions: &HashMap<String, usize>,
        on: &[usize],
        exact: bool,
        out: &mut Vec<Op>,
    ) -> ReadResult<()> {
        for statement in statements {
            let statement = statement.bare();
            self.work(1, statement.span)?;
            match &statement.kind {
                Kind::Call { operands, .. } => {
                    // That each is an operand of the gate was checked where the gate is defined.
                    let qubits: Operands = operands.iter().map(|operand| on[positions[&operand.name.text]]).collect();
                    let called = self.called(statement, qubits.len())?;
                    self.single_call(&called, statement, &qubits, exact, out)?;
                }
                Kind::For { variable, range, body, .. } => {
                    for value in self.range_values(range, statement.span)? {
                        self.scopes.push(HashMap::from([(variable.text.clone(), Symbol::Value(value))]));
                        let done = self.body(body, positions, on, exact, out);
                        self.scopes.pop();
                        done?;
                    }
                }
                Kind::Block(body) | Kind::Box { body, .. } => self.body(body, positions, on, exact, out)?,
                // Barriers inside a gate matter only to the compiler that expands it.
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

/// Position of the first qubit that an earlier operand names too.
fn first_repeated(qubits: &[usize]) -> Option<usize> {
    if qubits.len() <= 16 {
        return (1..qubits.len()).find(|&k| qubits[..k].contains(&qubits[k]));
    }
    let mut seen = HashSet::new();
    qubits.iter().position(|qubit| !seen.insert(qubit))
}
