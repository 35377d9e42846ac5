//! The system `cohort`: own pictures of patients, splits without leakage, readers, saved classifiers on new pictures.

use std::fs;
use std::path::{Path, PathBuf};

use qgraft::data::Picture;
use qgraft::lab::{Applied, ApplyOptions, Outcome, Overrides, RunOptions, SavedRun, StudyError, System};
use qgraft::math::Stream;
use qgraft::nn::backbone::BackboneRow;
use qgraft::sim::Condition;
use qgraft::systems::SYSTEMS;
use qgraft::systems::cohort::{
    ArmRow, Cohort, EDGE, Hits, Learning, MODEL_FILE, OUTCOME, Outcome as Predicted, Phantom, SavedClassifier, Spec,
    painted,
};
use tempfile::TempDir;

use crate::support::apply::apply_options;

fn cohort() -> &'static dyn System {
    SYSTEMS.iter().copied().find(|system| system.info().name == "cohort").unwrap()
}

const FEW: (&str, &str) = ("arms", "hog_svm,hog_logistic,pca_logistic");

pub fn run(folder: &Path, flags: &[(&str, &str)], set: &[(&str, &str)]) -> Result<Outcome, StudyError> {
    let pairs = |list: &[(&str, &str)]| list.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect();
    let overrides =
        Overrides { presets: vec!["smoke".into()], flags: pairs(flags), set: pairs(set), ..Overrides::default() };
    let request = cohort().resolve(&overrides)?;
    let cache = folder.with_extension("cache");
    cohort().run(&request, &RunOptions { jobs: 2, cache, ..RunOptions::new(folder) }, &())
}

pub fn apply(run: &Path, data: &Path, head: &str) -> Result<Applied, StudyError> {
    let options = ApplyOptions { cache: run.join("cache"), ..apply_options(data, Some(head)) };
    cohort().apply(&SavedRun::open(run)?, &options, &())
}

/// Grey noise, of the finding with a bright square in it.
pub fn picture(name: &str, has_finding: bool) -> Picture {
    let mut stream = Stream::named(5, name);
    let pixel = |k: usize| {
        let inside = (8..24).contains(&(k % 32)) && (8..24).contains(&(k / 32));
        (60.0 + 15.0 * stream.uniform() + if inside && has_finding { 120.0 } else { 0.0 }) as u8
    };
    Picture::from_grey(32, 32, &(0..32 * 32).map(pixel).collect::<Vec<u8>>())
}

/// Folders `cancer` and `normal` with two pictures of each of six patients, and the lines of their table.
fn pictures(root: &Path) -> String {
    let mut lines = String::from("picture,patient\n");
    for class in ["cancer", "normal"] {
        fs::create_dir_all(root.join(class)).unwrap();
        for number in 0..12 {
            let (name, patient) = (format!("{class}/{number}.png"), format!("{class}-{}", number / 2));
            fs::write(root.join(&name), picture(&name, class == "cancer").png()).unwrap();
            lines += &format!("{name},{patient}\n");
        }
    }
    lines
}

