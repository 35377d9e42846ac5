//! One head under one seed: trained, then evaluated under every condition.

use serde::{Deserialize, Serialize};

use crate::data::FeatureRows;
use crate::lab::{Context, Measurement};
use crate::nn::head::Body;
use crate::sim::{Condition, Executions};
use crate::study::files::{PredictionLine, predictions_csv};
use crate::study::metric::counts::{self, ClassCounts};
use crate::study::metric::probability::log_loss;
use crate::study::metric::{METRICS, Predictions};
use crate::study::train::{EpochRecord, Fitted};
use crate::study::{StudyError, TrainedHead, Trainer};
use crate::systems::conditions::add_notices;
use crate::systems::head_choice::HeadChoice;
use crate::systems::hold_out::Rows;
use crate::systems::qtl::conditions::{conditions, is_calibrated};
use crate::systems::qtl::kernel::{Fit, KernelHead};
use crate::systems::qtl::spec::Spec;
use crate::systems::saved_head::{HEAD_FILE, KERNEL_FILE, TRANSPILED_FILE, TranspiledCircuits};

/// Name under which a trial keeps its predictions.
pub const EVALUATED: &str = "evaluated";
/// File of a trial with its predictions under every calibrated condition.
pub const PREDICTIONS_FILE: &str = "predictions.csv";

/// What a trial keeps for the report: its predictions of the evaluated rows under the main condition.
#[derive(Serialize, Deserialize)]
pub struct Kept {
    /// Names of the classes.
    pub classes: Vec<String>,
    /// True classes.
    pub labels: Vec<usize>,
    /// Class probabilities by row.
    pub probabilities: Vec<Vec<f64>>,
    /// Names of the engines that ran its circuit.
    pub engines: Vec<String>,
    /// Angles of the circuit's inputs for the first evaluated row, radians.
    pub inputs: Vec<f64>,
}

/// Trains and evaluates a head.
///
/// # Errors
/// If the head or its simulator fails, the training diverges, or the user stops it.
pub fn run(
    spec: &Spec,
    (rows, executions): (&Rows, &Executions),
    choice: &HeadChoice,
    seed: u64,
    context: &Context,
) -> Result<Measurement, StudyError> {
    let trial = Trial { spec, rows, executions, choice, seed };
    match choice.config.row.body {
        Body::Kernel => trial.kernel(context),
        _ => trial.gradient(context),
    }
}

struct Trial<'a> {
    spec: &'a Spec,
    rows: &'a Rows,
    executions: &'a Executions,
    choice: &'a HeadChoice,
    seed: u64,
}

