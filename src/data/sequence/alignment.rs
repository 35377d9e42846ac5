//! Alignments as columns on a reference genome.

use std::path::Path;

use crate::data::DataError;
use crate::data::sequence::{GAP, fasta, maf, read_text};

/// Genomes aligned to a reference genome. Columns in which the reference has a gap are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alignment {
    /// Names of the genomes, the reference first.
    pub genomes: Vec<String>,
    /// Parts of the reference without interruption, in its order.
    pub stretches: Vec<Stretch>,
    /// What was left out.
    pub notices: Vec<String>,
}

/// Columns that follow each other on the reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The chromosome of the reference, or its name where the file tells none.
    pub chromosome: String,
    /// Position of the first column, from 0.
    pub start: usize,
    /// (columns, genomes), one column after the other: A 0, C 1, G 2, T 3, unknown 4, gap 5.
    pub columns: Vec<u8>,
}

impl Alignment {
    /// Number of columns.
    pub fn len(&self) -> usize {
        self.stretches.iter().map(|stretch| stretch.columns.len()).sum::<usize>() / self.genomes.len().max(1)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Reads an alignment: MAF, or FASTA with sequences of one length. The reference is the genome of this name, by default the
/// first of the file.
///
/// # Errors
/// A file that cannot be read, is neither MAF nor FASTA, or contradicts itself; a reference that it does not have; fewer than
/// two genomes.
pub fn read_alignment(path: &Path, reference: Option<&str>) -> Result<Alignment, DataError> {
    let (text, place) = (read_text(path)?, path.display().to_string());
    let alignment = match text.trim_start().starts_with('>') {
        true => of_fasta(&text, &place, reference)?,
        false => maf::parse(&text, &place, reference)?,
    };
    let refuse = |reason: String| Err(DataError::malformed(&place, reason));
    if alignment.genomes.len() < 2 {
        return refuse(format!("only the genome {:?}; an alignment has at least two", alignment.genomes[0]));
    }
    if alignment.is_empty() {
        return refuse("no column in which the reference has a base".into());
    }
    Ok(alignment)
}

/// The index of the reference among the names.
///
/// # Errors
/// If it is none of them.
pub(super) fn place_of(reference: Option<&str>, names: &[String], place: &str) -> Result<usize, DataError> {
    let Some(reference) = reference else { return Ok(0) };
    names.iter().position(|name| name == reference).ok_or_else(|| {
        DataError::malformed(place, format!("no genome {reference:?}; the alignment has {}", names.join(", ")))
    })
}

fn of_fasta(text: &str, place: &str, reference: Option<&str>) -> Result<Alignment, DataError> {
    let mut sequences = fasta::parse_fasta(text, place)?;
    let length = sequences[0].bases.len();
    if let Some(other) = sequences.iter().find(|sequence| sequence.bases.len() != length) {
        let (first, name, own) = (&sequences[0].name, &other.name, other.bases.len());
        let reason = format!("{name:?} has {own} letters and {first:?} {length}; rows of an alignment have one length");
        return Err(DataError::malformed(place, reason));
    }
    let names: Vec<String> = sequences.iter().map(|sequence| sequence.name.clone()).collect();
    let first = sequences.remove(place_of(reference, &names, place)?);
    sequences.insert(0, first);
    let kept = (0..length).filter(|&k| sequences[0].bases[k] != GAP);
    let columns = kept.flat_map(|k| sequences.iter().map(move |sequence| sequence.bases[k])).collect();
    let genomes: Vec<String> = sequences.iter().map(|sequence| sequence.name.clone()).collect();
    let stretch = Stretch { chromosome: genomes[0].clone(), start: 0, columns };
    Ok(Alignment { genomes, stretches: vec![stretch], notices: Vec::new() })
}
