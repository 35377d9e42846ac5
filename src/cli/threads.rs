//! How many threads work.

use std::sync::OnceLock;

use anyhow::{Result, ensure};

use super::note;

/// More than any machine has. Each thread takes memory and a process number of the system.
pub const MOST: usize = 1024;

/// The default of the environment, if it has one.
static DEFAULT: OnceLock<usize> = OnceLock::new();

/// Takes the default number of threads from the variable `RAYON_NUM_THREADS`, if it is set. Other variables change nothing:
/// `main.rs` sets those of the tensor library.
pub fn take_default(variable: Option<&str>) {
    let Some(text) = variable else { return };
    match text.trim().parse() {
        // Rayon's own meaning of 0.
        Ok(0) => {}
        Ok(count) if count <= MOST => {
            DEFAULT.get_or_init(|| count);
            // A pool that is there already stays as it is.
            let _ = rayon::ThreadPoolBuilder::new().num_threads(count).build_global();
        }
        _ => note(format_args!("notice: RAYON_NUM_THREADS={text} is ignored: expected 1 to {MOST}")),
    }
}

/// Threads where no option says how many: those of the environment, or the cores.
pub fn available() -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from).min(MOST);
    DEFAULT.get().copied().unwrap_or_else(cores)
}

/// A pool of `threads` threads, or of as many as are available.
///
/// # Errors
/// A number outside 1 to [`MOST`], threads that the system does not start.
pub fn pool(threads: Option<usize>) -> Result<rayon::ThreadPool> {
    let count = threads.unwrap_or_else(available);
    ensure!((1..=MOST).contains(&count), "--threads {count}: expected 1 to {MOST}");
    Ok(rayon::ThreadPoolBuilder::new().num_threads(count).build()?)
}
