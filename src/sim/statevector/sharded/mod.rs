//! One state vector over ranks: amplitudes whose highest index bits are the number of a rank lie on that rank.
//!
//! * [`route`]: which bits of the index change places, and when, so that gates find their targets within a rank;
//! * [`shard`]: the amplitudes of a rank, gates on them, exchanges with other ranks;
//! * [`readings`]: expectation values and outcomes.

mod program;
mod readings;
mod route;
mod shard;

use std::sync::Arc;

use crate::circuit::Observable;
use crate::noise::Program;
use crate::sim::derived::all_angles;
use crate::sim::ranks::Communicator;
use crate::sim::{Angles, Precision, Prepared, SimError, Simulator};
use program::ShardedProgram;

const NAME: &str = "sharded statevector";

/// The exact engine for states wider than the memory of a machine: each of 2^k ranks holds 2^(n-k) amplitudes, in double
/// precision, and runs on one core.
///
/// A gate whose targets lie within a rank needs no message, and neither does a diagonal gate or a control anywhere. Before a
/// gate on a qubit that the number of the rank stands for, that qubit and one within the rank change places, and every rank
/// exchanges half of its amplitudes with one partner (De Raedt et al. 2007, doi 10.1016/j.cpc.2006.08.007). The qubit that leaves
/// is the one that no gate needs for longest. Swaps of qubits take no message until the end.
///
/// Expectation values, gradients, probabilities and outcomes are the same to the byte at any number of ranks. They are those of
/// [`Statevector`](crate::sim::Statevector) to rounding, because that engine fuses gates. Gradients are by the parameter-shift
/// rule. Rows run one after the other. Memory: 16 bytes an amplitude, 8 more for observables, 16 more for those with letters X or
/// Y, and 24 MiB for messages.
#[derive(Clone)]
pub struct Sharded {
    ranks: Arc<dyn Communicator>,
}

impl Sharded {
    /// An engine over these ranks: a power of two from 1 to 1,024, which [`Simulator::prepare`] checks.
    pub fn new(ranks: Arc<dyn Communicator>) -> Self {
        Self { ranks }
    }

    /// How often each rank exchanges half of its amplitudes with a partner when this program runs on so many ranks.
    ///
    /// # Errors
    /// As [`Simulator::prepare`].
    pub fn exchanges(program: &Program, ranks: usize) -> Result<usize, SimError> {
        program::route(program, ranks).map(|route| route::exchanges(&route))
    }

    /// The outcomes of `shots` shots for one vector of angles, one after the other: bit k is qubit k, or classical bit k if the
    /// program measures. Unlike [`Simulator::sample`] it makes no list of all outcomes.
    ///
    /// # Errors
    /// As [`Simulator::sample`], and if the readout has errors.
    pub fn outcomes(&self, program: &Program, angles: &[f64], shots: usize, seed: u64) -> Result<Vec<u64>, SimError> {
        let all = all_angles(program, &Angles::of_weights(angles))?;
        ShardedProgram::new(self, program, &[], 0)?.outcomes(&all.view(), shots, seed)
    }
}

impl Simulator for Sharded {
    fn name(&self) -> String {
        format!("{NAME}, {} ranks, double precision", self.ranks.size())
    }

    fn precision(&self) -> Precision {
        Precision::Double
    }

    fn prepare(
        &self,
        program: &Program,
        observables: &[Observable],
        input_slots: usize,
    ) -> Result<Arc<dyn Prepared>, SimError> {
        Ok(Arc::new(ShardedProgram::new(self, program, observables, input_slots)?))
    }
}
