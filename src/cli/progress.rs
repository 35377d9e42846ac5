//! The progress bar on stderr, and Ctrl-C.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use std::io::IsTerminal;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::study::Observer;

/// Set by Ctrl-C; long work asks for it and ends cleanly, with nothing half-written.
static STOPPED: AtomicBool = AtomicBool::new(false);

/// Makes Ctrl-C set a flag instead of killing the process. A second Ctrl-C kills it.
pub fn catch_interrupts() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        // Without the handler Ctrl-C simply kills the process, as it would anyway.
        let _ = ctrlc::set_handler(|| {
            if STOPPED.swap(true, Ordering::SeqCst) {
                std::process::exit(130);
            }
        });
    });
}

/// One bar per stage, with the time left; nothing is drawn where stderr is not a terminal.
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
                .with_prefix(name.to_string());
            bar.enable_steady_tick(Duration::from_millis(200));
        });
    }

    fn note(&self, text: &str) {
        self.with(|bar| bar.suspend(|| eprintln!("{text}")));
    }

    fn done(&self) {
        self.with(|bar| bar.finish_and_clear());
    }
}

/// The progress of a battery: features first, then a bar over all runs and a line for each worker. Where stderr is not a
/// terminal, each finished run is a line.
pub struct Workers {
    features: Bar,
    lines: MultiProgress,
    runs: std::sync::Mutex<Runs>,
}

#[derive(Default)]
struct Runs {
    overall: Option<ProgressBar>,
    workers: Vec<ProgressBar>,
    done: usize,
    total: usize,
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
            let bar = self.lines.add(ProgressBar::new(total as u64));
            bar.set_style(style("{pos:>6} of {len} runs [{bar:40}] {percent:>3} %  {elapsed} elapsed, {eta} left"));
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
            runs.workers[worker].set_message(title.to_string());
        });
    }

    fn ends(&self, worker: usize, title: &str, seconds: f64, failure: Option<&str>) {
        self.with(|runs| {
            runs.done += 1;
            runs.workers[worker].set_message("waits");
            if let Some(bar) = &runs.overall {
                bar.inc(1);
            }
            let outcome = failure.map_or(String::new(), |reason| format!(": failed: {reason}"));
            let line = format!("{:>5}/{} {title} ({seconds:.2} s){outcome}", runs.done, runs.total);
            if !std::io::stderr().is_terminal() {
                eprintln!("{line}");
            } else if failure.is_some() {
                // A line that cannot be shown is shown again in the list of failures.
                let _ = self.lines.println(line);
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
