//! Estimates of the target's parameters from its choices and those of sources.

use ndarray::Array2;

use crate::classic::L1;
use crate::classic::choice::Choices;
use crate::study::StudyError;
use crate::systems::pricing::arms::Estimate;

/// An estimate with the information it rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct Fitted {
    /// ν = (θ, γ).
    pub nu: Vec<f64>,
    /// The sparse difference from the aggregate of the sources; zeros without one.
    pub delta: Vec<f64>,
    /// Fisher information of all choices that were used, at ν.
    pub fisher: Array2<f64>,
}

/// What an estimate is made with.
#[derive(Clone, Copy, Debug)]
pub struct Penalties {
    /// On the squared length of parameters.
    pub ridge: f64,
    /// On the absolute values of the difference.
    pub l1: f64,
}

/// Parameters of the target. Without sources every estimate is that of the target alone.
///
/// # Errors
/// If a likelihood is not finite.
pub fn estimate(
    kind: Estimate,
    target: &Choices,
    sources: &Choices,
    penalties: Penalties,
    start: &[f64],
) -> Result<Fitted, StudyError> {
    let zeros = || vec![0.0; start.len()];
    let all = || {
        let mut all = sources.clone();
        all.extend(target, 0..target.len(), 1.0);
        all
    };
    if sources.is_empty() || kind == Estimate::Own {
        let nu = target.fit(start, penalties.ridge)?;
        return Ok(Fitted { fisher: target.fisher(&nu), delta: zeros(), nu });
    }
    if kind == Estimate::Pooled {
        let all = all();
        let nu = all.fit(start, penalties.ridge)?;
        return Ok(Fitted { fisher: all.fisher(&nu), delta: zeros(), nu });
    }
    let aggregate = sources.fit(start, penalties.ridge)?;
    let delta = debias(target, &aggregate, penalties.l1);
    let nu: Vec<f64> = aggregate.iter().zip(&delta).map(|(a, d)| a + d).collect();
    let fisher = sources.fisher(&nu) + target.fisher(&nu);
    Ok(Fitted { nu, delta, fisher })
}

/// argmin over δ of the target's mean negative log-likelihood at aggregate + δ, plus penalty·|δ|₁.
pub fn debias(target: &Choices, aggregate: &[f64], penalty: f64) -> Vec<f64> {
    let mut nu = aggregate.to_vec();
    let solver = L1 { tolerance: 1e-7, iterations: 2_000, ..L1::new(penalty) };
    solver.minimize(&vec![0.0; aggregate.len()], &mut |delta, slope| {
        nu.iter_mut().zip(aggregate).zip(delta).for_each(|((v, a), d)| *v = a + d);
        target.loss(&nu, slope)
    })
}
