//! The smear system: its loss, drawn cells, simulated detectors, photographs with boxes, and small runs.

use std::fs;
use std::io::Cursor;

use candle_core::{Device, Tensor, Var};
use qgraft::classic::boxes::{Detection, FUSIONS, Fusion};
use qgraft::data::{Part, read_voc};
use qgraft::lab::run_in_memory;
use qgraft::nn::Output;
use qgraft::nn::loss::Objective;
use qgraft::study::detection::Scores;
use qgraft::systems::smear::{
    CELLS, CentreLoss, Simulation, Slide, Smear, Spec, fuse_fields, loss_weights, random_fields, tune,
};

#[test]
fn the_loss_follows_its_formula() {
    // One class on two cells: a centre and the cell beside it, with heat 1/2. Then x, y, width, height.
    let logits = [0.4f64, -0.3, 0.5, 9.0, 0.2, 9.0, 0.1, 9.0, -0.2, 9.0];
    let positions = [0.25f64, 0.0, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0];
    let sigma = |z: f64| 1.0 / (1.0 + (-z).exp());
    let heat =
        -(1.0 - sigma(0.4)).powi(2) * sigma(0.4).ln() - 0.5f64.powi(4) * sigma(-0.3).powi(2) * (1.0 - sigma(-0.3)).ln();
    let gaps = 0.25 + 0.3 + 0.1 + 0.2;
    let tensor = |values: &[f64], planes: usize| Tensor::from_slice(values, (1, planes, 1, 2), &Device::Cpu).unwrap();
    let var = Var::from_tensor(&tensor(&logits, 5)).unwrap();
    let output = Output::new(var.as_tensor().clone(), var.as_tensor().clone());
    let targets = [tensor(&[1.0, 0.5], 1), tensor(&positions, 5)];
    for weight in [1.0, 3.0] {
        let loss = CentreLoss { weights: vec![weight] }.losses(&output, &targets).unwrap();
        // f64 on both sides.
        assert!((loss.to_vec1::<f64>().unwrap()[0] - (weight * heat + gaps)).abs() < 1e-12, "weight {weight}");
        let gradients = loss.sum_all().unwrap().backward().unwrap();
        let slope = gradients.get(var.as_tensor()).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap();
        assert_eq!(slope[2..], [1.0, 0.0, -1.0, 0.0, 1.0, 0.0, -1.0, 0.0]);
        assert!(slope[0] < 0.0 && slope[1] > 0.0, "{slope:?}");
    }
}

#[test]
fn weights_of_classes_are_clamped_and_have_mean_1() {
    let labels = [vec![0; 9990], vec![1; 9], vec![2; 1]].concat();
    let weights = loss_weights(&labels, 3);
    assert!((weights.iter().sum::<f64>() - 3.0).abs() < 1e-12);
    // (3333 / 9990)^½ = 0.58 stays; the others are clamped to 5.
    assert!(weights[1] == weights[2] && (weights[1] / weights[0] - 5.0 / (1.0f64 / 3.0 / 0.999).sqrt()).abs() < 1e-9);
}

#[test]
fn fields_are_functions_of_their_numbers() {
    let slide = Slide { edge: 64, cells: 3, label_noise: 0.0, source: false };
    let field = |number: u64| slide.field(7, number);
    assert_eq!(field(1).picture.rgb, field(1).picture.rgb);
    assert_ne!(field(1).picture.rgb, field(2).picture.rgb);
    let mut mislabelled = 0;
    for number in 0..200 {
        let noisy = Slide { label_noise: 0.5, ..slide }.field(7, number);
        for (truth, given) in field(number).truths.iter().zip(&noisy.truths) {
            let [left, top, right, bottom] = truth.corners;
            assert!(left >= 0.0 && top >= 0.0 && right <= 1.0 && bottom <= 1.0);
            assert!((right - left - 25.0 / 64.0).abs() < 1e-12 && given.corners == truth.corners);
            if given.label != truth.label {
                assert!(CELLS[truth.label].neighbours.contains(&given.label));
                mislabelled += 1;
            }
        }
    }
    // 600 cells, half of them mislabelled: 300 ± 5 standard deviations of 12.
    assert!((240..360).contains(&mislabelled), "{mislabelled}");
}

