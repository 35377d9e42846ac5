//! Opening the files that a user names.

use std::io::ErrorKind;
use std::path::Path;

use super::DataError;
use crate::math::input;

/// The content of a file as [`input::read`] reads it.
///
/// # Errors
/// As [`input::read`], and a pointer of Git LFS in place of the file.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, DataError> {
    let bytes = input::read(path, input::LARGEST).map_err(|error| match error.kind() {
        ErrorKind::InvalidInput | ErrorKind::FileTooLarge => DataError::malformed(path.display(), error),
        _ => DataError::io(path)(error),
    })?;
    match foreign(&bytes) {
        Some(reason) => Err(DataError::malformed(path.display(), reason)),
        None => Ok(bytes),
    }
}

/// What stands in place of a file that was not fetched whole, if this is such a thing.
fn foreign(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(b"version https://git-lfs.github.com/spec/") {
        return Some("this is a pointer of Git LFS, not the file itself; fetch it with `git lfs pull`");
    }
    let start = bytes[..bytes.len().min(64)].to_ascii_lowercase();
    let start = start.trim_ascii_start();
    (start.starts_with(b"<!doctype html") || start.starts_with(b"<html"))
        .then_some("this is a web page, not the file itself; download it again")
}
