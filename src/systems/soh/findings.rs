//! Runs every training of a spec and gathers what was found.

use serde::Serialize;

use crate::study::stats::Spread;
use crate::study::{Observer, StudyError, parallel};
use crate::systems::checks::metrics;
use crate::systems::soh::arms::{ArmRow, Recipe};
use crate::systems::soh::cell::{BATCHES, CHECKPOINTS};
use crate::systems::soh::controls::{Clustered, Shifted, clustered, shifted};
use crate::systems::soh::criteria::{Criterion, criteria};
use crate::systems::soh::intervals::{CALIBRATIONS, Covered};
use crate::systems::soh::measure::{Measured, Sampled, baselines, left_out, measured};
use crate::systems::soh::spec::Spec;
use crate::systems::soh::target::Target;

/// The life of one cell, as forecast.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// kAh.
    pub throughput: Vec<f64>,
    /// State of health.
    pub measured: Vec<f64>,
    /// Its forecast from one checkpoint before.
    pub forecast: Vec<f64>,
    /// Radius of the interval by calibration on the source; `None` if infinite.
    pub split: Option<f64>,
    /// Radius by calibration on the target's prefix.
    pub prefix: Option<f64>,
}

/// λ of one seed, chosen without the target.
#[derive(Clone, Debug, Serialize)]
pub struct Chosen {
    /// The seed.
    pub seed: u64,
    /// The one with the lowest error.
    pub lambda: f64,
    /// Each λ with its mean root mean square error over the source batches left out, percentage points.
    pub errors: Vec<(f64, f64)>,
}

/// How the intervals of one calibration did; the fields of [`Covered`] over seeds.
#[derive(Clone, Debug, Serialize)]
pub struct IntervalFound {
    /// Row of the table of calibrations.
    pub calibration: &'static str,
    /// Share of points inside.
    pub points: Spread,
    /// Share of cells with less than 80 % inside.
    pub low_cells: Spread,
    /// Share of cells with everything inside.
    pub lives: Spread,
    /// Mean width, percentage points.
    pub width: Spread,
    /// Share of infinite intervals.
    pub infinite: Spread,
}

/// One arm on one target over all seeds; errors in percentage points of state of health.
#[derive(Clone, Debug, Serialize)]
pub struct ArmFound {
    /// Row of the table of arms.
    pub arm: &'static str,
    /// Row of the table of heads.
    pub head: String,
    /// Root mean square error of the next checkpoint.
    pub rmse: Spread,
    /// The same for each seed.
    pub rmse_by_seed: Vec<f64>,
    /// Mean absolute error of the next checkpoint.
    pub mae: Spread,
    /// Root mean square error ten checkpoints ahead.
    pub recursive: Spread,
    /// Root mean square error on source cells that were not trained on.
    pub source_rmse: Spread,
    /// MMD² between latents of source and target.
    pub discrepancy: Spread,
    /// How well a classifier tells the domains apart by latents: 0.5 is not at all.
    pub domain_auroc: Spread,
    /// By calibration.
    pub intervals: Vec<IntervalFound>,
    /// Calibrated on half of the test cells, judged on the others: share of points inside.
    pub verified_points: Spread,
    /// Width of the same, percentage points.
    pub verified_width: Spread,
    /// By number of shots, if the head has a circuit.
    pub sampled: Vec<SampledFound>,
    /// A life under the first seed.
    #[serde(skip)]
    pub trace: Trace,
}

/// What so many shots do to intervals, calibrated on half of the test cells and judged on the others.
#[derive(Clone, Debug, Serialize)]
pub struct SampledFound {
    /// Shots for each basis and row.
    pub shots: usize,
    /// Calibrated on forecasts by exact expectation values: share of points inside.
    pub exactly_points: Spread,
    /// Width of the same, percentage points.
    pub exactly_width: Spread,
    /// Calibrated on forecasts by as many shots: share of points inside.
    pub alike_points: Spread,
    /// Width of the same, percentage points.
    pub alike_width: Spread,
}

/// A forecast without a network.
#[derive(Clone, Debug, Serialize)]
pub struct BaselineFound {
    /// Its name.
    pub name: &'static str,
    /// Root mean square error of the next checkpoint.
    pub rmse: Spread,
    /// Root mean square error ten checkpoints ahead.
    pub recursive: Spread,
}

