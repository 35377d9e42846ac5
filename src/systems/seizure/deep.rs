//! Views whose features are the hidden layer of a network, trained with a distance between domains.

use candle_core::{DType, Device, Tensor};
use ndarray::Array2;

use crate::classic::fuzzy::Domains;
use crate::nn::layer::Linear;
use crate::nn::loss::Loss;
use crate::nn::model::first;
use crate::nn::{Examples, Mode, Model, Network, NnError, Output, Params};
use crate::study::train::TrainingLoop;
use crate::study::{Observer, StudyError};
use crate::systems::seizure::detector::LearnedView;
use crate::systems::seizure::spec::Spec;
use crate::transfer::penalty::{Kernels, Mmd};

/// Qubits of the fidelity between hidden layers.
const QUBITS: usize = 3;

/// Two layers with tanh, the second of which is the deep feature, and a linear classifier.
struct DeepView {
    inputs: usize,
    hidden: usize,
    classes: usize,
}

struct Built {
    first: Linear,
    second: Linear,
    classifier: Linear,
}

impl Model for DeepView {
    fn build<'a>(&'a self, params: &mut Params) -> Result<Box<dyn Network + 'a>, NnError> {
        Ok(Box::new(Built {
            first: Linear::new(params, "first", (self.inputs, 2 * self.hidden), true)?,
            second: Linear::new(params, "second", (2 * self.hidden, self.hidden), true)?,
            classifier: Linear::new(params, "classifier", (self.hidden, self.classes), true)?,
        }))
    }
}

impl Network for Built {
    fn forward(&self, inputs: &[Tensor], _mode: Mode) -> Result<Output, NnError> {
        let features = self.second.forward(&self.first.forward(first(inputs)?)?.tanh()?)?.tanh()?;
        let logits = self.classifier.forward(&features)?;
        Ok(Output::new(features, logits))
    }
}

/// The deep features of each view: trained on the labels of both domains with the maximum mean discrepancy of hidden layers as a
/// penalty that grows during the training (Gaussian kernels of five widths, one of them a fidelity with `is_fidelity`).
///
/// # Errors
/// If training fails or is stopped.
pub fn views(
    spec: &Spec,
    views: &[LearnedView],
    domains: &Domains,
    is_fidelity: bool,
    seed: u64,
    observer: &dyn Observer,
) -> Result<Vec<LearnedView>, StudyError> {
    let Domains { labels, is_source, classes } = domains;
    let count = labels.len();
    let labelled = |source: bool| (0..count).filter(|&row| labels[row].is_some() && is_source[row] == source).count();
    // The labels of the target count as much as those of the source together.
    let (own, other) = (labelled(false).max(1) as f64, labelled(true).max(1) as f64);
    let weight = |row: usize| match (labels[row], is_source[row]) {
        (None, _) => 0.0,
        (_, true) => 0.5 * count as f64 / other,
        (_, false) => 0.5 * count as f64 / own,
    };
    let device = Device::Cpu;
    let targets = Tensor::from_iter(labels.iter().map(|label| label.unwrap_or(0) as u32), &device)?;
    let weights = Tensor::from_iter((0..count).map(|row| weight(row) as f32), &device)?;
    let from = Tensor::from_iter(is_source.iter().map(|source| u32::from(!source)), &device)?;
    let kernels = if is_fidelity { Kernels::Fidelity { qubits: QUBITS } } else { Kernels::Median };
    let mut found = Vec::new();
    for view in views {
        let model = DeepView { inputs: view.training.ncols(), hidden: spec.hidden, classes: *classes };
        let examples = Examples {
            weights: Some(weights.clone()),
            domains: Some(from.clone()),
            ..Examples::new(tensor(&view.training)?, targets.clone())
        };
        let mut params = Params::new(seed, DType::F32);
        model.build(&mut params)?;
        let mut method = Mmd { weight: spec.deep_mmd, kernels: kernels.clone(), ramped: true, ..Mmd::default() };
        let training =
            TrainingLoop { observer, ..TrainingLoop::new(&model, &examples, &Loss::CrossEntropy, &spec.train, seed) };
        training.run(&mut params, &mut method)?;
        let network = model.build(&mut params)?;
        let features = |rows: &Array2<f64>| -> Result<Array2<f64>, StudyError> {
            let output = network.forward(&[tensor(rows)?], Mode::Eval)?.features.detach().to_dtype(DType::F64)?;
            let (count, width) = output.dims2()?;
            let values = output.flatten_all()?.to_vec1()?;
            Ok(Array2::from_shape_vec((count, width), values).expect("as many values as the tensor has"))
        };
        let (training, test) = (features(&view.training)?, features(&view.test)?);
        found.push(LearnedView { name: format!("deep {}", view.name), training, test });
    }
    Ok(found)
}

fn tensor(rows: &Array2<f64>) -> Result<Tensor, NnError> {
    Ok(Tensor::from_iter(rows.iter().map(|value| *value as f32), &Device::Cpu)?.reshape(rows.dim())?)
}
