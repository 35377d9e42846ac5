//! What is trained: networks as functions of their parameters, and the rows they learn from.

use std::sync::Arc;

use candle_core::Tensor;

use crate::nn::decode::Decoder;
use crate::nn::head::Head;
use crate::nn::{Backbone, NnError, Params};

/// Whether a network is trained or evaluated. Dropout and batch normalisation depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Evaluation: no randomness, running statistics.
    Eval,
    /// Training; `seed` is another one in every step.
    Train {
        /// For dropout and for rows that are drawn anew.
        seed: u64,
    },
}

/// What a network makes of a batch.
#[derive(Clone, Debug)]
pub struct Output {
    /// (batch, width): what the last layer reads; where domains are compared.
    pub features: Tensor,
    /// (batch, …): what the loss reads; class scores (batch, classes) in a classifier.
    pub logits: Tensor,
    /// Further outputs of networks with more than one.
    pub more: Vec<Tensor>,
}

impl Output {
    /// One output.
    pub fn new(features: Tensor, logits: Tensor) -> Self {
        Self { features, logits, more: Vec::new() }
    }
}

/// A network on its parameters.
pub trait Network {
    /// What it makes of `inputs`, each (batch, …). Most networks read one.
    ///
    /// # Errors
    /// If shapes do not fit or a simulator refuses.
    fn forward(&self, inputs: &[Tensor], mode: Mode) -> Result<Output, NnError>;

    /// The part that writes sequences, if the network has one. Its memory is the last of [`Output::more`].
    fn decoder(&self) -> Option<&dyn Decoder> {
        None
    }
}

/// How a network is made of parameters. Functions from parameters to networks are models.
///
/// Building is cheap, since it only passes tensors on. The training loop builds anew whenever the learning rates
/// change, and what they freeze is then a constant of the network.
pub trait Model {
    /// The network on `params`, which are made if they do not exist yet.
    ///
    /// # Errors
    /// If `params` hold other shapes.
    fn build<'a>(&'a self, params: &mut Params) -> Result<Box<dyn Network + 'a>, NnError>;
}

impl<F: Fn(&mut Params) -> Result<Box<dyn Network>, NnError>> Model for F {
    fn build<'a>(&'a self, params: &mut Params) -> Result<Box<dyn Network + 'a>, NnError> {
        self(params)
    }
}

/// A head reads features that were computed before.
impl Network for Arc<dyn Head> {
    fn forward(&self, inputs: &[Tensor], _mode: Mode) -> Result<Output, NnError> {
        let features = first(inputs)?;
        Ok(Output::new(features.clone(), self.logits(features)?))
    }
}

/// A head on a backbone: pictures (batch, 3, height, width) to class scores.
pub struct BackboneWithHead {
    /// Pictures to features.
    pub backbone: Box<dyn Backbone>,
    /// Features to class scores.
    pub head: Arc<dyn Head>,
}

impl Network for BackboneWithHead {
    fn forward(&self, inputs: &[Tensor], _mode: Mode) -> Result<Output, NnError> {
        let features = self.backbone.features(first(inputs)?)?;
        let logits = self.head.logits(&features)?;
        Ok(Output::new(features, logits))
    }
}

/// The only input.
///
/// # Errors
/// If there is none.
pub fn first(inputs: &[Tensor]) -> Result<&Tensor, NnError> {
    let reason = "a network needs at least one input tensor";
    inputs.first().ok_or(NnError::Setting { field: "inputs", value: "none".into(), reason })
}

/// Rows for training or evaluation. All tensors have the rows as their first dimension.
#[derive(Clone, Debug)]
pub struct Examples {
    /// What the network reads, in the parameters' element type.
    pub inputs: Vec<Tensor>,
    /// What the loss compares with: classes (rows) u32, numbers or distributions (rows, …).
    pub targets: Vec<Tensor>,
    /// (rows): factor on each row's loss; 0 is a row without a label.
    pub weights: Option<Tensor>,
    /// (rows) u32: where each row comes from.
    pub domains: Option<Tensor>,
    /// (rows) u32: which rows of different domains may be compared, for example rows of one class or of one age.
    pub strata: Option<Tensor>,
}

impl Examples {
    /// Rows of one input and one target, all labelled, all of one domain.
    pub fn new(inputs: Tensor, targets: Tensor) -> Self {
        Self { inputs: vec![inputs], targets: vec![targets], weights: None, domains: None, strata: None }
    }

    /// The domain of each row of the batch.
    ///
    /// # Errors
    /// If domains are not known.
    pub fn domains(&self) -> Result<Vec<u32>, NnError> {
        numbers(&self.domains, "domains", "this method compares domains; name the domain of each row")
    }

    /// The stratum of each row of the batch.
    ///
    /// # Errors
    /// If strata are not known.
    pub fn strata(&self) -> Result<Vec<u32>, NnError> {
        numbers(&self.strata, "strata", "this method compares rows within strata; name the stratum of each row")
    }
}

fn numbers(of_rows: &Option<Tensor>, field: &'static str, reason: &'static str) -> Result<Vec<u32>, NnError> {
    let unknown = NnError::Setting { field, value: "none".into(), reason };
    Ok(of_rows.as_ref().ok_or(unknown)?.to_vec1()?)
}

/// Where rows come from: a table, or something that draws a row anew each time it is asked for.
pub trait Dataset {
    /// Number of rows.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// These rows, in this order. Under [`Mode::Train`] they may be varied at random under its seed.
    ///
    /// # Errors
    /// If a row does not exist.
    fn rows(&self, rows: &[u32], mode: Mode) -> Result<Examples, NnError>;
}

impl Dataset for Examples {
    fn len(&self) -> usize {
        self.targets.first().map_or(0, |targets| targets.dims().first().copied().unwrap_or(0))
    }

    fn rows(&self, rows: &[u32], _mode: Mode) -> Result<Examples, NnError> {
        let Some(some) = self.targets.first() else { return Ok(self.clone()) };
        let picked = Tensor::new(rows, some.device())?;
        let pick = |tensor: &Tensor| tensor.index_select(&picked, 0);
        let all = |tensors: &[Tensor]| tensors.iter().map(pick).collect::<Result<Vec<_>, _>>();
        Ok(Examples {
            inputs: all(&self.inputs)?,
            targets: all(&self.targets)?,
            weights: self.weights.as_ref().map(pick).transpose()?,
            domains: self.domains.as_ref().map(pick).transpose()?,
            strata: self.strata.as_ref().map(pick).transpose()?,
        })
    }
}
