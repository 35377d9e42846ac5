//! Backbones against the original implementations; values from `tests/reference/backbones.py`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor, Var};
use qgraft::data::{FeatureCache, Picture, decode, fashion_mnist};
use qgraft::nn::backbone::architecture::{Convolution, Node, Spelling};
use qgraft::nn::backbone::{BACKBONES, Backbone, BackboneRow, Network, TopStages, Trunk, extract};
use qgraft::nn::layer::Linear;
use qgraft::nn::loss::Loss;
use qgraft::nn::optim::Method;
use qgraft::nn::{Examples, LearningRates, Mode, Model, Network as Net, NnError, Output, Params, Weights};
use qgraft::study::train::{TrainConfig, TrainingLoop};
use serde::Deserialize;

fn reference(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/backbones").join(name)
}

fn json<T: for<'a> Deserialize<'a>>(name: &str) -> T {
    serde_json::from_slice(&std::fs::read(reference(name)).unwrap()).unwrap()
}

/// The largest difference, and the largest expected value to set it against.
fn difference(found: &[f32], expected: &[f64]) -> (f64, f64) {
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

/// Features of all photos, which are returned, and logits of the first, against one entry of `photos.json`.
fn check_photos(trunk: &Trunk, images: &Tensor, table: &str) -> Tensor {
    let logits = trunk.logits(&images.narrow(0, 0, 1).unwrap()).unwrap();
    let features = trunk.features(images).unwrap();
    // Values reach 9; f32 sums in another order than f64 differ by about 1e-5.
    compare_features(&features, table, 1e-4);
    let photos: BTreeMap<String, BTreeMap<String, Photo>> = json("photos.json");
    if let Some(expected) = &photos[table][PHOTOS[0]].logits {
        let (off, _) = difference(&logits.get(0).unwrap().to_vec1().unwrap(), expected);
        assert!(off < 1e-4, "{table}: logits off by {off:.1e}");
    }
    features
}

/// `tolerance` is absolute.
fn compare_features(features: &Tensor, table: &str, tolerance: f64) {
    let photos: BTreeMap<String, BTreeMap<String, Photo>> = json("photos.json");
    for (i, name) in PHOTOS.iter().enumerate() {
        let expected = &photos[table][*name].features;
        let (off, largest) = difference(&features.get(i).unwrap().to_vec1().unwrap(), expected);
        assert!(off < tolerance, "{table}, {name}: features off by {off:.1e} (values up to {largest:.1})");
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
    let features = check_photos(&trunk, &images, "efficientnet_lite0_f16");
    // What half precision costs against the published weights; measured: 0.018 on features that reach 4.9.
    compare_features(&features, "efficientnet_lite0", 0.02);
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

/// The names and shapes that a row needs, sorted.
fn parameters(row: &BackboneRow, spelling: Spelling) -> Vec<(String, Vec<usize>)> {
    let Network::Layers(layers) = row.network else { panic!("{} has its layers in a file", row.name) };
    let (mut trunk, classifier) = layers(spelling).parameters();
    trunk.extend(classifier);
    trunk.sort();
    trunk
}

/// The rows whose layers are ours, transformers apart (`vision_transformers.rs`).
fn ours() -> impl Iterator<Item = &'static BackboneRow> {
    let is_tokens = |node: &Node<Convolution>| matches!(node, Node::Tokens(_));
    BACKBONES.iter().filter(move |row| match row.network {
        Network::Layers(layers) => {
            !layers(Spelling::Torchvision).stages.iter().any(|(_, nodes)| nodes.iter().any(is_tokens))
        }
        Network::OnnxFile => false,
    })
}

fn formula_weights(row: &BackboneRow, spelling: Spelling) -> Weights {
    let tensors = parameters(row, spelling).into_iter().enumerate().map(|(k, (name, shape))| {
        let tensor = formula(&name, &shape, k);
        (name, tensor)
    });
    Weights::new(tensors, "a formula".into()).unwrap()
}

/// Weights for tests to which the values do not matter: averages, and ones elsewhere.
fn plain_weights(row: &BackboneRow) -> Vec<(String, Tensor)> {
    let fill = |shape: &[usize]| 1.0 / shape[1..].iter().product::<usize>() as f32;
    let tensor = |shape: Vec<usize>| Tensor::full(fill(&shape), shape, &Device::Cpu).unwrap();
    parameters(row, Spelling::Torchvision).into_iter().map(|(name, shape)| (name, tensor(shape))).collect()
}

fn plain_trunk(row: &'static BackboneRow) -> Trunk {
    Trunk::new(row, &Weights::new(plain_weights(row), "ones".into()).unwrap()).unwrap()
}

/// The same weights as variables.
fn trainable(weights: &Weights) -> (Vec<(String, Var)>, Weights) {
    let variables: Vec<_> = weights.iter().map(|(name, t)| (name.to_string(), Var::from_tensor(t).unwrap())).collect();
    let tensors: Vec<_> = variables.iter().map(|(name, var)| (name.clone(), var.as_tensor().clone())).collect();
    (variables, Weights::new(tensors, "variables".into()).unwrap())
}

fn formula_images() -> Tensor {
    let values = noise(2 * 3 * 64 * 64, 0).map(|u| (2.0 * u) as f32).collect();
    Tensor::from_vec(values, (2, 3, 64, 64), &Device::Cpu).unwrap()
}

fn check_formula(trunk: &Trunk, expected: &MadeUp, what: &str) {
    const STEP: usize = 7;
    let outputs = [
        ("features", trunk.features(&formula_images()).unwrap(), &expected.features),
        ("logits", trunk.logits(&formula_images()).unwrap(), &expected.logits),
    ];
    for (output, found, expected) in outputs {
        for image in 0..2 {
            let found: Vec<f32> = found.get(image).unwrap().to_vec1().unwrap();
            let kept: Vec<f32> = found.into_iter().step_by(STEP).collect();
            let (off, largest) = difference(&kept, &expected[image]);
            // f32 against f64.
            assert!(off < 1e-4 * largest, "{what}: {output} off by {off:.1e} of {largest:.1e}");
        }
    }
}

#[test]
fn every_row_has_the_original_names_and_values() {
    let expected: BTreeMap<String, MadeUp> = json("formula.json");
    let mut checked = 0;
    for row in ours() {
        for (spelling, prefix) in [(Spelling::Torchvision, ""), (Spelling::Timm, "timm ")] {
            let name = format!("{prefix}{}", row.name);
            // torchvision has no lite network (its own weights are checked above), timm no SqueezeNet.
            let Some(expected) = expected.get(&name) else { continue };
            assert_eq!(parameters(row, spelling), expected.parameters, "{name}");
            let trunk = Trunk::new(row, &formula_weights(row, spelling)).unwrap();
            check_formula(&trunk, expected, &name);
            checked += 1;
        }
    }
    assert_eq!(checked, expected.len());
}

#[test]
fn a_trunk_on_variables_computes_the_same_and_passes_gradients_to_all() {
    let expected: BTreeMap<String, MadeUp> = json("formula.json");
    for row in ours().filter(|row| row.name != "efficientnet_lite0") {
        let (variables, weights) = trainable(&formula_weights(row, Spelling::Torchvision));
        let trunk = Trunk::new(row, &weights).unwrap();
        check_formula(&trunk, &expected[row.name], row.name);
        let images = formula_images().narrow(2, 0, 32).unwrap().narrow(3, 0, 32).unwrap();
        let gradients = trunk.logits(&images).unwrap().sqr().unwrap().sum_all().unwrap().backward().unwrap();
        for (name, variable) in &variables {
            let size = gradients.get(variable).map(|g| g.abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap());
            assert!(size.is_some_and(|size| size > 0.0), "{}: {name} has gradient {size:?}", row.name);
        }
    }
}

#[test]
fn stages_have_the_shapes_they_claim() {
    for row in ours() {
        let trunk = plain_trunk(row);
        let images = formula_images().narrow(0, 0, 1).unwrap();
        for stage in trunk.stages() {
            let side = 64 / stage.stride;
            // SqueezeNet pads nothing at its stem and pools, so its planes are up to two pixels smaller.
            let found = trunk.stage_output(&images, &stage.name).unwrap().dims().to_vec();
            assert_eq!(found[..2], [1, stage.channels], "{}, {}", row.name, stage.name);
            let slack = if row.name == "squeezenet1_1" { side - 1..=side } else { side..=side };
            assert!(slack.contains(&found[2]) && found[2] == found[3], "{}, {}: {found:?}", row.name, stage.name);
        }
        let last = trunk.stages().last().unwrap();
        assert_eq!(Some(last.channels), row.width, "{}", row.name);
        let means = trunk.stage_output(&images, &last.name).unwrap().mean((2, 3)).unwrap();
        let means: Vec<f64> =
            means.flatten_all().unwrap().to_vec1::<f32>().unwrap().into_iter().map(f64::from).collect();
        let features: Vec<f32> = trunk.features(&images).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        let (off, largest) = difference(&features, &means);
        assert!(off <= 1e-6 * largest, "{}: features are not the means of the last stage", row.name);
    }
}

#[test]
fn the_last_stages_on_planes_of_those_below_are_the_whole_trunk() {
    let expected: BTreeMap<String, MadeUp> = json("formula.json");
    for row in ours().filter(|row| expected.contains_key(row.name)) {
        let weights = formula_weights(row, Spelling::Torchvision);
        let trunk = Trunk::new(row, &weights).unwrap();
        let images = formula_images().narrow(2, 0, 32).unwrap().narrow(3, 0, 32).unwrap();
        let count = trunk.stages().len();
        for first in [1, count - 1] {
            let planes = trunk.stage_output(&images, &trunk.stages()[first - 1].name).unwrap();
            let mut params = Params::new(0, DType::F32);
            let top = TopStages::on(&mut params, row, &weights, first).unwrap();
            let flat = |tensor: Tensor| -> Vec<f32> { tensor.flatten_all().unwrap().to_vec1().unwrap() };
            let whole: Vec<f64> = flat(trunk.features(&images).unwrap()).into_iter().map(f64::from).collect();
            let (off, largest) = difference(&flat(top.features(&planes).unwrap()), &whole);
            // Folded normalisation against one that is computed.
            assert!(off <= 1e-4 * largest, "{}, from stage {first}: off by {off:.1e} of {largest:.1e}", row.name);

            // With its own statistics, measured and put in place, every normalisation has mean 0 and variance 1 over the
            // planes, so that measuring again changes nothing.
            let measured = top.statistics(&planes).unwrap();
            for (name, values) in &measured {
                params.find(name).unwrap().set(values).unwrap();
            }
            let top = TopStages::on(&mut params, row, &weights, first).unwrap();
            for ((name, before), (_, after)) in measured.iter().zip(top.statistics(&planes).unwrap()) {
                let before: Vec<f64> = flat(before.clone()).into_iter().map(f64::from).collect();
                let (off, largest) = difference(&flat(after), &before);
                assert!(off <= 1e-4 * largest.max(1e-6), "{}, {name}: off by {off:.1e}", row.name);
            }
        }
        let mut params = Params::new(0, DType::F32);
        assert!(TopStages::on(&mut params, row, &weights, count).is_err(), "{} has no stage that high", row.name);
    }
}

#[derive(Deserialize)]
struct Tuned {
    losses: Vec<f64>,
    logits: Vec<Vec<f64>>,
    /// Norm of the change of each parameter.
    changes: BTreeMap<String, f64>,
}

/// The last stage of a backbone under a linear layer.
struct Top(TopStages, Linear);

impl Net for Top {
    fn forward(&self, inputs: &[Tensor], _mode: Mode) -> Result<Output, NnError> {
        let features = self.0.features(&inputs[0])?;
        let logits = self.1.forward(&features)?;
        Ok(Output::new(features, logits))
    }
}

/// Values of `tests/reference/tuned.py`.
#[test]
fn the_last_stage_of_resnet18_is_trained_as_by_torch() {
    let expected: Tuned = json("tuned.json");
    let row = BackboneRow::named("resnet18").unwrap();
    let weights = formula_weights(row, Spelling::Torchvision);
    let trunk = Trunk::new(row, &weights).unwrap();
    let first = trunk.stages().len() - 1;
    let planes = trunk.stage_output(&formula_images(), &trunk.stages()[first - 1].name).unwrap();
    let model = move |params: &mut Params| -> Result<Box<dyn Net>, NnError> {
        let top = TopStages::on(params, row, &weights, first)?;
        Ok(Box::new(Top(top, Linear::new(params, "fc", (512, 2), true)?)))
    };
    let mut params = Params::new(0, DType::F32);
    model.build(&mut params).unwrap();
    let head = [("fc.weight", vec![2, 512], 200, 0.02), ("fc.bias", vec![2], 201, 1.0)];
    for (name, shape, k, scale) in head {
        params.find(name).unwrap().set(&(formula(name, &shape, k) * scale).unwrap()).unwrap();
    }
    let values = |params: &Params| -> BTreeMap<String, Vec<f32>> {
        let flat = |var: &Var| var.as_detached_tensor().flatten_all().unwrap().to_vec1().unwrap();
        params.iter().map(|(name, var)| (name.to_string(), flat(var))).collect()
    };
    let before = values(&params);
    let trained = before.keys().filter(|name| expected.changes.contains_key(*name));
    let slower: Vec<(String, f64)> =
        trained.filter(|name| name.starts_with("layer4")).map(|name| (name.clone(), 0.1)).collect();
    assert_eq!(slower.len() + 2, expected.changes.len());
    let rows = Examples::new(planes, Tensor::new(&[0u32, 1], &Device::Cpu).unwrap());
    let config = TrainConfig::new(expected.losses.len(), 2, 1e-4, Method::adamw(1e-4));
    let training = TrainingLoop::new(&model, &rows, &Loss::CrossEntropy, &config, 0);
    let history = training.run(&mut params, &mut LearningRates::new(slower)).unwrap();
    // Single precision against double, through five steps whose first ones are signs of gradients.
    for (record, loss) in history.iter().zip(&expected.losses) {
        assert!((record.loss - loss).abs() < 2e-3 * loss.max(0.1), "{} against {loss}", record.loss);
    }
    let logits = model.build(&mut params).unwrap().forward(&rows.inputs, Mode::Eval).unwrap().logits;
    for (found, expected) in logits.to_vec2::<f32>().unwrap().iter().zip(&expected.logits) {
        let (off, largest) = difference(found, expected);
        assert!(off < 2e-3 * largest, "off by {off:.1e} of {largest:.1e}");
    }
    for (name, after) in values(&params) {
        let change = after.iter().zip(&before[&name]).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>().sqrt();
        let expected = expected.changes.get(&name).copied().unwrap_or(0.0);
        assert!((change - expected).abs() <= 5e-3 * expected, "{name}: {change:.3e} against {expected:.3e}");
    }
}

#[test]
fn names_that_are_not_there_are_answered_with_the_nearest() {
    let error = BackboneRow::named("resnet81").unwrap_err().to_string();
    assert!(error.contains("unknown backbone") && error.contains("did you mean \"resnet18\""), "{error}");
    let row = BackboneRow::named("squeezenet1_1").unwrap();
    let trunk = plain_trunk(row);
    let error = trunk.stage_output(&formula_images(), "feature.12").unwrap_err().to_string();
    assert!(error.contains("did you mean \"features.12\""), "{error}");
}

#[test]
fn weights_that_do_not_fit_are_reported_by_name() {
    let row = BackboneRow::named("resnet18").unwrap();
    let whole = plain_weights(row);
    let load = |tensors: Vec<(String, Tensor)>| Trunk::new(row, &Weights::new(tensors, "mine.pth".into()).unwrap());
    let without = |name: &str| whole.iter().filter(|(n, _)| n != name).cloned().collect::<Vec<_>>();
    let with = |name: &str, shape: &[usize]| {
        let mut changed = without(name);
        changed.push((name.to_string(), Tensor::zeros(shape, candle_core::DType::F32, &Device::Cpu).unwrap()));
        changed
    };

    let refused = [
        (without("layer2.0.conv1.weight"), "missing: layer2.0.conv1.weight"),
        (with("bn1.bias", &[32]), "reshaped: bn1.bias is [32], not [64]"),
        (Vec::new(), "and 96 more"),
    ];
    for (tensors, message) in refused {
        let error = load(tensors).err().unwrap().to_string();
        assert!(error.starts_with("mine.pth does not fit resnet18: ") && error.contains(message), "{error}");
    }

    // A classifier for other classes, or none, or something beside it: features can still be had.
    let accepted = [
        (with("fc.weight", &[2, 512]), "reshaped: fc.weight is [2, 512], not [1000, 512]", false),
        (without("fc.bias"), "missing: fc.bias", false),
        (with("aux.weight", &[1]), "unexpected: aux.weight", true),
    ];
    for (tensors, notice, scores) in accepted {
        let trunk = load(tensors).unwrap();
        assert!(trunk.notice().is_some_and(|n| n.contains(notice)), "{:?}", trunk.notice());
        let images = formula_images().narrow(2, 0, 32).unwrap().narrow(3, 0, 32).unwrap();
        assert_eq!(trunk.features(&images).unwrap().dims(), [2, 512]);
        assert_eq!(trunk.logits(&images).is_ok(), scores, "{notice}");
    }
}

#[test]
fn weight_files_are_read_whole_or_refused_by_name() {
    let tiny = Weights::read(&reference("tiny.pth")).unwrap();
    let names: Vec<&str> = tiny.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["layer.bias", "layer.weight"], "the integer counter is left out");
    assert_eq!(tiny.get("layer.weight").unwrap().to_vec2::<f32>().unwrap(), [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]);
    assert_eq!(tiny.get("layer.bias").unwrap().to_vec1::<f32>().unwrap(), [0.5, -1.5], "half precision is widened");

    let folder = tempfile::tempdir().unwrap();
    let safe = folder.path().join("tiny.safetensors");
    let tensors: std::collections::HashMap<_, _> = tiny.iter().map(|(name, t)| (name, t.clone())).collect();
    candle_core::safetensors::save(&tensors, &safe).unwrap();
    assert_eq!(Weights::read(&safe).unwrap().digest().unwrap(), tiny.digest().unwrap(), "one hash for both formats");

    for (whole, name, reason) in [
        (reference("tiny.pth"), "cut.pth", "not a whole zip-format PyTorch file"),
        (safe, "cut.safetensors", "not a whole safetensors file"),
    ] {
        let bytes = std::fs::read(whole).unwrap();
        let cut = folder.path().join(name);
        for length in [bytes.len() - 1, bytes.len() / 2] {
            std::fs::write(&cut, &bytes[..length]).unwrap();
            let error = Weights::read(&cut).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains(reason), "{error}");
        }
    }
    let error = Weights::read(Path::new("nowhere.safetensors")).unwrap_err().to_string();
    assert!(error.starts_with("nowhere.safetensors: "), "{error}");
}

