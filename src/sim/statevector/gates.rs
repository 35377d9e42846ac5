//! Unitary programs made ready for the amplitude loops: how the entries of each gate depend on angles.

use std::ops::Range;

use crate::circuit::{Op, Param};
use crate::math::Matrix;
use crate::math::matrix::C64;
use crate::sim::Angles;
use crate::sim::kernel::amplitudes::MatrixKind;
use crate::sim::kernel::entry_map::{EntryMap, unitary};
use crate::sim::kernel::float::Float;
use crate::sim::statevector::fuse::UnplacedGate;
use crate::sim::statevector::gate_kernel::GateKernel;

/// A gate with everything that does not depend on angles worked out.
pub struct Gate {
    pub kernel: GateKernel,
    map: EntryMap,
    by_row: bool,
}

/// The entries of a gate, for each lane if they differ by row, and those of its inverse.
#[derive(Clone, Copy)]
pub struct GateEntries<'a, F> {
    pub matrix: &'a [F],
    pub inverse: &'a [F],
    pub by_row: bool,
}

/// The entries of all gates that are the same in all rows, or of all others, one after the other.
#[derive(Clone)]
pub struct EntryTable<F> {
    entries: Vec<F>,
    inverse: Vec<F>,
    /// Where each gate's begin.
    starts: Vec<usize>,
    by_row: bool,
}

impl<F: Float> EntryTable<F> {
    /// Those of the gates that are the same in all rows.
    pub fn shared(gates: &[Gate], angles: &Angles) -> Self {
        Self::new(gates, angles, 0..1, false)
    }

    /// Those of the others, in the lanes `rows`.
    pub fn own(gates: &[Gate], angles: &Angles, rows: Range<usize>) -> Self {
        Self::new(gates, angles, rows, true)
    }

    fn new(gates: &[Gate], angles: &Angles, rows: Range<usize>, by_row: bool) -> Self {
        let lanes = rows.len();
        let wanted = |gate: &Gate| gate.by_row == by_row;
        let mut end = 0;
        let starts = gates.iter().map(|gate| {
            end += if wanted(gate) { gate.map.size() * lanes } else { 0 };
            end
        });
        let mut starts: Vec<usize> = starts.collect();
        starts.insert(0, 0);
        let mut entries = vec![0.0; end];
        for (gate, range) in gates.iter().zip(starts.windows(2)).filter(|(gate, _)| wanted(gate)) {
            gate.map.write(angles, rows.clone(), &mut entries[range[0]..range[1]]);
        }
        let entries: Vec<F> = entries.into_iter().map(F::of).collect();
        let mut inverse = entries.clone();
        for (gate, range) in gates.iter().zip(starts.windows(2)) {
            gate.kernel.dagger(&entries[range[0]..range[1]], &mut inverse[range[0]..range[1]], lanes);
        }
        // A single row shares its entries with no other.
        Self { entries, inverse, starts, by_row: by_row && lanes > 1 }
    }

    /// How many numbers it holds.
    pub fn len(&self) -> usize {
        self.entries.len() + self.inverse.len()
    }

    pub fn of(&self, gate: usize) -> GateEntries<'_, F> {
        let range = self.starts[gate]..self.starts[gate + 1];
        GateEntries { matrix: &self.entries[range.clone()], inverse: &self.inverse[range], by_row: self.by_row }
    }
}

impl Gate {
    /// A gate of a program of `total` qubits in which slots below `input_slots` differ by row.
    pub fn new(op: &Op, total: usize, input_slots: usize) -> Self {
        let (switches, op) = op.without_controls();
        // Off every special value, so that what is zero or one here is so for all angles.
        let mut sample = op.clone();
        for (k, param) in sample.params_mut().iter_mut().enumerate().filter(|(_, p)| p.dependence().is_some()) {
            *param = Param::Fixed(0.37 + 0.61 * k as f64);
        }
        let full = unitary(&sample);
        let controls = controls(&full);
        let m = active_block(&full, controls);
        let (mut control_qubits, mut targets) = (switches.to_vec(), Vec::new());
        for (k, &qubit) in op.qubits.iter().enumerate() {
            if controls >> k & 1 == 1 { control_qubits.push(qubit) } else { targets.push(qubit) }
        }
        let kind = kind(&m, op.params().iter().all(|p| p.dependence().is_none()));
        let diagonal = kind == MatrixKind::Diagonal;
        let map = EntryMap::of(
            &op,
            Box::new(move |unitary, derivative| {
                let block = active_block(derivative.unwrap_or(unitary), controls);
                let parts = |z: &C64| [z.re, z.im];
                if diagonal {
                    block.diag().iter().flat_map(parts).collect()
                } else {
                    block.iter().flat_map(parts).collect()
                }
            }),
        );
        let by_row = map.by_row(input_slots);
        Self { kernel: GateKernel::new(total, control_qubits, targets, kind), map, by_row }
    }

    /// Whether its numbers differ by row.
    pub fn by_row(&self) -> bool {
        self.by_row
    }

    /// Whether it has no angle.
    pub fn is_fixed(&self) -> bool {
        self.map.is_fixed()
    }

    /// The gate with the numbers of one row.
    pub fn unplaced(&self, angles: &Angles, row: usize) -> UnplacedGate {
        self.kernel.unplaced(self.map.values(angles, row..row + 1))
    }

    /// From the derivative by the entries in the lanes `rows` to `add(row, slot, value)`; any row represents all if the
    /// gate is the same in all.
    pub fn gradient(&self, angles: &Angles, rows: Range<usize>, found: &[f64], add: impl FnMut(usize, usize, f64)) {
        self.map.gradient(angles, rows, found, add);
    }

    /// EntryTable that a gradient takes in each lane: two per entry that moves.
    pub fn numbers(&self) -> usize {
        if self.is_fixed() { 0 } else { self.map.size() }
    }
}

/// Mask of the operands that only switch the gate on: where one of them is 0 the matrix is the identity.
fn controls(m: &Matrix) -> usize {
    let operands = m.nrows().trailing_zeros() as usize;
    let is_control = |k: usize| {
        m.indexed_iter().all(|((i, j), z)| {
            let off = i >> k & 1 == 0 || j >> k & 1 == 0;
            !off || *z == C64::from(if i == j { 1.0 } else { 0.0 })
        })
    };
    // One operand stays: a gate acts on something.
    let found = (0..operands).filter(|&k| is_control(k)).take(operands.saturating_sub(1));
    found.fold(0, |mask, k| mask | 1 << k)
}

/// The part of `m` where all `controls` are 1.
fn active_block(m: &Matrix, controls: usize) -> Matrix {
    let on: Vec<usize> = (0..m.nrows()).filter(|i| i & controls == controls).collect();
    Matrix::from_shape_fn((on.len(), on.len()), |(i, j)| m[[on[i], on[j]]])
}

fn kind(m: &Matrix, fixed: bool) -> MatrixKind {
    let (zero, one) = (C64::from(0.0), C64::from(1.0));
    if m.indexed_iter().all(|((i, j), z)| i == j || *z == zero) {
        return MatrixKind::Diagonal;
    }
    if fixed && m.iter().all(|z| *z == zero || *z == one) {
        let to = |j: usize| (0..m.nrows()).find(|&i| m[[i, j]] == one).expect("a unitary has no empty column");
        return MatrixKind::Permutation((0..m.nrows()).map(to).collect());
    }
    if m.iter().all(|z| z.im == 0.0) { MatrixKind::Real } else { MatrixKind::Complex }
}
