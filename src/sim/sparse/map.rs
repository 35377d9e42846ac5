//! Steps of a program as Pauli transfer matrices of a few qubits: what they do to letters, and their derivatives.

use std::sync::Arc;

use ndarray::Array2;

use crate::circuit::{Gate, Letter, Op, OpKind, Param};
use crate::math::Matrix;
use crate::math::matrix::{controlled, controlled_block};
use crate::noise::{Channel, ZERO, generic_points, transfer, transfer_derivative};

/// Steps on more qubits are not run: their transfer matrices have 4^k rows.
pub const MOST_OPERANDS: usize = 5;
/// Steps on the same qubits in a row.
pub struct LocalMap {
    /// The operands; letter k of a local string is that of `qubits[k]` and worth 4^k.
    pub qubits: Vec<usize>,
    factors: Vec<Factor>,
    /// The transfer matrix of a map without slots.
    fixed: Option<Arc<Array2<f64>>>,
}

enum Factor {
    Fixed { transfer: Array2<f64>, norm: f64 },
    Gate { gate: Gate, params: Vec<Param>, controls: usize },
}

/// What pulling back through a map does to strings of its operands.
pub enum Action {
    /// Nothing.
    Nothing,
    /// Each string becomes one string, times a factor: Clifford gates, damping, and both.
    Monomial(Monomial),
    /// Strings become sums.
    Mix(Mixing),
}

/// By local string: the string it becomes, and its factor.
pub struct Monomial {
    pub to: Vec<(u16, f64)>,
    /// Where each local string comes from.
    pub from: Vec<u16>,
}

/// Strings that mix with each other.
pub struct Mixing {
    /// Whether a string changes at all.
    pub changes: Vec<bool>,
    /// Which component a string belongs to, and its position there.
    pub component: Vec<(u16, u16)>,
    /// Strings of each component.
    pub components: Vec<Vec<u16>>,
}

impl LocalMap {
    /// A gate, a unitary or a channel.
    pub fn gate(op: &Op) -> Self {
        Self::of(op.qubits.to_vec(), Factor::of(op))
    }

    pub fn channel(channel: &Channel, qubits: &[usize]) -> Self {
        Self::of(qubits.to_vec(), Factor::fixed(channel.pauli_transfer(), true))
    }

    /// Trace goes to I and, as ⟨Z⟩ = 1, to Z. All else is lost.
    pub fn reset(qubit: usize) -> Self {
        let entry = |(p, q)| f64::from(u8::from(q == 0 && (p == 0 || p == 3)));
        Self::of(vec![qubit], Factor::fixed(Array2::from_shape_fn((4, 4), entry), true))
    }

    /// A measurement whose outcome nothing depends on: X and Y are lost.
    pub fn dephasing(qubit: usize) -> Self {
        let entry = |(p, q)| f64::from(u8::from(p == q && (p == 0 || p == 3)));
        Self::of(vec![qubit], Factor::fixed(Array2::from_shape_fn((4, 4), entry), true))
    }

    fn of(qubits: Vec<usize>, factor: Factor) -> Self {
        let mut map = Self { qubits, factors: vec![factor], fixed: None };
        map.settle();
        map
    }

    /// The same followed by `next`, which acts on the same qubits in the same order.
    pub fn join(&mut self, next: Self) {
        self.factors.extend(next.factors);
        self.settle();
    }

    fn settle(&mut self) {
        self.fixed = None;
        let is_fixed = self.slots().next().is_none();
        self.fixed = is_fixed.then(|| self.bind(&[]));
    }

