//! From trained heads to a report: tables, comparisons, curves.

use crate::nn::head::Body;
use crate::study::StudyError;
use crate::study::compare::{self, Answer, Comparison, Quantity, Question};
use crate::study::energy::Usage;
use crate::study::metric::Predictions;
use crate::study::report::{
    Confusion, Curve, Family, HeadRow, HoldOut, MetricValue, NoisePoint, Reliability, Report, Roc,
};
use crate::study::stats::Spread;
use crate::study::train::EpochRecord;
use crate::systems::qtl::Setting;
use crate::systems::qtl::experiment::Trained;
use crate::systems::qtl::spec::HeadChoice;

/// What the trained heads are held against.
pub struct Judged<'a> {
    /// The heads of the spec.
    pub heads: &'a [HeadChoice],
    /// Everything trained, by head, then seed.
    pub trained: &'a [Trained],
    /// True classes of the validation rows.
    pub labels: &'a [usize],
    /// Class names.
    pub classes: &'a [String],
    /// Number of training rows.
    pub training_rows: usize,
}

/// All seeds of one head.
struct Runs<'a> {
    choice: &'a HeadChoice,
    trained: Vec<&'a Trained>,
}

impl Runs<'_> {
    /// Predictions of every seed under `setting`, or nothing if the head was not judged under it.
    fn predictions(&self, setting: &Setting, labels: &[usize]) -> Result<Vec<Predictions>, StudyError> {
        self.trained
            .iter()
            .filter_map(|run| run.judged.iter().find(|(s, _)| s == setting))
            .map(|(_, probabilities)| Predictions::new(probabilities.clone(), labels.to_vec()))
            .collect()
    }

    fn accuracies(&self, setting: &Setting, labels: &[usize]) -> Result<Vec<f64>, StudyError> {
        Ok(self.predictions(setting, labels)?.iter().map(accuracy).collect())
    }

    fn family(&self) -> Family {
        match self.choice.row.body {
            Body::Layers { .. } => Family::Classical,
            Body::Dressed { entangle: true } if self.choice.row.name != "frozen_quantum" => Family::Quantum,
            Body::Dressed { .. } => Family::Control,
            Body::Kernel => Family::Quantum,
        }
    }
}

fn accuracy(predictions: &Predictions) -> f64 {
    let right = predictions.predicted().iter().zip(predictions.labels()).filter(|(p, l)| p == l).count();
    right as f64 / predictions.labels().len() as f64
}

/// Fills the parts of a report that come from predictions; title, environment, settings, drawing and timing are the
/// caller's.
///
/// # Errors
/// If predictions are not distributions.
pub fn report(judged: &Judged<'_>) -> Result<Report, StudyError> {
    let labels = judged.labels;
    let runs: Vec<Runs<'_>> = judged
        .heads
        .iter()
        .enumerate()
        .map(|(index, choice)| Runs { choice, trained: judged.trained.iter().filter(|t| t.head == index).collect() })
        .collect();
    let mut report = Report {
        hold_out: HoldOut { train: judged.training_rows, validation: labels.len(), test: None },
        classes: judged.classes.to_vec(),
        ..Report::default()
    };
    for head in &runs {
        let predictions = head.predictions(&Setting::IDEAL, labels)?;
        let name = head.choice.label.clone();
        report.heads.push(head_row(head, &predictions));
        report.noise.extend(noise_points(head, labels)?);
        report.curves.extend(curve(&name, &head.trained));
        let pooled = Predictions::pooled(&predictions)?;
        report.confusions.push(Confusion::of(&name, &pooled));
        report.rocs.extend(Roc::of(&name, &pooled));
        report.reliability.push(Reliability::of(&name, &pooled));
        report.timing.heads.push((name, mean_usage(&head.trained)));
    }
    report.comparisons = comparisons(&runs, labels)?;
    report.answers = Question::ALL.iter().filter_map(|q| Answer::to(*q, &report.comparisons)).collect();
    Ok(report)
}

