//! One arm on one cohort: cross-validation, everything chosen within the patients that are learned from.

use std::collections::BTreeMap;

use ndarray::{Array2, Axis};
use serde::{Deserialize, Serialize};

use crate::classic::Logistic;
use crate::data::grouped_folds;
use crate::lab::{Context, Measurement};
use crate::math::Stream;
use crate::nn::backbone::Backbone;
use crate::study::StudyError;
use crate::study::diagnostic::{RocArea, operating_point};
use crate::study::files::{PredictionLine, predictions_csv};
use crate::systems::cohort::arms::{ArmRow, Classifier};
use crate::systems::cohort::models::{Fitted, Learning};
use crate::systems::cohort::patients::Cohort;
use crate::systems::cohort::saliency::{self, Hits};
use crate::systems::cohort::saved::{MODEL_FILE, SavedClassifier};
use crate::systems::cohort::spec::Spec;
use crate::systems::cohort::tuned::CutNetwork;

/// File of a trial with its predictions of every patient.
pub const PREDICTIONS_FILE: &str = "predictions.csv";
/// Name of the kept predictions.
pub const OUTCOME: &str = "outcome";

/// What must not be on both sides of a split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// Patients.
    Patients,
    /// Pictures alone: a patient can be on both sides.
    Pictures,
}

impl Split {
    /// Both, as names of levels.
    pub const NAMES: [(&'static str, &'static str); 2] =
        [("patients", "a patient is on one side"), ("pictures", "LEAKAGE: pictures of a patient are on both sides")];

    /// The split of this name; patients where a grid has no such factor.
    pub fn named(name: &str) -> Self {
        if name == "pictures" { Self::Pictures } else { Self::Patients }
    }
}

/// What was predicted of every patient while it was tested on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Names.
    pub patients: Vec<String>,
    /// Whether a patient is positive.
    pub truth: Vec<bool>,
    /// Probability, the mean over pictures and repetitions.
    pub scores: Vec<f64>,
    /// The mean of the probability minus the threshold of the fold: from 0 on the patient is called positive.
    pub margins: Vec<f64>,
    /// Patient, class and probability of each picture.
    pub pictures: Vec<(usize, bool, f64)>,
}

impl Outcome {
    /// Whether each patient is called positive.
    pub fn called(&self) -> Vec<bool> {
        self.margins.iter().map(|margin| *margin >= 0.0).collect()
    }

    /// Right answers and cases, of those that are positive or not, or of all.
    pub fn right(&self, kind: Option<bool>) -> (usize, usize) {
        let own =
            self.called().into_iter().zip(&self.truth).filter(|(_, truth)| kind.is_none_or(|kind| kind == **truth));
        own.fold((0, 0), |(right, all), (called, truth)| (right + usize::from(called == *truth), all + 1))
    }

    /// The area under the ROC curve over patients.
    pub fn area(&self) -> Option<RocArea> {
        RocArea::new(&self.scores, &self.truth)
    }

    /// The area over these pictures.
    pub fn area_of_pictures(&self, rows: &[usize]) -> Option<f64> {
        let scores: Vec<f64> = rows.iter().map(|&row| self.pictures[row].2).collect();
        let truth: Vec<bool> = rows.iter().map(|&row| self.pictures[row].1).collect();
        Some(RocArea::new(&scores, &truth)?.area)
    }
}

/// What was chosen within a fold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chosen {
    /// Penalty or cost.
    pub choice: f64,
    /// Probability from which on a patient is called positive.
    pub threshold: f64,
    /// Slope and offset from a decision to the logarithm of the odds.
    pub calibration: (f64, f64),
}

impl Chosen {
    /// Probabilities of decisions.
    pub fn probabilities(&self, decisions: &[f64]) -> Vec<f64> {
        let (slope, offset) = self.calibration;
        decisions.iter().map(|decision| 1.0 / (1.0 + (-(slope * decision + offset)).exp())).collect()
    }
}

/// What a trial is about.
pub struct Trial<'a> {
    /// Settings.
    pub spec: &'a Spec,
    /// The patients.
    pub cohort: &'a Cohort,
    /// Features of their pictures (pictures, width).
    pub features: &'a Array2<f64>,
    /// The network that made them, for maps; `None` makes none.
    pub network: Option<&'a dyn Backbone>,
    /// The network whose last stages the arm may train.
    pub cut: Option<&'a CutNetwork>,
    /// The arm.
    pub arm: &'static ArmRow,
    /// What must not be on both sides.
    pub split: Split,
    /// Repetitions of the cross-validation.
    pub repeats: usize,
    /// Of folds and classifiers.
    pub seed: u64,
}

