//! What the engines compute with: floats and vector registers, loops over amplitudes, loops over vectors in the Pauli
//! basis.
//!
//! * [`float`], [`vector`], [`widest`]: both widths of numbers, and the vector instructions of the machine.
//! * [`amplitudes`], [`aligned`], [`strings`]: states of amplitudes, gates on them, Pauli strings on them.
//! * [`pauli`]: states and observables as Pauli coefficients, gates and channels as real matrices on them.
//! * [`entry_map`]: the entries of a gate as functions of its angles.
//!
//! Engines import from this module and never from each other's kernels.

pub mod aligned;
pub mod amplitudes;
pub mod entry_map;
pub mod float;
pub mod pauli;
pub mod strings;
pub mod vector;
pub mod widest;

use std::ops::Range;

use rayon::prelude::*;

/// Runs of rows that are computed together. They depend on the batch alone, so results do not depend on threads.
pub fn chunks(batch: usize, lanes: usize) -> Vec<Range<usize>> {
    (0..batch).step_by(lanes).map(|first| first..(first + lanes).min(batch)).collect()
}

/// [`each_in_order`] of so many pieces of work at a time, so that no more of them hold memory.
pub fn each_of_some<W: Send, T: Send>(work: Vec<W>, at_a_time: usize, each: impl Fn(W) -> T + Send + Sync) -> Vec<T> {
    if at_a_time >= rayon::current_num_threads().min(work.len()) {
        return each_in_order(work, each);
    }
    let mut work = work.into_iter();
    let mut done = Vec::with_capacity(work.len());
    while work.len() > 0 {
        done.extend(each_in_order(work.by_ref().take(at_a_time).collect(), &each));
    }
    done
}

/// `each` of some pieces of work, in order; on several threads if there is more than one piece.
pub fn each_in_order<W: Send, T: Send>(work: Vec<W>, each: impl Fn(W) -> T + Send + Sync) -> Vec<T> {
    if work.len() == 1 {
        // Handing work to another thread takes longer than a small program.
        return work.into_iter().map(each).collect();
    }
    work.into_par_iter().map(each).collect()
}
