//! Which pairs of qubits the entanglers of a layer act on.

/// A pattern of pairs (control, target).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entanglement {
    /// Each qubit with its successor.
    Linear,
    /// The same from the last pair to the first.
    ReverseLinear,
    /// Linear with the pair (last, first) before it.
    Circular,
    /// Each qubit with each later one.
    Full,
    /// Circular, its start moved by one pair each layer, every second layer with exchanged roles.
    ShiftedCircular,
    /// Pairs that start at even qubits, then those that start at odd ones.
    Pairwise,
    /// Each qubit with its successor, the last with the first.
    Ring,
    /// The ring with successors one further away in each layer.
    GrowingRing,
}

/// A pattern as a user names it.
pub struct EntanglementRow {
    /// Name in specs.
    pub name: &'static str,
    /// The pattern.
    pub entanglement: Entanglement,
    /// One line for people, with the source.
    pub doc: &'static str,
}

/// Every pattern. Those that Qiskit has are called as there and have its order of pairs.
pub static ENTANGLEMENTS: &[EntanglementRow] = &[
    EntanglementRow { name: "linear", entanglement: Entanglement::Linear, doc: "(0, 1), (1, 2), … (Qiskit n_local)" },
    EntanglementRow {
        name: "reverse_linear",
        entanglement: Entanglement::ReverseLinear,
        doc: "the pairs of linear, the last first: with CX the unitary of full at n - 1 gates (Qiskit n_local)",
    },
    EntanglementRow {
        name: "circular",
        entanglement: Entanglement::Circular,
        doc: "(n - 1, 0), then linear (Qiskit n_local)",
    },
    EntanglementRow {
        name: "full",
        entanglement: Entanglement::Full,
        doc: "every pair, the lower qubit as control (Qiskit n_local)",
    },
    EntanglementRow {
        name: "sca",
        entanglement: Entanglement::ShiftedCircular,
        doc: "circular, moved by one pair each layer, every second layer with control and target exchanged (Sim et al. \
              2019, arXiv 1905.10876; Qiskit n_local)",
    },
    EntanglementRow {
        name: "pairwise",
        entanglement: Entanglement::Pairwise,
        doc: "(0, 1), (2, 3), …, then (1, 2), (3, 4), … (Qiskit n_local)",
    },
    EntanglementRow {
        name: "ring",
        entanglement: Entanglement::Ring,
        doc: "linear, then (n - 1, 0); one pair on two qubits (PennyLane BasicEntanglerLayers)",
    },
    EntanglementRow {
        name: "growing_ring",
        entanglement: Entanglement::GrowingRing,
        doc: "(q, q + r) around, r = 1, 2, …, n - 1, 1, … by layer (PennyLane StronglyEntanglingLayers)",
    },
];

impl EntanglementRow {
    /// The row of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ENTANGLEMENTS.iter().find(|row| row.name == name)
    }
}

impl Entanglement {
    /// Pairs (control, target) of layer `layer` on `n` qubits, in order.
    ///
    /// ```
    /// use qgraft::circuit::ansatz::Entanglement;
    /// assert_eq!(Entanglement::Circular.pairs(0, 3), [(2, 0), (0, 1), (1, 2)]);
    /// assert_eq!(Entanglement::ShiftedCircular.pairs(1, 3), [(2, 1), (0, 2), (1, 0)]);
    /// ```
    pub fn pairs(self, layer: usize, n: usize) -> Vec<(usize, usize)> {
        let linear = || (1..n).map(|q| (q - 1, q));
        let circular = || (n > 2).then_some((n.wrapping_sub(1), 0)).into_iter().chain(linear());
        match self {
            Self::Linear => linear().collect(),
            Self::ReverseLinear => linear().rev().collect(),
            Self::Circular => circular().collect(),
            Self::Full => (0..n).flat_map(|a| (a + 1..n).map(move |b| (a, b))).collect(),
            Self::ShiftedCircular => {
                let mut pairs: Vec<(usize, usize)> = circular().collect();
                let count = pairs.len().max(1);
                pairs.rotate_right(layer % count);
                if layer % 2 == 1 { pairs.into_iter().map(|(a, b)| (b, a)).collect() } else { pairs }
            }
            Self::Pairwise => linear().step_by(2).chain(linear().skip(1).step_by(2)).collect(),
            Self::Ring => ring(n, 1),
            Self::GrowingRing => ring(n, 1 + layer % n.saturating_sub(1).max(1)),
        }
    }
}

/// Each qubit controls the one `range` further round; nothing on a single qubit, one pair on two.
fn ring(n: usize, range: usize) -> Vec<(usize, usize)> {
    match n {
        0 | 1 => Vec::new(),
        2 => vec![(0, 1)],
        _ => (0..n).map(|q| (q, (q + range) % n)).collect(),
    }
}
