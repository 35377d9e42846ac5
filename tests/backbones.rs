//! Backbones against the original implementations; values from `tests/reference/backbones.py`.
#![cfg(feature = "learn")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor, Var};
use qgraft::data::{Picture, decode};
use qgraft::nn::Weights;
use qgraft::nn::backbone::{BACKBONES, Backbone, BackboneRow, Trunk};
use serde::Deserialize;

fn reference(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/backbones").join(name)
}

fn json<T: for<'a> Deserialize<'a>>(name: &str) -> T {
    serde_json::from_slice(&std::fs::read(reference(name)).unwrap()).unwrap()
}

/// The largest difference, and the largest expected value to set it against.
fn difference(found: &Tensor, expected: &[f64]) -> (f64, f64) {
    let found: Vec<f32> = found.flatten_all().unwrap().to_vec1().unwrap();
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(0.0, |m: f64, e| m.max(e.abs()));
    (found.iter().zip(expected).fold(0.0, |m, (f, e)| f64::max(m, (f64::from(*f) - e).abs())), largest)
}

#[derive(Deserialize)]
struct Photo {
    features: Vec<f64>,
    logits: Option<Vec<f64>>,
}

const PHOTOS: [&str; 3] = ["chelsea", "china", "flower"];

/// The photos are already 224×224, so only the last step of a transform is left: `normal` of a pixel's bytes.
fn photos(normal: impl Fn(&[u8]) -> [f32; 3]) -> Tensor {
    let one = |name: &&str| {
        let Picture { width, height, rgb } = decode(&reference(&format!("{name}.png"))).unwrap();
        let values: Vec<f32> = rgb.chunks(3).flat_map(&normal).collect();
        Tensor::from_vec(values, (height, width, 3), &Device::Cpu).unwrap().permute((2, 0, 1)).unwrap()
    };
    Tensor::stack(&PHOTOS.iter().map(one).collect::<Vec<_>>(), 0).unwrap()
}

fn check_photos(trunk: &Trunk, images: &Tensor, table: &str) {
    let expected: BTreeMap<String, BTreeMap<String, Photo>> = json("photos.json");
    let features = trunk.features(images).unwrap();
    for (i, name) in PHOTOS.iter().enumerate() {
        let photo = &expected[table][*name];
        let outputs = [
            ("features", &features, Some(&photo.features)),
            ("logits", &trunk.logits(images).unwrap(), photo.logits.as_ref()),
        ];
        for (what, found, expected) in outputs.into_iter().filter_map(|(w, f, e)| Some((w, f, e?))) {
            let (off, largest) = difference(&found.get(i).unwrap(), expected);
            // Values reach 9; f32 sums in another order than f64 differ by about 1e-5.
            assert!(off < 1e-4, "{table}, {name}: {what} off by {off:.1e} (values up to {largest:.1})");
        }
    }
}

fn lite(byte: u8) -> f32 {
    (f32::from(byte) - 127.0) / 128.0
}

#[test]
fn embedded_efficientnet_lite0_matches_the_original_on_photos() {
    let row = BackboneRow::named("efficientnet_lite0").unwrap();
    let trunk = Trunk::new(row, &row.weights(None).unwrap()).unwrap();
    assert_eq!(trunk.notice(), None);
    let images = photos(|rgb| [lite(rgb[0]), lite(rgb[1]), lite(rgb[2])]);
    check_photos(&trunk, &images, "efficientnet_lite0_f16");

    // What halving the weights' precision costs: at most 0.018 on features that reach 4.9 (measured).
    let published: BTreeMap<String, BTreeMap<String, Photo>> = json("photos.json");
    let features = trunk.features(&images).unwrap();
    for (i, name) in PHOTOS.iter().enumerate() {
        let (off, _) = difference(&features.get(i).unwrap(), &published["efficientnet_lite0"][*name].features);
        assert!(off < 0.02, "{name}: off by {off}");
    }
}

/// Weight files too large for the repository: `data/weights/backbones_to_safetensors.py` makes them, and
/// `QGRAFT_TEST_WEIGHTS` names their folder.
fn large_weights(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("QGRAFT_TEST_WEIGHTS").map(|folder| Path::new(&folder).join(name));
    let path = path.filter(|path| path.exists());
    if path.is_none() {
        eprintln!("skipped: QGRAFT_TEST_WEIGHTS names no folder with {name}");
    }
    path
}

