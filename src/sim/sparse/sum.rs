//! A sum of Pauli strings that is pulled back step by step.
//!
//! The hash of a string is the exclusive or of one random word for each of its bits. A step that maps strings to strings
//! leaves hashes alone: the words are pulled along in their place, so no table is ever rebuilt for it. Under a step that
//! makes sums, the partner of a string has the hash that differs by the words of the operands.

use ndarray::Array2;

use super::Cut;
use super::map::{Action, Mixing};
use super::plan::{Level, Step};
use super::tape::{Mixed, NONE};
use crate::circuit::{Letter, PauliString};
use crate::math::Stream;

/// A string: words of X bits, then words of Z bits.
pub type Key<const N: usize> = [u64; N];

/// Strings with their coefficients.
pub struct Sum<const N: usize> {
    pub keys: Vec<Key<N>>,
    pub coefficients: Vec<f64>,
    hashes: Vec<u64>,
    /// Dropped strings keep their place: they may come back.
    silent: Vec<bool>,
    live: usize,
    /// The last step that a string was mixed by.
    stamps: Vec<u32>,
    step: u32,
    /// Open addressing by hash; place + 1 of a string, 0 where there is none.
    table: Vec<u32>,
    /// Of X and Z of each qubit.
    words: Vec<[u64; 2]>,
    pub ledger: Ledger,
}

/// What was dropped.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ledger {
    /// Sum of magnitudes.
    pub bound: f64,
    /// Sum over steps of the 2-norm, lengthened by the steps after.
    pub rms: f64,
    /// Number of dropped coefficients.
    pub dropped: u64,
    /// Most strings held at a time.
    pub terms: usize,
    /// Strings, summed over the steps that they were taken through.
    pub work: u64,
    /// Coefficients that a roulette raised.
    pub raised: u64,
    /// Of a roulette: no less than the variance of its value, as far as these draws tell.
    pub variance: f64,
    /// The threshold at the end: a budget of terms raises it.
    pub below: f64,
}

/// How a step decides what stays.
pub enum Decide<'a> {
    /// By the rule of the cut.
    Cut,
    /// By chance where the rule drops, under this seed: a string below the threshold is raised to it as often as keeps its
    /// mean.
    Roulette(u64),
    /// By the rule, kept strings with coefficient zero included, and noted.
    Record(&'a mut Mixed),
    /// As noted: the function whose gradient a recording gives.
    #[cfg(test)]
    Repeat(&'a Mixed),
}

fn bit<const N: usize>(key: &Key<N>, qubit: usize) -> (bool, bool) {
    let (word, shift) = (qubit / 64, qubit % 64);
    (key[word] >> shift & 1 == 1, key[N / 2 + word] >> shift & 1 == 1)
}

/// Position 0 to 3 of the letter of a qubit in the order I X Y Z.
pub fn letter<const N: usize>(key: &Key<N>, qubit: usize) -> usize {
    let (word, shift) = (qubit / 64, qubit % 64);
    let (x, z) = ((key[word] >> shift & 1) as usize, (key[N / 2 + word] >> shift & 1) as usize);
    2 * z + (x ^ z)
}

/// Qubits with a letter, ascending.
pub fn support<const N: usize>(key: &Key<N>) -> impl Iterator<Item = usize> + '_ {
    (0..N / 2).flat_map(move |word| {
        let mut rest = key[word] | key[N / 2 + word];
        std::iter::from_fn(move || {
            let bit = rest.trailing_zeros() as usize;
            (bit < 64).then(|| {
                rest &= rest - 1;
                64 * word + bit
            })
        })
    })
}

/// The local string of the operands.
pub fn local<const N: usize>(key: &Key<N>, qubits: &[usize]) -> usize {
    qubits.iter().enumerate().fold(0, |string, (k, &qubit)| string | letter(key, qubit) << (2 * k))
}

/// The same key with another local string.
pub fn with_local<const N: usize>(mut key: Key<N>, qubits: &[usize], string: usize) -> Key<N> {
    for (k, &qubit) in qubits.iter().enumerate() {
        let (word, shift) = (qubit / 64, qubit % 64);
        let letter = (string >> (2 * k) & 3) as u64;
        let z = letter >> 1;
        let x = (letter & 1) ^ z;
        key[word] = key[word] & !(1 << shift) | x << shift;
        key[N / 2 + word] = key[N / 2 + word] & !(1 << shift) | z << shift;
    }
    key
}

