//! Which products to offer in a new market, and at which prices, with choices of customers of other markets (after Chen, Chen and
//! Zhang 2026, arXiv:2603.18114).
//!
//! Choices follow a multinomial logit model. Episodes double in length. At the start of each, choices of the sources give an
//! aggregate, those of the target a sparse difference from it, and the Fisher information of all of them the radii within which
//! utilities are taken for as good as they may be. [`ARMS`] leave parts out or are other policies.
//!
//! [`Pricing`] is the experiment, [`Spec`] its settings.

mod arms;
mod checks;
mod estimate;
mod features;
mod own;
mod policy;
mod saved;
mod sections;
mod spec;
mod table;
mod trial;
mod world;

pub use arms::{ARMS, ArmRow, Estimate, Policy, Sources};
pub use estimate::{Fitted, Penalties, debias, estimate};
pub use features::{FeatureMap, MAPS};
pub use own::{ESTIMATES, Own};
pub use policy::{Played, Player};
pub use saved::{MODEL_FILE, SavedModel};
pub use spec::{History, Part, Spec};
pub use table::{ChoiceSet, ChoiceTable, Columns, Market};
pub use world::{Shift, World};

use crate::lab::{
    Applied, ApplyOptions, Check, Context, Contrast, Experiment, Factor, Flag, Grid, Info, Measurement, Metric, Point,
    Results, Role, SavedRun, StudyError, Unit,
};
use crate::report::Section;
use crate::study::Observer;

/// The experiment.
pub struct Pricing;

/// The arm that is the method.
const METHOD: &str = "transfer";
/// The arm that others are compared with.
const BASELINE: &str = "target_only";

/// Pairs of arms that are compared besides each arm with the baseline.
const PAIRS: [(&str, &str); 6] = [
    (METHOD, "pooled"),
    (METHOD, "transfer_one"),
    ("transfer_one", "pooled_one"),
    (METHOD, "greedy"),
    (METHOD, "cap"),
    ("transfer_every", "cap"),
];

impl Experiment for Pricing {
    type Spec = Spec;
    type Inputs = Option<Own>;
    type Block = Option<World>;

    const INFO: Info = Info {
        name: "pricing",
        title: "Offers and prices in a new market",
        doc: "Assortments and prices learned in a new market with choices from other markets (after Chen et al. 2026, arXiv \
              2603.18114)",
        examples: &[
            "",
            "--preset full",
            "--arms target_only,transfer,pooled --rounds 2000 --seeds 5",
            "--data choices.csv --target geneva --seeds 5",
        ],
    };

