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
    /// Puts what is looked for into a sequence, where it is rare by chance. Half of the sequences then have it.
    plant: Option<fn(&mut Stream, &mut Sequence)>,
    /// The labels; `None` if they are not clear.
    labels: fn(&Sequence) -> Option<Labels>,
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
        plant: None,
        labels: |drawn| Some(by_halves(drawn, |own, other| other.contains(&own))),
    },
    TaskRow {
        name: "difference",
        doc: "tokens of one half that are not in the other",
        tokens: 7,
        group: "swapped_halves",
        plant: None,
        labels: |drawn| Some(by_halves(drawn, |own, other| !other.contains(&own))),
    },
    TaskRow {
        name: "pairs",
        doc: "tokens of one half that sum to 7 with one of the other",
        tokens: 7,
        group: "swapped_halves",
        plant: None,
        labels: |drawn| Some(by_halves(drawn, |own, other| other.iter().any(|token| token + own == 7))),
    },
    TaskRow {
        name: "cyclic_sum",
        doc: "the four neighbours on a ring with the largest sum",
        tokens: 7,
        group: "dihedral",
        plant: None,
        labels: |drawn| largest_window(drawn, |window| window.iter().sum()),
    },
    TaskRow {
        name: "cyclic_product",
        doc: "the four neighbours on a ring with the largest product",
        tokens: 7,
        group: "dihedral",
        plant: None,
        labels: |drawn| largest_window(drawn, |window| window.iter().product()),
    },
    TaskRow {
        name: "palindrome",
        doc: "stretches of four that read the same backwards",
        tokens: 10,
        group: "reversal",
        plant: Some(|stream, drawn| {
            let start = stream.below(POSITIONS - WINDOW + 1);
            (drawn[start + 2], drawn[start + 3]) = (drawn[start + 1], drawn[start]);
        }),
        labels: |drawn| Some(palindromes(drawn)),
    },
    TaskRow {
        name: "monotone",
        doc: "the longest stretch of at least four that rises or falls",
        tokens: 10,
        group: "reversal",
        plant: Some(|stream, drawn| {
            let start = stream.below(POSITIONS - WINDOW + 1);
            let run = &mut drawn[start..start + WINDOW];
            run.sort_unstable();
            if stream.below(2) == 1 {
                run.reverse();
            }
        }),
        labels: longest_run,
    },
];

impl TaskRow {
    /// The task of this name.
    ///
    /// # Errors
    /// If there is none, with the nearest one.
    pub fn named(name: &str) -> Result<&'static Self, StudyError> {
        let names = || TASKS.iter().map(|row| row.name).collect::<Vec<_>>();
        TASKS.iter().find(|row| row.name == name).ok_or_else(|| StudyError::unknown("task", name, names()))
    }

    /// The label of each position of a sequence of ten tokens; `None` if they are not clear, such as of two largest sums.
    pub fn labels(&self, sequence: &Sequence) -> Option<Labels> {
        (self.labels)(sequence)
    }

    /// So many sequences under a seed: tokens and labels, each (rows, positions).
    pub fn rows(&self, count: usize, seed: u64) -> (Array2<u32>, Array2<u32>) {
        let mut stream = Stream::named(seed, self.name);
        let (mut tokens, mut labels) = (Vec::new(), Vec::new());
        while tokens.len() < count * POSITIONS {
            let mut drawn: Sequence = std::array::from_fn(|_| stream.below(self.tokens));
            let plant = self.plant.filter(|_| stream.below(2) == 1);
            if let Some(plant) = plant {
                plant(&mut stream, &mut drawn);
            }
            let Some(own) = self.labels(&drawn) else { continue };
            // One that has by chance what is planted in others is drawn anew.
            if self.plant.is_none() || plant.is_some() == own.contains(&true) {
                tokens.extend(drawn.map(|token| token as u32));
                labels.extend(own.map(u32::from));
            }
        }
        let table = |values| Array2::from_shape_vec((count, POSITIONS), values).expect("rows of ten numbers each");
        (table(tokens), table(labels))
    }
}

fn by_halves(drawn: &Sequence, is_one: fn(usize, &[usize]) -> bool) -> Labels {
    let (first, second) = drawn.split_at(POSITIONS / 2);
    std::array::from_fn(|k| is_one(drawn[k], if k < POSITIONS / 2 { second } else { first }))
}

/// `None` if two windows are equally large.
fn largest_window(drawn: &Sequence, size: fn(&[usize; WINDOW]) -> usize) -> Option<Labels> {
    let window = |start: usize| size(&std::array::from_fn(|k| drawn[(start + k) % POSITIONS]));
    let sizes: Vec<usize> = (0..POSITIONS).map(window).collect();
    let best = sizes.iter().max()?;
    let mut starts = (0..POSITIONS).filter(|start| sizes[*start] == *best);
    let start = starts.next()?;
    let labels = std::array::from_fn(|k| (k + POSITIONS - start) % POSITIONS < WINDOW);
    starts.next().is_none().then_some(labels)
}

fn palindromes(drawn: &Sequence) -> Labels {
    let mut labels = [false; POSITIONS];
    for start in 0..=POSITIONS - WINDOW {
        if drawn[start] == drawn[start + 3] && drawn[start + 1] == drawn[start + 2] {
            labels[start..start + WINDOW].fill(true);
        }
    }
    labels
}

/// `None` if two of the stretches are the longest.
fn longest_run(drawn: &Sequence) -> Option<Labels> {
    let holds = |a: usize, b: usize, c: usize| (a < b && b < c) || (a > b && b > c);
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for start in 0..POSITIONS - 2 {
        let mut end = start + 2;
        while end < POSITIONS && holds(drawn[end - 2], drawn[end - 1], drawn[end]) {
            end += 1;
        }
        runs.push((end - start, start));
    }
    let mut labels = [false; POSITIONS];
    let Some(longest) = runs.iter().map(|(length, _)| *length).max().filter(|length| *length >= WINDOW) else {
        return Some(labels);
    };
    let mut starts = runs.iter().filter(|(length, _)| *length == longest);
    let (_, start) = starts.next()?;
    labels[*start..start + longest].fill(true);
    starts.next().is_none().then_some(labels)
}
