//! Objects cut out of pictures with boxes: one picture for each box, in the class of the box.

use std::path::Path;

use super::{BoxedPicture, DataError, Picture, Pictures, Samples, read_voc};

/// Rows that pictures are scaled to before they are cut.
const HEIGHT: usize = 360;
/// A smaller box, in pixels of the scaled picture, shows too little.
const SMALLEST: f64 = 12.0;

/// Whether a path is a folder or an archive in the layout of Pascal VOC, by its ending or by the folder `Annotations`.
pub fn has_boxes(path: &Path) -> bool {
    let is_zip = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("zip"));
    path.is_file() && is_zip || path.join("Annotations").is_dir()
}

/// Reads pictures with boxes, see [`read_voc`], and cuts the first box of each class out of each picture: a square around
/// its centre, moved into the picture. Parts are those of the lists; objects of one picture are one group. Boxes that are
/// only a few pixels wide or high are left out.
///
/// # Errors
/// As [`read_voc`], and if the objects are of fewer than two classes or a class has none to learn from or none held out.
pub fn read_crops(path: &Path) -> Result<Pictures, DataError> {
    let read = read_voc(path, HEIGHT)?;
    let samples = Samples {
        source: path.display().to_string(),
        ids: vec![],
        labels: vec![],
        classes: read.classes,
        parts: vec![],
        groups: vec![],
    };
    let mut found = Pictures { pictures: Vec::new(), samples, skipped: Vec::new(), notices: read.skipped };
    let (mut small, mut further) = (0, 0);
    for (group, BoxedPicture { id, part, picture, boxes }) in read.pictures.iter().enumerate() {
        let mut taken = vec![false; found.samples.classes.len()];
        for (number, (corners, class)) in boxes.iter().enumerate() {
            let [left, top, right, bottom] = pixels(*corners, picture);
            if (right - left).min(bottom - top) < SMALLEST {
                small += 1;
                continue;
            }
            if std::mem::replace(&mut taken[*class], true) {
                further += 1;
                continue;
            }
            found.pictures.push(square(picture, [left, top, right, bottom]));
            found.samples.ids.push(format!("{id}#{number}"));
            found.samples.labels.push(*class);
            found.samples.parts.push(*part);
            found.samples.groups.push(group);
        }
    }
    if small > 0 {
        found.notices.push(format!("{small} boxes are narrower than {SMALLEST} of {HEIGHT} pixels and were left out"));
    }
    if further > 0 {
        found.notices.push(format!("{further} further boxes were left out: one of each class is cut out of a picture"));
    }
    let is_cut = |class: usize| found.samples.labels.contains(&class);
    let (kept, empty): (Vec<usize>, Vec<usize>) = (0..found.samples.classes.len()).partition(|&class| is_cut(class));
    if let [_, ..] = empty[..] {
        let names: Vec<&str> = empty.iter().map(|&class| found.samples.classes[class].as_str()).collect();
        found.notices.push(format!("no object of {} is large enough", names.join(", ")));
        let position = |class: &usize| kept.iter().position(|other| other == class).unwrap_or(0);
        found.samples.labels = found.samples.labels.iter().map(position).collect();
        found.samples.classes = kept.iter().map(|&class| found.samples.classes[class].clone()).collect();
    }
    found.samples = found.samples.checked()?;
    Ok(found)
}

fn pixels([left, top, right, bottom]: [f64; 4], picture: &Picture) -> [f64; 4] {
    let (width, height) = (picture.width as f64, picture.height as f64);
    [left * width, top * height, right * width, bottom * height]
}

/// The square around a box, as large as its longer side allows inside the picture.
fn square(picture: &Picture, [left, top, right, bottom]: [f64; 4]) -> Picture {
    let side = (right - left).max(bottom - top).round() as usize;
    let side = side.clamp(1, picture.width.min(picture.height));
    let start =
        |centre: f64, length: usize| (centre - side as f64 / 2.0).round().clamp(0.0, (length - side) as f64) as usize;
    let (x, y) = (start((left + right) / 2.0, picture.width), start((top + bottom) / 2.0, picture.height));
    let row = |row: usize| &picture.rgb[3 * ((y + row) * picture.width + x)..][..3 * side];
    Picture { width: side, height: side, rgb: (0..side).flat_map(row).copied().collect() }
}
