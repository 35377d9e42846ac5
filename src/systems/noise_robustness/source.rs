//! Where circuits come from: heads that are trained here, the head of a run folder, a circuit file.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::circuit::{Ansatz, Circuit};
use crate::lab::settings::read;
use crate::lab::{Context, Factor, Measurement, Point, Role, StudyError};
use crate::nn::NnError;
use crate::sim;
use crate::study::TrainedHead;
use crate::systems::hold_out::{HoldOutConfig, Rows};
use crate::systems::inputs::{self, Backbone, Data};
use crate::systems::noise_robustness::arms::{ArmRow, IDEAL};
use crate::systems::noise_robustness::batch::CircuitBatch;
use crate::systems::noise_robustness::spec::Spec;

/// File of a run folder, and of a trial, with a trained head.
pub const HEAD_FILE: &str = "head.safetensors";
/// Format of the settings of the runs whose heads can be read.
const RUN_FORMAT: &str = "qgraft.qtl/2";

/// What of a run's settings decides the rows of its exported head.
#[derive(Default, Deserialize)]
#[serde(default)]
struct RunSettings {
    heads: Vec<String>,
    seeds: Vec<u64>,
    data: Data,
    backbone: Backbone,
    hold_out: HoldOutConfig,
}

/// The head that a run of `qgraft run qtl` exported.
pub struct RunHead {
    /// Its label in the run.
    pub label: String,
    /// The seed it was trained under.
    pub seed: u64,
    /// The head; its circuit runs without noise.
    pub head: TrainedHead,
    settings: RunSettings,
}

impl RunHead {
    /// Reads the head of a run folder.
    ///
    /// # Errors
    /// A folder of another kind, or one without a trained head that has a circuit.
    pub fn read(folder: &Path) -> Result<Self, StudyError> {
        let bad = |path: PathBuf, reason: String| StudyError::Spec { path, reason };
        let path = folder.join("spec.toml");
        if !path.exists() {
            return Err(bad(path, "missing; name a folder that qgraft run qtl made".into()));
        }
        let settings: RunSettings = read(&path, RUN_FORMAT)?.try_into().map_err(|e| bad(path, format!("{e}")))?;
        let path = folder.join(HEAD_FILE);
        if !path.exists() {
            return Err(bad(path, "missing; the run has no trained head with a circuit".into()));
        }
        let head = TrainedHead::load(&path)?;
        let name = head.config.row.name;
        // A label is the name of a row, perhaps with a device behind it; the first head with a circuit is exported.
        let label = settings.heads.iter().find(|label| label.split('@').next() == Some(name));
        let label = label.map_or_else(|| name.to_string(), String::clone);
        Ok(Self { label, seed: settings.seeds.first().copied().unwrap_or_default(), head, settings })
    }

    /// The rows it was trained and evaluated on in its run, and a notice that names them.
    ///
    /// # Errors
    /// If the data of the run cannot be read.
    fn rows(&self, context: &Context) -> Result<(Rows, Measurement), StudyError> {
        let RunSettings { data, backbone, hold_out, .. } = &self.settings;
        let loaded = inputs::load(data, backbone, (context.cache, context.threads), context.observer)?;
        let rows = Rows::cut(&loaded.features, hold_out, self.seed)?;
        let found = Measurement::default().notice(format!("{}, seed {}: {}", self.label, self.seed, loaded.title));
        Ok((rows, loaded.notices.into_iter().fold(found, Measurement::notice)))
    }
}

/// The gates of a circuit file; measurements at its end are left out.
///
/// # Errors
/// If the file cannot be read, or the circuit measures before its end, resets or acts under a condition.
pub fn open_circuit(path: &Path) -> Result<Circuit, StudyError> {
    let circuit = Circuit::open(path).map_err(sim::Error::from)?;
    Ok(circuit.without_measurements().map_err(sim::Error::from)?)
}

/// Where the circuits of a run come from.
pub enum CircuitSource {
    /// A head is trained on these rows in every trial.
    Training(Rows),
    /// A head of a run folder with its rows.
    Run(Box<RunHead>, Rows),
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
            return Ok((Self::File(CircuitBatch::of_circuit(open_circuit(path)?)), Measurement::default()));
        }
        if let Some(folder) = &spec.head {
            let head = RunHead::read(folder)?;
            let (rows, found) = head.rows(context)?;
            return Ok((Self::Run(Box::new(head), rows), found));
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
        return Ok(single(RunHead::read(folder)?.label, "the head of the run folder"));
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
        (Some(path), _) => Some(Ansatz { inputs: 0, ..CircuitBatch::of_circuit(open_circuit(path)?).ansatz }),
        (None, Some(folder)) => RunHead::read(folder)?.head.model.ansatz,
        (None, None) => {
            let (qubits, depth) = (spec.circuit.qubits, spec.circuit.depth);
            Some(spec.circuit.family()?.build(qubits, depth, true).map_err(NnError::from)?)
        }
    };
    Ok(ansatz.filter(|ansatz| ansatz.weights() > 0))
}
