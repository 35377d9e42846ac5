//! Windows of a source and a target domain: training and test data of a forecaster.

use crate::systems::soh::cell::{BATCHES, CHECKPOINTS, Cell, PREFIX, Protocol};
use crate::systems::soh::spec::Spec;
use crate::systems::soh::target::{CellSplit, Target, cells};
use crate::systems::soh::windows::Window;

/// Training windows of the two domains.
#[derive(Default)]
pub struct Domains {
    /// Of the source, for training.
    pub source: Vec<Window>,
    /// Of the source, for early stopping.
    pub validation: Vec<Window>,
    /// Of the target, up to the end of the prefix.
    pub labelled: Vec<Window>,
    /// Of the target after it.
    pub unlabelled: Vec<Window>,
}

/// What the trials of one target and seed share; empty for a simulation.
#[derive(Default)]
pub struct Block {
    /// Training data.
    pub domains: Domains,
    /// Source cells that calibrate intervals, after the prefix; empty where no interval is asked for.
    pub calibration: Vec<Window>,
    /// The prefix of target cells that nothing is trained on; empty where no interval is asked for.
    pub prefix: Vec<Window>,
    /// Target cells that are evaluated, after the prefix.
    pub test: Vec<Window>,
    /// The whole lifetimes of these cells.
    pub test_cells: Vec<Cell>,
    /// Cells that calibrate forecasts of several checkpoints ahead.
    pub calibration_cells: Vec<Cell>,
    /// Cells of the source that calibrate what is farther ahead than the labels of the target reach; a user's.
    pub farther_cells: Vec<Cell>,
}

impl Block {
    /// All source batches, and a target.
    pub fn of_target(spec: &Spec, target: &Target, seed: u64) -> Self {
        if let Target::Own(own) = target {
            return own.block(spec, seed);
        }
        let CellSplit { adaptation, recalibration, test } = target.split(spec, seed);
        let (length, later) = (spec.window, PREFIX + 1);
        Self {
            domains: domains(spec, seed, &BATCHES, &adaptation),
            calibration: of_batches(seed, "calibration", &BATCHES, spec.calibration_cells, length, later),
            prefix: Window::all(&recalibration, length, 0..later),
            test: Window::all(&test, length, later..CHECKPOINTS + 1),
            test_cells: test,
            calibration_cells: recalibration,
            farther_cells: Vec::new(),
        }
    }

    /// All source batches but one, which is the target.
    pub fn of_left_out(spec: &Spec, left_out: usize, seed: u64) -> Self {
        let sources: Vec<Protocol> = (0..BATCHES.len()).filter(|k| *k != left_out).map(|k| BATCHES[k]).collect();
        let target = BATCHES[left_out];
        let adaptation = cells(seed, "pseudo-target", target, spec.adaptation_cells);
        Self {
            domains: domains(spec, seed, &sources, &adaptation),
            test: of_batches(seed, "validation", &[target], spec.validation_cells, spec.window, PREFIX + 1),
            ..Self::default()
        }
    }
}

fn domains(spec: &Spec, seed: u64, sources: &[Protocol], adaptation: &[Cell]) -> Domains {
    let of = |purpose, count| of_batches(seed, purpose, sources, count, spec.window, 0);
    Domains {
        source: of("training", spec.training_cells),
        validation: of("validation", spec.validation_cells),
        labelled: Window::all(adaptation, spec.window, 0..PREFIX + 1),
        unlabelled: Window::all(adaptation, spec.window, PREFIX + 1..CHECKPOINTS + 1),
    }
}

/// Windows of `count` cells of each of the batches, cells numbered through, from checkpoint `from` on.
fn of_batches(seed: u64, purpose: &str, batches: &[Protocol], count: usize, length: usize, from: usize) -> Vec<Window> {
    let fleet: Vec<Cell> = batches.iter().flat_map(|batch| cells(seed, purpose, *batch, count)).collect();
    Window::all(&fleet, length, from..CHECKPOINTS + 1)
}
