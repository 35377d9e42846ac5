//! Contrastive losses, poolings of sets, several tasks and ranks, against open_clip and PyTorch (tests/reference/contrastive.json,
//! made by contrastive.py beside it), golden values and invariances.

use std::collections::BTreeMap;

use candle_core::{DType, Device, Tensor};
use ndarray::{Array2, array};
use qgraft::nn::layer::{
    ClassTokenPool, ContrastiveScale, GatedAttention, QueryPool, TransformerConfig, masked_mean, masked_softmax,
};
use qgraft::nn::loss::{Contrastive, Objective, Task, TaskKind, TaskLosses, clip, multi_positive, siglip};
use qgraft::nn::{LayerGroups, Mode, Output, Params};
use qgraft::study::retrieval::Ranks;
use qgraft::transfer::Transfer;
use qgraft::transfer::schedule::TrainableFraction;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Losses {
    video: Vec<Vec<f64>>,
    text: Vec<Vec<f64>>,
    clip: f64,
    siglip_over_rows: f64,
}

#[derive(Deserialize)]
struct Pooling {
    params: BTreeMap<String, Value>,
    pooled: Vec<Vec<f64>>,
    #[serde(default)]
    weights: Vec<Vec<f64>>,
    #[serde(default)]
    x: Vec<Vec<Vec<f64>>>,
    #[serde(default)]
    mask: Vec<Vec<f64>>,
}

#[derive(Deserialize)]
struct Reference {
    losses: Losses,
    class_token: Pooling,
    gated: Pooling,
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("../reference/contrastive.json")).unwrap()
}

/// The golden pair of the reconstruction of arXiv:2603.17675, not yet of unit length.
const V: [[f64; 3]; 3] = [[1.0, 0.0, 1.0], [0.0, 2.0, 1.0], [1.0, 1.0, 0.0]];
const T: [[f64; 3]; 3] = [[1.0, 0.2, 0.8], [0.1, 1.0, 0.3], [0.5, 1.0, 0.2]];

fn scores(a: &Tensor, b: &Tensor, temperature: f64, offset: Option<f64>) -> Tensor {
    let mut params = Params::new(0, DType::F64);
    ContrastiveScale::new(&mut params, "scale", (temperature, offset)).unwrap().forward(a, b).unwrap()
}

fn golden(temperature: f64, offset: Option<f64>) -> Tensor {
    let new = |rows: &[[f64; 3]; 3]| Tensor::new(rows, &Device::Cpu).unwrap();
    scores(&new(&V), &new(&T), temperature, offset)
}

fn mean(losses: &Tensor) -> f64 {
    losses.mean_all().unwrap().to_scalar().unwrap()
}

fn near(got: f64, expected: f64, tolerance: f64, what: &str) {
    assert!((got - expected).abs() < tolerance, "{what}: {got} against {expected}");
}

#[test]
fn losses_have_the_golden_values() {
    let one = |rows: [[f64; 3]; 3]| Tensor::new(&rows, &Device::Cpu).unwrap();
    let pairs = Tensor::eye(3, DType::F64, &Device::Cpu).unwrap();
    let weights = one([[1.0, 1.0, 1.0], [1.0, 1.5, 1.0], [1.0, 1.0, 3.0]]);
    let several = one([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 1.0, 1.0]]);
    let sharp = golden(0.07, None);
    let sigmoid = golden(0.1, Some(-10.0));
    for (what, losses, expected) in [
        ("clip", clip(&sharp, None), 0.103_879_789_507),
        ("siglip", siglip(&sigmoid, &pairs, None), 0.333_678_260_167),
        ("siglip with weights of pairs", siglip(&sigmoid, &pairs, Some(&weights)), 0.617_257_637_890),
        ("multi_positive", multi_positive(&sharp, &several), 1.860_523_353_867),
    ] {
        near(mean(&losses.unwrap()), expected, 1e-9, what);
    }
    // With one pair in each row, several positives are CLIP.
    near(mean(&multi_positive(&sharp, &pairs).unwrap()), 0.103_879_789_507, 1e-9, "multi_positive of single pairs");
}

