//! The forecaster.

use std::sync::Arc;

use candle_core::Tensor;

use crate::nn::head::{CircuitConfig, Head, HeadModel};
use crate::nn::layer::{Linear, Lstm, dropout};
use crate::nn::model::first;
use crate::nn::{Mode, Model, Network, NnError, Output, Params};
use crate::sim::{Shots, Statevector};
use crate::systems::head_choice::HeadChoice;

/// The encoder's parameters, which stay as they are when only the head is adapted.
pub const ENCODER: [&str; 4] = ["lstm.weight_ih_l0", "lstm.weight_hh_l0", "lstm.bias_ih_l0", "lstm.bias_hh_l0"];

/// Qubits of a circuit, in a head or in a kernel.
pub const QUBITS: usize = 4;

/// Share of the dense layer that is dropped in training.
const DROPPED: f64 = 0.1;

/// LSTM over the window → last hidden state z (where domains are compared) → dense layer, ReLU → head → the increment.
pub struct Forecaster {
    hidden: usize,
    dense: usize,
    head: HeadModel,
}

impl Forecaster {
    /// `hidden` numbers of state, `dense` behind them; `head` is a row of the table of heads, a circuit of four qubits
    /// and two layers if it has one, without noise whatever device its label names.
    ///
    /// # Errors
    /// If there is no such head, or it is not trained by gradients.
    pub fn new(hidden: usize, dense: usize, head: &str) -> Result<Self, NnError> {
        let head = Self::choice(head)?.config.model(dense, 1)?;
        Ok(Self { hidden, dense, head })
    }

    /// The head of this label, `NAME` or `NAME@DEVICE`.
    ///
    /// # Errors
    /// If there is no such head, or it has no circuit and names a device.
    pub fn choice(head: &str) -> Result<HeadChoice, NnError> {
        HeadChoice::named(head, &CircuitConfig { qubits: QUBITS, depth: 2, weight_sd: 0.1, ..CircuitConfig::default() })
    }

    /// Its head.
    pub fn head(&self) -> &HeadModel {
        &self.head
    }

    /// The same forecaster with this head.
    pub fn with_head(&self, head: HeadModel) -> Self {
        Self { head, ..*self }
    }

    /// The same forecaster with the expectation values of its circuit estimated from `shots` shots under `seed`; `None`
    /// for a head without circuit.
    ///
    /// # Errors
    /// If the engine refuses the circuit.
    pub fn with_shots(&self, shots: usize, seed: u64) -> Result<Option<Self>, NnError> {
        let head = self.head.on(Arc::new(Shots { inner: Statevector::default(), shots, seed }))?;
        Ok(head.map(|head| Self { head, ..*self }))
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
        let dense = Linear::new(params, "dense", (self.hidden, self.dense), true)?;
        Ok(Box::new(Built { lstm, dense, head: self.head.build(params)? }))
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
