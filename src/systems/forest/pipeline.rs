//! A linear stage in front of the student: fitted and frozen, or trained together with it.

use candle_core::{DType, Device, Tensor};
use ndarray::Array2;

use crate::classic::Pca;
use crate::lab::Measurement;
use crate::nn::layer::Linear;
use crate::nn::model::first;
use crate::nn::{LearningRates, Mode, Model, Network, NnError, Output, Params};
use crate::study::train::{HeldOutEvaluator, TrainingLoop};
use crate::study::{Observer, StudyError};
use crate::systems::forest::quality::Quality;
use crate::systems::forest::spec::Spec;
use crate::systems::forest::student::{Body, Student, predict};
use crate::systems::forest::targets::{TargetRow, held_out, tensor};
use crate::systems::forest::task::Task;

/// The stage's parameters.
const STAGE: [&str; 2] = ["stage.weight", "stage.bias"];

/// Ways to train the stage with one line each; levels of the factor `stage`.
pub const STAGES: [(&str, &str); 2] = [
    ("frozen", "the linear stage is fitted and frozen"),
    ("joint", "stage and student are trained together, from the same start"),
];

/// Principal components → student.
struct Pipeline {
    inputs: usize,
    student: Student,
}

struct Built<'a> {
    stage: Linear,
    student: Box<dyn Network + 'a>,
}

impl Model for Pipeline {
    fn build<'a>(&'a self, params: &mut Params) -> Result<Box<dyn Network + 'a>, NnError> {
        let stage = Linear::new(params, "stage", (self.inputs, self.student.inputs), true)?;
        Ok(Box::new(Built { stage, student: self.student.build(params)? }))
    }
}

impl Network for Built<'_> {
    fn forward(&self, inputs: &[Tensor], mode: Mode) -> Result<Output, NnError> {
        self.student.forward(&[self.stage.forward(first(inputs)?)?], mode)
    }
}

/// Trains a student of the first shape on the forest's probabilities, behind principal components of the task's columns
/// that are frozen or trained with it.
///
/// # Errors
/// A training that diverges, or if `observer` stops it.
pub fn pipeline(spec: &Spec, task: &Task, is_joint: bool, observer: &dyn Observer) -> Result<Measurement, StudyError> {
    let inputs = task.training.encoded.ncols();
    // At most half of the columns, so that something is lost that training can bring back.
    let components = spec.components.min(inputs.div_ceil(2));
    let student =
        Student { inputs: components, classes: task.classes, body: Body::Layers(spec.shapes[0]), circuit: None };
    let model = Pipeline { inputs, student };
    let target = TargetRow::named("soft")?;
    let (objective, training) = (target.objective(spec), target.training(spec, task)?);
    let validation = held_out(task, &task.validation)?;
    let fitted = Pca::fit(task.training.encoded.mapv(f64::from).view(), components, task.seed);
    // The map is affine: its value at 0, and the change along each unit vector.
    let origin = fitted.transform(Array2::zeros((1, inputs)).view());
    let weight = (fitted.transform(Array2::eye(inputs).view()) - &origin).reversed_axes();
    let mut params = Params::new(task.seed, DType::F32);
    model.build(&mut params)?;
    for (name, values) in STAGE.into_iter().zip([&weight, &origin]) {
        let var = params.find(name).expect("the stage has been built");
        let values = Tensor::from_vec(values.iter().copied().collect::<Vec<f64>>(), var.shape(), &Device::Cpu)?;
        var.set(&values.to_dtype(DType::F32)?)?;
    }
    let trainer = TrainingLoop {
        evaluator: &HeldOutEvaluator { source: &validation, objective: &objective, batch: usize::MAX },
        observer,
        ..TrainingLoop::new(&model, &training, &objective, &spec.train, task.seed)
    };
    let mut rates = if is_joint { LearningRates::default() } else { LearningRates::freezing(&STAGE) };
    trainer.run(&mut params, &mut rates)?;
    let own = predict(model.build(&mut params)?.as_ref(), &tensor(&task.test.encoded)?)?;
    let forest = task.teacher.forest.predict(task.test.filled.view());
    let quality = Quality::of(own.view(), forest.view(), &task.test.labels);
    Ok(quality.put(Measurement::default().value("components", components as f64), &[]))
}
