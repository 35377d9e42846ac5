//! The amplitudes of one rank.

use crate::sim::SimError;
use crate::sim::kernel::amplitudes::{Entries, MatrixKind, OperandLayout, State, apply};
use crate::sim::ranks::Communicator;
use crate::sim::statevector::fuse::UnplacedGate;

/// Amplitudes of a message: 8 MiB.
const PIECE: usize = 1 << 19;

/// The amplitudes whose highest index bits are the number of this rank.
pub struct Shard<'a> {
    pub ranks: &'a dyn Communicator,
    /// Bits of the index within the rank.
    pub local: usize,
    pub state: State,
}

impl<'a> Shard<'a> {
    /// |0…0⟩.
    pub fn ground(ranks: &'a dyn Communicator, local: usize) -> Self {
        let mut state = State::ground(local, 1);
        if ranks.rank() > 0 {
            state.re[0] = 0.0;
        }
        Self { ranks, local, state }
    }

    /// A bit of the number of this rank.
    fn bit(&self, place: usize) -> usize {
        self.ranks.rank() >> (place - self.local) & 1
    }

    /// Applies a gate whose operands are places. Only a diagonal one has targets outside of the rank.
    ///
    /// Every kernel does the same arithmetic for an amplitude wherever its operands lie, so results do not depend on the number
    /// of ranks. Kernels for the lowest qubits alone, which add in another order, are left out.
    pub fn apply(&mut self, gate: &UnplacedGate) {
        let UnplacedGate { controls, targets, kind, list } = gate;
        let (near, far): (Vec<usize>, Vec<usize>) = controls.iter().partition(|&&place| place < self.local);
        if far.iter().any(|&place| self.bit(place) == 0) {
            return;
        }
        let (inside, list) = match kind {
            MatrixKind::Diagonal => self.inside(targets, list),
            _ => (targets.clone(), list.clone()),
        };
        let layout = OperandLayout::new(self.local, &near, &inside);
        apply(&mut self.state, &layout, kind, Entries { list: &list, by_row: false });
    }

    /// The targets of a diagonal gate within the rank, and its entries there.
    fn inside(&self, targets: &[usize], list: &[f64]) -> (Vec<usize>, Vec<f64>) {
        let inside: Vec<usize> = targets.iter().copied().filter(|&place| place < self.local).collect();
        let entry = |bits: usize| {
            let bit = |place: usize| match inside.iter().position(|&other| other == place) {
                Some(k) => bits >> k & 1,
                None => self.bit(place),
            };
            let index = targets.iter().enumerate().fold(0, |index, (k, &place)| index | bit(place) << k);
            [list[2 * index], list[2 * index + 1]]
        };
        let list = (0..1usize << inside.len()).flat_map(entry).collect();
        (inside, list)
    }

    /// Two places within the rank change what they hold.
    pub fn swap(&mut self, [one, other]: [usize; 2]) {
        let both = 1 << one | 1 << other;
        // In place: a buffer could be as large as the state.
        for k in (0..1usize << self.local).filter(|k| k & both == 1 << one) {
            self.state.re.swap(k, k ^ both);
            self.state.im.swap(k, k ^ both);
        }
    }

    /// A place of the rank's number and one within the rank change what they hold: amplitudes in which the two bits differ move
    /// to the rank that differs in that bit.
    pub fn exchange(&mut self, far: usize, near: usize) -> Result<(), SimError> {
        let leaving = (1 - self.bit(far)) << near;
        let below = (1 << near) - 1;
        let at = |k: usize| (k & below) | (k & !below) << 1 | leaving;
        let half = 1 << (self.local - 1);
        let partner = self.ranks.rank() ^ 1 << (far - self.local);
        for first in (0..half).step_by(PIECE) {
            let piece = first..half.min(first + PIECE);
            let theirs = trade(self.ranks, partner, &self.state, piece.clone().map(at))?;
            for (k, [re, im]) in piece.zip(theirs) {
                (self.state.re[at(k)], self.state.im[at(k)]) = (re, im);
            }
        }
        Ok(())
    }

    /// `each(k, amplitude k, amplitude k with the bits of `flips` flipped)` for every amplitude of the rank; bits of `flips` from
    /// `local` on are those of the rank that has the other amplitude.
    pub fn for_each_flipped(
        &self,
        flips: u64,
        mut each: impl FnMut(usize, [f64; 2], [f64; 2]),
    ) -> Result<(), SimError> {
        let near = flips as usize & ((1 << self.local) - 1);
        let partner = self.ranks.rank() ^ (flips >> self.local) as usize;
        let amplitude = |k: usize| [self.state.re[k], self.state.im[k]];
        let size = 1usize << self.local;
        if partner == self.ranks.rank() {
            (0..size).for_each(|k| each(k, amplitude(k), amplitude(k ^ near)));
            return Ok(());
        }
        for first in (0..size).step_by(PIECE) {
            let piece = first..size.min(first + PIECE);
            // The partner's amplitude k is wanted here where this rank's own is wanted there.
            let theirs = trade(self.ranks, partner, &self.state, piece.clone().map(|k| k ^ near))?;
            piece.zip(theirs).for_each(|(k, other)| each(k, amplitude(k), other));
        }
        Ok(())
    }
}

/// Gives amplitudes to the partner and takes as many.
fn trade(
    ranks: &dyn Communicator,
    partner: usize,
    state: &State,
    given: impl Iterator<Item = usize>,
) -> Result<Vec<[f64; 2]>, SimError> {
    let mine: Vec<f64> = given.flat_map(|k| [state.re[k], state.im[k]]).collect();
    let mut theirs = vec![0.0; mine.len()];
    ranks.exchange(partner, &mine, &mut theirs)?;
    Ok(theirs.chunks_exact(2).map(|pair| [pair[0], pair[1]]).collect())
}
