//! The devices that come with the program.

use std::path::PathBuf;

use crate::device::snapshot::files_of;
use crate::device::{Device, DeviceError};
use crate::math::words::closest;

/// A snapshot embedded in the program.
pub struct DeviceRow {
    /// Name on the command line.
    pub name: &'static str,
    /// Number of qubits.
    pub qubits: usize,
    /// Native two-qubit gate.
    pub native: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// The snapshot, in our own format.
    pub json: &'static str,
}

macro_rules! row {
    ($name:literal, $qubits:literal, $native:literal, $doc:literal) => {
        DeviceRow {
            name: $name,
            qubits: $qubits,
            native: $native,
            doc: $doc,
            json: include_str!(concat!("../../noise_models/", $name, ".json")),
        }
    };
}

/// Every shipped device, small to large.
pub static DEVICES: &[DeviceRow] = &[
    row!("manila", 5, "cx", "IBM Falcon r5.11, a line; the classic teaching device, every T2 below T1"),
    row!("oslo", 7, "cx", "IBM Falcon r5.11, H shaped; one qubit has T2 above 2 T1"),
    row!("guadalupe", 16, "cx", "IBM Falcon r4; T2 above T1 on 14 of its qubits"),
    row!("kolkata", 27, "cx", "IBM Falcon r5.11, heavy hexagons"),
    row!("sherbrooke", 127, "ecr", "IBM Eagle r3 with measured ZZ shifts and layer fidelities"),
    row!("torino", 133, "cz", "IBM Heron r1, tunable couplers"),
    row!("fez", 156, "cz", "IBM Heron r2, February 2025"),
    row!("boston", 156, "cz", "IBM Heron r3, April 2026: the lowest errors here"),
    row!("heron_r2_uniform", 16, "cz", "one number per quantity, typical of Heron r2 (arXiv 2603.16973); not a device"),
];

impl Device {
    /// The shipped device of this name. `ibm_`, `ibmq_` and `fake_` before it do not matter.
    ///
    /// ```
    /// # use qgraft::device::Device;
    /// let device = Device::named("manila")?;
    /// assert_eq!(device.calibration.qubits.len(), 5);
    /// # Ok::<(), qgraft::device::DeviceError>(())
    /// ```
    ///
    /// # Errors
    /// If none has it; the message lists the names.
    pub fn named(name: &str) -> Result<Self, DeviceError> {
        match Self::shipped(name) {
            Some(row) => Self::from_json(&format!("noise_models/{}.json", row.name), row.json),
            None => Err(unknown(name)),
        }
    }

    /// The row of a shipped device, by any of the names of [`Device::named`].
    pub fn shipped(name: &str) -> Option<&'static DeviceRow> {
        DEVICES.iter().find(|row| row.name == plain(name))
    }

    /// The files that [`Device::load`] reads, with those that it finds beside the one that is named; none for a shipped
    /// device. What is kept of a device depends on the contents of all of them.
    ///
    /// # Errors
    /// If a folder cannot be read or does not hold IBM's two documents.
    pub fn files(name_or_path: &str) -> Result<Vec<PathBuf>, DeviceError> {
        match Self::shipped(name_or_path) {
            Some(_) => Ok(Vec::new()),
            None => files_of(name_or_path),
        }
    }

    /// A shipped device by name, or else a file as in [`Device::read`].
    ///
    /// # Errors
    /// If `name_or_path` is neither, or the file is no snapshot.
    pub fn load(name_or_path: &str) -> Result<Self, DeviceError> {
        if Self::shipped(name_or_path).is_some() {
            return Self::named(name_or_path);
        }
        let looks_like_file = [".json", ".csv", "/", "\\"].iter().any(|mark| name_or_path.contains(mark));
        if looks_like_file || std::path::Path::new(name_or_path).exists() {
            return Self::read(name_or_path);
        }
        Err(unknown(name_or_path))
    }
}

/// IBM's name of a device without what its services put before it.
pub(super) fn plain(name: &str) -> &str {
    ["fake_", "ibmq_", "ibm_"].iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name)
}

fn unknown(name: &str) -> DeviceError {
    let names: Vec<&str> = DEVICES.iter().map(|row| row.name).collect();
    let suggestion = closest(plain(name), names.iter().copied());
    DeviceError::Unknown {
        name: name.into(),
        suggestion: suggestion.map_or(String::new(), |other| format!(" (did you mean {other}?)")),
        shipped: names.join(", "),
    }
}
