//! Loss of energy and of phase.

use crate::math::matrix::{C64, real};
use crate::math::{Matrix, Seconds};
use crate::noise::{Channel, NoiseError};

/// Decay from |1⟩ to |0⟩ with probability `gamma`.
///
/// # Errors
/// If `gamma` is not in [0, 1].
pub fn amplitude_damping(gamma: f64) -> Result<Channel, NoiseError> {
    Channel::named("amplitude_damping", &[gamma])
}

/// Relaxation for `time` towards a population `excited` of |1⟩:
/// `ρ11 → excited + (ρ11 - excited) e^{-t/T1}`, `ρ01 → e^{-t/T2} ρ01`.
///
/// Infinite times are allowed and mean that nothing decays.
///
/// # Errors
/// If a time is not positive, `time` is negative, `excited` is no probability, or T2 > 2 T1.
pub fn thermal_relaxation(t1: Seconds, t2: Seconds, time: Seconds, excited: f64) -> Result<Channel, NoiseError> {
    Channel::named("thermal_relaxation", &[t1.0, t2.0, time.0, excited])
}

/// What relaxation does in a given time to the diagonal and to the coherences of one qubit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Decay {
    /// `e^{-t/T1}`.
    pub population: f64,
    /// `e^{-t/T2}`.
    pub coherence: f64,
    /// Population of |1⟩ in equilibrium.
    pub excited: f64,
}

impl Decay {
    /// The most general channel of this form: `ρ00 → (1 - up) ρ00 + down ρ11`, `ρ01 → coherence ρ01`.
    ///
    /// Its Choi matrix is `[[a, 0, 0, e], [0, up, 0, 0], [0, 0, down, 0], [e, 0, 0, d]]` with `a = 1 - up`,
    /// `d = 1 - down`; the Kraus operators are its eigenvectors, in closed form for any ratio of T2 to T1. Eigenvalues with
    /// operators of norm one.
    pub fn weighted_operators(self) -> Vec<(f64, Matrix)> {
        let lost = 1.0 - self.population;
        let (up, down) = (self.excited * lost, (1.0 - self.excited) * lost);
        let (a, d, e) = (1.0 - up, 1.0 - down, self.coherence);
        let large = (a + d) / 2.0 + ((a - d) / 2.0).hypot(e);
        // a·d - e² over the other eigenvalue, because their difference would cancel. Rounding may leave it just
        // below zero where T2 = 2 T1.
        let small = ((a * d - e * e) / large).max(0.0);
        let (sin, cos) = (0.5 * (2.0 * e).atan2(a - d)).sin_cos();
        vec![
            (large, real([[cos, 0.0], [0.0, sin]])),
            (small, real([[-sin, 0.0], [0.0, cos]])),
            (down, real([[0.0, 1.0], [0.0, 0.0]])),
            (up, real([[0.0, 0.0], [1.0, 0.0]])),
        ]
    }

    /// The Kraus operators that are not zero.
    pub fn kraus(self) -> Vec<Matrix> {
        scaled(self.weighted_operators())
    }

    /// `Σ|tr K|²/4`, the process fidelity with the identity; it does not depend on `excited`.
    pub fn process_fidelity(self) -> f64 {
        (1.0 + self.population + 2.0 * self.coherence) / 4.0
    }
}

pub(super) fn relaxation_row(values: &[f64]) -> Result<Channel, NoiseError> {
    let &[t1, t2, time, excited] = values else { unreachable!("the row has checked the number of values") };
    if t2 > 2.0 * t1 {
        return Err(NoiseError::Parameter {
            channel: "thermal_relaxation",
            parameter: "T2",
            value: t2,
            expected: format!("at most 2 T1 = {} s", 2.0 * t1),
        });
    }
    let decay = Decay { population: (-time / t1).exp(), coherence: (-time / t2).exp(), excited };
    Channel::kraus("thermal_relaxation", decay.kraus())
}

/// Damping by `gamma` towards a population `excited`, coherences damped by `√(1 - gamma)`.
pub(super) fn amplitude_row(name: &'static str, gamma: f64, excited: f64) -> Result<Channel, NoiseError> {
    let decay = Decay { population: 1.0 - gamma, coherence: (1.0 - gamma).sqrt(), excited };
    Channel::kraus(name, decay.kraus())
}

pub(super) fn phase_damping_row(lambda: f64) -> Result<Channel, NoiseError> {
    let keep = real([[1.0, 0.0], [0.0, (1.0 - lambda).sqrt()]]);
    let lose = real([[0.0, 0.0], [0.0, lambda.sqrt()]]);
    Channel::kraus("phase_damping", vec![keep, lose])
}

pub(super) fn reset_row(to_zero: f64, to_one: f64) -> Result<Channel, NoiseError> {
    if to_zero + to_one > 1.0 + 1e-12 {
        return Err(NoiseError::Parameter {
            channel: "reset",
            parameter: "p0 + p1",
            value: to_zero + to_one,
            expected: "0 to 1".into(),
        });
    }
    let weighted = vec![
        ((1.0 - to_zero - to_one).max(0.0), real([[1.0, 0.0], [0.0, 1.0]])),
        (to_zero, real([[1.0, 0.0], [0.0, 0.0]])),
        (to_zero, real([[0.0, 1.0], [0.0, 0.0]])),
        (to_one, real([[0.0, 0.0], [1.0, 0.0]])),
        (to_one, real([[0.0, 0.0], [0.0, 1.0]])),
    ];
    Channel::kraus("reset", scaled(weighted))
}

/// Each operator times the root of its weight, without those of weight zero.
fn scaled(weighted: Vec<(f64, Matrix)>) -> Vec<Matrix> {
    let present = weighted.into_iter().filter(|(weight, _)| *weight > 0.0);
    present.map(|(weight, operator)| operator * C64::from(weight.sqrt())).collect()
}
