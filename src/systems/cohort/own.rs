//! Pictures of the user: folders by class or with a table of patients, also of DICOM series and NIfTI volumes, or photographs
//! with boxes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::data::{BadPicture, DataError, Picture, TextTable, Transform, has_boxes, read_crops, read_slices};
use crate::math::words::pluralise;
use crate::study::StudyError;
use crate::systems::cohort::patients::Cohort;
use crate::systems::cohort::spec::Spec;
use crate::systems::inputs::naming_skip_bad;

/// The table of patients inside a folder.
pub const PATIENTS_FILE: &str = "patients.csv";

/// Names of classes without a finding, in lower case.
const NEGATIVE: [&str; 9] = ["normal", "healthy", "control", "controls", "benign", "negative", "none", "no", "0"];

/// A picture before its class counts as positive or negative.
struct Found {
    id: String,
    picture: Picture,
    class: String,
    patient: String,
    /// Where the finding is, row by row.
    mask: Option<Vec<bool>>,
}

/// Reads a folder, or photographs with boxes.
///
/// # Errors
/// A picture without patient or class, a table that does not fit the folder, classes of which none is clearly the positive one.
pub fn read(spec: &Spec, path: &Path) -> Result<Cohort, StudyError> {
    let mut notices = Vec::new();
    let found = if has_boxes(path) { crops(path, &mut notices)? } else { folder(spec, path, &mut notices)? };
    let mut classes: Vec<String> = found.iter().map(|own| own.class.clone()).collect();
    classes.sort();
    classes.dedup();
    let positive = positive(spec, &classes, path)?;
    let others: Vec<String> = classes.into_iter().filter(|class| *class != positive).collect();
    if others.len() > 1 {
        notices.push(format!("{} count as one class, against {positive}", others.join(", ")));
    }
    let mut cohort = Cohort::empty([others.join(" or "), positive.clone()]);
    let mut known: BTreeMap<String, usize> = BTreeMap::new();
    for Found { id, picture, class, patient, mask } in found {
        let number = *known.entry(patient.clone()).or_insert_with(|| {
            cohort.patients.push(patient);
            cohort.patients.len() - 1
        });
        cohort.push(number, id, picture, class == positive, mask);
    }
    let mut kinds = vec![[false; 2]; cohort.patients.len()];
    for (patient, positive) in cohort.patient.iter().zip(&cohort.is_positive) {
        kinds[*patient][usize::from(*positive)] = true;
    }
    let mixed: Vec<usize> = (0..kinds.len()).filter(|&patient| kinds[patient] == [true; 2]).collect();
    if let [first, ..] = mixed[..]
        && !spec.resample
    {
        notices.push(format!(
            "{} such as {} with pictures of both classes: each is one patient, of class {positive}",
            pluralise(mixed.len(), "patient"),
            cohort.patients[first]
        ));
    }
    cohort.notices = notices;
    Ok(cohort)
}

fn positive(spec: &Spec, classes: &[String], path: &Path) -> Result<String, StudyError> {
    let refuse = |reason: String| Err(DataError::Malformed { place: path.display().to_string(), reason }.into());
    let all = classes.join(", ");
    if classes.len() < 2 {
        return refuse(format!("pictures of {}; expected at least two", pluralise(classes.len(), "class")));
    }
    if let Some(name) = &spec.positive {
        return match classes.contains(name) {
            true => Ok(name.clone()),
            false => Err(StudyError::unknown("class", name, classes.iter().map(String::as_str))),
        };
    }
    let is_negative = |class: &&String| NEGATIVE.contains(&class.to_lowercase().as_str());
    match classes.iter().filter(|class| !is_negative(class)).collect::<Vec<_>>()[..] {
        [only] => Ok(only.clone()),
        _ => refuse(format!("which class is the finding? --positive names one of {all}")),
    }
}

/// Crops of one photograph are those of one patient.
fn crops(path: &Path, notices: &mut Vec<String>) -> Result<Vec<Found>, StudyError> {
    let read = read_crops(path)?;
    notices.extend(read.notices);
    let samples = read.samples;
    let found = read.pictures.into_iter().enumerate().map(|(k, picture)| Found {
        patient: samples.ids[k]
            .rsplit_once('#')
            .map_or(samples.ids[k].as_str(), |(photograph, _)| photograph)
            .to_string(),
        id: samples.ids[k].clone(),
        class: samples.classes[samples.labels[k]].clone(),
        picture,
        mask: None,
    });
    Ok(found.collect())
}

