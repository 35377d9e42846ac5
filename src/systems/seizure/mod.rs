//! Fuzzy rules for seizures of one patient, learned from a few of its labels and from other patients (after Li et al. 2021,
//! arXiv:2111.08457). Research software, not for diagnosis.
//!
//! Recordings → segments → features in several [`VIEWS`] → rules of each view, whose consequents are fitted in closed form:
//! views agree, domains are pulled together, labels of other patients count as much as cross-validation over the target's
//! labels says. [`ARMS`] leave parts out or are other methods.
//!
//! [`Seizure`] is the experiment, [`Spec`] its settings.

mod arms;
mod arrays;
mod baselines;
mod checks;
mod cohort;
mod convolution;
mod deep;
mod detector;
mod extra_view;
mod own;
mod rules;
mod saved;
mod sections;
mod simulation;
mod spec;
mod task;
mod trial;
mod views;

pub use arms::{ARMS, ArmRow, Learner, Source, Views};
pub use arrays::{ARRAY_RATE, ARRAYS, ArrayRow};
pub use cohort::{CLASSES, Cohort, Cut, Patient, Record};
pub use convolution::ConvolutionalView;
pub use rules::{Rule, ViewRules, sentences};
pub use saved::MODEL_FILE;
pub use spec::{Part, Spec};
pub use task::{Segment, Task};
pub use trial::{PREDICTIONS_FILE, Quality, RULES, false_alarms};
pub use views::{VIEWS, ViewRow};

use crate::lab::{
    Applied, ApplyOptions, Check, Context, Contrast, Experiment, Factor, Files, Flag, Grid, Info, Measurement, Metric,
    Point, Results, Role, SavedRun, StudyError, TrialFiles, Unit,
};
use crate::report::Section;
use crate::study::Observer;
use crate::study::files::append_rows;
use crate::systems::seizure::trial::Trial;

/// The experiment.
pub struct Seizure;

/// The arm that is the method.
const METHOD: &str = "transfer";
/// The arm that others are compared with.
const BASELINE: &str = "target_only";

/// Pairs of arms that are compared besides each arm with the baseline.
const PAIRS: [(&str, &str); 14] = [
    (METHOD, "source_only"),
    (METHOD, "pooled"),
    (METHOD, "multi_view"),
    (METHOD, "no_mmd"),
    (METHOD, "no_collaboration"),
    (METHOD, "one_view"),
    (METHOD, "svm"),
    (METHOD, "jda"),
    ("hybrid", METHOD),
    ("hybrid", "random_view"),
    ("deep", METHOD),
    ("deep_fidelity", "deep"),
    ("deep_convolutional", METHOD),
    ("deep_convolutional", "deep"),
];

/// Factors that make a task.
const TASK: &[&str] = &["target", "seed"];

/// What every trial reads: patients for each seed. Recordings of a folder are the same under every seed.
pub struct Inputs(Vec<Cohort>);

impl Experiment for Seizure {
    type Spec = Spec;
    type Inputs = Inputs;
    type Block = Task;

    const INFO: Info = Info {
        name: "seizure",
        title: "Seizure detection from EEG (research software, not for diagnosis)",
        doc: "Fuzzy rules for the seizures of one patient, learned from other patients too (after Li et al. 2021, arXiv \
              2111.08457); not for diagnosis",
        examples: &[
            "",
            "--preset full",
            "--data recordings --seeds 5",
            "--data eeg --rates bonn=173.61,delhi=200 --seeds 5",
            "--arms target_only,transfer,hybrid,random_view",
        ],
    };

