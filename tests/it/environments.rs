//! Methods for several environments and adjustments for confounders: what they add to a loss against PyTorch (DomainBed's
//! formulas with second derivatives), effects against dowhy and against the truth of a discrete model.

use candle_core::{DType, Device, Tensor, Var};
use ndarray::{Array2, Array3};
use qgraft::classic::adjustment::{backdoor, front_door, linear_backdoor, linear_front_door};
use qgraft::math::Stream;
use qgraft::nn::init::Init;
use qgraft::nn::loss::{self, Loss, Objective};
use qgraft::nn::{Examples, Mode, Network, NnError, Output, Params};
use qgraft::transfer::penalty::{
    AndMask, Annealed, Bottleneck, Coral, CoralForm, Counterfactual, Fishr, GroupDro, Invariance, Mechanism,
    RandomNetwork, blend_map,
};
use qgraft::transfer::{Batch, Compose, Transfer};
use serde::Deserialize;

/// tests/reference/causal.json, made by causal.py beside it.
#[derive(Deserialize)]
struct Reference {
    data: Rows,
    penalties: std::collections::BTreeMap<String, Value>,
    gin: Gin,
    consistency: Consistency,
    adjustments: Adjustments,
}

#[derive(Deserialize)]
struct Rows {
    features: Vec<Vec<f64>>,
    labels: Vec<u32>,
    domains: Vec<u32>,
    weight: Vec<Vec<f64>>,
    bias: Vec<f64>,
}

#[derive(Deserialize)]
struct Value {
    value: f64,
    gradients: [Vec<f64>; 3],
}

#[derive(Deserialize)]
struct Gin {
    picture: Vec<f32>,
    layers: Vec<(usize, Vec<f32>, Vec<f32>)>,
    share: f32,
    output: Vec<f64>,
}

#[derive(Deserialize)]
struct Consistency {
    logits: [Vec<Vec<f64>>; 2],
    value: f64,
    gradients: [Vec<Vec<f64>>; 2],
}

#[derive(Deserialize)]
struct Adjustments {
    backdoor: Effect,
    front_door: Effect,
}

#[derive(Deserialize)]
struct Effect {
    rows: Vec<Vec<f64>>,
    effect: f64,
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("../reference/causal.json")).unwrap()
}

/// Reads the first channel of (rows, 2, 1, classes) as logits.
struct FirstChannel;

impl Network for FirstChannel {
    fn forward(&self, inputs: &[Tensor], _mode: Mode) -> Result<Output, NnError> {
        let logits = inputs[0].narrow(1, 0, 1)?.flatten_from(1)?;
        Ok(Output::new(logits.clone(), logits))
    }
}

/// Features as a variable, and a read-out in parameters.
struct Setting {
    features: Var,
    params: Params,
    examples: Examples,
}

impl Setting {
    fn new(rows: &Rows) -> Self {
        let mut params = Params::new(0, DType::F64);
        params.get("w", &[3, 4], Init::Constant(0.0)).unwrap();
        params.get("b", &[3], Init::Constant(0.0)).unwrap();
        for (name, values) in [("w", rows.weight.concat()), ("b", rows.bias.clone())] {
            let var = params.find(name).unwrap();
            var.set(&Tensor::from_vec(values, var.shape(), &Device::Cpu).unwrap()).unwrap();
        }
        let features = Var::from_tensor(&Tensor::new(rows.features.clone(), &Device::Cpu).unwrap()).unwrap();
        let labels = Tensor::new(rows.labels.clone(), &Device::Cpu).unwrap();
        let domains = Some(Tensor::new(rows.domains.clone(), &Device::Cpu).unwrap());
        let examples = Examples { domains, ..Examples::new(features.as_tensor().clone(), labels) };
        Self { features, params, examples }
    }

