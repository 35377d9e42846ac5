//! A head as a user describes it, and the same ready to be built on features of a known width.

use std::sync::Arc;

use candle_core::Tensor;
use serde::{Deserialize, Serialize};

use crate::circuit::ansatz::{ANSATZE, AnsatzRow};
use crate::circuit::{Ansatz, Circuit};
use crate::nn::head::{EncodedCircuit, Head, HeadRow, HeadShape};
use crate::nn::{LearningRates, Network, NnError, Params};
use crate::sim::{Auto, Condition, EngineOptions, Execution, Executions, SimError, Simulator};

/// The circuit of a head, and the width of the parameter-matched classical head.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CircuitConfig {
    /// Row of the table of ansätze.
    pub ansatz: String,
    /// Number of qubits, also the hidden width of the parameter-matched classical head.
    pub qubits: usize,
    /// Number of layers.
    pub depth: usize,
    /// Standard deviation of the initial weights, radians.
    pub weight_sd: f64,
}

impl Default for CircuitConfig {
    fn default() -> Self {
        Self { ansatz: "dressed".into(), qubits: 4, depth: 3, weight_sd: 0.01 }
    }
}

impl CircuitConfig {
    /// Its row of the table of ansätze.
    ///
    /// # Errors
    /// If there is none of this name, with the nearest one.
    pub fn family(&self) -> Result<&'static AnsatzRow, NnError> {
        let names = ANSATZE.iter().map(|row| row.name);
        AnsatzRow::named(&self.ansatz).ok_or_else(|| NnError::unknown("ansatz", "ansatze", &self.ansatz, names))
    }
}

/// A head: a row of the table of heads and the circuit that it has, if it has one.
///
/// ```
/// use qgraft::nn::head::HeadConfig;
/// let head = HeadConfig::named("quantum")?.qubits(4).depth(3);
/// assert!(head.model(1280, 3)?.execution.is_some());
/// # Ok::<(), qgraft::nn::NnError>(())
/// ```
#[derive(Clone)]
pub struct HeadConfig {
    /// The row of the table of heads.
    pub row: &'static HeadRow,
    /// The circuit. Rows with a circuit of their own take its sizes alone.
    pub circuit: CircuitConfig,
}

impl HeadConfig {
    /// The head of this name with the default circuit.
    ///
    /// # Errors
    /// If there is none of this name, with the nearest one.
    pub fn named(name: &str) -> Result<Self, NnError> {
        Ok(Self { row: HeadRow::named(name)?, circuit: CircuitConfig::default() })
    }

    /// With this circuit.
    pub fn circuit(self, circuit: CircuitConfig) -> Self {
        Self { circuit, ..self }
    }

    /// With so many qubits.
    pub fn qubits(mut self, qubits: usize) -> Self {
        self.circuit.qubits = qubits;
        self
    }

    /// With so many layers.
    pub fn depth(mut self, depth: usize) -> Self {
        self.circuit.depth = depth;
        self
    }

    /// With this row of the table of ansätze.
    pub fn ansatz(mut self, name: &str) -> Self {
        self.circuit.ansatz = name.into();
        self
    }

    /// The head from `features` to `classes`, its circuit run without noise.
    ///
    /// # Errors
    /// If the ansatz is unknown or the circuit cannot be built.
    pub fn model(&self, features: usize, classes: usize) -> Result<HeadModel, NnError> {
        let shape = self.shape(features, classes);
        let family = self.circuit.family()?;
        let ansatz = self.row.ansatz(family, &shape)?;
        let execution = ansatz.as_ref().map(ideal).transpose()?;
        Ok(HeadModel { row: self.row, shape, family, ansatz, execution })
    }

    /// The circuit of the head with what is measured of it; `None` for a head without one.
    ///
    /// # Errors
    /// If the ansatz is unknown or the circuit cannot be built.
    pub fn build_ansatz(&self) -> Result<Option<Ansatz>, NnError> {
        self.row.ansatz(self.circuit.family()?, &self.shape(1, 1))
    }

    fn shape(&self, features: usize, classes: usize) -> HeadShape {
        let CircuitConfig { qubits, depth, weight_sd, .. } = self.circuit;
        HeadShape { features, classes, qubits, depth, weight_sd }
    }
}

/// The circuit without noise on the engine that costs least.
fn ideal(ansatz: &Ansatz) -> Result<Execution, SimError> {
    Execution::ideal(ansatz, Arc::new(Auto::new(EngineOptions::default())))
}

/// A head that is ready to be built on parameters.
#[derive(Clone)]
pub struct HeadModel {
    /// The row of the table of heads.
    pub row: &'static HeadRow,
    /// Its sizes.
    pub shape: HeadShape,
    /// The requested family of circuits; the row may have its own.
    pub family: &'static AnsatzRow,
    /// Its circuit with what is measured of it; `None` for a head without circuit.
    pub ansatz: Option<Ansatz>,
    /// The circuit, ready to run; `None` for a head without circuit.
    pub execution: Option<Execution>,
}

impl HeadModel {
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

    /// Learning rates of a head that leaves some of its parameters as they start.
    pub fn learning_rates(&self) -> LearningRates {
        self.row.learning_rates()
    }

    /// The same head with this circuit in place of the one that its ansatz builds: input slots first, then weights.
    ///
    /// # Errors
    /// If the head has no circuit.
    pub fn with_circuit(self, circuit: Circuit) -> Result<Self, NnError> {
        let missing = NnError::Setting { field: "head", value: self.row.name.into(), reason: "it has no circuit" };
        let built = self.row.ansatz(self.family, &self.shape)?.ok_or(missing)?;
        let ansatz = Ansatz { circuit, ..built };
        Ok(Self { execution: Some(ideal(&ansatz)?), ansatz: Some(ansatz), ..self })
    }

    /// The same head with its circuit compiled for a condition. Shots and trajectories draw under `seed`. A head
    /// without circuit stays as it is.
    ///
    /// # Errors
    /// If the circuit cannot be compiled for the condition.
    pub fn compile(&self, executions: &Executions, condition: &Condition, seed: u64) -> Result<Self, NnError> {
        let Some(ansatz) = &self.ansatz else { return Ok(self.clone()) };
        let execution = executions.compile(&ansatz.into(), condition, seed)?;
        Ok(Self { execution: Some(execution), ..self.clone() })
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

/// A head as a network that reads features.
impl crate::nn::Model for HeadModel {
    fn build<'a>(&'a self, params: &mut Params) -> Result<Box<dyn Network + 'a>, NnError> {
        Ok(Box::new(Self::build(self, params)?))
    }
}
