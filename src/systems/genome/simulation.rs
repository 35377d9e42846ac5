//! Genomes with a known truth: each site has frequencies and a rate that follow from the sequence around it.

use crate::classic::phylogeny::{Evolution, F81, Site, Tree, draw};
use crate::math::Stream;
use crate::study::StudyError;
use crate::systems::genome::material::{Kind, Material, Segment, Truth};
use crate::systems::genome::spec::Spec;

/// A simulated source.
pub struct SourceRow {
    /// Name on the command line.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// Copies of one leaf that differ from it by about one base in 500.
    pub copies: usize,
    /// Whether the positions of a motif are core only beside its partner.
    pub has_pairs: bool,
}

/// Every simulated source.
pub static SOURCES: &[SourceRow] = &[
    SourceRow {
        name: "simulated",
        doc: "motifs on a background of slowly varying composition",
        copies: 0,
        has_pairs: false,
    },
    SourceRow {
        name: "clade",
        doc: "the same with 20 almost equal copies of one leaf, which say little more than one",
        copies: 20,
        has_pairs: false,
    },
    SourceRow {
        name: "paired",
        doc: "motifs whose positions are core only beside the partner of their type",
        copies: 0,
        has_pairs: true,
    },
];

/// Types of motifs.
const MOTIFS: usize = 12;
/// Rate at background sites, in flanks and in cores.
const RATES: [f64; 3] = [1.33, 0.8, 0.3];
/// Frequency of the consensus base in flanks and in cores.
const CONSENSUS: [f64; 2] = [0.6, 0.9];
/// Share of the positions of a motif that are core.
const CORE: f64 = 0.75;
/// Bases between a motif and its partner, at most. The next motif is the partner with a chance of one half.
const REACH: usize = 20;
/// Mean, standard deviation and correlation length of the share of G and C.
const COMPOSITION: (f64, f64, f64) = (0.41, 0.07, 5000.0);

impl SourceRow {
    /// The source of this name.
    ///
    /// # Errors
    /// If there is none.
    pub fn named(name: &str) -> Result<&'static Self, StudyError> {
        let found = SOURCES.iter().find(|row| row.name == name);
        found.ok_or_else(|| StudyError::unknown("source", name, SOURCES.iter().map(|row| row.name)))
    }

    /// Its genomes under a seed. Sources of one seed share reference genome, motifs and the tree but for the copies.
    ///
    /// # Errors
    /// None in practice: the copied leaf exists.
    pub fn material(&self, spec: &Spec, seed: u64) -> Result<Material, StudyError> {
        let mut tree = Tree::random(spec.leaves, spec.depth, &mut Stream::named(seed, "tree"));
        let reference = tree.leaves()[0].to_string();
        if self.copies > 0 {
            let copied = tree.leaves()[spec.leaves - 1].to_string();
            tree = tree.with_copies(&copied, self.copies, 0.002).map_err(super::material::of_tree)?;
        }
        let place = tree.leaves().iter().position(|leaf| *leaf == reference).unwrap_or(0);
        let motifs = Motif::all(&mut Stream::named(seed, "motifs"));
        let evolution = Evolution::new(&tree, place);
        let chromosome = |name: &str, bases: usize| {
            let truth = truth(&motifs, bases, (spec.motif_share, self.has_pairs), &mut Stream::named(seed, name));
            let mut stream = Stream::named(seed, &format!("{name} bases"));
            let bases: Vec<u8> = truth.iter().map(|truth| draw(&truth.site.frequencies, &mut stream)).collect();
            let mut stream = Stream::named(seed, &format!("{name} columns"));
            let column = |(truth, base): (&Truth, &u8)| evolution.column(&truth.site, *base, spec.missing, &mut stream);
            let columns = truth.iter().zip(&bases).flat_map(column).collect();
            vec![Segment { bases, columns, truth }]
        };
        Ok(Material {
            f81: F81::new(&tree).into(),
            reference: place,
            training: chromosome("training", spec.training_bases),
            validation: chromosome("validation", spec.test_bases / 4),
            test: chromosome("test", spec.test_bases),
            tree,
            notices: Vec::new(),
        })
    }
}

