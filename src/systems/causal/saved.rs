//! A trained network as a file, and what it says of new rows.

use std::path::Path;

use candle_core::{D, DType, Device, Tensor};
use ndarray::Array2;
use serde::{Deserialize, Serialize};

use crate::data::{BadPicture, KnownTarget, NewTable, TargetKind, read_pictures};
use crate::lab::{Applied, ApplyOptions, SavedRun, SavedTrial};
use crate::nn::{Mode, Model, ModelHeader, NnError, Params};
use crate::study::StudyError;
use crate::systems::causal::network::RowNet;
use crate::systems::causal::own::{Reader, numbers};
use crate::systems::causal::spec::OWN;
use crate::systems::inputs::NewRows;
use crate::systems::saved_head::answers;

/// File of a trial with its network, selected by training-domain validation.
pub const MODEL_FILE: &str = "model.safetensors";

/// Parameters of a network at most: one of sizes that a file states is refused before memory is taken for it.
const MOST: usize = 1 << 27;

/// Everything but the parameters.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Saved {
    /// The network.
    pub net: RowNet,
    /// The arm that trained it.
    pub arm: String,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// How rows become numbers; none for rows that the program draws itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reader: Option<Reader>,
}

impl ModelHeader for Saved {
    const ENTRY: &'static str = "causal";
    const FORMAT: &'static str = "qgraft.causal_network/1";
    const WHAT: &'static str = "a network of the system causal";
}

impl Saved {
    /// The file.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn to_bytes(&self, params: &Params) -> Result<Vec<u8>, StudyError> {
        Ok(self.to_bytes_of(params)?)
    }

    /// Header and parameters of a file, which errors call `path`.
    ///
    /// # Errors
    /// Bytes that are no such file.
    pub fn from_bytes(bytes: &[u8], path: &Path) -> Result<(Self, Params), StudyError> {
        let saved = Self::read(bytes, path)?;
        let wide = saved.net.shape.iter().try_fold(1usize, |size, edge| size.checked_mul(*edge));
        let is_sound = matches!(saved.net.shape.len(), 1 | 3)
            && wide.is_some_and(|size| (1..=1 << 24).contains(&size))
            && (1..=1 << 16).contains(&saved.net.hidden)
            && (!saved.net.is_convolutional || saved.net.shape.len() == 3)
            && saved.net.classes == saved.classes.len()
            && saved.classes.len() > 1;
        let reader_fits = match &saved.reader {
            None => true,
            Some(Reader::Table { columns, encoder, .. }) => {
                encoder.columns() == columns.len() && saved.net.shape == [encoder.width()]
            }
            Some(Reader::Pictures { size }) => saved.net.shape == [3, *size, *size],
        };
        if !is_sound || !reader_fits {
            let reason = "the parts of its header do not fit each other".into();
            return Err(NnError::File { path: path.into(), reason }.into());
        }
        let mut params = Params::new(0, DType::F32).at_most(MOST);
        saved.net.build(&mut params)?;
        params.load_bytes(bytes, path)?;
        Ok((saved, params))
    }

    /// New rows as the network reads them.
    fn rows(&self, options: &ApplyOptions, path: &Path, run: &Path) -> Result<NewRows, StudyError> {
        match &self.reader {
            None => {
                let reason = "its rows are drawn by the program, so that there are none to predict; run it with --data";
                Err(StudyError::SavedRun { path: run.into(), reason: reason.into() })
            }
            Some(Reader::Table { columns, encoder, target }) => {
                let table = NewTable::read(path, columns, (target, TargetKind::Classes))?;
                let mut notices = table.notices;
                let labels = match table.target {
                    KnownTarget::Classes(names) => self.known(&names, &mut notices),
                    _ => vec![None; table.ids.len()],
                };
                let (values, ids) = (encoder.encoded(table.values.view()), table.ids);
                Ok(NewRows { values, ids, labels, notices })
            }
            Some(Reader::Pictures { size }) => {
                let bad = if options.skip_bad { BadPicture::Skip } else { BadPicture::Refuse };
                let found = read_pictures(path, bad, |picture| numbers(&picture, *size))?;
                let folder = |id: &String| Path::new(id).parent()?.file_name()?.to_str().map(String::from);
                let named: Vec<Option<String>> =
                    found.ids.iter().map(|id| folder(id).filter(|name| self.classes.contains(name))).collect();
                let mut notices = found.skipped;
                let labels = self.known(&named, &mut notices);
                let values = Array2::from_shape_vec((found.ids.len(), 3 * size * size), found.pictures.concat());
                let wrong = |e: ndarray::ShapeError| NnError::File { path: path.into(), reason: e.to_string() };
                Ok(NewRows { values: values.map_err(wrong)?, ids: found.ids, labels, notices })
            }
        }
    }

    /// Numbers of classes by their names.
    fn known(&self, names: &[Option<String>], notices: &mut Vec<String>) -> Vec<Option<usize>> {
        let of = |name: &Option<String>| self.classes.iter().position(|class| Some(class) == name.as_ref());
        let labels: Vec<Option<usize>> = names.iter().map(of).collect();
        let unknown = names.iter().zip(&labels).find(|(name, label)| name.is_some() && label.is_none());
        if let Some((Some(name), _)) = unknown {
            notices.push(format!("class {name:?} is none of the network's; such rows count as unknown"));
        }
        labels
    }
}

