//! Text files of YOLO: one for each picture, a box in each line, numbers as shares of the picture.

use std::path::Path;

use super::{BoxFile, BoxFormat, ClassName, FileBox, ImageName, finite, inside};
use crate::data::walk::Walk;
use crate::data::{DataError, read_text};

/// Files beside the annotations that are no annotations, by their names without ending.
const OTHERS: [&str; 12] = [
    "classes",
    "names",
    "labels",
    "obj",
    "readme",
    "license",
    "train",
    "val",
    "valid",
    "test",
    "requirements",
    "notes",
];

/// Whether a path is the annotation of a picture.
pub(in crate::data) fn is_annotation(path: &Path) -> bool {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or("").to_ascii_lowercase();
    let is_text = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("txt"));
    is_text && !OTHERS.iter().any(|other| stem == *other || stem.starts_with("readme"))
}

/// Reads every annotation below a folder. Names of classes are those of classes.txt, obj.names or data.yaml in the folder
/// or the one above.
pub(super) fn folder(folder: &Path) -> Result<BoxFile, DataError> {
    let mut file = BoxFile::new(folder.display(), BoxFormat::Yolo);
    file.in_shares = true;
    let paths: Vec<_> = Walk::below(folder, true)?.files.into_iter().filter(|path| is_annotation(path)).collect();
    if paths.is_empty() {
        let reason = "no text files of boxes; expected one .txt for each picture, as YOLO writes them, or the path of a \
                      .json or .csv file";
        return Err(file.malformed(reason));
    }
    for path in paths {
        add(&mut file, &path, without_ending(&inside(folder, &path)).to_string())?;
    }
    name_classes(&mut file, class_names(folder)?)?;
    finished(file)
}

/// Reads one annotation.
pub(super) fn file(path: &Path) -> Result<BoxFile, DataError> {
    let mut file = BoxFile::new(path.display(), BoxFormat::Yolo);
    file.in_shares = true;
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    add(&mut file, path, name)?;
    let names = path.parent().map_or_else(|| Ok(None), class_names)?;
    name_classes(&mut file, names)?;
    finished(file)
}

fn without_ending(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

fn finished(mut file: BoxFile) -> Result<BoxFile, DataError> {
    let scored = file.boxes.iter().filter(|found| found.score.is_some()).count();
    if scored > 0 && scored < file.boxes.len() {
        return Err(file.malformed("some lines have a score behind the box and others have none"));
    }
    file.notices.dedup();
    Ok(file.in_order())
}

/// Adds the boxes of one picture.
fn add(file: &mut BoxFile, path: &Path, name: String) -> Result<(), DataError> {
    let image = file.images.len();
    file.images.push(ImageName { name: Some(name), ..ImageName::default() });
    for (number, line) in (1u64..).zip(read_text(path)?.lines()) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let Some((class, rest)) = fields.split_first() else { continue };
        let wrong = |column: &str, value: &str, reason: &str| DataError::Field {
            place: path.display().to_string(),
            line: number,
            column: column.into(),
            value: value.into(),
            reason: reason.into(),
        };
        let id: i64 = class
            .parse()
            .ok()
            .filter(|id| *id >= 0)
            .ok_or_else(|| wrong("class", class, "expected the number of a class, from 0 on"))?;
        let values = rest.iter().map(|field| {
            let value: Option<f64> = field.parse().ok().and_then(finite);
            value.ok_or_else(|| wrong("box", field, "expected a finite number"))
        });
        let values: Vec<f64> = values.collect::<Result<_, _>>()?;
        let (corners, score) = match values[..] {
            [x, y, width, height] => (around(x, y, width, height), None),
            [x, y, width, height, score] => (around(x, y, width, height), Some(score)),
            // The outline of an object: x and y of at least three points.
            _ if values.len() >= 6 && values.len().is_multiple_of(2) => (hull(&values), None),
            _ => {
                let expected = "expected class, centre x, centre y, width, height and perhaps a score";
                return Err(wrong("line", line.trim(), expected));
            }
        };
        if corners.iter().any(|edge| !(-0.5..=1.5).contains(edge)) {
            let reason = "boxes are shares of the picture, 0 to 1; this one is far outside: are these pixels?";
            return Err(wrong("box", line.trim(), reason));
        }
        if score.is_some_and(|score| score < 0.0) {
            return Err(wrong("score", rest[4], "expected a score of 0 or more"));
        }
        if values.len() >= 6 {
            file.notices.push(format!("{}: outlines are read as the boxes around them", file.place));
        }
        let class = file.class(ClassName { id: Some(id), name: None });
        file.boxes.push(FileBox { image, class, score, corners });
    }
    Ok(())
}

