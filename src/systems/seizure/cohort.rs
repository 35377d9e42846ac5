//! Patients with their recordings as segments and features.

use ndarray::Array2;
use rayon::prelude::*;

use crate::data::DataError;
use crate::data::signal::{Event, RATES, Recording, Signal, resample};
use crate::study::StudyError;
use crate::systems::seizure::arrays::{array_samples, array_segments};
use crate::systems::seizure::simulation;
use crate::systems::seizure::spec::Spec;
use crate::systems::seizure::views::ViewRow;

/// Classes, in the order of labels.
pub const CLASSES: [&str; 2] = ["background", "seizure"];

/// Label of a seizure.
pub const SEIZURE: usize = 1;

/// A recording cut into segments.
#[derive(Clone, Debug)]
pub struct Record {
    /// Its name.
    pub name: String,
    /// Where each segment begins, seconds.
    pub starts: Vec<f64>,
    /// Whether each segment is part of a seizure: the index in [`CLASSES`].
    pub labels: Vec<usize>,
    /// Features (segments, features) by view.
    pub views: Vec<Array2<f32>>,
    /// Samples (segments, channels · samples at [`ARRAY_RATE`](super::ARRAY_RATE)); none per segment unless they are kept.
    pub samples: Array2<f32>,
}

/// A patient, or whatever else the recordings of one folder have in common.
#[derive(Clone, Debug)]
pub struct Patient {
    /// Its name.
    pub name: String,
    /// Its recordings.
    pub records: Vec<Record>,
}

/// Patients with the same channels.
#[derive(Clone, Debug)]
pub struct Cohort {
    /// The patients.
    pub patients: Vec<Patient>,
    /// How their recordings were cut.
    pub cut: Cut,
    /// What was left out or repaired.
    pub notices: Vec<String>,
}

/// How recordings become features. Everything that new recordings need.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Cut {
    /// Labels of the channels.
    pub channels: Vec<String>,
    /// Samples a second after resampling.
    pub rate: f64,
    /// Length of a segment, seconds.
    pub seconds: f64,
    /// Names of the views.
    pub views: Vec<String>,
    /// Whether samples are kept beside features. No saved detector reads them.
    #[serde(skip)]
    pub keeps_samples: bool,
}

impl Cut {
    /// Samples of a segment.
    fn length(&self) -> usize {
        ((self.seconds * self.rate).round() as usize).max(1)
    }

    /// Seconds that a segment lasts, and from one to the next: `seconds`, as a whole number of samples.
    pub fn duration(&self) -> f64 {
        self.length() as f64 / self.rate
    }

    /// Names of the features of a view: "E3: log power 2 to 4 Hz"; without the channel where there is only one.
    ///
    /// # Errors
    /// If there is no such view.
    pub fn features(&self, view: &str) -> Result<Vec<String>, StudyError> {
        let names = (ViewRow::named(view)?.features)(self.rate);
        let of = |channel: &String| -> Vec<String> {
            let name = |name: &String| match self.channels.len() {
                1 => name.clone(),
                _ => format!("{channel}: {name}"),
            };
            names.iter().map(name).collect()
        };
        Ok(self.channels.iter().flat_map(of).collect())
    }

