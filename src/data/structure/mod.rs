//! Atoms: what they are, where they are, and the energies and forces that a file states for them.
//!
//! * [`Structure`]: one frame. [`Element`]: a row of the periodic table.
//! * [`read_structures`]: extended XYZ as ASE writes it, or NumPy's .npz as MD17 is published.
//! * [`extended_xyz`]: frames as a text that ASE reads.
//! * [`MOLECULES`]: frames inside the program.

mod arrays;
mod elements;
mod extended_xyz;
mod molecules;

use std::path::Path;

pub use elements::Element;
pub use extended_xyz::extended_xyz;
pub use molecules::{MOLECULES, MoleculeRow};

use crate::data::DataError;
use crate::data::file::read_file;
use crate::math::EnergyUnit;
use crate::math::neighbors::{Cell, Vector, dot, plus};

/// Energy and forces of a frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Labels {
    /// Energy in eV.
    pub energy: f64,
    /// Force on each atom in eV/Å.
    pub forces: Vec<Vector>,
}

/// Two atoms are bound if they are nearer than so many times the sum of their covalent radii: beyond what heat stretches a bond
/// by, and less than the distance of atoms that share a neighbour.
const BOND: f64 = 1.3;

/// One frame: atoms in space.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Structure {
    /// What each atom is.
    pub elements: Vec<Element>,
    /// Where it is, in Å.
    pub positions: Vec<Vector>,
    /// The periodic cell, if space repeats itself.
    pub cell: Option<Cell>,
    /// Energy and forces.
    pub labels: Option<Labels>,
    /// The same at a lower level of theory, where the file has both.
    pub low: Option<Labels>,
    /// Name of the molecule that the file states, or its formula.
    pub group: String,
}

impl Structure {
    /// Number of atoms.
    pub fn len(&self) -> usize {
        self.elements.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    /// Pairs (i, j) of bound atoms, i < j: those nearer than 1.3 times the sum of their covalent radii. A frame in a cell is read
    /// as it stands, without its images; an element without a known radius is bound to nothing.
    pub fn bonds(&self) -> Vec<(usize, usize)> {
        let radius = |atom: usize| self.elements[atom].covalent_radius();
        let is_bound = |i: usize, j: usize| {
            let apart = plus(&self.positions[j], -1.0, &self.positions[i]);
            let reach = radius(i).zip(radius(j)).map_or(0.0, |(a, b)| BOND * (a + b));
            dot(&apart, &apart).sqrt() < reach
        };
        let pairs = (0..self.len()).flat_map(|i| (i + 1..self.len()).map(move |j| (i, j)));
        pairs.filter(|(i, j)| is_bound(*i, *j)).collect()
    }

    /// The formula in Hill's order: carbon, hydrogen, then by letter; without carbon all by letter.
    ///
    /// ```
    /// use qgraft::data::structure::{Element, Structure};
    /// let elements = ["H", "C", "H", "O"].iter().map(|symbol| Element::named(symbol).unwrap()).collect();
    /// assert_eq!(Structure { elements, ..Structure::default() }.formula(), "CH2O");
    /// ```
    pub fn formula(&self) -> String {
        let mut symbols: Vec<&str> = self.elements.iter().map(|element| element.symbol()).collect();
        let has_carbon = symbols.contains(&"C");
        symbols.sort_by_key(|symbol| match *symbol {
            "C" if has_carbon => (0, *symbol),
            "H" if has_carbon => (1, *symbol),
            other => (2, other),
        });
        let counted = symbols.chunk_by(|a, b| a == b).map(|same| match same.len() {
            1 => same[0].to_string(),
            count => format!("{}{count}", same[0]),
        });
        counted.collect()
    }
}

/// Reads the frames of a file: extended XYZ, or an .npz file with arrays `R` (frames, atoms, 3), `z` (atoms), and `E` (frames)
/// and `F` (frames, atoms, 3) if it has labels. Lengths are in Å, energies in `unit`, forces in `unit` per Å. The lower level
/// is `low_energy` and `low_forces`, or `low_E` and `low_F`.
///
/// # Errors
/// A file that cannot be read or is neither, an unknown element, a number that is not finite, frames of which some have
/// labels and some have not; the message names the frame, counted from 1.
pub fn read_structures(path: &Path, unit: EnergyUnit) -> Result<Vec<Structure>, DataError> {
    let bytes = read_file(path)?;
    parse_structures(&bytes, &path.display().to_string(), unit)
}

/// The same from the bytes of a file, which errors call `place`.
///
/// # Errors
/// As [`read_structures`].
pub fn parse_structures(bytes: &[u8], place: &str, unit: EnergyUnit) -> Result<Vec<Structure>, DataError> {
    let mut frames = if bytes.starts_with(b"PK") {
        arrays::parse(bytes, place)?
    } else {
        let no_text = |_| DataError::malformed(place, "a binary file; expected extended XYZ or .npz");
        extended_xyz::parse(std::str::from_utf8(bytes).map_err(no_text)?, place)?
    };
    if frames.is_empty() {
        return Err(DataError::malformed(place, "no frame"));
    }
    for (k, frame) in frames.iter_mut().enumerate() {
        check(frame, k + 1, place)?;
        for labels in [&mut frame.labels, &mut frame.low].into_iter().flatten() {
            labels.energy = unit.energy(labels.energy).0;
            labels.forces.iter_mut().for_each(|force| *force = unit.force(*force));
        }
        if frame.group.is_empty() {
            frame.group = frame.formula();
        }
    }
    for (what, has) in [("energy and forces", frames[0].labels.is_some()), ("low_energy", frames[0].low.is_some())] {
        let of = |frame: &Structure| if what == "low_energy" { frame.low.is_some() } else { frame.labels.is_some() };
        if let Some(k) = frames.iter().position(|frame| of(frame) != has) {
            let (with, without) = if has { (1, k + 1) } else { (k + 1, 1) };
            let reason = format!("frame {without} has no {what}, though frame {with} has; every frame needs them");
            return Err(DataError::malformed(place, reason));
        }
    }
    Ok(frames)
}

/// Refuses numbers that no learning survives.
fn check(frame: &Structure, number: usize, place: &str) -> Result<(), DataError> {
    let refuse = |reason: String| Err(DataError::malformed(place, format!("frame {number}: {reason}")));
    if frame.is_empty() {
        return refuse("no atom".into());
    }
    let bad = |vectors: &[Vector]| vectors.iter().position(|v| v.iter().any(|x| !x.is_finite()));
    if let Some(atom) = bad(&frame.positions) {
        return refuse(format!(
            "the position of atom {} is {:?}; expected finite numbers",
            atom + 1,
            frame.positions[atom]
        ));
    }
    for (level, labels) in [("", &frame.labels), ("low ", &frame.low)] {
        let Some(labels) = labels else { continue };
        if !labels.energy.is_finite() {
            return refuse(format!("the {level}energy is {}; expected a finite number", labels.energy));
        }
        if let Some(atom) = bad(&labels.forces) {
            let force = labels.forces[atom];
            return refuse(format!("the {level}force on atom {} is {force:?}; expected finite numbers", atom + 1));
        }
    }
    // Two atoms at one place have no force between them that a network could learn.
    for (a, here) in frame.positions.iter().enumerate().take(2000) {
        if let Some(b) = frame.positions[..a].iter().position(|other| other == here) {
            return refuse(format!("atoms {} and {} are at the same place {here:?}", b + 1, a + 1));
        }
    }
    Ok(())
}
