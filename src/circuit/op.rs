//! One operation of a circuit.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::circuit::{CircuitError, Gate, Param};
use crate::math::matrix::{controlled, dagger, unitarity_defect};
use crate::math::{Matrix, Seconds};

/// Operands of an operation. One or two, as nearly all have, take no memory of their own.
pub type Operands = SmallVec<[usize; 2]>;

/// Angles of a gate. One takes no memory of its own.
pub type Params = SmallVec<[Param; 1]>;

/// What is done, to which qubits, and under which classical condition.
#[derive(Clone, Debug, PartialEq)]
pub struct Op {
    /// What is done.
    pub kind: OpKind,
    /// Operands in order. The first is the least significant bit of the operation's matrix. Controls come first.
    pub qubits: Operands,
    /// Done only if the classical bits hold this value.
    pub condition: Option<Condition>,
}

/// The kinds of operation.
#[derive(Clone, Debug, PartialEq)]
pub enum OpKind {
    /// A gate of the table; the first `controls` operands control it (all must be 1).
    Gate {
        /// Row of the gate table.
        gate: Gate,
        /// Its angles.
        params: Params,
        /// How many extra control qubits precede the gate's own operands.
        controls: usize,
    },
    /// An arbitrary unitary on 1 to 5 qubits.
    Unitary(Arc<Matrix>),
    /// A phase on the whole state (it matters once controlled, and on export).
    GlobalPhase(Param),
    /// Projective measurement in the Z basis into a classical bit.
    Measure {
        /// The classical bit.
        bit: usize,
    },
    /// A classical bit is given a value. Under a condition this computes: bits that are first 0 and set where others hold
    /// certain values are any function of them.
    Assign {
        /// The classical bit.
        bit: usize,
        /// What it becomes.
        value: bool,
    },
    /// Back to |0⟩.
    Reset,
    /// No operation is reordered across it when circuits are rewritten.
    Barrier,
    /// Wait; only noise models see it.
    Delay(Seconds),
}

/// Equality of a run of classical bits with a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Condition {
    /// The bits, least significant first.
    pub bits: Vec<usize>,
    /// The value they must hold.
    pub value: u64,
}

impl Condition {
    /// The bits in ascending order, each once, with the value that it must have; `None` if one must have two, so that the
    /// condition never holds.
    pub fn by_bit(&self) -> Option<Vec<(usize, bool)>> {
        let wanted = self.bits.iter().enumerate().map(|(k, &bit)| (bit, self.value >> k & 1 == 1));
        let mut wanted: Vec<(usize, bool)> = wanted.collect();
        wanted.sort_unstable();
        wanted.dedup();
        wanted.windows(2).all(|pair| pair[0].0 != pair[1].0).then_some(wanted)
    }

    /// Whether the bits, of which `bit` tells the values, hold the value.
    pub fn is_met(&self, bit: impl Fn(usize) -> bool) -> bool {
        self.bits.iter().enumerate().all(|(k, &number)| bit(number) == (self.value >> k & 1 == 1))
    }
}

impl Op {
    /// A plain gate of the table.
    pub fn gate(gate: Gate, qubits: &[usize], params: &[Param]) -> Self {
        Self::of(OpKind::Gate { gate, params: params.into(), controls: 0 }, qubits)
    }

    /// An unconditional operation.
    pub fn of(kind: OpKind, qubits: &[usize]) -> Self {
        Self { kind, qubits: qubits.into(), condition: None }
    }

    /// A unitary matrix on 1 to 5 qubits, the first operand its least significant bit.
    ///
    /// # Errors
    /// If the matrix is not unitary to 1e-8.
    pub fn unitary(matrix: Matrix, qubits: &[usize]) -> Result<Self, CircuitError> {
        let (rows, columns) = matrix.dim();
        let fits = rows == columns && rows.is_power_of_two() && (2..=32).contains(&rows);
        let defect = if fits { unitarity_defect(&matrix) } else { f64::INFINITY };
        // A NaN defect must fail too, hence the negated comparison.
        if !(defect <= 1e-8) {
            return Err(CircuitError::NotUnitary { rows, columns, defect });
        }
        Ok(Self::of(OpKind::Unitary(Arc::new(matrix)), qubits))
    }

