//! Backbones: pretrained networks that turn pictures into features. One row each.
//!
//! * [`BACKBONES`]: the table. A row's architecture is data ([`architecture`]); nothing else is written per network.
//! * [`Trunk`]: a row with weights in it. [`extract`]: the features of many pictures, kept on disk.

pub mod architecture;
mod extract;
mod frozen;
mod inverted;
mod live;
mod residual;
mod squeezenet;
mod trunk;

use std::path::Path;

use candle_core::Tensor;

pub use architecture::Stage;
pub use extract::{Extracted, extract};
pub use trunk::Trunk;

use crate::data::Transform;
use crate::nn::{NnError, Weights, hub};
use architecture::{Architecture, Spelling};

/// A network that turns pictures into features. Images are (batch, 3, height, width), already transformed.
///
/// With variables among its weights it computes with gradients, else as fast as it can. Batch normalisation uses its
/// running statistics either way: batches of transfer learning are too small to replace them.
pub trait Backbone: Send + Sync {
    /// Its row.
    fn card(&self) -> &'static BackboneRow;
    /// Where it can be cut, from input to output.
    fn stages(&self) -> &[Stage];
    /// (batch, width): the mean of each plane of the last stage.
    fn features(&self, images: &Tensor) -> Result<Tensor, NnError>;
    /// (batch, channels, height / stride, width / stride): what leaves the stage of this name.
    fn stage_output(&self, images: &Tensor, stage: &str) -> Result<Tensor, NnError>;
    /// (batch, classes) of the classifier it was pretrained with.
    fn logits(&self, images: &Tensor) -> Result<Tensor, NnError>;
}

/// Where a backbone's weights come from unless a file is named.
#[derive(Clone, Copy, Debug)]
pub enum WeightSource {
    /// A safetensors file inside the program.
    Embedded(&'static [u8]),
    /// A file of a model on the Hugging Face hub.
    Hub {
        /// "owner/name".
        repository: &'static str,
        /// Path in the repository.
        file: &'static str,
    },
    /// Only from a file the user names.
    File,
}

/// A kind of backbone.
#[derive(Debug)]
pub struct BackboneRow {
    /// Name in specs.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// Width of its features.
    pub width: usize,
    /// What pictures go through first.
    pub transform: Transform,
    /// Where its weights come from.
    pub weights: WeightSource,
    /// Its layers.
    pub architecture: fn(Spelling) -> Architecture,
}

/// Every backbone.
pub static BACKBONES: &[BackboneRow] = &[
    BackboneRow {
        name: "efficientnet_lite0",
        doc: "EfficientNet-Lite0: small, made for phones; its weights are inside the program",
        width: 1280,
        transform: Transform::LITE,
        weights: WeightSource::Embedded(include_bytes!("../../../data/weights/efficientnet_lite0_f16.safetensors")),
        architecture: inverted::efficientnet_lite0,
    },
    BackboneRow {
        name: "squeezenet1_1",
        doc: "SqueezeNet 1.1: 1.2 million weights; its features are the class planes' means",
        width: 1000,
        transform: Transform::IMAGENET,
        weights: WeightSource::File,
        architecture: squeezenet::squeezenet1_1,
    },
    BackboneRow {
        name: "resnet18",
        doc: "ResNet-18: the usual trunk of hybrid transfer learning since Mari et al. 2020",
        width: 512,
        transform: Transform::IMAGENET,
        weights: WeightSource::Hub { repository: "timm/resnet18.tv_in1k", file: "model.safetensors" },
        architecture: residual::resnet18,
    },
    BackboneRow {
        name: "mobilenet_v2",
        doc: "MobileNetV2: inverted residuals with linear bottlenecks",
        width: 1280,
        transform: Transform::IMAGENET,
        weights: WeightSource::Hub { repository: "timm/mobilenetv2_100.ra_in1k", file: "model.safetensors" },
        architecture: inverted::mobilenet_v2,
    },
    BackboneRow {
        name: "efficientnet_b0",
        doc: "EfficientNet-B0: inverted residuals with squeeze-and-excitation",
        width: 1280,
        transform: Transform::IMAGENET,
        weights: WeightSource::Hub { repository: "timm/efficientnet_b0.ra_in1k", file: "model.safetensors" },
        architecture: inverted::efficientnet_b0,
    },
    BackboneRow {
        name: "regnet_x_400mf",
        doc: "RegNetX-400MF: grouped residual blocks from a regular design space",
        width: 400,
        transform: Transform::IMAGENET,
        weights: WeightSource::Hub { repository: "timm/regnetx_004_tv.tv2_in1k", file: "model.safetensors" },
        architecture: residual::regnet_x_400mf,
    },
];

impl BackboneRow {
    /// The row of this name.
    ///
    /// # Errors
    /// An unknown name, with the nearest known one.
    pub fn named(name: &str) -> Result<&'static Self, NnError> {
        let names = BACKBONES.iter().map(|row| row.name);
        let row = BACKBONES.iter().find(|row| row.name == name);
        row.ok_or_else(|| NnError::unknown("backbone", "backbones", name, names))
    }

    /// The names of what can be trained in each stage, from input to output: the layers that transfer methods freeze and
    /// release. [`Groups::of_trunk`](crate::nn::Groups::of_trunk) adds the head.
    pub fn layers(&self) -> Vec<Vec<String>> {
        let stages = (self.architecture)(Spelling::Torchvision).stage_parameters();
        let trained = |name: &String| !trunk::STATISTICS.iter().any(|end| name.ends_with(end));
        stages.into_iter().map(|stage| stage.into_iter().map(|(name, _)| name).filter(trained).collect()).collect()
    }

    /// Its weights: from `file` if one is named, else from where the row says.
    ///
    /// # Errors
    /// A file that cannot be read or fetched, or a row whose weights must be named.
    pub fn weights(&self, file: Option<&Path>) -> Result<Weights, NnError> {
        match (file, self.weights) {
            (Some(path), _) => Weights::read(path),
            (None, WeightSource::Embedded(bytes)) => {
                Weights::from_safetensors(bytes, format!("embedded weights of {}", self.name))
            }
            (None, WeightSource::Hub { repository, file }) => Weights::read(&hub::fetch(repository, file)?),
            (None, WeightSource::File) => Err(NnError::NoWeights { backbone: self.name }),
        }
    }
}
