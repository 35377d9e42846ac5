//! Upright scenes as functions of the point, and their views under any rotation.
//!
//! A view rotates the points of a scene, never pixels: there is no resampling whose traces would give away the angle. A round
//! mask keeps the corners from giving it away.

use crate::math::Stream;
use crate::systems::rotation::picture::{Colour, UprightPicture, pixels, source_point};

/// An object of a scene. Points are (x, y) in -1..=1, y upwards.
#[derive(Clone, Debug)]
enum Object {
    /// An upright rectangle with two columns of windows from its foot upwards.
    Building { left: f64, right: f64, foot: f64, top: f64, wall: Colour, window: Colour },
    /// A crown that narrows upwards, on a trunk.
    Tree { x: f64, foot: f64, height: f64, crown: Colour },
    /// A disc on a trunk.
    Crown { x: f64, foot: f64, height: f64, leaves: Colour },
    /// A person: a head on a coat on two legs.
    Figure { x: f64, foot: f64, height: f64, coat: Colour },
    /// A disc, `flat` times as wide as high.
    Disc { x: f64, y: f64, radius: f64, flat: f64, colour: Colour },
}

/// Number of classes of scenes: one kind of object (towers, firs, round trees, people) under one sky (sun, clouds, night).
pub const CLASSES: usize = 12;

/// An upright scene.
#[derive(Clone, Debug)]
pub struct Scene {
    above: Colour,
    at_horizon: Colour,
    ground: Colour,
    horizon: f64,
    objects: Vec<Object>,
    /// Whether a quarter turn leaves it as it is, so that its angle is known up to quarter turns only.
    ambiguous: bool,
    seed: u64,
}

/// Standard deviation of the noise on a pixel.
pub const NOISE: f64 = 0.02;

impl Scene {
    /// Scene `number` of the collection `seed`: sky above ground, a sun, buildings and trees; or, if `ambiguous`, discs
    /// that a quarter turn leaves as they are.
    pub fn draw(seed: u64, number: u64, ambiguous: bool) -> Self {
        let mut stream = Stream::numbered(seed, number);
        let stream = &mut stream;
        let above = colour(stream, [0.0, 0.2, 0.5], [0.5, 0.6, 1.0]);
        let at_horizon = colour(stream, [0.5, 0.5, 0.5], [1.0, 0.9, 0.9]);
        let ground = colour(stream, [0.1, 0.1, 0.0], [0.6, 0.5, 0.3]);
        let mut objects = Vec::new();
        if ambiguous {
            for _ in 0..4 {
                let colour = colour(stream, [0.0; 3], [1.0; 3]);
                let [x, y, radius] = [stream.uniform(), stream.uniform(), 0.1 + 0.3 * stream.uniform()];
                objects.push(Object::Disc { x, y, radius, flat: 1.0, colour });
            }
            return Self { above, at_horizon, ground, horizon: 0.0, objects, ambiguous, seed: stream.bits() };
        }
        let horizon = between(stream, -0.4, 0.2);
        let [x, y, radius] = [between(stream, -0.7, 0.7), between(stream, 0.45, 0.8), between(stream, 0.08, 0.18)];
        objects.push(Object::Disc { x, y, radius, flat: 1.0, colour: SUN });
        (0..3).for_each(|_| objects.push(building(stream, horizon)));
        (0..2).for_each(|_| objects.push(tree(stream, horizon)));
        Self { above, at_horizon, ground, horizon, objects, ambiguous, seed: stream.bits() }
    }

    /// Scene `number` of the collection `seed` that belongs to `class`, of [`CLASSES`]: three objects of one kind under a
    /// sky with a sun, with clouds, or at night.
    pub fn of_class(seed: u64, number: u64, class: usize) -> Self {
        let mut stream = Stream::numbered(seed, number);
        let stream = &mut stream;
        let (kind, sky) = (class / 3, class % 3);
        let night = sky == 2;
        let day = |low: f64, high: f64| if night { (0.3 * low, 0.3 * high) } else { (low, high) };
        let shade = |stream: &mut Stream, low: Colour, high: Colour| {
            [0, 1, 2].map(|k| {
                let (low, high) = day(low[k], high[k]);
                between(stream, low, high)
            })
        };
        let above = shade(stream, [0.0, 0.2, 0.5], [0.5, 0.6, 1.0]);
        let at_horizon = shade(stream, [0.5, 0.5, 0.5], [1.0, 0.9, 0.9]);
        let ground = shade(stream, [0.1, 0.1, 0.0], [0.6, 0.5, 0.3]);
        let horizon = between(stream, -0.4, 0.2);
        let mut objects = Vec::new();
        let hung = |stream: &mut Stream, (small, large): (f64, f64), flat: f64, colour: Colour| {
            let [x, y, radius] =
                [between(stream, -0.7, 0.7), between(stream, 0.45, 0.8), between(stream, small, large)];
            Object::Disc { x, y, radius, flat, colour }
        };
        match sky {
            0 => objects.push(hung(stream, (0.08, 0.18), 1.0, SUN)),
            1 => (0..3).for_each(|_| objects.push(hung(stream, (0.06, 0.12), 2.5, [0.95; 3]))),
            _ => (0..5).for_each(|_| objects.push(hung(stream, (0.03, 0.06), 1.0, [1.0; 3]))),
        }
        for _ in 0..3 {
            objects.push(match kind {
                0 => building(stream, horizon),
                1 => tree(stream, horizon),
                2 => {
                    let [x, foot, height] = upright_size(stream, horizon);
                    let leaves = colour(stream, [0.0, 0.3, 0.0], [0.3, 0.6, 0.2]);
                    Object::Crown { x, foot, height, leaves }
                }
                _ => {
                    let [x, foot, height] = upright_size(stream, horizon);
                    Object::Figure { x, foot, height, coat: colour(stream, [0.1; 3], [0.9; 3]) }
                }
            });
        }
        Self { above, at_horizon, ground, horizon, objects, ambiguous: false, seed: stream.bits() }
    }

