//! A trunk as nodes of an ONNX graph, for pictures of one size.

use candle_core::Tensor;

use super::architecture::Node;
use super::live::{Added, Layer};
use crate::nn::NnError;
use crate::nn::onnx::{OnnxGraph, OnnxValue};

impl Layer {
    /// On planes of these (height, width), which become those of its output.
    fn write(&self, graph: &mut OnnxGraph, x: &OnnxValue, plane: &mut (usize, usize)) -> Result<OnnxValue, NnError> {
        let sums = self.write_sums(graph, x, plane)?;
        Ok(graph.activation(self.activation, sums))
    }

    /// Before the activation. Batch normalisation is folded into the kernel.
    fn write_sums(
        &self,
        graph: &mut OnnxGraph,
        x: &OnnxValue,
        plane: &mut (usize, usize),
    ) -> Result<OnnxValue, NnError> {
        let window = self.window.over(*plane);
        *plane = window.output(*plane)?;
        let (weight, bias): (Tensor, Tensor) = match &self.offset {
            Added::Bias(bias) => (self.weight.clone(), bias.clone()),
            Added::Norm { weight, bias, mean, variance, epsilon, .. } => {
                let scale = (weight / (variance + *epsilon)?.sqrt()?)?;
                let shift = (bias - (mean * &scale)?)?;
                (self.weight.broadcast_mul(&scale.reshape(((), 1, 1, 1))?)?, shift)
            }
        };
        graph.convolution(x, (&weight, Some(&bias)), &window, self.groups)
    }
}

impl Node<Layer> {
    /// On planes of these (height, width), which become those of its output.
    ///
    /// # Errors
    /// A layer of a transformer, or a window that does not fit.
    pub(super) fn write(
        &self,
        graph: &mut OnnxGraph,
        x: &OnnxValue,
        plane: &mut (usize, usize),
    ) -> Result<OnnxValue, NnError> {
        match self {
            Node::Convolution(layer) => layer.write(graph, x, plane),
            Node::MaxPool(sliding) => {
                let window = sliding.over(*plane);
                *plane = window.output(*plane)?;
                Ok(graph.max_pool(x, &window))
            }
            Node::Excite { squeeze, expand } => {
                let means = graph.node("GlobalAveragePool", &[x], &[]);
                let mut one = (1, 1);
                let narrow = squeeze.write(graph, &means, &mut one)?;
                let factors = expand.write(graph, &narrow, &mut one)?;
                Ok(graph.node("Mul", &[x, &factors], &[]))
            }
            Node::Residual { body, last, shortcut } => {
                let (mut inside, mut start) = (x.clone(), *plane);
                for node in body {
                    inside = node.write(graph, &inside, plane)?;
                }
                let long = last.write_sums(graph, &inside, plane)?;
                let short = match shortcut {
                    Some(layer) => layer.write(graph, x, &mut start)?,
                    None => x.clone(),
                };
                let sum = graph.node("Add", &[&long, &short], &[]);
                Ok(graph.activation(last.activation, sum))
            }
            Node::Concat(branches) => {
                let start = *plane;
                let mut all = Vec::new();
                for layer in branches {
                    *plane = start;
                    all.push(layer.write(graph, x, plane)?);
                }
                let all: Vec<&OnnxValue> = all.iter().collect();
                Ok(graph.node("Concat", &all, &[("axis", crate::nn::onnx::OnnxAttribute::Int(1))]))
            }
            Node::Tokens(_) => {
                let reason =
                    "layers of vision transformers are not written to ONNX files; export a convolutional network";
                Err(NnError::Setting { field: "backbone", value: "a vision transformer".into(), reason })
            }
        }
    }
}
