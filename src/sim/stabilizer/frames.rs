//! Shots side by side: how each differs from one noiseless run (Pauli frames: Gidney 2021, arXiv 2103.02202, section 4).
//!
//! Noise turns the state of a shot into that of the reference times a Pauli string, its frame. Cliffords take frames along
//! without their signs, 64 shots a word, and a measurement differs from the reference's where the frame has an X. A random
//! outcome is random because the frame has a Z or not with equal chances wherever Z changes nothing: at the start, and
//! behind each measurement and reset.

use super::clifford::Move;
use super::steps::{Action, CliffordProgram, Step};
use super::tableau::Tableau;
use crate::circuit::Condition;
use crate::math::Stream;

/// One run without noise and misreadings.
pub struct Reference {
    /// By step: the outcome of a measurement, or whether a condition was met.
    pub happened: Vec<bool>,
}

impl Reference {
    pub fn of(program: &CliffordProgram) -> Self {
        let (mut tableau, mut bits) = (Tableau::new(program.qubits), vec![false; program.bits]);
        let mut happened = Vec::with_capacity(program.steps.len());
        let changes = program.changes();
        for (number, step) in program.steps.iter().enumerate() {
            if number == changes {
                tableau.close();
            }
            let met = step.condition.as_ref().is_none_or(|condition| condition.is_met(|bit| bits[bit]));
            let mut here = met;
            match &step.action {
                Action::Clifford(clifford) if met => tableau.apply(clifford, &step.qubits),
                Action::Reset if met => tableau.reset(step.qubits[0], || false),
                Action::Assign { bit, value } if met => bits[*bit] = *value,
                Action::Measure { bit, .. } if met => {
                    here = tableau.measure(step.qubits[0], || false);
                    bits[*bit] = here;
                }
                _ => {}
            }
            happened.push(here);
        }
        Self { happened }
    }
}

/// The frames of some shots.
struct Frames<'a> {
    /// Words of a plane, 64 shots each.
    words: usize,
    /// Plane 2q is X of qubit q, plane 2q + 1 is Z.
    planes: Vec<u64>,
    /// A plane for each classical bit: what was recorded.
    bits: Vec<u64>,
    stream: &'a mut Stream,
}

/// Moves bits of strings that lie in planes of so many words.
fn apply_move(planes: &mut [u64], words: usize, step: &Move, plane: impl Fn(usize) -> usize) {
    let (a, b) = match *step {
        Move::Add { to, from } => (plane(to), plane(from)),
        Move::Swap(a, b) => (plane(a), plane(b)),
    };
    let (low, high) = planes.split_at_mut(a.max(b) * words);
    let (low, high) = (&mut low[a.min(b) * words..][..words], &mut high[..words]);
    let (first, second) = if a < b { (low, high) } else { (high, low) };
    match step {
        Move::Add { .. } => first.iter_mut().zip(second.iter()).for_each(|(to, from)| *to ^= from),
        Move::Swap(..) => first.swap_with_slice(second),
    }
}

/// The classical bits of `64 · words` shots, a plane of so many words for each.
pub fn run(program: &CliffordProgram, reference: &Reference, words: usize, stream: &mut Stream) -> Vec<u64> {
    let (planes, bits) = (vec![0; 2 * program.qubits * words], vec![0; program.bits * words]);
    let mut frames = Frames { words, planes, bits, stream };
    (0..program.qubits).for_each(|qubit| frames.shuffle(qubit));
    for (step, &happened) in program.steps.iter().zip(&reference.happened) {
        frames.step(step, happened);
    }
    for &(bit, confusion) in &program.misread {
        frames.misread(bit, confusion.flips());
    }
    for &((a, b), confusion) in &program.pairs {
        frames.misread_pair((a, b), &confusion.matrix());
    }
    frames.bits
}

