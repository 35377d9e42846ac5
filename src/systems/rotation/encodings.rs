//! Output encodings of an angle: the output of a network for it, the loss, and the decoding.

use std::f64::consts::{PI, TAU};

use candle_core::Tensor;

use crate::math::circular::{Code, wrap};
use crate::nn::loss::{Loss, Objective};
use crate::nn::{NnError, Output};

/// The output of a head for an angle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Encoding {
    /// The angle in turns, as a plain number: squared difference.
    Number,
    /// The angle in turns: distance around the circle.
    Circular,
    /// The values of a code: absolute differences.
    Values(Code),
    /// A distribution over bins: cross-entropy.
    Distribution(Code),
}

/// A head whose output is an angle in one encoding.
#[derive(Debug)]
pub struct AngleHead {
    /// Name on the command line.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// Its output.
    pub encoding: Encoding,
}

/// Every encoding, the naive one first; constants of Woehrer 2026 (arXiv:2603.25351).
pub static ENCODINGS: &[AngleHead] = &[
    AngleHead { name: "naive", doc: "the angle as a plain number, squared error", encoding: Encoding::Number },
    AngleHead {
        name: "direct",
        doc: "the angle as a number, error around the circle, at the best of several rates",
        encoding: Encoding::Circular,
    },
    AngleHead {
        name: "bins",
        doc: "360 classes, cross-entropy",
        encoding: Encoding::Distribution(Code::Bins { bins: 360 }),
    },
    AngleHead {
        name: "unit_vector",
        doc: "cosine and sine, absolute error",
        encoding: Encoding::Values(Code::UnitVector),
    },
    AngleHead {
        name: "phase_shift",
        doc: "three cosines a third of a turn apart, absolute error",
        encoding: Encoding::Values(Code::PhaseShift { steps: 3, frequency: 1 }),
    },
    AngleHead {
        name: "gaussian",
        doc: "360 points, divergence from a Gaussian of 6° around the angle",
        encoding: Encoding::Distribution(Code::Gaussian { bins: 360, sigma: 6.0 * PI / 180.0 }),
    },
];

/// Names of the encodings whose output is a code, which a circuit can have as expectations: unit_vector and phase_shift.
pub fn codes() -> impl Iterator<Item = &'static str> + Clone {
    ENCODINGS.iter().filter(|row| matches!(row.encoding, Encoding::Values(_))).map(|row| row.name)
}

/// The encoding of this name.
pub(super) fn encoding(name: &str) -> Option<&'static AngleHead> {
    ENCODINGS.iter().find(|row| row.name == name)
}

/// Weight of the squared distance of a unit vector's length from 1.
const LENGTH_WEIGHT: f64 = 0.01;

impl AngleHead {
    /// Numbers in its output.
    pub fn width(&self) -> usize {
        self.target(0.0).len()
    }

    /// Whether its output is a distribution over angles, made of scores by softmax.
    pub fn is_distribution(&self) -> bool {
        matches!(self.encoding, Encoding::Distribution(_))
    }

    /// How [`decode`](Self::decode) makes an angle in degrees of its output `code`, for a program that runs the network
    /// elsewhere.
    pub fn formula(&self) -> String {
        match self.encoding {
            Encoding::Number | Encoding::Circular => "360 * code[0] mod 360".into(),
            Encoding::Values(Code::UnitVector) => "degrees(atan2(code[1], code[0])) mod 360".into(),
            Encoding::Values(_) => {
                let width = self.width();
                format!(
                    "degrees(-atan2(sum of code[n] * sin(2 pi n / {width}), sum of code[n] * cos(2 pi n / {width}))) mod 360"
                )
            }
            Encoding::Distribution(Code::Bins { bins }) => format!("(argmax(code) + 0.5) * 360 / {bins}"),
            Encoding::Distribution(_) => format!("argmax(code) * 360 / {}", self.width()),
        }
    }

    /// The target for `angle` (radians): [`width`](Self::width) numbers.
    pub fn target(&self, angle: f64) -> Vec<f64> {
        match self.encoding {
            Encoding::Number | Encoding::Circular => vec![wrap(angle) / TAU],
            Encoding::Values(code) | Encoding::Distribution(code) => code.encode(angle),
        }
    }

    /// The length of the vector or the amplitude of the phases in `output`, which is 1 in a target; 1 for other encodings.
    pub fn length(&self, output: &[f64]) -> f64 {
        match self.encoding {
            Encoding::Values(Code::UnitVector) => output[0].hypot(output[1]),
            Encoding::Values(code) => code.confidence(output),
            _ => 1.0,
        }
    }

    /// How certain an output is, in 0..=1 (see [`Code::confidence`]); `None` for a plain number.
    pub fn confidence(&self, output: &[f64]) -> Option<f64> {
        match self.encoding {
            Encoding::Number | Encoding::Circular => None,
            Encoding::Values(code) | Encoding::Distribution(code) => Some(code.confidence(output)),
        }
    }

    /// The angle that `output` encodes, in 0..2π.
    pub fn decode(&self, output: &[f64]) -> f64 {
        match self.encoding {
            Encoding::Number | Encoding::Circular => wrap(output[0] * TAU),
            Encoding::Values(code) | Encoding::Distribution(code) => code.decode(output),
        }
    }
}

impl Objective for AngleHead {
    fn losses(&self, output: &Output, targets: &[Tensor]) -> Result<Tensor, NnError> {
        let (logits, loss) = (&output.logits, |loss: Loss| loss.losses(output, targets));
        match self.encoding {
            Encoding::Number => loss(Loss::Squares),
            Encoding::Circular => {
                let reason = "this loss compares with one target tensor";
                let missing = NnError::Setting { field: "targets", value: "none".into(), reason };
                let gap = (logits - targets.first().ok_or(missing)?)?;
                // Whole turns are constants, so the derivative is that of the rest.
                Ok((&gap - gap.detach().round()?)?.abs()?.squeeze(1)?)
            }
            Encoding::Distribution(_) => loss(Loss::SoftCrossEntropy),
            Encoding::Values(Code::UnitVector) => {
                // An offset inside the root, for its derivative at 0 is infinite.
                let length = (logits.sqr()?.sum(1)? + 1e-12)?.sqrt()?;
                Ok((loss(Loss::Absolute)? + ((length - 1.0)?.sqr()? * LENGTH_WEIGHT)?)?)
            }
            Encoding::Values(_) => loss(Loss::Absolute),
        }
    }
}
