//! Variational circuits: an encoding of the inputs, then layers of trained rotations and entanglers.
//!
//! Slots 0..inputs carry the encoded features, the rest the trained weights, so that a batch of rows shares everything
//! behind the encoding.

use crate::circuit::{Circuit, CircuitError, Gate, Observable, Param, PauliString};

/// A variational circuit with its input slots and weight slots.
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
    /// Whether layers are shared by neighbours and followed by pooling, as in a convolutional network.
    pooling: bool,
    /// What is measured on so many qubits. Pooled circuits measure Z on the qubits that are left.
    observables: fn(usize) -> Vec<Observable>,
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
    /// RY(x) on each qubit, then a ring of CNOT.
    EntangledAngle,
    /// RY(x) on each qubit again before every layer, each upload with its own slot.
    Reuploading,
    /// Amplitudes of a 2ⁿ vector, prepared by a tree of uniformly controlled RY: 2ⁿ - 1 slots.
    Amplitude,
    /// The same with amplitudes that are not negative, as square roots of probabilities are.
    Probability,
}

impl Encoding {
    /// Whether 2ⁿ features become amplitudes.
    pub fn is_amplitude(self) -> bool {
        matches!(self, Self::Amplitude | Self::Probability)
    }
}

/// Every ansatz.
pub static ANSATZE: &[AnsatzRow] = &[
    AnsatzRow {
        name: "dressed",
        encoding: Encoding::Angle,
        rotations: &[Gate::Rx, Gate::Ry, Gate::Rx],
        entanglers_first: false,
        entanglers: |_, n| ring(n, 1),
        pooling: false,
        observables: Observable::all_z,
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
        pooling: false,
        observables: Observable::all_z,
        depth: 6,
        doc: "H and RY encoding; layers of alternating CNOT and RY (Mari et al. 2020, arXiv 1912.08278)",
    },
    AnsatzRow {
        name: "strongly_entangling",
        encoding: Encoding::Angle,
        rotations: &[Gate::Rz, Gate::Ry, Gate::Rz],
        entanglers_first: false,
        entanglers: |layer, n| ring(n, 1 + layer % (n - 1).max(1)),
        pooling: false,
        observables: Observable::all_z,
        depth: 3,
        doc: "RY encoding; RZ RY RZ and rings of CNOT with growing range (Schuld et al. 2020, arXiv 1804.00633)",
    },
    AnsatzRow {
        name: "reuploading",
        encoding: Encoding::Reuploading,
        rotations: &[Gate::Rx, Gate::Ry, Gate::Rx],
        entanglers_first: false,
        entanglers: |_, n| ring(n, 1),
        pooling: false,
        observables: Observable::all_z,
        depth: 3,
        doc: "Features uploaded before every layer with trained scales (Pérez-Salinas et al. 2020, arXiv 1907.02085)",
    },
    AnsatzRow {
        name: "amplitude",
        encoding: Encoding::Amplitude,
        rotations: &[Gate::Rx, Gate::Ry, Gate::Rx],
        entanglers_first: false,
        entanglers: |_, n| ring(n, 1),
        pooling: false,
        observables: Observable::all_z,
        depth: 3,
        doc: "2^n features as real amplitudes (Möttönen et al. 2005, arXiv quant-ph/0407010); layers as in dressed",
    },
    AnsatzRow {
        name: "probability",
        encoding: Encoding::Probability,
        rotations: &[Gate::Ry],
        entanglers_first: false,
        entanglers: |_, n| ring(n, 1),
        pooling: false,
        observables: Observable::all_z,
        depth: 3,
        doc: "2^n features in (0, 1) as probability amplitudes (QPIE: Yao et al. 2017, arXiv 1801.01465); layers of RY and \
              a ring of CNOT",
    },
    AnsatzRow {
        name: "convolution",
        encoding: Encoding::Amplitude,
        rotations: &[],
        entanglers_first: false,
        entanglers: |_, _| Vec::new(),
        pooling: true,
        observables: Observable::all_z,
        depth: 1,
        doc: "2^n amplitudes; two-qubit blocks with shared weights, then pooling by controlled rotations until two qubits \
              are left (Cong et al. 2019, arXiv 1810.03787; Hur et al. 2022, arXiv 2108.00661)",
    },
    AnsatzRow {
        name: "post_variational",
        encoding: Encoding::HadamardAngle,
        rotations: &[Gate::Ry],
        entanglers_first: true,
        entanglers: |_, n| ring(n, 1),
        pooling: false,
        observables: two_local,
        depth: 1,
        doc: "H and RY encoding, one layer, and every Pauli string on one or two qubits measured (Huang & Rebentrost 2023, \
              arXiv 2307.10560)",
    },
    AnsatzRow {
        name: "entangled",
        encoding: Encoding::EntangledAngle,
        rotations: &[Gate::Rz, Gate::Ry, Gate::Rz],
        entanglers_first: false,
        entanglers: |layer, n| ring(n, 1 + layer % (n - 1).max(1)),
        pooling: false,
        observables: Observable::all_z,
        depth: 3,
        doc: "RY encoding entangled by a ring of CNOT, then strongly entangling layers (arXiv 1804.00633)",
    },
];

