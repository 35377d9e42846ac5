//! Texts classified on a pretrained text encoder of which the last blocks are released one after the other. What the blocks
//! below make of a text is computed once.

use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use ndarray::Array2;
use serde::{Deserialize, Serialize};

use crate::circuit::Circuit;
use crate::data::{DataError, Part, Samples, TextTable, read_text};
use crate::lab::{Applied, ApplyOptions, SavedTrial};
use crate::math::Stream;
use crate::nn::head::{CircuitConfig, Head, HeadConfig, HeadModel};
use crate::nn::layer::softmax;
use crate::nn::loss::Loss;
use crate::nn::text::{TextBundle, TextConfig, TextStates, TextTop};
use crate::nn::{
    Dataset, Examples, LayerGroups, LearningRates, Mode, Model, ModelHeader, Network, NnError, Output, Params, Weights,
};
use crate::sim::{Condition, Executions};
use crate::study::StudyError;
use crate::systems::glosses::{CLASSES, Glosses};
use crate::systems::hatl::evaluate::AccuracyEvaluator;
use crate::systems::hatl::spec::Spec;
use crate::systems::hatl::tasks::{Inputs, Task, TaskHead};
use crate::systems::head_choice::HeadChoice;
use crate::systems::inputs::NewRows;
use crate::systems::live_stages::PictureParts;
use crate::systems::picture_model::PREDICTIONS_FILE;
use crate::systems::saved_head::answers;

/// File of a trial with its trained blocks and head.
pub(super) const TEXT_FILE: &str = "text_model.safetensors";

/// What is said where no encoder is named.
const ENCODER: &str = "name the folder of a pretrained encoder (--encoder FOLDER); data/glosses/minilm.sh fetches one";

/// Texts classified at once.
const EVALUATED: usize = 100;

/// Arms whose networks are saved.
const SAVED: [&str; 3] = ["hatl", "frozen", "full"];

/// Texts and their encoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Texts {
    /// The folder of a pretrained BERT or DistilBERT; data/glosses/minilm.sh fetches one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoder: Option<PathBuf>,
    /// Last blocks of the encoder that may be released.
    pub blocks: usize,
    /// Column of the texts in a table.
    pub text: String,
    /// Column of the classes in a table.
    pub class: String,
    /// Training texts of each class, and as many for validation.
    pub labels: usize,
    /// Test texts of each class, at most: the same under every seed.
    pub test: usize,
    /// Longest text in words of the encoder, its special words among them; the rest of a text is left out.
    pub longest: usize,
    /// Factor on the learning rate of the encoder under every schedule.
    pub encoder_rate: f64,
}

impl Default for Texts {
    fn default() -> Self {
        Self {
            encoder: None,
            blocks: 3,
            text: "text".into(),
            class: "class".into(),
            labels: 20,
            test: 40,
            longest: 32,
            encoder_rate: 0.03,
        }
    }
}

/// What all seeds read.
pub(super) struct TextInputs {
    bundle: TextBundle,
    /// Pretrained, under the encoder's names.
    weights: Weights,
    /// The file or folder of the texts.
    place: PathBuf,
    words: Vec<Vec<u32>>,
    labels: Vec<usize>,
    ids: Vec<String>,
    classes: Vec<String>,
    /// The lowest block that is trained.
    first: usize,
    /// Words to which texts are filled.
    length: usize,
}

/// Texts with their classes, and a name for each.
struct Labelled {
    texts: Vec<String>,
    labels: Vec<usize>,
    ids: Vec<String>,
    classes: Vec<String>,
}

/// A table with the columns of the settings, or WordNet's data.noun with its 25 lexicographer's files as classes.
fn read(texts: &Texts, path: &Path) -> Result<Labelled, StudyError> {
    let is_glosses = path.is_dir() || path.file_name().is_some_and(|name| name == "data.noun");
    if is_glosses {
        let classes: Vec<String> = CLASSES.map(String::from).to_vec();
        let Glosses { texts, labels } = Glosses::read(path, &classes)?;
        let ids = (1..=texts.len()).map(|number| format!("gloss {number}")).collect();
        return Ok(Labelled { texts, labels, ids, classes });
    }
    let table = TextTable::read(path)?;
    let (own, names) = (table.texts(&texts.text)?, table.texts(&texts.class)?);
    let mut classes = names.clone();
    classes.sort();
    classes.dedup();
    if classes.len() < 2 {
        let reason = format!("column `{}` has {} class; expected at least two", texts.class, classes.len());
        return Err(table.malformed(reason).into());
    }
    let labels = names.iter().map(|name| classes.partition_point(|own| own < name)).collect();
    let ids = table.rows.iter().map(|row| format!("line {}", row.line)).collect();
    Ok(Labelled { texts: own, labels, ids, classes })
}

