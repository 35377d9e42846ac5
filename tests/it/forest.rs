//! Random forests and their networks: against scikit-learn (tests/reference/forest.json, made by forest.py beside it),
//! tables as users write them, and a small run.

use candle_core::{DType, Device, Tensor};
use ndarray::{Array2, Axis};
use qgraft::classic::{Answers, Forest, Growth, Node, NodeTable, Tree};
use qgraft::data::{BUNDLED, Encoder, parse_table, read_table};
use qgraft::lab::{Experiment, Results, run_in_memory};
use qgraft::math::Stream;
use qgraft::nn::Model;
use qgraft::nn::loss::{cross_entropy, distillation, divergence, mean, soft_cross_entropy};
use qgraft::systems::forest::{ForestNetwork, Gate, RandomForests, Shape, Spec, Task, mixed, predict};
use serde::Deserialize;

#[derive(Deserialize)]
struct Reference {
    name: String,
    rows: Vec<Vec<f64>>,
    probabilities: Vec<Vec<f64>>,
    trees: Vec<NodeTable>,
}

fn array(rows: &[Vec<f64>]) -> Array2<f64> {
    Array2::from_shape_fn((rows.len(), rows[0].len()), |(i, j)| rows[i][j])
}

fn apart(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
    (a - b).iter().fold(0.0, |most, gap| gap.abs().max(most))
}

#[test]
fn nodes_matrices_and_network_give_scikit_learns_probabilities() {
    let cases: Vec<Reference> = serde_json::from_str(include_str!("../reference/forest.json")).unwrap();
    for Reference { name, rows, probabilities, trees } in cases {
        let trees = trees.into_iter().map(|table| Tree::try_from(table).unwrap()).collect();
        let forest = Forest::new(trees).unwrap();
        let expected = array(&probabilities);
        let rows = array(&rows);
        let single = rows.mapv(|v| v as f32);
        let inputs = Tensor::from_vec(rows.iter().copied().collect::<Vec<_>>(), rows.dim(), &Device::Cpu).unwrap();
        // Means of eight shares in double precision; the network's go through a logarithm and back.
        assert!(apart(&forest.predict(single.view()), &expected) < 1e-12, "{name}: nodes");
        assert!(apart(&forest.predict_by_matrices(single.view()), &expected) < 1e-12, "{name}: matrices");
        for scale in [1.0, 0.37] {
            let scales = vec![scale; rows.ncols()];
            let (network, mut params) = ForestNetwork::of(&forest, &scales, Gate::Step, DType::F64).unwrap();
            let predicted = predict(network.build(&mut params).unwrap().as_ref(), &inputs).unwrap();
            assert!(apart(&predicted, &expected) < 1e-11, "{name}: network, {}", apart(&predicted, &expected));
        }
        // A row on a threshold, as iris with its tenths has some, lies half on either side for a sigmoid; all others agree.
        let gate = Gate::Sigmoid { split: 1e4, leaf: 40.0 };
        let (network, mut params) = ForestNetwork::of(&forest, &vec![1.0; rows.ncols()], gate, DType::F64).unwrap();
        let predicted = predict(network.build(&mut params).unwrap().as_ref(), &inputs).unwrap();
        let nodes = || forest.trees().iter().flat_map(Tree::nodes);
        let on_a_threshold = |row: usize| {
            nodes().any(|node| match node {
                Node::Split { feature, threshold, .. } => (rows[[row, *feature]] - threshold).abs() < 5e-3,
                Node::Leaf { .. } => false,
            })
        };
        let clear: Vec<usize> = (0..rows.nrows()).filter(|&row| !on_a_threshold(row)).collect();
        assert!(clear.len() >= 5, "{name}: {} rows to compare", clear.len());
        let (predicted, expected) = (predicted.select(Axis(0), &clear), expected.select(Axis(0), &clear));
        // Steepness times distance is at least 50 for splits and 20 for leaves: e^-20 is 2e-9, times a handful of leaves.
        assert!(apart(&predicted, &expected) < 1e-6, "{name}: sigmoids, {}", apart(&predicted, &expected));
    }
}

