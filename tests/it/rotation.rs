//! The rotation system: losses against PyTorch (tests/reference/rotation.json, made by rotation.py beside it), views
//! that rotate as they should, crops, photographs, and small runs.

use std::collections::HashMap;
use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, TAU};
use std::path::Path;

use candle_core::{Device, Tensor, Var};
use qgraft::data::{BadPicture, Picture};
use qgraft::lab::settings::{from_tree, resolve, tree};
use qgraft::lab::{ModelChoice, Overrides, RunOptions, SavedRun, System, SystemOf, run_in_memory};
use qgraft::math::circular::{distance, wrap};
use qgraft::nn::Output;
use qgraft::nn::loss::Objective;
use qgraft::systems::rotation::{
    CLASSES, Crop, ENCODINGS, Errors, NoisePicture, Photo, PhotoSplit, Photos, PictureSet, READOUTS, Rotation, Scene,
    Spec, UprightPicture, inscribed, straightened,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Reference {
    angles: Vec<f64>,
    heads: HashMap<String, Rows>,
}

#[derive(Deserialize)]
struct Rows {
    outputs: Vec<Vec<f64>>,
    losses: Vec<f64>,
    gradient: Vec<Vec<f64>>,
}

#[test]
fn losses_and_gradients_are_those_of_pytorch() {
    let Reference { angles, heads } = serde_json::from_str(include_str!("../reference/rotation.json")).unwrap();
    for head in ENCODINGS {
        let rows = &heads[head.name];
        let outputs = Var::from_tensor(&Tensor::new(rows.outputs.clone(), &Device::Cpu).unwrap()).unwrap();
        let targets: Vec<Vec<f64>> = angles.iter().map(|angle| head.target(*angle)).collect();
        let targets = Tensor::new(targets, &Device::Cpu).unwrap();
        let output = Output::new(outputs.as_tensor().clone(), outputs.as_tensor().clone());
        let losses = head.losses(&output, &[targets]).unwrap();
        for (got, expected) in losses.to_vec1::<f64>().unwrap().iter().zip(&rows.losses) {
            // f64 on both sides; 1e-10 covers the rounding of sums over 360 bins and the offset in a root.
            assert!((got - expected).abs() < 1e-10, "{}: {got} against {expected}", head.name);
        }
        let gradients = losses.sum_all().unwrap().backward().unwrap();
        let gradient = gradients.get(outputs.as_tensor()).unwrap().to_vec2::<f64>().unwrap();
        for (got, expected) in gradient.iter().zip(&rows.gradient) {
            let step = if head.width() > 3 { 40 } else { 1 };
            for (got, expected) in got.iter().step_by(step).zip(expected) {
                assert!((got - expected).abs() < 1e-10, "{}: slope {got} against {expected}", head.name);
            }
        }
    }
}

#[test]
fn every_encoding_is_decoded() {
    for head in ENCODINGS {
        for step in 0..1440 {
            let angle = f64::from(step) * TAU / 1440.0;
            let error = distance(head.decode(&head.target(angle)), angle);
            // Half a bin of 1° for distributions, roundings for the others.
            let tolerance = if head.width() == 360 { TAU / 720.0 + 1e-9 } else { 1e-9 };
            assert!(error < tolerance, "{} at {angle}: {error}", head.name);
        }
    }
}

/// Largest difference between a picture rotated counter-clockwise by a quarter turn and another, beyond their noise.
fn gap_after_quarter_turn(picture: &[f32], other: &[f32], size: usize) -> f32 {
    let at = |p: &[f32], row: usize, column: usize| p[row * size + column];
    let gaps = (0..size).flat_map(|row| (0..size).map(move |column| (row, column)));
    gaps.map(|(row, column)| (at(picture, column, size - 1 - row) - at(other, row, column)).abs()).fold(0.0, f32::max)
}

#[test]
fn views_rotate_counter_clockwise_and_ambiguous_ones_hide_quarter_turns() {
    let size = 16;
    for number in 0..5 {
        let views = |ambiguous: bool| {
            let scene = Scene::draw(3, number, ambiguous);
            [0.0, FRAC_PI_2].map(|angle| scene.view(angle, size))
        };
        // A pixel's noise has a standard deviation of 0.02: 8 of those for a difference of two.
        let [upright, rotated] = views(false);
        assert!(gap_after_quarter_turn(&upright, &rotated, size) < 0.16, "scene {number}");
        let [upright, rotated] = [0.0, FRAC_PI_2].map(|angle| NoisePicture::draw(3, number).view(angle, size));
        assert!(gap_after_quarter_turn(&upright, &rotated, size) < 0.16, "noise {number}");
        let [upright, rotated] = views(true);
        let gap = upright.iter().zip(&rotated).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(gap < 0.16, "ambiguous scene {number}: {gap}");
    }
}

#[test]
fn errors_go_around_the_circle() {
    let degrees = |pairs: &[(f64, f64)]| -> Vec<(f64, f64)> {
        pairs.iter().map(|(a, b)| (a.to_radians(), b.to_radians())).collect()
    };
    let errors = Errors::of(&degrees(&[(359.0, 5.0), (90.0, 92.0), (180.0, 176.0), (200.0, 215.0)])).unwrap();
    assert!((errors.mean - 27.0 / 4.0).abs() < 1e-9 && errors.within_10 == 0.75);
    assert!((errors.seam_ratio.unwrap() - 6.0 / 7.0).abs() < 1e-9);
    assert!(Errors::of(&[]).is_none());
}

#[test]
fn a_crop_is_the_largest_rectangle_inside_the_rotated_frame() {
    let close = |got: (f64, f64), expected: (f64, f64)| (got.0 - expected.0).abs() + (got.1 - expected.1).abs() < 1e-9;
    for (width, height) in [(4.0, 3.0), (1.0, 1.0), (2.0, 7.0), (10.0, 1.0)] {
        assert!(close(inscribed(width, height, 0.0), (width, height)));
        assert!(close(inscribed(width, height, 2.0 * FRAC_PI_2), (width, height)));
        assert!(close(inscribed(width, height, FRAC_PI_2), (height, width)));
        for step in 0..720 {
            let angle = f64::from(step) * TAU / 720.0;
            let (w, h) = inscribed(width, height, angle);
            let (sin, cos) = angle.sin_cos();
            // Both diagonals, rotated back into the frame; slightly more in both directions leaves it.
            let inside = |scale: f64| {
                [(w, h), (w, -h)].into_iter().all(|(x, y)| {
                    let (x, y) = (scale * (cos * x + sin * y), scale * (cos * y - sin * x));
                    x.abs() <= width + 1e-9 && y.abs() <= height + 1e-9
                })
            };
            assert!(inside(1.0) && !inside(1.001), "{width} × {height} at {angle}: {w} × {h}");
        }
    }
    let side = FRAC_PI_4.cos();
    assert!(close(inscribed(1.0, 1.0, FRAC_PI_4), (side, side)));
}

/// A grey picture, brighter upwards, with a white square in its upper right corner.
fn upright(width: usize, height: usize) -> Picture {
    let pixel = |row: usize, column: usize| {
        let corner = row < height / 4 && column >= width - width / 4;
        if corner { 255 } else { (200.0 * (1.0 - row as f64 / height as f64)) as u8 }
    };
    let rgb = (0..width * height).flat_map(|index| [pixel(index / width, index % width); 3]).collect();
    Picture { width, height, rgb }
}

#[test]
fn photographs_rotate_counter_clockwise_under_both_crops() {
    let size = 16;
    for crop in [Crop::Disc, Crop::Rectangle] {
        // A square, for a rectangle shows another part of an oblong when it lies on its side.
        let photo = Photo::new(&upright(200, 200), crop);
        let [start, rotated] = [0.0, FRAC_PI_2].map(|angle| photo.view(angle, size));
        // Interpolation between bytes; the white corner alone would make 0.2.
        assert!(gap_after_quarter_turn(&start, &rotated, size) < 0.01, "{crop:?}");
        let centre = |view: &[f32], row: usize| view[row * size + size / 2];
        assert!(centre(&start, 1) > centre(&start, size - 2), "{crop:?}: bright is up");
    }
    // At 45° the disc of an oblong is the same part as at 0°, and the rectangle is smaller than the frame.
    let seen = |crop: Crop, angle: f64| {
        let view = Photo::new(&upright(300, 200), crop).view(angle, size);
        view.iter().filter(|value| **value != 0.0).count()
    };
    assert_eq!(seen(Crop::Disc, 0.0), seen(Crop::Disc, FRAC_PI_4));
    assert_eq!(seen(Crop::Rectangle, FRAC_PI_4), 3 * size * size);
}

/// Saves `upright` pictures of several sizes under these names.
fn save(folder: &Path, names: &[String]) {
    for (number, name) in names.iter().enumerate() {
        let Picture { width, height, rgb } = upright(40 + number, 40);
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        image::RgbImage::from_raw(width as u32, height as u32, rgb).unwrap().save(path).unwrap();
    }
}

#[test]
fn a_photographs_angle_belongs_to_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..60).map(|k| format!("{}/{k}.png", if k % 2 == 0 { "a" } else { "b" })).collect();
    save(folder.path(), &names);
    let read = || PhotoSplit::read(folder.path(), Crop::Disc, 0.4, 0, BadPicture::Refuse).unwrap();
    let angles = |photos: &PhotoSplit| -> Vec<u64> {
        let parts = [&photos.training, &photos.validation, &photos.test];
        parts.into_iter().flatten().map(|(_, angle)| angle.to_bits()).collect()
    };
    let all = angles(&read());
    assert_eq!(all.len(), 60);
    // Another file changes nothing for the others.
    std::fs::remove_file(folder.path().join("a/0.png")).unwrap();
    let fewer = angles(&read());
    assert_eq!(fewer.len(), 59);
    assert!(fewer.iter().all(|angle| all.contains(angle)));
    // A copy is no second photograph.
    std::fs::copy(folder.path().join("b/1.png"), folder.path().join("b/copy.png")).unwrap();
    let photos = read();
    assert_eq!(angles(&photos), fewer);
    assert!(photos.notices[0].contains("b/copy.png"), "{:?}", photos.notices);
    std::fs::write(folder.path().join("b/broken.png"), b"no picture").unwrap();
    let refused = PhotoSplit::read(folder.path(), Crop::Disc, 0.4, 0, BadPicture::Refuse).err().unwrap().to_string();
    assert!(refused.contains("broken.png"), "{refused}");
    assert_eq!(PhotoSplit::read(folder.path(), Crop::Disc, 0.4, 0, BadPicture::Skip).unwrap().notices.len(), 2);
    let few = tempfile::tempdir().unwrap();
    save(few.path(), &names[..1]);
    let error = PhotoSplit::read(few.path(), Crop::Disc, 0.2, 0, BadPicture::Refuse).err().unwrap().to_string();
    assert!(error.contains("training pictures"), "{error}");
}

