//! Studies: several films of a patient with a report and labels.

use std::sync::Arc;

use candle_core::{Device, Tensor};
use ndarray::Array2;

use crate::math::Stream;
use crate::nn::NnError;
use crate::nn::loss::{Task, TaskKind};
use crate::systems::angiography::tree::SEGMENTS;

/// The bytes of a film: frames, rows, columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Video(pub Arc<[u8]>);

/// One examination.
#[derive(Clone, Debug)]
pub struct Study {
    /// Its name.
    pub id: String,
    /// Number of the patient.
    pub patient: usize,
    /// Its films, one or more.
    pub videos: Vec<Video>,
    /// What was written of it.
    pub report: String,
    /// A number for what the report says, the same for reports that say the same.
    pub finding: u32,
    /// A label for each task; not a number where it is missing.
    pub labels: Vec<f32>,
    /// Of a drawn study with a single lesion: which films show it.
    pub visible: Option<Vec<bool>>,
    /// Of a drawn study: probability of the outcome.
    pub risk: Option<f64>,
}

/// Studies.
#[derive(Clone, Debug)]
pub struct Studies {
    /// The studies.
    pub studies: Vec<Study>,
}

/// Shape of films: frames, edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct FilmShape {
    /// Frames of a film.
    pub frames: usize,
    /// Pixels along an edge of a frame.
    pub edge: usize,
}

impl FilmShape {
    /// Pixels of a film.
    pub fn pixels(self) -> usize {
        self.frames * self.edge * self.edge
    }
}

/// Most films of a study that are read.
pub const VIEWS: usize = 8;

/// Tasks of drawn studies: for each segment whether it is narrowed by half and by how much, chalk, ejection, the outcome.
pub fn drawn_tasks() -> Vec<Task> {
    let segment = |k: usize| SEGMENTS[k].replace(' ', "_");
    let task = |name: String, kind: TaskKind, weight: f64| Task { name, kind, weight, unit: Task::PLAIN };
    let question = |name: String| task(name, TaskKind::Binary, 1.0);
    let number = |name: String| task(name, TaskKind::Number { delta: 0.2 }, 2.0);
    let mut tasks: Vec<Task> = (0..SEGMENTS.len()).map(|k| question(format!("stenosis_{}", segment(k)))).collect();
    tasks.extend((0..SEGMENTS.len()).map(|k| number(format!("diameter_{}", segment(k)))));
    tasks.extend([question("calcified".into()), number("ejection".into()), question("outcome".into())]);
    tasks
}

impl Studies {
    /// None yet.
    pub fn empty() -> Self {
        Self { studies: Vec::new() }
    }

    /// Number of studies.
    pub fn len(&self) -> usize {
        self.studies.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.studies.is_empty()
    }

    /// Labels (studies, tasks).
    pub fn labels(&self) -> Array2<f32> {
        let tasks = self.studies.first().map_or(0, |study| study.labels.len());
        Array2::from_shape_fn((self.len(), tasks), |(row, task)| self.studies[row].labels[task])
    }

    /// The same studies with a share of the labels missing, drawn under a seed.
    pub fn with_missing(&self, share: f64, seed: u64) -> Array2<f32> {
        let mut stream = Stream::named(seed, "missing labels");
        self.labels().mapv(|label| if stream.uniform() < share { f32::NAN } else { label })
    }

    /// The first so many studies.
    pub fn first(&self, count: usize) -> Self {
        Self { studies: self.studies.iter().take(count).cloned().collect() }
    }

    /// The first so many studies whose reports say different things.
    pub fn distinct(&self, count: usize) -> Self {
        let mut known = std::collections::BTreeSet::new();
        let is_new = |study: &&Study| known.insert(study.finding);
        Self { studies: self.studies.iter().filter(is_new).take(count).cloned().collect() }
    }
}

/// Films as the encoder reads them: (films, frames, edge, edge) about ±1.
///
/// # Errors
/// If a film has another size.
pub fn films<'a>(videos: impl IntoIterator<Item = &'a Video>, shape: FilmShape) -> Result<Tensor, NnError> {
    let mut values: Vec<f32> = Vec::new();
    let mut count = 0;
    for Video(bytes) in videos {
        values.extend(bytes.iter().map(|byte| (f32::from(*byte) - 110.0) / 60.0));
        count += 1;
    }
    Ok(Tensor::from_vec(values, (count, shape.frames, shape.edge, shape.edge), &Device::Cpu)?)
}
