//! Transfer methods: what is trained and what stays to the bit, for every row of the table, and what each adds to the
//! loss.

use std::sync::Arc;

use candle_core::{DType, Device, Tensor};
use qgraft::circuit::ansatz::ANSATZE;
use qgraft::math::Stream;
use qgraft::nn::head::{Body, CircuitConfig, HEADS, HeadRow, HeadShape};
use qgraft::nn::init::Init;
use qgraft::nn::layer::{BatchNorm, Linear, dropout};
use qgraft::nn::loss::{self, Loss, Objective};
use qgraft::nn::optim::Method;
use qgraft::nn::{
    Examples, Head, LayerGroups, LearningRates, Mode, Model, Network, NnError, Output, Params, QuantumLayer,
};
use qgraft::sim::Execution;
use qgraft::sim::Statevector;
use qgraft::study::train::{TrainConfig, TrainingLoop};
use qgraft::transfer::penalty::{Adversary, ramp};
use qgraft::transfer::schedule::{Frozen, TrainableFraction};
use qgraft::transfer::{
    After, Batch, Compose, FitContext, Hatl, LowRank, METHODS, Reinit, Rule, Selection, ShrinkPerturb, Transfer,
    Utility, Value, select,
};

const SHAPE: HeadShape = HeadShape { features: 5, classes: 3, qubits: 2, depth: 2, weight_sd: 0.3 };

/// Two layers with a normalisation between them, and a head of the table on top.
struct Small {
    head: &'static HeadRow,
}

struct SmallNetwork {
    layers: [Linear; 2],
    norm: BatchNorm,
    head: Arc<dyn Head>,
}

impl Model for Small {
    fn build<'a>(&'a self, params: &mut Params) -> Result<Box<dyn Network + 'a>, NnError> {
        let config = CircuitConfig { qubits: SHAPE.qubits, depth: SHAPE.depth, ..CircuitConfig::default() };
        let ansatz = self.head.ansatz(&config)?;
        let run = |ansatz| (ansatz, Execution::ideal(ansatz, Arc::new(Statevector::default())).unwrap());
        Ok(Box::new(SmallNetwork {
            layers: [Linear::new(params, "first", (4, 6), true)?, Linear::new(params, "second", (6, 5), true)?],
            norm: BatchNorm::new(params, "first.norm", 6)?,
            head: self.head.build(params, &SHAPE, ansatz.as_ref().map(run))?.expect("a head trained by gradients"),
        }))
    }
}

impl Network for SmallNetwork {
    fn forward(&self, inputs: &[Tensor], mode: Mode) -> Result<Output, NnError> {
        let first = self.norm.forward(&self.layers[0].forward(&inputs[0])?, mode)?.tanh()?;
        let features = self.layers[1].forward(&dropout(&first, 0.1, "second", mode)?)?.tanh()?;
        let logits = self.head.logits(&features)?;
        Ok(Output::new(features, logits))
    }
}

fn small(head: &str) -> Small {
    Small { head: HeadRow::named(head).unwrap() }
}

/// Parameters of the model, and its layers.
fn start(model: &Small, seed: u64) -> (Params, LayerGroups) {
    let mut params = Params::new(seed, DType::F64);
    model.build(&mut params).unwrap();
    let groups = LayerGroups::by_prefix(&params, &["first", "second", "head"]);
    (params, groups)
}

/// Rows of three classes from two domains that are shifted against each other.
fn examples(count: usize) -> Examples {
    let mut stream = Stream::named(7, "test");
    let inputs: Vec<f64> = (0..count * 4).map(|k| stream.normal() + ((k / 4) % 2) as f64).collect();
    let labels: Vec<u32> = (0..count).map(|row| (row % 3) as u32).collect();
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

/// Names of parameters with the bits of their values.
type Bits = Vec<(String, Vec<u64>)>;

fn bits(params: &Params) -> Bits {
    let numbers = |tensor: &Tensor| -> Vec<u64> {
        tensor.flatten_all().unwrap().to_vec1::<f64>().unwrap().into_iter().map(f64::to_bits).collect()
    };
    params.iter().map(|(name, var)| (name.to_string(), numbers(var))).collect()
}

/// Forwards the calls of the loop to a method, and checks what changes after each step.
struct Checker<'a> {
    name: &'a str,
    method: Box<dyn Transfer>,
    before: Option<(LearningRates, Bits)>,
    /// Parameters that had a gradient other than 0 in the last step.
    pulled: std::cell::RefCell<Vec<String>>,
    changed: std::collections::BTreeSet<String>,
}

