//! Small cohorts of pictures: which classifier, with honest intervals, and no patient on both sides of a split (after Monfared et
//! al. 2026, arXiv:2603.18460). Research software, not for diagnosis.
//!
//! Pictures of patients → features of a frozen network, histograms of gradients or pixels → a classifier. Folds keep patients whole;
//! penalties, costs and thresholds are chosen in folds within the patients that are learned from. [`ARMS`] are classifiers and
//! controls.
//!
//! [`SmallCohort`] is the experiment, [`Spec`] its settings.

mod arms;
mod checks;
mod features;
mod models;
mod own;
mod patients;
mod phantom;
mod readers;
mod saliency;
mod saved;
mod sections;
mod spec;
mod trial;
mod tuned;

pub use arms::{ARMS, ArmRow, Classifier, Features};
pub use models::{Fitted, Learning, Scaler, matched};
pub use own::{PATIENTS_FILE, read};
pub use patients::Cohort;
pub use phantom::{EDGE, Phantom, Slice};
pub use readers::Readers;
pub use saliency::{Hits, map, painted};
pub use saved::{MODEL_FILE, SavedClassifier};
pub use spec::{Part, Source, Spec};
pub use trial::{OUTCOME, Outcome, PREDICTIONS_FILE, Split};
pub use tuned::{CutNetwork, TunedHeader, TunedNetwork, Tuning};

use std::collections::BTreeMap;

use ndarray::Array2;

use crate::lab::{
    Applied, ApplyOptions, Check, Context, Contrast, Experiment, Factor, Files, Flag, Grid, Info, Measurement, Metric,
    Point, Results, Role, SavedRun, StudyError, TrialFiles, Unit,
};
use crate::nn::backbone::BACKBONES;
use crate::report::Section;
use crate::study::Observer;
use crate::study::files::append_rows;
use crate::systems::cohort::features::Networks;
use crate::systems::cohort::readers::READERS;
use crate::systems::cohort::trial::Trial;

/// The experiment.
pub struct SmallCohort;

/// The arm that others are compared with.
const BASELINE: &str = "lite0";
/// Arms of the part with many patients.
const LARGE: [&str; 3] = [BASELINE, "shuffled", "hog_svm"];
/// Pairs of arms that are compared besides each arm with the baseline.
const PAIRS: [(&str, &str); 5] = [
    ("fine_tuned", "network"),
    ("quantum", "classical"),
    ("quantum", "no_entanglers"),
    ("quantum", "frozen_circuit"),
    ("hog_svm", "pca_logistic"),
];

/// A cohort with the features that its arms read.
struct Opened {
    cohort: Cohort,
    features: BTreeMap<Features, Array2<f64>>,
}

/// What every trial reads: a cohort for each seed and size.
pub struct Inputs {
    cohorts: BTreeMap<(u64, bool), Opened>,
    networks: Networks,
}

impl Experiment for SmallCohort {
    type Spec = Spec;
    type Inputs = Inputs;
    type Block = ();

    const INFO: Info = Info {
        name: "cohort",
        title: "Small cohorts of pictures (research software, not for diagnosis)",
        doc: "Frozen networks, histograms of gradients and circuits on a few patients, with exact intervals (after Monfared et \
              al. 2026, arXiv 2603.18460); not for diagnosis",
        examples: &[
            "",
            "--preset full",
            "--source shirts --seeds 3",
            "--data pictures --positive cancer --repeats 5",
            "--data pictures --readers readers.csv",
            "--arms lite0,quantum,classical",
            "--arms network,fine_tuned --network resnet18 --weights resnet18.pth",
        ],
    };

