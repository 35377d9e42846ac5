//! A head as the settings of a system name it: a row of the table of heads, and perhaps the device it is trained on.

use crate::nn::NnError;
use crate::nn::head::{Body, CircuitConfig, HeadConfig, HeadModel, HeadRow};
use crate::sim::{Condition, Executions};

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

    /// A head of this choice as it is trained: its circuit compiled for the device that it names. One that names none stays as
    /// it is.
    ///
    /// # Errors
    /// If the circuit cannot be compiled for the device.
    pub fn trained(&self, head: &HeadModel, executions: &Executions, seed: u64) -> Result<HeadModel, NnError> {
        match &self.device {
            Some(device) => head.compile(executions, &Condition::on_device(device), seed),
            None => Ok(head.clone()),
        }
    }
}
