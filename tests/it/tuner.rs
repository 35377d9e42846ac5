//! The system `tuner` and `qgraft tune`: the simulated engine, budgets, replay tables, suggestions, tuned settings.

use std::fs;
use std::path::Path;

use qgraft::classic::tuning::{Knowledge, Model, Options, Region, Values};
use qgraft::lab::tune::{TuneOptions, TuneSpec};
use qgraft::lab::{
    Applied, ApplyOptions, ModelChoice, Outcome, Overrides, RunOptions, SavedRun, StudyError, System, tune,
};
use qgraft::math::Stream;
use qgraft::sim::Condition;
use qgraft::systems::SYSTEMS;
use qgraft::systems::tuner::{METHOD, QUERIES, ReplayTable, Session, Simulator, World};
use tempfile::TempDir;

use crate::systems::files;

fn tuner() -> &'static dyn System {
    SYSTEMS.iter().copied().find(|system| system.info().name == "tuner").unwrap()
}

fn run(folder: &Path, flags: &[(&str, &str)]) -> Result<Outcome, StudyError> {
    let flags = flags.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect();
    let overrides = Overrides { presets: vec!["smoke".into()], flags, ..Overrides::default() };
    tuner().run(&tuner().resolve(&overrides)?, &RunOptions { jobs: 2, ..RunOptions::new(folder) }, &())
}

fn apply(run: &Path, data: &Path) -> Result<Applied, StudyError> {
    let options = ApplyOptions {
        data: vec![data.to_path_buf()],
        choice: ModelChoice::default(),
        condition: Condition::default(),
        skip_bad: false,
        cache: run.join("cache"),
        threads: 1,
        out_files: None,
    };
    tuner().apply(&SavedRun::open(run)?, &options, &())
}

#[test]
fn no_configuration_of_the_simulator_is_below_its_optimum() {
    let world = Simulator::new(3, 0.0);
    let region = Region::whole(world.space());
    let mut stream = Stream::named(0, "configurations");
    for task in 0..world.tasks().len() {
        let mut least = f64::INFINITY;
        for _ in 0..400 {
            let own = region.sample(world.space(), &mut stream);
            least = world.total(task, &own).map_or(least, |seconds| least.min(seconds));
        }
        let optimum = world.optimum(task);
        assert!(optimum < least && least < 4.0 * optimum, "{}: {least} against {optimum}", world.tasks()[task]);
        // Descent from a good configuration comes near it: nothing below, and not far above.
        let mut best = region.sample(world.space(), &mut stream);
        let mut value = world.total(task, &best).unwrap_or(f64::INFINITY);
        for _ in 0..6000 {
            let next = region.neighbour(world.space(), &best, &mut stream);
            if let Some(seconds) = world.total(task, &next).filter(|seconds| *seconds < value) {
                (best, value) = (next, seconds);
            }
        }
        // Whole numbers cannot reach the optimum of real ones.
        assert!((1.0 - 1e-9..1.1).contains(&(value / optimum)), "{}: {}", world.tasks()[task], value / optimum);
    }
}

#[test]
fn measurements_without_noise_are_the_total_and_reversed_tasks_disagree() {
    let world = Simulator::new(1, 0.0);
    let mut stream = Stream::named(0, "measurements");
    let own = world.space().default();
    let sum: f64 = (0..QUERIES).map(|query| world.measure(1, &own, query, &mut stream).unwrap()).sum();
    assert!((sum / world.total(1, &own).unwrap() - 1.0).abs() < 1e-12);
    let region = Region::whole(world.space());
    let rows: Vec<_> = (0..200).map(|_| region.sample(world.space(), &mut stream)).collect();
    let kept: Vec<_> = rows.iter().filter(|own| (0..6).all(|task| world.total(task, own).is_some())).collect();
    let totals = |task: usize| kept.iter().map(|own| world.total(task, own).unwrap()).collect::<Vec<f64>>();
    let agree = |a: usize, b: usize| qgraft::math::correlation::spearman(&totals(a), &totals(b)).unwrap();
    assert!(agree(0, 2) > 0.6, "{}", agree(0, 2));
    assert!(agree(1, 5) < 0.1, "{}", agree(1, 5));
}

