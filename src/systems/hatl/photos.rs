//! Pictures classified on a pretrained backbone of which the last stages are released one after the other. What the stages
//! below make of a picture is computed once, so that pictures may be large.

use crate::nn::loss::Loss;
use crate::nn::{LearningRates, Model};
use crate::study::StudyError;
use crate::systems::hatl::evaluate::AccuracyEvaluator;
use crate::systems::hatl::spec::Spec;
use crate::systems::hatl::tasks::{Inputs, Task, TaskHead};
use crate::systems::head_choice::HeadChoice;
use crate::systems::picture_model::{MODEL_FILE, PREDICTIONS_FILE, to_bytes};

/// Arms whose networks are saved. The others differ in their schedule, not in what they are good for.
const SAVED: [&str; 3] = ["hatl", "frozen", "full"];

/// The pictures of a seed under the head of the settings.
pub(super) fn task(spec: &Spec, inputs: &Inputs, seed: u64) -> Result<Task, StudyError> {
    let pictures = inputs.photos.as_ref().expect("the task photos opens photos");
    let parts = pictures.parts(&spec.photos, seed)?;
    let classes = parts.test_samples.classes.clone();
    let choice = HeadChoice::named(spec.head.as_deref().unwrap_or_default(), &spec.circuit)?;
    let head = choice.config.model(pictures.features(), classes.len())?;
    let of_task = head.clone();
    let ideal = pictures.model(head.clone());
    let with = move |head| -> Box<dyn Model + Send + Sync> { Box::new(ideal.with_head(head)) };
    let (model, copy) = (pictures.model(head.clone()), pictures.model(head));
    let layers: Vec<Vec<String>> = model.row.layers().into_iter().skip(model.first).collect();
    let slower = layers.into_iter().flatten().map(|name| (name, spec.pictures.backbone_rate));
    let rates = model.head.learning_rates().times(&LearningRates::new(slower));
    let grouped = pictures.model(model.head.clone());
    let evaluator = |examples: &crate::nn::Examples| Box::new(AccuracyEvaluator(examples.clone()));
    let (live, circuit) = (spec.photos.clone(), spec.circuit.clone());
    Ok(Task {
        objective: Box::new(Loss::CrossEntropy),
        rates,
        groups: Box::new(move |params| grouped.groups(params)),
        training: parts.training.clone(),
        dev: evaluator(&parts.validation),
        tests: vec![("accuracy", evaluator(&parts.test))],
        baselines: Some(parts.baselines()),
        head: Some(TaskHead { choice, model: of_task, with: Box::new(with) }),
        files: Some(Box::new(move |params, arm, seed| {
            let mut params = params.clone();
            let predictions = parts.predictions(&copy, &mut params, (arm, seed))?;
            let mut files = vec![(PREDICTIONS_FILE.to_string(), predictions)];
            if SAVED.contains(&arm) {
                files.push((MODEL_FILE.to_string(), to_bytes(&live, &circuit, &copy, &params, &classes)?));
            }
            Ok(files)
        })),
        model: Box::new(model),
    })
}
