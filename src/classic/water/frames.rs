//! Frames of water from molecular dynamics.

use super::WaterModel;
use crate::classic::dynamics::{Dynamics, State, Thermostat};
use crate::data::structure::{Element, Labels, Structure};
use crate::math::Stream;
use crate::math::neighbors::{Cell, Vector};

/// Energy and forces of a model at positions (O, H, H in turn).
///
/// # Errors
/// As [`WaterModel::evaluate`].
pub fn labels(model: &WaterModel, positions: &[Vector], cell: Option<&Cell>) -> Result<Labels, String> {
    let (energy, forces) = model.evaluate(positions, cell)?;
    Ok(Labels { energy, forces })
}

fn elements(molecules: usize) -> Vec<Element> {
    // Oxygen and hydrogen are in the table.
    [8, 1, 1].repeat(molecules).into_iter().filter_map(Element::of_number).collect()
}

/// A molecule of water at a place, turned at random.
fn molecule(place: &Vector, stream: &mut Stream) -> [Vector; 3] {
    let mut axis = || -> Vector {
        let drawn: Vector = std::array::from_fn(|_| stream.normal());
        let length = drawn.iter().map(|x| x * x).sum::<f64>().sqrt().max(1e-9);
        drawn.map(|x| x / length)
    };
    let (a, b) = (axis(), axis());
    let along: f64 = a.iter().zip(&b).map(|(a, b)| a * b).sum();
    let across: Vector = std::array::from_fn(|k| b[k] - along * a[k]);
    let length = across.iter().map(|x| x * x).sum::<f64>().sqrt().max(1e-9);
    let at = |x: f64, y: f64| -> Vector { std::array::from_fn(|k| place[k] + x * a[k] + y * across[k] / length) };
    [*place, at(0.76, 0.59), at(-0.76, 0.59)]
}

/// So many frames of clusters of two or three molecules at 300 K: many short trajectories, because clusters evaporate. Frames
/// of one trajectory lie side by side, 10 fs apart.
///
/// # Errors
/// As [`WaterModel::evaluate`].
pub fn clusters(model: &WaterModel, molecules: usize, count: usize, seed: u64) -> Result<Vec<Structure>, String> {
    const FRAMES: usize = 20;
    let mut stream = Stream::named(seed, "clusters");
    let mut found = Vec::new();
    while found.len() < count {
        let places = (0..molecules).map(|k| [[0.0, 0.0, 0.0], [2.9, 0.3, 0.0], [1.3, 2.6, 0.2]][k % 3]);
        let positions: Vec<Vector> = places.flat_map(|place| molecule(&place, &mut stream)).collect();
        found.extend(moved(model, positions, None, (FRAMES.min(count - found.len()), 20, 100), &mut stream)?);
    }
    Ok(found)
}

/// So many frames of the liquid, 16 molecules in a periodic cell at 1 g/cm³ and 300 K, 10 fs apart.
///
/// # Errors
/// As [`WaterModel::evaluate`].
pub fn liquid(model: &WaterModel, count: usize, seed: u64) -> Result<Vec<Structure>, String> {
    const MOLECULES: usize = 16;
    let mut stream = Stream::named(seed, "liquid");
    // 18.0153 u a molecule; 1 g/cm³ is 0.602214 u/Å³.
    let side = (MOLECULES as f64 * 18.0153 / 0.602_214).cbrt();
    let cell = Cell::cube(side)?;
    // Half of the places of a body-centred lattice of 2³ cells.
    let place = |k: usize| -> Vector {
        let (corner, shift) = (k / 2, if k.is_multiple_of(2) { 0.0 } else { 0.5 });
        std::array::from_fn(|axis| (f64::from(u8::from(corner >> axis & 1 == 1)) + shift) * side / 2.0)
    };
    let positions: Vec<Vector> = (0..MOLECULES).flat_map(|k| molecule(&place(k), &mut stream)).collect();
    moved(model, positions, Some(cell), (count, 20, 2000), &mut stream)
}

/// Frames of Langevin dynamics with a water model: how many, steps between two, steps before the first.
fn moved(
    model: &WaterModel,
    positions: Vec<Vector>,
    cell: Option<Cell>,
    (count, every, before): (usize, usize, usize),
    stream: &mut Stream,
) -> Result<Vec<Structure>, String> {
    let elements = elements(positions.len() / 3);
    let dynamics = Dynamics {
        masses: elements.iter().map(|element| element.mass()).collect(),
        step: 0.5,
        thermostat: Some(Thermostat { kelvin: 300.0, friction: 0.05 }),
    };
    let mut evaluate = |positions: &[Vector]| model.evaluate(positions, cell.as_ref());
    let (energy, forces) = evaluate(&positions)?;
    let mut state = State { velocities: dynamics.thermal(300.0, stream), positions, energy, forces };
    let mut found = Vec::new();
    for step in 1..=before + count * every {
        dynamics.advance(&mut state, stream, &mut evaluate)?;
        if step > before && (step - before).is_multiple_of(every) {
            found.push(Structure {
                elements: elements.clone(),
                positions: state.positions.clone(),
                cell: cell.clone(),
                labels: Some(Labels { energy: state.energy, forces: state.forces.clone() }),
                low: None,
                group: String::new(),
            });
        }
    }
    found.iter_mut().for_each(|frame| frame.group = frame.formula());
    Ok(found)
}
