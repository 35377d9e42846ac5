//! A battery end to end: the plan, the runs, what is told of them, and what happens when one fails.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use qgraft::systems::qtl::battery::{File, Planned, resolve};
use tempfile::TempDir;

const TINY: &str = include_str!("../study/tiny.toml");

fn study(place: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_qgraft")).arg("study").args(arguments).current_dir(place).output().unwrap()
}

/// A folder that holds `text` as tiny.toml.
fn with(text: &str) -> TempDir {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("tiny.toml"), text).unwrap();
    place
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn plan_of(text: &str) -> Vec<Planned> {
    let place = with(text);
    resolve(&File::read(&place.path().join("tiny.toml")).unwrap()).unwrap()
}

/// A CSV file as one map from column to cell for each line.
fn table(folder: &Path, name: &str) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(folder.join(name)).unwrap();
    let header = reader.headers().unwrap().clone();
    let line = |record: csv::StringRecord| header.iter().zip(&record).map(|(k, v)| (k.into(), v.into())).collect();
    reader.records().map(|record| line(record.unwrap())).collect()
}

#[test]
fn shipped_batteries_have_the_runs_they_promise() {
    let promised: [(&str, &[(&str, usize)]); 3] = [
        // arXiv 2603.16973: 692 trainings.
        ("qtl_paper.toml", &[("main", 560), ("ablation", 64), ("noise_decomposition", 48), ("few_shots", 20)]),
        ("qtl_synthetic.toml", &[("main", 560)]),
        ("qtl_quick.toml", &[("main", 18)]),
    ];
    for (name, studies) in promised {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/studies").join(name);
        let plan = resolve(&File::read(&path).unwrap()).unwrap();
        for (study, count) in studies {
            assert_eq!(plan.iter().filter(|run| run.study == *study).count(), *count, "{name}: {study}");
        }
    }
}

#[test]
fn an_id_is_the_hash_of_what_decides_the_result() {
    let ids = |text: &str| plan_of(text).into_iter().map(|run| run.id).collect::<Vec<_>>();
    let tiny = ids(TINY);
    assert_eq!(tiny, ids(TINY), "the same file has the same ids");
    assert_eq!(tiny, ids(&TINY.replace("Tiny", "Another title")), "a title decides nothing");
    let main: BTreeSet<&String> = tiny[..42].iter().collect();
    assert_eq!(main.len(), 42, "runs of one study differ");
    for (old, new) in [
        ("separation = 6.0", "separation = 5.0"),
        ("epochs = [2]", "epochs = [3]"),
        ("regnet_x_400mf", "resnet18"),
        ("title = \"Tiny\"", "title = \"Tiny\"\nweight_sd = 0.5"),
        ("title = \"Tiny\"", "title = \"Tiny\"\nhold_out = { validation = 0.3 }"),
    ] {
        assert_ne!(tiny[0], ids(&TINY.replacen(old, new, 1))[0], "{old} → {new}");
    }
}

#[test]
fn wrong_files_are_one_clear_error() {
    for (old, new, told) in [
        ("title =", "titel =", "did you mean `title`?"),
        ("[studies.main]", "[studies.mian]", "did you mean \"main\"?"),
        ("\"linear\"", "\"liner\"", "did you mean \"linear\"?"),
        ("heads = [\"linear\"", "head = [\"linear\"", "did you mean \"heads\"?"),
        ("datasets = [\"easy\", \"three\"]", "datasets = [\"eazy\"]", "did you mean \"easy\"?"),
        ("\"relaxation\"", "\"relaxatoin\"", "did you mean \"relaxation\"?"),
        ("devices = [\"manila\"]", "devices = [\"manilla\"]", "manila"),
        ("qubits = [2]\n", "qubits = [2, 2]\n", "stands twice"),
        ("qubits = [2]\n", "qubits = [\"two\"]\n", "qubits = two"),
        ("qubits = [2, 4]", "qubits = [6]", "manila (5 qubits)"),
        ("exclude = [{ qubits", "exclude = [{ qubit", "did you mean \"qubits\"?"),
        ("source = \"synthetic\"", "source = \"syntetic\"", "did you mean `synthetic`?"),
        ("test = 0.3", "test = 1.5", "datasets.three.test = 1.5"),
        ("readout_inversion", "readout_inversoin", "did you mean \"readout_inversion\"?"),
        ("study/1", "study/9", "qgraft.study/1"),
        ("draws = 5\n", "draws = 5\nheads = [\"linear\"]\n", "barren_plateau.heads"),
    ] {
        assert!(TINY.contains(old), "{old}");
        let place = with(&TINY.replacen(old, new, 1));
        let out = study(place.path(), &["tiny.toml", "--dry-run"]);
        let error = text(&out.stderr);
        assert_eq!(out.status.code(), Some(1), "{old} → {new}: {error}");
        assert!(error.contains(told), "{old} → {new}: {error}");
    }
    let place = with(TINY);
    for (only, told) in
        [("hed=linear", "did you mean \"head\"?"), ("linear", "key=value"), ("head=mlp_b", "leaves nothing of")]
    {
        let out = study(place.path(), &["tiny.toml", "--only", only]);
        assert_eq!(out.status.code(), Some(1));
        assert!(text(&out.stderr).contains(told), "{only}: {}", text(&out.stderr));
    }
    assert!(!place.path().join("studies").exists(), "nothing was begun");
}

