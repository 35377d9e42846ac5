//! Convolution with weights that no longer change.

use std::sync::Arc;

use candle_core::{DType, Result, Tensor, bail};

use super::activation::Activation;
use super::kernel::{Chunk, Row};
use super::lanes::{Block, LANES, Lanes};
use super::map::Map;
use crate::nn::layer::window::Window;

/// A convolution packed for the kernels: weights, bias and what follows it. No gradient.
#[derive(Clone, Debug)]
pub struct FrozenConv {
    pub(super) c_in: usize,
    pub(super) c_out: usize,
    pub(super) window: Window,
    pub(super) activation: Activation,
    /// Shared, so that a clone is cheap.
    weights: Arc<Weights>,
    /// By block of output channels, zero past the last.
    bias: Arc<[Block]>,
}

#[derive(Clone, Debug)]
enum Weights {
    /// (block, tap).
    Depthwise(Vec<Block>),
    /// (group, panel, k, block of the panel), where a panel is two blocks of output channels, the last of an odd
    /// number one, and k runs over (block of input channels, tap, lane).
    Dense { groups: usize, depth: usize, panels: Vec<Block> },
}

impl FrozenConv {
    /// Packs `weight` (c_out, c_in / groups, kernel height, kernel width) and `bias` (c_out), with BatchNorm already
    /// folded into both; see [`fold_batch_norm`].
    ///
    /// # Errors
    /// If the shapes do not fit, or the values are not floats on the CPU.
    pub fn new(
        weight: &Tensor,
        bias: Option<&Tensor>,
        window: Window,
        groups: usize,
        activation: Activation,
    ) -> Result<Self> {
        let (c_out, c_group, height, width) = weight.dims4()?;
        if groups == 0 || c_group == 0 || c_out == 0 || c_out % groups != 0 {
            bail!("frozen conv: {groups} groups do not divide the weight {:?}", weight.dims());
        }
        if window.kernel != (height, width) {
            bail!("frozen conv: the window has kernel {:?}, the weight is {:?}", window.kernel, weight.dims());
        }
        let values = weight.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
        let bias = match bias {
            Some(bias) if bias.dims() != [c_out] => {
                bail!("frozen conv: the bias is {:?}, expected ({c_out}), one value per output channel", bias.dims())
            }
            Some(bias) => bias.to_dtype(DType::F32)?.to_vec1::<f32>()?,
            None => vec![0.0; c_out],
        };
        let filters = Filters { values, group_in: c_group, group_out: c_out / groups, taps: height * width };
        let c_in = c_group * groups;
        let weights = if c_group == 1 && c_in == c_out {
            Weights::Depthwise(filters.lane_by_lane(c_out))
        } else {
            filters.panels(groups)
        };
        let bias = (0..c_out.div_ceil(LANES)).map(|block| gather(|lane| bias.get(block * LANES + lane).copied()));
        Ok(FrozenConv { c_in, c_out, window, activation, weights: Arc::new(weights), bias: bias.collect() })
    }

    /// Whether it can read an image channel by channel.
    pub(super) fn reads_planes(&self) -> bool {
        matches!(*self.weights, Weights::Dense { groups: 1, .. })
    }

    /// Where the kernels find the input of one output pixel.
    pub(super) fn chunks(&self, input: &Map) -> Vec<Chunk> {
        let (height, width) = self.window.kernel;
        let step = self.window.dilation;
        let taps = || (0..height * width).map(|tap| (tap / width * step, tap % width * step));
        let offset = |plane: usize, (y, x): (usize, usize)| plane * input.plane() + y * input.row() + x * input.pixel();
        let Weights::Dense { groups, .. } = *self.weights else {
            return taps().map(|tap| Chunk { offset: offset(0, tap), len: LANES }).collect();
        };
        let channels = self.c_in / groups;
        let lanes = |block: usize| (channels - block * LANES).min(LANES);
        let blocks = 0..channels.div_ceil(LANES);
        if input.planar {
            // The same order of products, each in a plane of its own.
            let lane = |block, tap| (0..lanes(block)).map(move |lane| (block * LANES + lane, tap));
            let reads = blocks.flat_map(|block| taps().flat_map(move |tap| lane(block, tap)));
            return reads.map(|(channel, tap)| Chunk { offset: offset(channel, tap), len: 1 }).collect();
        }
        blocks
            .flat_map(|block| taps().map(move |tap| Chunk { offset: offset(block, tap), len: lanes(block) }))
            .collect()
    }

