//! Readout error of one qubit, and of two that are read together.

use serde::{Deserialize, Serialize};

use crate::math::Probability;
use crate::noise::NoiseError;

/// What is recorded given what is true.
///
/// A true 0 is recorded as 1 with probability `one_given_zero`, a true 1 as 0 with `zero_given_one`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Confusion {
    /// P(record 1 | true 0), IBM's `prob_meas1_prep0`.
    pub one_given_zero: Probability,
    /// P(record 0 | true 1), IBM's `prob_meas0_prep1`.
    pub zero_given_one: Probability,
}

impl Confusion {
    /// Both flips with the same probability.
    pub fn symmetric(error: Probability) -> Self {
        Self { one_given_zero: error, zero_given_one: error }
    }

    /// P(wrong | true 0) and P(wrong | true 1).
    pub fn flips(&self) -> [f64; 2] {
        [self.one_given_zero.get(), self.zero_given_one.get()]
    }

    /// `(a, b)` such that the recorded ⟨Z⟩ is `a·⟨Z⟩ + b`: `a = 1 - p10 - p01`, `b = p01 - p10`
    /// (with p10 = P(1|0), p01 = P(0|1)).
    pub fn on_z(self) -> (f64, f64) {
        let (p10, p01) = (self.one_given_zero.get(), self.zero_given_one.get());
        (1.0 - p10 - p01, p01 - p10)
    }
}

/// What is recorded for two qubits read together, given what is true: `A[true][recorded]`, the first qubit least
/// significant.
///
/// ```
/// # use qgraft::noise::{Confusion, PairConfusion};
/// # use qgraft::math::Probability;
/// let one = Confusion::symmetric(Probability::new(0.1)?);
/// let both = PairConfusion::independent(one, one);
/// assert!((both.matrix()[0][3] - 0.01).abs() < 1e-15, "both are misread with 0.1 squared");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairConfusion([[f64; 4]; 4]);

impl PairConfusion {
    /// From measured probabilities.
    ///
    /// # Errors
    /// If an entry is not in [0, 1] or a row does not sum to 1 within 1e-9.
    pub fn new(matrix: [[f64; 4]; 4]) -> Result<Self, NoiseError> {
        let stochastic = |row: &[f64; 4]| {
            row.iter().all(|p| (0.0..=1.0).contains(p)) && (row.iter().sum::<f64>() - 1.0).abs() < 1e-9
        };
        match matrix.iter().position(|row| !stochastic(row)) {
            Some(row) => Err(NoiseError::NotStochastic { row, values: matrix[row] }),
            None => Ok(Self(matrix)),
        }
    }

    /// Two qubits with independent readout errors.
    pub fn independent(first: Confusion, second: Confusion) -> Self {
        let read = |confusion: Confusion, truth: usize, recorded: usize| {
            let flip = confusion.flips()[truth];
            if truth == recorded { 1.0 - flip } else { flip }
        };
        let entry = |t: usize, r: usize| read(first, t & 1, r & 1) * read(second, t >> 1, r >> 1);
        Self(std::array::from_fn(|t| std::array::from_fn(|r| entry(t, r))))
    }

    /// Both bits flipped with probability `p`, else none.
    pub fn joint_flip(p: Probability) -> Self {
        let entry = |t: usize, r: usize| match t ^ r {
            0 => 1.0 - p.get(),
            3 => p.get(),
            _ => 0.0,
        };
        Self(std::array::from_fn(|t| std::array::from_fn(|r| entry(t, r))))
    }

    /// The probabilities, `[true][recorded]`.
    pub fn matrix(&self) -> [[f64; 4]; 4] {
        self.0
    }

    /// `m` such that the recorded ⟨1⟩, ⟨Z₀⟩, ⟨Z₁⟩, ⟨Z₀Z₁⟩ are `m` times the true ones.
    pub fn on_z(&self) -> [[f64; 4]; 4] {
        let sign = |letters: usize, bits: usize| if (letters & bits).count_ones() % 2 == 1 { -1.0 } else { 1.0 };
        let entry = |i: usize, j: usize| {
            let terms = (0..16).map(|k| (k / 4, k % 4)).map(|(t, r)| self.0[t][r] * sign(i, r) * sign(j, t));
            terms.sum::<f64>() / 4.0
        };
        std::array::from_fn(|i| std::array::from_fn(|j| entry(i, j)))
    }
}

/// A pair of a program's qubits that are read together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairReadout {
    /// The qubits, of the program's register. The first is least significant.
    pub qubits: (usize, usize),
    /// What happens to their bits.
    pub confusion: PairConfusion,
}
