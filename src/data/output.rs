//! The one writer of files: a file appears whole or not at all, and what is no regular file is written through.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{Error, ErrorKind, Result, Write};
use std::path::{Path, PathBuf};

use crate::math::input;

/// Symbolic links followed at most, as many as Linux follows.
const LINKS: usize = 40;

/// Writes `bytes` to `path`, in place of what was there.
///
/// * A regular file, or none yet: written under a temporary name beside it and renamed, so that readers see the old
///   contents or the new. An existing file keeps its mode and owner. A new one gets the mode that the user's mask allows.
/// * A file with further hard links, of another owner or in a folder that takes no new file: overwritten in place.
/// * A symbolic link: what it leads to is written, and the link stays.
/// * Anything else (a device, a pipe, `/dev/stdout`, `/dev/fd/3`): the bytes go through it.
///
/// # Errors
/// A path that cannot be written, a full disk.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let target = resolved(path)?;
    if input::is_descriptor(&target) {
        // The shell may have redirected the descriptor into a file that others write too: nothing of it is cut off.
        return into(OpenOptions::new().append(true).open(target)?, bytes);
    }
    match std::fs::metadata(&target) {
        Ok(old) if old.is_file() => {
            // Opened first: a rename would also replace a file that the user may not write.
            let open = OpenOptions::new().write(true).open(&target)?;
            match renamed(&target, bytes, Some(&old)) {
                Some(done) => done,
                None => {
                    open.set_len(0)?;
                    into(open, bytes)
                }
            }
        }
        Ok(_) => into(OpenOptions::new().write(true).open(&target)?, bytes),
        Err(error) if error.kind() == ErrorKind::NotFound => match renamed(&target, bytes, None) {
            Some(done) => done,
            None => into(File::create(&target)?, bytes),
        },
        Err(error) => Err(error),
    }
}

fn into(mut file: File, bytes: &[u8]) -> Result<()> {
    file.write_all(bytes)?;
    file.flush()
}

/// What a path leads to: the end of a chain of symbolic links, which need not exist yet.
fn resolved(path: &Path) -> Result<PathBuf> {
    let mut path = path.to_path_buf();
    for _ in 0..LINKS {
        if input::is_descriptor(&path) {
            return Ok(path);
        }
        match std::fs::read_link(&path) {
            Ok(to) => path = folder(&path).join(to),
            Err(_) => return Ok(path),
        }
    }
    Err(Error::other(format!("more than {LINKS} symbolic links, or a circle of them")))
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Writes beside `target` and renames; `None` if only writing in place keeps what the file is.
fn renamed(target: &Path, bytes: &[u8], old: Option<&Metadata>) -> Option<Result<()>> {
    if old.is_some_and(has_other_names) {
        return None;
    }
    // A folder that takes no new file, or a file that is mounted itself. Not a full disk: the old contents stay then.
    let in_place = |error: &Error| {
        use ErrorKind::{CrossesDevices, PermissionDenied, ReadOnlyFilesystem, ResourceBusy};
        old.is_some() && [PermissionDenied, ReadOnlyFilesystem, ResourceBusy, CrossesDevices].contains(&error.kind())
    };
    let mut file = match readable().tempfile_in(folder(target)) {
        Ok(file) => file,
        Err(error) if in_place(&error) => return None,
        Err(error) => return Some(Err(plain(error))),
    };
    if old.is_some_and(|old| !keeps_owner(file.as_file(), old)) {
        return None;
    }
    let written = file.write_all(bytes).map_err(plain).and_then(|()| {
        if let Some(old) = old {
            file.as_file().set_permissions(old.permissions())?;
        }
        file.as_file().sync_all()
    });
    match written.and_then(|()| file.persist(target).map_err(|failed| failed.error)) {
        Ok(_) => Some(Ok(())),
        Err(error) if in_place(&error) => None,
        Err(error) => Some(Err(error)),
    }
}

/// The error without the temporary name, which means nothing to a user.
fn plain(error: Error) -> Error {
    let source = error.get_ref().and_then(|named| named.source()).and_then(|source| source.downcast_ref::<Error>());
    match error.raw_os_error().or(source.and_then(Error::raw_os_error)) {
        Some(code) => Error::from_raw_os_error(code),
        None => Error::from(error.kind()),
    }
}

#[cfg(unix)]
fn has_other_names(old: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::nlink(old) > 1
}

#[cfg(not(unix))]
fn has_other_names(_old: &Metadata) -> bool {
    false
}

/// Gives a new file the owner of the old one; `false` where the user may not.
#[cfg(unix)]
fn keeps_owner(new: &File, old: &Metadata) -> bool {
    use std::os::unix::fs::{MetadataExt, fchown};
    let of = |data: &Metadata| (data.uid(), data.gid());
    new.metadata().is_ok_and(|data| of(&data) == of(old) || fchown(new, Some(old.uid()), Some(old.gid())).is_ok())
}

#[cfg(not(unix))]
fn keeps_owner(_new: &File, _old: &Metadata) -> bool {
    true
}

/// A temporary file that others may read, as far as the user's mask allows. By default it would be private.
#[cfg(unix)]
fn readable() -> tempfile::Builder<'static, 'static> {
    use std::os::unix::fs::PermissionsExt;
    let mut builder = tempfile::Builder::new();
    builder.permissions(std::fs::Permissions::from_mode(0o666));
    builder
}

#[cfg(not(unix))]
fn readable() -> tempfile::Builder<'static, 'static> {
    tempfile::Builder::new()
}
