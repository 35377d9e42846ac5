//! A trained model of a table as one file: columns, preprocessing, classes and weights.

use std::path::Path;

use candle_core::{DType, Device, Tensor};
use ndarray::{Array1, Array2, ArrayView2};
use serde::{Deserialize, Serialize};

use crate::classic::{ClassicError, NamedForest};
use crate::data::{Column, Encoder};
use crate::nn::head::{CircuitConfig, HeadConfig};
use crate::nn::{Model, ModelHeader, NnError, Params};
use crate::study::StudyError;
use crate::systems::forest::network::ForestNetwork;
use crate::systems::forest::spec::Shape;
use crate::systems::forest::student::{Body, Student, answers, predict};
use crate::systems::forest::targets::tensor;
use crate::systems::forest::task::Task;

/// File of a trial with its model.
pub const MODEL_FILE: &str = "model.safetensors";

/// A trained model of a table: from its columns, with gaps, to probabilities or a number.
pub struct TableModel {
    header: Header,
    weights: Weights,
}

/// Everything but the weights.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Header {
    /// What it is called in its run.
    name: String,
    body: BodyHeader,
    /// Name of the column that is predicted.
    target: String,
    /// Names of the classes; empty where the target is a number.
    classes: Vec<String>,
    /// Mean and standard deviation of the target where it is a number.
    scale: Option<(f64, f64)>,
    columns: Vec<Column>,
    encoder: Encoder,
}

impl ModelHeader for Header {
    const ENTRY: &'static str = "model";
    const FORMAT: &'static str = "qgraft.table_model/1";
    const WHAT: &'static str = "a model of a table";
}

/// What a model is made of.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum BodyHeader {
    /// The same answer for every row.
    Constant,
    /// Linear regression, or a logistic regression of each class against the others.
    Linear,
    /// Trees.
    Forest,
    /// The forest as a network of three layers.
    ForestNetwork(ForestNetwork),
    /// Hidden layers of one width.
    Layers(Shape),
    /// A row of the table of heads.
    Head { head: String, circuit: Box<CircuitConfig> },
}

/// The trained part of a model.
pub enum Weights {
    /// The answer.
    Constant(Array1<f64>),
    /// (answers, width) and (answers).
    Linear(Array2<f64>, Array1<f64>),
    /// Trees.
    Forest(Box<NamedForest>),
    /// The network of a forest.
    ForestNetwork(Box<(ForestNetwork, Params)>),
    /// A student.
    Student(Box<(Student, Params)>),
}

impl TableModel {
    /// The model of this name with what `task` knows of its columns.
    pub fn new(name: &str, task: &Task, weights: Weights) -> Self {
        let body = match &weights {
            Weights::Constant(_) => BodyHeader::Constant,
            Weights::Linear(..) => BodyHeader::Linear,
            Weights::Forest(_) => BodyHeader::Forest,
            Weights::ForestNetwork(parts) => BodyHeader::ForestNetwork(parts.0),
            Weights::Student(parts) => match (&parts.0.body, &parts.0.circuit) {
                (Body::Head(head), Some(circuit)) => {
                    BodyHeader::Head { head: head.row.name.into(), circuit: Box::new(circuit.clone()) }
                }
                (Body::Layers(shape), _) => BodyHeader::Layers(*shape),
                (Body::Head(head), None) => BodyHeader::Head { head: head.row.name.into(), circuit: Box::default() },
            },
        };
        let header = Header {
            name: name.into(),
            body,
            target: task.target.clone(),
            classes: if task.scale.is_some() { Vec::new() } else { task.class_names.clone() },
            scale: task.scale,
            columns: task.columns.clone(),
            encoder: task.encoder.clone(),
        };
        Self { header, weights }
    }

    /// What it is called in its run.
    pub fn name(&self) -> &str {
        &self.header.name
    }

    /// Name of the column that it predicts.
    pub fn target(&self) -> &str {
        &self.header.target
    }

    /// Names of its classes; empty where it predicts a number.
    pub fn classes(&self) -> &[String] {
        &self.header.classes
    }

    /// What it computes with.
    pub fn weights(&self) -> &Weights {
        &self.weights
    }

    /// The columns that it reads.
    pub fn columns(&self) -> &[Column] {
        &self.header.columns
    }

    /// (rows, classes) probabilities, or (rows, 1) numbers, of `rows` (rows, columns), in which NaN is a gap.
    ///
    /// # Errors
    /// If its network fails.
    pub fn predict(&self, rows: ArrayView2<'_, f32>) -> Result<Array2<f64>, StudyError> {
        let Header { encoder, scale, .. } = &self.header;
        let wide = || encoder.encoded(rows);
        let unscaled = |found: Array2<f64>| match scale {
            Some((mean, deviation)) => found.mapv(|value| mean + deviation * value),
            None => found,
        };
        match &self.weights {
            Weights::Constant(answer) => Ok(answer
                .broadcast((rows.nrows(), answer.len()))
                .map_or_else(|| Array2::zeros((0, answer.len())), |answer| answer.to_owned())),
            Weights::Linear(weights, intercepts) => {
                let scores = wide().mapv(f64::from).dot(&weights.t()) + intercepts;
                Ok(if scale.is_some() { scores } else { one_against_rest(scores) })
            }
            Weights::Forest(named) => Ok(named.forest.predict(encoder.filled(rows).view())),
            Weights::ForestNetwork(parts) => {
                let (model, mut params) = (&parts.0, parts.1.clone());
                let inputs = tensor(&encoder.filled(rows))?;
                let network = model.build(&mut params)?;
                match scale {
                    Some(_) => Ok(unscaled(answers(network.as_ref(), &inputs, |output| Ok(output.features))?)),
                    None => predict(network.as_ref(), &inputs),
                }
            }
            Weights::Student(parts) => {
                let (model, mut params) = (&parts.0, parts.1.clone());
                let inputs = tensor(&wide())?;
                let network = model.build(&mut params)?;
                match scale {
                    Some(_) => Ok(unscaled(answers(network.as_ref(), &inputs, |output| Ok(output.logits))?)),
                    None => predict(network.as_ref(), &inputs),
                }
            }
        }
    }

