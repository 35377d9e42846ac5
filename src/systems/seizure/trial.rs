//! One arm for one target under one seed.

use ndarray::{Array2, Axis};

use crate::classic::fuzzy::Domains;
use crate::lab::{Context, Measurement};
use crate::math::Stream;
use crate::math::order::argmax;
use crate::sim::Condition;
use crate::study::StudyError;
use crate::study::files::{PredictionLine, predictions_csv};
use crate::study::metric::Predictions;
use crate::study::metric::ranking::auc;
use crate::systems::seizure::arms::{ArmRow, Learner, Source, Views};
use crate::systems::seizure::baselines;
use crate::systems::seizure::cohort::{CLASSES, Cohort, SEIZURE};
use crate::systems::seizure::deep::DeepTraining;
use crate::systems::seizure::detector::{LearnedView, Learning, joined, probabilities};
use crate::systems::seizure::extra_view::ExtraView;
use crate::systems::seizure::rules;
use crate::systems::seizure::saved::{MODEL_FILE, SavedDetector};
use crate::systems::seizure::spec::Spec;
use crate::systems::seizure::task::{Scaler, Segment, Task};

/// File of a trial with its predictions of every test segment.
pub const PREDICTIONS_FILE: &str = "predictions.csv";
/// Name of the kept rules.
pub const RULES: &str = "rules";

/// What a trial is about.
pub struct Trial<'a> {
    /// Settings.
    pub spec: &'a Spec,
    /// The patients.
    pub cohort: &'a Cohort,
    /// The target.
    pub task: &'a Task,
    /// Its name.
    pub target: &'a str,
    /// The arm.
    pub arm: &'static ArmRow,
    /// Labelled segments of each class.
    pub labels: usize,
    /// Whether the labels of the source are shuffled.
    pub is_shuffled: bool,
    /// Seed of the split, of networks and random features.
    pub seed: u64,
}

