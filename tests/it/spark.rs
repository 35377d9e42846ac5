//! The system `tuner` on a real Spark, whose driver is a shell script here: protocol, failures, limits, interruptions.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use qgraft::classic::tuning::Knowledge;
use qgraft::lab::{Outcome, Overrides, RunOptions, StudyError, System};
use qgraft::study::Observer;
use qgraft::systems::SYSTEMS;
use qgraft::systems::tuner::spark::{Answer, Compared, Engine, KNOBS, Live, Process, QUERIES, TABLES, Timed, space};
use qgraft::systems::tuner::{METHOD, ReplayTable, World};
use tempfile::TempDir;

use crate::systems::files;

/// A query takes 10 ms and 0.1 ms for each shuffle partition. `RUN` is replaced by what else happens; `n` is the number of partitions.
const DRIVER: &str = r#"#!/bin/sh
folder=${0%/*}
while read -r line; do
  echo "$line" >> "$folder/asked"
  n=${line#*shuffle.partitions\":\"}
  n=${n%%\"*}
  case $line in
    *'"do":"open"'*) OPEN; echo 'OPENED' ;;
    *'"do":"metrics"'*) echo '{"ok":true,"metrics":{"gc_ms":1.5,"spilled_disk_bytes":0,"tasks":40}}' ;;
    *'"do":"close"'*) exit 0 ;;
    *) RUN; printf '{"ok":true,"rows":1,"seconds":0.%04d}\n' $((100 + n)) ;;
  esac
done
"#;

/// A folder with a driver and empty tables.
struct Fake {
    folder: TempDir,
}

impl Fake {
    fn new(open: &str, run: &str) -> Self {
        let own = Self { folder: TempDir::new().unwrap() };
        own.becomes(open, run);
        fs::create_dir(own.at("sf1")).unwrap();
        own
    }

    fn becomes(&self, open: &str, run: &str) {
        let tables: Vec<String> = TABLES.iter().map(|name| format!("\"{name}\":1000")).collect();
        let opened = format!("{{\"ok\":true,\"version\":\"3.5\",\"cores\":2,\"tables\":{{{}}}}}", tables.join(","));
        let text = DRIVER.replace("OPENED", &opened).replace("OPEN", open).replace("RUN", run);
        fs::write(self.at("python"), text).unwrap();
        fs::set_permissions(self.at("python"), fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn path(&self, name: &str) -> String {
        self.at(name).display().to_string()
    }

    fn live(&self) -> Live {
        Live { python: self.path("python"), tables: vec![self.path("sf1")], warm: 0, ..Live::default() }
    }

    /// Queries that the driver was asked.
    fn asked(&self) -> usize {
        let text = fs::read_to_string(self.at("asked")).unwrap_or_default();
        text.lines().filter(|line| line.contains("\"do\":\"run\"")).count()
    }

    fn run(&self, name: &str, extra: &[(&str, &str)], observer: &dyn Observer) -> Result<Outcome, StudyError> {
        let flags = [("spark", "local[2]"), ("tables", &self.path("sf1")), ("python", &self.path("python"))];
        let flags = flags.iter().chain(extra).map(|(a, b)| (a.to_string(), b.to_string())).collect();
        let set = [("spark.repetitions", "3"), ("spark.warm", "0"), ("spark.per_session", "4")];
        let set = set.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect();
        let overrides = Overrides { presets: vec!["smoke".into()], flags, set, ..Overrides::default() };
        let options = RunOptions { jobs: 2, resume: true, ..RunOptions::new(self.at(name)) };
        tuner().run(&tuner().resolve(&overrides)?, &options, observer)
    }
}

fn tuner() -> &'static dyn System {
    SYSTEMS.iter().copied().find(|system| system.info().name == "tuner").unwrap()
}

/// Nothing, at the places of the script where a statement is needed.
const NOTHING: &str = ":";
const TOO_MUCH: &str = r#"if [ "$n" -gt 300 ]; then echo '{"ok":false,"error":"out of memory"}'; continue; fi"#;

/// Stops after so many times that it was looked at, and keeps what was noted.
struct Stopping {
    looks: AtomicUsize,
    most: usize,
    notes: Mutex<Vec<String>>,
}

impl Stopping {
    fn after(most: usize) -> Self {
        Self { looks: AtomicUsize::new(0), most, notes: Mutex::new(Vec::new()) }
    }
}

impl Observer for Stopping {
    fn stopped(&self) -> bool {
        self.looks.fetch_add(1, Ordering::SeqCst) >= self.most
    }

    fn note(&self, text: &str) {
        self.notes.lock().unwrap().push(text.into());
    }
}

fn is_alive(pid: &Path) -> bool {
    let pid = fs::read_to_string(pid).unwrap();
    let state = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    // What has ended and was not yet collected by anybody is no process any more.
    !state.is_empty() && !state.contains(") Z ")
}

#[test]
fn the_tables_of_queries_and_settings_are_in_order() {
    let names: Vec<&str> = QUERIES.iter().map(|query| query.name.as_str()).collect();
    let expected: Vec<String> = (1..=22).map(|number| format!("q{number}")).collect();
    assert_eq!(names, expected);
    for query in QUERIES.iter() {
        assert!(query.sql.contains("select") && !query.sql.contains(';'), "{}", query.name);
        assert!(TABLES.iter().any(|table| query.sql.contains(table)), "{}", query.name);
    }
    for (k, row) in KNOBS.iter().enumerate() {
        assert!(row.property.starts_with("spark."), "{}", row.name);
        // A setting of the SQL session can change between two queries, no other.
        assert_eq!(row.is_static, !row.property.starts_with("spark.sql."), "{}", row.name);
        assert!(
            KNOBS[..k].iter().all(|other| other.name != row.name && other.property != row.property),
            "{}",
            row.name
        );
    }
    let text = space().text(&space().default());
    assert!(text.contains("shuffle_partitions = 200") && text.contains("memory_fraction = 0.6"), "{text}");
}

#[test]
fn queries_are_timed_and_failures_are_the_configurations() {
    let fake = Fake::new(NOTHING, &format!("if [ \"$n\" = 7 ]; then exit 3; fi; {TOO_MUCH}"));
    let mut engine = Engine::new(&fake.live()).unwrap();
    let default = space().default();
    let of = |partitions: f64| -> Vec<f64> {
        let place = KNOBS.iter().position(|row| row.name == "shuffle_partitions").unwrap();
        default.iter().enumerate().map(|(k, own)| if k == place { partitions } else { *own }).collect()
    };
    let mut time = |configuration: &[f64]| engine.run((0, configuration), &QUERIES[0], 5.0, &|| false).unwrap();
    assert_eq!(time(&default), Timed { seconds: Some(0.03), paid: 0.03, rows: Some(1), error: None });
    assert_eq!(time(&of(50.0)).seconds, Some(0.015));
    let failed = time(&of(400.0));
    assert_eq!((failed.seconds, failed.error.as_deref()), (None, Some("out of memory")));
    let failed = time(&of(7.0));
    assert!(failed.seconds.is_none() && failed.error.unwrap().contains("the driver has ended"));
    // It is started again for the next one.
    assert_eq!(time(&of(50.0)).seconds, Some(0.015));
    let static_knob = KNOBS.iter().position(|row| row.name == "shuffle_compress").unwrap();
    let mut other = default.clone();
    other[static_knob] = 0.0;
    for configuration in [&default, &default, &other, &other, &default] {
        time(configuration);
    }
    assert_eq!((engine.processes, engine.sessions), (2, 4));
    let meta = engine.meta(0, &|| false).unwrap();
    let names: Vec<&str> = meta.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["cores", "bytes", "gc_ms", "spilled_disk_bytes", "tasks"]);
    assert!((meta[1].1 - 8001f64.ln()).abs() < 1e-12 && (meta[2].1 - 2.5f64.ln()).abs() < 1e-12);
}

#[test]
fn a_driver_that_hangs_ends_with_all_that_it_started() {
    for is_stopped in [false, true] {
        let fake = Fake::new(NOTHING, "sleep 1000 & echo $! > \"$folder/pid\"; wait");
        let mut process = Process::start(&fake.path("python"), fake.folder.path()).unwrap();
        let limit = if is_stopped { 60.0 } else { 5.0 };
        let began = Instant::now();
        let stopped = || is_stopped && fake.at("pid").exists();
        let request = serde_json::json!({"do": "run", "settings": {"spark.sql.shuffle.partitions": "1"}});
        let answer = process.ask(&request, Duration::from_secs_f64(limit), &stopped);
        match answer {
            Ok(Answer::Lost(reason)) => assert!(!is_stopped && reason.contains("no answer"), "{reason}"),
            Err(StudyError::Interrupted) => assert!(is_stopped),
            other => panic!("{other:?}"),
        }
        assert!(began.elapsed() < Duration::from_secs(30));
        while is_alive(&fake.at("pid")) {
            assert!(began.elapsed() < Duration::from_secs(60), "what the driver started goes on");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn a_tuning_of_a_spark_finds_fewer_partitions_and_says_how_much_faster_they_are() {
    let fake = Fake::new(NOTHING, TOO_MUCH);
    let outcome = fake.run("run", &[], &()).unwrap();
    assert!(outcome.results.failures.is_empty(), "{:?}", outcome.results.failures);
    let value =
        |metric: &str, arm: &str| outcome.results.of(metric).grid("live").at("arm", arm).samples().unwrap().mean();
    // Equal times: the interval of the defaults against themselves is a point.
    for metric in ["speedup", "speedup_low", "speedup_high"] {
        assert!((value(metric, "default") - 1.0).abs() < 1e-12);
    }
    let (speedup, low) = (value("speedup", METHOD), value("speedup_low", METHOD));
    assert!(speedup > 1.2 && (speedup - low).abs() < 1e-9, "{speedup} {low}");
    let seconds = value("default_seconds", METHOD);
    assert!((seconds - 22.0 * 0.03).abs() < 1e-9 && (seconds / value("tuned_seconds", METHOD) - speedup).abs() < 1e-9);
    assert!(value("spent", METHOD) <= 1.0 && value("measurements", METHOD) > 6.0);
    let saved: Vec<_> =
        files(&fake.at("run")).into_iter().filter(|(path, _)| path.ends_with("knowledge.jsonl")).collect();
    for (path, text) in &saved {
        let known = Knowledge::from_lines(&String::from_utf8(text.clone()).unwrap(), path).unwrap();
        assert_eq!((known.space.len(), known.parts.len(), known.tasks[0].name.as_str()), (KNOBS.len(), 22, "sf1"));
    }
    assert_eq!(saved.len(), 2);
    let page = fs::read_to_string(fake.at("run/report.html")).unwrap();
    assert!(page.contains("spark.sql.shuffle.partitions") && page.contains("Seconds of each query"));
}

#[test]
fn what_was_interrupted_anywhere_goes_on_with_every_answer() {
    // Without failures, whose seconds are those of a clock.
    let fake = Fake::new(NOTHING, NOTHING);
    for flags in [&[][..], &[("record", "9")]] {
        let name = |own: &str| format!("{own}{}", flags.len());
        fake.run(&name("whole"), flags, &()).unwrap();
        let all = fake.asked();
        fs::remove_file(fake.at("asked")).unwrap();
        for most in [30, 60, 120] {
            let stopped = fake.run(&name("halves"), flags, &Stopping::after(most));
            assert!(matches!(stopped, Err(StudyError::Paused { .. })), "{stopped:?}");
        }
        let last = Stopping::after(usize::MAX);
        fake.run(&name("halves"), flags, &last).unwrap();
        assert!(last.notes.lock().unwrap().iter().any(|note| note.contains("answers of Spark are known")), "{all}");
        assert!(files(&fake.at(&name("whole"))) == files(&fake.at(&name("halves"))), "{flags:?}: other files");
        // Each start asks a query once more for the new session, and the meta-features are asked for again if they were not known.
        assert!(fake.asked() < all + 80, "{} for {all}", fake.asked());
        fs::remove_file(fake.at("asked")).unwrap();
    }
}

#[test]
fn a_spark_that_breaks_down_leaves_what_it_answered() {
    let fake = Fake::new("if [ -e \"$folder/broken\" ]; then echo 'no Java' >&2; exit 1; fi", NOTHING);
    // After 60 queries nothing starts any more.
    let breaks =
        "if [ $(grep -c '\"do\":\"run\"' \"$folder/asked\") -gt 60 ]; then touch \"$folder/broken\"; exit 1; fi";
    fake.becomes("if [ -e \"$folder/broken\" ]; then echo 'no Java' >&2; exit 1; fi", breaks);
    let outcome = fake.run("run", &[("arms", METHOD)], &()).unwrap();
    let failures = format!("{:?}", outcome.results.failures);
    assert!(failures.contains("Spark at local[2]") && failures.contains("no Java"), "{failures}");
    fs::remove_file(fake.at("broken")).unwrap();
    fake.becomes(NOTHING, NOTHING);
    let last = Stopping::after(usize::MAX);
    let outcome = fake.run("run", &[("arms", METHOD)], &last).unwrap();
    assert!(outcome.results.failures.is_empty(), "{:?}", outcome.results.failures);
    assert!(last.notes.lock().unwrap().iter().any(|note| note.contains("answers of Spark are known")));
}

#[test]
fn a_recording_is_a_table_that_is_replayed() {
    let fake = Fake::new(NOTHING, TOO_MUCH);
    fs::create_dir(fake.at("sf2")).unwrap();
    let tables = format!("{},{}", fake.path("sf1"), fake.path("sf2"));
    let outcome = fake.run("run", &[("tables", &tables), ("record", "12")], &()).unwrap();
    assert!(outcome.results.failures.is_empty(), "{:?}", outcome.results.failures);
    let table = ReplayTable::read(&fake.at("run/times.csv")).unwrap();
    assert_eq!((table.tasks(), table.len(), table.queries().len()), (&["sf1".into(), "sf2".into()][..], 24, 22));
    let of_default = table.total(0, &table.default(0)).unwrap();
    assert!((of_default - 22.0 * 0.03).abs() < 1e-9, "{of_default}");
    // Three groups of four configurations share their static settings.
    assert!(outcome.results.of("sessions").samples().unwrap().max() <= 6.0);
}

#[test]
fn what_is_missing_is_named() {
    let fake = Fake::new(NOTHING, NOTHING);
    let none = Live { python: fake.path("none"), ..fake.live() };
    let error = Engine::new(&none).unwrap().run((0, &space().default()), &QUERIES[0], 1.0, &|| false).unwrap_err();
    assert!(error.to_string().contains("expected a Python with pyspark"), "{error}");
    for (flag, value, reason) in [
        ("tables", "nowhere", "spark.tables"),
        ("spark", "cluster", "spark.master = \"cluster\": expected local"),
        ("record", "many", "spark.rows"),
        ("data", "times.csv", "data"),
        ("targets", "sf3", "targets"),
    ] {
        let error = fake.run("bad", &[(flag, value)], &()).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(reason), "{flag}: {error}");
    }
    let overrides = Overrides { set: vec![("parts".into(), "live".into())], ..Overrides::default() };
    let error = tuner().resolve(&overrides).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("--spark MASTER"), "{error}");
}

#[test]
fn the_interval_of_paired_repetitions_is_that_of_the_logarithms() {
    // Speed-ups 2, 2, 2 / 1.1, 2 * 1.1: mean 2; the t interval of four logarithms is 3.182 standard errors wide each way.
    let tuned = vec![vec![1.0, 1.0], vec![2.0, 3.0], vec![1.1, 1.1], vec![1.0, 1.0]];
    let default = vec![vec![2.0, 2.0], vec![4.0, 6.0], vec![2.0, 2.0], vec![2.2, 2.2]];
    let compared = Compared { queries: vec!["a".into(), "b".into()], default, tuned, failed: 0 };
    let (speedup, low, high) = compared.speedup().unwrap();
    let half = 3.182_446 * 1.1f64.ln() * (2.0f64 / 3.0 / 4.0).sqrt();
    assert!((speedup - 2.0).abs() < 1e-12);
    assert!((low - 2.0 * (-half).exp()).abs() < 1e-6 && (high - 2.0 * half.exp()).abs() < 1e-6, "{low} {high}");
    let (default, tuned) = compared.medians().unwrap();
    assert!((default - 4.2).abs() < 1e-12 && (tuned - 2.1).abs() < 1e-12, "{default} {tuned}");
}
