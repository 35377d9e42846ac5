//! Photographs rotated by their pixels. Unlike a drawn scene, a rotated photograph may keep traces of its rotation: the frame
//! that a crop leaves, the grid of the original, of its compression. Each pixel of a view is therefore the mean over 4 × 4
//! interpolated points of a picture that was reduced before.

use std::collections::HashSet;
use std::f64::consts::TAU;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::data::{BadPicture, Picture, read_pictures, resize};
use crate::math::Stream;
use crate::study::StudyError;
use crate::systems::rotation::picture::{Colour, UprightPicture, pixels, source_point};
use crate::systems::rotation::views::PictureSet;

/// The part of a rotated photograph that a view shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Crop {
    /// The largest disc in its middle: the same part under every angle, so that the crop gives nothing away.
    Disc,
    /// The largest upright rectangle inside the rotated frame, stretched to a square. Its size changes with the angle.
    Rectangle,
}

/// Width and height of the largest upright rectangle inside a frame of `width` × `height` that is rotated by `angle`
/// (radians) about its middle.
pub fn inscribed(width: f64, height: f64, angle: f64) -> (f64, f64) {
    let (sin, cos) = (angle.sin().abs(), angle.cos().abs());
    let (long, short) = (width.max(height), width.min(height));
    if short <= 2.0 * sin * cos * long || (sin - cos).abs() < 1e-10 {
        // Two corners touch the long sides, the others lie inside: any position along them gives the same area.
        let half = 0.5 * short;
        return if width >= height { (half / sin, half / cos) } else { (half / cos, half / sin) };
    }
    // All four corners touch.
    let square = cos * cos - sin * sin;
    ((width * cos - height * sin) / square, (height * cos - width * sin) / square)
}

/// An upright photograph.
#[derive(Clone, Debug)]
pub struct Photo {
    picture: Picture,
    crop: Crop,
}

/// Pixels along the short side of a photograph as it is kept: four for each pixel of a view.
const SHORT: usize = 112;

impl Photo {
    /// Keeps `picture` as large as views of 28 pixels need it.
    pub fn new(picture: &Picture, crop: Crop) -> Self {
        Self::of_side(picture, crop, SHORT)
    }

    /// Keeps `picture` as large as views of up to `size` pixels need it: two pixels for each of a view.
    pub fn for_views(picture: &Picture, crop: Crop, size: usize) -> Self {
        Self::of_side(picture, crop, SHORT.max(2 * size))
    }

    fn of_side(picture: &Picture, crop: Crop, short: usize) -> Self {
        let scale = short as f64 / picture.width.min(picture.height) as f64;
        let along = |side: usize| ((side as f64 * scale).round() as usize).max(short);
        Self { picture: resize(picture, along(picture.width), along(picture.height)), crop }
    }

    /// A photograph without content: picture `number` of the collection `seed`, each byte random.
    pub fn noise(seed: u64, number: u64, crop: Crop) -> Self {
        let mut stream = Stream::numbered(seed, number);
        let (width, height) = (2 * SHORT + SHORT / 2, 2 * SHORT);
        let rgb = (0..3 * width * height).map(|_| stream.below(256) as u8).collect();
        Self::new(&Picture { width, height, rgb }, crop)
    }

    /// The photograph with left and right exchanged: as upright as before.
    pub fn mirrored(&self) -> Self {
        let Picture { width, height, rgb } = &self.picture;
        let row = |row: usize| (0..*width).rev().flat_map(move |x| (0..3).map(move |k| 3 * (row * width + x) + k));
        let rgb = (0..*height).flat_map(row).map(|at| rgb[at]).collect();
        Self { picture: Picture { width: *width, height: *height, rgb }, crop: self.crop }
    }

    /// The colour at a point in pixels from the upper left corner, interpolated between the middles of the four nearest.
    fn colour(&self, x: f64, y: f64) -> Colour {
        let Picture { width, height, rgb } = &self.picture;
        let part = |at: f64, side: usize| {
            let at = (at - 0.5).clamp(0.0, (side - 1) as f64);
            (at as usize, (at as usize + 1).min(side - 1), at.fract())
        };
        let ((left, right, across), (top, bottom, down)) = (part(x, *width), part(y, *height));
        [0, 1, 2].map(|k| {
            let at = |row: usize, column: usize| f64::from(rgb[3 * (row * width + column) + k]) / 255.0;
            let along = |row: usize| at(row, left) + across * (at(row, right) - at(row, left));
            along(top) + down * (along(bottom) - along(top))
        })
    }
}

