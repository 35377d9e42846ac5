//! The metric-driven controller on traces written down: when it releases a layer, which, and at what rate.

use std::cell::RefCell;

use candle_core::{DType, Device, Tensor};
use qgraft::math::Stream;
use qgraft::nn::layer::{BatchNorm, Linear};
use qgraft::nn::loss::Loss;
use qgraft::nn::optim::Method;
use qgraft::nn::{Examples, LayerGroups, LearningRates, Mode, Network, NnError, Output, Params};
use qgraft::study::StudyError;
use qgraft::study::train::{Evaluation, Evaluator, TrainConfig, TrainingLoop};
use qgraft::transfer::{After, Decision, FitContext, Hatl, Rule, Transfer};

const RULE: Rule = Rule {
    window: 3,
    warm_up: 10,
    patience: 1,
    cooldown: 3,
    in_noise: false,
    plateau: 0.1,
    decay: 1.0,
    near_best: 0.1,
    floor: 0.0,
    ratio: 0.5,
    top_down: true,
    restore: true,
};

/// A controller without a network: four groups, of which the last is the head.
fn controller(rule: Rule) -> Hatl {
    Hatl::new(&LayerGroups(["a", "b", "c", "head"].map(|name| vec![name.to_string()]).to_vec()), rule)
}

/// Epochs, counted from 1, after which a layer was released.
fn releases(rule: Rule, metrics: &[f64]) -> Vec<usize> {
    let mut hatl = controller(rule);
    for (epoch, &metric) in metrics.iter().enumerate() {
        let after = hatl.after_epoch(epoch, metric);
        let released = hatl.decisions()[epoch] == Decision::Released;
        assert_eq!(after == After::RestoreBest, released, "a release goes back to the best");
    }
    let epochs = hatl.decisions().iter().enumerate();
    epochs.filter(|(_, decision)| **decision == Decision::Released).map(|(epoch, _)| epoch + 1).collect()
}

#[test]
fn hatl_releases_on_a_plateau_near_the_best() {
    assert_eq!(releases(RULE, &[0.5; 24]), [11, 15, 19], "after the warm-up, then after each cooldown");
    assert_eq!(releases(Rule { patience: 2, ..RULE }, &[0.5; 13]), [12], "two plateaus in a row");
    let swinging: Vec<f64> = (0..30).map(|epoch| if epoch % 2 == 0 { 0.3 } else { 0.7 }).collect();
    assert!(releases(RULE, &swinging).is_empty(), "it never reaches a plateau");
    let fallen: Vec<f64> = [0.9].into_iter().chain([0.5; 29]).collect();
    assert!(releases(RULE, &fallen).is_empty(), "the best is far away");
    assert!(releases(RULE, &[0.0; 30]).is_empty(), "nothing is learned yet");
    let shrinking = Rule { decay: 0.95, ..RULE };
    let mut hatl = controller(shrinking);
    for epoch in 0..7 {
        hatl.after_epoch(epoch, 0.5);
    }
    assert!((hatl.plateau_now() - 0.1 * 0.95f64.powi(7)).abs() < 1e-15);
}

#[test]
fn hatl_releases_from_the_head_down_at_layerwise_rates() {
    let mut hatl = controller(Rule { warm_up: 0, cooldown: 0, ..RULE });
    let params = Params::new(0, DType::F64);
    let mut rates = Vec::new();
    for epoch in 0..4 {
        rates.push(["a", "b", "c", "head"].map(|name| hatl.learning_rates(&params, epoch).rate(name)));
        hatl.after_epoch(epoch, 0.5);
    }
    let released = [[0.0, 0.0, 0.0, 1.0], [0.0, 0.0, 1.0, 1.0], [0.0, 0.5, 1.0, 1.0], [0.25, 0.5, 1.0, 1.0]];
    assert_eq!(rates, released);
    assert_eq!(hatl.decisions().last(), Some(&Decision::AllReleased));
    let mut upward = controller(Rule { warm_up: 0, top_down: false, ..RULE });
    upward.after_epoch(0, 0.5);
    assert_eq!(["a", "b", "c"].map(|name| upward.learning_rates(&params, 1).is_trainable(name)), [true, false, false]);
}

/// Two layers with batch normalisation and a linear head.
struct Layers {
    layers: [(Linear, BatchNorm); 2],
    head: Linear,
}

impl Network for Layers {
    fn forward(&self, inputs: &[Tensor], mode: Mode) -> Result<Output, NnError> {
        let mut x = inputs[0].clone();
        for (linear, norm) in &self.layers {
            x = norm.forward(&linear.forward(&x)?, mode)?.relu()?;
        }
        let logits = self.head.forward(&x)?;
        Ok(Output::new(x, logits))
    }
}

fn layers(params: &mut Params) -> Result<Box<dyn Network>, NnError> {
    let mut layer = |name: &str, sizes: (usize, usize)| -> Result<_, NnError> {
        let norm = BatchNorm::new(params, &format!("{name}.norm"), sizes.1)?;
        Ok((Linear::new(params, name, sizes, true)?, norm))
    };
    let layers = [layer("first", (4, 6))?, layer("second", (6, 5))?];
    Ok(Box::new(Layers { layers, head: Linear::new(params, "head", (5, 3), true)? }))
}

/// Every parameter and statistic by name, bit by bit.
type Bits = Vec<(String, Vec<u64>)>;

fn bits(params: &Params) -> Bits {
    let numbers = |var: &Tensor| -> Vec<u64> {
        var.flatten_all().unwrap().to_vec1::<f64>().unwrap().into_iter().map(f64::to_bits).collect()
    };
    params.iter().map(|(name, var)| (name.to_string(), numbers(var))).collect()
}

