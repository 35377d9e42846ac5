//! Frames of one molecule as NumPy arrays, as MD17 and sGDML publish them.

use crate::data::DataError;
use crate::data::array_file::{Array, ArrayFile};
use crate::data::structure::{Element, Labels, Structure};
use crate::math::neighbors::Vector;

/// Names of an array, the first as we write it.
const NUMBERS: &[&str] = &["z", "nuclear_charges", "numbers", "atomic_numbers", "Z"];
const POSITIONS: &[&str] = &["R", "coords", "positions", "pos"];
const ENERGIES: &[&str] = &["E", "energies", "energy"];
const FORCES: &[&str] = &["F", "forces"];

pub(super) fn parse(bytes: &[u8], place: &str) -> Result<Vec<Structure>, DataError> {
    let file = ArrayFile::npz(bytes, place.to_string())?;
    let find = |names: &[&str]| names.iter().find_map(|name| file.arrays.iter().find(|array| array.name == *name));
    let needed = |names: &[&str]| find(names).ok_or_else(|| file.missing(names[0]));
    let (numbers, positions) = (needed(NUMBERS)?, needed(POSITIONS)?);
    let [frames, atoms, 3] = positions.shape[..] else {
        let reason = format!("`{}` has the shape {:?}; expected (frames, atoms, 3)", positions.name, positions.shape);
        return Err(DataError::malformed(place, reason));
    };
    let elements = doubles(numbers, &[&[atoms], &[1, atoms]], place)?;
    let element = |(atom, &number): (usize, &f64)| {
        let whole = (number.fract() == 0.0 && (0.0..256.0).contains(&number)).then_some(number as u8);
        whole.and_then(Element::of_number).ok_or_else(|| {
            let reason = format!("`{}`: atom {} is {number}, which is no atomic number", numbers.name, atom + 1);
            DataError::malformed(place, reason)
        })
    };
    let elements: Vec<Element> = elements.iter().enumerate().map(element).collect::<Result<_, _>>()?;
    let vectors = |array: &Array| -> Result<Vec<Vec<Vector>>, DataError> {
        let values = doubles(array, &[&[frames, atoms, 3]], place)?;
        let of_frame = |frame: &[f64]| frame.as_chunks::<3>().0.to_vec();
        Ok(values.chunks((3 * atoms).max(1)).map(of_frame).collect())
    };
    let labels = |energies: &[&str], forces: &[&str]| -> Result<Option<Vec<Labels>>, DataError> {
        let (energies, forces) = match (find(energies), find(forces)) {
            (None, None) => return Ok(None),
            (Some(_), None) => return Err(file.missing(forces[0])),
            (None, Some(_)) => return Err(file.missing(energies[0])),
            (Some(energies), Some(forces)) => (energies, forces),
        };
        let energies = doubles(energies, &[&[frames], &[frames, 1]], place)?;
        let found = energies.into_iter().zip(vectors(forces)?).map(|(energy, forces)| Labels { energy, forces });
        Ok(Some(found.collect()))
    };
    let (own, low) = (labels(ENERGIES, FORCES)?, labels(&["low_E"], &["low_F"])?);
    let frame = |(k, positions): (usize, Vec<Vector>)| Structure {
        elements: elements.clone(),
        positions,
        labels: own.as_ref().map(|all| all[k].clone()),
        low: low.as_ref().map(|all| all[k].clone()),
        ..Structure::default()
    };
    Ok(vectors(positions)?.into_iter().enumerate().map(frame).collect())
}

fn doubles(array: &Array, shapes: &[&[usize]], place: &str) -> Result<Vec<f64>, DataError> {
    if !shapes.contains(&&array.shape[..]) {
        let reason = format!("`{}` has the shape {:?}; expected {:?}", array.name, array.shape, shapes[0]);
        return Err(DataError::malformed(place, reason));
    }
    array.doubles().ok_or_else(|| DataError::malformed(place, format!("`{}` is text; expected numbers", array.name)))
}
