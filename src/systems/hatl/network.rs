//! The temporal backbone over joints, and the classifier on it.

use std::sync::Arc;

use candle_core::{D, Tensor};

use crate::nn::head::{Head, HeadConfig, HeadModel};
use crate::nn::layer::{BatchNorm, Conv2d, Padding, Window};
use crate::nn::model::first;
use crate::nn::{LayerGroups, Mode, Model, Network, NnError, Output, Params};
use crate::study::StudyError;

/// Joints over time to features over half the time: blocks of convolution along time, batch normalisation and ReLU. The
/// input of a block is added where widths agree. Parameters of block k begin with `trunk.k.`.
pub(super) struct Backbone {
    input: BatchNorm,
    blocks: Vec<(Conv2d, BatchNorm)>,
}

impl Backbone {
    /// Blocks of these widths (channels) over films of `joints` joints.
    pub fn new(params: &mut Params, joints: usize, widths: &[usize]) -> Result<Self, NnError> {
        let input = BatchNorm::new(params, "trunk.0.input", 2 * joints)?;
        let mut blocks = Vec::new();
        let (mut below, padding) = (2 * joints, Padding { left: 2, right: 2, ..Padding::default() });
        for (k, &width) in widths.iter().enumerate() {
            let window = Window { kernel: (1, 5), stride: 1, padding, dilation: 1 };
            let convolution = Conv2d::new(params, &format!("trunk.{k}"), (below, width), window, 1, false)?;
            blocks.push((convolution, BatchNorm::new(params, &format!("trunk.{k}.norm"), width)?));
            below = width;
        }
        Ok(Self { input, blocks })
    }

    /// (batch, 2 · joints, frames) to (batch, frames / 2, width).
    pub fn forward(&self, film: &Tensor, mode: Mode) -> Result<Tensor, NnError> {
        let mut x = self.input.forward(&film.unsqueeze(2)?, mode)?;
        for (k, (convolution, norm)) in self.blocks.iter().enumerate() {
            let y = norm.forward(&convolution.forward(&x)?, mode)?;
            x = if y.dims() == x.dims() { (y + &x)?.relu()? } else { y.relu()? };
            if k == 0 {
                let (batch, channels, _, frames) = x.dims4()?;
                x = x.reshape((batch, channels, 1, frames / 2, 2))?.mean(D::Minus1)?;
            }
        }
        Ok(x.squeeze(2)?.transpose(1, 2)?.contiguous()?)
    }
}

/// The blocks of the backbone, and everything else as the head.
pub(super) fn layer_groups(params: &Params, blocks: usize) -> LayerGroups {
    let block = |k: usize| {
        let prefix = format!("trunk.{k}.");
        params.trainable().map(|(name, _)| name).filter(|name| name.starts_with(&prefix)).map(String::from).collect()
    };
    LayerGroups::of_trunk((0..blocks).map(block).collect(), params)
}

/// Films to class scores: the mean over time of the backbone's features, under a row of the table of heads.
#[derive(Clone)]
pub(super) struct FilmClassifier {
    joints: usize,
    blocks: Vec<usize>,
    pub head: HeadModel,
}

impl FilmClassifier {
    /// Films of `joints` joints into `classes` classes, under this head.
    ///
    /// # Errors
    /// If the circuit of the head cannot be built.
    pub fn new((joints, blocks): (usize, &[usize]), head: &HeadConfig, classes: usize) -> Result<Self, StudyError> {
        let features = blocks.last().copied().unwrap_or(2 * joints);
        let head = head.model(features, classes)?;
        Ok(Self { joints, blocks: blocks.to_vec(), head })
    }
}

impl FilmClassifier {
    /// The same backbone under this head.
    pub fn with_head(&self, head: HeadModel) -> Self {
        Self { head, ..self.clone() }
    }
}

struct ClassifierNetwork {
    backbone: Backbone,
    head: Arc<dyn Head>,
}

impl Model for FilmClassifier {
    fn build<'a>(&'a self, params: &mut Params) -> Result<Box<dyn Network + 'a>, NnError> {
        let backbone = Backbone::new(params, self.joints, &self.blocks)?;
        Ok(Box::new(ClassifierNetwork { backbone, head: self.head.build(params)? }))
    }
}

impl Network for ClassifierNetwork {
    fn forward(&self, inputs: &[Tensor], mode: Mode) -> Result<Output, NnError> {
        let features = self.backbone.forward(first(inputs)?, mode)?.mean(1)?;
        let logits = self.head.logits(&features)?;
        Ok(Output::new(features, logits))
    }
}
