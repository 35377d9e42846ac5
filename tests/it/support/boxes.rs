//! Random pictures with what several detectors found in them; boxes.py draws the same.

use qgraft::classic::boxes::{Confidence, Detection, FUSIONS, Fusion, Method, inside};
use qgraft::study::detection::Truth;

/// SplitMix64 (Steele et al. 2014): a few lines in any language.
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn below(&mut self, end: usize) -> usize {
        (self.uniform() * end as f64) as usize
    }
}

pub const CLASSES: usize = 3;

pub struct Case {
    pub truths: Vec<Truth>,
    pub detectors: Vec<Vec<Detection>>,
    pub weights: Vec<f64>,
    pub number: usize,
}

impl Case {
    pub fn new(number: usize) -> Self {
        let mut random = Random(number as u64);
        let random = &mut random;
        let things: Vec<([f64; 4], usize)> =
            (0..1 + random.below(8)).map(|_| (anywhere(random), random.below(CLASSES))).collect();
        let detectors: Vec<Vec<Detection>> = (0..2 + random.below(4)).map(|_| detector(&things, random)).collect();
        let weights = detectors.iter().map(|_| 0.5 + random.uniform()).collect();
        let truths =
            things.iter().filter_map(|&(corners, label)| Some(Truth { corners: inside(corners)?, label })).collect();
        Self { truths, detectors, weights, number }
    }

    /// The package's ways to fuse, each with this case's constants.
    pub fn fusions(&self) -> Vec<(&'static str, Fusion)> {
        let kinds = [Confidence::Average, Confidence::Highest, Confidence::BoxAndModel, Confidence::AbsentModelAware];
        let confidence = match kinds[self.number % 4] {
            Confidence::Average if self.number / 8 % 2 == 1 => Confidence::Overflowing,
            kind => kind,
        };
        let fusion = |method: Method| Fusion {
            overlap: [0.4, 0.55, 0.7][self.number % 3],
            lowest: match method {
                Method::SoftenLinear | Method::SoftenGaussian { .. } => 0.001,
                Method::Suppress => 0.0,
                _ if self.number.is_multiple_of(5) => 0.1,
                _ => 0.0,
            },
            weights: if self.number / 4 % 2 == 1 { self.weights.clone() } else { Vec::new() },
            method,
        };
        let method = |method: Method| match method {
            Method::Weighted { across_labels, .. } => Method::Weighted { confidence, across_labels },
            method => method,
        };
        FUSIONS.iter().filter(|row| row.name != "wbf_vote").map(|row| (row.name, fusion(method(row.method)))).collect()
    }
}

fn anywhere(random: &mut Random) -> [f64; 4] {
    let [x, y] = [random.uniform(), random.uniform()];
    let [width, height] = [0.05 + 0.3 * random.uniform(), 0.05 + 0.3 * random.uniform()];
    [x - width / 2.0, y - height / 2.0, x + width / 2.0, y + height / 2.0]
}

fn detector(things: &[([f64; 4], usize)], random: &mut Random) -> Vec<Detection> {
    let mut found = Vec::new();
    for &(corners, label) in things {
        for _ in 0..2 {
            let seen = random.uniform() < 0.6;
            let shifted = corners.map(|edge| edge + 0.05 * (random.uniform() - 0.5));
            let label = if random.uniform() < 0.85 { label } else { random.below(CLASSES) };
            let score = random.uniform();
            if seen {
                found.push(Detection { corners: shifted, score, label });
            }
        }
    }
    for _ in 0..1 + random.below(4) {
        let [left, top, right, bottom] = anywhere(random);
        let corners = match random.below(10) {
            0 => [right, top, left, bottom],
            1 => [left, top, left, bottom],
            _ => [left, top, right, bottom],
        };
        let label = random.below(CLASSES);
        found.push(Detection { corners, score: random.uniform(), label });
    }
    found
}

/// One number that changes when any value or the order does.
pub fn digest(found: &[Detection]) -> f64 {
    let values = |found: &Detection| {
        let [a, b, c, d] = found.corners;
        [a, b, c, d, found.score, found.label as f64]
    };
    let terms = found.iter().enumerate().flat_map(|(row, found)| {
        values(found).into_iter().enumerate().map(move |(k, value)| value * (7.0 * row as f64 + k as f64 + 1.0).cos())
    });
    terms.sum()
}
