//! Upright scenes as functions of the place, and their views under any rotation.
//!
//! A view rotates the place that is asked for, never pixels: there is no resampling whose traces would tell the angle. A
//! round mask keeps the corners from telling it.

use crate::math::Stream;

type Colour = [f64; 3];

/// What stands in a scene. Places are (x, y) in -1..=1, y upwards.
#[derive(Clone, Debug)]
enum Thing {
    /// An upright rectangle with two columns of windows from its foot upwards.
    Building { left: f64, right: f64, foot: f64, top: f64, wall: Colour, window: Colour },
    /// A crown that narrows upwards, on a trunk.
    Tree { x: f64, foot: f64, height: f64, crown: Colour },
    /// A disc.
    Disc { x: f64, y: f64, radius: f64, colour: Colour },
}

/// A scene before it is looked at.
#[derive(Clone, Debug)]
pub struct Scene {
    above: Colour,
    at_horizon: Colour,
    ground: Colour,
    horizon: f64,
    things: Vec<Thing>,
    /// Whether a quarter turn leaves it as it is, so that its angle cannot be known beyond that.
    ambiguous: bool,
    seed: u64,
}

/// Standard deviation of the noise on a pixel.
const NOISE: f64 = 0.02;

impl Scene {
    /// Scene `number` of the collection `seed`: sky above ground, a sun, buildings and trees; or, if `ambiguous`, discs
    /// that a quarter turn leaves as they are.
    pub fn draw(seed: u64, number: u64, ambiguous: bool) -> Self {
        let mut stream = Stream::numbered(seed, number);
        let stream = &mut stream;
        let above = colour(stream, [0.0, 0.2, 0.5], [0.5, 0.6, 1.0]);
        let at_horizon = colour(stream, [0.5, 0.5, 0.5], [1.0, 0.9, 0.9]);
        let ground = colour(stream, [0.1, 0.1, 0.0], [0.6, 0.5, 0.3]);
        let mut things = Vec::new();
        if ambiguous {
            for _ in 0..4 {
                let colour = colour(stream, [0.0; 3], [1.0; 3]);
                let [x, y, radius] = [stream.uniform(), stream.uniform(), 0.1 + 0.3 * stream.uniform()];
                things.push(Thing::Disc { x, y, radius, colour });
            }
            return Self { above, at_horizon, ground, horizon: 0.0, things, ambiguous, seed: stream.bits() };
        }
        let horizon = between(stream, -0.4, 0.2);
        let [x, y, radius] = [between(stream, -0.7, 0.7), between(stream, 0.45, 0.8), between(stream, 0.08, 0.18)];
        things.push(Thing::Disc { x, y, radius, colour: [1.0, 0.95, 0.6] });
        for _ in 0..3 {
            let [left, width, height] =
                [between(stream, -0.9, 0.7), between(stream, 0.15, 0.4), between(stream, 0.2, 0.7)];
            let wall = [between(stream, 0.2, 0.8), between(stream, 0.2, 0.7), between(stream, 0.2, 0.7)];
            let window = [between(stream, 0.7, 1.0), between(stream, 0.7, 1.0), between(stream, 0.2, 0.6)];
            let foot = horizon - between(stream, 0.0, 0.15);
            things.push(Thing::Building { left, right: left + width, foot, top: foot + height, wall, window });
        }
        for _ in 0..2 {
            let [x, foot, height] =
                [between(stream, -0.8, 0.8), horizon - between(stream, 0.05, 0.35), between(stream, 0.3, 0.6)];
            let crown = [between(stream, 0.0, 0.3), between(stream, 0.3, 0.6), between(stream, 0.0, 0.2)];
            things.push(Thing::Tree { x, foot, height, crown });
        }
        Self { above, at_horizon, ground, horizon, things, ambiguous, seed: stream.bits() }
    }

    /// The scene turned counter-clockwise by `angle` (radians), (3, size, size), each value near -0.5..0.5: the mean over
    /// 2 × 2 places of each pixel, with noise of its own.
    pub fn view(&self, angle: f64, size: usize) -> Vec<f32> {
        let (sin, cos) = angle.sin_cos();
        let mut pixels = vec![0.0; 3 * size * size];
        // The noise belongs to the view, so that it turns with nothing.
        let mut stream = Stream::numbered(self.seed, angle.to_bits());
        let place = |pixel: usize, half: usize| (2 * pixel + half) as f64 / size as f64 + 0.5 / size as f64 - 1.0;
        for (row, column) in (0..size).flat_map(|row| (0..size).map(move |column| (row, column))) {
            let mut sum = [0.0; 3];
            for (down, right) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                let (u, v) = (place(column, right), -place(row, down));
                if u * u + v * v < 1.0 {
                    let seen = self.colour(cos * u + sin * v, cos * v - sin * u);
                    (0..3).for_each(|k| sum[k] += 0.25 * (seen[k] - 0.5));
                }
            }
            for (channel, value) in sum.into_iter().enumerate() {
                pixels[(channel * size + row) * size + column] = (value + NOISE * stream.normal()) as f32;
            }
        }
        pixels
    }

    fn colour(&self, x: f64, y: f64) -> Colour {
        // Every quarter of an ambiguous scene is the first one, turned.
        let (x, y) = match (self.ambiguous, x >= 0.0, y >= 0.0) {
            (false, ..) | (_, true, true) => (x, y),
            (_, false, true) => (y, -x),
            (_, false, false) => (-x, -y),
            (_, true, false) => (-y, x),
        };
        self.things.iter().rev().find_map(|thing| thing.colour(x, y)).unwrap_or_else(|| {
            if self.ambiguous || y < self.horizon {
                return self.ground;
            }
            let height = ((y - self.horizon) / (1.0 - self.horizon)).min(1.0);
            [0, 1, 2].map(|k| self.at_horizon[k] + height * (self.above[k] - self.at_horizon[k]))
        })
    }
}

fn between(stream: &mut Stream, low: f64, high: f64) -> f64 {
    low + (high - low) * stream.uniform()
}

fn colour(stream: &mut Stream, low: Colour, high: Colour) -> Colour {
    [0, 1, 2].map(|k| between(stream, low[k], high[k]))
}

impl Thing {
    /// Its colour at a place, if it is there.
    fn colour(&self, x: f64, y: f64) -> Option<Colour> {
        match *self {
            Self::Building { left, right, foot, top, wall, window } => {
                let inside = (left..right).contains(&x) && (foot..top).contains(&y);
                let (column, floor) = (4.0 * (x - left) / (right - left), (y - foot) / 0.07);
                let glass = column as usize % 2 == 1 && floor as usize % 2 == 1;
                inside.then_some(if glass { window } else { wall })
            }
            Self::Tree { x: middle, foot, height, crown } => {
                let (aside, up) = ((x - middle).abs(), (y - foot) / height);
                let trunk = (0.0..0.35).contains(&up) && aside < 0.03;
                let leaves = (0.35..1.0).contains(&up) && aside < 0.25 * (1.0 - up);
                (trunk || leaves).then_some(if leaves { crown } else { [0.35, 0.2, 0.1] })
            }
            Self::Disc { x: middle, y: height, radius, colour } => {
                ((x - middle).hypot(y - height) < radius).then_some(colour)
            }
        }
    }
}