impl Trial<'_> {
    /// Cross-validates, and fits once more on all patients.
    ///
    /// # Errors
    /// Too few patients for the folds, a training that fails, or a run that is stopped.
    pub fn run(&self, context: &Context) -> Result<Measurement, StudyError> {
        let count = self.cohort.ids.len();
        let (mut scores, mut margins) = (vec![0.0; count], vec![0.0; count]);
        let each = 1.0 / self.repeats as f64;
        let mut hits = Hits::default();
        for repeat in 0..self.repeats {
            let mut stream = Stream::named(self.seed, &format!("folds {repeat}"));
            let all: Vec<usize> = (0..count).collect();
            let folds = self.folds(&all, self.spec.folds, &mut stream)?;
            for fold in 0..self.spec.folds {
                context.proceed()?;
                let (learned, tested): (Vec<usize>, Vec<usize>) = all.iter().partition(|&&row| folds[row] != fold);
                let chosen = self.choose(&learned, &mut stream, context)?;
                let fitted = self.fit(&learned, &[chosen.choice], context)?.remove(0);
                let decisions = fitted.decide(self.features.select(Axis(0), &tested).view())?;
                for (row, probability) in tested.iter().zip(chosen.probabilities(&decisions)) {
                    if repeat == 0 && probability >= chosen.threshold {
                        self.look(*row, &fitted, &mut hits)?;
                    }
                    scores[*row] += each * probability;
                    margins[*row] += each * (probability - chosen.threshold);
                }
            }
        }
        let outcome = Outcome {
            patients: self.cohort.patients.clone(),
            truth: self.cohort.truth(),
            scores: self.by_patient(&scores),
            margins: self.by_patient(&margins),
            pictures: (0..count).map(|k| (self.cohort.patient[k], self.cohort.is_positive[k], scores[k])).collect(),
        };
        let all: Vec<usize> = (0..count).collect();
        let chosen = self.choose(&all, &mut Stream::named(self.seed, "folds of all"), context)?;
        let fitted = self.fit(&all, &[chosen.choice], context)?.remove(0);
        let mut found = self.measure(&outcome)?.value("parameters", fitted.parameters() as f64);
        if hits.count > 0 {
            let count = hits.count as f64;
            found = found.value("pointing", hits.pointed as f64 / count).value("energy", hits.energy / count);
        }
        let model = SavedClassifier::new(self.arm, &self.cohort.classes, chosen, fitted);
        Ok(found.keep(OUTCOME, &outcome).file(MODEL_FILE, model.to_bytes()?))
    }

    /// Compares the map of a picture with its drawn lesion, if it has one.
    fn look(&self, row: usize, fitted: &Fitted, hits: &mut Hits) -> Result<(), StudyError> {
        let (Some(network), Some(lesion)) = (self.network, &self.cohort.lesions[row]) else { return Ok(()) };
        if hits.count < self.spec.maps
            && let Some(map) = saliency::map(network, &self.cohort.pictures[row], fitted, self.features.row(row))?
        {
            hits.add(&map, lesion, network.transform().resize);
        }
        Ok(())
    }

    /// The fold of each of these rows.
    fn folds(&self, rows: &[usize], folds: usize, stream: &mut Stream) -> Result<Vec<usize>, StudyError> {
        let groups: Vec<usize> = match self.split {
            Split::Patients => rows.iter().map(|&row| self.cohort.patient[row]).collect(),
            Split::Pictures => rows.to_vec(),
        };
        let labels: Vec<bool> = rows.iter().map(|&row| self.cohort.is_positive[row]).collect();
        // A patient without a row is in no fold.
        let mut known: Vec<usize> = groups.clone();
        known.sort_unstable();
        known.dedup();
        let numbers: Vec<usize> = groups.iter().map(|group| known.binary_search(group).unwrap_or(0)).collect();
        Ok(grouped_folds(&numbers, &labels, folds, stream)?)
    }

    fn fit(&self, rows: &[usize], choices: &[f64], context: &Context) -> Result<Vec<Fitted>, StudyError> {
        context.proceed()?;
        let features = self.features.select(Axis(0), rows);
        let labels: Vec<bool> = rows.iter().map(|&row| self.cohort.is_positive[row]).collect();
        let Self { spec, arm, cut: network, seed, .. } = *self;
        let learning = Learning { spec, arm, rows: features.view(), labels: &labels, network, seed };
        learning.fit(choices, context.observer)
    }

    /// Chooses by the area over patients in folds within these rows, of equal areas the first; then the threshold and, for
    /// support vectors, the calibration (Platt 1999) from the same predictions.
    fn choose(&self, rows: &[usize], stream: &mut Stream, context: &Context) -> Result<Chosen, StudyError> {
        let choices = Learning::choices(self.spec, self.arm);
        let folds = self.folds(rows, self.spec.inner_folds, stream)?;
        let mut decisions = vec![vec![0.0; rows.len()]; choices.len()];
        for fold in 0..self.spec.inner_folds {
            let (learned, tested): (Vec<usize>, Vec<usize>) = (0..rows.len()).partition(|&k| folds[k] != fold);
            let of = |places: &[usize]| places.iter().map(|&k| rows[k]).collect::<Vec<usize>>();
            let tested_rows = self.features.select(Axis(0), &of(&tested));
            for (own, fitted) in decisions.iter_mut().zip(self.fit(&of(&learned), &choices, context)?) {
                for (k, decision) in tested.iter().zip(fitted.decide(tested_rows.view())?) {
                    own[*k] = decision;
                }
            }
        }
        let labels: Vec<bool> = rows.iter().map(|&row| self.cohort.is_positive[row]).collect();
        let mut best: Option<(f64, Chosen)> = None;
        for (choice, own) in choices.iter().zip(&decisions) {
            let mut chosen = Chosen { choice: *choice, threshold: 0.5, calibration: (1.0, 0.0) };
            if self.arm.classifier == Classifier::SupportVectors {
                let column = Array2::from_shape_fn((own.len(), 1), |(row, _)| own[row]);
                if let Some(fitted) = Logistic::fit(column.view(), &labels, 1e-3) {
                    // A negative slope would turn the order of the patients round.
                    chosen.calibration = (fitted.weights[0].max(1e-3), fitted.bias);
                }
            }
            let (scores, truth) = self.pooled(rows, &chosen.probabilities(own));
            let area = RocArea::new(&scores, &truth).map_or(0.5, |area| area.area);
            chosen.threshold = operating_point(&scores, &truth, self.spec.sensitivity).unwrap_or(0.5);
            if best.is_none_or(|(most, _)| area > most) {
                best = Some((area, chosen));
            }
        }
        // There is at least one choice.
        Ok(best.map_or(Chosen { choice: 0.0, threshold: 0.5, calibration: (1.0, 0.0) }, |(_, chosen)| chosen))
    }

    /// Means of values of these rows over patients, and whether each is positive; in any split a score is that of a patient.
    fn pooled(&self, rows: &[usize], values: &[f64]) -> (Vec<f64>, Vec<bool>) {
        let mut sums = BTreeMap::new();
        for (&row, value) in rows.iter().zip(values) {
            let entry = sums.entry(self.cohort.patient[row]).or_insert((0.0, 0.0, false));
            *entry = (entry.0 + value, entry.1 + 1.0, entry.2 || self.cohort.is_positive[row]);
        }
        sums.into_values().map(|(sum, count, positive)| (sum / count, positive)).unzip()
    }

    fn by_patient(&self, values: &[f64]) -> Vec<f64> {
        let rows: Vec<usize> = (0..values.len()).collect();
        self.pooled(&rows, values).0
    }

    fn measure(&self, outcome: &Outcome) -> Result<Measurement, StudyError> {
        let share = |(right, all): (usize, usize)| (all > 0).then(|| right as f64 / all as f64);
        let pictures: Vec<usize> = (0..outcome.pictures.len()).collect();
        let [negative, positive] = &self.cohort.classes;
        let class = |is_positive: bool| if is_positive { positive.clone() } else { negative.clone() };
        let line = |(k, called): (usize, bool)| PredictionLine {
            head: self.arm.name.into(),
            seed: self.seed,
            condition: "ideal".into(),
            sample: outcome.patients[k].clone(),
            label: class(outcome.truth[k]),
            predicted: class(called),
            probabilities: vec![1.0 - outcome.scores[k], outcome.scores[k]],
        };
        let lines: Vec<PredictionLine> = outcome.called().into_iter().enumerate().map(line).collect();
        Ok(Measurement::default()
            .value_if("auc", outcome.area().map(|area| area.area))
            .value_if("sensitivity", share(outcome.right(Some(true))))
            .value_if("specificity", share(outcome.right(Some(false))))
            .value_if("accuracy", share(outcome.right(None)))
            .value_if("picture_auc", outcome.area_of_pictures(&pictures))
            .file(PREDICTIONS_FILE, predictions_csv(&self.cohort.classes, &lines)?))
    }
}
