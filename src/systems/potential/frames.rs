//! Frames as the rows of a training, and the loss of energies and forces.

use candle_core::{DType, Device, Tensor};
use ndarray::{Array1, Array2};

use crate::data::structure::{Element, Labels, Structure};
use crate::math::linear::solve;
use crate::math::neighbors::{Neighbors, Vector};
use crate::nn::layer::{AtomGraph, PainnSize};
use crate::nn::loss::Objective;
use crate::nn::{Dataset, Examples, Mode, NnError, Output};
use crate::study::StudyError;

/// Energies of single atoms: what of the energies depends on composition alone, kept outside of the weights.
///
/// They are fitted to `energies` of the frames that are learned from, by least squares. Frames of one composition leave them
/// open; then each atom has the same share.
pub fn references(frames: &[&Structure], elements: &[Element], energies: &[f64]) -> Vec<f64> {
    let counts = |frame: &Structure| -> Vec<f64> {
        elements.iter().map(|element| frame.elements.iter().filter(|own| *own == element).count() as f64).collect()
    };
    let atoms: usize = frames.iter().map(|frame| frame.len()).sum();
    let mean = energies.iter().sum::<f64>() / atoms.max(1) as f64;
    let size = elements.len();
    let (mut a, mut b) = (Array2::<f64>::zeros((size, size)), Array1::<f64>::zeros(size));
    for (frame, energy) in frames.iter().zip(energies) {
        let counts = counts(frame);
        let rest = energy - mean * frame.len() as f64;
        for i in 0..size {
            for j in 0..size {
                a[[i, j]] += counts[i] * counts[j];
            }
            b[i] += counts[i] * rest;
        }
    }
    // A little towards equal shares: compositions that do not determine the energies of atoms.
    let ridge = 1e-6 * a.diag().sum().max(1.0);
    (0..size).for_each(|k| a[[k, k]] += ridge);
    let own = solve(a, b).unwrap_or_else(|| Array1::zeros(size));
    own.iter().map(|share| share + mean).collect()
}

/// The sum of the energies of the single atoms of a frame.
pub fn reference(frame: &Structure, elements: &[Element], references: &[f64]) -> f64 {
    let of = |own: &Element| elements.iter().position(|element| element == own).map_or(0.0, |k| references[k]);
    frame.elements.iter().map(of).sum()
}

/// The kind of each atom: its place in `elements`.
///
/// # Errors
/// Which element is none of them.
pub fn species_of(frame: &Structure, elements: &[Element]) -> Result<Vec<u32>, String> {
    let of = |own: &Element| {
        let known = || elements.iter().map(|element| element.symbol()).collect::<Vec<_>>().join(", ");
        let at = elements.iter().position(|element| element == own).map(|k| k as u32);
        at.ok_or_else(|| format!("element {}, but the network knows {}", own.symbol(), known()))
    };
    frame.elements.iter().map(of).collect()
}

/// Frames with their neighbours.
pub struct Frames {
    size: PainnSize,
    species: Vec<Vec<u32>>,
    pairs: Vec<Neighbors>,
    /// Energy in eV without that of single atoms, and forces in eV/Å.
    labels: Vec<Labels>,
    dtype: DType,
}

impl Frames {
    /// These frames with these labels, whose energies are without those of single atoms, as tensors of this type.
    ///
    /// # Errors
    /// An element that is none of `elements`.
    pub fn new(
        frames: &[&Structure],
        labels: Vec<Labels>,
        (elements, size, dtype): (&[Element], &PainnSize, DType),
    ) -> Result<Self, StudyError> {
        let (mut species, mut pairs) = (Vec::new(), Vec::new());
        for (number, frame) in frames.iter().enumerate() {
            let refuse = |reason: String| StudyError::Settings { reason: format!("frame {}: {reason}", number + 1) };
            species.push(species_of(frame, elements).map_err(refuse)?);
            pairs.push(Neighbors::within(&frame.positions, frame.cell.as_ref(), size.cutoff).map_err(refuse)?);
        }
        Ok(Self { size: *size, species, pairs, labels, dtype })
    }

