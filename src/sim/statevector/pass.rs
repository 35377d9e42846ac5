//! Wide states in tiles: many gates for each trip of the amplitudes through the caches.
//!
//! A tile is the amplitudes that agree in all qubits but some: the lowest ones, so that its pieces are long, and a few
//! gathered ones. A pass copies each tile out, does everything that stays inside, and copies it back. Tiles of the
//! second-level cache are spread over threads and cut into tiles of the first level the same way. Phases fit into any
//! tile; a gate moves into an earlier pass if none of those left behind shares a qubit with it.

use rayon::prelude::*;

use crate::sim::statevector::fuse::{Item, Loose};
use crate::sim::statevector::kernel::{Entries, Kind, Places, State, apply};
use crate::sim::statevector::low::{Shuffles, shuffle};
use crate::sim::statevector::vector::{Unit, Vectors, Work};
use crate::sim::statevector::{pair, phases};

/// One level of tiles: qubits that lie side by side, and others gathered.
#[derive(Clone, Copy)]
struct Level {
    near: usize,
    gathered: usize,
}

/// Second-level cache: 1 MiB in double precision, 256 amplitudes side by side.
const OUTER: Level = Level { near: 8, gathered: 8 };
/// First-level cache, in registers side by side and gathered: 32 KiB.
const INNER: Level = Level { near: 1, gathered: 7 };

/// A program placed for one width.
pub struct Passes<F> {
    parts: Vec<Part<F>>,
}

enum Part<F> {
    Step(Step<F>),
    Tiles(Tiles<F>),
}

enum Step<F> {
    Pair(pair::Placed<F>),
    Phases(Vec<phases::Placed<F>>),
    Low(Shuffles<F>),
    High { places: Places, kind: Kind, list: Vec<F> },
}

struct Tiles<F> {
    /// Amplitudes side by side.
    near: usize,
    /// Where each piece of a tile starts, counted from its first.
    pieces: Vec<usize>,
    /// Bits of a tile's number: the bit of its place, and of the amplitude in the whole state.
    others: Vec<(usize, usize)>,
    /// Qubits that are still |0⟩ after the pass.
    idle: usize,
    parts: Vec<Part<F>>,
}

impl<F: Vectors> Passes<F> {
    /// Passes for `items` on `total` qubits that start from |0…0⟩.
    pub fn new(items: &[Item], total: usize) -> Self {
        let all: Vec<&Item> = items.iter().collect();
        let qubits: Vec<usize> = (0..total).collect();
        let inner = Level { near: INNER.near + F::LOW, gathered: INNER.gathered };
        Self { parts: parts(&all, &qubits, &[OUTER, inner], &mut 0) }
    }

    /// Applies them.
    pub fn run(&self, state: &mut State<F>) {
        match &self.parts[..] {
            [Part::Tiles(first), ..] if first.pieces.len() * first.near >= 1 << (OUTER.near + OUTER.gathered) => {
                for part in &self.parts {
                    match part {
                        Part::Tiles(tiles) => tiles.run_wide(state),
                        Part::Step(_) => F::dispatch(Leaf { parts: std::slice::from_ref(part), state, base: 0 }),
                    }
                }
            }
            parts => F::dispatch(Leaf { parts, state, base: 0 }),
        }
    }
}

/// `items` on a tile whose bit k is qubit `qubits[k]`, cut by `levels`.
fn parts<F: Vectors>(items: &[&Item], qubits: &[usize], levels: &[Level], touched: &mut u64) -> Vec<Part<F>> {
    let Some((level, rest)) = levels.split_first() else {
        *touched |= items.iter().fold(0, |mask, item| mask | item.mixes());
        return items.iter().map(|item| Part::Step(step(item, qubits))).collect();
    };
    // One bit more is still cheaper in place than copied.
    let slack = usize::from(rest.is_empty());
    if qubits.len() <= level.near + level.gathered + slack {
        return parts(items, qubits, rest, touched);
    }
    let mut out = Vec::new();
    let mut left = items.to_vec();
    while !left.is_empty() {
        let (inside, outside, far) = choose(&left, qubits, level);
        if inside.is_empty() {
            // More operands than a tile has room for.
            *touched |= left[0].mixes();
            out.push(Part::Step(step(left.remove(0), qubits)));
            continue;
        }
        let places: Vec<usize> = (0..level.near).chain(far.iter().copied()).collect();
        let own: Vec<usize> = places.iter().map(|&place| qubits[place]).collect();
        let others = (0..qubits.len()).filter(|place| !places.contains(place));
        let others = others.map(|place| (1 << place, 1 << qubits[place])).collect();
        let deposit = |piece: usize| far.iter().enumerate().map(|(k, &place)| (piece >> k & 1) << place).sum();
        let pieces = (0..1usize << far.len()).map(deposit).collect();
        let parts = parts(&inside, &own, rest, touched);
        out.push(Part::Tiles(Tiles { near: 1 << level.near, pieces, others, idle: !*touched as usize, parts }));
        left = outside;
    }
    out
}

