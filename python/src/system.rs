//! Systems: whole studies with their results as a table.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use ndarray::Array1;
use numpy::IntoPyArray;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use qgraft::lab::{self as library, Observer, Overrides, RunOptions};
use qgraft::systems::SYSTEMS;

use crate::error::{Answer, Fault, raise};
use crate::pool;

/// How often Ctrl-C is looked for.
const LOOK: Duration = Duration::from_millis(50);

/// An observer that stops when the interpreter was interrupted, and shows notes and progress where it was asked to.
struct Watch {
    stopped: AtomicBool,
    show: Option<Py<PyAny>>,
}

impl Watch {
    fn tell(&self, event: &str, text: &str, share: f64) {
        let Some(show) = &self.show else { return };
        Python::attach(|py| {
            // A progress bar that fails does not end the work.
            if let Err(error) = show.call1(py, (event, text, share)) {
                error.write_unraisable(py, None);
            }
        });
    }
}

impl Observer for Watch {
    fn stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    fn note(&self, text: &str) {
        self.tell("note", text, 0.0);
    }

    fn planned(&self, total: usize) {
        self.tell("planned", "", total as f64);
    }

    fn begins(&self, _worker: usize, title: &str) {
        self.tell("begins", title, 0.0);
    }

    fn ends(&self, _worker: usize, title: &str, seconds: f64, failure: Option<&str>) {
        match failure {
            None => self.tell("ends", title, seconds),
            Some(reason) => self.tell("failed", &format!("{title}: {reason}"), seconds),
        }
    }
}

/// Long `work` on a thread of its own, while this one looks for Ctrl-C.
pub fn interruptible<T: Send>(py: Python<'_>, work: impl FnOnce(&dyn Observer) -> Answer<T> + Send) -> PyResult<T> {
    watched(py, None, work)
}

fn watched<T: Send>(
    py: Python<'_>,
    show: Option<Py<PyAny>>,
    work: impl FnOnce(&dyn Observer) -> Answer<T> + Send,
) -> PyResult<T> {
    let watch = Watch { stopped: AtomicBool::new(false), show };
    let (answer, signal) = py.detach(|| {
        let (done, waiting) = channel();
        let mut signal = None;
        let answer = thread::scope(|scope| {
            let watch = &watch;
            // The largest trainings build deep trees of tensors.
            let thread =
                thread::Builder::new().name("qgraft".into()).stack_size(64 << 20).spawn_scoped(scope, move || {
                    let answer = pool::install(|| work(watch));
                    // The other end is gone only if its thread has panicked.
                    let _ = done.send(());
                    answer
                });
            let thread = match thread {
                Ok(thread) => thread,
                Err(error) => return Err(Fault::Of("StudyError", format!("no thread can be started: {error}"))),
            };
            while let Err(RecvTimeoutError::Timeout) = waiting.recv_timeout(LOOK) {
                if signal.is_none()
                    && let Err(error) = Python::attach(|py| py.check_signals())
                {
                    signal = Some(error);
                    watch.stopped.store(true, Ordering::Relaxed);
                }
            }
            match thread.join() {
                Ok(answer) => answer,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        });
        (answer, signal)
    });
    match signal {
        Some(error) => Err(error),
        None => answer.map_err(PyErr::from),
    }
}

/// What a run of a system leaves behind.
#[pyclass(frozen, module = "qgraft")]
pub struct Outcome(library::Outcome);

#[pymethods]
impl Outcome {
    /// The run folder, with report.html.
    #[getter]
    fn folder(&self) -> PathBuf {
        self.0.folder.clone()
    }

    /// Every number as columns of one length: `grid`, a column for each factor ("" where a row has none of it), `metric` and
    /// `value`. `pandas.DataFrame(outcome.table)` and `polars.DataFrame(outcome.table)` take it.
    #[getter]
    fn table<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let rows = &self.0.results.rows;
        let mut factors: Vec<&str> = Vec::new();
        for (name, _) in rows.iter().flat_map(|row| &row.levels) {
            if !factors.contains(&name.as_str()) {
                factors.push(name);
            }
        }
        let table = PyDict::new(py);
        table.set_item("grid", rows.iter().map(|row| row.grid.as_str()).collect::<Vec<_>>())?;
        for factor in factors {
            table.set_item(factor, rows.iter().map(|row| row.level(factor)).collect::<Vec<_>>())?;
        }
        table.set_item("metric", rows.iter().map(|row| row.metric.as_str()).collect::<Vec<_>>())?;
        let values: Array1<f64> = rows.iter().map(|row| row.value).collect();
        table.set_item("value", values.into_pyarray(py))?;
        Ok(table)
    }

    /// The verdict in sentences.
    #[getter]
    fn verdict(&self) -> Vec<String> {
        self.0.verdict.clone()
    }

    /// Name, figure, and whether it holds, of each check.
    #[getter]
    fn checks(&self) -> Vec<(&'static str, f64, bool)> {
        self.0.checked.iter().map(|check| (check.name, check.value, check.holds)).collect()
    }

    /// Trials without a result: title and reason.
    #[getter]
    fn failures(&self) -> Vec<(String, String)> {
        self.0.results.failures.iter().map(|failure| (failure.title.clone(), failure.reason.clone())).collect()
    }

    /// metrics.json as text.
    #[getter]
    fn json(&self) -> &str {
        &self.0.json
    }

    fn __repr__(&self) -> String {
        format!("<qgraft.Outcome: {} numbers, {}>", self.0.results.rows.len(), self.0.folder.display())
    }
}

