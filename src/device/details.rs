//! What only some snapshots record of a device: processor, timing grid, drawing, crosstalk, layer fidelities.

use serde::{Deserialize, Serialize};

/// Everything a noise model beyond isolated gates can use, where the snapshot has it.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Details {
    /// Processor family and revision, such as "Heron r2".
    pub processor: Option<String>,
    /// The grid on which pulses start and stop.
    pub timing: Option<Timing>,
    /// Where each qubit is drawn, (row, column).
    pub coordinates: Vec<(usize, usize)>,
    /// Static ZZ shift ζ of a pair, hertz, signed: idle time t turns the pair by `exp(-i 2π ζ t ZZ/4)`.
    pub zz: Vec<((usize, usize), f64)>,
    /// Measured fidelities of two alternating layers of two-qubit gates on a chain.
    pub layer_fidelity: Vec<LayerFidelity>,
}

/// The grid on which pulses start and stop, in units of dt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// A pulse lasts a multiple of this.
    pub granularity: u64,
    /// The shortest pulse.
    pub min_length: u64,
    /// A pulse starts at a multiple of this.
    pub pulse_alignment: u64,
    /// A readout starts at a multiple of this.
    pub acquire_alignment: u64,
}

/// The measured process fidelity of all two-qubit gates of a chain, run in two alternating layers
/// (McKay et al. 2023, arXiv 2311.05933).
#[derive(Clone, Debug, PartialEq)]
pub struct LayerFidelity {
    /// The chain, neighbours in order.
    pub qubits: Vec<usize>,
    /// Its process fidelity.
    pub value: f64,
}

impl Details {
    /// The processor's family without its revision, such as "Heron".
    pub fn family(&self) -> Option<&str> {
        self.processor.as_deref()?.split_whitespace().next()
    }
}
