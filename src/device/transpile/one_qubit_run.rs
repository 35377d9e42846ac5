//! Everything that happens to one qubit between two interactions, slots included.

use std::f64::consts::{FRAC_PI_2, PI};

use crate::circuit::{Gate, Param};
use crate::math::matrix::{C64, c};
use crate::math::small::{Small, from_matrix, one, product};

/// Angles and entries closer than this count as equal: far above rounding error, far below any gate error.
pub(super) const CLOSE: f64 = 1e-10;

/// A product of fixed one-qubit unitaries and Z rotations by slots, `… fixed₁ · Rz(param₁) · first`, up to phase.
///
/// Every one-qubit gate has this form, and it is all that rewriting needs: fixed neighbours multiply, rotations by one
/// slot on the same axis add up, and a bit flip between rotations is carried to the end, so the fixed matrices
/// between two different rotations are exactly those that cost pulses.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct OneQubitRun {
    pub first: Small<2>,
    /// In time order after `first`: a Z rotation by a slot, then a fixed unitary.
    pub rest: Vec<(Param, Small<2>)>,
}

/// What [`OneQubitRun::pull_diagonal`] moved behind a CZ.
pub(super) struct DiagonalPart {
    /// Diagonal, apart from the bit flip.
    pub run: OneQubitRun,
    /// Whether it holds a bit flip, which leaves a Z on the other qubit of the CZ.
    pub flips: bool,
}

impl OneQubitRun {
    pub fn identity() -> Self {
        Self::fixed(one())
    }

    pub fn fixed(first: Small<2>) -> Self {
        Self { first, rest: Vec::new() }
    }

    /// A one-qubit gate of the table.
    pub fn gate(gate: Gate, params: &[Param]) -> Self {
        if let Some(values) = numbers(params) {
            return Self::fixed(from_matrix(&(gate.row().matrix)(&values)));
        }
        // Rx = H Rz H and Ry = S Rx S†. The other gates with angles are products of these.
        let (z, x) = (|a: Param| Self::rz(a), |a: Param| Self::rz(a).between(&hadamard(), &hadamard()));
        let y = |a: Param| x(a).between(&phase(FRAC_PI_2), &phase(-FRAC_PI_2));
        let zyz = |theta: Param, phi: Param, lambda: Param| z(lambda).then(&y(theta)).then(&z(phi));
        match (gate, params) {
            (Gate::Rx, &[theta]) => x(theta),
            (Gate::Ry, &[theta]) => y(theta),
            (Gate::Rz | Gate::P, &[theta]) => z(theta),
            (Gate::R, &[theta, phi]) => z(-phi).then(&x(theta)).then(&z(phi)),
            (Gate::U2, &[phi, lambda]) => zyz(Param::Fixed(FRAC_PI_2), phi, lambda),
            (Gate::U, &[theta, phi, lambda]) => zyz(theta, phi, lambda),
            // A row added to the table with other angles: its definition ends on the rows above.
            _ => (gate.row().definition)(params)
                .iter()
                .fold(Self::identity(), |run, (gate, _, params)| run.then(&Self::gate(*gate, params))),
        }
    }

    /// A rotation about Z.
    pub fn rz(angle: Param) -> Self {
        let mut run = Self::identity();
        run.push_rz(angle);
        run
    }

    /// `before`, then `self`, then `after`.
    fn between(&self, after: &Small<2>, before: &Small<2>) -> Self {
        let mut run = Self::fixed(*before).then(self);
        run.push_fixed(after);
        run
    }

    fn then(mut self, later: &Self) -> Self {
        self.push(later);
        self
    }

    /// Appends `later`.
    pub fn push(&mut self, later: &Self) {
        self.push_fixed(&later.first);
        for (angle, matrix) in &later.rest {
            self.push_rz(*angle);
            self.push_fixed(matrix);
        }
    }

    /// Appends a fixed unitary.
    pub fn push_fixed(&mut self, matrix: &Small<2>) {
        let last = self.last_mut();
        *last = product(matrix, last);
    }

    /// Appends a Z rotation, joining it with an earlier one by the same slot if only diagonal matrices lie between.
    pub fn push_rz(&mut self, angle: Param) {
        let Param::Slot { slot, scale, offset } = angle else {
            return self.push_fixed(&phase(angle.value(&[])));
        };
        // Rz(a) X = X Rz(-a): a bit flip waits behind the rotation, where a later matrix may absorb it.
        let flip = is_antidiagonal(self.last());
        let (scale, offset) = if flip { (-scale, -offset) } else { (scale, offset) };
        let held = if flip { std::mem::replace(self.last_mut(), one()) } else { one() };
        let mut same = None;
        for k in (0..self.rest.len()).rev() {
            let (earlier, after) = &self.rest[k];
            if !is_diagonal(after) {
                break;
            }
            if matches!(earlier, Param::Slot { slot: s, .. } if *s == slot) {
                same = Some(k);
                break;
            }
        }
        match same {
            Some(k) => {
                let Param::Slot { scale: s, offset: o, .. } = self.rest[k].0 else { unreachable!("matched above") };
                if s + scale == 0.0 {
                    let (_, after) = self.rest.remove(k);
                    let fixed = product(&after, &phase(o + offset));
                    let before = if k == 0 { &mut self.first } else { &mut self.rest[k - 1].1 };
                    *before = product(&fixed, before);
                } else {
                    self.rest[k].0 = Param::Slot { slot, scale: s + scale, offset: o + offset };
                }
            }
            None => self.rest.push((Param::Slot { slot, scale, offset }, one())),
        }
        self.push_fixed(&held);
    }

