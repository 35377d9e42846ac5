//! A trained network as a file, and what it says of new reports.

use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use ndarray::Array2;
use serde::{Deserialize, Serialize};

use crate::data::{Column, Encoder, KnownTarget, NewTable, TargetKind, TextTable};
use crate::lab::{Applied, ApplyOptions, SavedRun, SavedTrial};
use crate::nn::text::{Pooling, TextBundle, TextConfig, TextEncoder, TextTokenizer, sentence_vectors};
use crate::nn::{Examples, Model, ModelHeader, NnError, Params};
use crate::study::StudyError;
use crate::systems::fairtext::arms::ArmRow;
use crate::systems::fairtext::encoder::Encoders;
use crate::systems::fairtext::network::{ReportNet, TextInput};
use crate::systems::fairtext::reports::Reports;
use crate::systems::fairtext::spec::Spec;
use crate::systems::fairtext::trial::probabilities;
use crate::systems::inputs::NewRows;
use crate::systems::saved_head::answers;

/// File of a trial with its network, trained on all districts.
pub const MODEL_FILE: &str = "model.safetensors";

/// Parameters of a network at most: one of sizes that a file states is refused before memory is taken for it.
const MOST: usize = 1 << 28;

/// Where the encoder of a model is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Source {
    /// In the folder of a pretrained encoder, whose weights have this hash.
    Folder { path: PathBuf, digest: String },
    /// In the file, with its tokenizer.
    Inside { config: TextConfig, tokenizer: String },
}

/// Everything but the parameters.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Saved {
    net: ReportNet,
    arm: String,
    classes: Vec<String>,
    text: String,
    target: String,
    columns: Vec<Column>,
    encoder: Encoder,
    longest: usize,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    source: Option<Source>,
}

impl ModelHeader for Saved {
    const ENTRY: &'static str = "fairtext";
    const FORMAT: &'static str = "qgraft.fairtext_network/1";
    const WHAT: &'static str = "a network of the system fairtext";
}

impl Saved {
    /// Of an arm.
    pub fn new(
        spec: &Spec,
        arm: &ArmRow,
        reports: &Reports,
        encoders: &Encoders,
        net: ReportNet,
        encoder: Encoder,
    ) -> Self {
        let source = net.text.as_ref().map(|_| match (&spec.encoder, &encoders.digest) {
            (Some(path), Some(digest)) => Source::Folder { path: path.clone(), digest: digest.clone() },
            // A tokenizer of ours is plain data.
            _ => {
                Source::Inside { config: encoders.config, tokenizer: encoders.tokenizer.to_json().unwrap_or_default() }
            }
        });
        Self {
            net,
            arm: arm.name.into(),
            classes: reports.classes().to_vec(),
            text: spec.text.clone(),
            target: if spec.data.is_some() { spec.target.clone() } else { reports.table.target.clone() },
            columns: reports.table.columns.clone(),
            encoder,
            longest: encoders.longest,
            source,
        }
    }

