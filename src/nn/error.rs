//! What can go wrong with networks and weights.

use std::path::PathBuf;

use crate::circuit::CircuitError;
use crate::circuit::ansatz::AnsatzError;
use crate::device::{DeviceError, TranspileError};
use crate::math::words::{bounded, closest, shortened};
use crate::nn::weights::WeightMatch;
use crate::noise::NoiseError;
use crate::sim::SimError;

/// A network that cannot be built, loaded or run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the message names every field")]
pub enum NnError {
    /// From the tensor library.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
    /// From circuits.
    #[error(transparent)]
    Circuit(#[from] CircuitError),
    /// A circuit that cannot be a head's.
    #[error(transparent)]
    Ansatz(#[from] AnsatzError),
    /// From devices.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// A circuit that cannot be rewritten for a device.
    #[error(transparent)]
    Transpile(#[from] TranspileError),
    /// From noise models.
    #[error(transparent)]
    Noise(#[from] NoiseError),
    /// From a simulator.
    #[error(transparent)]
    Sim(#[from] SimError),
    /// A circuit that cannot be compiled for its condition.
    #[error(transparent)]
    Compile(#[from] crate::sim::Error),
    /// A name that is not in a table.
    #[error("unknown {kind} {:?}{}; `qgraft list {list}` shows them all", shortened(name), did_you_mean(.suggestion))]
    Unknown { kind: &'static str, list: &'static str, name: String, suggestion: Option<String> },
    /// A parameter requested with another shape than it has.
    #[error("parameter {} has shape {have:?}, but {want:?} was requested", shortened(name))]
    Shape { name: String, have: Vec<usize>, want: Vec<usize> },
    /// A parameter that does not fit in what may be made.
    #[error("parameter {} of shape {shape:?} is too large: there are at most {most} values", shortened(name))]
    TooLarge { name: String, shape: Vec<usize>, most: usize },
    /// A parameter that the network does not have.
    #[error("the network has no parameter {:?}{}", shortened(name), did_you_mean(.suggestion))]
    NoParameter { name: String, suggestion: Option<String> },
    /// A weight file that cannot be read.
    #[error("{}: {}", path.display(), bounded(reason))]
    File { path: PathBuf, reason: String },
    /// Weights that are not those of the network.
    #[error("{place} does not fit {backbone}: {fit}")]
    Weights { backbone: &'static str, place: String, fit: Box<WeightMatch> },
    /// Class scores requested of a network without its classifier.
    #[error("the weights of {backbone} contain no matching classifier; only its features are available")]
    NoClassifier { backbone: &'static str },
    /// A network whose weights are neither embedded nor on a hub under names we know.
    #[error("{backbone} needs {kind}: name one")]
    NoWeights { backbone: &'static str, kind: &'static str },
    /// Weights that could not be fetched.
    #[error("{file} of {repository} on the model hub: {reason}; a downloaded weight file can be named instead")]
    Hub { repository: String, file: String, reason: String },
    /// A transfer method that cannot be what its text says.
    #[error("method {:?}: expected {expected}", shortened(text))]
    Method { text: String, expected: String },
    /// A setting outside its range.
    #[error("{field} = {}: {reason}", shortened(value))]
    Setting { field: &'static str, value: String, reason: &'static str },
}

fn did_you_mean(suggestion: &Option<String>) -> String {
    suggestion.as_ref().map_or_else(String::new, |name| format!(", did you mean {name:?}?"))
}

impl NnError {
    /// `name` is none of `names`, which `qgraft list LIST` prints.
    pub fn unknown<'a>(
        kind: &'static str,
        list: &'static str,
        name: &str,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        Self::Unknown { kind, list, name: name.into(), suggestion: closest(name, names).map(String::from) }
    }
}
