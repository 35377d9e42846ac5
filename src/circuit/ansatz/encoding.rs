//! How features enter a circuit: gates with slots. `nn` computes the angles of the slots from the features.

use crate::circuit::ansatz::Entanglement;
use crate::circuit::{Circuit, CircuitError, Gate, Param};

/// How features enter the circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// RY(x) on each qubit.
    Angle,
    /// H, then RY(x) on each qubit.
    HadamardAngle,
    /// RY(x) on each qubit, then a ring of CNOT.
    EntangledAngle,
    /// RY(x) on each qubit again before every layer, each upload with its own slot.
    Reuploading,
    /// Amplitudes of a 2ⁿ vector, prepared by a tree of uniformly controlled RY: 2ⁿ - 1 slots.
    Amplitude,
    /// 2ⁿ⁻¹ features as amplitudes and 1 as that of the ancilla alone, the last qubit: (Σ xᵢ|0⟩|i⟩ + |1⟩|0…0⟩) / √(‖x‖² + 1).
    /// Vectors that differ in length or sign alone stay apart.
    AmplitudeAncilla,
    /// The same as `Amplitude` with amplitudes that are not negative, as square roots of probabilities are.
    Probability,
    /// H on each qubit, then evolutions under Pauli strings with angles of one feature or of two.
    Pauli(&'static PauliMap),
    /// One slot for each feature, wherever the circuit has it: an own circuit.
    Direct,
}

/// A feature map of Pauli evolutions: { H on each qubit, then e^{-i φ P / 2} for each string P } `repetitions` times. The
/// first qubits' angles are those of strings of one letter, then come those of two letters, one for each pair.
#[derive(Debug, PartialEq, Eq)]
pub struct PauliMap {
    /// Strings of equal letters: one letter acts on each qubit, two on each pair.
    pub strings: &'static [&'static [Gate]],
    /// Pairs of strings of two letters.
    pub pairs: Entanglement,
    /// How often the whole map is applied.
    pub repetitions: usize,
    /// Whether angles are Havlíček's 2x and 2(π - x)(π - y). Otherwise they are x and x·y.
    pub shifted: bool,
}

/// An encoding as a user names it.
pub struct EncodingRow {
    /// Name in specs.
    pub name: &'static str,
    /// The encoding.
    pub encoding: Encoding,
    /// One line for people, with the source.
    pub doc: &'static str,
}

const Z: &[Gate] = &[Gate::Z];
const ZZ: &[Gate] = &[Gate::Z, Gate::Z];
const YY: &[Gate] = &[Gate::Y, Gate::Y];

pub(super) static ZZ_FEATURE_MAP: PauliMap =
    PauliMap { strings: &[Z, ZZ], pairs: Entanglement::Full, repetitions: 2, shifted: true };

pub(super) static PAULI_FEATURE_MAP: PauliMap =
    PauliMap { strings: &[Z, YY], pairs: Entanglement::Full, repetitions: 2, shifted: true };

pub(super) static IQP: PauliMap =
    PauliMap { strings: &[Z, ZZ], pairs: Entanglement::Full, repetitions: 1, shifted: false };

