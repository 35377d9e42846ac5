//! Pictures of circuits.
