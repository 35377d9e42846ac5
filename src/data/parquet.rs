//! Tables in Parquet files (feature `parquet`): flat columns of numbers, words and truth values. The class is the last.

use std::path::Path;

use super::DataError;
use super::grid::Grid;

/// The first bytes of every Parquet file.
pub(super) const MAGIC: &[u8] = b"PAR1";

/// Without the feature `parquet`: an error that names it.
#[cfg(not(feature = "parquet"))]
pub(super) fn grid<'a>(path: &Path, _place: &'a str) -> Result<Grid<'a>, DataError> {
    let reason = "a Parquet file, which this program was built without reading; build it with `cargo build --features parquet`, \
                  or write the table as CSV";
    Err(DataError::malformed(path.display(), reason))
}

/// Reads the file.
///
/// # Errors
/// A file that is cut short or packed in a way that is not read, columns of dates, bytes or lists, and what is wrong in a
/// text file; by row and column.
#[cfg(feature = "parquet")]
pub(super) fn grid<'a>(path: &Path, place: &'a str) -> Result<Grid<'a>, DataError> {
    use ::parquet::file::reader::{FileReader, SerializedFileReader};

    use super::grid::{Kind, Line};

    let unreadable = |e| DataError::malformed(place, format!("not a readable Parquet file: {e}"));
    let file = crate::math::input::open(path).map_err(DataError::io(path))?;
    let reader = SerializedFileReader::new(file).map_err(unreadable)?;
    let schema = reader.metadata().file_metadata().schema();
    // Row names of pandas, which are no column of the table.
    let is_index = |name: &str| name.starts_with("__index_level_");
    let names: Vec<String> =
        schema.get_fields().iter().map(|field| field.name().to_string()).filter(|name| !is_index(name)).collect();
    if names.len() < 2 {
        let reason = format!("{} columns; expected values and a class", names.len());
        return Err(DataError::malformed(place, reason));
    }
    // Until a value is seen, a column holds gaps alone: numbers that are not known.
    let mut kinds = vec![Kind::Numbers; names.len()];
    let mut lines = Vec::new();
    for (row, number) in reader.get_row_iter(None).map_err(unreadable)?.zip(1..) {
        let row = row.map_err(unreadable)?;
        let mut fields = Vec::with_capacity(names.len());
        for (name, field) in row.get_column_iter().filter(|(name, _)| !is_index(name)) {
            let unfit = |value: String| DataError::Field {
                place: place.into(),
                line: number,
                column: name.clone(),
                value,
                reason: "expected a number, a word or a truth value".into(),
            };
            let (text, kind) = text_and_kind(field).ok_or_else(|| unfit(field.to_string()))?;
            if let Some(kind) = kind {
                kinds[fields.len()] = kind;
            }
            fields.push(text);
        }
        lines.push(Line { number, fields });
    }
    if lines.is_empty() {
        return Err(DataError::malformed(place, "no rows"));
    }
    Ok(Grid { place, class: names.len() - 1, names, kinds, lines, separator: None, notices: Vec::new() })
}

/// A value as text, and the kind of column that it implies. A gap implies none.
#[cfg(feature = "parquet")]
fn text_and_kind(field: &::parquet::record::Field) -> Option<(String, Option<super::grid::Kind>)> {
    use ::parquet::record::Field;

    use super::grid::Kind;

    let number = |text: String| Some((text, Some(Kind::Numbers)));
    let word = |text: String| Some((text, Some(Kind::Text)));
    match field {
        Field::Null => Some((String::new(), None)),
        Field::Bool(value) => word(value.to_string()),
        Field::Str(text) => word(text.clone()),
        // Words of writers that do not mark their bytes as text.
        Field::Bytes(bytes) => word(bytes.as_utf8().ok()?.into()),
        Field::Float(value) => number(value.to_string()),
        Field::Double(value) => number(value.to_string()),
        Field::Byte(_)
        | Field::Short(_)
        | Field::Int(_)
        | Field::Long(_)
        | Field::UByte(_)
        | Field::UShort(_)
        | Field::UInt(_)
        | Field::ULong(_)
        | Field::Float16(_)
        | Field::Decimal(_) => number(field.to_string()),
        _ => None,
    }
}
