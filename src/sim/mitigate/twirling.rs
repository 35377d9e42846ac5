//! Pauli twirling: noise behind Clifford gates averaged over Paulis until it is Pauli noise.

use std::sync::Arc;

use crate::circuit::{Gate, Observable, Op};
use crate::math::Stream;
use crate::math::matrix::C64;
use crate::noise::channel::pauli_strings;
use crate::noise::{Channel, Program, Step, transfer};
use crate::sim::mitigate::Average;
use crate::sim::mitigate::fold::plain_gate;
use crate::sim::mitigate::weighted::{SumProgram, Terms, WeightedSum, check_terms};
use crate::sim::{Precision, Prepared, SimError, Simulator};

/// What follows the name of an engine.
const SUFFIX: &str = "with Pauli twirling";

/// An engine whose programs have the noise of their Clifford gates twirled: P before the gate and `G P G†` behind its
/// noise, P random (Wallman and Emerson 2016, arXiv 1512.01098). The Paulis join neighbouring one-qubit gates, so they
/// have no noise of their own. Gates with slots and other gates outside the Clifford group are left alone.
#[derive(Clone, Debug)]
pub struct PauliTwirling<S> {
    /// The engine.
    pub inner: S,
    /// Which Paulis.
    pub average: Average,
}

/// The Pauli channel with the same probabilities of Pauli errors: what remains of `channel` in the mean over all twirls.
///
/// `p_P = Σ_k |tr(P K_k)|² / 4ⁿ`.
pub fn twirled(channel: &Channel) -> Channel {
    let strings = pauli_strings(channel.qubits());
    let size = f64::from(1u32 << channel.qubits());
    let share = |string: &crate::math::Matrix| -> f64 {
        let overlap = |k: &crate::math::Matrix| {
            (0..k.nrows()).map(|i| (0..k.nrows()).map(|j| string[[i, j]] * k[[j, i]]).sum::<C64>()).sum::<C64>()
        };
        channel.operators().iter().map(|k| overlap(k).norm_sqr()).sum::<f64>() / (size * size)
    };
    let shares: Vec<f64> = strings.iter().map(share).collect();
    let total: f64 = shares.iter().sum();
    let others: Vec<f64> = shares[1..].iter().map(|p| p / total).collect();
    let name = if channel.qubits() == 1 { "pauli" } else { "pauli2" };
    Channel::named(name, &others).expect("shares of a whole are probabilities")
}

/// `program` with every channel twirled. Noise behind a gate outside the Clifford group is twirled too, which on IBM
/// devices is none: √X and X are Clifford gates, frame changes have no noise.
pub fn all_twirled(program: &Program) -> Program {
    let step = |step: &Step| match step {
        Step::Noise { channel, qubits, condition } => {
            Step::Noise { channel: twirled(channel), qubits: qubits.clone(), condition: condition.clone() }
        }
        other => other.clone(),
    };
    Program { steps: program.steps.iter().map(step).collect(), ..program.clone() }
}

/// The letters of Pauli string number `index`, a base-4 digit per operand, as gates on `qubits`.
pub fn paulis(index: usize, qubits: &[usize]) -> impl Iterator<Item = Step> {
    qubits.iter().enumerate().filter_map(move |(k, &qubit)| {
        let gate = [None, Some(Gate::X), Some(Gate::Y), Some(Gate::Z)][index >> (2 * k) & 3]?;
        Some(Step::Gate(Op::gate(gate, &[qubit], &[])))
    })
}

/// Where a Clifford gate takes each Pauli string, sign apart; `None` for other gates and those with slots.
fn images(op: &Op) -> Option<Vec<usize>> {
    if op.params().iter().any(|param| param.dependence().is_some()) || op.qubits.len() > 2 {
        return None;
    }
    let map = transfer(&op.matrix(&[])?);
    let image = |column: usize| map.column(column).iter().position(|entry| entry.abs() > 1.0 - 1e-9);
    (0..map.ncols()).map(image).collect()
}

/// `program` under one random choice of Paulis.
fn drawn(program: &Program, stream: &mut Stream) -> Program {
    let mut steps = Vec::with_capacity(2 * program.steps.len());
    let groups = program.steps.chunk_by(|_, next| matches!(next, Step::Noise { .. }));
    for group in groups {
        let clifford = plain_gate(&group[0]).filter(|_| group.len() > 1).and_then(|op| Some((op, images(op)?)));
        match clifford {
            None => steps.extend_from_slice(group),
            Some((op, images)) => {
                let string = stream.below(images.len());
                steps.extend(paulis(string, &op.qubits));
                steps.extend_from_slice(group);
                steps.extend(paulis(images[string], &op.qubits));
            }
        }
    }
    Program { steps, ..program.clone() }
}

impl<S> PauliTwirling<S> {
    fn twirls(&self, program: &Program) -> Result<Terms, SimError> {
        Ok(match self.average {
            Average::Exact => vec![(1.0, all_twirled(program))],
            Average::Sampled { count, seed } => {
                check_terms(count, program)?;
                let one = |k| (1.0 / count as f64, drawn(program, &mut Stream::numbered(seed, k as u64)));
                (0..count).map(one).collect()
            }
        })
    }
}

impl<S: Simulator + Clone + 'static> Simulator for PauliTwirling<S> {
    fn name(&self) -> String {
        format!("{} {SUFFIX}", self.inner.name())
    }

    fn precision(&self) -> Precision {
        self.inner.precision()
    }

    fn with_substream(&self, number: u64) -> Option<Arc<dyn Simulator>> {
        Some(Arc::new(PauliTwirling { inner: self.inner.with_substream(number)?, average: self.average }))
    }

    fn prepare(
        &self,
        program: &Program,
        observables: &[Observable],
        input_slots: usize,
    ) -> Result<Arc<dyn Prepared>, SimError> {
        let sum = WeightedSum::new(&self.inner, self.twirls(program)?, observables, input_slots)?;
        Ok(Arc::new(SumProgram { suffix: SUFFIX, sum }))
    }
}
