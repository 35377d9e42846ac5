//! Working through many runs: spread over cores, resumed where it stopped, no run stopping another.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::store::{Store, Stored};
use crate::study::energy::{EnergySource, thread_cpu_seconds};
use crate::study::error::Result;
use crate::study::{Observer, StudyError, parallel};

/// A run to be done.
#[derive(Clone, Debug)]
pub struct Todo {
    /// Its id in the store.
    pub id: String,
    /// What a watcher reads.
    pub title: String,
}

/// Does what `todo` lists and `store` does not hold yet, `workers` runs at a time, each on one thread. `run` is given
/// the place in `todo` and returns the outcome as JSON; what it took is measured here.
///
/// A run that fails or panics is noted as a failure, and the others go on. Runs that another process has claimed come
/// last.
///
/// # Errors
/// If the store cannot be written (a full disk), or the watch says stop. What was finished stays finished.
pub fn work(
    store: &Store,
    todo: &[Todo],
    workers: usize,
    energy: &EnergySource,
    watch: &dyn Observer,
    run: impl Fn(usize) -> Result<String> + Sync,
) -> Result<()> {
    let finished = store.finished()?;
    let left: Vec<usize> = (0..todo.len()).filter(|&k| !finished.contains(&todo[k].id)).collect();
    watch.planned(left.len());
    let seats: Mutex<Vec<bool>> = Mutex::new(vec![false; workers.max(1)]);
    let tried: Vec<AtomicBool> = left.iter().map(|_| AtomicBool::new(false)).collect();
    // The second round is for what another process claimed and did not finish.
    for anyway in [false, true] {
        parallel::jobs(left.len(), workers, |job| {
            let Todo { id, title } = &todo[left[job]];
            if watch.stopped() {
                return Err(StudyError::Interrupted);
            }
            if tried[job].load(Ordering::SeqCst) || !store.claim(id, anyway)? {
                return Ok(());
            }
            tried[job].store(true, Ordering::SeqCst);
            let seat = sit(&seats);
            watch.begins(seat, title);
            let (began, cpu) = (Instant::now(), thread_cpu_seconds());
            // A run owns all it changes, so what it leaves behind when it panics is dropped with it.
            let outcome = catch_unwind(AssertUnwindSafe(|| run(left[job])))
                .unwrap_or_else(|panic| Err(StudyError::Panicked { message: message(panic.as_ref()) }));
            let seconds = began.elapsed().as_secs_f64();
            let failure = match outcome {
                Ok(outcome) => {
                    // Runs share the processor, so a counter of the whole package cannot tell them apart.
                    let usage = energy.estimate(seconds, thread_cpu_seconds() - cpu);
                    store.finish(id, &Stored { outcome, usage })?;
                    None
                }
                Err(StudyError::Interrupted) => return Err(StudyError::Interrupted),
                Err(error) => {
                    store.fail(id, &error.to_string())?;
                    Some(error.to_string())
                }
            };
            watch.ends(seat, title, seconds, failure.as_deref());
            seats.lock().unwrap_or_else(PoisonError::into_inner)[seat] = false;
            Ok(())
        })?;
    }
    Ok(())
}

/// The first free seat. There are as many as workers, so one is free.
fn sit(seats: &Mutex<Vec<bool>>) -> usize {
    let mut seats = seats.lock().unwrap_or_else(PoisonError::into_inner);
    let seat = seats.iter().position(|taken| !taken).unwrap_or(0);
    seats[seat] = true;
    seat
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| text.to_string());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a message".into())
}
