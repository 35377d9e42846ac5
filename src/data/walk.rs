//! What folders hold, without hidden entries, endless links, pipes and devices.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::DataError;

/// Entries that systems put into folders beside what users put there.
const OF_SYSTEMS: [&str; 7] =
    ["__MACOSX", "Thumbs.db", "desktop.ini", "Desktop.ini", "@eaDir", "lost+found", "$RECYCLE.BIN"];

/// What a folder holds, in name order, without hidden entries and those of systems.
///
/// # Errors
/// A folder that cannot be read, a name that is not UTF-8.
pub(crate) fn entries(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let mut paths = fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| entry.map(|e| e.path())).collect::<Result<Vec<_>, _>>())
        .map_err(DataError::io(folder))?;
    paths.retain(|path| {
        let name = name(path);
        !name.starts_with('.') && !OF_SYSTEMS.contains(&name.as_str())
    });
    // Names become classes, ids and settings, which are texts.
    if let Some(path) = paths.iter().find(|path| path.file_name().is_some_and(|name| name.to_str().is_none())) {
        return Err(DataError::malformed(path.display(), "the name is not UTF-8; rename it"));
    }
    paths.sort();
    Ok(paths)
}

/// The last part of a path.
pub(super) fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The files of a folder and of the folders in it.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// Regular files, by path.
    pub files: Vec<PathBuf>,
    /// What was not opened, and why.
    pub notices: Vec<String>,
}

impl Walk {
    /// Finds every file below `folder`. A folder that is reached twice, by links, is read once; with `links` off no link
    /// to a folder is followed.
    pub(super) fn below(folder: &Path, links: bool) -> Result<Self, DataError> {
        let mut walk = Self::default();
        let real = |path: &Path| fs::canonicalize(path).map_err(DataError::io(path));
        let (mut open, mut seen) = (vec![folder.to_path_buf()], HashSet::from([real(folder)?]));
        while let Some(inside) = open.pop() {
            for path in entries(&inside)? {
                let Ok(metadata) = fs::metadata(&path) else {
                    walk.notices.push(format!("{}: not opened: a link to nothing", path.display()));
                    continue;
                };
                let is_new = metadata.is_dir() && (links || !path.is_symlink()) && seen.insert(real(&path)?);
                if metadata.is_file() {
                    walk.files.push(path);
                } else if !metadata.is_dir() {
                    walk.notices.push(format!("{}: not opened: a pipe or a device", path.display()));
                } else if is_new {
                    open.push(path);
                } else {
                    walk.notices.push(format!("{}: not followed: a link to a folder", path.display()));
                }
            }
        }
        walk.files.sort();
        Ok(walk)
    }
}
