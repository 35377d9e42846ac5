//! The training loop: checkpoints, early stopping, averages, samplers, partial loading, a live backbone.

use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use candle_core::{DType, Device, Tensor};
use qgraft::circuit::ansatz::ANSATZE;
use qgraft::data::{Sampler, class_weights};
use qgraft::math::Stream;
use qgraft::nn::backbone::{BackboneRow, Trunk};
use qgraft::nn::head::{HeadRow, HeadShape};
use qgraft::nn::init::Init;
use qgraft::nn::layer::{BatchNorm, Linear, dropout};
use qgraft::nn::loss::Loss;
use qgraft::nn::model::BackboneWithHead;
use qgraft::nn::optim::{Method, Schedule};
use qgraft::nn::{Dataset, Examples, LayerGroups, Mode, Model, Network, NnError, Output, Params, Weights};
use qgraft::study::train::{
    Checkpoint, EpochRecord, Evaluation, Evaluator, HeldOutEvaluator, TrainConfig, TrainingLoop,
};
use qgraft::study::{Observer, StudyError};
use qgraft::transfer::schedule::Full;
use qgraft::transfer::{After, Compose, Hatl, METHODS, Rule, Transfer};

struct Net {
    layers: [Linear; 3],
    norm: BatchNorm,
}

impl Network for Net {
    fn forward(&self, inputs: &[Tensor], mode: Mode) -> Result<Output, NnError> {
        let x = self.norm.forward(&self.layers[0].forward(&inputs[0])?, mode)?.relu()?;
        let features = self.layers[1].forward(&dropout(&x, 0.2, "second", mode)?)?.tanh()?;
        let logits = self.layers[2].forward(&features)?;
        Ok(Output::new(features, logits))
    }
}

fn net(params: &mut Params) -> Result<Box<dyn Network>, NnError> {
    let layers = [
        Linear::new(params, "first", (4, 8), true)?,
        Linear::new(params, "second", (8, 6), true)?,
        Linear::new(params, "head", (6, 3), true)?,
    ];
    Ok(Box::new(Net { layers, norm: BatchNorm::new(params, "first.norm", 8)? }))
}

const NET: fn(&mut Params) -> Result<Box<dyn Network>, NnError> = net;

fn groups() -> LayerGroups {
    let mut params = Params::new(0, DType::F32);
    net(&mut params).unwrap();
    LayerGroups::by_prefix(&params, &["first", "second", "head"])
}

/// Three classes that a small network can separate, from two domains.
fn examples(count: usize, seed: u64) -> Examples {
    let mut stream = Stream::named(seed, "test");
    let labels: Vec<u32> = (0..count).map(|row| (row % 3) as u32).collect();
    let inputs = labels.iter().flat_map(|label| (0..4).map(move |k| if k == *label { 1.5 } else { 0.0 }));
    let inputs: Vec<f32> = inputs.map(|centre| centre + 0.5 * stream.normal() as f32).collect();
    let domains: Vec<u32> = (0..count).map(|row| (row % 2) as u32).collect();
    Examples {
        domains: Some(Tensor::new(domains, &Device::Cpu).unwrap()),
        strata: None,
        ..Examples::new(
            Tensor::from_vec(inputs, (count, 4), &Device::Cpu).unwrap(),
            Tensor::new(labels, &Device::Cpu).unwrap(),
        )
    }
}

fn bits(params: &Params) -> Vec<Vec<u32>> {
    let numbers = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    params.iter().map(|(_, var)| numbers(var).into_iter().map(f32::to_bits).collect()).collect()
}

/// Stops after so many rows.
struct Patience {
    rows: AtomicUsize,
    most: usize,
}

impl Observer for Patience {
    fn trained_on(&self, rows: usize) {
        self.rows.fetch_add(rows, Ordering::SeqCst);
    }
    fn stopped(&self) -> bool {
        self.rows.load(Ordering::SeqCst) >= self.most
    }
}

