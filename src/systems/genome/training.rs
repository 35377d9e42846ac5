//! Rows, losses and networks of the training.

use std::sync::Arc;

use candle_core::{D, DType, Device, Tensor};
use candle_nn::ops::log_softmax;

use crate::classic::phylogeny::{F81, MISSING};
use crate::data::sequence::{GAP, UNKNOWN};
use crate::math::Stream;
use crate::nn::init::Init;
use crate::nn::loss::{Objective, column_log_likelihood};
use crate::nn::model::first;
use crate::nn::{Dataset, Examples, Mode, Model, Network, NnError, Output, Params};
use crate::systems::genome::arms::Target;
use crate::systems::genome::material::Segment;

/// Share of positions that are masked in a step.
const MASKED: f64 = 0.15;

/// Rows of `window` sites that follow each other, with as many bases around them as a network needs. Beyond the end of a
/// segment stands padding.
pub struct Windows<'a> {
    /// Where the sites are.
    pub segments: &'a [Segment],
    /// Segment and first site of each row.
    pub rows: Vec<(usize, usize)>,
    /// Sites of a row.
    pub window: usize,
    /// Bases on both sides together.
    pub context: usize,
    /// Leaves of a column.
    pub leaves: usize,
    /// The leaf of the reference.
    pub reference: usize,
    /// What is learned.
    pub target: Target,
    /// For the positions that are masked where nothing is drawn anew.
    pub seed: u64,
}

impl<'a> Windows<'a> {
    /// Every site of the segments once.
    pub fn new(
        segments: &'a [Segment],
        (window, context): (usize, usize),
        (leaves, reference): (usize, usize),
        target: Target,
        seed: u64,
    ) -> Self {
        let starts =
            |(k, segment): (usize, &Segment)| (0..segment.bases.len()).step_by(window).map(move |start| (k, start));
        let rows = segments.iter().enumerate().flat_map(starts).collect();
        Self { segments, rows, window, context, leaves, reference, target, seed }
    }

    /// The letters that a network reads for a row, padding beyond the segment.
    pub fn letters(&self, row: usize) -> Vec<u8> {
        let (segment, start) = self.rows[row];
        let bases = &self.segments[segment].bases;
        let before = self.context / 2;
        (0..self.window + self.context)
            .map(|k| (start + k).checked_sub(before).and_then(|at| bases.get(at)).copied().unwrap_or(GAP))
            .collect()
    }

    /// The sites of a row: indices in its segment.
    pub fn sites(&self, row: usize) -> std::ops::Range<usize> {
        let (segment, start) = self.rows[row];
        start..(start + self.window).min(self.segments[segment].bases.len())
    }

    /// The column of a site.
    pub fn column(&self, row: usize, site: usize) -> &'a [u8] {
        &self.segments[self.rows[row].0].columns[site * self.leaves..][..self.leaves]
    }

    /// Whether a column says anything beyond its reference.
    pub fn is_informative(&self, column: &[u8]) -> bool {
        column[self.reference] < MISSING
            && column.iter().enumerate().any(|(k, base)| k != self.reference && *base < MISSING)
    }
}

impl Dataset for Windows<'_> {
    fn len(&self) -> usize {
        self.rows.len()
    }

    fn rows(&self, rows: &[u32], mode: Mode) -> Result<Examples, NnError> {
        let (window, length) = (self.window, self.window + self.context);
        let (mut letters, mut columns, mut weights, mut shares) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for &row in rows {
            let row = row as usize;
            let mut read = self.letters(row);
            let mut counted = vec![0f32; window];
            let mut stream = match mode {
                Mode::Train { seed } => Stream::numbered(seed, row as u64),
                Mode::Eval => Stream::numbered(self.seed, row as u64),
            };
            let sites = self.sites(row);
            let start = sites.start;
            columns.extend(sites.clone().flat_map(|site| self.column(row, site)));
            columns.extend(std::iter::repeat_n(MISSING, (window - sites.len()) * self.leaves));
            for site in sites {
                let column = self.column(row, site);
                let is_counted = match self.target {
                    Target::Base => stream.uniform() < MASKED && column[self.reference] < MISSING,
                    _ => self.is_informative(column),
                };
                counted[site - start] = f32::from(u8::from(is_counted));
                if is_counted && self.target == Target::Base {
                    read[site - start + self.context / 2] = UNKNOWN;
                }
            }
            letters.extend(read.into_iter().map(u32::from));
            shares.push(counted.iter().sum::<f32>() / window as f32);
            weights.extend(counted);
        }
        let count = rows.len();
        let cpu = &Device::Cpu;
        Ok(Examples {
            weights: Some(Tensor::from_vec(shares, count, cpu)?),
            targets: vec![
                Tensor::from_vec(columns, (count, window, self.leaves), cpu)?,
                Tensor::from_vec(weights, (count, window), cpu)?,
            ],
            ..Examples::new(Tensor::from_vec(letters, (count, length), cpu)?, Tensor::zeros(count, DType::F32, cpu)?)
        })
    }
}

