//! Studies of the user: a folder for each study with its films, and a table with patients, reports and labels.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::data::{DataError, Film, TextTable, entries};
use crate::math::words::pluralise;
use crate::nn::loss::{Task, TaskKind};
use crate::study::StudyError;
use crate::study::stats::{mean, sd};
use crate::systems::angiography::report::sentences;
use crate::systems::angiography::spec::Spec;
use crate::systems::angiography::studies::{FilmShape, Studies, Study, VIEWS, Video};

/// The table inside a folder of studies.
pub const STUDIES_FILE: &str = "studies.csv";

/// Least patients to learn from and to test on.
const LEAST: usize = 4;

/// Studies of the user with what is to be learned of them.
pub struct OwnStudies {
    studies: Studies,
    /// A task for each column of labels.
    pub tasks: Vec<Task>,
    /// The task that transfer and heads are about.
    pub target: usize,
    /// What was left out.
    pub notices: Vec<String>,
    place: String,
}

/// Films of a study, at most [`VIEWS`], by name.
///
/// # Errors
/// A study without films, or a film that cannot be read.
pub fn films(folder: &Path, shape: FilmShape, notices: &mut Vec<String>) -> Result<Vec<Video>, StudyError> {
    let found = entries(folder)?;
    let (films, others): (Vec<PathBuf>, Vec<PathBuf>) = found.into_iter().partition(|path| Film::is_film(path));
    let place = folder.display().to_string();
    if films.is_empty() {
        let seen = others.first().and_then(|path| path.file_name()).map(|name| name.to_string_lossy().into_owned());
        let reason = match seen {
            Some(name) => {
                format!("no film: {name} is none; a film is a folder of frames, an .npy file or a DICOM file")
            }
            None => "no film: the folder is empty; a film is a folder of frames, an .npy file or a DICOM file".into(),
        };
        return Err(DataError::malformed(&place, reason).into());
    }
    if films.len() > VIEWS {
        notices.push(format!("{place}: the first {VIEWS} of {} by name are read", pluralise(films.len(), "film")));
    }
    let read = |path: &PathBuf| -> Result<Video, StudyError> {
        Ok(Video(Film::read(path)?.bytes(shape.frames, shape.edge).into()))
    };
    films.iter().take(VIEWS).map(read).collect()
}

/// The folders of studies inside a folder.
///
/// # Errors
/// A folder that cannot be read, or one without folders.
pub fn study_folders(folder: &Path) -> Result<Vec<(String, PathBuf)>, StudyError> {
    let named = |path: PathBuf| Some((path.file_name()?.to_str()?.to_string(), path));
    let found: Vec<(String, PathBuf)> =
        entries(folder)?.into_iter().filter(|path| path.is_dir()).filter_map(named).collect();
    if found.is_empty() {
        let reason = "no folders of studies in it; expected STUDY/FILM, a film being a folder of frames, an .npy file or a DICOM file";
        return Err(DataError::malformed(folder.display(), reason).into());
    }
    Ok(found)
}

