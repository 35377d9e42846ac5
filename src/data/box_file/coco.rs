//! COCO's two JSON files (Lin et al. 2014, arXiv:1405.0312; cocodataset.org, "Data format" and "Results format").

use std::collections::HashMap;
use std::fmt::Display;

use serde::Deserialize;

use super::{BoxFile, BoxFormat, ClassName, FileBox, ImageName, finite};
use crate::data::DataError;

/// A number, or what some programs write in its place.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Hash)]
#[serde(untagged)]
enum Id {
    Number(i64),
    Text(String),
}

/// An entry of results or annotations.
#[derive(Deserialize)]
struct Entry {
    image_id: Option<Id>,
    category_id: Option<i64>,
    bbox: Option<Vec<f64>>,
    score: Option<f64>,
    #[serde(default)]
    iscrowd: Flag,
}

/// 0 and 1, or false and true.
#[derive(Default, Deserialize)]
#[serde(untagged)]
enum Flag {
    #[default]
    Absent,
    Number(i64),
    Truth(bool),
}

#[derive(Deserialize)]
struct Image {
    id: Option<Id>,
    file_name: Option<String>,
    width: Option<f64>,
    height: Option<f64>,
}

#[derive(Deserialize)]
struct Category {
    id: Option<i64>,
    name: Option<String>,
}

#[derive(Deserialize)]
struct Annotations {
    images: Option<Vec<Image>>,
    annotations: Option<Vec<Entry>>,
    categories: Option<Vec<Category>>,
}

/// Reads either file: results are a list, annotations an object.
pub(super) fn parse(bytes: &[u8], place: impl Display) -> Result<BoxFile, DataError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let failed = |e: serde_json::Error| {
        DataError::malformed(&place, format!("no COCO JSON: {e}; expected numbers, and no NaN or Infinity"))
    };
    match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'[') => results(serde_json::from_slice(bytes).map_err(failed)?, place),
        _ => annotations(serde_json::from_slice(bytes).map_err(failed)?, place),
    }
}

fn results(entries: Vec<Entry>, place: impl Display) -> Result<BoxFile, DataError> {
    let mut file = BoxFile::new(place, BoxFormat::CocoResults);
    let (mut images, mut classes) = (HashMap::new(), HashMap::new());
    for (index, entry) in entries.into_iter().enumerate() {
        let (id, category, corners) = fields(&file, index, &entry)?;
        if entry.score.is_none() {
            let reason = format!("entry {index} (from 0) has no score; results of a detector have one in each entry");
            return Err(file.malformed(reason));
        }
        let image = *images.entry(id.clone()).or_insert_with(|| {
            file.images.push(named(id));
            file.images.len() - 1
        });
        let class = *classes.entry(category).or_insert_with(|| {
            file.classes.push(ClassName { id: Some(category), name: None });
            file.classes.len() - 1
        });
        file.boxes.push(FileBox { image, class, score: entry.score, corners });
    }
    Ok(file.in_order())
}

fn named(id: Id) -> ImageName {
    match id {
        Id::Number(id) => ImageName { id: Some(id), ..ImageName::default() },
        Id::Text(name) => ImageName { name: Some(name), ..ImageName::default() },
    }
}

fn annotations(read: Annotations, place: impl Display) -> Result<BoxFile, DataError> {
    let mut file = BoxFile::new(place, BoxFormat::CocoAnnotations);
    let (Some(images), Some(entries), Some(categories)) = (read.images, read.annotations, read.categories) else {
        return Err(file.malformed(
            "expected a list of results, or an object with the lists images, annotations and categories; one is missing",
        ));
    };
    let mut image_of = HashMap::new();
    for (index, image) in images.into_iter().enumerate() {
        let Some(id) = image.id else { return Err(file.malformed(format!("images: entry {index} has no id"))) };
        let size = image.width.zip(image.height).map(|(width, height)| [width, height]);
        let size = size.filter(|size| size.iter().all(|side| *side > 0.0));
        let known = named(id.clone());
        if image_of.insert(id, file.images.len()).is_some() {
            return Err(file.malformed(format!("images: two entries have the id {}", known.text())));
        }
        file.images.push(ImageName { id: known.id, name: image.file_name.or(known.name), size });
    }
    let mut class_of = HashMap::new();
    for (index, category) in categories.into_iter().enumerate() {
        let Some(id) = category.id else { return Err(file.malformed(format!("categories: entry {index} has no id"))) };
        if class_of.insert(id, file.classes.len()).is_some() {
            return Err(file.malformed(format!("categories: two entries have the id {id}")));
        }
        file.classes.push(ClassName { id: Some(id), name: category.name });
    }
    let mut crowds = 0;
    for (index, entry) in entries.into_iter().enumerate() {
        if !matches!(entry.iscrowd, Flag::Absent | Flag::Number(0) | Flag::Truth(false)) {
            crowds += 1;
            continue;
        }
        let (id, category, corners) = fields(&file, index, &entry)?;
        let find = |what: &str, found: Option<&usize>, id: String| {
            let reason = format!("annotations: entry {index} (from 0) names {what} {id}, which is not listed");
            found.copied().ok_or_else(|| file.malformed(reason))
        };
        let image = find("image_id", image_of.get(&id), named(id.clone()).text())?;
        let class = find("category_id", class_of.get(&category), category.to_string())?;
        file.boxes.push(FileBox { image, class, score: entry.score, corners });
    }
    if crowds > 0 {
        file.notices.push(format!("{}: {crowds} regions marked as crowds are left out", file.place));
    }
    Ok(file.in_order())
}

/// Image, category and corners of an entry.
fn fields(file: &BoxFile, index: usize, entry: &Entry) -> Result<(Id, i64, [f64; 4]), DataError> {
    let wrong = |field: &str, expected: &str| {
        file.malformed(format!("entry {index} (from 0): field {field}: expected {expected}"))
    };
    let id = entry.image_id.clone().ok_or_else(|| wrong("image_id", "a number or the name of a file"))?;
    let category = entry.category_id.ok_or_else(|| wrong("category_id", "a number"))?;
    let [left, top, width, height] = entry.bbox.as_deref().unwrap_or_default() else {
        return Err(wrong("bbox", "four numbers: left, top, width, height, in pixels"));
    };
    if entry.score.is_some_and(|score| finite(score).is_none() || score < 0.0) {
        return Err(wrong("score", "a number of 0 or more"));
    }
    Ok((id, category, [*left, *top, left + width, top + height]))
}
