//! One training of one arm, and everything measured on it.

use candle_core::{DType, Tensor};
use ndarray::{Array2, s};

use crate::classic::Logistic;
use crate::math::Stream;
use crate::nn::{Mode, Model, Network};
use crate::study::conformal::split;
use crate::study::metric::Predictions;
use crate::study::metric::ranking::{area, roc};
use crate::study::{Observer, StudyError};
use crate::systems::soh::arms::{ArmRow, Domains, Trained, train};
use crate::systems::soh::cell::{BATCHES, CHECKPOINTS, Cell, PREFIX, Protocol, STEP};
use crate::systems::soh::findings::Trace;
use crate::systems::soh::intervals::{CALIBRATIONS, CalibrationData, Covered, Scored};
use crate::systems::soh::network::Forecaster;
use crate::systems::soh::spec::Spec;
use crate::systems::soh::target::{Roles, Target, cells};
use crate::systems::soh::windows::{Scaler, Window};
use crate::transfer::penalty::{Bank, Estimate, mmd};

/// Rows forecast at once: all test rows, since shots are drawn by their place in a batch.
const BATCH: usize = 4096;

/// Checkpoints of a recursive forecast: 5 kAh.
pub const HORIZON: usize = 10;

/// Everything measured on one training; errors in percentage points of state of health.
pub struct Measured {
    /// Root mean square error of the next state of health, target cells after the prefix.
    pub rmse: f64,
    /// Mean absolute error of the same.
    pub mae: f64,
    /// Root mean square error after [`HORIZON`] checkpoints, the network reading its own forecasts.
    pub recursive: f64,
    /// Root mean square error of the next state of health, source cells after the prefix.
    pub source_rmse: f64,
    /// Biased MMD² between latents of source and target, under the median bank of both.
    pub discrepancy: f64,
    /// Area under the ROC curve of a logistic classifier of the domain on latents of cells it has not seen.
    pub domain_auroc: f64,
    /// By [`CALIBRATIONS`].
    pub covered: Vec<Covered>,
    /// Calibrated on test cells of even number, judged on the others: what a forecast is worth where coverage is sure.
    pub verified: Covered,
    /// For each number of shots of the spec, if the head has a circuit.
    pub sampled: Vec<Sampled>,
    /// The life of the first test cell.
    pub trace: Trace,
}

/// Intervals around forecasts whose expectation values come from shots; cells of even number calibrate, the others are
/// judged.
pub struct Sampled {
    /// Shots for each basis and row.
    pub shots: usize,
    /// Calibrated on forecasts by exact expectation values: shot noise is not in the radius.
    pub exactly: Covered,
    /// Calibrated on forecasts by as many shots.
    pub alike: Covered,
}

/// Windows of `count` cells of each of the batches, cells numbered through.
fn of_batches(seed: u64, purpose: &str, batches: &[Protocol], count: usize, length: usize, from: usize) -> Vec<Window> {
    let fleet: Vec<Cell> = batches.iter().flat_map(|batch| cells(seed, purpose, *batch, count)).collect();
    Window::all(&fleet, length, from..CHECKPOINTS + 1)
}

fn domains(spec: &Spec, seed: u64, sources: &[Protocol], adapted: &[Cell]) -> Domains {
    let of = |purpose, count| of_batches(seed, purpose, sources, count, spec.window, 0);
    Domains {
        source: of("training", spec.training_cells),
        validation: of("validation", spec.validation_cells),
        labelled: Window::all(adapted, spec.window, 0..PREFIX + 1),
        unlabelled: Window::all(adapted, spec.window, PREFIX + 1..CHECKPOINTS + 1),
    }
}

/// The error on source batch `left_out` after the prefix when it plays the target.
pub fn left_out(
    spec: &Spec,
    seed: u64,
    lambda: f64,
    left_out: usize,
    observer: &dyn Observer,
) -> Result<f64, StudyError> {
    let sources: Vec<Protocol> = (0..BATCHES.len()).filter(|k| *k != left_out).map(|k| BATCHES[k]).collect();
    let target = BATCHES[left_out];
    let domains = domains(spec, seed, &sources, &cells(seed, "pseudo-target", target, spec.adaptation_cells));
    let model = Forecaster::new(spec.hidden, spec.dense, &spec.head)?;
    let mut trained = train(&model, ArmRow::named("mmd")?, &domains, &spec.train, lambda, seed, observer)?;
    let judged = of_batches(seed, "validation", &[target], spec.validation_cells, spec.window, PREFIX + 1);
    let told = Told::of(&model, &mut trained)?;
    Ok(root_mean_square(&told.residuals(&judged)?))
}

