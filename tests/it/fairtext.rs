//! The system fairtext: drawn reports and their best possible decision, splits, networks, glosses, own reports, predictions.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use qgraft::lab::{Applied, ApplyOptions, ModelChoice, Overrides, RunOptions, SavedRun, System, SystemOf};
use qgraft::nn::head::CircuitConfig;
use qgraft::nn::text::TextConfig;
use qgraft::nn::{Mode, Model, Params};
use qgraft::sim::Condition;
use qgraft::study::fairness::demographic_parity_difference;
use qgraft::study::metric::{Predictions, probability};
use qgraft::systems::fairtext::{
    ARMS, FairText, Fusion, GLOSS_CLASSES, Glosses, HeadKind, Part, ReportNet, Reports, TextInput, World,
};
use tempfile::TempDir;

use crate::support::text_encoder::write_encoder;

static SYSTEM: SystemOf<FairText> = SystemOf::new();

#[test]
fn drawn_reports_have_the_stated_shares_and_a_calibrated_best_decision() {
    let world = World { reports: 2000, test_reports: 0, ..World::default() };
    let reports = world.draw(1);
    assert_eq!(reports.len(), 50_000);
    let share = |keep: &dyn Fn(usize) -> bool, of: &dyn Fn(usize) -> bool| {
        let own: Vec<usize> = (0..reports.len()).filter(|row| of(*row)).collect();
        own.iter().filter(|row| keep(**row)).count() as f64 / own.len() as f64
    };
    // 25 districts of one seed: shares differ from those of all districts by a few points.
    for (class, expected) in [(0, 0.70), (1, 0.22), (2, 0.08)] {
        let found = share(&|row| reports.labels()[row] == class, &|_| true);
        assert!((found - expected).abs() < 0.03, "class {class}: {found}");
    }
    let unstable = |group: usize| share(&|row| reports.labels()[row] > 0, &|row| reports.groups[row] == group);
    assert!((unstable(0) - unstable(1) - 0.10).abs() < 0.05, "{} and {}", unstable(0), unstable(1));
    let gaps = reports.table.values.iter().filter(|value| value.is_nan()).count() as f64;
    assert!((gaps / reports.table.values.len() as f64 - 0.15).abs() < 0.01);
    // The posterior is right on average: a calibrated forecast. Districts are few, so that its prior is not exact.
    let posterior = reports.posterior.clone().unwrap();
    let predictions = Predictions::new(posterior, reports.labels().to_vec()).unwrap();
    assert!(probability::calibration_error(&predictions).unwrap() < 0.02);
    assert!((0.80..0.97).contains(&predictions.accuracy()), "{}", predictions.accuracy());
    let parity = demographic_parity_difference(&predictions.predicted(), &reports.groups, 3);
    assert!(parity > 0.05, "{parity}");
    // The same seed is the same to the letter, another is not.
    let small = World { reports: 4, ..World::default() };
    assert_eq!(small.draw(3).texts, small.draw(3).texts);
    assert_ne!(small.draw(3).texts, small.draw(4).texts);
    let (texts, classes) = small.sources(200, 0);
    assert_eq!(texts.len(), 200);
    // Of one or two clauses: none, one or two in between, one bad, one bad and one in between, two bad.
    assert_eq!(classes.into_iter().collect::<BTreeSet<usize>>(), BTreeSet::from([0, 1, 2, 3, 4, 6]));
    assert_eq!(small.source_classes(), 9);
}

#[test]
fn no_district_is_on_both_sides_of_a_split() {
    let reports = World { reports: 20, test_reports: 5, ..World::default() }.draw(2);
    let splits = reports.splits(5, 7).unwrap();
    let districts = |rows: &[usize]| rows.iter().map(|row| reports.districts[*row]).collect::<BTreeSet<usize>>();
    let mut tested = Vec::new();
    for split in &splits {
        let parts = [&split.learn, &split.validation, &split.test].map(|rows| districts(rows));
        assert_eq!(parts.iter().map(BTreeSet::len).sum::<usize>(), 25);
        assert_eq!(parts.iter().flatten().collect::<BTreeSet<_>>().len(), 25, "a district is in one part");
        assert!(split.learn.iter().chain(&split.validation).all(|row| !reports.test_only[*row]));
        for part in &parts {
            let rows = (0..reports.len()).filter(|row| part.contains(&reports.districts[*row]));
            let groups: BTreeSet<usize> = rows.map(|row| reports.groups[row]).collect();
            assert_eq!(groups.len(), 2, "both groups are in each part");
        }
        tested.extend(split.test.iter().copied());
    }
    tested.sort();
    assert_eq!(tested, (0..reports.len()).collect::<Vec<usize>>(), "every report is tested once");
    assert!(reports.splits(24, 7).is_err_and(|error| error.to_string().contains("25 districts are too few")));
}

