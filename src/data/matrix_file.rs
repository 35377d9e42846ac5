//! A matrix in a file: .npy, or an array of a .npz or safetensors file.

use std::path::Path;

use ndarray::Array2;

use super::DataError;
use super::array_file::{Array, ArrayFile};
use super::file::read_file;
use super::zip_file::ZipFile;

/// The matrix of a file: of several arrays that of this name, in lower case or upper case.
///
/// # Errors
/// A file that is none of these, several arrays of other names, an array that is no matrix of numbers, a number that is not
/// finite, by row and column.
pub fn read_matrix(path: &Path, name: &str) -> Result<Array2<f64>, DataError> {
    let bytes = read_file(path)?;
    parse_matrix(&bytes, &path.display().to_string(), name)
}

/// The same from the bytes of a file, which messages call `place`.
///
/// # Errors
/// As [`read_matrix`].
pub fn parse_matrix(bytes: &[u8], place: &str, name: &str) -> Result<Array2<f64>, DataError> {
    let matrix = |array: &Array<'_>| -> Result<Array2<f64>, DataError> {
        let failed = |reason: String| DataError::malformed(place, format!("`{}`: {reason}", array.name));
        let [rows, columns] = array.shape[..] else {
            return Err(failed(format!("shape {:?}; expected rows and columns", array.shape)));
        };
        if rows == 0 || columns == 0 {
            return Err(failed(format!("shape {:?} has no values", array.shape)));
        }
        let values = array.doubles().ok_or_else(|| failed("expected numbers".into()))?;
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            let (row, column) = (at / columns + 1, at % columns + 1);
            return Err(failed(format!("row {row}, column {column} is {}", values[at])));
        }
        Array2::from_shape_vec((rows, columns), values).map_err(|e| failed(e.to_string()))
    };
    if bytes.starts_with(Array::NPY) {
        return matrix(&Array::npy(bytes.into(), name, place)?);
    }
    let file = match bytes {
        _ if bytes.get(8) == Some(&b'{') => ArrayFile::safetensors(bytes, place.into())?,
        _ if bytes.starts_with(ZipFile::MAGIC) => ArrayFile::npz(bytes, place.into())?,
        _ => return Err(DataError::malformed(place, "expected a matrix as .npy, .npz or safetensors")),
    };
    match &file.arrays[..] {
        [one] => matrix(one),
        all => match all.iter().find(|array| array.name.eq_ignore_ascii_case(name)) {
            Some(array) => matrix(array),
            None => Err(file.missing(name)),
        },
    }
}
