//! Maps between representations: against other programs, what noise and gates are for, matrices of a user.

use std::fs;
use std::path::{Path, PathBuf};

use ndarray::{Array1, Array2, ArrayView2};
use qgraft::classic::alignment::{
    Affine, Choice, Isl, PairedRows, RidgePath, Sources, debiased, effective_rank, folds, noise_ceiling,
    normalised_error, top_k, two_way,
};
use qgraft::data::{parse_matrix, read_matrix};
use qgraft::device::Device;
use qgraft::lab::{ApplyOptions, Measurement, Outcome, Overrides, SavedRun, StudyError, System};
use qgraft::math::Stream;
use qgraft::sim::Condition;
use qgraft::systems::SYSTEMS;
use qgraft::systems::alignment::{Flaw, Lender, SavedMap, Spec, World, drifted};
use serde::Deserialize;
use tempfile::TempDir;

use crate::support::apply::apply_options;

/// Made by tests/reference/alignment.py.
#[derive(Deserialize)]
struct Reference {
    tall: RidgeCase,
    wide: RidgeCase,
    sources: SourcesCase,
    retrieval: Retrieval,
}

#[derive(Deserialize)]
struct RidgeCase {
    x: Vec<Vec<f64>>,
    y: Vec<Vec<f64>>,
    alphas: Vec<f64>,
    common: Vec<Vec<f64>>,
    common_intercepts: Vec<f64>,
    each: Vec<Vec<f64>>,
    each_intercepts: Vec<f64>,
}

#[derive(Deserialize)]
struct SourcesCase {
    answers: Vec<Vec<Vec<f64>>>,
    y: Vec<Vec<f64>>,
    penalty: f64,
    weights: Vec<f64>,
}

#[derive(Deserialize)]
struct Retrieval {
    truth: Vec<Vec<f64>>,
    predicted: Vec<Vec<f64>>,
    mean: Vec<f64>,
    two_way: f64,
    top_1: f64,
    rank: f64,
    error: f64,
}

