//! How much of the state space a circuit reaches, and how entangled what it reaches is.

use std::f64::consts::TAU;

use ndarray::{Array2, ArrayView1, ArrayView2, Axis};
use serde::{Deserialize, Serialize};

use crate::circuit::Ansatz;
use crate::math::{C64, Stream};
use crate::nn::NnError;
use crate::noise::Program;
use crate::sim::{Angles, Bond, Mps, SimError, Statevector};
use crate::study::error::Result;

/// How much of the state space a circuit reaches, and how entangled what it reaches is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reach {
    /// Kullback-Leibler divergence of the fidelities of random pairs from those of Haar-random states over bins of one width,
    /// nats: 0 reaches everything evenly (Sim et al. 2019, arXiv 1905.10876). `None` from 11 qubits on, where Haar-random
    /// states leave the first bin with a probability below 1e-6, so that nearly every circuit would seem to reach everything.
    pub expressibility: Option<f64>,
    /// The same divergence over bins that Haar-random states fill evenly, so that it tells circuits apart on any number of
    /// qubits: 0 to ln 75 = 4.32 nats.
    pub quantile_expressibility: f64,
    /// Mean Meyer–Wallach measure, 0 (products) to 1 (Sim et al. 2019; Meyer & Wallach 2002, quant-ph/0108104).
    pub entangling: f64,
}

/// Bins of both histograms of fidelities, as in Sim et al. 2019.
const BINS: usize = 75;
/// Most qubits whose states are vectors. Those of more are matrix product states.
const MOST_VECTOR: usize = 16;
/// Amplitudes of the vectors that are held together, 1 GiB.
const AMPLITUDES: usize = 1 << 26;
/// Matrix product states that are held together.
const TOGETHER: usize = 256;
/// Bonds are never cut: circuits that would need wider ones take too long to begin with.
const EXACT: Bond = Bond { most: crate::sim::MOST_BOND, weight: 0.0 };
/// The least probability with which Haar-random states have to leave the first of bins of one width.
const LEAST_OUTSIDE: f64 = 1e-6;

/// Reach of an ansatz without noise over `pairs` pairs of states with weights uniform in [0, 2π). Input angles are 0. States
/// of up to 16 qubits are vectors, those of more are matrix product states of which nothing is dropped.
///
/// The divergence of a histogram is biased upwards by about (bins in use) / (2 · pairs).
///
/// # Errors
/// If the simulator refuses the width, or the depth of a wide circuit.
pub fn reach(ansatz: &Ansatz, pairs: usize, seed: u64) -> Result<Reach> {
    let qubits = ansatz.circuit.qubits();
    let keep: Vec<usize> = (0..qubits).collect();
    let program = Program::ideal(&ansatz.circuit, &keep);
    let mut stream = Stream::named(seed, "reach");
    let rows = Array2::from_shape_simple_fn((2 * pairs, ansatz.circuit.slots()), || stream.uniform());
    let mut rows = rows * TAU;
    rows.slice_mut(ndarray::s![.., ..ansatz.inputs]).fill(0.0);
    let (together, of_rows): (usize, OfRows) = match qubits <= MOST_VECTOR {
        true => (2 * (AMPLITUDES >> (qubits + 1)).max(1), of_vectors),
        false => (TOGETHER, of_products),
    };
    let (mut fidelities, mut entangling) = (Vec::with_capacity(pairs), 0.0);
    for rows in rows.axis_chunks_iter(Axis(0), together) {
        entangling += of_rows(&program, rows, &mut fidelities).map_err(NnError::from)?;
    }
    let haar = Haar { exponent: 2f64.powi(qubits as i32) - 1.0 };
    Ok(Reach {
        expressibility: haar.expressibility(&fidelities),
        quantile_expressibility: haar.quantile_expressibility(&fidelities),
        entangling: entangling / (2 * pairs) as f64,
    })
}

/// Appends the fidelities of the states of rows 2k and 2k + 1; returns the sum of the Meyer–Wallach measures of all.
type OfRows = fn(&Program, ArrayView2<f64>, &mut Vec<f64>) -> std::result::Result<f64, SimError>;

