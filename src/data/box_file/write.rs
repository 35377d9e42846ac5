//! Boxes written in any of the formats.

use serde_json::{Value, json};

use super::{BoxFormat, BoxUnit, ClassName, JoinedBox, JoinedImage};
use crate::data::DataError;

/// Files by name: one file, or one for each image.
pub enum BoxContents {
    /// One file.
    File(Vec<u8>),
    /// The files of a folder.
    Folder(Vec<(String, Vec<u8>)>),
}

/// Writes `boxes[image]` of `images`, with scores where they are known. `unit` is that of a table: pixels by default, and
/// shares where no size is known.
///
/// # Errors
/// A format in pixels or in shares for images whose size is not known.
pub fn write_boxes(
    format: BoxFormat,
    unit: BoxUnit,
    (images, classes): (&[JoinedImage], &[ClassName]),
    boxes: &[Vec<JoinedBox>],
) -> Result<BoxContents, DataError> {
    let image_ids = numbers(images.iter().map(|image| image.name.id), 1);
    let class_ids = match format {
        BoxFormat::Yolo => lines_of_names(classes),
        _ => numbers(classes.iter().map(|class| class.id), 1),
    };
    let unsized_image = |image: &JoinedImage, reason: &str| {
        DataError::malformed(
            format!("image {}", image.name.text()),
            format!(
                "{reason}, but its size is not known; name the folder of the pictures, or COCO annotations with sizes"
            ),
        )
    };
    // Boxes alone tell nothing of the picture: an extent of 1 comes from shares.
    let in_pixels = |image: &JoinedImage| image.name.size.is_some() || image.frame != [1.0; 2];
    let pixels = |image: &JoinedImage, found: &JoinedBox| {
        let [width, height] = image.frame;
        let [left, top, right, bottom] = found.corners;
        [left * width, top * height, right * width, bottom * height]
    };
    let all = || images.iter().zip(boxes).enumerate().filter(|(_, (_, boxes))| !boxes.is_empty());
    match format {
        BoxFormat::CocoResults | BoxFormat::CocoAnnotations => {
            let mut entries = Vec::new();
            for (index, (image, found)) in all() {
                if !in_pixels(image) {
                    return Err(unsized_image(image, "COCO has corners in pixels"));
                }
                for found in found {
                    let [left, top, right, bottom] = pixels(image, found);
                    let id = match (format, image.name.id, &image.name.name) {
                        (BoxFormat::CocoResults, None, Some(name)) => Value::from(name.as_str()),
                        _ => Value::from(image_ids[index]),
                    };
                    let mut entry = json!({
                        "image_id": id,
                        "category_id": class_ids[found.class],
                        "bbox": [left, top, right - left, bottom - top],
                    });
                    if let Some(score) = found.score {
                        entry["score"] = score.into();
                    }
                    if format == BoxFormat::CocoAnnotations {
                        entry["id"] = (entries.len() + 1).into();
                        entry["area"] = ((right - left) * (bottom - top)).into();
                        entry["iscrowd"] = 0.into();
                    }
                    entries.push(entry);
                }
            }
            let text = if format == BoxFormat::CocoResults {
                // One entry in a line: files of results are long.
                let entries: Vec<String> = entries.iter().map(Value::to_string).collect();
                format!("[{}]\n", entries.join(",\n"))
            } else {
                let image = |(index, image): (usize, &JoinedImage)| {
                    let mut entry = json!({ "id": image_ids[index], "file_name": image.name.text() });
                    if let Some([width, height]) = image.name.size {
                        (entry["width"], entry["height"]) = (width.into(), height.into());
                    }
                    entry
                };
                let category =
                    |(index, class): (usize, &ClassName)| json!({ "id": class_ids[index], "name": class.text() });
                json!({
                    "images": images.iter().enumerate().map(image).collect::<Vec<_>>(),
                    "annotations": entries,
                    "categories": classes.iter().enumerate().map(category).collect::<Vec<_>>(),
                })
                .to_string()
                    + "\n"
            };
            Ok(BoxContents::File(text.into_bytes()))
        }
        BoxFormat::Csv => {
            let mut text = String::from("image,label,score,x1,y1,x2,y2\n");
            for (_, (image, found)) in all() {
                let as_shares = match unit {
                    BoxUnit::Shares if image.name.size.is_none() && image.frame != [1.0; 2] => {
                        return Err(unsized_image(image, "shares of the picture are asked for"));
                    }
                    BoxUnit::Shares => true,
                    BoxUnit::Pixels if !in_pixels(image) => {
                        return Err(unsized_image(image, "pixels are asked for"));
                    }
                    BoxUnit::Pixels => false,
                    BoxUnit::Auto => !in_pixels(image),
                };
                for found in found {
                    let [left, top, right, bottom] = if as_shares { found.corners } else { pixels(image, found) };
                    let score = found.score.map_or(String::new(), |score| score.to_string());
                    let (image, label) = (quoted(&image.name.text()), quoted(&classes[found.class].text()));
                    text += &format!("{image},{label},{score},{left},{top},{right},{bottom}\n");
                }
            }
            Ok(BoxContents::File(text.into_bytes()))
        }
        BoxFormat::Yolo => {
            let mut files = Vec::new();
            for (index, (image, found)) in images.iter().zip(boxes).enumerate() {
                if !found.is_empty() && image.name.size.is_none() && image.frame != [1.0; 2] {
                    return Err(unsized_image(image, "YOLO has corners in shares of the picture"));
                }
                let mut text = String::new();
                for found in found {
                    let [left, top, right, bottom] = found.corners;
                    let (x, y) = ((left + right) / 2.0, (top + bottom) / 2.0);
                    let score = found.score.map_or(String::new(), |score| format!(" {score}"));
                    text += &format!("{} {x} {y} {} {}{score}\n", class_ids[found.class], right - left, bottom - top);
                }
                let name = match &image.name.name {
                    Some(name) => stem(name),
                    None => image_ids[index].to_string(),
                };
                files.push((format!("{name}.txt"), text.into_bytes()));
            }
            if classes.iter().any(|class| class.name.is_some()) {
                let mut names: Vec<(i64, String)> =
                    class_ids.iter().zip(classes).map(|(id, class)| (*id, class.text())).collect();
                names.sort();
                // Lines are numbered, so a gap would shift the names behind it.
                if names.iter().enumerate().all(|(line, (id, _))| line as i64 == *id) {
                    let text: String = names.into_iter().map(|(_, name)| name + "\n").collect();
                    files.push(("classes.txt".into(), text.into_bytes()));
                }
            }
            Ok(BoxContents::Folder(files))
        }
    }
}

