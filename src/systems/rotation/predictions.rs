//! Predicted angles of views, and their errors around the circle.

use std::f64::consts::{FRAC_PI_2, TAU};

use candle_core::{D, DType, Tensor};

use crate::math::circular::distance;
use crate::math::order::argmax;
use crate::nn::{Dataset, Mode, Network};
use crate::study::StudyError;
use crate::study::stats::mean;
use crate::study::train::{Evaluation, Evaluator};
use crate::systems::rotation::encodings::{AngleHead, Encoding};
use crate::systems::rotation::views::Views;

/// Rows evaluated at once.
const BATCH: usize = 100;

/// Angles closer than this to 0° are at the seam, radians.
const SEAM: f64 = 15.0 * TAU / 360.0;

/// Errors of predicted angles, degrees around the circle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Errors {
    /// Mean.
    pub mean: f64,
    /// Median.
    pub median: f64,
    /// The error that nine of ten do not exceed.
    pub p90: f64,
    /// Share below 10°.
    pub within_10: f64,
    /// Mean for true angles within 15° of the seam between 0° and 360°, over the mean for all others; `None` if one of
    /// the two kinds is missing.
    pub seam_ratio: Option<f64>,
}

impl Errors {
    /// Of pairs of true and predicted angles, radians; `None` of no pairs.
    pub fn of(pairs: &[(f64, f64)]) -> Option<Self> {
        let mut errors: Vec<f64> = pairs.iter().map(|&(a, b)| distance(a, b).to_degrees()).collect();
        let side = |near: bool| -> Vec<f64> {
            let all = pairs.iter().zip(&errors);
            all.filter(|((truth, _), _)| (distance(*truth, 0.0) < SEAM) == near).map(|(_, error)| *error).collect()
        };
        let seam_ratio = mean(&side(true)).zip(mean(&side(false))).map(|(near, far)| near / far);
        let within_10 = errors.iter().filter(|error| **error < 10.0).count() as f64 / errors.len() as f64;
        let average = mean(&errors)?;
        errors.sort_by(f64::total_cmp);
        let p90 = errors[(errors.len() * 9).div_ceil(10) - 1];
        Some(Self { mean: average, median: errors[errors.len() / 2], p90, within_10, seam_ratio })
    }
}

/// The output of a head for each row of some inputs; distributions as probabilities.
pub(super) struct AnglePredictions {
    head: &'static AngleHead,
    /// By row.
    outputs: Vec<Vec<f64>>,
}

impl AnglePredictions {
    /// Of views under their own angles.
    pub fn of(network: &dyn Network, views: &Views) -> Result<Self, StudyError> {
        let all: Vec<u32> = (0..views.len() as u32).collect();
        let mut predictions = Self { head: views.head, outputs: Vec::new() };
        for rows in all.chunks(BATCH) {
            predictions.extend(network, &views.rows(rows, Mode::Eval)?.inputs)?;
        }
        Ok(predictions)
    }

    /// None yet.
    pub fn new(head: &'static AngleHead) -> Self {
        Self { head, outputs: Vec::new() }
    }

    /// The predicted angle of each row, radians, and how certain it is, 0 to 1, where the encoding tells that.
    pub fn answers(&self) -> impl Iterator<Item = (f64, Option<f64>)> + '_ {
        self.outputs.iter().map(|output| (self.head.decode(output), self.head.confidence(output)))
    }

    /// Of rows that a network reads as they are.
    pub fn of_rows(network: &dyn Network, head: &'static AngleHead, inputs: Tensor) -> Result<Self, StudyError> {
        let mut predictions = Self { head, outputs: Vec::new() };
        predictions.extend(network, &[inputs])?;
        Ok(predictions)
    }

    /// Adds the predictions of further rows.
    pub fn extend(&mut self, network: &dyn Network, inputs: &[Tensor]) -> Result<(), StudyError> {
        let logits = network.forward(inputs, Mode::Eval)?.logits.detach().to_dtype(DType::F64)?;
        self.outputs.extend(match self.head.encoding {
            Encoding::Distribution(_) => candle_nn::ops::softmax(&logits, D::Minus1)?.to_vec2::<f64>()?,
            _ => logits.to_vec2::<f64>()?,
        });
        Ok(())
    }

    /// Pairs of true and predicted angles.
    fn pairs(&self, angles: &[f64]) -> Vec<(f64, f64)> {
        angles.iter().zip(&self.outputs).map(|(&angle, output)| (angle, self.head.decode(output))).collect()
    }

    /// Errors against these true angles; fails if there are none.
    pub fn errors(&self, angles: &[f64]) -> Result<Errors, StudyError> {
        let missing = || StudyError::NotFinite { what: "the mean error without test pictures".into() };
        Errors::of(&self.pairs(angles)).ok_or_else(missing)
    }

    /// Mean entropy of a distribution, nats; `None` for other encodings.
    pub fn entropy(&self) -> Option<f64> {
        self.mean(|encoding| matches!(encoding, Encoding::Distribution(_)), |_, output| entropy(output))
    }

    /// Mean length of a vector or amplitude of phases; `None` for other encodings.
    pub fn length(&self) -> Option<f64> {
        self.mean(|encoding| matches!(encoding, Encoding::Values(_)), AngleHead::length)
    }

    /// Largest mass of a distribution within 15° of a point 90°, 180° or 270° from its mode, on average; `None` for other
    /// encodings.
    pub fn second_mode(&self) -> Option<f64> {
        self.mean(|encoding| matches!(encoding, Encoding::Distribution(_)), |_, output| second_mode(output))
    }

    /// The mean of a figure of each output, if the encoding is of a kind.
    fn mean(&self, is_kind: fn(Encoding) -> bool, figure: fn(&AngleHead, &[f64]) -> f64) -> Option<f64> {
        let figures = self.outputs.iter().map(|output| figure(self.head, output));
        is_kind(self.head.encoding).then(|| mean(&figures.collect::<Vec<f64>>())).flatten()
    }

    /// |mean cos 4(predicted - true)|: near 1 if the angles of pictures without content can be predicted up to quarter turns,
    /// about 1/√(2 rows) by chance.
    pub fn fourfold(&self, angles: &[f64]) -> Option<f64> {
        let cosines = self.pairs(angles).iter().map(|(truth, guess)| (4.0 * (guess - truth)).cos()).collect::<Vec<_>>();
        mean(&cosines).map(f64::abs)
    }
}

/// In nats.
fn entropy(probabilities: &[f64]) -> f64 {
    probabilities.iter().filter(|p| **p > 0.0).map(|p| -p * p.ln()).sum()
}

fn second_mode(probabilities: &[f64]) -> f64 {
    let angle = |bin: usize| TAU * bin as f64 / probabilities.len() as f64;
    let mode = argmax(probabilities);
    let mass = |quarter: usize| -> f64 {
        let middle = angle(mode) + quarter as f64 * FRAC_PI_2;
        let is_near = |bin: &usize| distance(angle(*bin), middle) <= SEAM;
        (0..probabilities.len()).filter(is_near).map(|bin| probabilities[bin]).sum()
    };
    (1..4).map(mass).fold(0.0, f64::max)
}

/// The loss is the mean error in degrees, the metric the same with its sign turned.
impl Evaluator for Views<'_> {
    fn evaluate(&self, network: &dyn Network) -> Result<Evaluation, StudyError> {
        let mean = AnglePredictions::of(network, self)?.errors(&self.pictures.angles)?.mean;
        Ok(Evaluation { loss: mean, metric: -mean })
    }
}
