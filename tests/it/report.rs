//! The report: complete, self-contained, deterministic, and written as one piece or not at all.

use std::fs;
use std::path::Path;

use qgraft::study::StudyError;
use qgraft::study::files::{EpochLine, PredictionLine, RunFolder, predictions_csv, training_log_csv};
use qgraft::study::metric::{METRICS, Predictions};
use qgraft::study::report::{self, Family, HeadRow, MetricValue, Report, Roc};
use qgraft::study::stats::Spread;

use crate::support::sample_report;

/// The value of every attribute called `name`.
fn attributes<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    page.split(&format!(" {name}=\"")).skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

/// Fails on the first tag that closes what is not open.
fn check_nesting(page: &str) {
    let mut open = Vec::new();
    for tag in page.split('<').skip(1).map(|rest| rest.split('>').next().unwrap()) {
        let name = tag.split_whitespace().next().unwrap();
        match name.strip_prefix('/') {
            Some(closed) => assert_eq!(open.pop(), Some(closed), "</{closed}>"),
            None if name.starts_with('!') || tag.ends_with('/') || ["meta", "br"].contains(&name) => {}
            None => open.push(name),
        }
    }
    assert!(open.is_empty(), "never closed: {open:?}");
}

#[test]
fn the_page_tells_everything() {
    let sample = sample_report::report();
    let page = report::html(&sample);
    // For a reader's eye: the page stays in the build folder.
    fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join("sample_report.html"), &page).unwrap();
    let heads = sample.heads.iter().flat_map(|head| [&head.name, &head.doc]);
    let answers = sample.answers.iter().map(|answer| &answer.verdict);
    let sentences = sample.answers.iter().flat_map(|answer| &answer.evidence);
    let environment = [&sample.environment.engine, &sample.environment.precision, &sample.environment.device];
    let files = sample.files.iter().map(|(name, _)| name);
    let notices = sample.notices.iter();
    for told in heads.chain(answers).chain(sentences).chain(environment).chain(files).chain(notices) {
        assert!(page.contains(told.as_str()), "{told}");
    }
    assert!(page.contains(&sample.hold_out.sentence()));
    for row in METRICS {
        assert!(page.contains(&row.heading.replace(' ', "<br>")), "{}", row.name);
    }
}

#[test]
fn the_page_stands_alone_and_is_well_formed() {
    for report in [sample_report::report(), Report::default()] {
        let page = report::html(&report);
        check_nesting(&page);
        for forbidden in
            ["<script", "<link", "<img", "<iframe", "@import", "url(http", "url(\"", "url(/", " src=", "NaN", "inf\""]
        {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
        let named = attributes(&page, "id");
        for target in attributes(&page, "href") {
            let anchor = target.strip_prefix('#').expect("links stay on the page");
            assert!(named.contains(&anchor), "{anchor}");
        }
        let addresses = page.matches("http").count();
        let harmless = page.matches("xmlns=\"http").count() + page.matches("http-equiv").count();
        assert_eq!(addresses, harmless, "an address other than the namespace of SVG");
    }
}

#[test]
fn names_are_text_and_never_markup() {
    let hostile = "<script>alert('\"&')</script>".to_string();
    let mut sample = sample_report::report();
    sample.title = hostile.clone();
    sample.classes[0] = hostile.clone();
    sample.notices.push(hostile.clone());
    sample.settings.push((hostile.clone(), hostile.clone()));
    sample.heads[0].name = hostile.clone();
    sample.curves[0].head = hostile.clone();
    sample.confusions[0].head = hostile.clone();
    sample.rocs[0].head = hostile.clone();
    sample.noise[0].setting = hostile.clone();
    sample.comparisons[0].head = hostile.clone();
    sample.answers[0].evidence[0] = sample.comparisons[0].sentence();
    sample.circuit.as_mut().unwrap().text = hostile;
    let page = report::html(&sample);
    assert!(!page.contains("<script"));
    check_nesting(&page);
}

#[test]
fn one_seed_and_undefined_metrics_have_their_words() {
    let undefined = MetricValue { name: "auc".into(), value: None, undefined: Some("class 2 has no samples".into()) };
    let head = HeadRow { name: "linear".into(), last_epoch: vec![0.9], metrics: vec![undefined], ..HeadRow::default() };
    let page = report::html(&Report { heads: vec![head], ..Report::default() });
    assert!(page.contains("none: class 2 has no samples"));
    assert!(page.contains("90.0") && !page.contains("90.0 ±"));
    check_nesting(&page);
}

#[test]
fn a_small_run_with_many_heads_is_drawn() {
    let mut small = sample_report::report();
    for curve in &mut small.curves {
        curve.train_loss.truncate(1);
        curve.validation_loss.truncate(1);
        curve.validation_accuracy.truncate(1);
    }
    for head in &mut small.heads {
        head.family = Family::Classical;
        head.last_epoch = vec![1.0];
    }
    small.noise.truncate(1);
    small.comparisons.truncate(1);
    let page = report::html(&small);
    check_nesting(&page);
    fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join("small_report.html"), &page).unwrap();
    let inks: Vec<&str> = page.split("class=\"key\"").skip(1).map(|key| key.split("</svg>").next().unwrap()).collect();
    let distinct: std::collections::HashSet<&&str> = inks.iter().collect();
    assert!(distinct.len() >= 6, "six heads of a family look different");
}

