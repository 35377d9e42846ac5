//! A training between two epochs as one safetensors file: parameters, best, average, moments, and the history as JSON
//! in its metadata. Everything else follows from the seed and the history.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::{EpochRecord, State, TrainConfig};
use crate::data::write_file;
use crate::math::input;
use crate::nn::optim::Moments;
use crate::nn::params::Snapshot;
use crate::nn::{ModelHeader, NnError, Params};
use crate::study::StudyError;

/// A file in which a training keeps its state from time to time. It saves work and decides nothing: where it cannot be
/// written or read, the training starts anew after an interruption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The file; its folder is made when it is needed.
    pub path: PathBuf,
    /// At least this time is between two writings, each after an epoch.
    pub every: Duration,
}

/// The end of a training is kept as well if the training took this share of the time between two writings: what follows it
/// in its trial may be interrupted.
const KEPT_END: f64 = 1.0 / 30.0;

/// When a training keeps its state.
pub(super) enum Keeper<'a> {
    /// Never.
    Nowhere,
    /// After every epoch, and what goes wrong is an error.
    Always(&'a Path),
    /// From time to time.
    Sometimes { file: Checkpoint, began: Instant, last: Instant },
}

impl<'a> Keeper<'a> {
    pub fn new(always: Option<&'a Path>, sometimes: Option<Checkpoint>) -> Self {
        let now = Instant::now();
        match (always, sometimes) {
            (Some(path), _) => Self::Always(path),
            (None, Some(file)) => Self::Sometimes { file, began: now, last: now },
            (None, None) => Self::Nowhere,
        }
    }

    /// Sets parameters and state to what was kept; whether something was.
    pub fn read(&self, training: &Identity, params: &Params, state: &mut State) -> Result<bool, StudyError> {
        match self {
            Self::Always(path) if path.exists() => read(path, training, params, state).map(|()| true),
            Self::Sometimes { file, .. } if file.path.exists() => Ok(read(&file.path, training, params, state).is_ok()),
            _ => Ok(false),
        }
    }

    /// Keeps the state after an epoch. `is_last` if no other follows.
    pub fn write(
        &mut self,
        training: Identity,
        params: &Params,
        state: &State,
        is_last: bool,
    ) -> Result<(), StudyError> {
        match self {
            Self::Nowhere => Ok(()),
            Self::Always(path) => write(path, training, params, state),
            Self::Sometimes { file, began, last } => {
                let is_due = last.elapsed() >= file.every;
                if is_due || (is_last && began.elapsed() >= file.every.mul_f64(KEPT_END)) {
                    let folder = file.path.parent().unwrap_or(Path::new("."));
                    let _ = fs::create_dir_all(folder);
                    let _ = write(&file.path, training, params, state);
                    *last = Instant::now();
                }
                Ok(())
            }
        }
    }
}

/// What is not a tensor.
#[derive(Serialize, Deserialize)]
struct Header {
    training: Identity,
    history: Vec<EpochRecord>,
    /// Steps of each parameter, 0 for one without moments.
    steps: Vec<i32>,
}

impl ModelHeader for Header {
    const ENTRY: &'static str = "training";
    const FORMAT: &'static str = "qgraft.checkpoint/2";
    const WHAT: &'static str = "a checkpoint of a training";
}

/// What must be the same for a training to continue unchanged.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Identity {
    pub seed: u64,
    pub config: TrainConfig,
    /// Training rows.
    pub rows: usize,
}

/// Writes the file whole or not at all.
fn write(path: &Path, training: Identity, params: &Params, state: &State) -> Result<(), StudyError> {
    let mut tensors: Vec<(String, Tensor)> = Vec::new();
    let mut steps = Vec::new();
    let kept = [("best", state.best.as_ref()), ("average", state.average.as_ref().map(|average| &average.values))];
    for (part, snapshot) in kept {
        for (name, values) in snapshot.map_or(&[][..], |snapshot| &snapshot.0) {
            tensors.push((format!("{part}.{name}"), values.clone()));
        }
    }
    for (index, (name, var)) in params.iter().enumerate() {
        tensors.push((format!("now.{name}"), var.as_detached_tensor()));
        let moments = state.optimizer.moments().get(index).and_then(Option::as_ref);
        steps.push(moments.map_or(0, |moments| moments.steps));
        if let Some(Moments { first, second, .. }) = moments {
            for (part, values) in [("first", first), ("second", second)] {
                tensors.push((format!("{part}.{name}"), Tensor::from_slice(values, values.len(), &Device::Cpu)?));
            }
        }
    }
    let bytes = Header { training, history: state.history.clone(), steps }.to_bytes(tensors)?;
    write_file(path, &bytes).map_err(|source| StudyError::File { path: path.into(), source })
}

/// Sets parameters and state to what the file holds, or leaves them as they are.
fn read(path: &Path, training: &Identity, params: &Params, state: &mut State) -> Result<(), StudyError> {
    let failed = |reason: String| StudyError::from(NnError::File { path: path.into(), reason });
    let bytes = input::read(path, input::LARGEST).map_err(|source| StudyError::File { path: path.into(), source })?;
    let header = Header::read(&bytes, path)?;
    if header.training != *training {
        return Err(failed(format!("it is of another training, {:?}; this one is {training:?}", header.training)));
    }
    let mut tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu).map_err(|e| failed(e.to_string()))?;
    let mut part = |part: &str| -> Vec<(String, Option<Tensor>)> {
        let mut of = |name: &str| (name.to_string(), tensors.remove(&format!("{part}.{name}")));
        params.iter().map(|(name, _)| of(name)).collect()
    };
    let (now, best, average) = (part("now"), part("best"), part("average"));
    let (first, second) = (part("first"), part("second"));
    let whole = |part: Vec<(String, Option<Tensor>)>| -> Result<Snapshot, StudyError> {
        let found = |(name, tensor): (String, Option<Tensor>)| match tensor {
            Some(tensor) => Ok((name, tensor)),
            None => Err(failed(format!("it lacks values of parameter {name}"))),
        };
        Ok(Snapshot(part.into_iter().map(found).collect::<Result<_, _>>()?))
    };
    let now = whole(now)?;
    // All or none: there is no best before the first epoch that has one.
    let best = if best.iter().all(|(_, tensor)| tensor.is_none()) { None } else { Some(whole(best)?) };
    let average = if state.average.is_some() { Some(whole(average)?) } else { None };
    let numbers = |tensor: Option<Tensor>| tensor.map(|tensor| tensor.to_vec1::<f64>()).transpose();
    let mut moments = Vec::new();
    for (((_, first), (_, second)), steps) in first.into_iter().zip(second).zip(header.steps) {
        let both = numbers(first)?.zip(numbers(second)?);
        moments.push(both.map(|(first, second)| Moments { steps, first, second }));
    }
    params.restore(&now)?;
    state.best = best;
    if let (Some(own), Some(values)) = (&mut state.average, average) {
        own.values = values;
    }
    state.optimizer.remember(moments);
    state.history = header.history;
    Ok(())
}
