//! The networks that learn from the forest.

use candle_core::{D, DType, Tensor};
use ndarray::Array2;

use crate::lab::Context;
use crate::nn::head::{CircuitConfig, HeadModel};
use crate::nn::layer::Linear;
use crate::nn::loss::Objective;
use crate::nn::model::first;
use crate::nn::{Examples, LayerGroups, LearningRates, Mode, Model, Network, NnError, Output, Params};
use crate::study::StudyError;
use crate::study::train::{Evaluator, TrainingLoop};
use crate::systems::forest::spec::{Shape, Spec};
use crate::systems::head_choice::HeadChoice;
use crate::systems::methods::Beside;

/// A student as a function of its parameters.
pub struct Student {
    /// Width of the inputs.
    pub inputs: usize,
    /// Number of classes.
    pub classes: usize,
    /// What it is made of.
    pub body: Body,
    /// The circuit of a head.
    pub circuit: Option<CircuitConfig>,
}

/// What a student is made of.
#[derive(Clone)]
pub enum Body {
    /// Hidden layers with ReLU.
    Layers(Shape),
    /// A row of the table of heads.
    Head(Box<HeadModel>),
}

impl Shape {
    /// "2 × 128": hidden layers and their width.
    pub fn name(&self) -> String {
        format!("{} × {}", self.depth, self.width)
    }
}

impl Student {
    /// The student of this number of a spec, for a task of these sizes: its heads first, then its shapes. A head runs without
    /// noise whatever device its label names.
    ///
    /// # Errors
    /// If a head or its circuit cannot be built.
    pub fn numbered(spec: &Spec, number: usize, inputs: usize, classes: usize) -> Result<Self, StudyError> {
        let circuit = spec.heads.get(number).map(|_| spec.circuit.clone());
        let body = match spec.heads.get(number) {
            Some(name) => {
                let choice = HeadChoice::named(name, &spec.circuit)?;
                Body::Head(Box::new(choice.config.model(inputs, classes)?))
            }
            None => Body::Layers(spec.shapes[number - spec.heads.len()]),
        };
        Ok(Self { inputs, classes, body, circuit })
    }

    /// Its head, if it is one.
    pub fn head(&self) -> Option<&HeadModel> {
        match &self.body {
            Body::Head(head) => Some(head),
            Body::Layers(_) => None,
        }
    }

    /// The same student with this head.
    pub fn with_head(&self, head: HeadModel) -> Self {
        Self { body: Body::Head(Box::new(head)), circuit: self.circuit.clone(), ..*self }
    }

    /// Trains it on `training`, and by the methods of a level beside that: its circuit under the noise of the device that
    /// `label` names, if it is a head.
    ///
    /// # Errors
    /// If the circuit cannot be compiled for the device, the training diverges, or the user stops it.
    pub fn train(
        &self,
        (training, objective, evaluator): (&Examples, &dyn Objective, &dyn Evaluator),
        (spec, method, seed): (&Spec, &str, u64),
        label: Option<&str>,
        context: &Context,
    ) -> Result<Params, StudyError> {
        let noisy = match (self.head(), label) {
            (Some(head), Some(label)) => {
                let choice = HeadChoice::named(label, &spec.circuit)?;
                Some(self.with_head(choice.trained(head, context.executions, seed)?))
            }
            _ => None,
        };
        let model = noisy.as_ref().unwrap_or(self);
        let mut params = Params::new(seed, DType::F32);
        model.build(&mut params)?;
        let own = self.head().map_or_else(LearningRates::default, HeadModel::learning_rates);
        let mut method = Beside::new(own, method, &LayerGroups::by_layer(&params))?;
        let observer = context.observer;
        let trainer =
            TrainingLoop { evaluator, observer, ..TrainingLoop::new(model, training, objective, &spec.train, seed) };
        trainer.run(&mut params, &mut method)?;
        params.merge_adapters()?;
        Ok(params)
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
            Body::Head(head) => Box::new(head.build(params)?),
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
    let probabilities = |output: Output| Ok(candle_nn::ops::softmax(&output.logits.to_dtype(DType::F64)?, D::Minus1)?);
    answers(network, inputs, probabilities)
}

/// What `answer` (rows, answers) makes of the outputs of `network` for `inputs` (rows, width), in double precision.
///
/// # Errors
/// If the network fails.
pub fn answers(
    network: &dyn Network,
    inputs: &Tensor,
    answer: impl Fn(Output) -> Result<Tensor, StudyError>,
) -> Result<Array2<f64>, StudyError> {
    // As many rows at once as keep a converted forest in the cache.
    const AT_ONCE: usize = 256;
    let rows = inputs.dim(0)?;
    let mut found = Vec::new();
    for start in (0..rows).step_by(AT_ONCE) {
        let part = inputs.narrow(0, start, AT_ONCE.min(rows - start))?;
        let part = answer(network.forward(&[part], Mode::Eval)?)?.detach().to_dtype(DType::F64)?;
        found.extend(part.flatten_all()?.to_vec1::<f64>()?);
    }
    let width = found.len() / rows.max(1);
    Ok(Array2::from_shape_vec((rows, width), found).expect("every row has as many answers"))
}
