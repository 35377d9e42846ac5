//! A table as fields of text, from any format: which fields are numbers, which are words, and the class of each row.

use std::collections::{HashMap, HashSet};

use ndarray::Array2;

use super::number::{DecimalMark, Written};
use super::{Column, DataError, Part, Samples, Tabular};
use crate::math::words::{join_and, pluralise};

/// Texts of a value that is not known.
const GAPS: [&str; 6] = ["", "?", "NA", "NaN", "nan", "<null>"];

/// Further ones in a column of numbers, those of pandas. Elsewhere they may be words.
const NUMBER_GAPS: [&str; 10] = ["NAN", "-nan", "-NaN", "#N/A", "<NA>", "N/A", "n/a", "NULL", "null", "None"];

/// Of a column whose kind is not declared, the share of numbers from which on a value that is none is a mistake.
const MOSTLY: f64 = 0.9;

/// More different numbers than this are a measured column: it is never meant as words.
pub(super) const MANY: usize = 20;

/// Most words of a column. Each becomes a column of its own for networks, and with more a column holds names or texts.
const MOST_WORDS: usize = 1000;

/// Most columns of a table as a network reads it. Principal components and weights cost their square.
const MOST_ENCODED: usize = 4096;

/// Rows of fields, all of one width, that are to become a table.
pub(super) struct Grid<'a> {
    /// Names the source in messages.
    pub place: &'a str,
    /// One per column.
    pub names: Vec<String>,
    /// The kind that the file declares for each column.
    pub kinds: Vec<Kind>,
    /// The column that holds the class.
    pub class: usize,
    /// The rows.
    pub lines: Vec<Line>,
    /// What separates the fields of a text file.
    pub separator: Option<u8>,
    /// What was noticed so far.
    pub notices: Vec<String>,
}

/// The kind that a file declares for a column.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// Nothing: its fields decide.
    Unknown,
    /// It holds numbers.
    Numbers,
    /// It holds words, whichever.
    #[cfg_attr(not(feature = "parquet"), expect(dead_code, reason = "only Parquet files declare it"))]
    Text,
    /// It holds these words.
    Words(Vec<String>),
}

/// One row with its number from 1.
pub(super) struct Line {
    pub number: u64,
    pub fields: Vec<String>,
}

impl Line {
    pub(super) fn gap(&self, index: usize) -> bool {
        GAPS.contains(&self.fields[index].as_str())
    }

    /// Whether a column of numbers has a gap here.
    pub(super) fn number_gap(&self, index: usize) -> bool {
        self.gap(index) || NUMBER_GAPS.contains(&self.fields[index].as_str())
    }

    /// Whether the field is a number in any notation, with a known unit.
    pub(super) fn is_number(&self, index: usize) -> bool {
        let written = || Written::read(&self.fields[index]).filter(Written::has_known_unit);
        let value = |mark| written().and_then(|written| written.value(mark));
        self.number_at(index).is_some() || value(DecimalMark::Point).or(value(DecimalMark::Comma)).is_some()
    }

    pub(super) fn number_at(&self, index: usize) -> Option<f64> {
        self.fields[index].parse().ok()
    }
}

/// The decimal marks of a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Marks {
    point: bool,
    comma: bool,
}

/// The words of a column, if it is not numbers, and its values.
pub(super) type Read = (Option<Vec<String>>, Vec<f32>);

