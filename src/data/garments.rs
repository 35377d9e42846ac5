//! Fashion-MNIST at half its size, embedded in the program.

use image::ImageFormat;
use ndarray::Array2;

use super::DataError;

/// Made by `data/fashion_mnist/garments.py`; MIT, Zalando SE.
static SHEET: &[u8] = include_bytes!("../../data/fashion_mnist/garments.png");
static LABELS: &[u8] = include_bytes!("../../data/fashion_mnist/garments.labels");

/// Edge of a picture.
const EDGE: usize = 14;
/// Pictures in a row of the sheet.
const ACROSS: usize = 100;
/// Pictures of the training file; what follows is of the test file.
pub const GARMENTS_TO_LEARN: usize = 11_000;

/// 14,000 garments of ten kinds: every other pixel (rows, 196) in 0..=1 with 16 levels, row by row of the 14×14 picture, and the
/// class of each. The first [`GARMENTS_TO_LEARN`] are those of the training file, the others those of the test file.
///
/// Source: Xiao, Rasul, Vollgraf 2017, arXiv:1708.07747; the first so many in file order.
///
/// # Errors
/// If the embedded files are damaged, which a test excludes.
pub fn garments() -> Result<(Array2<f32>, Vec<u32>), DataError> {
    let malformed = |reason: String| DataError::malformed("embedded garments", reason);
    let sheet = image::load_from_memory_with_format(SHEET, ImageFormat::Png).map_err(|e| malformed(e.to_string()))?;
    let sheet = sheet.to_luma8();
    let (width, height) = (sheet.width() as usize, sheet.height() as usize);
    if width != ACROSS * EDGE || height * ACROSS != LABELS.len() * EDGE {
        return Err(malformed(format!("a sheet of {width} x {height} pixels for {} labels", LABELS.len())));
    }
    let pixels = sheet.as_raw();
    let mut values = Array2::zeros((LABELS.len(), EDGE * EDGE));
    for ((row, pixel), value) in values.indexed_iter_mut() {
        let (left, top) = (row % ACROSS * EDGE, row / ACROSS * EDGE);
        *value = f32::from(pixels[(top + pixel / EDGE) * width + left + pixel % EDGE]) / 255.0;
    }
    Ok((values, LABELS.iter().map(|&label| u32::from(label)).collect()))
}
