//! A network as an aligner: residual blocks, trained on squares, cosines and, as an option, contrasts within a batch.

use candle_core::{DType, Device, Tensor};
use ndarray::{Array1, Array2, ArrayView2, Axis};
use serde::{Deserialize, Serialize};

use crate::classic::alignment::folds;
use crate::lab::{Context, Measurement};
use crate::nn::layer::{Linear, dropout};
use crate::nn::loss::{Objective, cosine_distance, soft_clip, squares};
use crate::nn::model::first;
use crate::nn::optim::{Method, Schedule};
use crate::nn::{Examples, Mode, Model, Network, NnError, Output, Params};
use crate::study::StudyError;
use crate::study::train::{HeldOutEvaluator, TrainConfig, TrainingLoop};
use crate::systems::alignment::saved::{NETWORK_FILE, network_bytes};
use crate::systems::alignment::spec::Spec;
use crate::systems::alignment::trial::{mean, quality};
use crate::systems::alignment::world::World;
use crate::transfer::schedule::Full;

/// Residual blocks between the first and the last layer.
const BLOCKS: usize = 2;
/// Share of activations that a step leaves out.
const DROPOUT: f64 = 0.3;
/// Factor on 1 - cos beside the mean square.
const COSINES: f64 = 0.5;
/// τ of the SoftCLIP loss; MindEye goes from 0.004 to 0.0075, with batches five times as large.
const TEMPERATURE: f64 = 0.05;
/// Rows of a step.
const BATCH: usize = 64;
/// Learning rate at the start; it falls along half a cosine.
const RATE: f64 = 1e-3;

/// Layers of the network: a linear one with GELU, blocks x + GELU(W x + b), a linear one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlignerNet {
    /// Length of a row of inputs.
    pub inputs: usize,
    /// Length of a row of targets.
    pub outputs: usize,
    /// Width of the hidden layers.
    pub width: usize,
}

impl Model for AlignerNet {
    fn build<'a>(&'a self, params: &mut Params) -> Result<Box<dyn Network + 'a>, NnError> {
        let into = Linear::new(params, "into", (self.inputs, self.width), true)?;
        let block = |k: usize| Linear::new(params, &format!("blocks.{k}"), (self.width, self.width), true);
        let blocks = (0..BLOCKS).map(block).collect::<Result<_, _>>()?;
        Ok(Box::new(Built { into, blocks, out: Linear::new(params, "out", (self.width, self.outputs), true)? }))
    }
}

struct Built {
    into: Linear,
    blocks: Vec<Linear>,
    out: Linear,
}

impl Network for Built {
    fn forward(&self, inputs: &[Tensor], mode: Mode) -> Result<Output, NnError> {
        let mut x = dropout(&self.into.forward(first(inputs)?)?.gelu_erf()?, DROPOUT, "into", mode)?;
        for (k, block) in self.blocks.iter().enumerate() {
            x = (&x + dropout(&block.forward(&x)?.gelu_erf()?, DROPOUT, &format!("blocks.{k}"), mode)?)?;
        }
        Ok(Output::new(x.clone(), self.out.forward(&x)?))
    }
}

/// Mean square, half of 1 - cos and, if it contrasts, SoftCLIP.
struct Loss {
    is_contrastive: bool,
}

impl Objective for Loss {
    fn losses(&self, output: &Output, targets: &[Tensor]) -> Result<Tensor, NnError> {
        let (predicted, target) = (&output.logits, first(targets)?);
        let own = (squares(predicted, target)? + (cosine_distance(predicted, target)? * COSINES)?)?;
        match self.is_contrastive {
            true => Ok((own + soft_clip(predicted, target, TEMPERATURE)?)?),
            false => Ok(own),
        }
    }
}

/// What rows are divided by, and what is taken from them first. Targets have one deviation, so that squares count them as they
/// are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scales {
    /// Means of the inputs.
    pub x_mean: Array1<f64>,
    /// Their deviations.
    pub x_deviation: Array1<f64>,
    /// Means of the targets.
    pub y_mean: Array1<f64>,
    /// The deviation of all targets.
    pub y_deviation: f64,
}

impl Scales {
    fn of(x: ArrayView2<'_, f64>, y: ArrayView2<'_, f64>) -> Self {
        let sound = |deviation: f64| if deviation > 0.0 && deviation.is_finite() { deviation } else { 1.0 };
        let mean = |rows: ArrayView2<'_, f64>| rows.mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(rows.ncols()));
        let variance = y.var_axis(Axis(0), 0.0).mean().unwrap_or(1.0);
        Self {
            x_mean: mean(x),
            x_deviation: x.std_axis(Axis(0), 0.0).mapv(sound),
            y_mean: mean(y),
            y_deviation: sound(variance.sqrt()),
        }
    }

