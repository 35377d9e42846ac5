//! Reports: tables, figures and pages as plain data, and the formats they become.
//!
//! A [`Page`] has [`Section`]s of [`Block`]s: text, [`Table`]s, [`Figure`]s. It becomes one self-contained HTML file.
//! Its tables also become LaTeX, CSV and terminal text, its figures SVG and PNG. Nothing here knows what was measured.

pub mod chart;
pub mod figure;
pub mod html;
pub mod page;
pub mod table;
#[cfg(feature = "cli")]
pub mod terminal;

pub use figure::{Drawing, Figure, Line, Scale};
pub use page::{Block, Page, Section};
pub use table::Table;
