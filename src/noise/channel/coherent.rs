//! Errors that are unitary: they add in amplitude where the others add in probability.

use crate::circuit::Gate;
use crate::noise::{Channel, NoiseError};

/// A rotation gate by a small angle, as a channel.
pub(super) fn rotation(name: &'static str, gate: Gate, angle: f64) -> Result<Channel, NoiseError> {
    Channel::kraus(name, vec![(gate.row().matrix)(&[angle])])
}

/// `exp(-i 2π ζ t ZZ/4)`, which is `rzz(π ζ t)`.
pub(super) fn zz_crosstalk(shift: f64, time: f64) -> Result<Channel, NoiseError> {
    rotation("zz_crosstalk", Gate::Rzz, std::f64::consts::PI * shift * time)
}
