//! Trains one arm and evaluates it. Errors and widths are percentage points of state of health.

use serde::{Deserialize, Serialize};

use crate::lab::Measurement;
use crate::math::Stream;
use crate::study::conformal::split;
use crate::study::stats::mean;
use crate::study::{Observer, StudyError};
use crate::systems::soh::arms::{Adaptation, ArmRow, train};
use crate::systems::soh::cell::{CHECKPOINTS, Cell, PREFIX, STEP};
use crate::systems::soh::domains::Block;
use crate::systems::soh::evaluator::Evaluator;
use crate::systems::soh::intervals::{CALIBRATIONS, CalibrationData, Coverage, Score};
use crate::systems::soh::network::Forecaster;
use crate::systems::soh::spec::Spec;
use crate::systems::soh::windows::Window;

/// Checkpoints of a recursive forecast: 5 kAh.
pub const HORIZON: usize = 10;

/// Name of the kept [`Life`].
pub const LIFE: &str = "life";

/// The life of a test cell, each value forecast from one checkpoint before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Life {
    /// kAh.
    pub throughput: Vec<f64>,
    /// State of health.
    pub measured: Vec<f64>,
    /// Its forecast.
    pub forecast: Vec<f64>,
    /// Radius of the interval by calibration on the source; `None` if infinite.
    pub split: Option<f64>,
    /// Radius by calibration on the target's prefix; `None` if infinite.
    pub prefix: Option<f64>,
}

/// The error on the source batch that is the target, of `arm` under the weight `lambda`.
pub fn validation_error(
    spec: &Spec,
    block: &Block,
    (head, arm): (&str, &ArmRow),
    lambda: f64,
    seed: u64,
    observer: &dyn Observer,
) -> Result<Measurement, StudyError> {
    let model = Forecaster::new(spec.hidden, spec.dense, head)?;
    let mut trained = train(&model, arm, &block.domains, &spec.train, lambda, seed, observer)?;
    let forecasts = Evaluator::of(&model, &mut trained)?.forecasts(&block.test)?;
    let error = 100.0 * root_mean_square(&residuals(&block.test, &forecasts));
    Ok(Measurement::default().value("validation_error", error))
}

/// Trains `arm` with the head of this name for a target and measures it. `lambda` is the weight of its penalty.
pub fn trial(
    spec: &Spec,
    block: &Block,
    (head, arm): (&str, &ArmRow),
    lambda: Option<f64>,
    seed: u64,
    observer: &dyn Observer,
) -> Result<Measurement, StudyError> {
    let evaluation = Evaluation { spec, block, state: State::fit(&block.calibration), seed };
    if let Adaptation::Rule(rule) = arm.adaptation {
        return Ok(evaluation.of(&|windows| Ok(windows.iter().map(rule).collect()))?.0);
    }
    let model = Forecaster::new(spec.hidden, spec.dense, head)?;
    let weight = lambda.unwrap_or(0.0);
    let mut trained = train(&model, arm, &block.domains, &spec.train, weight, seed, observer)?;
    let (mut found, exact) = {
        let evaluator = Evaluator::of(&model, &mut trained)?;
        let (found, exact) = evaluation.of(&|windows| evaluator.forecasts(windows))?;
        let separability = evaluator.domain_separability(&block.calibration, &block.test)?;
        let found = found.value("discrepancy", separability.discrepancy).value("domain_auroc", separability.auroc);
        (found.value_if("lambda", lambda), exact)
    };
    for &shots in &spec.shots {
        let Some(model) = model.with_shots(shots, Stream::named(seed, "shots").bits())? else { continue };
        let forecasts = Evaluator::of(&model, &mut trained)?.forecasts(&block.test)?;
        let sampled = evaluation.state.scores(&block.test, &forecasts);
        let shots = shots.to_string();
        let at = [("shots", shots.as_str())];
        let alike = verified(&sampled, &sampled, spec.alpha);
        found = found.under(&at, "verified_coverage", alike.points).under(&at, "verified_width", alike.width).under(
            &at,
            "exact_coverage",
            verified(&exact, &sampled, spec.alpha).points,
        );
    }
    match lambda {
        Some(0.0) => {
            Ok(found.inapplicable("λ = 0 was chosen, so nothing is aligned and the training is that of prefix"))
        }
        _ => Ok(found),
    }
}

/// Forecasts of windows, one each.
type Forecast<'a> = dyn Fn(&[Window]) -> Result<Vec<f64>, StudyError> + 'a;

/// How forecasts are evaluated.
struct Evaluation<'a> {
    spec: &'a Spec,
    block: &'a Block,
    state: State,
    seed: u64,
}

