//! The tasks: a source task first, then the target task of a row.

use candle_core::{Device, Tensor};

use crate::data::Pictures;
use crate::lab::{Context, Files};
use crate::math::Stream;
use crate::nn::decode::BeamSearch;
use crate::nn::head::{CircuitConfig, HeadConfig, HeadModel};
use crate::nn::loss::{Loss, Objective};
use crate::nn::{Examples, LayerGroups, LearningRates, Model, Params};
use crate::study::StudyError;
use crate::study::metric::text::{bleu, rouge_l};
use crate::study::train::{Evaluator, TrainConfig};
use crate::systems::hatl::arms::ARMS;
use crate::systems::hatl::corpus::{Corpus, SIGNERS, SIGNING, film_tensor};
use crate::systems::hatl::evaluate::{AccuracyEvaluator, Score, TranslationEvaluator, TranslationLoss};
use crate::systems::hatl::films::{Clips, OwnFilms};
use crate::systems::hatl::language::{GLOSSES, foreign_sign, sign};
use crate::systems::hatl::network::{FilmClassifier, layer_groups};
use crate::systems::hatl::saved::{self, SavedTranslator};
use crate::systems::hatl::signs::{Action, Camera, Film, JOINTS, Signer};
use crate::systems::hatl::spec::{LossWeights, SourceFilms, Spec};
use crate::systems::hatl::texts::{self, TextInputs};
use crate::systems::hatl::translator::Translator;
use crate::systems::hatl::{photos, pictures};
use crate::systems::head_choice::HeadChoice;
use crate::systems::live_stages::LivePictures;
use crate::transfer::Rule;

/// Frames of the film of an action or a gloss.
const CLIP: usize = 32;
/// Seed of the persons in the actions. None of them signs.
const ACTING: u64 = 1 << 34;

/// What all seeds read.
#[derive(Default)]
pub struct Inputs {
    pub(super) films: Option<OwnFilms>,
    pub(super) pictures: Option<Pictures>,
    pub(super) photos: Option<LivePictures>,
    pub(super) texts: Option<TextInputs>,
}

/// Makes a task under a seed.
type MakeTask = fn(&Spec, &Inputs, u64) -> Result<Task, StudyError>;

/// A target task.
pub struct TaskRow {
    /// Its name, also of its preset.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// Whether data of the user's own can be read.
    pub reads_data: bool,
    /// Whether it classifies, by a row of the table of heads; else it translates.
    pub classifies: bool,
    /// Metrics on the test set; the first is compared.
    pub metrics: &'static [&'static str],
    /// Makes a quick run of the default settings.
    pub(super) quick: fn(&mut Spec),
    /// Makes the run whose result is kept in the repository.
    pub(super) full: fn(&mut Spec),
    /// Reads what all seeds share.
    pub(super) open: fn(&Spec, &Context) -> Result<Inputs, StudyError>,
    /// The source task; none where the backbone comes pretrained.
    pub(super) source: Option<MakeTask>,
    /// The target task.
    pub(super) target: MakeTask,
}

const TEXT_METRICS: &[&str] = &["bleu", "rouge_l", "bleu_new_signers", "bleu_new_pairs"];

/// Settings of a quick run in which the last parts of a pretrained network are released below a linear head.
fn released(spec: &mut Spec) {
    spec.head = Some("linear".into());
    spec.arms = ["hatl", "fixed", "frozen", "full", "layer_rates"].map(String::from).to_vec();
    spec.circuit = CircuitConfig { qubits: 4, depth: 3, weight_sd: 0.3, ..CircuitConfig::default() };
    spec.target = TrainConfig { epochs: 12, batch: 16, rate: 3e-3, warm_up: 0, ..spec.target };
    (spec.rule, spec.rule.floor) = (IN_NOISE, 0.0);
}

