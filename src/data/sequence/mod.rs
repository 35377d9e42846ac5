//! DNA: sequences, alignments and variants, read from files.
//!
//! * [`read_fasta`]: named sequences. [`read_alignment`]: MAF blocks or aligned FASTA as columns on a reference genome.
//! * [`read_variants`]: the columns of a VCF file that single-base substitutions need.
//!
//! A base is a number: A 0, C 1, G 2, T 3, unknown ([`UNKNOWN`]) 4, gap ([`GAP`]) 5. Files may be packed by gzip or bgzip.

mod alignment;
mod fasta;
mod maf;
mod variants;

use std::io::Read;
use std::path::Path;

pub use alignment::{Alignment, Stretch, read_alignment};
pub use fasta::{Sequence, parse_fasta, read_fasta};
pub use variants::{Substitution, Variant, parse_variants, read_variants};

use crate::data::DataError;
use crate::data::file::read_file;

/// A base that is not known: N, or a code for several bases.
pub const UNKNOWN: u8 = 4;
/// A place that a sequence lacks.
pub const GAP: u8 = 5;

/// The number of a letter in either case; `None` for one that does not stand for DNA.
pub fn base(letter: u8) -> Option<u8> {
    Some(match letter.to_ascii_uppercase() {
        b'A' => 0,
        b'C' => 1,
        b'G' => 2,
        b'T' | b'U' => 3,
        b'N' | b'R' | b'Y' | b'S' | b'W' | b'K' | b'M' | b'B' | b'D' | b'H' | b'V' => UNKNOWN,
        b'-' | b'.' => GAP,
        _ => return None,
    })
}

/// The letter of a base.
pub fn letter(base: u8) -> char {
    char::from(b"ACGTN-"[usize::from(base.min(GAP))])
}

/// The base on the other strand.
pub fn complement(base: u8) -> u8 {
    if base < UNKNOWN { 3 - base } else { base }
}

/// The text of a file, unpacked.
fn read_text(path: &Path) -> Result<String, DataError> {
    let mut bytes = read_file(path)?;
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut whole = Vec::new();
        let unpacked = flate2::read::MultiGzDecoder::new(&bytes[..]).read_to_end(&mut whole);
        unpacked.map_err(|e| DataError::malformed(path.display(), format!("not a whole gzip file: {e}")))?;
        bytes = whole;
    }
    let no_text = |_| DataError::malformed(path.display(), "a binary file; expected text");
    String::from_utf8(bytes).map_err(no_text)
}

/// The bases of a line of text.
fn bases(text: &str, place: &str, line: usize) -> Result<Vec<u8>, DataError> {
    let one = |(column, letter): (usize, u8)| {
        base(letter).ok_or_else(|| {
            let reason = format!(
                "line {line}: {:?} at position {} of the sequence is no letter of DNA",
                char::from(letter),
                column + 1
            );
            DataError::malformed(place, reason)
        })
    };
    text.bytes().enumerate().map(one).collect()
}