fn head_row(head: &Runs<'_>, predictions: &[Predictions]) -> HeadRow {
    let last_epoch: Vec<f64> = predictions.iter().map(accuracy).collect();
    let best = |run: &&Trained, last: &f64| run.history.iter().map(|e| e.evaluation.metric).fold(*last, f64::max);
    let doc = match &head.choice.trained_under {
        None => head.choice.row.doc.to_string(),
        Some(device) => format!("{}; trained under the noise of {device}", head.choice.row.doc),
    };
    HeadRow {
        name: head.choice.label.clone(),
        doc,
        family: head.family(),
        parameters: head.trained.first().map_or(0, |run| run.parameters),
        best_validation: head.trained.iter().zip(&last_epoch).map(|(run, last)| best(run, last)).collect(),
        last_epoch,
        metrics: MetricValue::all(predictions),
    }
}

fn noise_points(head: &Runs<'_>, labels: &[usize]) -> Result<Vec<NoisePoint>, StudyError> {
    let settings = head.trained.first().map_or(&[][..], |run| &run.judged[..]);
    let circuits = settings.iter().filter(|_| head.choice.row.is_dressed());
    circuits
        .filter_map(|(setting, _)| {
            let accuracies = match head.accuracies(setting, labels) {
                Ok(accuracies) => accuracies,
                Err(error) => return Some(Err(error)),
            };
            let accuracy = Spread::of(&accuracies)?;
            let head = head.choice.label.clone();
            let scale = if setting.device.is_some() { setting.scale } else { 0.0 };
            Some(Ok(NoisePoint { head, setting: setting.to_string(), scale, accuracy }))
        })
        .collect()
}

fn curve(name: &str, trained: &[&Trained]) -> Option<Curve> {
    let over_seeds = |value: fn(&EpochRecord) -> f64| {
        Spread::of_curves(&trained.iter().map(|run| run.history.iter().map(value).collect()).collect::<Vec<_>>())
    };
    trained.first().filter(|run| !run.history.is_empty()).map(|_| Curve {
        head: name.to_string(),
        train_loss: over_seeds(|e| e.loss),
        validation_loss: over_seeds(|e| e.evaluation.loss),
        validation_accuracy: over_seeds(|e| e.evaluation.metric),
    })
}

fn mean_usage(trained: &[&Trained]) -> Usage {
    let mean =
        |value: fn(&Usage) -> f64| trained.iter().map(|run| value(&run.usage)).sum::<f64>() / trained.len() as f64;
    Usage {
        wall_seconds: mean(|u| u.wall_seconds),
        cpu_seconds: mean(|u| u.cpu_seconds),
        joules: mean(|u| u.joules),
        estimated: trained.iter().any(|run| run.usage.estimated),
    }
}

/// What every trained circuit is held against, and the question that answers.
const BASELINES: [(&str, Question); 4] = [
    ("linear", Question::Contribution),
    ("mlp_a", Question::Contribution),
    ("separable", Question::Control),
    ("frozen_quantum", Question::Control),
];

/// Every trained circuit against the classical heads and its own controls, then every circuit under noise and shots
/// against itself without.
fn comparisons(runs: &[Runs<'_>], labels: &[usize]) -> Result<Vec<Comparison>, StudyError> {
    let mut found = Vec::new();
    for head in runs.iter().filter(|head| head.family() == Family::Quantum) {
        let own = head.accuracies(&Setting::IDEAL, labels)?;
        for (name, question) in BASELINES {
            let Some(baseline) = runs.iter().find(|b| b.choice.label == name) else { continue };
            let other = baseline.accuracies(&Setting::IDEAL, labels)?;
            found.push(Comparison::new(question, Quantity::ACCURACY, (&head.choice.label, &own), (name, &other))?);
        }
    }
    for head in runs.iter().filter(|head| head.choice.row.is_dressed() && head.family() == Family::Quantum) {
        let ideal = head.accuracies(&Setting::IDEAL, labels)?;
        let settings = head.trained.first().map_or(&[][..], |run| &run.judged[..]);
        // Noise and shots each on its own; together they stand in the table of settings.
        let alone = |s: &Setting| s.is_calibrated() && s.device.is_some() != s.shots.is_some();
        for (setting, _) in settings.iter().filter(|(s, _)| alone(s)) {
            let name = format!("{} under {setting}", head.choice.label);
            let under = head.accuracies(setting, labels)?;
            found.push(Comparison::new(Question::Noise, Quantity::ACCURACY, (&name, &under), ("ideal", &ideal))?);
        }
    }
    compare::correct(&mut found);
    Ok(found)
}
