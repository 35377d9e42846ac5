//! The network: PaiNN with a readout, and a circuit or a layer beside it.

use std::sync::Arc;

use candle_core::{DType, Tensor};
use serde::{Deserialize, Serialize};

use crate::circuit::ansatz::{Ansatz, Encoding};
use crate::circuit::{Circuit, Gate, Observable};
use crate::data::structure::{Element, Labels, Structure};
use crate::math::neighbors::Vector;
use crate::nn::init::Init;
use crate::nn::layer::{AtomGraph, AtomReadout, Linear, Painn, painn};
use crate::nn::{Dataset, LayerGroups, Mode, Model, Network, NnError, Output, Params, QuantumLayer};
use crate::sim::{self, Auto, EngineOptions, Execution};
use crate::study::StudyError;
use crate::systems::potential::frames::{Frames, reference, species_of};
use crate::systems::potential::spec::Size;

/// Frames computed at once.
const AT_ONCE: usize = 32;

/// What stands beside the readout of the scalars of an atom. Its weights start at zero, so that a network that gets one starts
/// as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Beside {
    /// Nothing.
    Nothing,
    /// A circuit that reads one angle a qubit, again before each of its layers; its ⟨Z⟩ are weighted.
    Circuit,
    /// A layer with as many hidden units as the circuit has qubits.
    Layer,
}

/// A circuit whose gradient by its angles is made of circuits, by the parameter-shift rule, so that it can be learned from.
pub struct ShiftedCircuit {
    layer: QuantumLayer,
    qubits: usize,
    uploads: usize,
    weights: usize,
}

impl ShiftedCircuit {
    /// The circuit of these sizes.
    ///
    /// # Errors
    /// If it cannot be run.
    pub fn new(qubits: usize, uploads: usize) -> Result<Self, StudyError> {
        let ansatz = Self::ansatz(qubits, uploads).map_err(sim::Error::from)?;
        let weights = ansatz.weights();
        let engine = Arc::new(Auto::new(EngineOptions::default()));
        let execution = Execution::ideal(&ansatz, engine).map_err(sim::Error::from)?;
        Ok(Self { layer: QuantumLayer::new(execution), qubits, uploads, weights })
    }

    /// Each upload: RY(x_k) on each qubit k, RZ and RY by weights, CNOTs in a ring. Every upload has slots of its own, because
    /// the shift rule is that of single gates.
    ///
    /// # Errors
    /// If there are no qubits.
    pub fn ansatz(qubits: usize, uploads: usize) -> Result<Ansatz, crate::circuit::CircuitError> {
        let mut circuit = Circuit::new(qubits);
        let inputs = qubits * uploads;
        let slots: Vec<_> = (0..inputs).map(|k| circuit.slot(format!("x{k}"))).collect();
        for upload in 0..uploads {
            for qubit in 0..qubits {
                circuit.push(Gate::Ry, &[qubit], &[slots[upload * qubits + qubit]])?;
            }
            for (gate, name) in [(Gate::Rz, "z"), (Gate::Ry, "y")] {
                for qubit in 0..qubits {
                    let weight = circuit.slot(format!("{name}{upload}_{qubit}"));
                    circuit.push(gate, &[qubit], &[weight])?;
                }
            }
            for qubit in (0..qubits).filter(|_| qubits > 1) {
                circuit.push(Gate::Cx, &[qubit, (qubit + 1) % qubits], &[])?;
            }
        }
        Ok(Ansatz { circuit, inputs, encoding: Encoding::Angle, observables: Observable::all_z(qubits) })
    }

    /// ⟨Z⟩·w (rows) of angles (rows, qubits), and the derivatives by the angles (rows, qubits).
    fn forward(&self, angles: &Tensor, weights: &Tensor, sum: &Tensor) -> candle_core::Result<(Tensor, Tensor)> {
        let (rows, _) = angles.dims2()?;
        let inputs = self.qubits * self.uploads;
        let repeated = Tensor::cat(&vec![angles; self.uploads], 1)?;
        let column = sum.unsqueeze(1)?;
        let values = self.layer.forward(&repeated, weights)?.matmul(&column)?.squeeze(1)?;
        // Row k of the shifts turns slot k by a quarter; the second half turns it back.
        let quarter = std::f64::consts::FRAC_PI_2;
        let shifts = Tensor::eye(inputs, DType::F64, angles.device())?;
        let shifts = Tensor::cat(&[&(&shifts * quarter)?, &(shifts * -quarter)?], 0)?.to_dtype(angles.dtype())?;
        let shifted =
            repeated.unsqueeze(1)?.broadcast_add(&shifts.unsqueeze(0)?)?.reshape((rows * 2 * inputs, inputs))?;
        let turned = self.layer.forward(&shifted, weights)?.matmul(&column)?.reshape((rows, 2, inputs))?;
        let slopes = ((turned.narrow(1, 0, 1)? - turned.narrow(1, 1, 1)?)? * 0.5)?.squeeze(1)?;
        let slopes = slopes.reshape((rows, self.uploads, self.qubits))?.sum(1)?;
        Ok((values, slopes))
    }
}

/// A potential for these elements.
pub struct PotentialNet {
    /// The kinds of atoms, in the order of the table of vectors.
    pub elements: Vec<Element>,
    /// Sizes.
    pub size: Size,
    /// What stands beside the readout.
    pub beside: Beside,
    circuit: Option<ShiftedCircuit>,
}

impl PotentialNet {
    /// A network for these elements.
    ///
    /// # Errors
    /// If the circuit cannot be built.
    pub fn new(elements: Vec<Element>, size: &Size, beside: Beside) -> Result<Self, StudyError> {
        let circuit = match beside {
            Beside::Circuit => Some(ShiftedCircuit::new(size.qubits, size.uploads)?),
            _ => None,
        };
        Ok(Self { elements, size: size.clone(), beside, circuit })
    }

