//! Every answer of Spark in the order of the questions.
//!
//! What is asked is a function of the settings and of the answers before. A run that goes on therefore asks the same again and
//! finds the answers here, up to the first that is missing.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::data::write_file;
use crate::math::input;
use crate::study::StudyError;
use crate::systems::tuner::spark::Timed;

/// A question and its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// What was asked, with the settings that count.
    pub asked: String,
    /// Time or failure of a query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timed: Option<Timed>,
    /// Meta-features of a task, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub meta: Vec<(String, f64)>,
}

/// The answers of one trial, in a file of JSON lines if there is one.
pub struct Journal {
    path: Option<PathBuf>,
    entries: Vec<Entry>,
    lines: String,
    at: usize,
}

impl Journal {
    /// Reads what an interrupted trial has left; of a file that is damaged, what is before the damage.
    pub fn open(path: Option<PathBuf>) -> Self {
        let text = path.as_ref().and_then(|path| input::read_text(path, input::LARGEST_TEXT).ok());
        let entries = text.unwrap_or_default();
        let entries = entries.lines().map_while(|line| serde_json::from_str(line).ok()).collect();
        Self { path, entries, lines: String::new(), at: 0 }
    }

    /// Answers that are not yet taken.
    pub fn left(&self) -> usize {
        self.entries.len() - self.at
    }

    /// The answer to this question if it is the next one; answers to other questions are dropped.
    pub fn next(&mut self, asked: &str) -> Option<Entry> {
        match self.entries.get(self.at) {
            Some(entry) if entry.asked == asked => {
                let entry = entry.clone();
                self.at += 1;
                self.note(&entry);
                Some(entry)
            }
            _ => {
                self.entries.truncate(self.at);
                None
            }
        }
    }

    fn note(&mut self, entry: &Entry) {
        // Plain data: text and numbers. A number that is not finite is written as null and not read back.
        self.lines += &serde_json::to_string(entry).unwrap_or_default();
        self.lines.push('\n');
    }

    /// Keeps an answer. The file is replaced as a whole, so that it is complete at any time.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn push(&mut self, entry: Entry) -> Result<(), StudyError> {
        self.note(&entry);
        self.entries.push(entry);
        self.at = self.entries.len();
        let Some(path) = &self.path else { return Ok(()) };
        let of = |source| StudyError::File { path: path.clone(), source };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(of)?;
        }
        write_file(path, self.lines.as_bytes()).map_err(of)
    }
}
