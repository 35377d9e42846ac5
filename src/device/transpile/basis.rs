//! Runs of one-qubit gates in the gates of a device.

use std::f64::consts::{FRAC_PI_2, PI};

use crate::circuit::{Gate, Param};
use crate::device::transpile::TranspileError;
use crate::device::transpile::one_qubit_run::{CLOSE, euler, phase};
use crate::math::small::Small;

/// How runs are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Basis {
    /// Z rotations (free) and √X pulses, with X and X rotations as one pulse where they are native.
    RootX { z: Gate, x: Option<Gate>, rx: Option<Gate> },
    /// The general gate `U(θ, φ, λ)`, with Z rotations where they are native.
    General { z: Option<Gate> },
    /// Z and X rotations.
    RotationX { z: Gate },
}

impl Basis {
    /// The cheapest way the native gates allow.
    pub fn of(native: &[Gate]) -> Result<Self, TranspileError> {
        let has = |gate: Gate| native.contains(&gate).then_some(gate);
        let z = has(Gate::Rz).or(has(Gate::P));
        match (z, has(Gate::Sx), has(Gate::U), has(Gate::Rx)) {
            (Some(z), Some(_), _, rx) => Ok(Self::RootX { z, x: has(Gate::X), rx }),
            (z, _, Some(_), _) => Ok(Self::General { z }),
            (Some(z), _, _, Some(_)) => Ok(Self::RotationX { z }),
            _ => Err(TranspileError::NoBasis { found: native.iter().map(|g| g.name().to_string()).collect() }),
        }
    }
}

/// Z rotations that are not written yet. They commute, so there is one per slot and one number.
#[derive(Default)]
pub(super) struct Angle {
    /// One for each slot.
    pub slots: Vec<Param>,
    /// The number.
    pub fixed: f64,
}

impl Angle {
    pub fn add(&mut self, angle: Param) {
        match angle {
            Param::Fixed(value) => self.fixed += value,
            slot => self.slots.push(slot),
        }
    }
}

/// `angle` plus whole turns, in (-π, π].
pub(super) fn wrapped(angle: f64) -> f64 {
    let turned = angle.rem_euclid(2.0 * PI);
    if turned > PI + CLOSE { turned - 2.0 * PI } else { turned }
}

/// Gates on one qubit with their angles.
pub(super) type Gates = Vec<(Gate, Vec<Param>)>;

impl Basis {
    /// Appends `later · Rz(param) · earlier` as one X rotation where that is native and both turn Z into the equator, and
    /// returns the Z rotation that is left behind it.
    ///
    /// With Ry(π/2) = H Z: Ry(π/2) Rz(β) Ry(π/2) = Rx(β + π) Z up to phase.
    pub fn rotation_x(
        self,
        earlier: &Small<2>,
        param: Param,
        later: &Small<2>,
        angle: &mut Angle,
        gates: &mut Gates,
    ) -> Option<Small<2>> {
        if !matches!(self, Self::RotationX { .. } | Self::RootX { rx: Some(_), .. }) {
            return None;
        }
        let ((theta, phi, lambda), (later_theta, later_phi, later_lambda)) = (euler(earlier), euler(later));
        if theta != FRAC_PI_2 || later_theta != FRAC_PI_2 {
            return None;
        }
        angle.fixed += lambda + PI;
        self.flush(angle, gates);
        gates.push((Gate::Rx, vec![param + wrapped(later_lambda + phi + PI)]));
        Some(phase(later_phi))
    }

    /// Appends a fixed unitary: its pulses to `gates`, the Z rotation that comes last to `angle`.
    pub fn matrix(self, m: &Small<2>, angle: &mut Angle, gates: &mut Gates) {
        let (theta, phi, lambda) = euler(m);
        if theta == 0.0 {
            angle.fixed += phi;
            return;
        }
        angle.fixed += lambda;
        match self {
            // U(θ, φ, λ) = Rz(φ + π) √X Rz(θ + π) √X Rz(λ), with one pulse less at θ = π/2 and π
            // (McKay et al. 2017, arXiv 1612.00858, eq. 8).
            Self::RootX { x: Some(x), .. } if theta == PI => {
                self.flush(angle, gates);
                gates.push((x, vec![]));
                angle.fixed += phi + PI;
            }
            Self::RootX { .. } if theta == FRAC_PI_2 => {
                angle.fixed -= FRAC_PI_2;
                self.flush(angle, gates);
                gates.push((Gate::Sx, vec![]));
                angle.fixed += phi + FRAC_PI_2;
            }
            Self::RootX { rx: None, .. } => {
                // Ry(θ) Rz(π) = Rz(π) Ry(-θ), and the last Z rotation may join what follows.
                let is_turned = angle.slots.is_empty() && PI - wrapped(angle.fixed).abs() < CLOSE;
                let (theta, phi) = if is_turned { (-theta, phi + PI) } else { (theta, phi) };
                angle.fixed = if is_turned { 0.0 } else { angle.fixed };
                self.flush(angle, gates);
                gates.push((Gate::Sx, vec![]));
                angle.fixed += theta + PI;
                self.flush(angle, gates);
                gates.push((Gate::Sx, vec![]));
                angle.fixed += phi + PI;
            }
            Self::General { .. } => {
                // One slot fits into the gate itself, the others come before it.
                let last = angle.slots.pop().unwrap_or(Param::Fixed(0.0)) + wrapped(angle.fixed);
                angle.fixed = 0.0;
                self.flush(angle, gates);
                gates.push((Gate::U, vec![Param::Fixed(theta), Param::Fixed(wrapped(phi)), last]));
            }
            // Ry(θ) = Rz(π/2) Rx(θ) Rz(-π/2).
            Self::RotationX { .. } | Self::RootX { .. } => {
                angle.fixed -= FRAC_PI_2;
                self.flush(angle, gates);
                gates.push((Gate::Rx, vec![Param::Fixed(theta)]));
                angle.fixed += phi + FRAC_PI_2;
            }
        }
    }

    /// Writes the Z rotations in `angle`.
    pub fn flush(self, angle: &mut Angle, gates: &mut Gates) {
        let fixed = wrapped(std::mem::take(&mut angle.fixed));
        let mut slots = std::mem::take(&mut angle.slots);
        match slots.first_mut() {
            Some(first) => *first = *first + fixed,
            None if fixed.abs() > CLOSE => slots.push(Param::Fixed(fixed)),
            None => {}
        }
        for slot in slots {
            gates.push(match self {
                Self::RootX { z, .. } | Self::RotationX { z } | Self::General { z: Some(z) } => (z, vec![slot]),
                Self::General { z: None } => (Gate::U, vec![Param::Fixed(0.0), Param::Fixed(0.0), slot]),
            });
        }
    }
}
