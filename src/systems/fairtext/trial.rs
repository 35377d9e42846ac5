//! One arm under one seed: trained and tested fold by fold, no district on both sides.

use candle_core::{D, DType, Device, Tensor};
use ndarray::{Array2, Axis};

use crate::classic::fairness::{Reduction, group_offsets, offset_decisions};
use crate::classic::{Logistic, SupportVectors, TermWeights};
use crate::data::{Encoder, Sampler, class_weights, effective_number_weights};
use crate::lab::{Context, Measurement};
use crate::math::Stream;
use crate::math::order::argmax;
use crate::nn::loss::Loss;
use crate::nn::text::{TextConfig, padded};
use crate::nn::{Dataset, Examples, LayerGroups, Mode, Model, Network, Params};
use crate::study::StudyError;
use crate::study::metric::{Predictions, probability, ranking};
use crate::study::train::{Evaluation, Evaluator, TrainConfig, TrainingLoop};
use crate::systems::fairtext::arms::{ArmRow, Balance, Classifier, Fairness, Text};
use crate::systems::fairtext::encoder::{Encoders, Start};
use crate::systems::fairtext::measure::measure;
use crate::systems::fairtext::network::{Fusion, HeadKind, ReportNet, TextInput};
use crate::systems::fairtext::reports::{Reports, Split};
use crate::systems::fairtext::saved::{MODEL_FILE, Saved};
use crate::systems::fairtext::spec::{Part, Spec};
use crate::transfer::penalty::Parity;
use crate::transfer::schedule::Full;
use crate::transfer::{MethodChoice, Transfer};

/// What trials of one seed share.
pub struct Block {
    /// The reports.
    pub reports: Reports,
    /// The encoder.
    pub encoders: Encoders,
    /// Numbers of the words of each report.
    pub words: Vec<Vec<u32>>,
    /// (reports, width): vectors of the pretrained encoder, and of random weights.
    pub vectors: [Array2<f32>; 2],
}

/// A trial.
pub struct Trial<'a> {
    /// Settings.
    pub spec: &'a Spec,
    /// What trials of the seed share.
    pub block: &'a Block,
    /// The arm.
    pub arm: &'static ArmRow,
    /// Where an encoder that is trained starts.
    pub start: Start,
    /// Rows to learn from, at most.
    pub most: usize,
    /// Of folds, starts and batches.
    pub seed: u64,
}

/// What was said of rows.
pub struct Answers {
    /// The reports.
    pub rows: Vec<usize>,
    /// (rows, classes).
    pub probabilities: Array2<f64>,
    /// The decision of each, which need not be the most probable class.
    pub decisions: Vec<usize>,
}

/// Average precision on held-out rows, the mean over classes; the share of right answers where a class is missing.
struct PrecisionEvaluator<'a> {
    rows: &'a Examples,
    labels: Vec<usize>,
}

/// Share of the loss in what epochs are chosen by: it decides between epochs of equal precision alone.
const LOSS: f64 = 1e-6;

/// Rows that are computed at once without gradients.
const AT_ONCE: usize = 256;

/// Class probabilities (rows, classes) of a network.
pub fn probabilities(network: &dyn Network, rows: &Examples) -> Result<Array2<f64>, StudyError> {
    let all: Vec<u32> = (0..rows.len() as u32).collect();
    let (mut values, mut classes) = (Vec::new(), 0);
    for part in all.chunks(AT_ONCE) {
        let part = rows.rows(part, Mode::Eval)?;
        let logits = network.forward(&part.inputs, Mode::Eval)?.logits.detach().to_dtype(DType::F64)?;
        classes = logits.dim(1)?;
        values.extend(candle_nn::ops::softmax(&logits, D::Minus1)?.flatten_all()?.to_vec1::<f64>()?);
    }
    let misfit = |_| StudyError::Shape { rows: rows.len(), classes, labels: rows.len() };
    Array2::from_shape_vec((rows.len(), classes), values).map_err(misfit)
}

impl Evaluator for PrecisionEvaluator<'_> {
    fn evaluate(&self, network: &dyn Network) -> Result<Evaluation, StudyError> {
        let predictions = Predictions::new(probabilities(network, self.rows)?, self.labels.clone())?;
        let metric = ranking::average_precision(&predictions).unwrap_or_else(|_| predictions.accuracy());
        let loss = probability::log_loss(&predictions).unwrap_or(0.0);
        // Where classes are easy, several epochs rank all rows rightly; of these the one with the least loss decides best.
        Ok(Evaluation { loss, metric: metric - LOSS * loss })
    }
}

