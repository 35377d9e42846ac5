//! Noise listed gate by gate, without a device.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

use crate::circuit::{Circuit, Gate, Op, OpKind};
use crate::math::{Probability, Seconds};
use crate::noise::aer_model::{self, AerModel, Operation};
use crate::noise::channel::{ChannelList, depolarizing, thermal_relaxation};
use crate::noise::{Channel, Confusion, NoiseError, Program};

/// Channels for gates on given qubits, from a small JSON file:
///
/// ```
/// use qgraft::circuit::{Circuit, Gate};
/// use qgraft::noise::NoiseList;
/// let noise = NoiseList::from_json(
///     r#"{
///         "channels": {"cx 0 1": {"depol": 0.01, "relax": [[1e-4, 8e-5, 3e-7], [1.2e-4, 9e-5, 3e-7]]}},
///         "readout_p10_p01": [[0.02, 0.03], [0.01, 0.04]]
///     }"#,
/// )?;
/// let mut circuit = Circuit::new(2);
/// circuit.push(Gate::Cx, &[0, 1], &[])?;
/// assert_eq!(noise.apply(&circuit, &[]).steps.len(), 4, "the gate, depolarizing, relaxation of each qubit");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// The same for every gate, without naming any, as in studies of "depolarizing noise of 1 %":
///
/// ```
/// # use qgraft::noise::NoiseList;
/// # NoiseList::from_json(r#"
/// {"one_qubit_gates": {"depol": 0.001}, "two_qubit_gates": {"depol": 0.01}, "readout": [0.02, 0.03]}
/// # "#)?;
/// # Ok::<(), qgraft::noise::NoiseError>(())
/// ```
///
/// `readout` is P(record 1 | true 0) and P(record 0 | true 1) of every qubit. A gate that `channels` lists has only the
/// noise listed there. A gate on more than two qubits has none; write it with gates on two.
///
/// A noise model of Qiskit Aer, `json.dumps(model.to_dict(serializable=True))`, is read too: quantum errors behind gates
/// and resets as one channel each, readout errors of single qubits. Errors before measurements, on other qubits than the
/// gate's and on more than two are refused by name.
///
/// After the named gate on these qubits, in this order, its qubits suffer depolarizing by `depol` together and then
/// relaxation: T1, T2 and time in seconds for each. A gate without entry is noiseless. `readout_p10_p01` has
/// P(record 1 | true 0) and P(record 0 | true 1) of each qubit and may be left out.
pub struct NoiseList {
    /// By operation and ordered qubits.
    channels: HashMap<(Operation, Vec<usize>), ChannelList>,
    /// By operation, whatever its qubits.
    everywhere: HashMap<Operation, Channel>,
    /// By number of operands less one, whatever the gate.
    by_width: [Option<Entry>; 2],
    readout: HashMap<usize, Confusion>,
    readout_everywhere: Option<Confusion>,
    notices: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoiseFile {
    #[serde(default)]
    channels: HashMap<String, Entry>,
    #[serde(default)]
    readout_p10_p01: Vec<[Probability; 2]>,
    one_qubit_gates: Option<Entry>,
    two_qubit_gates: Option<Entry>,
    readout: Option<[Probability; 2]>,
    /// What programs that write such lists add for their readers; it changes nothing.
    #[serde(rename = "backend")]
    _backend: Option<String>,
    #[serde(rename = "active")]
    _active: Option<Vec<usize>>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    #[serde(default)]
    depol: f64,
    #[serde(default)]
    relax: Vec<[f64; 3]>,
}

fn confusion([one_given_zero, zero_given_one]: [Probability; 2]) -> Confusion {
    Confusion { one_given_zero, zero_given_one }
}

impl NoiseList {
    /// Reads the list.
    ///
    /// # Errors
    /// If the text is not such a JSON object, or an entry names no gate of the table, no fitting qubits or impossible
    /// numbers.
    pub fn from_json(text: &str) -> Result<Self, NoiseError> {
        let document: Value = serde_json::from_str(text).map_err(|error| NoiseError::BadList(error.to_string()))?;
        if document.get("errors").is_some() {
            return Ok(Self::of_aer(aer_model::read(&document)?));
        }
        if document.as_object().is_none_or(|keys| keys.is_empty()) {
            let keys =
                "channels, one_qubit_gates, two_qubit_gates, readout, readout_p10_p01, or errors of a model of Aer";
            return Err(NoiseError::BadList(format!("expected an object with one of {keys}")));
        }
        let file: NoiseFile =
            serde_json::from_value(document).map_err(|error| NoiseError::BadList(error.to_string()))?;
        let channels = file.channels.iter().map(|(key, entry)| {
            let bad = |reason: String| NoiseError::BadList(format!("channels, {key:?}: {reason}"));
            let (gate, qubits) = gate_and_qubits(key).map_err(bad)?;
            let channels = entry.channels(&qubits).map_err(bad)?;
            Ok(((Operation::Gate(gate), qubits), channels))
        });
        let channels = channels.collect::<Result<_, NoiseError>>()?;
        let by_width = [file.one_qubit_gates, file.two_qubit_gates];
        for (k, entry) in by_width.iter().enumerate() {
            let bad = |reason| NoiseError::BadList(format!("{}_qubit_gates: {reason}", ["one", "two"][k]));
            let qubits: Vec<usize> = (0..=k).collect();
            entry.as_ref().map(|entry| entry.channels(&qubits)).transpose().map_err(bad)?;
        }
        Ok(Self {
            channels,
            everywhere: HashMap::new(),
            by_width,
            readout: file.readout_p10_p01.into_iter().map(confusion).enumerate().collect(),
            readout_everywhere: file.readout.map(confusion),
            notices: Vec::new(),
        })
    }

