//! Circuits as OpenQASM text.

use std::collections::HashSet;
use std::fmt::Write;
use std::ops::Range;

use super::library::{QELIB1, STDGATES};
use super::lower::{as_cu, definition_phase, simplest, synthesize, without_controls};
use super::names::{BitNames, SCRATCH_NAME, angle_names, slot_identifiers, under};
use super::number::{angle, literal, number};
use crate::circuit::gate::Body;
use crate::circuit::gate::controls::gates;
use crate::circuit::{Circuit, CircuitError, Condition, Gate, Op, OpKind, Param, Params};
use crate::math::Seconds;

/// How OpenQASM 3 is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriteOptions {
    /// Qubit k as the physical qubit `$k` of a device instead of `q[k]`: for transpiled circuits.
    pub physical_qubits: bool,
    /// Only what qiskit-qasm3-import 0.6 reads, which knows neither assignments nor `output`: a bit that is given a value
    /// measures one of two further qubits, which are 0 and 1. Scratch bits then are a register like any other.
    pub for_qiskit: bool,
}

/// A circuit without slots as OpenQASM 2.
///
/// Gates missing from the paper's `qelib1.inc` are defined in the file, as are delays (`opaque delay(seconds) a;`).
/// Controls beyond the table's gates and unitary matrices become plain gates. The global phase, which the language
/// cannot express, is left out.
///
/// ```
/// use qgraft::circuit::{Circuit, Gate, qasm};
/// let mut bell = Circuit::with_bits(2, 2);
/// bell.push(Gate::H, &[0], &[])?.push(Gate::Cx, &[0, 1], &[])?.measure_all()?;
/// let text = qasm::write2(&bell)?;
/// assert!(text.ends_with("h q[0];\ncx q[0], q[1];\nmeasure q[0] -> c[0];\nmeasure q[1] -> c[1];\n"));
/// # Ok::<(), qgraft::circuit::CircuitError>(())
/// ```
///
/// # Errors
/// If the circuit has slots, becomes too many gates without its controls, or has conditions on few bits of many: the
/// language tests whole registers, and at most 6 bits of one can be left open.
pub fn write2(circuit: &Circuit) -> Result<String, CircuitError> {
    if circuit.slots() > 0 {
        return Err(CircuitError::NotExpressible {
            format: "OpenQASM 2",
            op: "a circuit with slots".into(),
            reason: format!("the {} angles starting with {:?} have no value", circuit.slots(), circuit.slot_names()[0]),
            hint: "give them numbers with Circuit::bind, or write OpenQASM 3",
        });
    }
    let mut text = String::from("OPENQASM 2.0;\ninclude \"qelib1.inc\";\n");
    let assigned = circuit.ops().iter().find(|op| matches!(op.kind, OpKind::Assign { .. })).map(Op::name);
    if assigned.is_some() || circuit.scratch() > 0 {
        return Err(CircuitError::NotExpressible {
            format: "OpenQASM 2",
            op: assigned.unwrap_or_else(|| "a scratch bit".into()),
            reason: "its classical bits change by measurement only".into(),
            hint: "write OpenQASM 3, which computes with bits",
        });
    }
    let wires = circuit.qubits();
    let count = circuit.ops().iter().map(|op| count2(op, wires)).fold(0, u64::saturating_add);
    if count > GATES {
        return Err(CircuitError::NotExpressible {
            format: "OpenQASM 2",
            op: "a circuit with many controls".into(),
            reason: format!("without them they are up to {count} gates, at most {GATES} are written"),
            hint: "write OpenQASM 3, which has controls",
        });
    }
    // Made twice, for the definitions and for the statements: a list of them would double the memory.
    let ops = || circuit.ops().iter().flat_map(|op| lowered2(op, wires));
    let writer = Writer { version: Version::Two, slots: &[], qubits: QubitNames::Register(circuit.qubits()) };
    if circuit.ops().iter().any(|op| matches!(op.kind, OpKind::Delay(_))) {
        text += "opaque delay(seconds) a;\n";
    }
    writer.definitions(ops(), &mut text);
    if circuit.qubits() > 0 {
        let _ = writeln!(text, "qreg q[{}];", circuit.qubits());
    }
    let registers = Registers::of(circuit);
    for (name, bits) in &registers.0 {
        let _ = writeln!(text, "creg {name}[{}];", bits.len());
    }
    for op in ops() {
        let statement = match &op.kind {
            OpKind::Measure { bit } => {
                format!("measure {} -> {};", writer.qubits.one(op.qubits[0]), registers.one(*bit))
            }
            OpKind::Delay(Seconds(time)) => format!("delay({}) {};", number(*time), writer.qubits.one(op.qubits[0])),
            // A barrier does nothing, so no condition changes what it does.
            OpKind::Barrier => {
                let _ = writeln!(text, "{}", writer.statement(&op));
                continue;
            }
            _ => writer.statement(&op),
        };
        for test in registers.tests(&op)? {
            let _ = writeln!(text, "{test}{statement}");
        }
    }
    Ok(text)
}

