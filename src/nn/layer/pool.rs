//! Pooling with gradients that are right for every window (candle's are not: its upstream issues 1593 and 1851).

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp1, CustomOp2, DType, Layout, Result, Shape, Tensor, WithDType, bail};
use rayon::prelude::*;

use super::conv::slice;
use super::window::{Plane, Window, pair};

/// The largest value under each window: (batch, channels, height, width) to (batch, channels, out height, out width).
/// Padding is never the largest; the output size is rounded down; NaN wins. Of equal values the first, row by row,
/// gets the gradient, as in PyTorch.
///
/// # Errors
/// If the window does not fit the input, or the dtype is not f32 or f64.
pub fn max_pool2d(input: &Tensor, window: Window) -> Result<Tensor> {
    pool(input, window, Kind::Max)
}

/// The mean under each window, zeros of the padding counted (PyTorch's `count_include_pad`); shapes as [`max_pool2d`].
///
/// # Errors
/// As [`max_pool2d`].
pub fn avg_pool2d(input: &Tensor, window: Window) -> Result<Tensor> {
    pool(input, window, Kind::Mean)
}

/// The mean of each plane: (batch, channels, height, width) to (batch, channels).
///
/// # Errors
/// If the input does not have four dimensions.
pub fn global_avg_pool(input: &Tensor) -> Result<Tensor> {
    let (batch, channels, height, width) = input.dims4()?;
    input.reshape((batch, channels, height * width))?.mean(2)
}

fn pool(input: &Tensor, window: Window, kind: Kind) -> Result<Tensor> {
    let (batch, channels, height, width) = input.dims4()?;
    let plane = Plane::new(window, (height, width))?;
    input.contiguous()?.apply_op1(Pool { kind, batch, channels, plane })
}

#[derive(Clone, Copy)]
enum Kind {
    Max,
    Mean,
}

#[derive(Clone, Copy)]
struct Pool {
    kind: Kind,
    batch: usize,
    channels: usize,
    plane: Plane,
}

impl Pool {
    fn forward<T: WithDType>(&self, input: &[T]) -> Vec<T> {
        let plane = &self.plane;
        let mut output = vec![T::zero(); self.batch * self.channels * plane.output_len()];
        output.par_chunks_mut(plane.output_len()).zip(input.par_chunks(plane.input_len())).for_each(
            |(output, input)| match self.kind {
                Kind::Max => {
                    let (values, _) = maxima(plane, input);
                    output.copy_from_slice(&values);
                }
                Kind::Mean => {
                    plane.stretches(0..plane.output.0, |s| {
                        pair(output[s.output].iter_mut(), input[s.input..].iter(), plane.window.stride, |o, i| {
                            *o += *i
                        });
                    });
                    let share = T::from_f64(1.0 / plane.taps() as f64);
                    output.iter_mut().for_each(|o| *o *= share);
                }
            },
        );
        output
    }

    fn gradient<T: WithDType>(&self, input: &[T], output_gradient: &[T]) -> Vec<T> {
        let plane = &self.plane;
        let mut gradient = vec![T::zero(); self.batch * self.channels * plane.input_len()];
        gradient
            .par_chunks_mut(plane.input_len())
            .zip(input.par_chunks(plane.input_len()))
            .zip(output_gradient.par_chunks(plane.output_len()))
            .for_each(|((gradient, input), output_gradient)| match self.kind {
                Kind::Max => {
                    let (_, winners) = maxima(plane, input);
                    for (winner, g) in winners.into_iter().zip(output_gradient) {
                        if let Some(cell) = gradient.get_mut(winner) {
                            *cell += *g;
                        }
                    }
                }
                Kind::Mean => {
                    let share = T::from_f64(1.0 / plane.taps() as f64);
                    plane.stretches(0..plane.output.0, |s| {
                        let (row, cells) = (output_gradient[s.output].iter(), gradient[s.input..].iter_mut());
                        pair(row, cells, plane.window.stride, |g, i| *i += *g * share);
                    });
                }
            });
        gradient
    }
}

/// The largest value under each window and its index in the plane; -∞ and `usize::MAX` where a window sees only padding.
fn maxima<T: WithDType>(plane: &Plane, input: &[T]) -> (Vec<T>, Vec<usize>) {
    let mut values = vec![T::from_f64(f64::NEG_INFINITY); plane.output_len()];
    let mut winners = vec![usize::MAX; plane.output_len()];
    plane.stretches(0..plane.output.0, |s| {
        for (step, o) in s.output.enumerate() {
            let index = s.input + step * plane.window.stride;
            let value = input[index];
            let is_nan = value.partial_cmp(&value).is_none();
            if value > values[o] || is_nan || winners[o] == usize::MAX {
                (values[o], winners[o]) = (value, index);
            }
        }
    });
    (values, winners)
}

impl CustomOp1 for Pool {
    fn name(&self) -> &'static str {
        match self.kind {
            Kind::Max => "max_pool2d",
            Kind::Mean => "avg_pool2d",
        }
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let output = match storage.dtype() {
            DType::F32 => CpuStorage::F32(self.forward::<f32>(slice(storage, layout)?)),
            DType::F64 => CpuStorage::F64(self.forward::<f64>(slice(storage, layout)?)),
            other => bail!("{}: {other:?} is not supported, convert to f32 or f64", self.name()),
        };
        Ok((output, (self.batch, self.channels, self.plane.output.0, self.plane.output.1).into()))
    }

    fn bwd(&self, input: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        input.apply_op2_no_bwd(&gradient.contiguous()?, &PoolGradient(*self)).map(Some)
    }
}

struct PoolGradient(Pool);

impl CustomOp2 for PoolGradient {
    fn name(&self) -> &'static str {
        "pool gradient"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        let gradient = match s1.dtype() {
            DType::F64 => CpuStorage::F64(self.0.gradient::<f64>(slice(s1, l1)?, slice(s2, l2)?)),
            _ => CpuStorage::F32(self.0.gradient::<f32>(slice(s1, l1)?, slice(s2, l2)?)),
        };
        Ok((gradient, l1.shape().clone()))
    }
}
