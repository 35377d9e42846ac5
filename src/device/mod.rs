//! Devices: what a calibrated quantum computer is, and how a circuit is rewritten for one.
//!
//! * [`Device`]: native gates, directed couplings, and the [`Calibration`] measured on one day, in SI units.
//! * [`DEVICES`], [`Device::named`], [`Device::load`]: shipped snapshots, and files of four formats.
//! * [`schedule`]: when operations happen, and the waiting between them.
//! * [`DeviceTimes`]: how long the operations of a text take, for the stretches of OpenQASM 3.
//! * [`Target`]: the part of a device that transpilation reads.
//! * [`transpile()`]: a circuit rewritten for a target.

mod calibration;
mod details;
mod error;
pub mod schedule;
mod shipped;
mod snapshot;
mod target;
mod times;
pub mod transpile;

pub(crate) use calibration::op_label;
pub use calibration::{Calibration, Device, GateData, Provenance, QubitData};
pub use details::{Details, LayerFidelity, Timing};
pub use error::DeviceError;
pub use shipped::{DEVICES, DeviceRow};
pub use target::{Edge, Target};
pub use times::DeviceTimes;
pub use transpile::{LayoutMethod, TranspileError, TranspileOptions, TranspiledCircuit, transpile};
