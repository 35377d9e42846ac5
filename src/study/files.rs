//! Files that appear whole or not at all, and predictions as a comma-separated table.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::{Result, StudyError};
use crate::data::write_file;
use crate::math::words::csv_cell;

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

/// Lines under a header as a comma-separated table.
///
/// # Errors
/// A line that is not as long as the header.
pub(super) fn table<T: Serialize>(name: &str, header: Vec<String>, lines: &[T]) -> Result<Vec<u8>> {
    let failed = |source: std::io::Error| StudyError::File { path: name.into(), source };
    // The header is written by hand: csv cannot name the columns of a list.
    let mut plain = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    let written = plain.write_record(&header).and_then(|()| lines.iter().try_for_each(|line| plain.serialize(line)));
    let plain = written.map_err(std::io::Error::from).and_then(|()| plain.into_inner().map_err(|e| e.into_error()));
    let plain = plain.map_err(failed)?;
    // Names of files and classes may begin as formulas do.
    let mut writer = csv::Writer::from_writer(Vec::new());
    for record in csv::ReaderBuilder::new().has_headers(false).from_reader(plain.as_slice()).records() {
        let record = record.map_err(|e| failed(e.into()))?;
        writer.write_record(record.iter().map(|cell| csv_cell(cell).into_owned())).map_err(|e| failed(e.into()))?;
    }
    writer.into_inner().map_err(|e| failed(e.into_error()))
}

/// Adds the rows of a comma-separated table to those of others with the same header, which is kept once.
///
/// ```
/// use qgraft::study::files::append_rows;
/// let mut all = Vec::new();
/// append_rows(&mut all, b"a,\"b\nc\"\n1,2\n");
/// append_rows(&mut all, b"a,\"b\nc\"\n3,4\n");
/// assert_eq!(all, b"a,\"b\nc\"\n1,2\n3,4\n");
/// ```
pub fn append_rows(all: &mut Vec<u8>, table: &[u8]) {
    // Names of classes may hold line breaks, in quotes.
    let mut is_quoted = false;
    let ends = |byte: &u8| {
        is_quoted ^= *byte == b'"';
        *byte == b'\n' && !is_quoted
    };
    let header = if all.is_empty() { 0 } else { table.iter().position(ends).map_or(table.len(), |end| end + 1) };
    all.extend_from_slice(&table[header..]);
}

/// A text as the name of a file in one folder: letters, digits and `,=.+-_`, at most 80. Everything else becomes one `_`, and
/// dots at the start of a word go, so that no name leads to another folder or hides its file.
///
/// ```
/// use qgraft::study::files::file_name;
/// assert_eq!(file_name("quantum@torino, seed 3"), "quantum_torino,_seed_3");
/// assert_eq!(file_name("/../../x.svg"), "x.svg");
/// ```
pub fn file_name(text: &str) -> String {
    const LONGEST: usize = 80;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ",=.+-_".contains(c);
    let words = text.split(|c| !is_plain(c)).map(|word| word.trim_start_matches('.')).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("_").chars().take(LONGEST).collect()
}

/// Writes a file as [`write_file`] does and makes its folder.
///
/// # Errors
/// A folder that cannot be made or written, a full disk.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let written = std::fs::create_dir_all(folder).and_then(|()| write_file(path, bytes));
    written.map_err(|source| StudyError::File { path: path.into(), source })
}
