//! Noise models as Qiskit Aer writes them: `json.dumps(noise_model.to_dict(serializable=True))`.
//!
//! A quantum error is a list of probabilities and circuits on the operands of a gate. Together they are one channel, whose
//! Kraus operators are those of the circuits, each times the root of its probability.

use serde::Deserialize;
use serde_json::Value;

use crate::circuit::Gate;
use crate::math::matrix::{C64, c, identity};
use crate::math::{Matrix, Probability};
use crate::noise::channel::paulis;
use crate::noise::{Channel, Confusion, NoiseError};

/// More operators than any error of a calibrated device expands to: 16 Paulis, each with a choice of resets, are hundreds.
const MOST_OPERATORS: usize = 20_000;
/// More of them that differ by more than a factor. Each new one is compared with all; two qubits need 16.
const MOST_DIFFERENT: usize = 256;
/// Squares of operators below this are rounding error.
const NOTHING: f64 = 1e-18;

/// What an error follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    Gate(Gate),
    Reset,
}

/// What a file of Aer lists.
#[derive(Default)]
pub struct AerModel {
    /// Operation, its qubits (`None`: any), and the channel behind it.
    pub errors: Vec<(Operation, Option<Vec<usize>>, Channel)>,
    /// A qubit (`None`: any) and its readout error.
    pub readout: Vec<(Option<usize>, Confusion)>,
    /// What can never apply, one sentence each.
    pub notices: Vec<String>,
}

#[derive(Deserialize)]
struct ErrorRow {
    r#type: String,
    operations: Vec<String>,
    probabilities: Vec<Value>,
    #[serde(default)]
    instructions: Vec<Vec<Instruction>>,
    #[serde(default)]
    gate_qubits: Vec<Vec<usize>>,
    #[serde(default)]
    noise_qubits: Vec<Vec<usize>>,
}

#[derive(Deserialize)]
struct Instruction {
    name: String,
    qubits: Vec<usize>,
    #[serde(default)]
    params: Vec<Value>,
}

/// The model in `document`, which has the key "errors".
///
/// # Errors
/// If an error is none, or acts before measurements, on other qubits than its gate's, or on more than two; the message
/// names it.
pub fn read(document: &Value) -> Result<AerModel, NoiseError> {
    let rows = document.get("errors").and_then(Value::as_array);
    let rows = rows.ok_or_else(|| NoiseError::BadList("errors is no list".into()))?;
    let mut model = AerModel::default();
    for (k, row) in rows.iter().enumerate() {
        let bad = |reason: String| NoiseError::BadList(format!("errors[{k}]: {reason}"));
        let row: ErrorRow = serde_json::from_value(row.clone()).map_err(|error| bad(error.to_string()))?;
        model.add(k, row).map_err(bad)?;
    }
    Ok(model)
}