impl Frames<'_> {
    fn plane(&mut self, number: usize) -> &mut [u64] {
        &mut self.planes[number * self.words..(number + 1) * self.words]
    }

    fn bit(&mut self, bit: usize) -> &mut [u64] {
        &mut self.bits[bit * self.words..(bit + 1) * self.words]
    }

    /// Z of a qubit or none, with equal chances.
    fn shuffle(&mut self, qubit: usize) {
        let words = self.words;
        for word in &mut self.planes[(2 * qubit + 1) * words..(2 * qubit + 2) * words] {
            *word ^= self.stream.bits();
        }
    }

    /// The shots that meet a condition.
    fn met(&self, condition: &Condition) -> Vec<u64> {
        let mut met = vec![u64::MAX; self.words];
        for (k, &bit) in condition.bits.iter().enumerate() {
            let flip = if condition.value >> k & 1 == 1 { 0 } else { u64::MAX };
            let plane = &self.bits[bit * self.words..(bit + 1) * self.words];
            met.iter_mut().zip(plane).for_each(|(met, bit)| *met &= bit ^ flip);
        }
        met
    }

    fn step(&mut self, step: &Step, happened: bool) {
        match (&step.action, &step.condition) {
            (Action::Clifford(clifford), None) => {
                let plane = |bit: usize| 2 * step.qubits[bit / 2] + bit % 2;
                clifford.moves.iter().for_each(|step| apply_move(&mut self.planes, self.words, step, plane));
            }
            // The reference did it or not; shots that did the other differ from it by the Pauli.
            (Action::Clifford(clifford), Some(condition)) => {
                let flip = if happened { u64::MAX } else { 0 };
                let differ: Vec<u64> = self.met(condition).into_iter().map(|met| met ^ flip).collect();
                let string = clifford.as_pauli().unwrap_or_default();
                for bit in (0..2 * step.qubits.len()).filter(|bit| string >> bit & 1 == 1) {
                    let plane = self.plane(2 * step.qubits[bit / 2] + bit % 2);
                    plane.iter_mut().zip(&differ).for_each(|(word, differ)| *word ^= differ);
                }
            }
            (Action::Noise(noise), condition) => {
                let met = condition.as_ref().map(|condition| self.met(condition));
                let words = self.words;
                let (planes, stream) = (&mut self.planes, &mut *self.stream);
                let probability = noise.probability();
                each_hit(probability, 64 * words, stream, |shot, stream| {
                    let mask = 1 << (shot % 64);
                    if met.as_ref().is_some_and(|met| met[shot / 64] & mask == 0) {
                        return;
                    }
                    let error = noise.error(stream.uniform());
                    for bit in (0..2 * step.qubits.len()).filter(|bit| error >> bit & 1 == 1) {
                        planes[(2 * step.qubits[bit / 2] + bit % 2) * words + shot / 64] ^= mask;
                    }
                });
            }
            (Action::Measure { bit, confusion }, _) => {
                let (words, qubit) = (self.words, step.qubits[0]);
                let flip = if happened { u64::MAX } else { 0 };
                for word in 0..words {
                    self.bits[bit * words + word] = self.planes[2 * qubit * words + word] ^ flip;
                }
                if let Some(confusion) = confusion {
                    self.misread(*bit, confusion.flips());
                }
                self.shuffle(qubit);
            }
            (Action::Assign { bit, value }, condition) => {
                let met = condition.as_ref().map_or(vec![u64::MAX; self.words], |condition| self.met(condition));
                let value = if *value { u64::MAX } else { 0 };
                self.bit(*bit).iter_mut().zip(met).for_each(|(word, met)| *word = *word & !met | value & met);
            }
            (Action::Reset, _) => {
                self.plane(2 * step.qubits[0]).fill(0);
                self.shuffle(step.qubits[0]);
            }
        }
    }

    /// Flips a bit where it is 0 and where it is 1 with these probabilities.
    fn misread(&mut self, bit: usize, flips: [f64; 2]) {
        let words = self.words;
        let mut flipped = vec![0u64; words];
        let bits = &mut self.bits[bit * words..(bit + 1) * words];
        for (probability, invert) in flips.into_iter().zip([u64::MAX, 0]) {
            each_hit(probability, 64 * words, self.stream, |shot, _| {
                flipped[shot / 64] |= (bits[shot / 64] ^ invert) & 1 << (shot % 64);
            });
        }
        bits.iter_mut().zip(flipped).for_each(|(word, flips)| *word ^= flips);
    }

    /// Replaces two bits by what is recorded of them, `matrix[true][recorded]`.
    fn misread_pair(&mut self, (a, b): (usize, usize), matrix: &[[f64; 4]; 4]) {
        let words = self.words;
        for shot in 0..64 * words {
            let (word, mask) = (shot / 64, 1u64 << (shot % 64));
            let is_set = |plane: usize| usize::from(self.bits[plane * words + word] & mask != 0);
            let truth = is_set(a) | is_set(b) << 1;
            let drawn = self.stream.uniform();
            let recorded = recorded(&matrix[truth], drawn);
            for (plane, flip) in [(a, (truth ^ recorded) & 1), (b, (truth ^ recorded) >> 1)] {
                self.bits[plane * words + word] ^= if flip == 1 { mask } else { 0 };
            }
        }
    }
}

