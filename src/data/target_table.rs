//! A table in which any column is the target, numbers or classes; and rows of such a table for a trained model.

use std::collections::HashSet;
use std::path::Path;

use ndarray::Array2;

use super::delimited::{Expected, grid, grid_of_file};
use super::grid::{Grid, Kind, Line, MANY, Marks};
use super::{Column, DataError, Part, Samples, Tabular};
use crate::math::words::{join_and, pluralise};

/// What a target is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetKind {
    /// A number to be predicted.
    Numbers,
    /// A class.
    Classes,
}

/// How a table becomes one with a target.
#[derive(Clone, Debug, Default)]
pub struct TargetOptions {
    /// Name of the target's column, or its number from 1 where columns have no names; the last column by default, or the
    /// output that a KEEL file names.
    pub target: Option<String>,
    /// What the target is. By default numbers that are not whole or have more than 20 different values are numbers, and
    /// all else are classes.
    pub kind: Option<TargetKind>,
    /// Columns that are read although they look like identifiers or dates.
    pub keep: Vec<String>,
    /// How a user names such columns, such as `--keep`, for notices and errors; empty where they cannot be named.
    pub keep_option: &'static str,
    /// Further columns that are left out.
    pub drop: Vec<String>,
    /// A column that names the group of each row. It is not read as a value.
    pub group: Option<String>,
}

/// A table with a target for each row.
#[derive(Clone, Debug)]
pub struct TargetTable {
    /// The other columns. Where the target is numbers, every row is of one class that has its name.
    pub table: Tabular,
    /// The target of each row, where it is numbers.
    pub numbers: Option<Vec<f64>>,
    /// The group of each row as it is written, where a column names it.
    pub groups: Option<Vec<String>>,
}

/// Share of the values of a column from which on dates make it a column of dates.
const MOSTLY: f64 = 0.9;

/// Rows from which on values that all differ make identifiers.
const ENOUGH: usize = 10;

/// Names of columns of identifiers, in lower case.
const IDENTIFIERS: [&str; 12] =
    ["", "id", "ids", "index", "idx", "key", "uuid", "guid", "row", "rowid", "row_number", "unnamed: 0"];

/// Names of columns of dates, in lower case.
const DATES: [&str; 4] = ["date", "datetime", "timestamp", "date_time"];

impl TargetTable {
    /// Reads a CSV, KEEL or Parquet file.
    ///
    /// # Errors
    /// As [`read_table`](super::read_table), and a target that is no column or of the wrong kind, or no other column.
    pub fn read(path: &Path, options: &TargetOptions) -> Result<Self, DataError> {
        let place = path.display().to_string();
        let names: Vec<&str> = options.target.iter().map(String::as_str).collect();
        Self::of(grid_of_file(path, &place, &Expected { names: &names, width: 2 })?, options)
    }

    /// Reads a text; `place` names it in messages. Columns that look like identifiers or dates are left out and named.
    ///
    /// ```
    /// use qgraft::data::{TargetOptions, TargetTable};
    /// let text = "day,price,size\n2024-01-05,1.5,12\n2024-01-06,2.5,18\n";
    /// let options = TargetOptions { target: Some("price".into()), ..TargetOptions::default() };
    /// let table = TargetTable::parse(text, "here", &options)?;
    /// assert_eq!(table.numbers.unwrap(), [1.5, 2.5]);
    /// assert_eq!(table.table.columns.len(), 1);
    /// assert!(table.table.notices[0].contains("`day` is left out: dates"));
    /// # Ok::<(), qgraft::data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// As [`TargetTable::read`].
    pub fn parse(text: &str, place: &str, options: &TargetOptions) -> Result<Self, DataError> {
        let names: Vec<&str> = options.target.iter().map(String::as_str).collect();
        Self::of(grid(text, place, &Expected { names: &names, width: 2 })?, options)
    }

