//! Backbones: pretrained networks that turn pictures into features. One row each.
//!
//! * [`BACKBONES`]: the table. A row's architecture is data ([`architecture`]). Nothing else is written per network.
//! * [`Trunk`]: a row with weights in it. `OnnxFile` (feature `onnx`): any network in an ONNX file.
//! * [`TopStages`]: the last stages of one, trained on what the stages below made of each picture.
//! * [`extract`]: the features of many pictures, kept on disk. [`grad_cam`]: where on a picture a score comes from.

pub mod architecture;
mod extract;
mod frozen;
pub mod grad_cam;
mod inverted;
mod live;
#[cfg(feature = "onnx")]
mod onnx;
mod residual;
mod squeezenet;
mod tokens;
mod top;
pub mod transformers;
mod trunk;
mod write;

use std::path::Path;

use candle_core::Tensor;

pub use architecture::Stage;
pub use extract::{Extracted, extract};
#[cfg(feature = "onnx")]
pub use onnx::OnnxFile;
pub use top::TopStages;
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
    /// What pictures go through first.
    fn transform(&self) -> Transform {
        self.card().transform
    }
    /// Where it can be cut, from input to output.
    fn stages(&self) -> &[Stage];
    /// (batch, width): the mean of each plane of the last stage; of a ViT its class token.
    ///
    /// # Errors
    /// If the images have another shape, or are too small for the network.
    fn features(&self, images: &Tensor) -> Result<Tensor, NnError>;
    /// (batch, channels, height / stride, width / stride): what leaves the stage of this name.
    ///
    /// # Errors
    /// As [`features`](Self::features), or if there is no such stage.
    fn stage_output(&self, images: &Tensor, stage: &str) -> Result<Tensor, NnError>;
    /// (batch, patches): what the class token is made of, by the attention of every layer (Abnar & Zuidema 2020,
    /// arXiv:2005.00928); `None` of a network without attention of all tokens to all.
    ///
    /// # Errors
    /// As [`features`](Self::features).
    fn attention_rollout(&self, _images: &Tensor) -> Result<Option<Tensor>, NnError> {
        Ok(None)
    }
    /// (batch, classes) of the classifier it was pretrained with.
    ///
    /// # Errors
    /// As [`features`](Self::features), or if its weights came without the classifier.
    fn logits(&self, images: &Tensor) -> Result<Tensor, NnError>;
}

