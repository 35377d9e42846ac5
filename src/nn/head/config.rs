//! A head as a user describes it, and the same ready to be built on features of a known width.

use std::path::Path;
use std::sync::Arc;

use candle_core::Tensor;

use crate::circuit::ansatz::{AnsatzError, Encoding};
use crate::circuit::{Ansatz, Circuit};
use crate::nn::head::{AnsatzChoice, CircuitConfig, EncodedCircuit, Head, HeadRow, HeadShape, OwnCircuit};
use crate::nn::{LearningRates, Network, NnError, Params};
use crate::sim::{Auto, Condition, EngineOptions, Execution, Executions, SimError, Simulator};

/// Weights of one linear layer of a head, 1 GiB in single precision.
const MOST_WEIGHTS: usize = 1 << 28;

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

    /// With this row of the table of ansätze. For a file see [`HeadConfig::circuit_file`].
    pub fn ansatz(mut self, name: &str) -> Self {
        self.circuit.ansatz = name.into();
        self
    }

    /// With the circuit of a file, see [`Ansatz::read`].
    ///
    /// # Errors
    /// A file that cannot be read, or whose circuit cannot be a head's.
    pub fn circuit_file(mut self, path: impl AsRef<Path>) -> Result<Self, NnError> {
        self.circuit.ansatz = AnsatzChoice::Own(OwnCircuit { name: path.as_ref().display().to_string(), text: None });
        self.circuit.read_file()?;
        self.circuit.build(None, true)?;
        Ok(self)
    }

    /// With this circuit, whose slots are features if their names begin with x and weights if they begin with w.
    ///
    /// ```
    /// use qgraft::circuit::{Circuit, Gate};
    /// use qgraft::nn::head::HeadConfig;
    /// let mut circuit = Circuit::new(2);
    /// let (x, w) = (circuit.slot("x"), circuit.slot("w"));
    /// circuit.push(Gate::Ry, &[0], &[x])?.push(Gate::Cx, &[0, 1], &[])?.push(Gate::Rx, &[1], &[w])?;
    /// let head = HeadConfig::named("quantum")?.own_circuit(&circuit)?.observables(&["Z0 Z1", "X1"]);
    /// assert_eq!(head.model(1280, 3)?.ansatz.map(|ansatz| (ansatz.features(), ansatz.weights())), Some((1, 1)));
    /// # Ok::<(), qgraft::nn::NnError>(())
    /// ```
    ///
    /// # Errors
    /// If it cannot be the circuit of a head, see [`Ansatz::read`].
    pub fn own_circuit(mut self, circuit: &Circuit) -> Result<Self, NnError> {
        self.circuit.ansatz = AnsatzChoice::Own(circuit.into());
        self.circuit.qubits = self.circuit.build(None, true)?.circuit.qubits();
        Ok(self)
    }

    /// With these observables measured, such as `Z0 Z1 + 0.5 X2`.
    pub fn observables(mut self, observables: &[&str]) -> Self {
        self.circuit.observables = observables.iter().map(|text| text.to_string()).collect();
        self
    }

    /// The head from `features` to `classes`, its circuit run without noise.
    ///
    /// # Errors
    /// If the ansatz is unknown, the circuit cannot be built, an own circuit has more features than there are, or a linear
    /// layer would have more than 2^28 weights.
    pub fn model(&self, features: usize, classes: usize) -> Result<HeadModel, NnError> {
        let shape = self.shape(features, classes);
        let ansatz = self.build_ansatz()?;
        if let Some(own) = ansatz.as_ref().filter(|own| own.encoding == Encoding::Direct && own.features() > features) {
            let file = self.circuit.ansatz.to_string();
            return Err(AnsatzError::TooManyFeatures { file, features: own.features(), width: features }.into());
        }
        let is_large = |&(inputs, outputs): &(usize, usize)| inputs.saturating_mul(outputs) > MOST_WEIGHTS;
        if let Some((inputs, outputs)) = self.row.layers(&shape, ansatz.as_ref()).into_iter().find(is_large) {
            let value = format!("{} with a layer from {inputs} to {outputs} values", self.row.name);
            let reason = "a layer has at most 2^28 weights; give fewer features or classes";
            return Err(NnError::Setting { field: "head", value, reason });
        }
        let execution = ansatz.as_ref().map(ideal).transpose()?;
        Ok(HeadModel { row: self.row, shape, ansatz, execution })
    }

    /// The circuit of the head with what is measured of it; `None` for a head without one.
    ///
    /// # Errors
    /// If the ansatz is unknown or the circuit cannot be built.
    pub fn build_ansatz(&self) -> Result<Option<Ansatz>, NnError> {
        self.row.ansatz(&self.circuit)
    }

    fn shape(&self, features: usize, classes: usize) -> HeadShape {
        let CircuitConfig { depth, weight_sd, .. } = self.circuit;
        HeadShape { features, classes, qubits: self.circuit.width(), depth, weight_sd }
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
        let circuit = self.ansatz.as_ref().zip(self.execution.clone());
        self.row.build(params, &self.shape, circuit)?.ok_or(missing)
    }

    /// The circuit of the head on `params`, without the linear layer behind it; `None` for a head without circuit.
    ///
    /// # Errors
    /// If `params` hold other shapes.
    pub fn circuit(&self, params: &mut Params) -> Result<Option<EncodedCircuit>, NnError> {
        let circuit = self.ansatz.as_ref().zip(self.execution.clone());
        circuit.map(|(ansatz, execution)| EncodedCircuit::new(params, &self.shape, ansatz, execution)).transpose()
    }

    /// Learning rates of a head that leaves some of its parameters as they start.
    pub fn learning_rates(&self) -> LearningRates {
        self.row.learning_rates()
    }

    /// The same head with this circuit in place of the one that its ansatz builds: input slots first, then weights.
    ///
    /// # Errors
    /// If the head has no circuit, or one with other numbers of qubits or slots.
    pub fn with_circuit(self, circuit: Circuit) -> Result<Self, NnError> {
        let missing = NnError::Setting { field: "head", value: self.row.name.into(), reason: "it has no circuit" };
        let built = self.ansatz.clone().ok_or(missing)?;
        let sizes = |circuit: &Circuit| (circuit.qubits(), circuit.slots());
        if sizes(&circuit) != sizes(&built.circuit) {
            let value = format!("{} qubits and {} slots", circuit.qubits(), circuit.slots());
            let reason = "the circuit that its settings build has other numbers of qubits or slots";
            return Err(NnError::Setting { field: "circuit", value, reason });
        }
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
