//! Films of one's own: what a folder given as `data` holds.
//!
//! `sentences.jsonl` has one JSON object a line:
//!
//! ```json
//! {"part": "train", "text": "the doctor buys the book", "glosses": ["BOOK", "DOCTOR", "BUY"], "signer": "anna",
//!  "film": [[[0.1, 0.6], [0.0, 0.0], null], [[0.1, 0.6], [0.0, 0.01], [0.4, -0.2]]]}
//! ```
//!
//! `part` is `train`, `dev` or `test`; `text` is split at white space; `film` is a list of frames, each a list of joints,
//! each `[x, y]` or `null` where it was not found. `glosses` and `signer` may be left out. All films have the same joints
//! in the same order, in whatever unit; shorter ones are filled up with frames in which nothing is found.
//!
//! `clips.jsonl`, which may be left out, is what is learned first: `part` (`train` or `dev`), `class` and `film`. Without
//! it the drawn clips are, so films then need their joints ([`JOINTS`]: head, neck, and for the signer's dominant and
//! other side shoulder, elbow, wrist and three fingertips) in shoulder widths from the neck, y upwards, x to the dominant
//! side.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::nn::NnError;
use crate::study::StudyError;
use crate::systems::hatl::corpus::{Corpus, Lexicon, Row};
use crate::systems::hatl::signs::{Film, JOINTS};
use crate::systems::hatl::spec::{Spec, Weights};

/// Frames of the longest film: attention takes time and memory in their square.
const LONGEST_FILM: usize = 512;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Part {
    Train,
    Dev,
    Test,
}

/// Frames of joints.
type Places = Vec<Vec<Option<[f32; 2]>>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SentenceLine {
    part: Part,
    text: String,
    #[serde(default)]
    glosses: Vec<String>,
    #[serde(default)]
    signer: String,
    film: Places,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClipLine {
    part: Part,
    class: String,
    film: Places,
}

/// Clips of classes.
pub(super) struct Clips {
    pub joints: usize,
    pub frames: usize,
    pub classes: usize,
    pub training: Vec<(Film, u32)>,
    pub dev: Vec<(Film, u32)>,
}

/// What a file is wrong about.
struct Place {
    path: PathBuf,
}

impl Place {
    fn wrong(&self, line: usize, reason: impl std::fmt::Display) -> StudyError {
        NnError::File { path: self.path.clone(), reason: format!("line {}: {reason}", line + 1) }.into()
    }

    fn lacks(&self, reason: &str) -> StudyError {
        NnError::File { path: self.path.clone(), reason: reason.into() }.into()
    }
}

/// The objects of a file of lines, each with the number of its line.
fn lines<T: DeserializeOwned>(place: &Place) -> Result<Vec<(usize, T)>, StudyError> {
    let failed = |source| StudyError::File { path: place.path.clone(), source };
    let text = std::fs::read_to_string(&place.path).map_err(failed)?;
    let full = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    full.map(|(number, line)| {
        serde_json::from_str(line).map(|object| (number, object)).map_err(|e| place.wrong(number, e))
    })
    .collect()
}

/// Joints and frames (even) that all films fit into.
fn size<'a>(films: impl Iterator<Item = (usize, &'a Places)>, place: &Place) -> Result<(usize, usize), StudyError> {
    let (mut joints, mut frames) = (None, 0);
    for (line, film) in films {
        if film.is_empty() || film.len() > LONGEST_FILM {
            let reason =
                format!("the film has {} frames; use 1 to {LONGEST_FILM}, leaving out every other one", film.len());
            return Err(place.wrong(line, reason));
        }
        for (frame, places) in film.iter().enumerate() {
            let known = *joints.get_or_insert(places.len());
            if places.len() != known || known == 0 {
                let reason = format!("frame {frame} has {} joints, the first frame of the file {known}", places.len());
                return Err(place.wrong(line, reason));
            }
            if places.iter().flatten().flatten().any(|value| !value.is_finite()) {
                return Err(place.wrong(line, format!("frame {frame} has a place that is no number; use null")));
            }
        }
        frames = frames.max(film.len());
    }
    let joints = joints.ok_or_else(|| place.lacks("it has no films"))?;
    Ok((joints, frames.next_multiple_of(2)))
}

/// The film over so many frames; what is not found is at 0.
fn film(places: &Places, joints: usize, frames: usize) -> Film {
    let at = |axis: usize, joint: usize, frame: usize| {
        places.get(frame).and_then(|frame| frame[joint]).map_or(0.0, |place| place[axis])
    };
    let all = (0..2).flat_map(|axis| (0..joints).map(move |joint| (axis, joint)));
    let all = all.flat_map(|(axis, joint)| (0..frames).map(move |frame| (axis, joint, frame)));
    Film { places: all.map(|(axis, joint, frame)| at(axis, joint, frame)).collect(), signs: vec![None; frames] }
}

/// Names by number, in alphabetical order, from `first` on.
fn numbers<'a>(names: impl Iterator<Item = &'a String>, first: usize) -> BTreeMap<String, usize> {
    let names: BTreeSet<&String> = names.collect();
    names.into_iter().enumerate().map(|(number, name)| (name.clone(), first + number)).collect()
}

