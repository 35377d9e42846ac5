//! Classical estimators on plain arrays: the honest baselines, the classifier behind quantum kernels, and the fusion of
//! boxes that detectors found.

pub mod boxes;
mod least_squares;
mod pca;
mod svm;

pub use least_squares::LeastSquares;
pub use pca::Pca;
pub use svm::SupportVectors;
