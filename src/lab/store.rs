//! Finished trials on disk: each is there whole or not at all, so that a run survives a crash, a full disk or Ctrl-C.
//!
//! Every trial has a folder of its own, named by what it is and by its id: `main-plain,seed=0-1f00c0ffee15d00d/`. It is
//! written under a temporary name and renamed when it is complete. A folder per trial, not a database: it needs no
//! library, a user can read it, and trained models are stored with their numbers. A claim is a hint, not a lock:
//! another process takes claimed trials last. Two processes thus share the work, and a killed process blocks no trial.
//! A trial that is computed twice has the same result both times. The first one is kept. A trial that is not finished
//! keeps its trainings in a folder `….training/`, from which they continue.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::lab::contents::Contents;
use crate::lab::factor::Point;
use crate::lab::metric::Measurement;
use crate::math::input;
use crate::study::StudyError;
use crate::study::energy::Usage;
use crate::study::files::file_name;

/// The numbers of a trial in its folder.
const MEASUREMENT: &str = "measurement.json";

/// Ending of the folder of trainings that a trial keeps until it is finished.
const TRAININGS: &str = "training";

/// Which trial of which system it is, so that its folder says everything about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    /// Name and version of the settings, which name the system.
    pub format: String,
    /// The settings of the run; where some are varied, those of the trial.
    pub settings: toml::Table,
    /// Contents of the files that the settings name.
    #[serde(default, skip_serializing_if = "Contents::is_empty")]
    pub contents: Contents,
    /// The point of the system's grid, without levels of what a user varied.
    pub point: Point,
}

/// A finished trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stored {
    /// Which trial it is; `None` for a step that is no trial.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// What it measured: the same at every repetition.
    pub measurement: Measurement,
    /// What it took: different every time.
    pub usage: Usage,
    /// Hashes of its files, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, String>,
    /// Hash of all the above but `usage`, and of the id. Numbers and files that belong to another trial, or were changed,
    /// do not have it. Empty in what earlier versions stored.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub seal: String,
}

impl Stored {
    /// Under this id, with the hashes of its files.
    pub fn new(key: &Key, origin: Option<Origin>, measurement: Measurement, usage: Usage) -> Self {
        let files = measurement.files.iter().map(|(name, bytes)| (name.clone(), hash(bytes))).collect();
        let mut stored = Self { origin, measurement, usage, files, seal: String::new() };
        stored.seal = stored.sealed(&key.id);
        stored
    }

    fn sealed(&self, id: &str) -> String {
        let parts = (id, &self.origin, &self.measurement, &self.files);
        hash(&serde_json::to_vec(&parts).expect("names, numbers, lists and maps with texts as keys"))
    }
}

fn hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex()[..32].to_string()
}

/// Where a trial is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Hash of everything that decides its result.
    pub id: String,
    /// What it is, in letters, digits and `,=.+-_`.
    pub slug: String,
}

impl Key {
    /// A key whose folder is named by this text ([`file_name`]).
    pub fn new(id: &str, title: &str) -> Self {
        Self { id: id.into(), slug: file_name(title) }
    }

    fn name(&self) -> String {
        format!("{}-{}", self.slug, self.id)
    }
}

/// A folder of finished trials.
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
}

impl Store {
    /// The store in `folder`, which is made if it does not exist.
    ///
    /// # Errors
    /// A folder that cannot be made.
    pub fn open(folder: &Path) -> Result<Self, StudyError> {
        fs::create_dir_all(folder).map_err(|source| StudyError::File { path: folder.into(), source })?;
        Ok(Self { folder: folder.into() })
    }

    /// Whether `folder` holds a finished trial, or a training to be continued.
    pub fn holds_any(folder: &Path) -> bool {
        let entries = || fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
        let is_training = |path: &PathBuf| path.extension().is_some_and(|ending| ending == TRAININGS);
        !Self::finished_in(folder).is_empty() || entries().any(|path| is_training(&path))
    }

    /// Folders of the finished trials in `folder`, by name.
    pub fn finished_in(folder: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        found.retain(|path| !is_hidden(path) && path.join(MEASUREMENT).exists());
        found.sort();
        found
    }

