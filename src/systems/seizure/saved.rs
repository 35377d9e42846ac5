//! A trained detector as a file, and what it says of new recordings.

use std::path::Path;

use candle_core::{Device, Tensor};
use ndarray::{Array1, Array2};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::classic::fuzzy::{Antecedents, Firing, combine};
use crate::data::signal::{Marks, read_recording, read_recordings};
use crate::lab::{Applied, ApplyOptions, Measurement, SavedRun, SavedTrial};
use crate::math::order::argmax;
use crate::math::words::pluralise;
use crate::nn::{ModelHeader, NnError};
use crate::sim::Condition;
use crate::study::{Observer, StudyError};
use crate::systems::seizure::cohort::{CLASSES, Cut, Record, SEIZURE};
use crate::systems::seizure::detector::{Detector, joined, probabilities};
use crate::systems::seizure::extra_view::ExtraView;
use crate::systems::seizure::own;
use crate::systems::seizure::spec::Spec;
use crate::systems::seizure::task::Scaler;
use crate::systems::seizure::trial::{Quality, false_alarms};

/// File of a trial with its detector.
pub const MODEL_FILE: &str = "detector.safetensors";

/// Everything but centres, widths, consequents and weights.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SavedDetector {
    /// The arm.
    pub arm: String,
    /// The patient it was learned for.
    pub target: String,
    /// How recordings become features.
    pub cut: Cut,
    /// Sampling rate of recordings that do not state it.
    pub unstated_rate: Option<f64>,
    /// What each view's features go through.
    pub scalers: Vec<Scaler>,
    /// A view of a circuit with its scaler.
    pub extra: Option<(ExtraView, Scaler)>,
}

/// The header of the file.
#[derive(Serialize, Deserialize)]
struct Header {
    #[serde(flatten)]
    detector: SavedDetector,
    classes: Vec<String>,
    firing: Firing,
    is_averaged: bool,
}

impl ModelHeader for Header {
    const ENTRY: &'static str = "seizure";
    const FORMAT: &'static str = "qgraft.fuzzy_detector/1";
    const WHAT: &'static str = "a fuzzy seizure detector";
}

/// A view of a file.
struct View {
    antecedents: Antecedents,
    consequents: Array2<f64>,
}

impl SavedDetector {
    /// The file of a detector.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn to_bytes(&self, detector: &Detector) -> Result<Vec<u8>, StudyError> {
        let first = &detector.views[0].antecedents;
        let header = Header {
            detector: self.clone(),
            classes: CLASSES.map(String::from).to_vec(),
            firing: first.firing,
            is_averaged: first.is_averaged,
        };
        let tensor = |array: &Array2<f64>| -> Result<Tensor, StudyError> {
            Ok(Tensor::from_iter(array.iter().copied(), &Device::Cpu)?.reshape(array.dim())?)
        };
        let consequents = &detector.transferred.consequents;
        let mut tensors = vec![("weights".to_string(), Tensor::new(consequents.weights.to_vec(), &Device::Cpu)?)];
        for (k, (view, own)) in detector.views.iter().zip(&consequents.views).enumerate() {
            tensors.push((format!("views.{k}.centers"), tensor(&view.antecedents.centers)?));
            tensors.push((format!("views.{k}.widths"), tensor(&view.antecedents.widths)?));
            tensors.push((format!("views.{k}.consequents"), tensor(own)?));
        }
        Ok(header.to_bytes(tensors)?)
    }
}

/// A detector read back.
struct Model {
    header: Header,
    views: Vec<View>,
    weights: Array1<f64>,
}