    fn colour(&self, x: f64, y: f64) -> Colour {
        // Every quarter of an ambiguous scene is the first one, rotated.
        let (x, y) = match (self.ambiguous, x >= 0.0, y >= 0.0) {
            (false, ..) | (_, true, true) => (x, y),
            (_, false, true) => (y, -x),
            (_, false, false) => (-x, -y),
            (_, true, false) => (-y, x),
        };
        self.objects.iter().rev().find_map(|object| object.colour(x, y)).unwrap_or_else(|| {
            if self.ambiguous || y < self.horizon {
                return self.ground;
            }
            let height = ((y - self.horizon) / (1.0 - self.horizon)).min(1.0);
            [0, 1, 2].map(|k| self.at_horizon[k] + height * (self.above[k] - self.at_horizon[k]))
        })
    }
}

impl UprightPicture for Scene {
    fn view(&self, angle: f64, size: usize) -> Vec<f32> {
        let rotation = angle.sin_cos();
        // The noise belongs to the view, so that it rotates with nothing.
        let mut stream = Stream::numbered(self.seed, angle.to_bits());
        pixels(size, 2, (NOISE, &mut stream), |u, v| {
            let (x, y) = source_point(rotation, u, v);
            (u * u + v * v < 1.0).then(|| self.colour(x, y))
        })
    }
}

const SUN: Colour = [1.0, 0.95, 0.6];

fn building(stream: &mut Stream, horizon: f64) -> Object {
    let [left, width, height] = [between(stream, -0.9, 0.7), between(stream, 0.15, 0.4), between(stream, 0.2, 0.7)];
    let wall = colour(stream, [0.2; 3], [0.8, 0.7, 0.7]);
    let window = colour(stream, [0.7, 0.7, 0.2], [1.0, 1.0, 0.6]);
    let foot = horizon - between(stream, 0.0, 0.15);
    Object::Building { left, right: left + width, foot, top: foot + height, wall, window }
}

fn tree(stream: &mut Stream, horizon: f64) -> Object {
    let [x, foot, height] = upright_size(stream, horizon);
    Object::Tree { x, foot, height, crown: colour(stream, [0.0, 0.3, 0.0], [0.3, 0.6, 0.2]) }
}

/// Middle, foot and height of an upright object before the horizon.
fn upright_size(stream: &mut Stream, horizon: f64) -> [f64; 3] {
    [between(stream, -0.8, 0.8), horizon - between(stream, 0.05, 0.35), between(stream, 0.3, 0.6)]
}

fn between(stream: &mut Stream, low: f64, high: f64) -> f64 {
    low + (high - low) * stream.uniform()
}

fn colour(stream: &mut Stream, low: Colour, high: Colour) -> Colour {
    [0, 1, 2].map(|k| between(stream, low[k], high[k]))
}

impl Object {
    /// Its colour at a point; `None` outside it.
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
            Self::Crown { x: middle, foot, height, leaves } => {
                let (aside, up) = ((x - middle).abs(), (y - foot) / height);
                let crown = (x - middle).hypot(y - foot - 0.7 * height) < 0.3 * height;
                let trunk = (0.0..0.5).contains(&up) && aside < 0.03;
                (trunk || crown).then_some(if crown { leaves } else { [0.35, 0.2, 0.1] })
            }
            Self::Figure { x: middle, foot, height, coat } => {
                let (aside, up) = ((x - middle).abs() / height, (y - foot) / height);
                let head = aside.hypot(up - 0.87) < 0.13;
                let body = (0.35..0.76).contains(&up) && aside < 0.17;
                let legs = (0.0..0.35).contains(&up) && (0.03..0.14).contains(&aside);
                (head || body || legs).then_some(match (head, body) {
                    (true, _) => [0.85, 0.65, 0.5],
                    (_, true) => coat,
                    _ => [0.15, 0.15, 0.25],
                })
            }
            Self::Disc { x: middle, y: height, radius, flat, colour } => {
                (((x - middle) / flat).hypot(y - height) < radius).then_some(colour)
            }
        }
    }
}