#[test]
fn a_lossy_copy_is_close_and_not_equal() {
    let scenes = PictureSet::scenes(1, 4, 0.0);
    let first = |values: &Tensor| values.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let [good, poor] = [95, 30].map(|quality| first(&scenes.resaved(quality).unwrap()));
    let own: Vec<f32> =
        scenes.pictures.iter().zip(&scenes.angles).flat_map(|(scene, angle)| scene.view(*angle, 28)).collect();
    let gap = |copy: &[f32]| own.iter().zip(copy).map(|(a, b)| (a - b).abs()).sum::<f32>() / own.len() as f32;
    // In 256 steps; noise of 0.02 and values beyond 0..=1 are lost.
    assert!(gap(&good) < 0.02 && gap(&good) < gap(&poor) && gap(&poor) < 0.1, "{} {}", gap(&good), gap(&poor));
}

#[test]
fn scenes_of_a_class_differ_and_every_third_class_is_dark() {
    for class in 0..CLASSES {
        let [one, other] = [0, 1].map(|number| Scene::of_class(5, number, class).view(0.1, 28));
        assert_ne!(one, other);
        assert!(one.iter().all(|value| value.is_finite()));
    }
    let night = |class: usize| Scene::of_class(5, 0, class).view(0.0, 28).iter().sum::<f32>();
    assert!(night(2) < night(0), "the third of a kind's classes is dark");
}