    const METRICS: &'static [Metric] = &[
        Metric::higher(
            "balanced_accuracy",
            "balanced accuracy",
            Unit::Share,
            "mean of sensitivity and specificity on the target's test segments",
        ),
        Metric::higher("sensitivity", "sensitivity", Unit::Share, "seizure segments that are found"),
        Metric::higher("specificity", "specificity", Unit::Share, "background segments without alarm"),
        Metric::higher("f1", "F1", Unit::Plain, "harmonic mean of sensitivity and precision"),
        Metric::higher("auc", "AUROC", Unit::Plain, "area under the receiver operating curve"),
        Metric::lower(
            "false_alarms",
            "false alarms per hour",
            Unit::Plain,
            "runs of segments taken for a seizure that touch none, for an hour of background",
        ),
        Metric::higher("accuracy", "accuracy", Unit::Share, "test segments classified correctly"),
        Metric::higher("source_weight", "weight of source", Unit::Plain, "chosen by cross-validation"),
        Metric::higher("extra_weight", "weight of view", Unit::Plain, "learned weight of the circuit or random view"),
        Metric::higher("pseudo_share", "labelled by itself", Unit::Share, "unlabelled segments with a confident label"),
        Metric::higher("pseudo_accuracy", "of them right", Unit::Share, "of these labels"),
        Metric::lower("rules", "rules", Unit::Count, "of a view, at most"),
        Metric::lower("validation", "validation error", Unit::Plain, "mean squared error in cross-validation"),
    ];

    const CHECKS: &'static [Check] = checks::CHECKS;

    const FLAGS: &'static [Flag<Spec>] = &[
        Flag::apply(
            "data",
            "FOLDER",
            Spec::set_data,
            "Recordings: a folder for each patient (EDF, BDF, MAT, CSV, text)",
        ),
        Flag::field("rates", "LIST", "rates", "Sampling rates that files do not state, as PATIENT=HERTZ"),
        Flag::field("targets", "LIST", "targets", "Patients that detectors are learned for; all by default"),
        Flag::field("seizure-folders", "LIST", "seizure_folders", "Further names of folders with seizures"),
        Flag::field("background-folders", "LIST", "background_folders", "Further names of folders without seizures"),
        Flag::apply(
            "allow-leakage",
            "",
            |spec, _| spec.allow_leakage = true,
            "Cut recordings apart, so that both sides of a split have parts of one; the report says so in red",
        ),
        Flag::field("arms", "LIST", "arms", "Arms").with_choices(|| ARMS.iter().map(|row| row.name).collect()),
        Flag::field("views", "LIST", "views", "Views").with_choices(|| VIEWS.iter().map(|row| row.name).collect()),
        Flag::field("labels", "N", "labels", "Labelled segments of each class of the target"),
        Flag::field("segment", "SECONDS", "seconds", "Length of a segment"),
        Flag::field("patients", "N", "patients", "Simulated patients"),
    ];

    fn grids(spec: &Spec) -> Result<Vec<Grid>, StudyError> {
        let targets = Factor::new("target", Role::Seed, spec.target_names()?).listed_by("targets");
        let arms = spec.arms.iter().map(|name| ArmRow::named(name)).collect::<Result<Vec<_>, _>>()?;
        let grid = |name: &str, heading: &str, kept: &[&str], metrics: &[&'static str]| {
            let own = arms.iter().filter(|row| kept.is_empty() || kept.contains(&row.name));
            let arm = Factor::explained("arm", Role::Arm, own.map(|row| (row.name, row.doc))).with_baseline(BASELINE);
            let factors = vec![arm.listed_by("arms"), targets.clone(), Factor::seeds(&spec.seeds)];
            Grid::new(name, heading, factors, metrics).in_shared_blocks("task", TASK)
        };
        let quality = ["balanced_accuracy", "sensitivity", "specificity", "f1", "auc", "false_alarms", "extra_weight"];
        let few =
            ["balanced_accuracy", "sensitivity", "specificity", "source_weight", "pseudo_share", "pseudo_accuracy"];
        let has = |part: Part| spec.parts.contains(&part);
        let mut grids = Vec::new();
        if has(Part::Arms) {
            grids.push(grid("main", "Test segments of each target", &[], &quality));
        }
        if has(Part::Labels) {
            let heading = format!("With {} labels of each class", spec.many_labels);
            grids.push(grid("labels", &heading, &[BASELINE, METHOD], &few));
        }
        if has(Part::Shuffled) {
            grids.push(grid("shuffled", "Sources with shuffled labels", &["pooled", METHOD], &few));
        }
        grids.retain(|grid| grid.factor("arm").is_some_and(|arm| !arm.levels.is_empty()));
        if grids.is_empty() {
            let reason = "parts and arms leave nothing to run; the parts need the arms target_only, pooled or transfer";
            return Err(StudyError::Settings { reason: reason.into() });
        }
        Ok(grids)
    }

    fn open(spec: &Spec, context: &Context) -> Result<(Inputs, Measurement), StudyError> {
        let cohorts = match &spec.data {
            Some(folder) => vec![own::read(spec, folder, context.observer)?],
            None => spec.seeds.iter().map(|seed| Cohort::simulated(spec, *seed)).collect::<Result<_, _>>()?,
        };
        let mut found = Measurement::default();
        for notice in cohorts.iter().flat_map(|cohort| &cohort.notices) {
            found = found.notice(notice);
        }
        if spec.allow_leakage {
            found = found.notice("--allow-leakage: segments of one recording are on both sides of the split");
        }
        let inputs = Inputs(cohorts);
        for target in spec.target_names()? {
            spec.seeds.iter().try_for_each(|seed| task::check(spec, inputs.of(spec, *seed), &target, *seed))?;
        }
        Ok((inputs, found))
    }

    fn prepare(
        spec: &Spec,
        inputs: &Inputs,
        block: &Point,
        _context: &Context,
    ) -> Result<(Task, Measurement), StudyError> {
        let cohort = inputs.of(spec, block.seed());
        Ok((Task::new(spec, cohort, block.get("target"), block.seed())?, Measurement::default()))
    }

    fn trial(
        spec: &Spec,
        inputs: &Inputs,
        task: &Task,
        at: &Point,
        context: &Context,
    ) -> Result<Measurement, StudyError> {
        let labels = if at.grid == "labels" { spec.many_labels } else { spec.labels };
        let trial = Trial {
            spec,
            cohort: inputs.of(spec, at.seed()),
            task,
            target: at.get("target"),
            arm: ArmRow::named(at.get("arm"))?,
            labels,
            is_shuffled: at.grid == "shuffled",
            seed: at.seed(),
        };
        trial.run(context)
    }

    fn contrasts(spec: &Spec, grids: &[Grid]) -> Vec<Contrast> {
        let is_run = |arm: &str| spec.arms.iter().any(|own| own == arm);
        let mut found: Vec<Contrast> = grids.iter().flat_map(Contrast::to_baseline).collect();
        if grids.iter().any(|grid| grid.name == "main") {
            let pairs = PAIRS.into_iter().filter(|(arm, other)| is_run(arm) && is_run(other));
            found.extend(pairs.map(|(arm, other)| Contrast::new("main", "balanced_accuracy", "arm", arm, other)));
        }
        found.into_iter().map(|contrast| contrast.paired_by(TASK)).collect()
    }

    fn sections(spec: &Spec, results: &Results) -> Vec<Section> {
        sections::sections(spec, results)
    }

    /// predictions.csv: every test segment of every target, predicted by the method.
    fn artifacts(_spec: &Spec, results: &Results, files: &TrialFiles) -> Result<Files, StudyError> {
        let (mut all, mut rules) = (Vec::new(), Vec::new());
        for trial in results.trials("main").filter(|trial| trial.point.get("arm") == METHOD) {
            for (name, bytes) in files(&trial.point)? {
                match name.as_str() {
                    PREDICTIONS_FILE => append_rows(&mut all, &bytes),
                    "rules.txt" => {
                        rules.extend(format!("{}\n", trial.point).into_bytes());
                        rules.extend(bytes);
                    }
                    _ => {}
                }
            }
        }
        let found = [(PREDICTIONS_FILE.to_string(), all), ("rules.txt".to_string(), rules)];
        Ok(found.into_iter().filter(|(_, bytes)| !bytes.is_empty()).collect())
    }

    fn apply(run: &SavedRun, options: &ApplyOptions, observer: &dyn Observer) -> Result<Option<Applied>, StudyError> {
        saved::apply(run, options, observer).map(Some)
    }
}

impl Inputs {
    /// The patients under a seed.
    fn of(&self, spec: &Spec, seed: u64) -> &Cohort {
        let index = spec.seeds.iter().position(|own| *own == seed).unwrap_or(0);
        // There is at least one seed, and one cohort for each or for all.
        self.0.get(index).unwrap_or(&self.0[0])
    }
}
