//! A trained forecaster as one file, its intervals, and the remaining life of cells.

use candle_core::{DType, Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::lab::{Applied, ApplyOptions, Files, Results, SavedRun, SavedTrial, TrialFiles};
use crate::nn::{Model, ModelHeader, NnError, Params};
use crate::study::StudyError;
use crate::study::conformal::split;
use crate::study::files::append_rows;
use crate::systems::soh::arms::{Adaptation, ArmRow, TrainedForecaster};
use crate::systems::soh::cell::Cell;
use crate::systems::soh::evaluator::Evaluator;
use crate::systems::soh::network::Forecaster;
use crate::systems::soh::own_cells;
use crate::systems::soh::spec::Axis;
use crate::systems::soh::windows::{Scaler, Window};

/// File of a trial with its forecaster.
pub const FORECASTER_FILE: &str = "forecaster.safetensors";
/// File of a trial with every forecast of its test cells.
pub const PREDICTIONS_FILE: &str = "predictions.csv";
/// File of a trial with the remaining lives of its test cells.
pub const LIVES_FILE: &str = "lives.csv";
/// Name of the kept error on validation cells.
pub const VALIDATION: &str = "validation";

/// Steps of a forecast ahead at most.
const FARTHEST: usize = 1000;

/// Forecasts of windows, one each.
pub type Forecast<'a> = dyn Fn(&[Window]) -> Result<Vec<f64>, StudyError> + 'a;

/// What a file says beside its weights.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Header {
    pub arm: String,
    pub head: String,
    pub hidden: usize,
    pub dense: usize,
    pub window: usize,
    pub axis: Axis,
    /// State of health at the end of life.
    pub end: f64,
    /// Miscoverage of the intervals.
    pub alpha: f64,
    /// Radius of the intervals 1, 2, … checkpoints ahead, as far as calibration cells reach.
    pub radii: Vec<f64>,
    pub scaler: Option<Scaler>,
}

impl ModelHeader for Header {
    const ENTRY: &'static str = "forecaster";
    const FORMAT: &'static str = "qgraft.forecaster/1";
    const WHAT: &'static str = "a forecaster";
}

/// The remaining life of a cell, in units of the axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Remaining {
    /// Until the forecast falls below the end; `None` if it does not within 1,000 checkpoints.
    pub life: Option<f64>,
    /// Until the lower end of the intervals does; `None` if the calibration does not reach so far.
    pub low: Option<f64>,
    /// Until the upper end does.
    pub high: Option<f64>,
}

impl Header {
    /// Radii of the intervals 1, 2, … checkpoints ahead, from forecasts that read themselves on `cells` at the checkpoints
    /// `from` to `until` (exclusive), for distances that have none yet. They never shrink with the distance.
    ///
    /// # Errors
    /// If the forecaster fails.
    pub fn calibrate(
        &mut self,
        cells: &[Cell],
        (from, until): (usize, usize),
        forecast: &Forecast,
    ) -> Result<(), StudyError> {
        let mut windows = Window::all(cells, self.window, from..until);
        let mut largest: f64 = 0.0;
        for ahead in 0..FARTHEST {
            let truth = |w: &Window| {
                let at = w.checkpoint + ahead;
                cells[w.cell as usize].measured.get(at).copied().filter(|_| at < until)
            };
            windows.retain(|window| truth(window).is_some());
            let truths: Vec<f64> = windows.iter().filter_map(truth).collect();
            let values = forecast(&windows)?;
            let errors: Vec<f64> = values.iter().zip(&truths).map(|(value, truth)| (value - truth).abs()).collect();
            let radius = split(&errors, self.alpha);
            if !radius.is_finite() {
                break;
            }
            match self.radii.get(ahead) {
                Some(known) => largest = *known,
                None => {
                    largest = largest.max(radius);
                    self.radii.push(largest);
                }
            }
            windows.iter_mut().zip(values).for_each(|(window, value)| window.roll(value));
        }
        Ok(())
    }

