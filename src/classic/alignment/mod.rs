//! Linear maps from one representation to another from few pairs: ridge regression, unpaired targets, maps of other subjects,
//! and what a map is good for.

mod few_pairs;
mod quality;
mod ridge;
mod sparse;

pub use few_pairs::{Gated, Isl, Sources, folds};
pub use quality::{effective_rank, noise_ceiling, normalised_error, top_k, two_way};
pub use ridge::{ALPHAS, Affine, Choice, PairedRows, RidgePath};
pub use sparse::debiased;
