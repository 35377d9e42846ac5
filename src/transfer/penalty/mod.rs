//! What methods add to the loss.

mod adversary;
mod anchor;
mod bank;
mod coral;
mod invariance;
mod mmd;

use std::collections::BTreeMap;

use candle_core::Tensor;

pub use adversary::Adversary;
pub use anchor::Anchor;
pub use bank::{Bank, Fidelity, Kernels};
pub use coral::{Coral, coral};
pub use invariance::Invariance;
pub use mmd::{Estimate, Mmd, mmd};

use crate::nn::NnError;
use crate::transfer::Batch;

/// 2 / (1 + e^{-10 p}) - 1: from 0 at the start of a training to nearly 1 at its end, so that features are not aligned
/// before they are learned (Ganin et al. 2016, arXiv:1505.07818).
pub fn ramp(progress: f64) -> f64 {
    2.0 / (1.0 + (-10.0 * progress).exp()) - 1.0
}

/// Rows of each domain in a batch, for the domains that occur, in order.
fn by_domain(batch: &Batch) -> Result<Vec<Vec<u32>>, NnError> {
    let domains = batch.examples.domains()?;
    let count = domains.iter().max().map_or(0, |last| *last as usize + 1);
    let mut rows = vec![Vec::new(); count];
    for (row, &domain) in domains.iter().enumerate() {
        rows[domain as usize].push(row as u32);
    }
    rows.retain(|rows| !rows.is_empty());
    Ok(rows)
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
    for rows in by_domain(batch)? {
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