    /// The remaining life after the last value of each window, whose history must be known.
    ///
    /// # Errors
    /// If the forecaster fails.
    pub fn remaining(&self, windows: &[Window], forecast: &Forecast) -> Result<Vec<Remaining>, StudyError> {
        let mut windows = windows.to_vec();
        let start = |w: &Window| (w.last() < self.end).then_some(0.0);
        let mut found: Vec<Remaining> =
            windows.iter().map(|w| Remaining { life: start(w), low: start(w), high: start(w) }).collect();
        for ahead in 0..FARTHEST {
            let is_done = |r: &Remaining| r.life.is_some() && (r.high.is_some() || ahead >= self.radii.len());
            if windows.is_empty() || found.iter().all(is_done) {
                break;
            }
            let before: Vec<f64> = windows.iter().map(Window::last).collect();
            let values = forecast(&windows)?;
            let radius = self.radii.get(ahead).copied();
            let last = if ahead == 0 { Some(0.0) } else { self.radii.get(ahead - 1).copied() };
            for ((remaining, before), value) in found.iter_mut().zip(before).zip(&values) {
                let cross = |shift: f64, past: f64| -> Option<f64> {
                    let (above, below) = (before + past, value + shift);
                    let share =
                        if above > below { ((above - self.end) / (above - below)).clamp(0.0, 1.0) } else { 1.0 };
                    (below < self.end).then_some((ahead as f64 + share) * self.axis.step)
                };
                remaining.life = remaining.life.or_else(|| cross(0.0, 0.0));
                if let (Some(radius), Some(past)) = (radius, last) {
                    remaining.low = remaining.low.or_else(|| cross(-radius, -past));
                    remaining.high = remaining.high.or_else(|| cross(radius, past));
                }
            }
            windows.iter_mut().zip(values).for_each(|(window, value)| window.roll(value));
        }
        Ok(found)
    }

    /// The file of a forecaster; a rule has no weights.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn file(&self, params: Option<&Params>) -> Result<Vec<u8>, StudyError> {
        // A file of tensors has at least one: the radii.
        let radii: Vec<f64> = if self.radii.is_empty() { vec![f64::INFINITY] } else { self.radii.clone() };
        let mut tensors = vec![("radii".to_string(), Tensor::new(radii, &Device::Cpu)?)];
        if let Some(params) = params {
            tensors.extend(params.iter().map(|(name, var)| (name.to_string(), var.as_tensor().clone())));
        }
        Ok(self.to_bytes(tensors)?)
    }

    /// A header with no radii yet.
    pub fn new(arm: &str, head: &str) -> Self {
        Self {
            arm: arm.into(),
            head: head.into(),
            hidden: 0,
            dense: 0,
            window: 0,
            axis: Axis::default(),
            end: 0.8,
            alpha: 0.1,
            radii: Vec::new(),
            scaler: None,
        }
    }
}

