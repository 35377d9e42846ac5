//! Trains one arm and evaluates it. Errors and widths are percentage points of state of health.

use serde::{Deserialize, Serialize};

use crate::lab::{Context, Measurement};
use crate::math::Stream;
use crate::nn::Params;
use crate::report::Table;
use crate::study::conformal::split;
use crate::study::stats::mean;
use crate::study::{Observer, StudyError};
use crate::systems::conditions::{ConditionConfig, EXACT, evaluate_under};
use crate::systems::methods::OWN;
use crate::systems::soh::arms::{Adaptation, ArmRow, train};
use crate::systems::soh::cell::Cell;
use crate::systems::soh::domains::Block;
use crate::systems::soh::evaluator::Evaluator;
use crate::systems::soh::intervals::{CALIBRATIONS, CalibrationData, Coverage, Score};
use crate::systems::soh::network::Forecaster;
use crate::systems::soh::saved::{FORECASTER_FILE, Forecast, Header, LIVES_FILE, PREDICTIONS_FILE, VALIDATION};
use crate::systems::soh::spec::Spec;
use crate::systems::soh::windows::{Scaler, Window};

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
    let mut trained = train(&model, (arm, OWN), &block.domains, &spec.train, lambda, seed, observer)?;
    let forecasts = Evaluator::of(&model, &mut trained)?.forecasts(&block.test)?;
    let error = 100.0 * root_mean_square(&residuals(&block.test, &forecasts));
    Ok(Measurement::default().value("validation_error", error))
}

/// How a forecaster is trained.
pub struct Way<'a> {
    /// Label of its head.
    pub head: &'a str,
    /// How it is adapted to the target.
    pub arm: &'a ArmRow,
    /// Level of the methods beside that.
    pub method: &'a str,
    /// The weight of the arm's penalty.
    pub lambda: Option<f64>,
}

/// Trains a forecaster for a target and measures it.
pub fn trial(spec: &Spec, block: &Block, way: &Way, seed: u64, context: &Context) -> Result<Measurement, StudyError> {
    let Way { head, arm, method, lambda } = *way;
    let evaluation = Evaluation { spec, block, state: State::fit(&block.calibration), seed };
    if let Adaptation::Rule(rule) = arm.adaptation {
        let forecast = |windows: &[Window]| Ok(windows.iter().map(rule).collect());
        let found = evaluation.of(&forecast)?.0;
        return evaluation.keep(found, (head, arm), &forecast, None);
    }
    let model = Forecaster::new(spec.hidden, spec.dense, head)?;
    let weight = lambda.unwrap_or(0.0);
    let noisy = model.with_head(Forecaster::choice(head)?.trained(model.head(), context.executions, seed)?);
    let (domains, observer) = (&block.domains, context.observer);
    let mut trained = train(&noisy, (arm, method), domains, &spec.train, weight, seed, observer)?;
    let (mut found, exact) = {
        let (params, scaler) = (trained.params.clone(), trained.scaler);
        let evaluator = Evaluator::of(&model, &mut trained)?;
        let (found, exact) = evaluation.of(&|windows| evaluator.forecasts(windows))?;
        let separability = evaluator.domain_separability(&block.calibration, &block.test)?;
        let found =
            evaluation.keep(found, (head, arm), &|windows| evaluator.forecasts(windows), Some(&(params, scaler)))?;
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
    let mut conditions = match spec.evaluate.is_empty() {
        true => Vec::new(),
        false => ConditionConfig { shots: spec.shots.clone(), ..spec.evaluate.clone() }.all(),
    };
    // With shots and without noise it was measured above.
    conditions.retain(|other| other.condition.device.is_some() || other.condition.shots.is_none());
    conditions.iter_mut().for_each(|other| other.levels.retain(|(_, level)| level != EXACT));
    let shots_seed = Stream::named(seed, "shots").bits();
    found = evaluate_under(&conditions, model.head(), shots_seed, context, found, &mut |under| {
        let model = model.with_head(under);
        let forecasts = Evaluator::of(&model, &mut trained)?.forecasts(&block.test)?;
        let (errors, sampled) = (residuals(&block.test, &forecasts), evaluation.state.scores(&block.test, &forecasts));
        let alike = verified(&sampled, &sampled, spec.alpha);
        Ok(vec![
            ("rmse", 100.0 * root_mean_square(&errors)),
            ("verified_coverage", alike.points),
            ("verified_width", alike.width),
            ("exact_coverage", verified(&exact, &sampled, spec.alpha).points),
        ])
    })?;
    match lambda {
        Some(0.0) => {
            Ok(found.inapplicable("λ = 0 was chosen, so nothing is aligned and the training is that of prefix"))
        }
        _ => Ok(found),
    }
}

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
            .value("source_rmse", 100.0 * root_mean_square(&source_errors))
            .value("verified_coverage", verified.points)
            .value("verified_width", verified.width);
        found = found.value_if("recursive", recursive(test_cells, spec, forecast)?.map(|error| 100.0 * error));
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
        let life = Window::all(&test_cells[..1], spec.window, 0..spec.checkpoints() + 1);
        let life = Life {
            throughput: life
                .iter()
                .map(|w| w.checkpoint as f64 * spec.axis.step / if spec.is_own() { 1.0 } else { 1000.0 })
                .collect(),
            measured: life.iter().map(|w| w.next).collect(),
            forecast: forecast(&life)?,
            split: radius("split"),
            prefix: radius("prefix"),
        };
        Ok((found.keep(LIFE, &life), scores))
    }
}

