//! The progress bar on stderr, and Ctrl-C.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::study::train::Watch;
use crate::systems::Progress;

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

impl Watch for Bar {
    fn learned(&self, rows: usize) {
        self.with(|bar| bar.inc(rows as u64));
    }

    fn stopped(&self) -> bool {
        STOPPED.load(Ordering::SeqCst)
    }
}

impl Progress for Bar {
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
