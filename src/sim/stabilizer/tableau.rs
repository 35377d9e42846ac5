//! One stabilizer state: a tableau of bit planes (Aaronson and Gottesman 2004, arXiv quant-ph/0406196).

use super::clifford::{Clifford, Move};

/// A state of n qubits as n strings that leave it alone (stabilizers) and n that each anticommute with one of those alone
/// (destabilizers).
///
/// Strings are rows. A plane holds one bit of every row: X of a qubit, or Z. An operation takes 64 rows at a time. Destabilizers fill
/// the first half of each plane, stabilizers the second.
pub struct Tableau {
    qubits: usize,
    /// Words of half a plane.
    half: usize,
    /// Plane 2q is X of qubit q, plane 2q + 1 is Z.
    planes: Vec<u64>,
    /// Which rows have a negative sign.
    signs: Vec<u64>,
}

/// Bytes of a tableau.
pub fn bytes(qubits: usize) -> f64 {
    let words = 2.0 * qubits.div_ceil(64) as f64;
    8.0 * words * (2.0 * qubits as f64 + 1.0)
}

fn bit(words: &[u64], at: usize) -> bool {
    words[at / 64] >> (at % 64) & 1 == 1
}

fn set(words: &mut [u64], at: usize, value: bool) {
    words[at / 64] = words[at / 64] & !(1 << (at % 64)) | u64::from(value) << (at % 64);
}

impl Tableau {
    /// All qubits in |0⟩.
    pub fn new(qubits: usize) -> Self {
        let half = qubits.div_ceil(64);
        let mut tableau = Self { qubits, half, planes: vec![0; 2 * qubits * 2 * half], signs: vec![0; 2 * half] };
        for qubit in 0..qubits {
            set(tableau.plane(2 * qubit), qubit, true);
            set(tableau.plane(2 * qubit + 1), 64 * half + qubit, true);
        }
        tableau
    }

    fn plane(&mut self, number: usize) -> &mut [u64] {
        let words = 2 * self.half;
        &mut self.planes[number * words..(number + 1) * words]
    }

    /// Bit `word` of X and Z of a qubit.
    fn pair(&self, qubit: usize, word: usize) -> (u64, u64) {
        let words = 2 * self.half;
        (self.planes[2 * qubit * words + word], self.planes[(2 * qubit + 1) * words + word])
    }

    /// Whether X and Z of a qubit are in a row.
    fn letter(&self, qubit: usize, row: usize) -> (bool, bool) {
        let (x, z) = self.pair(qubit, row / 64);
        (x >> (row % 64) & 1 == 1, z >> (row % 64) & 1 == 1)
    }

    pub fn apply(&mut self, clifford: &Clifford, qubits: &[usize]) {
        let plane = |bit: usize| 2 * qubits[bit / 2] + bit % 2;
        let words = 2 * self.half;
        for &monomial in &clifford.monomials {
            for word in 0..words {
                let factors = (0..2 * qubits.len()).filter(|bit| monomial >> bit & 1 == 1);
                let product = factors.fold(u64::MAX, |all, bit| all & self.planes[plane(bit) * words + word]);
                self.signs[word] ^= product;
            }
        }
        for step in &clifford.moves {
            apply_move(&mut self.planes, words, step, plane);
        }
    }

    /// A Pauli string: signs of the strings that anticommute with it.
    pub fn apply_pauli(&mut self, string: u16, qubits: &[usize]) {
        for (k, &qubit) in qubits.iter().enumerate() {
            for (has, plane) in [(string >> (2 * k) & 1, 2 * qubit + 1), (string >> (2 * k + 1) & 1, 2 * qubit)] {
                if has == 1 {
                    let words = 2 * self.half;
                    let plane = &self.planes[plane * words..(plane + 1) * words];
                    self.signs.iter_mut().zip(plane).for_each(|(sign, bits)| *sign ^= bits);
                }
            }
        }
    }

    /// Measures Z of a qubit; `draw` decides outcomes that are random.
    pub fn measure(&mut self, qubit: usize, draw: impl FnOnce() -> bool) -> bool {
        let (half, words) = (self.half, 2 * self.half);
        let x = &self.planes[2 * qubit * words..(2 * qubit + 1) * words];
        match (half..words).find(|&word| x[word] != 0) {
            Some(word) => {
                let row = 64 * word + x[word].trailing_zeros() as usize;
                self.collapse(qubit, row, draw())
            }
            None => self.known(qubit),
        }
    }