/// Reads the encoder and the texts of the settings.
pub(super) fn open(spec: &Spec) -> Result<TextInputs, StudyError> {
    let texts = &spec.texts;
    let missing = |field, reason| NnError::Setting { field, value: "none".into(), reason };
    let encoder = texts.encoder.as_deref();
    let encoder = encoder.ok_or_else(|| missing("texts.encoder", ENCODER))?;
    let place = spec
        .data
        .clone()
        .ok_or_else(|| missing("data", "name a table of texts and classes, or WordNet's data.noun (--texts FILE)"))?;
    let Labelled { texts: own, labels, ids, classes } = read(texts, &place)?;
    let bundle = TextBundle::read(encoder)?;
    let Some(first) = bundle.config.layers.checked_sub(texts.blocks) else {
        let (value, reason) = (texts.blocks.to_string(), "the encoder has fewer blocks");
        return Err(NnError::Setting { field: "texts.blocks", value, reason }.into());
    };
    let own: Vec<&str> = own.iter().map(String::as_str).collect();
    let words = bundle.tokenizer.encode_all(&own, texts.longest.min(bundle.config.positions))?;
    let length = words.iter().map(Vec::len).max().unwrap_or(1);
    let weights = bundle.config.respelled(&bundle.weights);
    Ok(TextInputs { bundle, weights, place, words, labels, ids, classes, first, length })
}

impl TextInputs {
    /// Rows for training, validation and the test, the last the same under every seed.
    fn rows(&self, texts: &Texts, seed: u64) -> Result<[Vec<usize>; 3], StudyError> {
        let mut parts: [Vec<usize>; 3] = Default::default();
        let order = Stream::named(0, "test texts").permutation(self.labels.len());
        for class in 0..self.classes.len() {
            let own: Vec<usize> = order.iter().copied().filter(|&row| self.labels[row] == class).collect();
            let needed = 2 * texts.labels + 1;
            if own.len() < needed {
                let (count, name) = (own.len(), &self.classes[class]);
                let reason = format!(
                    "class {name:?} has {count} texts; texts.labels = {} needs {needed}: as many for validation, and one for \
                     the test",
                    texts.labels
                );
                return Err(DataError::malformed(self.place.display().to_string(), reason).into());
            }
            let (test, rest) = own.split_at(texts.test.min(own.len() - 2 * texts.labels));
            let drawn = Stream::named(seed, &format!("texts {class}")).permutation(rest.len());
            parts[0].extend(drawn[..texts.labels].iter().map(|&k| rest[k]));
            parts[1].extend(drawn[texts.labels..2 * texts.labels].iter().map(|&k| rest[k]));
            parts[2].extend(test);
        }
        Ok(parts)
    }

    fn examples(&self, rows: &[usize]) -> Result<Examples, StudyError> {
        let words: Vec<Vec<u32>> = rows.iter().map(|&row| self.words[row].clone()).collect();
        let labels: Vec<u32> = rows.iter().map(|&row| self.labels[row] as u32).collect();
        let TextStates { states, seen } = TextStates::of(&self.bundle.encoder()?, &words, self.first, self.length)?;
        Ok(Examples { inputs: vec![states, seen], ..Examples::new(labels_like(&labels)?, labels_like(&labels)?) })
    }
}

fn labels_like(labels: &[u32]) -> Result<Tensor, StudyError> {
    Ok(Tensor::new(labels, &Device::Cpu)?)
}

/// The last blocks of an encoder under a head. It reads states (texts, length, width) and which words are seen (texts, length).
#[derive(Clone)]
struct TextClassifier {
    config: TextConfig,
    weights: Weights,
    first: usize,
    head: HeadModel,
}

struct Built {
    top: TextTop,
    head: std::sync::Arc<dyn Head>,
}

impl Model for TextClassifier {
    fn build<'a>(&'a self, params: &mut Params) -> Result<Box<dyn Network + 'a>, NnError> {
        let top = TextTop::new(params, self.config, &self.weights, self.first)?;
        Ok(Box::new(Built { top, head: self.head.build(params)? }))
    }
}

