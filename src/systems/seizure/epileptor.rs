//! Discharges of the Epileptor (Jirsa et al. 2014, doi 10.1093/brain/awu133, eq. 1 to 6): a second model of a seizure.
//!
//! Its slow variable, the permittivity, moves a column into a seizure and out of it over minutes. Labels here say when a seizure
//! begins, so that it is held at a value at which the fast variables discharge.

use crate::math::Stream;

/// Constants of the paper.
const REST_CURRENTS: [f64; 2] = [3.1, 0.45];
const SLOW_RECOVERY: f64 = 10.0;
const MEMORY: f64 = 0.01;
/// Discharges in a unit of the model's time at the permittivities that are drawn: about 0.035.
const DISCHARGES: f64 = 0.035;
/// Euler steps in a step of the caller.
const INNER: usize = 4;

/// What differs from patient to patient.
#[derive(Clone, Copy, Debug)]
pub struct Discharges {
    /// The slow variable; at rest above 3.1.
    permittivity: f64,
    /// Units of the model's time in a second.
    speed: f64,
    /// Millivolts for a unit of its potential.
    amplitude: f64,
}

impl Discharges {
    /// Of a patient: 3 to 6 discharges a second.
    pub fn new(stream: &mut Stream) -> Self {
        let mut between = |low: f64, high: f64| low + (high - low) * stream.uniform();
        let permittivity = between(2.7, 3.0);
        Self { permittivity, speed: between(3.0, 6.0) / DISCHARGES, amplitude: between(6.0, 12.0) }
    }

    /// Of one of its records: no two seizures are alike.
    pub fn varied(self, stream: &mut Stream) -> Self {
        let mut near = |value: f64, share: f64| value * (1.0 + share * (2.0 * stream.uniform() - 1.0));
        Self { permittivity: self.permittivity, speed: near(self.speed, 0.1), amplitude: near(self.amplitude, 0.2) }
    }

    /// Potential -x1 + x2 of a column from the onset on, mV with its mean removed, so many times a second.
    pub fn potential(&self, count: usize, rate: f64, stream: &mut Stream) -> Vec<f64> {
        let dt = self.speed / rate / INNER as f64;
        let z = self.permittivity;
        // Columns are at different phases.
        let skipped = (rate * stream.uniform()) as usize;
        let (mut x1, mut y1, mut x2, mut y2, mut memory) = (0.0f64, -5.0f64, 0.0f64, 0.0f64, 0.0f64);
        let mut found = Vec::with_capacity(count);
        for step in 0..count + skipped {
            for _ in 0..INNER {
                let first = if x1 < 0.0 { x1.powi(3) - 3.0 * x1 * x1 } else { (x2 - 0.6 * (z - 4.0).powi(2)) * x1 };
                let second = if x2 < -0.25 { 0.0 } else { 6.0 * (x2 + 0.25) };
                let by_x1 = y1 - first - z + REST_CURRENTS[0];
                let by_y1 = 1.0 - 5.0 * x1 * x1 - y1;
                let by_x2 = -y2 + x2 - x2.powi(3) + REST_CURRENTS[1] + 0.002 * memory - 0.3 * (z - 3.5);
                let by_y2 = (second - y2) / SLOW_RECOVERY;
                memory += dt * (x1 - MEMORY * memory);
                (x1, y1, x2, y2) = (x1 + dt * by_x1, y1 + dt * by_y1, x2 + dt * by_x2, y2 + dt * by_y2);
            }
            if step >= skipped {
                found.push(self.amplitude * (x2 - x1));
            }
        }
        let mean = found.iter().sum::<f64>() / found.len().max(1) as f64;
        found.iter_mut().for_each(|value| *value -= mean);
        found
    }
}
