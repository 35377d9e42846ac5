//! Tuning of an SQL engine's settings by subsets of its queries, with what is known of other tasks (after MFTune, Xu et al. 2026,
//! arXiv:2603.16450).
//!
//! A task is a mix of queries on a data set; a configuration is measured by the seconds of its queries, and every second is paid.
//! [`ARMS`] choose what to measure; the method and its parts are in [`crate::classic::tuning`]. The engine is simulated, with a
//! known optimum ([`Simulator`]), or a table of times that were measured before ([`ReplayTable`]).
//!
//! [`SqlTuner`] is the experiment, [`Spec`] its settings.

mod arms;
mod checks;
mod saved;
mod sections;
mod session;
mod simulator;
pub mod spark;
mod spec;
mod table;
mod trial;
mod world;

pub use arms::{ARMS, ArmRow, METHOD};
pub use saved::KNOWLEDGE_FILE;
pub use session::{Session, Step, Tuned, chosen_levels};
pub use simulator::{QUERIES, Simulator};
pub use spec::{Part, Spec};
pub use table::ReplayTable;
pub use trial::{CHEAP, Kept, TUNED};
pub use world::World;

use std::collections::BTreeMap;

use crate::classic::tuning::Task;
use crate::lab::{
    Applied, ApplyOptions, Check, Context, Contrast, Experiment, Factor, Files, Flag, Grid, Info, Measurement, Metric,
    Point, Results, Role, SavedRun, StudyError, TrialFiles, Unit,
};
use crate::report::Section;
use crate::study::Observer;
use crate::systems::tuner::simulator::REVERSED;

/// The experiment.
pub struct SqlTuner;

/// The arm that others are compared with.
const BASELINE: &str = "smac";
/// Arms that know a task of opposite preferences.
const DISSIMILAR: [&str; 3] = [METHOD, "no_transfer", "no_gate"];
/// Pairs that are compared besides each arm with the baseline.
const PAIRS: [&str; 8] =
    ["no_fidelity", "no_transfer", "no_compression", "no_warm_start", "no_gate", "public_code", "bohb", "rover"];

/// What every trial reads: the engine of each seed, or the table.
pub struct Inputs {
    worlds: BTreeMap<u64, Box<dyn World>>,
    spark: Option<spark::Shared>,
}

impl Experiment for SqlTuner {
    type Spec = Spec;
    type Inputs = Inputs;
    /// Histories of all tasks.
    type Block = Vec<Task>;

    const INFO: Info = Info {
        name: "tuner",
        title: "Tuning of an SQL engine with query subsets and transfer",
        doc: "Settings of an SQL engine by query subsets, other tasks' histories and warm start, on a simulated engine or measured \
              times (after MFTune, arXiv 2603.16450)",
        examples: &[
            "",
            "--preset full",
            "--data times.csv --targets nightly",
            "--arms mftune,smac,bohb --budget 40",
            "--set nested=false",
            "--spark local[2] --tables tpch/sf0.1",
            "--spark local[2] --tables tpch/sf0.1,tpch/sf1 --record 400",
        ],
    };