impl AerModel {
    fn add(&mut self, k: usize, row: ErrorRow) -> Result<(), String> {
        if !row.noise_qubits.is_empty() {
            return Err("acts on other qubits than its gate (noise_qubits), which is not supported; remove it".into());
        }
        // An empty list: every qubit.
        let on: Vec<Option<Vec<usize>>> =
            if row.gate_qubits.is_empty() { vec![None] } else { row.gate_qubits.iter().cloned().map(Some).collect() };
        match row.r#type.as_str() {
            "roerror" => self.add_readout(&row, &on),
            "qerror" => self.add_channel(k, &row, on),
            other => Err(format!("has the type {other:?}; known are qerror and roerror")),
        }
    }

    fn add_readout(&mut self, row: &ErrorRow, on: &[Option<Vec<usize>>]) -> Result<(), String> {
        let matrix: Vec<Vec<f64>> = serde_json::from_value(Value::Array(row.probabilities.clone()))
            .map_err(|error| format!("probabilities: {error}"))?;
        let [first, second] = &matrix[..] else {
            return Err(format!("has {} rows of probabilities; readout errors of one qubit have 2", matrix.len()));
        };
        let (&[_, one_given_zero], &[zero_given_one, _]) = (&first[..], &second[..]) else {
            return Err("is no 2x2 matrix of probabilities".into());
        };
        for row in [first, second] {
            if (row.iter().sum::<f64>() - 1.0).abs() > 1e-6 {
                return Err(format!("has probabilities {row:?} that do not sum to 1"));
            }
        }
        let probability = |p: f64| Probability::new(p).map_err(|error| error.to_string());
        let (one_given_zero, zero_given_one) = (probability(one_given_zero)?, probability(zero_given_one)?);
        for qubits in on {
            let qubit = match qubits.as_deref() {
                None => None,
                Some(&[qubit]) => Some(qubit),
                Some(others) => return Err(format!("reads qubits {others:?} together, which is not supported")),
            };
            self.readout.push((qubit, Confusion { one_given_zero, zero_given_one }));
        }
        Ok(())
    }

    fn add_channel(&mut self, k: usize, row: &ErrorRow, on: Vec<Option<Vec<usize>>>) -> Result<(), String> {
        let channel = channel(row)?;
        for name in &row.operations {
            let operation = match name.as_str() {
                "reset" => Operation::Reset,
                "measure" => {
                    return Err(
                        "acts before measurements; give a readout error (roerror) or a gate error instead".into()
                    );
                }
                name => match Gate::named(name) {
                    Some(gate) => Operation::Gate(gate),
                    None => {
                        let why = "is not in the gate table, so no circuit has it and its error is never applied";
                        self.notices.push(format!("errors[{k}]: operation {name:?} {why}"));
                        continue;
                    }
                },
            };
            let operands = if let Operation::Gate(gate) = operation { gate.row().qubits } else { 1 };
            if operands != channel.qubits() {
                return Err(format!("acts on {} qubits, its operation {name} on {operands}", channel.qubits()));
            }
            for qubits in &on {
                if qubits.as_ref().is_some_and(|qubits| qubits.len() != operands) {
                    return Err(format!("gate_qubits {qubits:?} are not {operands} qubits, as {name} has"));
                }
                self.errors.push((operation, qubits.clone(), channel.clone()));
            }
        }
        Ok(())
    }
}

/// The channel of an error.
fn channel(row: &ErrorRow) -> Result<Channel, String> {
    if row.instructions.len() != row.probabilities.len() || row.instructions.is_empty() {
        let (circuits, numbers) = (row.instructions.len(), row.probabilities.len());
        return Err(format!("has {circuits} circuits and {numbers} probabilities; it needs one for each"));
    }
    let last = row.instructions.iter().flatten().flat_map(|i| &i.qubits).copied().max().unwrap_or(0);
    let qubits = last.saturating_add(1);
    if qubits > 2 {
        return Err(format!("acts on {qubits} qubits; errors on one and two are supported"));
    }
    let (mut kraus, mut expanded): (Vec<Matrix>, usize) = (Vec::new(), 0);
    for (circuit, probability) in row.instructions.iter().zip(&row.probabilities) {
        let p = probability.as_f64().filter(|p| (0.0..=1.0 + 1e-9).contains(p));
        let p = p.ok_or_else(|| format!("has the probability {probability}; expected 0 to 1"))?;
        let mut operators = vec![identity(1 << qubits) * C64::from(p.sqrt())];
        for instruction in circuit {
            let next = operators_of(instruction)?;
            if expanded + operators.len() * next.len() > MOST_OPERATORS {
                return Err(format!("expands to more than {MOST_OPERATORS} Kraus operators"));
            }
            let next: Vec<Matrix> = next.iter().map(|m| widened(m, &instruction.qubits, qubits)).collect();
            operators = operators.iter().flat_map(|first| next.iter().map(move |m| m.dot(first))).collect();
        }
        expanded += operators.len();
        for operator in operators {
            merge(&mut kraus, operator);
            if kraus.len() > MOST_DIFFERENT {
                return Err(format!("has more than {MOST_DIFFERENT} different Kraus operators; two qubits need 16"));
            }
        }
    }
    Channel::kraus("aer_error", kraus).map_err(|error| error.to_string())
}

/// Adds an operator; two that differ by a factor are one.
fn merge(kraus: &mut Vec<Matrix>, operator: Matrix) {
    let size = |m: &Matrix| m.iter().map(|z| z.norm_sqr()).sum::<f64>();
    let own = size(&operator);
    if own < NOTHING {
        return;
    }
    for known in kraus.iter_mut() {
        let overlap: C64 = known.iter().zip(&operator).map(|(a, b)| a.conj() * b).sum();
        let theirs = size(known);
        // Equality in Cauchy-Schwarz, to rounding.
        if overlap.norm_sqr() > own * theirs * (1.0 - 1e-12) {
            *known *= C64::from(((own + theirs) / theirs).sqrt());
            return;
        }
    }
    kraus.push(operator);
}

