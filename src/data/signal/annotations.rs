//! Seizures that files beside a recording list.

use std::collections::BTreeMap;
use std::path::Path;

use crate::data::delimited::read_text;
use crate::data::signal::Event;
use crate::data::walk::{entries, name};
use crate::data::{DataError, TextTable};

/// Words that name a seizure in an annotation.
pub const SEIZURE_WORDS: [&str; 4] = ["seizure", "seiz", "sz", "ictal"];

/// Words before one that names a seizure, with which it names none: "no seizure", "inter-ictal".
const NEGATIONS: [&str; 8] = ["non", "no", "not", "without", "inter", "pre", "post", "peri"];

/// Words that may stand between: "no clear seizure", "without any further seizures".
const BETWEEN: [&str; 12] = [
    "a",
    "an",
    "any",
    "the",
    "clear",
    "definite",
    "clinical",
    "subclinical",
    "electrographic",
    "electroclinical",
    "further",
    "more",
];

/// Words behind it that say when a seizure is over, unless its start is named as well.
const ENDS: [&str; 4] = ["end", "ends", "ended", "offset"];
const UNTIL: [&str; 5] = ["until", "till", "to", "at", "the"];
const STARTS: [&str; 4] = ["start", "starts", "begin", "onset"];

/// Whether an annotation names a seizure: one of [`SEIZURE_WORDS`] begins one of its words. "interictal", "preictal" and
/// "postictal" do not. Neither does a word behind non, no, not, without, inter, pre, post or peri ("no seizure activity",
/// "pre-ictal"), one before free ("seizure free"), or one before end, ends, ended or offset ("seizure 1 end").
pub fn is_seizure(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let names_one = |k: usize| SEIZURE_WORDS.iter().any(|known| words[k].starts_with(known));
    let is_negated = |k: usize| {
        let before = words[..k].iter().rev().find(|word| !BETWEEN.contains(word));
        before.is_some_and(|word| NEGATIONS.contains(word))
    };
    let is_until = |word: &&str| UNTIL.contains(word);
    let is_end = |k: usize| {
        let rest = &words[k + 1..];
        // "Until the end of the recording" says how long a seizure lasts.
        let end = rest.iter().position(|word| ENDS.contains(word)).filter(|&at| !rest[..at].iter().any(is_until));
        end.is_some() && !words.iter().any(|word| STARTS.contains(word))
    };
    (0..words.len()).any(|k| names_one(k) && !is_negated(k) && words.get(k + 1) != Some(&"free") && !is_end(k))
}

/// What the files of a folder say of recordings beside them: summaries as those of the CHB-MIT set (`chb01-summary.txt`) and
/// tables of events (`NAME_events.tsv` as BIDS has them, `NAME.seizures.csv`).
#[derive(Clone, Debug, Default)]
pub struct Annotations(BTreeMap<String, Vec<Event>>);

/// Endings of the name of a table of events.
const TABLES: [&str; 4] = ["_events.tsv", "_events.csv", ".seizures.csv", ".seizures.tsv"];

/// Whether a file annotates others.
pub fn is_annotation(path: &Path) -> bool {
    let name = name(path).to_ascii_lowercase();
    TABLES.iter().any(|ending| name.ends_with(ending)) || name.ends_with("summary.txt")
}

impl Annotations {
    /// Reads every annotation file of a folder, not of the folders in it.
    ///
    /// # Errors
    /// A file that cannot be read, a line that contradicts its format.
    pub fn read(folder: &Path) -> Result<Self, DataError> {
        let mut found = Self::default();
        for path in entries(folder)?.iter().filter(|path| path.is_file() && is_annotation(path)) {
            let (text, place) = (read_text(path)?, path.display().to_string());
            let file = name(path);
            let lower = file.to_ascii_lowercase();
            match TABLES.iter().find(|ending| lower.ends_with(*ending)) {
                Some(ending) => {
                    let stem = file[..file.len() - ending.len()].to_string();
                    let stem = stem.strip_suffix(".edf").or(stem.strip_suffix(".bdf")).unwrap_or(&stem);
                    found.0.entry(stem.into()).or_default().extend(table(&text, &place)?);
                }
                None => found.summary(&text, &place)?,
            }
        }
        Ok(found)
    }

