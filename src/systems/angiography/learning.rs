//! What networks learn from, and training them.

use candle_core::{Device, Tensor};
use ndarray::{Array2, ArrayView2, Axis};

use crate::math::Stream;
use crate::nn::loss::{Contrastive, Task, TaskLosses};
use crate::nn::{Dataset, Examples, LayerGroups, LearningRates, Mode, Model, NnError, Params};
use crate::study::retrieval::Ranks;
use crate::study::train::{TrainConfig, TrainingLoop};
use crate::study::{Observer, StudyError};
use crate::systems::angiography::encoder::numbers;
use crate::systems::angiography::network::{PairModel, StudyModel};
use crate::systems::angiography::studies::{FilmShape, Studies, Study, VIEWS, films};
use crate::systems::angiography::texts::Texts;
use crate::transfer::Transfer;

/// Films that an encoder gets at once when nothing is learned.
const AT_ONCE: usize = 64;

/// Pairs of a film and the report of its study. While learning, a film of each study is drawn anew in each step.
pub struct Pairs<'a> {
    /// The studies.
    pub studies: &'a [Study],
    /// What is read of reports.
    pub texts: &'a Texts,
    /// Shape of films.
    pub shape: FilmShape,
    /// The study whose report each study gets; its own unless pairs are shuffled.
    pub report_of: Vec<usize>,
}

impl Dataset for Pairs<'_> {
    fn len(&self) -> usize {
        self.studies.len()
    }

    fn rows(&self, rows: &[u32], mode: Mode) -> Result<Examples, NnError> {
        let mut stream = match mode {
            Mode::Train { seed } => Some(Stream::named(seed, "films")),
            Mode::Eval => None,
        };
        let (mut videos, mut reports, mut said) = (Vec::new(), Vec::new(), Vec::new());
        for row in rows {
            let study = &self.studies[*row as usize];
            let film = stream.as_mut().map_or(0, |stream| stream.below(study.videos.len()));
            videos.push(&study.videos[film]);
            let report = &self.studies[self.report_of[*row as usize]];
            reports.push(report.report.as_str());
            said.push(report.finding);
        }
        let texts = self.texts.encoded(reports)?;
        let targets = Tensor::new(said, &Device::Cpu)?;
        Ok(Examples { inputs: vec![films(videos, self.shape)?, texts], ..Examples::new(targets.clone(), targets) })
    }
}

/// Learns from pairs.
///
/// # Errors
/// If training fails or is stopped.
pub fn pretrain(
    model: &PairModel,
    pairs: &Pairs,
    config: &TrainConfig,
    seed: u64,
    observer: &dyn Observer,
) -> Result<Params, StudyError> {
    let mut params = Params::new(seed, candle_core::DType::F32);
    let training = TrainingLoop { observer, ..TrainingLoop::new(model, pairs, &model.loss, config, seed) };
    training.run(&mut params, &mut LearningRates::default())?;
    Ok(params)
}

/// The vectors of all films of studies.
pub struct Encoded {
    /// (studies, films, width).
    pub vectors: Tensor,
    /// The same in the space that films share with reports, of unit length and averaged over the films: (studies, common).
    pub common: Array2<f64>,
    /// (studies, films): 1 for a film, 0 for padding.
    pub mask: Tensor,
}

/// (studies, films): 1 where a study has a film.
///
/// # Errors
/// If the tensor library fails.
pub fn mask(studies: &Studies) -> Result<Tensor, NnError> {
    let one = |study: &Study| (0..VIEWS).map(|k| f32::from(u8::from(k < study.videos.len()))).collect::<Vec<f32>>();
    let values: Vec<f32> = studies.studies.iter().flat_map(one).collect();
    Ok(Tensor::from_vec(values, (studies.len(), VIEWS), &Device::Cpu)?)
}

