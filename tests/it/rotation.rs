//! The rotation system: losses against PyTorch (tests/reference/rotation.json, made by rotation.py beside it), views
//! that turn as they should, crops, photographs, and small runs.

use std::collections::HashMap;
use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, TAU};
use std::path::Path;

use candle_core::{Device, Tensor, Var};
use qgraft::data::{BadPicture, Picture};
use qgraft::math::circular::distance;
use qgraft::nn::Output;
use qgraft::nn::loss::Objective;
use qgraft::systems::Workplace;
use qgraft::systems::rotation::{
    Album, CLASSES, Crop, Errors, Gallery, HEADS, Noise, Photo, Photos, Scene, Sight, Spec, inscribed, run,
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
    for head in HEADS {
        let rows = &heads[head.name];
        let outputs = Var::from_tensor(&Tensor::new(rows.outputs.clone(), &Device::Cpu).unwrap()).unwrap();
        let targets: Vec<Vec<f64>> = angles.iter().map(|angle| head.target(*angle)).collect();
        let targets = Tensor::new(targets, &Device::Cpu).unwrap();
        let output = Output::new(outputs.as_tensor().clone(), outputs.as_tensor().clone());
        let losses = head.losses(&output, &[targets]).unwrap();
        for (got, expected) in losses.to_vec1::<f64>().unwrap().iter().zip(&rows.losses) {
            // f64 on both sides; 1e-10 leaves room for sums over 360 bins and the offset in a root.
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
fn every_head_reads_its_own_target() {
    for head in HEADS {
        for step in 0..1440 {
            let angle = f64::from(step) * TAU / 1440.0;
            let error = distance(head.decode(&head.target(angle)), angle);
            // Half a bin of 1° for distributions, roundings for the others.
            let tolerance = if head.width() == 360 { TAU / 720.0 + 1e-9 } else { 1e-9 };
            assert!(error < tolerance, "{} at {angle}: {error}", head.name);
        }
    }
}

/// Largest difference between a picture turned counter-clockwise by a quarter and another, beyond their noise.
fn quarter_turned(picture: &[f32], other: &[f32], size: usize) -> f32 {
    let at = |p: &[f32], row: usize, column: usize| p[row * size + column];
    let gaps = (0..size).flat_map(|row| (0..size).map(move |column| (row, column)));
    gaps.map(|(row, column)| (at(picture, column, size - 1 - row) - at(other, row, column)).abs()).fold(0.0, f32::max)
}

#[test]
fn views_turn_counter_clockwise_and_ambiguous_ones_hide_quarter_turns() {
    let size = 16;
    for number in 0..5 {
        let views = |ambiguous: bool| {
            let scene = Scene::draw(3, number, ambiguous);
            [0.0, FRAC_PI_2].map(|angle| scene.view(angle, size))
        };
        // A pixel's noise has a standard deviation of 0.02: 8 of those for a difference of two.
        let [upright, turned] = views(false);
        assert!(quarter_turned(&upright, &turned, size) < 0.16, "scene {number}");
        let [upright, turned] = [0.0, FRAC_PI_2].map(|angle| Noise::draw(3, number).view(angle, size));
        assert!(quarter_turned(&upright, &turned, size) < 0.16, "noise {number}");
        let [upright, turned] = views(true);
        let gap = upright.iter().zip(&turned).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
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
fn a_crop_is_the_largest_rectangle_inside_the_turned_frame() {
    let close = |got: (f64, f64), expected: (f64, f64)| (got.0 - expected.0).abs() + (got.1 - expected.1).abs() < 1e-9;
    for (width, height) in [(4.0, 3.0), (1.0, 1.0), (2.0, 7.0), (10.0, 1.0)] {
        assert!(close(inscribed(width, height, 0.0), (width, height)));
        assert!(close(inscribed(width, height, 2.0 * FRAC_PI_2), (width, height)));
        assert!(close(inscribed(width, height, FRAC_PI_2), (height, width)));
        for step in 0..720 {
            let angle = f64::from(step) * TAU / 720.0;
            let (w, h) = inscribed(width, height, angle);
            let (sin, cos) = angle.sin_cos();
            // Both diagonals, turned back into the frame; a hair more in both directions leaves it.
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
    let rgb = (0..width * height).flat_map(|place| [pixel(place / width, place % width); 3]).collect();
    Picture { width, height, rgb }
}

#[test]
fn photographs_turn_counter_clockwise_under_both_crops() {
    let size = 16;
    for crop in [Crop::Disc, Crop::Rectangle] {
        // A square, for a rectangle shows another part of an oblong when it lies on its side.
        let photo = Photo::new(&upright(200, 200), crop);
        let [start, turned] = [0.0, FRAC_PI_2].map(|angle| photo.view(angle, size));
        // Interpolation between bytes; the white corner alone would make 0.2.
        assert!(quarter_turned(&start, &turned, size) < 0.01, "{crop:?}");
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
    let place = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..60).map(|k| format!("{}/{k}.png", if k % 2 == 0 { "a" } else { "b" })).collect();
    save(place.path(), &names);
    let read = || Album::read(place.path(), Crop::Disc, 0.4, 0, BadPicture::Refuse).unwrap();
    let angles = |album: &Album| -> Vec<u64> {
        let parts = [&album.training, &album.validation, &album.test];
        parts.into_iter().flatten().map(|(_, angle)| angle.to_bits()).collect()
    };
    let all = angles(&read());
    assert_eq!(all.len(), 60);
    // What else lies there changes nothing for the others.
    std::fs::remove_file(place.path().join("a/0.png")).unwrap();
    let fewer = angles(&read());
    assert_eq!(fewer.len(), 59);
    assert!(fewer.iter().all(|angle| all.contains(angle)));
    // A copy is no second photograph.
    std::fs::copy(place.path().join("b/1.png"), place.path().join("b/copy.png")).unwrap();
    let album = read();
    assert_eq!(angles(&album), fewer);
    assert!(album.notices[0].contains("b/copy.png"), "{:?}", album.notices);
    std::fs::write(place.path().join("b/broken.png"), b"no picture").unwrap();
    let refused = Album::read(place.path(), Crop::Disc, 0.4, 0, BadPicture::Refuse).err().unwrap().to_string();
    assert!(refused.contains("broken.png"), "{refused}");
    assert_eq!(Album::read(place.path(), Crop::Disc, 0.4, 0, BadPicture::Skip).unwrap().notices.len(), 2);
    let few = tempfile::tempdir().unwrap();
    save(few.path(), &names[..1]);
    let error = Album::read(few.path(), Crop::Disc, 0.2, 0, BadPicture::Refuse).err().unwrap().to_string();
    assert!(error.contains("pictures to learn from"), "{error}");
}

#[test]
fn a_lossy_copy_is_close_and_not_equal() {
    let gallery = Gallery::scenes(1, 4, 0.0);
    let first = |values: &Tensor| values.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let [good, poor] = [95, 30].map(|quality| first(&gallery.resaved(quality).unwrap()));
    let own: Vec<f32> = gallery.sights.iter().zip(&gallery.angles).flat_map(|(s, angle)| s.view(*angle, 28)).collect();
    let gap = |copy: &[f32]| own.iter().zip(copy).map(|(a, b)| (a - b).abs()).sum::<f32>() / own.len() as f32;
    // In 256 steps; noise of 0.02 and values beyond 0..=1 are lost.
    assert!(gap(&good) < 0.02 && gap(&good) < gap(&poor) && gap(&poor) < 0.1, "{} {}", gap(&good), gap(&poor));
}

#[test]
fn scenes_of_a_class_differ_and_classes_are_told_by_number() {
    for class in 0..CLASSES {
        let [one, other] = [0, 1].map(|number| Scene::of_class(5, number, class).view(0.1, 28));
        assert_ne!(one, other);
        assert!(one.iter().all(|value| value.is_finite()));
    }
    let night = |class: usize| Scene::of_class(5, 0, class).view(0.0, 28).iter().sum::<f32>();
    assert!(night(2) < night(0), "the third of a kind's classes is dark");
}

fn small() -> Spec {
    let mut spec = Spec { heads: vec!["unit_vector".into()], training_scenes: 200, test_scenes: 40, ..Spec::default() };
    spec.train.epochs = 3;
    (spec.transfer.scenes, spec.transfer.labels) = (48, 20);
    (spec.transfer.source.epochs, spec.transfer.target.epochs, spec.grafts.train.epochs) = (1, 2, 2);
    spec.grafts.heads = vec!["mlp_a".into(), "quantum".into()];
    spec
}

#[test]
fn a_run_is_deterministic_and_learns() {
    let place = tempfile::tempdir().unwrap();
    let mut spec = small();
    let go = |name: &str, threads: usize| {
        let out = place.path().join(name);
        let outcome = run(&spec, &Workplace { out: &out, cache: place.path(), threads }, &()).unwrap();
        assert!(outcome.folder.join("report.html").exists());
        (std::fs::read(outcome.folder.join("metrics.json")).unwrap(), outcome.findings)
    };
    let (first, found) = go("first", 1);
    assert_eq!(first, go("second", 2).0);
    // Guessing is off by 90° on average.
    assert!(found.heads[0].mean.mean < 75.0, "{:?}", found.heads[0].mean);
    assert_eq!(found.transfer.unwrap().starts.len(), 3);
    assert_eq!(found.grafts.len(), 4);
    for graft in found.grafts.iter().filter(|graft| graft.head == "quantum") {
        let longest = graft.clear_length.mean.max(graft.ambiguous_length.mean);
        // ⟨X⟩² + ⟨Y⟩² ≤ 1 for a qubit; three phases from three qubits can have an amplitude of 4/3.
        assert!(longest <= if graft.code == "unit_vector" { 1.0 + 1e-6 } else { 4.0 / 3.0 }, "{graft:?}");
        let twin = found.grafts.iter().find(|other| other.code == graft.code && other.head == "mlp_a").unwrap();
        assert!((graft.parameters as f64 / twin.parameters as f64 - 1.0).abs() < 0.01, "{graft:?} beside {twin:?}");
    }
    spec.ambiguous = 2.0;
    assert!(spec.check().unwrap_err().to_string().contains("ambiguous"));
}

#[test]
fn photographs_are_learned_from_too() {
    let place = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..40).map(|k| format!("photos/{k}.png")).collect();
    save(place.path(), &names);
    for crop in [Crop::Disc, Crop::Rectangle] {
        let photos = Photos { crop, held_out: 0.4, ..Photos::new(place.path().join("photos")) };
        let spec = Spec { photos: Some(photos), ..small() };
        let out = place.path().join(format!("{crop:?}"));
        let found = run(&spec, &Workplace { out: &out, cache: place.path(), threads: 1 }, &()).unwrap().findings;
        assert!(found.transfer.is_none() && found.grafts.is_empty() && found.heads[0].mean.mean.is_finite());
    }
}

#[test]
fn a_bad_spec_is_refused_by_field() {
    type Change = fn(&mut Spec);
    let cases: [(&str, Change); 8] = [
        ("heads", |spec| spec.heads.clear()),
        ("head", |spec| spec.heads = vec!["gausian".into()]),
        ("rates", |spec| spec.rates = vec![0.0]),
        ("transfer.source", |spec| spec.transfer.source.epochs = 0),
        ("grafts.codes", |spec| spec.grafts.codes = vec!["bins".into()]),
        ("grafts.heads", |spec| spec.grafts.heads = vec!["quantum_kernel".into()]),
        ("grafts.circuit.qubits", |spec| spec.grafts.circuit.qubits = 2),
        ("transfer.scenes", |spec| {
            spec.transfer.scenes = 0;
            spec.grafts.heads = vec!["quantum".into()];
        }),
    ];
    for (field, change) in cases {
        let mut spec = Spec::default();
        change(&mut spec);
        let error = spec.check().unwrap_err().to_string();
        assert!(error.contains(field), "{field}: {error}");
    }
}
