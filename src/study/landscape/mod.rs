//! Properties of a variational circuit before any data: how large its gradients are over random
//! starts, how much of the state space it reaches, how much it entangles.
//!
//! * [`gradients`]: variance of ∂L/∂w over starts, ideal or noisy: the barren-plateau question.
//! * [`reach`]: expressibility and entangling capability.
//! * [`COSTS`], [`STARTS`]: what L is, and what a start is.

mod reach;
mod start;

pub use reach::{Reach, meyer_wallach, reach};
pub use start::{STARTS, StartRow};

use std::f64::consts::PI;

use ndarray::{Array1, Array2, ArrayView1, Axis};
use serde::{Deserialize, Serialize};

use crate::circuit::{Observable, PauliString};
use crate::math::Stream;
use crate::nn::NnError;
use crate::sim::Angles;
use crate::sim::Execution;
use crate::study::error::{Result, StudyError};

/// A cost as a function of the final state.
pub struct CostRow {
    /// Name in specs.
    pub name: &'static str,
    /// One line for people, with the source.
    pub doc: &'static str,
    /// The observable on so many qubits whose expectation is the cost up to a constant.
    pub observable: fn(usize) -> Observable,
}

/// Every cost.
pub static COSTS: &[CostRow] = &[
    CostRow {
        name: "local",
        doc: "1 − mean over qubits of the probability of 0 (Cerezo et al. 2021, arXiv 2001.00550)",
        observable: |n| Observable { terms: (0..n).map(|q| (-0.5 / n as f64, PauliString::z(q))).collect() },
    },
    CostRow {
        name: "global",
        doc: "1 − probability of all zeros (Cerezo et al. 2021, arXiv 2001.00550)",
        observable: |n| {
            // |0…0⟩⟨0…0| is the mean of all products of Z.
            let weight = -(2f64.powi(n as i32)).recip();
            Observable { terms: (1..1u64 << n).map(|z| (weight, PauliString::from_masks(0, z))).collect() }
        },
    },
    CostRow {
        name: "middle",
        doc: "1 − probability of 0 of the middle qubit: further qubits do not dilute its gradient as they do that of a mean",
        observable: |n| Observable { terms: vec![(-0.5, PauliString::z(n / 2))] },
    },
];

impl CostRow {
    /// The row of this name.
    ///
    /// # Errors
    /// If there is none, with the nearest name.
    pub fn named(name: &str) -> Result<&'static Self> {
        let names = COSTS.iter().map(|row| row.name);
        COSTS.iter().find(|row| row.name == name).ok_or_else(|| StudyError::unknown("cost", name, names))
    }
}

/// Gradients of a cost over random starts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gradients {
    /// Number of starts.
    pub starts: usize,
    /// Number of weights.
    pub weights: usize,
    /// Variance of ∂L/∂w over starts, mean over weights, per radian².
    pub variance: f64,
    /// The same of the first weight alone, as in McClean et al. 2018 (arXiv 1803.11173).
    pub first_weight: f64,
    /// Mean of |∂L/∂w| over starts and weights, per radian.
    pub mean_size: f64,
    /// Mean over starts of the gradient's 2-norm, per radian.
    pub norm: f64,
}

/// Starts that are run together: a batch of density matrices has to fit into memory.
const TOGETHER: usize = 20;

/// Gradients of the execution's first observable over `starts`, (starts, weights) radians, each at an input of its own:
/// input angles are uniform in ±π/2, all that `tanh · π/2` reaches.
///
/// # Errors
/// If the simulator refuses.
pub fn gradients(execution: &Execution, inputs: usize, starts: &Array2<f64>, seed: u64) -> Result<Gradients> {
    let (count, weights) = starts.dim();
    let (prepared, observables) =
        (execution.for_inputs(inputs + weights).map_err(NnError::from)?, &execution.observables);
    let mut stream = Stream::named(seed, "inputs");
    let data = Array2::from_shape_simple_fn((count, inputs), || PI * (stream.uniform() - 0.5));
    let all = ndarray::concatenate![Axis(1), data, *starts];
    let mut slopes = Array2::zeros((count, weights));
    for (rows, mut to) in all.axis_chunks_iter(Axis(0), TOGETHER).zip(slopes.axis_chunks_iter_mut(Axis(0), TOGETHER)) {
        let angles = Angles { inputs: rows, weights: ArrayView1::from(&[]) };
        let cotangent = Array2::from_shape_fn((rows.nrows(), observables.len()), |(_, o)| f64::from(o == 0));
        let found = prepared.vjp(angles, cotangent.view()).map_err(NnError::from)?.inputs;
        to.assign(&found.slice(ndarray::s![.., inputs..]));
    }
    let variances: Array1<f64> = slopes.var_axis(Axis(0), if count > 1 { 1.0 } else { 0.0 });
    Ok(Gradients {
        starts: count,
        weights,
        variance: variances.mean().unwrap_or(0.0),
        first_weight: variances.first().copied().unwrap_or(0.0),
        mean_size: slopes.mapv(f64::abs).mean().unwrap_or(0.0),
        norm: slopes.map_axis(Axis(1), |row| row.dot(&row).sqrt()).mean().unwrap_or(0.0),
    })
}

/// Least-squares line `ln(value) = intercept - rate · x` through positive values: (rate, intercept). `None` below two
/// different x.
pub fn decay(points: &[(f64, f64)]) -> Option<(f64, f64)> {
    let points: Vec<(f64, f64)> = points.iter().filter(|p| p.1 > 0.0).map(|p| (p.0, p.1.ln())).collect();
    let count = points.len() as f64;
    let centre = |value: fn(&(f64, f64)) -> f64| points.iter().map(value).sum::<f64>() / count;
    let (x, y) = (centre(|p| p.0), centre(|p| p.1));
    let across: f64 = points.iter().map(|p| (p.0 - x).powi(2)).sum();
    let slope = points.iter().map(|p| (p.0 - x) * (p.1 - y)).sum::<f64>() / across;
    (across > 0.0).then_some((-slope, y - slope * x))
}
