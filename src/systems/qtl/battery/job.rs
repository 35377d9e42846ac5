//! What one run does, resolved to the last number, and what it leaves.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::circuit::ansatz::{ANSATZE, AnsatzRow};
use crate::device::{DEVICES, Device};
use crate::nn::NnError;
use crate::nn::backbone::BackboneRow;
use crate::nn::head::HeadRow;
use crate::noise::model::{NoiseModel, SOURCES, Scale};
use crate::sim::Simulator;
use crate::sim::mitigate::{Apply, MITIGATIONS, MitigationRow};
use crate::study::StudyError;
use crate::study::landscape::{CostRow, Gradients, Reach, StartRow};
use crate::study::train::{EpochRecord, TrainConfig};
use crate::systems::qtl::battery::file::{Dataset, File};
use crate::systems::qtl::battery::plan::{Kind, Labels, StudyRow};

/// Factors on the parts of a model for a factor on one source of noise: "all", "none" (the circuit as the device runs it,
/// without noise), or a row of `qgraft list sources` alone.
///
/// # Errors
/// If there is no source of this name, with the nearest one.
pub fn scale(channel: &str, factor: f64) -> Result<Scale, StudyError> {
    let mut scale = Scale::all(if channel == "all" { factor } else { 0.0 });
    if !["all", "none"].contains(&channel) {
        let names = || ["all", "none"].into_iter().chain(SOURCES.iter().map(|row| row.name)).collect::<Vec<_>>();
        let row = SOURCES.iter().find(|row| row.name == channel);
        let row = row.ok_or_else(|| StudyError::unknown("channel", channel, names()))?;
        *(row.factor)(&mut scale) = factor;
    }
    Ok(scale)
}

/// The noise of a device, or a part of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Noise {
    /// The device.
    pub device: String,
    /// Row of the noise-model table.
    pub model: String,
    /// The source of noise that is on, a row of `qgraft list sources`; or "all", "none".
    pub channel: String,
    /// Factor on it.
    pub scale: f64,
}

/// The circuit of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CircuitSpec {
    /// Row of the ansatz table.
    pub ansatz: String,
    /// Number of qubits, also the hidden width of the classical twin.
    pub qubits: usize,
    /// Number of layers.
    pub depth: usize,
}

impl CircuitSpec {
    /// Its family.
    ///
    /// # Errors
    /// If there is none of this name.
    pub fn family(&self) -> Result<&'static AnsatzRow, NnError> {
        let names = ANSATZE.iter().map(|row| row.name);
        AnsatzRow::named(&self.ansatz).ok_or_else(|| NnError::unknown("ansatz", "ansatze", &self.ansatz, names))
    }
}

/// Trains a head and judges it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Training {
    /// Name and description of the data.
    pub dataset: (String, Dataset),
    /// Row of the backbone table.
    pub backbone: String,
    /// Its weight file, if it is not embedded.
    pub weights: Option<PathBuf>,
    /// Row of the head table.
    pub head: String,
    /// The circuit of circuit heads.
    pub circuit: CircuitSpec,
    /// Standard deviation of its initial weights, radians.
    pub weight_sd: f64,
    /// How it is trained.
    pub config: TrainConfig,
    /// Share of the non-test rows that chooses the best epoch.
    pub validation: f64,
    /// Noise that is on in training and judging.
    pub noise: Option<Noise>,
    /// Shots in training and judging; `None` takes exact expectation values.
    pub shots: Option<u64>,
    /// Row of the mitigation table that is applied in training and judging.
    pub mitigation: Option<String>,
    /// Seed of the split, the first weights, the batches and the shots.
    pub seed: u64,
    /// Noise that the trained head is judged under besides.
    pub judged: Vec<Noise>,
}

/// Takes gradients over random initialisations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Landscape {
    /// The circuit.
    pub circuit: CircuitSpec,
    /// Noise that is on.
    pub noise: Option<Noise>,
    /// Row of the cost table.
    pub cost: String,
    /// Row of the table of starts.
    pub start: String,
    /// Number of initialisations.
    pub draws: usize,
}

/// What a run does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Job {
    /// Trains a head and judges it.
    Training(Box<Training>),
    /// Takes gradients over random initialisations.
    Landscape(Landscape),
    /// Expressibility and entangling capability over so many pairs of states.
    Reach {
        /// The circuit.
        circuit: CircuitSpec,
        /// Number of pairs.
        draws: usize,
    },
    /// Transpiles a circuit.
    Transpiling {
        /// The circuit.
        circuit: CircuitSpec,
        /// For this device; `None` counts the circuit as it is.
        device: Option<String>,
    },
}

