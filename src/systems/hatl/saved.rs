//! A trained translator as one file: saved by a trial, applied to new films.

use std::path::Path;

use candle_core::{D, DType, Device, Tensor};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::lab::{Applied, ApplyOptions, Files, SavedTrial};
use crate::nn::decode::BeamSearch;
use crate::nn::{Mode, Model, ModelHeader, NnError, Params};
use crate::report::Table;
use crate::study::StudyError;
use crate::study::metric::text::{bleu, rouge_l};
use crate::systems::hatl::corpus::{Corpus, Lexicon, film_tensor};
use crate::systems::hatl::films::read_new;
use crate::systems::hatl::language::BEGIN;
use crate::systems::hatl::signs::Film;
use crate::systems::hatl::spec::Sizes;
use crate::systems::hatl::translator::Translator;
use crate::systems::picture_model::PREDICTIONS_FILE;

/// File of a trial with its translator.
pub const TRANSLATOR_FILE: &str = "translator.safetensors";
/// Films translated at once.
const BATCH: usize = 50;

/// The metadata of the file: all that is needed to build the network and to read its output.
#[derive(Serialize, Deserialize)]
struct Header {
    sizes: Sizes,
    lexicon: Lexicon,
    search: BeamSearch,
    /// Whether it has learned glosses: else its scores of them mean nothing.
    knows_glosses: bool,
}

impl ModelHeader for Header {
    const ENTRY: &'static str = "translator";
    const FORMAT: &'static str = "qgraft.translator/1";
    const WHAT: &'static str = "a translator";
}

/// What a translator makes of a film.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Translation {
    /// Word numbers.
    pub words: Vec<u32>,
    /// Gloss numbers; empty of a translator that has learned none.
    pub glosses: Vec<usize>,
}

/// A translator with its parameters.
pub(super) struct SavedTranslator {
    pub model: Translator,
    pub params: Params,
    pub search: BeamSearch,
    pub knows_glosses: bool,
}

impl SavedTranslator {
    pub fn to_bytes(&self) -> Result<Vec<u8>, StudyError> {
        let header = Header {
            sizes: self.model.sizes.clone(),
            lexicon: self.model.lexicon.clone(),
            search: self.search,
            knows_glosses: self.knows_glosses,
        };
        Ok(header.to_bytes_of(&self.params)?)
    }

    pub fn from_bytes(bytes: &[u8], path: &Path) -> Result<Self, StudyError> {
        let header = Header::read(bytes, path)?;
        let model = Translator { sizes: header.sizes, lexicon: header.lexicon };
        let mut params = Params::new(0, DType::F32);
        model.build(&mut params)?;
        params.load_bytes(bytes, path)?;
        Ok(Self { model, params, search: header.search, knows_glosses: header.knows_glosses })
    }

    /// What it makes of films of its lexicon.
    pub fn translate(&mut self, films: &[&Film]) -> Result<Vec<Translation>, StudyError> {
        let Lexicon { joints, frames, longest, .. } = self.model.lexicon;
        let symbols = self.model.lexicon.symbols();
        let network = self.model.build(&mut self.params)?;
        let mut found = Vec::new();
        for films in films.chunks(BATCH) {
            let before = Tensor::full(BEGIN, (films.len(), longest), &Device::Cpu)?;
            let inputs = [film_tensor(films.iter().copied(), joints, frames)?, before];
            let output = network.forward(&inputs, Mode::Eval)?;
            let reason = "a translator has a decoder";
            let missing = || NnError::Setting { field: "network", value: "no decoder".into(), reason };
            let (decoder, memory) = network.decoder().zip(output.more.last()).ok_or_else(missing)?;
            let words = self.search.decode(decoder, memory, symbols)?;
            let best = output.more[1].detach().argmax(D::Minus1)?.to_vec2::<u32>()?;
            let glosses = best.iter().map(|frames| match self.knows_glosses {
                true => collapsed(frames, self.model.lexicon.glosses),
                false => Vec::new(),
            });
            found.extend(words.into_iter().zip(glosses).map(|(words, glosses)| Translation { words, glosses }));
        }
        Ok(found)
    }

    fn text(&self, words: &[u32]) -> String {
        let names = &self.model.lexicon.words;
        words.iter().filter_map(|word| names.get(*word as usize)).cloned().collect::<Vec<_>>().join(" ")
    }