/// A consensus, and which of its positions are core.
struct Motif(Vec<(u8, Kind)>);

impl Motif {
    fn all(stream: &mut Stream) -> Vec<Self> {
        let position = |stream: &mut Stream| {
            let base = stream.below(4) as u8;
            (base, if stream.uniform() < CORE { Kind::Core } else { Kind::Flank })
        };
        (0..MOTIFS).map(|_| Self((0..8 + stream.below(5)).map(|_| position(stream)).collect())).collect()
    }

    /// The same on the other strand.
    fn reversed(&self) -> Vec<(u8, Kind)> {
        self.0.iter().rev().map(|(base, kind)| (3 - base, *kind)).collect()
    }
}

/// A site of a motif.
fn in_motif(base: u8, kind: Kind) -> Truth {
    let step = if kind == Kind::Core { 1 } else { 0 };
    let mut frequencies = [(1.0 - CONSENSUS[step]) / 3.0; 4];
    frequencies[base as usize] = CONSENSUS[step];
    Truth { site: Site { frequencies, log_rate: RATES[step + 1].ln() }, kind }
}

/// A motif of a chromosome.
struct Placed {
    kind: usize,
    start: usize,
    positions: Vec<(u8, Kind)>,
}

/// Whether two motifs that follow each other are a pair: types 0 and 1, 2 and 3, … on either strand, near each other.
fn are_partners(one: &Placed, next: &Placed) -> bool {
    one.kind == next.kind ^ 1 && next.start - (one.start + one.positions.len()) <= REACH
}

/// The truth at each site of a chromosome. With pairs, every position of a motif without its partner is a flank.
fn truth(motifs: &[Motif], bases: usize, (share, has_pairs): (f64, bool), stream: &mut Stream) -> Vec<Truth> {
    let (mean, sd, length) = COMPOSITION;
    let mut strong = mean;
    let (mut found, mut placed) = (Vec::with_capacity(bases), Vec::new());
    // Gaps are geometric: a motif has 10 positions on average.
    let gap = 10.0 * (1.0 - share) / share;
    while found.len() < bases {
        let length_of_gap = (-(1.0 - stream.uniform()).ln() * gap).round() as usize;
        for _ in 0..length_of_gap {
            strong += (mean - strong) / length + sd * (2.0 / length).sqrt() * stream.normal();
            strong = strong.clamp(0.2, 0.7);
            let (weak, strong) = (0.5 * (1.0 - strong), 0.5 * strong);
            let site = Site { frequencies: [weak, strong, strong, weak], log_rate: RATES[0].ln() };
            found.push(Truth { site, kind: Kind::Background });
        }
        let last = placed.last().filter(|_| has_pairs && stream.uniform() < 0.5);
        let kind = last.map_or_else(|| stream.below(MOTIFS), |last: &Placed| last.kind ^ 1);
        let motif = &motifs[kind];
        let positions = if stream.uniform() < 0.5 { motif.0.clone() } else { motif.reversed() };
        let start = found.len();
        found.extend(positions.iter().map(|&(base, kind)| in_motif(base, kind)));
        placed.push(Placed { kind, start, positions });
    }
    if has_pairs {
        for (k, own) in placed.iter().enumerate() {
            let before = k.checked_sub(1).is_some_and(|k| are_partners(&placed[k], own));
            if !before && !placed.get(k + 1).is_some_and(|next| are_partners(own, next)) {
                for (site, (base, _)) in own.positions.iter().enumerate() {
                    found[own.start + site] = in_motif(*base, Kind::Flank);
                }
            }
        }
    }
    found.truncate(bases);
    found
}