impl Evaluation<'_> {
    /// With the files of the trial: the forecaster with its intervals, every forecast of the test cells, and their remaining
    /// lives behind the prefix.
    fn keep(
        &self,
        found: Measurement,
        (head, arm): (&str, &ArmRow),
        forecast: &Forecast,
        trained: Option<&(Params, Scaler)>,
    ) -> Result<Measurement, StudyError> {
        let Self { spec, block, .. } = self;
        let later = spec.axis.prefix + 1;
        // Labels of the target end with the prefix. Without a source its cells calibrate over their whole lives.
        let range = if spec.is_own() && spec.source.is_none() { (later, usize::MAX) } else { (0, later) };
        let mut header = Header {
            hidden: spec.hidden,
            dense: spec.dense,
            window: spec.window,
            axis: spec.axis(),
            end: spec.end,
            alpha: spec.alpha,
            scaler: trained.map(|(_, scaler)| *scaler),
            ..Header::new(arm.name, head)
        };
        header.calibrate(&block.calibration_cells, range, forecast)?;
        header.calibrate(&block.farther_cells, (later, usize::MAX), forecast)?;
        let values = forecast(&block.test)?;
        let names = ["head", "arm", "seed", "cell", "at", "measured", "forecast", "low", "high"];
        let mut predictions = Table::new("predictions", "", &names, 4);
        let own = [head.to_string(), arm.name.to_string(), self.seed.to_string()];
        let radius = header.radii.first().copied();
        for (window, value) in block.test.iter().zip(&values) {
            let end = |sign: f64| radius.map_or(String::new(), |radius| (value + sign * radius).to_string());
            let at = window.checkpoint as f64 * spec.axis.step;
            let name = block.test_cells[window.cell as usize].name.clone();
            let numbers = [at.to_string(), window.next.to_string(), value.to_string(), end(-1.0), end(1.0)];
            predictions.rows.push(own.iter().cloned().chain([name]).chain(numbers).collect());
        }
        let (lives, found) = self.lives(found, &header, forecast)?;
        let validation = &block.domains.validation;
        let error = root_mean_square(&residuals(validation, &forecast(validation)?));
        Ok(found
            .keep(VALIDATION, &error)
            .file(FORECASTER_FILE, header.file(trained.map(|(params, _)| params))?)
            .file(PREDICTIONS_FILE, predictions.csv())
            .file(LIVES_FILE, lives.csv()))
    }

    /// Remaining lives of the test cells behind the prefix, and how far they are from the measured ones.
    fn lives(
        &self,
        found: Measurement,
        header: &Header,
        forecast: &Forecast,
    ) -> Result<(Table, Measurement), StudyError> {
        let Self { spec, block, .. } = self;
        let start = spec.axis.prefix;
        let cut = |cell: &Cell| Cell { measured: cell.measured[..=start].to_vec(), ..cell.clone() };
        let windows: Vec<Window> = block.test_cells.iter().map(|c| Window::behind(&cut(c), spec.window)).collect();
        let names =
            ["head", "arm", "seed", "cell", "at", "health", "remaining", "remaining_low", "remaining_high", "measured"];
        let mut lives = Table::new("lives", "", &names, 4);
        let (mut errors, mut inside) = (Vec::new(), Vec::new());
        for ((cell, window), own) in block.test_cells.iter().zip(&windows).zip(header.remaining(&windows, forecast)?) {
            let steps = cell.measured[start..].iter().position(|health| *health < spec.end);
            let truth = steps.map(|steps| steps as f64 * spec.axis.step);
            let text = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
            let at = start as f64 * spec.axis.step;
            let numbers = [own.life, own.low, own.high, truth].map(text);
            let first = [cell.name.clone(), at.to_string(), window.last().to_string()];
            let names = [header.head.clone(), header.arm.clone(), self.seed.to_string()];
            lives.rows.push(names.into_iter().chain(first).chain(numbers).collect());
            errors.extend(own.life.zip(truth).map(|(life, truth)| (life - truth).abs()));
            inside.extend(truth.zip(own.low).map(|(truth, low)| {
                // A checkpoint is the finest that a measured life is known to.
                f64::from(low <= truth && own.high.is_none_or(|high| truth <= high + spec.axis.step))
            }));
        }
        Ok((lives, found.value_if("life_error", mean(&errors)).value_if("life_coverage", mean(&inside))))
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
fn recursive(cells: &[Cell], spec: &Spec, forecast: &Forecast) -> Result<Option<f64>, StudyError> {
    let mut windows = Window::all(cells, spec.window, spec.axis.prefix + 1..spec.checkpoints() + 2 - HORIZON);
    let end = |w: &Window| cells[w.cell as usize].measured.get(w.checkpoint + HORIZON - 1).copied();
    windows.retain(|window| end(window).is_some());
    let truths: Vec<f64> = windows.iter().filter_map(end).collect();
    for _ in 0..HORIZON {
        let values = forecast(&windows)?;
        windows.iter_mut().zip(values).for_each(|(window, value)| window.roll(value));
    }
    let errors: Vec<f64> = windows.iter().zip(truths).map(|(window, truth)| truth - window.last()).collect();
    Ok((!errors.is_empty()).then(|| root_mean_square(&errors)))
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
