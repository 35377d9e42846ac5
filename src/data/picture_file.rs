//! One picture from a file: bounded before it is decoded, upright, whole.

use std::fs;
use std::io::Cursor;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageEncoder, ImageFormat, ImageReader, Limits};

use super::file::read_file;
use super::{DataError, Picture, Transform};

/// Endings of the files that are read.
const ENDINGS: [&str; 11] = ["png", "jpg", "jpeg", "jpe", "jfif", "bmp", "dib", "gif", "tif", "tiff", "webp"];

/// A larger picture is refused before it is decoded: a small file can claim any size.
const MOST_PIXELS: u64 = 100_000_000;

/// Larger pictures are decoded one at a time, so that memory does not grow with the number of threads.
const LARGE: u64 = 12_000_000;

/// Bytes of the largest file that is read.
const MOST_BYTES: u64 = 1 << 30;

/// Reads one picture: PNG, JPEG, BMP, GIF (its first frame), TIFF or WebP. Grey becomes three equal channels, transparency
/// is dropped, and a picture that its Exif data call rotated is turned upright.
///
/// # Errors
/// A file that cannot be read, does not decode, ends early, or holds more than 100 million pixels.
pub fn decode(path: &Path) -> Result<Picture, DataError> {
    PictureReader::default().read(path)
}

/// What is left of a picture after it was saved as a JPEG of this quality, 1 to 100, and read again.
///
/// # Errors
/// If it has no pixels or more than a JPEG can hold.
pub fn resaved(picture: &Picture, quality: u8) -> Result<Picture, DataError> {
    let mut bytes = Vec::new();
    let size = u32::try_from(picture.width).ok().zip(u32::try_from(picture.height).ok());
    let (width, height) = size.unwrap_or_default();
    let path = Path::new("a picture saved again as JPEG");
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, quality)
        .encode(&picture.rgb, width, height, image::ExtendedColorType::Rgb8)
        .map_err(|e| DataError::BadImage { path: path.into(), reason: e.to_string() })?;
    PictureReader::default().parse(&bytes, path, None)
}

impl Picture {
    /// The picture as a PNG file; no bytes for a picture without pixels.
    pub fn png(&self) -> Vec<u8> {
        let mut file = Cursor::new(Vec::new());
        let (width, height) = (self.width as u32, self.height as u32);
        let encoder = image::codecs::png::PngEncoder::new(&mut file);
        // Memory takes any bytes, and `rgb` has three for each pixel; what is left to fail is a picture of size 0.
        match encoder.write_image(&self.rgb, width, height, image::ExtendedColorType::Rgb8) {
            Ok(()) => file.into_inner(),
            Err(_) => Vec::new(),
        }
    }
}

/// Whether the name of this file ends as that of a picture that is read.
pub fn is_picture(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ENDINGS.iter().any(|e| ending.eq_ignore_ascii_case(e)))
}

/// Reads pictures on several threads.
#[derive(Default)]
pub(super) struct PictureReader<'a> {
    /// Scales each picture down to what this transform needs of it.
    pub transform: Option<&'a Transform>,
    large: Mutex<()>,
}

impl<'a> PictureReader<'a> {
    /// Scales pictures down to what a transform needs of them.
    pub(super) fn scaling(transform: Option<&'a Transform>) -> Self {
        Self { transform, ..Self::default() }
    }

    /// Reads a file.
    pub(super) fn read(&self, path: &Path) -> Result<Picture, DataError> {
        let size = fs::metadata(path).map_err(DataError::io(path))?.len();
        if size > MOST_BYTES {
            let reason = format!("{size} bytes are more than a picture needs");
            return Err(DataError::BadImage { path: path.into(), reason });
        }
        let bytes = read_file(path).map_err(|error| match error {
            DataError::Malformed { reason, .. } => DataError::BadImage { path: path.into(), reason },
            other => other,
        })?;
        self.parse(&bytes, path, None)
    }