    /// Runs on `images` images.
    pub(super) fn run<L: Lanes>(&self, lanes: L, images: usize, chunks: &[Chunk], mut maps: Maps) {
        maps.check(self, images, chunks);
        match &*self.weights {
            Weights::Depthwise(weights) => {
                let taps = chunks.len();
                for image in 0..images {
                    for block in 0..maps.output.0.blocks() {
                        let weights = (weights[block * taps..][..taps].as_ptr().cast(), LANES);
                        maps.rows(self, image, (block, block), chunks, weights, |row| {
                            // SAFETY: `Maps::check` saw that the rows of all images lie inside their slices.
                            unsafe { row.depthwise(lanes) }
                        });
                    }
                }
            }
            Weights::Dense { groups, depth, panels } => {
                let (in_blocks, out_blocks) = (self.c_in / groups / LANES, maps.output.0.blocks() / groups);
                for first in (0..*groups).flat_map(|g| (0..out_blocks).step_by(2).map(move |b| g * out_blocks + b)) {
                    let (group, width) = (first / out_blocks, (out_blocks - first % out_blocks).min(2));
                    let panel = &panels[first * depth..][..width * depth];
                    // Few registers hold the sums of one block only.
                    let step = if L::WIDE { width } else { 1 };
                    for (image, block) in (0..images).flat_map(|i| (0..width).step_by(step).map(move |b| (i, b))) {
                        let weights = (panel[block..].as_ptr().cast(), width * LANES);
                        maps.rows(self, image, (group * in_blocks, first + block), chunks, weights, |row| {
                            // SAFETY: as above.
                            unsafe { if step == 2 { row.dense::<L, 2>(lanes) } else { row.dense::<L, 1>(lanes) } }
                        });
                    }
                }
            }
        }
    }
}