impl Job {
    /// A hash of everything that decides the result: 16 hexadecimal digits.
    pub fn id(&self) -> String {
        // Numbers, texts and lists only; field order is fixed by the types.
        let text = serde_json::to_string(self).expect("a job is plain data");
        blake3::hash(text.as_bytes()).to_hex()[..16].to_string()
    }
}

/// What a run leaves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Outcome {
    /// A trained head.
    Training(Box<Trained>),
    /// Gradients.
    Landscape(Gradients),
    /// Expressibility and entangling capability.
    Reach(Reach),
    /// What transpilation made.
    Transpiling(Counts),
}

/// A trained head. Accuracies are shares of the test rows, which no choice was made on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trained {
    /// Numbers that training moved.
    pub parameters: usize,
    /// Those of them that are angles of the circuit.
    pub quantum_parameters: usize,
    /// Rows to learn from, to choose on, to judge on.
    pub rows: [usize; 3],
    /// One entry per epoch.
    pub history: Vec<EpochRecord>,
    /// The first epoch (from 1) with the highest validation accuracy; 0 for heads trained without epochs.
    pub best_epoch: usize,
    /// Test accuracy after the last epoch.
    pub last: f64,
    /// Test accuracy at the best validation epoch.
    pub best_validation: f64,
    /// Every metric on the test rows after the last epoch; `None` where it is undefined.
    pub metrics: BTreeMap<String, Option<f64>>,
    /// Test accuracy after the last epoch under each further noise, in the order of the job.
    pub judged: Vec<f64>,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// What the head said of each test row after the last epoch.
    pub predictions: Vec<Prediction>,
    /// Engine that ran the circuit.
    pub engine: Option<String>,
    /// What noise models mended.
    pub notices: Vec<String>,
}

/// What a head said of one row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// The row's name in the data.
    pub sample: String,
    /// Its class.
    pub label: usize,
    /// The most probable class.
    pub predicted: usize,
    /// Probability of each class.
    pub probabilities: Vec<f64>,
}

/// What a circuit costs on a device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    /// Longest chain of operations.
    pub depth: usize,
    /// Two-qubit gates.
    pub two_qubit_gates: usize,
    /// One-qubit gates that take time.
    pub pulses: usize,
    /// Estimated probability that nothing goes wrong; `None` without a device.
    pub success: Option<f64>,
}

/// The job of one combination of a study's lists.
///
/// # Errors
/// If a name is in no table, a number is none or out of range, or a device is too small.
pub fn resolve(
    file: &File,
    study: &StudyRow,
    labels: &Labels,
    inside: &BTreeMap<&str, Vec<String>>,
) -> Result<Job, StudyError> {
    let circuit = CircuitSpec {
        ansatz: labels.get("ansatz").into(),
        qubits: whole("qubits", labels.get("qubits"), 1..=16)?,
        depth: whole("depths", labels.get("depth"), 1..=1000)?,
    };
    if circuit.family()?.features(circuit.qubits) > 4096 {
        return Err(setting("qubits", labels.get("qubits"), "amplitude encoding takes at most 12 qubits"));
    }
    let draws = || whole("draws", labels.get("draws"), 2..=1_000_000);
    // A study without these lists has all the noise of its device, as calibrated.
    let or = |key: &str, default: &str| match labels.get(key) {
        "" => default.to_string(),
        value => value.to_string(),
    };
    let qubits = circuit.qubits;
    let noise = |device: &str| noise(file, device, &or("channel", "all"), &or("scale", "1"), qubits);
    if study.kind == Kind::Reach {
        return Ok(Job::Reach { circuit, draws: draws()? });
    }
    if study.kind == Kind::Transpiling {
        let device = noise(labels.get("device"))?.map(|noise| noise.device);
        return Ok(Job::Transpiling { circuit, device });
    }
    if study.kind == Kind::Landscape {
        let (cost, start) = (labels.get("cost"), labels.get("start"));
        let noise = noise(labels.get("device"))?;
        CostRow::named(cost)?;
        StartRow::named(start)?;
        return Ok(Job::Landscape(Landscape {
            circuit,
            noise,
            cost: cost.into(),
            start: start.into(),
            draws: draws()?,
        }));
    }

    let name = labels.get("dataset");
    let names = file.datasets.keys().map(String::as_str);
    let dataset = file.datasets.get(name).ok_or_else(|| StudyError::unknown("dataset", name, names))?;
    let backbone = labels.get("backbone");
    BackboneRow::named(backbone)?;
    let label = labels.get("head");
    let (head, trained_under) = label.split_once('@').map_or((label, None), |(head, device)| (head, Some(device)));
    let row = HeadRow::named(head)?;
    if trained_under.is_some() && !row.is_dressed() {
        return Err(setting("heads", label, "only a circuit head can be trained under a device's noise"));
    }
    if trained_under.is_some() && !labels.get("device").is_empty() {
        return Err(setting("heads", label, "this study has a list of devices; name the head without @DEVICE"));
    }
    let device = trained_under.unwrap_or(if row.is_dressed() { labels.get("device") } else { "" });
    let mut judged = Vec::new();
    if row.is_dressed() {
        let list = |name: &str| inside.get(name).map_or(&[][..], Vec::as_slice);
        for device in list("devices") {
            for channel in list("channels") {
                for scale in list("scales") {
                    judged.extend(self::noise(file, device, channel, scale, qubits)?);
                }
            }
        }
    }
    let shots = match or("shots", "exact").as_str() {
        "exact" => None,
        count => Some(whole("shots", count, 1..=100_000_000)? as u64),
    };
    let mut config = file.train;
    if let count @ 1.. = match labels.get("epochs") {
        "train" => 0,
        count => whole("epochs", count, 1..=1_000_000)?,
    } {
        config.epochs = count;
    }
    let mitigation = Some(or("mitigation", "none")).filter(|name| name != "none");
    mitigation.as_deref().map(around).transpose()?;
    Ok(Job::Training(Box::new(Training {
        dataset: (name.into(), dataset.clone()),
        backbone: backbone.into(),
        weights: file.weights.get(backbone).cloned(),
        head: head.into(),
        circuit,
        weight_sd: file.weight_sd,
        config,
        validation: file.hold_out.validation,
        noise: noise(device)?,
        shots: shots.filter(|_| row.is_dressed()),
        mitigation: mitigation.filter(|_| row.is_dressed()),
        seed: whole("seeds", labels.get("seed"), 0..=usize::MAX)? as u64,
        judged,
    })))
}

