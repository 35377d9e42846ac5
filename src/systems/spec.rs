//! Parts of specs that several rooms share.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What is learned from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Data {
    /// `fashion_mnist` (embedded), `folder` or `features`.
    pub source: DataKind,
    /// The folder of class folders, or the safetensors file of features.
    pub path: Option<PathBuf>,
    /// Leave out images that cannot be read, instead of refusing them.
    pub skip_bad: bool,
    /// Share of rows held out where the data is not split already.
    pub held_out: f64,
    /// Seed of that split.
    pub split_seed: u64,
    /// At most this many rows of each class and part, the first ones; 0 takes all.
    pub rows_per_class: usize,
}

/// Kinds of data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataKind {
    /// T-shirt, pullover and shirt of Fashion-MNIST, embedded in the program.
    FashionMnist,
    /// A folder of class folders.
    Folder,
    /// A safetensors file of features and labels.
    Features,
}

/// What turns images into features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Backbone {
    /// Row of the backbone table.
    pub name: String,
    /// Weight file; without one the embedded weights, or those of the model hub.
    pub weights: Option<PathBuf>,
}

/// The circuit of the dressed heads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Circuit {
    /// Row of the ansatz table.
    pub ansatz: String,
    /// Number of qubits, also the hidden width of the classical twin.
    pub qubits: usize,
    /// Number of layers.
    pub depth: usize,
    /// Standard deviation of the initial weights, radians.
    pub weight_sd: f64,
}

impl Default for Data {
    fn default() -> Self {
        Self {
            source: DataKind::FashionMnist,
            path: None,
            skip_bad: false,
            held_out: 0.3,
            split_seed: 0,
            rows_per_class: 0,
        }
    }
}

impl Default for Backbone {
    fn default() -> Self {
        Self { name: "efficientnet_lite0".into(), weights: None }
    }
}

impl Default for Circuit {
    fn default() -> Self {
        Self { ansatz: "dressed".into(), qubits: 4, depth: 3, weight_sd: 0.01 }
    }
}
