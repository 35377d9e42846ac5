//! What networks learn from and are judged on: views of upright pictures, under an angle or with a class.

use std::f64::consts::TAU;
use std::sync::Arc;

use candle_core::{DType, Device, Tensor};

use crate::data::{Picture, resaved};
use crate::math::Stream;
use crate::nn::{Dataset, Examples, Mode, NnError};
use crate::study::StudyError;
use crate::systems::rotation::heads::HeadRow;
use crate::systems::rotation::network::{CHANNELS, SIZE};
use crate::systems::rotation::scene::{CLASSES, Scene};
use crate::systems::rotation::sight::{Noise, Sight};

/// Upright pictures, each with the angle (radians) under which it is judged.
#[derive(Clone, Default)]
pub struct Gallery {
    /// The pictures.
    pub sights: Vec<Arc<dyn Sight>>,
    /// The angle of each.
    pub angles: Vec<f64>,
}

impl Gallery {
    /// `count` scenes of the collection `seed`, one in `1 / ambiguous` of them ambiguous.
    pub fn scenes(seed: u64, count: usize, ambiguous: f64) -> Self {
        Self::drawn(seed, count, |number, stream| Arc::new(Scene::draw(seed, number, stream.uniform() < ambiguous)))
    }

    /// `count` pictures of nothing.
    pub fn noise(seed: u64, count: usize) -> Self {
        Self::drawn(seed, count, |number, _| Arc::new(Noise::draw(seed, number)))
    }

    /// Pictures that `draw` makes of a number, angles by chance.
    pub fn drawn(seed: u64, count: usize, draw: impl Fn(u64, &mut Stream) -> Arc<dyn Sight>) -> Self {
        let mut stream = Stream::named(seed, "views");
        let mut gallery = Self::default();
        for number in 0..count as u64 {
            gallery.sights.push(draw(number, &mut stream));
            gallery.angles.push(TAU * stream.uniform());
        }
        gallery
    }

    /// Each picture under its angle, (rows, 3, size, size), saved as a JPEG of this quality and read again.
    ///
    /// # Errors
    /// If a view cannot be saved.
    pub fn resaved(&self, quality: u8) -> Result<Tensor, StudyError> {
        let mut values = Vec::new();
        for (sight, &angle) in self.sights.iter().zip(&self.angles) {
            let (view, plane) = (sight.view(angle, SIZE), SIZE * SIZE);
            let byte = |place: usize| (255.0 * (view[place] + 0.5)).round().clamp(0.0, 255.0) as u8;
            let rgb = (0..3 * plane).map(|place| byte(place % 3 * plane + place / 3)).collect();
            let again = resaved(&Picture { width: SIZE, height: SIZE, rgb }, quality)?.rgb;
            values
                .extend((0..3 * plane).map(|place| f32::from(again[place % plane * 3 + place / plane]) / 255.0 - 0.5));
        }
        Ok(tensor(values, self.sights.len())?)
    }
}

fn tensor(values: Vec<f32>, rows: usize) -> Result<Tensor, NnError> {
    Ok(Tensor::from_vec(values, (rows, CHANNELS[0], SIZE, SIZE), &Device::Cpu)?)
}

/// Views of a gallery for one head. In training the angle is drawn anew each time, else it is that of the picture.
pub struct Views<'a> {
    /// The pictures.
    pub gallery: &'a Gallery,
    /// Whose targets come with them.
    pub head: &'static HeadRow,
}

impl Dataset for Views<'_> {
    fn len(&self) -> usize {
        self.gallery.sights.len()
    }

    fn rows(&self, rows: &[u32], mode: Mode) -> Result<Examples, NnError> {
        let (mut pixels, mut targets) = (Vec::new(), Vec::new());
        for &row in rows {
            let row = row as usize;
            let angle = match mode {
                Mode::Eval => self.gallery.angles[row],
                Mode::Train { seed } => TAU * Stream::numbered(seed, row as u64).uniform(),
            };
            pixels.extend(self.gallery.sights[row].view(angle, SIZE));
            targets.extend(self.head.target(angle));
        }
        let targets = Tensor::from_vec(targets, (rows.len(), self.head.width()), &Device::Cpu)?;
        Ok(Examples::new(tensor(pixels, rows.len())?, targets.to_dtype(DType::F32)?))
    }
}

/// How far from upright a scene with a class is seen, at most: 15°, in radians.
const TILT: f64 = TAU / 24.0;

/// Scenes whose class is asked for, all near upright; the tilt is drawn anew each time in training.
pub struct Classes {
    scenes: Vec<Scene>,
    /// For the tilts under which they are judged.
    tilts: u64,
}

impl Classes {
    /// `count` scenes of the collection `seed`, class after class.
    pub fn draw(seed: u64, count: usize) -> Self {
        let scene = |number: usize| Scene::of_class(seed, number as u64, number % CLASSES);
        Self { scenes: (0..count).map(scene).collect(), tilts: Stream::named(seed, "tilts").bits() }
    }
}

impl Dataset for Classes {
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