    fn glosses(&self, glosses: &[usize]) -> String {
        let names = &self.model.lexicon.gloss_names;
        glosses.iter().filter_map(|gloss| names.get(*gloss)).cloned().collect::<Vec<_>>().join(" ")
    }
}

/// The best path through the frames: repeated classes once, rest (`blank`) left out.
fn collapsed(frames: &[u32], blank: usize) -> Vec<usize> {
    let mut found = Vec::new();
    let mut last = blank;
    for &class in frames {
        if class as usize != last && class as usize != blank {
            found.push(class as usize);
        }
        last = class as usize;
    }
    found
}

/// The files of a trial: the translator, and what it makes of every test sentence.
pub(super) fn files(translator: &mut SavedTranslator, test: &Corpus) -> Result<Files, StudyError> {
    let films: Vec<&Film> = test.rows.iter().map(|row| &row.film).collect();
    let found = translator.translate(&films)?;
    let lines = test.rows.iter().zip(&found).enumerate().map(|(number, (row, found))| {
        let words: Vec<u32> = row.text.clone();
        vec![
            number.to_string(),
            translator.text(&words),
            translator.text(&found.words),
            translator.glosses(&row.glosses),
            translator.glosses(&found.glosses),
        ]
    });
    let header = ["sentence", "text", "predicted", "glosses", "predicted glosses"];
    let mut table = Table::new("predictions", "", &header, 1);
    table.rows = lines.collect();
    Ok(vec![(TRANSLATOR_FILE.into(), translator.to_bytes()?), (PREDICTIONS_FILE.into(), table.csv())])
}

/// What the translator of a trial says of new films: text and glosses; BLEU-4 and ROUGE-L where texts are known.
pub(super) fn apply(trial: &SavedTrial, options: &ApplyOptions) -> Result<Applied, StudyError> {
    options.refuse_condition()?;
    let path = trial.path(TRANSLATOR_FILE);
    let mut translator = SavedTranslator::from_bytes(&trial.file(TRANSLATOR_FILE)?, &path)?;
    let new = read_new(&options.data, &translator.model.lexicon)?;
    let films: Vec<&Film> = new.iter().map(|new| &new.film).collect();
    let found = translator.translate(&films)?;
    let rows = new.iter().zip(&found).map(|(new, found)| {
        let known = new.text.clone().map_or(Value::Null, Value::String);
        vec![
            new.id.clone().into(),
            translator.text(&found.words).into(),
            translator.glosses(&found.glosses).into(),
            known,
        ]
    });
    let rows = rows.collect();
    // Words that the model lacks get numbers that it never writes.
    let number = |word: &str| {
        let known = translator.model.lexicon.words.iter().position(|other| other == word);
        known.map_or(u32::MAX, |number| number as u32)
    };
    let known = new.iter().zip(&found).filter_map(|(new, found)| {
        let text = new.text.as_ref()?;
        Some((found.words.clone(), text.split_whitespace().map(number).collect::<Vec<u32>>()))
    });
    let (candidates, references): (Vec<Vec<u32>>, Vec<Vec<u32>>) = known.unzip();
    let metrics = match candidates.is_empty() {
        true => Vec::new(),
        false => vec![
            ("BLEU-4".to_string(), bleu(&candidates, &references)),
            ("ROUGE-L".to_string(), rouge_l(&candidates, &references)),
        ],
    };
    let mut notices = Vec::new();
    if !translator.knows_glosses {
        notices.push(
            "the model has learned no glosses (weights.glosses and weights.encoder are 0): none are written".into(),
        );
    }
    Ok(Applied {
        model: trial.title(),
        columns: ["sample", "text", "glosses", "known text"].map(String::from).to_vec(),
        rows,
        metrics,
        known: candidates.len(),
        notices,
        ..Applied::default()
    })
}

#[cfg(test)]
mod tests {
    use super::collapsed;

    #[test]
    fn a_path_through_frames_is_read_without_repetition_and_rest() {
        for (frames, glosses) in [
            (vec![3, 3, 9, 1, 1, 9, 9], vec![3, 1]),
            (vec![9, 3, 9, 3, 3], vec![3, 3]),
            (vec![2, 1, 1], vec![2, 1]),
            (vec![9, 9], vec![]),
        ] {
            assert_eq!(collapsed(&frames, 9), glosses, "{frames:?}");
        }
    }
}
