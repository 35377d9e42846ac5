//! Pictures under a head on a pretrained backbone that may move: the core task of hybrid transfer, with the blocks of the
//! backbone released like those of any other.

use candle_core::{Device, Tensor};

use crate::data::{BadPicture, Part, Pictures, Split, Transform, fashion_mnist, read_folder};
use crate::math::Stream;
use crate::nn::backbone::{BackboneRow, Trunk};
use crate::nn::head::HeadRow;
use crate::nn::head::{HeadConfig, HeadModel};
use crate::nn::loss::Loss;
use crate::nn::model::BackboneWithHead;
use crate::nn::{Examples, LayerGroups, LearningRates, Model, Network, NnError, Params, Weights};
use crate::study::StudyError;
use crate::systems::hatl::judge::told;
use crate::systems::hatl::spec::Spec;
use crate::systems::hatl::task::Task;

/// Share of the pictures that is held out of a folder without parts.
const HELD_OUT: f64 = 0.3;

/// A backbone of the table and the head on it.
struct Graft {
    row: &'static BackboneRow,
    weights: Weights,
    head: HeadModel,
}

impl Model for Graft {
    fn build<'a>(&'a self, params: &mut Params) -> Result<Box<dyn Network + 'a>, NnError> {
        let backbone = Box::new(Trunk::on(params, self.row, &self.weights)?);
        Ok(Box::new(BackboneWithHead { backbone, head: self.head.build(params)? }))
    }
}

/// `spec.clips` pictures of each class to learn from and as many to watch, drawn under `seed` from the training part; all
/// of the held-out part to judge on.
pub(super) fn task(spec: &Spec, seed: u64) -> Result<Task, StudyError> {
    let pictures = match &spec.data {
        Some(path) => read_folder(path, Split { validation: HELD_OUT, seed: 0 }, BadPicture::Refuse)?,
        None => fashion_mnist::shirts()?,
    };
    let classes = pictures.samples.classes.len();
    let row = BackboneRow::named(&spec.pictures.backbone)?;
    let reason = "use a backbone whose layers can be trained (all but onnx)";
    let fixed = || NnError::Setting { field: "pictures.backbone", value: row.name.into(), reason };
    let features = row.width.filter(|_| !row.layers().is_empty()).ok_or_else(fixed)?;
    let weights = row.weights(spec.pictures.weights.as_deref())?;
    let head = HeadConfig::named(&spec.head)?.circuit(spec.circuit.clone()).model(features, classes)?;
    let Transform { mean, deviation, .. } = row.transform;
    let edge = spec.pictures.edge;
    let transform = Transform { resize: edge, crop: edge, mean, deviation };
    let part = |rows: &[usize]| shown(&pictures, rows, &transform);
    let [training, dev] = drawn(&pictures, spec.clips, seed)?;
    let held_out: Vec<usize> =
        (0..pictures.samples.len()).filter(|&i| pictures.samples.parts[i] != Part::Train).collect();
    let slower = row.layers().into_iter().flatten().map(|name| (name, spec.pictures.rate));
    Ok(Task {
        model: Box::new(Graft { row, weights, head }),
        searching: None,
        objective: Box::new(Loss::CrossEntropy),
        plan: HeadRow::named(&spec.head)?.learning_rates().times(&LearningRates::new(slower)),
        groups: Box::new(|params| LayerGroups::of_trunk(row.layers(), params)),
        training: part(&training)?,
        dev: told(part(&dev)?),
        tests: vec![("accuracy", told(part(&held_out)?))],
    })
}

/// Rows of the training part to learn from and to watch, `count` of each class each.
fn drawn(pictures: &Pictures, count: usize, seed: u64) -> Result<[Vec<usize>; 2], StudyError> {
    let samples = &pictures.samples;
    let known = samples.of(Part::Train);
    let rows: Vec<usize> =
        Stream::named(seed, "pictures").permutation(known.len()).into_iter().map(|i| known[i]).collect();
    let mut parts = [Vec::new(), Vec::new()];
    for class in 0..samples.classes.len() {
        let of: Vec<usize> = rows.iter().copied().filter(|&i| samples.labels[i] == class).collect();
        if of.len() < 2 * count {
            let value = format!("{count}, with {} training pictures of {}", of.len(), samples.classes[class]);
            let reason = "use at most half as many as the smallest class has: as many are watched as are learned from";
            return Err(NnError::Setting { field: "clips", value, reason }.into());
        }
        parts[0].extend(&of[..count]);
        parts[1].extend(&of[count..2 * count]);
    }
    Ok(parts)
}

fn shown(pictures: &Pictures, rows: &[usize], transform: &Transform) -> Result<Examples, StudyError> {
    let values: Vec<f32> = rows.iter().flat_map(|&i| transform.apply(&pictures.pictures[i])).collect();
    let labels: Vec<u32> = rows.iter().map(|&i| pictures.samples.labels[i] as u32).collect();
    let images = Tensor::from_vec(values, (rows.len(), 3, transform.crop, transform.crop), &Device::Cpu)?;
    Ok(Examples::new(images, Tensor::new(labels, &Device::Cpu)?))
}