/// Every task.
pub static TASKS: &[TaskRow] = &[
    TaskRow {
        name: "sentences",
        doc: "signed sentences into text, by a translator",
        reads_data: true,
        classifies: false,
        metrics: TEXT_METRICS,
        quick: |_| (),
        full: |spec| {
            (spec.source_clips, spec.sentences, spec.dev, spec.test) = (60, 300, 100, 200);
            (spec.source.epochs, spec.target.epochs) = (12, 25);
        },
        open: own_films,
        source: Some(source),
        target: translation,
    },
    TaskRow {
        name: "scarce",
        doc: "the same from 100 sentences filmed badly, whose glosses are known but not those of frames, after the signs of \
              another language",
        reads_data: false,
        classifies: false,
        metrics: TEXT_METRICS,
        quick: scarce,
        full: |spec| {
            (spec.source_clips, spec.test) = (60, 200);
            (spec.source.epochs, spec.target.epochs) = (8, 40);
        },
        open: own_films,
        source: Some(source),
        target: translation,
    },
    TaskRow {
        name: "unaligned",
        doc: "as many sentences as by default, filmed badly, whose glosses are known but not those of frames, after the signs \
              of another language; each arm is trained until its score stops rising",
        reads_data: false,
        classifies: false,
        metrics: TEXT_METRICS,
        quick: |spec| {
            scarce(spec);
            spec.camera = Camera { noise: 0.06, missing: 0.3 };
            (spec.rule, spec.target.patience) = (IN_NOISE, Some(8));
            (spec.sentences, spec.target.epochs) = (200, 24);
            spec.arms = ["hatl", "fixed", "frozen", "full", "scratch"].map(String::from).to_vec();
        },
        full: |spec| {
            spec.arms = ARMS.iter().map(|row| row.name.into()).collect();
            (spec.source_clips, spec.dev, spec.test) = (60, 100, 200);
            (spec.source.epochs, spec.target.epochs, spec.target.patience) = (8, 120, Some(20));
        },
        open: own_films,
        source: Some(source),
        target: translation,
    },
    TaskRow {
        name: "glosses",
        doc: "single signs classified by a row of the table of heads",
        reads_data: false,
        classifies: true,
        metrics: &["accuracy", "accuracy_new_signers"],
        quick: |spec| {
            spec.head = Some("quantum".into());
            // Three times chance, which is a plateau too.
            spec.rule.floor = 0.1;
        },
        full: |spec| {
            spec.source_clips = 60;
            (spec.source.epochs, spec.target.epochs) = (12, 25);
        },
        open: own_films,
        source: Some(source),
        target: single_signs,
    },
    TaskRow {
        name: "pictures",
        doc: "pictures classified by a row of the table of heads, on a pretrained backbone of the table that is trained too",
        reads_data: true,
        classifies: true,
        metrics: &["accuracy"],
        quick: |spec| {
            spec.head = Some("quantum".into());
            spec.arms = ARMS.iter().filter(|row| !row.from_scratch).map(|row| row.name.into()).collect();
            spec.circuit = CircuitConfig { qubits: 4, depth: 3, weight_sd: 0.3, ..CircuitConfig::default() };
            spec.target = TrainConfig { epochs: 6, batch: 6, warm_up: 0, ..spec.target };
            // Chance is a plateau too.
            spec.rule.floor = 0.45;
        },
        full: |spec| (spec.per_class, spec.target.epochs) = (20, 15),
        open: |spec, _| Ok(Inputs { pictures: Some(pictures::open(spec)?), ..Inputs::default() }),
        source: None,
        target: pictures::task,
    },
    TaskRow {
        name: "photos",
        doc: "pictures classified on a pretrained backbone whose last stages are released; those below are computed once",
        reads_data: true,
        classifies: true,
        metrics: &["accuracy"],
        quick: |spec| {
            released(spec);
            spec.pictures.backbone_rate = 0.1;
        },
        full: |spec| {
            spec.arms = ARMS.iter().filter(|row| !row.from_scratch).map(|row| row.name.into()).collect();
            (spec.photos.edge, spec.photos.labels, spec.photos.test) = (96, 20, 0);
            (spec.target.epochs, spec.target.patience) = (60, Some(15));
        },
        open: |spec, context| {
            let photos = LivePictures::open(&spec.photos, spec.data.as_deref(), context)?;
            Ok(Inputs { photos: Some(photos), ..Inputs::default() })
        },
        source: None,
        target: photos::task,
    },
    TaskRow {
        name: "texts",
        doc: "texts classified on a pretrained text encoder whose last blocks are released; those below are computed once",
        reads_data: true,
        classifies: true,
        metrics: &["accuracy"],
        quick: released,
        full: |spec| {
            spec.arms = ARMS.iter().filter(|row| !row.from_scratch).map(|row| row.name.into()).collect();
            (spec.target.epochs, spec.target.patience) = (60, Some(15));
        },
        open: |spec, _| Ok(Inputs { texts: Some(texts::open(spec)?), ..Inputs::default() }),
        source: None,
        target: texts::task,
    },
];

/// Distances of the rule in standard deviations of the score's noise: a mean of three that stands still, and a score no
/// further below the best than one draw of noise from another.
const IN_NOISE: Rule = Rule {
    window: 3,
    warm_up: 3,
    patience: 1,
    cooldown: 2,
    in_noise: true,
    plateau: 1.0,
    decay: 1.0,
    near_best: 1.5,
    floor: 0.05,
    ratio: 0.8,
    top_down: true,
    restore: true,
};

