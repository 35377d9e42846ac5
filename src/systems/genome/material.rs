//! What networks learn from: a reference sequence with the columns of an alignment on it.

use std::path::Path;
use std::sync::Arc;

use crate::classic::ClassicError;
use crate::classic::phylogeny::{F81, MISSING, Site, Tree, distances, neighbour_joining};
use crate::data::DataError;
use crate::data::sequence::read_alignment;
use crate::math::words::pluralise;
use crate::math::{Stream, input};
use crate::study::StudyError;
use crate::systems::genome::spec::Spec;

/// What a site of a simulated genome is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Not in a motif.
    Background,
    /// In a motif, weakly conserved.
    Flank,
    /// In a motif, strongly conserved.
    Core,
}

/// The parameters that a column was drawn with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Truth {
    /// Frequencies and rate.
    pub site: Site,
    /// Where it lies.
    pub kind: Kind,
}

/// Sites that follow each other on the reference.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// The reference: A 0, C 1, G 2, T 3, unknown 4.
    pub bases: Vec<u8>,
    /// (sites, leaves), one column after the other, in the order of the leaves of the tree.
    pub columns: Vec<u8>,
    /// (sites), where it is known.
    pub truth: Vec<Truth>,
}

/// A source under a seed.
pub struct Material {
    /// The tree.
    pub tree: Tree,
    /// The tree, ready for columns.
    pub f81: Arc<F81>,
    /// The leaf that the network reads.
    pub reference: usize,
    /// Segments to learn from.
    pub training: Vec<Segment>,
    /// Segments for the curve and the choice of a model.
    pub validation: Vec<Segment>,
    /// Segments for the test.
    pub test: Vec<Segment>,
    /// What was left out.
    pub notices: Vec<String>,
}

/// A tree that cannot be used, as an error of a study.
pub(super) fn of_tree(error: ClassicError) -> StudyError {
    DataError::Malformed { place: "tree".into(), reason: error.to_string() }.into()
}

impl Material {
    /// The alignment of the settings, split by segments under a seed.
    ///
    /// # Errors
    /// A file that cannot be read, a genome without a leaf, or too few bases for three parts.
    pub fn of_alignment(spec: &Spec, path: &Path, seed: u64) -> Result<Self, StudyError> {
        let alignment = read_alignment(path, spec.reference.as_deref())?;
        let genomes = alignment.genomes.len();
        let mut notices = alignment.notices.clone();
        let mut segments: Vec<Segment> = Vec::new();
        for stretch in &alignment.stretches {
            for columns in stretch.columns.chunks(spec.segment * genomes) {
                let bases = columns.chunks(genomes).map(|column| column[0].min(MISSING)).collect();
                let columns = columns.iter().map(|base| (*base).min(MISSING)).collect();
                segments.push(Segment { bases, columns, truth: Vec::new() });
            }
        }
        let order = Stream::named(seed, "segments").permutation(segments.len());
        let (test, validation) = (segments.len().div_ceil(5), segments.len().div_ceil(10));
        if segments.len() < 3 {
            let reason = format!(
                "{} of {} bases; at least 3 are needed, one each to learn from, for validation and for the test: use a \
                 longer alignment or --set segment=N with a smaller N",
                pluralise(segments.len(), "segment"),
                spec.segment
            );
            return Err(DataError::Malformed { place: path.display().to_string(), reason }.into());
        }
        let part = |picked: &[usize]| {
            let mut picked = picked.to_vec();
            picked.sort_unstable();
            picked.into_iter().map(|k| segments[k].clone()).collect::<Vec<_>>()
        };
        let mut parts =
            [part(&order[test + validation..]), part(&order[test..test + validation]), part(&order[..test])];
        let names: Vec<&str> = alignment.genomes.iter().map(String::as_str).collect();
        let tree = match &spec.tree {
            Some(file) => {
                let tree = read_tree(file)?;
                let spare = tree.leaves().len().saturating_sub(names.len());
                if spare > 0 {
                    notices.push(format!("left out: {} of the tree that the alignment lacks", leaves(spare)));
                }
                let place =
                    |e: ClassicError| DataError::Malformed { place: file.display().to_string(), reason: e.to_string() };
                tree.restricted(&names).map_err(place)?
            }
            None => {
                let columns = parts[0].iter().flat_map(|segment| segment.columns.chunks(genomes));
                notices.push("the tree is joined from the training columns (neighbour joining)".into());
                neighbour_joining(&names, &distances(columns, genomes)).map_err(of_tree)?
            }
        };
        // From the order of the alignment into that of the leaves.
        let leaves = tree.leaves();
        let from: Vec<usize> = leaves.iter().filter_map(|leaf| names.iter().position(|name| name == leaf)).collect();
        for segment in parts.iter_mut().flatten() {
            let moved = |column: &[u8]| from.iter().map(|&k| column[k]).collect::<Vec<u8>>();
            segment.columns = segment.columns.chunks(genomes).flat_map(moved).collect();
        }
        let reference = from.iter().position(|&k| k == 0).unwrap_or(0);
        let [training, validation, test] = parts;
        Ok(Self { f81: F81::new(&tree).into(), reference, training, validation, test, tree, notices })
    }
}

fn leaves(count: usize) -> String {
    if count == 1 { "1 leaf".into() } else { format!("{count} leaves") }
}

fn read_tree(path: &Path) -> Result<Tree, StudyError> {
    let text =
        input::read_text(path, input::LARGEST_TEXT).map_err(|source| StudyError::File { path: path.into(), source })?;
    let place = |e: ClassicError| DataError::Malformed { place: path.display().to_string(), reason: e.to_string() };
    Ok(Tree::parse(&text).map_err(place)?)
}
