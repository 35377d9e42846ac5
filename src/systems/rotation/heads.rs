//! Heads: what a network says of an angle, how wrong that is, and how it is read.

use std::f64::consts::{PI, TAU};

use candle_core::Tensor;

use crate::math::circular::{Code, wrap};
use crate::nn::loss::{Loss, Objective};
use crate::nn::{NnError, Output};
use crate::study::StudyError;

/// How a head writes angles.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Form {
    /// The angle itself, in turns, as a plain number: squares of the difference.
    Number,
    /// The angle itself, in turns: the way around the circle.
    Direct,
    /// A code that is to be met value by value.
    Values(Code),
    /// A distribution over bins.
    Distribution(Code),
}

/// A head.
#[derive(Debug)]
pub struct HeadRow {
    /// Name on the command line.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// What it says.
    pub form: Form,
}

/// Every head, the naive one first; constants of Woehrer 2026 (arXiv:2603.25351).
pub static HEADS: &[HeadRow] = &[
    HeadRow { name: "naive", doc: "the angle as a plain number, squared error", form: Form::Number },
    HeadRow { name: "direct", doc: "the angle as a number, error around the circle", form: Form::Direct },
    HeadRow { name: "bins", doc: "360 classes, cross-entropy", form: Form::Distribution(Code::Bins { bins: 360 }) },
    HeadRow { name: "unit_vector", doc: "cosine and sine, absolute error", form: Form::Values(Code::UnitVector) },
    HeadRow {
        name: "phase_shift",
        doc: "three cosines a third of a turn apart, absolute error",
        form: Form::Values(Code::PhaseShift { steps: 3, frequency: 1 }),
    },
    HeadRow {
        name: "gaussian",
        doc: "360 points, divergence from a Gaussian of 6° around the angle",
        form: Form::Distribution(Code::Gaussian { bins: 360, sigma: 6.0 * PI / 180.0 }),
    },
];

/// Weight of the squared distance of a unit vector's length from 1.
const LENGTH: f64 = 0.01;

impl HeadRow {
    /// The head of this name.
    ///
    /// # Errors
    /// If there is none.
    pub fn named(name: &str) -> Result<&'static Self, StudyError> {
        let found = HEADS.iter().find(|row| row.name == name);
        found.ok_or_else(|| StudyError::unknown("head", name, HEADS.iter().map(|row| row.name)))
    }

    /// How many numbers it puts out.
    pub fn width(&self) -> usize {
        self.target(0.0).len()
    }

    /// What it should put out for `angle` (radians): [`width`](Self::width) numbers.
    pub fn target(&self, angle: f64) -> Vec<f64> {
        match self.form {
            Form::Number | Form::Direct => vec![wrap(angle) / TAU],
            Form::Values(code) | Form::Distribution(code) => code.encode(angle),
        }
    }

    /// The length of the vector or the amplitude of the phases in `output`, which is 1 in a target; 1 for other forms.
    pub fn length(&self, output: &[f64]) -> f64 {
        match self.form {
            Form::Values(Code::UnitVector) => output[0].hypot(output[1]),
            Form::Values(code) => code.confidence(output),
            _ => 1.0,
        }
    }

    /// The angle that `output` stands for, in 0..2π.
    pub fn decode(&self, output: &[f64]) -> f64 {
        match self.form {
            Form::Number | Form::Direct => wrap(output[0] * TAU),
            Form::Values(code) | Form::Distribution(code) => code.decode(output),
        }
    }
}

impl Objective for HeadRow {
    fn losses(&self, output: &Output, targets: &[Tensor]) -> Result<Tensor, NnError> {
        let (logits, loss) = (&output.logits, |loss: Loss| loss.losses(output, targets));
        match self.form {
            Form::Number => loss(Loss::Squares),
            Form::Direct => {
                let reason = "this loss compares with one target tensor";
                let missing = NnError::Setting { field: "targets", value: "none".into(), reason };
                let gap = (logits - targets.first().ok_or(missing)?)?;
                // Whole turns are constants: the slope of the rest is 1.
                Ok((&gap - gap.detach().round()?)?.abs()?.squeeze(1)?)
            }
            Form::Distribution(_) => loss(Loss::SoftCrossEntropy),
            Form::Values(Code::UnitVector) => {
                // An offset inside the root, for its slope at 0 is infinite.
                let length = (logits.sqr()?.sum(1)? + 1e-12)?.sqrt()?;
                Ok((loss(Loss::Absolute)? + ((length - 1.0)?.sqr()? * LENGTH)?)?)
            }
            Form::Values(_) => loss(Loss::Absolute),
        }
    }
}
