//! Virtual lithium-ion cells that age: growth of the solid electrolyte interphase and loss of active material.
//!
//! A reconstruction of the single-particle simulation of Filgueira da Silva et al. 2026: the same two
//! mechanisms as closed rates per cycle, a millisecond per cell. `tests/reference/soh.py` holds it in NumPy.

use crate::math::Stream;

/// How a batch of cells is cycled: rates in units of the capacity per hour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Protocol {
    /// Rate of charge.
    pub charge: f64,
    /// Rate of discharge.
    pub discharge: f64,
}

impl std::fmt::Display for Protocol {
    /// "0.5C-1C": charge, then discharge.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}C-{}C", self.charge, self.discharge)
    }
}

/// The source batches.
pub const BATCHES: [Protocol; 3] = [
    Protocol { charge: 0.5, discharge: 1.0 },
    Protocol { charge: 1.0, discharge: 1.0 },
    Protocol { charge: 1.0, discharge: 2.0 },
];

/// Ampere hours of a fresh cell (A123 26650).
const CAPACITY: f64 = 2.3;
/// Ampere hours of charge and discharge between two checkpoints.
pub const STEP: f64 = 500.0;
/// Checkpoints of a life: 30 kAh.
pub const CHECKPOINTS: usize = 60;
/// Checkpoints up to which target cells are labelled: 20 kAh.
pub const PREFIX: usize = 40;
/// A cell is taken out of service at this state of health.
const END: f64 = 0.6;
/// Standard deviation of a measured state of health.
const NOISE: f64 = 0.002;
/// a: interphase growth of a nominal cell, a √N after N cycles.
const GROWTH: f64 = 8.5e-4;
/// b: active material that a nominal cell loses per cycle at 1C.
const LOSS: f64 = 4e-6;
/// κ: how much lost material speeds up further loss (the knee).
const KNEE: f64 = 5.0;
/// How particle size, porosity and thickness act on ln a and ln b; rows of length 1.
const MIXING: [[f64; 3]; 2] = [[0.6, 0.64, 0.48], [0.48, -0.6, 0.64]];
/// Standard deviation of ln a and ln b.
const TOLERANCE: f64 = 0.08;

/// A cell and its life: states of health (capacity over initial capacity) at throughputs 0, [`STEP`], 2 [`STEP`], …
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// Its name: a number in a drawn fleet.
    pub name: String,
    /// How it is cycled.
    pub protocol: Protocol,
    /// As measured, with noise.
    pub measured: Vec<f64>,
}

impl Cell {
    /// Cells `0..count` of a fleet, each with its own manufacturing tolerances and noise.
    pub fn fleet(seed: u64, fleet: &str, protocol: Protocol, count: usize) -> Vec<Self> {
        let seed = Stream::named(seed, fleet).bits();
        (0..count as u64)
            .map(|number| Self {
                name: number.to_string(),
                ..Self::draw(&mut Stream::numbered(seed, number), protocol)
            })
            .collect()
    }

    fn draw(stream: &mut Stream, protocol: Protocol) -> Self {
        let factors = [stream.normal(), stream.normal(), stream.normal()];
        let [growth, loss] = MIXING.map(|row| {
            let mixed: f64 = row.iter().zip(factors).map(|(weight, factor)| weight * factor).sum();
            (TOLERANCE * mixed).exp()
        });
        let health = age(protocol, GROWTH * growth, LOSS * loss, CHECKPOINTS);
        Self {
            name: String::new(),
            protocol,
            measured: health.into_iter().map(|value| value + NOISE * stream.normal()).collect(),
        }
    }
}

/// States of health at checkpoints 0 to `checkpoints`, or to the end of life: 1 - q - p with, per cycle,
/// dq = a² / (2 max(q, 10⁻⁴)) and dp = b c_dis^1.2 c_chg^0.8 (1 + κ p); `growth` is a, `loss` is b.
pub fn age(protocol: Protocol, growth: f64, loss: f64, checkpoints: usize) -> Vec<f64> {
    let stress = protocol.discharge.powf(1.2) * protocol.charge.powf(0.8);
    let (mut interphase, mut material, mut passed) = (0.0f64, 0.0, 0.0);
    let mut health = vec![1.0];
    while health.len() <= checkpoints {
        let now = 1.0 - interphase - material;
        if now < END {
            break;
        }
        passed += 2.0 * CAPACITY * now;
        interphase += growth * growth / (2.0 * interphase.max(1e-4));
        material += loss * stress * (1.0 + KNEE * material);
        if passed >= STEP * health.len() as f64 {
            health.push(1.0 - interphase - material);
        }
    }
    health
}
