//! One network for tasks of different symmetry: the colours of pairs of positions are an input.

use candle_core::{DType, Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::math::PairOrbits;
use crate::nn::init::Init;
use crate::nn::layer::{Embedding, GraphAttention, LayerNorm, Linear, dropout};
use crate::nn::loss::{Objective, cross_entropy};
use crate::nn::{Mode, Model, Network, NnError, Output, Params};
use crate::study::StudyError;
use crate::systems::equivariance::readout::{Readout, TiedCircuit};
use crate::systems::equivariance::sequences::{Form, Sequences};

/// Sizes of the network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Size {
    /// Width of every vector.
    pub width: usize,
    /// Layers of attention.
    pub layers: usize,
    /// Heads of a layer.
    pub heads: usize,
    /// Share of logits that are dropped in training.
    pub dropout: f64,
    /// Layers of the circuit of a quantum readout.
    pub circuit_depth: usize,
}

impl Default for Size {
    /// The sizes of the source are 128, 4 and 8.
    fn default() -> Self {
        Self { width: 32, layers: 2, heads: 4, dropout: 0.1, circuit_depth: 2 }
    }
}

/// A task that the network is trained on: what its sequences consist of, and the orbits that they are read with.
#[derive(Clone, Debug)]
pub struct Task {
    /// Its name, which its own parameters carry.
    pub name: String,
    /// Its sequences.
    pub form: Form,
    /// The symmetry that is an input.
    pub orbits: PairOrbits,
}

/// An any-subgroup equivariant network (Goel et al. 2026, arXiv:2603.19486): tokens and colours of pairs have vectors of each
/// task; everything between is shared and treats all positions alike, so the whole is equivariant to exactly the
/// permutations that keep the colours.
///
/// It reads tokens (rows, positions) and the index of the task (rows, 1), both u32. Logits are (rows, positions, classes), or
/// (rows, 1, classes) of a task with one label for a sequence. The tasks of one batch must have logits of one shape.
pub struct EquivariantNet {
    tasks: Vec<Task>,
    size: Size,
    readout: Readout,
    circuits: Vec<Option<TiedCircuit>>,
}

impl EquivariantNet {
    /// A network for these tasks.
    ///
    /// # Errors
    /// If the circuit of a quantum readout cannot be built.
    pub fn new(tasks: Vec<Task>, size: &Size, readout: Readout) -> Result<Self, StudyError> {
        let circuit = |task: &Task| readout.circuit(&task.orbits, size.circuit_depth);
        let circuits = tasks.iter().map(circuit).collect::<Result<_, _>>()?;
        Ok(Self { tasks, size: size.clone(), readout, circuits })
    }

    /// The tasks.
    pub fn tasks(&self) -> &[Task] {
        &self.tasks
    }

    /// What the network reads for sequences of task `index`.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn inputs(tokens: &ndarray::Array2<u32>, index: usize) -> Result<Vec<Tensor>, NnError> {
        let (rows, positions) = tokens.dim();
        let tokens = Tensor::from_iter(tokens.iter().copied(), &Device::Cpu)?.reshape((rows, positions))?;
        Ok(vec![tokens, Tensor::full(index as u32, (rows, 1), &Device::Cpu)?])
    }

    /// Inputs and labels of sequences of task `index`.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn examples(sequences: &Sequences, index: usize) -> Result<crate::nn::Examples, NnError> {
        let labels = &sequences.labels;
        let targets = Tensor::from_iter(labels.iter().copied(), &Device::Cpu)?.reshape(labels.dim())?;
        let inputs = Self::inputs(&sequences.tokens, index)?;
        Ok(crate::nn::Examples { inputs, ..crate::nn::Examples::new(targets.clone(), targets) })
    }
}

struct BuiltTask<'a> {
    tokens: Embedding,
    orbits: Tensor,
    colors: Tensor,
    head: Linear,
    angle: Option<Linear>,
    circuit: Option<(&'a TiedCircuit, Tensor)>,
    is_whole: bool,
}

struct Layer {
    attention: GraphAttention,
    linear: Linear,
    norm: LayerNorm,
}

struct Built<'a> {
    tasks: Vec<BuiltTask<'a>>,
    input: (LayerNorm, Linear, LayerNorm),
    layers: Vec<Layer>,
    dropout: f64,
}

