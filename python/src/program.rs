//! The program, and the tables of the library.

use std::ffi::OsString;
use std::process::ExitCode;

use pyo3::prelude::*;
use qgraft::circuit::gate::GATES;

use crate::error::raise;

/// Runs the command-line program on these arguments, the first of which is its name. Returns the exit code.
#[pyfunction]
#[pyo3(signature = (arguments, threads=None))]
pub fn main(py: Python<'_>, arguments: Vec<OsString>, threads: Option<String>) -> u8 {
    let code = py.detach(|| qgraft::cli::main_with(arguments, threads.as_deref()));
    // An exit code shows its number in no other way.
    (0..=u8::MAX).find(|&number| ExitCode::from(number) == code).unwrap_or(1)
}

/// Name, number of qubits, names of angles and what it does, of every gate.
#[pyfunction]
pub fn gate_table() -> Vec<(&'static str, usize, Vec<&'static str>, &'static str)> {
    GATES.iter().map(|row| (row.name, row.qubits, row.params.to_vec(), row.doc)).collect()
}

/// What `qgraft list NAME` prints: names of the columns, and rows.
#[pyfunction]
pub fn listing(name: &str) -> PyResult<(Vec<&'static str>, Vec<Vec<String>>)> {
    qgraft::cli::listing(name).map_err(|message| raise("QgraftError", message))
}
