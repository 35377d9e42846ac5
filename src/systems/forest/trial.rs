//! The teacher of a task, and one student of it.

use crate::lab::{Context, Measurement};
use crate::nn::{Model, Network};
use crate::study::StudyError;
use crate::study::train::HeldOutEvaluator;
use crate::systems::conditions::evaluate_under;
use crate::systems::forest::meta_features::meta_features;
use crate::systems::forest::model::{MODEL_FILE, TableModel, Weights};
use crate::systems::forest::own_table::{PREDICTIONS_FILE, named_forest, predictions};
use crate::systems::forest::quality::Quality;
use crate::systems::forest::spec::Spec;
use crate::systems::forest::student::{Student, predict};
use crate::systems::forest::targets::{TargetRow, held_out, tensor};
use crate::systems::forest::task::{Rows, Task};

/// Name of the kept meta-features of a task.
pub const META_FEATURES: &str = "meta_features";

/// Name of the kept [`Quality`] of a student on the validation rows.
pub const VALIDATION: &str = "validation";

/// The forest itself, and the size of its task.
pub fn teacher(spec: &Spec, task: &Task) -> Result<Measurement, StudyError> {
    let probabilities = task.teacher.forest.predict(task.test.filled.view());
    let quality = Quality::of(probabilities.view(), probabilities.view(), &task.test.labels);
    let validation = task.teacher.forest.predict(task.validation.filled.view());
    let validation = Quality::of(validation.view(), validation.view(), &task.validation.labels);
    let found = Measurement::default()
        .value("accuracy", quality.accuracy)
        .value("log_loss", quality.log_loss)
        .value("rows", task.training.labels.len() as f64)
        .value("columns", task.training.encoded.ncols() as f64)
        .value("classes", task.classes as f64)
        .keep(META_FEATURES, &meta_features(task))
        .keep(VALIDATION, &validation);
    let model = || TableModel::new("forest", task, Weights::Forest(Box::new(named_forest(task))));
    if spec.data.is_none() { with_model(found, &model(), task) } else { Ok(found) }
}

/// With the file of a model and its predictions of the test rows. Students of a folder of tables are many, so they are not
/// kept.
fn with_model(found: Measurement, model: &TableModel, task: &Task) -> Result<Measurement, StudyError> {
    let own = model.predict(task.test.raw.view())?;
    let predictions = predictions(model, (model.name(), task.seed), &task.test, &own);
    Ok(found.file(MODEL_FILE, model.to_bytes()?).file(PREDICTIONS_FILE, predictions))
}

/// Trains the student number `student` of the settings on `target`, and by the methods of a level beside that.
pub fn student(
    spec: &Spec,
    task: &Task,
    target: &TargetRow,
    (number, method): (usize, &str),
    context: &Context,
) -> Result<Measurement, StudyError> {
    let (objective, training) = (target.objective(spec), target.training(spec, task)?);
    let validation = held_out(task, &task.validation)?;
    let name = format!("{} from {}", spec.student_names()[number], target.name);
    let student = Student::numbered(spec, number, task.training.encoded.ncols(), task.classes)?;
    let evaluator = HeldOutEvaluator { source: &validation, objective: &objective, batch: usize::MAX };
    let (label, way) = (spec.heads.get(number).map(String::as_str), (spec, method, task.seed));
    let mut params = student.train((&training, &objective, &evaluator), way, label, context)?;
    let network = student.build(&mut params)?;
    let quality = |network: &dyn Network, rows: &Rows| -> Result<Quality, StudyError> {
        let forest = task.teacher.forest.predict(rows.filled.view());
        let own = predict(network, &tensor(&rows.encoded)?)?;
        Ok(Quality::of(own.view(), forest.view(), &rows.labels))
    };
    let found = quality(network.as_ref(), &task.test)?.put(Measurement::default(), &[]);
    let mut found = found.keep(VALIDATION, &quality(network.as_ref(), &task.validation)?);
    drop(network);
    if let Some(head) = student.head() {
        found = evaluate_under(&spec.evaluate.all(), head, task.seed, context, found, &mut |under| {
            let student = student.with_head(under);
            let quality = quality(student.build(&mut params)?.as_ref(), &task.test)?;
            Ok(quality.values().to_vec())
        })?;
    }
    if spec.data.is_some() {
        return Ok(found);
    }
    let model = TableModel::new(&name, task, Weights::Student(Box::new((student, params))));
    with_model(found, &model, task)
}
