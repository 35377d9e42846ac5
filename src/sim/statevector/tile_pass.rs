//! OuterTile states in tiles: many gates for each trip of the amplitudes through the caches.
//!
//! A tile is the amplitudes that agree in all qubits but some: the lowest ones, so that its pieces are long, and a few
//! gathered ones. A pass copies each tile out, does everything that stays inside, and copies it back. Tiles of the
//! second-level cache are spread over threads and cut into tiles of the first level the same way. Phases fit into any
//! tile. A gate moves into an earlier pass if none of those left behind shares a qubit with it.

use rayon::prelude::*;

use crate::math::C64;
use crate::sim::kernel::amplitudes::{Entries, MatrixKind, OperandLayout, State, apply};
use crate::sim::kernel::vector::{Unit, Vectors, Work};
use crate::sim::statevector::fuse::{FusedProgram, Item, UnplacedGate};
use crate::sim::statevector::shuffle::{ShuffleSum, shuffle};
use crate::sim::statevector::tiles::{Level, Operands, PassQueue, Shared, Tiles};
use crate::sim::statevector::{pair, phases};

/// Second-level cache: 512 KiB in double precision, 64 amplitudes side by side.
const OUTER: Level = Level { near: 6, gathered: 9 };
/// First-level cache, in registers side by side and gathered: 32 KiB. Registers half as wide compute half as fast, and then
/// the second level keeps up (Zen 3: 104 ms for 20 qubits without, 115 ms with).
const INNER: Level = Level { near: 1, gathered: 7 };

/// The passes of a program for one register width.
pub struct TilePasses<F> {
    start: C64,
    parts: Vec<Part<F>>,
}

enum Part<F> {
    Step(Step<F>),
    Tiles(TilePass<F>),
}

enum Step<F> {
    Pair(pair::PairKernel<F>),
    Phases(Vec<phases::PhaseTable<F>>),
    /// Where all qubits of the mask `outside` the tile are 1.
    Low {
        outside: usize,
        gate: ShuffleSum<F>,
    },
    High {
        outside: usize,
        layout: OperandLayout,
        kind: MatrixKind,
        list: Vec<F>,
    },
}

struct TilePass<F> {
    tiles: Tiles,
    /// Qubits that are still |0⟩ after the pass.
    idle: usize,
    /// Whether the tiles are those of the second level, worth a thread each.
    wide: bool,
    parts: Vec<Part<F>>,
}

impl<F: Vectors> TilePasses<F> {
    /// TilePasses for a program on `total` qubits that start from |0…0⟩.
    pub fn new(program: &FusedProgram, total: usize) -> Self {
        let all: Vec<&Item> = program.items.iter().collect();
        let qubits: Vec<usize> = (0..total).collect();
        let inner = Level { near: INNER.near + F::LOW, gathered: INNER.gathered };
        let levels = if F::part_bits() == F::LOW { &[OUTER, inner][..] } else { &[OUTER] };
        Self { start: program.start, parts: parts(&all, &qubits, levels, &mut 0) }
    }

    /// Applies them to |0…0⟩.
    pub fn run(&self, state: &mut State<F>) {
        (state.re[0], state.im[0]) = (F::of(self.start.re), F::of(self.start.im));
        self.apply(state);
    }

    fn apply(&self, state: &mut State<F>) {
        for parts in self.parts.chunk_by(|one, other| !one.is_wide() && !other.is_wide()) {
            match parts {
                [Part::Tiles(pass)] if pass.wide => pass.run_wide(state),
                _ => F::dispatch(TileWork { parts, state, base: 0 }),
            }
        }
    }
}

impl<F> Part<F> {
    fn is_wide(&self) -> bool {
        matches!(self, Self::Tiles(pass) if pass.wide)
    }
}