fn around(x: f64, y: f64, width: f64, height: f64) -> [f64; 4] {
    [x - width / 2.0, y - height / 2.0, x + width / 2.0, y + height / 2.0]
}

fn hull(points: &[f64]) -> [f64; 4] {
    let along = |start: usize| points.iter().copied().skip(start).step_by(2);
    let least = |start| along(start).fold(f64::INFINITY, f64::min);
    let most = |start| along(start).fold(f64::NEG_INFINITY, f64::max);
    [least(0), least(1), most(0), most(1)]
}

fn name_classes(file: &mut BoxFile, names: Option<Vec<String>>) -> Result<(), DataError> {
    let Some(names) = names else { return Ok(()) };
    for class in &mut file.classes {
        let id = class.id.and_then(|id| usize::try_from(id).ok()).unwrap_or(usize::MAX);
        let reason = || format!("class {id} has no name: the list of names has {}, from 0 on", names.len());
        match names.get(id) {
            Some(name) => class.name = Some(name.clone()),
            None => return Err(DataError::malformed(&file.place, reason())),
        }
    }
    // Classes without a box keep their numbers.
    for (id, name) in names.into_iter().enumerate() {
        let class = ClassName { id: Some(id as i64), name: Some(name) };
        file.class(class);
    }
    Ok(())
}

/// Names of classes by number, from a file in the folder or in the one above.
fn class_names(folder: &Path) -> Result<Option<Vec<String>>, DataError> {
    let folders = [Some(folder), folder.parent().filter(|parent| !parent.as_os_str().is_empty())];
    for folder in folders.into_iter().flatten() {
        for name in ["data.yaml", "data.yml", "dataset.yaml", "classes.txt", "obj.names"] {
            let path = folder.join(name);
            if !path.is_file() {
                continue;
            }
            let text = read_text(&path)?;
            let names = match name.rsplit_once('.') {
                Some((_, "yaml" | "yml")) => yaml_names(&text),
                _ => Some(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(String::from).collect()),
            };
            if let Some(names) = names.filter(|names: &Vec<String>| !names.is_empty()) {
                return Ok(Some(names));
            }
        }
    }
    Ok(None)
}

/// The entry `names` of a data set's description: a list in brackets, a list of lines, or numbered lines.
fn yaml_names(text: &str) -> Option<Vec<String>> {
    let mut lines = text.lines().skip_while(|line| !line.starts_with("names:"));
    let unquoted = |text: &str| text.trim().trim_matches(['"', '\'']).to_string();
    let mut first = lines.next()?.strip_prefix("names:")?.trim().to_string();
    if first.starts_with(['[', '{']) {
        let close = if first.starts_with('[') { ']' } else { '}' };
        while !first.contains(close) {
            first = format!("{first} {}", lines.next()?.trim());
        }
        let inside = first[1..].split(close).next()?.to_string();
        let entry = |entry: &str| match close {
            '}' => unquoted(entry.split_once(':').map_or(entry, |(_, name)| name)),
            _ => unquoted(entry),
        };
        return Some(inside.split(',').map(entry).filter(|name| !name.is_empty()).collect());
    }
    let block = lines.take_while(|line| line.starts_with([' ', '-']) || line.trim().is_empty());
    let entry = |line: &str| {
        let line = line.split(" #").next().unwrap_or("").trim();
        match line.strip_prefix('-') {
            Some(name) => unquoted(name),
            None => line.split_once(':').map_or_else(String::new, |(_, name)| unquoted(name)),
        }
    };
    Some(block.map(entry).filter(|name| !name.is_empty()).collect())
}
