//! What a circuit is compiled with.

use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use qgraft::circuit::{Circuit, Observable};
use qgraft::noise::Channel;
use qgraft::sim::{Bond, CompileOptions, Cut, Error, Execution, Executions, ObservedCircuit, observed_qubits};

use crate::channels::{check_noise, with_channels};
use crate::device::Chosen;
use crate::error::Answer;
use crate::noise::Condition;
use crate::observable::Asked;

/// What the engines "sparse" and "mps" drop, where it is given.
pub struct Drops {
    pub cut: Option<f64>,
    pub most_weight: Option<usize>,
    pub most_terms: Option<usize>,
    pub tolerance: Option<f64>,
    /// The seed of a roulette.
    pub roulette: Option<u64>,
    pub most_bond: Option<usize>,
    pub dropped_weight: Option<f64>,
}

impl Drops {
    /// With the defaults where nothing is given.
    pub fn read(self) -> PyResult<(Cut, Bond)> {
        if self.cut.is_some_and(|cut| !(0.0..=1.0).contains(&cut)) {
            return Err(PyValueError::new_err("cut: expected a number from 0 to 1, such as 1e-4"));
        }
        if self.most_terms.is_some_and(|most| !(1..=1 << 30).contains(&most)) {
            return Err(PyValueError::new_err("most_terms: expected a number from 1 to 2**30"));
        }
        let Self { tolerance, roulette, .. } = self;
        let (drops, chain) = (Cut::default(), Bond::default());
        let (below, terms) = (self.cut.unwrap_or(drops.below), self.most_terms.unwrap_or(drops.terms));
        let cut = Cut { below, weight: self.most_weight, terms, tolerance, roulette };
        let (most, weight) = (self.most_bond.unwrap_or(chain.most), self.dropped_weight.unwrap_or(chain.weight));
        Ok((cut, Bond { most, weight }))
    }
}

/// Everything but the circuit that a run is compiled from.
pub struct Settings {
    pub observables: Vec<Asked>,
    pub condition: Condition,
    pub options: CompileOptions,
    pub seed: u64,
    /// Channels in a circuit: the number of operations before each, the channel, its qubits.
    pub noise: Vec<(usize, Channel, Vec<usize>)>,
}

impl Settings {
    /// The circuit ready to run, and its qubits that are simulated.
    pub fn compile(self, circuit: &Circuit) -> Answer<(Execution, Vec<usize>)> {
        let Self { observables, condition, options, seed, noise } = self;
        let mut named = Vec::new();
        for asked in &observables {
            let of = match asked {
                Asked::Text(text) => Observable::qubits_named(text)?,
                Asked::Sum(sum) => sum.support(),
            };
            let width = circuit.qubits();
            if let Some(&qubit) = of.iter().find(|&&qubit| qubit >= width) {
                let text = match asked {
                    Asked::Text(text) => text.clone(),
                    Asked::Sum(sum) => sum.to_string(),
                };
                return Err(Error::NoQubit { text, qubit, width }.into());
            }
            named.extend(of);
        }
        check_noise(circuit, &noise)?;
        named.extend(noise.iter().flat_map(|(_, _, qubits)| qubits.iter().copied()));
        let qubits = observed_qubits(circuit, &named, usize::MAX);
        let read = |asked: Asked| -> Answer<Observable> {
            match asked {
                Asked::Text(text) => Ok(Observable::read_on(&text, &qubits)?),
                Asked::Sum(sum) => {
                    let position = |k: usize| qubits.iter().position(|&q| q == k).unwrap_or(0);
                    Ok(sum.relabel(&(0..sum.width()).map(position).collect::<Vec<_>>()))
                }
            }
        };
        let observables = observables.into_iter().map(read).collect::<Answer<Vec<_>>>()?;
        let execution = match noise.is_empty() {
            true => {
                let executions = Executions::new(options);
                if let Some(Chosen::Given(device)) = &condition.device {
                    executions.add_device(&condition.condition.device.clone().unwrap_or_default(), Arc::clone(device));
                }
                let observed =
                    ObservedCircuit { circuit: circuit.clone(), inputs: 0, qubits: qubits.clone(), observables };
                executions.compile(&observed, &condition.condition, seed)?
            }
            false => with_channels(circuit, &qubits, observables, &condition.condition, &options, seed, noise)?,
        };
        Ok((execution, qubits))
    }
}