#[test]
fn losses_are_those_of_open_clip() {
    let Losses { video, text, clip: expected, siglip_over_rows } = reference().losses;
    let (video, text) = (Tensor::new(video, &Device::Cpu).unwrap(), Tensor::new(text, &Device::Cpu).unwrap());
    let rows = video.dim(0).unwrap();
    near(mean(&clip(&scores(&video, &text, 0.07, None), None).unwrap()), expected, 1e-9, "clip");
    let pairs = Tensor::eye(rows, DType::F64, &Device::Cpu).unwrap();
    let ours = siglip(&scores(&video, &text, 0.1, Some(-10.0)), &pairs, None).unwrap();
    near(mean(&ours) * rows as f64, siglip_over_rows, 1e-9, "siglip");
}

#[test]
fn rows_with_the_same_text_are_no_negatives() {
    let output = Output::new(Tensor::zeros(1, DType::F64, &Device::Cpu).unwrap(), golden(0.07, None));
    let texts = |numbers: [u32; 3]| vec![Tensor::new(&numbers, &Device::Cpu).unwrap()];
    let apart = mean(&Contrastive::Clip.losses(&output, &texts([0, 1, 2])).unwrap());
    near(apart, 0.103_879_789_507, 1e-9, "different texts");
    // Rows 1 and 2 are alike in the golden pair: without each other as negatives the loss is much smaller.
    let alike = mean(&Contrastive::Clip.losses(&output, &texts([0, 1, 1])).unwrap());
    assert!(alike < 0.5 * apart, "{alike} against {apart}");
}

fn load(params: &Params, values: &BTreeMap<String, Value>) {
    for (name, value) in values {
        let var = params.find(name).unwrap_or_else(|| panic!("no parameter {name}"));
        let flat: Vec<f64> = match value {
            Value::Array(rows) if rows[0].is_array() => {
                rows.iter().flat_map(|row| row.as_array().unwrap()).map(|v| v.as_f64().unwrap()).collect()
            }
            Value::Array(row) => row.iter().map(|v| v.as_f64().unwrap()).collect(),
            _ => panic!("{name}"),
        };
        var.set(&Tensor::from_vec(flat, var.shape(), &Device::Cpu).unwrap()).unwrap();
    }
}

fn differs(a: &Tensor, b: &Tensor) -> f64 {
    (a - b).unwrap().abs().unwrap().max_all().unwrap().to_scalar().unwrap()
}

#[test]
fn poolings_are_those_of_pytorch() {
    let Reference { class_token, gated, .. } = reference();
    let x = Tensor::new(class_token.x.clone(), &Device::Cpu).unwrap();
    let mask = Tensor::new(class_token.mask.clone(), &Device::Cpu).unwrap();
    let mut params = Params::new(0, DType::F64);
    ClassTokenPool::new(&mut params, "p", 8, 2).unwrap();
    load(&params, &class_token.params);
    let pooled = ClassTokenPool::new(&mut params, "p", 8, 2).unwrap().forward(&x, &mask).unwrap();
    assert!(differs(&pooled, &Tensor::new(class_token.pooled, &Device::Cpu).unwrap()) < 1e-9);
    let mut params = Params::new(0, DType::F64);
    GatedAttention::new(&mut params, "p", 8, 3).unwrap();
    load(&params, &gated.params);
    let (pooled, weights) = GatedAttention::new(&mut params, "p", 8, 3).unwrap().forward(&x, &mask).unwrap();
    assert!(differs(&pooled, &Tensor::new(gated.pooled, &Device::Cpu).unwrap()) < 1e-9);
    assert!(differs(&weights, &Tensor::new(gated.weights, &Device::Cpu).unwrap()) < 1e-9);
}

/// Every pooling by name: pooled vector and, where it has them, weights.
fn pooled(name: &str, x: &Tensor, mask: &Tensor) -> (Tensor, Option<Tensor>) {
    let mut params = Params::new(3, DType::F64);
    let config = TransformerConfig { width: 6, heads: 2, hidden: 12, dropout: 0.0 };
    match name {
        "mean" => (masked_mean(x, mask).unwrap(), None),
        "gated" => {
            let (pooled, weights) = GatedAttention::new(&mut params, "p", 6, 4).unwrap().forward(x, mask).unwrap();
            (pooled, Some(weights))
        }
        "class_token" => (ClassTokenPool::new(&mut params, "p", 6, 2).unwrap().forward(x, mask).unwrap(), None),
        _ => {
            let pool = QueryPool::new(&mut params, "p", (8, 1), config).unwrap();
            let (pooled, weights) = pool.forward(x, mask, Mode::Eval).unwrap();
            (pooled, Some(weights))
        }
    }
}