    /// The slots it reads.
    pub fn slots(&self) -> impl Iterator<Item = usize> + '_ {
        self.factors.iter().flat_map(Factor::params).filter_map(|param| param.dependence()).map(|(slot, _)| slot)
    }

    /// The transfer matrix for these angles, one for each slot of the program.
    pub fn bind(&self, angles: &[f64]) -> Arc<Array2<f64>> {
        if let Some(fixed) = &self.fixed {
            return Arc::clone(fixed);
        }
        let product = self.factors.iter().map(|factor| factor.transfer(angles)).reduce(|all, next| next.dot(&all));
        Arc::new(product.expect("a map has a factor"))
    }

    /// The most by which pulling back through it lengthens a sum in the 2-norm; unitaries keep it.
    pub fn norm(&self) -> f64 {
        self.factors.iter().map(|factor| if let Factor::Fixed { norm, .. } = factor { *norm } else { 1.0 }).product()
    }

    /// What it does whatever its angles are.
    pub fn action(&self, slots: usize) -> Action {
        let points = generic_points(slots);
        let points = if self.fixed.is_some() { &points[..1] } else { &points[..] };
        let maps: Vec<_> = points.iter().map(|angles| self.bind(angles)).collect();
        let size = maps[0].nrows();
        let has = |q: usize, p: usize| maps.iter().any(|map| map[[q, p]].abs() > ZERO);
        let changes: Vec<bool> = (0..size)
            .map(|q| {
                (0..size).any(|p| if p == q { maps.iter().any(|m| (m[[q, q]] - 1.0).abs() > ZERO) } else { has(q, p) })
            })
            .collect();
        if changes.iter().all(|changes| !changes) {
            return Action::Nothing;
        }
        if let (true, Some(monomial)) = (self.fixed.is_some(), Monomial::of(&maps[0])) {
            return Action::Monomial(monomial);
        }
        Action::Mix(Mixing::of(size, changes, has))
    }

    /// From the derivative by the entries of the transfer matrix to the slots: `add(slot, value)`.
    pub fn gradient(&self, angles: &[f64], by_entry: &Array2<f64>, mut add: impl FnMut(usize, f64)) {
        let transfers: Vec<Array2<f64>> = self.factors.iter().map(|factor| factor.transfer(angles)).collect();
        for (k, factor) in self.factors.iter().enumerate() {
            for (number, param) in factor.params().iter().enumerate() {
                let Some((slot, scale)) = param.dependence() else { continue };
                let mut product = factor.derivative(angles, number);
                for before in transfers[..k].iter().rev() {
                    product = product.dot(before);
                }
                for after in &transfers[k + 1..] {
                    product = after.dot(&product);
                }
                add(slot, scale * (&product * by_entry).sum());
            }
        }
    }
}

impl Factor {
    fn of(op: &Op) -> Self {
        match &op.kind {
            OpKind::Gate { gate, params, controls } if params.iter().any(|param| param.dependence().is_some()) => {
                Self::Gate { gate: *gate, params: params.to_vec(), controls: *controls }
            }
            // Gates on at most five operands have a matrix.
            _ => Self::fixed(op.matrix(&[]).map_or_else(|| Array2::eye(4), |matrix| transfer(&matrix)), false),
        }
    }

    fn fixed(transfer: Array2<f64>, is_channel: bool) -> Self {
        let norm = if is_channel { largest_singular_value(&transfer).max(1.0) } else { 1.0 };
        Self::Fixed { transfer, norm }
    }

    fn params(&self) -> &[Param] {
        match self {
            Self::Fixed { .. } => &[],
            Self::Gate { params, .. } => params,
        }
    }

    fn transfer(&self, angles: &[f64]) -> Array2<f64> {
        match self {
            Self::Fixed { transfer, .. } => transfer.clone(),
            Self::Gate { .. } => transfer(&self.unitary(angles)),
        }
    }

    fn unitary(&self, angles: &[f64]) -> Matrix {
        match self {
            Self::Gate { gate, params, controls } => {
                let values: Vec<f64> = params.iter().map(|param| param.value(angles)).collect();
                controlled(&(gate.row().matrix)(&values), *controls)
            }
            Self::Fixed { .. } => unreachable!("only gates with slots are asked"),
        }
    }

    fn derivative(&self, angles: &[f64], number: usize) -> Array2<f64> {
        match self {
            Self::Gate { gate, params, controls } => {
                let values: Vec<f64> = params.iter().map(|param| param.value(angles)).collect();
                let own = (gate.row().derivative)(&values, number);
                transfer_derivative(&self.unitary(angles), &controlled_block(&own, *controls))
            }
            Self::Fixed { transfer, .. } => Array2::zeros(transfer.raw_dim()),
        }
    }
}

