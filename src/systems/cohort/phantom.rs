//! Drawn patients: slices of a gland whose outer zone has a dark lesion or none.
//!
//! A slice has fat, muscle, the bright outer zone of the gland and a darker inner zone with nodules. Shape, brightness and texture
//! differ from patient to patient and are much the same in the slices of one. A lesion darkens an ellipse of the outer zone.

use std::f64::consts::TAU;

use crate::data::Picture;
use crate::math::Stream;
use crate::systems::cohort::patients::Cohort;
use crate::systems::cohort::spec::Spec;

/// Pixels along an edge.
pub const EDGE: usize = 96;
/// Waves of a patient's texture.
const WAVES: usize = 12;
/// Standard deviation of the noise in each of the two channels whose magnitude a pixel is (Rice's distribution).
const NOISE: f64 = 0.02;

/// How patients are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Phantom {
    /// What the darkest lesion takes from the brightness; the faintest takes a fifth of it.
    pub contrast: f64,
    /// Standard deviation of the texture, as a share of the brightness.
    pub texture: f64,
    /// Slices of a patient, at most.
    pub slices: usize,
}

/// A slice with its lesion.
#[derive(Clone, Debug, PartialEq)]
pub struct Slice {
    /// The picture, [`EDGE`] by [`EDGE`].
    pub picture: Picture,
    /// Whether a pixel is of the lesion, row by row; none in a patient without one.
    pub lesion: Vec<bool>,
}

/// An ellipse: centre, half axes and turn.
#[derive(Clone, Copy)]
struct Ellipse {
    x: f64,
    y: f64,
    a: f64,
    b: f64,
    turn: f64,
}

impl Ellipse {
    /// 0 at the centre, 1 on the edge.
    fn radius(&self, x: f64, y: f64) -> f64 {
        let (sin, cos) = self.turn.sin_cos();
        let (dx, dy) = (x - self.x, y - self.y);
        ((dx * cos + dy * sin) / self.a).hypot((dy * cos - dx * sin) / self.b)
    }

    /// 1 inside, 0 outside, with an edge about a pixel wide.
    fn covers(&self, x: f64, y: f64) -> f64 {
        let gap = (1.0 - self.radius(x, y)) * self.a.min(self.b);
        (gap + 0.5).clamp(0.0, 1.0)
    }
}

impl Phantom {
    /// As the settings say.
    pub fn of(spec: &Spec) -> Self {
        Self { contrast: spec.contrast, texture: spec.texture, slices: spec.slices }
    }

    /// Patients of a cohort: first those with a lesion.
    pub fn cohort(&self, seed: u64, positives: usize, negatives: usize) -> Cohort {
        let mut found = Cohort::empty(["normal".into(), "lesion".into()]);
        for patient in 0..positives + negatives {
            let name = format!("p{:04}", patient + 1);
            let is_positive = patient < positives;
            for (slice, drawn) in self.patient(seed, patient, is_positive).into_iter().enumerate() {
                let lesion = is_positive.then_some(drawn.lesion);
                found.push(patient, format!("{name}/{}", slice + 1), drawn.picture, is_positive, lesion);
            }
            found.patients.push(name);
        }
        found
    }

    /// The slices of a patient.
    pub fn patient(&self, seed: u64, number: usize, has_lesion: bool) -> Vec<Slice> {
        let mut stream = Stream::named(seed, &format!("patient {number}"));
        let mut about = |centre: f64, spread: f64| centre + spread * (2.0 * stream.uniform() - 1.0);
        let middle = EDGE as f64 / 2.0;
        let gland = Ellipse {
            x: about(middle, 3.0),
            y: about(middle, 3.0),
            a: about(31.0, 4.0),
            b: about(25.0, 3.0),
            turn: about(0.0, 0.15),
        };
        // The inner zone lies towards the front, so the outer zone is a crescent behind it.
        let inner = Ellipse { y: gland.y - 0.22 * gland.b, a: 0.68 * gland.a, b: 0.66 * gland.b, ..gland };
        let [fat, muscle, outer, within] =
            [(0.8, 0.06), (0.22, 0.04), (0.66, 0.06), (0.42, 0.05)].map(|(centre, spread)| about(centre, spread));
        let coil = (about(0.0, 0.2), about(0.0, 0.2));
        let waves: Vec<[f64; 4]> = (0..WAVES)
            .map(|_| {
                let (length, angle) = (about(9.0, 5.5), about(0.0, TAU / 4.0));
                [TAU / length * angle.cos(), TAU / length * angle.sin(), about(0.0, TAU / 2.0), about(0.0, 0.4)]
            })
            .collect();
        let nodules: Vec<(Ellipse, f64)> = (0..4)
            .map(|_| {
                let (angle, far) = (about(0.0, TAU / 2.0), about(0.35, 0.3));
                let (x, y) = (inner.x + far * inner.a * angle.cos(), inner.y + far * inner.b * angle.sin());
                (Ellipse { x, y, a: about(4.5, 2.0), b: about(4.5, 2.0), turn: 0.0 }, about(0.0, 0.22))
            })
            .collect();
        // Behind the inner zone: the lower half of the ring.
        let (angle, far) = (about(TAU / 4.0, 0.9), about(0.83, 0.05));
        let lesion = Ellipse {
            x: gland.x + far * gland.a * angle.cos(),
            y: gland.y + far * gland.b * angle.sin(),
            a: about(5.0, 1.5),
            b: about(5.0, 1.5),
            turn: about(0.0, 1.5),
        };
        let depth = self.contrast * about(0.6, 0.4);
        let slices = 1 + ((about(0.5, 0.5) * self.slices as f64) as usize).min(self.slices - 1);
        let mut drawn = Vec::new();
        for slice in 0..slices {
            let size = 1.0 - 0.04 * slice as f64;
            let shift = 0.7 * slice as f64;
            let own = |e: &Ellipse| Ellipse { a: size * e.a, b: size * e.b, ..*e };
            let (gland, inner, lesion) = (own(&gland), own(&inner), own(&lesion));
            let mut grey = Vec::with_capacity(EDGE * EDGE);
            let mut mask = Vec::with_capacity(EDGE * EDGE);
            for pixel in 0..EDGE * EDGE {
                let (x, y) = ((pixel % EDGE) as f64 + 0.5, (pixel / EDGE) as f64 + 0.5);
                let from_middle = (x - middle).hypot(y - middle) / middle;
                let around = if from_middle > 0.92 { fat } else { muscle };
                let (in_gland, in_inner) = (gland.covers(x, y), inner.covers(x, y));
                let mut tissue = around + in_gland * (outer - around) + in_gland * in_inner * (within - outer);
                for (nodule, change) in &nodules {
                    tissue *= 1.0 + in_inner * nodule.covers(x, y) * change;
                }
                let texture: f64 =
                    waves.iter().map(|[kx, ky, phase, size]| size * (kx * x + ky * y + phase + shift).cos()).sum();
                tissue *= 1.0 + self.texture * texture;
                let dark = if has_lesion { lesion.covers(x, y) } else { 0.0 };
                tissue *= 1.0 - depth * dark;
                mask.push(dark > 0.5);
                let gain = 1.0 + coil.0 * (x / EDGE as f64 - 0.5) + coil.1 * (y / EDGE as f64 - 0.5);
                let (real, other) = (tissue * gain + NOISE * stream.normal(), NOISE * stream.normal());
                grey.push((255.0 * real.hypot(other)).round().clamp(0.0, 255.0) as u8);
            }
            drawn.push(Slice { picture: Picture::from_grey(EDGE, EDGE, &grey), lesion: mask });
        }
        drawn
    }
}
