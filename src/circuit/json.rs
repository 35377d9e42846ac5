//! Circuits as JSON: lossless, versioned, for files of our own.

use serde::{Deserialize, Serialize};

use crate::circuit::derived::{Derived, DerivedList, substituted};
use crate::circuit::{Circuit, CircuitError, Condition, Directive, Gate, MAX_REGISTER, Op, OpKind, Param};
use crate::math::matrix::c;
use crate::math::words::shortened;
use crate::math::{Matrix, Seconds};

/// Raised when the form changes. Older numbers stay readable or are refused by name.
const FORMAT: &str = "qgraft-circuit-1";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CircuitFile {
    format: String,
    qubits: usize,
    bits: usize,
    #[serde(default)]
    scratch: usize,
    slots: Vec<String>,
    #[serde(default)]
    derived: Vec<Derived>,
    ops: Vec<Entry>,
    #[serde(default)]
    directives: Vec<Directive>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    #[serde(flatten)]
    kind: EntryKind,
    qubits: Vec<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    condition: Option<ConditionEntry>,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
enum EntryKind {
    Gate {
        name: String,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        params: Vec<Param>,
        #[serde(default, skip_serializing_if = "is_zero")]
        controls: usize,
    },
    /// Rows of `[re, im]`.
    Unitary {
        rows: Vec<Vec<[f64; 2]>>,
    },
    GlobalPhase {
        phase: Param,
    },
    Measure {
        bit: usize,
    },
    Assign {
        bit: usize,
        value: bool,
    },
    Reset,
    Barrier,
    Delay {
        seconds: Seconds,
    },
}

#[derive(Serialize, Deserialize)]
struct ConditionEntry {
    bits: Vec<usize>,
    value: u64,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Circuit {
    /// The circuit as JSON, one line per operation.
    ///
    /// ```
    /// use qgraft::circuit::{Circuit, Gate};
    /// let mut circuit = Circuit::new(1);
    /// let angle = circuit.slot("x0");
    /// circuit.push(Gate::Ry, &[0], &[angle])?;
    /// assert_eq!(Circuit::from_json(&circuit.to_json())?, circuit);
    /// # Ok::<(), qgraft::circuit::CircuitError>(())
    /// ```
    pub fn to_json(&self) -> String {
        let entry = |op: &Op| {
            let text = serde_json::to_string(&Entry::of(op)).expect("numbers, texts and lists always serialise");
            format!("    {text}")
        };
        let ops: Vec<String> = self.ops().iter().map(entry).collect();
        let slots = serde_json::to_string(self.slot_names()).expect("texts always serialise");
        let (open, close) = if ops.is_empty() { ("", "") } else { ("\n", "\n  ") };
        let scratch = if self.scratch() > 0 { format!("  \"scratch\": {},\n", self.scratch()) } else { String::new() };
        let derived: Vec<String> = (self.derived().iter())
            .map(|made| format!("    {}", serde_json::to_string(made).expect("names and numbers always serialise")))
            .collect();
        let derived = match derived.is_empty() {
            true => String::new(),
            false => format!("  \"derived\": [\n{}\n  ],\n", derived.join(",\n")),
        };
        let directives: Vec<String> = (self.directives().iter())
            .map(|directive| format!("    {}", serde_json::to_string(directive).expect("texts always serialise")))
            .collect();
        let directives = match directives.is_empty() {
            true => String::new(),
            false => format!(",\n  \"directives\": [\n{}\n  ]", directives.join(",\n")),
        };
        format!(
            "{{\n  \"format\": \"{FORMAT}\",\n  \"qubits\": {},\n  \"bits\": {},\n{scratch}  \"slots\": {slots},\n{derived}  \"ops\": [{open}{}{close}]{directives}\n}}\n",
            self.qubits(),
            self.bits(),
            ops.join(",\n"),
        )
    }

    /// The circuit from its JSON, checked like any other.
    ///
    /// # Errors
    /// If the text is not that form, has a register of more than [`MAX_REGISTER`] or scratch bits without a register, names an unknown gate,
    /// or holds an operation [`Circuit::append`] refuses.
    pub fn from_json(text: &str) -> Result<Self, CircuitError> {
        let file: CircuitFile =
            serde_json::from_str(text).map_err(|e| CircuitError::BadJson(shortened(&e.to_string())))?;
        if file.format != FORMAT {
            let wrong = format!("field format is {:?}, this program reads {FORMAT:?}", shortened(&file.format));
            return Err(CircuitError::BadJson(wrong));
        }
        for (field, size) in [("qubits", file.qubits), ("bits", file.bits), ("scratch", file.scratch)] {
            if size > MAX_REGISTER {
                return Err(CircuitError::BadJson(format!("field {field} is {size}, at most {MAX_REGISTER} are read")));
            }
        }
        if file.bits == 0 && file.scratch > 0 {
            let wrong = format!("field scratch is {} where bits is 0: what computes has an outcome", file.scratch);
            return Err(CircuitError::BadJson(wrong));
        }
        let mut circuit = Self::with_bits(file.qubits, file.bits).with_scratch(file.scratch);
        for name in file.slots {
            circuit.slot(name);
        }
        let mut slots: Vec<Param> = (0..circuit.slots()).map(Param::slot).collect();
        let mut derived = DerivedList::new(circuit.slots());
        for (position, Derived { operation, operands }) in file.derived.into_iter().enumerate() {
            let at = |error: CircuitError| CircuitError::BadJson(format!("derived[{position}]: {error}"));
            let (known, name) = (slots.len(), || operation.row().sign.to_string());
            for param in operands {
                circuit.check_angle(param, |slot| slot < known, name).map_err(at)?;
            }
            slots.push(derived.derive(operation, operands.map(|param| substituted(param, &slots))));
        }
        circuit.derived = derived.into_list();
        for (position, entry) in file.ops.into_iter().enumerate() {
            let at = |reason: String| CircuitError::BadJson(format!("ops[{position}]: {}", shortened(&reason)));
            let mut op = entry.into_op().map_err(at)?;
            let op_name = op.name();
            for param in op.params_mut() {
                circuit
                    .check_angle(*param, |slot| slot < slots.len(), || op_name.clone())
                    .map_err(|error| at(error.to_string()))?;
                *param = substituted(*param, &slots);
            }
            circuit.append(op).map_err(|error| at(error.to_string()))?;
        }
        // In the order of a circuit each is appended.
        let mut directives: Vec<(usize, Directive)> = file.directives.into_iter().enumerate().collect();
        directives.sort_by_key(|(_, directive)| directive.at);
        for (position, directive) in directives {
            let at = |error: CircuitError| CircuitError::BadJson(format!("directives[{position}]: {error}"));
            circuit.add_directive(directive.at, &directive.text).map_err(at)?;
        }
        Ok(circuit)
    }
}

impl Entry {
    fn of(op: &Op) -> Self {
        let kind = match &op.kind {
            OpKind::Gate { gate, params, controls } => {
                EntryKind::Gate { name: gate.name().into(), params: params.to_vec(), controls: *controls }
            }
            OpKind::Unitary(matrix) => EntryKind::Unitary {
                rows: matrix.rows().into_iter().map(|r| r.iter().map(|z| [z.re, z.im]).collect()).collect(),
            },
            OpKind::GlobalPhase(phase) => EntryKind::GlobalPhase { phase: *phase },
            OpKind::Measure { bit } => EntryKind::Measure { bit: *bit },
            OpKind::Assign { bit, value } => EntryKind::Assign { bit: *bit, value: *value },
            OpKind::Reset => EntryKind::Reset,
            OpKind::Barrier => EntryKind::Barrier,
            OpKind::Delay(seconds) => EntryKind::Delay { seconds: *seconds },
        };
        let condition = op.condition.clone().map(|Condition { bits, value }| ConditionEntry { bits, value });
        Self { kind, qubits: op.qubits.to_vec(), condition }
    }

    fn into_op(self) -> Result<Op, String> {
        let qubits = &self.qubits;
        let mut op = match self.kind {
            EntryKind::Gate { name, params, controls } => {
                let gate = Gate::named(&name).ok_or_else(|| format!("there is no gate {name:?}"))?;
                Op::of(OpKind::Gate { gate, params: params.into(), controls }, qubits)
            }
            EntryKind::Unitary { rows } => {
                let size = rows.len();
                if rows.iter().any(|row| row.len() != size) {
                    return Err(format!("the unitary is not square: {size} rows, but not all of that length"));
                }
                let matrix = Matrix::from_shape_fn((size, size), |(i, j)| c(rows[i][j][0], rows[i][j][1]));
                Op::unitary(matrix, qubits).map_err(|e| e.to_string())?
            }
            EntryKind::GlobalPhase { phase } => Op::of(OpKind::GlobalPhase(phase), qubits),
            EntryKind::Measure { bit } => Op::of(OpKind::Measure { bit }, qubits),
            EntryKind::Assign { bit, value } => Op::of(OpKind::Assign { bit, value }, qubits),
            EntryKind::Reset => Op::of(OpKind::Reset, qubits),
            EntryKind::Barrier => Op::of(OpKind::Barrier, qubits),
            EntryKind::Delay { seconds } => Op::of(OpKind::Delay(seconds), qubits),
        };
        op.condition = self.condition.map(|ConditionEntry { bits, value }| Condition { bits, value });
        Ok(op)
    }
}