    /// The name used in messages and listings.
    pub fn name(&self) -> String {
        match &self.kind {
            OpKind::Gate { gate, controls: 0, .. } => gate.name().into(),
            OpKind::Gate { gate, controls, .. } => format!("ctrl({controls}) @ {}", gate.name()),
            OpKind::Unitary(_) => "unitary".into(),
            OpKind::GlobalPhase(_) => "gphase".into(),
            OpKind::Measure { .. } => "measure".into(),
            OpKind::Assign { .. } => "assign".into(),
            OpKind::Reset => "reset".into(),
            OpKind::Barrier => "barrier".into(),
            OpKind::Delay(_) => "delay".into(),
        }
    }

    /// The classical bit that it writes.
    pub fn written_bit(&self) -> Option<usize> {
        match self.kind {
            OpKind::Measure { bit } | OpKind::Assign { bit, .. } => Some(bit),
            _ => None,
        }
    }

    /// The classical bits that it writes or tests, to be numbered anew.
    pub fn bits_mut(&mut self) -> impl Iterator<Item = &mut usize> {
        let written = match &mut self.kind {
            OpKind::Measure { bit } | OpKind::Assign { bit, .. } => Some(bit),
            _ => None,
        };
        written.into_iter().chain(self.condition.iter_mut().flat_map(|condition| &mut condition.bits))
    }

    /// The angles, empty for everything that has none.
    pub fn params(&self) -> &[Param] {
        match &self.kind {
            OpKind::Gate { params, .. } => params,
            OpKind::GlobalPhase(param) => std::slice::from_ref(param),
            _ => &[],
        }
    }

    /// The angles, to be rewritten.
    pub fn params_mut(&mut self) -> &mut [Param] {
        match &mut self.kind {
            OpKind::Gate { params, .. } => params,
            OpKind::GlobalPhase(param) => std::slice::from_mut(param),
            _ => &mut [],
        }
    }

    /// The unitary on the operands for these slot angles; `None` for measure, assign, reset, barrier, delay and global
    /// phase, and for gates on more than 12 operands, whose matrix would not fit into memory ([`Op::without_controls`]).
    pub fn matrix(&self, angles: &[f64]) -> Option<Matrix> {
        match &self.kind {
            OpKind::Gate { gate, params, controls } => {
                if self.qubits.len() > 12 {
                    return None;
                }
                let values: Vec<f64> = params.iter().map(|p| p.value(angles)).collect();
                Some(controlled(&(gate.row().matrix)(&values), *controls))
            }
            OpKind::Unitary(matrix) => Some(matrix.as_ref().clone()),
            _ => None,
        }
    }

    /// The qubits that only switch a gate on, and the gate on the others; no qubits for everything but gates.
    ///
    /// Engines keep these qubits as a mask: a matrix on all of them would have `4^controls` times as many entries.
    pub fn without_controls(&self) -> (&[usize], Self) {
        match &self.kind {
            OpKind::Gate { gate, params, controls } if *controls > 0 => {
                let (controls, own) = self.qubits.split_at(*controls);
                let kind = OpKind::Gate { gate: *gate, params: params.clone(), controls: 0 };
                (controls, Self { kind, qubits: own.into(), condition: self.condition.clone() })
            }
            _ => (&[], self.clone()),
        }
    }

    /// The operation that undoes it; `None` for what has no inverse: conditions, measure, reset, delay.
    pub fn inverse(&self) -> Option<Self> {
        let kind = match &self.kind {
            _ if self.condition.is_some() => return None,
            OpKind::Gate { gate, params, controls } => match (gate.row().inverse)(params) {
                Some((gate, params)) => OpKind::Gate { gate, params: params.into(), controls: *controls },
                // Only fixed gates come here: a row with angles names its inverse.
                None => match gate.as_controlled() {
                    (own, base) if own > 0 => {
                        let (gate, params) = (base.row().inverse)(&[])?;
                        OpKind::Gate { gate, params: params.into(), controls: controls + own }
                    }
                    // A matrix has at most five operands.
                    _ if self.qubits.len() > 5 => return None,
                    _ => OpKind::Unitary(Arc::new(dagger(&self.matrix(&[])?))),
                },
            },
            OpKind::Unitary(matrix) => OpKind::Unitary(Arc::new(dagger(matrix))),
            OpKind::GlobalPhase(phase) => OpKind::GlobalPhase(-*phase),
            OpKind::Barrier => OpKind::Barrier,
            _ => return None,
        };
        Some(Self { kind, ..self.clone() })
    }

    /// Whether it is a gate, a unitary or a global phase, unconditioned: something with an inverse and a derivative.
    pub fn is_unitary(&self) -> bool {
        self.condition.is_none()
            && matches!(self.kind, OpKind::Gate { .. } | OpKind::Unitary(_) | OpKind::GlobalPhase(_))
    }
}
