//! Variational circuits: an encoding of the inputs, then layers of trained rotations and entanglers.
//!
//! Slots 0..inputs carry the encoded features, the rest the trained weights, so that a batch of rows shares everything
//! behind the encoding.
//!
//! * [`ANSATZE`]: every family; [`ENCODINGS`], [`ENTANGLEMENTS`]: what a family can be changed to.
//! * [`Ansatz::read`]: an own circuit from a text.

mod encoding;
mod entanglement;
mod own;

pub use encoding::{ENCODINGS, Encoding, EncodingRow, PauliMap, uploading_feature_map, zz_feature_map};
pub use entanglement::{ENTANGLEMENTS, Entanglement, EntanglementRow};
pub use own::{AnsatzError, MOST_QUBITS};

use crate::circuit::{Circuit, CircuitError, Gate, Letter, Observable, Param, PauliString};

/// A variational circuit with its input slots and weight slots.
#[derive(Clone, Debug, PartialEq)]
pub struct Ansatz {
    /// The circuit; slots `0..inputs` are features, the rest weights.
    pub circuit: Circuit,
    /// Number of input slots.
    pub inputs: usize,
    /// How features become the angles of the input slots.
    pub encoding: Encoding,
    /// What is measured.
    pub observables: Vec<Observable>,
}

impl Ansatz {
    /// Number of trained weights.
    pub fn weights(&self) -> usize {
        self.circuit.slots() - self.inputs
    }

    /// Number of features that enter the circuit.
    pub fn features(&self) -> usize {
        self.encoding.features(self.circuit.qubits(), self.inputs)
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
    /// The gate between pairs of qubits.
    entangler: Gate,
    /// The pairs.
    pub entanglement: Entanglement,
    /// How rotations and entanglers follow each other.
    layers: Layers,
    /// What is measured on so many qubits. Pooled circuits measure Z on the qubits that are left.
    observables: fn(usize) -> Vec<Observable>,
    /// Depth of the source's experiments.
    pub depth: usize,
    /// One line for people, with the source.
    pub doc: &'static str,
}

/// How the trained layers of a family are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layers {
    /// In each layer rotations, then entanglers. Weights count qubit by qubit.
    RotationsFirst,
    /// In each layer entanglers, then rotations. Weights count qubit by qubit.
    EntanglersFirst,
    /// As in Qiskit: rotations, then entanglers, and once more rotations behind the last layer. Weights count gate by gate.
    Qiskit,
    /// Layers shared by neighbours and followed by pooling, as in a convolutional network.
    Pooling,
}

/// What a circuit has in place of what its family has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The encoding.
    pub encoding: Option<Encoding>,
    /// The pairs of the trained layers.
    pub entanglement: Option<Entanglement>,
}

