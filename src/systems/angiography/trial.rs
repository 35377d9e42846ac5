//! The trials of each grid.

use ndarray::Array2;

use crate::data::FeatureSplit;
use crate::lab::{Context, Measurement, Point};
use crate::nn::head::HeadConfig;
use crate::nn::loss::{Task, TaskKind};
use crate::nn::{LayerGroups, LearningRates, Params};
use crate::study::diagnostic::RocArea;
use crate::study::{StudyError, Trainer, stats};
use crate::systems::angiography::arms::{HeadArm, TransferArm, matched};
use crate::systems::angiography::block::{Block, EVALUATED, LESIONS, Set, learned, pair_model};
use crate::systems::angiography::learning::{
    Answers, Labelled, Rates, answers, encode, fit, loss_named, mask, retrieval, temperature,
};
use crate::systems::angiography::network::{POOLINGS, Pooling, StudyModel};
use crate::systems::angiography::probe::{Pooled, Probe};
use crate::systems::angiography::saved::{MODEL_FILE, Saved};
use crate::systems::angiography::spec::Spec;
use crate::transfer::Compose;
use crate::transfer::schedule::TrainableFraction;

/// A trial of a seed.
pub struct Trial<'a> {
    /// Settings.
    pub spec: &'a Spec,
    /// What the trials of the seed share.
    pub block: &'a Block,
    /// Which trial.
    pub at: &'a Point,
    /// Observer and cache.
    pub context: &'a Context<'a>,
}

/// The pooling of this name.
fn pooling(name: &str) -> Result<Pooling, StudyError> {
    let row = POOLINGS.iter().find(|(own, ..)| *own == name);
    Ok(row.ok_or_else(|| StudyError::unknown("arm", name, POOLINGS.iter().map(|row| row.0)))?.1)
}

/// Area under the ROC curve of a task over the studies whose label is known.
fn area(outputs: &Array2<f64>, labels: &Array2<f32>, task: usize) -> Option<f64> {
    let known = (0..labels.nrows()).filter(|row| labels[[*row, task]].is_finite());
    let (scores, positive): (Vec<f64>, Vec<bool>) =
        known.map(|row| (outputs[[row, task]], labels[[row, task]] > 0.5)).unzip();
    RocArea::new(&scores, &positive).map(|own| own.area)
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    stats::mean(&values.collect::<Vec<f64>>())
}