/// A run of seconds with one encoding that learns something.
fn small() -> Spec {
    let presets = vec!["smoke".into()];
    let request = resolve::<Spec>(&[], &Overrides { presets, ..Overrides::default() }).unwrap();
    let spec: Spec = from_tree(request.base).unwrap();
    let mut spec = Spec { encodings: vec!["unit_vector".into()], training_scenes: 200, test_scenes: 40, ..spec };
    spec.train.epochs = 3;
    spec
}

#[test]
fn an_encoding_learns_and_circuits_have_as_many_parameters_as_classical_heads() {
    let spec = small();
    let results = run_in_memory::<Rotation>(&spec).unwrap();
    let error = results.of("error").grid("encodings").plain().single().unwrap();
    // Guessing is off by 90° on average.
    assert!(error < 75.0, "{error}");
    assert_eq!(results.of("error").grid("encodings").at("jpeg_quality", "75").rows().len(), 1);
    assert_eq!(results.of("error").grid("transfer").rows().len(), 3);
    assert_eq!(results.of("epochs_needed").rows().len(), 2, "of the starts that follow scratch");
    assert_eq!(results.of("error").grid("frozen_heads").rows().len(), 4);
    assert_eq!(results.of("source_accuracy").rows().len(), 1, "transfer and frozen heads share the source network");
    for code in &spec.frozen_heads.codes {
        let of = |metric: &str, head: &str| results.of(metric).at("code", code).at("head", head).single().unwrap();
        // ⟨X⟩² + ⟨Y⟩² ≤ 1 for a qubit; three phases from three qubits can have an amplitude of 4/3.
        let longest = if code == "unit_vector" { 1.0 + 1e-6 } else { 4.0 / 3.0 };
        assert!(of("length_clear", "quantum").max(of("length_ambiguous", "quantum")) <= longest, "{code}");
        let ratio = of("parameters", "quantum") / of("parameters", "mlp_a");
        assert!((ratio - 1.0).abs() < 0.01, "{code}: {ratio}");
    }
}

