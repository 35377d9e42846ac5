//! Models of one table of the user: baselines, its forest, and networks, each saved for `qgraft predict`.

use ndarray::{Array1, Array2, s};

use candle_core::DType;

use crate::classic::{LeastSquares, Logistic, NamedForest};
use crate::lab::{Context, Contrast, Factor, Files, Grid, Measurement, Point, Results, Role, TrialFiles};
use crate::math::order::argmax;
use crate::nn::loss::{Loss, Objective, squares};
use crate::nn::optim::Method;
use crate::nn::{Examples, LearningRates, Model, NnError, Output};
use crate::report::Table;
use crate::study::files::append_rows;
use crate::study::train::{HeldOutEvaluator, TrainConfig, TrainingLoop};
use crate::study::{Observer, StudyError};
use crate::systems::conditions::evaluate_under;
use crate::systems::forest::conversion::{COMPARED, largest_difference};
use crate::systems::forest::model::{MODEL_FILE, TableModel, Weights};
use crate::systems::forest::network::{ForestNetwork, Gate};
use crate::systems::forest::own_inputs::OwnTable;
use crate::systems::forest::quality::{NumberQuality, Quality};
use crate::systems::forest::spec::Spec;
use crate::systems::forest::student::Student;
use crate::systems::forest::targets::{TargetRow, tensor};
use crate::systems::forest::task::{Rows, Task};
use crate::systems::forest::trial::VALIDATION;
use crate::systems::methods::{self, METHOD};

/// File of a trial with its predictions of the test rows.
pub const PREDICTIONS_FILE: &str = "predictions.csv";

/// Numbers of the network of a forest above which it is not written to the run folder: 16 MB.
const LARGEST: usize = 1 << 21;

