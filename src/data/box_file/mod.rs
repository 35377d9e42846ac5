//! Boxes in files: what detectors found, or what annotators marked.
//!
//! * [`BOX_FORMATS`]: the formats. [`read_boxes`] recognises which one a path is; [`picture_sizes`] reads pictures alone.
//! * [`JoinedBoxes`]: several files whose images and classes are recognised as the same.
//! * [`write_boxes`]: one list of boxes for each image, in any of the formats.

mod coco;
mod join;
mod table;
mod write;
mod yolo;

use std::path::Path;

pub use join::{JoinedBox, JoinedBoxes, JoinedImage};
pub use write::{BoxContents, write_boxes};
pub(super) use yolo::is_annotation;

use super::file::read_file;
use super::picture_file::is_picture;
use super::walk::Walk;
use super::{DataError, read_text};

/// Left, top, right, bottom.
type Corners = [f64; 4];

/// How boxes are written in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoxFormat {
    /// COCO results.
    CocoResults,
    /// COCO annotations.
    CocoAnnotations,
    /// Comma-separated values.
    Csv,
    /// A text file for each picture.
    Yolo,
}

/// A format by name.
#[derive(Debug)]
pub struct BoxFormatRow {
    /// Name on the command line.
    pub name: &'static str,
    /// One line for people: fields and units.
    pub doc: &'static str,
    /// The format.
    pub format: BoxFormat,
}

/// Every format.
pub static BOX_FORMATS: &[BoxFormatRow] = &[
    BoxFormatRow {
        name: "coco_results",
        doc: "JSON list of image_id, category_id, bbox (left, top, width, height in pixels), score",
        format: BoxFormat::CocoResults,
    },
    BoxFormatRow {
        name: "coco",
        doc: "JSON object with images, annotations (bbox as in coco_results, score if there is one) and categories",
        format: BoxFormat::CocoAnnotations,
    },
    BoxFormatRow {
        name: "csv",
        doc: "columns image, label, score, x1, y1, x2, y2: corners in pixels, or in shares of the picture",
        format: BoxFormat::Csv,
    },
    BoxFormatRow {
        name: "yolo",
        doc: "folder with a text file for each picture: class, centre x, centre y, width, height (shares), score",
        format: BoxFormat::Yolo,
    },
];

impl BoxFormat {
    /// Its name in [`BOX_FORMATS`].
    pub fn name(self) -> &'static str {
        BOX_FORMATS.iter().find(|row| row.format == self).map_or("", |row| row.name)
    }
}

/// What a file calls an image.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImageName {
    /// Its number.
    pub id: Option<i64>,
    /// Its file, with or without folder and ending.
    pub name: Option<String>,
    /// Width and height, pixels.
    pub size: Option<[f64; 2]>,
}

impl ImageName {
    /// Its name, else its number.
    pub fn text(&self) -> String {
        match (&self.name, self.id) {
            (Some(name), _) => name.clone(),
            (None, Some(id)) => id.to_string(),
            (None, None) => String::new(),
        }
    }
}

/// What a file calls a class.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClassName {
    /// Its number.
    pub id: Option<i64>,
    /// Its name.
    pub name: Option<String>,
}

impl ClassName {
    /// Its name, else its number.
    pub fn text(&self) -> String {
        match (&self.name, self.id) {
            (Some(name), _) => name.clone(),
            (None, Some(id)) => id.to_string(),
            (None, None) => String::new(),
        }
    }
}

/// A box of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct FileBox {
    /// Index of its image in the file.
    pub image: usize,
    /// Index of its class in the file.
    pub class: usize,
    /// Confidence; a file of annotations has none.
    pub score: Option<f64>,
    /// Left, top, right, bottom, in the unit of the file.
    pub corners: [f64; 4],
}

/// The boxes of a file, or of a folder of text files.
#[derive(Clone, Debug, PartialEq)]
pub struct BoxFile {
    /// Its path, for messages.
    pub place: String,
    /// How it is written.
    pub format: BoxFormat,
    /// Whether corners are shares of the picture; else they are pixels.
    pub in_shares: bool,
    /// Its images. Some may have no box.
    pub images: Vec<ImageName>,
    /// Its classes.
    pub classes: Vec<ClassName>,
    /// Its boxes, each with an area.
    pub boxes: Vec<FileBox>,
    /// What was left out or assumed.
    pub notices: Vec<String>,
}

