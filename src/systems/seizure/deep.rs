//! Views whose features are the hidden layer of a network, trained with a distance between domains.

use candle_core::{DType, Device, Tensor};
use ndarray::{Array2, Axis};

use crate::classic::fuzzy::Domains;
use crate::nn::layer::Linear;
use crate::nn::loss::Loss;
use crate::nn::model::first;
use crate::nn::{Examples, Mode, Model, Network, NnError, Output, Params};
use crate::study::train::TrainingLoop;
use crate::study::{Observer, StudyError};
use crate::systems::seizure::arrays::{ARRAYS, ArrayRow};
use crate::systems::seizure::convolution::ConvolutionalView;
use crate::systems::seizure::detector::LearnedView;
use crate::systems::seizure::spec::Spec;
use crate::systems::seizure::task::{FITTED, Scaler, strided};
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

/// How the networks of deep views are trained, on which labels.
pub struct DeepTraining<'a> {
    /// Settings.
    pub spec: &'a Spec,
    /// Labels of both domains.
    pub domains: &'a Domains,
    /// Whether one kernel of the distance is a fidelity.
    pub is_fidelity: bool,
    /// Of starts and batches.
    pub seed: u64,
    /// Receives every step.
    pub observer: &'a dyn Observer,
}

impl DeepTraining<'_> {
    /// The deep features of each view, by two layers with tanh.
    ///
    /// # Errors
    /// If training fails or is stopped.
    pub fn views(&self, views: &[LearnedView]) -> Result<Vec<LearnedView>, StudyError> {
        let (hidden, classes) = (self.spec.hidden, self.domains.classes);
        let one = |view: &LearnedView| {
            let model = DeepView { inputs: view.training.ncols(), hidden, classes };
            let (training, test) = self.hidden(&model, &tensor(&view.training)?, &tensor(&view.test)?)?;
            Ok(LearnedView { name: format!("deep {}", view.name), training, test })
        };
        views.iter().map(one).collect()
    }

    /// The deep features of each of [`ARRAYS`], by convolutions. `samples` of learning and of testing are (segments, channels ·
    /// samples at [`ARRAY_RATE`](super::ARRAY_RATE)).
    ///
    /// # Errors
    /// If training fails or is stopped.
    pub fn convolutional(&self, channels: usize, samples: &[Array2<f32>; 2]) -> Result<Vec<LearnedView>, StudyError> {
        let one = |row: &ArrayRow| {
            let size = (row.size)(samples[0].ncols() / channels.max(1));
            let arrays = samples.each_ref().map(|all| planes(row, channels, all));
            let fitted = arrays[0].select(Axis(0), &strided(arrays[0].nrows(), FITTED));
            let scaler = Scaler::fit(fitted.view(), usize::MAX, self.seed);
            let tensor = |all: &Array2<f64>| -> Result<Tensor, StudyError> {
                Ok(tensor(&scaler.transform(all.view()))?.reshape((all.nrows(), channels, size.0, size.1))?)
            };
            let spec = self.spec;
            let model = ConvolutionalView {
                channels,
                size,
                filters: spec.filters,
                hidden: spec.hidden,
                classes: self.domains.classes,
            };
            let (training, test) = self.hidden(&model, &tensor(&arrays[0])?, &tensor(&arrays[1])?)?;
            Ok(LearnedView { name: format!("convolutional {}", row.name), training, test })
        };
        ARRAYS.iter().map(one).collect()
    }

    /// The hidden layer of a network for rows to learn from and to test on. It is trained on the labels of both domains with the
    /// maximum mean discrepancy of hidden layers as a penalty that grows during the training: Gaussian kernels of five widths, or
    /// four of them and a fidelity.
    fn hidden(
        &self,
        model: &dyn Model,
        training: &Tensor,
        test: &Tensor,
    ) -> Result<(Array2<f64>, Array2<f64>), StudyError> {
        let Domains { labels, is_source, .. } = self.domains;
        let count = labels.len();
        let labelled =
            |source: bool| (0..count).filter(|&row| labels[row].is_some() && is_source[row] == source).count();
        // The labels of the target count as much as those of the source together.
        let (own, other) = (labelled(false).max(1) as f64, labelled(true).max(1) as f64);
        let weight = |row: usize| match (labels[row], is_source[row]) {
            (None, _) => 0.0,
            (_, true) => 0.5 * count as f64 / other,
            (_, false) => 0.5 * count as f64 / own,
        };
        let device = Device::Cpu;
        let targets = Tensor::from_iter(labels.iter().map(|label| label.unwrap_or(0) as u32), &device)?;
        let examples = Examples {
            weights: Some(Tensor::from_iter((0..count).map(|row| weight(row) as f32), &device)?),
            domains: Some(Tensor::from_iter(is_source.iter().map(|source| u32::from(!source)), &device)?),
            ..Examples::new(training.clone(), targets)
        };
        let mut params = Params::new(self.seed, DType::F32);
        model.build(&mut params)?;
        let kernels = if self.is_fidelity { Kernels::Fidelity { qubits: QUBITS } } else { Kernels::Median };
        let mut method = Mmd { weight: self.spec.deep_mmd, kernels, ramped: true, ..Mmd::default() };
        let (config, observer) = (&self.spec.train, self.observer);
        let training_loop =
            TrainingLoop { observer, ..TrainingLoop::new(model, &examples, &Loss::CrossEntropy, config, self.seed) };
        training_loop.run(&mut params, &mut method)?;
        let network = model.build(&mut params)?;
        let features = |rows: &Tensor| -> Result<Array2<f64>, StudyError> {
            let output =
                network.forward(std::slice::from_ref(rows), Mode::Eval)?.features.detach().to_dtype(DType::F64)?;
            let (count, width) = output.dims2()?;
            let values = output.flatten_all()?.to_vec1()?;
            Ok(Array2::from_shape_vec((count, width), values).expect("as many values as the tensor has"))
        };
        Ok((features(training)?, features(test)?))
    }
}

/// The arrays of segments (segments, channels · height · width).
fn planes(row: &ArrayRow, channels: usize, samples: &Array2<f32>) -> Array2<f64> {
    let count = samples.ncols() / channels.max(1);
    let (height, width) = (row.size)(count);
    let mut found = Array2::zeros((samples.nrows(), channels * height * width));
    for (segment, mut to) in samples.rows().into_iter().zip(found.rows_mut()) {
        let segment: Vec<f64> = segment.iter().map(|value| f64::from(*value)).collect();
        let values = segment.chunks(count.max(1)).flat_map(row.values);
        to.iter_mut().zip(values).for_each(|(to, value)| *to = value);
    }
    found
}

fn tensor(rows: &Array2<f64>) -> Result<Tensor, NnError> {
    Ok(Tensor::from_iter(rows.iter().map(|value| *value as f32), &Device::Cpu)?.reshape(rows.dim())?)
}