#[test]
fn own_patients_are_learned_from_and_new_pictures_predicted() {
    let directory = TempDir::new().unwrap();
    let at = |name: &str| directory.path().join(name);
    let (data, readers, out) = (at("data"), at("readers.csv"), at("run"));
    let table = pictures(&data);
    fs::write(data.join("patients.csv"), table).unwrap();
    fs::write(&readers, "patient,Ada,Ben\ncancer-0,cancer,yes\ncancer-1,normal,1\nnormal-3,0,normal\n").unwrap();
    let paths = [data.display().to_string(), readers.display().to_string()];
    let outcome = run(&out, &[("data", &paths[0]), ("readers", &paths[1]), FEW], &[]).unwrap();
    assert!(outcome.results.failures.is_empty(), "{:?}", outcome.results.failures);
    for (point, predicted) in outcome.results.kept::<Predicted>("main", OUTCOME) {
        assert_eq!((predicted.patients.len(), predicted.pictures.len()), (12, 24));
        let [called, truth] =
            [predicted.called(), predicted.truth.clone()].map(|own| own.iter().filter(|c| **c).count());
        assert_eq!(truth, 6);
        // A bright square is an easy finding.
        assert!(predicted.area().unwrap().area > 0.9 && called >= 4, "{point}: {predicted:?}");
    }
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    for text in ["not for diagnosis", "Fleiss", "Ada", "exact intervals", "the same 3 cases"] {
        assert!(page.contains(text), "{text}");
    }
    assert!(!page.contains("LEAKAGE"));
    let predictions = fs::read_to_string(out.join("predictions.csv")).unwrap();
    assert_eq!(predictions.lines().count(), 1 + 3 * 12);

    let new = at("new");
    pictures(&new);
    for arm in ["hog_svm", "hog_logistic", "pca_logistic"] {
        let applied = apply(&out, &new, arm).unwrap();
        assert_eq!((applied.rows.len(), applied.known), (24, 24));
        assert_eq!(applied.columns, ["sample", "p(cancer)", "predicted", "label"]);
        let area = applied.metrics.iter().find(|(name, _)| name == "auc").unwrap().1;
        assert!(area > 0.9, "{arm}: {area}");
        assert!(applied.notices.iter().any(|notice| notice.contains("not for diagnosis")));
    }
    let shots = Condition { shots: Some(100), ..Condition::default() };
    let options = ApplyOptions { condition: shots, ..apply_options(&new, None) };
    let refused = cohort().apply(&SavedRun::open(&out).unwrap(), &options, &()).unwrap_err().to_string();
    assert!(refused.contains("no circuit"), "{refused}");

    // A file that is not what the trial stored is refused, and one sentence says so.
    for entry in fs::read_dir(out.join("trials")).unwrap() {
        let file = entry.unwrap().path().join("classifier.safetensors");
        let Ok(mut bytes) = fs::read(&file) else { continue };
        let end = bytes.len();
        bytes[end - 8..].copy_from_slice(&f64::NAN.to_le_bytes());
        fs::write(&file, bytes).unwrap();
    }
    for arm in ["hog_svm", "hog_logistic", "pca_logistic"] {
        let refused = apply(&out, &new, arm).unwrap_err().to_string();
        assert!(
            refused.contains("classifier.safetensors") && refused.contains("changed since it was stored"),
            "{arm}: {refused}"
        );
    }
}

#[test]
fn no_patient_is_on_both_sides_unless_leakage_is_allowed_and_then_the_report_is_red() {
    let directory = TempDir::new().unwrap();
    let data = directory.path().join("data");
    pictures(&data);
    let path = data.display().to_string();
    let out = directory.path().join("clean");
    let error = run(&out, &[("data", &path), FEW], &[]).unwrap_err().to_string();
    assert!(error.contains("of which patient") && error.contains("--allow-leakage"), "{error}");
    assert!(!out.join("report.html").exists());
    let out = directory.path().join("leaky");
    let outcome = run(&out, &[("data", &path), ("allow-leakage", ""), ("arms", "hog_svm")], &[]).unwrap();
    let splits: Vec<&str> = outcome.results.factor("split").unwrap().names().collect();
    assert_eq!(splits, ["patients", "pictures"]);
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains("LEAKAGE ALLOWED") && page.contains("alarm"));
    assert!(page.contains("each counts as a patient of its own"), "neither split knows patients");
}

/// Pictures of one patient are nearly the same in this phantom: a split of pictures lets a classifier remember patients.
#[test]
fn a_split_of_pictures_looks_better_than_it_is() {
    let directory = TempDir::new().unwrap();
    let set = [
        ("positives", "20"),
        ("negatives", "20"),
        ("slices", "6"),
        ("contrast", "0.0"),
        ("texture", "0.1"),
        ("folds", "4"),
    ];
    let flags = [("arms", "hog_svm"), ("allow-leakage", "")];
    let overrides = |flags: &[(&str, &str)]| Overrides {
        presets: vec!["smoke".into()],
        flags: flags.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect(),
        set: set.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect(),
        ..Overrides::default()
    };
    let request = cohort().resolve(&overrides(&flags)).unwrap();
    let out = directory.path().join("run");
    let outcome = cohort().run(&request, &RunOptions { jobs: 2, ..RunOptions::new(&out) }, &()).unwrap();
    let area = |split: &str| outcome.results.of("picture_auc").at("split", split).samples().unwrap().mean();
    // There is no lesion to be seen.
    assert!(area("pictures") > area("patients") + 0.1, "{} and {}", area("pictures"), area("patients"));
}

