//! One filter over one plane: what a depthwise convolution does to each channel.

use candle_core::WithDType;

use super::window::Plane;

/// output += kernel ∗ input.
pub(super) fn forward<T: WithDType>(plane: &Plane, input: &[T], kernel: &[T], output: &mut [T]) {
    let stride = plane.window.stride;
    plane.stretches(0..plane.output.0, |s| {
        let weight = kernel[s.tap];
        for (o, i) in output[s.output].iter_mut().zip(input[s.input..].iter().step_by(stride)) {
            *o += weight * *i;
        }
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
        for (g, i) in output_gradient[s.output].iter().zip(input_gradient[s.input..].iter_mut().step_by(stride)) {
            *i += weight * *g;
        }
    });
}

/// kernel_gradient += the same with respect to the kernel.
pub(super) fn kernel_gradient<T: WithDType>(
    plane: &Plane,
    input: &[T],
    output_gradient: &[T],
    kernel_gradient: &mut [T],
) {
    let stride = plane.window.stride;
    plane.stretches(0..plane.output.0, |s| {
        let row = output_gradient[s.output].iter().zip(input[s.input..].iter().step_by(stride));
        kernel_gradient[s.tap] += row.fold(T::zero(), |sum, (g, i)| sum + *g * *i);
    });
}
