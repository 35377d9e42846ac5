//! The system `seizure`: own recordings, splits without leakage, saved detectors on new recordings, deterministic rules.

use std::fs;
use std::path::{Path, PathBuf};

use qgraft::data::signal::{Event, Recording, Signal};
use qgraft::lab::{Applied, ApplyOptions, ModelChoice, Outcome, Overrides, RunOptions, SavedRun, StudyError, System};
use qgraft::math::Stream;
use qgraft::sim::Condition;
use qgraft::systems::SYSTEMS;
use qgraft::systems::seizure::{Cut, RULES, ViewRules, false_alarms};
use tempfile::TempDir;

use crate::support::apply::apply_options;

fn seizure() -> &'static dyn System {
    SYSTEMS.iter().copied().find(|system| system.info().name == "seizure").unwrap()
}

fn run(folder: &Path, flags: &[(&str, &str)], set: &[(&str, &str)]) -> Result<Outcome, StudyError> {
    let pairs = |list: &[(&str, &str)]| list.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect();
    let overrides =
        Overrides { presets: vec!["smoke".into()], flags: pairs(flags), set: pairs(set), ..Overrides::default() };
    let request = seizure().resolve(&overrides)?;
    seizure().run(&request, &RunOptions { jobs: 2, ..RunOptions::new(folder) }, &())
}

fn apply(
    run: &Path,
    data: &Path,
    choice: (Option<&str>, &[&str]),
    condition: Condition,
) -> Result<Applied, StudyError> {
    let options = ApplyOptions {
        choice: ModelChoice {
            label: choice.0.map(String::from),
            only: choice.1.iter().map(|text| text.to_string()).collect(),
            ..ModelChoice::default()
        },
        condition,
        cache: run.join("cache"),
        ..apply_options(data, None)
    };
    seizure().apply(&SavedRun::open(run)?, &options, &())
}

/// Two patients with folders by class: noise, and large slow waves in it.
fn recordings(root: &Path, records: usize) -> PathBuf {
    for (patient, scale) in [("anna", 1.0), ("ben", 3.0)] {
        for (class, wave) in [("seizure", 40.0), ("background", 2.0)] {
            let folder = root.join(patient).join(class);
            fs::create_dir_all(&folder).unwrap();
            for record in 0..records {
                let mut stream = Stream::named(record as u64, &format!("{patient} {class}"));
                let sample = |k: usize| {
                    let time = k as f64 / 64.0;
                    scale * (wave * (2.0 * std::f64::consts::PI * 4.0 * time).sin() + 10.0 * stream.normal())
                };
                let text: String = (0..64 * 8).map(sample).map(|value| format!("{value:.3}\n")).collect();
                fs::write(folder.join(format!("{record}.txt")), text).unwrap();
            }
        }
    }
    root.to_path_buf()
}

const RATES: (&str, &str) = ("rates", "anna=64,ben=64");

