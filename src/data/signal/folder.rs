//! Folders of recordings: one folder for each patient.

use std::path::{Path, PathBuf};

use crate::data::DataError;
use crate::data::signal::annotations::is_annotation;
use crate::data::signal::{Annotations, is_recording};
use crate::data::walk::{Walk, entries, name};

/// Names of folders whose recordings are seizures as a whole, those of the Bonn and New Delhi sets among them. Names of one
/// letter are those of Bonn's text files and say nothing of EDF and BDF files.
const SEIZURE: [&str; 9] = ["seizure", "seizures", "ictal", "sz", "e", "s", "e_s", "set_e", "set e"];
/// Names of folders whose recordings have no seizure.
const BACKGROUND: [&str; 25] = [
    "background",
    "interictal",
    "normal",
    "nonseizure",
    "non_seizure",
    "non-seizure",
    "no_seizure",
    "a",
    "b",
    "c",
    "d",
    "z",
    "o",
    "n",
    "f",
    "a_z",
    "b_o",
    "c_n",
    "d_f",
    "set_a",
    "set_b",
    "set_c",
    "set_d",
    "healthy",
    "control",
];
/// Names of folders that are neither.
const LEFT_OUT: [&str; 3] = ["preictal", "pre-ictal", "postictal"];

/// What folders are called, besides the names that are known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FolderNames {
    /// Of seizures.
    pub seizure: Vec<String>,
    /// Of recordings without any.
    pub background: Vec<String>,
}

/// Seizures of a recording.
#[derive(Clone, Debug, PartialEq)]
pub enum Marks {
    /// The whole recording is one, or none of it.
    Whole(bool),
    /// As files beside it list them.
    Beside(Vec<super::Event>),
    /// As the file itself says.
    Inside,
    /// Nothing is known.
    Unknown,
}

/// A recording with what is known of its seizures.
#[derive(Clone, Debug, PartialEq)]
pub struct MarkedFile {
    /// The file.
    pub path: PathBuf,
    /// Its path in the folder of the patient.
    pub name: String,
    /// Its seizures.
    pub marks: Marks,
}

/// The folder of a patient.
#[derive(Clone, Debug, PartialEq)]
pub struct PatientFolder {
    /// Its name.
    pub name: String,
    /// Its recordings, by path.
    pub files: Vec<MarkedFile>,
    /// Files that were left out.
    pub notices: Vec<String>,
}

/// Names of the patients: of the folders in `folder`.
///
/// # Errors
/// A folder that cannot be read, or with fewer than two folders in it.
pub fn patient_names(folder: &Path) -> Result<Vec<String>, DataError> {
    let names: Vec<String> = entries(folder)?.iter().filter(|path| path.is_dir()).map(|path| name(path)).collect();
    match names.len() {
        0 | 1 => {
            let reason = format!("{} folders; expected one for each of at least two patients", names.len());
            Err(DataError::malformed(folder.display(), reason))
        }
        _ => Ok(names),
    }
}

/// Finds the recordings of every patient. What a recording is says, in this order: a folder above it that is called after a class,
/// a file beside it that lists its seizures ([`Annotations`]), the annotations of EDF+.
///
/// # Errors
/// A folder that cannot be read, an annotation file that contradicts its format, a patient without recordings.
pub fn read_patients(folder: &Path, names: &FolderNames) -> Result<Vec<PatientFolder>, DataError> {
    patient_names(folder)?.into_iter().map(|patient| read_patient(&folder.join(&patient), patient, names)).collect()
}

/// A recording, or every recording below a folder, with what is known of its seizures; recordings of folders called `preictal`
/// too.
///
/// # Errors
/// A path that cannot be read or is no recording, a folder without recordings, an annotation file that contradicts its format.
pub fn read_recordings(path: &Path, names: &FolderNames) -> Result<Vec<MarkedFile>, DataError> {
    let is_folder = path.is_dir();
    let found = match is_folder {
        true => Walk::below(path, true)?.files,
        false => vec![path.to_path_buf()],
    };
    let mut marker = Marker { names, known: None };
    let mut files = Vec::new();
    for file in found.into_iter().filter(|file| !is_folder || is_recording(file) && !is_annotation(file)) {
        // The folder around a single file says what it is, too.
        let from = if is_folder { path } else { path.parent().and_then(Path::parent).unwrap_or(Path::new("")) };
        let inside = file.strip_prefix(from).unwrap_or(&file).to_path_buf();
        let name = if is_folder { inside.to_string_lossy().into_owned() } else { name(&file) };
        let marks = marker.marks(&file, &inside)?.unwrap_or(Marks::Unknown);
        files.push(MarkedFile { path: file, name, marks });
    }
    match files.is_empty() {
        true => Err(DataError::malformed(path.display(), "no recordings; expected EDF, BDF, MAT or text files")),
        false => Ok(files),
    }
}

