//! How the high level is learned.

use crate::nn::LayerGroups;
use crate::study::StudyError;
use crate::transfer::{Hatl, MethodRow, Rule, Transfer};

/// Where the network starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// From its initial weights.
    Fresh,
    /// From the low level.
    Low,
    /// From the low level with its energies and forces shuffled among the frames.
    Shuffled,
}

/// An arm.
pub struct ArmRow {
    /// Name on the command line.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// Where the network starts; `None` where there is no network.
    pub start: Option<Start>,
    /// Row of the table of transfer methods; `None` where nothing is trained.
    pub method: Option<&'static str>,
    /// Whether the network learns the difference of the levels, to which the low level is added.
    pub is_difference: bool,
}

/// Every arm.
pub static ARMS: &[ArmRow] = &[
    ArmRow {
        name: "scratch",
        doc: "from the start",
        start: Some(Start::Fresh),
        method: Some("full"),
        is_difference: false,
    },
    ArmRow {
        name: "fine_tuned",
        doc: "after the low level, all weights",
        start: Some(Start::Low),
        method: Some("full"),
        is_difference: false,
    },
    ArmRow {
        name: "layer_rates",
        doc: "after the low level, lower layers more slowly",
        start: Some(Start::Low),
        method: Some("layer_rates"),
        is_difference: false,
    },
    ArmRow {
        name: "hatl",
        doc: "after the low level, layers released from the readout down when the validation loss is on a plateau",
        start: Some(Start::Low),
        method: Some("hatl"),
        is_difference: false,
    },
    ArmRow {
        name: "frozen",
        doc: "after the low level, the readout alone",
        start: Some(Start::Low),
        method: Some("frozen"),
        is_difference: false,
    },
    ArmRow {
        name: "delta",
        doc: "from the start, the difference of the levels; the low level is computed and added",
        start: Some(Start::Fresh),
        method: Some("full"),
        is_difference: true,
    },
    ArmRow {
        name: "untuned",
        doc: "the network of the low level, with energies of atoms fitted to the high level",
        start: Some(Start::Low),
        method: None,
        is_difference: false,
    },
    ArmRow {
        name: "force_field",
        doc: "the low level itself, with energies of atoms fitted to the high level",
        start: None,
        method: None,
        is_difference: true,
    },
    ArmRow {
        name: "shuffled",
        doc: "control: after a low level whose energies and forces are those of other frames",
        start: Some(Start::Shuffled),
        method: Some("full"),
        is_difference: false,
    },
];

/// Rows of the part on dynamics: those that keep a network without a force field.
pub const MOVED: [&str; 2] = ["scratch", "fine_tuned"];

impl ArmRow {
    /// The arm of this name.
    ///
    /// # Errors
    /// If there is none.
    pub fn named(name: &str) -> Result<&'static Self, StudyError> {
        let found = ARMS.iter().find(|row| row.name == name);
        found.ok_or_else(|| StudyError::unknown("arm", name, ARMS.iter().map(|row| row.name)))
    }

    /// Its method on these layers.
    ///
    /// # Errors
    /// If it trains nothing.
    pub fn transfer(&self, groups: &LayerGroups) -> Result<Box<dyn Transfer>, StudyError> {
        // The metric is a negative loss of any scale, so the rule goes by its noise.
        let rule = Rule {
            warm_up: 3,
            patience: 1,
            cooldown: 2,
            in_noise: true,
            plateau: 1.0,
            near_best: 1.5,
            floor: f64::NEG_INFINITY,
            ..Rule::default()
        };
        match self.method {
            Some("hatl") => Ok(Box::new(Hatl::new(groups, rule))),
            name => Ok(MethodRow::named(name.unwrap_or("none"))?.method(groups)),
        }
    }
}
