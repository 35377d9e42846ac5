//! The arms: which layers are trained when.

use crate::nn::LayerGroups;
use crate::transfer::schedule::{ChainThaw, Frozen, Full, Gradual, LayerRates};
use crate::transfer::{Hatl, Rule, Transfer};

/// One schedule.
pub struct ArmRow {
    /// Name on the command line.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// Whether the backbone starts from its initial values instead of the source's.
    pub from_scratch: bool,
    /// Which layers are trained when.
    pub schedule: Schedule,
}

/// Which layers are trained when.
pub enum Schedule {
    /// Layers are released by a rule, which is made of the rule of the settings.
    Rule(fn(Rule) -> Rule),
    /// Layers are released at even distances, as many as by the arm `hatl` under the same seed.
    Even,
    /// By the epoch alone, in a training of so many epochs.
    Given(fn(&LayerGroups, usize) -> Box<dyn Transfer>),
}

/// Every arm. Those from `no_restore` to `fixed` lack one part of `hatl`.
pub static ARMS: &[ArmRow] = &[
    ArmRow {
        name: "hatl",
        doc: "blocks are released from the head down when the validation score is on a plateau near its best",
        from_scratch: false,
        schedule: Schedule::Rule(|rule| rule),
    },
    ArmRow {
        name: "no_restore",
        doc: "hatl, but a release continues from the current parameters instead of the best",
        from_scratch: false,
        schedule: Schedule::Rule(|rule| Rule { restore: false, ..rule }),
    },
    ArmRow {
        name: "one_rate",
        doc: "hatl, but every released block has the learning rate of the head",
        from_scratch: false,
        schedule: Schedule::Rule(|rule| Rule { ratio: 1.0, ..rule }),
    },
    ArmRow {
        name: "bottom_up",
        doc: "hatl, but from the input up",
        from_scratch: false,
        schedule: Schedule::Rule(|rule| Rule { top_down: false, ..rule }),
    },
    ArmRow {
        name: "fixed",
        doc: "hatl, but with as many releases at even distances, independent of the score",
        from_scratch: false,
        schedule: Schedule::Even,
    },
    ArmRow {
        name: "frozen",
        doc: "the backbone keeps the parameters of the source",
        from_scratch: false,
        schedule: Schedule::Given(|groups, _| Box::new(Frozen::new(groups))),
    },
    ArmRow {
        name: "full",
        doc: "all layers are trained from the start",
        from_scratch: false,
        schedule: Schedule::Given(|_, _| Box::new(Full)),
    },
    ArmRow {
        name: "gradual",
        doc: "one more block every fifth of the first half of the epochs, all at one rate",
        from_scratch: false,
        schedule: Schedule::Given(|groups, epochs| {
            Box::new(Gradual { every: (epochs / 2 / groups.len()).max(1), ..Gradual::new(groups) })
        }),
    },
    ArmRow {
        name: "chain_thaw",
        doc: "the head, then each block alone, then all layers, for a sixth of the epochs each",
        from_scratch: false,
        schedule: Schedule::Given(|groups, epochs| {
            Box::new(ChainThaw { every: (epochs / (groups.len() + 1)).max(1), ..ChainThaw::new(groups) })
        }),
    },
    ArmRow {
        name: "layer_rates",
        doc: "all layers from the start, each block at 0.8 times the rate of the one above",
        from_scratch: false,
        schedule: Schedule::Given(|groups, _| Box::new(LayerRates { ratio: 0.8, ..LayerRates::new(groups) })),
    },
    ArmRow {
        name: "scratch",
        doc: "all layers are trained, and the backbone starts from its initial values",
        from_scratch: true,
        schedule: Schedule::Given(|_, _| Box::new(Full)),
    },
];

/// The arm of this name.
pub(super) fn arm(name: &str) -> Option<&'static ArmRow> {
    ARMS.iter().find(|row| row.name == name)
}

impl ArmRow {
    /// Its transfer method in a training of `epochs` epochs. `releases` is the number of releases at even distances.
    pub fn method(&self, groups: &LayerGroups, rule: Rule, epochs: usize, releases: usize) -> Box<dyn Transfer> {
        match self.schedule {
            Schedule::Rule(change) => Box::new(Hatl::new(groups, change(rule))),
            Schedule::Even => Box::new(Hatl::new(groups, evenly_spaced(rule, epochs, releases))),
            Schedule::Given(make) => make(groups, epochs),
        }
    }
}

/// The rule that releases `releases` layers in `epochs` epochs, independent of the score: at the largest even distance
/// that allows exactly that many, the last before the last epoch.
pub fn evenly_spaced(rule: Rule, epochs: usize, releases: usize) -> Rule {
    let longest = epochs.saturating_sub(1).checked_div(releases).unwrap_or(epochs);
    rule.every(epochs.div_ceil(releases + 1).min(longest).max(1))
}
