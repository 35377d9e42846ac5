//! Text and indicators to classes.

use candle_core::{D, Tensor};
use serde::{Deserialize, Serialize};

use crate::nn::head::{CircuitConfig, EncodedCircuit, HeadConfig, HeadRow};
use crate::nn::init::Init;
use crate::nn::layer::{Linear, dropout, unit_rows};
use crate::nn::text::{Pooling, TextConfig, TextEncoder};
use crate::nn::{Mode, Model, Network, NnError, Output, Params};

/// How text comes in.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextInput {
    /// Vectors of a frozen encoder, computed before.
    Vectors {
        /// Their width.
        width: usize,
    },
    /// Numbers of words, read by an encoder that may be trained.
    Words(TextConfig),
}

/// How text and indicators meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fusion {
    /// One behind the other.
    Concat,
    /// g · text + (1 - g) · indicators with a gate g of both (Arevalo et al. 2017, arXiv:1702.01992).
    Gated,
    /// The mean of the logits of each.
    Averaged,
}

/// What stands behind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeadKind {
    /// Linear, GELU, dropout, linear.
    Layers,
    /// Linear to the qubits, circuit, linear.
    Quantum(CircuitConfig),
    /// The same with the circuit exchanged for layers of tanh with as many trained numbers.
    Tanh(CircuitConfig),
}

/// A network of reports. It reads text, then indicators, of what it has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportNet {
    /// Text, if it reads any.
    pub text: Option<TextInput>,
    /// Width of the indicators; 0 if it reads none.
    pub indicators: usize,
    /// How both meet.
    pub fusion: Fusion,
    /// What stands behind.
    pub head: HeadKind,
    /// Width of the hidden layer.
    pub hidden: usize,
    /// Number of classes.
    pub classes: usize,
}

/// Widths of the layers of the indicators.
const TABULAR: [usize; 2] = [64, 32];
/// Shares that are dropped behind the first layer of indicators and in the hidden layer.
const DROPOUT: [f64; 2] = [0.1, 0.3];

struct Layers {
    hidden: Linear,
    classify: Linear,
    name: String,
}

impl Layers {
    fn new(params: &mut Params, name: &str, (input, hidden, classes): (usize, usize, usize)) -> Result<Self, NnError> {
        Ok(Self {
            hidden: Linear::new(params, &format!("{name}hidden"), (input, hidden), true)?,
            classify: Linear::new(params, &format!("{name}classify"), (hidden, classes), true)?,
            name: name.into(),
        })
    }

    fn forward(&self, x: &Tensor, mode: Mode) -> Result<Output, NnError> {
        let hidden = self.hidden.forward(x)?.gelu_erf()?;
        let hidden = dropout(&hidden, DROPOUT[1], &format!("{}hidden", self.name), mode)?;
        let logits = self.classify.forward(&hidden)?;
        Ok(Output::new(hidden, logits))
    }
}

enum Behind {
    Layers(Layers),
    /// Of text and of indicators.
    Averaged(Layers, Layers),
    Quantum(Box<EncodedCircuit>, Linear),
    Tanh {
        reduce: Linear,
        scales: Tensor,
        qubits: usize,
        classify: Linear,
    },
}

struct Gate {
    text: Linear,
    gate: Linear,
}

struct Built {
    encoder: Option<TextEncoder>,
    has_text: bool,
    tabular: Option<[Linear; 2]>,
    gate: Option<Gate>,
    behind: Behind,
}

impl ReportNet {
    /// Width of the text; 0 without.
    fn text_width(&self) -> usize {
        match &self.text {
            None => 0,
            Some(TextInput::Vectors { width }) => *width,
            Some(TextInput::Words(config)) => config.width,
        }
    }
}