    /// Reads the content of a file; `path` is for the message. A picture of the size `stored` before it is turned
    /// upright is not turned.
    pub(super) fn parse(
        &self,
        bytes: &[u8],
        path: &Path,
        stored: Option<(usize, usize)>,
    ) -> Result<Picture, DataError> {
        let bad = |reason: String| DataError::BadImage { path: path.into(), reason };
        let failed = |e: image::ImageError| bad(e.to_string());
        let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|e| bad(e.to_string()))?;
        let Some(format) = reader.format() else { return Err(bad(unknown(bytes))) };
        if format == ImageFormat::Jpeg && !has_end(bytes) {
            return Err(bad("the file ends before the picture does: it was cut short".into()));
        }
        let mut decoder = reader.into_decoder().map_err(failed)?;
        let (width, height) = decoder.dimensions();
        let pixels = u64::from(width) * u64::from(height);
        if pixels == 0 || pixels > MOST_PIXELS {
            return Err(bad(format!("{width} × {height} pixels; expected 1 to {MOST_PIXELS} in all")));
        }
        let _turn = (pixels > LARGE).then(|| self.large.lock().unwrap_or_else(PoisonError::into_inner));
        let mut limits = Limits::default();
        limits.reserve(decoder.total_bytes()).map_err(failed)?;
        decoder.set_limits(limits).map_err(failed)?;
        // Exif data that cannot be read say nothing.
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        let mut decoded = DynamicImage::from_decoder(decoder).map_err(failed)?;
        use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
        let swaps = matches!(orientation, Rotate90 | Rotate270 | Rotate90FlipH | Rotate270FlipH);
        let is_as_stored = width != height && stored == Some((width as usize, height as usize));
        if !(swaps && is_as_stored) {
            decoded.apply_orientation(orientation);
        }
        let rgb = decoded.into_rgb8();
        let picture = Picture { width: rgb.width() as usize, height: rgb.height() as usize, rgb: rgb.into_raw() };
        if format == ImageFormat::Jpeg && ends_grey(&picture) {
            strictly(bytes).map_err(bad)?;
        }
        Ok(match self.transform {
            Some(transform) => transform.shrunk(picture),
            None => picture,
        })
    }
}

/// Whether the end marker of a JPEG is reached, segment by segment: a thumbnail inside has one as well.
fn has_end(bytes: &[u8]) -> bool {
    let mut at = 2;
    loop {
        // Up to the next marker; inside a scan 0xff 0x00 is a byte of the picture.
        let Some(ahead) = bytes.get(at..).and_then(|rest| rest.windows(2).position(|w| w[0] == 0xff && w[1] != 0))
        else {
            return false;
        };
        at += ahead + 1;
        match bytes[at] {
            0xd9 => return true,
            // Markers without content, and bytes that fill.
            0xff => {}
            0x01 | 0xd0..=0xd8 => at += 1,
            _ => match bytes.get(at + 1..at + 3) {
                Some(&[high, low]) => at += 1 + usize::from(u16::from_be_bytes([high, low])).max(2),
                _ => return false,
            },
        }
    }
}

/// Whether the bottom row is the grey that stands for missing data.
fn ends_grey(picture: &Picture) -> bool {
    picture.rgb[picture.rgb.len() - 3 * picture.width..].iter().all(|byte| *byte == 128)
}

/// Decodes a JPEG without making up what is missing.
fn strictly(bytes: &[u8]) -> Result<(), String> {
    use zune_jpeg::zune_core::{bytestream::ZCursor, options::DecoderOptions};
    let options = DecoderOptions::default().set_strict_mode(true).set_max_width(0xffff).set_max_height(0xffff);
    let decoded = zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(bytes), options).decode();
    decoded.map(drop).map_err(|e| format!("a part of the picture is missing: {e}"))
}

/// Names a format that is not read, by its first bytes.
fn unknown(bytes: &[u8]) -> String {
    let inside = |at: usize, text: &[u8]| bytes.get(at..).is_some_and(|rest| rest.starts_with(text));
    let known = [
        (inside(4, b"ftypavif"), "AVIF"),
        (inside(4, b"ftyp"), "HEIF"),
        (inside(0, b"\xff\x0a") || inside(4, b"JXL "), "JPEG XL"),
        (inside(4, b"jP  "), "JPEG 2000"),
        (inside(0, b"8BPS"), "Photoshop"),
        (inside(0, b"<svg") || inside(0, b"<?xml"), "SVG"),
        (inside(0, b"%PDF"), "PDF"),
    ];
    match known.iter().find(|(is, _)| *is) {
        _ if bytes.is_empty() => "the file is empty".into(),
        Some((_, name)) => format!("{name} is not read; convert it to PNG or JPEG"),
        None => "neither PNG, JPEG, BMP, GIF, TIFF nor WebP".into(),
    }
}