#[test]
fn bad_folders_and_tables_are_refused_by_what_is_wrong() {
    let directory = TempDir::new().unwrap();
    let data = directory.path().join("data");
    let whole = pictures(&data);
    let path = data.display().to_string();
    let case = |table: &str, flags: &[(&str, &str)], set: &[(&str, &str)], reason: &str| {
        fs::write(data.join("patients.csv"), table).unwrap();
        let all = [&[("data", path.as_str()), FEW], flags].concat();
        let error = run(&directory.path().join("run"), &all, set).map(drop).expect_err(reason).to_string();
        assert!(error.contains(reason), "{error}; expected {reason}");
    };
    case(&whole.replace("picture,", "bild,"), &[], &[], "no columns `picture` (or `folder`) and `patient`");
    case(&whole.replace("cancer/3.png", "cancer/33.png"), &[], &[], "no such picture");
    case(&whole.replace("cancer/3.png,cancer-1\n", ""), &[], &[], "cancer/3.png is not in patients.csv");
    case(&(whole.clone() + "cancer/3.png,other\n"), &[], &[], "twice");
    case(&(whole.clone() + "3.png,other\n"), &[], &[], "more than one picture ends so");
    case(&whole.replace("cancer/3.png,cancer-1", "cancer/3.png,"), &[], &[], "name of the patient");
    case(&whole, &[("positive", "tumour")], &[], "tumour");
    case(&whole, &[], &[("folds", "7")], "6 patients of class normal are too few for 7 folds");
    case(&whole, &[], &[("seeds", "[0, 1]")], "one seed");
    case(&whole, &[("resample", "")], &[("positives", "9")], "6 patients of class cancer; 9 are to be drawn");
    case(&whole.replace("cancer-", "normal-"), &[], &[], "too few");
    // The same picture of two patients.
    fs::copy(data.join("normal/0.png"), data.join("normal/11.png")).unwrap();
    case(&whole, &[], &[], "are the same picture");
    fs::write(data.join("normal/11.png"), picture("normal/11.png", false).png()).unwrap();
    for (name, text, reason) in [
        ("a.csv", "patient,Ada\nnobody,yes\n", "no such patient in the cohort"),
        ("b.csv", "patient,Ada\ncancer-0,maybe\n", "expected cancer, normal, yes, no, 1 or 0"),
        ("c.csv", "patient\ncancer-0\n", "a column for each reader"),
        ("d.csv", "name,Ada\ncancer-0,yes\n", "no column `patient`"),
        ("e.csv", "patient,Ada\ncancer-0,yes\ncancer-0,no\n", "twice"),
    ] {
        let readers = directory.path().join(name);
        fs::write(&readers, text).unwrap();
        case(&whole, &[("readers", &readers.display().to_string())], &[], reason);
    }
    fs::rename(data.join("cancer"), data.join("scan")).unwrap();
    fs::rename(data.join("normal"), data.join("other")).unwrap();
    let renamed = whole.replace("cancer/", "scan/").replace("normal/", "other/");
    case(&renamed, &[], &[], "which class is the finding? --positive names one of other, scan");
}

#[test]
fn folders_of_patients_within_classes_need_no_table() {
    let directory = TempDir::new().unwrap();
    for class in ["lesion", "control"] {
        for patient in 0..3 {
            let own = directory.path().join(class).join(format!("{class}{patient}"));
            fs::create_dir_all(&own).unwrap();
            for number in 0..2 {
                let name = format!("{class}{patient}{number}");
                fs::write(own.join(format!("{number}.png")), picture(&name, class == "lesion").png()).unwrap();
            }
        }
    }
    let read = qgraft::systems::cohort::read(&Spec::default(), directory.path()).unwrap();
    assert_eq!(read.classes, ["control", "lesion"]);
    assert_eq!(read.patients, ["control0", "control1", "control2", "lesion0", "lesion1", "lesion2"]);
    assert_eq!(read.truth(), [false, false, false, true, true, true]);
    assert_eq!(read.patient, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]);
}

/// A mask is a picture of the folder that is no picture of a patient.
#[test]
fn a_column_of_masks_says_where_the_finding_is() {
    let directory = TempDir::new().unwrap();
    let data = directory.path().join("data");
    let table = pictures(&data);
    let square: Vec<u8> = (0..32 * 32).map(|k| if (8..24).contains(&(k % 32)) { 255 } else { 0 }).collect();
    fs::create_dir_all(data.join("masks")).unwrap();
    fs::write(data.join("masks/3.png"), Picture::from_grey(32, 32, &square).png()).unwrap();
    let with = |mask: &str| {
        let line = |line: &str| match line.split_once(',') {
            Some(("picture", _)) => format!("{line},mask\n"),
            Some(("cancer/3.png", _)) => format!("{line},{mask}\n"),
            _ => format!("{line},\n"),
        };
        fs::write(data.join("patients.csv"), table.lines().map(line).collect::<String>()).unwrap();
        qgraft::systems::cohort::read(&Spec::default(), &data)
    };
    let read = with("masks/3.png").unwrap();
    assert_eq!((read.classes.clone(), read.ids.len()), (["normal".into(), "cancer".into()], 24));
    for (id, lesion) in read.ids.iter().zip(&read.lesions) {
        let area = lesion.as_ref().map(|own| own.iter().filter(|own| **own).count());
        assert_eq!(area, (id == "cancer/3.png").then_some(16 * 32), "{id}");
    }
    let refused = |mask: &str| with(mask).map(drop).unwrap_err().to_string();
    assert!(refused("masks/4.png").contains("expected the path of a picture in the folder"));
    fs::write(data.join("masks/3.png"), Picture::from_grey(16, 16, &[0; 256]).png()).unwrap();
    assert!(refused("masks/3.png").contains("another size than its picture cancer/3.png"));
}

