//! Networks of rows: two hidden layers, or convolutions of pictures.

use candle_core::Tensor;
use serde::{Deserialize, Serialize};

use crate::nn::layer::{Conv2d, Linear, Window};
use crate::nn::model::first;
use crate::nn::{Mode, Model, Network, NnError, Output, Params};

/// A network for rows of a shape.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowNet {
    /// Shape of a row: (width) or (channels, height, width).
    pub shape: Vec<usize>,
    /// Width of the hidden layers.
    pub hidden: usize,
    /// Number of classes.
    pub classes: usize,
    /// Whether the channels are summed first, so that colour is lost.
    pub is_grey: bool,
    /// Whether pictures go through convolutions: for pictures in which things lie anywhere.
    pub is_convolutional: bool,
}

enum Trunk {
    Dense([Linear; 2]),
    Convolutions([Conv2d; 2], Linear),
}

struct Built {
    trunk: Trunk,
    head: Linear,
    is_grey: bool,
}

/// Channels of the convolutions.
const CHANNELS: [usize; 2] = [8, 16];

impl RowNet {
    fn channels(&self) -> usize {
        if self.is_grey || self.shape.len() == 1 { 1 } else { self.shape[0] }
    }
}

impl Model for RowNet {
    fn build<'a>(&'a self, params: &mut Params) -> Result<Box<dyn Network + 'a>, NnError> {
        let pixels: usize = self.shape.iter().skip(usize::from(self.shape.len() == 3)).product();
        let hidden = self.hidden;
        let trunk = if self.is_convolutional {
            let [first, second] = CHANNELS;
            let halved = Window::square(3, 2, 1);
            let one = Conv2d::new(params, "trunk.0", (self.channels(), first), halved, 1, true)?;
            let other = Conv2d::new(params, "trunk.1", (first, second), halved, 1, true)?;
            Trunk::Convolutions([one, other], Linear::new(params, "trunk.2", (2 * second, hidden), true)?)
        } else {
            let one = Linear::new(params, "trunk.0", (self.channels() * pixels, hidden), true)?;
            Trunk::Dense([one, Linear::new(params, "trunk.1", (hidden, hidden), true)?])
        };
        let head = Linear::new(params, "head", (hidden, self.classes), true)?;
        Ok(Box::new(Built { trunk, head, is_grey: self.is_grey }))
    }
}

impl Network for Built {
    fn forward(&self, inputs: &[Tensor], _mode: Mode) -> Result<Output, NnError> {
        let mut x = first(inputs)?.clone();
        if self.is_grey {
            x = x.sum_keepdim(1)?;
        }
        let features = match &self.trunk {
            Trunk::Dense([one, other]) => other.forward(&one.forward(&x.flatten_from(1)?)?.relu()?)?.relu()?,
            Trunk::Convolutions([one, other], last) => {
                let map = other.forward(&one.forward(&x)?.relu()?)?.relu()?.flatten_from(2)?;
                // What is anywhere, and how much there is of it.
                let pooled = Tensor::cat(&[map.max(2)?, map.mean(2)?], 1)?;
                last.forward(&pooled)?.relu()?
            }
        };
        let logits = self.head.forward(&features)?;
        Ok(Output::new(features, logits))
    }
}