#[test]
fn a_checkpoint_resumes_bit_for_bit() {
    let (training, held_out) = (examples(30, 1), examples(15, 2));
    let config = TrainConfig {
        schedule: Schedule::Plateau { factor: 0.5, patience: 0, floor: 0.01 },
        warm_up: 5,
        clip: Some(0.5),
        patience: Some(20),
        keep_best: true,
        average: Some(0.9),
        ..TrainConfig::new(8, 8, 0.01, Method::adamw(0.01))
    };
    let run = |names: &[&str],
               checkpoint: Option<&Path>,
               most: usize|
     -> Result<(Vec<EpochRecord>, Vec<Vec<u32>>), StudyError> {
        let mut params = Params::new(3, DType::F32);
        let rule = Rule { warm_up: 1, patience: 1, cooldown: 1, plateau: 1.0, near_best: 1.0, ..Rule::default() };
        let hatl = Hatl::new(&groups(), rule);
        let mut methods = Compose::named(names, &groups()).unwrap();
        methods.0.push(Box::new(hatl));
        let observer = Patience { rows: AtomicUsize::new(0), most };
        let evaluator = HeldOutEvaluator { source: &held_out, objective: &Loss::CrossEntropy, batch: 4 };
        let trainer = TrainingLoop {
            evaluator: &evaluator,
            observer: &observer,
            checkpoint,
            ..TrainingLoop::new(&NET, &training, &Loss::CrossEntropy, &config, 3)
        };
        let history = trainer.run(&mut params, &mut methods)?;
        Ok((history, bits(&params)))
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("training.safetensors");
    for names in [&["lora"][..], &["distill", "adversarial", "l2_sp"]] {
        let whole = run(names, None, usize::MAX).unwrap();
        let released = whole.0.iter().any(|record| record.moving > whole.0[0].moving);
        assert_eq!(released, names != ["lora"], "layers are released on the way, unless the adapter keeps them");
        // Stopped in the middle of the second, the fourth and the seventh epoch.
        for most in [40, 70, 90] {
            assert!(matches!(run(names, Some(&path), most), Err(StudyError::Interrupted)));
        }
        assert_eq!(run(names, Some(&path), usize::MAX).unwrap(), whole);
        // And once more when there is nothing left to do.
        assert_eq!(run(names, Some(&path), 0).unwrap(), whole);
        std::fs::rename(&path, folder.path().join("last.safetensors")).unwrap();
    }

    let path = folder.path().join("last.safetensors");
    let hotter = TrainConfig { rate: 0.02, ..config };
    let other =
        TrainingLoop { checkpoint: Some(&path), ..TrainingLoop::new(&NET, &training, &Loss::CrossEntropy, &hotter, 3) };
    let error = other.run(&mut Params::new(3, DType::F32), &mut Full).unwrap_err().to_string();
    assert!(error.contains("rate: 0.02"), "{error}");
    let other =
        TrainingLoop { checkpoint: Some(&path), ..TrainingLoop::new(&NET, &training, &Loss::CrossEntropy, &config, 4) };
    let error = other.run(&mut Params::new(4, DType::F32), &mut Full).unwrap_err().to_string();
    assert!(error.contains("seed: 3") && error.contains("last.safetensors"), "{error}");
}

/// Names a file for a training, to be written after every epoch.
struct Keeping<'a>(&'a Path);

impl Observer for Keeping<'_> {
    fn checkpoint(&self) -> Option<Checkpoint> {
        Some(Checkpoint { path: self.0.into(), every: Duration::ZERO })
    }
}

#[test]
fn a_checkpoint_of_an_observer_saves_work_and_decides_nothing() {
    let training = examples(12, 1);
    let config = TrainConfig::new(3, 12, 0.01, Method::ADAM);
    let run = |config: &TrainConfig, observer: &dyn Observer| {
        let mut params = Params::new(3, DType::F32);
        TrainingLoop { observer, ..TrainingLoop::new(&NET, &training, &Loss::CrossEntropy, config, 3) }
            .run(&mut params, &mut Full)
            .unwrap();
        bits(&params)
    };
    let expected = run(&config, &());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trial/0.safetensors");
    assert_eq!(run(&config, &Keeping(&path)), expected);
    assert!(path.exists(), "the folder is made");
    // Of another training, cut off, in a place where nothing can be written: as if it were not there.
    run(&TrainConfig { rate: 0.02, ..config }, &Keeping(&path));
    assert_eq!(run(&config, &Keeping(&path)), expected);
    std::fs::write(&path, b"cut").unwrap();
    assert_eq!(run(&config, &Keeping(&path)), expected);
    std::fs::write(folder.path().join("file"), b"").unwrap();
    assert_eq!(run(&config, &Keeping(&folder.path().join("file/0.safetensors"))), expected);
}

/// Returns given metrics in turn.
struct Scripted<'a> {
    metrics: &'a [f64],
    epoch: Cell<usize>,
}

impl Evaluator for Scripted<'_> {
    fn evaluate(&self, _network: &dyn Network) -> Result<Evaluation, StudyError> {
        let metric = self.metrics[self.epoch.replace(self.epoch.get() + 1)];
        Ok(Evaluation { loss: -metric, metric })
    }
}

