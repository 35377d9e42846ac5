//! What methods add to the loss.

mod adjustment;
mod adversary;
mod anchor;
mod and_mask;
mod annealed;
mod bank;
mod coral;
mod fishr;
mod group_dro;
mod invariance;
mod mmd;
mod parity;
mod random_convolution;
mod views;

use std::collections::BTreeMap;

use candle_core::{DType, Tensor};

pub use adjustment::{Backdoor, FrontDoor};
pub use adversary::Adversary;
pub use anchor::Anchor;
pub use and_mask::AndMask;
pub use annealed::Annealed;
pub use bank::{Bank, Fidelity, Kernels};
pub use coral::{Coral, CoralForm, coral, coral_means};
pub use fishr::Fishr;
pub use group_dro::GroupDro;
pub use invariance::{Bottleneck, Invariance};
pub use mmd::{Estimate, Mmd, mmd};
pub use parity::Parity;
pub use random_convolution::{RandomNetwork, blend_map};
pub use views::{Counterfactual, GinIpa, Mechanism};

use crate::nn::{Examples, Mode, NnError, loss};
use crate::transfer::{Batch, FitContext};

/// 2 / (1 + e^{-10 p}) - 1: from 0 at the start of a training to nearly 1 at its end, so that features are not aligned
/// before they are learned (Ganin et al. 2016, arXiv:1505.07818).
pub fn ramp(progress: f64) -> f64 {
    2.0 / (1.0 + (-10.0 * progress).exp()) - 1.0
}

/// Rows of each domain in a batch, for the domains that occur, in order.
fn by_domain(batch: &Batch) -> Result<BTreeMap<u32, Vec<u32>>, NnError> {
    let mut rows: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for (row, domain) in batch.examples.domains()?.into_iter().enumerate() {
        rows.entry(domain).or_default().push(row as u32);
    }
    Ok(rows)
}

/// The mean of `values` (batch rows) over some rows, those without a label left out.
fn mean_over(batch: &Batch, values: &Tensor, rows: &[u32]) -> Result<Tensor, NnError> {
    let weights = batch.examples.weights.as_ref().map(|weights| rows_of(weights, rows)).transpose()?;
    loss::mean(&rows_of(values, rows)?, weights.as_ref())
}

/// The weight of each row of the batch, 0 without a label; `None` where all count alike.
fn weights_of(batch: &Batch) -> Result<Option<Vec<f64>>, NnError> {
    let weights = batch.examples.weights.as_ref();
    Ok(weights.map(|weights| weights.to_dtype(DType::F64)?.to_vec1()).transpose()?)
}

/// The loss of the batch as the training loop computes it.
fn risk(batch: &Batch) -> Result<Tensor, NnError> {
    loss::mean(batch.losses, batch.examples.weights.as_ref())
}

/// Calls `visit` with all training rows, a batch at a time.
fn visit_training(
    context: &FitContext,
    mut visit: impl FnMut(&Examples) -> Result<(), NnError>,
) -> Result<(), NnError> {
    let all: Vec<u32> = (0..context.training.len() as u32).collect();
    all.chunks(context.batch.max(1)).try_for_each(|rows| visit(&context.training.rows(rows, Mode::Eval)?))
}

/// These rows of a tensor.
fn rows_of(tensor: &Tensor, rows: &[u32]) -> Result<Tensor, NnError> {
    Ok(tensor.index_select(&Tensor::new(rows, tensor.device())?, 0)?)
}

/// The mean of `distance` over all pairs of domains with at least two rows in the batch, within each stratum if
/// `stratified`; `None` without such a pair.
fn over_pairs(
    batch: &Batch,
    stratified: bool,
    distance: impl Fn(&Tensor, &Tensor) -> Result<Tensor, NnError>,
) -> Result<Option<Tensor>, NnError> {
    let features = batch.output.features.flatten_from(1)?;
    let strata = if stratified { Some(batch.examples.strata()?) } else { None };
    let mut parts: BTreeMap<u32, Vec<Vec<u32>>> = BTreeMap::new();
    for rows in by_domain(batch)?.into_values() {
        let mut own: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for row in rows {
            let stratum = strata.as_ref().map_or(0, |strata| strata[row as usize]);
            own.entry(stratum).or_default().push(row);
        }
        for (stratum, rows) in own.into_iter().filter(|(_, rows)| rows.len() > 1) {
            parts.entry(stratum).or_default().push(rows);
        }
    }
    let mut distances = Vec::new();
    for domains in parts.values() {
        let domains = domains.iter().map(|rows| rows_of(&features, rows)).collect::<Result<Vec<_>, _>>()?;
        for (k, one) in domains.iter().enumerate() {
            for other in &domains[k + 1..] {
                distances.push(distance(one, other)?);
            }
        }
    }
    if distances.is_empty() { Ok(None) } else { Ok(Some(Tensor::stack(&distances, 0)?.mean_all()?)) }
}