/// Every ansatz.
pub static ANSATZE: &[AnsatzRow] = &[
    AnsatzRow {
        name: "dressed",
        encoding: Encoding::Angle,
        rotations: &[Gate::Rx, Gate::Ry, Gate::Rx],
        entangler: Gate::Cx,
        entanglement: Entanglement::Ring,
        layers: Layers::RotationsFirst,
        observables: Observable::all_z,
        depth: 3,
        doc: "RY encoding; layers of RX RY RX on each qubit and a ring of CNOT (arXiv 2603.16973)",
    },
    AnsatzRow {
        name: "mari",
        encoding: Encoding::HadamardAngle,
        rotations: &[Gate::Ry],
        entangler: Gate::Cx,
        entanglement: Entanglement::Pairwise,
        layers: Layers::EntanglersFirst,
        observables: Observable::all_z,
        depth: 6,
        doc: "H and RY encoding; layers of alternating CNOT and RY (Mari et al. 2020, arXiv 1912.08278)",
    },
    AnsatzRow {
        name: "strongly_entangling",
        encoding: Encoding::Angle,
        rotations: &[Gate::Rz, Gate::Ry, Gate::Rz],
        entangler: Gate::Cx,
        entanglement: Entanglement::GrowingRing,
        layers: Layers::RotationsFirst,
        observables: Observable::all_z,
        depth: 3,
        doc: "RY encoding; RZ RY RZ and rings of CNOT with growing range (Schuld et al. 2020, arXiv 1804.00633)",
    },
    AnsatzRow {
        name: "reuploading",
        encoding: Encoding::Reuploading,
        rotations: &[Gate::Rx, Gate::Ry, Gate::Rx],
        entangler: Gate::Cx,
        entanglement: Entanglement::Ring,
        layers: Layers::RotationsFirst,
        observables: Observable::all_z,
        depth: 3,
        doc: "Features uploaded before every layer with trained scales (Pérez-Salinas et al. 2020, arXiv 1907.02085)",
    },
    AnsatzRow {
        name: "amplitude",
        encoding: Encoding::Amplitude,
        rotations: &[Gate::Rx, Gate::Ry, Gate::Rx],
        entangler: Gate::Cx,
        entanglement: Entanglement::Ring,
        layers: Layers::RotationsFirst,
        observables: Observable::all_z,
        depth: 3,
        doc: "2^n features as real amplitudes (Möttönen et al. 2005, arXiv quant-ph/0407010); layers as in dressed",
    },
    AnsatzRow {
        name: "probability",
        encoding: Encoding::Probability,
        rotations: &[Gate::Ry],
        entangler: Gate::Cx,
        entanglement: Entanglement::Ring,
        layers: Layers::RotationsFirst,
        observables: Observable::all_z,
        depth: 3,
        doc: "2^n features in (0, 1) as probability amplitudes (QPIE: Yao et al. 2017, arXiv 1801.01465); layers of RY and \
              a ring of CNOT",
    },
    AnsatzRow {
        name: "convolution",
        encoding: Encoding::Amplitude,
        rotations: &[],
        entangler: Gate::Cx,
        entanglement: Entanglement::Linear,
        layers: Layers::Pooling,
        observables: Observable::all_z,
        depth: 1,
        doc: "2^n amplitudes; two-qubit blocks with shared weights, then pooling by controlled rotations until two qubits \
              are left (Cong et al. 2019, arXiv 1810.03787; Hur et al. 2022, arXiv 2108.00661)",
    },
    AnsatzRow {
        name: "post_variational",
        encoding: Encoding::HadamardAngle,
        rotations: &[Gate::Ry],
        entangler: Gate::Cx,
        entanglement: Entanglement::Ring,
        layers: Layers::EntanglersFirst,
        observables: two_local_paulis,
        depth: 1,
        doc: "H and RY encoding, one layer, and every Pauli string on one or two qubits measured (Huang & Rebentrost 2023, \
              arXiv 2307.10560)",
    },
    AnsatzRow {
        name: "entangled",
        encoding: Encoding::EntangledAngle,
        rotations: &[Gate::Rz, Gate::Ry, Gate::Rz],
        entangler: Gate::Cx,
        entanglement: Entanglement::GrowingRing,
        layers: Layers::RotationsFirst,
        observables: Observable::all_z,
        depth: 3,
        doc: "RY encoding entangled by a ring of CNOT, then strongly entangling layers (arXiv 1804.00633)",
    },
    AnsatzRow {
        name: "real_amplitudes",
        encoding: Encoding::Angle,
        rotations: &[Gate::Ry],
        entangler: Gate::Cx,
        entanglement: Entanglement::ReverseLinear,
        layers: Layers::Qiskit,
        observables: Observable::all_z,
        depth: 3,
        doc: "RY encoding; RY on each qubit, CNOT of each pair of neighbours from the last, and last RY (Qiskit real_amplitudes)",
    },
    AnsatzRow {
        name: "efficient_su2",
        encoding: Encoding::Angle,
        rotations: &[Gate::Ry, Gate::Rz],
        entangler: Gate::Cx,
        entanglement: Entanglement::ReverseLinear,
        layers: Layers::Qiskit,
        observables: Observable::all_z,
        depth: 3,
        doc: "RY encoding; RY and RZ on each qubit, CNOT as in real_amplitudes, and last RY and RZ (Qiskit efficient_su2; Kandala \
              et al. 2017, arXiv 1704.05018)",
    },
    AnsatzRow {
        name: "two_local",
        encoding: Encoding::Angle,
        rotations: &[Gate::Ry],
        entangler: Gate::Cz,
        entanglement: Entanglement::Full,
        layers: Layers::Qiskit,
        observables: Observable::all_z,
        depth: 3,
        doc: "RY encoding; RY on each qubit, CZ of every pair, and last RY (Qiskit n_local with \"ry\", \"cz\", \"full\")",
    },
    AnsatzRow {
        name: "zz_feature_map",
        encoding: Encoding::Pauli(&encoding::ZZ_FEATURE_MAP),
        rotations: &[Gate::Ry],
        entangler: Gate::Cx,
        entanglement: Entanglement::ReverseLinear,
        layers: Layers::Qiskit,
        observables: Observable::all_z,
        depth: 3,
        doc: "ZZ feature map, then real_amplitudes: Qiskit's variational classifier (Havlíček et al. 2019, arXiv 1804.11326)",
    },
    AnsatzRow {
        name: "pauli_feature_map",
        encoding: Encoding::Pauli(&encoding::PAULI_FEATURE_MAP),
        rotations: &[Gate::Ry, Gate::Rz],
        entangler: Gate::Cx,
        entanglement: Entanglement::ReverseLinear,
        layers: Layers::Qiskit,
        observables: Observable::all_z,
        depth: 3,
        doc: "Pauli feature map of Z and YY, then efficient_su2 (Qiskit pauli_feature_map)",
    },
    AnsatzRow {
        name: "iqp",
        encoding: Encoding::Pauli(&encoding::IQP),
        rotations: &[Gate::Ry],
        entangler: Gate::Cx,
        entanglement: Entanglement::ReverseLinear,
        layers: Layers::Qiskit,
        observables: Observable::all_z,
        depth: 3,
        doc: "IQP encoding RZ(x) and RZZ(x·y), then real_amplitudes (Havlíček et al. 2019; PennyLane IQPEmbedding)",
    },
];

