//! Flexible water with point charges: energies and forces of clusters and of the liquid.

mod frames;

pub use frames::{clusters, labels, liquid};

use crate::math::EnergyUnit;
use crate::math::neighbors::{Cell, Neighbors, Vector, dot, plus};

/// e²/(4πε₀) in eV Å.
const COULOMB: f64 = 14.399_645_478_425_5;

/// Cutoff of charges and dispersion in a periodic cell, in Å.
const CUTOFF: f64 = 6.0;

/// A model of water. Energies in kcal/mol, lengths in Å, as published.
#[derive(Debug)]
pub struct WaterModel {
    /// Name in settings.
    pub name: &'static str,
    /// One line for people, with the source.
    pub doc: &'static str,
    /// Charge of a hydrogen in e; an oxygen has minus twice of it.
    charge: f64,
    /// Lennard-Jones depth and diameter of a pair of oxygens.
    dispersion: (f64, f64),
    /// k and r₀ of k/2 (r - r₀)².
    bond: (f64, f64),
    /// k and θ₀ in degrees of k/2 (θ - θ₀)².
    angle: (f64, f64),
}

/// Every model.
pub static WATER_MODELS: &[WaterModel] = &[
    WaterModel {
        name: "spc_fw",
        doc: "SPC/Fw (Wu, Tepper & Voth 2006, J. Chem. Phys. 124, 024503)",
        charge: 0.41,
        dispersion: (0.1554253, 3.165492),
        bond: (1059.162, 1.012),
        angle: (75.90, 113.24),
    },
    WaterModel {
        name: "tip3p_fs",
        doc: "TIP3P/Fs (Schmitt & Voth 1999, J. Chem. Phys. 111, 9361)",
        charge: 0.417,
        dispersion: (0.1522, 3.1506),
        bond: (1059.162, 0.96),
        angle: (68.087, 104.5),
    },
];

impl WaterModel {
    /// The model of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        WATER_MODELS.iter().find(|model| model.name == name)
    }

    /// Energy in eV and forces in eV/Å of molecules whose atoms are O, H, H in turn. In a cell, charges and dispersion end at
    /// 6 Å with energy and force shifted to 0 there, which is another liquid than with Ewald sums.
    ///
    /// # Errors
    /// If the number of atoms is no multiple of three, or a position is not finite.
    pub fn evaluate(&self, positions: &[Vector], cell: Option<&Cell>) -> Result<(f64, Vec<Vector>), String> {
        if !positions.len().is_multiple_of(3) {
            return Err(format!("{} atoms are no molecules of water (O, H, H in turn)", positions.len()));
        }
        let unit = EnergyUnit::KilocaloriePerMole.electron_volts();
        let (mut energy, mut forces) = (0.0, vec![[0.0; 3]; positions.len()]);
        for first in (0..positions.len()).step_by(3) {
            let [o, h, g] = [0, 1, 2].map(|k| positions[first + k]);
            let arms = [plus(&h, -1.0, &o), plus(&g, -1.0, &o)];
            let lengths = arms.map(|arm| dot(&arm, &arm).sqrt());
            for k in 0..2 {
                let (stiff, stretch) = (self.bond.0 * unit, lengths[k] - self.bond.1);
                energy += 0.5 * stiff * stretch * stretch;
                push(&mut forces, (first, first + k + 1), stiff * stretch / lengths[k], &arms[k]);
            }
            let cosine = (dot(&arms[0], &arms[1]) / (lengths[0] * lengths[1])).clamp(-1.0, 1.0);
            let (stiff, bend) = (self.angle.0 * unit, cosine.acos() - self.angle.1.to_radians());
            energy += 0.5 * stiff * bend * bend;
            // dθ/dr_h = (cos θ a/|a| - b/|b|) / (|a| sin θ). A straight molecule has no such direction.
            let sine = (1.0 - cosine * cosine).sqrt().max(1e-8);
            for k in 0..2 {
                let (own, other) = (arms[k].map(|x| x / lengths[k]), arms[1 - k].map(|x| x / lengths[1 - k]));
                let across = plus(&own.map(|x| cosine * x), -1.0, &other);
                let force = across.map(|x| -stiff * bend * x / (lengths[k] * sine));
                forces[first + k + 1] = plus(&forces[first + k + 1], 1.0, &force);
                forces[first] = plus(&forces[first], -1.0, &force);
            }
        }
        let charge = |atom: usize| if atom.is_multiple_of(3) { -2.0 * self.charge } else { self.charge };
        let mut pair = |a: usize, b: usize, vector: &Vector, cutoff: Option<f64>| {
            let d = dot(vector, vector).sqrt();
            let product = COULOMB * charge(a) * charge(b);
            let own = |d: f64| {
                let (mut value, mut slope) = (product / d, -product / (d * d));
                if a.is_multiple_of(3) && b.is_multiple_of(3) {
                    let sixth = (self.dispersion.1 / d).powi(6);
                    value += 4.0 * self.dispersion.0 * unit * (sixth * sixth - sixth);
                    slope -= 24.0 * self.dispersion.0 * unit * (2.0 * sixth * sixth - sixth) / d;
                }
                (value, slope)
            };
            let (mut value, mut slope) = own(d);
            if let Some(cutoff) = cutoff {
                let (end, steep) = own(cutoff);
                value -= end + steep * (d - cutoff);
                slope -= steep;
            }
            energy += value;
            push(&mut forces, (a, b), slope / d, vector);
        };
        match cell {
            None => {
                for a in 0..positions.len() {
                    for b in (a / 3 + 1) * 3..positions.len() {
                        pair(a, b, &plus(&positions[b], -1.0, &positions[a]), None);
                    }
                }
            }
            Some(cell) => {
                let near = Neighbors::within(positions, Some(cell), CUTOFF)?;
                let all = near.first.iter().zip(&near.second).zip(&near.vectors);
                for ((&a, &b), vector) in all.filter(|((a, b), _)| a < b && *a / 3 != *b / 3) {
                    pair(a as usize, b as usize, vector, Some(CUTOFF));
                }
            }
        }
        Ok((energy, forces))
    }
}

/// Adds the forces of a pair whose energy rises by `slope` times its vector from the first to the second.
fn push(forces: &mut [Vector], (first, second): (usize, usize), slope: f64, vector: &Vector) {
    forces[first] = plus(&forces[first], slope, vector);
    forces[second] = plus(&forces[second], -slope, vector);
}
