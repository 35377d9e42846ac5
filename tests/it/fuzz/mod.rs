//! Every reader on mutated files: each ends with a result or a message within a second and a gigabyte, without a panic.
//!
//! Cases run in child processes of this program, several at a time. What they are is in `targets`, how a case is made in
//! `mutate`, the limits in `worker`. Environment:
//!
//! * `QGRAFT_FUZZ_CASES=1000000`: cases of each reader, in place of those of the table.
//! * `QGRAFT_FUZZ_TARGETS=npz,pth`: these readers alone.
//! * `QGRAFT_FUZZ_SEED=1`: other cases.
//! * `QGRAFT_WRITE_PAGES=1`: writes the rows of these readers into the table of docs/reliability.md, each when its cases are done.
//! * `QGRAFT_FUZZ_CASE=npz:17`: the case that the test `replay` repeats.

mod kinds;
mod mutate;
mod page;
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

use page::{Row, Run};
use targets::{TARGETS, Target};
use worker::{Fault, Job, Report};

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
            all.add(&report);
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

/// What the jobs of a reader found so far.
#[derive(Default)]
struct Found {
    report: Report,
    faults: Vec<Fault>,
    /// Jobs that have not ended.
    left: usize,
}

/// The readers that the environment asks for.
fn asked_targets() -> Vec<&'static Target> {
    let Some(names) = variable("QGRAFT_FUZZ_TARGETS") else { return TARGETS.iter().collect() };
    let named =
        |name: &str| targets::named(name).unwrap_or_else(|| panic!("QGRAFT_FUZZ_TARGETS: there is no reader {name:?}"));
    names.split(',').map(|name| named(name.trim())).collect()
}

#[test]
fn every_reader_ends_within_its_limits() {
    let asked = variable("QGRAFT_FUZZ_CASES").map(|text| text.parse::<u64>().expect("QGRAFT_FUZZ_CASES is a number"));
    let is_written = variable("QGRAFT_WRITE_PAGES").is_some();
    let targets = asked_targets();
    let run_now = Run::now(seed());
    let mut jobs = VecDeque::new();
    let mut found: BTreeMap<&'static str, Found> = BTreeMap::new();
    for target in &targets {
        let cases = asked.unwrap_or(target.cases);
        for from in (0..cases).step_by(LONGEST_JOB as usize) {
            let (name, to) = (target.name.to_string(), (from + LONGEST_JOB).min(cases));
            jobs.push_back((*target, Job { target: name, from, to, seed: seed(), folder: PathBuf::new() }));
            found.entry(target.name).or_default().left += 1;
        }
    }
    let (jobs, found) = (Mutex::new(jobs), Mutex::new(found));
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let Some((target, job)) = jobs.lock().unwrap().pop_front() else { break };
                    let mut faults = Vec::new();
                    let report = run(&job, &mut faults);
                    let mut found = found.lock().unwrap();
                    let all = found.get_mut(target.name).expect("it was entered with the job");
                    all.report.add(&report);
                    all.faults.extend(faults);
                    all.left -= 1;
                    if is_written && all.left == 0 {
                        page::write(&Row::new(target, &all.report, all.faults.len(), &run_now));
                    }
                }
            });
        }
    });
    let found = found.into_inner().unwrap();
    let found: Vec<(&Target, &Found)> = targets.iter().map(|target| (*target, &found[target.name])).collect();
    let rows: Vec<Row> =
        found.iter().map(|(target, found)| Row::new(target, &found.report, found.faults.len(), &run_now)).collect();
    println!("{}", page::table(&rows));
    let faults: Vec<String> =
        found.iter().flat_map(|(target, found)| found.faults.iter().map(|fault| described(target, fault))).collect();
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
    for (Target { name, .. }, Found { report, .. }) in found {
        // Else the mutations are too mild, or nothing behind the first check is reached.
        let cases = report.read + report.refused;
        assert!(cases < 1000 || report.read.min(report.refused) > cases / 200, "{name}: {report:?}");
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
