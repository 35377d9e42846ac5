//! Plasticity: choices against numpy and PyTorch (tests/reference/plasticity.json, made by plasticity.py beside it),
//! redrawn weights against PyTorch's initial ones, woken angles, and small runs.

use std::sync::Arc;

use candle_core::{DType, Device, Tensor};
use qgraft::circuit::ansatz::Encoding;
use qgraft::circuit::{Ansatz, Circuit, Gate, Observable};
use qgraft::data::{digits, fashion_mnist};
use qgraft::lab::{
    ApplyOptions, ModelChoice, Overrides, RunOptions, SavedRun, Settings, System, SystemOf, run_in_memory, settings,
};
use qgraft::math::Stream;
use qgraft::nn::init::Init;
use qgraft::nn::layer::Linear;
use qgraft::nn::loss::Loss;
use qgraft::nn::{Examples, LayerGroups, Mode, Model, Network, NnError, Output, Params, QuantumLayer};
use qgraft::sim::Auto;
use qgraft::sim::{Condition, Execution};
use qgraft::systems::plasticity::{
    Collection, PictureNetwork, Plasticity, Spec, VisionConfig, arms, dormant, effective_rank,
};
use qgraft::transfer::{FitContext, Reinit, Selection, Transfer, Utility, Value, WakeAngles, select};
use serde::Deserialize;

use crate::support::apply::apply_options;

#[derive(Deserialize)]
struct Reference {
    cases: Vec<Case>,
    fresh: Vec<f64>,
    digits: Digits,
}

#[derive(Deserialize)]
struct Case {
    utility: String,
    values: Vec<f64>,
    count: Option<usize>,
    factor: Option<f64>,
    chosen: Vec<usize>,
}

#[derive(Deserialize)]
struct Digits {
    classes: Vec<usize>,
    sum: f64,
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("../reference/plasticity.json")).unwrap()
}

#[test]
fn utilities_have_their_known_values() {
    // Worked by hand: |w g| = 0.10, 0.05, 0, so that the third is the least useful; by size it is the second.
    let (weights, gradients) = ([0.5, 0.05, 0.9], [-0.2, 1.0, 0.0]);
    let mut stream = Stream::named(0, "test");
    assert_eq!(Utility::Gradient.of(&weights, &gradients, &mut stream), [0.1, 0.05, 0.0]);
    assert_eq!(Utility::Magnitude.of(&weights, &[], &mut stream), weights);
    let mut order = |utility: Utility| {
        let utilities = utility.of(&weights, &gradients, &mut stream);
        let mut order = [0, 1, 2];
        order.sort_by(|a, b| utilities[*a].total_cmp(&utilities[*b]));
        order
    };
    assert_eq!(order(Utility::Gradient), [2, 1, 0]);
    assert_eq!(order(Utility::Magnitude), [1, 0, 2]);
    let random = Utility::Random.of(&[0.0; 1000], &[], &mut stream);
    // Uniform: mean 1/2 with a standard error of 0.009.
    assert!((random.iter().sum::<f64>() / 1000.0 - 0.5).abs() < 0.03);
}

#[test]
fn choices_are_those_of_numpy_ties_included() {
    for Case { utility, values, count, factor, chosen } in reference().cases {
        let selection = match (count, factor) {
            // A hair more than the count: a share that rounds below it would leave the last weight to chance.
            (Some(count), _) => Selection::Share((count as f64 / values.len() as f64).next_up().min(1.0)),
            (_, Some(factor)) => Selection::Threshold(factor),
            _ => panic!("a case has a count or a factor"),
        };
        assert_eq!(select(&values, selection, &mut Stream::named(0, "test")), chosen, "{utility} {selection:?}");
    }
}

#[test]
fn a_share_of_less_than_a_weight_is_right_on_average() {
    let mut stream = Stream::named(1, "test");
    let taken: usize = (0..10_000).map(|_| select(&[1.0; 8], Selection::Share(0.1), &mut stream).len()).sum();
    // 0.8 expected, with a standard error of 0.5 % of it.
    assert!((taken as f64 / 8000.0 - 1.0).abs() < 0.02, "{taken}");
}

struct Two([Linear; 2]);

