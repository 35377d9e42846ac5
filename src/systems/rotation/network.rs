//! The network under the heads, and the views it learns from.

use candle_core::{DType, Device, Tensor};

use crate::math::Stream;
use crate::nn::layer::{Conv2d, GroupNorm, Linear, Window};
use crate::nn::model::first;
use crate::nn::{Examples, Mode, Model, Network, NnError, Output, Params, Source};
use crate::systems::rotation::heads::HeadRow;
use crate::systems::rotation::scene::Scene;

/// Pixels along an edge of a view.
pub const SIZE: usize = 28;

/// Channels after each convolution; each halves the edge.
const CHANNELS: [usize; 4] = [3, 16, 32, 64];

/// Edge of the last plane: 28, 14, 7, 4.
const EDGE: usize = 4;

/// Three convolutions with group normalisation, then one linear layer.
pub struct Eye {
    /// What the linear layer says.
    pub head: &'static HeadRow,
}

struct Built {
    layers: Vec<(Conv2d, GroupNorm)>,
    head: Linear,
}

impl Model for Eye {
    fn build<'a>(&'a self, params: &mut Params) -> Result<Box<dyn Network + 'a>, NnError> {
        let mut layers = Vec::new();
        for (k, pair) in CHANNELS.windows(2).enumerate() {
            let conv = Conv2d::new(params, &format!("conv{k}"), (pair[0], pair[1]), Window::square(3, 2, 1), 1, false)?;
            layers.push((conv, GroupNorm::new(params, &format!("norm{k}"), 8, pair[1])?));
        }
        let width = CHANNELS[CHANNELS.len() - 1] * EDGE * EDGE;
        Ok(Box::new(Built { layers, head: Linear::new(params, "head", (width, self.head.width()), true)? }))
    }
}

impl Network for Built {
    fn forward(&self, inputs: &[Tensor], _mode: Mode) -> Result<Output, NnError> {
        let mut x = first(inputs)?.clone();
        for (conv, norm) in &self.layers {
            x = norm.forward(&conv.forward(&x)?)?.relu()?;
        }
        let features = x.flatten_from(1)?;
        let logits = self.head.forward(&features)?;
        Ok(Output::new(features, logits))
    }
}

/// Views of scenes for one head. In training the angle is drawn anew each time, else it is fixed for each scene.
pub struct Views {
    /// The scenes.
    pub scenes: Vec<Scene>,
    /// The fixed angle of each, radians.
    pub angles: Vec<f64>,
    /// Whose targets come with them.
    pub head: &'static HeadRow,
}

impl Views {
    /// `count` scenes of the collection `seed`, one in `1 / ambiguous` of them ambiguous.
    pub fn draw(head: &'static HeadRow, seed: u64, count: usize, ambiguous: f64) -> Self {
        let mut stream = Stream::named(seed, "views");
        let (mut scenes, mut angles) = (Vec::new(), Vec::new());
        for number in 0..count {
            scenes.push(Scene::draw(seed, number as u64, stream.uniform() < ambiguous));
            angles.push(std::f64::consts::TAU * stream.uniform());
        }
        Self { scenes, angles, head }
    }
}

impl Source for Views {
    fn len(&self) -> usize {
        self.scenes.len()
    }

    fn rows(&self, rows: &[u32], mode: Mode) -> Result<Examples, NnError> {
        let (mut pixels, mut targets) = (Vec::new(), Vec::new());
        for &row in rows {
            let row = row as usize;
            let angle = match mode {
                Mode::Judge => self.angles[row],
                Mode::Train { seed } => std::f64::consts::TAU * Stream::numbered(seed, row as u64).uniform(),
            };
            pixels.extend(self.scenes[row].view(angle, SIZE));
            targets.extend(self.head.target(angle));
        }
        let pixels = Tensor::from_vec(pixels, (rows.len(), CHANNELS[0], SIZE, SIZE), &Device::Cpu)?;
        let targets = Tensor::from_vec(targets, (rows.len(), self.head.width()), &Device::Cpu)?;
        Ok(Examples::new(pixels, targets.to_dtype(DType::F32)?))
    }
}