#[test]
fn the_gain_of_fusion_falls_with_the_correlation_of_errors() {
    let simulation = Simulation::default();
    let repeats = 6;
    let gains = simulation.correlations.iter().map(|&correlation| {
        let mut gains = [0.0; 2];
        for seed in (1..=repeats).map(|repeat| 100_000 * repeat) {
            let truths = random_fields(simulation.fields, seed);
            let found = simulation.detectors(&truths, CELLS.len(), correlation, seed);
            let members: Vec<&[Vec<Detection>]> = found.iter().map(|found| &found[..]).collect();
            let score = |found: &[Vec<Detection>]| Scores::of(found, &truths, CELLS.len()).map;
            let best = members.iter().map(|found| score(found)).fold(0.0, f64::max);
            for (gain, name) in gains.iter_mut().zip(["wbf", "nms"]) {
                let row = FUSIONS.iter().find(|row| row.name == name).unwrap();
                *gain += (score(&fuse_fields(&Fusion::new(row.method), &members)) / best - 1.0) / repeats as f64;
            }
        }
        gains
    });
    let gains: Vec<[f64; 2]> = gains.collect();
    // The bounds are those of the system's checks.
    for (k, [wbf, nms]) in gains.iter().enumerate() {
        let correlation = simulation.correlations[k];
        assert!(*wbf >= nms - 0.01, "{correlation}: {wbf} and {nms}");
        assert!(correlation > 0.3 || *wbf >= nms + 0.2, "{correlation}: {wbf} and {nms}");
        assert!(k == 0 || *wbf < gains[k - 1][0], "{correlation}: {wbf} after {}", gains[k - 1][0]);
    }
}

#[test]
fn tuned_weights_score_higher_on_what_they_are_tuned_on() {
    let simulation = Simulation { fields: 20, ..Simulation::default() };
    let truths = random_fields(20, 5);
    let mut found = simulation.detectors(&truths, CELLS.len(), 0.3, 6);
    // A detector whose classes are wrong.
    found[2].iter_mut().flatten().for_each(|found| found.label = (found.label + 1) % CELLS.len());
    let members: Vec<&[Vec<Detection>]> = found.iter().map(|found| &found[..]).collect();
    let score = |fusion: &Fusion| Scores::of(&fuse_fields(fusion, &members), &truths, CELLS.len()).map;
    let start = Fusion::new(FUSIONS[0].method);
    let chosen = tune(&start, &members, &truths, CELLS.len());
    assert!(score(&chosen) > score(&start));
    assert!(chosen.weights[2] < chosen.weights[0].max(chosen.weights[1]), "{:?}", chosen.weights);
}

/// A picture of one colour as a file.
fn picture() -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    image::RgbImage::from_pixel(64, 48, image::Rgb([200, 100, 50]))
        .write_to(&mut file, image::ImageFormat::Png)
        .unwrap();
    file.into_inner()
}

/// Pictures in the layout of Pascal VOC, one in each list, inside a folder of their own.
fn write_voc(folder: &std::path::Path) {
    for part in ["set/ImageSets/Main", "set/Annotations", "set/JPEGImages"] {
        fs::create_dir_all(folder.join(part)).unwrap();
    }
    let object = |name: &str, [a, b, c, d]: [u32; 4]| {
        format!(
            "<object><name>{name}</name><bndbox><xmin>{a}</xmin><ymin>{b}</ymin><xmax>{c}</xmax><ymax>{d}</ymax></bndbox>\
             </object>"
        )
    };
    let objects = object("RBC", [0, 0, 32, 24]) + &object("WBC", [16, 12, 48, 36]) + &object("RBC", [5, 5, 5, 9]);
    for (part, id) in [("train", "a"), ("val", "b"), ("test", "c")] {
        fs::write(folder.join(format!("set/ImageSets/Main/{part}.txt")), format!("{id}\n")).unwrap();
        let text = format!("<annotation><size><width>64</width><height>48</height></size>{objects}</annotation>");
        fs::write(folder.join(format!("set/Annotations/{id}.xml")), text).unwrap();
        fs::write(folder.join(format!("set/JPEGImages/{id}.jpg")), picture()).unwrap();
    }
}

#[test]
fn photographs_with_boxes_are_read() {
    let directory = tempfile::tempdir().unwrap();
    write_voc(directory.path());
    let read = read_voc(directory.path(), 24).unwrap();
    assert_eq!(read.classes, ["RBC", "WBC"]);
    assert_eq!(read.skipped.len(), 3);
    let parts: Vec<Part> = read.pictures.iter().map(|boxed| boxed.part).collect();
    assert_eq!(parts, [Part::Train, Part::Validation, Part::Test]);
    let first = &read.pictures[0];
    assert_eq!((first.picture.width, first.picture.height), (32, 24));
    assert_eq!(first.boxes, [([0.0, 0.0, 0.5, 0.5], 0), ([0.25, 0.25, 0.75, 0.75], 1)]);
    fs::write(directory.path().join("set/Annotations/b.xml"), "<annotation><size></size></annotation>").unwrap();
    let error = read_voc(directory.path(), 24).unwrap_err().to_string();
    assert!(error.contains("b.xml") && error.contains("width"), "{error}");
}

