//! What a network says of views, and how far off it is.

use std::f64::consts::{FRAC_PI_2, TAU};

use candle_core::{D, DType, Tensor};
use serde::Serialize;

use crate::math::circular::distance;
use crate::nn::{Dataset, Mode, Network};
use crate::study::StudyError;
use crate::study::stats::mean;
use crate::study::train::{Evaluation, Evaluator};
use crate::systems::rotation::heads::{Form, HeadRow};
use crate::systems::rotation::views::Views;

/// Rows judged at once.
const BATCH: usize = 100;

/// How near to the seam an angle counts as near, radians.
const SEAM: f64 = 15.0 * TAU / 360.0;

/// Errors of one set of answers, degrees around the circle.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Errors {
    /// Mean.
    pub mean: f64,
    /// Median.
    pub median: f64,
    /// Share below 10°.
    pub within_10: f64,
    /// Mean for true angles within 15° of the seam between 0° and 360°, over the mean for all others; `None` if one of
    /// the two kinds is missing.
    pub seam_ratio: Option<f64>,
}

impl Errors {
    /// Of pairs of true and told angles, radians; `None` of no pairs.
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
        Some(Self { mean: average, median: errors[errors.len() / 2], within_10, seam_ratio })
    }
}

/// What a head says of each row of some inputs, decoded and as it came; distributions as probabilities.
pub struct Told {
    head: &'static HeadRow,
    /// By row.
    pub outputs: Vec<Vec<f64>>,
}

impl Told {
    /// Of views under their own angles.
    ///
    /// # Errors
    /// If the network fails.
    pub fn of(network: &dyn Network, views: &Views) -> Result<Self, StudyError> {
        let all: Vec<u32> = (0..views.len() as u32).collect();
        let mut told = Self { head: views.head, outputs: Vec::new() };
        for rows in all.chunks(BATCH) {
            told.say(network, &views.rows(rows, Mode::Eval)?.inputs)?;
        }
        Ok(told)
    }

    /// Of rows that are there already.
    ///
    /// # Errors
    /// If the network fails.
    pub fn of_rows(network: &dyn Network, head: &'static HeadRow, inputs: Tensor) -> Result<Self, StudyError> {
        let mut told = Self { head, outputs: Vec::new() };
        told.say(network, &[inputs])?;
        Ok(told)
    }

    fn say(&mut self, network: &dyn Network, inputs: &[Tensor]) -> Result<(), StudyError> {
        let logits = network.forward(inputs, Mode::Eval)?.logits.detach().to_dtype(DType::F64)?;
        self.outputs.extend(match self.head.form {
            Form::Distribution(_) => candle_nn::ops::softmax(&logits, D::Minus1)?.to_vec2::<f64>()?,
            _ => logits.to_vec2::<f64>()?,
        });
        Ok(())
    }

    /// Pairs of the true and the told angle.
    pub fn pairs(&self, angles: &[f64]) -> Vec<(f64, f64)> {
        angles.iter().zip(&self.outputs).map(|(&angle, output)| (angle, self.head.decode(output))).collect()
    }

    /// Errors against these true angles.
    ///
    /// # Errors
    /// If there are none.
    pub fn errors(&self, angles: &[f64]) -> Result<Errors, StudyError> {
        let missing = || StudyError::NotFinite { what: "the mean error without test pictures".into() };
        Errors::of(&self.pairs(angles)).ok_or_else(missing)
    }

    /// How unsure the head is on average: entropy (nats) of a distribution, or the length of a vector or of phases; `None`
    /// for plain numbers.
    pub fn doubt(&self) -> Option<f64> {
        let measure: fn(&HeadRow, &[f64]) -> f64 = match self.head.form {
            Form::Distribution(_) => |_, output| entropy(output),
            Form::Values(_) => |head, output| head.length(output),
            Form::Number | Form::Direct => return None,
        };
        mean(&self.outputs.iter().map(|output| measure(self.head, output)).collect::<Vec<f64>>())
    }

    /// Of a distribution the largest mass within 15° of a place 90°, 180° or 270° from its mode, on average.
    pub fn second_mode(&self) -> Option<f64> {
        let is_distribution = matches!(self.head.form, Form::Distribution(_));
        mean(&self.outputs.iter().filter(|_| is_distribution).map(|output| second_mode(output)).collect::<Vec<f64>>())
    }

    /// |mean cos 4(told - true)|: near 1 if pictures without content betray their angle up to quarter turns, about
    /// 1/√(2 rows) by chance.
    pub fn fourfold(&self, angles: &[f64]) -> Option<f64> {
        let cosines = self.pairs(angles).iter().map(|(truth, told)| (4.0 * (told - truth)).cos()).collect::<Vec<f64>>();
        mean(&cosines).map(f64::abs)
    }
}

/// Nats.
fn entropy(probabilities: &[f64]) -> f64 {
    probabilities.iter().filter(|p| **p > 0.0).map(|p| -p * p.ln()).sum()
}

fn second_mode(probabilities: &[f64]) -> f64 {
    let angle = |bin: usize| TAU * bin as f64 / probabilities.len() as f64;
    let mode = (0..probabilities.len()).max_by(|&a, &b| probabilities[a].total_cmp(&probabilities[b])).unwrap_or(0);
    let mass = |turn: usize| -> f64 {
        let place = angle(mode) + turn as f64 * FRAC_PI_2;
        let near = |bin: &usize| distance(angle(*bin), place) <= SEAM;
        (0..probabilities.len()).filter(near).map(|bin| probabilities[bin]).sum()
    };
    (1..4).map(mass).fold(0.0, f64::max)
}

/// Judges by the mean error: degrees as the loss, and with its sign turned as the metric.
impl Evaluator for Views<'_> {
    fn evaluate(&self, network: &dyn Network) -> Result<Evaluation, StudyError> {
        let mean = Told::of(network, self)?.errors(&self.gallery.angles)?.mean;
        Ok(Evaluation { loss: mean, metric: -mean })
    }
}
