//! Tables of users with any column as the target: what is read of them, forests of scikit-learn
//! (tests/reference/forest_export.json, made by forest_export.py beside it), and models applied to new rows.

use std::path::Path;
use std::process::{Command, Output};

use ndarray::Array2;
use qgraft::classic::NamedForest;
use qgraft::data::{TargetKind, TargetOptions, TargetTable};
use qgraft::math::Stream;
use serde::Deserialize;

#[derive(Deserialize)]
struct Exported {
    name: String,
    file: String,
    rows: Vec<Vec<f32>>,
    columns: Vec<String>,
    classes: Vec<String>,
    predictions: Vec<Vec<f64>>,
}

impl Exported {
    fn all() -> Vec<Self> {
        serde_json::from_str(include_str!("../reference/forest_export.json")).unwrap()
    }

    fn bytes(&self) -> Vec<u8> {
        (0..self.file.len()).step_by(2).map(|k| u8::from_str_radix(&self.file[k..k + 2], 16).unwrap()).collect()
    }

    fn rows(&self) -> Array2<f32> {
        Array2::from_shape_fn((self.rows.len(), self.columns.len()), |(row, column)| self.rows[row][column])
    }
}

#[test]
fn forests_of_scikit_learn_keep_their_predictions() {
    for case in Exported::all() {
        let named = NamedForest::from_bytes(&case.bytes()).unwrap();
        assert_eq!((&named.columns, &named.classes), (&case.columns, &case.classes), "{}", case.name);
        let again = NamedForest::from_bytes(&named.to_bytes().unwrap()).unwrap();
        assert_eq!(again, named, "{}", case.name);
        let rows = case.rows();
        for found in [named.forest.predict(rows.view()), named.forest.predict_by_matrices(rows.view())] {
            for (own, expected) in found.rows().into_iter().zip(&case.predictions) {
                let gap = own.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                // Means of a few numbers up to 300 in double precision.
                assert!(gap < 1e-12 * 300.0, "{}: {gap}", case.name);
            }
        }
    }
}

/// What onnxruntime makes of a file (tests/reference/forest_onnx.json, made by forest_onnx.py beside it).
#[derive(Deserialize)]
struct Answered {
    name: String,
    file: String,
    labels: Vec<String>,
    predictions: Vec<Vec<f64>>,
}

#[test]
fn onnx_files_of_forests_are_those_that_another_runtime_answers_alike() {
    let answered: Vec<Answered> = serde_json::from_str(include_str!("../reference/forest_onnx.json")).unwrap();
    for case in Exported::all() {
        let named = NamedForest::from_bytes(&case.bytes()).unwrap();
        let file = named.to_onnx();
        if let Some(folder) = std::env::var_os("QGRAFT_WRITE_ONNX") {
            std::fs::write(Path::new(&folder).join(format!("{}.onnx", case.name)), &file).unwrap();
            continue;
        }
        let answered = answered.iter().find(|answered| answered.name == case.name).unwrap();
        let hex: String = file.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(hex == answered.file, "{}: the file is not the one that was checked", case.name);
        let own = named.forest.predict(case.rows().view());
        for (row, (own, other)) in own.rows().into_iter().zip(&answered.predictions).enumerate() {
            for (own, other) in own.iter().zip(other) {
                // Sums of shares in single precision.
                assert!((own - other).abs() <= 1e-6 * own.abs().max(1.0), "{} row {row}: {own} {other}", case.name);
            }
            if let Some(label) = answered.labels.get(row) {
                assert_eq!(*label, named.classes[qgraft::math::order::argmax(own)], "{} row {row}", case.name);
            }
        }
    }
}

