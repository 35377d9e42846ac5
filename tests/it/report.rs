//! Files: whole or not at all, named where they fail, tables with names that hold commas.

use std::fs;
use std::path::Path;

use qgraft::report::{Drawing, Figure};
use qgraft::study::files::{PredictionLine, predictions_csv, write_whole};

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_file_is_replaced_as_a_whole_and_named_where_it_cannot_be_written() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run").join("a.txt");
    for text in ["first", "second"] {
        write_whole(&path, text.as_bytes()).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
    assert_eq!(names(path.parent().unwrap()), ["a.txt"], "no temporary file stays");
    if cfg!(target_os = "linux") {
        // /proc takes no new folders, not even from root.
        let message = write_whole(Path::new("/proc/run/a.txt"), b"a").unwrap_err().to_string();
        assert!(message.starts_with("/proc/run/a.txt: "), "{message}");
    }
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

#[test]
fn rows_of_a_heat_map_are_counted_from_below_names_and_values_alike() {
    let texts = |names: [&str; 2]| names.map(String::from).to_vec();
    let drawing = Drawing::Cells {
        rows: ("row".into(), texts(["lower", "upper"])),
        columns: ("column".into(), texts(["left", "right"])),
        shade: "value".into(),
        values: vec![vec![1.25, 2.25], vec![7.5, 8.5]],
    };
    let svg = Figure { name: "map".into(), caption: "a map".into(), drawing }.html();
    let height = |text: &str| -> f64 {
        let end = svg.find(&format!(">{text}<")).unwrap_or_else(|| panic!("no {text} in {svg}"));
        let start = svg[..end].rfind(" y=\"").unwrap() + 4;
        svg[start..].split('"').next().unwrap().parse().unwrap()
    };
    assert!(height("lower") > height("upper"), "y grows downwards");
    let is_near = |text: &str, name: &str| (height(text) - height(name)).abs() < 10.0;
    assert!(
        is_near("1.25", "lower") && is_near("2.25", "lower") && is_near("7.50", "upper") && is_near("8.50", "upper")
    );
}
