//! Batteries: hundreds of runs as one study, whatever a run is.
//!
//! * [`store`]: results in SQLite, each whole or not there. [`work`](mod@work): runs spread over cores, resumed, watched.
//! * [`table`], [`figure`], [`page`]: what was found, told as HTML, LaTeX, CSV, SVG and PNG.

pub mod figure;
pub mod page;
pub mod store;
pub mod table;
pub mod work;

pub use figure::{Drawing, Figure, Line, Scale};
pub use page::{Block, Page, Section};
pub use store::{Store, Stored};
pub use table::Table;
pub use work::{Todo, work};