    /// The parameters in layers: table of elements, blocks, and the readout as the head.
    pub fn groups(&self, params: &Params) -> LayerGroups {
        let blocks: Vec<String> = (0..self.size.blocks).map(|k| format!("body.blocks.{k}.")).collect();
        let mut prefixes = vec!["body.embedding"];
        prefixes.extend(blocks.iter().map(String::as_str));
        prefixes.push("head");
        LayerGroups::by_prefix(params, &prefixes)
    }

    /// Energies (eV) and forces (eV/Å) of frames; `references` are the energies of single atoms.
    ///
    /// # Errors
    /// An element that the network does not know, or positions that are not finite.
    pub fn predict(
        &self,
        params: &Params,
        references: &[f64],
        frames: &[&Structure],
    ) -> Result<Vec<Labels>, StudyError> {
        // Before the frames are cut into parts, so that an error has the number of the frame.
        for (number, frame) in frames.iter().enumerate() {
            let refuse = |reason: String| StudyError::Settings { reason: format!("frame {}: {reason}", number + 1) };
            species_of(frame, &self.elements).map_err(refuse)?;
        }
        let mut params = params.clone();
        params.freeze();
        let network = self.build(&mut params)?;
        let size = self.size.of_layer(self.elements.len());
        let mut found = Vec::new();
        for frames in frames.chunks(AT_ONCE) {
            let empty = |frame: &&Structure| Labels { energy: 0.0, forces: vec![[0.0; 3]; frame.len()] };
            let rows =
                Frames::new(frames, frames.iter().map(empty).collect(), (&self.elements, &size, params.dtype()))?;
            let all: Vec<u32> = (0..frames.len() as u32).collect();
            let output = network.forward(&rows.rows(&all, Mode::Eval)?.inputs, Mode::Eval)?;
            let energies: Vec<f64> = output.logits.detach().to_dtype(DType::F64)?.to_vec1()?;
            let forces: Vec<Vector> = painn::vectors(&output.more[0])?;
            let mut rest = &forces[..];
            for (frame, energy) in frames.iter().zip(energies) {
                let (own, after) = rest.split_at(frame.len());
                rest = after;
                let energy = energy + reference(frame, &self.elements, references);
                found.push(Labels { energy, forces: own.to_vec() });
            }
        }
        Ok(found)
    }
}

struct Built<'a> {
    body: Painn,
    readout: AtomReadout,
    beside: BuiltBeside<'a>,
}

enum BuiltBeside<'a> {
    Nothing,
    Layer(AtomReadout),
    Circuit { circuit: &'a ShiftedCircuit, angles: Linear, pull: Tensor, weights: Tensor, sum: Tensor },
}

impl Model for PotentialNet {
    fn build<'a>(&'a self, params: &mut Params) -> Result<Box<dyn Network + 'a>, NnError> {
        let size = self.size.of_layer(self.elements.len());
        let body = Painn::new(params, "body", &size)?;
        let readout = AtomReadout::new(params, "head", (size.width, (size.width / 2).max(1)), false)?;
        let beside = match (self.beside, &self.circuit) {
            (Beside::Circuit, Some(circuit)) => {
                let angles = Linear::new(params, "head.angles", (size.width, circuit.qubits), true)?;
                let shape = [circuit.qubits, size.width];
                BuiltBeside::Circuit {
                    circuit,
                    angles,
                    pull: params.get("head.angles.weight", &shape, Init::fan_in(size.width))?,
                    weights: params.get("head.circuit", &[circuit.weights], Init::Normal { sd: 0.1 })?,
                    sum: params.get("head.sum", &[circuit.qubits], Init::Constant(0.0))?,
                }
            }
            (Beside::Layer, _) => {
                BuiltBeside::Layer(AtomReadout::new(params, "head.layer", (size.width, self.size.qubits), true)?)
            }
            _ => BuiltBeside::Nothing,
        };
        Ok(Box::new(Built { body, readout, beside }))
    }
}

impl Network for Built<'_> {
    fn forward(&self, inputs: &[Tensor], _mode: Mode) -> Result<Output, NnError> {
        let reason = "the network reads the graph of atoms, the frame of each and the number of atoms of each frame";
        let refuse = || NnError::Setting { field: "inputs", value: inputs.len().to_string(), reason };
        let [graph @ .., of_frame, counts] = inputs else { return Err(refuse()) };
        let graph = AtomGraph::of_inputs(graph).ok_or_else(refuse)?;
        let readout = |q: &Tensor| -> Result<(Tensor, Tensor), NnError> {
            let (energies, gradients) = self.readout.forward(q)?;
            let (more, slopes) = match &self.beside {
                BuiltBeside::Nothing => return Ok((energies, gradients)),
                BuiltBeside::Layer(layer) => layer.forward(q)?,
                BuiltBeside::Circuit { circuit, angles, pull, weights, sum } => {
                    let (values, slopes) = circuit.forward(&angles.forward(q)?, weights, sum)?;
                    (values, slopes.matmul(pull)?)
                }
            };
            Ok(((energies + more)?, (gradients + slopes)?))
        };
        let (of_atoms, forces) = self.body.forward(&graph, &readout)?;
        let energies = Tensor::zeros(counts.elem_count(), of_atoms.dtype(), of_atoms.device())?;
        let energies = energies.index_add(of_frame, &of_atoms, 0)?;
        Ok(Output { more: vec![forces], ..Output::new(energies.unsqueeze(1)?, energies) })
    }
}
