//! OpenQASM 2 and 3, in and out.
//!
//! * [`write2`], [`write3`]: any circuit as text; what the target's gate library lacks is defined in the file.
//!
//! `U(θ, φ, λ)` has a real upper left entry in both versions, as in OpenQASM 2 and Qiskit. The OpenQASM 3 text gives it
//! a further phase e^{iθ/2}, which only shows under a control; the writer therefore puts `cu` there, on which all agree.

mod lower;
mod number;
mod write;

pub use number::{multiple_of_pi, number};
pub use write::{WriteOptions, write2, write3};

/// Gates of `qelib1.inc` as in the OpenQASM 2 paper (Cross et al. 2017, arXiv 1707.03429). Later additions differ from
/// tool to tool, so the writer defines those it uses.
const QELIB1: &[&str] = &[
    "u3", "u2", "u1", "cx", "id", "x", "y", "z", "h", "s", "sdg", "t", "tdg", "rx", "ry", "rz", "cz", "cy", "ch",
    "ccx", "crz", "cu1",
];

/// Gates of `stdgates.inc` (OpenQASM 3.0) and the built-in `U`, less those whose phase the standard and Qiskit disagree
/// on (`u3`) or that are older names of another (`u1`, `phase`, `cphase`, `CX`).
const STDGATES: &[&str] = &[
    "U", "p", "x", "y", "z", "h", "s", "sdg", "t", "tdg", "sx", "rx", "ry", "rz", "u2", "cx", "cy", "cz", "cp", "crx",
    "cry", "crz", "ch", "swap", "ccx", "cswap", "cu", "id",
];
