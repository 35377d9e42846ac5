//! A fuzzy detector: rules in several views, learned for a target.

use ndarray::{Array1, Array2, Axis};

use crate::classic::fuzzy::{Antecedents, Domains, Penalties, TransferOptions, Transferred, combine, transfer};
use crate::study::StudyError;
use crate::study::stats::sd;
use crate::systems::seizure::arms::Source;
use crate::systems::seizure::cohort::CLASSES;
use crate::systems::seizure::spec::Spec;

/// Rounds of labelling in cross-validation.
const ROUNDS_OF_CHOICE: usize = 2;

/// Standard errors that a larger weight of the source may be worse.
const SLACK: f64 = 0.5;

/// Rows of a view that are learned from, and what centres are found from.
pub struct LearnedView {
    /// Its name.
    pub name: String,
    /// (rows, components).
    pub training: Array2<f64>,
    /// (test rows, components).
    pub test: Array2<f64>,
}

/// A fitted view.
pub struct FittedView {
    /// Its name.
    pub name: String,
    /// The IF parts.
    pub antecedents: Antecedents,
    /// Group of each clustered row.
    pub groups: Vec<usize>,
    /// The rows that were clustered, numbers of training rows.
    pub clustered: Vec<usize>,
}

/// A fitted detector.
pub struct Detector {
    /// Views.
    pub views: Vec<FittedView>,
    /// Consequents, weights of views, labels that were given.
    pub transferred: Transferred,
    /// The chosen weight of the source.
    pub source_weight: f64,
    /// (test rows, classes): scores.
    pub test_scores: Array2<f64>,
    /// Mean squared error in cross-validation, if there was a choice.
    pub validation: Option<f64>,
}

/// What is learned from.
pub struct Learning<'a> {
    /// Settings.
    pub spec: &'a Spec,
    /// Where rows are from and their labels.
    pub domains: &'a Domains,
    /// Training rows that centres are found from.
    pub clustered: &'a [usize],
    /// Which labels of the source count.
    pub source: Source,
    /// Whether views collaborate.
    pub is_collaborative: bool,
    /// Whether the distance between domains is a penalty.
    pub has_mmd: bool,
}