#[test]
fn detectors_learned_from_own_recordings_answer_for_new_ones() {
    let directory = TempDir::new().unwrap();
    let data = recordings(&directory.path().join("data"), 6);
    let folder = directory.path().join("run");
    let targets = ("targets", "anna,ben");
    let arms = ("arms", "target_only,transfer,hybrid");
    let outcome = run(&folder, &[("data", data.to_str().unwrap()), RATES, targets, arms], &[]).unwrap();
    assert!(outcome.results.failures.is_empty(), "{:?}", outcome.results.failures);
    let accuracy = outcome.results.of("balanced_accuracy").at("arm", "transfer").samples().unwrap();
    assert!(accuracy.min() > 0.9, "large waves are easy to tell from noise: {:?}", accuracy.values());

    let page = fs::read_to_string(folder.join("report.html")).unwrap();
    let first = &page[..page.find("<nav>").unwrap()];
    assert!(first.contains("not for diagnosis"), "the first lines say what it is");
    assert!(!page.contains("class=\"alarm\"") && page.contains("IF ") && page.contains("THEN background"));
    let predictions = fs::read_to_string(folder.join("predictions.csv")).unwrap();
    let tested: Vec<(&str, &str)> =
        predictions.lines().skip(1).map(|line| line.split(',').nth(3).unwrap().split_once(" at ").unwrap()).collect();
    // Three of six recordings of each class, eight seconds each, of two patients.
    assert_eq!(tested.len(), 2 * 2 * 3 * 8);

    let new = recordings(&directory.path().join("new"), 1).join("anna");
    let all = Condition::default;
    let refused = apply(&folder, &new, (None, &[]), all()).unwrap_err().to_string();
    assert!(refused.contains("--only target=anna"), "{refused}");
    let applied = apply(&folder, &new, (None, &["target=anna"]), all()).unwrap();
    assert_eq!(applied.model, "arm=transfer target=anna seed=0");
    assert_eq!((applied.rows.len(), applied.known), (16, 16));
    let metric = |name: &str| applied.metrics.iter().find(|(own, _)| own == name).unwrap().1;
    assert!(metric("balanced_accuracy") > 0.9 && metric("false_alarms") >= 0.0, "{:?}", applied.metrics);
    // A single file says what it is by the folder around it.
    let one = apply(&folder, &new.join("seizure/0.txt"), (None, &["target=anna"]), all()).unwrap();
    assert!(one.rows.iter().all(|row| row[5] == "seizure") && one.rows.len() == 8);

    let shots = || Condition { shots: Some(100), ..Condition::default() };
    let refused = apply(&folder, &new, (None, &["target=anna"]), shots()).unwrap_err().to_string();
    assert!(refused.contains("no circuit"), "{refused}");
    let exact = apply(&folder, &new, (Some("hybrid"), &["target=anna"]), all()).unwrap();
    let sampled = apply(&folder, &new, (Some("hybrid"), &["target=anna"]), shots()).unwrap();
    assert!(exact.rows != sampled.rows, "the circuit is sampled");

    // A seizure of unknown length gives no labels, one behind the end of the recording a notice.
    let undated = directory.path().join("undated.edf");
    for (annotation, known) in [(SEIZURE, 8), (b"+1\x14seizure\x14\0", 0)] {
        fs::write(&undated, edf_of("8", annotation)).unwrap();
        let found = apply(&folder, &undated, (None, &["target=anna"]), all()).unwrap();
        assert_eq!((found.rows.len(), found.known), (8, known));
        let says = found.notices.iter().any(|notice| notice.contains("\"seizure\" at 1 s has no duration"));
        assert_eq!(says, known == 0, "{:?}", found.notices);
    }
    let late = directory.path().join("late.txt");
    fs::copy(new.join("seizure/0.txt"), &late).unwrap();
    for (onset, says) in [("2", false), ("5000", true)] {
        let events = format!("onset\tduration\ttrial_type\n{onset}\t4\tseizure\n");
        fs::write(directory.path().join("late_events.tsv"), events).unwrap();
        let found = apply(&folder, &late, (None, &["target=anna"]), all()).unwrap();
        let has = found
            .notices
            .iter()
            .any(|notice| notice.contains("late.txt: it lasts 8.000 s, but a seizure begins behind"));
        assert_eq!(has, says, "{:?}", found.notices);
    }
    for (label, only) in [(Some("no_such"), "target=anna"), (None, "target=no_such")] {
        let refused = apply(&folder, &new, (label, &[only]), all()).unwrap_err().to_string();
        assert!(refused.contains("no_such; the run has ") && !refused.contains("has ,"), "{refused}");
    }

    let wide = directory.path().join("wide.csv");
    fs::write(&wide, "Fz,Cz\n1,2\n3,4\n").unwrap();
    let refused = apply(&folder, &wide, (None, &["target=anna"]), all()).unwrap_err().to_string();
    assert!(refused.contains("wide.csv") && refused.contains("no channel"), "{refused}");
}

