//! A trained classifier as a file, and what it says of new pictures.

use std::path::{Component, Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use ndarray::{Array1, Array2};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::classic::Pca;
use crate::data::{Transform, is_picture};
use crate::lab::{Applied, ApplyOptions, SavedRun, SavedTrial};
use crate::math::words::pluralise;
use crate::nn::{ModelHeader, NnError};
use crate::sim::Executions;
use crate::study::diagnostic::RocArea;
use crate::study::{Observer, StudyError, TrainedHead};
use crate::systems::cohort::arms::ArmRow;
use crate::systems::cohort::features::Networks;
use crate::systems::cohort::models::{Fitted, Scaler};
use crate::systems::cohort::saliency;
use crate::systems::cohort::spec::Spec;
use crate::systems::cohort::trial::Chosen;
use crate::systems::cohort::tuned::{TunedHeader, TunedNetwork};
use crate::systems::inputs::{NewData, new_pictures};

/// File of a trial with the classifier that all of its patients were learned from for.
pub const MODEL_FILE: &str = "classifier.safetensors";

/// The metadata of the file.
#[derive(Serialize, Deserialize)]
struct Header {
    arm: String,
    classes: [String; 2],
    threshold: f64,
    calibration: (f64, f64),
    kind: String,
    bias: f64,
    gamma: f64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pca: Option<Pca>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    network: Option<TunedHeader>,
}

impl ModelHeader for Header {
    const ENTRY: &'static str = "cohort";
    const FORMAT: &'static str = "qgraft.cohort_classifier/1";
    const WHAT: &'static str = "a classifier of a small cohort";
}

/// A classifier with what is needed to apply it.
pub struct SavedClassifier {
    arm: &'static ArmRow,
    classes: [String; 2],
    chosen: Chosen,
    fitted: Fitted,
}

impl SavedClassifier {
    /// Of an arm.
    pub fn new(arm: &'static ArmRow, classes: &[String; 2], chosen: Chosen, fitted: Fitted) -> Self {
        Self { arm, classes: classes.clone(), chosen, fitted }
    }

    /// The file.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn to_bytes(&self) -> Result<Vec<u8>, StudyError> {
        let row = |values: &Array1<f64>| Tensor::new(values.to_vec(), &Device::Cpu);
        let mut tensors: Vec<(String, Tensor)> = Vec::new();
        let mut header = Header {
            arm: self.arm.name.into(),
            classes: self.classes.clone(),
            threshold: self.chosen.threshold,
            calibration: self.chosen.calibration,
            kind: String::new(),
            bias: 0.0,
            gamma: 0.0,
            pca: None,
            network: None,
        };
        match &self.fitted {
            Fitted::Linear { scaler, weights, bias } => {
                (header.kind, header.bias) = ("linear".into(), *bias);
                tensors.push(("mean".into(), row(&scaler.mean)?));
                tensors.push(("deviation".into(), row(&scaler.deviation)?));
                tensors.push(("weights".into(), row(weights)?));
            }
            Fitted::Components { pca, weights, bias } => {
                (header.kind, header.bias, header.pca) = ("components".into(), *bias, Some(pca.clone()));
                tensors.push(("weights".into(), row(weights)?));
            }
            Fitted::SupportVectors { scaler, rows, coefficients, bias, gamma } => {
                (header.kind, header.bias, header.gamma) = ("support_vectors".into(), *bias, *gamma);
                tensors.push(("mean".into(), row(&scaler.mean)?));
                tensors.push(("deviation".into(), row(&scaler.deviation)?));
                tensors.push(("coefficients".into(), row(coefficients)?));
                let values = Tensor::from_iter(rows.iter().copied(), &Device::Cpu)?;
                tensors.push(("rows".into(), values.reshape(rows.dim())?));
            }
            Fitted::Head { pca, head } => {
                (header.kind, header.pca) = ("head".into(), Some(pca.clone()));
                tensors.push(("head".into(), Tensor::new(head.to_bytes()?, &Device::Cpu)?));
            }
            Fitted::Tuned(network) => {
                let (own, parts) = network.parts();
                (header.kind, header.network) = ("tuned".into(), Some(own));
                tensors.extend(parts);
            }
        }
        Ok(header.to_bytes(tensors)?)
    }

    /// From the bytes of its file, which errors call `path`.
    ///
    /// # Errors
    /// Bytes that are no such file, or whose parts do not fit each other.
    pub fn from_bytes(bytes: &[u8], path: &Path) -> Result<Self, StudyError> {
        let failed = |reason: String| StudyError::from(NnError::File { path: path.into(), reason });
        let header = Header::read(bytes, path)?;
        let tensors = candle_core::safetensors::load_buffer(bytes, &Device::Cpu).map_err(|e| failed(e.to_string()))?;
        let tensor = |name: &str| tensors.get(name).ok_or_else(|| failed(format!("it lacks the tensor `{name}`")));
        let values = |name: &str| -> Result<Vec<f64>, StudyError> {
            let values = tensor(name)?.to_dtype(DType::F64).and_then(|own| own.flatten_all()?.to_vec1::<f64>());
            let values = values.map_err(|e| failed(format!("{name}: {e}")))?;
            match values.iter().position(|value| !value.is_finite()) {
                Some(at) => Err(failed(format!("{name}: value {} is {}; the file is damaged", at + 1, values[at]))),
                None => Ok(values),
            }
        };
        let row = |name: &str| values(name).map(Array1::from);
        let misfit = || failed("the parts of the file do not fit each other".into());
        let scaler = || -> Result<Scaler, StudyError> {
            let scaler = Scaler { mean: row("mean")?, deviation: row("deviation")? };
            if scaler.mean.len() == scaler.deviation.len() { Ok(scaler) } else { Err(misfit()) }
        };
        let pca = |columns: Option<usize>| -> Result<Pca, StudyError> {
            let pca = header.pca.clone().filter(Pca::is_sound).ok_or_else(misfit)?;
            if columns.is_none_or(|columns| columns == pca.components()) { Ok(pca) } else { Err(misfit()) }
        };
        let fitted = match header.kind.as_str() {
            "linear" => {
                let (scaler, weights) = (scaler()?, row("weights")?);
                if scaler.mean.len() != weights.len() {
                    return Err(misfit());
                }
                Fitted::Linear { scaler, weights, bias: header.bias }
            }
            "components" => {
                let weights = row("weights")?;
                Fitted::Components { pca: pca(Some(weights.len()))?, weights, bias: header.bias }
            }
            "support_vectors" => {
                let (scaler, coefficients) = (scaler()?, row("coefficients")?);
                let shape = tensor("rows")?.dims2().map_err(|e| failed(format!("rows: {e}")))?;
                if shape != (coefficients.len(), scaler.mean.len()) {
                    return Err(misfit());
                }
                let rows = Array2::from_shape_vec(shape, values("rows")?).map_err(|_| misfit())?;
                Fitted::SupportVectors { scaler, rows, coefficients, bias: header.bias, gamma: header.gamma }
            }
            "head" => {
                let bytes = tensor("head")?.to_vec1::<u8>().map_err(|e| failed(format!("head: {e}")))?;
                let head = Box::new(TrainedHead::from_bytes(&bytes, path)?);
                if head.classes.len() != 2 {
                    return Err(misfit());
                }
                Fitted::Head { pca: pca(Some(head.model.shape.features))?, head }
            }
            "tuned" => {
                let own = header.network.as_ref().ok_or_else(misfit)?;
                let parts = tensors.iter().map(|(name, tensor)| (name.clone(), tensor.clone()));
                Fitted::Tuned(Box::new(TunedNetwork::of_parts(own, parts, path)?))
            }
            other => return Err(failed(format!("kind {other:?} of classifier"))),
        };
        let Header { threshold, calibration, bias, gamma, .. } = header;
        if [threshold, calibration.0, calibration.1, bias, gamma].iter().any(|value| !value.is_finite()) {
            return Err(failed("its header has a value that is not finite; the file is damaged".into()));
        }
        let chosen = Chosen { choice: 0.0, threshold: header.threshold, calibration: header.calibration };
        Ok(Self { arm: ArmRow::named(&header.arm)?, classes: header.classes, chosen, fitted })
    }
}

