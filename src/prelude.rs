//! What a program imports that simulates circuits, or trains heads and applies them.
//!
//! ```
//! use qgraft::prelude::*;
//!
//! let circuit = Circuit::open("circuits/hardware_efficient.qasm")?.without_measurements()?;
//! let run = Run::new(&circuit).observe(["Z0 Z1", "0.5 X2"])?.on("torino")?.model("crosstalk")?;
//! let weights = vec![0.1; circuit.slots()];
//! let values = run.expect(&weights)?; // one for each observable
//! let (again, jacobian) = run.value_and_grad(&weights)?; // (observables, slots)
//! let ideal = run.ideal().expect(&weights)?;
//! assert_eq!((again, jacobian.dim()), (values.clone(), (2, circuit.slots())));
//! println!("{values} against {ideal}; {}", run.notices()?.join("; "));
//! # Ok::<(), Error>(())
//! ```

pub use crate::circuit::{Circuit, Gate, Observable, Param};
pub use crate::device::Device;
pub use crate::noise::NoiseModel;
pub use crate::sim::{Condition, Error, Executions, Precision, Run};

#[cfg(feature = "learn")]
pub use crate::{
    data::{FeatureRows, FeatureSplit},
    nn::head::HeadConfig,
    study::{StudyError, TrainedHead, Trainer},
};
