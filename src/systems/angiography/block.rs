//! What the trials of a seed share: studies, the pre-trained encoder, and what it makes of their films.

use std::collections::BTreeMap;

use candle_core::Tensor;
use ndarray::Array2;

use crate::lab::Context;
use crate::math::Stream;
use crate::nn::Params;
use crate::nn::loss::{Contrastive, Task};
use crate::nn::text::TextBundle;
use crate::study::StudyError;
use crate::systems::angiography::learning::{Encoded, Pairs, encode, fewer, pretrain};
use crate::systems::angiography::network::PairModel;
use crate::systems::angiography::own::OwnStudies;
use crate::systems::angiography::phantom::Seen;
use crate::systems::angiography::probe::{Pooled, Probe};
use crate::systems::angiography::report::Vocabulary;
use crate::systems::angiography::spec::{Part, Spec};
use crate::systems::angiography::studies::{Studies, drawn_tasks};
use crate::systems::angiography::texts::{TextVectors, Texts};

/// Films of a study that a probe is evaluated with, and a test set after a shift.
pub const EVALUATED: [(&str, &str); 5] = [
    ("8", "every film of a study"),
    ("4", "four films"),
    ("2", "two films"),
    ("1", "one film"),
    ("shifted", "every film, with more noise, more movement and other projections"),
];

/// How a lesion is to be seen, of studies with a single one.
pub const LESIONS: [(&str, Seen, &str); 2] = [
    ("hidden", Seen::Hidden, "the only lesion is to be seen in one or two of eight films"),
    ("everywhere", Seen::Everywhere, "the only lesion is to be seen in all eight films"),
];

/// First numbers of the patients of each set.
const TEST: usize = 1_000_000;
const SHIFTED: usize = 2_000_000;
const SINGLE: [usize; 2] = [3_000_000, 4_000_000];

/// Studies and what the encoder makes of their films.
pub struct Set {
    /// The studies.
    pub studies: Studies,
    /// Their vectors.
    pub encoded: Encoded,
}

/// Everything that trials of a seed share.
pub struct Block {
    /// Studies to learn from.
    pub training: Set,
    /// Labels to learn from (studies, tasks), some missing.
    pub labels: Array2<f32>,
    /// Studies to test on.
    pub test: Set,
    /// The masks that probes are evaluated with, by the names of [`EVALUATED`], without the shift.
    pub masks: BTreeMap<&'static str, Tensor>,
    /// Studies after the shift.
    pub shifted: Option<Set>,
    /// Studies with a single lesion: to learn from and to test on, in the order of [`LESIONS`].
    pub single: Vec<[Set; 2]>,
    /// Tasks of the labels.
    pub tasks: Vec<Task>,
    /// The task that transfer and heads are about.
    pub target: usize,
    /// What is read of reports.
    pub texts: Texts,
    /// The model of the pre-training with CLIP.
    pub model: PairModel,
    /// Its parameters.
    pub params: Params,
    /// What heads read.
    pub pooled: Option<Pooled>,
}

impl Block {
    /// Draws or splits the studies of a seed, learns the encoder, and encodes all films. With a pretrained encoder of texts its vectors
    /// of reports are read.
    ///
    /// # Errors
    /// If own studies are too few, training fails, or the run is stopped.
    pub fn new(
        spec: &Spec,
        own: Option<&OwnStudies>,
        encoder: Option<&TextBundle>,
        seed: u64,
        context: &Context,
    ) -> Result<Self, StudyError> {
        let (training, test, tasks, target) = match own {
            Some(own) => {
                let (training, test) = own.split(spec, seed)?;
                (training, test, own.tasks.clone(), own.target)
            }
            None => {
                let phantom = spec.phantom();
                let tasks = drawn_tasks();
                let target = tasks.len() - 1;
                let training = phantom.studies(seed, (0, spec.studies), false);
                (training, phantom.studies(seed, (TEST, spec.test_studies), true), tasks, target)
            }
        };
        let reports = training.studies.iter().map(|study| study.report.as_str());
        let texts = match encoder {
            Some(encoder) => {
                let tested = test.studies.iter().map(|study| study.report.as_str());
                Texts::Vectors(TextVectors::of(encoder, reports.chain(tested))?)
            }
            None => Texts::Words(Vocabulary::of(reports, spec.text.words)),
        };
        let model = pair_model(spec, &texts, Contrastive::Clip);
        let mut params = learned(spec, &model, &training, &texts, false, seed, context)?;
        let mut set = |studies: Studies| -> Result<Set, StudyError> {
            context.proceed()?;
            let encoded = encode(&model, &mut params, &studies, context.observer)?;
            Ok(Set { studies, encoded })
        };
        let labels = training.with_missing(spec.missing, seed);
        let (training, test) = (set(training)?, set(test)?);
        let shifted = match own {
            None if spec.parts.contains(&Part::Probe) => {
                Some(set(spec.shifted().studies(seed, (SHIFTED, spec.test_studies), true))?)
            }
            _ => None,
        };
        let pooled = match spec.parts.contains(&Part::Heads) {
            true => {
                let probe = Probe { spec, seed, observer: context.observer };
                Some(Pooled::new(probe, (&training, &labels), &test, &tasks, target)?)
            }
            false => None,
        };
        let mut single = Vec::new();
        if spec.parts.contains(&Part::Pooling) {
            for ((_, seen, _), first) in LESIONS.into_iter().zip(SINGLE) {
                let count = spec.single_lesions;
                let mut drawn = |first: usize| set(spec.phantom().single_lesions(seed, seen, (first, count)));
                single.push([drawn(first)?, drawn(first + count)?]);
            }
        }
        let mut masks = BTreeMap::new();
        for (name, _) in EVALUATED {
            if let Ok(count) = name.parse() {
                masks.insert(name, fewer(&test.encoded.mask, count, seed)?);
            }
        }
        Ok(Self { training, labels, test, masks, shifted, single, tasks, target, texts, model, params, pooled })
    }
}

/// The model of a pre-training.
pub fn pair_model(spec: &Spec, texts: &Texts, loss: Contrastive) -> PairModel {
    PairModel {
        video: spec.video.clone(),
        shape: spec.films,
        text: texts.input(&spec.text),
        common: spec.common,
        loss,
        start: loss.start(spec.temperature, spec.pretrain.batch),
    }
}

/// Pre-trains; shuffled pairs give each study the report of another one.
///
/// # Errors
/// If training fails or is stopped.
pub fn learned(
    spec: &Spec,
    model: &PairModel,
    training: &Studies,
    texts: &Texts,
    is_shuffled: bool,
    seed: u64,
    context: &Context,
) -> Result<Params, StudyError> {
    let report_of = match is_shuffled {
        true => Stream::named(seed, "shuffled pairs").permutation(training.len()),
        false => (0..training.len()).collect(),
    };
    let pairs = Pairs { studies: &training.studies, texts, shape: spec.films, report_of };
    pretrain(model, &pairs, &spec.pretrain, seed, context.observer)
}