impl Learning<'_> {
    /// Learns from these views.
    ///
    /// # Errors
    /// If features are not finite.
    pub fn fit(&self, views: &[LearnedView]) -> Result<Detector, StudyError> {
        let Domains { labels, is_source, .. } = self.domains;
        // Without the source, centres are of the target alone, and the other way round.
        let is_kept = |row: &usize| match self.source {
            Source::Unused => !is_source[*row],
            Source::Only => is_source[*row],
            _ => true,
        };
        let clustered: Vec<usize> = self.clustered.iter().copied().filter(is_kept).collect();
        let antecedents = |view: &LearnedView| {
            let rows = view.training.select(Axis(0), &clustered);
            let spec = self.spec;
            let grouping = (spec.rules, spec.linkage);
            Antecedents::fit(rows.view(), grouping, spec.firing, spec.average_exponents)
        };
        let fitted: Vec<FittedView> = views
            .iter()
            .map(|view| {
                let (antecedents, groups) = antecedents(view);
                FittedView { name: view.name.clone(), antecedents, groups, clustered: clustered.clone() }
            })
            .collect();
        // Rows of a domain that nothing is learned from are left out.
        let used: Vec<usize> = (0..labels.len()).filter(is_kept).collect();
        let features: Vec<Array2<f64>> = views
            .iter()
            .zip(&fitted)
            .map(|(view, own)| own.antecedents.features(view.training.select(Axis(0), &used).view()))
            .collect();
        let domains = Domains {
            labels: used.iter().map(|&row| labels[row]).collect(),
            is_source: used.iter().map(|&row| is_source[row]).collect(),
            classes: self.domains.classes,
        };
        let labelled = |source: bool| {
            (0..used.len()).filter(|&row| domains.labels[row].is_some() && domains.is_source[row] == source).count()
        };
        let (source_weight, validation) = match self.source {
            Source::Unused | Source::Only => (0.0, None),
            Source::Pooled => (labelled(true) as f64 / labelled(false).max(1) as f64, None),
            Source::Chosen => {
                let (weight, error) = self.choose(&features, &domains)?;
                (weight, Some(error))
            }
        };
        let transferred = self.transfer(&features, &domains, source_weight, self.spec.rounds)?;
        let test: Vec<Array2<f64>> = views
            .iter()
            .zip(&fitted)
            .zip(&transferred.consequents.views)
            .map(|((view, own), p)| own.antecedents.features(view.test.view()).dot(p))
            .collect();
        let test_scores = combine(&test, transferred.consequents.weights.view());
        Ok(Detector { views: fitted, transferred, source_weight, test_scores, validation })
    }

    fn transfer(
        &self,
        features: &[Array2<f64>],
        domains: &Domains,
        source_weight: f64,
        rounds: usize,
    ) -> Result<Transferred, StudyError> {
        let spec = self.spec;
        let mut penalties = spec.penalties;
        if !self.is_collaborative {
            penalties = Penalties { agreement: 0.0, entropy: f64::INFINITY, ..penalties };
        }
        // The guard against negative transfer: a source that is not learned from does not pull either.
        if !self.has_mmd || source_weight == 0.0 {
            penalties.mmd = 0.0;
        }
        let options = TransferOptions { source_weight, penalties, confidence: spec.confidence, rounds };
        let found = transfer(features, domains, &options);
        found.ok_or_else(|| StudyError::NotFinite { what: "a feature of a segment".into() })
    }

    /// The weight of the source that cross-validation over the target's labels chooses, and its mean squared error: the largest
    /// whose error is within half a standard error of the least. Labels are from few recordings, so neighbours of a held-out
    /// segment are among those learned from, and a source looks less useful than it is; a misleading source is still much worse.
    /// Parts of the labels are stretches of time.
    fn choose(&self, features: &[Array2<f64>], domains: &Domains) -> Result<(f64, f64), StudyError> {
        let Domains { labels, is_source, classes } = domains;
        let mut weights = self.spec.source_weights.clone();
        weights.sort_by(f64::total_cmp);
        let mut part = vec![usize::MAX; labels.len()];
        for class in 0..*classes {
            let own: Vec<usize> =
                (0..labels.len()).filter(|&row| !is_source[row] && labels[row] == Some(class)).collect();
            let folds = self.spec.folds.min(own.len()).max(1);
            own.iter().enumerate().for_each(|(k, &row)| part[row] = k * folds / own.len());
        }
        let folds = part.iter().filter(|part| **part != usize::MAX).max().map_or(0, |last| last + 1);
        if folds < 2 || weights.len() < 2 {
            return Ok((weights.last().copied().unwrap_or(0.0), f64::NAN));
        }
        let mut found: Vec<(f64, Vec<f64>)> = Vec::new();
        for weight in weights {
            let mut errors = Vec::new();
            for fold in 0..folds {
                let mut seen = domains.clone();
                let out: Vec<usize> = (0..labels.len()).filter(|&row| part[row] == fold).collect();
                out.iter().for_each(|&row| seen.labels[row] = None);
                let fitted = self.transfer(features, &seen, weight, ROUNDS_OF_CHOICE)?.consequents;
                let answers: Vec<Array2<f64>> =
                    features.iter().zip(&fitted.views).map(|(g, p)| g.select(Axis(0), &out).dot(p)).collect();
                let scores = combine(&answers, fitted.weights.view());
                errors.extend(scores.rows().into_iter().zip(&out).map(|(scores, &row)| {
                    let target = |class: usize| f64::from(labels[row] == Some(class));
                    (0..*classes).map(|class| (scores[class] - target(class)).powi(2)).sum::<f64>()
                }));
            }
            found.push((weight, errors));
        }
        let mean = |errors: &[f64]| errors.iter().sum::<f64>() / errors.len().max(1) as f64;
        let least = found.iter().map(|(_, errors)| mean(errors)).fold(f64::INFINITY, f64::min);
        let best = found.iter().find(|(_, errors)| mean(errors) <= least);
        let bound = best.map_or(least, |(_, errors)| {
            let count = errors.len() as f64;
            least + SLACK * sd(errors).unwrap_or(0.0) / count.sqrt()
        });
        let kept = found.iter().rev().find(|(_, errors)| mean(errors) <= bound);
        // The best one is within the bound, unless an error is not a number.
        let not_finite = || StudyError::NotFinite { what: "an error in cross-validation".into() };
        kept.map(|(weight, errors)| (*weight, mean(errors))).ok_or_else(not_finite)
    }
}

impl Detector {
    /// Share of the target's unlabelled rows that were given a label, and share of these labels that are right.
    pub fn pseudo_labels(&self, truth: &[Option<usize>]) -> (f64, Option<f64>) {
        let all = &self.transferred.pseudo_labels;
        let given: Vec<(usize, usize)> =
            all.iter().zip(truth).filter_map(|(given, truth)| Some(((*given)?, (*truth)?))).collect();
        let open = truth.iter().flatten().count().max(1);
        let right = given.iter().filter(|(given, truth)| given == truth).count();
        let share = right as f64 / given.len().max(1) as f64;
        (given.len() as f64 / open as f64, (!given.is_empty()).then_some(share))
    }
}

/// Scores (rows, classes) as probabilities: limited to 0 to 1, then as shares of their sum.
pub fn probabilities(scores: &Array2<f64>) -> Array2<f64> {
    let mut limited = scores.mapv(|score| score.clamp(0.0, 1.0));
    for mut row in limited.rows_mut() {
        let sum = row.sum();
        match sum > 0.0 {
            true => row /= sum,
            false => row.fill(1.0 / CLASSES.len() as f64),
        }
    }
    limited
}

/// All views side by side.
pub fn joined(views: &[&Array2<f64>]) -> Array2<f64> {
    let rows = views.first().map_or(0, |view| view.nrows());
    let views: Vec<_> = views.iter().map(|view| view.view()).collect();
    ndarray::concatenate(Axis(1), &views).unwrap_or_else(|_| Array2::zeros((rows, 0)))
}

/// One column of log-odds as probabilities of both classes.
pub fn of_log_odds(odds: &Array1<f64>) -> Array2<f64> {
    Array2::from_shape_fn((odds.len(), 2), |(row, class)| {
        let p = 1.0 / (1.0 + (-odds[row]).exp());
        if class == 1 { p } else { 1.0 - p }
    })
}
