//! Convolutions with their parameters, and convolution along one axis.

use candle_core::Tensor;

use super::{Window, conv2d};
use crate::nn::init::Init;
use crate::nn::layer::Padding;
use crate::nn::onnx::{OnnxGraph, OnnxValue};
use crate::nn::{NnError, Params};

/// A 2-D convolution with its weight and bias; see [`conv2d`].
#[derive(Clone, Debug)]
pub struct Conv2d {
    weight: Tensor,
    bias: Option<Tensor>,
    window: Window,
    groups: usize,
}

impl Conv2d {
    /// `name.weight` (output, input / groups, height, width) and, with `bias`, `name.bias` (output); PyTorch's start.
    ///
    /// # Errors
    /// If `params` hold other shapes.
    pub fn new(
        params: &mut Params,
        name: &str,
        (input, output): (usize, usize),
        window: Window,
        groups: usize,
        bias: bool,
    ) -> Result<Self, NnError> {
        let inside = input / groups.max(1);
        let (height, width) = window.kernel;
        let start = Init::fan_in(inside * height * width);
        let weight = params.get(&format!("{name}.weight"), &[output, inside, height, width], start)?;
        let bias = if bias { Some(params.get(&format!("{name}.bias"), &[output], start)?) } else { None };
        Ok(Self { weight, bias, window, groups })
    }

    /// (batch, input, height, width) to (batch, output, out height, out width).
    ///
    /// # Errors
    /// As [`conv2d`].
    pub fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        conv2d(x, &self.weight, self.bias.as_ref(), self.window, self.groups)
    }

    /// The layer on planes of an ONNX graph.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn write(&self, graph: &mut OnnxGraph, x: &OnnxValue) -> Result<OnnxValue, NnError> {
        graph.convolution(x, (&self.weight, self.bias.as_ref()), &self.window, self.groups)
    }
}

/// Geometry of a convolution along one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Taps of the kernel.
    pub kernel: usize,
    /// Step between outputs.
    pub stride: usize,
    /// Zeros before and after.
    pub padding: usize,
    /// Distance between taps.
    pub dilation: usize,
}

/// Cross-correlation of `input` (batch, c_in, length) with `weight` (c_out, c_in / groups, kernel), plus `bias`
/// (c_out): (batch, c_out, out length). Differentiable in all three.
///
/// # Errors
/// As [`conv2d`], which computes it on a plane one pixel high.
pub fn conv1d(
    input: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    reach: Reach,
    groups: usize,
) -> candle_core::Result<Tensor> {
    let padding = Padding { left: reach.padding, right: reach.padding, ..Padding::default() };
    let window = Window { kernel: (1, reach.kernel), stride: reach.stride, padding, dilation: reach.dilation };
    conv2d(&input.unsqueeze(2)?, &weight.unsqueeze(2)?, bias, window, groups)?.squeeze(2)
}
