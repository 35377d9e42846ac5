//! Tasks on the atoms of molecules: their positions are atoms, their group is that of the molecular graph.
//!
//! The frames are those that `qgraft run potential` learns from. Ethanol and three molecules of water both have nine atoms, so
//! tasks of different symmetry share a network and its batches.

use ndarray::Array2;

use crate::classic::water::{self, WaterModel};
use crate::data::structure::{Labels, MoleculeRow, Structure};
use crate::math::neighbors::{Vector, dot, plus};
use crate::math::permutation::automorphisms;
use crate::study::StudyError;
use crate::systems::equivariance::groups::Group;
use crate::systems::equivariance::sequences::{Form, Sequences};

/// Frames of a task at most: as many as the file of GFN2-xTB has.
const FRAMES: usize = 1000;

/// Levels of each distance that a token states.
const LEVELS: usize = 4;

/// Force in eV/Å that is asked about, of each atom.
type Forces = fn(&Structure) -> Option<Vec<Vector>>;

/// A task: frames of one molecule with one label of 0 or 1 for each atom.
///
/// A token states two distances of an atom, each as the quarter of its distribution it lies in: the mean distance to the atoms
/// that it is bound to, and to all atoms. The label is 1 if the force on the atom is above its median. Distribution and
/// median are those of the atoms of the same orbit over all frames, so neither token nor label tells which atom it is.
pub struct AtomTask {
    /// Name in settings.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// At least so many frames, or all there are.
    frames: fn(usize) -> Result<Vec<Structure>, StudyError>,
    forces: Forces,
}

/// Every task on atoms.
pub static ATOM_TASKS: &[AtomTask] = &[
    AtomTask {
        name: "ethanol_forces",
        doc: "atoms of ethanol on which the force (GFN2-xTB) is above the median of their orbit",
        frames: |_| bundled("ethanol_gfn2"),
        forces: |frame| of_labels(frame.labels.as_ref()),
    },
    AtomTask {
        name: "ethanol_corrections",
        doc: "atoms of ethanol whose force MMFF94 misses by more than the median of their orbit",
        frames: |_| bundled("ethanol_gfn2"),
        forces: |frame| {
            let (own, low) = (frame.labels.as_ref()?, frame.low.as_ref()?);
            Some(own.forces.iter().zip(&low.forces).map(|(own, low)| plus(own, -1.0, low)).collect())
        },
    },
    AtomTask {
        name: "water_forces",
        doc: "atoms of three molecules of water on which the force (SPC/Fw) is above the median of their orbit",
        frames: |count| {
            let refuse = |reason: String| StudyError::Settings { reason };
            let model = WaterModel::named("spc_fw").ok_or_else(|| refuse("no water model spc_fw".into()))?;
            water::clusters(model, 3, count.min(FRAMES), 1).map_err(refuse)
        },
        forces: |frame| of_labels(frame.labels.as_ref()),
    },
];

fn bundled(name: &str) -> Result<Vec<Structure>, StudyError> {
    let row = MoleculeRow::named(name);
    let row = row.ok_or_else(|| StudyError::Settings { reason: format!("no frames {name} inside the program") })?;
    Ok(row.frames()?)
}

fn of_labels(labels: Option<&Labels>) -> Option<Vec<Vector>> {
    labels.map(|labels| labels.forces.clone())
}

fn length(a: &Vector) -> f64 {
    dot(a, a).sqrt()
}

impl AtomTask {
    /// The task of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ATOM_TASKS.iter().find(|row| row.name == name)
    }

    /// At most so many frames, spread over the trajectory and in the order of time, and the automorphism group of the
    /// molecular graph: permutations of the atoms that keep elements and bonds.
    ///
    /// # Errors
    /// If frames cannot be read.
    pub fn rows(&self, count: usize) -> Result<(Sequences, Group), StudyError> {
        let all = (self.frames)(count)?;
        let count = count.min(all.len());
        let frames: Vec<&Structure> = (0..count).map(|k| &all[k * all.len() / count]).collect();
        let refuse = |reason: &str| StudyError::Settings { reason: format!("{}: {reason}", self.name) };
        let first = *frames.first().ok_or_else(|| refuse("no frame"))?;
        let (atoms, bonds) = (first.len(), first.bonds());
        let elements: Vec<usize> = first.elements.iter().map(|element| usize::from(element.number())).collect();
        let group = Group::of("atoms", atoms, automorphisms(&elements, &bonds));
        let orbit = |atom: usize| group.orbits.color(atom, atom);

        let mut bound = Array2::zeros((count, atoms));
        let (mut overall, mut force) = (bound.clone(), bound.clone());
        for (row, frame) in frames.iter().enumerate() {
            let forces = (self.forces)(frame).ok_or_else(|| refuse("a frame has no forces"))?;
            for atom in 0..atoms {
                let apart = |other: usize| length(&plus(&frame.positions[other], -1.0, &frame.positions[atom]));
                let mean = |others: &[usize]| {
                    others.iter().map(|&other| apart(other)).sum::<f64>() / others.len().max(1) as f64
                };
                let partner = |&(i, j): &(usize, usize)| match atom {
                    a if a == i => Some(j),
                    a if a == j => Some(i),
                    _ => None,
                };
                bound[[row, atom]] = mean(&bonds.iter().filter_map(partner).collect::<Vec<_>>());
                overall[[row, atom]] = mean(&(0..atoms).filter(|&other| other != atom).collect::<Vec<_>>());
                force[[row, atom]] = length(&forces[atom]);
            }
        }
        let (near, far) = (levels(&bound, LEVELS, orbit), levels(&overall, LEVELS, orbit));
        let tokens = near * LEVELS as u32 + far;
        let word = |token: usize| format!("{}{}", token / LEVELS + 1, token % LEVELS + 1);
        let form = Form {
            positions: atoms,
            tokens: (0..LEVELS * LEVELS).map(word).collect(),
            classes: vec!["0".into(), "1".into()],
            is_whole: false,
        };
        Ok((Sequences { form, tokens, labels: levels(&force, 2, orbit) }, group))
    }
}

/// Which of `count` equally frequent levels each value lies in, counted from 0, among the values of its orbit.
fn levels(values: &Array2<f64>, count: usize, orbit: impl Fn(usize) -> usize) -> Array2<u32> {
    let mut found = Array2::zeros(values.dim());
    let mut orbits: Vec<usize> = (0..values.ncols()).map(&orbit).collect();
    orbits.sort_unstable();
    orbits.dedup();
    for own in orbits {
        let columns: Vec<usize> = (0..values.ncols()).filter(|&column| orbit(column) == own).collect();
        let mut sorted: Vec<f64> = columns.iter().flat_map(|&column| values.column(column).to_vec()).collect();
        sorted.sort_by(f64::total_cmp);
        let edges: Vec<f64> = (1..count).map(|k| sorted[k * sorted.len() / count]).collect();
        for &column in &columns {
            for row in 0..values.nrows() {
                let above = edges.iter().filter(|edge| values[[row, column]] >= **edge).count();
                found[[row, column]] = above as u32;
            }
        }
    }
    found
}