/// The path without the ending of a picture, without a way out of the folder.
fn stem(name: &str) -> String {
    let is_picture = crate::data::picture_file::is_picture(std::path::Path::new(name));
    let stem = if is_picture { name.rsplit_once('.').map_or(name, |(stem, _)| stem) } else { name };
    let parts = stem.split(['/', '\\']).filter(|part| !part.is_empty() && *part != "." && *part != "..");
    parts.collect::<Vec<_>>().join("/")
}

/// Numbers of classes for YOLO, which are lines of a list of names: their own if these are 0, 1, …, else their order.
fn lines_of_names(classes: &[ClassName]) -> Vec<i64> {
    let own = numbers(classes.iter().map(|class| class.id), 0);
    let mut sorted = own.clone();
    sorted.sort_unstable();
    let is_list = sorted.iter().zip(0..).all(|(id, line)| *id == line);
    if is_list { own } else { own.iter().map(|id| sorted.partition_point(|other| other < id) as i64).collect() }
}

/// Own numbers if all have one and none twice, else those from `first` on.
fn numbers(own: impl Iterator<Item = Option<i64>> + Clone, first: usize) -> Vec<i64> {
    let known: Vec<i64> = own.clone().flatten().collect();
    let mut distinct = known.clone();
    distinct.sort_unstable();
    distinct.dedup();
    let count = own.count();
    match distinct.len() == count && count == known.len() {
        true => known,
        false => (first as i64..).take(count).collect(),
    }
}

fn quoted(text: &str) -> String {
    match text.contains([',', '"', '\n']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.into(),
    }
}
