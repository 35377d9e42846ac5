//! A map from one representation to another, learned from few pairs, with targets that have no inputs and with maps of other
//! subjects (after Xu, Yan and Li 2026, arXiv:2603.21042). Its algorithms were not available; they are reconstructed.
//!
//! Inputs may be recordings of a brain and targets embeddings of what was seen; or noisy expectation values of a circuit and ideal
//! ones, which a simulator gives in any number. [`ARMS`] leave parts out.
//!
//! [`Alignment`] is the experiment, [`Spec`] its settings.

mod arms;
mod checks;
mod network;
mod pictures;
mod readout;
mod saved;
mod spec;
mod trial;
mod world;

pub use arms::{ARMS, ArmRow, Learner};
pub use network::{AlignerNet, Scales};
pub use readout::{Lender, METHODS, MethodRow, drifted};
pub use saved::{MODEL_FILE, NETWORK_FILE, SavedMap};
pub use spec::{Part, Spec};
pub use trial::{Learned, learn};
pub use world::{Flaw, Mitigated, World};

use crate::data::read_matrix;
use crate::lab::{
    Applied, ApplyOptions, Check, Context, Contrast, Experiment, Factor, Flag, Grid, Info, Measurement, Metric, Point,
    Role, SavedRun, StudyError, Unit,
};
use crate::math::Stream;
use crate::study::Observer;

/// The experiment.
pub struct Alignment;

/// The arm that others are compared with.
const BASELINE: &str = "ridge";

/// Matrices of a user: inputs, targets, further targets.
pub struct Own {
    x: ndarray::Array2<f64>,
    y: ndarray::Array2<f64>,
    pool: Option<ndarray::Array2<f64>>,
}

impl Experiment for Alignment {
    type Spec = Spec;
    type Inputs = Option<Own>;
    type Block = World;

    const INFO: Info = Info {
        name: "alignment",
        title: "Maps between representations from few pairs",
        doc: "Maps from few pairs, with unpaired targets and maps of other subjects (after Xu et al. 2026, arXiv \
              2603.21042, reconstructed)",
        examples: &[
            "",
            "--preset full",
            "--data x.npy --answers y.npy --pool more_y.npy --seeds 5",
            "--set parts=[\"readout\"] --device torino --shots 4000",
        ],
    };

