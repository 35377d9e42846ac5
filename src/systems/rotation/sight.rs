//! What can be looked at under any angle, and how a look becomes pixels.

use std::f64::consts::TAU;

use crate::math::Stream;

/// Red, green, blue; near 0..=1.
pub type Colour = [f64; 3];

/// An upright picture that can be looked at under any angle.
pub trait Sight: Send + Sync {
    /// The picture turned counter-clockwise by `angle` (radians): (3, size, size), each value near -0.5..0.5, 0 where there
    /// is nothing to see.
    fn view(&self, angle: f64, size: usize) -> Vec<f32>;
}

/// (3, size, size) pixels, each the mean over `fine` × `fine` places in it, less one half. Places are (right, up) in
/// -1..1; `None` counts as the middle grey. Normal noise of standard deviation `noise` from `stream` comes on top.
pub fn pixels(
    size: usize,
    fine: usize,
    (noise, stream): (f64, &mut Stream),
    seen: impl Fn(f64, f64) -> Option<Colour>,
) -> Vec<f32> {
    let mut pixels = vec![0.0; 3 * size * size];
    let place =
        |pixel: usize, part: usize| ((2 * part + 1) as f64 / fine as f64 + 2.0 * pixel as f64) / size as f64 - 1.0;
    for (row, column) in (0..size).flat_map(|row| (0..size).map(move |column| (row, column))) {
        let mut sum = [0.0; 3];
        for (down, right) in (0..fine).flat_map(|down| (0..fine).map(move |right| (down, right))) {
            if let Some(colour) = seen(place(column, right), -place(row, down)) {
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

/// The place of the upright picture that is seen at (u, v) when it is turned counter-clockwise by an angle with this sine
/// and cosine.
pub fn upright((sin, cos): (f64, f64), u: f64, v: f64) -> (f64, f64) {
    (cos * u + sin * v, cos * v - sin * u)
}

/// How many waves a picture without content has.
const WAVES: usize = 40;

/// A picture without content: plane waves of every direction, so that no angle is upright. What a network says of its
/// rotation tells of traces that the making of views leaves, not of anything seen.
#[derive(Clone, Debug)]
pub struct Noise {
    /// Wave vector, phase and colour of each.
    waves: Vec<([f64; 2], f64, Colour)>,
    seed: u64,
}

impl Noise {
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

impl Sight for Noise {
    fn view(&self, angle: f64, size: usize) -> Vec<f32> {
        let turn = angle.sin_cos();
        let mut stream = Stream::numbered(self.seed, angle.to_bits());
        pixels(size, 2, (super::scene::NOISE, &mut stream), |u, v| {
            let (x, y) = upright(turn, u, v);
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