/// One target.
#[derive(Clone, Debug, Serialize)]
pub struct TargetFound {
    /// Row of the table of targets, or the name of a file.
    pub target: String,
    /// Without a network.
    pub baselines: Vec<BaselineFound>,
    /// In the order of the spec: with its head, then with each head beside it.
    pub arms: Vec<ArmFound>,
}

/// What a run found.
#[derive(Clone, Debug, Serialize)]
pub struct Findings {
    /// Whether each acceptance criterion holds.
    pub criteria: Vec<Criterion>,
    /// λ by seed; empty if no arm has one.
    pub chosen: Vec<Chosen>,
    /// In the order of the spec.
    pub targets: Vec<TargetFound>,
    /// Simulation of covariate shift.
    pub shifted: Shifted,
    /// Simulation of points that belong to cells.
    pub clustered: Clustered,
}

impl Findings {
    /// metrics.json.
    ///
    /// # Errors
    /// None in practice: the findings are plain data.
    pub fn to_json(&self) -> Result<String, StudyError> {
        metrics(self)
    }
}

impl TargetFound {
    /// The arm of this name with the head of the spec, if the spec has it.
    pub fn arm(&self, name: &str) -> Option<&ArmFound> {
        self.arms.iter().find(|arm| arm.arm == name)
    }

    /// The arm of this name with this head.
    pub fn with(&self, name: &str, head: &str) -> Option<&ArmFound> {
        self.arms.iter().find(|arm| arm.arm == name && arm.head == head)
    }
}

impl ArmFound {
    /// The intervals of this calibration.
    pub fn interval(&self, name: &str) -> Option<&IntervalFound> {
        self.intervals.iter().find(|found| found.calibration == name)
    }
}

/// Repetitions of the two simulations.
const REPEATS: (usize, usize) = (500, 100);

/// Chooses λ, then trains and judges every arm for every target under every seed.
pub fn find(spec: &Spec, targets: &[Target], threads: usize, progress: &dyn Observer) -> Result<Findings, StudyError> {
    let arms: Vec<&ArmRow> = spec.arms.iter().map(|name| ArmRow::named(name)).collect::<Result<_, _>>()?;
    let heads: Vec<&String> = std::iter::once(&spec.head).chain(&spec.beside).collect();
    // Every arm with every head.
    let kinds: Vec<(&str, &ArmRow)> =
        heads.iter().flat_map(|head| arms.iter().map(move |arm| (head.as_str(), *arm))).collect();
    let aligned = arms.iter().any(|arm| matches!(arm.recipe, Recipe::Aligned(_)));
    let chosen = if aligned { choose(spec, threads, progress)? } else { Vec::new() };
    let seeds = spec.seeds.len();
    progress.stage("arms", targets.len() * kinds.len() * seeds * rows(spec, BATCHES.len()));
    let all = parallel::jobs(targets.len() * kinds.len() * seeds, threads, |job| {
        let (target, (head, arm), seed) = (job / seeds / kinds.len(), kinds[job / seeds % kinds.len()], job % seeds);
        let lambda = chosen.get(seed).map_or(0.0, |chosen| chosen.lambda);
        measured(spec, &targets[target], head, arm, lambda, spec.seeds[seed], progress)
    })?;
    progress.done();
    let of_target = |(target, found): (&Target, &[Measured])| {
        let arms = kinds.iter().zip(found.chunks(seeds)).map(|((head, arm), seeds)| arm_found(arm.name, head, seeds));
        let arms = arms.collect();
        let of_seeds: Vec<_> =
            spec.seeds.iter().map(|seed| baselines(spec, target, *seed)).collect::<Result<_, StudyError>>()?;
        let baselines = ["last value", "line through the window"].into_iter().enumerate().map(|(k, name)| {
            let over = |value: fn((f64, f64)) -> f64| spread(of_seeds.iter().map(|found| value(found[k])));
            BaselineFound { name, rmse: over(|b| b.0), recursive: over(|b| b.1) }
        });
        Ok(TargetFound { target: target.name.clone(), baselines: baselines.collect(), arms })
    };
    let targets = targets.iter().zip(all.chunks(kinds.len() * seeds)).map(of_target);
    let targets = targets.collect::<Result<Vec<_>, StudyError>>()?;
    let (shifted, clustered) = (shifted(0, REPEATS.0), clustered(0, REPEATS.1));
    let criteria = criteria(spec, &targets, &chosen, &shifted, &clustered);
    Ok(Findings { criteria, chosen, targets, shifted, clustered })
}

