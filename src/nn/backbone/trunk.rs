//! A network with its weights: the architecture's tree with tensors in it.

use std::sync::{Arc, Mutex};

use candle_core::{DType, Tensor};

use super::architecture::{Architecture, Classifier, Convolution, Node, Parameter, Spelling, Stage, Tokens};
use super::frozen::{Cut, Frozen};
use super::live::{Layer, Watch};
use super::tokens::rollout;
use super::{Backbone, BackboneRow, Network};
use crate::nn::init::Init;
use crate::nn::layer::global_avg_pool;
use crate::nn::onnx::{OnnxGraph, OnnxValue};
use crate::nn::{NnError, Params, Weights};

/// A backbone of the table with its weights.
pub struct Trunk {
    row: &'static BackboneRow,
    stages: Vec<Stage>,
    nodes: Vec<Vec<Node<Layer>>>,
    scores: Scores,
    notice: Option<String>,
    /// Layer by layer: with gradients, or with layers that are not packed.
    runs_live: bool,
    /// Packed when first run, for the image size and output of the last run.
    frozen: Mutex<Option<Arc<Frozen>>>,
}

/// Ends of the names of what batch normalisation measures.
pub(super) const STATISTICS: [&str; 2] = ["running_mean", "running_var"];

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
    /// Weights may lack the classifier; [`Trunk::notice`] names what was missing or left over.
    ///
    /// # Errors
    /// A tensor of the trunk that is missing or of another shape, named.
    pub fn new(row: &'static BackboneRow, weights: &Weights) -> Result<Self, NnError> {
        let layers = layers(row)?;
        let architecture = layers(Spelling::Torchvision);
        let renamed = respelled(layers, weights);
        let weights = renamed.as_ref().unwrap_or(weights);
        let (trunk, classifier) = architecture.parameters();
        let fit = weights.matching(trunk.iter().chain(&classifier));
        if !weights.matching(&trunk).is_complete() {
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
            nodes.iter().map(|node| filled(node, weights)).collect()
        };
        let nodes: Vec<Vec<Node<Layer>>> = nodes.into_iter().map(fill).collect::<Result<_, _>>()?;
        let trainable = weights.iter().any(|(_, tensor)| tensor.track_op());
        let is_packable = !nodes.iter().flatten().any(|node: &Node<Layer>| matches!(node, Node::Tokens(_)));
        let runs_live = trainable || !is_packable;
        Ok(Self { row, stages, nodes, scores, notice, runs_live, frozen: Mutex::default() })
    }

    /// A backbone to be trained: its tensors become parameters of `params`, named as torchvision names them and starting
    /// as `weights`, or are taken from there if they exist. What the learning rates freeze is a constant of the trunk.
    /// A trunk that is frozen whole runs packed.
    ///
    /// # Errors
    /// As [`Trunk::new`], or if `params` hold other shapes or are not f32.
    pub fn on(params: &mut Params, row: &'static BackboneRow, weights: &Weights) -> Result<Self, NnError> {
        if params.dtype() != DType::F32 {
            let reason = "backbones compute in f32";
            return Err(NnError::Setting { field: "dtype", value: format!("{:?}", params.dtype()), reason });
        }
        let layers = layers(row)?;
        let renamed = respelled(layers, weights);
        let weights = renamed.as_ref().unwrap_or(weights);
        let (trunk, _) = layers(Spelling::Torchvision).parameters();
        let fit = weights.matching(&trunk);
        if !fit.is_complete() {
            let (backbone, place) = (row.name, weights.place.clone());
            return Err(NnError::Weights { backbone, place, fit: Box::new(fit) });
        }
        Self::new(row, &as_parameters(params, &trunk, weights)?)
    }

    /// What the weights lacked for the classifier or had too much, if anything.
    pub fn notice(&self) -> Option<&str> {
        self.notice.as_deref()
    }

    /// What leaves the stage `to` if `planes` (batch, channels, height, width) leave the stage `from` before it. With
    /// planes that were computed once, the stages above can be trained without those below.
    ///
    /// # Errors
    /// If there are no such stages in this order, or the planes do not fit.
    pub fn between(&self, planes: &Tensor, from: &str, to: &str) -> Result<Tensor, NnError> {
        let (first, last) = (self.stage_index(from)?, self.stage_index(to)?);
        if first >= last {
            let reason = "the stage that planes leave must lie before the one that is asked for";
            return Err(NnError::Setting { field: "stage", value: from.into(), reason });
        }
        Ok(self.nodes[first + 1..=last]
            .iter()
            .flatten()
            .try_fold(planes.clone(), |x, node| node.forward(&x, &mut ()))?)
    }

    /// The stages up to `to`, all without one, on pictures (batch, 3, height, width) of an ONNX graph, transformed as for
    /// [`Backbone::features`]. Pictures have `size` (height, width).
    ///
    /// # Errors
    /// A transformer, an unknown stage, or pictures that are too small.
    pub fn write(
        &self,
        graph: &mut OnnxGraph,
        pictures: &OnnxValue,
        mut size: (usize, usize),
        to: Option<&str>,
    ) -> Result<OnnxValue, NnError> {
        let last = to.map_or(Ok(self.stages.len() - 1), |stage| self.stage_index(stage))?;
        let mut nodes = self.nodes[..=last].iter().flatten();
        nodes.try_fold(pictures.clone(), |x, node| node.write(graph, &x, &mut size))
    }

    fn stage_index(&self, stage: &str) -> Result<usize, NnError> {
        let names = self.stages.iter().map(|s| s.name.as_str());
        let place = self.stages.iter().position(|s| s.name == stage);
        place.ok_or_else(|| NnError::unknown("stage", "backbones", stage, names))
    }

    fn run(&self, images: &Tensor, cut: Cut) -> Result<Tensor, NnError> {
        if self.runs_live {
            let last = if let Cut::Stage(stage) = cut { stage } else { self.stages.len() - 1 };
            let planes =
                self.nodes[..=last].iter().flatten().try_fold(images.clone(), |x, node| node.forward(&x, &mut ()))?;
            return Ok(if cut == Cut::Features { global_avg_pool(&planes)? } else { planes });
        }
        let (_, _, height, width) = images.dims4()?;
        Ok(self.packed((height, width), cut)?.run(images)?)
    }

    fn packed(&self, size: (usize, usize), cut: Cut) -> Result<Arc<Frozen>, NnError> {
        // What is kept is replaced whole, so a panic elsewhere cannot have left it half made.
        let mut kept = self.frozen.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(frozen) = kept.as_ref().filter(|frozen| (frozen.size, frozen.cut) == (size, cut)) {
            return Ok(frozen.clone());
        }
        let frozen = Arc::new(Frozen::new(&self.nodes, size, cut)?);
        *kept = Some(frozen.clone());
        Ok(frozen)
    }

    fn last(&self) -> Cut {
        Cut::Stage(self.stages.len() - 1)
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
        self.run(images, Cut::Features)
    }

    fn stage_output(&self, images: &Tensor, stage: &str) -> Result<Tensor, NnError> {
        self.run(images, Cut::Stage(self.stage_index(stage)?))
    }

    fn attention_rollout(&self, images: &Tensor) -> Result<Option<Tensor>, NnError> {
        struct Keep(Vec<Tensor>);
        impl Watch for Keep {
            fn attention(&mut self, weights: &Tensor) {
                self.0.push(weights.detach());
            }
        }
        let attends =
            |node: &Node<Layer>| matches!(node, Node::Tokens(own) if matches!(own.kind, Tokens::Encoder { .. }));
        if !self.nodes.iter().flatten().any(attends) {
            return Ok(None);
        }
        let mut keep = Keep(Vec::new());
        self.nodes.iter().flatten().try_fold(images.clone(), |x, node| node.forward(&x, &mut keep))?;
        Ok(Some(rollout(&keep.0)?))
    }

    fn logits(&self, images: &Tensor) -> Result<Tensor, NnError> {
        match &self.scores {
            Scores::Linear { weight, bias } => Ok(self.features(images)?.matmul(&weight.t()?)?.broadcast_add(bias)?),
            Scores::PositiveMean => Ok(global_avg_pool(&self.run(images, self.last())?.relu()?)?),
            Scores::Absent => Err(NnError::NoClassifier { backbone: self.row.name }),
        }
    }
}

