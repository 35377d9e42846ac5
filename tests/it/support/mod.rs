//! What several test files share: reference simulators, random programs, readers of reference values.

#[cfg(feature = "learn")]
pub mod apply;
#[cfg(feature = "learn")]
pub mod archive;
#[cfg(feature = "learn")]
pub mod boxes;
pub mod branches;
pub mod cases;
pub mod clifford;
pub mod equivalence;
pub mod level_circuits;
pub mod random;
#[cfg(feature = "learn")]
pub mod scanner;
pub mod superoperators;
#[cfg(feature = "learn")]
pub mod text_encoder;
pub mod transpile;