impl AnsatzRow {
    /// The row of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ANSATZE.iter().find(|row| row.name == name)
    }

    /// Number of features that enter the circuit: one per qubit, or 2ⁿ amplitudes.
    pub fn features(&self, qubits: usize) -> usize {
        if self.encoding.is_amplitude() { 1 << qubits } else { qubits }
    }

    /// Number of input slots.
    pub fn inputs(&self, qubits: usize, depth: usize) -> usize {
        match self.encoding {
            Encoding::Angle | Encoding::HadamardAngle | Encoding::EntangledAngle => qubits,
            Encoding::Reuploading => qubits * depth,
            Encoding::Amplitude | Encoding::Probability => (1 << qubits) - 1,
        }
    }

    /// The circuit on `qubits` qubits with `depth` layers. Without `entangle` the trained layers have no entanglers
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
            Encoding::Angle | Encoding::HadamardAngle | Encoding::EntangledAngle => {
                for (qubit, &angle) in inputs.iter().enumerate() {
                    if self.encoding == Encoding::HadamardAngle {
                        circuit.push(Gate::H, &[qubit], &[])?;
                    }
                    circuit.push(Gate::Ry, &[qubit], &[angle])?;
                }
                if self.encoding == Encoding::EntangledAngle && entangle {
                    cnots(&mut circuit, &ring(qubits, 1))?;
                }
            }
            Encoding::Amplitude | Encoding::Probability => prepare_amplitudes(&mut circuit, &inputs)?,
            Encoding::Reuploading => {}
        }
        if self.pooling && depth > 0 {
            let left = convolve(&mut circuit, depth, entangle)?;
            let observables = left.into_iter().map(Observable::z).collect();
            return Ok(Ansatz { circuit, inputs: inputs.len(), observables });
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
        Ok(Ansatz { circuit, inputs: inputs.len(), observables: (self.observables)(qubits) })
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
            for (one, other) in ring(qubits, 1) {
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

/// Each qubit controls the one `range` further round; nothing on a single qubit, one pair on two.
fn ring(n: usize, range: usize) -> Vec<(usize, usize)> {
    match n {
        0 | 1 => Vec::new(),
        2 => vec![(0, 1)],
        _ => (0..n).map(|q| (q, (q + range) % n)).collect(),
    }
}

/// Every Pauli string on one qubit, then on two.
fn two_local(n: usize) -> Vec<Observable> {
    // X, Y and Z on one qubit, by their bits.
    let letters = |qubit: usize| [(1, 0), (1, 1), (0, 1)].map(|(x, z)| PauliString { x: x << qubit, z: z << qubit });
    let one = |string| Observable { terms: vec![(1.0, string)] };
    let mut found: Vec<Observable> = (0..n).flat_map(letters).map(one).collect();
    for a in 0..n {
        for b in a + 1..n {
            for (p, q) in letters(a).into_iter().flat_map(|p| letters(b).map(|q| (p, q))) {
                found.push(one(PauliString { x: p.x | q.x, z: p.z | q.z }));
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
                // The bit in which successive Gray codes differ. The last step closes the cycle.
                let bit = if block + 1 == blocks { level - 1 } else { (block + 1).trailing_zeros() as usize };
                circuit.push(Gate::Cx, &[target + 1 + bit, target], &[])?;
            }
        }
    }
    Ok(())
}
