//! Pictures of the user: folders by class with a table of patients, or photographs with boxes.

use std::collections::BTreeMap;
use std::path::Path;

use crate::data::{BadPicture, DataError, Picture, TextTable, Transform, has_boxes, read_crops, read_pictures};
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
    for Found { id, picture, class, patient } in found {
        let number = *known.entry(patient.clone()).or_insert_with(|| {
            cohort.patients.push(patient);
            cohort.patients.len() - 1
        });
        cohort.push(number, id, picture, class == positive, None);
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
    });
    Ok(found.collect())
}

fn folder(spec: &Spec, path: &Path, notices: &mut Vec<String>) -> Result<Vec<Found>, StudyError> {
    let bad = if spec.skip_bad { BadPicture::Skip } else { BadPicture::Refuse };
    let place = path.display().to_string();
    let read = read_pictures(path, bad, |picture| Transform::IMAGENET.shrunk(picture)).map_err(naming_skip_bad)?;
    notices.extend(read.skipped.iter().filter(|text| !text.starts_with(PATIENTS_FILE)).cloned());
    if read.ids.is_empty() {
        return Err(DataError::Malformed { place, reason: "no pictures".into() }.into());
    }
    let table = path.join(PATIENTS_FILE);
    let mut known = if table.is_file() { patients(&table, &read.ids)? } else { BTreeMap::new() };
    let (mut found, mut nameless) = (Vec::new(), 0);
    for (id, picture) in read.ids.into_iter().zip(read.pictures) {
        let refuse = |reason: String| Err(DataError::Malformed { place: place.clone(), reason }.into());
        let parts: Vec<&str> = id.split('/').collect();
        let (patient, class) = known.remove(&id).unwrap_or_default();
        let by_folder = || (parts.len() > 1).then(|| parts[0].to_string());
        let Some(class) = class.or_else(by_folder) else {
            return refuse(format!(
                "{id} has no class: put it into a folder with the name of one, or give patients.csv a column label"
            ));
        };
        let patient = match (patient, &parts[..]) {
            (Some(patient), _) => patient,
            (None, _) if table.is_file() => return refuse(format!("{id} is not in {PATIENTS_FILE}")),
            (None, [_, patient, _]) => patient.to_string(),
            (None, _) if spec.allow_leakage => {
                nameless += 1;
                id.clone()
            }
            (None, _) => {
                return refuse(format!(
                    "nothing says of which patient {id} is, and pictures of one patient must not be on both sides of a split: \
                     add {PATIENTS_FILE} with the columns picture and patient, or folders class/patient/; --allow-leakage \
                     splits pictures, and the report says so in red"
                ));
            }
        };
        found.push(Found { id, picture, class, patient });
    }
    if nameless > 0 {
        notices.push(format!(
            "--allow-leakage: nothing says of which patient {} are; each counts as a patient of its own, so that the split \
             `patients` may leak as well",
            pluralise(nameless, "picture")
        ));
    }
    Ok(found)
}

/// Patient and, if a column says it, class of each picture.
type Known = BTreeMap<String, (Option<String>, Option<String>)>;

fn patients(path: &Path, ids: &[String]) -> Result<Known, StudyError> {
    let table = TextTable::read(path)?;
    let column = |names: &[&str]| table.column(names);
    let (Some(picture), Some(patient)) = (
        column(&["picture", "image", "file", "filename", "path"]),
        column(&["patient", "patient_id", "patientid", "subject", "subject_id", "case"]),
    ) else {
        return Err(table.malformed("no columns `picture` and `patient`").into());
    };
    let label = column(&["label", "class", "diagnosis"]);
    let mut known = Known::new();
    for row in &table.rows {
        let name = row.fields[picture].replace('\\', "/");
        let is_it = |id: &&String| **id == name || id.ends_with(&format!("/{name}"));
        let found: Vec<&String> = ids.iter().filter(is_it).collect();
        let id = match found[..] {
            [only] => only.clone(),
            [] => return Err(table.wrong(row, picture, "no such picture in the folder").into()),
            _ => {
                return Err(table.wrong(row, picture, "more than one picture ends so; give its folder as well").into());
            }
        };
        if row.fields[patient].is_empty() {
            return Err(table.wrong(row, patient, "expected the name of the patient").into());
        }
        let class = label.map(|column| row.fields[column].clone()).filter(|class| !class.is_empty());
        if known.insert(id, (Some(row.fields[patient].clone()), class)).is_some() {
            return Err(table.wrong(row, picture, "the picture is in the table twice").into());
        }
    }
    Ok(known)
}
