//! ViT and Swin against torchvision; values from `tests/reference/transformers.py`.

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor, Var};
use ndarray::Array1;
use qgraft::data::Picture;
use qgraft::nn::backbone::architecture::{Architecture, Convolution, Node, Spelling, Tokens};
use qgraft::nn::backbone::transformers::{VisionSize, vision_transformer};
use qgraft::nn::backbone::{Backbone, BackboneRow, Network, TopStages, Trunk};
use qgraft::nn::{Params, Weights};
use qgraft::systems::cohort::{Fitted, Scaler, map};
use serde::Deserialize;

#[derive(Deserialize)]
struct Reference {
    parameters: Vec<(String, Vec<usize>)>,
    shape: Vec<usize>,
    features: Vec<Vec<f64>>,
    logits: Vec<Vec<f64>>,
    rollout: Option<Vec<Vec<f64>>>,
}

fn reference(name: &str) -> Reference {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/transformers.json");
    let mut all: BTreeMap<String, Reference> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    all.remove(name).unwrap()
}

/// `noise` of the Python script.
fn noise(shape: &[usize], k: usize, scale: f64, offset: f64) -> Tensor {
    let wave = |i: usize| (k as f64 + 12.9898 * i as f64).sin() * 43758.5453;
    let value = |wave: f64| (offset + scale * (2.0 * (wave - wave.floor()) - 1.0)) as f32;
    let values: Vec<f32> = (0..shape.iter().product()).map(|i| value(wave(i))).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

/// The weights of the Python script.
fn weights(parameters: &[(String, Vec<usize>)]) -> Weights {
    let tensors = parameters.iter().enumerate().map(|(k, (name, shape))| {
        let tensor = match shape.len() {
            1 if name.ends_with(".weight") => noise(shape, k, 0.1, 1.0),
            1 => noise(shape, k, 0.1, 0.0),
            _ => noise(shape, k, (6.0 / shape[1..].iter().product::<usize>() as f64).sqrt(), 0.0),
        };
        (name.clone(), tensor)
    });
    Weights::new(tensors, "a formula".into()).unwrap()
}

fn sorted(architecture: &Architecture) -> Vec<(String, Vec<usize>)> {
    let (mut all, classifier) = architecture.parameters();
    all.extend(classifier);
    all.sort();
    all
}

/// Every seventh value of each picture.
fn check(what: &str, found: &Tensor, expected: &[Vec<f64>]) {
    for (image, expected) in expected.iter().enumerate() {
        let found: Vec<f32> = found.get(image).unwrap().to_vec1().unwrap();
        let kept: Vec<f64> = found.into_iter().step_by(7).map(f64::from).collect();
        assert_eq!(kept.len(), expected.len(), "{what}");
        let largest = expected.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
        let off = kept.iter().zip(expected).fold(0.0, |most: f64, (a, b)| most.max((a - b).abs()));
        // f32 against f64.
        assert!(off < 1e-4 * largest.max(1.0), "{what}: off by {off:.1e} of {largest:.1e}");
    }
}

#[test]
fn networks_have_the_names_and_values_of_torchvision() {
    for name in ["vit_b_16", "swin_t"] {
        let expected = reference(name);
        let row = BackboneRow::named(name).unwrap();
        let Network::Layers(layers) = row.network else { panic!("{name} has layers") };
        assert_eq!(sorted(&layers(Spelling::Torchvision)), expected.parameters, "{name}");
        let trunk = Trunk::new(row, &weights(&expected.parameters)).unwrap();
        assert_eq!(trunk.notice(), None);
        // For Swin a picture whose sides need other numbers of windows, padding, and one side that is odd.
        let image = noise(&expected.shape, 0, 2.0, 0.0);
        let features = trunk.features(&image).unwrap();
        assert_eq!(Some(features.dim(1).unwrap()), row.width);
        check(&format!("{name}, features"), &features, &expected.features);
        check(&format!("{name}, logits"), &trunk.logits(&image).unwrap(), &expected.logits);
        let last = trunk.stages().last().unwrap();
        assert_eq!(Some(last.channels), row.width, "{name}");
        let rollout = trunk.attention_rollout(&image).unwrap();
        assert_eq!(rollout.map(|shares| shares.dims().to_vec()), (name == "vit_b_16").then(|| vec![1, 196]));
    }
}

const SMALL: VisionSize = VisionSize { side: 32, patch: 8, width: 24, depth: 3, heads: 3, hidden: 40, classes: 10 };

fn small(spelling: Spelling) -> Architecture {
    vision_transformer(SMALL, spelling)
}

/// A row of a small network, for as long as the tests run.
fn small_row() -> &'static BackboneRow {
    let row = BackboneRow::named("vit_small").unwrap();
    Box::leak(Box::new(BackboneRow {
        name: "small",
        doc: "a small ViT",
        width: Some(24),
        transform: row.transform,
        weights: row.weights,
        network: Network::Layers(small),
    }))
}

