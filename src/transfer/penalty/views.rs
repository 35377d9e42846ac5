//! Rows that show the same in another way, and a network that says the same of them.

use candle_core::{D, DType, Tensor};

use crate::math::Stream;
use crate::nn::{NnError, Output, Params, loss};
use crate::transfer::penalty::random_convolution::{RandomNetwork, blend_map};
use crate::transfer::penalty::{risk, visit_training};
use crate::transfer::{Batch, FitContext, Transfer};

/// What is added to the loss so that the network learns on `views` of the first input in place of the rows themselves, and
/// says the same of all: the mean of their losses plus `weight` times the mean of KL(view ‖ mean of views) in a classifier, or
/// of squares from the mean.
fn consistent(batch: &Batch, views: &[Tensor], weight: f64) -> Result<Tensor, NnError> {
    let weights = batch.examples.weights.as_ref();
    let is_classifier = batch.objective.right(batch.output, &batch.examples.targets)?.is_some();
    let mut added = risk(batch)?.neg()?;
    let mut said = Vec::new();
    for view in views {
        let mut inputs = batch.examples.inputs.clone();
        inputs[0] = view.clone();
        let output: Output = batch.network.forward(&inputs, batch.mode)?;
        let losses = batch.objective.losses(&output, &batch.examples.targets)?;
        added = (added + (loss::mean(&losses, weights)? / views.len() as f64)?)?;
        let logits = output.logits.flatten_from(1)?;
        said.push(if is_classifier { candle_nn::ops::log_softmax(&logits, D::Minus1)? } else { logits });
    }
    let rows = said.first().map_or(Ok(1), |said| said.dim(0))? as f64;
    let count = said.len() as f64;
    let center = |said: &[Tensor]| -> Result<Tensor, NnError> { Ok(Tensor::stack(said, 0)?.mean(0)?) };
    let distance = if is_classifier {
        let shares = said.iter().map(Tensor::exp).collect::<candle_core::Result<Vec<_>>>()?;
        // A share of 0 has no logarithm.
        let middle = (center(&shares)? + 1e-12)?.log()?;
        let mut sum = middle.zeros_like()?;
        for (share, log) in shares.iter().zip(&said) {
            sum = (sum + (share * (log - &middle)?)?)?;
        }
        (sum.sum_all()? / (rows * count))?
    } else {
        let middle = center(&said)?;
        let mut sum = middle.zeros_like()?;
        for own in &said {
            sum = (sum + (own - &middle)?.sqr()?)?;
        }
        (sum.sum_all()? / (rows * count))?
    };
    Ok((added + (distance * weight)?)?)
}

/// The first input of the network, with its numbers of channels, rows and columns: (batch, channels, height, width), or
/// (batch, width) as one row of pixels.
fn pictures<'a>(batch: &Batch<'a>) -> Result<(&'a Tensor, [usize; 3]), NnError> {
    let input = batch.examples.inputs.first();
    let wrong = |value: String| {
        let reason = "an augmentation needs pictures (rows, channels, height, width) or numbers (rows, width)";
        NnError::Setting { field: "input", value, reason }
    };
    let input = input.ok_or_else(|| wrong("none".into()))?;
    match *input.dims() {
        [_, channels, height, width] => Ok((input, [channels, height, width])),
        [_, width] => Ok((input, [1, 1, width])),
        ref other => Err(wrong(format!("{other:?}"))),
    }
}

/// Augmentation of acquisition: every picture is seen through two random networks ([`RandomNetwork`], GIN), which are blended
/// by a smooth map and its complement ([`blend_map`], IPA). The network learns on both views and says the same of them
/// (Ouyang et al. 2022, arXiv:2111.12525). Inputs without rows and columns get kernels of one pixel.
#[derive(Clone, Copy, Debug)]
pub struct GinIpa {
    /// Factor on the divergence of the two views.
    pub weight: f64,
    /// Distance of the control points of the map, as a share of the longer edge.
    pub spacing: f64,
    seed: u64,
}

