//! Districts, their reports and indicators, drawn so that the best possible decision is known.

use ndarray::Array2;
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal};

use crate::data::{Column, Part, Samples, Tabular};
use crate::lab::Validation;
use crate::math::Stream;
use crate::systems::fairtext::grammar;
use crate::systems::fairtext::reports::Reports;

/// Sizes and difficulty of the drawn reports.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct World {
    /// Districts in the country.
    pub rural: usize,
    /// Districts in towns.
    pub urban: usize,
    /// Reports of a district to learn from.
    pub reports: usize,
    /// Further reports of a district, which are read only while the district is tested on.
    pub test_reports: usize,
    /// Clauses of a report that say something of the state.
    pub clauses: usize,
    /// Probability that such a clause says what is true.
    pub reliability: f64,
    /// Share of them that say it by denying the opposite.
    pub denied: f64,
    /// Share of the variance of an indicator that is the state.
    pub explained: f64,
    /// Share of indicators that are missing.
    pub missing: f64,
    /// Difference of the groups in the share of reports that are not stable.
    pub base_rate: f64,
}

impl Default for World {
    fn default() -> Self {
        Self {
            rural: 18,
            urban: 7,
            reports: 48,
            test_reports: 48,
            clauses: 2,
            reliability: 0.8,
            denied: 0.4,
            explained: 0.35,
            missing: 0.15,
            base_rate: 0.1,
        }
    }
}

/// Classes, with the share of each over all reports.
pub const CLASSES: [(&str, f64); 3] = [("stable", 0.70), ("stressed", 0.22), ("crisis", 0.08)];
/// The groups.
pub const GROUPS: [&str; 2] = ["rural", "urban"];
/// Indicators, each a noisy reading of the state.
const INDICATORS: [(&str, f64); 10] = [
    ("rainfall_anomaly", -0.8),
    ("price_index", 12.0),
    ("yield", -0.4),
    ("road_access", -5.0),
    ("share_below_line", 0.06),
    ("water_points", -2.0),
    ("livestock_price", -30.0),
    ("school_attendance", -0.05),
    ("clinic_visits", 25.0),
    ("market_days", -0.7),
];

/// Variance of the state of a report: between districts 1, by season 0.64, what is left 0.36.
const VARIANCE: f64 = 2.0;
const SEASON: f64 = 0.8;
const REST: f64 = 0.6;
/// How wrong clauses of a group lean to the worse side; town and country lean to opposite sides.
const LEANING: [f64; 2] = [0.75, 0.25];

/// A district.
struct District {
    name: String,
    group: usize,
    vulnerability: f64,
}

impl World {
    /// Says what is wrong with it.
    pub fn validate(&self, check: &mut Validation) {
        check
            .whole("world.rural", self.rural, 5..=500)
            .whole("world.urban", self.urban, 5..=500)
            .whole("world.reports", self.reports, 4..=2000)
            .whole("world.test_reports", self.test_reports, 0..=2000)
            .whole("world.clauses", self.clauses, 1..=6)
            .within("world.reliability", self.reliability, 0.34..=1.0)
            .within("world.denied", self.denied, 0.0..=1.0)
            .within("world.explained", self.explained, 0.01..=0.99)
            .within("world.missing", self.missing, 0.0..=0.9)
            .within("world.base_rate", self.base_rate, 0.0..=0.4);
        let [districts, reports] =
            [(self.rural, self.urban), (self.reports, self.test_reports)].map(|(a, b)| a.saturating_add(b));
        let all = districts.saturating_mul(reports);
        check.check("world.reports", self.reports, all <= 200_000, "at most 200000 reports in all districts");
    }

    /// Means of the state in both groups, and the two cut points between the classes.
    ///
    /// The groups differ by `base_rate` in the share above the first cut point; over all reports the classes have their shares.
    fn levels(&self) -> ([f64; 2], [f64; 2]) {
        let weight = self.rural as f64 / (self.rural + self.urban) as f64;
        let deviation = VARIANCE.sqrt();
        let above = |cut: f64, mean: f64| 1.0 - normal((cut - mean) / deviation);
        let means = |shift: f64| [shift * (1.0 - weight), -shift * weight];
        let cut = |shift: f64, share: f64| {
            let [rural, urban] = means(shift);
            bisect(|cut| share - weight * above(cut, rural) - (1.0 - weight) * above(cut, urban), -20.0, 20.0)
        };
        let first = CLASSES[1].1 + CLASSES[2].1;
        let gap = |shift: f64| {
            let (cut, [rural, urban]) = (cut(shift, first), means(shift));
            above(cut, rural) - above(cut, urban)
        };
        let shift = bisect(|shift| gap(shift) - self.base_rate, 0.0, 10.0);
        (means(shift), [cut(shift, first), cut(shift, CLASSES[2].1)])
    }

    /// Probability that a clause of a group says each polarity in a state of each class: (class, polarity).
    fn sayings(&self, group: usize) -> [[f64; 3]; 3] {
        let mut all = [[0.0; 3]; 3];
        for (class, row) in all.iter_mut().enumerate() {
            let lean = |said: usize| if said > class { LEANING[group] } else { 1.0 - LEANING[group] };
            let total: f64 = (0..3).filter(|said| *said != class).map(lean).sum();
            for (said, share) in row.iter_mut().enumerate() {
                *share = if said == class { self.reliability } else { (1.0 - self.reliability) * lean(said) / total };
            }
        }
        all
    }

    /// Variance of the noise of an indicator, in units of its slope squared.
    fn noise(&self) -> f64 {
        VARIANCE * (1.0 - self.explained) / self.explained
    }

