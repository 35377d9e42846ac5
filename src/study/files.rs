//! The run folder: all of it or nothing, and its comma-separated tables.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::error::{Result, StudyError};

/// A folder being written. It grows under a temporary name beside its target and takes its name in [`RunFolder::finish`];
/// if it is dropped before that (an error, a Ctrl-C that unwinds), it is removed and the target never existed.
///
/// ```
/// use qgraft::study::files::RunFolder;
///
/// let parent = tempfile::tempdir().unwrap();
/// let run = RunFolder::create(&parent.path().join("run"))?;
/// run.write("metrics.json", b"{}\n")?;
/// let folder = run.finish()?;
/// assert!(folder.join("metrics.json").exists());
/// # Ok::<(), qgraft::study::StudyError>(())
/// ```
#[derive(Debug)]
pub struct RunFolder {
    growing: TempDir,
    target: PathBuf,
}

impl RunFolder {
    /// Begins `target`, making the folders above it.
    ///
    /// # Errors
    /// A target that exists with something in it, a folder that cannot be made (read-only, full), by its path.
    pub fn create(target: &Path) -> Result<Self> {
        if fs::read_dir(target).is_ok_and(|mut entries| entries.next().is_some()) || target.is_file() {
            return Err(StudyError::FolderTaken { path: target.into() });
        }
        // A bare name has the empty parent, which means here. "/" and ".." have no name to take.
        let parent = target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let Some(name) = target.file_name() else { return Err(StudyError::FolderTaken { path: target.into() }) };
        fs::create_dir_all(parent).map_err(|source| StudyError::File { path: parent.into(), source })?;
        let prefix = format!(".{}-", name.to_string_lossy());
        // Beside the target, so that the rename stays on one file system and is atomic.
        let growing = tempfile::Builder::new()
            .prefix(&prefix)
            .suffix(".partial")
            .tempdir_in(parent)
            .map_err(|source| StudyError::File { path: parent.into(), source })?;
        Ok(Self { growing, target: target.into() })
    }

    /// Where files are for now, for writers that need a path.
    pub fn path(&self) -> &Path {
        self.growing.path()
    }

    /// Writes one file and waits until it is on the disk: a full disk shows here, not after the folder got its name.
    ///
    /// # Errors
    /// A name that is no plain file name; a file that cannot be written, by the path it was to have.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        if Path::new(name).file_name() != Some(name.as_ref()) {
            return Err(StudyError::FileName { name: name.into() });
        }
        let written = File::create(self.path().join(name)).and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        });
        written.map_err(|source| StudyError::File { path: self.target.join(name), source })
    }

    /// Gives the folder its name.
    ///
    /// # Errors
    /// A target that came to be meanwhile, or a rename that fails. Nothing is left behind then.
    pub fn finish(self) -> Result<PathBuf> {
        // Replaces an empty folder, refuses one with something in it.
        match fs::rename(self.growing.path(), &self.target) {
            Ok(()) => {
                // The old name no longer exists, so there is nothing to remove.
                let _ = self.growing.keep();
                Ok(self.target)
            }
            Err(source) if source.kind() == std::io::ErrorKind::DirectoryNotEmpty => {
                Err(StudyError::FolderTaken { path: self.target })
            }
            Err(source) => Err(StudyError::File { path: self.target, source }),
        }
    }
}

/// One line of predictions.csv.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PredictionLine {
    /// The head.
    pub head: String,
    /// The seed it was trained under.
    pub seed: u64,
    /// What it was evaluated under: "ideal", a device, "1024 shots".
    pub condition: String,
    /// Which sample: its name or number in the data.
    pub sample: String,
    /// The true class.
    pub label: String,
    /// The most probable class.
    pub predicted: String,
    /// Probability of each class, in their order.
    pub probabilities: Vec<f64>,
}

/// predictions.csv: one line per head, seed, condition and sample, with a column `p(class)` for each class.
///
/// # Errors
/// A line whose number of probabilities is not the number of classes.
pub fn predictions_csv(classes: &[String], lines: &[PredictionLine]) -> Result<Vec<u8>> {
    let fixed = ["head", "seed", "condition", "sample", "label", "predicted"].map(String::from);
    let header = fixed.into_iter().chain(classes.iter().map(|class| format!("p({class})")));
    table("predictions.csv", header.collect(), lines)
}

fn table<T: Serialize>(name: &str, header: Vec<String>, lines: &[T]) -> Result<Vec<u8>> {
    // The header is written by hand: csv cannot name the columns of a list.
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    let written = writer.write_record(&header).and_then(|()| lines.iter().try_for_each(|line| writer.serialize(line)));
    let bytes = written.map_err(std::io::Error::from).and_then(|()| writer.into_inner().map_err(|e| e.into_error()));
    bytes.map_err(|source| StudyError::File { path: name.into(), source })
}

/// Writes a file that appears whole or not at all, in place of what was there.
///
/// # Errors
/// A folder that cannot be made or written, a full disk.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let written = std::fs::create_dir_all(folder).and_then(|()| {
        let mut file = readable().tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|e| e.error)
    });
    written.map(drop).map_err(|source| StudyError::File { path: path.into(), source })
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