/// The clips in a folder, if it has any.
pub(super) fn clips(folder: &Path) -> Result<Option<Clips>, StudyError> {
    let place = Place { path: folder.join("clips.jsonl") };
    if !place.path.exists() {
        return Ok(None);
    }
    let clips: Vec<(usize, ClipLine)> = lines(&place)?;
    let (joints, frames) = size(clips.iter().map(|(line, clip)| (*line, &clip.film)), &place)?;
    let classes = numbers(clips.iter().map(|(_, clip)| &clip.class), 0);
    let mut parts = [Vec::new(), Vec::new()];
    for (line, clip) in &clips {
        let part = match clip.part {
            Part::Train => &mut parts[0],
            Part::Dev => &mut parts[1],
            Part::Test => return Err(place.wrong(*line, "clips have the parts train and dev alone")),
        };
        part.push((film(&clip.film, joints, frames), classes[&clip.class] as u32));
    }
    let [training, dev] = parts;
    if classes.len() < 2 || training.len() < 2 || dev.is_empty() {
        return Err(place.lacks("it needs two classes, two clips to learn from and one of the part dev"));
    }
    Ok(Some(Clips { joints, frames, classes: classes.len(), training, dev }))
}

/// The sentences in a folder: to learn from, to watch, to judge on.
pub(super) fn sentences(folder: &Path, spec: &Spec) -> Result<[Corpus; 3], StudyError> {
    let place = Place { path: folder.join("sentences.jsonl") };
    let all: Vec<(usize, SentenceLine)> = lines(&place)?;
    let (joints, frames) = size(all.iter().map(|(line, sentence)| (*line, &sentence.film)), &place)?;
    let first = clips(folder)?.map_or(JOINTS, |clips| clips.joints);
    if joints != first {
        let reason = format!(
            "its films have {joints} joints, the clips that are learned first {first}; put clips of these joints into \
             clips.jsonl beside it"
        );
        return Err(place.lacks(&reason));
    }
    let of = |part: Part| all.iter().filter(move |(_, sentence)| sentence.part == part);
    let texts: Vec<Vec<String>> =
        all.iter().map(|(_, sentence)| sentence.text.split_whitespace().map(String::from).collect()).collect();
    let known = all.iter().zip(&texts).filter(|((_, sentence), _)| sentence.part == Part::Train).flat_map(|(_, t)| t);
    let marks = ["</s>", "<s>"].map(String::from);
    let mut words = numbers(known.filter(|word| !marks.contains(word)), marks.len());
    let vocabulary: Vec<String> = marks.into_iter().chain(words.keys().cloned()).collect();
    // Words that were never learned get numbers that nothing says.
    let unknown: BTreeSet<&String> = texts.iter().flatten().filter(|word| !words.contains_key(*word)).collect();
    let unknown: Vec<String> = unknown.into_iter().cloned().collect();
    words.extend(unknown.into_iter().enumerate().map(|(k, word)| (word, vocabulary.len() + k)));
    let glosses = numbers(all.iter().flat_map(|(_, sentence)| &sentence.glosses), 0);
    let signers = numbers(all.iter().map(|(_, sentence)| &sentence.signer), 0);
    let longest = 1 + texts.iter().map(Vec::len).max().unwrap_or(0);
    let signs = all.iter().map(|(_, sentence)| sentence.glosses.len()).max().unwrap_or(0);
    check(spec.weights, &all, &place)?;
    let lexicon = Lexicon { joints, frames, words: vocabulary, longest, glosses: glosses.len(), signs };
    for (part, name) in [(Part::Train, "train"), (Part::Dev, "dev"), (Part::Test, "test")] {
        if of(part).count() < if part == Part::Train { 2 } else { 1 } {
            return Err(place.lacks(&format!("it has too few sentences of the part {name}")));
        }
    }
    let row = |((_, sentence), text): (&(usize, SentenceLine), &Vec<String>)| Row {
        film: film(&sentence.film, joints, frames),
        glosses: sentence.glosses.iter().map(|gloss| glosses[gloss]).collect(),
        text: text.iter().map(|word| words[word] as u32).collect(),
        signer: signers[&sentence.signer] as u64,
        novel: false,
    };
    Ok([Part::Train, Part::Dev, Part::Test].map(|part| Corpus {
        rows: all.iter().zip(&texts).filter(|((_, sentence), _)| sentence.part == part).map(row).collect(),
        lexicon: lexicon.clone(),
    }))
}

/// Whether sentences have what the terms of the loss compare with.
fn check(weights: Weights, all: &[(usize, SentenceLine)], place: &Place) -> Result<(), StudyError> {
    if weights.backbone > 0.0 || weights.encoder > 0.0 {
        let reason = "the glosses of single frames are not known here: set weights.backbone and weights.encoder to 0";
        return Err(place.lacks(reason));
    }
    for (line, sentence) in all {
        if sentence.text.split_whitespace().next().is_none() {
            return Err(place.wrong(*line, "the text is empty"));
        }
        let glosses = &sentence.glosses;
        if weights.glosses > 0.0 {
            if glosses.is_empty() {
                return Err(place.wrong(*line, "it has no glosses, with which weights.glosses compares: set that to 0"));
            }
            // Of two equal glosses in a row a frame of rest must stand between; the backbone halves frames.
            let needed = glosses.len() + glosses.windows(2).filter(|pair| pair[0] == pair[1]).count();
            if sentence.film.len() / 2 < needed {
                let reason = format!("{} frames are too few for {} glosses", sentence.film.len(), glosses.len());
                return Err(place.wrong(*line, reason));
            }
        }
    }
    Ok(())
}
