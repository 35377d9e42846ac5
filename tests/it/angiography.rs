//! The system `angiography`: drawn trees and films, own studies, saved networks on new studies.

use std::fs;
use std::path::Path;

use qgraft::data::{DicomFile, Film, Picture};
use qgraft::lab::{Applied, ApplyOptions, ModelChoice, Outcome, Overrides, RunOptions, SavedRun, StudyError, System};
use qgraft::math::Stream;
use qgraft::sim::Condition;
use qgraft::systems::SYSTEMS;
use qgraft::systems::angiography::{
    FilmShape, Lesion, Phantom, Report, SEGMENTS, Seen, Spec, Tree, View, Vocabulary, drawn_tasks, sentences,
    words_in_common,
};
use tempfile::TempDir;

use crate::support::text_encoder::write_encoder;

fn angiography() -> &'static dyn System {
    SYSTEMS.iter().copied().find(|system| system.info().name == "angiography").unwrap()
}

fn run(folder: &Path, flags: &[(&str, &str)]) -> Result<Outcome, StudyError> {
    let flags = flags.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect();
    let overrides = Overrides { presets: vec!["smoke".into()], flags, ..Overrides::default() };
    let request = angiography().resolve(&overrides)?;
    let cache = folder.with_extension("cache");
    angiography().run(&request, &RunOptions { jobs: 2, cache, ..RunOptions::new(folder) }, &())
}

fn apply(run: &Path, data: &Path, head: Option<&str>, condition: Condition) -> Result<Applied, StudyError> {
    let options = ApplyOptions {
        data: vec![data.to_path_buf()],
        choice: ModelChoice { label: head.map(String::from), ..ModelChoice::default() },
        condition,
        skip_bad: false,
        cache: run.join("cache"),
        threads: 1,
        out_files: None,
    };
    angiography().apply(&SavedRun::open(run)?, &options, &())
}

fn phantom() -> Phantom {
    Spec::default().phantom()
}

#[test]
fn a_lesion_narrows_its_own_segment_alone() {
    let tree = Tree::drawn(&mut Stream::named(1, "tree"));
    let plain = tree.samples(&[]);
    for segment in 0..SEGMENTS.len() {
        let narrowed = tree.samples(&[Lesion { segment, place: 0.5, severity: 0.9 }]);
        let ratio = |k: usize| narrowed[k].radius / plain[k].radius;
        let own: Vec<f64> = (0..plain.len()).filter(|k| plain[*k].segment == segment).map(ratio).collect();
        let least = own.iter().copied().fold(1.0, f64::min);
        assert!((least - 0.1).abs() < 1e-9, "{}: {least}", SEGMENTS[segment]);
        assert!((0..plain.len()).all(|k| plain[k].segment == segment || ratio(k) == 1.0), "{}", SEGMENTS[segment]);
    }
}

#[test]
fn a_projection_turns_and_keeps_lengths_across_the_view() {
    let view = View { rotation: 0.0, tilt: 0.0 };
    assert_eq!(view.seen([0.3, -0.2, 0.9]), [0.3, -0.2]);
    // From the side depth becomes the right.
    let side = View { rotation: std::f64::consts::FRAC_PI_2, tilt: 0.0 };
    let [right, up] = side.seen([0.3, -0.2, 0.9]);
    assert!((right - 0.9).abs() < 1e-12 && (up + 0.2).abs() < 1e-12);
}

#[test]
fn single_lesions_are_seen_as_asked_and_half_of_the_studies_have_none() {
    let small = Phantom { edge: 12, frames: 1, ..phantom() };
    for (seen, allowed) in [(Seen::Hidden, 1..=2), (Seen::Everywhere, 8..=8)] {
        let found = small.single_lesions(4, seen, (0, 20));
        assert_eq!(found.len(), 20, "{seen:?}: every patient has a tree that fits");
        let with: Vec<_> = found.studies.iter().filter_map(|study| study.visible.as_ref()).collect();
        assert_eq!(with.len(), 10, "{seen:?}");
        assert!(with.iter().all(|v| allowed.contains(&v.iter().filter(|own| **own).count())), "{seen:?}");
    }
}