impl<'a> Checker<'a> {
    fn new(name: &'a str, method: Box<dyn Transfer>) -> Self {
        Self { name, method, before: None, pulled: Default::default(), changed: Default::default() }
    }

    /// After one step: what is trained and has a gradient has changed, what is frozen is the same to the bit.
    fn compare(&mut self, params: &Params) {
        let Some((rates, before)) = self.before.take() else { return };
        for ((name, old), (_, new)) in before.iter().zip(bits(params)) {
            let is_statistic = !params.trainable().any(|(trained, _)| trained == name);
            let is_trained =
                if is_statistic { rates.is_trainable("first.norm.weight") } else { rates.is_trainable(name) };
            let pulled = is_statistic || self.pulled.borrow().contains(name);
            if is_trained && pulled {
                assert_ne!(*old, new, "{}: {name} should have changed", self.name);
                self.changed.insert(name.clone());
            } else if !is_trained {
                assert_eq!(*old, new, "{}: {name} is frozen", self.name);
            }
        }
    }
}

impl Transfer for Checker<'_> {
    fn prepare(&mut self, context: &FitContext, params: &mut Params) -> Result<(), NnError> {
        let before = bits(params);
        self.method.prepare(context, params)?;
        // It may make further parameters, but no learning rates by which it could change one.
        assert!(bits(params).starts_with(&before), "{}: prepared something away", self.name);
        Ok(())
    }

    fn before_epoch(&mut self, context: &FitContext, params: &mut Params, epoch: usize) -> Result<(), NnError> {
        self.compare(params);
        self.before = Some((self.method.learning_rates(params, epoch), bits(params)));
        self.method.before_epoch(context, params, epoch)
    }

    fn learning_rates(&self, params: &Params, epoch: usize) -> LearningRates {
        self.method.learning_rates(params, epoch)
    }

    fn penalty(&self, params: &Params, batch: &Batch) -> Result<Option<Tensor>, NnError> {
        let penalty = self.method.penalty(params, batch)?;
        let loss = loss::mean(batch.losses, None)?;
        let total = penalty.as_ref().map_or(Ok(loss.clone()), |penalty| &loss + penalty)?;
        let gradients = total.backward()?;
        let mut pulled = Vec::new();
        for (name, var) in params.trainable() {
            let gradient = gradients.get(var.as_tensor());
            assert_eq!(gradient.is_some(), params.is_trainable(name), "{}: gradient of {name}", self.name);
            if let Some(gradient) = gradient
                && gradient.abs()?.flatten_all()?.max(0)?.to_scalar::<f64>()? > 0.0
            {
                pulled.push(name.to_string());
            }
        }
        let trunk_moves = ["first.weight", "first.weight.lora_a", "second.weight", "second.weight.lora_a"]
            .iter()
            .any(|name| params.find(name).is_some() && params.is_trainable(name));
        assert_eq!(batch.output.features.track_op(), trunk_moves, "{}: what is kept below the head", self.name);
        self.pulled.replace(pulled);
        Ok(penalty)
    }

    fn after_epoch(&mut self, epoch: usize, metric: f64) -> After {
        self.method.after_epoch(epoch, metric)
    }
}

/// As many epochs of one step as it takes to see every stage of a schedule over three layers.
const STAGES: usize = 5;

fn one_step_epochs(epochs: usize) -> TrainConfig {
    TrainConfig::new(epochs, usize::MAX, 0.01, Method::adamw(0.1))
}

/// Trains one step an epoch with a checker, and compares what has changed with `is_held`.
fn check_method(
    model: &Small,
    name: &str,
    make: impl Fn(&LayerGroups) -> Box<dyn Transfer>,
    is_held: impl Fn(&str) -> bool,
) {
    let data = examples(12);
    let (mut params, groups) = start(model, 1);
    let mut checker = Checker::new(name, make(&groups));
    TrainingLoop::new(model, &data, &Loss::CrossEntropy, &one_step_epochs(STAGES), 1)
        .run(&mut params, &mut checker)
        .unwrap();
    checker.compare(&params);
    for (parameter, _) in params.iter() {
        let is_trunk =
            !parameter.contains("lora") && (parameter.starts_with("first") || parameter.starts_with("second"));
        let is_held = if is_trunk { is_held("trunk") } else { is_held(parameter) };
        assert_eq!(checker.changed.contains(parameter), !is_held, "{name} under {}: {parameter}", model.head.name);
    }
}