fn reference() -> Reference {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/alignment/reference.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn matrix(rows: &[Vec<f64>]) -> Array2<f64> {
    Array2::from_shape_vec((rows.len(), rows[0].len()), rows.concat()).unwrap()
}

fn gap(found: ArrayView2<'_, f64>, wanted: ArrayView2<'_, f64>) -> f64 {
    assert_eq!(found.dim(), wanted.dim());
    found.iter().zip(&wanted).map(|(f, w)| (f - w).abs()).fold(0.0, f64::max)
}

#[test]
fn ridge_regression_is_that_of_scikit_learn_with_more_rows_than_inputs_and_fewer() {
    let Reference { tall, wide, .. } = reference();
    for (name, case) in [("tall", tall), ("wide", wide)] {
        let (x, y) = (matrix(&case.x), matrix(&case.y));
        let path = RidgePath::new(PairedRows { x: x.view(), y: y.view() });
        let found = path.fit(3.0).unwrap();
        assert!(gap(found.weights.view(), matrix(&case.common).view()) < 1e-8, "{name}");
        let intercepts = &found.intercepts - &Array1::from(case.common_intercepts);
        assert!(intercepts.iter().all(|gap| gap.abs() < 1e-8), "{name}");
        for (target, alpha) in case.alphas.iter().enumerate() {
            let own = path.fit(*alpha).unwrap();
            let wanted = matrix(&case.each);
            let gaps = &own.weights.column(target) - &wanted.column(target);
            assert!(gaps.iter().all(|gap| gap.abs() < 1e-8), "{name}: target {target}");
            assert!((own.intercepts[target] - case.each_intercepts[target]).abs() < 1e-8, "{name}: target {target}");
        }
    }
}

#[test]
fn weights_of_sources_are_those_of_the_non_negative_lasso() {
    let SourcesCase { answers, y, penalty, weights } = reference().sources;
    // A map that reads the answers of one source from a row of all of them.
    let count = answers.len();
    let x = Array2::from_shape_fn((20, 2 * count), |(row, k)| answers[k / 2][row][k % 2]);
    let map = |source: usize| Affine {
        weights: Array2::from_shape_fn((2 * count, 2), |(k, target)| f64::from(u8::from(k == 2 * source + target))),
        intercepts: Array1::zeros(2),
    };
    let sources = Sources { maps: (0..count).map(map).collect(), penalty };
    let y = matrix(&y);
    let found = sources.weights(PairedRows { x: x.view(), y: y.view() });
    for (found, wanted) in found.iter().zip(&weights) {
        assert!((found - wanted).abs() < 1e-6, "{found} {wanted}");
    }
    assert!(weights.contains(&0.0), "one source has no weight");
}

#[test]
fn retrieval_and_ranks_are_those_of_numpy() {
    let case = reference().retrieval;
    let (truth, predicted, mean) = (matrix(&case.truth), matrix(&case.predicted), Array1::from(case.mean));
    let (predicted, truth, mean) = (predicted.view(), truth.view(), mean.view());
    assert!((two_way(predicted, truth, mean) - case.two_way).abs() < 1e-12);
    assert!((top_k(predicted, truth, mean, (1, 12)) - case.top_1).abs() < 1e-12);
    assert!((effective_rank(predicted) - case.rank).abs() < 1e-8);
    assert!((normalised_error(predicted, truth, mean) - case.error).abs() < 1e-12);
    assert_eq!(top_k(predicted, truth, mean, (12, 12)), 1.0, "all of a gallery");
    assert_eq!(top_k(predicted, truth, mean, (1, 1)), 1.0, "a gallery of one");
}

#[test]
fn noise_ceilings_are_the_shares_of_variance_that_repetitions_agree_in() {
    let mut stream = Stream::named(2, "repetitions");
    let signal = Array2::from_shape_fn((4000, 3), |(_, k)| [0.0, 1.0, 2.0][k] * stream.normal());
    let rows: Vec<Array2<f64>> = (0..3).map(|_| signal.mapv(|value| value + stream.normal())).collect();
    let views: Vec<ArrayView2<'_, f64>> = rows.iter().map(|rows| rows.view()).collect();
    // Variance of the signal over that of the mean of three repetitions.
    for (found, wanted) in noise_ceiling(&views).unwrap().iter().zip([0.0, 0.75, 12.0 / 13.0]) {
        assert!((found - wanted).abs() < 0.04, "{found} {wanted}");
    }
    assert!(noise_ceiling(&views[..1]).is_none());
}

#[test]
fn folds_have_every_row_once() {
    for (rows, count) in [(10, 3), (3, 5), (1, 2), (7, 7)] {
        let folds = folds(rows, count, 0);
        let mut all: Vec<usize> = folds.concat();
        all.sort_unstable();
        assert_eq!(all, (0..rows).collect::<Vec<_>>(), "{rows} {count}");
    }
}

#[test]
fn noise_makes_unpaired_targets_useful_and_the_gate_refuses_useless_ones() {
    let spec = Spec { inputs: 40, outputs: 16, pool_rows: 3000, test_rows: 600, ..Spec::default() };
    let isl = Isl { has_noise: true, is_corrected: false, weak: 1e-3, folds: 5, choice: Choice::Common, seed: 0 };
    let error = |map: &Affine, world: &World| {
        normalised_error(map.predict(world.test_x.view()).view(), world.test_y.view(), Array1::zeros(16).view())
    };
    let (mut won, mut passed) = (0, 0);
    for seed in 0..4 {
        let world = World::simulated(&spec, 0.3, (80, 0, Flaw::None), seed).unwrap();
        let pairs = world.pairs(80);
        let ridge = error(&isl.supervised(pairs).unwrap(), &world);
        let own = error(&isl.fit(pairs, world.pool.view()).unwrap(), &world);
        let noiseless = Isl { has_noise: false, ..isl }.fit(pairs, world.pool.view()).unwrap();
        assert!(error(&noiseless, &world) > 2.0 * own, "seed {seed}: noise is what makes it work");
        won += usize::from(own < ridge);

        let bad = World::simulated(&spec, 1.0, (80, 0, Flaw::Pool), seed).unwrap();
        let gated = isl.gated(bad.pairs(80), &|pairs| isl.fit(pairs, bad.pool.view())).unwrap();
        passed += usize::from(gated.has_passed);
        let ridge = error(&isl.supervised(bad.pairs(80)).unwrap(), &bad);
        assert!(error(&gated.map, &bad) <= 1.02 * ridge, "seed {seed}");
    }
    assert!(won >= 3, "unpaired targets help in {won} of 4 worlds");
    assert_eq!(passed, 0, "targets of another law are refused");
}

#[test]
fn a_sparse_difference_is_found_from_fewer_pairs_than_inputs() {
    let mut stream = Stream::named(4, "sparse difference");
    let mut normal = |shape| Array2::from_shape_simple_fn(shape, || stream.normal());
    let (inputs, outputs) = (30, 4);
    let map = Affine { weights: normal((inputs, outputs)), intercepts: Array1::ones(outputs) };
    let mut truth = Affine { weights: map.weights.clone(), intercepts: Array1::from_elem(outputs, 3.0) };
    truth.weights[[7, 1]] += 2.0;
    truth.weights[[20, 3]] -= 2.0;
    let x = normal((25, inputs));
    let folds = folds(25, 5, 0);
    let y = truth.predict(x.view()) + normal((25, outputs)) * 0.05;
    let found = debiased(&map, PairedRows { x: x.view(), y: y.view() }, &folds).unwrap();
    // Noise of 0.05 in 25 rows, and what the penalty takes away.
    assert!(gap(found.weights.view(), truth.weights.view()) < 0.3, "{}", found.weights);
    assert!(found.intercepts.iter().all(|own| (own - 3.0).abs() < 0.2), "{}", found.intercepts);
    // Nothing differs.
    let y = map.predict(x.view());
    let same = debiased(&map, PairedRows { x: x.view(), y: y.view() }, &folds).unwrap();
    assert!(gap(same.weights.view(), map.weights.view()) < 1e-9);
    let y = y.mapv(|value| value * 1e300);
    assert!(debiased(&map, PairedRows { x: x.view(), y: (y * 1e300).view() }, &folds).is_err());
}

#[test]
fn other_subjects_help_one_who_saw_few_garments() {
    let spec = Spec { seen: vec![60], inputs: 40, outputs: 12, pool_rows: 1000, source_rows: 600, ..Spec::default() };
    let error = |map: &Affine, world: &World| {
        let mean = world.y.mean_axis(ndarray::Axis(0)).unwrap();
        normalised_error(map.predict(world.test_x.view()).view(), world.test_y.view(), mean.view())
    };
    // One world: without optimisation it takes half a minute.
    let seed = 0;
    let world = World::pictures(&spec, seed).unwrap();
    assert_eq!((world.x.dim(), world.pool.dim(), world.test_y.dim()), ((60, 40), (1000, 12), (300, 12)));
    assert_eq!((world.sources.len(), world.inverse_sources[0].weights.dim()), (3, (12, 40)));
    let isl = Isl { has_noise: true, is_corrected: true, weak: 1e-3, folds: 5, choice: Choice::Common, seed };
    let pairs = world.pairs(60);
    let own = error(&isl.supervised(pairs).unwrap(), &world);
    let borrowed = isl.fit_by(pairs, world.pool.view(), &|inverse| {
        let sources = Sources { maps: world.inverse_sources.clone(), penalty: spec.penalty };
        isl.corrected(sources.combined(&sources.weights(inverse))?, inverse)
    });
    let borrowed = error(&borrowed.unwrap(), &world);
    assert!(borrowed < own && own < 1.0, "{borrowed} {own}");
}

#[test]
fn other_days_are_the_device_with_moved_errors() {
    let device = Device::named("manila").unwrap();
    assert_eq!(drifted(&device, 0.0, &mut Stream::named(0, "day")), device);
    let day = drifted(&device, 0.2, &mut Stream::named(0, "day"));
    assert_ne!(day, drifted(&device, 0.2, &mut Stream::named(1, "day")));
    for (own, other) in device.calibration.qubits.iter().zip(&day.calibration.qubits) {
        let ratio = other.t1.unwrap().0 / own.t1.unwrap().0;
        assert!((ratio.ln() / 0.2).abs() < 4.0 && ratio != 1.0, "{ratio}");
        // T2 stays below its limit of 2 T1.
        assert!((ratio - other.t2.unwrap().0 / own.t2.unwrap().0).abs() < 1e-12);
        let mean = (other.one_given_zero.unwrap() + other.zero_given_one.unwrap()) / 2.0;
        assert_eq!(other.readout_error, Some(mean));
    }
    for (own, other) in device.calibration.gates.iter().zip(&day.calibration.gates) {
        assert_eq!((&own.qubits, own.length), (&other.qubits, other.length));
    }
}

#[test]
fn maps_of_other_days_help_from_few_circuits_and_all_methods_have_as_many_shots() {
    let spec = Spec { circuits: 100, pairs: vec![20], source_rows: 200, pool_rows: 50, days: 3, ..Spec::default() };
    let error = |values: &Array2<f64>, world: &World| (values - &world.test_y).mapv(|gap| gap * gap).mean().unwrap();
    for seed in 0..2 {
        let world = World::readout(&spec, Lender::Days, seed, &mut Measurement::default()).unwrap();
        assert_eq!((world.sources.len(), world.x.dim(), world.test_x.dim()), (3, (20, 10), (100, 10)));
        let isl = Isl { has_noise: true, is_corrected: true, weak: 1e-3, folds: 5, choice: Choice::Common, seed };
        let sources = Sources { maps: world.sources.clone(), penalty: spec.penalty };
        let borrowed = sources.combined(&sources.weights(world.pairs(20))).unwrap();
        let own = isl.supervised(world.pairs(20)).unwrap();
        let of_map = |map: &Affine| error(&map.predict(world.test_x.view()), &world);
        assert!(of_map(&borrowed) < of_map(&own), "seed {seed}: {} {}", of_map(&borrowed), of_map(&own));
        let of = |name: &str| {
            error(&world.others.iter().find(|other| other.method == name && other.pairs == 20).unwrap().values, &world)
        };
        assert!(of("readout_inversion") < of("unmitigated"), "seed {seed}");
        // 100 circuits of 1,000 shots and 20 pairs: 1,200 shots without pairs. Of ⟨Z⟩ near 0 their variance is 1/shots.
        assert!(of_map(&borrowed) < of("unmitigated"), "seed {seed}");
    }
    let other = World::readout(&spec, Lender::Devices, 0, &mut Measurement::default()).unwrap();
    assert_eq!(other.sources.len(), spec.other_devices.len());
}

fn alignment() -> &'static dyn System {
    SYSTEMS.iter().copied().find(|system| system.info().name == "alignment").unwrap()
}

