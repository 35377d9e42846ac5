//! Pictures with boxes in the layouts that are met besides Pascal VOC with its lists: COCO annotations, YOLO's text files,
//! and VOC's annotations alone.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::box_file::{inside, is_annotation, read_boxes};
use super::part_name::part_named;
use super::picture_file::{PictureReader, is_picture};
use super::voc::{MOST_WIDTH, annotated, checked_size, read_voc, shares};
use super::walk::Walk;
use super::{BoxFormat, BoxUnit, BoxedPicture, BoxedPictures, DataError, Part, read_text, resize};
use crate::math::Stream;
use crate::math::words::pluralise;

/// Shares of the pictures that are held out where no part is marked: for validation, and for the test.
const HELD_OUT: [f64; 2] = [0.2, 0.2];

/// Left, top, right, bottom.
type Corners = [f64; 4];

/// A picture with its annotation, before it is read.
struct Marked {
    id: String,
    part: Option<Part>,
    picture: PathBuf,
    /// Width and height by the annotation, pixels; boxes are shares without them.
    boxes: Boxes,
}

enum Boxes {
    /// Corners in pixels of a picture of this size, if the annotation says.
    Pixels(Option<[f64; 2]>, Vec<(String, Corners)>),
    Shares(Vec<(String, Corners)>),
}

/// Reads pictures with boxes: Pascal VOC with or without its lists, COCO annotations beside their pictures, or YOLO's text
/// files beside theirs. Parts are those of the lists, else of folders and files called train, val or test. Where no part is
/// marked, a fifth of the pictures is held out for validation and a fifth for the test, by their names. Pictures are scaled
/// to `height` rows and a multiple of four columns.
///
/// # Errors
/// A path in none of the layouts, an annotation that cannot be read, a picture that is missing or does not decode.
pub fn read_boxed_pictures(path: &Path, height: usize) -> Result<BoxedPictures, DataError> {
    let is_json = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("json"));
    if !path.is_dir() && !is_json {
        return read_voc(path, height);
    }
    let folder =
        if is_json { path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")) } else { path };
    let walk = Walk::below(folder, true)?;
    let is_list = |file: &PathBuf| file.parent().is_some_and(|parent| parent.ends_with("ImageSets/Main"));
    if !is_json && walk.files.iter().any(is_list) {
        return read_voc(path, height);
    }
    let ends = |file: &Path, ending: &str| file.extension().is_some_and(|own| own.eq_ignore_ascii_case(ending));
    let with =
        |ending: &str| -> Vec<PathBuf> { walk.files.iter().filter(|file| ends(file, ending)).cloned().collect() };
    let json = if is_json { vec![path.to_path_buf()] } else { with("json") };
    let pictures = Pictures::new(folder, &walk.files);
    let mut notices = walk.notices.clone();
    let mut marked = Vec::new();
    if !json.is_empty() {
        marked = coco(folder, &json, &pictures, &mut notices)?;
    } else if !with("xml").is_empty() {
        marked = voc(folder, &with("xml"), &pictures)?;
    } else if walk.files.iter().any(|file| is_annotation(file)) {
        marked = yolo(folder, &pictures, &mut notices)?;
    }
    if marked.is_empty() {
        let reason = "no pictures with boxes; expected COCO annotations (.json), Pascal VOC (.xml) or YOLO (.txt for each \
                      picture), and the pictures beside them";
        return Err(DataError::malformed(path.display(), reason));
    }
    parts(path, &mut marked, &mut notices)?;
    read(marked, notices, height)
}

/// Pictures of a folder by their names.
struct Pictures {
    by_path: BTreeMap<String, PathBuf>,
}

/// A path without the folders that layouts put pictures and annotations into, and without ending.
fn key(path: &str) -> String {
    let stem = path.rsplit_once('.').map_or(path, |(stem, _)| stem);
    let is_kind =
        |part: &&str| !["images", "labels", "annotations", "jpegimages"].contains(&part.to_ascii_lowercase().as_str());
    stem.split('/').filter(is_kind).collect::<Vec<_>>().join("/")
}

impl Pictures {
    fn new(folder: &Path, files: &[PathBuf]) -> Self {
        let pictures = files.iter().filter(|file| is_picture(file));
        Self { by_path: pictures.map(|path| (key(&inside(folder, path)), path.clone())).collect() }
    }

