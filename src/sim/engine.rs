//! Engines by name.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::Serialize;

use crate::sim::cost::{Call, Cost, Workload};
use crate::sim::{
    Auto, Bond, Cut, Density, Mps, Pauli, SimError, Simulator, Sparse, Stabilizer, Statevector, Trajectory, auto,
    density, mps, pauli, sparse, stabilizer, statevector, trajectory,
};

/// Width of the numbers an engine computes with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// f64.
    #[default]
    Double,
    /// f32.
    Single,
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Double => "double",
            Self::Single => "single",
        })
    }
}

impl FromStr for Precision {
    type Err = SimError;

    fn from_str(name: &str) -> Result<Self, SimError> {
        let known = [Self::Double, Self::Single].into_iter().find(|precision| precision.to_string() == name);
        known.ok_or_else(|| SimError::UnknownPrecision { name: name.into() })
    }
}

/// Options of engines; each uses those that concern it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EngineOptions {
    /// Width of the numbers.
    pub precision: Precision,
    /// Trajectories per row, of the engines "trajectory" and "mps".
    pub shots: usize,
    /// Seed of trajectories.
    pub seed: u64,
    /// What the engine "sparse" drops.
    pub cut: Cut,
    /// What the engine "mps" drops.
    pub bond: Bond,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self { precision: Precision::Double, shots: 1024, seed: 0, cut: Cut::default(), bond: Bond::default() }
    }
}

/// What expectation values of an engine are, rounding apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueKind {
    /// Exact.
    Exact,
    /// Of sums whose small terms are dropped, within a tolerance if one is asked for.
    Truncated,
    /// Under noise, means over shots.
    Drawn,
    /// Those of the engine that it takes.
    Chosen,
}

/// An engine of the table.
pub struct EngineRow {
    /// Its name.
    pub name: &'static str,
    /// One line: what it runs and what it costs.
    pub doc: &'static str,
    /// What its expectation values are.
    pub values: ValueKind,
    /// Whether it draws outcomes as rows of bits ([`ShotRecords`](crate::sim::ShotRecords)), on registers that no list holds.
    pub rows_of_bits: bool,
    /// What a call of it takes; `None` for a program that it does not run. That of "auto" is the cost of its choice.
    pub cost: fn(&Workload, &Call) -> Option<Cost>,
    /// Makes one.
    pub make: fn(EngineOptions) -> Arc<dyn Simulator>,
}

/// Every engine.
pub static ENGINES: &[EngineRow] = &[
    EngineRow {
        name: "auto",
        doc: "chooses one of the others by estimated cost and memory",
        values: ValueKind::Chosen,
        rows_of_bits: false,
        cost: auto::cost,
        make: |options| Arc::new(Auto::new(options)),
    },
    EngineRow {
        name: "statevector",
        doc: "ideal programs, exact; 2^n amplitudes a row",
        values: ValueKind::Exact,
        rows_of_bits: false,
        cost: statevector::cost,
        make: |options| Arc::new(Statevector::new(options.precision)),
    },
    EngineRow {
        name: "density",
        doc: "noise, measurement, reset and conditions, exact; 4^n numbers a row",
        values: ValueKind::Exact,
        rows_of_bits: false,
        cost: density::cost,
        make: |options| Arc::new(Density::new(options.precision)),
    },
    EngineRow {
        name: "trajectory",
        doc: "the same by random jumps of a pure state; 2^n amplitudes a shot, error falls with the root of the shots",
        values: ValueKind::Drawn,
        rows_of_bits: false,
        cost: trajectory::cost,
        make: |options| Arc::new(Trajectory::with_precision(options.shots, options.seed, options.precision)),
    },
    EngineRow {
        name: "pauli",
        doc: "ideal and noisy programs, exact, for training: 4^n numbers an observable, whatever the batch",
        values: ValueKind::Exact,
        rows_of_bits: false,
        cost: pauli::cost,
        make: |options| Arc::new(Pauli::new(options.precision)),
    },
    EngineRow {
        name: "sparse",
        doc: "expectation values of wide circuits: sums of Pauli strings of which small ones are dropped; tells what that changes",
        values: ValueKind::Truncated,
        rows_of_bits: false,
        cost: sparse::cost,
        make: |options| Arc::new(Sparse::new(options.cut)),
    },
    EngineRow {
        name: "stabilizer",
        doc: "Clifford circuits with Pauli noise, exact, and their shots; measurement, reset and conditions; thousands of qubits",
        values: ValueKind::Exact,
        rows_of_bits: true,
        cost: stabilizer::cost,
        make: |_| Arc::new(Stabilizer),
    },
    EngineRow {
        name: "mps",
        doc: "chains with little entanglement: a matrix product state; noise, measurement, reset and conditions shot by shot; tells what it drops",
        values: ValueKind::Drawn,
        rows_of_bits: true,
        cost: mps::cost,
        make: |options| Arc::new(Mps::new(&options)),
    },
];

impl EngineRow {
    /// The row of this name.
    ///
    /// # Errors
    /// If there is none.
    pub fn named(name: &str) -> Result<&'static Self, SimError> {
        let known = || ENGINES.iter().map(|row| row.name).collect::<Vec<_>>().join(", ");
        let row = ENGINES.iter().find(|row| row.name == name);
        row.ok_or_else(|| SimError::UnknownEngine { name: name.into(), known: known() })
    }
}

/// The engine called `name`.
///
/// # Errors
/// If there is none, or a tolerance is asked for and it states no such error.
pub fn engine(name: &str, options: EngineOptions) -> Result<Arc<dyn Simulator>, SimError> {
    let row = EngineRow::named(name)?;
    match options.cut.tolerance {
        Some(tolerance) if matches!(row.values, ValueKind::Exact | ValueKind::Drawn) => {
            let step = format!("to a tolerance of {tolerance:e}");
            Err(SimError::Unsupported { engine: row.name, step, instead: "use auto or sparse" })
        }
        _ => Ok((row.make)(options)),
    }
}