#[test]
fn no_recording_is_on_both_sides_unless_leakage_is_allowed_and_then_the_report_is_red() {
    let directory = TempDir::new().unwrap();
    let data = recordings(&directory.path().join("data"), 1);
    let flags = |leak: bool| {
        let mut flags = vec![("data", data.to_str().unwrap()), RATES, ("targets", "anna"), ("arms", "transfer")];
        flags.extend(leak.then_some(("allow-leakage", "")));
        flags
    };
    let clean = directory.path().join("clean");
    let reason = run(&clean, &flags(false), &[]).unwrap_err().to_string();
    assert!(reason.contains("patient anna") && reason.contains("--allow-leakage"), "{reason}");
    assert!(!clean.exists(), "refused before the first trial");
    let folder = directory.path().join("leaky");
    // Blocks of ten segments need more than one of them in a recording of eight seconds.
    let outcome = run(&folder, &flags(true), &[("seconds", "0.5")]).unwrap();
    assert!(outcome.results.failures.is_empty(), "{:?}", outcome.results.failures);
    let page = fs::read_to_string(folder.join("report.html")).unwrap();
    assert!(page.contains("<p class=\"alarm\">LEAKAGE ALLOWED"), "the report says so in red");

    // Every test segment of a clean split is of a recording that gave no training row.
    let data = recordings(&directory.path().join("more"), 4);
    let folder = directory.path().join("split");
    let flags = [("data", data.to_str().unwrap()), RATES, ("targets", "anna"), ("arms", "transfer")];
    run(&folder, &flags, &[]).unwrap();
    let predictions = fs::read_to_string(folder.join("predictions.csv")).unwrap();
    let mut tested: Vec<&str> =
        predictions.lines().skip(1).map(|line| line.split(',').nth(3).unwrap().split_once(" at ").unwrap().0).collect();
    let rows = tested.len();
    tested.dedup();
    assert_eq!((tested.len(), rows), (4, 32), "whole recordings are tested: {tested:?}");
}

