//! Tables in text: CSV files and KEEL's .dat files. One row per line. The class is the last column.
//!
//! * The first line names the columns if in some column it holds a word above numbers, or if no column holds numbers and
//!   nothing in it occurs a second time. A line `sep=;` before it names the separator.
//! * Lines that begin with @ are KEEL's: `@attribute` names a column and declares numbers or lists its words,
//!   `@output` names the class, and `@inputs` the columns that are read.
//! * `?`, `NA`, `NaN`, `<null>` and nothing are gaps.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::file::read_file;
use super::grid::{Grid, Kind, Line};
use super::keel::KeelHeader;
use super::number::{DecimalMark, Written};
use super::{DataError, Tabular, parquet};

/// Separators of fields, the first of equally good ones is taken.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Rows by which the separator is chosen.
const CHOSEN_BY: usize = 100;

/// Names of a column of labels in a table of features.
const LABEL_NAMES: [&str; 6] = ["label", "labels", "class", "target", "targets", "y"];

/// Reads a table from a CSV, KEEL or Parquet file. A Parquet file declares names and kinds of its columns, and its
/// class is the last column.
///
/// # Errors
/// A file that cannot be read, rows of different length, a value that is no number or none of the words of its column,
/// a row without class, fewer than two classes; each by line and column.
pub fn read_table(path: &Path) -> Result<Tabular, DataError> {
    let place = path.display().to_string();
    grid_of_file(path, &place, &Expected::default())?.table()
}

/// The fields of a file of any of these formats.
pub(super) fn grid_of_file<'a>(path: &Path, place: &'a str, expected: &Expected) -> Result<Grid<'a>, DataError> {
    let bytes = read_file(path)?;
    if bytes.starts_with(parquet::MAGIC) {
        return parquet::grid(path, place);
    }
    grid(&text(&bytes, place)?, place, expected)
}

/// Reads a table from text; `place` names it in messages.
///
/// ```
/// let table = qgraft::data::parse_table("length,colour,class\n1.5,red,a\n2,blue,b\n?,red,a\n", "here")?;
/// assert_eq!(table.samples.labels, [0, 1, 0]);
/// assert!(table.values[[2, 0]].is_nan());
/// # Ok::<(), qgraft::data::DataError>(())
/// ```
///
/// # Errors
/// As [`read_table`].
pub fn parse_table(text: &str, place: &str) -> Result<Tabular, DataError> {
    grid(text, place, &Expected::default())?.table()
}

/// Reads a table whose class is the column named as labels are, else the last.
///
/// # Errors
/// As [`read_table`].
pub(super) fn parse_labelled(text: &str, place: &str) -> Result<Tabular, DataError> {
    let mut grid = grid(text, place, &Expected::default())?;
    let is_label = |name: &String| LABEL_NAMES.iter().any(|known| name.eq_ignore_ascii_case(known));
    if let Some(class) = grid.names.iter().position(is_label) {
        grid.class = class;
    }
    grid.table()
}

/// The text of a table in a file of its own columns, without a byte order mark.
///
/// # Errors
/// A file that cannot be read or is no text.
pub fn read_text(path: &Path) -> Result<String, DataError> {
    let bytes = read_file(path)?;
    let text = text(&bytes, &path.display().to_string())?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(&text).to_string())
}

/// The number that a field of a table is: with a decimal point, or with a decimal comma where commas do not separate.
pub(super) fn parse_number(field: &str, separator: u8) -> Option<f64> {
    let with_comma = || Written::read(field)?.value(DecimalMark::Comma);
    field.parse().ok().or_else(|| if separator == b',' { None } else { with_comma() })
}

/// The text of a file: UTF-8, or UTF-16 with a byte order mark as spreadsheets write it.
pub(super) fn text<'a>(bytes: &'a [u8], place: &str) -> Result<Cow<'a, str>, DataError> {
    let wide = |swap: bool| -> Vec<u16> {
        let pairs = bytes[2..].as_chunks().0.iter();
        pairs.map(|&pair| if swap { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) }).collect()
    };
    let wide = match bytes {
        [0xff, 0xfe, ..] => Some(wide(false)),
        [0xfe, 0xff, ..] => Some(wide(true)),
        _ => None,
    };
    if let Some(units) = wide {
        let text = String::from_utf16(&units).map_err(|e| DataError::malformed(place, format!("not UTF-16: {e}")))?;
        return Ok(Cow::Owned(text));
    }
    let text = std::str::from_utf8(bytes).map_err(|e| {
        DataError::malformed(place, format!("neither a Parquet file nor text in UTF-8: {e}; save the table as UTF-8"))
    })?;
    Ok(Cow::Borrowed(text))
}

