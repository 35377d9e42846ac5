//! The progress bar on stderr, and Ctrl-C.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use std::io::IsTerminal;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::cli::note;
use crate::math::words::printable;
use crate::study::Observer;

/// Set by Ctrl-C. Long work reads it and ends with no file half-written.
static STOPPED: AtomicBool = AtomicBool::new(false);

/// How long a step may take to see the flag. Decoding a folder of pictures, for example, does not look for it.
const GRACE: Duration = Duration::from_secs(3);

/// Makes Ctrl-C set a flag instead of killing the process. A second Ctrl-C kills it, and so does a step that does not see
/// the flag in time. Nothing finished is lost either way: a file appears whole or not at all.
pub fn catch_interrupts() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        // Without the handler Ctrl-C simply kills the process, as it would anyway.
        let _ = ctrlc::set_handler(|| {
            if STOPPED.swap(true, Ordering::SeqCst) {
                std::process::exit(130);
            }
            std::thread::spawn(|| {
                std::thread::sleep(GRACE);
                note("qgraft: stopped in the middle of a step; what was finished before is kept");
                std::process::exit(130);
            });
        });
    });
}

/// One bar per stage, with the time left. Nothing is drawn where stderr is not a terminal.
pub struct Bar(std::sync::Mutex<ProgressBar>);

impl Bar {
    /// A bar without a stage yet.
    pub fn new() -> Self {
        Self(std::sync::Mutex::new(ProgressBar::hidden()))
    }

    fn with<T>(&self, use_it: impl FnOnce(&mut ProgressBar) -> T) -> T {
        use_it(&mut self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

impl Observer for Bar {
    fn trained_on(&self, rows: usize) {
        self.advance(rows);
    }

    fn advance(&self, steps: usize) {
        self.with(|bar| bar.inc(steps as u64));
    }

    fn stopped(&self) -> bool {
        STOPPED.load(Ordering::SeqCst)
    }

    fn stage(&self, name: &str, total: usize) {
        let style = "{prefix:>12} [{bar:40}] {percent:>3} %  {elapsed} elapsed, {eta} left";
        self.with(|bar| {
            bar.finish_and_clear();
            *bar = ProgressBar::new(total as u64)
                .with_style(
                    ProgressStyle::with_template(style)
                        .expect("the template is a constant and valid")
                        .progress_chars("=> "),
                )
                .with_prefix(printable(name).into_owned());
            bar.enable_steady_tick(Duration::from_millis(200));
        });
    }

    fn note(&self, text: &str) {
        self.with(|bar| bar.suspend(|| note(text)));
    }

    fn done(&self) {
        self.with(|bar| bar.finish_and_clear());
    }
}

/// The progress of a run: features first, then a bar over all trials and a line for each worker. Where stderr is not a
/// terminal, each finished run is a line.
pub struct Workers {
    features: Bar,
    lines: MultiProgress,
    runs: std::sync::Mutex<Runs>,
}

/// Steps of the bar for each trial: a trial advances it by the share of its training that is done.
const THOUSAND: u64 = 1000;

/// Where stderr is no terminal, finished trials are named at most this often.
const BETWEEN_LINES: Duration = Duration::from_secs(10);

#[derive(Default)]
struct Runs {
    overall: Option<ProgressBar>,
    /// One line for each worker, the title of its trial, and the share of it that is done.
    workers: Vec<ProgressBar>,
    titles: Vec<String>,
    shares: Vec<f64>,
    done: usize,
    total: usize,
    /// When a line was last printed where there is no bar.
    printed: Option<Instant>,
}

impl Runs {
    /// Advances the bar, never backwards: a trial may train more than once.
    fn advance(&self) {
        let Some(bar) = &self.overall else { return };
        let running: f64 = self.shares.iter().sum();
        let reached = self.done as u64 * THOUSAND + (running * THOUSAND as f64) as u64;
        bar.set_position(reached.max(bar.position()).min(self.total as u64 * THOUSAND));
        bar.set_message(format!("{} of {} trials", self.done, self.total));
    }
}

impl Workers {
    /// Nothing planned yet.
    pub fn new() -> Self {
        Self { features: Bar::new(), lines: MultiProgress::new(), runs: std::sync::Mutex::default() }
    }

    fn with<T>(&self, use_it: impl FnOnce(&mut Runs) -> T) -> T {
        use_it(&mut self.runs.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Takes everything off the screen.
    pub fn finish(&self) {
        self.features.done();
        self.with(|runs| runs.workers.iter().chain(&runs.overall).for_each(ProgressBar::finish_and_clear));
    }
}

fn style(template: &'static str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is a constant and valid").progress_chars("=> ")
}

impl Observer for Workers {
    fn planned(&self, total: usize) {
        self.with(|runs| {
            runs.total = total;
            let bar = self.lines.add(ProgressBar::new(total as u64 * THOUSAND));
            bar.set_style(style("{msg:>16} [{bar:40}] {percent:>3} %  {elapsed} elapsed, {eta} left"));
            bar.set_message(format!("0 of {total} trials"));
            bar.enable_steady_tick(Duration::from_millis(500));
            runs.overall = Some(bar);
        });
    }

    fn begins(&self, worker: usize, title: &str) {
        self.with(|runs| {
            while runs.workers.len() <= worker {
                let line = self.lines.add(ProgressBar::new_spinner());
                line.set_style(style("  {spinner} {wide_msg} {elapsed}"));
                line.enable_steady_tick(Duration::from_millis(200));
                runs.workers.push(line);
            }
            runs.workers[worker].reset_elapsed();
            runs.workers[worker].set_message(printable(title).into_owned());
            runs.titles.resize(runs.workers.len(), String::new());
            runs.shares.resize(runs.workers.len(), 0.0);
            runs.titles[worker] = printable(title).into_owned();
            runs.shares[worker] = 0.0;
        });
    }

    fn reached(&self, worker: usize, share: f64) {
        self.with(|runs| {
            runs.shares[worker] = share;
            runs.workers[worker].set_message(format!("{}, {:.0} %", runs.titles[worker], 100.0 * share));
            runs.advance();
        });
    }

    fn ends(&self, worker: usize, title: &str, seconds: f64, failure: Option<&str>) {
        self.with(|runs| {
            runs.done += 1;
            runs.workers[worker].set_message("waits");
            runs.shares[worker] = 0.0;
            runs.advance();
            let outcome = failure.map_or(String::new(), |reason| format!(": failed: {reason}"));
            let line = format!("{:>5}/{} {title} ({seconds:.2} s){outcome}", runs.done, runs.total);
            if !std::io::stderr().is_terminal() {
                let is_due = runs.printed.is_none_or(|last| last.elapsed() > BETWEEN_LINES);
                if failure.is_some() || is_due || runs.done == runs.total {
                    runs.printed = Some(Instant::now());
                    note(line);
                }
            } else if failure.is_some() {
                // A line that cannot be shown is shown again in the list of failures.
                let _ = self.lines.println(printable(&line));
            }
        });
    }

    fn stopped(&self) -> bool {
        STOPPED.load(Ordering::SeqCst)
    }

    fn advance(&self, steps: usize) {
        self.features.advance(steps);
    }

    fn stage(&self, name: &str, total: usize) {
        self.features.stage(name, total);
    }

    fn note(&self, text: &str) {
        self.features.note(text);
    }

    fn done(&self) {
        self.features.done();
    }
}