#[test]
fn every_method_changes_what_it_trains_and_nothing_else() {
    for row in METHODS {
        for head in ["linear", "quantum"] {
            // Over all its stages a method has trained everything, unless it freezes the trunk.
            let is_held = |name: &str| name == "trunk" && ["frozen", "lora", "hatl"].contains(&row.name);
            // A share of the trunk is counted in the tests of contrastive losses; here it is all of it.
            let method = |groups: &LayerGroups| -> Box<dyn Transfer> {
                match row.name {
                    "trainable_fraction" => {
                        Box::new(TrainableFraction { fraction: 1.0, ..TrainableFraction::new(groups) })
                    }
                    _ => row.method(groups),
                }
            };
            check_method(&small(head), row.name, method, is_held);
        }
    }
}

#[test]
fn releases_reach_every_layer_below_every_head() {
    // Restoring the best would undo the changes that the checker has recorded.
    let rule = Rule { restore: false, ..Rule::default().every(1) };
    let eager = |groups: &LayerGroups| -> Box<dyn Transfer> { Box::new(Hatl::new(groups, rule)) };
    for head in HEADS.iter().filter(|head| !matches!(head.body, Body::Kernel)) {
        let with_plan = |groups: &LayerGroups| -> Box<dyn Transfer> {
            Box::new(Compose(vec![Box::new(head.learning_rates()), eager(groups)]))
        };
        check_method(&Small { head }, "hatl", with_plan, |name| head.frozen.contains(&name));
    }
}

#[test]
fn methods_combine_with_each_other_and_with_every_head() {
    let (data, loss) = (examples(12), Loss::CrossEntropy);
    let fit = |model: &Small, names: &[&str]| {
        let (mut params, groups) = start(model, 2);
        let together = Compose::named(names, &groups).unwrap();
        let mut checker = Checker::new(names[0], Box::new(together));
        TrainingLoop::new(model, &data, &loss, &one_step_epochs(2), 2).run(&mut params, &mut checker).unwrap();
        checker.compare(&params);
    };
    for one in METHODS {
        for other in METHODS {
            fit(&small("linear"), &[one.name, other.name]);
        }
    }
    // A head may freeze parameters of its own: its learning rates are one more method.
    for head in HEADS.iter().filter(|head| !matches!(head.body, Body::Kernel)) {
        fit(&Small { head }, &["layer_rates", "l2_sp", "coral", "adversarial"]);
    }
    assert!(
        Compose::named(&["layer_rate"], &LayerGroups::default()).is_err_and(|e| e.to_string().contains("layer_rates"))
    );
}

#[test]
fn learning_rates_that_name_no_parameter_are_refused() {
    let (model, data, loss) = (small("linear"), examples(12), Loss::CrossEntropy);
    let (mut params, _) = start(&model, 1);
    let trainer = TrainingLoop::new(&model, &data, &loss, &one_step_epochs(1), 1);
    let error = trainer.run(&mut params, &mut LearningRates::freezing(&["first.wieght"])).unwrap_err().to_string();
    assert!(error.contains("first.wieght") && error.contains("first.weight"), "{error}");
}

#[test]
fn an_average_leaves_frozen_parameters_to_the_bit() {
    let (model, data, loss) = (small("quantum"), examples(12), Loss::CrossEntropy);
    let (mut params, groups) = start(&model, 1);
    let before = bits(&params);
    // A decay that is no binary fraction, and values that are none: decay · a + (1 - decay) · a rounds to other numbers.
    let config = TrainConfig { average: Some(0.9), ..one_step_epochs(20) };
    TrainingLoop::new(&model, &data, &loss, &config, 1).run(&mut params, &mut Frozen::new(&groups)).unwrap();
    for ((name, old), (_, new)) in before.iter().zip(bits(&params)) {
        let frozen = name.starts_with("first") || name.starts_with("second");
        assert_eq!(*old == new, frozen, "{name}");
    }
}