    /// Seizures of a recording, by the name of its file; `None` where no file says whether it has any.
    pub fn of(&self, recording: &str) -> Option<&[Event]> {
        let stem = recording.rsplit_once('.').map_or(recording, |(stem, _)| stem);
        // In BIDS, sub-01_task-x_eeg.edf has sub-01_task-x_events.tsv.
        let bids = stem.strip_suffix("_eeg").unwrap_or(stem);
        self.0.get(stem).or_else(|| self.0.get(bids)).map(Vec::as_slice)
    }

    /// `File Name: x.edf`, `Number of Seizures in File: 1`, `Seizure 1 Start Time: 2996 seconds`, `… End Time: …`.
    fn summary(&mut self, text: &str, place: &str) -> Result<(), DataError> {
        let mut current: Option<String> = None;
        let mut start: Option<f64> = None;
        for (number, line) in text.lines().enumerate() {
            let wrong = |reason: &str| DataError::malformed(place, format!("line {}: {reason}", number + 1));
            let Some((field, value)) = line.split_once(':') else { continue };
            let (field, value) = (field.trim().to_ascii_lowercase(), value.trim());
            if field == "file name" {
                let stem = value.rsplit_once('.').map_or(value, |(stem, _)| stem);
                self.0.entry(stem.into()).or_default();
                (current, start) = (Some(stem.into()), None);
            } else if field.starts_with("seizure") && (field.ends_with("start time") || field.ends_with("end time")) {
                let seconds = value.split_whitespace().next().and_then(|word| word.parse::<f64>().ok());
                let seconds = seconds.filter(|s| *s >= 0.0 && s.is_finite());
                let seconds = seconds.ok_or_else(|| wrong(&format!("{value:?}; expected seconds")))?;
                let file = current.as_ref().ok_or_else(|| wrong("a seizure before any `File Name:`"))?;
                match (field.ends_with("start time"), start) {
                    (true, None) => start = Some(seconds),
                    (false, Some(onset)) if seconds > onset => {
                        let event = Event { onset, duration: seconds - onset, text: "seizure".into() };
                        self.0.entry(file.clone()).or_default().push(event);
                        start = None;
                    }
                    (false, Some(onset)) => {
                        return Err(wrong(&format!("a seizure ends at {seconds} s, but begins at {onset} s")));
                    }
                    (true, Some(_)) => return Err(wrong("a seizure begins before the one before it ends")),
                    (false, None) => return Err(wrong("a seizure ends without a start")),
                }
            }
        }
        Ok(())
    }
}

/// Rows of a table with onset and duration in seconds; where a column says what they are, those that name seizures.
fn table(text: &str, place: &str) -> Result<Vec<Event>, DataError> {
    let table = TextTable::parse(text, place)?;
    if table.header.is_empty() {
        return Ok(Vec::new());
    }
    let (Some(onset), Some(duration)) = (table.column(&["onset", "start"]), table.column(&["duration"])) else {
        return Err(table.malformed("no columns `onset` and `duration` (seconds)"));
    };
    let kind = table.column(&["eventtype", "event_type", "trial_type", "label", "type", "description", "text"]);
    let mut found = Vec::new();
    for row in &table.rows {
        let text = kind.map_or("seizure", |column| &row.fields[column]).to_string();
        if !is_seizure(&text) {
            continue;
        }
        let seconds = |column: usize| {
            let value = table.number(row, column, 0.0..=f64::MAX);
            value.map_err(|_| table.wrong(row, column, "expected seconds from 0 on"))
        };
        let event = Event { onset: seconds(onset)?, duration: seconds(duration)?, text };
        if event.duration == 0.0 {
            return Err(table.wrong(row, duration, "expected the length of the seizure in seconds"));
        }
        found.push(event);
    }
    Ok(found)
}
