//! How robust a trained circuit is against calibrated noise, and how much of that robustness any circuit has.
//!
//! A head from a run folder, a circuit from a file, or heads trained here in three ways (without noise, under a device's
//! noise, under a random strength of it in every batch) → evaluated under every source, device, strength, mitigation and
//! number of shots, beside gradients and three analytic controls.
//!
//! [`NoiseRobustness`] is the experiment, [`Spec`] its settings, [`ARMS`] its ways of training.

mod arms;
mod batch;
mod checks;
mod conditions;
mod controls;
mod random_condition;
mod sections;
mod source;
mod spec;
mod trial;

pub use arms::{ARMS, ArmRow};
pub use spec::Spec;
pub use trial::Inputs;

use crate::lab::{
    Applied, ApplyOptions, Check, Context, Contrast, Experiment, Factor, Flag, Grid, Info, Measurement, Metric,
    Observer, Point, Results, Role, SavedRun, StudyError, Unit,
};
use crate::noise::model::MODELS;
use crate::report::Section;
use crate::sim::{CompileOptions, Executions};
use crate::systems::conditions::{ALL, EXACT, UNMITIGATED};
use crate::systems::saved_head::{SavedHead, candidates};
use source::CircuitSource;

/// Grid of the evaluations.
const MAIN: &str = "main";
/// Grid of the gradients.
const GRADIENTS: &str = "gradients";
/// Grid of the controls.
const CONTROLS: &str = "controls";
/// The scale at which arms are compared with each number of shots too.
const COMPARED_AT: f64 = 2.0;

/// The experiment.
pub struct NoiseRobustness;

impl Experiment for NoiseRobustness {
    type Spec = Spec;
    type Inputs = Inputs;
    type Block = ();

    const INFO: Info = Info {
        name: "noise_robustness",
        title: "Noise robustness of trained circuits",
        doc: "Trained circuits under scaled calibrated noise, with mitigation and three analytic controls (after Wang et al. \
              2021, arXiv 2007.14384; Takagi et al. 2022, arXiv 2109.04457)",
        examples: &[
            "",
            "--preset full",
            "--features ants_bees.safetensors --devices torino",
            "--head runs/qtl-1 --devices torino,fez",
            "--head runs/qtl-1 --head-name quantum --head-seed 3",
            "--circuit circuits/hardware_efficient.qasm --scales 0,1,2,4,8",
            "--mitigations readout_inversion,zero_noise_exponential --shots 256,4096",
        ],
    };

