//! One arm, one head or one probe on one source under one seed.

use std::path::Path;

use candle_core::{DType, Device, Tensor};
use ndarray::Array2;

use crate::lab::{Context, Measurement, Point};
use crate::math::Stream;
use crate::nn::byte_net::{ByteNet, padded};
use crate::nn::head::HeadConfig;
use crate::nn::layer::Linear;
use crate::nn::loss::Loss;
use crate::nn::model::first;
use crate::nn::{Examples, Mode, Model, Network, NnError, Output, Params, Weights};
use crate::study::StudyError;
use crate::study::metric::Predictions;
use crate::study::metric::ranking::auc;
use crate::study::train::{HeldOutEvaluator, TrainConfig, TrainingLoop};
use crate::systems::genome::arms::{ArmRow, Target};
use crate::systems::genome::base_heads::BaseHead;
use crate::systems::genome::evaluate::{
    Predicted, fitted_rate, log_likelihood, measure, predict, site_of, strand_error,
};
use crate::systems::genome::material::{Kind, Material, Segment};
use crate::systems::genome::pooling::{POOLED, pooled};
use crate::systems::genome::spec::Spec;
use crate::systems::genome::training::{Composition, LOG_THIRD, SiteObjective, Windows};
use crate::transfer::schedule::Full;

/// The file of a trained network.
pub const MODEL: &str = "model.safetensors";
/// The file that says that a trial used published weights, whose path and hash its settings hold.
pub const PUBLISHED_FILE: &str = "published.txt";
/// Learning rate of the arm without a network: four numbers are not found at the rate of one.
const COMPOSITION_RATE: f64 = 0.05;
/// Training sites of heads on embeddings, at most.
const EMBEDDED: usize = 10_000;

fn windows<'a>(
    spec: &Spec,
    material: &Material,
    segments: &'a [Segment],
    field: usize,
    target: Target,
    seed: u64,
) -> Windows<'a> {
    let leaves = (material.f81.leaves(), material.reference);
    Windows::new(segments, (spec.window, field - 1), leaves, target, seed)
}

/// Trains an arm and measures it on the test sites.
///
/// # Errors
/// If the training fails.
pub fn arm(
    spec: &Spec,
    material: &Material,
    arm: &ArmRow,
    seed: u64,
    context: &Context,
) -> Result<Measurement, StudyError> {
    let net = spec.net();
    let composition = Composition { context: net.field() - 1 };
    let model: &dyn Model = if arm.reads { &net } else { &composition };
    let mut params = Params::new(seed, DType::F32);
    model.build(&mut params)?;
    if let Some(bias) = params.find("output_layers.2.parametrizations.bias.original") {
        bias.set(&Tensor::new(&[LOG_THIRD as f32; 4], &Device::Cpu)?)?;
    }
    let part = |segments| windows(spec, material, segments, net.field(), arm.target, seed);
    let (training, validation) = (part(&material.training), part(&material.validation));
    let objective = SiteObjective { f81: material.f81.clone(), reference: material.reference, target: arm.target };
    let config = match arm.reads {
        true => spec.train,
        false => TrainConfig { rate: COMPOSITION_RATE, ..spec.train },
    };
    let evaluator = HeldOutEvaluator { source: &validation, objective: &objective, batch: 16 };
    let training_loop = TrainingLoop {
        evaluator: &evaluator,
        observer: context.observer,
        ..TrainingLoop::new(model, &training, &objective, &config, seed)
    };
    let history = training_loop.run(&mut params, &mut Full)?;
    let network = model.build(&mut params)?;
    let test = windows(spec, material, &material.test, net.field(), arm.target, seed);
    let mut found = evaluated(material, &*network, (&training, &validation, &test), arm.has_rate(), seed)?;
    if arm.reads {
        found = found.value("strand_error", strand_error(&*network, &test.letters(0))?);
    }
    let curve = history.iter().map(|record| record.evaluation.loss).collect();
    Ok(found.curve("validation_loss", curve).file(MODEL, params.to_bytes()?))
}

