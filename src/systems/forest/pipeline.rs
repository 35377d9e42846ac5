//! A linear stage in front of the student: fitted once and left alone, or trained together with it.

use candle_core::{DType, Device, Tensor};
use ndarray::Array2;
use serde::Serialize;

use crate::classic::Pca;
use crate::nn::layer::Linear;
use crate::nn::model::first;
use crate::nn::{LearningRates, Mode, Model, Network, NnError, Output, Params};
use crate::study::train::{HeldOutEvaluator, TrainingLoop};
use crate::study::{Observer, StudyError};
use crate::systems::forest::measure::{Quality, quality};
use crate::systems::forest::spec::{Shape, Spec};
use crate::systems::forest::student::{Body, Student, predict};
use crate::systems::forest::targets::{TargetRow, held_out, tensor};
use crate::systems::forest::task::Task;

/// The stage's parameters.
const STAGE: [&str; 2] = ["stage.weight", "stage.bias"];

/// What a student behind a linear stage comes to.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Joined {
    /// Principal components that the stage keeps.
    pub components: usize,
    /// With the stage left as it was fitted.
    pub frozen: Quality,
    /// With stage and student trained together, from the same start.
    pub joint: Quality,
}

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

/// Trains a student of `shape` on the forest's answers behind principal components of the task's columns, twice: with
/// the components fixed and with them moving.
///
/// # Errors
/// A training that diverges, or when `progress` says stop.
pub fn joined(spec: &Spec, task: &Task, shape: Shape, progress: &dyn Observer) -> Result<Joined, StudyError> {
    let inputs = task.training.encoded.ncols();
    // Fewer than there are, so that something is lost that training can bring back.
    let components = spec.components.min(inputs.div_ceil(2));
    let model =
        Pipeline { inputs, student: Student { inputs: components, classes: task.classes, body: Body::Layers(shape) } };
    let target = TargetRow::named("soft")?;
    let (objective, training) = (target.objective(spec), target.training(spec, task)?);
    let validation = held_out(task, &task.validation)?;
    let fitted = Pca::fit(task.training.encoded.mapv(f64::from).view(), components, task.seed);
    // The map is affine: its value at 0 and what unit vectors add to it.
    let origin = fitted.transform(Array2::zeros((1, inputs)).view());
    let weight = (fitted.transform(Array2::eye(inputs).view()) - &origin).reversed_axes();
    let told = task.teacher.forest.predict(task.test.filled.view());
    let trained = |mut plan: LearningRates| -> Result<Quality, StudyError> {
        let mut params = Params::new(task.seed, DType::F32);
        model.build(&mut params)?;
        for (name, values) in STAGE.into_iter().zip([&weight, &origin]) {
            let var = params.find(name).expect("the stage has been built");
            let values = Tensor::from_vec(values.iter().copied().collect::<Vec<f64>>(), var.shape(), &Device::Cpu)?;
            var.set(&values.to_dtype(DType::F32)?)?;
        }
        let trainer = TrainingLoop {
            evaluator: &HeldOutEvaluator { source: &validation, objective: &objective, batch: usize::MAX },
            observer: progress,
            ..TrainingLoop::new(&model, &training, &objective, &spec.train, task.seed)
        };
        trainer.run(&mut params, &mut plan)?;
        let own = predict(model.build(&mut params)?.as_ref(), &tensor(&task.test.encoded)?)?;
        Ok(quality(own.view(), told.view(), &task.test.labels))
    };
    Ok(Joined {
        components,
        frozen: trained(LearningRates::freezing(&STAGE))?,
        joint: trained(LearningRates::default())?,
    })
}
