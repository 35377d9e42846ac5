//! A trained network as a file, and what it says of new sequences.

use std::path::Path;

use candle_core::DType;
use serde::{Deserialize, Serialize};

use crate::lab::{Applied, ApplyOptions, SavedRun, SavedTrial};
use crate::math::order::argmax;
use crate::math::{PairOrbits, Permutation};
use crate::nn::layer::softmax;
use crate::nn::{Mode, Model, ModelHeader, NnError, Params};
use crate::study::StudyError;
use crate::systems::equivariance::network::{EquivariantNet, Size, Task};
use crate::systems::equivariance::readout::Readout;
use crate::systems::equivariance::sequences::{Form, Sequences};

/// File of a trial with its network.
pub const MODEL_FILE: &str = "model.safetensors";

/// Everything but the parameters.
#[derive(Serialize, Deserialize)]
struct Header {
    task: String,
    form: Form,
    group: String,
    generators: Vec<Vec<usize>>,
    size: Size,
}

impl ModelHeader for Header {
    const ENTRY: &'static str = "equivariance";
    const FORMAT: &'static str = "qgraft.equivariant_network/1";
    const WHAT: &'static str = "an equivariant network";
}

/// The file of a trained network with a linear readout.
///
/// # Errors
/// If the tensor library fails.
pub fn to_bytes(
    params: &Params,
    task: &Task,
    (group, generators): (&str, &[Permutation]),
    size: &Size,
) -> Result<Vec<u8>, StudyError> {
    let generators = generators.iter().map(|generator| generator.images().to_vec()).collect();
    let (task, form) = (task.name.clone(), task.form.clone());
    let header = Header { task, form, group: group.into(), generators, size: size.clone() };
    Ok(header.to_bytes_of(params)?)
}

/// The network of a trial on new sequences: a label for each position, or one for each sequence, with its probability.
///
/// # Errors
/// If the run keeps no network, or the table does not fit it.
pub fn apply(run: &SavedRun, options: &ApplyOptions) -> Result<Applied, StudyError> {
    options.refuse_condition()?;
    let mut found = run.models(&[MODEL_FILE], &options.choice)?;
    let accuracy = |trial: &SavedTrial| trial.measurement.get("validation").unwrap_or(0.0);
    found.sort_by(|a, b| accuracy(b).total_cmp(&accuracy(a)));
    let trial = found[0];
    let (bytes, path) = (trial.file(MODEL_FILE)?, trial.path(MODEL_FILE));
    let (net, mut params, group) = read(&bytes, &path)?;
    let network = net.build(&mut params)?;
    let form = &net.tasks()[0].form;
    let mut applied = Applied { model: format!("{}; group {group}", trial.title()), ..Applied::default() };
    applied.columns = match form.is_whole {
        true => vec!["row".into(), "y".into(), "p(y)".into()],
        false => {
            let each = |of: fn(usize) -> String| (1..=form.positions).map(of).collect::<Vec<String>>();
            [vec!["row".into()], each(|k| format!("y{k}")), each(|k| format!("p(y{k})"))].concat()
        }
    };
    let mut right = (0, 0);
    for path in &options.data {
        let (tokens, labels) = Sequences::read_as(form, path)?;
        let logits = network.forward(&EquivariantNet::inputs(&tokens, 0)?, Mode::Eval)?.logits.to_dtype(DType::F64)?;
        let probabilities = softmax(&logits.detach(), 2).and_then(|p| p.to_vec3::<f64>()).map_err(NnError::from)?;
        for (row, positions) in probabilities.iter().enumerate() {
            let predicted: Vec<usize> = positions.iter().map(|p| argmax(ndarray::ArrayView1::from(p))).collect();
            let mut cells = vec![serde_json::Value::from(row + 1)];
            cells.extend(predicted.iter().map(|&class| form.classes[class].as_str().into()));
            cells.extend(positions.iter().zip(&predicted).map(|(p, &class)| serde_json::Value::from(p[class])));
            applied.rows.push(cells);
            if let Some(labels) = &labels {
                let own = labels.row(row);
                right.0 += predicted.iter().zip(own).filter(|(class, label)| **class == **label as usize).count();
                right.1 += predicted.len();
                applied.known += 1;
            }
        }
    }
    if right.1 > 0 {
        applied.metrics.push(("accuracy".into(), right.0 as f64 / right.1 as f64));
    }
    Ok(applied)
}

fn read(bytes: &[u8], path: &Path) -> Result<(EquivariantNet, Params, String), StudyError> {
    let failed = |reason: String| StudyError::from(NnError::File { path: path.into(), reason });
    let header = Header::read(bytes, path)?;
    let positions = header.form.positions;
    let generators =
        header.generators.into_iter().map(Permutation::new).collect::<Result<Vec<_>, _>>().map_err(failed)?;
    if generators.iter().any(|generator| generator.points() != positions) {
        return Err(failed(format!("a generator does not act on {positions} positions")));
    }
    let orbits = PairOrbits::new(positions, &generators);
    let task = Task { name: header.task, form: header.form, orbits };
    let net = EquivariantNet::new(vec![task], &header.size, Readout::Linear)?;
    let mut params = Params::new(0, DType::F32);
    net.build(&mut params)?;
    params.load_bytes(bytes, path)?;
    Ok((net, params, header.group))
}