fn scarce(spec: &mut Spec) {
    spec.source_films = SourceFilms::Signs;
    spec.camera = Camera { noise: 0.03, missing: 0.15 };
    spec.weights = LossWeights { words: 1.0, glosses: 1.0, backbone: 0.0, encoder: 0.0 };
    spec.rule.floor = 0.05;
    spec.sentences = 100;
}

/// The task of this name.
pub(super) fn task(name: &str) -> Option<&'static TaskRow> {
    TASKS.iter().find(|row| row.name == name)
}

/// Everything that a training needs.
pub(super) struct Task {
    pub model: Box<dyn Model + Send + Sync>,
    pub objective: Box<dyn Objective + Send + Sync>,
    /// Factors on the learning rate under every schedule.
    pub rates: LearningRates,
    /// The blocks that are released, and the rest.
    pub groups: Box<dyn Fn(&Params) -> LayerGroups + Send + Sync>,
    pub training: Examples,
    pub dev: Box<dyn Evaluator + Send + Sync>,
    /// The evaluation of each metric on the test set.
    pub tests: Vec<(&'static str, Box<dyn Evaluator + Send + Sync>)>,
    /// Accuracies of guessing and of naming the most frequent class of the test; only of pictures that may be the user's.
    pub baselines: Option<[f64; 2]>,
    /// The head of a task that classifies pictures or clips.
    pub head: Option<TaskHead>,
    /// The files of a trained network, by the name of the arm and the seed: the network, and what it says of the test.
    pub files: Option<MakeFiles>,
}

/// A head, and the network that it is the head of.
pub(super) struct TaskHead {
    pub choice: HeadChoice,
    /// It without noise.
    pub model: HeadModel,
    /// The network with this head in its place.
    pub with: WithHead,
}

/// Makes the network with a head.
pub(super) type WithHead = Box<dyn Fn(HeadModel) -> Box<dyn Model + Send + Sync> + Send + Sync>;

/// Makes the files of a trained network.
pub(super) type MakeFiles = Box<dyn Fn(&Params, &str, u64) -> Result<Files, StudyError> + Send + Sync>;

fn own_films(spec: &Spec, _context: &Context) -> Result<Inputs, StudyError> {
    let films = spec.data.as_deref().map(|folder| OwnFilms::read(folder, spec.weights)).transpose()?;
    Ok(Inputs { films, ..Inputs::default() })
}

/// Clips of classes under a linear head: actions, signs of another language, or those of the user's own.
fn source(spec: &Spec, inputs: &Inputs, seed: u64) -> Result<Task, StudyError> {
    let (joints, classes, training, dev) = match inputs.films.as_ref().and_then(|films| films.clips.as_ref()) {
        Some(Clips { joints, frames, classes, training, dev }) => {
            let part = |rows: &[(Film, u32)]| classified(rows.iter().cloned(), *joints, *frames);
            (*joints, *classes, part(training)?, part(dev)?)
        }
        None => {
            let part = |name: &str, per_class: usize| {
                let mut stream = Stream::named(seed, name);
                let clips = (0..Action::COUNT * per_class).map(|row| {
                    let class = row % Action::COUNT;
                    let actor = Signer::draw(ACTING + seed, stream.bits());
                    let (camera, stream) = (&spec.camera, &mut stream);
                    let film = match spec.source_films {
                        SourceFilms::Actions => Film::of_action(Action::of_class(class), CLIP, &actor, camera, stream),
                        SourceFilms::Signs => Film::of_signs(&[foreign_sign(class)], CLIP, &actor, camera, stream),
                    };
                    (film, class as u32)
                });
                classified(clips, JOINTS, CLIP)
            };
            let clips = spec.source_clips;
            (JOINTS, Action::COUNT, part("actions", clips)?, part("dev actions", clips.div_ceil(4))?)
        }
    };
    Ok(Task {
        model: Box::new(FilmClassifier::new((joints, &spec.sizes.blocks), &HeadConfig::named("linear")?, classes)?),
        objective: Box::new(Loss::CrossEntropy),
        rates: LearningRates::default(),
        groups: blocks(spec),
        training,
        dev: Box::new(AccuracyEvaluator(dev)),
        tests: Vec::new(),
        baselines: None,
        head: None,
        files: None,
    })
}

/// The blocks of the backbone over joints, and the rest.
fn blocks(spec: &Spec) -> Box<dyn Fn(&Params) -> LayerGroups + Send + Sync> {
    let count = spec.sizes.blocks.len();
    Box::new(move |params| layer_groups(params, count))
}

fn translation(spec: &Spec, inputs: &Inputs, seed: u64) -> Result<Task, StudyError> {
    let [training, dev, test] = match &inputs.films {
        Some(films) => films.sentences.clone(),
        None => [("training", spec.sentences, false), ("dev", spec.dev, false), ("test", spec.test, true)]
            .map(|(name, count, is_test)| Corpus::draw(seed, name, count, is_test, &spec.camera)),
    };
    let is_known = |signer: u64| training.rows.iter().any(|row| row.signer == signer);
    let greedy = BeamSearch { beam_size: 1, ..spec.search };
    let (tested, sizes, search) = (test.clone(), spec.sizes.clone(), spec.search);
    let knows_glosses = spec.weights.glosses > 0.0 || spec.weights.encoder > 0.0;
    let mut parts = vec![
        ("bleu", test.clone(), greedy, bleu as Score),
        ("rouge_l", test.clone(), greedy, rouge_l),
        ("bleu_new_signers", test.filter(|row| !is_known(row.signer)), greedy, bleu),
        ("bleu_new_pairs", test.filter(|row| row.novel), greedy, bleu),
    ];
    if spec.search.beam_size > 1 {
        parts.push(("bleu_beam", test, spec.search, bleu));
    }
    let lexicon = training.lexicon.clone();
    let evaluator = |corpus: Corpus, search, score| -> Result<Box<dyn Evaluator + Send + Sync>, StudyError> {
        let references = corpus.rows.iter().map(|row| row.text.clone()).collect();
        let (examples, weights, symbols) = (corpus.examples()?, spec.weights, lexicon.symbols());
        Ok(Box::new(TranslationEvaluator { examples, references, weights, search, symbols, score }))
    };
    // The user's own test set may lack new signers, and has no new pairs.
    parts.retain(|(_, corpus, ..)| !corpus.rows.is_empty());
    let tests = parts.into_iter().map(|(name, corpus, search, score)| Ok((name, evaluator(corpus, search, score)?)));
    let words = lexicon.clone();
    let files = move |params: &Params, _arm: &str, _seed: u64| {
        let model = Translator { sizes: sizes.clone(), lexicon: words.clone() };
        let mut translator = SavedTranslator { model, params: params.clone(), search, knows_glosses };
        saved::files(&mut translator, &tested)
    };
    Ok(Task {
        baselines: None,
        head: None,
        files: Some(Box::new(files)),
        tests: tests.collect::<Result<_, StudyError>>()?,
        objective: Box::new(TranslationLoss(spec.weights)),
        rates: LearningRates::default(),
        groups: blocks(spec),
        training: training.examples()?,
        dev: evaluator(dev, greedy, bleu)?,
        model: Box::new(Translator { sizes: spec.sizes.clone(), lexicon }),
    })
}

fn single_signs(spec: &Spec, _inputs: &Inputs, seed: u64) -> Result<Task, StudyError> {
    let part = |name: &str, per_class: usize, signers: (u64, u64)| {
        let mut stream = Stream::named(seed, name);
        let clips = (0..GLOSSES * per_class).map(|row| {
            let gloss = row % GLOSSES;
            let signer = Signer::draw(SIGNING, signers.0 + stream.below((signers.1 - signers.0) as usize) as u64);
            (Film::of_signs(&[sign(gloss)], CLIP, &signer, &spec.camera, &mut stream), gloss as u32)
        });
        classified(clips, JOINTS, CLIP)
    };
    let accuracy = |examples| -> Box<dyn Evaluator + Send + Sync> { Box::new(AccuracyEvaluator(examples)) };
    let (known, count) = ((0, SIGNERS.0), spec.per_class);
    let choice = HeadChoice::named(spec.head.as_deref().unwrap_or_default(), &spec.circuit)?;
    let classifier = FilmClassifier::new((JOINTS, &spec.sizes.blocks), &choice.config, GLOSSES)?;
    let (model, other) = (classifier.head.clone(), classifier.clone());
    Ok(Task {
        model: Box::new(classifier),
        objective: Box::new(Loss::CrossEntropy),
        rates: choice.config.row.learning_rates(),
        groups: blocks(spec),
        training: part("training", count, known)?,
        dev: accuracy(part("dev", count.div_ceil(2), known)?),
        tests: vec![
            ("accuracy", accuracy(part("test", count, (0, SIGNERS.1))?)),
            ("accuracy_new_signers", accuracy(part("strangers", count, SIGNERS)?)),
        ],
        baselines: None,
        head: Some(TaskHead { choice, model, with: Box::new(move |head| Box::new(other.with_head(head))) }),
        files: None,
    })
}

fn classified(clips: impl Iterator<Item = (Film, u32)>, joints: usize, frames: usize) -> Result<Examples, StudyError> {
    let (films, labels): (Vec<Film>, Vec<u32>) = clips.unzip();
    Ok(Examples::new(film_tensor(&films, joints, frames)?, Tensor::new(labels, &Device::Cpu)?))
}
