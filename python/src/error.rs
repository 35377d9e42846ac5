//! Errors of the library as Python exceptions with the same text.

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use qgraft::circuit::qasm::QasmError;
use qgraft::circuit::{CircuitError, CircuitFileError};
use qgraft::device::{DeviceError, TranspileError};
use qgraft::nn::NnError;
use qgraft::noise::NoiseError;
use qgraft::sim::{Error, SimError};
use qgraft::study::StudyError;

/// What goes wrong in a call, on its way to an exception. It is made without the interpreter.
pub enum Fault {
    /// An exception already.
    Python(PyErr),
    /// Class of `qgraft.errors`, and its message.
    Of(&'static str, String),
    /// A text that is not OpenQASM.
    Qasm(Box<QasmError>),
}

/// The result of a call.
pub type Answer<T> = Result<T, Fault>;

/// How an object is pickled: what makes it, and the arguments of that.
pub type Reduced<'py, A> = PyResult<(Bound<'py, PyAny>, A)>;

/// An exception of this class of `qgraft.errors`.
pub fn raise(class: &'static str, message: impl Into<String>) -> PyErr {
    Fault::Of(class, message.into()).into()
}

impl From<PyErr> for Fault {
    fn from(error: PyErr) -> Self {
        Self::Python(error)
    }
}

impl From<Fault> for PyErr {
    fn from(fault: Fault) -> Self {
        let (class, message, qasm) = match fault {
            Fault::Python(error) => return error,
            Fault::Of(class, message) => (class, message, None),
            Fault::Qasm(error) => ("QasmError", error.to_string(), Some(error)),
        };
        Python::attach(|py| {
            let made = || -> PyResult<PyErr> {
                let exception = py.import("qgraft.errors")?.getattr(class)?.call1((&message,))?;
                if let Some(error) = &qasm {
                    exception.setattr("line", error.line)?;
                    exception.setattr("column", error.column)?;
                    exception.setattr("hint", error.hint.clone())?;
                    exception.setattr("report", error.report())?;
                }
                Ok(PyErr::from_value(exception))
            };
            // Only an interpreter that is shutting down has no such module.
            made().unwrap_or_else(|_| PyRuntimeError::new_err(message.clone()))
        })
    }
}

/// One line for each type of error with the class that it becomes.
macro_rules! faults {
    ($($kind:ty => $class:literal),* $(,)?) => {
        $(impl From<$kind> for Fault {
            fn from(error: $kind) -> Self {
                Self::Of($class, error.to_string())
            }
        })*
    };
}

faults! {
    CircuitError => "CircuitError",
    DeviceError => "DeviceError",
    TranspileError => "TranspileError",
    NoiseError => "NoiseError",
}

impl From<QasmError> for Fault {
    fn from(error: QasmError) -> Self {
        Self::Qasm(Box::new(error))
    }
}

impl From<CircuitFileError> for Fault {
    fn from(error: CircuitFileError) -> Self {
        match error {
            CircuitFileError::Qasm(error) => error.into(),
            CircuitFileError::Io { .. } => Self::Of("FileError", error.to_string()),
            other => Self::Of("CircuitError", other.to_string()),
        }
    }
}

impl From<SimError> for Fault {
    fn from(error: SimError) -> Self {
        let class = match &error {
            SimError::TooLarge { .. } | SimError::TooMuch { .. } => "TooLargeError",
            SimError::Unsupported { .. } | SimError::NotDifferentiable { .. } => "UnsupportedError",
            SimError::Noise(_) => "NoiseError",
            _ => "SimError",
        };
        Self::Of(class, error.to_string())
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error {
            Error::File(error) => error.into(),
            Error::Circuit(error) => error.into(),
            Error::Device(error) => error.into(),
            Error::Transpile(error) => error.into(),
            Error::Noise(error) => error.into(),
            Error::Sim(error) => error.into(),
            other => Self::Of("ConditionError", other.to_string()),
        }
    }
}

impl From<NnError> for Fault {
    fn from(error: NnError) -> Self {
        Self::Of("StudyError", chain(&error))
    }
}

impl From<StudyError> for Fault {
    fn from(error: StudyError) -> Self {
        match error {
            StudyError::Interrupted | StudyError::Paused { .. } => Self::Of("InterruptedRun", error.to_string()),
            other => Self::Of("StudyError", chain(&other)),
        }
    }
}

/// An error and its causes, without those that it quotes itself, as the command line writes them.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        let own = next.to_string();
        if !text.contains(&own) {
            text = format!("{text}: {own}");
        }
        cause = next.source();
    }
    text
}
