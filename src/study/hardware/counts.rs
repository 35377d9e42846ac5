//! Counts that a device returned, as expectation values and class probabilities.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use crate::math::input;
use crate::study::hardware::job::Manifest;
use crate::study::{StudyError, hardware::job};

/// Name and version of the format.
const FORMAT: &str = "qgraft.counts/1";

/// What submit.py of a job writes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    /// Name and version of the format.
    pub format: String,
    /// The job that was run.
    pub job: Manifest,
    /// Name of the backend that ran it.
    pub backend: String,
    /// Shots of each circuit and row.
    pub shots: usize,
    /// The rows it was run for.
    pub rows: Vec<CountedRow>,
}

/// The counts of one row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CountedRow {
    /// Its name.
    pub sample: String,
    /// Its class; empty where it is not known.
    #[serde(default)]
    pub label: String,
    /// Angles of the circuit's inputs, radians.
    pub angles: Vec<f64>,
    /// Counts by bit string for each circuit; bit k is the k-th from the right.
    pub counts: Vec<BTreeMap<String, u64>>,
}

impl Counts {
    /// Reads the file.
    ///
    /// # Errors
    /// A file that cannot be read, is of another form, or whose rows do not fit its job.
    pub fn open(path: &Path) -> Result<Self, StudyError> {
        let text =
            input::read(path, input::LARGEST_TEXT).map_err(|source| StudyError::File { path: path.into(), source })?;
        let counts: Self =
            serde_json::from_slice(&text).map_err(|source| StudyError::Json { path: path.into(), source })?;
        counts.check().map_err(|reason| StudyError::Spec { path: path.into(), reason })?;
        Ok(counts)
    }

    /// Expectation values (rows, observables).
    pub fn expectations(&self) -> Array2<f64> {
        let Manifest { observables, .. } = &self.job;
        Array2::from_shape_fn((self.rows.len(), observables.len()), |(row, observable)| {
            let mean = |term: &job::Term| term.weight * mean_parity(&self.rows[row].counts[term.circuit], &term.qubits);
            observables[observable].iter().map(mean).sum()
        })
    }

    /// Class of each row, where the file names one that the job has.
    pub fn labels(&self) -> Vec<Option<usize>> {
        // Of equal names the first counts.
        let numbers: HashMap<&String, usize> =
            self.job.classes.iter().enumerate().rev().map(|(k, class)| (class, k)).collect();
        self.rows.iter().map(|row| numbers.get(&row.label).copied()).collect()
    }

    fn check(&self) -> Result<(), String> {
        let Manifest { format, inputs, circuits, observables, weight, bias, classes, qubits, .. } = &self.job;
        if self.format != FORMAT || format != job::FORMAT {
            let (own, of_job) = (&self.format, format);
            return Err(format!("formats {own:?} and {of_job:?}; this version reads {FORMAT:?} and {:?}", job::FORMAT));
        }
        let fits = weight.len() == classes.len()
            && bias.len() == classes.len()
            && classes.len() > 1
            && weight.iter().all(|row| row.len() == observables.len())
            && observables.iter().flatten().all(|term| term.circuit < circuits.len())
            && observables.iter().flatten().flat_map(|term| &term.qubits).all(|qubit| qubit < qubits);
        if !fits {
            return Err("job: weight, bias, classes, observables and circuits do not fit each other".into());
        }
        if self.rows.is_empty() {
            return Err("rows: none".into());
        }
        for (number, row) in self.rows.iter().enumerate() {
            let place = format!("rows[{number}] ({})", row.sample);
            if row.angles.len() != inputs.len() {
                return Err(format!("{place}: {} angles for {} inputs", row.angles.len(), inputs.len()));
            }
            if row.counts.len() != circuits.len() {
                return Err(format!(
                    "{place}: counts of {} circuits, the job has {}",
                    row.counts.len(),
                    circuits.len()
                ));
            }
            for (circuit, counts) in row.counts.iter().enumerate() {
                let is_word = |bits: &String| bits.len() == *qubits && bits.bytes().all(|b| matches!(b, b'0' | b'1'));
                if let Some(bits) = counts.keys().find(|bits| !is_word(bits)) {
                    return Err(format!("{place}.counts[{circuit}]: {bits:?} is no string of {qubits} bits"));
                }
                if counts.values().all(|count| *count == 0) {
                    return Err(format!("{place}.counts[{circuit}]: no shots"));
                }
            }
        }
        Ok(())
    }
}

/// Mean of (-1)^(number of ones on `qubits`).
fn mean_parity(counts: &BTreeMap<String, u64>, qubits: &[usize]) -> f64 {
    let (mut sum, mut shots) = (0.0, 0.0);
    for (bits, &count) in counts {
        // Bit k is the k-th from the right.
        let ones = qubits.iter().filter(|&&qubit| bits.as_bytes()[bits.len() - 1 - qubit] == b'1').count();
        sum += if ones % 2 == 1 { -(count as f64) } else { count as f64 };
        shots += count as f64;
    }
    sum / shots
}
