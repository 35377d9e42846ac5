//! One stabilizer state U|0…0⟩ by the inverse of U: what every X and Z of a qubit was before it (Gidney 2021, arXiv 2103.02202,
//! section 2). Strings are those of Aaronson and Gottesman 2004 (arXiv quant-ph/0406196).
//!
//! An operation changes the strings of its operands alone, and an outcome that is certain is the sign of one string. Only a
//! random outcome takes work on all strings.

use pulp::{Simd, WithSimd, bytemuck};
use smallvec::SmallVec;

use super::clifford::Clifford;
use super::terminal::KnownOutcomes;

/// A state of n qubits as 2n Hermitian strings `i^{|x & z|} X^x Z^z`: row 2q is U† X_q U, row 2q + 1 is U† Z_q U.
pub struct Tableau {
    /// Words of the X bits of a row; as many Z bits follow.
    words: usize,
    rows: Vec<u64>,
    /// Which rows have a negative sign.
    signs: Vec<bool>,
    /// Once nothing but Paulis and measurements follows.
    terminal: Option<KnownOutcomes>,
    /// What an operation makes of rows, one after the other: memory that is asked for once.
    images: Vec<u64>,
}

/// Words of the X bits of a row.
fn words(qubits: usize) -> usize {
    qubits.div_ceil(64 * LANES) * LANES
}

/// Bytes of a tableau.
pub fn bytes(qubits: usize) -> f64 {
    2.0 * qubits as f64 * (16.0 * words(qubits) as f64 + 1.0)
}

pub fn bit(words: &[u64], at: usize) -> bool {
    words[at / 64] >> (at % 64) & 1 == 1
}

fn flip(words: &mut [u64], at: usize) {
    words[at / 64] ^= 1 << (at % 64);
}

/// Rows are whole registers of the widest vectors.
const LANES: usize = 8;

/// Counts of bits modulo 4 over many words, position by position.
#[derive(Clone, Copy)]
pub struct Quarters<S: Simd> {
    low: S::u64s,
    high: S::u64s,
}

impl<S: Simd> Quarters<S> {
    #[inline(always)]
    pub fn new(simd: S) -> Self {
        Self { low: simd.splat_u64s(0), high: simd.splat_u64s(0) }
    }

    #[inline(always)]
    fn add(&mut self, simd: S, bits: S::u64s) {
        self.high = simd.xor_u64s(self.high, simd.and_u64s(self.low, bits));
        self.low = simd.xor_u64s(self.low, bits);
    }

    #[inline(always)]
    pub fn sum(self) -> u32 {
        (ones::<S>(self.low) + 2 * ones::<S>(self.high)) % 4
    }
}

#[inline(always)]
fn ones<S: Simd>(register: S::u64s) -> u32 {
    let mut sum = 0;
    for word in bytemuck::cast_slice::<_, u64>(&[register]) {
        sum += word.count_ones();
    }
    sum
}

/// Multiplies a string by another from the right; the power of i of the product as a Hermitian string.
struct Multiply<'a> {
    product: &'a mut [u64],
    by: &'a [u64],
}

impl WithSimd for Multiply<'_> {
    type Output = u32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> u32 {
        let mut power = Quarters::new(simd);
        multiply(simd, self.product, self.by, &mut power);
        power.sum()
    }
}

/// Multiplies a string by another from the right, and adds to a power of i that of the product as a Hermitian string.
#[inline(always)]
pub fn multiply<S: Simd>(simd: S, product: &mut [u64], by: &[u64], power: &mut Quarters<S>) {
    let half = by.len() / 2;
    let ((x, z), (by_x, by_z)) = (product.split_at_mut(half), by.split_at(half));
    let own = S::as_mut_simd_u64s(x).0.iter_mut().zip(S::as_mut_simd_u64s(z).0);
    let by = S::as_simd_u64s(by_x).0.iter().zip(S::as_simd_u64s(by_z).0);
    for ((x, z), (&by_x, &by_z)) in own.zip(by) {
        let before = simd.and_u64s(*x, by_z);
        let differ = simd.xor_u64s(before, simd.and_u64s(*z, by_x));
        (*x, *z) = (simd.xor_u64s(*x, by_x), simd.xor_u64s(*z, by_z));
        // XY = iZ and its cyclic permutations; the others are -i, which is i three times.
        let is_minus = simd.xor_u64s(simd.xor_u64s(*x, *z), simd.xor_u64s(power.low, before));
        power.high = simd.xor_u64s(power.high, simd.and_u64s(is_minus, differ));
        power.low = simd.xor_u64s(power.low, differ);
    }
}

