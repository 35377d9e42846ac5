//! Counts drawn from probabilities, the bases that observables are read in, and variances of observables.

use ndarray::{Array2, ArrayView1, ArrayView2};
use rayon::prelude::*;

use crate::circuit::{Gate, Observable, Op, PauliString};
use crate::math::Stream;
use crate::noise::{Program, Step};
use crate::sim::{Angles, SimError, Simulator, check};

/// How often each outcome comes up in `shots` draws from `probabilities` (which need not be normalised): a function of
/// the stream alone.
pub fn counts(probabilities: ArrayView1<f64>, shots: usize, stream: &mut Stream) -> Vec<u64> {
    let mut counts = vec![0; probabilities.len()];
    add_counts(probabilities, shots, stream, &mut counts);
    counts
}

/// [`counts`], added to those of other shots.
fn add_counts(probabilities: ArrayView1<f64>, shots: usize, stream: &mut Stream, counts: &mut [u64]) {
    // Rounding leaves probabilities that are zero in truth a little below it.
    let cumulative: Vec<f64> = probabilities
        .iter()
        .scan(0.0, |sum, p| {
            *sum += p.max(0.0);
            Some(*sum)
        })
        .collect();
    let Some(&total) = cumulative.last() else { return };
    for _ in 0..shots {
        let drawn = stream.uniform() * total;
        counts[cumulative.partition_point(|&sum| sum <= drawn).min(cumulative.len() - 1)] += 1;
    }
}

/// An outcome as text, the highest bit first.
pub fn bit_string(outcome: usize, width: usize) -> String {
    (0..width).rev().map(|bit| if outcome >> bit & 1 == 1 { '1' } else { '0' }).collect()
}

/// Drawing `shots` outcomes takes no absurd time.
///
/// # Errors
/// If it does; the message has the estimated time and an alternative.
pub fn affordable(shots: usize) -> Result<(), SimError> {
    check::draws(shots)
}

/// Counts of every row of (batch, outcomes): row b draws from stream number b of `seed`.
pub fn sample(probabilities: ArrayView2<f64>, shots: usize, seed: u64) -> Array2<u64> {
    sample_from(probabilities, 0, shots, seed)
}

/// [`sample`] of some rows of a batch, the first of which is row number `first`.
pub(super) fn sample_from(probabilities: ArrayView2<f64>, first: usize, shots: usize, seed: u64) -> Array2<u64> {
    let mut out = Array2::zeros(probabilities.dim());
    let rows = out.as_slice_mut().expect("a new array is contiguous").par_chunks_mut(probabilities.ncols().max(1));
    rows.enumerate().for_each(|(row, counts)| {
        add_counts(probabilities.row(row), shots, &mut Stream::numbered(seed, (first + row) as u64), counts);
    });
    out
}

/// Products of two terms that the square of an observable may have.
const MOST_PAIRS: usize = 1 << 24;

/// Variance `⟨O²⟩ - ⟨O⟩²` of each observable, (batch, observables), exact.
///
/// Readout error is left out: it is a property of the state.
///
/// # Errors
/// As [`Simulator::expect`], and if an observable has more than 4096 terms.
pub fn variance(
    engine: &dyn Simulator,
    program: &Program,
    angles: Angles,
    observables: &[Observable],
) -> Result<Array2<f64>, SimError> {
    let perfect = Program { readout: vec![None; program.qubits()], correlated: Vec::new(), ..program.clone() };
    let pairs = observables.iter().map(|observable| observable.terms.len().pow(2)).max().unwrap_or(0);
    if pairs > MOST_PAIRS {
        return Err(SimError::TooMuch {
            what: "the variance of an observable",
            qubits: program.qubits(),
            needed: "more than 2^24 products of its terms",
            instead: "use an observable of at most 4096 terms",
        });
    }
    let squares: Vec<Observable> = observables.iter().map(square).collect();
    let mean = engine.expect(&perfect, angles, observables)?;
    Ok(engine.expect(&perfect, angles, &squares)? - &mean * &mean)
}

/// O², of which only the symmetric part stays: strings that anticommute cancel.
fn square(observable: &Observable) -> Observable {
    let mut terms = Vec::new();
    for &(a, p) in &observable.terms {
        for &(b, q) in &observable.terms {
            if ((p.x & q.z).count_ones() + (p.z & q.x).count_ones()).is_multiple_of(2) {
                let product = PauliString { x: p.x ^ q.x, z: p.z ^ q.z };
                // P = i^{|x&z|} X^x Z^z, and Z^z X^x = (-1)^{|z&x|} X^x Z^z.
                let y = |s: PauliString| (s.x & s.z).count_ones() as i32;
                let turns = y(p) + y(q) - y(product) + 2 * (p.z & q.x).count_ones() as i32;
                terms.push((if turns.rem_euclid(4) == 0 { a * b } else { -a * b }, product));
            }
        }
    }
    Observable { terms }
}

/// Letters that one run can read, and the strings that are read in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Basis {
    /// What is read of each qubit; the identity where nothing is.
    pub letters: PauliString,
    /// (observable, weight, string).
    pub strings: Vec<(usize, f64, PauliString)>,
}

impl Basis {
    /// As few bases as a first fit finds. Strings share one if they have the same letter wherever both have one.
    pub fn group(observables: &[Observable]) -> Vec<Self> {
        let mut bases: Vec<Self> = Vec::new();
        for (o, observable) in observables.iter().enumerate() {
            for &(weight, string) in &observable.terms {
                let agrees = |basis: &&mut Self| {
                    let both = basis.letters.support() & string.support();
                    (basis.letters.x ^ string.x) & both == 0 && (basis.letters.z ^ string.z) & both == 0
                };
                match bases.iter_mut().find(agrees) {
                    Some(basis) => {
                        basis.letters.x |= string.x;
                        basis.letters.z |= string.z;
                        basis.strings.push((o, weight, string));
                    }
                    None => bases.push(Self { letters: string, strings: vec![(o, weight, string)] }),
                }
            }
        }
        bases
    }
}

/// Gates that take the letters of `string` to Z, each with its qubit.
pub fn basis_gates(string: PauliString) -> impl Iterator<Item = (Gate, usize)> {
    (0..64).filter_map(move |qubit| match string.letter(qubit) {
        'X' => Some((Gate::H, qubit)),
        // H S† takes Y to Z, and so does √X.
        'Y' => Some((Gate::Sx, qubit)),
        _ => None,
    })
}

/// The same as steps of a program.
pub(super) fn rotations(string: PauliString) -> impl Iterator<Item = Step> {
    basis_gates(string).map(|(gate, qubit)| Step::Gate(Op::gate(gate, &[qubit], &[])))
}

/// The sign of `string`, as Z on its support, in `outcome`.
pub fn sign(outcome: usize, string: PauliString) -> f64 {
    if (outcome as u64 & string.support()).count_ones() % 2 == 1 { -1.0 } else { 1.0 }
}
