//! The last stages of a backbone, trained on planes that the stages below them computed once.

use candle_core::{DType, Result as TensorResult, Tensor};

use super::BackboneRow;
use super::architecture::{Architecture, Node, Parameter, Spelling};
use super::live::{Layer, Watch};
use super::trunk::{as_parameters, filled, layers, respelled};
use crate::nn::layer::global_avg_pool;
use crate::nn::{NnError, Params, Weights};

/// The last stages of a backbone. Frozen stages below them need not be computed in every step: their planes are what these
/// stages read.
pub struct TopStages {
    stages: Vec<Vec<Node<Layer>>>,
}

/// The tensors of batch normalisation, measured: name of the mean or of the variance, value (channels).
pub type Statistics = Vec<(String, Tensor)>;

impl TopStages {
    /// The stages from `first` (from 0, the input) on. Their tensors become parameters of `params` as by
    /// [`Trunk::on`](super::Trunk::on).
    ///
    /// # Errors
    /// A backbone without so many stages or whose layers are in a file, a tensor that `weights` lack.
    pub fn on(
        params: &mut Params,
        row: &'static BackboneRow,
        weights: &Weights,
        first: usize,
    ) -> Result<Self, NnError> {
        let layers = layers(row)?;
        let renamed = respelled(layers, weights);
        let weights = renamed.as_ref().unwrap_or(weights);
        let architecture = layers(Spelling::Torchvision);
        let needed: Vec<Parameter> = architecture.stage_parameters().into_iter().skip(first).flatten().collect();
        if needed.is_empty() {
            let reason = "the backbone has no stage that high";
            return Err(NnError::Setting { field: "first stage", value: first.to_string(), reason });
        }
        let fit = weights.matching(&needed);
        if !fit.is_complete() {
            let (backbone, place) = (row.name, weights.place.clone());
            return Err(NnError::Weights { backbone, place, fit: Box::new(fit) });
        }
        let weights = as_parameters(params, &needed, weights)?;
        let mut stages = Vec::new();
        for (_, nodes) in architecture.stages.iter().skip(first) {
            let filled = nodes.iter().map(|node| filled(node, &weights));
            stages.push(filled.collect::<Result<_, _>>()?);
        }
        Ok(Self { stages })
    }

    /// All stages of an architecture, without pretrained weights: its tensors become parameters of `params`, which start from
    /// random values if they do not exist yet, and are named as in torchvision. They read pictures.
    ///
    /// # Errors
    /// If `params` hold other shapes.
    pub fn untrained(params: &mut Params, architecture: &Architecture) -> Result<Self, NnError> {
        let needed: Vec<Parameter> = architecture.stage_parameters().into_iter().flatten().collect();
        let none = Weights::new(Vec::<(String, Tensor)>::new(), "initial values".into())?;
        let weights = as_parameters(params, &needed, &none)?;
        let fill = |nodes: &Vec<Node<_>>| nodes.iter().map(|node| filled(node, &weights)).collect();
        Ok(Self { stages: architecture.stages.iter().map(|(_, nodes)| fill(nodes)).collect::<Result<_, _>>()? })
    }

    /// (batch, width): the means of the last stage's planes, of planes (batch, channels, height, width) that leave the
    /// stage below.
    ///
    /// # Errors
    /// If the planes have another shape.
    pub fn features(&self, planes: &Tensor) -> Result<Tensor, NnError> {
        Ok(self.watched(planes, &mut ())?)
    }

    /// What leaves each layer that rectifies (ReLU, ReLU6), (batch, channels, height, width), or GELU inside an encoder,
    /// (batch, hidden, tokens), from input to output. Layers without such an activation have no units that can be dormant.
    ///
    /// # Errors
    /// As [`features`](Self::features).
    pub fn rectified(&self, planes: &Tensor) -> Result<Vec<Tensor>, NnError> {
        Ok(self.features_and_units(planes)?.1)
    }

    /// [`features`](Self::features), with gradients, and [`rectified`](Self::rectified) of one pass.
    ///
    /// # Errors
    /// As [`features`](Self::features).
    pub fn features_and_units(&self, planes: &Tensor) -> Result<(Tensor, Vec<Tensor>), NnError> {
        struct Keep(Vec<Tensor>);
        impl Watch for Keep {
            fn rectified(&mut self, output: &Tensor) {
                self.0.push(output.detach());
            }
        }
        let mut keep = Keep(Vec::new());
        let features = self.watched(planes, &mut keep)?;
        Ok((features, keep.0))
    }

    /// Mean and variance of every normalisation over these planes, each measured with those before it in place: what the
    /// running statistics would be for these weights and these pictures. Empty for a backbone without normalisation.
    ///
    /// # Errors
    /// As [`features`](Self::features).
    pub fn statistics(&self, planes: &Tensor) -> Result<Statistics, NnError> {
        struct Measure(Statistics);
        impl Watch for Measure {
            fn statistics(&mut self, norm: &str, sums: &Tensor) -> TensorResult<Option<[Tensor; 2]>> {
                let by_channel = sums.detach().transpose(0, 1)?.flatten_from(1)?.to_dtype(DType::F64)?;
                let mean = by_channel.mean(1)?;
                // Unbiased, as PyTorch's running variance; of a single value it is 0.
                let count = by_channel.dim(1)? as f64;
                let squares = by_channel.broadcast_sub(&mean.unsqueeze(1)?)?.sqr()?.sum(1)?;
                let variance = (squares / (count - 1.0).max(1.0))?;
                let [mean, variance] = [mean, variance].map(|tensor| tensor.to_dtype(DType::F32));
                let (mean, variance) = (mean?, variance?);
                self.0.push((format!("{norm}.running_mean"), mean.clone()));
                self.0.push((format!("{norm}.running_var"), variance.clone()));
                Ok(Some([mean, variance]))
            }
        }
        let mut measure = Measure(Vec::new());
        self.watched(planes, &mut measure)?;
        Ok(measure.0)
    }

    /// What leaves the last stage, (batch, channels, height, width), with gradients.
    ///
    /// # Errors
    /// As [`features`](Self::features).
    pub fn last_planes(&self, planes: &Tensor) -> Result<Tensor, NnError> {
        Ok(self.all(planes, &mut ())?)
    }

    fn watched(&self, planes: &Tensor, watch: &mut dyn Watch) -> TensorResult<Tensor> {
        global_avg_pool(&self.all(planes, watch)?)
    }

    fn all(&self, planes: &Tensor, watch: &mut dyn Watch) -> TensorResult<Tensor> {
        self.stages.iter().flatten().try_fold(planes.clone(), |x, node| node.forward(&x, watch))
    }
}