    const METRICS: &'static [Metric] = &[
        Metric::lower(
            "error",
            "error",
            Unit::Plain,
            "squared error of test targets over their squared distance from the mean",
        ),
        Metric::lower("root_error", "RMS error", Unit::Plain, "root of the mean squared error of a test target"),
        Metric::higher(
            "two_way",
            "two-way identification",
            Unit::Share,
            "own target nearer than another one, of all pairs",
        ),
        Metric::higher("top_1", "top 1", Unit::Share, "own target the nearest of a gallery"),
        Metric::higher("rank", "effective rank", Unit::Plain, "of the predictions"),
        Metric::lower(
            "validation",
            "error of held-out pairs",
            Unit::Plain,
            "the same of training pairs, each predicted by a map fitted without its fold; `predict` takes the least",
        ),
        Metric::higher("passed", "passed the gate", Unit::Share, "trials in which cross-validation chose the map"),
        Metric::higher(
            "picked",
            "sources picked",
            Unit::Share,
            "trials in which exactly the related sources have weights",
        ),
        Metric::lower("risk", "error of ridge", Unit::Plain, "error as a share of that of ridge regression"),
    ];

    const CHECKS: &'static [Check] = checks::CHECKS;

    const FLAGS: &'static [Flag<Spec>] = &[
        Flag::apply("data", "FILE", Spec::set_data, "Inputs, one row a pair: .npy, .npz or safetensors"),
        Flag::field("answers", "FILE", "answers", "Their targets"),
        Flag::field("pool", "FILE", "pool", "Further targets, without inputs"),
        Flag::field("arms", "LIST", "arms", "Arms").with_choices(|| ARMS.iter().map(|row| row.name).collect()),
        Flag::field("rows", "LIST", "rows", "Numbers of pairs"),
        Flag::field("device", "NAME", "device", "Device of noisy expectation values"),
        Flag::field("shots", "N", "shots", "Shots of each circuit"),
    ];

    fn grids(spec: &Spec) -> Result<Vec<Grid>, StudyError> {
        let arms = spec.arms.iter().map(|name| ArmRow::named(name)).collect::<Result<Vec<_>, _>>()?;
        let factor = |kept: &dyn Fn(&ArmRow) -> bool, methods: &'static [MethodRow]| {
            let own = arms.iter().filter(|row| kept(row)).map(|row| (row.name, row.doc));
            let levels = own.chain(methods.iter().map(|method| (method.name, method.doc)));
            Factor::explained("arm", Role::Arm, levels).with_baseline(BASELINE).listed_by("arms")
        };
        let rows = |rows: &[usize], field| Factor::new("rows", Role::Setting, rows).listed_by(field);
        let seeds = || Factor::seeds(&spec.seeds);
        let is_plain = |row: &ArmRow| !row.learner.needs_sources();
        let is_affine = |row: &ArmRow| !matches!(row.learner, Learner::Network { .. });
        let mut grids = Vec::new();
        if spec.data.is_some() {
            let has_pool = spec.pool.is_some();
            let arm = factor(&|row| is_plain(row) && (has_pool || !row.learner.needs_pool()), &[]);
            let factors = vec![arm, rows(&spec.rows, "rows"), seeds()];
            let metrics = ["error", "two_way", "top_1", "rank", "passed"];
            grids.push(Grid::new("own", "Test rows", factors, &metrics).in_blocks(&["seed"]));
        }
        for part in spec.parts.iter().filter(|_| spec.data.is_none()) {
            grids.push(match part {
                Part::Unpaired => {
                    let decays = Factor::new("decay", Role::Setting, &spec.decays).listed_by("decays");
                    let factors = vec![
                        factor(&|row| is_plain(row) && is_affine(row), &[]),
                        decays,
                        rows(&spec.rows, "rows"),
                        seeds(),
                    ];
                    let metrics = ["error", "two_way", "top_1", "rank", "passed"];
                    Grid::new("unpaired", "Unpaired targets", factors, &metrics).in_blocks(&["decay", "seed"])
                }
                Part::Sources => {
                    let related = Factor::new("related", Role::Setting, &spec.related).listed_by("related");
                    let arm = factor(&|row| row.name == BASELINE || row.learner.needs_sources(), &[]);
                    let factors = vec![arm, related, rows(&spec.rows, "rows"), seeds()];
                    let metrics = ["error", "two_way", "picked", "passed"];
                    Grid::new("sources", "Maps of other subjects", factors, &metrics).in_blocks(&["related", "seed"])
                }
                Part::Safety => {
                    let worlds = Factor::new("seed", Role::Seed, 0..spec.worlds).listed_by("worlds");
                    let arm = factor(&|row| matches!(row.name, "isl" | "mtl"), &[]);
                    Grid::new("safety", "Useless targets and sources", vec![arm, worlds], &["risk", "passed"])
                        .in_blocks(&["seed"])
                }
                Part::Readout => {
                    let names =
                        |(lender, name, doc): (Lender, _, _)| spec.lenders.contains(&lender).then_some((name, doc));
                    let lenders = Lender::ALL.into_iter().filter_map(names);
                    let lender = Factor::explained("lender", Role::Setting, lenders).listed_by("lenders");
                    let arm = factor(&|row| row.name != "isl_noiseless" && is_affine(row), &METHODS);
                    let factors = vec![arm, lender, rows(&spec.pairs, "pairs"), seeds()];
                    let metrics = ["root_error", "error", "passed"];
                    Grid::new("readout", "Noisy expectation values", factors, &metrics).in_blocks(&["lender", "seed"])
                }
                Part::Pictures => {
                    let arm = factor(&|row| row.name != "isl_noiseless", &[]);
                    let factors = vec![arm, rows(&spec.seen, "seen"), seeds()];
                    let metrics = ["error", "two_way", "top_1", "rank", "passed"];
                    Grid::new("pictures", "Subjects who see garments", factors, &metrics).in_blocks(&["seed"])
                }
            });
        }
        grids.retain(|grid| grid.factors.iter().all(|factor| !factor.levels.is_empty()));
        if grids.is_empty() {
            let reason =
                "parts and arms leave nothing to run; of own pairs, isl arms need --pool, and no arm has sources";
            return Err(StudyError::Settings { reason: reason.into() });
        }
        Ok(grids)
    }

    fn open(spec: &Spec, _context: &Context) -> Result<(Option<Own>, Measurement), StudyError> {
        let (Some(data), Some(answers)) = (&spec.data, &spec.answers) else {
            return Ok((None, Measurement::default()));
        };
        let (x, y) = (read_matrix(data, "x")?, read_matrix(answers, "y")?);
        if x.nrows() != y.nrows() || x.nrows() < 12 {
            let reason = format!(
                "{} rows, and {} of {}; expected as many of both, at least 12",
                x.nrows(),
                y.nrows(),
                answers.display()
            );
            return Err(StudyError::Spec { path: data.clone(), reason });
        }
        let training = x.nrows() - World::tested(x.nrows(), spec.test_share);
        if spec.rows.iter().all(|rows| *rows > training) {
            let reason = format!("{training} of its {} rows are to learn from; name fewer with --rows", x.nrows());
            return Err(StudyError::Spec { path: data.clone(), reason });
        }
        let pool = spec.pool.as_ref().map(|path| read_matrix(path, "pool")).transpose()?;
        if let (Some(pool), Some(path)) = (&pool, &spec.pool)
            && pool.ncols() != y.ncols()
        {
            let reason = format!("rows of {} numbers; targets have {}", pool.ncols(), y.ncols());
            return Err(StudyError::Spec { path: path.clone(), reason });
        }
        Ok((Some(Own { x, y, pool }), Measurement::default()))
    }

    fn prepare(
        spec: &Spec,
        inputs: &Option<Own>,
        block: &Point,
        _context: &Context,
    ) -> Result<(World, Measurement), StudyError> {
        let (seed, most) = (block.seed(), |rows: &[usize]| rows.iter().copied().max().unwrap_or(0));
        let decay = || block.get("decay").parse().unwrap_or(spec.decays[0]);
        let related: usize = block.get("related").parse().unwrap_or(0);
        let mut found = Measurement::default();
        let world = match (block.grid.as_str(), inputs) {
            (_, Some(Own { x, y, pool })) => {
                let none = || ndarray::Array2::zeros((0, y.ncols()));
                World::own(x, y, &pool.clone().unwrap_or_else(none), spec.test_share, seed)
            }
            ("pictures", _) => World::pictures(spec, seed)?,
            ("readout", _) => World::readout(spec, Lender::named(block.get("lender")), seed, &mut found)?,
            ("safety", _) => {
                // Other worlds than those of the first grid, whose seeds may be the same.
                let seed = Stream::named(seed, "safety").bits();
                World::simulated(spec, decay(), (spec.rows[0], 0, Flaw::Pool), seed)?
            }
            ("sources", _) => {
                let last = spec.decays.last().copied().unwrap_or(1.0);
                World::simulated(spec, last, (most(&spec.rows), related, Flaw::None), seed)?
            }
            _ => World::simulated(spec, decay(), (most(&spec.rows), 0, Flaw::None), seed)?,
        };
        Ok((world, found))
    }

    fn trial(
        spec: &Spec,
        _inputs: &Option<Own>,
        world: &World,
        at: &Point,
        context: &Context,
    ) -> Result<Measurement, StudyError> {
        context.proceed()?;
        let rows: usize = at.get("rows").parse().unwrap_or(world.x.nrows());
        let is_own = |other: &&Mitigated| other.method == at.get("arm") && other.pairs == rows;
        if let Some(other) = world.others.iter().find(is_own) {
            return Ok(trial::quality(spec, world, &other.values, &trial::mean(world.pairs(rows))));
        }
        let arm = ArmRow::named(at.get("arm"))?;
        if rows > world.x.nrows() {
            let reason = format!("there are {} pairs to learn from, not {rows}", world.x.nrows());
            return Ok(Measurement::default().inapplicable(reason));
        }
        if let Learner::Network { is_contrastive } = arm.learner {
            return network::learn(spec, world, (is_contrastive, rows), at.seed(), context);
        }
        let learned = learn(spec, world, arm.learner, rows, at.seed())?;
        let found = trial::measure(spec, world, rows, &learned)?;
        if at.grid != "safety" {
            return Ok(found);
        }
        let ridge = ArmRow::named(BASELINE)?;
        let ridge = trial::measure(spec, world, rows, &learn(spec, world, ridge.learner, rows, at.seed())?)?;
        let risk = found.get("error").zip(ridge.get("error")).map(|(own, ridge)| own / ridge);
        Ok(found.value_if("risk", risk))
    }

    fn contrasts(spec: &Spec, grids: &[Grid]) -> Vec<Contrast> {
        let is_run = |arm: &str| spec.arms.iter().any(|own| own == arm);
        let mut found: Vec<Contrast> =
            grids.iter().filter(|grid| grid.name != "safety").flat_map(Contrast::to_baseline).collect();
        let has_networks = is_run("network") && is_run("network_soft_clip");
        for grid in grids.iter().filter(|grid| grid.name == "pictures" && has_networks) {
            found.extend(Contrast::in_each_setting(grid, "arm", "network_soft_clip", "network"));
        }
        for grid in grids.iter().filter(|grid| grid.name == "readout") {
            for arm in ["isl", "mtl", "debiased"].into_iter().filter(|arm| is_run(arm)) {
                for method in &METHODS {
                    found.extend(Contrast::in_each_setting(grid, "arm", arm, method.name));
                }
            }
        }
        found
    }

    fn apply(run: &SavedRun, options: &ApplyOptions, _observer: &dyn Observer) -> Result<Option<Applied>, StudyError> {
        saved::apply(run, options).map(Some)
    }
}
