//! Classical estimators on plain arrays: baselines, fuzzy rules, the classifier for quantum kernels, the fusion of the boxes of
//! several detectors, the likelihood of alignments on phylogenetic trees, molecular dynamics with a force field of water, models
//! of choice, maps between representations, adjustment for confounders, weights of words, decisions that groups share alike,
//! tuning of settings.

pub mod adaptation;
pub mod adjustment;
pub mod alignment;
pub mod boxes;
pub mod choice;
pub mod clustering;
pub mod dynamics;
mod error;
pub mod fairness;
mod forest;
pub mod fuzzy;
mod kernel_logistic;
mod least_squares;
mod logistic;
mod pca;
pub mod phylogeny;
mod proximal;
mod svm;
mod term_weights;
pub mod tuning;
pub mod water;

pub use error::ClassicError;
pub use forest::{Answers, Forest, Grown, Growth, MatrixForm, NamedForest, Node, NodeTable, Tree};
pub use kernel_logistic::KernelLogistic;
pub use least_squares::LeastSquares;
pub use logistic::Logistic;
pub use pca::Pca;
pub use proximal::L1;
pub use svm::SupportVectors;
pub use term_weights::TermWeights;
