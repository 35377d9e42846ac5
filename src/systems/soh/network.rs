//! The forecaster.

use std::sync::Arc;

use candle_core::Tensor;

use crate::circuit::ansatz::AnsatzRow;
use crate::nn::head::{Head, HeadRow, HeadShape};
use crate::nn::layer::{Linear, Lstm, dropout};
use crate::nn::model::first;
use crate::nn::{Execution, Mode, Model, Network, NnError, Output, Params};
use crate::sim::{Shots, Statevector};

/// The encoder's parameters: what stays when only the head is adapted.
pub const ENCODER: [&str; 4] = ["lstm.weight_ih_l0", "lstm.weight_hh_l0", "lstm.bias_ih_l0", "lstm.bias_hh_l0"];

/// Qubits of a circuit that takes part.
pub const QUBITS: usize = 4;

/// Share of the dense layer that is dropped in training.
const DROPPED: f64 = 0.1;

/// LSTM over the window → last hidden state z (where domains are compared) → dense layer, ReLU → head → the increment.
pub struct Forecaster {
    hidden: usize,
    head: &'static HeadRow,
    family: &'static AnsatzRow,
    shape: HeadShape,
    execution: Option<Execution>,
}

impl Forecaster {
    /// `hidden` numbers of state, `dense` behind them; `head` is a row of the table of heads, a circuit of four qubits
    /// and two layers if it has one.
    ///
    /// # Errors
    /// If there is no such head, or it is not trained by gradients.
    pub fn new(hidden: usize, dense: usize, head: &str) -> Result<Self, NnError> {
        let head = HeadRow::named(head)?;
        let shape = HeadShape { features: dense, classes: 1, qubits: QUBITS, depth: 2, weight_sd: 0.1 };
        let family = AnsatzRow::named("dressed").expect("a row of the table");
        let ansatz = head.ansatz(family, &shape)?;
        let execution = ansatz.map(|ansatz| Execution::ideal(&ansatz, Arc::new(Statevector::default())));
        Ok(Self { hidden, head, family, shape, execution })
    }

    /// The same forecaster with the expectation values of its circuit found by `shots` shots drawn under `seed`; `None`
    /// for a head without circuit.
    pub fn with_shots(&self, shots: usize, seed: u64) -> Option<Self> {
        let engine = Shots { inner: Statevector::default(), shots, seed };
        let execution = self.execution.as_ref()?.with_simulator(Arc::new(engine));
        Some(Self { execution: Some(execution), ..*self })
    }
}

struct Built {
    lstm: Lstm,
    dense: Linear,
    head: Arc<dyn Head>,
}

impl Model for Forecaster {
    fn build<'a>(&'a self, params: &mut Params) -> Result<Box<dyn Network + 'a>, NnError> {
        let lstm = Lstm::new(params, "lstm", (3, self.hidden), 1)?;
        let dense = Linear::new(params, "dense", (self.hidden, self.shape.features), true)?;
        let reason = "a forecast needs a head that is trained by gradients";
        let unfit = NnError::Setting { field: "head", value: self.head.name.into(), reason };
        let head = self.head.build(params, &self.shape, self.family, self.execution.clone())?.ok_or(unfit)?;
        Ok(Box::new(Built { lstm, dense, head }))
    }
}

impl Network for Built {
    fn forward(&self, inputs: &[Tensor], mode: Mode) -> Result<Output, NnError> {
        let states = self.lstm.forward(first(inputs)?)?;
        let latent = states.narrow(1, states.dim(1)? - 1, 1)?.squeeze(1)?.contiguous()?;
        let dense = dropout(&self.dense.forward(&latent)?.relu()?, DROPPED, "dense", mode)?;
        let increment = self.head.logits(&dense)?;
        Ok(Output::new(latent, increment))
    }
}