impl Trial<'_> {
    fn reports(&self) -> &Reports {
        &self.block.reports
    }

    fn classes(&self) -> usize {
        self.reports().classes().len()
    }

    /// The network of the arm for indicators of this width.
    fn net(&self, indicators: usize) -> ReportNet {
        let config = &self.block.encoders.config;
        let text = match self.arm.text {
            Text::None => None,
            Text::Vectors(_) => Some(TextInput::Vectors { width: config.width }),
            Text::Tuned(_) => Some(TextInput::Words(*config)),
        };
        let circuit = || self.spec.circuit.clone();
        let (fusion, head) = match self.arm.classifier {
            Classifier::Layers(fusion) => (fusion, HeadKind::Layers),
            Classifier::Quantum => (Fusion::Concat, HeadKind::Quantum(circuit())),
            Classifier::Tanh => (Fusion::Concat, HeadKind::Tanh(circuit())),
            Classifier::Logistic | Classifier::SupportVectors => (Fusion::Concat, HeadKind::Layers),
        };
        let of_groups = if self.arm.reads_group { self.reports().group_names.len() } else { 0 };
        let indicators = if self.arm.indicators { indicators + of_groups } else { 0 };
        ReportNet { text, indicators, fusion, head, hidden: self.spec.hidden, classes: self.classes() }
    }

    /// These rows as the network reads them.
    fn examples(&self, rows: &[usize], encoder: &Encoder) -> Result<Examples, StudyError> {
        let reports = self.reports();
        let mut inputs = Vec::new();
        match self.arm.text {
            Text::None => {}
            Text::Vectors(start) => {
                let own = self.block.vectors[usize::from(start == Start::Random)].select(Axis(0), rows);
                inputs.push(Tensor::from_vec(own.iter().copied().collect::<Vec<f32>>(), own.dim(), &Device::Cpu)?);
            }
            Text::Tuned(_) => {
                let own: Vec<&Vec<u32>> = rows.iter().map(|row| &self.block.words[*row]).collect();
                inputs.push(padded(&own, self.block.encoders.config.pad)?);
            }
        }
        if self.arm.indicators {
            let mut own = encoder.encoded(reports.table.values.select(Axis(0), rows).view());
            if self.arm.reads_group {
                let width = own.ncols();
                own = Array2::from_shape_fn((rows.len(), width + reports.group_names.len()), |(row, k)| match k {
                    k if k < width => own[[row, k]],
                    k => f32::from(u8::from(reports.groups[rows[row]] + width == k)),
                });
            }
            inputs.push(Tensor::from_vec(own.iter().copied().collect::<Vec<f32>>(), own.dim(), &Device::Cpu)?);
        }
        let labels: Vec<u32> = rows.iter().map(|row| reports.labels()[*row] as u32).collect();
        let groups: Vec<u32> = rows.iter().map(|row| reports.groups[*row] as u32).collect();
        Ok(Examples {
            inputs,
            targets: vec![Tensor::new(labels, &Device::Cpu)?],
            weights: None,
            domains: Some(Tensor::new(groups, &Device::Cpu)?),
            strata: None,
        })
    }

    fn of(&self, values: &[usize], rows: &[usize]) -> Vec<usize> {
        rows.iter().map(|row| values[*row]).collect()
    }

    fn train_config(&self) -> &TrainConfig {
        match (self.arm.part, self.arm.text) {
            (Part::Fairness, _) => &self.spec.fair,
            (_, Text::Tuned(_)) => &self.spec.tune,
            _ => &self.spec.train,
        }
    }

    /// The method of the arm for a network in these layers.
    fn method(&self, groups: &LayerGroups) -> Result<Box<dyn Transfer>, StudyError> {
        if let Text::Tuned(name) = self.arm.text {
            return Ok(Box::new(MethodChoice::parse(name)?.make(groups)));
        }
        Ok(match self.arm.fairness {
            Fairness::Penalty(weight) if weight > 0.0 => Box::new(Parity { weight, on_features: false }),
            Fairness::FeaturePenalty(weight) => Box::new(Parity { weight, on_features: true }),
            _ => Box::new(Full),
        })
    }

    /// Trains the network on these rows. `relabelled` are classes and weights in place of the rows' own.
    fn train(
        &self,
        net: &ReportNet,
        (learn, validation): (&[usize], &[usize]),
        encoder: &Encoder,
        relabelled: Option<(&[usize], &[f64])>,
        seed: u64,
        context: &Context,
    ) -> Result<Params, StudyError> {
        let mut params = Params::new(seed, DType::F32);
        net.build(&mut params)?;
        let groups = match &net.text {
            Some(TextInput::Words(config)) => {
                self.block.encoders.start(&params, self.start)?;
                TextConfig::groups(config, &params)
            }
            _ => LayerGroups::by_layer(&params),
        };
        let mut rows = self.examples(learn, encoder)?;
        let mut labels = self.of(self.reports().labels(), learn);
        let mut by_row: Option<Vec<f64>> = None;
        if let Some((classes, weights)) = relabelled {
            labels = classes.to_vec();
            rows.targets = vec![Tensor::new(labels.iter().map(|l| *l as u32).collect::<Vec<_>>(), &Device::Cpu)?];
            by_row = Some(weights.to_vec());
        }
        let mut sampler = Sampler::Proportional(rows.domains()?);
        let mut loss = Loss::CrossEntropy;
        let of_classes = |weights: Vec<f64>| labels.iter().map(|label| weights[*label]).collect::<Vec<f64>>();
        match self.arm.balance {
            Balance::Plain => {}
            Balance::Weighted => by_row = Some(of_classes(class_weights(&labels, self.classes(), 1.0))),
            Balance::EffectiveNumber => {
                by_row = Some(of_classes(effective_number_weights(&labels, self.classes(), 0.999)));
            }
            Balance::Focal => loss = Loss::Focal { gamma: 2.0 },
            Balance::Sampler => {
                sampler = Sampler::Weighted(of_classes(class_weights(&labels, self.classes(), 1.0)));
            }
        }
        rows.weights = by_row.map(|weights| Tensor::new(weights, &Device::Cpu)).transpose()?;
        let held = self.examples(validation, encoder)?;
        let evaluator = PrecisionEvaluator { rows: &held, labels: self.of(self.reports().labels(), validation) };
        let training = TrainingLoop {
            evaluator: &evaluator,
            sampler,
            observer: context.observer,
            ..TrainingLoop::new(net, &rows, &loss, self.train_config(), seed)
        };
        training.run(&mut params, self.method(&groups)?.as_mut())?;
        if params.is_adapted() {
            params.merge_adapters()?;
        }
        Ok(params)
    }

    /// What the arm says of the test rows of a fold.
    fn fold(&self, split: &Split, number: usize, context: &Context) -> Result<Answers, StudyError> {
        let reports = self.reports();
        let learn = self.cut(&split.learn, number);
        let rows = split.test.clone();
        if matches!(self.arm.classifier, Classifier::Logistic | Classifier::SupportVectors) {
            let probabilities = self.of_words(&learn, &rows);
            let decisions = probabilities.rows().into_iter().map(argmax).collect();
            return Ok(Answers { rows, probabilities, decisions });
        }
        let encoder = Encoder::fit(&reports.table, &learn);
        let net = self.net(encoder.width());
        let seed = Stream::named(self.seed, &format!("fold {number}")).bits();
        let known = [learn.clone(), split.validation.clone()].concat();
        let groups = |rows: &[usize]| self.of(&reports.groups, rows);
        let parts = (&learn[..], &split.validation[..]);
        if self.arm.fairness == Fairness::Reduction {
            return self.reduced(&net, parts, &rows, &encoder, seed, context);
        }
        let mut params = self.train(&net, parts, &encoder, None, seed, context)?;
        let network = net.build(&mut params)?;
        let say = |rows: &[usize]| probabilities(network.as_ref(), &self.examples(rows, &encoder)?);
        let found = say(&rows)?;
        let decisions = match self.arm.fairness {
            Fairness::Offsets => {
                // Offsets read no classes, so that rows that were learned from tell the shares as well.
                let offsets = group_offsets(say(&known)?.view(), &groups(&known));
                offset_decisions(found.view(), &groups(&rows), &offsets)
            }
            _ => found.rows().into_iter().map(argmax).collect(),
        };
        Ok(Answers { rows, probabilities: found, decisions })
    }

    /// At most so many of these rows as the trial may learn from.
    fn cut(&self, rows: &[usize], number: usize) -> Vec<usize> {
        if rows.len() <= self.most {
            return rows.to_vec();
        }
        let classes = self.classes();
        let order = Stream::named(self.seed, &format!("rows {number}")).permutation(rows.len());
        // The first row of each class, then the others as they come.
        let first = |class: usize| order.iter().position(|k| self.reports().labels()[rows[*k]] == class);
        let mut places: Vec<usize> = (0..classes).filter_map(first).collect();
        places.extend((0..order.len()).filter(|place| !places.contains(place)).take(self.most).collect::<Vec<_>>());
        places.truncate(self.most.max(classes));
        let mut kept: Vec<usize> = places.into_iter().map(|place| rows[order[place]]).collect();
        kept.sort_unstable();
        kept
    }

    /// Several networks, each trained on rows that the multipliers of the constraints relabel and weigh; a random one decides.
    fn reduced(
        &self,
        net: &ReportNet,
        (learn, validation): (&[usize], &[usize]),
        rows: &[usize],
        encoder: &Encoder,
        seed: u64,
        context: &Context,
    ) -> Result<Answers, StudyError> {
        let reports = self.reports();
        let (labels, groups) = (self.of(reports.labels(), learn), self.of(&reports.groups, learn));
        let settings = &self.spec.reduction;
        let mut game = Reduction::new(&labels, &groups, self.classes(), settings.slack, settings.bound, settings.rate);
        let (tested, learned) = (self.examples(rows, encoder)?, self.examples(learn, encoder)?);
        let mut mean = Array2::zeros((rows.len(), self.classes()));
        let mut said: Vec<Vec<usize>> = Vec::new();
        for round in 0..settings.rounds {
            context.proceed()?;
            let (classes, weights) = game.rows();
            let seed = seed.wrapping_add(round as u64);
            let mut params =
                self.train(net, (learn, validation), encoder, Some((&classes, &weights)), seed, context)?;
            let network = net.build(&mut params)?;
            let own = probabilities(network.as_ref(), &tested)?;
            said.push(own.rows().into_iter().map(argmax).collect());
            mean += &(own / settings.rounds as f64);
            let of_learned = probabilities(network.as_ref(), &learned)?;
            game.update(&of_learned.rows().into_iter().map(argmax).collect::<Vec<usize>>());
        }
        let mut stream = Stream::named(seed, "round that decides");
        let decisions = (0..rows.len()).map(|k| said[stream.below(said.len())][k]).collect();
        Ok(Answers { rows: rows.to_vec(), probabilities: mean, decisions })
    }

    /// Probabilities of the baselines on weights of words: of logistic regression each class against the rest, made to sum to 1; of
    /// support vectors the softmax of the decisions, which ranks rows and is no probability.
    fn of_words(&self, learn: &[usize], rows: &[usize]) -> Array2<f64> {
        let reports = self.reports();
        let texts = |rows: &[usize]| rows.iter().map(|row| reports.texts[*row].as_str()).collect::<Vec<&str>>();
        let weights = TermWeights::fit(&texts(learn), self.spec.words);
        let (learned, tested) = (weights.transform(&texts(learn)), weights.transform(&texts(rows)));
        let labels = self.of(reports.labels(), learn);
        let mut found = Array2::zeros((rows.len(), self.classes()));
        if self.arm.classifier == Classifier::SupportVectors {
            let kernel = learned.dot(&learned.t());
            let labels: Vec<u32> = labels.iter().map(|label| *label as u32).collect();
            let fitted = SupportVectors::fit(kernel.view(), &labels, self.classes(), 1.0, 1e-3);
            found = fitted.decide(tested.dot(&learned.t()).view()).mapv(f64::exp);
        } else {
            for class in 0..self.classes() {
                let own: Vec<bool> = labels.iter().map(|label| *label == class).collect();
                if let Some(fitted) = Logistic::fit(learned.view(), &own, 1.0) {
                    let of = tested.rows().into_iter().map(|row| fitted.probability(row));
                    of.enumerate().for_each(|(row, p)| found[[row, class]] = p);
                }
            }
        }
        let sums = found.sum_axis(Axis(1)).insert_axis(Axis(1));
        found / &sums
    }

    /// Trains and tests fold by fold; a kept arm is trained once more on all districts.
    ///
    /// # Errors
    /// If a training fails or is stopped.
    pub fn run(&self, context: &Context) -> Result<Measurement, StudyError> {
        let splits = self.reports().splits(self.spec.folds, self.seed)?;
        let mut all = Vec::new();
        for (number, split) in splits.iter().take(self.spec.tested_folds).enumerate() {
            context.proceed()?;
            all.push(self.fold(split, number, context)?);
        }
        let mut found = measure(self.reports(), &all)?;
        let reports = self.reports();
        let encoder = Encoder::fit(&reports.table, &splits[0].learn);
        if !matches!(self.arm.classifier, Classifier::Logistic | Classifier::SupportVectors) {
            let mut params = Params::new(0, DType::F32);
            self.net(encoder.width()).build(&mut params)?;
            found = found.value("parameters", params.count(|_| true) as f64);
        }
        if self.arm.is_kept && self.arm.part == Part::Arms {
            found = found.file(MODEL_FILE, self.kept(&splits[0], context)?);
        }
        Ok(found)
    }

    /// The model on all districts but those that it is stopped on.
    fn kept(&self, split: &Split, context: &Context) -> Result<Vec<u8>, StudyError> {
        let reports = self.reports();
        let test = split.test.iter().copied().filter(|row| !reports.test_only[*row]);
        let mut learn: Vec<usize> = split.learn.iter().copied().chain(test).collect();
        learn.sort_unstable();
        let encoder = Encoder::fit(&reports.table, &learn);
        let net = self.net(encoder.width());
        let seed = Stream::named(self.seed, "kept").bits();
        let params = self.train(&net, (&learn, &split.validation), &encoder, None, seed, context)?;
        Saved::new(self.spec, self.arm, reports, &self.block.encoders, net, encoder)
            .to_bytes(&params, &self.block.encoders)
    }
}
