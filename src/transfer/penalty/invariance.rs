//! Learning what holds in every domain.

use candle_core::Tensor;

use crate::nn::{NnError, Params, loss};
use crate::transfer::penalty::{by_domain, rows_of};
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
    VRex,
}

impl Invariance {
    /// IRMv1: the mean over domains of (dR_e(w f)/dw)² at w = 1, R_e the mean loss in domain e (Arjovsky et al. 2019,
    /// arXiv:1907.02893). The derivative is taken by formula, since a second derivative cannot be had from tensors.
    pub fn irm() -> Self {
        Self { kind: Kind::Irm, weight: 1.0, from: 0.0 }
    }

    /// V-REx: the variance over domains of their mean losses (Krueger et al. 2021, arXiv:2003.00688).
    pub fn v_rex() -> Self {
        Self { kind: Kind::VRex, weight: 1.0, from: 0.0 }
    }

    /// The mean of `values` (rows) in each domain, rows without a label left out.
    fn means(&self, batch: &Batch, values: &Tensor) -> Result<Tensor, NnError> {
        let mean = |rows: Vec<u32>| {
            let weights = batch.examples.weights.as_ref().map(|weights| rows_of(weights, &rows)).transpose()?;
            loss::mean(&rows_of(values, &rows)?, weights.as_ref())
        };
        let means = by_domain(batch)?.into_iter().map(mean).collect::<Result<Vec<_>, _>>()?;
        Ok(Tensor::stack(&means, 0)?)
    }
}

impl Transfer for Invariance {
    fn penalty(&self, _params: &Params, batch: &Batch) -> Result<Option<Tensor>, NnError> {
        if batch.progress < self.from {
            return Ok(None);
        }
        let penalty = match self.kind {
            Kind::Irm => {
                let reason = "irm needs a loss whose slope is known: cross-entropy or squares";
                let unknown = NnError::Setting { field: "objective", value: "no slope".into(), reason };
                let slopes = batch.objective.slopes(batch.output, &batch.examples.targets)?.ok_or(unknown)?;
                self.means(batch, &slopes)?.sqr()?.mean_all()?
            }
            Kind::VRex => {
                let risks = self.means(batch, batch.losses)?;
                risks.broadcast_sub(&risks.mean_all()?)?.sqr()?.mean_all()?
            }
        };
        Ok(Some((penalty * self.weight)?))
    }
}
