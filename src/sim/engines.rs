//! The table of engines, and the one that chooses among the others.

use ndarray::{Array2, ArrayView2};

use crate::circuit::Observable;
use crate::math::words::closest;
use crate::noise::{Program, Step};
use crate::sim::{AngleGradient, Angles, Density, Pauli, SimError, Simulator, Statevector};

/// An engine by name.
pub struct EngineRow {
    /// Name on the command line.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// A fresh one.
    pub make: fn() -> Box<dyn Simulator>,
}

/// Every engine.
pub static ENGINES: &[EngineRow] = &[
    EngineRow {
        name: "auto",
        doc: "Chooses: statevector without noise, pauli with noise, density where a program measures in its middle, \
              resets or has conditions",
        make: || Box::new(Auto::default()),
    },
    EngineRow {
        name: "statevector",
        doc: "Amplitudes; exact for programs without noise, 2^n numbers",
        make: || Box::new(Statevector::default()),
    },
    EngineRow {
        name: "density",
        doc: "Density matrices; exact for every program, 4^n numbers",
        make: || Box::new(Density::default()),
    },
    EngineRow {
        name: "pauli",
        doc: "Observables pulled back through the trained part once for a whole batch; exact with noise, 4^n numbers",
        make: || Box::new(Pauli::default()),
    },
];

/// A fresh engine of this name.
///
/// # Errors
/// If there is none.
pub fn engine(name: &str) -> Result<Box<dyn Simulator>, SimError> {
    let row = ENGINES.iter().find(|row| row.name == name);
    row.map(|row| (row.make)()).ok_or_else(|| SimError::UnknownEngine {
        name: name.into(),
        suggestion: closest(name, ENGINES.iter().map(|row| row.name)).unwrap_or("auto"),
    })
}

/// Chooses an engine for each program; [`Simulator::chosen`] says which.
#[derive(Default)]
pub struct Auto {
    statevector: Statevector,
    density: Density,
    pauli: Pauli,
}

impl Auto {
    fn choose(&self, program: &Program) -> &dyn Simulator {
        // Measurements that nothing follows are read off the final state by every engine.
        let last = program.steps.iter().rposition(|step| !matches!(step, Step::Measure { .. })).map_or(0, |k| k + 1);
        let body = &program.steps[..last];
        let conditional = body.iter().any(|step| match step {
            Step::Gate(op) => op.condition.is_some(),
            Step::Noise { condition, .. } => condition.is_some(),
            Step::Measure { .. } | Step::Reset { .. } => true,
        });
        match (conditional, body.iter().any(|step| matches!(step, Step::Noise { .. }))) {
            (true, _) => &self.density,
            (false, true) => &self.pauli,
            (false, false) => &self.statevector,
        }
    }
}

impl Simulator for Auto {
    fn name(&self) -> String {
        "auto".into()
    }

    fn chosen(&self, program: &Program) -> String {
        self.choose(program).name()
    }

    fn expect(&self, program: &Program, angles: Angles, observables: &[Observable]) -> Result<Array2<f64>, SimError> {
        self.choose(program).expect(program, angles, observables)
    }

    fn vjp(
        &self,
        program: &Program,
        angles: Angles,
        observables: &[Observable],
        cotangent: ArrayView2<f64>,
    ) -> Result<AngleGradient, SimError> {
        self.choose(program).vjp(program, angles, observables, cotangent)
    }

    fn probabilities(&self, program: &Program, angles: Angles) -> Result<Array2<f64>, SimError> {
        self.choose(program).probabilities(program, angles)
    }
}