/// One seed, few small fields, one epoch.
fn small() -> Spec {
    let mut spec = Spec {
        training_fields: 8,
        validation_fields: 2,
        test_fields: 3,
        edge: 64,
        cells: 2,
        source_cells: 8,
        width: 8,
        ..Spec::default()
    };
    (spec.simulation.fields, spec.simulation.repeats) = (4, 2);
    spec.train.epochs = 1;
    spec
}

#[test]
fn gains_are_relative_to_the_best_member_and_the_second_stage_starts_from_the_fused_boxes() {
    let mut spec = Spec { seeds: vec![0, 1, 2], heads: vec!["linear".into()], ..small() };
    spec.train.epochs = 4;
    spec.simulation.correlations.clear();
    let results = run_in_memory::<Smear>(&spec).unwrap();
    let of = |metric: &str, grid: &str, level: &str, seed: &str| {
        let factor = if grid == "second_stage" { "head" } else { "ensemble" };
        results.of(metric).grid(grid).at(factor, level).at("seed", seed).single()
    };
    for seed in ["0", "1", "2"] {
        let remedies = ["weighted", "resampled", "transferred"];
        let member =
            |remedy| results.of("map").grid("detectors").at("remedy", remedy).at("seed", seed).single().unwrap();
        let best = remedies.map(member).into_iter().fold(0.0, f64::max);
        assert_eq!(of("map", "ensembles", "best_member", seed), Some(best));
        for row in FUSIONS {
            let expected =
                of("map", "ensembles", row.name, seed).map(|own| if best > 0.0 { own / best - 1.0 } else { 0.0 });
            assert_eq!(of("gain", "ensembles", row.name, seed), expected, "{}, seed {seed}", row.name);
        }
        assert_eq!(of("map", "second_stage", "none", seed), of("map", "ensembles", "wbf", seed));
        assert!(of("cell_accuracy", "second_stage", "none", seed).is_none());
        assert!(of("cell_accuracy", "second_stage", "linear", seed).is_some_and(|share| (0.0..=1.0).contains(&share)));
    }
    assert_eq!(results.trials("seed_ensembles").count(), 3);
    assert_eq!(results.trials("pairs").count(), 3 * 6);
}

#[test]
fn photographs_run_too() {
    let directory = tempfile::tempdir().unwrap();
    write_voc(directory.path());
    let spec = Spec { data: Some(directory.path().into()), edge: 48, ..small() };
    let results = run_in_memory::<Smear>(&spec).unwrap();
    assert_eq!(results.of_inputs::<Vec<String>>("classes").unwrap(), ["RBC", "WBC"]);
    let notices = results.notices();
    assert!(notices.len() == 4 && notices[0].contains("1 photographs for training"), "{notices:?}");
}

#[test]
fn a_detector_learns() {
    let mut spec = Spec { training_fields: 40, test_fields: 10, ..small() };
    spec.train.epochs = 6;
    let results = run_in_memory::<Smear>(&spec).unwrap();
    let best = results.of("map50").grid("detectors").samples().unwrap().max();
    // Boxes anywhere: a box overlaps one of two cells by half with a chance of about 0.1, and has the right class in an
    // eighth of these cases.
    assert!(best > 0.05, "{best}");
}

#[test]
fn settings_outside_their_ranges_are_refused_by_field() {
    type Change = fn(&mut Spec);
    let cases: [(&str, Change); 6] = [
        ("edge", |spec| spec.edge = 30),
        ("width", |spec| spec.width = 12),
        ("simulation.correlations", |spec| spec.simulation.correlations.push(1.5)),
        ("heads", |spec| spec.heads = vec!["quantum_kernel".into()]),
        ("did you mean \"quantum\"", |spec| spec.heads = vec!["quantun".into()]),
        ("data", |spec| spec.data = Some("nowhere".into())),
    ];
    for (words, change) in cases {
        let mut spec = small();
        change(&mut spec);
        let error = run_in_memory::<Smear>(&spec).unwrap_err().to_string();
        assert!(error.contains(words), "{words}: {error}");
    }
}
