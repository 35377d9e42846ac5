//! DICOM files with grey pixels, of one frame or of many.

use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

use ndarray::{Array2, Array3, Axis};

use super::elements::{DataSet, Encoding, Parser, Reading, Value, named, tag};
use super::grey::Window;
use super::packed::{Packing, SYNTAXES, Samples, Syntax, frames};
use crate::data::file::read_file;
use crate::data::{DataError, Picture};
use crate::math::input;

/// Pixels of a frame, at most.
const MOST_PIXELS: usize = 100_000_000;

/// Frames of a file, at most.
const MOST_FRAMES: usize = 1_000_000;

/// Values of an array of all frames, at most: 4 GiB.
const MOST_VALUES: usize = 1 << 30;

/// Bytes of a file after deflate, at most.
const MOST_BYTES: u64 = 1 << 30;

/// The identifier of a directory of other files.
const DIRECTORY: &str = "1.2.840.10008.1.3.10";

/// What a file says of its frames.
#[derive(Clone, Debug, PartialEq)]
pub struct DicomInfo {
    /// Patient ID (0010,0020).
    pub patient: Option<String>,
    /// Study Instance UID (0020,000D).
    pub study: Option<String>,
    /// Series Instance UID (0020,000E).
    pub series: Option<String>,
    /// Modality (0008,0060), such as MR, CT or XA.
    pub modality: Option<String>,
    /// Instance Number (0020,0013).
    pub number: Option<f64>,
    /// Rows and columns of a frame.
    pub size: (usize, usize),
    /// Millimetres between rows and between columns; of projections on the detector.
    pub spacing: Option<[f64; 2]>,
    /// Seconds from a frame to the next, of a video.
    pub frame_seconds: Option<f64>,
    /// Where each frame lies along the normal of its plane, in millimetres; `None` of frames without a place.
    pub positions: Vec<Option<f64>>,
    /// Whether large values are dark (MONOCHROME1).
    pub is_inverted: bool,
    /// How each frame is meant to be shown; `None` if the file does not say.
    pub windows: Vec<Option<Window>>,
}

/// A DICOM file. Its frames are unpacked when they are asked for.
///
/// ```no_run
/// use qgraft::data::DicomFile;
/// let file = DicomFile::read("run.dcm".as_ref())?;
/// for k in 0..file.len() {
///     let values = file.frame(k)?; // (rows, columns), rescaled
///     let picture = file.picture(k)?; // grey, as the file says that it is shown
/// }
/// # Ok::<(), qgraft::data::DataError>(())
/// ```
#[derive(Clone, Debug)]
pub struct DicomFile {
    /// What the file says of its frames.
    pub info: DicomInfo,
    path: PathBuf,
    bytes: Vec<u8>,
    packing: Packing,
    samples: Samples,
    /// Where the parts of each frame are.
    frames: Vec<Vec<Range<usize>>>,
    /// Slope and intercept of each frame.
    rescale: Vec<(f64, f64)>,
}

