//! Classical estimators on plain arrays: the honest baselines, and the classifier behind quantum kernels.

mod least_squares;
mod logistic;
mod pca;
mod svm;

pub use least_squares::LeastSquares;
pub use logistic::Logistic;
pub use pca::Pca;
pub use svm::SupportVectors;
