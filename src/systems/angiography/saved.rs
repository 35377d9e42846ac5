//! A trained network as a file, and what it says of new studies.

use std::path::Path;

use candle_core::{DType, Device, Tensor};
use ndarray::Array2;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::lab::{Applied, ApplyOptions, SavedRun, SavedTrial};
use crate::nn::loss::{Task, TaskKind};
use crate::nn::{ModelHeader, NnError, Params};
use crate::sim::{Condition, Executions};
use crate::study::{Observer, StudyError, TrainedHead};
use crate::systems::angiography::encoder::VideoSize;
use crate::systems::angiography::learning::{Labelled, answers, mask};
use crate::systems::angiography::network::{Pooling, StudyModel};
use crate::systems::angiography::own::{films, study_folders};
use crate::systems::angiography::studies::{FilmShape, Studies, Study};

/// File of a trial with its network.
pub const MODEL_FILE: &str = "model.safetensors";

/// Parameters at most: a network of sizes that a file states is refused before memory is taken for it.
const MOST: usize = 1 << 27;
/// The tensor that holds the file of a head.
const HEAD: &str = "saved_head";

/// Everything but the parameters.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Saved {
    video: VideoSize,
    shape: FilmShape,
    pooling: Pooling,
    hidden: usize,
    heads: usize,
    outputs: usize,
    /// The arm that trained it.
    pub arm: String,
    /// The tasks that it answers.
    pub tasks: Vec<Task>,
    /// Whether it learned from drawn studies.
    pub is_drawn: bool,
}

impl ModelHeader for Saved {
    const ENTRY: &'static str = "angiography";
    const FORMAT: &'static str = "qgraft.angiography_network/1";
    const WHAT: &'static str = "a network of the system angiography";
}

impl Saved {
    /// Of a network that encodes films itself.
    pub fn new(model: &StudyModel, arm: &str, tasks: &[Task], is_drawn: bool) -> Self {
        let (video, shape) = model.video.clone().unwrap_or((
            VideoSize { channels: Vec::new(), width: model.width, blocks: 0, heads: 1 },
            FilmShape { frames: 1, edge: 1 },
        ));
        let StudyModel { pooling, hidden, heads, .. } = *model;
        let outputs = model.units.len();
        Self { video, shape, pooling, hidden, heads, outputs, arm: arm.into(), tasks: tasks.to_vec(), is_drawn }
    }

    /// The file; a head on the pooled vector answers in place of the network's own.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn to_bytes(&self, params: &Params, head: Option<&TrainedHead>) -> Result<Vec<u8>, StudyError> {
        let mut tensors: Vec<(String, Tensor)> =
            params.iter().map(|(name, var)| (name.to_string(), var.as_detached_tensor())).collect();
        if let Some(head) = head {
            tensors.push((HEAD.into(), Tensor::new(head.to_bytes()?, &Device::Cpu)?));
        }
        Ok(ModelHeader::to_bytes(self, tensors)?)
    }

    fn model(&self) -> StudyModel {
        StudyModel {
            video: Some((self.video.clone(), self.shape)),
            width: self.video.width,
            pooling: self.pooling,
            hidden: self.hidden,
            heads: self.heads,
            units: match self.tasks.len() == self.outputs {
                true => self.tasks.iter().map(|task| task.unit).collect(),
                // A head answers in place of these outputs.
                false => vec![Task::PLAIN; self.outputs],
            },
        }
    }

    /// Header, parameters and perhaps a head of a file, which errors call `path`.
    ///
    /// # Errors
    /// Bytes that are no such file.
    pub fn from_bytes(bytes: &[u8], path: &Path) -> Result<(Self, Params, Option<TrainedHead>), StudyError> {
        let saved = Self::read(bytes, path)?;
        let failed = |reason: String| StudyError::from(NnError::File { path: path.into(), reason });
        let tensors = candle_core::safetensors::load_buffer(bytes, &Device::Cpu).map_err(|e| failed(e.to_string()))?;
        let head = match tensors.get(HEAD) {
            Some(tensor) => {
                let bytes = tensor.to_vec1::<u8>().map_err(|e| failed(e.to_string()))?;
                Some(TrainedHead::from_bytes(&bytes, path)?)
            }
            None => None,
        };
        let is_small = |value: usize| (1..=1 << 14).contains(&value);
        let is_sound = is_small(saved.shape.frames)
            && is_small(saved.shape.edge)
            && saved.shape.frames.checked_mul(saved.shape.edge.pow(2)).is_some_and(|pixels| pixels <= 1 << 26)
            && !saved.video.channels.is_empty()
            && saved.video.channels.len() <= 8
            && saved.video.channels.iter().all(|channels| is_small(*channels))
            && is_small(saved.video.width)
            && saved.video.blocks <= 64
            && is_small(saved.hidden)
            && is_small(saved.outputs)
            && match &head {
                Some(_) => saved.tasks.len() == 1,
                None => saved.tasks.len() == saved.outputs,
            };
        if !is_sound {
            return Err(failed("the parts of its header do not fit each other".into()));
        }
        let mut params = Params::new(0, DType::F32).at_most(MOST);
        saved.model().network(&mut params)?;
        params.load_bytes(bytes, path)?;
        Ok((saved, params, head))
    }
}