pub fn weight<const N: usize>(key: &Key<N>) -> usize {
    (0..N / 2).map(|word| (key[word] | key[N / 2 + word]).count_ones() as usize).sum()
}

/// The key of a string on at most `32 N` qubits.
pub fn key<const N: usize>(string: &PauliString) -> Key<N> {
    let mut key = [0; N];
    for &(qubit, letter) in string.letters() {
        let (x, z) = letter.bits();
        key[qubit / 64] |= u64::from(x) << (qubit % 64);
        key[N / 2 + qubit / 64] |= u64::from(z) << (qubit % 64);
    }
    key
}

/// Within a step a sum may grow to so many times the most strings.
const WITHIN_A_STEP: usize = 4;

impl<const N: usize> Sum<N> {
    /// The sum of these strings on a register of `qubits`.
    pub fn of(qubits: usize, terms: &[(f64, PauliString)], below: f64) -> Self {
        let mut stream = Stream::named(0, "hashes of Pauli strings");
        let words = (0..qubits).map(|_| [stream.bits(), stream.bits()]).collect();
        let mut sum = Self {
            keys: Vec::new(),
            coefficients: Vec::new(),
            hashes: Vec::new(),
            silent: Vec::new(),
            live: 0,
            stamps: Vec::new(),
            step: 0,
            table: vec![0; 64],
            words,
            ledger: Ledger { below, ..Ledger::default() },
        };
        for (weight, string) in terms {
            let key = key(string);
            let hash = sum.hash(&key);
            match sum.find(&key, hash) {
                Some(place) => sum.coefficients[place] += weight,
                None => _ = sum.push(key, hash, *weight),
            }
        }
        sum.ledger.terms = sum.live;
        sum
    }

    fn hash(&self, key: &Key<N>) -> u64 {
        self.words.iter().enumerate().fold(0, |hash, (qubit, words)| {
            let (x, z) = bit(key, qubit);
            hash ^ if x { words[0] } else { 0 } ^ if z { words[1] } else { 0 }
        })
    }

    fn find(&self, key: &Key<N>, hash: u64) -> Option<usize> {
        let mask = self.table.len() - 1;
        let mut slot = hash as usize & mask;
        loop {
            match self.table[slot] {
                0 => return None,
                place => {
                    let place = place as usize - 1;
                    if self.hashes[place] == hash && self.keys[place] == *key {
                        return Some(place);
                    }
                }
            }
            slot = (slot + 1) & mask;
        }
    }

    fn push(&mut self, key: Key<N>, hash: u64, coefficient: f64) -> usize {
        let place = self.keys.len();
        self.keys.push(key);
        self.hashes.push(hash);
        self.coefficients.push(coefficient);
        self.silent.push(false);
        self.stamps.push(self.step);
        self.live += 1;
        if 2 * self.keys.len() > self.table.len() {
            self.rebuild(4 * self.keys.len());
        } else {
            self.enter(place);
        }
        place
    }

    fn enter(&mut self, place: usize) {
        let mask = self.table.len() - 1;
        let mut slot = self.hashes[place] as usize & mask;
        while self.table[slot] != 0 {
            slot = (slot + 1) & mask;
        }
        self.table[slot] = place as u32 + 1;
    }

    fn rebuild(&mut self, size: usize) {
        self.table = vec![0; size.next_power_of_two()];
        (0..self.keys.len()).for_each(|place| self.enter(place));
    }

    /// Pulls back through steps on different qubits that map strings to strings.
    pub fn level(&mut self, steps: &[Step], level: &Level) {
        self.ledger.work += self.keys.len() as u64;
        for (key, coefficient) in self.keys.iter_mut().zip(&mut self.coefficients) {
            *coefficient *= level.apply(steps, key, |map, string| map.to[string]);
        }
        // The hash of a new string is that of the string it comes from.
        for step in &steps[level.steps.clone()] {
            let Action::Monomial(map) = &step.action else { continue };
            let qubits = &step.map.qubits;
            let old: Vec<[u64; 2]> = qubits.iter().map(|&qubit| self.words[qubit]).collect();
            for (k, &qubit) in qubits.iter().enumerate() {
                for (z, index) in [(0, Letter::X.index()), (1, Letter::Z.index())] {
                    let from = usize::from(map.from[index << (2 * k)]);
                    self.words[qubit][z] = local_hash(&old, from);
                }
            }
        }
    }

