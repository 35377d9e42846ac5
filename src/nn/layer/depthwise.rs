//! One filter over one plane: what a depthwise convolution does to each channel.

use candle_core::WithDType;

use super::window::{Plane, pair};

/// output += kernel ∗ input.
pub(super) fn forward<T: WithDType>(plane: &Plane, input: &[T], kernel: &[T], output: &mut [T]) {
    let stride = plane.window.stride;
    plane.stretches(0..plane.output.0, |s| {
        let weight = kernel[s.tap];
        pair(output[s.output].iter_mut(), input[s.input..].iter(), stride, |o, i| *o += weight * *i);
    });
}

/// input_gradient += the gradient of Σ output·output_gradient with respect to the input.
pub(super) fn input_gradient<T: WithDType>(
    plane: &Plane,
    output_gradient: &[T],
    kernel: &[T],
    input_gradient: &mut [T],
) {
    let stride = plane.window.stride;
    plane.stretches(0..plane.output.0, |s| {
        let weight = kernel[s.tap];
        pair(output_gradient[s.output].iter(), input_gradient[s.input..].iter_mut(), stride, |g, i| *i += weight * *g);
    });
}

/// kernel_gradient += the same with respect to the kernel.
pub(super) fn kernel_gradient<T: WithDType>(
    plane: &Plane,
    input: &[T],
    output_gradient: &[T],
    kernel_gradient: &mut [T],
) {
    plane.stretches(0..plane.output.0, |s| {
        kernel_gradient[s.tap] += dot(&output_gradient[s.output], &input[s.input..], plane.window.stride);
    });
}

/// Σ row[j] · plane[j · stride], in eight sums side by side, which compile to vector instructions.
fn dot<T: WithDType>(row: &[T], plane: &[T], stride: usize) -> T {
    let mut sums = [T::zero(); 8];
    let (eights, rest) = row.as_chunks::<8>();
    for (index, eight) in eights.iter().enumerate() {
        let inputs = &plane[index * 8 * stride..][..7 * stride + 1];
        for lane in 0..8 {
            sums[lane] += eight[lane] * inputs[lane * stride];
        }
    }
    pair(rest.iter(), plane.iter().skip(eights.len() * 8 * stride), stride, |g, i| sums[0] += *g * *i);
    sums.into_iter().fold(T::zero(), |total, sum| total + sum)
}
