//! A network as an ONNX file, written node by node (github.com/onnx/onnx, docs/Operators.md; field numbers of
//! onnx/onnx.proto). Layers write themselves into an [`OnnxGraph`]; reading is [`OnnxFile`](crate::nn::backbone)'s.

use candle_core::{DType, Tensor};

use crate::data::protobuf::Message;
use crate::nn::NnError;
use crate::nn::layer::{Activation, Window};

/// Version of the format and of the set of operators; layer normalisation is an operator from 17 on.
const FORMAT: i64 = 8;
const OPERATORS: i64 = 17;

/// Types of elements of tensors.
const FLOAT: i64 = 1;
const INT64: i64 = 7;

/// Types of attributes.
const OF_FLOAT: i64 = 1;
const OF_INT: i64 = 2;
const OF_INTS: i64 = 7;

/// A value of the graph by its name: an input, a constant, or what a node puts out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnnxValue(String);

/// A number or numbers that belong to a node.
#[derive(Clone, Debug, PartialEq)]
pub enum OnnxAttribute {
    /// One whole number.
    Int(i64),
    /// Whole numbers.
    Ints(Vec<i64>),
    /// One number.
    Float(f64),
}

use OnnxAttribute::{Float, Int, Ints};

/// What an ONNX file holds besides its nodes.
#[derive(Clone, Debug, Default)]
pub struct OnnxFacts<'a> {
    /// Name of the graph.
    pub name: &'a str,
    /// Its output and the values of a row of it.
    pub output: (&'a str, usize),
    /// Entries of the metadata.
    pub metadata: Vec<(&'a str, String)>,
}

/// A graph of single-precision tensors with one input, whose first dimension is the batch.
pub struct OnnxGraph {
    input: Message,
    nodes: Vec<Message>,
    constants: Vec<Message>,
    values: usize,
}

impl OnnxGraph {
    /// A graph without nodes and its input (batch, `shape`…) of this name.
    pub fn new(input: &str, shape: &[usize]) -> (Self, OnnxValue) {
        let graph = Self { input: described(input, shape), nodes: Vec::new(), constants: Vec::new(), values: 0 };
        (graph, OnnxValue(input.into()))
    }

    fn name(&mut self) -> OnnxValue {
        self.values += 1;
        OnnxValue(format!("v{}", self.values))
    }

    /// A constant, in single precision.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn constant(&mut self, tensor: &Tensor) -> Result<OnnxValue, NnError> {
        let values = tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
        let bytes: Vec<u8> = values.into_iter().flat_map(f32::to_le_bytes).collect();
        Ok(self.stored(FLOAT, tensor.dims(), &bytes))
    }

    /// A constant number without dimensions.
    pub fn number(&mut self, value: f64) -> OnnxValue {
        self.stored(FLOAT, &[], &(value as f32).to_le_bytes())
    }

    /// A constant list of whole numbers, such as a shape.
    pub fn whole_numbers(&mut self, values: &[i64]) -> OnnxValue {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.stored(INT64, &[values.len()], &bytes)
    }

    fn stored(&mut self, of: i64, dims: &[usize], bytes: &[u8]) -> OnnxValue {
        let name = self.name();
        let tensor = Message::default().ints(1, dims.iter().map(|side| *side as i64)).int(2, of).text(8, &name.0);
        self.constants.push(tensor.bytes(9, bytes));
        name
    }

    /// What an operator of the standard set makes of values.
    pub fn node(&mut self, operator: &str, inputs: &[&OnnxValue], facts: &[(&str, OnnxAttribute)]) -> OnnxValue {
        let output = self.name();
        let node = inputs.iter().fold(Message::default(), |node, input| node.text(1, &input.0));
        let node = node.text(2, &output.0).text(3, &output.0).text(4, operator);
        let node = facts.iter().fold(node, |node, (name, value)| node.message(5, &attribute(name, value)));
        self.nodes.push(node);
        output
    }

    /// `x Wᵀ + b` of rows.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn linear(&mut self, x: &OnnxValue, weight: &Tensor, bias: Option<&Tensor>) -> Result<OnnxValue, NnError> {
        let weight = self.constant(weight)?;
        let bias = bias.map(|bias| self.constant(bias)).transpose()?;
        let inputs: Vec<&OnnxValue> = [x, &weight].into_iter().chain(&bias).collect();
        Ok(self.node("Gemm", &inputs, &[("transB", Int(1))]))
    }

    /// A convolution of planes.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn convolution(
        &mut self,
        x: &OnnxValue,
        (weight, bias): (&Tensor, Option<&Tensor>),
        window: &Window,
        groups: usize,
    ) -> Result<OnnxValue, NnError> {
        let weight = self.constant(weight)?;
        let bias = bias.map(|bias| self.constant(bias)).transpose()?;
        let inputs: Vec<&OnnxValue> = [x, &weight].into_iter().chain(&bias).collect();
        let facts = [sliding(window), vec![("group", Int(groups as i64))]].concat();
        Ok(self.node("Conv", &inputs, &facts))
    }

    /// The largest value under each window.
    pub fn max_pool(&mut self, x: &OnnxValue, window: &Window) -> OnnxValue {
        self.node("MaxPool", &[x], &sliding(window))
    }

    /// The mean of each plane, (batch, channels).
    pub fn plane_means(&mut self, x: &OnnxValue) -> OnnxValue {
        let means = self.node("GlobalAveragePool", &[x], &[]);
        self.node("Flatten", &[&means], &[("axis", Int(1))])
    }

    /// All values of a row behind each other.
    pub fn flatten(&mut self, x: &OnnxValue) -> OnnxValue {
        self.node("Flatten", &[x], &[("axis", Int(1))])
    }

    /// Group normalisation of planes, by the operator for instances on reshaped planes: the operator for groups is newer
    /// than many runtimes.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn group_norm(
        &mut self,
        x: &OnnxValue,
        (weight, bias): (&Tensor, &Tensor),
        groups: usize,
        epsilon: f64,
    ) -> Result<OnnxValue, NnError> {
        let channels = weight.dim(0)?;
        let (one, zero) = (weight.ones_like()?.narrow(0, 0, groups)?, weight.zeros_like()?.narrow(0, 0, groups)?);
        let (one, zero) = (self.constant(&one)?, self.constant(&zero)?);
        let (split, dims) = (self.whole_numbers(&[0, groups as i64, -1]), self.node("Shape", &[x], &[]));
        let parts = self.node("Reshape", &[x, &split], &[]);
        let standard = self.node("InstanceNormalization", &[&parts, &one, &zero], &[("epsilon", Float(epsilon))]);
        let standard = self.node("Reshape", &[&standard, &dims], &[]);
        let factor = self.constant(&weight.reshape((1, channels, 1, 1))?)?;
        let offset = self.constant(&bias.reshape((1, channels, 1, 1))?)?;
        let scaled = self.node("Mul", &[&standard, &factor], &[]);
        Ok(self.node("Add", &[&scaled, &offset], &[]))
    }

    /// Layer normalisation over the last dimension.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn layer_norm(
        &mut self,
        x: &OnnxValue,
        (weight, bias): (&Tensor, &Tensor),
        epsilon: f64,
    ) -> Result<OnnxValue, NnError> {
        let (weight, bias) = (self.constant(weight)?, self.constant(bias)?);
        Ok(self.node("LayerNormalization", &[x, &weight, &bias], &[("axis", Int(-1)), ("epsilon", Float(epsilon))]))
    }

    /// An activation, value by value.
    pub fn activation(&mut self, activation: Activation, x: OnnxValue) -> OnnxValue {
        match activation {
            Activation::None => x,
            Activation::Relu => self.node("Relu", &[&x], &[]),
            Activation::Relu6 => self.clip(&x, 0.0, 6.0),
            Activation::Sigmoid => self.node("Sigmoid", &[&x], &[]),
            Activation::Silu => {
                let share = self.node("Sigmoid", &[&x], &[]);
                self.node("Mul", &[&x, &share], &[])
            }
            Activation::Hardswish => self.node("HardSwish", &[&x], &[]),
        }
    }

    /// Values below `low` become `low`, those above `high` become `high`.
    pub fn clip(&mut self, x: &OnnxValue, low: f64, high: f64) -> OnnxValue {
        let (low, high) = (self.number(low), self.number(high));
        self.node("Clip", &[x, &low, &high], &[])
    }

    /// Pictures (batch, 3, height, width) with values from 0 to 255, each channel less its mean and over its deviation.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn normalised(&mut self, x: &OnnxValue, mean: [f32; 3], deviation: [f32; 3]) -> Result<OnnxValue, NnError> {
        let constant = |values: [f32; 3]| Tensor::new(&values, &candle_core::Device::Cpu)?.reshape((1, 3, 1, 1));
        let (mean, deviation) = (self.constant(&constant(mean)?)?, self.constant(&constant(deviation)?)?);
        let centred = self.node("Sub", &[x, &mean], &[]);
        Ok(self.node("Div", &[&centred, &deviation], &[]))
    }

    /// The file, with `output` as its result.
    pub fn file(&self, output: &OnnxValue, facts: &OnnxFacts) -> Vec<u8> {
        let (name, width) = facts.output;
        // The result has a name of its own, whatever node it comes from.
        let last = Message::default().text(1, &output.0).text(2, name).text(3, name).text(4, "Identity");
        let nodes = self.nodes.iter().chain([&last]);
        let graph = nodes.fold(Message::default(), |graph, node| graph.message(1, node));
        let graph = self.constants.iter().fold(graph.text(2, facts.name), |graph, tensor| graph.message(5, tensor));
        let graph = graph.message(11, &self.input).message(12, &described(name, &[width]));
        let operators = Message::default().text(1, "").int(2, OPERATORS);
        let file = Message::default().int(1, FORMAT).text(2, "qgraft").message(7, &graph).message(8, &operators);
        let entry = |(key, text): &(&str, String)| Message::default().text(1, key).text(2, text);
        facts.metadata.iter().fold(file, |file, row| file.message(14, &entry(row))).into_bytes()
    }
}

