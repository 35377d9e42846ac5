//! A trained head on hardware: the circuits that a device runs, and predictions from the counts it returns.
//!
//! [`HardwareJob`] is a folder of circuits in native gates with a table of angles. Its two Python programs run the circuits
//! and repeat the prediction with Qiskit and NumPy. [`Counts`] is what comes back.

mod counts;
mod job;

pub use counts::{CountedRow, Counts};
pub use job::{HardwareJob, JobRows, Manifest, MeasuredCircuit, Term};
