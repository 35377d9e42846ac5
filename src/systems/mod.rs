//! Systems: complete studies, one module each.

pub mod alignment;
pub mod angiography;
pub mod causal;
pub mod circuits;
pub mod cohort;
pub mod conditions;
pub mod equivariance;
pub mod fairtext;
pub mod forest;
pub mod genome;
pub mod glosses;
pub mod hatl;
pub mod head_choice;
pub mod hold_out;
pub mod inputs;
pub mod live_stages;
pub mod methods;
pub mod noise_robustness;
pub mod picture_model;
pub mod plasticity;
pub mod potential;
pub mod pricing;
pub mod qtl;
pub mod rotation;
pub mod saved_head;
pub mod seizure;
pub mod smear;
pub mod soh;
pub mod tuner;

use crate::lab::{System, SystemOf};

/// Every system.
pub static SYSTEMS: &[&dyn System] = &[
    &SystemOf::<qtl::Qtl>::new(),
    &SystemOf::<plasticity::Plasticity>::new(),
    &SystemOf::<hatl::Hatl>::new(),
    &SystemOf::<rotation::Rotation>::new(),
    &SystemOf::<soh::Soh>::new(),
    &SystemOf::<forest::RandomForests>::new(),
    &SystemOf::<smear::Smear>::new(),
    &SystemOf::<equivariance::Equivariance>::new(),
    &SystemOf::<circuits::Circuits>::new(),
    &SystemOf::<genome::Genome>::new(),
    &SystemOf::<potential::InteratomicPotential>::new(),
    &SystemOf::<seizure::Seizure>::new(),
    &SystemOf::<pricing::Pricing>::new(),
    &SystemOf::<alignment::Alignment>::new(),
    &SystemOf::<causal::Causal>::new(),
    &SystemOf::<cohort::SmallCohort>::new(),
    &SystemOf::<fairtext::FairText>::new(),
    &SystemOf::<tuner::SqlTuner>::new(),
    &SystemOf::<noise_robustness::NoiseRobustness>::new(),
    &SystemOf::<angiography::Angiography>::new(),
];
