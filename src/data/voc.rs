//! Pictures with boxes in the layout of Pascal VOC: JPEGImages, Annotations, and lists of names in ImageSets/Main.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use super::folder::decode_bytes;
use super::{DataError, Part, Picture, resize};

/// A picture and what is in it.
#[derive(Clone, Debug)]
pub struct BoxedPicture {
    /// Its name in the lists.
    pub id: String,
    /// Which list it is in.
    pub part: Part,
    /// The picture, scaled.
    pub picture: Picture,
    /// Boxes (left, top, right, bottom, as shares of the picture) with their classes.
    pub boxes: Vec<([f64; 4], usize)>,
}

/// Pictures with boxes.
#[derive(Clone, Debug)]
pub struct BoxedPictures {
    /// Class names in alphabetical order.
    pub classes: Vec<String>,
    /// In the order of the lists: train, val, test.
    pub pictures: Vec<BoxedPicture>,
    /// Boxes that were left out, and why.
    pub skipped: Vec<String>,
}

/// Left, top, right, bottom.
type Corners = [f64; 4];

const LISTS: [(&str, Part); 3] = [("train", Part::Train), ("val", Part::Validation), ("test", Part::Test)];

/// Reads a folder or a zip file in the layout of Pascal VOC with the lists train, val and test. The three folders may
/// be inside one folder. Pictures are scaled to `height` rows and a multiple of four columns. Boxes without area are
/// left out and reported.
///
/// # Errors
/// A file that cannot be read, a list or annotation that is missing or malformed, a picture that does not decode.
pub fn read_voc(path: &Path, height: usize) -> Result<BoxedPictures, DataError> {
    let files = if path.is_dir() { in_folder(path)? } else { in_zip(path)? };
    let list = |part: &str| format!("ImageSets/Main/{part}.txt");
    let malformed = |reason: String| DataError::malformed(path.display(), reason);
    let root = files.keys().find_map(|name| name.strip_suffix(&list("train"))).map(String::from);
    let root =
        root.ok_or_else(|| malformed("no ImageSets/Main/train.txt; expected the layout of Pascal VOC".into()))?;
    let file = |name: &str| {
        files.get(&format!("{root}{name}")).ok_or_else(|| malformed(format!("{name} is missing from {root:?}")))
    };
    let mut read = Vec::new();
    for (name, part) in LISTS {
        for id in String::from_utf8_lossy(file(&list(name))?).split_whitespace() {
            let annotation = format!("Annotations/{id}.xml");
            let text = String::from_utf8_lossy(file(&annotation)?).into_owned();
            let (size, boxes) = annotated(&text).map_err(|reason| malformed(format!("{annotation}: {reason}")))?;
            read.push((id.to_string(), part, size, boxes));
        }
    }
    let named = read.iter().flat_map(|(.., boxes)| boxes).map(|(name, _)| name.clone());
    let classes: Vec<String> = named.collect::<BTreeSet<_>>().into_iter().collect();
    let mut pictures = BoxedPictures { classes, pictures: Vec::new(), skipped: Vec::new() };
    for (id, part, size, marked) in read {
        let jpeg = format!("JPEGImages/{id}.jpg");
        let picture = decode_bytes(file(&jpeg)?, &path.join(&jpeg))?;
        let width = (picture.width * height / picture.height.max(1)).div_ceil(4) * 4;
        let mut boxes = Vec::new();
        for (name, [left, top, right, bottom]) in marked {
            let corners = [left / size[0], top / size[1], right / size[0], bottom / size[1]];
            let [left, top, right, bottom] = corners.map(|edge| edge.clamp(0.0, 1.0));
            let corners = (left < right && top < bottom).then_some([left, top, right, bottom]);
            let label = pictures.classes.iter().position(|class| *class == name);
            match corners.zip(label) {
                Some(found) => boxes.push(found),
                None => pictures.skipped.push(format!("{id}: a box of {name} without area")),
            }
        }
        pictures.pictures.push(BoxedPicture { id, part, picture: resize(&picture, width, height), boxes });
    }
    Ok(pictures)
}

type Annotated = ([f64; 2], Vec<(String, Corners)>);

/// Width and height, and the boxes in pixels with their names.
fn annotated(text: &str) -> Result<Annotated, String> {
    let document = roxmltree::Document::parse(text).map_err(|e| e.to_string())?;
    let child = |node: roxmltree::Node<'_, '_>, name: &str| -> Result<String, String> {
        let found = node.children().find(|child| child.has_tag_name(name)).and_then(|child| child.text());
        found.map(|text| text.trim().to_string()).ok_or_else(|| format!("an element {name} is missing"))
    };
    let number = |node, name: &str| -> Result<f64, String> {
        let text = child(node, name)?;
        text.parse().map_err(|_| format!("{name} is {text:?}, expected a number"))
    };
    let inner = |node: roxmltree::Node<'_, '_>, name: &str| {
        node.children().find(|child| child.has_tag_name(name)).map(|child| child.id())
    };
    let node = |node, name: &str| inner(node, name).and_then(|id| document.get_node(id)).ok_or(format!("no {name}"));
    let size = node(document.root_element(), "size")?;
    let size = [number(size, "width")?, number(size, "height")?];
    if !size.iter().all(|side| *side > 0.0) {
        return Err(format!("the picture is {size:?} pixels"));
    }
    let objects = document.root_element().children().filter(|child| child.has_tag_name("object"));
    let boxes = objects.map(|object| {
        let bounds = node(object, "bndbox")?;
        let edge = |name| number(bounds, name);
        Ok((child(object, "name")?, [edge("xmin")?, edge("ymin")?, edge("xmax")?, edge("ymax")?]))
    });
    Ok((size, boxes.collect::<Result<_, String>>()?))
}

/// Every file below a folder, by its path inside with slashes.
fn in_folder(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>, DataError> {
    let (mut files, mut open) = (BTreeMap::new(), vec![folder.to_path_buf()]);
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).map_err(DataError::io(&next))? {
            let path: PathBuf = entry.map_err(DataError::io(&next))?.path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let inside = path.strip_prefix(folder).unwrap_or(&path);
            let name = inside.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/");
            files.insert(name, fs::read(&path).map_err(DataError::io(&path))?);
        }
    }
    Ok(files)
}

fn in_zip(path: &Path) -> Result<BTreeMap<String, Vec<u8>>, DataError> {
    let malformed = |reason: String| DataError::malformed(path.display(), reason);
    let bytes = fs::read(path).map_err(DataError::io(path))?;
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|e| malformed(e.to_string()))?;
    let mut files = BTreeMap::new();
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(|e| malformed(e.to_string()))?;
        if entry.is_file() {
            let mut content = Vec::new();
            entry.read_to_end(&mut content).map_err(DataError::io(path))?;
            let name = entry.name().map_err(|e| malformed(e.to_string()))?.into_owned();
            files.insert(name, content);
        }
    }
    Ok(files)
}
