//! What the engine takes: the bonds of a chain before it is there.

use std::collections::BTreeMap;

use super::places::{Places, gather, splitting};
use super::steps::MOST_OPERANDS;
use crate::circuit::{Op, OpKind, Param};
use crate::math::Matrix;
use crate::math::singular::singular_values;
use crate::noise::{Channel, Step, generic_points};
use crate::sim::cost::{Call, Cost, Request, Workload};
use crate::sim::readout::ProgramParts;

/// Time of an entry of a list of outcomes, seconds: measured on 20 and 22 qubits.
const ENTRY: f64 = 2e-7;
/// Time of a multiplication in splitting a matrix, and of a step however small it is, seconds.
const SPLIT: f64 = 3e-9;
const STEP: f64 = 2e-5;
/// Time of a multiplication in a product of matrices, seconds.
const PRODUCT: f64 = 1e-9;
/// Bytes of an amplitude.
const NUMBER: f64 = 16.0;
/// Ranks of gates are looked at in wider registers than this.
const LOOKED_AT: usize = 12;
/// Probabilities of all outcomes are made of at most so many qubits.
pub const MOST_LISTED: usize = 24;

/// The steps of a program on several qubits, and how many there are on one.
#[derive(Clone, Debug)]
pub struct ChainOutline {
    qubits: usize,
    wide: Vec<WideStep>,
    single: usize,
    /// Draws that need the state of their qubits.
    draws: usize,
    /// Whether states depend on draws.
    is_random: bool,
}

/// A step on several qubits.
#[derive(Clone, Debug)]
struct WideStep {
    /// Qubits that only switch it on, wherever they are.
    controls: Vec<usize>,
    /// Qubits that are brought side by side.
    operands: Vec<usize>,
    /// The factor by which a bond between these grows at most.
    by: usize,
}

impl WideStep {
    fn new(operands: Vec<usize>, by: usize) -> Self {
        Self { controls: Vec::new(), operands, by }
    }
}

impl ChainOutline {
    /// `None` for a gate on more qubits, controls apart, than a block of sites has.
    pub fn of(parts: &ProgramParts, (qubits, slots): (usize, usize)) -> Option<Self> {
        let (mut wide, mut single, mut draws, mut is_random) = (Vec::new(), 0, 0, false);
        // Registers that any engine holds are not worth a closer look.
        let mut ranks =
            (qubits > LOOKED_AT).then(|| Ranks { angles: generic_points(slots)[0].clone(), known: BTreeMap::new() });
        for step in &parts.body {
            is_random |= step.condition().is_some() || !matches!(step, Step::Gate(_));
            match step {
                Step::Gate(op) if matches!(op.kind, OpKind::GlobalPhase(_)) => {}
                Step::Gate(op) if op.qubits.len() > MOST_OPERANDS => {
                    let (controls, own) = op.without_controls();
                    if own.qubits.len() > MOST_OPERANDS {
                        return None;
                    }
                    wide.push(WideStep { controls: controls.to_vec(), operands: own.qubits.to_vec(), by: 1 });
                }
                Step::Gate(op) if op.qubits.len() > 1 => {
                    let most = 1 << (2 * (op.qubits.len() / 2));
                    let rank = ranks.as_mut().filter(|_| op.qubits.len() == 2).and_then(|ranks| ranks.of(op));
                    wide.push(WideStep::new(op.qubits.to_vec(), rank.unwrap_or(most)));
                }
                // Pauli noise, the usual one on two qubits, acts on each by itself.
                Step::Noise { channel, .. } if ranks.is_some() && is_diagonal(channel) => single += 1,
                Step::Noise { qubits, .. } if qubits.len() > 1 => {
                    wide.push(WideStep::new(qubits.clone(), 4));
                    draws += 1;
                }
                Step::Gate(_) => single += 1,
                _ => draws += 1,
            }
        }
        Some(Self { qubits, wide, single, draws, is_random })
    }

