//! Layer, group and batch normalisation.

use candle_core::{D, Tensor, Var};

use super::channels::{add_per_channel, multiply_per_channel};
use super::standardize::standardize;
use crate::nn::init::Init;
use crate::nn::onnx::{OnnxGraph, OnnxValue};
use crate::nn::{Mode, NnError, Params};

/// A learned factor and offset per channel, named as in PyTorch.
#[derive(Clone, Debug)]
pub(super) struct Affine {
    pub weight: Tensor,
    pub bias: Tensor,
}

impl Affine {
    pub fn new(params: &mut Params, name: &str, channels: usize) -> Result<Self, NnError> {
        let weight = params.get(&format!("{name}.weight"), &[channels], Init::Constant(1.0))?;
        let bias = params.get(&format!("{name}.bias"), &[channels], Init::Constant(0.0))?;
        Ok(Self { weight, bias })
    }

    /// For `x` (batch, channels, …).
    fn per_channel(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        self.along(x, 1)
    }

    pub fn along(&self, x: &Tensor, axis: usize) -> candle_core::Result<Tensor> {
        add_per_channel(&multiply_per_channel(x, &self.weight, axis)?, &self.bias, axis)
    }
}

/// Layer normalisation over the last dimension (Ba et al. 2016, arXiv:1607.06450).
#[derive(Clone, Debug)]
pub struct LayerNorm {
    affine: Affine,
    epsilon: f64,
}

impl LayerNorm {
    /// `name.weight` and `name.bias` (width), starting at 1 and 0.
    ///
    /// # Errors
    /// If `params` hold other shapes.
    pub fn new(params: &mut Params, name: &str, width: usize) -> Result<Self, NnError> {
        Ok(Self { affine: Affine::new(params, name, width)?, epsilon: 1e-5 })
    }

    /// The same with another number added to the variance; PyTorch's is 1e-5, BERT's 1e-12.
    pub fn with_epsilon(self, epsilon: f64) -> Self {
        Self { epsilon, ..self }
    }

    /// (…, width) to (…, width).
    ///
    /// # Errors
    /// If the width is another.
    pub fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        layer_norm(x, &self.affine.weight, &self.affine.bias, self.epsilon)
    }

    /// The layer on a value of an ONNX graph.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn write(&self, graph: &mut OnnxGraph, x: &OnnxValue) -> Result<OnnxValue, NnError> {
        graph.layer_norm(x, (&self.affine.weight, &self.affine.bias), self.epsilon)
    }
}

/// (…, width) to (…, width): [`LayerNorm`] with these tensors.
///
/// # Errors
/// If the width is another.
pub(crate) fn layer_norm(x: &Tensor, weight: &Tensor, bias: &Tensor, epsilon: f64) -> candle_core::Result<Tensor> {
    let standard = standardize(&x.reshape(((), x.dim(D::Minus1)?))?, epsilon)?.reshape(x.shape())?;
    let axis = x.rank() - 1;
    add_per_channel(&multiply_per_channel(&standard, weight, axis)?, bias, axis)
}

/// Group normalisation (Wu & He 2018, arXiv:1803.08494): each row's channels are normalised in groups, over all
/// positions.
#[derive(Clone, Debug)]
pub struct GroupNorm {
    affine: Affine,
    groups: usize,
    epsilon: f64,
}

impl GroupNorm {
    /// `name.weight` and `name.bias` (channels), starting at 1 and 0.
    ///
    /// # Errors
    /// If `params` hold other shapes, or `groups` does not divide `channels`.
    pub fn new(params: &mut Params, name: &str, groups: usize, channels: usize) -> Result<Self, NnError> {
        if groups == 0 || !channels.is_multiple_of(groups) {
            let reason = "the number of groups must divide the number of channels";
            return Err(NnError::Setting { field: "groups", value: format!("{groups} of {channels}"), reason });
        }
        Ok(Self { affine: Affine::new(params, name, channels)?, groups, epsilon: 1e-5 })
    }

    /// (batch, channels, …) to the same.
    ///
    /// # Errors
    /// If the number of channels is another.
    pub fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let rows = x.dim(0)? * self.groups;
        let standard = standardize(&x.reshape((rows, ()))?, self.epsilon)?.reshape(x.shape())?;
        self.affine.per_channel(&standard)
    }

    /// The layer on planes of an ONNX graph.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn write(&self, graph: &mut OnnxGraph, x: &OnnxValue) -> Result<OnnxValue, NnError> {
        graph.group_norm(x, (&self.affine.weight, &self.affine.bias), self.groups, self.epsilon)
    }
}

/// Batch normalisation (Ioffe & Szegedy 2015, arXiv:1502.03167).
///
/// If its weight is trained when it is built, it normalises by the batch's statistics in training and updates the
/// running ones. If its weight is frozen, it normalises by the running statistics in every mode and leaves them
/// unchanged.
#[derive(Clone, Debug)]
pub struct BatchNorm {
    affine: Affine,
    mean: Var,
    variance: Var,
    trainable: bool,
    epsilon: f64,
    /// Share of the batch in the new running statistics.
    momentum: f64,
}

impl BatchNorm {
    /// `name.weight` and `name.bias` (channels), statistics `name.running_mean` and `name.running_var`; PyTorch's
    /// constants.
    ///
    /// # Errors
    /// If `params` hold other shapes.
    pub fn new(params: &mut Params, name: &str, channels: usize) -> Result<Self, NnError> {
        Ok(Self {
            affine: Affine::new(params, name, channels)?,
            mean: params.statistic(&format!("{name}.running_mean"), &[channels], Init::Constant(0.0))?,
            variance: params.statistic(&format!("{name}.running_var"), &[channels], Init::Constant(1.0))?,
            trainable: params.is_trainable(&format!("{name}.weight")),
            epsilon: 1e-5,
            momentum: 0.1,
        })
    }

    /// (batch, channels, …) to the same.
    ///
    /// # Errors
    /// If the number of channels is another, or a batch to learn from has a single value per channel.
    pub fn forward(&self, x: &Tensor, mode: Mode) -> candle_core::Result<Tensor> {
        if mode == Mode::Eval || !self.trainable {
            let scale = (self.variance.as_detached_tensor() + self.epsilon)?.sqrt()?.recip()?;
            let shift = (self.mean.as_detached_tensor() * &scale)?.neg()?;
            return self.affine.per_channel(&Affine { weight: scale, bias: shift }.per_channel(x)?);
        }
        let by_channel = x.transpose(0, 1)?.contiguous()?;
        let flat = by_channel.flatten_from(1)?;
        self.take_in(&flat.detach())?;
        let standard = standardize(&flat, self.epsilon)?.reshape(by_channel.shape())?.transpose(0, 1)?;
        self.affine.per_channel(&standard)
    }

    fn take_in(&self, values: &Tensor) -> candle_core::Result<()> {
        if values.dim(1)? < 2 {
            candle_core::bail!("batch normalisation cannot learn from a single value per channel; use larger batches");
        }
        let blend = |running: &Var, now: Tensor| {
            running.set(&((running.as_detached_tensor() * (1.0 - self.momentum))? + (now * self.momentum)?)?)
        };
        blend(&self.mean, values.mean(1)?)?;
        // The unbiased variance, as in PyTorch. The output uses the biased one.
        blend(&self.variance, values.var(1)?)
    }
}