    fn of(mut grid: Grid, options: &TargetOptions) -> Result<Self, DataError> {
        if let Some(target) = &options.target {
            grid.class = grid.place_of(target)?;
        }
        for name in options.keep.iter().chain(&options.drop) {
            grid.place_of(name)?;
        }
        let target = grid.names[grid.class].clone();
        let groups = options.group.as_deref().map(|name| grid.take_groups(name)).transpose()?;
        let left_out = grid.leave_out(options);
        if grid.names.len() < 2 && left_out.is_empty() {
            let reason = format!("no column is left beside the target `{target}` and the groups");
            return Err(DataError::malformed(grid.place, reason));
        }
        if grid.names.len() < 2 {
            let all = join_and(&left_out.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>());
            let reason = format!("no column is left beside the target `{target}`: {all} are left out");
            let hint = match options.keep_option {
                "" => String::new(),
                option => format!("; name those to read with {option}"),
            };
            return Err(DataError::malformed(grid.place, reason + &hint));
        }
        let marks = grid.marks();
        let kind = options.kind.unwrap_or_else(|| grid.target_kind(marks));
        if kind == TargetKind::Classes {
            return Ok(Self { table: grid.table()?, numbers: None, groups });
        }
        let class = grid.class;
        let whole = |grid: &Grid, line: &Line, reason: &str| Err(grid.wrong(line, class, reason.into()));
        if let Some(line) = grid.lines.iter().find(|line| line.number_gap(class)) {
            return whole(&grid, line, "every row needs a value of the target; remove the row or fill the gap");
        }
        let (words, values) = grid.column(class, marks)?;
        if words.is_some() {
            let odd = grid.lines.iter().find(|line| !line.is_number(class)).unwrap_or(&grid.lines[0]);
            return whole(&grid, odd, "the target of a regression is numbers; --task classification takes words");
        }
        let numbers: Vec<f64> = values.into_iter().map(as_written).collect();
        if numbers.iter().all(|number| *number == numbers[0]) {
            let reason = format!("every row has {} in the target `{target}`; there is nothing to predict", numbers[0]);
            return Err(DataError::malformed(grid.place, reason));
        }
        Ok(Self { table: grid.with_one_class(marks)?, numbers: Some(numbers), groups })
    }
}

