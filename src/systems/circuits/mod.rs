//! Variational circuits before any data: how large their gradients are, how much of the state space they reach, what a
//! device makes of them.
//!
//! * `gradients`: variance of ∂L/∂w over random starts by number of qubits, and the fitted rate at which it decays:
//!   barren plateaus (McClean et al. 2018, arXiv 1803.11173; Cerezo et al. 2021, arXiv 2001.00550), and whether noise
//!   flattens them (Wang et al. 2021, arXiv 2007.14384) or relaxation keeps them up (Schmitt et al. 2026, arXiv 2602.22851).
//! * `expressibility`: divergence of the circuit's states from Haar-random ones, and their entanglement (Sim et al. 2019,
//!   arXiv 1905.10876); with gradients beside it, the trade-off of Holmes et al. 2022 (arXiv 2101.02138).
//! * `transpilation`: gates, depth and expected success on devices, by optimisation level and layout.
//!
//! [`Circuits`] is the experiment, [`Spec`] its settings, [`EXPERIMENTS`] its parts. The formulas are in
//! [`study::landscape`](crate::study::landscape).

mod checks;
mod figures;
mod grids;
mod spec;
mod trial;

pub use grids::{EXPERIMENTS, ExperimentRow};
pub use spec::{ExpressibilityConfig, GradientConfig, IDEAL, LAYOUTS, LayoutRow, Spec, TranspilationConfig};

use std::collections::BTreeMap;

use crate::circuit::ansatz::ANSATZE;
use crate::device::{DEVICES, Device};
use crate::lab::{
    Check, Context, Contrast, Coordinate, Experiment, Flag, Grid, Info, Measurement, Metric, Point, Results,
    StudyError, Unit,
};
use crate::nn::NnError;
use crate::noise::model::SOURCES;
use crate::report::Section;
use crate::sim::Execution;
use crate::study::landscape::{COSTS, STARTS};

/// The experiment.
pub struct Circuits;

impl Experiment for Circuits {
    type Spec = Spec;
    /// Devices by name.
    type Inputs = BTreeMap<String, Device>;
    /// The compiled circuit of a gradient. Other trials share nothing.
    type Block = Option<Execution>;

    const INFO: Info = Info {
        name: "circuits",
        title: "Variational circuits",
        doc: "Gradients, expressibility and transpilation of ansätze (after McClean et al. 2018, arXiv 1803.11173; Cerezo \
              et al. 2021, arXiv 2001.00550; Sim et al. 2019, arXiv 1905.10876; Holmes et al. 2022, arXiv 2101.02138)",
        examples: &[
            "",
            "--preset gradients --ansatz strongly_entangling --qubits 2,4,6,8 --depth 1,16",
            "--preset expressibility --ansatz dressed,mari --pairs 5000",
            "--preset transpilation --devices guadalupe,torino --optimization-levels 0,3",
        ],
    };