/// Every part of every network is trained, and the twin of the circuit has as many numbers.
#[test]
fn gradients_reach_every_parameter_of_every_network() {
    let circuit = CircuitConfig { qubits: 3, depth: 2, weight_sd: 0.3, ..CircuitConfig::default() };
    let words = TextConfig::small(12, 8, 1, 2, 6);
    let vectors = Some(TextInput::Vectors { width: 8 });
    let net = |text: Option<TextInput>, indicators, fusion, head| ReportNet {
        text,
        indicators,
        fusion,
        head,
        hidden: 6,
        classes: 3,
    };
    let cases = [
        net(vectors, 4, Fusion::Concat, HeadKind::Layers),
        net(vectors, 0, Fusion::Concat, HeadKind::Layers),
        net(None, 4, Fusion::Concat, HeadKind::Layers),
        net(vectors, 4, Fusion::Gated, HeadKind::Layers),
        net(vectors, 4, Fusion::Averaged, HeadKind::Layers),
        net(vectors, 4, Fusion::Concat, HeadKind::Quantum(circuit.clone())),
        net(vectors, 4, Fusion::Concat, HeadKind::Tanh(circuit)),
        net(Some(TextInput::Words(words)), 4, Fusion::Concat, HeadKind::Layers),
    ];
    let mut sizes = Vec::new();
    for net in cases {
        let mut params = Params::new(1, DType::F64);
        let network = net.build(&mut params).unwrap();
        let values = |width: usize| {
            let values: Vec<f64> = (0..5 * width).map(|k| (0.7 * k as f64).sin()).collect();
            Tensor::from_vec(values, (5, width), &Device::Cpu).unwrap()
        };
        let mut inputs = Vec::new();
        match net.text {
            Some(TextInput::Words(_)) => {
                let ids: Vec<u32> = (0..20).map(|k| 1 + (k * 3) % 11).collect();
                inputs.push(Tensor::from_vec(ids, (5, 4), &Device::Cpu).unwrap());
            }
            Some(_) => inputs.push(values(8)),
            None => {}
        }
        if net.indicators > 0 {
            inputs.push(values(4));
        }
        let output = network.forward(&inputs, Mode::Eval).unwrap();
        assert_eq!(output.logits.dims(), [5, 3]);
        let factor = values(3);
        let gradients = (output.logits.sqr().unwrap() * factor).unwrap().sum_all().unwrap().backward().unwrap();
        for (name, var) in params.iter().filter(|(name, _)| !name.ends_with("k_lin.bias")) {
            let gradient = gradients.get(var).unwrap_or_else(|| panic!("{:?}: {name} has no gradient", net.head));
            let size: f64 = gradient.abs().unwrap().sum_all().unwrap().to_scalar().unwrap();
            assert!(size > 0.0, "{:?}: the gradient of {name} is 0", net.head);
        }
        sizes.push(params.count(|_| true));
        assert!(network.forward(&[], Mode::Eval).is_err());
    }
    assert_eq!(sizes[5], sizes[6], "the circuit and its twin");
}

#[test]
fn the_first_arm_of_a_part_is_its_baseline_and_kept_arms_read_no_group() {
    for (part, name, _) in Part::ALL.into_iter().filter(|(part, ..)| *part != Part::Transfer) {
        assert!(ARMS.iter().any(|row| row.part == part), "{name}");
    }
    let names: BTreeSet<&str> = ARMS.iter().map(|row| row.name).collect();
    assert_eq!(names.len(), ARMS.len(), "a name stands twice");
}