#[test]
fn direct_counts_at_the_rate_with_the_lowest_validation_error() {
    let mut spec = Spec { encodings: vec!["direct".into()], heads: Vec::new(), ..small() };
    (spec.transfer.scenes, spec.training_scenes) = (0, 64);
    let results = run_in_memory::<Rotation>(&spec).unwrap();
    let of = |rate: &str, metric: &str| results.of(metric).grid("rates").at("rate", rate).plain().single().unwrap();
    let best = ["0.3", "1"].into_iter().min_by(|a, b| of(a, "validation_error").total_cmp(&of(b, "validation_error")));
    let chosen = |metric: &str| results.of(metric).grid("encodings").plain().single().unwrap();
    assert_eq!(chosen("chosen_rate"), best.unwrap().parse::<f64>().unwrap());
    assert_eq!(chosen("error"), of(best.unwrap(), "error"));
}

#[test]
fn photographs_are_learned_from_too() {
    let folder = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..16).map(|k| format!("photos/{k}.png")).collect();
    save(folder.path(), &names);
    let crop = Crop::Rectangle;
    let mut spec = small();
    spec.read_from(folder.path().join("photos"));
    spec.photos =
        spec.photos.map(|photos| Photos { crop, held_out: 0.4, size: 64, views: 2, live_stages: 1, ..photos });
    let results = run_in_memory::<Rotation>(&spec).unwrap();
    assert_eq!(results.grids.len(), 2, "encodings and starts, neither transfer nor frozen heads");
    let error = |start: &str| results.of("error").grid("starts").at("start", start).single().unwrap();
    assert!(["small", "frozen", "fine_tuned"].into_iter().all(|start| error(start).is_finite()));
    // The fine-tuned network of both grids is one training.
    assert_eq!(results.of("error").grid("photographs").single().unwrap(), error("fine_tuned"));
    assert!(results.notices()[0].contains("photographs for training"), "{:?}", results.notices());
}

#[test]
fn every_readout_learns_scenes_and_the_first_is_that_of_all_other_networks() {
    let mut spec = small();
    (spec.readouts, spec.transfer.scenes) = (READOUTS.iter().map(|row| row.0.into()).collect(), 0);
    spec.heads.clear();
    let of = |spec: &Spec, readout: &str| {
        let results = run_in_memory::<Rotation>(spec).unwrap();
        let main = results.of("error").grid("encodings").plain().single().unwrap();
        (main, results.of("error").grid("readouts").at("readout", readout).plain().single().unwrap())
    };
    let (main, planes) = of(&spec, "planes");
    assert_eq!(main, planes, "the first readout is trained once");
    spec.readouts = ["mlp", "planes"].map(String::from).to_vec();
    let (main, mlp) = of(&spec, "mlp");
    assert!(main == mlp && mlp != planes && mlp.is_finite(), "{main} {mlp} {planes}");
    spec.readouts = vec!["mlpp".into()];
    let error = run_in_memory::<Rotation>(&spec).unwrap_err().to_string();
    assert!(error.contains("readouts") && error.contains("mlp"), "{error}");
}

