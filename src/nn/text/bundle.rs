//! A pretrained text encoder from a folder.

use std::path::{Path, PathBuf};

use candle_core::{DType, Device, Tensor};
use ndarray::Array2;
use rayon::prelude::*;

use super::{Pooling, TextConfig, TextEncoder, TextTokenizer};
use crate::nn::layer::unit_rows;
use crate::nn::weights::content;
use crate::nn::{Mode, NnError, Params, Weights};

/// What a folder of a pretrained encoder holds.
#[derive(Clone, Debug)]
pub struct TextBundle {
    /// `config.json`.
    pub config: TextConfig,
    /// `tokenizer.json`, or `vocab.txt` in lower case.
    pub tokenizer: TextTokenizer,
    /// `model.safetensors` or `pytorch_model.bin`.
    pub weights: Weights,
}

impl TextBundle {
    /// Reads a folder as Hugging Face's libraries write it; `path` is the folder or the file of weights in it.
    ///
    /// # Errors
    /// A file that is missing or of another kind, weights that do not fit, or a tokenizer with more words than the encoder.
    pub fn read(path: &Path) -> Result<Self, NnError> {
        let is_folder = path.is_dir();
        let folder = if is_folder { path } else { path.parent().unwrap_or(Path::new(".")) };
        let missing = |name: &str| NnError::File {
            path: folder.into(),
            reason: format!(
                "the folder lacks {name}; a text encoder is config.json, model.safetensors and tokenizer.json or \
                             vocab.txt"
            ),
        };
        let text = |path: &PathBuf| -> Result<String, NnError> {
            let bytes = content(path)?;
            String::from_utf8(bytes).map_err(|_| NnError::File { path: path.clone(), reason: "not UTF-8 text".into() })
        };
        let config = folder.join("config.json");
        if !config.exists() {
            return Err(missing("config.json"));
        }
        let config = TextConfig::from_json(&text(&config)?, &config)?;
        let (json, vocabulary) = (folder.join("tokenizer.json"), folder.join("vocab.txt"));
        let tokenizer = if json.exists() {
            TextTokenizer::from_json(&content(&json)?, &json)?
        } else if vocabulary.exists() {
            let words: Vec<String> = text(&vocabulary)?.lines().map(String::from).collect();
            TextTokenizer::from_vocabulary(&words, true, &vocabulary)?
        } else {
            return Err(missing("tokenizer.json"));
        };
        if tokenizer.vocabulary() > config.vocabulary || tokenizer.pad() != config.pad {
            let (words, pad) = (tokenizer.vocabulary(), tokenizer.pad());
            let reason = format!(
                "the tokenizer has {words} words and fills with {pad}, the encoder {} and {}; they are not of one model",
                config.vocabulary, config.pad
            );
            return Err(NnError::File { path: folder.into(), reason });
        }
        let file = match is_folder {
            false => path.to_path_buf(),
            true => ["model.safetensors", "pytorch_model.bin"]
                .iter()
                .map(|name| folder.join(name))
                .find(|path| path.exists())
                .ok_or_else(|| missing("model.safetensors"))?,
        };
        let bundle = Self { config, tokenizer, weights: Weights::read(&file)? };
        bundle.encoder()?;
        Ok(bundle)
    }

    /// The encoder on its weights, frozen, in single precision.
    ///
    /// # Errors
    /// If the weights do not fit.
    pub fn encoder(&self) -> Result<TextEncoder, NnError> {
        let mut params = Params::new(0, DType::F32);
        TextEncoder::new(&mut params, self.config)?.load(&params, &self.weights)?;
        params.freeze();
        TextEncoder::new(&mut params, self.config)
    }
}

/// Vectors (texts, width) of many texts, `texts` as numbers of words, by an encoder that is not trained; of length 1 if `unit`.
/// The same numbers come out whatever the number of threads.
///
/// # Errors
/// As [`TextEncoder::hidden_states`].
pub fn sentence_vectors(
    encoder: &TextEncoder,
    texts: &[Vec<u32>],
    pooling: Pooling,
    unit: bool,
) -> Result<Array2<f64>, NnError> {
    // Texts of like lengths go together, because filling costs as much as words.
    let mut order: Vec<usize> = (0..texts.len()).collect();
    order.sort_by_key(|&row| (texts[row].len(), row));
    const BATCH: usize = 32;
    let batches: Vec<(&[usize], Vec<Vec<f64>>)> = order
        .par_chunks(BATCH)
        .map(|rows| -> Result<_, NnError> {
            let own: Vec<&Vec<u32>> = rows.iter().map(|&row| &texts[row]).collect();
            let vectors = encoder.sentence(&padded(&own, encoder.config().pad)?, pooling, Mode::Eval)?.detach();
            let vectors = if unit { unit_rows(&vectors)? } else { vectors };
            Ok((rows, vectors.to_dtype(DType::F64)?.to_vec2()?))
        })
        .collect::<Result<_, _>>()?;
    let mut all = Array2::zeros((texts.len(), encoder.config().width));
    for (rows, vectors) in batches {
        for (&row, vector) in rows.iter().zip(vectors) {
            all.row_mut(row).assign(&ndarray::Array1::from(vector));
        }
    }
    Ok(all)
}

/// Texts as (texts, longest) u32, the shorter filled with `pad`.
///
/// # Errors
/// If the tensor library fails.
pub fn padded(texts: &[&Vec<u32>], pad: u32) -> Result<Tensor, NnError> {
    let longest = texts.iter().map(|text| text.len()).max().unwrap_or(0).max(1);
    let mut values = Vec::with_capacity(texts.len() * longest);
    for text in texts {
        values.extend_from_slice(text);
        values.resize(values.len() + longest - text.len(), pad);
    }
    Ok(Tensor::from_vec(values, (texts.len(), longest), &Device::Cpu)?)
}