impl Evaluation<'_> {
    /// Errors and intervals of any forecaster, and its scores on the test windows.
    fn of(&self, forecast: &Forecast) -> Result<(Measurement, Vec<Score>), StudyError> {
        let Self { spec, block, state, seed } = self;
        let Block { calibration, prefix, test, test_cells, .. } = block;
        let (of_test, of_source) = (forecast(test)?, forecast(calibration)?);
        let errors = residuals(test, &of_test);
        let source_errors = residuals(calibration, &of_source);
        let scores = state.scores(test, &of_test);
        let data = CalibrationData {
            source: &state.scores(calibration, &of_source),
            prefix: &state.scores(prefix, &forecast(prefix)?),
            test: &scores,
            alpha: spec.alpha,
            seed: *seed,
        };
        let verified = verified(&scores, &scores, spec.alpha);
        let mut found = Measurement::default()
            .value("rmse", 100.0 * root_mean_square(&errors))
            .value("mae", 100.0 * errors.iter().map(|e| e.abs()).sum::<f64>() / errors.len().max(1) as f64)
            .value("recursive", 100.0 * recursive(test_cells, spec.window, forecast)?)
            .value("source_rmse", 100.0 * root_mean_square(&source_errors))
            .value("verified_coverage", verified.points)
            .value("verified_width", verified.width);
        let radii: Vec<Vec<f64>> = CALIBRATIONS.iter().map(|row| (row.radii)(&data)).collect();
        for (row, radii) in CALIBRATIONS.iter().zip(&radii) {
            let Coverage { points, low_cells, lives, width, infinite } = Coverage::of(&scores, radii);
            let at = [("calibration", row.name)];
            found = found
                .under(&at, "coverage", points)
                .under(&at, "low_cells", low_cells)
                .under(&at, "lives", lives)
                .under(&at, "width", width)
                .under(&at, "infinite", infinite);
        }
        let radius = |name: &str| {
            let own = CALIBRATIONS.iter().zip(&radii).find(|(row, _)| row.name == name);
            own.and_then(|(_, radii)| radii.first().copied()).filter(|radius| radius.is_finite())
        };
        let life = Window::all(&test_cells[..1], spec.window, 0..CHECKPOINTS + 1);
        let life = Life {
            throughput: life.iter().map(|w| w.checkpoint as f64 * STEP / 1000.0).collect(),
            measured: life.iter().map(|w| w.next).collect(),
            forecast: forecast(&life)?,
            split: radius("split"),
            prefix: radius("prefix"),
        };
        Ok((found.keep(LIFE, &life), scores))
    }
}

fn residuals(windows: &[Window], forecasts: &[f64]) -> Vec<f64> {
    windows.iter().zip(forecasts).map(|(window, forecast)| window.next - forecast).collect()
}

/// Intervals calibrated on the cells of even number in `calibration`, evaluated on those of odd number in `test`.
fn verified(calibration: &[Score], test: &[Score], alpha: f64) -> Coverage {
    let known: Vec<f64> = calibration.iter().filter(|row| row.cell % 2 == 0).map(|row| row.score).collect();
    let test: Vec<Score> = test.iter().copied().filter(|row| row.cell % 2 == 1).collect();
    let radius = split(&known, alpha);
    Coverage::of(&test, &vec![radius; test.len()])
}

/// Root mean square error `HORIZON` checkpoints ahead, from every checkpoint after the prefix that has so many behind it.
fn recursive(cells: &[Cell], length: usize, forecast: &Forecast) -> Result<f64, StudyError> {
    let mut windows = Window::all(cells, length, PREFIX + 1..CHECKPOINTS + 2 - HORIZON);
    let end = |w: &Window| cells[w.cell as usize].measured.get(w.checkpoint + HORIZON - 1).copied();
    windows.retain(|window| end(window).is_some());
    let truths: Vec<f64> = windows.iter().filter_map(end).collect();
    for _ in 0..HORIZON {
        let values = forecast(&windows)?;
        windows.iter_mut().zip(values).for_each(|(window, value)| window.roll(value));
    }
    let errors: Vec<f64> = windows.iter().zip(truths).map(|(window, truth)| truth - window.last()).collect();
    Ok(root_mean_square(&errors))
}

fn root_mean_square(values: &[f64]) -> f64 {
    (values.iter().map(|v| v * v).sum::<f64>() / values.len().max(1) as f64).sqrt()
}

/// Means and standard deviations of state of health and slope on source windows.
struct State([(f64, f64); 2]);

impl State {
    fn fit(windows: &[Window]) -> Self {
        Self([Window::last, Window::slope].map(|value| {
            let values: Vec<f64> = windows.iter().map(value).collect();
            let mean = mean(&values).unwrap_or(0.0);
            let centred: Vec<f64> = values.iter().map(|v| v - mean).collect();
            (mean, root_mean_square(&centred).max(1e-9))
        }))
    }

    fn scores(&self, windows: &[Window], forecasts: &[f64]) -> Vec<Score> {
        let [(health, of_health), (slope, of_slope)] = self.0;
        let row = |(window, forecast): (&Window, &f64)| Score {
            score: (window.next - forecast).abs(),
            cell: window.cell,
            checkpoint: window.checkpoint,
            state: [(window.last() - health) / of_health, (window.slope() - slope) / of_slope],
        };
        windows.iter().zip(forecasts).map(row).collect()
    }
}
