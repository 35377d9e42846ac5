//! Readout error undone on the observed outcomes alone.
//!
//! Nation, Kang, Sundaresan and Gambetta 2021 (arXiv 2108.12518): of the 2ⁿ × 2ⁿ confusion matrix only rows and columns of
//! outcomes that came up are kept, each column scaled to sum to one. The cost grows with the number of different
//! outcomes, not with 2ⁿ.

use std::sync::Arc;

use ndarray::{Array1, Array2, ArrayView2};

use crate::circuit::Observable;
use crate::math::linear::solve;
use crate::noise::{Confusion, Program, Step};
use crate::sim::mitigate::readout::measured;
use crate::sim::mitigate::weighted::substream;
use crate::sim::prepared::{Lazy, Prepared};
use crate::sim::readout::ProgramParts;
use crate::sim::sample::{Basis, rotations, sign};
use crate::sim::{AngleGradient, Angles, Gradient, Precision, SimError, Simulator, check};

/// What follows the name of an engine.
const SUFFIX: &str = "with readout inversion on observed outcomes";

/// Up to this many outcomes the equations are solved directly, beyond by iteration.
const DIRECT_UP_TO: usize = 256;
/// The iteration stops when what is left of the frequencies is below this share of them.
const CLOSE_ENOUGH: f64 = 1e-12;
const ITERATIONS: usize = 1000;

/// An engine whose recorded outcomes are corrected where they were observed. Values of Pauli strings are read from
/// corrected outcomes of all qubits, one run for each basis.
#[derive(Clone, Debug)]
pub struct ReadoutSubspace<S> {
    /// The engine.
    pub inner: S,
}

/// Quasi-probabilities of the true outcomes, for the share with which each outcome was recorded. Bit k of an outcome
/// was recorded with `confusions[k]`.
///
/// # Errors
/// If the confusions make the observed outcomes indistinguishable.
pub fn invert(recorded: &[(usize, f64)], confusions: &[Option<Confusion>]) -> Result<Vec<f64>, SimError> {
    let shares = Array1::from_iter(recorded.iter().map(|(_, share)| *share));
    // [true][recorded] of each bit.
    let bits: Vec<[[f64; 2]; 2]> = confusions
        .iter()
        .map(|confusion| {
            let (up, down) = confusion.map_or((0.0, 0.0), |c| (c.one_given_zero.get(), c.zero_given_one.get()));
            [[1.0 - up, up], [down, 1.0 - down]]
        })
        .collect();
    let chance = |got: usize, truth: usize| -> f64 {
        bits.iter().enumerate().map(|(k, bit)| bit[truth >> k & 1][got >> k & 1]).product()
    };
    let size = recorded.len();
    let mut confusion = Array2::from_shape_fn((size, size), |(i, j)| chance(recorded[i].0, recorded[j].0));
    for mut column in confusion.columns_mut() {
        let kept = column.sum();
        column.mapv_inplace(|p| p / kept);
    }
    let solved = if size <= DIRECT_UP_TO { solve(confusion, shares) } else { iterated(&confusion, &shares) };
    let solved = solved.filter(|x| x.iter().all(|p| p.is_finite()));
    solved.map(|x| x.to_vec()).ok_or_else(|| SimError::NotInvertible { what: "the readout of the register".into() })
}

/// BiCGSTAB (van der Vorst 1992, doi 10.1137/0913035) with the diagonal as preconditioner.
fn iterated(a: &Array2<f64>, b: &Array1<f64>) -> Option<Array1<f64>> {
    let scaled = |v: &Array1<f64>| v / &a.diag();
    let norm = |v: &Array1<f64>| v.dot(v).sqrt();
    let goal = CLOSE_ENOUGH * norm(b);
    let mut x = scaled(b);
    let mut residual = b - &a.dot(&x);
    let shadow = residual.clone();
    let mut direction = residual.clone();
    let mut rho = shadow.dot(&residual);
    for _ in 0..ITERATIONS {
        if norm(&residual) <= goal {
            return Some(x);
        }
        let searched = scaled(&direction);
        let image = a.dot(&searched);
        let step = rho / shadow.dot(&image);
        let half = &residual - &(&image * step);
        let corrected = scaled(&half);
        let turned = a.dot(&corrected);
        let weight = turned.dot(&half) / turned.dot(&turned).max(f64::MIN_POSITIVE);
        x = x + searched * step + corrected * weight;
        residual = half - &(&turned * weight);
        let next = shadow.dot(&residual);
        let memory = next / rho * step / weight;
        direction = &residual + &((direction - image * weight) * memory);
        rho = next;
        if !rho.is_finite() || !memory.is_finite() {
            break;
        }
    }
    (norm(&residual) <= goal.sqrt()).then_some(x)
}

