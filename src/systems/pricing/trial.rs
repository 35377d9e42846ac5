//! One arm in one world under one seed.

use crate::classic::choice::{Choices, Design};
use crate::lab::{Context, Measurement};
use crate::math::Stream;
use crate::study::StudyError;
use crate::systems::pricing::arms::{ArmRow, Estimate, Sources};
use crate::systems::pricing::estimate::{Penalties, estimate};
use crate::systems::pricing::policy::Player;
use crate::systems::pricing::spec::Spec;
use crate::systems::pricing::world::{World, choice, random_offer};

/// Points of the curve of regret.
pub const POINTS: usize = 50;
/// The slope of regret is taken from this share of the rounds on.
const SLOPE_FROM: f64 = 1.0 / 16.0;

/// Plays a world.
///
/// # Errors
/// If a likelihood is not finite, or the run is to stop.
pub fn play(spec: &Spec, world: &World, arm: &'static ArmRow, context: &Context) -> Result<Measurement, StudyError> {
    let rounds = world.rounds();
    let played = Player::new(spec, world, arm).play(context)?;
    // There is at least one round.
    let regret = played.regret[rounds - 1];
    let best: f64 = world.best.iter().sum();
    let free = rounds - played.forced - played.random;
    let curve = (1..=POINTS).map(|point| played.regret[(point * rounds).div_ceil(POINTS) - 1]).collect();
    let mut found = Measurement::default()
        .value("regret", regret)
        .value("regret_share", regret / best.max(f64::MIN_POSITIVE))
        .value_if("slope", log_slope(&played.regret))
        .value_if("optimistic", (free > 0).then(|| played.optimistic as f64 / free as f64))
        .value("rounds", rounds as f64)
        .value("forced", played.forced as f64)
        .value("random", played.random as f64)
        .value("estimates", played.estimates as f64)
        .curve("regret", curve);
    if let Some(truth) = &world.truth {
        let square: f64 = truth.iter().zip(&played.nu).map(|(t, v)| (t - v) * (t - v)).sum();
        found = found.value("error", square.sqrt());
    }
    if arm.estimate == Estimate::Weighted && !world.weights.is_empty() {
        let least = world.weights.iter().copied().fold(1.0, f64::min);
        found = found.value("least_weight", least);
    }
    Ok(found)
}

/// Slope of log regret by log rounds, at rounds in equal ratios; `None` without regret.
fn log_slope(regret: &[f64]) -> Option<f64> {
    let rounds = regret.len() as f64;
    let points: Vec<(f64, f64)> = (0..=20)
        .map(|k| (rounds * SLOPE_FROM.powf(1.0 - f64::from(k) / 20.0)).round().max(1.0))
        .map(|round| (round.ln(), regret[round as usize - 1]))
        .collect();
    if points.iter().any(|(_, regret)| *regret <= 0.0) {
        return None;
    }
    let mean = |pick: fn(&(f64, f64)) -> f64| points.iter().map(pick).sum::<f64>() / points.len() as f64;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1.ln()));
    let above: f64 = points.iter().map(|point| (point.0 - x) * (point.1.ln() - y)).sum();
    let below: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
    (below > 0.0).then(|| above / below)
}

/// Which parameters are found to differ after random play in target and sources.
///
/// # Errors
/// If a likelihood is not finite.
pub fn support(spec: &Spec, world: &World) -> Result<Measurement, StudyError> {
    let target = random_play(spec, world)?;
    let rounds = world.rounds();
    let mut sources = Choices::new(target.width(), true);
    world.sources.iter().for_each(|source| sources.extend(source, 0..rounds, 1.0));
    let confidence = (target.width() as f64).ln() + 2.0 * (rounds as f64).ln();
    let penalties = Penalties { ridge: spec.ridge, l1: spec.lambda * (confidence / rounds as f64).sqrt() };
    let start = vec![0.0; target.width()];
    let fitted = estimate(Estimate::Debiased, &target, &sources, penalties, &start)?;
    let (Some(truth), Some(other)) = (&world.truth, world.source_truth.first()) else {
        return Ok(Measurement::default().inapplicable("no sources, so there is no difference"));
    };
    let most = fitted.delta.iter().fold(0.0f64, |most, value| most.max(value.abs()));
    let is_found = |k: usize| most > 0.0 && fitted.delta[k].abs() >= spec.found_share * most;
    let differs = |k: usize| world.source_truth.iter().any(|own| own[k] != truth[k]);
    let count = |found: bool, true_one: bool| {
        (0..truth.len()).filter(|&k| is_found(k) == found && differs(k) == true_one).count() as f64
    };
    let (hits, misses, extra) = (count(true, true), count(false, true), count(true, false));
    let size = other.len() as f64;
    let square: f64 = truth.iter().zip(&fitted.nu).map(|(t, v)| (t - v) * (t - v)).sum();
    let f1 = if hits + misses + extra > 0.0 { 2.0 * hits / (2.0 * hits + misses + extra) } else { 1.0 };
    Ok(Measurement::default().value("f1", f1).value("error", square.sqrt()).value("found", (hits + extra) / size))
}

/// One choice a round of the target under random play.
fn random_play(spec: &Spec, world: &World) -> Result<Choices, StudyError> {
    let design: &Design = &world.design;
    let mut found = Choices::new(design.width(), true);
    for round in 0..world.rounds() {
        let mut stream = Stream::numbered(world.exploration, round as u64);
        let (items, prices) = random_offer(spec, world.items, &mut stream);
        let (mut rows, mut own) = (Vec::new(), Vec::new());
        for (&item, &price) in items.iter().zip(&prices) {
            design.push_row(world.item(round, item), price, &mut rows);
            own.push(world.utility(round, item).at(price));
        }
        found.push(&rows, choice(&own, world.customers[round]), 1.0)?;
    }
    Ok(found)
}

/// Whether an arm needs sources that a world lacks, in words.
pub fn lacks_sources(world: &World, arm: &ArmRow) -> Option<&'static str> {
    (arm.sources != Sources::None && world.sources.is_empty()).then_some("there are no sources")
}
