//! A coronary tree in space: six named segments with lesions, and what of it a projection shows.
//!
//! Lengths are in units of the heart's radius. x points to the patient's left, y to the head, z to the front.

use crate::math::Stream;

/// Names of the segments.
pub const SEGMENTS: [&str; 6] = [
    "left main",
    "proximal anterior descending",
    "distal anterior descending",
    "diagonal branch",
    "proximal circumflex",
    "marginal branch",
];

/// Radius of each segment without a lesion.
const RADII: [f64; 6] = [0.11, 0.09, 0.065, 0.06, 0.085, 0.06];
/// Points along a segment.
const POINTS: usize = 22;
/// Half length of a lesion.
const LESION: f64 = 0.13;
/// A lesion is seen if its vessel runs at least this much across the view.
const ACROSS: f64 = 0.55;
/// It is covered if another vessel runs within this many radii of it.
const COVERED: f64 = 1.6;

/// The usual projections: rotation to the left side and tilt to the head, in degrees.
pub const PROJECTIONS: [(f64, f64); 8] =
    [(-30.0, -25.0), (-30.0, 25.0), (0.0, -35.0), (0.0, 35.0), (45.0, -25.0), (45.0, 25.0), (90.0, 0.0), (-10.0, 0.0)];

/// A point in space.
pub type Point = [f64; 3];

/// A projection: rotation and tilt in radians.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// Rotation about the axis from foot to head.
    pub rotation: f64,
    /// Tilt towards the head.
    pub tilt: f64,
}

impl View {
    /// The point as the view sees it: right, up.
    pub fn seen(&self, point: Point) -> [f64; 2] {
        self.turned().seen(point)
    }

    /// The same for many points.
    pub fn turned(&self) -> Turned {
        Turned { rotation: self.rotation.sin_cos(), tilt: self.tilt.sin_cos() }
    }
}

/// A projection as sines and cosines of its angles.
#[derive(Clone, Copy, Debug)]
pub struct Turned {
    rotation: (f64, f64),
    tilt: (f64, f64),
}

impl Turned {
    /// The point as the view sees it: right, up.
    pub fn seen(&self, [x, y, z]: Point) -> [f64; 2] {
        let ((sin_r, cos_r), (sin_t, cos_t)) = (self.rotation, self.tilt);
        let (right, depth) = (cos_r * x + sin_r * z, cos_r * z - sin_r * x);
        [right, cos_t * y - sin_t * depth]
    }
}

/// A narrowing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lesion {
    /// The segment, an index of [`SEGMENTS`].
    pub segment: usize,
    /// Where along it, in 0..1.
    pub place: f64,
    /// Share of the diameter that is lost.
    pub severity: f64,
}

/// A point of a vessel.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Where it is.
    pub at: Point,
    /// Radius there, lesions included.
    pub radius: f64,
    /// Length of vessel that it stands for.
    pub length: f64,
    /// Length of vessel between it and the catheter.
    pub from_catheter: f64,
    /// Its segment.
    pub segment: usize,
}

/// The segments of a patient, each a curve of points.
#[derive(Clone, Debug)]
pub struct Tree {
    curves: Vec<Vec<Point>>,
}

fn plus(a: Point, b: Point) -> Point {
    [a[0] + b[0], a[1] + b[1], a[2] + b[2]]
}

fn distance(a: Point, b: Point) -> f64 {
    (0..3).map(|k| (a[k] - b[k]).powi(2)).sum::<f64>().sqrt()
}

