//! A transpiled circuit as JSON, so that what was run is what is exported.

use serde::{Deserialize, Serialize};

use crate::circuit::{Circuit, CircuitError};
use crate::device::transpile::TranspiledCircuit;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// Circuit JSON, as a text.
    circuit: String,
    initial_layout: Vec<usize>,
    final_layout: Vec<usize>,
    two_qubit_gates: usize,
    pulses: usize,
    depth: usize,
    success: f64,
}

impl TranspiledCircuit {
    /// The circuit with its layout and counts as JSON.
    pub fn to_json(&self) -> String {
        let Self { circuit, initial_layout, final_layout, two_qubit_gates, pulses, depth, success } = self.clone();
        let circuit = circuit.to_json();
        let file = File { circuit, initial_layout, final_layout, two_qubit_gates, pulses, depth, success };
        serde_json::to_string(&file).expect("texts and numbers always serialise")
    }

    /// The circuit from its JSON, checked like any other.
    ///
    /// # Errors
    /// If the text is not that form, or a layout names a qubit twice or one that the circuit does not have.
    pub fn from_json(text: &str) -> Result<Self, CircuitError> {
        let bad = |reason: String| CircuitError::BadJson(reason);
        let file: File = serde_json::from_str(text).map_err(|e| bad(e.to_string()))?;
        let circuit = Circuit::from_json(&file.circuit)?;
        let layouts = [("initial_layout", &file.initial_layout), ("final_layout", &file.final_layout)];
        for (field, layout) in layouts {
            let mut seen = vec![false; circuit.qubits()];
            for &qubit in layout {
                if seen.get(qubit) != Some(&false) {
                    return Err(bad(format!("{field}: qubit {qubit} is listed twice or is not on the device")));
                }
                seen[qubit] = true;
            }
        }
        if file.initial_layout.len() != file.final_layout.len() {
            return Err(bad("initial_layout and final_layout differ in length".into()));
        }
        let File { initial_layout, final_layout, two_qubit_gates, pulses, depth, success, .. } = file;
        Ok(Self { circuit, initial_layout, final_layout, two_qubit_gates, pulses, depth, success })
    }
}
