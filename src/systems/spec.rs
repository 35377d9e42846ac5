//! Parts of specs that several rooms share.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use crate::nn::head::CircuitConfig as Circuit;

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