/// Records the parameters before each epoch, and once restores the best.
struct Recorder {
    before: Vec<Vec<Vec<u32>>>,
    back_after: usize,
}

impl Transfer for Recorder {
    fn before_epoch(
        &mut self,
        _context: &qgraft::transfer::FitContext,
        params: &mut Params,
        _epoch: usize,
    ) -> Result<(), NnError> {
        self.before.push(bits(params));
        Ok(())
    }

    fn after_epoch(&mut self, epoch: usize, _metric: f64) -> After {
        if epoch == self.back_after { After::RestoreBest } else { After::GoOn }
    }
}

#[test]
fn a_metric_that_is_no_number_survives_a_checkpoint() {
    let training = examples(12, 1);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("training.safetensors");
    let run = |checkpoint: Option<&Path>, most: usize| {
        let observer = Patience { rows: AtomicUsize::new(0), most };
        let evaluator = Scripted { metrics: &[0.1, f64::NAN, f64::NEG_INFINITY, 0.5], epoch: Cell::new(0) };
        // Where it continues, these epochs were evaluated before.
        evaluator.epoch.set(if checkpoint.is_some_and(Path::exists) { 3 } else { 0 });
        let config = TrainConfig { keep_best: true, ..TrainConfig::new(4, 12, 0.01, Method::ADAM) };
        let trainer = TrainingLoop::new(&NET, &training, &Loss::CrossEntropy, &config, 3);
        let mut params = Params::new(3, DType::F32);
        let history = TrainingLoop { evaluator: &evaluator, observer: &observer, checkpoint, ..trainer }
            .run(&mut params, &mut Full)?;
        let metrics: Vec<u64> = history.iter().map(|record| record.evaluation.metric.to_bits()).collect();
        Ok::<_, StudyError>((metrics, bits(&params)))
    };
    let whole = run(None, usize::MAX).unwrap();
    assert!(matches!(run(Some(&path), 36), Err(StudyError::Interrupted)));
    assert_eq!(run(Some(&path), usize::MAX).unwrap(), whole);
}

#[test]
fn an_evaluation_does_not_depend_on_how_rows_are_cut_into_batches() {
    let network = NET.build(&mut Params::new(3, DType::F32)).unwrap();
    let weights: Vec<f32> = (0..30).map(|row| [0.0, 0.5, 3.0][row % 3]).collect();
    let weighted = Examples { weights: Some(Tensor::new(weights, &Device::Cpu).unwrap()), ..examples(30, 1) };
    let evaluated = |batch: usize| {
        HeldOutEvaluator { source: &weighted, objective: &Loss::CrossEntropy, batch }
            .evaluate(network.as_ref())
            .unwrap()
    };
    let whole = evaluated(30);
    for batch in [1, 4, 7] {
        let parts = evaluated(batch);
        // Losses are f32.
        assert!((parts.loss - whole.loss).abs() < 1e-6, "{batch}: {} against {}", parts.loss, whole.loss);
        assert_eq!(parts.metric, whole.metric, "{batch}");
    }
    // Rows without weight have no label: of the others, as if they were not there.
    let labelled: Vec<u32> = (0..30).filter(|row| row % 3 != 0).collect();
    let rest = Examples { weights: None, ..weighted.rows(&labelled, Mode::Eval).unwrap() };
    let alone = HeldOutEvaluator { source: &rest, objective: &Loss::CrossEntropy, batch: 30 }
        .evaluate(network.as_ref())
        .unwrap();
    assert_eq!(whole.metric, alone.metric);
}