/// `items` on a tile whose bit k is qubit `qubits[k]`, cut by `levels`.
fn parts<F: Vectors>(items: &[&Item], qubits: &[usize], levels: &[Level], touched: &mut u64) -> Vec<Part<F>> {
    let Some((level, rest)) = levels.split_first() else {
        *touched |= items.iter().fold(0, |mask, item| mask | item.mixes());
        return items.iter().map(|item| Part::Step(step(item, qubits))).collect();
    };
    if level.holds(qubits.len()) {
        return parts(items, qubits, rest, touched);
    }
    let mut out = Vec::new();
    let mut queue = PassQueue::new(items.iter().copied());
    while !queue.is_empty() {
        let (inside, far) = queue.take_pass(qubits, level);
        if inside.is_empty() {
            // More operands than a tile holds.
            let item = queue.take_first();
            *touched |= item.mixes();
            out.push(Part::Step(step(item, qubits)));
            continue;
        }
        let (tiles, own) = Tiles::new(level.near, &far, qubits);
        let parts = parts(&inside, &own, rest, touched);
        let wide = *level == OUTER;
        out.push(Part::Tiles(TilePass { tiles, idle: !*touched as usize, wide, parts }));
    }
    out
}

fn step<F: Vectors>(item: &Item, qubits: &[usize]) -> Step<F> {
    let position =
        |q: &usize| qubits.iter().position(|other| other == q).expect("a pass holds the operands of its items");
    match item {
        Item::Pair(pair) => {
            Step::Pair(pair::Pair { qubits: pair.qubits.map(|q| position(&q)), ..pair.clone() }.kernel())
        }
        Item::Phases(terms) => Step::Phases(phases::tables(terms, qubits)),
        Item::Gate(UnplacedGate { controls, targets, kind, list }) => {
            let (inside, outside): (Vec<usize>, Vec<usize>) = controls.iter().partition(|q| qubits.contains(q));
            let outside = outside.iter().fold(0, |mask, q| mask | 1 << q);
            let controls: Vec<usize> = inside.iter().map(position).collect();
            let targets: Vec<usize> = targets.iter().map(position).collect();
            let size = 1 << targets.len();
            let low = ShuffleSum::new(qubits.len(), &controls, &targets, |row, column| match kind {
                MatrixKind::Diagonal if row != column => (0.0, 0.0),
                MatrixKind::Diagonal => (list[2 * row], list[2 * row + 1]),
                _ => (list[2 * (row * size + column)], list[2 * (row * size + column) + 1]),
            });
            let list = list.iter().map(|&x| F::of(x)).collect();
            low.map_or_else(
                || Step::High {
                    outside,
                    layout: OperandLayout::new(qubits.len(), &controls, &targets),
                    kind: kind.clone(),
                    list,
                },
                |gate| Step::Low { outside, gate },
            )
        }
    }
}

/// Everything that happens to a tile of the second-level cache.
struct TileWork<'a, F> {
    parts: &'a [Part<F>],
    state: &'a mut State<F>,
    base: usize,
}

impl<F: Vectors> Work<F> for TileWork<'_, F> {
    #[inline(always)]
    fn run<U: Unit<Number = F>>(self, unit: U) {
        let mut tile = State::zeros(0, 1);
        for part in self.parts {
            match part {
                Part::Step(step) => run_step(unit, step, self.state, self.base),
                Part::Tiles(TilePass { tiles, idle, parts, .. }) => {
                    if tile.re.len() != tiles.size() {
                        tile = State::zeros(tiles.size(), 1);
                    }
                    let (re, im) = (Shared::new(&mut self.state.re), Shared::new(&mut self.state.im));
                    for number in 0..tiles.count() {
                        let (start, base) = tiles.start(number);
                        if (self.base | base) & idle != 0 {
                            continue;
                        }
                        // SAFETY: the state is this thread's alone.
                        unsafe {
                            re.copy_out(unit, tiles, start, &mut tile.re);
                            im.copy_out(unit, tiles, start, &mut tile.im);
                        }
                        for part in parts {
                            if let Part::Step(step) = part {
                                run_step(unit, step, &mut tile, self.base | base);
                            }
                        }
                        // SAFETY: as above.
                        unsafe {
                            re.copy_back(unit, tiles, start, &tile.re);
                            im.copy_back(unit, tiles, start, &tile.im);
                        }
                    }
                }
            }
        }
    }
}

/// A tile of the second-level cache, on one of several threads.
struct OuterTile<'a, F> {
    pass: &'a TilePass<F>,
    state: [&'a Shared<'a, F>; 2],
    start: usize,
    base: usize,
    tile: &'a mut State<F>,
}