    /// The number that a method adds, and the gradients by features and read-out of it, or of it and the loss.
    fn added(&self, method: &dyn Transfer, with_loss: bool) -> (f64, [Vec<f64>; 3]) {
        let (w, b) = (self.params.find("w").unwrap(), self.params.find("b").unwrap());
        let features = self.features.as_tensor();
        let logits = features.matmul(&w.t().unwrap()).unwrap().broadcast_add(b.as_tensor()).unwrap();
        let (output, objective) = (Output::new(features.clone(), logits), &Loss::CrossEntropy);
        let losses = objective.losses(&output, &self.examples.targets).unwrap();
        let rows: Vec<u32> = (0..self.examples.targets[0].elem_count() as u32).collect();
        let batch = Batch {
            rows: &rows,
            examples: &self.examples,
            output: &output,
            losses: &losses,
            objective,
            network: &FirstChannel,
            mode: Mode::Eval,
            progress: 0.5,
        };
        let added = method.penalty(&self.params, &batch).unwrap().unwrap();
        let total = if with_loss { (&added + loss::mean(&losses, None).unwrap()).unwrap() } else { added.clone() };
        let store = total.backward().unwrap();
        let of = |var: &Var| match store.get(var.as_tensor()) {
            Some(gradient) => gradient.flatten_all().unwrap().to_vec1::<f64>().unwrap(),
            None => vec![0.0; var.elem_count()],
        };
        (added.to_scalar().unwrap(), [of(&self.features), of(w), of(b)])
    }
}

fn assert_near(what: &str, got: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(got.len(), expected.len(), "{what}");
    for (got, expected) in got.iter().zip(expected) {
        assert!((got - expected).abs() < tolerance, "{what}: {got} against {expected}");
    }
}

#[test]
fn penalties_over_environments_are_those_of_pytorch() {
    let reference = reference();
    let setting = Setting::new(&reference.data);
    let means = Coral { form: CoralForm::MeansAndCovariances, ..Coral::default() };
    let methods: Vec<(&str, Box<dyn Transfer>)> = vec![
        ("irm", Box::new(Invariance::irm())),
        ("irm_unbiased", Box::new(Invariance::irm_unbiased())),
        ("v_rex", Box::new(Invariance::v_rex())),
        ("ib_irm", Box::new(Compose(vec![Box::new(Invariance::irm()), Box::new(Bottleneck::default())]))),
        ("coral_means", Box::new(means)),
        ("fishr", Box::new(Fishr::default())),
    ];
    for (name, method) in methods {
        let expected = &reference.penalties[name];
        let (value, gradients) = setting.added(method.as_ref(), false);
        // f64 on both sides; the second derivatives are formulas here and a second backward pass there.
        assert!((value - expected.value).abs() < 1e-12, "{name}: {value} against {}", expected.value);
        for (got, expected) in gradients.iter().zip(&expected.gradients) {
            assert_near(name, got, expected, 1e-12);
        }
    }
}

#[test]
fn methods_with_a_memory_are_those_of_domain_bed_in_their_second_step() {
    let reference = reference();
    let setting = Setting::new(&reference.data);
    let dro = GroupDro::default();
    setting.added(&dro, false);
    let (value, gradients) = setting.added(&dro, false);
    assert!((value - reference.penalties["group_dro"].value).abs() < 1e-12);
    for (got, expected) in gradients.iter().zip(&reference.penalties["group_dro"].gradients) {
        assert_near("group_dro", got, expected, 1e-12);
    }
    let shares = dro.shares();
    assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12 && !dro.is_resumable());

    let fishr = Fishr::averaged(0.95);
    setting.added(&fishr, false);
    let mut halved = reference.data;
    halved.features.iter_mut().flatten().for_each(|value| *value *= 0.5);
    let (value, gradients) = Setting::new(&halved).added(&fishr, false);
    let expected = &reference.penalties["fishr_averaged"];
    assert!((value - expected.value).abs() < 1e-9 * expected.value.abs(), "{value} against {}", expected.value);
    for (got, expected) in gradients.iter().zip(&expected.gradients) {
        // An average of 0.95 divides by 0.05, which magnifies rounding.
        assert_near("fishr_averaged", got, expected, 1e-9);
    }
}

#[test]
fn a_mask_over_environments_leaves_the_gradient_of_domain_bed() {
    let reference = reference();
    let setting = Setting::new(&reference.data);
    for (threshold, name) in [(1.0, "and_mask_1.0"), (0.3, "and_mask_0.3")] {
        let (value, gradients) = setting.added(&AndMask { threshold }, true);
        assert_eq!(value, 0.0, "{name}");
        for (got, expected) in gradients[1..].iter().zip(&reference.penalties[name].gradients[1..]) {
            assert_near(name, got, expected, 1e-10);
        }
    }
}