/// What a random outcome does before U, to every string: see [`Tableau::collapse`].
struct Collapse<'a> {
    rows: &'a mut [u64],
    signs: &'a mut [bool],
    pivot: usize,
    /// Targets of CX.
    targets: &'a [u64],
    /// Partners of CZ.
    partners: &'a [u64],
    /// Whether S follows.
    turns: bool,
}

impl WithSimd for Collapse<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let words = self.targets.len();
        // Loops: a closure that an iterator calls would not be compiled for the vectors of the machine.
        for (row, sign) in self.rows.chunks_exact_mut(2 * words).zip(self.signs) {
            let (xs, zs) = row.split_at_mut(words);
            let (x, mut z) = (bit(xs, self.pivot), bit(zs, self.pivot));
            let added = simd.splat_u64s(if x { u64::MAX } else { 0 });
            let (mut by_cx, mut by_cz, mut both) = (Quarters::new(simd), Quarters::new(simd), simd.splat_u64s(0));
            let own = S::as_mut_simd_u64s(xs).0.iter_mut().zip(S::as_mut_simd_u64s(zs).0);
            let masks = S::as_simd_u64s(self.targets).0.iter().zip(S::as_simd_u64s(self.partners).0);
            for ((x, z), (&target, &partner)) in own.zip(masks) {
                let crossed = simd.and_u64s(*z, target);
                by_cx.add(simd, crossed);
                both = simd.xor_u64s(both, simd.and_u64s(*x, crossed));
                *x = simd.xor_u64s(*x, simd.and_u64s(target, added));
                let joined = simd.and_u64s(*x, partner);
                by_cz.add(simd, joined);
                both = simd.xor_u64s(both, simd.and_u64s(*z, joined));
                *z = simd.xor_u64s(*z, simd.and_u64s(partner, added));
            }
            // Each CX and each CZ toggles Z of the pivot for the next: of m in a row, m / 2 find it changed.
            let (by_cx, by_cz) = (by_cx.sum(), by_cz.sum());
            let mut turns = ones::<S>(both) + by_cx / 2 + if z { 0 } else { by_cx };
            z ^= by_cx % 2 == 1;
            turns += by_cz / 2 + if z { by_cz } else { 0 };
            z ^= by_cz % 2 == 1;
            if self.turns {
                turns += u32::from(z);
                z ^= x;
            }
            // H.
            turns += u32::from(z);
            *sign ^= x && turns % 2 == 1;
            if bit(xs, self.pivot) != z {
                flip(xs, self.pivot);
            }
            if bit(zs, self.pivot) != x {
                flip(zs, self.pivot);
            }
        }
    }
}

impl Tableau {
    /// All qubits in |0⟩.
    pub fn new(qubits: usize) -> Self {
        let words = words(qubits);
        let (rows, signs) = (vec![0; 4 * qubits * words], vec![false; 2 * qubits]);
        let mut tableau = Self { words, rows, signs, terminal: None, images: Vec::new() };
        for qubit in 0..qubits {
            flip(tableau.row_mut(2 * qubit), qubit);
            flip(tableau.row_mut(2 * qubit + 1), 64 * words + qubit);
        }
        tableau
    }

    fn row(&self, number: usize) -> &[u64] {
        &self.rows[2 * self.words * number..][..2 * self.words]
    }

    fn row_mut(&mut self, number: usize) -> &mut [u64] {
        &mut self.rows[2 * self.words * number..][..2 * self.words]
    }

