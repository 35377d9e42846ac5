//! What a pulled-back sum did, and the way back.

use ndarray::Array2;

use super::map::Action;
use super::plan::{Plan, Step};
use super::sum::Key;

/// No place: a string that was not there, or is not any more.
pub const NONE: u32 = u32::MAX;

/// What one step that makes sums did, component by component: a number for each member of each component.
#[derive(Default)]
pub struct Mixed {
    /// Which components, in the order they came.
    pub components: Vec<u16>,
    /// Where each member was before.
    pub places_in: Vec<u32>,
    /// Where it is after.
    pub places_out: Vec<u32>,
    /// Its coefficient before.
    pub old: Vec<f64>,
    /// Strings before the step, silent ones included.
    pub length: usize,
}

impl Mixed {
    pub fn bytes(&self) -> usize {
        2 * self.components.len() + 16 * self.old.len()
    }
}

/// One thing that happened.
pub enum Event {
    /// The level of this number, strings to strings.
    Level(usize),
    /// The step at this position, with sums.
    Mix(usize, Mixed),
    /// Strings at these places were dropped to hold the budget.
    Drop(Vec<u32>),
}

/// Goes back over `events`, from the start of the program to its end. `adjoint` holds the derivative by each coefficient of
/// the pulled-back sum, whose strings are `keys`. Calls `add` with each slot of a step and the derivative by its angle.
pub fn reverse<const N: usize>(
    plan: &Plan,
    events: &[Event],
    angles: &[f64],
    mut keys: Vec<Key<N>>,
    mut adjoint: Vec<f64>,
    mut add: impl FnMut(usize, f64),
) {
    let mut after = Vec::new();
    for event in events.iter().rev() {
        match event {
            Event::Drop(places) => places.iter().for_each(|&place| adjoint[place as usize] = 0.0),
            Event::Level(number) => {
                let level = &plan.levels[*number];
                for (key, adjoint) in keys.iter_mut().zip(&mut adjoint) {
                    *adjoint *= level.apply(&plan.steps, key, |map, string| {
                        let from = map.from[string];
                        (from, map.to[usize::from(from)].1)
                    });
                }
            }
            Event::Mix(step, mixed) => {
                let Step { map, action: Action::Mix(mixing) } = &plan.steps[*step] else { continue };
                let transfer = map.bind(angles);
                let mut by_entry = Array2::zeros(transfer.raw_dim());
                let has_slots = map.slots().next().is_some();
                let mut cursor = 0;
                for &component in &mixed.components {
                    let members = &mixing.components[usize::from(component)];
                    let part = cursor..cursor + members.len();
                    let places_out = &mixed.places_out[part.clone()];
                    after.clear();
                    after.extend(places_out.iter().map(|&place| match place {
                        NONE => 0.0,
                        place => adjoint[place as usize],
                    }));
                    let (places_in, old) = (&mixed.places_in[part.clone()], &mixed.old[part]);
                    for ((&q, &place), &coefficient) in members.iter().zip(places_in).zip(old) {
                        let row = members.iter().zip(&after).map(|(&p, by)| (usize::from(p), by));
                        if place != NONE {
                            let q = usize::from(q);
                            adjoint[place as usize] = row.clone().map(|(p, by)| transfer[[q, p]] * by).sum();
                        }
                        if has_slots && coefficient != 0.0 {
                            row.for_each(|(p, by)| by_entry[[usize::from(q), p]] += coefficient * by);
                        }
                    }
                    cursor += members.len();
                }
                adjoint.truncate(mixed.length);
                keys.truncate(mixed.length);
                if has_slots {
                    map.gradient(angles, &by_entry, &mut add);
                }
            }
        }
    }
}