#[test]
fn an_annealed_penalty_counts_as_its_schedule_says() {
    let setting = Setting::new(&reference().data);
    let plain = setting.added(&Invariance::irm(), false).0;
    let squares: f64 = ["w", "b"]
        .iter()
        .map(|name| setting.params.find(name).unwrap().sqr().unwrap().sum_all().unwrap().to_scalar::<f64>().unwrap())
        .sum();
    let method = |from: f64, is_rescaled: bool| Annealed {
        method: Box::new(Invariance::irm()),
        before: 1.0,
        weight: 100.0,
        from,
        decay: 0.01,
        is_rescaled,
    };
    // The batch is in the middle of the training.
    let (early, late) = (setting.added(&method(0.6, true), false).0, setting.added(&method(0.4, false), false).0);
    assert!((early - plain - 0.01 * squares).abs() < 1e-12);
    assert!((late - 100.0 * plain - 0.01 * squares).abs() < 1e-10);
    // With the loss, a rescaled one is the other over its weight.
    let (all, rescaled) = (setting.added(&method(0.4, false), true).1, setting.added(&method(0.4, true), true).1);
    for (all, rescaled) in all.iter().zip(&rescaled) {
        assert_near("rescaled", &all.iter().map(|g| g / 100.0).collect::<Vec<_>>(), rescaled, 1e-12);
    }
}

#[test]
fn environments_that_are_the_same_rows_add_nothing() {
    let mut rows = reference().data;
    let copies = rows.features.len();
    rows.features.extend(rows.features.clone());
    rows.labels.extend(rows.labels.clone());
    rows.domains = (0..2 * copies).map(|row| u32::from(row >= copies)).collect();
    let setting = Setting::new(&rows);
    for (name, method) in [("v_rex", Invariance::v_rex()), ("irm", Invariance::irm())] {
        let value = setting.added(&method, false).0;
        // IRM's slope is that of the pooled loss, which nothing has trained to 0.
        assert_eq!(value < 1e-30, name == "v_rex", "{name}: {value}");
    }
    assert!(setting.added(&Fishr::default(), false).0 < 1e-30);
}

#[test]
fn random_networks_are_convolutions_as_pytorch_computes_them() {
    let gin = reference().gin;
    let network = RandomNetwork { layers: gin.layers, share: gin.share };
    let got: Vec<f64> = network.apply(&gin.picture, 5, 6).into_iter().map(f64::from).collect();
    // Single precision over 18 products a layer.
    assert_near("gin", &got, &gin.output, 2e-5);

    let mut stream = Stream::named(3, "test");
    let picture: Vec<f32> = (0..2 * 9 * 7).map(|_| stream.uniform() as f32).collect();
    let norm = |values: &[f32]| values.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt();
    for _ in 0..20 {
        let network = RandomNetwork::draw(2, false, &mut stream);
        assert!(network.layers.len() == 4 && network.layers.iter().all(|(size, ..)| [1, 3].contains(size)));
        let seen = network.apply(&picture, 9, 7);
        assert!((norm(&seen) / norm(&picture) - 1.0).abs() < 1e-3, "the norm is kept");
        let map = blend_map(9, 7, 2.5, &mut stream);
        let (low, high) = map.iter().fold((1.0f32, 0.0f32), |(l, h), v| (l.min(*v), h.max(*v)));
        assert_eq!((map.len(), low, high), (63, 0.0, 1.0));
        // Control points are 2.5 pixels apart: neighbours differ by a fraction of the range.
        let steps = map.chunks(7).flat_map(|row| row.windows(2).map(|w| (w[0] - w[1]).abs()).collect::<Vec<_>>());
        assert!(steps.fold(0.0f32, f32::max) < 0.6);
    }
}

