//! Calibration snapshots: reading any of the formats, writing our own.
//!
//! * [`compact`]: our own JSON, columns with the unit in the key.
//! * [`ibm`]: IBM's `props_*.json` and `conf_*.json`.
//! * [`qiskit_target`]: `backend.target` of Qiskit, written by a few lines of Python.
//! * [`csv`]: the table the IBM Quantum platform offers for download.

mod check;
mod column;
mod compact;
mod compact_writer;
mod csv;
mod field;
mod ibm;
mod qiskit_target;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use self::field::NOT_FINITE;
use crate::device::{Device, DeviceError};
use crate::math::input;

impl Device {
    /// The device in a file of any known format. IBM's two documents are named `PROPS.json,CONF.json` (or with `+`, in
    /// either order), found in a folder that holds both, or `conf_X.json` is searched beside `props_X.json`. Properties
    /// alone do where the native gates can be seen from what is calibrated.
    ///
    /// # Errors
    /// If a file cannot be read or is no snapshot, or a number in it is impossible. The message names file, qubit or
    /// gate, and field.
    pub fn read(path: &str) -> Result<Self, DeviceError> {
        let texts = files_of(path)?.into_iter().map(|file| Ok((file.display().to_string(), read_text(&file)?)));
        let texts: Vec<(String, String)> = texts.collect::<Result<_, DeviceError>>()?;
        Self::from_texts(&texts)
    }

    /// The device in texts of any known format, each with the name that errors give it: one text, or IBM's properties and
    /// configuration in either order.
    ///
    /// ```
    /// # use qgraft::device::Device;
    /// let manila = Device::named("manila")?;
    /// assert_eq!(Device::from_texts(&[("own.json", manila.to_json())])?, manila);
    /// # Ok::<(), qgraft::device::DeviceError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Device::read`], and if there is no text.
    pub fn from_texts<N: AsRef<str>, T: AsRef<str>>(texts: &[(N, T)]) -> Result<Self, DeviceError> {
        let Some((file, text)) = texts.first() else {
            return Err(DeviceError::UnknownFormat { file: "no text".into() });
        };
        if csv::looks_like(text.as_ref()) {
            return check::checked(file.as_ref(), csv::read(file.as_ref(), text.as_ref())?);
        }
        let document = |(file, text): &(N, T)| Ok((file.as_ref().to_string(), parse(file.as_ref(), text.as_ref())?));
        let documents = texts.iter().map(document).collect::<Result<Vec<_>, DeviceError>>()?;
        let of = |is_kind: fn(&Value) -> bool| documents.iter().find(|(_, document)| is_kind(document));
        if let Some((file, document)) = of(|document| document.get("format").is_some()) {
            return check::checked(file, compact::read(file, document)?);
        }
        if let Some((file, document)) = of(qiskit_target::is_target) {
            return check::checked(file, qiskit_target::read(file, document)?);
        }
        let Some((file, properties)) = of(is_properties) else {
            return Err(match is_configuration(&documents[0].1) {
                true => DeviceError::NoProperties { conf: file.as_ref().into() },
                false => DeviceError::UnknownFormat { file: file.as_ref().into() },
            });
        };
        let conf = of(is_configuration).map(|(file, document)| (file.as_str(), document));
        check::checked(file, ibm::read(file, properties, conf)?)
    }

    /// The device in the text of our own format. `file` names it in errors.
    ///
    /// # Errors
    /// If it is not that format or a number in it is impossible.
    pub fn from_json(file: &str, text: &str) -> Result<Self, DeviceError> {
        check::checked(file, compact::read(file, &parse(file, text)?)?)
    }

    /// The device in our own format, one top-level key per line. Reading it gives the same device bit for bit, its
    /// gate rows sorted.
    pub fn to_json(&self) -> String {
        compact_writer::write(self)
    }
}

