//! `qgraft run SYSTEM`: a whole study into a run folder.

use anyhow::Result;
use clap::Subcommand;

use crate::cli::noise_robustness::NoiseRobustness;

/// Runs a system and writes a run folder.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    system: System,
}

#[derive(Subcommand)]
enum System {
    #[command(name = "noise_robustness")]
    NoiseRobustness(Box<NoiseRobustness>),
}

/// Runs the system.
pub fn run(arguments: &Arguments) -> Result<()> {
    match &arguments.system {
        System::NoiseRobustness(options) => options.run(),
    }
}

/// Puts an option into a field, if it was given.
pub fn set<T: Clone>(field: &mut T, option: &Option<T>) {
    if let Some(value) = option {
        field.clone_from(value);
    }
}
