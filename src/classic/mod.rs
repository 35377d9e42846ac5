//! Classical estimators on plain arrays: the honest baselines, and the classifier behind quantum kernels.

mod pca;
mod svm;

pub use pca::Pca;
pub use svm::SupportVectors;