    fn districts(&self, stream: &mut Stream) -> Vec<District> {
        let mut all = Vec::new();
        for (group, count) in [self.rural, self.urban].into_iter().enumerate() {
            let drawn: Vec<f64> = (0..count).map(|_| stream.normal()).collect();
            // Standardised within the group, so that few districts have the stated base rates as well.
            let mean = drawn.iter().sum::<f64>() / count as f64;
            let spread = (drawn.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / count as f64).sqrt().max(1e-9);
            for (k, value) in drawn.into_iter().enumerate() {
                let (name, vulnerability) = (format!("{} {}", GROUPS[group], k + 1), (value - mean) / spread);
                all.push(District { name, group, vulnerability });
            }
        }
        all
    }

    /// Reports of all districts under a seed, those of a district one behind the other.
    pub fn draw(&self, seed: u64) -> Reports {
        let mut stream = Stream::named(seed, "reports");
        let (means, cuts) = self.levels();
        let districts = self.districts(&mut stream);
        let sayings = [self.sayings(0), self.sayings(1)];
        let each = self.reports + self.test_reports;
        let count = districts.len() * each;
        let mut values = Array2::from_elem((count, INDICATORS.len()), f32::NAN);
        let mut posterior = Array2::zeros((count, CLASSES.len()));
        let (mut texts, mut labels, mut groups, mut of_district) = (vec![], vec![], vec![], vec![]);
        let mut test_only = Vec::new();
        for (place, district) in districts.iter().enumerate() {
            for k in 0..each {
                let row = texts.len();
                let season = SEASON * stream.normal() + REST * stream.normal();
                let state = means[district.group] + district.vulnerability + season;
                let class = cuts.iter().filter(|cut| state > **cut).count();
                let polarities: Vec<usize> =
                    (0..self.clauses).map(|_| draw(&sayings[district.group][class], &mut stream)).collect();
                texts.push(grammar::report(&polarities, district.group, self.denied, &mut stream));
                // The state given the indicators is normal; a clause depends on the class alone.
                let (mut precision, mut pull) = (VARIANCE.recip(), means[district.group] / VARIANCE);
                for (column, (_, slope)) in INDICATORS.iter().enumerate() {
                    let reading = state + self.noise().sqrt() * stream.normal();
                    if stream.uniform() >= self.missing {
                        values[[row, column]] = (slope * reading) as f32;
                        precision += self.noise().recip();
                        pull += reading / self.noise();
                    }
                }
                let (mean, deviation) = (pull / precision, precision.sqrt().recip());
                let below = |cut: f64| normal((cut - mean) / deviation);
                let prior = [below(cuts[0]), below(cuts[1]) - below(cuts[0]), 1.0 - below(cuts[1])];
                let mut shares = [0.0; 3];
                for (k, share) in shares.iter_mut().enumerate() {
                    let said = polarities.iter().map(|said| sayings[district.group][k][*said]).product::<f64>();
                    *share = (prior[k].max(0.0) * said).max(1e-300);
                }
                let total: f64 = shares.iter().sum();
                (0..3).for_each(|k| posterior[[row, k]] = shares[k] / total);
                labels.push(class);
                groups.push(district.group);
                of_district.push(place);
                test_only.push(k >= self.reports);
            }
        }
        let columns = INDICATORS.map(|(name, _)| Column { name: name.into(), words: None }).to_vec();
        let samples = Samples {
            source: "drawn districts".into(),
            ids: (0..count).map(|row| format!("report {}", row + 1)).collect(),
            labels,
            classes: CLASSES.map(|(name, _)| name.into()).to_vec(),
            parts: vec![Part::Train; count],
            groups: Vec::new(),
        };
        Reports {
            texts,
            table: Tabular { values, columns, target: "class".into(), samples, notices: Vec::new() },
            groups,
            group_names: GROUPS.map(String::from).to_vec(),
            districts: of_district,
            district_names: districts.into_iter().map(|district| district.name).collect(),
            test_only,
            posterior: Some(posterior),
        }
    }

    /// Texts of both registers with 1 to `clauses` clauses, and how many of these say in between and bad: what the small encoder
    /// learns from first. A class is (clauses that say bad) · (`clauses` + 1) + (clauses that say in between), so that its vectors
    /// tell a report that is bad throughout from one with a single bad clause.
    pub fn sources(&self, count: usize, seed: u64) -> (Vec<String>, Vec<usize>) {
        let mut stream = Stream::named(seed, "source sentences");
        let source = |_: usize| {
            let polarities: Vec<usize> = (0..=stream.below(self.clauses)).map(|_| stream.below(3)).collect();
            let of = |polarity: usize| polarities.iter().filter(|own| **own == polarity).count();
            let class = of(2) * (self.clauses + 1) + of(1);
            (grammar::report(&polarities, stream.below(2), self.denied, &mut stream), class)
        };
        (0..count).map(source).unzip()
    }

    /// Classes of [`World::sources`].
    pub fn source_classes(&self) -> usize {
        (self.clauses + 1).pow(2)
    }
}

fn draw(shares: &[f64; 3], stream: &mut Stream) -> usize {
    let at = stream.uniform();
    if at < shares[0] {
        0
    } else if at < shares[0] + shares[1] {
        1
    } else {
        2
    }
}

/// The standard normal distribution.
fn normal(x: f64) -> f64 {
    Normal::standard().cdf(x)
}

/// Where a rising function is 0.
fn bisect(rising: impl Fn(f64) -> f64, mut low: f64, mut high: f64) -> f64 {
    for _ in 0..100 {
        let middle = (low + high) / 2.0;
        if rising(middle) < 0.0 { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}