#[test]
fn a_session_pays_for_everything_and_stops_at_its_budget() {
    let world = Simulator::new(2, 0.05);
    for (nested, options) in [
        (true, Options { transfer: None, ..Options::mftune(8) }),
        (false, Options { transfer: None, ..Options::mftune(8) }),
        (true, Options::plain(Model::Random)),
    ] {
        let session =
            Session { world: &world, target: 1, options, sources: &[], budget: 6, nested, timeout: 3.0, seed: 4 };
        let tuned = session.run(&|| Ok(())).unwrap();
        let paid: f64 = tuned.steps.iter().map(|step| step.cost).sum();
        let default = tuned.steps[0].seconds.unwrap();
        assert!(paid <= 6.0 * default * (1.0 + 1e-9), "{paid} of {}", 6.0 * default);
        assert!((tuned.spent - paid / (6.0 * default)).abs() < 1e-9);
        for step in tuned.steps.iter().filter(|step| step.seconds.is_some()) {
            // What a level measures is paid for there, or was below it.
            let all = step.cost + step.known;
            assert!((all - step.seconds.unwrap()).abs() < 1e-9 * all, "{step:?}");
            assert!(nested || step.known == 0.0);
        }
        assert!(tuned.curve.windows(2).all(|pair| pair[1] <= pair[0] * 1.2), "{:?}", tuned.curve);
    }
}

#[test]
fn a_failing_default_is_one_clear_error() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("times.csv");
    let rows = "a,time_x\n1,failed\n2,1\n3,1\n4,1\n5,1\n";
    fs::write(&path, rows).unwrap();
    let error = run(&directory.path().join("run"), &[("data", &path.display().to_string())]).unwrap_err().to_string();
    assert!(error.contains("task \"task\": its defaults"), "{error}");
}

#[test]
fn bad_tables_are_refused_by_line_and_column() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("times.csv");
    for (text, reason) in [
        ("a,b\n1,2\n", "no columns of times"),
        ("a,time_x\n1,-3\n2,1\n", "line 2"),
        ("a,time_x\n1,soon\n2,1\n", "time_x"),
        ("a,time_x\n1,0\n2,1\n", "expected seconds above 0"),
        ("a,time_x\n,1\n2,1\n", "expected the value of the knob"),
        ("a,time_x\n1,1\n1,2\n", "no column of a knob with two values"),
        ("a,time_x\n1,1\n2,2\n", "has 2 configurations"),
        ("task,a,time_x\n,1,1\nx,2,1\n", "name of the task"),
        ("", "no columns of times"),
    ] {
        fs::write(&path, text).unwrap();
        let error = ReplayTable::read(&path).map(|table| table.len()).unwrap_err().to_string();
        assert!(error.contains(reason), "{text:?}: {error}");
    }
}

/// Times of two tasks with a valley at 50 partitions and zstd.
fn times(count: usize) -> String {
    let mut text = String::from("task,default,partitions,share,codec,meta_size,time_q1,time_q2,time_q3\n");
    let mut stream = Stream::named(8, "times");
    for (task, size) in [("day", 1.0), ("night", 2.0)] {
        for row in 0..count {
            let (partitions, share) = (1 + stream.below(400), (100.0 * stream.uniform()).round() / 100.0);
            let codec = ["lz4", "zstd", "snappy"][stream.below(3)];
            let cost = 1.0 + ((partitions as f64).ln() - 50f64.ln()).powi(2) + if codec == "zstd" { 0.0 } else { 0.5 };
            let seconds = |query: f64| size * query * (cost + 0.2 * share) * (0.02 * stream.clone().normal()).exp();
            let marked = if row == 3 { "yes" } else { "" };
            let third = if row == 7 { "failed".into() } else { format!("{:.3}", seconds(5.0)) };
            text += &format!(
                "{task},{marked},{partitions},{share},{codec},{size},{:.3},{:.3},{third}\n",
                seconds(1.0),
                seconds(0.4)
            );
            let _ = stream.bits();
        }
    }
    text
}

