//! The trained circuit of a run folder, read back.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_core::{DType, Device as Place, Tensor, safetensors};

use crate::circuit::{Ansatz, Circuit};
use crate::data::Part;
use crate::nn::head::{DressedHead, HeadShape};
use crate::nn::{NnError, Params};
use crate::sim::Execution;
use crate::sim::Statevector;
use crate::study::{Observer, StudyError};
use crate::systems::inputs;
use crate::systems::qtl::Workplace;
use crate::systems::qtl::spec::{HeadChoice, Spec};

/// The head that a run exported: the first circuit head of its spec under its first seed, from `spec.toml`,
/// `circuit.json` and `head.safetensors`.
pub struct SavedHead {
    /// What the run was told.
    pub spec: Spec,
    /// The head.
    pub choice: HeadChoice,
    /// Sizes it was trained for.
    pub shape: HeadShape,
    /// Its circuit; slots are the input angles, then the weights.
    pub ansatz: Ansatz,
    /// Its trained parameters.
    pub params: Params,
    head: DressedHead,
}

impl SavedHead {
    /// Reads a run folder.
    ///
    /// # Errors
    /// A folder of another kind, without a circuit head, or with a damaged file, which is named.
    pub fn read(folder: &Path) -> Result<Self, StudyError> {
        let spec = Spec::read(&folder.join("spec.toml"))?;
        let Some(choice) = spec.choices()?.into_iter().find(|choice| choice.row.is_dressed()) else {
            return Err(file(folder.join("spec.toml"), "no head of this run is a circuit, so there is none to export"));
        };
        let path = folder.join("circuit.json");
        let text = std::fs::read_to_string(&path).map_err(|source| StudyError::File { path: path.clone(), source })?;
        let circuit = Circuit::from_json(&text).map_err(|e| file(path, e))?;
        let family = spec.family()?;

        let path = folder.join("head.safetensors");
        let tensors = safetensors::load(&path, &Place::Cpu).map_err(|e| file(path.clone(), e))?;
        let size = |name: &str, axis: usize| {
            let tensor = tensors.get(name).ok_or_else(|| file(path.clone(), format!("parameter {name} is missing")))?;
            tensor.dim(axis).map_err(StudyError::from)
        };
        // Weights of linear layers are (out, in).
        let shape = spec.shape(size("reduce.weight", 1)?, size("classify.weight", 0)?);
        let built = choice.row.ansatz(family, &shape)?.expect("a dressed head has a circuit");
        // The run's own circuit, whatever this version would build.
        let ansatz = Ansatz { circuit, ..built };
        let execution = Execution::ideal(&ansatz, Arc::new(Statevector::default())).map_err(NnError::from)?;
        let mut params = Params::new(0, DType::F32);
        let head = DressedHead::new(&mut params, &shape, choice.row.family(family), execution)?;
        params.load(&path)?;
        Ok(Self { spec, choice, shape, ansatz, params, head })
    }

    /// The circuit with its trained weights bound and its input angles open, every qubit measured.
    ///
    /// # Errors
    /// If parameters and circuit do not fit.
    pub fn circuit(&self) -> Result<Circuit, StudyError> {
        measured(&self.ansatz, &numbers(self.head.circuit().weights())?)
    }

    /// The input angles, radians, of the validation row `sample` (0 is the one that `circuit.qasm` is bound to). Reads the
    /// run's data again and takes its features from the cache, or extracts them anew.
    ///
    /// # Errors
    /// If the data cannot be read, is not what the head was trained on, or has fewer validation rows.
    pub fn inputs(
        &self,
        sample: usize,
        place: &Workplace<'_>,
        progress: &dyn Observer,
    ) -> Result<Vec<f64>, StudyError> {
        let features = inputs::load(&self.spec.data, &self.spec.backbone, place, progress)?.features;
        let rows = features.samples.of(Part::Validation);
        let Some(&row) = rows.get(sample) else {
            let reason = "the run has fewer validation rows; they are counted from 0, as in predictions.csv";
            return Err(NnError::Setting { field: "sample", value: sample.to_string(), reason }.into());
        };
        if features.values.ncols() != self.shape.features {
            let value = format!("{} columns", features.values.ncols());
            let reason = "the head was trained on features of another width; has the data changed since?";
            return Err(NnError::Setting { field: "data", value, reason }.into());
        }
        let values = features.values.row(row).to_vec();
        let features = Tensor::from_vec(values, (1, self.shape.features), &Place::Cpu)?;
        numbers(&self.head.circuit().angles(&features)?)
    }
}

/// `ansatz` with its weights bound to `weights` and every qubit measured.
///
/// # Errors
/// If there are not as many weights as slots for them.
pub(super) fn measured(ansatz: &Ansatz, weights: &[f64]) -> Result<Circuit, StudyError> {
    let mut circuit = ansatz.circuit.bind_last(weights, ansatz.inputs).map_err(NnError::from)?;
    circuit.measure_all().map_err(NnError::from)?;
    Ok(circuit)
}

/// The numbers of a tensor.
///
/// # Errors
/// If the tensor library fails.
pub(super) fn numbers(tensor: &Tensor) -> Result<Vec<f64>, StudyError> {
    Ok(tensor.to_dtype(DType::F64)?.flatten_all()?.to_vec1()?)
}

fn file(path: PathBuf, reason: impl ToString) -> StudyError {
    StudyError::Spec { path, reason: reason.to_string() }
}
