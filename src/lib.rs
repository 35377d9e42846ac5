//! qgraft grafts variational quantum classifiers onto frozen, pretrained networks.

pub mod circuit;
pub mod device;
pub mod math;
pub mod noise;
pub mod sim;

#[cfg(feature = "learn")]
pub mod classic;
#[cfg(feature = "learn")]
pub mod data;
#[cfg(feature = "learn")]
pub mod nn;
#[cfg(feature = "learn")]
pub mod study;
#[cfg(feature = "learn")]
pub mod systems;
#[cfg(feature = "learn")]
pub mod transfer;

#[cfg(feature = "cli")]
pub mod cli;
