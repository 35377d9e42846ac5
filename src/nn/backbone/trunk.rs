//! A network with its weights: the architecture's tree with tensors in it.

use candle_core::{Result as TensorResult, Tensor};
use candle_nn::ops::sigmoid;

use super::architecture::{Activation, Classifier, Convolution, Node, Offset, Sliding, Spelling, Stage};
use super::{Backbone, BackboneRow};
use crate::nn::layer::{conv2d, global_avg_pool, max_pool2d};
use crate::nn::{NnError, Weights};

/// A backbone of the table with its weights.
pub struct Trunk {
    row: &'static BackboneRow,
    stages: Vec<Stage>,
    nodes: Vec<Vec<Node<Layer>>>,
    scores: Scores,
    notice: Option<String>,
}

enum Scores {
    Linear {
        weight: Tensor,
        bias: Tensor,
    },
    PositiveMean,
    /// Weights without a classifier, or with another number of classes.
    Absent,
}

impl Trunk {
    /// Puts weights into a backbone. Variables among them make it trainable: it then computes with gradients.
    ///
    /// Weights may lack the classifier; [`Trunk::notice`] tells what was missing or left over.
    ///
    /// # Errors
    /// A tensor of the trunk that is missing or of another shape, named.
    pub fn new(row: &'static BackboneRow, weights: &Weights) -> Result<Self, NnError> {
        let architecture = (row.architecture)(Spelling::Torchvision);
        let renamed = respelled(row, weights);
        let weights = renamed.as_ref().unwrap_or(weights);
        let (trunk, classifier) = architecture.parameters();
        let fit = weights.fit(trunk.iter().chain(&classifier));
        if !weights.fit(&trunk).is_complete() {
            let (backbone, place) = (row.name, weights.place.clone());
            return Err(NnError::Weights { backbone, place, fit: Box::new(fit) });
        }
        let notice = (fit != Default::default()).then(|| format!("{} for {}: {fit}", weights.place, row.name));
        let scores = match architecture.classifier {
            Classifier::PositiveMean => Scores::PositiveMean,
            Classifier::Linear { .. } if !fit.is_complete() => Scores::Absent,
            Classifier::Linear { name, .. } => Scores::Linear {
                weight: present(weights, &format!("{name}.weight"))?,
                bias: present(weights, &format!("{name}.bias"))?,
            },
        };
        let (stages, nodes) = architecture.stages.into_iter().unzip::<_, _, Vec<_>, Vec<_>>();
        let fill = |nodes: Vec<Node<Convolution>>| -> Result<Vec<_>, NnError> {
            nodes.iter().map(|node| node.map(&mut |c| Layer::new(c, weights))).collect()
        };
        let nodes = nodes.into_iter().map(fill).collect::<Result<_, _>>()?;
        Ok(Self { row, stages, nodes, scores, notice })
    }

    /// What the weights lacked for the classifier or had too much, if anything.
    pub fn notice(&self) -> Option<&str> {
        self.notice.as_deref()
    }

    /// The output of the stages up to and with this one.
    fn through(&self, images: &Tensor, last: usize) -> Result<Tensor, NnError> {
        let nodes = self.nodes[..=last].iter().flatten();
        Ok(nodes.into_iter().try_fold(images.clone(), |x, node| node.forward(&x))?)
    }
}

impl Backbone for Trunk {
    fn card(&self) -> &'static BackboneRow {
        self.row
    }

    fn stages(&self) -> &[Stage] {
        &self.stages
    }

    fn features(&self, images: &Tensor) -> Result<Tensor, NnError> {
        Ok(global_avg_pool(&self.through(images, self.stages.len() - 1)?)?)
    }

    fn stage_output(&self, images: &Tensor, stage: &str) -> Result<Tensor, NnError> {
        let Some(last) = self.stages.iter().position(|s| s.name == stage) else {
            let names = self.stages.iter().map(|s| s.name.as_str());
            return Err(NnError::unknown("stage", "backbones", stage, names));
        };
        self.through(images, last)
    }

    fn logits(&self, images: &Tensor) -> Result<Tensor, NnError> {
        match &self.scores {
            Scores::Linear { weight, bias } => Ok(self.features(images)?.matmul(&weight.t()?)?.broadcast_add(bias)?),
            Scores::PositiveMean => Ok(global_avg_pool(&self.through(images, self.stages.len() - 1)?.relu()?)?),
            Scores::Absent => Err(NnError::NoClassifier { backbone: self.row.name }),
        }
    }
}

