//! Where the library's parallel work runs.
//!
//! In the process that imported the module it is the library's own pool, on as many threads as there are cores or as
//! `RAYON_NUM_THREADS` says. A process made by `fork` has that pool without its threads, and work given to it would wait for
//! ever: there, and after `set_threads`, work runs in a pool of this module.

use std::process;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error::{Answer, Fault};

/// More than any machine has.
const MOST: usize = 1024;

struct State {
    /// The process that has the threads of the library's pool.
    home: u32,
    /// Threads that were asked for.
    threads: Option<usize>,
    /// A pool with the process that has its threads.
    own: Option<(u32, Arc<ThreadPool>)>,
}

static STATE: LazyLock<Mutex<State>> =
    LazyLock::new(|| Mutex::new(State { home: process::id(), threads: None, own: None }));

/// Notes in which process the module was imported.
pub fn remember_process() {
    LazyLock::force(&STATE);
}

/// `work` where its parallel parts can run.
pub fn install<T: Send>(work: impl FnOnce() -> Answer<T> + Send) -> Answer<T> {
    let pool = {
        let mut state = STATE.lock().unwrap_or_else(PoisonError::into_inner);
        let here = process::id();
        match (&state.own, state.threads) {
            (_, None) if state.home == here => None,
            (Some((process, pool)), _) if *process == here => Some(Arc::clone(pool)),
            (_, threads) => {
                let made = ThreadPoolBuilder::new().num_threads(threads.unwrap_or(0)).build();
                let made = made.map_err(|e| Fault::Of("SimError", format!("threads cannot be started: {e}")))?;
                let pool = Arc::new(made);
                // The pool of the parent process stays: its threads are not here to be waited for.
                std::mem::forget(state.own.replace((here, Arc::clone(&pool))));
                Some(pool)
            }
        }
    };
    match pool {
        Some(pool) => pool.install(work),
        None => work(),
    }
}

/// [`install`] without the interpreter lock.
pub fn detached<T: Send>(py: Python<'_>, work: impl FnOnce() -> Answer<T> + Send) -> PyResult<T> {
    py.detach(|| install(work)).map_err(PyErr::from)
}

/// Number of threads of later calls, 1 to 1024; None for the default, all cores or RAYON_NUM_THREADS. Results do not depend
/// on it.
#[pyfunction]
#[pyo3(signature = (threads=None))]
pub fn set_threads(threads: Option<usize>) -> PyResult<()> {
    if threads.is_some_and(|count| !(1..=MOST).contains(&count)) {
        let message = format!("threads = {}: expected 1 to {MOST}, or None", threads.unwrap_or(0));
        return Err(crate::error::raise("SimError", message));
    }
    let mut state = STATE.lock().unwrap_or_else(PoisonError::into_inner);
    state.threads = threads;
    state.own = None;
    Ok(())
}
