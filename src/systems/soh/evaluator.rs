//! Forecasts and latents of a trained forecaster.

use candle_core::{DType, Tensor};
use ndarray::Array2;

use crate::classic::Logistic;
use crate::nn::{Mode, Model, Network};
use crate::study::StudyError;
use crate::study::metric::ranking::area;
use crate::systems::soh::arms::TrainedForecaster;
use crate::systems::soh::network::Forecaster;
use crate::systems::soh::windows::{Scaler, Window};
use crate::transfer::penalty::{Bank, Estimate, mmd};

/// Rows forecast at once: all test rows, since the stream of a row's shots is its index in the batch.
const BATCH: usize = 4096;

/// A trained network with its scaling of inputs.
pub struct Evaluator<'a> {
    network: Box<dyn Network + 'a>,
    scaler: Scaler,
}

/// How far apart the latents of two domains are.
pub struct Separability {
    /// Biased MMD² between the latents, under the median bank of both.
    pub discrepancy: f64,
    /// Area under the ROC curve of a logistic classifier of the domain on latents of cells it has not seen.
    pub auroc: f64,
}

impl<'a> Evaluator<'a> {
    /// Of `model` with trained parameters.
    ///
    /// # Errors
    /// If the network cannot be built on them.
    pub fn of(model: &'a Forecaster, trained: &mut TrainedForecaster) -> Result<Self, StudyError> {
        Ok(Self { network: model.build(&mut trained.params)?, scaler: trained.scaler })
    }

    /// Forecasts, and latents (rows, hidden) by batch.
    fn outputs(&self, windows: &[Window]) -> Result<(Vec<f64>, Vec<Tensor>), StudyError> {
        let (mut forecasts, mut latents) = (Vec::new(), Vec::new());
        for part in windows.chunks(BATCH) {
            let output = self.network.forward(&[self.scaler.inputs(part)?], Mode::Eval)?;
            let increments: Vec<f64> = output.logits.detach().to_dtype(DType::F64)?.flatten_all()?.to_vec1()?;
            let pairs = part.iter().zip(increments);
            forecasts.extend(pairs.map(|(window, increment)| self.scaler.forecast(window, increment)));
            latents.push(output.features.detach().to_dtype(DType::F64)?);
        }
        Ok((forecasts, latents))
    }

    /// The next state of health of each window.
    ///
    /// # Errors
    /// If the network fails.
    pub fn forecasts(&self, windows: &[Window]) -> Result<Vec<f64>, StudyError> {
        Ok(self.outputs(windows)?.0)
    }

    /// How far apart the latents of the two domains are, on every third window. The cells of even number train the
    /// classifier, the others evaluate it.
    ///
    /// # Errors
    /// If the network fails, or one domain has no cell of odd number.
    pub fn domain_separability(&self, source: &[Window], target: &[Window]) -> Result<Separability, StudyError> {
        let thinned = |windows: &[Window]| windows.iter().step_by(3).cloned().collect::<Vec<Window>>();
        let (source, target) = (thinned(source), thinned(target));
        let latents = |windows: &[Window]| Ok::<_, StudyError>(Tensor::cat(&self.outputs(windows)?.1, 0)?);
        let (x, y) = (latents(&source)?, latents(&target)?);
        let discrepancy: f64 = mmd(&x, &y, &Bank::median(&x, &y)?, Estimate::Biased)?.to_scalar()?;
        let (mut training, mut test) = (Rows::default(), Rows::default());
        for (windows, rows, is_target) in [(&source, &x, false), (&target, &y, true)] {
            for (window, row) in windows.iter().zip(rows.to_vec2::<f64>()?) {
                let part = if window.cell % 2 == 0 { &mut training } else { &mut test };
                part.latents.push(row);
                part.is_target.push(is_target);
            }
        }
        let undefined = |what: &str| StudyError::NotFinite { what: what.into() };
        let classifier = Logistic::fit(training.array().view(), &training.is_target, 1.0);
        let classifier = classifier.ok_or_else(|| undefined("the domain classifier"))?;
        let scores: Vec<f64> = test.array().rows().into_iter().map(|row| classifier.probability(row)).collect();
        let auroc =
            area(&scores, &test.is_target).ok_or_else(|| undefined("the area under the curve of one domain"))?;
        Ok(Separability { discrepancy, auroc })
    }
}

/// Latents with their domain.
#[derive(Default)]
struct Rows {
    latents: Vec<Vec<f64>>,
    is_target: Vec<bool>,
}

impl Rows {
    fn array(&self) -> Array2<f64> {
        let width = self.latents.first().map_or(0, Vec::len);
        Array2::from_shape_fn((self.latents.len(), width), |(row, column)| self.latents[row][column])
    }
}