/// The outcome with these probabilities that a number from 0 to 1 stands for.
pub fn recorded(probabilities: &[f64; 4], drawn: f64) -> usize {
    let mut sum = 0.0;
    probabilities
        .iter()
        .position(|p| {
            sum += p;
            drawn < sum
        })
        // Probabilities that add up to one may do so only to rounding.
        .unwrap_or(3)
}

/// Visits each of `count` things with this probability: the gaps between those visited are geometric.
fn each_hit(probability: f64, count: usize, stream: &mut Stream, mut visit: impl FnMut(usize, &mut Stream)) {
    if probability <= 0.0 {
        return;
    }
    let scale = if probability < 1.0 { 1.0 / (-probability).ln_1p() } else { 0.0 };
    let mut at = 0usize;
    loop {
        // 1 - u is above 0. Casts of floats end at the largest number.
        let gap = ((1.0 - stream.uniform()).ln() * scale) as usize;
        at = at.saturating_add(gap);
        if at >= count {
            return;
        }
        visit(at, stream);
        at += 1;
    }
}

/// One shot by itself, for programs that frames cannot follow: its classical bits.
pub fn run_alone(program: &CliffordProgram, stream: &mut Stream) -> Vec<bool> {
    let (mut tableau, mut bits) = (Tableau::new(program.qubits), vec![false; program.bits]);
    let misread = |bit: bool, flips: [f64; 2], stream: &mut Stream| {
        let flip = flips[usize::from(bit)];
        bit ^ (flip > 0.0 && stream.uniform() < flip)
    };
    let changes = program.changes();
    for (number, step) in program.steps.iter().enumerate() {
        if number == changes {
            tableau.close();
        }
        if step.condition.as_ref().is_some_and(|condition| !condition.is_met(|bit| bits[bit])) {
            continue;
        }
        let mut coin = || stream.bits() & 1 == 1;
        match &step.action {
            Action::Clifford(clifford) => tableau.apply(clifford, &step.qubits),
            Action::Noise(noise) => {
                if stream.uniform() < noise.probability() {
                    tableau.apply_pauli(noise.error(stream.uniform()), &step.qubits);
                }
            }
            Action::Measure { bit, confusion } => {
                let outcome = tableau.measure(step.qubits[0], &mut coin);
                bits[*bit] = match confusion {
                    Some(confusion) => misread(outcome, confusion.flips(), stream),
                    None => outcome,
                };
            }
            Action::Assign { bit, value } => bits[*bit] = *value,
            Action::Reset => tableau.reset(step.qubits[0], &mut coin),
        }
    }
    for &(bit, confusion) in &program.misread {
        bits[bit] = misread(bits[bit], confusion.flips(), stream);
    }
    for &((a, b), confusion) in &program.pairs {
        let truth = usize::from(bits[a]) | usize::from(bits[b]) << 1;
        let recorded = recorded(&confusion.matrix()[truth], stream.uniform());
        (bits[a], bits[b]) = (recorded & 1 == 1, recorded >> 1 == 1);
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hits_are_as_frequent_as_they_should_be() {
        for (number, probability) in [0.0, 1e-3, 0.2, 0.5, 0.9, 1.0].into_iter().enumerate() {
            let (mut hits, count) = (0, 100_000);
            let mut last = None;
            each_hit(probability, count, &mut Stream::numbered(3, number as u64), |at, _| {
                assert!(at < count && last.is_none_or(|last| at > last));
                (last, hits) = (Some(at), hits + 1);
            });
            // Five standard deviations.
            let deviation = (count as f64 * probability * (1.0 - probability)).sqrt();
            let expected = count as f64 * probability;
            assert!((f64::from(hits) - expected).abs() <= 5.0 * deviation, "{probability}: {hits}");
        }
    }
}