impl Trial<'_> {
    /// Learns and measures.
    ///
    /// # Errors
    /// If features are not finite, or training fails or is stopped.
    pub fn run(&self, context: &Context) -> Result<Measurement, StudyError> {
        context.proceed()?;
        let domains = self.domains();
        let (probabilities, found) = match self.arm.learner {
            Learner::Fuzzy { source, is_collaborative, has_mmd, views } => {
                let learning = |clustered| Learning {
                    spec: self.spec,
                    domains: &domains,
                    clustered,
                    source,
                    is_collaborative,
                    has_mmd,
                };
                self.fuzzy(&learning(&self.task.clustered), views, context)?
            }
            learner => {
                let of = |pick: fn(&crate::systems::seizure::task::TaskView) -> &Array2<f64>| {
                    joined(&self.task.views.iter().map(pick).collect::<Vec<_>>())
                };
                let (training, test) = (of(|view| &view.training), of(|view| &view.test));
                let found = baselines::probabilities(self.spec, learner, &domains, (&training, &test))?;
                (found, Measurement::default())
            }
        };
        self.measure(&probabilities, found)
    }

    /// Labels of source and pool. Those of the pool are known for a few rows.
    fn domains(&self) -> Domains {
        let [source, pool, _] = &self.task.labels;
        let mut of_source = source.clone();
        if self.is_shuffled {
            let order = Stream::named(self.seed, "shuffled labels").permutation(source.len());
            of_source = order.into_iter().map(|k| source[k]).collect();
        }
        let mut of_pool = vec![None; pool.len()];
        if !matches!(self.arm.learner, Learner::Fuzzy { source: Source::Only, .. }) {
            self.task.labelled(self.labels).into_iter().for_each(|row| of_pool[row] = Some(pool[row]));
        }
        Domains {
            labels: of_source.into_iter().map(Some).chain(of_pool).collect(),
            is_source: (0..source.len() + pool.len()).map(|row| row < source.len()).collect(),
            classes: CLASSES.len(),
        }
    }

    fn deep<'s>(&'s self, learning: &'s Learning, is_fidelity: bool, context: &'s Context) -> DeepTraining<'s> {
        DeepTraining {
            spec: self.spec,
            domains: learning.domains,
            is_fidelity,
            seed: self.seed,
            observer: context.observer,
        }
    }

    fn fuzzy(
        &self,
        learning: &Learning,
        views: Views,
        context: &Context,
    ) -> Result<(Array2<f64>, Measurement), StudyError> {
        let mut found = Measurement::default();
        let mut learned: Vec<LearnedView> = self
            .task
            .views
            .iter()
            .map(|view| LearnedView {
                name: view.name.clone(),
                training: view.training.clone(),
                test: view.test.clone(),
            })
            .collect();
        let mut extra = None;
        let mut plain = Vec::new();
        for view in &self.task.views {
            plain.push((self.cohort.cut.features(&view.name)?, view.plain.clone()));
        }
        let mut used: Vec<usize> = (0..learned.len()).collect();
        match views {
            Views::All => {}
            Views::Best => {
                let mut best = (f64::INFINITY, 0);
                for (k, view) in learned.iter().enumerate() {
                    context.proceed()?;
                    let alone = LearnedView {
                        name: view.name.clone(),
                        training: view.training.clone(),
                        test: view.test.clone(),
                    };
                    let error = learning.fit(&[alone])?.validation.unwrap_or(f64::INFINITY);
                    if error < best.0 {
                        best = (error, k);
                    }
                }
                learned = vec![learned.swap_remove(best.1)];
                plain = vec![plain.swap_remove(best.1)];
                used = vec![best.1];
            }
            Views::Quantum | Views::Random => {
                let all =
                    |pick: fn(&LearnedView) -> &Array2<f64>| joined(&learned.iter().map(pick).collect::<Vec<_>>());
                let (training, test) = (all(|view| &view.training), all(|view| &view.test));
                let view = ExtraView::fit(self.spec, training.view(), views == Views::Random, self.seed);
                let condition = Condition::default();
                let raw = view.features(training.view(), &condition, self.seed, &mut found)?;
                let scaler = Scaler::fit(raw.view(), raw.ncols(), self.seed);
                let test = view.features(test.view(), &condition, self.seed, &mut found)?;
                let name = if view.is_circuit() { "quantum" } else { "random" };
                let (training, test) = (scaler.transform(raw.view()), scaler.transform(test.view()));
                learned.push(LearnedView { name: name.into(), training, test });
                plain.push((view.names(), raw.select(Axis(0), &self.task.clustered)));
                extra = Some((view, scaler));
            }
            Views::Deep { is_fidelity } => {
                learned = self.deep(learning, is_fidelity, context).views(&learned)?;
                plain.clear();
            }
            Views::Convolutional => {
                let channels = self.cohort.cut.channels.len();
                learned = self.deep(learning, false, context).convolutional(channels, &self.task.samples)?;
                plain.clear();
            }
        }
        context.proceed()?;
        let detector = learning.fit(&learned)?;
        let weights = &detector.transferred.consequents.weights;
        for (view, weight) in detector.views.iter().zip(weights) {
            if view.name == "quantum" || view.name == "random" {
                found = found.value("extra_weight", *weight);
            }
        }
        let rules = detector.views.iter().map(|view| view.antecedents.rules()).max().unwrap_or(0);
        found = found
            .value("rules", rules as f64)
            .value("source_weight", detector.source_weight)
            .value_if("validation", detector.validation.filter(|error| error.is_finite()));
        let [source, pool, _] = &self.task.labels;
        let open = |row: usize| learning.domains.labels[source.len() + row].is_none();
        let truth: Vec<Option<usize>> = match learning.source {
            // Rows of the source alone are learned from.
            Source::Only => Vec::new(),
            Source::Unused => (0..pool.len()).map(|row| open(row).then_some(pool[row])).collect(),
            _ => {
                let own = (0..pool.len()).map(|row| open(row).then_some(pool[row]));
                std::iter::repeat_n(None, source.len()).chain(own).collect()
            }
        };
        if !truth.is_empty() {
            let (share, right) = detector.pseudo_labels(&truth);
            found = found.value("pseudo_share", share).value_if("pseudo_accuracy", right);
        }
        if self.arm.is_saved && plain.len() == learned.len() {
            let position = |row: &usize| self.task.clustered.iter().position(|own| own == row);
            let kept: Vec<usize> = detector.views[0].clustered.iter().filter_map(position).collect();
            let plain: Vec<_> = plain.into_iter().map(|(names, rows)| (names, rows.select(Axis(0), &kept))).collect();
            let training: Vec<&Array2<f64>> = learned.iter().map(|view| &view.training).collect();
            let rules = rules::rules(&detector, &training, &plain);
            let text = rules::sentences(&rules).join("\n") + "\n";
            found = found.keep(RULES, &rules).file("rules.txt", text.into_bytes());
            let scalers = used.iter().map(|&k| self.task.views[k].scaler.clone()).collect();
            let model = SavedDetector {
                arm: self.arm.name.into(),
                target: self.target.into(),
                cut: self.cohort.cut.clone(),
                unstated_rate: self.spec.rate_of(self.target),
                scalers,
                extra,
            };
            found = found.file(MODEL_FILE, model.to_bytes(&detector)?);
        }
        Ok((probabilities(&detector.test_scores), found))
    }

    fn measure(&self, probabilities: &Array2<f64>, found: Measurement) -> Result<Measurement, StudyError> {
        let truth = &self.task.labels[2];
        let predicted: Vec<usize> = probabilities.rows().into_iter().map(argmax).collect();
        let quality = Quality::of(&predicted, truth);
        let times = self.task.test.iter().map(|at| (at.record, at.segment)).collect::<Vec<_>>();
        let alarms = false_alarms(&predicted, truth, &times, self.cohort.cut.duration());
        let area = auc(&Predictions::new(probabilities.clone(), truth.clone())?).ok();
        let name = |at: &Segment| {
            let record = &self.cohort.patients[at.patient].records[at.record];
            format!("{}/{} at {} s", self.target, record.name, record.starts[at.segment])
        };
        let line = |row: usize| PredictionLine {
            head: self.arm.name.into(),
            seed: self.seed,
            condition: "ideal".into(),
            sample: name(&self.task.test[row]),
            label: CLASSES[truth[row]].into(),
            predicted: CLASSES[predicted[row]].into(),
            probabilities: probabilities.row(row).to_vec(),
        };
        let classes = CLASSES.map(String::from);
        let lines: Vec<PredictionLine> = (0..truth.len()).map(line).collect();
        Ok(quality
            .add(found)
            .value_if("auc", area)
            .value_if("false_alarms", alarms)
            .file(PREDICTIONS_FILE, predictions_csv(&classes, &lines)?))
    }
}