#[test]
fn drawn_studies_are_those_of_the_seed() {
    let small = Phantom { edge: 12, frames: 2, ..phantom() };
    let (one, again) = (small.studies(1, (0, 6), false), small.studies(1, (0, 6), false));
    let other = small.studies(2, (0, 6), false);
    let films = |studies: &qgraft::systems::angiography::Studies| -> Vec<_> {
        studies.studies.iter().flat_map(|study| study.videos.clone()).collect()
    };
    assert_eq!(films(&one), films(&again));
    assert_ne!(films(&one), films(&other));
    for study in &one.studies {
        assert!((4..=8).contains(&study.videos.len()));
        assert_eq!(study.labels.len(), drawn_tasks().len());
        assert!(study.risk.is_some_and(|risk| risk > 0.0 && risk < 1.0));
    }
}

#[test]
fn reports_are_sentences_without_order_or_punctuation() {
    assert_eq!(
        sentences("Severe stenosis, of the LAD. \n No thrombus!"),
        ["severe stenosis of the lad", "no thrombus"]
    );
    assert_eq!(sentences(" .; "), [""; 0]);
    let vocabulary = Vocabulary::of(["a b. a c", "a"], 2);
    assert_eq!(vocabulary.size(), 4);
    // The most frequent word is 2, ties go by the alphabet, what is left out is 1.
    let encoded = vocabulary.encoded("A c b");
    assert_eq!(encoded[..4], [2, 1, 3, 0]);
}

#[test]
fn words_in_common_are_weighted_as_in_scikit_learn() {
    let all: serde_json::Value = serde_json::from_str(include_str!("../reference/contrastive.json")).unwrap();
    let reports = |part: &str| -> Vec<Report> {
        let text = |pair: &serde_json::Value, k: usize| pair[k].as_str().unwrap().to_string();
        let pairs = all["tfidf"][part].as_array().unwrap();
        pairs
            .iter()
            .map(|pair| Report { patient: 0, findings: text(pair, 0), impression: text(pair, 1), says: 0 })
            .collect()
    };
    let scores = words_in_common(&reports("training"), &reports("test"));
    for ((row, column), score) in scores.indexed_iter() {
        let expected = all["tfidf"]["scores"][row][column].as_f64().unwrap();
        assert!((score - expected).abs() < 1e-9, "{row}, {column}: {score} against {expected}");
    }
}

/// Reports of sixteen patients with three impressions, as a table.
fn report_table() -> String {
    let said = [
        ("Lungs are clear. Heart normal.", "Normal chest."),
        ("Large heart.", "Cardiomegaly."),
        ("Fluid on the left.", "Effusion."),
    ];
    let row = |k: usize| {
        let (findings, impression) = said[k % 3];
        format!("p{k},{findings} Film {k}.,{impression} Case {}.\n", k % 13)
    };
    let rows: String = (0..40).map(row).collect();
    format!("patient,findings,impression\n{rows}p99,,Nothing.\n")
}

#[test]
fn own_reports_are_learned_from_alone() {
    let directory = TempDir::new().unwrap();
    let (data, out) = (directory.path().join("reports.csv"), directory.path().join("run"));
    fs::write(&data, report_table()).unwrap();
    let outcome = run(&out, &[("reports", &data.display().to_string())]).unwrap();
    assert!(outcome.results.failures.is_empty(), "{:?}", outcome.results.failures);
    assert_eq!(outcome.results.of("recall_1").samples().unwrap().len(), 4);
    let words = outcome.results.cell("reports", "recall_10", &[("arm", "words")]).samples().unwrap().mean();
    assert!(words > 0.5, "the same words are in both parts: {words}");
    let left_out = outcome.results.notices();
    assert!(left_out.iter().any(|notice| notice.contains("1 report without")), "{left_out:?}");
    fs::write(&data, "patient,findings\n1,clear\n").unwrap();
    let error = run(&directory.path().join("other"), &[("reports", &data.display().to_string())]).unwrap_err();
    assert!(error.to_string().contains("no column `impression`"), "{error}");
}

/// The words of both kinds of own reports.
const WORDS: [&str; 2] =
    ["lungs are clear heart normal large fluid on the left film case", "severe stenosis no calcified"];

