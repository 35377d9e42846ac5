//! A folder of recordings as a cohort.

use std::path::Path;

use rayon::prelude::*;

use crate::data::DataError;
use crate::data::signal::{Event, Marks, PatientFolder, Recording, Signal, is_seizure, read_patients, read_recording};
use crate::study::{Observer, StudyError};
use crate::systems::seizure::cohort::{Cohort, Cut, Patient, Record};
use crate::systems::seizure::spec::Spec;

/// Reads every recording below `folder` twice: for the channels that all have, then for the features, so that no more than one
/// recording a thread is in memory.
///
/// # Errors
/// Recordings that cannot be read, have no channel in common or nothing that says whether they have seizures.
pub fn read(spec: &Spec, folder: &Path, observer: &dyn Observer) -> Result<Cohort, StudyError> {
    let folders = read_patients(folder, &spec.folder_names())?;
    let files: Vec<_> = folders.iter().flat_map(|patient| patient.files.iter().map(move |f| (patient, f))).collect();
    observer.stage("recordings", 2 * files.len());
    let labels = |(_, file): &(&PatientFolder, &crate::data::signal::MarkedFile)| -> Result<Vec<String>, StudyError> {
        proceed(observer)?;
        let recording = read_recording(&file.path)?;
        observer.advance(1);
        Ok(recording.signals.into_iter().map(|signal| signal.label).collect())
    };
    let labels = files.par_iter().map(labels).collect::<Result<Vec<_>, _>>()?;
    let mut notices: Vec<String> = folders.iter().flat_map(|patient| patient.notices.iter().cloned()).collect();
    let channels = common(&labels, folder, &mut notices)?;
    let cut = Cut {
        channels,
        rate: spec.rate,
        seconds: spec.seconds,
        views: spec.views.clone(),
        keeps_samples: spec.keeps_samples(),
    };
    let record = |(patient, file): &(&PatientFolder, &crate::data::signal::MarkedFile)| {
        proceed(observer)?;
        let recording = Recording { name: file.name.clone(), ..read_recording(&file.path)? };
        let seizures = seizures(&file.marks, &recording, &file.path)?;
        let place = file.path.display().to_string();
        let rate = spec.rate_of(&patient.name);
        let record = cut.record(&recording, rate, &seizures, &place)?;
        observer.advance(1);
        let late = late(&file.marks, &recording, rate);
        Ok((record, recording.notices.into_iter().chain(late).collect()))
    };
    let records = files.par_iter().map(record).collect::<Result<Vec<(Record, Vec<String>)>, StudyError>>()?;
    observer.done();
    let mut records = records.into_iter();
    let mut patients = Vec::new();
    for patient in &folders {
        let (own, said): (Vec<Record>, Vec<Vec<String>>) = records.by_ref().take(patient.files.len()).unzip();
        let mut said: Vec<String> = said.concat();
        said.sort();
        said.dedup();
        notices.extend(said.into_iter().map(|notice| format!("{}: {notice}", patient.name)));
        patients.push(Patient { name: patient.name.clone(), records: own });
    }
    Ok(Cohort { patients, cut, notices })
}

fn proceed(observer: &dyn Observer) -> Result<(), StudyError> {
    if observer.stopped() { Err(StudyError::Interrupted) } else { Ok(()) }
}

/// The channels that all recordings have, in the order of the first. Recordings with one channel each need no common label.
fn common(labels: &[Vec<String>], folder: &Path, notices: &mut Vec<String>) -> Result<Vec<String>, StudyError> {
    let Some(first) = labels.first() else { return Ok(Vec::new()) };
    if labels.iter().all(|own| own.len() == 1) {
        return Ok(vec![first[0].clone()]);
    }
    let kept: Vec<String> =
        first.iter().filter(|label| labels.iter().all(|own| own.contains(label))).cloned().collect();
    if kept.is_empty() {
        let reason = "the recordings have no channel in common; rename channels or leave recordings out";
        return Err(DataError::malformed(folder.display(), reason).into());
    }
    let most = labels.iter().map(Vec::len).max().unwrap_or(0);
    if kept.len() < most {
        notices.push(format!("{} of up to {most} channels are read: those that every recording has", kept.len()));
    }
    Ok(kept)
}

/// The first seizure in the annotations of the file itself that has no duration, in words: how much of the recording it is, nothing
/// says.
pub fn without_duration(marks: &Marks, recording: &Recording) -> Option<String> {
    let (Marks::Inside, Some(events)) = (marks, &recording.events) else { return None };
    let found = events.iter().find(|event| is_seizure(&event.text) && event.duration <= 0.0);
    found.map(|event| format!("the annotation {:?} at {} s has no duration", event.text, event.onset))
}

/// A notice about seizures that a file beside a recording lists behind its end. `rate` is what the recording does not state.
pub fn late(marks: &Marks, recording: &Recording, rate: Option<f64>) -> Option<String> {
    let Marks::Beside(events) = marks else { return None };
    let lasts = |signal: &Signal| Some(signal.samples.len() as f64 / signal.rate.or(rate)?);
    let end = recording.signals.iter().filter_map(lasts).fold(0.0, f64::max);
    let (count, first) = (events.iter().filter(|e| e.onset >= end).count(), events.iter().find(|e| e.onset >= end)?);
    Some(format!(
        "{}: it lasts {end:.3} s, but {} behind its end, the first at {} s; the file of events may be that of another \
         recording",
        recording.name,
        if count == 1 { "a seizure begins".into() } else { format!("{count} seizures begin") },
        first.onset
    ))
}

/// The seizures of a recording.
///
/// # Errors
/// If nothing says whether it has any, or how long one is.
pub fn seizures(marks: &Marks, recording: &Recording, path: &Path) -> Result<Vec<Event>, StudyError> {
    if let Some(reason) = without_duration(marks, recording) {
        let reason = format!("{reason}; give it one, or list the seizures in NAME_events.tsv beside the file");
        return Err(DataError::malformed(path.display(), reason).into());
    }
    Ok(match (marks, &recording.events) {
        (Marks::Whole(true), _) => vec![Event { onset: 0.0, duration: f64::MAX, text: "seizure".into() }],
        (Marks::Whole(false), _) => Vec::new(),
        (Marks::Beside(events), _) => events.clone(),
        (Marks::Inside, Some(events)) => events.iter().filter(|event| is_seizure(&event.text)).cloned().collect(),
        (Marks::Inside, None) | (Marks::Unknown, _) => {
            let reason = "nothing says whether it has seizures; expected a summary or a table of events beside it, \
                          annotations of EDF+, or a folder `seizure` or `background` around it";
            return Err(DataError::malformed(path.display(), reason).into());
        }
    })
}
