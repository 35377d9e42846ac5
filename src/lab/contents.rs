//! Contents of the files that settings name, as hashes: a trial is a function of contents, not of paths.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use toml::{Table, Value};

use crate::math::input;
use crate::study::StudyError;

/// Hash of the contents behind each field that names a file or folder.
pub type Contents = BTreeMap<String, String>;

/// Hashes paths, each once.
#[derive(Default)]
pub struct Hashes(HashMap<PathBuf, String>);

impl Hashes {
    /// The hashes of these fields. A field with several paths has one hash over all of them.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn of(&mut self, paths: &[(String, PathBuf)]) -> Result<Contents, StudyError> {
        let mut found = Contents::new();
        for (field, path) in paths {
            let hash = match self.0.get(path) {
                Some(known) => known.clone(),
                None => {
                    let hash = hash(path).map_err(|source| StudyError::File { path: path.clone(), source })?;
                    self.0.insert(path.clone(), hash.clone());
                    hash
                }
            };
            found.entry(field.clone()).and_modify(|all| *all = format!("{all},{hash}")).or_insert(hash);
        }
        Ok(found)
    }
}

/// Hash of a file, or of the names and contents of all files of a folder: 32 hexadecimal digits.
///
/// # Errors
/// A file or folder that cannot be read.
pub fn hash(path: &Path) -> io::Result<String> {
    let of_file = |path: &Path| -> io::Result<blake3::Hash> {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(input::open(path)?)?;
        Ok(hasher.finalize())
    };
    let whole = if path.is_dir() {
        let mut files = Vec::new();
        let mut seen = HashSet::new();
        gather(path, &mut seen, &mut files)?;
        files.sort();
        let hashes = files.par_iter().map(|file| of_file(file)).collect::<io::Result<Vec<_>>>()?;
        let mut hasher = blake3::Hasher::new();
        for (file, hash) in files.iter().zip(hashes) {
            let name = file.strip_prefix(path).unwrap_or(file).to_string_lossy();
            hasher.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes()).update(hash.as_bytes());
        }
        hasher.finalize()
    } else {
        of_file(path)?
    };
    Ok(whole.to_hex()[..32].to_string())
}

/// Every file in a folder and the folders in it, without hidden ones. Each folder is read once, even if links lead back to
/// it; pipes and devices are left out.
fn gather(folder: &Path, seen: &mut HashSet<PathBuf>, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if !seen.insert(folder.canonicalize()?) {
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let is_hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if is_hidden {
            continue;
        }
        if path.is_dir() {
            gather(&path, seen, files)?;
        } else if path.is_file() {
            files.push(path);
        }
    }
    Ok(())
}

/// Settings with hashes in place of the paths that they name, and without the names of texts that they took in.
pub fn without_paths(settings: &Table, contents: &Contents) -> Table {
    let mut tree = settings.clone();
    forget_names(&mut tree);
    for (field, hash) in contents {
        if !replace(&mut tree, field, hash) {
            // A list that names files among other things.
            tree.insert(format!("contents of {field}"), hash.as_str().into());
        }
    }
    tree
}

/// Removes the name of the file from every text that came from one, such as an own circuit.
fn forget_names(tree: &mut Table) {
    if tree.get("text").is_some_and(Value::is_str) {
        tree.remove("name");
    }
    tree.iter_mut().filter_map(|(_, value)| value.as_table_mut()).for_each(forget_names);
}

/// Whether the field held a text, which is now the hash.
fn replace(tree: &mut Table, field: &str, hash: &str) -> bool {
    match field.split_once('.') {
        Some((key, rest)) => match tree.get_mut(key) {
            Some(Value::Table(inner)) => replace(inner, rest, hash),
            _ => false,
        },
        None => match tree.get_mut(field) {
            Some(value @ Value::String(_)) => {
                *value = hash.into();
                true
            }
            _ => false,
        },
    }
}