/// What is known of a table before it is read.
pub(super) struct Expected<'a> {
    /// Names of columns: a first line that holds one of them names the columns.
    pub names: &'a [&'a str],
    /// Fewest columns.
    pub width: usize,
}

impl Default for Expected<'_> {
    fn default() -> Self {
        Self { names: &[], width: 2 }
    }
}

/// The fields of a text, with what its header declares.
pub(super) fn grid<'a>(text: &str, place: &'a str, expected: &Expected) -> Result<Grid<'a>, DataError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let header = KeelHeader::read(text, place)?;
    let start: usize = text.split_inclusive('\n').take(header.lines).map(str::len).sum();
    let (mut skipped, mut body) = (header.lines, &text[start..]);
    let mut separator = None;
    // Spreadsheets write and read this line. It is no row.
    let first = body.lines().next().unwrap_or("");
    if let Some(&[sign]) = first.trim().trim_matches('"').strip_prefix("sep=").map(str::as_bytes) {
        separator = Some(sign);
    } else if first.trim_end_matches('\r') == "sep=\t" {
        separator = Some(b'\t');
    }
    if separator.is_some() {
        body = body.split_once('\n').map_or("", |(_, rest)| rest);
        skipped += 1;
    }
    let separator = separator.unwrap_or_else(|| chosen_separator(body));
    let lines = records(body, separator, usize::MAX);
    let mut lines: Vec<Line> = lines
        .map(|line| line.map(|line| Line { number: line.number + skipped as u64, ..line }))
        .collect::<Result<_, _>>()
        .map_err(|e| DataError::malformed(place, e))?;
    let Some(width) = lines.first().map(|line| line.fields.len()) else {
        return Err(DataError::malformed(place, "no rows; expected one row per line, the class last"));
    };
    if let Some(line) = lines.iter().find(|line| line.fields.len() != width) {
        let reason = format!("line {} has {} fields, the first row has {width}", line.number, line.fields.len());
        return Err(DataError::malformed(place, reason));
    }
    if width < expected.width {
        let reason = "rows have one field; expected values and a class, separated by commas, semicolons or tabs";
        return Err(DataError::malformed(place, reason));
    }
    let names = names(&header, &mut lines, expected, place)?;
    // Of equal names the first counts.
    let places: HashMap<&String, usize> = names.iter().enumerate().rev().map(|(k, name)| (name, k)).collect();
    let place_of = |name: &String, word: &str| {
        places.get(name).copied().ok_or_else(|| {
            DataError::malformed(place, format!("@{word} names `{name}`, which is none of the attributes"))
        })
    };
    let class = header.output.as_ref().map_or(Ok(width - 1), |name| place_of(name, "output"))?;
    let mut kept = (0..width).collect::<Vec<_>>();
    let mut notices = Vec::new();
    if let Some(inputs) = &header.inputs {
        let inputs = inputs.iter().map(|name| place_of(name, "inputs")).collect::<Result<HashSet<_>, _>>()?;
        kept.retain(|index| *index == class || inputs.contains(index));
        let left = (0..width).filter(|index| *index != class && !inputs.contains(index));
        notices.extend(left.map(|index| format!("column `{}` is not among @inputs and not read", names[index])));
        for line in lines.iter_mut().filter(|_| kept.len() < width) {
            line.fields = kept.iter().map(|&index| line.fields[index].clone()).collect();
        }
    }
    if kept.len() < expected.width {
        return Err(DataError::malformed(place, "@inputs leaves no column beside the class"));
    }
    let declared = |index: usize| match header.attributes.get(index) {
        Some((_, Some(words))) => Kind::Words(words.clone()),
        Some((_, None)) => Kind::Numbers,
        None => Kind::Unknown,
    };
    Ok(Grid {
        place,
        kinds: kept.iter().map(|&index| declared(index)).collect(),
        // The class is always kept.
        class: kept.iter().position(|index| *index == class).unwrap_or(kept.len() - 1),
        names: kept.iter().map(|&index| names[index].clone()).collect(),
        lines,
        separator: Some(separator),
        notices,
    })
}

