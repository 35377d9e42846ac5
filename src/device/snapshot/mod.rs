//! Calibration snapshots: reading any of the formats, writing our own.
//!
//! * [`compact`]: our own JSON, columns with the unit in the key.
//! * [`ibm`]: IBM's `props_*.json` and `conf_*.json`.
//! * [`csv`]: the table the IBM Quantum platform offers for download.

mod check;
mod column;
mod compact;
mod compact_writer;
mod csv;
mod field;
mod ibm;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::device::{Device, DeviceError};

/// No snapshot is larger.
const LARGEST: u64 = 64 << 20;

impl Device {
    /// The device in a file of any known format. `PROPS.json,CONF.json` names both of IBM's files, otherwise
    /// `conf_X.json` is searched beside `props_X.json`.
    ///
    /// # Errors
    /// If a file cannot be read or is no snapshot, or a number in it is impossible. The message names file, qubit or
    /// gate, and field.
    pub fn read(path: &str) -> Result<Self, DeviceError> {
        let (main, conf) = match path.split_once(',') {
            Some((props, conf)) if !Path::new(path).exists() => (Path::new(props), Some(PathBuf::from(conf))),
            _ => (Path::new(path), configuration_beside(Path::new(path))),
        };
        let file = main.display().to_string();
        let text = read_text(main)?;
        if csv::looks_like(&text) {
            return check::checked(&file, csv::read(&file, &text)?);
        }
        let document = parse(&file, &text)?;
        if document.get("format").is_some() {
            return check::checked(&file, compact::read(&file, &document)?);
        }
        if document.get("gates").is_none() || document.get("qubits").is_none() {
            return Err(DeviceError::UnknownFormat { file });
        }
        let conf = conf.ok_or_else(|| DeviceError::NoConfiguration { props: file.clone() })?;
        let conf_file = conf.display().to_string();
        let configuration = parse(&conf_file, &read_text(&conf)?)?;
        check::checked(&file, ibm::read(&file, &document, &conf_file, &configuration)?)
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

fn configuration_beside(props: &Path) -> Option<PathBuf> {
    let name = props.file_name()?.to_str()?.strip_prefix("props_")?;
    Some(props.with_file_name(format!("conf_{name}"))).filter(|conf| conf.exists())
}

fn read_text(path: &Path) -> Result<String, DeviceError> {
    let io = |source| DeviceError::Io { file: path.into(), source };
    let bytes = fs::metadata(path).map_err(io)?.len();
    if bytes > LARGEST {
        return Err(DeviceError::TooLarge { file: path.into(), bytes, limit: LARGEST });
    }
    fs::read_to_string(path).map_err(io)
}

fn parse(file: &str, text: &str) -> Result<Value, DeviceError> {
    serde_json::from_str(text).map_err(|source| DeviceError::Json { file: file.into(), source })
}