/// Trains `arm` with the head of this name for `target` and measures it.
pub fn measured(
    spec: &Spec,
    target: &Target,
    head: &str,
    arm: &ArmRow,
    lambda: f64,
    seed: u64,
    observer: &dyn Observer,
) -> Result<Measured, StudyError> {
    let (length, later) = (spec.window, PREFIX + 1);
    let Roles { adapted, fresh, tested } = target.roles(spec, seed);
    let domains = domains(spec, seed, &BATCHES, &adapted);
    let model = Forecaster::new(spec.hidden, spec.dense, head)?;
    let mut trained = train(&model, arm, &domains, &spec.train, lambda, seed, observer)?;
    let told = Told::of(&model, &mut trained)?;

    let test = Window::all(&tested, length, later..CHECKPOINTS + 1);
    let calibration = of_batches(seed, "calibration", &BATCHES, spec.calibration_cells, length, later);
    let prefix = Window::all(&fresh, length, 0..PREFIX + 1);
    let (errors, source_errors) = (told.residuals(&test)?, told.residuals(&calibration)?);
    let scale = State::fit(&calibration);
    let (source, test_rows) = (scale.scored(&calibration, &source_errors), scale.scored(&test, &errors));
    let prefix = scale.scored(&prefix, &told.residuals(&prefix)?);
    let data = CalibrationData { source: &source, prefix: &prefix, test: &test_rows, alpha: spec.alpha, seed };
    let radii: Vec<Vec<f64>> = CALIBRATIONS.iter().map(|row| (row.radii)(&data)).collect();

    let life = Window::all(&tested[..1], length, 0..CHECKPOINTS + 1);
    let first = |name: &str| {
        let place = CALIBRATIONS.iter().position(|row| row.name == name);
        place.and_then(|k| radii[k].first().copied()).filter(|radius| radius.is_finite())
    };
    let trace = Trace {
        throughput: life.iter().map(|w| w.checkpoint as f64 * STEP / 1000.0).collect(),
        measured: life.iter().map(|w| w.next).collect(),
        forecast: told.forecasts(&life)?,
        split: first("split"),
        prefix: first("prefix"),
    };
    let mut sampled = Vec::new();
    for &shots in &spec.shots {
        if let Some(model) = model.with_shots(shots, Stream::named(seed, "shots").bits())? {
            let rows = scale.scored(&test, &Told::of(&model, &mut trained)?.residuals(&test)?);
            let exactly = verified(&test_rows, &rows, spec.alpha);
            sampled.push(Sampled { shots, exactly, alike: verified(&rows, &rows, spec.alpha) });
        }
    }
    let (discrepancy, domain_auroc) = told.domains_apart(&calibration, &test)?;
    Ok(Measured {
        rmse: 100.0 * root_mean_square(&errors),
        mae: 100.0 * errors.iter().map(|e| e.abs()).sum::<f64>() / errors.len().max(1) as f64,
        recursive: 100.0 * recursive(&tested, length, |windows| told.forecasts(windows))?,
        source_rmse: 100.0 * root_mean_square(&source_errors),
        discrepancy,
        domain_auroc,
        verified: verified(&test_rows, &test_rows, spec.alpha),
        sampled,
        covered: radii.iter().map(|radii| Covered::of(&test_rows, radii)).collect(),
        trace,
    })
}

/// Intervals calibrated on the cells of even number in `known`, judged on those of odd number in `judged`.
fn verified(known: &[Scored], judged: &[Scored], alpha: f64) -> Covered {
    let known: Vec<f64> = known.iter().filter(|row| row.cell % 2 == 0).map(|row| row.score).collect();
    let judged: Vec<Scored> = judged.iter().copied().filter(|row| row.cell % 2 == 1).collect();
    let radius = split(&known, alpha);
    Covered::of(&judged, &vec![radius; judged.len()])
}

/// One-step and recursive root mean square errors (percentage points) of forecasts without a network: the last value,
/// and the line through the window.
pub fn baselines(spec: &Spec, target: &Target, seed: u64) -> Result<[(f64, f64); 2], StudyError> {
    let tested = target.roles(spec, seed).tested;
    let windows = Window::all(&tested, spec.window, PREFIX + 1..CHECKPOINTS + 1);
    let rules: [fn(&Window) -> f64; 2] = [Window::last, |window| {
        let mean = window.history.iter().sum::<f64>() / window.history.len() as f64;
        mean + window.slope() * (window.history.len() as f64 + 1.0) / 2.0
    }];
    let mut found = [(0.0, 0.0); 2];
    for (rule, found) in rules.iter().zip(&mut found) {
        let errors: Vec<f64> = windows.iter().map(|w| w.next - rule(w)).collect();
        let far = recursive(&tested, spec.window, |windows| Ok(windows.iter().map(rule).collect()))?;
        *found = (100.0 * root_mean_square(&errors), 100.0 * far);
    }
    Ok(found)
}

