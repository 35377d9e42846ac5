//! The contents of each column: shared by the text and the SVG drawing.

use crate::circuit::qasm::{formula, multiple_of_pi};
use crate::circuit::{Circuit, Gate, Op, OpKind, Param};

/// What is drawn on one qubit.
#[derive(Clone, Debug, PartialEq)]
pub enum Mark {
    /// A dot: this qubit controls.
    Control,
    /// ⊕: X under control.
    Flip,
    /// ×: one side of a swap.
    Cross,
    /// A box of its own with this text.
    Box(String),
    /// Operand with this index of the box that spans the whole operation.
    Shared(usize),
    /// A meter.
    Meter,
    /// A dashed line.
    Barrier,
}

/// An operation with its column.
#[derive(Clone, Debug)]
pub struct Item {
    /// Column, from 0.
    pub column: usize,
    /// Qubits in ascending order and the symbol on each.
    pub marks: Vec<(usize, Mark)>,
    /// Text of the box that [`Mark::Shared`] qubits share, or beside a gate without boxes (the angle of `cp`).
    pub label: String,
    /// Text on the classical line, below a double line that leads to the lowest mark.
    pub classical: Option<String>,
}

impl Item {
    /// First and last qubit of the box that several operands share.
    pub fn shared(&self) -> Option<(usize, usize)> {
        let mut on = self.marks.iter().filter(|(_, mark)| matches!(mark, Mark::Shared(_))).map(|&(qubit, _)| qubit);
        let first = on.next()?;
        Some((first, on.next_back().unwrap_or(first)))
    }

    /// First and last qubit.
    pub fn span(&self) -> (usize, usize) {
        (self.marks[0].0, self.marks[self.marks.len() - 1].0)
    }
}

/// All operations by column, each as far left as the wires it crosses allow, and the number of columns.
pub fn layout(circuit: &Circuit) -> (Vec<Item>, usize) {
    let bottom = circuit.qubits();
    // One entry per qubit and one for the classical line.
    let mut free = vec![0usize; bottom + 1];
    let mut items = Vec::new();
    let names = angle_names(circuit);
    for op in circuit.ops() {
        let Some(mut item) = describe(op, circuit, &names) else { continue };
        let (first, last) = item.span();
        let last = if item.classical.is_some() { bottom } else { last };
        item.column = free[first..=last].iter().copied().max().unwrap_or(0);
        free[first..=last].fill(item.column + 1);
        items.push(item);
    }
    // Stable: within a column they stay in the order of the circuit.
    items.sort_by_key(|item| item.column);
    (items, free.into_iter().max().unwrap_or(0))
}

/// An operation without its column; `None` for what cannot be seen (a barrier on nothing, a phase without qubits).
fn describe(op: &Op, circuit: &Circuit, names: &[String]) -> Option<Item> {
    let mut label = String::new();
    let mut marks: Vec<(usize, Mark)> = match &op.kind {
        OpKind::Gate { gate, params, controls } => {
            let (own, base) = gate.as_controlled();
            let (over, targets) = op.qubits.split_at(own + controls);
            let text = with_angles(&title(base), params, names);
            let mut marks: Vec<_> = over.iter().map(|&q| (q, Mark::Control)).collect();
            match (base, targets) {
                (Gate::X, &[target]) if !over.is_empty() => marks.push((target, Mark::Flip)),
                // Symmetric in all operands, so every one of them is a dot.
                (Gate::Z, &[target]) if !over.is_empty() => marks.push((target, Mark::Control)),
                (Gate::P, &[target]) if !over.is_empty() => {
                    marks.push((target, Mark::Control));
                    label = text;
                }
                (Gate::Swap, _) => marks.extend(targets.iter().map(|&q| (q, Mark::Cross))),
                (_, &[target]) => marks.push((target, Mark::Box(text))),
                _ => {
                    marks.extend(targets.iter().enumerate().map(|(k, &q)| (q, Mark::Shared(k))));
                    label = text;
                }
            }
            marks
        }
        OpKind::Unitary(_) if op.qubits.len() == 1 => vec![(op.qubits[0], Mark::Box("Unitary".into()))],
        OpKind::Unitary(_) => {
            label = "Unitary".into();
            op.qubits.iter().enumerate().map(|(k, &q)| (q, Mark::Shared(k))).collect()
        }
        OpKind::GlobalPhase(_) | OpKind::Assign { .. } => return None,
        OpKind::Measure { .. } => vec![(op.qubits[0], Mark::Meter)],
        OpKind::Reset => vec![(op.qubits[0], Mark::Box("|0⟩".into()))],
        OpKind::Delay(time) => vec![(op.qubits[0], Mark::Box(format!("Delay {}", short_time(time.0))))],
        OpKind::Barrier if op.qubits.is_empty() => (0..circuit.qubits()).map(|q| (q, Mark::Barrier)).collect(),
        OpKind::Barrier => op.qubits.iter().map(|&q| (q, Mark::Barrier)).collect(),
    };
    marks.sort_by_key(|&(qubit, _)| qubit);
    // Scratch bits are numbered by themselves.
    let scratch = |bit: usize| bit.checked_sub(circuit.bits()).map(|scratch| format!("scratch{scratch}"));
    let numbered = |bit: usize| scratch(bit).unwrap_or_else(|| bit.to_string());
    let condition = op.condition.as_ref().map(|c| match c.bits[..] {
        [bit] => format!("{}={}", scratch(bit).unwrap_or_else(|| format!("c{bit}")), c.value),
        _ if c.bits.iter().copied().eq(0..circuit.bits()) => format!("c={}", c.value),
        _ => {
            let bits: Vec<String> = c.bits.iter().map(|&bit| numbered(bit)).collect();
            format!("c[{}]={}", bits.join(","), c.value)
        }
    });
    let written = if let OpKind::Measure { bit } = op.kind { Some(numbered(bit)) } else { None };
    let classical = match (condition, written) {
        (Some(test), Some(bit)) => Some(format!("{test}→{bit}")),
        (test, bit) => test.or(bit),
    };
    if marks.is_empty() { None } else { Some(Item { column: 0, marks, label, classical }) }
}

