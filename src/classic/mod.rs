//! Classical estimators on plain arrays: the honest baselines, and the classifier behind quantum kernels.

mod error;
mod forest;
mod least_squares;
mod pca;
mod svm;

pub use error::ClassicError;
pub use forest::{Answers, Forest, Grown, Growth, MatrixForm, Node, NodeTable, Tree};
pub use least_squares::LeastSquares;
pub use pca::Pca;
pub use svm::SupportVectors;
