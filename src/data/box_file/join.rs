//! Several files of boxes of the same images: which images and classes are the same, and boxes as shares of each image.

use std::collections::HashMap;

use super::{BoxFile, BoxFormat, ClassName, Corners, ImageName};
use crate::data::DataError;
use crate::data::picture_file::is_picture;
use crate::math::words::join_and;

/// Images that are named in a message.
const SHOWN: usize = 3;

/// An image of any of the files.
#[derive(Clone, Debug, PartialEq)]
pub struct JoinedImage {
    /// What the files call it, with its size if one of them knows it.
    pub name: ImageName,
    /// Pixels that a share of 1 stands for, along width and height: its size, else the extent of its boxes.
    pub frame: [f64; 2],
}

/// A box of one file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JoinedBox {
    /// Left, top, right, bottom, as shares of the frame of its image.
    pub corners: [f64; 4],
    /// Index of its class.
    pub class: usize,
    /// Confidence, if the file has any.
    pub score: Option<f64>,
}

/// Files of boxes in common images and classes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JoinedBoxes {
    /// Every image of a file.
    pub images: Vec<JoinedImage>,
    /// Every class of a file.
    pub classes: Vec<ClassName>,
    /// Whether no file knows pixels: then frames are 1 and corners are written as shares.
    pub in_shares: bool,
    /// Boxes by file, then image.
    pub boxes: Vec<Vec<Vec<JoinedBox>>>,
    /// Whether each file has an entry for each image, by file, then image.
    pub has_image: Vec<Vec<bool>>,
    /// Notices of the files, and what was assumed.
    pub notices: Vec<String>,
}

/// Names under which something is found; `None` where several things have one name.
#[derive(Default)]
struct Index(HashMap<String, Option<usize>>);

impl Index {
    fn add(&mut self, key: String, index: usize) {
        let entry = self.0.entry(key).or_insert(Some(index));
        if *entry != Some(index) {
            *entry = None;
        }
    }

    /// `Err` for a name of several.
    fn find(&self, keys: &[String]) -> Result<Option<usize>, String> {
        for key in keys {
            match self.0.get(key) {
                Some(Some(index)) => return Ok(Some(*index)),
                Some(None) => return Err(key.split_once(':').map_or(key.as_str(), |(_, name)| name).to_string()),
                None => {}
            }
        }
        Ok(None)
    }
}

/// Keys of an image, the most exact first.
fn image_keys(image: &ImageName) -> Vec<String> {
    let mut keys = Vec::new();
    if let Some(name) = &image.name {
        let name = name.replace('\\', "/");
        let stem = |name: &str| match is_picture(std::path::Path::new(name)) {
            true => name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_string(),
            false => name.to_string(),
        };
        let base = |name: &str| name.rsplit('/').next().unwrap_or(name).to_string();
        keys.extend([name.clone(), stem(&name)].map(|name| format!("name:{name}")));
        keys.extend([base(&name), stem(&base(&name))].map(|name| format!("base:{name}")));
    }
    if let Some(id) = image.id {
        keys.push(format!("id:{id}"));
    }
    // A number may be the name of a file: 139 of 000000000139.jpg.
    let number = image.name.as_ref().and_then(|_| keys[3].strip_prefix("base:")?.parse::<i64>().ok()).or(image.id);
    keys.extend(number.map(|number| format!("number:{number}")));
    keys
}

/// Keys of a class, the name first.
fn class_keys(class: &ClassName) -> Vec<String> {
    let name = class.name.iter().map(|name| format!("name:{name}"));
    let id = class.id.iter().map(|id| format!("id:{id}"));
    name.chain(id).collect()
}