    /// The folder of a trial: its numbers and its files.
    pub fn folder(&self, key: &Key) -> PathBuf {
        self.folder.join(key.name())
    }

    /// Finished trials by what they are, whatever their ids.
    pub fn by_slug(&self) -> HashMap<String, Vec<PathBuf>> {
        let mut found: HashMap<_, Vec<_>> = HashMap::new();
        for path in Self::finished_in(&self.folder) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let slug = name.rsplit_once('-').map_or("", |(slug, _)| slug);
            found.entry(slug.to_string()).or_default().push(path);
        }
        found
    }

    /// Whether a trial is finished.
    pub fn is_finished(&self, key: &Key) -> bool {
        self.folder(key).join(MEASUREMENT).exists()
    }

    /// A finished trial without its files.
    ///
    /// # Errors
    /// If it is there but cannot be read.
    pub fn read(&self, key: &Key) -> Result<Option<Stored>, StudyError> {
        read(&self.folder(key))
    }

    /// The files of a finished trial.
    ///
    /// # Errors
    /// If one cannot be read.
    pub fn files(&self, key: &Key) -> Result<Vec<(String, Vec<u8>)>, StudyError> {
        let known = self.read(key)?.map(|stored| stored.files).unwrap_or_default();
        files(&self.folder(key), &known)
    }

    /// Claims a trial for this process; `false` if another process has.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn claim(&self, key: &Key) -> Result<bool, StudyError> {
        let path = self.beside(key, "claim");
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(mut file) => {
                // Only for a reader of the folder. The claim is the file itself.
                let _ = write!(file, "process {}", std::process::id());
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(source) => Err(StudyError::File { path, source }),
        }
    }

    /// Stores a finished trial. One that is there already stays.
    ///
    /// # Errors
    /// If it cannot be written, for example on a full disk. Nothing is stored then.
    pub fn finish(&self, key: &Key, stored: &Stored) -> Result<(), StudyError> {
        let failed = |source| StudyError::File { path: self.folder(key), source };
        let growing = tempfile::Builder::new().prefix(".").suffix(".partial").tempdir_in(&self.folder);
        let growing = growing.map_err(failed)?;
        let json = serde_json::to_vec(stored);
        let json = json.map_err(|source| StudyError::Json { path: self.folder(key).join(MEASUREMENT), source })?;
        let files = stored.measurement.files.iter().map(|(name, bytes)| (name.as_str(), &bytes[..]));
        let written = files.chain([(MEASUREMENT, &json[..])]).map(|(name, bytes)| {
            let mut file = File::create(growing.path().join(name))?;
            file.write_all(bytes).map(|()| file)
        });
        let written: std::io::Result<Vec<File>> = written.collect();
        // Waits until all are on the disk: a full disk shows here, not after the folder got its name. One wait after all are
        // written takes a third of the time of one behind each.
        written.and_then(|files| files.iter().try_for_each(File::sync_all)).map_err(failed)?;
        readable(growing.path());
        match fs::rename(growing.path(), self.folder(key)) {
            // The old name no longer exists, so there is nothing to remove.
            Ok(()) => _ = growing.keep(),
            Err(_) if self.is_finished(key) => {}
            Err(source) => return Err(failed(source)),
        }
        self.release(key);
        Ok(())
    }

    /// Takes over the finished trials of these ids that another store has: how many were not here already, and how many trials
    /// of other ids it has.
    ///
    /// # Errors
    /// A trial that is not what it was, or one that is here with another result: both must be of one version of the program on
    /// processors that round alike.
    pub fn take(&self, from: &Self, ids: &BTreeSet<&str>) -> Result<(usize, usize), StudyError> {
        let (mut taken, mut others) = (0, 0);
        for folder in Self::finished_in(&from.folder) {
            let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let (slug, id) = name.rsplit_once('-').unwrap_or(("", &name));
            if !ids.contains(id) {
                others += 1;
                continue;
            }
            let Some(stored) = read(&folder)? else { continue };
            let own = self.folder.join(&name);
            match read(&own)? {
                Some(known) if known.seal == stored.seal => continue,
                Some(_) => return Err(StudyError::Differs { first: own, second: folder }),
                None => {}
            }
            let measurement =
                Measurement { files: files(&folder, &stored.files)?.into_iter().collect(), ..stored.measurement };
            self.finish(&Key { id: id.into(), slug: slug.into() }, &Stored { measurement, ..stored })?;
            taken += 1;
        }
        Ok((taken, others))
    }

    /// Notes why a trial gave nothing.
    ///
    /// # Errors
    /// If the note cannot be written.
    pub fn fail(&self, key: &Key, reason: &str) -> Result<(), StudyError> {
        let path = self.beside(key, "failed");
        fs::write(&path, reason).map_err(|source| StudyError::File { path, source })?;
        self.remove(key, "claim");
        Ok(())
    }

    /// Why a trial gave nothing, if it did.
    pub fn failure(&self, key: &Key) -> Option<String> {
        input::read_text(&self.beside(key, "failed"), input::LARGEST_TEXT).ok()
    }

    /// Gives up the claim on a trial and forgets an earlier failure of it.
    pub fn release(&self, key: &Key) {
        self.remove(key, "claim");
        self.remove(key, "failed");
    }

    /// The file in which a trial that is not finished keeps the state of its training of this number.
    pub fn training(&self, key: &Key, number: usize) -> PathBuf {
        self.beside(key, TRAININGS).join(format!("{number}.safetensors"))
    }

    /// Removes the trainings of a trial that gave a result or never will. What cannot be removed does no harm.
    pub fn forget_trainings(&self, key: &Key) {
        let _ = fs::remove_dir_all(self.beside(key, TRAININGS));
    }

    fn beside(&self, key: &Key, ending: &str) -> PathBuf {
        self.folder.join(format!("{}.{ending}", key.name()))
    }

    /// Removes a hint. Where that fails, the hint is stale and does no harm.
    fn remove(&self, key: &Key, ending: &str) {
        let _ = fs::remove_file(self.beside(key, ending));
    }
}

