//! Error per layered gate of a chain, predicted from a calibration, against the layer fidelity measured on it.
//!
//! In the experiment all two-qubit gates of a chain of N qubits run in two alternating layers, all of a layer at once;
//! the error per layered gate is `1 - LF^{1/(N-1)}` (McKay et al. 2023, arXiv 2311.05933). Predicted is the product of
//! process fidelities of the gates, of the relaxation of ends that idle in a layer and, beyond the isolated gates, of
//! the static ZZ between neighbouring gates of a layer, with each gate's error times `1 + κ`. The random one-qubit gates
//! of the experiment are left out of all pictures alike.

use super::gate::{GateNoise, Lifetime};
use super::{NoiseOptions, zz};
use crate::circuit::{Gate, Op};
use crate::device::{Device, GateData, LayerFidelity};
use crate::math::Seconds;
use crate::noise::NoiseError;

/// Chains up to this long are fitted to, longer ones predicted.
pub const FITTED: usize = 20;

/// A chain with its calibrated errors.
#[derive(Clone, Debug, PartialEq)]
pub struct Chain {
    /// Number of qubits.
    pub qubits: usize,
    /// Measured error per layered gate.
    pub measured: f64,
    /// Process infidelity of each gate alone, as Aer's channels have it.
    gates: Vec<f64>,
    /// Process fidelity of the ends that idle while a layer runs.
    idle: f64,
    /// Process fidelity of all static ZZ between gates of a layer.
    zz: f64,
    /// Process fidelity of one sx pulse on each qubit in both layers.
    pulses: f64,
}

impl Chain {
    /// The chain of `measured` on `device`.
    ///
    /// # Errors
    /// If the layer fidelity is zero, or an edge of the chain has no calibrated two-qubit gate.
    pub fn of(device: &Device, measured: &LayerFidelity) -> Result<Self, NoiseError> {
        let chain = &measured.qubits;
        let wrong = |problem: String| NoiseError::Chain { device: device.name.clone(), qubits: chain.len(), problem };
        if measured.value <= 0.0 || chain.len() < 2 {
            return Err(wrong(format!("its layer fidelity is {}", measured.value)));
        }
        let rows: Vec<&GateData> = chain
            .windows(2)
            .map(|pair| {
                let row = gate_row(device, pair[0], pair[1]);
                row.ok_or_else(|| wrong(format!("no calibrated gate on ({}, {})", pair[0], pair[1])))
            })
            .collect::<Result<_, _>>()?;
        let options = NoiseOptions::default();
        let process = |row: &&GateData| 1.25 * GateNoise::of(row, &device.calibration, &options).infidelity();
        let (mut idle, mut shifts) = (1.0, 1.0);
        for layer in 0..2 {
            let driven: Vec<&GateData> = rows.iter().skip(layer).step_by(2).copied().collect();
            let length = driven.iter().filter_map(|row| row.length).map(|length| length.0).fold(0.0, f64::max);
            let rests = |q: &&usize| !driven.iter().any(|row| row.qubits.contains(q));
            for &q in chain.iter().filter(rests) {
                let lifetime = Lifetime::of(&device.calibration.qubits[q], &options).0;
                idle *= lifetime.decay(Seconds(length)).process_fidelity();
            }
            let turned: Vec<usize> =
                driven.iter().filter_map(|row| zz::echoed(&Op::gate(row.gate, &row.qubits, &[]), device)).collect();
            for pair in chain.windows(2).skip(1 - layer).step_by(2) {
                // A pair of which one side is echoed is refocused.
                if turned.contains(&pair[0]) == turned.contains(&pair[1]) {
                    let angle = std::f64::consts::PI * zz::shift(device, (pair[0], pair[1])).0 * length;
                    shifts *= (angle / 2.0).cos().powi(2);
                }
            }
        }
        let pulse = |q: &usize| {
            let row = device.calibration.gates.iter().find(|row| row.gate == Gate::Sx && row.qubits == [*q]);
            1.0 - 1.5 * row.and_then(|row| row.error).filter(|e| *e < 1.0).unwrap_or(0.0)
        };
        let pulses = chain.iter().map(pulse).product::<f64>().powi(2);
        let gates = rows.iter().map(process).collect();
        let mut chain = Self { qubits: chain.len(), measured: 0.0, gates, idle, zz: shifts, pulses };
        chain.measured = chain.per_gate(measured.value);
        Ok(chain)
    }

    fn per_gate(&self, fidelity: f64) -> f64 {
        1.0 - fidelity.max(0.0).powf(1.0 / (self.qubits as f64 - 1.0))
    }

    /// Error per layered gate of isolated gates and idle ends: Aer's picture.
    pub fn isolated(&self) -> f64 {
        self.isolated_with(0)
    }

    /// The same with so many one-qubit pulses on each qubit in each layer.
    pub fn isolated_with(&self, pulses: i32) -> f64 {
        let gates = self.gates.iter().map(|error| 1.0 - error).product::<f64>();
        self.per_gate(self.idle * gates * self.pulses.powi(pulses))
    }

    /// Error per layered gate under the model `crosstalk` with this factor for gates in parallel.
    pub fn predicted(&self, factor: f64) -> f64 {
        let gates = self.gates.iter().map(|error| (1.0 - (1.0 + factor) * error).max(0.0));
        self.per_gate(self.idle * self.zz * gates.product::<f64>())
    }

    /// The factor under which the prediction is what was measured, at least -1.
    pub fn fitted(&self) -> f64 {
        let (mut low, mut high) = (-1.0, 1000.0);
        // Bisection of a growing function: 60 halvings leave 1e-15.
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            *if self.predicted(middle) < self.measured { &mut low } else { &mut high } = middle;
        }
        low
    }
}

/// The calibrated two-qubit gate of a pair, in the direction that the device drives.
fn gate_row(device: &Device, a: usize, b: usize) -> Option<&GateData> {
    let rows = device.calibration.gates.iter().filter(|row| {
        let native = device.basis.contains(&row.gate) && !row.faulty && row.error.is_some_and(|e| e < 1.0);
        native && (row.qubits == [a, b] || row.qubits == [b, a])
    });
    let length = |row: &&GateData| row.length.map_or(f64::INFINITY, |length| length.0);
    rows.min_by(|x, y| length(x).total_cmp(&length(y)))
}

/// The factor for gates in parallel that the chains of 10 and 20 qubits of `device` itself give, their mean; `None` if it
/// has none.
pub fn fitted(device: &Device) -> Option<f64> {
    let chains = device.details.layer_fidelity.iter().filter(|chain| [10, FITTED].contains(&chain.qubits.len()));
    let factors: Vec<f64> = chains.filter_map(|chain| Chain::of(device, chain).ok()).map(|c| c.fitted()).collect();
    (!factors.is_empty()).then(|| factors.iter().sum::<f64>() / factors.len() as f64)
}
