//! Every reader on mutated files: each ends with a result or a message within a second and a gigabyte, without a panic.
//!
//! Cases run in child processes of this program, several at a time. What they are is in `targets`, how a case is made in
//! `mutate`, the limits in `worker`. Environment:
//!
//! * `QGRAFT_FUZZ_CASES=1000000`: cases of each reader, in place of those of the table.
//! * `QGRAFT_FUZZ_TARGETS=npz,pth`: these readers alone.
//! * `QGRAFT_FUZZ_SEED=1`: other cases.
//! * `QGRAFT_WRITE_PAGES=1`: writes the table of docs/reliability.md.
//! * `QGRAFT_FUZZ_CASE=npz:17`: the case that the test `replay` repeats.

mod kinds;
mod mutate;
mod pictures;
mod readers;
mod seeds;
mod targets;
mod words;
mod worker;

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use targets::{TARGETS, Target};
use worker::{BYTES, Fault, Job, Report, SECONDS};

/// A longer job is divided, so that no processor waits for one reader at the end.
const LONGEST_JOB: u64 = 50_000;

/// Faults of one reader after which its other cases are left out.
const MOST_FAULTS: usize = 20;

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn seed() -> u64 {
    variable("QGRAFT_FUZZ_SEED").and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// A folder in memory where the system has one: readers open millions of files.
fn scratch() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let is_there = memory.is_dir();
    (if is_there { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }).unwrap()
}

/// What a job found, continued in a new process behind each case that ended one.
fn run(job: &Job, faults: &mut Vec<Fault>) -> Report {
    let mut all = Report::default();
    let mut from = job.from;
    while from < job.to && faults.len() < MOST_FAULTS {
        let folder = scratch();
        let part = Job { from, folder: folder.path().into(), ..job.clone() };
        let log = std::fs::File::create(part.file("log")).unwrap();
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "fuzz::one_job", "--ignored", "--nocapture"])
            .env("QGRAFT_FUZZ_JOB", serde_json::to_string(&part).unwrap())
            .env("RUST_BACKTRACE", "0")
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .status()
            .unwrap();
        let read = |name: &str| std::fs::read(part.file(name)).unwrap_or_default();
        let noted = read("faults");
        let lines = noted.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let found: Vec<Fault> = lines.map(|line| serde_json::from_slice(line).unwrap()).collect();
        let last = read("case").try_into().map(u64::from_le_bytes);
        if let Ok(report) = serde_json::from_slice::<Report>(&read("report")) {
            all.read += report.read;
            all.refused += report.refused;
            all.slowest = if report.slowest.0 > all.slowest.0 { report.slowest } else { all.slowest };
            all.peak = all.peak.max(report.peak);
            from = job.to;
        } else if let Ok(case) = last {
            if !found.iter().any(|fault| fault.case == case) {
                let log = String::from_utf8_lossy(&read("log")).into_owned();
                let said: Vec<&str> = log.lines().filter(|line| !line.trim().is_empty()).collect();
                let said = said[said.len().saturating_sub(4)..].join(" | ");
                faults.push(Fault { case, what: format!("the process ended ({status}): {said}") });
            }
            from = case + 1;
        } else {
            let log = String::from_utf8_lossy(&read("log")).into_owned();
            faults.push(Fault { case: from, what: format!("its seeds cannot be made: {log}") });
            break;
        }
        faults.extend(found);
    }
    all
}

/// A row of the table.
struct Row {
    target: &'static Target,
    report: Report,
    faults: Vec<Fault>,
}

#[test]
fn every_reader_ends_within_its_limits() {
    let asked = variable("QGRAFT_FUZZ_CASES").and_then(|text| text.parse::<u64>().ok());
    let only = variable("QGRAFT_FUZZ_TARGETS");
    let is_asked = |target: &&Target| only.as_ref().is_none_or(|only| only.split(',').any(|name| name == target.name));
    let targets: Vec<&'static Target> = TARGETS.iter().filter(is_asked).collect();
    assert!(!targets.is_empty(), "QGRAFT_FUZZ_TARGETS names none of the readers");
    let mut jobs = VecDeque::new();
    for target in &targets {
        let cases = asked.unwrap_or(target.cases);
        for from in (0..cases).step_by(LONGEST_JOB as usize) {
            let (target, to) = (target.name.to_string(), (from + LONGEST_JOB).min(cases));
            jobs.push_back(Job { target, from, to, seed: seed(), folder: PathBuf::new() });
        }
    }
    let found: Mutex<BTreeMap<String, (Report, Vec<Fault>)>> = Mutex::default();
    let jobs = Mutex::new(jobs);
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let Some(job) = jobs.lock().unwrap().pop_front() else { break };
                    let mut faults = Vec::new();
                    let report = run(&job, &mut faults);
                    let mut found = found.lock().unwrap();
                    let (all, known) = found.entry(job.target).or_default();
                    all.read += report.read;
                    all.refused += report.refused;
                    all.slowest = if report.slowest.0 > all.slowest.0 { report.slowest } else { all.slowest };
                    all.peak = all.peak.max(report.peak);
                    known.extend(faults);
                }
            });
        }
    });
    let mut found = found.into_inner().unwrap();
    let row = |target: &&'static Target| {
        let (report, faults) = found.remove(target.name).unwrap();
        Row { target, report, faults }
    };
    let rows: Vec<Row> = targets.iter().map(row).collect();
    let table = table(&rows);
    println!("{table}");
    let faults: Vec<String> =
        rows.iter().flat_map(|row| row.faults.iter().map(|fault| described(row.target, fault))).collect();
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
    for Row { target, report, .. } in &rows {
        // Else the mutations are too mild, or nothing behind the first check is reached.
        let (name, cases) = (target.name, report.read + report.refused);
        assert!(cases < 1000 || report.read.min(report.refused) > cases / 200, "{name}: {report:?}");
    }
    if variable("QGRAFT_WRITE_PAGES").is_some() && only.is_none() {
        write_table(&table);
    }
}

