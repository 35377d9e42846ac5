//! Several tasks on one network, with labels that may be missing.

use candle_core::{DType, Device, Tensor};
use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

use crate::nn::loss::Objective;
use crate::nn::{NnError, Output};

/// How wrong an output of a task is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    /// A label 0 or 1; the output is the logarithm of the odds. Cross-entropy.
    Binary,
    /// A number. d²/2 up to a difference of `delta`, then linear (Huber 1964).
    Number {
        /// Where squares change to absolute values.
        delta: f64,
    },
}

/// A task: an output of the network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Its name.
    pub name: String,
    /// How wrong an output is.
    pub kind: TaskKind,
    /// Factor on its loss.
    pub weight: f64,
    /// Mean and spread of its labels: a network shifts and stretches its output by them.
    pub unit: [f64; 2],
}

impl Task {
    /// The unit of an output that is neither shifted nor stretched.
    pub const PLAIN: [f64; 2] = [0.0, 1.0];
}

/// Σ_k w_k · (mean loss of task k over the rows whose label is known). Targets are those of [`TaskLosses::targets`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TaskLosses(pub Vec<Task>);

impl TaskLosses {
    /// The two targets: labels (rows, tasks) with 0 for a missing one, and 1 where a label is known. A label that is not a number
    /// is missing.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn targets(labels: ArrayView2<'_, f32>) -> Result<Vec<Tensor>, NnError> {
        let known = |label: &f32| f32::from(u8::from(label.is_finite()));
        let filled = labels.iter().map(|label| if label.is_finite() { *label } else { 0.0 });
        let values = Tensor::from_iter(filled, &Device::Cpu)?.reshape(labels.dim())?;
        Ok(vec![values, Tensor::from_iter(labels.iter().map(known), &Device::Cpu)?.reshape(labels.dim())?])
    }
}

impl Objective for TaskLosses {
    fn losses(&self, output: &Output, targets: &[Tensor]) -> Result<Tensor, NnError> {
        let [labels, known] = targets else {
            let (value, reason) = (targets.len().to_string(), "tasks compare with labels and with which are known");
            return Err(NnError::Setting { field: "targets", value, reason });
        };
        let outputs = &output.logits;
        let (rows, tasks) = outputs.dims2()?;
        if tasks != self.0.len() || labels.dims() != outputs.dims() || known.dims() != outputs.dims() {
            let (have, want) = (labels.dims().to_vec(), vec![rows, self.0.len()]);
            return Err(NnError::Shape { name: "labels of tasks".into(), have, want });
        }
        let mut sum = Tensor::zeros(rows, outputs.dtype(), outputs.device())?;
        for (k, task) in self.0.iter().enumerate() {
            let (output, label, known) =
                (outputs.narrow(1, k, 1)?.squeeze(1)?, labels.narrow(1, k, 1)?, known.narrow(1, k, 1)?.squeeze(1)?);
            let count: f64 = known.to_dtype(DType::F64)?.sum_all()?.to_scalar()?;
            if count == 0.0 {
                continue;
            }
            let label = label.squeeze(1)?;
            let losses = match task.kind {
                TaskKind::Binary => super::binary_cross_entropy(&output, &label)?,
                TaskKind::Number { delta } => super::huber(&output, &label, delta)?,
            };
            // A mean over all rows follows; this makes it one over the known labels.
            sum = (sum + ((losses * known)? * (task.weight * rows as f64 / count))?)?;
        }
        Ok(sum)
    }
}
