//! What a trained circuit head is judged under.

use std::fmt;

use crate::systems::qtl::spec::Judge;

/// Noise and shots of one judgement.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// Device whose noise is on; `None` is the ideal circuit.
    pub device: Option<String>,
    /// Factor on the device's noise.
    pub scale: f64,
    /// Number of shots; `None` takes exact expectation values.
    pub shots: Option<u64>,
}

impl Setting {
    /// The ideal circuit with exact expectation values.
    pub const IDEAL: Self = Self { device: None, scale: 1.0, shots: None };

    /// Every setting of a spec, [`Setting::IDEAL`] first.
    pub fn all(judge: &Judge) -> Vec<Self> {
        let mut settings = vec![Self::IDEAL];
        for device in std::iter::once(None).chain(judge.devices.iter().cloned().map(Some)) {
            let exact = Self { device, ..Self::IDEAL };
            if exact.device.is_some() {
                settings.push(exact.clone());
                let others = judge.scales.iter().filter(|scale| **scale != 1.0);
                settings.extend(others.map(|&scale| Self { scale, ..exact.clone() }));
            }
            settings.extend(judge.shots.iter().map(|&shots| Self { shots: Some(shots), ..exact.clone() }));
        }
        settings
    }

    /// Whether it is the calibrated (or no) noise, not a point of the noise curve.
    pub fn is_calibrated(&self) -> bool {
        self.scale == 1.0
    }
}

/// The name in tables, without the scale: "ideal", "1024 shots", "manila", "manila, 1024 shots".
impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.device, self.shots) {
            (None, None) => f.write_str("ideal"),
            (None, Some(shots)) => write!(f, "{shots} shots"),
            (Some(device), None) => f.write_str(device),
            (Some(device), Some(shots)) => write!(f, "{device}, {shots} shots"),
        }
    }
}