/// Predicts and measures, with a rate for all sites where the network states none.
fn evaluated(
    material: &Material,
    network: &dyn Network,
    (training, validation, test): (&Windows, &Windows, &Windows),
    has_rate: bool,
    seed: u64,
) -> Result<Measurement, StudyError> {
    let is_masked = test.target == Target::Base;
    let mut predicted = predict(network, test, is_masked)?;
    let mut chosen = predict(network, validation, is_masked)?;
    if !has_rate {
        let few = Windows { rows: training.rows.iter().copied().take(20).collect(), ..*training };
        let log_rate = fitted_rate(material, &predict(network, &few, is_masked)?);
        predicted.iter_mut().chain(&mut chosen).for_each(|p| p.site.log_rate = log_rate);
    }
    let found = measure(material, &predicted, has_rate, seed);
    Ok(found.value_if("validation_log_likelihood", log_likelihood(material, &chosen)))
}

/// θ_A that the published notebook prints for TATAAA between 240 letters of padding on each side.
const GOLDEN: [f64; 6] = [0.3503, 0.1109, 0.5503, -0.1649, 0.6182, 0.1694];

/// Measures published weights on the test sites, and how far they are from what their notebook prints.
///
/// # Errors
/// If the file is not that of the published network.
pub fn published(spec: &Spec, material: &Material, weights: &Path, seed: u64) -> Result<Measurement, StudyError> {
    let net = ByteNet::published();
    let mut params = Params::new(0, DType::F32);
    net.load(&mut params, &Weights::read(weights)?)?;
    let network = net.build(&mut params)?;
    let output = network.forward(&[padded(&[3, 0, 3, 0, 0, 0], net.field() / 2)?], Mode::Eval)?.logits;
    let theta = output.squeeze(0)?.to_dtype(DType::F64)?.to_vec2::<f64>()?;
    let golden = theta.iter().zip(GOLDEN).map(|(row, golden)| (row[0] - golden).abs()).fold(0.0, f64::max);
    let target = Target::Column { is_conditioned: true };
    let part = |segments| windows(spec, material, segments, net.field(), target, seed);
    let parts = (&part(&material.training), &part(&material.validation), &part(&material.test));
    let found = evaluated(material, &*network, parts, true, seed)?.value("golden_error", golden);
    Ok(found.file(PUBLISHED_FILE, b"the settings name the weights\n".to_vec()))
}

/// The network of the arm phylogenetic of the same source and seed.
fn trunk(spec: &Spec, at: &Point, context: &Context) -> Result<(ByteNet, Params), StudyError> {
    let finished = context.finished(at)?;
    let net = spec.net();
    let mut params = Params::new(0, DType::F32);
    net.build(&mut params)?;
    let empty = Vec::new();
    params.load_bytes(finished.files.get(MODEL).unwrap_or(&empty), Path::new(MODEL))?;
    Ok((net, params))
}

/// Letters around a site, padding beyond the segment.
fn around(bases: &[u8], site: usize, context: usize) -> Vec<u32> {
    let letter =
        |k: usize| (site + k).checked_sub(context / 2).and_then(|at| bases.get(at)).map_or(5, |base| u32::from(*base));
    (0..=context).map(letter).collect()
}

/// Embeddings (sites, width) of sites, each from its receptive field.
fn embeddings(net: &ByteNet, params: &mut Params, fields: &[Vec<u32>]) -> Result<Tensor, StudyError> {
    let network = net.build(params)?;
    let mut parts = Vec::new();
    for fields in fields.chunks(256) {
        let letters = Tensor::from_vec(fields.concat(), (fields.len(), net.field()), &Device::Cpu)?;
        parts.push(network.forward(&[letters], Mode::Eval)?.features.detach().squeeze(1)?);
    }
    Ok(Tensor::cat(&parts, 0)?)
}