    /// From here on there are only Paulis and measurements, whose outcomes take less work than states.
    pub fn close(&mut self) {
        self.terminal = Some(KnownOutcomes::default());
    }

    pub fn apply(&mut self, clifford: &Clifford, qubits: &[usize]) {
        let row_of = |bit: usize| 2 * qubits[bit / 2] + bit % 2;
        let generators = 0..2 * qubits.len();
        let length = 2 * self.words;
        // All images are made of the rows as they were.
        let mut images = std::mem::take(&mut self.images);
        images.clear();
        let mut changed = SmallVec::<[(usize, bool, bool); 4]>::new();
        for (generator, &(image, sign)) in generators.clone().map(|bit| (bit, &clifford.backward[1 << bit])) {
            let row = row_of(generator);
            if image == 1 << generator {
                changed.extend(sign.then_some((row, !self.signs[row], false)));
                continue;
            }
            // Y = iXZ.
            let mut turns = (image & image >> 1 & 0x5555).count_ones() + 2 * u32::from(sign);
            let factors = generators.clone().filter(|bit| image >> bit & 1 == 1).map(row_of);
            let start = images.len();
            for factor in factors {
                turns += 2 * u32::from(self.signs[factor]);
                let by = &self.rows[length * factor..][..length];
                if images.len() == start {
                    images.extend_from_slice(by);
                } else {
                    turns += pulp::Arch::new().dispatch(Multiply { product: &mut images[start..], by });
                }
            }
            changed.push((row, turns % 4 == 2, true));
        }
        let mut from = images.chunks_exact(length);
        for (row, sign, moved) in changed {
            self.signs[row] = sign;
            if let Some(image) = if moved { from.next() } else { None } {
                self.row_mut(row).copy_from_slice(image);
            }
        }
        self.images = images;
    }

    /// A Pauli string: signs of X and Z of its qubits that anticommute with it.
    pub fn apply_pauli(&mut self, string: u16, qubits: &[usize]) {
        for (k, &qubit) in qubits.iter().enumerate() {
            self.signs[2 * qubit] ^= string >> (2 * k + 1) & 1 == 1;
            self.signs[2 * qubit + 1] ^= string >> (2 * k) & 1 == 1;
        }
    }

    /// Measures Z of a qubit; `draw` decides outcomes that are random.
    pub fn measure(&mut self, qubit: usize, draw: impl FnOnce() -> bool) -> bool {
        let row = 2 * qubit + 1;
        if let Some(known) = &mut self.terminal {
            return known.measure(&self.rows[2 * self.words * row..][..2 * self.words], self.signs[row], draw);
        }
        // Z alone leaves |0…0⟩ as it is, but for the sign.
        if let Some(word) = self.row(row)[..self.words].iter().position(|&x| x != 0) {
            let pivot = 64 * word + self.row(row)[word].trailing_zeros() as usize;
            self.collapse(row, pivot, draw());
        }
        self.signs[row]
    }

    /// Back to |0⟩.
    pub fn reset(&mut self, qubit: usize, draw: impl FnOnce() -> bool) {
        if self.measure(qubit, draw) {
            self.apply_pauli(1, &[qubit]);
        }
    }

