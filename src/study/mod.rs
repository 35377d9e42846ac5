//! Studies: the one training loop, and everything that judges what it made.

mod error;
pub mod train;

pub use error::StudyError;