/// Attributes of a window.
fn sliding(window: &Window) -> Vec<(&'static str, OnnxAttribute)> {
    let Window { kernel, stride, padding, dilation } = window;
    let pair = |height: usize, width: usize| Ints(vec![height as i64, width as i64]);
    let pads = [padding.top, padding.left, padding.bottom, padding.right];
    vec![
        ("kernel_shape", pair(kernel.0, kernel.1)),
        ("strides", pair(*stride, *stride)),
        ("dilations", pair(*dilation, *dilation)),
        ("pads", Ints(pads.map(|pad| pad as i64).to_vec())),
    ]
}

fn attribute(name: &str, value: &OnnxAttribute) -> Message {
    let of = |kind: i64| Message::default().text(1, name).int(20, kind);
    match value {
        Int(number) => of(OF_INT).int(3, *number),
        Ints(numbers) => of(OF_INTS).ints(8, numbers.iter().copied()),
        Float(number) => of(OF_FLOAT).float(2, *number as f32),
    }
}

/// An input or output (batch, `shape`…).
fn described(name: &str, shape: &[usize]) -> Message {
    let batch = Message::default().text(2, "batch");
    let side = |side: &usize| Message::default().int(1, *side as i64);
    let shape = shape.iter().fold(Message::default().message(1, &batch), |all, own| all.message(1, &side(own)));
    let tensor = Message::default().int(1, FLOAT).message(2, &shape);
    Message::default().text(1, name).message(2, &Message::default().message(1, &tensor))
}
