//! What slots and derived angles are called in OpenQASM 3.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use super::number::formula;
use crate::circuit::{Circuit, Gate};

/// Longest formula that is written wherever it is used, characters; a longer one is given a name first. No parentheses of
/// such a formula are too deep for the reader.
const LONGEST_FORMULA: usize = 100;

/// What the slots are called, derived angles included: these by their formula, or by a name that `definitions` declares.
pub(super) fn angle_names(circuit: &Circuit, slots: &[String], definitions: &mut String) -> Vec<String> {
    let mut names = slots.to_vec();
    names.resize(slots.len() + circuit.derived().len(), String::new());
    let mut count = 0;
    for at in circuit.derived_in_use() {
        let text = formula(&circuit.derived()[at], &names);
        names[slots.len() + at] = if text.len() <= LONGEST_FORMULA {
            format!("({text})")
        } else {
            let name = loop {
                let name = format!("derived_{count}");
                count += 1;
                if !slots.contains(&name) {
                    break name;
                }
            };
            let _ = writeln!(definitions, "float {name} = {text};");
            name
        };
    }
    names
}

/// Words no slot may be called: the language's own, and those this writer uses.
#[rustfmt::skip]
const RESERVED: &[&str] = &[
    "q", "c", "scratch", "constant", "pi", "tau", "euler", "OPENQASM", "include", "defcalgrammar", "def", "cal", "defcal", "gate", "extern",
    "box", "let", "break", "continue", "if", "else", "end", "return", "for", "while", "in", "switch", "case", "default",
    "nop", "pragma", "input", "output", "const", "readonly", "mutable", "qreg", "qubit", "creg", "bool", "bit", "int",
    "uint", "float", "angle", "complex", "array", "void", "duration", "stretch", "gphase", "inv", "pow", "ctrl",
    "negctrl", "durationof", "delay", "reset", "measure", "barrier", "true", "false", "im", "sin", "cos", "tan",
    "arcsin", "arccos", "arctan", "exp", "log", "sqrt", "ceiling", "floor", "mod", "popcount", "rotl", "rotr", "real",
    "imag", "sizeof", "opaque", "ln", "phase", "cphase", "CX", "u1", "u3",
];

/// Names of slots as [`write3`](super::write3) writes them, in the same order: `x_0` for `x[0]`, and no word of the language.
pub fn slot_identifiers(names: &[String]) -> Vec<String> {
    let mut taken = HashSet::new();
    let free = |name: &str, taken: &HashSet<String>| {
        !RESERVED.contains(&name) && Gate::named(name).is_none() && !taken.contains(name)
    };
    let mut identifiers = Vec::with_capacity(names.len());
    // The last number behind each name: smaller ones are taken, and looking again would be quadratic.
    let mut last: HashMap<String, usize> = HashMap::new();
    for name in names {
        let mut base: String =
            // `x[0]` of an array becomes x_0.
            name.trim_end_matches(']').chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '_' }).collect();
        if base.chars().next().is_none_or(|c| c.is_ascii_digit()) {
            base.insert(0, '_');
        }
        let mut identifier = base.clone();
        let count = last.entry(base.clone()).or_default();
        while !free(&identifier, &taken) {
            *count += 1;
            identifier = format!("{base}_{count}");
        }
        taken.insert(identifier.clone());
        identifiers.push(identifier);
    }
    identifiers
}

/// Name of the register of scratch bits.
pub const SCRATCH_NAME: &str = "scratch";

/// Names of the classical bits, of which so many are in the register `c`, the others scratch.
pub struct BitNames(pub usize);

impl BitNames {
    pub fn one(&self, bit: usize) -> String {
        match bit.checked_sub(self.0) {
            None => format!("c[{bit}]"),
            Some(scratch) => format!("{SCRATCH_NAME}[{scratch}]"),
        }
    }
}

/// Branches within each other that a condition on many bits becomes: fewer than any reader nests.
const BRANCHES: usize = 16;

/// A statement under a condition on these bits ([`Condition::by_bit`](crate::circuit::Condition::by_bit)): on the whole register
/// as an integer, otherwise bit by bit. Comparisons of bits and, up to 16 bits, `&&` are left out because few readers support
/// them.
pub fn under(wanted: &[(usize, bool)], names: &BitNames, statement: &str) -> String {
    if wanted.len() > 1 && wanted.iter().map(|(bit, _)| *bit).eq(0..names.0) {
        let value = wanted.iter().fold(0, |value, &(bit, is_one)| value | u64::from(is_one) << bit);
        return format!("if (c == {value}) {{ {statement} }}");
    }
    let test = |&(bit, is_one): &(usize, bool)| format!("{}{}", if is_one { "" } else { "!" }, names.one(bit));
    let tests: Vec<String> = wanted.iter().map(test).collect();
    let branches = tests.chunks(tests.len().div_ceil(BRANCHES).max(1));
    let count = branches.len();
    let open: String = branches.map(|tests| format!("if ({}) {{ ", tests.join(" && "))).collect();
    format!("{open}{statement}{}", " }".repeat(count))
}
