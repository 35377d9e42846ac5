//! Counts drawn from probabilities, the bases that observables are read in, and variances of observables.

use ndarray::{Array2, ArrayView1, ArrayView2};
use rayon::prelude::*;

use crate::circuit::{Gate, Letter, Observable, Op, PauliString};
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
    for (a, p) in &observable.terms {
        for (b, q) in &observable.terms {
            // Two different letters on a qubit are ±i times the third: XY, YZ and ZX are +i.
            let quarter_turns = |&(qubit, letter): &(usize, Letter)| {
                let other = q.at(qubit).map_or(letter, |other| other);
                (other.index() + 3 - letter.index()) % 3
            };
            // 1 is a factor i, 2 a factor -i.
            let (ahead, behind) =
                p.letters().iter().map(quarter_turns).fold((0, 0), |(ahead, behind), turn| {
                    (ahead + i32::from(turn == 1), behind + i32::from(turn == 2))
                });
            let turns = (ahead - behind).rem_euclid(4);
            if turns % 2 == 0 {
                terms.push((if turns == 0 { a * b } else { -a * b }, p.times(q)));
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
            for (weight, string) in &observable.terms {
                let agrees = |basis: &&mut Self| {
                    let same = |&(qubit, letter)| basis.letters.at(qubit).is_none_or(|other| other == letter);
                    string.letters().iter().all(same)
                };
                let read = (o, *weight, string.clone());
                match bases.iter_mut().find(agrees) {
                    Some(basis) => {
                        basis.letters = PauliString::new([basis.letters.letters(), string.letters()].concat());
                        basis.strings.push(read);
                    }
                    None => bases.push(Self { letters: string.clone(), strings: vec![read] }),
                }
            }
        }
        bases
    }
}

/// Gates that take the letters of `string` to Z, each with its qubit.
pub fn basis_gates(string: &PauliString) -> impl Iterator<Item = (Gate, usize)> {
    string.letters().iter().filter_map(|&(qubit, letter)| match letter {
        Letter::X => Some((Gate::H, qubit)),
        // H S† takes Y to Z, and so does √X.
        Letter::Y => Some((Gate::Sx, qubit)),
        Letter::Z => None,
    })
}

/// The same as steps of a program.
pub(super) fn rotations(string: &PauliString) -> impl Iterator<Item = Step> {
    basis_gates(string).map(|(gate, qubit)| Step::Gate(Op::gate(gate, &[qubit], &[])))
}

/// The sign of a product of Z on the set bits of an outcome that is masked by its qubits.
pub fn sign(masked: usize) -> f64 {
    if masked.count_ones() % 2 == 1 { -1.0 } else { 1.0 }
}
