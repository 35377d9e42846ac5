//! Unitary programs made ready for the amplitude loops: controls taken off, structure of the matrix found.

use std::ops::Range;

use crate::circuit::{Op, Param};
use crate::math::Matrix;
use crate::math::matrix::C64;
use crate::sim::Angles;
use crate::sim::float::Float;
use crate::sim::map::{Map, unitary};
use crate::sim::statevector::adjoint::{unapply, unapply_both};
use crate::sim::statevector::kernel::{Entries, Kind, Places, State, apply};
use crate::sim::statevector::low::{Shuffles, shuffle};

/// A gate with everything that does not depend on angles worked out.
pub struct Gate {
    total: usize,
    controls: Vec<usize>,
    targets: Vec<usize>,
    places: Places,
    kind: Kind,
    map: Map,
    by_row: bool,
    size: usize,
}

/// The entries of gates with the same numbers in all rows, and those of their inverses.
pub struct Bound<F = f64> {
    entries: Vec<F>,
    inverse: Vec<F>,
}

impl Gate {
    /// A gate of a program of `total` qubits in which slots below `row_slots` differ by row.
    pub fn new(op: &Op, total: usize, row_slots: usize) -> Self {
        // Off every special value, so that what is zero or one here is so for all angles.
        let mut sample = op.clone();
        for (k, param) in sample.params_mut().iter_mut().enumerate().filter(|(_, p)| p.dependence().is_some()) {
            *param = Param::Fixed(0.37 + 0.61 * k as f64);
        }
        let full = unitary(&sample);
        let controls = controls(&full);
        let m = active_block(&full, controls);
        let (mut control_qubits, mut targets) = (Vec::new(), Vec::new());
        for (k, &qubit) in op.qubits.iter().enumerate() {
            if controls >> k & 1 == 1 { control_qubits.push(qubit) } else { targets.push(qubit) }
        }
        let kind = kind(&m, op.params().iter().all(|p| p.dependence().is_none()));
        let diagonal = kind == Kind::Diagonal;
        let map = Map::of(
            op,
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
        let by_row = map.by_row(row_slots);
        let places = Places::new(total, &control_qubits, &targets);
        Self { total, controls: control_qubits, targets, places, kind, map, by_row, size: m.nrows() }
    }

    /// The numbers of a gate that is the same in all rows, `None` for one that is not.
    pub fn bind<F: Float>(&self, angles: &Angles) -> Option<Bound<F>> {
        (!self.by_row).then(|| {
            let entries = self.values(angles, 0..1);
            Bound { inverse: self.dagger(&entries, 1), entries }
        })
    }

    fn values<F: Float>(&self, angles: &Angles, rows: Range<usize>) -> Vec<F> {
        self.map.values(angles, rows).into_iter().map(F::of).collect()
    }

    /// Applies the gate to the lanes `rows`.
    pub fn apply<F: Float>(&self, state: &mut State<F>, bound: &Option<Bound<F>>, angles: &Angles, rows: Range<usize>) {
        let fresh;
        let list = match bound {
            Some(bound) => &bound.entries,
            None => {
                fresh = self.values(angles, rows);
                &fresh
            }
        };
        self.apply_entries(state, list);
    }

    fn apply_entries<F: Float>(&self, state: &mut State<F>, list: &[F]) {
        match self.shuffles(state.lanes, list) {
            Some(gate) => shuffle(state, &gate),
            None => apply(state, &self.places, &self.kind, Entries { list, by_row: self.by_row }),
        }
    }

    /// The gate as sums of shuffled registers, if there is one lane and it acts on the lowest qubits.
    fn shuffles<F: Float>(&self, lanes: usize, list: &[F]) -> Option<Shuffles<F>> {
        if lanes == 1 { self.low_form(self.total, &self.controls, &self.targets, list) } else { None }
    }

    fn low_form<F: Float>(
        &self,
        total: usize,
        controls: &[usize],
        targets: &[usize],
        list: &[F],
    ) -> Option<Shuffles<F>> {
        Shuffles::new(total, controls, targets, |row, column| match self.kind {
            Kind::Diagonal if row != column => (0.0, 0.0),
            Kind::Diagonal => (list[2 * row].double(), list[2 * row + 1].double()),
            _ => {
                let at = 2 * (row * self.size + column);
                (list[at].double(), list[at + 1].double())
            }
        })
    }

    /// The qubits it acts on, as a mask.
    pub fn operands(&self) -> u64 {
        self.controls.iter().chain(&self.targets).fold(0, |mask, q| mask | 1 << q)
    }

    /// The gate of one row with qubit q at `place(q)` in a register of `total`.
    pub fn placed<F: Float>(
        &self,
        bound: &Option<Bound<F>>,
        angles: &Angles,
        row: usize,
        total: usize,
        place: impl Fn(usize) -> usize,
    ) -> Placed<'_, F> {
        let list = bound.as_ref().map_or_else(|| self.values(angles, row..row + 1), |bound| bound.entries.clone());
        let controls: Vec<usize> = self.controls.iter().map(|&q| place(q)).collect();
        let targets: Vec<usize> = self.targets.iter().map(|&q| place(q)).collect();
        match self.low_form(total, &controls, &targets, &list) {
            Some(shuffles) => Placed::Low(shuffles),
            None => Placed::High { places: Places::new(total, &controls, &targets), kind: &self.kind, list },
        }
    }

