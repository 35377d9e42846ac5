//! What is worked out of a program once: its blocks, split where the rows stop differing.

use std::borrow::Cow;
use std::sync::OnceLock;

use crate::circuit::Observable;
use crate::noise::{Program, Step};
use crate::sim::cost::{Call, Request, Workload};
use crate::sim::error::FOR_DYNAMIC;
use crate::sim::kernel::pauli::block::{Block, Fuser};
use crate::sim::kernel::pauli::sweep;
use crate::sim::kernel::strings::Terms;
use crate::sim::kernel::vector::Vectors;
use crate::sim::pauli::NAME;
use crate::sim::pauli::product::Prefix;
use crate::sim::readout::{ProgramParts, recorded};
use crate::sim::{Angles, EngineOptions, Precision, SimError, check};

/// Up to so many qubits vectors are short and angles stay out of two-qubit blocks.
const SHORT: usize = 6;

/// A program and its observables, apart from angles.
pub struct Plan<F> {
    pub qubits: usize,
    pub slots: usize,
    pub input_slots: usize,
    /// Maps on single qubits before anything entangles them.
    pub prefix: Prefix<F>,
    /// Everything after, up to the last block with a slot.
    pub suffix: Vec<Block<F>>,
    /// The blocks behind it, the same under all angles.
    tail: Vec<Block<F>>,
    /// The observables in front of the tail, where they are short.
    pulled: OnceLock<Vec<F>>,
    /// Whether the suffix is the same for all rows; if not, rows run one by one.
    pub splits: bool,
    /// Each observable of the recorded bits as one of the true state.
    pub terms: Vec<Terms>,
    /// What decides its cost.
    pub workload: Workload,
    /// Whether every step has a derivative.
    pub differentiable: Result<(), SimError>,
}

impl<F: Vectors> Plan<F> {
    pub fn new(program: &Program, observables: &[Observable], input_slots: usize) -> Result<Self, SimError> {
        let qubits = program.qubits();
        let workload = Workload::new(program, observables, input_slots);
        workload.check(NAME, &call::<F>(Request::Values, 1))?;
        let parts = ProgramParts::of(program);
        if let Some(step) = parts.dynamic() {
            return Err(SimError::Unsupported { engine: NAME, step, instead: FOR_DYNAMIC });
        }
        let fuser = Fuser::new(qubits, input_slots);
        let mut fuser = if qubits <= SHORT { fuser.apart() } else { fuser };
        for step in &parts.body {
            match step {
                Step::Gate(op) => fuser.gate(op),
                Step::Noise { channel, qubits, .. } => fuser.channel(channel, qubits),
                Step::Reset { qubit, .. } => fuser.reset(*qubit),
                Step::Measure { .. } | Step::Assign { .. } => {
                    unreachable!("a measurement before the end and an assignment were refused above")
                }
            }
        }
        let mut entangled = vec![false; qubits];
        let (mut prefix, mut suffix) = (Vec::new(), Vec::new());
        for block in fuser.cut() {
            if let [qubit] = block.qubits[..]
                && !entangled[qubit]
            {
                prefix.push(block);
            } else {
                block.qubits.iter().for_each(|&q| entangled[q] = true);
                suffix.push(block);
            }
        }
        let splits = suffix.iter().all(|block| !block.by_row);
        let tail = suffix.split_off(suffix.iter().rposition(|block| !block.is_fixed()).map_or(0, |last| last + 1));
        Ok(Self {
            qubits,
            slots: program.slots,
            input_slots,
            prefix: Prefix::new(qubits, prefix),
            splits,
            suffix,
            tail,
            pulled: OnceLock::new(),
            terms: recorded(NAME, program, observables, &parts.measurements)?,
            workload,
            differentiable: check::differentiable(program),
        })
    }
}

impl<F: Vectors> Plan<F> {
    /// The observables behind the suffix, readout error and tail included: component major, one lane for each.
    pub fn observables(&self) -> Cow<'_, [F]> {
        if self.qubits > SHORT {
            return self.pull().into();
        }
        self.pulled.get_or_init(|| self.pull())[..].into()
    }

    fn pull(&self) -> Vec<F> {
        let lanes = self.terms.len();
        let mut v = vec![F::ZERO; lanes << (2 * self.qubits)];
        for (lane, terms) in self.terms.iter().enumerate() {
            for &(weight, string) in terms {
                v[sweep::component(string, self.qubits) * lanes + lane] += F::of(weight);
            }
        }
        for block in self.tail.iter().rev() {
            block.backward(&mut v, lanes, &block.bind(&Angles::of_weights(&[]), 0..1));
        }
        v
    }
}

/// A call for so many rows.
pub fn call<F>(request: Request, rows: usize) -> Call {
    let precision = if size_of::<F>() == 8 { Precision::Double } else { Precision::Single };
    Call::new(request, &EngineOptions { precision, ..EngineOptions::default() }).rows(rows)
}