impl Grid<'_> {
    /// The table.
    ///
    /// # Errors
    /// A value that is no number or none of the words of its column, a column of numbers among which are words, numbers
    /// that can be read in two ways, a row without class, fewer than two classes; each by line and column.
    pub(super) fn table(mut self) -> Result<Tabular, DataError> {
        let width = self.names.len();
        let marks = self.marks();
        let mut columns = Vec::new();
        let mut values = Array2::zeros((self.lines.len(), width - 1));
        let class = self.class;
        for index in (0..width).filter(|index| *index != class) {
            let (words, numbers) = self.column(index, marks)?;
            for (row, number) in numbers.into_iter().enumerate() {
                values[[row, columns.len()]] = number;
            }
            columns.push(Column { name: self.names[index].clone(), words });
        }
        self.check_width(&columns)?;
        let samples = self.samples()?;
        let target = self.names[class].clone();
        let notices = self.notices.into_iter().map(|notice| format!("{}: {notice}", self.place)).collect();
        Ok(Tabular { values, columns, target, samples, notices })
    }

    /// Refuses more columns than a network can read.
    pub(super) fn check_width(&self, columns: &[Column]) -> Result<(), DataError> {
        let encoded: usize = columns.iter().map(|column| column.words.as_ref().map_or(1, Vec::len)).sum();
        if encoded > MOST_ENCODED {
            let reason = format!(
                "{encoded} columns, those of words counted once for each word; expected at most {MOST_ENCODED}. Choose \
                 columns, or give the table as features"
            );
            return Err(DataError::malformed(self.place, reason));
        }
        Ok(())
    }

    /// Rows whose value of a column of numbers is known.
    pub(super) fn known(&self, index: usize) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(move |line| !line.number_gap(index))
    }

    /// Values of the known rows of a column, if all have this decimal mark and one unit.
    fn under(&self, index: usize, mark: DecimalMark) -> Option<Vec<f64>> {
        let (mut unit, mut values) = (None, Vec::new());
        for line in self.known(index) {
            let written = Written::read(&line.fields[index])?;
            let own = (written.prefix, written.suffix);
            if *unit.get_or_insert(own) != own {
                return None;
            }
            values.push(written.value(mark)?);
        }
        Some(values)
    }

    /// Whether every known value of a column is a number as programs write it.
    pub(super) fn is_plain(&self, index: usize) -> bool {
        self.known(index).all(|line| line.number_at(index).is_some())
    }

    /// Which decimal marks columns have that can be read in one way only.
    pub(super) fn marks(&self) -> Marks {
        let open: Vec<usize> =
            (0..self.names.len()).filter(|&k| k != self.class && self.kinds[k] == Kind::Unknown).collect();
        if open.iter().all(|&index| self.is_plain(index)) {
            return Marks { point: true, comma: false };
        }
        let has = |mark, other| {
            open.iter().any(|&index| self.under(index, mark).is_some() && self.under(index, other).is_none())
        };
        Marks { point: has(DecimalMark::Point, DecimalMark::Comma), comma: has(DecimalMark::Comma, DecimalMark::Point) }
    }

    pub(super) fn column(&mut self, index: usize, marks: Marks) -> Result<Read, DataError> {
        match self.kinds[index].clone() {
            Kind::Numbers => self.plain(index),
            Kind::Words(words) => self.words(index, words),
            Kind::Text => self.words(index, self.found(index)),
            Kind::Unknown if !marks.comma && self.is_plain(index) => self.plain(index),
            Kind::Unknown => match self.readable(index, marks)? {
                Some(mark) => self.written(index, mark),
                None => self.mixed(index),
            },
        }
    }

    /// Every word of a column once.
    fn found(&self, index: usize) -> Vec<String> {
        sorted(self.lines.iter().filter(|line| !line.gap(index)).map(|line| line.fields[index].clone()).collect())
    }

    fn words(&self, index: usize, words: Vec<String>) -> Result<Read, DataError> {
        if words.len() > MOST_WORDS {
            let (name, count) = (&self.names[index], words.len());
            let reason = format!(
                "column `{name}`: {count} different words; expected at most {MOST_WORDS}. If it names the rows, remove it"
            );
            return Err(DataError::malformed(self.place, reason));
        }
        let places: HashMap<&str, usize> = words.iter().enumerate().map(|(k, word)| (word.as_str(), k)).collect();
        let value = |line: &Line| match places.get(line.fields[index].as_str()) {
            _ if line.gap(index) => Ok(f32::NAN),
            Some(place) => Ok(*place as f32),
            None => Err(self.wrong(line, index, format!("expected one of {}", words.join(", ")))),
        };
        let values = self.lines.iter().map(value).collect::<Result<_, _>>()?;
        Ok((Some(words), values))
    }

    /// Numbers as programs write them.
    pub(super) fn plain(&mut self, index: usize) -> Result<Read, DataError> {
        let value = |line: &Line| match line.number_at(index).map(|v| v as f32).filter(|v| v.is_finite()) {
            _ if line.number_gap(index) => Ok(f32::NAN),
            Some(value) => Ok(value),
            None => Err(self.wrong(line, index, "expected a finite number, or ? for a gap".into())),
        };
        let values = self.lines.iter().map(value).collect::<Result<_, _>>()?;
        self.note_gaps(index);
        Ok((None, values))
    }

    /// The decimal mark under which a column is numbers of one unit, `None` if there is none.
    pub(super) fn readable(&self, index: usize, marks: Marks) -> Result<Option<DecimalMark>, DataError> {
        let (point, comma) = (self.under(index, DecimalMark::Point), self.under(index, DecimalMark::Comma));
        let found = match (&point, &comma) {
            (None, None) => return Ok(None),
            (Some(_), None) => DecimalMark::Point,
            (None, Some(_)) => DecimalMark::Comma,
            (Some(point), Some(comma)) => match point.iter().zip(comma).position(|(a, b)| a != b) {
                None => DecimalMark::Point,
                Some(at) => {
                    let has_comma = self.known(index).any(|line| line.fields[index].contains(','));
                    match (marks.point, marks.comma, self.separator) {
                        (true, false, _) => DecimalMark::Point,
                        (false, true, _) => DecimalMark::Comma,
                        // Where commas separate fields, they are no decimal marks. Semicolons are used where they are.
                        (false, false, None | Some(b',')) => DecimalMark::Point,
                        (false, false, Some(b';')) if has_comma => DecimalMark::Comma,
                        (false, false, _) if !has_comma => DecimalMark::Point,
                        _ => {
                            let (a, b) = (point[at], comma[at]);
                            let reason = format!("this may be {a} or {b}; write numbers with a decimal point only");
                            let line = self.known(index).nth(at).expect("a value for each known row");
                            return Err(self.wrong(line, index, reason));
                        }
                    }
                }
            },
        };
        // What is no known unit may be part of a code: 2D and 3D are two words, fifty different ones are numbers.
        let has_unit =
            self.known(index).all(|line| Written::read(&line.fields[index]).is_some_and(|w| w.has_known_unit()));
        Ok((has_unit || self.found(index).len() > MANY).then_some(found))
    }

    /// Numbers as people write them, with a notice that says how they are read.
    pub(super) fn written(&mut self, index: usize, mark: DecimalMark) -> Result<Read, DataError> {
        let (mut values, mut traits, mut example) = (Vec::new(), Vec::new(), None);
        for line in &self.lines {
            if line.number_gap(index) {
                values.push(f32::NAN);
                continue;
            }
            let written = Written::read(&line.fields[index]);
            let value = written.and_then(|written| written.value(mark)).filter(|value| (*value as f32).is_finite());
            let Some((written, value)) = written.zip(value) else {
                return Err(self.wrong(line, index, "expected a finite number, or ? for a gap".into()));
            };
            for new in written.traits(mark) {
                if !traits.contains(&new) {
                    traits.push(new);
                    example = Some((line, value));
                }
            }
            values.push(value as f32);
        }
        if let Some((line, value)) = example {
            let (name, text, number) = (&self.names[index], &line.fields[index], line.number);
            let traits = join_and(&traits);
            let notice = format!("column `{name}`: numbers with {traits}; `{text}` (line {number}) is read as {value}");
            self.notices.push(notice);
        }
        self.note_gaps(index);
        Ok((None, values))
    }

    /// A column that is not all numbers: words, unless it must have been meant as numbers.
    fn mixed(&mut self, index: usize) -> Result<Read, DataError> {
        let known = self.known(index).count();
        let plain = self.known(index).filter(|line| line.number_at(index).is_some()).count();
        if plain as f64 >= MOSTLY * known as f64 {
            return self.plain(index);
        }
        let like: Vec<&Line> = self.known(index).filter(|line| line.is_number(index)).collect();
        let mut different: Vec<&str> = like.iter().map(|line| line.fields[index].as_str()).collect();
        different.sort_unstable();
        different.dedup();
        let is_measured = 2 * like.len() >= known && different.len() > MANY;
        if !like.is_empty() && (is_measured || like.len() as f64 >= MOSTLY * known as f64) {
            return Err(self.unlike(index, known, &like));
        }
        if let Some(first) = like.first() {
            let (name, text, count) = (&self.names[index], &first.fields[index], like.len());
            let notice = format!(
                "column `{name}`: {count} of {known} values are numbers (`{text}` in line {}), the others are not; all are \
                 read as words",
                first.number
            );
            self.notices.push(notice);
        }
        self.words(index, self.found(index))
    }

    /// Names the first value that does not fit a column of numbers.
    fn unlike(&self, index: usize, known: usize, like: &[&Line]) -> DataError {
        let field =
            |line: &Line| Written::read(&line.fields[index]).map(|w| (w.prefix.to_string(), w.suffix.to_string()));
        let unit = like.first().and_then(|line| field(line));
        let numbers: HashSet<u64> = like.iter().map(|line| line.number).collect();
        if let Some(line) = self.known(index).find(|line| !numbers.contains(&line.number)) {
            let reason = format!(
                "{} of {known} values of this column are numbers; expected a number, or ? for a gap",
                like.len()
            );
            return self.wrong(line, index, reason);
        }
        match like.iter().find(|line| field(line) != unit) {
            Some(line) => self.wrong(line, index, "the numbers of this column have different units".into()),
            None => {
                let odd = like.iter().find(|line| line.number_at(index).is_none()).unwrap_or(&like[0]);
                let reason = "some numbers of this column have a decimal comma and others a decimal point";
                self.wrong(odd, index, reason.into())
            }
        }
    }

    /// Tells of texts that are gaps in a column of numbers alone.
    fn note_gaps(&mut self, index: usize) {
        let mut gaps = self.lines.iter().filter(|line| NUMBER_GAPS.contains(&line.fields[index].as_str()));
        if let Some(first) = gaps.next() {
            let (name, text) = (&self.names[index], &first.fields[index]);
            let count = pluralise(1 + gaps.count(), "value");
            let notice = format!("column `{name}`: {count} such as `{text}` (line {}) are read as gaps", first.number);
            self.notices.push(notice);
        }
    }

    pub(super) fn samples(&self) -> Result<Samples, DataError> {
        let Self { place, class, ref lines, .. } = *self;
        if let Some(line) = lines.iter().find(|line| line.gap(class)) {
            return Err(self.wrong(line, class, "every row needs a class".into()));
        }
        if let Kind::Words(declared) = &self.kinds[class] {
            let known: HashSet<&String> = declared.iter().collect();
            if let Some(line) = lines.iter().find(|line| !known.contains(&line.fields[class])) {
                return Err(self.wrong(
                    line,
                    class,
                    format!("the class is declared as one of {}", declared.join(", ")),
                ));
            }
        }
        let classes = sorted(lines.iter().map(|line| line.fields[class].clone()).collect());
        if classes.len() < 2 {
            let (only, name) = (&classes[0], &self.names[class]);
            let reason = format!("every row is of class `{only}` (column `{name}`); expected at least two classes");
            return Err(DataError::malformed(place, reason));
        }
        Samples::check_classes(place, classes.len())?;
        let places: HashMap<&str, usize> = classes.iter().enumerate().map(|(k, name)| (name.as_str(), k)).collect();
        let label = |line: &Line| places[line.fields[class].as_str()];
        Ok(Samples {
            source: place.into(),
            ids: lines.iter().map(|line| format!("line {}", line.number)).collect(),
            labels: lines.iter().map(label).collect(),
            parts: vec![Part::Train; lines.len()],
            groups: Vec::new(),
            classes: classes.clone(),
        })
    }

    pub(super) fn wrong(&self, line: &Line, index: usize, reason: String) -> DataError {
        DataError::Field {
            place: self.place.into(),
            line: line.number,
            column: self.names[index].clone(),
            value: line.fields[index].clone(),
            reason,
        }
    }
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