    const METRICS: &'static [Metric] = &[
        Metric::lower(
            "slowdown",
            "time over optimum",
            Unit::Plain,
            "time of the best configuration found, without noise, over the least possible one",
        ),
        Metric::lower("half_slowdown", "at half the budget", Unit::Plain, "the same after half the budget"),
        Metric::higher(
            "speedup",
            "speed-up",
            Unit::Plain,
            "time under the defaults over that of the best configuration",
        ),
        Metric::higher(
            "tau",
            "Kendall's τ",
            Unit::Plain,
            "order of held-out configurations by a cheap and by a full measurement",
        ),
        Metric::higher("measurements", "measurements", Unit::Count, "measurements of any level"),
        Metric::higher("full_measurements", "full measurements", Unit::Count, "measurements of all queries"),
        Metric::lower("failures", "failures", Unit::Count, "measurements that failed or were stopped"),
        Metric::lower("spent", "budget spent", Unit::Share, "share of the budget"),
        Metric::higher(
            "speedup_low",
            "lower bound",
            Unit::Plain,
            "95 % interval of the speed-up over paired repetitions",
        ),
        Metric::higher("speedup_high", "upper bound", Unit::Plain, "the other end of the interval"),
        Metric::lower(
            "default_seconds",
            "defaults, s",
            Unit::Plain,
            "median seconds of all queries under the defaults",
        ),
        Metric::lower("tuned_seconds", "tuned, s", Unit::Plain, "the same under the best configuration"),
        Metric::higher("repetitions", "repetitions", Unit::Count, "repetitions that are compared"),
        Metric::lower(
            "sessions",
            "sessions",
            Unit::Count,
            "sessions that the configurations need, by their static settings",
        ),
        Metric::lower("unpaid", "unpaid", Unit::Count, "full results whose queries were not all paid for"),
    ];

    const CHECKS: &'static [Check] = checks::CHECKS;

    const FLAGS: &'static [Flag<Spec>] = &[
        Flag::apply("data", "FILE", Spec::set_data, "Table of measured times: task, knobs, time_QUERY in seconds"),
        Flag::apply("spark", "MASTER", Spec::set_spark, "A real Spark: local[N] or spark://HOST:PORT"),
        Flag::apply("tables", "DIRS", Spec::set_tables, "Its TPC-H tables: a folder of Parquet for each task"),
        Flag::apply("sources", "FILE", Spec::set_sources, "Table of times that it was measured with before"),
        Flag::apply("python", "FILE", Spec::set_python, "A Python with pyspark that runs it"),
        Flag::apply("record", "N", Spec::set_record, "Measure N configurations for a table, in place of tuning"),
        Flag::field("targets", "LIST", "targets", "Tasks that are tuned; all of a table by default"),
        Flag::field("arms", "LIST", "arms", "Arms").with_choices(|| ARMS.iter().map(|row| row.name).collect()),
        Flag::field("budget", "N", "budget", "Budget, in full measurements of the defaults"),
        Flag::field("history", "N", "history", "Full measurements that are known of each source"),
        Flag::field("keep", "N", "keep", "Knobs that the compressed space keeps"),
    ];

    fn grids(spec: &Spec) -> Result<Vec<Grid>, StudyError> {
        let arms = spec.arms.iter().map(|name| ArmRow::named(name)).collect::<Result<Vec<_>, _>>()?;
        let names = match &spec.data {
            Some(path) if spec.targets.is_empty() => ReplayTable::read(path)?.tasks().to_vec(),
            _ => spec.targets.clone(),
        };
        let task = || Factor::new("task", Role::Setting, &names).listed_by("targets");
        let metrics = [
            "slowdown",
            "half_slowdown",
            "speedup",
            "measurements",
            "full_measurements",
            "failures",
            "spent",
            "unpaid",
        ];
        let grid = |name: &str, heading: &str, own: Vec<&&ArmRow>, baseline: &str| {
            let arm = Factor::explained("arm", Role::Arm, own.into_iter().map(|row| (row.name, row.doc)));
            let factors = vec![task(), arm.with_baseline(baseline).listed_by("arms"), Factor::seeds(&spec.seeds)];
            Grid::new(name, heading, factors, &metrics).in_shared_blocks("histories", &["seed"])
        };
        let live = || {
            let names = spec.spark.iter().flat_map(spark::Live::tasks);
            let names = names.filter(|name| spec.targets.is_empty() || spec.targets.contains(name));
            Factor::new("task", Role::Setting, names).listed_by("targets")
        };
        let mut grids = Vec::new();
        for part in &spec.parts {
            grids.push(match part {
                Part::Arms => {
                    let heading = match spec.data.is_some() {
                        true => "Tasks of the table, each with the others as sources",
                        false => "Tasks of the simulated engine, each with the others as sources",
                    };
                    grid("main", heading, arms.iter().collect(), BASELINE)
                }
                Part::Live => {
                    let arm = Factor::explained("arm", Role::Arm, arms.iter().map(|row| (row.name, row.doc)));
                    let factors = vec![live(), arm.listed_by("arms"), Factor::seeds(&spec.seeds)];
                    let heading = "A real Spark: the best configuration of each arm against the defaults, in turns";
                    Grid::new("live", heading, factors, &spark::METRICS).in_shared_blocks("spark", &["seed"])
                }
                Part::Record => {
                    let factors = vec![live(), Factor::seeds(&spec.seeds)];
                    let metrics = ["measurements", "failures", "sessions"];
                    Grid::new("record", "A table of a real Spark", factors, &metrics)
                        .in_shared_blocks("spark", &["seed"])
                }
                Part::Dissimilar => {
                    let own = arms.iter().filter(|row| DISSIMILAR.contains(&row.name)).collect::<Vec<_>>();
                    if own.is_empty() {
                        continue;
                    }
                    grid("dissimilar", "One source, of opposite preferences", own, "no_transfer")
                }
                Part::Fidelity => {
                    let cheap = Factor::explained("measurement", Role::Arm, CHEAP).with_baseline("random_subset");
                    let factors = vec![task(), cheap, Factor::seeds(&spec.seeds)];
                    let heading = "Cheap measurements beside full ones";
                    Grid::new("fidelity", heading, factors, &["tau"]).in_shared_blocks("histories", &["seed"])
                }
            });
        }
        Ok(grids)
    }

    fn open(spec: &Spec, _: &Context) -> Result<(Inputs, Measurement), StudyError> {
        if let Some(live) = &spec.spark {
            // What cannot be read is refused before Spark is started.
            live.read_sources(&[])?;
            let shared = spark::Shared::new(live)?;
            return Ok((Inputs { worlds: BTreeMap::new(), spark: Some(shared) }, Measurement::default()));
        }
        let mut found = Measurement::default();
        let mut worlds: BTreeMap<u64, Box<dyn World>> = BTreeMap::new();
        for (number, &seed) in spec.seeds.iter().enumerate() {
            let world: Box<dyn World> = match &spec.data {
                Some(path) => {
                    let table = ReplayTable::read(path)?;
                    if number == 0 {
                        for name in &spec.targets {
                            let known = table.tasks();
                            if !known.contains(name) {
                                return Err(StudyError::unknown("task", name, known.iter().map(String::as_str)));
                            }
                        }
                        found = table.notices.iter().fold(found, |found, notice| found.notice(notice));
                        found = found.notice(format!(
                            "{} configurations of {} with times of {} queries; only these are proposed, and a time is always the one \
                             that was measured",
                            table.len(),
                            crate::math::words::pluralise(table.tasks().len(), "task"),
                            table.queries().len()
                        ));
                    }
                    Box::new(table)
                }
                None => Box::new(Simulator::new(seed, spec.noise)),
            };
            worlds.insert(seed, world);
        }
        Ok((Inputs { worlds, spark: None }, found))
    }

    fn prepare(
        spec: &Spec,
        inputs: &Inputs,
        block: &Point,
        context: &Context,
    ) -> Result<(Vec<Task>, Measurement), StudyError> {
        if inputs.spark.is_some() {
            return Ok(Default::default());
        }
        let world = inputs.world(block)?;
        Ok((trial::histories(spec, world, block.seed(), context)?, Measurement::default()))
    }

    fn trial(
        spec: &Spec,
        inputs: &Inputs,
        histories: &Vec<Task>,
        at: &Point,
        context: &Context,
    ) -> Result<Measurement, StudyError> {
        if let (Some(live), Some(shared)) = (&spec.spark, &inputs.spark) {
            let (name, tasks) = (at.get("task"), live.tasks());
            let unknown = || StudyError::unknown("task", name, tasks.iter().map(String::as_str));
            let task = tasks.iter().position(|own| own == name).ok_or_else(unknown)?;
            return match at.grid.as_str() {
                "record" => spark::record((spec, live), shared, task, at.seed(), context),
                _ => spark::tune((spec, live), shared, (ArmRow::named(at.get("arm"))?, task), at.seed(), context),
            };
        }
        let world = inputs.world(at)?;
        let name = at.get("task");
        let unknown = || StudyError::unknown("task", name, world.tasks().iter().map(String::as_str));
        let target = world.tasks().iter().position(|own| own == name).ok_or_else(unknown)?;
        if at.grid == "fidelity" {
            return Ok(trial::fidelity(spec, world, (at.get("measurement"), target, histories), at.seed()));
        }
        let is_source = |task: &&Task| task.name != name && (at.grid == "main" || task.name == REVERSED);
        let sources: Vec<Task> = histories.iter().filter(is_source).cloned().collect();
        trial::tune(spec, world, (ArmRow::named(at.get("arm"))?, target, &sources), at.seed(), context)
    }

    fn contrasts(spec: &Spec, grids: &[Grid]) -> Vec<Contrast> {
        let is_run = |arm: &str| spec.arms.iter().any(|own| own == arm);
        let mut found: Vec<Contrast> = grids.iter().flat_map(Contrast::to_baseline).collect();
        for grid in grids.iter().filter(|grid| grid.name == "main") {
            let pairs = PAIRS.into_iter().filter(|other| is_run(METHOD) && is_run(other));
            found.extend(pairs.flat_map(|other| Contrast::in_each_setting(grid, "arm", METHOD, other)));
        }
        found
    }

    fn sections(spec: &Spec, results: &Results) -> Vec<Section> {
        sections::sections(spec, results)
    }

    /// The table of a recording, all tasks in one: what `--data` replays.
    fn artifacts(_: &Spec, results: &Results, files: &TrialFiles) -> Result<Files, StudyError> {
        let mut tables = Vec::new();
        for trial in results.trials("record") {
            tables.extend(files(&trial.point)?.into_iter().filter(|(name, _)| name == spark::TABLE_FILE));
        }
        Ok(spark::joined(tables.into_iter().map(|(_, bytes)| bytes)))
    }

    fn apply(run: &SavedRun, options: &ApplyOptions, _: &dyn Observer) -> Result<Option<Applied>, StudyError> {
        saved::apply(run, options).map(Some)
    }
}

impl Inputs {
    fn world(&self, at: &Point) -> Result<&dyn World, StudyError> {
        let missing = || StudyError::Settings { reason: format!("no engine of {at}") };
        self.worlds.get(&at.seed()).map(AsRef::as_ref).ok_or_else(missing)
    }
}