/// A circuit as OpenQASM 3, its slots as `input float` in their order.
///
/// Gates missing from `stdgates.inc` are defined in the file with their phase, unitary matrices become (controlled)
/// gates. Slot names that are no identifiers or collide with a gate are changed (`weights[0]` to `weights_0_`).
pub fn write3(circuit: &Circuit, options: &WriteOptions) -> String {
    let mut text = String::from("OPENQASM 3.0;\ninclude \"stdgates.inc\";\n");
    let ops = || circuit.ops().iter().flat_map(lowered3);
    let slots = slot_identifiers(circuit.slot_names());
    let qubits = if options.physical_qubits { QubitNames::Physical } else { QubitNames::Register(circuit.qubits()) };
    let writer = Writer { version: Version::Three, slots: &slots, qubits };
    let mut definitions = String::new();
    let names = angle_names(circuit, &slots, &mut definitions);
    let writer = Writer { slots: &names, ..writer };
    let assigns = circuit.ops().iter().any(|op| matches!(op.kind, OpKind::Assign { .. }));
    for name in &slots {
        let _ = writeln!(text, "input float {name};");
    }
    text += &definitions;
    writer.definitions(ops(), &mut text);
    if circuit.qubits() > 0 && !options.physical_qubits {
        let _ = writeln!(text, "qubit[{}] q;", circuit.qubits());
    }
    // Two qubits that are 0 and 1.
    let constant = |value: bool| match options.physical_qubits {
        true => format!("${}", circuit.qubits() + usize::from(value)),
        false => format!("{CONSTANT_NAME}[{}]", u8::from(value)),
    };
    if options.for_qiskit && assigns {
        if !options.physical_qubits {
            let _ = writeln!(text, "qubit[2] {CONSTANT_NAME};");
        }
        let _ = writeln!(text, "x {};", constant(true));
    }
    // Scratch bits are told apart by `output`, which makes everything else no part of the outcome.
    let bits = BitNames(circuit.bits());
    if circuit.bits() > 0 {
        let output = if circuit.scratch() > 0 && !options.for_qiskit { "output " } else { "" };
        let _ = writeln!(text, "{output}bit[{}] c;", circuit.bits());
    }
    if circuit.scratch() > 0 {
        let _ = writeln!(text, "bit[{}] {SCRATCH_NAME};", circuit.scratch());
    }
    let mut directives = circuit.directives().iter().peekable();
    for (at, op) in circuit.ops().iter().enumerate().flat_map(|(at, op)| steps_of(at, op)) {
        while let Some(directive) = directives.next_if(|directive| at.is_some_and(|at| directive.at <= at.index)) {
            // An annotation belongs to one statement.
            if !directive.is_annotation() || at.is_some_and(|at| at.is_only) {
                let _ = writeln!(text, "{}", directive.text);
            }
        }
        let statement = match &op.kind {
            OpKind::Measure { bit } => format!("{} = measure {};", bits.one(*bit), writer.qubits.one(op.qubits[0])),
            OpKind::Assign { bit, value } if options.for_qiskit => {
                format!("{} = measure {};", bits.one(*bit), constant(*value))
            }
            OpKind::Assign { bit, value } => format!("{} = {value};", bits.one(*bit)),
            OpKind::Delay(time) => format!("delay[{}] {};", duration(*time), writer.qubits.one(op.qubits[0])),
            _ => writer.statement(&op),
        };
        // A barrier does nothing, so no condition changes what it does.
        let condition = op.condition.as_ref().filter(|_| !matches!(op.kind, OpKind::Barrier));
        let _ = match condition.map(Condition::by_bit) {
            None => writeln!(text, "{statement}"),
            Some(Some(wanted)) => writeln!(text, "{}", under(&wanted, &bits, &statement)),
            // It never holds.
            Some(None) => Ok(()),
        };
    }
    for directive in directives {
        let _ = writeln!(text, "{}", directive.text);
    }
    text
}