impl Trial<'_> {
    fn kernel(&self, context: &Context) -> Result<Measurement, StudyError> {
        let Self { spec, rows, choice, seed, executions, .. } = *self;
        let evaluated = &rows.evaluated;
        let home = choice.condition(&spec.condition);
        let (row, circuit, train) = (choice.config.row, &spec.circuit, &spec.train);
        let fit = Fit { row, circuit, train, home: &home, executions, seed };
        let (head, mut found) = KernelHead::fit(&rows.split.training, &fit, context)?;
        let main = if spec.evaluate.as_trained { home.clone() } else { Condition::default() };
        let predict = |condition: &Condition, found: &mut Measurement| {
            context.proceed()?;
            let scores = head.scores(evaluated.values.view(), (executions, condition, seed), found)?;
            Predictions::new(scores, evaluated.labels.clone())
        };
        let predictions = predict(&main, &mut found)?;
        let mut lines = self.lines(&main, &predictions);
        let all = conditions(&spec.evaluate);
        for other in choice.evaluated_under(&all) {
            let seen = predict(&other.condition, &mut found)?;
            found = found.under(&other.at(), "accuracy", seen.accuracy());
            if other.condition != main {
                lines.extend(self.lines(&other.condition, &seen));
            }
        }
        Ok(headline(found, &predictions)
            .keep(EVALUATED, &self.kept(&predictions, Vec::new(), Vec::new()))
            .file(KERNEL_FILE, head.to_bytes(&fit, &evaluated.classes)?)
            .file(PREDICTIONS_FILE, predictions_csv(&evaluated.classes, &lines)?))
    }

    fn gradient(&self, context: &Context) -> Result<Measurement, StudyError> {
        let Self { spec, rows, choice, seed, .. } = *self;
        let training = &rows.split.training;
        let home = choice.condition(&spec.condition);
        let model = choice.config.model(training.values.ncols(), training.classes.len())?;
        let model = model.compile(self.executions, &home, seed)?;
        let trainer = Trainer::new(spec.train).class_weight(spec.class_weight).seed(seed);
        let (trained, fitted) = trainer.fit_model(&choice.config, model, &rows.split, context.observer)?;

        let curve = |value: fn(&EpochRecord) -> f64| fitted.history.iter().map(value).collect();
        let mut found = Measurement::default()
            .curve("train_loss", curve(|epoch| epoch.loss))
            .curve("validation_loss", curve(|epoch| epoch.evaluation.loss))
            .curve("validation_accuracy", curve(|epoch| epoch.evaluation.metric))
            .value("best_epoch", fitted.best_epoch() as f64)
            .value("parameters", trained.parameters() as f64)
            .value("quantum_parameters", trained.quantum_parameters() as f64)
            .file(HEAD_FILE, trained.to_bytes()?);
        if let Some(execution) = &trained.model.execution {
            add_notices(&mut found, execution, &home);
        }
        let main = if spec.evaluate.as_trained { home } else { Condition::default() };
        self.evaluate(&mut found, &trained, &main, context)?;
        // Last, because it changes the parameters.
        if let Some(accuracy) = self.at_best_epoch(trained, fitted, &main)? {
            found = found.value("best_accuracy", accuracy);
        }
        Ok(found)
    }

    /// Evaluates a trained head under the main condition, and a circuit under all others.
    fn evaluate(
        &self,
        found: &mut Measurement,
        trained: &TrainedHead,
        main: &Condition,
        context: &Context,
    ) -> Result<(), StudyError> {
        let evaluated = &self.rows.evaluated;
        let predictions = trained.compile(self.executions, main, self.seed)?.evaluate(evaluated)?;
        let mut lines = self.lines(main, &predictions);
        let mut engines = Vec::new();
        let mut transpiled = TranspiledCircuits::default();
        let others = if self.choice.has_circuit() { conditions(&self.spec.evaluate) } else { Vec::new() };
        for other in &others {
            let condition = &other.condition;
            context.proceed()?;
            let under = trained.compile(self.executions, condition, self.seed)?;
            if let Some(execution) = &under.model.execution {
                add_notices(found, execution, condition);
                engines.push(execution.engine(evaluated.len()));
                transpiled.add(condition, execution);
            }
            let seen = under.evaluate(evaluated)?;
            let at = other.at();
            *found = std::mem::take(found).under(&at, "accuracy", seen.accuracy());
            if let Ok(loss) = log_loss(&seen) {
                *found = std::mem::take(found).under(&at, "log_loss", loss);
            }
            if condition != main && is_calibrated(condition) {
                lines.extend(self.lines(condition, &seen));
            }
        }
        engines.sort();
        engines.dedup();
        for sentence in neglected(&self.choice.label, &evaluated.classes, &predictions) {
            *found = std::mem::take(found).notice(sentence);
        }
        let kept = self.kept(&predictions, engines, self.inputs(trained)?);
        *found = headline(std::mem::take(found), &predictions)
            .keep(EVALUATED, &kept)
            .file(PREDICTIONS_FILE, predictions_csv(&evaluated.classes, &lines)?);
        if let Some(bytes) = transpiled.to_bytes() {
            *found = std::mem::take(found).file(TRANSPILED_FILE, bytes);
        }
        Ok(())
    }

    /// Accuracy under the main condition with the parameters of the best validation epoch.
    fn at_best_epoch(&self, trained: TrainedHead, fitted: Fitted, main: &Condition) -> Result<Option<f64>, StudyError> {
        let Some(best) = fitted.best else { return Ok(None) };
        trained.params.restore(&best)?;
        let predictions = trained.compile(self.executions, main, self.seed)?.evaluate(&self.rows.evaluated)?;
        Ok(Some(predictions.accuracy()))
    }

    /// The input angles of the circuit for the first evaluated row, radians; empty for a head without circuit.
    fn inputs(&self, trained: &TrainedHead) -> Result<Vec<f64>, StudyError> {
        match self.choice.has_circuit() {
            true => trained.input_angles(self.rows.evaluated.values.slice(ndarray::s![..1, ..])),
            false => Ok(Vec::new()),
        }
    }

    fn kept(&self, predictions: &Predictions, engines: Vec<String>, inputs: Vec<f64>) -> Kept {
        Kept {
            classes: self.rows.evaluated.classes.clone(),
            labels: predictions.labels().to_vec(),
            probabilities: predictions.probabilities().rows().into_iter().map(|row| row.to_vec()).collect(),
            engines,
            inputs,
        }
    }

    fn lines(&self, condition: &Condition, predictions: &Predictions) -> Vec<PredictionLine> {
        let FeatureRows { classes, ids, .. } = &self.rows.evaluated;
        let rows = predictions.probabilities().rows().into_iter().zip(predictions.predicted());
        let line = |((row, (probabilities, predicted)), label): ((usize, (_, usize)), &usize)| {
            let probabilities: ndarray::ArrayView1<f64> = probabilities;
            PredictionLine {
                head: self.choice.label.clone(),
                seed: self.seed,
                condition: condition.to_string(),
                sample: ids[row].clone(),
                label: classes[*label].clone(),
                predicted: classes[predicted].clone(),
                probabilities: probabilities.to_vec(),
            }
        };
        rows.enumerate().zip(predictions.labels()).map(line).collect()
    }
}

/// With every metric of the predictions that is defined.
fn headline(found: Measurement, predictions: &Predictions) -> Measurement {
    METRICS.iter().fold(found, |found, metric| found.value_if(metric.name, (metric.measure)(predictions).ok()))
}

/// A sentence for each class that is hardly predicted: the accuracy does not show that.
fn neglected(label: &str, classes: &[String], predictions: &Predictions) -> Vec<String> {
    let counted = counts::by_class(predictions);
    let hardly = classes.iter().zip(&counted).filter(|(_, counts)| counts.is_neglected());
    let sentence = |(class, _): (&String, &ClassCounts)| {
        format!("{label} hardly predicts class {class}; see precision and recall, and --class-weight balanced")
    };
    hardly.map(sentence).collect()
}
