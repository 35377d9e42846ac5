//! Data sets: views of upright pictures under an angle, and near-upright scenes with a class.

use std::f64::consts::TAU;
use std::sync::Arc;

use candle_core::{DType, Device, Tensor};

use crate::data::{Picture, resaved};
use crate::math::Stream;
use crate::nn::{Dataset, Examples, Mode, NnError};
use crate::study::StudyError;
use crate::systems::rotation::encodings::AngleHead;
use crate::systems::rotation::network::{CHANNELS, SIZE};
use crate::systems::rotation::picture::{NoisePicture, UprightPicture};
use crate::systems::rotation::scene::{CLASSES, Scene};

/// Upright pictures, each with the angle of its evaluation.
#[derive(Clone, Default)]
pub struct PictureSet {
    /// The pictures.
    pub pictures: Vec<Arc<dyn UprightPicture>>,
    /// The angle of each, radians.
    pub angles: Vec<f64>,
}

impl PictureSet {
    /// `count` scenes of the collection `seed`, one in `1 / ambiguous` of them ambiguous.
    pub fn scenes(seed: u64, count: usize, ambiguous: f64) -> Self {
        Self::drawn(seed, count, |number, stream| Arc::new(Scene::draw(seed, number, stream.uniform() < ambiguous)))
    }

    /// `count` pictures without content.
    pub fn noise(seed: u64, count: usize) -> Self {
        Self::drawn(seed, count, |number, _| Arc::new(NoisePicture::draw(seed, number)))
    }

    /// `count` pictures that `draw` makes of their number, at random angles.
    pub fn drawn(seed: u64, count: usize, draw: impl Fn(u64, &mut Stream) -> Arc<dyn UprightPicture>) -> Self {
        let mut stream = Stream::named(seed, "views");
        let mut set = Self::default();
        for number in 0..count as u64 {
            set.pictures.push(draw(number, &mut stream));
            set.angles.push(TAU * stream.uniform());
        }
        set
    }

    /// Each picture under its angle, (rows, 3, size, size), saved as a JPEG of this quality and read again.
    ///
    /// # Errors
    /// If a view cannot be saved.
    pub fn resaved(&self, quality: u8) -> Result<Tensor, StudyError> {
        let mut values = Vec::new();
        for (picture, &angle) in self.pictures.iter().zip(&self.angles) {
            let (view, plane) = (picture.view(angle, SIZE), SIZE * SIZE);
            let byte = |index: usize| (255.0 * (view[index] + 0.5)).round().clamp(0.0, 255.0) as u8;
            let rgb = (0..3 * plane).map(|index| byte(index % 3 * plane + index / 3)).collect();
            let again = resaved(&Picture { width: SIZE, height: SIZE, rgb }, quality)?.rgb;
            values
                .extend((0..3 * plane).map(|index| f32::from(again[index % plane * 3 + index / plane]) / 255.0 - 0.5));
        }
        Ok(tensor(values, self.pictures.len())?)
    }
}

fn tensor(values: Vec<f32>, rows: usize) -> Result<Tensor, NnError> {
    Ok(Tensor::from_vec(values, (rows, CHANNELS[0], SIZE, SIZE), &Device::Cpu)?)
}

/// Views of pictures with the targets of a head. In training the angle is drawn anew each time; in evaluation it is that of
/// the picture.
pub(super) struct Views<'a> {
    /// The pictures.
    pub pictures: &'a PictureSet,
    /// The head.
    pub head: &'static AngleHead,
}

impl Dataset for Views<'_> {
    fn len(&self) -> usize {
        self.pictures.pictures.len()
    }

    fn rows(&self, rows: &[u32], mode: Mode) -> Result<Examples, NnError> {
        let (mut pixels, mut targets) = (Vec::new(), Vec::new());
        for &row in rows {
            let row = row as usize;
            let angle = match mode {
                Mode::Eval => self.pictures.angles[row],
                Mode::Train { seed } => TAU * Stream::numbered(seed, row as u64).uniform(),
            };
            pixels.extend(self.pictures.pictures[row].view(angle, SIZE));
            targets.extend(self.head.target(angle));
        }
        let targets = Tensor::from_vec(targets, (rows.len(), self.head.width()), &Device::Cpu)?;
        Ok(Examples::new(tensor(pixels, rows.len())?, targets.to_dtype(DType::F32)?))
    }
}

/// Largest tilt of a scene with a class: 15°, in radians.
const TILT: f64 = TAU / 24.0;

/// Scenes with their class, all near upright. In training the tilt is drawn anew each time.
pub(super) struct SceneClasses {
    scenes: Vec<Scene>,
    /// Seed of the tilts of their evaluation.
    tilts: u64,
}

impl SceneClasses {
    /// `count` scenes of the collection `seed`, class after class.
    pub fn draw(seed: u64, count: usize) -> Self {
        let scene = |number: usize| Scene::of_class(seed, number as u64, number % CLASSES);
        Self { scenes: (0..count).map(scene).collect(), tilts: Stream::named(seed, "tilts").bits() }
    }
}

impl Dataset for SceneClasses {
    fn len(&self) -> usize {
        self.scenes.len()
    }

    fn rows(&self, rows: &[u32], mode: Mode) -> Result<Examples, NnError> {
        let seed = match mode {
            Mode::Eval => self.tilts,
            Mode::Train { seed } => seed,
        };
        let mut pixels = Vec::new();
        for &row in rows {
            let tilt = TILT * (2.0 * Stream::numbered(seed, u64::from(row)).uniform() - 1.0);
            pixels.extend(self.scenes[row as usize].view(tilt, SIZE));
        }
        let classes: Vec<u32> = rows.iter().map(|row| row % CLASSES as u32).collect();
        Ok(Examples::new(tensor(pixels, rows.len())?, Tensor::new(classes, &Device::Cpu)?))
    }
}