/// Runs a system, a row of `qgraft.systems()`, into the folder `out`. `presets`: names; `spec`: settings as TOML; `flags`: the
/// system's options of the command line; `set`: fields of the settings; `vary`: fields with the values of each, separated by
/// commas; `seeds`: a number or a list with commas; `only`: which trials; `jobs`: trials at a time; `progress`: called with
/// (event, text, number).
#[pyfunction]
#[pyo3(signature = (system, out, *, presets=Vec::new(), spec=None, flags=Vec::new(), set=Vec::new(), vary=Vec::new(),
                    seeds=None, only=Vec::new(), jobs=None, resume=false, cache=None, progress=None))]
#[allow(clippy::too_many_arguments, reason = "they have names in Python")]
pub fn run_system(
    py: Python<'_>,
    system: &str,
    out: PathBuf,
    presets: Vec<String>,
    spec: Option<&str>,
    flags: Vec<(String, String)>,
    set: Vec<(String, String)>,
    vary: Vec<(String, String)>,
    seeds: Option<String>,
    only: Vec<String>,
    jobs: Option<usize>,
    resume: bool,
    cache: Option<PathBuf>,
    progress: Option<Py<PyAny>>,
) -> PyResult<Outcome> {
    let names = || SYSTEMS.iter().map(|system| system.info().name).collect::<Vec<_>>().join(", ");
    let row = SYSTEMS.iter().find(|row| row.info().name == system);
    let row =
        row.ok_or_else(|| raise("StudyError", format!("there is no system {system:?}; there are {}", names())))?;
    let file = spec.map(|text| settings(text, row.format())).transpose()?;
    let mut options = RunOptions::new(out);
    options.jobs = jobs.unwrap_or(options.jobs);
    if options.jobs == 0 || options.jobs > 1024 {
        return Err(raise("StudyError", format!("jobs = {}: expected 1 to 1024", options.jobs)));
    }
    options.resume = resume;
    options.only = library::only_of(&only);
    options.cache = cache.unwrap_or(options.cache);
    options.command = format!("qgraft.run({system:?})");
    let overrides = Overrides { presets, file, flags, set, seeds, vary };
    let outcome = watched(py, progress, move |observer| {
        let request = row.resolve(&overrides)?;
        Ok(row.run(&request, &options, observer)?)
    })?;
    Ok(Outcome(outcome))
}

/// Settings of a system as TOML text.
fn settings(text: &str, format: &str) -> PyResult<toml::Table> {
    let bad = |reason: String| raise("StudyError", format!("spec: {reason}"));
    let mut table: toml::Table = toml::from_str(text).map_err(|e| bad(e.to_string()))?;
    match table.remove("format") {
        Some(toml::Value::String(own)) if own != format => {
            Err(bad(format!("format = {own:?}: this system reads {format:?}")))
        }
        _ => Ok(table),
    }
}
