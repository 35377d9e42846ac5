//! Probabilistic error cancellation.
//!
//! Temme, Bravyi and Gambetta 2017 (arXiv 1612.02058) for Pauli noise, as van den Berg et al. 2023 (arXiv 2201.09866) do
//! it: each channel is twirled, and the inverse of the Pauli channel that is left is a sum of Paulis whose weights are not
//! all positive. Drawing them with the absolute weights and multiplying by sign and total gives the noiseless value in
//! the mean, at γ² times the shots. Channels that an observable cannot feel are left alone, so that γ grows with its cone and not
//! with the register (Tran, Sharma and Temme 2023, arXiv 2303.06496).

use std::sync::Arc;

use crate::circuit::Observable;
use crate::math::Stream;
use crate::noise::{Channel, Program, Step};
use crate::sim::mitigate::Average;
use crate::sim::mitigate::twirling::{all_twirled, paulis};
use crate::sim::mitigate::weighted::{SumProgram, Terms, WeightedSum, check_terms, substream};
use crate::sim::{Precision, Prepared, SimError, Simulator, cones};

/// What follows the name of an engine.
const SUFFIX: &str = "with error cancellation";

/// An engine whose programs have each channel twirled and followed by its inverse, as a sum of programs with Paulis.
#[derive(Clone, Debug)]
pub struct Cancellation<S> {
    /// The engine.
    pub inner: S,
    /// All programs, for a handful of channels, or a draw.
    pub average: Average,
}

/// More programs than this are not enumerated.
const MOST_TERMS: f64 = 65536.0;

/// `Σ c_P P·P` that undoes a Pauli channel: `c_P = 4^{-n} Σ_Q ±1/f_Q`, f the diagonal of its Pauli transfer matrix and the
/// sign that of PQ = ±QP.
fn inverse(channel: &Channel) -> Result<Vec<f64>, SimError> {
    let map = channel.pauli_transfer();
    let fidelities = map.diag();
    if fidelities.iter().any(|f| f.abs() < 1e-9) {
        return Err(SimError::NotInvertible { what: format!("the channel {}", channel.name()) });
    }
    // Letters of one operand anticommute if both differ from I and from each other.
    let anticommutes = |a: usize, b: usize| a != 0 && b != 0 && a != b;
    let sign = |p: usize, q: usize| {
        let odd = (0..channel.qubits()).filter(|k| anticommutes(p >> (2 * k) & 3, q >> (2 * k) & 3)).count() % 2;
        if odd == 1 { -1.0 } else { 1.0 }
    };
    let size = fidelities.len();
    Ok((0..size).map(|p| (0..size).map(|q| sign(p, q) / fidelities[q]).sum::<f64>() / size as f64).collect())
}

fn total(weights: &[f64]) -> f64 {
    weights.iter().map(|w| w.abs()).sum()
}

/// γ of all channels of `program`: the standard error of a cancelled value is γ times that of a plain one, so it takes γ² times the
/// shots. For one observable it is that of its cone ([`Program::cone`]).
///
/// # Errors
/// If a channel has no inverse.
pub fn sampling_cost(program: &Program) -> Result<f64, SimError> {
    let plan = Plan::of(program)?;
    Ok(plan.inverses.iter().map(|(_, weights)| total(weights)).product())
}

/// The twirled program, and where which inverse goes.
struct Plan {
    program: Program,
    /// Index of the channel's step, and the weight of each Pauli behind it.
    inverses: Vec<(usize, Vec<f64>)>,
}

impl Plan {
    fn of(program: &Program) -> Result<Self, SimError> {
        let program = all_twirled(program);
        let mut inverses = Vec::new();
        for (at, step) in program.steps.iter().enumerate() {
            if let Step::Noise { channel, .. } = step {
                inverses.push((at, inverse(channel)?));
            }
        }
        Ok(Self { program, inverses })
    }

    /// The program with Pauli string `strings[k]` behind channel k, and the product of the weights.
    fn term(&self, strings: &[usize]) -> (f64, Program) {
        let mut steps = Vec::with_capacity(self.program.steps.len() + strings.len());
        let mut weight = 1.0;
        let mut next = self.inverses.iter().zip(strings).peekable();
        for (at, step) in self.program.steps.iter().enumerate() {
            steps.push(step.clone());
            if let Some(((_, weights), string)) = next.next_if(|((position, _), _)| *position == at)
                && let Step::Noise { qubits, condition, .. } = step
            {
                weight *= weights[*string];
                steps.extend(paulis(*string, qubits).map(|step| match step {
                    Step::Gate(op) => Step::Gate(crate::circuit::Op { condition: condition.clone(), ..op }),
                    other => other,
                }));
            }
        }
        (weight, Program { steps, ..self.program.clone() })
    }