#[test]
fn a_pretrained_encoder_reads_reports_in_place_of_one_that_learns() {
    let directory = TempDir::new().unwrap();
    let at = |name: &str| directory.path().join(name).display().to_string();
    write_encoder(Path::new(&at("encoder")), &WORDS, 1);
    fs::write(at("reports.csv"), report_table()).unwrap();
    let flags = [("reports", at("reports.csv")), ("encoder", at("encoder"))];
    let flags = flags.iter().map(|(name, value)| (*name, value.as_str())).collect::<Vec<_>>();
    let outcome = run(Path::new(&at("run")), &flags).unwrap();
    assert!(outcome.results.failures.is_empty(), "{:?}", outcome.results.failures);
    let value = |arm: &str, metric: &str| {
        outcome.results.cell("reports", metric, &[("arm", arm)]).samples().map(|own| own.mean())
    };
    assert!(value("encoder", "recall_1").is_some_and(|recall| recall > 0.0));
    // Two maps from width 8 to the common width 8, and a temperature; nothing of the encoder is trained.
    assert_eq!((value("clip", "parameters"), value("siglip", "parameters")), (Some(129.0), Some(130.0)));
    assert_eq!(value("encoder", "parameters"), None);

    let data = directory.path().join("studies");
    let table = studies(&data);
    fs::write(data.join("studies.csv"), table).unwrap();
    let flags = [("data", at("studies")), ("encoder", at("encoder")), ("parts", "retrieval".into())];
    let flags = flags.iter().map(|(name, value)| (*name, value.as_str())).collect::<Vec<_>>();
    let outcome = run(Path::new(&at("films")), &flags).unwrap();
    assert!(outcome.results.failures.is_empty(), "{:?}", outcome.results.failures);
    assert!(outcome.results.of("recall_1").samples().is_some());
    let error = run(Path::new(&at("none")), &[("encoder", &at("nowhere"))]).unwrap_err().to_string();
    assert!(error.contains("encoder"), "{error}");
}

#[test]
fn films_are_scaled_to_bytes_by_means() {
    let film = Film { frames: 2, height: 2, width: 4, values: (0..16).map(|k| k as f32).collect() };
    // Means of 2 by 2 pixels: 2.5, 4.5 in the first frame, 10.5, 12.5 in the second, of 0 to 15.
    let bytes = film.bytes(2, 2);
    assert_eq!(bytes.len(), 8);
    let mean = |low: f64, high: f64| (255.0 / 15.0 * (low + high) / 2.0).round() as u8;
    assert_eq!(bytes[..4], [mean(0.0, 1.0), mean(2.0, 3.0), mean(4.0, 5.0), mean(6.0, 7.0)]);
    // Frames of a shorter film repeat.
    assert_eq!(film.bytes(4, 2)[..4], film.bytes(4, 2)[4..8]);
    let even = Film { values: vec![7.0; 16], ..film };
    assert_eq!(even.bytes(1, 3), [0; 9]);
}

#[test]
fn the_frames_of_a_dicom_file_are_a_film() {
    for (name, sign) in [("frames.dcm", 1.0), ("inverted_8.dcm", -1.0)] {
        let path = Path::new("tests/data/scanner").join(name);
        let frames = DicomFile::read(&path).unwrap().frames().unwrap();
        assert!(Film::is_film(&path), "{name}");
        let film = Film::read(&path).unwrap();
        assert_eq!((film.frames, film.height, film.width), frames.dim(), "{name}");
        assert!(film.values.iter().zip(&frames).all(|(own, value)| *own == sign * value), "{name}");
    }
}

/// An .npy file of bytes.
fn npy(frames: usize, edge: usize, value: impl Fn(usize) -> u8) -> Vec<u8> {
    let mut header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({frames}, {edge}, {edge}), }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend((0..frames * edge * edge).map(value));
    bytes
}

/// Sixteen studies of fifteen patients: a folder of frames and an array each, and the lines of their table.
fn studies(root: &Path) -> String {
    let mut lines = String::from("study,patient,report,stenosis,diameter\n");
    for k in 0..16 {
        let folder = root.join(format!("s{k:02}"));
        let frames = folder.join("first");
        fs::create_dir_all(&frames).unwrap();
        let has = k % 2 == 1;
        for frame in 0..3 {
            let grey: Vec<u8> = (0..400).map(|p| if has && p % 20 < 10 { 200 } else { (p + frame) as u8 }).collect();
            fs::write(frames.join(format!("{frame}.png")), Picture::from_grey(20, 20, &grey).png()).unwrap();
        }
        fs::write(folder.join("second.npy"), npy(4, 18, |p| (p % 7) as u8 + if has { 90 } else { 0 })).unwrap();
        let (report, label) = if has { ("\"Severe stenosis. Calcified.\"", "1") } else { ("no stenosis", "0") };
        let diameter = if k == 5 { String::new() } else { format!("{}", 500 + k) };
        lines += &format!("s{k:02},patient {},{report},{label},{diameter}\n", k.max(1));
    }
    lines
}