impl Network for Built {
    fn forward(&self, inputs: &[Tensor], mode: Mode) -> Result<Output, NnError> {
        let [states, seen] = inputs else {
            let (value, reason) = (inputs.len().to_string(), "a classifier of texts reads states and the words seen");
            return Err(NnError::Setting { field: "inputs", value, reason });
        };
        let features = self.top.sentences(states, seen, mode)?;
        let logits = self.head.logits(&features)?;
        Ok(Output::new(features, logits))
    }
}

impl TextClassifier {
    /// The trained blocks from input to output, then the head.
    fn groups(&self, params: &Params) -> LayerGroups {
        let of_block = |index: usize| {
            let prefix = self.config.family.layer(index);
            let names = params.trainable().map(|(name, _)| name.to_string());
            names.filter(|name| name.starts_with(&prefix)).collect()
        };
        LayerGroups::of_trunk((self.first..self.config.layers).map(of_block).collect(), params)
    }
}

/// The texts of a seed under the head of the settings.
pub(super) fn task(spec: &Spec, inputs: &Inputs, seed: u64) -> Result<Task, StudyError> {
    let inputs = inputs.texts.as_ref().expect("the task texts opens texts");
    let [training, validation, test] = inputs.rows(&spec.texts, seed)?;
    let choice = HeadChoice::named(spec.head.as_deref().unwrap_or_default(), &spec.circuit)?;
    let config = inputs.bundle.config;
    let head = choice.config.model(config.width, inputs.classes.len())?;
    let model = TextClassifier { config, weights: inputs.weights.clone(), first: inputs.first, head: head.clone() };
    let mut params = Params::new(0, DType::F32);
    model.build(&mut params)?;
    let slower = model.groups(&params);
    let slower = slower.trunk().map(|name| (name.to_string(), spec.texts.encoder_rate)).collect::<Vec<_>>();
    let samples = Samples {
        source: inputs.place.display().to_string(),
        ids: test.iter().map(|&row| inputs.ids[row].clone()).collect(),
        labels: test.iter().map(|&row| inputs.labels[row]).collect(),
        classes: inputs.classes.clone(),
        parts: vec![Part::Test; test.len()],
        groups: Vec::new(),
    };
    let parts = PictureParts {
        training: inputs.examples(&training)?,
        validation: inputs.examples(&validation)?,
        test: inputs.examples(&test)?,
        test_samples: samples,
    };
    let header = Header {
        head: head.row.name.into(),
        circuit: spec.circuit.clone(),
        program: head.ansatz.as_ref().map(|ansatz| ansatz.circuit.to_json()),
        classes: inputs.classes.clone(),
        encoder: inputs.bundle.weights.digest_text()?,
        first: inputs.first,
        longest: spec.texts.longest,
        text: spec.texts.text.clone(),
    };
    let evaluator = |examples: &Examples| Box::new(AccuracyEvaluator(examples.clone()));
    let (grouped, copy, other) = (model.clone(), model.clone(), model.clone());
    Ok(Task {
        objective: Box::new(Loss::CrossEntropy),
        rates: head.learning_rates().times(&LearningRates::new(slower)),
        groups: Box::new(move |params| grouped.groups(params)),
        training: parts.training.clone(),
        dev: evaluator(&parts.validation),
        tests: vec![("accuracy", evaluator(&parts.test))],
        baselines: Some(parts.baselines()),
        head: Some(TaskHead {
            choice,
            model: head,
            with: Box::new(move |head| Box::new(TextClassifier { head, ..other.clone() })),
        }),
        files: Some(Box::new(move |params, arm, seed| {
            let mut params = params.clone();
            let mut files = vec![(PREDICTIONS_FILE.to_string(), parts.predictions(&copy, &mut params, (arm, seed))?)];
            if SAVED.contains(&arm) {
                files.push((TEXT_FILE.to_string(), header.to_bytes_of(&params)?));
            }
            Ok(files)
        })),
        model: Box::new(model),
    })
}

/// What the file of a trained network says beside its tensors.
#[derive(Serialize, Deserialize)]
struct Header {
    head: String,
    circuit: CircuitConfig,
    /// The circuit itself as circuit JSON.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    program: Option<String>,
    classes: Vec<String>,
    /// Of the encoder's weights, in hexadecimal digits.
    encoder: String,
    first: usize,
    longest: usize,
    text: String,
}

impl ModelHeader for Header {
    const ENTRY: &'static str = "text_model";
    const FORMAT: &'static str = "qgraft.text_model/1";
    const WHAT: &'static str = "a classifier of texts";
}