#[test]
fn own_times_are_replayed_and_the_next_configurations_suggested() {
    let directory = TempDir::new().unwrap();
    let at = |name: &str| directory.path().join(name);
    fs::write(at("times.csv"), times(60)).unwrap();
    let table = ReplayTable::read(&at("times.csv")).unwrap();
    assert_eq!(
        (table.tasks(), table.queries().len(), table.space().len()),
        (&["day".into(), "night".into()][..], 3, 3)
    );
    let outcome =
        run(&at("run"), &[("data", &at("times.csv").display().to_string()), ("budget", "8"), ("history", "30")])
            .unwrap();
    assert!(outcome.results.failures.is_empty(), "{:?}", outcome.results.failures);
    for (arm, samples) in outcome.results.of("slowdown").grid("main").by("arm") {
        assert!(samples.min() >= 1.0, "{arm}");
        assert!(arm == "default" || samples.mean() < 3.0, "{arm}: {}", samples.mean());
    }
    fs::write(at("new.csv"), "partitions,share,codec,time_q1,time_q2,time_q3\n300,0.5,lz4,9,3,40\n").unwrap();
    let applied = apply(&at("run"), &at("new.csv")).unwrap();
    assert_eq!(applied.columns, ["suggestion", "partitions", "share", "codec"]);
    assert_eq!(applied.rows.len(), 5);
    fs::write(at("bad.csv"), "partitions,share,codec,time_q1,time_q2,time_q3\n300,0.5,gzip,9,3,40\n").unwrap();
    let error = apply(&at("run"), &at("bad.csv")).unwrap_err().to_string();
    assert!(error.contains("codec") && error.contains("expected one of"), "{error}");
    fs::write(at("bad.csv"), "partitions,share,codec,time_q1,time_q2,time_q3\n9000000,0.5,lz4,9,3,40\n").unwrap();
    let error = apply(&at("run"), &at("bad.csv")).unwrap_err().to_string();
    assert!(error.contains("partitions") && error.contains("in the range that the run has tuned"), "{error}");
    fs::write(at("bad.csv"), "partitions,codec,time_q1,time_q2,time_q3\n300,lz4,9,3,40\n").unwrap();
    let error = apply(&at("run"), &at("bad.csv")).unwrap_err().to_string();
    assert!(error.contains("no column \"share\""), "{error}");
    let error = apply(&at("run"), &at("times.csv")).unwrap_err().to_string();
    assert!(error.contains("expected the rows of \"day\" alone"), "{error}");
    // Knobs that are left alone have the defaults of the task, not the least values of the table.
    let saved: Vec<_> = files(&at("run")).into_iter().filter(|(path, _)| path.ends_with("knowledge.jsonl")).collect();
    assert_eq!(saved.len(), 2);
    for (path, text) in saved {
        let known = Knowledge::from_lines(&String::from_utf8(text).unwrap(), &path).unwrap();
        assert!((0..2).any(|task| known.space.default() == table.default(task)), "{:?}", known.space.default());
    }
}

#[test]
fn a_smoke_run_decides_its_checks_and_stays_within_the_budget() {
    let directory = TempDir::new().unwrap();
    let outcome = run(&directory.path().join("run"), &[]).unwrap();
    assert!(outcome.results.failures.is_empty(), "{:?}", outcome.results.failures);
    let check =
        |name: &str| outcome.checked.iter().find(|check| check.name == name).unwrap_or_else(|| panic!("{name}"));
    for name in ["below_smac", "half_the_budget", "transfer_helps", "subset_orders", "no_harm"] {
        assert!(check(name).value.is_finite());
    }
    for name in ["within_budget", "everything_paid"] {
        assert!(check(name).holds, "{name}: {}", check(name).value);
    }
    let page = fs::read_to_string(directory.path().join("run/report.html")).unwrap();
    assert!(page.contains("Settings that were found") && page.contains(METHOD));
}

const TUNE: &str = r#"
format = "qgraft.tune/1"
system = "qtl"
presets = ["smoke"]
only = ["head=linear"]
metric = "validation_loss"
test_metric = "accuracy"
seeds = 3
test_seeds = 3
budget = 3
[settings.hold_out]
validation = 0.3
[[knobs]]
field = "train.rate"
low = 1e-4
high = 0.5
log = true
[[knobs]]
field = "train.batch"
values = [4, 8, 16]
"#;

