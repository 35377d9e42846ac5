//! Networks: named parameters, layers, the bridge to circuits, heads and backbones.
//!
//! * [`Params`]: ordered, seeded, named variables; a checkpoint is their safetensors file.
//! * [`Optimizer`]: AdamW or SGD with a rate per parameter, which is all that freezing is.
//! * [`layer`]: convolution and pooling that are fast and whose gradients are right.
//! * [`quantum`]: the one bridge from tensors to circuits.
//! * [`head::HEADS`]: every head is a row.

mod error;
pub mod head;
pub mod init;
pub mod layer;
pub mod optim;
pub mod params;
pub mod quantum;

pub use error::NnError;
pub use head::Head;
pub use optim::{Optimizer, Plan};
pub use params::Params;
pub use quantum::{Execution, QuantumLayer};
