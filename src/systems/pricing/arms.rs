//! How a market is learned and what is offered in it.

use crate::study::StudyError;

/// Sources that an arm learns from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sources {
    /// None.
    None,
    /// The first.
    One,
    /// All.
    All,
}

/// How the target's parameters are estimated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Estimate {
    /// From the target's choices alone.
    Own,
    /// From all choices, counted alike.
    Pooled,
    /// From the sources' choices, then a sparse difference from the target's.
    Debiased,
    /// The same; a source counts by the distance of its covariates from the target's.
    Weighted,
}

/// When it is estimated, and what is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Once at the start of each episode, twice as long as the last; the best offer under two-radius optimism.
    Episodes,
    /// The same with radii of the theory's size.
    Theory,
    /// The same without optimism.
    Greedy,
    /// Whenever two per cent more choices are there, from all of them; the best offer under optimism.
    EveryRound,
    /// From rounds of exploration; then the best prices of the items with the largest estimated utility.
    Exploring,
    /// By one Newton step a round; optimistic prices of the items with the largest estimated utility.
    OnlineNewton,
}

/// An arm.
#[derive(Debug)]
pub struct ArmRow {
    /// Name on the command line.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// Which sources it learns from.
    pub sources: Sources,
    /// How parameters are estimated.
    pub estimate: Estimate,
    /// When, and what is offered.
    pub policy: Policy,
}

const fn row(
    name: &'static str,
    doc: &'static str,
    (sources, estimate): (Sources, Estimate),
    policy: Policy,
) -> ArmRow {
    ArmRow { name, doc, sources, estimate, policy }
}

/// Every arm.
pub static ARMS: &[ArmRow] = &[
    row("target_only", "the method without sources", (Sources::None, Estimate::Own), Policy::Episodes),
    row(
        "transfer",
        "the method: sources aggregated, a sparse difference learned, two-radius optimism",
        (Sources::All, Estimate::Debiased),
        Policy::Episodes,
    ),
    row("transfer_one", "the method with one source", (Sources::One, Estimate::Debiased), Policy::Episodes),
    row("pooled", "one model of all choices, optimistic", (Sources::All, Estimate::Pooled), Policy::Episodes),
    row("pooled_one", "the same with one source", (Sources::One, Estimate::Pooled), Policy::Episodes),
    row(
        "transfer_every",
        "the method, estimated anew all the time from all choices, as cap",
        (Sources::All, Estimate::Debiased),
        Policy::EveryRound,
    ),
    row("greedy", "the method without optimism", (Sources::All, Estimate::Debiased), Policy::Greedy),
    row(
        "weighted",
        "the method; sources count by 1/(1 + χ²) of their covariates",
        (Sources::All, Estimate::Weighted),
        Policy::Episodes,
    ),
    row("theory", "the method with radii of the theory's size", (Sources::All, Estimate::Debiased), Policy::Theory),
    row(
        "cap",
        "joint assortment and pricing of the target alone, estimated anew all the time (after Erginbas et al. 2025)",
        (Sources::None, Estimate::Own),
        Policy::EveryRound,
    ),
    row(
        "m3p",
        "exploration and exploitation in turn, items of the largest utility (after Javanmard et al. 2020)",
        (Sources::None, Estimate::Own),
        Policy::Exploring,
    ),
    row(
        "ons_mpp",
        "online Newton steps, items of the largest utility (after Perivier and Goyal 2022)",
        (Sources::None, Estimate::Own),
        Policy::OnlineNewton,
    ),
];

impl ArmRow {
    /// The row of this name.
    ///
    /// # Errors
    /// An unknown name.
    pub fn named(name: &str) -> Result<&'static Self, StudyError> {
        let known = || ARMS.iter().map(|row| row.name);
        ARMS.iter().find(|row| row.name == name).ok_or_else(|| StudyError::unknown("arm", name, known()))
    }
}