impl AnsatzRow {
    /// The row of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ANSATZE.iter().find(|row| row.name == name)
    }

    /// Number of features that enter the circuit: one per qubit, or 2ⁿ amplitudes.
    pub fn features(&self, qubits: usize) -> usize {
        self.encoding.features(qubits, 0)
    }

    /// Number of input slots of the circuit with entanglers.
    pub fn inputs(&self, qubits: usize, depth: usize) -> usize {
        self.encoding.inputs(qubits, depth, true)
    }

    /// The circuit on `qubits` qubits with `depth` layers. Without `entangle` the trained layers have no entanglers
    /// (the control that shows what entanglement adds), and neither has an encoding other than amplitudes.
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
        self.build_with(qubits, depth, entangle, Changes::default())
    }

    /// As [`AnsatzRow::build`], with another encoding or other pairs than the family has. Pooled circuits keep their pairs.
    ///
    /// # Errors
    /// As [`AnsatzRow::build`].
    pub fn build_with(
        &self,
        qubits: usize,
        depth: usize,
        entangle: bool,
        changes: Changes,
    ) -> Result<Ansatz, CircuitError> {
        let encoding = changes.encoding.unwrap_or(self.encoding);
        let entanglement = changes.entanglement.unwrap_or(self.entanglement);
        let mut circuit = Circuit::new(qubits);
        let slots = encoding.inputs(qubits, depth, entangle);
        let inputs: Vec<Param> = (0..slots).map(|i| circuit.slot(format!("x{i}"))).collect();
        encoding.encode(&mut circuit, &inputs, entangle)?;
        let ansatz = |circuit, observables| Ansatz { circuit, inputs: inputs.len(), encoding, observables };
        if self.layers == Layers::Pooling && depth > 0 {
            let left = convolve(&mut circuit, depth, entangle)?;
            return Ok(ansatz(circuit, left.into_iter().map(Observable::z).collect()));
        }
        for layer in 0..depth {
            if encoding == Encoding::Reuploading {
                for qubit in 0..qubits {
                    circuit.push(Gate::Ry, &[qubit], &[inputs[layer * qubits + qubit]])?;
                }
            }
            let pairs = if entangle { entanglement.pairs(layer, qubits) } else { Vec::new() };
            if self.layers == Layers::EntanglersFirst {
                self.entangle(&mut circuit, &pairs)?;
            }
            self.rotate(&mut circuit, layer)?;
            if self.layers != Layers::EntanglersFirst {
                self.entangle(&mut circuit, &pairs)?;
            }
        }
        if self.layers == Layers::Qiskit && depth > 0 {
            self.rotate(&mut circuit, depth)?;
        }
        Ok(ansatz(circuit, (self.observables)(qubits)))
    }

    /// The trained rotations of a layer.
    fn rotate(&self, circuit: &mut Circuit, layer: usize) -> Result<(), CircuitError> {
        let (qubits, gates) = (circuit.qubits(), self.rotations.len());
        for position in 0..qubits * gates {
            let (qubit, k) = match self.layers {
                Layers::Qiskit => (position % qubits, position / qubits),
                _ => (position / gates, position % gates),
            };
            let angle = circuit.slot(format!("w{layer}_{qubit}_{k}"));
            circuit.push(self.rotations[k], &[qubit], &[angle])?;
        }
        Ok(())
    }

    fn entangle(&self, circuit: &mut Circuit, pairs: &[(usize, usize)]) -> Result<(), CircuitError> {
        pairs.iter().try_for_each(|&(control, target)| circuit.push(self.entangler, &[control, target], &[]).map(drop))
    }
}

