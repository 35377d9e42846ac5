//! What is varied and what is compared.

use crate::circuit::ansatz::AnsatzRow;
use crate::device::DEVICES;
use crate::lab::{Contrast, Factor, Grid, Role, StudyError};
use crate::study::landscape::{CostRow, StartRow};
use crate::systems::circuits::spec::{IDEAL, LAYOUTS, Spec};

/// Grid of the gradients.
pub(super) const GRADIENTS: &str = "gradients";
/// Grid of the rates at which their variance decays with the number of qubits.
pub(super) const DECAY: &str = "decay";
/// Grid of the expressibility.
pub(super) const EXPRESSIBILITY: &str = "expressibility";
/// Grid of the transpilation.
pub(super) const TRANSPILATION: &str = "transpilation";

/// A part of the run.
pub struct ExperimentRow {
    /// Name in specs.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// Its grids.
    pub(super) grids: fn(&Spec) -> Vec<Grid>,
}

/// Every part.
pub static EXPERIMENTS: &[ExperimentRow] = &[
    ExperimentRow {
        name: GRADIENTS,
        doc: "variance of the gradient over random starts: does it vanish with width, depth or noise?",
        grids: gradients,
    },
    ExperimentRow {
        name: EXPRESSIBILITY,
        doc: "how evenly a circuit covers the state space, and how much it entangles",
        grids: expressibility,
    },
    ExperimentRow {
        name: TRANSPILATION,
        doc: "gates, depth and expected success of a circuit on devices",
        grids: transpilation,
    },
];

impl ExperimentRow {
    /// The row of this name.
    ///
    /// # Errors
    /// If there is none, with the nearest name.
    pub fn named(name: &str) -> Result<&'static Self, StudyError> {
        let names = EXPERIMENTS.iter().map(|row| row.name);
        EXPERIMENTS.iter().find(|row| row.name == name).ok_or_else(|| StudyError::unknown("experiment", name, names))
    }
}

fn ansatz(spec: &Spec) -> Factor {
    let doc = |name: &String| (name.clone(), AnsatzRow::named(name).map_or("", |row| row.doc));
    let factor = Factor::explained("ansatz", Role::Arm, spec.ansatze.iter().map(doc)).listed_by("ansatze");
    factor.with_baseline(spec.ansatze.first().map_or("", String::as_str))
}

fn device(spec: &Spec, with_ideal: bool) -> Factor {
    let doc = |name: &String| {
        let known = DEVICES.iter().find(|row| row.name == name).map(|row| row.doc);
        (name.clone(), known.unwrap_or(if name == IDEAL { "no device and no noise" } else { "a calibration file" }))
    };
    let devices = spec.devices.iter().filter(|name| with_ideal || *name != IDEAL);
    Factor::explained("device", Role::Arm, devices.map(doc)).with_baseline(IDEAL).listed_by("devices")
}

fn qubits(spec: &Spec) -> Factor {
    Factor::new("qubits", Role::Setting, &spec.qubits).listed_by("qubits")
}

fn depth(spec: &Spec) -> Factor {
    Factor::new("depth", Role::Setting, &spec.depths).listed_by("depths")
}

/// Gradients at each number of qubits, which come last, and a decay over them.
fn gradients(spec: &Spec) -> Vec<Grid> {
    let costs = spec.gradients.costs.iter().map(|name| (name.clone(), CostRow::named(name).map_or("", |row| row.doc)));
    let starts =
        spec.gradients.starts.iter().map(|name| (name.clone(), StartRow::named(name).map_or("", |row| row.doc)));
    let over_qubits = vec![
        ansatz(spec),
        device(spec, true),
        Factor::explained("cost", Role::Arm, costs).with_baseline("global").listed_by("gradients.costs"),
        Factor::explained("start", Role::Arm, starts).with_baseline("uniform").listed_by("gradients.starts"),
        depth(spec),
        Factor::seeds(&spec.seeds),
    ];
    let factors = over_qubits.iter().cloned().chain([qubits(spec)]).collect();
    let heading = "Gradients over random starts";
    let metrics = ["variance", "variance_first_weight", "mean_absolute", "gradient_norm"];
    let circuit = &["ansatz", "device", "cost", "start", "depth", "qubits"];
    let mut grids = vec![Grid::new(GRADIENTS, heading, factors, &metrics).in_blocks(circuit)];
    if spec.qubits.len() > 1 {
        let heading = "Decay of the gradient variance with the number of qubits";
        grids.push(Grid::new(DECAY, heading, over_qubits, &["decay_rate", "decay_factor"]));
    }
    grids
}

