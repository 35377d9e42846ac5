//! What a network says of each site, and how good that is.

use candle_core::{DType, Device, Tensor};
use ndarray::Array2;

use crate::classic::phylogeny::{MISSING, Site, Work};
use crate::data::sequence::{UNKNOWN, complement};
use crate::lab::Measurement;
use crate::math::Stream;
use crate::nn::{Mode, Network};
use crate::study::StudyError;
use crate::study::metric::Predictions;
use crate::study::metric::ranking::auc;
use crate::study::stats::{mean, pearson, spearman};
use crate::systems::genome::material::{Kind, Material, Truth};
use crate::systems::genome::training::Windows;

/// Rows computed at once.
const ROWS: usize = 16;
/// Every seventh position is masked at once: 14 % of them, nearly as many as in training.
const PASSES: usize = 7;
/// Sites on which a rate for all sites is fitted.
const FITTED: usize = 1_000;
/// Bins of predicted probabilities.
const BINS: usize = 10;

/// What is predicted of a site.
pub struct Predicted<'a> {
    /// Its parameters.
    pub site: Site,
    /// What was observed.
    pub column: &'a [u8],
    /// What it was drawn with, where that is known.
    pub truth: Option<&'a Truth>,
}

/// The parameters that one row of an output states: four θ, or frequencies and log rate.
pub fn site_of(row: &[f64]) -> Site {
    match *row {
        [a, c, g, t, log_rate] => Site { frequencies: [a, c, g, t], log_rate },
        _ => Site::from_theta([row[0], row[1], row[2], row[3]]),
    }
}

/// Predicts every site of the windows, each masked in one of several passes if `is_masked`.
///
/// # Errors
/// If the network fails.
pub fn predict<'a>(
    network: &dyn Network,
    windows: &Windows<'a>,
    is_masked: bool,
) -> Result<Vec<Predicted<'a>>, StudyError> {
    let mut found = Vec::new();
    let all: Vec<usize> = (0..windows.rows.len()).collect();
    for rows in all.chunks(ROWS) {
        let mut sites: Vec<Vec<Option<Site>>> = vec![vec![None; windows.window]; rows.len()];
        for pass in 0..if is_masked { PASSES } else { 1 } {
            let is_read = |site: usize| !is_masked || site % PASSES == pass;
            let letters = rows.iter().flat_map(|&row| {
                let mut letters = windows.letters(row);
                let own = letters[windows.context / 2..].iter_mut().take(windows.window).enumerate();
                own.filter(|(site, _)| is_masked && is_read(*site)).for_each(|(_, base)| *base = UNKNOWN);
                letters.into_iter().map(u32::from)
            });
            let shape = (rows.len(), windows.window + windows.context);
            let letters = Tensor::from_vec(letters.collect::<Vec<u32>>(), shape, &Device::Cpu)?;
            let output = network.forward(&[letters], Mode::Eval)?.logits.detach().to_dtype(DType::F64)?;
            for (sites, row) in sites.iter_mut().zip(output.to_vec3::<f64>()?) {
                let read = sites.iter_mut().zip(row).enumerate().filter(|(k, _)| is_read(*k));
                read.for_each(|(_, (site, row))| *site = Some(site_of(&row)));
            }
        }
        for (&row, sites) in rows.iter().zip(sites) {
            let segment = &windows.segments[windows.rows[row].0];
            for (at, site) in windows.sites(row).zip(sites) {
                // Every pass reads its share of the sites, together all.
                let Some(site) = site else { continue };
                found.push(Predicted { site, column: windows.column(row, at), truth: segment.truth.get(at) });
            }
        }
    }
    Ok(found)
}

/// log P(column | base of the reference) in nats.
fn given_reference(material: &Material, site: &Site, column: &[u8], work: &mut Work) -> f64 {
    let base = usize::from(column[material.reference]);
    material.f81.log_likelihood(site, column, work) - site.frequencies[base].ln()
}

