//! Poolings that learn on vectors of a frozen encoder, and the vectors of studies that heads read.

use ndarray::{Array2, Axis};

use crate::data::FeatureRows;
use crate::nn::Params;
use crate::nn::loss::Task;
use crate::study::{Observer, StudyError};
use crate::systems::angiography::block::Set;
use crate::systems::angiography::learning::{Labelled, Rates, answers, fit};
use crate::systems::angiography::network::{Pooling, StudyModel};
use crate::systems::angiography::spec::Spec;

/// How a pooling and its linear layer are trained under a seed.
#[derive(Clone, Copy)]
pub struct Probe<'a> {
    /// Settings.
    pub spec: &'a Spec,
    /// Of the start and of the batches.
    pub seed: u64,
    /// Receives every step.
    pub observer: &'a dyn Observer,
}

impl Probe<'_> {
    /// A network on the vectors of films.
    pub fn on_vectors(&self, pooling: Pooling, tasks: &[Task]) -> StudyModel {
        StudyModel {
            video: None,
            width: self.spec.video.width,
            pooling,
            hidden: self.spec.hidden,
            heads: self.spec.video.heads,
            units: tasks.iter().map(|task| task.unit).collect(),
        }
    }

    /// The vectors of a set with these labels.
    pub fn rows<'s>(&self, set: &'s Set, labels: &'s Array2<f32>) -> Labelled<'s> {
        Labelled {
            vectors: Some(&set.encoded.vectors),
            studies: &set.studies,
            shape: self.spec.films,
            mask: &set.encoded.mask,
            labels,
            most: self.spec.tune_films,
        }
    }

    /// Trains pooling and linear layer on vectors.
    ///
    /// # Errors
    /// If training fails or is stopped.
    pub fn trained(&self, model: &StudyModel, rows: &Labelled, tasks: &[Task]) -> Result<Params, StudyError> {
        let mut params = Params::new(self.seed, candle_core::DType::F32);
        model.network(&mut params)?;
        let mut rates = Rates { encoder: 1.0, pool: self.spec.pool_rate }.of(&params);
        fit(model, &mut params, rows, tasks, (&self.spec.probe, self.seed), &mut rates, self.observer)?;
        Ok(params)
    }
}

/// What all heads of a seed read: vectors of studies by one pooling that learned all tasks but the target.
pub struct Pooled {
    /// The network of the pooling.
    pub model: StudyModel,
    /// Its parameters.
    pub params: Params,
    /// Vectors of few labelled studies, with the target.
    pub training: FeatureRows,
    /// The same of the studies to test on.
    pub test: FeatureRows,
}

impl Pooled {
    /// Trains the pooling and applies it. `labels` are those to learn from.
    ///
    /// # Errors
    /// If training fails or is stopped.
    pub fn new(
        probe: Probe,
        (training, labels): (&Set, &Array2<f32>),
        test: &Set,
        tasks: &[Task],
        target: usize,
    ) -> Result<Self, StudyError> {
        let mut labels = labels.clone();
        labels.column_mut(target).fill(f32::NAN);
        let model = probe.on_vectors(Pooling::Hybrid, tasks);
        let mut params = probe.trained(&model, &probe.rows(training, &labels), tasks)?;
        let mut split = |set: &Set, most: usize| -> Result<FeatureRows, StudyError> {
            let truth = set.studies.labels();
            let vectors = answers(&model, &mut params, &probe.rows(set, &truth), probe.observer)?.vectors;
            let known: Vec<usize> =
                (0..truth.nrows()).filter(|row| truth[[*row, target]].is_finite()).take(most).collect();
            let name = &tasks[target].name;
            Ok(FeatureRows {
                values: vectors.select(Axis(0), &known),
                labels: known.iter().map(|row| usize::from(truth[[*row, target]] > 0.5)).collect(),
                classes: vec![format!("no {name}"), name.clone()],
                ids: known.iter().map(|row| set.studies.studies[*row].id.clone()).collect(),
            })
        };
        let (training, test) = (split(training, probe.spec.few)?, split(test, usize::MAX)?);
        Ok(Self { model, params, training, test })
    }
}
