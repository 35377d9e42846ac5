//! Reports alone: the impression of a report is found by its findings. For real reports, where there are no films.

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use ndarray::Array2;

use crate::classic::TermWeights;
use crate::data::{DataError, TextTable};
use crate::lab::{Context, Measurement};
use crate::math::words::pluralise;
use crate::nn::layer::{ContrastiveScale, Linear};
use crate::nn::loss::Contrastive;
use crate::nn::text::TextBundle;
use crate::nn::{Dataset, Examples, LearningRates, Mode, Model, Network, NnError, Output, Params};
use crate::study::StudyError;
use crate::study::retrieval::Ranks;
use crate::study::train::TrainingLoop;
use crate::systems::angiography::learning::loss_named;
use crate::systems::angiography::report::{Vocabulary, sentences};
use crate::systems::angiography::spec::Spec;
use crate::systems::angiography::texts::{TextInput, TextReader, TextVectors, Texts};

/// Ways to find impressions.
pub const TEXT_ARMS: [(&str, &str); 4] = [
    ("words", "words in common, each weighted by how rare it is (TF-IDF); nothing is trained"),
    ("clip", "CLIP; reports with the same impression are no negatives"),
    ("siglip", "SigLIP with a trained offset; equal impressions are pairs"),
    ("multi_positive", "InfoNCE with several pairs in a row: equal impressions are pairs"),
];

/// One more where there is a pretrained encoder.
pub const ENCODER_ARM: (&str, &str) =
    ("encoder", "cosines of the vectors of the pretrained encoder; nothing is trained");

/// Least reports to learn from and to test on.
const LEAST: usize = 8;

/// One report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Number of the patient.
    pub patient: usize,
    /// What is seen.
    pub findings: String,
    /// What it means.
    pub impression: String,
    /// A number for what the impression says, the same for impressions that say the same.
    pub says: u32,
}

/// Reports of a table.
pub struct Reports {
    /// Those with findings and impression.
    pub all: Vec<Report>,
    /// What was left out.
    pub notices: Vec<String>,
    place: String,
}

impl Reports {
    /// Reads a table with the columns `patient`, `findings` and `impression`.
    ///
    /// # Errors
    /// A table without these columns, a row without patient.
    pub fn read(path: &Path) -> Result<Self, StudyError> {
        let table = TextTable::read(path)?;
        let needed = |name: &str| table.column(&[name]).ok_or_else(|| table.malformed(format!("no column `{name}`")));
        let (patient, findings, impression) = (needed("patient")?, needed("findings")?, needed("impression")?);
        let (mut patients, mut said): (BTreeMap<String, usize>, BTreeMap<Vec<String>, u32>) = Default::default();
        let (mut all, mut without) = (Vec::new(), 0);
        for row in &table.rows {
            if row.fields[patient].trim().is_empty() {
                return Err(table.wrong(row, patient, "expected the name of the patient").into());
            }
            let mut words = sentences(&row.fields[impression]);
            if words.is_empty() || sentences(&row.fields[findings]).is_empty() {
                without += 1;
                continue;
            }
            words.sort();
            let (people, texts) = (patients.len(), said.len() as u32);
            all.push(Report {
                patient: *patients.entry(row.fields[patient].trim().to_string()).or_insert(people),
                findings: row.fields[findings].clone(),
                impression: row.fields[impression].clone(),
                says: *said.entry(words).or_insert(texts),
            });
        }
        let mut notices = Vec::new();
        if without > 0 {
            notices.push(format!("{} without findings or impression left out", pluralise(without, "report")));
        }
        Ok(Self { all, notices, place: table.place })
    }

    /// The vectors of all texts by a pretrained encoder.
    ///
    /// # Errors
    /// As [`TextVectors::of`].
    pub fn vectors(&self, encoder: &TextBundle) -> Result<TextVectors, StudyError> {
        let both = self.all.iter().flat_map(|report| [report.findings.as_str(), report.impression.as_str()]);
        Ok(TextVectors::of(encoder, both)?)
    }

    /// Reports to learn from, and reports with different impressions to test on; those of a patient are on one side.
    ///
    /// # Errors
    /// If there are too few.
    pub fn split(&self, spec: &Spec, seed: u64) -> Result<(Vec<Report>, Vec<Report>), StudyError> {
        let count = self.all.iter().map(|report| report.patient + 1).max().unwrap_or(0);
        let is_test = spec.tested(count, seed);
        let (test, training): (Vec<Report>, Vec<Report>) =
            self.all.iter().cloned().partition(|report| is_test[report.patient]);
        let mut known = std::collections::BTreeSet::new();
        let test: Vec<Report> = test.into_iter().filter(|report| known.insert(report.says)).take(spec.pairs).collect();
        if training.len() < LEAST || test.len() < LEAST {
            let reason = format!(
                "{} to learn from and {} with different impressions to test on; at least {LEAST} of each are needed",
                pluralise(training.len(), "report"),
                test.len()
            );
            return Err(DataError::malformed(&self.place, reason).into());
        }
        Ok((training, test))
    }
}

struct Pairs<'a> {
    reports: &'a [Report],
    texts: &'a Texts,
}

