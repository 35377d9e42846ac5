//! Tasks on short sequences whose labels have a known symmetry (Goel et al. 2026, arXiv:2603.19486, and its code).

use ndarray::Array2;

use crate::math::Stream;
use crate::study::StudyError;

/// Positions of a sequence of [`TASKS`].
pub const POSITIONS: usize = 10;

/// Positions of what is looked for.
const WINDOW: usize = 4;

/// A task: sequences with one label of 0 or 1 for each position.
pub struct TaskRow {
    /// Name in settings.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// Number of tokens.
    pub tokens: usize,
    /// The group under which labels move with the positions.
    pub group: &'static str,
    /// A sequence with its labels; `None` if it has no clear labels and is drawn anew.
    draw: fn(&mut Stream) -> Option<(Sequence, Labels)>,
}

type Sequence = [usize; POSITIONS];
type Labels = [bool; POSITIONS];

/// Every task.
pub static TASKS: &[TaskRow] = &[
    TaskRow {
        name: "intersect",
        doc: "tokens of one half that are also in the other",
        tokens: 7,
        group: "swapped_halves",
        draw: |stream| Some(by_halves(stream, |own, other| other.contains(&own))),
    },
    TaskRow {
        name: "difference",
        doc: "tokens of one half that are not in the other",
        tokens: 7,
        group: "swapped_halves",
        draw: |stream| Some(by_halves(stream, |own, other| !other.contains(&own))),
    },
    TaskRow {
        name: "pairs",
        doc: "tokens of one half that sum to 7 with one of the other",
        tokens: 7,
        group: "swapped_halves",
        draw: |stream| Some(by_halves(stream, |own, other| other.iter().any(|token| token + own == 7))),
    },
    TaskRow {
        name: "cyclic_sum",
        doc: "the four neighbours on a ring with the largest sum",
        tokens: 7,
        group: "dihedral",
        draw: |stream| largest_window(stream, |window| window.iter().sum()),
    },
    TaskRow {
        name: "cyclic_product",
        doc: "the four neighbours on a ring with the largest product",
        tokens: 7,
        group: "dihedral",
        draw: |stream| largest_window(stream, |window| window.iter().product()),
    },
    TaskRow {
        name: "palindrome",
        doc: "stretches of four that read the same backwards",
        tokens: 10,
        group: "reversal",
        draw: palindrome,
    },
    TaskRow {
        name: "monotone",
        doc: "the longest stretch of at least four that rises or falls",
        tokens: 10,
        group: "reversal",
        draw: |stream| longest_run(stream, 10, |a, b, c| (a < b && b < c) || (a > b && b > c)),
    },
];

impl TaskRow {
    /// The task of this name.
    ///
    /// # Errors
    /// If there is none, with the nearest one.
    pub fn named(name: &str) -> Result<&'static Self, StudyError> {
        let names = || TASKS.iter().map(|row| row.name);
        TASKS
            .iter()
            .find(|row| row.name == name)
            .ok_or_else(|| StudyError::unknown("task", name, names().collect::<Vec<_>>()))
    }

    /// So many sequences under a seed: tokens and labels, each (rows, positions).
    pub fn rows(&self, count: usize, seed: u64) -> (Array2<u32>, Array2<u32>) {
        let mut stream = Stream::named(seed, self.name);
        let (mut tokens, mut labels) = (Vec::new(), Vec::new());
        while tokens.len() < count * POSITIONS {
            if let Some((sequence, own)) = (self.draw)(&mut stream) {
                tokens.extend(sequence.map(|token| token as u32));
                labels.extend(own.map(u32::from));
            }
        }
        let table = |values| Array2::from_shape_vec((count, POSITIONS), values).expect("rows of ten numbers each");
        (table(tokens), table(labels))
    }
}

fn sequence(stream: &mut Stream, tokens: usize) -> Sequence {
    std::array::from_fn(|_| stream.below(tokens))
}

fn by_halves(stream: &mut Stream, is_one: fn(usize, &[usize]) -> bool) -> (Sequence, Labels) {
    let drawn = sequence(stream, 7);
    let (first, second) = drawn.split_at(POSITIONS / 2);
    let label = |k: usize| is_one(drawn[k], if k < POSITIONS / 2 { second } else { first });
    (drawn, std::array::from_fn(label))
}

/// `None` if two windows are equally large.
fn largest_window(stream: &mut Stream, size: fn(&[usize; WINDOW]) -> usize) -> Option<(Sequence, Labels)> {
    let drawn = sequence(stream, 7);
    let window = |start: usize| size(&std::array::from_fn(|k| drawn[(start + k) % POSITIONS]));
    let sizes: Vec<usize> = (0..POSITIONS).map(window).collect();
    let best = sizes.iter().max()?;
    let mut starts = (0..POSITIONS).filter(|start| sizes[*start] == *best);
    let start = starts.next()?;
    if starts.next().is_some() {
        return None;
    }
    Some((drawn, std::array::from_fn(|k| (k + POSITIONS - start) % POSITIONS < WINDOW)))
}

/// Half of the sequences get a palindrome; one without that has one by chance is drawn anew.
fn palindrome(stream: &mut Stream) -> Option<(Sequence, Labels)> {
    let mut drawn = sequence(stream, 10);
    let is_planted = stream.below(2) == 1;
    if is_planted {
        let start = stream.below(POSITIONS - WINDOW + 1);
        (drawn[start + 2], drawn[start + 3]) = (drawn[start + 1], drawn[start]);
    }
    let is_palindrome = |start: usize| drawn[start] == drawn[start + 3] && drawn[start + 1] == drawn[start + 2];
    let mut labels = [false; POSITIONS];
    for start in (0..=POSITIONS - WINDOW).filter(|start| is_palindrome(*start)) {
        labels[start..start + WINDOW].fill(true);
    }
    (is_planted || !labels.contains(&true)).then_some((drawn, labels))
}

/// The only longest stretch of at least four in which all three neighbours are in order; half of the sequences have one.
fn longest_run(
    stream: &mut Stream,
    tokens: usize,
    holds: fn(usize, usize, usize) -> bool,
) -> Option<(Sequence, Labels)> {
    let mut drawn = sequence(stream, tokens);
    let is_planted = stream.below(2) == 1;
    if is_planted {
        let start = stream.below(POSITIONS - WINDOW + 1);
        let run = &mut drawn[start..start + WINDOW];
        run.sort_unstable();
        if stream.below(2) == 1 {
            run.reverse();
        }
    }
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for start in 0..POSITIONS - 2 {
        let mut end = start + 2;
        while end < POSITIONS && holds(drawn[end - 2], drawn[end - 1], drawn[end]) {
            end += 1;
        }
        runs.push((end - start, start));
    }
    let longest = runs.iter().map(|(length, _)| *length).max().filter(|length| *length >= WINDOW);
    let mut labels = [false; POSITIONS];
    if let Some(longest) = longest {
        let mut starts = runs.iter().filter(|(length, _)| *length == longest);
        let (_, start) = starts.next()?;
        if starts.next().is_some() {
            return None;
        }
        labels[*start..start + longest].fill(true);
    }
    (is_planted == longest.is_some()).then_some((drawn, labels))
}