/// The maps a convolution reads and writes.
pub(super) struct Maps<'a> {
    pub input: (Map, &'a [f32]),
    pub residual: Option<(Map, &'a [f32])>,
    pub output: (Map, &'a mut [f32]),
}

impl Maps<'_> {
    /// That whatever [`Maps::rows`] describes lies inside the slices. A bug in this module if not.
    fn check(&self, conv: &FrozenConv, images: usize, chunks: &[Chunk]) {
        let (input, output) = (&self.input.0, &self.output.0);
        let padding = conv.window.padding;
        assert!(padding.top.max(padding.left).max(padding.bottom).max(padding.right) <= input.border);
        assert_eq!(conv.window.output(input.size()).ok(), Some(output.size()));
        assert!(input.channels == conv.c_in && output.channels == conv.c_out && !output.planar);
        assert!(images * input.len() <= self.input.1.len() && images * output.len() <= self.output.1.len());
        assert!(chunks.iter().all(|c| c.len <= LANES));
        if let Some((map, values)) = &self.residual {
            assert!(map.channels == conv.c_out && map.size() == output.size() && !map.planar);
            assert!(images * map.len() <= values.len());
        }
    }

    /// Hands out one image's rows of output for given first blocks of (input, output). Where no map has a border, the
    /// rows of a pointwise convolution are joined to one.
    fn rows(
        &mut self,
        conv: &FrozenConv,
        image: usize,
        (block_in, block_out): (usize, usize),
        chunks: &[Chunk],
        (weights, weights_row): (*const f32, usize),
        run: impl Fn(Row),
    ) {
        let (input, output, stride) = (self.input.0, self.output.0, conv.window.stride);
        let residual = self.residual.map_or(output, |(map, _)| map);
        let borders = input.border + output.border + residual.border;
        let (rows, pixels) = match conv.window.is_pointwise() && borders == 0 {
            true => (1, output.height * output.width),
            false => output.size(),
        };
        let first = image * input.len() + input.before(block_in, conv.window.padding.top, conv.window.padding.left);
        for y in 0..rows {
            let from = &self.input.1[first + y * stride * input.row()..];
            let to = image * output.len() + output.at(block_out, y, 0);
            run(Row {
                pixels,
                input: from.as_ptr(),
                step: stride * input.pixel(),
                chunks,
                weights,
                weights_row,
                bias: conv.bias[block_out..].as_ptr().cast(),
                residual: self.residual.map_or(std::ptr::null(), |(map, values)| {
                    values[image * map.len() + map.at(block_out, y, 0)..].as_ptr()
                }),
                residual_plane: residual.plane(),
                output: self.output.1[to..].as_mut_ptr(),
                output_plane: output.plane(),
                activation: conv.activation,
            });
        }
    }
}

/// Filters as they come: (c_out, c_in of the group, tap).
struct Filters {
    values: Vec<f32>,
    group_in: usize,
    group_out: usize,
    taps: usize,
}

impl Filters {
    /// The weight from one channel to another, `None` if there is no such output, 0 across groups.
    fn weight(&self, c_out: usize, c_in: usize, tap: usize) -> Option<f32> {
        let (group, within) = (c_in / self.group_in, c_in % self.group_in);
        let own = c_out / self.group_out == group;
        self.values.get((c_out * self.group_in + within) * self.taps + tap).map(|w| if own { *w } else { 0.0 })
    }

    fn lane_by_lane(&self, channels: usize) -> Vec<Block> {
        let places = (0..channels.div_ceil(LANES)).flat_map(|block| (0..self.taps).map(move |tap| (block, tap)));
        places
            .map(|(block, tap)| gather(|lane| self.values.get((block * LANES + lane) * self.taps + tap).copied()))
            .collect()
    }

    /// Groups that do not fill whole blocks are joined until they do, with zeros between them.
    fn panels(&self, groups: usize) -> Weights {
        let whole = |joined: usize| {
            [self.group_in, self.group_out].iter().all(|channels| (joined * channels).is_multiple_of(LANES))
        };
        let joined = (1..=groups).find(|&joined| groups.is_multiple_of(joined) && whole(joined)).unwrap_or(groups);
        let (group_in, group_out, groups) = (self.group_in * joined, self.group_out * joined, groups / joined);
        let mut panels = Vec::new();
        for group in 0..groups {
            let out_blocks = group_out.div_ceil(LANES);
            for first in (0..out_blocks).step_by(2) {
                for block_in in 0..group_in.div_ceil(LANES) {
                    for tap in 0..self.taps {
                        for c_in in block_in * LANES..(block_in * LANES + LANES).min(group_in) {
                            for block in first..(first + 2).min(out_blocks) {
                                let c_out = group * group_out + block * LANES;
                                panels.push(gather(|lane| self.weight(c_out + lane, group * group_in + c_in, tap)));
                            }
                        }
                    }
                }
            }
        }
        Weights::Dense { groups, depth: group_in * self.taps, panels }
    }
}

/// A block of values, zero where there is none.
fn gather(value: impl Fn(usize) -> Option<f32>) -> Block {
    Block(std::array::from_fn(|lane| value(lane).unwrap_or(0.0)))
}

/// Folds BatchNorm in evaluation mode, γ (x - mean) / √(variance + ε) + β, into the convolution before it: returns its
/// new weight and bias. `weight` is (c_out, c_in / groups, kernel height, kernel width), all others (c_out).
///
/// # Errors
/// If the shapes do not fit.
pub fn fold_batch_norm(
    weight: &Tensor,
    bias: Option<&Tensor>,
    [gamma, beta, mean, variance]: [&Tensor; 4],
    epsilon: f64,
) -> Result<(Tensor, Tensor)> {
    let scale = (gamma / (variance + epsilon)?.sqrt()?)?;
    let shift = match bias {
        Some(bias) => (bias - mean)?,
        None => mean.neg()?,
    };
    Ok((weight.broadcast_mul(&scale.reshape(((), 1, 1, 1))?)?, ((shift * scale)? + beta)?))
}
