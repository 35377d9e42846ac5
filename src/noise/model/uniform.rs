//! Models and devices of a few numbers.
