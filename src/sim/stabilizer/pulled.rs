//! Exact values: products of Pauli letters and recorded bits pulled back from the end of a program to its start.
//!
//! A term is a string on the qubits and a set of classical bits, which stands for the product of their signs: a classical
//! bit is a qubit that has Z alone. Clifford operations take a term to a term, Pauli noise multiplies it, a measurement puts
//! Z of its qubit in the place of its bit, and a condition on m bits is a sum of 2^m terms. Of the initial state, all qubits
//! and bits 0, terms without X and Y have the value 1, others 0.

use std::collections::BTreeMap;

use super::NAME;
use super::steps::{Action, CliffordProgram, Step};
use crate::circuit::{Condition, Letter, PauliString};
use crate::sim::SimError;

/// Terms that a sum may have.
pub const MOST_TERMS: usize = 1 << 18;

/// Bytes of the terms that a step under a condition makes, before those on equal strings are added.
const MOST_BYTES: usize = 128 << 20;

/// Words of bits: X of each qubit, then Z of each, then classical bits.
type Key = Vec<u64>;

/// Where the parts of a key begin, in words.
#[derive(Clone, Copy)]
pub struct Layout {
    z: usize,
    bits: usize,
    words: usize,
}

impl Layout {
    pub fn of(program: &CliffordProgram) -> Self {
        let z = program.qubits.div_ceil(64);
        Self { z, bits: 2 * z, words: 2 * z + program.bits.div_ceil(64) }
    }

    /// A string on qubits.
    pub fn string(&self, string: &PauliString) -> Key {
        let mut key = vec![0; self.words];
        for &(qubit, letter) in string.letters() {
            let (x, z) = Letter::bits(letter);
            key[qubit / 64] |= u64::from(x) << (qubit % 64);
            key[self.z + qubit / 64] |= u64::from(z) << (qubit % 64);
        }
        key
    }

    /// A set of classical bits; of two equal ones nothing stays.
    pub fn parity(&self, bits: impl IntoIterator<Item = usize>) -> Key {
        let mut key = vec![0; self.words];
        bits.into_iter().for_each(|bit| self.toggle_bit(&mut key, bit));
        key
    }

    /// Terms that fit into [`MOST_BYTES`]: key, weight and what an allocation takes.
    fn most_made(&self) -> usize {
        MOST_BYTES / (size_of::<(Key, f64)>() + 16 + 8 * self.words)
    }

    fn local(&self, key: &Key, qubits: &[usize]) -> usize {
        let mut local = 0;
        for (k, &qubit) in qubits.iter().enumerate() {
            let (word, shift) = (qubit / 64, qubit % 64);
            local |= ((key[word] >> shift & 1) | (key[self.z + word] >> shift & 1) << 1) << (2 * k);
        }
        local as usize
    }

    fn set_local(&self, key: &mut Key, qubits: &[usize], local: usize) {
        for (k, &qubit) in qubits.iter().enumerate() {
            let (word, shift) = (qubit / 64, qubit % 64);
            let (x, z) = ((local >> (2 * k) & 1) as u64, (local >> (2 * k + 1) & 1) as u64);
            key[word] = key[word] & !(1 << shift) | x << shift;
            key[self.z + word] = key[self.z + word] & !(1 << shift) | z << shift;
        }
    }

    fn has_x(&self, key: &Key, qubit: usize) -> bool {
        key[qubit / 64] >> (qubit % 64) & 1 == 1
    }

    pub fn has_bit(&self, key: &Key, bit: usize) -> bool {
        key[self.bits + bit / 64] >> (bit % 64) & 1 == 1
    }

    pub fn toggle_bit(&self, key: &mut Key, bit: usize) {
        key[self.bits + bit / 64] ^= 1 << (bit % 64);
    }

    /// Takes a term back through what a step does; what comes of it is the term, if it is not lost, and the one returned.
    fn pull(&self, step: &Step, (key, weight): &mut (Key, f64)) -> Option<(Key, f64)> {
        match &step.action {
            Action::Clifford(clifford) => {
                let local = self.local(key, &step.qubits);
                if local != 0 {
                    let (to, sign) = clifford.backward[local];
                    self.set_local(key, &step.qubits, usize::from(to));
                    *weight = if sign { -*weight } else { *weight };
                }
            }
            Action::Noise(noise) => *weight *= noise.factors[self.local(key, &step.qubits)],
            Action::Reset => match self.has_x(key, step.qubits[0]) {
                true => *weight = 0.0,
                false => self.set_local(key, &step.qubits, 0),
            },
            Action::Assign { bit, value } => {
                if self.has_bit(key, *bit) {
                    self.toggle_bit(key, *bit);
                    *weight = if *value { -*weight } else { *weight };
                }
            }
            Action::Measure { bit, confusion } => {
                let qubit = step.qubits[0];
                if self.has_x(key, qubit) {
                    *weight = 0.0;
                } else if self.has_bit(key, *bit) {
                    self.toggle_bit(key, *bit);
                    let (slope, constant) = confusion.map_or((1.0, 0.0), |confusion| confusion.on_z());
                    let other = (constant != 0.0).then(|| (key.clone(), constant * *weight));
                    key[self.z + qubit / 64] ^= 1 << (qubit % 64);
                    *weight *= slope;
                    return other;
                }
            }
        }
        None
    }

