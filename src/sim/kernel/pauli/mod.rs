//! Vectors in the Pauli basis, and the blocks of gates and channels that act on them.

pub mod block;
mod conjugate;
pub mod loops;
mod nonzero;
pub mod rows;
pub mod sweep;