/// How an arm learns.
enum Arm<'a> {
    Constant,
    Linear,
    Forest,
    ForestNetwork,
    /// The student of this number on a target.
    Student(usize, &'static TargetRow),
    Unknown(&'a str),
}

/// Models with one line each; levels of the factor `arm`.
pub fn arms(spec: &Spec) -> Result<Vec<(String, String)>, StudyError> {
    let given = spec.forest.is_some();
    let forest = if given { "the forest of --forest" } else { "a random forest grown on the training rows" };
    let mut found: Vec<(String, String)> = [
        ("constant", "the most frequent class of the training rows, or the mean of the target"),
        ("linear", "a logistic regression of each class against the others, or a linear regression"),
        ("forest", forest),
        ("forest-network", "a smaller forest as a network with sigmoids, trained on"),
    ]
    .map(|(name, doc)| (name.to_string(), doc.to_string()))
    .to_vec();
    for student in students(spec) {
        for target in &spec.targets {
            let row = TargetRow::named(target)?;
            if !(given && row.is_out_of_bag()) {
                found.push((format!("{student}-{target}"), format!("a {student} that learns from {}", row.doc)));
            }
        }
    }
    Ok(found)
}

/// Names of the students: the layers of the first shape, then heads.
fn students(spec: &Spec) -> Vec<&str> {
    ["network"].into_iter().chain(spec.heads.iter().map(String::as_str)).collect()
}

impl<'a> Arm<'a> {
    fn is_student(&self) -> bool {
        matches!(self, Self::Student(..))
    }

    fn named(spec: &Spec, name: &'a str) -> Self {
        match name {
            "constant" => Self::Constant,
            "linear" => Self::Linear,
            "forest" => Self::Forest,
            "forest-network" => Self::ForestNetwork,
            _ => {
                let found = students(spec).into_iter().enumerate().find_map(|(number, student)| {
                    let target = name.strip_prefix(student)?.strip_prefix('-')?;
                    // Students of a spec are numbered with heads first.
                    let number = if number == 0 { spec.heads.len() } else { number - 1 };
                    Some(Self::Student(number, TargetRow::named(target).ok()?))
                });
                found.unwrap_or(Self::Unknown(name))
            }
        }
    }
}

/// The only grid of a run on one table.
pub fn grid(spec: &Spec) -> Result<Grid, StudyError> {
    let arms = Factor::explained("arm", Role::Arm, arms(spec)?).with_baseline("forest");
    let metrics = [
        "accuracy",
        "log_loss",
        "r2",
        "mae",
        "rmse",
        "agreement",
        "divergence",
        "difference",
        "rows",
        "columns",
        "classes",
    ];
    let others: Vec<String> =
        arms.names().filter(|name| !Arm::named(spec, name).is_student()).map(String::from).collect();
    let factors = [arms, Factor::seeds(&spec.seeds)].into_iter().chain(spec.method.factor());
    let factors = factors.chain(spec.evaluate.factors()).collect();
    let mut grid = Grid::new("main", "Models of the table", factors, &metrics).in_shared_blocks("task", &["seed"]);
    for method in spec.method.others() {
        for arm in &others {
            grid = grid.without(vec![("arm", arm.clone()), (METHOD, method.clone())]);
        }
    }
    Ok(grid)
}

/// Every model with the forest, and the forest with the baselines. Of the two metrics a run has one.
pub fn contrasts(spec: &Spec) -> Vec<Contrast> {
    let arms = arms(spec).unwrap_or_default();
    let mut found = Vec::new();
    for metric in ["accuracy", "r2"] {
        for (arm, _) in arms.iter().filter(|(arm, _)| arm != "forest") {
            found.push(Contrast::new("main", metric, "arm", arm, "forest"));
        }
        found.push(Contrast::new("main", metric, "arm", "linear", "constant"));
        for (arm, _) in arms.iter().filter(|(arm, _)| Arm::named(spec, arm).is_student()) {
            found.extend(methods::contrasts(&spec.method, ("main", metric), &[("arm", arm)]));
        }
    }
    found
}

/// Trains and evaluates one model.
///
/// # Errors
/// A training that diverges, or if `observer` stops it.
pub fn trial(
    spec: &Spec,
    own: &OwnTable,
    task: &Task,
    at: &Point,
    context: &Context,
) -> Result<Measurement, StudyError> {
    let name = at.get("arm");
    let mut found = Measurement::default();
    let weights = match Arm::named(spec, name) {
        Arm::Constant => Weights::Constant(constant(task)),
        Arm::Linear => linear(task),
        Arm::Forest => {
            found = of_forest(found, task);
            Weights::Forest(Box::new(named_forest(task)))
        }
        Arm::ForestNetwork => forest_network(spec, task, own.forest.as_ref(), context.observer)?,
        Arm::Student(number, target) => student(spec, task, target, (number, at.get(METHOD)), context)?,
        Arm::Unknown(name) => return Err(StudyError::unknown("arm", name, ["constant", "linear", "forest"])),
    };
    let model = TableModel::new(name, task, weights);
    let own = model.predict(task.test.raw.view())?;
    let validation = model.predict(task.validation.raw.view())?;
    let forest = task.teacher.forest.predict(task.test.filled.view());
    if let Weights::Student(parts) = model.weights()
        && let Some(head) = parts.0.head()
    {
        found = evaluate_under(&spec.evaluate.all(), head, task.seed, context, found, &mut |under| {
            let student = Box::new((parts.0.with_head(under), parts.1.clone()));
            let own = TableModel::new(name, task, Weights::Student(student)).predict(task.test.raw.view())?;
            Ok(match task.scale {
                None => Quality::of(own.view(), forest.view(), &task.test.labels).values().to_vec(),
                Some(_) => NumberQuality::of(own.column(0), &task.test.numbers).values().to_vec(),
            })
        })?;
    }
    let score = match task.scale {
        None => {
            let of = |rows: &Rows, own: &Array2<f64>, forest: &Array2<f64>| {
                Quality::of(own.view(), forest.view(), &rows.labels)
            };
            let quality = of(&task.test, &own, &forest);
            found = found.value("accuracy", quality.accuracy).value("log_loss", quality.log_loss);
            if name != "forest" {
                found = found.value("agreement", quality.agreement).value("divergence", quality.divergence);
            }
            let quality = of(&task.validation, &validation, &validation);
            [quality.accuracy, -quality.log_loss]
        }
        Some(_) => {
            let quality = NumberQuality::of(own.column(0), &task.test.numbers);
            found = quality.put(found);
            let quality = NumberQuality::of(validation.column(0), &task.validation.numbers);
            [-quality.rmse, -quality.mae]
        }
    };
    Ok(found
        .keep(VALIDATION, &score)
        .file(MODEL_FILE, model.to_bytes()?)
        .file(PREDICTIONS_FILE, predictions(&model, (name, at.seed()), &task.test, &own)))
}

/// The shares of the classes, or the mean of the target.
fn constant(task: &Task) -> Array1<f64> {
    let rows = &task.training;
    match task.scale {
        Some((mean, _)) => Array1::from_elem(1, mean),
        None => {
            let share = |class| rows.labels.iter().filter(|label| **label == class).count() as f64;
            Array1::from_shape_fn(task.classes, share) / rows.labels.len().max(1) as f64
        }
    }
}

/// A linear model of what networks read.
fn linear(task: &Task) -> Weights {
    // scikit-learn's default, C = 1.
    const PENALTY: f64 = 1.0;
    let rows = &task.training;
    let features = rows.encoded.mapv(f64::from);
    if task.scale.is_some() {
        let targets = Array2::from_shape_fn((rows.numbers.len(), 1), |(row, _)| rows.numbers[row]);
        let (weights, intercepts) = LeastSquares::fit_numbers(features.view(), targets.view()).affine();
        return Weights::Linear(weights, intercepts);
    }
    let mut weights = Array2::zeros((task.classes, features.ncols()));
    let mut intercepts = Array1::zeros(task.classes);
    for class in 0..task.classes {
        let labels: Vec<bool> = rows.labels.iter().map(|label| *label == class).collect();
        // A positive penalty excludes a singular curvature, so there is a fit.
        if let Some(fitted) = Logistic::fit(features.view(), &labels, PENALTY) {
            weights.row_mut(class).assign(&fitted.weights);
            intercepts[class] = fitted.bias;
        }
    }
    Weights::Linear(weights, intercepts)
}

/// Sizes of the task, and how far the matrix form is from the nodes.
fn of_forest(found: Measurement, task: &Task) -> Measurement {
    let forest = &task.teacher.forest;
    let first = task.test.filled.slice(s![..task.test.labels.len().min(COMPARED), ..]);
    let difference = largest_difference(&forest.predict(first), &forest.predict_by_matrices(first));
    let found = found
        .value("difference", difference)
        .value("rows", task.training.labels.len() as f64)
        .value("columns", task.training.encoded.ncols() as f64);
    let found = if task.scale.is_none() { found.value("classes", task.classes as f64) } else { found };
    match ForestNetwork::size_of(forest, task.columns.len()) {
        size if size > LARGEST => found.notice(format!(
            "the forest as a network has {} million numbers and is not written; its trees are, as model.safetensors",
            size / 1_000_000
        )),
        _ => found,
    }
}

/// The forest of a task with the names of its columns and classes.
pub fn named_forest(task: &Task) -> NamedForest {
    NamedForest {
        forest: task.teacher.forest.clone(),
        columns: task.columns.iter().map(|column| column.name.clone()).collect(),
        classes: if task.scale.is_some() { Vec::new() } else { task.class_names.clone() },
        target: task.target.clone(),
    }
}

/// A small forest, or a given one that is small enough, as a network with sigmoids, trained on.
fn forest_network(
    spec: &Spec,
    task: &Task,
    given: Option<&NamedForest>,
    observer: &dyn Observer,
) -> Result<Weights, StudyError> {
    let settings = spec.network;
    let columns = task.columns.len();
    let fits = |named: &&NamedForest| ForestNetwork::size_of(&named.forest, columns) <= LARGEST;
    let small = match given.filter(fits) {
        Some(named) => named.forest.clone(),
        None => task.small_forest(settings.trees, settings.depth),
    };
    // Values of the leaves in units of the target's spread, as rates are.
    let small = match task.scale {
        Some((mean, deviation)) => small.map_values(|value| (value - mean) / deviation),
        None => small,
    };
    let gate = Gate::Sigmoid { split: settings.split, leaf: settings.leaf };
    let (network, mut params) = ForestNetwork::of(&small, &task.encoder.deviations(), gate, DType::F32)?;
    let rows = &task.training;
    let inputs = tensor(&rows.filled)?;
    let (training, objective): (Examples, &dyn Objective) = match task.scale {
        None => {
            let labels: Vec<u32> = rows.labels.iter().map(|&label| label as u32).collect();
            (Examples::new(inputs.clone(), candle_core::Tensor::new(labels, inputs.device())?), &Loss::CrossEntropy)
        }
        Some((mean, deviation)) => {
            let scaled = |(row, _): (usize, usize)| ((rows.numbers[row] - mean) / deviation) as f32;
            let targets = Array2::from_shape_fn((rows.numbers.len(), 1), scaled);
            (Examples::new(inputs, tensor(&targets)?), &AnswerSquares)
        }
    };
    let config = TrainConfig::new(settings.epochs, spec.train.batch, settings.rate, Method::ADAM);
    let trainer = TrainingLoop { observer, ..TrainingLoop::new(&network, &training, objective, &config, task.seed) };
    // The column that a split reads is fixed, as in `conversion`.
    trainer.run(&mut params, &mut LearningRates::freezing(&["splits.weight"]))?;
    Ok(Weights::ForestNetwork(Box::new((network, params))))
}

/// Squares of the answers themselves: the logits of a [`ForestNetwork`] are their logarithms.
struct AnswerSquares;

impl Objective for AnswerSquares {
    fn losses(&self, output: &Output, targets: &[candle_core::Tensor]) -> Result<candle_core::Tensor, NnError> {
        let reason = "squares compare with one target tensor";
        let target = targets.first().ok_or(NnError::Setting { field: "targets", value: "none".into(), reason })?;
        Ok(squares(&output.features, target)?)
    }
}

fn student(
    spec: &Spec,
    task: &Task,
    target: &TargetRow,
    (number, method): (usize, &str),
    context: &Context,
) -> Result<Weights, StudyError> {
    let (objective, training, validation) =
        (target.objective_of(spec, task), target.training(spec, task)?, target.held_out(task)?);
    let student = Student::numbered(spec, number, task.training.encoded.ncols(), task.classes)?;
    let evaluator = HeldOutEvaluator { source: &validation, objective: objective.as_ref(), batch: usize::MAX };
    let (label, way) = (spec.heads.get(number).map(String::as_str), (spec, method, task.seed));
    let mut params = student.train((&training, objective.as_ref(), &evaluator), way, label, context)?;
    student.build(&mut params)?;
    Ok(Weights::Student(Box::new((student, params))))
}

/// predictions.csv: the test rows with their target, and what a model says of them.
pub fn predictions(model: &TableModel, (arm, seed): (&str, u64), rows: &Rows, own: &Array2<f64>) -> Vec<u8> {
    let classes = model.classes();
    let mut header = ["arm", "seed", "sample", model.target(), "predicted"].map(String::from).to_vec();
    header.extend(classes.iter().map(|class| format!("p({class})")));
    let names: Vec<&str> = header.iter().map(String::as_str).collect();
    let mut table = Table::new("predictions", "", &names, 3);
    for (row, id) in rows.ids.iter().enumerate() {
        let mut cells = vec![arm.to_string(), seed.to_string(), id.clone()];
        match classes.is_empty() {
            true => cells.extend([rows.numbers[row].to_string(), own[[row, 0]].to_string()]),
            false => {
                cells.extend([classes[rows.labels[row]].clone(), classes[argmax(own.row(row))].clone()]);
                cells.extend(own.row(row).iter().map(|share| share.to_string()));
            }
        }
        table.rows.push(cells);
    }
    table.csv()
}

/// predictions.csv of all trials, and of the first forest its trees, also as ONNX, and its exact network.
///
/// # Errors
/// If a stored file cannot be read.
pub fn artifacts(results: &Results, files: &TrialFiles) -> Result<Files, StudyError> {
    let (mut found, mut predictions) = (Vec::new(), Vec::new());
    for trial in results.trials("main") {
        for (name, bytes) in files(&trial.point)? {
            match name.as_str() {
                PREDICTIONS_FILE => append_rows(&mut predictions, &bytes),
                MODEL_FILE if trial.point.get("arm") == "forest" && found.is_empty() => {
                    let named = NamedForest::from_bytes(&bytes)?;
                    if let Some(network) = exact_network(&named)? {
                        found.push(("forest_network.safetensors".to_string(), network));
                    }
                    found.push(("forest.onnx".into(), named.to_onnx()));
                    found.push(("forest.safetensors".into(), bytes));
                }
                _ => {}
            }
        }
    }
    if !predictions.is_empty() {
        found.push((PREDICTIONS_FILE.into(), predictions));
    }
    Ok(found)
}

/// A forest as the network with steps, in double precision; `None` if it is too large.
fn exact_network(named: &NamedForest) -> Result<Option<Vec<u8>>, StudyError> {
    if ForestNetwork::size_of(&named.forest, named.columns.len()) > LARGEST {
        return Ok(None);
    }
    let (_, params) = ForestNetwork::of(&named.forest, &vec![1.0; named.columns.len()], Gate::Step, DType::F64)?;
    Ok(Some(params.to_bytes()?))
}