fn qtl() -> &'static dyn System {
    SYSTEMS[0]
}

fn tuned(folder: &Path, text: &str, resume: bool) -> Result<tune::TuneOutcome, StudyError> {
    let path = folder.with_extension("toml");
    fs::write(&path, text).unwrap();
    let options = TuneOptions { out: folder.into(), cache: folder.with_extension("cache"), jobs: 2, resume };
    tune::run(&TuneSpec::read(&path)?, qtl(), &options, &())
}

#[test]
fn settings_of_a_head_are_tuned_on_validation_rows_and_compared_under_fresh_seeds() {
    let directory = TempDir::new().unwrap();
    let out = directory.path().join("tuned");
    let outcome = tuned(&out, TUNE, false).unwrap();
    assert!(outcome.spent <= 3.0 + 1e-9 && outcome.measured.len() >= 3, "{outcome:?}");
    let (best, default) = (outcome.best.1.unwrap(), outcome.default.1.unwrap());
    assert!(best <= default, "{best} {default}");
    if let Some(compared) = &outcome.compared {
        assert!(compared.seeds.iter().all(|seed| *seed >= 100_000));
        assert_eq!((compared.tuned.len(), compared.default.len()), (3, 3));
    }
    for name in ["report.html", "tune.json", "measurements.csv", "knowledge.jsonl", "spec.toml"] {
        assert!(out.join(name).is_file(), "{name}");
    }
    // Knobs of one table are set side by side: configurations that differ in any of them have different values.
    let full: Vec<_> = outcome.measured.iter().filter(|own| own.level == 1).collect();
    assert!(full.windows(2).all(|pair| pair[0].value != pair[1].value), "{full:?}");
    // The winner's settings are those of a run.
    let file = qgraft::lab::read_settings(qtl(), &out.join("spec.toml")).unwrap();
    let winner = |field: &str| file["train"][field].to_string();
    let text = format!("train.rate = {}, train.batch = {}", winner("rate"), winner("batch"));
    assert_eq!(text.trim_end_matches(".0"), outcome.best.0, "{}", outcome.best.0);
    qtl().resolve(&Overrides { file: Some(file), ..Overrides::default() }).unwrap();
    // Nothing is measured again, and nothing is otherwise.
    let again = tuned(&out, TUNE, true).unwrap();
    assert_eq!((&again.measured, &again.best, &again.compared), (&outcome.measured, &outcome.best, &outcome.compared));
    assert!(matches!(tuned(&out, TUNE, false), Err(StudyError::Unfinished { .. })));
    // A later tuning starts from it.
    let later = TUNE.replace("budget = 3", &format!("budget = 2\nhistory = [{:?}]", out.display().to_string()));
    tuned(&directory.path().join("later"), &later, false).unwrap();
    let other = later.replace("high = 0.5", "high = 0.4");
    let error = tuned(&directory.path().join("other"), &other, false).unwrap_err().to_string();
    assert!(error.contains("other knobs, or other ranges"), "{error}");
}

#[test]
fn a_tuning_refuses_what_does_not_fit_by_name() {
    let directory = TempDir::new().unwrap();
    for (from, to, reason) in [
        ("\"validation_loss\"", "\"validation_los\"", "did you mean \"validation_loss\""),
        ("train.batch", "train.bach", "did you mean \"train.batch\""),
        ("values = [4, 8, 16]", "values = [4, 8, 16, 8]", "8 is there twice"),
        ("low = 1e-4", "low = \"small\"", "knobs.train.rate = small: expected a number"),
        ("low = 1e-4", "low = 0", "a logarithmic range from 0"),
        ("budget = 3", "budget = 3\nhistory = [\"nowhere\"]", "nowhere"),
        ("low = 1e-4", "low = 0.6", "the range 0.6 to 0.5 is empty"),
        ("values = [4, 8, 16]", "values = [4, 8]", "a value among 4, 8"),
        ("validation = 0.3", "", "settings.hold_out.validation"),
        ("budget = 3", "budget = 0", "budget = 0"),
        ("budget = 3", "budjet = 3", "did you mean `budget`"),
        ("seeds = 3\n", "seeds = 3\nfidelity = \"train.batch\"\n", "a field that is no knob"),
        ("seeds = 3\n", "seeds = 3\nstrategy = \"smack\"\n", "did you mean \"smac\""),
        ("tune/1", "tune/2", "this command reads"),
    ] {
        let error = tuned(&directory.path().join("bad"), &TUNE.replacen(from, to, 1), false)
            .map(|_| ())
            .unwrap_err()
            .to_string();
        assert!(error.contains(reason), "{to}: {error}");
        assert!(!directory.path().join("bad").exists(), "{to} left a folder");
    }
}