impl Default for GinIpa {
    /// Weight 10, control points an eighth of the edge apart (24 pixels of 192).
    fn default() -> Self {
        Self { weight: 10.0, spacing: 0.125, seed: 0 }
    }
}

impl Transfer for GinIpa {
    fn prepare(&mut self, context: &FitContext, _params: &mut Params) -> Result<(), NnError> {
        self.seed = context.seed;
        Ok(())
    }

    fn penalty(&self, _params: &Params, batch: &Batch) -> Result<Option<Tensor>, NnError> {
        let (input, [channels, height, width]) = pictures(batch)?;
        let values: Vec<f32> = input.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?;
        let size = channels * height * width;
        let (mut first, mut second) = (Vec::with_capacity(values.len()), Vec::with_capacity(values.len()));
        // A function of the step, so that a training that continues draws the same.
        let mut stream = Stream::numbered(self.seed, batch.progress.to_bits() ^ 0x0067_696e);
        let spacing = (self.spacing * height.max(width) as f64).max(2.0);
        for picture in values.chunks(size.max(1)) {
            let mut seen = || RandomNetwork::draw(channels, height == 1, &mut stream).apply(picture, height, width);
            let (one, other) = (seen(), seen());
            let map = blend_map(height, width, spacing, &mut stream);
            for (k, (one, other)) in one.into_iter().zip(other).enumerate() {
                let share = map[k % (height * width)];
                first.push(share * one + (1.0 - share) * other);
                second.push(share * other + (1.0 - share) * one);
            }
        }
        let views = [first, second].map(|view| Tensor::from_vec(view, input.shape(), input.device()));
        let views = views.into_iter().map(|view| view?.to_dtype(input.dtype())).collect::<Result<Vec<_>, _>>()?;
        Ok(Some(consistent(batch, &views, self.weight)?))
    }
}

/// How a domain changes what is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// x = a_e z + b_e for every channel (of pictures) or column (of numbers), fitted as standard deviation and mean of the
    /// training rows of domain e.
    Affine,
    /// The channels trade places: the colour of pictures with two channels is flipped.
    Channels,
}

/// Counterfactual pairs of a structural causal model: the noise of a row is recovered under its domain, the domain is set to
/// another one, and the row is computed anew (Pearl's abduction, action, prediction); label and everything that the domain
/// does not change stay. The network learns on both rows and says the same of them.
#[derive(Clone, Debug)]
pub struct Counterfactual {
    /// How a domain changes a row.
    pub mechanism: Mechanism,
    /// Factor on the divergence of the two rows.
    pub weight: f64,
    seed: u64,
    /// Means and standard deviations (channels) of each domain.
    fitted: Vec<(Vec<f64>, Vec<f64>)>,
}

impl Default for Counterfactual {
    fn default() -> Self {
        Self::of(Mechanism::Affine)
    }
}

impl Counterfactual {
    /// Under this mechanism, with weight 1.
    pub fn of(mechanism: Mechanism) -> Self {
        Self { mechanism, weight: 1.0, seed: 0, fitted: Vec::new() }
    }

