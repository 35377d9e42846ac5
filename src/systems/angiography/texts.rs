//! What a network reads of texts: numbers of their words, or their vectors by a pretrained encoder.

use std::collections::BTreeMap;

use candle_core::{Device, Tensor};
use ndarray::Array2;

use crate::nn::text::{Pooling, TextBundle, sentence_vectors};
use crate::nn::{Mode, NnError, Params};
use crate::study::StudyError;
use crate::systems::angiography::encoder::{TextEncoder, TextSize};
use crate::systems::angiography::report::{SENTENCES, Vocabulary, WORDS_OF_SENTENCE};

/// Words and pieces of words of a text that a pretrained encoder reads, at most: sentence-transformers states 256 for MiniLM.
const LONGEST: usize = 256;

/// Texts as a network reads them.
#[derive(Clone, Debug)]
pub enum Texts {
    /// By the numbers of their words; the network has an encoder of its own.
    Words(Vocabulary),
    /// By vectors that a pretrained encoder made of them once.
    Vectors(TextVectors),
}

/// Vectors of texts.
#[derive(Clone, Debug)]
pub struct TextVectors {
    rows: BTreeMap<String, usize>,
    /// (texts, width), of length √width.
    values: Array2<f32>,
}

impl TextVectors {
    /// Of these texts, each computed once, of length √width: numbers of size 1.
    ///
    /// # Errors
    /// If a text cannot be cut into words or the weights do not fit.
    pub fn of<'a>(bundle: &TextBundle, texts: impl IntoIterator<Item = &'a str>) -> Result<Self, NnError> {
        let mut rows: BTreeMap<String, usize> = texts.into_iter().map(|text| (text.to_string(), 0)).collect();
        rows.values_mut().enumerate().for_each(|(row, number)| *number = row);
        let unique: Vec<&str> = rows.keys().map(String::as_str).collect();
        let words = bundle.tokenizer.encode_all(&unique, LONGEST.min(bundle.config.positions))?;
        let vectors = sentence_vectors(&bundle.encoder()?, &words, Pooling::Mean, true)?;
        let scale = (bundle.config.width as f64).sqrt();
        Ok(Self { rows, values: vectors.mapv(|value| (scale * value) as f32) })
    }

    fn row(&self, text: &str) -> Result<usize, NnError> {
        let reason = "its vector was not computed";
        let missing = || NnError::Setting { field: "text", value: text.into(), reason };
        self.rows.get(text).copied().ok_or_else(missing)
    }

    /// Cosines of texts (rows) with other texts (columns).
    ///
    /// # Errors
    /// A text whose vector was not computed.
    pub fn cosines(&self, texts: &[&str], others: &[&str]) -> Result<Array2<f64>, StudyError> {
        let of = |texts: &[&str]| -> Result<Array2<f64>, NnError> {
            let rows = texts.iter().map(|text| self.row(text)).collect::<Result<Vec<_>, _>>()?;
            Ok(self.values.select(ndarray::Axis(0), &rows).mapv(f64::from))
        };
        Ok(of(texts)?.dot(&of(others)?.t()) / self.values.ncols() as f64)
    }
}

impl Texts {
    /// What a network has to read these texts with.
    pub fn input(&self, size: &TextSize) -> TextInput {
        match self {
            Self::Words(vocabulary) => TextInput::Words { size: size.clone(), vocabulary: vocabulary.size() },
            Self::Vectors(vectors) => TextInput::Vectors { width: vectors.values.ncols() },
        }
    }

    /// Numbers of words (texts, sentences · words), or vectors (texts, width).
    ///
    /// # Errors
    /// A text whose vector was not computed.
    pub fn encoded<'a>(&self, texts: impl IntoIterator<Item = &'a str>) -> Result<Tensor, NnError> {
        match self {
            Self::Words(vocabulary) => {
                let words: Vec<u32> = texts.into_iter().flat_map(|text| vocabulary.encoded(text)).collect();
                let width = SENTENCES * WORDS_OF_SENTENCE;
                let count = words.len() / width;
                Ok(Tensor::from_vec(words, (count, width), &Device::Cpu)?)
            }
            Self::Vectors(vectors) => {
                let rows = texts.into_iter().map(|text| vectors.row(text)).collect::<Result<Vec<_>, _>>()?;
                let picked = vectors.values.select(ndarray::Axis(0), &rows);
                let (values, _) = picked.into_raw_vec_and_offset();
                Ok(Tensor::from_vec(values, (rows.len(), vectors.values.ncols()), &Device::Cpu)?)
            }
        }
    }
}

/// How a network reads texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextInput {
    /// Numbers of words, by an encoder that learns with it.
    Words {
        /// Sizes of the encoder.
        size: TextSize,
        /// Numbers that words have.
        vocabulary: usize,
    },
    /// Vectors.
    Vectors {
        /// Their width.
        width: usize,
    },
}

/// A built [`TextInput`]; nothing of vectors is learned.
pub enum TextReader {
    /// An encoder.
    Words(TextEncoder),
    /// Vectors as they are.
    Vectors,
}

impl TextInput {
    /// Width of a text's vector.
    pub fn width(&self) -> usize {
        match self {
            Self::Words { size, .. } => size.width,
            Self::Vectors { width } => *width,
        }
    }

    /// On parameters whose names begin with `text.`.
    ///
    /// # Errors
    /// If `params` hold other shapes.
    pub fn reader(&self, params: &mut Params) -> Result<TextReader, NnError> {
        Ok(match self {
            Self::Words { size, vocabulary } => TextReader::Words(TextEncoder::new(params, "text", size, *vocabulary)?),
            Self::Vectors { .. } => TextReader::Vectors,
        })
    }
}

impl TextReader {
    /// What [`Texts::encoded`] gives to (texts, width).
    ///
    /// # Errors
    /// If a word is not in the table.
    pub fn forward(&self, texts: &Tensor, mode: Mode) -> Result<Tensor, NnError> {
        match self {
            Self::Words(encoder) => encoder.forward(texts, mode),
            Self::Vectors => Ok(texts.clone()),
        }
    }
}
