//! Differentiable 2-D convolution: im2col and matrix products for dense filters, direct loops for depthwise ones.

use std::ops::Range;

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp2, DType, Layout, Result, Shape, Tensor, WithDType, bail};
use rayon::prelude::*;

use super::channels::add_per_channel;
use super::depthwise;
use super::matrix::{Matrix, multiply_into};
use super::window::{Plane, Window, pair};

/// Bytes of unrolled input that one tile should take, so that it is multiplied while still in the second-level cache.
const TILE_BYTES: usize = 512 << 10;
/// At least this many columns go into one product, so that many weights are not read for few pixels.
const TILE_COLUMNS: usize = 64;
/// Weight gradients are summed by parts of the batch, which are then added in order. The parts do not depend on the
/// number of threads, so neither does the sum. At most this many, of at least so many images.
const GRADIENT_PARTS: (usize, usize) = (8, 4);
/// Filters of one channel from which on they are multiplied with unrolled input.
const FILTERS_OF_PRODUCT: usize = 4;

/// Cross-correlation of `input` (batch, c_in, height, width) with `weight` (c_out, c_in / groups, kernel height,
/// kernel width), plus `bias` (c_out): (batch, c_out, out height, out width). Differentiable in all three, once.
///
/// # Errors
/// If the shapes do not fit, `groups` does not divide both channel counts, the dtype is not f32 or f64, or the
/// tensors are not on the CPU.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use qgraft::nn::layer::{Window, conv2d};
/// let input = Tensor::ones((1, 2, 4, 4), candle_core::DType::F32, &Device::Cpu)?;
/// let weight = Tensor::ones((3, 2, 3, 3), candle_core::DType::F32, &Device::Cpu)?;
/// let output = conv2d(&input, &weight, None, Window::square(3, 1, 1), 1)?;
/// assert_eq!(output.get(0)?.get(0)?.to_vec2::<f32>()?[0], [8.0, 12.0, 12.0, 8.0]);
/// # Ok::<(), candle_core::Error>(())
/// ```
pub fn conv2d(input: &Tensor, weight: &Tensor, bias: Option<&Tensor>, window: Window, groups: usize) -> Result<Tensor> {
    let shape = ConvShape::new(input.dims4()?, weight.dims4()?, window, groups)?;
    let output = input.contiguous()?.apply_op2(&weight.contiguous()?, Convolution(shape))?;
    match bias {
        Some(bias) if bias.dims() != [shape.c_out] => {
            bail!("conv2d: the bias is {:?}, expected ({}), one value per output channel", bias.dims(), shape.c_out)
        }
        Some(bias) => add_per_channel(&output, bias, 1),
        None => Ok(output),
    }
}

/// What a convolution goes over.
#[derive(Clone, Copy, Debug)]
pub(super) struct ConvShape {
    pub batch: usize,
    pub groups: usize,
    pub c_in: usize,
    pub c_out: usize,
    pub plane: Plane,
}

impl ConvShape {
    fn new(
        input: (usize, usize, usize, usize),
        weight: (usize, usize, usize, usize),
        window: Window,
        groups: usize,
    ) -> Result<Self> {
        let (batch, c_in, height, width) = input;
        let (c_out, c_group, kernel_height, kernel_width) = weight;
        if groups == 0 || c_group == 0 || c_in != c_group * groups || c_out == 0 || c_out % groups != 0 {
            bail!(
                "conv2d: input {input:?} and weight {weight:?} do not fit {groups} groups; expected weight (c_out, \
                 c_in / groups, height, width) and c_out a multiple of groups"
            );
        }
        if window.kernel != (kernel_height, kernel_width) {
            bail!("conv2d: the window has kernel {:?}, the weight is {weight:?}", window.kernel);
        }
        Ok(ConvShape { batch, groups, c_in, c_out, plane: Plane::new(window, (height, width))? })
    }

    /// Input channels of one group.
    fn group_in(&self) -> usize {
        self.c_in / self.groups
    }

    /// Output channels of one group.
    fn group_out(&self) -> usize {
        self.c_out / self.groups
    }

    /// Whether filters of a single channel go over the input itself. Many on one channel are faster as a product.
    pub fn is_direct(&self) -> bool {
        self.group_in() == 1 && self.group_out() < FILTERS_OF_PRODUCT
    }

    /// Weights of one output channel: rows of the unrolled input.
    pub fn depth(&self) -> usize {
        self.group_in() * self.plane.taps()
    }

    /// Output rows, split so that one part's unrolled input fits [`TILE_BYTES`].
    fn tiles(&self, bytes: usize) -> impl Iterator<Item = Range<usize>> + use<> {
        let (rows, width) = self.plane.output;
        let step = match self.plane.window.is_pointwise() {
            true => rows,
            false => (TILE_BYTES / (self.depth() * width * bytes)).max(TILE_COLUMNS.div_ceil(width)).min(rows),
        };
        (0..rows).step_by(step).map(move |start| start..(start + step).min(rows))
    }