impl Model {
    fn read(bytes: &[u8], path: &Path) -> Result<Self, StudyError> {
        let failed = |reason: String| StudyError::from(NnError::File { path: path.into(), reason });
        let header = Header::read(bytes, path)?;
        let tensors = candle_core::safetensors::load_buffer(bytes, &Device::Cpu).map_err(|e| failed(e.to_string()))?;
        let tensor = |name: &str| tensors.get(name).ok_or_else(|| failed(format!("it lacks the tensor `{name}`")));
        let matrix = |name: String| -> Result<Array2<f64>, StudyError> {
            let tensor = tensor(&name)?;
            let shape = tensor.dims2().map_err(|e| failed(format!("{name}: {e}")))?;
            let values = tensor.flatten_all().and_then(|t| t.to_vec1()).map_err(|e| failed(format!("{name}: {e}")))?;
            Array2::from_shape_vec(shape, values).map_err(|e| failed(format!("{name}: {e}")))
        };
        let count = header.detector.scalers.len() + usize::from(header.detector.extra.is_some());
        let weights: Vec<f64> = tensor("weights")?.to_vec1().map_err(|e| failed(format!("weights: {e}")))?;
        let mut views = Vec::new();
        for k in 0..count {
            let (centers, widths) = (matrix(format!("views.{k}.centers"))?, matrix(format!("views.{k}.widths"))?);
            let consequents = matrix(format!("views.{k}.consequents"))?;
            let rows = centers.nrows() * (centers.ncols() + 1);
            if centers.dim() != widths.dim() || consequents.dim() != (rows, CLASSES.len()) || centers.nrows() == 0 {
                return Err(failed(format!("the tensors of view {k} do not fit each other")));
            }
            let antecedents = Antecedents { centers, widths, firing: header.firing, is_averaged: header.is_averaged };
            views.push(View { antecedents, consequents });
        }
        let cut = &header.detector.cut;
        let mut is_sound = weights.len() == count && header.detector.scalers.len() == cut.views.len();
        for (view, scaler) in cut.views.iter().zip(&header.detector.scalers) {
            is_sound &= scaler.columns() == Some(cut.features(view)?.len());
        }
        let sane = |value: f64, range: std::ops::RangeInclusive<f64>| range.contains(&value);
        if !is_sound || !sane(cut.rate, 1.0..=1e5) || !sane(cut.seconds, 0.01..=3600.0) || header.classes != CLASSES {
            return Err(failed("the parts of its header do not fit each other".into()));
        }
        Ok(Self { header, views, weights: weights.into() })
    }

    /// Probabilities (segments, classes) of a recording.
    fn predict(
        &self,
        record: &Record,
        condition: &Condition,
        seed: u64,
        found: &mut Measurement,
    ) -> Result<Array2<f64>, StudyError> {
        let SavedDetector { scalers, extra, .. } = &self.header.detector;
        let mut inputs: Vec<Array2<f64>> = record
            .views
            .iter()
            .zip(scalers)
            .map(|(rows, scaler)| scaler.transform(rows.mapv(f64::from).view()))
            .collect();
        if let Some((view, scaler)) = extra {
            let all = joined(&inputs.iter().collect::<Vec<_>>());
            if view.columns() != Some(all.ncols()) {
                let path = MODEL_FILE.into();
                return Err(NnError::File { path, reason: "its circuit does not fit its views".into() }.into());
            }
            let features = view.features(all.view(), condition, seed, found)?;
            inputs.push(scaler.transform(features.view()));
        }
        let answer =
            |(rows, view): (&Array2<f64>, &View)| view.antecedents.features(rows.view()).dot(&view.consequents);
        let answers: Vec<Array2<f64>> = inputs.iter().zip(&self.views).map(answer).collect();
        Ok(probabilities(&combine(&answers, self.weights.view())))
    }
}

