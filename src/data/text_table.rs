//! Tables of texts whose columns the caller knows by name: boxes, cells, sequences.

use std::ops::RangeInclusive;
use std::path::Path;

use super::delimited::{chosen_separator, parse_number, read_text, records};
use super::{DataError, grid::Line};

/// A table with a header. Rows are separated by commas, semicolons or tabs, whichever fits.
#[derive(Clone, Debug, PartialEq)]
pub struct TextTable {
    /// Names the source in messages.
    pub place: String,
    /// Names of the columns, as they are written.
    pub header: Vec<String>,
    /// The rows, each as wide as the header.
    pub rows: Vec<TextRow>,
    separator: u8,
}

/// One row.
#[derive(Clone, Debug, PartialEq)]
pub struct TextRow {
    /// Number of its line in the file, from 1.
    pub line: u64,
    /// Its fields.
    pub fields: Vec<String>,
}

impl TextTable {
    /// The texts of a column by its exact name, row by row.
    ///
    /// # Errors
    /// No such column, two of them, or an empty field.
    pub fn texts(&self, name: &str) -> Result<Vec<String>, DataError> {
        let mut found = (0..self.header.len()).filter(|&index| self.header[index].trim() == name);
        let index = match (found.next(), found.next()) {
            (Some(index), None) => index,
            (Some(_), Some(_)) => return Err(self.malformed(format!("two columns are called `{name}`; rename one"))),
            (None, _) => {
                let known = self.header.join(", ");
                return Err(self.malformed(format!("no column `{name}`; the columns are {known}")));
            }
        };
        if let Some(row) = self.rows.iter().find(|row| row.fields[index].trim().is_empty()) {
            return Err(self.wrong(row, index, "the field is empty; every row needs one"));
        }
        Ok(self.rows.iter().map(|row| row.fields[index].trim().to_string()).collect())
    }

    /// Reads a file.
    ///
    /// # Errors
    /// A file that cannot be read, or a row that is not as wide as the header.
    pub fn read(path: &Path) -> Result<Self, DataError> {
        Self::parse(&read_text(path)?, path.display().to_string())
    }

    /// From a text, which messages call `place`.
    ///
    /// ```
    /// let table = qgraft::data::TextTable::parse("x1;y\n0,5;up\n", "example").unwrap();
    /// assert_eq!(table.number(&table.rows[0], 0, 0.0..=1.0).unwrap(), 0.5);
    /// assert_eq!(table.column(&["y"]), Some(1));
    /// ```
    ///
    /// # Errors
    /// A row that is not as wide as the header.
    pub fn parse(text: &str, place: impl Into<String>) -> Result<Self, DataError> {
        let place = place.into();
        let separator = chosen_separator(text);
        let row = |Line { number, fields }| TextRow { line: number, fields };
        let rows: Result<Vec<TextRow>, csv::Error> = records(text, separator, usize::MAX).map(|l| l.map(row)).collect();
        let mut rows = rows.map_err(|e| DataError::malformed(&place, e))?;
        let header = if rows.is_empty() { Vec::new() } else { rows.remove(0).fields };
        if let Some(row) = rows.iter().find(|row| row.fields.len() != header.len()) {
            let (own, width) = (row.fields.len(), header.len());
            return Err(DataError::malformed(
                &place,
                format!("line {} has {own} fields, the header has {width}", row.line),
            ));
        }
        Ok(Self { place, header, rows, separator })
    }

    /// The column of the first of these names that there is, in lower case.
    pub fn column(&self, names: &[&str]) -> Option<usize> {
        let find = |name: &&str| self.header.iter().position(|own| own.to_lowercase() == **name);
        names.iter().find_map(find)
    }

    /// The number of a field.
    ///
    /// # Errors
    /// A field that is no number of this range, by line and column.
    pub fn number(&self, row: &TextRow, column: usize, range: RangeInclusive<f64>) -> Result<f64, DataError> {
        let value = parse_number(&row.fields[column], self.separator).filter(|value| range.contains(value));
        let expected = || match range == (f64::MIN..=f64::MAX) {
            true => "expected a finite number".to_string(),
            false => format!("expected a number from {} to {}", range.start(), range.end()),
        };
        value.ok_or_else(|| self.wrong(row, column, expected()))
    }

    /// What is wrong with a field, by line and column.
    pub fn wrong(&self, row: &TextRow, column: usize, reason: impl Into<String>) -> DataError {
        DataError::Field {
            place: self.place.clone(),
            line: row.line,
            column: self.header[column].clone(),
            value: row.fields[column].clone(),
            reason: reason.into(),
        }
    }

    /// What is wrong with the table.
    pub fn malformed(&self, reason: impl Into<String>) -> DataError {
        DataError::Malformed { place: self.place.clone(), reason: reason.into() }
    }
}
