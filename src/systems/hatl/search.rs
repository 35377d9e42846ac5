//! From scores of the next word to a text: the likeliest word after the likeliest word, or a beam.

use serde::{Deserialize, Serialize};

use crate::nn::NnError;
use crate::systems::hatl::language::END;

/// How texts are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Search {
    /// Texts that are followed at once; with 1 each word is the likeliest.
    pub beam: usize,
    /// Exponent α of the length: texts are compared by log p / ((5 + words) / 6)^α, their end among the words (Wu et al.
    /// 2016, arXiv:1609.08144, eq. 14). 0 favours short texts, which have fewer factors.
    pub length: f64,
}

impl Default for Search {
    fn default() -> Self {
        Self { beam: 1, length: 0.6 }
    }
}

/// A text so far.
#[derive(Clone, Debug)]
struct Text {
    words: Vec<u32>,
    logp: f64,
    ended: bool,
}

impl Text {
    /// What it is compared by.
    fn score(&self, length: f64) -> f64 {
        let words = self.words.len() + usize::from(self.ended);
        self.logp / ((5.0 + words as f64) / 6.0).powf(length)
    }
}

impl Search {
    /// The best text of each of `rows` sentences, of at most `longest` words with its end. `next` tells the logarithms of
    /// the probabilities of every word after each of several texts, given as sentence and words so far, all equally
    /// long.
    ///
    /// # Errors
    /// Those of `next`.
    pub fn texts(
        &self,
        rows: usize,
        longest: usize,
        mut next: impl FnMut(&[(usize, &[u32])]) -> Result<Vec<Vec<f64>>, NnError>,
    ) -> Result<Vec<Vec<u32>>, NnError> {
        let start = Text { words: Vec::new(), logp: 0.0, ended: false };
        let mut beams: Vec<Vec<Text>> = vec![vec![start]; rows];
        for _ in 0..longest {
            let live = beams.iter().enumerate().flat_map(|(row, texts)| texts.iter().map(move |text| (row, text)));
            let live: Vec<(usize, &[u32])> =
                live.filter(|(_, text)| !text.ended).map(|(row, text)| (row, &text.words[..])).collect();
            if live.is_empty() {
                break;
            }
            let mut scores = next(&live)?.into_iter();
            beams = beams.iter().map(|texts| self.longer(texts, &mut scores)).collect();
        }
        let best = |texts: Vec<Text>| {
            // A text that has not ended when no more words are allowed is cut off there.
            let better = |a: Text, b: Text| if b.score(self.length) > a.score(self.length) { b } else { a };
            texts.into_iter().reduce(better).map_or(Vec::new(), |text| text.words)
        };
        Ok(beams.into_iter().map(best).collect())
    }

    /// The best texts that are one word longer, or have ended before; of equals the earlier word.
    fn longer(&self, texts: &[Text], scores: &mut impl Iterator<Item = Vec<f64>>) -> Vec<Text> {
        let mut all: Vec<Text> = Vec::new();
        for text in texts {
            if text.ended {
                all.push(text.clone());
                continue;
            }
            for (word, logp) in scores.next().into_iter().flatten().enumerate() {
                let (mut words, ended) = (text.words.clone(), word as u32 == END);
                words.extend((!ended).then_some(word as u32));
                all.push(Text { words, logp: text.logp + logp, ended });
            }
        }
        all.sort_by(|a, b| b.score(self.length).total_cmp(&a.score(self.length)));
        all.truncate(self.beam.max(1));
        all
    }
}