#[cfg(not(feature = "hub"))]
#[test]
fn without_the_hub_a_message_names_the_alternative() {
    let error = BackboneRow::named("resnet18").unwrap().weights(None).unwrap_err().to_string();
    assert!(error.contains("feature `hub`") && error.contains("weight file can be named"), "{error}");
    let error = BackboneRow::named("squeezenet1_1").unwrap().weights(None).unwrap_err().to_string();
    assert!(error.contains("needs a weight file"), "{error}");
}

#[cfg(not(feature = "onnx"))]
#[test]
fn without_the_onnx_feature_a_message_names_it() {
    let error = BackboneRow::named("onnx").unwrap().open(Some(Path::new("network.onnx"))).err().unwrap().to_string();
    assert!(error.contains("network.onnx") && error.contains("--features onnx"), "{error}");
}

#[test]
fn extracted_features_are_kept_and_a_damaged_file_is_reported() {
    let row = BackboneRow::named("efficientnet_lite0").unwrap();
    let weights = row.weights(None).unwrap();
    let (trunk, digest) = (Trunk::new(row, &weights).unwrap(), weights.digest().unwrap());
    let mut few = fashion_mnist::shirts().unwrap();
    few.pictures.truncate(1);
    let folder = tempfile::tempdir().unwrap();
    let cache = FeatureCache::new(folder.path());
    let mut seen = Vec::new();
    let first = extract(&trunk, &digest, &few, Some(&cache), |done| {
        seen.push(done);
        true
    });
    let first = first.unwrap().unwrap();
    assert_eq!((first.cached, first.features.values.dim(), first.notices.len()), (false, (1, 1280), 0));
    assert_eq!(seen, [0, 1]);
    let again = extract(&trunk, &digest, &few, Some(&cache), |_| panic!("nothing is computed")).unwrap().unwrap();
    assert!(again.cached && again.features.values == first.features.values);

    let file = std::fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
    std::fs::write(&file, "damaged").unwrap();
    let third = extract(&trunk, &digest, &few, Some(&cache), |_| true).unwrap().unwrap();
    assert!(!third.cached && third.notices[0].contains("computed again"), "{:?}", third.notices);
    assert_eq!(third.features.values, first.features.values);
    assert!(extract(&trunk, &digest, &few, None, |_| false).unwrap().is_none(), "the work ends when it is told to");
}
