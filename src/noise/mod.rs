//! Noise: channels, models that turn a device's calibration into channels, and the programs simulators run.
//!
//! * [`channel::CHANNELS`]: every channel is a row; [`Channel`] is one with its numbers, already Kraus operators.
//! * [`model::MODELS`]: every noise model is a row; [`NoiseModel`] is one with its options.
//! * [`NoiseList`]: channels listed in a file, without a device: gate by gate, one for all, or a model of Qiskit Aer.
//! * [`Program`]: a circuit with its noise compiled in, the only input of a simulator.
//! * [`Confusion`], [`PairConfusion`]: readout error of one qubit, and of two that are read together.

mod aer_model;
pub mod channel;
mod cone;
mod error;
pub mod model;
mod noise_list;
pub mod program;
mod readout;
mod transfer;

pub use channel::Channel;
pub(crate) use cone::{Cone, Cones};
pub use error::NoiseError;
pub use model::NoiseModel;
pub use noise_list::NoiseList;
pub use program::{Program, Step};
pub use readout::{Confusion, PairConfusion, PairReadout};
pub(crate) use transfer::{ZERO, generic_points};
pub use transfer::{kraus_of, transfer, transfer_derivative};