#[test]
fn curves_over_seeds_stop_at_the_shortest() {
    let spread = Spread::of_curves(&[vec![0.1, 0.3, 0.5], vec![0.3, 0.3]]);
    let expected = [(0.2, 0.02f64.sqrt()), (0.3, 0.0)];
    assert_eq!(spread.len(), expected.len());
    for (spread, (mean, sd)) in spread.iter().zip(expected) {
        // One rounding in the mean, one in the root.
        assert!((spread.mean - mean).abs() < 1e-15 && (spread.sd.unwrap() - sd).abs() < 1e-15, "{spread:?}");
    }
    assert!(Spread::of_curves(&[]).is_empty());
}

#[test]
fn a_drawn_roc_keeps_its_corners_and_its_area() {
    let scores = [0.9, 0.8, 0.7, 0.6, 0.4, 0.3, 0.3, 0.1];
    let of_class = |(k, class): (usize, usize)| if class == 1 { scores[k] } else { 1.0 - scores[k] };
    let probabilities = ndarray::Array2::from_shape_fn((8, 2), of_class);
    let predictions = Predictions::new(probabilities, vec![1, 1, 1, 0, 0, 1, 0, 0]).unwrap();
    let drawn = Roc::of("linear", &predictions);
    // Three up, two right, one tie up and right together, one right.
    assert_eq!(drawn[0].points, [(0.0, 0.0), (0.0, 0.75), (0.5, 0.75), (0.75, 1.0), (1.0, 1.0)]);
    // Trapezoids below them: 0.5·0.75 + 0.25·0.875 + 0.25.
    assert_eq!((drawn.len(), drawn[0].class, drawn[0].area), (1, 1, 0.84375));
    let one_class = Predictions::new(ndarray::array![[0.5, 0.5]], vec![0]).unwrap();
    assert!(Roc::of("linear", &one_class).is_empty());
}

#[test]
fn json_is_the_same_to_the_byte_but_for_timing() {
    let first = sample_report::report();
    let mut second = sample_report::report();
    assert_eq!(report::json(&first).unwrap(), report::json(&second).unwrap());
    assert_eq!(report::html(&first), report::html(&second));
    second.timing.total.wall_seconds += 1.0;
    second.timing.heads.clear();
    let untimed = |report: &Report| report::json(report).unwrap().split("\n  \"timing\": ").next().unwrap().to_string();
    assert_eq!(untimed(&first), untimed(&second));
    assert!(untimed(&first).ends_with(','), "timing stands last");
}

#[test]
fn json_reads_back_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("metrics.json");
    let sample = sample_report::report();
    fs::write(&path, report::json(&sample).unwrap()).unwrap();
    assert_eq!(report::read(&path).unwrap(), sample);
    fs::write(&path, "{}").unwrap();
    assert!(matches!(report::read(&path), Err(StudyError::Json { .. })));
    assert!(matches!(report::read(&folder.path().join("absent")), Err(StudyError::File { .. })));
}

#[test]
fn a_number_that_is_none_is_named_by_its_place() {
    let mut sample = sample_report::report();
    sample.curves[1].train_loss[3].mean = f64::NAN;
    let message = report::json(&sample).unwrap_err().to_string();
    assert!(message.starts_with("curves.1.train_loss.3.mean is not a finite number"), "{message}");
}

