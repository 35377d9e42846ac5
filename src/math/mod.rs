//! The lowest floor: small complex matrices, units as types, counter-based random numbers, angles on a circle, order in
//! lists, permutations, symmetric matrices, pairs of near points, suggestions for misspelled names, reading of files.
//!
//! Imports nothing from the crate. Everything here is small (a gate, a channel, a draw). State vectors and tensors
//! are in `sim` and `nn`.

pub mod circular;
pub mod correlation;
pub mod input;
pub mod jacobi;
pub mod lexicographic;
pub mod linear;
pub mod matrix;
pub mod neighbors;
pub mod order;
pub mod permutation;
pub mod random;
pub mod singular;
pub mod small;
pub mod symmetric;
pub mod unitary;
pub mod units;
pub mod words;

pub use matrix::{C64, Matrix};
pub use permutation::{PairOrbits, Permutation};
pub use random::Stream;
pub use units::{ElectronVolts, EnergyUnit, Probability, Seconds};
