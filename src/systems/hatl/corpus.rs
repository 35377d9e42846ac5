//! Signed sentences with their texts: drawn, or read from files.

use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::math::Stream;
use crate::nn::Examples;
use crate::nn::decode::Symbols;
use crate::study::StudyError;
use crate::systems::hatl::language::{
    BEGIN, END, GLOSSES, LONGEST, Sentence, WORDS, gloss_names, sign, vocabulary, word_ids,
};
use crate::systems::hatl::signs::{Camera, Film, JOINTS, Signer};

/// Signers of the drawn sentences: those of the training set, and all with those that occur in the test alone.
pub(super) const SIGNERS: (u64, u64) = (4, 6);
/// Seed of the community that signs.
pub(super) const SIGNING: u64 = 1 << 33;

/// Sizes of films, and the words and glosses of sentences.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lexicon {
    /// Joints of a frame.
    pub joints: usize,
    /// Frames of a film, an even number.
    pub frames: usize,
    /// Every word by number; the marks of the end and of the beginning first.
    pub words: Vec<String>,
    /// Words of the longest text, its end among them.
    pub longest: usize,
    /// Number of glosses, which are classes of frames together with the one for rest.
    pub glosses: usize,
    /// Their names by number.
    pub gloss_names: Vec<String>,
    /// Glosses of the longest sentence.
    pub signs: usize,
}

impl Lexicon {
    /// The lexicon of the drawn language.
    pub fn drawn() -> Self {
        let words = vocabulary().into_iter().map(String::from).collect();
        Self {
            joints: JOINTS,
            frames: 12 * LONGEST,
            words,
            longest: WORDS,
            glosses: GLOSSES,
            gloss_names: gloss_names(),
            signs: LONGEST,
        }
    }

    /// The symbols of its texts.
    pub fn symbols(&self) -> Symbols {
        Symbols { begin: BEGIN, end: END, longest: self.longest }
    }
}

/// A signed sentence with its text.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// As many frames as the lexicon gives.
    pub film: Film,
    pub glosses: Vec<usize>,
    /// Word numbers. Those from the size of the vocabulary on are words that it lacks.
    pub text: Vec<u32>,
    pub signer: u64,
    /// Whether its verb and thing never occur together in training.
    pub novel: bool,
}

/// Signed sentences.
#[derive(Clone, Debug)]
pub(super) struct Corpus {
    pub rows: Vec<Row>,
    pub lexicon: Lexicon,
}

impl Corpus {
    /// Sentences of the training signers with training pairs of verb and thing. A test has all signers, and every
    /// second pair is new.
    pub fn draw(seed: u64, name: &str, count: usize, is_test: bool, camera: &Camera) -> Self {
        let (mut stream, lexicon) = (Stream::named(seed, name), Lexicon::drawn());
        let mut row = |number: usize| {
            let novel = is_test && number % 2 == 1;
            let sentence = Sentence::draw(&mut stream, novel);
            let signer = stream.below(if is_test { SIGNERS.1 } else { SIGNERS.0 } as usize) as u64;
            let glosses = sentence.glosses();
            let signs: Vec<_> = glosses.iter().map(|&gloss| sign(gloss)).collect();
            let film = Film::of_signs(&signs, lexicon.frames, &Signer::draw(SIGNING, signer), camera, &mut stream);
            Row { film, glosses, text: word_ids(&sentence.text()), signer, novel }
        };
        Self { rows: (0..count).map(&mut row).collect(), lexicon }
    }

    /// The sentences that `keep` accepts.
    pub fn filter(&self, keep: impl Fn(&Row) -> bool) -> Self {
        Self { rows: self.rows.iter().filter(|row| keep(row)).cloned().collect(), lexicon: self.lexicon.clone() }
    }

    /// Inputs: films, words before each word. Targets: words, glosses of frames, factors 0 or 1 on words, glosses of
    /// sentences, numbers of frames.
    pub fn examples(&self) -> Result<Examples, StudyError> {
        let Lexicon { joints, frames, longest, glosses, signs, ref words, .. } = self.lexicon;
        let (rows, half) = (self.rows.len(), frames / 2);
        let (mut before, mut after, mut counts) = (Vec::new(), Vec::new(), Vec::new());
        let (mut classes, mut sentences) = (Vec::new(), Vec::new());
        for row in &self.rows {
            let is_known = |k: usize| row.text.get(k).is_none_or(|word| (*word as usize) < words.len());
            let text = |k: usize| if is_known(k) { row.text.get(k).copied().unwrap_or(END) } else { END };
            before.extend((0..longest).map(|k| if k == 0 { BEGIN } else { text(k - 1) }));
            after.extend((0..longest).map(text));
            counts.extend((0..longest).map(|k| if k <= row.text.len() && is_known(k) { 1f32 } else { 0.0 }));
            let gloss = |frame: usize| {
                row.film.signs.get(frame).copied().flatten().map_or(glosses, |index| row.glosses[index]) as u32
            };
            classes.extend((0..half).map(|frame| gloss(2 * frame)));
            sentences.extend((0..signs.max(1)).map(|k| row.glosses.get(k).copied().unwrap_or(glosses) as u32));
        }
        let device = &Device::Cpu;
        let text = |values: Vec<u32>| Tensor::from_vec(values, (rows, longest), device);
        Ok(Examples {
            inputs: vec![film_tensor(self.rows.iter().map(|row| &row.film), joints, frames)?, text(before)?],
            targets: vec![
                text(after)?,
                Tensor::from_vec(classes, (rows, half), device)?,
                Tensor::from_vec(counts, (rows, longest), device)?,
                Tensor::from_vec(sentences, (rows, signs.max(1)), device)?,
                Tensor::full(half as u32, rows, device)?,
            ],
            weights: None,
            domains: None,
            strata: None,
        })
    }
}

/// Films as (films, 2 · joints, frames); shorter films end in zeros, as if nothing were found there.
pub(super) fn film_tensor<'a>(
    films: impl IntoIterator<Item = &'a Film>,
    joints: usize,
    frames: usize,
) -> Result<Tensor, StudyError> {
    let mut positions: Vec<f32> = Vec::new();
    for film in films {
        for track in film.positions.chunks(film.signs.len()) {
            positions.extend(track);
            positions.resize(positions.len() + frames - track.len(), 0.0);
        }
    }
    let count = positions.len() / (2 * joints * frames);
    Ok(Tensor::from_vec(positions, (count, 2 * joints, frames), &Device::Cpu)?)
}