    /// What Aer does: an error of a gate on certain qubits replaces the one on all, and errors listed for the same add.
    fn of_aer(model: AerModel) -> Self {
        let mut list = Self {
            channels: HashMap::new(),
            everywhere: HashMap::new(),
            by_width: [None, None],
            readout: HashMap::new(),
            readout_everywhere: None,
            notices: model.notices,
        };
        for (operation, qubits, channel) in model.errors {
            match qubits {
                Some(qubits) => {
                    let step = (channel, qubits.clone());
                    list.channels.entry((operation, qubits)).or_default().push(step);
                }
                None => {
                    list.everywhere.insert(operation, channel);
                }
            }
        }
        for (qubit, confusion) in model.readout {
            match qubit {
                Some(qubit) => {
                    list.readout.insert(qubit, confusion);
                }
                None => list.readout_everywhere = Some(confusion),
            }
        }
        list
    }

    /// `circuit` with this noise compiled in; `keep` lists qubits that stay even if nothing acts on them.
    pub fn apply(&self, circuit: &Circuit, keep: &[usize]) -> Program {
        let readout = |qubit| self.readout.get(&qubit).copied().or(self.readout_everywhere);
        let mut program = Program::compile(circuit, keep, |op| self.noise_after(op), readout);
        program.notices.clone_from(&self.notices);
        program
    }

    fn noise_after(&self, op: &Op) -> ChannelList {
        let operation = match op.kind {
            OpKind::Gate { gate, controls: 0, .. } => Some(Operation::Gate(gate)),
            OpKind::Reset => Some(Operation::Reset),
            _ => None,
        };
        if let Some(operation) = operation {
            if let Some(listed) = self.channels.get(&(operation, op.qubits.to_vec())) {
                return listed.clone();
            }
            if let Some(channel) = self.everywhere.get(&operation) {
                return vec![(channel.clone(), op.qubits.to_vec())];
            }
        }
        if !matches!(op.kind, OpKind::Gate { .. } | OpKind::Unitary(_)) {
            return Vec::new();
        }
        let entry = op.qubits.len().checked_sub(1).and_then(|k| self.by_width.get(k)?.as_ref());
        // The numbers were checked when the list was read.
        entry.and_then(|entry| entry.channels(&op.qubits).ok()).unwrap_or_default()
    }
}

/// Gate and qubits of a key such as "cx 0 1".
fn gate_and_qubits(key: &str) -> Result<(Gate, Vec<usize>), String> {
    let mut words = key.split_whitespace();
    let name = words.next().unwrap_or_default();
    let gate = Gate::named(name).ok_or_else(|| format!("no gate is called {name:?}"))?;
    let qubits: Vec<usize> =
        words.map(|w| w.parse().map_err(|_| format!("{w:?} is no qubit"))).collect::<Result<_, _>>()?;
    if qubits.len() != gate.row().qubits || (1..qubits.len()).any(|k| qubits[..k].contains(&qubits[k])) {
        return Err(format!("expected {} different qubits behind the name", gate.row().qubits));
    }
    Ok((gate, qubits))
}

impl Entry {
    fn channels(&self, qubits: &[usize]) -> Result<ChannelList, String> {
        if !(self.relax.is_empty() || self.relax.len() == qubits.len()) {
            return Err(format!("relax has {} rows for {} qubits", self.relax.len(), qubits.len()));
        }
        let mut channels = Vec::new();
        if self.depol != 0.0 {
            if qubits.len() > 2 {
                return Err("depol acts on one or two qubits".into());
            }
            let channel = depolarizing(self.depol, qubits.len()).map_err(|error| error.to_string())?;
            channels.push((channel, qubits.to_vec()));
        }
        for (&[t1, t2, time], &qubit) in self.relax.iter().zip(qubits) {
            let channel = thermal_relaxation(Seconds(t1), Seconds(t2), Seconds(time), 0.0);
            channels.push((channel.map_err(|error| format!("qubit {qubit}: {error}"))?, vec![qubit]));
        }
        Ok(channels)
    }
}