/// Every encoding.
pub static ENCODINGS: &[EncodingRow] = &[
    EncodingRow { name: "angle", encoding: Encoding::Angle, doc: "RY(x) on each qubit (PennyLane AngleEmbedding)" },
    EncodingRow {
        name: "hadamard_angle",
        encoding: Encoding::HadamardAngle,
        doc: "H, then RY(x) on each qubit (Mari et al. 2020, arXiv 1912.08278)",
    },
    EncodingRow {
        name: "entangled_angle",
        encoding: Encoding::EntangledAngle,
        doc: "RY(x) on each qubit, then a ring of CNOT",
    },
    EncodingRow {
        name: "reuploading",
        encoding: Encoding::Reuploading,
        doc: "RY(s·x) on each qubit before every layer, each s trained (Pérez-Salinas et al. 2020, arXiv 1907.02085)",
    },
    EncodingRow {
        name: "amplitude",
        encoding: Encoding::Amplitude,
        doc: "2^n features as real amplitudes (Möttönen et al. 2005, arXiv quant-ph/0407010; PennyLane \
              AmplitudeEmbedding)",
    },
    EncodingRow {
        name: "amplitude_ancilla",
        encoding: Encoding::AmplitudeAncilla,
        doc: "2^(n-1) features as real amplitudes and 1 on an ancilla, which keeps their length (Schuld et al. 2020, arXiv \
              1804.00633; PennyLane AmplitudeEmbedding of [x, 1] with pad_with=0)",
    },
    EncodingRow {
        name: "probability",
        encoding: Encoding::Probability,
        doc: "2^n features in (0, 1) as amplitudes (QPIE: Yao et al. 2017, arXiv 1801.01465)",
    },
    EncodingRow {
        name: "z_feature_map",
        encoding: Encoding::Pauli(&PauliMap {
            strings: &[Z],
            pairs: Entanglement::Full,
            repetitions: 2,
            shifted: true,
        }),
        doc: "H and P(2x) on each qubit, twice (Havlíček et al. 2019, arXiv 1804.11326; Qiskit z_feature_map)",
    },
    EncodingRow {
        name: "zz_feature_map",
        encoding: Encoding::Pauli(&ZZ_FEATURE_MAP),
        doc: "H, P(2x) on each qubit and ZZ of 2(π - x)(π - y) on each pair, twice (Havlíček et al. 2019, arXiv \
              1804.11326; Qiskit zz_feature_map)",
    },
    EncodingRow {
        name: "pauli_feature_map",
        encoding: Encoding::Pauli(&PAULI_FEATURE_MAP),
        doc: "H, P(2x) on each qubit and YY of 2(π - x)(π - y) on each pair, twice (Qiskit pauli_feature_map with \
              paulis [\"Z\", \"YY\"])",
    },
    EncodingRow {
        name: "iqp",
        encoding: Encoding::Pauli(&IQP),
        doc: "H, RZ(x) on each qubit and RZZ(x·y) on each pair (PennyLane IQPEmbedding; Havlíček et al. 2019)",
    },
];

impl EncodingRow {
    /// The row of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ENCODINGS.iter().find(|row| row.name == name)
    }
}

impl PauliMap {
    /// Pairs of qubits with an angle of their own, in the order of their slots.
    pub fn angle_pairs(&self, qubits: usize) -> Vec<(usize, usize)> {
        let has_pairs = self.strings.iter().any(|string| string.len() == 2);
        if has_pairs { self.pairs.pairs(0, qubits) } else { Vec::new() }
    }
}

impl Encoding {
    /// Whether features become amplitudes, up to 2ⁿ of them.
    pub fn is_amplitude(self) -> bool {
        matches!(self, Self::Amplitude | Self::AmplitudeAncilla | Self::Probability)
    }

    /// Number of features of a circuit on `qubits` qubits with `inputs` input slots.
    pub fn features(self, qubits: usize, inputs: usize) -> usize {
        match self {
            Self::Amplitude | Self::Probability => 1 << qubits,
            Self::AmplitudeAncilla => 1 << (qubits - 1),
            Self::Direct => inputs,
            _ => qubits,
        }
    }

    /// Number of input slots of a circuit of `depth` layers. Without entanglers a Pauli map has no pairs.
    pub(super) fn inputs(self, qubits: usize, depth: usize, entangle: bool) -> usize {
        match self {
            Self::Angle | Self::HadamardAngle | Self::EntangledAngle | Self::Direct => qubits,
            Self::Reuploading => qubits * depth,
            Self::Amplitude | Self::AmplitudeAncilla | Self::Probability => (1 << qubits) - 1,
            Self::Pauli(map) => qubits + if entangle { map.angle_pairs(qubits).len() } else { 0 },
        }
    }

    /// Appends the gates before the first layer.
    pub(super) fn encode(self, circuit: &mut Circuit, inputs: &[Param], entangle: bool) -> Result<(), CircuitError> {
        let qubits = circuit.qubits();
        match self {
            Self::Angle | Self::HadamardAngle | Self::EntangledAngle | Self::Direct => {
                for (qubit, &angle) in inputs.iter().enumerate() {
                    if self == Self::HadamardAngle {
                        circuit.push(Gate::H, &[qubit], &[])?;
                    }
                    circuit.push(Gate::Ry, &[qubit], &[angle])?;
                }
                let ring =
                    if self == Self::EntangledAngle && entangle { Entanglement::Ring.pairs(0, qubits) } else { vec![] };
                ring.into_iter().try_for_each(|(a, b)| circuit.push(Gate::Cx, &[a, b], &[]).map(drop))
            }
            Self::Amplitude | Self::AmplitudeAncilla | Self::Probability => prepare_amplitudes(circuit, inputs),
            Self::Reuploading => Ok(()),
            Self::Pauli(map) => {
                let pairs = if entangle { map.angle_pairs(qubits) } else { Vec::new() };
                for _ in 0..map.repetitions {
                    pauli_layer(circuit, map.strings, &pairs, inputs)?;
                }
                Ok(())
            }
        }
    }
}

