//! Photographs: a pretrained network whose upper stages are trained to tell by what angle a picture is rotated.
//!
//! The stages below the trained ones are constant. Their outputs are computed once for a number of views of each
//! photograph ([`planes`]), so that training costs what the upper stages cost. [`network`] is the network, [`trial`] one
//! training, [`saved`] what `qgraft predict` applies, [`report`] what the report says besides the tables.

mod network;
mod planes;
pub(super) mod report;
pub(super) mod saved;
pub(super) mod trial;

use candle_core::{DType, Device, Tensor};

use crate::data::BadPicture;
use crate::lab::Measurement;
use crate::nn::backbone::{Backbone, BackboneRow, Stage, Trunk};
use crate::nn::{NnError, Weights};
use crate::study::StudyError;
use crate::systems::rotation::photo::{Photo, PhotoSplit};
use crate::systems::rotation::spec::{Photos, Spec};
use crate::systems::rotation::views::PictureSet;
use planes::Planes;

/// Mean error of a guess, degrees: that of any constant answer.
pub(super) const CHANCE: f64 = 90.0;

/// Seed of the angles of views.
const VIEWS: u64 = 1 << 39;

/// Views of each held-out photograph, evenly around the circle from its own angle on.
pub(super) const TEST_VIEWS: usize = 8;

/// Pictures without content.
const NO_CONTENT: usize = 60;

/// The pretrained network without its trained part, and where that begins and ends.
pub(super) struct Pretrained {
    row: &'static BackboneRow,
    weights: Weights,
    /// Packed; runs up to `from`.
    trunk: Trunk,
    /// The last constant stage.
    from: String,
    /// The last stage that is used.
    to: Stage,
    /// Pixels of the planes that leave it.
    pixels: usize,
    /// Pixels along an edge of a view.
    size: usize,
}

impl Pretrained {
    /// Opens the backbone of the settings.
    ///
    /// # Errors
    /// Weights that cannot be read, or fewer stages than are to be trained.
    pub(super) fn open(photos: &Photos) -> Result<Self, StudyError> {
        let row = BackboneRow::named(&photos.backbone.name)?;
        let weights = row.weights(photos.backbone.weights.as_deref())?;
        let trunk = Trunk::new(row, &weights)?;
        // The last stage spreads planes for the classifier of the source task.
        let last = trunk.stages().len().saturating_sub(2);
        let Some(first) = last.checked_sub(photos.live_stages) else {
            let reason = "the backbone has too few stages for that";
            let value = photos.live_stages.to_string();
            return Err(NnError::Setting { field: "photos.live_stages", value, reason }.into());
        };
        let (from, to) = (trunk.stages()[first].name.clone(), trunk.stages()[last].clone());
        let image = Tensor::zeros((1, 3, photos.size, photos.size), DType::F32, &Device::Cpu).map_err(NnError::from)?;
        let (_, _, height, width) = trunk.stage_output(&image, &to.name)?.dims4().map_err(NnError::from)?;
        Ok(Self { row, weights, trunk, from, to, pixels: height * width, size: photos.size })
    }
}

/// What every trial on photographs reads.
pub struct PhotoInputs {
    pub(super) pretrained: Pretrained,
    /// Views of training photographs.
    training: Planes,
    validation: Planes,
    test: Planes,
    no_content: Planes,
    /// The same photographs for the small network, which reads pixels.
    pub(super) small: [PictureSet; 3],
    test_photos: Vec<(Photo, f64)>,
    test_ids: Vec<String>,
}

impl PhotoInputs {
    /// Reads photographs and computes the constant part of their views.
    ///
    /// # Errors
    /// If the folder, a picture or the weights cannot be read.
    pub(super) fn open(_spec: &Spec, photos: &Photos) -> Result<(Self, Measurement), StudyError> {
        let bad = if photos.skip_bad { BadPicture::Skip } else { BadPicture::Refuse };
        let split = PhotoSplit::for_views(&photos.folder, (photos.crop, photos.size), photos.held_out, 0, bad)?;
        let pretrained = Pretrained::open(photos)?;
        let [training, validation, test] = [&split.training, &split.validation, &split.test].map(Vec::len);
        let counts = format!("{training} photographs for training, {validation} for validation, {test} for the test");
        let measurement = split.notices.iter().fold(Measurement::default().notice(counts), Measurement::notice);
        let measurement = measurement.keep("photographs", &[training, validation, test]);
        let noise: Vec<(Photo, f64)> = (0..NO_CONTENT as u64)
            .map(|number| (Photo::noise(VIEWS, number, photos.crop), 0.1 * number as f64))
            .collect();
        let inputs = Self {
            training: Planes::random(&pretrained, &split.training, photos.views)?,
            validation: Planes::around(&pretrained, &split.validation, TEST_VIEWS)?,
            test: Planes::around(&pretrained, &split.test, TEST_VIEWS)?,
            no_content: Planes::around(&pretrained, &noise, 1)?,
            small: [split.training.into(), split.validation.into(), split.test.clone().into()],
            test_photos: split.test,
            test_ids: split.test_ids,
            pretrained,
        };
        Ok((inputs, measurement))
    }
}
