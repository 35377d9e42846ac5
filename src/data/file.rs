//! Opening the files that a user names.

use std::fs;
use std::path::Path;

use super::DataError;

/// The content of a regular file. Pipes and devices, which may block or never end, are not opened.
///
/// # Errors
/// A file that cannot be read, a folder, a pipe or device, a pointer of Git LFS in place of the file.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, DataError> {
    let metadata = fs::metadata(path).map_err(DataError::io(path))?;
    if !metadata.is_file() {
        let kind = if metadata.is_dir() { "a folder" } else { "a pipe or a device" };
        return Err(DataError::malformed(path.display(), format!("this is {kind}; expected a regular file")));
    }
    let bytes = fs::read(path).map_err(DataError::io(path))?;
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
