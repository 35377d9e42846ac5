//! Films of the user's own: the files of a folder given as `data`.
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
//! in the same order, in any unit. For the network, shorter films are filled up with frames in which nothing is found.
//!
//! `clips.jsonl`, which may be left out, is the source task: `part` (`train` or `dev`), `class` and `film`. Without it the
//! drawn clips are, so films then need their joints ([`JOINTS`]: head, neck, and for the signer's dominant and other side
//! shoulder, elbow, wrist and three fingertips) in shoulder widths from the neck, y upwards, x to the dominant side.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::data::read_text;
use crate::nn::NnError;
use crate::study::StudyError;
use crate::systems::hatl::corpus::{Corpus, Lexicon, Row};
use crate::systems::hatl::signs::{Film, JOINTS};
use crate::systems::hatl::spec::LossWeights;

/// Frames of the longest film: attention takes time and memory in their square.
const LONGEST_FILM: usize = 512;

/// Numbers of all films of a file, filled up to the longest: 2 GiB.
const MOST_NUMBERS: usize = 1 << 29;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Part {
    Train,
    Dev,
    Test,
}

/// By frame, then joint.
type Frames = Vec<Vec<Option<[f32; 2]>>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SentenceLine {
    part: Part,
    text: String,
    #[serde(default)]
    glosses: Vec<String>,
    #[serde(default)]
    signer: String,
    film: Frames,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClipLine {
    part: Part,
    class: String,
    film: Frames,
}

/// Clips of classes.
pub(super) struct Clips {
    pub joints: usize,
    pub frames: usize,
    pub classes: usize,
    pub training: Vec<(Film, u32)>,
    pub dev: Vec<(Film, u32)>,
}

/// Everything in a folder.
pub struct OwnFilms {
    /// The source task, if the folder has one.
    pub(super) clips: Option<Clips>,
    /// Sentences for training, validation and test.
    pub(super) sentences: [Corpus; 3],
}

impl OwnFilms {
    /// Reads a folder, and checks that its sentences have what the terms of the loss compare with.
    pub fn read(folder: &Path, weights: LossWeights) -> Result<Self, StudyError> {
        let clips = read_clips(&JsonLines { path: folder.join("clips.jsonl") })?;
        let joints = clips.as_ref().map_or(JOINTS, |clips| clips.joints);
        let sentences = read_sentences(&JsonLines { path: folder.join("sentences.jsonl") }, joints, weights)?;
        Ok(Self { clips, sentences })
    }
}

/// A film to be translated; what else its line holds is not read.
#[derive(Deserialize)]
struct NewLine {
    film: Frames,
    #[serde(default)]
    text: Option<String>,
}

/// A film that a trained model has not seen.
pub(super) struct NewFilm {
    /// The file and the number of the line.
    pub id: String,
    pub film: Film,
    /// Its text, where it is known.
    pub text: Option<String>,
}

/// Reads films for a model that reads films of this lexicon: files of JSON objects, one a line, each with a `film` and perhaps
/// its `text`, or folders with sentences.jsonl.
///
/// # Errors
/// A file that cannot be read, a film with other joints or more frames than the model reads; the message names file and
/// line.
pub(super) fn read_new(paths: &[PathBuf], lexicon: &Lexicon) -> Result<Vec<NewFilm>, StudyError> {
    let mut found = Vec::new();
    for path in paths {
        let path = if path.is_dir() { path.join("sentences.jsonl") } else { path.clone() };
        let file = JsonLines { path };
        let lines: Vec<(usize, NewLine)> = file.read()?;
        let (joints, _) = file.size(lines.iter().map(|(line, new)| (*line, &new.film)))?;
        if joints != lexicon.joints {
            return Err(file.refused(&format!("its films have {joints} joints, those of the model {}", lexicon.joints)));
        }
        for (line, new) in lines {
            if new.film.len() > lexicon.frames {
                let (have, most) = (new.film.len(), lexicon.frames);
                let reason = format!("the film has {have} frames, the longest that the model was trained on {most}");
                return Err(file.invalid(line, reason));
            }
            let id = format!("{}:{}", file.path.display(), line + 1);
            let text = new.text.filter(|text| text.split_whitespace().next().is_some());
            found.push(NewFilm { id, film: film(&new.film, joints), text });
        }
    }
    Ok(found)
}

/// A file of JSON objects, one a line.
struct JsonLines {
    path: PathBuf,
}

impl JsonLines {
    /// An error in a line, counted from 0.
    fn invalid(&self, line: usize, reason: impl std::fmt::Display) -> StudyError {
        NnError::File { path: self.path.clone(), reason: format!("line {}: {reason}", line + 1) }.into()
    }

    /// An error of the whole file.
    fn refused(&self, reason: &str) -> StudyError {
        NnError::File { path: self.path.clone(), reason: reason.into() }.into()
    }

    /// The objects, each with the number of its line.
    fn read<T: DeserializeOwned>(&self) -> Result<Vec<(usize, T)>, StudyError> {
        let text = read_text(&self.path)?;
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let parsed = |(number, line)| {
            serde_json::from_str(line).map(|object| (number, object)).map_err(|e| self.invalid(number, e))
        };
        lines.map(parsed).collect()
    }

    /// Number of joints, and an even number of frames that all films fit into.
    fn size<'a>(&self, films: impl Iterator<Item = (usize, &'a Frames)>) -> Result<(usize, usize), StudyError> {
        let (mut joints, mut longest, mut count) = (None, (0, 0), 0);
        for (line, film) in films {
            count += 1;
            if film.is_empty() || film.len() > LONGEST_FILM {
                let reason =
                    format!("the film has {} frames; use 1 to {LONGEST_FILM}, leaving out every other one", film.len());
                return Err(self.invalid(line, reason));
            }
            for (number, frame) in film.iter().enumerate() {
                let known = *joints.get_or_insert(frame.len());
                if frame.len() != known || known == 0 {
                    let have = frame.len();
                    let reason = format!("frame {number} has {have} joints, the first frame of the file {known}");
                    return Err(self.invalid(line, reason));
                }
                if frame.iter().flatten().flatten().any(|value| !value.is_finite()) {
                    let reason = format!("frame {number} has a position that is no number; use null");
                    return Err(self.invalid(line, reason));
                }
            }
            longest = longest.max((film.len(), line));
        }
        let joints = joints.ok_or_else(|| self.refused("it has no films"))?;
        let (longest, line) = (longest.0.next_multiple_of(2), longest.1);
        if count * 2 * joints * longest > MOST_NUMBERS {
            let reason = format!(
                "its {count} films of {joints} joints, filled up to the {longest} frames of the longest (line {}), have more \
                 than {MOST_NUMBERS} numbers; shorten the longest films or split the file",
                line + 1
            );
            return Err(self.refused(&reason));
        }
        Ok((joints, longest))
    }
}

