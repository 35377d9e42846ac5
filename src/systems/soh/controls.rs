//! Simulations with a known result: weighting under covariate shift, and points that belong to cells.

use crate::lab::Measurement;
use crate::math::Stream;
use crate::study::conformal::{largest_by_group, split, weighted};
use crate::systems::soh::intervals::{Coverage, Score};

/// Coverage when inputs shift by one standard deviation and the noise grows with them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CovariateShift {
    /// Of [`split`].
    pub plain: f64,
    /// Of [`weighted`] with the true density ratio.
    pub weighted: f64,
    /// Share of weighted intervals that are the whole line.
    pub infinite: f64,
}

impl CovariateShift {
    /// By calibration.
    pub fn measurement(self) -> Measurement {
        let Self { plain, weighted, infinite } = self;
        let at = [("calibration", "weighted")];
        Measurement::default()
            .under(&[("calibration", "split")], "coverage", plain)
            .under(&at, "coverage", weighted)
            .under(&at, "infinite", infinite)
    }
}

/// x ~ N(0, 1) for 200 calibration rows and N(1, 1) for test rows, y = e^{x/2} ε; the density ratio is e^{x - 1/2}.
///
/// The source of the published figures does not state how the noise grows. e^{x/2} was picked among seventeen forms because
/// its unweighted coverage is near the published one, so only the weighted coverage and the infinite intervals test it.
pub fn covariate_shift(seed: u64, repeats: usize) -> CovariateShift {
    let (calibration, test, alpha) = (200, 20, 0.1);
    let mut stream = Stream::named(seed, "covariate shift");
    let mut draw = |mean: f64| {
        let x = mean + stream.normal();
        (x, ((0.5 * x).exp() * stream.normal()).abs())
    };
    let (mut plain, mut corrected, mut infinite) = (0.0, 0.0, 0.0);
    for _ in 0..repeats {
        let rows: Vec<(f64, f64)> = (0..calibration).map(|_| draw(0.0)).collect();
        let scores: Vec<f64> = rows.iter().map(|row| row.1).collect();
        let weights: Vec<f64> = rows.iter().map(|row| (row.0 - 0.5).exp()).collect();
        let radius = split(&scores, alpha);
        for _ in 0..test {
            let (x, score) = draw(1.0);
            let own = weighted(&scores, &weights, (x - 0.5).exp(), alpha);
            plain += f64::from(u8::from(score <= radius));
            corrected += f64::from(u8::from(score <= own));
            infinite += f64::from(u8::from(own.is_infinite()));
        }
    }
    let count = (repeats * test) as f64;
    CovariateShift { plain: plain / count, weighted: corrected / count, infinite: infinite / count }
}

/// Coverage when the residuals of a cell have an effect in common.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClusteredPoints {
    /// All points calibrate: share of points inside.
    pub pooled: f64,
    /// … share of cells with less than 80 % inside.
    pub low_cells: f64,
    /// … share of cells with everything inside.
    pub lives: f64,
    /// The largest score of each cell calibrates: share of cells with everything inside.
    pub whole_lives: f64,
    /// … width over that of pooled intervals.
    pub wider: f64,
    /// One point of each cell calibrates: share of points inside.
    pub one_per_cell: f64,
}

impl ClusteredPoints {
    /// By calibration.
    pub fn measurement(self) -> Measurement {
        let Self { pooled, low_cells, lives, whole_lives, wider, one_per_cell } = self;
        let [split, whole, one] = ["split", "whole_life", "one_per_cell"].map(|name| [("calibration", name)]);
        Measurement::default()
            .under(&split, "coverage", pooled)
            .under(&split, "low_cells", low_cells)
            .under(&split, "lives", lives)
            .under(&one, "coverage", one_per_cell)
            .under(&whole, "lives", whole_lives)
            .under(&whole, "relative_width", wider)
    }
}

/// 30 calibration and 50 test cells of 100 points: a cell's effect of standard deviation 0.8, noise of 0.6.
pub fn clustered_points(seed: u64, repeats: usize) -> ClusteredPoints {
    let (calibration, test, points, alpha) = (30, 50, 100, 0.1);
    let mut stream = Stream::named(seed, "clustering");
    let mut fleet = |cells: u32| -> Vec<Score> {
        let mut rows = Vec::new();
        for cell in 0..cells {
            let effect = 0.8 * stream.normal();
            rows.extend((0..points).map(|checkpoint| {
                let score = (effect + 0.6 * stream.normal()).abs();
                Score { score, cell, checkpoint, state: [0.0; 2] }
            }));
        }
        rows
    };
    let mut sums = [0.0; 6];
    for _ in 0..repeats {
        let known = fleet(calibration);
        let tested = fleet(test);
        let scores: Vec<f64> = known.iter().map(|row| row.score).collect();
        let cells: Vec<u32> = known.iter().map(|row| row.cell).collect();
        let first: Vec<f64> = scores.iter().step_by(points).copied().collect();
        let pooled = split(&scores, alpha);
        let whole = split(&largest_by_group(&scores, &cells), alpha);
        let coverage = |radius: f64| Coverage::of(&tested, &vec![radius; tested.len()]);
        let Coverage { points: inside, low_cells, lives, .. } = coverage(pooled);
        let one = coverage(split(&first, alpha)).points;
        let found = [inside, low_cells, lives, coverage(whole).lives, whole / pooled, one];
        sums.iter_mut().zip(found).for_each(|(sum, value)| *sum += value / repeats as f64);
    }
    let [pooled, low_cells, lives, whole_lives, wider, one_per_cell] = sums;
    ClusteredPoints { pooled, low_cells, lives, whole_lives, wider, one_per_cell }
}