    /// Rows (rows, channels, …) of these domains as they would be in others.
    ///
    /// # Errors
    /// If the tensor library fails or a domain was not fitted.
    pub fn moved(&self, input: &Tensor, from: &[u32], to: &[u32]) -> Result<Tensor, NnError> {
        if self.mechanism == Mechanism::Channels {
            let channels = input.dim(1)? as u32;
            let order: Vec<u32> = (0..channels).rev().collect();
            return Ok(input.index_select(&Tensor::new(order, input.device())?, 1)?);
        }
        let channels = input.dim(1)?;
        let (mut factors, mut offsets) = (Vec::new(), Vec::new());
        for (from, to) in from.iter().zip(to) {
            let of = |domain: u32| {
                let reason = "the mechanism was fitted on fewer domains";
                let unknown = NnError::Setting { field: "domains", value: domain.to_string(), reason };
                self.fitted.get(domain as usize).filter(|fitted| fitted.0.len() == channels).ok_or(unknown)
            };
            let (old, new) = (of(*from)?, of(*to)?);
            for channel in 0..channels {
                let factor = new.1[channel] / old.1[channel];
                factors.push(factor);
                offsets.push(new.0[channel] - factor * old.0[channel]);
            }
        }
        let mut shape = vec![1; input.rank()];
        (shape[0], shape[1]) = (from.len(), channels);
        let tensor = |values: Vec<f64>| -> Result<Tensor, NnError> {
            Ok(Tensor::from_vec(values, shape.as_slice(), input.device())?.to_dtype(input.dtype())?)
        };
        Ok(input.broadcast_mul(&tensor(factors)?)?.broadcast_add(&tensor(offsets)?)?)
    }
}

impl Transfer for Counterfactual {
    fn prepare(&mut self, context: &FitContext, _params: &mut Params) -> Result<(), NnError> {
        self.seed = context.seed;
        if self.mechanism == Mechanism::Channels {
            return Ok(());
        }
        // Count, sum and sum of squares of every channel.
        let mut sums: Vec<(f64, Vec<f64>, Vec<f64>)> = Vec::new();
        visit_training(context, |examples| {
            let reason = "counterfactual rows are made of the first input of the network";
            let none = NnError::Setting { field: "inputs", value: "none".into(), reason };
            let rows = examples.inputs.first().ok_or(none)?.to_dtype(DType::F64)?;
            let (count, channels) = (rows.dim(0)?, rows.dim(1)?);
            let rows = rows.reshape((count, channels, ()))?;
            let pixels = rows.dim(2)? as f64;
            let (sum, squares) = (rows.sum(2)?.to_vec2::<f64>()?, rows.sqr()?.sum(2)?.to_vec2::<f64>()?);
            for (row, domain) in examples.domains()?.into_iter().enumerate() {
                let needed = domain as usize + 1;
                let len = sums.len().max(needed);
                sums.resize(len, (0.0, vec![0.0; channels], vec![0.0; channels]));
                let own = &mut sums[domain as usize];
                own.0 += pixels;
                for channel in 0..channels {
                    own.1[channel] += sum[row][channel];
                    own.2[channel] += squares[row][channel];
                }
            }
            Ok(())
        })?;
        let fitted = |(count, sum, squares): (f64, Vec<f64>, Vec<f64>)| {
            let means: Vec<f64> = sum.iter().map(|sum| sum / count.max(1.0)).collect();
            let variance = |(square, mean): (&f64, &f64)| (square / count.max(1.0) - mean * mean).max(0.0);
            // A constant channel is only shifted.
            let sds =
                squares.iter().zip(&means).map(variance).map(|v| if v > 1e-12 { v.sqrt() } else { 1.0 }).collect();
            (means, sds)
        };
        self.fitted = sums.into_iter().map(fitted).collect();
        Ok(())
    }

    fn penalty(&self, _params: &Params, batch: &Batch) -> Result<Option<Tensor>, NnError> {
        let (input, _) = pictures(batch)?;
        let from = batch.examples.domains()?;
        let count = self.fitted.len();
        let mut stream = Stream::numbered(self.seed, batch.progress.to_bits() ^ 0x0070_6169_7273);
        // Another domain than its own, if there is one.
        let mut other = |domain: &u32| match count {
            0 | 1 => *domain,
            _ => ((*domain as usize + 1 + stream.below(count - 1)) % count) as u32,
        };
        let to: Vec<u32> = from.iter().map(&mut other).collect();
        let moved = self.moved(input, &from, &to)?;
        Ok(Some(consistent(batch, &[input.clone(), moved], self.weight)?))
    }
}