    /// Its file.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn to_bytes(&self) -> Result<Vec<u8>, StudyError> {
        let vector = |values: &Array1<f64>| Tensor::from_vec(values.to_vec(), values.len(), &Device::Cpu);
        let tensors: Vec<(String, Tensor)> = match &self.weights {
            Weights::Forest(named) => return Ok(named.to_bytes_with(self.header.metadata()?)?),
            Weights::Constant(answer) => vec![("answer".into(), vector(answer)?)],
            Weights::Linear(weights, intercepts) => {
                vec![("weight".into(), tensor(weights)?), ("bias".into(), vector(intercepts)?)]
            }
            Weights::ForestNetwork(parts) => return Ok(self.header.to_bytes_of(&parts.1)?),
            Weights::Student(parts) => return Ok(self.header.to_bytes_of(&parts.1)?),
        };
        Ok(self.header.to_bytes(tensors)?)
    }

    /// From the bytes of its file, which errors call `path`.
    ///
    /// # Errors
    /// Bytes that are no such model.
    pub fn from_bytes(bytes: &[u8], path: &Path) -> Result<Self, StudyError> {
        let failed = |reason: String| StudyError::from(NnError::File { path: path.into(), reason });
        let header = Header::read(bytes, path)?;
        if header.encoder.columns() != header.columns.len() {
            return Err(failed("header: as many columns as preprocessing has are expected".into()));
        }
        let (inputs, outputs) = (header.encoder.width(), header.classes.len().max(1));
        let arrays = || candle_core::safetensors::load_buffer(bytes, &Device::Cpu).map_err(|e| failed(e.to_string()));
        let read = |name: &str, shape: &[usize]| -> Result<Vec<f64>, StudyError> {
            let all = arrays()?;
            let tensor = all.get(name).filter(|tensor| tensor.dims() == shape);
            let tensor = tensor.ok_or_else(|| failed(format!("tensor `{name}` of shape {shape:?} is missing")))?;
            Ok(tensor.to_dtype(DType::F64)?.flatten_all()?.to_vec1()?)
        };
        let loaded = |model: &dyn Model| -> Result<Params, StudyError> {
            let mut params = Params::new(0, DType::F32);
            model.build(&mut params)?;
            params.load_bytes(bytes, path)?;
            Ok(params)
        };
        let student = |body: Body, circuit: Option<CircuitConfig>| -> Result<Weights, StudyError> {
            let student = Student { inputs, classes: outputs, body, circuit };
            let params = loaded(&student)?;
            Ok(Weights::Student(Box::new((student, params))))
        };
        let weights = match &header.body {
            BodyHeader::Constant => Weights::Constant(read("answer", &[outputs])?.into()),
            BodyHeader::Linear => {
                let weights = Array2::from_shape_vec((outputs, inputs), read("weight", &[outputs, inputs])?);
                let weights = weights.map_err(|e| failed(e.to_string()))?;
                Weights::Linear(weights, read("bias", &[outputs])?.into())
            }
            BodyHeader::Forest => {
                let named = NamedForest::from_bytes(bytes).map_err(|e: ClassicError| failed(e.to_string()))?;
                if named.forest.columns() > header.columns.len() || named.forest.width() != outputs {
                    return Err(failed("the forest reads or says more than the header names".into()));
                }
                Weights::Forest(Box::new(named))
            }
            BodyHeader::ForestNetwork(network) => {
                let params = loaded(network)?;
                Weights::ForestNetwork(Box::new((*network, params)))
            }
            BodyHeader::Layers(shape) => student(Body::Layers(*shape), None)?,
            BodyHeader::Head { head, circuit } => {
                let model = HeadConfig::named(head)?.circuit((**circuit).clone()).model(inputs, outputs)?;
                student(Body::Head(Box::new(model)), Some((**circuit).clone()))?
            }
        };
        Ok(Self { header, weights })
    }
}

/// Probabilities from the log-odds (rows, classes) of each class against the others: divided by their sum.
fn one_against_rest(mut scores: Array2<f64>) -> Array2<f64> {
    scores.mapv_inplace(|odds| 1.0 / (1.0 + (-odds).exp()));
    for mut row in scores.rows_mut() {
        let total = row.sum();
        let count = row.len() as f64;
        row.mapv_inplace(|share| if total > 0.0 { share / total } else { 1.0 / count });
    }
    scores
}
