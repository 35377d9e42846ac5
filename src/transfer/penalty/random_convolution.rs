//! Random networks and blends that change how a picture looks and keep what it shows (Ouyang et al. 2022, arXiv:2111.12525).

use crate::math::Stream;

/// Channels between the layers.
const CHANNELS: usize = 2;
/// Number of layers.
const LAYERS: usize = 4;
/// Slope of the rectifier below 0.
const SLOPE: f32 = 0.01;

/// Global intensity non-linear augmentation (GIN): convolutions of size 1 or 3 with normal weights and shifts, a leaky
/// rectifier behind each but the last, mixed with the picture. Every picture draws its own.
#[derive(Clone, Debug, PartialEq)]
pub struct RandomNetwork {
    /// Layers: kernel size, weights (output, input, size, size), shifts (output).
    pub layers: Vec<(usize, Vec<f32>, Vec<f32>)>,
    /// Share of the network in the mixture, in 0..=1.
    pub share: f32,
}

impl RandomNetwork {
    /// Drawn from `stream` for pictures of so many channels, with kernels of one pixel alone if `is_pointwise`.
    pub fn draw(channels: usize, is_pointwise: bool, stream: &mut Stream) -> Self {
        let width = |layer: usize| if layer == 0 || layer == LAYERS { channels } else { CHANNELS };
        let mut layers = Vec::with_capacity(LAYERS);
        for layer in 0..LAYERS {
            let (input, output) = (width(layer), width(layer + 1));
            let size = if is_pointwise || stream.below(2) == 0 { 1 } else { 3 };
            let weights = (0..output * input * size * size).map(|_| stream.normal() as f32).collect();
            layers.push((size, weights, (0..output).map(|_| stream.normal() as f32).collect()));
        }
        Self { layers, share: stream.uniform() as f32 }
    }

    /// The picture (channels, height, width) seen through the network, scaled to the norm that it had.
    pub fn apply(&self, picture: &[f32], height: usize, width: usize) -> Vec<f32> {
        let mut values = picture.to_vec();
        for (place, (size, weights, shifts)) in self.layers.iter().enumerate() {
            values = convolve(&values, (height, width), *size, weights, shifts);
            if place + 1 < self.layers.len() {
                values.iter_mut().for_each(|value| *value = value.max(SLOPE * *value));
            }
        }
        values.iter_mut().zip(picture).for_each(|(value, own)| *value = self.share * *value + (1.0 - self.share) * own);
        let norm = |values: &[f32]| values.iter().map(|value| value * value).sum::<f32>().sqrt();
        let factor = norm(picture) / (norm(&values) + 1e-5);
        values.iter_mut().for_each(|value| *value *= factor);
        values
    }
}

/// A convolution with zeros around the picture, of the same size as it.
fn convolve(values: &[f32], (height, width): (usize, usize), size: usize, weights: &[f32], shifts: &[f32]) -> Vec<f32> {
    let (pixels, reach) = (height * width, size / 2);
    let inputs = values.len() / pixels.max(1);
    let mut found = Vec::with_capacity(shifts.len() * pixels);
    for (output, shift) in shifts.iter().enumerate() {
        let mut plane = vec![*shift; pixels];
        for input in 0..inputs {
            let own = &values[input * pixels..(input + 1) * pixels];
            for (k, weight) in weights[(output * inputs + input) * size * size..][..size * size].iter().enumerate() {
                let (dy, dx) = (k / size, k % size);
                // Rows y with y + dy - reach inside the picture.
                for y in reach.saturating_sub(dy)..height.min((height + reach).saturating_sub(dy)) {
                    let from = (y + dy - reach) * width;
                    for x in reach.saturating_sub(dx)..width.min((width + reach).saturating_sub(dx)) {
                        plane[y * width + x] += weight * own[from + x + dx - reach];
                    }
                }
            }
        }
        found.extend(plane);
    }
    found
}

/// A smooth map (height, width) from 0 to 1: cubic B-splines on uniform random control points that are `spacing` pixels
/// apart. Two pictures are blended by it (interventional pseudo-correlation augmentation, IPA).
pub fn blend_map(height: usize, width: usize, spacing: f64, stream: &mut Stream) -> Vec<f32> {
    let points = |length: usize| (length.saturating_sub(1) as f64 / spacing) as usize + 4;
    let (rows, columns) = (points(height), points(width));
    let control: Vec<f64> = (0..rows * columns).map(|_| stream.uniform()).collect();
    // Weights of the four control points around a position.
    let basis = |at: f64| {
        let (first, t) = (at.floor() as usize, at.fract());
        let s = 1.0 - t;
        let weights = [
            s * s * s / 6.0,
            (3.0 * t * t * t - 6.0 * t * t + 4.0) / 6.0,
            (3.0 * s * s * s - 6.0 * s * s + 4.0) / 6.0,
            t * t * t / 6.0,
        ];
        (first, weights)
    };
    let mut map = Vec::with_capacity(height * width);
    for y in 0..height {
        let (row, down) = basis(y as f64 / spacing);
        for x in 0..width {
            let (column, across) = basis(x as f64 / spacing);
            let mut value = 0.0;
            for (i, a) in down.iter().enumerate() {
                for (j, b) in across.iter().enumerate() {
                    value += a * b * control[(row + i) * columns + column + j];
                }
            }
            map.push(value);
        }
    }
    let (low, high) = map.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(*v), h.max(*v)));
    let scaled = |value: f64| if high > low { (value - low) / (high - low) } else { 0.5 };
    map.into_iter().map(|value| scaled(value) as f32).collect()
}