#[test]
fn bad_folders_of_recordings_are_refused_by_what_is_wrong() {
    let directory = TempDir::new().unwrap();
    let case = |name: &str, files: &[(&str, &str)], flags: &[(&str, &str)], reason: &str| {
        let root = directory.path().join(name);
        for (file, text) in files {
            let path = root.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let flags = [&[("data", root.to_str().unwrap())], flags].concat();
        let error = match run(&directory.path().join(format!("run {name}")), &flags, &[]) {
            Err(error) => error.to_string(),
            Ok(outcome) => format!("{:?}", outcome.results.failures),
        };
        assert!(error.contains(reason), "{name}: {error}; expected {reason}");
    };
    let samples: String = (0..256).map(|k| format!("{}\n", k % 7)).collect();
    let both = |patient: &str| [format!("{patient}/seizure/1.txt"), format!("{patient}/background/1.txt")];
    let (a, b) = (both("a"), both("b"));
    let whole: Vec<(&str, &str)> = a.iter().chain(&b).map(|file| (file.as_str(), samples.as_str())).collect();
    let rates = ("rates", "a=64,b=64");
    let target = ("targets", "a");
    case("empty", &[("readme.md", "")], &[("targets", "")], "one for each of at least two patients");
    case("no rate", &whole, &[target], "--rates");
    case("bad rate", &whole, &[("rates", "a=fast"), target], "rates = \"a=fast\"");
    case("unknown target", &whole, &[rates, ("targets", "z")], "targets");
    case("no class", &[("a/x/1.txt", &samples), ("b/x/1.txt", &samples)], &[rates, target], "the folder x");
    case("no records", &[("a/x.md", ""), ("b/y.md", "")], &[rates, target], "no recordings with a class");
    case("bad samples", &[&whole[..], &[("a/seizure/2.txt", "1\nfoo\n")]].concat(), &[rates, target], "line 2");
    case("short", &[&whole[..], &[("a/seizure/2.txt", "1\n2\n")]].concat(), &[rates, target], "less than a segment");
    let edf = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/seizure/plain.edf")).unwrap();
    for patient in ["a", "b"] {
        fs::create_dir_all(directory.path().join("edf").join(patient)).unwrap();
        fs::write(directory.path().join("edf").join(patient).join("x.edf"), &edf).unwrap();
    }
    case("edf", &[], &[target], "nothing says whether it has seizures");
    case("slow", &whole, &[("rates", "a=0.5,b=64"), target], "rates = \"a=0.5\"");
    // One sample in ten seconds, by a column of times and by the length of a data record.
    let slow: String = (0..64).map(|k| format!("{},{}\n", 10 * k, k % 7)).collect();
    let slow = format!("time,Fz\n{slow}");
    let files = [("a/seizure/1.csv", slow.as_str()), ("b/seizure/1.csv", slow.as_str())];
    case("slow column", &files, &[target], "a sampling rate of 0.1 Hz; expected 1 to 1000000 Hz");
    for (k, (duration, annotation, reason)) in [
        ("1e30", SEIZURE, "a sampling rate of"),
        ("1e-12", SEIZURE, "a sampling rate of"),
        ("9999999", SEIZURE, "a sampling rate of"),
        ("8", b"+1\x14seizure\x14\0", "the annotation \"seizure\" at 1 s has no duration"),
        ("8", b"+1\x150\x14seizure\x14\0", "has no duration"),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("edf {k}");
        for patient in ["a", "b"] {
            let own = directory.path().join(&name).join(patient);
            fs::create_dir_all(&own).unwrap();
            fs::write(own.join("x.edf"), edf_of(duration, annotation)).unwrap();
        }
        case(&name, &[], &[target], reason);
    }
}

/// An annotation of EDF+: a seizure from the first second on, for two seconds.
const SEIZURE: &[u8] = b"+1\x152\x14seizure\x14\0";

/// EDF+ of one data record: 512 samples of a channel, and a list of annotations. `duration` is that of the record, in seconds.
fn edf_of(duration: &str, annotation: &[u8]) -> Vec<u8> {
    let field = |text: &str, width: usize| format!("{text:<width$}").into_bytes();
    let mut bytes = [field("0", 8), field("", 160), field("", 16), field("768", 8), field("EDF+C", 44)].concat();
    bytes.extend([field("1", 8), field(duration, 8), field("2", 4)].concat());
    for (width, [first, second]) in [
        (16, ["Fz", "EDF Annotations"]),
        (80, ["", ""]),
        (8, ["uV", ""]),
        (8, ["-100", "-1"]),
        (8, ["100", "1"]),
        (8, ["-32768", "-32768"]),
        (8, ["32767", "32767"]),
        (80, ["", ""]),
        (8, ["512", "64"]),
        (32, ["", ""]),
    ] {
        bytes.extend([field(first, width), field(second, width)].concat());
    }
    let sample = |k: usize| (10_000.0 * (0.4 * k as f64).sin()) as i16;
    bytes.extend((0..512).flat_map(|k| sample(k).to_le_bytes()));
    let mut list = [b"+0\x14\x14\0", annotation].concat();
    list.resize(128, 0);
    bytes.extend(list);
    bytes
}

#[test]
fn segments_begin_where_their_samples_do_and_overlapping_seizures_count_once() {
    let signals = vec![Signal { label: "Fz".into(), rate: Some(64.0), samples: vec![1.0; 64 * 60] }];
    let recording = Recording { name: "x".into(), signals, events: None, notices: Vec::new() };
    let seizure = |onset: f64, duration: f64| Event { onset, duration, text: "seizure".into() };
    let record = |seconds: f64, seizures: &[Event]| {
        let cut =
            Cut { channels: vec!["Fz".into()], rate: 64.0, seconds, views: vec!["bands".into()], keeps_samples: false };
        (cut.duration(), cut.record(&recording, None, seizures, "x").unwrap())
    };
    // 0.51 s are 32.64 samples, so a segment has 33 and lasts 0.515625 s.
    let (lasts, own) = record(0.51, &[seizure(100.0 * 33.0 / 64.0, 33.0 / 64.0)]);
    assert_eq!((lasts, own.starts[100], own.starts.len()), (33.0 / 64.0, 100.0 * 33.0 / 64.0, 64 * 60 / 33));
    assert_eq!(
        own.labels.iter().enumerate().filter(|(_, label)| **label == 1).map(|(k, _)| k).collect::<Vec<_>>(),
        [100]
    );
    let of = |seizures: &[Event]| record(1.0, seizures).1.labels[..3].to_vec();
    assert_eq!(of(&[seizure(1.0, 0.3), seizure(1.0, 0.3), seizure(1.1, 0.1)]), [0, 0, 0], "three tenths, not seven");
    assert_eq!(of(&[seizure(1.6, 0.3), seizure(1.0, 0.3)]), [0, 1, 0], "three tenths and three others");
    assert_eq!(of(&[seizure(1.2, 0.5), seizure(1.4, 2.0)]), [0, 1, 1]);
}

#[test]
fn rules_are_few_readable_and_the_same_in_every_run() {
    let directory = TempDir::new().unwrap();
    let arms = ("arms", "target_only,transfer");
    let runs = ["first", "second"].map(|name| run(&directory.path().join(name), &[arms], &[]).unwrap());
    let rules = runs.map(|outcome| {
        let kept = outcome.results.kept::<Vec<ViewRules>>("main", RULES);
        serde_json::to_string(&kept.into_iter().map(|(_, rules)| rules).collect::<Vec<_>>()).unwrap()
    });
    assert_eq!(rules[0], rules[1]);
    let read: Vec<Vec<ViewRules>> = serde_json::from_str(&rules[0]).unwrap();
    for view in read.iter().flatten() {
        assert!((1..=6).contains(&view.rules.len()));
        assert!(view.features.iter().all(|name| name.contains(": ")), "features have names: {:?}", view.features);
        assert!(view.rules.iter().all(|rule| rule.scores.len() == 2 && rule.width.iter().all(|width| *width >= 0.0)));
        let fired: f64 = view.rules.iter().map(|rule| rule.share).sum();
        assert!((fired - 1.0).abs() < 1e-9);
    }
    let text = fs::read_to_string(directory.path().join("first/rules.txt")).unwrap();
    assert!(text.contains("View bands (weight") && text.contains("THEN background"), "{text}");
}

#[test]
fn alarms_are_counted_in_runs_of_one_recording() {
    /// Predicted, true, recording of each segment, false alarms; a background segment lasts an hour.
    type Case<'a> = (&'a [usize], &'a [usize], &'a [usize], f64);
    let times = |records: &[usize]| -> Vec<(usize, usize)> {
        let mut seen = std::collections::BTreeMap::new();
        records
            .iter()
            .map(|record| {
                let at: &mut usize = seen.entry(*record).or_insert(0);
                *at += 1;
                (*record, *at - 1)
            })
            .collect()
    };
    let cases: [Case; 6] = [
        (&[0, 0, 0], &[0, 0, 0], &[0, 0, 0], 0.0),
        (&[1, 1, 0, 1], &[0, 0, 0, 0], &[0, 0, 0, 0], 2.0),
        (&[1, 1, 1, 0], &[0, 1, 0, 0], &[0, 0, 0, 0], 0.0),
        (&[1, 1], &[0, 0], &[0, 1], 2.0),
        (&[1, 0, 1], &[1, 0, 0], &[0, 0, 0], 1.0),
        (&[0, 1], &[0, 0], &[0, 0], 1.0),
    ];
    for (predicted, truth, records, expected) in cases {
        let hours = truth.iter().filter(|class| **class == 0).count() as f64;
        let found = false_alarms(predicted, truth, &times(records), 3600.0).unwrap();
        assert_eq!(found * hours, expected, "{predicted:?} {truth:?}");
    }
    assert_eq!(false_alarms(&[1], &[1], &[(0, 0)], 1.0), None, "without background there is no rate");
}
