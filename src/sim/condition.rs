//! What a circuit is run under: device, noise, shots, mitigation.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::noise::model::{NoiseModel, NoiseOptions, Scale};
use crate::sim::Error;
use crate::sim::mitigate::{Apply, MitigationRow};

/// A condition under which a circuit is run. The default is ideal and exact. Seeds are no part of it: they are an
/// argument of compiling.
///
/// ```
/// use qgraft::sim::Condition;
/// let noisy = Condition { scale: 2.0, shots: Some(1024), ..Condition::on_device("torino") };
/// assert_eq!(noisy.to_string(), "torino x2, 1024 shots");
/// assert_eq!(Condition::default().to_string(), "ideal");
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Condition {
    /// A shipped device or a calibration file; `None` runs the circuit as it is, without noise.
    pub device: Option<String>,
    /// Row of the noise-model table.
    pub model: String,
    /// The sources of noise that act: "all", "none", or one row of the table of sources.
    pub source: String,
    /// Factor on these sources, 0 or more; 1 is as calibrated.
    pub scale: f64,
    /// Shots for each basis and row; `None` takes exact expectation values.
    pub shots: Option<usize>,
    /// Row of the mitigation table.
    pub mitigation: Option<String>,
}

impl Default for Condition {
    fn default() -> Self {
        Self { device: None, model: "aer".into(), source: "all".into(), scale: 1.0, shots: None, mitigation: None }
    }
}

impl Condition {
    /// The calibrated noise of `device` under the default model, exact.
    pub fn on_device(device: impl Into<String>) -> Self {
        Self { device: Some(device.into()), ..Self::default() }
    }

    /// Whether every name is in its table and every number in its range. The device is not looked up.
    ///
    /// # Errors
    /// If one is not; the message names it.
    pub fn check(&self) -> Result<(), Error> {
        self.noise_model(NoiseOptions::default())?;
        self.mitigation()?;
        if self.shots == Some(0) {
            return Err(Error::Condition { field: "shots", value: "0".into(), expected: "1 or more" });
        }
        Ok(())
    }

    /// The model with these options and the factors of the condition.
    pub(crate) fn noise_model(&self, options: NoiseOptions) -> Result<NoiseModel, Error> {
        let scale = Scale::of_source(&self.source, self.scale)?;
        Ok(NoiseModel::named(&self.model)?.with(NoiseOptions { scale, ..options })?)
    }

    /// The mitigation method, if any.
    pub(crate) fn mitigation(&self) -> Result<Option<&'static MitigationRow>, Error> {
        let Some(name) = &self.mitigation else { return Ok(None) };
        let row = MitigationRow::named(name)?;
        if self.device.is_none() && matches!(row.apply, Apply::Circuit(_)) {
            let expected = "a condition with a device: this method needs the device's schedule";
            return Err(Error::Condition { field: "mitigation", value: name.clone(), expected });
        }
        Ok(Some(row))
    }
}

/// For tables: the device with its factor, the source unless it is all of them, the mitigation, the shots. The model is
/// left out, since a table has one.
impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if let Some(device) = &self.device {
            let factor = if self.scale == 1.0 { String::new() } else { format!(" x{}", self.scale) };
            parts.push(match self.source.as_str() {
                "all" => format!("{device}{factor}"),
                "none" => format!("{device} without noise"),
                source => format!("{device} {source}{factor}"),
            });
        }
        parts.extend(self.mitigation.clone());
        parts.extend(self.shots.map(|shots| format!("{shots} shots")));
        if parts.is_empty() {
            parts.push("ideal".into());
        }
        f.write_str(&parts.join(", "))
    }
}
