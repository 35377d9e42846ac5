//! Learning what holds in every domain.

use candle_core::Tensor;

use crate::nn::{NnError, Params};
use crate::transfer::penalty::{by_domain, mean_over, rows_of};
use crate::transfer::{Batch, Transfer};

/// A penalty on how the losses of the domains differ.
#[derive(Clone, Copy, Debug)]
pub struct Invariance {
    kind: Kind,
    /// Factor on the penalty.
    pub weight: f64,
    /// Share of the training after which the penalty begins; before it, the features are learned.
    pub from: f64,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Irm,
    IrmUnbiased,
    VRex,
}

impl Invariance {
    /// IRMv1: the mean over domains of (dR_e(w f)/dw)² at w = 1, R_e the mean loss in domain e (Arjovsky et al. 2019,
    /// arXiv:1907.02893). The derivative is taken by formula, since a second derivative cannot be had from tensors.
    pub fn irm() -> Self {
        Self { kind: Kind::Irm, weight: 1.0, from: 0.0 }
    }

    /// The same with the square as a product of the derivatives on every other row, of which the mean over batches is not
    /// biased (as DomainBed computes it); it can be negative. A domain with a single row in the batch is left out.
    pub fn irm_unbiased() -> Self {
        Self { kind: Kind::IrmUnbiased, weight: 1.0, from: 0.0 }
    }

    /// V-REx: the variance over domains of their mean losses (Krueger et al. 2021, arXiv:2003.00688).
    pub fn v_rex() -> Self {
        Self { kind: Kind::VRex, weight: 1.0, from: 0.0 }
    }

    /// d loss / dw of every row.
    fn slopes(batch: &Batch) -> Result<Tensor, NnError> {
        let reason = "irm needs a loss whose slope is known: cross-entropy or squares";
        let unknown = NnError::Setting { field: "objective", value: "no slope".into(), reason };
        batch.objective.slopes(batch.output, &batch.examples.targets)?.ok_or(unknown)
    }

    /// The mean of `values` (rows) in each domain.
    fn means(batch: &Batch, values: &Tensor) -> Result<Tensor, NnError> {
        let means = by_domain(batch)?.into_values().map(|rows| mean_over(batch, values, &rows));
        Ok(Tensor::stack(&means.collect::<Result<Vec<_>, _>>()?, 0)?)
    }
}

impl Transfer for Invariance {
    fn penalty(&self, _params: &Params, batch: &Batch) -> Result<Option<Tensor>, NnError> {
        if batch.progress < self.from {
            return Ok(None);
        }
        let penalty = match self.kind {
            Kind::Irm => Self::means(batch, &Self::slopes(batch)?)?.sqr()?.mean_all()?,
            Kind::IrmUnbiased => {
                let slopes = Self::slopes(batch)?;
                let mut products = Vec::new();
                for rows in by_domain(batch)?.into_values().filter(|rows| rows.len() > 1) {
                    let half = |first: usize| -> Vec<u32> { rows.iter().skip(first).step_by(2).copied().collect() };
                    let (even, odd) = (mean_over(batch, &slopes, &half(0))?, mean_over(batch, &slopes, &half(1))?);
                    products.push((even * odd)?);
                }
                if products.is_empty() {
                    return Ok(None);
                }
                Tensor::stack(&products, 0)?.mean_all()?
            }
            Kind::VRex => {
                let risks = Self::means(batch, batch.losses)?;
                risks.broadcast_sub(&risks.mean_all()?)?.sqr()?.mean_all()?
            }
        };
        Ok(Some((penalty * self.weight)?))
    }
}

/// Features carry little information: the mean over domains and features of the features' variance (divisor n - 1) in a
/// domain. Together with IRM it is IB-IRM (Ahuja et al. 2021, arXiv:2106.06607).
#[derive(Clone, Copy, Debug)]
pub struct Bottleneck {
    /// Factor on the penalty.
    pub weight: f64,
}

impl Default for Bottleneck {
    fn default() -> Self {
        Self { weight: 1.0 }
    }
}

impl Transfer for Bottleneck {
    fn penalty(&self, _params: &Params, batch: &Batch) -> Result<Option<Tensor>, NnError> {
        let features = batch.output.features.flatten_from(1)?;
        let mut variances = Vec::new();
        for rows in by_domain(batch)?.into_values().filter(|rows| rows.len() > 1) {
            variances.push(rows_of(&features, &rows)?.var(0)?.mean_all()?);
        }
        if variances.is_empty() {
            return Ok(None);
        }
        Ok(Some((Tensor::stack(&variances, 0)?.mean_all()? * self.weight)?))
    }
}
