//! Groups of permutations of positions, by name or from a file of generators.

use std::path::Path;

use crate::data::read_text;
use crate::math::permutation::log_order;
use crate::math::{PairOrbits, Permutation};
use crate::study::StudyError;

/// A family of groups.
pub struct GroupRow {
    /// Name in settings.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// What the number of positions must be.
    pub needs: Needs,
    /// Images of 0, 1, … under each generator, for a number of positions.
    generators: fn(usize) -> Vec<Vec<usize>>,
}

/// What a number of positions must be for a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Anything.
    Any,
    /// Even.
    Even,
    /// A square: positions are the pixels of a square picture, row by row.
    Square,
}

impl Needs {
    fn refuse(self, positions: usize) -> Option<&'static str> {
        match self {
            Self::Even if !positions.is_multiple_of(2) => Some("even"),
            Self::Square if positions.isqrt().pow(2) != positions => Some("a square number"),
            _ => None,
        }
    }
}

/// Every family.
pub static GROUPS: &[GroupRow] = &[
    GroupRow {
        name: "trivial",
        doc: "no symmetry: every pair of positions is its own",
        needs: Needs::Any,
        generators: |_| vec![],
    },
    GroupRow { name: "reversal", doc: "reading backwards", needs: Needs::Any, generators: |n| vec![reversed(n)] },
    GroupRow { name: "cyclic", doc: "rotations of a ring", needs: Needs::Any, generators: |n| vec![rotated(n)] },
    GroupRow {
        name: "dihedral",
        doc: "rotations and reflections of a ring",
        needs: Needs::Any,
        generators: |n| vec![rotated(n), reversed(n)],
    },
    GroupRow {
        name: "halves",
        doc: "any order within each half",
        needs: Needs::Even,
        generators: |n| [symmetric(n, 0..n / 2), symmetric(n, n / 2..n)].concat(),
    },
    GroupRow {
        name: "swapped_halves",
        doc: "any order within each half, and the halves exchanged",
        needs: Needs::Even,
        generators: |n| {
            let swap = (0..n).map(|k| (k + n / 2) % n).collect();
            [symmetric(n, 0..n / 2), symmetric(n, n / 2..n), vec![swap]].concat()
        },
    },
    GroupRow {
        name: "mirror",
        doc: "a square picture and its mirror image, left and right exchanged",
        needs: Needs::Square,
        generators: |n| vec![on_picture(n, |row, column, edge| (row, edge - 1 - column))],
    },
    GroupRow {
        name: "square",
        doc: "a square picture turned by quarters and mirrored",
        needs: Needs::Square,
        generators: |n| {
            let turn = on_picture(n, |row, column, edge| (column, edge - 1 - row));
            vec![turn, on_picture(n, |row, column, edge| (row, edge - 1 - column))]
        },
    },
    GroupRow {
        name: "alternating",
        doc: "even permutations; pairs cannot tell them from all",
        needs: Needs::Any,
        generators: |n| (2..n).map(|k| cycle(n, &[0, 1, k])).collect(),
    },
    GroupRow { name: "symmetric", doc: "any order", needs: Needs::Any, generators: |n| symmetric(n, 0..n) },
];

fn reversed(n: usize) -> Vec<usize> {
    (0..n).rev().collect()
}

fn rotated(n: usize) -> Vec<usize> {
    (0..n).map(|k| (k + 1) % n).collect()
}

/// Where each pixel of a square picture goes: row and column to row and column.
fn on_picture(n: usize, to: fn(usize, usize, usize) -> (usize, usize)) -> Vec<usize> {
    let edge = n.isqrt();
    let image = |(row, column): (usize, usize)| row * edge + column;
    (0..n).map(|pixel| image(to(pixel / edge, pixel % edge, edge))).collect()
}

