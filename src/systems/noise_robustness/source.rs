//! Where circuits come from: heads that are trained here, the head of a run folder, a circuit file.

use std::path::Path;
use std::sync::Arc;

use crate::circuit::qasm::{OperationTimes, ReadOptions, Reading};
use crate::circuit::{Ansatz, Circuit, OpKind};
use crate::device::{Device, DeviceTimes, LayoutMethod};
use crate::lab::{Context, Factor, Measurement, ModelChoice, Point, Role, StudyError};
use crate::sim;
use crate::systems::hold_out::{HoldOutConfig, Rows};
use crate::systems::inputs;
use crate::systems::noise_robustness::arms::{ArmRow, IDEAL};
use crate::systems::noise_robustness::batch::CircuitBatch;
use crate::systems::noise_robustness::spec::Spec;
use crate::systems::saved_head::SavedHead;

/// The head of a run folder that the settings name.
///
/// # Errors
/// A folder without such a head, or one whose head has no circuit.
pub fn saved_head(folder: &Path, spec: &Spec) -> Result<SavedHead, StudyError> {
    let choice = ModelChoice { label: spec.head_name.clone(), seed: spec.head_seed, only: Vec::new() };
    SavedHead::with_circuit(folder, &choice)
}

/// The gates of a circuit file, and what is to be noticed: what the reader skipped, and delays. Measurements at its end are
/// left out.
///
/// # Errors
/// If the file cannot be read, or the circuit measures before its end, resets or acts under a condition.
pub fn open_circuit(path: &Path, spec: &Spec) -> Result<(Circuit, Vec<String>), StudyError> {
    // Delays may be written in time steps and depend on stretches. As they are left out, the times of one device are those
    // of all.
    let device = spec.devices.first().and_then(|name| Device::load(name).ok());
    let cycle = device.as_ref().and_then(|device| device.dt);
    let times = device
        .map(|device| -> Arc<dyn OperationTimes> { Arc::new(DeviceTimes::of(&device, LayoutMethod::NoiseAware)) });
    let include = spec.include.clone();
    let pair = |input: &String| input.split_once('=').map(|(name, value)| (name.to_string(), value.to_string()));
    let inputs = spec.input.iter().filter_map(pair).collect();
    let options = ReadOptions { include, inputs, cycle, times, rounds_divisions: true, ..ReadOptions::default() };
    let Reading { circuit, notices, .. } = Circuit::open_with(path, &options).map_err(sim::Error::from)?;
    let path = path.display();
    let mut notices: Vec<_> =
        notices.into_iter().map(|notice| format!("{path}:{}: {}", notice.line, notice.message)).collect();
    if circuit.ops().iter().any(|op| matches!(op.kind, OpKind::Delay(_))) {
        notices.push(format!("{path}: its delays are left out"));
    }
    Ok((circuit.without_measurements().map_err(sim::Error::from)?, notices))
}

/// Where the circuits of a run come from.
pub enum CircuitSource {
    /// A head is trained on these rows in every trial.
    Training(Rows),
    /// A head of a run folder with its rows.
    Run(Box<SavedHead>, Rows),
    /// A circuit file.
    File(CircuitBatch),
}

impl CircuitSource {
    /// Opens what the settings name.
    ///
    /// # Errors
    /// If data, head or circuit cannot be read.
    pub fn open(spec: &Spec, context: &Context) -> Result<(Self, Measurement), StudyError> {
        if let Some(path) = &spec.circuit_file {
            let (circuit, notices) = open_circuit(path, spec)?;
            let found = notices.into_iter().fold(Measurement::default(), Measurement::notice);
            return Ok((Self::File(CircuitBatch::of_circuit(circuit)), found));
        }
        if let Some(folder) = &spec.head {
            let head = saved_head(folder, spec)?;
            let (rows, data, notices) = head.rows((context.cache, context.threads), context.observer)?;
            let found = Measurement::default().notice(format!("{}: {data}", head.title()));
            return Ok((Self::Run(Box::new(head), rows), notices.into_iter().fold(found, Measurement::notice)));
        }
        let loaded = inputs::load(&spec.data, &spec.backbone, (context.cache, context.threads), context.observer)?;
        let rows = Rows::cut(&loaded.features, &HoldOutConfig::default(), 0)?;
        Ok((Self::Training(rows), loaded.notices.into_iter().fold(Measurement::default(), Measurement::notice)))
    }

    /// The seed of shots and of random choices: that of the trial, or of the training of a head that is given.
    pub fn seed(&self, at: &Point) -> u64 {
        match self {
            Self::Run(run, _) => run.seed,
            _ => at.seed(),
        }
    }
}

/// The factors of trials: the arms, and the seeds where heads are trained.
///
/// # Errors
/// If the head or the circuit that is named cannot be read.
pub fn factors(spec: &Spec) -> Result<Vec<Factor>, StudyError> {
    let single = |name: String, doc: &str| vec![Factor::explained("arm", Role::Arm, [(name, doc)])];
    if let Some(path) = &spec.circuit_file {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        return Ok(single(name.into(), "the circuit of this file, its angles at random"));
    }
    if let Some(folder) = &spec.head {
        return Ok(single(saved_head(folder, spec)?.label, "the head of the run folder"));
    }
    let rows = spec.arms.iter().map(|name| ArmRow::named(name)).collect::<Result<Vec<_>, _>>()?;
    let arms = Factor::explained("arm", Role::Arm, rows.iter().map(|row| (row.name, row.doc)));
    Ok(vec![arms.with_baseline(IDEAL).listed_by("arms"), Factor::seeds(&spec.seeds)])
}

/// The circuit whose gradients are taken: that of the heads, or that of a file with all its angles as weights. `None` if
/// it has no weights.
///
/// # Errors
/// If head or circuit cannot be read or built.
pub fn with_weights(spec: &Spec) -> Result<Option<Ansatz>, StudyError> {
    let ansatz = match (&spec.circuit_file, &spec.head) {
        (Some(path), _) => Some(Ansatz { inputs: 0, ..CircuitBatch::of_circuit(open_circuit(path, spec)?.0).ansatz }),
        (None, Some(folder)) => saved_head(folder, spec)?.head.model.ansatz,
        (None, None) => Some(spec.circuit.build(None, true)?),
    };
    Ok(ansatz.filter(|ansatz| ansatz.weights() > 0))
}
