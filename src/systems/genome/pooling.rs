//! Embeddings of sites with what lies far around them (PhyloGPN-X of Albors et al. 2025, arXiv:2503.03773; its code calls it
//! PhyloGPN-pooled).

use candle_core::{DType, Device, Tensor};

use crate::data::sequence::GAP;
use crate::math::Stream;
use crate::nn::byte_net::ByteNet;
use crate::nn::{Mode, Model, Params};
use crate::study::StudyError;

/// The probe that reads pooled embeddings.
pub const POOLED: &str = "pooled";

/// Sites computed at once.
const SITES: usize = 2_000;

/// e + W m of sites of a sequence of bases (A 0, C 1, G 2, T 3, unknown 4), as (sites, width): e is the embedding of a site, m
/// the mean embedding of `pool` positions with the site in the middle, of which those beyond the sequence count as 0, and W a
/// fixed matrix of standard normal numbers, the same for every network of a width.
///
/// # Errors
/// If the network fails.
pub fn pooled(
    net: &ByteNet,
    params: &mut Params,
    bases: &[u8],
    sites: &[usize],
    pool: usize,
) -> Result<Tensor, StudyError> {
    let (width, context) = (net.width, net.field() - 1);
    let network = net.build(params)?;
    let letter = |k: usize| k.checked_sub(context / 2).and_then(|k| bases.get(k)).copied().unwrap_or(GAP);
    // Sums of the embeddings of all positions before each.
    let mut sums = vec![vec![0.0f64; width]];
    for start in (0..bases.len()).step_by(SITES) {
        let end = (start + SITES).min(bases.len());
        let letters: Vec<u32> = (start..end + context).map(|k| u32::from(letter(k))).collect();
        let letters = Tensor::new(letters, &Device::Cpu)?.unsqueeze(0)?;
        let features = network.forward(&[letters], Mode::Eval)?.features.detach().to_dtype(DType::F64)?;
        for own in features.squeeze(0)?.to_vec2::<f64>()? {
            let last = &sums[sums.len() - 1];
            sums.push(last.iter().zip(own).map(|(sum, own)| sum + own).collect());
        }
    }
    let between = |start: usize, end: usize| sums[end].iter().zip(&sums[start]).map(|(end, start)| end - start);
    let projection = projection(width);
    let mut found = Vec::with_capacity(sites.len() * width);
    for &site in sites {
        let (start, end) = (site.saturating_sub(pool / 2), (site + pool.div_ceil(2)).min(bases.len()));
        let mean: Vec<f64> = between(start, end).map(|sum| sum / pool as f64).collect();
        let far = projection.iter().map(|row| row.iter().zip(&mean).map(|(w, m)| w * m).sum::<f64>());
        found.extend(between(site, site + 1).zip(far).map(|(own, far)| (own + far) as f32));
    }
    Ok(Tensor::from_vec(found, (sites.len(), width), &Device::Cpu)?)
}

/// The rows of W. The source draws its own under another generator; any draw serves.
pub fn projection(width: usize) -> Vec<Vec<f64>> {
    let mut stream = Stream::named(42, "projection");
    (0..width).map(|_| (0..width).map(|_| stream.normal()).collect()).collect()
}