    /// Back to |0⟩.
    pub fn reset(&mut self, qubit: usize, draw: impl FnOnce() -> bool) {
        if self.measure(qubit, draw) {
            self.apply_pauli(1, &[qubit]);
        }
    }

    /// A random outcome: stabilizer `row` anticommutes with Z of the qubit and gives way to it.
    fn collapse(&mut self, qubit: usize, row: usize, outcome: bool) -> bool {
        let (half, words) = (self.half, 2 * self.half);
        // Every other string that anticommutes is multiplied by the row.
        let mut others = self.plane(2 * qubit).to_vec();
        set(&mut others, row, false);
        let sign = bit(&self.signs, row);
        // The power of i of each product, two bits for each row.
        let (mut low, mut high) = (vec![0u64; words], vec![0u64; words]);
        for other in 0..self.qubits {
            let letter = self.letter(other, row);
            if letter == (false, false) {
                continue;
            }
            for word in 0..words {
                let (x, z) = self.pair(other, word);
                // XY = iZ and its cyclic permutations.
                let (plus, minus) = match letter {
                    (true, false) => (x & z, z & !x),
                    (false, _) => (x & !z, x & z),
                    (true, true) => (z & !x, x & !z),
                };
                let (plus, minus) = (plus & others[word], minus & others[word]);
                high[word] ^= low[word] & plus;
                low[word] ^= plus;
                low[word] ^= minus;
                high[word] ^= low[word] & minus;
                self.planes[2 * other * words + word] ^= if letter.0 { others[word] } else { 0 };
                self.planes[(2 * other + 1) * words + word] ^= if letter.1 { others[word] } else { 0 };
            }
        }
        for word in 0..words {
            self.signs[word] ^= high[word] & others[word] ^ if sign { others[word] } else { 0 };
        }
        // The row becomes the destabilizer of Z, which takes its place.
        let partner = row - 64 * half;
        for other in 0..self.qubits {
            let (x, z) = self.letter(other, row);
            for (plane, has) in [(2 * other, x), (2 * other + 1, z)] {
                let plane = self.plane(plane);
                set(plane, partner, has);
                set(plane, row, false);
            }
        }
        set(self.plane(2 * qubit + 1), row, true);
        set(&mut self.signs, partner, sign);
        set(&mut self.signs, row, outcome);
        outcome
    }

    /// An outcome that is certain: Z of the qubit is a product of stabilizers, those whose destabilizers anticommute with it.
    fn known(&self, qubit: usize) -> bool {
        let (half, words) = (self.half, 2 * self.half);
        let factors = &self.planes[2 * qubit * words..2 * qubit * words + half];
        let count = |bits: u64| bits.count_ones() as usize;
        let signs: usize = factors.iter().zip(&self.signs[half..]).map(|(f, sign)| count(f & sign)).sum();
        // Of i^{|x & z|} X^x Z^z in a row: letters Y, and how often a Z stands before an X of the same qubit.
        let (mut letters, mut crossings) = (0, 0);
        for other in 0..self.qubits {
            let mut before = 0u64;
            for (word, &factors) in factors.iter().enumerate() {
                let (x, z) = self.pair(other, half + word);
                let (x, z) = (x & factors, z & factors);
                letters += count(x & z);
                let mut prefix = z;
                for shift in [1, 2, 4, 8, 16, 32] {
                    prefix ^= prefix << shift;
                }
                crossings += count((prefix << 1 ^ before) & x);
                if count(z) % 2 == 1 {
                    before = !before;
                }
            }
        }
        (2 * signs + letters + 2 * crossings) % 4 == 2
    }
}

/// Moves bits of strings that lie in planes of so many words.
pub fn apply_move(planes: &mut [u64], words: usize, step: &Move, plane: impl Fn(usize) -> usize) {
    let (a, b) = match *step {
        Move::Add { to, from } => (plane(to), plane(from)),
        Move::Swap(a, b) => (plane(a), plane(b)),
    };
    let (low, high) = planes.split_at_mut(a.max(b) * words);
    let (low, high) = (&mut low[a.min(b) * words..][..words], &mut high[..words]);
    let (first, second) = if a < b { (low, high) } else { (high, low) };
    match step {
        Move::Add { .. } => first.iter_mut().zip(second.iter()).for_each(|(to, from)| *to ^= from),
        Move::Swap(..) => first.swap_with_slice(second),
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
