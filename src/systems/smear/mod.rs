//! Cells in smears: one detector under three remedies for rare classes, fused (after Kogan & Rios 2026, arXiv:2603.23742).
//!
//! Drawn fields or photographs with boxes → a small detector with each remedy → the boxes of all three, fused in every way of
//! [`FUSIONS`] → average precision against the best of them. Beside it simulated detectors,
//! whose errors have a known correlation.
//!
//! [`Smear`] is the experiment, [`Spec`] its settings. [`REMEDIES`] are compared in the grid `detectors` and fused in the
//! grid `ensembles`, rows of the common table of heads in the grid `second_stage`.

mod cells;
mod checks;
mod detector;
mod ensemble;
mod field_dataset;
mod inputs;
mod picture;
mod pretrained;
mod remedies;
mod saved;
mod second_stage;
mod sections;
mod simulation;
mod spec;
mod trials;

pub use cells::{CELLS, CellRow, Field, Slide};
pub use detector::{CentreLoss, Detector};
pub use ensemble::{fuse_fields, tune};
pub use inputs::Inputs;
pub use remedies::{REMEDIES, Remedy, RemedyRow, loss_weights};
pub use simulation::{DETECTORS, Simulation, random_fields};
pub use spec::Spec;

use crate::classic::boxes::FUSIONS;
use crate::lab::{
    Applied, ApplyOptions, Check, Context, Contrast, Experiment, Factor, Flag, Grid, Info, Measurement, Metric,
    Observer, Point, Results, Role, SavedRun, StudyError, Unit,
};
use crate::report::Section;
use crate::systems::conditions::{devices_flag, shots_flag};
use crate::systems::methods::{METHOD, OWN, methods_flag};
use ensemble::{BEST_MEMBER, ensembles};
use remedies::{PLAIN, TRANSFERRED};
use trials::{Members, NO_HEAD};

/// The experiment.
pub struct Smear;

/// Names of the grids.
const DETECTORS_GRID: &str = "detectors";
const ENSEMBLES: &str = "ensembles";
const SEED_ENSEMBLES: &str = "seed_ensembles";
const PAIRS: &str = "pairs";
const METHODS_GRID: &str = "methods";
const SECOND_STAGE: &str = "second_stage";
const SIMULATED: &str = "simulated";

/// The classical head with as many parameters as a circuit.
const MATCHED_CLASSICAL: &str = "mlp_a";

impl Experiment for Smear {
    type Spec = Spec;
    type Inputs = Inputs;
    type Block = ();

    const INFO: Info = Info {
        name: "smear",
        title: "Cells in smears",
        doc: "Do detectors with different remedies for rare classes find more cells when they are fused? (after Kogan & \
              Rios 2026, arXiv 2603.23742)",
        examples: &["", "--heads mlp_a,quantum", "--data bccd.zip --edge 120", "--preset full"],
    };

