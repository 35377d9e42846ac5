//! What systems graft onto networks of their own: a row of the table of heads with all that it is built from.

use std::sync::Arc;

use candle_core::Tensor;

use crate::circuit::ansatz::AnsatzRow;
use crate::nn::head::{EncodedCircuit, Head, HeadRow, HeadShape};
use crate::nn::{Execution, NnError, Params};
use crate::sim::{self, Auto, Simulator};
use crate::systems::spec::Circuit;

/// A head that is ready to be built.
#[derive(Clone)]
pub struct Scion {
    /// The row of the table.
    pub row: &'static HeadRow,
    /// Its sizes.
    pub shape: HeadShape,
    /// The family of circuits that was asked for; the row may have its own.
    pub family: &'static AnsatzRow,
    /// Its circuit without noise, if it has one.
    pub execution: Option<Execution>,
}

impl Scion {
    /// The head `name` from so many features to so many classes, with the circuit of a spec if it has one.
    ///
    /// # Errors
    /// If there is no such head or family of circuits, or the circuit cannot be built.
    pub fn new(name: &str, circuit: &Circuit, (features, classes): (usize, usize)) -> Result<Self, NnError> {
        let row = HeadRow::named(name)?;
        let Circuit { qubits, depth, weight_sd, .. } = *circuit;
        let shape = HeadShape { features, classes, qubits, depth, weight_sd };
        let (value, reason) = (circuit.ansatz.clone(), "see qgraft list ansatze");
        let unknown = NnError::Setting { field: "circuit.ansatz", value, reason };
        let family = AnsatzRow::named(&circuit.ansatz).ok_or(unknown)?;
        let engine = || Arc::new(Auto::new(sim::EngineOptions::default()));
        let ansatz = row.ansatz(family, &shape)?;
        let execution = ansatz.map(|ansatz| Execution::ideal(&ansatz, engine())).transpose()?;
        Ok(Self { row, shape, family, execution })
    }

    /// The head on `params`, which are made if they do not exist yet.
    ///
    /// # Errors
    /// If `params` hold other shapes, or the head is trained without gradients.
    pub fn build(&self, params: &mut Params) -> Result<Arc<dyn Head>, NnError> {
        let reason = "use a head that is trained by gradients";
        let missing = NnError::Setting { field: "head", value: self.row.name.into(), reason };
        self.row.build(params, &self.shape, self.family, self.execution.clone())?.ok_or(missing)
    }

    /// The circuit of the head on `params`, without the linear layer behind it; `None` for a head without circuit.
    ///
    /// # Errors
    /// If `params` hold other shapes.
    pub fn circuit(&self, params: &mut Params) -> Result<Option<EncodedCircuit>, NnError> {
        let on = |execution: &Execution| {
            EncodedCircuit::new(params, &self.shape, self.row.family(self.family), execution.clone())
        };
        self.execution.as_ref().map(on).transpose()
    }

    /// The same head with its circuit on another engine; `None` for a head without circuit.
    ///
    /// # Errors
    /// If the engine refuses the circuit.
    pub fn on(&self, engine: Arc<dyn Simulator>) -> Result<Option<Self>, NnError> {
        let Some(execution) = &self.execution else { return Ok(None) };
        Ok(Some(Self { execution: Some(execution.with_simulator(engine)?), ..self.clone() }))
    }

    /// The angles (rows, input slots) in radians with which the circuit of the head is run on `features` (rows, width).
    ///
    /// # Errors
    /// If the head has no circuit, or shapes do not fit.
    pub fn input_angles(&self, params: &mut Params, features: &Tensor) -> Result<Tensor, NnError> {
        let missing = NnError::Setting { field: "head", value: self.row.name.into(), reason: "it has no circuit" };
        self.circuit(params)?.ok_or(missing)?.angles(features)
    }
}
