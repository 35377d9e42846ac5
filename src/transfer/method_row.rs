//! A row of the table of transfer methods.

use crate::nn::{LayerGroups, NnError};
use crate::transfer::methods::METHODS;
use crate::transfer::{MethodSetting, MethodSettings, Transfer};

/// A way to transfer.
pub struct MethodRow {
    /// Name in specs and listings.
    pub name: &'static str,
    /// One line for people: what it does, its paper and equation.
    pub doc: &'static str,
    /// What a task must have for it.
    pub need: Option<Need>,
    /// The method for a network in these layers, with its usual constants but for those that are given.
    pub make: fn(&LayerGroups, &mut MethodSettings) -> Box<dyn Transfer>,
}

/// What a task must have for a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Training rows of several domains.
    Domains,
    /// Outputs that are scores of classes.
    Classes,
}

impl Need {
    /// "training rows of several domains".
    pub const fn text(self) -> &'static str {
        match self {
            Self::Domains => "training rows of several domains",
            Self::Classes => "outputs that are scores of classes",
        }
    }
}

impl MethodRow {
    /// The row of this name.
    ///
    /// # Errors
    /// If there is none, with the nearest name.
    pub fn named(name: &str) -> Result<&'static Self, NnError> {
        let names = METHODS.iter().map(|row| row.name);
        METHODS.iter().find(|row| row.name == name).ok_or_else(|| NnError::unknown("method", "methods", name, names))
    }

    /// The method with its usual constants, for a network in these layers.
    pub fn method(&self, groups: &LayerGroups) -> Box<dyn Transfer> {
        (self.make)(groups, &mut MethodSettings::default())
    }

    /// The numbers that may be set, with their usual values.
    pub fn settings(&self) -> Vec<MethodSetting> {
        let mut settings = MethodSettings::default();
        (self.make)(&LayerGroups::default(), &mut settings);
        settings.known
    }
}
