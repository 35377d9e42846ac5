//! Batteries: hundreds of runs as one study, whatever a run is.
//!
//! [`store`]: results in SQLite, each whole or not there. [`work`](mod@work): runs spread over cores, resumed, watched.

pub mod store;
pub mod work;

pub use store::{Store, Stored};
pub use work::{Todo, work};