#[test]
fn views_are_held_together_by_their_divergence_from_the_mean() {
    let Consistency { logits: [one, two], value, gradients } = reference().consistency;
    let (rows, classes) = (one.len(), one[0].len());
    let both: Vec<f64> = one.iter().zip(&two).flat_map(|(a, b)| [a.clone(), b.clone()].concat()).collect();
    let input = Tensor::from_vec(both, (rows, 2, 1, classes), &Device::Cpu).unwrap();
    let input = Var::from_tensor(&input).unwrap();
    let labels = Tensor::zeros(rows, DType::U32, &Device::Cpu).unwrap();
    let domains = Some(labels.clone());
    let examples = Examples { domains, ..Examples::new(input.as_tensor().clone(), labels) };
    let output = FirstChannel.forward(&examples.inputs, Mode::Eval).unwrap();
    let objective = &Loss::CrossEntropy;
    let losses = objective.losses(&output, &examples.targets).unwrap();
    let added = |weight: f64| {
        let mut method = Counterfactual::of(Mechanism::Channels);
        method.weight = weight;
        let (network, mode) = (&FirstChannel, Mode::Eval);
        let rows: Vec<u32> = (0..rows as u32).collect();
        let batch = Batch {
            rows: &rows,
            examples: &examples,
            output: &output,
            losses: &losses,
            objective,
            network,
            mode,
            progress: 0.0,
        };
        method.penalty(&Params::new(0, DType::F64), &batch).unwrap().unwrap()
    };
    let distance = (added(10.0) - added(0.0)).unwrap();
    // A share gets 1e-12 more before its logarithm is taken.
    assert!((distance.to_scalar::<f64>().unwrap() - value).abs() < 1e-9);
    let slopes = distance.backward().unwrap().get(input.as_tensor()).unwrap().flatten_from(2).unwrap();
    for (channel, expected) in gradients.iter().enumerate() {
        let got = slopes.narrow(1, channel, 1).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
        assert_near("divergence", &got, &expected.concat(), 1e-9);
    }
}

#[test]
fn linear_effects_are_those_of_dowhy() {
    let Adjustments { backdoor: observed, front_door: hidden } = reference().adjustments;
    let table = |effect: &Effect| {
        let width = effect.rows[0].len();
        Array2::from_shape_vec((effect.rows.len(), width), effect.rows.concat()).unwrap()
    };
    let rows = table(&observed);
    let got = linear_backdoor(rows.column(0), rows.column(1), rows.slice(ndarray::s![.., 2..])).unwrap();
    assert!((got - observed.effect).abs() < 1e-9, "{got} against {}", observed.effect);
    let rows = table(&hidden);
    let got = linear_front_door(rows.column(0), rows.column(1), rows.column(2)).unwrap();
    assert!((got - hidden.effect).abs() < 1e-9, "{got} against {}", hidden.effect);
    let twice = ndarray::stack![ndarray::Axis(1), rows.column(0), rows.column(0)];
    assert!(linear_backdoor(rows.column(0), rows.column(2), twice.view()).is_none_or(|slope| slope.is_finite()));
}

/// All states of a model of binary variables are enumerated: what the formulas find in the joint distribution of what is seen is
/// what setting the treatment does in the model.
#[test]
fn discrete_adjustments_are_interventions_in_the_model() {
    let mut stream = Stream::named(5, "test");
    for _ in 0..50 {
        let mut p = || 0.05 + 0.9 * stream.uniform();
        // c -> x, c -> y, x -> y.
        let (c, x, y) = (p(), [p(), p()], [[p(), p()], [p(), p()]]);
        let of = |p: f64, value: usize| if value == 1 { p } else { 1.0 - p };
        let joint = Array3::from_shape_fn((2, 2, 2), |(i, j, k)| of(c, k) * of(x[k], i) * of(y[i][k], j));
        let found = backdoor(&joint).unwrap();
        for i in 0..2 {
            let truth = (0..2).map(|k| of(c, k) * y[i][k]).sum::<f64>();
            assert!((found[[i, 1]] - truth).abs() < 1e-12);
        }
        // u hidden: u -> x, u -> y, x -> m -> y.
        let (u, x, m, y) = (p(), [p(), p()], [p(), p()], [[p(), p()], [p(), p()]]);
        let joint = Array3::from_shape_fn((2, 2, 2), |(i, j, k)| {
            (0..2).map(|h| of(u, h) * of(x[h], i) * of(m[i], j) * of(y[j][h], k)).sum()
        });
        let found = front_door(&joint).unwrap();
        for i in 0..2 {
            let truth: f64 =
                (0..2).flat_map(|h| (0..2).map(move |j| (h, j))).map(|(h, j)| of(u, h) * of(m[i], j) * y[j][h]).sum();
            assert!((found[[i, 1]] - truth).abs() < 1e-12);
        }
    }
    // A treatment that never occurs with a value of the confounder has no effect that data could tell.
    let mut joint = Array3::from_elem((2, 2, 2), 0.125);
    joint.slice_mut(ndarray::s![0, .., 1]).fill(0.0);
    assert!(backdoor(&joint).is_none());
    let mut joint = Array3::from_elem((2, 2, 2), 0.125);
    joint.slice_mut(ndarray::s![0, 1, ..]).fill(0.0);
    assert!(front_door(&joint).is_none());
}