    fn forward<T: WithDType>(&self, input: &[T], weight: &[T]) -> Vec<T> {
        let at_once = self.at_once(size_of::<T>());
        if at_once > 1 {
            return self.forward_together(at_once, input, weight);
        }
        let (inputs, outputs) = (self.plane.input_len(), self.plane.output_len());
        let mut output = vec![T::zero(); self.batch * self.c_out * outputs];
        output.par_chunks_mut(self.group_out() * outputs).enumerate().for_each(|(index, output)| {
            let input = &input[index * self.group_in() * inputs..][..self.group_in() * inputs];
            let filters = self.group_out() * self.depth();
            let weight = &weight[index % self.groups * filters..][..filters];
            if self.is_direct() {
                for (output, kernel) in output.chunks_mut(outputs).zip(weight.chunks(self.depth())) {
                    depthwise::forward(&self.plane, input, kernel, output);
                }
                return;
            }
            let mut columns = Columns::default();
            for rows in self.tiles(size_of::<T>()) {
                let columns = columns.unroll(self, input, rows.clone());
                let first = rows.start * self.plane.output.1;
                let weight = Matrix::rows(weight, self.group_out(), self.depth());
                multiply_into(&mut output[first..], outputs, weight, columns, false);
            }
        });
        output
    }

    fn input_gradient<T: WithDType>(&self, output_gradient: &[T], weight: &[T]) -> Vec<T> {
        let at_once = self.at_once(size_of::<T>());
        if at_once > 1 {
            return self.input_gradient_together(at_once, output_gradient, weight);
        }
        let (inputs, outputs) = (self.plane.input_len(), self.plane.output_len());
        let mut gradient = vec![T::zero(); self.batch * self.c_in * inputs];
        gradient.par_chunks_mut(self.group_in() * inputs).enumerate().for_each(|(index, gradient)| {
            let output_gradient = &output_gradient[index * self.group_out() * outputs..][..self.group_out() * outputs];
            let filters = self.group_out() * self.depth();
            let weight = &weight[index % self.groups * filters..][..filters];
            if self.is_direct() {
                for (output_gradient, kernel) in output_gradient.chunks(outputs).zip(weight.chunks(self.depth())) {
                    depthwise::input_gradient(&self.plane, output_gradient, kernel, gradient);
                }
                return;
            }
            let weight = Matrix::rows(weight, self.group_out(), self.depth()).transposed();
            if self.plane.window.is_pointwise() {
                let gradients = Matrix::rows(output_gradient, self.group_out(), outputs);
                return multiply_into(gradient, inputs, weight, gradients, false);
            }
            let mut columns = Vec::new();
            for rows in self.tiles(size_of::<T>()) {
                let (first, width) = (rows.start * self.plane.output.1, rows.len() * self.plane.output.1);
                columns.resize(self.depth() * width, T::zero());
                let gradients = Matrix::part(&output_gradient[first..], self.group_out(), width, outputs);
                multiply_into(&mut columns, width, weight, gradients, false);
                self.fold(&columns, rows, gradient);
            }
        });
        gradient
    }

    fn weight_gradient<T: WithDType>(&self, input: &[T], output_gradient: &[T]) -> Vec<T> {
        let (inputs, outputs) = (self.plane.input_len(), self.plane.output_len());
        let filters = self.group_out() * self.depth();
        let size = self.groups * filters;
        let part = self.batch.div_ceil(GRADIENT_PARTS.0).max(GRADIENT_PARTS.1);
        let at_once = self.at_once(size_of::<T>());
        let parts: Vec<Vec<T>> = input
            .par_chunks(part * self.c_in * inputs)
            .zip(output_gradient.par_chunks(part * self.c_out * outputs))
            .map(|(input, output_gradient)| {
                let mut gradient = vec![T::zero(); size];
                if at_once > 1 {
                    self.add_weight_gradient(at_once, input, output_gradient, &mut gradient);
                    return gradient;
                }
                let mut columns = Columns::default();
                let groups =
                    input.chunks(self.group_in() * inputs).zip(output_gradient.chunks(self.group_out() * outputs));
                for (index, (input, output_gradient)) in groups.enumerate() {
                    let gradient = &mut gradient[index % self.groups * filters..][..filters];
                    if self.is_direct() {
                        for (output_gradient, gradient) in
                            output_gradient.chunks(outputs).zip(gradient.chunks_mut(self.depth()))
                        {
                            depthwise::kernel_gradient(&self.plane, input, output_gradient, gradient);
                        }
                        continue;
                    }
                    for rows in self.tiles(size_of::<T>()) {
                        let (first, width) = (rows.start * self.plane.output.1, rows.len() * self.plane.output.1);
                        let columns = columns.unroll(self, input, rows).transposed();
                        let gradients = Matrix::part(&output_gradient[first..], self.group_out(), width, outputs);
                        multiply_into(gradient, self.depth(), gradients, columns, true);
                    }
                }
                gradient
            })
            .collect();
        parts.into_iter().fold(vec![T::zero(); size], |mut sum, part| {
            sum.iter_mut().zip(part).for_each(|(s, p)| *s += p);
            sum
        })
    }

