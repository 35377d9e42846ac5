//! What is compared: who learns when.

use crate::nn::LayerGroups;
use crate::study::StudyError;
use crate::transfer::schedule::{ChainThaw, Frozen, Full, Gradual, LayerRates};
use crate::transfer::{Hatl, Rule, Transfer};

/// One schedule.
pub struct ArmRow {
    /// Name on the command line.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// Whether the backbone starts from its initial values instead of the source's.
    pub fresh: bool,
    /// Who learns when.
    pub schedule: Schedule,
}

/// Who learns when.
pub enum Schedule {
    /// Layers are released by a rule, which is made of the spec's.
    Rule(fn(Rule) -> Rule),
    /// Layers are released at even distances, as many as by the arm `hatl` under the same seed.
    Even,
    /// By the epoch alone, in a training of so many epochs.
    Given(fn(&LayerGroups, usize) -> Box<dyn Transfer>),
}

/// Every arm. Those behind `hatl` lack one of its parts.
pub static ARMS: &[ArmRow] = &[
    ArmRow {
        name: "hatl",
        doc: "blocks are released from the translator down when the dev metric stands near its best",
        fresh: false,
        schedule: Schedule::Rule(|rule| rule),
    },
    ArmRow {
        name: "no_restore",
        doc: "hatl, but a release goes on from the current parameters instead of the best",
        fresh: false,
        schedule: Schedule::Rule(|rule| Rule { restore: false, ..rule }),
    },
    ArmRow {
        name: "one_rate",
        doc: "hatl, but every released block moves at the translator's rate",
        fresh: false,
        schedule: Schedule::Rule(|rule| Rule { ratio: 1.0, ..rule }),
    },
    ArmRow {
        name: "bottom_up",
        doc: "hatl, but from the input up",
        fresh: false,
        schedule: Schedule::Rule(|rule| Rule { top_down: false, ..rule }),
    },
    ArmRow {
        name: "fixed",
        doc: "hatl, but as many releases at even distances, whatever the metric says",
        fresh: false,
        schedule: Schedule::Even,
    },
    ArmRow {
        name: "frozen",
        doc: "the backbone stays as the source left it",
        fresh: false,
        schedule: Schedule::Given(|groups, _| Box::new(Frozen::new(groups))),
    },
    ArmRow {
        name: "full",
        doc: "everything moves from the start",
        fresh: false,
        schedule: Schedule::Given(|_, _| Box::new(Full)),
    },
    ArmRow {
        name: "gradual",
        doc: "one more block every fifth of the first half of the epochs, all at one rate",
        fresh: false,
        schedule: Schedule::Given(|groups, epochs| {
            Box::new(Gradual { every: (epochs / 2 / groups.len()).max(1), ..Gradual::new(groups) })
        }),
    },
    ArmRow {
        name: "chain_thaw",
        doc: "the translator, then each block alone, then everything, for a sixth of the epochs each",
        fresh: false,
        schedule: Schedule::Given(|groups, epochs| {
            Box::new(ChainThaw { every: (epochs / (groups.len() + 1)).max(1), ..ChainThaw::new(groups) })
        }),
    },
    ArmRow {
        name: "layer_rates",
        doc: "everything from the start, each block at 0.8 times the rate of the one above",
        fresh: false,
        schedule: Schedule::Given(|groups, _| Box::new(LayerRates { ratio: 0.8, ..LayerRates::new(groups) })),
    },
    ArmRow {
        name: "scratch",
        doc: "everything moves, and the backbone starts from its initial values",
        fresh: true,
        schedule: Schedule::Given(|_, _| Box::new(Full)),
    },
];

impl ArmRow {
    /// The arm of this name.
    ///
    /// # Errors
    /// If there is none.
    pub fn named(name: &str) -> Result<&'static Self, StudyError> {
        let found = ARMS.iter().find(|row| row.name == name);
        found.ok_or_else(|| StudyError::unknown("arm", name, ARMS.iter().map(|row| row.name)))
    }

    /// Its rule, if it has one, in a training of `epochs` epochs with `releases` releases at even distances.
    pub fn rule(&self, rule: Rule, epochs: usize, releases: usize) -> Option<Rule> {
        match self.schedule {
            Schedule::Rule(change) => Some(change(rule)),
            Schedule::Even => {
                // As far apart as leaves room for that many and no more, the last before the last epoch.
                let last = epochs.saturating_sub(1).checked_div(releases).unwrap_or(epochs);
                Some(rule.every(epochs.div_ceil(releases + 1).min(last).max(1)))
            }
            Schedule::Given(_) => None,
        }
    }

    /// Its method.
    pub fn method(&self, groups: &LayerGroups, rule: Rule, epochs: usize, releases: usize) -> Box<dyn Transfer> {
        match (self.rule(rule, epochs, releases), &self.schedule) {
            (Some(rule), _) => Box::new(Hatl::new(groups, rule)),
            (None, Schedule::Given(make)) => make(groups, epochs),
            (None, _) => Box::new(Full),
        }
    }
}