/// A piece of a trunk with its tensors.
pub(super) fn filled(node: &Node<Convolution>, weights: &Weights) -> Result<Node<Layer>, NnError> {
    match node {
        Node::Tokens(layer) => Ok(Node::Tokens(layer.with(|name| present(weights, name))?)),
        other => other.map(&mut |c| Layer::new(c, weights)),
    }
}

/// These tensors as parameters of `params`, which start as `weights` if they do not exist yet.
pub(super) fn as_parameters(params: &mut Params, needed: &[Parameter], weights: &Weights) -> Result<Weights, NnError> {
    let mut tensors = Vec::new();
    for (name, shape) in needed {
        let is_new = params.find(name).is_none();
        let tensor = if STATISTICS.iter().any(|end| name.ends_with(end)) {
            params.statistic(name, shape, start(name, shape))?.as_detached_tensor()
        } else {
            params.get(name, shape, start(name, shape))?
        };
        if let (true, Some(var), Some(values)) = (is_new, params.find(name), weights.get(name)) {
            var.set(values)?;
        }
        tensors.push((name.clone(), tensor));
    }
    Weights::new(tensors, weights.place.clone())
}

/// What a tensor of this name starts from in a network without pretrained weights: kernels as PyTorch's, a normalisation
/// that changes nothing.
fn start(name: &str, shape: &[usize]) -> Init {
    match (shape.len(), name.ends_with("weight") || name.ends_with(STATISTICS[1])) {
        (1, is_factor) => Init::Constant(if is_factor { 1.0 } else { 0.0 }),
        _ => Init::fan_in(shape[1..].iter().product()),
    }
}

pub(super) fn layers(row: &BackboneRow) -> Result<fn(Spelling) -> Architecture, NnError> {
    match row.network {
        Network::Layers(layers) => Ok(layers),
        Network::OnnxFile => {
            let reason = "its layers are in the file: open the backbone from it";
            Err(NnError::Setting { field: "backbone", value: row.name.into(), reason })
        }
    }
}

/// Weights in timm's spelling under our names; nothing if they are in another.
///
/// Both spellings list the same layers in the same order.
pub(super) fn respelled(layers: fn(Spelling) -> Architecture, weights: &Weights) -> Option<Weights> {
    let [(theirs, their_classifier), (ours, our_classifier)] =
        [Spelling::Timm, Spelling::Torchvision].map(|spelling| layers(spelling).parameters());
    weights.matching(&theirs).is_complete().then(|| {
        let names = theirs.iter().chain(&their_classifier).map(|(name, _)| name.clone());
        weights.renamed(names.zip(ours.iter().chain(&our_classifier).map(|(name, _)| name.clone())).collect())
    })
}

/// A tensor that [`Weights::fit`] has found.
pub(super) fn present(weights: &Weights, name: &str) -> Result<Tensor, NnError> {
    weights.get(name).cloned().ok_or_else(|| NnError::File {
        path: weights.place.clone().into(),
        reason: format!("tensor {name} is missing"),
    })
}