impl<S: Simulator + Clone + 'static> Simulator for ReadoutSubspace<S> {
    fn name(&self) -> String {
        format!("{} {SUFFIX}", self.inner.name())
    }

    fn precision(&self) -> Precision {
        self.inner.precision()
    }

    fn with_substream(&self, number: u64) -> Option<Arc<dyn Simulator>> {
        Some(Arc::new(ReadoutSubspace { inner: self.inner.with_substream(number)? }))
    }

    fn prepare(
        &self,
        program: &Program,
        observables: &[Observable],
        input_slots: usize,
    ) -> Result<Arc<dyn Prepared>, SimError> {
        check::observables(program, observables)?;
        if !observables.is_empty() && program.steps.iter().any(|step| matches!(step, Step::Measure { .. })) {
            return Err(SimError::Unsupported {
                engine: "readout inversion on observed outcomes",
                step: "a program that measures".into(),
                instead: "leave measurements out (observables are measured for you), or take probabilities",
            });
        }
        let prepare = |(number, basis): (usize, Basis)| {
            let measured = measured(program, rotations(&basis.letters));
            let engine = substream(&self.inner, number as u64);
            Ok((basis, Outcomes::new(&*engine, &measured, input_slots)?))
        };
        Ok(Arc::new(SubspaceProgram {
            engine: self.clone(),
            program: program.clone(),
            observables: observables.to_vec(),
            input_slots,
            bases: Basis::group(observables).into_iter().enumerate().map(prepare).collect::<Result<_, SimError>>()?,
            outcomes: Lazy::default(),
        }))
    }
}

/// A refusal that says why so much is needed.
fn of_whole_register(error: SimError) -> SimError {
    error.advised(|_| "readout_subspace reads all qubits at once; take readout_inversion or twirled_readout".into())
}

/// A program that measures, with the confusion of each of its bits.
struct Outcomes {
    prepared: Arc<dyn Prepared>,
    confusions: Vec<Option<Confusion>>,
}

impl Outcomes {
    fn new(engine: &dyn Simulator, program: &Program, input_slots: usize) -> Result<Self, SimError> {
        let mut confusions = vec![None; program.bits];
        for read in ProgramParts::of(program).measurements.list {
            confusions[read.bit] = read.confusion;
        }
        let prepared = engine.prepare(program, &[], input_slots).map_err(of_whole_register)?;
        Ok(Self { prepared, confusions })
    }

    /// Probabilities, each row corrected on its observed outcomes.
    fn corrected(&self, angles: Angles) -> Result<Array2<f64>, SimError> {
        let mut p = self.prepared.probabilities(angles).map_err(of_whole_register)?;
        for mut row in p.rows_mut() {
            let observed: Vec<(usize, f64)> =
                row.iter().copied().enumerate().filter(|(_, share)| *share > 0.0).collect();
            let corrected = invert(&observed, &self.confusions)?;
            observed.iter().zip(corrected).for_each(|((outcome, _), p)| row[*outcome] = p);
        }
        Ok(p)
    }
}

/// A program measured once for each basis.
struct SubspaceProgram<S> {
    engine: ReadoutSubspace<S>,
    program: Program,
    observables: Vec<Observable>,
    input_slots: usize,
    bases: Vec<(Basis, Outcomes)>,
    /// The program as it is.
    outcomes: Lazy<Outcomes>,
}

impl<S: Simulator + Clone + 'static> Prepared for SubspaceProgram<S> {
    fn resolved_name(&self, batch: usize) -> String {
        match self.bases.first() {
            Some((_, outcomes)) => format!("{} {SUFFIX}", outcomes.prepared.resolved_name(batch)),
            None => self.engine.name(),
        }
    }

    fn expect(&self, angles: Angles) -> Result<Array2<f64>, SimError> {
        let mut out = Array2::zeros((angles.batch(), self.observables.len()));
        for (basis, outcomes) in &self.bases {
            for (row, p) in outcomes.corrected(angles)?.rows().into_iter().enumerate() {
                for (o, weight, string) in &basis.strings {
                    let mask = string.masks().map_or(0, |(x, z)| x | z) as usize;
                    let signed = p.iter().enumerate().map(|(outcome, p)| sign(outcome & mask) * p);
                    out[[row, *o]] += weight * signed.sum::<f64>();
                }
            }
        }
        Ok(out)
    }

    /// By the parameter-shift rule.
    fn vjp(&self, angles: Angles, cotangent: ArrayView2<f64>) -> Result<AngleGradient, SimError> {
        Gradient::Shift.vjp(&self.engine, &self.program, angles, &self.observables, cotangent)
    }

    /// Sums to 1, but single entries may be negative.
    fn probabilities(&self, angles: Angles) -> Result<Array2<f64>, SimError> {
        let prepare = || Outcomes::new(&self.engine.inner, &self.program, self.input_slots);
        self.outcomes.get(prepare)?.corrected(angles)
    }
}
