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

/// Second-level cache: 512 KiB in double precision, 64 amplitudes side by side.
const OUTER: Level = Level { near: 6, gathered: 9 };
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
            [Part::Tiles(first), ..] if first.parts.iter().any(|p| matches!(p, Part::Tiles(_))) => {
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
    if qubits.len() <= level.near + level.gathered + 1 {
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
    let mask = |places: &[usize]| places.iter().fold(0u64, |mask, &place| mask | 1 << qubits[place]);
    let near = mask(&(0..level.near).collect::<Vec<_>>());
    // In the order of the program, what still fits.
    let (mut wanted, mut blocked) = (near, 0u64);
    let room = level.near + level.gathered;
    for item in left {
        if item.operands() & blocked == 0 && (wanted | item.mixes()).count_ones() as usize <= room {
            wanted |= item.mixes();
        } else {
            blocked |= item.operands();
        }
    }
    // A tile of full size, whatever the items need.
    let (mut far, mut spare): (Vec<usize>, Vec<usize>) =
        (level.near..qubits.len()).partition(|&place| wanted >> qubits[place] & 1 == 1);
    far.extend(spare.drain(..level.gathered - far.len()));
    // Exchange gathered qubits for others as long as more items fit.
    let mut best = held(left, near | mask(&far)).count();
    let all = far.len() * spare.len();
    let mut next = 0;
    while next < all {
        let (i, j) = (next % far.len(), next / far.len());
        next += 1;
        std::mem::swap(&mut far[i], &mut spare[j]);
        let count = held(left, near | mask(&far)).count();
        if count > best {
            best = count;
            next = 0;
        } else {
            std::mem::swap(&mut far[i], &mut spare[j]);
        }
    }
    far.sort_unstable();
    let mut chosen = held(left, near | mask(&far)).peekable();
    let (mut inside, mut outside) = (Vec::new(), Vec::new());
    for (k, &item) in left.iter().enumerate() {
        if chosen.next_if_eq(&k).is_some() { inside.push(item) } else { outside.push(item) }
    }
    (inside, outside, far)
}

/// The items that a tile of `qubits` can do first: none of those before them that it cannot do shares a qubit with them.
fn held(left: &[&Item], qubits: u64) -> impl Iterator<Item = usize> {
    let mut blocked = 0;
    left.iter().enumerate().filter_map(move |(k, item)| {
        let fits = item.mixes() & !qubits == 0 && item.operands() & blocked == 0;
        if !fits {
            blocked |= item.operands();
        }
        fits.then_some(k)
    })
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
        let mut tile = State::zeros(0, 1);
        for part in self.parts {
            match part {
                Part::Step(step) => run_step(unit, step, self.state, self.base),
                Part::Tiles(tiles) => {
                    if tile.re.len() != tiles.size() {
                        tile = State::zeros(tiles.size(), 1);
                    }
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
        // A loop, because a closure may be compiled apart from it, for the oldest machine.
        Step::Phases(tables) => {
            for table in tables {
                table.apply(unit, tile, base);
            }
        }
        Step::Low(gate) => shuffle(tile, gate),
        Step::High { places, kind, list } => apply(tile, places, kind, Entries { list, by_row: false }),
    }
}

/// Real and imaginary parts of the pieces of one tile.
type Pieces<'a, F> = Vec<(&'a mut [F], &'a mut [F])>;

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
        let mut tiles: Vec<(usize, Pieces<F>)> =
            (0..count).map(|number| (self.place(number).1, Vec::with_capacity(self.pieces.len()))).collect();
        // Pieces come in ascending order, so that each tile sees its own in the order of the gathered bits.
        for (index, parts) in state.re.chunks_exact_mut(self.near).zip(state.im.chunks_exact_mut(self.near)).enumerate()
        {
            let start = index * self.near;
            let bits = self.others.iter().enumerate().filter(|(_, (place, _))| start & place != 0);
            tiles[bits.fold(0, |number, (k, _)| number | 1 << k)].1.push(parts);
        }
        tiles.retain(|(base, _)| base & self.idle == 0);
        let scratch = || State::zeros(self.size(), 1);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::C64;
    use crate::sim::statevector::pair::Pair;
    use crate::sim::statevector::phases::Term;
    use crate::sim::statevector::vector::portable;

    /// Pairs and phases on all places, on this machine's vector unit and on plain arrays.
    fn agree_everywhere<F: Vectors>(tolerance: f64) {
        for total in F::LOW..=12 {
            for (c, t) in (0..total).flat_map(|c| (0..total).map(move |t| (c, t))).filter(|(c, t)| c != t) {
                let phases = [0.3, 1.2, -0.7, 2.9].map(|angle| C64::from_polar(0.8, angle));
                let (flipped, linked) = ([c % 2 == 0, t % 3 == 0], (c + t) % 2 == 0);
                let pair = Pair { qubits: [c, t], phases, tangents: [0.4, -0.9], flipped, linked };
                let term = Term { qubits: vec![t, c], entries: phases.to_vec() };
                let passes = Passes::<F>::new(&[Item::Pair(pair), Item::Phases(vec![term])], total);
                let start = |shift: f64| (0..1 << total).map(|k| F::of((f64::from(k) + shift).sin())).collect();
                let state = State { re: start(0.1), im: start(0.6), lanes: 1 };
                let (mut fast, mut slow) = (state.clone(), state);
                passes.run(&mut fast);
                portable(Leaf { parts: &passes.parts, state: &mut slow, base: 0 });
                let pairs = fast.re.iter().zip(&*slow.re).chain(fast.im.iter().zip(&*slow.im));
                let error = pairs.map(|(a, b)| (a.double() - b.double()).abs()).fold(0.0, f64::max);
                assert!(error < tolerance, "qubits {c} and {t} of {total}: off by {error:e}");
            }
        }
    }

    /// Units differ by the rounding of a few multiply-and-adds.
    #[test]
    fn vector_units_agree_on_all_places() {
        agree_everywhere::<f64>(1e-14);
        agree_everywhere::<f32>(1e-5);
    }
}