#[test]
fn a_battery_is_told_whole_and_the_same_on_any_number_of_threads() {
    let place = with(TINY);
    let dry = text(&study(place.path(), &["tiny.toml", "--dry-run"]).stdout);
    assert!(dry.contains("110 runs, 107 computations"), "{dry}");
    for (jobs, out) in [("1", "one"), ("3", "three")] {
        let done = study(place.path(), &["tiny.toml", "--jobs", jobs, "--out", out]);
        assert!(done.status.success(), "{}", text(&done.stderr));
    }
    let (one, three) = (place.path().join("one"), place.path().join("three"));
    for name in ["runs.csv", "epochs.csv", "judged.csv", "predictions.csv", "tables.tex"] {
        assert_eq!(fs::read(one.join(name)).unwrap(), fs::read(three.join(name)).unwrap(), "{name}");
    }

    let runs = table(&one, "runs.csv");
    assert_eq!(runs.len(), 110);
    let predictions = table(&one, "predictions.csv");
    for run in runs.iter().filter(|run| run["study"] == "main") {
        let own: Vec<_> = predictions.iter().filter(|line| line["id"] == run["id"]).collect();
        assert_eq!(own.len().to_string(), run["test_rows"], "one line per test row");
        let right = own.iter().filter(|line| line["label"] == line["predicted"]).count();
        let accuracy: f64 = run["accuracy_last_epoch"].parse().unwrap();
        assert_eq!(right as f64 / own.len() as f64, accuracy, "the accuracy is that of the predictions");
        // `easy` holds 20 rows out itself, and of the other 40 a fifth chooses; of the 90 of `three` 0.3 are cut.
        let rows = ["training_rows", "validation_rows", "test_rows"].map(|name| run[name].parse::<usize>().unwrap());
        assert_eq!(rows, if run["dataset"] == "easy" { [32, 8, 20] } else { [51, 12, 27] });
    }
    // Two epochs are few for one start; three starts together are well above chance (0.5) on classes six sigma apart.
    let linear = runs.iter().filter(|run| run["head"] == "linear" && run["dataset"] == "easy");
    let accuracies: Vec<f64> = linear.map(|run| run["accuracy_last_epoch"].parse().unwrap()).collect();
    assert_eq!(accuracies.len(), 3);
    assert!(accuracies.iter().sum::<f64>() / 3.0 > 0.75, "{accuracies:?}");

    let report = fs::read_to_string(one.join("report.html")).unwrap();
    for told in ["110 of 110 runs", "The best test accuracy over epochs is computed nowhere", "No run failed", "<svg"] {
        assert!(report.contains(told), "{told}");
    }
    assert!(!report.contains("src=") && !report.contains("<script"), "self-contained");
    let figures: BTreeSet<String> = fs::read_dir(one.join("figures"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    for name in ["main_heads", "main_learning_easy", "ablation_quantum", "noise_scaling_quantum_manila", "few_shots"] {
        assert!(figures.contains(&format!("{name}.svg")) && figures.contains(&format!("{name}.png")), "{name}");
    }
}

#[test]
fn a_failed_run_stops_no_other_and_names_the_command_that_repeats_it() {
    let broken =
        TINY.replace("[lists]", "[datasets.missing]\nsource = \"features\"\npath = \"none.safetensors\"\n\n[lists]");
    let broken = broken.replace("datasets = [\"easy\", \"three\"]", "datasets = [\"missing\", \"easy\"]");
    let place = with(&broken);
    let only = ["--only", "study=main,head=linear,seed=0"];
    let out = study(place.path(), &[&["tiny.toml", "--out", "out"], &only[..]].concat());
    let error = text(&out.stderr);
    assert_eq!(out.status.code(), Some(1));
    assert!(text(&out.stdout).contains("1 of 110 runs finished, 1 failure"), "{}", text(&out.stdout));
    let repeat = error.lines().find_map(|line| line.trim().strip_prefix("repeat: qgraft study ")).expect(&error);
    assert!(error.contains("none.safetensors") && repeat.starts_with("tiny.toml --out out --resume --only id="));
    let report = fs::read_to_string(place.path().join("out/report.html")).unwrap();
    assert!(report.contains(repeat), "the report names it too");

    // Mended: the command does what it says.
    let mended = TINY.replace(
        "[lists]",
        "[datasets.missing]\nsource = \"synthetic\"\n\
        shape = { training = 20, held_out = 10, classes = 2, separation = 3.0, seed = 1 }\n\n[lists]",
    );
    fs::write(
        place.path().join("tiny.toml"),
        mended.replace("datasets = [\"easy\", \"three\"]", "datasets = [\"missing\", \"easy\"]"),
    )
    .unwrap();
    let again = study(place.path(), &[&["tiny.toml", "--out", "out", "--resume"], &only[..]].concat());
    assert!(again.status.success(), "{}", text(&again.stderr));
    assert!(text(&again.stdout).contains("2 of 110 runs finished, 0 failures"));
    let taken = study(place.path(), &["tiny.toml", "--out", "out"]);
    assert!(text(&taken.stderr).contains("--resume"), "a folder with results is not run over unasked");
}
