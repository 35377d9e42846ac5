//! Hybrid classical-quantum transfer learning under device noise.
//!
//! Pictures → features of a frozen backbone → heads trained side by side over seeds → every circuit evaluated ideal, under
//! calibrated noise and with shots. Reference: "Hybrid Classical-Quantum Transfer Learning with Noisy Quantum Circuits",
//! arXiv 2603.16973.
//!
//! [`Qtl`] is the experiment, [`Spec`] its settings.

mod artifacts;
mod conditions;
mod heads;
mod kernel;
mod sections;
mod spec;
mod trial;

pub use crate::systems::head_choice::HeadChoice;
pub use heads::Family;
pub use spec::{EvaluateConfig, Spec};

use crate::data::Features;
use crate::lab::{
    Applied, ApplyOptions, Context, Contrast, Experiment, Factor, Files, Flag, Grid, Info, Measurement, Metric,
    ModelChoice, Observer, OnnxModel, Point, Results, Role, SavedRun, StudyError, TrialFiles, Unit,
};
use crate::nn::optim::Schedule;
use crate::noise::model::MODELS;
use crate::report::Section;
use crate::sim::{CompileOptions, Executions};
use crate::study::compare::Question;
use crate::systems::conditions::{ALL, CALIBRATED, EXACT, IDEAL};
use crate::systems::hold_out::Rows;
use crate::systems::inputs;
use crate::systems::saved_head::{KERNEL_FILE, SavedHead, candidates};
use conditions::{conditions, factors};

/// Name under which the inputs keep what the data is.
const DATA: &str = "data";
/// Name under which blocks keep their numbers of rows.
const ROWS: &str = "rows";

/// The experiment.
pub struct Qtl;

/// What every trial reads.
pub struct Inputs {
    features: Features,
    executions: Executions,
}

/// What heads with a trained circuit are compared with, and the question that answers.
const BASELINES: [(&str, Question); 4] = [
    ("linear", Question::Contribution),
    ("mlp_a", Question::Contribution),
    ("separable", Question::Control),
    ("frozen_quantum", Question::Control),
];

fn set_schedule(spec: &mut Spec, name: &str) {
    spec.train.schedule = Schedule::named(name).unwrap_or_default();
}

impl Experiment for Qtl {
    type Spec = Spec;
    type Inputs = Inputs;
    type Block = Rows;

    const INFO: Info = Info {
        name: "qtl",
        title: "Quantum and classical heads on a frozen backbone",
        doc: "Quantum and classical heads on a frozen backbone, evaluated under calibrated noise (arXiv 2603.16973)",
        examples: &[
            "",
            "--preset full",
            "--data pictures/ --heads linear,quantum --seeds 3",
            "--features features.safetensors --devices torino --shots 1024",
            "--preset mari --seeds 5",
            "--ansatz circuits/own_head.qasm --heads linear,quantum",
        ],
    };

