//! The trained part: the upper stages of the backbone, and what reads their planes.

use std::ops::RangeInclusive;

use candle_core::Tensor;

use super::Pretrained;
use crate::nn::backbone::Trunk;
use crate::nn::model::first;
use crate::nn::onnx::{OnnxFacts, OnnxGraph};
use crate::nn::{LayerGroups, LearningRates, Mode, Model, Network, NnError, Output, Params};
use crate::systems::rotation::encodings::AngleHead;
use crate::systems::rotation::readout::{Reader, ReaderShape, Readout, write_code};

/// Channels to which the planes are reduced before a linear layer on all of them.
const WIDTH: usize = 128;

/// Factor on the learning rate of the backbone: it starts from trained values, the head from random ones.
const TRUNK_RATE: f64 = 0.3;

/// Upper stages and head.
pub(super) struct PhotoNet<'a> {
    pub pretrained: &'a Pretrained,
    /// Outputs of the last layer.
    pub outputs: usize,
    /// What reads the planes.
    pub readout: Readout,
}

impl PhotoNet<'_> {
    /// Names of the stages' parameters in order, then the head.
    pub fn groups(&self, params: &Params) -> LayerGroups {
        LayerGroups::of_trunk(self.pretrained.row.layers(), params)
    }

    /// Indices of the stages behind the constant ones.
    fn live(&self) -> RangeInclusive<usize> {
        use crate::nn::backbone::Backbone;
        let stages = self.pretrained.trunk.stages();
        let index = |name: &str| stages.iter().position(|stage| stage.name == name).unwrap_or(0);
        index(&self.pretrained.from) + 1..=index(&self.pretrained.to.name)
    }

    /// The groups that can be trained: the stages behind the constant ones, and the head.
    pub fn live_groups(&self, params: &Params) -> LayerGroups {
        let LayerGroups(mut groups) = self.groups(params);
        let head = groups.pop();
        LayerGroups(self.live().filter_map(|stage| groups.get(stage).cloned()).chain(head).collect())
    }

    /// The learning rates that train the stages behind the constant ones, or the head alone.
    pub fn learning_rates(&self, params: &Params, trains_stages: bool) -> LearningRates {
        let (groups, live) = (self.groups(params), self.live());
        let head = groups.len().saturating_sub(1);
        let factor = |group: usize| match group {
            group if group == head => 1.0,
            group if trains_stages && live.contains(&group) => TRUNK_RATE,
            _ => 0.0,
        };
        LearningRates::of_groups(&groups, (0..groups.len()).map(factor))
    }

    fn layers(&self, params: &mut Params) -> Result<Layers<'_>, NnError> {
        let pretrained = self.pretrained;
        let trunk = Trunk::on(params, pretrained.row, &pretrained.weights)?;
        let planes = (pretrained.to.channels, pretrained.pixels);
        let shape = ReaderShape { planes, reduced: Some(WIDTH), outputs: self.outputs };
        Ok(Layers { trunk, pretrained, reader: Reader::new(params, self.readout, shape)? })
    }

    /// The whole network as an ONNX file: pictures (batch, 3, size, size) with values from 0 to 255 to the code of an angle.
    ///
    /// # Errors
    /// A backbone with layers of a transformer.
    pub fn to_onnx(
        &self,
        params: &mut Params,
        head: &AngleHead,
        mut metadata: Vec<(&str, String)>,
    ) -> Result<Vec<u8>, NnError> {
        let Layers { trunk, pretrained, reader } = self.layers(params)?;
        let (size, transform) = (pretrained.size, pretrained.row.transform);
        let (mut graph, pictures) = OnnxGraph::new("pictures", &[3, size, size]);
        let normal = graph.normalised(&pictures, transform.mean, transform.deviation)?;
        let planes = trunk.write(&mut graph, &normal, (size, size), Some(&pretrained.to.name))?;
        let outputs = reader.write(&mut graph, &planes)?;
        let code = write_code(&mut graph, head, outputs);
        metadata.push(("encoding", head.name.into()));
        metadata.push(("angle in degrees, counter-clockwise", head.formula()));
        Ok(graph.file(&code, &OnnxFacts { name: "angle", output: ("code", head.width()), metadata }))
    }
}

struct Layers<'a> {
    trunk: Trunk,
    pretrained: &'a Pretrained,
    reader: Reader,
}

impl Model for PhotoNet<'_> {
    fn build<'a>(&'a self, params: &mut Params) -> Result<Box<dyn Network + 'a>, NnError> {
        Ok(Box::new(self.layers(params)?))
    }
}

impl Network for Layers<'_> {
    /// Inputs: what leaves the constant stages, (batch, channels, height, width).
    fn forward(&self, inputs: &[Tensor], mode: Mode) -> Result<Output, NnError> {
        let planes = self.trunk.between(first(inputs)?, &self.pretrained.from, &self.pretrained.to.name)?;
        let (features, logits) = self.reader.forward(&planes, mode)?;
        Ok(Output::new(features, logits))
    }
}