/// Where a backbone's weights come from unless a file is named.
#[derive(Clone, Copy, Debug)]
pub enum WeightSource {
    /// A safetensors file inside the program: its even bytes, then its odd bytes. In half precision the odd ones hold the
    /// exponents, which alone compress well, so that the package stays below the 10 MiB of the registry.
    Embedded(&'static [u8]),
    /// A file of a model on the Hugging Face hub.
    Hub {
        /// "owner/name".
        repository: &'static str,
        /// Path in the repository.
        file: &'static str,
        /// Which revision and contents it must have. A file without one is not downloaded.
        pin: Option<hub::Pin>,
    },
    /// Only from a file the user names.
    File,
}

/// What a backbone's layers are.
#[derive(Clone, Copy, Debug)]
pub enum Network {
    /// Data of ours, weights from a file of tensors.
    Layers(fn(Spelling) -> Architecture),
    /// Whatever an ONNX file holds, weights included.
    OnnxFile,
}

/// A kind of backbone.
#[derive(Debug)]
pub struct BackboneRow {
    /// Name in specs.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// Width of its features; `None` where only a file decides it.
    pub width: Option<usize>,
    /// What pictures go through first.
    pub transform: Transform,
    /// Where its weights come from.
    pub weights: WeightSource,
    /// Its layers.
    pub network: Network,
}

/// Every backbone.
pub static BACKBONES: &[BackboneRow] = &[
    BackboneRow {
        name: "efficientnet_lite0",
        doc: "EfficientNet-Lite0: small, made for phones; its weights are inside the program",
        width: Some(1280),
        transform: Transform::LITE,
        weights: WeightSource::Embedded(qgraft_weights::EFFICIENTNET_LITE0),
        network: Network::Layers(inverted::efficientnet_lite0),
    },
    BackboneRow {
        name: "squeezenet1_1",
        doc: "SqueezeNet 1.1: 1.2 million weights; its features are the class planes' means",
        width: Some(1000),
        transform: Transform::IMAGENET,
        weights: WeightSource::File,
        network: Network::Layers(squeezenet::squeezenet1_1),
    },
    BackboneRow {
        name: "resnet18",
        doc: "ResNet-18: the usual trunk of hybrid transfer learning since Mari et al. 2020",
        width: Some(512),
        transform: Transform::IMAGENET,
        weights: WeightSource::Hub {
            repository: "timm/resnet18.tv_in1k",
            file: "model.safetensors",
            pin: Some(hub::Pin {
                revision: "bbd144b3e5565108aad885f145491d11bc6ce807",
                sha256: "694f673df6520a3158624e8a89af086f59923ee4cd7436fe5bc3bc71d295ad81",
            }),
        },
        network: Network::Layers(residual::resnet18),
    },
    BackboneRow {
        name: "mobilenet_v2",
        doc: "MobileNetV2: inverted residuals with linear bottlenecks",
        width: Some(1280),
        transform: Transform::IMAGENET,
        weights: WeightSource::Hub { repository: "timm/mobilenetv2_100.ra_in1k", file: "model.safetensors", pin: None },
        network: Network::Layers(inverted::mobilenet_v2),
    },
    BackboneRow {
        name: "efficientnet_b0",
        doc: "EfficientNet-B0: inverted residuals with squeeze-and-excitation",
        width: Some(1280),
        transform: Transform::IMAGENET,
        weights: WeightSource::Hub { repository: "timm/efficientnet_b0.ra_in1k", file: "model.safetensors", pin: None },
        network: Network::Layers(inverted::efficientnet_b0),
    },
    BackboneRow {
        name: "regnet_x_400mf",
        doc: "RegNetX-400MF: grouped residual blocks from a regular design space",
        width: Some(400),
        transform: Transform::IMAGENET,
        weights: WeightSource::Hub { repository: "timm/regnetx_004_tv.tv2_in1k", file: "model.safetensors", pin: None },
        network: Network::Layers(residual::regnet_x_400mf),
    },
    BackboneRow {
        name: "vit_b_16",
        doc: "ViT-B/16: a vision transformer of 86 million weights; its features are the class token",
        width: Some(768),
        transform: Transform::IMAGENET,
        weights: WeightSource::File,
        network: Network::Layers(transformers::vit_b_16),
    },
    BackboneRow {
        name: "vit_small",
        doc: "a vision transformer of 2.7 million weights: a quarter of the width and half of the depth of ViT-B/16",
        width: Some(192),
        transform: Transform::IMAGENET,
        weights: WeightSource::File,
        network: Network::Layers(transformers::vit_small),
    },
    BackboneRow {
        name: "swin_t",
        doc: "Swin-T: a transformer with attention inside shifted windows, 28 million weights",
        width: Some(768),
        // torchvision's weights were evaluated on pictures of 232 pixels.
        transform: Transform { resize: 232, ..Transform::IMAGENET },
        weights: WeightSource::File,
        network: Network::Layers(transformers::swin_t),
    },
    BackboneRow {
        name: "onnx",
        doc: "any network in an ONNX file (`--weights FILE.onnx`, a build with `--features onnx`): its first output",
        width: None,
        transform: Transform::IMAGENET,
        weights: WeightSource::File,
        network: Network::OnnxFile,
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
    /// release. [`LayerGroups::of_trunk`](crate::nn::LayerGroups::of_trunk) adds the head. None where a file holds the
    /// layers, which cannot be trained.
    pub fn layers(&self) -> Vec<Vec<String>> {
        let Network::Layers(layers) = self.network else { return Vec::new() };
        let stages = layers(Spelling::Torchvision).stage_parameters();
        let trained = |name: &String| !trunk::STATISTICS.iter().any(|end| name.ends_with(end));
        stages.into_iter().map(|stage| stage.into_iter().map(|(name, _)| name).filter(trained).collect()).collect()
    }

    /// Whether its weights need not be named: they are inside the program, or it can fetch them.
    pub fn is_at_hand(&self) -> bool {
        match self.weights {
            WeightSource::Embedded(_) => true,
            WeightSource::Hub { .. } => cfg!(feature = "hub"),
            WeightSource::File => false,
        }
    }

    /// The backbone with its weights, from `file` if one is named, and a hash of all that its features depend on.
    ///
    /// # Errors
    /// As [`BackboneRow::weights`] and [`Trunk::new`]; an ONNX file that cannot be read, or a program built without the
    /// feature `onnx`.
    pub fn open(&'static self, file: Option<&Path>) -> Result<(Box<dyn Backbone>, [u8; 32]), NnError> {
        match self.network {
            Network::Layers(_) => {
                let weights = self.weights(file)?;
                Ok((Box::new(Trunk::new(self, &weights)?), weights.digest()?))
            }
            Network::OnnxFile => {
                let path = file.ok_or(NnError::NoWeights { backbone: self.name, kind: "an ONNX file (.onnx)" })?;
                open_onnx(self, path)
            }
        }
    }

    /// [`BackboneRow::weights`] under the names that its parameters have when it is trained.
    ///
    /// # Errors
    /// As [`BackboneRow::weights`].
    pub fn trainable_weights(&self, file: Option<&Path>) -> Result<Weights, NnError> {
        let weights = self.weights(file)?;
        let Network::Layers(layers) = self.network else { return Ok(weights) };
        Ok(trunk::respelled(layers, &weights).unwrap_or(weights))
    }

    /// Its weights: from `file` if one is named, else from the source that the row names.
    ///
    /// # Errors
    /// A file that cannot be read or fetched, or a row whose weights must be named.
    pub fn weights(&self, file: Option<&Path>) -> Result<Weights, NnError> {
        match (file, self.weights) {
            (Some(path), _) => Weights::read(path),
            (None, WeightSource::Embedded(bytes)) => {
                let (even, odd) = bytes.split_at(bytes.len() / 2);
                let bytes: Vec<u8> = even.iter().zip(odd).flat_map(|(even, odd)| [*even, *odd]).collect();
                Weights::from_safetensors(&bytes, format!("embedded weights of {}", self.name))
            }
            (None, WeightSource::Hub { repository, file, pin }) => Weights::read(&hub::fetch(repository, file, pin)?),
            (None, WeightSource::File) => Err(NnError::NoWeights {
                backbone: self.name,
                kind: "a weight file with torchvision's names (.safetensors or .pth)",
            }),
        }
    }
}

#[cfg(feature = "onnx")]
fn open_onnx(row: &'static BackboneRow, path: &Path) -> Result<(Box<dyn Backbone>, [u8; 32]), NnError> {
    let (network, digest) = OnnxFile::read(row, path)?;
    Ok((Box::new(network), digest))
}

#[cfg(not(feature = "onnx"))]
fn open_onnx(_: &'static BackboneRow, path: &Path) -> Result<(Box<dyn Backbone>, [u8; 32]), NnError> {
    let reason = "this program was built without the feature `onnx`; build it with `--features onnx`".to_string();
    Err(NnError::File { path: path.into(), reason })
}
