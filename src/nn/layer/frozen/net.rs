//! A frozen network: its layers in order, their memory planned once.

use std::sync::Mutex;

use candle_core::{DType, Device, Result, Tensor, bail};
use rayon::prelude::*;

use super::conv::FrozenConv;
use super::kernel::Chunk;
use super::lanes::Instructions;
use super::map::{Map, Slot};
use crate::nn::layer::window::Window;

/// An image, or what a layer makes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value(pub(super) usize);

/// What a layer does.
#[derive(Debug)]
pub(super) enum Op {
    Image,
    Conv { conv: FrozenConv, input: Value, residual: Option<Value> },
    MaxPool { input: Value, window: Window },
    Mean { input: Value },
    Scale { input: Value, gate: Value },
    Concat { inputs: Vec<Value> },
}

impl Op {
    fn inputs(&self) -> Vec<Value> {
        match self {
            Op::Image => vec![],
            Op::Conv { input, residual, .. } => [*input].into_iter().chain(*residual).collect(),
            Op::MaxPool { input, .. } | Op::Mean { input } => vec![*input],
            Op::Scale { input, gate } => vec![*input, *gate],
            Op::Concat { inputs } => inputs.clone(),
        }
    }
}

/// Builds a [`FrozenNet`] layer by layer. Shapes are checked as layers are added.
#[derive(Debug)]
pub struct NetBuilder {
    layers: Vec<(Op, Map)>,
}

impl NetBuilder {
    /// A net for images of (channels, height, width), and the image.
    pub fn new(channels: usize, height: usize, width: usize) -> (Self, Value) {
        let image = Map::blocked(channels, height, width);
        (NetBuilder { layers: vec![(Op::Image, image)] }, Value(0))
    }

    /// (channels, height, width) of a value.
    pub fn shape(&self, value: Value) -> (usize, usize, usize) {
        let map = self.layers[value.0].1;
        (map.channels, map.height, map.width)
    }

    /// activation(conv(input) + bias).
    ///
    /// # Errors
    /// If the convolution does not fit the input.
    pub fn conv(&mut self, input: Value, conv: FrozenConv) -> Result<Value> {
        self.push_conv(input, conv, None)
    }

    /// activation(conv(input) + bias + residual).
    ///
    /// # Errors
    /// If the convolution does not fit the input, or its output the residual.
    pub fn conv_add(&mut self, input: Value, conv: FrozenConv, residual: Value) -> Result<Value> {
        self.push_conv(input, conv, Some(residual))
    }

    fn push_conv(&mut self, input: Value, conv: FrozenConv, residual: Option<Value>) -> Result<Value> {
        let (channels, height, width) = self.shape(input);
        if channels != conv.c_in {
            bail!("frozen conv: the input has {channels} channels, the convolution reads {}", conv.c_in);
        }
        let (height, width) = conv.window.output((height, width))?;
        let map = Map::blocked(conv.c_out, height, width);
        if let Some(residual) = residual.filter(|r| self.layers[r.0].1 != map) {
            bail!(
                "frozen conv: the output is {:?}, the residual {:?}",
                (map.channels, height, width),
                self.shape(residual)
            );
        }
        Ok(self.push(Op::Conv { conv, input, residual }, map))
    }

    /// The largest value under each window, as [`max_pool2d`](crate::nn::layer::max_pool2d).
    ///
    /// # Errors
    /// If the window does not fit the input.
    pub fn max_pool(&mut self, input: Value, window: Window) -> Result<Value> {
        let (channels, height, width) = self.shape(input);
        let (height, width) = window.output((height, width))?;
        Ok(self.push(Op::MaxPool { input, window }, Map::blocked(channels, height, width)))
    }

    /// The mean of each channel: (channels, 1, 1).
    ///
    /// # Errors
    /// Never today; the signature is that of its neighbours.
    pub fn global_avg_pool(&mut self, input: Value) -> Result<Value> {
        let (channels, ..) = self.shape(input);
        Ok(self.push(Op::Mean { input }, Map::blocked(channels, 1, 1)))
    }

    /// input · gate, where `gate` is (channels, 1, 1): the last step of squeeze-and-excitation.
    ///
    /// # Errors
    /// If the channels differ or the gate has more than one pixel.
    pub fn scale(&mut self, input: Value, gate: Value) -> Result<Value> {
        let map = self.layers[input.0].1;
        if self.shape(gate) != (map.channels, 1, 1) {
            bail!("scale: the gate is {:?}, expected ({}, 1, 1)", self.shape(gate), map.channels);
        }
        Ok(self.push(Op::Scale { input, gate }, map))
    }

    /// The channels of all inputs, one after the other.
    ///
    /// # Errors
    /// If the inputs differ in height or width, or there are none.
    pub fn concat(&mut self, inputs: &[Value]) -> Result<Value> {
        let shapes: Vec<_> = inputs.iter().map(|&value| self.shape(value)).collect();
        let Some(&(_, height, width)) = shapes.first() else { bail!("concat: no inputs") };
        if shapes.iter().any(|s| (s.1, s.2) != (height, width)) {
            bail!("concat: the inputs are {shapes:?}, expected equal heights and widths");
        }
        let channels = shapes.iter().map(|s| s.0).sum();
        Ok(self.push(Op::Concat { inputs: inputs.to_vec() }, Map::blocked(channels, height, width)))
    }