#[test]
fn a_small_vit_of_any_sizes_and_its_rollout_are_those_of_torch() {
    let expected = reference("small");
    assert_eq!(sorted(&small(Spelling::Torchvision)), expected.parameters);
    let trunk = Trunk::new(small_row(), &weights(&expected.parameters)).unwrap();
    let images = noise(&expected.shape, 0, 2.0, 0.0);
    check("features", &trunk.features(&images).unwrap(), &expected.features);
    check("logits", &trunk.logits(&images).unwrap(), &expected.logits);
    // torchvision's published file has the names of its first version.
    let base = weights(&expected.parameters);
    let older = base.iter().map(|(name, tensor)| {
        (name.replace("mlp.0.", "mlp.linear_1.").replace("mlp.3.", "mlp.linear_2."), tensor.clone())
    });
    let older = Trunk::new(small_row(), &Weights::new(older.collect::<Vec<_>>(), "older".into()).unwrap()).unwrap();
    assert_eq!(older.notice(), None);
    check("features by older names", &older.features(&images).unwrap(), &expected.features);
    let rollout = trunk.attention_rollout(&images).unwrap().unwrap();
    for (image, expected) in expected.rollout.unwrap().iter().enumerate() {
        let found: Vec<f64> = rollout.get(image).unwrap().to_vec1().unwrap();
        assert_eq!(found.len(), 16);
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{found} and {expected}");
        }
    }
    // Places were learned for one number of patches.
    let other = trunk.features(&images.narrow(2, 0, 24).unwrap()).unwrap_err().to_string();
    assert!(other.contains("12 patches") && other.contains("those of 16"), "{other}");
}

#[test]
fn rollout_follows_the_weights() {
    // The model-randomisation test of Adebayo et al. 2018 (arXiv:1810.03292): other weights, another map. Of networks that
    // learned nothing the two maps still have much in common.
    let parameters = reference("small").parameters;
    let images = noise(&[1, 3, 32, 32], 0, 2.0, 0.0);
    let map = |weights: &Weights| -> Vec<f64> {
        let trunk = Trunk::new(small_row(), weights).unwrap();
        trunk.attention_rollout(&images).unwrap().unwrap().get(0).unwrap().to_vec1().unwrap()
    };
    let trained = weights(&parameters);
    let other = trained.iter().map(|(name, tensor)| {
        let values: Vec<f32> = tensor.flatten_all().unwrap().to_vec1().unwrap();
        let turned: Vec<f32> = values.iter().rev().copied().collect();
        (name.to_string(), Tensor::from_vec(turned, tensor.shape(), &Device::Cpu).unwrap())
    });
    let (one, other) = (map(&trained), map(&Weights::new(other, "turned round".into()).unwrap()));
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let (a, b) = (mean(&one), mean(&other));
    let product = |x: &[f64], y: &[f64], a: f64, b: f64| x.iter().zip(y).map(|(x, y)| (x - a) * (y - b)).sum::<f64>();
    let correlation = product(&one, &other, a, b) / (product(&one, &one, a, a) * product(&other, &other, b, b)).sqrt();
    // torch's value for these weights, computed as in `transformers.py`.
    assert!((correlation - 0.639284).abs() < 1e-4, "{correlation}");
    let largest = one.iter().copied().fold(0.0, f64::max);
    let apart = one.iter().zip(&other).fold(0.0, |most: f64, (x, y)| most.max((x - y).abs()));
    assert!(apart > 0.3 * largest, "{apart} of {largest}");
}

#[test]
fn all_weights_get_gradients_and_top_stages_compute_the_same() {
    for (row, side) in [(small_row(), 32), (BackboneRow::named("swin_t").unwrap(), 64)] {
        let Network::Layers(layers) = row.network else { panic!("{} has layers", row.name) };
        let architecture = layers(Spelling::Torchvision);
        let weights = weights(&sorted(&architecture));
        let images = noise(&[1, 3, side, side], 0, 2.0, 0.0);
        let plain = Trunk::new(row, &weights).unwrap();
        let variables: Vec<(String, Var)> =
            weights.iter().map(|(name, tensor)| (name.to_string(), Var::from_tensor(tensor).unwrap())).collect();
        let tensors = variables.iter().map(|(name, var)| (name.clone(), var.as_tensor().clone()));
        let trunk = Trunk::new(row, &Weights::new(tensors, "variables".into()).unwrap()).unwrap();
        let logits = trunk.logits(&images).unwrap();
        let off = (&logits - plain.logits(&images).unwrap()).unwrap().abs().unwrap().max_all().unwrap();
        assert!(off.to_scalar::<f32>().unwrap() < 1e-5, "{}", row.name);
        let gradients = logits.sqr().unwrap().sum_all().unwrap().backward().unwrap();
        for (name, variable) in &variables {
            let size = gradients.get(variable).map(|g| g.abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap());
            assert!(size.is_some_and(|size| size > 0.0), "{}: {name} has gradient {size:?}", row.name);
        }
        // The last two stages on what the stages below make.
        let first = architecture.stages.len() - 2;
        let mut params = Params::new(0, DType::F32);
        let top = TopStages::on(&mut params, row, &weights, first).unwrap();
        let planes = plain.stage_output(&images, &architecture.stages[first - 1].0.name).unwrap();
        let (found, expected) = (top.features(&planes).unwrap(), plain.features(&images).unwrap());
        let off = (&found - &expected).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
        assert!(off < 1e-5, "{}: off by {off}", row.name);
    }
}