    /// The same for rows in units: rows times `of_x`, and targets times `of_y`.
    fn times(&self, (of_x, of_y): (f64, f64)) -> Self {
        Self {
            x_mean: &self.x_mean * of_x,
            x_deviation: &self.x_deviation * of_x,
            y_mean: &self.y_mean * of_y,
            y_deviation: self.y_deviation * of_y,
        }
    }
}

fn tensor(rows: &Array2<f64>) -> Result<Tensor, StudyError> {
    let values: Vec<f32> = rows.iter().map(|value| *value as f32).collect();
    Ok(Tensor::from_vec(values, rows.dim(), &Device::Cpu)?)
}

impl AlignerNet {
    /// (rows, outputs) of (rows, inputs).
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn predict(
        &self,
        params: &mut Params,
        scales: &Scales,
        x: ArrayView2<'_, f64>,
    ) -> Result<Array2<f64>, StudyError> {
        let network = self.build(params)?;
        let x = (&x - &scales.x_mean) / &scales.x_deviation;
        let found = network.forward(&[tensor(&x)?], Mode::Eval)?.logits.to_dtype(DType::F64)?;
        let rows: Vec<f64> = found.flatten_all()?.to_vec1()?;
        let rows = Array2::from_shape_vec((x.nrows(), self.outputs), rows);
        // As many as the last layer has outputs.
        Ok(rows.map_err(|e| NnError::from(candle_core::Error::Msg(e.to_string())))? * scales.y_deviation
            + &scales.y_mean)
    }
}

/// Learns a network from the first pairs of a world, of which one fold decides when to stop, and measures it.
///
/// # Errors
/// If the training diverges, or the user stops it.
pub fn learn(
    spec: &Spec,
    world: &World,
    (is_contrastive, rows): (bool, usize),
    seed: u64,
    context: &Context,
) -> Result<Measurement, StudyError> {
    let pairs = world.pairs(rows);
    let held = folds(pairs.x.nrows(), spec.folds, seed).swap_remove(0);
    let rest: Vec<usize> = (0..pairs.x.nrows()).filter(|row| !held.contains(row)).collect();
    let (x, y) = pairs.select(&rest);
    let scales = Scales::of(x.view(), y.view());
    let examples = |rows: &[usize]| -> Result<Examples, StudyError> {
        let (x, y) = pairs.select(rows);
        let (x, y) = ((x - &scales.x_mean) / &scales.x_deviation, (y - &scales.y_mean) / scales.y_deviation);
        Ok(Examples::new(tensor(&x)?, tensor(&y)?))
    };
    let (training, validation) = (examples(&rest)?, examples(&held)?);
    let net = AlignerNet { inputs: world.x.ncols(), outputs: world.y.ncols(), width: spec.width };
    let mut params = Params::new(seed, DType::F32);
    net.build(&mut params)?;
    let objective = Loss { is_contrastive };
    let config = TrainConfig {
        schedule: Schedule::Cosine { floor: 0.01 },
        keep_best: true,
        ..TrainConfig::new(spec.epochs, BATCH, RATE, Method::adamw(1e-2))
    };
    let evaluator = HeldOutEvaluator { source: &validation, objective: &objective, batch: held.len().max(1) };
    let observer = context.observer;
    let trainer = TrainingLoop {
        evaluator: &evaluator,
        observer,
        ..TrainingLoop::new(&net, &training, &objective, &config, seed)
    };
    trainer.run(&mut params, &mut Full)?;
    let (held_x, held_y) = pairs.select(&held);
    let gap = |a: &Array2<f64>, b: &Array2<f64>| (a - b).mapv(|gap| gap * gap).sum();
    let spread = (&held_y - &scales.y_mean).mapv(|gap| gap * gap).sum();
    let error = gap(&net.predict(&mut params, &scales, held_x.view())?, &held_y);
    let predicted = net.predict(&mut params, &scales, world.test_x.view())?;
    let bytes = network_bytes(&net, &scales.times(world.units), &params)?;
    Ok(quality(spec, world, &predicted, &mean(pairs))
        .value("validation", error / spread.max(f64::MIN_POSITIVE))
        .file(NETWORK_FILE, bytes))
}