impl OwnStudies {
    /// Reads a folder with `studies.csv`.
    ///
    /// # Errors
    /// A table that does not fit the folder, films that cannot be read, no labels.
    pub fn read(spec: &Spec, folder: &Path) -> Result<Self, StudyError> {
        let table = TextTable::read(&folder.join(STUDIES_FILE))?;
        let needed = |names: &[&str], what: &str| {
            table.column(names).ok_or_else(|| table.malformed(format!("no column `{what}`")))
        };
        let study = needed(&["study", "study_id", "accession"], "study")?;
        let patient = needed(&["patient", "patient_id", "subject", "subject_id"], "patient")?;
        let report = needed(&["report", "text", "findings"], "report")?;
        let columns: Vec<usize> = (0..table.header.len()).filter(|k| ![study, patient, report].contains(k)).collect();
        let mut folders: BTreeMap<String, PathBuf> = study_folders(folder)?.into_iter().collect();
        let (mut patients, mut said): (BTreeMap<String, usize>, BTreeMap<Vec<String>, u32>) = Default::default();
        let (mut studies, mut notices) = (Studies::empty(), Vec::new());
        for row in &table.rows {
            let id = row.fields[study].clone();
            let Some(path) = folders.remove(&id) else {
                return Err(table.wrong(row, study, "no folder of this study, or the study is there twice").into());
            };
            if row.fields[patient].trim().is_empty() {
                return Err(table.wrong(row, patient, "expected the name of the patient").into());
            }
            let mut words = sentences(&row.fields[report]);
            if words.is_empty() {
                return Err(table.wrong(row, report, "a report without words").into());
            }
            words.sort();
            let count = patients.len();
            let patient = *patients.entry(row.fields[patient].trim().to_string()).or_insert(count);
            let count = said.len() as u32;
            let finding = *said.entry(words).or_insert(count);
            let mut labels = Vec::new();
            for column in &columns {
                let is_missing = row.fields[*column].trim().is_empty();
                let number = || table.number(row, *column, -1e9..=1e9);
                labels.push(if is_missing { f32::NAN } else { number()? as f32 });
            }
            let videos = films(&path, spec.films, &mut notices)?;
            let report = row.fields[report].clone();
            studies.studies.push(Study { id, patient, videos, report, finding, labels, visible: None, risk: None });
        }
        if let Some(name) = folders.keys().next() {
            let rest = if folders.len() > 1 { format!(" and {} more", folders.len() - 1) } else { String::new() };
            notices.push(format!("{name}{rest}: not in {STUDIES_FILE}, left out"));
        }
        let names: Vec<String> = columns.iter().map(|column| table.header[*column].clone()).collect();
        let tasks: Vec<Task> = names.iter().enumerate().map(|(k, name)| task(&studies, k, name)).collect();
        let place = table.place.clone();
        let binary = |task: &usize| tasks[*task].kind == TaskKind::Binary;
        let target = match &spec.target {
            Some(name) => {
                let at = names.iter().position(|own| own == name);
                let at = at.ok_or_else(|| StudyError::unknown("task", name, names.iter().map(String::as_str)))?;
                Some(at).filter(binary)
            }
            None => (0..tasks.len()).rev().find(binary),
        };
        let target = target.ok_or_else(|| {
            let reason = "no column with labels 0 and 1 (empty where missing) to learn; --target names one";
            DataError::malformed(&place, reason)
        })?;
        Ok(Self { studies, tasks, target, notices, place })
    }

    /// Studies to learn from and to test on; those of a patient are on one side.
    ///
    /// # Errors
    /// If patients, or those with one of the labels of the target, are too few.
    pub fn split(&self, spec: &Spec, seed: u64) -> Result<(Studies, Studies), StudyError> {
        let all = &self.studies.studies;
        let count = all.iter().map(|study| study.patient + 1).max().unwrap_or(0);
        let is_test = spec.tested(count, seed);
        let tested = is_test.iter().filter(|own| **own).count();
        let part = |test: bool| Studies {
            studies: all.iter().filter(|study| is_test[study.patient] == test).cloned().collect(),
        };
        let (training, test) = (part(false), part(true));
        if tested < LEAST || count - tested < LEAST {
            let reason = format!(
                "{}: {} to learn from and {tested} to test on; at least {LEAST} of each are needed",
                pluralise(count, "patient"),
                count - tested
            );
            return Err(DataError::malformed(&self.place, reason).into());
        }
        let name = &self.tasks[self.target].name;
        for (studies, what) in [(&training, "to learn from"), (&test, "to test on")] {
            for label in [0.0, 1.0] {
                if !studies.studies.iter().any(|study| study.labels[self.target] == label) {
                    let reason = format!("no study {what} has {name} = {label} under seed {seed}");
                    return Err(DataError::malformed(&self.place, reason).into());
                }
            }
        }
        Ok((training, test))
    }
}

/// Labels 0 and 1 are a question, others are numbers, whose mean and spread are the unit of outputs and loss.
fn task(studies: &Studies, k: usize, name: &str) -> Task {
    let known: Vec<f64> =
        studies.studies.iter().map(|study| f64::from(study.labels[k])).filter(|label| label.is_finite()).collect();
    let is_binary = known.iter().all(|label| *label == 0.0 || *label == 1.0);
    let spread = sd(&known).filter(|sd| *sd > 0.0 && !is_binary);
    let name = name.into();
    match mean(&known).zip(spread) {
        Some((mean, sd)) => {
            Task { name, kind: TaskKind::Number { delta: sd }, weight: 1.0 / (sd * sd), unit: [mean, sd] }
        }
        None => Task { name, kind: TaskKind::Binary, weight: 1.0, unit: Task::PLAIN },
    }
}
