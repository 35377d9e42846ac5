//! What can be wrong with an estimator that was made elsewhere.

use std::path::{Path, PathBuf};

use crate::data::DataError;

/// A model that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the message names every field")]
pub enum ClassicError {
    /// A node table that is no tree.
    #[error("node {node}: {reason}")]
    Node { node: usize, reason: String },
    /// A phylogenetic tree that is none, or has not what is asked of it.
    #[error("tree: {reason}")]
    Tree { reason: String },
    /// Rows that no map can be fitted to.
    #[error("alignment: {reason}")]
    Alignment { reason: String },
    /// Choices that are none, or say nothing.
    #[error("choices: {reason}")]
    Choices { reason: String },
    /// Settings that cannot be tuned.
    #[error("tuning: {reason}")]
    Tuning { reason: String },
    /// Lists of a node table that differ in length, or a forest whose trees differ in their number of values.
    #[error("{what}: {found}, expected {wanted}")]
    Length { what: &'static str, found: usize, wanted: usize },
    /// A tree of a forest.
    #[error("tree {tree} (from 0), {source}")]
    InForest { tree: usize, source: Box<ClassicError> },
    /// A file of a forest whose contents do not fit.
    #[error("{}: {reason}", path.display())]
    File { path: PathBuf, reason: String },
    /// A file that cannot be read.
    #[error(transparent)]
    Data(#[from] DataError),
}

impl ClassicError {
    /// Contents that do not fit, of a file that [`ClassicError::in_file`] names.
    pub(super) fn file(reason: String) -> Self {
        Self::File { path: "forest".into(), reason }
    }

    /// The same of this file.
    pub(super) fn in_file(self, path: &Path) -> Self {
        let path = path.into();
        match self {
            Self::File { reason, .. } => Self::File { path, reason },
            Self::Data(_) => self,
            other => Self::File { path, reason: other.to_string() },
        }
    }

    /// The same of this tree, counted from 0.
    pub(super) fn in_tree(self, tree: usize) -> Self {
        Self::InForest { tree, source: Box::new(self) }
    }
}
