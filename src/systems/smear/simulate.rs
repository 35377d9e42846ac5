//! Detectors that are not trained but drawn: what they miss, mistake, misplace and imagine, and how much of that they share.

use serde::{Deserialize, Serialize};

use crate::classic::boxes::Detection;
use crate::math::Stream;
use crate::study::detection::Truth;
use crate::systems::smear::cells::{CELLS, drawn};

/// How detectors err, and how often.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Simulation {
    /// Fields.
    pub scenes: usize,
    /// Collections of fields, each with its own detectors.
    pub repeats: u64,
    /// Correlations ρ of the errors of two detectors, each in 0..=1.
    pub correlations: Vec<f64>,
    /// Share of things that a detector sees, in 0..=1.
    pub recall: f64,
    /// Share of those that it names rightly, in 0..=1.
    pub right: f64,
    /// Standard deviation of its centres, as a share of a box's edge.
    pub jitter: f64,
    /// Boxes of a field where there is nothing.
    pub imagined: usize,
}

impl Default for Simulation {
    /// The setting of the published digest: centres of boxes of 100 pixels are off by 9.
    fn default() -> Self {
        Self {
            scenes: 60,
            repeats: 5,
            correlations: vec![0.0, 0.3, 0.6, 0.8, 0.9, 0.97],
            recall: 0.72,
            right: 0.58,
            jitter: 0.09,
            imagined: 14,
        }
    }
}

/// Detectors of an ensemble.
pub const DETECTORS: usize = 3;

/// Means of the logit of the score of a rightly named, a wrongly named and an imagined thing, and its spread. Set once on a
/// seed that nothing is reported of.
const LEVELS: [f64; 3] = [0.8, 0.2, -0.6];
const SPREAD: f64 = 0.9;

/// Cells of a simulated field of RIVA's size, 1024 × 1024 pixels, and the edge of its boxes.
const THINGS: usize = 16;
const EDGE: f64 = 100.0 / 1024.0;

/// Simulated fields: boxes alone, no pictures.
pub fn scenes(count: usize, seed: u64) -> Vec<Vec<Truth>> {
    let scene = |number: usize| {
        let mut stream = Stream::numbered(seed, number as u64);
        let thing = |_| {
            let [left, top] = [(1.0 - EDGE) * stream.uniform(), (1.0 - EDGE) * stream.uniform()];
            let label = drawn(stream.uniform(), CELLS.iter().map(|row| row.count));
            Truth { corners: [left, top, left + EDGE, top + EDGE], label }
        };
        (0..THINGS).map(thing).collect()
    };
    (0..count).map(scene).collect()
}

/// One draw for each detector.
struct Draws {
    shared: Stream,
    own: [Stream; DETECTORS],
    correlation: f64,
}

impl Draws {
    /// Uniform in 0..1. Each detector takes the shared draw with probability √ρ, so that events of two have correlation ρ.
    fn uniform(&mut self) -> [f64; DETECTORS] {
        let (shared, share) = (self.shared.uniform(), self.correlation.sqrt());
        std::array::from_fn(|k| {
            let (copies, own) = (self.own[k].uniform() < share, self.own[k].uniform());
            if copies { shared } else { own }
        })
    }

    /// Standard normal, with correlation ρ.
    fn normal(&mut self) -> [f64; DETECTORS] {
        let shared = self.shared.normal();
        let (share, rest) = (self.correlation.sqrt(), (1.0 - self.correlation).sqrt());
        std::array::from_fn(|k| share * shared + rest * self.own[k].normal())
    }
}

impl Simulation {
    /// What each detector finds in each field.
    pub fn detectors(
        &self,
        truths: &[Vec<Truth>],
        classes: usize,
        correlation: f64,
        seed: u64,
    ) -> Vec<Vec<Vec<Detection>>> {
        let mut counts = vec![0; classes];
        truths.iter().flatten().for_each(|truth| counts[truth.label] += 1);
        let all: Vec<&Truth> = truths.iter().flatten().collect();
        let mut found = vec![Vec::new(); DETECTORS];
        for (number, truths) in truths.iter().enumerate() {
            let mut draws = Draws {
                shared: Stream::numbered(seed, number as u64),
                own: std::array::from_fn(|k| Stream::numbered(seed + 1 + k as u64, number as u64)),
                correlation,
            };
            let mut boxes: [Vec<Detection>; DETECTORS] = Default::default();
            for truth in truths {
                let (seen, right, other) = (draws.uniform(), draws.uniform(), draws.uniform());
                let (dx, dy, doubt) = (draws.normal(), draws.normal(), draws.normal());
                for k in (0..DETECTORS).filter(|k| seen[*k] < self.recall) {
                    let [left, top, right_edge, bottom] = truth.corners;
                    let (x, y) = (self.jitter * dx[k] * (right_edge - left), self.jitter * dy[k] * (bottom - top));
                    let wrong = usize::from(right[k] >= self.right && classes > 1);
                    let turn = 1 + (other[k] * (classes - 1) as f64) as usize;
                    boxes[k].push(Detection {
                        corners: [left + x, top + y, right_edge + x, bottom + y],
                        score: logistic(LEVELS[wrong] + SPREAD * doubt[k]),
                        label: (truth.label + wrong * turn) % classes,
                    });
                }
            }
            for _ in 0..self.imagined {
                let (x, y, class, like) = (draws.uniform(), draws.uniform(), draws.uniform(), draws.uniform());
                let doubt = draws.normal();
                for k in 0..DETECTORS {
                    let Some(like) = all.get((like[k] * all.len() as f64) as usize) else { continue };
                    let [left, top, right, bottom] = like.corners;
                    let (width, height) = (right - left, bottom - top);
                    let (left, top) = (x[k] * (1.0 - width), y[k] * (1.0 - height));
                    boxes[k].push(Detection {
                        corners: [left, top, left + width, top + height],
                        score: logistic(LEVELS[2] + SPREAD * doubt[k]),
                        label: drawn(class[k], counts.iter().copied()),
                    });
                }
            }
            boxes.into_iter().zip(&mut found).for_each(|(boxes, found)| found.push(boxes));
        }
        found
    }
}

fn logistic(logit: f64) -> f64 {
    1.0 / (1.0 + (-logit).exp())
}
