//! Networks: named parameters, layers, the bridge to circuits, heads and backbones.
//!
//! * [`Params`]: ordered, seeded, named variables; a checkpoint is their safetensors file. [`LearningRates`]: what is
//!   trained.
//! * [`Model`]: a network as a function of its parameters; [`Examples`]: rows it learns from; [`loss`]: how wrong it is.
//! * [`layer`]: convolutions, norms, recurrence and attention whose gradients are right.
//! * [`decode`]: beam search over the output of a network that writes symbol by symbol.
//! * [`Optimizer`]: AdamW or SGD with a rate per parameter.
//! * [`quantum`]: the one bridge from tensors to circuits.
//! * [`head::HEADS`], [`backbone::BACKBONES`]: every head and every backbone is a row.
//! * [`byte_net`]: a network over DNA.
//! * [`text`]: BERT and DistilBERT encoders and their tokenizers.
//! * [`onnx::OnnxGraph`]: networks as ONNX files.
//! * [`ModelHeader`]: what the file of a trained model says beside its tensors.
//! * [`Weights`]: pretrained tensors by name, from a file or from a hub.
//!
//! A program that trains small networks starts with `CANDLE_CPU_MASK=0` and `CANDLE_NUM_THREADS=1` in its environment, as
//! qgraft's own does. Otherwise candle (0.11) counts the processor's cores anew, from a file, for every matrix product.

pub mod backbone;
pub mod byte_net;
pub mod decode;
mod error;
pub mod head;
pub mod hub;
pub mod init;
pub mod layer;
mod learning_rates;
pub mod loss;
pub mod model;
mod model_file;
pub mod onnx;
pub mod optim;
pub mod params;
pub mod quantum;
pub mod text;
mod torch_file;
pub mod weights;

pub use backbone::Backbone;
pub use error::NnError;
pub use head::Head;
pub use learning_rates::{LayerGroups, LearningRates};
pub use model::{Dataset, Examples, Mode, Model, Network, Output};
pub use model_file::ModelHeader;
pub use optim::Optimizer;
pub use params::Params;
pub use quantum::QuantumLayer;
pub use weights::Weights;
