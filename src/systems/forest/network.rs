//! A forest as a network of three layers: splits, leaves, values (Biau, Scornet & Welbl 2019, "Neural random forests",
//! Sankhya A 81, arXiv:1604.07143, section 2).
//!
//! With C, D, E and t of [`MatrixForm`], a row x and steps in place of sigmoids:
//! `left = σ(a (t - x A))`, `reached = σ(b (left C - D + 1/2))`, answer = mean over trees of `reached E`.

use candle_core::{DType, Device, Tensor};
use ndarray::{Array2, Array3};
use serde::{Deserialize, Serialize};

use crate::classic::{Forest, MatrixForm};
use crate::nn::init::Init;
use crate::nn::model::first;
use crate::nn::{Mode, Model, Network, NnError, Output, Params};

/// What a split and a leaf do with their sums.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// Steps: the forest itself, to rounding of the mean; without gradients.
    Step,
    /// Sigmoids.
    Sigmoid {
        /// a: steepness of splits.
        split: f64,
        /// b: steepness of leaves.
        leaf: f64,
    },
}

/// The network of a forest as a function of its parameters, all trees side by side and filled up to the largest:
/// `splits.weight` (trees · I, d), `splits.bias` (trees · I), `leaves.weight` (trees, I, L), `leaves.bias` (trees, 1, L),
/// `values` (trees, L, classes). Logits are logarithms of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForestNetwork {
    /// Steps or sigmoids.
    pub gate: Gate,
    trees: usize,
    columns: usize,
    splits: usize,
    leaves: usize,
    classes: usize,
}

/// Probabilities below are taken for it, so that the logarithm of an exact 0 is a number.
const FLOOR: f64 = 1e-15;

/// Leaves that only fill up are never reached.
const NEVER: f64 = -1e3;

impl ForestNetwork {
    /// How many numbers the network of `forest` over `columns` columns has.
    pub fn size_of(forest: &Forest, columns: usize) -> usize {
        let leaves = forest.trees().iter().map(|tree| tree.leaf_depths().len()).max().unwrap_or(1);
        let splits = (leaves - 1).max(1);
        forest.trees().len() * (splits * (columns + 1 + leaves) + leaves * (1 + forest.width()))
    }

    /// The network of `forest` and its parameters of type `dtype`. Columns are measured in units of `scales` (d), which
    /// decides how steep sigmoids are and nothing else; rows go in unscaled. In double precision with steps the answer
    /// is the forest's.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn of(forest: &Forest, scales: &[f64], gate: Gate, dtype: DType) -> Result<(Self, Params), NnError> {
        let forms: Vec<MatrixForm> = forest.trees().iter().map(|tree| MatrixForm::of(tree, scales.len())).collect();
        let most = |count: fn(&MatrixForm) -> usize| forms.iter().map(count).max().unwrap_or(0);
        let network = Self {
            gate,
            trees: forms.len(),
            columns: scales.len(),
            // A tree of a single leaf has no split. An empty dimension would be none.
            splits: most(|form| form.thresholds.len()).max(1),
            leaves: most(|form| form.turns.len()),
            classes: forest.width(),
        };
        let Self { trees, columns, splits, leaves, classes, .. } = network;
        let mut reads = Array3::zeros((trees, splits, columns));
        let mut thresholds = Array2::zeros((trees, splits));
        let mut paths = Array3::zeros((trees, splits, leaves));
        let mut offsets = Array2::from_elem((trees, leaves), NEVER);
        let mut values = Array3::zeros((trees, leaves, classes));
        for (tree, form) in forms.iter().enumerate() {
            for ((column, split), _) in form.reads.indexed_iter().filter(|(_, reads)| **reads != 0.0) {
                reads[[tree, split, column]] = -scales[column].recip();
                thresholds[[tree, split]] = form.thresholds[split] * scales[column].recip();
            }
            form.paths.indexed_iter().for_each(|((split, leaf), turn)| paths[[tree, split, leaf]] = *turn);
            form.turns.indexed_iter().for_each(|(leaf, turns)| offsets[[tree, leaf]] = 0.5 - turns);
            form.values.indexed_iter().for_each(|((leaf, class), share)| values[[tree, leaf, class]] = *share);
        }
        // Nothing is drawn: every value is set.
        let mut params = Params::new(0, dtype);
        network.build(&mut params)?;
        let all: [Vec<f64>; 5] = [
            reads.into_iter().collect(),
            thresholds.into_iter().collect(),
            paths.into_iter().collect(),
            offsets.into_iter().collect(),
            values.into_iter().collect(),
        ];
        for ((_, var), values) in params.iter().zip(all) {
            var.set(&Tensor::from_vec(values, var.shape(), &Device::Cpu)?.to_dtype(dtype)?)?;
        }
        Ok((network, params))
    }
}

struct Built {
    network: ForestNetwork,
    reads: Tensor,
    thresholds: Tensor,
    paths: Tensor,
    offsets: Tensor,
    values: Tensor,
}

impl Model for ForestNetwork {
    fn build<'a>(&'a self, params: &mut Params) -> Result<Box<dyn Network + 'a>, NnError> {
        let Self { trees, columns, splits, leaves, classes, .. } = *self;
        let mut get = |name: &str, shape: &[usize]| params.get(name, shape, Init::Constant(0.0));
        Ok(Box::new(Built {
            network: *self,
            reads: get("splits.weight", &[trees * splits, columns])?,
            thresholds: get("splits.bias", &[trees * splits])?,
            paths: get("leaves.weight", &[trees, splits, leaves])?,
            offsets: get("leaves.bias", &[trees, 1, leaves])?,
            values: get("values", &[trees, leaves, classes])?,
        }))
    }
}

impl Network for Built {
    fn forward(&self, inputs: &[Tensor], _mode: Mode) -> Result<Output, NnError> {
        let ForestNetwork { gate, trees, splits, .. } = self.network;
        let x = first(inputs)?;
        let rows = x.dim(0)?;
        let sums = x.matmul(&self.reads.t()?)?.broadcast_add(&self.thresholds)?;
        let left = match gate {
            // x ≤ t goes left.
            Gate::Step => sums.ge(0.0)?.to_dtype(x.dtype())?,
            Gate::Sigmoid { split, .. } => candle_nn::ops::sigmoid(&(sums * split)?)?,
        };
        let left = left.reshape((rows, trees, splits))?.transpose(0, 1)?.contiguous()?;
        let sums = left.matmul(&self.paths)?.broadcast_add(&self.offsets)?;
        let reached = match gate {
            Gate::Step => sums.gt(0.0)?.to_dtype(x.dtype())?,
            Gate::Sigmoid { leaf, .. } => candle_nn::ops::sigmoid(&(sums * leaf)?)?,
        };
        let answer = reached.matmul(&self.values)?.mean(0)?;
        // Below the floor there is no slope, but nothing there is worth learning either.
        let logits = answer.maximum(FLOOR)?.log()?;
        Ok(Output::new(answer, logits))
    }
}
