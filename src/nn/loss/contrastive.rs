//! Losses of pairs on a matrix of scores: rows are items of one kind, columns those of the other, and pairs lie on the diagonal.
//! The scores are cosines over a temperature ([`ContrastiveScale`](crate::nn::layer::ContrastiveScale)).

use candle_core::{D, Result, Tensor, bail};
use candle_nn::ops::log_softmax;
use serde::{Deserialize, Serialize};

use crate::nn::loss::Objective;
use crate::nn::{NnError, Output};

/// What a score is lowered by so that its softmax is exactly 0.
const HIDDEN: f64 = 1e9;

/// Half the cross-entropy of each row and half that of the column of its pair, (rows) (CLIP: Radford et al. 2021,
/// arXiv:2103.00020, figure 3). `excluded` (rows, rows) is 1 at entries that are left out, such as other rows whose text is
/// the same, which are no negatives; the diagonal is never left out.
///
/// # Errors
/// If the scores are not square.
pub fn clip(scores: &Tensor, excluded: Option<&Tensor>) -> Result<Tensor> {
    let rows = square(scores)?;
    let scores = match excluded {
        Some(excluded) => {
            let others = (1.0 - identity(rows, scores)?)?;
            (scores - ((excluded * others)? * HIDDEN)?)?
        }
        None => scores.clone(),
    };
    let own = Tensor::arange(0, rows as u32, scores.device())?.unsqueeze(1)?;
    let of = |scores: &Tensor| -> Result<Tensor> { log_softmax(scores, D::Minus1)?.gather(&own, 1)?.squeeze(1)?.neg() };
    (of(&scores)? + of(&scores.t()?.contiguous()?)?)? * 0.5
}

/// The mean over the columns of -log σ(s) of pairs and -log σ(-s) of others, (rows) (SigLIP: Zhai et al. 2023, arXiv:2303.15343,
/// algorithm 1, which sums over columns). `pairs` (rows, columns) is 1 at pairs, `weights` are factors on entries.
///
/// # Errors
/// If shapes do not fit.
pub fn siglip(scores: &Tensor, pairs: &Tensor, weights: Option<&Tensor>) -> Result<Tensor> {
    // max(s, 0) - s t + log(1 + e^{-|s|}) neither overflows nor loses small losses.
    let tail = (scores.abs()?.neg()?.exp()? + 1.0)?.log()?;
    let losses = ((scores.relu()? - (scores * pairs)?)? + tail)?;
    match weights {
        Some(weights) => (losses * weights)?.mean(1),
        None => losses.mean(1),
    }
}

/// As [`clip`] with several pairs in a row: the mean of -log softmax over the pairs of a row, each with its weight, and the same
/// over columns (InfoNCE with several positives: Khosla et al. 2020, arXiv:2004.11362, eq. 2). The mean over (rows) is half the
/// mean over rows with a pair plus half that over columns with one.
///
/// # Errors
/// If the scores are not square or the shapes do not fit.
pub fn multi_positive(scores: &Tensor, pairs: &Tensor) -> Result<Tensor> {
    let rows = square(scores)?;
    let of = |scores: &Tensor, pairs: &Tensor| -> Result<Tensor> {
        let weights = pairs.sum(1)?;
        let has_pair = weights.gt(0.0)?.to_dtype(weights.dtype())?;
        let shares = pairs.broadcast_div(&weights.maximum(f64::MIN_POSITIVE.sqrt())?.unsqueeze(1)?)?;
        let count: f64 = has_pair.sum_all()?.to_dtype(candle_core::DType::F64)?.to_scalar()?;
        let losses = (log_softmax(scores, D::Minus1)? * shares)?.sum(1)?.neg()?;
        losses * (0.5 * rows as f64 / count.max(1.0))
    };
    of(scores, pairs)? + of(&scores.t()?.contiguous()?, &pairs.t()?.contiguous()?)?
}

fn square(scores: &Tensor) -> Result<usize> {
    match scores.dims2()? {
        (rows, columns) if rows == columns => Ok(rows),
        shape => bail!("scores {shape:?}: pairs need as many rows as columns"),
    }
}

fn identity(rows: usize, like: &Tensor) -> Result<Tensor> {
    Tensor::eye(rows, like.dtype(), like.device())
}

/// The losses by name, as objectives: the logits of the network are scores (rows, rows), the first target is a number (rows)
/// u32 for each text, the same for texts that say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Contrastive {
    /// [`clip`]; equal texts of other rows are left out.
    Clip,
    /// [`siglip`]; equal texts are pairs.
    Siglip,
    /// [`multi_positive`]; equal texts are pairs.
    MultiPositive,
}

impl Contrastive {
    /// Temperature and offset of the scores at the start of a training with so many rows in a batch: of SigLIP 0.1 and the logarithm
    /// of the odds of a pair, -ln(batch - 1), of the others this temperature without an offset.
    ///
    /// SigLIP's offset is -10, close to the odds in batches of 32,768 (arXiv:2303.15343, section 3.2). In small batches others then
    /// weigh nothing at first, so that all items are pulled to one place before they are told apart.
    pub fn start(self, temperature: f64, batch: usize) -> (f64, Option<f64>) {
        match self {
            Self::Siglip => (0.1, Some(-(batch.saturating_sub(1).max(1) as f64).ln())),
            Self::Clip | Self::MultiPositive => (temperature, None),
        }
    }
}

impl Objective for Contrastive {
    fn losses(&self, output: &Output, targets: &[Tensor]) -> std::result::Result<Tensor, NnError> {
        let scores = &output.logits;
        let texts = super::first(targets)?;
        let rows = texts.elem_count();
        let equal = texts.reshape((rows, 1))?.broadcast_eq(&texts.reshape((1, rows))?)?.to_dtype(scores.dtype())?;
        Ok(match self {
            Self::Clip => clip(scores, Some(&equal))?,
            Self::Siglip => siglip(scores, &equal, None)?,
            Self::MultiPositive => multi_positive(scores, &equal)?,
        })
    }
}