/// The detector of a trial on new recordings: one row for each segment. Of several arms it is `transfer`, of several seeds the one
/// with the smallest error in cross-validation; the target must be chosen.
///
/// # Errors
/// A run without detectors, recordings that cannot be read or lack a channel.
pub fn apply(run: &SavedRun, options: &ApplyOptions, observer: &dyn Observer) -> Result<Applied, StudyError> {
    let trial = chosen(run, options)?;
    let model = Model::read(&trial.file(MODEL_FILE)?, &trial.path(MODEL_FILE))?;
    let SavedDetector { cut, unstated_rate, extra, .. } = &model.header.detector;
    if extra.is_none() {
        options.refuse_condition_without(
            "the detector has no circuit, so devices, shots and mitigation change nothing; --head hybrid has one",
        )?;
    }
    let spec: Spec = trial.settings()?;
    let mut applied = Applied { model: trial.title(), ..Applied::default() };
    applied.columns = ["recording", "start_s", "end_s", "p(seizure)", "predicted", "label"].map(String::from).to_vec();
    let (mut predicted, mut truth, mut times) = (Vec::new(), Vec::new(), Vec::new());
    let mut found = Measurement::default();
    let mut files = Vec::new();
    for path in &options.data {
        files.extend(read_recordings(path, &spec.folder_names())?);
    }
    observer.stage("recordings", files.len());
    for (number, file) in files.iter().enumerate() {
        if observer.stopped() {
            return Err(StudyError::Interrupted);
        }
        let mut recording = read_recording(&file.path)?;
        recording.name.clone_from(&file.name);
        let undated = own::without_duration(&file.marks, &recording);
        let is_known = match (&file.marks, &recording.events) {
            (Marks::Unknown, _) | (Marks::Inside, None) => false,
            // A file with an annotation channel without any annotation says nothing of seizures.
            (Marks::Inside, Some(events)) => !events.is_empty() && undated.is_none(),
            _ => true,
        };
        let undated = undated.map(|reason| format!("{}: {reason}; its segments have no labels", file.name));
        applied.notices.extend(undated.into_iter().chain(own::late(&file.marks, &recording, *unstated_rate)));
        let seizures = if is_known { own::seizures(&file.marks, &recording, &file.path)? } else { Vec::new() };
        let place = file.path.display().to_string();
        let record = cut.record(&recording, *unstated_rate, &seizures, &place)?;
        let answers = model.predict(&record, &options.condition, trial.point.seed(), &mut found)?;
        for (segment, row) in answers.rows().into_iter().enumerate() {
            let class = argmax(row);
            let label = if is_known { json!(CLASSES[record.labels[segment]]) } else { Value::Null };
            let start = record.starts[segment];
            applied.rows.push(vec![
                json!(record.name),
                json!(start),
                json!(start + cut.duration()),
                json!(row[SEIZURE]),
                json!(CLASSES[class]),
                label,
            ]);
            if is_known {
                predicted.push(class);
                truth.push(record.labels[segment]);
                times.push((number, segment));
            }
        }
        applied.notices.extend(recording.notices.iter().map(|notice| format!("{}: {notice}", file.name)));
        observer.advance(1);
    }
    observer.done();
    applied.known = truth.len();
    if !truth.is_empty() {
        let quality = Quality::of(&predicted, &truth);
        let alarms = false_alarms(&predicted, &truth, &times, cut.duration());
        let metrics = [
            ("balanced_accuracy", quality.balanced_accuracy()),
            ("accuracy", Some(quality.accuracy)),
            ("sensitivity", quality.sensitivity),
            ("specificity", quality.specificity),
            ("false_alarms", alarms),
        ];
        let known = metrics.into_iter().filter_map(|(name, value)| Some((name.to_string(), value?)));
        applied.metrics.extend(known);
    }
    applied.notices.extend(found.notices);
    let count = applied.rows.iter().filter(|row| row[4] == CLASSES[SEIZURE]).count();
    let all = pluralise(applied.rows.len(), "segment");
    applied.notices.push(format!("research software, not for diagnosis; {count} of {all} taken for a seizure"));
    Ok(applied)
}

fn chosen<'r>(run: &'r SavedRun, options: &ApplyOptions) -> Result<&'r SavedTrial, StudyError> {
    let mut models = run.models(&[MODEL_FILE], &options.choice)?;
    run.refuse_several(&models, "target")?;
    if options.choice.label.is_none() && models.iter().any(|trial| trial.label() == super::METHOD) {
        models.retain(|trial| trial.label() == super::METHOD);
    }
    if models.iter().any(|trial| trial.point.grid == "main") {
        models.retain(|trial| trial.point.grid == "main");
    }
    let error = |trial: &SavedTrial| trial.measurement.get("validation").unwrap_or(f64::INFINITY);
    // The choice leaves at least one.
    Ok(models.iter().skip(1).fold(models[0], |best, next| if error(next) < error(best) { next } else { best }))
}
