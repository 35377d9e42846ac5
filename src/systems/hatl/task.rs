//! What is learned: actions first, then sentences to be translated or single glosses to be told apart.

use candle_core::{D, DType, Device, Tensor};
use candle_nn::ops::log_softmax;

use crate::math::Stream;
use crate::nn::head::HeadRow;
use crate::nn::loss::{Loss, Objective, mean};
use crate::nn::{Examples, Mode, Model, Network, NnError, Output, Plan, Source};
use crate::study::StudyError;
use crate::study::train::{HeldOut, Judge, Judged};
use crate::systems::hatl::language::{BEGIN, END, GLOSSES, LONGEST, Sentence, WORDS, numbered, sign};
use crate::systems::hatl::network::{Classifier, Translator, sentences};
use crate::systems::hatl::score::{bleu, rouge_l};
use crate::systems::hatl::signs::{Action, Film, JOINTS, Signer, acted, signed};
use crate::systems::hatl::spec::{Spec, TRANSLATOR, Weights};

/// Frames of the film of a sentence: none is longer.
const FRAMES: usize = 12 * LONGEST;
/// Frames of the film of an action or a gloss.
const CLIP: usize = 32;
/// Rows judged at once.
const BATCH: usize = 50;
/// Signers of the target; the last two are met in the test alone.
const SIGNERS: (u64, u64) = (4, 6);
/// Seeds of communities, so that nobody who acts also signs.
const SIGNING: u64 = 1 << 33;
const ACTING: u64 = 1 << 34;

/// A task with everything that a training needs.
pub(super) struct Task {
    pub model: Box<dyn Model>,
    pub objective: Box<dyn Objective>,
    /// What the head leaves as it starts.
    pub plan: Plan,
    pub training: Examples,
    pub dev: Box<dyn Judge>,
    /// By name; each metric in 0..=1, the first is the one that is compared.
    pub tests: Vec<(&'static str, Box<dyn Judge>)>,
}

impl Task {
    /// The target of `spec` under `seed`.
    pub fn target(spec: &Spec, seed: u64) -> Result<Self, StudyError> {
        if spec.head == TRANSLATOR { Self::translation(spec, seed) } else { Self::glosses(spec, seed) }
    }

    /// The source: actions, told apart by a linear head.
    pub fn source(spec: &Spec, seed: u64) -> Result<Self, StudyError> {
        let part = |name: &str, per_class: usize| {
            let mut stream = Stream::named(seed, name);
            let clips = (0..Action::COUNT * per_class).map(|row| {
                let class = row % Action::COUNT;
                let actor = Signer::draw(ACTING + seed, stream.bits());
                (acted(Action::numbered(class), CLIP, &actor, &mut stream), class as u32)
            });
            classified(clips)
        };
        let model = Classifier::new(&spec.sizes.blocks, "linear", &spec.circuit, Action::COUNT)?;
        let dev = Box::new(Told(part("dev actions", spec.actions.div_ceil(4))?));
        let training = part("actions", spec.actions)?;
        let (objective, plan) = (Box::new(Loss::CrossEntropy), Plan::default());
        Ok(Self { model: Box::new(model), objective, plan, training, dev, tests: Vec::new() })
    }

    fn translation(spec: &Spec, seed: u64) -> Result<Self, StudyError> {
        let part = |name: &str, count: usize, is_test: bool| Corpus::draw(seed, name, count, is_test);
        let training = part("training", spec.sentences, false).examples()?;
        let dev = Translated { corpus: part("dev", spec.dev, false).ready()?, weights: spec.weights, score: bleu };
        let test = part("test", spec.test, true);
        let strangers = test.only(|row| row.signer >= SIGNERS.0);
        let novel = test.only(|row| row.novel);
        let judged = |corpus: Corpus, score: Score| -> Result<Box<dyn Judge>, StudyError> {
            Ok(Box::new(Translated { corpus: corpus.ready()?, weights: spec.weights, score }))
        };
        Ok(Self {
            model: Box::new(Translator { sizes: spec.sizes.clone() }),
            objective: Box::new(spec.weights),
            plan: Plan::default(),
            training,
            dev: Box::new(dev),
            tests: vec![
                ("BLEU-4", judged(test.clone(), bleu)?),
                ("ROUGE-L", judged(test, rouge_l)?),
                ("BLEU-4, new signers", judged(strangers, bleu)?),
                ("BLEU-4, new pairs", judged(novel, bleu)?),
            ],
        })
    }