    /// What the network reads for these frames.
    fn inputs(&self, rows: &[u32]) -> candle_core::Result<Vec<Tensor>> {
        let (mut species, mut of_frame, mut counts, mut pairs) =
            (Vec::new(), Vec::new(), Vec::new(), Neighbors::default());
        for (place, row) in rows.iter().map(|&row| row as usize).enumerate() {
            let (start, own) = (species.len() as u32, &self.pairs[row]);
            pairs.first.extend(own.first.iter().map(|atom| atom + start));
            pairs.second.extend(own.second.iter().map(|atom| atom + start));
            pairs.vectors.extend_from_slice(&own.vectors);
            species.extend_from_slice(&self.species[row]);
            of_frame.extend(std::iter::repeat_n(place as u32, self.species[row].len()));
            counts.push(self.species[row].len() as u32);
        }
        let mut inputs = AtomGraph::new(&species, &pairs, &self.size, self.dtype)?.into_inputs();
        inputs.push(Tensor::new(&of_frame[..], &Device::Cpu)?);
        inputs.push(Tensor::new(&counts[..], &Device::Cpu)?);
        Ok(inputs)
    }
}

impl Dataset for Frames {
    fn len(&self) -> usize {
        self.species.len()
    }

    fn rows(&self, rows: &[u32], _mode: Mode) -> Result<Examples, NnError> {
        let inputs = self.inputs(rows)?;
        let labels = || rows.iter().map(|&row| &self.labels[row as usize]);
        let energies: Vec<f64> = labels().map(|labels| labels.energy).collect();
        let forces: Vec<f64> = labels().flat_map(|labels| labels.forces.iter().flatten().copied()).collect();
        let (atoms, cpu) = (forces.len() / 3, &Device::Cpu);
        let of_frame = inputs[inputs.len() - 2].clone();
        let counts = inputs[inputs.len() - 1].to_dtype(self.dtype)?;
        Ok(Examples {
            inputs,
            targets: vec![
                Tensor::from_vec(energies, rows.len(), cpu)?.to_dtype(self.dtype)?,
                Tensor::from_vec(forces, (atoms, 3), cpu)?.to_dtype(self.dtype)?,
                of_frame,
                counts,
            ],
            weights: None,
            domains: None,
            strata: None,
        })
    }
}

/// As many draws of the rows of another set as asked for: an epoch of this length whatever the set.
pub struct Draws<'a> {
    /// The set.
    pub frames: &'a Frames,
    /// Rows of an epoch.
    pub count: usize,
}

impl Dataset for Draws<'_> {
    fn len(&self) -> usize {
        self.count
    }

    fn rows(&self, rows: &[u32], mode: Mode) -> Result<Examples, NnError> {
        let own: Vec<u32> = rows.iter().map(|row| row % self.frames.len().max(1) as u32).collect();
        self.frames.rows(&own, mode)
    }
}

/// energy · (E - E*)² + force · mean over the components of (F - F*)², for each frame.
#[derive(Clone, Copy, Debug)]
pub struct PotentialLoss {
    /// Weight of the energy.
    pub energy: f64,
    /// Weight of the forces.
    pub force: f64,
}

impl Objective for PotentialLoss {
    fn losses(&self, output: &Output, targets: &[Tensor]) -> Result<Tensor, NnError> {
        let reason = "energies, forces, frames of atoms and their numbers are expected";
        let ([energies, forces, of_frame, counts], [predicted]) = (targets, &output.more[..]) else {
            return Err(NnError::Setting { field: "targets", value: targets.len().to_string(), reason });
        };
        let of_energy = (&output.logits - energies)?.sqr()?;
        let squares = (predicted - forces)?.sqr()?.sum(1)?;
        let sums = energies.zeros_like()?.index_add(of_frame, &squares, 0)?;
        let of_forces = (sums / (counts * 3.0)?)?;
        Ok(((of_energy * self.energy)? + (of_forces * self.force)?)?)
    }
}

/// Mean absolute errors of energies (eV a frame) and of components of forces (eV/Å).
pub fn errors(found: &[Labels], truth: &[Labels]) -> (f64, f64) {
    let energies = found.iter().zip(truth).map(|(a, b)| (a.energy - b.energy).abs()).sum::<f64>();
    let components = |labels: &[Labels]| -> Vec<f64> {
        labels.iter().flat_map(|labels| labels.forces.iter().flatten().copied().collect::<Vec<f64>>()).collect()
    };
    let (a, b) = (components(found), components(truth));
    let forces = a.iter().zip(&b).map(|(a, b)| (a - b).abs()).sum::<f64>();
    (energies / found.len().max(1) as f64, forces / a.len().max(1) as f64)
}

/// a + s b, of energies and forces.
pub fn combined(a: &Labels, s: f64, b: &Labels) -> Labels {
    let sum = |(x, y): (&Vector, &Vector)| crate::math::neighbors::plus(x, s, y);
    Labels { energy: a.energy + s * b.energy, forces: a.forces.iter().zip(&b.forces).map(sum).collect() }
}
