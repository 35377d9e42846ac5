//! One encoding under one seed: training, and errors on everything that is held out.

use candle_core::DType;

use crate::lab::Measurement;
use crate::nn::{Model, Params};
use crate::study::train::{TrainConfig, TrainingLoop};
use crate::study::{Observer, StudyError};
use crate::systems::rotation::encodings::AngleHead;
use crate::systems::rotation::network::AngleNet;
use crate::systems::rotation::predictions::AnglePredictions;
use crate::systems::rotation::readout::Readout;
use crate::systems::rotation::spec::Spec;
use crate::systems::rotation::views::{PictureSet, Views};
use crate::transfer::schedule::Full;

/// Seeds of picture sets from here on are not those of trainings.
const CLEAR: u64 = 1 << 32;
const AMBIGUOUS: u64 = 1 << 33;
/// Training scenes of seed 0; the others follow.
pub(super) const TRAINING: u64 = 1 << 34;
const VALIDATION: u64 = 1 << 37;
const NO_CONTENT: u64 = 1 << 38;

/// Qualities of the JPEG files that test views are saved as and read from.
pub const JPEG_QUALITIES: [u8; 2] = [90, 75];

/// Name of the factor of [`JPEG_QUALITIES`].
pub(super) const JPEG: &str = "jpeg_quality";

/// Drawn pictures that all seeds share.
pub struct Inputs {
    validation: PictureSet,
    /// Test pictures whose angle can be known.
    pub(super) clear: PictureSet,
    /// Test scenes whose angle is known up to quarter turns only.
    pub(super) ambiguous: PictureSet,
    no_content: PictureSet,
}

impl Inputs {
    /// Draws scenes.
    pub fn draw(spec: &Spec) -> Self {
        let count = spec.test_scenes;
        Self {
            validation: PictureSet::scenes(VALIDATION, count, 0.0),
            clear: PictureSet::scenes(CLEAR, count, 0.0),
            ambiguous: PictureSet::scenes(AMBIGUOUS, count, 1.0),
            no_content: PictureSet::noise(NO_CONTENT, count),
        }
    }
}

/// Trains a network with `head` and a readout at `rate` times the learning rate of the settings, and evaluates it.
pub fn trial(
    spec: &Spec,
    inputs: &Inputs,
    (head, readout): (&'static AngleHead, Readout),
    rate: f64,
    seed: u64,
    observer: &dyn Observer,
) -> Result<Measurement, StudyError> {
    let model = AngleNet { outputs: head.width(), readout };
    let training = PictureSet::scenes(TRAINING + seed, spec.training_scenes, spec.ambiguous);
    let training = Views { pictures: &training, head };
    let config = TrainConfig { rate: rate * spec.train.rate, ..spec.train };
    let mut params = Params::new(seed, DType::F32);
    let training = TrainingLoop { observer, ..TrainingLoop::new(&model, &training, head, &config, seed) };
    training.run(&mut params, &mut Full)?;
    let network = model.build(&mut params)?;
    let predict = |pictures: &PictureSet| AnglePredictions::of(network.as_ref(), &Views { pictures, head });
    let (clear, no_content) = (predict(&inputs.clear)?, predict(&inputs.no_content)?);
    let errors = clear.errors(&inputs.clear.angles)?;
    let ambiguous = predict(&inputs.ambiguous)?;
    let mut measurement = Measurement::default()
        .value("error", errors.mean)
        .value("median_error", errors.median)
        .value("p90_error", errors.p90)
        .value("within_10", errors.within_10)
        .value_if("seam_ratio", errors.seam_ratio)
        .value_if("entropy_clear", clear.entropy())
        .value_if("entropy_ambiguous", ambiguous.entropy())
        .value_if("length_clear", clear.length())
        .value_if("length_ambiguous", ambiguous.length())
        .value_if("second_mode", ambiguous.second_mode())
        .value_if("fourfold", no_content.fourfold(&inputs.no_content.angles))
        .value("validation_error", predict(&inputs.validation)?.errors(&inputs.validation.angles)?.mean);
    for quality in JPEG_QUALITIES {
        let views = inputs.clear.resaved(quality)?;
        let errors = AnglePredictions::of_rows(network.as_ref(), head, views)?.errors(&inputs.clear.angles)?;
        let at = [(JPEG, &*quality.to_string())];
        measurement = measurement.under(&at, "error", errors.mean).under(&at, "within_10", errors.within_10);
    }
    Ok(measurement)
}