/// H on each qubit, then each string on each qubit or pair. e^{-i φ P / 2} is, up to a phase, P(φ) on the last qubit between
/// CNOTs and the changes of basis to Z.
fn pauli_layer(
    circuit: &mut Circuit,
    strings: &[&[Gate]],
    pairs: &[(usize, usize)],
    slots: &[Param],
) -> Result<(), CircuitError> {
    let (single, double) = slots.split_at(circuit.qubits());
    for qubit in 0..circuit.qubits() {
        circuit.push(Gate::H, &[qubit], &[])?;
    }
    for string in strings {
        match string {
            [letter] => {
                for (qubit, &angle) in single.iter().enumerate() {
                    to_z(circuit, *letter, qubit)?;
                    circuit.push(Gate::P, &[qubit], &[angle])?;
                    from_z(circuit, *letter, qubit)?;
                }
            }
            letters => {
                for (&(a, b), &angle) in pairs.iter().zip(double) {
                    let ends = || [a, b].into_iter().zip(letters.iter().copied());
                    ends().try_for_each(|(qubit, letter)| to_z(circuit, letter, qubit))?;
                    circuit.push(Gate::Cx, &[a, b], &[])?.push(Gate::P, &[b], &[angle])?.push(
                        Gate::Cx,
                        &[a, b],
                        &[],
                    )?;
                    ends().try_for_each(|(qubit, letter)| from_z(circuit, letter, qubit))?;
                }
            }
        }
    }
    Ok(())
}

/// The change of basis that makes a Pauli operator Z.
fn to_z(circuit: &mut Circuit, letter: Gate, qubit: usize) -> Result<(), CircuitError> {
    match letter {
        Gate::X => circuit.push(Gate::H, &[qubit], &[]).map(drop),
        Gate::Y => circuit.push(Gate::Sx, &[qubit], &[]).map(drop),
        _ => Ok(()),
    }
}

/// Its inverse.
fn from_z(circuit: &mut Circuit, letter: Gate, qubit: usize) -> Result<(), CircuitError> {
    match letter {
        Gate::X => circuit.push(Gate::H, &[qubit], &[]).map(drop),
        Gate::Y => circuit.push(Gate::Sxdg, &[qubit], &[]).map(drop),
        _ => Ok(()),
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
    let pairs = Entanglement::Linear.pairs(0, qubits);
    let mut slots: Vec<Param> = (0..qubits).map(|q| circuit.slot(format!("x{q}"))).collect();
    slots.extend(pairs.iter().map(|(a, b)| circuit.slot(format!("x{a}_{b}"))).collect::<Vec<_>>());
    for _ in 0..repetitions {
        pauli_layer(&mut circuit, &[Z, ZZ], &pairs, &slots)?;
    }
    Ok(circuit)
}

/// A feature map that takes any number of features, as many at a time as there are qubits (data re-uploading,
/// Pérez-Salinas et al. 2020, arXiv 1907.02085): rotations about Y and, every second time, X, a ring of CZ between them.
/// Slot k is the angle of feature k.
///
/// # Errors
/// If the circuit cannot be built.
pub fn uploading_feature_map(qubits: usize, features: usize) -> Result<Circuit, CircuitError> {
    let mut circuit = Circuit::new(qubits);
    let slots: Vec<Param> = (0..features).map(|k| circuit.slot(format!("x{k}"))).collect();
    for (upload, angles) in slots.chunks(qubits.max(1)).enumerate() {
        if upload > 0 {
            for (one, other) in Entanglement::Ring.pairs(0, qubits) {
                circuit.push(Gate::Cz, &[one, other], &[])?;
            }
        }
        let gate = if upload % 2 == 0 { Gate::Ry } else { Gate::Rx };
        for (qubit, &angle) in angles.iter().enumerate() {
            circuit.push(gate, &[qubit], &[angle])?;
        }
    }
    Ok(circuit)
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
                // The bit in which successive Gray codes differ. The last step closes the cycle.
                let bit = if block + 1 == blocks { level - 1 } else { (block + 1).trailing_zeros() as usize };
                circuit.push(Gate::Cx, &[target + 1 + bit, target], &[])?;
            }
        }
    }
    Ok(())
}