    const METRICS: &'static [Metric] = &[
        Metric::higher(
            "accuracy",
            "accuracy",
            Unit::Share,
            "share of evaluated rows predicted right, read-out as trained",
        ),
        Metric::higher(
            "refitted",
            "accuracy, refitted",
            Unit::Share,
            "the same with a linear read-out fitted anew to training rows by least squares under this noise",
        ),
        Metric::lower(
            "log_loss",
            "log loss",
            Unit::Nats,
            "mean negative logarithm of the probability of the true class",
        ),
        Metric::lower("calibration_error", "calibration error", Unit::Share, "expected calibration error"),
        Metric::higher(
            "attenuation",
            "attenuation",
            Unit::Plain,
            "slope of noisy against ideal expectation values: 1 leaves them alone, 0 leaves nothing",
        ),
        Metric::lower("offset", "offset", Unit::Plain, "noisy expectation value where the ideal one is 0"),
        Metric::higher(
            "gradient_variance",
            "gradient variance",
            Unit::Plain,
            "variance of ∂⟨Z₀⟩/∂w over 64 random sets of weights, mean over weights, 1/rad²",
        ),
        Metric::higher(
            "refitted_with_shots",
            "refitted, with shots",
            Unit::Share,
            "accuracy of the refitted read-out on expectation values of the first number of shots",
        ),
        Metric::lower("flatness", "flatness", Unit::Share, "largest change of refitted accuracy over all λ"),
        Metric::higher("chance", "chance", Unit::Share, "accuracy of always predicting the most frequent class"),
        Metric::lower(
            "threshold_ratio",
            "threshold ratio",
            Unit::Plain,
            "1/c² where half of the accuracy above chance is lost with shots, over their number; c is the attenuation",
        ),
        Metric::higher("known_values", "known values", Unit::Count, "expectation values whose attenuation is known"),
        Metric::lower("known_deviation", "deviation", Unit::Plain, "largest deviation from a known value"),
        Metric::lower("smallest_factor", "smallest factor", Unit::Plain, "smallest known attenuation"),
    ];

    const CHECKS: &'static [Check] = checks::CHECKS;

    const INPUTS: Option<&'static [&'static str]> =
        Some(&["head", "head_name", "head_seed", "circuit_file", "include", "input", "data", "backbone"]);

    const FLAGS: &'static [Flag<Spec>] = &[
        Flag::apply("head", "RUN_DIR", |spec, path| spec.head = Some(path.into()), "Trained head of a run of qtl"),
        Flag::field("head-name", "NAME", "head_name", "Which head of that run; the best on validation rows by default"),
        Flag::field("head-seed", "S", "head_seed", "Which seed of it; the best on validation rows by default"),
        Flag::apply(
            "circuit",
            "FILE",
            |spec, path| spec.circuit_file = Some(path.into()),
            "Circuit (OpenQASM 2 or 3, or circuit JSON) without a classifier; its open angles are random",
        ),
        Flag::field("include", "LIST", "include", "Folders searched for the files that the circuit file includes"),
        Flag::field("input", "LIST", "input", "Values for inputs of the circuit file, such as n=4"),
        Flag::apply("data", "FOLDER", |spec, path| spec.data.set_folder(path), "Pictures in a folder for each class"),
        Flag::apply(
            "features",
            "FILE",
            |spec, path| spec.data.set_features(path),
            "Features and labels: safetensors, .npz, .npy or CSV",
        ),
        Flag::field("arms", "LIST", "arms", "Ways of training")
            .with_choices(|| ARMS.iter().map(|row| row.name).collect()),
        Flag::field(
            "devices",
            "LIST",
            "devices",
            "Devices to evaluate under, or files of calibrations; heads are trained under the first",
        ),
        Flag::field("model", "NAME", "model", "Noise model")
            .with_choices(|| MODELS.iter().map(|row| row.name).collect()),
        Flag::field("scales", "LIST", "scales", "Factors on the noise"),
        Flag::field("shots", "LIST", "shots", "Numbers of shots to evaluate with, besides exact expectation values"),
        Flag::field("mitigations", "LIST", "mitigations", "Mitigation methods (see `qgraft list mitigations`)"),
        Flag::field("epochs", "N", "train.epochs", "Epochs"),
    ];

    fn grids(spec: &Spec) -> Result<Vec<Grid>, StudyError> {
        let of_trials = source::factors(spec)?;
        let factors = of_trials.iter().cloned().chain(conditions::factors(spec)).collect();
        let noise = ["attenuation", "offset"];
        let classifier = ["accuracy", "refitted", "log_loss", "calibration_error"];
        let has_head = spec.circuit_file.is_none();
        let metrics = if has_head { [&classifier[..], &noise].concat() } else { noise.to_vec() };
        let mut grids = vec![Grid::new(MAIN, "Circuits under noise", factors, &metrics)];
        if source::with_weights(spec)?.is_some() {
            let factors = conditions::over_noise(spec);
            grids.push(Grid::new(GRADIENTS, "Gradients under noise", factors, &["gradient_variance"]));
        }
        let mut factors = of_trials;
        factors[0].levels.truncate(1);
        let mut metrics = vec!["known_values", "known_deviation", "smallest_factor"];
        if has_head {
            factors.push(Factor::new("lambda", Role::Evaluation, controls::LAMBDAS));
            let fitted = ["attenuation", "accuracy", "refitted", "refitted_with_shots"];
            metrics = [&fitted[..], &["flatness", "chance", "threshold_ratio"], &metrics].concat();
        }
        grids.push(Grid::new(CONTROLS, "Controls", factors, &metrics));
        Ok(grids)
    }

    fn open(spec: &Spec, context: &Context) -> Result<(Inputs, Measurement), StudyError> {
        let (source, found) = CircuitSource::open(spec, context)?;
        // The head of a run runs as it did there.
        let executions = match &source {
            CircuitSource::Run(head, _) => head.executions()?,
            _ => Executions::new(CompileOptions::default()),
        };
        Ok((Inputs { source, executions }, found))
    }

    fn prepare(_: &Spec, _: &Inputs, _: &Point, _: &Context) -> Result<((), Measurement), StudyError> {
        Ok(Default::default())
    }

    fn trial(spec: &Spec, inputs: &Inputs, (): &(), at: &Point, context: &Context) -> Result<Measurement, StudyError> {
        match at.grid.as_str() {
            MAIN => trial::evaluate(spec, inputs, at, context),
            GRADIENTS => trial::gradients(spec, &inputs.executions, context),
            _ => trial::control(spec, &inputs.source, at, context),
        }
    }

    /// The controls take the circuit of an evaluation.
    fn after(_spec: &Spec, at: &Point) -> Vec<Point> {
        if at.grid == CONTROLS { vec![trial::evaluated_before(at)] } else { Vec::new() }
    }

    /// Arms against the baseline on the first device: at twice the noise, exact and with shots; at every other scale from
    /// 1 on, exact.
    fn contrasts(spec: &Spec, grids: &[Grid]) -> Vec<Contrast> {
        let Some(arm) = grids.iter().find(|grid| grid.name == MAIN).and_then(|grid| grid.factor("arm")) else {
            return Vec::new();
        };
        let Some(baseline) = arm.baseline() else { return Vec::new() };
        let shots = spec.shots.iter().map(|shots| (COMPARED_AT, shots.to_string()));
        let shots = shots.filter(|_| spec.scales.contains(&COMPARED_AT));
        let exact = spec.scales.iter().filter(|scale| **scale >= 1.0).map(|scale| (*scale, EXACT.to_string()));
        let mut conditions: Vec<(f64, String)> = exact.chain(shots).collect();
        conditions.sort_by_key(|(scale, _)| *scale != COMPARED_AT);
        let mut found = Vec::new();
        for (scale, shots) in &conditions {
            let others = arm.names().filter(|name| *name != baseline.name);
            found.extend(others.map(|name| {
                Contrast::new(MAIN, "accuracy", "arm", name, &baseline.name)
                    .at("device", &spec.devices[0])
                    .at("source", ALL)
                    .at("scale", &scale.to_string())
                    .at("mitigation", UNMITIGATED)
                    .at("shots", shots)
            }));
        }
        found
    }

    fn sections(spec: &Spec, results: &Results) -> Vec<Section> {
        sections::sections(spec, results)
    }

    fn apply(run: &SavedRun, options: &ApplyOptions, observer: &dyn Observer) -> Result<Option<Applied>, StudyError> {
        let trial = candidates(run, &options.choice)?[0];
        SavedHead::of_trial(trial)?.apply(options, observer).map(Some)
    }
}