    fn all(&self) -> Result<Terms, SimError> {
        let count = self.inverses.iter().map(|(_, weights)| weights.len() as f64).product::<f64>();
        if count > MOST_TERMS {
            return Err(SimError::TooManyTerms { terms: count });
        }
        check_terms(count as usize, &self.program)?;
        let term = |number: usize| {
            let mut rest = number;
            let strings: Vec<usize> = self
                .inverses
                .iter()
                .map(|(_, weights)| {
                    let string = rest % weights.len();
                    rest /= weights.len();
                    string
                })
                .collect();
            self.term(&strings)
        };
        Ok((0..count as usize).map(term).collect())
    }

    fn drawn(&self, count: usize, seed: u64) -> Result<Terms, SimError> {
        let cost: f64 = self.inverses.iter().map(|(_, weights)| total(weights)).product();
        // The mean would say nothing: its standard error is that of a value of ±γ over the draws.
        if cost > (count as f64).sqrt() {
            return Err(SimError::CancellationCost { cost, draws: count, needed: (cost * cost).ceil() });
        }
        let draw = |number: usize| {
            let mut stream = Stream::numbered(seed, number as u64);
            let strings: Vec<usize> = self
                .inverses
                .iter()
                .map(|(_, weights)| {
                    let mut left = stream.uniform() * total(weights);
                    let falls = |w: &f64| {
                        left -= w.abs();
                        left < 0.0
                    };
                    weights.iter().position(falls).unwrap_or(0)
                })
                .collect();
            let (weight, program) = self.term(&strings);
            (weight.signum() * cost / count as f64, program)
        };
        Ok((0..count).map(draw).collect())
    }
}

impl<S> Cancellation<S> {
    fn terms(&self, program: &Program) -> Result<Terms, SimError> {
        let plan = Plan::of(program)?;
        match self.average {
            // Without noise there is one term, the program itself.
            _ if plan.inverses.is_empty() => Ok(vec![(1.0, plan.program)]),
            Average::Exact => plan.all(),
            Average::Sampled { count, seed } => {
                check_terms(count, &plan.program)?;
                plan.drawn(count, seed)
            }
        }
    }
}

impl<S: Simulator + Clone + 'static> Cancellation<S> {
    /// Every channel of the program undone.
    fn cancelled(
        &self,
        program: &Program,
        observables: &[Observable],
        input_slots: usize,
    ) -> Result<Arc<dyn Prepared>, SimError> {
        let sum = WeightedSum::new(&self.inner, self.terms(program)?, observables, input_slots)?;
        Ok(Arc::new(SumProgram { suffix: SUFFIX, sum }))
    }
}

impl<S: Simulator + Clone + 'static> Simulator for Cancellation<S> {
    fn name(&self) -> String {
        format!("{} {SUFFIX}", self.inner.name())
    }

    fn precision(&self) -> Precision {
        self.inner.precision()
    }

    fn with_substream(&self, number: u64) -> Option<Arc<dyn Simulator>> {
        Some(Arc::new(Cancellation { inner: self.inner.with_substream(number)?, average: self.average }))
    }

    /// Probabilities sum to 1 in the mean. Single entries may be negative.
    fn prepare(
        &self,
        program: &Program,
        observables: &[Observable],
        input_slots: usize,
    ) -> Result<Arc<dyn Prepared>, SimError> {
        let whole: Arc<dyn Simulator> = Arc::new(self.clone());
        let on_part = |number: u64, cone: &Program, observables: &[Observable]| {
            let average = match self.average {
                Average::Exact => Average::Exact,
                Average::Sampled { count, seed } => {
                    Average::Sampled { count, seed: Stream::numbered(seed, number).bits() }
                }
            };
            let inner = substream(&self.inner, number);
            Cancellation { inner, average }.cancelled(cone, observables, input_slots)
        };
        match cones::with_less_noise(&whole, program, observables, input_slots, on_part)? {
            Some(on_cones) => Ok(on_cones),
            None => self.cancelled(program, observables, input_slots),
        }
    }
}
