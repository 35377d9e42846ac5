//! Pictures of circuits: [`text`] for terminals, [`svg`] for papers and reports.
//!
//! Both read as Qiskit's drawings do: qubit 0 on top, time to the right, one double line for all classical bits.

mod grid;
mod svg;
mod text;

pub use svg::svg;
pub use text::text;