#[test]
fn published_efficientnet_lite0_matches_the_original_on_photos() {
    let Some(path) = large_weights("efficientnet_lite0.safetensors") else { return };
    let row = BackboneRow::named("efficientnet_lite0").unwrap();
    let trunk = Trunk::new(row, &row.weights(Some(&path)).unwrap()).unwrap();
    let images = photos(|rgb| [lite(rgb[0]), lite(rgb[1]), lite(rgb[2])]);
    check_photos(&trunk, &images, "efficientnet_lite0");
}

#[test]
fn published_squeezenet_matches_the_original_on_photos() {
    let Some(path) = large_weights("squeezenet1_1.safetensors") else { return };
    let row = BackboneRow::named("squeezenet1_1").unwrap();
    let trunk = Trunk::new(row, &row.weights(Some(&path)).unwrap()).unwrap();
    // These weights come from Caffe: blue first, means subtracted, not scaled.
    let images = photos(|rgb| [(2, 104.006), (1, 116.669), (0, 122.679)].map(|(c, mean)| f32::from(rgb[c]) - mean));
    check_photos(&trunk, &images, "squeezenet1_1");
}

#[derive(Deserialize)]
struct MadeUp {
    parameters: Vec<(String, Vec<usize>)>,
    features: Vec<Vec<f64>>,
    logits: Vec<Vec<f64>>,
}

/// `noise` of the Python script.
fn noise(count: usize, k: usize) -> impl Iterator<Item = f64> {
    (0..count)
        .map(move |i| (k as f64 + 12.9898 * i as f64).sin() * 43758.5453)
        .map(|wave| 2.0 * (wave - wave.floor()) - 1.0)
}

/// `formula` of the Python script.
fn formula(name: &str, shape: &[usize], k: usize) -> Tensor {
    let (offset, scale) = match name.rsplit('.').next() {
        _ if shape.len() > 1 => (0.0, (6.0 / shape[1..].iter().product::<usize>() as f64).sqrt()),
        Some("running_var") => (1.0, 0.5),
        Some("weight") => (1.0, 0.1),
        _ => (0.0, 0.1),
    };
    let values = noise(shape.iter().product(), k).map(|u| (offset + scale * u) as f32).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

fn formula_weights(row: &BackboneRow) -> Vec<(String, Tensor)> {
    let (mut parameters, classifier) = (row.architecture)().parameters();
    parameters.extend(classifier);
    parameters.sort();
    parameters.iter().enumerate().map(|(k, (name, shape))| (name.clone(), formula(name, shape, k))).collect()
}

fn formula_images() -> Tensor {
    let values = noise(2 * 3 * 64 * 64, 0).map(|u| (2.0 * u) as f32).collect();
    Tensor::from_vec(values, (2, 3, 64, 64), &Device::Cpu).unwrap()
}

#[test]
fn torchvision_names_and_values() {
    const STEP: usize = 7;
    let expected: BTreeMap<String, MadeUp> = json("formula.json");
    for row in BACKBONES.iter().filter(|row| row.name != "efficientnet_lite0") {
        let expected = &expected[row.name];
        let (mut parameters, classifier) = (row.architecture)().parameters();
        parameters.extend(classifier);
        parameters.sort();
        assert_eq!(parameters, expected.parameters, "{}", row.name);

        let weights = formula_weights(row);
        let variables =
            weights.iter().map(|(name, t)| (name.clone(), Var::from_tensor(t).unwrap().as_tensor().clone()));
        let variables: Vec<_> = variables.collect();
        for (kind, weights) in [("frozen", weights), ("trainable", variables)] {
            let trunk = Trunk::new(row, &Weights::new(weights, "a formula".into()).unwrap()).unwrap();
            let outputs = [
                ("features", trunk.features(&formula_images()).unwrap(), &expected.features),
                ("logits", trunk.logits(&formula_images()).unwrap(), &expected.logits),
            ];
            for (what, found, expected) in outputs {
                for image in 0..2 {
                    let found = found.get(image).unwrap();
                    let kept = Tensor::arange_step(0, found.dim(0).unwrap() as u32, STEP as u32, &Device::Cpu).unwrap();
                    let (off, largest) = difference(&found.index_select(&kept, 0).unwrap(), &expected[image]);
                    // f32 against f64.
                    assert!(off < 1e-4 * largest, "{} {kind}: {what} off by {off:.1e} of {largest:.1e}", row.name);
                }
            }
        }
    }
}