/// What a drawing says of the operations that it leaves out; empty if it draws all.
pub fn left_out(circuit: &Circuit) -> String {
    match circuit.ops().iter().filter(|op| matches!(op.kind, OpKind::Assign { .. })).count() {
        0 => String::new(),
        1 => "1 assignment to a classical bit is not drawn".into(),
        count => format!("{count} assignments to classical bits are not drawn"),
    }
}

/// The sum of the global phases, as text; empty without one.
pub fn global_phase(circuit: &Circuit) -> String {
    let names = angle_names(circuit);
    let phases = circuit.ops().iter().filter_map(|op| match &op.kind {
        OpKind::GlobalPhase(phase) => Some(angle(*phase, &names)),
        _ => None,
    });
    phases.collect::<Vec<_>>().join(" + ")
}

/// Longest formula that is drawn, characters; a longer one is a function by number.
const LONGEST_FORMULA: usize = 40;

/// What the slots are called, derived angles included.
fn angle_names(circuit: &Circuit) -> Vec<String> {
    let mut names = circuit.slot_names().to_vec();
    for (k, made) in circuit.derived().iter().enumerate() {
        let text = formula(made, &names).replace(' ', "");
        names.push(if text.len() <= LONGEST_FORMULA { format!("({text})") } else { format!("f{k}") });
    }
    names
}

fn title(gate: Gate) -> String {
    match gate {
        Gate::Sdg => "S†".into(),
        Gate::Tdg => "T†".into(),
        Gate::Sx => "√X".into(),
        Gate::Sxdg => "√X†".into(),
        Gate::Id => "I".into(),
        _ => gate.name().to_uppercase(),
    }
}

fn with_angles(title: &str, params: &[Param], names: &[String]) -> String {
    let angles: Vec<String> = params.iter().map(|&p| angle(p, names)).collect();
    if angles.is_empty() { title.into() } else { format!("{title}({})", angles.join(", ")) }
}

/// For reading: four significant digits, `π/2` where exact, `2x0+π` for slots.
fn angle(param: Param, names: &[String]) -> String {
    let (slot, scale, offset) = match param {
        Param::Fixed(value) => return short(value),
        Param::Slot { slot, scale, offset } => (slot, scale, offset),
    };
    let factor = match scale {
        1.0 => String::new(),
        -1.0 => "-".into(),
        _ => format!("{}·", short(scale)),
    };
    let shift = match offset {
        0.0 => String::new(),
        _ if offset < 0.0 => short(offset),
        _ => format!("+{}", short(offset)),
    };
    format!("{factor}{}{shift}", names[slot])
}

fn short(value: f64) -> String {
    if let Some(text) = multiple_of_pi(value, "π") {
        return text.replace('*', "");
    }
    if value != 0.0 && !(1e-3..1e4).contains(&value.abs()) {
        return format!("{value:.2e}");
    }
    let decimals = if value.abs() >= 100.0 { 1 } else { 3 };
    let text = format!("{value:.decimals$}");
    text.trim_end_matches('0').trim_end_matches('.').into()
}

fn short_time(seconds: f64) -> String {
    let (size, unit) = match seconds {
        s if s == 0.0 || s >= 1.0 => (1.0, "s"),
        s if s >= 1e-3 => (1e3, "ms"),
        s if s >= 1e-6 => (1e6, "µs"),
        _ => (1e9, "ns"),
    };
    format!("{} {unit}", short(seconds * size))
}
