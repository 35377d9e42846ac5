//! A head as the settings name it: a row of the table of heads, and perhaps the device it is trained on.

use crate::nn::NnError;
use crate::nn::head::{Body, CircuitConfig, HeadConfig, HeadRow};
use crate::sim::Condition;
use crate::systems::conditions::Evaluated;
use crate::systems::qtl::conditions::is_calibrated;

/// A head to train.
#[derive(Clone)]
pub struct HeadChoice {
    /// Its name in tables: `NAME` or `NAME@DEVICE`.
    pub label: String,
    /// The head.
    pub config: HeadConfig,
    /// The device whose noise acts in training, in place of the condition of the settings.
    pub device: Option<String>,
}

/// What a head is compared as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// No circuit.
    Classical,
    /// A trained circuit with entanglers.
    Quantum,
    /// A circuit with something taken away: if that mattered, the head is worse.
    Control,
}

impl HeadChoice {
    /// The head of this label with the circuit of the settings.
    ///
    /// # Errors
    /// If the name is in no table, or a head without a circuit names a device.
    pub fn named(label: &str, circuit: &CircuitConfig) -> Result<Self, NnError> {
        let (name, device) = label.split_once('@').map_or((label, None), |(name, device)| (name, Some(device)));
        let row = HeadRow::named(name)?;
        if device.is_some() && matches!(row.body, Body::Layers { .. }) {
            let reason = "only a head with a circuit or a quantum kernel can be trained under the noise of a device";
            return Err(NnError::Setting { field: "heads", value: label.into(), reason });
        }
        let config = HeadConfig { row, circuit: circuit.clone() };
        Ok(Self { label: label.into(), config, device: device.map(String::from) })
    }

    /// One line for people.
    pub fn doc(&self) -> String {
        match &self.device {
            None => self.config.row.doc.to_string(),
            Some(device) if matches!(self.config.row.body, Body::Kernel) => {
                format!("{}; each fidelity of the training is a run under the noise of {device}", self.config.row.doc)
            }
            Some(device) => format!("{}; trained under the noise of {device}", self.config.row.doc),
        }
    }

    /// The condition that it is trained under; ideal for a head without a circuit.
    pub fn condition(&self, of_settings: &Condition) -> Condition {
        match &self.device {
            None if !self.has_circuit() => Condition::default(),
            Some(device) => Condition { device: Some(device.clone()), ..of_settings.clone() },
            None => of_settings.clone(),
        }
    }

    /// Whether it runs a circuit that noise and shots act on.
    pub fn has_circuit(&self) -> bool {
        self.config.row.is_dressed()
    }

    /// Whether it is evaluated under noise or with shots: a head with a circuit, or a kernel of a device.
    pub fn meets_noise(&self) -> bool {
        self.has_circuit() || self.device.is_some()
    }

    /// The conditions among `all` that it is evaluated under. A kernel, which runs a circuit for each pair of rows, is evaluated
    /// under the calibrated noise of its own device alone.
    pub fn evaluated_under<'a>(&'a self, all: &'a [Evaluated]) -> impl Iterator<Item = &'a Evaluated> {
        let is_own = |condition: &Condition| condition.device == self.device && is_calibrated(condition);
        all.iter().filter(move |other| self.has_circuit() || (self.device.is_some() && is_own(&other.condition)))
    }

    /// What it is compared as.
    pub fn family(&self) -> Family {
        match self.config.row.body {
            Body::Layers { .. } => Family::Classical,
            Body::Dressed { entangle: true } if self.config.row.name != "frozen_quantum" => Family::Quantum,
            Body::Dressed { .. } => Family::Control,
            Body::Kernel => Family::Quantum,
        }
    }
}