#[test]
fn the_last_stages_of_a_network_are_trained_kept_and_applied() {
    let directory = TempDir::new().unwrap();
    let at = |name: &str| directory.path().join(name);
    let table = pictures(&at("data"));
    fs::write(at("data/patients.csv"), table).unwrap();
    let data = at("data").display().to_string();
    let flags = [("data", data.as_str()), ("arms", "fine_tuned"), ("network", "efficientnet_lite0")];
    let outcome = run(
        &at("run"),
        &flags,
        &[("tuning.train.epochs", "20"), ("tuning.train.rate", "0.01"), ("tuning.rate", "0.01")],
    )
    .unwrap();
    assert!(outcome.results.failures.is_empty(), "{:?}", outcome.results.failures);
    let value = |outcome: &Outcome, metric: &str| outcome.results.of(metric).samples().unwrap().mean();
    // A bright square is an easy finding.
    assert!(value(&outcome, "auc") > 0.9, "{}", value(&outcome, "auc"));
    // The last stage without the statistics of its normalisation, and the linear layer.
    let row = BackboneRow::named("efficientnet_lite0").unwrap();
    let weights = row.trainable_weights(None).unwrap();
    let last = row.layers().pop().unwrap();
    let stage: usize = last.iter().map(|name| weights.get(name).unwrap().elem_count()).sum();
    assert_eq!(value(&outcome, "parameters"), (stage + 2 * 1280 + 2) as f64);
    let new = at("new");
    pictures(&new);
    let applied = apply(&at("run"), &new, "fine_tuned").unwrap();
    let area = applied.metrics.iter().find(|(name, _)| name == "auc").unwrap().1;
    assert!(applied.rows.len() == 24 && area > 0.9, "{area}");

    // Without a rate the stages stay as they are.
    let still = [("tuning.rate", "0.0")];
    let outcome = run(&at("still"), &flags, &still).unwrap();
    assert_eq!(value(&outcome, "parameters"), (2 * 1280 + 2) as f64);
    for (set, expected) in [("0", "tuning.stages"), ("99", "tuning.stages")] {
        let refused = run(&at("none"), &flags, &[("tuning.stages", set)]).map(drop).unwrap_err().to_string();
        assert!(refused.contains(expected), "{refused}");
    }
    let without = [("data", data.as_str()), ("arms", "fine_tuned"), ("network", "resnet18")];
    let refused = run(&at("none"), &without, &[]).map(drop).unwrap_err().to_string();
    assert!(refused.contains("a weight file of resnet18 (--weights), for the arm fine_tuned"), "{refused}");
}

/// A class may be a number, and a patient with both classes is named.
#[test]
fn classes_that_are_numbers_are_names_and_patients_of_both_are_told() {
    let root = TempDir::new().unwrap();
    for (class, has_finding) in [("1", true), ("2", false)] {
        for patient in
            ["a", "b", "c", "d", "e", "f"].map(|name| format!("{name}{}", if name == "a" { "" } else { class }))
        {
            let folder = root.path().join("in").join(class).join(&patient);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("0.png"), picture(&format!("{class} {patient}"), has_finding).png()).unwrap();
        }
    }
    let data = root.path().join("in");
    let flags = [("data", data.to_str().unwrap()), ("arms", "hog_logistic"), ("positive", "1")];
    let done = run(&root.path().join("out"), &flags, &[]).unwrap();
    let told = "1 patient such as a with pictures of both classes: each is one patient, of class 1";
    assert!(done.results.notices().iter().any(|notice| notice.contains(told)), "{:?}", done.results.notices());
}