#[cfg(feature = "cli")]
#[test]
fn the_terminal_table_names_every_head_answer_and_notice() {
    let sample = sample_report::report();
    let table = report::table(&sample);
    let answers = sample.answers.iter().flat_map(|answer| answer.evidence.iter().chain([&answer.verdict]));
    for told in sample.heads.iter().map(|head| &head.name).chain(answers).chain(&sample.notices) {
        assert!(table.contains(told.as_str()), "{told} in\n{table}");
    }
}

/// Everything in a folder, hidden files too.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_finished_folder_holds_its_files_and_nothing_else_stays() {
    let place = tempfile::tempdir().unwrap();
    let target = place.path().join("runs").join("first");
    let run = RunFolder::create(&target).unwrap();
    run.write("a.txt", b"a").unwrap();
    run.write("b.txt", b"b").unwrap();
    assert!(!target.exists(), "not before it is complete");
    assert_eq!(run.finish().unwrap(), target);
    assert_eq!(names(&target), ["a.txt", "b.txt"]);
    assert_eq!(names(&place.path().join("runs")), ["first"]);
}

#[test]
fn a_folder_given_up_leaves_nothing() {
    let place = tempfile::tempdir().unwrap();
    let run = RunFolder::create(&place.path().join("run")).unwrap();
    run.write("a.txt", b"a").unwrap();
    drop(run);
    assert!(names(place.path()).is_empty());
}

#[test]
fn a_run_never_overwrites_another() {
    let place = tempfile::tempdir().unwrap();
    let target = place.path().join("run");
    let late = RunFolder::create(&target).unwrap();
    let first = RunFolder::create(&target).unwrap();
    first.write("a.txt", b"first").unwrap();
    first.finish().unwrap();
    assert!(matches!(RunFolder::create(&target), Err(StudyError::FolderTaken { .. })));
    late.write("a.txt", b"late").unwrap();
    assert!(matches!(late.finish(), Err(StudyError::FolderTaken { .. })));
    assert_eq!(fs::read_to_string(target.join("a.txt")).unwrap(), "first");
    assert_eq!(names(place.path()), ["run"]);
}

#[test]
fn a_name_cannot_leave_the_folder() {
    let place = tempfile::tempdir().unwrap();
    let run = RunFolder::create(&place.path().join("run")).unwrap();
    for name in ["../a", "/a", "a/b", "..", ""] {
        assert!(matches!(run.write(name, b""), Err(StudyError::FileName { .. })), "{name:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_and_a_folder_that_takes_nothing_are_named() {
    let place = tempfile::tempdir().unwrap();
    let target = place.path().join("run");
    let run = RunFolder::create(&target).unwrap();
    // /dev/full answers every write as a full disk does.
    std::os::unix::fs::symlink("/dev/full", run.path().join("metrics.json")).unwrap();
    let message = run.write("metrics.json", b"{}").unwrap_err().to_string();
    assert!(message.starts_with(&target.join("metrics.json").display().to_string()), "{message}");
    assert!(message.contains("No space left"), "{message}");
    drop(run);
    assert!(names(place.path()).is_empty());

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
        setting: "1024 shots".into(),
        sample: "17".into(),
        label: classes[0].clone(),
        predicted: classes[1].clone(),
        probabilities: vec![0.25, 0.75],
    };
    let text = String::from_utf8(predictions_csv(&classes, &[line]).unwrap()).unwrap();
    assert_eq!(
        text,
        "head,seed,setting,sample,label,predicted,\"p(shirt, plain)\",\"p(\"\"pullover\"\")\"\n\
         linear,3,1024 shots,17,\"shirt, plain\",\"\"\"pullover\"\"\",0.25,0.75\n"
    );
    let short = PredictionLine {
        probabilities: vec![1.0],
        ..serde_json::from_value(serde_json::json!({
            "head": "", "seed": 0, "setting": "", "sample": "", "label": "", "predicted": "", "probabilities": []
        }))
        .unwrap()
    };
    assert!(predictions_csv(&classes, &[short]).is_err(), "a line of another width");

    let epoch = EpochLine {
        head: "linear".into(),
        seed: 3,
        epoch: 1,
        learning_rate: 1e-3,
        train_loss: 0.5,
        validation_loss: 0.6,
        validation_accuracy: 0.8,
    };
    let text = String::from_utf8(training_log_csv(&[epoch]).unwrap()).unwrap();
    assert_eq!(
        text,
        "head,seed,epoch,learning_rate,train_loss,validation_loss,validation_accuracy\nlinear,3,1,0.001,0.5,0.6,0.8\n"
    );
}
