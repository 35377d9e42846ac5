//! Errors in data.

use std::path::PathBuf;

use crate::math::words::{bounded, shortened};

/// Data that cannot be read or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the message names every field")]
pub enum DataError {
    /// The system refused to open, read or write.
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    /// An image file that does not decode.
    #[error("{}: not a readable image: {}; repair or remove it", path.display(), bounded(reason))]
    BadImage { path: PathBuf, reason: String },
    /// Contents that violate the format or layout.
    #[error("{}: {}", bounded(place), bounded(reason))]
    Malformed { place: String, reason: String },
    /// A field of a table that cannot be what its column holds.
    #[error("{place}, line {line}, column `{}`: {:?}: {}", shortened(column), shortened(value), bounded(reason))]
    Field { place: String, line: u64, column: String, value: String, reason: String },
    /// A class without samples, or with too few to split.
    #[error("{place}: class `{}` has {found} {part} samples, at least {needed} needed", shortened(class))]
    ClassTooSmall { place: String, class: String, part: &'static str, found: usize, needed: usize },
    /// A NaN or infinite feature.
    #[error(
        "{place}: tensor `{}` holds {value} at row {row}, column {column} (from 0); features must be finite",
        shortened(tensor)
    )]
    NotFinite { place: String, tensor: String, row: usize, column: usize, value: f32 },
}

impl DataError {
    /// Names the path an I/O error happened on: `.map_err(DataError::io(path))`.
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        |source| Self::Io { path, source }
    }

    /// Contents of `place` that are wrong for this reason.
    pub(crate) fn malformed(place: impl ToString, reason: impl ToString) -> Self {
        Self::Malformed { place: place.to_string(), reason: reason.to_string() }
    }
}