    /// The picture with this name in this folder, or the only one of that name anywhere.
    fn find(&self, name: &str) -> Option<&PathBuf> {
        let name = key(&name.replace('\\', "/"));
        self.by_path.get(&name).or_else(|| {
            let base = name.rsplit('/').next().unwrap_or(&name);
            let own = |key: &&String| key.rsplit('/').next() == Some(base);
            let mut found = self.by_path.keys().filter(own);
            found.next().filter(|_| found.next().is_none()).and_then(|key| self.by_path.get(key))
        })
    }
}

/// The part that a path names: by a folder, or by a word of a name such as `instances_val2017`.
fn part_in(path: &str) -> Option<Part> {
    let words = path.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| !word.is_empty());
    words.filter_map(part_named).next_back()
}

fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn missing(place: &str, name: &str) -> DataError {
    DataError::malformed(place, format!("picture {name} is not in the folder"))
}

fn coco(
    folder: &Path,
    files: &[PathBuf],
    pictures: &Pictures,
    notices: &mut Vec<String>,
) -> Result<Vec<Marked>, DataError> {
    let mut marked = Vec::new();
    for path in files {
        let file = read_boxes(path, BoxUnit::Auto)?;
        if file.format != BoxFormat::CocoAnnotations {
            notices.push(format!("{}: results of a detector, not read", file.place));
            continue;
        }
        notices.extend(file.notices.iter().cloned());
        let own = inside(folder, path);
        let mut boxes = vec![Vec::new(); file.images.len()];
        for found in &file.boxes {
            boxes[found.image].push((file.classes[found.class].text(), found.corners));
        }
        for (image, boxes) in file.images.iter().zip(boxes) {
            let name = image.text();
            let beside = match folder_of(&own) {
                "" => name.clone(),
                folder => format!("{folder}/{name}"),
            };
            let picture = pictures.by_path.get(&key(&beside)).or_else(|| pictures.find(&name));
            let picture = picture.ok_or_else(|| missing(&file.place, &name))?.clone();
            let part = part_in(&own).or_else(|| part_in(folder_of(&inside(folder, &picture))));
            marked.push(Marked {
                id: key(&inside(folder, &picture)),
                part,
                picture,
                boxes: Boxes::Pixels(image.size, boxes),
            });
        }
    }
    Ok(marked)
}

fn voc(folder: &Path, files: &[PathBuf], pictures: &Pictures) -> Result<Vec<Marked>, DataError> {
    let one = |path: &PathBuf| {
        let text = read_text(path)?;
        let (size, boxes) = annotated(&text).map_err(|e| DataError::malformed(path.display(), e))?;
        let own = inside(folder, path);
        let picture = pictures.find(&own).ok_or_else(|| missing(&path.display().to_string(), &key(&own)))?.clone();
        let part = part_in(folder_of(&own)).or_else(|| part_in(folder_of(&inside(folder, &picture))));
        Ok(Marked { id: key(&own), part, picture, boxes: Boxes::Pixels(size, boxes) })
    };
    files.iter().map(one).collect()
}

fn yolo(folder: &Path, pictures: &Pictures, notices: &mut Vec<String>) -> Result<Vec<Marked>, DataError> {
    let file = read_boxes(folder, BoxUnit::Auto)?;
    notices.extend(file.notices.iter().cloned());
    let mut boxes = vec![Vec::new(); file.images.len()];
    for found in &file.boxes {
        boxes[found.image].push((file.classes[found.class].text(), found.corners));
    }
    let mut marked = Vec::new();
    for (image, boxes) in file.images.iter().zip(boxes) {
        let name = image.text();
        let picture = pictures.find(&format!("{name}.txt")).ok_or_else(|| missing(&file.place, &name))?.clone();
        let part = part_in(folder_of(&name)).or_else(|| part_in(folder_of(&inside(folder, &picture))));
        marked.push(Marked { id: key(&format!("{name}.txt")), part, picture, boxes: Boxes::Shares(boxes) });
    }
    Ok(marked)
}