impl Network for Two {
    fn forward(&self, inputs: &[Tensor], _mode: Mode) -> Result<Output, NnError> {
        let features = self.0[0].forward(&inputs[0])?.relu()?;
        Ok(Output::new(features.clone(), self.0[1].forward(&features)?))
    }
}

fn two(params: &mut Params) -> Result<Box<dyn Network>, NnError> {
    let trunk = Linear::new(params, "trunk.0", (64, 100), true)?;
    Ok(Box::new(Two([trunk, Linear::new(params, "head", (100, 2), true)?])))
}

/// Weights of a trunk of ones after a redraw.
fn redrawn(share: f64, value: Value) -> Vec<f64> {
    let model = two as fn(&mut Params) -> Result<Box<dyn Network>, NnError>;
    let mut params = Params::new(3, DType::F64);
    model.build(&mut params).unwrap();
    let groups = LayerGroups::by_prefix(&params, &["trunk.0", "head"]);
    params.find("trunk.0.weight").unwrap().set(&Tensor::ones((100, 64), DType::F64, &Device::Cpu).unwrap()).unwrap();
    let inputs = Tensor::ones((4, 64), DType::F64, &Device::Cpu).unwrap();
    let training = Examples::new(inputs, Tensor::new(&[0u32, 1, 0, 1], &Device::Cpu).unwrap());
    let context = FitContext { model: &model, training: &training, objective: &Loss::CrossEntropy, batch: 2, seed: 5 };
    let selection = Selection::Share(share);
    let mut method = Reinit { utility: Utility::Random, selection, value, head_first: 0, ..Reinit::new(&groups) };
    method.before_epoch(&context, &mut params, 0).unwrap();
    params.find("trunk.0.weight").unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn a_whole_tensor_drawn_anew_is_distributed_as_pytorchs_fresh_one() {
    let (mut ours, theirs) = (redrawn(1.0, Value::Resample), reference().fresh);
    ours.sort_by(f64::total_cmp);
    let below = |sorted: &[f64], value: f64| sorted.partition_point(|v| *v <= value) as f64 / sorted.len() as f64;
    let gap = ours.iter().chain(&theirs).map(|&v| (below(&ours, v) - below(&theirs, v)).abs()).fold(0.0, f64::max);
    // Kolmogorov and Smirnov's bound at 1 %.
    let (n, m) = (ours.len() as f64, theirs.len() as f64);
    assert!(gap < 1.63 * ((n + m) / (n * m)).sqrt(), "{gap}");
}

#[test]
fn what_replaces_a_weight_has_the_chosen_size() {
    assert!(redrawn(0.0, Value::Resample).iter().all(|w| *w == 1.0), "nothing is replaced");
    let new = |value| redrawn(0.3, value).into_iter().filter(|w| *w != 1.0).collect::<Vec<f64>>();
    assert!(new(Value::Zero).iter().all(|w| *w == 0.0));
    assert!(new(Value::Resample).iter().all(|w| w.abs() <= 0.125), "uniform in ±1/√64");
    let matched = new(Value::Matched);
    assert_eq!(matched.len(), 1920);
    let square = matched.iter().map(|w| w * w).sum::<f64>() / 1920.0;
    // Those that stay are 1; a variance of 1920 normal draws has a standard error of 3 %.
    assert!((square - 1.0).abs() < 0.13, "{square}");
}

#[test]
fn digits_are_scikit_learns() {
    let (pixels, labels) = digits().unwrap();
    let expected = reference().digits;
    let count = |class: u32| labels.iter().filter(|label| **label == class).count();
    assert_eq!((0..10).map(count).collect::<Vec<_>>(), expected.classes);
    // Sixteenths: exact in single precision, summed in double.
    assert_eq!(pixels.iter().map(|v| f64::from(*v)).sum::<f64>(), expected.sum);
    for collection in [Collection::Dataset, Collection::Near, Collection::Far] {
        let drawn = collection.draw(2, 12, 1).unwrap();
        assert_eq!(drawn.inputs[0].dims(), [2 * collection.classes(), 1, 12, 12]);
    }
}

#[test]
fn sleeping_units_and_ranks_are_counted() {
    assert_eq!(dormant(&[0.0, 1.0, 0.01, 1.0]), [0, 2]);
    assert!((effective_rank([2.0, 2.0, 2.0, 0.0].into_iter()) - 3.0).abs() < 1e-12);
    assert_eq!(effective_rank([0.0].into_iter()), 0.0);
}

/// RZ(w0) on |0⟩, which nothing feels, then RY(x) and RY(w1); ⟨Z⟩ is to be 1.
fn one_qubit() -> Execution {
    let mut circuit = Circuit::new(1);
    let [x, idle, busy] = ["x", "w0", "w1"].map(|name| circuit.slot(name));
    for (gate, angle) in [(Gate::Rz, idle), (Gate::Ry, x), (Gate::Ry, busy)] {
        circuit.push(gate, &[0], &[angle]).unwrap();
    }
    let ansatz = Ansatz { circuit, inputs: 1, encoding: Encoding::Direct, observables: Observable::all_z(1) };
    Execution::ideal(&ansatz, Arc::new(Auto::new(Default::default()))).unwrap()
}

struct Turned(Tensor);

impl Network for Turned {
    fn forward(&self, inputs: &[Tensor], _mode: Mode) -> Result<Output, NnError> {
        let expectations = QuantumLayer::new(one_qubit()).forward(&inputs[0], &self.0)?;
        Ok(Output::new(inputs[0].clone(), expectations))
    }
}

fn turned(params: &mut Params) -> Result<Box<dyn Network>, NnError> {
    Ok(Box::new(Turned(params.get("circuit.weights", &[2], Init::Constant(0.7))?)))
}

#[test]
fn an_angle_without_effect_is_redrawn_and_no_other() {
    let model = turned as fn(&mut Params) -> Result<Box<dyn Network>, NnError>;
    let inputs = Tensor::new(&[[0.1], [0.4], [0.9], [1.3]], &Device::Cpu).unwrap();
    let training = Examples::new(inputs, Tensor::ones((4, 1), DType::F64, &Device::Cpu).unwrap());
    let context = FitContext { model: &model, training: &training, objective: &Loss::Squares, batch: 2, seed: 5 };
    let angles = |_: &mut Params, rows: &[Tensor]| Ok(rows[0].clone());
    for (selection, woken) in [(Selection::Threshold(0.025), 1), (Selection::Share(0.5), 1), (Selection::Share(1.0), 2)]
    {
        let mut params = Params::new(3, DType::F64);
        model.build(&mut params).unwrap();
        let groups = LayerGroups::by_prefix(&params, &["trunk", "circuit"]);
        let fresh = WakeAngles::new(&groups, one_qubit(), &angles);
        let activity = fresh.activity(&context, &mut params).unwrap();
        // Twice the mean of both, in slope and in information alike: a rotation changes its qubit at speed one.
        assert!(activity[0].abs() < 1e-9 && (activity[1] - 2.0).abs() < 1e-9, "{activity:?}");
        let mut wake = WakeAngles { selection, window: 0.1, ..fresh };
        wake.before_epoch(&context, &mut params, 0).unwrap();
        assert_eq!(wake.redrawn, None, "the head learns alone first");
        wake.before_epoch(&context, &mut params, 1).unwrap();
        let after: Vec<f64> = params.find("circuit.weights").unwrap().to_vec1().unwrap();
        assert!(after[..woken].iter().all(|angle| angle.abs() <= 0.1), "{after:?}");
        assert!(after[woken..].iter().all(|angle| *angle == 0.7), "{after:?}");
        assert_eq!(wake.redrawn, Some(woken as f64 / 2.0));
    }
}

/// The smoke preset.
fn small() -> Spec {
    let smoke = Spec::PRESETS.iter().find(|preset| preset.name == "smoke").unwrap();
    let mut spec = Spec::default();
    (smoke.apply)(&mut spec);
    spec
}

#[test]
fn a_head_that_is_a_circuit_has_arms_of_its_own() {
    let mut spec = Spec { settings: vec!["useful_source".into()], head: "quantum".into(), ..small() };
    spec.digits.random.epochs = 2;
    let found = run_in_memory::<Plasticity>(&spec).unwrap();
    assert!((0.0..=1.0).contains(&found.of("dormant_angles").single().unwrap()));
    for arm in ["least active angles 30 %", "any angles 30 %"] {
        // One angle of 36 by chance.
        assert!((found.of("replaced").at("arm", arm).single().unwrap() - 0.3).abs() < 0.03, "{arm}");
    }
    let curve = |arm: &str| found.mean_curve("main", "accuracy", &[("arm", arm)]).unwrap();
    assert_ne!(curve("fresh circuit"), curve("plain"));
    spec.head = "frozen_quantum".into();
    assert!(!arms(&spec).iter().any(|arm| arm.name.contains("angles")), "nothing is trained there");
}

#[test]
fn an_arm_replaces_its_share_of_weights() {
    let found = run_in_memory::<Plasticity>(&small()).unwrap();
    for (setting, replaced) in found.of("replaced").at("arm", "gradient 30 % resample").by("setting") {
        // One weight by chance in each of at most three matrices.
        assert!((replaced.mean() - 0.3).abs() < 0.01, "{setting}: {}", replaced.mean());
    }
    let last = found.of("last").at("setting", "useful_source").at("arm", "plain").single().unwrap();
    // Guessing gives 0.1.
    assert!(last > 0.2, "{last}");
}

#[test]
fn a_small_vision_transformer_has_every_arm_that_convolutions_have() {
    let mut spec = Spec { settings: vec!["near".into()], ..small() };
    spec.pictures.network = PictureNetwork::Transformer;
    spec.pictures.transformer = VisionConfig { patch: 4, width: 8, depth: 2, heads: 2 };
    (spec.pictures.source_rows, spec.pictures.labels) = (8, 8);
    (spec.pictures.source.epochs, spec.pictures.target.epochs) = (4, 4);
    let found = run_in_memory::<Plasticity>(&spec).unwrap();
    assert!(found.failures.is_empty(), "{:?}", found.failures);
    for arm in arms(&spec) {
        let area = found.of("area").at("arm", &arm.name).single().unwrap();
        assert!((0.0..=1.0).contains(&area), "{}: {area}", arm.name);
    }
    // Units behind the GELU of both encoders; none is 0 on every picture.
    for metric in ["fresh_dormant", "dormant"] {
        assert!((0.0..1.0).contains(&found.of(metric).single().unwrap()), "{metric}");
    }
    assert_eq!(found.of("dead").single().unwrap(), 0.0);
    let curve = |arm: &str| found.mean_curve("main", "accuracy", &[("arm", arm)]).unwrap();
    assert!(curve("scratch") != curve("plain") && curve("frozen") != curve("plain"));
    // 30 % of each matrix, and nothing of the head.
    let replaced = found.of("replaced").at("arm", "gradient 30 % resample").single().unwrap();
    assert!((replaced - 0.3).abs() < 0.01, "{replaced}");
    for (patch, heads, field) in [(3, 2, "transformer.patch"), (4, 3, "transformer.heads")] {
        spec.pictures.transformer = VisionConfig { patch, heads, ..spec.pictures.transformer };
        let error = run_in_memory::<Plasticity>(&spec).unwrap_err().to_string();
        assert!(error.contains(field), "{error}");
        spec.pictures.transformer = VisionConfig { patch: 4, heads: 2, ..spec.pictures.transformer };
    }
}

#[test]
fn the_full_grid_has_every_cell_once() {
    let full = Spec::PRESETS.iter().find(|preset| preset.name == "full").unwrap();
    let mut spec = Spec::default();
    (full.apply)(&mut spec);
    let names: Vec<String> = arms(&spec).into_iter().map(|arm| arm.name).collect();
    let distinct: std::collections::HashSet<&String> = names.iter().collect();
    assert_eq!(distinct.len(), names.len());
    // Controls; 3 utilities × 9 selections × 3 values on all layers; 3 × 6 shares on the first and on the last.
    assert_eq!(names.len(), 8 + 81 + 36);
    assert!(names.iter().any(|name| name == "magnitude 0.1 % resample, first layers"), "{names:?}");
}

/// The smoke preset on pictures with two arms that replace weights.
fn pictures() -> Spec {
    let mut spec = Spec { settings: vec!["shirts".into()], utilities: vec![Utility::Gradient], ..small() };
    spec.pretrained.rates = vec![1.0];
    spec
}

#[test]
fn a_fine_tuned_backbone_predicts_from_its_file_what_it_predicted_in_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let system = SystemOf::<Plasticity>::new();
    let file = settings::tree(&pictures());
    let request = system.resolve(&Overrides { file: Some(file), ..Overrides::default() }).unwrap();
    let options = RunOptions { cache: folder.path().join("cache"), ..RunOptions::new(folder.path().join("run")) };
    let outcome = system.run(&request, &options, &()).unwrap();
    assert!(outcome.results.failures.is_empty(), "{:?}", outcome.results.failures);
    let run = SavedRun::open(&outcome.folder).unwrap();

    let plain = run.trials.iter().find(|trial| trial.point.get("arm") == "plain").unwrap();
    let text = String::from_utf8(plain.file("predictions.csv").unwrap()).unwrap();
    let lines: Vec<Vec<&str>> = text.lines().skip(1).map(|line| line.split(',').collect()).collect();
    assert_eq!(lines.len(), 9, "three test pictures of each class");
    let right = lines.iter().filter(|line| line[4] == line[5]).count() as f64 / 9.0;
    assert!((right - plain.measurement.get("last").unwrap()).abs() < 1e-12, "the last accuracy can be recomputed");

    // The same pictures as files, in folders of their classes.
    let shirts = fashion_mnist::shirts().unwrap();
    for line in &lines {
        let row = shirts.samples.ids.iter().position(|id| id == line[3]).unwrap();
        let picture = &shirts.pictures[row];
        let path = folder.path().join("new").join(line[4].replace('/', "_")).join(format!("{row}.png"));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let (width, height) = (picture.width as u32, picture.height as u32);
        image::save_buffer(&path, &picture.rgb, width, height, image::ColorType::Rgb8).unwrap();
    }
    let ask = apply_options(&folder.path().join("new"), None);
    let applied = system.apply(&run, &ask, &()).unwrap();
    assert_eq!(applied.rows.len(), 9);
    for row in &applied.rows {
        let id = row[0].as_str().unwrap().rsplit('/').next().unwrap().trim_end_matches(".png").to_string();
        let line = lines.iter().find(|line| shirts.samples.ids[id.parse::<usize>().unwrap()] == line[3]).unwrap();
        for class in 0..3 {
            let (then, now): (f64, f64) = (line[6 + class].parse().unwrap(), row[3 + class].as_f64().unwrap());
            // Packed kernels with folded normalisation against those that were trained.
            assert!((then - now).abs() < 1e-3, "{id}: {then} in the run, {now} from the file");
        }
    }
    let written = system.onnx(&run, &ModelChoice::default()).unwrap();
    assert!(written.title.contains("(batch, 3, 32, 32)") && written.title.contains("`probabilities` (batch, 3)"));
    let noisy = ApplyOptions { condition: Condition { shots: Some(10), ..Condition::default() }, ..ask };
    assert!(system.apply(&run, &noisy, &()).unwrap_err().to_string().contains("no circuit"));
}

#[test]
fn own_pictures_are_a_setting_of_their_own_and_other_files_are_refused() {
    let flags = |list: &[(&str, &str)]| Overrides {
        flags: list.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect(),
        ..Overrides::default()
    };
    let system = SystemOf::<Plasticity>::new();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.txt");
    std::fs::write(&file, "no pictures").unwrap();
    let text = |path: &std::path::Path| path.display().to_string();
    let request = system.resolve(&flags(&[("data", &text(folder.path()))])).unwrap();
    assert_eq!(request.base["settings"].as_array().unwrap()[0].as_str(), Some("own"));
    for (list, message) in [
        (vec![("data", text(&file))], "a folder of class folders"),
        (vec![("settings", "own".to_string())], "data = missing"),
        (vec![("backbone", "squeezenet1_1".to_string())], "a weight file of squeezenet1_1 (--weights)"),
        (vec![("live", "10".to_string())], "a whole number from 1 to 9"),
        (vec![("edge", "16".to_string())], "a whole number from 32 to 512"),
    ] {
        let list: Vec<(&str, &str)> = list.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let error = system.resolve(&flags(&list)).unwrap_err().to_string();
        assert!(error.contains(message), "{list:?}: {error}");
    }
}
