//! Finite shots: counts from probabilities, and expectation values as an experiment would find them.

use ndarray::{Array2, ArrayView1, ArrayView2};
use rayon::prelude::*;

use crate::circuit::{Gate, Observable, Op, PauliString};
use crate::math::Stream;
use crate::noise::{Program, Step};
use crate::sim::readout::{ProgramParts, TerminalMeasurement, TerminalMeasurements, record};
use crate::sim::{AngleGradient, Angles, Gradient, Precision, SimError, Simulator, check};

/// How often each outcome comes up in `shots` draws from `probabilities` (which need not be normalised): a function of
/// the stream alone.
pub fn counts(probabilities: ArrayView1<f64>, shots: usize, stream: &mut Stream) -> Vec<u64> {
    // Rounding leaves probabilities that are zero in truth a little below it.
    let cumulative: Vec<f64> = probabilities
        .iter()
        .scan(0.0, |sum, p| {
            *sum += p.max(0.0);
            Some(*sum)
        })
        .collect();
    let mut counts = vec![0; cumulative.len()];
    let Some(&total) = cumulative.last() else { return counts };
    for _ in 0..shots {
        let drawn = stream.uniform() * total;
        counts[cumulative.partition_point(|&sum| sum <= drawn).min(cumulative.len() - 1)] += 1;
    }
    counts
}

/// Time of one draw, seconds: a search in a sorted list and a random number.
const DRAW: f64 = 3e-8;

/// Drawing `shots` outcomes takes no absurd time.
///
/// # Errors
/// If it does; the message has the estimated time and an alternative.
pub fn affordable(shots: usize) -> Result<(), SimError> {
    check::time("drawing", shots, DRAW)
}

/// Counts of every row of (batch, outcomes): row b draws from stream number b of `seed`.
pub fn sample(probabilities: ArrayView2<f64>, shots: usize, seed: u64) -> Array2<u64> {
    let rows: Vec<Vec<u64>> = (0..probabilities.nrows())
        .into_par_iter()
        .map(|row| counts(probabilities.row(row), shots, &mut Stream::numbered(seed, row as u64)))
        .collect();
    let mut out = Array2::zeros(probabilities.dim());
    for (mut to, from) in out.rows_mut().into_iter().zip(rows) {
        to.iter_mut().zip(from).for_each(|(to, from)| *to = from);
    }
    out
}