/// New texts: the column of the texts of a table, or the lines of a .txt file.
fn read_new(path: &Path, column: &str) -> Result<(Vec<String>, Vec<String>), StudyError> {
    if path.extension().is_some_and(|ending| ending == "txt") {
        let text = read_text(path)?;
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        return Ok(lines.map(|(number, line)| (format!("line {}", number + 1), line.trim().to_string())).unzip());
    }
    let table = TextTable::read(path)?;
    let ids = table.rows.iter().map(|row| format!("line {}", row.line)).collect();
    Ok((ids, table.texts(column)?))
}

/// Class probabilities (rows, classes).
fn probabilities(network: &dyn Network, rows: &Examples) -> Result<Array2<f64>, StudyError> {
    let all: Vec<u32> = (0..rows.len() as u32).collect();
    let (mut values, mut classes) = (Vec::new(), 0);
    for part in all.chunks(EVALUATED) {
        let logits = network.forward(&rows.rows(part, Mode::Eval)?.inputs, Mode::Eval)?.logits.detach();
        classes = logits.dim(1)?;
        values.extend(softmax(&logits.to_dtype(DType::F64)?, 1)?.flatten_all()?.to_vec1::<f64>()?);
    }
    let misfit = |_| StudyError::Shape { rows: all.len(), classes, labels: all.len() };
    Array2::from_shape_vec((all.len(), classes), values).map_err(misfit)
}

/// What the network of a trial says of new texts: a class for each.
pub(super) fn apply(trial: &SavedTrial, options: &ApplyOptions) -> Result<Applied, StudyError> {
    let (bytes, path) = (trial.file(TEXT_FILE)?, trial.path(TEXT_FILE));
    let failed = |reason: String| StudyError::from(NnError::File { path: path.clone(), reason });
    let header = Header::read(&bytes, &path)?;
    let encoder = trial.settings::<Spec>()?.texts.encoder;
    let encoder = encoder.ok_or_else(|| failed("its run names no encoder".into()))?;
    let bundle = TextBundle::read(&encoder)?;
    if bundle.weights.digest_text()? != header.encoder {
        return Err(failed(format!("it was trained on another encoder than {}", encoder.display())));
    }
    let config = HeadConfig::named(&header.head)?.circuit(header.circuit);
    let mut head = config.model(bundle.config.width, header.classes.len())?;
    if let Some(program) = &header.program {
        let circuit = Circuit::from_json(program).map_err(|e| failed(format!("circuit: {e}")))?;
        head = head.with_circuit(circuit)?;
    }
    if head.ansatz.is_none() && options.condition != Condition::default() {
        let reason = "the head has no circuit, so devices, shots and mitigation change nothing";
        return Err(NnError::Setting { field: "head", value: header.head, reason }.into());
    }
    let head = head.compile(&Executions::default(), &options.condition, trial.point.seed())?;
    let weights = bundle.config.respelled(&bundle.weights);
    let model = TextClassifier { config: bundle.config, weights, first: header.first, head };
    let mut params = Params::new(0, DType::F32);
    model.build(&mut params)?;
    params.load_bytes(&bytes, &path)?;
    params.freeze();
    let (mut ids, mut texts) = (Vec::new(), Vec::new());
    for path in &options.data {
        let (own_ids, own) = read_new(path, &header.text)?;
        ids.extend(own_ids);
        texts.extend(own);
    }
    if texts.is_empty() {
        let place = options.data.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
        return Err(DataError::malformed(place, "no texts".to_string()).into());
    }
    let own: Vec<&str> = texts.iter().map(String::as_str).collect();
    let words = bundle.tokenizer.encode_all(&own, header.longest.min(bundle.config.positions))?;
    let length = words.iter().map(Vec::len).max().unwrap_or(1);
    let TextStates { states, seen } = TextStates::of(&bundle.encoder()?, &words, header.first, length)?;
    let count = Tensor::zeros(texts.len(), DType::U32, &Device::Cpu)?;
    let rows = Examples { inputs: vec![states, seen], ..Examples::new(count.clone(), count) };
    let found = probabilities(model.build(&mut params)?.as_ref(), &rows)?;
    let labels = vec![None; ids.len()];
    let rows = NewRows { values: Array2::zeros((0, 0)), ids, labels, notices: Vec::new() };
    answers(trial.title(), &header.classes, &rows, &found)
}
