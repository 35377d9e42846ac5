//! What is learned: a source first, then a task of the table.

use candle_core::{Device, Tensor};

use crate::math::Stream;
use crate::nn::head::CircuitConfig;
use crate::nn::head::HeadRow;
use crate::nn::loss::{Loss, Objective};
use crate::nn::{Examples, LayerGroups, LearningRates, Model, Params};
use crate::study::StudyError;
use crate::study::train::{Evaluator, TrainConfig};
use crate::systems::hatl::arms::ARMS;
use crate::systems::hatl::corpus::{Corpus, SIGNERS, SIGNING, shown};
use crate::systems::hatl::judge::{Score, Translated, told};
use crate::systems::hatl::language::{GLOSSES, foreign, sign};
use crate::systems::hatl::network::{Classifier, Translator, groups};
use crate::systems::hatl::pictures;
use crate::systems::hatl::read::{self, Clips};
use crate::systems::hatl::score::{bleu, rouge_l};
use crate::systems::hatl::search::Search;
use crate::systems::hatl::signs::{Action, Camera, Film, JOINTS, Signer, acted, signed};
use crate::systems::hatl::spec::{First, Spec, Weights};

/// Frames of the film of an action or a gloss.
const CLIP: usize = 32;
/// Seed of the community that acts, so that nobody of it also signs.
const ACTING: u64 = 1 << 34;

/// Makes a task of a spec under a seed.
type Open = fn(&Spec, u64) -> Result<Task, StudyError>;

/// A task.
pub struct TaskRow {
    /// Name on the command line.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// Whether data of one's own can be read.
    pub reads: bool,
    /// Whether classes are told apart, by a row of the table of heads.
    pub classifies: bool,
    /// Makes a quick run of the default spec.
    pub quick: fn(&mut Spec),
    /// Makes the run whose result is kept in the repository.
    pub full: fn(&mut Spec),
    /// What its backbone learns first under a seed; nothing where it comes pretrained.
    pub(super) source: Option<Open>,
    /// The task under a seed.
    pub(super) open: Open,
}

/// Every task.
pub static TASKS: &[TaskRow] = &[
    TaskRow {
        name: "sentences",
        doc: "signed sentences into text, by a translator",
        reads: true,
        classifies: false,
        quick: |_| (),
        full: |spec| {
            (spec.actions, spec.sentences, spec.dev, spec.test) = (60, 300, 100, 200);
            (spec.source.epochs, spec.target.epochs) = (12, 25);
        },
        source: Some(source),
        open: translation,
    },
    TaskRow {
        name: "scarce",
        doc: "the same from 100 sentences filmed badly, whose glosses are known but not those of frames, after the signs of \
              another language",
        reads: false,
        classifies: false,
        quick: |spec| {
            spec.first = First::Signs;
            spec.camera = Camera { noise: 0.03, missing: 0.15 };
            spec.weights = Weights { words: 1.0, glosses: 1.0, backbone: 0.0, encoder: 0.0 };
            spec.rule.floor = 0.05;
            spec.sentences = 100;
        },
        full: |spec| {
            (spec.actions, spec.test) = (60, 200);
            (spec.source.epochs, spec.target.epochs) = (8, 40);
        },
        source: Some(source),
        open: translation,
    },
    TaskRow {
        name: "glosses",
        doc: "single signs told apart, by a row of the table of heads",
        reads: false,
        classifies: true,
        // Three times chance, which is a plateau too.
        quick: |spec| spec.rule.floor = 0.1,
        full: |spec| {
            spec.actions = 60;
            (spec.source.epochs, spec.target.epochs) = (12, 25);
        },
        source: Some(source),
        open: single,
    },
    TaskRow {
        name: "pictures",
        doc: "pictures told apart by a row of the table of heads, on a pretrained backbone of the table that moves",
        reads: true,
        classifies: true,
        quick: |spec| {
            spec.arms = ARMS.iter().filter(|row| !row.fresh).map(|row| row.name.into()).collect();
            spec.circuit = CircuitConfig { qubits: 4, depth: 3, weight_sd: 0.3, ..CircuitConfig::default() };
            spec.target = TrainConfig { epochs: 6, batch: 6, warm_up: 0, ..spec.target };
            // Chance is a plateau too.
            spec.rule.floor = 0.45;
        },
        full: |spec| (spec.clips, spec.target.epochs) = (20, 15),
        source: None,
        open: pictures::task,
    },
];

impl TaskRow {
    /// The task of this name.
    ///
    /// # Errors
    /// If there is none.
    pub fn named(name: &str) -> Result<&'static Self, StudyError> {
        let found = TASKS.iter().find(|row| row.name == name);
        found.ok_or_else(|| StudyError::unknown("task", name, TASKS.iter().map(|row| row.name)))
    }
}