/// What is asked for where nothing tells the patient of a picture.
const NO_PATIENT: &str = "and pictures of one patient must not be on both sides of a split: add patients.csv with the columns \
                          picture (or folder) and patient, or folders class/patient/; --allow-leakage splits pictures, and \
                          the report says so in red";

fn folder(spec: &Spec, path: &Path, notices: &mut Vec<String>) -> Result<Vec<Found>, StudyError> {
    let bad = if spec.skip_bad { BadPicture::Skip } else { BadPicture::Refuse };
    let place = path.display().to_string();
    let read = read_slices(path, bad, |picture| Transform::IMAGENET.shrunk(picture)).map_err(naming_skip_bad)?;
    notices.extend(read.notices.iter().cloned());
    notices.extend(read.skipped.iter().filter(|text| !text.starts_with(PATIENTS_FILE)).cloned());
    if read.ids.is_empty() {
        return Err(DataError::Malformed { place, reason: "no pictures".into() }.into());
    }
    let table = path.join(PATIENTS_FILE);
    let mut known = if table.is_file() { patients(&table, &read.ids)? } else { Known::default() };
    let (mut found, mut nameless) = (Vec::new(), 0);
    let mut scanned: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let is_mask: BTreeSet<&String> = known.masks.values().collect();
    let (masks, others): (Vec<_>, Vec<_>) =
        (read.ids.into_iter().zip(read.pictures).zip(read.patients)).partition(|((id, _), _)| is_mask.contains(id));
    let masks: BTreeMap<String, Picture> = masks.into_iter().map(|(own, _)| own).collect();
    for ((id, picture), in_file) in others {
        let refuse = |reason: String| Err(DataError::Malformed { place: place.clone(), reason }.into());
        if known.unused.contains(&id) {
            continue;
        }
        let parts: Vec<&str> = id.split('/').collect();
        let (patient, class) = known.rows.remove(&id).unwrap_or_default();
        let by_folder = || (parts.len() > 1).then(|| parts[0].to_string());
        let Some(class) = class.or_else(by_folder) else {
            return refuse(format!(
                "{id} has no class: put it into a folder with the name of one, or give patients.csv a column label"
            ));
        };
        let patient = match (patient, &in_file, &parts[..]) {
            (Some(patient), ..) => patient,
            _ if table.is_file() => return refuse(format!("{id} is not in {PATIENTS_FILE}")),
            (None, Some(patient), _) => patient.clone(),
            (None, None, [_, patient, _]) => patient.to_string(),
            (None, None, _) if spec.allow_leakage => {
                nameless += 1;
                // Slices of one file are those of one patient at least.
                id.split('#').next().unwrap_or(&id).to_string()
            }
            (None, None, _) => return refuse(format!("nothing says of which patient {id} is, {NO_PATIENT}")),
        };
        if let Some(in_file) = in_file {
            scanned.entry(in_file).or_default().insert(patient.clone());
        }
        let mask = match known.masks.get(&id).and_then(|mask| Some((mask, masks.get(mask)?))) {
            Some((name, mask)) if (mask.width, mask.height) != (picture.width, picture.height) => {
                return refuse(format!("the mask {name} has another size than its picture {id}"));
            }
            other => other.map(|(_, mask)| mask.rgb.iter().step_by(3).map(|byte| *byte > 127).collect()),
        };
        found.push(Found { id, picture, class, patient, mask });
    }
    if nameless > 0 {
        notices.push(format!(
            "--allow-leakage: nothing says of which patient {} are; each counts as a patient of its own, so that the split \
             `patients` may leak as well",
            pluralise(nameless, "picture")
        ));
    }
    check_scanned(spec, &scanned, &place, notices)?;
    Ok(found)
}

/// Refuses one patient of DICOM files under two names of the table.
fn check_scanned(
    spec: &Spec,
    scanned: &BTreeMap<String, BTreeSet<String>>,
    place: &str,
    notices: &mut Vec<String>,
) -> Result<(), StudyError> {
    let Some((patient, names)) = scanned.iter().find(|(_, names)| names.len() > 1) else { return Ok(()) };
    if scanned.len() == 1 {
        notices.push(format!(
            "every DICOM file has the patient ID {patient}, as after it was made anonymous: {PATIENTS_FILE} alone tells patients \
             apart"
        ));
        return Ok(());
    }
    let names: Vec<&str> = names.iter().take(2).map(String::as_str).collect();
    let text = format!(
        "DICOM files of the patient ID {patient} are of two patients in {PATIENTS_FILE}, {}, which could be on both sides of a split",
        names.join(" and ")
    );
    if spec.allow_leakage {
        notices.push(format!("--allow-leakage: {text}"));
        return Ok(());
    }
    let reason = format!("{text}; correct the table or give --allow-leakage");
    Err(DataError::Malformed { place: place.into(), reason }.into())
}