/// Every Pauli string on one qubit, then on two.
fn two_local_paulis(n: usize) -> Vec<Observable> {
    let letters = |qubit: usize| [Letter::X, Letter::Y, Letter::Z].map(|letter| (qubit, letter));
    let one = |letters: &[(usize, Letter)]| Observable { terms: vec![(1.0, PauliString::new(letters.to_vec()))] };
    let mut found: Vec<Observable> = (0..n).flat_map(letters).map(|p| one(&[p])).collect();
    for a in 0..n {
        for b in a + 1..n {
            for (p, q) in letters(a).into_iter().flat_map(|p| letters(b).map(|q| (p, q))) {
                found.push(one(&[p, q]));
            }
        }
    }
    found
}

/// Stages of `depth` layers, each a block { RY RY, CNOT, RY RY } with common weights on all neighbouring pairs, and of
/// pooling: each first qubit of a pair turns the second by CRZ where it is 1 and by CRX where it is 0, and is done with.
/// Ends with a layer on at most two qubits, which are returned.
fn convolve(circuit: &mut Circuit, depth: usize, entangle: bool) -> Result<Vec<usize>, CircuitError> {
    let mut left: Vec<usize> = (0..circuit.qubits()).collect();
    for stage in 0.. {
        for layer in 0..depth {
            let weights: Vec<Param> = (0..4).map(|k| circuit.slot(format!("w{stage}_{layer}_{k}"))).collect();
            if let [only] = left[..] {
                weights.iter().try_for_each(|&angle| circuit.push(Gate::Ry, &[only], &[angle]).map(drop))?;
            }
            let pairs = |first: usize| left.windows(2).skip(first).step_by(2);
            for pair in pairs(0).chain(pairs(1)) {
                for (k, &angle) in weights.iter().enumerate() {
                    if k == 2 && entangle {
                        circuit.push(Gate::Cx, pair, &[])?;
                    }
                    circuit.push(Gate::Ry, &pair[k % 2..=k % 2], &[angle])?;
                }
            }
        }
        if left.len() <= 2 {
            break;
        }
        if entangle {
            let (if_one, if_zero) = (circuit.slot(format!("p{stage}_1")), circuit.slot(format!("p{stage}_0")));
            for pair in left.chunks_exact(2) {
                circuit.push(Gate::Crz, pair, &[if_one])?.push(Gate::X, &pair[..1], &[])?;
                circuit.push(Gate::Crx, pair, &[if_zero])?;
            }
        }
        left = left.chunks(2).map(|pair| pair[pair.len() - 1]).collect();
    }
    Ok(left)
}