    /// Un-applies the gate from both; adds the derivative of `2 Re⟨bra|ket⟩` to `shared`, by the entries of a gate that is
    /// the same in all rows, or to `rows_found` as (row, slot, value).
    pub fn unapply<F: Float>(
        &self,
        (ket, bra): (&mut State<F>, &mut State<F>),
        bound: &Option<Bound<F>>,
        angles: &Angles,
        rows: Range<usize>,
        shared: &mut [f64],
        rows_found: &mut Vec<(usize, usize, f64)>,
    ) {
        match bound {
            Some(bound) => {
                let inverse = Entries { list: &bound.inverse, by_row: false };
                if self.map.is_fixed() {
                    for state in [ket, bra] {
                        match self.shuffles(state.lanes, &bound.inverse) {
                            Some(gate) => shuffle(state, &gate),
                            None => unapply(state, &self.places, &self.kind, inverse),
                        }
                    }
                } else {
                    unapply_both(ket, bra, &self.places, &self.kind, inverse, shared);
                }
            }
            None => {
                let list = self.dagger(&self.values(angles, rows.clone()), rows.len());
                let mut found = vec![0.0; list.len()];
                let inverse = Entries { list: &list, by_row: true };
                unapply_both(ket, bra, &self.places, &self.kind, inverse, &mut found);
                self.map.gradient(angles, rows, &found, |row, slot, value| rows_found.push((row, slot, value)));
            }
        }
    }

    /// From the derivative by the entries of a gate that is the same in all rows to `add(slot, value)`.
    pub fn shared_gradient(&self, angles: &Angles, found: &[f64], mut add: impl FnMut(usize, f64)) {
        self.map.gradient(angles, 0..1, found, |_, slot, value| add(slot, value));
    }

    fn entries(&self) -> usize {
        if self.kind == Kind::Diagonal { self.size } else { self.size * self.size }
    }

    /// Numbers that describe it in a gradient: two per entry.
    pub fn numbers(&self) -> usize {
        if self.by_row || self.map.is_fixed() { 0 } else { 2 * self.entries() }
    }

    fn dagger<F: Float>(&self, entries: &[F], lanes: usize) -> Vec<F> {
        let mut out = entries.to_vec();
        let side = self.size;
        let source = |entry: usize| match self.kind {
            Kind::Diagonal => entry,
            _ => entry % side * side + entry / side,
        };
        for entry in 0..entries.len() / (2 * lanes.max(1)) {
            for lane in 0..lanes {
                out[2 * entry * lanes + lane] = entries[2 * source(entry) * lanes + lane];
                out[(2 * entry + 1) * lanes + lane] = -entries[(2 * source(entry) + 1) * lanes + lane];
            }
        }
        out
    }
}

/// A gate of one row at its place in a tile.
pub enum Placed<'a, F = f64> {
    /// On the lowest qubits.
    Low(Shuffles<F>),
    /// On others.
    High { places: Places, kind: &'a Kind, list: Vec<F> },
}

impl<F: Float> Placed<'_, F> {
    /// Applies it to a state of one lane.
    pub fn apply(&self, state: &mut State<F>) {
        match self {
            Self::Low(gate) => shuffle(state, gate),
            Self::High { places, kind, list } => apply(state, places, kind, Entries { list, by_row: false }),
        }
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

fn kind(m: &Matrix, fixed: bool) -> Kind {
    let (zero, one) = (C64::from(0.0), C64::from(1.0));
    if m.indexed_iter().all(|((i, j), z)| i == j || *z == zero) {
        return Kind::Diagonal;
    }
    if fixed && m.iter().all(|z| *z == zero || *z == one) {
        let to = |j: usize| (0..m.nrows()).find(|&i| m[[i, j]] == one).expect("a unitary has no empty column");
        return Kind::Permutation((0..m.nrows()).map(to).collect());
    }
    if m.iter().all(|z| z.im == 0.0) { Kind::Real } else { Kind::Complex }
}
