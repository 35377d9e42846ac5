//! One row's gates as passes over tiles of the first-level cache, forwards on a real state and backwards on ket and bra.
//!
//! Gate by gate every amplitude of ket and bra would go through the second-level cache, or the third, once a gate. A pass
//! copies each tile once and does all gates there whose targets the tile holds. A control outside it only decides which
//! tiles the gate acts on.

use rayon::prelude::*;

use crate::sim::kernel::amplitudes::State;
use crate::sim::kernel::vector::{Unit, Vectors, Work};
use crate::sim::statevector::gate_kernel::GateKernel;
use crate::sim::statevector::gates::{Gate, GateEntries};
use crate::sim::statevector::real_gate::RealMatrix;
use crate::sim::statevector::tiles::{Level, Operands, PassQueue, Shared, Tiles};

/// 8 KiB for each part of ket and bra in double precision, pieces of two cache lines.
const TILE: Level = Level { near: 4, gathered: 6 };
/// Groups of tiles whose sums are added up apart, so that the total does not depend on the number of threads.
const GROUPS: usize = 16;

/// The passes of a program.
pub struct Sweep {
    passes: Vec<SweepPass>,
}

struct SweepPass {
    tiles: Tiles,
    members: Vec<PassGate>,
}

/// A gate of a pass.
struct PassGate {
    /// Its number in the program.
    gate: usize,
    kernel: GateKernel,
    /// Its controls outside the tile, as a mask of qubits.
    outside: u64,
}

/// A gate that waits for its pass.
#[derive(Clone, Copy)]
struct PendingGate<'a> {
    number: usize,
    kernel: &'a GateKernel,
}

impl Operands for PendingGate<'_> {
    fn mixes(&self) -> u64 {
        self.kernel.targets()
    }

    fn operands(&self) -> u64 {
        self.kernel.operands()
    }
}

impl Sweep {
    /// The passes of `gates` on `total` qubits, `None` if the state is as well worked on in place or a gate has more
    /// targets than a tile holds.
    pub fn new(gates: &[Gate], total: usize) -> Option<Self> {
        if TILE.holds(total) {
            return None;
        }
        let qubits: Vec<usize> = (0..total).collect();
        let waiting = gates.iter().enumerate().map(|(number, gate)| PendingGate { number, kernel: &gate.kernel });
        let mut queue = PassQueue::new(waiting);
        let mut passes = Vec::new();
        while !queue.is_empty() {
            let (inside, far) = queue.take_pass(&qubits, &TILE);
            if inside.is_empty() {
                return None;
            }
            let (tiles, held) = Tiles::new(TILE.near, &far, &qubits);
            let member = |waiting: PendingGate| {
                let (kernel, outside) = waiting.kernel.on_tile(&held);
                PassGate { gate: waiting.number, kernel, outside }
            };
            passes.push(SweepPass { tiles, members: inside.into_iter().map(member).collect() });
        }
        Some(Self { passes })
    }

    /// Applies all gates, which have real kernels, to a state whose imaginary parts are zero.
    pub fn apply<F: Vectors>(&self, state: &mut State<F>, entries: &[GateEntries<F>]) {
        for pass in &self.passes {
            let whole = Shared::new(&mut state.re);
            let scratch = || State::zeros(pass.tiles.size(), 1);
            (0..pass.tiles.count()).into_par_iter().for_each_init(scratch, |tile, number| {
                F::dispatch(Forwards { pass, number, whole: &whole, tile: &mut tile.re, entries });
            });
        }
    }

    /// [`GateKernel::unapply`] of all gates, the last one first. Gate k adds to `found[starts[k]..starts[k + 1]]`.
    ///
    /// The sums of a pass hold its own gates alone: with those of all gates, the time would grow with their square.
    ///
    /// If all gates have real kernels and imaginary parts zero throughout (`real`), these are left alone.
    pub fn unapply<F: Vectors>(
        &self,
        (ket, bra): (&mut State<F>, &mut State<F>),
        real: bool,
        entries: &[GateEntries<F>],
        found: &mut [f64],
        starts: &[usize],
    ) {
        for pass in self.passes.iter().rev() {
            let tiles = &pass.tiles;
            let wholes = [&mut ket.re, &mut bra.re, &mut ket.im, &mut bra.im].map(|part| Shared::new(part));
            let scratch = || [State::zeros(tiles.size(), 1), State::zeros(tiles.size(), 1)];
            let group = tiles.count().div_ceil(GROUPS);
            let ends = pass.ends(starts);
            let total = ends.last().copied().unwrap_or(0);
            let sums = (0..GROUPS).into_par_iter().map_init(scratch, |states, index| {
                let mut found = vec![0.0; total];
                for number in index * group..tiles.count().min((index + 1) * group) {
                    if real {
                        let [ket, bra] = states.each_mut().map(|state| &mut state.re[..]);
                        let (found, wholes, ends) = (&mut found[..], [&wholes[0], &wholes[1]], &ends[..]);
                        F::dispatch(Backwards { pass, number, wholes, states: [ket, bra], entries, found, ends });
                    } else {
                        pass.unapply_complex(number, &wholes, states, entries, &mut found, &ends);
                    }
                }
                found
            });
            for sum in sums.collect::<Vec<_>>() {
                let mut sum = sum.into_iter();
                for member in &pass.members {
                    let found = &mut found[starts[member.gate]..starts[member.gate + 1]];
                    found.iter_mut().zip(&mut sum).for_each(|(total, x)| *total += x);
                }
            }
        }
    }
}