/// Rows that a training on so many batches goes through, about.
fn rows(spec: &Spec, batches: usize) -> usize {
    spec.train.epochs * 2 * batches * spec.training_cells * (CHECKPOINTS + 1 - spec.window)
}

/// λ by leaving each source batch out in turn; of equal errors the smaller λ. A single λ needs no choice.
fn choose(spec: &Spec, threads: usize, progress: &dyn Observer) -> Result<Vec<Chosen>, StudyError> {
    let (lambdas, batches) = (&spec.lambdas, BATCHES.len());
    if let [lambda] = lambdas[..] {
        let only = |&seed: &u64| Chosen { seed, lambda, errors: Vec::new() };
        return Ok(spec.seeds.iter().map(only).collect());
    }
    let count = spec.seeds.len() * lambdas.len() * batches;
    progress.stage("lambda", count * rows(spec, batches - 1));
    let errors = parallel::jobs(count, threads, |job| {
        let (seed, lambda) = (spec.seeds[job / batches / lambdas.len()], lambdas[job / batches % lambdas.len()]);
        left_out(spec, seed, lambda, job % batches, progress)
    })?;
    let of_seed = |(&seed, errors): (&u64, &[f64])| {
        let means = errors.chunks(batches).map(|errors| 100.0 * errors.iter().sum::<f64>() / batches as f64);
        let errors: Vec<(f64, f64)> = lambdas.iter().copied().zip(means).collect();
        let best = errors.iter().copied().reduce(|best, next| if next.1 < best.1 { next } else { best });
        Chosen { seed, lambda: best.map_or(0.0, |best| best.0), errors }
    };
    Ok(spec.seeds.iter().zip(errors.chunks(lambdas.len() * batches)).map(of_seed).collect())
}

fn spread(values: impl Iterator<Item = f64>) -> Spread {
    Spread::of(&values.collect::<Vec<f64>>()).unwrap_or_default()
}

fn arm_found(arm: &'static str, head: &str, seeds: &[Measured]) -> ArmFound {
    let over = |value: fn(&Measured) -> f64| spread(seeds.iter().map(value));
    let intervals = CALIBRATIONS.iter().enumerate().map(|(k, row)| {
        let over = |value: fn(&Covered) -> f64| spread(seeds.iter().map(|seed| value(&seed.covered[k])));
        IntervalFound {
            calibration: row.name,
            points: over(|c| c.points),
            low_cells: over(|c| c.low_cells),
            lives: over(|c| c.lives),
            width: over(|c| c.width),
            infinite: over(|c| c.infinite),
        }
    });
    let sampled = seeds[0].sampled.iter().enumerate().map(|(k, first)| {
        let over = |value: fn(&Sampled) -> f64| spread(seeds.iter().map(|seed| value(&seed.sampled[k])));
        SampledFound {
            shots: first.shots,
            exactly_points: over(|s| s.exactly.points),
            exactly_width: over(|s| s.exactly.width),
            alike_points: over(|s| s.alike.points),
            alike_width: over(|s| s.alike.width),
        }
    });
    ArmFound {
        arm,
        head: head.into(),
        rmse: over(|m| m.rmse),
        rmse_by_seed: seeds.iter().map(|m| m.rmse).collect(),
        mae: over(|m| m.mae),
        recursive: over(|m| m.recursive),
        source_rmse: over(|m| m.source_rmse),
        discrepancy: over(|m| m.discrepancy),
        domain_auroc: over(|m| m.domain_auroc),
        intervals: intervals.collect(),
        verified_points: over(|m| m.verified.points),
        verified_width: over(|m| m.verified.width),
        sampled: sampled.collect(),
        trace: seeds[0].trace.clone(),
    }
}