    pub fn last(&self) -> &Small<2> {
        self.rest.last().map_or(&self.first, |(_, matrix)| matrix)
    }

    fn last_mut(&mut self) -> &mut Small<2> {
        self.rest.last_mut().map_or(&mut self.first, |(_, matrix)| matrix)
    }

    /// The unitary, if no slot is in it.
    pub fn fixed_matrix(&self) -> Option<&Small<2>> {
        self.rest.is_empty().then_some(&self.first)
    }

    pub fn is_identity(&self) -> bool {
        self.rest.is_empty()
            && is_diagonal(&self.first)
            && (self.first[0][0] - self.first[1][1]).norm_sqr() < CLOSE * CLOSE
    }

    /// Number of √X pulses it takes, X counted as one.
    pub fn pulses(&self) -> usize {
        let of = |m: &Small<2>| match euler(m).0 {
            0.0 => 0,
            theta if theta == FRAC_PI_2 || theta == PI => 1,
            _ => 2,
        };
        of(&self.first) + self.rest.iter().map(|(_, matrix)| of(matrix)).sum::<usize>()
    }

    /// Whether it commutes with Z.
    pub fn is_diagonal(&self) -> bool {
        is_diagonal(&self.first) && self.rest.iter().all(|(_, matrix)| is_diagonal(matrix))
    }

    /// Takes away what comes last and commutes with a CZ, up to a Z on the other qubit, and returns it.
    pub fn pull_diagonal(&mut self) -> DiagonalPart {
        let mut moved = DiagonalPart { run: Self::identity(), flips: false };
        loop {
            let flips = is_antidiagonal(self.last());
            if flips || is_diagonal(self.last()) {
                moved.flips ^= flips;
                let last = std::mem::replace(self.last_mut(), one());
                moved.run = Self::fixed(last).then(&moved.run);
            } else {
                // Rz(φ) Ry(θ) Rz(λ): the first factor goes. e^{iφ} is the phase of the lower left entry against the
                // upper left one, and neither vanishes.
                let m = self.last();
                let ratio = m[1][0] * m[0][0].conj();
                let unit = ratio / ratio.norm();
                self.push_fixed(&unit_phase(unit.conj()));
                moved.run = Self::fixed(unit_phase(unit)).then(&moved.run);
                return moved;
            }
            match self.rest.pop() {
                Some((angle, _)) => moved.run = Self::rz(angle).then(&moved.run),
                None => return moved,
            }
        }
    }
}

/// The values of `params` if all are numbers.
pub(super) fn numbers(params: &[Param]) -> Option<Vec<f64>> {
    params.iter().map(|p| if let Param::Fixed(value) = p { Some(*value) } else { None }).collect()
}

/// `(θ, φ, λ)` with `m = Rz(φ) Ry(θ) Rz(λ)` up to phase, θ in [0, π] and exact at 0, π/2 and π.
pub(super) fn euler(m: &Small<2>) -> (f64, f64, f64) {
    let theta = 2.0 * m[1][0].norm().atan2(m[0][0].norm());
    if theta < CLOSE {
        (0.0, (m[1][1] * m[0][0].conj()).arg(), 0.0)
    } else if PI - theta < CLOSE {
        (PI, (m[1][0] * -m[0][1].conj()).arg(), 0.0)
    } else {
        // The argument of a small entry is known badly. Near θ = 0 only φ + λ matters and near π only φ - λ, so λ is taken
        // such that the small entries of φ cancel in it.
        let lambda = if theta < FRAC_PI_2 { m[1][1] * m[1][0].conj() } else { -m[0][1] * m[0][0].conj() };
        let theta = if (theta - FRAC_PI_2).abs() < CLOSE { FRAC_PI_2 } else { theta };
        (theta, (m[1][0] * m[0][0].conj()).arg(), lambda.arg())
    }
}

pub(super) fn is_diagonal(m: &Small<2>) -> bool {
    m[0][1].norm_sqr() < CLOSE * CLOSE
}

pub(super) fn is_antidiagonal(m: &Small<2>) -> bool {
    m[0][0].norm_sqr() < CLOSE * CLOSE
}

/// `diag(1, exp(i angle))`.
pub(super) fn phase(angle: f64) -> Small<2> {
    unit_phase(C64::from_polar(1.0, angle))
}

/// `diag(1, unit)`.
fn unit_phase(unit: C64) -> Small<2> {
    [[c(1.0, 0.0), c(0.0, 0.0)], [c(0.0, 0.0), unit]]
}

pub(super) fn flip() -> Small<2> {
    [[c(0.0, 0.0), c(1.0, 0.0)], [c(1.0, 0.0), c(0.0, 0.0)]]
}

pub(super) fn hadamard() -> Small<2> {
    let h = c(std::f64::consts::FRAC_1_SQRT_2, 0.0);
    [[h, h], [h, -h]]
}

/// `cos(θ/2) - i sin(θ/2) Y`.
pub(super) fn ry(theta: f64) -> Small<2> {
    let (sin, cos) = (theta / 2.0).sin_cos();
    [[c(cos, 0.0), c(-sin, 0.0)], [c(sin, 0.0), c(cos, 0.0)]]
}