/// Encodes every film of every study.
///
/// # Errors
/// If the network fails or the run is stopped.
pub fn encode(
    model: &PairModel,
    params: &mut Params,
    studies: &Studies,
    observer: &dyn Observer,
) -> Result<Encoded, StudyError> {
    let network = model.network(params)?;
    let (width, common) = (model.video.width, model.common);
    let mut vectors = vec![0f32; studies.len() * VIEWS * width];
    let mut joined = Array2::<f64>::zeros((studies.len(), common));
    let all: Vec<(usize, usize)> = studies
        .studies
        .iter()
        .enumerate()
        .flat_map(|(k, study)| (0..study.videos.len()).map(move |film| (k, film)))
        .collect();
    for part in all.chunks(AT_ONCE) {
        if observer.stopped() {
            return Err(StudyError::Interrupted);
        }
        let own = part.iter().map(|(k, film)| &studies.studies[*k].videos[*film]);
        let (encoded, in_common) = network.films(&films(own, model.shape)?)?;
        let (encoded, in_common): (Vec<Vec<f32>>, Vec<Vec<f32>>) = (encoded.to_vec2()?, in_common.to_vec2()?);
        for (((k, film), own), shared) in part.iter().zip(encoded).zip(in_common) {
            let start = (k * VIEWS + film) * width;
            vectors[start..start + width].copy_from_slice(&own);
            let length = shared.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt().max(1e-12);
            let share = 1.0 / (length * studies.studies[*k].videos.len() as f64);
            joined.row_mut(*k).iter_mut().zip(shared).for_each(|(sum, v)| *sum += share * f64::from(v));
        }
    }
    let vectors = Tensor::from_vec(vectors, (studies.len(), VIEWS, width), &Device::Cpu)?;
    Ok(Encoded { vectors, common: joined, mask: mask(studies)? })
}

/// Vectors of reports in the common space (studies, common), of unit length.
///
/// # Errors
/// If the network fails.
pub fn encode_reports(
    model: &PairModel,
    params: &mut Params,
    studies: &Studies,
    texts: &Texts,
) -> Result<Array2<f64>, StudyError> {
    let network = model.network(params)?;
    let mut found = Array2::<f64>::zeros((studies.len(), model.common));
    for (start, part) in studies.studies.chunks(AT_ONCE).enumerate() {
        let texts = texts.encoded(part.iter().map(|study| study.report.as_str()))?;
        let vectors: Vec<Vec<f32>> = network.reports(&texts)?.to_vec2()?;
        for (k, vector) in vectors.into_iter().enumerate() {
            let length = vector.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt().max(1e-12);
            let mut row = found.row_mut(start * AT_ONCE + k);
            row.iter_mut().zip(vector).for_each(|(to, v)| *to = f64::from(v) / length);
        }
    }
    Ok(found)
}

/// How well studies find their reports: rows and columns of the scores are studies and reports.
///
/// # Errors
/// If the network fails.
pub fn retrieval(
    model: &PairModel,
    params: &mut Params,
    studies: &Studies,
    texts: &Texts,
    observer: &dyn Observer,
) -> Result<Option<(Ranks, Ranks)>, StudyError> {
    let films = encode(model, params, studies, observer)?.common;
    let reports = encode_reports(model, params, studies, texts)?;
    let scores = films.dot(&reports.t());
    let own: Vec<usize> = (0..studies.len()).collect();
    let ranks = |scores: ArrayView2<'_, f64>| Ranks::new(scores, &own);
    Ok(ranks(scores.view()).zip(ranks(scores.t())))
}

/// Studies with labels: vectors of their films, or films.
pub struct Labelled<'a> {
    /// What the network reads in place of films.
    pub vectors: Option<&'a Tensor>,
    /// The studies, whose films are read where there are no vectors.
    pub studies: &'a Studies,
    /// Shape of films.
    pub shape: FilmShape,
    /// (studies, films).
    pub mask: &'a Tensor,
    /// (studies, tasks), not a number where missing.
    pub labels: &'a Array2<f32>,
    /// Films of a study that a step reads, at most, drawn anew each time; all where there are vectors.
    pub most: usize,
}

impl Dataset for Labelled<'_> {
    fn len(&self) -> usize {
        self.labels.nrows()
    }

    fn rows(&self, rows: &[u32], mode: Mode) -> Result<Examples, NnError> {
        let picked = Tensor::new(rows, &Device::Cpu)?;
        let chosen: Vec<usize> = rows.iter().map(|row| *row as usize).collect();
        let labels = self.labels.select(Axis(0), &chosen);
        let (films, mask) = match self.vectors {
            Some(vectors) => (vectors.index_select(&picked, 0)?, self.mask.index_select(&picked, 0)?),
            None => {
                let mut stream = match mode {
                    Mode::Train { seed } => Some(Stream::named(seed, "films")),
                    Mode::Eval => None,
                };
                let most = if stream.is_some() { self.most.min(VIEWS) } else { VIEWS };
                let (mut values, mut mask) = (Vec::new(), Vec::new());
                for row in &chosen {
                    let study = &self.studies.studies[*row];
                    let order = match &mut stream {
                        Some(stream) => stream.permutation(study.videos.len()),
                        None => (0..study.videos.len()).collect(),
                    };
                    for k in 0..most {
                        values.push(order.get(k).map_or(&study.videos[0], |film| &study.videos[*film]));
                        mask.push(f32::from(u8::from(k < order.len())));
                    }
                }
                let FilmShape { frames, edge } = self.shape;
                let films = films(values, self.shape)?.reshape((rows.len(), most, frames, edge, edge))?;
                (films, Tensor::from_vec(mask, (rows.len(), most), &Device::Cpu)?)
            }
        };
        let mut targets = TaskLosses::targets(labels.view())?;
        let known = targets.pop();
        let mut examples = Examples::new(films, targets.remove(0));
        examples.inputs.push(mask);
        examples.targets.extend(known);
        Ok(examples)
    }
}

