//! The forest itself as a network: exact, with sigmoids, and trained on.

use candle_core::DType;
use ndarray::{Array2, s};

use crate::lab::Measurement;
use crate::nn::loss::Loss;
use crate::nn::optim::Method;
use crate::nn::{Examples, LearningRates, Model};
use crate::study::train::{TrainConfig, TrainingLoop};
use crate::study::{Observer, StudyError};
use crate::systems::forest::network::{ForestNetwork, Gate};
use crate::systems::forest::quality::Quality;
use crate::systems::forest::spec::Spec;
use crate::systems::forest::student::predict;
use crate::systems::forest::targets::tensor;
use crate::systems::forest::task::Task;

/// Rows of the teacher's matrix form that are compared. Each costs splits × leaves per tree.
pub const COMPARED: usize = 200;

/// Forms of the forest with one line each; levels of the factor `form`.
pub const FORMS: [(&str, &str); 4] = [
    ("matrices", "the teacher as matrix products"),
    ("steps", "the smaller forest as a network with steps, in double precision"),
    ("sigmoids", "the same network with sigmoids"),
    ("trained", "the network with sigmoids after joint training"),
];

/// Every form, compared with the forest that it comes from.
pub fn conversion(spec: &Spec, task: &Task, observer: &dyn Observer) -> Result<Measurement, StudyError> {
    let [matrices, steps, sigmoids, trained] = FORMS.map(|(name, _)| [("form", name)]);
    let settings = spec.network;
    let first = task.test.filled.slice(s![..task.test.labels.len().min(COMPARED), ..]);
    let teacher = &task.teacher.forest;
    let found = Measurement::default().under(
        &matrices,
        "difference",
        largest_difference(&teacher.predict(first), &teacher.predict_by_matrices(first)),
    );

    let small = task.small_forest(settings.trees, settings.depth);
    let probabilities = small.predict(task.test.filled.view());
    let scales = task.encoder.deviations();
    let (exact, mut params) = ForestNetwork::of(&small, &scales, Gate::Step, DType::F64)?;
    let rows = tensor(&task.test.filled)?;
    // Units of a column are in the weights of the network, so rows go in as they are.
    let own = predict(exact.build(&mut params)?.as_ref(), &rows.to_dtype(DType::F64)?)?;
    let found = found.under(&steps, "difference", largest_difference(&probabilities, &own));

    let gate = Gate::Sigmoid { split: settings.split, leaf: settings.leaf };
    let (soft, mut params) = ForestNetwork::of(&small, &scales, gate, DType::F32)?;
    let labels: Vec<u32> = task.training.labels.iter().map(|&label| label as u32).collect();
    let training = Examples::new(tensor(&task.training.filled)?, candle_core::Tensor::new(labels, rows.device())?);
    let quality = |own: Array2<f64>| Quality::of(own.view(), probabilities.view(), &task.test.labels);
    let before = quality(predict(soft.build(&mut params)?.as_ref(), &rows)?);
    let config = TrainConfig::new(settings.epochs, spec.train.batch, settings.rate, Method::ADAM);
    let loss = Loss::CrossEntropy;
    let trainer = TrainingLoop { observer, ..TrainingLoop::new(&soft, &training, &loss, &config, task.seed) };
    // The column that a split reads is fixed: those weights multiply unscaled values, for which one rate does not fit.
    trainer.run(&mut params, &mut LearningRates::freezing(&["splits.weight"]))?;
    let after = quality(predict(soft.build(&mut params)?.as_ref(), &rows)?);
    Ok(after.put(before.put(found, &sigmoids), &trained))
}

/// The largest difference of two arrays of one shape.
pub fn largest_difference(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
    (a - b).iter().fold(0.0, |most, gap| gap.abs().max(most))
}