#[test]
fn rows_that_cannot_be_drawn_are_refused() {
    let training = examples(12, 1);
    for (sampler, message) in [
        (Sampler::Weighted(vec![1.0; 11]), "11 weights for 12 rows"),
        (Sampler::Weighted(vec![0.0; 12]), "all weights are 0"),
        (Sampler::Weighted(vec![-1.0; 12]), "a weight of -1"),
        (Sampler::Balanced(vec![0; 13]), "13 groups for 12 rows"),
    ] {
        let config = TrainConfig::new(1, 4, 0.01, Method::ADAM);
        let trainer = TrainingLoop { sampler, ..TrainingLoop::new(&NET, &training, &Loss::CrossEntropy, &config, 3) };
        let error = trainer.run(&mut Params::new(3, DType::F32), &mut Full).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn the_best_epoch_is_restored_and_waiting_ends_a_training() {
    let training = examples(12, 1);
    let run = |config: TrainConfig, back_after: usize| {
        let evaluator = Scripted { metrics: &[0.1, 0.6, 0.5, 0.6, f64::NAN, 0.4, 0.3, 0.2], epoch: Cell::new(0) };
        let mut params = Params::new(3, DType::F32);
        let mut recorder = Recorder { before: Vec::new(), back_after };
        let trainer = TrainingLoop {
            evaluator: &evaluator,
            ..TrainingLoop::new(&NET, &training, &Loss::CrossEntropy, &config, 3)
        };
        let history = trainer.run(&mut params, &mut recorder).unwrap();
        (history.len(), recorder.before, bits(&params))
    };
    let plain = TrainConfig::new(8, 12, 0.01, Method::ADAM);
    let (epochs, before, _) = run(plain, usize::MAX);
    assert_eq!(epochs, 8);
    let (epochs, _, left) = run(TrainConfig { patience: Some(3), keep_best: true, ..plain }, usize::MAX);
    assert_eq!(epochs, 5, "the second epoch is the best, and an equal one is no better");
    assert_eq!(left, before[2], "the parameters after the second epoch");
    let (_, returned, _) = run(plain, 3);
    assert_eq!(returned[4], before[2], "back to the parameters after the second epoch");
}

#[test]
fn rows_without_a_label_do_not_count() {
    let data = examples(12, 1);
    let run = |data: &Examples| {
        let mut params = Params::new(3, DType::F32);
        let config = TrainConfig::new(1, 12, 0.01, Method::ADAM);
        TrainingLoop::new(&NET, data, &Loss::CrossEntropy, &config, 3).run(&mut params, &mut Full).unwrap()[0].loss
    };
    let unlabelled = Examples { weights: Some(Tensor::zeros(12, DType::F32, &Device::Cpu).unwrap()), ..data.clone() };
    assert_eq!(run(&unlabelled), 0.0);
    let even = Examples { weights: Some(Tensor::full(0.3f32, 12, &Device::Cpu).unwrap()), ..data.clone() };
    assert!((run(&even) - run(&data)).abs() < 1e-6, "equal weights are no weights");
}

#[test]
fn samplers_draw_what_they_promise() {
    let mut stream = Stream::named(1, "batches");
    let weights = class_weights(&[0, 0, 0, 0, 0, 0, 1, 1, 2], 4, 1.0);
    assert_eq!(weights, [0.375, 1.125, 2.25, 2.25]);
    let rows: Vec<f64> = (0..3000).map(|row| if row % 3 == 0 { 4.0 } else { 1.0 }).collect();
    let drawn = Sampler::Weighted(rows).epoch(3000, 64, &mut stream).concat();
    let heavy = drawn.iter().filter(|row| *row % 3 == 0).count();
    // Two thirds of 3,000, four standard deviations.
    assert!(drawn.len() == 3000 && heavy.abs_diff(2000) < 4 * 26, "{heavy}");
    let groups: Vec<u32> = (0..90).map(|row| u32::from(row < 10)).collect();
    let steps = Sampler::Balanced(groups).epoch(90, 16, &mut stream);
    assert!(steps.iter().all(|step| step.len() == 16 && step.iter().filter(|row| **row < 10).count() == 8));
    let mut large: Vec<u32> = steps.concat().into_iter().filter(|row| *row >= 10).collect();
    large.sort_unstable();
    assert_eq!(large, (10..90).collect::<Vec<u32>>(), "the largest group is gone through once");
    let mut all = Sampler::Shuffled.epoch(50, 7, &mut stream).concat();
    all.sort_unstable();
    assert_eq!(all, (0..50).collect::<Vec<u32>>());
}

#[test]
fn what_fits_is_loaded_and_the_rest_is_reported() {
    let mut source = Params::new(1, DType::F32);
    net(&mut source).unwrap();
    let mut target = Params::new(2, DType::F32);
    net(&mut target).unwrap();
    target.get("extra", &[2], Init::Constant(0.0)).unwrap();
    let own = bits(&target);
    let tensors = source.iter().map(|(name, var)| match name {
        "head.weight" => (name.to_string(), Tensor::zeros((10, 6), DType::F32, &Device::Cpu).unwrap()),
        "head.bias" => ("old_head.bias".to_string(), var.as_tensor().clone()),
        _ => (name.to_string(), var.as_tensor().clone()),
    });
    let weights = Weights::new(tensors.collect::<Vec<_>>(), "a pretrained network".into()).unwrap();
    let fit = target.load_matching(&weights).unwrap();
    assert_eq!(fit.missing, ["head.bias", "extra"]);
    assert_eq!(fit.reshaped, [("head.weight".to_string(), vec![10, 6], vec![3, 6])]);
    assert_eq!(fit.unexpected, ["old_head.bias"]);
    for (k, (name, _)) in target.iter().enumerate() {
        let is_own = name.starts_with("head") || name == "extra";
        let expected = if is_own { &own[k] } else { &bits(&source)[k] };
        assert_eq!(bits(&target)[k], *expected, "{name}");
    }
}

/// The pretrained backbone inside the program.
fn backbone() -> &'static BackboneRow {
    BackboneRow::named("efficientnet_lite0").unwrap()
}

/// It under a quantum head.
fn grafted() -> impl Fn(&mut Params) -> Result<Box<dyn Network>, NnError> {
    let row = backbone();
    let weights = row.weights(None).unwrap();
    let head = HeadRow::named("quantum").unwrap();
    let shape = HeadShape { features: row.width.unwrap(), classes: 3, qubits: 2, depth: 1, weight_sd: 0.3 };
    let ansatz = ANSATZE[0].build(2, 1, true).unwrap();
    let execution = qgraft::sim::Execution::ideal(&ansatz, Arc::new(qgraft::sim::Statevector::default())).unwrap();
    move |params| {
        let backbone = Box::new(Trunk::on(params, row, &weights)?);
        let head = head.build(params, &shape, Some((&ansatz, execution.clone())))?.expect("trained by gradients");
        Ok(Box::new(BackboneWithHead { backbone, head }))
    }
}

/// Four pictures of two domains.
fn pictures() -> Examples {
    let pixels: Vec<f32> = (0..4 * 3 * 32 * 32).map(|k| (0.37 * k as f32).sin()).collect();
    let images = Tensor::from_vec(pixels, (4, 3, 32, 32), &Device::Cpu).unwrap();
    let tensor = |numbers: [u32; 4]| Tensor::new(&numbers, &Device::Cpu).unwrap();
    Examples { domains: Some(tensor([0, 1, 0, 1])), ..Examples::new(images, tensor([0, 1, 2, 0])) }
}

#[test]
fn a_backbone_is_released_stage_by_stage() {
    let (model, layers, data) = (grafted(), backbone().layers(), pictures());
    let mut params = Params::new(1, DType::F32);
    model.build(&mut params).unwrap();
    let groups = LayerGroups::of_trunk(layers.clone(), &params);
    assert_eq!(groups.len(), layers.len() + 1);
    let before = bits(&params);
    let mut gradual = Compose::named(&["gradual"], &groups).unwrap();
    let config = TrainConfig::new(2, 4, 1e-3, Method::adamw(0.01));
    let history =
        TrainingLoop::new(&model, &data, &Loss::CrossEntropy, &config, 1).run(&mut params, &mut gradual).unwrap();
    assert!(history[1].moving > history[0].moving);
    let (head, last) = (groups.0.last().unwrap(), &groups.0[groups.len() - 2]);
    for (((name, _), old), new) in params.iter().zip(&before).zip(bits(&params)) {
        let released = head.iter().chain(last).any(|other| other == name);
        assert_eq!(*old != new, released, "{name}");
    }
}

#[test]
fn every_method_takes_a_step_on_a_pretrained_backbone_under_a_circuit() {
    let (model, layers, data) = (grafted(), backbone().layers(), pictures());
    for row in METHODS {
        let mut params = Params::new(1, DType::F32);
        model.build(&mut params).unwrap();
        let groups = LayerGroups::of_trunk(layers.clone(), &params);
        let mut method = row.method(&groups);
        let (before, rates) = (bits(&params), method.learning_rates(&params, 0));
        let config = TrainConfig::new(1, 4, 1e-3, Method::adamw(0.01));
        let history =
            TrainingLoop::new(&model, &data, &Loss::CrossEntropy, &config, 1).run(&mut params, method.as_mut());
        assert!(history.unwrap()[0].loss.is_finite(), "{}", row.name);
        let (mut changed, mut asked) = (0, 0);
        for (((name, _), old), new) in params.iter().zip(&before).zip(bits(&params)) {
            if !rates.is_trainable(name) {
                assert_eq!(*old, new, "{}: {name} is frozen", row.name);
            } else if params.trainable().any(|(trained, _)| trained == name) {
                asked += 1;
                changed += usize::from(*old != new);
            }
        }
        // Weight decay alone changes what is not 0; biases of a channel that no picture reaches may stay.
        assert!(asked > 0 && 10 * changed >= 9 * asked, "{}: {changed} of {asked}", row.name);
    }
}