/// The film of these frames; what was not found is at 0.
fn film(frames: &Frames, joints: usize) -> Film {
    let at = |axis: usize, joint: usize, frame: usize| frames[frame][joint].map_or(0.0, |position| position[axis]);
    let all = (0..2).flat_map(|axis| (0..joints).map(move |joint| (axis, joint)));
    let all = all.flat_map(|(axis, joint)| (0..frames.len()).map(move |frame| (axis, joint, frame)));
    let positions = all.map(|(axis, joint, frame)| at(axis, joint, frame)).collect();
    Film { positions, signs: vec![None; frames.len()] }
}

/// Names by number, in alphabetical order, from `first` on.
fn numbered<'a>(names: impl Iterator<Item = &'a String>, first: usize) -> BTreeMap<String, usize> {
    let names: BTreeSet<&String> = names.collect();
    names.into_iter().enumerate().map(|(number, name)| (name.clone(), first + number)).collect()
}

fn read_clips(file: &JsonLines) -> Result<Option<Clips>, StudyError> {
    if !file.path.exists() {
        return Ok(None);
    }
    let clips: Vec<(usize, ClipLine)> = file.read()?;
    let (joints, frames) = file.size(clips.iter().map(|(line, clip)| (*line, &clip.film)))?;
    let classes = numbered(clips.iter().map(|(_, clip)| &clip.class), 0);
    let mut parts = [Vec::new(), Vec::new()];
    for (line, clip) in &clips {
        let part = match clip.part {
            Part::Train => &mut parts[0],
            Part::Dev => &mut parts[1],
            Part::Test => return Err(file.invalid(*line, "clips have the parts train and dev alone")),
        };
        part.push((film(&clip.film, joints), classes[&clip.class] as u32));
    }
    let [training, dev] = parts;
    if classes.len() < 2 || training.len() < 2 || dev.is_empty() {
        return Err(file.refused("it needs two classes, two clips of the part train and one of the part dev"));
    }
    Ok(Some(Clips { joints, frames, classes: classes.len(), training, dev }))
}