/// Finds out what recordings are; the annotations of the last folder are kept.
struct Marker<'a> {
    names: &'a FolderNames,
    known: Option<(PathBuf, Annotations)>,
}

impl Marker<'_> {
    /// `None` for a recording in a folder that is neither seizure nor background.
    fn marks(&mut self, path: &Path, inside: &Path) -> Result<Option<Marks>, DataError> {
        let is = |ending: &str| path.extension().is_some_and(|own| own.eq_ignore_ascii_case(ending));
        let is_edf = is("edf") || is("bdf");
        Ok(match class_of(inside, self.names, is_edf) {
            Some(Class::LeftOut) => None,
            Some(Class::Seizure) => Some(Marks::Whole(true)),
            Some(Class::Background) => Some(Marks::Whole(false)),
            None => {
                let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
                if self.known.as_ref().is_none_or(|(of, _)| of != parent) {
                    self.known = Some((parent.to_path_buf(), Annotations::read(parent)?));
                }
                let beside = self.known.as_ref().and_then(|(_, all)| all.of(&name(path)));
                Some(match beside {
                    Some(events) => Marks::Beside(events.to_vec()),
                    None if is_edf => Marks::Inside,
                    None => Marks::Unknown,
                })
            }
        })
    }
}

fn read_patient(folder: &Path, patient: String, names: &FolderNames) -> Result<PatientFolder, DataError> {
    let walk = Walk::below(folder, true)?;
    let mut notices = walk.notices;
    let mut files = Vec::new();
    let mut unknown: Vec<String> = Vec::new();
    let mut marker = Marker { names, known: None };
    for path in walk.files.into_iter().filter(|path| is_recording(path) && !is_annotation(path)) {
        let inside = path.strip_prefix(folder).unwrap_or(&path).to_path_buf();
        let name = inside.to_string_lossy().into_owned();
        match marker.marks(&path, &inside)? {
            None => {
                notices.push(format!("{patient}: {name} is left out: neither a seizure nor between seizures"));
            }
            Some(Marks::Unknown) => {
                notices.push(format!("{patient}: {name} is left out: nothing says whether it is a seizure"));
                let above = inside.parent().map(|parent| parent.to_string_lossy().into_owned());
                unknown.extend(above.filter(|above| !above.is_empty() && !unknown.contains(above)));
            }
            Some(marks) => files.push(MarkedFile { path, name, marks }),
        }
    }
    if files.is_empty() {
        let reason = match unknown.is_empty() {
            true => "no recordings with a class; expected EDF or BDF files with annotations, or folders `seizure` and \
                     `background`"
                .to_string(),
            false => format!(
                "nothing says which class the folder {} is; name it by --seizure-folders or --background-folders",
                unknown.join(", ")
            ),
        };
        return Err(DataError::malformed(folder.display(), reason));
    }
    // A whole folder that is left out is one sentence.
    if notices.len() > 3 {
        let (first, count) = (notices[0].clone(), notices.len() - 1);
        notices = vec![format!("{first}; {count} more of {patient} are left out")];
    }
    Ok(PatientFolder { name: patient, files, notices })
}

enum Class {
    Seizure,
    Background,
    LeftOut,
}

/// The class that the nearest folder above says of a recording.
fn class_of(inside: &Path, names: &FolderNames, is_edf: bool) -> Option<Class> {
    let folders: Vec<String> =
        inside.parent()?.components().map(|part| part.as_os_str().to_string_lossy().to_lowercase()).collect();
    folders.iter().rev().find_map(|folder| {
        let is_own = |own: &[String]| own.iter().any(|name| name.to_lowercase() == *folder);
        let is_known = |known: &[&str]| known.contains(&folder.as_str()) && !(is_edf && folder.len() == 1);
        // Names that the user gives come before those that are known.
        if is_own(&names.seizure) {
            Some(Class::Seizure)
        } else if is_own(&names.background) || is_known(&BACKGROUND) {
            Some(Class::Background)
        } else if is_known(&SEIZURE) {
            Some(Class::Seizure)
        } else {
            is_known(&LEFT_OUT).then_some(Class::LeftOut)
        }
    })
}
