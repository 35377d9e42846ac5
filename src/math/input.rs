//! Reading the files that a user names: never a pipe that nobody fills, a device that never ends, or more than fits.
//!
//! It is on the lowest floor because every floor reads files: circuits, devices, data, weights, settings.

use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result};
use std::path::Path;

/// Bytes of a file that are read at most. Features and weights are the largest files; both are held in memory.
pub const LARGEST: u64 = 4 << 30;

/// Bytes of a settings file, a list of noise or another text that a person writes.
pub const LARGEST_TEXT: u64 = 64 << 20;

/// Opens a regular file. What a shell has opened for the program may also be a pipe: `/dev/stdin`, `/dev/fd/63` of
/// `<(command)`.
///
/// ```
/// use qgraft::math::input;
/// assert!(input::open("Cargo.toml".as_ref()).is_ok());
/// let error = input::open("src".as_ref()).unwrap_err();
/// assert_eq!(error.to_string(), "this is a folder; expected a regular file");
/// ```
///
/// # Errors
/// A file that cannot be opened, a folder, a named pipe, a device, a socket. None of them is opened, because opening a pipe
/// waits for a writer.
pub fn open(path: &Path) -> Result<File> {
    let kind = std::fs::metadata(path)?.file_type();
    if kind.is_file() || !kind.is_dir() && is_descriptor(path) {
        return File::open(path);
    }
    let kind = if kind.is_dir() { "a folder" } else { "a pipe or a device" };
    Err(Error::new(ErrorKind::InvalidInput, format!("this is {kind}; expected a regular file")))
}

/// The content of a file that [`open`] opens, at most `most` bytes.
///
/// # Errors
/// As [`open`], and a file of more bytes. Of such a file nothing is read; of a pipe no more than `most` bytes are.
pub fn read(path: &Path, most: u64) -> Result<Vec<u8>> {
    let too_long = || Error::new(ErrorKind::FileTooLarge, format!("more than {most} bytes, too long for such a file"));
    let file = open(path)?;
    let length = file.metadata()?.len();
    if length > most {
        return Err(too_long());
    }
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length as usize)?;
    // One byte more shows that there is more. The length is none of a pipe, and a file may grow.
    file.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most { Err(too_long()) } else { Ok(bytes) }
}

/// The same for a text.
///
/// # Errors
/// As [`read`], and what is not UTF-8.
pub fn read_text(path: &Path, most: u64) -> Result<String> {
    let is_no_text = |e: std::string::FromUtf8Error| {
        let reason = format!("not a UTF-8 text: byte {} (from 0) is no letter", e.utf8_error().valid_up_to());
        Error::new(ErrorKind::InvalidData, reason)
    };
    String::from_utf8(read(path, most)?).map_err(is_no_text)
}

/// Whether the path names a descriptor that the program was started with, by any of its names.
pub fn is_descriptor(path: &Path) -> bool {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // /dev/fd is a link itself, and /dev/stdin one into it.
    let is_process = |folder: &Path| std::fs::canonicalize(folder).is_ok_and(|folder| folder.starts_with("/proc"));
    is_process(folder)
        || std::fs::read_link(path).is_ok_and(|to| is_process(folder.join(to).parent().unwrap_or(folder)))
}