/// A task with everything that a training needs.
pub(super) struct Task {
    pub model: Box<dyn Model>,
    /// The same network looking longer for what it says, and how its scores are called.
    pub searching: Option<(String, Box<dyn Model>)>,
    pub objective: Box<dyn Objective>,
    /// What the head leaves as it starts.
    pub plan: LearningRates,
    /// The blocks that are released, and the rest.
    pub groups: Box<dyn Fn(&Params) -> LayerGroups>,
    pub training: Examples,
    pub dev: Box<dyn Evaluator>,
    /// By name; each metric in 0..=1, the first is the one that is compared.
    pub tests: Vec<(&'static str, Box<dyn Evaluator>)>,
}

/// Classes of clips: actions, signs of another language, or those of the user's own, told apart by a linear head.
fn source(spec: &Spec, seed: u64) -> Result<Task, StudyError> {
    let own = spec.data.as_deref().map(read::clips).transpose()?.flatten();
    let (joints, classes, training, dev) = match own {
        Some(Clips { joints, frames, classes, training, dev }) => {
            let part = |rows: Vec<(Film, u32)>| classified(rows.into_iter(), joints, frames);
            (joints, classes, part(training)?, part(dev)?)
        }
        None => {
            let part = |name: &str, per_class: usize| {
                let mut stream = Stream::named(seed, name);
                let clips = (0..Action::COUNT * per_class).map(|row| {
                    let class = row % Action::COUNT;
                    let actor = Signer::draw(ACTING + seed, stream.bits());
                    let film = match spec.first {
                        First::Actions => acted(Action::numbered(class), CLIP, &actor, &spec.camera, &mut stream),
                        First::Signs => signed(&[foreign(class)], CLIP, &actor, &spec.camera, &mut stream),
                    };
                    (film, class as u32)
                });
                classified(clips, JOINTS, CLIP)
            };
            let (training, dev) = (part("actions", spec.actions)?, part("dev actions", spec.actions.div_ceil(4))?);
            (JOINTS, Action::COUNT, training, dev)
        }
    };
    Ok(Task {
        model: Box::new(Classifier::new((joints, &spec.sizes.blocks), "linear", &spec.circuit, classes)?),
        searching: None,
        objective: Box::new(Loss::CrossEntropy),
        plan: LearningRates::default(),
        groups: blocks(spec),
        training,
        dev: told(dev),
        tests: Vec::new(),
    })
}

/// The blocks of the backbone over joints, and the rest.
fn blocks(spec: &Spec) -> Box<dyn Fn(&Params) -> LayerGroups> {
    let count = spec.sizes.blocks.len();
    Box::new(move |params| groups(params, count))
}

fn translation(spec: &Spec, seed: u64) -> Result<Task, StudyError> {
    let [training, dev, test] = match &spec.data {
        Some(folder) => read::sentences(folder, spec)?,
        None => [("training", spec.sentences, false), ("dev", spec.dev, false), ("test", spec.test, true)]
            .map(|(name, count, is_test)| Corpus::draw(seed, name, count, is_test, &spec.camera)),
    };
    let known = |signer: u64| training.rows.iter().any(|row| row.signer == signer);
    let parts = [
        ("BLEU-4", test.clone(), bleu as Score),
        ("ROUGE-L", test.clone(), rouge_l),
        ("BLEU-4, new signers", test.only(|row| !known(row.signer)), bleu),
        ("BLEU-4, new pairs", test.only(|row| row.novel), bleu),
    ];
    let judged = |corpus: Corpus, score: Score| -> Result<Box<dyn Evaluator>, StudyError> {
        let references = corpus.rows.iter().map(|row| row.text.clone()).collect();
        Ok(Box::new(Translated { corpus: (corpus.examples()?, references), weights: spec.weights, score }))
    };
    let is_asked = |(_, corpus, _): &(&str, Corpus, Score)| !corpus.rows.is_empty();
    let tests = parts.into_iter().filter(is_asked).map(|(name, corpus, score)| Ok((name, judged(corpus, score)?)));
    let model = |search: Search| Translator { sizes: spec.sizes.clone(), lexicon: training.lexicon.clone(), search };
    let Search { beam, length } = spec.search;
    Ok(Task {
        model: Box::new(model(Search { beam: 1, length })),
        searching: (beam > 1).then(|| (format!("beam {beam}"), Box::new(model(spec.search)) as Box<dyn Model>)),
        objective: Box::new(spec.weights),
        plan: LearningRates::default(),
        groups: blocks(spec),
        training: training.examples()?,
        dev: judged(dev, bleu)?,
        tests: tests.collect::<Result<_, StudyError>>()?,
    })
}

/// Single glosses, told apart under a row of the table of heads.
fn single(spec: &Spec, seed: u64) -> Result<Task, StudyError> {
    let part = |name: &str, per_class: usize, signers: (u64, u64)| {
        let mut stream = Stream::named(seed, name);
        let clips = (0..GLOSSES * per_class).map(|row| {
            let gloss = row % GLOSSES;
            let signer = Signer::draw(SIGNING, signers.0 + stream.below((signers.1 - signers.0) as usize) as u64);
            (signed(&[sign(gloss)], CLIP, &signer, &spec.camera, &mut stream), gloss as u32)
        });
        classified(clips, JOINTS, CLIP)
    };
    let known = (0, SIGNERS.0);
    Ok(Task {
        model: Box::new(Classifier::new((JOINTS, &spec.sizes.blocks), &spec.head, &spec.circuit, GLOSSES)?),
        searching: None,
        objective: Box::new(Loss::CrossEntropy),
        plan: HeadRow::named(&spec.head)?.learning_rates(),
        groups: blocks(spec),
        training: part("training", spec.clips, known)?,
        dev: told(part("dev", spec.clips.div_ceil(2), known)?),
        tests: vec![
            ("accuracy", told(part("test", spec.clips, (0, SIGNERS.1))?)),
            ("accuracy, new signers", told(part("strangers", spec.clips, SIGNERS)?)),
        ],
    })
}

fn classified(clips: impl Iterator<Item = (Film, u32)>, joints: usize, frames: usize) -> Result<Examples, StudyError> {
    let (films, labels): (Vec<Film>, Vec<u32>) = clips.unzip();
    Ok(Examples::new(shown(&films, joints, frames)?, Tensor::new(labels, &Device::Cpu)?))
}