impl Model for ReportNet {
    fn build<'a>(&'a self, params: &mut Params) -> Result<Box<dyn Network + 'a>, NnError> {
        let encoder = match &self.text {
            Some(TextInput::Words(config)) => Some(TextEncoder::new(params, *config)?),
            _ => None,
        };
        let (text, [first, second]) = (self.text_width(), TABULAR);
        let tabular = match self.indicators {
            0 => None,
            width => Some([
                Linear::new(params, "tabular.0", (width, first), true)?,
                Linear::new(params, "tabular.1", (first, second), true)?,
            ]),
        };
        let table = if tabular.is_some() { second } else { 0 };
        let is_fused = text > 0 && table > 0;
        let gate = match self.fusion {
            Fusion::Gated if is_fused => Some(Gate {
                text: Linear::new(params, "gate.text", (text, second), true)?,
                gate: Linear::new(params, "gate.gate", (2 * second, second), true)?,
            }),
            _ => None,
        };
        let width = if gate.is_some() { second } else { text + table };
        let behind = match &self.head {
            HeadKind::Layers if self.fusion == Fusion::Averaged && is_fused => Behind::Averaged(
                Layers::new(params, "text.", (text, self.hidden, self.classes))?,
                Layers::new(params, "table.", (table, self.hidden, self.classes))?,
            ),
            HeadKind::Layers => Behind::Layers(Layers::new(params, "", (width, self.hidden, self.classes))?),
            HeadKind::Quantum(circuit) | HeadKind::Tanh(circuit) => {
                let config = HeadConfig { row: HeadRow::named("quantum")?, circuit: circuit.clone() };
                let model = config.model(width, self.classes)?;
                let reason = "the head needs a circuit";
                let missing = NnError::Setting { field: "circuit", value: "none".into(), reason };
                match (&self.head, &model.execution) {
                    (HeadKind::Quantum(_), Some(execution)) => {
                        let measured = execution.observables.len();
                        let circuit = model.circuit(params)?.ok_or(missing)?;
                        let classify = Linear::new(params, "classify", (measured, self.classes), true)?;
                        Behind::Quantum(Box::new(circuit), classify)
                    }
                    (_, Some(execution)) => {
                        // As many numbers as the circuit has, and as many outputs.
                        let ansatz = model.ansatz.as_ref().ok_or(missing)?;
                        let (qubits, measured) = (ansatz.features(), execution.observables.len());
                        let count = execution.program.slots - ansatz.inputs;
                        if qubits != measured {
                            let reason = "the classical twin needs one observable for each reduced feature";
                            let value = format!("{measured} of {qubits}");
                            return Err(NnError::Setting { field: "circuit.observables", value, reason });
                        }
                        Behind::Tanh {
                            reduce: Linear::new(params, "reduce", (width, qubits), false)?,
                            scales: params.get("tanh.scales", &[count], Init::Normal { sd: 1.0 })?,
                            qubits,
                            classify: Linear::new(params, "classify", (measured, self.classes), true)?,
                        }
                    }
                    (_, None) => return Err(missing),
                }
            }
        };
        Ok(Box::new(Built { encoder, has_text: self.text.is_some(), tabular, gate, behind }))
    }
}

impl Network for Built {
    fn forward(&self, inputs: &[Tensor], mode: Mode) -> Result<Output, NnError> {
        let reason = "the network reads text, then indicators";
        let missing = || NnError::Setting { field: "inputs", value: inputs.len().to_string(), reason };
        let mut given = inputs.iter();
        let text = match (self.has_text, &self.encoder) {
            (false, _) => None,
            (true, None) => Some(given.next().ok_or_else(missing)?.clone()),
            (true, Some(encoder)) => {
                let vectors = encoder.sentence(given.next().ok_or_else(missing)?, Pooling::Mean, mode)?;
                // The size that vectors of a frozen encoder come in.
                Some((unit_rows(&vectors)? * (encoder.config().width as f64).sqrt())?)
            }
        };
        let table = match &self.tabular {
            None => None,
            Some([first, second]) => {
                let x = first.forward(given.next().ok_or_else(missing)?)?.relu()?;
                Some(second.forward(&dropout(&x, DROPOUT[0], "tabular.0", mode)?)?)
            }
        };
        let joined = match (&text, &table, &self.gate) {
            (Some(text), Some(table), Some(gate)) => {
                let text = gate.text.forward(text)?.tanh()?;
                let table = table.tanh()?;
                let share = candle_nn::ops::sigmoid(&gate.gate.forward(&Tensor::cat(&[&text, &table], 1)?)?)?;
                ((&share * &text)? + ((1.0 - &share)? * &table)?)?
            }
            (Some(text), Some(table), None) => Tensor::cat(&[text, table], 1)?,
            (Some(one), None, _) | (None, Some(one), _) => one.clone(),
            (None, None, _) => return Err(missing()),
        };
        match (&self.behind, &text, &table) {
            (Behind::Layers(layers), ..) => layers.forward(&joined, mode),
            (Behind::Averaged(of_text, of_table), Some(text), Some(table)) => {
                let (one, other) = (of_text.forward(text, mode)?, of_table.forward(table, mode)?);
                Ok(Output::new(one.features, ((one.logits + other.logits)? * 0.5)?))
            }
            (Behind::Averaged(..), ..) => Err(missing()),
            (Behind::Quantum(circuit, classify), ..) => {
                let expectations = circuit.expectations(&joined)?;
                let logits = classify.forward(&expectations)?;
                Ok(Output::new(expectations, logits))
            }
            (Behind::Tanh { reduce, scales, qubits, classify }, ..) => {
                let mut x = reduce.forward(&joined)?.tanh()?;
                let count = scales.dim(0)?;
                for start in (0..count).step_by(*qubits) {
                    let own = scales.narrow(0, start, (*qubits).min(count - start))?;
                    let rest = *qubits - own.dim(0)?;
                    let own = match rest {
                        0 => own,
                        rest => Tensor::cat(&[own, Tensor::ones(rest, scales.dtype(), scales.device())?], 0)?,
                    };
                    // Each unit meets its neighbour, as qubits do through an entangler.
                    let turned = match *qubits {
                        1 => x.clone(),
                        n => Tensor::cat(&[x.narrow(D::Minus1, 1, n - 1)?, x.narrow(D::Minus1, 0, 1)?], D::Minus1)?,
                    };
                    x = (x + turned)?.broadcast_mul(&own)?.tanh()?;
                }
                let logits = classify.forward(&x)?;
                Ok(Output::new(x, logits))
            }
        }
    }
}
