//! Multiple alignment format (MAF), as UCSC publishes it: blocks of rows `s genome.chromosome start size strand length text`.

use crate::data::DataError;
use crate::data::sequence::alignment::{Alignment, Stretch, place_of};
use crate::data::sequence::{GAP, UNKNOWN, bases, complement};
use crate::math::words::pluralise;

/// One row of a block, on the strand that its file names.
struct Row {
    genome: String,
    chromosome: String,
    start: usize,
    is_reversed: bool,
    /// Of the whole chromosome.
    length: usize,
    bases: Vec<u8>,
}

pub(super) fn parse(text: &str, place: &str, reference: Option<&str>) -> Result<Alignment, DataError> {
    let refuse = |line: usize, reason: String| Err(DataError::malformed(place, format!("line {line}: {reason}")));
    let mut blocks: Vec<Vec<Row>> = Vec::new();
    for (k, line) in text.lines().enumerate() {
        let number = k + 1;
        match line.split_whitespace().next() {
            None => {}
            Some(word) if word.starts_with('#') || word == "track" => {}
            Some("a") => blocks.push(Vec::new()),
            Some("s") => {
                let row = row(line, place, number)?;
                let Some(block) = blocks.last_mut() else {
                    return refuse(number, "a row before the first block (a line `a`)".into());
                };
                if let Some(first) = block.first().filter(|first| first.bases.len() != row.bases.len()) {
                    let (own, length) = (row.bases.len(), first.bases.len());
                    return refuse(number, format!("a row of {own} letters in a block of {length}"));
                }
                block.push(row);
            }
            // Quality, neighbours, and what is missing between blocks: no bases.
            Some("q" | "i" | "e") => {}
            Some(word) => {
                return refuse(number, format!("expected a, s, q, i or e at the start, found {word:?}; is this MAF?"));
            }
        }
    }
    let mut genomes: Vec<String> = Vec::new();
    for row in blocks.iter().flatten() {
        if !genomes.contains(&row.genome) {
            genomes.push(row.genome.clone());
        }
    }
    if genomes.is_empty() {
        return Err(DataError::malformed(place, "no row of an alignment block; expected MAF or aligned FASTA"));
    }
    let first = genomes.remove(place_of(reference, &genomes, place)?);
    genomes.insert(0, first);
    let (mut stretches, mut without, mut twice) = (Vec::new(), 0, 0);
    for block in blocks {
        match on_reference(block, &genomes, &mut twice) {
            Some(stretch) => stretches.push(stretch),
            None => without += 1,
        }
    }
    stretches.sort_by(|a, b| (&a.chromosome, a.start).cmp(&(&b.chromosome, b.start)));
    let (stretches, overlapping) = joined(stretches, genomes.len());
    let mut notices = Vec::new();
    for (count, what) in [(without, "without the reference"), (overlapping, "that overlap another on the reference")] {
        if count > 0 {
            notices.push(format!("left out: {} {what}", pluralise(count, "block")));
        }
    }
    if twice > 0 {
        notices.push(format!("left out: {} of a genome that its block has already", pluralise(twice, "row")));
    }
    Ok(Alignment { genomes, stretches, notices })
}

fn row(line: &str, place: &str, number: usize) -> Result<Row, DataError> {
    let refuse = |reason: String| Err(DataError::malformed(place, format!("line {number}: {reason}")));
    let fields: Vec<&str> = line.split_whitespace().collect();
    let &[_, source, start, size, strand, length, text] = &fields[..] else {
        return refuse(format!("{} fields; expected s, source, start, size, strand, length, bases", fields.len()));
    };
    let count = |what: &str, text: &str| {
        text.parse::<usize>().map_err(|_| {
            DataError::malformed(place, format!("line {number}: {what} {text:?}; expected a whole number"))
        })
    };
    let (start, size, length) = (count("start", start)?, count("size", size)?, count("length", length)?);
    let bases = bases(text, place, number)?;
    let own = bases.iter().filter(|base| **base != GAP).count();
    if own != size {
        return refuse(format!("{own} bases, but size {size}"));
    }
    if start.checked_add(size).is_none_or(|end| end > length) {
        return refuse(format!("bases {start} to {} of a chromosome of {length}", start.saturating_add(size)));
    }
    if !matches!(strand, "+" | "-") {
        return refuse(format!("strand {strand:?}; expected + or -"));
    }
    let (genome, chromosome) = source.split_once('.').unwrap_or((source, source));
    let (genome, chromosome) = (genome.to_string(), chromosome.to_string());
    Ok(Row { genome, chromosome, start, is_reversed: strand == "-", length, bases })
}

/// The columns of a block in which the reference has a base, on its forward strand; `None` of a block without it.
fn on_reference(block: Vec<Row>, genomes: &[String], twice: &mut usize) -> Option<Stretch> {
    let mut rows: Vec<Option<Row>> = genomes.iter().map(|_| None).collect();
    for row in block {
        // Every genome of a block is in the list.
        let own = rows.iter_mut().zip(genomes).find(|(_, genome)| **genome == row.genome).map(|(own, _)| own);
        match own {
            Some(own @ None) => *own = Some(row),
            _ => *twice += 1,
        }
    }
    let reference = rows[0].as_ref()?;
    let size = reference.bases.iter().filter(|base| **base != GAP).count();
    let start = if reference.is_reversed { reference.length - reference.start - size } else { reference.start };
    let mut kept: Vec<usize> = (0..reference.bases.len()).filter(|&k| reference.bases[k] != GAP).collect();
    if reference.is_reversed {
        kept.reverse();
    }
    let letter = |row: &Option<Row>, k: usize| {
        let base = row.as_ref().map_or(UNKNOWN, |row| row.bases[k]);
        if reference.is_reversed { complement(base) } else { base }
    };
    let columns =
        kept.iter().flat_map(|&k| rows.iter().map(move |row| (row, k))).map(|(row, k)| letter(row, k)).collect();
    Some(Stretch { chromosome: reference.chromosome.clone(), start, columns })
}

/// Stretches that follow each other as one; those that overlap the one before are left out and counted.
fn joined(sorted: Vec<Stretch>, genomes: usize) -> (Vec<Stretch>, usize) {
    let (mut found, mut overlapping): (Vec<Stretch>, usize) = (Vec::new(), 0);
    for stretch in sorted {
        match found.last_mut().filter(|last| last.chromosome == stretch.chromosome) {
            Some(last) if stretch.start < last.start + last.columns.len() / genomes => overlapping += 1,
            Some(last) if stretch.start == last.start + last.columns.len() / genomes => {
                last.columns.extend(stretch.columns)
            }
            _ => found.push(stretch),
        }
    }
    (found, overlapping)
}