/// Each point of a cycle goes to the next.
fn cycle(n: usize, points: &[usize]) -> Vec<usize> {
    let mut images: Vec<usize> = (0..n).collect();
    (0..points.len()).for_each(|k| images[points[k]] = points[(k + 1) % points.len()]);
    images
}

/// All permutations of a range: a transposition and a cycle.
fn symmetric(n: usize, range: std::ops::Range<usize>) -> Vec<Vec<usize>> {
    let points: Vec<usize> = range.collect();
    match points.len() {
        0 | 1 => vec![],
        2 => vec![cycle(n, &points)],
        _ => vec![cycle(n, &points[..2]), cycle(n, &points)],
    }
}

/// A group of permutations of positions.
#[derive(Clone, Debug)]
pub struct Group {
    /// Its name, or that of its file.
    pub name: String,
    /// What generates it.
    pub generators: Vec<Permutation>,
    /// Its orbits of pairs.
    pub orbits: PairOrbits,
}

impl Group {
    /// The group of a row of [`GROUPS`] on so many positions, or that of a file with one generator a line: images of 0, 1,
    /// …, or cycles.
    ///
    /// # Errors
    /// An unknown name that is no file either, a number of positions that the family does not have, or a line that is no
    /// permutation, by number; a file of which no line moves a position.
    pub fn named(name: &str, positions: usize) -> Result<Self, StudyError> {
        let refuse = |reason: String| StudyError::Settings { reason: format!("group {name}: {reason}") };
        if let Some(row) = GROUPS.iter().find(|row| row.name == name) {
            if let Some(needed) = row.needs.refuse(positions) {
                return Err(refuse(format!("{positions} positions; the number must be {needed}")));
            }
            let generators = (row.generators)(positions).into_iter().map(Permutation::new);
            return Ok(Self::of(name, positions, generators.collect::<Result<_, _>>().map_err(refuse)?));
        }
        let path = Path::new(name);
        if !path.is_file() {
            return Err(StudyError::unknown("group or file of generators", name, GROUPS.iter().map(|row| row.name)));
        }
        let text = read_text(path)?;
        let mut generators = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if !line.is_empty() {
                let parsed = Permutation::parse(line, positions);
                generators.push(parsed.map_err(|e| refuse(format!("line {}: {e}", number + 1)))?);
            }
        }
        let what = match generators.iter().all(Permutation::is_identity) {
            _ if generators.is_empty() => "no generator",
            true => "no generator moves a position",
            false => return Ok(Self::of(name, positions, generators)),
        };
        Err(refuse(format!("{what}; use --group trivial for none")))
    }

    /// The group that permutations of so many positions generate.
    pub(super) fn of(name: &str, positions: usize, generators: Vec<Permutation>) -> Self {
        let orbits = PairOrbits::new(positions, &generators);
        Self { name: name.into(), generators, orbits }
    }

    /// Why the network has more symmetry than was asked for, if it has: pairs of positions tell a group only up to its
    /// 2-closure. Found where the closure is the whole symmetric group.
    pub fn notice(&self) -> Option<String> {
        let positions = self.orbits.points;
        let all: f64 = (1..=positions).map(|k| (k as f64).ln()).sum();
        let is_smaller = || log_order(positions, &self.generators) < all - 1e-9;
        (positions > 2 && self.orbits.count == 2 && is_smaller()).then(|| {
            let name = &self.name;
            format!("group {name}: its pairs have the orbits of all permutations, so the network ignores every order")
        })
    }

    /// A permutation that is no symmetry of the network, if there is one: a transposition or, if the network has all of
    /// these, none.
    pub fn outside(&self) -> Option<Permutation> {
        let positions = self.orbits.points;
        let pairs = (0..positions).flat_map(|i| (i + 1..positions).map(move |j| (i, j)));
        let transpositions =
            pairs.map(|(i, j)| cycle(positions, &[i, j])).filter_map(|images| Permutation::new(images).ok());
        transpositions.into_iter().find(|permutation| !self.orbits.is_kept_by(permutation))
    }
}
