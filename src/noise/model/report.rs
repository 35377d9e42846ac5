//! Reported against achieved error of each gate.