#[test]
fn rates_of_combined_plans_are_multiplied() {
    let rates = |rates: &[(&str, f64)]| LearningRates::new(rates.iter().copied());
    let both = rates(&[("a", 0.5), ("b", 0.0)]).times(&rates(&[("a", 0.5), ("c", 2.0)]));
    assert_eq!(["a", "b", "c", "d"].map(|name| both.rate(name)), [0.25, 0.0, 2.0, 1.0]);
}

#[test]
fn invariance_penalties_see_the_domains() {
    let penalty = |name: &str, data: &Examples| {
        let (model, mut method) = (small("linear"), Compose::named(&[name], &LayerGroups::default()).unwrap());
        let (mut params, _) = start(&model, 1);
        let trainer = TrainingLoop::new(&model, data, &Loss::CrossEntropy, &one_step_epochs(1), 1);
        trainer.run(&mut params, &mut method).map(|history| history[0].penalty)
    };
    let data = examples(12);
    let one_domain = Examples { domains: Some(Tensor::zeros(12, DType::U32, &Device::Cpu).unwrap()), ..data.clone() };
    for name in ["v_rex", "irm", "mmd", "coral", "parity"] {
        assert!(penalty(name, &data).unwrap() > 0.0, "{name}");
        // One domain has no variance over domains and nobody to be compared with; its own slope remains.
        assert_eq!(penalty(name, &one_domain).unwrap() == 0.0, name != "irm", "{name}");
        let unknown = Examples { domains: None, ..data.clone() };
        let error = penalty(name, &unknown).unwrap_err().to_string();
        assert!(error.contains("name the domain"), "{name}: {error}");
    }
    let third =
        Examples { domains: Some((Tensor::ones(12, DType::U32, &Device::Cpu).unwrap() * 2.0).unwrap()), ..data };
    assert!(penalty("adversarial", &third).unwrap_err().to_string().contains("fewer domains"));
    assert!(ramp(0.0) == 0.0 && ramp(1.0) > 0.999);
    assert_eq!(Adversary::default().domains, 2);
}

#[test]
fn an_adversary_pulls_its_own_weights_and_pushes_the_features() {
    let data = examples(12);
    let gradients = |weight: f64| {
        let model = small("linear");
        let (mut params, _) = start(&model, 1);
        let mut adversary = Adversary::telling(2);
        (adversary.weight, adversary.ramped) = (weight, false);
        let (objective, training): (&dyn Objective, _) = (&Loss::CrossEntropy, &data);
        let context = FitContext { model: &model, training, objective, batch: 12, seed: 1 };
        adversary.prepare(&context, &mut params).unwrap();
        let network = model.build(&mut params).unwrap();
        let (network, mode) = (network.as_ref(), Mode::Eval);
        let output = network.forward(&data.inputs, mode).unwrap();
        let losses = objective.losses(&output, &data.targets).unwrap();
        let (rows, losses) = (&(0..12).collect::<Vec<u32>>()[..], &losses);
        let batch = Batch { rows, examples: &data, output: &output, losses, objective, network, mode, progress: 0.5 };
        let gradients = adversary.penalty(&params, &batch).unwrap().unwrap().backward().unwrap();
        let of = |name: &str| -> Vec<f64> {
            let gradient = gradients.get(params.find(name).unwrap().as_tensor()).unwrap();
            gradient.flatten_all().unwrap().to_vec1().unwrap()
        };
        (of("adversary.answer.weight"), of("second.weight"))
    };
    let ((own, features), (same, pushed)) = (gradients(-1.0), gradients(0.5));
    assert_eq!(own, same);
    assert!(features.iter().zip(&pushed).all(|(plain, reversed)| (plain * -0.5 - reversed).abs() < 1e-15));
}

#[test]
fn the_least_useful_weights_are_selected() {
    let mut stream = Stream::named(1, "test");
    let (w, gradient) = ([0.5f64, 0.05, 0.9], [-0.2, 1.0, 0.0]);
    let useful: Vec<f64> = w.iter().zip(gradient).map(|(w, g): (&f64, f64)| (w * g).abs()).collect();
    let magnitude = w.map(f64::abs);
    let mut lowest = |utilities: &[f64], count: f64| select(utilities, Selection::Share(count / 3.0), &mut stream);
    assert_eq!([lowest(&useful, 1.0), lowest(&useful, 2.0)], [vec![2], vec![1, 2]]);
    assert_eq!([lowest(&magnitude, 1.0), lowest(&magnitude, 2.0)], [vec![1], vec![0, 1]]);
    assert_eq!(lowest(&[1.0, 1.0, 1.0], 2.0), [0, 1], "of equals the first");
    let mean = select(&[0.1, 0.2, 0.9], Selection::Threshold(0.5), &mut stream);
    assert_eq!(mean, [0, 1]);
    // A share of less than a weight takes one now and then: four standard errors of 10,000 draws.
    let taken: usize = (0..10_000).map(|_| select(&[1.0; 3], Selection::Share(0.1), &mut stream).len()).sum();
    assert!((taken as f64 - 3000.0).abs() < 4.0 * (10_000.0f64 * 0.3 * 0.7).sqrt(), "{taken}");
}