/// Root mean square error `HORIZON` checkpoints ahead, from every checkpoint after the prefix that has so many behind it.
fn recursive(
    tested: &[Cell],
    length: usize,
    forecast: impl Fn(&[Window]) -> Result<Vec<f64>, StudyError>,
) -> Result<f64, StudyError> {
    let mut windows = Window::all(tested, length, PREFIX + 1..CHECKPOINTS + 2 - HORIZON);
    let end = |w: &Window| tested[w.cell as usize].measured.get(w.checkpoint + HORIZON - 1).copied();
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
            let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
            let centred: Vec<f64> = values.iter().map(|v| v - mean).collect();
            (mean, root_mean_square(&centred).max(1e-9))
        }))
    }

    fn scored(&self, windows: &[Window], residuals: &[f64]) -> Vec<Scored> {
        let [(health, of_health), (slope, of_slope)] = self.0;
        let row = |(w, residual): (&Window, &f64)| Scored {
            score: residual.abs(),
            cell: w.cell,
            checkpoint: w.checkpoint,
            state: [(w.last() - health) / of_health, (w.slope() - slope) / of_slope],
        };
        windows.iter().zip(residuals).map(row).collect()
    }
}

/// A trained network that is asked.
struct Told<'a> {
    network: Box<dyn Network + 'a>,
    scaler: Scaler,
}

impl<'a> Told<'a> {
    fn of(model: &'a Forecaster, trained: &mut Trained) -> Result<Self, StudyError> {
        Ok(Self { network: model.build(&mut trained.params)?, scaler: trained.scaler })
    }

    /// Forecasts and latents.
    fn answers(&self, windows: &[Window]) -> Result<(Vec<f64>, Vec<Tensor>), StudyError> {
        let (mut forecasts, mut latents) = (Vec::new(), Vec::new());
        for part in windows.chunks(BATCH) {
            let output = self.network.forward(&[self.scaler.inputs(part)?], Mode::Eval)?;
            let answers: Vec<f64> = output.logits.detach().to_dtype(DType::F64)?.flatten_all()?.to_vec1()?;
            forecasts.extend(part.iter().zip(answers).map(|(window, answer)| self.scaler.forecast(window, answer)));
            latents.push(output.features.detach().to_dtype(DType::F64)?);
        }
        Ok((forecasts, latents))
    }

    fn forecasts(&self, windows: &[Window]) -> Result<Vec<f64>, StudyError> {
        Ok(self.answers(windows)?.0)
    }

    fn residuals(&self, windows: &[Window]) -> Result<Vec<f64>, StudyError> {
        Ok(windows.iter().zip(self.forecasts(windows)?).map(|(window, value)| window.next - value).collect())
    }

    /// MMD² of the latents, and how well domains are told apart by them: cells of even number teach the classifier,
    /// the others judge it.
    fn domains_apart(&self, source: &[Window], target: &[Window]) -> Result<(f64, f64), StudyError> {
        let thinned = |windows: &[Window]| windows.iter().step_by(3).cloned().collect::<Vec<Window>>();
        let (source, target) = (thinned(source), thinned(target));
        let latents = |windows: &[Window]| Ok::<_, StudyError>(Tensor::cat(&self.answers(windows)?.1, 0)?);
        let (x, y) = (latents(&source)?, latents(&target)?);
        let discrepancy: f64 = mmd(&x, &y, &Bank::median(&x, &y)?, Estimate::Biased)?.to_scalar()?;
        let (known, judged): (Vec<_>, Vec<_>) = [(&source, &x, false), (&target, &y, true)]
            .into_iter()
            .map(|(windows, rows, label)| Ok((windows, rows.to_vec2::<f64>()?, label)))
            .collect::<Result<Vec<_>, StudyError>>()?
            .into_iter()
            .flat_map(|(windows, rows, label)| {
                windows.iter().zip(rows).map(move |(window, row)| (window.cell, row, label))
            })
            .partition(|(cell, ..)| cell % 2 == 0);
        let array = |rows: &[(u32, Vec<f64>, bool)]| {
            let width = rows.first().map_or(0, |(_, row, _)| row.len());
            let values = Array2::from_shape_fn((rows.len(), width), |(i, j)| rows[i].1[j]);
            (values, rows.iter().map(|(.., label)| *label).collect::<Vec<bool>>())
        };
        let undefined = |what: &str| StudyError::NotFinite { what: what.into() };
        let ((features, labels), (rows, truths)) = (array(&known), array(&judged));
        let classifier =
            Logistic::fit(features.view(), &labels, 1.0).ok_or_else(|| undefined("the domain classifier"))?;
        let mut probabilities = Array2::zeros((rows.nrows(), 2));
        for (k, row) in rows.rows().into_iter().enumerate() {
            let p = classifier.probability(row);
            probabilities.slice_mut(s![k, ..]).assign(&ndarray::arr1(&[1.0 - p, p]));
        }
        let predictions = Predictions::new(probabilities, truths.iter().map(|t| usize::from(*t)).collect())?;
        let curve = roc(&predictions, 1).map_err(|_| undefined("the area under the curve of one domain"))?;
        Ok((discrepancy, area(&curve)))
    }
}