/// Weights in timm's spelling under our names; nothing if they are in another.
///
/// Both spellings list the same layers in the same order.
fn respelled(row: &BackboneRow, weights: &Weights) -> Option<Weights> {
    let [(theirs, their_classifier), (ours, our_classifier)] =
        [Spelling::Timm, Spelling::Torchvision].map(|spelling| (row.architecture)(spelling).parameters());
    weights.fit(&theirs).is_complete().then(|| {
        let names = theirs.iter().chain(&their_classifier).map(|(name, _)| name.clone());
        weights.renamed(names.zip(ours.iter().chain(&our_classifier).map(|(name, _)| name.clone())).collect())
    })
}

/// A tensor that [`Weights::fit`] has found.
fn present(weights: &Weights, name: &str) -> Result<Tensor, NnError> {
    weights.get(name).cloned().ok_or_else(|| NnError::File {
        path: weights.place.clone().into(),
        reason: format!("tensor {name} is missing"),
    })
}

/// A convolution with its tensors.
struct Layer {
    window: Sliding,
    groups: usize,
    activation: Activation,
    weight: Tensor,
    offset: Added,
}

enum Added {
    Bias(Tensor),
    Norm { weight: Tensor, bias: Tensor, mean: Tensor, variance: Tensor, epsilon: f64 },
}

impl Layer {
    fn new(c: &Convolution, weights: &Weights) -> Result<Self, NnError> {
        let tensor = |prefix: &str, part: &str| present(weights, &format!("{prefix}.{part}"));
        let offset = match &c.offset {
            Offset::Bias => Added::Bias(tensor(&c.name, "bias")?),
            Offset::Norm { name, epsilon } => Added::Norm {
                weight: tensor(name, "weight")?,
                bias: tensor(name, "bias")?,
                mean: tensor(name, "running_mean")?,
                variance: tensor(name, "running_var")?,
                epsilon: *epsilon,
            },
        };
        let weight = tensor(&c.name, "weight")?;
        Ok(Self { window: c.window, groups: c.groups, activation: c.activation, weight, offset })
    }

    fn forward(&self, x: &Tensor) -> TensorResult<Tensor> {
        let (_, _, height, width) = x.dims4()?;
        let window = self.window.over((height, width));
        let y = match &self.offset {
            Added::Bias(bias) => conv2d(x, &self.weight, Some(bias), window, self.groups)?,
            Added::Norm { weight, bias, mean, variance, epsilon } => {
                let scale = (weight / (variance + *epsilon)?.sqrt()?)?;
                let shift = (bias - (mean * &scale)?)?;
                let per_channel = |t: Tensor| t.reshape((1, (), 1, 1));
                conv2d(x, &self.weight, None, window, self.groups)?
                    .broadcast_mul(&per_channel(scale)?)?
                    .broadcast_add(&per_channel(shift)?)?
            }
        };
        self.activation.apply(&y)
    }
}

impl Activation {
    fn apply(self, x: &Tensor) -> TensorResult<Tensor> {
        match self {
            Activation::None => Ok(x.clone()),
            Activation::Relu => x.relu(),
            Activation::Relu6 => x.clamp(0f32, 6f32),
            Activation::Silu => x * sigmoid(x)?,
            Activation::Sigmoid => sigmoid(x),
        }
    }
}

impl Node<Layer> {
    fn forward(&self, x: &Tensor) -> TensorResult<Tensor> {
        match self {
            Node::Convolution(layer) => layer.forward(x),
            Node::MaxPool(window) => {
                let (_, _, height, width) = x.dims4()?;
                max_pool2d(x, window.over((height, width)))
            }
            Node::Excite { squeeze, expand } => {
                let means = x.mean_keepdim((2, 3))?;
                x.broadcast_mul(&expand.forward(&squeeze.forward(&means)?)?)
            }
            Node::Residual { body, shortcut, activation } => {
                let long = body.iter().try_fold(x.clone(), |x, node| node.forward(&x))?;
                let short = shortcut.as_ref().map_or_else(|| Ok(x.clone()), |layer| layer.forward(x))?;
                activation.apply(&(long + short)?)
            }
            Node::Concat(branches) => {
                Tensor::cat(&branches.iter().map(|layer| layer.forward(x)).collect::<TensorResult<Vec<_>>>()?, 1)
            }
        }
    }
}