#[test]
fn own_studies_are_learned_from_and_new_ones_predicted() {
    let directory = TempDir::new().unwrap();
    let (data, out) = (directory.path().join("data"), directory.path().join("run"));
    let table = studies(&data);
    fs::write(data.join("studies.csv"), table).unwrap();
    // What systems put beside the folders of a user is neither a study nor a film.
    fs::create_dir_all(data.join("__MACOSX")).unwrap();
    fs::create_dir_all(data.join("s00/__MACOSX")).unwrap();
    let outcome = run(&out, &[("data", &data.display().to_string())]).unwrap();
    assert!(outcome.results.failures.is_empty(), "{:?}", outcome.results.failures);
    assert!(outcome.results.of("finding_auc").samples().is_none(), "the target is the only question");
    let areas = outcome.results.of("outcome_auc").samples().unwrap().values();
    assert!(!areas.is_empty() && areas.iter().all(|area| (0.0..=1.0).contains(area)));

    let said = apply(&out, &data, None, Condition::default()).unwrap();
    assert_eq!(said.columns, ["study", "films", "p(stenosis)", "diameter"]);
    assert_eq!(said.rows.len(), 16);
    for row in &said.rows {
        assert_eq!(row[1], 2);
        assert!(row[2].as_f64().is_some_and(|p| (0.0..=1.0).contains(&p)));
        // Numbers are learned in their own unit, wherever they lie: 500 to 515 here.
        assert!(row[3].as_f64().is_some_and(|d| (480.0..535.0).contains(&d)), "{row:?}");
    }
    let of_head = apply(&out, &data, Some("quantum"), Condition::default()).unwrap();
    assert_eq!(of_head.columns, ["study", "films", "p(stenosis)"]);
    // A network without a circuit refuses a device, and one with a circuit runs on it.
    let device = || Condition::on_device("torino");
    let refused = apply(&out, &data, None, device()).unwrap_err().to_string();
    assert!(refused.contains("no circuit"), "{refused}");
    assert_eq!(apply(&out, &data, Some("quantum"), device()).unwrap().rows.len(), 16);
}

#[test]
fn bad_own_studies_are_one_clear_error() {
    let check = |change: &dyn Fn(&Path, &mut String), expected: &str| {
        let directory = TempDir::new().unwrap();
        let data = directory.path().join("data");
        let mut table = studies(&data);
        change(&data, &mut table);
        if !table.is_empty() {
            fs::write(data.join("studies.csv"), table).unwrap();
        }
        let error = run(&directory.path().join("run"), &[("data", &data.display().to_string())]);
        let text = error.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(text.contains(expected), "expected {expected:?} in {text:?}");
    };
    check(&|_, table| table.clear(), "studies.csv");
    check(&|_, table| *table = table.replace("patient,report", "who,report"), "no column `patient`");
    check(&|_, table| *table = table.replace("s03,", "s99,"), "no folder of this study");
    check(&|_, table| *table = table.replace("no stenosis,0", "no stenosis,nought"), "expected a number");
    check(&|_, table| *table = table.replace("no stenosis,0", ",0"), "a report without words");
    check(
        &|_, table| *table = table.replace(",stenosis,", ",grade,").replace(",1,", ",2,"),
        "no column with labels 0 and 1",
    );
    check(&|data, _| fs::write(data.join("s04/second.npy"), b"\x93NUMPY").unwrap(), "second.npy");
    check(&|data, _| fs::write(data.join("s04/second.npy"), &npy(4, 18, |_| 0)[..200]).unwrap(), "cut short");
    check(
        &|data, _| fs::write(data.join("s04/first/9.png"), Picture::from_grey(3, 3, &[0; 9]).png()).unwrap(),
        "the frames before 20 x 20",
    );
    check(
        &|_, table| {
            let kept: Vec<&str> = table.lines().take(7).collect();
            *table = kept.join("\n");
        },
        "at least 4 of each are needed",
    );
}

#[test]
fn shapes_of_films_decide_the_counted_memory() {
    let spec = Spec::default();
    let values = spec.video.values(spec.films);
    // The first convolution keeps its input, and three times its output of half the edge.
    assert_eq!(values[0], ("video.conv.0".to_string(), 8 * 32 * 32 + 3 * 8 * 8 * 16 * 16));
    let larger = spec.video.values(FilmShape { frames: 16, ..spec.films });
    assert!(values.iter().zip(&larger).all(|(one, two)| two.1 >= 2 * one.1));
}