/// Metrics of outputs: the target's area, the mean area of the other tasks with labels 0 and 1, the mean error of numbers.
fn metrics(tasks: &[Task], target: usize, outputs: &Array2<f64>, labels: &Array2<f32>) -> Vec<(&'static str, f64)> {
    let is_other = |task: &usize| *task != target && tasks[*task].kind == TaskKind::Binary;
    let findings = mean((0..tasks.len()).filter(is_other).filter_map(|task| area(outputs, labels, task)));
    let error = |task: usize| {
        let known = (0..labels.nrows()).filter(|row| labels[[*row, task]].is_finite());
        mean(known.map(|row| (outputs[[row, task]] - f64::from(labels[[row, task]])).abs()))
    };
    let numbers = (0..tasks.len()).filter(|task| tasks[*task].kind != TaskKind::Binary);
    let all = [
        ("outcome_auc", area(outputs, labels, target)),
        ("finding_auc", findings),
        ("number_error", mean(numbers.filter_map(error))),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

impl Trial<'_> {
    fn seed(&self) -> u64 {
        self.at.seed()
    }

    fn probe(&self) -> Probe<'_> {
        Probe { spec: self.spec, seed: self.seed(), observer: self.context.observer }
    }

    /// A pre-training and how well studies find their reports.
    ///
    /// # Errors
    /// If training fails or is stopped.
    pub fn retrieval(&self) -> Result<Measurement, StudyError> {
        let (spec, block) = (self.spec, self.block);
        let arm = self.at.get("arm");
        let model = pair_model(spec, &block.texts, loss_named(arm));
        let mut params = match arm {
            "clip" => {
                let mut own = Params::new(self.seed(), candle_core::DType::F32);
                model.network(&mut own)?;
                own.copy_prefix_from(&block.params, "")?;
                own
            }
            _ => {
                let studies = &block.training.studies;
                learned(spec, &model, studies, &block.texts, arm == "shuffled", self.seed(), self.context)?
            }
        };
        let pairs = block.test.studies.distinct(spec.pairs);
        let mut found = Measurement::default().value_if("temperature", temperature(&params));
        if let Some((of_reports, of_studies)) =
            retrieval(&model, &mut params, &pairs, &block.texts, self.context.observer)?
        {
            let chance = |k: usize| k.min(of_reports.items()) as f64 / of_reports.items() as f64;
            found = found
                .value("recall_1", of_reports.recall(1))
                .value("recall_10", of_reports.recall(10))
                .value("over_chance", of_reports.recall(1) / chance(1))
                .value("over_chance_10", of_reports.recall(10) / chance(10))
                .value("reciprocal_rank", of_reports.reciprocal())
                .value("gain_10", of_reports.gain(10))
                .value("study_recall_10", of_studies.recall(10));
        }
        Ok(found)
    }

    /// A pooling on studies with a single lesion or none.
    ///
    /// # Errors
    /// If training fails or is stopped.
    pub fn single_lesion(&self) -> Result<Measurement, StudyError> {
        let unknown = || StudyError::unknown("lesion", self.at.get("lesion"), LESIONS.iter().map(|row| row.0));
        let kind = LESIONS.iter().position(|(name, ..)| *name == self.at.get("lesion")).ok_or_else(unknown)?;
        let missing = || StudyError::MissingTrial { trial: self.at.to_string() };
        let [training, test] = self.block.single.get(kind).ok_or_else(missing)?;
        let labels = |set: &Set| {
            let has_lesion = |row: usize| f32::from(u8::from(set.studies.studies[row].visible.is_some()));
            Array2::from_shape_fn((set.studies.len(), 1), |(row, _)| has_lesion(row))
        };
        let tasks = [Task { name: "lesion".into(), kind: TaskKind::Binary, weight: 1.0, unit: Task::PLAIN }];
        let probe = self.probe();
        let model = probe.on_vectors(pooling(self.at.get("arm"))?, &tasks);
        let (of_training, of_test) = (labels(training), labels(test));
        let mut params = probe.trained(&model, &probe.rows(training, &of_training), &tasks)?;
        let Answers { outputs, weights, .. } =
            answers(&model, &mut params, &probe.rows(test, &of_test), self.context.observer)?;
        let mut found = Measurement::default().value_if("lesion_auc", area(&outputs, &of_test, 0));
        if let Some(weights) = weights {
            // The share of the weight on films that show the lesion, over their share of the films.
            let of_study = |(row, study): (usize, &crate::systems::angiography::studies::Study)| {
                let visible = study.visible.as_ref()?;
                let there = visible.iter().filter(|own| **own).count() as f64 / visible.len() as f64;
                let mass: f64 =
                    visible.iter().enumerate().filter(|(_, own)| **own).map(|(k, _)| weights[[row, k]]).sum();
                Some(mass / there)
            };
            found = found.value_if("mass", mean(test.studies.studies.iter().enumerate().filter_map(of_study)));
        }
        Ok(found)
    }

    /// A pooling on all tasks, with fewer films and after the shift.
    ///
    /// # Errors
    /// If training fails or is stopped.
    pub fn probe_all(&self) -> Result<Measurement, StudyError> {
        let (block, probe) = (self.block, self.probe());
        let model = probe.on_vectors(pooling(self.at.get("arm"))?, &block.tasks);
        let mut params = probe.trained(&model, &probe.rows(&block.training, &block.labels), &block.tasks)?;
        let mut found = Measurement::default();
        let labels = block.test.studies.labels();
        for (name, mask) in &block.masks {
            let rows = Labelled { mask, ..probe.rows(&block.test, &labels) };
            let outputs = answers(&model, &mut params, &rows, self.context.observer)?.outputs;
            for (metric, value) in metrics(&block.tasks, block.target, &outputs, &labels) {
                found = found.under(&[("films", *name)], metric, value);
            }
        }
        if let Some(shifted) = &block.shifted {
            let labels = shifted.studies.labels();
            let outputs = answers(&model, &mut params, &probe.rows(shifted, &labels), self.context.observer)?.outputs;
            let (name, _) = EVALUATED[EVALUATED.len() - 1];
            for (metric, value) in metrics(&block.tasks, block.target, &outputs, &labels) {
                found = found.under(&[("films", name)], metric, value);
            }
        }
        let risks: Option<Vec<f64>> = block.test.studies.studies.iter().map(|study| study.risk).collect();
        if let Some(risks) = risks {
            let truth: Vec<bool> = labels.column(block.target).iter().map(|label| *label > 0.5).collect();
            found = found.value_if("bayes_auc", RocArea::new(&risks, &truth).map(|own| own.area));
        }
        let saved = self.saved(&model, &params, &block.params, &block.tasks)?;
        Ok(found.value("parameters", params.count(|_| true) as f64).file(MODEL_FILE, saved))
    }

    /// The file of a network on vectors together with its encoder.
    fn saved(
        &self,
        model: &StudyModel,
        params: &Params,
        encoder: &Params,
        tasks: &[Task],
    ) -> Result<Vec<u8>, StudyError> {
        let whole = StudyModel { video: Some((self.spec.video.clone(), self.spec.films)), ..model.clone() };
        let mut all = Params::new(0, candle_core::DType::F32);
        whole.network(&mut all)?;
        all.copy_prefix_from(encoder, "video")?;
        all.copy_prefix_from(params, "pool")?;
        all.copy_prefix_from(params, "head")?;
        let is_drawn = self.spec.data.is_none();
        Saved::new(&whole, self.at.get("arm"), tasks, is_drawn).to_bytes(&all, None)
    }

    /// Few labelled studies.
    ///
    /// # Errors
    /// If training fails or is stopped.
    pub fn transfer(&self) -> Result<Measurement, StudyError> {
        let (spec, block) = (self.spec, self.block);
        let arm = TransferArm::named(self.at.get("arm"))?;
        let few = block.training.studies.first(spec.few);
        let labels = block.labels.slice(ndarray::s![..few.len(), ..]).to_owned();
        let test_labels = block.test.studies.labels();
        let mut params = Params::new(self.seed(), candle_core::DType::F32);
        let values = spec.video.values(spec.films);
        let study = |films: usize, kept: usize| 4.0 * (films * kept) as f64;
        let films = crate::systems::angiography::studies::VIEWS;
        let (outputs, activations, trained);
        match arm {
            TransferArm::Frozen | TransferArm::Random => {
                let model = self.probe().on_vectors(Pooling::Hybrid, &block.tasks);
                let (learned, tested);
                let (own, test) = match arm {
                    TransferArm::Frozen => (&block.training.encoded, &block.test.encoded),
                    _ => {
                        let mut random = Params::new(self.seed(), candle_core::DType::F32);
                        block.model.network(&mut random)?;
                        learned = encode(&block.model, &mut random, &few, self.context.observer)?;
                        tested = encode(&block.model, &mut random, &block.test.studies, self.context.observer)?;
                        (&learned, &tested)
                    }
                };
                let training = Labelled {
                    vectors: Some(&own.vectors),
                    studies: &few,
                    shape: spec.films,
                    mask: &own.mask,
                    labels: &labels,
                    most: spec.tune_films,
                };
                params = self.probe().trained(&model, &training, &block.tasks)?;
                let testing = Labelled {
                    vectors: Some(&test.vectors),
                    studies: &block.test.studies,
                    mask: &test.mask,
                    labels: &test_labels,
                    ..training
                };
                outputs = answers(&model, &mut params, &testing, self.context.observer)?.outputs;
                activations = study(films, spec.video.width);
                trained = params.count(|_| true);
            }
            TransferArm::Unfrozen | TransferArm::Scratch => {
                let model = StudyModel {
                    video: Some((spec.video.clone(), spec.films)),
                    ..self.probe().on_vectors(Pooling::Hybrid, &block.tasks)
                };
                model.network(&mut params)?;
                let is_pretrained = arm == TransferArm::Unfrozen;
                let mut transfer = Compose::default();
                if is_pretrained {
                    params.copy_prefix_from(&block.params, "video")?;
                    let groups = LayerGroups::by_prefix(&params, &["video", "pool"]);
                    let fraction =
                        TrainableFraction { fraction: spec.trainable_fraction, ..TrainableFraction::new(&groups) };
                    transfer.0.push(Box::new(fraction));
                }
                let encoder = if is_pretrained { spec.encoder_rate } else { 1.0 };
                transfer.0.push(Box::new(Rates { encoder, pool: spec.pool_rate }.of(&params)));
                let own_mask = mask(&few)?;
                let training = Labelled {
                    vectors: None,
                    studies: &few,
                    shape: spec.films,
                    mask: &own_mask,
                    labels: &labels,
                    most: spec.tune_films,
                };
                let config = (&spec.tune, self.seed());
                fit(&model, &mut params, &training, &block.tasks, config, &mut transfer, self.context.observer)?;
                let testing = Labelled {
                    studies: &block.test.studies,
                    labels: &test_labels,
                    mask: &block.test.encoded.mask,
                    ..training
                };
                outputs = answers(&model, &mut params, &testing, self.context.observer)?.outputs;
                let rates: LearningRates = crate::transfer::Transfer::learning_rates(&transfer, &params, 0);
                // Nothing is kept below the lowest layer that is trained.
                let is_trained = |prefix: &str| {
                    params.trainable().any(|(name, _)| name.starts_with(prefix) && rates.is_trainable(name))
                };
                let lowest = values.iter().position(|(prefix, _)| is_trained(prefix)).unwrap_or(values.len());
                let kept: usize = values[lowest..].iter().map(|(_, count)| count).sum();
                activations = study(spec.tune_films, kept + spec.video.width);
                trained = params.count(|name| rates.is_trainable(name));
            }
        }
        let mut found = Measurement::default();
        for (metric, value) in metrics(&block.tasks, block.target, &outputs, &test_labels) {
            found = found.value(metric, value);
        }
        // Activations of equally many studies in every arm, and of each trained parameter its gradient and two moments.
        let memory = activations * spec.tune.batch as f64 + 12.0 * trained as f64;
        Ok(found.value("step_memory", memory / 1e6).value("parameters", trained as f64))
    }

    /// A head on the pooled vector of a study. The pooling has learned all tasks but the target.
    ///
    /// # Errors
    /// If training fails or is stopped.
    pub fn head(&self) -> Result<Measurement, StudyError> {
        let (spec, block) = (self.spec, self.block);
        let arm = HeadArm::named(self.at.get("arm"))?;
        let missing = || StudyError::MissingTrial { trial: self.at.to_string() };
        let Pooled { model, params, training, test } = block.pooled.as_ref().ok_or_else(missing)?;
        let config = HeadConfig::named(arm.head)?;
        let config = match arm.is_matched {
            true => config.qubits(matched(&spec.circuit, training.values.ncols())?),
            false => config.circuit(spec.circuit.clone()),
        };
        let head = config.model(training.values.ncols(), 2)?;
        // The loop reports a loss after each epoch. Nothing is chosen by it.
        let data = FeatureSplit { validation: training.select(&[0]), training: training.clone() };
        let trainer = Trainer::new(spec.head_train).seed(self.seed());
        let (trained, _) = trainer.fit_model(&config, head, &data, self.context.observer)?;
        let found = trained.predict(test.values.view())?;
        let positive: Vec<bool> = test.labels.iter().map(|label| *label == 1).collect();
        let area = RocArea::new(&found.column(1).to_vec(), &positive).map(|own| own.area);
        let whole = StudyModel { video: Some((spec.video.clone(), spec.films)), ..model.clone() };
        let mut all = Params::new(0, candle_core::DType::F32);
        whole.network(&mut all)?;
        all.copy_prefix_from(&block.params, "video")?;
        all.copy_prefix_from(params, "pool")?;
        let saved = Saved::new(&whole, arm.name, &block.tasks[block.target..=block.target], spec.data.is_none());
        Ok(Measurement::default()
            .value_if("outcome_auc", area)
            .value("parameters", trained.parameters() as f64)
            .file(MODEL_FILE, saved.to_bytes(&all, Some(&trained))?))
    }
}