    fn push(&mut self, op: Op, map: Map) -> Value {
        self.layers.push((op, map));
        Value(self.layers.len() - 1)
    }

    /// Plans the memory of a net that returns `outputs`.
    ///
    /// # Errors
    /// If `outputs` is empty.
    pub fn build(self, outputs: &[Value]) -> Result<FrozenNet> {
        if outputs.is_empty() {
            bail!("a frozen net needs at least one output");
        }
        let mut maps: Vec<Map> = self.layers.iter().map(|(_, map)| *map).collect();
        let mut last_use: Vec<usize> = (0..maps.len()).collect();
        // An image of few channels stays as it is if only dense convolutions read it.
        let (mut planar, image) = (maps[0].channels < 8 && !outputs.contains(&Value(0)), Value(0));
        for (index, (op, _)) in self.layers.iter().enumerate() {
            for input in op.inputs() {
                last_use[input.0] = index;
            }
            match op {
                Op::Conv { conv, input, residual } => {
                    let padding = conv.window.padding;
                    let border = padding.top.max(padding.bottom).max(padding.left).max(padding.right);
                    maps[input.0].border = maps[input.0].border.max(border);
                    planar &= *residual != Some(image) && (*input != image || conv.reads_planes());
                }
                other => planar &= !other.inputs().contains(&image),
            }
        }
        maps[0].planar = planar;
        let (mut free, mut slots) = (Vec::new(), 0);
        let mut steps: Vec<Step> = Vec::with_capacity(maps.len());
        for (index, (op, _)) in self.layers.into_iter().enumerate() {
            let slot = free.pop().unwrap_or_else(|| {
                slots += 1;
                slots - 1
            });
            let chunks = match &op {
                Op::Conv { conv, input, .. } => conv.chunks(&maps[input.0]),
                _ => vec![],
            };
            steps.push(Step { op, map: maps[index], slot, chunks });
            free.extend((0..=index).filter(|&value| last_use[value] == index).map(|value| steps[value].slot));
        }
        let outputs = outputs.to_vec();
        Ok(FrozenNet { steps, slots, outputs, instructions: Instructions::best(), scratch: Mutex::default() })
    }
}

/// A layer with its offset in memory.
#[derive(Debug)]
pub(super) struct Step {
    pub op: Op,
    pub map: Map,
    pub slot: usize,
    pub chunks: Vec<Chunk>,
}

/// A network ready to run, and to be shared between threads. Built by [`NetBuilder`].
#[derive(Debug)]
pub struct FrozenNet {
    pub(super) steps: Vec<Step>,
    slots: usize,
    pub(super) outputs: Vec<Value>,
    instructions: Instructions,
    /// Memory of earlier runs, one entry for each thread that ran at once.
    scratch: Mutex<Vec<Vec<Slot>>>,
}

/// Most images that one thread takes through the net together, so that weights larger than the cache are read less
/// often than there are images. Measured: against one at a time ResNet18 gains a tenth, EfficientNet-Lite0, whose maps
/// are large and whose weights are small, loses a twentieth.
const GROUP: usize = 4;

impl FrozenNet {
    /// The same net on other vector instructions than the best.
    pub fn with_instructions(self, instructions: Instructions) -> Self {
        FrozenNet { instructions, ..self }
    }

    /// Runs on images (batch, channels, height, width), f32: each output as (batch, channels, height, width), in the
    /// order given to [`NetBuilder::build`]. Groups of images run on the threads of the current rayon pool.
    ///
    /// # Errors
    /// If the images are not what the net was built for.
    pub fn run(&self, images: &Tensor) -> Result<Vec<Tensor>> {
        let image = self.steps[0].map;
        let expected = (image.channels, image.height, image.width);
        let (batch, channels, height, width) = images.dims4()?;
        if (channels, height, width) != expected {
            bail!("frozen net: images are {:?}, expected (batch, {expected:?})", images.dims());
        }
        if images.dtype() != DType::F32 {
            bail!("frozen net: images are {:?}, convert to f32", images.dtype());
        }
        let group = (batch / rayon::current_num_threads()).clamp(1, GROUP);
        let pixels = images.contiguous()?.flatten_all()?.to_vec1::<f32>()?;
        let groups: Vec<Vec<Vec<f32>>> = pixels
            .par_chunks(group * channels * height * width)
            .map(|images| {
                let mut slots = self.lock().pop().unwrap_or_default();
                slots.resize_with(self.slots, Slot::default);
                let mut outputs = vec![Vec::new(); self.outputs.len()];
                self.instructions.run(super::run::Group {
                    net: self,
                    images,
                    slots: &mut slots,
                    outputs: &mut outputs,
                });
                self.lock().push(slots);
                outputs
            })
            .collect();
        let output = |index: usize| {
            let values: Vec<f32> = groups.iter().flat_map(|group| &group[index]).copied().collect();
            let map = self.steps[self.outputs[index].0].map;
            Tensor::from_vec(values, (batch, map.channels, map.height, map.width), &Device::Cpu)
        };
        (0..self.outputs.len()).map(output).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Vec<Slot>>> {
        // Scratch memory has no state that a panic could have broken.
        self.scratch.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