impl Tree {
    /// Drawn for a patient.
    pub fn drawn(stream: &mut Stream) -> Self {
        let mut about = |centre: Point, spread: f64| centre.map(|c| c + spread * (2.0 * stream.uniform() - 1.0));
        let catheter = about([-0.1, 0.85, 0.1], 0.06);
        let fork = plus(catheter, about([0.3, -0.16, 0.22], 0.07));
        let front = plus(fork, about([0.12, -0.5, 0.36], 0.12));
        let apex = plus(front, about([0.08, -0.75, -0.12], 0.14));
        let side = plus(front, about([0.62, -0.42, -0.12], 0.16));
        let back = plus(fork, about([0.38, -0.26, -0.62], 0.12));
        let edge = plus(back, about([0.2, -0.78, 0.02], 0.16));
        let ends = [(catheter, fork), (fork, front), (front, apex), (front, side), (fork, back), (back, edge)];
        let curve = |(from, to): (Point, Point)| {
            let middle = [0, 1, 2].map(|k| 0.5 * (from[k] + to[k]));
            // Vessels bulge outwards, around the heart.
            let bulge = about(middle.map(|c| 1.12 * c), 0.09);
            let at = |t: f64| {
                [0, 1, 2].map(|k| (1.0 - t).powi(2) * from[k] + 2.0 * t * (1.0 - t) * bulge[k] + t * t * to[k])
            };
            (0..POINTS).map(|k| at((k as f64 + 0.5) / POINTS as f64)).collect::<Vec<Point>>()
        };
        Self { curves: ends.map(curve).to_vec() }
    }

    /// The points of all vessels with these lesions.
    pub fn samples(&self, lesions: &[Lesion]) -> Vec<Sample> {
        let lengths: Vec<f64> = self.curves.iter().map(|curve| distance(curve[0], curve[POINTS - 1])).collect();
        // Which segment a segment follows.
        let before = [None, Some(0), Some(1), Some(1), Some(0), Some(4)];
        let mut starts = [0.0; SEGMENTS.len()];
        for (segment, parent) in before.into_iter().enumerate() {
            starts[segment] = parent.map_or(0.0, |parent: usize| starts[parent] + lengths[parent]);
        }
        let mut found = Vec::with_capacity(SEGMENTS.len() * POINTS);
        for (segment, curve) in self.curves.iter().enumerate() {
            for (k, &at) in curve.iter().enumerate() {
                let (earlier, later) = (curve[k.saturating_sub(1)], curve[(k + 1).min(POINTS - 1)]);
                let steps = ((k + 1).min(POINTS - 1) - k.saturating_sub(1)) as f64;
                let mut radius = RADII[segment];
                for lesion in lesions.iter().filter(|lesion| lesion.segment == segment) {
                    let away = distance(at, self.at(lesion)) / LESION;
                    radius *= 1.0 - lesion.severity * (-away.powi(4)).exp();
                }
                found.push(Sample {
                    at,
                    radius,
                    length: distance(earlier, later) / steps,
                    from_catheter: starts[segment] + distance(curve[0], at),
                    segment,
                });
            }
        }
        found
    }

    fn at(&self, lesion: &Lesion) -> Point {
        self.curves[lesion.segment][Self::index(lesion)]
    }

    fn index(lesion: &Lesion) -> usize {
        ((lesion.place * POINTS as f64) as usize).min(POINTS - 1)
    }

    /// Whether a view shows a lesion: its vessel runs across the view, and no other vessel covers it.
    pub fn is_visible(&self, lesion: &Lesion, view: &View) -> bool {
        let (curve, k, view) = (&self.curves[lesion.segment], Self::index(lesion), view.turned());
        let (earlier, later) = (curve[k.saturating_sub(1)], curve[(k + 1).min(POINTS - 1)]);
        let (a, b) = (view.seen(earlier), view.seen(later));
        let across = (a[0] - b[0]).hypot(a[1] - b[1]) / distance(earlier, later).max(1e-9);
        // A lesion is looked for in thousands of trees, and most views fail here.
        if across < ACROSS {
            return false;
        }
        let at = self.at(lesion);
        let here = view.seen(at);
        let covers = |segment: usize, point: Point| {
            let there = view.seen(point);
            (here[0] - there[0]).hypot(here[1] - there[1]) < COVERED * RADII[segment]
                && distance(point, at) > 2.0 * LESION
        };
        let mut others = self.curves.iter().enumerate().filter(|(segment, _)| *segment != lesion.segment);
        !others.any(|(segment, other)| other.iter().any(|&point| covers(segment, point)))
    }
}