    const METRICS: &'static [Metric] = &[
        Metric::higher(
            "accuracy",
            "accuracy",
            Unit::Share,
            "share of evaluated rows predicted right after the last epoch",
        ),
        Metric::higher(
            "best_accuracy",
            "at best epoch",
            Unit::Share,
            "the same with the parameters of the best validation epoch",
        ),
        Metric::higher(
            "balanced_accuracy",
            "balanced accuracy",
            Unit::Share,
            "unweighted mean of the recalls of the classes",
        ),
        Metric::higher("precision", "precision", Unit::Share, "unweighted mean of the precisions of the classes"),
        Metric::higher("f1", "F1", Unit::Plain, "unweighted mean of the F1 scores of the classes"),
        Metric::higher("auc", "AUC", Unit::Plain, "area under the ROC curve, mean over classes against the rest"),
        Metric::higher(
            "average_precision",
            "average precision",
            Unit::Plain,
            "area under the precision-recall curve, mean over classes against the rest",
        ),
        Metric::lower(
            "log_loss",
            "log loss",
            Unit::Nats,
            "mean negative logarithm of the probability of the true class",
        ),
        Metric::lower("calibration_error", "calibration error", Unit::Share, "expected calibration error"),
        Metric::lower(
            "brier",
            "Brier score",
            Unit::Plain,
            "mean squared distance of the probabilities from the true class",
        ),
        Metric::lower("train_loss", "training loss", Unit::Nats, "mean training loss of each epoch"),
        Metric::lower("validation_loss", "validation loss", Unit::Nats, "validation loss after each epoch"),
        Metric::higher(
            "validation_accuracy",
            "validation accuracy",
            Unit::Share,
            "validation accuracy after each epoch",
        ),
        Metric::lower("best_epoch", "best epoch", Unit::Count, "first epoch with the highest validation accuracy"),
        Metric::higher(
            "target_alignment",
            "target alignment",
            Unit::Plain,
            "agreement of the kernel of the training rows with their classes",
        ),
        Metric::lower("parameters", "parameters", Unit::Count, "trained parameters"),
        Metric::lower("quantum_parameters", "circuit parameters", Unit::Count, "trained parameters that are angles"),
    ];

    const INPUTS: Option<&'static [&'static str]> = Some(&["data", "backbone"]);

    const FLAGS: &'static [Flag<Spec>] = &[
        Flag::apply("data", "FOLDER", |spec, path| spec.data.set_folder(path), "Pictures in a folder for each class"),
        Flag::apply(
            "features",
            "FILE",
            |spec, path| spec.data.set_features(path),
            "Features and labels: safetensors, .npz, .npy or CSV",
        ),
        Flag::apply("skip-bad", "", |spec, _| spec.data.skip_bad = true, "Leave out pictures that cannot be read"),
        Flag::field("backbone", "NAME", "backbone.name", "Frozen network (see `qgraft list backbones`)"),
        Flag::field("weights", "FILE", "backbone.weights", "Its weights"),
        Flag::field("heads", "LIST", "heads", "Heads (see `qgraft list heads`); NAME@DEVICE trains under noise"),
        Flag::field(
            "devices",
            "LIST",
            "evaluate.devices",
            "Devices to evaluate under (see `qgraft list devices`), or files of calibrations",
        ),
        Flag::field("shots", "LIST", "evaluate.shots", "Numbers of shots to evaluate with"),
        Flag::field("model", "NAME", "evaluate.model", "Noise model to evaluate under")
            .with_choices(|| MODELS.iter().map(|row| row.name).collect()),
        Flag::field("epochs", "N", "train.epochs", "Epochs"),
        Flag::field("rate", "X", "train.rate", "Learning rate"),
        Flag::field("batch", "N", "train.batch", "Rows of a step"),
        Flag::apply("schedule", "NAME", set_schedule, "How the learning rate changes")
            .with_choices(|| Schedule::NAMES.to_vec()),
        Flag::field("patience", "N", "train.patience", "Stop after N epochs without a better validation accuracy"),
        Flag::field("class-weight", "NAME", "class_weight", "What rows of each class count in the loss")
            .with_choices(|| vec!["none", "balanced"]),
        Flag::field("validation", "SHARE", "hold_out.validation", "Share of the training rows for validation"),
        Flag::field("test", "SHARE", "hold_out.test", "Share of all rows for the test, cut anew under every seed"),
        Flag::field("folds", "K", "hold_out.folds", "Cross-validation over K parts; --seeds 2K repeats it once"),
        Flag::field(
            "ansatz",
            "NAME|FILE",
            "circuit.ansatz",
            "Circuit of the heads (see `qgraft list ansatze`), or an OpenQASM file (see docs/own_circuit.md)",
        ),
        Flag::field("encoding", "NAME", "circuit.encoding", "Its encoding (see `qgraft list encodings`)"),
        Flag::field("entanglement", "NAME", "circuit.entanglement", "Its pairs (see `qgraft list entanglements`)"),
        Flag::field("observables", "LIST", "circuit.observables", "What is measured of it, such as \"Z0 Z1, X2\""),
        Flag::field("qubits", "N", "circuit.qubits", "Qubits of the circuit"),
        Flag::field("depth", "N", "circuit.depth", "Layers of the circuit"),
    ];

    fn grids(spec: &Spec) -> Result<Vec<Grid>, StudyError> {
        let choices = spec.choices()?;
        let heads = choices.iter().map(|choice| (choice.label.clone(), choice.doc()));
        let mut varied = vec![
            Factor::explained("head", Role::Arm, heads).with_baseline("linear").listed_by("heads"),
            Factor::seeds(&spec.seeds),
        ];
        if choices.iter().any(HeadChoice::meets_noise) {
            varied.extend(factors(&conditions(&spec.evaluate)));
        }
        let metrics = [
            "accuracy",
            "best_accuracy",
            "balanced_accuracy",
            "precision",
            "f1",
            "auc",
            "average_precision",
            "log_loss",
            "calibration_error",
            "brier",
            "parameters",
            "quantum_parameters",
        ];
        let grid = Grid::new("main", "Heads", varied, &metrics);
        Ok(vec![if spec.hold_out.validation_share().is_some() { grid.in_blocks(&["seed"]) } else { grid }])
    }

    fn open(spec: &Spec, context: &Context) -> Result<(Inputs, Measurement), StudyError> {
        let cache = (context.cache, context.threads);
        let loaded = inputs::load(&spec.data, &spec.backbone, cache, context.observer)?;
        let executions = Executions::new(CompileOptions::default());
        let mut found = Measurement::default().keep(DATA, &loaded.title);
        found.notices = loaded.notices;
        Ok((Inputs { features: loaded.features, executions }, found))
    }

    fn prepare(
        spec: &Spec,
        inputs: &Inputs,
        block: &Point,
        _context: &Context,
    ) -> Result<(Rows, Measurement), StudyError> {
        let rows = Rows::cut(&inputs.features, &spec.hold_out, block.seed())?;
        let found = Measurement::default().keep(ROWS, &rows.counts());
        Ok((rows, found))
    }

    fn trial(
        spec: &Spec,
        inputs: &Inputs,
        rows: &Rows,
        at: &Point,
        context: &Context,
    ) -> Result<Measurement, StudyError> {
        let choice = HeadChoice::named(at.get("head"), &spec.circuit)?;
        trial::run(spec, (rows, &inputs.executions), &choice, at.seed(), context)
    }

    fn contrasts(spec: &Spec, grids: &[Grid]) -> Vec<Contrast> {
        // `grids` has refused unknown heads.
        let choices = spec.choices().unwrap_or_default();
        let quantum: Vec<&HeadChoice> = choices.iter().filter(|choice| choice.family() == Family::Quantum).collect();
        let mut found = Vec::new();
        for choice in &quantum {
            let own = BASELINES.iter().filter(|(name, _)| choices.iter().any(|other| other.label == *name));
            found.extend(own.map(|(name, question)| {
                Contrast::new("main", "accuracy", "head", &choice.label, name).asking(*question)
            }));
        }
        let levels = |name: &str| grids.iter().find_map(|grid| grid.factor(name)).map(Factor::names);
        for choice in quantum.iter().filter(|choice| choice.has_circuit()) {
            // Noise and shots each alone.
            let fixed = [("device", IDEAL), ("source", ALL), ("scale", CALIBRATED), ("shots", EXACT)];
            for (factor, baseline) in [("device", IDEAL), ("shots", EXACT)] {
                for level in levels(factor).into_iter().flatten().filter(|level| *level != baseline) {
                    let contrast = Contrast::new("main", "accuracy", factor, level, baseline).at("head", &choice.label);
                    let others = fixed.iter().filter(|(other, _)| *other != factor);
                    let contrast = others.fold(contrast, |contrast, (other, level)| contrast.at(other, level));
                    found.push(contrast.asking(Question::Noise));
                }
            }
        }
        found
    }

    fn sections(spec: &Spec, results: &Results) -> Vec<Section> {
        sections::sections(spec, results)
    }

    fn artifacts(spec: &Spec, results: &Results, files: &TrialFiles) -> Result<Files, StudyError> {
        artifacts::artifacts(spec, results, files)
    }

    fn apply(run: &SavedRun, options: &ApplyOptions, observer: &dyn Observer) -> Result<Option<Applied>, StudyError> {
        let trial = candidates(run, &options.choice)?[0];
        let applied = match trial.has(KERNEL_FILE) {
            true => kernel::apply(trial, options, observer),
            false => SavedHead::of_trial(trial)?.apply(options, observer),
        };
        applied.map(Some)
    }

    fn onnx(run: &SavedRun, choice: &ModelChoice) -> Result<Option<OnnxModel>, StudyError> {
        SavedHead::onnx(run, choice).map(Some)
    }
}
