//! Variational circuits: an encoding of the inputs, then layers of trained rotations and entanglers.
//!
//! Slots 0..inputs carry the encoded features, the rest the trained weights, so that a batch of rows shares everything
//! behind the encoding.

use crate::circuit::{Circuit, CircuitError, Gate, Observable, Param};

/// A variational circuit with its slots told apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Ansatz {
    /// The circuit; slots `0..inputs` are features, the rest weights.
    pub circuit: Circuit,
    /// Number of input slots.
    pub inputs: usize,
    /// What is measured.
    pub observables: Vec<Observable>,
}

impl Ansatz {
    /// Number of trained weights.
    pub fn weights(&self) -> usize {
        self.circuit.slots() - self.inputs
    }
}

/// A family of variational circuits.
pub struct AnsatzRow {
    /// Name in specs.
    pub name: &'static str,
    /// How features become gates.
    pub encoding: Encoding,
    /// Trained rotations of one layer on each qubit.
    rotations: &'static [Gate],
    /// Whether the entanglers of a layer come before its rotations.
    entanglers_first: bool,
    /// Pairs (control, target) entangled in layer `l` of `n` qubits.
    entanglers: fn(usize, usize) -> Vec<(usize, usize)>,
    /// Depth of the source's experiments.
    pub depth: usize,
    /// One line for people, with the source.
    pub doc: &'static str,
}

/// How features enter the circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// RY(x) on each qubit.
    Angle,
    /// H, then RY(x) on each qubit.
    HadamardAngle,
    /// RY(x) on each qubit again before every layer, each upload with its own slot.
    Reuploading,
    /// Amplitudes of a 2ⁿ vector, prepared by a tree of uniformly controlled RY: 2ⁿ - 1 slots.
    Amplitude,
}

/// Every ansatz.
pub static ANSATZE: &[AnsatzRow] = &[
    AnsatzRow {
        name: "dressed",
        encoding: Encoding::Angle,
        rotations: &[Gate::Rx, Gate::Ry, Gate::Rx],
        entanglers_first: false,
        entanglers: |_, n| ring(n, 1),
        depth: 3,
        doc: "RY encoding; layers of RX RY RX on each qubit and a ring of CNOT (arXiv 2603.16973)",
    },
    AnsatzRow {
        name: "mari",
        encoding: Encoding::HadamardAngle,
        rotations: &[Gate::Ry],
        entanglers_first: true,
        entanglers: |_, n| {
            (0..n.saturating_sub(1)).step_by(2).chain((1..n.saturating_sub(1)).step_by(2)).map(|q| (q, q + 1)).collect()
        },
        depth: 6,
        doc: "H and RY encoding; layers of alternating CNOT and RY (Mari et al. 2020, arXiv 1912.08278)",
    },
    AnsatzRow {
        name: "strongly_entangling",
        encoding: Encoding::Angle,
        rotations: &[Gate::Rz, Gate::Ry, Gate::Rz],
        entanglers_first: false,
        entanglers: |layer, n| ring(n, 1 + layer % (n - 1).max(1)),
        depth: 3,
        doc: "RY encoding; RZ RY RZ and rings of CNOT with growing range (Schuld et al. 2020, arXiv 1804.00633)",
    },
    AnsatzRow {
        name: "reuploading",
        encoding: Encoding::Reuploading,
        rotations: &[Gate::Rx, Gate::Ry, Gate::Rx],
        entanglers_first: false,
        entanglers: |_, n| ring(n, 1),
        depth: 3,
        doc: "Features uploaded before every layer with trained scales (Pérez-Salinas et al. 2020, arXiv 1907.02085)",
    },
    AnsatzRow {
        name: "amplitude",
        encoding: Encoding::Amplitude,
        rotations: &[Gate::Rx, Gate::Ry, Gate::Rx],
        entanglers_first: false,
        entanglers: |_, n| ring(n, 1),
        depth: 3,
        doc: "2^n features as real amplitudes (Möttönen et al. 2005, arXiv quant-ph/0407010); layers as in dressed",
    },
];