/// Variance `⟨O²⟩ - ⟨O⟩²` of each observable, (batch, observables), exact.
///
/// Readout error is left out: it is a property of the state.
///
/// # Errors
/// As [`Simulator::expect`].
pub fn variance(
    engine: &dyn Simulator,
    program: &Program,
    angles: Angles,
    observables: &[Observable],
) -> Result<Array2<f64>, SimError> {
    let perfect = Program { readout: vec![None; program.qubits()], correlated: Vec::new(), ..program.clone() };
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
pub(super) struct Basis {
    pub letters: PauliString,
    /// (observable, weight, string).
    pub strings: Vec<(usize, f64, PauliString)>,
}

impl Basis {
    /// As few bases as a first fit finds; strings share one if they have the same letter wherever both have one.
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

/// An engine seen through a finite number of shots, as an experiment would see it.
///
/// `expect` measures all qubits at once: Pauli strings that can be read in one basis share their `shots` draws, readout
/// errors included; another basis is another `shots` draws. `vjp` is the parameter-shift rule on such estimates.
pub struct Shots<S> {
    /// Where probabilities come from.
    pub inner: S,
    /// Shots for each basis and row.
    pub shots: usize,
    /// Seed. Calls with one seed and the same arguments give the same bytes.
    pub seed: u64,
}

/// Gates that take the letters of `string` to Z.
pub(super) fn rotations(string: PauliString) -> impl Iterator<Item = Step> {
    (0..64).filter_map(move |qubit| {
        let rotation = match string.letter(qubit) {
            'X' => Gate::H,
            // H S† takes Y to Z, and so does √X.
            'Y' => Gate::Sx,
            _ => return None,
        };
        Some(Step::Gate(Op::gate(rotation, &[qubit], &[])))
    })
}

/// The sign of `string`, as Z on its support, in `outcome`.
pub(super) fn sign(outcome: usize, string: PauliString) -> f64 {
    if (outcome as u64 & string.support()).count_ones() % 2 == 1 { -1.0 } else { 1.0 }
}

impl<S: Simulator> Shots<S> {
    /// Recorded outcomes over all qubits after rotating `string` to Z.
    fn distribution(&self, program: &Program, angles: Angles, string: PauliString) -> Result<Array2<f64>, SimError> {
        let mut rotated = program.clone();
        rotated.steps.extend(rotations(string));
        let mut p = self.inner.probabilities(&rotated, angles)?;
        let measurements: Vec<TerminalMeasurement> = program
            .readout
            .iter()
            .enumerate()
            .map(|(qubit, confusion)| TerminalMeasurement { qubit, bit: qubit, confusion: *confusion })
            .collect();
        let measurements = TerminalMeasurements::new(measurements, &program.correlated);
        for mut row in p.rows_mut() {
            let mut recorded = vec![0.0; row.len()];
            record(&measurements, &row.to_vec(), 0, &mut recorded);
            row.iter_mut().zip(recorded).for_each(|(to, from)| *to = from);
        }
        Ok(p)
    }
}

impl<S: Simulator> Simulator for Shots<S> {
    fn name(&self) -> String {
        format!("{}, {} shots", self.inner.name(), self.shots)
    }

    fn precision(&self) -> Precision {
        self.inner.precision()
    }

    fn with_substream(&self, number: u64) -> Option<Box<dyn Simulator + '_>> {
        let seed = Stream::numbered(self.seed, number).bits();
        Some(Box::new(Shots { inner: &self.inner as &dyn Simulator, shots: self.shots, seed }))
    }

    fn expect(&self, program: &Program, angles: Angles, observables: &[Observable]) -> Result<Array2<f64>, SimError> {
        affordable(self.shots)?;
        check::observables(program, observables)?;
        let parts = ProgramParts::of(program);
        if !parts.measurements.list.is_empty() || parts.dynamic().is_some() {
            return Err(SimError::Unsupported {
                engine: "expectation values from shots",
                step: "a program that measures".into(),
                instead: "leave measurements out (observables are measured for you), or take counts",
            });
        }
        let mut out = Array2::zeros((angles.batch(), observables.len()));
        for (number, basis) in Basis::group(observables).iter().enumerate() {
            let seed = Stream::numbered(self.seed, number as u64).bits();
            let drawn = sample(self.distribution(program, angles, basis.letters)?.view(), self.shots, seed);
            for (row, counts) in drawn.rows().into_iter().enumerate() {
                for &(o, weight, string) in &basis.strings {
                    let signed = counts.iter().enumerate().map(|(outcome, &n)| sign(outcome, string) * n as f64);
                    out[[row, o]] += weight * signed.sum::<f64>() / self.shots.max(1) as f64;
                }
            }
        }
        Ok(out)
    }

    fn vjp(
        &self,
        program: &Program,
        angles: Angles,
        observables: &[Observable],
        cotangent: ArrayView2<f64>,
    ) -> Result<AngleGradient, SimError> {
        Gradient::Shift.vjp(self, program, angles, observables, cotangent)
    }

    /// Relative frequencies in place of probabilities.
    fn probabilities(&self, program: &Program, angles: Angles) -> Result<Array2<f64>, SimError> {
        affordable(self.shots)?;
        let p = self.inner.probabilities(program, angles)?;
        Ok(sample(p.view(), self.shots, self.seed).mapv(|n| n as f64 / self.shots.max(1) as f64))
    }
}