/// What the folder of a finished trial says, without its files; `None` if there is no such trial.
///
/// # Errors
/// If it is there but cannot be read, or its contents are those of another trial.
pub fn read(folder: &Path) -> Result<Option<Stored>, StudyError> {
    let path = folder.join(MEASUREMENT);
    let text = match input::read(&path, input::LARGEST) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(StudyError::File { path, source }),
    };
    let stored: Stored =
        serde_json::from_slice(&text).map_err(|source| StudyError::Json { path: path.clone(), source })?;
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let id = name.rsplit_once('-').map_or("", |(_, id)| id);
    match stored.seal.is_empty() || stored.seal == stored.sealed(id) {
        true => Ok(Some(stored)),
        false => Err(StudyError::Exchanged { path }),
    }
}

/// A file of a finished trial, whose hashes are `known`.
///
/// # Errors
/// If it cannot be read, or is not what the trial stored.
pub fn file(path: &Path, known: &BTreeMap<String, String>) -> Result<Vec<u8>, StudyError> {
    let bytes = input::read(path, input::LARGEST).map_err(|source| StudyError::File { path: path.into(), source })?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    match known.get(&*name).is_none_or(|then| *then == hash(&bytes)) {
        true => Ok(bytes),
        false => Err(StudyError::Exchanged { path: path.into() }),
    }
}

/// The files in the folder of a finished trial, by name.
///
/// # Errors
/// If one cannot be read, or is not what the trial stored.
fn files(folder: &Path, known: &BTreeMap<String, String>) -> Result<Vec<(String, Vec<u8>)>, StudyError> {
    let failed = |path: &Path| {
        let path = path.to_path_buf();
        move |source| StudyError::File { path, source }
    };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed(folder))? {
        let path = entry.map_err(failed(folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name != MEASUREMENT {
            found.push((name, file(&path, known)?));
        }
    }
    found.sort();
    Ok(found)
}

/// Trials that are still being written have names that begin with a dot.
fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
}

/// Temporary folders are private. A finished one is as readable as the folder around it.
#[cfg(unix)]
fn readable(folder: &Path) {
    let Some(parent) = folder.parent().and_then(|parent| fs::metadata(parent).ok()) else { return };
    // Where it fails the folder stays private, which its owner can still read.
    let _ = fs::set_permissions(folder, parent.permissions());
}

#[cfg(not(unix))]
fn readable(_folder: &Path) {}