impl JoinedBoxes {
    /// Joins files. Images are the same if they have one name, with or without folder and ending, or one number. Classes
    /// are the same if they have one name; where a file has numbers alone, if they have one number.
    ///
    /// # Errors
    /// A name that means several images or classes of another file, a file that shares no image or class with the first,
    /// corners in shares and in pixels of an image whose size no file knows.
    pub fn of(files: &[BoxFile]) -> Result<Self, DataError> {
        let mut joined = Self { in_shares: true, ..Self::default() };
        let (mut images, mut classes) = (Index::default(), Index::default());
        let mut maps: Vec<(Vec<usize>, Vec<usize>)> = vec![Default::default(); files.len()];
        // What lists names and numbers says what the others mean.
        let mut order: Vec<usize> = (0..files.len()).collect();
        order.sort_by_key(|&index| match files[index].format {
            BoxFormat::CocoAnnotations => 0,
            BoxFormat::Yolo => 1,
            BoxFormat::Csv => 2,
            BoxFormat::CocoResults => 3,
        });
        for &index in &order {
            let file = &files[index];
            let of_images = joined.add_images(file, &mut images)?;
            let of_classes = joined.add_classes(file, &mut classes)?;
            maps[index] = (of_images, of_classes);
        }
        joined.frames(files, &maps)?;
        for (file, (of_images, of_classes)) in files.iter().zip(&maps) {
            let mut boxes = vec![Vec::new(); joined.images.len()];
            let mut has_image = vec![false; joined.images.len()];
            of_images.iter().for_each(|&image| has_image[image] = true);
            for found in &file.boxes {
                let image = of_images[found.image];
                let corners = if file.in_shares { found.corners } else { joined.share(image, found.corners) };
                boxes[image].push(JoinedBox { corners, class: of_classes[found.class], score: found.score });
            }
            joined.boxes.push(boxes);
            joined.has_image.push(has_image);
        }
        joined.notices.extend(files.iter().flat_map(|file| file.notices.iter().cloned()));
        joined.compare(files, &maps)?;
        Ok(joined)
    }

    fn add_images(&mut self, file: &BoxFile, index: &mut Index) -> Result<Vec<usize>, DataError> {
        let mut known: HashMap<usize, String> = HashMap::new();
        let mut map = Vec::new();
        for image in &file.images {
            let found = index.find(&image_keys(image)).map_err(|key| {
                file.malformed(format!(
                    "image {} may be several images of another file: they share `{key}`",
                    image.text()
                ))
            })?;
            let place = found.unwrap_or(self.images.len());
            if found.is_none() {
                self.images.push(JoinedImage { name: ImageName::default(), frame: [1.0; 2] });
            }
            if let Some(other) = known.insert(place, image.text()) {
                let own = image.text();
                return Err(file.malformed(format!("{other} and {own} are one image of another file")));
            }
            let name = &mut self.images[place].name;
            name.id = name.id.or(image.id);
            name.name = name.name.clone().or_else(|| image.name.clone());
            match (name.size, image.size) {
                (Some(one), Some(other)) if one != other => {
                    let text = |[width, height]: [f64; 2]| format!("{width} × {height}");
                    let reason = format!(
                        "image {} is {} pixels here and {} in another file",
                        image.text(),
                        text(other),
                        text(one)
                    );
                    return Err(file.malformed(reason));
                }
                (size, other) => name.size = size.or(other),
            }
            map.push(place);
        }
        for (image, &place) in file.images.iter().zip(&map) {
            image_keys(image).into_iter().for_each(|key| index.add(key, place));
        }
        Ok(map)
    }

    fn add_classes(&mut self, file: &BoxFile, index: &mut Index) -> Result<Vec<usize>, DataError> {
        let mut map = Vec::new();
        for class in &file.classes {
            let mut keys = class_keys(class);
            // A class with a name is another one than that of its number elsewhere, unless the name is the number.
            if class.name.as_ref().is_some_and(|name| name.parse::<i64>().is_err()) {
                keys.truncate(1);
            }
            let found = index.find(&keys).map_err(|key| {
                file.malformed(format!("class {} has several names in the other files: number {key}", class.text()))
            })?;
            let place = found.unwrap_or(self.classes.len());
            if found.is_none() {
                self.classes.push(ClassName::default());
            }
            let known = &mut self.classes[place];
            known.id = known.id.or(class.id);
            known.name = known.name.clone().or_else(|| class.name.clone());
            map.push(place);
        }
        for (class, &place) in file.classes.iter().zip(&map) {
            let mut keys = class_keys(class);
            // YOLO counts from 0 and COCO as its categories say: where names are known, numbers of YOLO mean nothing to others.
            if file.format == BoxFormat::Yolo && class.name.is_some() {
                keys.truncate(1);
            }
            keys.into_iter().for_each(|key| index.add(key, place));
        }
        Ok(map)
    }

