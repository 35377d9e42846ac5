//! Drawn grey pictures: shapes with textures to learn from first, new shapes (near) or line drawings in inverted contrast
//! and spectrograms (far) afterwards.

use std::f64::consts::TAU;

use candle_core::{Device, Tensor};

use crate::math::Stream;
use crate::nn::{Examples, NnError};

/// A collection of classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Collection {
    /// Five shapes with four textures.
    Dataset,
    /// Five other shapes with two of the textures.
    Near,
    /// Outlines of the source's shapes, dark on bright, and five kinds of spectrogram.
    Far,
}

/// Whether a point is inside a shape of radius 1.
type Shape = fn(f64, f64) -> bool;

/// Disc, square, triangle, cross, ring; then diamond, half a disc, an L, a bar, a frame.
const SHAPES: [Shape; 10] = [
    |x, y| x * x + y * y < 1.0,
    |x, y| x.abs().max(y.abs()) < 0.85,
    |x, y| y > -0.8 && y < 1.0 - 1.8 * x.abs(),
    |x, y| x.abs().max(y.abs()) < 1.0 && x.abs().min(y.abs()) < 0.35,
    |x, y| (0.3..1.0).contains(&(x * x + y * y)),
    |x, y| x.abs() + y.abs() < 1.1,
    |x, y| x * x + y * y < 1.1 && y > -0.1,
    |x, y| x.abs().max(y.abs()) < 0.95 && (x < -0.2 || y < -0.2),
    |x, y| x.abs() < 1.1 && y.abs() < 0.4,
    |x, y| (0.5..0.95).contains(&x.abs().max(y.abs())),
];

/// Plain, stripes across, stripes down, checks: brightness at a pixel of a pattern with a phase.
const TEXTURES: [fn(usize, usize) -> bool; 4] = [
    |_, _| true,
    |row, _| row / 2 % 2 == 0,
    |_, column| column / 2 % 2 == 0,
    |row, column| (row / 2 + column / 2) % 2 == 0,
];

/// Energy of a spectrogram at a time and a frequency, both 0..1: a rising and a falling chirp, harmonics, bursts, a warble.
const SPECTRA: [fn(f64, f64, f64) -> f64; 5] = [
    |time, frequency, shift| ridge(frequency - 0.1 - 0.7 * time - 0.2 * shift),
    |time, frequency, shift| ridge(frequency - 0.8 + 0.7 * time - 0.2 * shift),
    |_, frequency, shift| ridge(((frequency + 0.25 * shift) / 0.25).fract() * 0.25 - 0.125),
    |time, _, shift| ridge(((time + 0.33 * shift) / 0.33).fract() * 0.33 - 0.165),
    |time, frequency, shift| ridge(frequency - 0.5 - 0.25 * (TAU * (2.0 * time + shift)).sin()),
];

fn ridge(distance: f64) -> f64 {
    (-(distance / 0.07).powi(2)).exp()
}

impl Collection {
    /// Number of classes.
    pub fn classes(self) -> usize {
        if self == Self::Dataset { 20 } else { 10 }
    }

    /// `per_class` pictures (1, edge, edge) of each class, drawn under `seed`.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn draw(self, per_class: usize, edge: usize, seed: u64) -> Result<Examples, NnError> {
        let count = per_class * self.classes();
        let (mut pixels, mut labels) = (Vec::with_capacity(count * edge * edge), Vec::with_capacity(count));
        let mut stream = Stream::named(seed, "pictures");
        for number in 0..count {
            let class = number % self.classes();
            pixels.extend(self.picture(class, edge, &mut stream));
            labels.push(class as u32);
        }
        let pixels = Tensor::from_vec(pixels, (count, 1, edge, edge), &Device::Cpu)?;
        Ok(Examples::new(pixels, Tensor::new(labels, &Device::Cpu)?))
    }

    fn picture(self, class: usize, edge: usize, stream: &mut Stream) -> Vec<f32> {
        let mut between = |low: f64, high: f64| low + (high - low) * stream.uniform();
        let (x, y, radius) = (between(-0.25, 0.25), between(-0.25, 0.25), between(0.5, 0.75));
        let (sin, cos) = between(-0.25, 0.25).sin_cos();
        let (bright, dark, shift) = (between(0.6, 1.0), between(0.0, 0.25), between(0.0, 1.0));
        let phase = (between(0.0, 4.0) as usize, between(0.0, 4.0) as usize);
        let brightness = |row: usize, column: usize| {
            let coordinate = |pixel: usize| (2.0 * pixel as f64 + 1.0) / edge as f64 - 1.0;
            let (right, up) = ((coordinate(column) - x) / radius, (-coordinate(row) - y) / radius);
            let (u, v) = (cos * right + sin * up, cos * up - sin * right);
            let textured = |shape: usize, texture: usize| {
                let is_bright = SHAPES[shape](u, v) && TEXTURES[texture](row + phase.0, column + phase.1);
                if is_bright { bright } else { dark }
            };
            match self {
                Self::Dataset => textured(class / 4, class % 4),
                Self::Near => textured(5 + class / 2, 1 + 2 * (class % 2)),
                Self::Far if class < 5 => {
                    let is_line = SHAPES[class](u, v) && !SHAPES[class](1.35 * u, 1.35 * v);
                    if is_line { dark } else { bright }
                }
                Self::Far => {
                    let share = |pixel: usize| (pixel as f64 + 0.5) / edge as f64;
                    dark + (bright - dark) * SPECTRA[class - 5](share(column), 1.0 - share(row), shift)
                }
            }
        };
        let clear: Vec<f64> = (0..edge * edge).map(|pixel| brightness(pixel / edge, pixel % edge)).collect();
        clear.into_iter().map(|value| (value - 0.4 + 0.15 * stream.normal()) as f32).collect()
    }
}
