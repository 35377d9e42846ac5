//! The second stage: a head on the plain detector's frozen features at the centre of each fused box classifies it again. Its
//! probability of the box's class is multiplied into the score.

use candle_core::{DType, Device, Tensor};
use ndarray::Array2;

use crate::classic::boxes::{Corners, Detection};
use crate::lab::Context;
use crate::math::order::argmax;
use crate::nn::Params;
use crate::nn::head::HeadModel;
use crate::nn::optim::{Method, Schedule, StepSchedule};
use crate::study::StudyError;
use crate::study::train::{Rows, TrainConfig, predict, train};
use crate::systems::head_choice::HeadChoice;
use crate::systems::smear::cells::Field;
use crate::systems::smear::inputs::Inputs;
use crate::systems::smear::remedies::TrainedDetector;
use crate::systems::smear::spec::Spec;

/// Training of the heads.
const TRAIN: TrainConfig = TrainConfig {
    schedule: Schedule::Step(StepSchedule { every: 5, factor: 0.4 }),
    ..TrainConfig::new(15, 32, 5e-3, Method::ADAM)
};

/// A head as second stage, trained.
pub struct SecondStage {
    /// The head without noise.
    pub head: HeadModel,
    params: Params,
    /// The true test cells.
    test: Rows,
    /// Features (boxes, width) at the centres of the fused boxes; `None` if there are no boxes.
    centres: Option<Tensor>,
    /// The fused boxes by test field.
    boxes: Vec<Vec<Detection>>,
}

impl SecondStage {
    /// Trains a head on the training cells, to rescore `boxes` of the test fields.
    pub fn train(
        spec: &Spec,
        inputs: &Inputs,
        detector: &mut TrainedDetector,
        (choice, seed): (&HeadChoice, u64),
        boxes: Vec<Vec<Detection>>,
        context: &Context,
    ) -> Result<Self, StudyError> {
        let mut params = Params::new(seed, DType::F32);
        let head = choice.config.model(spec.width, inputs.classes.len())?;
        let built = choice.trained(&head, context.executions, seed)?.build(&mut params)?;

        let mut features = CellFeatures { detector, scale: None };
        let training = features.of_cells(&inputs.training)?;
        let validation = features.of_cells(&inputs.validation)?;
        let test = features.of_cells(&inputs.test)?;
        let rows = (&training, &validation);
        train(built.as_ref(), &params, &mut head.learning_rates(), rows, &TRAIN, seed, context.observer)?;

        let centres: Vec<Vec<[f64; 2]>> =
            boxes.iter().map(|boxes| boxes.iter().map(|b| centre(b.corners)).collect()).collect();
        let centres = match centres.iter().any(|centres| !centres.is_empty()) {
            true => Some(features.at(&inputs.test, &centres)?),
            false => None,
        };
        Ok(Self { head, params, test, centres, boxes })
    }

    /// The share of the true test cells that `head` classifies correctly from the features at their centres, and the fused
    /// boxes with their new scores. `head` is the trained one, perhaps under another condition.
    pub fn rescored(&mut self, head: &HeadModel) -> Result<(f64, Vec<Vec<Detection>>), StudyError> {
        let built = head.build(&mut self.params)?;
        let probabilities = predict(built.as_ref(), &self.test.features)?;
        let truth = self.test.labels.to_vec1::<u32>()?;
        let right = probabilities.outer_iter().zip(&truth).filter(|(row, label)| argmax(row) == **label as usize);
        let cell_accuracy = right.count() as f64 / truth.len().max(1) as f64;
        let mut boxes = self.boxes.clone();
        if let Some(centres) = &self.centres {
            let probabilities = predict(built.as_ref(), centres)?;
            for (found, row) in boxes.iter_mut().flatten().zip(probabilities.outer_iter()) {
                found.score *= row[found.label];
            }
        }
        boxes.iter_mut().for_each(|boxes| boxes.sort_by(|a, b| b.score.total_cmp(&a.score)));
        Ok((cell_accuracy, boxes))
    }
}

fn centre([left, top, right, bottom]: Corners) -> [f64; 2] {
    [(left + right) / 2.0, (top + bottom) / 2.0]
}

/// Features of a detector, standardised by the first rows that are asked for.
struct CellFeatures<'a> {
    detector: &'a mut TrainedDetector,
    /// Means and standard deviations.
    scale: Option<(Vec<f32>, Vec<f32>)>,
}

impl CellFeatures<'_> {
    /// Features and labels of the true cells of `fields`.
    fn of_cells(&mut self, fields: &[Field]) -> Result<Rows, StudyError> {
        let centres: Vec<Vec<[f64; 2]>> =
            fields.iter().map(|field| field.truths.iter().map(|truth| centre(truth.corners)).collect()).collect();
        let labels: Vec<u32> = fields.iter().flat_map(|field| &field.truths).map(|truth| truth.label as u32).collect();
        Ok(Rows { features: self.at(fields, &centres)?, labels: Tensor::new(labels, &Device::Cpu)?, weights: None })
    }

    /// (points, channels).
    fn at(&mut self, fields: &[Field], points: &[Vec<[f64; 2]>]) -> Result<Tensor, StudyError> {
        let rows = self.detector.features_at(fields, points)?.concat();
        let width = rows.first().map_or(0, Vec::len);
        let values = Array2::from_shape_fn((rows.len(), width), |(row, column)| rows[row][column]);
        let (mean, sd) = self.scale.get_or_insert_with(|| columns(&values));
        let scaled = values.indexed_iter().map(|((_, k), value)| (value - mean[k]) / sd[k]).collect::<Vec<f32>>();
        Ok(Tensor::from_vec(scaled, (rows.len(), width), &Device::Cpu)?)
    }
}

/// Means and standard deviations of columns; 1 for that of a constant one.
fn columns(values: &Array2<f32>) -> (Vec<f32>, Vec<f32>) {
    let mean = |values: &[f32]| values.iter().sum::<f32>() / values.len().max(1) as f32;
    let sd = |values: &[f32]| {
        let centre = mean(values);
        let squares: Vec<f32> = values.iter().map(|value| (value - centre).powi(2)).collect();
        // A constant feature carries nothing, whatever it is divided by.
        Some(mean(&squares).sqrt()).filter(|sd| *sd > 1e-6).unwrap_or(1.0)
    };
    values.columns().into_iter().map(|column| (mean(&column.to_vec()), sd(&column.to_vec()))).unzip()
}
