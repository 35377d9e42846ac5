//! FASTA files.

use std::collections::HashSet;
use std::path::Path;

use crate::data::DataError;
use crate::data::sequence::{bases, read_text};

/// A named sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sequence {
    /// What stands between `>` and the first space.
    pub name: String,
    /// Its bases.
    pub bases: Vec<u8>,
}

/// Reads the sequences of a FASTA file.
///
/// # Errors
/// A file that cannot be read or is no FASTA, a letter that is none of DNA, a sequence without a name or with one that
/// another has, an empty sequence.
pub fn read_fasta(path: &Path) -> Result<Vec<Sequence>, DataError> {
    parse_fasta(&read_text(path)?, &path.display().to_string())
}

/// The sequences of a FASTA text; `place` names it in messages.
///
/// # Errors
/// As [`read_fasta`].
pub fn parse_fasta(text: &str, place: &str) -> Result<Vec<Sequence>, DataError> {
    let refuse = |reason: String| Err(DataError::malformed(place, reason));
    let mut found: Vec<Sequence> = Vec::new();
    let mut names = HashSet::new();
    for (k, line) in text.lines().enumerate() {
        let (line, number) = (line.trim(), k + 1);
        if let Some(header) = line.strip_prefix('>') {
            let name = header.split_whitespace().next().unwrap_or("");
            if name.is_empty() {
                return refuse(format!("line {number}: a sequence without a name"));
            }
            if !names.insert(name.to_string()) {
                return refuse(format!("line {number}: a second sequence {name:?}; rename one"));
            }
            found.push(Sequence { name: name.into(), bases: Vec::new() });
        } else if !line.is_empty() {
            match found.last_mut() {
                Some(sequence) => sequence.bases.extend(bases(line, place, number)?),
                None => return refuse(format!("line {number}: expected a line that begins with >, as FASTA files do")),
            }
        }
    }
    if let Some(empty) = found.iter().find(|sequence| sequence.bases.is_empty()) {
        return refuse(format!("sequence {:?} is empty", empty.name));
    }
    if found.is_empty() {
        return refuse("no sequence".into());
    }
    Ok(found)
}
