//! The networks that learn from the forest.

use std::sync::Arc;

use candle_core::{D, DType, Tensor};
use ndarray::Array2;

use crate::circuit::ansatz::AnsatzRow;
use crate::nn::head::{HeadRow, HeadShape};
use crate::nn::layer::Linear;
use crate::nn::model::first;
use crate::nn::{Execution, Mode, Model, Network, NnError, Output, Params};
use crate::sim::{self, Auto};
use crate::study::StudyError;
use crate::systems::forest::spec::{Shape, Spec};

/// A student as a function of its parameters.
pub struct Student {
    /// Width of the inputs.
    pub inputs: usize,
    /// Number of classes.
    pub classes: usize,
    /// What it is made of.
    pub body: Body,
}

/// What a student is made of.
#[derive(Clone)]
pub enum Body {
    /// Hidden layers with ReLU.
    Layers(Shape),
    /// A row of the table of heads; with its execution if it is a circuit.
    Head {
        /// The row.
        row: &'static HeadRow,
        /// Its sizes.
        shape: HeadShape,
        /// The family of circuits.
        family: &'static AnsatzRow,
        /// The circuit, ready to run.
        execution: Option<Execution>,
    },
}

impl Body {
    /// The students of a spec for a task of these sizes, with their names.
    ///
    /// # Errors
    /// If a head or its circuit cannot be built.
    pub fn all(spec: &Spec, inputs: usize, classes: usize) -> Result<Vec<(String, Self)>, StudyError> {
        let named = |shape: &Shape| (format!("{} × {}", shape.depth, shape.width), Self::Layers(*shape));
        let Some(name) = &spec.head else {
            return Ok(spec.shapes.iter().map(named).collect());
        };
        let row = HeadRow::named(name)?;
        let circuit = &spec.circuit;
        let shape = HeadShape {
            features: inputs,
            classes,
            qubits: circuit.qubits,
            depth: circuit.depth,
            weight_sd: circuit.weight_sd,
        };
        let unknown = || NnError::Setting {
            field: "circuit.ansatz",
            value: circuit.ansatz.clone(),
            reason: "see qgraft list ansatze",
        };
        let family = AnsatzRow::named(&circuit.ansatz).ok_or_else(unknown)?;
        let engine = || Arc::new(Auto::new(sim::Options::default()));
        let execution = row.ansatz(family, &shape)?.map(|ansatz| Execution::ideal(&ansatz, engine()));
        let layers = spec.shapes.iter().take(1).map(named);
        Ok(std::iter::once((name.clone(), Self::Head { row, shape, family, execution })).chain(layers).collect())
    }
}

impl Model for Student {
    fn build<'a>(&'a self, params: &mut Params) -> Result<Box<dyn Network + 'a>, NnError> {
        Ok(match &self.body {
            Body::Layers(Shape { depth, width }) => {
                let mut widths = vec![self.inputs];
                widths.extend(std::iter::repeat_n(*width, *depth));
                widths.push(self.classes);
                let pairs = widths.windows(2).enumerate();
                let layer = |(k, pair): (usize, &[usize])| {
                    Linear::new(params, &format!("layers.{k}"), (pair[0], pair[1]), true)
                };
                Box::new(Layers(pairs.map(layer).collect::<Result<_, _>>()?))
            }
            Body::Head { row, shape, family, execution } => {
                let missing = NnError::Setting {
                    field: "head",
                    value: row.name.into(),
                    reason: "use a head that is trained by gradients",
                };
                Box::new(row.build(params, shape, family, execution.clone())?.ok_or(missing)?)
            }
        })
    }
}

struct Layers(Vec<Linear>);

impl Network for Layers {
    fn forward(&self, inputs: &[Tensor], _mode: Mode) -> Result<Output, NnError> {
        let mut x = first(inputs)?.clone();
        for (k, layer) in self.0.iter().enumerate() {
            if k > 0 {
                x = x.relu()?;
            }
            x = layer.forward(&x)?;
        }
        Ok(Output::new(x.clone(), x))
    }
}

/// Class probabilities (rows, classes) of `network` for `inputs` (rows, width).
///
/// # Errors
/// If the network fails.
pub fn predict(network: &dyn Network, inputs: &Tensor) -> Result<Array2<f64>, StudyError> {
    // As many rows at once as keep a converted forest in the cache.
    const AT_ONCE: usize = 256;
    let rows = inputs.dim(0)?;
    let mut probabilities = Vec::new();
    for start in (0..rows).step_by(AT_ONCE) {
        let part = inputs.narrow(0, start, AT_ONCE.min(rows - start))?;
        let logits = network.forward(&[part], Mode::Judge)?.logits.detach();
        let told = candle_nn::ops::softmax(&logits.to_dtype(DType::F64)?, D::Minus1)?;
        probabilities.extend(told.flatten_all()?.to_vec1::<f64>()?);
    }
    let classes = probabilities.len() / rows.max(1);
    Ok(Array2::from_shape_vec((rows, classes), probabilities).expect("every row has as many classes"))
}
