//! Reports: what is written of findings, and how text becomes numbers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::math::Stream;
use crate::systems::angiography::phantom::Findings;
use crate::systems::angiography::tree::SEGMENTS;

/// Words for severities above 0.
const WORDS: [&str; 3] = ["mild", "moderate", "severe"];

/// What may be said of a lesion; `{w}` is the severity, `{s}` the segment.
const LESION: [&str; 4] =
    ["{w} stenosis of the {s}", "the {s} shows a {w} narrowing", "{w} lesion in the {s}", "{s} with {w} luminal loss"];
const CALCIFIED: [&str; 3] = ["calcified vessels", "heavy calcification", "the arteries are calcified"];
const NOTHING: [&str; 3] = ["no stenosis", "vessels without narrowing", "normal coronary tree"];

/// Words of a sentence and sentences of a report, at most; what follows is left out.
pub const WORDS_OF_SENTENCE: usize = 24;
/// See [`WORDS_OF_SENTENCE`].
pub const SENTENCES: usize = 16;

/// A report on findings: sentences in random order and in one of several wordings.
pub fn written(findings: &Findings, stream: &mut Stream) -> String {
    let mut sentences: Vec<String> = Vec::new();
    for (segment, severity) in findings.severity.iter().enumerate().filter(|(_, severity)| **severity > 0) {
        let wording = LESION[stream.below(LESION.len())];
        sentences.push(wording.replace("{w}", WORDS[severity - 1]).replace("{s}", SEGMENTS[segment]));
    }
    if sentences.is_empty() {
        sentences.push(NOTHING[stream.below(NOTHING.len())].into());
    }
    if findings.is_calcified {
        sentences.push(CALCIFIED[stream.below(CALCIFIED.len())].into());
    }
    let order = stream.permutation(sentences.len());
    order.into_iter().map(|k| sentences[k].clone()).collect::<Vec<_>>().join(". ")
}

/// The sentences of a report: lower case, without punctuation, none empty.
pub fn sentences(report: &str) -> Vec<String> {
    let parts = report.split(['.', ';', '\n', '\r', '!', '?']);
    let clean = |part: &str| {
        let letters = part.to_lowercase();
        let words = letters.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.collect::<Vec<_>>().join(" ")
    };
    parts.map(clean).filter(|sentence| !sentence.is_empty()).take(SENTENCES).collect()
}

/// Numbers of words: 0 stands where there is none, 1 for a word that is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vocabulary(BTreeMap<String, u32>);

impl Vocabulary {
    /// The words of these reports, the most frequent first, at most `most`.
    pub fn of<'a>(reports: impl IntoIterator<Item = &'a str>, most: usize) -> Self {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for report in reports {
            for sentence in sentences(report) {
                sentence.split(' ').for_each(|word| *counts.entry(word.into()).or_default() += 1);
            }
        }
        let mut words: Vec<(String, usize)> = counts.into_iter().collect();
        words.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        words.truncate(most);
        Self(words.into_iter().zip(2..).map(|((word, _), number)| (word, number)).collect())
    }

    /// Numbers that words have, with those for none and for unknown ones.
    pub fn size(&self) -> usize {
        self.0.len() + 2
    }

    /// Whether the numbers are those of a vocabulary.
    pub fn is_sound(&self) -> bool {
        let mut numbers: Vec<u32> = self.0.values().copied().collect();
        numbers.sort_unstable();
        numbers.into_iter().eq(2..self.0.len() as u32 + 2)
    }

    /// The words of each sentence as numbers, `SENTENCES` · `WORDS_OF_SENTENCE` of them.
    pub fn encoded(&self, report: &str) -> Vec<u32> {
        let mut numbers = vec![0; SENTENCES * WORDS_OF_SENTENCE];
        for (sentence, row) in sentences(report).iter().zip(numbers.chunks_mut(WORDS_OF_SENTENCE)) {
            for (word, number) in sentence.split(' ').zip(row) {
                *number = self.0.get(word).copied().unwrap_or(1);
            }
        }
        numbers
    }
}
