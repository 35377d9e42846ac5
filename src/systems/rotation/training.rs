//! One encoding under one seed: training, and errors on everything that is held out.

use std::sync::Arc;

use candle_core::DType;

use crate::data::BadPicture;
use crate::lab::Measurement;
use crate::nn::{Model, Params};
use crate::study::train::{TrainConfig, TrainingLoop};
use crate::study::{Observer, StudyError};
use crate::systems::rotation::encodings::AngleHead;
use crate::systems::rotation::network::AngleNet;
use crate::systems::rotation::photo::{Photo, PhotoSplit};
use crate::systems::rotation::predictions::AnglePredictions;
use crate::systems::rotation::spec::{Photos, Spec};
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

/// Pictures that all seeds share.
pub struct Inputs {
    /// Photographs for training, if there are any; else scenes are drawn under each seed.
    photographs: Option<PictureSet>,
    validation: PictureSet,
    /// Test pictures whose angle can be known.
    pub(super) clear: PictureSet,
    /// Test scenes whose angle is known up to quarter turns only; none beside photographs.
    pub(super) ambiguous: Option<PictureSet>,
    no_content: PictureSet,
}

impl Inputs {
    /// Draws scenes or reads photographs. The measurement has notices about photographs.
    pub fn open(spec: &Spec) -> Result<(Self, Measurement), StudyError> {
        let count = spec.test_scenes;
        let Some(Photos { folder, crop, held_out, skip_bad }) = &spec.photos else {
            let inputs = Self {
                photographs: None,
                validation: PictureSet::scenes(VALIDATION, count, 0.0),
                clear: PictureSet::scenes(CLEAR, count, 0.0),
                ambiguous: Some(PictureSet::scenes(AMBIGUOUS, count, 1.0)),
                no_content: PictureSet::noise(NO_CONTENT, count),
            };
            return Ok((inputs, Measurement::default()));
        };
        let bad = if *skip_bad { BadPicture::Skip } else { BadPicture::Refuse };
        let split = PhotoSplit::read(folder, *crop, *held_out, 0, bad)?;
        let [training, validation, test] = [&split.training, &split.validation, &split.test].map(Vec::len);
        let counts = format!("{training} photographs for training, {validation} for validation, {test} for the test");
        let measurement = split.notices.iter().fold(Measurement::default().notice(counts), Measurement::notice);
        let noise = |number, _: &mut _| Arc::new(Photo::noise(NO_CONTENT, number, *crop)) as Arc<_>;
        let inputs = Self {
            photographs: Some(split.training.into()),
            validation: split.validation.into(),
            clear: split.test.into(),
            ambiguous: None,
            no_content: PictureSet::drawn(NO_CONTENT, count, noise),
        };
        Ok((inputs, measurement))
    }
}

/// Trains a network with `head` at `rate` times the learning rate of the settings, and evaluates it.
pub fn trial(
    spec: &Spec,
    inputs: &Inputs,
    head: &'static AngleHead,
    rate: f64,
    seed: u64,
    observer: &dyn Observer,
) -> Result<Measurement, StudyError> {
    let model = AngleNet { outputs: head.width() };
    let scenes = || PictureSet::scenes(TRAINING + seed, spec.training_scenes, spec.ambiguous);
    let training = inputs.photographs.clone().unwrap_or_else(scenes);
    let training = Views { pictures: &training, head };
    let config = TrainConfig { rate: rate * spec.train.rate, ..spec.train };
    let mut params = Params::new(seed, DType::F32);
    let training = TrainingLoop { observer, ..TrainingLoop::new(&model, &training, head, &config, seed) };
    training.run(&mut params, &mut Full)?;
    let network = model.build(&mut params)?;
    let predict = |pictures: &PictureSet| AnglePredictions::of(network.as_ref(), &Views { pictures, head });
    let (clear, no_content) = (predict(&inputs.clear)?, predict(&inputs.no_content)?);
    let errors = clear.errors(&inputs.clear.angles)?;
    let ambiguous = inputs.ambiguous.as_ref().map(predict).transpose()?;
    let unknowable = ambiguous.as_ref().unwrap_or(&no_content);
    let mut measurement = Measurement::default()
        .value("error", errors.mean)
        .value("median_error", errors.median)
        .value("within_10", errors.within_10)
        .value_if("seam_ratio", errors.seam_ratio)
        .value_if("entropy_clear", clear.entropy())
        .value_if("entropy_ambiguous", unknowable.entropy())
        .value_if("length_clear", clear.length())
        .value_if("length_ambiguous", unknowable.length())
        .value_if("second_mode", ambiguous.as_ref().and_then(AnglePredictions::second_mode))
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