/// The items of the next pass, those left for later, and the places gathered, ascending.
fn choose<'a>(left: &[&'a Item], qubits: &[usize], level: &Level) -> (Vec<&'a Item>, Vec<&'a Item>, Vec<usize>) {
    let near = qubits[..level.near].iter().fold(0u64, |mask, q| mask | 1 << q);
    let (mut inside, mut outside) = (Vec::new(), Vec::new());
    let (mut far, mut blocked) = (0u64, 0u64);
    for &item in left {
        let wanted = far | item.mixes() & !near;
        if item.operands() & blocked == 0 && wanted.count_ones() as usize <= level.gathered {
            far = wanted;
            inside.push(item);
        } else {
            blocked |= item.operands();
            outside.push(item);
        }
    }
    // A tile of full size, whatever the items need.
    let mut places: Vec<usize> = (level.near..qubits.len()).filter(|&place| far >> qubits[place] & 1 == 1).collect();
    let spare = (level.near..qubits.len()).filter(|place| !places.contains(place)).take(level.gathered - places.len());
    places.extend(spare.collect::<Vec<_>>());
    places.sort_unstable();
    (inside, outside, places)
}

fn step<F: Vectors>(item: &Item, qubits: &[usize]) -> Step<F> {
    let place = |q: &usize| qubits.iter().position(|other| other == q).expect("a pass holds the operands of its items");
    match item {
        Item::Pair(pair) => Step::Pair(pair::Pair { qubits: pair.qubits.map(|q| place(&q)), ..pair.clone() }.placed()),
        Item::Phases(terms) => Step::Phases(phases::placed(terms, qubits)),
        Item::Gate(Loose { controls, targets, kind, list }) => {
            let controls: Vec<usize> = controls.iter().map(place).collect();
            let targets: Vec<usize> = targets.iter().map(place).collect();
            let size = 1 << targets.len();
            let low = Shuffles::new(qubits.len(), &controls, &targets, |row, column| match kind {
                Kind::Diagonal if row != column => (0.0, 0.0),
                Kind::Diagonal => (list[2 * row], list[2 * row + 1]),
                _ => (list[2 * (row * size + column)], list[2 * (row * size + column) + 1]),
            });
            let list = list.iter().map(|&x| F::of(x)).collect();
            low.map_or_else(
                || Step::High { places: Places::new(qubits.len(), &controls, &targets), kind: kind.clone(), list },
                Step::Low,
            )
        }
    }
}

/// Everything that happens to a tile of the second-level cache.
struct Leaf<'a, F> {
    parts: &'a [Part<F>],
    state: &'a mut State<F>,
    base: usize,
}