impl Grid<'_> {
    /// Where a column is.
    fn place_of(&self, name: &str) -> Result<usize, DataError> {
        let mut found = (0..self.names.len()).filter(|&index| self.names[index] == name);
        match (found.next(), found.next()) {
            (Some(index), None) => Ok(index),
            (Some(_), Some(_)) => {
                Err(DataError::malformed(self.place, format!("two columns are called `{name}`; rename one")))
            }
            (None, _) => {
                let known = self.names.join(", ");
                Err(DataError::malformed(self.place, format!("no column `{name}`; the columns are {known}")))
            }
        }
    }

    /// Takes out the columns that are no values to learn from, and returns their names.
    fn leave_out(&mut self, options: &TargetOptions) -> Vec<String> {
        let (mut out, mut names) = (Vec::new(), Vec::new());
        for index in (0..self.names.len()).filter(|index| *index != self.class) {
            let name = self.names[index].clone();
            let reason = match options.drop.contains(&name) {
                true => Some("asked for".to_string()),
                false if options.keep.contains(&name) => None,
                false => self.is_no_value(index).map(|reason| match options.keep_option {
                    "" => reason.to_string(),
                    option => format!("{reason}; {option} reads it"),
                }),
            };
            if let Some(reason) = reason {
                self.notices.push(format!("column `{name}` is left out: {reason}"));
                out.push(index);
                names.push(name);
            }
        }
        self.remove(&out);
        names
    }

    /// Takes out the column that names the group of each row.
    fn take_groups(&mut self, name: &str) -> Result<Vec<String>, DataError> {
        let index = self.place_of(name)?;
        if index == self.class {
            let reason = format!("the column `{name}` is the target, so that it cannot name the groups as well");
            return Err(DataError::malformed(self.place, reason));
        }
        if let Some(line) = self.lines.iter().find(|line| line.gap(index)) {
            return Err(self.wrong(line, index, "every row needs its group".into()));
        }
        let groups = self.lines.iter().map(|line| line.fields[index].to_string()).collect();
        self.remove(&[index]);
        Ok(groups)
    }

    fn remove(&mut self, out: &[usize]) {
        let kept: Vec<usize> = (0..self.names.len()).filter(|index| !out.contains(index)).collect();
        self.class = kept.iter().position(|index| *index == self.class).unwrap_or(0);
        self.names = kept.iter().map(|&index| self.names[index].clone()).collect();
        self.kinds = kept.iter().map(|&index| self.kinds[index].clone()).collect();
        for line in &mut self.lines {
            line.fields = kept.iter().map(|&index| line.fields[index].clone()).collect();
        }
    }

    /// Why a column is no value to learn from, if it is none.
    fn is_no_value(&self, index: usize) -> Option<String> {
        if let Kind::Words(_) = self.kinds[index] {
            return None;
        }
        let values: Vec<&str> = self.known(index).map(|line| line.fields[index].as_str()).collect();
        let known = values.len();
        if known == 0 {
            return Some("it holds no value".into());
        }
        let name = self.names[index].trim().to_lowercase();
        let dates = values.iter().filter(|value| is_date(value)).count();
        if dates as f64 >= MOSTLY * known as f64 || (DATES.contains(&name.as_str()) && known >= ENOUGH) {
            return Some("dates".into());
        }
        let different = values.iter().collect::<HashSet<_>>().len();
        let whole: Vec<i64> = values.iter().filter_map(|value| value.parse().ok()).collect();
        let is_named = IDENTIFIERS.contains(&name.as_str())
            || ["_id", " id", "-id", ".id"].iter().any(|end| name.ends_with(end))
            || self.names[index].ends_with("ID")
            || self.names[index].ends_with("Id");
        if known < ENOUGH || 2 * different <= known {
            return None;
        }
        if whole.len() == known {
            let span = whole.iter().max().zip(whole.iter().min()).map(|(most, least)| most.saturating_sub(*least));
            let is_counted = different == known && span.is_some_and(|span| span == known as i64 - 1);
            return match (is_counted, is_named) {
                (true, _) => Some("row numbers".into()),
                (false, true) => Some("identifiers by its name".into()),
                (false, false) => None,
            };
        }
        let numbers = self.known(index).filter(|line| line.is_number(index)).count();
        let is_text = 2 * numbers < known && (different > MANY || different == known);
        is_text.then(|| format!("identifiers or text, {different} different values in {}", pluralise(known, "row")))
    }

    /// What the target is, by its values.
    fn target_kind(&self, marks: Marks) -> TargetKind {
        let class = self.class;
        match self.kinds[class] {
            Kind::Words(_) | Kind::Text => return TargetKind::Classes,
            Kind::Numbers | Kind::Unknown => {}
        }
        if !self.is_plain(class) && !matches!(self.readable(class, marks), Ok(Some(_))) {
            // A measured column with a few words is a mistake, which is named where it is read as numbers.
            let (mut all, mut numbers) = (0, HashSet::new());
            for line in self.known(class) {
                all += 1;
                if line.is_number(class) {
                    numbers.insert(line.fields[class].as_str());
                }
            }
            let is_measured = numbers.len() > MANY && 2 * numbers.len() > all;
            return if is_measured { TargetKind::Numbers } else { TargetKind::Classes };
        }
        let values: HashSet<&str> = self.known(class).map(|line| line.fields[class].as_str()).collect();
        let is_whole = |value: &&str| value.parse::<f64>().is_ok_and(|value| value.fract() == 0.0);
        match values.len() > MANY || !values.iter().all(is_whole) {
            true => TargetKind::Numbers,
            false => TargetKind::Classes,
        }
    }

    /// The table of the other columns, every row of one class.
    fn with_one_class(mut self, marks: Marks) -> Result<Tabular, DataError> {
        let class = self.class;
        let mut columns = Vec::new();
        let mut values = Array2::zeros((self.lines.len(), self.names.len() - 1));
        for index in (0..self.names.len()).filter(|index| *index != class) {
            let (words, numbers) = self.column(index, marks)?;
            for (row, number) in numbers.into_iter().enumerate() {
                values[[row, columns.len()]] = number;
            }
            columns.push(Column { name: self.names[index].clone(), words });
        }
        self.check_width(&columns)?;
        let samples = Samples {
            source: self.place.into(),
            ids: self.ids(),
            labels: vec![0; self.lines.len()],
            parts: vec![Part::Train; self.lines.len()],
            groups: Vec::new(),
            classes: vec![self.names[class].clone()],
        };
        let target = self.names[class].clone();
        let notices = self.notices.into_iter().map(|notice| format!("{}: {notice}", self.place)).collect();
        Ok(Tabular { values, columns, target, samples, notices })
    }

    fn ids(&self) -> Vec<String> {
        self.lines.iter().map(|line| format!("line {}", line.number)).collect()
    }
}

/// The shortest decimal number that a value in single precision stands for: 0.1 for 0.1f32.
fn as_written(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(value.into())
}

