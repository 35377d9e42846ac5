//! What can be wrong with a device or a calibration snapshot.

use std::path::PathBuf;

use crate::math::words::{bounded, shortened};

/// A device that cannot be found, or a snapshot that cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the message names every field")]
pub enum DeviceError {
    /// Neither a shipped device nor a file.
    #[error("no device {:?} is shipped and no such file exists{suggestion}; shipped are {shipped}", shortened(name))]
    Unknown { name: String, suggestion: String, shipped: String },
    /// A file that cannot be opened or is not text.
    #[error("{}: {source}", file.display())]
    Io { file: PathBuf, source: std::io::Error },
    /// Not JSON.
    #[error("{file}: not JSON: {}", bounded(source))]
    Json { file: String, source: serde_json::Error },
    /// Not CSV.
    #[error("{file}: not CSV: {}", bounded(source))]
    Csv { file: String, source: csv::Error },
    /// JSON that is none of the formats.
    #[error(
        "{file}: not a calibration snapshot: expected our own (key \"format\"), IBM's props_*.json \
         (keys \"qubits\" and \"gates\"), a Qiskit target (key \"instructions\", as in docs/hardware.md) or the CSV of \
         the IBM Quantum platform"
    )]
    UnknownFormat { file: String },
    /// IBM's properties without the configuration that lists the native gates.
    #[error(
        "{props}: calibrates no gates from which the native ones could be seen; save backend.configuration().to_dict() as \
         conf_*.json beside it, or name both as PROPS.json,CONF.json"
    )]
    NoConfiguration { props: String },
    /// IBM's configuration without the properties that hold the calibration.
    #[error(
        "{conf}: a configuration holds no calibration; save backend.properties().to_dict() as props_*.json beside it, or \
         name both as PROPS.json,CONF.json"
    )]
    NoProperties { conf: String },
    /// A folder without one clear file of a kind.
    #[error("{}: expected one {prefix}*.json in this folder, found {}; name the files as PROPS.json,CONF.json", folder.display(), bounded(found))]
    Folder { folder: PathBuf, prefix: &'static str, found: String },
    /// A field that is missing, of the wrong kind or out of range.
    #[error("{file}: {} {}", shortened(field), bounded(problem))]
    Field { file: String, field: String, problem: String },
}
