//! Films: frames of grey pixels, from a folder of pictures, a NumPy file or a DICOM file.

use std::borrow::Cow;
use std::path::Path;

use super::array_file::Array;
use super::file::read_file;
use super::folder::{BadPicture, read_pictures};
use super::walk::{entries, name};
use super::{DataError, DicomFile, is_picture};

/// A film.
#[derive(Clone, Debug, PartialEq)]
pub struct Film {
    /// Number of frames.
    pub frames: usize,
    /// Rows of a frame.
    pub height: usize,
    /// Pixels of a row.
    pub width: usize,
    /// Frames, rows, columns.
    pub values: Vec<f32>,
}

impl Film {
    /// Whether a path is that of a film: a folder, a file whose name ends in .npy, or a DICOM file of any name.
    pub fn is_film(path: &Path) -> bool {
        let is_array = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("npy"));
        path.is_dir() || is_array || DicomFile::is_one(path)
    }

    /// Reads a folder of pictures, which are frames in the order of their names, an .npy file (frames, rows, columns) or the frames
    /// of a DICOM file. Colours become their mean. Values of which large ones are dark (MONOCHROME1) change their sign.
    ///
    /// # Errors
    /// A file that cannot be read, frames of different sizes, no frames, values that are not finite.
    pub fn read(path: &Path) -> Result<Self, DataError> {
        let place = path.display().to_string();
        let film = match path {
            folder if folder.is_dir() => Self::folder(folder, &place)?,
            file if DicomFile::is_one(file) => Self::dicom(file)?,
            array => Self::npy(array, &place)?,
        };
        let failed = |reason: String| Err(DataError::malformed(&place, reason));
        if film.values.is_empty() {
            return failed("a film without pixels".into());
        }
        match film.values.iter().position(|value| !value.is_finite()) {
            Some(place) => failed(format!("value {place} is not finite")),
            None => Ok(film),
        }
    }

    fn folder(path: &Path, place: &str) -> Result<Self, DataError> {
        let files: Vec<_> = entries(path)?.into_iter().filter(|own| is_picture(own)).collect();
        if files.is_empty() {
            return Err(DataError::malformed(place, "no pictures in this folder; a film is a folder of frames"));
        }
        let mut film = Self { frames: 0, height: 0, width: 0, values: Vec::new() };
        for file in files {
            let read = read_pictures(&file, BadPicture::Refuse, |picture| picture)?;
            for picture in read.pictures {
                let size = (picture.height, picture.width);
                if film.frames > 0 && size != (film.height, film.width) {
                    let reason = format!(
                        "{} has {} x {} pixels, the frames before {} x {}",
                        name(&file),
                        size.1,
                        size.0,
                        film.width,
                        film.height
                    );
                    return Err(DataError::malformed(place, reason));
                }
                (film.height, film.width) = size;
                film.frames += 1;
                let grey = picture.rgb.chunks(3).map(|rgb| rgb.iter().map(|own| f32::from(*own)).sum::<f32>() / 3.0);
                film.values.extend(grey);
            }
        }
        Ok(film)
    }

    fn dicom(path: &Path) -> Result<Self, DataError> {
        let file = DicomFile::read(path)?;
        let sign = if file.info.is_inverted { -1.0 } else { 1.0 };
        let all = file.frames()?;
        let (frames, height, width) = all.dim();
        Ok(Self { frames, height, width, values: all.into_iter().map(|value| sign * value).collect() })
    }

    fn npy(path: &Path, place: &str) -> Result<Self, DataError> {
        let bytes = read_file(path)?;
        let array = Array::npy(Cow::Owned(bytes), &name(path), place)?;
        let [frames, height, width] = array.shape[..] else {
            let reason = format!("shape {:?}; a film has three axes: frames, rows, columns", array.shape);
            return Err(DataError::malformed(place, reason));
        };
        let values = array.floats().ok_or_else(|| DataError::malformed(place, "texts in place of numbers"))?;
        Ok(Self { frames, height, width, values })
    }

    /// So many frames, evenly over the film, each an `edge` by `edge` square of means, as bytes: the least value of the film is 0,
    /// the largest 255. A film of one value is 0. Frames of a shorter film repeat.
    pub fn bytes(&self, frames: usize, edge: usize) -> Vec<u8> {
        let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
        self.values.iter().for_each(|value| (low, high) = (low.min(*value), high.max(*value)));
        let scale = if high > low { 255.0 / (f64::from(high) - f64::from(low)) } else { 0.0 };
        let (rows, columns) = (shares(self.height, edge), shares(self.width, edge));
        let mut found = Vec::with_capacity(frames * edge * edge);
        for frame in 0..frames {
            let own = (frame * self.frames) / frames;
            let plane = &self.values[own * self.height * self.width..(own + 1) * self.height * self.width];
            for row in &rows {
                for column in &columns {
                    let mut sum = 0.0;
                    for (y, height) in row {
                        for (x, width) in column {
                            sum += height * width * f64::from(plane[y * self.width + x]);
                        }
                    }
                    found.push((scale * (sum - f64::from(low))).round().clamp(0.0, 255.0) as u8);
                }
            }
        }
        found
    }
}

/// Which pixels of `from` each of `to` covers, and the share of it that each of them fills.
fn shares(from: usize, to: usize) -> Vec<Vec<(usize, f64)>> {
    let step = from as f64 / to as f64;
    let covered = |k: usize| {
        let (start, end) = (k as f64 * step, (k + 1) as f64 * step);
        let last = (end.ceil() as usize).min(from).max(1);
        let first = (start as usize).min(last - 1);
        (first..last).map(|own| (own, ((end.min(own as f64 + 1.0) - start.max(own as f64)) / step).max(0.0))).collect()
    };
    (0..to).map(covered).collect()
}
