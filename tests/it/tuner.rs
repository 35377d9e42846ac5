//! The system `tuner`.
