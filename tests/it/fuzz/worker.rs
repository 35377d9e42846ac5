//! The cases of one reader in a process of its own, under limits of time and memory.
//!
//! The number of a case is in a file before the case runs, so a process that dies says of what.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use super::mutate;
use super::targets::{self, Input, Target};

/// Seconds of processor time that a case may take. What is not optimised is measured at ten times that.
pub const SECONDS: f64 = if cfg!(debug_assertions) { 10.0 } else { 1.0 };

/// Bytes of address space that a case may take beyond what the process had before.
pub const BYTES: u64 = 1 << 30;

/// Bytes of stack: as many as the threads of the program have; frames that are not optimised are many times larger.
const STACK: usize = if cfg!(debug_assertions) { 32 << 20 } else { 2 << 20 };

/// Longest message of a refusal, characters.
pub const LONGEST_MESSAGE: usize = 5_000;

/// Cases `from` up to `to` of a target.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Job {
    pub target: String,
    pub from: u64,
    pub to: u64,
    pub seed: u64,
    /// A folder of its own: reports, and the files that readers open.
    pub folder: PathBuf,
}

/// What happened to the cases of a target.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Report {
    pub read: u64,
    pub refused: u64,
    /// Seconds of processor time of the slowest case, and its number.
    pub slowest: (f64, u64),
    /// Largest resident memory beyond that before the first case, bytes.
    pub peak: u64,
}

impl Report {
    /// The cases of another report as well.
    pub fn add(&mut self, other: &Report) {
        self.read += other.read;
        self.refused += other.refused;
        self.slowest = if other.slowest.0 > self.slowest.0 { other.slowest } else { self.slowest };
        self.peak = self.peak.max(other.peak);
    }
}

/// A case that broke a promise.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Fault {
    pub case: u64,
    pub what: String,
}

impl Job {
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// Seconds of processor time of this process.
fn processor_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// A line of /proc/self/status, bytes.
fn status(name: &str) -> Option<u64> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim_matches([':', ' ', '\t']).split(' ').next()?.parse::<u64>().ok().map(|kilobytes| kilobytes << 10)
}

/// Runs the cases of a job and writes what happened into its folder.
pub fn work(job: Job) {
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(move || cases(&job));
    thread.unwrap().join().unwrap();
}

fn cases(job: &Job) {
    let target = targets::named(&job.target).unwrap();
    let seeds = (target.seeds)();
    let scratch = job.file("scratch");
    fs::create_dir_all(&scratch).unwrap();
    let faults = Mutex::new(OpenOptions::new().create(true).append(true).open(job.file("faults")).unwrap());
    let note = |case: u64, what: &str| {
        let line = serde_json::to_string(&Fault { case, what: what.into() }).unwrap();
        writeln!(faults.lock().unwrap(), "{line}").unwrap();
    };
    // What later cases share is made before memory is measured: thread pools, tables.
    rayon::broadcast(|_| vec![0u8; 1 << 12].len());
    let answers: Vec<_> =
        seeds.iter().map(|seed| attempt(target, &mutate::unchanged(seed, target.form), &scratch)).collect();
    if !answers.contains(&Ok(true)) {
        note(job.from, &format!("none of its seeds is read: {answers:?}"));
    }
    // Resets the largest resident memory.
    let _ = fs::write("/proc/self/clear_refs", "5");
    let before = status("VmRSS").unwrap_or(0);
    if let Some(now) = status("VmSize") {
        let hard = getrlimit(Resource::As).maximum;
        setrlimit(Resource::As, Rlimit { current: Some(now + BYTES), maximum: hard }).unwrap();
    }
    let progress = File::create(job.file("case")).unwrap();
    let (started, current) = (AtomicU64::new(f64::MAX.to_bits()), AtomicU64::new(job.from));
    let is_done = AtomicU64::new(0);
    let mut report = Report::default();
    std::thread::scope(|scope| {
        // Ends a case that does not end. Time in which the process waits counts too, at a thirtieth.
        scope.spawn(|| {
            let (mut waited, mut last) = (Duration::ZERO, u64::MAX);
            while is_done.load(Ordering::Relaxed) == 0 {
                let pause = Duration::from_millis(20);
                std::thread::sleep(pause);
                let case = current.load(Ordering::Relaxed);
                waited = if case == last { waited + pause } else { Duration::ZERO };
                last = case;
                let took = processor_seconds() - f64::from_bits(started.load(Ordering::Relaxed));
                if took > SECONDS || waited.as_secs_f64() > 30.0 * SECONDS {
                    note(case, &format!("more than {SECONDS} s"));
                    std::process::exit(3);
                }
            }
        });
        for case in job.from..job.to {
            progress.write_all_at(&case.to_le_bytes(), 0).unwrap();
            let files = mutate::case(&seeds, target.form, target.words, (job.seed, case));
            current.store(case, Ordering::Relaxed);
            let start = processor_seconds();
            started.store(start.to_bits(), Ordering::Relaxed);
            let answer = attempt(target, &files, &scratch);
            let took = processor_seconds() - start;
            started.store(f64::MAX.to_bits(), Ordering::Relaxed);
            if took > report.slowest.0 {
                report.slowest = (took, case);
            }
            match answer {
                Ok(true) => report.read += 1,
                Ok(false) => report.refused += 1,
                Err(what) => note(case, &what),
            }
        }
        is_done.store(1, Ordering::Relaxed);
    });
    report.peak = status("VmHWM").unwrap_or(0).saturating_sub(before);
    fs::write(job.file("report"), serde_json::to_string(&report).unwrap()).unwrap();
}

/// Whether files are read; an error if the reader panics or refuses without a message that a person can read.
pub fn attempt(target: &Target, files: &mutate::Files, scratch: &Path) -> Result<bool, String> {
    static PANIC: Mutex<String> = Mutex::new(String::new());
    std::panic::set_hook(Box::new(|info| *PANIC.lock().unwrap() = info.to_string()));
    let input = Input { files, folder: scratch };
    let answer = catch_unwind(AssertUnwindSafe(|| (target.read)(&input)));
    match answer {
        Ok(Ok(())) => Ok(true),
        Ok(Err(message)) if message.trim().is_empty() => Err("refused without a message".into()),
        Ok(Err(message)) if message.chars().count() > LONGEST_MESSAGE => {
            let start: String = message.chars().take(200).collect();
            Err(format!("refused in {} characters: {start}", message.chars().count()))
        }
        Ok(Err(_)) => Ok(false),
        Err(_) => Err(format!("panic: {}", PANIC.lock().unwrap())),
    }
}