#[test]
fn a_file_that_is_no_forest_is_refused_by_tensor() {
    use safetensors::{Dtype, tensor::TensorView};
    let with = |nodes: i64, feature: i64, left: i64, classes: &str| {
        let bytes = |values: &[i64]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
        let [nodes, feature, left] = [bytes(&[nodes]), bytes(&[feature, -2, -2]), bytes(&[left, -1, -1])];
        let [right, value] = [bytes(&[2, -1, -1]), bytes(&[0, 1, 2])];
        let view = |bytes, shape: &[usize]| TensorView::new(Dtype::I64, shape.to_vec(), bytes).unwrap();
        let tensors = [
            ("nodes", view(&nodes, &[1])),
            ("feature", view(&feature, &[3])),
            ("threshold", view(&feature, &[3])),
            ("left", view(&left, &[3])),
            ("right", view(&right, &[3])),
            ("value", view(&value, &[3, 1])),
        ];
        let names = [("columns", "[\"a\"]"), ("classes", classes)];
        let metadata = names.map(|(name, text)| (name.to_string(), text.to_string())).into_iter().collect();
        safetensors::serialize(tensors, Some(metadata)).unwrap()
    };
    assert!(NamedForest::from_bytes(&with(3, 0, 1, "[]")).is_ok());
    let cases = [
        (with(4, 0, 1, "[]"), "tensor `feature` has 3 entries, but `nodes` counts 4"),
        (with(-3, 0, 1, "[]"), "tensor `nodes` holds -3"),
        (with(3, 1, 1, "[]"), "tree 0 (from 0), node 0: it reads column 1"),
        (with(3, 0, 9, "[]"), "tree 0 (from 0), node 0: child 9"),
        (with(3, 0, 1, "[\"p\", \"q\"]"), "2 names of classes, but leaves have 1 values"),
        (with(3, 0, 1, "p"), "metadata `classes`: \"p\": expected a JSON list"),
        (b"no".to_vec(), "not a whole safetensors file"),
    ];
    for (bytes, message) in cases {
        let error = NamedForest::from_bytes(&bytes).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
}

/// A table of 60 rows: identifiers, dates, a code that differs in each row, a number with gaps, a word, and the target
/// 10 x + 5 for `b`.
fn table() -> String {
    let mut stream = Stream::named(5, "table");
    let mut text = String::from("id,day,code,x,kind,price\n");
    for row in 0..60 {
        let (x, kind) = (stream.uniform(), if stream.uniform() < 0.5 { "a" } else { "b" });
        let price = 10.0 * x + if kind == "b" { 5.0 } else { 0.0 };
        let x = if row == 7 { String::new() } else { format!("{x:.4}") };
        text += &format!("{row},2024-{:02}-{:02},K{row}Z,{x},{kind},{price:.3}\n", 1 + row / 28, 1 + row % 28);
    }
    text
}

#[test]
fn columns_that_identify_rows_are_left_out_and_named() {
    let of = |options: TargetOptions| TargetTable::parse(&table(), "here", &options);
    let price = || TargetOptions { target: Some("price".into()), ..TargetOptions::default() };
    let names = |table: &TargetTable| table.table.columns.iter().map(|c| c.name.clone()).collect::<Vec<_>>();
    let read = of(price()).unwrap();
    assert_eq!(names(&read), ["x", "kind"]);
    assert_eq!(read.numbers.as_ref().map(Vec::len), Some(60));
    let notices = read.table.notices.join("\n");
    for text in
        ["`id` is left out: row numbers", "`day` is left out: dates", "`code` is left out: identifiers or text, 60"]
    {
        assert!(notices.contains(text), "{notices}");
    }
    let kept = of(TargetOptions { keep: vec!["id".into()], drop: vec!["kind".into()], ..price() }).unwrap();
    assert_eq!(names(&kept), ["id", "x"]);
    // A target of words is classes, and numbers may be asked for as classes only where they are few.
    let kind = of(TargetOptions { target: Some("kind".into()), ..TargetOptions::default() }).unwrap();
    assert!(kind.numbers.is_none() && kind.table.samples.classes == ["a", "b"]);
    let whole: String = (0..40).map(|row| format!("{}.5,{}\n", row % 7, row % 3)).collect();
    assert!(TargetTable::parse(&whole, "here", &TargetOptions::default()).unwrap().numbers.is_none());
    let numbers = TargetOptions { kind: Some(TargetKind::Numbers), ..TargetOptions::default() };
    assert!(TargetTable::parse(&whole, "here", &numbers).unwrap().numbers.is_some());
    let cases = [
        (
            of(TargetOptions { target: Some("cost".into()), ..price() }),
            "no column `cost`; the columns are id, day, code",
        ),
        (of(TargetOptions { drop: vec!["z".into()], ..price() }), "no column `z`"),
        (of(TargetOptions { drop: vec!["x".into(), "kind".into()], ..price() }), "no column is left beside the target"),
        (of(TargetOptions { target: Some("kind".into()), kind: Some(TargetKind::Numbers), ..price() }), "line 2"),
        (TargetTable::parse("x,y\n1,2.5\n2,\n", "here", &TargetOptions::default()), "line 3, column `y`"),
        (TargetTable::parse("x,y\n1,2.5\n2,2.5\n", "here", &TargetOptions::default()), "every row has 2.5"),
    ];
    for (result, message) in cases {
        let error = result.unwrap_err().to_string();
        assert!(error.contains(message), "{message}: {error}");
    }
}

fn qgraft(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_qgraft")).args(arguments).current_dir(folder).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn models_of_a_table_are_applied_to_new_rows() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("table.csv", &table());
    // Another order of columns, a word that did not occur, a gap, and no target.
    write("new.csv", "kind;x\nb;0.5\na;0.5\nc;?\n");
    let run = |data: &str, target: &str, out: &str, more: &[&str]| {
        let arguments = ["run", "forest", "--preset", "smoke", "--data", data, "--target", target, "--out", out];
        qgraft(folder.path(), &[&arguments[..], more].concat())
    };
    let out = run("table.csv", "price", "numbers", &["--heads", "mlp_a"]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    let found = qgraft(folder.path(), &["predict", "numbers", "new.csv", "--head", "linear"]);
    assert!(found.status.success(), "{}", text(&found.stderr));
    assert!(text(&found.stderr).contains("`c` (line 4) did not occur in training"), "{}", text(&found.stderr));
    let lines: Vec<String> = text(&found.stdout).lines().map(String::from).collect();
    assert_eq!(lines[0], "sample,predicted,price");
    let value = |line: &str| line.split(',').nth(1).unwrap().parse::<f64>().unwrap();
    // The target is linear in x but for one filled gap, whose pull on 40 rows is far below 0.5.
    assert!((value(&lines[1]) - 10.0).abs() < 0.5 && (value(&lines[2]) - 5.0).abs() < 0.5, "{lines:?}");
    // Every arm is saved, and gives on its test rows what predictions.csv says.
    let predictions = text(&std::fs::read(folder.path().join("numbers/predictions.csv")).unwrap());
    for arm in ["constant", "linear", "forest", "forest-network", "network-hard", "network-synthetic", "mlp_a-hard"] {
        let out = qgraft(folder.path(), &["predict", "numbers", "table.csv", "--head", arm, "--seed", "1"]);
        assert!(out.status.success(), "{arm}: {}", text(&out.stderr));
        let applied = text(&out.stdout);
        let own = predictions.lines().filter(|line| line.starts_with(&format!("{arm},1,")));
        let mut count = 0;
        for line in own {
            let cells: Vec<&str> = line.split(',').collect();
            let again = applied.lines().find(|line| line.starts_with(&format!("{},", cells[2]))).unwrap();
            assert_eq!(value(again).to_string(), cells[4], "{arm}: {line}");
            count += 1;
        }
        assert_eq!(count, 12, "{arm}: a fifth of the rows is tested");
        assert!(text(&out.stderr).contains("r2"), "{arm}: {}", text(&out.stderr));
    }
    let out = run("table.csv", "kind", "classes", &[]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    write("rows.csv", "x,price\n0.5,10\n0.5,5\n");
    let found = text(&qgraft(folder.path(), &["predict", "classes", "rows.csv"]).stdout);
    assert!(found.starts_with("sample,predicted,confidence,p(a),p(b),label\nline 2,"), "{found}");
    let cases = [
        (qgraft(folder.path(), &["predict", "classes", "new.csv"]), "no column `price`; the columns are kind, x"),
        (qgraft(folder.path(), &["predict", "classes", "rows.csv", "--head", "x"]), "no head x; the run has constant"),
        (run("table.csv", "cost", "none", &[]), "no column `cost`"),
        (run("table.csv", "kind", "none", &["--folds", "1"]), "folds = 1"),
    ];
    for (out, message) in cases {
        let found = text(&out.stderr);
        assert!(!out.status.success() && found.contains(message), "{message}: {found}");
    }
}

#[test]
fn a_forest_of_scikit_learn_teaches_networks_of_its_table() {
    let folder = tempfile::tempdir().unwrap();
    let case = Exported::all().into_iter().find(|case| case.name == "classes").unwrap();
    std::fs::write(folder.path().join("forest.safetensors"), case.bytes()).unwrap();
    let iris = qgraft::data::BundledRow::named("iris").unwrap().table().unwrap();
    // Its columns in another order, and one that it does not read.
    let mut table = String::from("x3,x2,x1,x0,further,species\n");
    for (row, label) in iris.values.rows().into_iter().zip(&iris.samples.labels) {
        table += &format!("{},{},{},{},{},{}\n", row[3], row[2], row[1], row[0], label * 7 % 5, case.classes[*label]);
    }
    std::fs::write(folder.path().join("iris.csv"), &table).unwrap();
    let arguments = ["run", "forest", "--preset", "smoke", "--data", "iris.csv", "--forest", "forest.safetensors"];
    let out = qgraft(folder.path(), &[&arguments[..], &["--out", "run"]].concat());
    assert!(out.status.success(), "{}", text(&out.stderr));
    assert!(text(&out.stderr).contains("the forest does not read further") || folder.path().join("run").exists());
    let report = text(&std::fs::read(folder.path().join("run/report.html")).unwrap());
    assert!(report.contains("the forest does not read further") && report.contains("grown elsewhere"));
    let named = NamedForest::open(folder.path().join("run/forest.safetensors")).unwrap();
    assert_eq!(named.forest, NamedForest::from_bytes(&case.bytes()).unwrap().forest);
    assert!(folder.path().join("run/forest_network.safetensors").exists());
    assert_eq!(std::fs::read(folder.path().join("run/forest.onnx")).unwrap(), named.to_onnx());
    let held_out = case.rows();
    let rows = held_out.rows().into_iter().map(|row| format!("{},{},{},{}\n", row[0], row[1], row[2], row[3]));
    std::fs::write(folder.path().join("rows.csv"), format!("x0,x1,x2,x3\n{}", rows.collect::<String>())).unwrap();
    let found = text(&qgraft(folder.path(), &["predict", "run", "rows.csv", "--head", "forest"]).stdout);
    for (line, expected) in found.lines().skip(1).zip(&case.predictions) {
        let shares: Vec<f64> = line.split(',').skip(3).take(3).map(|share| share.parse().unwrap()).collect();
        assert!(shares.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{line}: {expected:?}");
    }
    std::fs::write(folder.path().join("short.csv"), "x0,x1,species\n1,2,setosa\n2,3,virginica\n").unwrap();
    let out = qgraft(folder.path(), &["run", "forest", "--data", "short.csv", "--forest", "forest.safetensors"]);
    assert!(text(&out.stderr).contains("it reads column `x2`, which the table lacks"), "{}", text(&out.stderr));
}

#[test]
fn a_column_of_groups_is_names_and_no_value() {
    let of = |text: &str, target: &str| {
        let options = TargetOptions {
            target: Some(target.into()),
            kind: Some(TargetKind::Classes),
            group: Some("site".into()),
            ..TargetOptions::default()
        };
        TargetTable::parse(text, "here", &options)
    };
    // Single precision holds no odd number of eight digits, and 1.50 is no other name than it is.
    let text = "site,x,class\n20230001,1,a\n20230002,2,b\n20230003,3,a\n1.50,4,b\n";
    let table = of(text, "class").unwrap();
    assert_eq!(table.groups.unwrap(), ["20230001", "20230002", "20230003", "1.50"]);
    assert_eq!(table.table.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), ["x"]);
    assert_eq!(table.table.values.column(0).to_vec(), [1.0, 2.0, 3.0, 4.0]);
    for (text, target, expected) in [
        (text, "site", "the column `site` is the target"),
        ("site,x,class\na,1,a\n,2,b\n", "class", "every row needs its group"),
        ("site,class\na,1\nb,2\n", "class", "no column is left beside the target `class` and the groups"),
        ("place,x,class\na,1,a\nb,2,b\n", "class", "no column `site`"),
    ] {
        let error = of(text, target).unwrap_err().to_string();
        assert!(error.contains(expected), "{expected}: {error}");
    }
}
