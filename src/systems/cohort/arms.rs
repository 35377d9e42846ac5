//! Arms: what pictures become, and what is learned from it. One row each.

use serde::{Deserialize, Serialize};

use crate::study::StudyError;

/// What a picture becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Features {
    /// Features of EfficientNet-Lite0 with the weights inside the program.
    Lite0,
    /// The same with the values of each tensor of weights shuffled.
    Shuffled,
    /// Features of the network that the settings name.
    Network,
    /// What its stages below those that are trained make of a picture.
    Planes,
    /// Histograms of oriented gradients.
    Histograms,
    /// Grey pixels of a small picture.
    Pixels,
}

/// What is learned from features.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Classifier {
    /// Logistic regression of standardised features; a penalty is chosen.
    Logistic,
    /// The same on principal components.
    Components,
    /// Support vectors with a Gaussian kernel of standardised features; a cost of errors is chosen.
    SupportVectors,
    /// A head of the table of heads on principal components.
    Head(&'static str),
    /// The last stages of the network and a linear head.
    Tuned,
    /// A head whose hidden layer makes it as large as the head with the circuit.
    Matched(&'static str),
}

/// One arm.
#[derive(Debug)]
pub struct ArmRow {
    /// Name in settings and tables.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// What it reads.
    pub features: Features,
    /// What it learns.
    pub classifier: Classifier,
}

/// Every arm.
pub static ARMS: &[ArmRow] = &[
    ArmRow {
        name: "lite0",
        doc: "pretrained EfficientNet-Lite0, frozen, and logistic regression",
        features: Features::Lite0,
        classifier: Classifier::Logistic,
    },
    ArmRow {
        name: "shuffled",
        doc: "control: the same network with the values of each tensor shuffled",
        features: Features::Shuffled,
        classifier: Classifier::Logistic,
    },
    ArmRow {
        name: "network",
        doc: "the network of --network with the weights of --weights, frozen, and logistic regression",
        features: Features::Network,
        classifier: Classifier::Logistic,
    },
    ArmRow {
        name: "fine_tuned",
        doc: "the same network with its last stages trained, and a linear layer",
        features: Features::Planes,
        classifier: Classifier::Tuned,
    },
    ArmRow {
        name: "hog_svm",
        doc: "histograms of oriented gradients and support vectors with a Gaussian kernel",
        features: Features::Histograms,
        classifier: Classifier::SupportVectors,
    },
    ArmRow {
        name: "hog_logistic",
        doc: "histograms of oriented gradients and logistic regression",
        features: Features::Histograms,
        classifier: Classifier::Logistic,
    },
    ArmRow {
        name: "pca_logistic",
        doc: "principal components of the pixels and logistic regression",
        features: Features::Pixels,
        classifier: Classifier::Components,
    },
    ArmRow {
        name: "quantum",
        doc: "components of the frozen network and the dressed circuit",
        features: Features::Lite0,
        classifier: Classifier::Head("quantum"),
    },
    ArmRow {
        name: "classical",
        doc: "the same components and a layer of at least as many parameters as the dressed circuit has",
        features: Features::Lite0,
        classifier: Classifier::Matched("mlp_a"),
    },
    ArmRow {
        name: "no_entanglers",
        doc: "control: the dressed circuit without entanglers",
        features: Features::Lite0,
        classifier: Classifier::Head("separable"),
    },
    ArmRow {
        name: "frozen_circuit",
        doc: "control: the dressed circuit with its weights left at their random start",
        features: Features::Lite0,
        classifier: Classifier::Head("frozen_quantum"),
    },
];

impl ArmRow {
    /// Whether it reads the network that the settings name.
    pub fn reads_network(&self) -> bool {
        matches!(self.features, Features::Network | Features::Planes)
    }

    /// The arm of this name.
    ///
    /// # Errors
    /// If there is none, with the nearest one.
    pub fn named(name: &str) -> Result<&'static Self, StudyError> {
        let unknown = || StudyError::unknown("arm", name, ARMS.iter().map(|row| row.name));
        ARMS.iter().find(|row| row.name == name).ok_or_else(unknown)
    }
}