/// Sites of segments, spread evenly, at most so many: segment and index.
fn spread(material: &Material, segments: &[Segment], most: usize) -> Vec<(usize, usize)> {
    let leaves = material.f81.leaves();
    let all = segments.iter().enumerate().flat_map(|(k, segment)| (0..segment.bases.len()).map(move |site| (k, site)));
    let told: Vec<(usize, usize)> = all
        .filter(|&(k, site)| {
            let column = &segments[k].columns[site * leaves..][..leaves];
            let others = column.iter().enumerate().any(|(leaf, base)| leaf != material.reference && *base < 4);
            column[material.reference] < 4 && others
        })
        .collect();
    let step = told.len().div_ceil(most).max(1);
    told.into_iter().step_by(step).collect()
}

/// Trains a head on frozen embeddings by the likelihood of columns.
///
/// # Errors
/// If the trunk cannot be read, or the training fails.
pub fn base_head(
    spec: &Spec,
    material: &Material,
    (name, trained): (&str, &Point),
    seed: u64,
    context: &Context,
) -> Result<Measurement, StudyError> {
    let (net, mut trunk) = trunk(spec, trained, context)?;
    let leaves = material.f81.leaves();
    let mut rows = |segments: &[Segment], most: usize| -> Result<(Examples, Vec<(usize, usize)>), StudyError> {
        let sites = spread(material, segments, most);
        let fields: Vec<Vec<u32>> =
            sites.iter().map(|&(k, site)| around(&segments[k].bases, site, net.field() - 1)).collect();
        let columns: Vec<u8> =
            sites.iter().flat_map(|&(k, site)| segments[k].columns[site * leaves..][..leaves].to_vec()).collect();
        let columns = Tensor::from_vec(columns, (sites.len(), 1, leaves), &Device::Cpu)?;
        let weights = Tensor::ones((sites.len(), 1), DType::F32, &Device::Cpu)?;
        let examples = Examples::new(embeddings(&net, &mut trunk, &fields)?, columns.clone());
        Ok((Examples { targets: vec![columns, weights], ..examples }, sites))
    };
    let (training, _) = rows(&material.training, EMBEDDED)?;
    let (test, sites) = rows(&material.test, EMBEDDED)?;
    let model = BaseHead::named(name, net.width)?;
    let target = Target::Column { is_conditioned: true };
    let objective = SiteObjective { f81: material.f81.clone(), reference: material.reference, target };
    let mut params = Params::new(seed, DType::F32);
    let training_loop = TrainingLoop {
        observer: context.observer,
        ..TrainingLoop::new(&model, &training, &objective, &spec.head_train, seed)
    };
    training_loop.run(&mut params, &mut Full)?;
    let output = model.build(&mut params)?.forward(&test.inputs, Mode::Eval)?;
    let output = output.logits.detach().squeeze(1)?.to_dtype(DType::F64)?.to_vec2::<f64>()?;
    let predicted: Vec<Predicted> = output
        .iter()
        .zip(sites)
        .map(|(row, (k, site))| {
            let segment = &material.test[k];
            let column = &segment.columns[site * leaves..][..leaves];
            Predicted { site: site_of(row), column, truth: segment.truth.get(site) }
        })
        .collect();
    Ok(measure(material, &predicted, true, seed).value("parameters", params.count(|_| true) as f64))
}

/// Labelled sites of a segment, and whether each lies in a motif; half of each.
fn labelled(segment: &Segment, count: usize, stream: &mut Stream) -> (Vec<usize>, Vec<u32>) {
    let order = stream.permutation(segment.truth.len());
    let of = |is_motif: bool| {
        let sites = order.iter().copied().filter(move |&k| (segment.truth[k].kind != Kind::Background) == is_motif);
        sites.take(count / 2)
    };
    of(true).map(|site| (site, 1)).chain(of(false).map(|site| (site, 0))).unzip()
}

/// A linear layer on the embedding of the site in the middle.
struct SiteClassifier<'a>(&'a ByteNet);

struct BuiltClassifier<'a>(Box<dyn Network + 'a>, Linear);

