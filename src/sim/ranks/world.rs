//! Ranks that are processes started by `mpirun`.

use mpi::datatype::PartitionMut;
use mpi::environment::Universe;
use mpi::point_to_point::send_receive_into;
use mpi::topology::SimpleCommunicator;
use mpi::traits::{Communicator as _, CommunicatorCollectives as _, Root as _};
use mpi::{Count, Rank, Threading};

use crate::sim::SimError;
use crate::sim::ranks::Communicator;

/// Variables that launchers set for every process they start.
const LAUNCHED: [&str; 3] = ["OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_SIZE"];

/// All processes of an MPI job. MPI ends the whole job if one of them fails inside a call.
pub struct World {
    /// MPI is finalised when it is dropped.
    _universe: Universe,
    rank: usize,
    size: usize,
}

impl World {
    /// Initialises MPI, once in a process. Without `mpirun` there is one rank.
    ///
    /// # Errors
    /// If MPI is initialised already, or allows calls from the main thread alone.
    pub fn new() -> Result<Self, SimError> {
        let unusable = |reason: &str| SimError::Mpi { reason: reason.into() };
        // Calls come from whatever thread of a pool runs a simulation, one at a time.
        let (universe, threading) = mpi::initialize_with_threading(Threading::Serialized)
            .ok_or_else(|| unusable("it is initialised already; make one World in a process"))?;
        if threading < Threading::Serialized {
            return Err(unusable("its library allows calls from the main thread alone; use one built with threads"));
        }
        let world = SimpleCommunicator::world();
        Ok(Self { _universe: universe, rank: world.rank() as usize, size: world.size() as usize })
    }

    /// [`World::new`] if a launcher such as `mpirun` started this process.
    ///
    /// # Errors
    /// As [`World::new`].
    pub fn launched() -> Result<Option<Self>, SimError> {
        let launched = LAUNCHED.iter().any(|name| std::env::var_os(name).is_some());
        launched.then(Self::new).transpose()
    }
}

/// MPI counts numbers of a message with 31 bits.
fn count(length: usize) -> Result<Count, SimError> {
    let reason = || format!("a message cannot hold {length} numbers; ask for fewer rows, shots or outcomes");
    let too_long = || SimError::Mpi { reason: reason() };
    Count::try_from(length).map_err(|_| too_long())
}

impl Communicator for World {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    fn exchange(&self, partner: usize, mine: &[f64], theirs: &mut [f64]) -> Result<(), SimError> {
        count(mine.len().max(theirs.len()))?;
        let world = SimpleCommunicator::world();
        let partner = world.process_at_rank(partner as Rank);
        send_receive_into(mine, &partner, theirs, &partner);
        Ok(())
    }

    fn gather(&self, mine: &[f64]) -> Result<Vec<f64>, SimError> {
        let world = SimpleCommunicator::world();
        let mut lengths = vec![0u64; self.size];
        world.all_gather_into(&(mine.len() as u64), &mut lengths[..]);
        let total = lengths.iter().sum::<u64>() as usize;
        // Every rank sees the same total, so all refuse it or none.
        count(total)?;
        let counts: Vec<Count> = lengths.iter().map(|&length| length as Count).collect();
        let starts = counts.iter().scan(0, |end, count| {
            *end += count;
            Some(*end - count)
        });
        let starts: Vec<Count> = starts.collect();
        let mut all = vec![0.0; total];
        world.all_gather_varcount_into(mine, &mut PartitionMut::new(&mut all[..], counts, starts));
        Ok(all)
    }

    fn broadcast(&self, root: usize, values: &mut [f64]) -> Result<(), SimError> {
        count(values.len())?;
        SimpleCommunicator::world().process_at_rank(root as Rank).broadcast_into(values);
        Ok(())
    }
}
