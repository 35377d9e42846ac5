//! Own circuits: an ansatz from the text of a file.

use crate::circuit::ansatz::{Ansatz, Encoding};
use crate::circuit::qasm::{QasmError, ReadOptions, read};
use crate::circuit::{Circuit, CircuitError, Observable};

/// Most qubits of an own circuit, as of every head.
/// Most qubits of a head's circuit: more than the largest devices have.
pub const MOST_QUBITS: usize = 192;

/// A circuit that cannot be an ansatz: what, where, and what to write instead.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the message names every field")]
pub enum AnsatzError {
    /// A file that cannot be opened or is no text.
    #[error("{file}: {reason}; a relative path starts at the working directory")]
    Io { file: String, reason: String },
    /// A text that is not OpenQASM 2 or 3.
    #[error("{error}{}", .error.hint.as_ref().map_or_else(String::new, |hint| format!("; {hint}")))]
    Qasm { error: QasmError },
    /// A circuit that is no unitary with final measurements, or no circuit JSON.
    #[error("{file}: {source}")]
    Circuit { file: String, source: CircuitError },
    /// An input that is neither feature nor weight.
    #[error(
        "{file}: input {input}: names of features begin with x, those of trained weights with w; write for example \
         `input float[64] w_{input};`"
    )]
    InputName { file: String, input: String },
    /// A circuit without features.
    #[error(
        "{file}: no input begins with x, so no feature enters; write `input float[64] x0;` and use it, as in `ry(x0) q[0];`"
    )]
    NoFeatures { file: String },
    /// An input without a gate.
    #[error("{file}: input {input}: no gate has it as its angle; use it or delete its declaration")]
    Unused { file: String, input: String },
    /// More features than the network in front of the circuit puts out.
    #[error(
        "{file}: {features} features (inputs that begin with x), but the network puts out {width}; use {width} or fewer"
    )]
    TooManyFeatures { file: String, features: usize, width: usize },
    /// A width that no head has.
    #[error("{file}: {qubits} qubits; a head has 1 to {MOST_QUBITS}")]
    Width { file: String, qubits: usize },
    /// An observable on a qubit that is not there.
    #[error("{file}: observable {observable}: the circuit has qubits 0 to {}", .qubits - 1)]
    Observable { file: String, observable: String, qubits: usize },
}

impl Ansatz {
    /// The ansatz of a text in OpenQASM 2 or 3 or circuit JSON, which errors call `name`. Inputs whose names begin with x are
    /// features, in the order of their declaration, those whose names begin with w are trained weights. Lines
    /// `// observables: Z0 Z1, X2` say what is measured; without one it is Z on each qubit. Final measurements are left out.
    ///
    /// ```
    /// use qgraft::circuit::Ansatz;
    /// let text = "OPENQASM 3.0; include \"stdgates.inc\";
    ///     // observables: Z0 Z1, X1
    ///     input float w; input float x; qubit[2] q; ry(x) q[0]; ry(w) q[1]; cx q[0], q[1];";
    /// let ansatz = Ansatz::read(text, "mine.qasm")?;
    /// assert_eq!((ansatz.inputs, ansatz.weights(), ansatz.observables.len()), (1, 1, 2));
    /// assert_eq!(ansatz.circuit.slot_names(), ["x", "w"]);
    /// # Ok::<(), qgraft::circuit::ansatz::AnsatzError>(())
    /// ```
    ///
    /// # Errors
    /// A text that is no circuit, a circuit that measures before its end or acts under a condition, an input that is neither
    /// feature nor weight or that no gate uses, no feature at all, more than 192 qubits, an observable outside the register.
    pub fn read(text: &str, name: &str) -> Result<Self, AnsatzError> {
        let file = || name.to_string();
        let circuit_error = |source| AnsatzError::Circuit { file: file(), source };
        let whole = match text.trim_start().starts_with('{') {
            true => Circuit::from_json(text).map_err(circuit_error)?,
            false => {
                let options = ReadOptions { name: file(), ..ReadOptions::default() };
                read(text, &options).map_err(|error| AnsatzError::Qasm { error })?
            }
        };
        let circuit = whole.without_measurements().map_err(circuit_error)?;
        let qubits = circuit.qubits();
        if !(1..=MOST_QUBITS).contains(&qubits) {
            return Err(AnsatzError::Width { file: file(), qubits });
        }
        let names = circuit.slot_names();
        let begins = |letter: char| (0..names.len()).filter(move |&slot| names[slot].starts_with(letter));
        if let Some(input) = names.iter().find(|name| !name.starts_with(['x', 'w'])) {
            return Err(AnsatzError::InputName { file: file(), input: input.clone() });
        }
        let order: Vec<usize> = begins('x').chain(begins('w')).collect();
        let inputs = begins('x').count();
        if inputs == 0 {
            return Err(AnsatzError::NoFeatures { file: file() });
        }
        let used = used_slots(&circuit);
        if let Some(slot) = (0..names.len()).find(|&slot| !used[slot]) {
            return Err(AnsatzError::Unused { file: file(), input: names[slot].clone() });
        }
        let observables = match observable_texts(text) {
            texts if texts.is_empty() => Observable::all_z(qubits),
            texts => Self::parse_observables(&texts, qubits, name)?,
        };
        Ok(Self { circuit: with_slots(&circuit, &order), inputs, encoding: Encoding::Direct, observables })
    }