/// The operation that a statement is the first of.
#[derive(Clone, Copy)]
struct First {
    index: usize,
    is_only: bool,
}

/// The statements of an operation.
fn steps_of(index: usize, op: &Op) -> impl Iterator<Item = (Option<First>, Op)> + use<> {
    let steps = lowered3(op);
    let is_only = steps.len() == 1;
    steps.into_iter().enumerate().map(move |(k, step)| ((k == 0).then_some(First { index, is_only }), step))
}

/// Name of the register of qubits that are 0 and 1.
const CONSTANT_NAME: &str = "constant";

/// In whole nanoseconds where that is exact, otherwise in seconds.
fn duration(time: Seconds) -> String {
    let nanoseconds = (time.0 * 1e9).round();
    if Seconds::nano(nanoseconds) == time { format!("{nanoseconds}ns") } else { format!("{}s", literal(time.0)) }
}

/// Gates at most that those under controls, and matrices, become in OpenQASM 2.
const GATES: u64 = 2_000_000;

/// How many operations [`lowered2`] makes at most of one that the language lacks.
fn count2(op: &Op, wires: usize) -> u64 {
    match &op.kind {
        OpKind::Gate { gate, controls, .. } if *controls > 0 => gates(*gate, *controls, wires - op.qubits.len()),
        // 4^n / 2 pairs of basis states, each a few gates around a controlled one.
        OpKind::Unitary(matrix) => 64 * (matrix.nrows() * matrix.nrows()) as u64,
        _ => 0,
    }
}

/// For OpenQASM 2 on a register of so many qubits: no controls, no matrices, no global phase.
fn lowered2(op: &Op, wires: usize) -> Vec<Op> {
    let simple = match &op.kind {
        OpKind::Unitary(matrix) => {
            synthesize(matrix, &op.qubits).iter().flat_map(|step| lowered2(step, wires)).collect()
        }
        OpKind::GlobalPhase(_) => vec![],
        OpKind::Gate { controls, .. } if *controls > 0 => match simplest(op.clone()) {
            Op { kind: OpKind::Gate { controls: 0, gate, params }, qubits, .. } => {
                vec![Op { kind: OpKind::Gate { controls: 0, gate, params }, qubits, condition: None }]
            }
            Op { kind: OpKind::Gate { gate, params, controls }, qubits, .. } => {
                let values: Vec<f64> = params.iter().map(|p| p.value(&[])).collect();
                // Few controls borrow nothing, and a list of free qubits is as long as the register.
                let free: Vec<usize> = match controls {
                    0..3 => Vec::new(),
                    _ => (0..wires).filter(|qubit| !qubits.contains(qubit)).take(qubits.len()).collect(),
                };
                let (controls, targets) = qubits.split_at(controls);
                without_controls(gate, &values, controls, targets, &free)
            }
            other => vec![other],
        },
        _ => return vec![op.clone()],
    };
    simple.into_iter().map(|step| Op { condition: op.condition.clone(), ..step }).collect()
}

/// For OpenQASM 3: no matrices, and nothing controlled whose phase the dialects disagree on.
fn lowered3(op: &Op) -> Vec<Op> {
    let steps = match &op.kind {
        OpKind::Unitary(matrix) => synthesize(matrix, &op.qubits),
        OpKind::Gate { .. } => vec![simplest(op.clone())],
        _ => return vec![op.clone()],
    };
    let settled = |mut step: Op| {
        if let OpKind::Gate { gate, params, controls } = &mut step.kind
            && *controls > 0
            && let Some(angles) = as_cu(*gate, params)
        {
            (*gate, *params, *controls) = (Gate::Cu, Params::from_slice(&angles), *controls - 1);
        }
        Op { condition: op.condition.clone(), ..step }
    };
    steps.into_iter().map(settled).collect()
}

