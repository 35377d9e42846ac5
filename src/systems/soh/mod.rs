//! Battery state of health: a recurrent forecaster adapted to a new domain, with conformal intervals (after Filgueira
//! da Silva et al. 2026, arXiv:2603.24475).
//!
//! Virtual cells of three source batches and a target (drawn, aged by PyBaMM, or a file) → windows of past states of
//! health → an LSTM trained in several [`ARMS`] → the next state of health → intervals calibrated in several ways
//! ([`CALIBRATIONS`]) → coverage by point, by cell and by whole lifetime.
//!
//! [`Soh`] is the experiment, [`Spec`] its settings, [`TARGETS`] its target domains. Two simulations with a known
//! result ([`controls`]) are grids of their own.

mod arms;
mod cell;
mod checks;
pub mod controls;
mod domains;
mod evaluator;
mod intervals;
mod network;
mod own_cells;
mod saved;
mod sections;
mod spec;
mod target;
mod trial;
mod windows;

pub use arms::{ARMS, Adaptation, ArmRow};
pub use cell::{BATCHES, CHECKPOINTS, Cell, PREFIX, Protocol, STEP, age};
pub use intervals::{CALIBRATIONS, CalibrationData, CalibrationRow, Coverage, Score};
pub use network::Forecaster;
pub use spec::Spec;
pub use target::{Origin, TARGETS, TargetRow, lives};
pub use trial::Life;
pub use windows::{Scaler, Window};

use crate::lab::{
    Applied, ApplyOptions, Check, Context, Contrast, Experiment, Factor, Files, Flag, Grid, Info, Measurement, Metric,
    Observer, Point, Results, Role, SavedRun, StudyError, TrialFiles, Unit,
};
use crate::report::Section;
use crate::systems::conditions::devices_flag;
use crate::systems::methods::{METHOD, methods_flag};
use crate::systems::soh::domains::Block;
use crate::systems::soh::target::Target;
use crate::transfer::MethodChoice;

/// The experiment.
pub struct Soh;

/// Pairs of arms that are compared besides each arm with the baseline.
const PAIRS: [(&str, &str); 3] = [("mmd", "prefix"), ("mmd_matched", "mmd"), ("mmd_quantum", "mmd")];

/// Repetitions of the simulated shift and of the simulated cells.
const REPEATS: (usize, usize) = (500, 100);

impl Experiment for Soh {
    type Spec = Spec;
    type Inputs = Vec<Target>;
    type Block = Block;

    const INFO: Info = Info {
        name: "soh",
        title: "Battery state of health",
        doc: "Battery state of health in a new domain: LSTM, alignment by MMD, conformal intervals (after Filgueira da \
              Silva et al. 2026, arXiv 2603.24475)",
        examples: &[
            "",
            "--preset full",
            "--targets hard --arms source_only,fine_tune --heads linear,quantum",
            "--data cells/ --step 10 --prefix 20",
            "--source lab/ --data field/ --axis throughput --step 50",
            "--data data/cells/pybamm.csv",
        ],
    };