impl DicomFile {
    /// Whether a regular file is one of DICOM: the letters DICM follow 128 bytes.
    pub fn is_one(path: &Path) -> bool {
        // Opening a pipe waits for a writer, and what is read of it is gone.
        if !std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file()) {
            return false;
        }
        let mut start = [0; 132];
        input::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok() && start.ends_with(b"DICM")
    }

    /// Reads a file: grey pixels of 8 to 16 bits, uncompressed, deflated, in runs of bytes (RLE) or as JPEG (baseline,
    /// extended of 8 bits, lossless).
    ///
    /// # Errors
    /// A file that cannot be read, is cut short, holds no pixels, colours, or pixels that are packed in another way.
    pub fn read(path: &Path) -> Result<Self, DataError> {
        let bytes = read_file(path)?;
        Self::parse(bytes, path)
    }

    /// The same from the content of a file; `path` is for messages.
    ///
    /// # Errors
    /// As [`read`](Self::read), as [`DataError::BadImage`].
    pub fn parse(bytes: Vec<u8>, path: &Path) -> Result<Self, DataError> {
        Self::opened(bytes, path).map_err(|reason| DataError::BadImage { path: path.into(), reason })
    }

    fn opened(mut bytes: Vec<u8>, path: &Path) -> Result<Self, String> {
        if bytes.get(128..132) != Some(b"DICM") {
            return Err("no DICOM file: the letters DICM are missing behind its first 128 bytes".into());
        }
        let plain = Encoding { has_types: true, is_big_endian: false };
        let (meta, start) = Parser::new(&bytes, 132, plain).meta()?;
        let reading = Reading { bytes: &bytes, is_big_endian: false };
        if reading.text(&meta, tag::MEDIA_STORAGE_CLASS).as_deref() == Some(DIRECTORY) {
            return Err("a directory of other files (DICOMDIR); name the folder with the files".into());
        }
        let identifier = reading
            .text(&meta, tag::TRANSFER_SYNTAX)
            .ok_or_else(|| format!("it does not say how it is written: {} is missing", named(tag::TRANSFER_SYNTAX)))?;
        let syntax = SYNTAXES
            .iter()
            .find(|syntax| syntax.identifier == identifier)
            .ok_or_else(|| format!("transfer syntax {identifier} is not known; {CONVERT}"))?;
        let packing = syntax.packing.map_err(|name| format!("pixels packed as {name} are not read; {CONVERT}"))?;
        let mut start = start;
        if syntax.is_deflated {
            bytes = inflated(&bytes[start..])?;
            start = 0;
        }
        let Syntax { has_types, is_big_endian, .. } = *syntax;
        let all = Parser::new(&bytes, start, Encoding { has_types, is_big_endian }).all()?;
        let head = Head { reading: Reading { bytes: &bytes, is_big_endian }, all: &all };
        let samples = head.samples()?;
        let count = head.frames()?;
        let frames = head.pixels(&samples, count, packing)?;
        let rescale = (0..count).map(|k| head.rescale(k)).collect::<Result<_, _>>()?;
        let info = head.info(&samples, count)?;
        Ok(Self { info, path: path.into(), packing, samples, frames, rescale, bytes })
    }

    /// Number of frames, at least 1.
    #[expect(clippy::len_without_is_empty, reason = "a file without frames is refused")]
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// The values (rows, columns) of a frame: what is stored times the slope, plus the intercept.
    ///
    /// # Errors
    /// A frame that does not unpack, or that the file does not have.
    pub fn frame(&self, frame: usize) -> Result<Array2<f32>, DataError> {
        let bad = |reason: String| DataError::BadImage { path: self.path.clone(), reason };
        let (Some(parts), Some(&(slope, intercept))) = (self.frames.get(frame), self.rescale.get(frame)) else {
            return Err(bad(format!("it has {} frames, no frame {frame} (from 0)", self.len())));
        };
        let parts: Vec<&[u8]> = parts.iter().map(|part| &self.bytes[part.clone()]).collect();
        let stored = self.samples.frame(self.packing, &parts);
        let stored = stored.map_err(|reason| bad(format!("frame {frame} (from 0): {reason}")))?;
        let values = stored.into_iter().map(|value| (slope * f64::from(value) + intercept) as f32).collect();
        // Every way of packing checks the number of pixels.
        Ok(Array2::from_shape_vec(self.samples.size, values).expect("as many values as pixels"))
    }

    /// All frames (frames, rows, columns), as [`frame`](Self::frame) gives each.
    ///
    /// # Errors
    /// As [`frame`](Self::frame), and more values than 4 GiB hold.
    pub fn frames(&self) -> Result<Array3<f32>, DataError> {
        let (rows, columns) = self.samples.size;
        if self.len().saturating_mul(self.samples.pixels()) > MOST_VALUES {
            let reason = format!("{} frames of {columns} × {rows} pixels are too many at once", self.len());
            return Err(DataError::BadImage { path: self.path.clone(), reason });
        }
        let mut all = Array3::zeros((self.len(), rows, columns));
        for (k, mut own) in all.axis_iter_mut(Axis(0)).enumerate() {
            own.assign(&self.frame(k)?);
        }
        Ok(all)
    }

    /// A frame as a grey picture: in the window that the file says, else from the first to the 99th percentile of the frame.
    ///
    /// # Errors
    /// As [`frame`](Self::frame).
    pub fn picture(&self, frame: usize) -> Result<Picture, DataError> {
        let values = self.frame(frame)?;
        let window = self.info.windows[frame].unwrap_or_else(|| Window::of_percentiles(values.iter().copied()));
        Ok(window.picture(values.view(), self.info.is_inverted))
    }
}

/// What to do with a file that is packed in a way that is not read.
const CONVERT: &str = "unpack it, for example with `gdcmconv --raw IN OUT`";