#[derive(Clone, Copy, PartialEq)]
enum Version {
    Two,
    Three,
}

/// How qubits are called.
enum QubitNames {
    /// `q[k]` of a register this wide.
    Register(usize),
    /// `$k`.
    Physical,
}

impl QubitNames {
    fn one(&self, qubit: usize) -> String {
        match self {
            Self::Register(_) => format!("q[{qubit}]"),
            Self::Physical => format!("${qubit}"),
        }
    }

    fn list(&self, qubits: &[usize]) -> String {
        qubits.iter().map(|&q| self.one(q)).collect::<Vec<_>>().join(", ")
    }
}

struct Writer<'a> {
    version: Version,
    slots: &'a [String],
    qubits: QubitNames,
}

impl Writer<'_> {
    /// The name the version's library has for a gate.
    fn library_name(&self, gate: Gate) -> Option<&'static str> {
        let library = if self.version == Version::Two { QELIB1 } else { STDGATES };
        let row = gate.row();
        std::iter::once(&row.name).chain(row.aliases).copied().find(|name| library.contains(name))
    }

    fn name(&self, gate: Gate) -> &'static str {
        self.library_name(gate).unwrap_or(gate.name())
    }

    /// One operation that both versions write alike.
    fn statement(&self, op: &Op) -> String {
        match &op.kind {
            OpKind::Gate { gate, params, controls } => {
                let control = match controls {
                    0 => String::new(),
                    1 => "ctrl @ ".into(),
                    _ => format!("ctrl({controls}) @ "),
                };
                format!("{control}{} {};", self.call(*gate, params, self.slots), self.qubits.list(&op.qubits))
            }
            OpKind::GlobalPhase(phase) => format!("gphase({});", angle(*phase, self.slots)),
            OpKind::Reset => format!("reset {};", self.qubits.one(op.qubits[0])),
            OpKind::Barrier => {
                // Their order says nothing.
                let mut qubits = op.qubits.to_vec();
                qubits.sort_unstable();
                match self.qubits {
                    QubitNames::Register(width) if qubits.is_empty() || qubits.iter().copied().eq(0..width) => {
                        "barrier q;".into()
                    }
                    _ => format!("barrier {};", self.qubits.list(&qubits)).replace(" ;", ";"),
                }
            }
            OpKind::Unitary(_) | OpKind::Measure { .. } | OpKind::Assign { .. } | OpKind::Delay(_) => {
                unreachable!("lowered or written by the version's own code")
            }
        }
    }

    fn call(&self, gate: Gate, params: &[Param], names: &[String]) -> String {
        let angles: Vec<String> = params.iter().map(|&p| angle(p, names)).collect();
        match angles.is_empty() {
            true => self.name(gate).into(),
            false => format!("{}({})", self.name(gate), angles.join(", ")),
        }
    }

    /// Definitions of all gates used that the library lacks, each after those it uses.
    fn definitions(&self, ops: impl Iterator<Item = Op>, text: &mut String) {
        let mut done = HashSet::new();
        for op in ops {
            if let OpKind::Gate { gate, .. } = op.kind {
                self.define(gate, &mut done, text);
            }
        }
    }

    fn define(&self, gate: Gate, done: &mut HashSet<Gate>, text: &mut String) {
        if self.library_name(gate).is_some() || !done.insert(gate) {
            return;
        }
        // Numbered, because qiskit-qasm3-import 0.6 hands arguments over in alphabetical order of the parameters' names.
        let formal: Vec<String> = match gate.row().params {
            [one] => vec![(*one).into()],
            many => (0..many.len()).map(|k| format!("angle{k}")).collect(),
        };
        let symbols: Vec<Param> = (0..formal.len()).map(Param::slot).collect();
        let body = self.body(gate, &symbols);
        for (inner, _, _) in &body {
            self.define(*inner, done, text);
        }
        let operands = &["a", "b", "c", "d", "e"];
        let angles = if formal.is_empty() { String::new() } else { format!("({})", formal.join(", ")) };
        let _ = write!(text, "gate {}{angles} {} {{ ", gate.name(), operands[..gate.row().qubits].join(", "));
        for (inner, on, params) in &body {
            let names: Vec<&str> = on.iter().map(|&p| operands[p]).collect();
            let _ = write!(text, "{} {}; ", self.call(*inner, params, &formal), names.join(", "));
        }
        let phase = definition_phase(gate, &vec![0.5; formal.len()]);
        if self.version == Version::Three && phase != 0.0 {
            let _ = write!(text, "gphase({}); ", number(phase));
        }
        text.push_str("}\n");
    }

    fn body(&self, gate: Gate, params: &[Param]) -> Body {
        match (gate, self.version) {
            // The table's `U` would carry the phase on which the dialects of version 3 disagree.
            (Gate::R, Version::Three) => vec![
                (Gate::Rz, vec![0], vec![-params[1]]),
                (Gate::Rx, vec![0], vec![params[0]]),
                (Gate::Rz, vec![0], vec![params[1]]),
            ],
            _ => (gate.row().definition)(params),
        }
    }
}

