//! Embeddings of sites with what lies far around them (PhyloGPN-X of Albors et al. 2025, arXiv:2503.03773; the code calls it
//! PhyloGPN-pooled).

use candle_core::{DType, Device, Tensor};

use crate::math::Stream;
use crate::nn::byte_net::ByteNet;
use crate::nn::{Mode, Model, Params};
use crate::study::StudyError;
use crate::systems::genome::material::Segment;
use crate::systems::genome::training::Windows;

/// The probe that reads pooled embeddings.
pub const POOLED: &str = "pooled";

/// Windows computed at once.
const ROWS: usize = 16;

/// e + W m of sites of a segment (sites, width): e is the embedding of a site, m the mean embedding of `pool` positions with
/// the site in the middle, of which those beyond the segment count as 0, and W a fixed matrix of standard normal numbers, the
/// same for every network of a width.
///
/// # Errors
/// If the network fails.
pub fn pooled(
    net: &ByteNet,
    params: &mut Params,
    segment: &Segment,
    sites: &[usize],
    pool: usize,
    windows: &Windows,
) -> Result<Tensor, StudyError> {
    let width = net.width;
    let network = net.build(params)?;
    // Sums of the embeddings of all positions before each.
    let mut sums = vec![vec![0.0f64; width]];
    let rows: Vec<usize> = (0..windows.rows.len()).collect();
    for rows in rows.chunks(ROWS) {
        let letters: Vec<u32> = rows.iter().flat_map(|&row| windows.letters(row)).map(u32::from).collect();
        let letters = Tensor::from_vec(letters, (rows.len(), windows.window + windows.context), &Device::Cpu)?;
        let features = network.forward(&[letters], Mode::Eval)?.features.detach().to_dtype(DType::F64)?;
        for (&row, features) in rows.iter().zip(features.to_vec3::<f64>()?) {
            for own in features.iter().take(windows.sites(row).len()) {
                let last = &sums[sums.len() - 1];
                sums.push(last.iter().zip(own).map(|(sum, own)| sum + own).collect());
            }
        }
    }
    let length = segment.bases.len();
    let between = |start: usize, end: usize| sums[end].iter().zip(&sums[start]).map(|(end, start)| end - start);
    let projection = projection(width);
    let mut found = Vec::with_capacity(sites.len() * width);
    for &site in sites {
        let start = site.saturating_sub(pool / 2);
        let end = (site + pool.div_ceil(2)).min(length);
        let mean: Vec<f64> = between(start, end).map(|sum| sum / pool as f64).collect();
        let far = projection.iter().map(|row| row.iter().zip(&mean).map(|(w, m)| w * m).sum::<f64>());
        found.extend(between(site, site + 1).zip(far).map(|(own, far)| (own + far) as f32));
    }
    Ok(Tensor::from_vec(found, (sites.len(), width), &Device::Cpu)?)
}

/// The rows of W. The source draws its own under another generator; any draw serves.
fn projection(width: usize) -> Vec<Vec<f64>> {
    let mut stream = Stream::named(42, "projection");
    (0..width).map(|_| (0..width).map(|_| stream.normal()).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classic::phylogeny::Site;
    use crate::nn::layer::NormScope;
    use crate::systems::genome::arms::Target;
    use crate::systems::genome::material::{Kind, Truth};

    /// The sum as it is written down, site by site.
    #[test]
    fn pooled_embeddings_add_the_projected_mean_around_a_site() {
        let net = ByteNet { width: 4, inner: 2, kernel: 5, dilations: vec![1, 2], norm: NormScope::Position };
        let mut params = Params::new(3, DType::F32);
        net.build(&mut params).unwrap();
        let length = 57;
        let mut stream = Stream::named(1, "bases");
        let bases: Vec<u8> = (0..length).map(|_| stream.below(4) as u8).collect();
        let site = Site { frequencies: [0.25; 4], log_rate: 0.0 };
        let truth = (0..length).map(|_| Truth { site, kind: Kind::Background }).collect();
        let segments = [Segment { columns: bases.clone(), bases, truth }];
        let target = Target::Column { is_conditioned: true };
        let windows = Windows::new(&segments, (20, net.field() - 1), (1, 0), target, 0);
        let whole = Windows::new(&segments, (length, net.field() - 1), (1, 0), target, 0);
        let letters: Vec<u32> = whole.letters(0).into_iter().map(u32::from).collect();
        let letters = Tensor::new(letters, &Device::Cpu).unwrap().unsqueeze(0).unwrap();
        let own = net.build(&mut params).unwrap().forward(&[letters], Mode::Eval).unwrap().features;
        let own: Vec<Vec<f32>> = own.detach().squeeze(0).unwrap().to_vec2().unwrap();
        let sites = [0, 3, 20, 56];
        for pool in [1, 4, 11, 5521] {
            let found = pooled(&net, &mut params, &segments[0], &sites, pool, &windows).unwrap();
            let found: Vec<Vec<f32>> = found.to_vec2().unwrap();
            for (row, &site) in found.iter().zip(&sites) {
                let near = (0..length).filter(|&k| k + pool / 2 >= site && k < site + pool.div_ceil(2));
                let mean: Vec<f64> =
                    (0..4).map(|c| near.clone().map(|k| f64::from(own[k][c])).sum::<f64>() / pool as f64).collect();
                for (c, weights) in projection(4).iter().enumerate() {
                    let far: f64 = weights.iter().zip(&mean).map(|(w, m)| w * m).sum();
                    let expected = f64::from(own[site][c]) + far;
                    // Single precision, windows of other lengths.
                    assert!((f64::from(row[c]) - expected).abs() < 1e-4, "pool {pool}, site {site}: {row:?}");
                }
            }
        }
    }
}