/// Sites whose reference and at least one other base are known: the others say nothing.
fn informative<'p, 'a>(
    material: &Material,
    predicted: &'p [Predicted<'a>],
) -> impl Iterator<Item = &'p Predicted<'a>> + use<'p, 'a> {
    let reference = material.reference;
    predicted.iter().filter(move |p| {
        let others = p.column.iter().enumerate().filter(|(k, _)| *k != reference);
        p.column[reference] < MISSING && others.into_iter().any(|(_, base)| *base < MISSING)
    })
}

/// Mean log P(column | base of the reference) over the informative sites, in nats; `None` without any.
pub fn log_likelihood(material: &Material, predicted: &[Predicted]) -> Option<f64> {
    let mut work = Work::default();
    let values: Vec<f64> =
        informative(material, predicted).map(|p| given_reference(material, &p.site, p.column, &mut work)).collect();
    mean(&values)
}

/// The logarithm of the rate for all sites under which the columns are likeliest, by golden-section search.
pub fn fitted_rate(material: &Material, predicted: &[Predicted]) -> f64 {
    let some: Vec<&Predicted> = informative(material, predicted).take(FITTED).collect();
    let mut work = Work::default();
    let mut value = |log_rate: f64| -> f64 {
        let one = |p: &&Predicted| given_reference(material, &Site { log_rate, ..p.site }, p.column, &mut work);
        some.iter().map(one).sum()
    };
    let golden = 0.5 * (5f64.sqrt() - 1.0);
    let (mut low, mut high) = (-5.0, 4.0);
    let (mut left, mut right) = (high - golden * (high - low), low + golden * (high - low));
    let (mut at_left, mut at_right) = (value(left), value(right));
    for _ in 0..25 {
        if at_left > at_right {
            (high, right, at_right) = (right, left, at_left);
            left = high - golden * (high - low);
            at_left = value(left);
        } else {
            (low, left, at_left) = (left, right, at_right);
            right = low + golden * (high - low);
            at_right = value(right);
        }
    }
    0.5 * (low + high)
}

/// Every figure of the predictions on test sites. Rates are compared with the truth if the arm has them.
pub fn measure(material: &Material, predicted: &[Predicted], has_rate: bool, seed: u64) -> Measurement {
    let bins = bins(material, predicted, has_rate);
    let found = Measurement::default()
        .value_if("log_likelihood", log_likelihood(material, predicted))
        .value_if("calibration", calibration_error(&bins))
        .keep("calibration", &bins.to_vec());
    let known: Vec<(&Predicted, &Truth)> = predicted.iter().filter_map(|p| Some((p, p.truth?))).collect();
    if known.is_empty() {
        return found;
    }
    let divergence = |(p, truth): &(&Predicted, &Truth)| -> f64 {
        let pairs = truth.site.frequencies.iter().zip(p.site.frequencies);
        pairs.map(|(own, other)| own * (own / other.max(1e-300)).ln()).sum()
    };
    let of = |is_motif: bool| {
        let sites = known.iter().filter(|(_, truth)| (truth.kind != Kind::Background) == is_motif);
        mean(&sites.map(divergence).collect::<Vec<f64>>())
    };
    let all = |of: fn(&Site) -> Vec<f64>| {
        let (one, two): (Vec<_>, Vec<_>) = known.iter().map(|(p, truth)| (of(&p.site), of(&truth.site))).unzip();
        (one.concat(), two.concat())
    };
    let (frequencies, true_frequencies) = all(|site| site.frequencies.to_vec());
    let (rates, true_rates) = all(|site| vec![site.log_rate]);
    // The base of the reference, on background sites: what the network adds to it.
    let excess = |(p, truth): &(&Predicted, &Truth)| {
        let base = usize::from(p.column[material.reference]);
        p.site.frequencies.get(base).map(|own| own - truth.site.frequencies[base])
    };
    let background = known.iter().filter(|(_, truth)| truth.kind == Kind::Background);
    found
        .value_if("kl", of(true))
        .value_if("kl_background", of(false))
        .value_if("frequency_correlation", pearson(&frequencies, &true_frequencies))
        .value_if("rate_correlation", spearman(&rates, &true_rates).filter(|_| has_rate))
        .value_if("variant_auroc", variants(material, &known, seed))
        .value_if("reference_excess", mean(&background.filter_map(excess).collect::<Vec<f64>>()))
}