fn read_sentences(file: &JsonLines, joints_of_clips: usize, weights: LossWeights) -> Result<[Corpus; 3], StudyError> {
    let all: Vec<(usize, SentenceLine)> = file.read()?;
    let (joints, frames) = file.size(all.iter().map(|(line, sentence)| (*line, &sentence.film)))?;
    if joints != joints_of_clips {
        let reason = format!(
            "its films have {joints} joints, those of the source task {joints_of_clips}; put clips of these joints into \
             clips.jsonl beside it"
        );
        return Err(file.refused(&reason));
    }
    let texts: Vec<Vec<String>> =
        all.iter().map(|(_, sentence)| sentence.text.split_whitespace().map(String::from).collect()).collect();
    let training = all.iter().zip(&texts).filter(|((_, sentence), _)| sentence.part == Part::Train);
    let marks = ["</s>", "<s>"].map(String::from);
    let mut words = numbered(training.flat_map(|(_, text)| text).filter(|word| !marks.contains(word)), marks.len());
    let vocabulary: Vec<String> = marks.into_iter().chain(words.keys().cloned()).collect();
    // Words that the training part lacks get numbers that no output has.
    let unknown: BTreeSet<&String> = texts.iter().flatten().filter(|word| !words.contains_key(*word)).collect();
    let unknown: Vec<String> = unknown.into_iter().cloned().collect();
    words.extend(unknown.into_iter().enumerate().map(|(k, word)| (word, vocabulary.len() + k)));
    let glosses = numbered(all.iter().flat_map(|(_, sentence)| &sentence.glosses), 0);
    let signers = numbered(all.iter().map(|(_, sentence)| &sentence.signer), 0);
    let longest = 1 + texts.iter().map(Vec::len).max().unwrap_or(0);
    let signs = all.iter().map(|(_, sentence)| sentence.glosses.len()).max().unwrap_or(0);
    check_labels(weights, &all, file)?;
    let gloss_names: Vec<String> = glosses.keys().cloned().collect();
    let lexicon = Lexicon { joints, frames, words: vocabulary, longest, glosses: glosses.len(), gloss_names, signs };
    for (part, name) in [(Part::Train, "train"), (Part::Dev, "dev"), (Part::Test, "test")] {
        let count = all.iter().filter(|(_, sentence)| sentence.part == part).count();
        if count < if part == Part::Train { 2 } else { 1 } {
            return Err(file.refused(&format!("it has too few sentences of the part {name}")));
        }
    }
    let row = |((_, sentence), text): (&(usize, SentenceLine), &Vec<String>)| Row {
        film: film(&sentence.film, joints),
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

/// Refuses sentences that lack what the terms of the loss compare with.
fn check_labels(weights: LossWeights, all: &[(usize, SentenceLine)], file: &JsonLines) -> Result<(), StudyError> {
    if weights.backbone > 0.0 || weights.encoder > 0.0 {
        let reason = "the glosses of single frames are unknown here: set weights.backbone and weights.encoder to 0";
        return Err(file.refused(reason));
    }
    for (line, sentence) in all {
        if sentence.text.split_whitespace().next().is_none() {
            return Err(file.invalid(*line, "the text is empty"));
        }
        let glosses = &sentence.glosses;
        if weights.glosses > 0.0 {
            if glosses.is_empty() {
                return Err(file.invalid(*line, "it has no glosses, which weights.glosses needs: set that to 0"));
            }
            // Between two equal glosses in a row there must be a frame of rest. The backbone halves frames.
            let needed = glosses.len() + glosses.windows(2).filter(|pair| pair[0] == pair[1]).count();
            if sentence.film.len() / 2 < needed {
                let reason = format!("{} frames are too few for {} glosses", sentence.film.len(), glosses.len());
                return Err(file.invalid(*line, reason));
            }
        }
    }
    Ok(())
}