    /// Sets the frame of each image: its size, else the extent of its boxes in pixels.
    fn frames(&mut self, files: &[BoxFile], maps: &[(Vec<usize>, Vec<usize>)]) -> Result<(), DataError> {
        let mut extents = vec![[0.0f64; 2]; self.images.len()];
        let mut shared: Vec<Option<&str>> = vec![None; self.images.len()];
        for (file, (of_images, _)) in files.iter().zip(maps) {
            for found in &file.boxes {
                let image = of_images[found.image];
                if file.in_shares {
                    shared[image] = Some(&file.place);
                } else {
                    let [.., right, bottom] = found.corners;
                    extents[image] = [extents[image][0].max(right), extents[image][1].max(bottom)];
                }
            }
        }
        for (place, image) in self.images.iter_mut().enumerate() {
            let is_in_pixels = extents[place].iter().any(|extent| *extent > 0.0);
            image.frame = match (image.name.size, is_in_pixels, shared[place]) {
                (Some(size), ..) => size,
                (None, true, None) => extents[place].map(|extent| if extent > 0.0 { extent } else { 1.0 }),
                (None, true, Some(file)) => {
                    let reason = format!(
                        "image {}: corners are shares of the picture here and pixels in another file, and its size is not \
                         known; name the folder of the pictures, or COCO annotations with sizes",
                        image.name.text()
                    );
                    return Err(DataError::malformed(file, reason));
                }
                (None, false, _) => [1.0; 2],
            };
            self.in_shares &= image.name.size.is_none() && !is_in_pixels;
        }
        Ok(())
    }

    fn share(&self, image: usize, [left, top, right, bottom]: Corners) -> Corners {
        let [width, height] = self.images[image].frame;
        [left / width, top / height, right / width, bottom / height]
    }

    /// Refuses a file with boxes that has no image or no class in common with all others.
    fn compare(&self, files: &[BoxFile], maps: &[(Vec<usize>, Vec<usize>)]) -> Result<(), DataError> {
        let texts = |names: Vec<String>| join_and(&names.into_iter().take(SHOWN).collect::<Vec<_>>());
        let places = |own: usize| {
            texts(files.iter().enumerate().filter(|(k, _)| *k != own).map(|(_, file)| file.place.clone()).collect())
        };
        for (index, (file, (of_images, _))) in files.iter().zip(maps).enumerate() {
            let others = || files.iter().zip(maps).enumerate().filter(move |(other, _)| *other != index);
            let boxed = |(_, (other, _)): &(usize, (&BoxFile, _))| !other.boxes.is_empty();
            if file.boxes.is_empty() || !others().any(|other| boxed(&other)) {
                continue;
            }
            let common = |of_other: &Vec<usize>| of_images.iter().any(|image| of_other.contains(image));
            if !others().any(|(_, (_, (of_other, _)))| common(of_other)) {
                let own = texts(file.images.iter().map(ImageName::text).collect());
                let reason = format!("none of its images ({own}, …) is in {}", places(index));
                return Err(file.malformed(reason));
            }
            let used = |place: usize| {
                let mut classes: Vec<usize> = self.boxes[place].iter().flatten().map(|found| found.class).collect();
                classes.sort_unstable();
                classes.dedup();
                classes
            };
            let own = used(index);
            let is_shared = others().any(|(other, _)| used(other).iter().any(|class| own.contains(class)));
            if !is_shared {
                let own = texts(own.into_iter().map(|class| self.classes[class].text()).collect());
                let reason = format!(
                    "none of its classes ({own}, …) is in {}; COCO annotations among the files say what numbers mean",
                    places(index)
                );
                return Err(file.malformed(reason));
            }
        }
        Ok(())
    }
}
