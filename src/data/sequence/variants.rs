//! Variants from VCF files. Only the first five columns are read: a score of a substitution needs no more, and a reader of
//! the whole format (noodles-vcf) would add some twenty crates to the build.

use std::path::Path;

use crate::data::DataError;
use crate::data::sequence::{UNKNOWN, base, read_text};

/// One alternative allele of one line of a VCF file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// Line of the file, from 1.
    pub line: usize,
    /// CHROM.
    pub chromosome: String,
    /// POS, from 1.
    pub position: usize,
    /// ID; `.` where there is none.
    pub id: String,
    /// REF.
    pub reference: String,
    /// One entry of ALT.
    pub alternative: String,
}

/// A single base in place of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Substitution {
    /// The base of the reference, 0 to 3.
    pub from: u8,
    /// The other base, 0 to 3.
    pub to: u8,
}

impl Variant {
    /// What it substitutes; `None` for insertions, deletions, symbols and unknown bases.
    pub fn substitution(&self) -> Option<Substitution> {
        let single = |allele: &str| match allele.as_bytes() {
            [letter] => base(*letter).filter(|base| *base < UNKNOWN),
            _ => None,
        };
        let (from, to) = (single(&self.reference)?, single(&self.alternative)?);
        (from != to).then_some(Substitution { from, to })
    }
}

/// Reads the variants of a VCF file, each alternative allele as one.
///
/// # Errors
/// A file that cannot be read or is no VCF, a line that contradicts the format, a file without variants.
pub fn read_variants(path: &Path) -> Result<Vec<Variant>, DataError> {
    parse_variants(&read_text(path)?, &path.display().to_string())
}

/// The variants of a VCF text; `place` names it in messages.
///
/// # Errors
/// As [`read_variants`].
pub fn parse_variants(text: &str, place: &str) -> Result<Vec<Variant>, DataError> {
    let refuse = |line: usize, reason: String| Err(DataError::malformed(place, format!("line {line}: {reason}")));
    if !text.starts_with("##fileformat=VCF") {
        return refuse(1, "expected ##fileformat=VCF…, the first line of every VCF file".into());
    }
    let (mut found, mut has_header) = (Vec::new(), false);
    for (k, text) in text.lines().enumerate() {
        let line = k + 1;
        if text.starts_with("##") || text.trim().is_empty() {
            continue;
        }
        let fields: Vec<&str> = text.trim_end_matches('\r').split('\t').collect();
        if text.starts_with('#') {
            if !fields.starts_with(&["#CHROM", "POS", "ID", "REF", "ALT"]) {
                return refuse(line, "expected the columns #CHROM, POS, ID, REF, ALT, separated by tabs".into());
            }
            has_header = true;
            continue;
        }
        if !has_header {
            return refuse(line, "a variant before the line #CHROM".into());
        }
        let [chromosome, position, id, reference, alternatives, ..] = fields[..] else {
            return refuse(line, format!("{} fields; expected at least 5, separated by tabs", fields.len()));
        };
        let position = match position.parse::<usize>() {
            // POS 0 is a telomere.
            Ok(position) if position > 0 => position,
            _ => return refuse(line, format!("POS {position:?}; expected a whole number of at least 1")),
        };
        if reference.is_empty() || !reference.bytes().all(|letter| base(letter).is_some_and(|base| base <= UNKNOWN)) {
            return refuse(line, format!("REF {reference:?}; expected bases"));
        }
        for alternative in alternatives.split(',') {
            let is_symbol = |c: char| c.is_ascii_alphanumeric() || "<>[]:*._-=".contains(c);
            if alternative.is_empty() || !alternative.chars().all(is_symbol) {
                return refuse(line, format!("ALT {alternatives:?}; expected bases or symbols, separated by commas"));
            }
            found.push(Variant {
                line,
                chromosome: chromosome.into(),
                position,
                id: id.into(),
                reference: reference.into(),
                alternative: alternative.into(),
            });
        }
    }
    match found.is_empty() {
        true => Err(DataError::malformed(place, "no variant")),
        false => Ok(found),
    }
}