fn run(folder: &Path, flags: &[(&str, &str)]) -> Result<Outcome, StudyError> {
    let flags = flags.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    let request = alignment().resolve(&Overrides { presets: vec!["smoke".into()], flags, ..Overrides::default() })?;
    alignment().run(&request, &crate::systems::options(folder, 2), &())
}

/// The first file of this name below a folder.
fn walk(folder: &Path, name: &str) -> PathBuf {
    let mut open = vec![folder.to_path_buf()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap().map(|entry| entry.unwrap().path()) {
            match entry.is_dir() {
                true => open.push(entry),
                false if entry.ends_with(name) => return entry,
                false => {}
            }
        }
    }
    panic!("no {name} below {}", folder.display());
}

/// A matrix as an .npy file, version 1.0.
fn npy(path: &Path, rows: ArrayView2<'_, f64>) -> PathBuf {
    let shape = format!("({}, {})", rows.nrows(), rows.ncols());
    let mut header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}");
    while (header.len() + 11) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    rows.iter().for_each(|value| bytes.extend(value.to_le_bytes()));
    fs::write(path, bytes).unwrap();
    path.into()
}

#[test]
fn maps_of_own_matrices_answer_for_new_rows() {
    let directory = TempDir::new().unwrap();
    let spec = Spec { inputs: 12, outputs: 4, pool_rows: 500, ..Spec::default() };
    let world = World::simulated(&spec, 0.3, (120, 0, Flaw::None), 1).unwrap();
    let file =
        |name: &str, rows: ArrayView2<'_, f64>| npy(&directory.path().join(name), rows).to_str().unwrap().to_string();
    let (x, y, pool) =
        (file("x.npy", world.x.view()), file("y.npy", world.y.view()), file("pool.npy", world.pool.view()));
    assert_eq!(read_matrix(Path::new(&x), "x").unwrap(), world.x);
    let folder = directory.path().join("run");
    let flags = [("data", x.as_str()), ("answers", &y), ("pool", &pool), ("arms", "ridge,isl"), ("rows", "40,200")];
    let outcome = run(&folder, &flags).unwrap();
    assert!(outcome.results.failures.is_empty(), "{:?}", outcome.results.failures);
    let error = |arm: &str| outcome.results.of("error").at("arm", arm).at("rows", "40").samples().unwrap().mean();
    assert!(error("isl") < 1.0 && error("ridge") < 1.0, "{} {}", error("isl"), error("ridge"));

    let options =
        |data: &str, condition: Condition| ApplyOptions { condition, ..apply_options(Path::new(data), Some("isl")) };
    let saved = SavedRun::open(&folder).unwrap();
    let applied = alignment().apply(&saved, &options(&x, Condition::default()), &()).unwrap();
    assert_eq!((applied.rows.len(), applied.columns.len()), (120, 2 + 4));
    let refused = alignment().apply(&saved, &options(&y, Condition::default()), &()).unwrap_err().to_string();
    assert!(refused.contains("rows of 4 numbers; the map reads rows of 12"), "{refused}");
    let shots = Condition { shots: Some(10), ..Condition::default() };
    assert!(alignment().apply(&saved, &options(&x, shots), &()).is_err());

    // Of two maps that of the least error of held-out pairs is taken, though test rows may say otherwise.
    let any = apply_options(Path::new(&x), None);
    let least = |metric: &str| {
        let of = |arm: &str| outcome.results.of(metric).at("arm", arm).at("rows", "40").samples().unwrap().mean();
        // A gate that refuses leaves the map of the pairs, and the first of equals is taken.
        if of("ridge") <= of("isl") { "ridge" } else { "isl" }
    };
    let model = alignment().apply(&saved, &any, &()).unwrap().model;
    assert!(model.contains(least("validation")), "{model}");

    // A map with a value that is no number is a damaged file.
    let found = walk(&folder, "aligner.safetensors");
    let bytes = fs::read(&found).unwrap();
    let mut damaged = bytes.clone();
    let end = damaged.len();
    damaged[end - 8..].copy_from_slice(&f64::NAN.to_le_bytes());
    let refused = SavedMap::from_bytes(&damaged, &found).unwrap_err().to_string();
    assert!(refused.contains("NaN; the file is damaged") && refused.contains("aligner.safetensors"), "{refused}");
    assert!(SavedMap::from_bytes(&bytes, &found).is_ok());

    // The same numbers in other units: penalties act as before, and answers are in the units of the targets.
    let answers = |rows: &qgraft::lab::Applied| -> Vec<f64> {
        rows.rows.iter().flat_map(|row| row[2..].iter().map(|value| value.as_f64().unwrap())).collect()
    };
    let small = (world.x.mapv(|v| v * 1e-4), world.y.mapv(|v| v * 1e3), world.pool.mapv(|v| v * 1e3));
    let (small_x, small_y, small_pool) =
        (file("xs.npy", small.0.view()), file("ys.npy", small.1.view()), file("ps.npy", small.2.view()));
    let scaled = directory.path().join("scaled");
    let flags = [
        ("data", small_x.as_str()),
        ("answers", &small_y),
        ("pool", &small_pool),
        ("arms", "ridge,isl"),
        ("rows", "40"),
    ];
    run(&scaled, &flags).unwrap();
    let scaled = SavedRun::open(&scaled).unwrap();
    let scaled = alignment().apply(&scaled, &options(&small_x, Condition::default()), &()).unwrap();
    for (own, other) in answers(&applied).iter().zip(answers(&scaled)) {
        // Both are sums of a few thousand rounded products.
        assert!((own - 1e-3 * other).abs() < 1e-8 * (1.0 + own.abs()), "{own} {other}");
    }

    let short = file("short.npy", world.y.slice(ndarray::s![..50, ..]));
    let flat = file("flat.npy", world.pool.slice(ndarray::s![.., ..2]));
    let mut nan = world.x.clone();
    nan[[3, 1]] = f64::NAN;
    let nan = file("nan.npy", nan.view());
    let text = directory.path().join("x.txt");
    fs::write(&text, "1 2 3\n").unwrap();
    type Case<'a> = (&'a str, Vec<(&'a str, &'a str)>, &'a str);
    let cases: [Case; 7] = [
        ("rows", vec![("data", &x), ("answers", &short)], "120 rows, and 50"),
        ("width", vec![("data", &x), ("answers", &y), ("pool", &flat)], "rows of 2 numbers; targets have 4"),
        ("nan", vec![("data", &nan), ("answers", &y)], "row 4, column 2"),
        ("text", vec![("data", text.to_str().unwrap()), ("answers", &y)], "expected a matrix"),
        ("alone", vec![("data", &x)], "--answers"),
        ("few", vec![("data", &x), ("answers", &y), ("rows", "100,500")], "84 of its 120 rows"),
        ("unpaired", vec![("data", &x), ("answers", &y), ("arms", "isl")], "--pool"),
    ];
    for (name, flags, reason) in cases {
        let error = match run(&directory.path().join(format!("run {name}")), &flags) {
            Err(error) => error.to_string(),
            Ok(outcome) => format!("{:?}", outcome.results.failures),
        };
        assert!(error.contains(reason), "{name}: {error}; expected {reason}");
    }
}