/// Factors on the rate of the head for encoder and pooling.
#[derive(Clone, Copy, Debug)]
pub struct Rates {
    /// Of the encoder.
    pub encoder: f64,
    /// Of the pooling.
    pub pool: f64,
}

impl Rates {
    /// By the names of parameters.
    pub fn of(self, params: &Params) -> LearningRates {
        let groups = LayerGroups::by_prefix(params, &["video", "pool", "head"]);
        LearningRates::of_groups(&groups, [self.encoder, self.pool, 1.0])
    }
}

/// Trains a network of studies from where its parameters are.
///
/// # Errors
/// If training fails or is stopped.
pub fn fit(
    model: &StudyModel,
    params: &mut Params,
    rows: &Labelled,
    tasks: &[Task],
    (config, seed): (&TrainConfig, u64),
    transfer: &mut dyn Transfer,
    observer: &dyn Observer,
) -> Result<(), StudyError> {
    let objective = TaskLosses(tasks.to_vec());
    let training = TrainingLoop { observer, ..TrainingLoop::new(model, rows, &objective, config, seed) };
    training.run(params, transfer)?;
    Ok(())
}

/// What a network makes of studies: outputs (studies, tasks), vectors (studies, pooled) and, where it has them, weights of films.
pub struct Answers {
    /// (studies, tasks).
    pub outputs: Array2<f64>,
    /// (studies, pooled).
    pub vectors: Array2<f32>,
    /// (studies, films).
    pub weights: Option<Array2<f64>>,
}

/// Applies a network to studies.
///
/// # Errors
/// If the network fails or the run is stopped.
pub fn answers(
    model: &StudyModel,
    params: &mut Params,
    rows: &Labelled,
    observer: &dyn Observer,
) -> Result<Answers, StudyError> {
    let network = model.build(params)?;
    let all: Vec<u32> = (0..rows.len() as u32).collect();
    let at_once = if rows.vectors.is_some() { 512 } else { 8 };
    let (mut outputs, mut vectors, mut weights) = (Vec::new(), Vec::new(), Vec::new());
    for part in all.chunks(at_once) {
        if observer.stopped() {
            return Err(StudyError::Interrupted);
        }
        let output = network.forward(&rows.rows(part, Mode::Eval)?.inputs, Mode::Eval)?;
        outputs.extend(numbers(&output.logits)?);
        vectors.extend(numbers(&output.features)?.into_iter().map(|v| v as f32));
        if let Some(own) = output.more.first() {
            weights.extend(numbers(own)?);
        }
    }
    let rows = all.len();
    let wrong = |_| StudyError::NotFinite { what: "outputs of a network of studies".into() };
    let shaped = |values: Vec<f64>| {
        let width = values.len() / rows.max(1);
        Array2::from_shape_vec((rows, width), values).map_err(wrong)
    };
    let width = vectors.len() / rows.max(1);
    Ok(Answers {
        outputs: shaped(outputs)?,
        vectors: Array2::from_shape_vec((rows, width), vectors).map_err(wrong)?,
        weights: if weights.is_empty() { None } else { Some(shaped(weights)?) },
    })
}

/// Keeps `count` films of each study, drawn under a seed.
///
/// # Errors
/// If the tensor library fails.
pub fn fewer(mask: &Tensor, count: usize, seed: u64) -> Result<Tensor, NnError> {
    let mut stream = Stream::named(seed, &format!("{count} films"));
    let mut rows: Vec<Vec<f32>> = mask.to_vec2()?;
    for row in &mut rows {
        let there: Vec<usize> = (0..row.len()).filter(|k| row[*k] > 0.0).collect();
        for k in stream.permutation(there.len()).into_iter().skip(count) {
            row[there[k]] = 0.0;
        }
    }
    Ok(Tensor::new(rows, mask.device())?)
}

/// The temperature and the offset that a training found.
pub fn temperature(params: &Params) -> Option<f64> {
    let own = params.find("scale.log_temperature")?.as_detached_tensor();
    numbers(&own).ok()?.first().map(|log| log.exp())
}

/// The loss by its name in the table of arms.
pub fn loss_named(name: &str) -> Contrastive {
    match name {
        "siglip" => Contrastive::Siglip,
        "multi_positive" => Contrastive::MultiPositive,
        _ => Contrastive::Clip,
    }
}
