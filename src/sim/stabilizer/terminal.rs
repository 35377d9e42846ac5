//! Outcomes of measurements behind which nothing but Paulis acts on qubits.
//!
//! What is measured is a string before U, and all of these strings commute: the state before U has no need to change. A
//! string is multiplied by strings with known outcomes until it has no X, or X is left where none of those has its pivot.
//! Without X its outcome is certain, the sign of the product; otherwise it is random, and one more string has a known
//! outcome. That takes work on the strings measured before; a new U takes it on all of them.

use pulp::{Simd, WithSimd};

use super::tableau::{Quarters, bit, multiply};

/// Strings with known outcomes, each with a pivot: a qubit where it has X, and where no later one has.
#[derive(Default)]
pub struct KnownOutcomes {
    /// One after the other, as rows of a tableau.
    strings: Vec<u64>,
    /// The pivot of each, and whether its sign, the outcome included, is negative.
    pivots: Vec<(usize, bool)>,
}

/// Multiplies a string by those at whose pivots it has X; the sum of the powers of i.
struct Reduce<'a> {
    string: &'a mut [u64],
    known: &'a KnownOutcomes,
}

impl WithSimd for Reduce<'_> {
    type Output = u32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> u32 {
        let Self { string, known } = self;
        let (mut power, mut turns) = (Quarters::new(simd), 0);
        for (by, &(pivot, sign)) in known.strings.chunks_exact(string.len()).zip(&known.pivots) {
            if bit(string, pivot) {
                multiply(simd, string, by, &mut power);
                turns += 2 * u32::from(sign);
            }
        }
        turns + power.sum()
    }
}

impl KnownOutcomes {
    /// The outcome of a string with this sign; `draw` decides one that is random.
    pub fn measure(&mut self, string: &[u64], sign: bool, draw: impl FnOnce() -> bool) -> bool {
        let mut string = string.to_vec();
        let turns = pulp::Arch::new().dispatch(Reduce { string: &mut string, known: self });
        let is_negative = sign ^ (turns % 4 == 2);
        let xs = &string[..string.len() / 2];
        let Some(word) = xs.iter().position(|&word| word != 0) else { return is_negative };
        let outcome = draw();
        self.pivots.push((64 * word + xs[word].trailing_zeros() as usize, is_negative ^ outcome));
        self.strings.append(&mut string);
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::super::clifford::Clifford;
    use super::super::tableau::Tableau;
    use crate::circuit::Gate;
    use crate::math::Stream;

    /// The second opinion is a tableau that goes on with a new U behind each random outcome. Some qubits are measured twice,
    /// and Paulis stand between measurements.
    #[test]
    fn outcomes_are_those_of_a_tableau_that_goes_on() {
        const GATES: [Gate; 6] = [Gate::H, Gate::S, Gate::Sxdg, Gate::Cx, Gate::Cz, Gate::Ecr];
        let (mut certain, mut random) = (0, 0);
        for seed in 0..60 {
            let mut stream = Stream::numbered(seed, 1);
            // One word of qubits, and several.
            let qubits = if seed % 3 == 0 { 600 } else { 2 + stream.below(20) };
            let mut tableaux = [Tableau::new(qubits), Tableau::new(qubits)];
            for _ in 0..stream.below(6 * qubits) {
                let gate = GATES[stream.below(GATES.len())];
                let first = stream.below(qubits);
                let second = (first + 1 + stream.below(qubits - 1)) % qubits;
                let operands = &[first, second][..gate.row().qubits];
                let clifford = Clifford::of(&(gate.row().matrix)(&[])).unwrap();
                tableaux.iter_mut().for_each(|tableau| tableau.apply(&clifford, operands));
            }
            tableaux[1].close();
            for number in 0..2 * qubits {
                let qubit = stream.below(qubits);
                if stream.below(3) == 0 {
                    let pauli = 1 + stream.below(3) as u16;
                    tableaux.iter_mut().for_each(|tableau| tableau.apply_pauli(pauli, &[qubit]));
                }
                let (drawn, mut draws) = (stream.below(2) == 1, 0);
                let draw = |draws: &mut u32| {
                    *draws += 1;
                    drawn
                };
                let outcomes = tableaux.each_mut().map(|tableau| tableau.measure(qubit, || draw(&mut draws)));
                assert_eq!(outcomes[0], outcomes[1], "seed {seed}, measurement {number}");
                assert!(draws == 0 || draws == 2, "seed {seed}, measurement {number}: random in one alone");
                *if draws == 0 { &mut certain } else { &mut random } += 1;
            }
        }
        assert!(certain > 1000 && random > 1000, "{certain} {random}");
    }
}
