//! Simulated detectors: how much they miss, mislabel, misplace and find where nothing is, and how much of that they share.

use serde::{Deserialize, Serialize};

use crate::classic::boxes::Detection;
use crate::lab::Validation;
use crate::math::Stream;
use crate::study::detection::Truth;
use crate::systems::smear::cells::{CELLS, class_at};

/// How detectors err, and how often that is simulated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Simulation {
    /// Fields of a collection.
    pub fields: usize,
    /// Collections of fields, each with its own detectors: seeds 0 to `repeats` − 1.
    pub repeats: usize,
    /// Correlations ρ of the errors of two detectors, each in 0..=1; none leaves this part out.
    pub correlations: Vec<f64>,
    /// Share of cells that a detector finds, in 0..=1.
    pub recall: f64,
    /// Share of those with the right class, in 0..=1.
    pub class_accuracy: f64,
    /// Standard deviation of its centres, as a share of a box's edge.
    pub jitter: f64,
    /// False positives in a field.
    pub false_positives: usize,
}

impl Default for Simulation {
    /// Boxes of 100 pixels whose centres are off by 9, as in the summary of the challenge.
    fn default() -> Self {
        Self {
            fields: 60,
            repeats: 5,
            correlations: vec![0.0, 0.3, 0.6, 0.8, 0.9, 0.97],
            recall: 0.72,
            class_accuracy: 0.58,
            jitter: 0.09,
            false_positives: 14,
        }
    }
}

/// Detectors of an ensemble.
pub const DETECTORS: usize = 3;

/// Means of the logit of the score of a box of the right class, of a wrong class and of a false positive, and its standard
/// deviation. Chosen once on a seed that no run uses.
const SCORE_LOGITS: [f64; 3] = [0.8, 0.2, -0.6];
const SCORE_SD: f64 = 0.9;

/// Cells of a simulated field of the size of RIVA's, 1024 × 1024 pixels, and the edge of its boxes as a share.
const FIELD_CELLS: usize = 16;
const EDGE: f64 = 100.0 / 1024.0;

/// `count` simulated fields: boxes without pictures.
pub fn random_fields(count: usize, seed: u64) -> Vec<Vec<Truth>> {
    let field = |number: usize| {
        let mut stream = Stream::numbered(seed, number as u64);
        let cell = |_| {
            let [left, top] = [(1.0 - EDGE) * stream.uniform(), (1.0 - EDGE) * stream.uniform()];
            let label = class_at(stream.uniform(), CELLS.iter().map(|row| row.count));
            Truth { corners: [left, top, left + EDGE, top + EDGE], label }
        };
        (0..FIELD_CELLS).map(cell).collect()
    };
    (0..count).map(field).collect()
}

/// One draw for each detector.
struct Draws {
    shared: Stream,
    own: [Stream; DETECTORS],
    correlation: f64,
}

impl Draws {
    /// Uniform in 0..1. Each detector takes the shared draw with probability √ρ. Then events of two detectors have
    /// correlation ρ.
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
    /// Refuses sizes of 0, and shares outside 0..=1.
    pub(super) fn validate(&self, field: &str, check: &mut Validation) {
        let name = |name: &str| format!("{field}.{name}");
        check
            .count(&name("fields"), self.fields)
            .count(&name("repeats"), self.repeats)
            .optional_count(&name("false_positives"), self.false_positives)
            .distinct(&name("correlations"), &self.correlations)
            .within(&name("recall"), self.recall, 0.0..=1.0)
            .within(&name("class_accuracy"), self.class_accuracy, 0.0..=1.0)
            .not_negative(&name("jitter"), self.jitter);
        for correlation in &self.correlations {
            check.within(&name("correlations"), *correlation, 0.0..=1.0);
        }
    }

    /// Boxes by detector and field, in fields that hold `truths` of `classes` classes.
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
                    let wrong = usize::from(right[k] >= self.class_accuracy && classes > 1);
                    let turn = 1 + (other[k] * (classes - 1) as f64) as usize;
                    boxes[k].push(Detection {
                        corners: [left + x, top + y, right_edge + x, bottom + y],
                        score: logistic(SCORE_LOGITS[wrong] + SCORE_SD * doubt[k]),
                        label: (truth.label + wrong * turn) % classes,
                    });
                }
            }
            for _ in 0..self.false_positives {
                let (x, y, class, like) = (draws.uniform(), draws.uniform(), draws.uniform(), draws.uniform());
                let doubt = draws.normal();
                for k in 0..DETECTORS {
                    let Some(like) = all.get((like[k] * all.len() as f64) as usize) else { continue };
                    let [left, top, right, bottom] = like.corners;
                    let (width, height) = (right - left, bottom - top);
                    let (left, top) = (x[k] * (1.0 - width), y[k] * (1.0 - height));
                    boxes[k].push(Detection {
                        corners: [left, top, left + width, top + height],
                        score: logistic(SCORE_LOGITS[2] + SCORE_SD * doubt[k]),
                        label: class_at(class[k], counts.iter().copied()),
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