#[test]
fn what_is_not_selected_stays_to_the_bit() {
    let data = examples(12);
    for utility in [Utility::Magnitude, Utility::Gradient, Utility::Random] {
        for (share, value) in [(0.0, Value::Resample), (0.3, Value::Resample), (0.3, Value::Zero), (1.0, Value::Zero)] {
            let (model, objective) = (small("linear"), &Loss::CrossEntropy);
            let (mut params, groups) = start(&model, 1);
            let before = bits(&params);
            let selection = Selection::Share(share);
            let mut method =
                Reinit { utility, selection, value, head_first: 0, calibration: 0, ..Reinit::new(&groups) };
            let context = FitContext { model: &model, training: &data, objective, batch: 4, seed: 1 };
            method.before_epoch(&context, &mut params, 0).unwrap();
            let (mut changed, mut all) = (0, 0);
            for ((name, old), (_, new)) in before.iter().zip(bits(&params)) {
                let differ = old.iter().zip(&new).filter(|(old, new)| old != new).count();
                if ["first.weight", "second.weight"].contains(&name.as_str()) {
                    (changed, all) = (changed + differ, all + old.len());
                    let zeros = new.iter().filter(|bits| f64::from_bits(**bits) == 0.0).count();
                    assert_eq!(zeros, if value == Value::Zero { differ } else { 0 }, "{name}");
                } else {
                    assert_eq!(differ, 0, "{name} is no matrix of the trunk");
                }
            }
            assert_eq!(changed as f64 / all as f64, method.redrawn.unwrap());
            assert!((changed as f64 - share * all as f64).abs() <= 2.0, "one per matrix by chance");
        }
    }
}

#[test]
fn running_statistics_follow_redrawn_weights() {
    let (data, model) = (examples(12), small("linear"));
    let context = FitContext { model: &model, training: &data, objective: &Loss::CrossEntropy, batch: 12, seed: 1 };
    let ran = |share: f64, value: Value| {
        let (mut params, groups) = start(&model, 1);
        let selection = Selection::Share(share);
        let mut method = Reinit { selection, value, head_first: 0, calibration: 100, ..Reinit::new(&groups) };
        method.before_epoch(&context, &mut params, 0).unwrap();
        let of = |name: &str| params.find(name).unwrap().to_vec1::<f64>().unwrap();
        (of("first.norm.running_mean"), of("first.norm.running_var"), of("first.bias"))
    };
    let (mean, variance, bias) = ran(1.0, Value::Zero);
    // Without weights each channel is its bias; 0.9^100 is 3e-5 of the statistics from before.
    assert!(mean.iter().zip(&bias).all(|(mean, bias)| (mean - bias).abs() < 1e-4), "{mean:?} {bias:?}");
    assert!(variance.iter().all(|variance| *variance < 1e-4), "{variance:?}");
    let (mean, variance, _) = ran(0.0, Value::Zero);
    assert!(mean == [0.0; 6] && variance == [1.0; 6], "nothing was drawn anew");
}

#[test]
fn shrinking_keeps_a_share_of_every_matrix_of_the_trunk() {
    let (data, model) = (examples(12), small("linear"));
    let (mut params, groups) = start(&model, 1);
    let before = bits(&params);
    let mut method = ShrinkPerturb { keep: 0.5, noise: 0.0, head_first: 0, ..ShrinkPerturb::new(&groups) };
    let context = FitContext { model: &model, training: &data, objective: &Loss::CrossEntropy, batch: 4, seed: 1 };
    method.before_epoch(&context, &mut params, 0).unwrap();
    for ((name, old), (_, new)) in before.iter().zip(bits(&params)) {
        let factor = if ["first.weight", "second.weight"].contains(&name.as_str()) { 0.5 } else { 1.0 };
        let halved = old.iter().map(|bits| (f64::from_bits(*bits) * factor).to_bits());
        assert!(halved.eq(new.iter().copied()), "{name}");
    }
}