impl AnsatzRow {
    /// The row of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ANSATZE.iter().find(|row| row.name == name)
    }

    /// Number of features that enter the circuit: one per qubit, or 2ⁿ amplitudes.
    pub fn features(&self, qubits: usize) -> usize {
        if self.encoding == Encoding::Amplitude { 1 << qubits } else { qubits }
    }

    /// Number of input slots.
    pub fn inputs(&self, qubits: usize, depth: usize) -> usize {
        match self.encoding {
            Encoding::Angle | Encoding::HadamardAngle => qubits,
            Encoding::Reuploading => qubits * depth,
            Encoding::Amplitude => (1 << qubits) - 1,
        }
    }

    /// The circuit on `qubits` qubits with `depth` layers; without `entangle` the trained layers have no entanglers
    /// (the control that shows what entanglement adds).
    ///
    /// ```
    /// use qgraft::circuit::ansatz::AnsatzRow;
    /// let ansatz = AnsatzRow::named("dressed").unwrap().build(4, 3, true)?;
    /// assert_eq!((ansatz.inputs, ansatz.weights()), (4, 36));
    /// # Ok::<(), qgraft::circuit::CircuitError>(())
    /// ```
    ///
    /// # Errors
    /// None for at least one qubit: every operand is inside the register by construction.
    pub fn build(&self, qubits: usize, depth: usize, entangle: bool) -> Result<Ansatz, CircuitError> {
        let mut circuit = Circuit::new(qubits);
        let inputs: Vec<Param> = (0..self.inputs(qubits, depth)).map(|i| circuit.slot(format!("x{i}"))).collect();
        match self.encoding {
            Encoding::Angle | Encoding::HadamardAngle => {
                for (qubit, &angle) in inputs.iter().enumerate() {
                    if self.encoding == Encoding::HadamardAngle {
                        circuit.push(Gate::H, &[qubit], &[])?;
                    }
                    circuit.push(Gate::Ry, &[qubit], &[angle])?;
                }
            }
            Encoding::Amplitude => prepare_amplitudes(&mut circuit, &inputs)?,
            Encoding::Reuploading => {}
        }
        for layer in 0..depth {
            if self.encoding == Encoding::Reuploading {
                for qubit in 0..qubits {
                    circuit.push(Gate::Ry, &[qubit], &[inputs[layer * qubits + qubit]])?;
                }
            }
            let pairs = if entangle { (self.entanglers)(layer, qubits) } else { Vec::new() };
            if self.entanglers_first {
                cnots(&mut circuit, &pairs)?;
            }
            for qubit in 0..qubits {
                for (k, &gate) in self.rotations.iter().enumerate() {
                    let angle = circuit.slot(format!("w{layer}_{qubit}_{k}"));
                    circuit.push(gate, &[qubit], &[angle])?;
                }
            }
            if !self.entanglers_first {
                cnots(&mut circuit, &pairs)?;
            }
        }
        Ok(Ansatz { circuit, inputs: inputs.len(), observables: Observable::all_z(qubits) })
    }
}

/// The ZZ feature map of Havlíček et al. 2019 (arXiv 1804.11326) with linear couplings: `repetitions` × { H and P(s_q)
/// on each qubit, then P(s_{q,q+1}) between CNOTs on each pair of neighbours }. Slots: one per qubit, then one per pair;
/// the customary angles are `2x_q` and `2(π - x_q)(π - x_{q+1})`.
///
/// # Errors
/// None: every operand is inside the register by construction.
pub fn zz_feature_map(qubits: usize, repetitions: usize) -> Result<Circuit, CircuitError> {
    let mut circuit = Circuit::new(qubits);
    let single: Vec<Param> = (0..qubits).map(|q| circuit.slot(format!("x{q}"))).collect();
    let pairs: Vec<Param> = (1..qubits).map(|q| circuit.slot(format!("x{}_{q}", q - 1))).collect();
    for _ in 0..repetitions {
        for (qubit, &angle) in single.iter().enumerate() {
            circuit.push(Gate::H, &[qubit], &[])?.push(Gate::P, &[qubit], &[angle])?;
        }
        for (qubit, &angle) in pairs.iter().enumerate() {
            let ends = [qubit, qubit + 1];
            circuit.push(Gate::Cx, &ends, &[])?.push(Gate::P, &ends[1..], &[angle])?.push(Gate::Cx, &ends, &[])?;
        }
    }
    Ok(circuit)
}

/// Each qubit controls the one `range` further round; nothing on a single qubit, one pair on two.
fn ring(n: usize, range: usize) -> Vec<(usize, usize)> {
    match n {
        0 | 1 => Vec::new(),
        2 => vec![(0, 1)],
        _ => (0..n).map(|q| (q, (q + range) % n)).collect(),
    }
}

fn cnots(circuit: &mut Circuit, pairs: &[(usize, usize)]) -> Result<(), CircuitError> {
    for &(control, target) in pairs {
        circuit.push(Gate::Cx, &[control, target], &[])?;
    }
    Ok(())
}

/// The RY tree of real amplitudes: level k rotates qubit n-1-k under all values of the qubits above it. A uniformly
/// controlled RY on m controls is 2^m plain RY with CNOT between them in Gray-code order; its slots are the plain
/// angles, which a fixed linear map makes from the controlled ones (`nn::quantum::amplitude_angles`).
fn prepare_amplitudes(circuit: &mut Circuit, slots: &[Param]) -> Result<(), CircuitError> {
    let qubits = circuit.qubits();
    let mut next = slots.iter();
    for level in 0..qubits {
        let target = qubits - 1 - level;
        let blocks = 1usize << level;
        for block in 0..blocks {
            let angle = *next.next().expect("2^n - 1 slots make n levels of 2^level rotations");
            circuit.push(Gate::Ry, &[target], &[angle])?;
            if level > 0 {
                // The bit in which successive Gray codes differ; the last step closes the cycle.
                let bit = if block + 1 == blocks { level - 1 } else { (block + 1).trailing_zeros() as usize };
                circuit.push(Gate::Cx, &[target + 1 + bit, target], &[])?;
            }
        }
    }
    Ok(())
}