    /// The value of a term in the initial state.
    fn value(&self, (key, weight): &(Key, f64)) -> f64 {
        if key[..self.z].iter().all(|&x| x == 0) { *weight } else { 0.0 }
    }
}

/// The sum of terms at the start of a program that these are at its end, as a number.
///
/// # Errors
/// If conditions make too many terms of it.
pub fn value(program: &CliffordProgram, layout: Layout, mut terms: Vec<(Key, f64)>) -> Result<f64, SimError> {
    for step in program.steps.iter().rev() {
        let mut made = Vec::new();
        match &step.condition {
            None => {
                for term in &mut terms {
                    made.extend(layout.pull(step, term));
                }
            }
            Some(condition) => {
                let most = layout.most_made();
                for term in &terms {
                    let Some(next) = conditional((layout, program.qubits), step, condition, term)? else { continue };
                    if made.len() + next.len() > most {
                        made = merged(made.into_iter());
                        // Half of it, so that there are never many sums over many terms.
                        if made.len() + next.len() > most / 2 {
                            return Err(too_much(program.qubits, TOO_LARGE));
                        }
                    }
                    made.extend(next);
                }
            }
        }
        let is_lost = |(_, weight): &(Key, f64)| *weight == 0.0;
        if made.is_empty() && !terms.iter().any(is_lost) {
            continue;
        }
        terms = match made.is_empty() {
            true => terms.into_iter().filter(|term| !is_lost(term)).collect(),
            false => merged(terms.into_iter().chain(made)),
        };
        within_limit(program.qubits, terms.len())?;
        if terms.len() > layout.most_made() {
            return Err(too_much(program.qubits, TOO_LARGE));
        }
        if terms.is_empty() {
            return Ok(0.0);
        }
    }
    Ok(terms.iter().map(|term| layout.value(term)).sum())
}

/// What a term becomes beside itself, one after the other; `None` if the step leaves it alone.
///
/// `O` becomes `O + Π (E(O) - O)`, where E takes it back through the step and Π is 1 where the bits meet the condition: the
/// mean of all products of their signs.
fn conditional(
    (layout, qubits): (Layout, usize),
    step: &Step,
    condition: &Condition,
    term: &(Key, f64),
) -> Result<Option<impl ExactSizeIterator<Item = (Key, f64)> + use<>>, SimError> {
    let mut pulled = term.clone();
    let other = layout.pull(step, &mut pulled);
    if other.is_none() && pulled == *term {
        return Ok(None);
    }
    let sets = 1usize.checked_shl(condition.bits.len() as u32).filter(|&sets| sets <= MOST_TERMS);
    let sets = sets.ok_or_else(|| too_much(qubits, TOO_MANY))?;
    let old = (term.0.clone(), -term.1);
    let parts: Vec<(Key, f64)> = [pulled, old].into_iter().chain(other).filter(|(_, weight)| *weight != 0.0).collect();
    let Condition { bits, value } = condition.clone();
    Ok(Some((0..parts.len() * sets).map(move |at| {
        let ((key, weight), set) = (&parts[at / sets], at % sets);
        let mut key = key.clone();
        let chosen = bits.iter().enumerate().filter(|(k, _)| set >> k & 1 == 1);
        chosen.for_each(|(_, &bit)| layout.toggle_bit(&mut key, bit));
        let sign = if (set as u64 & value).count_ones() % 2 == 1 { -1.0 } else { 1.0 };
        (key, sign * weight / sets as f64)
    })))
}

/// One term for each key; keys whose weights cancel are gone.
pub fn merged(terms: impl Iterator<Item = (Key, f64)>) -> Vec<(Key, f64)> {
    let mut sum: BTreeMap<Key, f64> = BTreeMap::new();
    terms.for_each(|(key, weight)| *sum.entry(key).or_default() += weight);
    sum.into_iter().filter(|(_, weight)| *weight != 0.0).collect()
}

pub fn within_limit(qubits: usize, terms: usize) -> Result<(), SimError> {
    if terms <= MOST_TERMS { Ok(()) } else { Err(too_much(qubits, TOO_MANY)) }
}

const TOO_MANY: &str = "more than 2^18 terms for one exact value, because steps depend on classical bits";
const TOO_LARGE: &str = "more than 128 MiB of terms for one exact value, because steps depend on classical bits";

fn too_much(qubits: usize, needed: &'static str) -> SimError {
    SimError::TooMuch { what: NAME, qubits, needed, instead: "draw shots of this engine, or use trajectory" }
}