/// Gives every picture a part. A part follows from the name of a picture, so that a further picture moves no other.
fn parts(place: &Path, marked: &mut [Marked], notices: &mut Vec<String>) -> Result<(), DataError> {
    let malformed = |reason: String| DataError::malformed(place.display(), reason);
    let count = |marked: &[Marked], part: Option<Part>| marked.iter().filter(|one| one.part == part).count();
    let [train, validation, test] = Part::ALL.map(|part| count(marked, Some(part)));
    let draw = |id: &str| Stream::named(0, id).uniform();
    if validation == 0 && test == 0 {
        for one in marked.iter_mut() {
            one.part = Some(match draw(&one.id) {
                share if share < HELD_OUT[0] => Part::Validation,
                share if share < HELD_OUT[0] + HELD_OUT[1] => Part::Test,
                _ => Part::Train,
            });
        }
        notices
            .push("a fifth of the pictures is held out for validation and a fifth for the test, by their names".into());
    } else if train > 0 && (validation == 0 || test == 0) {
        let held = if test == 0 { Part::Validation } else { Part::Test };
        for one in marked.iter_mut().filter(|one| one.part == Some(held)) {
            one.part = Some(if draw(&one.id) < 0.5 { Part::Validation } else { Part::Test });
        }
        notices.push(format!("the pictures of {} are divided into validation and test, by their names", held.name()));
    }
    let unmarked = count(marked, None);
    if unmarked > 0 {
        return Err(malformed(format!(
            "{} in no part, but others are in folders called train, val or test; put all there or none",
            pluralise(unmarked, "picture")
        )));
    }
    let counts = Part::ALL.map(|part| count(marked, Some(part)));
    if counts.contains(&0) {
        let [train, validation, test] = counts;
        return Err(malformed(format!(
            "{train} pictures for training, {validation} for validation and {test} for the test; at least one of each is needed"
        )));
    }
    // Pictures of a part stay together, in the order in which read_voc has them.
    marked.sort_by_key(|one| Part::ALL.iter().position(|part| one.part == Some(*part)));
    Ok(())
}

/// Reads and scales the pictures.
fn read(marked: Vec<Marked>, mut skipped: Vec<String>, height: usize) -> Result<BoxedPictures, DataError> {
    let named = |one: &Marked| -> Vec<String> {
        let (Boxes::Pixels(_, boxes) | Boxes::Shares(boxes)) = &one.boxes;
        boxes.iter().map(|(name, _)| name.clone()).collect()
    };
    let mut classes: Vec<String> = marked.iter().flat_map(named).collect();
    classes.sort();
    classes.dedup();
    let reader = PictureReader::default();
    let decode = |one: &Marked| {
        let stored = match &one.boxes {
            Boxes::Pixels(Some([width, height]), _) => Some((*width as usize, *height as usize)),
            _ => None,
        };
        let bytes = super::file::read_file(&one.picture)?;
        let picture = reader.parse(&bytes, &one.picture, stored)?;
        let own = [picture.width, picture.height];
        let width = (picture.width * height / picture.height.max(1)).div_ceil(4) * 4;
        if width > MOST_WIDTH * height {
            let reason = format!("{} × {} pixels are too thin", own[0], own[1]);
            return Err(DataError::malformed(one.picture.display(), reason));
        }
        let size = match &one.boxes {
            Boxes::Pixels(size, _) => {
                checked_size(*size, &picture).map_err(|reason| DataError::malformed(one.picture.display(), reason))?
            }
            Boxes::Shares(_) => ([1.0; 2], None),
        };
        Ok((resize(&picture, width.max(4), height), size))
    };
    let decoded: Vec<Result<_, DataError>> = marked.par_iter().map(decode).collect();
    let mut pictures = Vec::new();
    for (one, decoded) in marked.into_iter().zip(decoded) {
        let (picture, (size, notice)) = decoded?;
        skipped.extend(notice.map(|notice| format!("{}: {notice}", one.id)));
        let (Boxes::Pixels(_, found) | Boxes::Shares(found)) = one.boxes;
        let mut boxes = Vec::new();
        for (name, corners) in found {
            let (corners, notice) = shares(corners, size);
            skipped.extend(notice.map(|notice| format!("{}: a box of {name} {notice}", one.id)));
            boxes.extend(corners.zip(classes.iter().position(|class| *class == name)));
        }
        pictures.push(BoxedPicture { id: one.id, part: one.part.unwrap_or(Part::Train), picture, boxes });
    }
    Ok(BoxedPictures { classes, pictures, skipped })
}
