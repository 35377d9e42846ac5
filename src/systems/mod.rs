//! Systems: complete studies, one module each.

pub mod card;
pub mod checks;
pub mod circuits;
pub mod forest;
pub mod hatl;
pub mod hold_out;
pub mod inputs;
pub mod noise_robustness;
pub mod plasticity;
pub mod qtl;
pub mod rotation;
pub mod smear;
pub mod soh;

use std::path::Path;

use crate::lab::{System, SystemOf};
use crate::systems::card::Card;

/// A system that `qgraft run NAME` runs.
pub struct SystemRow {
    /// Name on the command line.
    pub name: &'static str,
    /// One line for people, with the source.
    pub doc: &'static str,
    /// The content of its page.
    pub card: &'static Card,
}

/// Every system.
pub static SYSTEMS: &[&dyn System] = &[
    &SystemOf::<qtl::Qtl>::new(),
    &SystemOf::<plasticity::Plasticity>::new(),
    &SystemOf::<hatl::Hatl>::new(),
    &SystemOf::<rotation::Rotation>::new(),
    &SystemOf::<soh::Soh>::new(),
    &SystemOf::<forest::RandomForests>::new(),
    &SystemOf::<smear::Smear>::new(),
    &SystemOf::<circuits::Circuits>::new(),
];

/// Systems that are not yet experiments.
pub static OLD_SYSTEMS: &[SystemRow] = &[noise_robustness::ROW];

/// Where a run works; nothing here changes its result.
#[derive(Clone, Debug)]
pub struct Workplace<'a> {
    /// The run folder to be made.
    pub out: &'a Path,
    /// Folder of cached features.
    pub cache: &'a Path,
    /// Number of threads.
    pub threads: usize,
}