/// What the table says.
#[derive(Default)]
struct Known {
    /// Patient and, if a column says it, class of each picture.
    rows: BTreeMap<String, (Option<String>, Option<String>)>,
    /// Pictures of files and folders in the table that its column `slices` leaves out.
    unused: BTreeSet<String>,
    /// The picture that is the mask of another: white where the finding is.
    masks: BTreeMap<String, String>,
}

/// A row names a picture, a file with several slices, or a folder.
fn patients(path: &Path, ids: &[String]) -> Result<Known, StudyError> {
    let table = TextTable::read(path)?;
    let column = |names: &[&str]| table.column(names);
    let (Some(picture), Some(patient)) = (
        column(&["picture", "image", "file", "filename", "path", "folder", "file or folder", "series", "volume"]),
        column(&["patient", "patient_id", "patientid", "subject", "subject_id", "case"]),
    ) else {
        return Err(table.malformed("no columns `picture` (or `folder`) and `patient`").into());
    };
    let label = column(&["label", "class", "diagnosis"]);
    let slices = column(&["slices"]);
    let mask = column(&["mask", "segmentation"]);
    let mut known = Known::default();
    for row in &table.rows {
        let name = row.fields[picture].replace('\\', "/");
        let name = name.trim_start_matches("./").trim_end_matches('/');
        let own: Vec<(&str, &String)> = ids.iter().filter_map(|id| Some((named(id, name)?, id))).collect();
        let Some(&(first, _)) = own.first() else {
            return Err(table.wrong(row, picture, "no such picture in the folder").into());
        };
        if own.iter().any(|(root, _)| *root != first) {
            return Err(table.wrong(row, picture, "more than one picture ends so; give its folder as well").into());
        }
        if row.fields[patient].is_empty() {
            return Err(table.wrong(row, patient, "expected the name of the patient").into());
        }
        let class = label.map(|column| row.fields[column].clone()).filter(|class| !class.is_empty());
        let kept = match slices.map(|column| (column, row.fields[column].as_str())) {
            Some((column, text)) if !text.is_empty() => {
                let kept = range(text).filter(|(from, to)| from <= to && *to < own.len());
                let expected = || format!("expected first-last from 0 to {}, as 3-9", own.len() - 1);
                kept.ok_or_else(|| table.wrong(row, column, expected()))?
            }
            _ => (0, own.len() - 1),
        };
        if let Some(column) = mask.filter(|column| !row.fields[*column].is_empty()) {
            let name = row.fields[column].replace('\\', "/");
            let is_one = |id: &&String| **id == name.trim_start_matches("./");
            let own_mask = ids.iter().find(is_one).filter(|_| own.len() == 1);
            let expected = "expected the path of a picture in the folder, for a row with one picture";
            let own_mask = own_mask.ok_or_else(|| table.wrong(row, column, expected))?;
            known.masks.insert(own[0].1.clone(), own_mask.clone());
        }
        for (k, (_, id)) in own.into_iter().enumerate() {
            let is_new = match (kept.0..=kept.1).contains(&k) {
                true => {
                    let row = (Some(row.fields[patient].clone()), class.clone());
                    known.rows.insert(id.clone(), row).is_none() && !known.unused.contains(id)
                }
                false => known.unused.insert(id.clone()) && !known.rows.contains_key(id),
            };
            if !is_new {
                return Err(table.wrong(row, picture, format!("{id} is in the table twice")).into());
            }
        }
    }
    Ok(known)
}

/// The part of an id up to the end of a name that it has as whole parts of its path: `a/b` of `a/b/c.png` and `b`.
fn named<'a>(id: &'a str, name: &str) -> Option<&'a str> {
    let is_end = |rest: &str| rest.is_empty() || rest.starts_with(['/', '#']);
    let is_it = |at: &usize| (*at == 0 || id[..*at].ends_with('/')) && is_end(&id[at + name.len()..]);
    let at = id.match_indices(name).map(|(at, _)| at).find(is_it)?;
    (!name.is_empty()).then(|| &id[..at + name.len()])
}

/// `3-9` or `4`.
fn range(text: &str) -> Option<(usize, usize)> {
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    Some((from.trim().parse().ok()?, to.trim().parse().ok()?))
}