const POOLINGS: [&str; 4] = ["mean", "gated", "class_token", "query"];

fn items(batch: usize, count: usize) -> Tensor {
    let values: Vec<f64> = (0..batch * count * 6).map(|k| (1.3 * k as f64 + 0.4).sin()).collect();
    Tensor::from_vec(values, (batch, count, 6), &Device::Cpu).unwrap()
}

#[test]
fn order_matters_to_position_codes_alone() {
    let x = items(2, 5);
    let turned = x.index_select(&Tensor::new(&[3u32, 0, 4, 1, 2], &Device::Cpu).unwrap(), 1).unwrap();
    let mask = Tensor::ones((2, 5), DType::F64, &Device::Cpu).unwrap();
    for name in POOLINGS {
        let gap = differs(&pooled(name, &x, &mask).0, &pooled(name, &turned, &mask).0);
        match name {
            "query" => assert!(gap > 1e-3, "{name}: {gap}"),
            _ => assert!(gap < 1e-6, "{name}: {gap}"),
        }
    }
}

#[test]
fn padding_changes_nothing_and_weighs_nothing() {
    let x = items(2, 3);
    let padding = (Tensor::ones((2, 2, 6), DType::F64, &Device::Cpu).unwrap() * 50.0).unwrap();
    let longer = Tensor::cat(&[&x, &padding], 1).unwrap();
    let ones = |items: usize| Tensor::ones((2, items), DType::F64, &Device::Cpu).unwrap();
    let mask = Tensor::cat(&[ones(3), ones(2).zeros_like().unwrap()], 1).unwrap();
    for name in POOLINGS {
        let (short, _) = pooled(name, &x, &ones(3));
        let (long, weights) = pooled(name, &longer, &mask);
        assert!(differs(&short, &long) < 1e-6, "{name}");
        for row in weights.iter().flat_map(|weights| weights.to_vec2::<f64>().unwrap()) {
            assert_eq!(row[3..], [0.0, 0.0], "{name}");
            near(row.iter().sum(), 1.0, 1e-9, name);
        }
    }
}

#[test]
fn an_empty_set_is_pooled_evenly() {
    let zeros = Tensor::zeros((1, 4), DType::F32, &Device::Cpu).unwrap();
    let scores = Tensor::new(&[[3f32, -2.0, 0.1, 9.0]], &Device::Cpu).unwrap();
    assert_eq!(masked_softmax(&scores, &zeros).unwrap().to_vec2::<f32>().unwrap(), [[0.25; 4]]);
    for name in POOLINGS {
        let nothing = Tensor::zeros((1, 3), DType::F64, &Device::Cpu).unwrap();
        let values = pooled(name, &items(1, 3), &nothing).0.to_vec2::<f64>().unwrap();
        assert!(values[0].iter().all(|value| value.is_finite()), "{name}");
    }
}

#[test]
fn every_parameter_of_a_pooling_gets_a_gradient() {
    let (x, mask) = (items(2, 4), Tensor::new(&[[1.0, 1.0, 1.0, 0.0], [1.0, 1.0, 0.0, 0.0]], &Device::Cpu).unwrap());
    let mut params = Params::new(1, DType::F64);
    let config = TransformerConfig { width: 6, heads: 2, hidden: 12, dropout: 0.0 };
    let gated = GatedAttention::new(&mut params, "gated", 6, 4).unwrap().forward(&x, &mask).unwrap().0;
    let token = ClassTokenPool::new(&mut params, "token", 6, 2).unwrap().forward(&x, &mask).unwrap();
    let query = QueryPool::new(&mut params, "query", (4, 1), config).unwrap();
    let query = query.forward(&x, &mask, Mode::Eval).unwrap().0;
    let all = Tensor::cat(&[gated, token, query], 1).unwrap();
    let scale = ContrastiveScale::new(&mut params, "scale", (0.07, Some(-1.0))).unwrap();
    let scores = scale.forward(&all, &(&all * 0.5).unwrap().sin().unwrap()).unwrap();
    let store = siglip(&scores, &Tensor::eye(2, DType::F64, &Device::Cpu).unwrap(), None).unwrap();
    let store = store.sum_all().unwrap().backward().unwrap();
    for (name, var) in params.iter() {
        assert!(store.get(var.as_tensor()).is_some(), "{name} is cut off from the loss");
    }
}

