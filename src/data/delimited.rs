//! Tables in text: CSV files and KEEL's .dat files. One row per line. The class is the last column.
//!
//! * The first line names the columns if in some column it holds a word above numbers, or if no column holds numbers and
//!   nothing in it occurs a second time.
//! * Lines that begin with @ are KEEL's: `@attribute` names a column and declares numbers or lists its words,
//!   and `@output` names the class.
//! * `?`, `NA`, `NaN`, `<null>` and nothing are gaps.

use std::path::Path;

use super::grid::{Grid, Kind, Line};
use super::{DataError, Tabular, parquet};

/// Reads a table from a CSV, KEEL or Parquet file. A Parquet file declares names and kinds of its columns, and its
/// class is the last column.
///
/// # Errors
/// A file that cannot be read, rows of different length, a value that is no number or none of the words of its column,
/// a row without class, fewer than two classes; each by line and column.
pub fn read_table(path: &Path) -> Result<Tabular, DataError> {
    let bytes = std::fs::read(path).map_err(DataError::io(path))?;
    let place = path.display().to_string();
    if bytes.starts_with(parquet::MAGIC) {
        return parquet::read(path);
    }
    let text = String::from_utf8(bytes)
        .map_err(|e| DataError::malformed(&place, format!("neither a Parquet file nor text in UTF-8: {e}")))?;
    parse_table(&text, &place)
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
    let header = KeelHeader::read(text, place)?;
    let mut lines = records(text, header.lines, place)?;
    let Some(width) = lines.first().map(|line| line.fields.len()) else {
        return Err(DataError::malformed(place, "no rows; expected one row per line, the class last"));
    };
    if let Some(line) = lines.iter().find(|line| line.fields.len() != width) {
        let reason = format!("line {} has {} fields, the first row has {width}", line.number, line.fields.len());
        return Err(DataError::malformed(place, reason));
    }
    if width < 2 {
        let reason = "rows have one field; expected values and a class, separated by commas, semicolons or tabs";
        return Err(DataError::malformed(place, reason));
    }
    let names = header.names(&mut lines, width, place)?;
    let class = match &header.output {
        Some(name) => names.iter().position(|n| n == name).ok_or_else(|| {
            DataError::malformed(place, format!("@output names `{name}`, which is none of the attributes"))
        })?,
        None => width - 1,
    };
    let declared = |index: usize| match header.attributes.get(index) {
        Some((_, Some(words))) => Kind::Words(words.clone()),
        Some((_, None)) => Kind::Numbers,
        None => Kind::Unknown,
    };
    Grid { place, names, kinds: (0..width).map(declared).collect(), class, lines }.table()
}

/// The rows behind the first `skipped` lines.
fn records(text: &str, skipped: usize, place: &str) -> Result<Vec<Line>, DataError> {
    let start: usize = text.split_inclusive('\n').take(skipped).map(str::len).sum();
    let body = &text[start..];
    let first = body.lines().next().unwrap_or("");
    let delimiter = [b',', b';', b'\t'].into_iter().rev().max_by_key(|d| first.bytes().filter(|b| b == d).count());
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .delimiter(delimiter.unwrap_or(b','))
        .from_reader(body.as_bytes());
    let line = |record: Result<csv::StringRecord, csv::Error>| {
        let record = record.map_err(|e| DataError::malformed(place, e))?;
        let number = skipped as u64 + record.position().map_or(0, csv::Position::line);
        Ok(Line { number, fields: record.iter().map(|field| field.to_string()).collect() })
    };
    reader.records().map(line).collect()
}

/// The header of a KEEL file.
#[derive(Default)]
struct KeelHeader {
    /// Lines it takes.
    lines: usize,
    /// Name, and words unless it holds numbers.
    attributes: Vec<(String, Option<Vec<String>>)>,
    output: Option<String>,
}

impl KeelHeader {
    fn read(text: &str, place: &str) -> Result<Self, DataError> {
        let mut header = Self::default();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if !(line.starts_with('@') || line.is_empty() || line.starts_with('%')) {
                break;
            }
            header.lines = number + 1;
            let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            match word.to_ascii_lowercase().as_str() {
                "@attribute" => header.attributes.push(attribute(rest.trim()).ok_or_else(|| {
                    let reason =
                        format!("line {}: `{line}`: expected @attribute NAME real, integer or {{words}}", number + 1);
                    DataError::malformed(place, reason)
                })?),
                "@output" | "@outputs" => header.output = Some(rest.trim().to_string()),
                _ => {}
            }
        }
        Ok(header)
    }

    /// The names of the columns: declared, from a first line that is then taken away, or numbers.
    fn names(&self, lines: &mut Vec<Line>, width: usize, place: &str) -> Result<Vec<String>, DataError> {
        if !self.attributes.is_empty() {
            if self.attributes.len() != width {
                let reason = format!("{} attributes are declared, but rows have {width} fields", self.attributes.len());
                return Err(DataError::malformed(place, reason));
            }
            return Ok(self.attributes.iter().map(|(name, _)| name.clone()).collect());
        }
        if names_columns(lines, width) {
            return Ok(lines.remove(0).fields);
        }
        Ok((1..=width).map(|number| number.to_string()).collect())
    }
}

/// Whether the first of these lines names the columns.
fn names_columns(lines: &[Line], width: usize) -> bool {
    let (first, rest) = (&lines[0], &lines[1..]);
    let numbers = |index: usize| {
        let mut known = rest.iter().filter(|line| !line.gap(index)).peekable();
        known.peek().is_some() && known.all(|line| line.number_at(index).is_some())
    };
    let is_word = |index: usize| !first.gap(index) && first.number_at(index).is_none();
    if (0..width - 1).any(numbers) {
        return (0..width - 1).any(|index| is_word(index) && numbers(index));
    }
    // Words above words. A row shares a word with another row in some column, if only in the class. Names share none,
    // and differ from each other.
    let alone = |index: usize| {
        let name = &first.fields[index];
        rest.iter().all(|line| line.fields[index] != *name) && first.fields[..index].iter().all(|other| other != name)
    };
    !rest.is_empty() && (0..width).all(|index| is_word(index) && alone(index))
}

/// `NAME real [0, 1]`, `NAME integer`, `NAME {a, b}`.
fn attribute(text: &str) -> Option<(String, Option<Vec<String>>)> {
    let at = text.find(|c: char| c.is_whitespace() || c == '{')?;
    let (name, kind) = (text[..at].to_string(), text[at..].trim());
    if let Some(list) = kind.strip_prefix('{') {
        let words = list.split('}').next()?.split(',').map(|word| word.trim().to_string()).collect();
        return Some((name, Some(words)));
    }
    let kind = kind.to_ascii_lowercase();
    ["real", "integer", "numeric"].iter().any(|known| kind.starts_with(known)).then_some((name, None))
}