/// What is behind the first group of a deflated file.
fn inflated(packed: &[u8]) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut decoder = flate2::read::DeflateDecoder::new(packed).take(MOST_BYTES + 1);
    decoder.read_to_end(&mut bytes).map_err(|e| format!("it does not inflate: {e}"))?;
    match bytes.len() as u64 > MOST_BYTES {
        true => Err(format!("it inflates to more than {MOST_BYTES} bytes")),
        false => Ok(bytes),
    }
}

/// The elements of a file.
struct Head<'a> {
    reading: Reading<'a>,
    all: &'a DataSet,
}

impl Head<'_> {
    fn short(&self, tag: u32, name: &str) -> Result<u16, String> {
        self.reading.short(self.all, tag).ok_or_else(|| format!("{name} {} is missing", named(tag)))
    }

    /// The group of a frame in which a sequence is: its own, else that of all frames, else the file itself.
    fn of_frame(&self, frame: usize, sequence: u32) -> &DataSet {
        let own = self.all.items(tag::FRAME_GROUPS).get(frame).and_then(|own| own.first_item(sequence));
        let shared = || self.all.first_item(tag::SHARED_GROUPS).and_then(|shared| shared.first_item(sequence));
        own.or_else(shared).unwrap_or(self.all)
    }

    fn samples(&self) -> Result<Samples, String> {
        if self.all.get(tag::PIXELS).is_none() {
            let pixels = "it holds no pixels";
            return Err(match self.reading.text(self.all, tag::MODALITY) {
                Some(modality) => format!("{pixels} (modality {modality})"),
                None => pixels.into(),
            });
        }
        let photometric = self.reading.text(self.all, tag::PHOTOMETRIC).unwrap_or_default();
        if !photometric.starts_with("MONOCHROME") || self.reading.short(self.all, tag::SAMPLES).unwrap_or(1) != 1 {
            return Err(format!("pixels of kind {photometric:?} are not read, only grey ones; export it as PNG"));
        }
        if !self.all.items(tag::MODALITY_TABLES).is_empty() {
            return Err(
                "its values go through a table (Modality LUT Sequence), which is not read; export it as PNG".into()
            );
        }
        let size = (self.short(tag::ROWS, "Rows")?, self.short(tag::COLUMNS, "Columns")?);
        let size = (usize::from(size.0), usize::from(size.1));
        if size.0 == 0 || size.1 == 0 || size.0 * size.1 > MOST_PIXELS {
            let (rows, columns) = size;
            return Err(format!("{columns} × {rows} pixels; expected 1 to {MOST_PIXELS} in all"));
        }
        let allocated = self.short(tag::BITS_ALLOCATED, "Bits Allocated")?;
        let stored = self.reading.short(self.all, tag::BITS_STORED).unwrap_or(allocated);
        let high = self.reading.short(self.all, tag::HIGH_BIT).unwrap_or(stored.saturating_sub(1));
        let fits =
            matches!(allocated, 8 | 16) && (1..=allocated).contains(&stored) && (stored - 1..allocated).contains(&high);
        if !fits {
            return Err(format!(
                "Bits Allocated {allocated}, Bits Stored {stored}, High Bit {high}; expected 8 or 16 allocated bits that hold \
                 the stored ones"
            ));
        }
        Ok(Samples {
            size,
            bytes: usize::from(allocated / 8),
            bits: u32::from(stored),
            shift: u32::from(high + 1 - stored),
            is_signed: self.reading.short(self.all, tag::IS_SIGNED).unwrap_or(0) == 1,
            is_big_endian: self.reading.is_big_endian,
        })
    }

    fn frames(&self) -> Result<usize, String> {
        let Some(text) = self.reading.text(self.all, tag::FRAMES) else { return Ok(1) };
        let count = text.parse().ok().filter(|count| (1..=MOST_FRAMES).contains(count));
        count.ok_or_else(|| format!("Number of Frames {} is {text:?}; expected 1 to {MOST_FRAMES}", named(tag::FRAMES)))
    }

    /// The parts of each frame.
    fn pixels(&self, samples: &Samples, count: usize, packing: Packing) -> Result<Vec<Vec<Range<usize>>>, String> {
        match (self.all.get(tag::PIXELS), packing) {
            (Some(Value::Bytes(range)), Packing::Plain) => {
                let each = samples.pixels() * samples.bytes;
                if each.checked_mul(count).is_none_or(|needed| needed > range.len()) {
                    let ((rows, columns), found) = (samples.size, range.len());
                    return Err(format!(
                        "{found} bytes of pixels; {count} frames of {columns} × {rows} need {each} each"
                    ));
                }
                let frame = |k: usize| range.start + k * each..range.start + (k + 1) * each;
                Ok((0..count).map(|k| std::iter::once(frame(k)).collect()).collect())
            }
            (Some(Value::Fragments(fragments)), Packing::Runs | Packing::Jpeg) => {
                frames(fragments, self.reading.bytes, count, packing)
            }
            _ => Err("its pixels are not packed as it says".into()),
        }
    }

    fn rescale(&self, frame: usize) -> Result<(f64, f64), String> {
        let set = self.of_frame(frame, tag::FRAME_RESCALES);
        let number = |tag: u32, name: &str, default: f64| match self.reading.text(set, tag) {
            None => Ok(default),
            Some(text) => self
                .reading
                .decimal(set, tag)
                .filter(|value| (*value as f32).is_finite())
                .ok_or_else(|| format!("{name} {} is {text:?}; expected a number", named(tag))),
        };
        Ok((number(tag::SLOPE, "Rescale Slope", 1.0)?, number(tag::INTERCEPT, "Rescale Intercept", 0.0)?))
    }

    fn window(&self, frame: usize) -> Result<Option<Window>, String> {
        let set = self.of_frame(frame, tag::FRAME_WINDOWS);
        let values = [tag::WINDOW_CENTRE, tag::WINDOW_WIDTH].map(|tag| self.reading.decimal(set, tag));
        let [Some(centre), Some(width)] = values else { return Ok(None) };
        let function = self.reading.text(set, tag::WINDOW_FUNCTION).unwrap_or_else(|| "LINEAR".into());
        match function.as_str() {
            "LINEAR" if width >= 1.0 => Ok(Some(Window::Linear { centre, width })),
            "LINEAR_EXACT" if width > 0.0 => Ok(Some(Window::Exact { centre, width })),
            "SIGMOID" if width > 0.0 => Ok(Some(Window::Sigmoid { centre, width })),
            _ => Err(format!(
                "Window Width {width} of the function {function}; expected LINEAR from 1 on, LINEAR_EXACT or SIGMOID \
                              above 0"
            )),
        }
    }

    /// Where a frame lies along the normal of its plane (PS3.3, C.7.6.2.1.1).
    fn position(&self, frame: usize) -> Option<f64> {
        let place = self.reading.decimals(self.of_frame(frame, tag::PLANE_POSITIONS), tag::POSITION)?;
        let along = self.reading.decimals(self.of_frame(frame, tag::PLANE_ORIENTATIONS), tag::ORIENTATION)?;
        let ([x, y, z], [a, b, c, d, e, f]) = (place[..].try_into().ok()?, along[..].try_into().ok()?);
        let place = x * (b * f - c * e) + y * (c * d - a * f) + z * (a * e - b * d);
        Some(place).filter(|place: &f64| place.is_finite())
    }

    fn info(&self, samples: &Samples, count: usize) -> Result<DicomInfo, String> {
        let text = |tag| self.reading.text(self.all, tag);
        let seconds = |tag, of: fn(f64) -> f64| self.reading.decimal(self.all, tag).filter(|v| *v > 0.0).map(of);
        let frame_seconds = seconds(tag::FRAME_TIME, |milliseconds| milliseconds / 1000.0)
            .or_else(|| seconds(tag::CINE_RATE, f64::recip))
            .or_else(|| seconds(tag::DISPLAY_FRAME_RATE, f64::recip));
        let measures = self.of_frame(0, tag::PIXEL_MEASURES);
        let spacing = [(measures, tag::PIXEL_SPACING), (self.all, tag::IMAGER_PIXEL_SPACING)].into_iter();
        let mut spacing = spacing.filter_map(|(set, tag)| <[f64; 2]>::try_from(self.reading.decimals(set, tag)?).ok());
        Ok(DicomInfo {
            patient: text(tag::PATIENT_ID),
            study: text(tag::STUDY),
            series: text(tag::SERIES),
            modality: text(tag::MODALITY),
            number: self.reading.decimal(self.all, tag::INSTANCE_NUMBER),
            size: samples.size,
            spacing: spacing.find(|spacing| spacing.iter().all(|s| *s > 0.0)),
            frame_seconds,
            positions: (0..count).map(|k| self.position(k)).collect(),
            is_inverted: text(tag::PHOTOMETRIC).as_deref() == Some("MONOCHROME1"),
            windows: (0..count).map(|k| self.window(k)).collect::<Result<_, _>>()?,
        })
    }
}
