//! Conformal intervals around forecasts, calibrated in several ways, evaluated by point, by cell and by whole lifetime.

use std::collections::BTreeMap;

use ndarray::Array2;

use crate::classic::Logistic;
use crate::math::Stream;
use crate::study::conformal::{self, Adaptive};
use crate::study::stats::mean;

/// The nonconformity score of a forecast.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// |measured - forecast|.
    pub score: f64,
    /// Number of the cell.
    pub cell: u32,
    /// Number of the checkpoint.
    pub checkpoint: usize,
    /// State of health and its slope before the checkpoint, in standard deviations of the source.
    pub state: [f64; 2],
}

/// Everything that a calibration may use.
pub struct CalibrationData<'a> {
    /// Forecasts for source cells that were kept for calibration, after the prefix.
    pub source: &'a [Score],
    /// Forecasts within the prefix, for target cells that nothing was trained on.
    pub prefix: &'a [Score],
    /// Forecasts for the target cells that are evaluated, after the prefix, cell by cell in the order of time. A
    /// calibration reads states, and the scores of checkpoints that have passed.
    pub test: &'a [Score],
    /// Miscoverage asked for.
    pub alpha: f64,
    /// For draws.
    pub seed: u64,
}

/// A way to calibrate.
pub struct CalibrationRow {
    /// Name.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// The radius of each test row's interval.
    pub radii: fn(&CalibrationData) -> Vec<f64>,
}

/// Every way.
pub static CALIBRATIONS: &[CalibrationRow] = &[
    CalibrationRow {
        name: "split",
        doc: "all points of the source's calibration cells (the paper's)",
        radii: |data| constant(data, conformal::split(&scores(data.source), data.alpha)),
    },
    CalibrationRow {
        name: "one_per_cell",
        doc: "one random point of each calibration cell: exchangeable points, n is the number of cells",
        radii: |data| {
            let mut stream = Stream::named(data.seed, "one per cell");
            let picked: Vec<f64> = data
                .source
                .chunk_by(|a, b| a.cell == b.cell)
                .map(|cell| cell[stream.below(cell.len())].score)
                .collect();
            constant(data, conformal::split(&picked, data.alpha))
        },
    },
    CalibrationRow {
        name: "stage",
        doc: "by stage of life, 2.5 kAh each (Mondrian)",
        radii: |data| {
            let stages: Vec<u32> = data.source.iter().map(stage).collect();
            let radii = conformal::by_group(&scores(data.source), &stages, data.alpha);
            data.test.iter().map(|row| radii.get(&stage(row)).copied().unwrap_or(f64::INFINITY)).collect()
        },
    },
    CalibrationRow {
        name: "weighted",
        doc: "source points weighted by a classifier's odds of target against source, from state of health and slope",
        radii: weighted,
    },
    CalibrationRow {
        name: "prefix",
        doc: "the labelled prefix of target cells that were not trained on",
        radii: |data| constant(data, conformal::split(&scores(data.prefix), data.alpha)),
    },
    CalibrationRow {
        name: "adaptive",
        doc: "as split, the level following the misses of each cell so far, γ = 0.05",
        radii: |data| {
            let known = scores(data.source);
            let of_cell = |rows: &[Score]| -> Vec<f64> {
                let mut level = Adaptive::new(data.alpha, 0.05);
                let mut radius = |row: &Score| {
                    let radius = conformal::split(&known, level.alpha);
                    level.update(row.score <= radius);
                    radius
                };
                rows.iter().map(&mut radius).collect()
            };
            data.test.chunk_by(|a, b| a.cell == b.cell).flat_map(of_cell).collect()
        },
    },
    CalibrationRow {
        name: "whole_life",
        doc: "the largest score of each calibration cell: intervals for all points of a cell at once",
        radii: |data| {
            let cells: Vec<u32> = data.source.iter().map(|row| row.cell).collect();
            let largest = conformal::largest_by_group(&scores(data.source), &cells);
            constant(data, conformal::split(&largest, data.alpha))
        },
    },
];

fn scores(rows: &[Score]) -> Vec<f64> {
    rows.iter().map(|row| row.score).collect()
}

fn constant(data: &CalibrationData, radius: f64) -> Vec<f64> {
    vec![radius; data.test.len()]
}

fn stage(row: &Score) -> u32 {
    (row.checkpoint / 5) as u32
}

fn weighted(data: &CalibrationData) -> Vec<f64> {
    let rows = || data.source.iter().chain(data.test);
    let states = Array2::from_shape_fn((rows().count(), 2), |(row, k)| match row.checked_sub(data.source.len()) {
        None => data.source[row].state[k],
        Some(row) => data.test[row].state[k],
    });
    let labels: Vec<bool> = (0..states.nrows()).map(|row| row >= data.source.len()).collect();
    let Some(classifier) = Logistic::fit(states.view(), &labels, 1.0) else {
        return constant(data, f64::INFINITY);
    };
    let odds: Vec<f64> = states.rows().into_iter().map(|row| classifier.log_odds(row)).collect();
    // A common factor does not matter: the largest weight is 1, so that none overflows.
    let largest = odds.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = odds.iter().map(|log| (log - largest).exp()).collect();
    let (source, test) = weights.split_at(data.source.len());
    let known = scores(data.source);
    test.iter().map(|weight| conformal::weighted(&known, source, *weight, data.alpha)).collect()
}

/// Coverage and width of intervals.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coverage {
    /// Share of points inside.
    pub points: f64,
    /// Share of cells with less than 80 % of their points inside.
    pub low_cells: f64,
    /// Share of cells with all their points inside.
    pub lives: f64,
    /// Mean width of finite intervals, in percentage points of state of health; 0 if there are none.
    pub width: f64,
    /// Share of intervals that are the whole line.
    pub infinite: f64,
}

impl Coverage {
    /// Of one radius per row.
    pub fn of(rows: &[Score], radii: &[f64]) -> Self {
        let mut cells: BTreeMap<u32, (f64, f64)> = BTreeMap::new();
        for (row, radius) in rows.iter().zip(radii) {
            let (inside, count) = cells.entry(row.cell).or_default();
            *inside += if row.score <= *radius { 1.0 } else { 0.0 };
            *count += 1.0;
        }
        let share_of_cells = |wanted: fn(f64) -> bool| {
            let found = cells.values().filter(|(inside, count)| wanted(inside / count)).count();
            found as f64 / cells.len().max(1) as f64
        };
        let (inside, count) = cells.values().fold((0.0, 0.0), |sum, cell| (sum.0 + cell.0, sum.1 + cell.1));
        let finite: Vec<f64> = radii.iter().copied().filter(|radius| radius.is_finite()).collect();
        Self {
            points: inside / f64::max(count, 1.0),
            low_cells: share_of_cells(|share| share < 0.8),
            lives: share_of_cells(|share| share == 1.0),
            width: 200.0 * mean(&finite).unwrap_or(0.0),
            infinite: radii.iter().filter(|radius| **radius == f64::INFINITY).count() as f64
                / radii.len().max(1) as f64,
        }
    }
}