#[test]
fn distillation_losses_have_their_reference_values() {
    let tensor = |rows: [[f64; 3]; 2]| Tensor::new(&rows, &Device::Cpu).unwrap();
    let student = tensor([[1.0, 2.0, 0.5], [0.2, -0.3, 1.1]]);
    let teacher = tensor([[0.1, 0.7, 0.2], [0.3, 0.3, 0.4]]);
    let labels = Tensor::new(&[1u32, 2], &Device::Cpu).unwrap();
    let cases = [
        ("soft", soft_cross_entropy(&student, &teacher), 1.028530699),
        ("KL", divergence(&student, &teacher), 0.083171435),
        ("hard", cross_entropy(&student, &labels), 0.483530699),
        ("T = 2", distillation(&student, &teacher.log().unwrap(), 2.0), 0.101805540),
    ];
    for (name, losses, expected) in cases {
        let found: f64 = mean(&losses.unwrap(), None).unwrap().to_scalar().unwrap();
        // The reference values have nine digits.
        assert!((found - expected).abs() < 1e-9, "{name}: {found}");
    }
}

#[test]
fn a_table_that_is_no_tree_is_refused_by_node() {
    let table = |left: [i64; 3], value: &str| -> NodeTable {
        let text = format!(
            r#"{{"feature": [0, 0, 0], "threshold": [0, 0, 0], "left": {left:?}, "right": [2, -1, -1], "value": {value}}}"#
        );
        serde_json::from_str(&text).unwrap()
    };
    let cases = [
        (table([0, -1, -1], "[[1], [1], [1]]"), "node 0: child 0"),
        (table([9, -1, -1], "[[1], [1], [1]]"), "node 0: child 9"),
        (table([2, -1, -1], "[[1], [1], [1]]"), "node 1: 0 nodes lead to it"),
        (table([1, -1, -1], "[[1], [1], [1, 1]]"), "node 2: a leaf of 2 values"),
        (table([1, -1, -1], "[[1]]"), "value: 1, expected 3"),
    ];
    for (table, message) in cases {
        let error = Tree::try_from(table).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn grown_trees_fit_training_rows_and_have_the_out_of_bag_accuracy_of_scikit_learn() {
    for row in BUNDLED {
        let table = row.table().unwrap();
        let (labels, count) = (&table.samples.labels, table.samples.classes.len());
        let right = |predicted: &Array2<f64>| {
            let first = |row: usize| {
                (0..count).fold(0, |best, k| if predicted[[row, k]] > predicted[[row, best]] { k } else { best })
            };
            (0..labels.len()).filter(|&row| first(row) == labels[row]).count() as f64 / labels.len() as f64
        };
        let answers = Answers::Classes { labels, count };
        let bagged = Growth::classifier(60, table.columns.len());
        let whole = Growth { trees: 1, columns: table.columns.len(), bootstrap: false, ..bagged };
        let grow = |growth: &Growth| Forest::grow(table.values.view(), answers, growth, 1);
        // No two rows of different class are alike in these tables.
        assert_eq!(right(&grow(&whole).forest.predict(table.values.view())), 1.0, "{}", row.name);
        let grown = grow(&bagged);
        // scikit-learn's out-of-bag accuracies lie between 0.94 and 0.98.
        let out_of_bag = right(&grown.out_of_bag);
        assert!((0.91..0.995).contains(&out_of_bag), "{}: {out_of_bag}", row.name);
        assert_eq!(grown.forest, grow(&bagged).forest, "{}", row.name);
    }
    let rows = Array2::from_shape_fn((40, 1), |(row, _)| row as f32);
    let values: Vec<f64> = (0..40).map(|row| if row < 20 { 1.0 } else { 3.5 }).collect();
    let growth = Growth { trees: 1, columns: 1, depth: Some(1), leaf: 1, bootstrap: false };
    let predicted = Forest::grow(rows.view(), Answers::Numbers(&values), &growth, 0).forest.predict(rows.view());
    assert!(predicted.iter().zip(&values).all(|(a, b)| a == b), "one split is enough for a step");
}

#[test]
fn tables_are_read_as_people_write_them() {
    let keel = "@relation x\n@attribute a real [0, 1]\n@attribute b {u, v}\n@attribute c {p, n}\n@inputs a, b\n@output c\n@data\n\
                0.5, u, p\n?, v, n\n";
    for text in [keel, "a,b,c\n0.5,u,p\n,v,n\n", "a;b;c\n0.5;u;p\nNA;v;n\n"] {
        let table = parse_table(text, "here").unwrap();
        assert_eq!(table.columns[0].name, "a", "{text}");
        assert_eq!(table.columns[1].words.as_deref(), Some(&["u".to_string(), "v".to_string()][..]));
        assert!(table.values[[0, 0]] == 0.5 && table.values[[1, 0]].is_nan() && table.values[[1, 1]] == 1.0);
        let encoder = Encoder::fit(&table, &[0, 1]);
        let encoded = encoder.encoded(table.values.view());
        // A number with its gaps marked, and two words.
        assert_eq!(encoded, ndarray::array![[0.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 1.0]]);
        assert_eq!(encoder.filled(table.values.view())[[1, 0]], 0.5);
    }
    // Words above words are names where nothing in them occurs again; a row shares at least its class.
    let named = [
        ("size,colour,class\nbig,red,a\nsmall,red,b\nbig,blue,a\n", "size", 3),
        ("size,colour,fast\nbig,red,1\nsmall,red,0\n", "size", 2),
        ("big,red,a\nsmall,blue,b\nhuge,grey,a\n", "1", 3),
        ("red,red,red\nred,blue,blue\n", "1", 2),
        ("big,,class\nsmall,red,b\nbig,blue,a\n", "1", 3),
    ];
    for (text, name, rows) in named {
        let table = parse_table(text, "here").unwrap();
        assert_eq!((table.columns[0].name.as_str(), table.samples.len()), (name, rows), "{text}");
    }
    let numbers: String = (0..20).map(|k| format!("{k},{}\n", k % 2)).collect();
    let cases = [
        (format!("{numbers}x,1\n"), "here, line 21, column `1`: \"x\": expected a finite number"),
        (format!("{numbers}inf,1\n"), "line 21"),
        (format!("{numbers}1,?\n"), "line 21, column `2`: \"?\": every row needs a class"),
        (format!("{numbers}1,2,3\n"), "line 21 has 3 fields, the first row has 2"),
        ("1,a\n2,a\n".into(), "every row is of class `a`"),
        ("1\n2\n".into(), "rows have one field"),
        (String::new(), "no rows"),
        (keel.replace("?, v", "?, w"), "line 9, column `b`: \"w\": expected one of u, v"),
        (keel.replace("real", "date"), "line 2"),
        (keel.replace("@output c", "@output d"), "@output names `d`"),
    ];
    for (text, message) in cases {
        let error = parse_table(&text, "here").unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
}

/// Files of tests/reference/parquet, made by parquet.py beside it.
fn parquet(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/parquet").join(name)
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_tables_are_read_however_they_are_packed() {
    for packing in ["none", "snappy", "gzip", "lz4", "zstd"] {
        let table = read_table(&parquet(&format!("{packing}.parquet"))).unwrap();
        let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        // Row names of pandas are no column.
        assert_eq!(names, ["length", "width", "count", "small", "code", "colour", "sold"], "{packing}");
        let words = |column: usize| table.columns[column].words.clone().unwrap_or_default();
        // Text stays text where it could be read as numbers.
        assert_eq!(words(4), ["01", "2"], "{packing}");
        assert_eq!((words(5), words(6)), (vec!["blue".into(), "red".into()], vec!["false".into(), "true".into()]));
        assert_eq!((&table.samples.labels[..], table.samples.classes.len()), (&[1, 0, 1, 0][..], 2), "{packing}");
        let row = |row: usize| table.values.row(row).to_vec();
        assert_eq!(row(0), [1.5, 1.5, 3.0, 1.0, 0.0, 1.0, 1.0], "{packing}");
        assert!(row(1)[0].is_nan() && row(2)[4].is_nan() && row(2)[6].is_nan(), "{packing}");
        assert_eq!(row(2)[..4], [0.1, 0.1, 2f32.powi(40), 255.0], "{packing}");
    }
    let cases = [
        ("dates.parquet", "column `day`"),
        ("gap.parquet", "line 2, column `class`: \"\": every row needs a class"),
        ("empty.parquet", "no rows"),
    ];
    for (name, message) in cases {
        let error = read_table(&parquet(name)).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
    let directory = tempfile::tempdir().unwrap();
    let cut = directory.path().join("cut.parquet");
    let whole = std::fs::read(parquet("none.parquet")).unwrap();
    for length in [4, 100, whole.len() - 1] {
        std::fs::write(&cut, &whole[..length]).unwrap();
        let error = read_table(&cut).unwrap_err().to_string();
        assert!(error.contains("cut.parquet: not a readable Parquet file"), "{error}");
    }
}

#[cfg(not(feature = "parquet"))]
#[test]
fn a_program_without_parquet_names_the_feature() {
    let error = read_table(&parquet("none.parquet")).unwrap_err().to_string();
    assert!(error.contains("none.parquet") && error.contains("--features parquet"), "{error}");
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| name.to_string()).collect()
}

/// The figure of a check.
fn check(name: &str, results: &Results) -> Option<f64> {
    let check = RandomForests::CHECKS.iter().find(|check| check.name == name).unwrap();
    (check.value)(results)
}

#[test]
fn soft_targets_bring_students_nearer_to_the_forest() {
    let (tables, targets) = (names(&["iris", "wine"]), names(&["hard", "synthetic"]));
    let mut spec = Spec { tables, targets, trees: 30, ..Spec::default() };
    spec.shapes.truncate(1);
    (spec.train.epochs, spec.network.trees) = (10, 5);
    let found = run_in_memory::<RandomForests>(&spec).unwrap();
    assert!(found.of("accuracy").grid("teacher").samples().unwrap().min() > 0.85);
    assert!(found.of("difference").samples().unwrap().max() < 1e-11);
    assert_eq!(check("divergence_lower", &found), Some(1.0));
    // Both are chosen from a single student of each target.
    let chosen = found.cell("choice", "accuracy", &[("choice", "validation")]).samples().unwrap();
    assert_eq!(chosen.len(), 2);
    assert!(
        found.cell("choice", "regret", &[("choice", "guided")]).samples().is_none(),
        "two tables are too few to learn from"
    );
}

#[test]
fn with_ten_tables_a_student_is_chosen_by_the_others() {
    let directory = tempfile::tempdir().unwrap();
    // The class of a row is decided by one of its two numbers, by another threshold in each table.
    for table in 0..10 {
        let mut stream = Stream::numbered(3, table);
        let mut row = |_| {
            let (x, y) = (stream.uniform(), stream.uniform());
            let class = if x > 0.3 + 0.04 * table as f64 { "a" } else { "b" };
            format!("{x:.4},{y:.4},{class}\n")
        };
        std::fs::write(directory.path().join(format!("t{table}.csv")), (0..60).map(&mut row).collect::<String>())
            .unwrap();
    }
    let (targets, data) = (names(&["hard", "soft"]), Some(directory.path().into()));
    let shapes = vec![Shape { depth: 1, width: 4 }, Shape { depth: 2, width: 4 }];
    let mut spec = Spec { targets, data, shapes, trees: 5, components: 0, ..Spec::default() };
    (spec.train.epochs, spec.network.trees, spec.network.epochs) = (40, 2, 1);
    let found = run_in_memory::<RandomForests>(&spec).unwrap();
    assert!(found.grid("pipeline").is_none());
    let regret = |choice: &str| found.cell("choice", "regret", &[("choice", choice)]).samples().unwrap();
    for choice in ["guided", "guided_three", "average", "validation_agreement", "chance"] {
        assert!(regret(choice).len() == 10 && regret(choice).min() >= 0.0, "{choice}");
    }
    // Any student loses more than none, unless all are alike.
    assert!(regret("chance").mean() > 0.0);
    std::fs::write(directory.path().join("t1.dat"), "1,a\n2,b\n").unwrap();
    let error = run_in_memory::<RandomForests>(&spec).unwrap_err().to_string();
    assert!(error.contains("data") && error.contains("t1"), "{error}");
}

#[test]
fn mixed_rows_stay_near_true_ones_and_words_stay_words() {
    let directory = tempfile::tempdir().unwrap();
    // Two heaps, far apart; a word and a gap that go with each.
    let row = |k: usize| {
        let heap = k % 2;
        let gap = if k == 4 { "?".into() } else { format!("{}", 10.0 * heap as f64 + 0.01 * k as f64) };
        format!("{gap},{},{}\n", ["u", "v"][heap], ["a", "b"][heap])
    };
    let file = directory.path().join("heaps.csv");
    std::fs::write(&file, (0..40).map(row).collect::<String>()).unwrap();
    let table = read_table(&file).unwrap();
    let spec = Spec { data: Some(file), copies: 3, swap: 0.5, trees: 5, ..Spec::default() };
    let task = Task::new(&spec, &table, 0).unwrap();
    let rows = mixed(&task, &spec);
    assert_eq!(rows.dim(), (3 * task.training.raw.nrows(), 2));
    for row in rows.rows() {
        assert!(row[1] == 0.0 || row[1] == 1.0, "{row}");
        // A heap is 0.4 wide; five deviations of its widest gap are less than the 10 between heaps.
        assert!(row[0].is_nan() || (row[0] - 10.0 * row[1]).abs() < 4.0, "{row}");
    }
    assert!(rows.rows().into_iter().any(|row| task.training.raw.rows().into_iter().all(|own| own[0] != row[0])));
    assert_eq!(mixed(&task, &Spec { copies: 0, ..spec }).nrows(), 0);
}

#[test]
fn a_head_is_a_student_beside_layers_and_a_stage_learns_along() {
    let (tables, heads) = (names(&["iris"]), names(&["quantum"]));
    let targets = names(&["hard", "synthetic", "mixed"]);
    let mut spec = Spec { tables, heads, targets, trees: 10, ..Spec::default() };
    spec.shapes.truncate(1);
    (spec.train.epochs, spec.network.trees, spec.circuit.qubits, spec.circuit.depth) = (3, 2, 2, 1);
    let found = run_in_memory::<RandomForests>(&spec).unwrap();
    let students = found.of("accuracy").grid("main").by("student");
    let students: Vec<(&str, usize)> = students.iter().map(|(name, of)| (name.as_str(), of.len())).collect();
    assert_eq!(students, [("quantum", 3), ("2 × 128", 3)]);
    assert!(["head_divergence", "head_agreement"].iter().all(|name| check(name, &found).is_some()));
    // Four columns give two components; with other parameters the predictions differ.
    assert_eq!(found.of("components").samples().unwrap().values(), [2.0, 2.0]);
    let divergences = found.of("divergence").grid("pipeline").samples().unwrap();
    assert_ne!(divergences.min(), divergences.max());
}