fn described(target: &Target, fault: &Fault) -> String {
    let what: String = fault.what.chars().take(600).flat_map(char::escape_debug).collect();
    format!(
        "{}, case {}, seed {}: {what}\n    again: QGRAFT_FUZZ_SEED={} QGRAFT_FUZZ_CASE={}:{} cargo test --test it \
         fuzz::replay -- --ignored --nocapture",
        target.name,
        fault.case,
        seed(),
        seed(),
        target.name,
        fault.case
    )
}

/// What the run was, and a line for each reader.
fn table(rows: &[Row]) -> String {
    let output = |program: &str, arguments: &[&str]| -> String {
        let output = Command::new(program).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output();
        output.map_or(String::new(), |output| String::from_utf8_lossy(&output.stdout).trim().to_string())
    };
    let build = if cfg!(debug_assertions) { "with debug assertions" } else { "release" };
    let mut text = format!(
        "{}, revision {}, seed {}, build {build}, limits {SECONDS} s of processor time and {} MB beyond the process.\n\n\
         | reader | what | cases | read | refused | faults | slowest (ms) | memory (MB) |\n|---|---|--:|--:|--:|--:|--:|--:|\n",
        output("date", &["-u", "+%d %B %Y"]),
        output("git", &["rev-parse", "--short", "HEAD"]),
        seed(),
        BYTES >> 20,
    );
    for Row { target, report, faults } in rows {
        let Report { read, refused, slowest, peak } = report;
        text += &format!(
            "| {} | {} | {} | {read} | {refused} | {} | {:.0} | {} |\n",
            target.name,
            target.doc,
            read + refused,
            faults.len(),
            slowest.0 * 1e3,
            peak.div_ceil(1 << 20),
        );
    }
    text
}

/// Lines around the table in docs/reliability.md.
const MARKS: [&str; 2] = ["<!-- table of the last run: written by the test -->\n", "<!-- end of the table -->\n"];

fn page() -> (PathBuf, String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reliability.md");
    let text = std::fs::read_to_string(&path).unwrap();
    (path, text)
}

fn write_table(table: &str) {
    let (path, text) = page();
    let (before, rest) = text.split_once(MARKS[0]).unwrap();
    let (_, after) = rest.split_once(MARKS[1]).unwrap();
    std::fs::write(path, format!("{before}{}\n{table}\n{}{after}", MARKS[0], MARKS[1])).unwrap();
}

#[test]
fn the_page_has_a_line_for_every_reader() {
    let (_, text) = page();
    for target in TARGETS {
        let line = format!("| {} | {} |", target.name, target.doc);
        assert!(text.contains(&line), "docs/reliability.md lacks {line}; `just fuzz` writes it");
    }
}

#[test]
#[ignore = "started by every_reader_ends_within_its_limits"]
fn one_job() {
    let Some(job) = variable("QGRAFT_FUZZ_JOB") else { return };
    worker::work(serde_json::from_str(&job).unwrap());
}

#[test]
#[ignore = "for one case: QGRAFT_FUZZ_CASE=npz:17"]
fn replay() {
    let Some(asked) = variable("QGRAFT_FUZZ_CASE") else { return };
    let (name, number) = asked.split_once(':').expect("QGRAFT_FUZZ_CASE=NAME:NUMBER");
    let target = targets::named(name).expect("the name of a reader");
    let folder = tempfile::tempdir().unwrap().keep();
    let files = mutate::case(&(target.seeds)(), target.form, target.words, (seed(), number.parse().unwrap()));
    for (k, (name, bytes)) in files.iter().enumerate() {
        let path = folder.join(format!("{k}"));
        std::fs::write(&path, bytes).unwrap();
        println!("{name:?}, {} bytes: {}", bytes.len(), path.display());
    }
    let start = std::time::Instant::now();
    println!("{:?} in {:?}", worker::attempt(target, &files, &folder), start.elapsed());
}