    /// A random outcome: the string of a row with X of the qubit `pivot` becomes Z there, with this sign.
    ///
    /// Operations that leave |0…0⟩ alone may stand before U: CX and CZ from the pivot take the string to X or Y of the pivot,
    /// S to X. On X, |0⟩ with a definite outcome is H|0⟩, or HX|0⟩.
    fn collapse(&mut self, row: usize, pivot: usize, outcome: bool) {
        let words = self.words;
        let string = self.row(row);
        let (mut targets, mut partners) = (string[..words].to_vec(), string[words..].to_vec());
        flip(&mut targets, pivot);
        let crossings = targets.iter().zip(&partners).map(|(t, z)| (t & z).count_ones()).sum::<u32>();
        // CX moves Z of its targets to the pivot as well.
        let turns = bit(&partners, pivot) ^ (crossings % 2 == 1);
        if bit(&partners, pivot) {
            flip(&mut partners, pivot);
        }
        let (rows, signs) = (&mut self.rows[..], &mut self.signs[..]);
        let collapse = Collapse { rows, signs, pivot, targets: &targets, partners: &partners, turns };
        pulp::Arch::new().dispatch(collapse);
        if self.signs[row] != outcome {
            // X before U.
            for (row, sign) in self.rows.chunks_exact(2 * words).zip(&mut self.signs) {
                *sign ^= bit(&row[words..], pivot);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::{Gate, Observable, Op};
    use crate::math::Stream;
    use crate::noise::{Program, Step};
    use crate::sim::{Angles, Simulator, Statevector};

    /// Outcomes that are certain are those of the state vector, on random circuits of gates from the table.
    #[test]
    fn outcomes_are_those_of_the_state_vector() {
        const GATES: [Gate; 9] =
            [Gate::H, Gate::S, Gate::Sxdg, Gate::Y, Gate::Cx, Gate::Cz, Gate::Iswap, Gate::Ecr, Gate::Cy];
        let mut certain = 0;
        for seed in 0..120 {
            let mut stream = Stream::numbered(seed, 0);
            let qubits = 2 + stream.below(6);
            let (mut tableau, mut steps) = (Tableau::new(qubits), Vec::new());
            for _ in 0..stream.below(40) {
                let gate = GATES[stream.below(GATES.len())];
                let operands = stream.permutation(qubits)[..gate.row().qubits].to_vec();
                tableau.apply(&Clifford::of(&(gate.row().matrix)(&[])).unwrap(), &operands);
                steps.push(Step::Gate(Op::gate(gate, &operands, &[])));
            }
            for qubit in 0..qubits {
                let all = Program {
                    active: (0..qubits).collect(),
                    bits: 0,
                    scratch: 0,
                    slots: 0,
                    derived: Vec::new(),
                    steps: steps.clone(),
                    readout: vec![None; qubits],
                    correlated: Vec::new(),
                    notices: Vec::new(),
                };
                let value = Statevector::default().expect(&all, Angles::of_weights(&[]), &[Observable::z(qubit)]);
                let value = value.unwrap()[[0, 0]];
                let mut is_random = false;
                let outcome = tableau.measure(qubit, || {
                    is_random = true;
                    stream.uniform() < 0.5
                });
                match is_random {
                    true => assert!(value.abs() < 1e-12, "seed {seed}, qubit {qubit}: {value}"),
                    false => assert!((value - if outcome { -1.0 } else { 1.0 }).abs() < 1e-12, "seed {seed}: {value}"),
                }
                certain += usize::from(!is_random);
                assert_eq!(tableau.measure(qubit, || unreachable!("measured twice")), outcome, "seed {seed}");
                // Only the first measurement sees the state vector's state, unless it changes nothing.
                if is_random {
                    break;
                }
            }
        }
        assert!(certain > 40, "{certain}");
    }

    /// A chain of 150 entangled qubits fills three words: one outcome decides all others.
    #[test]
    fn tableaux_wider_than_a_word() {
        let gate = |gate: Gate| Clifford::of(&(gate.row().matrix)(&[])).unwrap();
        for outcome in [false, true] {
            let mut tableau = Tableau::new(150);
            tableau.apply(&gate(Gate::H), &[70]);
            (0..149).for_each(|k| tableau.apply(&gate(Gate::Cx), &[(70 + k) % 150, (71 + k) % 150]));
            tableau.apply_pauli(1, &[3]);
            assert_eq!(tableau.measure(100, || outcome), outcome);
            for qubit in 0..150 {
                let found = tableau.measure(qubit, || unreachable!("all are known"));
                assert_eq!(found, outcome ^ (qubit == 3), "qubit {qubit}");
            }
            tableau.reset(100, || unreachable!("it is known"));
            assert!(!tableau.measure(100, || unreachable!("it was reset")));
        }
    }
}
