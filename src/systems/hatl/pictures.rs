//! Pictures classified by a head on a pretrained backbone that is trained as well: the core task of hybrid transfer. The
//! stages of the backbone are released like the blocks of the temporal one.

use candle_core::{Device, Tensor};

use crate::data::{BadPicture, Part, Pictures, Split, Transform, fashion_mnist, read_folder_for};
use crate::math::Stream;
use crate::nn::backbone::{BackboneRow, Trunk};
use crate::nn::head::HeadModel;
use crate::nn::loss::Loss;
use crate::nn::model::BackboneWithHead;
use crate::nn::{Examples, LayerGroups, LearningRates, Model, Network, NnError, Params, Weights};
use crate::study::StudyError;
use crate::systems::hatl::evaluate::AccuracyEvaluator;
use crate::systems::hatl::spec::Spec;
use crate::systems::hatl::tasks::{Inputs, Task, TaskHead};
use crate::systems::head_choice::HeadChoice;

/// Share of the pictures that is held out of a folder without parts.
const HELD_OUT: f64 = 0.3;

/// A backbone of the table and the head on it.
struct PictureClassifier {
    row: &'static BackboneRow,
    weights: Weights,
    head: HeadModel,
}

impl Model for PictureClassifier {
    fn build<'a>(&'a self, params: &mut Params) -> Result<Box<dyn Network + 'a>, NnError> {
        let backbone = Box::new(Trunk::on(params, self.row, &self.weights)?);
        Ok(Box::new(BackboneWithHead { backbone, head: self.head.build(params)? }))
    }
}

/// The user's pictures, or the shirts of Fashion-MNIST.
pub(super) fn open(spec: &Spec) -> Result<Pictures, StudyError> {
    Ok(match &spec.data {
        Some(path) => {
            let transform = transform(spec)?;
            read_folder_for(&transform, path, Split { validation: HELD_OUT, seed: 0 }, BadPicture::Refuse)?
        }
        None => fashion_mnist::shirts()?,
    })
}

/// From a picture to what the backbone reads, at the edge of the spec.
fn transform(spec: &Spec) -> Result<Transform, NnError> {
    let Transform { mean, deviation, .. } = BackboneRow::named(&spec.pictures.backbone)?.transform;
    let edge = spec.pictures.edge;
    Ok(Transform { resize: edge, crop: edge, mean, deviation })
}

/// `spec.per_class` pictures of each class for training and as many for validation, drawn under `seed` from the training
/// part; the whole held-out part is the test set.
pub(super) fn task(spec: &Spec, inputs: &Inputs, seed: u64) -> Result<Task, StudyError> {
    let pictures = inputs.pictures.as_ref().expect("the task pictures opens pictures");
    let classes = pictures.samples.classes.len();
    let row = BackboneRow::named(&spec.pictures.backbone)?;
    let reason = "use a backbone whose layers can be trained (all but onnx)";
    let fixed = || NnError::Setting { field: "pictures.backbone", value: row.name.into(), reason };
    let features = row.width.filter(|_| !row.layers().is_empty()).ok_or_else(fixed)?;
    let weights = row.weights(spec.pictures.weights.as_deref())?;
    let choice = HeadChoice::named(spec.head.as_deref().unwrap_or_default(), &spec.circuit)?;
    let model = choice.config.model(features, classes)?;
    let transform = transform(spec)?;
    let part = |rows: &[usize]| examples(pictures, rows, &transform);
    let [training, dev] = draw(pictures, spec.per_class, seed)?;
    // A validation part beside a test part is not needed: validation pictures are drawn from the training part.
    let has_test = pictures.samples.parts.contains(&Part::Test);
    let held_out = pictures.samples.of(if has_test { Part::Test } else { Part::Validation });
    let slower = row.layers().into_iter().flatten().map(|name| (name, spec.pictures.backbone_rate));
    Ok(Task {
        rates: model.learning_rates().times(&LearningRates::new(slower)),
        groups: Box::new(|params| LayerGroups::of_trunk(row.layers(), params)),
        training: part(&training)?,
        dev: Box::new(AccuracyEvaluator(part(&dev)?)),
        tests: vec![("accuracy", Box::new(AccuracyEvaluator(part(&held_out)?)))],
        baselines: None,
        head: Some(TaskHead {
            choice,
            model: model.clone(),
            with: {
                let weights = weights.clone();
                Box::new(move |head| Box::new(PictureClassifier { row, weights: weights.clone(), head }))
            },
        }),
        model: Box::new(PictureClassifier { row, weights, head: model }),
        objective: Box::new(Loss::CrossEntropy),
        files: None,
    })
}

/// Rows of the training part for training and for validation, `count` of each class each.
fn draw(pictures: &Pictures, count: usize, seed: u64) -> Result<[Vec<usize>; 2], StudyError> {
    let samples = &pictures.samples;
    let known = samples.of(Part::Train);
    let rows: Vec<usize> =
        Stream::named(seed, "pictures").permutation(known.len()).into_iter().map(|i| known[i]).collect();
    let mut parts = [Vec::new(), Vec::new()];
    for class in 0..samples.classes.len() {
        let of: Vec<usize> = rows.iter().copied().filter(|&i| samples.labels[i] == class).collect();
        if of.len() < 2 * count {
            let value = format!("{count}, with {} training pictures of {}", of.len(), samples.classes[class]);
            let reason = "use at most half as many as the smallest class has: validation takes as many as training";
            return Err(NnError::Setting { field: "per_class", value, reason }.into());
        }
        parts[0].extend(&of[..count]);
        parts[1].extend(&of[count..2 * count]);
    }
    Ok(parts)
}

fn examples(pictures: &Pictures, rows: &[usize], transform: &Transform) -> Result<Examples, StudyError> {
    let values: Vec<f32> = rows.iter().flat_map(|&i| transform.apply(&pictures.pictures[i])).collect();
    let labels: Vec<u32> = rows.iter().map(|&i| pictures.samples.labels[i] as u32).collect();
    let images = Tensor::from_vec(values, (rows.len(), 3, transform.crop, transform.crop), &Device::Cpu)?;
    Ok(Examples::new(images, Tensor::new(labels, &Device::Cpu)?))
}