    const METRICS: &'static [Metric] = &[
        Metric::lower(
            "regret",
            "regret",
            Unit::Plain,
            "revenue of the best offers minus that of the offers, summed up",
        ),
        Metric::lower("regret_share", "regret of best", Unit::Share, "regret as a share of the best revenue"),
        Metric::lower("slope", "slope", Unit::Plain, "of log regret by log rounds, from a sixteenth of the rounds on"),
        Metric::higher(
            "optimistic",
            "rounds with optimism",
            Unit::Share,
            "optimistic revenue is at least the best, of rounds without random play",
        ),
        Metric::lower("error", "error of parameters", Unit::Plain, "distance of the last estimate from the truth"),
        Metric::lower("forced", "forced rounds", Unit::Count, "random play that the gate forced"),
        Metric::lower("random", "random rounds", Unit::Count, "random play by plan"),
        Metric::lower("estimates", "estimates", Unit::Count, "times that parameters were estimated"),
        Metric::higher("f1", "F1 of support", Unit::Plain, "of the parameters found to differ"),
        Metric::lower("found", "found to differ", Unit::Share, "parameters"),
        Metric::lower("log_loss", "log loss", Unit::Plain, "mean negative log-likelihood of the target's test choices"),
        Metric::higher(
            "accuracy",
            "accuracy",
            Unit::Share,
            "test choices of the alternative with the largest probability",
        ),
        Metric::higher("least_weight", "least weight", Unit::Plain, "of a source, by its covariates"),
        Metric::higher("rounds", "rounds", Unit::Count, "of a trial"),
    ];

    const CHECKS: &'static [Check] = checks::CHECKS;

    const FLAGS: &'static [Flag<Spec>] = &[
        Flag::apply("data", "FILE", Spec::set_data, "Table of choices: market, choice, item, chosen, price, numbers"),
        Flag::field("target", "MARKET", "target", "The market that is new; that with the fewest choices by default"),
        Flag::field("arms", "LIST", "arms", "Arms").with_choices(|| ARMS.iter().map(|row| row.name).collect()),
        Flag::field("rounds", "N", "rounds", "Rounds"),
        Flag::field("sources", "N", "sources", "Source markets"),
        Flag::field("shifts", "LIST", "shifts", "Differences of markets in the part that varies them"),
    ];

    fn grids(spec: &Spec) -> Result<Vec<Grid>, StudyError> {
        let arms = spec.arms.iter().map(|name| ArmRow::named(name)).collect::<Result<Vec<_>, _>>()?;
        let grid = |name: &str, heading: &str, kept: &[&str], metrics: &[&'static str]| {
            let own = arms.iter().filter(|row| kept.is_empty() && row.name != "theory" || kept.contains(&row.name));
            let arm = Factor::explained("arm", Role::Arm, own.map(|row| (row.name, row.doc))).with_baseline(BASELINE);
            let mut factors = vec![arm.listed_by("arms")];
            if name == "shifts" {
                factors.push(Factor::new("shift", Role::Setting, &spec.shifts).listed_by("shifts"));
            }
            factors.push(Factor::seeds(&spec.seeds));
            Grid::new(name, heading, factors, metrics).in_blocks(if name == "shifts" {
                &["shift", "seed"]
            } else {
                &["seed"]
            })
        };
        let all = ["regret", "regret_share", "slope", "optimistic", "error", "forced", "random", "estimates"];
        let few = ["regret", "regret_share", "slope", "error"];
        let three = [BASELINE, METHOD, "pooled"];
        let mut grids = Vec::new();
        if spec.data.is_some() {
            let arm = Factor::explained("arm", Role::Arm, ESTIMATES).with_baseline("own");
            let rows = Factor::new("rows", Role::Setting, &spec.rows).listed_by("rows");
            let factors = vec![arm, rows, Factor::seeds(&spec.seeds)];
            let metrics = ["log_loss", "accuracy", "found"];
            grids.push(Grid::new("choices", "Test choices of the target", factors, &metrics));
            grids.push(grid("own", "Offers in the fitted markets", &[], &all));
        }
        for part in spec.parts.iter().filter(|_| spec.data.is_none()) {
            grids.push(match part {
                Part::Arms => grid("main", "Sparse difference of markets", &[], &all),
                Part::Shifts => grid("shifts", "Differences of several sizes", &three, &few),
                Part::Dense => grid("dense", "Every parameter differs", &three, &few),
                Part::Covariates => {
                    let arms = [BASELINE, METHOD, "weighted"];
                    grid(
                        "covariates",
                        "Covariates differ, too",
                        &arms,
                        &["regret", "regret_share", "error", "least_weight"],
                    )
                }
                Part::Theory => grid("theory", "Radii of the theory's size", &[METHOD, "theory"], &all),
                Part::Support => grid("support", "Parameters found to differ", &[METHOD], &["f1", "error", "found"]),
                Part::Features => {
                    let maps = Factor::explained("map", Role::Arm, MAPS.map(|(name, doc, _)| (name, doc)));
                    let factors = vec![maps.with_baseline("random"), Factor::seeds(&spec.seeds)];
                    let metrics = ["regret", "regret_share", "slope"];
                    Grid::new("features", "Features of utilities that are not linear", factors, &metrics)
                }
            });
        }
        grids.retain(|grid| grid.factors.iter().all(|factor| !factor.levels.is_empty()));
        if grids.is_empty() {
            let reason =
                "parts and arms leave nothing to run; most parts need the arms target_only, transfer or pooled";
            return Err(StudyError::Settings { reason: reason.into() });
        }
        Ok(grids)
    }

    fn open(spec: &Spec, _context: &Context) -> Result<(Option<Own>, Measurement), StudyError> {
        let Some(path) = &spec.data else { return Ok((None, Measurement::default())) };
        let own = Own::read(spec, path)?;
        let market = &own.table.markets[own.target];
        let mut found = Measurement::default().keep(own::PARAMETERS, &own.fits()?);
        let choices = market.sets.len();
        found = found.notice(format!("the target is market {}, which has {choices} choices", market.name));
        if let Some(reason) = own.few(spec) {
            found = found.notice(reason);
        }
        if let Some(reason) = &own.no_bandit {
            found = found.notice(format!("no bandit is played: {reason}"));
        }
        Ok((Some(own), found))
    }

    fn prepare(
        spec: &Spec,
        inputs: &Option<Own>,
        block: &Point,
        _context: &Context,
    ) -> Result<(Option<World>, Measurement), StudyError> {
        let world = match (block.grid.as_str(), inputs) {
            ("features" | "choices", _) => None,
            (_, Some(own)) if own.no_bandit.is_some() => None,
            (_, Some(own)) => Some(own.world(spec, block.seed())?),
            (grid, None) => {
                let shift = spec.shift_of(grid, block.get("shift").parse().ok());
                Some(World::simulated(spec, shift, block.seed())?)
            }
        };
        Ok((world, Measurement::default()))
    }

    fn trial(
        spec: &Spec,
        inputs: &Option<Own>,
        world: &Option<World>,
        at: &Point,
        context: &Context,
    ) -> Result<Measurement, StudyError> {
        match (at.grid.as_str(), world, inputs) {
            ("choices", _, Some(own)) => {
                own.compare(spec, at.get("arm"), at.get("rows").parse().unwrap_or(0), at.seed())
            }
            ("own", None, Some(own)) => {
                Ok(Measurement::default().inapplicable(own.no_bandit.clone().unwrap_or_default()))
            }
            ("support", Some(world), _) => trial::support(spec, world),
            (_, Some(world), _) => {
                let arm = ArmRow::named(at.get("arm"))?;
                match trial::lacks_sources(world, arm) {
                    Some(reason) => Ok(Measurement::default().inapplicable(reason)),
                    None => trial::play(spec, world, arm, context),
                }
            }
            _ => {
                let map = MAPS.iter().find(|(name, ..)| *name == at.get("map"));
                let (_, _, map) =
                    map.ok_or_else(|| StudyError::unknown("map", at.get("map"), MAPS.map(|row| row.0)))?;
                trial::play(spec, &World::nonlinear(spec, *map, at.seed())?, ArmRow::named(METHOD)?, context)
            }
        }
    }

    fn contrasts(spec: &Spec, grids: &[Grid]) -> Vec<Contrast> {
        let is_run = |arm: &str| spec.arms.iter().any(|own| own == arm);
        let mut found: Vec<Contrast> = grids.iter().flat_map(Contrast::to_baseline).collect();
        for grid in grids {
            match grid.name.as_str() {
                "main" | "own" => {
                    let pairs = PAIRS.into_iter().filter(|(arm, other)| is_run(arm) && is_run(other));
                    found.extend(pairs.map(|(arm, other)| Contrast::new(&grid.name, "regret", "arm", arm, other)));
                }
                "choices" => found.extend(Contrast::in_each_setting(grid, "arm", "debiased", "pooled")),
                "shifts" | "dense" if is_run("pooled") => {
                    found.extend(Contrast::in_each_setting(grid, "arm", METHOD, "pooled"));
                }
                "covariates" if is_run("weighted") => {
                    found.extend(Contrast::in_each_setting(grid, "arm", "weighted", METHOD));
                }
                "features" => found.extend(Contrast::in_each_setting(grid, "map", "circuit", "plain")),
                _ => {}
            }
        }
        found
    }

    fn sections(_spec: &Spec, results: &Results) -> Vec<Section> {
        sections::sections(results)
    }

    fn apply(run: &SavedRun, options: &ApplyOptions, _observer: &dyn Observer) -> Result<Option<Applied>, StudyError> {
        saved::apply(run, options).map(Some)
    }
}