    /// A recording as segments. `rate` is what its file does not state; `seizures` are its annotations. A segment of which half
    /// or more is in seizures is one.
    ///
    /// # Errors
    /// A recording without a channel, with a rate outside [`RATES`] or without one, or shorter than a segment.
    pub fn record(
        &self,
        recording: &Recording,
        rate: Option<f64>,
        seizures: &[Event],
        place: &str,
    ) -> Result<Record, StudyError> {
        let views: Vec<&ViewRow> = self.views.iter().map(|view| ViewRow::named(view)).collect::<Result<_, _>>()?;
        let wrong = |reason: String| DataError::malformed(place, reason);
        let channel = |label: &String| -> Result<Vec<f64>, DataError> {
            let signal = find(&recording.signals, label, self.channels.len()).ok_or_else(|| {
                let known: Vec<&str> = recording.signals.iter().map(|signal| signal.label.as_str()).collect();
                wrong(format!("no channel {label:?}; it has {}", known.join(", ")))
            })?;
            let from = signal.rate.or(rate).ok_or_else(|| {
                let advice = "add a column `time` in seconds, or train with --rates NAME=HERTZ";
                wrong(format!("the file does not state its sampling rate; {advice}"))
            })?;
            if !RATES.contains(&from) {
                let (least, most) = (RATES.start(), RATES.end());
                let reason = format!("channel {label}: a sampling rate of {from} Hz; expected {least} to {most} Hz");
                return Err(wrong(reason));
            }
            Ok(resample(&signal.samples, from, self.rate).into_iter().map(f64::from).collect())
        };
        let channels = self.channels.iter().map(channel).collect::<Result<Vec<_>, _>>()?;
        let (length, lasting) = (self.length(), self.duration());
        let shortest = channels.iter().map(Vec::len).min().unwrap_or(0);
        let count = shortest / length;
        if count == 0 {
            let lasts = shortest as f64 / self.rate;
            return Err(wrong(format!("it lasts {lasts:.3} s, less than a segment of {} s", self.seconds)).into());
        }
        let starts: Vec<f64> = (0..count).map(|k| (k * length) as f64 / self.rate).collect();
        let seizures = union(seizures);
        let label = |start: &f64| {
            let within = |(from, to): &(f64, f64)| (to.min(start + lasting) - from.max(*start)).max(0.0);
            usize::from(seizures.iter().map(within).sum::<f64>() >= lasting / 2.0)
        };
        let labels = starts.iter().map(label).collect();
        let features = |view: &&ViewRow| {
            let of_segment = |k: usize| -> Vec<f64> {
                let own = |channel: &Vec<f64>| (view.values)(&channel[k * length..(k + 1) * length], self.rate);
                channels.iter().flat_map(own).collect()
            };
            let rows: Vec<Vec<f64>> = (0..count).map(of_segment).collect();
            Array2::from_shape_fn((count, rows[0].len()), |(row, k)| rows[row][k] as f32)
        };
        let views = views.iter().map(features).collect();
        let samples = match self.keeps_samples {
            true => {
                let cut = |channel: &Vec<f64>| array_segments(channel, self.rate, (count, length));
                let segments: Vec<Vec<Vec<f32>>> = channels.iter().map(cut).collect();
                let own = array_samples(lasting);
                Array2::from_shape_fn((count, segments.len() * own), |(row, k)| segments[k / own][row][k % own])
            }
            false => Array2::zeros((count, 0)),
        };
        Ok(Record { name: recording.name.clone(), starts, labels, views, samples })
    }
}

/// The times from and to that events cover, each once: readers may annotate one seizure twice.
fn union(events: &[Event]) -> Vec<(f64, f64)> {
    let mut times: Vec<(f64, f64)> = events.iter().map(|event| (event.onset, event.onset + event.duration)).collect();
    times.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut found: Vec<(f64, f64)> = Vec::new();
    for (from, to) in times {
        match found.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => found.push((from, to)),
        }
    }
    found
}

/// A channel by its label. A single channel needs no label.
fn find<'s>(signals: &'s [Signal], label: &str, count: usize) -> Option<&'s Signal> {
    match signals {
        [only] if count == 1 => Some(only),
        _ => signals.iter().find(|signal| signal.label == label),
    }
}

impl Cohort {
    /// Simulated patients under a seed.
    ///
    /// # Errors
    /// If the settings name an unknown view.
    pub fn simulated(spec: &Spec, seed: u64) -> Result<Self, StudyError> {
        let channels = (1..=simulation::ELECTRODES).map(|k| format!("E{k}")).collect();
        let cut = Cut {
            channels,
            rate: spec.rate,
            seconds: spec.seconds,
            views: spec.views.clone(),
            keeps_samples: spec.keeps_samples(),
        };
        let patient = |k: usize| -> Result<Patient, StudyError> {
            let recordings = simulation::patient(seed, k, spec.records, spec.record_seconds);
            let record = |recording: &Recording| {
                cut.record(recording, None, recording.events.as_deref().unwrap_or_default(), &recording.name)
            };
            let records = recordings.iter().map(record).collect::<Result<_, _>>()?;
            Ok(Patient { name: patient_name(k), records })
        };
        let patients = (0..spec.patients).into_par_iter().map(patient).collect::<Result<_, _>>()?;
        Ok(Self { patients, cut, notices: Vec::new() })
    }
}

/// Name of a simulated patient.
pub fn patient_name(k: usize) -> String {
    format!("p{:02}", k + 1)
}