impl<F: Vectors> Work<F> for Leaf<'_, F> {
    #[inline(always)]
    fn run<U: Unit<Number = F>>(self, unit: U) {
        let mut tile = State { re: Vec::new(), im: Vec::new(), lanes: 1 };
        for part in self.parts {
            match part {
                Part::Step(step) => run_step(unit, step, self.state, self.base),
                Part::Tiles(tiles) => {
                    tile.re.resize(tiles.size(), F::ZERO);
                    tile.im.resize(tiles.size(), F::ZERO);
                    for number in 0..1 << tiles.others.len() {
                        let (start, base) = tiles.place(number);
                        if (self.base | base) & tiles.idle != 0 {
                            continue;
                        }
                        tiles.copy_out(unit, self.state, start, &mut tile);
                        for part in &tiles.parts {
                            if let Part::Step(step) = part {
                                run_step(unit, step, &mut tile, self.base | base);
                            }
                        }
                        tiles.copy_back(unit, self.state, start, &tile);
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn run_step<U: Unit>(unit: U, step: &Step<U::Number>, tile: &mut State<U::Number>, base: usize) {
    match step {
        Step::Pair(pair) => pair.apply(unit, tile),
        Step::Phases(tables) => tables.iter().for_each(|table| table.apply(unit, tile, base)),
        Step::Low(gate) => shuffle(tile, gate),
        Step::High { places, kind, list } => apply(tile, places, kind, Entries { list, by_row: false }),
    }
}

impl<F: Vectors> Tiles<F> {
    fn size(&self) -> usize {
        self.near * self.pieces.len()
    }

    /// Where a tile starts, and the number of its first amplitude in the whole state (of the bits that this level fixes).
    #[inline(always)]
    fn place(&self, number: usize) -> (usize, usize) {
        let bits = self.others.iter().enumerate().filter(|(k, _)| number >> k & 1 == 1);
        bits.fold((0, 0), |(start, base), (_, (place, qubit))| (start | place, base | qubit))
    }

    #[inline(always)]
    fn copy_out<U: Unit<Number = F>>(&self, unit: U, state: &State<F>, start: usize, tile: &mut State<F>) {
        let (near, start) = (self.near / F::WIDTH, start / F::WIDTH);
        let last = (start + self.pieces[self.pieces.len() - 1] / F::WIDTH + near) * F::WIDTH;
        assert!(last <= state.re.len() && last <= state.im.len() && tile.re.len() == self.size());
        for (k, piece) in self.pieces.iter().enumerate() {
            let from = start + piece / F::WIDTH;
            for i in 0..near {
                // SAFETY: the last piece ends inside the state, and the tile holds all pieces.
                unsafe {
                    unit.store(&mut tile.re, k * near + i, unit.load(&state.re, from + i));
                    unit.store(&mut tile.im, k * near + i, unit.load(&state.im, from + i));
                }
            }
        }
    }

    #[inline(always)]
    fn copy_back<U: Unit<Number = F>>(&self, unit: U, state: &mut State<F>, start: usize, tile: &State<F>) {
        let (near, start) = (self.near / F::WIDTH, start / F::WIDTH);
        let last = (start + self.pieces[self.pieces.len() - 1] / F::WIDTH + near) * F::WIDTH;
        assert!(last <= state.re.len() && last <= state.im.len() && tile.re.len() == self.size());
        for (k, piece) in self.pieces.iter().enumerate() {
            let to = start + piece / F::WIDTH;
            for i in 0..near {
                // SAFETY: as in `copy_out`.
                unsafe {
                    unit.store(&mut state.re, to + i, unit.load(&tile.re, k * near + i));
                    unit.store(&mut state.im, to + i, unit.load(&tile.im, k * near + i));
                }
            }
        }
    }

    /// All tiles of a wide state, spread over threads.
    fn run_wide(&self, state: &mut State<F>) {
        let count = 1usize << self.others.len();
        let mut tiles: Vec<(usize, Vec<(&mut [F], &mut [F])>)> =
            (0..count).map(|number| (self.place(number).1, Vec::with_capacity(self.pieces.len()))).collect();
        // Pieces come in ascending order, so that each tile sees its own in the order of the gathered bits.
        for (index, parts) in state.re.chunks_exact_mut(self.near).zip(state.im.chunks_exact_mut(self.near)).enumerate()
        {
            let start = index * self.near;
            let bits = self.others.iter().enumerate().filter(|(_, (place, _))| start & place != 0);
            tiles[bits.fold(0, |number, (k, _)| number | 1 << k)].1.push(parts);
        }
        tiles.retain(|(base, _)| base & self.idle == 0);
        let scratch = || State { re: vec![F::ZERO; self.size()], im: vec![F::ZERO; self.size()], lanes: 1 };
        tiles.into_par_iter().for_each_init(scratch, |tile, (base, mut pieces)| {
            for (k, (re, im)) in pieces.iter().enumerate() {
                tile.re[k * self.near..][..self.near].copy_from_slice(re);
                tile.im[k * self.near..][..self.near].copy_from_slice(im);
            }
            F::dispatch(Leaf { parts: &self.parts, state: tile, base });
            for (k, (re, im)) in pieces.iter_mut().enumerate() {
                re.copy_from_slice(&tile.re[k * self.near..][..self.near]);
                im.copy_from_slice(&tile.im[k * self.near..][..self.near]);
            }
        });
    }
}