    /// The file.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn to_bytes(&self, params: &Params, encoders: &Encoders) -> Result<Vec<u8>, StudyError> {
        let mut tensors: Vec<(String, Tensor)> =
            params.iter().map(|(name, var)| (name.to_string(), var.as_detached_tensor())).collect();
        if matches!(self.source, Some(Source::Inside { .. })) {
            let own = encoders.pretrained.iter();
            tensors.extend(own.map(|(name, var)| (name.to_string(), var.as_detached_tensor())));
        }
        Ok(ModelHeader::to_bytes(self, tensors)?)
    }

    /// Header and parameters of the network of a file, which errors call `path`.
    ///
    /// # Errors
    /// Bytes that are no such file.
    pub fn from_bytes(bytes: &[u8], path: &Path) -> Result<(Self, Params), StudyError> {
        let saved = Self::read(bytes, path)?;
        let fits = saved.net.classes == saved.classes.len()
            && saved.classes.len() > 1
            && saved.encoder.columns() == saved.columns.len()
            && (saved.net.indicators == 0 || saved.net.indicators == saved.encoder.width())
            && (1..=1 << 16).contains(&saved.net.hidden)
            && saved.net.text.is_some() == saved.source.is_some()
            && !matches!(saved.net.text, Some(TextInput::Words(_)));
        if !fits {
            let reason = "the parts of its header do not fit each other".into();
            return Err(NnError::File { path: path.into(), reason }.into());
        }
        let mut params = Params::new(0, DType::F32).at_most(MOST);
        saved.net.build(&mut params)?;
        params.load_bytes(bytes, path)?;
        Ok((saved, params))
    }

    /// Vectors of texts by the encoder of the model.
    fn vectors(&self, texts: &[String], bytes: &[u8], file: &Path) -> Result<Array2<f64>, StudyError> {
        let (encoder, tokenizer) = match &self.source {
            Some(Source::Folder { path, digest }) => {
                let bundle = TextBundle::read(path)?;
                if bundle.weights.digest_text()? != *digest {
                    let reason =
                        "its weights are not those that the model was trained with; restore them or train again";
                    return Err(NnError::File { path: path.clone(), reason: reason.into() }.into());
                }
                (bundle.encoder()?, bundle.tokenizer)
            }
            Some(Source::Inside { config, tokenizer }) => {
                let mut params = Params::new(0, DType::F32).at_most(MOST);
                TextEncoder::new(&mut params, *config)?;
                params.load_bytes(bytes, file)?;
                params.freeze();
                (TextEncoder::new(&mut params, *config)?, TextTokenizer::from_json(tokenizer.as_bytes(), file)?)
            }
            None => return Ok(Array2::zeros((texts.len(), 0))),
        };
        let width = encoder.config().width;
        if self.net.text != Some(TextInput::Vectors { width }) {
            let reason = format!("its encoder has width {width}, which is not that of the network");
            return Err(NnError::File { path: file.into(), reason }.into());
        }
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let words = tokenizer.encode_all(&texts, self.longest.min(encoder.config().positions))?;
        Ok(sentence_vectors(&encoder, &words, Pooling::Mean, true)?.mapv(|value| value * (width as f64).sqrt()))
    }

    /// Probabilities (rows, classes) of the reports of a table, and what is known of them.
    ///
    /// # Errors
    /// A table that lacks a column or has another kind of value in it.
    pub fn predict(
        &self,
        params: &mut Params,
        bytes: &[u8],
        path: &Path,
    ) -> Result<(NewRows, Array2<f64>), StudyError> {
        let raw = TextTable::read(path)?;
        let texts = match self.net.text {
            Some(_) => raw.texts(&self.text)?,
            None => vec![String::new(); raw.rows.len()],
        };
        let columns = if self.net.indicators > 0 { &self.columns[..] } else { &[] };
        let table = NewTable::read(path, columns, (&self.target, TargetKind::Classes))?;
        if table.ids.len() != texts.len() {
            let reason = format!("{} rows have a text and {} indicators", texts.len(), table.ids.len());
            return Err(raw.malformed(reason).into());
        }
        let mut notices = table.notices;
        let mut labels = vec![None; texts.len()];
        if let KnownTarget::Classes(names) = &table.target {
            for (label, name) in labels.iter_mut().zip(names) {
                *label = self.classes.iter().position(|class| Some(class) == name.as_ref());
            }
            if let Some(name) =
                names.iter().zip(&labels).find_map(|(name, label)| name.as_ref().filter(|_| label.is_none()))
            {
                notices.push(format!("class {name:?} is none of the network's; such rows count as unknown"));
            }
        }
        let mut inputs = Vec::new();
        if self.net.text.is_some() {
            let vectors = self.vectors(&texts, bytes, path)?;
            inputs.push(tensor(vectors.mapv(|value| value as f32))?);
        }
        if self.net.indicators > 0 {
            inputs.push(tensor(self.encoder.encoded(table.values.view()))?);
        }
        let count = Tensor::zeros(texts.len(), DType::U32, &Device::Cpu)?;
        let rows = Examples { inputs, targets: vec![count], weights: None, domains: None, strata: None };
        let found = probabilities(self.net.build(params)?.as_ref(), &rows)?;
        Ok((NewRows { values: Array2::zeros((0, 0)), ids: table.ids, labels, notices }, found))
    }
}

fn tensor(values: Array2<f32>) -> Result<Tensor, StudyError> {
    Ok(Tensor::from_vec(values.iter().copied().collect::<Vec<f32>>(), values.dim(), &Device::Cpu)?)
}

/// The network of a trial on new reports: a class for each. Of several the one with the best average precision.
///
/// # Errors
/// If the run keeps no network, or the reports cannot be read.
pub fn apply(run: &SavedRun, options: &ApplyOptions) -> Result<Applied, StudyError> {
    options.refuse_condition()?;
    let mut models = run.models(&[MODEL_FILE], &options.choice)?;
    let metric = |trial: &SavedTrial| trial.measurement.get("average_precision").unwrap_or(0.0);
    models.sort_by(|a, b| metric(b).total_cmp(&metric(a)));
    let trial = models[0];
    let (bytes, file) = (trial.file(MODEL_FILE)?, trial.path(MODEL_FILE));
    let (saved, mut params) = Saved::from_bytes(&bytes, &file)?;
    let mut all = NewRows { values: Array2::zeros((0, 0)), ids: Vec::new(), labels: Vec::new(), notices: Vec::new() };
    let mut found: Vec<f64> = Vec::new();
    for path in &options.data {
        let (rows, own) = saved.predict(&mut params, &bytes, path)?;
        found.extend(own.iter());
        all.ids.extend(rows.ids);
        all.labels.extend(rows.labels);
        all.notices.extend(rows.notices);
    }
    let misfit = |_| StudyError::Shape { rows: all.ids.len(), classes: saved.classes.len(), labels: all.ids.len() };
    let found = Array2::from_shape_vec((all.ids.len(), saved.classes.len()), found).map_err(misfit)?;
    let mut applied = answers(trial.title(), &saved.classes, &all, &found)?;
    applied.notices.push("research software: no decision about people or aid should rest on it".into());
    Ok(applied)
}