impl<F: Vectors> Work<F> for OuterTile<'_, F> {
    #[inline(always)]
    fn run<U: Unit<Number = F>>(self, unit: U) {
        let Self { pass: TilePass { tiles, parts, .. }, state: [re, im], start, base, tile } = self;
        // SAFETY: every tile is given to one thread.
        unsafe {
            re.copy_out(unit, tiles, start, &mut tile.re);
            im.copy_out(unit, tiles, start, &mut tile.im);
        }
        TileWork { parts, state: tile, base }.run(unit);
        // SAFETY: as above.
        unsafe {
            re.copy_back(unit, tiles, start, &tile.re);
            im.copy_back(unit, tiles, start, &tile.im);
        }
    }
}

#[inline(always)]
fn run_step<U: Unit>(unit: U, step: &Step<U::Number>, tile: &mut State<U::Number>, base: usize) {
    match step {
        Step::Pair(pair) => pair.apply(unit, tile),
        // A loop, because a closure may be compiled apart from it, for the oldest machine.
        Step::Phases(tables) => {
            for table in tables {
                table.apply(unit, tile, base);
            }
        }
        Step::Low { outside, .. } | Step::High { outside, .. } if base & outside != *outside => {}
        Step::Low { gate, .. } => shuffle(tile, gate),
        Step::High { layout, kind, list, .. } => apply(tile, layout, kind, Entries { list, by_row: false }),
    }
}

impl<F: Vectors> TilePass<F> {
    /// All tiles of a wide state, spread over threads.
    fn run_wide(&self, state: &mut State<F>) {
        let (re, im) = (Shared::new(&mut state.re), Shared::new(&mut state.im));
        let scratch = || State::zeros(self.tiles.size(), 1);
        (0..self.tiles.count()).into_par_iter().for_each_init(scratch, |tile, number| {
            let (start, base) = self.tiles.start(number);
            if base & self.idle == 0 {
                F::dispatch(OuterTile { pass: self, state: [&re, &im], start, base, tile });
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::kernel::vector::portable;
    use crate::sim::statevector::pair::Pair;
    use crate::sim::statevector::phases::Term;

    /// Pairs and phases on all positions, on this machine's vector unit and on plain arrays.
    fn agree_everywhere<F: Vectors>(tolerance: f64) {
        for total in F::LOW..=12 {
            for (c, t) in (0..total).flat_map(|c| (0..total).map(move |t| (c, t))).filter(|(c, t)| c != t) {
                let phases = [0.3, 1.2, -0.7, 2.9].map(|angle| C64::from_polar(0.8, angle));
                let (flipped, linked) = ([c % 2 == 0, t % 3 == 0], (c + t) % 2 == 0);
                let pair = Pair { qubits: [c, t], phases, tangents: [0.4, -0.9], flipped, linked };
                let term = Term { qubits: vec![t, c], entries: phases.to_vec() };
                let items = vec![Item::Pair(pair), Item::Phases(vec![term])];
                let passes = TilePasses::<F>::new(&FusedProgram { start: phases[0], items }, total);
                let start = |shift: f64| (0..1 << total).map(|k| F::of((f64::from(k) + shift).sin())).collect();
                let state = State { re: start(0.1), im: start(0.6), lanes: 1 };
                let (mut fast, mut slow) = (state.clone(), state);
                passes.apply(&mut fast);
                portable(TileWork { parts: &passes.parts, state: &mut slow, base: 0 });
                let pairs = fast.re.iter().zip(&*slow.re).chain(fast.im.iter().zip(&*slow.im));
                let error = pairs.map(|(a, b)| (a.double() - b.double()).abs()).fold(0.0, f64::max);
                assert!(error < tolerance, "qubits {c} and {t} of {total}: off by {error:e}");
            }
        }
    }

    /// Units differ by the rounding of a few multiply-and-adds.
    #[test]
    fn vector_units_agree_on_all_operands() {
        agree_everywhere::<f64>(1e-14);
        agree_everywhere::<f32>(1e-5);
    }
}