impl Dataset for Pairs<'_> {
    fn len(&self) -> usize {
        self.reports.len()
    }

    fn rows(&self, rows: &[u32], _mode: Mode) -> Result<Examples, NnError> {
        let own = || rows.iter().map(|row| &self.reports[*row as usize]);
        let findings = self.texts.encoded(own().map(|report| report.findings.as_str()))?;
        let impressions = self.texts.encoded(own().map(|report| report.impression.as_str()))?;
        let says = Tensor::new(own().map(|report| report.says).collect::<Vec<u32>>(), &Device::Cpu)?;
        Ok(Examples { inputs: vec![findings, impressions], ..Examples::new(says.clone(), says) })
    }
}

/// One encoder of texts, or none, with a map for each of the two kinds.
struct TextModel {
    text: TextInput,
    common: usize,
    loss: Contrastive,
    start: (f64, Option<f64>),
}

struct TextNetwork {
    text: TextReader,
    maps: [Linear; 2],
    scale: ContrastiveScale,
}

impl Model for TextModel {
    fn build<'a>(&'a self, params: &mut Params) -> Result<Box<dyn Network + 'a>, NnError> {
        let mut map = |name: &str| Linear::new(params, name, (self.text.width(), self.common), false);
        let maps = [map("common.findings")?, map("common.impression")?];
        let text = self.text.reader(params)?;
        Ok(Box::new(TextNetwork { text, maps, scale: ContrastiveScale::new(params, "scale", self.start)? }))
    }
}

impl Network for TextNetwork {
    /// The features are those of the findings, the scores (findings, impressions).
    fn forward(&self, inputs: &[Tensor], mode: Mode) -> Result<Output, NnError> {
        let [findings, impressions] = inputs else {
            let (value, reason) = (inputs.len().to_string(), "pairs are findings and impressions");
            return Err(NnError::Setting { field: "inputs", value, reason });
        };
        let findings = self.maps[0].forward(&self.text.forward(findings, mode)?)?;
        let impressions = self.maps[1].forward(&self.text.forward(impressions, mode)?)?;
        let scores = self.scale.forward(&findings, &impressions)?;
        Ok(Output::new(findings, scores))
    }
}

/// Cosines of the term weights of findings and impressions, learned on both texts of the reports that are learned from.
pub fn words_in_common(training: &[Report], test: &[Report]) -> Array2<f64> {
    let texts: Vec<&str> =
        training.iter().flat_map(|report| [report.findings.as_str(), report.impression.as_str()]).collect();
    let weights = TermWeights::fit(&texts, usize::MAX);
    let of = |pick: fn(&Report) -> &str| weights.transform(&test.iter().map(pick).collect::<Vec<&str>>());
    of(|report| &report.findings).dot(&of(|report| &report.impression).t())
}

/// Trains an arm and measures how well findings find their impression; networks read the vectors of a pretrained encoder where there
/// are any.
///
/// # Errors
/// If there are too few reports, training fails or is stopped.
pub fn run(
    spec: &Spec,
    reports: &Reports,
    vectors: Option<&TextVectors>,
    (arm, seed): (&str, u64),
    context: &Context,
) -> Result<Measurement, StudyError> {
    let (training, test) = reports.split(spec, seed)?;
    let mut found = Measurement::default();
    let scores = if arm == "words" {
        words_in_common(&training, &test)
    } else if let (true, Some(vectors)) = (arm == ENCODER_ARM.0, vectors) {
        let of = |pick: fn(&Report) -> &str| test.iter().map(pick).collect::<Vec<&str>>();
        vectors.cosines(&of(|report| &report.findings), &of(|report| &report.impression))?
    } else {
        let both = training.iter().flat_map(|report| [report.findings.as_str(), report.impression.as_str()]);
        let texts = match vectors {
            Some(vectors) => Texts::Vectors(vectors.clone()),
            None => Texts::Words(Vocabulary::of(both, spec.text.words)),
        };
        let model = TextModel {
            text: texts.input(&spec.text),
            common: spec.common,
            loss: loss_named(arm),
            start: loss_named(arm).start(spec.temperature, spec.pretrain.batch),
        };
        let mut params = Params::new(seed, DType::F32);
        let pairs = Pairs { reports: &training, texts: &texts };
        let observer = context.observer;
        let config = &spec.pretrain;
        let training = TrainingLoop { observer, ..TrainingLoop::new(&model, &pairs, &model.loss, config, seed) };
        training.run(&mut params, &mut LearningRates::default())?;
        found = found.value("parameters", params.count(|_| true) as f64);
        let pairs = Pairs { reports: &test, texts: &texts };
        let all: Vec<u32> = (0..test.len() as u32).collect();
        let output = model.build(&mut params)?.forward(&pairs.rows(&all, Mode::Eval)?.inputs, Mode::Eval)?;
        let values: Vec<f64> = output.logits.detach().to_dtype(DType::F64)?.flatten_all()?.to_vec1()?;
        let wrong = |_| StudyError::NotFinite { what: "scores of reports".into() };
        Array2::from_shape_vec((test.len(), test.len()), values).map_err(wrong)?
    };
    let own: Vec<usize> = (0..test.len()).collect();
    if let Some(ranks) = Ranks::new(scores.view(), &own) {
        found = found
            .value("recall_1", ranks.recall(1))
            .value("recall_10", ranks.recall(10))
            .value("over_chance", ranks.recall(1) * ranks.items() as f64)
            .value("reciprocal_rank", ranks.reciprocal())
            .value("gain_10", ranks.gain(10));
    }
    Ok(found)
}