#[test]
fn an_adapter_starts_as_nothing_and_learns_beside_a_frozen_matrix() {
    let (model, data) = (small("linear"), examples(12));
    let (mut params, groups) = start(&model, 1);
    let answer = |params: &mut Params| {
        let output = model.build(params).unwrap().forward(&data.inputs, Mode::Eval).unwrap();
        output.logits.flatten_all().unwrap().to_vec1::<f64>().unwrap()
    };
    let plain = answer(&mut params);
    let mut method = LowRank { rank: 2, alpha: 8.0, ..LowRank::new(&groups) };
    let context = FitContext { model: &model, training: &data, objective: &Loss::CrossEntropy, batch: 4, seed: 1 };
    method.prepare(&context, &mut params).unwrap();
    assert_eq!(answer(&mut params), plain);
    let shape = |name: &str| params.find(name).unwrap().dims().to_vec();
    assert_eq!([shape("first.weight.lora_a"), shape("first.weight.lora_b")], [[2, 4], [6, 2]]);
    // By hand: W + 8/2 B A.
    let [a, b, w] =
        ["first.weight.lora_a", "first.weight.lora_b", "first.weight"].map(|n| params.find(n).unwrap().clone());
    b.set(&Tensor::ones((6, 2), DType::F64, &Device::Cpu).unwrap()).unwrap();
    let by_hand = (w.as_tensor() + (b.matmul(&a).unwrap() * 4.0).unwrap()).unwrap();
    let handed_out = params.get("first.weight", &[6, 4], Init::Constant(0.0)).unwrap();
    assert_eq!(by_hand.to_vec2::<f64>().unwrap(), handed_out.to_vec2::<f64>().unwrap());
    assert!(params.adapt("first.bias", 1, 1.0).unwrap_err().to_string().contains("two dimensions"));
}

#[test]
fn a_circuit_is_a_layer_like_any_other_to_a_plan() {
    let ansatz = ANSATZE[0].build(2, 1, true).unwrap();
    let execution = Execution::ideal(&ansatz, Arc::new(Statevector::default())).unwrap();
    let weights = execution.program.slots - ANSATZE[0].inputs(2, 1);
    let mut params = Params::new(1, DType::F64);
    params.set_rates(&LearningRates::freezing(&["circuit.weights"]));
    let angles = params.get("circuit.weights", &[weights], Init::Normal { sd: 0.3 }).unwrap();
    let inputs = Tensor::zeros((3, ANSATZE[0].inputs(2, 1)), DType::F64, &Device::Cpu).unwrap();
    let output = QuantumLayer::new(execution).forward(&inputs, &angles).unwrap();
    assert!(!output.track_op(), "a frozen circuit on constant angles has no gradient to keep");
}

#[test]
fn adapters_that_are_merged_leave_the_same_network_with_its_own_parameters() {
    let (model, data) = (small("quantum"), examples(12));
    let (mut params, groups) = start(&model, 4);
    let names: Vec<String> = params.iter().map(|(name, _)| name.to_string()).collect();
    let mut method = LowRank { rank: 2, ..LowRank::new(&groups) };
    TrainingLoop::new(&model, &data, &Loss::CrossEntropy, &one_step_epochs(3), 1)
        .run(&mut params, &mut method)
        .unwrap();
    let logits = |params: &mut Params| -> Vec<Vec<f64>> {
        let network = model.build(params).unwrap();
        network.forward(&data.inputs, Mode::Eval).unwrap().logits.to_vec2().unwrap()
    };
    let before = logits(&mut params);
    assert!(params.is_adapted() && params.find("second.weight.lora_b").is_some());
    params.merge_adapters().unwrap();
    assert!(!params.is_adapted());
    assert_eq!(params.iter().map(|(name, _)| name.to_string()).collect::<Vec<_>>(), names);
    // The sum is what was handed out before, so there is nothing to round.
    assert_eq!(logits(&mut params), before);
    // What is stored reads back into a network that knows nothing of adapters.
    let (mut fresh, _) = start(&model, 9);
    fresh.load_bytes(&params.to_bytes().unwrap(), std::path::Path::new("merged")).unwrap();
    assert_eq!(logits(&mut fresh), before);
}
