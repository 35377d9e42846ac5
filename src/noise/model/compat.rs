//! Aer's own digits: not the map it means, but the list of terms it builds and the terms it then drops.
//!
//! Aer writes relaxation with T2 ≤ T1 as a mixture of doing nothing, Z, and resets to 0 and 1, relaxation with T2 > T1
//! as one Kraus operation, a gate's noise as all products of such terms with the Pauli terms of the depolarizing
//! channel; and its simulators skip every product with probability up to 1e-10 without renormalising. To agree with
//! its density matrices to rounding error one has to do the same.

use super::gate::{GateNoise, Lifetime};
use crate::math::matrix::{C64, identity, real, tensor};
use crate::math::{Matrix, Seconds};
use crate::noise::NoiseError;
use crate::noise::channel::{Channel, paulis};

/// Products up to this probability are dropped.
const CUTOFF: f64 = 1e-10;

/// Kraus operators with a squared weight up to this are dropped (Qiskit's conversion from the Choi matrix).
const KRAUS_CUTOFF: f64 = 1e-8;

/// What one term does to one qubit. A Pauli before a reset changes nothing, a Pauli before a Pauli is a Pauli up to a
/// phase, so few different effects remain however many products there are.
#[derive(Clone, Copy)]
enum Effect {
    Pauli(usize),
    Reset(usize),
    KrausAfterPauli(usize),
}

/// Number of different effects, and the index of one among them.
const EFFECTS: usize = 10;

impl Effect {
    const ALL: [Self; EFFECTS] = [
        Self::Pauli(0),
        Self::Pauli(1),
        Self::Pauli(2),
        Self::Pauli(3),
        Self::Reset(0),
        Self::Reset(1),
        Self::KrausAfterPauli(0),
        Self::KrausAfterPauli(1),
        Self::KrausAfterPauli(2),
        Self::KrausAfterPauli(3),
    ];

    fn index(self) -> usize {
        match self {
            Self::Pauli(letter) => letter,
            Self::Reset(to) => 4 + to,
            Self::KrausAfterPauli(letter) => 6 + letter,
        }
    }

    /// This effect after a Pauli. Letters 1, X, Y, Z numbered from 0 multiply by exclusive or, up to phases.
    fn after(self, letter: usize) -> Self {
        match self {
            Self::Pauli(other) => Self::Pauli(other ^ letter),
            Self::Reset(to) => Self::Reset(to),
            Self::KrausAfterPauli(other) => Self::KrausAfterPauli(other ^ letter),
        }
    }

    fn operators(self, kraus: &[Matrix]) -> Vec<Matrix> {
        match self {
            Self::Pauli(letter) => vec![paulis()[letter].clone()],
            Self::Reset(0) => vec![real([[1.0, 0.0], [0.0, 0.0]]), real([[0.0, 1.0], [0.0, 0.0]])],
            Self::Reset(_) => vec![real([[0.0, 0.0], [1.0, 0.0]]), real([[0.0, 0.0], [0.0, 1.0]])],
            Self::KrausAfterPauli(letter) => kraus.iter().map(|k| k.dot(&paulis()[letter])).collect(),
        }
    }
}

/// Aer's terms for the relaxation of one qubit, and the operators of its Kraus term.
fn relaxation_terms(lifetime: &Lifetime, time: Seconds) -> (Vec<(Effect, f64)>, Vec<Matrix>) {
    let decay = lifetime.decay(time);
    if time.0 == 0.0 || lifetime.is_endless() {
        return (vec![(Effect::Pauli(0), 1.0)], Vec::new());
    }
    if lifetime.t2.0 > lifetime.t1.0 {
        let kept = decay.weighted_operators().into_iter().filter(|(weight, _)| *weight > KRAUS_CUTOFF);
        let kraus = kept.map(|(weight, operator)| operator * C64::from(weight.sqrt())).collect();
        return (vec![(Effect::KrausAfterPauli(0), 1.0)], kraus);
    }
    let lost = 1.0 - decay.population;
    let rate = |t: Seconds| if t.0.is_infinite() { 0.0 } else { 1.0 / t.0 };
    let flip = (1.0 - lost) * (1.0 - (-time.0 * (rate(lifetime.t2) - rate(lifetime.t1))).exp()) / 2.0;
    let (down, up) = (lost * (1.0 - decay.excited), lost * decay.excited);
    let terms = [
        (Effect::Pauli(0), 1.0 - flip - down - up),
        (Effect::Pauli(3), flip),
        (Effect::Reset(0), down),
        (Effect::Reset(1), up),
    ];
    (normalised(terms.into_iter().filter(|(_, p)| *p > 0.0).collect()), Vec::new())
}

fn normalised<T>(terms: Vec<(T, f64)>) -> Vec<(T, f64)> {
    let sum: f64 = terms.iter().map(|(_, p)| p).sum();
    terms.into_iter().map(|(term, p)| (term, p / sum)).collect()
}

/// The noise of a gate as Aer's simulators apply it, one channel on all its qubits; `None` if there is none.
pub fn channel(noise: &GateNoise) -> Result<Option<Channel>, NoiseError> {
    if noise.lambda == 0.0 && noise.time.0 == 0.0 {
        return Ok(None);
    }
    let n = noise.qubits.len();
    let parts: Vec<_> = noise.lifetimes.iter().map(|lifetime| relaxation_terms(lifetime, noise.time)).collect();
    // One-qubit gates are treated as having a second qubit to which nothing happens.
    let first = &parts[0];
    let alone = (vec![(Effect::Pauli(0), 1.0)], Vec::new());
    let second = if n == 2 { &parts[1] } else { &alone };
    let both = |&(high, p): &(Effect, f64)| first.0.iter().map(move |&(low, q)| ((low, high), p * q));
    let relaxation = normalised(second.0.iter().flat_map(both).collect());

    let strings = 1usize << (2 * n);
    let share = noise.lambda / strings as f64;
    let pauli = |k: usize| if k == 0 { 1.0 - (strings - 1) as f64 * share } else { share };
    let depolarizing = normalised((0..strings).map(|k| (k, pauli(k))).filter(|(_, p)| *p > 0.0).collect());

    let product = |&(k, p): &(usize, f64)| {
        relaxation.iter().map(move |&((low, high), q)| ((low.after(k % 4), high.after(k / 4)), p * q))
    };
    let terms = normalised(depolarizing.iter().flat_map(product).collect());
    let mut weights = [[0.0; EFFECTS]; EFFECTS];
    for ((low, high), p) in terms.into_iter().filter(|(_, p)| *p > CUTOFF) {
        weights[high.index()][low.index()] += p;
    }
    let mut operators = Vec::new();
    for high in Effect::ALL {
        for low in Effect::ALL {
            let weight = weights[high.index()][low.index()];
            if weight == 0.0 {
                continue;
            }
            let highs = if n == 2 { high.operators(&second.1) } else { vec![identity(1)] };
            for high_operator in highs {
                for low_operator in low.operators(&first.1) {
                    operators.push(tensor(&low_operator, &high_operator) * C64::from(weight.sqrt()));
                }
            }
        }
    }
    Channel::trusted("aer_terms", operators).map(Some)
}