fn is_properties(document: &Value) -> bool {
    document.get("gates").is_some() && document.get("qubits").is_some()
}

fn is_configuration(document: &Value) -> bool {
    document.get("basis_gates").is_some()
}

/// The files that `path` names: one, two joined by a comma or a plus, or IBM's two in a folder.
pub(super) fn files_of(path: &str) -> Result<Vec<PathBuf>, DeviceError> {
    let whole = Path::new(path);
    if whole.is_dir() {
        return files_in(whole);
    }
    if !whole.exists() {
        let joined = [',', '+'].iter().find_map(|&mark| path.split_once(mark));
        if let Some((first, second)) = joined.filter(|(first, second)| !first.is_empty() && !second.is_empty()) {
            return Ok(vec![PathBuf::from(first.trim()), PathBuf::from(second.trim())]);
        }
    }
    Ok([whole.to_path_buf()].into_iter().chain(other_beside(whole)).collect())
}

/// IBM's two documents in a folder: `props*.json` and `conf*.json`.
fn files_in(folder: &Path) -> Result<Vec<PathBuf>, DeviceError> {
    let io = |source| DeviceError::Io { file: folder.into(), source };
    let mut names: Vec<String> = Vec::new();
    for entry in fs::read_dir(folder).map_err(io)? {
        names.extend(entry.map_err(io)?.file_name().into_string());
    }
    names.sort_unstable();
    let mut files = Vec::new();
    for (prefix, needed) in [("props", true), ("conf", false)] {
        let fitting: Vec<&String> =
            names.iter().filter(|name| name.starts_with(prefix) && name.ends_with(".json")).collect();
        match fitting[..] {
            [name] => files.push(folder.join(name)),
            [] if !needed => {}
            _ => {
                let found = fitting.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
                let found = if found.is_empty() { "none".into() } else { found };
                return Err(DeviceError::Folder { folder: folder.into(), prefix, found });
            }
        }
    }
    Ok(files)
}

/// `conf_X.json` beside `props_X.json`, and the other way round.
fn other_beside(file: &Path) -> Option<PathBuf> {
    let name = file.file_name()?.to_str()?;
    let other = [("props", "conf"), ("conf", "props")]
        .iter()
        .find_map(|(from, to)| name.strip_prefix(from).map(|rest| format!("{to}{rest}")))?;
    Some(file.with_file_name(other)).filter(|other| other.exists())
}

fn read_text(path: &Path) -> Result<String, DeviceError> {
    let io = |source| DeviceError::Io { file: path.into(), source };
    input::read_text(path, input::LARGEST_TEXT).map_err(io)
}

/// The document in `text`. NaN and infinite numbers, which Python writes and JSON does not have, become texts.
fn parse(file: &str, text: &str) -> Result<Value, DeviceError> {
    let text = text.trim_start_matches('\u{feff}');
    serde_json::from_str(text).or_else(|source| match quoted_not_finite(text) {
        Some(quoted) => serde_json::from_str(&quoted).map_err(|source| DeviceError::Json { file: file.into(), source }),
        None => Err(DeviceError::Json { file: file.into(), source }),
    })
}

/// `text` with quotes around NaN, Infinity and -Infinity outside of texts; `None` if there is none.
fn quoted_not_finite(text: &str) -> Option<String> {
    let (mut out, mut found, mut in_text, mut rest) = (String::with_capacity(text.len() + 64), false, false, text);
    while let Some(next) = rest.chars().next() {
        let word = NOT_FINITE.iter().find(|word| !in_text && rest.starts_with(**word));
        let length = match (next, word) {
            (_, Some(word)) => {
                found = true;
                out += &format!("\"{word}\"");
                rest = &rest[word.len()..];
                continue;
            }
            // An escaped quote does not end a text.
            ('\\', None) if in_text => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
            (other, None) => {
                in_text ^= other == '"';
                other.len_utf8()
            }
        };
        out.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    found.then_some(out)
}
