//! A run folder, read back: its trials with their settings and files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use crate::lab::contents::{Contents, Hashes};
use crate::lab::factor::Point;
use crate::lab::metric::Measurement;
use crate::lab::run::TRIALS;
use crate::lab::store::{self, Store};
use crate::study::StudyError;

/// The finished trials of a run, a sweep or a suite.
#[derive(Clone, Debug)]
pub struct SavedRun {
    /// The folder.
    pub folder: PathBuf,
    /// In the order of the run.
    pub trials: Vec<SavedTrial>,
}

/// A finished trial. Its folder says everything about it: nothing is planned or built anew.
#[derive(Clone, Debug)]
pub struct SavedTrial {
    /// Name and version of its settings, which name the system.
    pub format: String,
    /// Its settings.
    pub settings: toml::Table,
    /// Contents of the files that its settings name.
    pub contents: Contents,
    /// Grid, arm, setting and seed.
    pub point: Point,
    /// What it measured, without files.
    pub measurement: Measurement,
    files: BTreeMap<String, String>,
    folder: PathBuf,
}

impl SavedRun {
    /// Opens the folder of a run or of a suite.
    ///
    /// # Errors
    /// A folder without finished trials, or with trials of a version of the program that stored less.
    pub fn open(folder: &Path) -> Result<Self, StudyError> {
        let bad = |reason: &str| StudyError::SavedRun { path: folder.into(), reason: reason.into() };
        let mut trials = Vec::new();
        let mut is_old = false;
        for path in Store::finished_in(&folder.join(TRIALS)) {
            let Some(stored) = store::read(&path)? else { continue };
            match stored.origin {
                Some(origin) => trials.push(SavedTrial {
                    format: origin.format,
                    settings: origin.settings,
                    contents: origin.contents,
                    point: origin.point,
                    measurement: stored.measurement,
                    files: stored.files,
                    folder: path,
                }),
                None => is_old |= !stored.measurement.values.is_empty(),
            }
        }
        if trials.is_empty() {
            return Err(match is_old {
                true => bad("its trials do not say what they are; repeat the run with this version: qgraft run"),
                false => bad("no finished trials; name a folder that qgraft run or qgraft study made"),
            });
        }
        let index = |trial: &SavedTrial| trial.point.coordinates.iter().map(|c| c.index).collect::<Vec<usize>>();
        trials.sort_by_cached_key(|trial| (trial.point.grid.clone(), index(trial), trial.folder.clone()));
        Ok(Self { folder: folder.into(), trials })
    }
}

impl SavedTrial {
    /// Its settings, or those of them that `T` has.
    ///
    /// # Errors
    /// If a field has another type.
    pub fn settings<T: DeserializeOwned>(&self) -> Result<T, StudyError> {
        toml::Value::Table(self.settings.clone())
            .try_into()
            .map_err(|e| StudyError::SavedRun { path: self.folder.clone(), reason: format!("settings: {e}") })
    }

    /// Refuses the files or folders of a field if their contents are not those that the trial read.
    ///
    /// # Errors
    /// If they have changed or are gone, or cannot be read.
    pub fn check_contents<P: AsRef<Path>>(
        &self,
        field: &str,
        paths: impl IntoIterator<Item = P>,
    ) -> Result<(), StudyError> {
        let Some(then) = self.contents.get(field) else { return Ok(()) };
        let named: Vec<_> = paths.into_iter().map(|path| (field.to_string(), path.as_ref().to_path_buf())).collect();
        match Hashes::default().of(&named)?.get(field) {
            Some(now) if now == then => Ok(()),
            _ => {
                let reason = format!("the contents of {field} have changed since the run; restore them or train again");
                let path = named.first().map_or(&self.folder, |(_, path)| path).clone();
                Err(StudyError::SavedRun { path, reason })
            }
        }
    }

    /// Its file of this name.
    ///
    /// # Errors
    /// If it has none, it cannot be read, or it is not what the trial stored.
    pub fn file(&self, name: &str) -> Result<Vec<u8>, StudyError> {
        store::file(&self.path(name), &self.files)
    }

    /// Whether it has a file of this name.
    pub fn has(&self, name: &str) -> bool {
        self.path(name).is_file()
    }

    /// Where its file of this name is.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}