#[test]
fn a_range_between_whole_numbers_is_whole_only_for_a_field_that_is() {
    let text = TUNE.replace("low = 1e-4\nhigh = 0.5\nlog = true", "low = 0\nhigh = 1\ndefault = 0.0123456");
    let spec: TuneSpec = toml::from_str(&text).unwrap();
    let space = spec.space(qtl()).unwrap();
    assert_eq!(space.knobs()[0].values, Values::Number { low: 0.0, high: 1.0, log: false });
    // The defaults are run to the last digit.
    let request = spec.request(qtl(), Some((&space, &space.default())), 1, &[0]).unwrap();
    assert_eq!(request.base["train"]["rate"].as_float(), Some(0.0123456));
}

#[test]
fn a_tuning_says_where_its_comparison_is_too_good() {
    for (from, to, notice) in [
        ("\"validation_loss\"", "\"accuracy\"", "qtl has validation_loss, validation_accuracy"),
        ("\"accuracy\"", "\"validation_loss\"", "metric and test_metric are both validation_loss"),
        ("validation = 0.3", "test = 0.3", "cut test rows anew under every seed"),
    ] {
        let spec: TuneSpec = toml::from_str(&TUNE.replacen(from, to, 1)).unwrap();
        let notices = spec.validate(qtl()).unwrap();
        assert!(notices.len() == 1 && notices[0].contains(notice), "{notices:?}");
    }
    assert!(toml::from_str::<TuneSpec>(TUNE).unwrap().validate(qtl()).unwrap().is_empty());
}

#[test]
fn measurements_are_listed_from_the_best_and_failures_are_counted() {
    let directory = TempDir::new().unwrap();
    // A batch of none is refused.
    let text = TUNE
        .replace("\"validation_loss\"", "\"validation_accuracy\"")
        .replace("seeds = 3\ntest", "seeds = 1\nstrategy = \"random\"\ntest")
        .replace("values = [4, 8, 16]", "values = [4, 8, 16, 0]");
    let outcome = tuned(&directory.path().join("tuned"), &text.replace("budget = 3", "budget = 8"), false).unwrap();
    assert!(outcome.higher_is_better);
    let listed: Vec<f64> = outcome.tables[1].rows.iter().map(|row| row[2].parse().unwrap()).collect();
    assert!(listed.len() > 2 && listed.is_sorted_by(|a, b| a >= b), "{listed:?}");
    let failed = outcome.measured.iter().filter(|own| own.failure.is_some()).count();
    assert!(
        failed > 0 && outcome.notices.iter().any(|notice| notice.starts_with(&format!("{failed} of 8 "))),
        "{:?}",
        outcome.notices
    );
}

#[test]
fn levels_of_a_tuning_are_apart_by_three() {
    let spec = |fidelity: &str, seeds: u64| {
        let text = TUNE.replacen("seeds = 3", &format!("seeds = {seeds}\nfidelity = {fidelity:?}"), 1);
        toml::from_str::<TuneSpec>(&text).unwrap().levels(qtl()).unwrap()
    };
    assert_eq!(spec("seeds", 9), [1, 3, 9]);
    assert_eq!(spec("seeds", 3), [1, 3]);
    assert_eq!(spec("seeds", 1), [1]);
    assert_eq!(spec("none", 4), [4]);
}
