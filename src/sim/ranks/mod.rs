//! One calculation on several processes, the ranks of MPI.
//!
//! * [`Communicator`]: what ranks tell each other. [`ThreadRank`] connects threads of one process, `World` (feature `mpi`)
//!   the processes that `mpirun` started.
//! * [`Rows`]: the rows of a batch over ranks, on any engine. [`ShotBlocks`]: the shots of an engine that draws.
//! * [`Sharded`](crate::sim::Sharded): an engine over ranks: one state vector, of which each holds a part.
//!
//! All ranks make the same calls with the same arguments, one after the other, and all get the same results. Results are the
//! same to the byte at any number of ranks: work is cut into leaves that do not depend on ranks, and every rank adds all
//! leaves in their order. MPI never adds anything, because its order of additions depends on the number of ranks.
//!
//! ```
//! use qgraft::circuit::{Circuit, Gate};
//! use qgraft::noise::Program;
//! use qgraft::sim::{Sharded, ranks::on_threads};
//! use std::sync::Arc;
//! let mut circuit = Circuit::new(3);
//! circuit.push(Gate::H, &[0], &[])?.push(Gate::Cx, &[0, 1], &[])?.push(Gate::Cx, &[1, 2], &[])?;
//! let program = Program::ideal(&circuit, &[]);
//! let outcomes = on_threads(2, |rank| Sharded::new(Arc::new(rank)).outcomes(&program, &[], 100, 7));
//! assert_eq!(outcomes[0], outcomes[1]);
//! assert!(outcomes[0].as_ref().is_ok_and(|shots| shots.iter().all(|&outcome| outcome == 0 || outcome == 7)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod accounts;
mod rows;
mod shot_blocks;
mod threads;
#[cfg(feature = "mpi")]
mod world;

pub use rows::Rows;
pub use shot_blocks::ShotBlocks;
pub use threads::{ThreadRank, on_threads};
#[cfg(feature = "mpi")]
pub use world::World;

use std::ops::Range;

use auto_impl::auto_impl;
use ndarray::Array2;

use crate::math::Stream;
use crate::sim::SimError;

/// What one of several ranks can tell the others. All ranks call the same methods in the same order.
#[auto_impl(&, Box, Arc)]
pub trait Communicator: Send + Sync {
    /// The number of this rank, from 0 on.
    fn rank(&self) -> usize;

    /// How many ranks there are, at least 1.
    fn size(&self) -> usize;

    /// Sends `mine` to `partner` and receives as many numbers from it. The partner calls it with this rank.
    ///
    /// # Errors
    /// If the partner has ended.
    fn exchange(&self, partner: usize, mine: &[f64], theirs: &mut [f64]) -> Result<(), SimError>;

    /// The numbers of all ranks, one rank after the other, at every rank. Ranks may give different amounts.
    ///
    /// # Errors
    /// If a rank has ended, or they are more numbers than a message holds.
    fn gather(&self, mine: &[f64]) -> Result<Vec<f64>, SimError>;

    /// Puts the numbers of rank `root` into `values` at every rank; all give as many.
    ///
    /// # Errors
    /// If that rank has ended.
    fn broadcast(&self, root: usize, values: &mut [f64]) -> Result<(), SimError>;
}

/// The result of a step that may fail on some ranks alone, such as for want of memory. If any rank has failed, all return an
/// error, so that none waits for another: its own, or that of the first rank that failed.
///
/// # Errors
/// As described.
pub(crate) fn agreed<T>(ranks: &dyn Communicator, own: Result<T, SimError>) -> Result<T, SimError> {
    let failed = ranks.gather(&[f64::from(u8::from(own.is_err()))])?;
    let Some(first) = failed.iter().position(|&failed| failed != 0.0) else { return own };
    let text = match &own {
        Err(error) if ranks.rank() == first => error.to_string(),
        _ => String::new(),
    };
    let mut length = [text.len() as f64];
    ranks.broadcast(first, &mut length)?;
    let mut bytes: Vec<f64> = text.bytes().map(f64::from).collect();
    bytes.resize(length[0] as usize, 0.0);
    ranks.broadcast(first, &mut bytes)?;
    let bytes: Vec<u8> = bytes.into_iter().map(|byte| byte as u8).collect();
    let message = String::from_utf8_lossy(&bytes).into_owned();
    own.and(Err(SimError::OnRank { rank: first, message }))
}

/// What all of `count` leaves make, one after the other. Each rank runs a share of them.
fn gather_leaves(
    ranks: &dyn Communicator,
    count: usize,
    leaf: impl FnMut(usize) -> Result<Vec<f64>, SimError>,
) -> Result<Vec<f64>, SimError> {
    let (rank, size) = (ranks.rank(), ranks.size());
    let share: Range<usize> = count * rank / size..count * (rank + 1) / size;
    let own: Result<Vec<Vec<f64>>, SimError> = share.map(leaf).collect();
    ranks.gather(&agreed(ranks, own)?.concat())
}

/// The seed of a leaf. The first keeps that of the caller, so that one leaf alone draws what the engine draws.
fn leaf_seed(seed: u64, leaf: usize) -> u64 {
    if leaf == 0 { seed } else { Stream::numbered(seed, leaf as u64).bits() }
}

/// Numbers of a batch, row by row, as an array of so many rows.
pub(crate) fn table(batch: usize, values: Vec<f64>) -> Array2<f64> {
    let width = values.len().checked_div(batch).unwrap_or(0);
    Array2::from_shape_vec((batch, width), values).expect("every row has as many numbers")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_rank_waits_for_one_that_failed() {
        let found = on_threads(3, |rank| {
            let own = if rank.rank() == 1 { Err(SimError::NoSamples) } else { Ok(rank.rank()) };
            agreed(&rank, own)
        });
        let message = SimError::NoSamples.to_string();
        let told = Err(SimError::OnRank { rank: 1, message });
        assert_eq!(found, [told.clone(), Err(SimError::NoSamples), told]);
    }
}
