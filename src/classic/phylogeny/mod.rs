//! Phylogenetic trees and the likelihood of alignment columns on them.
//!
//! * [`Tree`]: read from Newick text, drawn at random, or joined from an alignment ([`neighbour_joining`]).
//! * [`F81`]: log-likelihood of a column with its gradient, by pruning.
//! * [`Evolution`]: columns drawn under the same model.
//!
//! Bases are numbers: A 0, C 1, G 2, T 3; [`MISSING`] is a gap or an unknown base. A column has one base for each leaf of the
//! tree, in the order of [`Tree::leaves`].

mod f81;
mod joining;
mod newick;
mod simulate;
mod tree;

pub use f81::{F81, Gradient, Site, Work};
pub use joining::{distances, neighbour_joining};
pub use simulate::{Evolution, draw};
pub use tree::{MINIMUM_LENGTH, Tree};

/// A gap or an unknown base: anything may have been there.
pub const MISSING: u8 = 4;
