//! Pictures with boxes in the layout of Pascal VOC: JPEGImages, Annotations, and lists of names in ImageSets/Main.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::file::read_file;
use super::picture_file::{PictureReader, is_picture};
use super::walk::Walk;
use super::zip_file::ZipFile;
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
    /// Boxes that were left out or cut, and why; sizes that are not those of the picture.
    pub skipped: Vec<String>,
}

/// Left, top, right, bottom.
type Corners = [f64; 4];

const LISTS: [(&str, Part); 3] = [("train", Part::Train), ("val", Part::Validation), ("test", Part::Test)];

/// A scaled picture is at most this many times as wide as high: a thin one would need memory without bound.
pub(super) const MOST_WIDTH: usize = 50;

/// Reads a folder or a zip file in the layout of Pascal VOC with the lists train, val and test. The three folders may
/// be inside one folder. Pictures are scaled to `height` rows and a multiple of four columns. Boxes without area are
/// left out and reported.
///
/// # Errors
/// A file that cannot be read, a list or annotation that is missing or malformed, a name in two lists, a picture that does
/// not decode or is not of the annotated shape, an archive that unpacks to far more than its own size.
pub fn read_voc(path: &Path, height: usize) -> Result<BoxedPictures, DataError> {
    let malformed = |reason: String| DataError::malformed(path.display(), reason);
    let bytes = if path.is_dir() { Vec::new() } else { read_file(path)? };
    let files = if path.is_dir() {
        Files::folder(path)?
    } else {
        Files::Zip(ZipFile::open(&bytes, path.display().to_string())?)
    };
    let names = files.names();
    let list = |part: &str| format!("ImageSets/Main/{part}.txt");
    let roots = LISTS.iter().flat_map(|(part, _)| names.iter().find_map(|name| name.strip_suffix(&list(part))));
    let root = roots.into_iter().next().ok_or_else(|| {
        malformed(
            "no ImageSets/Main/train.txt; expected the layout of Pascal VOC: ImageSets/Main, Annotations, JPEGImages"
                .into(),
        )
    })?;
    let pictures = root_pictures(&names, root);
    let train = list("train");
    let others = names.iter().filter_map(|name| name.strip_suffix(&train)).filter(|other| *other != root);
    let others: Vec<String> = others.map(|other| format!("{other}: not read, only {root} is")).collect();
    let file = |name: &str| {
        let found = files.read(&format!("{root}{name}"));
        found.unwrap_or_else(|| Err(malformed(format!("{root}{name} is missing"))))
    };

    let mut skipped = others;
    let mut lists: BTreeMap<String, &str> = BTreeMap::new();
    let mut read = Vec::new();
    for (name, part) in LISTS {
        let text = file(&list(name)).map_err(|error| match error {
            DataError::Malformed { place, reason } if reason.ends_with("is missing") => {
                let reason =
                    format!("{reason}; the lists train.txt, val.txt and test.txt are needed, one name per line");
                DataError::Malformed { place, reason }
            }
            other => other,
        })?;
        for line in String::from_utf8_lossy(&text).trim_start_matches('\u{feff}').lines() {
            // Lists of one class hold a flag behind the name.
            let Some(id) = line.split_whitespace().next() else { continue };
            match lists.insert(id.to_string(), name) {
                Some(other) if other == name => skipped.push(format!("{id}: twice in {name}.txt, read once")),
                Some(other) => {
                    let reason =
                        format!("{id} is in {other}.txt and in {name}.txt; held-out pictures must not be trained on");
                    return Err(malformed(reason));
                }
                None => {
                    let annotation = format!("Annotations/{id}.xml");
                    let text = file(&annotation)?;
                    let text = String::from_utf8_lossy(&text);
                    let found = annotated(text.trim_start_matches('\u{feff}'));
                    read.push((
                        id.to_string(),
                        part,
                        found.map_err(|e| malformed(format!("{root}{annotation}: {e}")))?,
                    ));
                }
            }
        }
    }
    let named = read.iter().flat_map(|(.., (_, boxes))| boxes).map(|(name, _)| name.clone());
    let classes: Vec<String> = named.collect::<BTreeSet<_>>().into_iter().collect();
    let numbers: BTreeMap<String, usize> = classes.iter().cloned().zip(0..).collect();
    let reader = PictureReader::default();
    let mut found = BoxedPictures { classes, pictures: Vec::new(), skipped };
    for (id, part, (size, marked)) in read {
        let name = pictures.get(id.as_str()).ok_or_else(|| {
            malformed(format!("{root}JPEGImages holds no picture {id} (.jpg, .jpeg, .png or the like, in any case)"))
        })?;
        let bytes = file(name)?;
        let stored = size.map(|[width, height]| (width as usize, height as usize));
        let picture = reader.parse(&bytes, &path.join(format!("{root}{name}")), stored)?;
        let size = checked_size(size, &picture).map_err(|reason| malformed(format!("{root}{name}: {reason}")))?;
        found.skipped.extend(size.1.map(|notice| format!("{id}: {notice}")));
        let width = (picture.width * height / picture.height.max(1)).div_ceil(4) * 4;
        if width > MOST_WIDTH * height {
            return Err(malformed(format!("{root}{name}: {} × {} pixels are too thin", picture.width, picture.height)));
        }
        let mut boxes = Vec::new();
        for (name, corners) in marked {
            let label = numbers.get(&name).copied();
            let (corners, notice) = shares(corners, size.0);
            found.skipped.extend(notice.map(|notice| format!("{id}: a box of {name} {notice}")));
            boxes.extend(corners.zip(label));
        }
        found.pictures.push(BoxedPicture { id, part, picture: resize(&picture, width, height), boxes });
    }
    Ok(found)
}

