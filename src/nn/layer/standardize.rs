//! Rows brought to mean 0 and variance 1: the one operation under layer, group and batch normalisation.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp1, CustomOp2, DType, Layout, Result, Shape, Tensor, WithDType, bail};
use rayon::prelude::*;

use super::conv::slice;

/// (x - mean) / √(variance + ε) of each row of `input` (rows, width), with the variance divided by the width.
/// candle's own layer norm returns no gradient.
///
/// # Errors
/// If the input does not have two dimensions, or is not f32 or f64.
pub(super) fn standardize(input: &Tensor, epsilon: f64) -> Result<Tensor> {
    let (_, width) = input.dims2()?;
    input.contiguous()?.apply_op1(Standardize { width, epsilon })
}

#[derive(Clone, Copy)]
struct Standardize {
    width: usize,
    epsilon: f64,
}

/// Sums side by side, which compile to vector instructions; a single sum waits for each addition.
const LANES: usize = 8;

/// Σ f(value) in f64.
fn sum<T: WithDType>(row: &[T], f: impl Fn(f64) -> f64) -> f64 {
    let (chunks, rest) = row.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for chunk in chunks {
        for lane in 0..LANES {
            sums[lane] += f(chunk[lane].to_f64());
        }
    }
    sums.into_iter().sum::<f64>() + rest.iter().map(|value| f(value.to_f64())).sum::<f64>()
}

/// Σ f(value, other) in f64.
fn sum_of_pairs<T: WithDType>(row: &[T], other: &[T], f: impl Fn(f64, f64) -> f64) -> f64 {
    let ((chunks, rest), (others, other_rest)) = (row.as_chunks::<LANES>(), other.as_chunks::<LANES>());
    let mut sums = [0.0; LANES];
    for (chunk, other) in chunks.iter().zip(others) {
        for lane in 0..LANES {
            sums[lane] += f(chunk[lane].to_f64(), other[lane].to_f64());
        }
    }
    let rest = rest.iter().zip(other_rest).map(|(value, other)| f(value.to_f64(), other.to_f64())).sum::<f64>();
    sums.into_iter().sum::<f64>() + rest
}

/// Mean and 1/√(variance + ε) of a row, summed in f64.
fn moments<T: WithDType>(row: &[T], epsilon: f64) -> (f64, f64) {
    let count = row.len() as f64;
    let mean = sum(row, |value| value) / count;
    let variance = sum(row, |value| (value - mean).powi(2)) / count;
    (mean, (variance + epsilon).sqrt().recip())
}

impl Standardize {
    fn forward<T: WithDType>(&self, input: &[T]) -> Vec<T> {
        let mut output = vec![T::zero(); input.len()];
        output.par_chunks_mut(self.width).zip(input.par_chunks(self.width)).for_each(|(output, input)| {
            let (mean, scale) = moments(input, self.epsilon);
            for (o, i) in output.iter_mut().zip(input) {
                *o = T::from_f64((i.to_f64() - mean) * scale);
            }
        });
        output
    }

    /// With y the output and s = 1/√(variance + ε): dx = s (g - mean(g) - y mean(g y)).
    fn gradient<T: WithDType>(&self, input: &[T], output_gradient: &[T]) -> Vec<T> {
        let mut gradient = vec![T::zero(); input.len()];
        let rows = input.par_chunks(self.width).zip(output_gradient.par_chunks(self.width));
        gradient.par_chunks_mut(self.width).zip(rows).for_each(|(gradient, (input, given))| {
            let (mean, scale) = moments(input, self.epsilon);
            let standard = |i: f64| (i - mean) * scale;
            let count = input.len() as f64;
            let level = sum(given, |g| g) / count;
            let tilt = sum_of_pairs(given, input, |g, i| g * standard(i)) / count;
            for ((d, g), i) in gradient.iter_mut().zip(given).zip(input) {
                *d = T::from_f64(scale * (g.to_f64() - level - standard(i.to_f64()) * tilt));
            }
        });
        gradient
    }
}

impl CustomOp1 for Standardize {
    fn name(&self) -> &'static str {
        "standardize"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let output = match storage.dtype() {
            DType::F32 => CpuStorage::F32(self.forward::<f32>(slice(storage, layout)?)),
            DType::F64 => CpuStorage::F64(self.forward::<f64>(slice(storage, layout)?)),
            other => bail!("normalisation: {other:?} is not supported, convert to f32 or f64"),
        };
        Ok((output, layout.shape().clone()))
    }

    fn bwd(&self, input: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        input.apply_op2_no_bwd(&gradient.contiguous()?, &StandardizeGradient(*self)).map(Some)
    }
}

struct StandardizeGradient(Standardize);

impl CustomOp2 for StandardizeGradient {
    fn name(&self) -> &'static str {
        "standardize gradient"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        let gradient = match s1.dtype() {
            DType::F64 => CpuStorage::F64(self.0.gradient::<f64>(slice(s1, l1)?, slice(s2, l2)?)),
            _ => CpuStorage::F32(self.0.gradient::<f32>(slice(s1, l1)?, slice(s2, l2)?)),
        };
        Ok((gradient, l1.shape().clone()))
    }
}
