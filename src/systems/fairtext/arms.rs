//! What is compared.

use crate::study::StudyError;
use crate::systems::fairtext::encoder::Start;
use crate::systems::fairtext::network::Fusion;
use crate::systems::fairtext::spec::Part;

/// What text is made into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Text {
    /// It is not read.
    None,
    /// Vectors of a frozen encoder.
    Vectors(Start),
    /// Words, by an encoder that is trained with this row of the table of methods.
    Tuned(&'static str),
}

/// What classifies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Classifier {
    /// Layers of a network.
    Layers(Fusion),
    /// A circuit between linear layers.
    Quantum,
    /// Its classical twin.
    Tanh,
    /// Logistic regression on weights of words, each class against the rest.
    Logistic,
    /// Support vectors with the linear kernel on weights of words, each class against the rest.
    SupportVectors,
}

/// How classes count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Balance {
    /// Every row alike.
    Plain,
    /// Each row by N / (K N_c).
    Weighted,
    /// Each row by the effective number of rows of its class.
    EffectiveNumber,
    /// Focal loss with γ = 2, without weights.
    Focal,
    /// Rows are drawn in proportion to N / (K N_c) and count alike.
    Sampler,
}

/// What is done for equal decisions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fairness {
    /// Nothing.
    None,
    /// Demographic parity of probabilities as a penalty with this factor.
    Penalty(f64),
    /// The same on the features that the last layer reads: the expectations of a circuit.
    FeaturePenalty(f64),
    /// The exponentiated-gradient reduction.
    Reduction,
    /// Offsets for each group after training.
    Offsets,
}

/// An arm.
#[derive(Debug)]
pub struct ArmRow {
    /// Name on the command line.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// The part of a run that it belongs to.
    pub part: Part,
    /// What text is made into.
    pub text: Text,
    /// Whether indicators are read.
    pub indicators: bool,
    /// Whether the group is read, as one more indicator for each group.
    pub reads_group: bool,
    /// What classifies.
    pub classifier: Classifier,
    /// How classes count.
    pub balance: Balance,
    /// What is done for equal decisions.
    pub fairness: Fairness,
    /// Whether the model is kept for new reports.
    pub is_kept: bool,
}

const VECTORS: Text = Text::Vectors(Start::Pretrained);

/// The fused network, which others change in one thing.
const FUSED: ArmRow = ArmRow {
    name: "fused",
    doc: "sentence vectors and indicators, one behind the other",
    part: Part::Arms,
    text: VECTORS,
    indicators: true,
    reads_group: false,
    classifier: Classifier::Layers(Fusion::Concat),
    balance: Balance::Plain,
    fairness: Fairness::None,
    is_kept: true,
};

/// The same, not kept.
const OTHER: ArmRow = ArmRow { is_kept: false, ..FUSED };
/// With a balance of classes.
const BALANCED: ArmRow = ArmRow { part: Part::Imbalance, ..OTHER };
/// With something for equal decisions.
const FAIR: ArmRow = ArmRow { part: Part::Fairness, ..OTHER };
/// With the group among the indicators.
const GROUP: ArmRow = ArmRow { reads_group: true, ..FAIR };
/// An encoder that is trained on the reports.
const TUNED: ArmRow = ArmRow { part: Part::Unfreezing, indicators: false, ..OTHER };

