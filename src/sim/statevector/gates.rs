//! Unitary programs made ready for the amplitude loops: controls taken off, structure of the matrix found.

use std::ops::Range;

use crate::circuit::{Op, Param};
use crate::math::Matrix;
use crate::math::matrix::C64;
use crate::sim::Angles;
use crate::sim::float::Float;
use crate::sim::map::{Map, unitary};
use crate::sim::statevector::adjoint::{unapply, unapply_both};
use crate::sim::statevector::fuse::Loose;
use crate::sim::statevector::kernel::{Entries, Kind, Places, State, apply};
use crate::sim::statevector::low::{Shuffles, shuffle};
use crate::sim::statevector::plain::{self, Real};
use crate::sim::statevector::vector::Vectors;
use crate::sim::statevector::within::{self, Within};

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

/// The entries of a gate, for each lane if they differ by row, and those of its inverse.
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
        (!self.by_row).then(|| self.bound(angles, 0..1))
    }

    /// The numbers of a gate that differs by row.
    pub fn bind_rows<F: Float>(&self, angles: &Angles, rows: Range<usize>) -> Option<Bound<F>> {
        self.by_row.then(|| self.bound(angles, rows))
    }

    fn bound<F: Float>(&self, angles: &Angles, rows: Range<usize>) -> Bound<F> {
        let lanes = rows.len();
        let entries = self.values(angles, rows);
        Bound { inverse: self.dagger(&entries, lanes), entries }
    }

    fn values<F: Float>(&self, angles: &Angles, rows: Range<usize>) -> Vec<F> {
        self.map.values(angles, rows).into_iter().map(F::of).collect()
    }

    /// Applies the gate.
    pub fn apply<F: Float>(&self, state: &mut State<F>, bound: &Bound<F>) {
        self.apply_entries(state, &bound.entries);
    }

    fn apply_entries<F: Float>(&self, state: &mut State<F>, list: &[F]) {
        match self.shuffles(state.lanes, list) {
            Some(gate) => shuffle(state, &gate),
            None => apply(state, &self.places, &self.kind, Entries { list, by_row: self.by_row }),
        }
    }

    /// Whether its matrix is real for all angles and has a fast kernel on so many lanes.
    pub fn is_plain<F: Vectors>(&self, lanes: usize) -> bool {
        let form = match &self.kind {
            Kind::Real => true,
            Kind::Permutation(to) => to[..] == [1, 0],
            _ => false,
        };
        form && (plain::fits::<F>(&self.places, lanes, self.by_row) || self.within::<F>(lanes).is_some())
    }

    /// Its operands, if one of them lies inside a register of a single row.
    fn within<F: Vectors>(&self, lanes: usize) -> Option<Within> {
        match self.targets[..] {
            [target] if lanes == 1 => Within::new::<F>(self.total, &self.controls, target),
            _ => None,
        }
    }

    /// [`Gate::apply`] for a gate that is plain, on one part of a state.
    pub fn apply_plain<F: Vectors>(&self, part: &mut [F], lanes: usize, bound: &Bound<F>) {
        self.turn(part, lanes, Real { list: &bound.entries, by_row: self.by_row && lanes > 1 });
    }

    /// One part of a state under the matrix of a gate that is plain, or its inverse.
    fn turn<F: Vectors>(&self, part: &mut [F], lanes: usize, matrix: Real<F>) {
        let places = &self.places;
        match self.within::<F>(lanes) {
            Some(within) => F::dispatch(within::Apply { part, within: &within, matrix }),
            None if self.kind == Kind::Real => F::dispatch(plain::Apply { part, lanes, places, matrix }),
            None => F::dispatch(plain::Flip { part, lanes, places }),
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

    /// The gate with the numbers of one row.
    pub fn loose(&self, angles: &Angles, row: usize) -> Loose {
        let list = self.map.values(angles, row..row + 1);
        Loose { controls: self.controls.clone(), targets: self.targets.clone(), kind: self.kind.clone(), list }
    }

    /// Un-applies the gate from both; adds the derivative of `2 Re⟨bra|ket⟩` by its entries to `found`, for each lane if
    /// they differ by row.
    ///
    /// Imaginary parts that are zero throughout (`real`) are left alone by plain gates.
    pub fn unapply<F: Vectors>(
        &self,
        (ket, bra): (&mut State<F>, &mut State<F>),
        real: bool,
        bound: &Bound<F>,
        found: &mut [f64],
    ) {
        let lanes = ket.lanes;
        let list = &bound.inverse;
        if self.is_plain::<F>(lanes) {
            let inverse = Real { list, by_row: self.by_row && lanes > 1 };
            let parts = [(&mut ket.re, &mut bra.re), (&mut ket.im, &mut bra.im)];
            for (ket, bra) in parts.into_iter().take(if real { 1 } else { 2 }) {
                if self.map.is_fixed() {
                    self.turn(ket, lanes, inverse);
                    self.turn(bra, lanes, inverse);
                    continue;
                }
                let found = &mut *found;
                match self.within::<F>(lanes) {
                    Some(within) => F::dispatch(within::Unapply { ket, bra, within: &within, inverse, found }),
                    None => F::dispatch(plain::Unapply { ket, bra, lanes, places: &self.places, inverse, found }),
                }
            }
            return;
        }
        let inverse = Entries { list, by_row: self.by_row };
        if !self.map.is_fixed() {
            return unapply_both(ket, bra, &self.places, &self.kind, inverse, found);
        }
        for state in [ket, bra] {
            match self.shuffles(state.lanes, list) {
                Some(gate) => shuffle(state, &gate),
                None => unapply(state, &self.places, &self.kind, inverse),
            }
        }
    }

    /// From the derivative by the entries in the lanes `rows` to `add(row, slot, value)`; any row stands for all if the
    /// gate is the same in all.
    pub fn gradient(&self, angles: &Angles, rows: Range<usize>, found: &[f64], add: impl FnMut(usize, usize, f64)) {
        self.map.gradient(angles, rows, found, add);
    }

    fn entries(&self) -> usize {
        if self.kind == Kind::Diagonal { self.size } else { self.size * self.size }
    }

    /// Numbers of its own that a gradient takes in each lane: two per entry that moves.
    fn moving(&self) -> usize {
        if self.map.is_fixed() { 0 } else { 2 * self.entries() }
    }

    /// Those of a gate that differs by row, in all `lanes`.
    pub fn row_numbers(&self, lanes: usize) -> usize {
        if self.by_row { self.moving() * lanes } else { 0 }
    }

    /// Those of a gate that is the same in all rows.
    pub fn shared_numbers(&self) -> usize {
        if self.by_row { 0 } else { self.moving() }
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