/// The first `most` rows of a text.
pub(super) fn records(body: &str, separator: u8, most: usize) -> impl Iterator<Item = Result<Line, csv::Error>> + '_ {
    let reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .delimiter(separator)
        .from_reader(body.as_bytes());
    // The reader counts a line only when it has read what follows a carriage return, so lines are counted here.
    let bytes = body.as_bytes();
    let (mut counted, mut number) = (0, 1);
    let line = move |record: Result<csv::StringRecord, csv::Error>| {
        let record = record?;
        let start = record.position().map_or(0, |position| position.byte() as usize).min(bytes.len());
        let blank = bytes[start..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        number += bytes[counted..start + blank].iter().filter(|byte| **byte == b'\n').count() as u64;
        counted = start + blank;
        Ok(Line { number, fields: record.iter().map(|field| field.to_string()).collect() })
    };
    reader.into_records().take(most).map(line)
}

/// The separator that gives rows of one width and the largest share of numbers. Where a decimal comma is used, commas
/// separate as regularly as semicolons, but what they separate are no numbers.
pub(super) fn chosen_separator(body: &str) -> u8 {
    let first = body.lines().next().unwrap_or("");
    let share = |separator: u8| {
        let rows: Vec<Line> = records(body, separator, CHOSEN_BY).collect::<Result<_, _>>().ok()?;
        let width = rows.first()?.fields.len();
        if width < 2 || rows.iter().any(|row| row.fields.len() != width) {
            return None;
        }
        let numbers: usize = rows.iter().map(|row| (0..width).filter(|&k| row.is_number(k)).count()).sum();
        Some(numbers as f64 / (rows.len() * width) as f64)
    };
    let count = |separator: u8| first.bytes().filter(|byte| *byte == separator).count();
    // Of equal ones the last is the greatest.
    let order = |a: &u8, b: &u8| {
        let (left, right) = (share(*a).unwrap_or(-1.0), share(*b).unwrap_or(-1.0));
        left.total_cmp(&right).then(count(*a).cmp(&count(*b)))
    };
    SEPARATORS.into_iter().rev().max_by(order).unwrap_or(b',')
}

/// The names of the columns: declared, from a first line that is then taken away, or numbers.
fn names(
    header: &KeelHeader,
    lines: &mut Vec<Line>,
    expected: &Expected,
    place: &str,
) -> Result<Vec<String>, DataError> {
    let width = lines.first().map_or(0, |line| line.fields.len());
    if !header.attributes.is_empty() {
        if header.attributes.len() != width {
            let reason = format!("{} attributes are declared, but rows have {width} fields", header.attributes.len());
            return Err(DataError::malformed(place, reason));
        }
        return Ok(header.attributes.iter().map(|(name, _)| name.clone()).collect());
    }
    // Numbers are names only where there are no others.
    let is_known = |field: &String| expected.names.contains(&field.as_str()) && field.parse::<f64>().is_err();
    if lines.first().is_some_and(|line| line.fields.iter().any(is_known)) || names_columns(lines, width) {
        return Ok(lines.remove(0).fields);
    }
    Ok((1..=width).map(|number| number.to_string()).collect())
}

/// Whether the first of these lines names the columns.
fn names_columns(lines: &[Line], width: usize) -> bool {
    let (first, rest) = (&lines[0], &lines[1..]);
    let numbers = |index: usize| {
        let mut known = rest.iter().filter(|line| !line.gap(index)).peekable();
        known.peek().is_some() && known.all(|line| line.is_number(index))
    };
    let is_word = |index: usize| !first.gap(index) && !first.is_number(index);
    if (0..width - 1).any(numbers) {
        return (0..width - 1).any(|index| is_word(index) && numbers(index));
    }
    // Words above words. A row shares a word with another row in some column, if only in the class. Names share none,
    // and differ from each other.
    let alone = |index: usize| rest.iter().all(|line| line.fields[index] != first.fields[index]);
    let differ = first.fields.iter().collect::<HashSet<_>>().len() == width;
    !rest.is_empty() && differ && (0..width).all(|index| is_word(index) && alone(index))
}
