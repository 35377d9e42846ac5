//! Boxes as a table with a header: one box in a line.

use std::collections::HashMap;
use std::fmt::Display;

use super::{BoxFile, BoxFormat, BoxUnit, ClassName, FileBox, ImageName};
use crate::data::{DataError, TextTable};

/// What a column holds, and the names that it goes by.
const COLUMNS: [(&str, &[&str]); 9] = [
    ("image", &["image", "image_id", "imageid", "file", "filename", "file_name", "path"]),
    ("label", &["label", "class", "class_id", "class_name", "category", "category_id", "name"]),
    ("score", &["score", "confidence", "conf", "probability"]),
    ("x1", &["x1", "xmin", "x_min", "left"]),
    ("y1", &["y1", "ymin", "y_min", "top"]),
    ("x2", &["x2", "xmax", "x_max", "right"]),
    ("y2", &["y2", "ymax", "y_max", "bottom"]),
    ("image_width", &["image_width", "img_width"]),
    ("image_height", &["image_height", "img_height"]),
];

/// Reads a table; separated by commas, semicolons or tabs.
pub(super) fn parse(text: &str, place: impl Display, unit: BoxUnit) -> Result<BoxFile, DataError> {
    let mut file = BoxFile::new(place, BoxFormat::Csv);
    let table = TextTable::parse(text, file.place.clone())?;
    let at = COLUMNS.map(|(_, names)| table.column(names));
    for index in [0, 1, 3, 4, 5, 6] {
        if at[index].is_none() {
            let reason = format!(
                "no column {}; expected image, label, score, x1, y1, x2, y2, found {}",
                COLUMNS[index].0,
                table.header.join(", ").to_lowercase()
            );
            return Err(file.malformed(reason));
        }
    }
    let (mut images, mut classes) = (HashMap::new(), HashMap::new());
    for row in &table.rows {
        let field = |index: usize| at[index].map_or("", |column| &row.fields[column]);
        // What is required is there: see above.
        let column = |index: usize| at[index].unwrap_or_default();
        let wrong = |index: usize, reason: &str| table.wrong(row, column(index), reason);
        let number = |index: usize| table.number(row, column(index), f64::MIN..=f64::MAX);
        let score = match at[2] {
            Some(_) => Some(number(2)?),
            None => None,
        };
        if score.is_some_and(|score| score < 0.0) {
            return Err(wrong(2, "expected a score of 0 or more"));
        }
        let corners = [number(3)?, number(4)?, number(5)?, number(6)?];
        let size = match (at[7], at[8]) {
            (Some(_), Some(_)) => Some([number(7)?, number(8)?]),
            _ => None,
        };
        for index in [0, 1] {
            if field(index).is_empty() {
                return Err(wrong(index, "expected a name"));
            }
        }
        let (name, label) = (field(0).to_string(), field(1).to_string());
        let image = *images.entry(name.clone()).or_insert(file.images.len());
        if image == file.images.len() {
            file.images.push(ImageName { id: name.parse().ok(), name: Some(name), size });
        }
        let class = *classes.entry(label.clone()).or_insert(file.classes.len());
        if class == file.classes.len() {
            file.classes.push(ClassName { id: label.parse().ok(), name: Some(label) });
        }
        file.boxes.push(FileBox { image, class, score, corners });
    }
    let edges = || file.boxes.iter().flat_map(|found| found.corners);
    file.in_shares = match unit {
        BoxUnit::Pixels => false,
        BoxUnit::Shares => true,
        BoxUnit::Auto => !file.boxes.is_empty() && edges().all(|edge| (0.0..=1.0).contains(&edge)),
    };
    if file.in_shares && unit == BoxUnit::Auto {
        let notice =
            format!("{}: every corner lies in 0..=1, so corners are read as shares of the picture", file.place);
        file.notices.push(notice);
    }
    if file.in_shares && edges().any(|edge| !(-1.0..=2.0).contains(&edge)) {
        return Err(file.malformed("corners in shares of the picture lie in 0..=1; some here are far outside"));
    }
    Ok(file.in_order())
}