#[test]
fn networks_of_own_matrices_answer_in_the_units_of_the_targets() {
    let directory = TempDir::new().unwrap();
    let spec = Spec { inputs: 12, outputs: 4, pool_rows: 50, ..Spec::default() };
    let world = World::simulated(&spec, 0.3, (200, 0, Flaw::None), 1).unwrap();
    let file =
        |name: &str, rows: &Array2<f64>| npy(&directory.path().join(name), rows.view()).to_str().unwrap().to_string();
    let answers = |name: &str, (x, y): (Array2<f64>, Array2<f64>), arm: &str| -> Vec<f64> {
        let (x, y) = (file(&format!("{name}-x.npy"), &x), file(&format!("{name}-y.npy"), &y));
        let folder = directory.path().join(name);
        if !folder.exists() {
            let flags = [("data", x.as_str()), ("answers", &y), ("arms", "network,network_soft_clip"), ("rows", "140")];
            let outcome = run(&folder, &flags).unwrap();
            assert!(outcome.results.failures.is_empty(), "{:?}", outcome.results.failures);
            assert!(outcome.results.of("error").samples().unwrap().max() < 1.5);
        }
        let saved = SavedRun::open(&folder).unwrap();
        let applied = alignment().apply(&saved, &apply_options(Path::new(&x), Some(arm)), &()).unwrap();
        applied.rows.iter().flat_map(|row| row[2..].iter().map(|value| value.as_f64().unwrap())).collect()
    };
    let (x, y) = (world.x.clone(), world.y.clone());
    let plain = answers("plain", (x.clone(), y.clone()), "network");
    assert_eq!(plain.len(), 200 * 4);
    assert_ne!(plain, answers("plain", (x.clone(), y.clone()), "network_soft_clip"));
    let scaled = answers("scaled", (x * 1e-4, y * 1e3), "network");
    for (own, other) in plain.iter().zip(&scaled) {
        // Single precision, two epochs.
        assert!((own - 1e-3 * other).abs() < 1e-3 * (1.0 + own.abs()), "{own} {other}");
    }
    // A file whose sizes do not fit, or are too many, is refused by its name.
    let path = walk(&directory.path().join("plain"), "aligner_network.safetensors");
    let bytes = fs::read(&path).unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let start = text.find("width").unwrap_or_else(|| panic!("no width in the header"));
    let digit = start + text[start..].find(|c: char| c.is_ascii_digit()).unwrap();
    let mut damaged = bytes;
    damaged[digit] = b'9';
    fs::write(&path, damaged).unwrap();
    let saved = SavedRun::open(&directory.path().join("plain")).unwrap();
    let x = directory.path().join("plain-x.npy");
    let errors: Vec<String> = ["network", "network_soft_clip"]
        .into_iter()
        .filter_map(|arm| alignment().apply(&saved, &apply_options(&x, Some(arm)), &()).err())
        .map(|error| error.to_string())
        .collect();
    assert!(errors.len() == 1 && errors[0].contains("aligner_network.safetensors"), "{errors:?}");
}

#[test]
fn of_several_arrays_of_a_file_that_of_the_name_is_read() {
    let tensor = |values: &[f64]| {
        candle_core::Tensor::from_slice(values, (2, values.len() / 2), &candle_core::Device::Cpu).unwrap()
    };
    let file = TempDir::new().unwrap();
    let path = file.path().join("both.safetensors");
    let tensors = [("x", tensor(&[1.0, 2.0, 3.0, 4.0])), ("pool", tensor(&[5.0, 6.0]))];
    candle_core::safetensors::save(&tensors.into_iter().collect(), &path).unwrap();
    assert_eq!(read_matrix(&path, "x").unwrap(), matrix(&[vec![1.0, 2.0], vec![3.0, 4.0]]));
    assert_eq!(read_matrix(&path, "pool").unwrap().dim(), (2, 1));
    let refused = read_matrix(&path, "y").unwrap_err().to_string();
    assert!(refused.contains("no tensor `y`; the file holds pool, x"), "{refused}");
    assert!(parse_matrix(b"\x93NUMPY\x01\x00", "short", "x").is_err());
}