fn expressibility(spec: &Spec) -> Vec<Grid> {
    let factors = vec![ansatz(spec), qubits(spec), depth(spec), Factor::seeds(&spec.seeds)];
    let metrics = ["expressibility", "quantile_expressibility", "entangling_capability", "parameters"];
    vec![Grid::new(EXPRESSIBILITY, "Expressibility and entangling capability", factors, &metrics)]
}

fn transpilation(spec: &Spec) -> Vec<Grid> {
    let config = &spec.transpilation;
    let named = |name: &String| LAYOUTS.iter().find(|row| row.name == name);
    let layouts = config.layouts.iter().map(|name| (name.clone(), named(name).map_or("", |row| row.doc)));
    let lowest = config.optimization_levels.first().map(u8::to_string).unwrap_or_default();
    let factors = vec![
        device(spec, false),
        ansatz(spec),
        Factor::explained("layout", Role::Arm, layouts).with_baseline("trivial").listed_by("transpilation.layouts"),
        Factor::new("optimization_level", Role::Arm, &config.optimization_levels)
            .with_baseline(&lowest)
            .listed_by("transpilation.optimization_levels"),
        qubits(spec),
        depth(spec),
        Factor::seeds(&spec.seeds),
    ];
    let metrics = ["two_qubit_gates", "success", "circuit_depth", "pulses", "overhead"];
    vec![Grid::new(TRANSPILATION, "Circuits on devices", factors, &metrics)]
}

/// What is compared in a grid. What a comparison does not name is averaged.
pub(super) fn contrasts(grid: &Grid) -> Vec<Contrast> {
    let circuits = &["ansatz", "qubits", "depth"];
    match grid.name.as_str() {
        DECAY => [("cost", "start"), ("start", "cost"), ("device", "cost"), ("ansatz", "cost")]
            .into_iter()
            .flat_map(|(factor, within)| to_baseline(grid, "decay_rate", factor, within, &["seed"]))
            .collect(),
        EXPRESSIBILITY => ["expressibility", "quantile_expressibility"]
            .into_iter()
            .flat_map(|metric| to_baseline(grid, metric, "ansatz", "qubits", &["seed"]))
            .collect(),
        // A transpiler hardly depends on its seed: circuits make the pairs.
        TRANSPILATION => [("two_qubit_gates", "optimization_level"), ("success", "layout")]
            .into_iter()
            .flat_map(|(metric, factor)| to_baseline(grid, metric, factor, "device", circuits))
            .collect(),
        _ => Vec::new(),
    }
}

/// Every level of an arm against its baseline, within each level of another factor.
fn to_baseline(grid: &Grid, metric: &str, factor: &str, within: &str, pairs: &[&str]) -> Vec<Contrast> {
    let (Some(arm), Some(within)) = (grid.factor(factor), grid.factor(within)) else { return Vec::new() };
    let Some(baseline) = arm.baseline() else { return Vec::new() };
    let contrast = |level: &str, setting: &str| {
        let contrast = Contrast::new(&grid.name, metric, factor, level, &baseline.name);
        contrast.at(&within.name, setting).paired_by(pairs)
    };
    let others = arm.names().filter(|level| *level != baseline.name);
    others.flat_map(|level| within.names().map(move |setting| contrast(level, setting))).collect()
}
