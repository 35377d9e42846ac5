//! Molecular dynamics with any forces: velocity Verlet, and Langevin's equation at a temperature.

use crate::math::Stream;
use crate::math::neighbors::{Vector, dot, plus};

/// A femtosecond in units of Å √(u/eV), in which forces in eV/Å and masses in u need no factor.
const FEMTOSECOND: f64 = 0.098_226_947_884_640_63;

/// Boltzmann's constant in eV/K.
pub const BOLTZMANN: f64 = 8.617_333_262e-5;

/// A heat bath.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thermostat {
    /// Its temperature in K.
    pub kelvin: f64,
    /// Friction in 1/fs.
    pub friction: f64,
}

/// Energy (eV) and forces (eV/Å) at positions (Å).
pub type Evaluate<'a, E> = dyn FnMut(&[Vector]) -> Result<(f64, Vec<Vector>), E> + 'a;

/// How atoms move.
#[derive(Clone, Debug)]
pub struct Dynamics {
    /// Mass of each atom in u.
    pub masses: Vec<f64>,
    /// Time step in fs.
    pub step: f64,
    /// Without one the energy is kept (velocity Verlet). With one, BAOAB (Leimkuhler & Matthews 2013, Appl. Math. Res. Express
    /// 2013, 34).
    pub thermostat: Option<Thermostat>,
}

/// Where atoms are and how they move.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// In Å.
    pub positions: Vec<Vector>,
    /// In Å per Å √(u/eV); see [`Dynamics::kinetic`].
    pub velocities: Vec<Vector>,
    /// Potential energy in eV.
    pub energy: f64,
    /// In eV/Å.
    pub forces: Vec<Vector>,
}

impl Dynamics {
    /// Velocities at a temperature, with the centre of mass at rest.
    pub fn thermal(&self, kelvin: f64, stream: &mut Stream) -> Vec<Vector> {
        let draw =
            |mass: &f64| -> Vector { std::array::from_fn(|_| (BOLTZMANN * kelvin / mass).sqrt() * stream.normal()) };
        let mut velocities: Vec<Vector> = self.masses.iter().map(draw).collect();
        let total: f64 = self.masses.iter().sum();
        let weighted = |sum: Vector, (mass, v): (&f64, &Vector)| plus(&sum, mass / total, v);
        let drift = self.masses.iter().zip(&velocities).fold([0.0; 3], weighted);
        velocities.iter_mut().for_each(|v| *v = plus(v, -1.0, &drift));
        velocities
    }

    /// Kinetic energy in eV.
    pub fn kinetic(&self, state: &State) -> f64 {
        self.masses.iter().zip(&state.velocities).map(|(mass, v)| 0.5 * mass * dot(v, v)).sum()
    }

    /// Temperature in K, of all degrees of freedom but those of the centre of mass, which is at rest without a thermostat.
    pub fn temperature(&self, state: &State) -> f64 {
        let atoms = self.masses.len();
        let still = if self.thermostat.is_none() && atoms > 1 { 1 } else { 0 };
        2.0 * self.kinetic(state) / (3.0 * (atoms - still) as f64 * BOLTZMANN)
    }

    /// One time step. `evaluate` gives energy and forces at positions; `stream` is drawn from with a thermostat only.
    ///
    /// # Errors
    /// If `evaluate` fails.
    pub fn advance<E>(&self, state: &mut State, stream: &mut Stream, evaluate: &mut Evaluate<E>) -> Result<(), E> {
        let step = self.step * FEMTOSECOND;
        let kick = |state: &mut State| {
            for ((v, force), mass) in state.velocities.iter_mut().zip(&state.forces).zip(&self.masses) {
                *v = plus(v, 0.5 * step / mass, force);
            }
        };
        let drift = |state: &mut State, time: f64| {
            for (r, v) in state.positions.iter_mut().zip(&state.velocities) {
                *r = plus(r, time, v);
            }
        };
        kick(state);
        match self.thermostat {
            None => drift(state, step),
            Some(Thermostat { kelvin, friction }) => {
                drift(state, 0.5 * step);
                let kept = (-friction * self.step).exp();
                for (v, mass) in state.velocities.iter_mut().zip(&self.masses) {
                    let spread = ((1.0 - kept * kept) * BOLTZMANN * kelvin / mass).sqrt();
                    *v = v.map(|x| kept * x + spread * stream.normal());
                }
                drift(state, 0.5 * step);
            }
        }
        (state.energy, state.forces) = evaluate(&state.positions)?;
        kick(state);
        Ok(())
    }
}

/// The slope of the line that fits values at equal distances with the least squared error, per step; 0 of fewer than two.
pub fn slope(values: &[f64]) -> f64 {
    let middle = (values.len() as f64 - 1.0) / 2.0;
    let mean = values.iter().sum::<f64>() / values.len().max(1) as f64;
    let along = |of: &dyn Fn(f64, f64) -> f64| -> f64 {
        values.iter().enumerate().map(|(k, value)| of(k as f64 - middle, *value - mean)).sum()
    };
    let spread = along(&|t, _| t * t);
    if spread > 0.0 { along(&|t, value| t * value) / spread } else { 0.0 }
}