#[test]
fn attention_has_a_gradient_that_a_difference_confirms() {
    let row = small_row();
    let base = weights(&sorted(&small(Spelling::Torchvision)));
    let images = noise(&[1, 3, 32, 32], 3, 2.0, 0.0);
    let name = "encoder.layers.encoder_layer_1.self_attention.in_proj_weight";
    let loss = |step: f32| -> (f64, Option<f32>) {
        let tensors: Vec<(String, Tensor)> = base
            .iter()
            .map(|(own, tensor)| {
                let moved = match own == name {
                    true => {
                        let mut values: Vec<f32> = tensor.flatten_all().unwrap().to_vec1().unwrap();
                        values[100] += step;
                        Tensor::from_vec(values, tensor.shape(), &Device::Cpu).unwrap()
                    }
                    false => tensor.clone(),
                };
                (own.to_string(), Var::from_tensor(&moved).unwrap().as_tensor().clone())
            })
            .collect();
        let variable = tensors.iter().find(|(own, _)| own == name).unwrap().1.clone();
        let trunk = Trunk::new(row, &Weights::new(tensors, "moved".into()).unwrap()).unwrap();
        let loss = trunk.features(&images).unwrap().narrow(1, 0, 5).unwrap().sum_all().unwrap();
        let gradient = loss.backward().unwrap().get(&variable).unwrap().flatten_all().unwrap().get(100).unwrap();
        (f64::from(loss.to_scalar::<f32>().unwrap()), Some(gradient.to_scalar::<f32>().unwrap()))
    };
    let (above, below) = (loss(0.02).0, loss(-0.02).0);
    let (slope, gradient) = ((above - below) / 0.04, f64::from(loss(0.0).1.unwrap()));
    // Differences of f32 sums of about 1 are exact to about 1e-5.
    assert!((slope - gradient).abs() < 2e-2 * gradient.abs().max(1e-2), "{slope} and {gradient}");
}

#[test]
fn stages_of_transformers_are_where_they_say() {
    let architecture = small(Spelling::Torchvision);
    let trunk = Trunk::new(small_row(), &weights(&sorted(&architecture))).unwrap();
    let images = noise(&[2, 3, 32, 32], 0, 2.0, 0.0);
    let last = architecture.stages.len() - 1;
    for (number, (stage, nodes)) in architecture.stages.iter().enumerate() {
        let tokens = if number == last { 1 } else { 17 };
        assert_eq!(trunk.stage_output(&images, &stage.name).unwrap().dims(), [2, 24, 1, tokens], "{}", stage.name);
        let has_encoder =
            |node: &&Node<Convolution>| matches!(node, Node::Tokens(own) if matches!(own.kind, Tokens::Encoder { .. }));
        assert_eq!(nodes.iter().filter(has_encoder).count(), usize::from(number > 0), "{}", stage.name);
    }
}

#[test]
fn maps_of_a_vit_are_its_rollout_whatever_the_classifier() {
    let row = BackboneRow::named("vit_small").unwrap();
    let Network::Layers(layers) = row.network else { panic!("it has layers") };
    let trunk = Trunk::new(row, &weights(&sorted(&layers(Spelling::Torchvision)))).unwrap();
    let grey: Vec<u8> = (0..40 * 30).map(|k| (k % 40 * 6) as u8).collect();
    let picture = Picture::from_grey(40, 30, &grey);
    let features = Array1::zeros(192);
    let map_of = |weight: f64| {
        let scaler = Scaler { mean: Array1::zeros(192), deviation: Array1::ones(192) };
        let fitted = Fitted::Linear { scaler, weights: Array1::from_elem(192, weight), bias: 0.0 };
        map(&trunk, &picture, &fitted, features.view()).unwrap().unwrap()
    };
    let found = map_of(1.0);
    assert_eq!(found, map_of(-3.0));
    assert_eq!(found.dim(), (30, 40));
    let most = found.iter().copied().fold(0.0, f64::max);
    assert!(found.iter().all(|value| (0.0..=1.0).contains(value)) && (most - 1.0).abs() < 1e-12, "{most}");
    // The square in the middle is 30 × 224 / 256 pixels wide; nothing is known outside it.
    assert!(found.column(0).iter().all(|value| *value == 0.0));
}