/// Classical registers in the order of their bits. OpenQASM 2 tests whole registers only, so every run of bits that
/// conditions name together becomes one.
struct Registers(Vec<(String, Range<usize>)>);

/// Bits of a register that a condition leaves open, each doubling the number of statements.
const OPEN_BITS: usize = 6;

impl Registers {
    fn of(circuit: &Circuit) -> Self {
        let mut runs: Vec<Range<usize>> = Vec::new();
        for Condition { bits, .. } in circuit.ops().iter().filter_map(|op| op.condition.as_ref()) {
            let (Some(&low), Some(&high)) = (bits.iter().min(), bits.iter().max()) else { continue };
            let meets = |other: &Range<usize>| low < other.end && other.start <= high;
            let joint = runs
                .iter()
                .filter(|other| meets(other))
                .fold(low..high + 1, |run, other| run.start.min(other.start)..run.end.max(other.end));
            runs.retain(|other| !meets(other));
            runs.push(joint);
        }
        runs.sort_by_key(|run| run.start);
        let mut cut = Vec::new();
        let mut at = 0;
        for run in runs {
            if at < run.start {
                cut.push(at..run.start);
            }
            at = run.end;
            cut.push(run);
        }
        if at < circuit.bits() {
            cut.push(at..circuit.bits());
        }
        let single = cut.len() == 1;
        let name = |k: usize| if single { "c".into() } else { format!("c{k}") };
        Self(cut.into_iter().enumerate().map(|(k, run)| (name(k), run)).collect())
    }

    fn holding(&self, bit: usize) -> &(String, Range<usize>) {
        self.0.iter().find(|(_, run)| run.contains(&bit)).expect("the circuit checked its bits")
    }

    fn one(&self, bit: usize) -> String {
        let (name, run) = self.holding(bit);
        format!("{name}[{}]", bit - run.start)
    }

    /// `if (c == 3) ` for every value of the register that the condition allows; no two hold at once.
    fn tests(&self, op: &Op) -> Result<Vec<String>, CircuitError> {
        let Some(condition) = op.condition.as_ref().filter(|condition| !condition.bits.is_empty()) else {
            return Ok(vec![String::new()]);
        };
        let Some(wanted) = condition.by_bit() else { return Ok(Vec::new()) };
        let (name, run) = self.holding(wanted[0].0);
        let open: Vec<usize> = run.clone().filter(|bit| wanted.iter().all(|(own, _)| own != bit)).collect();
        if open.len() > OPEN_BITS || run.len() > 64 {
            return Err(CircuitError::NotExpressible {
                format: "OpenQASM 2",
                op: op.name(),
                reason: format!("its condition tests {} bits of a register of {}", wanted.len(), run.len()),
                hint: "write OpenQASM 3, or let conditions test runs of neighbouring bits",
            });
        }
        let place = |bit: usize, is_one: bool| u64::from(is_one) << (bit - run.start);
        let fixed = wanted.iter().fold(0, |all, &(bit, is_one)| all | place(bit, is_one));
        let value =
            |free: u64| open.iter().enumerate().fold(fixed, |all, (k, &bit)| all | place(bit, free >> k & 1 == 1));
        Ok((0..1u64 << open.len()).map(|free| format!("if ({name} == {}) ", value(free))).collect())
    }
}