/// Its estimate by 200 rounds of power iteration, raised by a millionth: no proven bound. Only the mean error uses it.
fn largest_singular_value(m: &Array2<f64>) -> f64 {
    let mut v = ndarray::Array1::from_shape_fn(m.ncols(), |k| 1.0 + 0.1 * (k as f64).sin());
    let mut norm = 0.0;
    for _ in 0..200 {
        let image = m.dot(&m.t().dot(&v));
        let length = image.dot(&image).sqrt();
        if length == 0.0 {
            return 0.0;
        }
        norm = (length / v.dot(&v).sqrt()).sqrt();
        v = image / length;
    }
    norm * (1.0 + 1e-6)
}

/// The bits of a local string: those of X of operand k at 2k, those of Z at 2k + 1.
fn bits(string: usize) -> usize {
    let mut bits = 0;
    for k in 0..MOST_OPERANDS {
        let (x, z) = Letter::of_index(string >> (2 * k) & 3).map_or((false, false), Letter::bits);
        bits |= (usize::from(x) | usize::from(z) << 1) << (2 * k);
    }
    bits
}

impl Monomial {
    /// If each row has one entry at most, and the strings move as a group: products go to products.
    fn of(map: &Array2<f64>) -> Option<Self> {
        let size = map.nrows();
        let mut to: Vec<Option<(u16, f64)>> = vec![None; size];
        let mut taken = vec![false; size];
        for (q, row) in map.rows().into_iter().enumerate() {
            let mut entries = row.iter().enumerate().filter(|(_, x)| x.abs() > ZERO);
            if let Some((p, &factor)) = entries.next() {
                if entries.next().is_some() || std::mem::replace(&mut taken[p], true) {
                    return None;
                }
                to[q] = Some((p as u16, factor));
            }
        }
        // A string that is lost stays where it is, with nothing left of it.
        if (0..size).any(|q| to[q].is_none() && taken[q]) {
            return None;
        }
        let to: Vec<(u16, f64)> = (0..size).map(|q| to[q].unwrap_or((q as u16, 0.0))).collect();
        let image = |q: usize| bits(usize::from(to[q].0));
        let of_bits: Vec<usize> = {
            let mut strings = vec![0; size];
            (0..size).for_each(|q| strings[bits(q)] = q);
            strings
        };
        for q in 0..size {
            let generators = (0..2 * MOST_OPERANDS).filter(|bit| bits(q) >> bit & 1 == 1);
            if generators.fold(0, |sum, bit| sum ^ image(of_bits[1 << bit])) != image(q) {
                return None;
            }
        }
        let mut from = vec![0; size];
        to.iter().enumerate().for_each(|(q, (p, _))| from[usize::from(*p)] = q as u16);
        Some(Self { to, from })
    }
}

impl Mixing {
    fn of(size: usize, changes: Vec<bool>, has: impl Fn(usize, usize) -> bool) -> Self {
        let mut neighbours: Vec<Vec<usize>> = vec![Vec::new(); size];
        for q in (0..size).filter(|&q| changes[q]) {
            for p in (0..size).filter(|&p| p != q && has(q, p)) {
                neighbours[q].push(p);
                neighbours[p].push(q);
            }
        }
        let mut component: Vec<Option<(u16, u16)>> = vec![None; size];
        let mut components: Vec<Vec<u16>> = Vec::new();
        for start in 0..size {
            if component[start].is_some() {
                continue;
            }
            let (number, mut members, mut open) = (components.len() as u16, Vec::new(), vec![start]);
            while let Some(q) = open.pop() {
                if component[q].is_none() {
                    component[q] = Some((number, 0));
                    members.push(q as u16);
                    open.extend(&neighbours[q]);
                }
            }
            members.sort_unstable();
            members.iter().enumerate().for_each(|(k, &q)| component[usize::from(q)] = Some((number, k as u16)));
            components.push(members);
        }
        // Every string was a start or reached from one.
        let component = component.into_iter().map(|found| found.expect("each string has a component")).collect();
        Self { changes, component, components }
    }
}
