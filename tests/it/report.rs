//! Files: whole or not at all, named where they fail, tables with names that hold commas.

use std::fs;
use std::path::Path;

use qgraft::study::StudyError;
use qgraft::study::files::{PredictionLine, RunFolder, predictions_csv};

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_finished_folder_holds_its_files_and_nothing_else_stays() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("runs").join("first");
    let run = RunFolder::create(&target).unwrap();
    run.write("a.txt", b"a").unwrap();
    run.write("b.txt", b"b").unwrap();
    assert!(!target.exists(), "not before it is complete");
    assert_eq!(run.finish().unwrap(), target);
    assert_eq!(names(&target), ["a.txt", "b.txt"]);
    assert_eq!(names(&directory.path().join("runs")), ["first"]);
}

#[test]
fn a_folder_given_up_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let run = RunFolder::create(&directory.path().join("run")).unwrap();
    run.write("a.txt", b"a").unwrap();
    drop(run);
    assert!(names(directory.path()).is_empty());
}

#[test]
fn a_run_never_overwrites_another() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("run");
    let late = RunFolder::create(&target).unwrap();
    let first = RunFolder::create(&target).unwrap();
    first.write("a.txt", b"first").unwrap();
    first.finish().unwrap();
    assert!(matches!(RunFolder::create(&target), Err(StudyError::FolderTaken { .. })));
    late.write("a.txt", b"late").unwrap();
    assert!(matches!(late.finish(), Err(StudyError::FolderTaken { .. })));
    assert_eq!(fs::read_to_string(target.join("a.txt")).unwrap(), "first");
    assert_eq!(names(directory.path()), ["run"]);
}

#[test]
fn a_name_cannot_leave_the_folder() {
    let directory = tempfile::tempdir().unwrap();
    let run = RunFolder::create(&directory.path().join("run")).unwrap();
    for name in ["../a", "/a", "a/b", "..", ""] {
        assert!(matches!(run.write(name, b""), Err(StudyError::FileName { .. })), "{name:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_and_a_folder_that_takes_nothing_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let target = directory.path().join("run");
    let run = RunFolder::create(&target).unwrap();
    // /dev/full fails every write as a full disk does.
    std::os::unix::fs::symlink("/dev/full", run.path().join("metrics.json")).unwrap();
    let message = run.write("metrics.json", b"{}").unwrap_err().to_string();
    assert!(message.starts_with(&target.join("metrics.json").display().to_string()), "{message}");
    assert!(message.contains("No space left"), "{message}");
    drop(run);
    assert!(names(directory.path()).is_empty());

    // /proc takes no new folders, not even from root.
    let message = RunFolder::create(Path::new("/proc/run")).unwrap_err().to_string();
    assert!(message.starts_with("/proc: "), "{message}");
}

#[test]
fn tables_keep_names_with_commas_whole() {
    let classes = ["shirt, plain".to_string(), "\"pullover\"".to_string()];
    let line = PredictionLine {
        head: "linear".into(),
        seed: 3,
        condition: "1024 shots".into(),
        sample: "17".into(),
        label: classes[0].clone(),
        predicted: classes[1].clone(),
        probabilities: vec![0.25, 0.75],
    };
    let text = String::from_utf8(predictions_csv(&classes, &[line]).unwrap()).unwrap();
    assert_eq!(
        text,
        "head,seed,condition,sample,label,predicted,\"p(shirt, plain)\",\"p(\"\"pullover\"\")\"\n\
         linear,3,1024 shots,17,\"shirt, plain\",\"\"\"pullover\"\"\",0.25,0.75\n"
    );
    let short = PredictionLine {
        probabilities: vec![1.0],
        ..serde_json::from_value(serde_json::json!({
            "head": "", "seed": 0, "condition": "", "sample": "", "label": "", "predicted": "", "probabilities": []
        }))
        .unwrap()
    };
    assert!(predictions_csv(&classes, &[short]).is_err(), "a line of another width");
}
