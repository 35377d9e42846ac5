//! Arms of the grids. One row each.

use crate::nn::head::{CircuitConfig, HeadConfig};
use crate::study::StudyError;

/// Pre-trainings.
pub const LOSSES: [(&str, &str); 4] = [
    ("clip", "CLIP; studies whose reports say the same are no negatives"),
    ("siglip", "SigLIP with a trained offset; equal reports are pairs"),
    ("multi_positive", "InfoNCE with several pairs in a row: equal reports are pairs"),
    ("shuffled", "control: CLIP on pairs whose reports are shuffled"),
];

/// Ways to learn from few labelled studies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransferArm {
    /// The pre-trained encoder, frozen.
    Frozen,
    /// The same with its upper part trained.
    Unfrozen,
    /// The same network from a random start, all of it trained.
    Scratch,
    /// An encoder at its random start, frozen.
    Random,
}

/// Their names.
pub const TRANSFER: [(&str, &str, TransferArm); 4] = [
    ("scratch", "the same network from a random start, all of it trained", TransferArm::Scratch),
    ("frozen", "the pre-trained encoder, frozen", TransferArm::Frozen),
    ("unfrozen", "the pre-trained encoder with its upper part trained", TransferArm::Unfrozen),
    ("random", "control: an encoder at its random start, frozen", TransferArm::Random),
];

impl TransferArm {
    /// The arm of this name.
    ///
    /// # Errors
    /// If there is none, with the nearest name.
    pub fn named(name: &str) -> Result<Self, StudyError> {
        let found = TRANSFER.iter().find(|(own, ..)| *own == name).map(|(.., arm)| *arm);
        found.ok_or_else(|| StudyError::unknown("arm", name, TRANSFER.iter().map(|row| row.0)))
    }
}

/// A head on the pooled vector.
pub struct HeadArm {
    /// Name on the command line.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// Row of the table of heads.
    pub head: &'static str,
    /// Whether its hidden layer makes it as large as the head with the circuit.
    pub is_matched: bool,
}

/// Every head; the baseline first.
pub static HEAD_ARMS: &[HeadArm] = &[
    HeadArm {
        name: "bottleneck",
        doc: "a tanh layer that makes it at least as large as the head with the circuit",
        head: "mlp_tanh",
        is_matched: true,
    },
    HeadArm { name: "linear", doc: "one linear layer", head: "linear", is_matched: false },
    HeadArm {
        name: "random_features",
        doc: "the bottleneck with its first layer left at its random start",
        head: "random_features",
        is_matched: true,
    },
    HeadArm { name: "quantum", doc: "a circuit between two linear layers", head: "quantum", is_matched: false },
    HeadArm {
        name: "no_entanglers",
        doc: "control: the circuit without entanglers",
        head: "separable",
        is_matched: false,
    },
    HeadArm {
        name: "frozen_circuit",
        doc: "control: the circuit with its weights left at their random start",
        head: "frozen_quantum",
        is_matched: false,
    },
];

impl HeadArm {
    /// The arm of this name.
    ///
    /// # Errors
    /// If there is none, with the nearest name.
    pub fn named(name: &str) -> Result<&'static Self, StudyError> {
        let found = HEAD_ARMS.iter().find(|row| row.name == name);
        found.ok_or_else(|| StudyError::unknown("arm", name, HEAD_ARMS.iter().map(|row| row.name)))
    }
}

/// Width of a hidden layer between `features` and two classes with at least as many parameters as the dressed circuit has.
///
/// # Errors
/// If the circuit cannot be built.
pub fn matched(circuit: &CircuitConfig, features: usize) -> Result<usize, StudyError> {
    let config = HeadConfig::named("quantum")?.circuit(circuit.clone());
    let qubits = config.circuit.width();
    let model = config.model(features, 2)?;
    let weights = model.ansatz.map_or(0, |ansatz| ansatz.weights());
    let wanted = (features + 1) * qubits + weights + 2 * qubits + 2;
    Ok((wanted - 2).div_ceil(features + 3))
}