/// The network of a trial on new rows: a class for each. Of several the one with the best validation accuracy.
///
/// # Errors
/// If the run keeps no network, or the rows cannot be read.
pub fn apply(run: &SavedRun, options: &ApplyOptions) -> Result<Applied, StudyError> {
    options.refuse_condition()?;
    let mut models = run.models(&[MODEL_FILE], &options.choice)?;
    let metric = |trial: &SavedTrial| {
        let values = trial.measurement.values.iter().filter(|value| value.metric == "validation");
        let mut selected = values.filter(|value| value.at.iter().any(|(_, level)| level == "training"));
        selected.next().map_or(0.0, |value| value.value)
    };
    // Rows of the user before those that the program draws, then the best.
    let has_reader = |trial: &SavedTrial| [OWN, "lung"].contains(&trial.point.grid.as_str());
    models.sort_by(|a, b| has_reader(b).cmp(&has_reader(a)).then(metric(b).total_cmp(&metric(a))));
    let trial = models[0];
    let (saved, mut params) = Saved::from_bytes(&trial.file(MODEL_FILE)?, &trial.path(MODEL_FILE))?;
    let network = saved.net.build(&mut params)?;
    let mut all = NewRows { values: Array2::zeros((0, 0)), ids: Vec::new(), labels: Vec::new(), notices: Vec::new() };
    let mut probabilities: Vec<f64> = Vec::new();
    for path in &options.data {
        let rows = saved.rows(options, path, &run.folder)?;
        let shape = [&[rows.ids.len()][..], &saved.net.shape].concat();
        let values: Vec<f32> = rows.values.iter().copied().collect();
        let inputs = Tensor::from_vec(values, shape, &Device::Cpu)?;
        let logits = network.forward(&[inputs], Mode::Eval)?.logits.detach().to_dtype(DType::F64)?;
        probabilities.extend(candle_nn::ops::softmax(&logits, D::Minus1)?.flatten_all()?.to_vec1::<f64>()?);
        all.ids.extend(rows.ids);
        all.labels.extend(rows.labels);
        all.notices.extend(rows.notices);
    }
    let count = all.ids.len();
    let wrong = |e: ndarray::ShapeError| NnError::File { path: MODEL_FILE.into(), reason: e.to_string() };
    let probabilities = Array2::from_shape_vec((count, saved.classes.len()), probabilities).map_err(wrong)?;
    let mut applied = answers(trial.title(), &saved.classes, &all, &probabilities)?;
    applied.notices.push("research software, not for diagnosis".into());
    Ok(applied)
}