/// What wraps an engine to mitigate errors under a seed.
pub type Wrap = fn(Arc<dyn Simulator>, u64) -> Arc<dyn Simulator>;

/// The mitigation of this name.
///
/// # Errors
/// If there is none that acts around an engine: those that change circuits need the device's schedule.
pub fn around(name: &str) -> Result<Wrap, StudyError> {
    let wrap = |row: &MitigationRow| match row.apply {
        Apply::Executor(wrap) => Some((row.name, wrap)),
        Apply::Circuit(_) => None,
    };
    let wraps = || MITIGATIONS.iter().filter_map(wrap);
    let names = || std::iter::once("none").chain(wraps().map(|(known, _)| known)).collect::<Vec<_>>();
    let found = wraps().find(|(known, _)| *known == name);
    found.map(|(_, wrap)| wrap).ok_or_else(|| StudyError::unknown("mitigation", name, names()))
}

/// The noise of `device`, `None` if it is "ideal" or not named.
fn noise(file: &File, device: &str, channel: &str, scale: &str, qubits: usize) -> Result<Option<Noise>, StudyError> {
    self::scale(channel, 1.0)?;
    let factor = scale.parse::<f64>().ok().filter(|factor| *factor >= 0.0 && factor.is_finite());
    let scale = factor.ok_or_else(|| setting("scales", scale, "use numbers of at least 0"))?;
    NoiseModel::named(&file.noise_model).map_err(NnError::from)?;
    if ["", "ideal"].contains(&device) {
        return Ok(None);
    }
    // A snapshot is long to read, and the table knows its width.
    let width = match DEVICES.iter().find(|row| row.name == device) {
        Some(row) => row.qubits,
        None => Device::load(device).map_err(NnError::from)?.calibration.qubits.len(),
    };
    if width < qubits {
        let value = format!("{device} ({width} qubits)");
        return Err(setting(
            "devices",
            &value,
            "the device has fewer qubits than the circuit; leave the pair out by `exclude`",
        ));
    }
    Ok(Some(Noise { device: device.into(), model: file.noise_model.clone(), channel: channel.into(), scale }))
}

fn setting(field: &'static str, value: &str, reason: &'static str) -> StudyError {
    NnError::Setting { field, value: value.into(), reason }.into()
}

fn whole(field: &'static str, text: &str, range: std::ops::RangeInclusive<usize>) -> Result<usize, StudyError> {
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| setting(field, text, "use a whole number in the list's range"))
}