/// Every arm, part by part; the first of a part is its baseline.
pub static ARMS: &[ArmRow] = &[
    FUSED,
    ArmRow { name: "text", doc: "sentence vectors alone", indicators: false, is_kept: true, ..OTHER },
    ArmRow { name: "indicators", doc: "indicators alone", text: Text::None, is_kept: true, ..OTHER },
    ArmRow {
        name: "gated",
        doc: "a gate chooses between text and indicators",
        classifier: Classifier::Layers(Fusion::Gated),
        ..OTHER
    },
    ArmRow {
        name: "averaged",
        doc: "the mean of the logits of text and of indicators",
        classifier: Classifier::Layers(Fusion::Averaged),
        ..OTHER
    },
    ArmRow {
        name: "random_encoder",
        doc: "fused, with vectors of the same encoder at random weights",
        text: Text::Vectors(Start::Random),
        ..OTHER
    },
    ArmRow {
        name: "tfidf_logistic",
        doc: "weights of words, logistic regression",
        text: Text::None,
        indicators: false,
        classifier: Classifier::Logistic,
        ..OTHER
    },
    ArmRow {
        name: "tfidf_svm",
        doc: "weights of words, linear support vectors",
        text: Text::None,
        indicators: false,
        classifier: Classifier::SupportVectors,
        ..OTHER
    },
    ArmRow {
        name: "quantum",
        doc: "fused, linear to qubits, circuit, linear",
        classifier: Classifier::Quantum,
        is_kept: true,
        ..OTHER
    },
    ArmRow {
        name: "tanh",
        doc: "the same with layers of tanh of as many trained numbers in place of the circuit",
        classifier: Classifier::Tanh,
        ..OTHER
    },
    ArmRow { name: "plain", doc: "every row counts alike", ..BALANCED },
    ArmRow { name: "weighted", doc: "rows count N / (K N_c)", balance: Balance::Weighted, ..BALANCED },
    ArmRow {
        name: "effective",
        doc: "rows count by the effective number of rows of their class, β = 0.999",
        balance: Balance::EffectiveNumber,
        ..BALANCED
    },
    ArmRow { name: "focal", doc: "focal loss, γ = 2, without weights", balance: Balance::Focal, ..BALANCED },
    ArmRow {
        name: "sampler",
        doc: "rows are drawn in proportion to N / (K N_c), with an unweighted loss",
        balance: Balance::Sampler,
        ..BALANCED
    },
    ArmRow { name: "penalty_0", doc: "no penalty", fairness: Fairness::Penalty(0.0), ..FAIR },
    ArmRow { name: "penalty_0.3", doc: "parity penalty, λ = 0.3", fairness: Fairness::Penalty(0.3), ..FAIR },
    ArmRow { name: "penalty_1", doc: "parity penalty, λ = 1", fairness: Fairness::Penalty(1.0), ..FAIR },
    ArmRow { name: "penalty_3", doc: "parity penalty, λ = 3", fairness: Fairness::Penalty(3.0), ..FAIR },
    ArmRow { name: "penalty_10", doc: "parity penalty, λ = 10", fairness: Fairness::Penalty(10.0), ..FAIR },
    ArmRow { name: "penalty_30", doc: "parity penalty, λ = 30", fairness: Fairness::Penalty(30.0), ..FAIR },
    ArmRow { name: "group_penalty_0", doc: "no penalty; the network reads the group, too", ..GROUP },
    ArmRow {
        name: "group_penalty_1",
        doc: "parity penalty, λ = 1; the network reads the group, too",
        fairness: Fairness::Penalty(1.0),
        ..GROUP
    },
    ArmRow { name: "group_penalty_3", doc: "the same with λ = 3", fairness: Fairness::Penalty(3.0), ..GROUP },
    ArmRow { name: "group_penalty_10", doc: "the same with λ = 10", fairness: Fairness::Penalty(10.0), ..GROUP },
    ArmRow {
        name: "reduction",
        doc: "exponentiated-gradient reduction: a random one of several networks decides",
        fairness: Fairness::Reduction,
        ..FAIR
    },
    ArmRow {
        name: "offsets",
        doc: "thresholds for each group after training; reads the group of new reports",
        fairness: Fairness::Offsets,
        ..FAIR
    },
    ArmRow {
        name: "quantum_penalty",
        doc: "the circuit, with the parity penalty of λ = 3 on its expectations",
        classifier: Classifier::Quantum,
        fairness: Fairness::FeaturePenalty(3.0),
        ..FAIR
    },
    ArmRow {
        name: "tanh_penalty",
        doc: "its classical twin, the same penalty on its outputs",
        classifier: Classifier::Tanh,
        fairness: Fairness::FeaturePenalty(3.0),
        ..FAIR
    },
    ArmRow { name: "full", doc: "all layers are trained from the start", text: Text::Tuned("full"), ..TUNED },
    ArmRow {
        name: "gradual",
        doc: "one more layer from the head down each epoch, each at 0.9 of the rate of the one above",
        text: Text::Tuned("gradual+layer_rates:ratio=0.9"),
        ..TUNED
    },
    ArmRow { name: "frozen", doc: "the head alone is trained", text: Text::Tuned("frozen"), ..TUNED },
    ArmRow { name: "lora", doc: "low-rank adapters of rank 4 and the head", text: Text::Tuned("lora:rank=4"), ..TUNED },
];

impl ArmRow {
    /// The arm of this name.
    ///
    /// # Errors
    /// If there is none, with the nearest name.
    pub fn named(name: &str) -> Result<&'static Self, StudyError> {
        let found = ARMS.iter().find(|row| row.name == name);
        found.ok_or_else(|| StudyError::unknown("arm", name, ARMS.iter().map(|row| row.name)))
    }

    /// The arms of a part.
    pub fn of(part: Part) -> impl Iterator<Item = &'static Self> {
        ARMS.iter().filter(move |row| row.part == part)
    }
}