    const METRICS: &'static [Metric] = &[
        Metric::lower("rmse", "RMSE", Unit::Points, "one checkpoint ahead, target cells after the labelled prefix"),
        Metric::lower("mae", "MAE", Unit::Points, "mean absolute error of the same forecasts"),
        Metric::lower(
            "recursive",
            "RMSE, 10 ahead",
            Unit::Points,
            "ten checkpoints ahead, each forecast read as input",
        ),
        Metric::lower(
            "life_error",
            "remaining life",
            Unit::Plain,
            "mean absolute error of the remaining life behind the prefix, in units of the axis",
        ),
        Metric::higher("life_coverage", "lives inside", Unit::Share, "measured remaining lives inside their interval"),
        Metric::lower("source_rmse", "RMSE, source", Unit::Points, "one checkpoint ahead, new source cells"),
        Metric::lower("discrepancy", "MMD²", Unit::Plain, "MMD² between the latents of source and target"),
        Metric::lower("domain_auroc", "domains", Unit::Plain, "AUROC of a domain classifier on latents; 0.5 is chance"),
        Metric::lower("lambda", "λ", Unit::Plain, "weight of the penalty, chosen without the target"),
        Metric::higher(
            "verified_coverage",
            "verified inside",
            Unit::Share,
            "points inside, calibrated on half of the test cells and evaluated on the others",
        ),
        Metric::lower("verified_width", "verified width", Unit::Points, "width of these intervals"),
        Metric::higher(
            "exact_coverage",
            "inside, exact",
            Unit::Share,
            "points inside, forecasts by shots and calibration by exact expectation values",
        ),
        Metric::higher("coverage", "inside", Unit::Share, "points inside the interval"),
        Metric::lower("low_cells", "low cells", Unit::Share, "cells with less than 80 % of their points inside"),
        Metric::higher("lives", "whole lifetimes", Unit::Share, "cells with all their points inside"),
        Metric::lower("width", "width", Unit::Points, "mean width of finite intervals"),
        Metric::lower("infinite", "infinite", Unit::Share, "intervals that are the whole line"),
        Metric::lower("relative_width", "relative width", Unit::Plain, "width over that of split"),
        Metric::lower("validation_error", "RMSE", Unit::Points, "one checkpoint ahead, on the source batch left out"),
    ];

    const CHECKS: &'static [Check] = checks::CHECKS;

    const FLAGS: &'static [Flag<Spec>] = &[
        Flag::apply(
            "data",
            "FILE",
            Spec::set_data,
            "A folder of cells, one CSV file each: cycles or throughput, and capacity or health; or a file of lifetimes each \
             500 Ah: columns cell, charge, discharge (C-rates), throughput, health",
        ),
        Flag::apply("source", "PATH", Spec::set_source, "Cells of another domain to learn from, in the same form"),
        Flag::field("axis", "COLUMN", "axis.name", "Column that cells are aged along; cycles or throughput by default"),
        Flag::field("step", "X", "axis.step", "Units of the axis between two checkpoints, 10 by default"),
        Flag::field("prefix", "N", "axis.prefix", "Checkpoints up to which target cells are labelled, 20 by default"),
        Flag::field("end", "HEALTH", "end", "State of health at the end of life"),
        Flag::field("targets", "LIST", "targets", "Target domains")
            .with_choices(|| TARGETS.iter().map(|row| row.name).collect()),
        Flag::field("arms", "LIST", "arms", "Arms").with_choices(|| ARMS.iter().map(|row| row.name).collect()),
        Flag::field(
            "heads",
            "LIST",
            "heads",
            "Heads of the network (see `qgraft list heads`); NAME@DEVICE trains under noise",
        ),
        Flag::field("lambdas", "LIST", "lambdas", "Weights of the penalty to choose from"),
        Flag::field("shots", "LIST", "shots", "Numbers of shots under which a circuit is evaluated as well"),
        methods_flag(),
        devices_flag(),
        Flag::field("alpha", "SHARE", "alpha", "Share of points that intervals may miss"),
    ];

    fn grids(spec: &Spec) -> Result<Vec<Grid>, StudyError> {
        let doc = |name: &String| TARGETS.iter().find(|row| row.name == name).map_or("a file", |row| row.doc);
        let targets = spec.target_names().into_iter().map(|name| (name.clone(), doc(&name)));
        let arms = spec.applying_arms().into_iter().map(|row| (row.name, row.doc));
        let arms: Vec<_> = arms.collect();
        let calibrations = CALIBRATIONS.iter().map(|row| (row.name, row.doc));
        let calibrations = Factor::explained("calibration", Role::Evaluation, calibrations);
        let baseline = if spec.heads.iter().any(|head| head == "linear") { "linear" } else { &spec.heads[0] };
        let factors = vec![
            Factor::explained("target", Role::Setting, targets).listed_by("targets"),
            Factor::new("head", Role::Arm, &spec.heads).with_baseline(baseline).listed_by("heads"),
            Factor::explained("arm", Role::Arm, arms).with_baseline("source_only").listed_by("arms"),
            Factor::seeds(&spec.seeds),
            calibrations.clone(),
            Factor::new("shots", Role::Evaluation, &spec.shots),
        ];
        let factors: Vec<Factor> =
            factors.into_iter().chain(spec.method.factor()).chain(spec.evaluate.factors()).collect();
        let errors = [
            "rmse",
            "mae",
            "recursive",
            "source_rmse",
            "discrepancy",
            "domain_auroc",
            "lambda",
            "life_error",
            "life_coverage",
        ];
        let intervals = ["verified_coverage", "verified_width", "exact_coverage"];
        let calibrated = ["coverage", "low_cells", "lives", "width", "infinite"];
        let metrics = [&errors[..], &intervals, &calibrated].concat();
        let mut main = Grid::new("main", "Forecasts", factors, &metrics).in_blocks(&["target", "seed"]);
        for rule in spec.arms.iter().filter(|name| ArmRow::named(name).is_ok_and(ArmRow::is_rule)) {
            for head in &spec.heads[1..] {
                main = main.without(vec![("head", head.clone()), ("arm", rule.clone())]);
            }
        }
        for arm in spec.applying_arms().into_iter().filter(|arm| !arm.has_domains()) {
            // Without the target in a training there is no training on it, and in fine-tuning its rows alone.
            let needs = |name: &str| MethodChoice::parse(name).is_ok_and(|m| m.lacks(|_| false).is_some());
            for method in spec.method.others().filter(|name| !arm.adapts() || needs(name)) {
                main = main.without(vec![("arm", arm.name.into()), (METHOD, method.clone())]);
            }
        }
        if spec.is_own() {
            return Ok(vec![main]);
        }
        let simulated = ["coverage", "low_cells", "lives", "infinite", "relative_width"];
        let simulation = |name: &str, heading: &str| Grid::new(name, heading, vec![calibrations.clone()], &simulated);
        let simulations = [
            simulation("shift", "Simulated covariate shift"),
            simulation("cells", "Simulated points that belong to cells"),
        ];
        Ok([main].into_iter().chain(choice(spec)).chain(simulations).collect())
    }

    fn open(spec: &Spec, _context: &Context) -> Result<(Vec<Target>, Measurement), StudyError> {
        Ok((Target::all(spec)?, Measurement::default()))
    }

    fn prepare(
        spec: &Spec,
        targets: &Vec<Target>,
        block: &Point,
        _context: &Context,
    ) -> Result<(Block, Measurement), StudyError> {
        let prepared = match block.grid.as_str() {
            "lambda" => Block::of_left_out(spec, block.index("left_out"), block.seed()),
            "main" => Block::of_target(spec, &targets[block.index("target")], block.seed()),
            _ => Block::default(),
        };
        Ok((prepared, Measurement::default()))
    }

    fn trial(
        spec: &Spec,
        _targets: &Vec<Target>,
        block: &Block,
        at: &Point,
        context: &Context,
    ) -> Result<Measurement, StudyError> {
        match at.grid.as_str() {
            "lambda" => {
                let (lambda, arm) = (spec.lambdas[at.index("lambda")], ArmRow::named("mmd")?);
                trial::validation_error(spec, block, (at.get("head"), arm), lambda, at.seed(), context.observer)
            }
            "main" => {
                let arm = ArmRow::named(at.get("arm"))?;
                let lambda = if arm.is_aligned() { Some(chosen_lambda(spec, at, context)?) } else { None };
                let way = trial::Way { head: at.get("head"), arm, method: at.get(METHOD), lambda };
                trial::trial(spec, block, &way, at.seed(), context)
            }
            "shift" => Ok(controls::covariate_shift(0, REPEATS.0).measurement()),
            _ => Ok(controls::clustered_points(0, REPEATS.1).measurement()),
        }
    }

    fn after(spec: &Spec, at: &Point) -> Vec<Point> {
        let is_aligned = at.grid == "main" && ArmRow::named(at.get("arm")).is_ok_and(ArmRow::is_aligned);
        if is_aligned { choices_of(spec, at) } else { Vec::new() }
    }

    fn contrasts(_spec: &Spec, grids: &[Grid]) -> Vec<Contrast> {
        let mut found: Vec<Contrast> = grids.iter().flat_map(Contrast::to_baseline).collect();
        for main in grids.iter().filter(|grid| grid.name == "main") {
            found.extend(PAIRS.iter().flat_map(|(arm, other)| Contrast::in_each_setting(main, "arm", arm, other)));
            let heads = found.iter().filter(|contrast| contrast.factor == "head");
            let widths: Vec<Contrast> = heads.map(|contrast| contrast.clone().in_metric("verified_width")).collect();
            found.extend(widths);
        }
        found
    }

    fn sections(spec: &Spec, results: &Results) -> Vec<Section> {
        sections::sections(spec, results)
    }

    fn artifacts(spec: &Spec, results: &Results, files: &TrialFiles) -> Result<Files, StudyError> {
        if spec.is_own() { saved::tables(results, files) } else { Ok(Vec::new()) }
    }

    fn apply(run: &SavedRun, options: &ApplyOptions, _observer: &dyn Observer) -> Result<Option<Applied>, StudyError> {
        saved::apply(run, options).map(Some)
    }
}