#[test]
fn drawn_lesions_are_dark_and_in_patients_of_their_class_alone() {
    let phantom = Phantom { contrast: 0.8, texture: 0.0, slices: 3 };
    let (with, without) = (phantom.patient(3, 7, true), phantom.patient(3, 7, false));
    assert_eq!(with, phantom.patient(3, 7, true), "the same patient");
    assert!(without.iter().all(|slice| slice.lesion.iter().all(|own| !own)));
    for (slice, plain) in with.iter().zip(&without) {
        let grey = |picture: &Picture, k: usize| f64::from(picture.rgb[3 * k]);
        let inside: Vec<usize> = (0..EDGE * EDGE).filter(|&k| slice.lesion[k]).collect();
        let mean = |picture: &Picture| inside.iter().map(|&k| grey(picture, k)).sum::<f64>() / inside.len() as f64;
        // The faintest lesion takes a fifth of 0.8.
        assert!(inside.len() > 8 && mean(&slice.picture) < 0.9 * mean(&plain.picture), "{} pixels", inside.len());
    }
    let drawn = phantom.cohort(1, 4, 3);
    assert_eq!(drawn.truth(), [true, true, true, true, false, false, false]);
    let shirts = Cohort::shirts().unwrap().resampled(0, 102, 60).unwrap();
    assert_eq!((shirts.patients.len(), shirts.truth().iter().filter(|own| **own).count()), (162, 102));
}

#[test]
fn the_classical_head_has_at_least_as_many_parameters_as_the_circuit() {
    let mut spec = Spec { components: 6, ..Spec::default() };
    (spec.circuit.qubits, spec.circuit.depth, spec.train.epochs) = (3, 2, 1);
    let mut stream = Stream::named(6, "rows");
    let rows = ndarray::Array2::from_shape_fn((12, 20), |_| stream.normal());
    let labels: Vec<bool> = (0..12).map(|k| k % 2 == 0).collect();
    let parameters = |arm: &str| {
        let arm = ArmRow::named(arm).unwrap();
        let learning = Learning { spec: &spec, arm, rows: rows.view(), labels: &labels, network: None, seed: 0 };
        learning.fit(&[0.0], &()).unwrap()[0].parameters()
    };
    let (quantum, classical) = (parameters("quantum"), parameters("classical"));
    // One hidden unit fewer would be too few.
    assert!(quantum <= classical && classical < quantum + 6 + 3, "{quantum} and {classical}");
}

#[test]
fn damaged_classifiers_are_refused() {
    let directory = TempDir::new().unwrap();
    let out = directory.path().join("run");
    run(&out, &[("arms", "pca_logistic")], &[]).unwrap();
    let folder: Vec<PathBuf> = fs::read_dir(out.join("trials")).unwrap().map(|entry| entry.unwrap().path()).collect();
    let path = folder.iter().map(|own| own.join(MODEL_FILE)).find(|path| path.exists()).unwrap();
    let bytes = fs::read(&path).unwrap();
    assert_eq!(SavedClassifier::from_bytes(&bytes, &path).unwrap().to_bytes().unwrap(), bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    assert!(text.contains("components"));
    for (from, to) in [(&b"components\\\""[..], &b"componentz\\\""[..]), (b"weights", b"weightz")] {
        let at = bytes.windows(from.len()).position(|own| own == from).unwrap();
        let mut damaged = bytes.clone();
        damaged[at..at + from.len()].copy_from_slice(to);
        let error = SavedClassifier::from_bytes(&damaged, &path).map(drop).unwrap_err().to_string();
        assert!(error.contains(MODEL_FILE), "{error}");
    }
    assert!(SavedClassifier::from_bytes(&bytes[..bytes.len() / 2], &path).is_err());
}

#[test]
fn maps_are_scored_by_where_their_lesion_is() {
    let lesion: Vec<bool> = (0..64).map(|k| (2..4).contains(&(k / 8)) && (2..4).contains(&(k % 8))).collect();
    let peak = |row: usize, column: usize| {
        let mut map = ndarray::Array2::from_elem((8, 8), 0.0);
        map[[row, column]] = 1.0;
        map
    };
    let score = |map: &ndarray::Array2<f64>| {
        let mut hits = Hits::default();
        hits.add(map, &lesion, 256);
        (hits.count, hits.pointed, hits.energy)
    };
    // All of the map is on a sixteenth of the picture.
    assert_eq!(score(&peak(2, 3)), (1, 1, 16.0));
    assert_eq!(score(&peak(7, 7)), (1, 0, 0.0));
    assert_eq!(
        score(&ndarray::Array2::from_elem((8, 8), 0.5)),
        (1, 0, 1.0),
        "an even map has its largest value in a corner"
    );
    assert_eq!(score(&ndarray::Array2::zeros((8, 8))), (1, 0, 0.0));
    let picture = Picture::from_grey(8, 8, &[100; 64]);
    let red = painted(&picture, &peak(2, 3));
    assert_eq!((&red.rgb[3 * 19..3 * 20], &red.rgb[..3]), (&[193, 64, 40][..], &[100, 100, 100][..]));
}