impl Model for EquivariantNet {
    fn build<'a>(&'a self, params: &mut Params) -> Result<Box<dyn Network + 'a>, NnError> {
        let Size { width, layers, heads, dropout, .. } = self.size;
        let mut tasks = Vec::new();
        for (task, circuit) in self.tasks.iter().zip(&self.circuits) {
            let Task { name, form, orbits } = task;
            let own = |part: &str| format!("tasks.{name}.{part}");
            let read = if self.readout == Readout::Linear { width } else { 1 };
            // Tasks with labels of two classes for each position share their head, as in the source.
            let head = if form.is_whole || form.classes.len() != 2 { own("head") } else { "head".into() };
            tasks.push(BuiltTask {
                tokens: Embedding::new(params, &own("tokens"), form.tokens.len(), width)?,
                orbits: params.get(&own("orbits.weight"), &[orbits.count, width], Init::Normal { sd: 1.0 })?,
                colors: Tensor::from_iter(orbits.colors.iter().map(|color| *color as u32), &Device::Cpu)?,
                head: Linear::new(params, &head, (read, form.classes.len()), true)?,
                angle: match self.readout {
                    Readout::Linear => None,
                    _ => Some(Linear::new(params, "angle", (width, 1), true)?),
                },
                circuit: match circuit {
                    Some(circuit) => {
                        let weights = params.get(&own("circuit"), &[circuit.weights()], Init::Normal { sd: 0.1 })?;
                        Some((circuit, weights))
                    }
                    None => None,
                },
                is_whole: form.is_whole,
            });
        }
        let norm = |params: &mut Params, name: &str| LayerNorm::new(params, name, width);
        let square = |params: &mut Params, name: &str| Linear::new(params, name, (width, width), true);
        let input = (norm(params, "body.norm_in")?, square(params, "body.input")?, norm(params, "body.norm_out")?);
        let layer = |k: usize| {
            let name = format!("body.layers.{k}");
            Ok::<Layer, NnError>(Layer {
                attention: GraphAttention::new(params, &format!("{name}.attention"), (width, width, width), heads)?,
                linear: square(params, &format!("{name}.linear"))?,
                norm: norm(params, &format!("{name}.norm"))?,
            })
        };
        let layers = (0..layers).map(layer).collect::<Result<_, _>>()?;
        Ok(Box::new(Built { tasks, input, layers, dropout }))
    }
}

impl Built<'_> {
    /// Logits (rows, positions or 1, classes) of sequences of one task.
    fn logits(&self, task: &BuiltTask, tokens: &Tensor) -> Result<Tensor, NnError> {
        let (before, linear, after) = &self.input;
        let mut x = after.forward(&linear.forward(&before.forward(&task.tokens.forward(tokens)?)?.relu()?)?)?;
        for layer in &self.layers {
            let seen = layer.attention.forward(&x, &task.orbits, &task.colors)?;
            x = (x + layer.norm.forward(&layer.linear.forward(&seen)?)?.relu()?)?;
        }
        if let Some(angle) = &task.angle {
            x = angle.forward(&x)?;
            if let Some((circuit, weights)) = &task.circuit {
                x = circuit.forward(&x.squeeze(2)?, weights)?.unsqueeze(2)?;
            }
        }
        if task.is_whole {
            x = x.mean_keepdim(1)?;
        }
        Ok(task.head.forward(&x)?)
    }
}

impl Network for Built<'_> {
    fn forward(&self, inputs: &[Tensor], mode: Mode) -> Result<Output, NnError> {
        let reason = "the network reads tokens and tasks";
        let [tokens, tasks] = inputs else {
            return Err(NnError::Setting { field: "inputs", value: inputs.len().to_string(), reason });
        };
        let of_rows: Vec<u32> = tasks.flatten_all()?.to_vec1()?;
        let (mut found, mut order) = (Vec::new(), Vec::new());
        for (index, task) in self.tasks.iter().enumerate() {
            let rows: Vec<u32> =
                (0..of_rows.len() as u32).filter(|&row| of_rows[row as usize] == index as u32).collect();
            if rows.is_empty() {
                continue;
            }
            found.push(self.logits(task, &tokens.index_select(&Tensor::new(&rows[..], &Device::Cpu)?, 0)?)?);
            order.extend(rows);
        }
        let logits = match &found[..] {
            [only] => only.clone(),
            _ => {
                let mut back = vec![0u32; order.len()];
                order.iter().zip(0..).for_each(|(&row, at)| back[row as usize] = at);
                Tensor::cat(&found, 0)?.index_select(&Tensor::new(&back[..], &Device::Cpu)?, 0)?
            }
        };
        let logits = dropout(&logits, self.dropout, "logits", mode)?;
        Ok(Output::new(logits.clone(), logits))
    }
}

/// Cross-entropy of the classes of each position, averaged over the positions.
pub struct PositionLoss;

impl Objective for PositionLoss {
    fn losses(&self, output: &Output, targets: &[Tensor]) -> Result<Tensor, NnError> {
        let (rows, positions, classes) = output.logits.dims3()?;
        let labels = labels(targets)?.flatten_all()?;
        let losses = cross_entropy(&output.logits.reshape((rows * positions, classes))?, &labels)?;
        // A mean along a dimension has no gradient of the right shape for one position.
        Ok(losses.reshape((rows, positions))?.sum(1)?.affine(1.0 / positions as f64, 0.0)?)
    }

    fn right(&self, output: &Output, targets: &[Tensor]) -> Result<Option<Tensor>, NnError> {
        let right = output.logits.detach().argmax(2)?.eq(labels(targets)?)?;
        Ok(Some(right.to_dtype(DType::F64)?.mean(1)?))
    }
}

fn labels(targets: &[Tensor]) -> Result<&Tensor, NnError> {
    let reason = "labels are missing";
    targets.first().ok_or(NnError::Setting { field: "targets", value: "none".into(), reason })
}
