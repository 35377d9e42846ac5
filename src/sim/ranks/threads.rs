//! Ranks that are threads of one process: what runs under MPI, tested without it.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use crate::sim::SimError;
use crate::sim::ranks::Communicator;

/// A rank that hears nothing from another for this time gives up: both may wait for each other.
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// One of several threads of a process, made by [`on_threads`].
pub struct ThreadRank {
    rank: usize,
    /// To each rank.
    senders: Vec<Sender<Vec<f64>>>,
    /// From each rank. The lock is never waited for: a rank is one thread.
    receivers: Vec<Mutex<Receiver<Vec<f64>>>>,
}

/// What `each` returns on each of so many ranks, in rank order.
///
/// # Panics
/// If `each` does on a rank.
pub fn on_threads<T: Send>(size: usize, each: impl Fn(ThreadRank) -> T + Sync) -> Vec<T> {
    let mut ranks: Vec<ThreadRank> =
        (0..size).map(|rank| ThreadRank { rank, senders: Vec::new(), receivers: Vec::new() }).collect();
    for from in 0..size {
        for to in 0..size {
            let (sender, receiver) = channel();
            ranks[from].senders.push(sender);
            ranks[to].receivers.push(Mutex::new(receiver));
        }
    }
    std::thread::scope(|scope| {
        let each = &each;
        let threads: Vec<_> = ranks.into_iter().map(|rank| scope.spawn(move || each(rank))).collect();
        let joined = threads.into_iter().map(|thread| thread.join());
        joined.map(|result| result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    })
}

impl ThreadRank {
    fn send(&self, to: usize, values: &[f64]) -> Result<(), SimError> {
        self.senders[to].send(values.to_vec()).map_err(|_| SimError::RankEnded { rank: to })
    }

    fn receive(&self, from: usize) -> Result<Vec<f64>, SimError> {
        let ended = SimError::RankEnded { rank: from };
        let Ok(receiver) = self.receivers[from].lock() else { return Err(ended) };
        receiver.recv_timeout(LONGEST_WAIT).map_err(|error| match error {
            RecvTimeoutError::Timeout => SimError::RankSilent { rank: from, seconds: LONGEST_WAIT.as_secs() },
            RecvTimeoutError::Disconnected => ended,
        })
    }

    /// Receives as many numbers as `into` holds. Another amount comes from a rank that makes another call.
    fn receive_into(&self, from: usize, into: &mut [f64]) -> Result<(), SimError> {
        let values = self.receive(from)?;
        if values.len() != into.len() {
            return Err(SimError::RankEnded { rank: from });
        }
        into.copy_from_slice(&values);
        Ok(())
    }
}

impl Communicator for ThreadRank {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.senders.len()
    }

    fn exchange(&self, partner: usize, mine: &[f64], theirs: &mut [f64]) -> Result<(), SimError> {
        self.send(partner, mine)?;
        self.receive_into(partner, theirs)
    }

    fn gather(&self, mine: &[f64]) -> Result<Vec<f64>, SimError> {
        (0..self.size()).try_for_each(|to| self.send(to, mine))?;
        let parts: Result<Vec<Vec<f64>>, SimError> = (0..self.size()).map(|from| self.receive(from)).collect();
        Ok(parts?.concat())
    }

    fn broadcast(&self, root: usize, values: &mut [f64]) -> Result<(), SimError> {
        if self.rank == root {
            (0..self.size()).try_for_each(|to| self.send(to, values))?;
        }
        self.receive_into(root, values)
    }
}
