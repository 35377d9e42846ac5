//! Convolutions of many small pictures: several share one product of matrices, so that weights are packed once for all of them.
//!
//! A training step of a network on frames of 32 pixels takes a tenth less time.

use candle_core::WithDType;
use rayon::prelude::*;

use super::conv::ConvShape;
use super::matrix::{Matrix, multiply_into};
use super::window::pair;

/// Unrolled columns of one product: more gain nothing.
const COLUMNS: usize = 512;
/// Bytes of them, at most: the second-level cache.
const BYTES: usize = 512 << 10;
/// A batch is cut into at least this many products, which threads share. The cut does not depend on the number of threads.
const PRODUCTS: usize = 8;

impl ConvShape {
    /// Pictures that share a product; 1 if planes are large enough alone.
    pub(super) fn at_once(&self, bytes: usize) -> usize {
        let outputs = self.plane.output_len();
        if self.groups > 1 || self.is_direct() || 2 * outputs > COLUMNS {
            return 1;
        }
        let fit = (BYTES / (self.depth() * outputs * bytes).max(1)).min(COLUMNS / outputs);
        fit.min(self.batch.div_ceil(PRODUCTS)).max(1)
    }

    /// The input under every output of several pictures: ((channel, tap), (picture, output)).
    fn unrolled<T: WithDType>(&self, input: &[T], columns: &mut Vec<T>) -> usize {
        let (taps, outputs, inputs) = (self.plane.taps(), self.plane.output_len(), self.plane.input_len());
        let pictures = input.len() / (self.c_in * inputs);
        let width = pictures * outputs;
        columns.clear();
        columns.resize(self.depth() * width, T::zero());
        for (picture, planes) in input.chunks(self.c_in * inputs).enumerate() {
            for (plane, rows) in planes.chunks(inputs).zip(columns.chunks_mut(taps * width)) {
                self.plane.stretches(0..self.plane.output.0, |s| {
                    let start = s.tap * width + picture * outputs;
                    let row = &mut rows[start + s.output.start..start + s.output.end];
                    pair(row.iter_mut(), plane[s.input..].iter(), self.plane.window.stride, |c, i| *c = *i);
                });
            }
        }
        width
    }

    /// (picture, channel, output) to (channel, (picture, output)).
    fn by_channel<T: WithDType>(&self, planes: &[T], found: &mut Vec<T>) {
        let outputs = self.plane.output_len();
        found.clear();
        for channel in 0..self.c_out {
            for picture in planes.chunks(self.c_out * outputs) {
                found.extend_from_slice(&picture[channel * outputs..(channel + 1) * outputs]);
            }
        }
    }

    /// The convolution, `at_once` pictures at a time.
    pub(super) fn forward_together<T: WithDType>(&self, at_once: usize, input: &[T], weight: &[T]) -> Vec<T> {
        let (inputs, outputs) = (self.c_in * self.plane.input_len(), self.plane.output_len());
        let mut output = vec![T::zero(); self.batch * self.c_out * outputs];
        let parts = output.par_chunks_mut(at_once * self.c_out * outputs).zip(input.par_chunks(at_once * inputs));
        parts.for_each_init(
            || (Vec::new(), Vec::new()),
            |(columns, product), (output, input)| {
                let width = self.unrolled(input, columns);
                product.resize(self.c_out * width, T::zero());
                let weight = Matrix::rows(weight, self.c_out, self.depth());
                multiply_into(product, width, weight, Matrix::rows(columns, self.depth(), width), false);
                for (picture, planes) in output.chunks_mut(self.c_out * outputs).enumerate() {
                    for (plane, row) in planes.chunks_mut(outputs).zip(product.chunks(width)) {
                        plane.copy_from_slice(&row[picture * outputs..(picture + 1) * outputs]);
                    }
                }
            },
        );
        output
    }

    /// The gradient of the input, `at_once` pictures at a time.
    pub(super) fn input_gradient_together<T: WithDType>(
        &self,
        at_once: usize,
        output_gradient: &[T],
        weight: &[T],
    ) -> Vec<T> {
        let (inputs, outputs, taps) = (self.plane.input_len(), self.plane.output_len(), self.plane.taps());
        let mut gradient = vec![T::zero(); self.batch * self.c_in * inputs];
        let parts = gradient
            .par_chunks_mut(at_once * self.c_in * inputs)
            .zip(output_gradient.par_chunks(at_once * self.c_out * outputs));
        parts.for_each_init(
            || (Vec::new(), Vec::new()),
            |(columns, given), (gradient, output_gradient)| {
                self.by_channel(output_gradient, given);
                let width = given.len() / self.c_out;
                columns.resize(self.depth() * width, T::zero());
                let weight = Matrix::rows(weight, self.c_out, self.depth()).transposed();
                multiply_into(columns, width, weight, Matrix::rows(given, self.c_out, width), false);
                for (picture, planes) in gradient.chunks_mut(self.c_in * inputs).enumerate() {
                    for (plane, rows) in planes.chunks_mut(inputs).zip(columns.chunks(taps * width)) {
                        self.plane.stretches(0..self.plane.output.0, |s| {
                            let start = s.tap * width + picture * outputs;
                            let row = &rows[start + s.output.start..start + s.output.end];
                            let stride = self.plane.window.stride;
                            pair(row.iter(), plane[s.input..].iter_mut(), stride, |c, i| *i += *c);
                        });
                    }
                }
            },
        );
        gradient
    }

    /// Adds the gradient of the weight from these pictures, `at_once` at a time.
    pub(super) fn add_weight_gradient<T: WithDType>(
        &self,
        at_once: usize,
        input: &[T],
        output_gradient: &[T],
        gradient: &mut [T],
    ) {
        let (inputs, outputs) = (self.c_in * self.plane.input_len(), self.c_out * self.plane.output_len());
        let (mut columns, mut given) = (Vec::new(), Vec::new());
        let parts = input.chunks(at_once * inputs).zip(output_gradient.chunks(at_once * outputs));
        for (input, output_gradient) in parts {
            let width = self.unrolled(input, &mut columns);
            self.by_channel(output_gradient, &mut given);
            let columns = Matrix::rows(&columns, self.depth(), width).transposed();
            multiply_into(gradient, self.depth(), Matrix::rows(&given, self.c_out, width), columns, true);
        }
    }
}