    /// Pulls back through a step that makes sums; returns what it drops to hold the budget. `transfer` is that of the step for
    /// its angles, `norm` the most by which it lengthens what was dropped before.
    pub fn mix(
        &mut self,
        qubits: &[usize],
        map: &Mixing,
        transfer: &Array2<f64>,
        norm: f64,
        cut: &Cut,
        mut decide: Decide,
    ) -> Vec<u32> {
        self.step += 1;
        self.ledger.work += self.keys.len() as u64;
        let mut dropped = Vec::new();
        self.ledger.rms *= norm;
        let words: Vec<[u64; 2]> = qubits.iter().map(|&qubit| self.words[qubit]).collect();
        let hashes: Vec<u64> = (0..map.changes.len()).map(|string| local_hash(&words, string)).collect();
        let records = !matches!(decide, Decide::Cut | Decide::Roulette(_));
        let mut lost = 0.0;
        #[cfg(test)]
        let mut cursor = 0;
        let (mut places, mut old) = (Vec::new(), Vec::new());
        for start in 0..self.keys.len() {
            let string = local(&self.keys[start], qubits);
            if !map.changes[string] || self.stamps[start] == self.step || self.silent[start] {
                continue;
            }
            if !records && self.coefficients[start] == 0.0 {
                continue;
            }
            let (key, rest) = (self.keys[start], self.hashes[start] ^ hashes[string]);
            let (number, _) = map.component[string];
            let members = &map.components[usize::from(number)];
            places.clear();
            old.clear();
            for &member in members {
                let member = usize::from(member);
                let place = match member == string {
                    true => Some(start),
                    false => self.find(&with_local(key, qubits, member), rest ^ hashes[member]),
                };
                places.push(place);
                old.push(place.map_or(0.0, |place| self.coefficients[place]));
                place.into_iter().for_each(|place| self.stamps[place] = self.step);
            }
            if let Decide::Record(mixed) = &mut decide {
                mixed.components.push(number);
                mixed.places_in.extend(places.iter().map(|place| place.map_or(NONE, |place| place as u32)));
                mixed.old.extend(&old);
            }
            for (k, &member) in members.iter().enumerate() {
                let p = usize::from(member);
                let exact: f64 = members.iter().zip(&old).map(|(&q, c)| c * transfer[[usize::from(q), p]]).sum();
                let value = match decide {
                    Decide::Roulette(seed) => self.raised(exact, seed, rest ^ hashes[p]),
                    _ => exact,
                };
                let target = with_local(key, qubits, p);
                let stays = match &decide {
                    #[cfg(test)]
                    Decide::Repeat(mixed) => mixed.places_out[cursor + k] != NONE,
                    _ => {
                        let light = cut.weight.is_none_or(|most| weight(&target) <= most);
                        light && value.abs() >= self.ledger.below && (records || value != 0.0)
                    }
                };
                let out = match (stays, places[k]) {
                    (true, Some(place)) => {
                        self.coefficients[place] = value;
                        self.live += usize::from(std::mem::replace(&mut self.silent[place], false));
                        place as u32
                    }
                    (true, None) => self.push(target, rest ^ hashes[p], value) as u32,
                    (false, place) => {
                        lost += self.note(value);
                        place.into_iter().for_each(|place| self.silence(place));
                        NONE
                    }
                };
                if let Decide::Record(mixed) = &mut decide {
                    mixed.places_out.push(out);
                }
            }
            #[cfg(test)]
            {
                cursor += members.len();
                if matches!(decide, Decide::Repeat(_)) {
                    continue;
                }
            }
            // A step may make many strings of each. Those it has been at are final: no component shares one with another.
            if self.live > cut.terms.saturating_mul(WITHIN_A_STEP) {
                if matches!(decide, Decide::Roulette(_)) {
                    // The run is given up.
                    break;
                }
                self.ledger.terms = self.ledger.terms.max(self.live);
                let step = self.step;
                dropped.extend(self.thin(cut.terms.saturating_mul(WITHIN_A_STEP) / 2, |stamp| stamp == step));
            }
        }
        self.ledger.rms += lost.sqrt();
        self.ledger.terms = self.ledger.terms.max(self.live);
        dropped
    }

