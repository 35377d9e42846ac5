//! The inner loops: a few output pixels by one or two blocks of output channels, kept in registers from the first
//! product to the activation.
//!
//! A convolution is a matrix product whose left factor is read in its original layout (implicit GEMM): the value under
//! tap t of output pixel p is at `input + p·step + chunk(t)`, so neither im2col nor packing of the input is needed.

use std::mem::MaybeUninit;

use pulp::NullaryFnOnce;

use super::activation::Activation;
use super::lanes::{LANES, Lanes};

/// Repeats the body for each index below a constant of at most 14. With a loop the compiler does not always keep
/// the sums in registers.
macro_rules! unroll {
    ($index:ident in $count:ident $body:block) => {
        unroll!(@ $index $count $body 0 1 2 3 4 5 6 7 8 9 10 11 12 13)
    };
    (@ $index:ident $count:ident $body:block $($value:literal)*) => {
        $(if $value < $count {
            #[allow(non_upper_case_globals)]
            const $index: usize = $value;
            $body
        })*
    };
}

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
    /// From one row of weights to the next.
    pub weights_row: usize,
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
        // `wrapping`, because after the last tile the pointers may lie past their buffers. They are not read there.
        self.input = self.input.wrapping_add(pixels * self.step);
        self.output = self.output.wrapping_add(pixels * LANES);
        if !self.residual.is_null() {
            self.residual = self.residual.wrapping_add(pixels * LANES);
        }
    }

    /// Dense products of B blocks of output channels: a row of `weights` is B blocks for one k along the chunks.
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

    /// Largest tiles first. The sizes are what fits the registers. 14 and 7 divide the widths of ImageNet networks.
    #[inline(always)]
    fn tiled<L: Lanes, const B: usize, const STEP: usize, const DEPTHWISE: bool>(mut self, lanes: L) {
        macro_rules! tiles {
            ($($size:literal)*) => {
                $(if self.pixels >= $size {
                    let pixels = self.pixels / $size * $size;
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
            // SAFETY: the caller of `dense` or `depthwise` guarantees every address the row describes: biases and
            // rows of weights of B blocks, inputs, residuals and outputs of P pixels.
            unsafe {
                let mut sums = biases::<L, P, B>(lanes, row.bias);
                let mut weights = row.weights;
                for chunk in row.chunks {
                    let input = row.input.add(chunk.offset);
                    if DEPTHWISE {
                        let weight = lanes.load(weights);
                        unroll!(p in P {
                            sums[p][0] = lanes.multiply_add(lanes.load(input.add(p * step)), weight, sums[p][0]);
                        });
                        weights = weights.add(row.weights_row);
                    } else {
                        for k in 0..chunk.len {
                            accumulate(lanes, &mut sums, input.add(k), step, weights);
                            weights = weights.add(row.weights_row);
                        }
                    }
                }
                finish(lanes, sums, &row);
            }
            row.skip(P);
        }
    }
}

/// The biases of B blocks, once for each of P pixels.
///
/// # Safety
/// `bias` must point to B blocks of [`LANES`] floats.
#[inline(always)]
unsafe fn biases<L: Lanes, const P: usize, const B: usize>(lanes: L, bias: *const f32) -> [[L::Vector; B]; P] {
    // SAFETY: vectors are floats, for which all zero bits are a value. The caller guarantees the bias.
    unsafe {
        let mut sums = MaybeUninit::<[[L::Vector; B]; P]>::zeroed().assume_init();
        unroll!(b in B {
            let bias = lanes.load(bias.add(b * LANES));
            unroll!(p in P {
                sums[p][b] = bias;
            });
        });
        sums
    }
}

/// sums[p][b] += input[p] · weights[b], one step of the matrix product.
///
/// # Safety
/// `input` must hold a float at `p · step` for each of P pixels, `weights` B blocks of [`LANES`] floats.
#[inline(always)]
unsafe fn accumulate<L: Lanes, const P: usize, const B: usize>(
    lanes: L,
    sums: &mut [[L::Vector; B]; P],
    input: *const f32,
    step: usize,
    weights: *const f32,
) {
    // SAFETY: handed on.
    unsafe {
        let first = lanes.load(weights);
        let last = lanes.load(weights.add((B - 1) * LANES));
        unroll!(p in P {
            let value = lanes.splat(*input.add(p * step));
            sums[p][0] = lanes.multiply_add(value, first, sums[p][0]);
            if B == 2 {
                sums[p][B - 1] = lanes.multiply_add(value, last, sums[p][B - 1]);
            }
        });
    }
}

/// output = activation(sums + residual).
///
/// # Safety
/// As for [`Row::dense`].
#[inline(always)]
unsafe fn finish<L: Lanes, const P: usize, const B: usize>(lanes: L, mut sums: [[L::Vector; B]; P], row: &Row) {
    let (low, high) = row.activation.bounds();
    let (low, high) = (lanes.splat(low), lanes.splat(high));
    // SAFETY: handed on.
    unsafe {
        if !row.residual.is_null() {
            unroll!(b in B {
                let residual = row.residual.add(b * row.residual_plane);
                unroll!(p in P {
                    sums[p][b] = lanes.add(sums[p][b], lanes.load(residual.add(p * LANES)));
                });
            });
        }
        unroll!(b in B {
            let output = row.output.add(b * row.output_plane);
            unroll!(p in P {
                lanes.store(output.add(p * LANES), lanes.min(high, lanes.max(low, sums[p][b])));
            });
            if row.activation.is_curved() {
                for p in 0..P {
                    let pixel = output.add(p * LANES);
                    lanes.store(pixel, row.activation.bend(lanes, lanes.load(pixel)));
                }
            }
        });
    }
}
