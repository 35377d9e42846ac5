//! The inner loops: a few output pixels by one or two blocks of output channels, kept in registers from the first
//! product to the activation.
//!
//! A convolution is a matrix product whose left factor is read where it lies (implicit GEMM): the value under tap t of
//! output pixel p is at `input + p·step + chunk(t)`, so neither im2col nor packing of the input is needed.

use pulp::NullaryFnOnce;

use super::activation::Activation;
use super::lanes::{LANES, Lanes};

/// `len` consecutive floats of the input of one output pixel, `offset` floats from its first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chunk {
    pub offset: usize,
    pub len: usize,
}

/// A row of output pixels and what they are made of. Strides and offsets are in floats.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    pub pixels: usize,
    pub input: *const f32,
    /// Between the inputs of neighbouring output pixels.
    pub step: usize,
    pub chunks: &'a [Chunk],
    pub weights: *const f32,
    pub bias: *const f32,
    /// Added before the activation; null if there is none.
    pub residual: *const f32,
    /// Between the first and the second block of output channels.
    pub residual_plane: usize,
    pub output: *mut f32,
    pub output_plane: usize,
    pub activation: Activation,
}

impl Row<'_> {
    #[inline(always)]
    fn skip(&mut self, pixels: usize) {
        self.pixels -= pixels;
        // `wrapping`, because after the last tile the pointers may lie past their buffers; they are not read there.
        self.input = self.input.wrapping_add(pixels * self.step);
        self.output = self.output.wrapping_add(pixels * LANES);
        if !self.residual.is_null() {
            self.residual = self.residual.wrapping_add(pixels * LANES);
        }
    }

    /// Dense products of B blocks of output channels: `weights` is (k, B · 16) with k along the chunks.
    ///
    /// # Safety
    /// All that the fields describe must lie inside live buffers, `output` in one that nobody else uses.
    pub unsafe fn dense<L: Lanes, const B: usize>(self, lanes: L) {
        match self.step {
            2 => self.tiled::<L, B, 2, false>(lanes),
            LANES => self.tiled::<L, B, 16, false>(lanes),
            32 => self.tiled::<L, B, 32, false>(lanes),
            _ => self.tiled::<L, B, 0, false>(lanes),
        }
    }

    /// Products lane by lane: `weights` is one block per chunk.
    ///
    /// # Safety
    /// As [`Row::dense`].
    pub unsafe fn depthwise<L: Lanes>(self, lanes: L) {
        match self.step {
            LANES => self.tiled::<L, 1, 16, true>(lanes),
            32 => self.tiled::<L, 1, 32, true>(lanes),
            _ => self.tiled::<L, 1, 0, true>(lanes),
        }
    }

    /// Largest tiles first. The sizes are what fits the registers; 14 and 7 divide the widths of ImageNet networks.
    #[inline(always)]
    fn tiled<L: Lanes, const B: usize, const STEP: usize, const DEPTHWISE: bool>(mut self, lanes: L) {
        macro_rules! tiles {
            ($($size:literal)*) => {
                $(if self.pixels >= $size {
                    let pixels = self.pixels - self.pixels % $size;
                    let row = Row { pixels, ..self };
                    lanes.vectorize(Tiles::<L, $size, B, STEP, DEPTHWISE> { lanes, row });
                    self.skip(pixels);
                })*
            };
        }
        if L::WIDE {
            tiles!(14 7 4 2 1);
        } else {
            tiles!(6 4 2 1);
        }
    }
}

/// The whole of `row` in tiles of P pixels. STEP is `row.step`, or 0 if it is none of the common ones.
struct Tiles<'a, L, const P: usize, const B: usize, const STEP: usize, const DEPTHWISE: bool> {
    lanes: L,
    row: Row<'a>,
}

impl<L: Lanes, const P: usize, const B: usize, const STEP: usize, const DEPTHWISE: bool> NullaryFnOnce
    for Tiles<'_, L, P, B, STEP, DEPTHWISE>
{
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let (lanes, mut row) = (self.lanes, self.row);
        let step = if STEP == 0 { row.step } else { STEP };
        while row.pixels >= P {
            // SAFETY: whoever called `dense` or `depthwise` vouches for every address the row describes.
            let mut sums = unsafe { bias::<L, P, B>(lanes, row.bias) };
            let mut weights = row.weights;
            for chunk in row.chunks {
                let input = row.input.wrapping_add(chunk.offset);
                // SAFETY: as above; the weights have `chunk.len` rows for this chunk, or one block if depthwise.
                unsafe {
                    if DEPTHWISE {
                        let weight = lanes.load(weights);
                        for p in 0..P {
                            sums[p][0] = lanes.multiply_add(lanes.load(input.add(p * step)), weight, sums[p][0]);
                        }
                        weights = weights.add(LANES);
                    } else {
                        for k in 0..chunk.len {
                            accumulate(lanes, &mut sums, input.add(k), step, weights);
                            weights = weights.add(B * LANES);
                        }
                    }
                }
            }
            // SAFETY: as above.
            unsafe { finish(lanes, &sums, &row) };
            row.skip(P);
        }
    }
}

#[inline(always)]
unsafe fn bias<L: Lanes, const P: usize, const B: usize>(lanes: L, bias: *const f32) -> [[L::Vector; B]; P] {
    let mut block = [lanes.splat(0.0); B];
    for b in 0..B {
        // SAFETY: the bias has B blocks.
        block[b] = unsafe { lanes.load(bias.add(b * LANES)) };
    }
    [block; P]
}

/// sums[p][b] += input[p] · weights[b], one step of the matrix product.
#[inline(always)]
unsafe fn accumulate<L: Lanes, const P: usize, const B: usize>(
    lanes: L,
    sums: &mut [[L::Vector; B]; P],
    input: *const f32,
    step: usize,
    weights: *const f32,
) {
    let mut weight = [lanes.splat(0.0); B];
    for b in 0..B {
        // SAFETY: each row of weights has B blocks.
        weight[b] = unsafe { lanes.load(weights.add(b * LANES)) };
    }
    for p in 0..P {
        // SAFETY: all P pixels of a tile have inputs, `step` apart.
        let value = lanes.splat(unsafe { *input.add(p * step) });
        for b in 0..B {
            sums[p][b] = lanes.multiply_add(value, weight[b], sums[p][b]);
        }
    }
}

/// output = activation(sums + residual).
#[inline(always)]
unsafe fn finish<L: Lanes, const P: usize, const B: usize>(lanes: L, sums: &[[L::Vector; B]; P], row: &Row) {
    // One loop each for the cheap ones, so that the choice is not made for every vector.
    // SAFETY: handed on.
    unsafe {
        match row.activation {
            Activation::None => write(lanes, sums, row, Activation::None),
            Activation::Relu => write(lanes, sums, row, Activation::Relu),
            Activation::Relu6 => write(lanes, sums, row, Activation::Relu6),
            other => write(lanes, sums, row, other),
        }
    }
}

#[inline(always)]
unsafe fn write<L: Lanes, const P: usize, const B: usize>(
    lanes: L,
    sums: &[[L::Vector; B]; P],
    row: &Row,
    activation: Activation,
) {
    for b in 0..B {
        for p in 0..P {
            let mut value = sums[p][b];
            // SAFETY: residual and output have P pixels of B blocks.
            unsafe {
                if !row.residual.is_null() {
                    value = lanes.add(value, lanes.load(row.residual.add(b * row.residual_plane + p * LANES)));
                }
                lanes.store(row.output.add(b * row.output_plane + p * LANES), activation.apply(lanes, value));
            }
        }
    }
}