#[test]
fn a_missing_label_changes_no_loss_and_no_gradient() {
    let tasks = TaskLosses(vec![
        Task { name: "stenosis".into(), kind: TaskKind::Binary, weight: 1.0, unit: Task::PLAIN },
        Task { name: "diameter".into(), kind: TaskKind::Number { delta: 1.0 }, weight: 2.0, unit: Task::PLAIN },
        Task { name: "never known".into(), kind: TaskKind::Binary, weight: 1.0, unit: Task::PLAIN },
    ]);
    let none = f32::NAN;
    let labels = array![[1.0, none, none], [0.0, 0.5, none], [none, 3.0, none]];
    let outputs: Array2<f32> = array![[0.3, 9.0, 4.0], [-0.2, 0.1, -7.0], [30.0, 0.0, 2.0]];
    let var =
        candle_core::Var::from_tensor(&Tensor::from_iter(outputs.iter().copied(), &Device::Cpu).unwrap()).unwrap();
    let logits = var.as_tensor().reshape((3, 3)).unwrap();
    let output = Output::new(logits.clone(), logits);
    let loss = tasks.losses(&output, &TaskLosses::targets(labels.view()).unwrap()).unwrap().mean_all().unwrap();
    let binary = |z: f64, t: f64| (1.0 + z.exp()).ln() - z * t;
    // Stenosis: the mean over rows 0 and 1. Diameter, Huber with delta 1: |0.4|²/2 and 3 - 1/2.
    let expected = (binary(0.3, 1.0) + binary(-0.2, 0.0)) / 2.0 + 2.0 * (0.08 + 2.5) / 2.0;
    near(f64::from(loss.to_scalar::<f32>().unwrap()), expected, 1e-6, "loss");
    let slopes = loss.backward().unwrap().get(var.as_tensor()).unwrap().to_vec1::<f32>().unwrap();
    for (k, label) in labels.iter().enumerate() {
        assert_eq!(slopes[k] != 0.0, label.is_finite(), "entry {k}");
    }
}

#[test]
fn ranks_are_counted_with_half_the_ties() {
    let scores = array![[0.9, 0.1, 0.3], [0.5, 0.5, 0.5], [0.2, 0.8, 0.4]];
    let ranks = Ranks::new(scores.view(), &[0, 1, 2]).unwrap();
    // Ranks 1, 2 (of three equal ones) and 2.
    near(ranks.recall(1), 1.0 / 3.0, 1e-12, "recall at 1");
    near(ranks.recall(2), 1.0, 1e-12, "recall at 2");
    near(ranks.reciprocal(), (1.0 + 0.5 + 0.5) / 3.0, 1e-12, "mean reciprocal rank");
    near(ranks.gain(2), (1.0 + 2.0 / 3f64.log2()) / 3.0, 1e-12, "gain at 2");
    assert!(Ranks::new(scores.view(), &[0, 1, 3]).is_none());
    assert!(Ranks::new(array![[f64::NAN]].view(), &[0]).is_none());
}

#[test]
fn the_trainable_fraction_counts_parameters() {
    let mut params = Params::new(0, DType::F32);
    // Ten small tensors below a large one: by tensors the large one is a tenth of the trunk, by numbers nine tenths.
    for k in 0..9 {
        params.get(&format!("trunk.{k}"), &[10], qgraft::nn::init::Init::Constant(0.0)).unwrap();
    }
    params.get("trunk.9", &[910], qgraft::nn::init::Init::Constant(0.0)).unwrap();
    params.get("head", &[5], qgraft::nn::init::Init::Constant(0.0)).unwrap();
    let groups = LayerGroups::by_prefix(&params, &["trunk", "head"]);
    for (fraction, trained) in [(0.0, 5), (0.5, 5), (0.9, 5), (0.91, 915), (0.93, 935), (0.99, 995), (1.0, 1005)] {
        let rates = TrainableFraction { fraction, ..TrainableFraction::new(&groups) }.learning_rates(&params, 0);
        assert_eq!(params.count(|name| rates.is_trainable(name)), trained, "fraction {fraction}");
    }
}
