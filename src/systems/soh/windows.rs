//! Windows over the lifetimes of cells, and the numbers a network reads of them.

use std::ops::Range;

use candle_core::{DType, Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::nn::{Examples, NnError};
use crate::systems::soh::cell::{CHECKPOINTS, Cell, Protocol};

/// Checkpoints of a stratum of examples: a quarter of a life, 7.5 kAh.
const STRATUM: usize = CHECKPOINTS.div_ceil(4);

/// The states of health before a checkpoint, and the one at it.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// How the cell is cycled.
    pub protocol: Protocol,
    /// The last states of health, oldest first.
    pub history: Vec<f64>,
    /// The state of health at the checkpoint.
    pub next: f64,
    /// Number of the cell in its fleet.
    pub cell: u32,
    /// Number of the checkpoint.
    pub checkpoint: usize,
}

impl Window {
    /// Every window of `length` past values before a checkpoint in `checkpoints`, cell by cell.
    pub fn all(cells: &[Cell], length: usize, checkpoints: Range<usize>) -> Vec<Self> {
        let of_cell = |(number, cell): (usize, &Cell)| {
            let last = checkpoints.end.min(cell.measured.len());
            let window = |at: usize| Self {
                protocol: cell.protocol,
                history: cell.measured[at - length..at].to_vec(),
                next: cell.measured[at],
                cell: number as u32,
                checkpoint: at,
            };
            (checkpoints.start.max(length)..last).map(window).collect::<Vec<_>>()
        };
        cells.iter().enumerate().flat_map(of_cell).collect()
    }

    /// The window behind the last value of a cell, which must have so many; what follows is not known.
    pub fn behind(cell: &Cell, length: usize) -> Self {
        let at = cell.measured.len();
        let history = cell.measured[at - length..].to_vec();
        Self { protocol: cell.protocol, next: history[length - 1], history, cell: 0, checkpoint: at }
    }

    /// The newest value.
    pub fn last(&self) -> f64 {
        self.history[self.history.len() - 1]
    }

    /// Change per checkpoint, by least squares over the window.
    pub fn slope(&self) -> f64 {
        let middle = (self.history.len() as f64 - 1.0) / 2.0;
        let (above, below) = self.history.iter().enumerate().fold((0.0, 0.0), |(above, below), (k, value)| {
            let offset = k as f64 - middle;
            (above + offset * value, below + offset * offset)
        });
        above / below
    }

    /// The next value on the line through the window.
    pub fn line(&self) -> f64 {
        let mean = self.history.iter().sum::<f64>() / self.history.len() as f64;
        mean + self.slope() * (self.history.len() as f64 + 1.0) / 2.0
    }

    /// One checkpoint later, with `value` as the newest one.
    pub fn roll(&mut self, value: f64) {
        self.history.remove(0);
        self.history.push(value);
    }
}

/// Mean and standard deviation of inputs and increments of the source. Nothing of the target enters.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scaler {
    inputs: [(f64, f64); 3],
    increment: (f64, f64),
}

impl Scaler {
    /// Of these windows.
    pub fn fit(windows: &[Window]) -> Self {
        let of = |value: fn(&Window) -> f64| {
            let count = windows.len().max(1) as f64;
            let mean = windows.iter().map(value).sum::<f64>() / count;
            let sd = (windows.iter().map(|w| (value(w) - mean).powi(2)).sum::<f64>() / count).sqrt();
            // What does not vary in the source keeps its own unit.
            (mean, if sd < 1e-9 { 1.0 } else { sd })
        };
        let inputs = [of(|w| w.protocol.charge), of(|w| w.protocol.discharge), of(Window::last)];
        Self { inputs, increment: of(|w| w.next - w.last()) }
    }

    /// (windows, length, 3): rate of charge, rate of discharge, state of health.
    pub fn inputs(&self, windows: &[Window]) -> Result<Tensor, NnError> {
        let length = windows.first().map_or(0, |w| w.history.len());
        let mut values = Vec::with_capacity(windows.len() * length * 3);
        for window in windows {
            for health in &window.history {
                let raw = [window.protocol.charge, window.protocol.discharge, *health];
                values.extend(raw.iter().zip(self.inputs).map(|(value, (mean, sd))| ((value - mean) / sd) as f32));
            }
        }
        Ok(Tensor::from_vec(values, (windows.len(), length, 3), &Device::Cpu)?)
    }

    /// The label of the network: the increment, in standard deviations of the source.
    fn target(&self, window: &Window) -> f32 {
        ((window.next - window.last() - self.increment.0) / self.increment.1) as f32
    }

    /// The state of health for an output of the network.
    pub fn forecast(&self, window: &Window, output: f64) -> f64 {
        window.last() + self.increment.0 + self.increment.1 * output
    }

    /// Rows to learn from: windows, their domain, and the weight of their labels (0: not labelled). Strata are quarters of
    /// the throughput.
    pub fn examples(&self, parts: &[(&[Window], u32, f32)]) -> Result<Examples, NnError> {
        let (mut inputs, mut targets, mut weights) = (Vec::new(), Vec::new(), Vec::new());
        let (mut domains, mut strata) = (Vec::new(), Vec::new());
        for &(windows, domain, weight) in parts.iter().filter(|(windows, ..)| !windows.is_empty()) {
            inputs.push(self.inputs(windows)?);
            // The value of a window without a label is not passed on at all.
            targets.extend(windows.iter().map(|w| if weight > 0.0 { self.target(w) } else { 0.0 }));
            weights.extend(vec![weight; windows.len()]);
            domains.extend(vec![domain; windows.len()]);
            strata.extend(windows.iter().map(|w| (w.checkpoint / STRATUM) as u32));
        }
        let count = targets.len();
        Ok(Examples {
            inputs: vec![Tensor::cat(&inputs, 0)?],
            targets: vec![Tensor::from_vec(targets, (count, 1), &Device::Cpu)?.to_dtype(DType::F32)?],
            weights: Some(Tensor::new(weights, &Device::Cpu)?),
            domains: Some(Tensor::new(domains, &Device::Cpu)?),
            strata: Some(Tensor::new(strata, &Device::Cpu)?),
        })
    }
}