/// Shares of segments.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quality {
    /// Of all.
    pub accuracy: f64,
    /// Of seizures that are found; `None` without seizures.
    pub sensitivity: Option<f64>,
    /// Of background without alarm; `None` without background.
    pub specificity: Option<f64>,
    /// Harmonic mean of sensitivity and precision; `None` without seizures.
    pub f1: Option<f64>,
}

impl Quality {
    /// Of predicted and true classes.
    pub fn of(predicted: &[usize], truth: &[usize]) -> Self {
        let count = |p: usize, t: usize| {
            predicted.iter().zip(truth).filter(|(own, true_one)| **own == p && **true_one == t).count() as f64
        };
        let (hits, misses) = (count(SEIZURE, SEIZURE), count(0, SEIZURE));
        let (alarms, quiet) = (count(SEIZURE, 0), count(0, 0));
        let share = |part: f64, other: f64| (part + other > 0.0).then(|| part / (part + other));
        Self {
            accuracy: (hits + quiet) / (truth.len().max(1) as f64),
            sensitivity: share(hits, misses),
            specificity: share(quiet, alarms),
            f1: share(2.0 * hits, misses + alarms).filter(|_| hits + misses > 0.0),
        }
    }

    /// Mean of sensitivity and specificity.
    pub fn balanced_accuracy(&self) -> Option<f64> {
        Some((self.sensitivity? + self.specificity?) / 2.0)
    }

    /// As values of a measurement.
    pub fn add(&self, found: Measurement) -> Measurement {
        found
            .value_if("balanced_accuracy", self.balanced_accuracy())
            .value("accuracy", self.accuracy)
            .value_if("sensitivity", self.sensitivity)
            .value_if("specificity", self.specificity)
            .value_if("f1", self.f1)
    }
}

/// Alarms without a seizure for an hour of background: an alarm is a run of consecutive segments of one recording that are taken
/// for a seizure, and false if none of them is part of one. `None` without background.
pub fn false_alarms(predicted: &[usize], truth: &[usize], times: &[(usize, usize)], seconds: f64) -> Option<f64> {
    let hours = truth.iter().filter(|class| **class != SEIZURE).count() as f64 * seconds / 3600.0;
    let (mut count, mut is_open, mut is_true) = (0, false, false);
    for row in 0..predicted.len() {
        let follows = row > 0 && times[row - 1].0 == times[row].0 && times[row - 1].1 + 1 == times[row].1;
        if is_open && (!follows || predicted[row] != SEIZURE) {
            count += usize::from(!is_true);
            is_open = false;
        }
        if predicted[row] == SEIZURE {
            is_true = truth[row] == SEIZURE || is_open && is_true;
            is_open = true;
        }
    }
    count += usize::from(is_open && !is_true);
    (hours > 0.0).then(|| count as f64 / hours)
}