impl UprightPicture for Photo {
    fn view(&self, angle: f64, size: usize) -> Vec<f32> {
        let rotation = angle.sin_cos();
        let (width, height) = (self.picture.width as f64, self.picture.height as f64);
        let (across, up) = match self.crop {
            Crop::Disc => (width.min(height), width.min(height)),
            Crop::Rectangle => inscribed(width, height, angle),
        };
        // Each pixel is the mean over as many points as the photograph has pixels there.
        let fine = (self.picture.width.min(self.picture.height) as f64 / size as f64).round().clamp(2.0, 8.0) as usize;
        pixels(size, fine, (0.0, &mut Stream::numbered(0, 0)), |u, v| {
            let (x, y) = source_point(rotation, 0.5 * across * u, 0.5 * up * v);
            let inside = self.crop == Crop::Rectangle || u * u + v * v < 1.0;
            inside.then(|| self.colour(0.5 * width + x, 0.5 * height - y))
        })
    }
}

impl From<Vec<(Photo, f64)>> for PictureSet {
    fn from(photos: Vec<(Photo, f64)>) -> Self {
        let angles = photos.iter().map(|(_, angle)| *angle).collect();
        let pictures = photos.into_iter().map(|(photo, _)| Arc::new(photo) as Arc<dyn UprightPicture>).collect();
        Self { pictures, angles }
    }
}

/// Photographs with the angle (radians) of each, split for training, validation and test.
pub struct PhotoSplit {
    /// For training.
    pub training: Vec<(Photo, f64)>,
    /// To choose a learning rate on.
    pub validation: Vec<(Photo, f64)>,
    /// For the test.
    pub test: Vec<(Photo, f64)>,
    /// Paths of the test photographs inside the folder.
    pub test_ids: Vec<String>,
    /// Pictures that were left out, and why.
    pub notices: Vec<String>,
}

impl PhotoSplit {
    /// Reads every picture of `folder` and its subfolders. A share `held_out` is held out, a third of it for validation.
    /// The angle and the set of a photograph follow from its path inside `folder` and from `seed`: neither from the order
    /// of files nor from the other files. Of equal pictures only the first is kept.
    ///
    /// # Errors
    /// If the folder cannot be read or holds too few pictures, or one does not decode and `bad` is not [`BadPicture::Skip`].
    pub fn read(folder: &Path, crop: Crop, held_out: f64, seed: u64, bad: BadPicture) -> Result<Self, StudyError> {
        Self::for_views(folder, (crop, SHORT / 4), held_out, seed, bad)
    }

    /// The same with photographs as large as views of `size` pixels need them.
    ///
    /// # Errors
    /// As [`PhotoSplit::read`].
    pub fn for_views(
        folder: &Path,
        (crop, size): (Crop, usize),
        held_out: f64,
        seed: u64,
        bad: BadPicture,
    ) -> Result<Self, StudyError> {
        let keep = |picture: Picture| {
            let mut hash = blake3::Hasher::new();
            hash.update(&picture.width.to_le_bytes()).update(&picture.rgb);
            (hash.finalize(), Photo::for_views(&picture, crop, size))
        };
        let read = read_pictures(folder, bad, keep)?;
        let (training, validation, test, test_ids) = Default::default();
        let mut split = Self { training, validation, test, test_ids, notices: read.skipped };
        let mut known = HashSet::new();
        for (id, (hash, photo)) in read.ids.iter().zip(read.pictures) {
            if !known.insert(hash) {
                split.notices.push(format!("{id}: the same picture as another, left out"));
                continue;
            }
            let mut stream = Stream::named(seed, id);
            let (draw, angle) = (stream.uniform(), TAU * stream.uniform());
            let set = match draw / held_out {
                share if share < 1.0 / 3.0 => &mut split.validation,
                share if share < 1.0 => {
                    split.test_ids.push(id.clone());
                    &mut split.test
                }
                _ => &mut split.training,
            };
            set.push((photo, angle));
        }
        let counts = [&split.training, &split.validation, &split.test].map(Vec::len);
        if counts.contains(&0) {
            let [training, validation, test] = counts;
            let reason = format!(
                "{training} training pictures, {validation} for validation and {test} for the test; at least one of each is \
                 needed, better hundreds, or another share held out"
            );
            return Err(crate::data::DataError::Malformed { place: folder.display().to_string(), reason }.into());
        }
        Ok(split)
    }
}