    /// The adjoint of [`Columns::unroll`]: adds every unrolled value back where it was read.
    fn fold<T: WithDType>(&self, columns: &[T], rows: Range<usize>, input: &mut [T]) {
        let (first, width) = (rows.start * self.plane.output.1, rows.len() * self.plane.output.1);
        let stride = self.plane.window.stride;
        for (input, columns) in input.chunks_mut(self.plane.input_len()).zip(columns.chunks(self.plane.taps() * width))
        {
            self.plane.stretches(rows.clone(), |s| {
                let row = &columns[s.tap * width..][s.output.start - first..s.output.end - first];
                pair(row.iter(), input[s.input..].iter_mut(), stride, |c, i| *i += *c);
            });
        }
    }
}

/// A buffer for unrolled input (im2col).
struct Columns<T>(Vec<T>);

impl<T> Default for Columns<T> {
    fn default() -> Self {
        Columns(Vec::new())
    }
}

impl<T: WithDType> Columns<T> {
    /// The input values under each output of `rows`: ((channel, tap), (output row, output column)).
    fn unroll<'a>(&'a mut self, shape: &ConvShape, input: &'a [T], rows: Range<usize>) -> Matrix<'a, T> {
        let plane = &shape.plane;
        if plane.window.is_pointwise() {
            let (first, width) = (rows.start * plane.output.1, rows.len() * plane.output.1);
            return Matrix::part(&input[first..], shape.depth(), width, plane.input_len());
        }
        let (first, width) = (rows.start * plane.output.1, rows.len() * plane.output.1);
        self.0.clear();
        self.0.resize(shape.depth() * width, T::zero());
        for (input, columns) in input.chunks(plane.input_len()).zip(self.0.chunks_mut(plane.taps() * width)) {
            plane.stretches(rows.clone(), |s| {
                let row = &mut columns[s.tap * width..][s.output.start - first..s.output.end - first];
                pair(row.iter_mut(), input[s.input..].iter(), plane.window.stride, |c, i| *c = *i);
            });
        }
        Matrix::rows(&self.0, shape.depth(), width)
    }
}

/// The elements of a contiguous tensor.
pub(super) fn slice<'a, T: WithDType>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [T]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&T::cpu_storage_as_slice(storage)?[start..end]),
        None => bail!("this operation needs contiguous tensors"),
    }
}

/// An operation of two tensors that runs in f32 and in f64.
macro_rules! binary_operation {
    ($name:ident, $label:literal, $method:ident, $shape:expr $(, $backward:item)?) => {
        struct $name(ConvShape);

        impl CustomOp2 for $name {
            fn name(&self) -> &'static str {
                $label
            }

            fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
                let storage = match s1.dtype() {
                    DType::F32 => CpuStorage::F32(self.0.$method::<f32>(slice(s1, l1)?, slice(s2, l2)?)),
                    DType::F64 => CpuStorage::F64(self.0.$method::<f64>(slice(s1, l1)?, slice(s2, l2)?)),
                    other => bail!("{}: {other:?} is not supported, convert to f32 or f64", $label),
                };
                Ok((storage, $shape(&self.0)))
            }

            $($backward)?
        }
    };
}

binary_operation!(
    Convolution,
    "conv2d",
    forward,
    |s: &ConvShape| Shape::from((s.batch, s.c_out, s.plane.output.0, s.plane.output.1)),
    fn bwd(
        &self,
        input: &Tensor,
        weight: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let gradient = gradient.contiguous()?;
        let of_input = || gradient.apply_op2_no_bwd(weight, &InputGradient(self.0));
        let of_weight = || input.apply_op2_no_bwd(&gradient, &WeightGradient(self.0));
        Ok((input.track_op().then(of_input).transpose()?, weight.track_op().then(of_weight).transpose()?))
    }
);
binary_operation!(InputGradient, "conv2d input gradient", input_gradient, |s: &ConvShape| Shape::from((
    s.batch,
    s.c_in,
    s.plane.input.0,
    s.plane.input.1
)));
binary_operation!(WeightGradient, "conv2d weight gradient", weight_gradient, |s: &ConvShape| Shape::from((
    s.c_out,
    s.group_in(),
    s.plane.window.kernel.0,
    s.plane.window.kernel.1
)));