/// AUROC of log π_ref - log π_alt between variants in cores of motifs and in the background, one alternative a site.
fn variants(material: &Material, known: &[(&Predicted, &Truth)], seed: u64) -> Option<f64> {
    let mut stream = Stream::named(seed, "variants");
    let (mut scores, mut labels) = (Vec::new(), Vec::new());
    for (p, truth) in known.iter().filter(|(_, truth)| truth.kind != Kind::Flank) {
        let from = usize::from(p.column[material.reference]);
        let to = (from + 1 + stream.below(3)) % 4;
        let score = (p.site.frequencies[from.min(3)] / p.site.frequencies[to].max(1e-300)).ln();
        let chance = 1.0 / (1.0 + (-score).exp());
        scores.extend([1.0 - chance, chance]);
        labels.push(usize::from(truth.kind == Kind::Core));
    }
    let scores = Array2::from_shape_vec((labels.len(), 2), scores).ok()?;
    auc(&Predictions::new(scores, labels).ok()?).ok()
}

/// Sums over one bin of predicted probabilities: predicted, observed, and their number.
pub type Bin = (f64, f64, f64);

/// Predicted against observed bases of the other genomes, by ten bins of predicted probability: each base of each genome,
/// given the base of the reference and the path to it where there is a rate.
fn bins(material: &Material, predicted: &[Predicted], has_rate: bool) -> [Bin; BINS] {
    let distances = material.tree.distances_to(material.reference);
    let mut bins = [(0.0, 0.0, 0.0); BINS];
    for p in informative(material, predicted) {
        let base = p.column[material.reference];
        for (leaf, own) in p.column.iter().enumerate().filter(|(k, base)| *k != material.reference && **base < MISSING)
        {
            let chances = if has_rate { p.site.transition(base, distances[leaf]) } else { p.site.frequencies };
            for (b, chance) in chances.into_iter().enumerate() {
                let bin = &mut bins[((chance * BINS as f64) as usize).min(BINS - 1)];
                bin.0 += chance;
                bin.1 += f64::from(u8::from(b == usize::from(*own)));
                bin.2 += 1.0;
            }
        }
    }
    bins
}

/// Expected calibration error: the mean distance between predicted probability and observed frequency.
fn calibration_error(bins: &[Bin]) -> Option<f64> {
    let total: f64 = bins.iter().map(|bin| bin.2).sum();
    (total > 0.0).then(|| bins.iter().map(|bin| (bin.0 - bin.1).abs()).sum::<f64>() / total)
}

/// The largest difference between θ of a row and θ of its other strand, turned back.
///
/// # Errors
/// If the network fails.
pub fn strand_error(network: &dyn Network, letters: &[u8]) -> Result<f64, StudyError> {
    let theta = |letters: Vec<u32>| -> Result<Vec<Vec<f64>>, StudyError> {
        let input = Tensor::new(letters, &Device::Cpu)?.unsqueeze(0)?;
        let output = network.forward(&[input], Mode::Eval)?;
        Ok(output.logits.detach().squeeze(0)?.to_dtype(DType::F64)?.to_vec2()?)
    };
    let own = theta(letters.iter().map(|base| u32::from(*base)).collect())?;
    let other = theta(letters.iter().rev().map(|base| u32::from(complement(*base))).collect())?;
    let rows = own.iter().zip(other.iter().rev());
    let pairs = rows.flat_map(|(own, other)| own.iter().zip(other.iter().rev()));
    Ok(pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max))
}