    /// Observables of texts such as `Z0 Z1 + 0.5 X2`; errors call the circuit `name`.
    ///
    /// # Errors
    /// A text that is no sum of Pauli strings, or that names a qubit outside the register.
    pub fn parse_observables<T: AsRef<str>>(
        texts: &[T],
        qubits: usize,
        name: &str,
    ) -> Result<Vec<Observable>, AnsatzError> {
        let parse = |text: &T| {
            let text = text.as_ref().trim();
            let observable: Observable =
                text.parse().map_err(|source| AnsatzError::Circuit { file: name.into(), source })?;
            match observable.width() <= qubits {
                true => Ok(observable),
                false => Err(AnsatzError::Observable { file: name.into(), observable: text.into(), qubits }),
            }
        };
        texts.iter().map(parse).collect()
    }

    /// The same without gates on two or more qubits, and without the weights that only they have: what is left without
    /// entanglement.
    pub fn separable(&self) -> Self {
        let mut circuit = Circuit::new(self.circuit.qubits());
        circuit.copy_slots(&self.circuit);
        for op in self.circuit.ops().iter().filter(|op| op.qubits.len() < 2) {
            circuit.append(op.clone()).expect("the circuit it comes from has checked it");
        }
        let used = used_slots(&circuit);
        let kept: Vec<usize> = (0..circuit.slots()).filter(|&slot| slot < self.inputs || used[slot]).collect();
        Self { circuit: with_slots(&circuit, &kept), ..self.clone() }
    }
}

/// What comment lines `// observables: …` list, separated by commas.
fn observable_texts(text: &str) -> Vec<String> {
    let listed = |line: &str| {
        let rest = line.trim_start().strip_prefix("//")?.trim_start();
        let (key, list) = rest.split_once(':')?;
        ["observable", "observables"].contains(&key.trim()).then(|| list.to_string())
    };
    let lists: Vec<String> = text.lines().filter_map(listed).collect();
    let entries = lists.iter().flat_map(|list| list.split(','));
    entries.map(|entry| entry.trim().to_string()).filter(|entry| !entry.is_empty()).collect()
}

/// Which slots the operations use, also by way of derived angles.
fn used_slots(circuit: &Circuit) -> Vec<bool> {
    let mut used = vec![false; circuit.slots() + circuit.derived().len()];
    let of_all = circuit.ops().iter().flat_map(|op| op.params());
    of_all.filter_map(|param| param.dependence()).for_each(|(slot, _)| used[slot] = true);
    for (k, made) in circuit.derived().iter().enumerate().rev() {
        if used[circuit.slots() + k] {
            made.operands.iter().filter_map(|param| param.dependence()).for_each(|(slot, _)| used[slot] = true);
        }
    }
    used.truncate(circuit.slots());
    used
}

/// The circuit with its slots in the order of `kept`, which has every slot that a gate uses.
fn with_slots(circuit: &Circuit, kept: &[usize]) -> Circuit {
    let mut out = Circuit::new(circuit.qubits());
    let mut position = vec![0; circuit.slots()];
    for (new, &old) in kept.iter().enumerate() {
        position[old] = new;
        out.slot(circuit.slot_names()[old].as_str());
    }
    out.append_with_slots(circuit, |slot| position[slot]).expect("only its slots were renamed");
    out
}