/// A controller that notes with what each epoch begins.
struct Noted {
    hatl: Hatl,
    begun: Vec<Bits>,
}

impl Transfer for Noted {
    fn before_epoch(&mut self, _: &FitContext, params: &mut Params, _: usize) -> Result<(), NnError> {
        self.begun.push(bits(params));
        Ok(())
    }

    fn learning_rates(&self, params: &Params, epoch: usize) -> LearningRates {
        self.hatl.learning_rates(params, epoch)
    }

    fn after_epoch(&mut self, epoch: usize, metric: f64) -> After {
        self.hatl.after_epoch(epoch, metric)
    }
}

/// Gives metrics that were written down, and notes the parameters with which each epoch ends.
struct Script {
    metrics: [f64; 6],
    /// Shares its variables with what is trained.
    params: Params,
    ended: RefCell<Vec<Bits>>,
}

impl Evaluator for Script {
    fn evaluate(&self, _network: &dyn Network) -> Result<Evaluation, StudyError> {
        let mut ended = self.ended.borrow_mut();
        ended.push(bits(&self.params));
        Ok(Evaluation { loss: 0.0, metric: self.metrics[ended.len() - 1] })
    }
}

#[test]
fn a_release_restores_the_best_epoch_to_the_bit_and_leaves_frozen_layers_alone() {
    let mut stream = Stream::named(3, "test");
    let values: Vec<f64> = (0..40 * 4).map(|_| stream.normal()).collect();
    let labels: Vec<u32> = (0..40).map(|row| row % 3).collect();
    let device = &Device::Cpu;
    let inputs = Tensor::from_vec(values, (40, 4), device).unwrap();
    let training = Examples::new(inputs, Tensor::new(labels, device).unwrap());
    for restore in [true, false] {
        let mut params = Params::new(1, DType::F64);
        layers(&mut params).unwrap();
        let groups = LayerGroups::by_prefix(&params, &["first", "second", "head"]);
        // The best comes in epoch 1; epochs 2 and 4 are plateaus near it.
        let metrics = [0.1, 0.9, 0.85, 0.5, 0.85, 0.85];
        let evaluator = Script { metrics, params: params.clone(), ended: RefCell::default() };
        let rule = Rule { window: 1, warm_up: 2, cooldown: 0, restore, ..RULE };
        let mut noted = Noted { hatl: Hatl::new(&groups, rule), begun: Vec::new() };
        let config = TrainConfig::new(6, 8, 0.01, Method::adamw(0.1));
        let trainer = TrainingLoop {
            evaluator: &evaluator,
            ..TrainingLoop::new(&layers, &training, &Loss::CrossEntropy, &config, 5)
        };
        let history = trainer.run(&mut params, &mut noted).unwrap();
        let ended = evaluator.ended.into_inner();
        let released: Vec<bool> =
            noted.hatl.decisions().iter().map(|decision| *decision == Decision::Released).collect();
        assert_eq!(released, [false, false, true, false, true, false]);
        for (epoch, is_released) in released[..5].iter().enumerate() {
            let from = if *is_released && restore { 1 } else { epoch };
            assert_eq!(noted.begun[epoch + 1], ended[from], "epoch {} begins where {from} ended", epoch + 1);
        }
        assert_ne!(ended[1], ended[2], "something was learned in between");
        // Weight decay and running statistics would change them if they were not frozen.
        let untouched = |prefix: &str, epochs: std::ops::RangeInclusive<usize>| {
            let of =
                |bits: &Bits| -> Bits { bits.iter().filter(|(name, _)| name.starts_with(prefix)).cloned().collect() };
            epochs.into_iter().all(|epoch| of(&ended[epoch]) == of(&noted.begun[0]))
        };
        assert!(untouched("second", 0..=2) && untouched("first", 0..=4));
        assert!(!untouched("second.norm.running", 3..=3) && !untouched("first.norm.running", 5..=5));
        assert!(history.windows(2).all(|pair| pair[0].moving <= pair[1].moving));
    }
}

#[test]
fn distances_in_units_of_the_noise_do_not_depend_on_the_scale_of_the_metric() {
    // Rises, then a plateau with noise of one standard deviation in a hundredth.
    let mut stream = Stream::named(7, "trace");
    let trace: Vec<f64> = (0..40).map(|epoch| 0.5 * (epoch as f64 / 12.0).min(1.0) + 0.01 * stream.normal()).collect();
    let rule = Rule { warm_up: 3, in_noise: true, plateau: 1.0, near_best: 2.0, ..RULE };
    let released = releases(rule, &trace);
    assert!(!released.is_empty() && released[0] > 10, "nothing is released on the rise: {released:?}");
    for factor in [0.01, 1.0, 100.0] {
        let scaled: Vec<f64> = trace.iter().map(|metric| factor * metric).collect();
        assert_eq!(releases(rule, &scaled), released, "times {factor}");
    }
    // In units of the metric the same constants release at once or never.
    let in_metric = Rule { in_noise: false, ..rule };
    assert_eq!(releases(in_metric, &trace)[0], 4);
    let mut hatl = controller(rule);
    for (epoch, metric) in [0.2, 0.5, 0.49, 0.51, 0.5, 0.4].into_iter().chain([0.35; 6]).enumerate() {
        hatl.after_epoch(epoch, metric);
    }
    let decisions = hatl.decisions();
    assert!(decisions.contains(&Decision::FarFromBest), "{decisions:?}");
}
