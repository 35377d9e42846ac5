//! The Python module `qgraft._native`: the library's types as Python classes. Everything that computes is in the library;
//! this crate converts arguments, releases the interpreter lock and turns errors into exceptions.

mod angles;
mod arrays;
mod channels;
mod circuit;
mod device;
mod error;
mod noise;
mod observable;
mod param;
mod pool;
mod potential;
mod program;
mod run;
mod settings;
mod study;
mod system;
mod tape;

use pyo3::prelude::*;

#[pymodule(gil_used = false)]
mod _native {
    #[pymodule_export]
    use crate::circuit::Circuit;
    #[pymodule_export]
    use crate::device::{Device, Transpiled, transpile};
    #[pymodule_export]
    use crate::noise::{Channel, Condition};
    #[pymodule_export]
    use crate::observable::Observable;
    #[pymodule_export]
    use crate::param::Param;
    #[pymodule_export]
    use crate::pool::set_threads;
    #[pymodule_export]
    use crate::potential::Potential;
    #[pymodule_export]
    use crate::program::{gate_table, listing, main};
    #[pymodule_export]
    use crate::run::Run;
    #[pymodule_export]
    use crate::study::{HeadConfig, TrainedHead, Trainer};
    #[pymodule_export]
    use crate::system::{Outcome, run_system};
    #[pymodule_export]
    use crate::tape::Tape;

    #[pymodule_init]
    fn init(_module: &pyo3::Bound<'_, pyo3::types::PyModule>) -> pyo3::PyResult<()> {
        crate::pool::remember_process();
        Ok(())
    }

    /// Version of the library.
    #[pymodule_export]
    const VERSION: &str = env!("CARGO_PKG_VERSION");
}