/// Whether a text is a date or a time of day: 2024-01-05, 5.1.2024, 01/05/24 12:30, 12:30:05.
fn is_date(text: &str) -> bool {
    let first = text.split([' ', 'T']).next().unwrap_or("");
    let parts = |sign: char| -> Option<Vec<usize>> {
        let parts: Vec<&str> = first.trim_end_matches('Z').split(sign).collect();
        let is_number = |part: &&str| (1..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        (parts.len() == 3 && parts.iter().all(is_number)).then(|| parts.iter().map(|part| part.len()).collect())
    };
    // Day and month have at most two digits, the year two or four, at either end.
    let is_day = |lengths: Vec<usize>| {
        let year = |length: usize| length == 4 || length == 2;
        lengths[1] <= 2 && (year(lengths[0]) && lengths[2] <= 2 || year(lengths[2]) && lengths[0] <= 2)
    };
    if ['-', '/', '.'].into_iter().filter_map(parts).any(is_day) {
        return true;
    }
    let time: Vec<&str> = first.split(':').collect();
    let is_pair = |part: &&str| part.len() <= 2 && !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    (2..=3).contains(&time.len()) && time[..2].iter().all(is_pair)
}

/// What is known of the targets of new rows.
#[derive(Clone, Debug, PartialEq)]
pub enum KnownTarget {
    /// The table has no such column.
    Nothing,
    /// Texts; `None` at a gap.
    Classes(Vec<Option<String>>),
    /// Numbers; `None` at a gap.
    Numbers(Vec<Option<f64>>),
}

/// Rows for a trained model.
#[derive(Clone, Debug)]
pub struct NewTable {
    /// (rows, columns of the model): numbers, or positions in the column's words; NaN is a gap.
    pub values: Array2<f32>,
    /// "line 3".
    pub ids: Vec<String>,
    /// The target's column, where there is one.
    pub target: KnownTarget,
    /// Words that the model does not know, numbers in unusual notation.
    pub notices: Vec<String>,
}

impl NewTable {
    /// Reads the columns of a model from a CSV, KEEL or Parquet file, by their names. Others are not read.
    ///
    /// # Errors
    /// A missing column, or a value that is no number in a column of numbers; by line and column.
    pub fn read(path: &Path, columns: &[Column], target: (&str, TargetKind)) -> Result<Self, DataError> {
        let place = path.display().to_string();
        let mut names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        names.push(target.0);
        Self::of(grid_of_file(path, &place, &Expected { names: &names, width: 1 })?, columns, target)
    }

    fn of(mut grid: Grid, columns: &[Column], (target, kind): (&str, TargetKind)) -> Result<Self, DataError> {
        let answer = grid.names.iter().position(|name| name == target);
        // No column is apart, so that all numbers decide which decimal mark the table has.
        grid.class = answer.unwrap_or(grid.names.len());
        let marks = grid.marks();
        let mut values = Array2::zeros((grid.lines.len(), columns.len()));
        for (k, column) in columns.iter().enumerate() {
            let index = grid.place_of(&column.name)?;
            let read = match &column.words {
                None => grid.numbers(index, marks)?,
                Some(words) => grid.known_words(index, words),
            };
            read.into_iter().enumerate().for_each(|(row, value)| values[[row, k]] = value);
        }
        let target = match (answer, kind) {
            (None, _) => KnownTarget::Nothing,
            (Some(index), TargetKind::Classes) => {
                let text = |line: &Line| (!line.gap(index)).then(|| line.fields[index].clone());
                KnownTarget::Classes(grid.lines.iter().map(text).collect())
            }
            (Some(index), TargetKind::Numbers) => {
                let read = grid.numbers(index, marks)?;
                KnownTarget::Numbers(read.into_iter().map(|v| (!v.is_nan()).then(|| as_written(v))).collect())
            }
        };
        let notices = grid.notices.iter().map(|notice| format!("{}: {notice}", grid.place)).collect();
        Ok(Self { values, ids: grid.ids(), target, notices })
    }
}

impl Grid<'_> {
    /// A column that a model reads as numbers.
    fn numbers(&mut self, index: usize, marks: Marks) -> Result<Vec<f32>, DataError> {
        if self.is_plain(index) {
            return Ok(self.plain(index)?.1);
        }
        if let Some(mark) = self.readable(index, marks)? {
            return Ok(self.written(index, mark)?.1);
        }
        let odd = self.known(index).find(|line| !line.is_number(index)).unwrap_or(&self.lines[0]);
        Err(self.wrong(odd, index, "the model reads numbers here; ? is a gap".into()))
    }

    /// A column that a model reads as words; others are gaps.
    fn known_words(&mut self, index: usize, words: &[String]) -> Vec<f32> {
        let value = |line: &Line| words.iter().position(|word| *word == line.fields[index]).map(|k| k as f32);
        let read: Vec<f32> = self.lines.iter().map(|line| value(line).unwrap_or(f32::NAN)).collect();
        let mut unknown = self.lines.iter().zip(&read).filter(|(line, value)| value.is_nan() && !line.gap(index));
        if let Some((first, _)) = unknown.next() {
            let (name, text, count) =
                (&self.names[index], &first.fields[index], pluralise(1 + unknown.count(), "value"));
            let notice = format!(
                "column `{name}`: {count} such as `{text}` (line {}) did not occur in training and are read as gaps",
                first.number
            );
            self.notices.push(notice);
        }
        read
    }
}