/// Applies the forecaster that the options choose to cells of a folder or file: the next state of health with its interval,
/// and the remaining life with its interval. Of several, it is the arm with the lowest mean error on validation cells, under
/// the seed with the lowest.
///
/// # Errors
/// A run without forecasters, cells that cannot be read or are shorter than the window.
pub fn apply(run: &SavedRun, options: &ApplyOptions) -> Result<Applied, StudyError> {
    let trial = chosen(run, options)?;
    options.refuse_condition_without("forecasters run without devices, shots and mitigation")?;
    let path = trial.path(FORECASTER_FILE);
    let bytes = trial.file(FORECASTER_FILE)?;
    let header = Header::read(&bytes, &path)?;
    if header.window < 2 {
        let reason = format!("header: a window of {} checkpoints; expected at least 2", header.window);
        return Err(NnError::File { path, reason }.into());
    }
    let mut cells = Vec::new();
    for data in &options.data {
        cells.extend(own_cells::read(data, &header.axis)?);
    }
    let mut notices = Vec::new();
    cells.retain(|cell| {
        let is_long = cell.measured.len() >= header.window;
        if !is_long {
            let (count, needed) = (cell.measured.len(), header.window);
            notices.push(format!(
                "cell {} has {count} checkpoints; the forecaster reads {needed}, so it is left out",
                cell.name
            ));
        }
        is_long
    });
    let windows: Vec<Window> = cells.iter().map(|cell| Window::behind(cell, header.window)).collect();
    let arm = ArmRow::named(&header.arm)?;
    let (next, remaining) = match arm.adaptation {
        Adaptation::Rule(rule) => {
            let forecast = |windows: &[Window]| Ok(windows.iter().map(rule).collect());
            (forecast(&windows)?, header.remaining(&windows, &forecast)?)
        }
        _ => {
            let model = Forecaster::new(header.hidden, header.dense, &header.head)?;
            let mut params = Params::new(0, DType::F32);
            model.build(&mut params)?;
            params.load_bytes(&bytes, &path)?;
            let missing = || StudyError::from(NnError::File { path: path.clone(), reason: "header: no scaler".into() });
            let mut trained = TrainedForecaster { params, scaler: header.scaler.ok_or_else(missing)? };
            let evaluator = Evaluator::of(&model, &mut trained)?;
            let forecast = |windows: &[Window]| evaluator.forecasts(windows);
            (forecast(&windows)?, header.remaining(&windows, &forecast)?)
        }
    };
    let columns =
        ["cell", "at", "health", "next", "next_low", "next_high", "remaining", "remaining_low", "remaining_high"];
    let radius = header.radii.first().copied();
    let line = |((cell, next), remaining): ((&Cell, f64), &Remaining)| -> Vec<serde_json::Value> {
        let last = cell.measured.len() - 1;
        let end = |sign: f64| radius.map(|radius| next + sign * radius);
        vec![
            cell.name.as_str().into(),
            (last as f64 * header.axis.step).into(),
            cell.measured[last].into(),
            next.into(),
            end(-1.0).into(),
            end(1.0).into(),
            remaining.life.into(),
            remaining.low.into(),
            remaining.high.into(),
        ]
    };
    let percent = 100.0 * (1.0 - header.alpha);
    let model = format!(
        "{}; steps of {}; intervals of {percent:.0} % up to {} steps ahead; remaining until a health of {}",
        trial.title(),
        header.axis.step,
        header.radii.len(),
        header.end
    );
    Ok(Applied {
        model,
        columns: columns.map(String::from).to_vec(),
        rows: cells.iter().zip(next).zip(&remaining).map(line).collect(),
        notices,
        ..Applied::default()
    })
}

fn chosen<'r>(run: &'r SavedRun, options: &ApplyOptions) -> Result<&'r SavedTrial, StudyError> {
    let found = run.models(&[FORECASTER_FILE], &options.choice)?;
    run.refuse_several(&found, "target")?;
    let error = |trial: &SavedTrial| trial.measurement.kept::<f64>(VALIDATION).unwrap_or(f64::MAX);
    let is_same = |a: &SavedTrial, b: &SavedTrial| ["head", "arm"].iter().all(|f| a.point.get(f) == b.point.get(f));
    let mean = |trial: &SavedTrial| {
        let own: Vec<f64> = found.iter().filter(|other| is_same(trial, other)).map(|t| error(t)).collect();
        own.iter().sum::<f64>() / own.len() as f64
    };
    let rank = |trial: &SavedTrial| (mean(trial), error(trial));
    let better = |best: &'r SavedTrial, next: &'r SavedTrial| if rank(next) < rank(best) { next } else { best };
    Ok(found.iter().skip(1).fold(found[0], |best, next| better(best, next)))
}

/// predictions.csv and lives.csv of all trials.
///
/// # Errors
/// If a stored file cannot be read.
pub fn tables(results: &Results, files: &TrialFiles) -> Result<Files, StudyError> {
    let mut found: Files = [PREDICTIONS_FILE, LIVES_FILE].map(|name| (name.to_string(), Vec::new())).to_vec();
    for trial in results.trials("main") {
        for (name, bytes) in files(&trial.point)? {
            for (_, all) in found.iter_mut().filter(|(own, _)| *own == name) {
                append_rows(all, &bytes);
            }
        }
    }
    Ok(found)
}
