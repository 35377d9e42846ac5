//! Which amplitudes of a state make a tile, which operations a pass over tiles can do, and the copying of tiles.

use std::marker::PhantomData;

use crate::sim::kernel::vector::{Unit, Vectors};

/// One level of tiles: qubits that lie side by side, and others gathered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Level {
    pub near: usize,
    pub gathered: usize,
}

impl Level {
    /// Whether a state of so many qubits is better worked on in place: one bit more is still cheaper than copies.
    pub fn holds(&self, qubits: usize) -> bool {
        qubits <= self.near + self.gathered + 1
    }
}

/// What an operation needs of the tiles of a pass, as masks of qubits.
pub trait Operands {
    /// Qubits that a tile must hold.
    fn mixes(&self) -> u64;
    /// Qubits that it reads.
    fn operands(&self) -> u64;
}

/// Tiles that cover a state: the amplitudes that agree in all qubits but some.
pub struct Tiles {
    /// Amplitudes side by side.
    near: usize,
    /// Where each piece of a tile starts, counted from its first.
    pieces: Vec<usize>,
    /// Bits of a tile's number: the bit of its position, and of the amplitude in the whole state.
    others: Vec<(usize, usize)>,
}

impl Tiles {
    /// Tiles of the positions `0..near` and `far` of a register whose bit k is qubit `qubits[k]`, and the qubits they hold.
    pub fn new(near: usize, far: &[usize], qubits: &[usize]) -> (Self, Vec<usize>) {
        let positions: Vec<usize> = (0..near).chain(far.iter().copied()).collect();
        let held = positions.iter().map(|&position| qubits[position]).collect();
        let others = (0..qubits.len()).filter(|position| !positions.contains(position));
        let others = others.map(|position| (1 << position, 1 << qubits[position])).collect();
        let deposit = |piece: usize| far.iter().enumerate().map(|(k, &position)| (piece >> k & 1) << position).sum();
        let pieces = (0..1usize << far.len()).map(deposit).collect();
        (Self { near: 1 << near, pieces, others }, held)
    }

    /// Amplitudes of a tile.
    pub fn size(&self) -> usize {
        self.near * self.pieces.len()
    }

    /// How many tiles there are.
    pub fn count(&self) -> usize {
        1 << self.others.len()
    }

    /// Where a tile starts, and the number of its first amplitude in the whole state (of the bits that this level fixes).
    #[inline(always)]
    pub fn start(&self, number: usize) -> (usize, usize) {
        let bits = self.others.iter().enumerate().filter(|(k, _)| number >> k & 1 == 1);
        bits.fold((0, 0), |(start, base), (_, (position, qubit))| (start | position, base | qubit))
    }
}

/// One part of a state whose tiles are worked on by several threads.
pub struct Shared<'a, F> {
    first: *mut F,
    length: usize,
    borrowed: PhantomData<&'a mut [F]>,
}

// SAFETY: amplitudes are numbers, and `Shared::copy_out` and `copy_back` guarantee that no two threads share an
// amplitude.
unsafe impl<F: Send> Sync for Shared<'_, F> {}

impl<'a, F: Vectors> Shared<'a, F> {
    pub fn new(part: &'a mut [F]) -> Self {
        Self { first: part.as_mut_ptr(), length: part.len(), borrowed: PhantomData }
    }

    /// The registers of each piece of a tile that starts at `start`, after a check that they are inside.
    #[inline(always)]
    fn check(&self, tiles: &Tiles, start: usize, tile: usize) -> usize {
        let last = start + tiles.pieces[tiles.pieces.len() - 1] + tiles.near;
        assert!(last <= self.length && tile == tiles.size(), "the tile is not one of this state");
        assert!(tiles.near.is_multiple_of(F::WIDTH), "pieces are whole registers");
        tiles.near / F::WIDTH
    }

    /// Copies the tile that starts at `start` out.
    ///
    /// # Safety
    /// No other thread writes to this tile at the same time.
    #[inline(always)]
    pub unsafe fn copy_out<U: Unit<Number = F>>(&self, unit: U, tiles: &Tiles, start: usize, tile: &mut [F]) {
        let near = self.check(tiles, start, tile.len());
        for (k, piece) in tiles.pieces.iter().enumerate() {
            // SAFETY: the last piece ends inside the part. The tile holds all pieces.
            unsafe {
                let from = std::slice::from_raw_parts(self.first.add(start + piece), tiles.near);
                for i in 0..near {
                    unit.store(tile, k * near + i, unit.load(from, i));
                }
            }
        }
    }

    /// Copies a tile back to where it starts.
    ///
    /// # Safety
    /// No other thread reads or writes this tile at the same time.
    #[inline(always)]
    pub unsafe fn copy_back<U: Unit<Number = F>>(&self, unit: U, tiles: &Tiles, start: usize, tile: &[F]) {
        let near = self.check(tiles, start, tile.len());
        for (k, piece) in tiles.pieces.iter().enumerate() {
            // SAFETY: as in `copy_out`; tiles share no amplitude.
            unsafe {
                let to = std::slice::from_raw_parts_mut(self.first.add(start + piece), tiles.near);
                for i in 0..near {
                    unit.store(to, i, unit.load(tile, k * near + i));
                }
            }
        }
    }
}