/// The network of a trial on new studies: folders with a folder for each study. Of several the one with the largest area of the
/// target.
///
/// # Errors
/// If the run keeps no network, or the studies cannot be read.
pub fn apply(run: &SavedRun, options: &ApplyOptions, observer: &dyn Observer) -> Result<Applied, StudyError> {
    let mut found = run.models(&[MODEL_FILE], &options.choice)?;
    let area = |trial: &SavedTrial| {
        let values = trial.measurement.values.iter().filter(|value| value.metric == "outcome_auc");
        let mut whole = values.filter(|value| value.at.iter().all(|(_, level)| level == "8"));
        whole.next().map_or(f64::NEG_INFINITY, |value| value.value)
    };
    // A network that answers all tasks comes before a head that answers one, unless a head is asked for.
    let answers_all = |trial: &SavedTrial| trial.point.grid == "probe";
    found.sort_by(|a, b| answers_all(b).cmp(&answers_all(a)).then(area(b).total_cmp(&area(a))));
    let trial = found[0];
    let (saved, mut params, head) = Saved::from_bytes(&trial.file(MODEL_FILE)?, &trial.path(MODEL_FILE))?;
    let mut applied = Applied { model: trial.title(), ..Applied::default() };
    let head = match head {
        Some(head) if head.circuit().is_ok() => {
            applied.model = format!("{}; {}", trial.title(), options.condition);
            Some(head.compile(&Executions::default(), &options.condition, trial.point.seed())?)
        }
        other => {
            if options.condition != Condition::default() {
                let reason =
                    "it has no circuit, so devices, shots and mitigation change nothing; --head quantum has one";
                return Err(NnError::Setting { field: "head", value: saved.arm, reason }.into());
            }
            other
        }
    };
    let mut studies = Studies::empty();
    for path in &options.data {
        for (id, folder) in study_folders(path)? {
            if observer.stopped() {
                return Err(StudyError::Interrupted);
            }
            let videos = match films(&folder, saved.shape, &mut applied.notices) {
                Err(error) if options.skip_bad => {
                    applied.notices.push(format!("left out: {error}"));
                    continue;
                }
                other => other?,
            };
            let labels = vec![f32::NAN; saved.outputs];
            let patient = studies.len();
            studies.studies.push(Study {
                id,
                patient,
                videos,
                report: String::new(),
                finding: 0,
                labels,
                visible: None,
                risk: None,
            });
        }
    }
    let (labels, mask) = (Array2::from_elem((studies.len(), saved.outputs), f32::NAN), mask(&studies)?);
    let rows = Labelled {
        vectors: None,
        studies: &studies,
        shape: saved.shape,
        mask: &mask,
        labels: &labels,
        most: usize::MAX,
    };
    let said = answers(&saved.model(), &mut params, &rows, observer)?;
    let chance = |logit: f64| 1.0 / (1.0 + (-logit).exp());
    let column = |task: &Task| match task.kind {
        TaskKind::Binary => format!("p({})", task.name),
        TaskKind::Number { .. } => task.name.clone(),
    };
    applied.columns = ["study".to_string(), "films".into()].into_iter().chain(saved.tasks.iter().map(column)).collect();
    let of_head = head.as_ref().map(|head| head.predict(said.vectors.view())).transpose()?;
    for (k, study) in studies.studies.iter().enumerate() {
        let mut row: Vec<Value> = vec![json!(study.id), json!(study.videos.len())];
        match &of_head {
            Some(found) => row.push(json!(found[[k, 1]])),
            None => row.extend(saved.tasks.iter().enumerate().map(|(task, own)| match own.kind {
                TaskKind::Binary => json!(chance(said.outputs[[k, task]])),
                TaskKind::Number { .. } => json!(said.outputs[[k, task]]),
            })),
        }
        applied.rows.push(row);
    }
    if saved.is_drawn {
        applied.notices.push("the network has learned from drawn studies alone".into());
    }
    applied.notices.push("research software, not for diagnosis".into());
    Ok(applied)
}