    const METRICS: &'static [Metric] = &[
        Metric::higher("variance", "variance", Unit::Plain, "variance of ∂L/∂w over starts, mean over weights, 1/rad²"),
        Metric::higher("variance_first_weight", "variance, first weight", Unit::Plain, "the same of the first weight"),
        Metric::higher("mean_absolute", "mean absolute gradient", Unit::Plain, "mean of |∂L/∂w|, 1/rad"),
        Metric::higher("gradient_norm", "norm of the gradient", Unit::Plain, "mean of ‖∂L/∂w‖ over starts, 1/rad"),
        Metric::lower("decay_rate", "decay rate", Unit::Plain, "of ln(variance) per qubit, least squares"),
        Metric::higher("decay_factor", "decay factor", Unit::Plain, "of the variance per further qubit: exp(−rate)"),
        Metric::lower(
            "expressibility",
            "expressibility",
            Unit::Nats,
            "divergence of state fidelities from Haar-random ones; 0 covers all states evenly; to 10 qubits",
        ),
        Metric::lower(
            "quantile_expressibility",
            "expressibility by quantiles",
            Unit::Nats,
            "the same over bins that Haar-random states fill evenly, for any number of qubits; at most ln 75 = 4.32",
        ),
        Metric::higher(
            "entangling_capability",
            "entangling capability",
            Unit::Plain,
            "mean Meyer–Wallach measure, 0 (product states) to 1",
        ),
        Metric::lower("parameters", "parameters", Unit::Count, "weights of the circuit"),
        Metric::lower("two_qubit_gates", "two-qubit gates", Unit::Count, "after transpilation"),
        Metric::higher("success", "success", Unit::Share, "product of 1 − error over gates, without idling"),
        Metric::lower("circuit_depth", "depth", Unit::Count, "longest chain of operations after transpilation"),
        Metric::lower("pulses", "pulses", Unit::Count, "one-qubit gates that take time, after transpilation"),
        Metric::lower("overhead", "overhead", Unit::Plain, "two-qubit gates over those of the circuit as written"),
        Metric::lower("written_two_qubit_gates", "two-qubit gates, written", Unit::Count, "of the circuit as written"),
        Metric::lower("written_depth", "depth, written", Unit::Count, "of the circuit as written"),
        Metric::lower("written_one_qubit_gates", "one-qubit gates, written", Unit::Count, "of the circuit as written"),
    ];

    const CHECKS: &'static [Check] = checks::CHECKS;

    const INPUTS: Option<&'static [&'static str]> = Some(&["devices"]);

    const FLAGS: &'static [Flag<Spec>] = &[
        Flag::field("experiments", "LIST", "experiments", "Parts to run")
            .with_choices(|| EXPERIMENTS.iter().map(|row| row.name).collect()),
        Flag::field("ansatz", "LIST", "ansatze", "Ansätze")
            .with_choices(|| ANSATZE.iter().map(|row| row.name).collect()),
        Flag::field("qubits", "LIST", "qubits", "Numbers of qubits"),
        Flag::field("depth", "LIST", "depths", "Numbers of layers"),
        Flag::field("devices", "LIST", "devices", "Devices or calibration files, or ideal")
            .with_choices(|| std::iter::once(IDEAL).chain(DEVICES.iter().map(|row| row.name)).collect()),
        Flag::field("costs", "LIST", "gradients.costs", "Cost functions of the gradients")
            .with_choices(|| COSTS.iter().map(|row| row.name).collect()),
        Flag::field("starts", "LIST", "gradients.starts", "Initialisations of the gradients")
            .with_choices(|| STARTS.iter().map(|row| row.name).collect()),
        Flag::field("samples", "N", "gradients.samples", "Random starts of a gradient variance"),
        Flag::field("source", "NAME", "gradients.source", "Sources of noise that act on gradients: all, none or one")
            .with_choices(|| ["all", "none"].into_iter().chain(SOURCES.iter().map(|row| row.name)).collect()),
        Flag::field("scale", "F", "gradients.scale", "Factor on the noise of gradients; 1 is as calibrated"),
        Flag::field("pairs", "N", "expressibility.pairs", "Pairs of random states of an expressibility"),
        Flag::field("optimization-levels", "LIST", "transpilation.optimization_levels", "Transpiler levels, 0 to 3"),
        Flag::field("layouts", "LIST", "transpilation.layouts", "Initial layouts of the transpiler")
            .with_choices(|| LAYOUTS.iter().map(|row| row.name).collect()),
    ];

    fn grids(spec: &Spec) -> Result<Vec<Grid>, StudyError> {
        let parts = spec.experiments.iter().map(|name| Ok((ExperimentRow::named(name)?.grids)(spec)));
        Ok(parts.collect::<Result<Vec<_>, StudyError>>()?.concat())
    }

    fn open(spec: &Spec, _context: &Context) -> Result<(Self::Inputs, Measurement), StudyError> {
        let load = |name: &String| Ok((name.clone(), Device::load(name).map_err(NnError::from)?));
        let devices = spec.devices.iter().filter(|name| *name != IDEAL).map(load).collect::<Result<_, StudyError>>()?;
        Ok((devices, Measurement::default()))
    }

    fn prepare(
        spec: &Spec,
        devices: &Self::Inputs,
        block: &Point,
        _context: &Context,
    ) -> Result<(Option<Execution>, Measurement), StudyError> {
        match block.grid.as_str() {
            grids::GRADIENTS => trial::compile(spec, devices.get(block.get("device")), block),
            _ => Ok((None, Measurement::default())),
        }
    }

    fn trial(
        spec: &Spec,
        devices: &Self::Inputs,
        block: &Option<Execution>,
        at: &Point,
        context: &Context,
    ) -> Result<Measurement, StudyError> {
        match at.grid.as_str() {
            grids::GRADIENTS => {
                let execution = block.as_ref().expect("the blocks of this grid are compiled circuits");
                trial::gradients(spec, execution, at)
            }
            grids::DECAY => {
                let variance = |before: Point| {
                    let found = context.finished(&before)?.get("variance");
                    Ok((trial::number(&before, "qubits") as f64, found.unwrap_or(0.0)))
                };
                let points = Self::after(spec, at).into_iter().map(variance).collect::<Result<Vec<_>, StudyError>>()?;
                Ok(trial::decay_of(&points))
            }
            grids::EXPRESSIBILITY => trial::expressibility(spec, at),
            _ => trial::transpilation(&devices[at.get("device")], at),
        }
    }

    /// A decay is fitted to the variances of all numbers of qubits.
    fn after(spec: &Spec, at: &Point) -> Vec<Point> {
        if at.grid != grids::DECAY {
            return Vec::new();
        }
        let with = |(index, qubits): (usize, &usize)| {
            let mut point = Point { grid: grids::GRADIENTS.into(), coordinates: at.coordinates.clone() };
            point.coordinates.push(Coordinate { factor: "qubits".into(), level: qubits.to_string(), index });
            point
        };
        spec.qubits.iter().enumerate().map(with).collect()
    }

    fn contrasts(_spec: &Spec, grids: &[Grid]) -> Vec<Contrast> {
        grids.iter().flat_map(grids::contrasts).collect()
    }

    fn sections(_spec: &Spec, results: &Results) -> Vec<Section> {
        figures::sections(results)
    }
}