/// Operations that a pass looks ahead at most. A pass then costs the same wherever it is in a program, so planning grows
/// linearly with the number of gates. A pass of so many operations leaves nothing to gain by more.
const LOOK_AHEAD: usize = 2048;

/// Operations that wait for a pass, in the order of the program.
pub struct PassQueue<T> {
    waiting: Vec<Waiting<T>>,
    /// The first one that still waits.
    first: usize,
}

/// An operation with its masks of qubits.
#[derive(Clone, Copy)]
struct Waiting<T> {
    item: T,
    mixes: u64,
    operands: u64,
}

impl<T: Operands + Copy> PassQueue<T> {
    pub fn new(items: impl IntoIterator<Item = T>) -> Self {
        let with_masks = |item: T| Waiting { item, mixes: item.mixes(), operands: item.operands() };
        Self { waiting: items.into_iter().map(with_masks).collect(), first: 0 }
    }

    pub fn is_empty(&self) -> bool {
        self.first == self.waiting.len()
    }

    /// The first operation, whatever it needs. The queue is not empty.
    pub fn take_first(&mut self) -> T {
        self.first += 1;
        self.waiting[self.first - 1].item
    }

    /// The operations of the next pass, empty if the first one needs more than a tile holds, and the positions gathered,
    /// ascending.
    pub fn take_pass(&mut self, qubits: &[usize], level: &Level) -> (Vec<T>, Vec<usize>) {
        let end = self.waiting.len().min(self.first + LOOK_AHEAD);
        let ahead = &mut self.waiting[self.first..end];
        let (chosen, far) = choose(ahead, qubits, level);
        let Some(&last) = chosen.last() else { return (Vec::new(), far) };
        let inside = chosen.iter().map(|&k| ahead[k].item).collect();
        // Those left behind close up before those that were not looked at.
        let (mut to, mut gone) = (last + 1, chosen.iter().rev().peekable());
        for k in (0..=last).rev() {
            if gone.next_if_eq(&&k).is_none() {
                to -= 1;
                ahead[to] = ahead[k];
            }
        }
        self.first += chosen.len();
        (inside, far)
    }
}

/// The numbers of the operations of the next pass among those `ahead`, and the positions gathered, ascending.
fn choose<T>(ahead: &[Waiting<T>], qubits: &[usize], level: &Level) -> (Vec<usize>, Vec<usize>) {
    let mask = |positions: &[usize]| positions.iter().fold(0u64, |mask, &position| mask | 1 << qubits[position]);
    let near = mask(&(0..level.near).collect::<Vec<_>>());
    // In the order of the program, what still fits.
    let (mut wanted, mut blocked) = (near, 0u64);
    let capacity = level.near + level.gathered;
    for item in ahead {
        if item.operands & blocked == 0 && (wanted | item.mixes).count_ones() as usize <= capacity {
            wanted |= item.mixes;
        } else {
            blocked |= item.operands;
        }
    }
    // A tile of full size, whatever the items need.
    let (mut far, mut spare): (Vec<usize>, Vec<usize>) =
        (level.near..qubits.len()).partition(|&position| wanted >> qubits[position] & 1 == 1);
    far.extend(spare.drain(..spare.len().min(level.gathered - far.len())));
    // Exchange gathered qubits for others as long as more items fit.
    let every = ahead.iter().fold(0, |mask, item| mask | item.operands);
    let mut best = held(ahead, every, near | mask(&far)).count();
    let all = far.len() * spare.len();
    let mut next = 0;
    while next < all {
        let (i, j) = (next % far.len(), next / far.len());
        next += 1;
        std::mem::swap(&mut far[i], &mut spare[j]);
        let count = held(ahead, every, near | mask(&far)).count();
        if count > best {
            best = count;
            next = 0;
        } else {
            std::mem::swap(&mut far[i], &mut spare[j]);
        }
    }
    far.sort_unstable();
    (held(ahead, every, near | mask(&far)).collect(), far)
}

/// The operations that a tile of `qubits` can do first: none of those before them that it cannot do shares a qubit with
/// them. `every` is the mask of all their operands: once all are blocked, none follows.
fn held<T>(ahead: &[Waiting<T>], every: u64, qubits: u64) -> impl Iterator<Item = usize> {
    let mut blocked = 0;
    let fits = move |(k, item): (usize, &Waiting<T>)| {
        if blocked == every && every != 0 {
            return None;
        }
        let fits = item.mixes & !qubits == 0 && item.operands & blocked == 0;
        if !fits {
            blocked |= item.operands;
        }
        Some(fits.then_some(k))
    };
    ahead.iter().enumerate().map_while(fits).flatten()
}
