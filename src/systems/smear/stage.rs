//! A second look: the plain detector's frozen features at the centre of each fused box, and a head on them that says the
//! class again. Its probability of the box's class is multiplied into the score.

use candle_core::{DType, Device, Tensor};
use ndarray::Array2;

use crate::classic::boxes::Detection;
use crate::math::order::argmax;
use crate::nn::Params;
use crate::nn::head::HeadConfig;
use crate::nn::head::HeadRow;
use crate::nn::optim::{Method, Schedule, StepSchedule};
use crate::study::train::{Rows, TrainConfig, predict, train};
use crate::study::{Observer, StudyError};
use crate::systems::smear::cells::Field;
use crate::systems::smear::material::Material;
use crate::systems::smear::members::Member;
use crate::systems::smear::spec::Spec;

/// How the heads are trained.
const RECIPE: TrainConfig = TrainConfig {
    schedule: Schedule::Step(StepSchedule { every: 5, factor: 0.4 }),
    ..TrainConfig::new(15, 32, 5e-3, Method::ADAM)
};

/// What a head makes of the fused boxes.
pub struct Look {
    /// Share of the true test cells that it names rightly, shown where they are.
    pub accuracy: f64,
    /// The fused boxes with their new scores.
    pub rescored: Vec<Vec<Detection>>,
}

/// Trains `head` on the training cells and rescores `fused`, the boxes of the test fields.
pub fn look(
    spec: &Spec,
    material: &Material,
    eye: &mut Member,
    (head, seed): (&HeadRow, u64),
    fused: &[Vec<Detection>],
    progress: &dyn Observer,
) -> Result<Look, StudyError> {
    let mut params = Params::new(seed, DType::F32);
    let built = HeadConfig::named(head.name)?
        .circuit(spec.circuit.clone())
        .model(spec.width, material.classes.len())?
        .build(&mut params)?;

    let mut scale = None;
    let training = cells(eye, &material.training, &mut scale)?;
    let validation = cells(eye, &material.validation, &mut scale)?;
    let test = cells(eye, &material.test, &mut scale)?;
    train(built.as_ref(), &params, &head.learning_rates(), (&training, &validation), &RECIPE, seed, progress)?;
    let told = predict(built.as_ref(), &test.features)?;
    let truth = test.labels.to_vec1::<u32>()?;
    let right = told.outer_iter().zip(&truth).filter(|(row, label)| argmax(row) == **label as usize);
    let accuracy = right.count() as f64 / truth.len().max(1) as f64;

    let places: Vec<Vec<[f64; 2]>> =
        fused.iter().map(|found| found.iter().map(|f| centre(f.corners)).collect()).collect();
    let seen = eye.detector.features(&mut eye.params, &material.test, &places)?.concat();
    let mut rescored = fused.to_vec();
    if !seen.is_empty() {
        let told = predict(built.as_ref(), &standard(&seen, &mut scale)?)?;
        for (found, row) in rescored.iter_mut().flatten().zip(told.outer_iter()) {
            found.score *= row[found.label];
        }
    }
    rescored.iter_mut().for_each(|found| found.sort_by(|a, b| b.score.total_cmp(&a.score)));
    Ok(Look { accuracy, rescored })
}

fn centre([left, top, right, bottom]: [f64; 4]) -> [f64; 2] {
    [(left + right) / 2.0, (top + bottom) / 2.0]
}

/// Means and standard deviations of the training features.
type Scale = Option<(Vec<f32>, Vec<f32>)>;

/// Features and labels of the true cells of `fields`.
fn cells(eye: &mut Member, fields: &[Field], scale: &mut Scale) -> Result<Rows, StudyError> {
    let places: Vec<Vec<[f64; 2]>> =
        fields.iter().map(|field| field.truths.iter().map(|truth| centre(truth.corners)).collect()).collect();
    let labels: Vec<u32> = fields.iter().flat_map(|field| &field.truths).map(|truth| truth.label as u32).collect();
    let seen = eye.detector.features(&mut eye.params, fields, &places)?.concat();
    Ok(Rows { features: standard(&seen, scale)?, labels: Tensor::new(labels, &Device::Cpu)? })
}

/// (rows, width), standardised by the columns of the first rows it is given.
fn standard(rows: &[Vec<f32>], scale: &mut Scale) -> Result<Tensor, StudyError> {
    let width = rows.first().map_or(0, Vec::len);
    let values = Array2::from_shape_fn((rows.len(), width), |(row, column)| rows[row][column]);
    let (mean, sd) = scale.get_or_insert_with(|| {
        let column = |k: usize| values.column(k).to_vec();
        let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len().max(1) as f32;
        let sd = |values: &[f32]| {
            let middle = mean(values);
            let squares: Vec<f32> = values.iter().map(|value| (value - middle).powi(2)).collect();
            // A feature that never varies says nothing, whatever it is divided by.
            Some(mean(&squares).sqrt()).filter(|sd| *sd > 1e-6).unwrap_or(1.0)
        };
        ((0..width).map(|k| mean(&column(k))).collect(), (0..width).map(|k| sd(&column(k))).collect())
    });
    let scaled = values.indexed_iter().map(|((_, k), value)| (value - mean[k]) / sd[k]).collect::<Vec<f32>>();
    Ok(Tensor::from_vec(scaled, (rows.len(), width), &Device::Cpu)?)
}