fn of_vectors(
    program: &Program,
    rows: ArrayView2<f64>,
    fidelities: &mut Vec<f64>,
) -> std::result::Result<f64, SimError> {
    let angles = Angles { inputs: rows, weights: ArrayView1::from(&[]) };
    let states = Statevector::default().states(program, angles)?;
    for pair in 0..states.nrows() / 2 {
        let (a, b) = (states.row(2 * pair), states.row(2 * pair + 1));
        let overlap: C64 = a.iter().zip(b).map(|(a, b)| a.conj() * b).sum();
        fidelities.push(overlap.norm_sqr());
    }
    Ok(states.rows().into_iter().map(meyer_wallach).sum())
}

fn of_products(
    program: &Program,
    rows: ArrayView2<f64>,
    fidelities: &mut Vec<f64>,
) -> std::result::Result<f64, SimError> {
    let angles = Angles { inputs: rows, weights: ArrayView1::from(&[]) };
    let states = Mps { bond: EXACT, ..Mps::default() }.states(program, angles);
    // Nothing may be dropped, so narrower bonds are no way out.
    let mut states = states.map_err(|error| error.advised(|_| "take fewer layers or qubits".into()))?;
    fidelities.extend(states.chunks_exact(2).map(|pair| pair[0].fidelity(&pair[1])));
    Ok(states.iter_mut().map(|state| of_purities(&state.purities())).sum())
}

/// Fidelities of Haar-random states of N = 2ⁿ dimensions: they exceed F with probability (1 - F)^(N - 1).
struct Haar {
    /// N - 1.
    exponent: f64,
}

impl Haar {
    fn above(&self, fidelity: f64) -> f64 {
        (self.exponent * (-fidelity.min(1.0)).ln_1p()).exp()
    }

    fn expressibility(&self, fidelities: &[f64]) -> Option<f64> {
        let edge = |bin: usize| bin as f64 / BINS as f64;
        let share = |bin: usize| self.above(edge(bin)) - self.above(edge(bin + 1));
        (self.above(edge(1)) >= LEAST_OUTSIDE).then(|| divergence(fidelities.iter().copied(), share))
    }

    fn quantile_expressibility(&self, fidelities: &[f64]) -> f64 {
        divergence(fidelities.iter().map(|&fidelity| self.above(fidelity)), |_| 1.0 / BINS as f64)
    }
}

/// Divergence, nats, of a histogram of numbers from 0 to 1 over bins of one width from the shares that are expected in them.
fn divergence(numbers: impl ExactSizeIterator<Item = f64>, expected: impl Fn(usize) -> f64) -> f64 {
    let all = numbers.len() as f64;
    let mut counts = [0usize; BINS];
    numbers.for_each(|number| counts[((number * BINS as f64) as usize).min(BINS - 1)] += 1);
    let term = |(bin, &count): (usize, &usize)| match count as f64 / all {
        0.0 => 0.0,
        // A bin that is hardly ever reached has a probability below the smallest number. It still counts.
        share => share * (share / expected(bin).max(f64::MIN_POSITIVE)).ln(),
    };
    counts.iter().enumerate().map(term).sum()
}

/// `2 (1 - mean over qubits of tr ρ_q²)` of a pure state (Brennen 2003, quant-ph/0305094).
pub fn meyer_wallach(state: ArrayView1<'_, C64>) -> f64 {
    let qubits = state.len().trailing_zeros() as usize;
    let purity = |qubit: usize| {
        let bit = 1 << qubit;
        let (mut zero, mut coherence) = (0.0, C64::new(0.0, 0.0));
        for index in (0..state.len()).filter(|index| index & bit == 0) {
            zero += state[index].norm_sqr();
            coherence += state[index] * state[index | bit].conj();
        }
        zero * zero + (1.0 - zero) * (1.0 - zero) + 2.0 * coherence.norm_sqr()
    };
    of_purities(&(0..qubits).map(purity).collect::<Vec<_>>())
}

/// The Meyer–Wallach measure of a pure state whose qubits have these purities.
fn of_purities(purities: &[f64]) -> f64 {
    let measure = 2.0 * (1.0 - purities.iter().sum::<f64>() / purities.len() as f64);
    // What rounding leaves of product states.
    if measure < 1e-12 { 0.0 } else { measure }
}
