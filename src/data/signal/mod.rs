//! Recorded signals with annotations, and what is computed from segments of them.
//!
//! * [`read_recording`]: EDF, EDF+, BDF, MATLAB and text files as a [`Recording`]. [`Annotations`]: seizures that files beside a
//!   recording list.
//! * [`read_patients`]: a folder of recordings for each patient, with what is known of their seizures.
//! * [`resample`]: another sampling rate. [`BANDS`], [`STATISTICS`], [`amplitudes`], [`WaveletPacket`]: features of a segment.

mod annotations;
mod edf;
mod features;
mod folder;
mod mat;
mod resample;
mod series;
mod wavelet;

use std::path::Path;

pub use annotations::{Annotations, SEIZURE_WORDS, is_seizure};
pub use edf::parse_edf;
pub use features::{BANDS, STATISTICS, amplitudes, band_powers, statistics};
pub use folder::{FolderNames, MarkedFile, Marks, PatientFolder, patient_names, read_patients, read_recordings};
pub use mat::parse_mat;
pub use resample::resample;
pub use wavelet::WaveletPacket;

use crate::data::DataError;
use crate::data::file::read_file;
use crate::data::walk::name;

/// One channel of a recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Signal {
    /// Its label.
    pub label: String,
    /// Samples a second; `None` where the file does not state it.
    pub rate: Option<f64>,
    /// Microvolts where the file states a unit of voltage, else numbers as they are.
    pub samples: Vec<f32>,
}

/// Something that happened during a recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Seconds from the first sample.
    pub onset: f64,
    /// Seconds.
    pub duration: f64,
    /// What it was.
    pub text: String,
}

/// A recording of several channels.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    /// Name of its file without folders.
    pub name: String,
    /// Its channels, by distinct labels.
    pub signals: Vec<Signal>,
    /// Events in the file itself; `None` where its format has none.
    pub events: Option<Vec<Event>>,
    /// What was left out or repaired.
    pub notices: Vec<String>,
}

/// Sampling rates that [`resample`] may get, in hertz. Recordings have 1 to 100,000; a header that states others is wrong.
pub const RATES: std::ops::RangeInclusive<f64> = 1.0..=1e6;

/// Endings of files that [`read_recording`] reads.
pub const ENDINGS: [&str; 6] = ["edf", "bdf", "mat", "txt", "csv", "tsv"];

/// Whether the ending of a file is that of a recording.
pub fn is_recording(path: &Path) -> bool {
    ending(path).is_some_and(|ending| ENDINGS.contains(&ending.as_str()))
}

fn ending(path: &Path) -> Option<String> {
    Some(path.extension()?.to_str()?.to_ascii_lowercase())
}

/// Reads a recording by the ending of its file: EDF, EDF+ and BDF with channels and rates; MATLAB (`.mat`, version 5) with one
/// matrix; text with a number a line, or a table with a column for each channel.
///
/// # Errors
/// A file that cannot be read, or whose contents do not fit its format.
pub fn read_recording(path: &Path) -> Result<Recording, DataError> {
    let place = path.display().to_string();
    let bytes = read_file(path)?;
    let mut recording = match ending(path).as_deref() {
        Some("edf" | "bdf") => parse_edf(&bytes, &place)?,
        Some("mat") => parse_mat(&bytes, &place)?,
        Some("txt" | "csv" | "tsv") => series::parse(&bytes, &place)?,
        _ => {
            let reason = format!("not a recording; expected a file ending in {}", ENDINGS.join(", "));
            return Err(DataError::malformed(place, reason));
        }
    };
    recording.name = name(path);
    if recording.signals.iter().all(|signal| signal.samples.is_empty()) {
        return Err(DataError::malformed(place, "no samples"));
    }
    for signal in &recording.signals {
        if let Some(at) = signal.samples.iter().position(|value| !value.is_finite()) {
            let value = signal.samples[at];
            let reason = format!("channel {}: sample {at} (from 0) is {value}; expected finite numbers", signal.label);
            return Err(DataError::malformed(place, reason));
        }
    }
    Ok(recording)
}
