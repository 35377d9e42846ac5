//! Glosses of WordNet's nouns with their lexicographer's file as class.

use std::path::Path;

use crate::data::{DataError, read_text};
use crate::math::Stream;
use crate::study::StudyError;

/// The lexicographer's files of nouns, in the order of their numbers from 4 on (WordNet 3.0, lexnames(5WN)).
pub const CLASSES: [&str; 25] = [
    "act",
    "animal",
    "artifact",
    "attribute",
    "body",
    "cognition",
    "communication",
    "event",
    "feeling",
    "food",
    "group",
    "location",
    "motive",
    "object",
    "person",
    "phenomenon",
    "plant",
    "possession",
    "process",
    "quantity",
    "relation",
    "shape",
    "state",
    "substance",
    "time",
];
/// The number of the first.
const FIRST: usize = 4;

/// Texts with classes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Glosses {
    /// Definitions, without examples.
    pub texts: Vec<String>,
    /// An index into the classes that were asked for.
    pub labels: Vec<usize>,
}

impl Glosses {
    /// Reads `data.noun` of a folder.
    ///
    /// # Errors
    /// A file that cannot be read or is of another form, or a class without glosses.
    pub fn read(folder: &Path, classes: &[String]) -> Result<Self, StudyError> {
        let path = if folder.is_dir() { folder.join("data.noun") } else { folder.to_path_buf() };
        Ok(Self::parse(&read_text(&path)?, &path.display().to_string(), classes)?)
    }

    /// From the text of `data.noun` (wndb(5WN)): `offset file type … | gloss`. Lines that begin with a blank are the licence.
    ///
    /// # Errors
    /// As [`Glosses::read`].
    pub fn parse(text: &str, place: &str, classes: &[String]) -> Result<Self, DataError> {
        let wrong = |number: usize, reason: &str| DataError::malformed(place, format!("line {}: {reason}", number + 1));
        let mut found = Self::default();
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.starts_with(' ') && !line.is_empty()) {
            let (fields, gloss) = line.split_once(" | ").ok_or_else(|| {
                wrong(number, "no \" | \" before a gloss; expected data.noun of WordNet's dict folder")
            })?;
            let file = fields.split(' ').nth(1).and_then(|field| field.parse::<usize>().ok());
            let file = file.ok_or_else(|| wrong(number, "the second field is no number of a lexicographer's file"))?;
            let Some(name) = file.checked_sub(FIRST).and_then(|k| CLASSES.get(k)) else { continue };
            let Some(label) = classes.iter().position(|class| class == name) else { continue };
            // Examples stand in quotation marks behind a semicolon.
            let definition = gloss.split("; \"").next().unwrap_or(gloss).trim();
            if !definition.is_empty() {
                found.texts.push(definition.into());
                found.labels.push(label);
            }
        }
        match (0..classes.len()).find(|label| !found.labels.contains(label)) {
            Some(label) => Err(DataError::malformed(place, format!("no gloss of the class {}", classes[label]))),
            None => Ok(found),
        }
    }

    /// So many glosses in a random order under a seed; all of them if there are fewer.
    pub fn drawn(&self, count: usize, seed: u64) -> Self {
        let order = Stream::named(seed, "glosses").permutation(self.texts.len());
        let kept = &order[..count.min(order.len())];
        Self {
            texts: kept.iter().map(|row| self.texts[*row].clone()).collect(),
            labels: kept.iter().map(|row| self.labels[*row]).collect(),
        }
    }
}