/// What a classifier of a run says of new pictures: one row for each. Of several arms it is the one with the largest area, of
/// several cohorts as well.
///
/// # Errors
/// A run without classifiers, pictures or weights that cannot be read.
pub fn apply(run: &SavedRun, options: &ApplyOptions, observer: &dyn Observer) -> Result<Applied, StudyError> {
    let mut found = run.models(&[MODEL_FILE], &options.choice)?;
    // Models differ by their patients, and those of a leaking split were chosen by areas that are too large.
    if found.iter().any(|trial| trial.point.get("split") != "pictures") {
        found.retain(|trial| trial.point.get("split") != "pictures");
    }
    let area = |trial: &SavedTrial| trial.measurement.get("auc").unwrap_or(f64::NEG_INFINITY);
    let trial = found.iter().skip(1).fold(found[0], |best, next| if area(next) > area(best) { next } else { best });
    let spec: Spec = trial.settings()?;
    let SavedClassifier { arm, classes, chosen, mut fitted } =
        SavedClassifier::from_bytes(&trial.file(MODEL_FILE)?, &trial.path(MODEL_FILE))?;
    let mut applied = Applied { model: trial.title(), ..Applied::default() };
    match &mut fitted {
        Fitted::Head { head, .. } if head.model.ansatz.is_some() => {
            **head = head.compile(&Executions::default(), &options.condition, trial.point.seed())?;
            applied.model = format!("{}; {}", trial.title(), options.condition);
            let notices = head.model.execution.iter().flat_map(|execution| execution.notices().iter().cloned());
            applied.notices.extend(notices);
        }
        _ => options.refuse_condition_without(
            "the classifier has no circuit, so devices, shots and mitigation change nothing; --head quantum has one",
        )?,
    }
    if arm.reads_network() {
        trial.check_contents("network.weights", spec.network.weights.as_deref())?;
    }
    let names = classes[0].split(" or ").map(String::from).chain([classes[1].clone()]).collect::<Vec<_>>();
    let new = NewData { paths: &options.data, classes: &names, skip_bad: options.skip_bad };
    let (pictures, _) = new_pictures(&new, &Transform::IMAGENET)?;
    // The folder of a class may hold folders of patients.
    let class_of = |id: &String| id.rsplit('/').skip(1).find_map(|part| names.iter().position(|own| own == part));
    let labels: Vec<Option<usize>> = pictures.samples.ids.iter().map(class_of).collect();
    applied.notices.extend(pictures.notices.iter().cloned());
    applied.notices.extend(pictures.skipped.iter().map(|reason| format!("left out: {reason}")));
    let networks = Networks::open(&[arm.features], (&spec.network, spec.tuning.stages))?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(options.threads).build();
    let pool = pool.map_err(|e| StudyError::Threads { reason: e.to_string() })?;
    let features =
        pool.install(|| networks.features(arm.features, &pictures.pictures, (observer, options.cache.as_path())))?;
    if features.ncols() != fitted.width() {
        let reason = format!("it reads {} features, the pictures have {}", fitted.width(), features.ncols());
        return Err(NnError::File { path: trial.path(MODEL_FILE), reason }.into());
    }
    let probabilities = chosen.probabilities(&fitted.decide(features.view())?);
    if let Some(folder) = &options.out_files {
        let Some(network) = networks.network(arm.features) else {
            let reason = "only arms on a network have maps for --out-files; --head lite0 is one";
            return Err(NnError::Setting { field: "head", value: arm.name.into(), reason }.into());
        };
        for ((id, picture), row) in pictures.samples.ids.iter().zip(&pictures.pictures).zip(features.rows()) {
            if observer.stopped() {
                return Err(StudyError::Interrupted);
            }
            if let Some(map) = saliency::map(network, picture, &fitted, row)? {
                // Names that were given as paths lose their folders.
                let name = map_name(id);
                options.write_file(folder, &name, &saliency::painted(picture, &map).png())?;
            }
        }
    }
    applied.columns = ["sample", &format!("p({})", classes[1]), "predicted", "label"].map(String::from).to_vec();
    let (mut scores, mut truth, mut right) = (Vec::new(), Vec::new(), [(0, 0); 2]);
    for ((id, p), label) in pictures.samples.ids.iter().zip(&probabilities).zip(labels) {
        let called = *p >= chosen.threshold;
        let label = label.map(|label| label + 1 == names.len());
        applied.rows.push(vec![
            json!(id),
            json!(p),
            json!(classes[usize::from(called)]),
            label.map_or(Value::Null, |own| json!(classes[usize::from(own)])),
        ]);
        if let Some(own) = label {
            scores.push(*p);
            truth.push(own);
            let entry = &mut right[usize::from(own)];
            *entry = (entry.0 + usize::from(called == own), entry.1 + 1);
        }
    }
    applied.known = truth.len();
    let share = |(right, all): (usize, usize)| (all > 0).then(|| right as f64 / all as f64);
    let metrics = [
        ("auc", RocArea::new(&scores, &truth).map(|area| area.area)),
        ("sensitivity", share(right[1])),
        ("specificity", share(right[0])),
    ];
    applied.metrics.extend(metrics.into_iter().filter_map(|(name, value)| Some((name.to_string(), value?))));
    let count = applied.rows.iter().filter(|row| row[2] == json!(classes[1])).count();
    applied.notices.push(format!(
        "research software, not for diagnosis; {count} of {} called {} from a probability of {:.3} on",
        pluralise(applied.rows.len(), "picture"),
        classes[1],
        chosen.threshold
    ));
    Ok(applied)
}

/// The file of the map of a picture: of another ending, and with the number of the slice behind the name of a file with several.
fn map_name(id: &str) -> PathBuf {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (file, number) = match id.rsplit_once('#') {
        Some((file, number)) if is_number(number) => (file, format!("_{number}")),
        _ => (id, String::new()),
    };
    // Names of scanners are often numbers with points, which are no endings.
    let lower = file.to_ascii_lowercase();
    let ending = [".nii.gz", ".nii", ".dcm", ".dicom", ".ima"].into_iter().find(|ending| lower.ends_with(ending));
    let stem = match ending {
        Some(ending) => file[..file.len() - ending.len()].to_string(),
        None if is_picture(Path::new(file)) => Path::new(file).with_extension("").display().to_string(),
        None => file.to_string(),
    };
    let name = PathBuf::from(format!("{stem}{number}.png"));
    let is_inside = name.components().all(|part| matches!(part, Component::Normal(_)));
    if is_inside { name } else { name.file_name().map(Into::into).unwrap_or_default() }
}