#[test]
fn glosses_are_read_with_their_class() {
    let text = "  1 This software\n00000001 06 n 01 bolt 0 000 @ | a bar of metal; \"he shot the bolt\"  \n\
                00000002 25 n 01 ring 0 000 | a round shape  \n00000003 03 n 01 entity 0 000 | that which is\n";
    let classes = ["shape", "artifact"].map(String::from);
    let found = Glosses::parse(text, "data.noun", &classes).unwrap();
    assert_eq!(found.texts, ["a bar of metal", "a round shape"]);
    assert_eq!(found.labels, [1, 0]);
    assert_eq!(found.drawn(1, 0).texts.len(), 1);
    for (text, expected) in [
        ("00000001 06 n bolt", "line 1: no \" | \""),
        ("00000001 bolt | a bar", "line 1: the second field is no number"),
        ("00000001 06 n 01 bolt | a bar", "no gloss of the class shape"),
    ] {
        let error = Glosses::parse(text, "data.noun", &classes).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

/// Glosses of each class: its name behind a word of no meaning.
fn write_glosses(path: &Path, each: usize) {
    let mut text = String::from("  1 This software\n");
    for row in 0..each * GLOSS_CLASSES.len() {
        let (class, turn) = (row % GLOSS_CLASSES.len(), row / GLOSS_CLASSES.len());
        let filler = ["one", "other", "further"][turn % 3];
        text.push_str(&format!("{row:08} {:02} n 01 x 0 000 | a {filler} {}\n", class + 4, GLOSS_CLASSES[class]));
    }
    fs::write(path, text).unwrap();
}

#[test]
fn an_encoder_that_learned_other_glosses_is_a_start_of_its_own() {
    let folder = TempDir::new().unwrap();
    let words = format!("a one other further {}", GLOSS_CLASSES.join(" "));
    let (encoder, dict) = (folder.path().join("encoder"), folder.path().join("data.noun"));
    write_encoder(&encoder, &[&words], 1);
    // 40 tested, 300 for the validation and 60 to learn from of two classes; 300 and 60 of the others.
    write_glosses(&dict, 200);
    let own = [("encoder", encoder.to_str().unwrap()), ("glosses", dict.to_str().unwrap()), ("parts", "transfer")];
    let resolve = |rich: &str| {
        let sizes = [("rich", rich), ("sizes", "60")];
        let flags = own.iter().chain(&sizes).map(|(field, value)| (field.to_string(), value.to_string())).collect();
        let set = vec![("gloss_classes".to_string(), "[\"artifact\", \"person\"]".to_string())];
        SYSTEM.resolve(&Overrides { presets: vec!["smoke".into()], flags, set, ..Overrides::default() })
    };
    let run = |rich: &str| {
        let out = folder.path().join(rich);
        let options = RunOptions { cache: folder.path().join("cache"), ..RunOptions::new(&out) };
        let done = SYSTEM.run(&resolve(rich).unwrap(), &options, &()).unwrap();
        let f1 = |start: &str| {
            done.results.of("f1").grid("transfer").at("start", start).at("size", "60").samples().map(|f1| f1.mean())
        };
        (["pretrained", "random", "rich"].map(f1), done.results.failures)
    };
    let ([pretrained, random, rich], failures) = run("60");
    assert!(failures.is_empty() && rich.is_some(), "{failures:?}");
    // The other starts are as they are without it.
    let (without, _) = run("0");
    assert_eq!([pretrained, random, None], without);
    // More than there are, and without glosses.
    let (_, failures) = run("6000");
    assert!(failures.iter().any(|failure| format!("{failure:?}").contains("texts are too few")), "{failures:?}");
    let flags = vec![("rich".to_string(), "60".to_string())];
    let error = SYSTEM.resolve(&Overrides { presets: vec!["smoke".into()], flags, ..Overrides::default() });
    assert!(error.err().is_some_and(|error| error.to_string().contains("rich")));
}

/// Reports of twelve places: the class follows a word and a number.
fn write_table(path: &Path, change: impl Fn(&str) -> String) {
    let mut text = String::from("place,area,note,rain,class\n");
    for row in 0..96 {
        let (place, class) = (row % 12, (row / 12 + row) % 2);
        let (area, word) = (["town", "country"][place % 2], ["good, rich", "bad"][class]);
        let rain = if row % 9 == 0 { "?".to_string() } else { format!("{}", 40 - 20 * class + row % 5) };
        text.push_str(&format!("p{place},{area},\"a {word} harvest\",{rain},{}\n", ["fine", "poor"][class]));
    }
    fs::write(path, change(&text)).unwrap();
}

const TABLE: [(&str, &str); 4] = [("text", "note"), ("target", "class"), ("group", "area"), ("district", "place")];

fn run_on(folder: &Path, set: &[(&str, &str)], arms: &str) -> Result<SavedRun, String> {
    let (data, encoder) = (folder.join("own.csv"), folder.join("encoder"));
    let own = [("data", data.to_str().unwrap()), ("encoder", encoder.to_str().unwrap()), ("arms", arms)];
    let flags = own.iter().chain(set).map(|(field, value)| (field.to_string(), value.to_string())).collect();
    let overrides = Overrides { presets: vec!["smoke".into()], flags, ..Overrides::default() };
    let request = SYSTEM.resolve(&overrides).map_err(|e| e.to_string())?;
    let out = folder.join("run");
    let done = SYSTEM.run(&request, &RunOptions { cache: folder.join("cache"), ..RunOptions::new(&out) }, &());
    let done = done.map_err(|e| e.to_string())?;
    assert!(done.results.failures.is_empty(), "{:?}", done.results.failures);
    SavedRun::open(&out).map_err(|e| e.to_string())
}

fn apply_to(run: &SavedRun, path: &Path, label: Option<&str>) -> Result<Applied, String> {
    let options = ApplyOptions {
        data: vec![path.into()],
        choice: ModelChoice { label: label.map(String::from), ..ModelChoice::default() },
        condition: Condition::default(),
        skip_bad: false,
        cache: path.with_extension("cache"),
        threads: 1,
        out_files: None,
    };
    SYSTEM.apply(run, &options, &()).map_err(|e| e.to_string())
}

const WORDS: [&str; 2] = ["a good, rich harvest", "a bad harvest"];

#[test]
fn own_reports_are_learned_from_and_new_ones_predicted() {
    let folder = TempDir::new().unwrap();
    write_encoder(&folder.path().join("encoder"), &WORDS, 1);
    write_table(&folder.path().join("own.csv"), |text| text.into());
    let arms = "fused,text,indicators,tfidf_logistic,weighted,penalty_1,offsets";
    let run = run_on(folder.path(), &TABLE, arms).unwrap();
    let new = folder.path().join("new.csv");
    write_table(&new, |text| text.lines().take(11).map(|line| format!("{line}\n")).collect());
    for label in ["fused", "text", "indicators"] {
        let applied = apply_to(&run, &new, Some(label)).unwrap();
        assert_eq!((applied.rows.len(), applied.known), (10, 10), "{label}");
        assert!(applied.columns.contains(&"p(poor)".to_string()), "{:?}", applied.columns);
        assert!(applied.notices.iter().any(|notice| notice.contains("no decision about people")));
    }
    // Groups, places and classes are not needed.
    fs::write(&new, "note,rain\n\"a good, rich harvest\",41\na bad harvest,20\n").unwrap();
    let applied = apply_to(&run, &new, Some("fused")).unwrap();
    assert_eq!((applied.rows.len(), applied.known), (2, 0));
    fs::write(&new, "note\na bad harvest\n").unwrap();
    assert_eq!(apply_to(&run, &new, Some("text")).unwrap().rows.len(), 1);
    assert!(apply_to(&run, &new, Some("fused")).unwrap_err().contains("`rain`"));
    fs::write(&new, "text,rain\na bad harvest,3\n").unwrap();
    assert!(apply_to(&run, &new, Some("fused")).unwrap_err().contains("no column `note`"));
    // Another encoder in the folder is refused.
    write_encoder(&folder.path().join("encoder"), &["a bad harvest again"], 1);
    fs::write(&new, "note,rain\na bad harvest,3\n").unwrap();
    assert!(apply_to(&run, &new, Some("fused")).unwrap_err().contains("not those that the model was trained with"));
}

#[test]
fn a_table_of_text_alone_is_enough() {
    let folder = TempDir::new().unwrap();
    write_encoder(&folder.path().join("encoder"), &WORDS, 1);
    write_table(&folder.path().join("own.csv"), |text| {
        let line = |line: &str| {
            let fields: Vec<&str> = line.split('"').collect();
            match fields[..] {
                [_, note, rest] => format!("\"{note}\",{}\n", rest.rsplit(',').next().unwrap()),
                _ => "text,label\n".to_string(),
            }
        };
        text.lines().map(line).collect()
    });
    let run = run_on(folder.path(), &[], "fused,tfidf_svm").unwrap();
    let notices: Vec<String> = run.trials.iter().flat_map(|trial| trial.measurement.notices.clone()).collect();
    assert!(run.trials.iter().all(|trial| trial.measurement.get("parity").is_none()), "{notices:?}");
    assert_eq!(apply_to(&run, &folder.path().join("own.csv"), None).unwrap().known, 96);
}

#[test]
fn bad_own_reports_are_refused() {
    type Change = fn(&str) -> String;
    type Options<'a> = &'a [(&'a str, &'a str)];
    let plain: Change = |text| text.into();
    let cases: [(Change, Options, &str); 8] = [
        (plain, &[("text", "report"), TABLE[1], TABLE[2], TABLE[3]], "no column `report`; the columns are place, area"),
        (plain, &[TABLE[0], TABLE[1], TABLE[2], ("district", "area")], "`area` is named for two things"),
        (|text| text.replacen("\"a bad harvest\"", "\"\"", 1), &TABLE, "the field is empty"),
        (|text| text.replace("country", "town"), &TABLE, "one group (town); expected at least two"),
        (|text| text.replace(",fine", ",poor"), &TABLE, "every row is of class `poor`"),
        (plain, &[TABLE[0], TABLE[1], TABLE[3], ("parts", "fairness")], "a column of groups beside it (--group)"),
        (plain, &[TABLE[0], TABLE[1], TABLE[2], TABLE[3], ("parts", "transfer")], "arms without transfer"),
        (plain, &[TABLE[0], TABLE[1], TABLE[2], TABLE[3], ("folds", "11")], "12 districts are too few for 11 folds"),
    ];
    for (change, set, expected) in cases {
        let folder = TempDir::new().unwrap();
        write_encoder(&folder.path().join("encoder"), &WORDS, 1);
        write_table(&folder.path().join("own.csv"), change);
        let arms = if expected.contains("transfer") { "fused" } else { "fused,penalty_0" };
        let error = run_on(folder.path(), set, arms).unwrap_err();
        assert!(error.contains(expected), "{expected}: {error}");
    }
    let flags = vec![("group".to_string(), "area".to_string())];
    let error = SYSTEM.resolve(&Overrides { flags, ..Overrides::default() }).unwrap_err().to_string();
    assert!(error.contains("--data"), "{error}");
}

/// Models of drawn reports carry their small encoder.
#[test]
fn a_model_of_drawn_reports_reads_a_table() {
    let folder = TempDir::new().unwrap();
    let flags = [("parts", "arms"), ("arms", "fused,text,quantum")];
    let flags = flags.map(|(field, value)| (field.to_string(), value.to_string())).to_vec();
    let overrides = Overrides { presets: vec!["smoke".into()], flags, ..Overrides::default() };
    let request = SYSTEM.resolve(&overrides).unwrap();
    let out = folder.path().join("run");
    let options = RunOptions { cache: folder.path().join("cache"), ..RunOptions::new(&out) };
    let done = SYSTEM.run(&request, &options, &()).unwrap();
    assert!(done.results.failures.is_empty(), "{:?}", done.results.failures);
    let reports: Reports = World { reports: 4, test_reports: 0, ..World::default() }.draw(9);
    let names: Vec<String> = reports.table.columns.iter().map(|column| column.name.clone()).collect();
    let mut text = format!("text,class,{}\n", names.join(","));
    for row in 0..20 {
        let values = reports.table.values.row(row);
        let values = values.iter().map(|value| match value.is_nan() {
            true => "?".into(),
            false => value.to_string(),
        });
        let values: Vec<String> = values.collect();
        let class = &reports.classes()[reports.labels()[row]];
        text.push_str(&format!("{},{class},{}\n", reports.texts[row], values.join(",")));
    }
    let path = folder.path().join("new.csv");
    fs::write(&path, text).unwrap();
    let run = SavedRun::open(&out).unwrap();
    for label in ["fused", "text", "quantum"] {
        let applied = apply_to(&run, &path, Some(label)).unwrap();
        assert_eq!((applied.rows.len(), applied.known), (20, 20), "{label}");
    }
}