/// The trials that choose λ without the target: each source batch left out in turn, with the first head. `None` where there
/// is nothing to choose.
fn choice(spec: &Spec) -> Option<Grid> {
    let is_aligned = spec.arms.iter().any(|name| ArmRow::named(name).is_ok_and(ArmRow::is_aligned));
    if !is_aligned || spec.lambdas.len() < 2 || spec.is_own() {
        return None;
    }
    let factors = vec![
        Factor::new("lambda", Role::Setting, &spec.lambdas).listed_by("lambdas"),
        Factor::new("left_out", Role::Setting, BATCHES),
        Factor::new("head", Role::Arm, &spec.heads[..1]),
        Factor::seeds(&spec.seeds),
    ];
    let grid = Grid::new("lambda", "Choice of λ by leaving one source batch out", factors, &["validation_error"]);
    Some(grid.in_blocks(&["left_out", "seed"]))
}

/// Those of the seed of `at`.
fn choices_of(spec: &Spec, at: &Point) -> Vec<Point> {
    let points = choice(spec).map_or(Vec::new(), |grid| grid.points());
    points.into_iter().filter(|point| point.get("seed") == at.get("seed")).collect()
}

/// λ with the lowest mean error over the source batches left out; the first of equal ones.
fn chosen_lambda(spec: &Spec, at: &Point, context: &Context) -> Result<f64, StudyError> {
    let mut sums = vec![0.0; spec.lambdas.len()];
    for point in choices_of(spec, at) {
        // The trial has this metric and no other.
        sums[point.index("lambda")] += context.finished(&point)?.get("validation_error").unwrap_or(f64::INFINITY);
    }
    let best = (0..sums.len()).fold(0, |best, k| if sums[k] < sums[best] { k } else { best });
    Ok(spec.lambdas[best])
}