#[test]
fn networks_on_photographs_with_each_readout_are_written_as_onnx_files() {
    let folder = tempfile::tempdir().unwrap();
    save(&folder.path().join("photos"), &(0..16).map(|k| format!("{k}.png")).collect::<Vec<_>>());
    let mut spec = Spec { readouts: vec!["planes".into(), "mlp".into()], ..small() };
    spec.read_from(folder.path().join("photos"));
    spec.photos = spec.photos.map(|photos| Photos { held_out: 0.4, size: 64, views: 2, live_stages: 1, ..photos });
    spec.train.epochs = 1;
    let system = SystemOf::<Rotation>::new();
    let request = system.resolve(&Overrides { file: Some(tree(&spec)), ..Overrides::default() }).unwrap();
    let options = RunOptions { cache: folder.path().join("cache"), ..RunOptions::new(folder.path().join("run")) };
    let outcome = system.run(&request, &options, &()).unwrap();
    assert!(outcome.results.failures.is_empty(), "{:?}", outcome.results.failures);
    let parameters =
        |readout: &str| outcome.results.of("parameters").grid("readouts").at("readout", readout).single().unwrap();
    // 320 channels: 2 · 320 of the normalisation, 160, 80 and 40 wide layers with offsets, 2 outputs; in place of 128 · 320,
    // 2 · 128 and a layer on 128 planes of 2 × 2 pixels.
    let mlp = 640 + 320 * 160 + 160 + 160 * 80 + 80 + 80 * 40 + 40 + 40 * 2 + 2;
    let planes = 128 * 320 + 256 + 128 * 4 * 2 + 2;
    assert_eq!(parameters("mlp") - parameters("planes"), f64::from(mlp - planes));
    let run = SavedRun::open(&outcome.folder).unwrap();
    let holds = |bytes: &[u8], text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
    for (only, has_norm) in [("encoding=unit_vector", false), ("readout=mlp", true)] {
        let choice = ModelChoice { only: vec![only.into()], ..ModelChoice::default() };
        let model = system.onnx(&run, &choice).unwrap();
        assert!(model.title.contains("`code` (batch, 2)") && model.title.contains("atan2"), "{}", model.title);
        assert_eq!(holds(&model.bytes, "LayerNormalization"), has_norm, "{only}");
        assert!(holds(&model.bytes, "unit_vector") && holds(&model.bytes, "pictures"), "{only}");
    }
}

#[test]
fn a_picture_is_turned_back_by_its_angle() {
    let picture = upright(90, 90);
    for (angle, name) in
        [(0.0, "none"), (FRAC_PI_2, "a quarter"), (2.0 * FRAC_PI_2, "half"), (-FRAC_PI_2, "three quarters")]
    {
        // Counter-clockwise by quarter turns: (row, column) comes from (column, last - row), again and again.
        let quarters = (wrap(angle) / FRAC_PI_2).round() as usize;
        let mut rotated = picture.clone();
        for _ in 0..quarters {
            let own = rotated.rgb.clone();
            for (row, column) in (0..90).flat_map(|row| (0..90).map(move |column| (row, column))) {
                let (to, from) = (3 * (row * 90 + column), 3 * (column * 90 + 89 - row));
                rotated.rgb[to..to + 3].copy_from_slice(&own[from..from + 3]);
            }
        }
        let back = straightened(&rotated, angle);
        assert_eq!((back.width, back.height), (90, 90), "{name}");
        // Sines of quarter turns are off by 1e-16, so interpolation may round a byte.
        let gap = back.rgb.iter().zip(&picture.rgb).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
        assert!(gap <= 1, "{name}: {gap}");
    }
    let leaning = straightened(&upright(200, 100), 0.1);
    assert!(
        leaning.width < 200 && leaning.height < 100 && leaning.width > 150,
        "{} × {}",
        leaning.width,
        leaning.height
    );
}

#[test]
fn settings_that_do_not_fit_together_are_refused_by_field() {
    type Change = fn(&mut Spec);
    let cases: [(&str, Change); 7] = [
        ("readouts", |spec| spec.readouts.clear()),
        ("transfer.encoding", |spec| spec.transfer.encoding = "gausian".into()),
        ("frozen_heads.codes", |spec| spec.frozen_heads.codes = vec!["bins".into()]),
        ("heads", |spec| spec.heads = vec!["quantum_kernel".into()]),
        ("frozen_heads.circuit.qubits", |spec| spec.frozen_heads.circuit.qubits = 2),
        ("transfer.scenes", |spec| spec.transfer.scenes = 0),
        ("photos.folder", |spec| spec.photos = Some(Photos::new("nowhere".into()))),
    ];
    for (field, change) in cases {
        let mut spec = small();
        change(&mut spec);
        let error = run_in_memory::<Rotation>(&spec).unwrap_err().to_string();
        assert!(error.contains(field), "{field}: {error}");
    }
}