    /// A coefficient below the threshold that is raised to it with the probability that keeps its mean; unchanged if it is not,
    /// and then dropped. The draw depends on the seed, the step and the string alone.
    fn raised(&mut self, value: f64, seed: u64, hash: u64) -> f64 {
        let below = self.ledger.below;
        if value.abs() >= below || value == 0.0 {
            return value;
        }
        // The expectation value of a string is at most 1, and draws are not correlated.
        self.ledger.variance += value.abs() * (below - value.abs());
        // Hashes are linear over GF(2), so those of related strings are too; the finalizer of splitmix64 ends that.
        let mut z = hash ^ seed.wrapping_add(u64::from(self.step).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        let uniform = (z >> 11) as f64 / (1u64 << 53) as f64;
        if uniform * below >= value.abs() {
            return value;
        }
        self.ledger.bound += below - value.abs();
        self.ledger.dropped += 1;
        self.ledger.raised += 1;
        below.copysign(value)
    }

    /// Strings that are not silent.
    pub fn live(&self) -> usize {
        self.live
    }

    /// Notes a dropped coefficient; returns its square.
    fn note(&mut self, value: f64) -> f64 {
        self.ledger.bound += value.abs();
        self.ledger.dropped += u64::from(value != 0.0);
        value * value
    }

    fn silence(&mut self, place: usize) {
        self.coefficients[place] = 0.0;
        self.live -= usize::from(!std::mem::replace(&mut self.silent[place], true));
    }

    /// Raises the threshold by powers of two until at most `most` strings are left; returns what it drops.
    pub fn keep_at_most(&mut self, most: usize) -> Vec<u32> {
        self.thin(most, |_| true)
    }

    /// The same among the strings whose last step `may` be this one; more than `most` are left if the others are.
    fn thin(&mut self, most: usize, may: impl Fn(u32) -> bool) -> Vec<u32> {
        let mut dropped = Vec::new();
        while self.live > most && self.ledger.below.is_finite() {
            self.ledger.below = if self.ledger.below > 0.0 { 2.0 * self.ledger.below } else { 1e-12 };
            let below = self.ledger.below;
            let mut lost = 0.0;
            for place in 0..self.keys.len() {
                if !self.silent[place] && may(self.stamps[place]) && self.coefficients[place].abs() < below {
                    lost += self.note(self.coefficients[place]);
                    self.silence(place);
                    dropped.push(place as u32);
                }
            }
            self.ledger.rms += lost.sqrt();
        }
        dropped
    }

    /// Drops the strings at these places.
    #[cfg(test)]
    pub fn drop_places(&mut self, places: &[u32]) {
        places.iter().for_each(|&place| self.silence(place as usize));
    }

    /// Forgets silent strings if they are more than the others.
    pub fn compact(&mut self) {
        if self.keys.len() < 64 || 2 * self.live > self.keys.len() {
            return;
        }
        let mut to = 0;
        for place in 0..self.keys.len() {
            if !self.silent[place] {
                self.keys[to] = self.keys[place];
                self.hashes[to] = self.hashes[place];
                self.coefficients[to] = self.coefficients[place];
                self.stamps[to] = self.stamps[place];
                to += 1;
            }
        }
        self.keys.truncate(to);
        self.hashes.truncate(to);
        self.coefficients.truncate(to);
        self.stamps.truncate(to);
        self.silent = vec![false; to];
        self.rebuild(4 * to.max(16));
    }
}

/// The hash of a local string, from the words of its operands.
fn local_hash(words: &[[u64; 2]], string: usize) -> u64 {
    words.iter().enumerate().fold(0, |hash, (k, words)| {
        let (x, z) = Letter::of_index(string >> (2 * k) & 3).map_or((false, false), Letter::bits);
        hash ^ if x { words[0] } else { 0 } ^ if z { words[1] } else { 0 }
    })
}