impl Model for SiteClassifier<'_> {
    fn build<'a>(&'a self, params: &mut Params) -> Result<Box<dyn Network + 'a>, NnError> {
        let trunk = self.0.build(params)?;
        Ok(Box::new(BuiltClassifier(trunk, Linear::new(params, "classify", (self.0.width, 2), true)?)))
    }
}

impl Network for BuiltClassifier<'_> {
    fn forward(&self, inputs: &[Tensor], mode: Mode) -> Result<Output, NnError> {
        let features = self.0.forward(&[first(inputs)?.clone()], mode)?.features.squeeze(1)?;
        let logits = self.1.forward(&features)?;
        Ok(Output::new(features, logits))
    }
}

/// The level of the factor probe that trains the whole network.
pub const SCRATCH: &str = "scratch";

/// Learns from a few labels whether a site lies in a motif: a head on the frozen embedding, a linear head on the pooled one, or
/// the network from the start.
///
/// # Errors
/// If the trunk cannot be read, or the training fails.
pub fn probe(
    spec: &Spec,
    material: &Material,
    (name, trained): (&str, &Point),
    seed: u64,
    context: &Context,
) -> Result<Measurement, StudyError> {
    let reach = spec.net().field() - 1;
    let mut stream = Stream::named(seed, "labels");
    let (sites, labels) = labelled(&material.training[0], spec.labels, &mut stream);
    let (test_sites, test_labels) = labelled(&material.test[0], 2_000, &mut stream);
    let of_sites = |segment: &Segment, sites: &[usize]| -> Vec<Vec<u32>> {
        sites.iter().map(|&site| around(&segment.bases, site, reach)).collect()
    };
    let (fields, test_fields) = (of_sites(&material.training[0], &sites), of_sites(&material.test[0], &test_sites));
    let labels = Tensor::new(labels, &Device::Cpu)?;
    let mut params = Params::new(seed, DType::F32);
    let logits = if name == SCRATCH {
        let net = spec.net();
        let model = SiteClassifier(&net);
        let letters = |fields: &[Vec<u32>]| Tensor::from_vec(fields.concat(), (fields.len(), reach + 1), &Device::Cpu);
        let training = Examples::new(letters(&fields)?, labels);
        let config = TrainConfig { epochs: spec.head_train.epochs, batch: 32, ..spec.train };
        let training_loop = TrainingLoop {
            observer: context.observer,
            ..TrainingLoop::new(&model, &training, &Loss::CrossEntropy, &config, seed)
        };
        training_loop.run(&mut params, &mut Full)?;
        model.build(&mut params)?.forward(&[letters(&test_fields)?], Mode::Eval)?.logits
    } else {
        let (net, mut trunk) = trunk(spec, trained, context)?;
        let mut read = |segments: &[Segment], sites: &[usize], fields: &[Vec<u32>]| match name {
            POOLED => pooled(&net, &mut trunk, &segments[0].bases, sites, spec.pool),
            _ => embeddings(&net, &mut trunk, fields),
        };
        let training = Examples::new(read(&material.training, &sites, &fields)?, labels);
        let head = if name == POOLED { "linear" } else { name };
        let head = HeadConfig::named(head)?.model(net.width, 2)?;
        let training_loop = TrainingLoop {
            observer: context.observer,
            ..TrainingLoop::new(&head, &training, &Loss::CrossEntropy, &spec.head_train, seed)
        };
        training_loop.run(&mut params, &mut head.learning_rates())?;
        let test = read(&material.test, &test_sites, &test_fields)?;
        Model::build(&head, &mut params)?.forward(&[test], Mode::Eval)?.logits
    };
    let chances = candle_nn::ops::softmax(&logits.detach().to_dtype(DType::F64)?, 1)?.to_vec2::<f64>()?;
    let labels: Vec<usize> = test_labels.iter().map(|label| *label as usize).collect();
    let chances = Array2::from_shape_fn((labels.len(), 2), |(row, class)| chances[row][class]);
    let found = auc(&Predictions::new(chances, labels)?).ok();
    Ok(Measurement::default().value_if("motif_auroc", found))
}