    const METRICS: &'static [Metric] = &[
        Metric::higher("map", "mAP50-95", Unit::Plain, "average precision, mean over classes and overlaps 0.5 to 0.95"),
        Metric::higher("map50", "mAP50", Unit::Plain, "at overlap 0.5"),
        Metric::higher("map75", "mAP75", Unit::Plain, "at overlap 0.75"),
        Metric::higher(
            "map_rare",
            "mAP50-95, rare",
            Unit::Plain,
            "over the two classes with the fewest training boxes",
        ),
        Metric::higher("gain", "gain", Unit::Share, "of mAP50-95, relative to the best member"),
        Metric::higher("gain50", "gain at 0.5", Unit::Share, "of mAP50, relative to the best member"),
        Metric::higher("gain75", "gain at 0.75", Unit::Share, "of mAP75, relative to the best member"),
        Metric::lower(
            "error_correlation",
            "error correlation",
            Unit::Plain,
            "correlation between two detectors of recognising a cell",
        ),
        Metric::higher(
            "cell_accuracy",
            "cell accuracy",
            Unit::Share,
            "true test cells that the head classifies correctly",
        ),
    ];

    const CHECKS: &'static [Check] = checks::CHECKS;

    const INPUTS: Option<&'static [&'static str]> = Some(&[
        "data",
        "training_fields",
        "validation_fields",
        "test_fields",
        "edge",
        "cells",
        "label_noise",
        "source_cells",
        "backbone",
    ]);

    const FLAGS: &'static [Flag<Spec>] = &[
        Flag::apply(
            "data",
            "PATH",
            |spec, path| spec.data = Some(path.into()),
            "Photographs with boxes instead of drawn smears: COCO annotations, YOLO or Pascal VOC (a folder; VOC with its \
             lists also as a zip file)",
        ),
        Flag::field(
            "heads",
            "LIST",
            "heads",
            "Heads to train as second stage behind the fused detectors (see `qgraft list heads`); NAME@DEVICE trains under noise",
        ),
        Flag::field(
            "backbone",
            "NAME",
            "backbone.name",
            "Pretrained network of the remedy transferred, for photographs",
        ),
        Flag::field("weights", "FILE", "backbone.weights", "Its weights"),
        Flag::field("epochs", "N", "train.epochs", "Epochs of training of each detector"),
        methods_flag(),
        devices_flag(),
        shots_flag(),
        Flag::field("edge", "N", "edge", "Height of a field in pixels, a multiple of 4"),
    ];

    fn grids(spec: &Spec) -> Result<Vec<Grid>, StudyError> {
        let seeds = || Factor::seeds(&spec.seeds);
        let remedies =
            |rows: &[RemedyRow], role| Factor::explained("remedy", role, rows.iter().map(|r| (r.name, r.doc)));
        let ensembles = ensembles().into_iter().map(|(name, doc, _)| (name, doc));
        let ensembles = Factor::explained("ensemble", Role::Arm, ensembles).with_baseline(BEST_MEMBER.0);
        let precision = ["map", "map50", "map75", "map_rare"];
        let gains = [&precision[..], &["gain", "gain50", "gain75"]].concat();
        let pairs = Factor::new("pair", Role::Setting, pairs().into_iter().map(|(name, _)| name));
        let mut grids = vec![
            Grid::new(
                DETECTORS_GRID,
                "Detectors",
                vec![seeds(), remedies(&REMEDIES, Role::Arm).with_baseline(PLAIN)],
                &precision,
            ),
            Grid::new(ENSEMBLES, "Three remedies fused", vec![seeds(), ensembles], &gains),
            Grid::new(PAIRS, "Correlation of errors", vec![seeds(), pairs], &["error_correlation"]),
        ];
        if spec.seeds.len() >= DETECTORS {
            let factors = vec![remedies(&REMEDIES[1..], Role::Setting)];
            grids.push(Grid::new(SEED_ENSEMBLES, "Three seeds of one remedy fused by wbf", factors, &gains));
        }
        if !spec.heads.is_empty() {
            let heads = spec.heads.iter().map(|name| (name.as_str(), ""));
            let heads = Factor::explained("head", Role::Arm, [NO_HEAD].into_iter().chain(heads));
            let factors = [seeds(), heads.with_baseline(NO_HEAD.0).listed_by("heads")];
            let factors = factors.into_iter().chain(spec.evaluate.factors()).collect();
            let metrics = [&gains[..], &["cell_accuracy"]].concat();
            grids.push(Grid::new(SECOND_STAGE, "A head behind the three remedies fused by wbf", factors, &metrics));
        }
        if let Some(methods) = spec.method.factor() {
            let heading = "The remedy transferred by other methods";
            grids.push(Grid::new(METHODS_GRID, heading, vec![seeds(), methods], &precision));
        }
        if simulates(spec) {
            let fusions = FUSIONS.iter().map(|row| (row.name, row.doc));
            let factors = vec![
                Factor::new("correlation", Role::Setting, &spec.simulation.correlations)
                    .listed_by("simulation.correlations"),
                Factor::new("seed", Role::Seed, 0..spec.simulation.repeats).listed_by("simulation.repeats"),
                Factor::explained("fusion", Role::Evaluation, [BEST_MEMBER].into_iter().chain(fusions)),
            ];
            let metrics = ["gain", "map", "error_correlation"];
            grids.push(Grid::new(SIMULATED, "Simulated detectors fused", factors, &metrics));
        }
        Ok(grids)
    }

    fn open(spec: &Spec, _context: &Context) -> Result<(Inputs, Measurement), StudyError> {
        let (inputs, found) = Inputs::open(spec)?;
        let rare: Vec<&String> = inputs.rare().into_iter().map(|class| &inputs.classes[class]).collect();
        let found = found.keep("classes", &inputs.classes).keep("rare", &rare);
        Ok((inputs, found))
    }

    fn prepare(_: &Spec, _: &Inputs, _: &Point, _: &Context) -> Result<((), Measurement), StudyError> {
        Ok(((), Measurement::default()))
    }

    fn trial(spec: &Spec, inputs: &Inputs, (): &(), at: &Point, context: &Context) -> Result<Measurement, StudyError> {
        let before = Self::after(spec, at);
        let members = |points: &[Point]| Members::read(points, context);
        match at.grid.as_str() {
            ENSEMBLES => {
                let (.., ensemble) = ensembles()[at.index("ensemble")];
                Ok(members(&before)?.ensemble(inputs, ensemble))
            }
            SEED_ENSEMBLES => Ok(members(&before)?.ensemble(inputs, ensemble::Ensemble::Equal(&FUSIONS[0]))),
            PAIRS => Ok(members(&before)?.error_correlation(inputs)),
            SECOND_STAGE => {
                let head = (at.get("head"), at.seed());
                let plain = context.finished(&before[0])?;
                members(&before[1..])?.second_stage(spec, inputs, &plain, head, context)
            }
            SIMULATED => {
                let correlation = spec.simulation.correlations[at.index("correlation")];
                Ok(trials::simulated(spec, inputs, correlation, at.seed()))
            }
            METHODS_GRID => match before.first() {
                // The same training, measured once.
                Some(own) => Ok(Measurement { files: Default::default(), ..context.finished(own)? }),
                None => trials::detector(spec, inputs, (TRANSFERRED, at.get(METHOD)), at.seed(), context),
            },
            _ => trials::detector(spec, inputs, (at.index("remedy"), OWN), at.seed(), context),
        }
    }

    fn after(spec: &Spec, at: &Point) -> Vec<Point> {
        let detectors = |factor: &str, rows: &mut dyn Iterator<Item = usize>| -> Vec<Point> {
            rows.map(|row| at.in_grid(DETECTORS_GRID, factor, &[("remedy", REMEDIES[row].name)])).collect()
        };
        match at.grid.as_str() {
            ENSEMBLES => detectors("ensemble", &mut (1..REMEDIES.len())),
            METHODS_GRID if at.get(METHOD) == OWN => detectors(METHOD, &mut [TRANSFERRED].into_iter()),
            PAIRS => detectors("pair", &mut pairs()[at.index("pair")].1.into_iter()),
            SECOND_STAGE => detectors("head", &mut (0..REMEDIES.len())),
            SEED_ENSEMBLES => {
                let seeds = spec.seeds[..DETECTORS].iter().map(u64::to_string);
                let remedy = ("remedy", at.get("remedy"));
                seeds.map(|seed| at.in_grid(DETECTORS_GRID, "remedy", &[("seed", &seed), remedy])).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Every arm against the baseline of its grid, remedies on rare classes too, wbf against suppression, and the other
    /// heads against the parameter-matched classical head.
    fn contrasts(spec: &Spec, grids: &[Grid]) -> Vec<Contrast> {
        let mut found: Vec<Contrast> = grids.iter().flat_map(Contrast::to_baseline).collect();
        let remedies = REMEDIES.iter().skip(1);
        found.extend(remedies.map(|row| Contrast::new(DETECTORS_GRID, "map_rare", "remedy", row.name, PLAIN)));
        found.push(Contrast::new(ENSEMBLES, "map", "ensemble", "wbf", "nms"));
        for correlation in spec.simulation.correlations.iter().filter(|_| simulates(spec)) {
            let contrast = Contrast::new(SIMULATED, "gain", "fusion", "wbf", "nms");
            found.push(contrast.at("correlation", &correlation.to_string()));
        }
        if spec.heads.iter().any(|head| head == MATCHED_CLASSICAL) {
            let others = spec.heads.iter().filter(|head| *head != MATCHED_CLASSICAL);
            found.extend(others.map(|head| Contrast::new(SECOND_STAGE, "map", "head", head, MATCHED_CLASSICAL)));
        }
        found
    }

    fn apply(run: &SavedRun, options: &ApplyOptions, observer: &dyn Observer) -> Result<Option<Applied>, StudyError> {
        saved::apply(run, options, observer).map(Some)
    }

    fn sections(_spec: &Spec, results: &Results) -> Vec<Section> {
        sections::sections(results)
    }
}

/// Whether detectors are simulated: beside drawn smears alone, for they say nothing about own photographs.
fn simulates(spec: &Spec) -> bool {
    spec.data.is_none() && !spec.simulation.correlations.is_empty()
}

/// Every pair of rows of [`REMEDIES`], by name.
fn pairs() -> Vec<(String, [usize; 2])> {
    let rows = 0..REMEDIES.len();
    let pairs = rows.clone().flat_map(|first| rows.clone().skip(first + 1).map(move |second| [first, second]));
    pairs.map(|pair| (pair.map(|row| REMEDIES[row].name).join("+"), pair)).collect()
}