/// The loss of a row: the mean over its counted sites. The output holds θ (…, 4), or frequencies and log rate (…, 5).
pub struct SiteObjective {
    /// The tree of the columns.
    pub f81: Arc<F81>,
    /// The leaf of the reference.
    pub reference: usize,
    /// What is learned.
    pub target: Target,
}

impl SiteObjective {
    /// Logarithms of the frequencies (sites, 4).
    fn log_frequencies(parameters: &Tensor) -> candle_core::Result<Tensor> {
        match parameters.dim(1)? {
            5 => parameters.narrow(1, 0, 4)?.log(),
            _ => log_softmax(parameters, D::Minus1),
        }
    }
}

impl Objective for SiteObjective {
    fn losses(&self, output: &Output, targets: &[Tensor]) -> Result<Tensor, NnError> {
        let reason = "columns and weights are expected";
        let [columns, weights] = targets else {
            return Err(NnError::Setting { field: "targets", value: targets.len().to_string(), reason });
        };
        let (rows, window, leaves) = columns.dims3()?;
        let parameters = output.logits.reshape((rows * window, ()))?;
        let columns = columns.reshape((rows * window, leaves))?;
        let weights = weights.to_dtype(parameters.dtype())?;
        let bases = || -> candle_core::Result<Tensor> {
            // A base that is not known has weight 0; any index does for it.
            let bases = columns.narrow(1, self.reference, 1)?.to_dtype(DType::U32)?.contiguous()?;
            bases.minimum(&bases.ones_like()?.affine(3.0, 0.0)?)
        };
        let own = |log: &Tensor| -> candle_core::Result<Tensor> { log.gather(&bases()?, 1)?.squeeze(1) };
        let losses = match self.target {
            Target::Column { is_conditioned } => {
                let log = column_log_likelihood(&parameters, &columns, &self.f81)?;
                match is_conditioned {
                    true => (own(&Self::log_frequencies(&parameters)?)? - log)?,
                    false => log.neg()?,
                }
            }
            Target::Base => own(&Self::log_frequencies(&parameters)?)?.neg()?,
            Target::Counts => {
                let shares = self.shares(&columns, parameters.dtype())?;
                (Self::log_frequencies(&parameters)? * shares)?.sum(D::Minus1)?.neg()?
            }
        };
        let sums = (losses.reshape((rows, window))? * &weights)?.sum(1)?;
        Ok((sums / weights.sum(1)?.maximum(1.0)?)?)
    }
}

impl SiteObjective {
    /// Base frequencies of the other leaves (sites, 4).
    fn shares(&self, columns: &Tensor, dtype: DType) -> candle_core::Result<Tensor> {
        let (sites, leaves) = columns.dims2()?;
        let columns = columns.flatten_all()?.to_vec1::<u8>()?;
        let shares: Vec<f64> = columns.chunks(leaves).flat_map(|column| counts(column, self.reference)).collect();
        Tensor::from_vec(shares, (sites, 4), &Device::Cpu)?.to_dtype(dtype)
    }
}

/// Base frequencies of the leaves but one; 0 where none is known.
pub fn counts(column: &[u8], reference: usize) -> [f64; 4] {
    let mut counts = [0.0; 4];
    for (_, base) in column.iter().enumerate().filter(|(k, base)| *k != reference && **base < MISSING) {
        counts[usize::from(*base)] += 1.0;
    }
    let total: f64 = counts.iter().sum::<f64>().max(1.0);
    counts.map(|count| count / total)
}

/// One θ for every site: `theta` (4).
pub struct Composition {
    /// Bases around the sites of a row, which it does not read.
    pub context: usize,
}

struct BuiltComposition {
    theta: Tensor,
    context: usize,
}

impl Model for Composition {
    fn build<'a>(&'a self, params: &mut Params) -> Result<Box<dyn Network + 'a>, NnError> {
        let theta = params.get("theta", &[4], Init::Constant(LOG_THIRD))?;
        Ok(Box::new(BuiltComposition { theta, context: self.context }))
    }
}

/// θ of a site with flat frequencies and one substitution per unit of length.
pub const LOG_THIRD: f64 = -1.098_612_288_668_109_8;

impl Network for BuiltComposition {
    fn forward(&self, inputs: &[Tensor], _mode: Mode) -> Result<Output, NnError> {
        let (rows, length) = first(inputs)?.dims2()?;
        let theta = self.theta.reshape((1, 1, 4))?.broadcast_as((rows, length - self.context, 4))?.contiguous()?;
        Ok(Output::new(theta.clone(), theta))
    }
}
