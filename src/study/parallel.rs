//! Independent jobs on a few threads, each on its own single-threaded rayon pool.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::study::StudyError;

/// Results of `work(0)`, `work(1)`, … in order, `threads` of them at a time.
///
/// Everything inside a job runs on the one thread of its worker's pool. Jobs therefore never oversubscribe the machine,
/// and the processor time of a job is that of its thread.
///
/// # Errors
/// The error of the first job (by number) that failed. Jobs not yet begun are then left out.
pub fn jobs<T: Send>(
    count: usize,
    threads: usize,
    work: impl Fn(usize) -> Result<T, StudyError> + Sync,
) -> Result<Vec<T>, StudyError> {
    let (next, failed) = (AtomicUsize::new(0), AtomicUsize::new(usize::MAX));
    let results: Mutex<Vec<(usize, Result<T, StudyError>)>> = Mutex::new(Vec::with_capacity(count));
    let worker = || -> Result<(), StudyError> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .build()
            .map_err(|e| StudyError::Threads { reason: e.to_string() })?;
        loop {
            let job = next.fetch_add(1, Ordering::SeqCst);
            if job >= count || failed.load(Ordering::SeqCst) < usize::MAX {
                return Ok(());
            }
            let result = pool.install(|| work(job));
            if result.is_err() {
                failed.fetch_min(job, Ordering::SeqCst);
            }
            results.lock().unwrap_or_else(PoisonError::into_inner).push((job, result));
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.clamp(1, count.max(1))).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().try_for_each(|handle| match handle.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    })?;
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(job, _)| *job);
    results.into_iter().map(|(_, result)| result).collect()
}