impl BoxFile {
    fn new(place: impl ToString, format: BoxFormat) -> Self {
        Self {
            place: place.to_string(),
            format,
            in_shares: false,
            images: Vec::new(),
            classes: Vec::new(),
            boxes: Vec::new(),
            notices: Vec::new(),
        }
    }

    fn malformed(&self, reason: impl ToString) -> DataError {
        DataError::malformed(&self.place, reason)
    }

    /// Index of this class; a new one is added.
    fn class(&mut self, class: ClassName) -> usize {
        self.classes.iter().position(|known| *known == class).unwrap_or_else(|| {
            self.classes.push(class);
            self.classes.len() - 1
        })
    }

    /// Puts corners in order and leaves out boxes without area, with notices.
    fn in_order(mut self) -> Self {
        let mut swapped = 0;
        for FileBox { corners, .. } in &mut self.boxes {
            let [left, top, right, bottom] = *corners;
            *corners = [left.min(right), top.min(bottom), left.max(right), top.max(bottom)];
            swapped += usize::from(left > right || top > bottom);
        }
        let before = self.boxes.len();
        self.boxes.retain(|found| found.corners[0] < found.corners[2] && found.corners[1] < found.corners[3]);
        let empty = before - self.boxes.len();
        for (count, what) in [(swapped, "with swapped corners are put in order"), (empty, "without area are left out")]
        {
            if count > 0 {
                self.notices.push(format!("{}: {count} of {before} boxes {what}", self.place));
            }
        }
        self
    }
}

/// The unit of corners in a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BoxUnit {
    /// Shares of the picture if all lie in 0..=1, else pixels; a notice says which.
    #[default]
    Auto,
    /// Pixels.
    Pixels,
    /// Shares of the picture's width and height.
    Shares,
}

/// Reads boxes: a JSON file of COCO, a table, a text file of YOLO or a folder of such files. `unit` is that of corners in
/// a table; the other formats have their own.
///
/// # Errors
/// A path of no known format, a field that is missing or no number, each by file and entry.
pub fn read_boxes(path: &Path, unit: BoxUnit) -> Result<BoxFile, DataError> {
    if path.is_dir() {
        return yolo::folder(path);
    }
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or("").to_ascii_lowercase();
    match ending.as_str() {
        "json" => coco::parse(&read_file(path)?, path.display()),
        "txt" => yolo::file(path),
        "csv" | "tsv" => table::parse(&read_text(path)?, path.display(), unit),
        _ => {
            // A file whose name says nothing: JSON starts with a bracket.
            let bytes = read_file(path)?;
            match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
                Some(b'[' | b'{') => coco::parse(&bytes, path.display()),
                _ => Err(DataError::malformed(
                    path.display(),
                    "no file of boxes; expected COCO JSON (.json), a table (.csv), a YOLO text file (.txt) or a folder of \
                     them",
                )),
            }
        }
    }
}

/// The pictures below a folder, with their sizes and without boxes.
///
/// # Errors
/// A folder that cannot be read, a picture whose size cannot be read.
pub fn picture_sizes(folder: &Path) -> Result<BoxFile, DataError> {
    let mut found = BoxFile::new(folder.display(), BoxFormat::Yolo);
    for path in Walk::below(folder, true)?.files.into_iter().filter(|path| is_picture(path)) {
        let (width, height) = image::image_dimensions(&path)
            .map_err(|e| DataError::BadImage { path: path.clone(), reason: e.to_string() })?;
        let name = inside(folder, &path);
        let size = Some([f64::from(width), f64::from(height)]);
        found.images.push(ImageName { id: None, name: Some(name), size });
    }
    if found.images.is_empty() {
        return Err(found.malformed("no pictures"));
    }
    Ok(found)
}

/// The path inside a folder, with slashes.
pub(super) fn inside(folder: &Path, path: &Path) -> String {
    let inside = path.strip_prefix(folder).unwrap_or(path);
    inside.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
}

/// Refuses a number that is not finite.
fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}