/// The Kraus operators of an instruction on its own qubits, the first least significant.
fn operators_of(instruction: &Instruction) -> Result<Vec<Matrix>, String> {
    let Instruction { name, qubits, params } = instruction;
    let operators = match name.as_str() {
        "kraus" => params.iter().map(matrix).collect::<Result<_, _>>()?,
        "unitary" => params.iter().take(1).map(matrix).collect::<Result<_, _>>()?,
        "reset" => vec![unit(0, 0), unit(0, 1)],
        "pauli" => {
            let label = params.first().and_then(Value::as_str).unwrap_or_default();
            // The last letter acts on the first qubit.
            let letters = label.chars().rev().map(|letter| "IXYZ".find(letter).ok_or(letter));
            let letters = letters.collect::<Result<Vec<_>, _>>();
            let letters = letters.map_err(|letter| format!("pauli {label:?} has the letter {letter:?}"))?;
            // Checked before the product is made, which takes 4ⁿ numbers.
            if letters.len() != qubits.len() {
                return Err(format!("pauli of {} letters on {} qubits", letters.len(), qubits.len()));
            }
            let product = letters.iter().fold(identity(1), |low, &k| crate::math::matrix::tensor(&low, &paulis()[k]));
            vec![product]
        }
        name => {
            let gate = Gate::named(name).ok_or_else(|| {
                format!("has the instruction {name:?}; supported are kraus, unitary, reset, pauli and the gates")
            })?;
            let angles: Option<Vec<f64>> = params.iter().map(Value::as_f64).collect();
            let angles = angles.filter(|angles| angles.len() == gate.row().params.len());
            vec![(gate.row().matrix)(&angles.ok_or_else(|| format!("{name}: has other angles than the gate"))?)]
        }
    };
    let distinct = qubits.iter().enumerate().all(|(k, qubit)| !qubits[..k].contains(qubit));
    match operators.iter().find(|m| !(distinct && m.dim() == (1 << qubits.len(), 1 << qubits.len()))) {
        Some(m) => Err(format!("{name} on qubits {qubits:?} has a matrix of {}x{}", m.nrows(), m.ncols())),
        None if operators.is_empty() => Err(format!("{name} has no matrix")),
        None => Ok(operators),
    }
}

/// `|row⟩⟨column|` of one qubit.
fn unit(row: usize, column: usize) -> Matrix {
    let mut m = Matrix::zeros((2, 2));
    m[[row, column]] = C64::ONE;
    m
}

/// Rows of pairs (real, imaginary), or of plain numbers.
fn matrix(value: &Value) -> Result<Matrix, String> {
    let number = |entry: &Value| match entry {
        Value::Number(real) => Some(c(real.as_f64()?, 0.0)),
        Value::Array(pair) => match &pair[..] {
            [real, imaginary] => Some(c(real.as_f64()?, imaginary.as_f64()?)),
            _ => None,
        },
        _ => None,
    };
    let rows = value.as_array().ok_or("a matrix is no list of rows")?;
    let entries = rows.iter().flat_map(|row| row.as_array().into_iter().flatten()).map(number);
    let entries: Vec<C64> =
        entries.collect::<Option<_>>().ok_or("a matrix has an entry that is no (real, imaginary)")?;
    Matrix::from_shape_vec((rows.len(), entries.len() / rows.len().max(1)), entries)
        .map_err(|_| "a matrix has rows of different lengths".into())
}

/// `m` on `qubits` of a register of `width`.
fn widened(m: &Matrix, qubits: &[usize], width: usize) -> Matrix {
    let size = 1usize << width;
    let own = |state: usize| qubits.iter().enumerate().fold(0, |acc, (k, &q)| acc | (state >> q & 1) << k);
    let rest = |state: usize| qubits.iter().fold(state, |acc, &q| acc & !(1 << q));
    Matrix::from_shape_fn(
        (size, size),
        |(row, column)| {
            if rest(row) == rest(column) { m[[own(row), own(column)]] } else { C64::ZERO }
        },
    )
}