    const METRICS: &'static [Metric] = &[
        Metric::higher("auc", "AUROC", Unit::Plain, "area under the receiver operating curve over patients"),
        Metric::higher(
            "sensitivity",
            "sensitivity",
            Unit::Share,
            "positive patients called so at the chosen threshold",
        ),
        Metric::higher(
            "specificity",
            "specificity",
            Unit::Share,
            "negative patients called so at the chosen threshold",
        ),
        Metric::higher("accuracy", "accuracy", Unit::Share, "patients called right at the chosen threshold"),
        Metric::higher("picture_auc", "AUROC of pictures", Unit::Plain, "the area over pictures"),
        Metric::higher(
            "pointing",
            "pointing game",
            Unit::Share,
            "found lesions that the largest value of the map is on",
        ),
        Metric::higher(
            "energy",
            "map on lesion",
            Unit::Plain,
            "share of the map inside found lesions over their share of the picture; 1 for an even map",
        ),
        Metric::lower("parameters", "parameters", Unit::Count, "trained ones, without scalers and components"),
    ];

    const CHECKS: &'static [Check] = checks::CHECKS;

    const FLAGS: &'static [Flag<Spec>] = &[
        Flag::apply(
            "data",
            "PATH",
            Spec::set_data,
            "Pictures, DICOM series or NIfTI volumes: a folder with patients.csv or class/patient/; or VOC boxes",
        ),
        Flag::field("source", "NAME", "source", "Patients without a folder").with_choices(|| vec!["phantom", "shirts"]),
        Flag::field("positive", "CLASS", "positive", "The class that is the finding"),
        Flag::field("readers", "FILE", "readers", "Table of readers' answers: patient and a column for each reader"),
        Flag::apply(
            "resample",
            "",
            |spec, _| spec.resample = true,
            "Draw --positives and --negatives from the patients of the folder under each seed",
        ),
        Flag::apply("skip-bad", "", |spec, _| spec.skip_bad = true, "Leave out pictures that cannot be read"),
        Flag::apply(
            "allow-leakage",
            "",
            |spec, _| spec.allow_leakage = true,
            "Also split by pictures, so that a patient is on both sides; the report says so in red",
        ),
        Flag::field("arms", "LIST", "arms", "Arms").with_choices(|| ARMS.iter().map(|row| row.name).collect()),
        Flag::field("network", "NAME", "network.name", "The network of the arms network and fine_tuned")
            .with_choices(|| BACKBONES.iter().map(|row| row.name).collect()),
        Flag::field("weights", "FILE", "network.weights", "Its weights"),
        Flag::field("trained-stages", "N", "tuning.stages", "Last stages of it that the arm fine_tuned trains"),
        Flag::field("positives", "N", "positives", "Patients with the finding"),
        Flag::field("negatives", "N", "negatives", "Patients without"),
        Flag::field("repeats", "N", "repeats", "Repetitions of the cross-validation"),
        Flag::field("sensitivity", "SHARE", "sensitivity", "Sensitivity that the threshold is chosen for"),
    ];

    fn grids(spec: &Spec) -> Result<Vec<Grid>, StudyError> {
        let arms = spec.arms.iter().map(|name| ArmRow::named(name)).collect::<Result<Vec<_>, _>>()?;
        let grid = |name: &str, heading: &str, kept: &[&str], splits: bool| {
            let own = arms.iter().filter(|row| kept.is_empty() || kept.contains(&row.name));
            let arm = Factor::explained("arm", Role::Arm, own.map(|row| (row.name, row.doc))).with_baseline(BASELINE);
            let mut factors = vec![arm.listed_by("arms"), Factor::seeds(&spec.seeds)];
            if splits {
                factors.insert(0, Factor::explained("split", Role::Setting, Split::NAMES));
            }
            let metrics =
                ["auc", "sensitivity", "specificity", "accuracy", "picture_auc", "pointing", "energy", "parameters"];
            Grid::new(name, heading, factors, &metrics)
        };
        let mut grids = Vec::new();
        if spec.parts.contains(&Part::Arms) {
            grids.push(grid("main", "Patients that were not learned from", &[], spec.allow_leakage));
        }
        if spec.parts.contains(&Part::Large) {
            let heading = format!("With {} times as many patients", spec.large);
            grids.push(grid("large", &heading, &LARGE, false));
        }
        grids.retain(|grid| grid.factor("arm").is_some_and(|arm| !arm.levels.is_empty()));
        if grids.is_empty() {
            let reason = "the part large needs one of the arms lite0, shuffled, hog_svm";
            return Err(StudyError::Settings { reason: reason.into() });
        }
        Ok(grids)
    }

    fn open(spec: &Spec, context: &Context) -> Result<(Inputs, Measurement), StudyError> {
        let own = spec.data.as_ref().map(|path| own::read(spec, path)).transpose()?;
        let mut found = Measurement::default();
        let mut cohorts = BTreeMap::new();
        for part in &spec.parts {
            for seed in &spec.seeds {
                let factor = if *part == Part::Large { spec.large } else { 1 };
                let cohort = match &own {
                    Some(cohort) if spec.resample => cohort.resampled(*seed, spec.positives, spec.negatives)?,
                    Some(cohort) => cohort.clone(),
                    None => Cohort::drawn(spec, *seed, factor)?,
                };
                cohort.check(spec)?;
                cohorts.insert((*seed, *part == Part::Large), cohort);
            }
        }
        if let Some(cohort) = &own {
            found = cohort.notices.iter().fold(found, |found, notice| found.notice(notice));
        }
        let is_drawn_again = spec.resample || spec.data.is_none() && spec.source == Source::Shirts;
        if is_drawn_again && spec.seeds.len() > 1 {
            found = found.notice("cohorts of different seeds share patients, so intervals over seeds are too narrow");
        }
        if spec.allow_leakage {
            found = found.notice("--allow-leakage: in the split `pictures` a patient is on both sides");
        }
        if let Some(path) = &spec.readers {
            let first = cohorts.values().next();
            found = match first {
                Some(cohort) => found.keep(READERS, &Readers::read(path, cohort)?),
                None => found,
            };
        }
        let kinds = |is_large: bool| -> Vec<Features> {
            let of = |row: &&ArmRow| !is_large || LARGE.contains(&row.name);
            let rows = spec.arms.iter().filter_map(|name| ArmRow::named(name).ok());
            let mut kinds: Vec<Features> = rows.filter(of).map(|row| row.features).collect();
            kinds.sort_unstable();
            kinds.dedup();
            kinds
        };
        let networks = Networks::open(&kinds(false), (&spec.network, spec.tuning.stages))?;
        let pool = rayon::ThreadPoolBuilder::new().num_threads(context.threads).build();
        let pool = pool.map_err(|e| StudyError::Threads { reason: e.to_string() })?;
        let mut opened = BTreeMap::new();
        for (key, cohort) in cohorts {
            let features = kinds(key.1).into_iter().map(|kind| {
                let places = (context.observer, context.cache);
                Ok((kind, pool.install(|| networks.features(kind, &cohort.pictures, places))?))
            });
            let features = features.collect::<Result<_, StudyError>>()?;
            opened.insert(key, Opened { cohort, features });
        }
        Ok((Inputs { cohorts: opened, networks }, found))
    }

    fn prepare(_: &Spec, _: &Inputs, _: &Point, _: &Context) -> Result<((), Measurement), StudyError> {
        Ok(((), Measurement::default()))
    }

    fn trial(spec: &Spec, inputs: &Inputs, (): &(), at: &Point, context: &Context) -> Result<Measurement, StudyError> {
        let arm = ArmRow::named(at.get("arm"))?;
        let missing = || StudyError::Settings { reason: format!("no cohort of {at}") };
        let Opened { cohort, features } = inputs.cohorts.get(&(at.seed(), at.grid == "large")).ok_or_else(missing)?;
        let trial = Trial {
            spec,
            cohort,
            features: features.get(&arm.features).ok_or_else(missing)?,
            network: inputs.networks.network(arm.features).filter(|_| at.grid == "main"),
            cut: inputs.networks.cut(),
            arm,
            split: Split::named(at.get("split")),
            repeats: if at.grid == "large" { 1 } else { spec.repeats },
            seed: at.seed(),
        };
        trial.run(context)
    }

    fn contrasts(spec: &Spec, grids: &[Grid]) -> Vec<Contrast> {
        let is_run = |arm: &str| spec.arms.iter().any(|own| own == arm);
        let mut found: Vec<Contrast> = grids.iter().flat_map(Contrast::to_baseline).collect();
        for grid in grids.iter().filter(|grid| grid.name == "main") {
            let pairs = PAIRS.into_iter().filter(|(arm, other)| is_run(arm) && is_run(other));
            found.extend(pairs.flat_map(|(arm, other)| Contrast::in_each_setting(grid, "arm", arm, other)));
        }
        found
    }

    fn sections(spec: &Spec, results: &Results) -> Vec<Section> {
        sections::sections(spec, results)
    }

    /// predictions.csv: every patient, predicted by every arm while it was tested on.
    fn artifacts(_spec: &Spec, results: &Results, files: &TrialFiles) -> Result<Files, StudyError> {
        let mut all = Vec::new();
        for trial in results.trials("main").filter(|trial| trial.point.get("split") != "pictures") {
            for (_, bytes) in files(&trial.point)?.into_iter().filter(|(name, _)| name == PREDICTIONS_FILE) {
                append_rows(&mut all, &bytes);
            }
        }
        Ok(if all.is_empty() { Vec::new() } else { vec![(PREDICTIONS_FILE.to_string(), all)] })
    }

    fn apply(run: &SavedRun, options: &ApplyOptions, observer: &dyn Observer) -> Result<Option<Applied>, StudyError> {
        saved::apply(run, options, observer).map(Some)
    }
}
