//! Noise listed gate by gate, without a device.

use std::collections::HashMap;

use serde::Deserialize;

use crate::circuit::{Circuit, Gate, Op, OpKind};
use crate::math::{Probability, Seconds};
use crate::noise::channel::{ChannelList, depolarizing, thermal_relaxation};
use crate::noise::{Confusion, NoiseError, Program};

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
/// After the named gate on these qubits, in this order, its qubits suffer depolarizing by `depol` together and then
/// relaxation: T1, T2 and time in seconds for each. A gate without entry is noiseless. `readout_p10_p01` has
/// P(record 1 | true 0) and P(record 0 | true 1) of each qubit and may be left out.
pub struct NoiseList {
    channels: HashMap<(Gate, Vec<usize>), ChannelList>,
    readout: Vec<Confusion>,
}

#[derive(Deserialize)]
struct NoiseFile {
    channels: HashMap<String, Entry>,
    #[serde(default)]
    readout_p10_p01: Vec<[Probability; 2]>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    depol: f64,
    #[serde(default)]
    relax: Vec<[f64; 3]>,
}

impl NoiseList {
    /// Reads the list.
    ///
    /// # Errors
    /// If the text is not such a JSON object, or an entry names no gate of the table, no fitting qubits or impossible
    /// numbers.
    pub fn from_json(text: &str) -> Result<Self, NoiseError> {
        let file: NoiseFile = serde_json::from_str(text).map_err(|error| NoiseError::BadList(error.to_string()))?;
        let channels = file.channels.iter().map(|(key, entry)| {
            let bad = |reason: String| NoiseError::BadList(format!("channels, {key:?}: {reason}"));
            let (gate, qubits) = gate_and_qubits(key).map_err(bad)?;
            let channels = entry.channels(&qubits).map_err(bad)?;
            Ok(((gate, qubits), channels))
        });
        let readout = file.readout_p10_p01.iter();
        let readout = readout.map(|&[one_given_zero, zero_given_one]| Confusion { one_given_zero, zero_given_one });
        Ok(Self { channels: channels.collect::<Result<_, NoiseError>>()?, readout: readout.collect() })
    }

    /// `circuit` with this noise compiled in; `keep` lists qubits that stay even if nothing acts on them.
    pub fn apply(&self, circuit: &Circuit, keep: &[usize]) -> Program {
        let noise_after = |op: &Op| match op.kind {
            OpKind::Gate { gate, controls: 0, .. } => {
                self.channels.get(&(gate, op.qubits.clone())).cloned().unwrap_or_default()
            }
            _ => Vec::new(),
        };
        Program::compile(circuit, keep, noise_after, |qubit| self.readout.get(qubit).copied())
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
