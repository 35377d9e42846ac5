//! A small sign language in topic-comment order, and its sentences in English.

use crate::math::Stream;
use crate::systems::hatl::signs::{LOCATIONS, MOVEMENTS, SHAPES, Sign};

/// Number of glosses: four times, six persons, eight verbs, eight things, four qualities, negation, question.
pub const GLOSSES: usize = 32;
/// Signs of the longest sentence.
pub const LONGEST: usize = 6;
/// Words of the longest text, its end among them.
pub const WORDS: usize = 10;
/// The word that ends a text and fills up what follows.
pub const END: u32 = 0;
/// The word before the first.
pub const BEGIN: u32 = 1;

static TIMES: [&str; 4] = ["yesterday", "today", "often", "tomorrow"];
static PERSONS: [&[&str]; 6] = [&["i"], &["you"], &["she"], &["the", "doctor"], &["the", "friend"], &["the", "child"]];
/// Infinitive, third person, past.
static VERBS: [[&str; 3]; 8] = [
    ["need", "needs", "needed"],
    ["see", "sees", "saw"],
    ["buy", "buys", "bought"],
    ["find", "finds", "found"],
    ["bring", "brings", "brought"],
    ["like", "likes", "liked"],
    ["want", "wants", "wanted"],
    ["sell", "sells", "sold"],
];
static THINGS: [&str; 8] = ["book", "water", "house", "ticket", "medicine", "car", "letter", "key"];
static QUALITIES: [&str; 4] = ["big", "new", "red", "good"];
static AUXILIARIES: [&str; 6] = ["do", "does", "did", "will", "not", "the"];

/// How a sentence ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// It states.
    Statement,
    /// It denies.
    Negation,
    /// It asks.
    Question,
}

/// The content of a sentence, each part by its position in the list of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// When.
    pub time: Option<usize>,
    /// Who.
    pub person: usize,
    /// Does what.
    pub verb: usize,
    /// With what.
    pub thing: usize,
    /// Of what quality.
    pub quality: Option<usize>,
    /// Statement, negation or question.
    pub mood: Mood,
}

impl Sentence {
    /// A sentence whose verb and thing occur together in training, or, if `novel`, one of the pairs (one in eight) that do
    /// not.
    pub fn draw(stream: &mut Stream, novel: bool) -> Self {
        let (verb, mut thing) = (stream.below(VERBS.len()), stream.below(THINGS.len()));
        while ((verb + 3 * thing) % 8 == 0) != novel {
            thing = stream.below(THINGS.len());
        }
        let time = (stream.uniform() < 0.7).then(|| stream.below(TIMES.len()));
        let quality = (stream.uniform() < 0.5).then(|| stream.below(QUALITIES.len()));
        let mood = [Mood::Statement, Mood::Statement, Mood::Negation, Mood::Question][stream.below(4)];
        Self { time, person: stream.below(PERSONS.len()), verb, thing, quality, mood }
    }

    /// Its glosses: time, thing, quality, person, verb, mood.
    pub fn glosses(&self) -> Vec<usize> {
        let mood = match self.mood {
            Mood::Statement => None,
            Mood::Negation => Some(30),
            Mood::Question => Some(31),
        };
        let quality = self.quality.map(|quality| 26 + quality);
        let parts = [self.time, Some(18 + self.thing), quality, Some(4 + self.person), Some(10 + self.verb), mood];
        parts.into_iter().flatten().collect()
    }

    /// Its words: "yesterday the doctor did not buy the red book".
    pub fn text(&self) -> Vec<&'static str> {
        let [infinitive, third, past] = VERBS[self.verb];
        let person = PERSONS[self.person];
        let is_third = self.person >= 2;
        let (auxiliary, verb) = match self.time {
            Some(0) => ("did", past),
            Some(3) => ("will", infinitive),
            _ if is_third => ("does", third),
            _ => ("do", infinitive),
        };
        let mut words: Vec<&str> = self.time.map(|time| TIMES[time]).into_iter().collect();
        match self.mood {
            Mood::Question => {
                words.push(auxiliary);
                words.extend(person);
                words.push(infinitive);
            }
            Mood::Negation => {
                words.extend(person);
                words.extend([auxiliary, "not", infinitive]);
            }
            Mood::Statement => {
                words.extend(person);
                words.extend((auxiliary == "will").then_some("will"));
                words.push(verb);
            }
        }
        words.push("the");
        words.extend(self.quality.map(|quality| QUALITIES[quality]));
        words.push(THINGS[self.thing]);
        words
    }
}

/// The names of the glosses by number, in capital letters.
pub fn gloss_names() -> Vec<String> {
    let persons = PERSONS.iter().filter_map(|person| person.last());
    let verbs = VERBS.iter().map(|[infinitive, ..]| infinitive);
    let all = TIMES.iter().chain(persons).chain(verbs).chain(&THINGS).chain(&QUALITIES).chain(&["not", "question"]);
    all.map(|name| name.to_uppercase()).collect()
}

/// The sign of a gloss. No two signs agree in more than two of shape, location, movement and hands.
pub fn sign(gloss: usize) -> Sign {
    let (column, row) = (gloss % SHAPES, gloss / SHAPES);
    Sign {
        shape: column,
        location: (column + 3 * row + gloss / 16) % LOCATIONS.len(),
        movement: (column + 2 * row) % MOVEMENTS.len(),
        both: (column / 2 + row) % 2 == 1,
    }
}

/// Sign `class` of another language, which shares no sign with this one.
pub fn foreign_sign(class: usize) -> Sign {
    let all = SHAPES * LOCATIONS.len() * MOVEMENTS.len() * 2;
    let of_index = |k: usize| Sign {
        shape: k % SHAPES,
        location: k / SHAPES % LOCATIONS.len(),
        movement: k / SHAPES / LOCATIONS.len() % MOVEMENTS.len(),
        both: k >= all / 2,
    };
    // 331 is coprime to their number, so this passes each once, and neighbours differ in everything.
    let others = (0..all).map(|k| of_index(331 * k % all)).filter(|other| (0..GLOSSES).all(|own| sign(own) != *other));
    others.cycle().nth(class).unwrap_or_else(|| of_index(class % all))
}

/// Every word of the texts by number; the marks of the end and of the beginning first.
pub fn vocabulary() -> Vec<&'static str> {
    let mut words = vec!["</s>", "<s>"];
    let persons = PERSONS.iter().filter_map(|person| person.last());
    let all = TIMES.iter().chain(persons).chain(VERBS.iter().flatten()).chain(&THINGS).chain(&QUALITIES);
    words.extend(all.chain(&AUXILIARIES));
    words
}

/// The numbers of `words`.
pub fn word_ids(words: &[&str]) -> Vec<u32> {
    let known = vocabulary();
    let number = |word: &&str| known.iter().position(|other| other == word).map_or(END, |index| index as u32);
    words.iter().map(number).collect()
}