    fn glosses(spec: &Spec, seed: u64) -> Result<Self, StudyError> {
        let part = |name: &str, per_class: usize, signers: (u64, u64)| {
            let mut stream = Stream::named(seed, name);
            let clips = (0..GLOSSES * per_class).map(|row| {
                let gloss = row % GLOSSES;
                let signer = Signer::draw(SIGNING, signers.0 + stream.below((signers.1 - signers.0) as usize) as u64);
                (signed(&[sign(gloss)], CLIP, &signer, &mut stream), gloss as u32)
            });
            classified(clips)
        };
        let known = (0, SIGNERS.0);
        let told = |examples: Examples| -> Box<dyn Judge> { Box::new(Told(examples)) };
        Ok(Self {
            model: Box::new(Classifier::new(&spec.sizes.blocks, &spec.head, &spec.circuit, GLOSSES)?),
            objective: Box::new(Loss::CrossEntropy),
            plan: HeadRow::named(&spec.head)?.plan(),
            training: part("training", spec.clips, known)?,
            dev: told(part("dev", spec.clips.div_ceil(2), known)?),
            tests: vec![
                ("accuracy", told(part("test", spec.clips, (0, SIGNERS.1))?)),
                ("accuracy, new signers", told(part("strangers", spec.clips, SIGNERS)?)),
            ],
        })
    }
}

fn classified(clips: impl Iterator<Item = (Film, u32)>) -> Result<Examples, StudyError> {
    let (films, labels): (Vec<Film>, Vec<u32>) = clips.unzip();
    Ok(Examples::new(shown(&films, CLIP)?, Tensor::new(labels, &Device::Cpu)?))
}

/// (films, 2 · joints, frames).
fn shown<'a>(films: impl IntoIterator<Item = &'a Film>, frames: usize) -> Result<Tensor, StudyError> {
    let places: Vec<f32> = films.into_iter().flat_map(|film| film.places.iter().copied()).collect();
    let count = places.len() / (2 * JOINTS * frames);
    Ok(Tensor::from_vec(places, (count, 2 * JOINTS, frames), &Device::Cpu)?)
}

/// A signed sentence with its text.
#[derive(Clone)]
struct Row {
    film: Film,
    glosses: Vec<usize>,
    text: Vec<u32>,
    signer: u64,
    novel: bool,
}

/// Signed sentences.
#[derive(Clone)]
struct Corpus(Vec<Row>);

impl Corpus {
    /// Sentences of known signers about known pairs; a test has all signers, and every second pair is new.
    fn draw(seed: u64, name: &str, count: usize, is_test: bool) -> Self {
        let mut stream = Stream::named(seed, name);
        let mut row = |number: usize| {
            let novel = is_test && number % 2 == 1;
            let sentence = Sentence::draw(&mut stream, novel);
            let signer = stream.below(if is_test { SIGNERS.1 } else { SIGNERS.0 } as usize) as u64;
            let glosses = sentence.glosses();
            let signs: Vec<_> = glosses.iter().map(|&gloss| sign(gloss)).collect();
            let film = signed(&signs, FRAMES, &Signer::draw(SIGNING, signer), &mut stream);
            Row { film, glosses, text: numbered(&sentence.text()), signer, novel }
        };
        Self((0..count).map(&mut row).collect())
    }

    fn only(&self, keep: impl Fn(&Row) -> bool) -> Self {
        Self(self.0.iter().filter(|row| keep(row)).cloned().collect())
    }