impl SweepPass {
    /// Where the derivatives by the entries of each member end if they stand one after the other.
    fn ends(&self, starts: &[usize]) -> Vec<usize> {
        let sizes = self.members.iter().map(|member| starts[member.gate + 1] - starts[member.gate]);
        let add = |end: &mut usize, size| {
            *end += size;
            Some(*end)
        };
        sizes.scan(0, add).collect()
    }

    /// All gates un-applied from one tile.
    fn unapply_complex<F: Vectors>(
        &self,
        number: usize,
        wholes: &[Shared<F>; 4],
        [ket, bra]: &mut [State<F>; 2],
        entries: &[GateEntries<F>],
        found: &mut [f64],
        ends: &[usize],
    ) {
        let (start, base) = self.tiles.start(number);
        let copy = |out: bool, ket: &mut State<F>, bra: &mut State<F>| {
            let parts = [&mut ket.re[..], &mut bra.re, &mut ket.im, &mut bra.im];
            F::dispatch(Copy { out, tiles: &self.tiles, start, wholes, parts });
        };
        copy(true, ket, bra);
        for k in (0..self.members.len()).rev() {
            let member = &self.members[k];
            if !member.acts_at(base) {
                continue;
            }
            let found = &mut found[before(ends, k)..ends[k]];
            member.kernel.unapply((ket, bra), false, entries[member.gate], found);
        }
        copy(false, ket, bra);
    }
}

/// Where part k starts, of parts with these ends.
#[inline(always)]
fn before(ends: &[usize], k: usize) -> usize {
    if k == 0 { 0 } else { ends[k - 1] }
}

impl PassGate {
    /// Whether its controls outside are 1 in the tile whose first amplitude is `base`.
    fn acts_at(&self, base: usize) -> bool {
        base as u64 & self.outside == self.outside
    }
}

/// All gates, with real kernels, applied to one tile.
struct Forwards<'a, 'b, F> {
    pass: &'a SweepPass,
    number: usize,
    whole: &'a Shared<'b, F>,
    tile: &'a mut [F],
    entries: &'a [GateEntries<'a, F>],
}

impl<F: Vectors> Work<F> for Forwards<'_, '_, F> {
    #[inline(always)]
    fn run<U: Unit<Number = F>>(self, unit: U) {
        let Self { pass: SweepPass { tiles, members }, number, whole, tile, entries } = self;
        let (start, base) = tiles.start(number);
        // SAFETY: every tile of a pass is given to one thread.
        unsafe { whole.copy_out(unit, tiles, start, tile) };
        for member in members {
            if member.acts_at(base) {
                let matrix = RealMatrix { list: entries[member.gate].matrix, by_row: false };
                member.kernel.apply_real(unit, tile, 1, matrix);
            }
        }
        // SAFETY: as above.
        unsafe { whole.copy_back(unit, tiles, start, tile) };
    }
}

/// All gates, with real kernels, un-applied from one tile of the real parts of ket and bra.
struct Backwards<'a, 'b, F> {
    pass: &'a SweepPass,
    number: usize,
    wholes: [&'a Shared<'b, F>; 2],
    states: [&'a mut [F]; 2],
    entries: &'a [GateEntries<'a, F>],
    found: &'a mut [f64],
    /// [`SweepPass::ends`].
    ends: &'a [usize],
}

impl<F: Vectors> Work<F> for Backwards<'_, '_, F> {
    #[inline(always)]
    fn run<U: Unit<Number = F>>(self, unit: U) {
        let Self { pass: SweepPass { tiles, members }, number, wholes, states: [ket, bra], entries, found, ends } =
            self;
        let (start, base) = tiles.start(number);
        // SAFETY: every tile of a pass is given to one thread.
        unsafe {
            wholes[0].copy_out(unit, tiles, start, ket);
            wholes[1].copy_out(unit, tiles, start, bra);
        }
        for k in (0..members.len()).rev() {
            let member = &members[k];
            if member.acts_at(base) {
                let inverse = RealMatrix { list: entries[member.gate].inverse, by_row: false };
                let found = &mut found[before(ends, k)..ends[k]];
                member.kernel.unapply_real(unit, [&mut ket[..], &mut bra[..]], 1, inverse, found);
            }
        }
        // SAFETY: as above.
        unsafe {
            wholes[0].copy_back(unit, tiles, start, ket);
            wholes[1].copy_back(unit, tiles, start, bra);
        }
    }
}

/// All parts of a tile of ket and bra out of their states, or back.
struct Copy<'a, 'b, F> {
    out: bool,
    tiles: &'a Tiles,
    start: usize,
    wholes: &'a [Shared<'b, F>; 4],
    parts: [&'a mut [F]; 4],
}

impl<F: Vectors> Work<F> for Copy<'_, '_, F> {
    #[inline(always)]
    fn run<U: Unit<Number = F>>(self, unit: U) {
        for (whole, tile) in self.wholes.iter().zip(self.parts) {
            // SAFETY: every tile of a pass is given to one thread.
            unsafe {
                if self.out {
                    whole.copy_out(unit, self.tiles, self.start, tile);
                } else {
                    whole.copy_back(unit, self.tiles, self.start, tile);
                }
            }
        }
    }
}
