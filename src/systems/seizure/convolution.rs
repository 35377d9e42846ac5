//! Convolutions over the arrays of a segment, whose hidden layer is a deep view.

use candle_core::Tensor;

use crate::nn::layer::{Conv2d, Linear, Padding, Window};
use crate::nn::model::first;
use crate::nn::{Mode, Model, Network, NnError, Output, Params};

/// Convolutions of a [`ConvolutionalView`].
const LAYERS: usize = 4;

/// Four convolutions of three by three (of three, where planes are one high) with tanh, each of which halves the planes; a layer
/// with tanh, whose outputs are the deep features; a linear classifier (after Tian et al. 2019, doi
/// 10.1109/TNSRE.2019.2940485).
#[derive(Clone, Debug)]
pub struct ConvolutionalView {
    /// Planes: channels of the recording.
    pub channels: usize,
    /// Height and width of a plane.
    pub size: (usize, usize),
    /// Planes of the first two convolutions; the last two have twice as many.
    pub filters: usize,
    /// Deep features.
    pub hidden: usize,
    /// Classes.
    pub classes: usize,
}

impl ConvolutionalView {
    fn window(&self) -> Window {
        let padding = Padding { left: 1, right: 1, ..Padding::default() };
        match self.size.0 {
            1 => Window { kernel: (1, 3), stride: 2, padding, dilation: 1 },
            _ => Window::square(3, 2, 1),
        }
    }
}

/// A built [`ConvolutionalView`].
struct Built {
    convolutions: Vec<Conv2d>,
    hidden: Linear,
    classifier: Linear,
}

impl Model for ConvolutionalView {
    /// Parameters `conv.N`, `hidden`, `classifier`.
    fn build<'a>(&'a self, params: &mut Params) -> Result<Box<dyn Network + 'a>, NnError> {
        let (mut convolutions, mut before, mut size) = (Vec::new(), self.channels, self.size);
        for k in 0..LAYERS {
            let filters = if k < LAYERS / 2 { self.filters } else { 2 * self.filters };
            let name = format!("conv.{k}");
            convolutions.push(Conv2d::new(params, &name, (before, filters), self.window(), 1, true)?);
            (before, size) = (filters, self.window().output(size)?);
        }
        Ok(Box::new(Built {
            convolutions,
            hidden: Linear::new(params, "hidden", (before * size.0 * size.1, self.hidden), true)?,
            classifier: Linear::new(params, "classifier", (self.hidden, self.classes), true)?,
        }))
    }
}

impl Network for Built {
    /// Input: (segments, channels, height, width).
    fn forward(&self, inputs: &[Tensor], _mode: Mode) -> Result<Output, NnError> {
        let mut x = first(inputs)?.clone();
        for convolution in &self.convolutions {
            x = convolution.forward(&x)?.tanh()?;
        }
        let features = self.hidden.forward(&x.flatten_from(1)?)?.tanh()?;
        let logits = self.classifier.forward(&features)?;
        Ok(Output::new(features, logits))
    }
}
