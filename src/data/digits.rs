//! Handwritten digits embedded in the program.

use ndarray::Array2;

use super::DataError;
use super::array_file::{ArrayFile, Labels};

/// Made by `data/digits/make.py`; scikit-learn, BSD.
static DIGITS: &[u8] = include_bytes!("../../data/digits/digits.safetensors");

/// scikit-learn's 1,797 digits: pixels (rows, 64) in 0..=1, row by row of the 8×8 picture, and the digit of each.
///
/// Source: Alpaydin & Kaynak 1998, the test part of UCI's Optical Recognition of Handwritten Digits.
///
/// # Errors
/// If the embedded file is damaged, which a test excludes.
pub fn digits() -> Result<(Array2<f32>, Vec<u32>), DataError> {
    let file = ArrayFile::safetensors(DIGITS, "embedded digits".to_string())?;
    let Labels::Numbers(labels) = file.get("labels")?.labels(&file.place)? else {
        return Err(DataError::malformed(&file.place, "the labels are words"));
    };
    let labels: Vec<u32> = labels.into_iter().map(|label| label as u32).collect();
    let pixels: Vec<f32> = file.get("images")?.bytes().iter().map(|&grey| f32::from(grey) / 16.0).collect();
    let values = Array2::from_shape_vec((labels.len(), 64), pixels);
    let values = values.map_err(|e| DataError::malformed(&file.place, e.to_string()))?;
    Ok((values, labels))
}
