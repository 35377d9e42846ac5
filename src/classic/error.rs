//! What can be wrong with an estimator that was made elsewhere.

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
    /// Lists of a node table that differ in length, or a forest whose trees differ in their number of values.
    #[error("{what}: {found}, expected {wanted}")]
    Length { what: &'static str, found: usize, wanted: usize },
}