/// Paths of the pictures below the root by their names without ending.
fn root_pictures<'a>(names: &'a [String], root: &str) -> BTreeMap<&'a str, &'a str> {
    let folder = format!("{root}JPEGImages/");
    let inside = names.iter().filter(|name| is_picture(Path::new(name)));
    let pair = |name: &'a String| {
        let (stem, _) = name.strip_prefix(&folder)?.rsplit_once('.')?;
        Some((stem, &name[root.len()..]))
    };
    inside.filter_map(pair).collect()
}

/// The size that boxes refer to, and a notice if it is not the picture's own.
///
/// # Errors
/// A size of another shape: the boxes belong to another picture, or to this one before it was cut or turned.
pub(super) fn checked_size(size: Option<[f64; 2]>, picture: &Picture) -> Result<([f64; 2], Option<String>), String> {
    let own = [picture.width as f64, picture.height as f64];
    let Some([width, height]) = size else {
        return Ok((own, Some("the annotation has no size; that of the picture is taken".into())));
    };
    if [width, height] == own {
        return Ok((own, None));
    }
    let text = format!("{width} × {height} pixels by its annotation, but the picture is {} × {}", own[0], own[1]);
    // A picture that was scaled after it was annotated has the same shape up to a pixel.
    if (width * own[1] / height - own[0]).abs() <= 1.0 || (height * own[0] / width - own[1]).abs() <= 1.0 {
        return Ok(([width, height], Some(format!("{text}; boxes are scaled with it"))));
    }
    Err(text)
}

/// A box as shares of the picture; `None` if it has no area. A box that reaches more than a pixel beyond the picture is
/// cut, with a notice.
pub(super) fn shares(
    [left, top, right, bottom]: Corners,
    [width, height]: [f64; 2],
) -> (Option<Corners>, Option<String>) {
    let beyond = [-left, -top, right - width, bottom - height].into_iter().fold(0.0, f64::max);
    let corners = [left / width, top / height, right / width, bottom / height];
    let [left, top, right, bottom] = corners.map(|edge| edge.clamp(0.0, 1.0));
    if !(left < right && top < bottom) {
        return (None, Some("without area".into()));
    }
    let notice = (beyond > 1.0).then(|| format!("reaches {beyond} pixels beyond the picture and is cut there"));
    (Some([left, top, right, bottom]), notice)
}

/// The size if there is one above 0, and the boxes in pixels with their names.
pub(super) type Annotated = (Option<[f64; 2]>, Vec<(String, Corners)>);

/// Reads an annotation.
pub(super) fn annotated(text: &str) -> Result<Annotated, String> {
    let document = roxmltree::Document::parse(text).map_err(|e| e.to_string())?;
    let child = |node: roxmltree::Node<'_, '_>, name: &str| -> Result<String, String> {
        let found = node.children().find(|child| child.has_tag_name(name)).and_then(|child| child.text());
        found.map(|text| text.trim().to_string()).ok_or_else(|| format!("an element {name} is missing"))
    };
    let number = |node, name: &str| -> Result<f64, String> {
        let text = child(node, name)?;
        let value = text.parse().ok().filter(|value: &f64| value.is_finite());
        value.ok_or_else(|| format!("{name} is {text:?}, expected a number"))
    };
    let inner = |node: roxmltree::Node<'_, '_>, name: &str| {
        node.children().find(|child| child.has_tag_name(name)).map(|child| child.id())
    };
    let node = |node, name: &str| inner(node, name).and_then(|id| document.get_node(id)).ok_or(format!("no {name}"));
    let size = match node(document.root_element(), "size") {
        Ok(size) => Some([number(size, "width")?, number(size, "height")?]),
        Err(_) => None,
    };
    // Some programs write 0 where they do not know.
    let size = size.filter(|size| *size != [0.0, 0.0]);
    if let Some(size) = size.filter(|size| !size.iter().all(|side| *side > 0.0)) {
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

/// Files by their paths inside a folder or an archive, with slashes. Each is read when it is needed.
enum Files<'a> {
    Folder(BTreeMap<String, PathBuf>),
    Zip(ZipFile<'a>),
}

impl Files<'_> {
    fn folder(folder: &Path) -> Result<Self, DataError> {
        let files = Walk::below(folder, true)?.files.into_iter().map(|path| {
            let inside = path.strip_prefix(folder).unwrap_or(&path);
            let name = inside.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/");
            (name, path)
        });
        Ok(Self::Folder(files.collect()))
    }

    fn names(&self) -> Vec<String> {
        match self {
            Self::Folder(files) => files.keys().cloned().collect(),
            Self::Zip(archive) => {
                // Archives made by macOS hold a shadow of every file.
                archive.names().filter(|name| !name.starts_with("__MACOSX/")).map(String::from).collect()
            }
        }
    }

    fn read(&self, name: &str) -> Option<Result<Cow<'_, [u8]>, DataError>> {
        match self {
            Self::Folder(files) => files.get(name).map(|path| Ok(Cow::Owned(read_file(path)?))),
            Self::Zip(archive) => archive.read(name),
        }
    }
}