    /// Inputs: films, words before each word. Targets: words, glosses of frames, which words count.
    fn examples(&self) -> Result<Examples, StudyError> {
        let rows = self.0.len();
        let (mut before, mut words, mut counts, mut frames) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for row in &self.0 {
            let text = |k: usize| row.text.get(k).copied().unwrap_or(END);
            before.extend((0..WORDS).map(|k| if k == 0 { BEGIN } else { text(k - 1) }));
            words.extend((0..WORDS).map(text));
            counts.extend((0..WORDS).map(|k| if k <= row.text.len() { 1f32 } else { 0.0 }));
            let gloss = |frame: usize| row.film.signs[frame].map_or(GLOSSES, |place| row.glosses[place]) as u32;
            frames.extend((0..FRAMES / 2).map(|half| gloss(2 * half)));
        }
        let device = &Device::Cpu;
        let text = |values: Vec<u32>| Tensor::from_vec(values, (rows, WORDS), device);
        let frames = Tensor::from_vec(frames, (rows, FRAMES / 2), device)?;
        Ok(Examples {
            inputs: vec![shown(self.0.iter().map(|row| &row.film), FRAMES)?, text(before)?],
            targets: vec![text(words)?, frames, Tensor::from_vec(counts, (rows, WORDS), device)?],
            weights: None,
            domains: None,
        })
    }

    fn ready(&self) -> Result<(Examples, Vec<Vec<u32>>), StudyError> {
        Ok((self.examples()?, self.0.iter().map(|row| row.text.clone()).collect()))
    }
}

/// Loss of a translation: cross-entropy of its words, and of the glosses of its frames as backbone and encoder tell them,
/// each a mean. The terms of Shahin & Ismail 2026 without CTC, which they leave out between signs and text.
impl Objective for Weights {
    fn losses(&self, output: &Output, targets: &[Tensor]) -> Result<Tensor, NnError> {
        let ([words, frames, counts], [backbone, encoder, ..]) = (targets, &output.more[..]) else {
            let reason = "a translation is compared with words, glosses of frames and which words count";
            return Err(NnError::Setting { field: "targets", value: targets.len().to_string(), reason });
        };
        let surprise = |logits: &Tensor, classes: &Tensor| {
            log_softmax(logits, D::Minus1)?.gather(&classes.unsqueeze(2)?, 2)?.squeeze(2)?.neg()
        };
        let words = ((surprise(&output.logits, words)? * counts)?.sum(1)? / counts.sum(1)?)?;
        let [backbone, encoder] = [backbone, encoder].map(|logits| surprise(logits, frames)?.mean(1));
        Ok((((words * self.words)? + (backbone? * self.backbone)?)? + (encoder? * self.encoder)?)?)
    }
}

/// Candidates and references to a figure in 0..=1.
type Score = fn(&[Vec<u32>], &[Vec<u32>]) -> f64;

/// Judges translations.
struct Translated {
    corpus: (Examples, Vec<Vec<u32>>),
    weights: Weights,
    score: Score,
}

impl Judge for Translated {
    fn judge(&self, network: &dyn Network) -> Result<Judged, StudyError> {
        let (examples, references) = &self.corpus;
        let all: Vec<u32> = (0..references.len() as u32).collect();
        let (mut told, mut loss) = (Vec::new(), 0.0);
        for rows in all.chunks(BATCH) {
            let examples = examples.rows(rows, Mode::Judge)?;
            let output = network.forward(&examples.inputs, Mode::Judge)?;
            let losses = self.weights.losses(&output, &examples.targets)?.detach();
            let part: f64 = mean(&losses, None)?.to_dtype(DType::F64)?.to_scalar()?;
            loss += part * rows.len() as f64 / all.len() as f64;
            if let Some(words) = output.more.get(2) {
                told.extend(sentences(words)?);
            }
        }
        Ok(Judged { loss, metric: (self.score)(&told, references) })
    }
}

/// Judges classes.
struct Told(Examples);

impl Judge for Told {
    fn judge(&self, network: &dyn Network) -> Result<Judged, StudyError> {
        HeldOut { source: &self.0, objective: &Loss::CrossEntropy, batch: BATCH }.judge(network)
    }
}
