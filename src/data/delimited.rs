//! Tables in text: CSV files and KEEL's .dat files. One row per line; the class is the last column.
//!
//! * A first line that holds no number where a column otherwise holds numbers names the columns.
//! * Lines that begin with @ are KEEL's: `@attribute` names a column, says whether it holds numbers or lists its words,
//!   and `@output` names the class.
//! * `?`, `NA`, `NaN`, `<null>` and nothing are gaps.

use std::path::Path;

use ndarray::Array2;

use super::{Column, DataError, Part, Samples, Tabular};

/// What stands for a value that is not known.
const GAPS: [&str; 6] = ["", "?", "NA", "NaN", "nan", "<null>"];

/// Of a column whose kind is not declared, the share of numbers from which on a value that is none is a mistake.
const MOSTLY: f64 = 0.9;

/// Reads a table from a CSV or KEEL file.
///
/// # Errors
/// A file that cannot be read, rows of different length, a value that is no number or none of the words of its column,
/// a row without class, fewer than two classes; each by line and column.
pub fn read_table(path: &Path) -> Result<Tabular, DataError> {
    let text = std::fs::read_to_string(path).map_err(DataError::io(path))?;
    parse_table(&text, &path.display().to_string())
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
    let mut columns = Vec::new();
    let mut values = Array2::zeros((lines.len(), width - 1));
    for index in (0..width).filter(|index| *index != class) {
        let declared = header.attributes.get(index).map(|(_, words)| words.as_deref());
        let (words, numbers) = column(&lines, index, &names[index], declared, place)?;
        for (row, number) in numbers.into_iter().enumerate() {
            values[[row, columns.len()]] = number;
        }
        columns.push(Column { name: names[index].clone(), words });
    }
    Ok(Tabular { values, columns, samples: samples(&lines, class, &names[class], place)? })
}

/// One line with its number from 1.
struct Line {
    number: u64,
    fields: Vec<String>,
}

impl Line {
    fn gap(&self, index: usize) -> bool {
        GAPS.contains(&self.fields[index].as_str())
    }

    fn wrong(&self, index: usize, column: &str, reason: String, place: &str) -> DataError {
        DataError::Field {
            place: place.into(),
            line: self.number,
            column: column.into(),
            value: self.fields[index].clone(),
            reason,
        }
    }
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

/// What stands before the rows of a KEEL file.
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
        let rest = &lines[1..];
        let numbers = |index: usize| {
            let mut known = rest.iter().filter(|line| !line.gap(index)).peekable();
            known.peek().is_some() && known.all(|line| line.fields[index].parse::<f64>().is_ok())
        };
        let told = |index: usize| !lines[0].gap(index) && lines[0].fields[index].parse::<f64>().is_err();
        if (0..width - 1).any(|index| told(index) && numbers(index)) {
            return Ok(lines.remove(0).fields);
        }
        Ok((1..=width).map(|number| number.to_string()).collect())
    }
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

/// The words of a column, if it is not numbers, and its values.
fn column(
    lines: &[Line],
    index: usize,
    name: &str,
    declared: Option<Option<&[String]>>,
    place: &str,
) -> Result<(Option<Vec<String>>, Vec<f32>), DataError> {
    let known = || lines.iter().filter(|line| !line.gap(index));
    let number = |line: &Line| line.fields[index].parse::<f64>().ok();
    let words: Option<Vec<String>> = match declared {
        Some(words) => words.map(<[String]>::to_vec),
        None => {
            let numbers = known().filter(|line| number(line).is_some()).count();
            let mostly = numbers as f64 >= MOSTLY * known().count() as f64;
            (!mostly).then(|| sorted(known().map(|line| line.fields[index].clone()).collect()))
        }
    };
    let value = |line: &Line| {
        if line.gap(index) {
            return Ok(f32::NAN);
        }
        match &words {
            Some(words) => match words.iter().position(|word| *word == line.fields[index]) {
                Some(place) => Ok(place as f32),
                None => Err(line.wrong(index, name, format!("expected one of {}", words.join(", ")), place)),
            },
            None => match number(line).map(|v| v as f32).filter(|v| v.is_finite()) {
                Some(value) => Ok(value),
                None => Err(line.wrong(index, name, "expected a finite number, or ? for a gap".into(), place)),
            },
        }
    };
    let values = lines.iter().map(value).collect::<Result<_, _>>()?;
    Ok((words, values))
}

fn samples(lines: &[Line], class: usize, name: &str, place: &str) -> Result<Samples, DataError> {
    if let Some(line) = lines.iter().find(|line| line.gap(class)) {
        return Err(line.wrong(class, name, "every row needs a class".into(), place));
    }
    let classes = sorted(lines.iter().map(|line| line.fields[class].clone()).collect());
    if classes.len() < 2 {
        let reason = format!("every row is of class `{}` (column `{name}`); expected at least two classes", classes[0]);
        return Err(DataError::malformed(place, reason));
    }
    let label = |line: &Line| {
        classes.iter().position(|class_name| *class_name == line.fields[class]).expect("classes hold every field")
    };
    Ok(Samples {
        source: place.into(),
        ids: lines.iter().map(|line| format!("line {}", line.number)).collect(),
        labels: lines.iter().map(label).collect(),
        parts: vec![Part::Train; lines.len()],
        groups: Vec::new(),
        classes,
    })
}

/// Each word once: numbers by size, else by letters.
fn sorted(mut words: Vec<String>) -> Vec<String> {
    words.sort();
    words.dedup();
    if words.iter().all(|word| word.parse::<f64>().is_ok()) {
        let number = |word: &String| word.parse::<f64>().unwrap_or(f64::NAN);
        words.sort_by(|a, b| number(a).total_cmp(&number(b)));
    }
    words
}