    /// The bonds through the program, held to at most `most`: numbers of the widest state, seconds, and whether any bond would
    /// be wider.
    fn walk(&self, most: usize) -> Walk {
        let sites = self.qubits.max(1);
        let mut bonds = vec![1usize; sites - 1];
        let mut places = Places::new(sites);
        let mut walk = Walk { numbers: 2.0 * sites as f64, ..Walk::default() };
        let limit = |bonds: &[usize], bond: usize| {
            let beside = |bond: Option<usize>| bond.and_then(|bond| bonds.get(bond)).copied().unwrap_or(1);
            2 * beside(bond.checked_sub(1)).min(beside(Some(bond + 1)))
        };
        let grow = |bonds: &mut Vec<usize>, bond: usize, by: usize, walk: &mut Walk| {
            let exact = bonds[bond].saturating_mul(by).min(limit(bonds, bond));
            walk.truncates |= exact > most;
            bonds[bond] = exact.min(most);
        };
        for WideStep { controls, operands, by } in &self.wide {
            let (swaps, start) = gather(&places.sites(operands), &bonds);
            for &bond in &swaps {
                walk.split(&bonds, bond, 2);
                grow(&mut bonds, bond, 4, &mut walk);
                places.swap(bond);
            }
            if !controls.is_empty() {
                let sites = || controls.iter().map(|&control| places.site(control));
                let first = sites().fold(start, usize::min);
                let last = sites().fold(start + operands.len() - 1, usize::max);
                // The state and its image side by side.
                bonds[first..last].iter_mut().for_each(|bond| *bond *= 2);
                for bond in (first..last).chain((first..last).rev()) {
                    walk.split(&bonds, bond, 2);
                    bonds[bond] = bonds[bond].min(limit(&bonds, bond));
                }
                for bond in &mut bonds[first..last] {
                    walk.truncates |= *bond > most;
                    *bond = (*bond).min(most);
                }
                continue;
            }
            walk.split(&bonds, start, operands.len());
            // From both ends, as a bond is limited by its neighbours.
            for bond in (start..start + operands.len() - 1).chain((start..start + operands.len() - 1).rev()) {
                let before = bonds[bond];
                grow(&mut bonds, bond, *by, &mut walk);
                if operands.len() == 2 && bonds[bond] != before {
                    break;
                }
            }
        }
        let beside = |bond: Option<usize>| bond.and_then(|bond| bonds.get(bond)).map_or(1.0, |&b| b as f64);
        walk.numbers = (0..sites).map(|site| 2.0 * beside(site.checked_sub(1)) * beside(Some(site))).sum();
        walk.numbers += 8.0 * walk.block;
        let mean = bonds.iter().map(|&bond| (bond as f64).powi(3)).sum::<f64>() / bonds.len().max(1) as f64;
        walk.cube = mean;
        walk.seconds += (self.single + self.draws) as f64 * 2e-6 + self.draws as f64 * (STEP + 10.0 * PRODUCT * mean);
        walk
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Walk {
    numbers: f64,
    /// Numbers of the largest block of sites.
    block: f64,
    seconds: f64,
    /// Mean of the cubes of the bonds.
    cube: f64,
    truncates: bool,
}

impl Walk {
    fn split(&mut self, bonds: &[usize], start: usize, count: usize) {
        let beside = |bond: Option<usize>| bond.and_then(|bond| bonds.get(bond)).map_or(1.0, |&b| b as f64);
        let (left, right) = (beside(start.checked_sub(1)), beside(Some(start + count - 1)));
        let values = 2f64.powi(count as i32);
        self.block = self.block.max(left * right * values);
        let (mut rows, mut columns) = (2.0 * left, right * values / 2.0);
        for _ in 1..count {
            self.seconds += STEP + (SPLIT + 4.0 * PRODUCT) * splitting(rows, columns);
            (rows, columns) = (2.0 * rows.min(columns), columns / 2.0);
        }
    }
}

/// The factors by which gates on two qubits widen a bond between them at most, by gate and angles.
struct Ranks {
    /// Of slots: ranks are those at generic angles.
    angles: Vec<f64>,
    known: BTreeMap<(&'static str, usize, Vec<u64>), usize>,
}

impl Ranks {
    /// The rank of a gate as an operator between its two qubits.
    fn of(&mut self, op: &Op) -> Option<usize> {
        let OpKind::Gate { gate, controls, params } = &op.kind else { return rank(&op.matrix(&self.angles)?) };
        let value = |param: &Param| param.value(&self.angles).to_bits();
        let key = (gate.name(), *controls, params.iter().map(value).collect::<Vec<_>>());
        if let Some(known) = self.known.get(&key) {
            return Some(*known);
        }
        let rank = rank(&op.matrix(&self.angles)?)?;
        self.known.insert(key, rank);
        Some(rank)
    }
}

fn rank(m: &Matrix) -> Option<usize> {
    if m.nrows() != 4 {
        return None;
    }
    let entry = |(low, high): (usize, usize)| m[[low >> 1 | high & 2, low & 1 | (high & 1) << 1]];
    let (values, _) = singular_values(&Matrix::from_shape_fn((4, 4), entry));
    let largest = values.iter().fold(0.0, |most: f64, v| most.max(*v));
    Some(values.iter().filter(|value| **value > 1e-12 * largest).count().max(1))
}

fn is_diagonal(channel: &Channel) -> bool {
    channel.pauli_transfer().indexed_iter().all(|((i, j), value)| i == j || value.abs() < 1e-12)
}

/// Whether the state is held exactly whatever its angles are, with bonds of at most `most`: no draws and no truncation.
pub fn is_exact(w: &Workload, most: usize) -> bool {
    w.chain().is_some_and(|chain| !chain.is_random && !chain.walk(most).truncates)
}

/// Bytes and seconds at most; `None` for gates on more than five qubits, controls apart, states, and lists of outcomes of more
/// than 24 qubits.
pub fn cost(w: &Workload, call: &Call) -> Option<Cost> {
    let chain = w.chain()?;
    let walk = chain.walk(call.bond);
    let listed = matches!(call.request, Request::Probabilities);
    if call.request == Request::States || listed && w.qubits > MOST_LISTED {
        return None;
    }
    let states = if chain.is_random { call.shots.max(1) as f64 } else { 1.0 };
    let rows = call.rows as f64;
    let row = 2.0 * walk.cube * w.qubits as f64 * PRODUCT * 4.0;
    let read = match call.request {
        Request::Values | Request::Gradient => states * w.terms.max(1) as f64 * row,
        Request::Sample => call.shots as f64 * (8.0 * walk.cube.powf(2.0 / 3.0) * PRODUCT + 2e-7) * w.qubits as f64,
        Request::Probabilities => states * w.pure() * (2.0 * walk.cube.powf(1.0 / 3.0) * PRODUCT + ENTRY),
        Request::States => 0.0,
    };
    let passes = if call.request == Request::Gradient { 1.0 + 2.0 * w.angles as f64 } else { 1.0 };
    let at_a_time = (states * rows).min(call.threads as f64);
    let listing = if listed { 3.0 * 8.0 * w.pure() + NUMBER * 2.0 * w.pure() } else { 0.0 };
    let recorded = if call.request == Request::Sample { call.shots as f64 * (w.qubits + w.bits) as f64 } else { 0.0 };
    Some(Cost {
        // Shots of wider registers are rows of bits.
        bytes: if call.request == Request::Sample && w.width > MOST_LISTED { 0.0 } else { w.results(call).1 }
            + at_a_time * (NUMBER * walk.numbers + listing)
            + recorded,
        seconds: rows * passes * (states * walk.seconds + read),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::Gate;

    #[test]
    fn gates_widen_a_bond_by_their_rank() {
        let mut ranks = Ranks { angles: vec![0.7, 1.1], known: BTreeMap::new() };
        let mut of = |gate: Gate, angles: &[Param]| ranks.of(&Op::gate(gate, &[0, 1], angles)).unwrap();
        assert_eq!(of(Gate::Cx, &[]), 2);
        assert_eq!((of(Gate::Rzz, &[0.3.into()]), of(Gate::Rzz, &[0.0.into()])), (2, 1));
        assert_eq!(of(Gate::Swap, &[]), 4);
        // Phases that cancel, and the same gate with phases that do not.
        let [a, b] = [0, 1].map(|slot| Param::Slot { slot, scale: 1.0, offset: 0.0 });
        let phases = |one, other| [0.0.into(), one, other, 0.0.into()];
        assert_eq!((of(Gate::Cu, &phases(a, a * -1.0)), of(Gate::Cu, &phases(a, b))), (1, 2));
    }
}
