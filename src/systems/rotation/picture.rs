//! Upright pictures, their views under any rotation, and pictures without content.

use std::f64::consts::TAU;

use crate::math::Stream;

/// Red, green, blue; near 0..=1.
pub type Colour = [f64; 3];

/// An upright picture that can be seen under any rotation.
pub trait UprightPicture: Send + Sync {
    /// The picture rotated counter-clockwise by `angle` (radians): (3, size, size), values near -0.5..0.5, 0 outside the
    /// picture.
    fn view(&self, angle: f64, size: usize) -> Vec<f32>;
}

/// (3, size, size) pixels, each the mean of `colour` over `fine` × `fine` points in it, less one half. Points are (right, up)
/// in -1..1; `None` counts as the middle grey. Normal noise of standard deviation `noise` from `stream` is added.
pub(super) fn pixels(
    size: usize,
    fine: usize,
    (noise, stream): (f64, &mut Stream),
    colour: impl Fn(f64, f64) -> Option<Colour>,
) -> Vec<f32> {
    let mut pixels = vec![0.0; 3 * size * size];
    let point =
        |pixel: usize, part: usize| ((2 * part + 1) as f64 / fine as f64 + 2.0 * pixel as f64) / size as f64 - 1.0;
    for (row, column) in (0..size).flat_map(|row| (0..size).map(move |column| (row, column))) {
        let mut sum = [0.0; 3];
        for (down, right) in (0..fine).flat_map(|down| (0..fine).map(move |right| (down, right))) {
            if let Some(colour) = colour(point(column, right), -point(row, down)) {
                (0..3).for_each(|k| sum[k] += (colour[k] - 0.5) / (fine * fine) as f64);
            }
        }
        for (channel, value) in sum.into_iter().enumerate() {
            let noise = if noise > 0.0 { noise * stream.normal() } else { 0.0 };
            pixels[(channel * size + row) * size + column] = (value + noise) as f32;
        }
    }
    pixels
}

/// The point of the upright picture that appears at (u, v) after a counter-clockwise rotation by an angle with this sine and
/// cosine.
pub(super) fn source_point((sin, cos): (f64, f64), u: f64, v: f64) -> (f64, f64) {
    (cos * u + sin * v, cos * v - sin * u)
}

/// How many waves a picture without content has.
const WAVES: usize = 40;

/// A picture without content: plane waves of every direction, so that no angle is upright. A network that predicts its
/// rotation reads traces that the making of views leaves.
#[derive(Clone, Debug)]
pub struct NoisePicture {
    /// Wave vector, phase and colour of each.
    waves: Vec<([f64; 2], f64, Colour)>,
    seed: u64,
}

impl NoisePicture {
    /// Picture `number` of the collection `seed`: wavelengths from 0.15 (three pixels of 28) to 1.
    pub fn draw(seed: u64, number: u64) -> Self {
        let mut stream = Stream::numbered(seed, number);
        let mut wave = || {
            let (sin, cos) = (TAU * stream.uniform()).sin_cos();
            let speed = TAU / (0.15 + 0.85 * stream.uniform());
            let colour = [0.0; 3].map(|_: f64| 0.3 * stream.normal() / (WAVES as f64 / 2.0).sqrt());
            ([speed * cos, speed * sin], TAU * stream.uniform(), colour)
        };
        let waves = (0..WAVES).map(|_| wave()).collect();
        Self { waves, seed: stream.bits() }
    }
}

impl UprightPicture for NoisePicture {
    fn view(&self, angle: f64, size: usize) -> Vec<f32> {
        let rotation = angle.sin_cos();
        let mut stream = Stream::numbered(self.seed, angle.to_bits());
        pixels(size, 2, (super::scene::NOISE, &mut stream), |u, v| {
            let (x, y) = source_point(rotation, u, v);
            (u * u + v * v < 1.0).then(|| {
                let mut colour = [0.5; 3];
                for ([along, up], phase, own) in &self.waves {
                    let height = (along * x + up * y + phase).sin();
                    (0..3).for_each(|k| colour[k] += own[k] * height);
                }
                colour
            })
        })
    }
}
